/* onnx_speed.c - is a network as fast that comes in as a file of ONNX? onnx_speed MODEL BATCH TIME [FILE.onnx]...
 *
 * The network of MODEL (a model of a recipe), the same exported and imported again, and FILEs, which hold the same
 * network as others write it, are planned for inference with one thread, and run in turn, for ten seconds. Prints the
 * median of the processor's time of a run, which other programs of the machine disturb little, calls and multiply-adds
 * of each, and its time as a share of the first one's: the median of the rounds' quotients. TIME also stands for other
 * open sizes. With ENGRAM_VERBOSE=1 the calls are listed. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "engram_onnx_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8, WORDS = 8, ROUNDS = 20000 };

typedef struct runner {
	const char *name;
	eg_network *network; /* NULL: a model's */
	eg_graph *graph;
	eg_params *params;
	eg_plan *plan;
	double *ms;
} runner;

static const char *own_path; /* the export, which is removed at the end */

static void fail(const char *what, const eg_error *err) {
	fprintf(stderr, "onnx_speed: %s: %s\n", what, err ? err->message : "out of memory");
	if (own_path) unlink(own_path);
	exit(1);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b) {
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *x, int n) {
	qsort(x, (size_t)n, sizeof *x, by_size);
	return x[n / 2];
}

static void plan(runner *r, int batch, int time, const char *const *outputs) {
	eg_error err = {0};
	eg_size open[WORDS + 1] = {{0}};
	eg_tensor x;
	int n = 0;
	for (int i = 0; (x = eg_graph_input(r->graph, i)).id; i++) {
		const eg_dims d = eg_tensor_dims(r->graph, x);
		for (int k = 0; k < d.rank && n < WORDS; k++)
			if (d.d[k] < 0 && d.d[k] != EG_N && d.d[k] != EG_T) open[n++] = (eg_size){eg_open_name(r->graph, d.d[k]), time};
	}
	r->plan = eg_plan_new(r->graph, r->params, &(eg_plan_options){.batch = batch, .time = time, .sizes = open, .outputs = outputs}, &err);
	r->ms = malloc(ROUNDS * sizeof *r->ms);
	if (!r->plan || !r->ms) fail(r->name, r->plan ? NULL : &err);
	for (int i = 0; (x = eg_graph_input(r->graph, i)).id; i++) {
		const char *name = eg_tensor_name(r->graph, x);
		const eg_dims d = eg_plan_dims(r->plan, x);
		void *to = eg_plan_input(r->plan, name);
		const int whole = !strncmp(name, "lengths", 7) ? time : 1;
		int64_t count = 1;
		for (int k = 0; k < d.rank; k++) count *= d.d[k];
		for (int64_t k = 0; to && k < count; k++) {
			if (eg_tensor_dtype(r->graph, x) == EG_F32) ((eg_real *)to)[k] = (eg_real)(k * 7919 % 2048) / 1024 - 1;
			else if (eg_tensor_dtype(r->graph, x) == EG_I32) ((int32_t *)to)[k] = whole;
			else if (eg_tensor_dtype(r->graph, x) == EG_I64) ((int64_t *)to)[k] = whole;
		}
	}
	eg_plan_run(r->plan, 0); /* weights come into their order */
}

static void open_file(runner *r, const char *path, eg_context *ctx) {
	eg_error err = {0};
	r->network = eg_network_load(path, ctx, &err);
	if (r->network) r->graph = eg_network_graph(r->network, &r->params, &err);
	if (!r->graph) fail(path, &err);
}

/* A round is a run of each, so that all see the same machine. */
static int measure(runner *all, int n) {
	const time_t end = time(NULL) + 10;
	int rounds = 0;
	while (rounds < ROUNDS && (rounds < 5 || time(NULL) < end)) {
		for (int i = 0; i < n; i++) {
			const double before = now();
			eg_plan_run(all[i].plan, 0);
			all[i].ms[rounds] = now() - before;
		}
		rounds++;
	}
	return rounds;
}

static void show(const runner *all, int n, int rounds) {
	double *quotients = malloc((size_t)n * (size_t)rounds * sizeof *quotients);
	if (!quotients) fail("quotients", NULL);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < rounds; k++) quotients[(size_t)i * (size_t)rounds + (size_t)k] = all[i].ms[k] / all[0].ms[k];
	printf("%d rounds\n", rounds);
	for (int i = 0; i < n; i++) {
		eg_cost cost;
		eg_plan_cost(all[i].plan, &cost);
		printf("%-40s %9.4f ms  %5.3f  %4d calls  %8.2f million multiply-adds\n", all[i].name, median(all[i].ms, rounds),
			median(quotients + (size_t)i * (size_t)rounds, rounds), eg_plan_calls(all[i].plan), cost.macs * 1e-6);
		if (getenv("ENGRAM_VERBOSE")) puts(eg_plan_describe(all[i].plan));
	}
	free(quotients);
}

int main(int argc, char **argv) {
	char path[64];
	eg_error err = {0};
	eg_model *m = NULL;
	runner all[MOST] = {{.name = "the recipe's"}, {.name = "exported and imported again"}};
	const int batch = argc > 3 ? atoi(argv[2]) : 0, steps = argc > 3 ? atoi(argv[3]) : 0;
	int n = 2;
	if (batch < 1 || steps < 1) return fprintf(stderr, "onnx_speed MODEL BATCH TIME [FILE.onnx]...\n"), 2;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	if (!ctx || eg_model_load(argv[1], ctx, &m, &err)) fail(argv[1], &err);
	const char **outputs = eg_recipe_answers(eg_model_recipe(m));
	if (!outputs) fail(argv[1], NULL);
	snprintf(path, sizeof path, "/tmp/engram-onnx-speed-%d.onnx", (int)getpid());
	own_path = path;
	if (eg_onnx_write(path, &(eg_onnx_parts){.graph = eg_model_graph(m), .params = eg_model_params(m), .outputs = outputs, .no_states = true}, NULL, &err)) fail(argv[1], &err);
	all[0].graph = eg_model_graph(m);
	all[0].params = eg_model_params(m);
	plan(&all[0], batch, steps, outputs);
	open_file(&all[1], path, ctx);
	for (int i = 4; i < argc && n < MOST; i++) {
		all[n].name = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
		open_file(&all[n++], argv[i], ctx);
	}
	for (int i = 1; i < n; i++) plan(&all[i], batch, steps, NULL);
	show(all, n, measure(all, n));
	for (int i = 0; i < n; i++) {
		free(all[i].ms);
		eg_plan_free(all[i].plan);
		eg_network_free(all[i].network);
	}
	unlink(path);
	free(outputs);
	eg_model_free(m);
	eg_context_free(ctx);
	return 0;
}

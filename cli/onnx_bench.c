/* onnx_bench.c - engram bench of files of ONNX: how long a run of the network takes, on made-up numbers. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "onnx.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RUNS = 100000 };

typedef struct problem {
	char *path;
	int batch, size; /* every other open size */
} problem;

/* "net.onnx:n8t100": the path, and the sizes behind its last colon; path NULL: it is none. */
static problem parsed(const char *text) {
	problem p = {.batch = 1, .size = CLI_OPEN_SIZE};
	const char *colon = strrchr(text, ':'), *at = colon ? colon + 1 : "";
	size_t n = strlen(text);
	while (colon && (*at == 'n' || *at == 't')) {
		char *end;
		const long v = strtol(at + 1, &end, 10);
		if (end == at + 1 || v < 1 || v > 1000000) break;
		*(*at == 'n' ? &p.batch : &p.size) = (int)v;
		at = end;
	}
	if (colon && colon[1] && !*at) n = (size_t)(colon - text);
	p.path = cli_alloc(n + 1);
	memcpy(p.path, text, n);
	if (!eg_network_is(p.path)) free(p.path), p.path = NULL;
	return p;
}

bool onnx_is_problem(const char *text) {
	problem p = parsed(text);
	free(p.path);
	return p.path != NULL;
}

/* An input of ones, which are ids that every table has; lengths are whole. */
static bool made(const problem *p, const eg_network *n, const eg_onnx_value *v, onnx_arrays *a) {
	eg_network_array *x = &a->at[a->n];
	size_t count = 1;
	*x = (eg_network_array){.name = v->name, .dims = {.rank = v->rank}};
	if (!eg_network_type(n, v->name, &x->type) || v->rank > EG_MAX_DIMS) return false;
	for (int i = 0; i < v->rank; i++) {
		const char *open = v->dims[i] < 0 && v->open ? v->open[i] : NULL;
		x->dims.d[i] = v->dims[i] >= 0 ? v->dims[i] : (open && *open ? !strcmp(open, "batch") : !i) ? p->batch : p->size;
		count *= (size_t)x->dims.d[i];
	}
	char *data = cli_alloc(count * eg_dtype_size(x->type) + 1);
	const int whole = !strncmp(v->name, "lengths", 7) ? p->size : 1;
	for (size_t i = 0; i < count; i++) {
		if (x->type == EG_F32) ((eg_real *)(void *)data)[i] = (eg_real)((double)(i * 7919 % 2048) / 1024 - 1);
		else if (x->type == EG_I32) ((int32_t *)(void *)data)[i] = whole;
		else if (x->type == EG_I64) ((int64_t *)(void *)data)[i] = whole;
		else if (x->type == EG_F64) ((double *)(void *)data)[i] = (double)(i * 7919 % 2048) / 1024 - 1;
		else if (x->type == EG_U8 || x->type == EG_BOOL) data[i] = 1;
	}
	x->data = a->owned[a->n++] = data;
	return true;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b) {
	const double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void show(const cli_args *a, const char *name, int threads, double *ms, int runs, const eg_cost *cost) {
	char memory[NUMBER];
	qsort(ms, (size_t)runs, sizeof *ms, by_size);
	const double median = ms[runs / 2], gflops = 2 * cost->macs / median * 1e-6;
	if (!args_has(a, "json")) {
		printf("%s: %d thread%s, median %.4f ms, best %.4f ms of %d runs, %.2f GFLOP/s, %s\n", text_shown(name), threads, threads == 1 ? "" : "s", median, ms[0],
			runs, gflops, number_bytes(memory, (double)cost->memory.total));
		return;
	}
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "problem", name);
	eg_value_put_text(v, "mode", "infer");
	eg_value_put_int(v, "threads", threads);
	eg_value_put_number(v, "median_ms", median);
	eg_value_put_number(v, "min_ms", ms[0]);
	eg_value_put_number(v, "gflops", gflops);
	eg_value_put_int(v, "runs", runs);
	eg_value_put_int(v, "memory_bytes", (int64_t)cost->memory.total);
	print_json(v);
	eg_value_free(v);
}

/* One run to plan and pack, then as many as there is time for, at least three. */
static int measure(const cli_args *a, const char *name, eg_network *n, const onnx_arrays *x, int threads) {
	eg_error err;
	eg_cost cost;
	double seconds = 2, *ms = cli_alloc(MOST_RUNS * sizeof *ms);
	const int wanted = (int)args_number(a, "runs", 0);
	eg_network_array *out = cli_alloc((size_t)(eg_network_model(n)->noutputs + 1) * sizeof *out);
	int runs = 0;
	if (!args_real(a, "seconds", 1e-6, 3600, &seconds)) return free(ms), free(out), CLI_USAGE;
	eg_status status = eg_network_run(n, x->at, x->n, out, &err);
	for (const double begin = now(); !status && (wanted ? runs < wanted : runs < 3 || (now() - begin < seconds * 1e3 && runs < MOST_RUNS)); runs++) {
		const double before = now();
		status = eg_network_run(n, x->at, x->n, out, &err);
		ms[runs] = now() - before;
	}
	if (!status && eg_network_cost(n, &cost)) show(a, name, threads, ms, runs, &cost);
	free(ms);
	free(out);
	return status ? fail("bench", "%s: %s", name, err.message) : CLI_OK;
}

static int bench_one(const cli_args *a, const char *text, eg_context *ctx) {
	problem p = parsed(text);
	if (!p.path) return fail("bench", "%s is no file of ONNX; problems and files are not measured together", text);
	eg_network *n = onnx_open(a, p.path, ctx);
	int code = n ? CLI_OK : CLI_FAILED;
	if (n) {
		const eg_onnx_model *m = eg_network_model(n);
		onnx_arrays x = {.of = n, .at = cli_alloc((size_t)(m->ninputs + 1) * sizeof *x.at), .owned = cli_alloc((size_t)(m->ninputs + 1) * sizeof *x.owned)};
		for (int i = 0; i < m->ninputs && !code; i++)
			if (!made(&p, n, &m->inputs[i], &x)) code = fail("bench", "%s: input '%s' is of a type that is not supported", text, text_shown(m->inputs[i].name));
		if (!code) code = measure(a, text, n, &x, eg_context_threads(ctx));
		onnx_arrays_clear(&x);
	}
	eg_network_free(n);
	free(p.path);
	return code;
}

int onnx_bench(const cli_args *a) {
	int code = CLI_OK;
	const char *mode = args_text(a, "mode");
	if (mode && strcmp(mode, "infer") != 0) return fail_usage("bench", "files of ONNX are measured with --mode infer");
	if (args_has(a, "file")) return fail_usage("bench", "files of ONNX are named, one by one, not in a file of problems");
	eg_context *ctx = cli_context(a);
	if (!ctx) return CLI_FAILED;
	for (int i = 0; i < a->noperands; i++) {
		const int one = bench_one(a, a->operands[i], ctx);
		if (one) code = one;
	}
	eg_context_free(ctx);
	return code;
}

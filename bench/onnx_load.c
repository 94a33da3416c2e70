/* onnx_load.c - how long a large model of ONNX takes until it can run, and how much memory: onnx_load [MB|FILE.onnx]
 *
 * A model of linear and recurrent layers and convolutions is written, or FILE is there; then, in processes of their
 * own, it is read and copied once, loaded, imported and planned (batch 1, time 4), and run once besides, which a plan
 * that leaves work to its first run would show. Prints the processor's seconds (the least of seven) and the peak of
 * memory. */
#define _DEFAULT_SOURCE /* wait4 */

#include "engram_onnx_file.h"
#include "engram_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path = "/tmp/engram-onnx-load.onnx";

static void fail(const char *why) {
	fprintf(stderr, "onnx_load: %s\n", why);
	exit(1);
}

static double seconds(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

/* Half of the weights in linear layers, the rest in a recurrent layer and convolutions. */
static void save(double mb) {
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, &err);
	eg_graph *g = eg_graph_new(ctx, &err);
	const int units = 1024, layers = (int)(mb / 8 + 0.5);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, units));
	for (int i = 0; i < layers; i++) x = eg_relu(g, eg_linear(g, x, .units = units));
	x = eg_lstm(g, x, .hidden = (int)(units * mb / 160));
	eg_tensor y = eg_input(g, "picture", EG_F32, EG_DIMS(EG_N, 256, 14, 14));
	for (int i = 0; i < (int)(mb / 16 + 0.5); i++) y = eg_relu(g, eg_conv2d(g, y, .filters = 256, .kernel = {3, 3}, .padding = {1, 1}));
	eg_output(g, "sequence", x);
	eg_output(g, "map", y);
	eg_params *p = eg_params_new(g, 1, &err);
	eg_onnx_model *m = p ? eg_onnx_export(g, p, NULL, 0, &err) : NULL;
	if (!m || eg_onnx_file_save(path, m, &err)) fail(err.message);
	eg_onnx_free(m);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void read_and_copy(void) {
	struct stat s;
	FILE *f = fopen(path, "rb");
	if (!f || fstat(fileno(f), &s)) fail("the model cannot be read");
	char *a = malloc((size_t)s.st_size), *b = malloc((size_t)s.st_size);
	if (!a || !b || fread(a, 1, (size_t)s.st_size, f) != (size_t)s.st_size) fail("the model cannot be read");
	memcpy(b, a, (size_t)s.st_size);
	if (b[s.st_size - 1] != a[s.st_size - 1]) fail("the copy differs");
	free(a);
	free(b);
	fclose(f);
}

static void load_and(bool run) {
	eg_error err = {0};
	eg_graph *g = NULL;
	eg_params *p = NULL;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_onnx_file *f = eg_onnx_file_load(path, &err);
	if (!f || eg_onnx_import(ctx, eg_onnx_file_model(f), &g, &p, &err)) fail(err.message);
	eg_onnx_file_free(f);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .time = 4}, &err);
	if (!plan) fail(err.message);
	if (run) eg_plan_run(plan, 0);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void load(void) { load_and(false); }
static void load_and_run(void) { load_and(true); }

/* In a process of its own, so that its memory is. */
static void measure(const char *what, void (*run)(void), double mb) {
	double least = 1e9;
	long peak = 0;
	for (int i = 0; i < 7; i++) {
		int status = 0;
		const pid_t child = fork();
		if (child == 0) {
			run();
			_exit(0);
		}
		struct rusage used;
		if (child < 0 || wait4(child, &status, 0, &used) < 0 || status) fail("a process has failed");
		if (used.ru_maxrss > peak) peak = used.ru_maxrss;
		const double took = seconds(used.ru_utime) + seconds(used.ru_stime);
		if (took < least) least = took;
	}
	printf("%-24s %7.3f s %7.1f MB at most, %4.2f times the file\n", what, least, (double)peak / 1024, (double)peak / 1024 / mb);
}

int main(int argc, char **argv) {
	struct stat s;
	const bool own = argc < 2 || !strstr(argv[1], ".onnx");
	if (!own) path = argv[1];
	const pid_t child = own ? fork() : 0; /* what it takes to write it is not counted */
	if (own && child == 0) {
		save(argc > 1 ? atof(argv[1]) : 100);
		_exit(0);
	}
	if (child < 0 || (own && waitpid(child, NULL, 0) < 0) || stat(path, &s)) fail("there is no model");
	const double mb = (double)s.st_size / 1048576;
	printf("%.1f MB\n", mb);
	measure("read and copied once", read_and_copy, mb);
	measure("loaded and planned", load, mb);
	measure("and run once", load_and_run, mb);
	if (own) unlink(path);
	return 0;
}

/* bench_lstm.c - speed of whole LSTM networks through the public interface: inference, training, one step at a time.
 *
 *     bench_lstm [ref|avx2|avx512] [--threads N] [lstm:l2,t100,n64,i512,h512 ...]
 *
 * A problem: l layers, t steps, n samples, i inputs, h hidden units; gru: and rnn: likewise. Without any, the rows of
 * the table that the engine is measured by. Per problem and mode the median time, GFLOP/s of the matrix products
 * (backward counts twice forward), and their share of the peak of fused multiply-adds, measured between the
 * problems. A step of one sample is timed in microseconds, eg_plan_run included.
 *
 * Not here: single kernels (bench_gemm.c). */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "base/base.h"
#include "peak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 15, LEAST_US = 30000 };

/* ---- problems ---------------------------------------------------------------------------------------------------- */

typedef struct problem {
	char cell[8];
	int layers, steps, samples, inputs, hidden;
} problem;

static const char *const defaults[] = {"lstm:l2,t100,n64,i512,h512", "lstm:l1,t100,n32,i128,h128",
	"lstm:l1,t50,n16,i256,h1024", "lstm:l1,t200,n1,i64,h64", "lstm:l1,t1,n1,i64,h64", "lstm:l1,t1,n1,i256,h256",
	"gru:l1,t100,n32,i128,h128", "rnn:l1,t100,n32,i128,h128"};

static bool parse(const char *text, problem *p) {
	*p = (problem){.layers = 1, .steps = 1, .samples = 1, .inputs = 64, .hidden = 64};
	const char *colon = strchr(text, ':');
	if (!colon || colon - text >= (ptrdiff_t)sizeof p->cell) return false;
	memcpy(p->cell, text, (size_t)(colon - text));
	for (const char *s = colon; *s;) {
		char *end;
		const char key = *++s;
		long v = strtol(s + 1, &end, 10);
		if (end == s + 1 || v < 1 || v > 1000000 || (*end && *end != ',')) return false;
		*(key == 'l'         ? &p->layers
		        : key == 't' ? &p->steps
		        : key == 'n' ? &p->samples
		        : key == 'i' ? &p->inputs
		                     : &p->hidden) = (int)v;
		if (!strchr("ltnih", key)) return false;
		s = end;
	}
	return true;
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static eg_tensor build(eg_graph *g, const problem *p) {
	_Alignas(16) char options[512] = {0};
	const eg_op_info *op = eg_op_find(p->cell);
	for (int i = 0; op && i < op->nattrs; i++) {
		int *field = (int *)(void *)(options + op->attrs[i].offset);
		if (!strcmp(op->attrs[i].name, "hidden")) *field = p->hidden;
		if (!strcmp(op->attrs[i].name, "layers")) *field = p->layers;
	}
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, p->inputs));
	return eg_apply(g, p->cell, options, &x, 1);
}

/* Median seconds of a run; negative on failure. */
static double time_plan(eg_plan *plan, const problem *p, bool train) {
	double seconds[ROUNDS];
	eg_real *x = eg_plan_input(plan, "x"), *dy = train ? eg_plan_grad(plan, "y") : NULL;
	for (int64_t i = 0; i < (int64_t)p->steps * p->samples * p->inputs; i++)
		x[i] = (eg_real)((double)(i * 7919 % 1000) / 1000 - 0.5);
	for (int64_t i = 0; dy && i < (int64_t)p->steps * p->samples * p->hidden; i++)
		dy[i] = (eg_real)((double)(i * 104729 % 1000) / 1000 - 0.5);
	double start = now();
	eg_plan_run(plan, 0);
	eg_plan_run(plan, 0);
	double once = (now() - start) / 2;
	int calls = once * 1e6 < LEAST_US ? (int)(LEAST_US / (once * 1e6)) + 1 : 1;
	for (int i = 0; i < ROUNDS; i++) {
		start = now();
		for (int k = 0; k < calls; k++) eg_plan_run(plan, 0);
		seconds[i] = (now() - start) / calls;
	}
	qsort(seconds, ROUNDS, sizeof *seconds, rising);
	return seconds[ROUNDS / 2];
}

static double peak(eg_context *ctx) {
	eg_machine m;
	eg_machine_measure(ctx, &m);
	return m.peak_all;
}

static bool measure(eg_context *ctx, const char *text) {
	problem p;
	eg_error err;
	if (!parse(text, &p))
		return fprintf(stderr, "bench_lstm: '%s' is no problem like lstm:l2,t100,n64,i512,h512\n", text), false;
	eg_graph *g = eg_graph_new(ctx, &err);
	if (g) eg_output(g, "y", build(g, &p));
	eg_params *params = g ? eg_params_new(g, 1, &err) : NULL;
	double flops = 0;
	for (int i = 0; params && i < eg_params_count(params); i++) {
		eg_dims d = eg_params_dims(params, i);
		if (d.rank == 3) flops += 2.0 * (double)(d.d[0] * d.d[1] * d.d[2]) * p.steps * p.samples;
	}
	bool ok = params != NULL;
	for (int train = 0; train < (p.steps > 1 ? 2 : 1) && ok; train++) {
		eg_plan *plan = eg_plan_new(g, params,
		        &(eg_plan_options){
		                .batch = p.samples, .time = p.steps, .train = train != 0, .input_grads = train != 0}, &err);
		ok = plan != NULL;
		if (!ok) break;
		double best_peak = peak(ctx), seconds = time_plan(plan, &p, train != 0);
		double after = peak(ctx);
		if (after > best_peak) best_peak = after;
		double gflops = flops * (train ? 3 : 1) / seconds * 1e-9;
		printf("%-30s %-6s %7d %12.4f %10.1f %7.1f %7.0f\n", text, train ? "train" : "infer",
		        eg_context_threads(ctx), seconds * 1e3, gflops, best_peak > 0 ? 100 * gflops / best_peak : 0,
		        best_peak);
		fflush(stdout);
		eg_plan_free(plan);
	}
	if (!ok) fprintf(stderr, "bench_lstm: %s\n", err.message);
	eg_params_free(params);
	eg_graph_free(g);
	return ok;
}

int main(int argc, char **argv) {
	const char *isa = NULL, *problems[32];
	int threads = 0, n = 0;
	eg_error err = {0};
	eg_isa known;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--threads") && i + 1 < argc)
			threads = atoi(argv[++i]);
		else if (eg_isa_parse(argv[i], &known))
			isa = argv[i];
		else if (strchr(argv[i], ':') && n < EG_COUNT(problems))
			problems[n++] = argv[i];
		else
			return fprintf(stderr, "usage: bench_lstm [ref|avx2|avx512] [--threads N] "
			                       "[lstm:l2,t100,n64,i512,h512 ...]\n"),
			       2;
	}
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = threads, .isa = isa}, &err);
	if (!ctx) return fprintf(stderr, "bench_lstm: %s\n", err.message), 77;
	bool ok = true;
	printf("%-30s %-6s %7s %12s %10s %7s %7s\n", "problem", "mode", "threads", "median ms", "GFLOP/s", "% peak",
	        "peak");
	for (int i = 0; i < (n ? n : EG_COUNT(defaults)) && ok; i++)
		ok = measure(ctx, n ? problems[i] : defaults[i]);
	eg_context_free(ctx);
	return ok ? 0 : 1;
}

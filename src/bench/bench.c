/* bench.c - a problem becomes a graph, runs, and is timed. The method is that of bench/peer_pytorch.py, so that both
 * can be compared.
 *
 * Not here: reading problems (problem.c), printing (cli/bench.c). */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "base/base.h"
#include "engram_bench.h"
#include "engram_ops.h"
#include "engram_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FEWEST = 5, MOST = 400, LONG_RUNS = 3, WARM_UP = 3 };
static const double SAMPLE = 2e-3, SECONDS = 2; /* a sample lasts this long at least; default of the time for a
                                                 * problem */

typedef struct bench {
	eg_context *ctx;
	const eg_problem *problem;
	const eg_bench_options *options;
	eg_graph *graph;
	eg_params *params;
	eg_plan *plan;
	eg_optimizer *optimizer;
	uint64_t step;
	eg_error why; /* of what failed first */
} bench;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- graphs ------------------------------------------------------------------------------------------------------ */

static int value(const bench *b, char letter) { return eg_problem_value(b->problem, letter); }

static void conv2d(bench *b) {
	eg_graph *g = b->graph;
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, value(b, 'c'), value(b, 'h'), value(b, 'w')));
	eg_output(g, "y", eg_conv2d(g, x, .filters = value(b, 'k'), .kernel = {value(b, 'r'), value(b, 's')},
		.padding = {value(b, 'p'), value(b, 'q')}, .stride = {value(b, 'u'), value(b, 'v')}, .groups = value(b, 'g')));
}

static void recurrent(bench *b) {
	eg_graph *g = b->graph;
	const int H = value(b, 'h'), L = value(b, 'l');
	const bool both = b->problem->bidirectional;
	const char *cell = b->problem->kind->name;
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, value(b, 'i'))), y;
	if (!strcmp(cell, "lstm")) y = eg_lstm(g, x, .hidden = H, .layers = L, .bidirectional = both);
	else if (!strcmp(cell, "gru")) y = eg_gru(g, x, .hidden = H, .layers = L, .bidirectional = both);
	else y = eg_rnn(g, x, .hidden = H, .layers = L, .bidirectional = both);
	eg_output(g, "y", y);
}

static void gemm(bench *b) {
	eg_graph *g = b->graph;
	eg_tensor left = eg_input(g, "x", EG_F32, EG_DIMS(value(b, 'm'), value(b, 'k')));
	eg_tensor right = eg_input(g, "b", EG_F32, EG_DIMS(value(b, 'k'), value(b, 'n')));
	eg_output(g, "y", eg_matmul(g, left, right));
}

/* Tensors without a batch. */
static void elements(const bench *b, const char *const *names, int n, eg_tensor *t) {
	for (int i = 0; i < n; i++) t[i] = eg_input(b->graph, names[i], EG_F32, EG_DIMS(value(b, 'n')));
}
static const char *const operands[] = {"x", "b", "c", "d", "e"};

static void chain(bench *b) {
	eg_graph *g = b->graph;
	eg_tensor t[EG_COUNT(operands)];
	elements(b, operands, EG_COUNT(operands), t);
	eg_tensor y = eg_sub(g, eg_mul(g, eg_add(g, t[0], t[1]), t[2]), t[3]);
	eg_output(g, "y", eg_relu(g, eg_max(g, y, t[4])));
}

static void copy(bench *b) {
	eg_tensor t[3];
	elements(b, operands, 3, t);
	eg_output(b->graph, "y", eg_concat(b->graph, t[0], t[1], .axis = EG_ZERO, .x3 = t[2]));
}

static void lenet5(bench *b) {
	eg_graph *g = b->graph;
	eg_tensor h = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, 28, 28)), label = eg_input(g, "target", EG_I32, EG_DIMS(EG_N));
	h = eg_maxpool2d(g, eg_relu(g, eg_conv2d(g, h, .filters = 6, .kernel = {5, 5}, .padding = {2, 2})), .kernel = {2, 2});
	h = eg_maxpool2d(g, eg_relu(g, eg_conv2d(g, h, .filters = 16, .kernel = {5, 5})), .kernel = {2, 2});
	h = eg_flatten(g, eg_relu(g, eg_conv2d(g, h, .filters = 120, .kernel = {5, 5})));
	h = eg_linear(g, eg_relu(g, eg_linear(g, h, .units = 84)), .units = 10);
	eg_output(g, "y", h);
	eg_output(g, "loss", eg_cross_entropy(g, h, label));
}

static eg_tensor normed(eg_graph *g, eg_tensor x, int filters, int stride) {
	return eg_batchnorm(g, eg_conv2d(g, x, .filters = filters, .kernel = {3, 3}, .padding = {1, 1}, .stride = {stride, stride}, .no_bias = true));
}

/* Where a stage begins, the shortcut takes every other pixel and gets channels of zeros: it has no weights. */
static void resnet20(bench *b) {
	eg_graph *g = b->graph;
	eg_tensor h = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, 32, 32)), label = eg_input(g, "target", EG_I32, EG_DIMS(EG_N));
	h = eg_relu(g, normed(g, h, 16, 1));
	for (int stage = 0; stage < 3; stage++)
		for (int block = 0; block < 3; block++) {
			const int filters = 16 << stage, stride = stage > 0 && block == 0 ? 2 : 1;
			eg_tensor x = h; /* the shortcut first: the convolutions' result is added to it in its place */
			if (stride > 1)
				x = eg_pad2d(g, eg_avgpool2d(g, x, .kernel = {1, 1}, .stride = {2, 2}), .channels = {0, filters / 2});
			h = normed(g, eg_relu(g, normed(g, h, filters, stride)), filters, 1);
			h = eg_relu(g, eg_add(g, h, x));
		}
	h = eg_linear(g, eg_flatten(g, eg_globalavgpool2d(g, h)), .units = 10);
	eg_output(g, "y", h);
	eg_output(g, "loss", eg_cross_entropy(g, h, label));
}

static void charlstm(bench *b) {
	eg_graph *g = b->graph;
	eg_tensor ids = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), target = eg_input(g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor h = eg_lstm(g, eg_embedding(g, ids, .count = 65, .size = 64), .hidden = value(b, 'h'), .layers = value(b, 'l'));
	h = eg_linear(g, h, .units = 65);
	eg_output(g, "y", h);
	eg_output(g, "loss", eg_cross_entropy(g, h, target));
}

static const struct builder {
	const char *kind;
	void (*build)(bench *b);
	int classes; /* of a network's target */
	eg_optimizer_config optimizer;
} builders[] = {
	{"conv2d", conv2d, 0, {0}},
	{"lstm", recurrent, 0, {0}},
	{"gru", recurrent, 0, {0}},
	{"rnn", recurrent, 0, {0}},
	{"gemm", gemm, 0, {0}},
	{"chain", chain, 0, {0}},
	{"copy", copy, 0, {0}},
	{"lenet5", lenet5, 10, {.kind = EG_SGD, .lr = 0.01, .momentum = 0.9}},
	{"resnet20", resnet20, 10, {.kind = EG_SGD, .lr = 0.01, .momentum = 0.9}},
	{"charlstm", charlstm, 65, {.kind = EG_ADAM, .lr = 1e-3}},
};

static const struct builder *builder_of(const eg_problem *p) {
	const struct builder *b = builders;
	while (strcmp(b->kind, p->kind->name) != 0) b++;
	return b;
}

/* ---- data -------------------------------------------------------------------------------------------------------- */

static size_t count(const bench *b, eg_tensor t) {
	eg_dims d = eg_plan_dims(b->plan, t);
	size_t n = 1;
	for (int i = 0; i < d.rank; i++) n *= (size_t)d.d[i];
	return n;
}

/* Numbers in [-0.5, 0.5), or whole ones below `limit`. */
static void fill(const bench *b, const char *name, int limit) {
	void *p = eg_plan_input(b->plan, name);
	eg_tensor t = eg_graph_find(b->graph, name);
	if (!p) return;
	size_t n = count(b, t);
	eg_rng rng = {1, eg_stream(EG_RNG_TEST, (uint32_t)t.id, 0)};
	for (size_t i = 0; i < n; i++) {
		if (eg_tensor_dtype(b->graph, t) == EG_I32) ((int32_t *)p)[i] = (int32_t)eg_rng_below(rng, i, (uint64_t)limit);
		else ((eg_real *)p)[i] = (eg_real)(eg_rng_uniform(rng, i) - 0.5);
	}
}

static void fill_gradient(const bench *b) {
	eg_real *dy = eg_plan_grad(b->plan, "y");
	size_t n = dy ? count(b, eg_graph_find(b->graph, "y")) : 0;
	eg_rng rng = {1, eg_stream(EG_RNG_TEST, 0, 1)};
	for (size_t i = 0; i < n; i++) dy[i] = (eg_real)(eg_rng_uniform(rng, i) - 0.5);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static void run(bench *b) {
	eg_plan_run(b->plan, b->step++);
	if (!b->options->train) return;
	if (!b->optimizer) eg_params_changed(b->params);
	else if (!b->why.status) eg_optimizer_step(b->optimizer, eg_optimizer_lr(b->optimizer), NULL, &b->why);
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double time_runs(bench *b, int inner) {
	double start = now();
	for (int i = 0; i < inner; i++) run(b);
	return (now() - start) / inner;
}

static void measure(bench *b, eg_bench_result *r) {
	const eg_bench_options *o = b->options;
	double samples[MOST], seconds = o->seconds > 0 ? o->seconds : SECONDS, shown = now();
	int inner = 1, n = o->runs;
	run(b);
	if (o->runs <= 0) {
		double one = time_runs(b, 1);
		inner = one < SAMPLE ? (int)fmin(1e6, SAMPLE / fmax(one, 1e-7)) : 1;
		if (inner < 1) inner = 1;
		n = one < seconds ? (int)fmax(FEWEST, fmin(MOST, seconds / (one * inner))) : LONG_RUNS;
		for (int i = 0; i < WARM_UP && i < n; i++) run(b);
	}
	if (n > MOST) n = MOST;
	for (int i = 0; i < n; i++) {
		samples[i] = time_runs(b, inner);
		if (!o->progress || now() - shown < 0.1) continue;
		o->progress(o->user, (double)(i + 1) / n);
		shown = now();
	}
	qsort(samples, (size_t)n, sizeof *samples, rising);
	r->median_ms = samples[n / 2] * 1e3;
	r->min_ms = samples[0] * 1e3;
	r->runs = n;
	r->gflops = samples[n / 2] > 0 ? eg_problem_flops(b->problem, o->train) / samples[n / 2] * 1e-9 : 0;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void list_kernels(const bench *b, eg_bench_result *r) {
	eg_call_info c;
	for (int i = 0; i < eg_plan_calls(b->plan); i++) {
		eg_bench_kernel new = {.calls = 1};
		int k = 0;
		eg_plan_call(b->plan, i, &c);
		if (c.pack) continue;
		snprintf(new.kernel, sizeof new.kernel, "%s", c.kernel);
		snprintf(new.algorithm, sizeof new.algorithm, "%s", c.algorithm ? c.algorithm : "");
		snprintf(new.layout, sizeof new.layout, "%s", c.layout);
		while (k < r->nkernels && (strcmp(r->kernels[k].kernel, new.kernel) != 0 || strcmp(r->kernels[k].layout, new.layout) != 0 ||
					   strcmp(r->kernels[k].algorithm, new.algorithm) != 0))
			k++;
		if (k < r->nkernels) r->kernels[k].calls++;
		else if (k < EG_BENCH_KERNELS) r->kernels[r->nkernels++] = new;
	}
}

static void count_memory(const bench *b, eg_bench_result *r) {
	eg_plan_memory(b->plan, &r->plan);
	r->memory = r->plan.total + r->plan.parameters + r->plan.gradients;
	for (int i = 0; b->optimizer && i < eg_optimizer_moments(b->optimizer); i++) r->memory += r->plan.parameters;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static bool prepare(bench *b) {
	const struct builder *builder = builder_of(b->problem);
	static const char *const answer[] = {"y", NULL}, *const loss[] = {"loss", NULL};
	const bool train = b->options->train, network = b->problem->kind->network;
	b->graph = eg_graph_new(b->ctx, &b->why);
	if (!b->graph) return false;
	builder->build(b);
	b->params = eg_params_new(b->graph, 1, &b->why);
	if (!b->params) return false;
	const bool batchless = builder->build == gemm || builder->build == chain || builder->build == copy;
	const int batch = batchless ? 1 : value(b, 'n');
	b->plan = eg_plan_new(b->graph, b->params, &(eg_plan_options){.batch = batch, .time = value(b, 't'), .train = train,
		.input_grads = train && !network, .outputs = train && network ? loss : answer}, &b->why);
	if (!b->plan) return false;
	fill(b, "x", 65);
	for (int i = 1; i < EG_COUNT(operands); i++) fill(b, operands[i], 0);
	fill(b, "target", builder->classes);
	fill_gradient(b);
	if (!train || !network) return true;
	b->optimizer = eg_optimizer_new(b->params, &builder->optimizer, &b->why);
	return b->optimizer != NULL;
}

eg_status eg_problem_graph(const eg_problem *p, eg_context *ctx, eg_graph **graph, eg_error *err) {
	bench b = {.ctx = ctx, .problem = p, .graph = eg_graph_new(ctx, err)};
	*graph = NULL;
	if (!b.graph) return EG_ERR_MEMORY;
	builder_of(p)->build(&b);
	eg_status status = eg_graph_status(b.graph, err);
	if (status) eg_graph_free(b.graph);
	else *graph = b.graph;
	return status;
}

eg_status eg_bench_run(eg_context *ctx, const eg_problem *p, const eg_bench_options *o, eg_bench_result *r, eg_error *err) {
	bench b = {.ctx = ctx, .problem = p, .options = o};
	eg_machine before = {.handoff_ns = NAN}, after = before;
	memset(r, 0, sizeof *r);
	if (prepare(&b)) {
		if (!o->no_peak) eg_machine_measure(ctx, &before);
		measure(&b, r);
		if (!o->no_peak) eg_machine_measure(ctx, &after);
		r->peak = fmax(before.peak_all, after.peak_all);
		r->handoff_before = before.handoff_ns;
		r->handoff_after = after.handoff_ns;
		r->percent = r->peak > 0 ? 100 * r->gflops / r->peak : (double)NAN;
		list_kernels(&b, r);
		count_memory(&b, r);
	}
	if (b.why.status && err) *err = b.why;
	eg_optimizer_free(b.optimizer);
	eg_plan_free(b.plan);
	eg_params_free(b.params);
	eg_graph_free(b.graph);
	return b.why.status;
}

/* test_train.c - tests of src/train and of initial weights: optimizers against closed forms, splits, metrics, and the
 * training loop: that it learns, gives the same bits for any number of threads and after an interruption, keeps the
 * best weights, and stops well. */
#include "net.h"

#include "core/params.h"

/* ---- optimizers -------------------------------------------------------------------------------------------------- */

/* Weights to play with: n of them, all `w`. */
static eg_params *loose_weights(eg_graph *g, int n, double w) {
	char attrs[64];
	snprintf(attrs, sizeof attrs, "units=%d bias=0 init=constant init_value=%g", n, w);
	net_layer(g, "linear", attrs, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1)));
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_non_null(p);
	return p;
}

/* Weight w after so many steps with the constant gradient dw. */
static double after(eg_context *ctx, const eg_optimizer_config *c, double lr, double w, double dw, int steps) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = loose_weights(g, 50, w);
	eg_optimizer *o = eg_optimizer_new(p, c, NULL);
	double norm;
	assert_non_null(o);
	for (int s = 0; s < steps; s++) {
		for (int i = 0; i < 50; i++) eg_params_grad(p, 0)[i] = (eg_real)dw;
		assert_int_equal(eg_optimizer_step(o, lr, &norm, NULL), EG_OK);
		if (!(c->clip_value > 0)) net_near(norm, sqrt(50) * fabs(dw), 1e-5 * norm);
	}
	assert_int_equal(eg_optimizer_steps(o), (uint64_t)steps);
	double result = (double)eg_params_data(p, 0)[0];
	for (int i = 0; i < 50; i++) assert_true(eg_params_data(p, 0)[i] == (eg_real)result);
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	return result;
}

static void closed_forms(eg_context *ctx) {
	double u = 0.9, sum = 0, nesterov = 0;
	for (int t = 1; t <= 20; t++) {
		double m = (1 - pow(u, t)) / (1 - u);
		sum += m;
		nesterov += 1 + u * m;
	}
	net_near(after(ctx, &(eg_optimizer_config){.lr = 1}, 0.05, 2, 0.5, 20), 2 - 20 * 0.05 * 0.5, 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.momentum = u}, 0.05, 2, 0.5, 20), 2 - 0.05 * 0.5 * sum, 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.momentum = u, .nesterov = true}, 0.05, 2, 0.5, 20),
	        2 - 0.05 * 0.5 * nesterov, 1e-5);
	net_near(
	        after(ctx, &(eg_optimizer_config){.weight_decay = 0.1}, 0.05, 2, 0, 20), 2 * pow(1 - 0.005, 20), 1e-5);
	/* with a constant gradient Adam's corrected moments are g and g^2: every step is lr */
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAM}, 0.01, 2, 0.5, 20), 2 - 0.2, 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAM}, 0.01, 2, -1e-3, 20), 2 + 0.2, 1e-4);
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAM, .eps = 0.5}, 0.01, 2, 0.5, 20), 2 - 0.1, 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAMW, .weight_decay = 0.1}, 0.01, 2, 0, 20),
	        2 * pow(1 - 0.001, 20), 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAMW}, 0.01, 2, 0, 20), 2 * pow(1 - 0.0001, 20),
	        1e-5); /* its default */
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAMW, .weight_decay = -1}, 0.01, 2, 0, 20), 2, 0);
	net_near(after(ctx, &(eg_optimizer_config){.kind = EG_ADAMW, .weight_decay = EG_ZERO_F}, 0.01, 2, 0, 20), 2, 0);
	net_near(after(ctx, &(eg_optimizer_config){.momentum = EG_ZERO_F, .weight_decay = EG_ZERO_F}, 0.05, 2, 0.5, 20), 1.5, 1e-5);
	/* clipping: 50 equal elements of norm 2 */
	net_near(after(ctx, &(eg_optimizer_config){.clip_norm = 2}, 1, 0.5, 3, 1), 0.5 - 2 / sqrt(50), 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.clip_norm = 100}, 1, 0.5, 3, 1), 0.5 - 3, 1e-5);
	net_near(after(ctx, &(eg_optimizer_config){.clip_value = 0.25}, 1, 0.5, -3, 1), 0.75, 1e-6);
	net_near(after(ctx, &(eg_optimizer_config){.clip_value = 4}, 1, 0.5, -3, 1), 3.5, 1e-6);
	net_near(after(ctx, &(eg_optimizer_config){.clip_value = 1, .clip_norm = 1}, 1, 0.5, 3, 1),
	        0.5 - 1 / sqrt(50), 1e-5);
}

/* What is left of a first gradient in the step after it, whose gradient is 0: the share of its means that is kept. */
static double second_step(eg_context *ctx, double beta1, double beta2) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = loose_weights(g, 3, 2);
	eg_optimizer *o = eg_optimizer_new(p, &(eg_optimizer_config){.kind = EG_ADAM, .beta1 = beta1, .beta2 = beta2, .eps = 1e-3}, NULL);
	for (int i = 0; i < 3; i++) eg_params_grad(p, 0)[i] = 1;
	assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
	double before = (double)eg_params_data(p, 0)[0];
	for (int i = 0; i < 3; i++) eg_params_grad(p, 0)[i] = 0;
	assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
	double moved = before - (double)eg_params_data(p, 0)[0];
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	return moved;
}

static void test_betas(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n; i++) {
		eg_context *ctx = net_context(1, isas[i]);
		double m = 0.9 / 1.9, v = 0.999 / 1.999; /* corrected means of 1 and 0 */
		net_near(second_step(ctx, 0, 0), 0.1 * m / (sqrt(v) + 1e-3), 1e-6);
		net_near(second_step(ctx, EG_ZERO_F, 0), 0, 0);
		net_near(second_step(ctx, 0, EG_ZERO_F), 0.1 * m / 1e-3, 1e-3);
		net_near(second_step(ctx, 0.5, 0.5), 0.1 / 3 / (sqrt(1 / 3.0) + 1e-3), 1e-6);
		eg_context_free(ctx);
	}
}

static void test_optimizers(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n; i++) {
		eg_context *ctx = net_context(1, isas[i]);
		closed_forms(ctx);
		eg_context_free(ctx);
	}
}

/* Many weights, so that the team shares the work. */
static void many_steps(const char *isa, int threads, eg_optimizer_kind kind, eg_real *w, int n) {
	eg_context *ctx = net_context(threads, isa);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = loose_weights(g, n, 0.5);
	eg_optimizer *o = eg_optimizer_new(
	        p, &(eg_optimizer_config){
	                   .kind = kind, .momentum = kind == EG_SGD ? 0.9 : 0, .clip_norm = 3, .clip_value = 0.9,
			   .lookahead = 2}, NULL);
	for (uint64_t s = 0; s < 3; s++) {
		for (int i = 0; i < n; i++) eg_params_grad(p, 0)[i] = (eg_real)net_random(s, (uint64_t)i);
		assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
	}
	memcpy(w, eg_params_data(p, 0), (size_t)n * sizeof *w);
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_optimizer_threads(void **state) {
	EG_UNUSED(state);
	enum { MANY = 100003 };
	const char *isas[4];
	int n = net_isas(isas);
	eg_real *one = malloc(MANY * sizeof *one), *more = malloc(MANY * sizeof *more);
	for (int i = 0; i < n; i++)
		for (int kind = EG_SGD; kind <= EG_MUON; kind++) {
			many_steps(isas[i], 1, (eg_optimizer_kind)kind, one, MANY);
			for (int threads = 2; threads <= 3; threads++) {
				many_steps(isas[i], threads, (eg_optimizer_kind)kind, more, MANY);
				assert_memory_equal(one, more, MANY * sizeof *one);
			}
		}
	free(one);
	free(more);
}

static void test_optimizer_refusals(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	static const struct {
		eg_optimizer_config c;
		const char *part;
	} cases[] = {
	        {{.lr = -1}, "learning rate is -1"},
	        {{.lr = INFINITY}, "learning rate"},
	        {{.momentum = 1}, "momentum is 1"},
	        {{.nesterov = true}, "nesterov"},
	        {{.kind = EG_ADAM, .momentum = 0.9}, "beta1"},
	        {{.kind = EG_ADAM, .beta1 = 1}, "betas"},
	        {{.kind = EG_ADAM, .eps = -1}, "eps"},
	        {{.kind = EG_MUON + 1}, "no kind 8"},
	        {{.kind = EG_NADAM, .momentum = 0.9}, "beta1"},
	        {{.kind = EG_MUON, .nesterov = true}, "nesterov"},
	        {{.kind = EG_MUON, .newton_schulz = -1}, "newton_schulz is -1"},
	        {{.kind = EG_MUON, .adam_lr = -1}, "adam_lr is -1"},
	        {{.kind = EG_ADAGRAD, .centered = true}, "centered belongs to rmsprop"},
	        {{.kind = EG_RMSPROP, .alpha = 1}, "alpha is 1"},
	        {{.kind = EG_NADAM, .momentum_decay = NAN}, "momentum_decay"},
	        {{.lookahead = -1}, "lookahead -1"},
	        {{.lookahead = 5, .lookahead_alpha = 2}, "lookahead_alpha 2"},
	        {{.clip_norm = -1}, "clip_norm"},
	        {{.clip_value = NAN}, "clip_value"},
	};
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, &err);
	eg_params *p = loose_weights(g, 5, 1);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		assert_null(eg_optimizer_new(p, &cases[i].c, &err));
		assert_int_equal(err.status, EG_ERR_ARG);
		assert_contains(err.message, cases[i].part);
	}
	/* a gradient that is not finite changes nothing */
	static const double bad[] = {NAN, INFINITY, -INFINITY};
	eg_optimizer *o = eg_optimizer_new(p, &(eg_optimizer_config){.kind = EG_ADAM, .clip_norm = 1}, &err);
	assert_int_equal(eg_optimizer_moments(o), 2);
	assert_string_equal(eg_optimizer_moment_name(o, 1), "v");
	assert_null(eg_optimizer_moment(o, 2, NULL));
	for (int i = 0; i < EG_COUNT(bad); i++) {
		double norm = 0;
		eg_params_grad(p, 0)[3] = (eg_real)bad[i];
		assert_int_equal(eg_optimizer_step(o, 0.1, &norm, &err), EG_ERR_NUMERIC);
		assert_true(!isfinite(norm));
		assert_int_equal(eg_optimizer_steps(o), 0);
		for (int k = 0; k < 5; k++)
			assert_true(eg_params_data(p, 0)[k] == 1 && eg_optimizer_moment(o, 0, NULL)[k] == 0);
	}
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	/* no weights, nothing to do */
	g = eg_graph_new(ctx, &err);
	p = eg_params_new(g, 1, &err);
	o = eg_optimizer_new(p, NULL, &err);
	double norm = -1;
	assert_int_equal(eg_optimizer_step(o, 0.1, &norm, &err), EG_OK);
	net_near(norm, 0, 0);
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- initial weights --------------------------------------------------------------------------------------------- */

/* Mean, variance and largest of the weights of a layer with 300 inputs and 400 outputs. */
static void check_init(const char *init, double variance, double bound) {
	char attrs[128];
	double sum = 0, squares = 0, largest = 0;
	int64_t n = 300 * 400;
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	snprintf(attrs, sizeof attrs, "units=400 %s", init);
	net_layer(g, "linear", attrs, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 300)));
	eg_params *p = eg_params_new(g, 4, NULL), *q = eg_params_new(g, 4, NULL), *r = eg_params_new(g, 5, NULL);
	const eg_real *w = eg_params_data(p, 0), *b = eg_params_data(p, 1);
	for (int64_t i = 0; i < n; i++) {
		sum += (double)w[i];
		squares += (double)w[i] * (double)w[i];
		largest = fmax(largest, fabs((double)w[i]));
	}
	double mean = sum / (double)n, v = squares / (double)n - mean * mean;
	net_near(v / variance, 1, 0.03);
	net_near(mean, 0, 5 * sqrt(variance / (double)n));
	assert_true(largest <= bound * (1 + 1e-6) && largest > 0.9 * fmin(bound, 4 * sqrt(variance)));
	for (int i = 0; i < 400 && *init; i++) assert_true(b[i] == 0); /* with the default the bias is drawn too */
	assert_memory_equal(w, eg_params_data(q, 0), (size_t)n * sizeof *w);
	assert_memory_not_equal(w, eg_params_data(r, 0), (size_t)n * sizeof *w);
	eg_params_free(p);
	eg_params_free(q);
	eg_params_free(r);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* Rows, or columns where there are fewer of them, are orthonormal. */
static void check_orthogonal(int rows, int cols) {
	char attrs[64];
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	snprintf(attrs, sizeof attrs, "units=%d init=orthogonal", rows);
	net_layer(g, "linear", attrs, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, cols)));
	eg_params *p = eg_params_new(g, 4, NULL);
	const eg_real *w = eg_params_data(p, 0);
	int few = rows < cols ? rows : cols, many = rows < cols ? cols : rows;
	for (int i = 0; i < few; i++)
		for (int j = 0; j < few; j++) {
			double dot = 0;
			for (int k = 0; k < many; k++)
				dot += rows < cols ? (double)w[i * cols + k] * (double)w[j * cols + k]
				                   : (double)w[k * cols + i] * (double)w[k * cols + j];
			net_near(dot, i == j ? 1 : 0, 1e-5);
		}
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_init(void **state) {
	EG_UNUSED(state);
	double in = 300, out = 400;
	check_init("", 1 / (3 * in), 1 / sqrt(in));
	check_init("init=lecun_uniform", 1 / (3 * in), 1 / sqrt(in));
	check_init("init=xavier_uniform", 2 / (in + out), sqrt(6 / (in + out)));
	check_init("init=xavier_normal", 2 / (in + out), INFINITY);
	check_init("init=he_uniform", 2 / in, sqrt(6 / in));
	check_init("init=he_normal", 2 / in, INFINITY);
	check_init("init=uniform init_value=0.2", 0.04 / 3, 0.2);
	check_init("init=normal init_value=0.2", 0.04, INFINITY);
	check_orthogonal(20, 50);
	check_orthogonal(50, 20);
	check_orthogonal(33, 33);
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 30));
	net_layer(g, "linear", "units=9 init=constant init_value=0.25", x);
	net_layer(g, "linear", "units=9 init=zero", x);
	net_layer(g, "linear", "units=30", x);
	net_layer(g, "linear", "units=30", x);
	net_layer(g, "conv2d", "filters=64 kernel=3 groups=4 init=he_uniform",
	        eg_input(g, "y", EG_F32, EG_DIMS(EG_N, 16, 9, 9)));
	eg_params *p = eg_params_new(g, 1, NULL);
	for (int i = 0; i < 270; i++)
		assert_true(eg_params_data(p, 0)[i] == (eg_real)0.25 && eg_params_data(p, 2)[i] == 0);
	assert_memory_not_equal(
	        eg_params_data(p, 4), eg_params_data(p, 6), 900 * sizeof(eg_real)); /* each has a stream of its own */
	double largest = 0;
	for (int i = 0; i < 64 * 36; i++) largest = fmax(largest, fabs((double)eg_params_data(p, 8)[i]));
	net_near(largest, sqrt(6. / 36), 0.01 * largest); /* a filter of one group sees 4 channels x 9 taps */
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* Filters pass channels on, group by group; those that are left begin otherwise, and no wider than they may. */
static void test_identity(void **state) {
	EG_UNUSED(state);
	enum { FILTERS = 10, CHANNELS = 3, TAPS = 12 };
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	net_layer(g, "conv2d", "filters=20 kernel=3,4 groups=2 init=identity init_value=2", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 6, 9, 9)));
	net_layer(g, "linear", "units=2 init=identity", eg_input(g, "y", EG_F32, EG_DIMS(EG_N, 3)));
	eg_params *p = eg_params_new(g, 1, NULL);
	const eg_real *w = eg_params_data(p, 0);
	for (int row = 0; row < 2 * FILTERS; row++) {
		const int k = row % FILTERS;
		int zeros = 0;
		for (int i = 0; i < CHANNELS * TAPS; i++) {
			const eg_real v = w[row * CHANNELS * TAPS + i];
			zeros += v == 0;
			if (k < CHANNELS) assert_true(v == (eg_real)(i == k * TAPS + 1 * 4 + 2 ? 2 : 0));
			assert_true(k < CHANNELS || fabs((double)v) <= 2 / sqrt(CHANNELS * TAPS));
		}
		assert_int_equal(zeros, k < CHANNELS ? CHANNELS * TAPS - 1 : 0);
	}
	for (int i = 0; i < 6; i++) assert_true(eg_params_data(p, 2)[i] == (eg_real)(i % 4 == 0));
	for (int i = 0; i < 2 * FILTERS; i++) assert_true(eg_params_data(p, 1)[i] == 0);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- splits and metrics ------------------------------------------------------------------------------------------ */

static void test_split(void **state) {
	EG_UNUSED(state);
	enum { COUNT = 1000 };
	int32_t labels[COUNT];
	uint32_t first[COUNT], second[COUNT], again[COUNT], other[COUNT];
	int64_t nf, ns, na, no, size[4] = {0}, taken[4] = {0};
	eg_error err;
	for (int i = 0; i < COUNT; i++)
		size[labels[i] = i % 10 < 5 ? 0 : i % 10 < 8 ? 1 : i % 10 < 9 || i > 500 ? 2 : 3]++;
	assert_int_equal(eg_split_stratified(labels, COUNT, 0.15, 7, first, &nf, second, &ns, &err), EG_OK);
	assert_int_equal(nf + ns, COUNT);
	char seen[COUNT] = {0};
	for (int64_t i = 0; i < nf; i++) {
		assert_true(i == 0 || first[i] > first[i - 1]);
		seen[first[i]]++;
	}
	for (int64_t i = 0; i < ns; i++) {
		assert_true(i == 0 || second[i] > second[i - 1]);
		seen[second[i]]++;
		taken[labels[second[i]]]++;
	}
	for (int i = 0; i < COUNT; i++) assert_int_equal(seen[i], 1);
	for (int k = 0; k < 4; k++) assert_int_equal(taken[k], (int64_t)((double)size[k] * 0.15 + 0.5));
	assert_int_equal(eg_split_stratified(labels, COUNT, 0.15, 7, first, &nf, again, &na, &err), EG_OK);
	assert_int_equal(na, ns);
	assert_memory_equal(again, second, (size_t)ns * sizeof *second);
	assert_int_equal(eg_split_stratified(labels, COUNT, 0.15, 8, first, &nf, other, &no, &err), EG_OK);
	assert_int_equal(no, ns);
	assert_memory_not_equal(other, second, (size_t)ns * sizeof *second);
	assert_int_equal(eg_split_stratified(labels, COUNT, 0, 7, first, &nf, second, &ns, &err), EG_OK);
	assert_true(nf == COUNT && ns == 0 && first[999] == 999);
	assert_int_equal(eg_split_stratified(NULL, COUNT, 0.25, 7, first, &nf, second, &ns, &err), EG_OK);
	assert_true(nf == 750 && ns == 250);
	assert_int_equal(eg_split_stratified(labels, COUNT, 1, 7, first, &nf, second, &ns, &err), EG_ERR_ARG);
	assert_int_equal(eg_split_stratified(labels, COUNT, -0.1, 7, first, &nf, second, &ns, &err), EG_ERR_ARG);
	assert_int_equal(eg_split_stratified(labels, COUNT, NAN, 7, first, &nf, second, &ns, &err), EG_ERR_ARG);
	assert_int_equal(eg_split_stratified(labels, 0, 0.1, 7, first, &nf, second, &ns, &err), EG_ERR_ARG);
	labels[5] = INT32_MAX;
	assert_int_equal(eg_split_stratified(labels, COUNT, 0.1, 7, first, &nf, second, &ns, &err), EG_ERR_ARG);
	assert_contains(err.message, "sample 5 has label 2147483647");
	labels[5] = -1;
	assert_int_equal(eg_split_stratified(labels, COUNT, 0.1, 7, first, &nf, second, &ns, &err), EG_ERR_ARG);
}

static void test_metrics(void **state) {
	EG_UNUSED(state);
	/* predictions 0 0 1 2 1 0 (a tie goes to the first), and one that is ignored */
	static const eg_real logits[] = {
	        3, 2, 1, 0, 5, 1, 2, 0, 1, 4, 2, 0, 0, 1, 2, 0, 1, 2, 0, -1, 7, 7, 0, 0, 9, 0, 0, 0};
	static const int32_t labels[] = {0, 1, 1, 2, 2, 1, -100};
	eg_confusion *c = eg_confusion_new(4);
	assert_int_equal(eg_confusion_classes(c), 4);
	net_near(eg_confusion_accuracy(c), 0, 0);
	eg_confusion_add(c, logits, labels, 3);
	eg_confusion_add(c, logits + 12, labels + 3, 4);
	static const int64_t counts[4][4] = {{1, 0, 0, 0}, {2, 1, 0, 0}, {0, 1, 1, 0}, {0, 0, 0, 0}};
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++) assert_int_equal(eg_confusion_count(c, i, k), counts[i][k]);
	assert_int_equal(eg_confusion_count(c, 4, 0), 0);
	assert_int_equal(eg_confusion_total(c), 6);
	net_near(eg_confusion_accuracy(c), 3. / 6, 1e-15);
	net_near(eg_confusion_topk(c, 1), 3. / 6, 1e-15);
	net_near(eg_confusion_topk(c, 2), 4. / 6, 1e-15); /* of samples 1 and 4 the class is third */
	net_near(eg_confusion_topk(c, 3), 1, 1e-15);
	net_near(eg_confusion_topk(c, 0), 0, 0);
	net_near(eg_confusion_precision(c, 0), 1. / 3, 1e-15);
	net_near(eg_confusion_precision(c, 1), 1. / 2, 1e-15);
	net_near(eg_confusion_precision(c, 3), 0, 0);
	net_near(eg_confusion_recall(c, 1), 1. / 3, 1e-15);
	net_near(eg_confusion_recall(c, 2), 1. / 2, 1e-15);
	net_near(eg_confusion_recall(c, 3), 0, 0);
	net_near(eg_confusion_f1(c, 0), 0.5, 1e-15);
	net_near(eg_confusion_f1(c, 1), 0.4, 1e-15);
	net_near(eg_confusion_f1(c, 2), 2. / 3, 1e-15);
	net_near(eg_confusion_macro_f1(c), (0.5 + 0.4 + 2. / 3) / 3, 1e-15); /* class 3 does not occur */
	eg_confusion_reset(c);
	assert_int_equal(eg_confusion_total(c), 0);
	net_near(eg_confusion_topk(c, 3), 0, 0);
	/* NaN is never right among others */
	eg_confusion_add(c, (const eg_real[]){1, 2, (eg_real)NAN, 0}, (const int32_t[]){2}, 1);
	net_near(eg_confusion_topk(c, 1), 0, 0);
	net_near(eg_confusion_accuracy(c), 0, 0);
	eg_confusion_free(c);
	assert_null(eg_confusion_new(0));
	eg_confusion_free(NULL);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* A problem made up: pictures (2,8,8) of 3 classes, a pattern of its class each, and noise. */
typedef struct problem {
	uint64_t seed;
	double noise;
	int64_t nan_item, fail_item; /* -1: none. A picture with a NaN; one that cannot be read */
	int turned;                  /* labels are wrong by so many classes */
	long fills;
} problem;

static int32_t class_of(const problem *p, uint32_t item) {
	return (int32_t)(eg_rng_below((eg_rng){p->seed, 1}, item, 3));
}

static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	problem *p = user;
	assert_int_equal(f->time, 0);
	p->fills++;
	for (int i = 0; i < f->n; i++) {
		int32_t k = class_of(p, f->items[i]);
		eg_real *x = (eg_real *)slots[0] + i * 128;
		if ((int64_t)f->items[i] == p->fail_item)
			return eg_fail(err, EG_ERR_IO, "picture %u cannot be read", f->items[i]);
		for (int j = 0; j < 128; j++)
			x[j] = (eg_real)(net_random(50 + (uint64_t)k, (uint64_t)j) +
			                 p->noise * net_random(p->seed + 1 + f->items[i], (uint64_t)j));
		if ((int64_t)f->items[i] == p->nan_item) x[77] = (eg_real)NAN;
		((int32_t *)slots[1])[i] = (k + p->turned) % 3;
	}
	return EG_OK;
}

static eg_dataset dataset(problem *p, int64_t count) {
	static const char *const inputs[] = {"x", "t", NULL};
	return (eg_dataset){.user = p, .count = count, .inputs = inputs, .fill = fill};
}

static problem normal_problem(uint64_t seed) {
	return (problem){.seed = seed, .noise = 1, .nan_item = -1, .fail_item = -1};
}

/* A network and its training. */
typedef struct trainee {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	problem train, validation;
	eg_dataset data, val_data;
	int epochs_seen, stop_after; /* epochs; 0: never */
	eg_epoch_report last, best;
	long steps_seen, stop_at_step;
	eg_error err;
	bool interrupt;
} trainee;

static trainee *new_trainee(const char *isa, int threads) {
	trainee *t = calloc(1, sizeof *t);
	t->ctx = net_context(threads, isa);
	t->g = eg_graph_new(t->ctx, NULL);
	net_small(t->g, true);
	t->p = eg_params_new(t->g, 11, NULL);
	t->train = normal_problem(100);
	t->validation = normal_problem(90000);
	t->data = dataset(&t->train, 210);
	t->val_data = dataset(&t->validation, 75);
	return t;
}

static void free_trainee(trainee *t) {
	eg_params_free(t->p);
	eg_graph_free(t->g);
	eg_context_free(t->ctx);
	free(t);
}

static bool on_epoch(void *user, const eg_epoch_report *r) {
	trainee *t = user;
	assert_int_equal(r->epoch, ++t->epochs_seen);
	assert_true(r->seconds >= 0 && r->samples_per_second > 0 && r->lr >= 0);
	t->last = *r;
	if (r->best) t->best = *r;
	return r->epoch != t->stop_after;
}
static bool on_step(void *user, const eg_progress *p) {
	trainee *t = user;
	t->steps_seen++;
	assert_true(p->step >= 1 && p->step <= p->steps && p->epoch >= 1 && p->seconds_left >= 0 && isfinite(p->loss));
	return !t->stop_at_step;
}
static bool on_interrupt(void *user) { return ((trainee *)user)->interrupt; }

static eg_status go(trainee *t, const eg_train_config *c, eg_optimizer *o, eg_train_state *s, eg_train_result *r) {
	eg_train_callbacks callbacks = {.user = t, .step = on_step, .epoch = on_epoch, .interrupted = on_interrupt};
	return eg_train(t->g, t->p, c, &t->data, t->val_data.count ? &t->val_data : NULL, o, s, &callbacks, r, &t->err);
}

static eg_real *copy_of(const trainee *t) {
	size_t n;
	eg_real *flat = eg_params_flat(t->p, &n), *copy = malloc(n * sizeof *copy);
	return memcpy(copy, flat, n * sizeof *copy);
}
static void assert_weights(const trainee *t, const eg_real *want) {
	size_t n;
	eg_real *flat = eg_params_flat(t->p, &n);
	assert_memory_equal(flat, want, n * sizeof *flat);
}

static const eg_train_config usual = {.epochs = 8, .batch = 20, .seed = 5, .optimizer = {.lr = 0.1, .momentum = 0.9}};

static void test_learns(void **state) {
	EG_UNUSED(state);
	static const eg_optimizer_config optimizers[] = {{.lr = 0.1, .momentum = 0.9, .nesterov = true},
	        {.kind = EG_ADAM, .lr = 0.01}, {.kind = EG_ADAMW, .lr = 0.01, .clip_norm = 1}};
	for (int i = 0; i < EG_COUNT(optimizers); i++) {
		trainee *t = new_trainee(NULL, 2);
		eg_train_config c = usual;
		eg_train_result r;
		double loss;
		c.optimizer = optimizers[i];
		c.schedule = (eg_schedule_config){.kind = EG_SCHEDULE_COSINE, .warmup = 0.5};
		assert_int_equal(go(t, &c, NULL, NULL, &r), EG_OK);
		assert_int_equal(t->epochs_seen, 8);
		assert_int_equal(r.epochs_done, 8);
		assert_true(t->steps_seen >= 8); /* the last step of every epoch is shown */
		assert_true(r.val_metric > 0.97 && r.train_metric > 0.9 && r.val_loss < 0.3);
		assert_int_equal(r.best_epoch, t->best.epoch);
		/* what is left are the best weights: evaluation says the same */
		eg_confusion *m = eg_confusion_new(3);
		eg_judge *j = eg_judge_confusion_new(t->g, "logits", "t", m, NULL);
		assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, j, &loss, NULL), EG_OK);
		net_near(eg_confusion_accuracy(m), r.val_metric, 1e-12);
		net_near(loss, r.val_loss, 1e-6);
		assert_int_equal(eg_confusion_total(m), 75);
		double other;
		/* however it is cut */
		assert_int_equal(eg_evaluate(t->g, t->p, NULL, 7, &t->val_data, NULL, &other, NULL), EG_OK);
		net_near(other, loss, 1e-6);
		eg_judge_classes_free(j);
		eg_confusion_free(m);
		free_trainee(t);
	}
}

/* Same seed, same bits: with any number of threads. */
static void test_thread_bits(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n; i++) {
		eg_real *one = NULL;
		for (int threads = 1; threads <= 3; threads++) {
			trainee *t = new_trainee(isas[i], threads);
			eg_train_config c = usual;
			c.epochs = 3;
			c.batch = 70; /* five blocks, the last one short */
			c.optimizer.clip_norm = 1;
			assert_int_equal(go(t, &c, NULL, NULL, NULL), EG_OK);
			if (one)
				assert_weights(t, one);
			else
				one = copy_of(t);
			free_trainee(t);
		}
		trainee *t = new_trainee(isas[i], 1); /* and another seed gives others */
		eg_train_config c = usual;
		c.epochs = 3;
		c.batch = 70;
		c.optimizer.clip_norm = 1;
		c.seed = 6;
		assert_int_equal(go(t, &c, NULL, NULL, NULL), EG_OK);
		size_t total;
		eg_real *flat = eg_params_flat(t->p, &total);
		assert_memory_not_equal(flat, one, total * sizeof *flat);
		free_trainee(t);
		free(one);
	}
}

/* Validation with wrong labels gets worse while training gets better. */
static void test_early_stopping(void **state) {
	EG_UNUSED(state);
	for (int keep_last = 0; keep_last < 2; keep_last++) {
		trainee *t = new_trainee(NULL, 1);
		eg_train_config c = usual;
		eg_train_result r;
		eg_train_state s = {0};
		size_t n;
		double loss;
		c.epochs = 60;
		c.early_stopping = 3;
		c.keep_last = keep_last;
		t->validation.turned = 1;
		eg_params_flat(t->p, &n);
		s.best_weights = malloc(n * sizeof *s.best_weights);
		assert_int_equal(go(t, &c, NULL, &s, &r), EG_OK);
		assert_true(r.epochs_done < 60);
		assert_int_equal(r.epochs_done, r.best_epoch + 3);
		assert_int_equal(s.epoch, r.epochs_done);
		assert_int_equal(s.best_epoch, r.best_epoch);
		assert_int_equal(s.steps, (uint64_t)r.epochs_done * 11);
		assert_int_equal(eg_evaluate(t->g, t->p, NULL, 20, &t->val_data, NULL, &loss, NULL), EG_OK);
		if (keep_last) {
			net_near(loss, t->last.val_loss, 1e-6);
			net_near(r.val_loss, t->last.val_loss, 0);
		} else {
			assert_weights(t, s.best_weights);
			net_near(loss, t->best.val_loss, 1e-6);
			net_near(r.val_loss, t->best.val_loss, 0);
		}
		eg_real *before = copy_of(t); /* going on after that does nothing */
		assert_int_equal(go(t, &c, NULL, &s, NULL), EG_OK);
		assert_int_equal(s.epoch, r.epochs_done);
		assert_weights(t, before);
		free(before);
		free(s.best_weights);
		free_trainee(t);
	}
}

/* Stopped after epoch k and gone on in another process (new context, weights and moments carried over): the bits of
 * one that ran through. */
static void check_resume(eg_optimizer_kind kind, int k, bool keep_last) {
	eg_train_config c = usual;
	c.optimizer = (eg_optimizer_config){
	        .kind = kind, .lr = kind == EG_SGD ? 0.1 : 0.01, .momentum = kind == EG_SGD || kind == EG_RMSPROP ? 0.9 : 0,
		.centered = kind == EG_RMSPROP, .lookahead = kind >= EG_ADADELTA ? 3 : 0};
	c.schedule = (eg_schedule_config){
	        .kind = k % 2 ? EG_SCHEDULE_PLATEAU : EG_SCHEDULE_COSINE, .warmup = 1, .patience = 1};
	c.keep_last = keep_last;
	trainee *whole = new_trainee(NULL, 2), *begun = new_trainee(NULL, 1), *rest = new_trainee(NULL, 3);
	eg_train_result r, r2;
	eg_train_state s = {0};
	size_t n, m;
	assert_int_equal(go(whole, &c, NULL, NULL, &r), EG_OK);

	eg_real *w = eg_params_flat(begun->p, &n);
	s.best_weights = malloc(n * sizeof *s.best_weights);
	eg_optimizer *o = eg_optimizer_new(begun->p, &c.optimizer, NULL), *o2 = eg_optimizer_new(rest->p, &c.optimizer, NULL);
	begun->stop_after = k;
	assert_int_equal(go(begun, &c, o, &s, NULL), EG_ERR_STOPPED);
	assert_int_equal(s.epoch, k);
	memcpy(eg_params_flat(rest->p, &m), w, n * sizeof *w);
	eg_params_changed(rest->p);
	for (int i = 0; i < eg_optimizer_moments(o); i++)
		memcpy(eg_optimizer_moment(o2, i, &m), eg_optimizer_moment(o, i, &m), m * sizeof *w);
	eg_optimizer_set_steps(o2, eg_optimizer_steps(o));
	rest->epochs_seen = k;
	assert_int_equal(go(rest, &c, o2, &s, &r2), EG_OK);
	assert_weights(rest, eg_params_flat(whole->p, &m));
	assert_int_equal(r2.best_epoch, r.best_epoch);
	net_near(r2.val_loss, r.val_loss, 0);
	net_near(r2.val_metric, r.val_metric, 0);
	assert_int_equal(go(rest, &c, o2, &s, &r2), EG_OK); /* nothing left to do: nothing changes */
	assert_weights(rest, eg_params_flat(whole->p, &m));
	eg_optimizer_free(o);
	eg_optimizer_free(o2);
	free(s.best_weights);
	free_trainee(whole);
	free_trainee(begun);
	free_trainee(rest);
}

static void test_resume(void **state) {
	EG_UNUSED(state);
	for (int k = 1; k < 8; k += 3) {
		check_resume(EG_SGD, k, false);
		check_resume(EG_ADAM, k, true);
	}
	for (int kind = EG_RMSPROP; kind <= EG_MUON; kind++) check_resume((eg_optimizer_kind)kind, 4, kind % 2);
	/* without the best weights of before there is nothing to put back, and what is there must stay */
	trainee *t = new_trainee(NULL, 1);
	eg_train_state s = {.epoch = 3, .steps = 33, .best_epoch = 2, .best_metric = 2};
	eg_train_config c = usual;
	c.epochs = 3;
	eg_real *before = copy_of(t);
	assert_int_equal(go(t, &c, NULL, &s, NULL), EG_OK);
	assert_weights(t, before);
	free(before);
	free_trainee(t);
}

static void test_not_a_number(void **state) {
	EG_UNUSED(state);
	eg_train_config c = usual;
	/* in the first epoch: as it was before the step */
	trainee *t = new_trainee(NULL, 2);
	eg_real *before = copy_of(t);
	t->train.nan_item = 133;
	assert_int_equal(go(t, &c, NULL, NULL, NULL), EG_ERR_NUMERIC);
	const char *message = t->err.message;
	assert_contains(message, "epoch 1, step ");
	assert_contains(message, "input 'x' holds NaN (sample ");
	assert_contains(message, "learning rate");
	assert_contains(message, "a batch of ");
	unsigned long long update = strtoull(strstr(message, "(update ") + strlen("(update "), NULL, 10);
	if (update > 1) {
		char kept[80];
		snprintf(kept, sizeof kept, "left as they were after update %llu,", update - 1);
		assert_contains(message, kept);
	} else {
		assert_contains(message, "set back to those that the training began with.");
		assert_weights(t, before);
	}
	for (int i = 0; i < eg_params_count(t->p); i++) assert_true(isfinite(eg_params_data(t->p, i)[0]));
	assert_int_equal(t->epochs_seen, 0);
	free(before);
	free_trainee(t);
	/* later: back to the best epoch, or, without validation, to the end of the last one */
	for (int validated = 0; validated < 2; validated++) {
		t = new_trainee(NULL, 1);
		trainee *same = new_trainee(NULL, 1);
		t->val_data.count = same->val_data.count = validated ? 75 : 0;
		eg_train_state s = {0};
		c.epochs = 2;
		eg_optimizer *o = eg_optimizer_new(t->p, &c.optimizer, &t->err), *o2 = eg_optimizer_new(same->p, &c.optimizer, &t->err);
		assert_int_equal(go(same, &c, o2, NULL, NULL), EG_OK);
		c.epochs = 5;
		t->stop_after = 2;
		assert_int_equal(go(t, &c, o, &s, NULL), EG_ERR_STOPPED);
		before = copy_of(t);
		t->stop_after = 0;
		t->train.nan_item = 7;
		assert_int_equal(go(t, &c, o, &s, NULL), EG_ERR_NUMERIC);
		assert_contains(t->err.message, "epoch 3, step ");
		assert_contains(t->err.message, "set back to those after epoch ");
		assert_weights(t, before);
		if (!validated) assert_weights(same, before);
		assert_int_equal(s.epoch, 2);
		free(before);
		eg_optimizer_free(o);
		eg_optimizer_free(o2);
		free_trainee(t);
		free_trainee(same);
	}
	/* a learning rate that blows up: the layer is named */
	t = new_trainee(NULL, 1);
	before = copy_of(t);
	c.optimizer = (eg_optimizer_config){.lr = sizeof(eg_real) == 4 ? 1e38 : 1e300};
	c.optimizer.momentum = 0.9;
	assert_int_equal(go(t, &c, NULL, NULL, NULL), EG_ERR_NUMERIC);
	message = t->err.message;
	if (!strstr(message, "layer '") && !strstr(message, "weight '")) fail_msg("no layer is named: %s", message);
	assert_contains(message, "clip_norm");
	for (int i = 0; i < eg_params_count(t->p); i++) assert_true(isfinite(eg_params_data(t->p, i)[0]));
	free(before);
	free_trainee(t);
}

static void test_stops(void **state) {
	EG_UNUSED(state);
	eg_train_result r;
	trainee *t = new_trainee(NULL, 1);
	t->stop_at_step = 1;
	assert_int_equal(go(t, &usual, NULL, NULL, &r), EG_ERR_STOPPED);
	assert_contains(t->err.message, "epoch 1");
	assert_int_equal(t->steps_seen, 1);
	assert_int_equal(r.epochs_done, 0);
	t->stop_at_step = 0;
	t->interrupt = true;
	t->train.fills = 0;
	assert_int_equal(go(t, &usual, NULL, NULL, NULL), EG_ERR_STOPPED);
	assert_int_equal(t->train.fills, 1);
	t->interrupt = false;
	t->stop_after = 2;
	assert_int_equal(go(t, &usual, NULL, NULL, &r), EG_ERR_STOPPED);
	assert_contains(t->err.message, "after epoch 2");
	assert_int_equal(r.epochs_done, 2);
	free_trainee(t);
	/* data that cannot be read: the reader's own message and status */
	t = new_trainee(NULL, 1);
	t->train.fail_item = 100;
	assert_int_equal(go(t, &usual, NULL, NULL, NULL), EG_ERR_IO);
	assert_contains(t->err.message, "picture 100 cannot be read");
	t->train.fail_item = -1;
	t->validation.fail_item = 70;
	assert_int_equal(go(t, &usual, NULL, NULL, NULL), EG_ERR_IO);
	assert_contains(t->err.message, "picture 70");
	free_trainee(t);
}

static void test_train_refusals(void **state) {
	EG_UNUSED(state);
	static const char *const wrong[] = {"picture", "t", NULL}, *const nothing[] = {NULL};
	trainee *t = new_trainee(NULL, 1);
	double loss;
	t->data.count = 0;
	assert_int_equal(go(t, &usual, NULL, NULL, NULL), EG_ERR_ARG);
	assert_contains(t->err.message, "empty");
	t->data.count = 210;
	t->data.inputs = wrong;
	assert_int_equal(go(t, &usual, NULL, NULL, NULL), EG_ERR_ARG);
	assert_contains(t->err.message, "'picture'");
	t->data.inputs = nothing;
	assert_int_equal(go(t, &usual, NULL, NULL, NULL), EG_ERR_ARG);
	eg_confusion *m = eg_confusion_new(4);
	assert_null(eg_judge_confusion_new(t->g, "logits", "t", m, &t->err));
	assert_int_equal(t->err.status, EG_ERR_SHAPE);
	assert_contains(t->err.message, "4 classes");
	eg_confusion_free(m);
	eg_train_config c = usual;
	c.optimizer.momentum = 2;
	assert_int_equal(go(t, &c, NULL, NULL, NULL), EG_ERR_ARG);
	eg_graph *g = eg_graph_new(t->ctx, &t->err);
	eg_output(g, "y", net_layer(g, "linear", "units=2", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2))));
	eg_params *p = eg_params_new(g, 1, &t->err);
	assert_int_equal(eg_train(g, p, &usual, &t->data, NULL, NULL, NULL, NULL, NULL, &t->err), EG_ERR_ARG);
	assert_contains(t->err.message, "'loss'");
	assert_int_equal(eg_evaluate(g, p, NULL, 0, &t->val_data, NULL, &loss, &t->err), EG_ERR_ARG);
	eg_params_free(p);
	eg_graph_free(g);
	free_trainee(t);
}

static void test_best(void **state) {
	EG_UNUSED(state);
	static const eg_best_kind kinds[] = {EG_BEST_DEFAULT, EG_BEST_METRIC, EG_BEST_OBJECTIVE};
	for (int i = 0; i < EG_COUNT(kinds); i++) {
		/* validation with other labels: its accuracy is best when the loss is not */
		trainee *t = new_trainee(NULL, 1);
		eg_train_config c = usual;
		eg_train_result r;
		t->validation.turned = 1;
		c.best = kinds[i];
		assert_int_equal(go(t, &c, NULL, NULL, &r), EG_OK);
		net_near(r.val_loss, t->best.val_loss, 0);
		net_near(r.val_metric, t->best.val[0], 0);
		assert_true((kinds[i] == EG_BEST_OBJECTIVE) == (r.best_epoch == 1));
		free_trainee(t);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_optimizers),
	        cmocka_unit_test(test_betas),
	        cmocka_unit_test(test_optimizer_threads),
	        cmocka_unit_test(test_optimizer_refusals),
	        cmocka_unit_test(test_init),
		cmocka_unit_test(test_identity),
	        cmocka_unit_test(test_split),
	        cmocka_unit_test(test_metrics),
	        cmocka_unit_test(test_learns),
	        cmocka_unit_test(test_thread_bits),
	        cmocka_unit_test(test_early_stopping),
	        cmocka_unit_test(test_resume),
	        cmocka_unit_test(test_not_a_number),
	        cmocka_unit_test(test_stops),
	        cmocka_unit_test(test_train_refusals),
	        cmocka_unit_test(test_best),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

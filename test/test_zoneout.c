/* test_zoneout.c - zoneout of recurrent layers, and the convolutional LSTM, against their equations written out here:
 * that the tester's gradients fit the forward pass says nothing of whether that is what was meant. */
#include "net.h"

enum { T = 7, N = 3 };

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} net;

static net net_of(const char *isa, const char *op, const char *attrs, eg_dims x) {
	eg_error err = {0};
	net n = {.ctx = eg_context_new(&(eg_context_options){.threads = 2, .isa = isa}, NULL)};
	assert_non_null(n.ctx);
	n.g = eg_graph_new(n.ctx, NULL);
	eg_tensor y = net_layer(n.g, op, attrs, eg_input(n.g, "x", EG_F32, x));
	eg_output(n.g, "y", y);
	if (!strcmp(op, "lstm")) eg_output(n.g, "cells", eg_result(n.g, y, 4));
	n.p = eg_params_new(n.g, 3, &err);
	if (!n.p) fail_msg("%s", err.message);
	return n;
}

static void plan(net *n, bool train, int count) {
	eg_error err = {0};
	eg_plan_free(n->plan);
	n->plan = eg_plan_new(n->g, n->p, &(eg_plan_options){.batch = N, .time = T, .train = train, .seed = 5}, &err);
	if (!n->plan) fail_msg("%s", err.message);
	net_fill(n->plan, "x", count, 0, 1);
	eg_plan_run(n->plan, 3);
}

static void net_free(net *n) {
	eg_plan_free(n->plan);
	eg_params_free(n->p);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}

static const eg_real *weights(const net *n, const char *name) {
	const int i = eg_params_find(n->p, name);
	if (i < 0) fail_msg("there is no weight '%s'", name);
	return eg_params_data(n->p, i);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* ---- zoneout ----------------------------------------------------------------------------------------------------- */

enum { I = 4, H = 9 };

/* gates (G,H) = W x + R h + b of one sample; W, R, b of the layer called so. */
static void gates_of(const net *n, const char *name, int G, const eg_real *x, const double *h, double *gates, double *recurrent) {
	char word[64];
	snprintf(word, sizeof word, "%s.l0.weight", name);
	const eg_real *W = weights(n, word);
	snprintf(word, sizeof word, "%s.l0.recurrent_weight", name);
	const eg_real *R = weights(n, word);
	snprintf(word, sizeof word, "%s.l0.bias", name);
	const eg_real *b = weights(n, word);
	for (int k = 0; k < G * H; k++) {
		gates[k] = (double)b[k];
		recurrent[k] = 0;
		for (int i = 0; i < I; i++) gates[k] += (double)W[k * I + i] * (double)x[i];
		for (int i = 0; i < H; i++) recurrent[k] += (double)R[k * H + i] * h[i];
	}
}

/* One step: what h and c become before any of it stays. */
static void step(const net *n, const char *op, const eg_real *x, const double *h, const double *c, double *h_new, double *c_new) {
	double g[4 * H], r[4 * H];
	char name[16];
	const int G = !strcmp(op, "lstm") ? 4 : !strcmp(op, "gru") ? 3 : 1;
	snprintf(name, sizeof name, "%s1", op);
	gates_of(n, name, G, x, h, g, r);
	for (int j = 0; j < H; j++) {
		if (G == 1) h_new[j] = tanh(g[j] + r[j]);
		if (G == 3) {
			const double z = sigmoid(g[j] + r[j]), reset = sigmoid(g[H + j] + r[H + j]);
			const double q = (double)weights(n, "gru1.l0.recurrent_bias")[j];
			h_new[j] = (1 - z) * tanh(g[2 * H + j] + reset * (r[2 * H + j] + q)) + z * h[j];
		}
		if (G < 4) continue;
		c_new[j] = sigmoid(g[2 * H + j] + r[2 * H + j]) * c[j] + sigmoid(g[j] + r[j]) * tanh(g[3 * H + j] + r[3 * H + j]);
		h_new[j] = sigmoid(g[H + j] + r[H + j]) * tanh(c_new[j]);
	}
}

/* Is it what is new (then *stayed stays as it is), or exactly what was? */
static void one_of(eg_real have, double new, eg_real was, int *stayed) {
	if (fabs((double)have - new) < 1e-5) return;
	assert_true(have == was);
	(*stayed)++;
}

/* In training a number is either new or as it was; which, nobody outside can know, so each step goes on from what is
 * there. Elsewhere it is their expectation. */
static void zoned(const char *isa, const char *op, const char *attrs, double rate, double cell_rate) {
	net n = net_of(isa, op, attrs, EG_DIMS(EG_T, EG_N, I));
	const bool lstm = !strcmp(op, "lstm");
	for (int train = 0; train < 2; train++) {
		int stayed = 0, cells_stayed = 0;
		plan(&n, train, T * N * I);
		const eg_real *x = eg_plan_input(n.plan, "x"), *y = eg_plan_output(n.plan, "y"), *cells = lstm ? eg_plan_output(n.plan, "cells") : NULL;
		for (int s = 0; s < N; s++) {
			double h[H] = {0}, c[H] = {0}, h_new[H], c_new[H] = {0};
			for (int t = 0; t < T; t++) {
				const eg_real *now = y + (t * N + s) * H, *cell = lstm ? cells + (t * N + s) * H : NULL;
				step(&n, op, x + (t * N + s) * I, h, c, h_new, c_new);
				for (int j = 0; j < H; j++) {
					if (train) {
						one_of(now[j], h_new[j], (eg_real)h[j], &stayed);
						if (lstm) one_of(cell[j], c_new[j], (eg_real)c[j], &cells_stayed);
					} else {
						assert_true(fabs((double)now[j] - (h_new[j] + rate * (h[j] - h_new[j]))) < 1e-5);
						if (lstm) assert_true(fabs((double)cell[j] - (c_new[j] + cell_rate * (c[j] - c_new[j]))) < 1e-5);
					}
				}
				for (int j = 0; j < H; j++) {
					h[j] = (double)now[j];
					c[j] = lstm ? (double)cell[j] : 0;
				}
			}
		}
		/* of T N H = 189 numbers; the bounds are more than 4 deviations away */
		if (train) assert_true(fabs(stayed - rate * T * N * H) < 30);
		if (train && lstm) assert_true(fabs(cells_stayed - cell_rate * T * N * H) < 30);
	}
	net_free(&n);
}

static void test_zoneout(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < n; i++) {
		zoned(isas[i], "rnn", "hidden=9 zoneout=0.3", 0.3, 0);
		zoned(isas[i], "gru", "hidden=9 zoneout=0.4", 0.4, 0);
		zoned(isas[i], "lstm", "hidden=9 zoneout=0.25", 0.25, 0.25);
		zoned(isas[i], "lstm", "hidden=9 zoneout=0.1 cell_zoneout=0.5", 0.1, 0.5);
	}
}

/* A session goes on from states some of whose numbers have stayed: chunks give the bits of the whole. */
static void test_session(void **state) {
	EG_UNUSED(state);
	net n = net_of(NULL, "lstm", "hidden=9 layers=2 zoneout=0.2 cell_zoneout=0.5", EG_DIMS(EG_T, EG_N, I));
	plan(&n, false, T * N * I);
	eg_session *s = eg_session_new(n.g, n.p, &(eg_session_options){.batch = N, .outputs = (const char *[]){"y", NULL}}, NULL);
	assert_non_null(s);
	eg_real have[T * N * H];
	const char *name = "x";
	for (int at = 0; at < T; at += at ? 4 : 3) {
		const void *in = (const eg_real *)eg_plan_input(n.plan, "x") + at * N * I;
		eg_real *out = have + at * N * H;
		assert_int_equal(eg_session_run(s, at ? 4 : 3, &name, &in, 1, &out, NULL), EG_OK);
	}
	assert_memory_equal(have, eg_plan_output(n.plan, "y"), sizeof have);
	eg_session_free(s);
	net_free(&n);
}

/* ---- convlstm ---------------------------------------------------------------------------------------------------- */

enum { C = 2, F = 3, HIGH = 4, WIDE = 5, PLANE = HIGH * WIDE };

/* Channel k at (r, q) of the convolution of x (channels,HIGH,WIDE) with w (..,channels,3,3), zero around x. */
static double convolved(const eg_real *w, int k, int channels, const double *x, int r, int q) {
	double sum = 0;
	for (int c = 0; c < channels; c++)
		for (int i = 0; i < 9; i++) {
			const int row = r + i / 3 - 1, column = q + i % 3 - 1;
			if (row < 0 || row >= HIGH || column < 0 || column >= WIDE) continue;
			sum += (double)w[(k * channels + c) * 9 + i] * x[c * PLANE + row * WIDE + column];
		}
	return sum;
}

/* peephole: 0 none, 1 a factor for a channel, 2 for a number. */
static double peep(const net *n, const char *gate, int peephole, int f, int at, double cell) {
	char name[64];
	snprintf(name, sizeof name, "convlstm1/peephole_%s.weight", gate);
	return peephole == 0 ? 0 : (double)weights(n, name)[peephole == 1 ? f : f * PLANE + at] * cell;
}

static void conv_step(const net *n, int peephole, const double *x, double *h, double *c) {
	const eg_real *w = weights(n, "convlstm1.weight"), *b = weights(n, "convlstm1.bias"), *v = weights(n, "convlstm1/state.weight");
	double h_new[F * PLANE], c_new[F * PLANE];
	for (int f = 0; f < F; f++)
		for (int at = 0; at < PLANE; at++) {
			const int k = f * PLANE + at;
			double sum[4];
			for (int g = 0; g < 4; g++)
				sum[g] = (double)b[g * F + f] + convolved(w, g * F + f, C, x, at / WIDE, at % WIDE) + convolved(v, g * F + f, F, h, at / WIDE, at % WIDE);
			const double i = sigmoid(sum[0] + peep(n, "i", peephole, f, at, c[k])), forget = sigmoid(sum[1] + peep(n, "f", peephole, f, at, c[k]));
			c_new[k] = forget * c[k] + i * tanh(sum[2]);
			h_new[k] = sigmoid(sum[3] + peep(n, "o", peephole, f, at, c_new[k])) * tanh(c_new[k]);
		}
	memcpy(h, h_new, sizeof h_new);
	memcpy(c, c_new, sizeof c_new);
}

static void conv_case(const char *attrs, int peephole, bool last) {
	net n = net_of(NULL, "convlstm", attrs, EG_DIMS(EG_T, EG_N, C, HIGH, WIDE));
	for (int i = 0; i < eg_params_count(n.p); i++) { /* peepholes begin with ones */
		const eg_dims d = eg_params_dims(n.p, i);
		if (strstr(eg_params_name(n.p, i), "peephole"))
			for (int64_t k = 0; k < eg_dims_count(&d, 0); k++) eg_params_data(n.p, i)[k] = (eg_real)net_random(8, (uint64_t)(i * 1000 + k));
	}
	eg_params_changed(n.p);
	plan(&n, false, T * N * C * PLANE);
	const eg_real *x = eg_plan_input(n.plan, "x"), *y = eg_plan_output(n.plan, "y");
	for (int s = 0; s < N; s++) {
		double h[F * PLANE] = {0}, c[F * PLANE] = {0}, in[C * PLANE];
		for (int t = 0; t < T; t++) {
			for (int i = 0; i < C * PLANE; i++) in[i] = (double)x[(t * N + s) * C * PLANE + i];
			conv_step(&n, peephole, in, h, c);
			for (int i = 0; i < F * PLANE && !last; i++) assert_true(fabs((double)y[(t * N + s) * F * PLANE + i] - h[i]) < 1e-5);
		}
		for (int i = 0; i < F * PLANE && last; i++) assert_true(fabs((double)y[s * F * PLANE + i] - h[i]) < 1e-5);
	}
	net_free(&n);
}

static void test_convlstm(void **state) {
	EG_UNUSED(state);
	conv_case("filters=3 kernel=3,3", 0, false);
	conv_case("filters=3 kernel=3,3 peephole=channel last=1", 1, true);
	conv_case("filters=3 kernel=3,3 peephole=position", 2, false);
}

static void refused(const char *attrs, eg_dims x, const char *why) {
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	for (int i = 0; i < x.rank; i++)
		if (x.d[i] == -100) x.d[i] = eg_open_dim(g, "height");
	assert_int_equal(net_layer(g, "convlstm", attrs, eg_input(g, "x", EG_F32, x)).id, 0);
	assert_int_not_equal(eg_graph_status(g, &err), EG_OK);
	assert_contains(err.message, why);
	assert_contains(err.message, "convlstm 'convlstm1'");
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* Two of them have names of their own; what cannot be is told by the layer's name. */
static void test_names(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, C, HIGH, WIDE));
	x = net_layer(g, "convlstm", "filters=2", net_layer(g, "convlstm", "filters=3 bias=0", x));
	eg_output(g, "y", x);
	eg_params *p = eg_params_new(g, 1, &err);
	if (!p) fail_msg("%s", err.message);
	assert_int_equal(eg_params_count(p), 2 + 3);
	assert_true(eg_params_find(p, "convlstm2/state.weight") >= 0 && eg_params_find(p, "convlstm1.bias") < 0);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	refused("filters=3", EG_DIMS(EG_N, C, HIGH, WIDE), "is no sequence of pictures");
	refused("filters=3 peephole=position", EG_DIMS(EG_T, EG_N, C, -100, WIDE), "take peephole: channel");
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_zoneout), cmocka_unit_test(test_session), cmocka_unit_test(test_convlstm), cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

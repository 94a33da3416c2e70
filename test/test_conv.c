/* test_conv.c - what the options of convolutions mean, by ONNX's own examples and by other convolutions; what they
 * say about their windows; weights outside of a mask in training; state in training. Gradients and layouts are the
 * operator tester's (optest.c), kernels test_kern_conv.c's. */
#include "net.h"

/* ---- one operator, weights of one -------------------------------------------------------------------------------- */

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} net;

static net net_of(const char *op, const char *attrs, eg_dims x, const eg_plan_options *o) {
	eg_error err = {0};
	net n = {.ctx = net_context(1, NULL)};
	n.g = eg_graph_new(n.ctx, NULL);
	eg_output(n.g, "y", net_layer(n.g, op, attrs, eg_input(n.g, "x", EG_F32, x)));
	n.p = eg_params_new(n.g, 1, &err);
	if (!n.p) fail_msg("%s", err.message);
	n.plan = eg_plan_new(n.g, n.p, o, &err);
	if (!n.plan) fail_msg("%s", err.message);
	return n;
}

static void net_free(net n) {
	eg_plan_free(n.plan);
	eg_params_free(n.p);
	eg_graph_free(n.g);
	eg_context_free(n.ctx);
}

static eg_real *weight(net n) { return eg_params_data(n.p, 0); }
static int64_t weights(net n) {
	const eg_dims d = eg_params_dims(n.p, 0);
	return eg_dims_count(&d, 0);
}

/* y (1,..) of x (1,1,H,W), which counts 0, 1, 2, ... */
static void example(const char *op, const char *attrs, int H, int W, const eg_real *w, int count, const eg_real *y) {
	net n = net_of(op, attrs, EG_DIMS(1, 1, H, W), &(eg_plan_options){.batch = 1});
	const eg_dims out = eg_plan_dims(n.plan, eg_graph_find(n.g, "y"));
	for (int64_t i = 0; i < weights(n); i++) weight(n)[i] = w ? w[i] : 1;
	eg_params_changed(n.p);
	for (int i = 0; i < H * W; i++) ((eg_real *)eg_plan_input(n.plan, "x"))[i] = (eg_real)i;
	eg_plan_run(n.plan, 0);
	assert_int_equal(eg_dims_count(&out, 2), count);
	for (int i = 0; i < count; i++)
		if (fabs((double)(eg_plan_output(n.plan, "y")[i] - y[i])) > 1e-4)
			fail_msg("%s %s: y[%d] is %g, not %g", op, attrs, i, (double)eg_plan_output(n.plan, "y")[i], (double)y[i]);
	net_free(n);
}

/* The examples of Conv and ConvTranspose in ONNX's Operators.md. */
static void test_onnx(void **state) {
	EG_UNUSED(state);
	static const eg_real lower[] = {12, 27, 24, 63, 108, 81, 72, 117, 84};
	static const eg_real uneven[] = {21, 33, 99, 117, 189, 207, 171, 183};
	static const eg_real pads[] = {1, 1, 3, 1, 1, 3, 7, 4, 9, 7, 4, 9, 7, 4, 9, 13, 7, 15, 13, 7, 15};
	static const eg_real same[] = {0, 0, 1, 1, 3, 2, 0, 0, 1, 1, 3, 2, 3, 3, 8, 5, 12, 7, 3, 3, 7, 4, 9, 5, 9, 9, 20, 11, 24, 13, 6, 6, 13, 7, 15, 8};
	static const eg_real rows[4][8] = {{0, 0, 1, 1, 3, 2, 2, 0}, {3, 3, 7, 4, 9, 5, 5, 0}, {6, 6, 13, 7, 15, 8, 8, 0}, {0}};
	eg_real shape[80];
	for (int i = 0; i < 80; i++) shape[i] = rows[i / 24][i % 8];
	example("conv2d", "filters=1 kernel=3 stride=2 auto_pad=same_lower bias=0", 5, 5, NULL, 9, lower);
	example("conv2d", "filters=1 kernel=3 stride=2 padding=1,0 padding_end=1,0 bias=0", 7, 5, NULL, 8, uneven);
	example("conv_transpose2d", "filters=1 kernel=3 stride=3,2 padding=1,2 bias=0", 3, 3, NULL, 21, pads);
	example("conv_transpose2d", "filters=1 kernel=3 stride=2 auto_pad=same_upper bias=0", 3, 3, NULL, 36, same);
	example("conv_transpose2d", "filters=1 kernel=3 stride=3,2 output_shape=10,8 bias=0", 3, 3, NULL, 80, shape);
}

/* ---- the same by another convolution ----------------------------------------------------------------------------- */

/* y of op with random x and weights; filters that stand at every position are w repeated. */
static void computed(const char *op, const char *attrs, eg_dims x, int64_t positions, eg_real *y, int64_t *n_y) {
	net n = net_of(op, attrs, x, &(eg_plan_options){.batch = 1});
	const eg_dims out = eg_plan_dims(n.plan, eg_graph_find(n.g, "y"));
	const int64_t each = weights(n) / positions;
	for (int64_t i = 0; i < weights(n); i++) weight(n)[i] = (eg_real)net_random(3, (uint64_t)(i % each));
	eg_params_changed(n.p);
	net_fill(n.plan, "x", eg_dims_count(&x, 0), 0, 4);
	eg_plan_run(n.plan, 0);
	*n_y = eg_dims_count(&out, 0);
	memcpy(y, eg_plan_output(n.plan, "y"), (size_t)*n_y * sizeof *y);
	net_free(n);
}

static void equal(const char *op, const char *attrs, eg_dims x, int64_t positions, const char *op2, const char *attrs2, eg_dims x2) {
	static eg_real a[2000], b[2000];
	int64_t n_a, n_b;
	computed(op, attrs, x, positions, a, &n_a);
	computed(op2, attrs2, x2, 1, b, &n_b);
	assert_int_equal(n_a, n_b);
	for (int64_t i = 0; i < n_a; i++)
		if (fabs((double)(a[i] - b[i])) > 1e-5) fail_msg("%s %s: y[%d] is %g, but %g by %s", op, attrs, (int)i, (double)a[i], (double)b[i], op2);
}

static void test_equal(void **state) {
	EG_UNUSED(state);
	equal("conv1d", "filters=5 kernel=3 stride=2 padding=2 bias=0", EG_DIMS(2, 3, 11), 1, "conv2d",
		"filters=5 kernel=1,3 stride=1,2 padding=0,2 bias=0", EG_DIMS(2, 3, 1, 11));
	equal("conv3d", "filters=4 kernel=1,3,2 padding=0,1,1 bias=0", EG_DIMS(1, 3, 1, 5, 6), 1, "conv2d", "filters=4 kernel=3,2 padding=1 bias=0",
		EG_DIMS(1, 3, 5, 6));
	equal("conv_transpose3d", "filters=4 kernel=1,3,2 stride=1,2,2 bias=0", EG_DIMS(2, 3, 1, 5, 6), 1, "conv_transpose2d",
		"filters=4 kernel=3,2 stride=2 bias=0", EG_DIMS(2, 3, 5, 6));
	equal("locally_connected2d", "filters=4 kernel=3,2 stride=2,1 padding=1,0 bias=0", EG_DIMS(2, 3, 5, 6), 15, "conv2d",
		"filters=4 kernel=3,2 stride=2,1 padding=1,0 bias=0", EG_DIMS(2, 3, 5, 6));
	/* one channel in and out, one sample: (T,1,1) is (1,1,T) */
	equal("causal_conv1d", "filters=1 kernel=3 dilation=2 bias=0", EG_DIMS(9, 1, 1), 1, "conv1d",
		"filters=1 kernel=3 dilation=2 padding=4 padding_end=0 bias=0", EG_DIMS(1, 1, 9));
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static eg_node_info told(const char *op, const char *attrs, eg_dims x) {
	eg_node_info info;
	net n = net_of(op, attrs, x, &(eg_plan_options){.batch = 1, .time = 3});
	eg_graph_node(n.g, 0, &info);
	net_free(n);
	return info;
}

static void test_told(void **state) {
	EG_UNUSED(state);
	eg_node_info i = told("conv1d", "filters=5 kernel=3 stride=2 dilation=4", EG_DIMS(2, 3, 11));
	assert_true(i.window[0] == 1 && i.window[1] == 3 && i.stride[0] == 1 && i.stride[1] == 2 && i.dilation[1] == 4);
	assert_int_equal(i.macs, 5 * 3 * 3 * 2);
	i = told("conv3d", "filters=2 kernel=2,3,4", EG_DIMS(1, 2, 3, 4, 5));
	assert_true(i.window[0] == 3 && i.window[1] == 4 && i.macs == 2 * 2 * 24 * (2 * 2 * 2));
	/* an output sees 2 of 4 rows, 4 columns */
	i = told("conv_transpose2d", "filters=2 kernel=4 stride=2,1", EG_DIMS(1, 3, 4, 5));
	assert_true(i.window[0] == 2 && i.window[1] == 4 && i.stride[0] == 1 && i.repeats[0] == 2 && i.repeats[1] == 0);
	assert_int_equal(i.macs, 4 * 5 * 3 * 2 * 16);
	i = told("conv2d", "filters=2 kernel=3 mask=1,0,0,1,1,0", EG_DIMS(1, 3, 4, 5));
	assert_int_equal(i.macs, 2 * 3 * 3 * 9);
	i = told("causal_conv1d", "filters=2 kernel=3", EG_DIMS(EG_T, EG_N, 5));
	assert_true(i.keeps_state && !i.mixes_time && i.macs == 2 * 5 * 3);
}

static void refused(const char *op, const char *attrs, eg_dims x, const char *why) {
	eg_error err = {0};
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_output(g, "y", net_layer(g, op, attrs, eg_input(g, "x", EG_F32, x)));
	assert_int_not_equal(eg_graph_status(g, &err), EG_OK);
	if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_refusals(void **state) {
	EG_UNUSED(state);
	refused("conv1d", "filters=5 kernel=3", EG_DIMS(EG_N, 3, 4, 5), "(N,C,L)");
	refused("conv1d", "filters=5 kernel=4 dilation=2", EG_DIMS(EG_N, 3, 5), "covers 7");
	refused("conv3d", "filters=5 kernel=3", EG_DIMS(EG_N, 3, 4, 5), "volumes");
	refused("conv2d", "filters=5 kernel=3 padding=1 auto_pad=valid", EG_DIMS(EG_N, 3, 4, 5), "auto_pad valid");
	refused("conv2d", "filters=2 kernel=3 mask=1,0,0", EG_DIMS(EG_N, 3, 4, 5), "mask has 3 numbers; 6");
	refused("conv_transpose2d", "filters=2 kernel=3 stride=2 output_padding=2", EG_DIMS(EG_N, 3, 4, 5), "smaller than its stride 2");
	refused("conv_transpose2d", "filters=2 kernel=3 output_shape=7", EG_DIMS(EG_N, 3, 4, 5), "one an axis");
	refused("conv_transpose1d", "filters=2 kernel=2 padding=3", EG_DIMS(EG_N, 3, 4), "nothing of axis 0");
	refused("locally_connected2d", "filters=2 kernel=3", EG_DIMS(EG_N, 3, EG_T, 5), "weights depend on it");
	refused("causal_conv1d", "filters=2 kernel=3", EG_DIMS(EG_N, 3, 5), "is no sequence");
}

/* ---- in training ------------------------------------------------------------------------------------------------- */

/* What is cut off counts for nothing, whatever it holds, and gets no gradient. */
static void test_mask(void **state) {
	EG_UNUSED(state);
	eg_real y[2][200];
	for (int other = 0; other < 2; other++) {
		net n = net_of("conv2d", "filters=2 kernel=3 mask=1,0,0,1,1,0", EG_DIMS(2, 3, 5, 6), &(eg_plan_options){.batch = 1, .train = true});
		for (int i = 0; i < 54; i++) weight(n)[i] = (eg_real)net_random(5, (uint64_t)i);
		for (int i = 9; i < 27; i++) weight(n)[i] = (eg_real)(other ? 7 : 0);
		eg_params_changed(n.p);
		net_fill(n.plan, "x", 180, 0, 6);
		for (int i = 0; i < 48; i++) eg_plan_grad(n.plan, "y")[i] = (eg_real)net_random(7, (uint64_t)i);
		eg_plan_run(n.plan, 0);
		memcpy(y[other], eg_plan_output(n.plan, "y"), 48 * sizeof(eg_real));
		for (int i = 0; i < 54; i++) assert_true((eg_params_grad(n.p, 0)[i] == 0) == ((i >= 9 && i < 27) || i >= 45));
		net_free(n);
	}
	assert_memory_equal(y[0], y[1], 48 * sizeof(eg_real));
}

/* Carried state in training: the second half of a sequence gives as much of the gradient of the weights as it has in
 * the whole. */
static void test_carried(void **state) {
	EG_UNUSED(state);
	enum { T = 5, N = 2, C = 3, K = 2, X = T * N * C, Y = T * N * K };
	const char *attrs = "filters=2 kernel=3 dilation=2";
	net whole = net_of("causal_conv1d", attrs, EG_DIMS(EG_T, EG_N, C), &(eg_plan_options){.batch = N, .time = 2 * T, .train = true});
	net half = net_of("causal_conv1d", attrs, EG_DIMS(EG_T, EG_N, C), &(eg_plan_options){.batch = N, .time = T, .train = true, .carry = true});
	net_fill(whole.plan, "x", 2 * X, 0, 8);
	for (int i = 0; i < Y; i++) eg_plan_grad(whole.plan, "y")[i] = 0;
	for (int i = Y; i < 2 * Y; i++) eg_plan_grad(whole.plan, "y")[i] = (eg_real)net_random(9, (uint64_t)i);
	eg_plan_run(whole.plan, 0);
	for (int k = 0; k < 2; k++) {
		memcpy(eg_plan_input(half.plan, "x"), (eg_real *)eg_plan_input(whole.plan, "x") + k * X, X * sizeof(eg_real));
		memcpy(eg_plan_grad(half.plan, "y"), eg_plan_grad(whole.plan, "y") + k * Y, Y * sizeof(eg_real));
		eg_plan_run(half.plan, 0);
		assert_memory_equal(eg_plan_output(half.plan, "y"), eg_plan_output(whole.plan, "y") + k * Y, Y * sizeof(eg_real));
	}
	for (int i = 0; i < K * C * 3; i++)
		assert_true(fabs((double)(eg_params_grad(half.p, 0)[i] - eg_params_grad(whole.p, 0)[i])) < 1e-5);
	net_free(whole);
	net_free(half);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_onnx), cmocka_unit_test(test_equal), cmocka_unit_test(test_told),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_mask), cmocka_unit_test(test_carried)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_segment.c - what networks are made of that name a class for each position of a picture: a small encoder and
 * decoder with a skip connection, which gives the same in every layout and keeps that of its convolutions; what
 * joining refuses, and a tensor joined with itself; the loss over positions. */
#include "core/plan.h"
#include "engram_ops.h"
#include "net.h"

enum { N = 5, CLASSES = 3, HIGH = 12, WIDE = 8 };

static eg_tensor conv_norm(eg_graph *g, eg_tensor x, int filters) {
	x = eg_conv2d(g, x, .filters = filters, .kernel = {3, 3}, .padding = {1, 1}, .no_bias = true);
	return eg_relu(g, eg_batchnorm(g, x));
}

/* Two sizes of pictures; the finer one is handed over, with `filters` channels. */
static void network(eg_graph *g, int filters) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, HIGH, WIDE)),
		  t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N, HIGH, WIDE));
	eg_tensor w = eg_input(g, "w", EG_F32, EG_DIMS(CLASSES));
	eg_tensor skip = conv_norm(g, x, filters);
	x = conv_norm(g, eg_maxpool2d(g, skip, .kernel = {2, 2}), 32);
	x = eg_upsample2d(g, x, .scale = {2, 2}, .name = "up");
	x = conv_norm(g, eg_concat(g, skip, x, .name = "joined"), 16);
	x = eg_conv2d(g, x, .filters = CLASSES, .kernel = {1, 1});
	eg_output(g, "logits", x);
	eg_output(g, "loss", eg_cross_entropy(g, x, t, .weight = w, .ignore_index = 1));
	eg_error err;
	if (eg_graph_status(g, &err)) fail_msg("%s", err.message);
}

typedef struct run {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} run;

static run made(const char *isa, int threads, int filters, eg_plan_options o) {
	run r = {.ctx = net_context(threads, isa)};
	r.g = eg_graph_new(r.ctx, NULL);
	network(r.g, filters);
	r.p = eg_params_new(r.g, 3, NULL);
	o.batch = N;
	o.train = true;
	r.plan = eg_plan_new(r.g, r.p, &o, NULL);
	assert_non_null(r.plan);
	net_fill(r.plan, "x", N * 3 * HIGH * WIDE, 0, 1);
	net_fill(r.plan, "t", N * HIGH * WIDE, CLASSES, 2);
	for (int i = 0; i < CLASSES; i++) ((eg_real *)eg_plan_input(r.plan, "w"))[i] = (eg_real)(1 + 0.5 * i);
	return r;
}

static void unmade(run *r) {
	eg_plan_free(r->plan);
	eg_params_free(r->p);
	eg_graph_free(r->g);
	eg_context_free(r->ctx);
}

static void assert_alike(const run *a, const run *b, double tolerance) {
	size_t n, m;
	const eg_real *x = eg_params_flat_grad(a->p, &n), *y = eg_params_flat_grad(b->p, &m);
	double largest = 0;
	assert_int_equal(n, m);
	net_near(*eg_plan_output(b->plan, "loss"), *eg_plan_output(a->plan, "loss"), tolerance);
	for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)x[i]));
	assert_true(largest > 0);
	for (size_t i = 0; i < n; i++) net_near(y[i], x[i], tolerance * largest);
}

/* With whole groups of 16 channels to be joined, and not. */
static void test_same_in_every_layout(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	const double tolerance = sizeof(eg_real) == sizeof(float) ? 1e-4 : 1e-11;
	for (int filters = 12; filters <= 16; filters += 4) {
		run want = made("ref", 1, filters,
			(eg_plan_options){
				.layout = EG_LAYOUT_PLAIN, .no_fusion = true, .no_defer = true, .exact = true});
		eg_plan_run(want.plan, 0);
		for (int i = net_isas(isas) - 1; i >= 0; i--)
			for (int layout = 0; layout < EG_LAYOUT_CHOICES; layout++) {
				run first = made(isas[i], 1, filters,
					(eg_plan_options){.layout = (eg_layout_choice)layout, .exact = true});
				eg_plan_run(first.plan, 0);
				assert_alike(&want, &first, tolerance);
				run other = made(isas[i], 3, filters,
					(eg_plan_options){.layout = (eg_layout_choice)layout, .exact = true});
				eg_plan_run(other.plan, 0);
				assert_alike(&first, &other, 0);
				unmade(&first);
				unmade(&other);
			}
		unmade(&want);
	}
}

static int count_calls(const eg_plan *p, const char *kernel, const char *node, const char *layout) {
	int n = 0;
	for (int i = 0; i < eg_plan_calls(p); i++) {
		eg_call_info c;
		eg_plan_call(p, i, &c);
		n += !strncmp(c.kernel, kernel, strlen(kernel)) && (!node || !strcmp(c.node, node)) &&
		     (!layout || !strcmp(c.layout, layout));
	}
	return n;
}

/* Where convolutions have channels in lanes, so have the layers between them, and nothing is turned round on the
 * way. */
static void test_keeps_the_layout(void **state) {
	EG_UNUSED(state);
	run r = made(NULL, 1, 16, (eg_plan_options){.layout = EG_LAYOUT_BLOCKED});
	assert_int_equal(count_calls(r.plan, "upsample", "up", "blocked"), 2);
	assert_int_equal(count_calls(r.plan, "concat", "joined", "blocked"), 1);
	assert_int_equal(count_calls(r.plan, "split", "joined", "blocked"), 1);
	assert_int_equal(
		count_calls(r.plan, "reorder", "up", NULL) + count_calls(r.plan, "reorder", "joined", NULL), 0);
	unmade(&r);
	/* 12 channels end within a group: what is joined is PLAIN, what is read is turned round, forward and
	 * backward */
	r = made(NULL, 1, 12, (eg_plan_options){.layout = EG_LAYOUT_BLOCKED});
	assert_int_equal(count_calls(r.plan, "upsample", "up", "blocked"), 2);
	assert_int_equal(count_calls(r.plan, "concat", "joined", "plain"), 1);
	assert_int_equal(count_calls(r.plan, "reorder", "joined", NULL), 4);
	unmade(&r);
}

/* The parts of dy add up, whichever thread does which piece of a row. */
static void test_joined_with_itself(void **state) {
	EG_UNUSED(state);
	enum { ROWS = 3, WIDTH = 5003 };
	for (int threads = 1; threads <= 3; threads++) {
		eg_context *ctx = net_context(threads, NULL);
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(ROWS, WIDTH));
		eg_output(g, "y", eg_concat(g, x, x, .x3 = x));
		eg_params *p = eg_params_new(g, 1, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .train = true, .input_grads = true}, NULL);
		assert_non_null(plan);
		assert_int_equal(
			count_calls(plan, "split", NULL, NULL), 3); /* units of one call may run in any order */
		eg_real *dy = eg_plan_grad(plan, "y"), *in = eg_plan_input(plan, "x");
		for (int i = 0; i < 3 * ROWS * WIDTH; i++) dy[i] = (eg_real)(i % 101);
		for (int i = 0; i < ROWS * WIDTH; i++) in[i] = (eg_real)i;
		eg_plan_run(plan, 0);
		const eg_real *y = eg_plan_output(plan, "y"), *dx = eg_plan_grad(plan, "x");
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < 3 * WIDTH; i++)
				assert_true(y[r * 3 * WIDTH + i] == in[r * WIDTH + i % WIDTH]);
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < WIDTH; i++) {
				const eg_real *d = dy + r * 3 * WIDTH + i;
				assert_true(dx[r * WIDTH + i] == d[0] + d[WIDTH] + d[2 * WIDTH]);
			}
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

static void refused(eg_dims a, eg_dims b, eg_dtype type, int axis, const char *why) {
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_error err;
	eg_concat(g, eg_input(g, "a", EG_F32, a), eg_input(g, "b", type, b), .axis = axis);
	assert_true(eg_graph_status(g, &err) != EG_OK);
	assert_contains(err.message, why);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_refused(void **state) {
	EG_UNUSED(state);
	refused(EG_DIMS(EG_N, 3, 4), EG_DIMS(EG_N, 3, 4), EG_F32, -3,
		"axis 0 is the batch or the time of x1 (N,3,4), whose size is open");
	refused(EG_DIMS(EG_N, 3, 4), EG_DIMS(EG_N, 2, 5), EG_F32, 1,
		"x1 (N,3,4) and x2 (N,2,5) do not fit: all dimensions but 1, the axis");
	refused(EG_DIMS(EG_N, 3, 4), EG_DIMS(EG_N, 3), EG_F32, 1, "do not fit");
	refused(EG_DIMS(EG_N, 3), EG_DIMS(EG_N, 3), EG_F32, 2, "x1 (N,3) has no dimension 2; axis may be -2 to 1");
	refused(EG_DIMS(EG_N, 3), EG_DIMS(EG_N, 3), EG_I32, 1, "x1 and x2 must both hold floating-point numbers");
}

/* Loss and gradient of each position, in double precision and one by one. */
static void test_loss_over_positions(void **state) {
	EG_UNUSED(state);
	enum { K = 4, H = 90, W = 97, IGNORED = 2 };
	static const double weight[K] = {0.5, 2, 1, 1.25};
	eg_context *ctx = net_context(2, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, K, H, W)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N, H, W));
	eg_output(g, "loss", eg_cross_entropy(g, x, t, .weight = eg_input(g, "w", EG_F32, EG_DIMS(K)), .ignore_index = IGNORED));
	eg_params *p = eg_params_new(g, 1, NULL);
	for (int n = 1; n <= 40; n += 39) { /* a unit for each picture, and for 16 */
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = n, .train = true, .input_grads = true}, NULL);
		assert_non_null(plan);
		net_fill(plan, "x", (int64_t)n * K * H * W, 0, 5);
		net_fill(plan, "t", (int64_t)n * H * W, K, 6);
		for (int k = 0; k < K; k++) ((eg_real *)eg_plan_input(plan, "w"))[k] = (eg_real)weight[k];
		eg_plan_run(plan, 0);
		const eg_real *in = eg_plan_input(plan, "x"), *dx = eg_plan_grad(plan, "x");
		const int32_t *target = eg_plan_input(plan, "t");
		double sum = 0, count = 0;
		for (int pass = 0; pass < 2; pass++)
			for (int i = 0; i < n * H * W; i++) {
				const ptrdiff_t at = (ptrdiff_t)(i / (H * W)) * K * H * W + i % (H * W);
				double all = 0, w = target[i] == IGNORED ? 0 : weight[target[i]];
				for (int k = 0; k < K; k++) all += exp((double)in[at + k * H * W]);
				if (pass == 0) sum += w * (log(all) - (double)in[at + target[i] * H * W]), count += w;
				for (int k = 0; k < K && pass == 1; k++)
					net_near(dx[at + k * H * W] * count,
						w * (exp((double)in[at + k * H * W]) / all - (k == target[i])), 1e-5);
			}
		net_near(*eg_plan_output(plan, "loss"), sum / count, 1e-5);
		eg_plan_free(plan);
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_in_every_layout),
		cmocka_unit_test(test_keeps_the_layout),
		cmocka_unit_test(test_joined_with_itself),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_loss_over_positions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

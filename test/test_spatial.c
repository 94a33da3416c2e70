/* test_spatial.c - pooling, unpooling, resizing, pixels to channels and regions: what they mean, by numbers that can be
 * worked out by hand, on every table. All ways to compute the same, and gradients: optest; PyTorch's results: vectors.
 * */
#include "net.h"

typedef struct bench {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} bench;

static void begin(bench *b, eg_isa isa) {
	*b = (bench){.ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = eg_isa_name(isa)}, NULL)};
	if (b->ctx) b->g = eg_graph_new(b->ctx, NULL);
}

static void plan(bench *b, int batch, bool train) {
	eg_error err = {0};
	b->p = eg_params_new(b->g, 1, &err);
	if (b->p)
		b->plan = eg_plan_new(
		        b->g, b->p, &(eg_plan_options){.batch = batch, .train = train, .input_grads = train}, &err);
	if (!b->plan) fail_msg("%s", err.message);
}

static void end(bench *b) {
	eg_plan_free(b->plan);
	eg_params_free(b->p);
	eg_graph_free(b->g);
	eg_context_free(b->ctx);
}

/* For each table of this machine. */
#define EVERYWHERE(b, ...) \
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) { \
		begin(&(b), (eg_isa)isa); \
		if ((b).ctx) __VA_ARGS__; \
		end(&(b)); \
	}

static const int32_t *integers(bench *b, const char *name) {
	return (const int32_t *)(const void *)eg_plan_output(b->plan, name);
}

static void expect(const bench *b, const char *name, const double *want, int n) {
	const eg_real *y = eg_plan_output(b->plan, name);
	for (int i = 0; i < n; i++)
		if (!(fabs((double)y[i] - want[i]) <= 2e-6 * (1 + fabs(want[i]))))
			fail_msg(
			        "%s: %s[%d] is %.9g, not %.9g", eg_context_isa(b->ctx), name, i, (double)y[i], want[i]);
}

/* ---- where the largest stand ------------------------------------------------------------------------------------- */

/* Numbers 0..2, so that many are equal: the value stands where the place says, and dy goes there and nowhere else. */
static void check_places(bench *b, const char *op, const char *attrs, eg_dims dims) {
	enum { BATCH = 17 };
	eg_tensor y = net_layer(b->g, op, attrs, eg_input(b->g, "x", EG_F32, dims));
	eg_output(b->g, "y", y);
	eg_output(b->g, "places", eg_result(b->g, y, 1));
	plan(b, BATCH, true);
	const eg_dims yd = eg_tensor_dims(b->g, y);
	const int64_t nx = eg_dims_count(&dims, 2), ny = eg_dims_count(&yd, 2), C = dims.d[1];
	real *x = eg_plan_input(b->plan, "x");
	for (int64_t i = 0; i < BATCH * C * nx; i++) x[i] = (real)floor(1.5 + 1.5 * net_random(5, (uint64_t)i));
	double *want = calloc((size_t)(BATCH * C * nx), sizeof *want);
	real *dy = eg_plan_grad(b->plan, "y");
	for (int64_t i = 0; i < BATCH * C * ny; i++) dy[i] = (real)(1 + i % 7);
	eg_plan_run(b->plan, 0);
	const real *out = eg_plan_output(b->plan, "y"), *dx = eg_plan_grad(b->plan, "x");
	for (int64_t i = 0; i < BATCH * C * ny; i++) {
		const int32_t at = integers(b, "places")[i];
		assert_in_range(at, 0, nx - 1);
		assert_true(x[i / ny * nx + at] == out[i]);
		want[i / ny * nx + at] += (double)(1 + i % 7);
	}
	for (int64_t i = 0; i < BATCH * C * nx; i++)
		if ((double)dx[i] != want[i])
			fail_msg("%s, %s: gradient %d is %g, not %g", op, attrs, (int)i, (double)dx[i], want[i]);
	free(want);
}

static void test_places(void **state) {
	bench b;
	EG_UNUSED(state);
	EVERYWHERE(b, check_places(&b, "maxpool1d", "kernel=3 stride=2 padding=1", EG_DIMS(EG_N, 3, 12)));
	EVERYWHERE(
	        b, check_places(&b, "maxpool2d", "kernel=3 stride=2 padding=1 padding_end=0", EG_DIMS(EG_N, 2, 7, 9)));
	EVERYWHERE(b, check_places(&b, "maxpool2d", "kernel=2 dilation=2 stride=1 auto_pad=same_lower",
	                      EG_DIMS(EG_N, 2, 5, 6)));
	EVERYWHERE(b, check_places(&b, "maxpool3d", "kernel=2 stride=2 padding=1", EG_DIMS(EG_N, 2, 4, 5, 7)));
	EVERYWHERE(b, check_places(&b, "globalmaxpool2d", "", EG_DIMS(EG_N, 3, 4, 6)));
	EVERYWHERE(b, check_places(&b, "globalmaxpool3d", "", EG_DIMS(EG_N, 2, 3, 4, 5)));
	EVERYWHERE(b, check_places(&b, "adaptivemaxpool1d", "output=4", EG_DIMS(EG_N, 2, 11)));
	EVERYWHERE(b, check_places(&b, "adaptivemaxpool2d", "output=3", EG_DIMS(EG_N, 2, 7, 9)));
	EVERYWHERE(b, check_places(&b, "adaptivemaxpool3d", "output=2", EG_DIMS(EG_N, 2, 3, 4, 5)));
}

/* Of equal ones the first, row by row, and NaN before all. */
static void check_first(bench *b) {
	static const real x[] = {1, 3, 2, 3, 3, 0, 2, 2, 0, 0, (real)NAN, 1, 0, 0, 5, (real)NAN};
	eg_tensor y = net_layer(b->g, "maxpool2d", "kernel=2", eg_input(b->g, "x", EG_F32, EG_DIMS(1, 1, 4, 4)));
	eg_output(b->g, "places", eg_result(b->g, y, 1));
	plan(b, 1, false);
	memcpy(eg_plan_input(b->plan, "x"), x, sizeof x);
	eg_plan_run(b->plan, 0);
	const int32_t want[] = {1, 3, 8, 10};
	assert_memory_equal(integers(b, "places"), want, sizeof want);
}

static void test_first(void **state) {
	bench b;
	EG_UNUSED(state);
	EVERYWHERE(b, check_first(&b));
}

/* Pooled and put back. */
static void check_unpool(bench *b) {
	static const real x[] = {1, 2, 6, 3, 7, 5, 2, 4, 0, -3, -1, -2, 9, -4, -5, -6};
	static const double want[] = {0, 0, 6, 0, 7, 0, 0, 0, 0, 0, -1, 0, 9, 0, 0, 0};
	eg_tensor y = net_layer(b->g, "maxpool2d", "kernel=2", eg_input(b->g, "x", EG_F32, EG_DIMS(1, 1, 4, 4)));
	eg_output(b->g, "y", net_apply(b->g, "max_unpool", "kernel=2", (eg_tensor[]){y, eg_result(b->g, y, 1)}, 2));
	plan(b, 1, true);
	memcpy(eg_plan_input(b->plan, "x"), x, sizeof x);
	for (int i = 0; i < 16; i++) eg_plan_grad(b->plan, "y")[i] = (real)(i + 1);
	eg_plan_run(b->plan, 0);
	expect(b, "y", want, 16);
	for (int i = 0; i < 16; i++) assert_true((double)eg_plan_grad(b->plan, "x")[i] == (want[i] != 0 ? i + 1 : 0));
}

static void test_unpool(void **state) {
	bench b;
	EG_UNUSED(state);
	EVERYWHERE(b, check_unpool(&b));
}

/* ---- other sizes ------------------------------------------------------------------------------------------------- */

static void check_layer(bench *b, const char *op, const char *attrs, eg_dims dims, const real *x, const double *want) {
	eg_tensor y = net_layer(b->g, op, attrs, eg_input(b->g, "x", EG_F32, dims));
	const eg_dims yd = eg_tensor_dims(b->g, y);
	eg_output(b->g, "y", y);
	plan(b, 1, false);
	memcpy(eg_plan_input(b->plan, "x"), x, (size_t)eg_dims_count(&dims, 0) * sizeof *x);
	eg_plan_run(b->plan, 0);
	expect(b, "y", want, (int)eg_dims_count(&yd, 0));
}

/* 1, 2, 3, ... and the examples of ONNX's page on Resize. */
static void test_resize(void **state) {
	static const real x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	static const double nearest[] = {1, 1, 1, 2, 2, 3, 3, 3, 4, 4}, corners[] = {1, 1.5, 2, 2.5, 3, 3.5, 4},
	                    two[] = {1.5, 3.5};
	static const double linear[] = {3.5, 5.5, 11.5, 13.5}, cubic[] = {1.40625, 3.59375};
	static const double wide[] = {1.7142857142857142, 3.2857142857142856}; /* weights 3, 3, 1 of 7 */
	bench b;
	EG_UNUSED(state);
	EVERYWHERE(b, check_layer(&b, "resize", "sizes=10", EG_DIMS(1, 1, 4), x, nearest));
	EVERYWHERE(b, check_layer(&b, "resize", "sizes=7 mode=linear coordinates=align_corners", EG_DIMS(1, 1, 4), x,
	                      corners));
	EVERYWHERE(b, check_layer(&b, "resize", "sizes=2 mode=linear", EG_DIMS(1, 1, 4), x, two));
	EVERYWHERE(b, check_layer(&b, "resize", "sizes=2 mode=linear", EG_DIMS(1, 1, 4, 4), x, linear));
	EVERYWHERE(b, check_layer(&b, "resize", "sizes=2 mode=cubic", EG_DIMS(1, 1, 4), x, cubic));
	EVERYWHERE(b, check_layer(&b, "resize", "sizes=2 mode=linear antialias=1 exclude_outside=1", EG_DIMS(1, 1, 4),
	                      x, wide));
}

static void test_shuffle(void **state) {
	static const real x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const double dcr[] = {0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15};
	static const double dcr2[] = {0, 4, 8, 12, 2, 6, 10, 14}, crd2[] = {0, 2, 4, 6, 8, 10, 12, 14};
	bench b;
	EG_UNUSED(state);
	EVERYWHERE(b, check_layer(&b, "depth_to_space", "block=2", EG_DIMS(1, 4, 2, 2), x, dcr));
	static const double deep[] = {0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15};
	EVERYWHERE(b, check_layer(&b, "space_to_depth", "block=2", EG_DIMS(1, 1, 4, 4), x, deep));
	static const real pairs[] = {0, 2, 4, 6, 8, 10, 12, 14}; /* two channels of squares, one position */
	EVERYWHERE(b, check_layer(&b, "depth_to_space", "block=2", EG_DIMS(1, 8, 1, 1), pairs, dcr2));
	EVERYWHERE(b, check_layer(&b, "depth_to_space", "block=2 mode=crd", EG_DIMS(1, 8, 1, 1), pairs, crd2));
}

/* ---- regions ----------------------------------------------------------------------------------------------------- */

/* Where x = 10 row + column, an average over points is x at their middle. Two pictures, the second one twice as large
 * numbers. */
static void check_regions(bench *b, const char *attrs, double shift) {
	static const real rois[] = {1, 1, 4, 3, 2, 1, 5, 4, 1, 1, 2, 2};
	static const int32_t pictures[] = {1, 0, 2};
	eg_tensor in[] = {eg_input(b->g, "x", EG_F32, EG_DIMS(EG_N, 1, 6, 7)),
	        eg_input(b->g, "rois", EG_F32, EG_DIMS(3, 4)), eg_input(b->g, "pictures", EG_I32, EG_DIMS(3))};
	eg_output(b->g, "y", net_apply(b->g, "roi_align", attrs, in, 3));
	plan(b, 2, false);
	real *x = eg_plan_input(b->plan, "x");
	for (int i = 0; i < 84; i++) x[i] = (real)((1 + i / 42) * (10 * (i % 42 / 7) + i % 7));
	memcpy(eg_plan_input(b->plan, "rois"), rois, sizeof rois);
	memcpy(eg_plan_input(b->plan, "pictures"), pictures, sizeof pictures);
	eg_plan_run(b->plan, 0);
	double want[12] = {0}; /* the third picture is not there */
	for (int i = 0; i < 8; i++) {
		const real *r = rois + i / 4 * 4;
		const double w = (double)r[0] - shift + (i % 2 + 0.5) * (double)(r[2] - r[0]) / 2;
		const double h = (double)r[1] - shift + (i / 2 % 2 + 0.5) * (double)(r[3] - r[1]) / 2;
		want[i] = (1 + pictures[i / 4]) * (10 * h + w);
	}
	expect(b, "y", want, 12);
}

/* The largest weighted neighbour: one point in the middle of four positions has a quarter of each. */
static void check_largest(bench *b) {
	static const real rois[] = {1, 1, 2, 2}, x[] = {1, 2, 3, 8, 5, 6};
	static const int32_t pictures[] = {0};
	eg_tensor in[] = {eg_input(b->g, "x", EG_F32, EG_DIMS(1, 1, 2, 3)),
	        eg_input(b->g, "rois", EG_F32, EG_DIMS(1, 4)), eg_input(b->g, "pictures", EG_I32, EG_DIMS(1))};
	eg_output(b->g, "y",
	        net_apply(b->g, "roi_align",
	                "output=1 mode=max sampling_ratio=1 spatial_scale=0.5 coordinates=output_half_pixel", in, 3));
	plan(b, 1, true);
	memcpy(eg_plan_input(b->plan, "x"), x, sizeof x);
	memcpy(eg_plan_input(b->plan, "rois"), rois, sizeof rois);
	memcpy(eg_plan_input(b->plan, "pictures"), pictures, sizeof pictures);
	eg_plan_grad(b->plan, "y")[0] = 3;
	eg_plan_run(b->plan, 0);
	/* begins at 0.5, 0.5, 1 high and wide: its point is at (1, 1) */
	expect(b, "y", (const double[]){5}, 1);
	for (int i = 0; i < 6; i++) assert_true(eg_plan_grad(b->plan, "x")[i] == (i == 4 ? 3 : 0));
}

static void test_regions(void **state) {
	bench b;
	EG_UNUSED(state);
	EVERYWHERE(b, check_regions(&b, "output=2 sampling_ratio=2", 0.5));
	EVERYWHERE(b, check_regions(&b, "output=2", 0.5));
	EVERYWHERE(b, check_regions(&b, "output=2 sampling_ratio=3 coordinates=output_half_pixel", 0));
	EVERYWHERE(b, check_largest(&b));
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void refused(const char *op, const char *attrs, eg_dims dims, const char *why) {
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, &err);
	eg_output(g, "y", net_layer(g, op, attrs, eg_input(g, "x", EG_F32, dims)));
	eg_params *p = eg_params_new(g, 1, &err);
	if (p || !strstr(err.message, why)) fail_msg("%s %s: '%s' does not say '%s'", op, attrs, err.message, why);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_refused(void **state) {
	EG_UNUSED(state);
	refused("maxpool1d", "kernel=2", EG_DIMS(EG_N, 3, 4, 5), "sequences (N,C,L) have 3");
	refused("maxpool3d", "kernel=2", EG_DIMS(EG_N, 3, 4, 5), "volumes (N,C,D,H,W) have 5");
	refused("maxpool1d", "kernel=4", EG_DIMS(EG_N, 3, 3), "covers 4 positions");
	refused("avgpool2d", "kernel=2 padding=2", EG_DIMS(EG_N, 3, 4, 4), "nothing but padding");
	refused("resize", "mode=linear", EG_DIMS(EG_N, 3, 4), "needs 'sizes' or 'scales'");
	refused("resize", "sizes=0", EG_DIMS(EG_N, 3, 4), "sizes");
	refused("resize", "sizes=4,5", EG_DIMS(EG_N, 3, 4), "has 2 numbers");
	refused("resize", "sizes=3 antialias=1", EG_DIMS(EG_N, 3, 4), "antialias");
	refused("depth_to_space", "block=2", EG_DIMS(EG_N, 6, 4, 5), "multiple of 4");
	refused("space_to_depth", "block=2", EG_DIMS(EG_N, 6, 4, 5), "no multiple of 2");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_places),
	        cmocka_unit_test(test_first),
	        cmocka_unit_test(test_unpool),
	        cmocka_unit_test(test_resize),
	        cmocka_unit_test(test_shuffle),
	        cmocka_unit_test(test_regions),
	        cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

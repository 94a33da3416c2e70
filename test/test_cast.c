/* test_cast.c - numbers of other types at the edges of a graph: inputs, outputs and constants, casts against what C and
 * IEEE 754 say, and what is refused. */
#include "net.h"

#include <stdint.h>

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} net;

static void begin(net *n) {
	*n = (net){.ctx = net_context(2, NULL)};
	n->g = eg_graph_new(n->ctx, NULL);
}

static void finish(net *n, int batch) {
	eg_error err;
	if (eg_graph_status(n->g, &err)) fail_msg("%s", err.message);
	n->p = eg_params_new(n->g, 1, NULL);
	n->plan = eg_plan_new(n->g, n->p, &(eg_plan_options){.batch = batch}, &err);
	if (!n->plan) fail_msg("%s", err.message);
}

static void end(net *n) {
	eg_plan_free(n->plan);
	eg_params_free(n->p);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}

static eg_tensor cast(net *n, eg_tensor x, eg_dtype to) {
	static const char *const words[EG_DTYPES] = {"to=f32", "to=i32", "to=i64", "to=u8", "to=bool", "to=f64", "to=f16", "to=bf16"};
	return net_layer(n->g, "cast", words[to], x);
}

/* x of n numbers of one type cast to another; `want` are its bytes. */
static void check(eg_dtype from, const void *x, eg_dtype to, const void *want, int count) {
	net n;
	begin(&n);
	eg_tensor in = eg_input(n.g, "x", from, EG_DIMS(EG_N)), y = cast(&n, in, to);
	assert_int_equal(eg_tensor_dtype(n.g, y), to);
	eg_output(n.g, "y", y);
	finish(&n, count);
	memcpy(eg_plan_input(n.plan, "x"), x, (size_t)count * eg_dtype_size(from));
	eg_plan_run(n.plan, 0);
	const unsigned char *have = eg_plan_tensor(n.plan, y);
	for (int i = 0; i < count; i++)
		if (memcmp(have + (size_t)i * eg_dtype_size(to), (const char *)want + (size_t)i * eg_dtype_size(to), eg_dtype_size(to)))
			fail_msg("number %d from %s to %s", i, eg_dtype_name(from), eg_dtype_name(to));
	end(&n);
}
#define CHECK(from, x, to, want) check(from, x, to, want, EG_COUNT(want))

static void test_whole_numbers(void **state) {
	EG_UNUSED(state);
	const eg_real x[] = {0, (eg_real)2.9, (eg_real)-2.9, 300, -1, (eg_real)3e9, (eg_real)-3e9, (eg_real)1e30,
	        (eg_real)NAN, (eg_real)INFINITY, -(eg_real)INFINITY};
	CHECK(EG_F32, x, EG_I32, ((const int32_t[]){0, 2, -2, 300, -1, INT32_MAX, INT32_MIN, INT32_MAX, 0, INT32_MAX, INT32_MIN}));
	CHECK(EG_F32, x, EG_I64, ((const int64_t[]){0, 2, -2, 300, -1, 3000000000, -3000000000, INT64_MAX, 0, INT64_MAX, INT64_MIN}));
	CHECK(EG_F32, x, EG_U8, ((const uint8_t[]){0, 2, 0, 255, 0, 255, 0, 255, 0, 255, 0}));
	CHECK(EG_F32, x, EG_BOOL, ((const uint8_t[]){0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
	const int64_t whole[] = {0, 1, -1, 256, 511, INT64_C(1) << 32 | 7, INT64_MIN, INT64_C(1) << 53 | 1};
	CHECK(EG_I64, whole, EG_I32, ((const int32_t[]){0, 1, -1, 256, 511, 7, 0, 1}));
	CHECK(EG_I64, whole, EG_U8, ((const uint8_t[]){0, 1, 255, 0, 255, 7, 0, 1}));
	CHECK(EG_I64, whole, EG_BOOL, ((const uint8_t[]){0, 1, 1, 1, 1, 1, 1, 1}));
	CHECK(EG_I64, whole, EG_I64, whole);
	CHECK(EG_I64, whole, EG_F64, ((const double[]){0, 1, -1, 256, 511, 4294967303.0, -0x1p63, 0x1p53}));
	CHECK(EG_BOOL, ((const uint8_t[]){0, 1, 7}), EG_F32, ((const eg_real[]){0, 1, 1}));
	CHECK(EG_U8, ((const uint8_t[]){0, 1, 200}), EG_I32, ((const int32_t[]){0, 1, 200}));
	CHECK(EG_I32, ((const int32_t[]){16777217, -5}), EG_F32, ((const eg_real[]){(eg_real)16777217, -5}));
}

static void test_halves(void **state) {
	EG_UNUSED(state);
	const double x[] = {0, -0.0, 1, -2, 65504, 65519, 65520, 0x1p-14, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1p-26,
	        1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1.001p-11, (double)INFINITY, -1e300, 0x1p-300};
	const uint16_t half[] = {0, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 0x0400, 1, 0, 1, 0, 0x3c00, 0x3c02,
	        0x3c01, 0x7c00, 0xfc00, 0};
	CHECK(EG_F64, x, EG_F16, half);
	CHECK(EG_F64, ((const double[]){1, -2, 1 + 0x1p-8, 1 + 0x3p-8, 3e38, 3.4e38, 1e39, 0x1p-133, 0x1p-134}), EG_BF16,
		((const uint16_t[]){0x3f80, 0xc000, 0x3f80, 0x3f82, 0x7f62, 0x7f80, 0x7f80, 1, 0}));
	CHECK(EG_BF16, ((const uint16_t[]){0x3f80, 0xc000, 0x4049, 0x8000, 0x7f80}), EG_F32,
		((const eg_real[]){1, -2, (eg_real)3.140625, -(eg_real)0.0, (eg_real)INFINITY}));
	uint16_t all[1 << 16], back[1 << 16];
	for (int kind = 0; kind < 2; kind++) { /* every one to a double and back */
		const int mantissa = kind ? 7 : 10;
		for (int i = 0; i < 1 << 16; i++) {
			const bool nan = (i >> mantissa & (kind ? 0xff : 0x1f)) == (kind ? 0xff : 0x1f) && (i & ((1 << mantissa) - 1));
			all[i] = nan ? 0 : (uint16_t)i;
		}
		net n;
		begin(&n);
		const eg_dtype type = kind ? EG_BF16 : EG_F16;
		eg_output(n.g, "y", cast(&n, cast(&n, eg_input(n.g, "x", type, EG_DIMS(EG_N)), EG_F64), type));
		finish(&n, 1 << 16);
		memcpy(eg_plan_input(n.plan, "x"), all, sizeof all);
		eg_plan_run(n.plan, 0);
		memcpy(back, eg_plan_output(n.plan, "y"), sizeof back);
		assert_memory_equal(all, back, sizeof all);
		end(&n);
	}
	const double nan[] = {(double)NAN};
	CHECK(EG_F64, nan, EG_BOOL, ((const uint8_t[]){1}));
}

/* A picture of bytes in, a truth for each class out; between them a network. Constants of other types too. */
static void test_edges(void **state) {
	EG_UNUSED(state);
	enum { N = 19, F = 12 };
	static const uint8_t mask[F] = {1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0};
	static const double scale[1] = {0.5};
	net n;
	begin(&n);
	eg_tensor x = eg_input(n.g, "x", EG_U8, EG_DIMS(EG_N, F)), h = cast(&n, x, EG_F32);
	h = net_apply(n.g, "mul", "", (eg_tensor[]){h, cast(&n, eg_constant(n.g, mask, EG_BOOL, EG_DIMS(F)), EG_F32)}, 2);
	h = net_apply(n.g, "mul", "", (eg_tensor[]){h, cast(&n, eg_constant(n.g, scale, EG_F64, EG_DIMS(1)), EG_F32)}, 2);
	eg_tensor y = net_layer(n.g, "linear", "units=3 name=l", h);
	const float half[] = {40};
	eg_tensor limit = cast(&n, eg_constant(n.g, (const int64_t[]){40}, EG_I64, EG_DIMS(1)), EG_F32);
	eg_output(n.g, "y", y);
	eg_output(n.g, "large", cast(&n, net_apply(n.g, "greater", "", (eg_tensor[]){y, limit}, 2), EG_BOOL));
	eg_output(n.g, "best", cast(&n, net_layer(n.g, "arg_max", "axis=-1", y), EG_I64));
	finish(&n, N);
	uint8_t *to = eg_plan_input(n.plan, "x");
	for (int i = 0; i < N * F; i++) to[i] = (uint8_t)(37 * i);
	eg_plan_run(n.plan, 0);
	const eg_real *w = eg_params_data(n.p, eg_params_find(n.p, "l.weight")), *b = eg_params_data(n.p, eg_params_find(n.p, "l.bias"));
	const uint8_t *large = eg_plan_tensor(n.plan, eg_graph_find(n.g, "large"));
	const int64_t *best = eg_plan_tensor(n.plan, eg_graph_find(n.g, "best"));
	for (int i = 0; i < N; i++) {
		double v[3];
		for (int k = 0; k < 3; k++) {
			v[k] = (double)b[k];
			for (int f = 0; f < F; f++) v[k] += (double)w[k * F + f] * (uint8_t)(37 * (i * F + f)) * mask[f] / 2;
			net_near(eg_plan_output(n.plan, "y")[i * 3 + k], v[k], 1e-3);
			assert_int_equal(large[i * 3 + k], eg_plan_output(n.plan, "y")[i * 3 + k] > half[0]);
		}
		assert_int_equal(best[i], v[0] >= v[1] && v[0] >= v[2] ? 0 : v[1] >= v[2] ? 1 : 2);
	}
	end(&n);
}

static void test_refused(void **state) {
	EG_UNUSED(state);
	static const struct {
		const char *op, *attrs, *part;
		eg_dtype type;
	} cases[] = {
	        {"relu", "", "relu 'relu1': input 'x' holds EG_U8, which only cast reads: put a cast to f32 before it", EG_U8},
	        {"embedding", "count=3 size=2", "input 'ids' holds EG_I64, which only cast reads: put a cast to i32 before it", EG_I64},
	        {"reshape", "shape=1,-1", "put a cast to f32", EG_BOOL},
	        {"linear", "units=3", "holds EG_F16", EG_F16},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		net n;
		eg_error err;
		begin(&n);
		net_layer(n.g, cases[i].op, cases[i].attrs, eg_input(n.g, "in", cases[i].type, EG_DIMS(EG_N, 4)));
		assert_int_equal(eg_graph_status(n.g, &err), EG_ERR_ARG);
		assert_contains(err.message, cases[i].part);
		end(&n);
	}
	net n;
	eg_error err;
	begin(&n);
	eg_input(n.g, "in", (eg_dtype)EG_DTYPES, EG_DIMS(EG_N));
	assert_int_equal(eg_graph_status(n.g, &err), EG_ERR_ARG);
	assert_contains(err.message, "there is no type number 8");
	end(&n);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_whole_numbers),
	        cmocka_unit_test(test_halves),
	        cmocka_unit_test(test_edges),
	        cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

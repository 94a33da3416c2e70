/* test_index.c - operators that take whole numbers as places, or go along lines, give the numbers that ONNX's and
 * numpy's documentation give; and what they do with numbers that name nothing, which the tester, comparing one table
 * with another, cannot know. A shifted sequence goes on in a session. */
#include "net.h"

#include "engram_ops.h"

#include <math.h>
#include <string.h>

typedef struct bed {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} bed;

static bed bed_new(void) {
	bed b = {.ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL)};
	b.g = eg_graph_new(b.ctx, NULL);
	return b;
}

static eg_tensor reals(const bed *b, const char *name, eg_dims d) { return eg_input(b->g, name, EG_F32, d); }
static eg_tensor integers(const bed *b, const char *name, eg_dims d) { return eg_input(b->g, name, EG_I32, d); }

/* Everything that flows back is wanted where `train` is. */
static void ready(bed *b, eg_tensor y, bool train) {
	eg_error err = {0};
	eg_output(b->g, "y", y);
	b->p = eg_params_new(b->g, 1, &err);
	if (b->p)
		b->plan = eg_plan_new(
			b->g, b->p, &(eg_plan_options){.batch = 1, .train = train, .input_grads = train}, &err);
	if (!b->plan) fail_msg("%s", err.message);
}

static void put(const bed *b, const char *name, const double *x, int n) {
	eg_real *to = eg_plan_input(b->plan, name);
	for (int i = 0; i < n; i++) to[i] = (eg_real)x[i];
}

static void put_integers(const bed *b, const char *name, const int32_t *x, int n) {
	memcpy(eg_plan_input(b->plan, name), x, (size_t)n * sizeof *x);
}

static void same(const eg_real *have, const double *want, int n) {
	for (int i = 0; i < n; i++) {
		const double h = (double)have[i];
		if (isnan(want[i]) ? !isnan(h) : fabs(h - want[i]) > 1e-5)
			fail_msg("number %d is %g, not %g", i, h, want[i]);
	}
}

static void bed_end(bed *b) {
	eg_plan_free(b->plan);
	eg_params_free(b->p);
	eg_graph_free(b->g);
	eg_context_free(b->ctx);
}

#define PUT(b, name, ...) \
	put(&(b), name, (const double[]){__VA_ARGS__}, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))
#define PUT_I(b, name, ...) \
	put_integers(&(b), name, (const int32_t[]){__VA_ARGS__}, \
		(int)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))
#define SAME(have, ...) \
	same(have, (const double[]){__VA_ARGS__}, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))
#define RUN(b) eg_plan_run((b).plan, 0)
#define Y(b) ((const eg_real *)eg_plan_output((b).plan, "y"))

static void set_ones(const bed *b, int n) {
	eg_real *dy = eg_plan_grad(b->plan, "y");
	for (int i = 0; i < n; i++) dy[i] = (eg_real)(i + 1);
}

/* ---- by index ---------------------------------------------------------------------------------------------------- */

/* Numbers from the end, numbers that name nothing, and one row twice. */
static void gathers(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	ready(&b, eg_gather(b.g, reals(&b, "x", EG_DIMS(3, 2)), integers(&b, "i", EG_DIMS(5))), true);
	PUT(b, "x", 1, 2, 3, 4, 5, 6);
	PUT_I(b, "i", 0, -1, 3, 0, -4);
	set_ones(&b, 10);
	RUN(b);
	SAME(Y(b), 1, 2, 5, 6, NAN, NAN, 1, 2, NAN, NAN);
	SAME(eg_plan_grad(b.plan, "x"), 1 + 7, 2 + 8, 0, 0, 3, 4);
	bed_end(&b);
}

static void integers_outside_are_minus_one(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	ready(&b, eg_gather_elements(b.g, integers(&b, "x", EG_DIMS(2, 2)), integers(&b, "i", EG_DIMS(1, 2))), false);
	PUT_I(b, "x", 7, 8, 9, 10);
	PUT_I(b, "i", 1, 2);
	RUN(b);
	assert_int_equal(((const int32_t *)eg_plan_output(b.plan, "y"))[0], 9);
	assert_int_equal(((const int32_t *)eg_plan_output(b.plan, "y"))[1], -1);
	bed_end(&b);
}

/* The examples of ONNX's GatherElements and GatherND (batch_dims 1). */
static void gathers_elements(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	ready(&b, eg_gather_elements(b.g, reals(&b, "x", EG_DIMS(3, 3)), integers(&b, "i", EG_DIMS(2, 3))), false);
	PUT(b, "x", 1, 2, 3, 4, 5, 6, 7, 8, 9);
	PUT_I(b, "i", 1, 2, 0, 2, 0, 0);
	RUN(b);
	SAME(Y(b), 4, 8, 3, 7, 2, 3);
	bed_end(&b);
	b = bed_new();
	ready(&b,
		eg_gather_nd(b.g, reals(&b, "x", EG_DIMS(2, 2, 2)), integers(&b, "i", EG_DIMS(2, 1)), .batch_dims = 1),
		false);
	PUT(b, "x", 0, 1, 2, 3, 4, 5, 6, 7);
	PUT_I(b, "i", 1, 0);
	RUN(b);
	SAME(Y(b), 2, 3, 4, 5);
	bed_end(&b);
}

/* Of two writers of a place the last one counts, and has the gradient; one outside changes nothing. */
static void scatters(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	ready(&b,
		eg_scatter_elements(b.g, reals(&b, "x", EG_DIMS(1, 5)), integers(&b, "i", EG_DIMS(1, 4)),
			reals(&b, "u", EG_DIMS(1, 4)), .axis = 1),
		true);
	PUT(b, "x", 1, 2, 3, 4, 5);
	PUT_I(b, "i", 1, -1, 1, 9);
	PUT(b, "u", 1.1, 2.1, 3.1, 4.1);
	set_ones(&b, 5);
	RUN(b);
	SAME(Y(b), 1, 3.1, 3, 4, 2.1);
	SAME(eg_plan_grad(b.plan, "x"), 1, 0, 3, 4, 0);
	SAME(eg_plan_grad(b.plan, "u"), 0, 5, 2, 0);
	bed_end(&b);
}

static void products_know_their_zeros(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	ready(&b,
		eg_scatter_nd(b.g, reals(&b, "x", EG_DIMS(3)), integers(&b, "i", EG_DIMS(4, 1)),
			reals(&b, "u", EG_DIMS(4)), .reduction = EG_SCATTER_ND_REDUCTION_MUL),
		true);
	PUT(b, "x", 2, 0, 5);
	PUT_I(b, "i", 0, 1, 0, 1);
	PUT(b, "u", 0, 3, 7, 4);
	for (int i = 0; i < 3; i++) eg_plan_grad(b.plan, "y")[i] = 1;
	RUN(b);
	SAME(Y(b), 0, 0, 5);
	SAME(eg_plan_grad(b.plan, "x"), 0, 12, 1);
	SAME(eg_plan_grad(b.plan, "u"), 14, 0, 0, 0);
	bed_end(&b);
}

static void one_hot_knows_the_end(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	ready(&b, eg_one_hot(b.g, integers(&b, "i", EG_DIMS(4)), .depth = 3, .on = 5, .off = 2), false);
	PUT_I(b, "i", 1, -1, 3, -4);
	RUN(b);
	SAME(Y(b), 2, 5, 2, 2, 2, 5, 2, 2, 2, 2, 2, 2);
	bed_end(&b);
}

/* ---- along lines ------------------------------------------------------------------------------------------------- */

static void top_k_puts_nan_first(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	const eg_tensor values = eg_top_k(b.g, reals(&b, "x", EG_DIMS(5)), .k = 3);
	eg_output(b.g, "places", eg_result(b.g, values, 1));
	ready(&b, values, true);
	PUT(b, "x", 3, 1, NAN, 3, 2);
	set_ones(&b, 3);
	RUN(b);
	SAME(Y(b), NAN, 3, 3);
	const int32_t *places = (const void *)eg_plan_output(b.plan, "places");
	assert_true(places[0] == 2 && places[1] == 0 && places[2] == 3);
	SAME(eg_plan_grad(b.plan, "x"), 2, 0, 1, 3, 0);
	bed_end(&b);
}

/* numpy.pad's modes; padding that is longer than what is inside goes on reflecting. */
static void pads(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	const int sides[] = {3, 4}, cut[] = {-1, 2};
	const eg_tensor x = reals(&b, "x", EG_DIMS(3));
	eg_output(b.g, "reflect", eg_pad_nd(b.g, x, .pads = {sides, 2}, .mode = EG_PAD_ND_MODE_REFLECT));
	eg_output(b.g, "edge", eg_pad_nd(b.g, x, .pads = {sides, 2}, .mode = EG_PAD_ND_MODE_EDGE));
	eg_output(b.g, "wrap", eg_pad_nd(b.g, x, .pads = {sides, 2}, .mode = EG_PAD_ND_MODE_WRAP));
	ready(&b, eg_pad_nd(b.g, x, .pads = {cut, 2}, .value = 9), false);
	PUT(b, "x", 1, 2, 3);
	RUN(b);
	SAME(eg_plan_output(b.plan, "reflect"), 2, 3, 2, 1, 2, 3, 2, 1, 2, 3);
	SAME(eg_plan_output(b.plan, "edge"), 1, 1, 1, 1, 2, 3, 3, 3, 3, 3);
	SAME(eg_plan_output(b.plan, "wrap"), 1, 2, 3, 1, 2, 3, 1, 2, 3, 1);
	SAME(Y(b), 2, 3, 9, 9);
	bed_end(&b);
}

static void sums_run(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	const eg_tensor x = reals(&b, "x", EG_DIMS(2, 3));
	eg_output(b.g, "exclusive", eg_cumsum(b.g, x, .exclusive = true));
	eg_output(b.g, "reverse", eg_cumsum(b.g, x, .axis = EG_ZERO, .reverse = true));
	eg_output(b.g, "lower", eg_trilu(b.g, x, .no_upper = true, .k = -1));
	eg_output(b.g, "numbers", eg_arange(b.g, x, .start = 4, .step = -2));
	ready(&b, eg_cumsum(b.g, x), false);
	PUT(b, "x", 1, 2, 3, 4, 5, 6);
	RUN(b);
	SAME(Y(b), 1, 3, 6, 4, 9, 15);
	SAME(eg_plan_output(b.plan, "exclusive"), 0, 1, 3, 0, 4, 9);
	SAME(eg_plan_output(b.plan, "reverse"), 5, 7, 9, 4, 5, 6);
	SAME(eg_plan_output(b.plan, "lower"), 0, 0, 0, 4, 0, 0);
	SAME(eg_plan_output(b.plan, "numbers"), 4, 2, 0);
	bed_end(&b);
}

/* ---- of several -------------------------------------------------------------------------------------------------- */

static void means_and_sums_of_many(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	const eg_tensor three[] = {reals(&b, "a", EG_DIMS(2)), reals(&b, "b", EG_DIMS(2)), reals(&b, "c", EG_DIMS(1))};
	eg_output(b.g, "sum", eg_sum_n(b.g, three, 3, NULL));
	eg_output(b.g, "max", eg_max_n(b.g, three, 3, NULL));
	ready(&b, eg_mean_n(b.g, three, 3, NULL), true);
	PUT(b, "a", 1, 8);
	PUT(b, "b", 6, 2);
	PUT(b, "c", 5);
	for (int i = 0; i < 2; i++) eg_plan_grad(b.plan, "y")[i] = 3;
	memset(eg_plan_grad(b.plan, "sum"), 0, 2 * sizeof(eg_real));
	memset(eg_plan_grad(b.plan, "max"), 0, 2 * sizeof(eg_real));
	RUN(b);
	SAME(Y(b), 4, 5);
	SAME(eg_plan_output(b.plan, "sum"), 12, 15);
	SAME(eg_plan_output(b.plan, "max"), 6, 8);
	SAME(eg_plan_grad(b.plan, "a"), 1, 1);
	SAME(eg_plan_grad(b.plan, "c"), 2);
	bed_end(&b);
}

static void equations(void **state) {
	bed b = bed_new();
	EG_UNUSED(state);
	const eg_tensor x = reals(&b, "x", EG_DIMS(2, 2)), v = reals(&b, "v", EG_DIMS(2));
	eg_output(b.g, "trace", eg_einsum(b.g, x, .equation = "ii"));
	eg_output(b.g, "diagonal", eg_einsum(b.g, x, .equation = "...ii->...i"));
	eg_output(b.g, "sorted", eg_einsum(b.g, x, .equation = "ba"));
	ready(&b, eg_einsum_n(b.g, (const eg_tensor[]){x, v, v}, 3, &(eg_einsum_options){.equation = "ij,i,j->"}),
		false);
	PUT(b, "x", 1, 2, 3, 4);
	PUT(b, "v", 10, 1);
	RUN(b);
	SAME(Y(b), 100 + 20 + 30 + 4);
	SAME(eg_plan_output(b.plan, "trace"), 5);
	SAME(eg_plan_output(b.plan, "diagonal"), 1, 4);
	SAME(eg_plan_output(b.plan, "sorted"), 1, 3, 2, 4);
	bed_end(&b);
}

/* What is wrong is told by its numbers. */
static void mistakes_are_told(void **state) {
	EG_UNUSED(state);
	bed b = bed_new();
	eg_error err = {0};
	eg_output(b.g, "y", eg_einsum(b.g, reals(&b, "x", EG_DIMS(EG_N, 2)), .equation = "ni->i"));
	assert_null(eg_params_new(b.g, 1, &err));
	assert_non_null(strstr(err.message, "over the batch"));
	eg_graph_free(b.g);
	b.g = eg_graph_new(b.ctx, NULL);
	eg_output(b.g, "y", eg_gather(b.g, reals(&b, "x", EG_DIMS(EG_N, 2)), integers(&b, "i", EG_DIMS(3))));
	assert_null(eg_params_new(b.g, 1, &err));
	assert_non_null(strstr(err.message, "is the batch"));
	eg_graph_free(b.g);
	b.g = eg_graph_new(b.ctx, NULL);
	eg_output(b.g, "y", eg_split_parts(b.g, reals(&b, "x", EG_DIMS(5, 2)), .sizes = EG_INTS(2, 2)));
	assert_null(eg_params_new(b.g, 1, &err));
	assert_non_null(strstr(err.message, "sum to 4"));
	bed_end(&b);
}

/* ---- a session --------------------------------------------------------------------------------------------------- */

/* Two runs of two steps are one of four; the state tells "nothing yet" from zeros. */
static void shift_goes_on(void **state) {
	EG_UNUSED(state);
	bed b = bed_new();
	eg_error err = {0};
	const eg_tensor x = reals(&b, "x", EG_DIMS(2, 2, 1)), ids = integers(&b, "ids", EG_DIMS(2, 2));
	eg_output(b.g, "ids_later", eg_shift(b.g, ids, .start = 7));
	eg_output(b.g, "y", eg_shift(b.g, x, .start = -1));
	b.p = eg_params_new(b.g, 1, &err);
	b.plan = b.p ? eg_plan_new(b.g, b.p, &(eg_plan_options){.batch = 1, .carry = true}, &err) : NULL;
	if (!b.plan) fail_msg("%s", err.message);
	PUT(b, "x", 1, 2, 0, 4);
	PUT_I(b, "ids", 3, 4, 0, 6);
	RUN(b);
	SAME(Y(b), -1, -1, 1, 2);
	const int32_t *later = (const void *)eg_plan_output(b.plan, "ids_later");
	assert_true(later[0] == 7 && later[1] == 7 && later[2] == 3 && later[3] == 4);
	PUT(b, "x", 5, 6, 7, 8);
	RUN(b);
	SAME(Y(b), 0, 4, 5, 6);
	assert_true(later[0] == 0 && later[1] == 6);
	bed_end(&b);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathers),
		cmocka_unit_test(integers_outside_are_minus_one),
		cmocka_unit_test(gathers_elements),
		cmocka_unit_test(scatters),
		cmocka_unit_test(products_know_their_zeros),
		cmocka_unit_test(one_hot_knows_the_end),
		cmocka_unit_test(top_k_puts_nan_first),
		cmocka_unit_test(pads),
		cmocka_unit_test(sums_run),
		cmocka_unit_test(means_and_sums_of_many),
		cmocka_unit_test(equations),
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test(shift_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_constants.c - eg_constant: against the same numbers as an input, in every place where an operand may stand; what
 * is made of constants alone is made once; what is refused; sessions and out of memory. */
#include "net.h"

#include "core/plan.h"
#include "engram_ops.h"

#include <math.h>

enum { B = 5, W = 6 };

static eg_real numbers[W * W * 4];
static const int32_t ids[] = {3, 1, 4, 1, 5};

static void fill_numbers(void) {
	for (int i = 0; i < W * W * 4; i++) numbers[i] = (eg_real)(i * 29 % 53) / 20 - 1;
}

/* An operand: a constant, or an input called `name` with the same numbers. */
static eg_tensor operand(eg_graph *g, bool constant, const char *name, const void *data, eg_dtype type, eg_dims d) {
	return constant ? eg_constant(g, data, type, d) : eg_input(g, name, type, d);
}

/* Sums, products, joins, masks, tables of ids, and things that are made of constants alone. */
static eg_graph *mixed(eg_context *ctx, bool constant) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	if (!g) return NULL;
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, W));
	eg_tensor row = operand(g, constant, "row", numbers, EG_F32, EG_DIMS(W));
	eg_tensor square = operand(g, constant, "square", numbers + 7, EG_F32, EG_DIMS(W, W));
	eg_tensor words = operand(g, constant, "words", ids, EG_I32, EG_DIMS(5));
	eg_tensor y = eg_matmul(g, eg_add(g, x, row), square);
	y = eg_add(g, y, eg_reshape(g, eg_slice(g, eg_relu(g, eg_transpose(g, square)), .starts = EG_INTS(1), .ends = EG_INTS(2)), .shape = EG_INTS(W)));
	y = eg_add(g, y, eg_slice(g, eg_tanh(g, square), .starts = EG_INTS(2), .ends = EG_INTS(3)));
	eg_tensor table = eg_embedding(g, words, .size = W, .count = 7);
	eg_output(g, "table", table);
	eg_output(g, "square", eg_flatten(g, square, .axis = EG_ZERO));
	eg_output(g, "y", eg_linear(g, eg_concat(g, y, eg_expand(g, row, .like = y)), .units = 3));
	return g;
}

static eg_plan *plan_of(eg_graph *g, eg_params *p, eg_plan_options o) {
	eg_error err;
	o.batch = B;
	eg_plan *plan = eg_plan_new(g, p, &o, &err);
	if (!plan) fail_msg("%s", err.message);
	eg_real *x = eg_plan_input(plan, "x"), *row = eg_plan_input(plan, "row"), *square = eg_plan_input(plan, "square");
	for (int i = 0; i < B * W; i++) x[i] = (eg_real)(i * 17 % 23) / 10 - 1;
	if (row) memcpy(row, numbers, W * sizeof *row);
	if (square) memcpy(square, numbers + 7, W * W * sizeof *square);
	if (eg_plan_input(plan, "words")) memcpy(eg_plan_input(plan, "words"), ids, sizeof ids);
	return plan;
}

static void same_numbers(const eg_real *a, const eg_real *b, int n) {
	for (int i = 0; i < n; i++)
		if (fabs((double)(a[i] - b[i])) > 1e-5 * (1 + fabs((double)b[i]))) fail_msg("element %d: %g, not %g", i, (double)a[i], (double)b[i]);
}

static void as_inputs_are(void **state) {
	(void)state;
	fill_numbers();
	for (int k = 0; k < 4 * EG_LAYOUT_CHOICES; k++) {
		const bool train = k & 1, plain = k & 2;
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1 + k % 3}, NULL);
		eg_graph *a = mixed(ctx, true), *b = mixed(ctx, false);
		eg_params *p = eg_params_new(a, 3, NULL), *q = eg_params_new(b, 3, NULL);
		const eg_plan_options o = {.train = train, .input_grads = train, .no_fusion = plain, .no_defer = plain, .layout = (eg_layout_choice)(k / 4)};
		eg_plan *have = plan_of(a, p, o), *want = plan_of(b, q, o);
		assert_null(eg_plan_input(have, "row"));
		for (int run = 0; run < 3; run++) {
			for (int i = 0; train && i < B * 3; i++) eg_plan_grad(have, "y")[i] = eg_plan_grad(want, "y")[i] = (eg_real)(i - run);
			eg_plan_run(have, 0);
			eg_plan_run(want, 0);
			same_numbers(eg_plan_output(have, "y"), eg_plan_output(want, "y"), B * 3);
			same_numbers(eg_plan_output(have, "table"), eg_plan_output(want, "table"), 5 * W);
			same_numbers(eg_plan_output(have, "square"), eg_plan_output(want, "square"), W * W);
			if (train) same_numbers(eg_plan_grad(have, "x"), eg_plan_grad(want, "x"), B * W);
			for (int i = 0; train && i < eg_params_count(p); i++)
				same_numbers(eg_params_grad(p, i), eg_params_grad(q, i), (int)eg_params_dims(p, i).d[0]);
			eg_params_flat(p, NULL)[0] += 1; /* as an update does */
			eg_params_flat(q, NULL)[0] += 1;
			eg_params_changed(p);
			eg_params_changed(q);
		}
		assert_int_equal(eg_plan_diagnose(have, 0, NULL), EG_OK);
		eg_plan_free(have);
		eg_plan_free(want);
		eg_params_free(p);
		eg_params_free(q);
		eg_graph_free(a);
		eg_graph_free(b);
		eg_context_free(ctx);
	}
}

static int packs(const eg_plan *plan, const char *kernel, const char *node) {
	int n = 0;
	for (int i = 0; i < eg_plan_calls(plan); i++) {
		eg_call_info c;
		eg_plan_call(plan, i, &c);
		n += c.pack && !strcmp(c.kernel, kernel) && !strcmp(c.node, node);
	}
	return n;
}

/* What constants alone go into is done when it is first needed, and not again when weights have changed. */
static void made_once(void **state) {
	(void)state;
	fill_numbers();
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = mixed(ctx, true);
	eg_params *p = eg_params_new(g, 3, NULL);
	eg_plan *plan = plan_of(g, p, (eg_plan_options){.train = true});
	assert_int_equal(packs(plan, "strided", "transpose1"), 1);
	assert_int_equal(packs(plan, "gemm_pack", "matmul1"), 1);
	eg_plan_run(plan, 0);
	int constant = 0, weights = 0;
	for (int i = 0; i < plan->nbufs; i++) {
		if (!plan->bufs[i].packed) continue;
		plan->bufs[i].packed->constant ? constant++ : weights++;
		if (plan->bufs[i].packed->constant) memset(plan->bufs[i].packed->data, 0, plan->bufs[i].packed->bytes);
	}
	assert_true(constant >= 4 && weights >= 1);
	eg_params_changed(p);
	eg_plan_run(plan, 0);
	for (int i = 0; i < plan->nbufs; i++)
		if (plan->bufs[i].packed && plan->bufs[i].packed->constant) assert_int_equal(*plan->bufs[i].packed->data, 0);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* Constant pictures in a convolution's channel groups of 16, and a constant that is an output itself; no input at
 * all. */
static void constants_alone(void **state) {
	(void)state;
	static eg_real pictures[2 * 20 * 5 * 5];
	for (int i = 0; i < 2 * 20 * 25; i++) pictures[i] = (eg_real)(i * 31 % 61) / 30 - 1;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL);
	eg_real first[2 * 17 * 25];
	for (int k = 0; k < EG_LAYOUT_CHOICES; k++) {
		eg_error err;
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_tensor c = eg_constant(g, pictures, EG_F32, EG_DIMS(2, 20, 5, 5));
		assert_ptr_not_equal(eg_constant_data(g, c), pictures);
		assert_memory_equal(eg_constant_data(g, c), pictures, sizeof pictures);
		eg_output(g, "given", c);
		eg_output(g, "y", eg_relu(g, eg_conv2d(g, c, .filters = 17, .kernel = {3, 3}, .padding = {1, 1})));
		eg_params *p = eg_params_new(g, 3, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .train = k % 2, .layout = (eg_layout_choice)k}, &err);
		if (!plan) fail_msg("%s", err.message);
		eg_plan_run(plan, 0);
		assert_memory_equal(eg_plan_output(plan, "given"), pictures, sizeof pictures);
		if (k == 0) memcpy(first, eg_plan_output(plan, "y"), sizeof first);
		same_numbers(eg_plan_output(plan, "y"), first, 2 * 17 * 25);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

/* Chunk by chunk as at once; the session asks for no constant. */
static void in_sessions(void **state) {
	(void)state;
	fill_numbers();
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, W));
	eg_output(g, "y", eg_lstm(g, eg_add(g, x, eg_constant(g, numbers, EG_F32, EG_DIMS(W))), .hidden = 4));
	eg_params *p = eg_params_new(g, 3, NULL);
	eg_error err;
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .time = 7}, &err);
	eg_session *s = eg_session_new(g, p, &(eg_session_options){.batch = 1, .chunk = 3}, &err);
	if (!plan || !s) fail_msg("%s", err.message);
	eg_real y[7 * 4], *in = eg_plan_input(plan, "x");
	for (int i = 0; i < 7 * W; i++) in[i] = (eg_real)(i % 5) / 3;
	eg_plan_run(plan, 0);
	if (eg_session_run(s, 7, (const char *const[]){"x"}, (const void *const[]){in}, 1, (eg_real *const[]){y}, &err)) fail_msg("%s", err.message);
	assert_memory_equal(y, eg_plan_output(plan, "y"), sizeof y);
	eg_session_free(s);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void refused_constants(void **state) {
	(void)state;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	for (int k = 0; k < 3; k++) {
		eg_error err;
		eg_graph *g = eg_graph_new(ctx, NULL);
		const eg_tensor t = eg_constant(g, k == 2 ? NULL : ids, EG_I32, k == 0 ? EG_DIMS(EG_N, 5) : k == 1 ? EG_DIMS(5, 0) : EG_DIMS(5));
		static const char *const parts[] = {"a constant of shape (N,5); its sizes must be known", "a constant of shape (5,0)", "(5) has no numbers"};
		assert_int_equal(t.id, 0);
		assert_null(eg_constant_data(g, t));
		eg_graph_status(g, &err);
		if (!strstr(err.message, parts[k])) fail_msg("%s", err.message);
		eg_graph_free(g);
	}
	const eg_real odd[] = {0, (eg_real)NAN};
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_error err;
	eg_output(g, "y", eg_add(g, eg_input(g, "x", EG_F32, EG_DIMS(2)), eg_constant(g, odd, EG_F32, EG_DIMS(2))));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1}, NULL);
	assert_int_equal(eg_plan_diagnose(plan, 0, &err), EG_ERR_NUMERIC);
	assert_string_equal(err.message, "a constant holds NaN");
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* Every allocation fails once. */
static void without_memory(void **state) {
	(void)state;
	fill_numbers();
	meter m = {0};
	const eg_allocator a = {meter_alloc, meter_release, &m};
	bool done = false;
	for (long left = 0; !done; left++) {
		m.left = -1;
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .allocator = &a}, NULL);
		m.left = left;
		eg_graph *made = mixed(ctx, true);
		eg_params *p = made ? eg_params_new(made, 1, NULL) : NULL;
		eg_plan *plan = p ? eg_plan_new(made, p, &(eg_plan_options){.batch = B, .train = true}, NULL) : NULL;
		done = plan != NULL;
		if (made && !done && eg_graph_status(made, NULL)) assert_int_equal(eg_graph_status(made, NULL), EG_ERR_MEMORY);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(made);
		eg_context_free(ctx);
		assert_int_equal(m.live, 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_inputs_are),
		cmocka_unit_test(made_once),
		cmocka_unit_test(constants_alone),
		cmocka_unit_test(in_sessions),
		cmocka_unit_test(refused_constants),
		cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_lists.c - as many inputs as one likes (variadic operators), and attributes whose length the caller chooses
 * (eg_ints): kept by the graph, checked, read from recipes; and what the operators that have them do with open sizes.
 * What they compute is the operator tester's (optest.c). */
#include "net.h"
#include "recipe_bed.h"

#include "engram_ops.h"

/* ---- in C -------------------------------------------------------------------------------------------------------- */

/* The caller's list is read once; what is in the graph is its own, and can be looked at. */
static void list_is_copied(void **state) {
	(void)state;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	int perm[] = {0, 2, 1};
	eg_transpose_options o = {.perm = {perm, 3}};
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 3));
	eg_output(g, "y", eg_transpose_with(g, x, &o));
	eg_output(g, "z", eg_slice(g, x, .starts = EG_INTS(-1), .ends = EG_INTS(-4), .axes = EG_INTS(2), .steps = EG_INTS(-2)));
	memset(perm, 0x7f, sizeof perm);
	eg_node_info node;
	eg_graph_node(g, 0, &node);
	const eg_transpose_options *kept = node.options;
	assert_int_equal(kept->perm.n, 3);
	assert_ptr_not_equal(kept->perm.at, perm);
	assert_int_equal(kept->perm.at[1], 2);
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_error err;
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1}, &err);
	if (!plan) fail_msg("%s", err.message);
	for (int i = 0; i < 6; i++) ((eg_real *)eg_plan_input(plan, "x"))[i] = (eg_real)i;
	eg_plan_run(plan, 0);
	static const eg_real y[] = {0, 3, 1, 4, 2, 5}, z[] = {2, 0, 5, 3};
	for (int i = 0; i < 6; i++) assert_true(eg_plan_output(plan, "y")[i] == y[i]);
	for (int i = 0; i < 4; i++) assert_true(eg_plan_output(plan, "z")[i] == z[i]);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static eg_tensor sequences(eg_graph *g) { return eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 4, 6)); }

static void refused_lists(void **state) {
	(void)state;
	static const struct {
		const char *op, *attrs, *part;
	} cases[] = {
		{"slice", "starts=0", "attribute 'ends' is needed"},
		{"slice", "starts=0,1 ends=3", "starts has 2 numbers, ends 1"},
		{"slice", "starts=0 ends=2 axes=1", "is the batch, which cannot be cut"},
		{"slice", "starts=5 ends=9 axes=2", "nothing of dimension 2"},
		{"slice", "starts=0 ends=2 axes=8", "number 1 of attribute 'axes' is 8, allowed are -8 to 7"},
		{"slice", "starts=0 ends=2 axes=3 steps=0", "number 1 of steps is 0"},
		{"slice", "starts=0,0 ends=2,2 axes=3,-1", "named twice"},
		{"transpose", "perm=0,1,2,2", "each of the 4 dimensions"},
		{"transpose", "perm=0,1,2", "each of the 4 dimensions"},
		{"transpose", "perm=0,1,2,3,4,5,6,7,0", "attribute 'perm' has 9 numbers, at most 8"},
		{"tile", "repeats=1,2,1,1", "is the batch, which cannot be repeated"},
		{"tile", "repeats=1,1,0,1", "number 3 of attribute 'repeats' is 0, allowed are 1"},
		{"expand", "", "needs the attribute 'shape' or the input 'like'"},
		{"expand", "shape=3,6", "cannot be repeated to the shape"},
		{"reshape", "shape=0,0,5,-1", "the sizes do not divide"},
		{"reshape", "shape=0,0,-1,-1", "more than one -1"},
		{"reshape", "shape=0,0,4,5", "do not divide"},
		{"reshape", "shape=4,-1", "samples of the batch would be mixed"},
		{"reshape", "shape=24", "the batch is left out"},
		{"squeeze", "axes=2", "dimension 2 of x (T,N,4,6) is not 1"},
		{"unsqueeze", "axes=0,0", "named twice"},
		{"unsqueeze", "axes=0,1,2,3,4", "would have 9 dimensions"},
	};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_error err;
		net_layer(g, cases[i].op, cases[i].attrs, sequences(g));
		if (eg_graph_status(g, &err) == EG_OK || !strstr(err.message, cases[i].part))
			fail_msg("%s %s: %s", cases[i].op, cases[i].attrs, err.message);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

static void open_sizes_stay(void **state) {
	(void)state;
	static const struct {
		const char *op, *attrs, *shape;
	} cases[] = {
		{"transpose", "perm=1,3,0,2", "(N,6,T,4)"},
		{"slice", "starts=1 ends=3 axes=-1", "(T,N,4,2)"},
		{"slice", "starts=-1 ends=2147483647", "(1,N,4,6)"},
		{"slice", "starts=-1 ends=-2147483647 steps=-1", "(T,N,4,6)"},
		{"slice", "starts=0,2 ends=2147483647,4 axes=1,2", "(T,N,2,6)"},
		{"slice", "starts=1 ends=2147483647", "(time',N,4,6)"},
		{"tile", "repeats=1,1,2,1", "(T,N,8,6)"},
		{"tile", "repeats=2,1,1,1", "(time',N,4,6)"},
		{"expand", "shape=1,4,6", "(T,N,4,6)"},
		{"reshape", "shape=0,0,-1", "(T,N,24)"},
		{"reshape", "shape=-1,24", "(T*N,24)"},
		{"reshape", "shape=0,-1,24", "(T,N,24)"},
		{"reshape", "shape=0,0,2,2,-1", "(T,N,2,2,6)"},
		{"unsqueeze", "axes=1,-1", "(T,1,N,4,6,1)"},
		{"squeeze", "", "(T,N,4,6)"},
	};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_error err;
		char text[128];
		eg_tensor y = net_layer(g, cases[i].op, cases[i].attrs, sequences(g));
		if (eg_graph_status(g, &err)) fail_msg("%s %s: %s", cases[i].op, cases[i].attrs, err.message);
		assert_string_equal(eg_shape_text(g, eg_tensor_dims(g, y), text, sizeof text), cases[i].shape);
		eg_output(g, "y", y);
		eg_params *p = eg_params_new(g, 1, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 3, .time = 5, .train = true, .input_grads = true}, &err);
		if (!plan) fail_msg("%s %s: %s", cases[i].op, cases[i].attrs, err.message);
		eg_plan_run(plan, 0);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

/* More inputs than have names; the twelfth once more as the last. Each has the gradient of its part. */
static void many_inputs(void **state) {
	(void)state;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_error err;
	eg_tensor x[21];
	char name[8];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "x%d", i);
		x[i] = eg_input(g, name, EG_F32, EG_DIMS(EG_N, 1 + i % 3));
	}
	x[20] = x[12];
	eg_tensor y = eg_concat_n(g, x, 21, &(eg_concat_options){.name = "all"});
	assert_int_equal(eg_tensor_dims(g, y).d[1], 40);
	eg_output(g, "y", y);
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 2, .train = true, .input_grads = true}, &err);
	if (!plan) fail_msg("%s", err.message);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "x%d", i);
		for (int k = 0; k < 2 * (1 + i % 3); k++) ((eg_real *)eg_plan_input(plan, name))[k] = (eg_real)(100 * i + k);
	}
	for (int k = 0; k < 80; k++) eg_plan_grad(plan, "y")[k] = (eg_real)k;
	eg_plan_run(plan, 0);
	const eg_real *all = eg_plan_output(plan, "y");
	for (int i = 0, at = 0; i < 21; at += 1 + i % 3, i++)
		for (int n = 0; n < 2 && i < 20; n++)
			for (int k = 0; k < 1 + i % 3; k++) {
				snprintf(name, sizeof name, "x%d", i);
				assert_true(all[n * 40 + at + k] == (eg_real)(100 * i + n * (1 + i % 3) + k));
				const int grad = n * 40 + at + k + (i == 12 ? n * 40 + 39 : 0);
				assert_true(eg_plan_grad(plan, name)[n * (1 + i % 3) + k] == (eg_real)grad);
			}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_tensor more[EG_MAX_INPUTS + 1];
	for (int i = 0; i <= EG_MAX_INPUTS; i++) more[i] = x[0];
	eg_concat_n(g, more, EG_MAX_INPUTS + 1, NULL);
	eg_graph_status(g, &err);
	assert_string_equal(err.message, "concat 'concat2': 65 inputs given, 2 to 64 expected");
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- in recipes -------------------------------------------------------------------------------------------------- */

#define PICTURES "name: t\ntask: x\ndata: {source: mnist}\ninput: [2, 4, 6]\nmodel:\n"

static void layers_with_lists(void **state) {
	(void)state;
	built b = build(PICTURES
		"  - transpose: [0, 2, 3, 1]\n"
		"  - slice: {starts: [1, 0], ends: [3, 4], axes: [1, -2]}\n"
		"  - reshape: [0, -1]\n"
		"  - unsqueeze: 1\n"
		"  - tile: {repeats: [1, 3, 1]}\n"
		"  - reshape: {shape: [0, 48]}\n"
		"  - linear: classes\n", 10);
	assert_tensor(b.g, "transpose1", EG_F32, EG_DIMS(EG_N, 4, 6, 2));
	assert_tensor(b.g, "slice1", EG_F32, EG_DIMS(EG_N, 2, 4, 2));
	assert_tensor(b.g, "reshape1", EG_F32, EG_DIMS(EG_N, 16));
	assert_tensor(b.g, "unsqueeze1", EG_F32, EG_DIMS(EG_N, 1, 16));
	assert_tensor(b.g, "tile1", EG_F32, EG_DIMS(EG_N, 3, 16));
	drop(&b);
	b = build("name: t\ntask: x\ndata: {source: mnist}\ninput: [3]\nmodel:\n  - relu: {name: a}\n"
		"  - concat: {from: [a, a, a, a, a, a, a, a, input, a]}\n  - linear: classes\n", 10);
	assert_tensor(b.g, "concat1", EG_F32, EG_DIMS(EG_N, 30));
	drop(&b);
	refused(PICTURES "  - transpose: [0, 2, 3, one]\n  - linear: classes\n",
		"r.yaml:6:26: 'perm' in layer 'transpose' must be a whole number, not 'one'");
	refused(PICTURES "  - tile: {repeats: []}\n  - linear: classes\n", "r.yaml:6:21: 'repeats' in layer 'tile' is an empty list");
	refused(PICTURES "  - tile: {repeats: [1, 0]}\n  - linear: classes\n",
		"r.yaml:6:25: 'repeats' in layer 'tile' is 0; it must be at least 1 and at most 16777216");
	refused(PICTURES "  - transpose: [0, 1, 2, 3, 4, 5, 6, 7, 0]\n  - linear: classes\n",
		"r.yaml:6:16: 'perm' in layer 'transpose' has 9 values; at most 8 are allowed");
	refused(PICTURES "  - slice: {starts: [1]}\n  - linear: classes\n",
		"r.yaml:6:5: layer 'slice' needs 'ends' (first index that is left out; what is beyond the end is the end, so 2147483647 means all)");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_is_copied),
		cmocka_unit_test(refused_lists),
		cmocka_unit_test(open_sizes_stay),
		cmocka_unit_test(many_inputs),
		cmocka_unit_test(layers_with_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

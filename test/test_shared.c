/* test_shared.c - weights that several nodes use: tied embeddings and output layers, Siamese branches with state, what
 * is refused, and recipes. Two nodes of one operator are compared by the operator tester (optest_shared.c). */
#include "net.h"
#include "recipe_bed.h"

#include "core/plan.h"
#include "engram_ops.h"

#include <math.h>

enum { WORDS = 7, WIDTH = 5, STEPS = 6, BATCH = 3 };

/* Ids through an embedding and a layer of as many outputs as there are ids. */
static eg_graph *tied_graph(eg_context *ctx, const char *weights) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	x = eg_embedding(g, x, .size = WIDTH, .count = WORDS, .name = "words");
	x = eg_tanh(g, eg_linear(g, x, .units = WIDTH, .name = "middle"));
	x = eg_linear(g, x, .units = WORDS, .name = "scores", .weights = weights);
	eg_output(g, "scores", x);
	eg_output(g, "loss", eg_cross_entropy(g, x, t, .axis = -1));
	return g;
}

static eg_plan *tied_plan(eg_graph *g, eg_params *p, eg_plan_options o) {
	eg_error err;
	o.batch = BATCH;
	o.time = STEPS;
	eg_plan *plan = eg_plan_new(g, p, &o, &err);
	if (!plan) fail_msg("%s", err.message);
	for (int i = 0; i < STEPS * BATCH; i++) {
		((int32_t *)eg_plan_input(plan, "x"))[i] = i * 5 % WORDS;
		((int32_t *)eg_plan_input(plan, "t"))[i] = i * 3 % WORDS;
	}
	return plan;
}

/* The gradient of the one matrix is that of the rows that were looked up and that of the products, added. */
static void tied_embedding(void **state) {
	(void)state;
	for (int threads = 1; threads <= 3; threads += 2) {
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = threads}, NULL);
		eg_graph *tied = tied_graph(ctx, "words"), *apart = tied_graph(ctx, NULL);
		eg_params *p = eg_params_new(tied, 3, NULL), *q = eg_params_new(apart, 5, NULL);
		assert_int_equal(eg_params_count(p), 4);
		assert_int_equal(eg_params_find(p, "scores.weight"), -1);
		assert_true(eg_params_find(p, "scores.bias") > 0);
		for (int i = 0; i < eg_params_count(q); i++) {
			const char *name = eg_params_name(q, i);
			const int from = eg_params_find(p, strcmp(name, "scores.weight") ? name : "words.weight");
			const eg_dims d = eg_params_dims(q, i);
			memcpy(eg_params_data(q, i), eg_params_data(p, from), sizeof(eg_real) * (size_t)(d.d[0] * (d.rank > 1 ? d.d[1] : 1)));
		}
		eg_plan *a = tied_plan(tied, p, (eg_plan_options){.train = true});
		eg_plan *b = tied_plan(apart, q, (eg_plan_options){.train = true});
		eg_plan_run(a, 0);
		eg_plan_run(b, 0);
		assert_true(fabs((double)(*eg_plan_output(a, "loss") - *eg_plan_output(b, "loss"))) < 1e-6);
		const eg_real *sum = eg_params_grad(p, eg_params_find(p, "words.weight"));
		const eg_real *rows = eg_params_grad(q, eg_params_find(q, "words.weight"));
		const eg_real *products = eg_params_grad(q, eg_params_find(q, "scores.weight"));
		double most = 0;
		for (int i = 0; i < WORDS * WIDTH; i++) {
			most = fmax(most, fabs((double)rows[i]));
			assert_true(fabs((double)(sum[i] - rows[i] - products[i])) < 1e-6);
		}
		assert_true(most > 1e-3);
		eg_node_info node;
		eg_graph_node(tied, 3, &node);
		assert_string_equal(node.name, "scores");
		assert_int_equal(node.params, WORDS); /* the bias alone */
		eg_graph_node(apart, 3, &node);
		assert_int_equal(node.params, WORDS + WORDS * WIDTH);
		eg_plan_free(a);
		eg_plan_free(b);
		eg_params_free(p);
		eg_params_free(q);
		eg_graph_free(tied);
		eg_graph_free(apart);
		eg_context_free(ctx);
	}
}

/* By central differences, of the loss in the precision that there is. */
static void tied_gradient(void **state) {
	(void)state;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = tied_graph(ctx, "words");
	eg_params *p = eg_params_new(g, 3, NULL);
	eg_plan *plan = tied_plan(g, p, (eg_plan_options){.train = true});
	const eg_real step = sizeof(eg_real) == sizeof(double) ? (eg_real)1e-5 : (eg_real)1e-2;
	const double tolerance = sizeof(eg_real) == sizeof(double) ? 1e-8 : 1e-3;
	eg_real gradient[WORDS * WIDTH], *w = eg_params_data(p, 0);
	eg_plan_run(plan, 0);
	memcpy(gradient, eg_params_grad(p, 0), sizeof gradient);
	for (int i = 0; i < WORDS * WIDTH; i++) {
		double loss[2];
		const eg_real was = w[i];
		for (int k = 0; k < 2; k++) {
			w[i] = was + (k ? step : -step);
			eg_params_changed(p);
			eg_plan_run(plan, 0);
			loss[k] = (double)*eg_plan_output(plan, "loss");
		}
		w[i] = was;
		const double slope = (loss[1] - loss[0]) / (2 * (double)step);
		if (fabs(slope - (double)gradient[i]) > tolerance) fail_msg("element %d: %g, not %g", i, (double)gradient[i], slope);
	}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* A branch of pictures, by the names of its first twin or its own. */
static eg_tensor branch(eg_graph *g, eg_tensor x, bool first) {
	x = eg_conv2d(g, x, .filters = 20, .kernel = {3, 3}, .padding = {1, 1}, .name = first ? "conv" : NULL, .weights = first ? NULL : "conv");
	x = eg_relu(g, eg_batchnorm(g, x, .name = first ? "norm" : NULL, .weights = first ? NULL : "norm"));
	return eg_linear(g, eg_flatten(g, eg_maxpool2d(g, x, .kernel = {2, 2})), .units = 6, .name = first ? "out" : NULL,
		.weights = first ? NULL : "out");
}

/* Twins answer equal pictures equally, in training and in inference, where the normalisation is folded into the
 * weights, and on every layout; the packed forms are held once. */
static void siamese(void **state) {
	(void)state;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor a = eg_input(g, "a", EG_F32, EG_DIMS(EG_N, 3, 8, 8)), b = eg_input(g, "b", EG_F32, EG_DIMS(EG_N, 3, 8, 8));
	eg_output(g, "ya", branch(g, a, true));
	eg_output(g, "yb", branch(g, b, false));
	eg_params *p = eg_params_new(g, 3, NULL);
	assert_int_equal(eg_params_count(p), 8);
	for (int k = 0; k < 2 * EG_LAYOUT_CHOICES; k++) {
		eg_error err;
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 5, .train = k % 2, .layout = (eg_layout_choice)(k / 2)}, &err);
		if (!plan) fail_msg("%s", err.message);
		for (int i = 0; i < 5 * 3 * 64; i++)
			((eg_real *)eg_plan_input(plan, "a"))[i] = ((eg_real *)eg_plan_input(plan, "b"))[i] = (eg_real)(i * 37 % 101) / 50 - 1;
		eg_plan_run(plan, 0);
		for (int i = 0; i < 30; i++) assert_true(eg_plan_output(plan, "ya")[i] == eg_plan_output(plan, "yb")[i]);
		const char *only[] = {"ya", NULL};
		eg_plan *one = eg_plan_new(g, p, &(eg_plan_options){.batch = 5, .layout = (eg_layout_choice)(k / 2), .outputs = only}, &err);
		assert_non_null(one);
		eg_plan_free(one);
		eg_plan_free(plan);
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void refused_weights(void **state) {
	(void)state;
	static const struct {
		const char *op, *attrs, *part;
	} cases[] = {
		{"linear", "units=4 weights=nobody", "linear 'linear2': attribute 'weights' names 'nobody', but no layer before it is called so"},
		{"linear", "units=5 weights=first", "its weight would have shape (5,3), but that of 'first', which it shall share, has (4,3)"},
		{"linear", "units=4 weights=middle", "names 'middle' (relu), which has no weights of the same names"},
	};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_error err;
		eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3));
		eg_relu(g, eg_linear(g, x, .units = 4, .name = "first"), .name = "middle");
		net_layer(g, cases[i].op, cases[i].attrs, x);
		assert_int_not_equal(eg_graph_status(g, &err), EG_OK);
		if (!strstr(err.message, cases[i].part)) fail_msg("%s", err.message);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

static void in_recipes(void **state) {
	(void)state;
	built b = build(LETTERS "model:\n  - embedding: {size: 5, name: words}\n  - linear: {units: 5, name: m}\n"
		"  - linear: {units: 5, weights: m}\n  - linear: {units: classes, weights: words}\n", 12);
	eg_params *p = eg_params_new(b.g, 1, NULL);
	assert_int_equal(eg_params_count(p), 4); /* words.weight, m.weight, m.bias and the bias of the last */
	eg_params_free(p);
	drop(&b);
	build_fails(LETTERS "model:\n  - embedding: {size: 5, name: words}\n  - linear: {units: classes, weights: word}\n",
		"r.yaml:7:5: linear 'linear1': attribute 'weights' names 'word', but no layer before it is called so");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tied_embedding),
		cmocka_unit_test(tied_gradient),
		cmocka_unit_test(siamese),
		cmocka_unit_test(refused_weights),
		cmocka_unit_test(in_recipes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

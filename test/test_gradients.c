/* test_gradients.c - gradients in inference mode, of whole networks: by inputs and by results of layers, against
 * central differences; results that are given; what is refused. The operators one by one are the tester's
 * (optest_mode.c). */
#include "core/plan.h"
#include "net.h"

/* ---- networks ---------------------------------------------------------------------------------------------------- */

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	int N, T;
} net;

static void begin(net *n, int batch, int time) {
	*n = (net){.ctx = net_context(2, NULL), .N = batch, .T = time};
	n->g = eg_graph_new(n->ctx, NULL);
}

/* Running statistics are random too, and positive. */
static void finish(net *n) {
	eg_error err;
	if (eg_graph_status(n->g, &err)) fail_msg("%s", err.message);
	n->p = eg_params_new(n->g, 7, NULL);
	for (int i = 0; i < eg_params_count(n->p); i++) {
		const eg_dims d = eg_params_dims(n->p, i);
		for (int64_t k = 0; k < eg_dims_count(&d, 0) && !eg_params_trained(n->p, i); k++)
			eg_params_data(n->p, i)[k] = (eg_real)(0.6 + 0.4 * net_random(90 + (uint64_t)i, (uint64_t)k));
	}
}

static void end(net *n) {
	eg_params_free(n->p);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}

/* Convolution, batch normalisation, dropout: picture x (N,2,8,9), answer (N,4). No kinks, which differences would
 * meet. */
static void pictures(net *n) {
	begin(n, 5, 0);
	eg_tensor h = eg_input(n->g, "x", EG_F32, EG_DIMS(EG_N, 2, 8, 9));
	h = net_layer(n->g, "conv2d", "filters=5 kernel=3 name=first", h);
	h = net_layer(n->g, "batchnorm", "name=norm", h);
	h = net_layer(n->g, "tanh", "name=act", h);
	h = net_layer(n->g, "dropout", "rate=0.5 name=drop", h);
	h = net_layer(n->g, "conv2d", "filters=3 kernel=3 name=second", h);
	h = net_layer(n->g, "batchnorm", "", h);
	h = net_layer(n->g, "silu", "", h);
	h = net_layer(n->g, "flatten", "", h);
	eg_output(n->g, "answer", net_layer(n->g, "linear", "units=4 name=last", h));
	finish(n);
}

/* An lstm over what was looked up, with both dropouts. */
static void text(net *n) {
	begin(n, 3, 5);
	eg_tensor ids = eg_input(n->g, "ids", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor h = net_layer(n->g, "embedding", "count=11 size=6 name=words", ids);
	h = net_layer(n->g, "lstm", "hidden=7 layers=2 dropout=0.4 recurrent_dropout=0.3 name=read", h);
	h = net_layer(n->g, "last", "", h);
	eg_output(n->g, "answer", net_layer(n->g, "linear", "units=3 name=last", h));
	finish(n);
}

static void attention(net *n) {
	begin(n, 3, 6);
	eg_tensor x = eg_input(n->g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 8));
	eg_tensor h = net_layer(n->g, "multi_head_attention", "heads=2 name=look", x);
	h = net_layer(n->g, "dropout", "name=drop", net_apply(n->g, "add", "name=sum", (eg_tensor[]){x, h}, 2));
	h = net_layer(n->g, "mean_time", "", h);
	eg_output(n->g, "answer", net_layer(n->g, "linear", "units=3", h));
	finish(n);
}

static int64_t count_of(const eg_plan *plan, eg_tensor t) {
	const eg_dims d = eg_plan_dims(plan, t);
	return eg_dims_count(&d, 0);
}

static void fill_inputs(const net *n, eg_plan *plan) {
	if (eg_plan_input(plan, "x")) net_fill(plan, "x", count_of(plan, eg_graph_find(n->g, "x")), 0, 3);
	if (eg_plan_input(plan, "ids")) net_fill(plan, "ids", count_of(plan, eg_graph_find(n->g, "ids")), 11, 3);
}

static eg_plan *plan_of(const net *n, eg_plan_options o) {
	eg_error err;
	o.batch = n->N, o.time = n->T;
	eg_plan *plan = eg_plan_new(n->g, n->p, &o, &err);
	if (!plan) fail_msg("%s", err.message);
	fill_inputs(n, plan);
	return plan;
}

/* Class 1 of every sample, with weights of different size. */
static double seed_of(int64_t i, int64_t classes) { return i % classes == 1 ? 1 + 0.25 * (double)(i / classes) : 0; }

static void seed(const net *n, eg_plan *plan) {
	const eg_tensor y = eg_graph_find(n->g, "answer");
	const int64_t classes = eg_tensor_dims(n->g, y).d[1];
	for (int64_t i = 0; i < count_of(plan, y); i++) eg_plan_grad(plan, "answer")[i] = (eg_real)seed_of(i, classes);
}

static double objective(const net *n, eg_plan *plan) {
	const eg_tensor y = eg_graph_find(n->g, "answer");
	double sum = 0;
	eg_plan_run(plan, 1);
	for (int64_t i = 0; i < count_of(plan, y); i++)
		sum += seed_of(i, eg_tensor_dims(n->g, y).d[1]) * (double)eg_plan_output(plan, "answer")[i];
	return sum;
}

/* ---- against differences ----------------------------------------------------------------------------------------- */

/* The gradient by a tensor against central differences; a result of a node is given to a plan without gradients for
 * that. */
static void check_tensor(const net *n, eg_plan *plan, eg_tensor t) {
	const bool exact = sizeof(eg_real) > sizeof(float);
	const double h = exact ? 1e-5 : 1e-2, tolerance = exact ? 1e-7 : 4e-3;
	const eg_real *g = eg_plan_tensor_grad(plan, t), *v = eg_plan_tensor(plan, t);
	assert_non_null(g);
	assert_non_null(v);
	const bool computed = n->g->values[t.id - 1].node >= 0;
	eg_plan *moved = plan_of(n, (eg_plan_options){.given = computed ? (eg_tensor[]){t, {0}} : NULL});
	eg_real *to = eg_plan_tensor(moved, t);
	assert_non_null(to);
	double largest = 0;
	const int64_t all = count_of(plan, t);
	memcpy(to, v, (size_t)all * sizeof *to);
	for (int64_t i = 0; i < all; i++) largest = fmax(largest, fabs((double)g[i]));
	assert_true(largest > 1e-4);
	for (int64_t i = 0; i < all; i += 1 + all / 23) {
		double side[2];
		for (int k = 0; k < 2; k++) {
			to[i] = (eg_real)((double)v[i] + (k ? h : -h));
			side[k] = objective(n, moved);
		}
		to[i] = v[i];
		net_near(g[i], (side[1] - side[0]) / (2 * h), tolerance * largest);
	}
	eg_plan_free(moved);
}

/* By the input and by results of layers, in every layout that can be forced, and as the planner likes. */
static void check_net(const net *n, const char *const *names) {
	eg_tensor grads[8] = {{0}};
	for (int i = 0; names[i]; i++) assert_true((grads[i] = eg_graph_find(n->g, names[i])).id > 0);
	size_t total;
	const eg_real *w = eg_params_flat(n->p, &total);
	eg_real *before = malloc(total * sizeof *before);
	memcpy(before, w, total * sizeof *before);
	eg_plan *free_of = plan_of(n, (eg_plan_options){0});
	for (int layout = 0; layout < EG_LAYOUT_CHOICES; layout++) {
		eg_plan *plan = plan_of(n, (eg_plan_options){.grads = grads, .layout = (eg_layout_choice)layout, .objective = "answer"});
		eg_memory m;
		eg_plan_memory(plan, &m);
		assert_int_equal(m.gradients, 0);
		seed(n, plan);
		net_near(objective(n, plan), objective(n, free_of), 1e-5); /* one function */
		eg_plan_run(plan, 2);
		for (int i = 0; grads[i].id; i++) check_tensor(n, plan, grads[i]);
		eg_plan_free(plan);
	}
	eg_plan_free(free_of);
	assert_null(n->p->grad);
	assert_memory_equal(before, w, total * sizeof *before);
	free(before);
}

static void test_pictures(void **state) {
	EG_UNUSED(state);
	net n;
	pictures(&n);
	check_net(&n, (const char *const[]){"x", "first", "norm", "act", "drop", "second", NULL});
	end(&n);
}

static void test_text(void **state) {
	EG_UNUSED(state);
	net n;
	text(&n);
	check_net(&n, (const char *const[]){"words", "read", NULL});
	end(&n);
}

static void test_attention(void **state) {
	EG_UNUSED(state);
	net n;
	attention(&n);
	check_net(&n, (const char *const[]){"x", "look", "sum", "drop", NULL});
	end(&n);
}

/* Forward, fused as little and in one layout: the bits of a plan without gradients. */
static void test_forward_bits(void **state) {
	EG_UNUSED(state);
	void (*const make[])(net *) = {pictures, text, attention};
	for (int i = 0; i < EG_COUNT(make); i++) {
		net n;
		make[i](&n);
		const eg_plan_options plain = {.no_fusion = true, .layout = EG_LAYOUT_PLAIN, .exact = true};
		eg_plan_options with = plain;
		with.weight_grads = true;
		eg_plan *a = plan_of(&n, plain), *b = plan_of(&n, with);
		seed(&n, b);
		eg_plan_run(a, 4);
		eg_plan_run(b, 5);
		assert_memory_equal(eg_plan_output(a, "answer"), eg_plan_output(b, "answer"),
			(size_t)count_of(a, eg_graph_find(n.g, "answer")) * sizeof(eg_real));
		eg_plan_free(a);
		eg_plan_free(b);
		end(&n);
	}
}

/* ---- what nobody asked for --------------------------------------------------------------------------------------- */

static bool computes(const eg_plan *plan, const char *node, const char *pass) {
	for (int i = 0; i < eg_plan_choices(plan); i++) {
		eg_choice c;
		eg_plan_choice(plan, i, &c);
		if (!strcmp(c.node, node) && !strcmp(c.pass, pass)) return true;
	}
	return false;
}

static void test_nothing_for_nobody(void **state) {
	EG_UNUSED(state);
	net n;
	pictures(&n);
	bool frozen[16] = {0};
	frozen[eg_params_find(n.p, "second.weight")] = frozen[eg_params_find(n.p, "second.bias")] = true;
	eg_plan *train = plan_of(&n, (eg_plan_options){.train = true, .frozen = frozen});
	assert_true(computes(train, "first", "weights"));
	assert_true(computes(train, "second", "data"));
	assert_false(computes(train, "second", "weights")); /* frozen behind what changes */
	assert_false(computes(train, "first", "data"));
	eg_plan_free(train);
	eg_tensor grads[2] = {eg_graph_find(n.g, "act"), {0}};
	eg_plan *plan = plan_of(&n, (eg_plan_options){.grads = grads});
	assert_true(computes(plan, "second", "data"));
	assert_false(computes(plan, "second", "weights"));
	assert_false(computes(plan, "first", "data") || computes(plan, "first", "weights"));
	eg_plan_free(plan);
	plan = plan_of(&n, (eg_plan_options){.given = grads});
	assert_false(computes(plan, "first", "forward"));
	assert_null(eg_plan_input(plan, "x"));
	eg_plan_free(plan);
	end(&n);
}

/* Two outputs, one objective: what does not lead there has the gradient 0, and stays so in plans that take turns. */
static void test_objective(void **state) {
	EG_UNUSED(state);
	net n;
	begin(&n, 4, 0);
	eg_tensor x = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, 6));
	eg_tensor a = net_layer(n.g, "linear", "units=3 name=a", x), b = net_layer(n.g, "linear", "units=2 name=b", a);
	eg_output(n.g, "answer", a);
	eg_output(n.g, "other", b);
	finish(&n);
	const eg_tensor grads[] = {a, b, x, {0}};
	eg_plan_cache *cache = eg_plan_cache_new(n.g, n.p, &(eg_plan_options){.grads = grads, .objective = "answer"}, NULL);
	for (int round = 0; round < 4; round++) {
		n.N = 3 + round % 2;
		eg_plan *plan = eg_plan_cache_get(cache, n.N, 0, NULL, NULL);
		fill_inputs(&n, plan);
		seed(&n, plan);
		eg_plan_run(plan, 0);
		const eg_real *w = eg_params_data(n.p, eg_params_find(n.p, "a.weight"));
		for (int64_t i = 0; i < 2 * n.N; i++) assert_true(eg_plan_tensor_grad(plan, b)[i] == 0);
		for (int64_t i = 0; i < 3 * n.N; i++) net_near(eg_plan_tensor_grad(plan, a)[i], seed_of(i, 3), 0);
		for (int64_t i = 0; i < 6 * n.N; i++)
			net_near(eg_plan_tensor_grad(plan, x)[i], (double)w[6 + i % 6] * seed_of(i / 6 * 3 + 1, 3), 1e-6);
	}
	eg_plan_cache_free(cache);
	end(&n);
}

static void test_refused(void **state) {
	EG_UNUSED(state);
	net n;
	text(&n);
	eg_tensor y = {0}, h = {0};
	for (int i = 0; i < eg_graph_nodes(n.g); i++) {
		eg_node_info info;
		eg_graph_node(n.g, i, &info);
		if (!strcmp(info.name, "read")) y = info.outputs[0], h = info.outputs[1];
	}
	assert_true(h.id > 0);
	const struct {
		eg_tensor grads[2], given[2];
		const char *part;
	} cases[] = {
	        {{eg_graph_find(n.g, "ids")}, {{0}}, "input 'ids' has no gradient"},
	        {{{12345}}, {{0}}, "option grads: tensor number 1"},
	        {{h}, {{0}}, "none of the plan's outputs is computed from output 1 of 'read' (lstm)"},
	        {{{0}}, {{-4}}, "option given: tensor number 1"},
	        {{eg_graph_find(n.g, "words")}, {y}, "none of the plan's outputs is computed from output 0 of 'words'"},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_error err;
		const eg_plan_options o = {.batch = 2, .time = 3, .grads = cases[i].grads, .given = cases[i].given};
		assert_null(eg_plan_new(n.g, n.p, &o, &err));
		assert_int_equal(err.status, EG_ERR_ARG);
		assert_contains(err.message, cases[i].part);
	}
	eg_output(n.g, "state", h);
	eg_error err;
	const eg_tensor given[] = {y, {0}};
	assert_null(eg_plan_new(n.g, n.p, &(eg_plan_options){.batch = 2, .time = 3, .given = given}, &err));
	assert_contains(err.message, "other outputs of that node are needed");
	end(&n);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pictures),
	        cmocka_unit_test(test_text),
	        cmocka_unit_test(test_attention),
	        cmocka_unit_test(test_forward_bits),
	        cmocka_unit_test(test_nothing_for_nobody),
	        cmocka_unit_test(test_objective),
	        cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_layout.c - which layouts and algorithms a plan chooses: the best of all combinations, what measurements say, and
 * nothing but sums of products where that is asked for. */
#include "core/plan.h"
#include "net.h"

enum { WAYS_MOST = 200 };

static eg_context *context(const char *isa) {
	eg_error err;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = isa}, &err);
	if (!ctx) fail_msg("%s", err.message);
	return ctx;
}

/* Convolutions with a residual connection, pooling between them, a linear layer: small, but with groups of values in a
 * ring. */
static void network(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, 8, 8));
	eg_tensor a = net_layer(g, "conv2d", "filters=9 kernel=3 padding=1", x);
	a = net_layer(g, "relu", "", a);
	eg_tensor b = net_layer(g, "conv2d", "filters=9 kernel=3 padding=1", a);
	b = net_layer(g, "relu", "", b);
	b = net_layer(g, "conv2d", "filters=9 kernel=3 padding=1", b);
	eg_tensor both[2] = {a, b};
	a = eg_apply(g, "add", NULL, both, 2);
	a = net_layer(g, "maxpool2d", "kernel=2", a);
	a = net_layer(g, "conv2d", "filters=17 kernel=3", a);
	eg_output(g, "y", net_layer(g, "linear", "units=5", net_layer(g, "flatten", "", a)));
}

/* Sum of the measured times of what the plan chose. */
static double price(const eg_plan *p, const eg_measurement *m, int n) {
	double sum = 0;
	for (int i = 0; i < eg_plan_choices(p); i++) {
		eg_choice c;
		bool found = false;
		eg_plan_choice(p, i, &c);
		for (int k = 0; k < n && !found; k++) {
			found = !strcmp(m[k].problem, c.problem) && !strcmp(m[k].pass, c.pass) && !strcmp(m[k].algorithm, c.algorithm);
			if (found) sum += m[k].ns;
		}
		if (!found) fail_msg("%s %s %s was not measured", c.problem, c.pass, c.algorithm);
	}
	return sum;
}

typedef struct list {
	eg_measurement m[WAYS_MOST];
	char text[WAYS_MOST][3][160];
	int n;
} list;

static void collect(void *user, const eg_measurement *m) {
	list *l = user;
	assert_true(l->n < WAYS_MOST && m->ns > 0);
	const char *from[] = {m->problem, m->pass, m->algorithm};
	for (int i = 0; i < 3; i++) snprintf(l->text[l->n][i], sizeof l->text[l->n][i], "%s", from[i]);
	l->m[l->n] = (eg_measurement){l->text[l->n][0], l->text[l->n][1], l->text[l->n][2], m->ns};
	l->n++;
}

/* With made-up times that are far larger than any reorder, the choice must be the cheapest algorithm of every pass,
 * unless that is the one with pictures in lanes, which is chosen for a whole layer or not at all. */
static void test_measurements_decide(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	network(g);
	eg_params *p = eg_params_new(g, 1, NULL);
	list *l = calloc(1, sizeof *l);
	eg_plan_options o = {.batch = 16, .train = true};
	assert_non_null(l);
	assert_int_equal(eg_tune(g, p, &o, 1e-6, collect, l, NULL), EG_OK);
	assert_true(l->n > 20);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < l->n; i++) l->m[i].ns = 1e9 * (1 + (double)(net_random((uint64_t)round + 7, (uint64_t)i) + 1) / 2);
		for (int i = 0; i < l->n; i++)
			if (!strcmp(l->m[i].algorithm, "lanes")) l->m[i].ns = 1e12;
		double best = 0;
		assert_int_equal(eg_context_tuning(ctx, l->m, l->n, NULL), EG_OK);
		eg_plan *plan = eg_plan_new(g, p, &o, NULL);
		for (int i = 0; i < eg_plan_choices(plan); i++) {
			eg_choice c;
			double least = 1e30;
			eg_plan_choice(plan, i, &c);
			for (int k = 0; k < l->n; k++)
				if (!strcmp(l->m[k].problem, c.problem) && !strcmp(l->m[k].pass, c.pass)) least = fmin(least, l->m[k].ns);
			best += least;
		}
		if (price(plan, l->m, l->n) > best * 1.000001) fail_msg("round %d: %g ns, there is one with %g", round, price(plan, l->m, l->n), best);
		eg_plan_free(plan);
	}
	assert_int_equal(eg_context_tuning(ctx, NULL, 0, NULL), EG_OK);
	free(l);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* No forced combination of layout and algorithm is estimated, or here measured, to be better than what is chosen freely
 * by more than the reorders cost: with random times for whole layers in lanes too. */
static void test_no_forced_plan_is_better(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	network(g);
	eg_params *p = eg_params_new(g, 1, NULL);
	list *l = calloc(1, sizeof *l);
	eg_plan_options o = {.batch = 16, .train = true};
	assert_non_null(l);
	assert_int_equal(eg_tune(g, p, &o, 1e-6, collect, l, NULL), EG_OK);
	int lanes = 0;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < l->n; i++) {
			l->m[i].ns = 1e9 * (2 + (double)net_random((uint64_t)round + 40, (uint64_t)i));
			if (!strcmp(l->m[i].algorithm, "lanes")) l->m[i].ns *= round % 2 ? 0.2 : 0.7;
		}
		assert_int_equal(eg_context_tuning(ctx, l->m, l->n, NULL), EG_OK);
		o.layout = EG_LAYOUT_AUTO;
		o.algorithm = EG_ALGORITHM_AUTO;
		eg_plan *plan = eg_plan_new(g, p, &o, NULL);
		double chosen = price(plan, l->m, l->n);
		for (int i = 0; i < eg_plan_choices(plan); i++) {
			eg_choice c;
			eg_plan_choice(plan, i, &c);
			lanes += !strcmp(c.algorithm, "lanes");
		}
		eg_plan_free(plan);
		for (int layout = EG_LAYOUT_PLAIN; layout < EG_LAYOUT_CHOICES; layout++)
			for (int a = 0; a < (layout == EG_LAYOUT_LANES ? 1 : EG_ALGORITHMS); a++) {
				o.layout = (eg_layout_choice)layout;
				o.algorithm = (eg_algorithm)a;
				plan = eg_plan_new(g, p, &o, NULL);
				if (price(plan, l->m, l->n) < chosen * 0.99)
					fail_msg("round %d: layout %d, algorithm %d takes %g, chosen was %g", round, layout, a, price(plan, l->m, l->n), chosen);
				eg_plan_free(plan);
			}
	}
	assert_true(lanes > 0);
	free(l);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* `exact` refuses what rounds otherwise, even when it is said to take no time. */
static void test_exact(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	network(g);
	eg_params *p = eg_params_new(g, 1, NULL);
	list *l = calloc(1, sizeof *l);
	eg_plan_options o = {.batch = 16, .train = true};
	assert_non_null(l);
	assert_int_equal(eg_tune(g, p, &o, 1e-6, collect, l, NULL), EG_OK);
	bool rounds = !ctx->kern.conv[EG_CONV_WINOGRAD2].exact;
	for (int i = 0; i < l->n; i++) l->m[i].ns = strncmp(l->m[i].algorithm, "winograd", 8) ? 1e9 : 1;
	assert_int_equal(eg_context_tuning(ctx, l->m, l->n, NULL), EG_OK);
	for (int exact = 0; exact < 3; exact++) {
		int winograd = 0;
		o.exact = exact == 1;
		eg_graph_exact(g, exact == 2);
		eg_plan *plan = eg_plan_new(g, p, &o, NULL);
		for (int i = 0; i < eg_plan_choices(plan); i++) {
			eg_choice c;
			eg_plan_choice(plan, i, &c);
			winograd += !strncmp(c.algorithm, "winograd", 8);
		}
		if (exact && rounds) assert_int_equal(winograd, 0);
		if (!exact) assert_true(winograd > 0);
		eg_plan_free(plan);
	}
	free(l);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* The choice is a function of graph, batch and machine: not of the number of threads, and the same again. */
static void test_same_for_threads(void **state) {
	EG_UNUSED(state);
	char first[4000] = "";
	for (int threads = 1; threads <= 3; threads++) {
		char all[4000] = "";
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = threads}, NULL);
		eg_graph *g = eg_graph_new(ctx, NULL);
		network(g);
		eg_params *p = eg_params_new(g, 1, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 5, .train = true}, NULL);
		for (int i = 0; i < eg_plan_choices(plan); i++) {
			eg_choice c;
			eg_plan_choice(plan, i, &c);
			size_t used = strlen(all);
			snprintf(all + used, sizeof all - used, "%s %s %s %s %s\n", c.node, c.pass, c.algorithm, c.x, c.y);
		}
		assert_true(eg_plan_choices(plan) >= 11);
		if (threads == 1) memcpy(first, all, sizeof all);
		assert_string_equal(first, all);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

/* The gradient of conv1's weight in (N,2,6,6) -> conv, act, pool, `then` -> linear; 27 numbers. */
static void pooled_gradient(const char *isa, const char *act, const char *then, const eg_plan_options *how, double out[27]) {
	eg_context *ctx = context(isa);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, 6, 6)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	x = net_layer(g, "maxpool2d", "kernel=2", net_layer(g, act, "", net_layer(g, "conv2d", "filters=3 kernel=3 bias=0", x)));
	/* it writes over what was pooled, if it may */
	x = net_layer(g, "flatten", "", net_layer(g, then, strcmp(then, "dropout") ? "" : "rate=0.5", x));
	eg_output(g, "loss", net_loss(g, "", net_layer(g, "linear", "units=4", x), t));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan_options o = *how;
	o.batch = 16, o.train = true; /* a whole block: pictures lie in lanes, and are pooled there */
	eg_plan *plan = eg_plan_new(g, p, &o, NULL);
	assert_non_null(plan);
	net_fill(plan, "x", 16 * 36, 0, 1);
	net_fill(plan, "t", 16, 4, 2);
	eg_plan_run(plan, 3);
	for (int i = 0; i < 27; i++) out[i] = (double)eg_params_grad(p, 0)[i];
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* A convolution that pools too computes the gradient of its activation from what it pooled: nobody may write over that,
 * though the pooling by itself would not mind. */
static void test_what_was_pooled_stays(void **state) {
	EG_UNUSED(state);
	static const char *const acts[] = {"tanh", "sigmoid", "relu"}, *const thens[] = {"sigmoid", "tanh", "dropout", "relu"};
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n * 12; i++) {
		double have[27], want[27], most = 0;
		const char *act = acts[i % 3], *then = thens[i / 3 % 4];
		pooled_gradient(isas[i / 12], act, then, &(eg_plan_options){0}, have);
		pooled_gradient(isas[i / 12], act, then, &(eg_plan_options){.no_fusion = true, .layout = EG_LAYOUT_PLAIN}, want);
		for (int k = 0; k < 27; k++) most = fmax(most, fabs(want[k]));
		assert_true(most > 0);
		for (int k = 0; k < 27; k++)
			if (!(fabs(have[k] - want[k]) <= 1e-4 * most))
				fail_msg("%s, %s, pooling, %s: %g, not %g", isas[i / 12], act, then, have[k], want[k]);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measurements_decide),
		cmocka_unit_test(test_no_forced_plan_is_better),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_same_for_threads),
		cmocka_unit_test(test_what_was_pooled_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_shared.c - one model, many predictors: plans, caches and sessions of several threads, each with a context of
 * its own, over the same parameters, made and run at the same time. */
#include "net.h"

#include "core/plan.h"
#include "engram_ops.h"

#include <pthread.h>

enum { CALLERS = 4, ROUNDS = 6, T = 5, N = 3, I = 6, K = 4 };

/* Convolutions with a folded batch normalisation for every step, and a recurrent layer over them: weights packed in
 * several ways, one of them anew for each plan. */
static void model(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 2, I, I));
	eg_tensor h = eg_fold_time(g, x);
	h = eg_relu(g, eg_batchnorm(g, eg_conv2d(g, h, .filters = 20, .kernel = {3, 3})));
	h = eg_unfold_time(g, eg_tanh(g, eg_linear(g, eg_flatten(g, h), .units = 12)));
	eg_output(g, "y", eg_linear(g, eg_gru(g, h, .hidden = 9), .units = K));
}

enum { INPUT = T * N * 2 * I * I, OUTPUT = T * N * K };

static void fill(eg_plan *plan) { net_fill(plan, "x", INPUT, 0, 5); }

static eg_context *context(int threads, const char *isa, meter *m) {
	eg_allocator a = {meter_alloc, meter_release, m};
	eg_context *ctx = eg_context_new(
	        &(eg_context_options){.threads = threads, .isa = isa, .allocator = m ? &a : NULL}, NULL);
	assert_non_null(ctx);
	return ctx;
}

typedef struct shared {
	eg_graph *g;
	eg_params *p;
	eg_real want[OUTPUT];
	atomic_int ready; /* callers at the start of the round */
	int round;
} shared;

typedef struct caller {
	shared *s;
	pthread_t thread;
	int number, threads;
	char wrong[1100]; /* what went wrong; nothing else may end a test in a thread of its own */
} caller;

static bool check(caller *c, bool ok, const char *what) {
	if (!ok && !*c->wrong)
		snprintf(c->wrong, sizeof c->wrong, "caller %d, round %d: %s", c->number, c->s->round, what);
	return ok;
}

static bool same(const shared *s, const eg_real *y) { return y && !memcmp(y, s->want, sizeof s->want); }

/* One plan, run twice; another one of a cache; a session in chunks. Even callers run in the order given, odd ones the
 * other way round. */
static void predict(caller *c, eg_context *ctx, int what) {
	shared *s = c->s;
	eg_error err = {0};
	if (what == 0) {
		eg_plan *plan = eg_plan_new(
		        s->g, s->p, &(eg_plan_options){.batch = N, .time = T, .context = ctx}, &err);
		if (!check(c, plan, err.message)) return;
		fill(plan);
		for (int i = 0; i < 2; i++) {
			eg_plan_run(plan, 0);
			check(c, same(s, eg_plan_output(plan, "y")), "a plan gives something else");
		}
		check(c, eg_plan_diagnose(plan, 0, &err) == EG_OK, err.message);
		eg_plan_free(plan);
	} else if (what == 1) {
		eg_plan_cache *cache = eg_plan_cache_new(s->g, s->p, &(eg_plan_options){.context = ctx}, &err);
		for (int n = 1; n <= N && cache; n++) {
			eg_plan *plan = eg_plan_cache_get(cache, n, T, NULL, &err);
			if (!check(c, plan, err.message)) break;
			if (n == N)
				fill(plan);
			else
				net_fill(plan, "x", INPUT / N * n, 0, 5);
			eg_plan_run(plan, 0);
			if (n == N) check(c, same(s, eg_plan_output(plan, "y")), "a cached plan gives something else");
		}
		eg_plan_cache_free(cache);
	} else {
		eg_real x[INPUT], y[OUTPUT], *out = y;
		const char *name = "x";
		const void *in = x;
		for (int i = 0; i < INPUT; i++) x[i] = (eg_real)net_random(5, (uint64_t)i);
		eg_session *session = eg_session_new(
		        s->g, s->p, &(eg_session_options){.batch = N, .chunk = 2, .context = ctx}, &err);
		if (!check(c, session, err.message)) return;
		check(c, eg_session_run(session, T, &name, &in, 1, &out, &err) == EG_OK, err.message);
		for (int i = 0; i < OUTPUT; i++)
			check(c, fabs((double)(y[i] - s->want[i])) < 1e-4, "a session gives something else");
		eg_session_free(session);
	}
}

static void *call(void *arg) {
	caller *c = arg;
	eg_context *ctx = context(c->threads, NULL, NULL);
	atomic_fetch_add(&c->s->ready, 1);
	while (atomic_load(&c->s->ready) < CALLERS) {}
	for (int i = 0; i < 3; i++) predict(c, ctx, c->number % 2 ? 2 - i : i);
	eg_context_free(ctx);
	return NULL;
}

/* What a plan of the graph's own context gives. It is gone afterwards, and with it all packed weights. */
static void expect(shared *s) {
	eg_plan *plan = eg_plan_new(s->g, s->p, &(eg_plan_options){.batch = N, .time = T}, NULL);
	assert_non_null(plan);
	fill(plan);
	eg_plan_run(plan, 0);
	memcpy(s->want, eg_plan_output(plan, "y"), sizeof s->want);
	eg_plan_free(plan);
}

static void test_callers(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(1, NULL, NULL);
	shared s = {.g = eg_graph_new(ctx, NULL)};
	model(s.g);
	s.p = eg_params_new(s.g, 3, NULL);
	assert_non_null(s.p);
	/* From the second round on a plan of the graph's own keeps the packed weights, so that they are not made but
	 * written anew. */
	eg_plan *holder = NULL;
	for (s.round = 0; s.round < ROUNDS; s.round++) {
		eg_params_data(s.p, eg_params_find(s.p, "conv1.weight"))[s.round] += (eg_real)0.5;
		eg_params_changed(s.p);
		expect(&s);
		if (s.round == 1) holder = eg_plan_new(s.g, s.p, &(eg_plan_options){.batch = N, .time = T}, NULL);
		eg_params_changed(s.p);
		caller callers[CALLERS] = {{0}};
		atomic_store(&s.ready, 0);
		for (int i = 0; i < CALLERS; i++) {
			callers[i] = (caller){.s = &s, .number = i, .threads = s.round % 3 == 2 && i == 0 ? 2 : 1};
			assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
		}
		for (int i = 0; i < CALLERS; i++) pthread_join(callers[i].thread, NULL);
		for (int i = 0; i < CALLERS; i++)
			if (*callers[i].wrong) fail_msg("%s", callers[i].wrong);
	}
	eg_plan_free(holder);
	assert_null(s.p->packed->first);
	eg_params_free(s.p);
	eg_graph_free(s.g);
	eg_context_free(ctx);
}

/* A plan takes memory from its context, and its weights in packed forms from the parameters; other kernels have forms
 * of their own. */
static void test_contexts(void **state) {
	EG_UNUSED(state);
	meter m = {.left = -1};
	eg_context *ctx = context(2, NULL, NULL), *ref = context(1, "ref", &m);
	shared s = {.g = eg_graph_new(ctx, NULL)};
	model(s.g);
	s.p = eg_params_new(s.g, 3, NULL);
	expect(&s);
	const long before = m.live;
	eg_plan *own = eg_plan_new(s.g, s.p, &(eg_plan_options){.batch = N, .time = T}, NULL);
	assert_int_equal(m.live, before);
	eg_plan *other = eg_plan_new(s.g, s.p, &(eg_plan_options){.batch = N, .time = T, .context = ref}, NULL);
	assert_true(own && other && m.live > before);
	fill(own);
	fill(other);
	for (int i = 0; i < 2; i++) {
		eg_plan_run(own, 0);
		eg_plan_run(other, 0);
	}
	assert_true(same(&s, eg_plan_output(own, "y")));
	for (int i = 0; i < OUTPUT; i++) net_near(eg_plan_output(other, "y")[i], s.want[i], 1e-4);
	eg_plan_free(other);
	assert_int_equal(m.live, before);
	eg_plan_free(own);
	eg_params_free(s.p);
	eg_graph_free(s.g);
	eg_context_free(ref);
	eg_context_free(ctx);
	assert_int_equal(m.live, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_callers),
	        cmocka_unit_test(test_contexts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

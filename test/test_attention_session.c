/* test_attention_session.c - attention with a context: chunk by chunk it is what it is in one run, and in one run what
 * a mask that is a band makes of attention without a context. */
#include "net.h"

enum { B = 3, C = 6, STEPS = 23, ALL = STEPS * B * C };

typedef struct rig {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
} rig;

static rig rig_new(const char *isa, int threads) {
	rig r = {.ctx = eg_context_new(&(eg_context_options){.threads = threads, .isa = isa}, NULL)};
	assert_non_null(r.ctx);
	r.g = eg_graph_new(r.ctx, NULL);
	return r;
}

static void rig_weights(rig *r, eg_tensor y) {
	eg_error err = {0};
	eg_output(r->g, "y", y);
	r->p = eg_params_new(r->g, 3, &err);
	if (!r->p) fail_msg("%s", err.message);
}

static void rig_free(rig r) {
	eg_params_free(r.p);
	eg_graph_free(r.g);
	eg_context_free(r.ctx);
}

/* x (T,N,6) through one layer, maybe with lengths. */
static rig rig_of(const char *isa, int threads, const char *attrs, bool lengths) {
	rig r = rig_new(isa, threads);
	eg_tensor in[3] = {eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, C))};
	if (lengths) in[2] = eg_input(r.g, "lengths", EG_I32, EG_DIMS(EG_N));
	rig_weights(&r, net_apply(r.g, "multi_head_attention", attrs, in, lengths ? 3 : 1));
	return r;
}

static eg_plan *plan_of(rig r, int time, bool carry, bool train) {
	eg_error err = {0};
	eg_plan *plan = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = B, .time = time, .carry = carry, .train = train, .input_grads = train}, &err);
	if (!plan) fail_msg("%s", err.message);
	return plan;
}

static void random_input(eg_real *x) {
	for (int i = 0; i < ALL; i++) x[i] = (eg_real)net_random(9, (uint64_t)i);
}

static void whole(rig r, const eg_real *x, eg_real *y) {
	eg_plan *plan = plan_of(r, STEPS, false, false);
	memcpy(eg_plan_input(plan, "x"), x, ALL * sizeof *x);
	eg_plan_run(plan, 0);
	memcpy(y, eg_plan_output(plan, "y"), ALL * sizeof *y);
	eg_plan_free(plan);
}

/* Sums over the keys are made in another order. */
static void assert_close(const eg_real *a, const eg_real *b, int n) {
	for (int i = 0; i < n; i++)
		if (!(fabs((double)(a[i] - b[i])) < 1e-5)) fail_msg("[%d] %g and %g", i, (double)a[i], (double)b[i]);
}

static eg_session *session(rig r, int chunk) {
	eg_error err = {0};
	eg_session *s = eg_session_new(r.g, r.p, &(eg_session_options){.batch = B, .chunk = chunk}, &err);
	if (!s) fail_msg("%s", err.message);
	return s;
}

static void feed(eg_session *s, const eg_real *x, eg_real *y, int from, int steps) {
	const char *name = "x";
	const void *in = x + from * B * C;
	eg_real *out = y + from * B * C;
	assert_int_equal(eg_session_run(s, steps, &name, &in, 1, &out, NULL), EG_OK);
}

static void chunks(rig r, const eg_real *x) {
	static const int cuts[][4] = {{1}, {23}, {5, 7, 11}, {2, 20, 1}};
	static eg_real want[ALL], have[ALL];
	whole(r, x, want);
	for (int k = 0; k < EG_COUNT(cuts); k++) {
		eg_session *s = session(r, k == 3 ? 3 : 0);
		memset(have, 0, sizeof have);
		for (int at = 0, j = 0; at < STEPS; at += cuts[k][j], j += cuts[k][1] != 0) feed(s, x, have, at, cuts[k][j]);
		assert_close(have, want, ALL);
		eg_session_free(s);
	}
}

static const char *const layers[] = {"heads=3 causal=1 context=4", "heads=2 causal=1 context=40 bias=0", "heads=3 kv_heads=1 causal=1 context=1",
	"heads=6 kv_heads=2 causal=1 context=7 dropout=0.5"};

static void test_chunks(void **state) {
	EG_UNUSED(state);
	static eg_real x[ALL];
	const char *isas[4];
	random_input(x);
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int k = 0; k < EG_COUNT(layers); k++)
			for (int threads = 1; threads <= 3; threads += 2) {
				rig r = rig_of(isas[i], threads, layers[k], false);
				chunks(r, x);
				rig_free(r);
			}
}

/* The operator without projections, its heads made by hand. */
static void test_operator(void **state) {
	EG_UNUSED(state);
	static eg_real x[ALL];
	const char *isas[4];
	random_input(x);
	for (int i = 0, n = net_isas(isas); i < n; i++) {
		rig r = rig_new(isas[i], 2);
		eg_tensor h = eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, C)), part[3];
		for (int k = 0; k < 3; k++) {
			part[k] = net_layer(r.g, "linear", k == 2 ? "units=10" : "units=6", h);
			part[k] = net_layer(r.g, "reshape", k == 2 ? "shape=0,0,2,5" : "shape=0,0,2,3", part[k]);
			part[k] = net_layer(r.g, "transpose", "perm=1,2,0,3", part[k]);
		}
		h = net_apply(r.g, "attention", "causal=1 context=5", part, 3);
		h = net_layer(r.g, "transpose", "perm=2,0,1,3", h);
		h = net_layer(r.g, "reshape", "shape=0,0,10", h);
		rig_weights(&r, net_layer(r.g, "linear", "units=6", h));
		chunks(r, x);
		rig_free(r);
	}
}

/* A context is a band: the same as a mask that hides what is older. */
static void test_band(void **state) {
	EG_UNUSED(state);
	enum { CONTEXT = 4 };
	static eg_real x[ALL], want[ALL], have[ALL];
	random_input(x);
	rig r = rig_of(NULL, 1, "heads=3 causal=1 context=4", false), m = rig_new(NULL, 1);
	whole(r, x, have);
	eg_tensor in[4] = {eg_input(m.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, C)), {0}, {0}, eg_input(m.g, "band", EG_I32, EG_DIMS(EG_T, eg_open_dim(m.g, "keys")))};
	rig_weights(&m, net_apply(m.g, "multi_head_attention", "heads=3", in, 4));
	const eg_size keys[] = {{"keys", STEPS}, {0}};
	eg_plan *plan = eg_plan_new(m.g, m.p, &(eg_plan_options){.batch = B, .time = STEPS, .sizes = keys}, NULL);
	assert_non_null(plan);
	memcpy(eg_plan_input(plan, "x"), x, sizeof x);
	for (int i = 0; i < STEPS * STEPS; i++) ((int32_t *)eg_plan_input(plan, "band"))[i] = i % STEPS > i / STEPS || i % STEPS < i / STEPS - CONTEXT;
	eg_plan_run(plan, 0);
	memcpy(want, eg_plan_output(plan, "y"), sizeof want);
	assert_close(have, want, ALL);
	eg_plan_free(plan);
	rig_free(m);
	rig_free(r);
}

static void test_state(void **state) {
	EG_UNUSED(state);
	static eg_real x[ALL], want[ALL], have[ALL], saved[1024];
	random_input(x);
	rig r = rig_of(NULL, 2, layers[0], false);
	whole(r, x, want);
	eg_session *s = session(r, 0);
	assert_true(eg_session_state_count(s) >= 4 * B * 2 * C + B && eg_session_state_count(s) <= EG_COUNT(saved));
	feed(s, x, have, 0, 9);
	eg_session_save(s, saved);
	feed(s, x, have, 9, 14);
	assert_close(have, want, ALL);
	memset(have, 0, sizeof have);
	eg_session_restore(s, saved);
	feed(s, x, have, 9, 14);
	assert_close(have + 9 * B * C, want + 9 * B * C, 14 * B * C);
	eg_session_reset(s);
	feed(s, x, have, 0, STEPS);
	assert_close(have, want, ALL);
	/* one sequence begins anew, the others go on */
	eg_session_restore(s, saved);
	eg_session_reset_one(s, 1);
	static eg_real swapped[ALL], again[ALL];
	for (int t = 0; t < 14; t++)
		for (int n = 0; n < B; n++) memcpy(swapped + (t * B + n) * C, x + ((n == 1 ? t : t + 9) * B + n) * C, C * sizeof *x);
	feed(s, swapped, again, 0, 14);
	for (int t = 0; t < 14; t++)
		for (int n = 0; n < B; n++) assert_close(again + (t * B + n) * C, want + ((n == 1 ? t : t + 9) * B + n) * C, C);
	eg_session_free(s);
	rig_free(r);
}

/* A sample whose steps have ended keeps what it has seen: the rest of it, in a later run, is as in one run. */
static void test_lengths(void **state) {
	EG_UNUSED(state);
	enum { PIECE = 7 };
	static const int brings[3][B] = {{7, 3, 0}, {2, 0, 7}, {5, 7, 1}};
	static eg_real x[ALL], want[ALL];
	int at[B] = {0};
	random_input(x);
	rig r = rig_of(NULL, 1, layers[0], false), l = rig_of(NULL, 2, layers[0], true);
	whole(r, x, want);
	eg_plan *plan = plan_of(l, PIECE, true, false);
	for (int k = 0; k < 3; k++) {
		eg_real *in = eg_plan_input(plan, "x");
		for (int n = 0; n < B; n++) {
			((int32_t *)eg_plan_input(plan, "lengths"))[n] = brings[k][n];
			for (int t = 0; t < PIECE; t++)
				for (int c = 0; c < C; c++) in[(t * B + n) * C + c] = t < brings[k][n] ? x[((at[n] + t) * B + n) * C + c] : (eg_real)NAN;
		}
		eg_plan_run(plan, 0);
		const eg_real *y = eg_plan_output(plan, "y");
		for (int n = 0; n < B; n++) {
			for (int t = 0; t < PIECE; t++)
				for (int c = 0; c < C; c++) {
					const eg_real have = y[(t * B + n) * C + c];
					if (t >= brings[k][n]) assert_true(have == 0);
					else assert_close(&have, &want[((at[n] + t) * B + n) * C + c], 1);
				}
			at[n] += brings[k][n];
		}
	}
	eg_plan_free(plan);
	rig_free(l);
	rig_free(r);
}

/* Training piece by piece: no gradient flows into what is kept, so that of a later piece is what it is in one run whose
 * earlier steps are not judged, and so are those of queries and of the output's projection. */
static void truncated(const char *attrs) {
	enum { PIECE = 8, FIRST = 7, LAST = FIRST + PIECE };
	static eg_real x[ALL];
	random_input(x);
	rig r = rig_of(NULL, 2, attrs, false), q = rig_of(NULL, 2, attrs, false);
	eg_plan *one = plan_of(r, LAST, false, true), *first = plan_of(q, FIRST, true, true), *second = plan_of(q, PIECE, true, true);
	size_t n, m;
	memcpy(eg_plan_input(one, "x"), x, LAST * B * C * sizeof *x);
	memset(eg_plan_grad(one, "y"), 0, LAST * B * C * sizeof *x);
	memcpy(eg_plan_input(first, "x"), x, FIRST * B * C * sizeof *x);
	memset(eg_plan_grad(first, "y"), 0, FIRST * B * C * sizeof *x);
	memcpy(eg_plan_input(second, "x"), x + FIRST * B * C, PIECE * B * C * sizeof *x);
	for (int i = 0; i < PIECE * B * C; i++) eg_plan_grad(one, "y")[FIRST * B * C + i] = eg_plan_grad(second, "y")[i] = (eg_real)net_random(4, (uint64_t)i);
	eg_plan_run(one, 0);
	eg_plan_run(first, 0);
	const eg_real *kept = eg_plan_state(first, &n);
	eg_real *given = eg_plan_state(second, &m);
	assert_int_equal(n, m);
	memcpy(given, kept, n * sizeof *kept);
	eg_plan_run(second, 0);
	assert_close(eg_plan_output(second, "y"), eg_plan_output(one, "y") + FIRST * B * C, PIECE * B * C);
	assert_close(eg_plan_grad(second, "x"), eg_plan_grad(one, "x") + FIRST * B * C, PIECE * B * C);
	assert_close(eg_params_grad(q.p, 0), eg_params_grad(r.p, 0), C * C);
	assert_close(eg_params_grad(q.p, 2), eg_params_grad(r.p, 2), C * C);
	eg_plan_free(one);
	eg_plan_free(first);
	eg_plan_free(second);
	rig_free(q);
	rig_free(r);
}

static void test_truncated(void **state) {
	EG_UNUSED(state);
	truncated("heads=3 causal=1 context=4");
	truncated("heads=6 kv_heads=2 causal=1 context=12");
}

static void refused(const char *attrs, const char *op, int nin, const char *why) {
	eg_error err;
	rig r = rig_new(NULL, 1);
	const bool plain = !strcmp(op, "attention");
	eg_tensor x = eg_input(r.g, "x", EG_F32, plain ? EG_DIMS(EG_N, EG_T, C) : EG_DIMS(EG_T, EG_N, C));
	eg_tensor in[5] = {x, plain || nin == 2 ? x : (eg_tensor){0}, plain ? x : (eg_tensor){0}};
	if (nin > 3) in[3] = eg_input(r.g, "mask", EG_I32, EG_DIMS(1, 1, EG_T));
	assert_int_equal(net_apply(r.g, op, attrs, in, nin).id, 0);
	assert_int_not_equal(eg_graph_status(r.g, &err), EG_OK);
	assert_contains(err.message, why);
	eg_graph_free(r.g);
	eg_context_free(r.ctx);
}

static void test_refusals(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	refused("heads=2 context=4", "multi_head_attention", 1, "without causal every step sees all others");
	refused("heads=2 causal=1 context=4", "multi_head_attention", 2, "source (T,N,6) is given");
	refused("heads=2 causal=1 context=4", "multi_head_attention", 4, "there is a mask");
	refused("heads=3 kv_heads=2", "multi_head_attention", 1, "kv_heads must divide heads");
	refused("context=4", "attention", 3, "without causal");
	refused("causal=1 context=4", "attention", 4, "there is a mask");
	rig r = rig_of(NULL, 1, "heads=2 causal=1 name=endless", false);
	assert_null(eg_session_new(r.g, r.p, NULL, &err));
	assert_contains(err.message, "'endless'");
	rig_free(r);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_chunks), cmocka_unit_test(test_operator), cmocka_unit_test(test_band), cmocka_unit_test(test_state),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_truncated), cmocka_unit_test(test_refusals)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

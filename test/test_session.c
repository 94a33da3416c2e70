/* test_session.c - carried state: plans that go on where they ended, and sessions. */
#include "net.h"

enum { B = 3, I = 4, H = 5, C = 3, STEPS = 23 };

/* A cell behind a linear layer, with a head: x (T,N,I), y (T,N,C). */
static eg_tensor net(eg_graph *g, const char *cell, const char *attrs) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I));
	eg_tensor h = net_layer(g, cell, attrs, net_layer(g, "linear", "units=6", x));
	eg_output(g, "y", net_layer(g, "linear", "units=3", h));
	return h;
}

typedef struct rig {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
} rig;

static rig rig_of(const char *isa, int threads, const char *cell, const char *attrs) {
	eg_error err = {0};
	rig r = {.ctx = eg_context_new(&(eg_context_options){.threads = threads, .isa = isa}, NULL)};
	assert_non_null(r.ctx);
	r.g = eg_graph_new(r.ctx, &err);
	net(r.g, cell, attrs);
	r.p = eg_params_new(r.g, 3, &err);
	if (!r.p) fail_msg("%s", err.message);
	return r;
}

static void rig_free(rig r) {
	eg_params_free(r.p);
	eg_graph_free(r.g);
	eg_context_free(r.ctx);
}

static void random_input(eg_real *x, int n) {
	for (int i = 0; i < n; i++) x[i] = (eg_real)net_random(9, (uint64_t)i);
}

static eg_plan *plan_of(rig r, int time, bool carry, bool train) {
	eg_error err = {0};
	eg_plan *plan = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = B, .time = time, .carry = carry, .train = train}, &err);
	if (!plan) fail_msg("%s", err.message);
	return plan;
}

/* The whole sequence in one plan. */
static void whole(rig r, const eg_real *x, eg_real *y) {
	eg_plan *plan = plan_of(r, STEPS, false, false);
	memcpy(eg_plan_input(plan, "x"), x, STEPS * B * I * sizeof *x);
	eg_plan_run(plan, 0);
	memcpy(y, eg_plan_output(plan, "y"), STEPS * B * C * sizeof *y);
	eg_plan_free(plan);
}

static eg_session *session(rig r, int chunk) {
	eg_error err = {0};
	eg_session *s = eg_session_new(r.g, r.p, &(eg_session_options){.batch = B, .chunk = chunk}, &err);
	if (!s) fail_msg("%s", err.message);
	return s;
}

static void feed(eg_session *s, const eg_real *x, eg_real *y, int from, int steps) {
	const char *name = "x";
	const void *in = x + from * B * I;
	eg_real *out = y + from * B * C;
	assert_int_equal(eg_session_run(s, steps, &name, &in, 1, &out, NULL), EG_OK);
}

static const char *const cells[][2] = {{"rnn", "hidden=5"}, {"gru", "hidden=5 layers=2"}, {"gru", "hidden=5 reset=before"},
	{"lstm", "hidden=5 layers=2"}, {"lstm", "hidden=5 projection=2 peephole=1 layer_norm=1"}, {"lstm", "hidden=17 dropout=0.5 layers=2"},
	{"causal_conv1d", "filters=5 kernel=3 dilation=2"}, {"causal_conv1d", "filters=4 kernel=2 dilation=7 groups=2"}};

/* Chunks of any length give the bits of the whole. */
static void test_chunks(void **state) {
	EG_UNUSED(state);
	static const int cuts[][8] = {{1}, {23}, {5, 7, 11}, {2, 20, 1}, {16, 7}};
	static eg_real x[STEPS * B * I], want[STEPS * B * C], have[STEPS * B * C];
	const char *isas[4];
	random_input(x, EG_COUNT(x));
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int c = 0; c < EG_COUNT(cells); c++)
			for (int threads = 1; threads <= 3; threads += 2) {
				rig r = rig_of(isas[i], threads, cells[c][0], cells[c][1]);
				whole(r, x, want);
				for (int k = 0; k < EG_COUNT(cuts); k++) {
					eg_session *s = session(r, k == 3 ? 3 : 0);
					memset(have, 0, sizeof have);
					for (int at = 0, j = 0; at < STEPS; at += cuts[k][j], j += cuts[k][1] != 0) feed(s, x, have, at, cuts[k][j]);
					assert_memory_equal(want, have, sizeof want);
					eg_session_free(s);
				}
				rig_free(r);
			}
}

/* Save, restore, reset, reset of one sequence; two sessions on the same weights do not disturb each other. */
static void test_state(void **state) {
	EG_UNUSED(state);
	static eg_real x[STEPS * B * I], want[STEPS * B * C], have[STEPS * B * C], saved[256];
	rig r = rig_of(NULL, 1, "lstm", "hidden=5 layers=2");
	random_input(x, EG_COUNT(x));
	whole(r, x, want);
	eg_session *s = session(r, 0), *other = session(r, 0);
	assert_int_equal(eg_session_batch(s), B);
	assert_true(eg_session_state_count(s) >= 2 * 2 * B * H && eg_session_state_count(s) <= EG_COUNT(saved));
	feed(s, x, have, 0, 9);
	eg_session_save(s, saved);
	feed(other, x, have, 0, 4);
	feed(s, x, have, 9, 14);
	feed(other, x, have, 4, 19);
	assert_memory_equal(want, have, sizeof want);
	memset(have, 0, sizeof have);
	eg_session_restore(s, saved);
	feed(s, x, have, 9, 14);
	assert_memory_equal(want + 9 * B * C, have + 9 * B * C, 14 * B * C * sizeof *want);
	eg_session_reset(s);
	feed(s, x, have, 0, STEPS);
	assert_memory_equal(want, have, sizeof want);
	/* one sequence begins anew, the others go on */
	eg_session_restore(s, saved);
	eg_session_reset_one(s, 1);
	static eg_real swapped[STEPS * B * I], again[STEPS * B * C];
	for (int t = 0; t < STEPS; t++)
		for (int n = 0; n < B; n++) memcpy(swapped + (t * B + n) * I, x + ((n == 1 ? t : t < 14 ? t + 9 : 0) * B + n) * I, I * sizeof *x);
	feed(s, swapped, again, 0, 14);
	for (int t = 0; t < 14; t++)
		for (int n = 0; n < B; n++)
			assert_memory_equal(again + (t * B + n) * C, want + ((n == 1 ? t : t + 9) * B + n) * C, C * sizeof *want);
	eg_session_free(s);
	eg_session_free(other);
	eg_session_free(NULL);
	rig_free(r);
}

static void refused(eg_graph *g, eg_params *p, const eg_session_options *o, const char *why) {
	eg_error err = {0};
	assert_null(eg_session_new(g, p, o, &err));
	assert_contains(err.message, why);
}

static void test_refusals(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	rig r = rig_of(NULL, 1, "lstm", "hidden=5 bidirectional=1 name=both");
	refused(r.g, r.p, NULL, "'both'");
	rig_free(r);
	r = rig_of(NULL, 1, "gru", "hidden=5");
	refused(r.g, r.p, &(eg_session_options){.outputs = (const char *[]){"z", NULL}}, "'z'");
	refused(r.g, r.p, &(eg_session_options){.batch = -1}, "-1");
	refused(r.g, r.p, &(eg_session_options){.chunk = 1 << 20}, "chunks");
	assert_null(eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = 1}, &err));
	assert_contains(err.message, "time");
	eg_session *s = session(r, 0);
	eg_real x[B * I] = {0}, y[B * C], *out = y;
	const void *in = x, *nothing = NULL;
	const char *name = "x", *wrong = "u";
	assert_int_equal(eg_session_run(s, 0, &name, &in, 1, &out, &err), EG_ERR_ARG);
	assert_int_equal(eg_session_run(s, 1, NULL, NULL, 0, &out, &err), EG_ERR_ARG);
	assert_contains(err.message, "'x'");
	assert_int_equal(eg_session_run(s, 1, &wrong, &in, 1, &out, &err), EG_ERR_ARG);
	assert_int_equal(eg_session_run(s, 1, &name, &nothing, 1, &out, &err), EG_ERR_ARG);
	assert_int_equal(eg_session_run(s, 1, &name, &in, 1, NULL, &err), EG_OK);
	eg_session_free(s);
	rig_free(r);
}

/* Training in pieces: outputs as if in one, no gradient into the carried state, and what eg_plan_diagnose leaves
 * behind. */
static void test_truncated(void **state) {
	EG_UNUSED(state);
	enum { PIECE = 7 };
	static eg_real x[STEPS * B * I], want[STEPS * B * C];
	rig r = rig_of(NULL, 2, "lstm", "hidden=5");
	random_input(x, EG_COUNT(x));
	whole(r, x, want);
	eg_plan *plan = plan_of(r, PIECE, true, true);
	size_t n, total;
	eg_real *kept = eg_plan_state(plan, &n), before[256], after[256];
	assert_true(n >= 2 * B * H && n <= 256);
	for (size_t i = 0; i < n; i++) assert_true(kept[i] == 0);
	for (int k = 0; k < 3; k++) {
		memcpy(before, kept, n * sizeof *kept);
		memcpy(eg_plan_input(plan, "x"), x + k * PIECE * B * I, PIECE * B * I * sizeof *x);
		for (int i = 0; i < PIECE * B * C; i++) eg_plan_grad(plan, "y")[i] = (eg_real)net_random(4, (uint64_t)i);
		eg_plan_run(plan, 0);
		const eg_real *y = eg_plan_output(plan, "y");
		for (int i = 0; i < PIECE * B * C; i++) assert_true(fabs((double)(y[i] - want[k * PIECE * B * C + i])) < 1e-5);
	}
	memcpy(after, kept, n * sizeof *kept);
	assert_int_equal(eg_plan_diagnose(plan, 0, NULL), EG_OK);
	assert_memory_equal(after, kept, n * sizeof *kept);

	/* The same step with the state given as a constant has the same gradients. */
	eg_real *grad = eg_params_flat_grad(r.p, &total), *mine = malloc(total * sizeof *mine);
	memcpy(mine, grad, total * sizeof *mine);
	eg_graph *g = eg_graph_new(r.ctx, NULL);
	eg_tensor in = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I)), h0 = eg_input(g, "h0", EG_F32, EG_DIMS(1, EG_N, H)),
		  c0 = eg_input(g, "c0", EG_F32, EG_DIMS(1, EG_N, H));
	eg_tensor mid = net_layer(g, "linear", "units=6", in);
	eg_tensor h = net_apply(g, "lstm", "hidden=5", (eg_tensor[]){mid, {0}, h0, c0}, 4);
	eg_output(g, "y", net_layer(g, "linear", "units=3", h));
	eg_params *q = eg_params_new(g, 1, NULL);
	memcpy(eg_params_flat(q, &n), eg_params_flat(r.p, &total), total * sizeof *mine);
	assert_int_equal(n, total);
	eg_params_changed(q);
	eg_plan *given = eg_plan_new(g, q, &(eg_plan_options){.batch = B, .time = PIECE, .train = true}, NULL);
	assert_non_null(given);
	memcpy(eg_plan_input(given, "x"), x + 2 * PIECE * B * I, PIECE * B * I * sizeof *x);
	/* the state: h of all sequences, then c, each padded to whole cache lines */
	size_t second = (B * H + 15) / 16 * 16;
	memcpy(eg_plan_input(given, "h0"), before, B * H * sizeof *before);
	memcpy(eg_plan_input(given, "c0"), before + second, B * H * sizeof *before);
	memcpy(eg_plan_grad(given, "y"), eg_plan_grad(plan, "y"), PIECE * B * C * sizeof *before);
	eg_plan_run(given, 0);
	assert_memory_equal(eg_params_flat_grad(q, &n), mine, total * sizeof *mine);
	free(mine);
	eg_plan_free(given);
	eg_plan_free(plan);
	eg_params_free(q);
	eg_graph_free(g);
	rig_free(r);
}

/* Layers that take lengths: a chunk is as long as it is, whatever was padded in training. */
static void test_lengths(void **state) {
	EG_UNUSED(state);
	static const char *const with[] = {"rnn", "gru", "lstm"};
	static eg_real x[STEPS * B * I], want[STEPS * B * C], have[STEPS * B * C];
	random_input(x, EG_COUNT(x));
	for (int k = 0; k < EG_COUNT(with); k++) {
		eg_error err = {0};
		rig r = {.ctx = net_context(1, NULL)};
		r.g = eg_graph_new(r.ctx, &err);
		eg_tensor in = eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I)), n = eg_input(r.g, "steps", EG_I32, EG_DIMS(EG_N));
		eg_tensor h = net_apply(r.g, with[k], "hidden=5 layers=2", (eg_tensor[]){in, n}, 2);
		h = net_apply(r.g, "sequence_mask", "", (eg_tensor[]){h, n}, 2);
		eg_output(r.g, "y", net_layer(r.g, "linear", "units=3", h));
		r.p = eg_params_new(r.g, 3, &err);
		if (!r.p) fail_msg("%s", err.message);
		eg_plan *plan = plan_of(r, STEPS, false, false);
		memcpy(eg_plan_input(plan, "x"), x, sizeof x);
		for (int i = 0; i < B; i++) ((int32_t *)eg_plan_input(plan, "steps"))[i] = STEPS;
		eg_plan_run(plan, 0);
		memcpy(want, eg_plan_output(plan, "y"), sizeof want);
		eg_plan_free(plan);
		eg_session *s = session(r, 6);
		feed(s, x, have, 0, 13), feed(s, x, have, 13, 1), feed(s, x, have, 14, STEPS - 14);
		assert_memory_equal(have, want, sizeof want);
		/* Nobody else says how long it is. */
		const char *const names[] = {"x", "steps"};
		const int32_t lengths[B] = {1, 1, 1};
		const void *const both[] = {x, lengths};
		assert_int_equal(eg_session_run(s, 2, names, both, 2, NULL, &err), EG_ERR_ARG);
		assert_contains(err.message, "'steps': a session fills in how long its sequences are");
		assert_int_equal(eg_session_run(s, 2, names + 1, both + 1, 0, NULL, &err), EG_ERR_ARG);
		assert_contains(err.message, "needs input 'x'");
		eg_session_free(s);
		rig_free(r);
	}
}

/* Whatever allocation fails, nothing leaks and the next try works. */
static void test_allocations(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	bool done = false;
	for (long fail_at = 0; !done && fail_at < 2000; fail_at++) {
		meter m = {.left = -1};
		eg_allocator a = {meter_alloc, meter_release, &m};
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .allocator = &a}, NULL);
		eg_graph *g = eg_graph_new(ctx, &err);
		net(g, "lstm", "hidden=5 layers=2");
		eg_params *p = eg_params_new(g, 1, &err);
		assert_non_null(p);
		eg_real x[9 * I] = {0}, y[9 * C], *out = y;
		const void *in = x;
		const char *name = "x";
		m.left = fail_at;
		eg_session *s = eg_session_new(g, p, NULL, &err);
		done = s && !eg_session_run(s, 9, &name, &in, 1, &out, &err);
		if (!done) assert_int_equal(err.status, EG_ERR_MEMORY);
		m.left = -1;
		if (s) assert_int_equal(eg_session_run(s, 9, &name, &in, 1, &out, &err), EG_OK);
		eg_session_free(s);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
		assert_int_equal(m.live, 0);
	}
	assert_true(done);
}

/* Sample k of a plan of two goes on from sample rows[k] of a plan of B: it gives what that one would. */
static void test_rows(void **state) {
	EG_UNUSED(state);
	static const int rows[] = {2, 0}, turned[] = {1, 2, 0};
	eg_real x[B * I], then[I], state_of[400];
	random_input(x, B * I);
	random_input(then, I);
	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
		rig r = rig_of(NULL, 1, cells[i][0], cells[i][1]);
		eg_plan *three = plan_of(r, 1, true, false);
		eg_plan *two = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = 2, .time = 1, .carry = true}, NULL);
		size_t n;
		assert_non_null(two);
		memcpy(eg_plan_input(three, "x"), x, sizeof x);
		eg_plan_run(three, 0);
		const eg_real *now = eg_plan_state(three, &n);
		assert_true(n > 0 && n <= 400);
		memcpy(state_of, now, n * sizeof *now);
		eg_plan_state_rows(two, three, state_of, rows);
		eg_plan_state_rows(three, three, state_of, turned);
		for (int k = 0; k < B; k++) memcpy((eg_real *)eg_plan_input(three, "x") + k * I, then, sizeof then);
		for (int k = 0; k < 2; k++) memcpy((eg_real *)eg_plan_input(two, "x") + k * I, then, sizeof then);
		eg_plan_run(three, 0);
		eg_plan_run(two, 0);
		const eg_real *y3 = eg_plan_output(three, "y"), *y2 = eg_plan_output(two, "y");
		for (int c = 0; c < C; c++) {
			assert_true(fabs((double)(y2[c] - y3[C + c])) < 1e-6);     /* both from sample 2 */
			assert_true(fabs((double)(y2[C + c] - y3[2 * C + c])) < 1e-6); /* from sample 0 */
			assert_true(i > 5 || c > 0 || fabs((double)(y2[0] - y2[C])) > 1e-6);
		}
		eg_plan_free(two);
		eg_plan_free(three);
		rig_free(r);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_chunks), cmocka_unit_test(test_state), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_lengths), cmocka_unit_test(test_allocations)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_loop.c - loops: cells built of layers against the cells of the engine with the same weights; lengths,
 * directions, carried states, sessions, initial states, what is refused. */
#include "net.h"

#include "engram_ops.h"

enum { B = 19, I = 4, H = 5, T = 7 };

/* ---- cells, one step --------------------------------------------------------------------------------------------- */

static eg_tensor part(eg_graph *g, eg_tensor gates, int i) {
	return eg_slice(g, gates, .starts = EG_INTS(i * H), .ends = EG_INTS((i + 1) * H), .axes = EG_INTS(1));
}

static eg_tensor gates_of(eg_graph *g, eg_tensor x, eg_tensor h, int n) {
	return eg_add(g, eg_linear(g, x, .units = n * H, .name = "in"),
	        eg_linear(g, h, .units = n * H, .no_bias = true, .name = "rec"));
}

static eg_tensor rnn_step(eg_graph *g, eg_tensor x, eg_tensor h) { return eg_tanh(g, gates_of(g, x, h, 1)); }

static eg_tensor lstm_step(eg_graph *g, eg_tensor x, eg_tensor h, eg_tensor c, eg_tensor *cell) {
	eg_tensor a = gates_of(g, x, h, 4);
	eg_tensor keep = eg_mul(g, eg_sigmoid(g, part(g, a, 2)), c),
	          write = eg_mul(g, eg_sigmoid(g, part(g, a, 0)), eg_tanh(g, part(g, a, 3)));
	*cell = eg_add(g, keep, write);
	return eg_mul(g, eg_sigmoid(g, part(g, a, 1)), eg_tanh(g, *cell));
}

static eg_tensor gru_step(eg_graph *g, eg_tensor x, eg_tensor h) {
	eg_tensor a = eg_linear(g, x, .units = 3 * H, .name = "in"),
	          b = eg_linear(g, h, .units = 3 * H, .no_bias = true, .name = "rec");
	eg_tensor z = eg_sigmoid(g, eg_add(g, part(g, a, 0), part(g, b, 0))),
	          r = eg_sigmoid(g, eg_add(g, part(g, a, 1), part(g, b, 1)));
	eg_tensor n = eg_tanh(g, eg_add(g, part(g, a, 2), eg_mul(g, r, part(g, b, 2))));
	return eg_add(g, n, eg_mul(g, z, eg_sub(g, h, n)));
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

typedef struct kind {
	const char *cell;
	bool lengths, reverse, given, learned; /* an initial state that is an input, or a weight */
} kind;

/* x (T,N,I) through the cell; outputs y and hn. */
static void build(eg_graph *g, kind k, bool loop) {
	const bool lstm = !strcmp(k.cell, "lstm"), gru = !strcmp(k.cell, "gru");
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I)), none = {0};
	eg_tensor lengths = k.lengths ? eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N)) : none;
	eg_tensor h0 = k.given ? eg_input(g, "h0", EG_F32, EG_DIMS(EG_N, H)) : none;
	if (!loop) {
		const eg_tensor in[] = {x, lengths, h0};
		const int nin = h0.id ? 3 : lengths.id ? 2 : 1;
		eg_tensor y = lstm  ? eg_apply(g, "lstm",
		                              &(eg_lstm_options){.hidden = H, .reverse = k.reverse, .name = "cell"}, in,
		                              nin)
		              : gru ? eg_apply(g, "gru",
		                              &(eg_gru_options){.hidden = H, .reverse = k.reverse, .name = "cell"}, in,
		                              nin)
		                    : eg_apply(g, "rnn",
		                              &(eg_rnn_options){.hidden = H, .reverse = k.reverse, .name = "cell"}, in,
		                              nin);
		eg_output(g, "y", y);
		eg_output(g, "hn", eg_result(g, y, 1));
		return;
	}
	eg_loop_begin(g, "cell", k.reverse, lengths);
	eg_tensor xt = eg_loop_input(g, x), h = eg_loop_state(g, "h", EG_DIMS(EG_N, H), h0, k.learned), cell;
	eg_tensor c = lstm ? eg_loop_state(g, "c", EG_DIMS(EG_N, H), none, false) : none;
	eg_tensor next = lstm ? lstm_step(g, xt, h, c, &cell) : gru ? gru_step(g, xt, h) : rnn_step(g, xt, h);
	eg_loop_next(g, h, next);
	if (lstm) eg_loop_next(g, c, cell);
	eg_loop_end(g);
	eg_output(g, "y", eg_loop_output(g, next));
	eg_output(g, "hn", eg_loop_last(g, h));
}

typedef struct rig {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
} rig;

static void fill(eg_real *x, size_t n, uint64_t seed) {
	for (size_t i = 0; i < n; i++) x[i] = (eg_real)net_random(seed, i);
}

/* The weights lie in the same order in both. */
static rig rig_of(const char *isa, int threads, kind k, bool loop) {
	eg_error err = {0};
	rig r = {.ctx = eg_context_new(&(eg_context_options){.threads = threads, .isa = isa}, NULL)};
	r.g = eg_graph_new(r.ctx, &err);
	build(r.g, k, loop);
	r.p = eg_params_new_zero(r.g, &err);
	if (!r.p) fail_msg("%s", err.message);
	static const char *const names[2][3] = {
	        {"cell.l0.weight", "cell.l0.recurrent_weight", "cell.l0.bias"}, {"in.weight", "rec.weight", "in.bias"}};
	for (int i = 0; i < 3; i++) {
		const int at = eg_params_find(r.p, names[loop][i]);
		const eg_dims d = eg_params_dims(r.p, at);
		fill(eg_params_data(r.p, at), (size_t)eg_dims_count(&d, 0), 20 + (uint64_t)i);
	}
	eg_params_changed(r.p);
	return r;
}

static void rig_free(rig r) {
	eg_params_free(r.p);
	eg_graph_free(r.g);
	eg_context_free(r.ctx);
}

static const int32_t ends[B] = {7, 0, 3, 1, 7, 6, 2, 5, 4, 7, 7, 1, 2, 3, 4, 5, 6, 0, 4};

static eg_plan *plan_of(rig r, kind k, int time, bool train, bool carry) {
	eg_error err = {0};
	eg_plan *plan = eg_plan_new(r.g, r.p,
	        &(eg_plan_options){.batch = B, .time = time, .train = train, .carry = carry, .input_grads = train},
	        &err);
	if (!plan) fail_msg("%s", err.message);
	if (eg_plan_input(plan, "x")) fill(eg_plan_input(plan, "x"), (size_t)time * B * I, 1);
	if (k.lengths) memcpy(eg_plan_input(plan, "lengths"), ends, sizeof ends);
	if (k.given) fill(eg_plan_input(plan, "h0"), B * H, 4);
	if (train) {
		fill(eg_plan_grad(plan, "y"), (size_t)time * B * H, 2);
		fill(eg_plan_grad(plan, "hn"), B * H, 3);
	}
	return plan;
}

static void near(const eg_real *a, const eg_real *b, size_t n, const char *what) {
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)(a[i] - b[i])) <= 2e-5 * (1 + fabs((double)b[i]))))
			fail_msg("%s: number %zu is %g, not %g", what, i, (double)a[i], (double)b[i]);
}

/* What lies behind lengths must not matter. */
static void spoil(eg_plan *plan, kind k, int time) {
	eg_real *x = eg_plan_input(plan, "x");
	for (int t = 0; t < time && k.lengths; t++)
		for (int n = 0; n < B; n++)
			for (int i = 0; i < I && t >= ends[n]; i++) x[(t * B + n) * I + i] = (eg_real)NAN;
}

static void compare(const char *isa, int threads, kind k) {
	rig own = rig_of(isa, threads, k, true), other = rig_of(isa, threads, k, false);
	for (int train = 0; train < 2; train++) {
		eg_plan *a = plan_of(own, k, T, train, false), *b = plan_of(other, k, T, train, false);
		spoil(a, k, T);
		spoil(b, k, T);
		eg_plan_run(a, 0);
		eg_plan_run(b, 0);
		near(eg_plan_output(a, "y"), eg_plan_output(b, "y"), T * B * H, k.cell);
		near(eg_plan_output(a, "hn"), eg_plan_output(b, "hn"), B * H, k.cell);
		if (train) {
			near(eg_plan_grad(a, "x"), eg_plan_grad(b, "x"), T * B * I, "gradient of x");
			if (k.given) near(eg_plan_grad(a, "h0"), eg_plan_grad(b, "h0"), B * H, "gradient of h0");
			static const char *const names[2][3] = {
			        {"cell.l0.weight", "cell.l0.recurrent_weight", "cell.l0.bias"},
			        {"in.weight", "rec.weight", "in.bias"}};
			for (int i = 0; i < 3; i++) {
				const int ia = eg_params_find(own.p, names[1][i]),
				          ib = eg_params_find(other.p, names[0][i]);
				const eg_dims d = eg_params_dims(own.p, ia);
				near(eg_params_grad(own.p, ia), eg_params_grad(other.p, ib),
				        (size_t)eg_dims_count(&d, 0), names[1][i]);
			}
		}
		assert_int_equal(eg_plan_diagnose(a, 0, NULL),
		        k.lengths ? EG_ERR_NUMERIC : EG_OK); /* the input behind its ends */
		eg_plan_free(a);
		eg_plan_free(b);
	}
	rig_free(own);
	rig_free(other);
}

static void test_cells(void **state) {
	EG_UNUSED(state);
	static const kind kinds[] = {{"rnn", .lengths = false}, {"rnn", .lengths = true},
	        {"rnn", .lengths = true, .reverse = true}, {"lstm", .reverse = true},
	        {"lstm", .lengths = true, .given = true}, {"gru", .given = true},
	        {"gru", .lengths = true, .reverse = true}};
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int threads = 1; threads < 3; threads++)
			for (int k = 0; k < EG_COUNT(kinds); k++) compare(isas[i], threads, kinds[k]);
}

/* ---- from run to run --------------------------------------------------------------------------------------------- */

/* Truncated back-propagation: pieces with carried state have the outputs and gradients of the engine's own cell. */
static void test_carry(void **state) {
	EG_UNUSED(state);
	const kind k = {"lstm", .lengths = false};
	rig own = rig_of(NULL, 1, k, true), other = rig_of(NULL, 1, k, false);
	eg_plan *a = plan_of(own, k, T, true, true), *b = plan_of(other, k, T, true, true);
	for (int run = 0; run < 3; run++) {
		eg_plan_run(a, (uint64_t)run);
		eg_plan_run(b, (uint64_t)run);
		near(eg_plan_output(a, "y"), eg_plan_output(b, "y"), T * B * H, "y");
		near(eg_plan_grad(a, "x"), eg_plan_grad(b, "x"), T * B * I, "gradient of x");
		near(eg_params_grad(own.p, eg_params_find(own.p, "rec.weight")),
		        eg_params_grad(other.p, eg_params_find(other.p, "cell.l0.recurrent_weight")), 4 * H * H,
		        "gradient");
	}
	assert_int_equal(eg_plan_diagnose(a, 2, NULL), EG_OK);
	eg_plan_free(a);
	eg_plan_free(b);
	rig_free(own);
	rig_free(other);
}

/* Chunks of any length have the bits of the whole; a state that is learned begins only once, and again behind a
 * reset. */
static void session_case(kind k) {
	static const int cuts[] = {1, 3, 7, 2, 10};
	enum { STEPS = 23 };
	rig r = rig_of(NULL, 2, k, true);
	eg_error err = {0};
	if (k.learned) fill(eg_params_data(r.p, eg_params_find(r.p, "h.initial")), H, 8);
	eg_params_changed(r.p);
	eg_plan *plan = plan_of(r, k, STEPS, false, false);
	eg_plan_run(plan, 0);
	eg_session *s = eg_session_new(r.g, r.p,
	        &(eg_session_options){.batch = B, .chunk = 4, .outputs = (const char *const[]){"y", NULL}}, &err);
	if (!s) fail_msg("%s", err.message);
	for (int turn = 0; turn < 2; turn++) {
		static eg_real y[STEPS * B * H];
		for (int i = 0, at = 0; i < EG_COUNT(cuts); at += cuts[i++]) {
			const void *in = (const eg_real *)eg_plan_input(plan, "x") + at * B * I;
			eg_real *out = y + at * B * H;
			if (eg_session_run(s, cuts[i], (const char *const[]){"x"}, &in, 1, &out, &err))
				fail_msg("%s", err.message);
		}
		assert_memory_equal(y, eg_plan_output(plan, "y"), sizeof y);
		eg_session_reset(s);
	}
	eg_session_free(s);
	eg_plan_free(plan);
	rig_free(r);
}

static void test_session(void **state) {
	EG_UNUSED(state);
	session_case((kind){"rnn", .lengths = false});
	session_case((kind){"lstm", .learned = true});
	session_case((kind){"gru", .learned = true});
	rig r = rig_of(NULL, 1, (kind){"rnn", .reverse = true}, true);
	eg_error err = {0};
	assert_null(eg_session_new(r.g, r.p, NULL, &err));
	assert_non_null(strstr(err.message, "whole sequence"));
	rig_free(r);
	r = rig_of(NULL, 1, (kind){"rnn", .given = true}, true);
	assert_null(eg_session_new(r.g, r.p, NULL, &err));
	rig_free(r);
}

/* What a learned state gets is what a given one gets, of all samples; of those that have gone on it is nothing. */
static void test_learned(void **state) {
	EG_UNUSED(state);
	const kind k = {"gru", .lengths = true, .learned = true}, given = {"gru", .lengths = true, .given = true};
	rig r = rig_of(NULL, 2, k, true), other = rig_of(NULL, 2, given, true);
	eg_real *h0 = eg_params_data(r.p, eg_params_find(r.p, "h.initial")),
	        *dh0 = eg_params_grad(r.p, eg_params_find(r.p, "h.initial"));
	fill(h0, H, 8);
	eg_params_changed(r.p);
	eg_plan *a = plan_of(r, k, T, true, false), *b = plan_of(other, given, T, true, false),
	        *c = plan_of(r, k, T, true, true);
	for (int n = 0; n < B; n++) memcpy((eg_real *)eg_plan_input(b, "h0") + n * H, h0, H * sizeof *h0);
	eg_plan_run(a, 0);
	eg_plan_run(b, 0);
	near(eg_plan_output(a, "y"), eg_plan_output(b, "y"), T * B * H, "y");
	eg_real sum[H] = {0};
	for (int i = 0; i < B * H; i++) sum[i % H] += eg_plan_grad(b, "h0")[i];
	near(dh0, sum, H, "gradient of the initial state");
	eg_plan_run(c, 0);
	near(dh0, sum, H, "the same in a plan that carries, at first");
	eg_plan_run(c, 0);
	for (int i = 0; i < H; i++) assert_true(dh0[i] == 0);
	eg_plan_free(a);
	eg_plan_free(b);
	eg_plan_free(c);
	rig_free(r);
	rig_free(other);
}

/* ---- loops and what is around them ------------------------------------------------------------------------------- */

/* Two loops one behind the other, steps folded into the batch before and behind, a value from outside, ids, dropout,
 * a sequence read twice. */
static void surroundings(eg_graph *g) {
	const eg_tensor none = {0};
	eg_tensor ids = eg_input(g, "ids", EG_I32, EG_DIMS(EG_T, EG_N)),
	          x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I));
	eg_tensor out = eg_input(g, "outside", EG_F32, EG_DIMS(EG_N, H)),
	          lengths = eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N));
	eg_tensor frames = eg_unfold_time(g, eg_tanh(g, eg_linear(g, eg_fold_time(g, x), .units = H)));
	eg_loop_begin(g, "first", false, none);
	eg_tensor a = eg_loop_input(g, frames), b = eg_loop_input(g, frames), id = eg_loop_input(g, ids),
	          h = eg_loop_state(g, "h", EG_DIMS(EG_N, H), none, true);
	eg_tensor e = eg_embedding(g, id, .count = 6, .size = H);
	eg_tensor n = eg_tanh(g, eg_add(g, eg_add(g, eg_linear(g, a, .units = H), eg_mul(g, b, out)),
	                                 eg_add(g, e, eg_linear(g, h, .units = H))));
	eg_loop_next(g, h, n);
	eg_loop_end(g);
	eg_tensor y = eg_loop_output(g, n), before = eg_loop_output(g, h);
	eg_loop_begin(g, "second", true, lengths);
	eg_tensor c = eg_loop_input(g, y), d = eg_loop_input(g, before),
	          s = eg_loop_state(g, "s", EG_DIMS(EG_N, H), none, false);
	eg_tensor m = eg_tanh(g, eg_add(g, eg_mul(g, c, d), eg_linear(g, s, .units = H)));
	eg_loop_next(g, s, m);
	eg_loop_end(g);
	eg_tensor z = eg_loop_output(g, m), last = eg_loop_last(g, s);
	eg_tensor head = eg_linear(g, eg_fold_time(g, z), .units = 1), all = eg_reduce_sum(g, eg_mul(g, head, head));
	eg_output(g, "loss", eg_add(g, eg_reduce_mean(g, all), eg_reduce_mean(g, eg_mul(g, last, last))));
}

static double loss_of(eg_plan *plan) {
	eg_plan_run(plan, 0);
	return (double)*eg_plan_output(plan, "loss");
}

/* Directional derivatives against differences, of weights and inputs. */
static void test_surroundings(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	for (int batch = 3; batch <= B; batch += B - 3) {
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL);
		eg_graph *g = eg_graph_new(ctx, &err);
		surroundings(g);
		eg_params *p = eg_params_new(g, 5, &err);
		if (!p) fail_msg("%s", err.message);
		eg_plan *plan = eg_plan_new(
		        g, p, &(eg_plan_options){.batch = batch, .time = T, .train = true, .input_grads = true}, &err);
		if (!plan) fail_msg("%s", err.message);
		eg_real *x = eg_plan_input(plan, "x"), *out = eg_plan_input(plan, "outside");
		const size_t nx = (size_t)(T * batch * I), no = (size_t)(batch * H);
		fill(x, nx, 1);
		fill(out, no, 2);
		for (int i = 0; i < T * batch; i++) ((int32_t *)eg_plan_input(plan, "ids"))[i] = i % 6;
		memcpy(eg_plan_input(plan, "lengths"), ends, (size_t)batch * sizeof *ends);
		size_t n;
		eg_real *w = eg_params_flat(p, &n), *dw = eg_params_flat_grad(p, &n);
		const double eps = sizeof(eg_real) == 8 ? 1e-5 : 3e-3;
		loss_of(plan);
		double want = 0;
		for (size_t i = 0; i < n; i++) want += net_random(50, i) * (double)dw[i];
		for (size_t i = 0; i < nx; i++) want += net_random(51, i) * (double)eg_plan_grad(plan, "x")[i];
		for (size_t i = 0; i < no; i++) want += net_random(52, i) * (double)eg_plan_grad(plan, "outside")[i];
		double value[2];
		for (int side = 0; side < 2; side++) {
			const double by = side ? -2 * eps : eps;
			for (size_t i = 0; i < n; i++) w[i] += (eg_real)(by * net_random(50, i));
			for (size_t i = 0; i < nx; i++) x[i] += (eg_real)(by * net_random(51, i));
			for (size_t i = 0; i < no; i++) out[i] += (eg_real)(by * net_random(52, i));
			eg_params_changed(p);
			value[side] = loss_of(plan);
		}
		const double have = (value[0] - value[1]) / (2 * eps), allowed = sizeof(eg_real) == 8 ? 1e-6 : 1e-2;
		if (!(fabs(have - want) <= allowed * (1 + fabs(want))))
			fail_msg("batch %d: difference %g, gradient %g", batch, have, want);
		assert_true(fabs(want) > 1e-3);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void wrong(int which, eg_graph *g) {
	const eg_tensor none = {0};
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I)),
	          flat = eg_input(g, "flat", EG_F32, EG_DIMS(EG_N, I));
	if (which == 0) eg_loop_input(g, x);
	eg_loop_begin(g, "cell", false, which == 1 ? flat : none);
	if (which == 2) eg_loop_begin(g, "inner", false, none);
	eg_tensor xt = eg_loop_input(g, which == 3 ? flat : x),
	          h = eg_loop_state(g, "h", EG_DIMS(EG_N, H), which == 4 ? flat : none, false);
	if (which == 5) eg_batchnorm(g, xt);
	if (which == 6) eg_loop_output(g, xt);
	eg_tensor n = eg_linear(g, xt, .units = which == 7 ? H + 1 : H);
	if (which != 8) eg_loop_next(g, which == 9 ? xt : h, n);
	if (which == 10) return;
	eg_loop_end(g);
	if (which == 11) eg_linear(g, n, .units = 2);
	if (which == 12) eg_output(g, "n", n);
	if (which == 13) eg_loop_last(g, n);
	if (which == 14) eg_loop_output(g, flat);
}

static void test_wrong(void **state) {
	EG_UNUSED(state);
	static const char *const said[] = {"call eg_loop_begin before", "must be integers", "one inside of another",
	        "no sequence", "its initial value is (N,4), it must be (N,5)", "running statistics",
	        "call eg_loop_end before", "cannot become (N,6)", "call eg_loop_next", "no state of it",
	        "still being built", "has ended", "has ended", "is no state", "no value of a loop's body"};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	for (int i = 0; i < EG_COUNT(said); i++) {
		eg_error err = {0};
		eg_graph *g = eg_graph_new(ctx, &err);
		wrong(i, g);
		if (i == 10) {
			eg_params *p = eg_params_new(g, 1, &err);
			assert_null(eg_plan_new(g, p, &(eg_plan_options){.batch = 2, .time = 2}, &err));
			eg_params_free(p);
		} else {
			eg_graph_status(g, &err);
		}
		if (!strstr(err.message, said[i])) fail_msg("case %d: '%s'", i, err.message);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

/* Every allocation may fail. */
static void test_no_memory(void **state) {
	EG_UNUSED(state);
	meter m = {.left = -1};
	const eg_allocator allocator = {meter_alloc, meter_release, &m};
	bool whole = false;
	for (long fail = 0; !whole; fail++) {
		eg_error err = {0};
		m = (meter){.left = fail};
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .allocator = &allocator}, &err);
		eg_graph *g = ctx ? eg_graph_new(ctx, &err) : NULL;
		if (g) surroundings(g);
		eg_params *p = g ? eg_params_new(g, 1, &err) : NULL;
		eg_plan *plan = p ? eg_plan_new(g, p, &(eg_plan_options){.batch = 3, .time = 3, .train = true}, &err)
		                  : NULL;
		whole = plan != NULL;
		if (!whole) assert_int_equal(err.status, EG_ERR_MEMORY);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
		assert_int_equal(m.live, 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells), cmocka_unit_test(test_carry),
	        cmocka_unit_test(test_session), cmocka_unit_test(test_learned), cmocka_unit_test(test_surroundings),
	        cmocka_unit_test(test_wrong), cmocka_unit_test(test_no_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

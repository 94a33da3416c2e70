/* test_loop.c - loops: cells built of layers against the cells of the engine with the same weights; lengths, directions, carried states, sessions,
 * initial states, what is refused. */
#include "engram_ops.h"
#include "net.h"

enum { B = 19, I = 4, H = 5, T = 7 };

/* ---- cells, one step --------------------------------------------------------------------------------------------- */

static eg_tensor part(eg_graph *g, eg_tensor gates, int i) {
	return eg_slice(g, gates, .starts = EG_INTS(i * H), .ends = EG_INTS((i + 1) * H), .axes = EG_INTS(1));
}

static eg_tensor gates_of(eg_graph *g, eg_tensor x, eg_tensor h, int n) {
	return eg_add(g, eg_linear(g, x, .units = n * H, .name = "in"), eg_linear(g, h, .units = n * H, .no_bias = true, .name = "rec"));
}

static eg_tensor rnn_step(eg_graph *g, eg_tensor x, eg_tensor h) { return eg_tanh(g, gates_of(g, x, h, 1)); }

static eg_tensor lstm_step(eg_graph *g, eg_tensor x, eg_tensor h, eg_tensor c, eg_tensor *cell) {
	eg_tensor a = gates_of(g, x, h, 4);
	eg_tensor keep = eg_mul(g, eg_sigmoid(g, part(g, a, 2)), c), write = eg_mul(g, eg_sigmoid(g, part(g, a, 0)), eg_tanh(g, part(g, a, 3)));
	*cell = eg_add(g, keep, write);
	return eg_mul(g, eg_sigmoid(g, part(g, a, 1)), eg_tanh(g, *cell));
}

static eg_tensor gru_step(eg_graph *g, eg_tensor x, eg_tensor h) {
	eg_tensor a = eg_linear(g, x, .units = 3 * H, .name = "in"), b = eg_linear(g, h, .units = 3 * H, .no_bias = true, .name = "rec");
	eg_tensor z = eg_sigmoid(g, eg_add(g, part(g, a, 0), part(g, b, 0))), r = eg_sigmoid(g, eg_add(g, part(g, a, 1), part(g, b, 1)));
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
		eg_tensor y = lstm  ? eg_apply(g, "lstm", &(eg_lstm_options){.hidden = H, .reverse = k.reverse, .name = "cell"}, in, nin)
			      : gru ? eg_apply(g, "gru", &(eg_gru_options){.hidden = H, .reverse = k.reverse, .name = "cell"}, in, nin)
				    : eg_apply(g, "rnn", &(eg_rnn_options){.hidden = H, .reverse = k.reverse, .name = "cell"}, in, nin);
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
	static const char *const names[2][3] = {{"cell.l0.weight", "cell.l0.recurrent_weight", "cell.l0.bias"}, {"in.weight", "rec.weight", "in.bias"}};
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
	eg_plan *plan = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = B, .time = time, .train = train, .carry = carry, .input_grads = train}, &err);
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
		if (!(fabs((double)(a[i] - b[i])) <= 2e-5 * (1 + fabs((double)b[i])))) fail_msg("%s: number %zu is %g, not %g", what, i, (double)a[i], (double)b[i]);
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
			static const char *const names[2][3] = {{"cell.l0.weight", "cell.l0.recurrent_weight", "cell.l0.bias"}, {"in.weight", "rec.weight", "in.bias"}};
			for (int i = 0; i < 3; i++) {
				const int ia = eg_params_find(own.p, names[1][i]), ib = eg_params_find(other.p, names[0][i]);
				const eg_dims d = eg_params_dims(own.p, ia);
				near(eg_params_grad(own.p, ia), eg_params_grad(other.p, ib), (size_t)eg_dims_count(&d, 0), names[1][i]);
			}
		}
		assert_int_equal(eg_plan_diagnose(a, 0, NULL), k.lengths ? EG_ERR_NUMERIC : EG_OK); /* the input behind its ends */
		eg_plan_free(a);
		eg_plan_free(b);
	}
	rig_free(own);
	rig_free(other);
}

static void test_cells(void **state) {
	EG_UNUSED(state);
	static const kind kinds[] = {{"rnn", .lengths = false}, {"rnn", .lengths = true}, {"rnn", .lengths = true, .reverse = true}, {"lstm", .reverse = true},
		{"lstm", .lengths = true, .given = true}, {"gru", .given = true}, {"gru", .lengths = true, .reverse = true}};
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int threads = 1; threads < 3; threads++)
			for (int k = 0; k < EG_COUNT(kinds); k++) compare(isas[i], threads, kinds[k]);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cells)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_attention.c - what the generic tester and the kernels' tests cannot know: that multi-head attention means what
 * its words say (lengths, causal, one tensor in several places), that an embedding does with strange ids what it
 * promises, and what the builders of the sequence operators say when shapes do not fit. */
#include "net.h"

enum { T = 5, N = 3, C = 8, LARGEST = T * N * C };

/* One attention layer over x (T,N,8) and, if wanted, source and lengths. */
typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *params;
	eg_plan *plan;
} net;

enum { SELF, SELF_NAMED, OTHER };

static net net_new(const char *attrs, int source, bool lengths) {
	net n = {.ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL)};
	n.g = eg_graph_new(n.ctx, NULL);
	eg_tensor in[3] = {eg_input(n.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, C))};
	if (source == SELF_NAMED) in[1] = in[0];
	if (source == OTHER) in[1] = eg_input(n.g, "source", EG_F32, EG_DIMS(EG_T, EG_N, C));
	if (lengths) in[2] = eg_input(n.g, "lengths", EG_I32, EG_DIMS(EG_N));
	eg_output(n.g, "y", net_apply(n.g, "multi_head_attention", attrs, in, lengths ? 3 : source != SELF ? 2 : 1));
	n.params = eg_params_new(n.g, 3, NULL);
	assert_non_null(n.params);
	n.plan = eg_plan_new(
	        n.g, n.params, &(eg_plan_options){.batch = N, .time = T, .train = true, .input_grads = true}, NULL);
	assert_non_null(n.plan);
	net_fill(n.plan, "x", LARGEST, 0, 1);
	if (source == OTHER) net_fill(n.plan, "source", LARGEST, 0, 1);
	for (int i = 0; i < LARGEST; i++) eg_plan_grad(n.plan, "y")[i] = (eg_real)net_random(2, (uint64_t)i);
	return n;
}

static void net_free(net *n) {
	eg_plan_free(n->plan);
	eg_params_free(n->params);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}

static void assert_close(const eg_real *a, const eg_real *b, int64_t n) {
	for (int64_t i = 0; i < n; i++)
		if (!(fabs((double)(a[i] - b[i])) < 1e-5))
			fail_msg("[%lld] %g and %g", (long long)i, (double)a[i], (double)b[i]);
}

/* x alone, x as its own source, and a source with the same numbers: the same results; the gradient of x is the sum of
 * those of both sides. */
static void test_sources(void **state) {
	EG_UNUSED(state);
	net n[3];
	for (int i = 0; i < 3; i++) {
		n[i] = net_new("heads=2", i, false);
		eg_plan_run(n[i].plan, 0);
		assert_close(eg_plan_output(n[i].plan, "y"), eg_plan_output(n[0].plan, "y"), LARGEST);
		for (int k = 0; k < eg_params_count(n[0].params); k++) {
			eg_dims d = eg_params_dims(n[0].params, k);
			assert_close(
			        eg_params_grad(n[i].params, k), eg_params_grad(n[0].params, k), eg_dims_count(&d, 0));
		}
	}
	eg_real sum[LARGEST];
	for (int i = 0; i < LARGEST; i++)
		sum[i] = eg_plan_grad(n[OTHER].plan, "x")[i] + eg_plan_grad(n[OTHER].plan, "source")[i];
	assert_close(eg_plan_grad(n[SELF_NAMED].plan, "x"), eg_plan_grad(n[SELF].plan, "x"), LARGEST);
	assert_close(sum, eg_plan_grad(n[SELF].plan, "x"), LARGEST);
	for (int i = 0; i < 3; i++) net_free(&n[i]);
}

/* attention(x, x, x): the three gradients add up as those of three separate tensors do. */
static void test_one_tensor_three_times(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = eg_context_new(NULL, NULL);
	eg_real sum[N * T * C] = {0}, y[N * T * C] = {0};
	for (int same = 0; same < 2; same++) {
		static const char *const names[] = {"q", "k", "v"};
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_tensor in[3];
		for (int i = 0; i < 3; i++)
			in[i] = same && i ? in[0] : eg_input(g, names[i], EG_F32, EG_DIMS(EG_N, T, C));
		eg_output(g, "y", net_apply(g, "attention", "causal=1", in, 3));
		eg_params *p = eg_params_new(g, 1, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = N, .train = true, .input_grads = true}, NULL);
		assert_non_null(plan);
		for (int i = 0; i < (same ? 1 : 3); i++) net_fill(plan, names[i], LARGEST, 0, 1);
		for (int i = 0; i < LARGEST; i++) eg_plan_grad(plan, "y")[i] = (eg_real)net_random(2, (uint64_t)i);
		eg_plan_run(plan, 0);
		if (same) assert_close(eg_plan_grad(plan, "q"), sum, LARGEST);
		if (same) assert_close(eg_plan_output(plan, "y"), y, LARGEST);
		for (int i = 0; i < 3 && !same; i++)
			for (int k = 0; k < LARGEST; k++) sum[k] += eg_plan_grad(plan, names[i])[k];
		if (!same) memcpy(y, eg_plan_output(plan, "y"), sizeof y);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

/* Keys, values and queries that a mask hides, or a bias of -infinity, may be anything; their gradients are 0. */
static void hidden_case(eg_context *ctx, bool mask, bool spoilt, eg_real *y, eg_real *dq, eg_real *dk, eg_real *dv) {
	enum { L = 4, K = 6, D = 7, E = 5 };
	/* the last sample sees nothing */
	static const int hidden[N * K] = {0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1};
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor in[5] = {eg_input(g, "q", EG_F32, EG_DIMS(EG_N, L, D)), eg_input(g, "k", EG_F32, EG_DIMS(EG_N, K, D)),
		eg_input(g, "v", EG_F32, EG_DIMS(EG_N, K, E))};
	in[3] = mask ? eg_input(g, "mask", EG_I32, EG_DIMS(EG_N, 1, K)) : (eg_tensor){0};
	in[4] = mask ? (eg_tensor){0} : eg_input(g, "bias", EG_F32, EG_DIMS(EG_N, 1, K));
	eg_output(g, "y", net_apply(g, "attention", "", in, mask ? 4 : 5));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = N, .train = true, .input_grads = true}, NULL);
	assert_non_null(plan);
	net_fill(plan, "q", N * L * D, 0, 1);
	net_fill(plan, "k", N * K * D, 0, 2);
	net_fill(plan, "v", N * K * E, 0, 3);
	for (int i = 0; i < N * L * E; i++) eg_plan_grad(plan, "y")[i] = (eg_real)net_random(2, (uint64_t)i);
	for (int i = 0; i < N * K; i++) {
		if (mask) ((int32_t *)eg_plan_input(plan, "mask"))[i] = hidden[i];
		else ((eg_real *)eg_plan_input(plan, "bias"))[i] = hidden[i] ? -(eg_real)INFINITY : 0;
		for (int c = 0; c < D && hidden[i] && spoilt; c++) ((eg_real *)eg_plan_input(plan, "k"))[i * D + c] = (eg_real)(c % 2 ? NAN : INFINITY);
		for (int c = 0; c < E && hidden[i] && spoilt; c++) ((eg_real *)eg_plan_input(plan, "v"))[i * E + c] = (eg_real)NAN;
	}
	for (int i = 2 * L * D; i < N * L * D && spoilt; i++) ((eg_real *)eg_plan_input(plan, "q"))[i] = (eg_real)NAN;
	eg_plan_run(plan, 0);
	memcpy(y, eg_plan_output(plan, "y"), N * L * E * sizeof *y);
	memcpy(dq, eg_plan_grad(plan, "q"), N * L * D * sizeof *dq);
	memcpy(dk, eg_plan_grad(plan, "k"), N * K * D * sizeof *dk);
	memcpy(dv, eg_plan_grad(plan, "v"), N * K * E * sizeof *dv);
	for (int i = 0; i < N * K; i++) {
		for (int c = 0; c < D && hidden[i]; c++) assert_true(dk[i * D + c] == 0);
		for (int c = 0; c < E && hidden[i]; c++) assert_true(dv[i * E + c] == 0);
		if (!mask && hidden[i]) assert_true(eg_plan_grad(plan, "bias")[i] == 0);
	}
	for (int i = 2 * L * E; i < N * L * E; i++) assert_true(y[i] == 0);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
}

static void test_hidden(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < 2 * n; i++) {
		static eg_real y[2][LARGEST], dq[2][200], dk[2][200], dv[2][200];
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2, .isa = isas[i / 2]}, NULL);
		for (int spoilt = 0; spoilt < 2; spoilt++) hidden_case(ctx, i % 2, spoilt, y[spoilt], dq[spoilt], dk[spoilt], dv[spoilt]);
		assert_close(y[1], y[0], N * 4 * 5);
		assert_close(dq[1], dq[0], N * 4 * 7);
		assert_close(dk[1], dk[0], N * 6 * 7);
		assert_close(dv[1], dv[0], N * 6 * 5);
		eg_context_free(ctx);
	}
}

/* Changes all of x from step `from` of sample k on; returns the first step of y, of sample k or of another, that
 * changes, T: none. */
static int first_change(net *n, int from, int k, bool others) {
	eg_real before[LARGEST], *x = eg_plan_input(n->plan, "x");
	eg_plan_run(n->plan, 0);
	const eg_real *y = eg_plan_output(n->plan, "y");
	memcpy(before, y, sizeof before);
	for (int t = from; t < T; t++)
		for (int c = 0; c < C; c++) x[(t * N + k) * C + c] += (eg_real)0.5;
	eg_plan_run(n->plan, 0);
	for (int t = 0; t < T; t++)
		for (int s = 0; s < N; s++)
			for (int c = 0; c < C; c++)
				if ((s != k) == others && y[(t * N + s) * C + c] != before[(t * N + s) * C + c])
					return t;
	return T;
}

static void test_causal(void **state) {
	EG_UNUSED(state);
	for (int causal = 0; causal < 2; causal++)
		for (int from = 0; from < T; from++) {
			net n = net_new(causal ? "heads=4 causal=1" : "heads=4", SELF, false);
			assert_int_equal(first_change(&n, from, 1, true), T);
			net_free(&n);
			n = net_new(causal ? "heads=4 causal=1" : "heads=4", SELF, false);
			assert_int_equal(first_change(&n, from, 1, false), causal ? from : 0);
			net_free(&n);
		}
}

/* Steps beyond a length change nothing, and get nothing. */
static void test_lengths(void **state) {
	EG_UNUSED(state);
	for (int length = 0; length <= T; length++) {
		net n = net_new("heads=2", SELF_NAMED, true);
		int32_t *lengths = eg_plan_input(n.plan, "lengths");
		lengths[0] = T, lengths[1] = length, lengths[2] = 1;
		assert_int_equal(first_change(&n, length, 1, false), T);
		const eg_real *y = eg_plan_output(n.plan, "y");
		for (int i = length * C; i < T * C; i++) assert_true(y[(i / C * N + 1) * C + i % C] == 0);
		net_free(&n);
	}
}

/* Heads that share keys and values are heads that have the same ones. */
static void test_shared_heads(void **state) {
	EG_UNUSED(state);
	enum { HEADS = 4, SHARED = 2, D = C / HEADS, GROUP = HEADS / SHARED };
	net few = net_new("heads=4 kv_heads=2", SELF, false), all = net_new("heads=4", SELF, false);
	const int own = C + 2 * SHARED * D;
	for (int i = 0; i < 2; i++) { /* weight (rows,C) and bias (rows) */
		const int n = i ? 1 : C;
		const eg_real *from = eg_params_data(few.params, i);
		eg_real *to = eg_params_data(all.params, i);
		assert_int_equal(eg_params_dims(few.params, i).d[0], own);
		for (int row = 0; row < 3 * C; row++) {
			const int part = row / C, head = row % C / D;
			const int at = part == 0 ? row : C + (part - 1) * SHARED * D + head / GROUP * D + row % D;
			memcpy(to + row * n, from + at * n, (size_t)n * sizeof *to);
		}
	}
	for (int i = 2; i < 4; i++) {
		const eg_dims d = eg_params_dims(all.params, i);
		memcpy(eg_params_data(all.params, i), eg_params_data(few.params, i), (size_t)eg_dims_count(&d, 0) * sizeof(eg_real));
	}
	eg_params_changed(all.params);
	eg_plan_run(few.plan, 0);
	eg_plan_run(all.plan, 0);
	assert_close(eg_plan_output(few.plan, "y"), eg_plan_output(all.plan, "y"), LARGEST);
	assert_close(eg_plan_grad(few.plan, "x"), eg_plan_grad(all.plan, "x"), LARGEST);
	net_free(&few);
	net_free(&all);
}

/* Lengths of a source, a mask of its keys, and a bias of -infinity hide the same, whatever lies there. */
static void test_masks(void **state) {
	EG_UNUSED(state);
	static const int32_t lengths[N] = {T, 2, 1};
	eg_real y[LARGEST], dx[LARGEST], dw[3 * C * C];
	for (int way = 0; way < 3; way++) {
		eg_context *ctx = eg_context_new(NULL, NULL);
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_tensor in[5] = {eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, C)), eg_input(g, "source", EG_F32, EG_DIMS(T, EG_N, C))};
		if (way == 0) in[2] = eg_input(g, "hides", EG_I32, EG_DIMS(EG_N));
		if (way == 1) in[3] = eg_input(g, "hides", EG_I32, EG_DIMS(EG_N, 1, T));
		if (way == 2) in[4] = eg_input(g, "hides", EG_F32, EG_DIMS(EG_N, 1, 1, T));
		eg_output(g, "y", net_apply(g, "multi_head_attention", "heads=2", in, way + 3));
		eg_params *p = eg_params_new(g, 3, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = N, .time = T, .train = true, .input_grads = true}, NULL);
		assert_non_null(plan);
		net_fill(plan, "x", LARGEST, 0, 1);
		net_fill(plan, "source", LARGEST, 0, 2);
		for (int i = 0; i < LARGEST; i++) eg_plan_grad(plan, "y")[i] = (eg_real)net_random(2, (uint64_t)i);
		if (way == 0) memcpy(eg_plan_input(plan, "hides"), lengths, sizeof lengths);
		for (int i = 0; i < N * T && way == 1; i++) ((int32_t *)eg_plan_input(plan, "hides"))[i] = i % T >= lengths[i / T];
		for (int i = 0; i < N * T && way == 2; i++) ((eg_real *)eg_plan_input(plan, "hides"))[i] = i % T >= lengths[i / T] ? -(eg_real)INFINITY : 0;
		eg_plan_run(plan, 0);
		if (way > 0) {
			assert_close(eg_plan_output(plan, "y"), y, LARGEST);
			assert_close(eg_plan_grad(plan, "source"), dx, LARGEST);
			assert_close(eg_params_grad(p, 0), dw, 3 * C * C);
		}
		memcpy(y, eg_plan_output(plan, "y"), sizeof y);
		memcpy(dx, eg_plan_grad(plan, "source"), sizeof dx);
		memcpy(dw, eg_params_grad(p, 0), sizeof dw);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

/* ---- embedding --------------------------------------------------------------------------------------------------- */

static void test_strange_ids(void **state) {
	EG_UNUSED(state);
	static const int32_t ids[6] = {0, 4, -1, 5, INT32_MIN, INT32_MAX};
	eg_context *ctx = eg_context_new(NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "ids", EG_I32, EG_DIMS(EG_N));
	eg_output(g, "y", net_layer(g, "embedding", "size=3 count=5 padding_idx=-1", x));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 6, .train = true}, NULL);
	assert_non_null(plan);
	memcpy(eg_plan_input(plan, "ids"), ids, sizeof ids);
	for (int i = 0; i < 18; i++) eg_plan_grad(plan, "y")[i] = 1;
	eg_plan_run(plan, 0);
	const eg_real *y = eg_plan_output(plan, "y"), *w = eg_params_data(p, 0), *dw = eg_params_grad(p, 0);
	/* -1: nothing */
	for (int i = 0; i < 18; i++) assert_true(i < 6 ? y[i] == w[i < 3 ? i : 9 + i] : i < 9 ? y[i] == 0 : isnan(y[i]));
	for (int i = 0; i < 15; i++) assert_true(dw[i] == (i < 3 ? 1 : 0)); /* row 4 is padding */
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* Shapes of up to four inputs; those of rank 1 are integers. */
typedef struct refusal {
	const char *op, *attrs, *part;
	int n;
	eg_dims in[4];
} refusal;

#define D(...) \
	{ \
		(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), { __VA_ARGS__ } \
	}

static void test_messages(void **state) {
	EG_UNUSED(state);
	static const refusal cases[] = {
	        {"multi_head_attention", "heads=3", "the 8 features of x (T,N,8) cannot be cut into 3", 1,
	                {D(EG_T, EG_N, 8)}},
	        {"multi_head_attention", "heads=2", "x (N,T,8) is no sequence", 1, {D(EG_N, EG_T, 8)}},
	        {"multi_head_attention", "heads=2", "source is (T,N,6) and x (T,N,8)", 2,
	                {D(EG_T, EG_N, 8), D(EG_T, EG_N, 6)}},
	        {"multi_head_attention", "heads=2", "lengths is (T)", 3, {D(EG_T, EG_N, 8), D(EG_T, EG_N, 8), D(EG_T)}},
	        {"multi_head_attention", "heads=2", "mask holds floating-point", 4,
	                {D(EG_T, EG_N, 8), D(6, EG_N, 8), D(EG_N), D(EG_T, 4, 2)}},
	        {"attention", "", "q is (N,4,8), k is (N,5,7)", 3, {D(EG_N, 4, 8), D(EG_N, 5, 7), D(EG_N, 5, 2)}},
	        {"attention", "", "mask holds floating-point", 4,
	                {D(EG_N, 4, 8), D(EG_N, 5, 8), D(EG_N, 5, 2), D(EG_N, 1, 5)}},
	        {"attention", "", "mask is (5), it must be (N,4,5)", 4,
	                {D(EG_N, 4, 8), D(EG_N, 5, 8), D(EG_N, 5, 2), D(5)}},
	        {"last", "", "x (N,T,8) is no sequence", 1, {D(EG_N, EG_T, 8)}},
	        {"last", "", "x (T,N) is no sequence", 1, {D(EG_T, EG_N)}},
	        {"sequence_mask", "", "lengths is (7), the samples of x (T,N,2) need (N)", 2, {D(EG_T, EG_N, 2), D(7)}},
	        {"reverse_sequence", "", "lengths holds floating-point", 2, {D(EG_T, EG_N, 2), D(EG_N, 2)}},
	        {"mse", "", "x is (N,3) and target (N,4)", 2, {D(EG_N, 3), D(EG_N, 4)}},
	        {"embedding", "size=3 count=5", "ids holds floating-point", 1, {D(EG_N, 4)}},
	        {"embedding", "size=3 count=5 padding_idx=5", "padding_idx is 5, with 5 ids it may be -5 to 4", 1,
	                {D(EG_N)}},
	        {"embedding", "size=3", "attribute 'count' is needed", 1, {D(EG_N)}},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_context *ctx = eg_context_new(NULL, NULL);
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_tensor in[4];
		char name[8];
		for (int k = 0; k < cases[i].n; k++) {
			snprintf(name, sizeof name, "in%d", k);
			in[k] = eg_input(g, name, cases[i].in[k].rank == 1 ? EG_I32 : EG_F32, cases[i].in[k]);
		}
		eg_error err;
		assert_int_equal(net_apply(g, cases[i].op, cases[i].attrs, in, cases[i].n).id, 0);
		assert_int_not_equal(eg_graph_status(g, &err), EG_OK);
		assert_contains(err.message, cases[i].part);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sources),
	        cmocka_unit_test(test_one_tensor_three_times), cmocka_unit_test(test_hidden),
	        cmocka_unit_test(test_causal),
	        cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_shared_heads),
	        cmocka_unit_test(test_masks),
	        cmocka_unit_test(test_strange_ids),
	        cmocka_unit_test(test_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

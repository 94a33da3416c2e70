/* test_checkpoint.c - recurrent layers with checkpoints: the same numbers as without, from run to run with a carried
 * state too; and the memory that training takes, as the plan tells it and as the system counts it for a process of its
 * own.
 *
 * Not here: every variant of the layers with checkpoints (optest). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* wait4 */
#endif
#include "net.h"

#include "engram_ops.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* memory and time are those of the sanitizer */
#endif

enum { MB = 1000 * 1000 };

typedef struct net {
	eg_context *ctx;
	eg_graph *graph;
	eg_params *params;
} net;

/* An LSTM; what is looked at is "y", its outputs, or, last, its final state. */
static net net_make(int inputs, int hidden, int layers, bool last) {
	net n = {.ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL)};
	assert_non_null(n.ctx);
	n.graph = eg_graph_new(n.ctx, NULL);
	eg_tensor x = eg_input(n.graph, "x", EG_F32, EG_DIMS(EG_T, EG_N, inputs));
	eg_tensor y = eg_lstm(n.graph, x, .hidden = hidden, .layers = layers);
	eg_output(n.graph, "y", last ? eg_result(n.graph, y, 1) : y);
	n.params = eg_params_new(n.graph, 7, NULL);
	assert_non_null(n.params);
	return n;
}
static void net_free(net *n) {
	eg_params_free(n->params);
	eg_graph_free(n->graph);
	eg_context_free(n->ctx);
}

static eg_plan *plan_of(const net *n, eg_plan_options o) {
	eg_error err = {0};
	eg_plan *p = eg_plan_new(n->graph, n->params, &o, &err);
	if (!p) fail_msg("%s", err.message);
	return p;
}

/* Numbers in [-1, 1). */
static void fill(eg_real *x, int64_t n, uint64_t from) {
	for (int64_t i = 0; i < n; i++)
		x[i] = (eg_real)(2 * eg_rng_uniform((eg_rng){5, eg_stream(EG_RNG_TEST, 3, 0)}, from + (uint64_t)i) - 1);
}

/* One run of a plan on sequence number `piece`; the gradients of all weights, of x, and y, in one list. */
static size_t run_piece(const net *n, eg_plan *p, int64_t in, int64_t out, int piece, eg_real *results) {
	size_t weights;
	eg_real *grads = eg_params_flat_grad(n->params, &weights);
	fill(eg_plan_input(p, "x"), in, (uint64_t)piece * 1000);
	fill(eg_plan_grad(p, "y"), out, (uint64_t)piece * 1000 + 500000);
	eg_plan_run(p, (uint64_t)piece);
	memcpy(results, eg_plan_output(p, "y"), (size_t)out * sizeof(eg_real));
	memcpy(results + out, eg_plan_grad(p, "x"), (size_t)in * sizeof(eg_real));
	memcpy(results + out + in, grads, weights * sizeof(eg_real));
	return weights;
}

/* What is not a sum over time has the same bits; weight gradients are summed segment by segment. */
static void check_pieces(int layers, int T, int segment) {
	enum { N = 3, I = 5, H = 9, PIECES = 3 };
	net n = net_make(I, H, layers, false);
	eg_plan_options o = {.batch = N, .time = T, .train = true, .input_grads = true, .carry = true};
	eg_plan *whole = plan_of(&n, o);
	o.checkpoint_time = segment;
	eg_plan *cut = plan_of(&n, o);
	const int64_t in = (int64_t)T * N * I, out = (int64_t)T * N * H;
	size_t weights, states;
	eg_params_flat(n.params, &weights);
	const size_t bytes = ((size_t)in + (size_t)out + weights) * sizeof(eg_real);
	eg_real *want = malloc(bytes), *have = malloc(bytes);
	assert_true(want && have);
	for (int piece = 0; piece < PIECES; piece++) {
		run_piece(&n, whole, in, out, piece, want);
		run_piece(&n, cut, in, out, piece, have);
		assert_memory_equal(want, have, (size_t)(in + out) * sizeof(eg_real));
		for (size_t i = 0; i < weights; i++) {
			const double a = (double)want[(size_t)(in + out) + i], b = (double)have[(size_t)(in + out) + i];
			if (!(fabs(a - b) <= 1e-5 * (1 + fabs(a)))) fail_msg("weight gradient %zu: %g and %g", i, a, b);
		}
		const eg_real *left = eg_plan_state(whole, &states), *right = eg_plan_state(cut, &states);
		assert_memory_equal(left, right, states * sizeof(eg_real));
	}
	free(want);
	free(have);
	eg_plan_free(whole);
	eg_plan_free(cut);
	net_free(&n);
}

static void test_pieces(void **state) {
	EG_UNUSED(state);
	check_pieces(1, 7, 3);
	check_pieces(2, 8, 4);
	check_pieces(3, 11, -1);
	check_pieces(2, 5, 1);
	check_pieces(2, 5, 5); /* one segment: nothing is cut */
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

typedef struct sizes {
	int T, N, I, H, layers;
	bool last;
	int checkpoint;
} sizes;

/* Bytes of the weights, their gradients and the plan. */
static double told(const eg_memory *m) { return (double)(m->parameters + m->gradients + m->total); }

/* In a process of its own: one run of forward and backward. */
static void train_once(const sizes *s) {
	net n = net_make(s->I, s->H, s->layers, s->last);
	eg_plan *p = plan_of(&n, (eg_plan_options){
	                                 .batch = s->N, .time = s->T, .train = true, .checkpoint_time = s->checkpoint});
	const int64_t out = (int64_t)s->N * s->H * (s->last ? s->layers : s->T);
	size_t weights;
	eg_real *grads = eg_params_flat_grad(n.params, &weights);
	double sum = 0;
	fill(eg_plan_input(p, "x"), (int64_t)s->T * s->N * s->I, 1);
	fill(eg_plan_grad(p, "y"), out, 2);
	eg_plan_run(p, 0);
	for (size_t i = 0; i < weights; i++) sum += fabs((double)grads[i]);
	_exit(sum > 0 && isfinite(sum) ? 0 : 1);
}

static void check_memory(sizes s, double most) {
	most *= (double)sizeof(eg_real) / sizeof(float);
	net n = net_make(s.I, s.H, s.layers, s.last);
	eg_plan *p = plan_of(&n, (eg_plan_options){
	                                 .batch = s.N, .time = s.T, .train = true, .checkpoint_time = s.checkpoint});
	eg_memory m;
	eg_plan_memory(p, &m);
	eg_plan_free(p);
	net_free(&n);
	print_message("T %d N %d H %d layers %d checkpoint %d: %.1f MB by the plan", s.T, s.N, s.H, s.layers, s.checkpoint,
	        told(&m) / MB);
	if (!(told(&m) <= most)) fail_msg("%.1f MB are more than %.1f", told(&m) / MB, most / MB);
#if defined(SANITIZED) || defined(ENGRAM_DOUBLE)
	print_message("\n");
#else
	int status = 0;
	struct rusage use;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) train_once(&s);
	assert_int_equal(wait4(child, &status, 0, &use), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	const double peak = 1024.0 * (double)use.ru_maxrss; /* VmHWM */
	print_message(", %.1f MB at most in the process\n", peak / MB);
	if (!(peak <= most)) fail_msg("%.1f MB are more than %.1f", peak / MB, most / MB);
#endif
}

static void test_memory(void **state) {
	EG_UNUSED(state);
	check_memory((sizes){.T = 100, .N = 64, .I = 512, .H = 512, .layers = 2}, 300.0 * MB);
	check_memory((sizes){.T = 10000, .N = 16, .I = 4, .H = 256, .layers = 1, .last = true, .checkpoint = -1}, 300.0 * MB);
}

/* Without checkpoints, memory grows with the length; with them, about with its root. */
static void test_growth(void **state) {
	EG_UNUSED(state);
	double bytes[2][2];
	for (int cut = 0; cut < 2; cut++)
		for (int i = 0; i < 2; i++) {
			net n = net_make(1, 64, 3, true);
			eg_memory m;
			eg_plan *p = plan_of(&n, (eg_plan_options){.batch = 4,
			                                 .time = i ? 1600 : 400,
			                                 .train = true,
			                                 .checkpoint_time = cut ? -1 : 0});
			eg_plan_memory(p, &m);
			bytes[cut][i] = (double)m.activations;
			eg_plan_free(p);
			net_free(&n);
		}
	assert_true(bytes[0][1] > 3.8 * bytes[0][0]);
	assert_true(bytes[1][1] < 2.3 * bytes[1][0]);
	assert_true(bytes[1][1] < 0.1 * bytes[0][1]);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pieces), cmocka_unit_test(test_growth), cmocka_unit_test(test_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

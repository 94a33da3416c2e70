/* test_chain.c - chains of element-wise operators: one step, block by block or chunk by chunk, and the numbers of the
 * formula, whatever is read in between.
 *
 * What each operator computes: optest, test_kern_families. */
#include "net.h"
#include "engram_ops.h"

#include <string.h>

enum { F = 3, ROWS = 4999, ALL = F * ROWS }; /* some chunks and a part of one; some blocks and a part of one */

static const char *const names[] = {"a", "b", "c", "d", "e"};

typedef struct chain {
	eg_context *ctx;
	eg_graph *g;
	eg_params *params;
	eg_plan *plan;
} chain;

static double number(int i, int k) { return (double)((k * (7 + i) + 3 * i) % 41) / 8 - 2; }

/* y = relu(max((a + b) c - d, e)); with `between` the sum of what is in the middle is asked for too. */
static chain chain_new(eg_dims d, int batch, int threads, bool train, bool between) {
	eg_error err = {0};
	chain c = {.ctx = eg_context_new(&(eg_context_options){.threads = threads}, &err)};
	assert_non_null(c.ctx);
	c.g = eg_graph_new(c.ctx, &err);
	assert_non_null(c.g);
	eg_tensor x[5], h;
	for (int i = 0; i < 5; i++) x[i] = eg_input(c.g, names[i], EG_F32, d);
	h = eg_mul(c.g, eg_add(c.g, x[0], x[1]), x[2]);
	if (between) eg_output(c.g, "sum", eg_reduce_sum(c.g, h));
	eg_output(c.g, "y", eg_relu(c.g, eg_max(c.g, eg_sub(c.g, h, x[3]), x[4])));
	c.params = eg_params_new(c.g, 1, &err);
	assert_non_null(c.params);
	c.plan = eg_plan_new(c.g, c.params, &(eg_plan_options){.batch = batch, .train = train, .input_grads = train}, &err);
	if (!c.plan) fail_msg("%s", err.message);
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < ALL; k++) ((real *)eg_plan_input(c.plan, names[i]))[k] = (real)number(i, k);
	for (int k = 0; k < ALL && train; k++) ((real *)eg_plan_grad(c.plan, "y"))[k] = (real)number(5, k);
	if (train && between) *(real *)eg_plan_grad(c.plan, "sum") = 0;
	eg_plan_run(c.plan, 1);
	return c;
}

static void chain_free(chain *c) {
	eg_plan_free(c->plan);
	eg_params_free(c->params);
	eg_graph_free(c->g);
	eg_context_free(c->ctx);
}

static void check_numbers(const chain *c, bool train) {
	const real *y = eg_plan_output(c->plan, "y"), *da = train ? eg_plan_grad(c->plan, "a") : NULL, *dc = train ? eg_plan_grad(c->plan, "c") : NULL;
	for (int k = 0; k < ALL; k++) {
		double sum = number(0, k) + number(1, k), h = sum * number(2, k) - number(3, k), e = number(4, k), most = fmax(h, e);
		double d = most > 0 ? number(5, k) * (h > e ? 1 : h < e ? 0 : 0.5) : 0;
		net_near((double)y[k], fmax(most, 0), 1e-6);
		if (train) net_near((double)da[k], d * number(2, k), 1e-6);
		if (train) net_near((double)dc[k], d * sum, 1e-6);
	}
}

static int steps(const char *text, const char *kind) {
	int n = 0;
	for (const char *p = text; (p = strstr(p, kind)); p++) n++;
	return n;
}

static void test_one_step(void **state) {
	EG_UNUSED(state);
	for (int way = 0; way < 8; way++) {
		const bool batched = way & 1, train = way & 2;
		chain c = chain_new(batched ? EG_DIMS(EG_N, F) : EG_DIMS(ROWS, F), batched ? ROWS : 1, 1 + way / 4, train, false);
		check_numbers(&c, train);
		const char *text = eg_plan_describe(c.plan);
		assert_int_equal(steps(text, "step "), 1);
		assert_int_equal(steps(text, batched ? "block by block" : "chunk by chunk"), 1);
		eg_error err;
		assert_int_equal(eg_plan_diagnose(c.plan, 1, &err), EG_OK);
		((real *)eg_plan_input(c.plan, "c"))[ALL - 1] = (real)INFINITY;
		assert_int_equal(eg_plan_diagnose(c.plan, 1, &err), EG_ERR_NUMERIC);
		chain_free(&c);
	}
}

/* What needs all of a value stands between two chains, or behind them. */
static void test_read_between(void **state) {
	EG_UNUSED(state);
	for (int way = 0; way < 4; way++) {
		chain c = chain_new(EG_DIMS(ROWS, F), 1, 1 + way % 2, way / 2, true);
		double sum = 0;
		for (int k = 0; k < ALL; k++) sum += (number(0, k) + number(1, k)) * number(2, k);
		net_near((double)*(const real *)eg_plan_output(c.plan, "sum"), sum, 1e-5 * fabs(sum) + 1e-2);
		check_numbers(&c, way / 2);
		chain_free(&c);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_step),
		cmocka_unit_test(test_read_between),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

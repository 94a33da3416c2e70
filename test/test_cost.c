/* test_cost.c - what a plan takes, told without taking it: memory and multiply-adds measured, and limited;
 * parameters that are only looked at, and gradients that have no memory before somebody needs them. */
#include "net.h"

#include "core/plan.h"
#include "engram_ops.h"

enum { SMALL = 64 * 1024 }; /* what tables may take */

typedef struct bed {
	meter m;
	eg_context *ctx;
	eg_graph *g;
} bed;

static void begin(bed *b, double limit) {
	eg_allocator a = {meter_alloc, meter_release, &b->m};
	b->m = (meter){.left = -1};
	b->ctx = eg_context_new(
	        &(eg_context_options){.threads = 1, .isa = "ref", .allocator = &a, .limit_macs = limit}, NULL);
	assert_non_null(b->ctx);
	b->g = eg_graph_new(b->ctx, NULL);
	assert_non_null(b->g);
}

static void end(bed *b) {
	eg_graph_free(b->g);
	eg_context_free(b->ctx);
	assert_int_equal(b->m.live, 0);
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static void same_as_the_plan(bed *b, eg_params *p, eg_plan_options o) {
	eg_cost cost, real_cost;
	eg_error err = {0};
	size_t before = b->m.bytes;
	b->m.largest = 0;
	if (eg_plan_measure(b->g, &o, &cost, &err)) fail_msg("%s", err.message);
	assert_int_equal(b->m.bytes, before);
	assert_true(b->m.largest < SMALL);
	eg_plan *plan = eg_plan_new(b->g, p, &o, &err);
	if (!plan) fail_msg("%s", err.message);
	eg_plan_cost(plan, &real_cost);
	assert_memory_equal(&cost.memory, &real_cost.memory, sizeof cost.memory);
	assert_true(cost.macs == real_cost.macs && cost.macs > 0);
	eg_plan_free(plan);
}

/* To the byte, of every kind of layer, with each layout, for training and for use. */
static void told_without_being_taken(void **state) {
	bed b;
	(void)state;
	begin(&b, 0);
	net_small(b.g, true);
	eg_params *p = eg_params_new(b.g, 1, NULL);
	assert_non_null(p);
	for (int train = 0; train < 2; train++)
		for (int batch = 1; batch < 40; batch += 19)
			for (int layout = 0; layout < EG_LAYOUT_CHOICES; layout++)
				same_as_the_plan(&b, p,
				        (eg_plan_options){
				                .batch = batch, .train = train, .layout = (eg_layout_choice)layout});
	eg_params_free(p);
	end(&b);
}

/* A network of many gigabytes, on any machine. */
static void too_large_for_this_machine(void **state) {
	bed b;
	eg_cost cost;
	eg_error err = {0};
	(void)state;
	begin(&b, 0);
	eg_tensor x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_N, 30000));
	x = eg_relu(b.g, eg_linear(b.g, x, .units = 60000, .no_bias = true));
	eg_output(b.g, "y", eg_linear(b.g, x, .units = 30000, .no_bias = true));
	size_t before = b.m.bytes;
	if (eg_plan_measure(b.g, &(eg_plan_options){.batch = 8192, .train = true}, &cost, &err))
		fail_msg("%s", err.message);
	assert_true(b.m.bytes == before && b.m.largest < SMALL);
	assert_true(cost.memory.parameters == (size_t)3600000000u * sizeof(eg_real) &&
	            cost.memory.gradients == cost.memory.parameters);
	assert_true(cost.memory.activations > (size_t)8192 * 60000 * sizeof(eg_real));
	/* Forward once, and the gradients of both weights and of the inner input: at least 2 more. */
	assert_true(cost.macs >= 2.5 * 8192 * 3.6e9 && cost.macs < 3.1 * 8192 * 3.6e9);
	/* What is wrong is told as by eg_plan_new, and nothing is left over; without memory too. */
	assert_int_equal(eg_plan_measure(b.g, &(eg_plan_options){.batch = 100000}, &cost, &err), EG_ERR_SHAPE);
	assert_contains(err.message, "try a smaller batch");
	assert_true(cost.macs == 0 && cost.memory.total == 0);
	assert_int_equal(eg_plan_measure(b.g, &(eg_plan_options){0}, &cost, &err), EG_ERR_ARG);
	for (long n = 0;; n++) {
		b.m.left = n;
		eg_status status = eg_plan_measure(b.g, &(eg_plan_options){.batch = 2}, &cost, &err);
		b.m.left = -1;
		assert_int_equal(b.m.bytes, before);
		if (status == EG_OK) break;
		assert_int_equal(status, EG_ERR_MEMORY);
	}
	end(&b);
}

/* ---- multiply-adds ----------------------------------------------------------------------------------------------- */

static double macs_of(bed *b, eg_plan_options o) {
	eg_cost cost;
	eg_error err = {0};
	if (eg_plan_measure(b->g, &o, &cost, &err)) fail_msg("%s", err.message);
	return cost.macs;
}

/* As the field counts them, of all samples and steps, and little beside. */
static void counted(void **state) {
	bed b;
	(void)state;
	begin(&b, 0);
	eg_tensor x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_N, 3, 10, 10));
	eg_output(b.g, "y", eg_conv2d(b.g, x, .filters = 7, .kernel = {3, 3}));
	const double conv = 7 * 8 * 8 * 27;
	assert_true(macs_of(&b, (eg_plan_options){.batch = 1}) >= conv);
	net_near(macs_of(&b, (eg_plan_options){.batch = 33}) / 33 / conv, 1, 0.1);
	end(&b);

	begin(&b, 0);
	x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 24));
	eg_output(b.g, "y", eg_lstm(b.g, x, .hidden = 40));
	net_near(macs_of(&b, (eg_plan_options){.batch = 5, .time = 9}) / (5 * 9 * 4 * 40 * (24 + 40)), 1, 0.1);
	end(&b);

	/* Every step as a sample. */
	begin(&b, 0);
	x = eg_fold_time(b.g, eg_input(b.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 50)));
	eg_output(b.g, "y", eg_unfold_time(b.g, eg_linear(b.g, x, .units = 60)));
	net_near(macs_of(&b, (eg_plan_options){.batch = 3, .time = 7}) / (3 * 7 * 50 * 60), 1, 0.1);
	end(&b);
}

/* What has no weights is not for nothing: attention grows with the square of the steps, pooling with its window. */
static void uncounted_work(void **state) {
	bed b;
	(void)state;
	begin(&b, 0);
	eg_tensor x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 8));
	eg_output(b.g, "y", eg_multi_head_attention(b.g, x, .heads = 2));
	const double once = macs_of(&b, (eg_plan_options){.batch = 1, .time = 500}),
	             twice = macs_of(&b, (eg_plan_options){.batch = 1, .time = 1000});
	if (!(once >= 500.0 * 500 * 8 && twice / once > 3.9)) fail_msg("%g, then %g", once, twice);
	end(&b);

	begin(&b, 0);
	x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_N, 1, 200, 200));
	eg_output(b.g, "y", eg_maxpool2d(b.g, x, .kernel = {100, 100}, .stride = {1, 1}));
	assert_true(macs_of(&b, (eg_plan_options){.batch = 1}) >= 101.0 * 101 * 100 * 100 / 2);
	end(&b);
}

static void limited(void **state) {
	bed b;
	eg_error err = {0};
	(void)state;
	begin(&b, 100e3);
	eg_tensor x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 100));
	eg_output(b.g, "y", eg_rnn(b.g, x, .hidden = 100)); /* 20 000 a step */
	eg_params *p = eg_params_new(b.g, 1, NULL);
	assert_non_null(p);
	size_t before = b.m.bytes;

	/* Of one sample, however many there are, but of all its steps. */
	eg_plan *plan = eg_plan_new(b.g, p, &(eg_plan_options){.batch = 50, .time = 4}, &err);
	if (!plan) fail_msg("%s", err.message);
	eg_plan_free(plan);
	assert_null(eg_plan_new(b.g, p, &(eg_plan_options){.batch = 50, .time = 40}, &err));
	assert_int_equal(err.status, EG_ERR_ARG);
	assert_contains(err.message, "for one sample of 40 steps");
	assert_contains(err.message, "100 k are allowed");
	/* What goes on for ever is judged by its step. */
	plan = eg_plan_new(b.g, p, &(eg_plan_options){.batch = 2, .time = 40, .carry = true}, &err);
	if (!plan) fail_msg("%s", err.message);
	eg_plan_free(plan);
	assert_int_equal(b.m.bytes, before);
	/* To be told is always allowed. */
	assert_true(macs_of(&b, (eg_plan_options){.batch = 1, .time = 40}) >= 800e3);
	eg_params_free(p);
	end(&b);
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

static void bare(void **state) {
	bed b;
	eg_error err = {0};
	size_t n;
	(void)state;
	begin(&b, 0);
	eg_tensor x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_N, 5000));
	eg_output(b.g, "y", eg_linear(b.g, x, .units = 4000, .name = "one"));
	b.m.largest = 0;
	eg_params *p = eg_params_new_bare(b.g, &err);
	assert_non_null(p);
	assert_true(b.m.largest < SMALL);
	assert_int_equal(eg_params_count(p), 2);
	assert_string_equal(eg_params_name(p, 0), "one.weight");
	assert_int_equal(eg_params_dims(p, 0).d[1], 5000);
	assert_null(eg_params_data(p, 0));
	assert_null(eg_params_flat(p, &n));
	assert_int_equal(n, 4000 * 5000 + 4000);
	assert_null(eg_plan_new(b.g, p, &(eg_plan_options){.batch = 1}, &err));
	assert_contains(err.message, "eg_params_allocate");
	b.m.left = 0;
	assert_int_equal(eg_params_allocate(p, &err), EG_ERR_MEMORY);
	b.m.left = 1;
	assert_int_equal(eg_params_allocate(p, &err), EG_ERR_MEMORY);
	assert_null(eg_params_data(p, 0));
	b.m.left = -1;
	assert_int_equal(eg_params_allocate(p, &err), EG_OK);
	eg_params_data(p, 1)[0] = 7;
	assert_int_equal(eg_params_allocate(p, &err), EG_OK);
	assert_true(eg_params_data(p, 1)[0] == 7 && eg_params_data(p, 0)[0] == 0);
	eg_params_free(p);
	end(&b);
}

/* Weights of 80 MB: who only predicts never asks for as much again. */
static void gradients_when_needed(void **state) {
	bed b;
	eg_error err = {0};
	enum { N = 5000 * 4000 };
	(void)state;
	begin(&b, 0);
	eg_tensor x = eg_input(b.g, "x", EG_F32, EG_DIMS(EG_N, 5000));
	eg_output(b.g, "y", eg_linear(b.g, x, .units = 4000, .no_bias = true));
	eg_params *p = eg_params_new_zero(b.g, &err);
	assert_non_null(p);
	const size_t weights = b.m.bytes;
	assert_true(weights < N * sizeof(eg_real) + (4u << 20));
	eg_plan *plan = eg_plan_new(b.g, p, &(eg_plan_options){.batch = 1}, &err);
	assert_non_null(plan);
	eg_cost cost;
	eg_plan_cost(plan, &cost);
	assert_int_equal(cost.memory.gradients, 0);
	assert_true(b.m.bytes <= weights + cost.memory.total + (8u << 20));
	eg_plan_run(plan, 0);
	eg_plan_free(plan);
	assert_int_equal(b.m.bytes, weights);

	/* Without memory: a status, or NULL, and another try. */
	size_t n = 0;
	b.m.left = 0;
	assert_null(eg_params_grad(p, 0));
	assert_null(eg_params_flat_grad(p, &n));
	assert_int_equal(n, N);
	assert_null(eg_plan_new(b.g, p, &(eg_plan_options){.batch = 1, .train = true}, &err));
	assert_int_equal(err.status, EG_ERR_MEMORY);
	assert_contains(err.message, "gradients");
	assert_null(eg_optimizer_new(p, NULL, &err));
	assert_int_equal(err.status, EG_ERR_MEMORY);
	b.m.left = -1;
	assert_int_equal(b.m.bytes, weights);
	eg_real *g = eg_params_flat_grad(p, &n);
	assert_non_null(g);
	for (size_t i = 0; i < n; i++) assert_true(g[i] == 0);
	assert_ptr_equal(g, eg_params_grad(p, 0));
	eg_params_free(p);
	end(&b);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(told_without_being_taken),
	        cmocka_unit_test(too_large_for_this_machine),
	        cmocka_unit_test(counted),
	        cmocka_unit_test(uncounted_work),
	        cmocka_unit_test(limited),
	        cmocka_unit_test(bare),
	        cmocka_unit_test(gradients_when_needed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

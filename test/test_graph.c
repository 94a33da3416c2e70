/* test_graph.c - tests of src/core: what building a graph refuses and says, plans of all sizes and kinds, memory to
 * the byte, every allocation failing once, NaN being found. Operators have a tester of their own (optest.c). */
#include "net.h"
#include "support_plans.h"

#include "core/plan.h"
#include "engram_ops.h"

#include <pthread.h>

static eg_context *context(int threads, const char *isa, meter *m) {
	eg_allocator a = {meter_alloc, meter_release, m};
	return eg_context_new(&(eg_context_options){.threads = threads, .isa = isa, .allocator = m ? &a : NULL}, NULL);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static eg_tensor pictures(eg_graph *g) { return eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, 8, 8)); }

static void no_filters(eg_graph *g) { net_layer(g, "conv2d", "kernel=3", pictures(g)); }
static void negative_groups(eg_graph *g) { net_layer(g, "conv2d", "filters=4 kernel=3 groups=-2", pictures(g)); }
static void odd_groups(eg_graph *g) { net_layer(g, "conv2d", "filters=4 kernel=3 groups=2", pictures(g)); }
static void large_kernel(eg_graph *g) { net_layer(g, "maxpool2d", "kernel=9 name=shrink", pictures(g)); }
static void bad_rate(eg_graph *g) { net_layer(g, "dropout", "rate=1.5", pictures(g)); }
static void unknown_op(eg_graph *g) { eg_apply(g, "convolve", NULL, (eg_tensor[]){pictures(g)}, 1); }
static void flat_pool(eg_graph *g) { net_layer(g, "maxpool2d", "kernel=2", net_layer(g, "flatten", "", pictures(g))); }
static void two_inputs(eg_graph *g) { net_apply(g, "relu", "", (eg_tensor[]){pictures(g), pictures(g)}, 2); }
static void too_many(eg_graph *g) { net_apply(g, "relu", "", (eg_tensor[]){pictures(g), {1}}, 2); }
static void no_input(eg_graph *g) { net_apply(g, "relu", "", NULL, 0); }
static void foreign(eg_graph *g) { net_layer(g, "relu", "", (eg_tensor){99}); }
static void negative_id(eg_graph *g) { net_layer(g, "relu", "", (eg_tensor){-1}); }
static void integers(eg_graph *g) { net_layer(g, "relu", "", eg_input(g, "i", EG_I32, EG_DIMS(EG_N))); }
static void named_twice(eg_graph *g) {
	eg_tensor x = pictures(g);
	net_layer(g, "tanh", "name=act", net_layer(g, "relu", "name=act", x));
}
static void named_as_input(eg_graph *g) { net_layer(g, "relu", "name=x", pictures(g)); }
static void input_named_as_layer(eg_graph *g) {
	net_layer(g, "relu", "name=y", pictures(g));
	eg_input(g, "y", EG_F32, EG_DIMS(EG_N));
}
static void output_twice(eg_graph *g) {
	eg_tensor x = pictures(g);
	eg_output(g, "y", net_layer(g, "relu", "", x));
	eg_output(g, "y", net_layer(g, "tanh", "", x));
}
static void no_output(eg_graph *g) { eg_output(g, "y", (eg_tensor){0}); }
static void nameless_output(eg_graph *g) { eg_output(g, "", pictures(g)); }
static void nameless_input(eg_graph *g) { eg_input(g, NULL, EG_F32, EG_DIMS(1)); }
static void zero_dim(eg_graph *g) { eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 0)); }
static void batch_twice(eg_graph *g) { eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, EG_N)); }
static void too_deep(eg_graph *g) { eg_input(g, "x", EG_F32, (eg_dims){.rank = 9}); }
static void too_large(eg_graph *g) { eg_input(g, "x", EG_F32, EG_DIMS(1 << 30, 1 << 30)); }
static void long_labels(eg_graph *g) {
	eg_tensor x = net_layer(g, "linear", "units=4", net_layer(g, "flatten", "", pictures(g)));
	net_loss(g, "name=ce", x, eg_input(g, "t", EG_I32, EG_DIMS(EG_N, 2)));
}
static void real_labels(eg_graph *g) {
	eg_tensor x = net_layer(g, "linear", "units=4", net_layer(g, "flatten", "", pictures(g)));
	net_loss(g, "", x, eg_input(g, "t", EG_F32, EG_DIMS(EG_N)));
}
static void zero_filters(eg_graph *g) { net_layer(g, "conv2d", "filters=0 kernel=3", pictures(g)); }
static void zero_stride(eg_graph *g) { net_layer(g, "maxpool2d", "kernel=2 stride=0", pictures(g)); }
static void zero_eps(eg_graph *g) { net_layer(g, "batchnorm", "eps=0", pictures(g)); }
static void softmax_of_batch(eg_graph *g) { net_layer(g, "softmax", "axis=0", pictures(g)); }
static void flatten_batch(eg_graph *g) { net_layer(g, "flatten", "axis=0", pictures(g)); }
static void classes_of_batch(eg_graph *g) {
	net_loss(g, "axis=0", net_layer(g, "flatten", "", pictures(g)), eg_input(g, "t", EG_I32, EG_DIMS(EG_N)));
}
static void unequal_sum(eg_graph *g) {
	net_apply(g, "add", "", (eg_tensor[]){pictures(g), eg_input(g, "b", EG_F32, EG_DIMS(EG_N, 3, 8, 7))}, 2);
}

static void test_refusals(void **state) {
	EG_UNUSED(state);
	static const struct {
		void (*build)(eg_graph *g);
		eg_status status;
		const char *parts[4];
	} cases[] = {
	        {no_filters, EG_ERR_ARG, {"conv2d 'conv1'", "'filters' is needed"}},
	        {negative_groups, EG_ERR_ARG, {"conv2d 'conv1'", "'groups' is -2", "1 to"}},
	        {odd_groups, EG_ERR_SHAPE, {"conv2d 'conv1'", "(N,3,8,8)", "2 equal groups"}},
	        {large_kernel, EG_ERR_SHAPE, {"maxpool2d 'shrink'", "9x9", "(N,3,8,8)"}},
	        {bad_rate, EG_ERR_ARG, {"dropout 'dropout1'", "'rate'", "1.5"}},
	        {unknown_op, EG_ERR_ARG, {"no operator 'convolve'"}},
	        {flat_pool, EG_ERR_SHAPE, {"maxpool2d 'maxpool1'", "(N,192)", "flatten"}},
	        {two_inputs, EG_ERR_ARG, {"input 'x'", "already used"}},
	        {too_many, EG_ERR_ARG, {"relu 'relu1'", "2 inputs given, 1"}},
	        {no_input, EG_ERR_ARG, {"relu 'relu1'", "0 inputs given"}},
	        {foreign, EG_ERR_ARG, {"relu 'relu1'", "input 'x'"}},
	        {negative_id, EG_ERR_ARG, {"relu 'relu1'", "input 'x'"}},
	        {integers, EG_ERR_ARG, {"relu 'relu1'", "integers"}},
	        {named_twice, EG_ERR_ARG, {"tanh 'act'", "already used"}},
	        {named_as_input, EG_ERR_ARG, {"relu 'x'", "already used"}},
	        {input_named_as_layer, EG_ERR_ARG, {"input 'y'", "already used"}},
	        {output_twice, EG_ERR_ARG, {"output 'y'", "twice"}},
	        {no_output, EG_ERR_ARG, {"output 'y'", "not a tensor"}},
	        {nameless_output, EG_ERR_ARG, {"needs a name"}},
	        {nameless_input, EG_ERR_ARG, {"needs a name"}},
	        {zero_dim, EG_ERR_SHAPE, {"input 'x'", "(N,0)"}},
	        {batch_twice, EG_ERR_SHAPE, {"input 'x'", "(N,3,N)", "each once"}},
	        {too_deep, EG_ERR_SHAPE, {"input 'x'", "at most 8"}},
	        {too_large, EG_ERR_SHAPE, {"input 'x'", "1073741824"}},
	        {long_labels, EG_ERR_SHAPE, {"cross_entropy 'ce'", "(N,2)", "(N,4)", "(N)"}},
	        {real_labels, EG_ERR_ARG, {"cross_entropy", "EG_I32"}},
	        {zero_filters, EG_ERR_ARG, {"'filters' is 0", "1 to"}},
	        {zero_stride, EG_ERR_ARG, {"'stride' is 0", "1 to"}},
	        {zero_eps, EG_ERR_ARG, {"'eps' is 0", "1e-12 to 1"}},
	        {softmax_of_batch, EG_ERR_SHAPE, {"axis 0", "(N,3,8,8)", "batch"}},
	        {flatten_batch, EG_ERR_SHAPE, {"axis 0", "(N,3,8,8)", "later axis"}},
	        {classes_of_batch, EG_ERR_ARG, {"axis 0", "(N,192)", "dimension 1"}},
	        {unequal_sum, EG_ERR_SHAPE, {"add 'add1'", "(N,3,8,8)", "(N,3,8,7)"}},
	};
	eg_context *ctx = context(1, NULL, NULL);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_error err, again;
		eg_graph *g = eg_graph_new(ctx, &err);
		cases[i].build(g);
		if (eg_graph_status(g, &err) != cases[i].status)
			fail_msg("case %d: status is %s: %s", i, eg_status_name(err.status), err.message);
		for (int k = 0; k < 4 && cases[i].parts[k]; k++) assert_contains(err.message, cases[i].parts[k]);
		/* sticky: nothing works any more, and the first message stays */
		eg_tensor t = eg_input(g, "later", EG_F32, EG_DIMS(1));
		assert_int_equal(t.id, 0);
		assert_int_equal(net_layer(g, "relu", "", (eg_tensor){1}).id, 0);
		eg_output(g, "o", (eg_tensor){1});
		assert_null(eg_params_new(g, 1, &again));
		assert_string_equal(again.message, err.message);
		again.message[0] = '\0';
		assert_null(eg_plan_new(g, NULL, &(eg_plan_options){.batch = 1}, &again));
		assert_int_equal(again.status, err.status);
		assert_string_equal(again.message, err.message);
		assert_null(eg_plan_new(g, NULL, &(eg_plan_options){.batch = 1}, NULL)); /* who does not want to know */
		again.message[0] = '\0';
		eg_graph_status(g, &again);
		assert_string_equal(again.message, err.message);
		eg_graph_free(g);
	}
	eg_context_free(ctx);
}

/* What stands in a node's options when nothing is said of an attribute, and when 0 is. */
static void check_zero(eg_context *ctx, const char *op_name, const char *attrs, const char *attrs_zero, const char *attr, eg_dims a, eg_dims b,
	double without) {
	const eg_op_info *op = eg_op_find(op_name);
	const eg_attr *at = op->attrs;
	while (strcmp(at->name, attr) != 0) at++;
	for (int said = 0; said < 2; said++) {
		eg_error err;
		eg_node_info node;
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_tensor in[3];
		for (int i = 0; i < op->min_inputs; i++) {
			char name[2] = {(char)('a' + i), '\0'};
			in[i] = eg_input(g, name, op->types && (op->types[i] == 'i' || (i && op->types[i] == 'a')) ? EG_I32 : EG_F32, i ? b : a);
		}
		net_apply(g, op_name, said ? attrs_zero : attrs, in, op->min_inputs);
		if (eg_graph_status(g, &err)) fail_msg("%s", err.message);
		eg_graph_node(g, 0, &node);
		const void *field = (const char *)node.options + at->offset;
		double value = at->type == EG_ATTR_FLOAT ? (double)*(const float *)field : *(const int *)field;
		net_near(value, said ? 0 : without, 0);
		assert_false(value == 0 && signbit(value));
		eg_graph_free(g);
	}
}

static void test_zero(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(1, NULL, NULL);
	const eg_dims x = EG_DIMS(4, 5), t = EG_DIMS(4), s = EG_DIMS(4, 3, 5), labels = EG_DIMS(3, 2);
	check_zero(ctx, "softmax", "", "axis=0", "axis", x, x, -1);
	check_zero(ctx, "flatten", "", "axis=0", "axis", x, x, 1);
	check_zero(ctx, "dropout", "", "rate=0", "rate", x, x, 0.5);
	check_zero(ctx, "batchnorm", "", "momentum=0", "momentum", x, x, (double)0.1f);
	check_zero(ctx, "linear", "units=2", "units=2 init_value=0", "init_value", x, x, 1);
	check_zero(ctx, "embedding", "size=2 count=5", "size=2 count=5 padding_idx=0", "padding_idx", x, x, INT32_MAX);
	check_zero(ctx, "cross_entropy", "", "ignore_index=0", "ignore_index", x, t, -100);
	check_zero(ctx, "cross_entropy", "", "label_smoothing=0", "label_smoothing", x, t, 0);
	check_zero(ctx, "smooth_l1", "", "beta=0", "beta", x, x, 1);
	check_zero(ctx, "lstm", "hidden=2", "hidden=2 forget_bias=0", "forget_bias", s, s, 1);
	check_zero(ctx, "lstm", "hidden=2", "hidden=2 dropout=0", "dropout", s, s, 0);
	check_zero(ctx, "ctc", "", "blank=0", "blank", s, labels, 0);
	check_zero(ctx, "attention", "", "scale=0", "scale", s, s, -1);
	/* in C */
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor in = eg_input(g, "x", EG_F32, EG_DIMS(3, 2));
	eg_tensor h = eg_linear(g, eg_dropout(g, in, .rate = EG_ZERO_F), .units = 2, .init = EG_INIT_CONSTANT, .init_value = EG_ZERO_F);
	eg_output(g, "y", eg_softmax(g, eg_add(g, in, h), .axis = EG_ZERO));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .train = true}, NULL);
	assert_non_null(plan);
	assert_null(strstr(eg_plan_describe(plan), "dropout")); /* nothing is dropped, so nothing is done */
	for (int i = 0; i < 6; i++) ((eg_real *)eg_plan_input(plan, "x"))[i] = (eg_real)i;
	eg_plan_run(plan, 0);
	for (int i = 0; i < 2; i++) {
		const eg_real *y = eg_plan_output(plan, "y") + i;
		net_near(y[0] + y[2] + y[4], 1, 1e-6);
		net_near(log((double)(y[4] / y[2])), 2, 1e-5);
	}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_plan_refusals(void **state) {
	EG_UNUSED(state);
	eg_error err = {0};
	eg_context *ctx = context(1, NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, &err), *other = eg_graph_new(ctx, &err), *empty = eg_graph_new(ctx, &err);
	net_small(g, false);
	net_small(other, false);
	eg_params *p = eg_params_new(g, 1, &err), *q = eg_params_new(other, 1, &err), *none = eg_params_new(empty, 1, &err);
	assert_null(eg_plan_new(g, p, NULL, &err));
	assert_null(eg_plan_new(g, NULL, &(eg_plan_options){.batch = 1}, &err));
	assert_null(eg_plan_new(g, q, &(eg_plan_options){.batch = 1}, &err));
	assert_null(eg_plan_new(g, p, &(eg_plan_options){.batch = 0}, &err));
	assert_int_equal(err.status, EG_ERR_ARG);
	assert_contains(err.message, "batch");
	assert_null(eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .outputs = (const char *const[]){"lost", NULL}}, &err));
	assert_contains(err.message, "no output 'lost'");
	assert_null(eg_plan_new(g, p, &(eg_plan_options){.batch = 1, .outputs = (const char *const[]){NULL}}, &err));
	assert_contains(err.message, "at least one output");
	assert_non_null(none); /* a graph without weights has an empty set of them */
	assert_int_equal(eg_params_count(none), 0);
	assert_null(eg_plan_new(empty, none, &(eg_plan_options){.batch = 1}, &err));
	assert_contains(err.message, "eg_output");
	/* sizes that no memory can hold are a status, not a crash */
	static const int batches[] = {INT32_MAX, INT32_MAX - 15, 1 << 30, 1 << 28};
	for (int i = 0; i < EG_COUNT(batches); i++) {
		assert_null(eg_plan_new(g, p, &(eg_plan_options){.batch = batches[i], .train = true}, &err));
		assert_true(err.status == EG_ERR_MEMORY || err.status == EG_ERR_SHAPE);
	}
	eg_params_free(p);
	eg_params_free(q);
	eg_params_free(none);
	eg_graph_free(g);
	eg_graph_free(other);
	eg_graph_free(empty);
	eg_context_free(ctx);
}

static void test_context_refusals(void **state) {
	EG_UNUSED(state);
	eg_error err;
	assert_null(eg_context_new(&(eg_context_options){.isa = "mmx"}, &err));
	assert_int_equal(err.status, EG_ERR_ARG);
	assert_contains(err.message, "'mmx'");
	assert_null(eg_context_new(&(eg_context_options){.threads = -1}, &err));
	assert_contains(err.message, "-1 threads");
	assert_null(eg_context_new(&(eg_context_options){.threads = 100000}, &err));
	assert_contains(err.message, "100000");
	eg_context_free(NULL);
	eg_graph_free(NULL);
	eg_params_free(NULL);
	eg_plan_free(NULL);
	eg_plan_cache_free(NULL);
	eg_optimizer_free(NULL);
}

/* ---- what a graph tells ------------------------------------------------------------------------------------------ */

static void test_graph_facts(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(1, NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, 28, 28));
	eg_tensor y = net_layer(g, "conv2d", "filters=6 kernel=5 padding=2", x),
	          z = net_layer(g, "conv2d", "filters=16 kernel=5", y);
	eg_tensor f = net_layer(g, "flatten", "", z), named = net_layer(g, "linear", "units=10 name=last", f);
	eg_output(g, "logits", named);
	assert_int_equal(eg_graph_status(g, NULL), EG_OK);
	eg_dims d = eg_tensor_dims(g, z);
	assert_true(d.rank == 4 && d.d[0] == EG_N && d.d[1] == 16 && d.d[2] == 24 && d.d[3] == 24);
	assert_int_equal(eg_graph_find(g, "logits").id, named.id);
	assert_int_equal(eg_graph_find(g, "last").id, named.id);
	assert_int_equal(eg_graph_find(g, "conv2").id, z.id);
	assert_int_equal(eg_graph_find(g, "x").id, x.id);
	assert_int_equal(eg_graph_find(g, "nothing").id, 0);
	assert_int_equal(eg_graph_nodes(g), 4);
	eg_node_info info;
	eg_graph_node(g, 0, &info);
	assert_string_equal(info.name, "conv1");
	assert_string_equal(info.op->name, "conv2d");
	assert_int_equal(info.params, 6 * 25 + 6);
	assert_int_equal(info.macs, 6 * 25 * 28 * 28);
	assert_int_equal(info.dense_macs, (int64_t)6 * 28 * 28 * 28 * 28);
	assert_int_equal(info.window[0], 5);
	assert_true(info.inputs[0].id == x.id && info.outputs[0].id == y.id);
	assert_int_equal(eg_result(g, y, 0).id, y.id);
	assert_int_equal(eg_result(g, y, 1).id, 0);
	assert_int_equal(eg_result(g, x, 0).id, 0);
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_int_equal(eg_params_count(p), 6);
	assert_string_equal(eg_params_name(p, 0), "conv1.weight");
	assert_int_equal(eg_params_find(p, "last.bias"), 5);
	assert_int_equal(eg_params_find(p, "last"), -1);
	assert_null(eg_params_name(p, 6));
	assert_null(eg_params_data(p, -1));
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static void test_outputs_wanted(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = context(1, NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	net_small(g, true);
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *all = eg_plan_new(g, p, &(eg_plan_options){.batch = 3}, NULL);
	eg_plan *some = eg_plan_new(
	        g, p, &(eg_plan_options){.batch = 3, .outputs = (const char *const[]){"logits", NULL}}, NULL);
	eg_plan *train = eg_plan_new(g, p, &(eg_plan_options){.batch = 3, .train = true, .input_grads = true}, NULL);
	assert_true(all && some && train);
	assert_true(eg_plan_output(all, "loss") && eg_plan_output(all, "logits") && eg_plan_input(all, "t"));
	assert_non_null(eg_plan_output(some, "logits"));
	assert_null(eg_plan_output(some, "loss"));
	assert_null(eg_plan_output(some, "x"));
	assert_null(eg_plan_input(some, "t")); /* only the loss needs it */
	assert_null(eg_plan_input(some, "logits"));
	assert_null(eg_plan_grad(some, "logits"));
	assert_true(eg_plan_grad(train, "x") && eg_plan_grad(train, "loss"));
	assert_true(*eg_plan_grad(train, "loss") == 1);
	assert_null(eg_plan_grad(train, "logits")); /* comes from the loss */
	assert_null(eg_plan_grad(train, "t"));
	assert_int_equal(eg_plan_batch(some), 3);
	assert_int_equal(eg_plan_dims(some, eg_graph_find(g, "logits")).d[0], 3);
	net_fill(all, "x", 3 * 128, 0, 5);
	net_fill(all, "t", 3, 3, 6);
	net_fill(some, "x", 3 * 128, 0, 5);
	eg_plan_run(all, 0);
	eg_plan_run(some, 0);
	assert_memory_equal(eg_plan_output(all, "logits"), eg_plan_output(some, "logits"), 9 * sizeof(eg_real));
	eg_memory m, less;
	eg_plan_memory(all, &m);
	eg_plan_memory(some, &less);
	assert_true(less.total < m.total);
	assert_contains(eg_plan_describe(all), "conv1");
	assert_null(strstr(eg_plan_describe(some), "cross_entropy"));
	eg_plan_free(all);
	eg_plan_free(some);
	eg_plan_free(train);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* The same samples in batches of every size give the same results, and plans are made once. */
static void test_plan_cache(void **state) {
	EG_UNUSED(state);
	enum { MOST = 40 };
	eg_context *ctx = context(2, NULL, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	net_small(g, false);
	eg_params *p = eg_params_new(g, 1, NULL);
	char name[] = "logits";
	const char *wanted[] = {name, NULL};
	eg_plan_cache *c = eg_plan_cache_new(g, p, &(eg_plan_options){.batch = 1, .outputs = wanted}, NULL);
	strcpy(name, "gone"); /* the cache has a copy */
	wanted[0] = NULL;
	eg_real first[MOST * 3];
	for (int n = MOST; n >= 1; n--) {
		eg_plan *plan = eg_plan_cache_get(c, n, 0, NULL, NULL);
		assert_non_null(plan);
		assert_int_equal(eg_plan_batch(plan), n);
		assert_ptr_equal(eg_plan_cache_get(c, n, 0, NULL, NULL), plan);
		net_fill(plan, "x", n * 128, 0, 5);
		eg_plan_run(plan, 0);
		const eg_real *y = eg_plan_output(plan, "logits");
		if (n == MOST) memcpy(first, y, sizeof first);
		for (int i = 0; i < 3 * n; i++) assert_true(fabs((double)(y[i] - first[i])) < 1e-6);
	}
	eg_plan *two = eg_plan_cache_get(c, 2, 0, NULL, NULL);
	for (int n = 1; n <= 8; n++) eg_plan_cache_get(c, n, 0, NULL, NULL); /* as many as it keeps */
	assert_ptr_equal(eg_plan_cache_get(c, 2, 0, NULL, NULL), two);
	assert_null(eg_plan_cache_get(c, 0, 0, NULL, NULL));
	assert_ptr_equal(eg_plan_cache_get(c, 2, 0, NULL, NULL), two); /* a failure evicts nobody */
	/* changed weights reach plans that have been packed before */
	net_fill(two, "x", 2 * 128, 0, 5);
	eg_plan_run(two, 0);
	assert_true(fabs((double)(eg_plan_output(two, "logits")[0] - first[0])) < 1e-6);
	size_t n;
	eg_real *w = eg_params_flat(p, &n);
	memset(w, 0, n * sizeof *w);
	eg_params_data(p, eg_params_find(p, "linear2.bias"))[0] = 3;
	eg_params_changed(p);
	eg_plan_run(two, 0);
	assert_true(eg_plan_output(two, "logits")[0] == 3 && eg_plan_output(two, "logits")[1] == 0);
	eg_plan_cache_free(c);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static size_t aligned(size_t n) { return (n + 63) / 64 * 64; }

static void check_memory(eg_graph *g, eg_params *p, meter *m, const eg_plan_options *o) {
	eg_memory mem;
	if (o->train) assert_non_null(eg_params_flat_grad(p, NULL)); /* which the first plan that trains would ask
	                                                              * for */
	size_t before = m->bytes, n;
	eg_plan *plan = eg_plan_new(g, p, o, NULL);
	assert_non_null(plan);
	eg_plan_memory(plan, &mem);
	assert_int_equal(mem.total, mem.io + mem.activations + mem.packed + mem.scratch);
	eg_params_flat(p, &n);
	assert_int_equal(mem.parameters, n * sizeof(eg_real));
	assert_int_equal(mem.gradients, o->train ? n * sizeof(eg_real) : 0);
	size_t N = (size_t)o->batch, r = sizeof(eg_real);
	size_t io = aligned(N * 128 * r) + aligned(N * 4) + aligned(N * 3 * r) + aligned(r);
	if (o->train) io += aligned(r); /* of the loss */
	if (o->train && o->input_grads) io += aligned(N * 128 * r);
	assert_int_equal(mem.io, io);
	/* one piece holds it all but packed weights, no larger than what is said but for rounding up to huge pages;
	 * beside it only tables, seen in a second making */
	size_t huge = 2 << 20, own = mem.total - mem.packed, tables = 64 * 1024;
	eg_plan_free(plan);
	assert_int_equal(m->bytes, before);
	m->largest = 0;
	m->piece = 0;
	m->from = own;
	m->to = own < (1 << 20) ? own + 256 : (own + 2 * huge) / huge * huge + huge + 64;
	plan = eg_plan_new(g, p, o, NULL);
	assert_non_null(plan);
	if (!m->piece || m->largest > (m->to > tables ? m->to : tables))
		fail_msg("no piece of %zu to %zu, or a larger one: %zu", m->from, m->to, m->largest);
	assert_true(m->bytes - before - m->piece - mem.packed < 512 * 1024);
	size_t bytes = m->bytes;
	long calls = m->calls;
	net_fill(plan, "x", o->batch * 128, 0, 1);
	net_fill(plan, "t", o->batch, 3, 2);
	for (uint64_t i = 0; i < 3; i++) {
		eg_params_changed(p);
		eg_plan_run(plan, i);
	}
	assert_int_equal(eg_plan_diagnose(plan, 0, NULL), EG_OK);
	assert_int_equal(m->calls, calls); /* no allocation while running */
	assert_int_equal(m->bytes, bytes);
	eg_plan_free(plan);
	assert_int_equal(m->bytes, before);
}

/* Plans that read weights in the same form hold it once, whichever of them goes first, and whether parameters or plans
 * go first; and whichever runs first after a change, all see it. */
static void test_packed_once(void **state) {
	EG_UNUSED(state);
	enum { WIDE = 256 };
	meter m = {.left = -1};
	eg_context *ctx = context(2, NULL, &m);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor h = eg_lstm(g, eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, WIDE)), .hidden = WIDE);
	eg_output(g, "y", net_layer(g, "linear", "units=256", h));
	assert_int_equal(eg_graph_status(g, NULL), EG_OK);
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan[3];
	eg_memory mem[3];
	size_t cost[3], n;
	for (int i = 0; i < 3; i++) {
		const size_t before = m.bytes;
		plan[i] = eg_plan_new(g, p, &(eg_plan_options){.batch = 32 + 16 * i, .time = 3}, NULL);
		assert_non_null(plan[i]);
		cost[i] = m.bytes - before;
		eg_plan_memory(plan[i], &mem[i]);
		assert_true(mem[i].packed >= 9 * WIDE * WIDE * sizeof(eg_real));
		assert_int_equal(mem[i].packed, mem[0].packed);
	}
	for (int i = 1; i < 3; i++) assert_true(cost[i] + mem[i].packed <= cost[0]); /* although they are larger */
	/* the results are those of a plan that has parameters of its own */
	eg_real *w = eg_params_flat(p, &n);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < n; i++) w[i] += 0.001f * (float)(i % 7);
		eg_params_changed(p);
		eg_params *q = eg_params_new(g, 2, NULL);
		memcpy(eg_params_flat(q, &n), w, n * sizeof *w);
		for (int i = 0; i < 3; i++) {
			eg_plan *one = plan[(i + round) % 3];
			const int batch = eg_plan_batch(one);
			eg_plan *other = eg_plan_new(g, q, &(eg_plan_options){.batch = batch, .time = 3}, NULL);
			net_fill(one, "x", 3 * batch * WIDE, 0, 5);
			net_fill(other, "x", 3 * batch * WIDE, 0, 5);
			eg_plan_run(one, 0);
			eg_plan_run(other, 0);
			assert_memory_equal(eg_plan_output(one, "y"), eg_plan_output(other, "y"),
			        (size_t)(3 * batch * WIDE) * sizeof(eg_real));
			eg_plan_free(other);
		}
		eg_params_free(q);
	}
	/* parameters first, then the plans, the one that made the forms among the first */
	const size_t all = m.bytes;
	eg_plan_free(plan[0]);
	assert_true(all - m.bytes + mem[0].packed <= cost[0]);
	eg_params_free(p);
	eg_plan_free(plan[2]);
	const size_t last = m.bytes;
	eg_plan_free(plan[1]);
	assert_true(last - m.bytes >= cost[1] + mem[1].packed);
	eg_graph_free(g);
	eg_context_free(ctx);
	assert_int_equal(m.live, 0);
}

static void test_memory(void **state) {
	EG_UNUSED(state);
	static const int batches[] = {1, 15, 16, 64, 700};
	for (int threads = 1; threads <= 3; threads += 2) {
		meter m = {.left = -1};
		eg_context *ctx = context(threads, NULL, &m);
		eg_graph *g = eg_graph_new(ctx, NULL);
		net_small(g, true);
		eg_params *p = eg_params_new(g, 1, NULL);
		for (int b = 0; b < EG_COUNT(batches); b++)
			for (int layout = EG_LAYOUT_AUTO; layout < EG_LAYOUT_CHOICES; layout++)
				for (int kind = 0; kind < 3; kind++)
					check_memory(g, p, &m,
					        &(eg_plan_options){.batch = batches[b],
					                .train = kind > 0,
					                .input_grads = kind > 1,
					                .layout = (eg_layout_choice)layout});
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
		assert_int_equal(m.live, 0);
	}
}

/* ---- every allocation fails once --------------------------------------------------------------------------------- */

static eg_status fill_zero(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n;
	EG_UNUSED(user);
	EG_UNUSED(err);
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < 128; k++)
			((eg_real *)slots[0])[i * 128 + k] = (eg_real)net_random(items[i], (uint64_t)k);
		((int32_t *)slots[1])[i] = (int32_t)(items[i] % 3);
	}
	return EG_OK;
}

static const eg_dataset set = {.count = 21, .inputs = (const char *const[]){"x", "t", NULL}, .fill = fill_zero};

#define TRY(ok) \
	if (!(ok)) { \
		status = err.status; \
		goto done; \
	}

/* Everything that allocates, with an allocator that fails after m->left times. */
static eg_status everything(meter *m) {
	eg_status status = EG_OK;
	eg_error err = {EG_OK, ""};
	eg_allocator a = {meter_alloc, meter_release, m};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2, .allocator = &a}, &err);
	if (!ctx) return err.status;
	eg_graph *g = eg_graph_new(ctx, &err);
	eg_params *p = NULL;
	eg_plan *plan = NULL;
	eg_plan_cache *cache = NULL;
	eg_optimizer *o = NULL;
	eg_judge *judge = NULL;
	double loss;
	TRY(g);
	net_small(g, true);
	TRY(!eg_graph_status(g, &err));
	net_layer(g, "linear", "units=40 init=orthogonal", eg_graph_find(g, "logits"));
	TRY(p = eg_params_new(g, 1, &err));
	TRY(plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 40, .train = true, .input_grads = true}, &err));
	err.status = EG_ERR_MEMORY; /* all that can go wrong next, where no message is told */
	TRY(eg_plan_describe(plan));
	err.status = EG_OK;
	TRY(cache = eg_plan_cache_new(
	            g, p, &(eg_plan_options){.batch = 1, .outputs = (const char *const[]){"loss", NULL}}, &err));
	TRY(eg_plan_cache_get(cache, 3, 0, NULL, &err));
	TRY(o = eg_optimizer_new(p, &(eg_optimizer_config){.kind = EG_ADAM}, &err));
	TRY(!eg_train(g, p, &(eg_train_config){.epochs = 2, .batch = 8}, &set, &set, NULL, NULL, NULL, NULL, &err));
	TRY(!eg_evaluate(g, p, NULL, 8, &set, NULL, &loss, &err));
	static const eg_param_group group = {.pattern = "conv*", .frozen = true};
	TRY(!eg_train(g, p, &(eg_train_config){.epochs = 1, .batch = 4, .accumulate = 2, .average = 0.9, .optimizer = {.groups = &group, .ngroups = 1}},
		&set, NULL, NULL, NULL, NULL, NULL, &err));
	TRY(judge = eg_judge_classes_new(g, "logits", "t", &err));
	TRY(!eg_evaluate(g, p, NULL, 8, &set, judge, NULL, &err)); /* the target is no input of this plan */
done:
	eg_judge_classes_free(judge);
	eg_optimizer_free(o);
	eg_plan_cache_free(cache);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	return status;
}

static void test_out_of_memory(void **state) {
	EG_UNUSED(state);
	meter whole = {.left = -1};
	assert_int_equal(everything(&whole), EG_OK);
	assert_int_equal(whole.live, 0);
	assert_true(whole.calls > 50);
	for (long n = 0; n < whole.calls; n++) {
		meter m = {.left = n};
		eg_status status = everything(&m);
		if (status != EG_ERR_MEMORY) fail_msg("allocation %ld failed, status is %s", n, eg_status_name(status));
		assert_int_equal(m.live, 0);
	}
}

/* ---- several contexts -------------------------------------------------------------------------------------------- */

typedef struct worker {
	eg_context *ctx;
	eg_real logits[20 * 3];
	bool ok;
} worker;

static void *work(void *arg) {
	worker *w = arg;
	eg_graph *g = eg_graph_new(w->ctx, NULL);
	net_small(g, false);
	eg_params *p = eg_params_new(g, 3, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 20, .train = true}, NULL);
	w->ok = plan != NULL;
	if (plan) {
		net_fill(plan, "x", 20 * 128, 0, 5);
		net_fill(plan, "t", 20, 3, 6);
		for (uint64_t i = 0; i < 10; i++) eg_plan_run(plan, i);
		memcpy(w->logits, eg_plan_output(plan, "logits"), sizeof w->logits);
	}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	return NULL;
}

static void test_several_contexts(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	int n = net_isas(isas);
	worker w[4] = {{0}};
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		w[i].ctx = context(1 + i % 2, isas[i % n], NULL);
		assert_non_null(w[i].ctx);
	}
	for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(w[i].ok);
		for (int k = 0; k < 60; k++) assert_true(fabs((double)(w[i].logits[k] - w[0].logits[k])) < 1e-5);
	}
	for (int i = 0; i < 3; i++) eg_context_free(w[i].ctx);
	work(&w[3]); /* the last one does not miss the others */
	assert_true(w[3].ok);
	eg_context_free(w[3].ctx);
}

/* ---- NaN --------------------------------------------------------------------------------------------------------- */

static void check_diagnosis(eg_plan *plan, const char *a, const char *b) {
	eg_error err = {EG_OK, ""};
	if (!a) {
		assert_int_equal(eg_plan_diagnose(plan, 0, &err), EG_OK);
		return;
	}
	assert_int_equal(eg_plan_diagnose(plan, 0, &err), EG_ERR_NUMERIC);
	assert_contains(err.message, a);
	assert_contains(err.message, b);
}

static void diagnose(eg_context *ctx, eg_layout_choice layout) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 6, 6)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	x = net_layer(g, "relu", "", net_layer(g, "conv2d", "filters=3 kernel=3 name=first", x));
	x = net_layer(g, "relu", "", net_layer(g, "conv2d", "filters=4 kernel=3 name=second", x));
	x = net_layer(g, "linear", "units=3 name=third", net_layer(g, "flatten", "", x));
	eg_output(g, "loss", net_loss(g, "name=ce", x, t));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 21, .train = true, .layout = layout}, NULL);
	assert_non_null(plan);
	net_fill(plan, "x", 21 * 72, 0, 5);
	net_fill(plan, "t", 21, 3, 6);
	eg_plan_run(plan, 0);
	eg_real *in = eg_plan_input(plan, "x"), loss = *eg_plan_output(plan, "loss"), kept = in[17 * 72 + 5];
	int32_t *label = eg_plan_input(plan, "t");
	check_diagnosis(plan, NULL, NULL);
	in[17 * 72 + 5] = (eg_real)NAN;
	check_diagnosis(plan, "input 'x' holds NaN", "sample 17");
	in[17 * 72 + 5] = kept;
	/* a weight */
	eg_real *w = eg_params_data(p, eg_params_find(p, "second.weight")),
	        *v = eg_params_data(p, eg_params_find(p, "first.bias"));
	kept = w[3];
	w[3] = (eg_real)INFINITY;
	eg_params_changed(p);
	check_diagnosis(plan, "weight 'second.weight'", "not finite");
	w[3] = kept;
	/* an activation that overflows, found where it begins */
	kept = v[1];
	eg_real huge = sizeof(eg_real) == 4 ? (eg_real)3e38 : (eg_real)1e308, wkept = w[9];
	v[1] = huge;
	w[9] = 100; /* second layer, filter 0, channel 1 */
	eg_params_changed(p);
	check_diagnosis(plan, "activation of layer 'second'", "infinity");
	v[1] = kept;
	w[9] = wkept;
	eg_params_changed(p);
	/* a label that no class has */
	int32_t was = label[20];
	label[20] = 3;
	check_diagnosis(plan, "layer 'ce'", "NaN");
	label[20] = was;
	/* a gradient: the forward pass is well, the backward pass begins with infinity */
	*eg_plan_grad(plan, "loss") = (eg_real)INFINITY;
	check_diagnosis(plan, "backward", "layer 'ce'");
	*eg_plan_grad(plan, "loss") = 1;
	check_diagnosis(plan, NULL, NULL);
	eg_plan_run(plan, 0); /* and all is as before */
	assert_true(*eg_plan_output(plan, "loss") == loss);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
}

static void test_diagnose(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n; i++) {
		eg_context *ctx = context(2, isas[i], NULL);
		diagnose(ctx, EG_LAYOUT_PLAIN);
		diagnose(ctx, EG_LAYOUT_LANES);
		eg_context_free(ctx);
	}
}

/* ---- random graphs: every way of planning gives the same numbers ------------------------------------------------- */

enum { GC = 3, GH = 5, GW = 4, GVALUES = 40, GBATCHES = 4 };
static const int graph_batches[GBATCHES] = {1, 5, 16, 37};

typedef struct dice {
	uint64_t seed, drawn;
} dice;
static int roll(dice *d, int n) { return (int)eg_rng_below((eg_rng){d->seed, 99}, d->drawn++, (uint64_t)n); }

/* One more value of the same shape from those that exist. */
static eg_tensor random_node(eg_graph *g, dice *d, const eg_tensor *v, int n, eg_tensor constant) {
	static const char *const ops[][2] = {{"relu", ""}, {"sigmoid", ""}, {"tanh", ""}, {"softmax", "axis=1"},
	        {"dropout", "rate=0.3"}, {"maxpool2d", "kernel=3 stride=1 padding=1"},
	        {"avgpool2d", "kernel=3 stride=1 padding=1"}, {"linear", "units=4"},
	        {"conv2d", "filters=3 kernel=3 padding=1"}, {"conv2d", "filters=3 kernel=1 bias=0"},
	        {"conv2d", "filters=3 kernel=3 padding=1 groups=3"}};
	eg_tensor a = v[roll(d, 2) ? n - 1 : roll(d, n)], b = roll(d, 4) ? v[roll(d, n)] : constant;
	int k = roll(d, EG_COUNT(ops) + 7);
	if (k > EG_COUNT(ops) + 4) { /* a constant has no batch to be joined with */
		eg_tensor c = v[roll(d, n)];
		c = net_apply(g, "concat", k % 2 ? "axis=1" : "axis=-3", (eg_tensor[]){a, c, c}, 3);
		return net_layer(g, "conv2d", "filters=3 kernel=1", c);
	}
	if (k == EG_COUNT(ops))
		return net_layer(g, "conv2d", "filters=3 kernel=2 stride=2", net_layer(g, "upsample2d", "scale=2", a));
	if (k > EG_COUNT(ops)) return net_apply(g, "add", "", (eg_tensor[]){k % 2 ? a : b, k % 2 ? b : a}, 2);
	return net_layer(g, ops[k][0], ops[k][1], a);
}

static void random_graph(eg_graph *g, uint64_t seed) {
	dice d = {seed, 0};
	char name[16];
	eg_tensor v[GVALUES] = {eg_input(g, "x", EG_F32, EG_DIMS(EG_N, GC, GH, GW))},
	          t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	eg_tensor constant = eg_input(g, "c", EG_F32, EG_DIMS(GC, 1, GW));
	int nodes = 3 + roll(&d, 9), n = 1;
	v[n++] = net_layer(g, "conv2d", "filters=3 kernel=3 padding=1", v[0]);
	while (n < nodes + 2) {
		v[n] = random_node(g, &d, v, n, constant);
		if (!roll(&d, 4)) {
			snprintf(name, sizeof name, "y%d", n);
			eg_output(g, name, v[n]);
		}
		n++;
	}
	eg_tensor last = v[n - 1];
	const bool pooled = roll(&d, 2) == 0;
	if (pooled) { /* what may become one call */
		static const char *const acts[] = {"relu", "tanh"};
		const int act = roll(&d, 3);
		last = net_layer(g, "conv2d", roll(&d, 2) ? "filters=4 kernel=2 padding=1" : "filters=2 kernel=3", last);
		if (act < 2) last = net_layer(g, acts[act], "", last);
		last = net_layer(g, "maxpool2d", "kernel=2", last);
	}
	eg_tensor flat = net_layer(g, "flatten", "", last);
	if (roll(&d, 3) == 0 && !pooled) eg_output(g, "flat", flat);
	if (roll(&d, 2)) flat = net_layer(g, "relu", "", flat);
	eg_tensor logits = net_layer(g, "linear", "units=4", flat);
	eg_output(g, "loss", net_loss(g, "", roll(&d, 2) ? logits : net_layer(g, "tanh", "", logits), t));
}

/* What a plan computes: loss, all outputs, gradients of inputs and weights. */
typedef struct outcome {
	eg_real *x;
	size_t n, room;
} outcome;

static void keep(outcome *r, const eg_real *x, size_t n) {
	if (!x) return;
	if (r->n + n > r->room) {
		r->room = 2 * (r->n + n);
		r->x = realloc(r->x, r->room * sizeof *r->x);
		assert_non_null(r->x);
	}
	memcpy(r->x + r->n, x, n * sizeof *x);
	r->n += n;
}

/* Nothing, if the plan is among those that are done. done: may be NULL. */
static outcome compute(eg_graph *g, eg_params *p, const eg_plan_options *o, plans *done) {
	outcome r = {0};
	size_t n;
	eg_plan *plan = eg_plan_new(g, p, o, NULL);
	assert_non_null(plan);
	if (done && !plans_add(done, "", plan)) {
		eg_plan_free(plan);
		return r;
	}
	int64_t f = GC * GH * GW;
	net_fill(plan, "x", o->batch * f, 0, 11);
	net_fill(plan, "t", o->batch, 4, 12);
	if (eg_plan_input(plan, "c")) net_fill(plan, "c", GC * GW, 0, 13);
	for (int i = 0; i < g->noutputs; i++) {
		eg_real *dy = o->train ? eg_plan_grad(plan, g->outputs[i].name) : NULL;
		if (dy && strcmp(g->outputs[i].name, "loss") != 0)
			for (int64_t k = 0; k < o->batch * f; k++)
				dy[k] = (eg_real)(0.1 * net_random(14 + (uint64_t)i, (uint64_t)k));
	}
	eg_real *grads = eg_params_flat_grad(p, &n);
	memset(grads, 0, n * sizeof *grads);
	for (int i = 0; i < 2; i++) eg_plan_run(plan, 7); /* a second time, over what the first has left */
	for (int i = 0; i < g->noutputs; i++)
		keep(&r, eg_plan_output(plan, g->outputs[i].name),
		        strcmp(g->outputs[i].name, "loss") ? (size_t)(o->batch * f) : 1);
	if (o->train) {
		keep(&r, eg_plan_grad(plan, "x"), (size_t)(o->batch * f));
		keep(&r, eg_plan_grad(plan, "c"), GC * GW);
		keep(&r, grads, n);
	}
	assert_int_equal(eg_plan_diagnose(plan, 7, NULL), EG_OK);
	eg_plan_free(plan);
	return r;
}

static void check_graph(const char *isa, int threads, uint64_t seed, int batch, bool train, const outcome *want) {
	eg_context *ctx = context(threads, isa, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	random_graph(g, seed);
	eg_params *p = eg_params_new(g, 5, NULL);
	plans done = {0};
	for (int way = 0; way < 4 * EG_LAYOUT_CHOICES; way++) {
		eg_plan_options o = {.batch = batch,
		        .train = train,
		        .input_grads = train,
		        .layout = (eg_layout_choice)(way % EG_LAYOUT_CHOICES),
		        .no_fusion = way / EG_LAYOUT_CHOICES % 2,
		        .no_defer = way / EG_LAYOUT_CHOICES / 2 != 0,
		        .seed = 3};
		outcome got = compute(g, p, &o, &done);
		if (!got.x) continue;
		assert_int_equal(got.n, want->n);
		for (size_t i = 0; i < got.n; i++)
			if (!(fabs((double)(got.x[i] - want->x[i])) <= 1e-4 * (1 + fabs((double)want->x[i]))))
				fail_msg("graph %d, %s, %d threads, batch %d, %s, layout %d%s%s: number %zu of %zu is "
				         "%g, not %g",
				        (int)seed, isa, threads, batch, train ? "training" : "inference", (int)o.layout,
				        o.no_fusion ? ", no fusion" : "", o.no_defer ? ", no defer" : "", i, got.n,
				        (double)got.x[i], (double)want->x[i]);
		free(got.x);
	}
	plans_forget(&done);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_random_graphs(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	const char *more = getenv("ENGRAM_TEST_GRAPHS"); /* how many, for a long search */
	int n = net_isas(isas), graphs = more ? atoi(more) : 100;
	for (int i = 0; i < graphs * GBATCHES * 2; i++) {
		uint64_t seed = (uint64_t)(i / GBATCHES / 2);
		int batch = graph_batches[i / 2 % GBATCHES];
		bool train = i % 2;
		eg_context *ctx = context(1, "ref", NULL);
		eg_graph *g = eg_graph_new(ctx, NULL);
		random_graph(g, seed);
		assert_int_equal(eg_graph_status(g, NULL), EG_OK);
		eg_params *p = eg_params_new(g, 5, NULL);
		outcome want = compute(g, p,
		        &(eg_plan_options){.batch = batch,
		                .train = train,
		                .input_grads = train,
		                .layout = EG_LAYOUT_PLAIN,
		                .no_fusion = true,
		                .no_defer = true,
		                .seed = 3},
		        NULL);
		check_graph(isas[i % n], 1 + i % 3, seed, batch, train, &want);
		check_graph(isas[n - 1], 1 + (i + 1) % 3, seed, batch, train, &want);
		free(want.x);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_zero),
	        cmocka_unit_test(test_plan_refusals),
	        cmocka_unit_test(test_context_refusals),
	        cmocka_unit_test(test_graph_facts),
	        cmocka_unit_test(test_outputs_wanted),
	        cmocka_unit_test(test_plan_cache),
	        cmocka_unit_test(test_packed_once),
	        cmocka_unit_test(test_memory),
	        cmocka_unit_test(test_out_of_memory),
	        cmocka_unit_test(test_several_contexts),
	        cmocka_unit_test(test_diagnose),
	        cmocka_unit_test(test_random_graphs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

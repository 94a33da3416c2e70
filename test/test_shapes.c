/* test_shapes.c - open sizes: what is refused when, plans of several sizes against graphs of fixed ones, two lengths
 * in one network, steps as samples (fold_time) with several numbers of blocks in one plan, plan caches. Single
 * operators are in optest.c. */
#include "net.h"

#include "core/plan.h"
#include "engram_ops.h"

static eg_size *sizes_of(const char *a, int na, const char *b, int nb) {
	static eg_size list[3];
	list[0] = (eg_size){a, na};
	list[1] = (eg_size){b, nb};
	return list;
}

typedef struct rig {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
} rig;

static rig rig_new(int threads, const char *isa) {
	rig r = {.ctx = net_context(threads, isa)};
	r.g = eg_graph_new(r.ctx, NULL);
	return r;
}
static void rig_ready(rig *r) {
	eg_error err;
	if (eg_graph_status(r->g, &err)) fail_msg("%s", err.message);
	r->p = eg_params_new(r->g, 7, NULL);
	assert_non_null(r->p);
}
static void rig_free(rig *r) {
	eg_params_free(r->p);
	eg_graph_free(r->g);
	eg_context_free(r->ctx);
}

static eg_plan *plan_of(rig *r, const eg_plan_options *o) {
	eg_error err;
	eg_plan *plan = eg_plan_new(r->g, r->p, o, &err);
	if (!plan) fail_msg("%s", err.message);
	return plan;
}

/* ---- what a run computes ----------------------------------------------------------------------------------------- */

typedef struct numbers {
	eg_real *x;
	size_t n;
} numbers;

static void add_numbers(numbers *to, const void *x, size_t n) {
	if (!x) return;
	to->x = realloc(to->x, (to->n + n) * sizeof *to->x);
	assert_non_null(to->x);
	memcpy(to->x + to->n, x, n * sizeof *to->x);
	to->n += n;
}

static size_t count(const eg_plan *plan, int value) {
	eg_dims d = eg_plan_dims(plan, (eg_tensor){value + 1});
	for (int i = 0; i < d.rank; i++) assert_true(d.d[i] >= 1);
	return (size_t)eg_dims_count(&d, 0);
}

/* Inputs by their names: the same numbers in every graph that has them. Integers below 4. */
static void fill_inputs(const rig *r, eg_plan *plan) {
	for (int i = 0; i < r->g->nvalues; i++) {
		const eg_graph_value *v = &r->g->values[i];
		if (v->node >= 0 || !eg_plan_input(plan, v->name)) continue;
		net_fill(plan, v->name, (int64_t)count(plan, i), v->type == EG_I32 ? 4 : 0,
		        (uint64_t)(unsigned char)v->name[0]);
	}
}

/* Outputs and gradients of two runs of a plan, the second over what the first has left. */
static numbers results(rig *r, const eg_plan_options *o) {
	numbers all = {0};
	size_t n;
	eg_plan *plan = plan_of(r, o);
	for (int i = 0; i < plan->nsteps; i++) { /* all threads, however little there is to do */
		eg_step *step = &plan->steps[i];
		if (!step->joint) step->threads = step->units < plan->workers ? step->units : plan->workers;
	}
	fill_inputs(r, plan);
	for (int i = 0; i < 2; i++) eg_plan_run(plan, 3);
	for (int i = 0; i < r->g->noutputs; i++)
		add_numbers(&all, eg_plan_output(plan, r->g->outputs[i].name), count(plan, r->g->outputs[i].value));
	for (int i = 0; i < r->g->nvalues && o->train; i++)
		if (r->g->values[i].node < 0)
			add_numbers(&all, eg_plan_grad(plan, r->g->values[i].name), count(plan, i));
	const eg_real *grad = eg_params_flat_grad(r->p, &n);
	if (o->train) add_numbers(&all, grad, n);
	assert_int_equal(eg_plan_diagnose(plan, 3, NULL), EG_OK);
	eg_plan_free(plan);
	return all;
}

/* With tolerance 0: the same bits. */
static void compare(numbers have, numbers want, double tolerance, const char *what) {
	if (have.n != want.n) fail_msg("%s: %zu numbers, not %zu", what, have.n, want.n);
	for (size_t i = 0; i < have.n; i++)
		if (tolerance > 0
		                ? !(fabs((double)(have.x[i] - want.x[i])) <= tolerance * (1 + fabs((double)want.x[i])))
		                : memcmp(&have.x[i], &want.x[i], sizeof *have.x) != 0)
			fail_msg("%s: number %zu of %zu is %.9g, not %.9g", what, i, have.n, (double)have.x[i],
			        (double)want.x[i]);
}

/* The same bits for open and fixed sizes, in inference and training, on one thread and three. */
static void compare_graphs(void (*build)(eg_graph *g, const int64_t *d), const char *const *names, const int64_t *sizes,
	int batch, int time) {
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int k = 0; k < 4; k++) {
			rig open = rig_new(k & 1 ? 3 : 1, isas[i]), fixed = rig_new(1, isas[i]);
			eg_size list[3] = {{0}};
			int64_t d[2];
			for (int s = 0; s < 2; s++) {
				d[s] = eg_open_dim(open.g, names[s]);
				if (d[s] <= EG_NAMED) list[list[0].name ? 1 : 0] = (eg_size){names[s], (int)sizes[s]};
			}
			build(open.g, d);
			build(fixed.g, sizes);
			rig_ready(&open);
			rig_ready(&fixed);
			eg_plan_options o = {
			        .batch = batch, .time = time, .train = k > 1, .input_grads = k > 1, .seed = 3};
			numbers want = results(&fixed, &o);
			o.sizes = list;
			numbers have = results(&open, &o);
			compare(have, want, 0, k > 1 ? "open sizes, training" : "open sizes, inference");
			free(want.x);
			free(have.x);
			rig_free(&open);
			rig_free(&fixed);
		}
}

/* ---- handles, names, text ---------------------------------------------------------------------------------------- */

static void test_handles(void **state) {
	EG_UNUSED(state);
	rig r = rig_new(1, NULL);
	char text[80];
	int64_t height = eg_open_dim(r.g, "height"), width = eg_open_dim(r.g, "width");
	assert_true(height < 0 && width < 0 && height != width);
	assert_true(eg_open_dim(r.g, "height") == height);
	assert_true(eg_open_dim(r.g, "batch") == EG_N && eg_open_dim(r.g, "time") == EG_T);
	assert_string_equal(eg_open_name(r.g, height), "height");
	assert_string_equal(eg_open_name(r.g, EG_N), "batch");
	assert_string_equal(eg_open_name(r.g, EG_T), "time");
	assert_null(eg_open_name(r.g, 5));
	assert_null(eg_open_name(r.g, EG_TN));
	assert_null(eg_open_name(r.g, width - 1));
	assert_string_equal(
	        eg_shape_text(r.g, EG_DIMS(EG_N, 3, height, width), text, sizeof text), "(N,3,height,width)");
	eg_tensor x = eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 3, height, width));
	eg_tensor y = eg_fold_time(r.g, x);
	assert_true(eg_tensor_dims(r.g, y).d[0] == EG_TN);
	y = eg_conv2d(r.g, y, .filters = 4, .kernel = {3, 3}, .padding = {1, 1}); /* keeps both sizes */
	assert_string_equal(eg_shape_text(r.g, eg_tensor_dims(r.g, y), text, sizeof text), "(T*N,4,height,width)");
	eg_node_info info;
	eg_graph_node(r.g, 1, &info);
	assert_int_equal(info.macs, 4 * 3 * 9); /* of one position */
	assert_int_equal(info.dense_macs, 0);
	y = eg_maxpool2d(r.g, eg_maxpool2d(r.g, y, .kernel = {2, 1}), .kernel = {2, 1});
	assert_string_equal(eg_shape_text(r.g, eg_tensor_dims(r.g, y), text, sizeof text), "(T*N,4,height',width)");
	eg_dims d = eg_tensor_dims(r.g, eg_unfold_time(r.g, y));
	assert_true(d.rank == 5 && d.d[0] == EG_T && d.d[1] == EG_N && d.d[2] == 4 && d.d[4] == width);
	eg_tensor words = eg_input(r.g, "words", EG_I32, EG_DIMS(eg_open_dim(r.g, "length"), EG_N));
	assert_string_equal(
	        eg_shape_text(r.g, eg_tensor_dims(r.g, eg_fold_time(r.g, words)), text, sizeof text), "(length*N)");
	assert_int_equal(eg_tensor_dtype(r.g, eg_fold_time(r.g, words)), EG_I32);
	assert_string_equal(eg_shape_text(r.g, EG_DIMS(123, 456), text, 6), "(123,"); /* cut */
	assert_int_equal(eg_graph_status(r.g, NULL), EG_OK);
	rig_free(&r);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static eg_tensor pictures(eg_graph *g) {
	return eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, eg_open_dim(g, "height"), eg_open_dim(g, "width")));
}
static void no_word(eg_graph *g) { eg_open_dim(g, "two words"); }
static void no_name(eg_graph *g) { eg_open_dim(g, NULL); }
static void foreign(eg_graph *g) { eg_input(g, "x", EG_F32, EG_DIMS(EG_N, -9)); }
static void two_batches(eg_graph *g) { eg_input(g, "x", EG_F32, EG_DIMS(EG_TN, EG_N)); }
static void features(eg_graph *g) { eg_linear(g, eg_flatten(g, pictures(g)), .units = 4); }
static void channels(eg_graph *g) {
	eg_conv2d(g, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, eg_open_dim(g, "depth"), 5, 5)), .filters = 2,
	        .kernel = {3, 3});
}
static void batch_as_width(eg_graph *g) {
	eg_relu(g, eg_maxpool2d(g, eg_input(g, "x", EG_F32, EG_DIMS(2, 3, 4, EG_N)), .kernel = {2, 2}));
}
static void normed_steps(eg_graph *g) {
	eg_batchnorm(g, eg_input(g, "x", EG_F32, EG_DIMS(eg_open_dim(g, "length"), EG_N, 3)));
}
static void fold_batch(eg_graph *g) { eg_fold_time(g, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, EG_T, 3))); }
static void unfold_batch(eg_graph *g) { eg_unfold_time(g, pictures(g)); }
static void step_as_sample(eg_graph *g) {
	eg_gru(g, eg_fold_time(g, eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 3, 4))), .hidden = 3);
}
static void other_batch(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 3));
	eg_add(g, eg_fold_time(g, x), eg_input(g, "b", EG_F32, EG_DIMS(EG_N, 3)));
}
static void steps_and_number(eg_graph *g) {
	eg_add(g, eg_input(g, "a", EG_F32, EG_DIMS(EG_T, EG_N, 3)), eg_input(g, "b", EG_F32, EG_DIMS(5, EG_N, 3)));
}

static void test_refused_graphs(void **state) {
	EG_UNUSED(state);
	static const struct {
		void (*build)(eg_graph *g);
		eg_status status;
		const char *parts[3];
	} cases[] = {
	        {no_word, EG_ERR_ARG, {"'two words'", "letters"}},
	        {no_name, EG_ERR_ARG, {"open size ''"}},
	        {foreign, EG_ERR_SHAPE, {"input 'x'", "eg_open_dim"}},
	        {two_batches, EG_ERR_SHAPE, {"(T*N,N)", "each once"}},
	        {features, EG_ERR_SHAPE, {"linear 'linear1'", "(N,height')", "global_avgpool"}},
	        {channels, EG_ERR_SHAPE, {"conv2d 'conv1'", "(N,depth,5,5)", "weights"}},
	        {batch_as_width, EG_ERR_SHAPE, {"maxpool2d 'maxpool1'", "(2,3,4,N)", "batch"}},
	        {normed_steps, EG_ERR_SHAPE, {"batchnorm 'batchnorm1'", "(length,N,3)", "fold_time"}},
	        {fold_batch, EG_ERR_SHAPE, {"fold_time 'fold_time1'", "(N,T,3)"}},
	        {unfold_batch, EG_ERR_SHAPE, {"unfold_time 'unfold_time1'", "(N,3,height,width)"}},
	        {step_as_sample, EG_ERR_SHAPE, {"gru 'gru1'", "(T*N,3,4)", "time first"}},
	        {other_batch, EG_ERR_SHAPE, {"add 'add1'", "(T*N,3)", "(N,3)"}},
	        {steps_and_number, EG_ERR_SHAPE, {"add 'add1'", "(T,N,3)", "(5,N,3)"}},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		rig r = rig_new(1, NULL);
		eg_error err;
		cases[i].build(r.g);
		if (eg_graph_status(r.g, &err) != cases[i].status)
			fail_msg("case %d: %s: %s", i, eg_status_name(err.status), err.message);
		for (int k = 0; k < 3 && cases[i].parts[k]; k++) assert_contains(err.message, cases[i].parts[k]);
		assert_true(eg_open_dim(r.g, "later") == 0);
		rig_free(&r);
	}
}

/* Down by a half and up again by adding zeros, as a network with skips does it: fits for even heights only. */
static void u_net(eg_graph *g, const int64_t *d) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, d[0], d[1]));
	eg_tensor down = eg_relu(g,
	        eg_conv2d(g, eg_maxpool2d(g, x, .kernel = {2, 1}), .filters = 3, .kernel = {3, 3}, .padding = {1, 1}));
	eg_tensor up = eg_pad2d(g, down, .height = {2, 3});
	up = eg_add(g, up, eg_conv2d(g, x, .filters = 3, .kernel = {1, 1}), .name = "skip");
	eg_output(g, "y", eg_conv2d(g, up, .filters = 2, .kernel = {3, 3}, .padding = {1, 1}));
}

static void refused(rig *r, const eg_plan_options *o, eg_status status, const char *a, const char *b) {
	eg_error err = {0};
	eg_plan *plan = eg_plan_new(r->g, r->p, o, &err);
	assert_null(plan);
	if (err.status != status) fail_msg("%s: %s", eg_status_name(err.status), err.message);
	assert_contains(err.message, a);
	assert_contains(err.message, b);
}

static void test_refused_plans(void **state) {
	EG_UNUSED(state);
	rig r = rig_new(1, NULL);
	u_net(r.g, (int64_t[]){eg_open_dim(r.g, "height"), eg_open_dim(r.g, "width")});
	rig_ready(&r);
	refused(&r, &(eg_plan_options){.batch = 2}, EG_ERR_ARG, "input 'x' (N,3,height,width)", "size for 'height'");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 10, NULL, 0)}, EG_ERR_ARG, "input 'x'",
	        "size for 'width'");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 10, "hight", 4)}, EG_ERR_ARG, "'hight'",
	        "height, width");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 10, "batch", 4)}, EG_ERR_ARG, "'batch'",
	        "option of its own");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 10, "height'", 4)}, EG_ERR_ARG,
	        "'height''", "no open size");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 10, "width", 0)}, EG_ERR_ARG, "size 0",
	        "'width'");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 10, "height", 9)}, EG_ERR_ARG,
	        "two sizes", "10 and 9");
	/* what only the sizes tell */
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 11, "width", 4)}, EG_ERR_SHAPE,
	        "add 'skip' with height 11, width 4", "(N,3,10,4) and b (N,3,11,4)");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 1, "width", 4)}, EG_ERR_SHAPE,
	        "maxpool2d 'maxpool1' with height 1", "kernel 2x1");
	refused(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("height", 1 << 20, "width", 1 << 20)},
	        EG_ERR_SHAPE, "shape", "(N");
	eg_plan *plan = plan_of(&r, &(eg_plan_options){.batch = 2, .sizes = sizes_of("width", 4, "height", 10)});
	assert_int_equal(eg_plan_size(plan, "height"), 10);
	assert_int_equal(eg_plan_size(plan, "width"), 4);
	assert_int_equal(eg_plan_size(plan, "batch"), 2);
	assert_int_equal(eg_plan_size(plan, "time"), 0);
	assert_int_equal(eg_plan_size(plan, "depth"), 0);
	eg_plan_free(plan);
	rig_free(&r);
}

/* ---- pictures of any size ---------------------------------------------------------------------------------------- */

/* Windows of all kinds, a batch normalisation, a sum; ends in one number a channel. */
static void picture_net(eg_graph *g, const int64_t *d) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, d[0], d[1])),
	          t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	eg_tensor h = eg_maxpool2d(
	        g, eg_relu(g, eg_conv2d(g, x, .filters = 6, .kernel = {3, 3}, .padding = {1, 1})), .kernel = {2, 2});
	h = eg_relu(g,
	        eg_batchnorm(g, eg_conv2d(g, h, .filters = 18, .kernel = {3, 2}, .padding = {1, 1}, .no_bias = true)));
	h = eg_add(g, h, eg_conv2d(g, h, .filters = 18, .kernel = {3, 3}, .padding = {1, 1}));
	h = eg_avgpool2d(g, h, .kernel = {3, 3}, .stride = {2, 1}, .padding = {1, 1}, .ceil_mode = true);
	h = eg_pad2d(g, h, .height = {0, 1});
	h = eg_dropout(g, eg_flatten(g, eg_globalavgpool2d(g, h)), .rate = 0.25f);
	h = eg_linear(g, h, .units = 4);
	eg_output(g, "y", h);
	eg_output(g, "loss", eg_cross_entropy(g, h, t));
}

/* A class for every pixel. */
static void pixel_net(eg_graph *g, const int64_t *d) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, d[0], d[1])),
	          t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N, d[0], d[1]));
	eg_tensor h = eg_conv2d(g, eg_tanh(g, eg_conv2d(g, x, .filters = 5, .kernel = {3, 5}, .padding = {1, 2})),
	        .filters = 4, .kernel = {1, 1});
	eg_output(g, "y", eg_softmax(g, h, .axis = 1));
	eg_output(g, "flat", eg_flatten(g, h, .axis = 2));
	eg_output(g, "loss", eg_cross_entropy(g, h, t));
}

static const char *const two_sizes[] = {"height", "width"};

static void test_pictures(void **state) {
	EG_UNUSED(state);
	static const int64_t sizes[][2] = {{8, 8}, {9, 12}, {17, 5}};
	for (int i = 0; i < EG_COUNT(sizes); i++)
		for (int batch = 3; batch <= 18; batch += 15) {
			compare_graphs(picture_net, two_sizes, sizes[i], batch, 0);
			compare_graphs(pixel_net, two_sizes, sizes[i], batch, 0);
		}
	compare_graphs(u_net, two_sizes, (int64_t[]){10, 7}, 5, 0);
}

/* Time is a size like any other where it is no first dimension. */
static void spectrum_net(eg_graph *g, const int64_t *d) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, d[0], d[1]));
	eg_tensor h = eg_relu(g, eg_conv2d(g, x, .filters = 4, .kernel = {3, 3}, .stride = {2, 1}));
	eg_output(g, "y", eg_linear(g, eg_flatten(g, eg_globalavgpool2d(g, h)), .units = 3));
}
static void test_time_as_height(void **state) {
	EG_UNUSED(state);
	compare_graphs(spectrum_net, (const char *const[]){"time", "width"}, (int64_t[]){9, 6}, 4, 9);
}

/* ---- two lengths ------------------------------------------------------------------------------------------------- */

/* Source d[0] steps, target d[1] steps: recurrent layers over both, one attends to the other, a class for every step
 * of the target. */
static void translator(eg_graph *g, const int64_t *d) {
	eg_tensor source = eg_input(g, "source", EG_I32, EG_DIMS(d[0], EG_N)),
	          lengths = eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N));
	eg_tensor input = eg_input(g, "words", EG_I32, EG_DIMS(d[1], EG_N)),
	          target = eg_input(g, "target", EG_I32, EG_DIMS(d[1], EG_N));
	eg_tensor memory = eg_gru(g, eg_embedding(g, source, .count = 4, .size = 8), .lengths = lengths, .hidden = 4,
	        .bidirectional = true);
	eg_tensor first = eg_linear(g, eg_last(g, memory, .lengths = lengths), .units = 8);
	eg_tensor h = eg_lstm(g, eg_add(g, eg_embedding(g, input, .count = 4, .size = 8), first), .hidden = 8);
	h = eg_add(g, h, eg_multi_head_attention(g, h, .source = memory, .lengths = lengths, .heads = 2));
	h = eg_sequence_mask(g, eg_reverse_sequence(g, h), lengths);
	eg_tensor logits = eg_linear(g, h, .units = 4);
	eg_output(g, "logits", logits);
	eg_output(g, "mean", eg_mean_time(g, logits));
	eg_output(g, "loss", eg_cross_entropy(g, logits, target, .axis = -1));
}

static void test_two_lengths(void **state) {
	EG_UNUSED(state);
	compare_graphs(translator, (const char *const[]){"time", "length"}, (int64_t[]){5, 3}, 3, 5);
	compare_graphs(translator, (const char *const[]){"time", "length"}, (int64_t[]){4, 4}, 18, 4);
	compare_graphs(translator, (const char *const[]){"source", "length"}, (int64_t[]){2, 7}, 5, 0);
}

/* Labels have a length of their own; a plan that does not read them does not need it. */
static void labels_net(eg_graph *g, const int64_t *d) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(d[0], EG_N, 6)),
	          labels = eg_input(g, "t", EG_I32, EG_DIMS(EG_N, d[1]));
	eg_tensor logits = eg_linear(g, eg_rnn(g, x, .hidden = 7), .units = 5);
	eg_output(g, "logits", logits);
	eg_output(g, "loss", eg_ctc(g, logits, labels, .blank = 4, .zero_infinity = true));
}

static void test_labels(void **state) {
	EG_UNUSED(state);
	compare_graphs(labels_net, (const char *const[]){"time", "labels"}, (int64_t[]){9, 3}, 5, 9);
	compare_graphs(labels_net, (const char *const[]){"time", "labels"}, (int64_t[]){2, 6}, 5,
	        2); /* more than there are steps: impossible */
	rig r = rig_new(1, NULL);
	labels_net(r.g, (int64_t[]){EG_T, eg_open_dim(r.g, "labels")});
	rig_ready(&r);
	refused(&r, &(eg_plan_options){.batch = 2, .time = 4}, EG_ERR_ARG, "input 't' (N,labels)", "size for 'labels'");
	eg_plan *plan = plan_of(
	        &r, &(eg_plan_options){.batch = 2, .time = 4, .outputs = (const char *const[]){"logits", NULL}});
	assert_int_equal(eg_plan_dims(plan, eg_graph_find(r.g, "logits")).d[0], 4);
	assert_true(eg_plan_dims(plan, eg_graph_find(r.g, "t")).d[1] < 0);
	eg_plan_free(plan);
	rig_free(&r);
}

/* ---- steps as samples -------------------------------------------------------------------------------------------- */

/* What is done with each picture: layouts and fusions of all kinds. */
static eg_tensor see(eg_graph *g, eg_tensor x) {
	x = eg_maxpool2d(
	        g, eg_relu(g, eg_conv2d(g, x, .filters = 4, .kernel = {3, 3}, .padding = {1, 1})), .kernel = {2, 2});
	x = eg_tanh(g, eg_batchnorm(g, eg_conv2d(g, x, .filters = 17, .kernel = {2, 2})));
	x = eg_relu(g, eg_linear(g, eg_flatten(g, x), .units = 10));
	return eg_linear(g, x, .units = 6);
}
static void frames(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 2, 6, 8)),
	          t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor y = see(g, eg_fold_time(g, x));
	eg_output(g, "y", eg_unfold_time(g, y));
	eg_output(g, "loss", eg_cross_entropy(g, y, eg_fold_time(g, t)));
}
static void samples(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 6, 8)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	eg_tensor y = see(g, x);
	eg_output(g, "y", y);
	eg_output(g, "loss", eg_cross_entropy(g, y, t));
}

/* T*N samples are T*N samples: the same bits as a batch of so many, forward and backward. */
static void test_frames(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int threads = 1; threads <= 3; threads++) {
			rig a = rig_new(threads, isas[i]), b = rig_new(1, isas[i]);
			frames(a.g);
			samples(b.g);
			rig_ready(&a);
			rig_ready(&b);
			for (int k = 0; k < 2 * EG_LAYOUT_CHOICES; k++) {
				eg_plan_options o = {.batch = 7,
				        .time = 5,
				        .train = k % 2,
				        .input_grads = k % 2,
				        .layout = (eg_layout_choice)(k / 2)};
				numbers have = results(&a, &o);
				o.batch = 35;
				numbers want = results(&b, &o);
				compare(have, want, 0, "steps as samples");
				free(have.x);
				free(want.x);
			}
			rig_free(&a);
			rig_free(&b);
		}
}

/* Each frame in a run of its own (in inference, where a batch normalisation leaves samples alone). */
static void test_frame_by_frame(void **state) {
	EG_UNUSED(state);
	enum { N = 3, T = 5, PIXELS = 2 * 6 * 8, K = 6 };
	rig a = rig_new(2, NULL), b = rig_new(1, NULL);
	frames(a.g);
	samples(b.g);
	rig_ready(&a);
	rig_ready(&b);
	const char *const only[] = {"y", NULL};
	eg_plan *all = plan_of(&a, &(eg_plan_options){.batch = N, .time = T, .outputs = only});
	eg_plan *one = plan_of(&b, &(eg_plan_options){.batch = 1, .outputs = only});
	fill_inputs(&a, all);
	eg_plan_run(all, 0);
	for (int i = 0; i < T * N; i++) {
		memcpy(eg_plan_input(one, "x"), (const eg_real *)eg_plan_input(all, "x") + i * PIXELS,
		        PIXELS * sizeof(eg_real));
		eg_plan_run(one, 0);
		for (int k = 0; k < K; k++)
			net_near(eg_plan_output(all, "y")[i * K + k], eg_plan_output(one, "y")[k], 1e-5);
	}
	eg_plan_free(all);
	eg_plan_free(one);
	rig_free(&a);
	rig_free(&b);
}

/* A network in which samples, and steps of samples, and steps of another length, are batches, in turn and side by
 * side. */
static void batches(eg_graph *g, const int64_t *d) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(d[0], EG_N, 2, 6, 8)),
	          c = eg_input(g, "c", EG_F32, EG_DIMS(d[1], EG_N, 5));
	eg_tensor still = eg_input(g, "s", EG_F32, EG_DIMS(EG_N, 2, 6, 8)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	eg_tensor seen = eg_unfold_time(g, see(g, eg_fold_time(g, x)));
	eg_tensor read = eg_fold_time(
	        g, eg_gru(g, eg_unfold_time(g, eg_relu(g, eg_linear(g, eg_fold_time(g, c), .units = 9))), .hidden = 6));
	eg_tensor again = eg_unfold_time(g, eg_sigmoid(g, eg_linear(g, eg_add(g, read, read), .units = 6)));
	eg_tensor h = eg_add(g, eg_last(g, eg_lstm(g, seen, .hidden = 6)), eg_mean_time(g, again));
	h = eg_add(g, h,
	        eg_linear(
	                g, eg_flatten(g, eg_relu(g, eg_conv2d(g, still, .filters = 3, .kernel = {3, 3}))), .units = 6));
	eg_output(g, "seen", eg_unfold_time(g, eg_fold_time(g, seen)));
	eg_output(g, "twice", eg_fold_time(g, eg_add(g, again, again)));
	eg_output(g, "loss", eg_cross_entropy(g, eg_linear(g, eg_dropout(g, h, .rate = 0.25f), .units = 4), t));
}

/* One to three threads: the same bits. Other layouts, no fusion, nothing put off: about the same numbers. */
static void several_batches(const char *isa, const int *extent, bool train, int ways) {
	numbers first = {0}, one = {0};
	for (int way = 0; way < 3 * ways; way++) {
		const int threads = 1 + way % 3, k = way / 3;
		rig r = rig_new(threads, isa);
		batches(r.g, (int64_t[]){EG_T, eg_open_dim(r.g, "length")});
		rig_ready(&r);
		eg_plan_options o = {.batch = extent[0],
		        .time = extent[1],
		        .sizes = sizes_of("length", extent[2], NULL, 0),
		        .train = train,
		        .input_grads = train,
		        .layout = (eg_layout_choice)(k % EG_LAYOUT_CHOICES),
		        .no_fusion = k / EG_LAYOUT_CHOICES % 2,
		        .no_defer = k / EG_LAYOUT_CHOICES / 2,
		        .seed = 3};
		numbers have = results(&r, &o);
		if (threads > 1) compare(have, one, 0, "several batches, more threads");
		if (k > 0) compare(have, first, 2e-4, "several batches, another way");
		numbers *keep = threads > 1 ? NULL : k > 0 ? &one : &first;
		if (k == 0 && threads == 1) add_numbers(&one, have.x, have.n);
		if (keep) {
			free(keep->x);
			*keep = have;
		} else {
			free(have.x);
		}
		rig_free(&r);
	}
	free(one.x);
	free(first.x);
}

static void test_several_batches(void **state) {
	EG_UNUSED(state);
	static const int extents[][3] = {{7, 5, 3}, {16, 2, 1}, {1, 17, 3}, {20, 4, 9}};
	const char *isas[4];
	for (int i = 0, n = net_isas(isas); i < n; i++)
		for (int e = 0; e < EG_COUNT(extents); e++)
			for (int train = 0; train < 2; train++)
				several_batches(isas[i], extents[e], train == 1, (e ? 1 : 4) * EG_LAYOUT_CHOICES);
}

/* The same with all sizes fixed but the batch. */
static void test_several_batches_fixed(void **state) {
	EG_UNUSED(state);
	compare_graphs(batches, (const char *const[]){"time", "length"}, (int64_t[]){5, 3}, 7, 5);
	compare_graphs(batches, (const char *const[]){"frames", "length"}, (int64_t[]){4, 9}, 20, 0);
}

/* Steps as samples in a session: chunk by chunk. */
static void test_session(void **state) {
	EG_UNUSED(state);
	enum { N = 2, STEPS = 11, I = 5, K = 6 };
	rig r = rig_new(2, NULL);
	eg_tensor x = eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I));
	eg_tensor h = eg_unfold_time(r.g, eg_relu(r.g, eg_linear(r.g, eg_fold_time(r.g, x), .units = 7)));
	eg_output(r.g, "y", eg_gru(r.g, h, .hidden = K));
	rig_ready(&r);
	eg_plan *whole = plan_of(&r, &(eg_plan_options){.batch = N, .time = STEPS});
	fill_inputs(&r, whole);
	eg_plan_run(whole, 0);
	eg_session *s = eg_session_new(r.g, r.p, &(eg_session_options){.batch = N, .chunk = 4}, NULL);
	assert_non_null(s);
	eg_real y[STEPS * N * K], *out = y;
	const char *name = "x";
	const void *in = eg_plan_input(whole, "x");
	assert_int_equal(eg_session_run(s, STEPS, &name, &in, 1, &out, NULL), EG_OK);
	assert_memory_equal(y, eg_plan_output(whole, "y"), sizeof y);
	eg_session_free(s);
	eg_plan_free(whole);
	rig_free(&r);
}

/* The state of a batch that is no open one, carried from run to run; and a session over pictures whose size it was
 * given. */
static void test_state(void **state) {
	EG_UNUSED(state);
	enum { STEPS = 6, HALF = 3, B = 3, F = 4, H = 5 };
	rig r = rig_new(1, NULL);
	eg_output(r.g, "y", eg_lstm(r.g, eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, B, F)), .hidden = H));
	rig_ready(&r);
	eg_plan *whole = plan_of(&r, &(eg_plan_options){.batch = 1, .time = STEPS});
	eg_plan *half = plan_of(&r, &(eg_plan_options){.batch = 1, .time = HALF, .carry = true});
	size_t n;
	eg_plan_state(half, &n);
	assert_true(n >= 2 * B * H);
	fill_inputs(&r, whole);
	eg_plan_run(whole, 0);
	for (int i = 0; i < 2; i++) {
		memcpy(eg_plan_input(half, "x"), (const eg_real *)eg_plan_input(whole, "x") + i * HALF * B * F,
		        HALF * B * F * sizeof(eg_real));
		eg_plan_run(half, 0);
		assert_memory_equal(eg_plan_output(half, "y"), eg_plan_output(whole, "y") + i * HALF * B * H,
		        HALF * B * H * sizeof(eg_real));
	}
	eg_plan_free(whole);
	eg_plan_free(half);
	rig_free(&r);
}

static void test_session_sizes(void **state) {
	EG_UNUSED(state);
	enum { N = 2, STEPS = 5, HEIGHT = 6, K = 4 };
	rig r = rig_new(1, NULL);
	eg_tensor x = eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 2, eg_open_dim(r.g, "height"), 5));
	eg_tensor h = eg_conv2d(r.g, eg_fold_time(r.g, x), .filters = 3, .kernel = {3, 3});
	h = eg_unfold_time(r.g, eg_flatten(r.g, eg_globalavgpool2d(r.g, h)));
	eg_output(r.g, "y", eg_rnn(r.g, h, .hidden = K));
	rig_ready(&r);
	const eg_size *sizes = sizes_of("height", HEIGHT, NULL, 0);
	eg_plan *whole = plan_of(&r, &(eg_plan_options){.batch = N, .time = STEPS, .sizes = sizes});
	fill_inputs(&r, whole);
	eg_plan_run(whole, 0);
	eg_error err;
	assert_null(eg_session_new(r.g, r.p, &(eg_session_options){.batch = N}, &err));
	assert_contains(err.message, "'height'");
	eg_session *s = eg_session_new(r.g, r.p, &(eg_session_options){.batch = N, .chunk = 2, .sizes = sizes}, NULL);
	assert_non_null(s);
	eg_real y[STEPS * N * K], *out = y;
	const char *name = "x";
	const void *in = eg_plan_input(whole, "x");
	assert_int_equal(eg_session_run(s, STEPS, &name, &in, 1, &out, NULL), EG_OK);
	for (int i = 0; i < STEPS * N * K; i++) net_near(y[i], eg_plan_output(whole, "y")[i], 1e-5);
	eg_session_free(s);
	eg_plan_free(whole);
	rig_free(&r);
}

/* ---- caches, memory ---------------------------------------------------------------------------------------------- */

static void test_cache(void **state) {
	EG_UNUSED(state);
	rig r = rig_new(1, NULL);
	pixel_net(r.g, (int64_t[]){eg_open_dim(r.g, "height"), eg_open_dim(r.g, "width")});
	rig_ready(&r);
	char word[] = "height";
	eg_plan_options o = {.batch = 1, .sizes = sizes_of(word, 4, "width", 5)};
	eg_plan_cache *c = eg_plan_cache_new(r.g, r.p, &o, NULL);
	word[0] = '\0'; /* what the options pointed to need not stay */
	*sizes_of("width", 0, NULL, 0) = (eg_size){0};
	eg_plan *own = eg_plan_cache_get(c, 2, 0, NULL, NULL);
	assert_non_null(own);
	assert_int_equal(eg_plan_size(own, "height"), 4);
	assert_ptr_equal(eg_plan_cache_get(c, 2, 0, sizes_of("width", 5, "height", 4), NULL), own); /* in any order */
	eg_plan *wide = eg_plan_cache_get(c, 2, 0, sizes_of("height", 4, "width", 9), NULL);
	assert_ptr_not_equal(wide, own);
	assert_int_equal(eg_plan_dims(wide, eg_graph_find(r.g, "y")).d[3], 9);
	assert_ptr_equal(eg_plan_cache_get(c, 2, 0, sizes_of("height", 4, "width", 9), NULL), wide);
	assert_ptr_not_equal(eg_plan_cache_get(c, 3, 0, sizes_of("height", 4, "width", 9), NULL), wide);
	assert_ptr_equal(eg_plan_cache_get(c, 2, 0, NULL, NULL), own);
	eg_error err;
	assert_null(eg_plan_cache_get(c, 2, 0, sizes_of("height", 4, NULL, 0), &err));
	assert_contains(err.message, "'width'");
	assert_null(eg_plan_cache_get(c, 2, 0, sizes_of("height", 4, "with", 9), &err));
	assert_contains(err.message, "'with'");
	assert_ptr_equal(eg_plan_cache_get(c, 2, 0, NULL, NULL), own); /* a failure evicts nobody */
	eg_plan_cache_free(c);
	rig_free(&r);
}

/* Every allocation fails once: a status with a message, and nothing lost. */
static void test_allocations(void **state) {
	EG_UNUSED(state);
	bool done = false;
	for (long n = 0; n < 3000 && !done; n++) {
		meter m = {.left = n};
		eg_allocator a = {meter_alloc, meter_release, &m};
		eg_error err = {0};
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .allocator = &a}, &err);
		eg_graph *g = ctx ? eg_graph_new(ctx, &err) : NULL;
		if (g) {
			picture_net(g, (int64_t[]){eg_open_dim(g, "height"), eg_open_dim(g, "width")});
			eg_graph_status(g, &err);
		}
		eg_params *p = g ? eg_params_new(g, 1, &err) : NULL;
		eg_plan_options o = {.batch = 2, .train = true, .sizes = sizes_of("height", 9, "width", 8)};
		eg_plan_cache *c = p ? eg_plan_cache_new(g, p, &o, &err) : NULL;
		done = c && eg_plan_cache_get(c, 2, 0, NULL, &err);
		if (!done && err.status != EG_ERR_MEMORY)
			fail_msg("allocation %ld: %s: %s", n, eg_status_name(err.status), err.message);
		eg_plan_cache_free(c);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
		assert_int_equal(m.live, 0);
	}
	assert_true(done);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_handles),
	        cmocka_unit_test(test_refused_graphs),
	        cmocka_unit_test(test_refused_plans),
	        cmocka_unit_test(test_pictures),
	        cmocka_unit_test(test_time_as_height),
	        cmocka_unit_test(test_two_lengths),
	        cmocka_unit_test(test_labels),
	        cmocka_unit_test(test_frames),
	        cmocka_unit_test(test_frame_by_frame),
	        cmocka_unit_test(test_several_batches),
	        cmocka_unit_test(test_several_batches_fixed),
	        cmocka_unit_test(test_session),
	        cmocka_unit_test(test_state),
	        cmocka_unit_test(test_session_sizes),
	        cmocka_unit_test(test_cache),
	        cmocka_unit_test(test_allocations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

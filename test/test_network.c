/* test_network.c - recipes as graphs: shapes with their places, sequences, links, words for numbers, several inputs,
 * losses and outputs, and the objective's value and gradient. Not here: what is read and refused before
 * (test_recipe.c). */
#include "recipe_bed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void shapes_have_places(void **state) {
	(void)state;
	build_fails(HEAD "model:\n  - conv: {filters: 2, kernel: 9}\n  - flatten\n  - linear: classes\n",
		"r.yaml:6:5: conv2d 'conv1': ");
	build_fails(HEAD "model:\n  - softmax: 0\n  - flatten\n  - linear: classes\n",
		"r.yaml:6:5: softmax 'softmax1': axis 0 is the batch");
	build_fails(HEAD "model:\n  - flatten\n  - linear: 84\n",
		"r.yaml:7:5: the last layer gives 84 values for a sample, but there are 10 classes; end with `linear: "
		"classes`");
	build_fails(HEAD "model:\n  - relu\n", "r.yaml:6:5: the last layer gives 1 x 8 x 8 values for a sample, but "
					       "there are 10 classes; end with `linear: classes` after `flatten`");
}

/* ---- initial weights --------------------------------------------------------------------------------------------- */

/* A constant is that constant, in every layer that takes one; zero too. */
static void constants(void **state) {
	(void)state;
	static const struct {
		const char *written;
		eg_real value;
	} cases[] = {{"0", 0}, {"0.0", 0}, {"-0", 0}, {"0.25", (eg_real)0.25}, {"-3", -3}};
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		char text[700];
		snprintf(text, sizeof text,
			"name: t\ntask: x\ndata: {source: mnist}\ninputs: {picture: [1, 8, 8], word: [3]}\nmodel:\n"
			"  - conv: {from: picture, filters: 2, kernel: 3, init: constant, init_value: %s}\n"
			"  - flatten: {name: seen}\n"
			"  - embedding: {from: word, count: 5, size: 4, init: constant, init_value: %s}\n"
			"  - flatten: {name: read}\n"
			"  - concat: {from: [seen, read]}\n"
			"  - linear: {units: classes, init: constant, init_value: %s}\n",
			cases[c].written, cases[c].written, cases[c].written);
		built b = build(text, 10);
		eg_error err;
		int seen = 0;
		eg_params *p = eg_params_new(b.g, 7, &err);
		if (!p) fail_msg("%s", err.message);
		for (int i = 0; i < eg_params_count(p); i++) {
			size_t n = 1;
			eg_dims d = eg_params_dims(p, i);
			const eg_real *w = eg_params_data(p, i);
			if (!strstr(eg_params_name(p, i), ".weight")) continue;
			for (int k = 0; k < d.rank; k++) n *= (size_t)d.d[k];
			for (size_t k = 0; k < n; k++)
				if (w[k] != cases[c].value)
					fail_msg("%s begins with %g", eg_params_name(p, i), (double)w[k]);
			seen++;
		}
		assert_int_equal(seen, 3);
		eg_params_free(p);
		drop(&b);
	}
}

#define CODES(units, text) \
	"name: t\ntask: x\ndata: {source: mnist}\ninput: [4]\nmodel:\n  - rbf: {units: " units ", name: codes, init_value: 2, drawn: '" text \
	"'}\n  - linear: classes\n"

/* Codes that are drawn: # is init_value, . its negative; the first code first. */
static void drawn_codes(void **state) {
	(void)state;
	static const eg_real want[] = {2, -2, -2, 2, -2, -2, 2, 2};
	built b = build(CODES("2", "#.. #  ..##"), 10);
	eg_error err;
	eg_params *p = eg_params_new(b.g, 7, &err);
	if (!p) fail_msg("%s", err.message);
	const int at = eg_params_find(p, "codes.weight");
	const eg_dims d = eg_params_dims(p, at);
	assert_true(d.rank == 2 && d.d[0] == 2 && d.d[1] == 4);
	for (int i = 0; i < 8; i++) assert_true(eg_params_data(p, at)[i] == want[i]);
	eg_params_free(p);
	drop(&b);
	build_fails(CODES("2", "#.. #  .."), "r.yaml:6:5: rbf 'codes': 6 signs are drawn, but the codes have 8 numbers: draw one for each");
	build_fails(CODES("2", "#.. #  ..###"), "r.yaml:6:5: rbf 'codes': 9 signs are drawn, but the codes have 8 numbers");
	build_fails(CODES("2", "#..o#..#"), "r.yaml:6:5: rbf 'codes': codes are drawn with # and . alone: sign 4 is neither");
}

static void spare_class(void **state) {
	(void)state;
	built b = build(HEAD "model:\n  - flatten\n  - linear: 11\ntrain: {spare_class: true}\n", 10);
	drop(&b);
	build_fails(HEAD "model:\n  - flatten\n  - linear: classes\ntrain: {spare_class: true}\n",
		"r.yaml:7:5: the last layer gives 10 values for a sample, but there are 10 classes and the spare one (train.spare_class); end with "
		"`linear: 11`");
	build_fails(HEAD "model:\n  - flatten\n  - linear: 11\n", "r.yaml:7:5: the last layer gives 11 values for a sample, but there are 10 classes; end with");
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

static void sequences(void **state) {
	(void)state;
	/* ids in, a class for each step; how many ids there are is the number of classes unless told */
	built b = build(LETTERS "model:\n  - embedding: 5\n  - linear: classes\ntrain: {best: accuracy}\n", 12);
	assert_int_equal(eg_recipe_input(b.r).rank, 1);
	assert_int_equal(eg_recipe_input(b.r).d[0], EG_T);
	assert_int_equal(eg_recipe_train(b.r)->best, EG_BEST_METRIC);
	assert_tensor(b.g, "input", EG_I32, EG_DIMS(EG_T, EG_N));
	assert_tensor(b.g, "logits", EG_F32, EG_DIMS(EG_T, EG_N, 12));
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
	assert_int_equal(eg_graph_find(b.g, "lengths").id, 0);
	eg_params *p = eg_params_new(b.g, 1, NULL);
	assert_int_equal(eg_params_dims(p, eg_params_find(p, "embedding1.weight")).d[0], 12);
	eg_params_free(p);
	eg_recipe *again = accepted(eg_recipe_text(b.r), NULL); /* as a model file keeps it */
	assert_int_equal(eg_recipe_input(again).d[0], EG_T);
	eg_recipe_free(again);
	drop(&b);
	/* another number of ids; numbers in */
	b = build(LETTERS "model:\n  - embedding: {size: 5, count: 40}\n  - linear: classes\n", 12);
	p = eg_params_new(b.g, 1, NULL);
	assert_int_equal(eg_params_dims(p, eg_params_find(p, "embedding1.weight")).d[0], 40);
	eg_params_free(p);
	drop(&b);
	b = build(SERIES "model:\n  - linear: 3\n  - tanh\ntrain: {loss: mse}\n", 0);
	assert_tensor(b.g, "target", EG_F32, EG_DIMS(EG_T, EG_N, 3));
	drop(&b);
}

static void links(void **state) {
	(void)state;
	/* inputs by name, in any order; the first one is the layer before; an output by its name */
	built b = build(SERIES "model:\n  - linear: {units: 3, name: a}\n  - linear: {units: 3, name: b}\n"
			       "  - add: {from: {b: a.y}}\n  - add: {from: {b: add1, a: a}}\n  - linear: classes\n",
		4);
	assert_tensor(b.g, "input", EG_F32, EG_DIMS(EG_T, EG_N, 2));
	eg_node_info n = node_of(b.g, "add1");
	assert_int_equal(n.inputs[0].id, eg_graph_find(b.g, "b").id);
	assert_int_equal(n.inputs[1].id, eg_graph_find(b.g, "a").id);
	n = node_of(b.g, "add2");
	assert_int_equal(n.inputs[0].id, eg_graph_find(b.g, "a").id);
	assert_int_equal(n.inputs[1].id, eg_graph_find(b.g, "add1").id);
	drop(&b);
	/* lengths become an input of the graph, and a last layer without steps answers once for a sample */
	b = build(LETTERS "model:\n  - embedding: {size: 5, count: 7, from: lengths}\n  - linear: classes\n", 4);
	assert_tensor(b.g, "lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(b.g, "logits", EG_F32, EG_DIMS(EG_N, 4));
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_N));
	drop(&b);
	b = build(SERIES
		"model:\n  - linear: 3\n  - last: {from: {lengths: lengths}}\n  - linear: 1\ntrain: {loss: mse}\n",
		0);
	assert_tensor(b.g, "lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(b.g, "logits", EG_F32, EG_DIMS(EG_N, 1));
	assert_tensor(b.g, "target", EG_F32, EG_DIMS(EG_N, 1));
	drop(&b);
	/* outputs beside the first one */
	b = build(SERIES "model:\n  - lstm: {hidden: 5, name: read}\n"
			 "  - lstm: {hidden: 5, from: {x: input, c0: read.cn, h0: read.hn}}\n  - linear: classes\n",
		3);
	n = node_of(b.g, "lstm2");
	eg_tensor first = eg_graph_find(b.g, "read");
	assert_int_equal(n.ninputs, 4);
	assert_int_equal(n.inputs[0].id, eg_graph_find(b.g, "input").id);
	assert_int_equal(n.inputs[1].id, 0);
	assert_int_equal(n.inputs[2].id, eg_result(b.g, first, 1).id);
	assert_int_equal(n.inputs[3].id, eg_result(b.g, first, 2).id);
	drop(&b);
	/* a loss over sequences is told their lengths; what it tells besides becomes an output */
	b = build(SERIES "model:\n  - linear: 3\ntrain: {loss: crf}\n", 3);
	n = node_of(b.g, "crf1");
	assert_int_equal(n.ninputs, 3);
	assert_int_equal(n.inputs[2].id, eg_graph_find(b.g, "lengths").id);
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
	assert_tensor(b.g, "path", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_params *p = eg_params_new(b.g, 1, NULL);
	assert_true(eg_params_find(p, "crf1.transitions") >= 0);
	eg_params_free(p);
	drop(&b);
	b = build(SERIES "model:\n  - linear: {units: 3, name: a}\n  - reverse: {from: {lengths: lengths}}\n"
			 "train: {loss: {ctc: {blank: 2}}}\n",
		3);
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_N, eg_open_dim(b.g, "labels")));
	assert_tensor(b.g, "target_lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(b.g, "lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(b.g, "losses", EG_F32, EG_DIMS(EG_N));
	drop(&b);
	build_fails(SERIES "model:\n  - linear: classes\ntrain: {loss: {crf: {reduction: none}}}\n",
		"r.yaml:7:15: the loss 'crf' gives a number for each sample; to train on it, one number for all is "
		"needed");
	refused(SERIES "model:\n  - linear: {units: 3, from: lengts}\n",
		"r.yaml:6:30: no earlier layer 'lengts'; did you mean 'lengths'?");
	refused(HEAD "model:\n  - linear: {units: 3, from: lengths}\n",
		"r.yaml:6:30: only sequences have `lengths`: 'input' must begin with the word `time`, as in [time, 2]");
	refused(SERIES "model:\n  - linear: {units: 3, name: lengths}\n",
		"r.yaml:6:30: 'lengths' cannot be a layer's name: the graph uses it");
	refused(SERIES "model:\n  - linear: 3\n  - relu: {from: linear1.hn}\n",
		"r.yaml:7:18: no output of layer 'linear1' 'hn'; there are: y");
	refused(SERIES "model:\n  - linear: 3\n  - add: {from: {c: linear1}}\n",
		"r.yaml:7:18: unknown key 'c' in 'from' of layer 'add'; it takes: a, b");
	refused(SERIES "model:\n  - linear: 3\n  - add: {from: {a: linear1}}\n",
		"r.yaml:7:17: layer 'add' takes 2 inputs, not 1: name them with from: [a, b]");
	refused(SERIES "model:\n  - linear: 3\n  - relu: {from: {x: [linear1]}}\n",
		"r.yaml:7:22: 'from' names a layer, or is a list of names, or a map {input: name}; not a list");
}

static void refuses_sequences(void **state) {
	(void)state;
	refused(SMALL "train: {best: acuracy}\n", "r.yaml:9:15: no best 'acuracy'; did you mean 'accuracy'?");
	build_fails(LETTERS "model:\n  - embedding: 5\n  - linear: 12\n",
		"r.yaml:7:5: the last layer gives 12 values for each step, but there are 10 classes; end with `linear: "
		"classes`");
	build_fails(LETTERS "model:\n  - embedding: 5\n  - relu: {from: input}\n  - add: {from: [embedding1, relu1]}\n",
		"r.yaml:7:5: layer 'relu1' takes numbers, but layer 'embedding1' takes the same input as ids");
	build_fails(SERIES "model:\n  - conv: {filters: 2, kernel: 3}\n  - linear: classes\n",
		"r.yaml:6:5: conv2d 'conv1': ");
	/* no classes: neither the word nor a loss over them has a meaning */
	build_fails_with(SERIES "model:\n  - linear: classes\n", NULL,
		"r.yaml:6:13: 'units' in layer 'linear1' must be a whole number, or a word for one (there is none "
		"here), not 'classes'");
	build_fails_with(SERIES "model:\n  - linear: 3\n", NULL,
		"r.yaml:1:1: the loss 'cross_entropy' is one of classes, but there are none here");
	build_fails_with(LETTERS "model:\n  - embedding: 5\n", NULL,
		"r.yaml:6:5: layer 'embedding1' leaves out 'count', which then is `units`, but no number is called so: "
		"say how many "
		"(words for numbers: there is none here)");
	build_fails_with(SMALL, SIZES({"classes", 0}), "a network in which `classes` is 0 cannot be built");
}

/* ---- words for numbers ------------------------------------------------------------------------------------------- */

static void words(void **state) {
	(void)state;
	built b = build_with(LETTERS "model:\n  - embedding: 5\n  - linear: {units: hidden}\n  - linear: classes.kind\n"
				     "train: {loss: {cross_entropy: , target: kind}}\n",
		SIZES({"units", 40}, {"hidden", 7}, {"classes.kind", 3}));
	eg_params *p = eg_params_new(b.g, 1, NULL);
	assert_dims(eg_params_dims(p, eg_params_find(p, "embedding1.weight")), EG_DIMS(40, 5));
	assert_dims(eg_params_dims(p, eg_params_find(p, "linear1.weight")), EG_DIMS(7, 5));
	assert_tensor(b.g, "logits", EG_F32, EG_DIMS(EG_T, EG_N, 3));
	assert_tensor(b.g, "target.kind", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_params_free(p);
	drop(&b);
	build_fails(HEAD "model:\n  - flatten\n  - linear: {units: clases}\n",
		"r.yaml:7:21: 'units' in layer 'linear1': no number is called `clases`; did you mean `classes`?");
	build_fails(HEAD "model:\n  - conv: {filters: six, kernel: 3}\n  - flatten\n  - linear: classes\n",
		"r.yaml:6:21: 'filters' in layer 'conv1' must be a whole number, or a word for one (there are: "
		"classes, units), not 'six'");
	build_fails_with(HEAD "model:\n  - flatten\n  - linear: many\n", SIZES({"classes", 10}, {"many", 1 << 30}),
		"r.yaml:7:5: linear 'linear1': attribute 'units' is 1073741824, allowed are 1 to 16777216");
	build_fails(SEVERAL "input: [classes, 2]\nmodel:\n  - linear: 3\n",
		"r.yaml:4:9: `classes` is to leave a size open, but here it is the word for the number 10; take another word");
	/* A loss over the classes of a field is held to their number, where that is known. */
	build_fails_with(SEVERAL "input: 4\nmodel:\n  - linear: {units: 5, name: kind}\ntrain: {loss: [{cross_entropy: "
				 ", target: kind}]}\n",
		SIZES({"classes.kind", 3}),
		"r.yaml:6:5: the last layer gives 5 values for a sample, but there are 3 classes; end with `linear: "
		"classes.kind`");
}

/* A class for each place of a picture. */
static void places(void **state) {
	(void)state;
	built b = build(HEAD "model:\n  - conv: {filters: classes, kernel: 1}\n", 5);
	assert_tensor(b.g, "logits", EG_F32, EG_DIMS(EG_N, 5, 8, 8));
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_N, 8, 8));
	drop(&b);
	build_fails(SEVERAL "input: [6, 4]\nmodel:\n  - linear: 5\ntrain: {loss: {cross_entropy: {axis: -1}}}\n",
		"r.yaml:6:5: the last layer gives 6 x 5 values for a sample, but there are 10 classes; end with "
		"`linear: classes`");
	build_fails(SEVERAL "input: [6, 4]\nmodel:\n  - linear: 10\n",
		"r.yaml:6:5: the last layer gives 6 x 10 values for a sample, but there are 10 classes; end with "
		"`linear: classes` after "
		"`flatten`, or tell the loss that the classes come last: `axis: -1`");
	build_fails(SEVERAL "input: 10\nmodel:\n  - linear: 10\ntrain: {loss: crf}\n",
		"r.yaml:7:15: the loss 'crf' is one of sequences: the input that it comes from must begin with the "
		"word `time`, as in "
		"[time, 2]");
}

/* ---- several inputs, losses, outputs ----------------------------------------------------------------------------- */

#define TWO \
	SEVERAL "inputs: {picture: [2, 3], word: [time]}\nmodel:\n  - flatten: {from: picture}\n" \
		"  - linear: {units: 4, name: seen}\n  - embedding: {size: 4, from: word, name: read}\n" \
		"  - last: {from: {x: read, lengths: lengths}, name: end}\n  - add: {from: [seen, end], name: both}\n" \
		"  - linear: {units: 2, name: age}\n  - linear: {units: classes, from: both, name: kind}\n"

static void several(void **state) {
	(void)state;
	built b = build_with(TWO
		"outputs: {summary: both, steps: read}\ntrain:\n  loss:\n"
		"    - {cross_entropy: , of: kind}\n    - {mse: , of: age, target: years, weight: 0.25}\n"
		"    - {l1: , of: age, target: years}\n",
		SIZES({"classes", 3}, {"units", 9}));
	assert_tensor(b.g, "picture", EG_F32, EG_DIMS(EG_N, 2, 3));
	assert_tensor(b.g, "word", EG_I32, EG_DIMS(EG_T, EG_N));
	assert_tensor(b.g, "lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_N));
	assert_tensor(b.g, "target.years", EG_F32, EG_DIMS(EG_N, 2)); /* two losses share it */
	assert_tensor(b.g, "logits", EG_F32, EG_DIMS(EG_N, 3));
	assert_tensor(b.g, "summary", EG_F32, EG_DIMS(EG_N, 4));
	assert_tensor(b.g, "steps", EG_F32, EG_DIMS(EG_T, EG_N, 4));
	static const char *const scalars[] = {"loss", "loss.1", "loss.2", "loss.3"};
	for (int i = 0; i < 4; i++) assert_tensor(b.g, scalars[i], EG_F32, (eg_dims){0});
	assert_int_equal(eg_graph_find(b.g, "input").id, 0);
	drop(&b);
	build_fails(TWO "train: {loss: [{cross_entropy: , of: kind, target: x}, {mse: , of: age, target: x}]}\n",
		"r.yaml:13:56: the loss 'mse' needs another 'target.x' than a loss before it: give each its own field "
		"with "
		"`target: FIELD`");
}

static double value(const eg_plan *p, const char *name) { return (double)eg_plan_output(p, name)[0]; }

/* The objective is the sum of the losses, each times its weight; so is its gradient, however many losses are looked
 * at. */
static void objective(void **state) {
	(void)state;
	enum { N = 3 };
	static const char recipe[] = SEVERAL "input: 4\nmodel:\n  - linear: {units: 2, name: a}\n  - linear: {units: "
					     "2, name: b, from: a}\ntrain:\n  loss:\n"
					     "    - {mse: , of: a, weight: 0.5}\n    - {l1: , of: b, target: x, "
					     "weight: 3}\n    - {huber: , of: b}\n";
	static const char *const all[] = {"loss", "loss.1", "loss.2", "loss.3", NULL}, *const one[] = {"loss", NULL};
	const double weights[] = {0.5, 3, 1};
	eg_error err = {0};
	built b = build(recipe, 0);
	eg_params *p = eg_params_new(b.g, 3, &err);
	size_t n;
	eg_params_flat_grad(p, &n);
	eg_real *grad = calloc(n, sizeof *grad);
	assert_non_null(grad);
	for (int round = 0; round < 2; round++) {
		eg_plan *plan = eg_plan_new(
			b.g, p, &(eg_plan_options){.batch = N, .train = true, .outputs = round ? all : one}, &err);
		if (!plan) fail_msg("%s", err.message);
		static const char *const inputs[] = {"input", "target", "target.x"};
		for (int k = 0; k < 3; k++) {
			eg_real *x = eg_plan_input(plan, inputs[k]);
			for (int i = 0; i < N * (k ? 2 : 4); i++) x[i] = (eg_real)sin(7 * i + k);
		}
		eg_plan_run(plan, 0);
		if (round == 0) memcpy(grad, eg_params_flat_grad(p, NULL), n * sizeof *grad);
		double sum = 0;
		for (int i = 0; i < 3 && round; i++) sum += weights[i] * value(plan, all[i + 1]);
		if (round) assert_true(fabs(sum - value(plan, "loss")) < 1e-5 * fabs(sum) && sum > 0);
		eg_plan_free(plan);
	}
	assert_memory_equal(grad, eg_params_flat_grad(p, NULL), n * sizeof *grad);
	double longest = 0;
	for (size_t i = 0; i < n; i++) longest = fmax(longest, fabs((double)grad[i]));
	assert_true(longest > 0);
	free(grad);
	eg_params_free(p);
	drop(&b);

	/* One loss with a weight. */
	b = build(SEVERAL "input: 2\nmodel:\n  - relu\ntrain: {loss: [{mse: , weight: 4}]}\n", 0);
	p = eg_params_new(b.g, 1, &err);
	eg_plan *plan = eg_plan_new(b.g, p, &(eg_plan_options){.batch = 1}, &err);
	eg_real *x = eg_plan_input(plan, "input"), *t = eg_plan_input(plan, "target");
	x[0] = 3, x[1] = 1, t[0] = 1, t[1] = 1;
	eg_plan_run(plan, 0);
	assert_true(value(plan, "loss.1") == 2 && value(plan, "loss") == 8);
	eg_plan_free(plan);
	eg_params_free(p);
	drop(&b);
}

/* Sizes that a word leaves open: the batch goes behind the first one, but not behind height or width. */
static void open_sizes(void **state) {
	(void)state;
	built b = build(SEVERAL
		"inputs: {image: [3, height, width], sound: [frames, 40], more: [frames, 5], word: [time]}\nmodel:\n"
		"  - conv: {filters: 2, kernel: 3, from: image, name: seen}\n"
		"  - last: {from: {x: sound, lengths: lengths.frames}, name: heard}\n"
		"  - last: {from: {x: more}}\n  - fold_time: {from: word}\n  - embedding: {size: 3, name: read}\n  - "
		"unfold_time\n"
		"  - linear: classes\noutputs: [seen, heard, last2]\n",
		4);
	int64_t height = eg_open_dim(b.g, "height"), frames = eg_open_dim(b.g, "frames");
	assert_tensor(b.g, "image", EG_F32, EG_DIMS(EG_N, 3, height, eg_open_dim(b.g, "width")));
	assert_tensor(b.g, "sound", EG_F32, EG_DIMS(frames, EG_N, 40));
	assert_tensor(b.g, "more", EG_F32, EG_DIMS(frames, EG_N, 5));
	assert_tensor(b.g, "lengths.frames", EG_I32, EG_DIMS(EG_N));
	assert_int_equal(eg_graph_find(b.g, "lengths").id, 0);
	assert_tensor(
		b.g, "word", EG_I32, EG_DIMS(EG_T, EG_N)); /* fold_time takes either; what is behind it takes ids */
	assert_tensor(b.g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
	drop(&b);
	/* Losses over sequences of another word are told its lengths. */
	b = build(SEVERAL "input: [frames, 2]\nmodel:\n  - linear: classes\ntrain: {loss: crf}\n", 4);
	eg_node_info n = node_of(b.g, "crf1");
	assert_int_equal(n.inputs[2].id, eg_graph_find(b.g, "lengths.frames").id);
	assert_tensor(b.g, "path", EG_I32, EG_DIMS(eg_open_dim(b.g, "frames"), EG_N));
	drop(&b);
	build_fails(SEVERAL "input: [height, width]\nmodel:\n  - linear: classes\n", "r.yaml:6:5: linear 'linear1': ");
	build_fails(SEVERAL "input: [rows, 2]\nmodel:\n  - linear: 3\n",
		"r.yaml:6:5: the last layer gives 3 values for each step, but there are 10 classes; end with `linear: "
		"classes`");
}

/* ---- losses and their targets ------------------------------------------------------------------------------------ */

/* Every operator with an input called target says what that is, and takes what it says. */
static void targets(void **state) {
	(void)state;
	int losses = 0;
	for (int i = 0; i < eg_op_count(); i++) {
		const eg_op_info *op = eg_op_at(i);
		eg_error err = {0};
		eg_target_info t;
		eg_dims x = EG_DIMS(EG_T, EG_N, 5);
		bool loss = op->min_inputs >= 2 && !strcmp(op->inputs[1], "target");
		bool pairs = !strcmp(op->name, "gaussian_nll") || !strcmp(op->name, "student_t_nll");
		bool boxes = !strcmp(op->name, "iou");
		if (boxes) x = EG_DIMS(EG_T, EG_N, 4);
		if (pairs) x = EG_DIMS(EG_T, EG_N, 10); /* a place and a scale for each of five numbers */
		bool batch = !strcmp(op->name, "supervised_contrastive");
		if (batch) x = EG_DIMS(EG_N, 5); /* a row against all others, no steps */
		assert_int_equal(eg_op_target(op, NULL, &x, &t, &err) == EG_OK, loss);
		if (batch) assert_dims(t.dims, EG_DIMS(EG_N));
		if (batch) assert_int_equal(t.type, EG_I32);
		x = EG_DIMS(EG_T, EG_N, 5);
		if (boxes) x.d[2] = 4;
		if (!loss) {
			assert_int_equal(err.status, EG_ERR_ARG);
			continue;
		}
		losses += batch;
		if (batch) continue;
		bool classes = op->types[1] != 'f'; /* or either: a class, then */
		losses++;
		assert_int_equal(t.type, classes ? EG_I32 : EG_F32);
		assert_int_equal(t.class_axis, classes ? 2 : -1);
		if (!classes) assert_dims(t.dims, x);
		if (classes && t.open) assert_dims(t.dims, EG_DIMS(EG_N, 0));
		if (classes && !t.open) assert_dims(t.dims, EG_DIMS(EG_T, EG_N));
	}
	assert_int_equal(losses, 24);
	eg_target_info t;
	eg_error err = {0};
	const eg_op_info *op = eg_op_find("cross_entropy");
	assert_int_equal(eg_op_target(op, NULL, &EG_DIMS(EG_N, 5, 8, 9), &t, &err), EG_OK);
	assert_dims(t.dims, EG_DIMS(EG_N, 8, 9));
	assert_int_equal(t.class_axis, 1);
	assert_int_equal(eg_op_target(op, NULL, &EG_DIMS(EG_N), &t, &err), EG_ERR_SHAPE);
	assert_string_equal(err.message, "cross_entropy: logits (N) need at least 2 dimensions, (N,classes,...)");
	assert_int_equal(eg_op_target(eg_op_find("ctc"), NULL, &EG_DIMS(EG_N, 5), &t, NULL), EG_ERR_SHAPE);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_have_places),
		cmocka_unit_test(constants),
		cmocka_unit_test(drawn_codes),
		cmocka_unit_test(spare_class),
		cmocka_unit_test(sequences),
		cmocka_unit_test(links),
		cmocka_unit_test(refuses_sequences),
		cmocka_unit_test(words),
		cmocka_unit_test(places),
		cmocka_unit_test(several),
		cmocka_unit_test(objective),
		cmocka_unit_test(open_sizes),
		cmocka_unit_test(targets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_recipe.c - recipes: what is read, what is refused and with which words, overrides, sections and settings read by
 * tables, the schema. Not here: the graphs that are made of them (test_network.c). */
#include "recipe_bed.h"

#include "engram_ops.h"
#include "io/recipe.h"

#include <math.h>
#include <stdlib.h>

/* ---- what is read ------------------------------------------------------------------------------------------------ */

static void reads_lenet5(void **state) {
	(void)state;
	eg_recipe *r = NULL;
	eg_error err = {0};
	if (eg_recipe_load("recipes/lenet5.yaml", NULL, &r, &err)) fail_msg("%s", err.message);
	assert_string_equal(eg_recipe_name(r), "lenet5");
	assert_string_equal(eg_recipe_task(r), "classify");
	eg_dims d = eg_recipe_input(r);
	assert_int_equal(d.rank, 3);
	assert_int_equal(d.d[0], 1);
	assert_int_equal(d.d[2], 28);
	const eg_train_config *t = eg_recipe_train(r);
	assert_int_equal(t->batch, 64);
	assert_int_equal(t->optimizer.kind, EG_ADAM);
	assert_true(t->optimizer.lr == 2.0e-3);
	assert_int_equal(t->schedule.kind, EG_SCHEDULE_COSINE);

	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_graph *g = NULL;
	assert_non_null(ctx);
	if (eg_recipe_build(r, ctx, SIZES({"classes", 10}), &g, &err)) fail_msg("%s", err.message);
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_non_null(p);
	int64_t weights = 0;
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims dims = eg_params_dims(p, i);
		int64_t n = 1;
		for (int k = 0; k < dims.rank; k++) n *= dims.d[k];
		weights += n;
	}
	assert_int_equal(weights, 61706); /* LeCun et al. 1998 with full connections to C3 */
	assert_int_equal(eg_params_find(p, "conv1.weight"), 0);
	assert_true(eg_params_find(p, "linear2.bias") > 0);
	assert_true(eg_graph_find(g, "loss").id > 0);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	eg_recipe_free(r);
}

static void reads_every_form(void **state) {
	(void)state;
	const char *text =
		"name: \"forms-1.0\"\ntask: classify\ndata: mnist\ninput: [2, 9, 9]\n"
		"model:\n"
		"  - conv: {filters: 4, kernel: [3, 3], padding: 1, bias: false, name: stem}\n"
		"  - relu: {name: act}\n"
		"  - conv: {filters: 4, kernel: 1, from: stem, init: he_normal}\n"
		"  - add: {from: [act, conv2]}\n"
		"  - dropout: 0.25\n"
		"  - maxpool: {kernel: 3, stride: 3}\n"
		"  - flatten:\n"
		"  - linear: {units: classes, name: head}\n"
		"train: {optimizer: {adamw: {weight_decay: 0}}, loss: {cross_entropy: {label_smoothing: 0.1}},\n"
		"  schedule: {step: {every: 2.5, warmup: 0.5}}, lr: 1e-4, seed: 18446, clip_norm: 1, keep_last: "
		"true}\n";
	eg_recipe *r = accepted(text, NULL);
	const eg_train_config *t = eg_recipe_train(r);
	assert_int_equal(t->optimizer.kind, EG_ADAMW);
	assert_true(t->optimizer.lr == 1e-4 && t->optimizer.weight_decay == 0 && signbit(t->optimizer.weight_decay) &&
		    t->optimizer.clip_norm == 1);
	assert_true(t->schedule.every == 2.5 && t->schedule.warmup == 0.5 && t->keep_last && t->seed == 18446);
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_graph *g = NULL;
	if (eg_recipe_build(r, ctx, SIZES({"classes", 7}), &g, &err)) fail_msg("%s", err.message);
	assert_int_equal(eg_tensor_dims(g, eg_graph_find(g, "logits")).d[1], 7);
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_true(eg_params_find(p, "stem.weight") >= 0);
	assert_true(eg_params_find(p, "stem.bias") < 0);
	assert_true(eg_params_find(p, "head.bias") >= 0);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	eg_recipe_free(r);
}

/* A 0 that is written is a 0, whatever the default is; and nothing written is the default. */
static void reads_zero(void **state) {
	(void)state;
	static const char *const texts[] = {"name: t\ntask: regress\ndata: adding\ninput: [time, 2]\nmodel:\n  - "
					    "dropout\n  - lstm: {hidden: 4}\n  - last\n  - linear: 1\n"
					    "train: {loss: smooth_l1, optimizer: adamw, schedule: plateau}\n",
		"name: t\ntask: regress\ndata: adding\ninput: [time, 2]\nmodel:\n  - dropout: 0\n  - lstm: {hidden: 4, "
		"forget_bias: 0.0}\n  - last\n"
		"  - linear: 1\n"
		"train: {loss: {smooth_l1: {beta: 0}}, optimizer: {adamw: {beta1: 0, beta2: -0.0, weight_decay: 0}}, "
		"forget: 0,\n"
		"  schedule: {plateau: {factor: 0, threshold: 0}}}\n"};
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	for (int zero = 0; zero < 2; zero++) {
		eg_graph *g = NULL;
		eg_recipe *r = accepted(texts[zero], NULL), *again = accepted(eg_recipe_text(r), NULL);
		const eg_train_config *t = eg_recipe_train(again);
		const double said[] = {t->optimizer.beta1, t->optimizer.beta2, t->optimizer.weight_decay,
			t->schedule.factor, t->schedule.threshold};
		for (size_t i = 0; i < sizeof said / sizeof *said; i++)
			assert_true(said[i] == 0 && !signbit(said[i]) == !zero);
		assert_true(zero ? t->forget == 0 : t->forget > 0);
		if (eg_recipe_build(again, ctx, NULL, &g, &err)) fail_msg("%s", err.message);
		eg_node_info node;
		eg_graph_node(g, 0, &node);
		assert_true(((const eg_dropout_options *)node.options)->rate == (zero ? 0 : 0.5f));
		eg_graph_node(g, 1, &node);
		assert_true(((const eg_lstm_options *)node.options)->forget_bias == (zero ? 0 : 1));
		eg_graph_node(g, eg_graph_nodes(g) - 1, &node);
		assert_true(((const eg_smooth_l1_options *)node.options)->beta == (zero ? 0 : 1));
		eg_graph_free(g);
		eg_recipe_free(again);
		eg_recipe_free(r);
	}
	eg_context_free(ctx);
	refused(HEAD "model:\n  - conv: {filters: 0, kernel: 3}\n  - flatten\n  - linear: classes\n",
		"r.yaml:6:21: 'filters' in layer 'conv' is 0; it must be at least 1 and at most 16777216");
	refused(HEAD MODEL "train: {optimizer: {adam: {lr: 0}}}\n",
		"r.yaml:9:32: 'lr' in optimizer 'adam' is 0; it must be above 0 and at most 1000");
}

static void text_reads_again(void **state) {
	(void)state;
	eg_recipe *r = accepted(SMALL
		"train: {epochs: 3, optimizer: {sgd: {lr: 0.1, momentum: 0.9}}}\ndescription: 'two: words #'\n",
		(const char *const[]){"train.epochs=4", NULL});
	eg_recipe *again = accepted(eg_recipe_text(r), NULL);
	assert_int_equal(eg_recipe_train(again)->epochs, 4);
	assert_true(eg_recipe_train(again)->optimizer.momentum == 0.9);
	assert_string_equal(eg_recipe_text(r), eg_recipe_text(again));
	eg_recipe_free(again);
	eg_recipe_free(r);
}

static void overrides(void **state) {
	(void)state;
	eg_recipe *r = accepted(SMALL "train: {optimizer: adam}\n",
		(const char *const[]){"model.0.conv.filters=5", "train.optimizer.adam.lr=0.5", "train.schedule=cosine",
			"data.validation=0.25", "train.schedule.cosine.min_lr=1e-3", "input=[1, 9, 9]",
			"data.mean=[0.5]", NULL});
	assert_true(eg_recipe_train(r)->optimizer.lr == 0.5 && eg_recipe_train(r)->optimizer.kind == EG_ADAM);
	assert_true(eg_recipe_train(r)->schedule.min_lr == 1e-3);
	assert_int_equal(eg_recipe_input(r).d[1], 9);
	eg_recipe_free(r);

	/* The short form takes overrides as the long one does, also when it is itself an override. */
	for (int i = 0; i < 3; i++) {
		static const char *const sets[3][4] = {
			{"data.limit=100"}, {"data.source=mnist", "data.limit=100"}, {"data=mnist", "data.limit=100"}};
		r = accepted("name: t\ntask: classify\ndata: fashion-mnist\ninput: 4\n" MODEL, sets[i]);
		assert_string_equal(eg_tree_find(r->root, "data.source")->text, i ? "mnist" : "fashion-mnist");
		assert_string_equal(eg_tree_find(r->root, "data.limit")->text, "100");
		eg_recipe_free(r);
	}

	refused_set(SMALL, (const char *const[]){"train.epochss=5", NULL},
		"--set train.epochss=5: unknown key 'epochss' in 'train'; did you mean 'epochs'?");
	refused_set(SMALL, (const char *const[]){"train.epochs=many", NULL},
		"--set train.epochs=many: 'epochs' in 'train' must be a whole number, not 'many'");
	refused_set(SMALL, (const char *const[]){"nonsense", NULL},
		"--set nonsense: expected NAME=VALUE, such as train.epochs=5");
	refused_set(SMALL, (const char *const[]){"model.7.conv=1", NULL},
		"--set model.7.conv=1: '7' names no element of a list of 3 (they are numbered from 0)");
	refused_set(SMALL, (const char *const[]){"name.x=1", NULL},
		"--set name.x=1: 'x' cannot be set in 't', which is not a map");
	refused_set(SMALL, (const char *const[]){"train..x=1", NULL}, "--set train..x=1: an empty name between dots");
	refused_set(SMALL, (const char *const[]){"train.batch=[1", NULL},
		"--set train.batch=[1: YAML: did not find expected ',' or ']' while parsing a flow sequence");
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void refuses_structure(void **state) {
	(void)state;
	refused("", "r.yaml: the recipe is empty");
	refused("# nothing\n", "r.yaml: the recipe is empty");
	refused("- a\n", "r.yaml:1:1: a recipe is a map that begins with `name: ...`, not a list");
	refused("name: t\n", "r.yaml: 'task' is missing (what is to be learned)");
	refused("nmae: t\n", "r.yaml:1:1: unknown key 'nmae' in the recipe; did you mean 'name'?");
	refused("name: t\nname: u\n", "r.yaml:2:1: the key 'name' was already given in line 1");
	refused("name: [a\n", "r.yaml:2:1: YAML: did not find expected ',' or ']' while parsing a flow sequence");
	refused("name: a\n---\nname: b\n", "r.yaml:2:1: a second document begins here; only one is allowed");
	refused("name: !x a\n", "r.yaml:1:7: YAML tags (!) have no meaning here");
	refused("name: *a\n", "r.yaml:1:7: an alias (*) to an anchor (&) that is not defined before it");
	refused("? [a]\n: b\n", "r.yaml:1:3: a key must be a simple word");
	refused("name: \"a\\0b\"\n", "r.yaml:1:7: text with a zero byte");
	refused("name: t\ntask: 5\ndata: x\ninput: 1\nmodel: []\n",
		"r.yaml:2:7: 'task' must be a word, not the number 5");
	refused("name: t\ntask: x\ndata: [x]\ninput: 1\nmodel: [relu]\n",
		"r.yaml:3:7: 'data' must be a map such as {source: fashion-mnist}, not a list");
	refused(HEAD "model: []\n", "r.yaml:5:8: 'model' must be a list of layers, not an empty one");
	refused("name: a/b\ntask: classify\ndata: x\ninput: 1\nmodel: []\n",
		"r.yaml:1:7: the name 'a/b' must be 1 to 64 letters, digits, - _ or ., not beginning with a point");
}

static void refuses_layers(void **state) {
	(void)state;
	refused(HEAD "model:\n  - conv: {fliters: 6, kernel: 5}\n",
		"r.yaml:6:12: unknown key 'fliters' in layer 'conv'; did you mean 'filters'?");
	refused(HEAD "model:\n  - conv: {filters: 6}\n",
		"r.yaml:6:5: layer 'conv' needs 'kernel' (height and width of the filters)");
	refused(HEAD "model:\n  - cnov: {filters: 6}\n", "r.yaml:6:5: no layer 'cnov'; did you mean 'conv'?");
	refused(HEAD "model:\n  - conv: {filters: Six, kernel: 3}\n",
		"r.yaml:6:21: 'filters' in layer 'conv' must be a whole number, not 'Six'");
	refused(HEAD "model:\n  - conv: {filters: 0, kernel: 3}\n",
		"r.yaml:6:21: 'filters' in layer 'conv' is 0; it must be at least 1 and at most 16777216");
	refused(HEAD "model:\n  - conv: {filters: 6, kernel: [3, 3, 3]}\n",
		"r.yaml:6:32: 'kernel' in layer 'conv' must be a whole number or a list of 2, not a list of 3");
	refused(HEAD "model:\n  - conv: {filters: 6, kernel: 3, bias: 1}\n",
		"r.yaml:6:41: 'bias' in layer 'conv' must be true or false, not the number 1");
	refused(HEAD "model:\n  - relu: 2\n", "r.yaml:6:11: layer 'relu' takes {key: value, ...}, not the number 2");
	refused(HEAD "model:\n  - {relu: {}, tanh: {}}\n",
		"r.yaml:6:16: a layer is already 'relu'; it cannot also be 'tanh'");
	refused(HEAD "model:\n  - relu: {name: a}\n  - relu: {name: a}\n",
		"r.yaml:7:18: the name 'a' belongs to the layer in line 6 already");
	refused(HEAD "model:\n  - relu: {name: input}\n",
		"r.yaml:6:18: 'input' cannot be a layer's name: the graph uses it");
	refused(HEAD "model:\n  - relu: {name: a.b}\n",
		"r.yaml:6:18: the layer name 'a.b' must be 1 to 60 letters, digits, - or _");
	refused(HEAD "model:\n  - relu: {name: stem}\n  - tanh: {from: stme}\n",
		"r.yaml:7:18: no earlier layer 'stme'; did you mean 'stem'?");
	refused(HEAD "model:\n  - relu\n  - add\n",
		"r.yaml:7:5: layer 'add' takes 2 inputs, not 1: name them with from: [a, b]");
	refused(HEAD "model:\n  - relu\n  - tanh: {from: input}\n",
		"r.yaml:6:5: layer 'relu1' leads nowhere: no later layer takes its output; name it in a 'from', or "
		"take it out");
}

static void refuses_sections(void **state) {
	(void)state;
	refused(SMALL "train: {optimizer: adm}\n", "r.yaml:9:20: no optimizer 'adm'; did you mean 'adam'?");
	refused(SMALL "train: {optimizer: {adam: {lr: -1}}}\n",
		"r.yaml:9:32: 'lr' in optimizer 'adam' is -1; it must be above 0 and at most 1000");
	refused(SMALL "train: {optimizer: {adam: {momentum: 1}}}\n",
		"r.yaml:9:28: unknown key 'momentum' in optimizer 'adam'; it takes: lr, beta1, beta2, eps, "
		"weight_decay, lookahead, lookahead_alpha");
	refused(SMALL "train: {optimizer: {sgd: {nesterov: true}}}\n",
		"r.yaml:9:20: optimizer 'sgd': nesterov needs momentum, such as 0.9");
	refused(SMALL "train: {loss: msee}\n", "r.yaml:9:15: no loss 'msee'; did you mean 'mse'?");
	refused(SMALL "train: {epochs: 1.5}\n",
		"r.yaml:9:17: 'epochs' in 'train' must be a whole number, not the number 1.5");
	refused(SMALL "train: {seed: -1}\n", "r.yaml:9:15: 'seed' in 'train' is -1; it must be at least 0");
	refused(SMALL "train: 5\n", "r.yaml:9:8: 'train' must be a map {key: value, ...}, not the number 5");
	refused("name: t\ntask: classify\ndata: x\ninput: [1, 0]\n" MODEL,
		"r.yaml:4:12: a size of 'input' must be a whole number from 1 to 1000000, not the number 0");
}

static void refuses_bombs(void **state) {
	(void)state;
	char *text = malloc(3 << 20), *at = text;
	assert_non_null(text);
	/* ten times ten times ten ...: "billion laughs" */
	at += sprintf(at, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		at += sprintf(at, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++) at += sprintf(at, "%s*a%d", k ? ", " : "", i - 1);
		at += sprintf(at, "]\n");
	}
	eg_recipe *r = NULL;
	eg_error err;
	assert_int_equal(parse_set(text, NULL, &r, &err), EG_ERR_FORMAT);
	assert_non_null(strstr(err.message, "too large: the aliases stand for too many values"));
	/* few of them, but of a long text: written out they were 4 GB */
	at = text + sprintf(text, "name: bomb\ntask: classify\ndata: {source: mnist, path: &a \"");
	memset(at, 'x', 400000);
	at += 400000;
	at += sprintf(at, "\", more: [");
	for (int i = 0; i < 10000; i++) at += sprintf(at, "*a, ");
	sprintf(at, "*a]}\ninput: [1, 8, 8]\nmodel: [flatten, linear: classes]\ntrain: {loss: cross_entropy}\n");
	assert_int_equal(parse_set(text, NULL, &r, &err), EG_ERR_FORMAT);
	if (!strstr(err.message, "too large: with its aliases written out")) fail_msg("%s", err.message);

	memset(text, '[', 200000);
	text[200000] = 0;
	assert_int_equal(parse_set(text, NULL, &r, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "r.yaml:1:41: nested too deeply");

	memset(text, ' ', 2 << 20);
	text[2 << 20] = 0;
	assert_int_equal(parse_set(text, NULL, &r, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "r.yaml: 2097152 bytes of YAML, at most 1048576 are read");
	free(text);
	refused("name: \xff\xfe\n", "r.yaml: not UTF-8 text: invalid leading UTF-8 octet at byte 6");
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static void inputs(void **state) {
	(void)state;
	eg_recipe *r = accepted(SMALL, NULL);
	assert_int_equal(eg_recipe_inputs(r), 1);
	const eg_recipe_input_info *in = eg_recipe_input_at(r, 0);
	assert_string_equal(in->name, "input");
	assert_null(in->field);
	assert_false(in->sequence);
	assert_dims(in->dims, EG_DIMS(1, 8, 8));
	assert_null(eg_recipe_input_at(r, 1));
	assert_null(eg_recipe_word(r, 8));
	eg_recipe_free(r);

	/* Words are open sizes: the same word the same size. Pictures may be of any size and are no sequences. */
	r = accepted(SEVERAL
		"inputs:\n  image: [3, height, width]\n  sound: [frames, 40]\n  text: [time]\n  age: 1\n"
		"  more: [frames]\nmodel:\n  - linear: {units: 2, from: [image]}\n  - linear: {units: 2, from: sound}\n"
		"  - linear: {units: 2, from: text}\n  - linear: {units: 2, from: age}\n"
		"  - linear: {units: 2, from: more}\noutputs: [linear1, linear2, linear3, linear4]\n",
		NULL);
	assert_int_equal(eg_recipe_inputs(r), 5);
	in = eg_recipe_input_at(r, 0);
	assert_string_equal(in->field, "image");
	assert_false(in->sequence);
	assert_string_equal(eg_recipe_word(r, in->dims.d[1]), "height");
	assert_string_equal(eg_recipe_word(r, in->dims.d[2]), "width");
	in = eg_recipe_input_at(r, 1);
	assert_true(in->sequence && in->dims.rank == 2 && in->dims.d[1] == 40 && in->dims.d[0] != EG_T);
	assert_string_equal(eg_recipe_word(r, in->dims.d[0]), "frames");
	assert_true(in->dims.d[0] == eg_recipe_input_at(r, 4)->dims.d[0]);
	in = eg_recipe_input_at(r, 2);
	assert_true(in->sequence && in->dims.d[0] == EG_T);
	assert_string_equal(eg_recipe_word(r, EG_T), "time");
	assert_dims(eg_recipe_input_at(r, 3)->dims, EG_DIMS(1));
	eg_recipe *again = accepted(eg_recipe_text(r), NULL);
	assert_string_equal(eg_recipe_text(r), eg_recipe_text(again));
	eg_recipe_free(again);
	eg_recipe_free(r);
}

static void refuses_inputs(void **state) {
	(void)state;
	refused(SEVERAL MODEL,
		"r.yaml: 'input' is missing (shape of one sample, such as [1, 28, 28]; 'inputs' where there "
		"are several)");
	refused(HEAD "inputs: {a: [1]}\n" MODEL,
		"r.yaml:5:1: a recipe has 'input' or 'inputs', not both: take one of them out");
	refused(SEVERAL "inputs: [1, 2]\n" MODEL, "r.yaml:4:9: 'inputs' must be a map of names and shapes, such as "
						  "{image: [1, 28, 28], age: [1]}, not a list");
	refused(SEVERAL "inputs: {a b: [1]}\n" MODEL,
		"r.yaml:4:10: the name 'a b' of an input must be 1 to 60 letters, digits, - or _");
	refused(SEVERAL "inputs: {target: [1]}\n" MODEL,
		"r.yaml:4:10: 'target' cannot be an input's name: the graph uses it");
	refused(SEVERAL "inputs: {a: [1, 0]}\n" MODEL,
		"r.yaml:4:17: a size of input 'a' must be a whole number from 1 to 1000000, not the number 0");
	refused(SEVERAL "inputs: {a: [4], b: [4]}\nmodel:\n  - linear: 3\n",
		"r.yaml:4:18: input 'b' leads nowhere: no layer takes it; name it in a 'from', or take it out");
	refused(SEVERAL "inputs: {a: [4], b: [4]}\nmodel:\n  - linear: {units: 3, from: c}\n",
		"r.yaml:6:30: no earlier layer 'c'; there are: a, b");
	refused(SEVERAL "inputs: {a: [4]}\nmodel:\n  - linear: {units: 3, name: a}\n",
		"r.yaml:6:30: 'a' cannot be a layer's name: an input is called so");
#define SHAPE(s) SEVERAL "input: " s "\n" MODEL
	refused(SHAPE("[2, time]"), "r.yaml:4:12: `time` must be the first size of 'input', as in [time, 2]");
	refused(SHAPE("[batch, 2]"),
		"r.yaml:4:9: `batch` is no size of 'input': how many samples there are is not said; leave it out");
	refused(SHAPE("[2, rows, rows]"),
		"r.yaml:4:18: `rows` stands twice in 'input': sizes that may differ need two words");
	refused(SHAPE("[Time, 2]"), "r.yaml:4:9: a size of 'input' must be a whole number from 1 to 1000000, or a word "
				    "of small letters, digits and _ "
				    "that leaves it open, as `time`, not 'Time'");
	refused(SHAPE("[a, b, c, d, e, f, g, h]"), "r.yaml:4:8: 'input' must be the shape of one sample, such as [1, 28, "
					     "28], of at most 7 sizes, not a list of more");
	refused(SEVERAL "inputs: {u: [a, b, c], v: [d, e, f], w: [g, h]}\n" MODEL,
		"r.yaml:4:45: 'h' would be one of more than 7 words for sizes left open");
	refused(SHAPE("[100000, 100000]"), "r.yaml:4:8: one sample would have 1e+10 values; at most 1e9 are allowed");
	refused(SEVERAL "input: [frames, 2]\nmodel:\n  - last: {from: {x: input, lengths: lengths}}\n",
		"r.yaml:6:38: only sequences have `lengths`: 'input' must begin with the word `time`, as in [time, 2]");
	refused(SEVERAL "input: [time, frames]\nmodel:\n  - last: {from: {x: input, lengths: lengths.frames}}\n",
		"r.yaml:6:38: there is no 'lengths.frames': 'frames' is not the first size of an input");
}

/* ---- losses and outputs ------------------------------------------------------------------------------------------ */

#define HEADS \
	"model:\n  - linear: {units: 3, name: body}\n  - linear: {units: 2, name: age, from: body}\n" \
	"  - linear: {units: classes, name: kind, from: body}\n"

static void losses_and_outputs(void **state) {
	(void)state;
	eg_recipe *r = accepted(SMALL, NULL);
	const eg_recipe_loss_info *l = eg_recipe_loss_at(r, 0);
	assert_int_equal(eg_recipe_losses(r), 1);
	assert_string_equal(l->op->name, "cross_entropy");
	assert_string_equal(l->of, "linear1");
	assert_null(l->field);
	assert_string_equal(l->input, "target");
	assert_string_equal(l->output, "loss");
	assert_null(l->lengths);
	assert_true(l->weight == 1);
	eg_recipe_free(r);

	r = accepted(SEVERAL
		"input: 4\n" HEADS "train:\n  loss:\n    - cross_entropy\n"
		"    - {mse: , of: age, target: years, weight: 0.5}\n    - {ctc: {blank: 1}, of: body, target: text}\n",
		NULL);
	assert_int_equal(eg_recipe_losses(r), 3);
	assert_string_equal(eg_recipe_loss_at(r, 0)->of, "kind");
	assert_string_equal(eg_recipe_loss_at(r, 0)->output, "loss.1");
	l = eg_recipe_loss_at(r, 1);
	assert_string_equal(l->op->name, "mse");
	assert_string_equal(l->of, "age");
	assert_string_equal(l->field, "years");
	assert_string_equal(l->input, "target.years");
	assert_string_equal(l->output, "loss.2");
	assert_true(l->weight == 0.5);
	l = eg_recipe_loss_at(r, 2);
	assert_string_equal(l->lengths, "target_lengths.text");
	assert_null(eg_recipe_loss_at(r, 3));
	eg_recipe_free(r);

	/* One loss may say the same without a list; outputs use layers. */
	r = accepted(SEVERAL "input: 4\n" HEADS
			     "outputs: {guess: age}\ntrain: {loss: {mse: {reduction: sum}, of: kind, target: x}}\n",
		NULL);
	assert_string_equal(eg_recipe_loss_at(r, 0)->output, "loss");
	assert_string_equal(eg_recipe_loss_at(r, 0)->input, "target.x");
	eg_recipe_free(r);
}

static void refuses_losses_and_outputs(void **state) {
	(void)state;
#define LOSS(s) SEVERAL "input: 4\n" HEADS "train: {loss: " s "}\n"
	refused(LOSS("[]"), "r.yaml:9:15: 'loss' is a list of 0; it may have 1 to 8");
	refused(LOSS("{mse: {}, l1: {}}"), "r.yaml:9:25: a loss is already 'mse'; it cannot also be 'l1': several are "
					   "a list, a line beginning with `-` "
					   "for each");
	refused(LOSS("{of: kind}"),
		"r.yaml:9:15: a loss must be a name or {name: {key: value, ...}}, not a map without one");
	refused(LOSS("[{mse: , of: knid}]"), "r.yaml:9:28: no layer 'knid'; did you mean 'kind'?");
	refused(LOSS("[{mse: , of: kind.z}]"), "r.yaml:9:28: no output of layer 'kind' 'z'; there are: y");
	refused(LOSS("[{mse: , target: a.b}]"), "r.yaml:9:32: the field 'a.b' must be 1 to 60 letters, digits, - or _");
	refused(LOSS("[{mse: , weight: 0}]"),
		"r.yaml:9:32: 'weight' in a loss is 0; it must be above 0 and at most 1000000");
	refused(LOSS("[mse, msee]"), "r.yaml:9:21: no loss 'msee'; did you mean 'mse'?");
	refused(LOSS("{mse: {from: kind}}"),
		"r.yaml:9:22: unknown key 'from' in loss 'mse'; what it judges is said beside its name: `of: LAYER`");
	refused(LOSS("mse"),
		"r.yaml:7:5: layer 'age' leads nowhere: no later layer takes its output; name it in a 'from', or take "
		"it out");
	refused(LOSS("{mse: , of: age}"), "r.yaml:8:5: layer 'kind' leads nowhere: no later layer takes its output; "
					  "name it in a 'from', or take it out");
	refused(LOSS("[{mse: , of: age}, l1, l1, l1, l1, l1, l1, l1, l1]"),
		"r.yaml:9:15: 'loss' is a list of 9; it may have 1 to 8");
#define OUTPUTS(s) SEVERAL "input: 4\n" HEADS "outputs: " s "\n"
	refused(OUTPUTS("age"),
		"r.yaml:9:10: 'outputs' must be a list of 1 to 64 layers, or a map {name: layer}, not 'age'");
	refused(OUTPUTS("[aeg]"), "r.yaml:9:11: no layer 'aeg'; did you mean 'age'?");
	refused(OUTPUTS("[age, age]"), "r.yaml:9:16: there is an output 'age' already");
	refused(OUTPUTS("{loss.1: age}"),
		"r.yaml:9:11: the name 'loss.1' of an output must be 1 to 60 letters, digits, - or _");
	refused(OUTPUTS("{logits: age}"), "r.yaml:9:11: 'logits' cannot be an output's name: the graph uses it");
	refused(OUTPUTS("{input: age}"), "r.yaml:9:11: 'input' cannot be an output's name: the graph uses it");
	refused(OUTPUTS("{kind: age}"),
		"r.yaml:9:11: 'kind' cannot be the name of this output: another layer is called so");
	refused(LETTERS "model:\n  - linear: {units: 3, name: path}\ntrain: {loss: crf}\n",
		"r.yaml:6:5: 'path' cannot be the name of a layer: the loss 'crf' has an output of this name");
	refused(OUTPUTS("[[age]]"), "r.yaml:9:11: a layer is named by one word, not a list");
}

/* ---- how the text begins and ends -------------------------------------------------------------------------------- */

static void marks_and_line_ends(void **state) {
	(void)state;
	/* As editors on Windows write it: places stay right. */
	eg_recipe *r = accepted(
		"\xEF\xBB\xBFname: t\r\ntask: classify\r\ndata: mnist\r\ninput: 4\r\nmodel:\r\n  - linear: 3\r\n",
		NULL);
	assert_string_equal(eg_recipe_name(r), "t");
	assert_string_equal(eg_recipe_task(r), "classify");
	assert_int_equal(eg_recipe_input(r).d[0], 4);
	eg_recipe_free(r);
	refused("\xEF\xBB\xBFnmae: t\r\n", "r.yaml:1:1: unknown key 'nmae' in the recipe; did you mean 'name'?");
	refused("\xEF\xBB\xBF", "r.yaml: the recipe is empty");
	refused("name: t\r\ntask: classify\r\ndata: x\r\ninput: 1\r\nmodle: []\r\n",
		"r.yaml:5:1: unknown key 'modle' in the recipe; did you mean 'model'?");
}

/* ---- sections and settings, read by tables ----------------------------------------------------------------------- */

typedef struct inner {
	int shift;
	bool flip;
} inner;
typedef struct common {
	const char *source, *path;
	double validation;
	int64_t limit;
} common;
typedef struct own {
	int64_t limit;
	eg_numbers mean;
	eg_strings names;
	inner augment;
	int unit, steps;
	uint64_t seed;
} own;

static const eg_key inner_keys[] = {
	{.name = "shift", .type = EG_KEY_INT, .offset = offsetof(inner, shift), .max = 9, .doc = "pixels"},
	{.name = "flip", .type = EG_KEY_BOOL, .offset = offsetof(inner, flip), .doc = "left to right"},
};
static const eg_variant inner_map = {NULL, 0, inner_keys, EG_COUNT(inner_keys), NULL};
static const eg_key common_keys[] = {
	{.name = "source", .type = EG_KEY_STRING, .offset = offsetof(common, source), .required = true, .doc = "name"},
	{.name = "path", .type = EG_KEY_STRING, .offset = offsetof(common, path), .doc = "file"},
	{.name = "validation",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(common, validation),
		.max = EG_BELOW_1,
		.def = 0,
		.doc = "share"},
	{.name = "limit",
		.type = EG_KEY_INT64,
		.offset = offsetof(common, limit),
		.min = 1,
		.max = 1e12,
		.doc = "how many"},
};
static const char *const units[] = {"char", "byte", NULL};
static const eg_key own_keys[] = {
	{.name = "limit",
		.type = EG_KEY_INT64,
		.offset = offsetof(own, limit),
		.min = 1,
		.max = 1e12,
		.doc = "how many"},
	{.name = "mean",
		.type = EG_KEY_NUMBERS,
		.count = 3,
		.offset = offsetof(own, mean),
		.min = -9,
		.max = 9,
		.def = NAN,
		.doc = "of channels"},
	{.name = "names", .type = EG_KEY_STRINGS, .offset = offsetof(own, names), .doc = "of classes"},
	{.name = "augment",
		.type = EG_KEY_MAP,
		.offset = offsetof(own, augment),
		.variants = &inner_map,
		.doc = "changes"},
	{.name = "unit", .type = EG_KEY_ENUM, .offset = offsetof(own, unit), .names = units, .doc = "of text"},
	{.name = "steps", .type = EG_KEY_INT, .offset = offsetof(own, steps), .min = 1, .max = 1e5, .doc = "of time"},
	{.name = "seed", .type = EG_KEY_U64, .offset = offsetof(own, seed), .max = 0x1p63, .doc = "number"},
};

static eg_status read_data(const char *data, common *c, own *o, eg_recipe **r, eg_error *err) {
	char text[400];
	snprintf(text, sizeof text, "name: t\ntask: x\ndata: %s\ninput: 4\nmodel: [linear: 3]\n", data);
	*r = accepted(text, NULL);
	*err = (eg_error){0};
	*c = (common){.limit = -1}, *o = (own){.steps = 64};
	return eg_recipe_section(*r, &(*r)->arena, "data",
		(const eg_key_set[]){{common_keys, EG_COUNT(common_keys), c}, {own_keys, EG_COUNT(own_keys), o}}, 2,
		err);
}

static void sections(void **state) {
	(void)state;
	eg_recipe *r;
	eg_error err;
	common c;
	own o;
	assert_int_equal(read_data("mnist", &c, &o, &r, &err), EG_OK);
	assert_string_equal(c.source, "mnist");
	assert_true(!c.path && c.limit == -1 && o.steps == 64 && o.mean.n == 0 && !o.names.at);
	eg_recipe_free(r);
	assert_int_equal(
		read_data(
			"{source: 'a b', limit: 5000000000, validation: 0.25, mean: [0.5, -1e-3, 2], names: [x, 'y'],\n"
			"  augment: {shift: 3, flip: true}, unit: byte, seed: 7}",
			&c, &o, &r, &err),
		EG_OK);
	assert_string_equal(c.source, "a b");
	assert_true(c.limit == 5000000000 && o.limit == 5000000000 &&
		    c.validation == 0.25); /* a key of both tables is read into both */
	assert_true(o.mean.n == 3 && o.mean.at[0] == 0.5 && o.mean.at[1] == -1e-3 && o.mean.at[2] == 2);
	assert_true(o.names.n == 2 && o.augment.shift == 3 && o.augment.flip && o.unit == 1 && o.seed == 7 &&
		    o.steps == 64);
	assert_string_equal(o.names.at[1], "y");
	assert_true(eg_recipe_has(r, "data.augment.shift") && !eg_recipe_has(r, "data.augment.x") &&
		    eg_recipe_has(r, "model.0.linear"));
	eg_fail(&err, EG_ERR_IO, "no such data");
	eg_recipe_locate(r, "data.names.1", &err);
	assert_string_equal(err.message, "r.yaml:3:94: no such data");
	eg_fail(&err, EG_ERR_IO, "no such data");
	eg_recipe_locate(r, "data.path", &err);
	assert_string_equal(err.message, "r.yaml: no such data");
	/* A section that is not there is an empty one. */
	common before = c;
	assert_int_equal(
		eg_recipe_section(r, &r->arena, "extra", &(eg_key_set){common_keys + 1, EG_COUNT(common_keys) - 1, &c}, 1, &err),
		EG_OK);
	assert_memory_equal(&before, &c, sizeof c);
	eg_recipe_free(r);
	assert_int_equal(read_data("{source: a, mean: 0.5}", &c, &o, &r, &err), EG_OK);
	assert_true(o.mean.n == 1 && o.mean.at[0] == 0.5);
	eg_recipe_free(r);
}

static void refuses_in_sections(void **state) {
	(void)state;
	static const char *const cases[][2] = {
		{"{path: x}", "r.yaml:3:7: 'data' needs 'source' (name)"},
		{"{source: x, pth: y}", "r.yaml:3:19: unknown key 'pth' in 'data'; did you mean 'path'?"},
		{"{source: x, stesp: 1}", "r.yaml:3:19: unknown key 'stesp' in 'data'; did you mean 'steps'?"},
		{"{source: x, qqqqq: 1}",
			"r.yaml:3:19: unknown key 'qqqqq' in 'data'; it takes: source, path, validation, limit, mean, "
			"names, augment, unit, steps, seed"},
		{"{source: 5}", "r.yaml:3:16: 'source' in 'data' must be a text (put it in quotes), not the number 5"},
		{"{source: x, validation: 1}",
			"r.yaml:3:31: 'validation' in 'data' is 1; it must be at least 0 and below 1"},
		{"{source: x, limit: 0}", "r.yaml:3:26: 'limit' in 'data' is 0; it must be at least 1"},
		{"{source: x, limit: 1.5}",
			"r.yaml:3:26: 'limit' in 'data' must be a whole number, not the number 1.5"},
		{"{source: x, mean: [1, 2, 3, 4]}",
			"r.yaml:3:25: 'mean' in 'data' has 4 values; at most 3 are allowed"},
		{"{source: x, mean: []}", "r.yaml:3:25: 'mean' in 'data' is an empty list"},
		{"{source: x, mean: [1, x]}", "r.yaml:3:29: 'mean' in 'data' must be a number, not 'x'"},
		{"{source: x, mean: {a: 1}}",
			"r.yaml:3:25: 'mean' in 'data' must be a number or a list of numbers, not a map"},
		{"{source: x, mean: 10}", "r.yaml:3:25: 'mean' in 'data' is 10; it must be at least -9 and at most 9"},
		{"{source: x, names: x}", "r.yaml:3:26: 'names' in 'data' must be a list of texts, not 'x'"},
		{"{source: x, names: [x, 3]}",
			"r.yaml:3:30: 'names' in 'data' must be a text (put it in quotes), not the number 3"},
		{"{source: x, unit: chr}", "r.yaml:3:25: no unit 'chr'; did you mean 'char'?"},
		{"{source: x, augment: {shfit: 3}}",
			"r.yaml:3:29: unknown key 'shfit' in 'data.augment'; did you mean 'shift'?"},
		{"{source: x, augment: {shift: 10}}",
			"r.yaml:3:36: 'shift' in 'data.augment' is 10; it must be at least 0 and at most 9"},
		{"{source: x, augment: 3}",
			"r.yaml:3:28: 'data.augment' must be a map {key: value, ...}, not the number 3"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_recipe *r;
		eg_error err;
		common c;
		own o;
		assert_int_equal(read_data(cases[i][0], &c, &o, &r, &err), EG_ERR_FORMAT);
		assert_string_equal(err.message, cases[i][1]);
		eg_recipe_free(r);
	}
}

static void settings(void **state) {
	(void)state;
	eg_arena arena = {0};
	eg_error err = {0};
	own o = {.steps = 64};
	const eg_key_set set = {own_keys, EG_COUNT(own_keys), &o};
#define READ(...) eg_settings_read(&arena, (const char *const[]){__VA_ARGS__, NULL}, &set, 1, "the options", &err)
	assert_int_equal(
		READ("steps=5", "mean=[1, 2]", "unit=byte", "steps=6", "augment.shift=4", "augment.flip=true"), EG_OK);
	assert_true(o.steps == 6 && o.mean.n == 2 && o.mean.at[1] == 2 && o.unit == 1 && o.augment.shift == 4 &&
		    o.augment.flip);
	assert_int_equal(eg_settings_read(&arena, NULL, &set, 1, "the options", &err), EG_OK);
	assert_int_equal(READ("stesp=5"), EG_ERR_FORMAT);
	assert_string_equal(err.message, "stesp=5: unknown key 'stesp' in the options; did you mean 'steps'?");
	assert_int_equal(READ("steps=many"), EG_ERR_FORMAT);
	assert_string_equal(err.message, "steps=many: 'steps' in the options must be a whole number, not 'many'");
	assert_int_equal(READ("steps"), EG_ERR_ARG);
	assert_string_equal(err.message, "steps: expected NAME=VALUE");
	assert_int_equal(READ("augment.shift=40"), EG_ERR_FORMAT);
	assert_string_equal(err.message,
		"augment.shift=40: 'shift' in 'augment' of the options is 40; it must be at least 0 and at most 9");
	assert_int_equal(READ("mean=[1"), EG_ERR_FORMAT);
	assert_string_equal(
		err.message, "mean=[1: YAML: did not find expected ',' or ']' while parsing a flow sequence");
	common c = {0};
	assert_int_equal(eg_settings_read(&arena, NULL, &(eg_key_set){common_keys, EG_COUNT(common_keys), &c}, 1,
				 "the options", &err),
		EG_ERR_FORMAT);
	assert_string_equal(err.message, "the options: the options needs 'source' (name)");
	eg_arena_free(&arena);
}

static void schema_is_json(void **state) {
	(void)state;
	char *text = NULL;
	eg_error err = {0};
	static const char *const tasks[] = {"classify", "tag", NULL};
	const eg_key_set sets[] = {{common_keys, EG_COUNT(common_keys), NULL}, {own_keys, EG_COUNT(own_keys), NULL}};
	const eg_schema_variant data[] = {{"first", sets, 2}, {"second", sets, 1}};
	static const eg_variant kinds[] = {{"blur", 0, inner_keys, 1, "a kind"}, {0}};
	assert_int_equal(eg_schema_make(tasks, data, 2, kinds, &text, &err), EG_OK);
	eg_arena arena = {0};
	eg_tree *t = NULL;
	if (eg_json_parse(&arena, text, strlen(text), "schema", &t, &err)) fail_msg("%s", err.message);
	static const char *const there[] = {"train.properties.optimizer.anyOf.0.enum", "data.anyOf.1.properties.source",
		"data.anyOf.1.properties.limit", "data.anyOf.1.properties.names.items",
		"data.anyOf.1.properties.augment.properties.shift.maximum", "data.anyOf.2.properties.path",
		"input.anyOf.2.items.anyOf.1.pattern", "inputs.additionalProperties.anyOf.2.items",
		"outputs.anyOf.0.items",
		"train.properties.loss.anyOf.1.properties.cross_entropy.properties.label_smoothing",
		"train.properties.loss.anyOf.1.properties.weight.exclusiveMinimum"};
	for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
		char path[120];
		snprintf(path, sizeof path, "properties.%s", there[i]);
		if (!eg_tree_find(t, path)) fail_msg("the schema has no %s", path);
	}
	assert_null(eg_tree_find(t, "properties.data.anyOf.2.properties.mean"));
	assert_null(eg_tree_find(t, "properties.data.anyOf.3"));
	assert_string_equal(eg_tree_find(t, "properties.data.anyOf.2.title")->text, "second");
	assert_string_equal(eg_tree_find(t, "properties.task.enum.1")->text, "tag");
	assert_string_equal(eg_tree_find(t, "oneOf.1.required.0")->text, "inputs");
	assert_int_equal(eg_tree_find(t, "properties.data.anyOf.1.required")->count, 1);
	assert_non_null(strstr(text, "\"maxpool\""));
	eg_arena_free(&arena);
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lenet5),
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(reads_zero),
		cmocka_unit_test(text_reads_again),
		cmocka_unit_test(overrides),
		cmocka_unit_test(refuses_structure),
		cmocka_unit_test(refuses_layers),
		cmocka_unit_test(refuses_sections),
		cmocka_unit_test(refuses_bombs),
		cmocka_unit_test(inputs),
		cmocka_unit_test(refuses_inputs),
		cmocka_unit_test(losses_and_outputs),
		cmocka_unit_test(refuses_losses_and_outputs),
		cmocka_unit_test(marks_and_line_ends),
		cmocka_unit_test(sections),
		cmocka_unit_test(refuses_in_sections),
		cmocka_unit_test(settings),
		cmocka_unit_test(schema_is_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

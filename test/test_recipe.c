/* test_recipe.c - recipes: what is read, what is refused and with which words, overrides, the graph, the schema. */
#include "engram_io.h"
#include "engram_ops.h"
#include "io/tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static eg_status parse_set(const char *text, const char *const *set, eg_recipe **r, eg_error *err) {
	*err = (eg_error){0};
	return eg_recipe_parse(text, strlen(text), "r.yaml", set, r, err);
}

/* `text` is refused with exactly this message. */
static void refused_set(const char *text, const char *const *set, const char *message) {
	eg_recipe *r = NULL;
	eg_error err;
	eg_status status = parse_set(text, set, &r, &err);
	if (status == EG_OK) print_error("accepted: %s\n", text);
	assert_int_not_equal(status, EG_OK);
	assert_null(r);
	assert_string_equal(err.message, message);
}
static void refused(const char *text, const char *message) { refused_set(text, NULL, message); }

static eg_recipe *accepted(const char *text, const char *const *set) {
	eg_recipe *r = NULL;
	eg_error err;
	if (parse_set(text, set, &r, &err)) fail_msg("%s", err.message);
	return r;
}

#define HEAD "name: t\ntask: classify\ndata: {source: mnist}\ninput: [1, 8, 8]\n"
#define MODEL "model:\n  - conv: {filters: 2, kernel: 3}\n  - flatten\n  - linear: classes\n"
#define SMALL HEAD MODEL

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
	if (eg_recipe_build(r, ctx, 10, &g, &err)) fail_msg("%s", err.message);
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
	assert_true(t->optimizer.lr == 1e-4 && t->optimizer.weight_decay == 0 && signbit(t->optimizer.weight_decay) && t->optimizer.clip_norm == 1);
	assert_true(t->schedule.every == 2.5 && t->schedule.warmup == 0.5 && t->keep_last && t->seed == 18446);
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_graph *g = NULL;
	if (eg_recipe_build(r, ctx, 7, &g, &err)) fail_msg("%s", err.message);
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
	static const char *const texts[] = {
		"name: t\ntask: regress\ndata: adding\ninput: [time, 2]\nmodel:\n  - dropout\n  - lstm: {hidden: 4}\n  - last\n  - linear: 1\n"
		"train: {loss: smooth_l1, optimizer: adamw, schedule: plateau}\n",
		"name: t\ntask: regress\ndata: adding\ninput: [time, 2]\nmodel:\n  - dropout: 0\n  - lstm: {hidden: 4, forget_bias: 0.0}\n  - last\n"
		"  - linear: 1\n"
		"train: {loss: {smooth_l1: {beta: 0}}, optimizer: {adamw: {beta1: 0, beta2: -0.0, weight_decay: 0}}, forget: 0,\n"
		"  schedule: {plateau: {factor: 0, threshold: 0}}}\n"};
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	for (int zero = 0; zero < 2; zero++) {
		eg_graph *g = NULL;
		eg_recipe *r = accepted(texts[zero], NULL), *again = accepted(eg_recipe_text(r), NULL);
		const eg_train_config *t = eg_recipe_train(again);
		const double said[] = {t->optimizer.beta1, t->optimizer.beta2, t->optimizer.weight_decay, t->schedule.factor, t->schedule.threshold};
		for (size_t i = 0; i < sizeof said / sizeof *said; i++) assert_true(said[i] == 0 && !signbit(said[i]) == !zero);
		assert_true(zero ? t->forget == 0 : t->forget > 0);
		if (eg_recipe_build(again, ctx, 0, &g, &err)) fail_msg("%s", err.message);
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
	eg_error err = {0};
	const char *source;
	double limit;
	for (int i = 0; i < 3; i++) {
		static const char *const sets[3][4] = {
			{"data.limit=100"}, {"data.source=mnist", "data.limit=100"}, {"data=mnist", "data.limit=100"}};
		r = accepted("name: t\ntask: classify\ndata: fashion-mnist\ninput: 4\n" MODEL, sets[i]);
		assert_int_equal(eg_recipe_string(r, "data.source", NULL, &source, &err), EG_OK);
		assert_string_equal(source, i ? "mnist" : "fashion-mnist");
		assert_int_equal(eg_recipe_number(r, "data.limit", 0, 1, 1e9, &limit, &err), EG_OK);
		assert_true(limit == 100);
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
	refused("name: t\ntask: clasify\ndata: x\ninput: 1\nmodel: []\n",
		"r.yaml:2:7: no task 'clasify'; did you mean 'classify'?");
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
	refused(HEAD "model:\n  - conv: {filters: six, kernel: 3}\n",
		"r.yaml:6:21: 'filters' in layer 'conv' must be a whole number, not 'six'");
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
		"weight_decay");
	refused(SMALL "train: {optimizer: {sgd: {nesterov: true}}}\n",
		"r.yaml:9:20: optimizer 'sgd': nesterov needs momentum, such as 0.9");
	refused(SMALL "train: {loss: msee}\n", "r.yaml:9:15: no loss 'msee'; did you mean 'mse'?");
	refused(SMALL "train: {epochs: 1.5}\n",
		"r.yaml:9:17: 'epochs' in 'train' must be a whole number, not the number 1.5");
	refused(SMALL "train: {seed: -1}\n", "r.yaml:9:15: 'seed' in 'train' is -1; it must be at least 0");
	refused(SMALL "train: {early_stopping: 2}\n",
		"r.yaml:9:9: train.early_stopping needs data.validation above 0, such as 0.1");
	refused_set(SMALL, (const char *const[]){"train.early_stopping=2", "data.validation=0", NULL},
		"--set train.early_stopping=2: train.early_stopping needs data.validation above 0, such as 0.1");
	eg_recipe_free(accepted(
		SMALL "train: {early_stopping: 2}\n", (const char *const[]){"data.validation=0.1", NULL}));
	refused(SMALL "train: 5\n", "r.yaml:9:8: 'train' must be a map {key: value, ...}, not the number 5");
	refused("name: t\ntask: classify\ndata: {path: x}\ninput: 4\n" MODEL,
		"r.yaml:3:7: 'data' needs 'source' (name of the data set or reader (engram data list))");
	refused("name: t\ntask: classify\ndata: {source: x, validation: 1}\ninput: 4\n" MODEL,
		"r.yaml:3:31: 'validation' in 'data' is 1; it must be at least 0 and below 1");
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

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void build_fails(const char *text, const char *message) {
	eg_error err = {0};
	eg_recipe *r = accepted(text, NULL);
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_graph *g = NULL;
	assert_int_not_equal(eg_recipe_build(r, ctx, 10, &g, &err), EG_OK);
	assert_null(g);
	if (!strstr(err.message, message)) fail_msg("%s", err.message);
	assert_ptr_equal(strstr(err.message, message), err.message);
	eg_context_free(ctx);
	eg_recipe_free(r);
}

static void shapes_have_places(void **state) {
	(void)state;
	build_fails(HEAD "model:\n  - conv: {filters: 2, kernel: 9}\n  - flatten\n  - linear: classes\n",
		"r.yaml:6:5: conv2d 'conv1': ");
	build_fails(HEAD "model:\n  - softmax: 0\n  - flatten\n  - linear: classes\n", "r.yaml:6:5: softmax 'softmax1': axis 0 is the batch");
	build_fails(HEAD "model:\n  - flatten\n  - linear: 84\n",
		"r.yaml:7:5: the last layer gives 84 values for a sample, but there are 10 classes; end with `linear: "
		"classes`");
	build_fails(HEAD "model:\n  - relu\n", "r.yaml:6:5: the last layer gives 1 x 8 x 8 values for a sample, but "
					       "there are 10 classes; end with `linear: classes` after `flatten`");
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

#define LETTERS "name: t\ntask: classify\ndata: {source: mnist}\ninput: [time]\n"
#define SERIES "name: t\ntask: classify\ndata: {source: mnist}\ninput: [time, 2]\n"

static eg_graph *built(const char *text, int classes, eg_recipe **r, eg_context **ctx) {
	eg_error err = {0};
	eg_graph *g = NULL;
	*r = accepted(text, NULL);
	*ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	if (eg_recipe_build(*r, *ctx, classes, &g, &err)) fail_msg("%s", err.message);
	return g;
}

static void assert_tensor(const eg_graph *g, const char *name, eg_dtype type, eg_dims want) {
	eg_tensor t = eg_graph_find(g, name);
	if (!t.id) fail_msg("there is no '%s'", name);
	eg_dims d = eg_tensor_dims(g, t);
	assert_int_equal(eg_tensor_dtype(g, t), type);
	assert_int_equal(d.rank, want.rank);
	for (int i = 0; i < d.rank; i++) assert_int_equal(d.d[i], want.d[i]);
}

static void drop(eg_graph *g, eg_recipe *r, eg_context *ctx) {
	eg_graph_free(g);
	eg_context_free(ctx);
	eg_recipe_free(r);
}

static void sequences(void **state) {
	(void)state;
	eg_recipe *r;
	eg_context *ctx;
	/* ids in, a class for each step; how many ids there are is the number of classes unless told */
	eg_graph *g = built(LETTERS "model:\n  - embedding: 5\n  - linear: classes\ntrain: {best: accuracy}\n", 12, &r, &ctx);
	assert_int_equal(eg_recipe_input(r).rank, 1);
	assert_int_equal(eg_recipe_input(r).d[0], EG_T);
	assert_int_equal(eg_recipe_train(r)->best, EG_BEST_METRIC);
	assert_tensor(g, "input", EG_I32, EG_DIMS(EG_T, EG_N));
	assert_tensor(g, "logits", EG_F32, EG_DIMS(EG_T, EG_N, 12));
	assert_tensor(g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
	assert_int_equal(eg_graph_find(g, "lengths").id, 0);
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_int_equal(eg_params_dims(p, eg_params_find(p, "embedding1.weight")).d[0], 12);
	eg_params_free(p);
	eg_recipe *again = accepted(eg_recipe_text(r), NULL); /* as a model file keeps it */
	assert_int_equal(eg_recipe_input(again).d[0], EG_T);
	eg_recipe_free(again);
	drop(g, r, ctx);
	/* another number of ids; numbers in */
	g = built(LETTERS "model:\n  - embedding: {size: 5, count: 40}\n  - linear: classes\n", 12, &r, &ctx);
	p = eg_params_new(g, 1, NULL);
	assert_int_equal(eg_params_dims(p, eg_params_find(p, "embedding1.weight")).d[0], 40);
	eg_params_free(p);
	drop(g, r, ctx);
	g = built(SERIES "model:\n  - linear: 3\n  - tanh\ntrain: {loss: mse}\n", 0, &r, &ctx);
	assert_tensor(g, "target", EG_F32, EG_DIMS(EG_T, EG_N, 3));
	drop(g, r, ctx);
}

static void links(void **state) {
	(void)state;
	eg_recipe *r;
	eg_context *ctx;
	/* inputs by name, in any order; the first one is the layer before; an output by its name */
	eg_graph *g = built(SERIES "model:\n  - linear: {units: 3, name: a}\n  - linear: {units: 3, name: b}\n"
				   "  - add: {from: {b: a.y}}\n  - add: {from: {b: add1, a: a}}\n  - linear: classes\n",
		4, &r, &ctx);
	assert_tensor(g, "input", EG_F32, EG_DIMS(EG_T, EG_N, 2));
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info n;
		eg_graph_node(g, i, &n);
		if (!strcmp(n.name, "add1")) {
			assert_int_equal(n.inputs[0].id, eg_graph_find(g, "b").id);
			assert_int_equal(n.inputs[1].id, eg_graph_find(g, "a").id);
		}
		if (!strcmp(n.name, "add2")) {
			assert_int_equal(n.inputs[0].id, eg_graph_find(g, "a").id);
			assert_int_equal(n.inputs[1].id, eg_graph_find(g, "add1").id);
		}
	}
	drop(g, r, ctx);
	/* lengths become an input of the graph, and a last layer without steps answers once for a sample */
	g = built(LETTERS "model:\n  - embedding: {size: 5, count: 7, from: lengths}\n  - linear: classes\n", 4, &r, &ctx);
	assert_tensor(g, "lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(g, "logits", EG_F32, EG_DIMS(EG_N, 4));
	assert_tensor(g, "target", EG_I32, EG_DIMS(EG_N));
	drop(g, r, ctx);
	g = built(SERIES "model:\n  - linear: 3\n  - last: {from: {lengths: lengths}}\n  - linear: 1\ntrain: {loss: mse}\n", 0, &r,
		&ctx);
	assert_tensor(g, "lengths", EG_I32, EG_DIMS(EG_N));
	assert_tensor(g, "logits", EG_F32, EG_DIMS(EG_N, 1));
	assert_tensor(g, "target", EG_F32, EG_DIMS(EG_N, 1));
	drop(g, r, ctx);
	/* outputs beside the first one */
	g = built(SERIES "model:\n  - lstm: {hidden: 5, name: read}\n"
			 "  - lstm: {hidden: 5, from: {x: input, c0: read.cn, h0: read.hn}}\n  - linear: classes\n", 3, &r, &ctx);
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info n;
		eg_graph_node(g, i, &n);
		if (strcmp(n.name, "lstm2")) continue;
		eg_tensor first = eg_graph_find(g, "read");
		assert_int_equal(n.ninputs, 4);
		assert_int_equal(n.inputs[0].id, eg_graph_find(g, "input").id);
		assert_int_equal(n.inputs[1].id, 0);
		assert_int_equal(n.inputs[2].id, eg_result(g, first, 1).id);
		assert_int_equal(n.inputs[3].id, eg_result(g, first, 2).id);
	}
	drop(g, r, ctx);
	/* a loss that knows lengths is told them when anybody is, or when it cannot do without */
	for (int with = 0; with < 2; with++) {
		g = built(with ? SERIES "model:\n  - linear: 3\n  - reverse: {from: {lengths: lengths}}\ntrain: {loss: crf}\n"
			       : SERIES "model:\n  - linear: 3\ntrain: {loss: crf}\n",
			3, &r, &ctx);
		eg_node_info n;
		eg_graph_node(g, eg_graph_nodes(g) - 1, &n);
		assert_int_equal(n.ninputs, with ? 3 : 2);
		if (with) assert_int_equal(n.inputs[2].id, eg_graph_find(g, "lengths").id);
		assert_tensor(g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
		eg_params *p = eg_params_new(g, 1, NULL);
		assert_true(eg_params_find(p, "crf1.transitions") >= 0);
		eg_params_free(p);
		drop(g, r, ctx);
	}
	g = built(SERIES "model:\n  - linear: {units: 3, name: a}\n  - reverse: {from: {lengths: lengths}}\n"
			 "train: {loss: {ctc: {blank: 2}}}\n", 3, &r, &ctx);
	assert_tensor(g, "target", EG_I32, EG_DIMS(EG_N, EG_T));
	assert_tensor(g, "target_lengths", EG_I32, EG_DIMS(EG_N));
	drop(g, r, ctx);
	build_fails(SERIES "model:\n  - linear: classes\ntrain: {loss: {crf: {reduction: none}}}\n",
		"r.yaml:7:15: the loss 'crf' gives a number for each sample; to train on it, one number for all is needed");
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
	refused("name: t\ntask: classify\ndata: x\ninput: [2, time]\n" MODEL,
		"r.yaml:4:12: `time` must be the first size of 'input', as in [time, 2]");
	refused("name: t\ntask: classify\ndata: x\ninput: [tiem, 2]\n" MODEL,
		"r.yaml:4:9: a size of 'input' must be a whole number from 1 to 1000000 (or, for sequences, the first one "
		"`time`), not 'tiem'");
	refused(SMALL "train: {best: acuracy}\n", "r.yaml:9:15: no best 'acuracy'; did you mean 'accuracy'?");
	build_fails(LETTERS "model:\n  - embedding: 5\n  - linear: 12\n",
		"r.yaml:7:5: the last layer gives 12 values for each step, but there are 10 classes; end with `linear: "
		"classes`");
	build_fails(LETTERS "model:\n  - embedding: 5\n  - relu: {from: input}\n  - add: {from: [embedding1, relu1]}\n",
		"r.yaml:7:5: layer 'relu1' takes numbers, but layer 'embedding1' takes the same input as ids");
	build_fails(SERIES "model:\n  - conv: {filters: 2, kernel: 3}\n  - linear: classes\n", "r.yaml:6:5: conv2d 'conv1': ");
	/* no classes: neither the word nor a loss over them has a meaning */
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	static const char *const models[][2] = {
		{SERIES "model:\n  - linear: classes\n", "r.yaml:6:5: linear depends on the number of classes, but there are none"},
		{SERIES "model:\n  - linear: 3\n", "the loss 'cross_entropy' is one of classes, but there are none here"}};
	for (int i = 0; i < 2; i++) {
		eg_recipe *r = accepted(models[i][0], NULL);
		eg_graph *g;
		assert_int_equal(eg_recipe_build(r, ctx, 0, &g, &err), EG_ERR_FORMAT);
		assert_null(g);
		if (!strstr(err.message, models[i][1])) fail_msg("%s", err.message);
		eg_recipe_free(r);
	}
	eg_context_free(ctx);
}

/* ---- values by path ---------------------------------------------------------------------------------------------- */

static void values_by_path(void **state) {
	(void)state;
	eg_recipe *r = accepted("name: t\ntask: classify\ndata: {source: mnist, scale: 2, flip: true, mean: [1, 2.5], "
				"augment: {shift: 3, angel: 4}}\n"
				"input: [1, 8, 8]\n" MODEL,
		NULL);
	eg_error err = {0};
	double v, list[4];
	const char *text;
	bool flag;
	int n;
	assert_int_equal(eg_recipe_number(r, "data.scale", 1, 0, 10, &v, &err), EG_OK);
	assert_true(v == 2);
	assert_int_equal(eg_recipe_number(r, "data.nothing", 7, 0, 10, &v, &err), EG_OK);
	assert_true(v == 7);
	assert_int_equal(eg_recipe_number(r, "data.scale", 1, 0, 1, &v, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "r.yaml:3:30: 'scale' in 'data' is 2; it must be at least 0 and at most 1");
	assert_int_equal(eg_recipe_string(r, "data.source", NULL, &text, &err), EG_OK);
	assert_string_equal(text, "mnist");
	assert_int_equal(eg_recipe_bool(r, "data.flip", false, &flag, &err), EG_OK);
	assert_true(flag);
	assert_int_equal(eg_recipe_numbers(r, "data.mean", list, 4, &n, &err), EG_OK);
	assert_true(n == 2 && list[1] == 2.5);
	assert_int_equal(eg_recipe_numbers(r, "data.mean", list, 1, &n, &err), EG_ERR_FORMAT);
	assert_int_equal(eg_recipe_check_known(r, "data", &err), EG_ERR_FORMAT);
	assert_string_equal(err.message,
		"r.yaml:3:61: unknown key 'augment' in 'data'; it takes: scale, nothing, source, flip, mean");
	assert_false(eg_recipe_has(r, "data.augment.angle"));
	assert_true(eg_recipe_has(r, "data.augment.shift"));
	assert_int_equal(eg_recipe_check_known(r, "data", &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "r.yaml:3:81: unknown key 'angel' in 'data.augment'; did you mean 'angle'?");
	eg_fail(&err, EG_ERR_IO, "no such data");
	eg_recipe_locate(r, "data.source", &err);
	assert_string_equal(err.message, "r.yaml:3:16: no such data");
	eg_recipe_free(r);
}

static void schema_is_json(void **state) {
	(void)state;
	char *text = NULL;
	eg_error err = {0};
	assert_int_equal(eg_schema_json(&text, &err), EG_OK);
	eg_arena arena = {0};
	eg_tree *t = NULL;
	if (eg_json_parse(&arena, text, strlen(text), "schema", &t, &err)) fail_msg("%s", err.message);
	assert_non_null(eg_tree_find(t, "properties.train.properties.optimizer.anyOf.0.enum"));
	assert_non_null(strstr(text, "\"label_smoothing\""));
	static const char *const data[] = {"source", "path", "validation", "mean", "std", "limit", "images", "labels",
		"test_images", "test_labels", "classes", "class_names"};
	for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
		char path[80];
		snprintf(path, sizeof path, "properties.data.anyOf.1.properties.%s", data[i]);
		assert_non_null(eg_tree_find(t, path));
	}
	assert_string_equal(eg_tree_find(t, "properties.task.enum.0")->text, "classify");
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
		cmocka_unit_test(shapes_have_places),
		cmocka_unit_test(sequences),
		cmocka_unit_test(links),
		cmocka_unit_test(refuses_sequences),
		cmocka_unit_test(values_by_path),
		cmocka_unit_test(schema_is_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

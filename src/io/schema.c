/* schema.c - the tables that say which keys a recipe takes, and the JSON Schema that is made from them and from the
 * operator table.
 *
 * Not here: reading (recipe.c, layers.c, keys.c). To add a key, add its line here. */
#include "io/recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define TRAIN(f) offsetof(eg_train_section, config.f)
#define OPTIMIZER(f) offsetof(eg_optimizer_config, f)
#define SCHEDULE(f) offsetof(eg_schedule_config, f)
#define TABLE(t) (t), EG_COUNT(t)
#define NUMBER(n, at, low, high, default_, text) \
	{ .name = n, .type = EG_KEY_DOUBLE, .offset = at, .min = low, .max = high, \
		.zero_is_default = (default_) != 0, .def = default_, .doc = text }
#define WHOLE(n, at, low, default_, text) \
	{ .name = n, .type = EG_KEY_INT, .offset = at, .min = low, .max = 1e6, .def = default_, .doc = text }
#define FLAG(n, at, text) \
	{ .name = n, .type = EG_KEY_BOOL, .offset = at, .def = 0, .doc = text }
#define CHOICE(n, list, text) \
	{ .name = n, .type = EG_KEY_CHOICE, .variants = list, .def = NAN, .doc = text }

const char *const eg_view_names[] = {"one", "flip", "shift", "flip_shift", NULL};

/* `name`, `task` and so on are read one by one in recipe.c; here they are for the check of names and for the schema. */
static const eg_key recipe_keys[] = {
	{.name = "name",
		.type = EG_KEY_STRING,
		.required = true,
		.doc = "what the model is called; letters, digits, - _ ."},
	{.name = "task", .type = EG_KEY_CHOICE, .required = true, .doc = "what is to be learned"},
	{.name = "description", .type = EG_KEY_STRING, .doc = "a sentence for people"},
	{.name = "data",
		.type = EG_KEY_CHOICE,
		.required = true,
		.doc = "where samples come from: {source: fashion-mnist, ...}"},
	{.name = "input",
		.type = EG_KEY_CHOICE,
		.doc = "shape of one sample, such as [1, 28, 28]; of sequences [time] or [time, 2]; words are sizes left "
		       "open"},
	{.name = "inputs",
		.type = EG_KEY_CHOICE,
		.doc = "in place of `input`, where there are several: names and shapes, such as "
		       "{image: [1, 28, 28], age: [1]}"},
	{.name = "model", .type = EG_KEY_CHOICE, .required = true, .doc = "the layers, in order"},
	{.name = "outputs",
		.type = EG_KEY_CHOICE,
		.doc = "layers whose outputs are wanted besides: [LAYER, ...], or {NAME: LAYER, ...}"},
	{.name = "augment", .type = EG_KEY_CHOICE,
		.doc = "what is changed in training records, one after the other, drawn anew in each epoch"},
	{.name = "views", .type = EG_KEY_ENUM, .names = eg_view_names,
		.doc = "pictures that are classified are shown as they are and in other ways when the model is judged, and the "
		       "probabilities averaged: one, flip (mirrored too), shift (a pixel towards each corner too), flip_shift "
		       "(mirrored, and a pixel up and left, down and right)"},
	{.name = "train", .type = EG_KEY_CHOICE, .doc = "how to train"},
	{.name = "tune", .type = EG_KEY_CHOICE,
		.doc = "what `engram tune` may try: {PATH: {range: [1.0e-4, 1.0e-2], log: true}, ...}, paths as in --set"},
};
const eg_key_table eg_recipe_keys = {TABLE(recipe_keys)};

#define LR(default_) NUMBER("lr", OPTIMIZER(lr), EG_ABOVE_0, 1e3, default_, "learning rate")
#define BETAS(second) \
	NUMBER("beta1", OPTIMIZER(beta1), 0, EG_BELOW_1, 0.9, "decay of the mean of gradients"), \
		NUMBER("beta2", OPTIMIZER(beta2), 0, EG_BELOW_1, second, "decay of the mean of their squares")
#define EPS(default_) NUMBER("eps", OPTIMIZER(eps), EG_ABOVE_0, 1, default_, "added to the root, against division by zero")
#define MOMENTUM(default_) \
	NUMBER("momentum", OPTIMIZER(momentum), 0, EG_BELOW_1, default_, "share of the last update that is kept")
#define L2 NUMBER("weight_decay", OPTIMIZER(weight_decay), 0, 1e3, 0, "L2 penalty")
#define DECOUPLED(default_) NUMBER("weight_decay", OPTIMIZER(weight_decay), 0, 1e3, default_, "decoupled weight decay")
#define LOOKAHEAD \
	WHOLE("lookahead", OPTIMIZER(lookahead), 0, 0, \
		"updates after which slow weights follow and the others go on from there (Lookahead); 0: off"), \
		NUMBER("lookahead_alpha", OPTIMIZER(lookahead_alpha), EG_ABOVE_0, 1, 0.5, \
			"part of the way that the slow weights follow")

static const eg_key sgd_keys[] = {
	LR(0.01),
	MOMENTUM(0),
	FLAG("nesterov", OPTIMIZER(nesterov), "look ahead by the momentum"),
	L2,
	LOOKAHEAD,
};
static const eg_key adam_keys[] = {LR(0.001), BETAS(0.999), EPS(1e-8), L2, LOOKAHEAD};
static const eg_key adamw_keys[] = {LR(0.001), BETAS(0.999), EPS(1e-8), DECOUPLED(0.01), LOOKAHEAD};
static const eg_key rmsprop_keys[] = {
	LR(0.01),
	NUMBER("alpha", OPTIMIZER(alpha), 0, EG_BELOW_1, 0.99, "decay of the mean of squares"),
	EPS(1e-8),
	MOMENTUM(0),
	FLAG("centered", OPTIMIZER(centered), "divide by the deviation of gradients, not by the root of the mean of squares"),
	L2,
	LOOKAHEAD,
};
static const eg_key adagrad_keys[] = {LR(0.01), EPS(1e-10), L2, LOOKAHEAD};
static const eg_key adadelta_keys[] = {LR(1),
	NUMBER("rho", OPTIMIZER(alpha), 0, EG_BELOW_1, 0.9, "decay of the means of squares"), EPS(1e-6), L2, LOOKAHEAD};
static const eg_key nadam_keys[] = {LR(0.002), BETAS(0.999), EPS(1e-8),
	NUMBER("momentum_decay", OPTIMIZER(momentum_decay), 0, 1e3, 0.004, "how soon beta1 has risen from half its value"),
	L2, LOOKAHEAD};
static const eg_key muon_keys[] = {
	LR(0.02),
	MOMENTUM(0.95),
	{.name = "newton_schulz",
		.type = EG_KEY_INT,
		.offset = OPTIMIZER(newton_schulz),
		.min = 1,
		.max = 100,
		.def = 5,
		.doc = "rounds that bring the singular values near 1"},
	NUMBER("adam_lr", OPTIMIZER(adam_lr), 0, 1e3, 3e-4, "learning rate of what is no matrix and follows adamw"),
	BETAS(0.95),
	EPS(1e-10),
	DECOUPLED(0),
	LOOKAHEAD,
};
const eg_variant eg_optimizer_variants[] = {
	{"sgd", EG_SGD, TABLE(sgd_keys), "stochastic gradient descent"},
	{"adam", EG_ADAM, TABLE(adam_keys), "Kingma and Ba 2015"},
	{"adamw", EG_ADAMW, TABLE(adamw_keys), "Adam with decoupled weight decay, Loshchilov and Hutter 2019"},
	{"rmsprop", EG_RMSPROP, TABLE(rmsprop_keys), "Tieleman and Hinton 2012; centered: Graves 2013"},
	{"adagrad", EG_ADAGRAD, TABLE(adagrad_keys), "Duchi, Hazan and Singer 2011"},
	{"adadelta", EG_ADADELTA, TABLE(adadelta_keys), "Zeiler 2012"},
	{"nadam", EG_NADAM, TABLE(nadam_keys), "Adam with Nesterov's momentum, Dozat 2016"},
	{"muon", EG_MUON, TABLE(muon_keys), "momentum of matrices made orthogonal, Jordan 2024; the rest by adamw"},
	{0},
};

#define WARMUP NUMBER("warmup", SCHEDULE(warmup), 0, 1e6, 0, "epochs in which the learning rate rises to what it begins with")
#define END NUMBER("min_lr", SCHEDULE(min_lr), 0, 1e3, 0, "learning rate at the end")
#define FROM(default_) NUMBER("div", SCHEDULE(div), 1, 1e9, default_, "it begins with lr divided by this")
static const eg_key constant_keys[] = {WARMUP};
static const eg_key step_keys[] = {NUMBER("every", SCHEDULE(every), EG_ABOVE_0, 1e6, 10, "epochs between cuts"),
	NUMBER("factor", SCHEDULE(factor), EG_ABOVE_0, 1, 0.1, "the learning rate is multiplied by it"), WARMUP};
static const eg_key cosine_keys[] = {END, WARMUP};
static const eg_key exponential_keys[] = {
	NUMBER("factor", SCHEDULE(factor), EG_ABOVE_0, 1, 0.95, "what an epoch leaves of the learning rate"), WARMUP};
static const eg_key polynomial_keys[] = {
	NUMBER("power", SCHEDULE(power), EG_ABOVE_0, 100, 1, "of what is left of the training; 1: a straight line"), END, WARMUP};
static const eg_key one_cycle_keys[] = {
	NUMBER("rise", SCHEDULE(rise), EG_ABOVE_0, 1, 0.3, "share of the training before lr is reached"),
	FROM(25),
	NUMBER("final_div", SCHEDULE(final_div), 1, 1e12, 1e4, "and ends with that divided by this"),
	FLAG("linear", SCHEDULE(linear), "straight lines instead of half waves of a cosine"),
	WARMUP,
};
static const eg_key triangular_keys[] = {
	NUMBER("every", SCHEDULE(every), EG_ABOVE_0, 1e6, 10, "epochs of a triangle"),
	NUMBER("rise", SCHEDULE(rise), EG_ABOVE_0, 1, 0.5, "share of a triangle before its top"),
	NUMBER("factor", SCHEDULE(factor), EG_ABOVE_0, 1, 1, "height of a triangle, as a share of the one before"),
	FROM(10),
	WARMUP,
};
static const eg_key restart_keys[] = {
	NUMBER("every", SCHEDULE(every), EG_ABOVE_0, 1e6, 10, "epochs before the first restart"),
	NUMBER("mult", SCHEDULE(mult), 1, 100, 1, "each time lasts as long as the one before, times this"),
	END,
	WARMUP,
};
static const eg_key plateau_keys[] = {
	NUMBER("factor", SCHEDULE(factor), 0, 1, 0.1, "the learning rate is multiplied by it"),
	WHOLE("patience", SCHEDULE(patience), 1, 3, "epochs without improvement before a cut"),
	NUMBER("threshold", SCHEDULE(threshold), 0, 1, 1e-4, "relative improvement that counts"),
	NUMBER("min_lr", SCHEDULE(min_lr), 0, 1e3, 0, "never below"), WARMUP};
const eg_variant eg_schedule_variants[] = {
	{"constant", EG_SCHEDULE_CONSTANT, TABLE(constant_keys), "always the same learning rate"},
	{"step", EG_SCHEDULE_STEP, TABLE(step_keys), "a cut every few epochs"},
	{"cosine", EG_SCHEDULE_COSINE, TABLE(cosine_keys), "falls along half a cosine to the end of training"},
	{"plateau", EG_SCHEDULE_PLATEAU, TABLE(plateau_keys), "a cut when the validation loss no longer improves"},
	{"exponential", EG_SCHEDULE_EXPONENTIAL, TABLE(exponential_keys), "falls by the same share in every epoch"},
	{"polynomial", EG_SCHEDULE_POLYNOMIAL, TABLE(polynomial_keys), "falls with a power of what is left of the training"},
	{"one_cycle", EG_SCHEDULE_ONE_CYCLE, TABLE(one_cycle_keys), "up, then far down: Smith and Topin 2019"},
	{"triangular", EG_SCHEDULE_TRIANGULAR, TABLE(triangular_keys), "up and down again and again: Smith 2017"},
	{"warm_restarts", EG_SCHEDULE_RESTARTS, TABLE(restart_keys),
		"half a cosine again and again: Loshchilov and Hutter 2017"},
	{0},
};

/* as eg_best_kind; accuracy: metric */
static const char *const best_names[] = {"default", "metric", "loss", "accuracy", NULL};
static const char *const precision_names[] = {"fast", "exact", NULL};
static const char *const embedding_names[] = {"exact", "lazy", "dense", NULL}; /* as eg_rows_update */
static const eg_key train_keys[] = {
	CHOICE("loss", NULL, "what is made small"),
	CHOICE("optimizer", eg_optimizer_variants, "how weights follow their gradients"),
	CHOICE("schedule", eg_schedule_variants, "how the learning rate changes"),
	NUMBER("lr", offsetof(eg_train_section, lr), EG_ABOVE_0, 1e3, NAN,
		"learning rate; goes before the optimizer's own"),
	WHOLE("batch", TRAIN(batch), 1, 32, "samples in one update"),
	WHOLE("epochs", TRAIN(epochs), 1, 10, "passes over the training samples"),
	{.name = "seed",
		.type = EG_KEY_U64,
		.offset = TRAIN(seed),
		.max = 0x1p63,
		.doc = "of everything random; same seed, same model"},
	NUMBER("clip_norm", TRAIN(optimizer.clip_norm), 0, 1e9, 0,
		"longest allowed gradient, over all weights; 0: any"),
	NUMBER("clip_value", TRAIN(optimizer.clip_value), 0, 1e9, 0, "largest allowed element of a gradient; 0: any"),
	FLAG("decay_all", TRAIN(optimizer.decay_all), "weight_decay holds for biases and the weights of normalisations too"),
	{.name = "embeddings",
		.type = EG_KEY_ENUM,
		.names = embedding_names,
		.offset = TRAIN(optimizer.embeddings),
		.doc = "how large tables of embeddings are updated. exact (the default): only those rows that a batch has, or that move "
		       "still from batches before, with the same result as dense; lazy: only those that a batch has, momentum and "
		       "decay of others wait; dense: all rows in every update"},
	{.name = "groups",
		.type = EG_KEY_MAPS,
		.variants = eg_group_keys,
		.doc = "what is different for some weights: [{pattern: \"conv*\", lr: 0.1}]; the last that fits counts"},
	WHOLE("accumulate", TRAIN(accumulate), 1, 1, "batches in one update: their gradients are averaged, so that a batch may be smaller than memory"),
	NUMBER("average", TRAIN(average), 0, EG_BELOW_1, 0,
		"decay of a moving average of the weights, such as 0.999, that is validated and kept in place of the weights; 0: none"),
	WHOLE("early_stopping", TRAIN(early_stopping), 0, 0,
		"epochs without improvement before training ends; 0: never"),
	NUMBER("forget", TRAIN(forget), 0, 1, EG_FORGET,
		"text read in pieces: share of the pieces before which a stream forgets, so that the network learns to begin"),
	WHOLE("checkpoint_time", TRAIN(checkpoint_time), -1, 0,
		"long sequences: recurrent layers keep their state every so many steps and compute the steps between twice; -1: about the square root of the length; 0: keep everything"),
	{.name = "from",
		.type = EG_KEY_STRINGS,
		.one_will_do = true,
		.offset = offsetof(eg_train_section, from),
		.doc = "path of a model whose weights are begun with, where names and shapes are the same; or a list of some, of which "
		       "the last that has a weight counts"},
	{.name = "from_layers",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(eg_train_section, from_layers),
		.doc = "with from: only these layers' weights, or weights by name; * stands for any characters, ? for one: [conv*]"},
	{.name = "whiten",
		.type = EG_KEY_STRING,
		.offset = offsetof(eg_train_section, whiten),
		.doc = "name of a layer conv that reads the pictures: its filters begin as what makes patches of the training pictures "
		       "white, the directions in which they vary most and the opposite of each"},
	FLAG("spare_class", offsetof(eg_train_section, spare_class),
		"classes of samples: the network puts out one number more than there are classes, the last, which stands for none of them"),
	FLAG("keep_last", TRAIN(keep_last), "keep the weights of the last epoch, not those of the best"),
	{.name = "best",
		.type = EG_KEY_ENUM,
		.names = best_names,
		.offset = offsetof(eg_train_section, best),
		.doc = "what makes an epoch the best: metric, the best value of the validation metric that the task goes by (accuracy "
		       "says the same), or the lowest validation loss. Default: as suits the task; for classes the accuracy of "
		       "samples, but the loss of sequences"},
	{.name = "precision",
		.type = EG_KEY_ENUM,
		.names = precision_names,
		.offset = offsetof(eg_train_section, precision),
		.doc = "exact: no convolution by Winograd's transforms, whose rounding is up to some hundred thousandths of the largest "
		       "value; also when the model is used. Default: fast"},
};
const eg_key_table eg_train_keys = {TABLE(train_keys)};

/* `choices` and `when` hold values of any kind: src/tune reads them. */
#define TUNE(f) offsetof(eg_tune_section, f)
static const eg_key tune_keys[] = {
	{.name = "range", .type = EG_KEY_NUMBERS, .count = 2, .offset = TUNE(range), .min = -1e12, .max = 1e12,
		.doc = "smallest and largest number"},
	FLAG("log", TUNE(log), "as many trials from 0.001 to 0.01 as from 0.01 to 0.1"),
	FLAG("integer", TUNE(integer), "whole numbers"),
	NUMBER("step", TUNE(step), EG_ABOVE_0, 1e12, NAN, "only the smallest number and those so many steps above it"),
	CHOICE("choices", NULL, "in place of a range: the values themselves"),
	CHOICE("when", NULL, "only where other keys have these values: {PATH: VALUE}, or {PATH: [VALUE, VALUE]}"),
};
const eg_key_table eg_tune_keys = {TABLE(tune_keys)};

/* ---- layers and losses ------------------------------------------------------------------------------------------- */

static const eg_op_info *nth_op(int i, bool (*wanted)(const eg_op_info *)) {
	for (int k = 0; k < eg_op_count(); k++) {
		const eg_op_info *op = eg_op_at(k);
		if (wanted(op) && i-- == 0) return op;
	}
	return NULL;
}
static bool is_layer(const eg_op_info *op) { return op->layer != NULL; }
static bool is_loss(const eg_op_info *op) { return op->min_inputs >= 2 && !strcmp(op->inputs[1], "target"); }
const eg_op_info *eg_layer_op(int i) { return nth_op(i, is_layer); }
const eg_op_info *eg_loss_op(int i) { return nth_op(i, is_loss); }

/* ---- JSON Schema ------------------------------------------------------------------------------------------------- */

typedef eg_tree_builder builder;

static void schema_type(builder *b, eg_tree *t, const char *type) { eg_tree_string(b, t, "type", type); }

static void schema_range(builder *b, eg_tree *t, const eg_key *k) {
	if (k->min == EG_ABOVE_0)
		eg_tree_put_int(b, t, "exclusiveMinimum", 0);
	else if (k->min > -INT32_MAX)
		eg_tree_put_double(b, t, "minimum", k->min);
	if (k->max == EG_BELOW_1)
		eg_tree_put_int(b, t, "exclusiveMaximum", 1);
	else if (k->max < INT32_MAX)
		eg_tree_put_double(b, t, "maximum", k->max);
}

static void schema_variants(builder *b, eg_tree *t, const eg_key *k);
static void schema_object(builder *b, eg_tree *t, const eg_key_set *sets, int nsets);

/* Fills `t` with what a value of this key may be. */
static void schema_value(builder *b, eg_tree *t, const eg_key *k) {
	eg_tree *any, *one;
	switch (k->type) {
	case EG_KEY_INT:
	case EG_KEY_INT64:
	case EG_KEY_U64:
		schema_type(b, t, "integer");
		schema_range(b, t, k);
		break;
	case EG_KEY_FLOAT:
	case EG_KEY_DOUBLE:
		schema_type(b, t, "number");
		schema_range(b, t, k);
		break;
	case EG_KEY_BOOL:
	case EG_KEY_NOT: schema_type(b, t, "boolean"); break;
	case EG_KEY_STRING: schema_type(b, t, "string"); break;
	case EG_KEY_ENUM:
		any = eg_tree_list(b, t, "enum");
		for (int i = 0; k->names[i]; i++) eg_tree_string(b, any, NULL, k->names[i]);
		break;
	case EG_KEY_INTS:
	case EG_KEY_NUMBERS:
	case EG_KEY_INT_LIST:
	case EG_KEY_FLOAT_LIST:
		any = eg_tree_list(b, t, "anyOf");
		for (int list = 0; list < 2; list++) {
			one = eg_tree_map(b, any, NULL);
			if (list) {
				schema_type(b, one, "array");
				eg_tree_put_int(b, one, "minItems", k->type == EG_KEY_INTS ? k->count : 1);
				if (k->count) eg_tree_put_int(b, one, "maxItems", k->count);
				one = eg_tree_map(b, one, "items");
			}
			schema_type(b, one, k->type == EG_KEY_INTS || k->type == EG_KEY_INT_LIST ? "integer" : "number");
			schema_range(b, one, k);
		}
		break;
	case EG_KEY_STRINGS:
		one = t;
		if (k->one_will_do) {
			any = eg_tree_list(b, t, "anyOf");
			schema_type(b, eg_tree_map(b, any, NULL), "string");
			one = eg_tree_map(b, any, NULL);
		}
		schema_type(b, one, "array");
		eg_tree_put_int(b, one, "minItems", 1);
		if (k->count) eg_tree_put_int(b, one, "maxItems", k->count);
		schema_type(b, eg_tree_map(b, one, "items"), "string");
		break;
	case EG_KEY_MAPS:
		schema_type(b, t, "array");
		schema_object(b, eg_tree_map(b, t, "items"), &(eg_key_set){k->variants->keys, k->variants->nkeys, NULL}, 1);
		break;
	case EG_KEY_MAP: schema_object(b, t, &(eg_key_set){k->variants->keys, k->variants->nkeys, NULL}, 1); break;
	case EG_KEY_CHOICE: schema_variants(b, t, k); break;
	}
}

/* Adds a key to "properties", unless another table has put it there. */
static void schema_property(builder *b, eg_tree *properties, const eg_key *k) {
	if (eg_tree_get(properties, k->name)) return;
	eg_tree *t = eg_tree_map(b, properties, k->name);
	eg_tree_string(b, t, "description", k->doc);
	if (k->by_field) {
		eg_tree *any = eg_tree_list(b, t, "anyOf");
		schema_value(b, eg_tree_map(b, any, NULL), k);
		t = eg_tree_map(b, any, NULL);
		schema_type(b, t, "object");
		schema_value(b, eg_tree_map(b, t, "additionalProperties"), k);
	} else {
		schema_value(b, t, k);
	}
	if (k->type == EG_KEY_DOUBLE && !isnan(k->def)) eg_tree_put_double(b, t, "default", k->def);
}

static bool names_it(const eg_tree *list, const char *name) {
	for (const eg_tree *t = list ? list->first : NULL; t; t = t->next)
		if (!strcmp(t->text, name)) return true;
	return false;
}

/* An object that takes exactly the keys of these tables. */
static void schema_object(builder *b, eg_tree *t, const eg_key_set *sets, int nsets) {
	schema_type(b, t, "object");
	eg_tree *properties = eg_tree_map(b, t, "properties"), *required = NULL;
	for (int s = 0; s < nsets; s++)
		for (int i = 0; i < sets[s].n; i++) {
			const eg_key *k = &sets[s].keys[i];
			schema_property(b, properties, k);
			if (!k->required || names_it(required, k->name)) continue;
			if (!required) required = eg_tree_list(b, t, "required");
			eg_tree_string(b, required, NULL, k->name);
		}
	eg_tree_literal(b, t, "additionalProperties", "false");
}

/* {word: ...}: returns the schema to fill for the value. */
static eg_tree *schema_single(builder *b, eg_tree *any, const char *word, const char *doc) {
	eg_tree *t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	if (doc) eg_tree_string(b, t, "description", doc);
	eg_tree *inner = eg_tree_map(b, eg_tree_map(b, t, "properties"), word);
	eg_tree_string(b, eg_tree_list(b, t, "required"), NULL, word);
	eg_tree_literal(b, t, "additionalProperties", "false");
	return inner;
}

/* The attribute table of an operator as keys; at most `max`. */
static int op_keys(const eg_op_info *op, eg_key *keys, int max) {
	int n = op->nattrs < max ? op->nattrs : max;
	for (int i = 0; i < n; i++) keys[i] = eg_key_of_attr(&op->attrs[i]);
	return n;
}

enum { MAX_KEYS = 64 };

/* A whole number, or a word for one that the task knows. */
static void schema_int_or_word(builder *b, eg_tree *t, const eg_key *k) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_value(b, eg_tree_map(b, any, NULL), k);
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "string");
	eg_tree_string(b, t, "pattern", "^[a-z][a-z0-9_]*(\\.[A-Za-z0-9_-]+)?$");
}

/* The attributes of an operator, beside what `properties` holds already. */
static void schema_attrs(builder *b, const eg_op_info *op, eg_tree *properties) {
	eg_key keys[MAX_KEYS];
	int n = op_keys(op, keys, MAX_KEYS);
	for (int i = 0; i < n; i++) {
		eg_tree *t = eg_tree_map(b, properties, keys[i].name);
		eg_tree_string(b, t, "description", keys[i].doc);
		if (keys[i].type == EG_KEY_INT)
			schema_int_or_word(b, t, &keys[i]);
		else
			schema_value(b, t, &keys[i]);
	}
}

/* A list, or a word. */
static void schema_class_weights(builder *b, eg_tree *properties) {
	eg_tree *t = eg_tree_map(b, properties, eg_class_weights_key.name), *any = eg_tree_list(b, t, "anyOf");
	eg_tree_string(b, t, "description", eg_class_weights_key.doc);
	schema_value(b, eg_tree_map(b, any, NULL), &eg_class_weights_key);
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (int i = 0; eg_class_weights_words[i]; i++) eg_tree_string(b, words, NULL, eg_class_weights_words[i]);
}

/* One loss: a word, or {word: attributes} with the keys of losses beside it. */
static void schema_loss(builder *b, eg_tree *any) {
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (int i = 0; eg_loss_op(i); i++) {
		const eg_op_info *op = eg_loss_op(i);
		eg_tree_string(b, words, NULL, op->name);
		eg_tree *t = eg_tree_map(b, any, NULL);
		schema_type(b, t, "object");
		eg_tree_string(b, t, "description", op->doc);
		eg_tree *properties = eg_tree_map(b, t, "properties"), *attrs = eg_tree_map(b, properties, op->name);
		eg_tree *types = eg_tree_list(b, attrs, "type");
		eg_tree_string(b, types, NULL, "object");
		eg_tree_string(b, types, NULL, "null");
		eg_tree *own = eg_tree_map(b, attrs, "properties");
		schema_attrs(b, op, own);
		if (eg_loss_weighs(op)) schema_class_weights(b, own);
		eg_tree_literal(b, attrs, "additionalProperties", "false");
		for (int k = 0; k < eg_loss_keys.n; k++) schema_property(b, properties, &eg_loss_keys.keys[k]);
		eg_tree_string(b, eg_tree_list(b, t, "required"), NULL, op->name);
		eg_tree_literal(b, t, "additionalProperties", "false");
	}
}

static void schema_variants(builder *b, eg_tree *t, const eg_key *k) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	if (!k->variants) { /* losses: one, or a list */
		schema_loss(b, any);
		t = eg_tree_map(b, any, NULL);
		schema_type(b, t, "array");
		eg_tree_put_int(b, t, "minItems", 1);
		eg_tree_put_int(b, t, "maxItems", EG_RECIPE_LOSSES);
		schema_loss(b, eg_tree_list(b, eg_tree_map(b, t, "items"), "anyOf"));
		return;
	}
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (const eg_variant *v = k->variants; v->name; v++) {
		eg_tree_string(b, words, NULL, v->name);
		schema_object(b, schema_single(b, any, v->name, v->doc), &(eg_key_set){v->keys, v->nkeys, NULL}, 1);
	}
}

static void schema_from(builder *b, eg_tree *properties) {
	eg_tree *t = eg_tree_map(b, properties, "name");
	eg_tree_string(b, t, "description", "of the layer and its weights; letters, digits, - _");
	schema_type(b, t, "string");
	t = eg_tree_map(b, properties, "from");
	eg_tree_string(b, t, "description", "the layers it takes its inputs from; left out: the layer before");
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_type(b, eg_tree_map(b, any, NULL), "string");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "array");
	schema_type(b, eg_tree_map(b, t, "items"), "string");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	schema_type(b, eg_tree_map(b, t, "additionalProperties"), "string");
}

static void schema_layer(builder *b, const eg_op_info *op, eg_tree *any, eg_tree *words) {
	eg_key keys[MAX_KEYS];
	int n = op_keys(op, keys, MAX_KEYS);
	bool optional = true;
	eg_tree *forms = eg_tree_list(b, schema_single(b, any, op->layer, op->doc), "anyOf");
	for (int i = 0; i < n; i++) {
		optional = optional && !keys[i].required;
		if (!op->shorthand || strcmp(op->shorthand, keys[i].name) != 0) continue;
		if (keys[i].type == EG_KEY_INT)
			schema_int_or_word(b, eg_tree_map(b, forms, NULL), &keys[i]);
		else
			schema_value(b, eg_tree_map(b, forms, NULL), &keys[i]);
	}
	eg_tree *object = eg_tree_map(b, forms, NULL);
	schema_type(b, object, "object");
	eg_tree *properties = eg_tree_map(b, object, "properties");
	eg_tree *required = optional ? NULL : eg_tree_list(b, object, "required");
	schema_attrs(b, op, properties);
	for (int i = 0; i < n; i++)
		if (keys[i].required) eg_tree_string(b, required, NULL, keys[i].name);
	schema_from(b, properties);
	eg_tree_literal(b, object, "additionalProperties", "false");
	if (optional) eg_tree_string(b, words, NULL, op->layer);
}

static void schema_shape(builder *b, eg_tree *t);

/* One size of a state, or several, or a map that holds them. */
static void schema_state(builder *b, eg_tree *t) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_shape(b, eg_tree_map(b, any, NULL));
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	eg_tree *properties = eg_tree_map(b, t, "properties");
	schema_shape(b, eg_tree_map(b, properties, "size"));
	schema_type(b, eg_tree_map(b, properties, "learned"), "boolean");
	schema_type(b, eg_tree_map(b, properties, "from"), "string");
	eg_tree_string(b, eg_tree_list(b, t, "required"), NULL, "size");
	eg_tree_literal(b, t, "additionalProperties", "false");
}

/* A map of names and what `one` says of each; its description. */
static eg_tree *schema_names(builder *b, eg_tree *properties, const char *key, const char *doc) {
	eg_tree *t = eg_tree_map(b, properties, key);
	eg_tree_string(b, t, "description", doc);
	schema_type(b, t, "object");
	return eg_tree_map(b, t, "additionalProperties");
}

/* The layer that is no operator (cell.c). */
static void schema_cell(builder *b, eg_tree *any) {
	const eg_op_info *info = eg_cell_info();
	eg_tree *object = schema_single(b, any, info->layer, info->doc), *properties;
	schema_type(b, object, "object");
	properties = eg_tree_map(b, object, "properties");
	schema_from(b, properties);
	schema_type(b, schema_names(b, properties, "whole", "what every step sees as it is: {NAME: LAYER}"), "string");
	schema_state(b, schema_names(b, properties, "state", "states and their sizes for a sample: {h: [32]}"));
	schema_type(b, schema_names(b, properties, "next", "what each state becomes: a name in the body"), "string");
	schema_type(b, eg_tree_map(b, properties, "output"), "string");
	schema_type(b, eg_tree_map(b, properties, "reverse"), "boolean");
	eg_tree *layers = eg_tree_map(b, properties, "layers");
	eg_tree_string(b, layers, "description", "one step; `from` may name x, what `from` and `whole` name, and states");
	schema_type(b, layers, "array");
	eg_tree_put_int(b, layers, "minItems", 1);
	eg_tree_string(b, eg_tree_map(b, layers, "items"), "$ref", "#/properties/model/items");
	eg_tree_string(b, eg_tree_list(b, object, "required"), NULL, "layers");
	eg_tree_literal(b, object, "additionalProperties", "false");
}

/* data: a source's name, or a map of one of these forms. */
static void schema_data(builder *b, eg_tree *t, const eg_schema_variant *data, int ndata) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_type(b, eg_tree_map(b, any, NULL), "string");
	for (int i = 0; i < ndata; i++) {
		t = eg_tree_map(b, any, NULL);
		eg_tree_string(b, t, "title", data[i].title);
		schema_object(b, t, data[i].sets, data[i].nsets);
	}
}

static void schema_size(builder *b, eg_tree *any) {
	eg_key size = {.name = "input", .type = EG_KEY_INT, .min = 1, .max = 1e6};
	schema_value(b, eg_tree_map(b, any, NULL), &size);
	eg_tree *t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "string");
	eg_tree_string(b, t, "pattern", "^[a-z][a-z0-9_]*$");
}

/* One size, or a list of them. */
static void schema_shape(builder *b, eg_tree *t) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	schema_size(b, any);
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "array");
	eg_tree_put_int(b, t, "minItems", 1);
	eg_tree_put_int(b, t, "maxItems", EG_MAX_DIMS - 1);
	schema_size(b, eg_tree_list(b, eg_tree_map(b, t, "items"), "anyOf"));
}

static void schema_inputs(builder *b, eg_tree *t) {
	schema_type(b, t, "object");
	eg_tree_put_int(b, t, "minProperties", 1);
	eg_tree_put_int(b, t, "maxProperties", EG_RECIPE_INPUTS);
	schema_shape(b, eg_tree_map(b, t, "additionalProperties"));
}

static void schema_outputs(builder *b, eg_tree *t) {
	eg_tree *any = eg_tree_list(b, t, "anyOf");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "array");
	eg_tree_put_int(b, t, "minItems", 1);
	schema_type(b, eg_tree_map(b, t, "items"), "string");
	t = eg_tree_map(b, any, NULL);
	schema_type(b, t, "object");
	schema_type(b, eg_tree_map(b, t, "additionalProperties"), "string");
}

/* tune: a map of paths. */
static void schema_tune(builder *b, eg_tree *t) {
	schema_type(b, t, "object");
	t = eg_tree_map(b, t, "additionalProperties");
	schema_type(b, t, "object");
	eg_tree *properties = eg_tree_map(b, t, "properties");
	for (int i = 0; i < eg_tune_keys.n; i++) {
		const eg_key *k = &eg_tune_keys.keys[i];
		eg_tree *one = eg_tree_map(b, properties, k->name);
		eg_tree_string(b, one, "description", k->doc);
		if (k->type != EG_KEY_CHOICE) schema_value(b, one, k);
	}
	if (b->failed) return;
	eg_tree *choices = eg_tree_get(properties, "choices");
	schema_type(b, choices, "array");
	eg_tree_put_int(b, choices, "minItems", 2);
	schema_type(b, eg_tree_get(properties, "when"), "object");
	eg_tree_literal(b, t, "additionalProperties", "false");
}

/* Sections are choices without variants in the table: what they hold is told here. */
static void schema_sections(builder *b, eg_tree *properties, const char *const *tasks, const eg_schema_variant *data,
	int ndata) {
	if (b->failed) return;
	eg_tree *t = eg_tree_list(b, eg_tree_get(properties, "task"), "enum");
	for (int i = 0; tasks[i]; i++) eg_tree_string(b, t, NULL, tasks[i]);
	schema_data(b, eg_tree_get(properties, "data"), data, ndata);
	schema_shape(b, eg_tree_get(properties, "input"));
	schema_inputs(b, eg_tree_get(properties, "inputs"));
	schema_outputs(b, eg_tree_get(properties, "outputs"));
	t = eg_tree_get(properties, "model");
	schema_type(b, t, "array");
	eg_tree_put_int(b, t, "minItems", 1);
	eg_tree *any = eg_tree_list(b, eg_tree_map(b, t, "items"), "anyOf");
	eg_tree *words = eg_tree_list(b, eg_tree_map(b, any, NULL), "enum");
	for (int i = 0; eg_layer_op(i); i++) schema_layer(b, eg_layer_op(i), any, words);
	schema_cell(b, any);
	schema_object(b, eg_tree_get(properties, "train"), &(eg_key_set){eg_train_keys.keys, eg_train_keys.n, NULL}, 1);
	schema_tune(b, eg_tree_get(properties, "tune"));
}

/* A list of words, and of maps of one word. */
static void schema_augment(builder *b, eg_tree *properties, const eg_variant *kinds) {
	if (b->failed) return;
	eg_tree *t = eg_tree_get(properties, "augment");
	const eg_key key = {.name = "augment", .type = EG_KEY_CHOICE, .variants = kinds};
	schema_type(b, t, "array");
	schema_variants(b, eg_tree_map(b, t, "items"), &key);
}

/* Exactly one of input and inputs. */
static void schema_one_input(builder *b, eg_tree *root) {
	static const char *const names[] = {"input", "inputs"};
	eg_tree *one = eg_tree_list(b, root, "oneOf");
	for (int i = 0; i < EG_COUNT(names); i++)
		eg_tree_string(b, eg_tree_list(b, eg_tree_map(b, one, NULL), "required"), NULL, names[i]);
}

eg_status eg_schema_make(
	const char *const *tasks, const eg_schema_variant *data, int ndata, const eg_variant *augment, char **text, eg_error *err) {
	eg_arena arena = {0};
	builder b = {&arena, "schema", false};
	const char *json = NULL;
	*text = NULL;
	eg_tree *root = eg_tree_new(&b, EG_TREE_MAP), *required = NULL;
	eg_tree_string(&b, root, "$schema", "https://json-schema.org/draft/2020-12/schema");
	eg_tree_string(&b, root, "title", "Engram recipe");
	schema_type(&b, root, "object");
	eg_tree *properties = eg_tree_map(&b, root, "properties");
	required = eg_tree_list(&b, root, "required");
	for (int i = 0; i < eg_recipe_keys.n; i++) {
		const eg_key *k = &eg_recipe_keys.keys[i];
		eg_tree *t = eg_tree_map(&b, properties, k->name);
		eg_tree_string(&b, t, "description", k->doc);
		if (k->type != EG_KEY_CHOICE) schema_value(&b, t, k);
		if (k->required) eg_tree_string(&b, required, NULL, k->name);
	}
	schema_sections(&b, properties, tasks, data, ndata);
	schema_augment(&b, properties, augment);
	schema_one_input(&b, root);
	eg_tree_literal(&b, root, "additionalProperties", "false");
	eg_status status = b.failed ? eg_fail(err, EG_ERR_MEMORY, "out of memory for the schema")
				    : eg_json_write(&arena, root, 2, &json, err);
	if (!status) {
		*text = malloc(strlen(json) + 2);
		if (*text)
			sprintf(*text, "%s\n", json);
		else
			status = eg_fail(err, EG_ERR_MEMORY, "out of memory for the schema");
	}
	eg_arena_free(&arena);
	return status;
}

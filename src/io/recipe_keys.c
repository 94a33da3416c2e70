/* recipe_keys.c - the tables that say which keys a recipe takes, and which operators it may name. To add a key, add its
 * line here.
 *
 * Not here: reading (recipe.c, train.c, layers.c, keys.c), the JSON Schema made of them (schema.c). */
#include "io/recipe.h"

#include <math.h>
#include <string.h>

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

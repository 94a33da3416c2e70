/* train.c - the train section of a recipe: optimizer, schedule, the losses and what they judge.
 *
 * Not here: the tables of keys (recipe_keys.c), the losses as part of the graph (network_losses.c). */
#include "io/recipe.h"

#include <math.h>
#include <string.h>

enum { MAX_NAMES = 64 };

/* One of `variants` into the struct `out`; *value is which, *attrs its keys. */
static eg_status read_variant(eg_recipe *r, const eg_tree *t, const char *what, const eg_variant *variants, void *out,
	int *value, const eg_tree **attrs, eg_error *err) {
	const char *word, *names[MAX_NAMES];
	char where[64];
	int n = 0;
	*attrs = NULL;
	if (!t) return EG_OK;
	eg_status status = eg_choice_read(t, what, &word, attrs, err);
	if (status) return status;
	for (const eg_variant *v = variants; v->name; v++) {
		names[n++] = v->name;
		if (strcmp(v->name, word)) continue;
		*value = v->value;
		snprintf(where, sizeof where, "%s '%s'", what, v->name);
		return eg_keys_read(&r->arena, *attrs, t, &(eg_key_set){v->keys, v->nkeys, out}, 1, where, err);
	}
	return eg_keys_no_such(t, word, what, names, n, err);
}

static eg_status read_optimizer(eg_recipe *r, const eg_tree *train, double lr, eg_error *err) {
	eg_optimizer_config *o = &r->train.optimizer;
	const eg_tree *t = eg_tree_get(train, "optimizer"), *attrs;
	int kind = EG_SGD;
	eg_status status = read_variant(r, t, "optimizer", eg_optimizer_variants, o, &kind, &attrs, err);
	if (status) return status;
	o->kind = (eg_optimizer_kind)kind;
	if (lr > 0) o->lr = lr;
	if (o->nesterov && o->momentum == 0)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "optimizer 'sgd': nesterov needs momentum, such as 0.9");
	return EG_OK;
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

/* The keys of a loss beside the operator's name. */
typedef struct loss_section {
	const char *of, *target;
	double weight;
} loss_section;
static const eg_key loss_keys[] = {
	{.name = "of",
		.type = EG_KEY_STRING,
		.offset = offsetof(loss_section, of),
		.doc = "the layer whose output is judged; left out: the last one"},
	{.name = "target",
		.type = EG_KEY_STRING,
		.offset = offsetof(loss_section, target),
		.doc = "the field of a record that it is judged by; left out: the task's own"},
	{.name = "weight",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(loss_section, weight),
		.min = EG_ABOVE_0,
		.max = 1e6,
		.def = 1,
		.doc = "its share in the objective"},
};
const eg_key_table eg_loss_keys = {loss_keys, EG_COUNT(loss_keys)};

static bool is_loss_key(const char *name) {
	for (int i = 0; i < EG_COUNT(loss_keys); i++)
		if (!strcmp(loss_keys[i].name, name)) return true;
	return false;
}

/* The name of a loss and its attributes (NULL: none) in `t`, a word or a map. */
static eg_status loss_word(const eg_tree *t, const char **word, const eg_tree **attrs, eg_error *err) {
	char got[64];
	*attrs = NULL;
	if (t->kind != EG_TREE_MAP) return eg_choice_read(t, "a loss", word, attrs, err);
	const eg_tree *found = NULL;
	for (const eg_tree *c = t->first; c; c = c->next) {
		if (is_loss_key(c->key)) continue;
		if (found)
			return eg_tree_fail_key(err, c, EG_ERR_FORMAT,
				"a loss is already '%.60s'; it cannot also be '%.60s': several are a list, a line "
				"beginning "
				"with `-` for each",
				found->key, c->key);
		found = c;
	}
	if (!found)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"a loss must be a name or {name: {key: value, ...}}, not %s without one",
			eg_tree_describe(t, got, sizeof got));
	*word = found->key;
	if (!eg_tree_is_nothing(found)) *attrs = found;
	return EG_OK;
}

static eg_status read_operator(
	eg_recipe *r, eg_layer *layer, const eg_tree *t, const char *word, const eg_tree *attrs, eg_error *err) {
	const char *names[MAX_NAMES];
	char where[64];
	int n = 0;
	for (const eg_op_info *op; n < MAX_NAMES && (op = eg_loss_op(n)); n++) {
		names[n] = op->name;
		if (strcmp(op->name, word)) continue;
		*layer = (eg_layer){.op = op, .tree = t};
		snprintf(where, sizeof where, "loss '%.40s'", op->name);
		const eg_tree *taken = eg_tree_get(attrs, "name") ? eg_tree_get(attrs, "name")
								  : eg_tree_get(attrs, "from");
		if (taken)
			return eg_tree_fail_key(err, taken, EG_ERR_FORMAT, "unknown key '%s' in %s%s", taken->key,
				where,
				!strcmp(taken->key, "from") ? "; what it judges is said beside its name: `of: LAYER`"
							    : "");
		return eg_layer_options(r, layer, attrs, eg_loss_weighs(op) ? eg_class_weights_key.name : NULL, where, err);
	}
	return eg_keys_no_such(t, word, "loss", names, n, err);
}

/* ---- weights of classes ------------------------------------------------------------------------------------------ */

const eg_key eg_class_weights_key = {.name = "class_weights",
	.type = EG_KEY_FLOAT_LIST,
	.min = 0,
	.max = 1e6,
	.def = (double)NAN,
	.doc = "a weight for each class, in the order of their names; `balanced`: the rarer a class is in the training samples, the more "
	       "it counts; `median_frequency`: likewise, its share taken of the samples only that show it. Left out: all alike"};
const char *const eg_class_weights_words[] = {"balanced", "median_frequency", NULL};

bool eg_loss_weighs(const eg_op_info *op) {
	for (int i = 2; i < op->max_inputs && i < EG_MAX_INPUTS; i++)
		if (!strcmp(op->inputs[i], "weight")) return true;
	return false;
}

static eg_status read_class_weights(eg_recipe *r, eg_recipe_loss_info *info, const eg_tree *attrs, eg_error *err) {
	const eg_tree *t = attrs && attrs->kind == EG_TREE_MAP ? eg_tree_get(attrs, eg_class_weights_key.name) : NULL;
	char where[64];
	eg_floats list = {0};
	if (!t || !eg_loss_weighs(info->op)) return EG_OK;
	if (eg_tree_is_string(t)) {
		info->median_frequency = !strcmp(t->text, eg_class_weights_words[1]);
		info->balanced = info->median_frequency || !strcmp(t->text, eg_class_weights_words[0]);
		return info->balanced ? EG_OK : eg_keys_no_such(t, t->text, "word for 'class_weights'", eg_class_weights_words, 2, err);
	}
	snprintf(where, sizeof where, "loss '%.40s'", info->op->name);
	eg_status status = eg_key_read(&r->arena, &eg_class_weights_key, t, &list, where, err);
	info->classes = list.at, info->nclasses = list.n;
	return status;
}

eg_status eg_recipe_weigh(eg_recipe *r, int i, const float *weights, int n, eg_error *err) {
	if (i < 0 || i >= r->nlosses || !r->losses[i].info.balanced || n < 1)
		return eg_fail(err, EG_ERR_ARG, "loss %d of the recipe is not `balanced`, or has %d classes", i, n);
	float *copy = eg_arena_alloc(&r->arena, (size_t)n * sizeof *copy);
	if (!copy) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	memcpy(copy, weights, (size_t)n * sizeof *copy);
	r->losses[i].info.classes = copy, r->losses[i].info.nclasses = n;
	return EG_OK;
}

/* ---- shares of classes ------------------------------------------------------------------------------------------- */

/* Does an entry of `augment` mix records, and so their classes? The graph has another target then, so that it must be
 * known here, where nobody else knows of kinds of augmentations. */
static bool mixes(const eg_recipe *r) {
	static const char *const kinds[] = {"mixup", "cutmix"};
	const eg_tree *list = eg_tree_get(r->root, "augment");
	for (const eg_tree *c = list && list->kind == EG_TREE_LIST ? list->first : NULL; c; c = c->next) {
		const char *word = c->kind == EG_TREE_SCALAR ? c->text : c->kind == EG_TREE_MAP && c->first ? c->first->key : "";
		for (int i = 0; i < EG_COUNT(kinds); i++)
			if (!strcmp(word, kinds[i])) return true;
	}
	return false;
}

static void soften(eg_recipe *r) {
	const bool mixed = mixes(r);
	for (int i = 0; i < r->nlosses; i++) {
		const eg_op_info *op = r->losses[i].info.op;
		r->losses[i].info.soft = mixed && op->types && op->types[1] == 'a'; /* takes class numbers, and
		                                                                     * shares */
	}
}

/* ---- reductions -------------------------------------------------------------------------------------------------- */

static const eg_attr *reduction_of(const eg_op_info *op) {
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, "reduction")) return &op->attrs[i];
	return NULL;
}

bool eg_loss_is_sum(const eg_op_info *op, const void *options) {
	const eg_attr *a = reduction_of(op);
	int given = 0;
	if (a && options) memcpy(&given, (const char *)options + a->offset, sizeof given);
	return a && given > 0 && !strcmp(a->names[given], "sum");
}

const void *eg_loss_as_mean(const eg_op_info *op, const void *options, void *copy) {
	const eg_attr *a = reduction_of(op);
	const int mean = 0; /* the default */
	if (!options || !a) return options;
	memcpy(copy, options, op->options_size);
	memcpy((char *)copy + a->offset, &mean, sizeof mean);
	return copy;
}

/* A sum is trained on as it is, and told as a mean: of losses with weights of their own (crf) there is but one node. */
static void choose_objective(eg_recipe *r) {
	for (int i = 0; i < r->nlosses; i++) {
		const eg_loss *l = &r->losses[i];
		r->sums |= eg_loss_is_sum(l->layer.op, l->layer.options) && !l->layer.op->params;
	}
	if (r->sums) r->train.objective = "loss.sum", r->train.shown = "loss";
}

static bool has_input(const eg_op_info *op, const char *name) {
	for (int i = 0; i < op->max_inputs; i++)
		if (!strcmp(op->inputs[i], name)) return true;
	return false;
}

/* What it judges, by what, and what the graph calls it. */
static eg_status complete(eg_recipe *r, eg_loss *loss, const eg_tree *t, const loss_section *s, eg_error *err) {
	const eg_op_info *op = loss->layer.op;
	eg_recipe_loss_info *info = &loss->info;
	*info = (eg_recipe_loss_info){.op = op,
		.options = loss->layer.options,
		.of = s->of,
		.field = s->target,
		.input = "target",
		.output = "loss",
		.weight = s->weight};
	if (s->target && !eg_is_name(s->target))
		return eg_tree_fail(err, eg_tree_get(t, "target"), EG_ERR_FORMAT,
			"the field '%.60s' must be 1 to %d letters, digits, - or _", s->target, EG_RECIPE_NAME);
	if (!info->of) info->of = r->layers[r->nlayers - 1].name;
	eg_status status = s->of ? eg_link_read(r, eg_tree_get(t, "of"), &loss->of, err) : EG_OK;
	if (status) return status;
	if (!s->of) loss->of = (eg_link){EG_LINK_LAYER, r->nlayers - 1, 0};
	r->layers[loss->of.index].used = true;
	if (has_input(op, "target_lengths")) info->lengths = "target_lengths";
	if (s->target) info->input = eg_arena_printf(&r->arena, "target.%s", s->target);
	if (s->target && info->lengths) info->lengths = eg_arena_printf(&r->arena, "target_lengths.%s", s->target);
	if (r->loss_list) info->output = eg_arena_printf(&r->arena, "loss.%d", r->nlosses + 1);
	bool whole = info->input && info->output && (info->lengths || !has_input(op, "target_lengths"));
	return whole ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory");
}

/* One loss: a word, {word: attributes}, or that with `of`, `target` and `weight` beside it. `t` NULL: the one that
 * is meant when none is named, at `place`. */
static eg_status read_loss(eg_recipe *r, const eg_tree *t, const eg_tree *place, eg_error *err) {
	const char *word = "cross_entropy";
	const eg_tree *attrs = NULL;
	eg_loss *loss = &r->losses[r->nlosses];
	loss_section section = {.weight = 1};
	eg_status status = t ? loss_word(t, &word, &attrs, err) : EG_OK;
	if (!status) status = read_operator(r, &loss->layer, t ? t : place, word, attrs, err);
	for (const eg_tree *c = t && t->kind == EG_TREE_MAP ? t->first : NULL; c && !status; c = c->next)
		for (int i = 0; i < EG_COUNT(loss_keys) && !status; i++)
			if (!strcmp(loss_keys[i].name, c->key))
				status = eg_key_read(&r->arena, &loss_keys[i], c, &section, "a loss", err);
	if (!status) status = complete(r, loss, t, &section, err);
	if (!status) status = read_class_weights(r, &loss->info, attrs, err);
	if (!status) r->nlosses++;
	return status;
}

static eg_status read_losses(eg_recipe *r, const eg_tree *train, eg_error *err) {
	const eg_tree *t = eg_tree_get(train, "loss");
	eg_status status = EG_OK;
	r->loss_list = t && t->kind == EG_TREE_LIST;
	if (!r->loss_list) return read_loss(r, t, train ? train : r->root, err);
	if (t->count < 1 || t->count > EG_RECIPE_LOSSES)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "'loss' is a list of %d; it may have 1 to %d", t->count,
			EG_RECIPE_LOSSES);
	for (const eg_tree *c = t->first; c && !status; c = c->next) status = read_loss(r, c, c, err);
	return status;
}

static eg_status read_from(eg_recipe *r, const eg_tree *train, const eg_train_section *s, eg_error *err) {
	const eg_tree *from = eg_tree_get(train, "from"), *layers = eg_tree_get(train, "from_layers");
	r->spare_class = s->spare_class;
	r->whiten = s->whiten;
	r->from = s->from;
	for (int i = 0; i < s->from.n; i++) {
		char home[1024];
		r->from.at[i] = eg_arena_strdup(&r->arena, eg_path_home(s->from.at[i], home, sizeof home));
		if (!r->from.at[i]) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	}
	if (!layers) return EG_OK;
	if (!from) return eg_tree_fail_key(err, layers, EG_ERR_FORMAT, "'from_layers' needs 'from', the path of a model");
	r->from_layers = eg_arena_alloc(&r->arena, ((size_t)s->from_layers.n + 1) * sizeof *r->from_layers);
	if (!r->from_layers) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < s->from_layers.n; i++) r->from_layers[i] = s->from_layers.at[i];
	return EG_OK;
}

eg_status eg_train_read(eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "train"), *attrs;
	eg_train_section section = {.config = {.forget = EG_FORGET}};
	int kind = EG_SCHEDULE_CONSTANT;
	eg_status status = eg_keys_read(
		&r->arena, t, t, &(eg_key_set){eg_train_keys.keys, eg_train_keys.n, &section}, 1, "'train'", err);
	if (status) return status;
	if (eg_tree_is_nothing(t)) t = NULL;
	r->train = section.config;
	r->train.best = section.best > EG_BEST_OBJECTIVE ? EG_BEST_METRIC : (eg_best_kind)section.best;
	r->exact = section.precision != 0;
	status = eg_groups_read(r, eg_tree_get(t, "groups"), err);
	if (status) return status;
	status = read_variant(r, eg_tree_get(t, "schedule"), "schedule", eg_schedule_variants, &r->train.schedule,
		&kind, &attrs, err);
	if (status) return status;
	r->train.schedule.kind = (eg_schedule_kind)kind;
	status = read_optimizer(r, t, section.lr, err);
	if (!status) status = read_from(r, t, &section, err);
	if (!status) status = read_losses(r, t, err);
	if (!status) choose_objective(r);
	if (!status) soften(r);
	return status;
}

int eg_recipe_losses(const eg_recipe *r) { return r->nlosses; }
const eg_recipe_loss_info *eg_recipe_loss_at(const eg_recipe *r, int i) {
	return i >= 0 && i < r->nlosses ? &r->losses[i].info : NULL;
}

/* recipe.c - a recipe: its text with overrides, its sections, values by path. See engram_io.h.
 *
 * Not here: the list of layers and the graph (layers.c), tables of keys (schema.c), YAML itself (yaml.c). */
#include "io/recipe.h"

#include <ctype.h>
#include <string.h>

enum { MAX_NAMES = 64 };

static const char *strip_source(const char *source) { return source && *source ? source : "recipe"; }

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static eg_status read_root(eg_recipe *r, eg_error *err) {
	const char *names[MAX_NAMES];
	char got[64];
	int n = eg_recipe_keys.n;
	if (eg_tree_is_nothing(r->root)) return eg_fail(err, EG_ERR_FORMAT, "%s: the recipe is empty", r->source);
	if (r->root->kind != EG_TREE_MAP)
		return eg_tree_fail(err, r->root, EG_ERR_FORMAT,
			"a recipe is a map that begins with `name: ...`, not %s",
			eg_tree_describe(r->root, got, sizeof got));
	for (int i = 0; i < n; i++) names[i] = eg_recipe_keys.keys[i].name;
	for (const eg_tree *t = r->root->first; t; t = t->next) {
		int i = 0;
		while (i < n && strcmp(names[i], t->key)) i++;
		if (i == n) return eg_keys_unknown(t, names, n, "the recipe", err);
	}
	for (int i = 0; i < n; i++)
		if (eg_recipe_keys.keys[i].required && !eg_tree_get(r->root, names[i]))
			return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' is missing (%s)", r->source, names[i],
				eg_recipe_keys.keys[i].doc);
	return EG_OK;
}

static eg_status read_name(eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "name"), *task = eg_tree_get(r->root, "task");
	char got[64];
	int n = 0;
	if (!eg_tree_is_string(t))
		return eg_tree_fail(
			err, t, EG_ERR_FORMAT, "'name' must be a word, not %s", eg_tree_describe(t, got, sizeof got));
	size_t length = strlen(t->text);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)t->text[i]) && !strchr("-_.", t->text[i])) length = 0;
	if (length < 1 || length > 64 || t->text[0] == '.')
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"the name '%.64s' must be 1 to 64 letters, digits, - _ or ., not beginning with a point",
			t->text);
	if (task->kind != EG_TREE_SCALAR)
		return eg_tree_fail(err, task, EG_ERR_FORMAT, "'task' must be a word, not %s",
			eg_tree_describe(task, got, sizeof got));
	while (eg_task_names[n] && strcmp(eg_task_names[n], task->text)) n++;
	if (!eg_task_names[n]) return eg_keys_no_such(task, task->text, "task", eg_task_names, n, err);
	r->name = t->text;
	r->task = task->text;
	r->itask = n;
	return EG_OK;
}

/* The i-th size of `input`. */
static eg_status read_size(eg_recipe *r, const eg_tree *c, int i, eg_error *err) {
	char got[64];
	bool time = c->kind == EG_TREE_SCALAR && !strcmp(c->text, "time");
	if (time && i > 0)
		return eg_tree_fail(err, c, EG_ERR_FORMAT, "`time` must be the first size of 'input', as in [time, 2]");
	if (time) {
		r->input.d[i] = EG_T;
		return EG_OK;
	}
	if (eg_tree_integer(c, &r->input.d[i]) && r->input.d[i] >= 1 && r->input.d[i] <= 1000000) return EG_OK;
	return eg_tree_fail(err, c, EG_ERR_FORMAT, "a size of 'input' must be a whole number from 1 to 1000000%s, not %s",
		eg_tree_is_string(c) ? " (or, for sequences, the first one `time`)" : "",
		eg_tree_describe(c, got, sizeof got));
}

/* input: 784, or [1, 28, 28], or, of sequences, [time, 2] */
static eg_status read_input(eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "input");
	double count = 1;
	char got[64];
	int n = t->kind == EG_TREE_SCALAR ? 1 : t->count;
	if (t->kind == EG_TREE_MAP || n < 1 || n >= EG_MAX_DIMS)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'input' must be the shape of one sample, such as [1, 28, 28], of at most %d sizes, not %s%s",
			EG_MAX_DIMS - 1, eg_tree_describe(t, got, sizeof got),
			t->kind != EG_TREE_LIST ? ""
			: n < 1                 ? " of none"
						: " of more");
	r->input.rank = n;
	for (int i = 0; i < n; i++) {
		const eg_tree *c = t->kind == EG_TREE_SCALAR ? t : eg_tree_at(t, i);
		eg_status status = read_size(r, c, i, err);
		if (status) return status;
		if (r->input.d[i] > 0) count *= (double)r->input.d[i];
	}
	if (count > 1e9)
		return eg_tree_fail(
			err, t, EG_ERR_FORMAT, "one sample would have %.3g values; at most 1e9 are allowed", count);
	return EG_OK;
}

/* The values are asked for later, by path; here they are only checked. */
static eg_status check_data(const eg_tree *data, eg_key_table table, eg_error *err) {
	double unused[8];
	for (int i = 0; i < table.n; i++) {
		const eg_key *key = &table.keys[i];
		const eg_tree *v = eg_tree_get(data, key->name);
		if (!v && key->required)
			return eg_tree_fail(err, data, EG_ERR_FORMAT, "'data' needs '%s' (%s)", key->name, key->doc);
		eg_status status = v ? eg_key_read(key, v, unused, "'data'", err) : EG_OK;
		if (status) return status;
	}
	return EG_OK;
}

/* data: fashion-mnist stands for {source: fashion-mnist}. It is written out before any override is made, so that
 * `--set data.limit=100` means the same for both. */
static eg_status expand_data(eg_recipe *r, eg_error *err) {
	eg_tree *t = eg_tree_get(r->root, "data");
	if (!eg_tree_is_string(t) || !*t->text) return EG_OK;
	eg_tree *source = eg_arena_alloc(&r->arena, sizeof *source);
	if (!source) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	*source = *t;
	source->key = "source", source->next = NULL;
	t->kind = EG_TREE_MAP, t->text = "", t->quoted = false;
	eg_tree_append(t, source);
	return EG_OK;
}

/* Whether a key means something to this source is the task's to say (eg_task_open). */
static eg_status read_data(eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "data");
	char got[64];
	if (t->kind != EG_TREE_MAP)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'data' must be a map such as {source: fashion-mnist}, not %s",
			eg_tree_describe(t, got, sizeof got));
	eg_status status = check_data(t, eg_data_keys, err);
	return status ? status : check_data(t, eg_task_data_keys(r->itask), err);
}

/* One of `variants` into the struct `out`; *value is which, *attrs its keys. */
static eg_status read_variant(const eg_tree *t, const char *what, const eg_variant *variants, void *out, int *value,
	const eg_tree **attrs, eg_error *err) {
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
		return eg_keys_read(v->keys, v->nkeys, *attrs, t, out, where, err);
	}
	return eg_keys_no_such(t, word, what, names, n, err);
}

static eg_status read_optimizer(eg_recipe *r, const eg_tree *train, double lr, eg_error *err) {
	eg_optimizer_config *o = &r->train.optimizer;
	const eg_tree *t = eg_tree_get(train, "optimizer"), *attrs;
	int kind = EG_SGD;
	eg_status status = read_variant(t, "optimizer", eg_optimizer_variants, o, &kind, &attrs, err);
	if (status) return status;
	o->kind = (eg_optimizer_kind)kind;
	if (lr > 0) o->lr = lr;
	if (o->nesterov && o->momentum == 0)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "optimizer 'sgd': nesterov needs momentum, such as 0.9");
	return EG_OK;
}

static eg_status read_loss(eg_recipe *r, const eg_tree *train, eg_error *err) {
	const eg_tree *t = eg_tree_get(train, "loss"), *attrs = NULL;
	const char *word = "cross_entropy", *names[MAX_NAMES];
	char where[64];
	int n = 0;
	eg_status status = t ? eg_choice_read(t, "loss", &word, &attrs, err) : EG_OK;
	if (status) return status;
	if (!t) t = train ? train : r->root;
	for (const eg_op_info *op; n < MAX_NAMES && (op = eg_loss_op(n)); n++) {
		names[n] = op->name;
		if (strcmp(op->name, word)) continue;
		r->loss = (eg_layer){.op = op, .tree = t};
		snprintf(where, sizeof where, "loss '%.40s'", op->name);
		const eg_tree *taken = eg_tree_get(attrs, "name") ? eg_tree_get(attrs, "name")
								  : eg_tree_get(attrs, "from");
		if (taken)
			return eg_tree_fail_key(err, taken, EG_ERR_FORMAT, "unknown key '%s' in %s", taken->key, where);
		return eg_layer_options(r, &r->loss, attrs, where, err);
	}
	return eg_keys_no_such(t, word, "loss", names, n, err);
}

/* Without validation data there is no result that could fail to get better. */
static eg_status check_early_stopping(const eg_recipe *r, const eg_tree *train, eg_error *err) {
	double validation = 0;
	if (r->train.early_stopping == 0) return EG_OK;
	if (eg_tree_number(eg_tree_find(r->root, "data.validation"), &validation) && validation > 0) return EG_OK;
	return eg_tree_fail_key(err, eg_tree_get(train, "early_stopping"), EG_ERR_FORMAT,
		"train.early_stopping needs data.validation above 0, such as 0.1");
}

static eg_status read_train(eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "train"), *attrs;
	eg_train_section section = {.config = {.forget = EG_FORGET}};
	int kind = EG_SCHEDULE_CONSTANT;
	eg_status status = eg_keys_read(eg_train_keys.keys, eg_train_keys.n, t, t, &section, "'train'", err);
	if (status) return status;
	r->train = section.config;
	r->train.best = section.best > EG_BEST_OBJECTIVE ? EG_BEST_METRIC : (eg_best_kind)section.best;
	r->exact = section.precision != 0;
	status = check_early_stopping(r, t, err);
	if (!status) status = eg_groups_read(r, eg_tree_get(t, "groups"), err);
	if (status) return status;
	status = read_variant(
		eg_tree_get(t, "schedule"), "schedule", eg_schedule_variants, &r->train.schedule, &kind, &attrs, err);
	if (status) return status;
	r->train.schedule.kind = (eg_schedule_kind)kind;
	status = read_optimizer(r, t, section.lr, err);
	return status ? status : read_loss(r, t, err);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static eg_status read_all(eg_recipe *r, const char *text, size_t size, const char *const *set, eg_error *err) {
	eg_tree_builder b = {&r->arena, r->source, false};
	eg_status status = eg_yaml_parse(&r->arena, text, size, r->source, &r->root, err);
	if (!status) status = expand_data(r, err);
	for (; !status && set && *set; set++) {
		status = eg_tree_set(&b, r->root, *set, err);
		if (!status) status = expand_data(r, err);
	}
	if (!status) status = read_root(r, err);
	if (!status) status = read_name(r, err);
	if (!status) status = read_input(r, err);
	if (!status) status = read_data(r, err);
	if (!status) status = eg_layers_read(r, eg_tree_get(r->root, "model"), err);
	if (!status) status = read_train(r, err);
	return status ? status : eg_yaml_write(&r->arena, r->root, &r->text, err);
}

eg_status eg_recipe_parse(
	const char *text, size_t size, const char *source, const char *const *set, eg_recipe **recipe, eg_error *err) {
	*recipe = NULL;
	eg_recipe *r = eg_calloc(NULL, 1, sizeof *r);
	if (!r) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a recipe");
	r->source = eg_arena_strdup(&r->arena, strip_source(source));
	eg_status status = r->source ? read_all(r, text, size, set, err)
				     : eg_fail(err, EG_ERR_MEMORY, "out of memory for a recipe");
	if (status) {
		eg_recipe_free(r);
		return status;
	}
	*recipe = r;
	return EG_OK;
}

eg_status eg_recipe_load(const char *path, const char *const *set, eg_recipe **recipe, eg_error *err) {
	char *text = NULL;
	size_t size = 0;
	*recipe = NULL;
	eg_status status = eg_file_read(NULL, path, EG_TREE_BYTES, &text, &size, err);
	if (status) return status;
	status = eg_recipe_parse(text, size, path, set, recipe, err);
	eg_release(NULL, text);
	return status;
}

void eg_recipe_free(eg_recipe *r) {
	if (!r) return;
	eg_arena_free(&r->arena);
	eg_release(NULL, r->known);
	eg_release(NULL, r);
}

const char *eg_recipe_name(const eg_recipe *r) { return r->name; }
const char *eg_recipe_task(const eg_recipe *r) { return r->task; }
const char *eg_recipe_source(const eg_recipe *r) { return r->source; }
eg_dims eg_recipe_input(const eg_recipe *r) { return r->input; }
const eg_train_config *eg_recipe_train(const eg_recipe *r) { return &r->train; }
const char *eg_recipe_text(const eg_recipe *r) { return r->text; }

/* ---- values by path ---------------------------------------------------------------------------------------------- */

/* Finds the value and remembers that this path means something. */
static eg_status ask(eg_recipe *r, const char *path, eg_tree **t, eg_error *err) {
	*t = eg_tree_find(r->root, path);
	for (int i = 0; i < r->nknown; i++)
		if (!strcmp(r->known[i], path)) return EG_OK;
	const char *copy = eg_arena_strdup(&r->arena, path);
	if (!copy || !eg_grow(NULL, &r->known, &r->cap_known, r->nknown, sizeof *r->known))
		return eg_fail(err, EG_ERR_MEMORY, "out of memory for a recipe");
	r->known[r->nknown++] = copy;
	return EG_OK;
}

static const char *last_name(const char *path) {
	const char *dot = strrchr(path, '.');
	return dot ? dot + 1 : path;
}

/* "'data'" for "data.mean", into buf. */
static const char *section_of(const char *path, char *buf, size_t size) {
	const char *dot = strrchr(path, '.');
	if (dot)
		snprintf(buf, size, "'%.*s'", (int)(dot - path < 60 ? dot - path : 60), path);
	else
		snprintf(buf, size, "the recipe");
	return buf;
}

/* Reads a value of this type, if it is there. */
static eg_status value(eg_recipe *r, const char *path, eg_key key, void *out, eg_error *err) {
	eg_tree *t;
	char where[80];
	eg_status status = ask(r, path, &t, err);
	key.name = last_name(path);
	return status || !t ? status : eg_key_read(&key, t, out, section_of(path, where, sizeof where), err);
}

eg_status eg_recipe_number(
	eg_recipe *r, const char *path, double def, double min, double max, double *v, eg_error *err) {
	*v = def;
	return value(r, path, (eg_key){.type = EG_KEY_DOUBLE, .min = min, .max = max}, v, err);
}

eg_status eg_recipe_string(eg_recipe *r, const char *path, const char *def, const char **v, eg_error *err) {
	*v = def;
	return value(r, path, (eg_key){.type = EG_KEY_STRING}, (void *)v, err);
}

eg_status eg_recipe_bool(eg_recipe *r, const char *path, bool def, bool *v, eg_error *err) {
	*v = def;
	return value(r, path, (eg_key){.type = EG_KEY_BOOL}, v, err);
}

eg_status eg_recipe_numbers(eg_recipe *r, const char *path, double *values, int max_count, int *count, eg_error *err) {
	eg_tree *t;
	*count = 0;
	eg_status status = value(
		r, path, (eg_key){.type = EG_KEY_NUMBERS, .min = -DBL_MAX, .max = DBL_MAX}, values, err);
	if (!status) status = ask(r, path, &t, err);
	if (status || !t) return status;
	if (t->kind == EG_TREE_LIST && t->count > max_count)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' has %d numbers; at most %d are allowed",
			last_name(path), t->count, max_count);
	if (t->kind == EG_TREE_SCALAR && max_count > 0) *count = eg_tree_number(t, values);
	for (int i = 0; t->kind == EG_TREE_LIST && i < t->count; i++)
		*count += eg_tree_number(eg_tree_at(t, i), values + i);
	return EG_OK;
}

bool eg_recipe_has(eg_recipe *r, const char *path) {
	eg_tree *t;
	ask(r, path, &t, NULL); /* out of memory can only make a later message worse */
	return t != NULL;
}

/* Was `path`, or something below it, asked for? The names asked for directly below it go into `names`. */
static bool was_asked(const eg_recipe *r, const char *path, const char **names, int *n) {
	size_t length = strlen(path);
	bool asked = false;
	*n = 0;
	for (int i = 0; i < r->nknown; i++) {
		const char *rest = r->known[i] + length;
		if (strncmp(r->known[i], path, length) || (*rest && *rest != '.')) continue;
		asked = true;
		if (*rest && !strchr(rest + 1, '.') && *n < MAX_NAMES) names[(*n)++] = rest + 1;
	}
	return asked;
}

static eg_status check_known(const eg_recipe *r, const eg_tree *t, const char *path, eg_error *err) {
	const char *names[MAX_NAMES], *below[MAX_NAMES];
	char where[80], inner[200];
	int n, nbelow;
	was_asked(r, path, names, &n);
	snprintf(where, sizeof where, "'%.60s'", path);
	for (const eg_tree *c = t && t->kind == EG_TREE_MAP ? t->first : NULL; c; c = c->next) {
		snprintf(inner, sizeof inner, "%s.%.60s", path, c->key);
		if (!was_asked(r, inner, below, &nbelow)) return eg_keys_unknown(c, names, n, where, err);
		eg_status status = nbelow && strlen(inner) < 120 ? check_known(r, c, inner, err) : EG_OK;
		if (status) return status;
	}
	return EG_OK;
}

eg_status eg_recipe_check_known(const eg_recipe *r, const char *section, eg_error *err) {
	return check_known(r, eg_tree_find(r->root, section), section, err);
}

void eg_recipe_locate(const eg_recipe *r, const char *path, eg_error *err) {
	const eg_tree *t = eg_tree_find(r->root, path);
	if (t)
		eg_tree_prefix(err, t);
	else
		eg_fail_prefix(err, "%s", r->source);
}

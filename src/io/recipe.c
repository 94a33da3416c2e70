/* recipe.c - a recipe: its text with overrides, its sections, and how others read theirs. See engram_io.h.
 *
 * Not here: inputs (shape.c), layers and outputs (layers.c), the train section (train.c), the graph (network.c),
 * tables of keys (recipe_keys.c), YAML itself (yaml.c); what `task` and `data` mean. */
#define _POSIX_C_SOURCE 200809L /* access */
#include "io/recipe.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NAMES = 64 };

static const char *strip_source(const char *source) { return source && *source ? source : "recipe"; }

/* ---- sections ---------------------------------------------------------------------------------------------------- */

/* Also one that belongs into the section `train`. */
static eg_status unknown_key(const eg_tree *t, const char *const *names, int n, eg_error *err) {
	for (int i = 0; i < eg_train_keys.n; i++)
		if (!strcmp(eg_train_keys.keys[i].name, t->key))
			return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
				"unknown key '%s' in the recipe; it belongs to the section 'train': train.%s", t->key, t->key);
	return eg_keys_unknown(t, names, n, "the recipe", err);
}

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
		if (i == n) return unknown_key(t, names, n, err);
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
	if (!eg_tree_is_string(task) || !*task->text)
		return eg_tree_fail(err, task, EG_ERR_FORMAT, "'task' must be a word, not %s",
			eg_tree_describe(task, got, sizeof got));
	r->name = t->text;
	r->task = task->text;
	return EG_OK;
}

/* What may be tried in place of its values is no part of what a recipe says, and no model keeps it. */
static void take_tune(eg_recipe *r) {
	eg_tree *before = NULL;
	for (eg_tree *t = r->root->first; t; before = t, t = t->next) {
		if (strcmp(t->key, "tune") != 0) continue;
		r->tune = t;
		if (before)
			before->next = t->next;
		else
			r->root->first = t->next;
		if (r->root->last == t) r->root->last = before;
		t->next = NULL;
		r->root->count--;
		return;
	}
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

static eg_status check_data(const eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "data");
	char got[64];
	if (t->kind == EG_TREE_MAP) return EG_OK;
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "'data' must be a map such as {source: fashion-mnist}, not %s",
		eg_tree_describe(t, got, sizeof got));
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static eg_status read_all(eg_recipe *r, const char *text, size_t size, const char *const *set, eg_error *err) {
	eg_tree_builder b = {&r->arena, r->source, false};
	eg_status status = eg_yaml_parse(&r->arena, text, size, r->source, &r->root, err);
	if (!status) status = expand_data(r, err);
	for (; !status && set && *set; set++) {
		status = eg_yaml_set(&b, r->root, "--set ", *set, err);
		if (!status) status = expand_data(r, err);
	}
	if (!status) status = read_root(r, err);
	if (!status) take_tune(r);
	if (!status) status = read_name(r, err);
	if (!status) status = eg_inputs_read(r, err);
	if (!status) status = check_data(r, err);
	if (!status) status = eg_layers_read(r, eg_tree_get(r->root, "model"), err);
	if (!status) status = eg_train_read(r, err);
	if (!status) status = eg_outputs_read(r, err);
	return status ? status : eg_yaml_write(&r->arena, r->root, &r->text, err);
}

eg_status eg_recipe_parse(
	const char *text, size_t size, const char *source, const char *const *set, eg_recipe **recipe, eg_error *err) {
	*recipe = NULL;
	eg_recipe *r = eg_calloc(NULL, 1, sizeof *r);
	if (!r) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a recipe");
	r->source = eg_arena_strdup(&r->arena, strip_source(source));
	char *written = size <= EG_TREE_BYTES ? eg_arena_alloc(&r->arena, size + 1) : NULL; /* more is refused */
	if (written && size) memcpy(written, text, size);
	r->written = written, r->written_size = size;
	eg_status status = r->source && (written || size > EG_TREE_BYTES) ? read_all(r, text, size, set, err)
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
	eg_recipe_free(r->next_body);
	eg_arena_free(&r->arena);
	eg_release(NULL, r);
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

const char *eg_recipe_name(const eg_recipe *r) { return r->name; }
const char *eg_recipe_task(const eg_recipe *r) { return r->task; }
const char *eg_recipe_source(const eg_recipe *r) { return r->source; }
const eg_train_config *eg_recipe_train(const eg_recipe *r) { return &r->train; }
const char *eg_recipe_output_name(const eg_recipe *r, int i) { return i >= 0 && i < r->noutputs ? r->outputs[i].name : NULL; }
const char *eg_recipe_text(const eg_recipe *r) { return r->text; }

eg_status eg_recipe_save(const eg_recipe *r, const char *path, const char *comment, eg_error *err) {
	eg_error why = {0};
	eg_writer *w = eg_writer_new(NULL, path, &why);
	if (!w) return eg_fail(err, why.status, "%s", why.message);
	if (comment) eg_writer_put(w, "# ", 2), eg_writer_put(w, comment, strlen(comment)), eg_writer_put(w, "\n", 1);
	eg_writer_put(w, r->text, strlen(r->text));
	return eg_writer_commit(w, err);
}

bool eg_recipe_spare_class(const eg_recipe *r) { return r->spare_class; }

int eg_recipe_froms(const eg_recipe *r) { return r->from.n; }
const char *eg_recipe_from(const eg_recipe *r, int i, char *buf, size_t size) {
	const char *slash = strrchr(r->source, '/'), *from = i >= 0 && i < r->from.n ? r->from.at[i] : NULL;
	if (!from || from[0] == '/' || !slash || access(from, F_OK) == 0) return from;
	snprintf(buf, size, "%.*s%s", (int)(slash - r->source + 1), r->source, from);
	return access(buf, F_OK) == 0 ? buf : from; /* in neither place: it is called as the recipe calls it */
}
const char *const *eg_recipe_from_layers(const eg_recipe *r) { return r->from_layers; }
const char *eg_recipe_whiten(const eg_recipe *r) { return r->whiten; }
bool eg_recipe_freezes(const eg_recipe *r, const char *weight) {
	const eg_optimizer_config *c = &eg_recipe_train(r)->optimizer;
	for (int i = c->ngroups - 1; i >= 0; i--)
		if (eg_name_fits(c->groups[i].pattern, weight)) return c->groups[i].frozen;
	return false;
}
bool eg_recipe_has(const eg_recipe *r, const char *path) { return eg_tree_find(r->root, path) != NULL; }

eg_status eg_recipe_section(
	const eg_recipe *r, eg_arena *arena, const char *section, const eg_key_set *sets, int nsets, eg_error *err) {
	char where[80];
	const eg_tree *t = eg_tree_find(r->root, section);
	snprintf(where, sizeof where, "'%.60s'", section);
	return eg_keys_read(arena, t, t ? t : r->root, sets, nsets, where, err);
}

void eg_recipe_locate(const eg_recipe *r, const char *path, eg_error *err) {
	const eg_tree *t = eg_tree_find(r->root, path);
	if (t)
		eg_tree_prefix(err, t);
	else
		eg_fail_prefix(err, "%s", r->source);
}

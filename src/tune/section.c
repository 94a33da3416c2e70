/* section.c - the recipe's section `tune`: ranges, choices and conditions, each checked, and each value put into the
 * recipe to see whether it takes it. Everything impossible is named here, before anything is trained. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "tune/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a space"); }

/* ---- what may not be tried --------------------------------------------------------------------------------------- */

static const struct {
	const char *path, *why;
} forbidden[] = {
	{"name", "it only names the model"},
	{"description", "it only tells people something"},
	{"task", "another task has another metric, so that trials could not be compared"},
	{"tune", "it is the space itself"},
	{"train.seed", "that one seed does better than another is chance; --seeds trains the best ones with several"},
	{"train.best", "it decides what trials are compared by"},
	{"data.source", "trials must be judged by the same samples"},
	{"data.path", "trials must be judged by the same samples"},
	{"data.validation", "trials must be judged by the same samples"},
	{"data.limit", "trials must be judged by the same samples"},
};

static bool begins(const char *path, const char *with) {
	size_t n = strlen(with);
	return strncmp(path, with, n) == 0 && (path[n] == '.' || path[n] == '\0');
}

static eg_status check_path(const eg_space *s, const eg_tree *t, eg_error *err) {
	char got[64];
	for (int i = 0; i < EG_COUNT(forbidden); i++)
		if (begins(t->key, forbidden[i].path))
			return eg_tree_fail_key(
				err, t, EG_ERR_FORMAT, "'%.100s' cannot be tuned: %s", t->key, forbidden[i].why);
	if (s->n == EG_SPACE_KEYS)
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT, "'tune' has more than %d keys", EG_SPACE_KEYS);
	if (t->kind == EG_TREE_MAP && t->count > 0) return EG_OK;
	return eg_tree_fail(err, t, EG_ERR_FORMAT,
		"'%.100s' in 'tune' must be {range: [LOW, HIGH]} or {choices: [VALUE, VALUE]}, not %s", t->key,
		t->kind == EG_TREE_MAP ? "an empty map" : eg_tree_describe(t, got, sizeof got));
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static eg_status check_whole(const eg_tree *t, const eg_tuned *k, eg_error *err) {
	const double numbers[3] = {k->low, k->high, k->step};
	static const char *const names[3] = {"the range begins with", "the range ends with", "'step' is"};
	for (int i = 0; i < 3 && k->kind == EG_TUNED_INTEGER; i++)
		if (numbers[i] != floor(numbers[i]) || fabs(numbers[i]) > INT32_MAX)
			return eg_tree_fail(err, t, EG_ERR_FORMAT,
				"'%.100s' in 'tune' has `integer: true`, but %s %g, which is no whole number of 32 bits", k->path,
				names[i], numbers[i]);
	return EG_OK;
}

static eg_status read_range(eg_space_key *k, const eg_tree *t, const eg_tune_section *x, eg_error *err) {
	const eg_tree *range = eg_tree_get(t, "range");
	eg_tuned *u = &k->tuned;
	if (x->range.n != 2)
		return eg_tree_fail(err, range, EG_ERR_FORMAT, "'range' of '%.100s' in 'tune' must be two numbers, [LOW, HIGH]",
			u->path);
	u->low = x->range.at[0], u->high = x->range.at[1];
	u->step = x->step, u->log = x->log;
	u->kind = x->integer ? EG_TUNED_INTEGER : EG_TUNED_NUMBER;
	if (u->low >= u->high)
		return eg_tree_fail(err, range, EG_ERR_FORMAT,
			"the range of '%.100s' in 'tune' is empty: it begins with %g and ends with %g; the smaller number comes first",
			u->path, u->low, u->high);
	if (u->log && u->low <= 0)
		return eg_tree_fail(err, range, EG_ERR_FORMAT,
			"the range of '%.100s' in 'tune' begins with %g, which has no logarithm: begin above 0, such as with %g, or "
			"leave `log: true` out",
			u->path, u->low, u->high / 1000);
	if (u->step > u->high - u->low)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'step' of '%.100s' in 'tune' is %g, but the range is only %g wide: one value would be left", u->path,
			u->step, u->high - u->low);
	return check_whole(range, u, err);
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

static eg_status read_choices(eg_space *s, eg_space_key *k, const eg_tree *t, const eg_tree *list, eg_error *err) {
	const char *only[] = {"range", "log", "integer", "step"}, *path = k->tuned.path;
	for (int i = 0; i < EG_COUNT(only); i++)
		if (eg_tree_get(t, only[i]))
			return eg_tree_fail_key(err, eg_tree_get(t, only[i]), EG_ERR_FORMAT,
				"'%.100s' in 'tune' has 'choices', so that '%s' means nothing: leave one of them out", path, only[i]);
	if (list->kind != EG_TREE_LIST || list->count < 2 || list->count > EG_SPACE_CHOICES)
		return eg_tree_fail(err, list, EG_ERR_FORMAT,
			"'choices' of '%.100s' in 'tune' must be a list of 2 to %d values; there is nothing to choose otherwise", path,
			EG_SPACE_CHOICES);
	const char **texts = eg_arena_alloc(&s->arena, (size_t)list->count * sizeof *texts);
	k->values = eg_value_new(EG_VALUE_LIST);
	if (!texts || !k->values) return no_memory(err);
	int n = 0;
	for (const eg_tree *c = list->first; c; c = c->next, n++) {
		texts[n] = eg_tree_flow(&s->arena, c);
		if (!texts[n]) return no_memory(err);
		for (int i = 0; i < n; i++)
			if (!strcmp(texts[i], texts[n]))
				return eg_tree_fail(
					err, c, EG_ERR_FORMAT, "the choice %.60s of '%.100s' in 'tune' is given twice", texts[n], path);
		eg_tree_to_value(c, k->values, NULL);
	}
	k->tuned.kind = EG_TUNED_CHOICE;
	k->tuned.nchoices = n;
	k->tuned.choices = texts;
	return eg_value_whole(k->values) ? EG_OK : no_memory(err);
}

static eg_status read_key(eg_space *s, const eg_tree *t, eg_error *err) {
	char where[160];
	eg_tune_section x = {0};
	eg_status status = check_path(s, t, err);
	if (status) return status;
	snprintf(where, sizeof where, "'%.100s' in 'tune'", t->key);
	status = eg_keys_read(&s->arena, t, t, &(eg_key_set){eg_tune_keys.keys, eg_tune_keys.n, &x}, 1, where, err);
	if (status) return status;
	eg_space_key *k = &s->keys[s->n++];
	*k = (eg_space_key){.tree = t, .condition = eg_tree_get(t, "when"), .tuned = {.path = t->key, .now = (double)NAN}};
	const eg_tree *choices = eg_tree_get(t, "choices");
	if (choices) return read_choices(s, k, t, choices, err);
	if (eg_tree_get(t, "range")) return read_range(k, t, &x, err);
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s needs a 'range' or 'choices'", where);
}

/* ---- conditions -------------------------------------------------------------------------------------------------- */

static int find_key(const eg_space *s, const char *path) {
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->keys[i].tuned.path, path)) return i;
	return -1;
}

/* Is it this choice, or the word of {word: {...}}? */
static bool is_choice(const eg_tree *wanted, const char *text, const char *choice) {
	size_t n = strlen(wanted->text);
	if (!strcmp(text, choice)) return true;
	return wanted->kind == EG_TREE_SCALAR && choice[0] == '{' && !strncmp(choice + 1, wanted->text, n) &&
	       choice[1 + n] == ':';
}

static eg_status read_wanted(eg_space *s, const eg_space_key *k, const eg_tuned *on, const eg_tree *t, uint64_t *bits,
	eg_error *err) {
	const char *text = eg_tree_flow(&s->arena, t);
	uint64_t found = 0;
	if (!text) return no_memory(err);
	for (int i = 0; i < on->nchoices; i++)
		if (is_choice(t, text, on->choices[i])) found |= (uint64_t)1 << i;
	*bits |= found;
	if (found) return EG_OK;
	return eg_tree_fail(err, t, EG_ERR_FORMAT,
		"'when' of '%.100s' in 'tune' never holds: '%.100s' has no choice %.60s", k->tuned.path, on->path, text);
}

static eg_status read_condition(eg_space *s, eg_space_key *k, const eg_tree *t, eg_tuned_when *when, eg_error *err) {
	int key = find_key(s, t->key);
	if (key < 0)
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
			"'when' of '%.100s' in 'tune' is about '%.100s', which is not tuned itself: give it choices, or leave the "
			"condition out",
			k->tuned.path, t->key);
	const eg_tuned *on = &s->keys[key].tuned;
	if (on->kind != EG_TUNED_CHOICE)
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
			"'when' of '%.100s' in 'tune' is about '%.100s', which has a range: a condition needs a key with choices",
			k->tuned.path, t->key);
	*when = (eg_tuned_when){.key = key};
	if (t->kind != EG_TREE_LIST) return read_wanted(s, k, on, t, &when->choices, err);
	eg_status status = EG_OK;
	for (const eg_tree *c = t->first; c && !status; c = c->next) status = read_wanted(s, k, on, c, &when->choices, err);
	if (!status && t->count == 0)
		status = eg_tree_fail(
			err, t, EG_ERR_FORMAT, "'when' of '%.100s' in 'tune' never holds: the list is empty", k->tuned.path);
	return status;
}

static eg_status read_when(eg_space *s, eg_space_key *k, eg_error *err) {
	const eg_tree *t = k->condition;
	char got[64];
	if (!t) return EG_OK;
	if (t->kind != EG_TREE_MAP || t->count < 1)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "'when' of '%.100s' in 'tune' must be {PATH: VALUE}, not %s",
			k->tuned.path, eg_tree_describe(t, got, sizeof got));
	eg_tuned_when *when = eg_arena_alloc(&s->arena, (size_t)t->count * sizeof *when);
	eg_status status = when ? EG_OK : no_memory(err);
	for (const eg_tree *c = t->first; c && !status; c = c->next)
		status = read_condition(s, k, c, &when[k->tuned.nwhen++], err);
	k->tuned.when = when;
	return status;
}

/* ---- keys that stand in each other's way ------------------------------------------------------------------------- */

static bool depends(const eg_tuned *k, int on) {
	for (int c = 0; c < k->nwhen; c++)
		if (k->when[c].key == on) return true;
	return false;
}

static eg_status check_pairs(const eg_space *s, eg_error *err) {
	int lr = find_key(s, "train.lr");
	for (int i = 0; i < s->n; i++) {
		const char *path = s->keys[i].tuned.path;
		size_t n = strlen(path);
		bool own = begins(path, "train.optimizer") && n > 3 && !strcmp(path + n - 3, ".lr");
		if (lr >= 0 && own)
			return eg_tree_fail_key(err, s->keys[i].tree, EG_ERR_FORMAT,
				"'%s' in 'tune' has no effect: 'train.lr', which is tuned too, goes before it", path);
		for (int k = 0; k < s->n; k++) {
			const char *inner = s->keys[k].tuned.path;
			if (k == i || !begins(inner, path) || depends(&s->keys[k].tuned, i)) continue;
			return eg_tree_fail_key(err, s->keys[k].tree, EG_ERR_FORMAT,
				"'%s' in 'tune' lies inside of '%s', which is tuned too: say for which choices with "
				"`when: {%s: ...}`",
				inner, path, path);
		}
	}
	return EG_OK;
}

eg_status eg_space_read(eg_space *s, const eg_tree *section, eg_error *err) {
	char got[64];
	eg_status status = EG_OK;
	if (section->kind != EG_TREE_MAP || section->count < 1)
		return eg_tree_fail(err, section, EG_ERR_FORMAT,
			"'tune' must be a map such as {train.batch: {choices: [32, 64]}}, not %s",
			section->kind == EG_TREE_MAP ? "an empty one" : eg_tree_describe(section, got, sizeof got));
	for (const eg_tree *t = section->first; t && !status; t = t->next) status = read_key(s, t, err);
	for (int i = 0; i < s->n && !status; i++) status = read_when(s, &s->keys[i], err);
	if (!status) status = check_pairs(s, err);
	return status ? status : eg_space_close(s, err);
}

/* ---- does the recipe take it? ------------------------------------------------------------------------------------ */

eg_status eg_space_recipe(const eg_space *s, const double *point, eg_recipe **recipe, eg_error *err) {
	char **settings;
	const char *text = eg_recipe_text(s->recipe);
	*recipe = NULL;
	eg_status status = eg_space_settings(s, point, &settings, err);
	if (status) return status;
	status = eg_recipe_parse(
		text, strlen(text), eg_recipe_source(s->recipe), (const char *const *)settings, recipe, err);
	eg_space_settings_free(settings);
	return status;
}

static eg_status try_value(const eg_space *s, int i, double value, eg_error *err) {
	double point[EG_SPACE_KEYS];
	eg_recipe *r = NULL;
	eg_task *task = NULL;
	eg_space_reach(s, i, point);
	point[i] = value;
	eg_status status = eg_space_recipe(s, point, &r, err);
	if (!status) status = eg_task_open(r, &task, err);
	eg_task_free(task);
	eg_recipe_free(r);
	if (!status || status == EG_ERR_MEMORY) return status;
	const char *prefix = "--set "; /* nobody has typed that */
	if (!strncmp(err->message, prefix, strlen(prefix)))
		memmove(err->message, err->message + strlen(prefix), strlen(err->message + strlen(prefix)) + 1);
	eg_fail_prefix(err, "'tune'");
	if (s->keys[i].tree) eg_tree_prefix(err, s->keys[i].tree);
	return err->status = EG_ERR_FORMAT;
}

eg_status eg_space_try(const eg_space *s, int i, eg_error *err) {
	const eg_tuned *k = &s->keys[i].tuned;
	eg_status status = EG_OK;
	eg_error own;
	if (!err) err = &own;
	if (k->kind != EG_TUNED_CHOICE) {
		status = try_value(s, i, k->low, err);
		if (!status) status = try_value(s, i, k->high, err);
		if (status) return status;
		status = try_value(s, i, eg_space_from_unit(k, 0.382), err); /* both ends may be whole numbers */
		size_t n = strlen(err->message);
		if (status == EG_ERR_FORMAT && k->kind == EG_TUNED_NUMBER)
			snprintf(err->message + n, sizeof err->message - n, "; `integer: true` tries whole numbers only");
		return status;
	}
	for (int c = 0; c < k->nchoices && !status; c++) status = try_value(s, i, c, err);
	return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

bool eg_recipe_tunes(const eg_recipe *r) { return r->tune != NULL; }

/* Nothing of a recipe could be guessed: the reason may be that it is wrong elsewhere. */
static eg_status nothing_to_try(eg_recipe *r, eg_error *err) {
	eg_task *task = NULL;
	eg_status status = eg_task_open(r, &task, err);
	eg_task_free(task);
	return status ? status
	              : eg_fail(err, EG_ERR_ARG, "%s: there is nothing to try in it: give it a section `tune`", r->source);
}

eg_status eg_space_open(eg_recipe *r, eg_space **space, eg_error *err) {
	*space = NULL;
	eg_space *s = eg_space_empty(r, err);
	if (!s) return EG_ERR_MEMORY;
	s->guessed = r->tune == NULL;
	eg_status status = r->tune ? eg_space_read(s, r->tune, err) : eg_space_guess(s, err);
	for (int i = 0; i < s->n && !status && !s->guessed; i++) status = eg_space_try(s, i, err);
	if (!status && s->n == 0) status = nothing_to_try(r, err);
	if (status)
		eg_space_free(s);
	else
		*space = s;
	return status;
}

/* ---- as YAML ----------------------------------------------------------------------------------------------------- */

static void print_key(const eg_space *s, const eg_tuned *k, FILE *f) {
	char a[EG_TREE_NUMBER], b[EG_TREE_NUMBER];
	fprintf(f, "  %s: {", k->path);
	if (k->kind == EG_TUNED_CHOICE) {
		fputs("choices: [", f);
		for (int c = 0; c < k->nchoices; c++) fprintf(f, "%s%s", c ? ", " : "", k->choices[c]);
		fputs("]", f);
	} else {
		fprintf(f, "range: [%s, %s]", eg_tree_shortest(a, k->low), eg_tree_shortest(b, k->high));
		if (k->log) fputs(", log: true", f);
		if (k->kind == EG_TUNED_INTEGER) fputs(", integer: true", f);
		if (k->step > 0) fprintf(f, ", step: %s", eg_tree_shortest(a, k->step));
	}
	for (int c = 0; c < k->nwhen; c++) {
		const eg_tuned *on = &s->keys[k->when[c].key].tuned;
		fprintf(f, "%s%s: [", c ? ", " : ", when: {", on->path);
		for (int i = 0, n = 0; i < on->nchoices; i++)
			if (k->when[c].choices >> i & 1) fprintf(f, "%s%s", n++ ? ", " : "", on->choices[i]);
		fputs("]", f);
	}
	fputs(k->nwhen ? "}}" : "}", f);
	fputc('\n', f);
}

eg_status eg_space_text(const eg_space *s, char **text, eg_error *err) {
	size_t size;
	*text = NULL;
	FILE *f = open_memstream(text, &size);
	if (!f) return no_memory(err);
	fputs("tune:\n", f);
	for (int i = 0; i < s->n; i++) print_key(s, &s->keys[i].tuned, f);
	if (fclose(f) == 0 && *text) return EG_OK;
	free(*text);
	*text = NULL;
	return no_memory(err);
}

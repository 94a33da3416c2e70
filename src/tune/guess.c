/* guess.c - what is worth trying in a recipe that does not say it: the learning rate above all, the schedule, decay of
 * weights, the batch, dropout, and sizes where nothing else depends on them. */
#include "tune/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a space"); }

/* A key that the recipe does not take after all is left out. */
static eg_status add(eg_space *s, const char *path, const eg_tuned *like, eg_error *err) {
	eg_error why;
	if (s->n == EG_SPACE_KEYS) return EG_OK;
	eg_space_key *k = &s->keys[s->n];
	*k = (eg_space_key){.tuned = *like};
	k->tuned.path = eg_arena_strdup(&s->arena, path);
	k->tuned.now = (double)NAN;
	if (!k->tuned.path) return no_memory(err);
	if (like->kind == EG_TUNED_CHOICE) {
		eg_status status = eg_space_values(s, k, err);
		if (status) return eg_value_free(k->values), status;
	}
	s->order[s->n] = s->n; /* guessed keys have no conditions */
	if (eg_space_try(s, s->n++, &why) == EG_OK) return EG_OK;
	s->n--;
	eg_value_free(k->values);
	return why.status == EG_ERR_MEMORY ? no_memory(err) : EG_OK;
}

/* To two digits. */
static double rounded(double v) {
	char text[EG_TREE_NUMBER];
	snprintf(text, sizeof text, "%.1e", v);
	return strtod(text, NULL);
}

/* From a part of what the recipe has to a multiple of it, evenly in its logarithm. */
static eg_status around(eg_space *s, const char *path, double now, double times, eg_error *err) {
	const eg_tuned k = {.kind = EG_TUNED_NUMBER, .low = rounded(now / times), .high = rounded(now * times), .log = true};
	return now > 0 ? add(s, path, &k, err) : EG_OK;
}

static eg_status whole_around(eg_space *s, const char *path, double now, eg_error *err) {
	const eg_tuned k = {.kind = EG_TUNED_INTEGER, .low = ceil(now / 2), .high = 2 * now, .log = true};
	return now >= 2 ? add(s, path, &k, err) : EG_OK;
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static eg_status guess_optimizer(eg_space *s, const eg_tree *train, eg_error *err) {
	char path[120];
	const eg_optimizer_config *o = &s->recipe->train.optimizer;
	const eg_tree *t = eg_tree_get(train, "optimizer"), *attrs = NULL;
	const char *word = "sgd";
	double v;
	eg_status status = t ? eg_choice_read(t, "optimizer", &word, &attrs, err) : EG_OK;
	if (status) return status;
	snprintf(path, sizeof path, "train.optimizer.%.40s.lr", word);
	status = around(s, eg_tree_get(train, "lr") ? "train.lr" : path, eg_optimizer_lr_of(o), 10, err);
	snprintf(path, sizeof path, "train.optimizer.%.40s.weight_decay", word);
	if (!eg_tree_number(eg_tree_get(attrs, "weight_decay"), &v)) v = o->kind == EG_ADAMW ? 0.01 : 0;
	return status ? status : around(s, path, v, 10, err);
}

/* What there is now, and a constant rate or half a cosine. */
static eg_status guess_schedule(eg_space *s, const eg_tree *train, eg_error *err) {
	const eg_tree *t = eg_tree_get(train, "schedule");
	const char *choices[3];
	int n = 0;
	const char *now = t ? eg_tree_flow(&s->arena, t) : "constant";
	if (!now) return no_memory(err);
	choices[n++] = now;
	if (strcmp(now, "constant") != 0) choices[n++] = "constant";
	if (!strstr(now, "cosine")) choices[n++] = "cosine";
	const char **kept = eg_arena_alloc(&s->arena, sizeof choices);
	if (!kept) return no_memory(err);
	memcpy(kept, choices, (size_t)n * sizeof *kept);
	const eg_tuned k = {.kind = EG_TUNED_CHOICE, .choices = kept, .nchoices = n};
	return n > 1 ? add(s, "train.schedule", &k, err) : EG_OK;
}

static eg_status guess_batch(eg_space *s, eg_error *err) {
	int now = s->recipe->train.batch > 0 ? s->recipe->train.batch : 32;
	const char **choices = eg_arena_alloc(&s->arena, 3 * sizeof *choices);
	if (!choices) return no_memory(err);
	const eg_tuned k = {.kind = EG_TUNED_CHOICE, .choices = choices, .nchoices = 3};
	for (int i = 0; i < 3; i++)
		if (!(choices[i] = eg_arena_printf(&s->arena, "%d", now * (1 << i) / 2))) return no_memory(err);
	return now >= 2 ? add(s, "train.batch", &k, err) : EG_OK;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* Does a layer name another one? Then sizes may have to agree. */
static bool has_links(const eg_recipe *r) {
	for (const eg_tree *t = eg_tree_get(r->root, "model")->first; t; t = t->next)
		if (t->kind == EG_TREE_MAP && t->first && eg_tree_get(t->first, "from") &&
		        eg_tree_get(t->first, "from")->kind != EG_TREE_MAP)
			return true;
	return false;
}

/* An attribute that is a share of what is dropped, or a size. */
static eg_status guess_attr(eg_space *s, const char *path, const char *name, const eg_tree *t, bool sizes, eg_error *err) {
	static const char *const words[] = {"hidden", "units", "filters", "size"};
	const eg_tuned drop = {.kind = EG_TUNED_NUMBER, .high = 0.6};
	double v;
	if (!eg_tree_number(t, &v)) return EG_OK;
	if (!strcmp(name, "rate") || !strcmp(name, "dropout")) return add(s, path, &drop, err);
	for (int i = 0; i < EG_COUNT(words) && sizes; i++)
		if (!strcmp(name, words[i])) return whole_around(s, path, v, err);
	return EG_OK;
}

static eg_status guess_layer(eg_space *s, const eg_tree *layer, int i, bool sizes, eg_error *err) {
	char path[200];
	const eg_tree *t = layer->kind == EG_TREE_MAP ? layer->first : NULL;
	const eg_op_info *op = t ? eg_op_find(t->key) : NULL;
	eg_status status = EG_OK;
	if (!op) return EG_OK;
	snprintf(path, sizeof path, "model.%d.%.60s", i, t->key);
	if (t->kind == EG_TREE_SCALAR && op->shorthand) return guess_attr(s, path, op->shorthand, t, sizes, err);
	for (const eg_tree *a = t->kind == EG_TREE_MAP ? t->first : NULL; a && !status; a = a->next) {
		snprintf(path, sizeof path, "model.%d.%.60s.%.60s", i, t->key, a->key);
		status = guess_attr(s, path, a->key, a, sizes, err);
	}
	return status;
}

static eg_status guess_model(eg_space *s, eg_error *err) {
	const eg_tree *model = eg_tree_get(s->recipe->root, "model");
	bool sizes = !has_links(s->recipe);
	int i = 0;
	eg_status status = EG_OK;
	for (const eg_tree *t = model->first; t && !status; t = t->next, i++)
		status = guess_layer(s, t, i, sizes && t->next, err); /* the last one's size is that of the answer */
	return status;
}

eg_status eg_space_guess(eg_space *s, eg_error *err) {
	const eg_tree *train = eg_tree_get(s->recipe->root, "train");
	double v;
	if (eg_tree_is_nothing(train)) train = NULL;
	eg_status status = guess_optimizer(s, train, err);
	if (!status) status = guess_schedule(s, train, err);
	if (!status) status = guess_batch(s, err);
	if (!status && eg_tree_number(eg_tree_get(train, "clip_norm"), &v)) status = around(s, "train.clip_norm", v, 4, err);
	if (!status) status = guess_model(s, err);
	return status ? status : eg_space_close(s, err);
}

/* section.c - a recipe's section `data`, read once by all who have keys in it: every source (path, validation), this
 * source, the intakes of the fields that are used, the task; and what a model file keeps of it.
 *
 * Not here: reading records (src/data), what intakes and tasks do with their keys. */
#include "tasks/task.h"

#include <math.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a task"); }

/* ---- which field is put where ------------------------------------------------------------------------------------ */

static bool takes(eg_kinds kinds, const eg_field *f) { return kinds >> f->kind & 1 && eg_intake_of(f->kind); }

/* "text, label", into buf. */
static const char *list_fields(const eg_source *s, char *buf, size_t size) {
	size_t n = 0;
	buf[0] = '\0';
	for (int i = 0; i < eg_source_fields(s) && n + 1 < size; i++) {
		const eg_field *f = eg_source_field(s, i);
		const char *kind = eg_field_kind_name(f->kind);
		bool same = strcmp(f->name, kind) == 0;
		n += (size_t)snprintf(buf + n, size - n, "%s%s%s%s%s", n ? ", " : "", f->name, same ? "" : " (",
		        same ? "" : kind, same ? "" : ")");
	}
	return buf;
}

/* What the input `previous` of a network that writes, or speaks, is filled by. */
static const eg_intake_type *previous_type(const eg_task *t) { return t->type->said ? t->type->said : &eg_intake_previous_type; }

/* The first field of one of these kinds that no intake has yet. */
static int choose_field(const eg_task *t, eg_kinds kinds) {
	for (int i = 0; i < eg_source_fields(t->source); i++) {
		bool used = false;
		for (int k = 0; k < t->nintakes; k++)
			used |= t->intakes[k]->field == i && t->intakes[k]->type != previous_type(t);
		if (!used && takes(kinds, eg_source_field(t->source, i))) return i;
	}
	return -1;
}

/* The field called `name`, or, with NULL, one that will do; `path` is where a message points. */
static eg_status find_field(
	const eg_task *t, const char *name, eg_kinds kinds, const char *path, int *field, eg_error *err) {
	char list[300];
	const char *source = eg_source_info(t->source)->name;
	*field = name ? eg_source_find_field(t->source, name) : choose_field(t, kinds);
	if (*field >= 0 && takes(kinds, eg_source_field(t->source, *field))) return EG_OK;
	list_fields(t->source, list, sizeof list);
	if (*field >= 0)
		eg_fail(err, EG_ERR_ARG, "the task '%s' needs %s; field '%s' of the source '%s' is %s: %s",
		        t->type->info.name, t->type->needs, name, source, "none of them", list);
	else if (name)
		eg_fail(err, EG_ERR_ARG, "a record of the source '%s' has no field '%s'; it has: %s", source, name,
		        list);
	else
		eg_fail(err, EG_ERR_ARG, "the task '%s' needs %s; a record of the source '%s' has: %s",
		        t->type->info.name, t->type->needs, source, list);
	eg_recipe_locate(t->recipe, path, err);
	return EG_ERR_ARG;
}

static eg_status add_intake(eg_task *t, const eg_intake_type *type, const char *input, int field, eg_error *err) {
	const eg_field *f = eg_source_field(t->source, field);
	if (t->nintakes == EG_TASK_INTAKES)
		return eg_fail(err, EG_ERR_ARG, "at most %d inputs and targets are possible", EG_TASK_INTAKES);
	eg_intake *intake = eg_intake_new(type ? type : eg_intake_of(f->kind), err);
	if (!intake) return EG_ERR_MEMORY;
	t->intakes[t->nintakes++] = intake;
	intake->input = input;
	intake->field = field;
	intake->name = eg_arena_strdup(&intake->arena, f->name);
	return intake->name ? EG_OK : no_memory(err);
}

/* What a loss passes over where nothing is asked: the default of its `ignore_index`; -1 where it has none. */
static eg_status choose_pad(const eg_task *t, const eg_recipe_loss_info *l, int32_t *pad, eg_error *err) {
	*pad = -1;
	for (int i = 0; i < l->op->nattrs; i++) {
		const eg_attr *a = &l->op->attrs[i];
		int given = 0;
		if (strcmp(a->name, "ignore_index") != 0) continue;
		*pad = (int32_t)a->def;
		if (l->options) memcpy(&given, (const char *)l->options + a->offset, sizeof given);
		if (given == 0 || given == *pad) return EG_OK;
		eg_fail(err, EG_ERR_ARG,
		        "what is not to be predicted is marked by %d in this task; leave 'ignore_index' out", *pad);
		eg_recipe_locate(t->recipe, "train.loss", err);
		return EG_ERR_ARG;
	}
	return EG_OK;
}

/* Of losses that share a target, one that has a number of its own for it says what stands there; the others are told
 * how long targets are. */
static eg_status share_pad(const eg_task *t, const eg_recipe_loss_info *l, eg_intake *f, eg_error *err) {
	int32_t pad;
	eg_status status = choose_pad(t, l, &pad, err);
	if (!status && pad != -1) f->pad = pad;
	return status;
}

/* Is it what a network that writes has written before? */
static bool is_previous(const eg_task *t, const eg_recipe_input_info *in) {
	return t->type->writes && in->field && strcmp(in->field, "previous") == 0;
}

/* The inputs that the data holds, and behind them `previous`, which questions do not have. */
static eg_status add_inputs(eg_task *t, eg_error *err) {
	const int n = eg_recipe_inputs(t->recipe);
	const char *target = t->type->targets ? eg_recipe_loss_at(t->recipe, 0)->field : NULL;
	eg_status status = EG_OK;
	for (int k = 0, field; k < 2 * n && !status; k++) {
		const eg_recipe_input_info *in = eg_recipe_input_at(t->recipe, k % n);
		const bool previous = is_previous(t, in);
		const char *name = previous ? target : in->field, *path = previous && target ? "train.loss" : name ? "inputs" : "data.source";
		if (previous != (k >= n)) continue;
		if (!previous) t->nasked++;
		status = find_field(t, name, previous ? t->type->targets : t->type->inputs, path, &field, err);
		if (!status) status = add_intake(t, previous ? previous_type(t) : t->type->reads, in->name, field, err);
		if (!status) t->intakes[t->nintakes - 1]->sample = in->dims;
	}
	t->ninputs = t->nintakes;
	return status;
}

static eg_status add_intakes(eg_task *t, eg_error *err) {
	eg_status status = add_inputs(t, err);
	bool padded = false;
	for (int i = 0; i < t->ninputs; i++)
		for (int k = 0; k < t->intakes[i]->sample.rank; k++)
			padded |= t->intakes[i]->sample.d[k] < 0 && t->intakes[i]->sample.d[k] != EG_T;
	for (int i = 0, field; i < eg_recipe_losses(t->recipe) && t->type->targets && !status; i++) {
		const eg_recipe_loss_info *l = eg_recipe_loss_at(t->recipe, i);
		eg_intake *shared = NULL; /* two losses may be judged by one target */
		for (int k = t->ninputs; k < t->nintakes; k++)
			if (strcmp(t->intakes[k]->input, l->input) == 0) shared = t->intakes[k];
		if (shared) {
			status = share_pad(t, l, shared, err);
			continue;
		}
		const char *name = l->field;
		if (!name && t->type->target_field) name = eg_source_field(t->source, t->type->target_field(t))->name;
		status = find_field(t, name, t->type->targets, l->field ? "train.loss" : "data.source", &field, err);
		if (!status) status = add_intake(t, t->type->tells, l->input, field, err);
		if (!status) status = choose_pad(t, l, &t->intakes[t->nintakes - 1]->pad, err);
		if (!status) t->intakes[t->nintakes - 1]->target = true;
		/* a picture that is put out again has the size at which it goes in */
		if (!status && field == t->intakes[0]->field && t->intakes[0]->type->kind == EG_FIELD_PICTURE)
			t->intakes[t->nintakes - 1]->sample = t->intakes[0]->sample;
		if (!status && l->lengths && t->type->tells) {
			status = add_intake(t, &eg_intake_spelled_lengths_type, l->lengths, field, err);
			if (!status) t->intakes[t->nintakes - 1]->target = true;
		}
	}
	for (int i = 0; i < t->nintakes; i++) t->intakes[i]->padded = padded;
	for (int i = t->nasked; i < t->ninputs && !status; i++) t->intakes[i]->follows = t->intakes[t->ninputs];
	return status;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

typedef struct first_keys {
	const char *source;
} first_keys;
static const eg_key source_key = {.name = "source",
	.type = EG_KEY_STRING,
	.offset = offsetof(first_keys, source),
	.required = true,
	.doc = "name of the data set or reader (engram data list)"};

enum { MAX_SETS = EG_TASK_INTAKES + 2 * EG_SOURCE_KEY_SETS + 1 };

/* Another source than the recipe's takes what it knows of the recipe's settings, but for how many records there are of
 * those. */
static eg_status without_limit(eg_task *t, eg_key_set *set, eg_error *err) {
	eg_key *keys = eg_arena_alloc(&t->arena, ((size_t)set->n + 1) * sizeof *keys);
	int n = 0;
	if (!keys) return no_memory(err);
	for (int i = 0; i < set->n; i++)
		if (strcmp(set->keys[i].name, "limit") != 0) keys[n++] = set->keys[i];
	*set = (eg_key_set){keys, n, set->out};
	return EG_OK;
}

static eg_status no_such_part(const eg_task *t, const eg_tree *one, eg_error *err) {
	const char *names[EG_TASK_INTAKES];
	int n = 0;
	for (int i = 0; i < t->nintakes; i++)
		if (t->intakes[i]->type->keys.n) names[n++] = t->intakes[i]->name;
	return eg_keys_no_such(one, one->key, "field", names, n, err);
}

/* A key that fields share may be a map that says it for each, `unit: {text: word, target: char}`: read here, and passed
 * over (as a choice is) by who reads the section. */
static eg_status by_field(eg_task *t, const eg_intake *f, eg_key_set *set, eg_error *err) {
	eg_key *keys = eg_arena_alloc(&t->arena, ((size_t)set->n + 1) * sizeof *keys);
	char where[80];
	if (!keys) return no_memory(err);
	for (int i = 0; i < set->n; i++) {
		keys[i] = set->keys[i];
		snprintf(where, sizeof where, "data.%.60s", keys[i].name);
		const eg_tree *map = eg_tree_find(t->recipe->root, where);
		if (!map || map->kind != EG_TREE_MAP || !keys[i].by_field) continue;
		keys[i].type = EG_KEY_CHOICE;
		for (const eg_tree *one = map->first; one; one = one->next) {
			bool known = false;
			for (int k = 0; k < t->nintakes; k++)
				known = known || (t->intakes[k]->type->keys.n && strcmp(t->intakes[k]->name, one->key) == 0);
			if (!known) return no_such_part(t, one, err);
			if (strcmp(one->key, f->name) != 0) continue;
			eg_status status = eg_key_read(&t->arena, &set->keys[i], one, set->out, where, err);
			if (status) return status;
		}
	}
	set->keys = keys;
	return EG_OK;
}

/* `before`: the recipe's own source, where this is another: its keys are right, though they may mean nothing to this
 * one. */
static eg_status read_keys(eg_task *t, eg_source *before, eg_error *err) {
	eg_key_set sets[MAX_SETS] = {{t->type->keys.keys, t->type->keys.n, t}};
	int n = 1 + EG_SOURCE_KEY_SETS;
	eg_status status = EG_OK;
	eg_source_key_sets(t->source, sets + 1);
	for (int i = 1; i < n && before && !status; i++) status = without_limit(t, &sets[i], err);
	for (int i = 0; i < t->nintakes; i++) {
		const eg_key_table *k = &t->intakes[i]->type->keys;
		sets[n] = (eg_key_set){k->keys, k->n, t->intakes[i]};
		if (!status && k->n) status = by_field(t, t->intakes[i], &sets[n], err);
		n++;
	}
	if (before) eg_source_key_sets(before, sets + n), n += EG_SOURCE_KEY_SETS;
	return status ? status : eg_recipe_section(t->recipe, &t->arena, "data", sets, n, err);
}

/* Without validation samples there is no result that could fail to get better. */
eg_status eg_task_no_validation(const eg_task *t, eg_error *err) {
	if (eg_recipe_train(t->recipe)->early_stopping <= 0) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "train.early_stopping needs data.validation above 0, such as 0.1");
	eg_recipe_locate(t->recipe, "train.early_stopping", err);
	return EG_ERR_ARG;
}

static eg_status open_all(eg_task *t, eg_error *err) {
	eg_status status = eg_source_opened(t->source, err);
	if (status) eg_recipe_locate(t->recipe, "data.source", err);
	if (!status && eg_recipe_has(t->recipe, "data.validation") && t->source->validation <= 0)
		status = eg_task_no_validation(t, err);
	for (int i = 0; i < t->nintakes && !status; i++)
		if (t->intakes[i]->type->open) status = t->intakes[i]->type->open(t->intakes[i], t->recipe, err);
	if (!status && t->type->open) status = t->type->open(t, err);
	return status;
}

/* The source's name is needed before the table of keys is known. */
static eg_status find_source(eg_task *t, const char *name, const eg_source_type **type, eg_error *err) {
	first_keys first = {0};
	const eg_tree *word = eg_tree_find(t->recipe->root, "data.source");
	eg_status status = EG_OK;
	if (!name && word) status = eg_key_read(&t->arena, &source_key, word, &first, "'data'", err);
	if (!name && !word)
		return eg_tree_fail(err, eg_tree_get(t->recipe->root, "data"), EG_ERR_FORMAT,
		        "'data' needs 'source' (%s)", source_key.doc);
	if (status) return status;
	*type = eg_source_type_find(name ? name : first.source, err);
	if (*type) return EG_OK;
	if (!name) eg_recipe_locate(t->recipe, "data.source", err);
	return EG_ERR_ARG;
}

/* Folder of the recipe's file, or of the model's that it is in, where relative paths are looked for too. */
static const char *beside(eg_task *t) {
	const char *file = t->recipe->model ? t->recipe->model : eg_recipe_source(t->recipe), *slash = strrchr(file, '/');
	return slash ? eg_arena_printf(&t->arena, "%.*s", (int)(slash - file), file) : NULL;
}

/* What a task has of one source. */
typedef struct holding {
	eg_source *source;
	eg_intake *intakes[EG_TASK_INTAKES];
	int nintakes, nasked, ninputs;
	const char *one, *many;
} holding;

static holding take_out(eg_task *t) {
	holding h = {
	        .source = t->source, .nintakes = t->nintakes, .nasked = t->nasked, .ninputs = t->ninputs, .one = t->one, .many = t->many};
	memcpy(h.intakes, t->intakes, sizeof h.intakes);
	t->source = NULL;
	t->nintakes = t->nasked = t->ninputs = 0;
	return h;
}

static void put_back(eg_task *t, const holding *h) {
	eg_task_drop(t);
	memcpy(t->intakes, h->intakes, sizeof h->intakes);
	t->source = h->source, t->nintakes = h->nintakes, t->nasked = h->nasked, t->ninputs = h->ninputs, t->one = h->one, t->many = h->many;
}

static void drop(holding *h) {
	for (int i = 0; i < h->nintakes; i++) eg_intake_free(h->intakes[i]);
	eg_source_close(h->source);
}

void eg_task_drop(eg_task *t) {
	holding h = take_out(t);
	drop(&h);
}

static eg_status read_section(eg_task *t, eg_source *before, const char *path, eg_error *err) {
	t->source->beside = beside(t);
	eg_source_seed(t->source, eg_recipe_train(t->recipe)->seed);
	eg_status status = eg_source_choose(t->source, eg_tree_get(t->recipe->root, "data"), err);
	if (status) eg_recipe_locate(t->recipe, "data.source", err);
	if (!status) status = add_intakes(t, err);
	if (!status) status = read_keys(t, before, err);
	if (!status) status = eg_augments_read(t, err);
	if (!status) status = eg_views_read(t, err);
	if (status) return status;
	if (before) t->source->name = eg_source_info(t->source)->name, t->source->path = NULL;
	if (path && !(t->source->path = eg_arena_strdup(&t->source->arena, path))) return no_memory(err);
	return open_all(t, err);
}

eg_status eg_task_read(eg_task *t, const char *source, const char *path, eg_error *err) {
	const eg_source_type *type = NULL;
	eg_source *now = NULL;
	eg_status status = find_source(t, source, &type, err);
	if (!status) status = eg_source_new(type, &now, err);
	if (status) return status;
	holding before = take_out(t);
	t->source = now;
	status = read_section(t, before.source, path, err);
	if (status)
		put_back(t, &before);
	else
		drop(&before);
	return status;
}

/* ---- what a model keeps ------------------------------------------------------------------------------------------ */

/* The only input and the only target speak for themselves; others have a map of their own, by the graph's input. */
static bool is_plain(const eg_intake *f) { return !strcmp(f->input, "input") || !strcmp(f->input, "target"); }

void eg_task_save(const eg_task *t, eg_value *map) {
	eg_value *inputs = NULL;
	for (int i = 0; i < t->nintakes; i++) {
		const eg_intake *f = t->intakes[i];
		if (!f->type->save) continue;
		if (!is_plain(f) && !inputs) inputs = eg_value_put_map(map, "inputs");
		f->type->save(f, is_plain(f) ? map : eg_value_put_map(inputs, f->input));
	}
	if (t->type->save) t->type->save(t, map);
}

eg_status eg_task_restore(eg_task *t, const eg_value *kept, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < t->nintakes && !status; i++) {
		eg_intake *f = t->intakes[i];
		const eg_value *map = is_plain(f) ? kept : eg_value_get(eg_value_get(kept, "inputs"), f->input);
		if (f->type->restore) status = f->type->restore(f, map, err);
	}
	if (!status && t->type->restore) status = t->type->restore(t, kept, err);
	return status;
}

eg_status eg_task_of_model(eg_model *m, eg_task **t, eg_error *err) {
	eg_status status = eg_task_open(eg_model_recipe(m), t, err);
	if (status) return status;
	status = eg_task_restore(*t, eg_model_task(m), err);
	if (!status) {
		eg_task_count_words(*t);
		status = eg_task_same_sizes(*t, m, err);
	}
	if (!status) status = eg_task_suits(*t, eg_model_graph(m), err);
	if (!status) return EG_OK;
	eg_fail_prefix(err, "model '%.300s'", eg_model_path(m));
	eg_task_free(*t);
	*t = NULL;
	return status;
}

void eg_task_count_words(eg_task *t) {
	int n = 0;
	for (int i = 0; i < t->nintakes; i++) {
		const eg_intake *f = t->intakes[i];
		const char *word = f->target ? "classes" : f->type->word;
		if (!f->type->count) continue;
		for (int k = 0; k < n; k++) /* a second one of a kind: by its field too */
			if (strcmp(t->sizes[k].name, word) == 0)
				word = eg_arena_printf(&t->arena, "%s.%s", word, f->name);
		if (word) t->sizes[n++] = (eg_size){word, f->type->count(f)};
	}
	if (!t->type->targets && n == 1)
		t->sizes[n++] = (eg_size){"classes", t->sizes[0].size}; /* what comes out is what goes in */
	t->sizes[n] = (eg_size){0};
}

eg_intake *eg_task_target(const eg_task *t) { return t->nintakes > t->ninputs ? t->intakes[t->ninputs] : NULL; }
const char *eg_task_target_input(const eg_task *t) { return eg_task_target(t) ? eg_task_target(t)->input : "target"; }

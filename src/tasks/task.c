/* task.c - the table of tasks, and the public functions that hand on to the recipe's task. Each task is described in a
 * file of its own. */
#include "tasks/samples.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EG_TASK(name) extern const eg_task_type eg_task_type_##name;
#include "tasks/tasks.def"
#undef EG_TASK

static const eg_task_type *const types[] = {
#define EG_TASK(name) &eg_task_type_##name,
#include "tasks/tasks.def"
#undef EG_TASK
};

int eg_task_count(void) { return EG_COUNT(types); }
const eg_task_info *eg_task_at(int i) { return i >= 0 && i < EG_COUNT(types) ? &types[i]->info : NULL; }

const eg_task_type *eg_task_type_of(const eg_recipe *r, eg_error *err) {
	const char *names[EG_COUNT(types)], *word = eg_recipe_task(r);
	for (int i = 0; i < EG_COUNT(types); i++) {
		names[i] = types[i]->info.name;
		if (strcmp(names[i], word) == 0) return types[i];
	}
	eg_keys_no_such(eg_tree_get(r->root, "task"), word, "task", names, EG_COUNT(names), err);
	return NULL;
}

/* ---- options, for help texts ------------------------------------------------------------------------------------- */

enum { MAX_OPTIONS = 16 };

/* "auto|yes|no" for one of several words, else a letter or a word for the kind of value. */
static const char *value_of(const eg_key *k, char buf[80]) {
	size_t n = 0;
	if (k->type == EG_KEY_BOOL) return NULL;
	if (k->type == EG_KEY_INT || k->type == EG_KEY_INT64) return "N";
	if (k->type == EG_KEY_DOUBLE || k->type == EG_KEY_NUMBERS) return "NUMBER";
	if (k->type != EG_KEY_ENUM) return "TEXT";
	for (int i = 0; k->names[i] && n < 79; i++)
		n += (size_t)snprintf(buf + n, 80 - n, "%s%s", i ? "|" : "", k->names[i]);
	return buf;
}

eg_status eg_task_options(int i, void (*take)(void *user, const eg_option *o), void *user, eg_error *err) {
	char buf[80];
	if (i < 0 || i >= EG_COUNT(types)) return eg_fail(err, EG_ERR_ARG, "there is no task number %d", i);
	bool pictures = types[i]->inputs & EG_KIND(PICTURE);
	for (int k = 0; k < types[i]->options.n + pictures; k++) {
		const eg_key *key = k < types[i]->options.n ? &types[i]->options.keys[k] : &eg_invert_key;
		const eg_option o = {key->name, value_of(key, buf), key->doc};
		take(user, &o);
	}
	return EG_OK;
}

/* ---- a recipe's task --------------------------------------------------------------------------------------------- */

eg_status eg_task_open(eg_recipe *r, eg_task **task, eg_error *err) {
	*task = NULL;
	const eg_task_type *type = eg_task_type_of(r, err);
	if (!type) return EG_ERR_FORMAT;
	eg_task *t = eg_calloc(NULL, 1, type->size ? type->size : sizeof *t);
	if (!t) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
	t->type = type;
	t->recipe = r;
	t->one = "record", t->many = "records";
	if (type->defaults) type->defaults(t);
	eg_status status = eg_task_read(t, NULL, NULL, err);
	if (status)
		eg_task_free(t);
	else
		*task = t;
	return status;
}

void eg_task_free(eg_task *t) {
	if (!t) return;
	if (t->type->close) t->type->close(t);
	eg_task_drop(t);
	eg_arena_free(&t->arena);
	eg_release(NULL, t);
}

const eg_task_info *eg_task_kind(const eg_task *t) { return &t->type->info; }
const eg_source *eg_task_source(const eg_task *t) { return t->source; }
const char *eg_task_unit(const eg_task *t, bool one) { return one ? t->one : t->many; }

static bool reads_files(const eg_data_info *d) { return d->path == EG_DATA_PATH_FILE || d->path == EG_DATA_PATH_FOLDER; }

/* The reader of the user's own files that gives what the recipe's source gives: that source, or else the first in the
 * table with the fields that are used, and that need not be told which they are. */
static const char *reader_for(const eg_task *t) {
	if (reads_files(eg_source_info(t->source))) return eg_source_info(t->source)->name;
	for (int i = 0; i < eg_data_count(); i++) {
		const eg_data_info *d = eg_data_at(i);
		bool fits = reads_files(d) && !eg_source_type_at(i)->choose;
		for (int k = 0; k < t->nintakes && fits; k++) {
			bool there = false;
			for (int j = 0; j < d->nfields; j++) there |= d->fields[j].kind == t->intakes[k]->type->kind;
			fits = there;
		}
		if (fits) return d->name;
	}
	return NULL;
}

eg_status eg_task_set_source(eg_task *t, const char *source, const char *path, eg_error *err) {
	const char *now = eg_source_info(t->source)->name;
	if (!source && !path) return EG_OK;
	bool set = eg_data_is_set(eg_source_info(t->source));
	if (!source && set) { /* the same set, from another folder */
		t->source->path = eg_arena_strdup(&t->arena, path);
		return t->source->path ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory");
	}
	if (!source) source = reader_for(t);
	if (!source)
		return eg_fail(err, EG_ERR_ARG,
		        "samples of the source '%s' cannot be read from '%s': there is no reader for such files", now,
		        path);
	const bool other = t->other, whole = t->whole;
	t->other = true;
	eg_status status = eg_task_read(t, source, path, err);
	if (status) t->other = other, t->whole = whole;
	return status;
}

eg_status eg_task_fits(const eg_task *t, eg_error *err) {
	for (int i = 0; i < t->ninputs; i++) {
		eg_intake *f = t->intakes[i];
		const eg_field *field = eg_source_field(t->source, f->field);
		eg_status status = f->type->fits ? f->type->fits(f, &f->sample, err) : EG_OK;
		bool classes = f->type->count != NULL;
		if (!status && f->type->meet && !classes) status = f->type->meet(f, field, err);
		if (!status) continue;
		eg_fail_prefix(err, "source '%s'", eg_source_info(t->source)->name);
		eg_recipe_locate(t->recipe, eg_recipe_has(t->recipe, "inputs") ? "inputs" : "input", err);
		return status;
	}
	return EG_OK;
}

eg_status eg_task_suits(eg_task *t, eg_graph *g, eg_error *err) {
	eg_status status = eg_task_check_targets(t, g, false, err);
	if (!status && t->type->suits) status = t->type->suits(t, g, err); /* it says what network is wanted */
	if (!status) status = eg_task_check_targets(t, g, true, err);
	if (!status) status = eg_task_bind(t, g, err);
	return status ? status : eg_task_agrees(t, g, err);
}

void eg_task_constrain(const eg_task *t, eg_params *p) {
	if (t->type->constrain) t->type->constrain(t, p);
}

const eg_metric_info *eg_task_metric(const eg_task *t, int i) {
	return i >= 0 && i < t->type->nmetrics ? &t->type->metrics[i] : NULL;
}

const char *const *eg_task_outputs(const eg_task *t, const eg_graph *g) {
	static const char *const logits[] = {"logits", NULL};
	return t->type->outputs ? t->type->outputs(t, g) : logits;
}

eg_status eg_task_read_record(const eg_task *t, eg_part part, int64_t record, unsigned fields, eg_record *r, eg_error *err) {
	eg_status status = eg_source_prepare(t->source, part, err);
	const int64_t count = status ? 0 : eg_source_count(t->source, part);
	if (!status && (record < 0 || record >= count))
		status = eg_fail(err, EG_ERR_ARG, "there is no record %lld: the part '%s' has %lld, from 0", (long long)record, eg_part_name(part),
			(long long)count);
	return status ? status : eg_source_read(t->source, part, record, fields, r, err);
}

eg_part eg_task_eval_part(const eg_task *t) { return t->type->eval_part ? t->type->eval_part(t) : EG_PART_TEST; }

eg_status eg_task_describe(eg_model *m, eg_value **facts, eg_error *err) {
	eg_task *t;
	*facts = NULL;
	eg_status status = eg_task_of_model(m, &t, err);
	if (status) return status;
	*facts = eg_value_new(EG_VALUE_MAP);
	for (int i = 0; i < t->nintakes && *facts; i++) {
		const eg_intake *f = t->intakes[i];
		if (!f->type->count) continue;
		bool named = f->target ? f->type->kind != EG_FIELD_TEXT : f->type->kind == EG_FIELD_TAGS;
		const char *key = !named ? "vocabulary" : f->type->kind == EG_FIELD_TAGS ? "tags" : "classes";
		char second[160];
		if (eg_value_get(*facts, key)) { /* of several the field is told too */
			snprintf(second, sizeof second, "%s of %.120s", key, f->name);
			key = second;
		}
		if (!named) eg_value_put_int(*facts, key, f->type->count(f));
		eg_value *list = named ? eg_value_put_list(*facts, key) : NULL;
		for (int k = 0; list && k < eg_intake_names(f)->n; k++) eg_value_put_text(list, NULL, eg_intake_names(f)->at[k]);
	}
	eg_task_free(t);
	if (*facts && eg_value_whole(*facts)) return EG_OK;
	eg_value_free(*facts);
	*facts = NULL;
	return eg_fail(err, EG_ERR_MEMORY, "out of memory");
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

eg_status eg_generator_new(eg_model *m, const eg_generate_options *options, eg_generator **generator, eg_error *err) {
	static const eg_generate_options plain = {.temperature = 1};
	eg_task *t;
	*generator = NULL;
	eg_status status = eg_task_of_model(m, &t, err);
	if (status) return status;
	if (t->type->new_generator)
		return t->type->new_generator(
		        t, m, options ? options : &plain, generator, err); /* takes the task over */
	status = eg_fail(err, EG_ERR_ARG,
	        "a model of the task '%s' does not write text; it is for 'engram predict' (%s)", t->type->info.name,
	        t->type->info.doc);
	eg_task_free(t);
	return status;
}

/* ---- the schema of recipes --------------------------------------------------------------------------------------- */

enum { SCHEMA_SETS = 3 + EG_MAX_FIELDS };

/* The tables of a source with a task that can use it. */
static int sets_of(const eg_task_type *type, const eg_source_type *source, eg_key_set sets[SCHEMA_SETS]) {
	eg_kinds kinds = type->inputs | type->targets;
	int n = EG_SOURCE_KEY_SETS;
	bool fits = false;
	eg_source_type_key_sets(source, sets);
	sets[n++] = (eg_key_set){type->keys.keys, type->keys.n, NULL};
	for (int i = 0; i < source->info.nfields; i++) {
		const eg_field *f = &source->info.fields[i];
		const eg_intake_type *intake = eg_intake_of(f->kind);
		if (!intake || !(kinds >> f->kind & 1)) continue;
		fits = fits || type->inputs >> f->kind & 1;
		sets[n++] = (eg_key_set){intake->keys.keys, intake->keys.n, NULL};
	}
	return fits ? n : 0;
}

eg_status eg_schema_json(char **text, eg_error *err) {
	const char *names[EG_COUNT(types) + 1] = {0};
	int most = EG_COUNT(types) * eg_data_count(), n = 0;
	eg_arena arena = {0};
	eg_schema_variant *v = eg_arena_alloc(&arena, (size_t)most * sizeof *v);
	eg_key_set(*sets)[SCHEMA_SETS] = eg_arena_alloc(&arena, (size_t)most * sizeof *sets);
	bool ok = v && sets;
	*text = NULL;
	for (int i = 0; i < EG_COUNT(types) && ok; i++) {
		names[i] = types[i]->info.name;
		for (int k = 0; k < eg_data_count() && ok; k++) {
			const eg_source_type *source = eg_source_type_at(k);
			int count = sets_of(types[i], source, sets[n]);
			if (!count) continue;
			v[n] = (eg_schema_variant){
			        eg_arena_printf(&arena, "%s: %s", names[i], source->info.name), sets[n], count};
			ok = v[n++].title != NULL;
		}
	}
	const eg_variant *augment = ok ? eg_augment_variants(&arena) : NULL;
	eg_status status = augment ? eg_schema_make(names, v, n, augment, text, err)
	                      : eg_fail(err, EG_ERR_MEMORY, "out of memory for the schema");
	eg_arena_free(&arena);
	return status;
}

/* ---- where a key is ---------------------------------------------------------------------------------------------- */

enum { KEYS = 1024 };

typedef struct place {
	const char *name, *section, *variant; /* "beta1", "train.optimizer.", "adam" */
} place;

typedef struct places {
	place at[KEYS];
	int n;
} places;

/* Once, though several sources and tasks have it. */
static void add_place(places *p, const char *name, const char *section, const char *variant) {
	for (int i = 0; i < p->n; i++)
		if (strcmp(p->at[i].name, name) == 0 && strcmp(p->at[i].section, section) == 0 && p->at[i].variant == variant) return;
	assert(p->n < KEYS);
	if (p->n < KEYS) p->at[p->n++] = (place){name, section, variant};
}

static void add_keys(places *p, const eg_key *keys, int n, const char *section, const char *variant) {
	for (int i = 0; i < n; i++) add_place(p, keys[i].name, section, variant);
}

static void add_variants(places *p, const eg_variant *v, const char *section) {
	for (; v->name; v++) add_keys(p, v->keys, v->nkeys, section, v->name);
}

static void add_data(places *p) {
	eg_key_set sets[SCHEMA_SETS];
	for (int i = 0; i < EG_COUNT(types); i++)
		for (int k = 0; k < eg_data_count(); k++) {
			int n = sets_of(types[i], eg_source_type_at(k), sets);
			for (int j = 0; j < n; j++) add_keys(p, sets[j].keys, sets[j].n, "data.", NULL);
		}
}

static void add_losses(places *p) {
	const eg_op_info *op;
	for (int i = 0; (op = eg_loss_op(i)); i++)
		for (int k = 0; k < op->nattrs; k++) add_place(p, op->attrs[k].name, "train.loss.", op->name);
}

const char *eg_recipe_key_path(const char *word, bool near, char *buf, size_t size) {
	const char *names[KEYS];
	char plain[64];
	places *p = eg_calloc(NULL, 1, sizeof *p);
	if (!p || (size_t)snprintf(plain, sizeof plain, "%s", word) >= sizeof plain) return eg_release(NULL, p), NULL;
	for (char *c = plain; *c; c++)
		if (*c == '-') *c = '_';
	add_keys(p, eg_train_keys.keys, eg_train_keys.n, "train.", NULL);
	add_keys(p, eg_recipe_keys.keys, eg_recipe_keys.n, "", NULL);
	add_data(p);
	add_variants(p, eg_optimizer_variants, "train.optimizer.");
	add_variants(p, eg_schedule_variants, "train.schedule.");
	add_losses(p);
	for (int i = 0; i < p->n; i++) names[i] = p->at[i].name;
	const char *found = near ? eg_did_you_mean(plain, names, p->n) : plain;
	int i = 0;
	while (found && i < p->n && strcmp(p->at[i].name, found) != 0) i++;
	bool there = found && i < p->n;
	const place *at = &p->at[there ? i : 0];
	if (there) snprintf(buf, size, "%s%s%s%s", at->section, at->variant ? at->variant : "", at->variant ? "." : "", at->name);
	eg_release(NULL, p);
	return there ? buf : NULL;
}

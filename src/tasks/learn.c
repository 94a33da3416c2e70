/* learn.c - what a task knows before it trains: which records train and which validate, and what the intakes learn from
 * those that train.
 *
 * Not here: the parts as data sets (samples.c), how classes and groups are cut (src/data/split.c). */
#include "tasks/learn.h"
#include "data/split.h"
#include "tasks/intake_text.h"

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for the samples"); }

/* ---- which records ----------------------------------------------------------------------------------------------- */

void eg_cut_free(eg_cut *c) {
	eg_release(NULL, c->items);
	eg_release(NULL, c->labels);
	eg_release(NULL, c->groups);
	eg_arena_free(&c->arena);
}

/* Labels and groups of all training records, where they have some. */
static eg_status read_marks(const eg_task *t, eg_cut *c, int64_t count, eg_error *err) {
	const eg_intake *target = eg_task_target(t);
	int field = target && target->type->kind == EG_FIELD_LABEL ? target->field : -1;
	bool grouped = false;
	eg_record r = {0};
	c->labels = field >= 0 ? eg_calloc(NULL, (size_t)count, sizeof *c->labels) : NULL;
	c->groups = eg_calloc(NULL, (size_t)count, sizeof *c->groups);
	if ((field >= 0 && !c->labels) || !c->groups) return no_memory(err);
	for (int64_t i = 0; i < count; i++) {
		eg_status status = eg_source_read(t->source, EG_PART_TRAIN, i, field >= 0 ? 1u << field : 0, &r, err);
		if (!status && c->labels && r.fields[field].label < 0)
			status = eg_fail(err, EG_ERR_ARG, "%s: a record without a label cannot be trained on",
			        r.place ? r.place : r.id);
		if (!status && c->labels) c->labels[i] = r.fields[field].label;
		const char *group = r.group;
		if (!status && t->type->whole_classes && c->labels) group = eg_source_field(t->source, field)->names[c->labels[i]];
		if (!status && group && !(c->groups[i] = eg_arena_strdup(&c->arena, group)))
			status = no_memory(err);
		grouped = grouped || c->groups[i];
		if (status) {
			eg_record_free(&r);
			return status;
		}
	}
	eg_record_free(&r);
	if (!grouped) {
		eg_release(NULL, c->groups);
		c->groups = NULL;
	}
	return EG_OK;
}

/* The training records cut in two: as the source has it, as the share `validation` says, or one of k folds. */
static eg_status cut_records(const eg_task *t, const eg_samples_options *o, eg_cut *c, eg_error *err) {
	int64_t count = eg_source_count(t->source, EG_PART_TRAIN);
	bool own = o->folds < 1 && eg_source_count(t->source, EG_PART_VALIDATION) > 0;
	double share = own || o->folds > 0 ? 0 : t->source->validation;
	c->items = eg_calloc(NULL, (size_t)count + 1, 2 * sizeof *c->items);
	if (!c->items) return no_memory(err);
	c->second = c->items + count;
	if (o->folds < 1 && share <= 0) {
		for (c->n = 0; c->n < count; c->n++) c->items[c->n] = (uint32_t)c->n;
		return EG_OK;
	}
	eg_status status = read_marks(t, c, count, err);
	const eg_split_of s = {.count = count,
	        .labels = t->type->whole_classes ? NULL : c->labels, /* else of each class a share would be taken */
	        .groups = c->groups,
	        .seed = eg_recipe_train(t->recipe)->seed};
	if (!status && o->folds > 0)
		status = eg_split_fold(&s, o->fold, o->folds, c->items, &c->n, c->second, &c->nsecond, err);
	else if (!status)
		status = eg_split_records(&s, share, c->items, &c->n, c->second, &c->nsecond, err);
	if (!status && c->n == 0)
		status = eg_fail(err, EG_ERR_ARG, "of %lld %s none is left to train on; make 'validation' smaller",
		        (long long)count, t->many);
	return status;
}

eg_status eg_task_cut(const eg_task *t, uint32_t **items, int64_t *n, int64_t *nsecond, eg_error *err) {
	eg_cut c = {0};
	eg_status status = cut_records(t, &(eg_samples_options){0}, &c, err);
	*items = status ? NULL : c.items;
	*n = c.n, *nsecond = c.nsecond;
	if (!status) c.items = NULL;
	eg_cut_free(&c);
	return status;
}

/* ---- learning from them ------------------------------------------------------------------------------------------ */

/* Which intakes have to see records. */
static unsigned blind(const eg_task *t) {
	unsigned mask = 0;
	for (int i = 0; i < t->nintakes; i++)
		if (!t->intakes[i]->type->is_known(t->intakes[i]) && t->intakes[i]->type->look) mask |= 1u << i;
	return mask;
}

static unsigned fields_of(const eg_task *t, unsigned intakes) {
	unsigned mask = 0;
	for (int i = 0; i < t->nintakes; i++)
		if (intakes >> i & 1) mask |= 1u << t->intakes[i]->field;
	return mask;
}

eg_status eg_task_meet(eg_task *t, eg_error *err) {
	for (int i = 0; i < t->nintakes; i++) {
		eg_intake *f = t->intakes[i];
		const eg_field *field = eg_source_field(t->source, f->field);
		bool known = f->type->is_known(f);
		eg_status status = EG_OK;
		if (known && f->type->meet)
			status = f->type->meet(f, field, err);
		else if (!known && f->type->begin)
			status = f->type->begin(f, field, err);
		if (status && !known && f->type->kind == EG_FIELD_SOUND)
			eg_recipe_locate(t->recipe, eg_recipe_has(t->recipe, "data.sound") ? "data.sound" : "data", err);
		if (status) return status;
	}
	return EG_OK;
}

eg_status eg_task_look(eg_task *t, eg_part from, const uint32_t *items, int64_t n, eg_error *err) {
	unsigned intakes = blind(t), wanted = fields_of(t, intakes);
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int64_t k = 0; k < n && intakes && !status; k++) {
		status = eg_source_read(t->source, from, items ? items[k] : k, wanted, &r, err);
		for (int i = 0; i < t->nintakes && !status; i++) {
			eg_intake *f = t->intakes[i];
			if (intakes >> i & 1 && r.fields[f->field].there)
				status = f->type->look(f, &r.fields[f->field], &r, err);
		}
	}
	eg_record_free(&r);
	for (int i = 0; i < t->nintakes && !status; i++)
		if (intakes >> i & 1) {
			status = t->intakes[i]->type->looked(t->intakes[i], err);
			if (status && t->intakes[i]->type->kind == EG_FIELD_PICTURE)
				eg_recipe_locate(t->recipe, "data", err);
		}
	return status;
}

void eg_task_tell_size(eg_task *t) {
	for (int i = 0; i < t->ninputs; i++) {
		const eg_dims *d = &t->intakes[i]->sample;
		if (t->intakes[i]->type->kind != EG_FIELD_PICTURE || d->rank < 2) continue;
		int H = (int)d->d[d->rank - 2], W = (int)d->d[d->rank - 1], C = d->rank == 3 ? (int)d->d[0] : 1;
		if (H > 0 && W > 0 && C > 0) eg_source_want_picture(t->source, C, H, W);
		return;
	}
}

static eg_status prepare_training(eg_task *t, eg_error *err) {
	eg_task_tell_size(t);
	eg_status status = eg_source_prepare(t->source, EG_PART_TRAIN, err);
	if (!status) status = eg_source_prepare(t->source, EG_PART_VALIDATION, err);
	if (!status && eg_source_count(t->source, EG_PART_TRAIN) < 1)
		status = eg_fail(err, EG_ERR_ARG, "the data set '%s' is empty", eg_source_info(t->source)->name);
	return status;
}

unsigned eg_task_also(const eg_task *t) { return t->type->also ? t->type->also(t) : 0; }

eg_status eg_task_leave_out(const eg_task *t, eg_part from, uint32_t *items, int64_t *n, char first[EG_SAMPLES_NAME], eg_error *err) {
	const unsigned looked_at = (1u << eg_task_target(t)->field) | eg_task_also(t);
	int64_t kept = 0;
	bool out = false;
	eg_record r = {0};
	eg_status status = t->type->leaves_out(t, NULL, &out, err);
	for (int64_t i = 0; i < *n && !status; i++) {
		status = eg_source_read(t->source, from, items[i], looked_at, &r, err);
		if (!status) status = t->type->leaves_out(t, &r, &out, err);
		if (!status && out && !first[0]) snprintf(first, EG_SAMPLES_NAME, "%s", r.place ? r.place : r.id ? r.id : "");
		if (!status && !out) items[kept++] = items[i];
	}
	eg_record_free(&r);
	*n = kept;
	return status;
}

bool eg_task_leaves_out(const eg_task *t, const eg_samples_options *o) {
	return t->type->leaves_out && t->type->leaves_some_out(t) && !o->all;
}

static eg_status none_is_left(const eg_task *t, int64_t all, eg_error *err) {
	const bool spelled = eg_task_target(t) && eg_task_target(t)->type == &eg_intake_spelled_type;
	eg_fail(err, EG_ERR_ARG, "of %lld %s %s", (long long)all, t->many,
		spelled ? "none has as many steps as its transcript needs: make data.sound.hop smaller" : "all are left out of training");
	eg_recipe_locate(t->recipe, "data", err);
	return EG_ERR_ARG;
}

/* What is measured, is measured on the records to train on. */
eg_status eg_task_learn(eg_task *t, const eg_samples_options *o, eg_cut *c, eg_error *err) {
	eg_status status = prepare_training(t, err);
	if (!status) status = eg_source_learn_names(t->source, err);
	if (!status) status = eg_task_meet(t, err);
	if (!status) status = cut_records(t, o, c, err);
	if (!status && eg_task_leaves_out(t, o)) {
		const int64_t all = c->n;
		status = eg_task_leave_out(t, EG_PART_TRAIN, c->items, &c->n, c->first_out, err);
		c->left_out = all - c->n;
		if (!status && c->n == 0) status = none_is_left(t, all, err);
		if (!status) status = eg_task_leave_out(t, EG_PART_TRAIN, c->second, &c->nsecond, c->first_out, err);
	}
	if (!status) status = eg_task_look(t, EG_PART_TRAIN, c->items, c->n, err);
	return status;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

eg_status eg_task_sizes(eg_task *t, const eg_size **sizes, eg_error *err) {
	bool missing = false;
	eg_cut c = {0};
	eg_status status = EG_OK;
	if (t->type->measure) {
		status = t->type->measure(t, err);
	} else {
		for (int i = 0; i < t->nintakes; i++)
			missing |= t->intakes[i]->type->count && !t->intakes[i]->type->is_known(t->intakes[i]);
		bool names = missing; /* names alone are known without the records */
		for (int i = 0; i < t->nintakes; i++)
			if (t->intakes[i]->type->count && t->intakes[i]->type->look) names = false;
		if (names) status = eg_source_learn_names(t->source, err);
		for (int i = 0; i < t->nintakes && names && !status; i++)
			if (t->intakes[i]->type->count)
				status = t->intakes[i]->type->begin(
				        t->intakes[i], eg_source_field(t->source, t->intakes[i]->field), err);
		if (missing && !names) status = eg_task_learn(t, &(eg_samples_options){0}, &c, err);
	}
	eg_cut_free(&c);
	if (status) return status;
	eg_task_count_words(t);
	*sizes = t->sizes;
	return EG_OK;
}

eg_status eg_task_sizes_guess(eg_task *t, int each, const eg_size **sizes, eg_error *err) {
	if (each < 1) return eg_fail(err, EG_ERR_ARG, "a size of %d", each);
	eg_task_count_words(t);
	eg_size *s = t->sizes;
	for (; s->name; s++) s->size = each;
	s->size = 1; /* of the end: see engram_task.h */
	*sizes = t->sizes;
	return EG_OK;
}

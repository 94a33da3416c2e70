/* samples.c - the records of a source as samples for the training loop: which of them train and which judge, what the
 * intakes learn from those that train, and batches of them. */
#include "tasks/samples.h"
#include "data/split.h"
#include "tasks/intake_text.h"

#include <math.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for the samples"); }

/* ---- sizes of records -------------------------------------------------------------------------------------------- */

int eg_task_words(const eg_task *t, const char *words[EG_MAX_DIMS + 1]) {
	int n = 0;
	for (int i = 0; i < t->ninputs; i++)
		for (int k = 0; k < t->intakes[i]->sample.rank; k++) {
			int64_t d = t->intakes[i]->sample.d[k];
			const char *word = d < 0 && d != EG_T ? eg_recipe_word(t->recipe, d) : NULL;
			if (!word) continue;
			bool there = false;
			for (int j = 0; j < n; j++) there |= strcmp(words[j], word) == 0;
			if (!there && n < EG_MAX_DIMS) words[n++] = word;
		}
	for (int i = t->ninputs; i < t->nintakes; i++)
		if (t->intakes[i]->type->row && n < EG_MAX_DIMS) words[n++] = t->intakes[i]->type->row;
	words[n] = NULL;
	return n;
}

eg_status eg_task_extents(const eg_task *t, int nintakes, const eg_record *r, const eg_datum *data, int *time,
	int *sizes, eg_error *err) {
	const char *words[EG_MAX_DIMS + 1];
	int n = eg_task_words(t, words);
	*time = 0;
	for (int j = 0; j < n; j++) sizes[j] = 0;
	for (int i = 0; i < t->ninputs && i < nintakes; i++) {
		const eg_intake *f = t->intakes[i];
		for (int k = 0; k < f->sample.rank; k++) {
			const int64_t open = f->sample.d[k];
			int size = 0, *to = time;
			if (open >= 0 || !f->type->extent) continue;
			eg_status status = f->type->extent(f, &data[i], r, k, &size, err);
			if (status) return status;
			if (open != EG_T) {
				const char *word = eg_recipe_word(t->recipe, open);
				int j = 0;
				while (j < n && strcmp(words[j], word) != 0) j++;
				if (j >= n) continue;
				to = &sizes[j];
			}
			if (size > *to) *to = size;
		}
	}
	for (int i = t->ninputs; i < nintakes; i++) { /* of targets: the words are the last ones */
		const eg_intake *f = t->intakes[i];
		if (!f->type->row) continue;
		eg_status status = f->type->extent(f, &data[i], r, 0, &sizes[n - 1], err);
		if (status) return status;
	}
	return EG_OK;
}

/* ---- learning from the training records -------------------------------------------------------------------------- */

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

/* What is known of a source's field, for the intake: its own names, or those that the intake knows. */
static eg_status meet(eg_task *t, eg_error *err) {
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

/* ---- which records ----------------------------------------------------------------------------------------------- */

typedef struct cut {
	uint32_t *items, *second;
	int64_t n, nsecond, left_out;
	char first_out[EG_SAMPLES_NAME]; /* of those left out */
	int32_t *labels;
	const char **groups;
	eg_arena arena;
} cut;

static void free_cut(cut *c) {
	eg_release(NULL, c->items);
	eg_release(NULL, c->labels);
	eg_release(NULL, c->groups);
	eg_arena_free(&c->arena);
}

/* Labels and groups of all training records, where they have some. */
static eg_status read_marks(const eg_task *t, cut *c, int64_t count, eg_error *err) {
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
static eg_status cut_records(const eg_task *t, const eg_samples_options *o, cut *c, eg_error *err) {
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
	cut c = {0};
	eg_status status = cut_records(t, &(eg_samples_options){0}, &c, err);
	*items = status ? NULL : c.items;
	*n = c.n, *nsecond = c.nsecond;
	if (!status) c.items = NULL;
	free_cut(&c);
	return status;
}

/* A picture's size, where the network says it, so that files are brought to it once. */
static void tell_size(eg_task *t) {
	for (int i = 0; i < t->ninputs; i++) {
		const eg_dims *d = &t->intakes[i]->sample;
		if (t->intakes[i]->type->kind != EG_FIELD_PICTURE || d->rank < 2) continue;
		int H = (int)d->d[d->rank - 2], W = (int)d->d[d->rank - 1], C = d->rank == 3 ? (int)d->d[0] : 1;
		if (H > 0 && W > 0 && C > 0) eg_source_want_picture(t->source, C, H, W);
		return;
	}
}

static eg_status prepare_training(eg_task *t, eg_error *err) {
	tell_size(t);
	eg_status status = eg_source_prepare(t->source, EG_PART_TRAIN, err);
	if (!status) status = eg_source_prepare(t->source, EG_PART_VALIDATION, err);
	if (!status && eg_source_count(t->source, EG_PART_TRAIN) < 1)
		status = eg_fail(err, EG_ERR_ARG, "the data set '%s' is empty", eg_source_info(t->source)->name);
	return status;
}

static unsigned also(const eg_task *t) { return t->type->also ? t->type->also(t) : 0; }

/* Takes out of n items of a part of the source what the task leaves out of training; `first` is the name of one of
 * them, if it has none yet. */
static eg_status leave_out(const eg_task *t, eg_part from, uint32_t *items, int64_t *n, char first[EG_SAMPLES_NAME], eg_error *err) {
	const unsigned looked_at = (1u << eg_task_target(t)->field) | also(t);
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

static bool leaves_out(const eg_task *t, const eg_samples_options *o) {
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
static eg_status learn(eg_task *t, const eg_samples_options *o, cut *c, eg_error *err) {
	eg_status status = prepare_training(t, err);
	if (!status) status = eg_source_learn_names(t->source, err);
	if (!status) status = meet(t, err);
	if (!status) status = cut_records(t, o, c, err);
	if (!status && leaves_out(t, o)) {
		const int64_t all = c->n;
		status = leave_out(t, EG_PART_TRAIN, c->items, &c->n, c->first_out, err);
		c->left_out = all - c->n;
		if (!status && c->n == 0) status = none_is_left(t, all, err);
		if (!status) status = leave_out(t, EG_PART_TRAIN, c->second, &c->nsecond, c->first_out, err);
	}
	if (!status) status = eg_task_look(t, EG_PART_TRAIN, c->items, c->n, err);
	return status;
}

eg_status eg_task_sizes(eg_task *t, const eg_size **sizes, eg_error *err) {
	bool missing = false;
	cut c = {0};
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
		if (missing && !names) status = learn(t, &(eg_samples_options){0}, &c, err);
	}
	free_cut(&c);
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

/* ---- a part as a data set ---------------------------------------------------------------------------------------- */

const eg_record *eg_samples_record(const eg_samples *s, const eg_fill *f, int i) {
	const eg_samples_room *room = f->room ? f->room : &s->room;
	return i < room->n ? &room->records[i] : NULL;
}

static eg_status room_new(void *user, void **room, eg_error *err) {
	EG_UNUSED(user);
	*room = eg_calloc(NULL, 1, sizeof(eg_samples_room));
	return *room ? EG_OK : no_memory(err);
}

void eg_samples_empty_room(eg_samples_room *room) {
	for (int i = 0; i < room->n; i++) eg_record_free(&room->records[i]);
	for (int i = 0; i < room->nothers; i++) {
		eg_record_free(room->others[i]);
		eg_release(NULL, room->others[i]);
	}
	eg_release(NULL, room->records);
	eg_release(NULL, room->data_of);
}

static void room_free(void *user, void *room) {
	EG_UNUSED(user);
	eg_samples_empty_room(room);
	eg_release(NULL, room);
}

static eg_status make_room(eg_samples_room *room, int n, int nintakes, eg_error *err) {
	if (n <= room->n) return EG_OK;
	eg_record *records = eg_calloc(NULL, (size_t)n, sizeof *records);
	const eg_datum **data = eg_calloc(NULL, (size_t)n * (size_t)nintakes, sizeof *data);
	if (!records || !data) {
		eg_release(NULL, records);
		eg_release(NULL, data);
		return no_memory(err);
	}
	if (room->n) memcpy(records, room->records, (size_t)room->n * sizeof *records);
	eg_release(NULL, room->records);
	eg_release(NULL, room->data_of);
	room->records = records, room->data_of = data, room->n = n;
	return EG_OK;
}

/* Which word of the inputs an open size of the graph is, as WORD_0 - number; what a network makes of a height has the
 * height's name with primes behind it, and is as large in a network that keeps the size. */
enum { WORD_0 = -16 };
static int64_t bind_size(const eg_graph *g, int64_t d, const char *const *words) {
	const char *name = eg_open_name(g, d);
	if (d >= 0 || d == EG_N || d == EG_T) return d;
	for (int i = 0; name && words[i]; i++) {
		size_t n = strlen(words[i]);
		if (strncmp(name, words[i], n) == 0 && name[n + strspn(name + n, "'")] == '\0') return WORD_0 - i;
	}
	return 0;
}

static void name_stretched(eg_task *t, bool lengths) {
	for (int i = 0; i < t->nintakes; i++) t->stretched[i] = t->intakes[i]->input;
	t->stretched[t->nintakes] = lengths ? "lengths" : NULL;
	t->stretched[t->nintakes + 1] = NULL;
}

eg_status eg_task_bind(eg_task *t, eg_graph *g, eg_error *err) {
	const char *words[EG_MAX_DIMS + 1];
	char text[128];
	eg_task_words(t, words);
	name_stretched(t, eg_graph_find(g, "lengths").id != 0);
	for (int i = 0; i < t->nintakes; i++) {
		eg_intake *f = t->intakes[i];
		eg_tensor x = eg_graph_find(g, f->input);
		eg_dims d = eg_tensor_dims(g, x);
		if (!x.id) return eg_fail(err, EG_ERR_ARG, "the network has no input '%s'", f->input);
		f->shape.rank = d.rank;
		for (int k = 0; k < d.rank; k++) {
			f->shape.d[k] = bind_size(g, d.d[k], words);
			if (f->shape.d[k] == 0)
				return eg_fail(err, EG_ERR_SHAPE,
				        "'%s' has the shape %s, of which the data does not say every size", f->input,
				        eg_shape_text(g, d, text, sizeof text));
		}
	}
	return EG_OK;
}

/* The sizes of an input in a batch. */
eg_dims eg_intake_dims(const eg_intake *f, int n, int time, const int *sizes) {
	eg_dims d = f->shape;
	for (int k = 0; k < d.rank; k++)
		d.d[k] = d.d[k] == EG_N     ? n
		         : d.d[k] == EG_T   ? time
		         : d.d[k] <= WORD_0 ? sizes[WORD_0 - d.d[k]]
		                            : d.d[k];
	return d;
}

eg_dims eg_samples_dims(const eg_samples *s, int i, int n, int time, const int *sizes) {
	if (!s->task->type->load && i == s->task->nintakes) return (eg_dims){1, {n}};
	if (!s->task->type->load) return eg_intake_dims(s->task->intakes[i], n, time, sizes);
	return (eg_dims){2, {time, n}}; /* it makes its own: ids, step by step */
}

eg_status eg_intakes_fill(const eg_task *t, int nintakes, eg_record *records, const int *which,
	const eg_datum *const *data, int n, int time, const eg_dims *dims, void *const *slots, eg_error *err) {
	for (int i = 0; i < nintakes; i++) {
		const eg_intake_fill a = {.data = data + (ptrdiff_t)i * n,
		        .records = records,
		        .which = which,
		        .n = n,
		        .time = time,
		        .dims = dims[i],
		        .slot = slots[i]};
		eg_status status = t->intakes[i]->type->fill(t->intakes[i], &a, err);
		if (status) return status;
	}
	return EG_OK;
}

/* Covers the lower part of the record's pictures, as large as the network sees them. */
static eg_status hide(const eg_samples *s, eg_record *r, eg_error *err) {
	eg_status status = eg_samples_fit(s->task, r, err);
	for (int k = 0; k < s->task->ninputs && !status; k++) {
		eg_datum *d = &r->fields[s->task->intakes[k]->field];
		if (s->task->intakes[k]->type->kind == EG_FIELD_PICTURE && d->there)
			status = eg_hide_lowest(s->options.hidden, r, &d->picture, err);
	}
	return status;
}

/* Steps of records as augmentations have left them. */
static eg_status fill_lengths(const eg_task *t, const eg_samples_room *room, const eg_fill *f, int32_t *out, eg_error *err) {
	eg_datum data[EG_TASK_INTAKES];
	int sizes[EG_MAX_DIMS + 1];
	eg_status status = EG_OK;
	for (int i = 0; i < f->n && !status; i++) {
		for (int k = 0; k < t->ninputs; k++) data[k] = *room->data_of[(ptrdiff_t)k * f->n + i];
		int time = 0;
		status = eg_task_extents(t, t->ninputs, &room->records[i], data, &time, sizes, err);
		out[i] = time < 1 ? 1 : time < f->time ? time : f->time;
	}
	return status;
}

static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	eg_sample_part *p = user;
	eg_samples *s = (eg_samples *)p->samples;
	const eg_task *t = s->task;
	eg_dims dims[EG_TASK_INTAKES];
	if (t->intakes[0]->shape.rank == 0)
		return eg_fail(err, EG_ERR_ARG, "the samples have not met the network: call eg_task_suits before");
	eg_samples_room *room = f->room ? f->room : &s->room;
	eg_status status = make_room(room, f->n, t->nintakes, err);
	for (int i = 0; i < f->n && !status; i++) {
		int64_t item = p->items ? p->items[f->items[i]] : f->items[i];
		status = eg_source_read(t->source, p->from, item, s->wanted | s->also, &room->records[i], err);
		if (!status) status = eg_samples_augment(p, room, f->items[i], f->seed, f->epoch, &room->records[i], err);
		if (!status && p->dataset.views > 1) status = eg_views_apply(t, f->view, &room->records[i], err);
		if (!status && s->options.hidden > 0) status = hide(s, &room->records[i], err);
		for (int k = 0; k < t->nintakes && !status; k++)
			room->data_of[(ptrdiff_t)k * f->n + i] = &room->records[i].fields[t->intakes[k]->field];
	}
	if (!status && p->longest > 1 && t->stretched[t->nintakes]) status = fill_lengths(t, room, f, slots[t->nintakes], err);
	if (status) return status;
	for (int k = 0; k < t->nintakes; k++) dims[k] = eg_intake_dims(t->intakes[k], f->n, f->time, f->sizes);
	return eg_intakes_fill(t, t->nintakes, room->records, NULL, room->data_of, f->n, f->time, dims, slots, err);
}

static int time_of(void *user, uint32_t item) { return ((const eg_sample_part *)user)->times[item]; }
static double weight_of(void *user, uint32_t item) { return ((const eg_sample_part *)user)->weights[item]; }
static int size_of(void *user, uint32_t item, int dim) {
	const eg_sample_part *p = user;
	int n = 0;
	while (p->dataset.dims[n]) n++;
	return p->sizes[(ptrdiff_t)item * n + dim];
}

/* Does the loss average over steps, so that a sample weighs as many as it has? */
static bool counts_steps(const eg_task *t) {
	const eg_intake *target = eg_task_target(t);
	return target && (target->type->kind == EG_FIELD_TAGS || target->type->kind == EG_FIELD_TEXT) && target->pad != -1;
}

/* A text weighs as many steps as are predicted. */
static eg_status weigh_text(const eg_intake *f, const eg_record *r, int time, double *weight, eg_error *err) {
	int unlearnt;
	eg_status status = eg_turns_unlearnt(f, r, &unlearnt, err);
	*weight = time - unlearnt;
	return status;
}

/* Augmentations of the training part: how many times as long they make a record at most. */
static double longest_of(const eg_samples *s, eg_part part) {
	double longest = 1;
	for (int i = 0; i < s->task->naugments && part == EG_PART_TRAIN && !s->options.model; i++) {
		const eg_augment_entry *a = &s->task->augments[i];
		if (a->type->longest) longest *= a->type->longest(a->options);
	}
	return longest;
}

/* Steps and other sizes of every sample, where they differ; where augmentations change them, the most there will be. */
static eg_status survey(eg_samples *s, eg_sample_part *p, int ndims, bool sequence, eg_error *err) {
	const eg_task *t = s->task;
	eg_record r = {0};
	eg_datum data[EG_TASK_INTAKES];
	int64_t count = p->dataset.count;
	int sizes[EG_MAX_DIMS + 1], most = 1;
	bool weighs = counts_steps(t);
	p->times = sequence ? eg_calloc(NULL, (size_t)count + 1, sizeof *p->times) : NULL;
	p->sizes = ndims ? eg_calloc(NULL, ((size_t)count + 1) * (size_t)ndims, sizeof *p->sizes) : NULL;
	p->weights = weighs ? eg_calloc(NULL, (size_t)count + 1, sizeof *p->weights) : NULL;
	if ((sequence && !p->times) || (ndims && !p->sizes) || (weighs && !p->weights)) return no_memory(err);
	eg_status status = EG_OK;
	for (int64_t i = 0; i < count && !status; i++) {
		int time = 0;
		status = eg_source_read(t->source, p->from, p->items ? p->items[i] : i, s->wanted, &r, err);
		for (int k = 0; k < t->nintakes && !status; k++) data[k] = r.fields[t->intakes[k]->field];
		if (!status) status = eg_task_extents(t, t->nintakes, &r, data, &time, sizes, err);
		if (status) break;
		if (time < 1) time = 1; /* an empty sequence is one step of padding */
		if (p->longest > 1) time = (int)fmin(ceil(time * p->longest) + 1, INT32_MAX / 2);
		if (sequence) p->times[i] = time;
		if (time > most) most = time;
		for (int j = 0; j < ndims; j++) {
			int size = sizes[j] > 0 ? sizes[j] : 1;
			p->sizes[i * ndims + j] = size;
			if (size > p->most[j]) p->most[j] = size;
		}
		for (int k = t->ninputs; k < t->nintakes && weighs && !status; k++) {
			if (!data[k].there) continue;
			if (t->intakes[k]->type->kind == EG_FIELD_TAGS) p->weights[i] = data[k].tags.n;
			if (t->intakes[k]->type->kind == EG_FIELD_TEXT) status = weigh_text(t->intakes[k], &r, time, &p->weights[i], err);
		}
	}
	eg_record_free(&r);
	if (sequence) p->dataset.time = most;
	return status;
}

static eg_status add_part(eg_samples *s, eg_part part, eg_part from, const uint32_t *items, int64_t n, eg_error *err) {
	eg_task *t = s->task;
	eg_sample_part *p = &s->parts[part];
	bool sequence = false, same = true;
	int ndims = eg_task_words(t, s->dims);
	if (n < 1) return EG_OK;
	p->samples = s, p->from = from, p->units = n;
	if (items) {
		p->items = eg_calloc(NULL, (size_t)n, sizeof *items);
		if (!p->items) return no_memory(err);
		memcpy(p->items, items, (size_t)n * sizeof *items);
	}
	p->dataset = (eg_dataset){.user = p,
	        .count = n,
	        .inputs = s->inputs,
	        .fill = fill,
	        .parallel = true,
	        .room_new = room_new,
	        .room_free = room_free};
	if (s->options.model || eg_views_always(t)) eg_views_set(t, &p->dataset); /* an evaluation, or what validates */
	p->longest = longest_of(s, part);
	if (p->longest > 1) name_stretched(t, false), p->dataset.inputs = t->stretched;
	for (int i = 0; i < t->ninputs; i++) {
		const eg_field *field = eg_source_field(t->source, t->intakes[i]->field);
		for (int k = 0; k < t->intakes[i]->sample.rank; k++)
			if (t->intakes[i]->sample.d[k] == EG_T) {
				sequence = true;
				same = same && field->steps > 0;
				p->dataset.time = field->steps + t->intakes[i]->delay;
			}
	}
	if (ndims) p->dataset.dims = s->dims, p->dataset.size_of = size_of, p->dataset.most = p->most;
	if (ndims || (sequence && !same)) {
		eg_status status = survey(s, p, ndims, sequence && !same, err);
		if (status) return status;
		if (p->times) p->dataset.time_of = time_of;
		if (p->weights) p->dataset.weight = weight_of;
	}
	s->data[part] = &p->dataset;
	return EG_OK;
}

/* A part of the source, of n records, without what is left out. */
static eg_status add_rest(eg_samples *s, eg_part part, int64_t n, eg_error *err) {
	uint32_t *items = eg_calloc(NULL, (size_t)n + 1, sizeof *items);
	for (int64_t i = 0; i < n && items; i++) items[i] = (uint32_t)i;
	eg_status status = items ? leave_out(s->task, part, items, &n, s->first_out, err) : no_memory(err);
	if (!status && n > 0) status = add_part(s, part, part, items, n, err);
	eg_release(NULL, items);
	return status;
}

static eg_status load_training(eg_samples *s, eg_error *err) {
	eg_task *t = s->task;
	cut c = {0};
	eg_status status = learn(t, &s->options, &c, err);
	s->left_out = c.left_out;
	memcpy(s->first_out, c.first_out, sizeof s->first_out);
	if (!status) status = add_part(s, EG_PART_TRAIN, EG_PART_TRAIN, c.items, c.n, err);
	if (!status && c.nsecond > 0) status = add_part(s, EG_PART_VALIDATION, EG_PART_TRAIN, c.second, c.nsecond, err);
	int64_t own = eg_source_count(t->source, EG_PART_VALIDATION);
	if (!status && s->options.folds < 1 && own > 0)
		status = leaves_out(t, &s->options) ? add_rest(s, EG_PART_VALIDATION, own, err)
				       : add_part(s, EG_PART_VALIDATION, EG_PART_VALIDATION, NULL, own, err);
	free_cut(&c);
	return status;
}

static eg_status load_test(eg_samples *s, eg_error *err) {
	eg_task *t = s->task;
	cut c = {0};
	const char *name = eg_source_info(t->source)->name;
	eg_status status = EG_OK;
	bool known = true;
	for (int i = 0; i < t->nintakes; i++) known = known && t->intakes[i]->type->is_known(t->intakes[i]);
	if (!known) status = learn(t, &s->options, &c, err); /* test records are never measured themselves */
	free_cut(&c);
	tell_size(t);
	if (!status) status = eg_source_prepare(t->source, EG_PART_TEST, err);
	if (!status) status = meet(t, err);
	int64_t n = status ? 0 : eg_source_count(t->source, EG_PART_TEST);
	if (!status && n < 1) {
		const char *why = eg_source_remark(t->source, EG_PART_TEST);
		return eg_fail(err, EG_ERR_ARG,
		        "the data '%s' has no test %s%s%s; make it a test part, or judge by those that were kept aside in training (--split validation)",
		        name, t->many, why ? ": " : "", why ? why : "");
	}
	return status ? status : add_part(s, EG_PART_TEST, EG_PART_TEST, NULL, n, err);
}

static void list_inputs(eg_samples *s) {
	const eg_task *t = s->task;
	for (int i = 0; i < t->nintakes; i++) {
		s->inputs[i] = t->intakes[i]->input;
		s->wanted |= 1u << t->intakes[i]->field;
	}
	const int references = t->type->writes ? eg_source_find_field(t->source, EG_REFERENCES) : -1;
	s->also = also(t);
	if (references >= 0) s->also |= 1u << references;
}

static bool settles(const eg_task *t) { return t->type->settle && (!t->type->settles || t->type->settles(t)); }

static eg_status can_settle(const eg_samples *s, eg_error *err) {
	const eg_task *t = s->task;
	if (!t->type->can_settle || !settles(t)) return EG_OK;
	return t->type->can_settle(t, s->options.folds > 1, s->data[EG_PART_VALIDATION] != NULL, err);
}

eg_status eg_samples_settle(eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	eg_task *t = s->task;
	if (!settles(t)) return EG_OK;
	eg_status status = t->type->settle(t, s, g, p, err);
	if (!status) t->type->save(t, s->kept);
	return status ? status : eg_value_whole(s->kept) ? EG_OK : no_memory(err);
}

static eg_status load(eg_samples *s, eg_error *err) {
	eg_task *t = s->task;
	eg_status status = s->options.views ? eg_views_choose(t, s->options.views, err) : EG_OK;
	if (!status && s->options.model) status = eg_task_restore(t, eg_model_task(s->options.model), err);
	if (status) return status;
	list_inputs(s);
	if (t->type->load)
		status = t->type->load(t, s, err);
	else
		status = s->options.part == EG_PART_TEST ? load_test(s, err) : load_training(s, err);
	if (!status && !s->options.model && s->options.part != EG_PART_TEST && !s->data[EG_PART_VALIDATION])
		status = eg_task_no_validation(t, err);
	if (!status && !s->options.model && s->options.part != EG_PART_TEST) status = can_settle(s, err);
	if (status) return status;
	eg_task_count_words(t);
	s->kept = eg_value_new(EG_VALUE_MAP);
	if (!s->kept) return no_memory(err);
	eg_task_save(t, s->kept);
	status = eg_samples_weigh(s, err);
	if (status) return status;
	return eg_value_whole(s->kept) ? EG_OK : no_memory(err);
}

eg_status eg_samples_load(eg_task *t, const eg_samples_options *options, eg_samples **samples, eg_error *err) {
	*samples = NULL;
	eg_samples *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return no_memory(err);
	s->task = t;
	s->options = *options;
	eg_status status = load(s, err);
	if (status)
		eg_samples_free(s);
	else
		*samples = s;
	return status;
}

void eg_samples_free(eg_samples *s) {
	if (!s) return;
	if (s->task->type->unload) s->task->type->unload(s);
	for (int i = 0; i < EG_PARTS; i++) {
		eg_release(NULL, s->parts[i].items);
		eg_release(NULL, s->parts[i].times);
		eg_release(NULL, s->parts[i].sizes);
		eg_release(NULL, s->parts[i].weights);
	}
	eg_samples_empty_room(&s->room);
	eg_value_free(s->kept);
	eg_release(NULL, s);
}

const eg_dataset *eg_samples_get(const eg_samples *s, eg_part part) { return s->data[part]; }
int64_t eg_samples_count(const eg_samples *s, eg_part part) { return s->data[part] ? s->data[part]->count : 0; }
int64_t eg_samples_units(const eg_samples *s, eg_part part) { return s->data[part] ? s->parts[part].units : 0; }
const eg_size *eg_samples_sizes(const eg_samples *s) { return s->task->sizes; }
const eg_value *eg_samples_kept(const eg_samples *s) { return s->kept; }

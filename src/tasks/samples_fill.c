/* samples_fill.c - records of a source as batches: the sizes of a batch, and what the intakes make of its records.
 *
 * Not here: which records (learn.c), what a field becomes (intake_*.c). */
#include "tasks/samples.h"

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

/* ---- the network's inputs ---------------------------------------------------------------------------------------- */

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

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

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

eg_dataset eg_samples_dataset(eg_sample_part *p, int64_t count) {
	eg_task *t = p->samples->task;
	if (p->longest > 1) name_stretched(t, false);
	return (eg_dataset){.user = p,
	        .count = count,
	        .inputs = p->longest > 1 ? t->stretched : (const char *const *)p->samples->inputs,
	        .fill = fill,
	        .parallel = true,
	        .room_new = room_new,
	        .room_free = room_free};
}

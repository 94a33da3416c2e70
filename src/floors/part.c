/* part.c - samples as floors see them: batches filled by the task's own data set, without a network behind it. */
#include "floors/floors.h"

#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a floor's samples"); }

/* ---- batches ----------------------------------------------------------------------------------------------------- */

static size_t bytes_of(const eg_floor_batch *b, int i) {
	const eg_graph *g = b->part->graph;
	eg_dims d = eg_samples_dims(b->part->samples, i, b->n, b->time, b->sizes);
	return eg_dtype_size(eg_tensor_dtype(g, eg_graph_find(g, b->part->data->inputs[i]))) * (size_t)eg_dims_count(&d, 0);
}

static eg_status make_room(eg_floor_batch *b, eg_error *err) {
	for (int i = 0; b->part->data->inputs[i]; i++) {
		size_t bytes = bytes_of(b, i);
		if (bytes <= b->room[i]) continue;
		eg_block_free(NULL, b->slots[i]);
		b->slots[i] = eg_block_new(NULL, bytes);
		b->room[i] = b->slots[i] ? bytes : 0;
		if (!b->slots[i]) return no_memory(err);
	}
	return EG_OK;
}

/* Where augmentations may make a record longer, it comes with room for that, which is empty here: nothing is
 * augmented. */
static void cut_empty(eg_floor_batch *b) {
	const char *const *inputs = b->part->data->inputs;
	for (int i = 0; inputs[i]; i++) {
		const int length = strcmp(inputs[i], "lengths") == 0 ? ((const int32_t *)b->slots[i])[0] : b->time;
		if (b->n == 1 && length > 0 && length < b->time) b->time = b->fill.time = length;
	}
}

eg_status eg_floor_next(eg_floor_batch *b, int most, eg_error *err) {
	const eg_dataset *d = b->part->data;
	bool one = d->time > 0 || d->size_of; /* a sequence is a row of numbers by itself */
	if (!b->items && !(b->items = eg_calloc(NULL, EG_FLOOR_BATCH, sizeof *b->items))) return no_memory(err);
	b->first += b->n;
	int64_t left = b->part->count - b->first;
	if (most > EG_FLOOR_BATCH) most = EG_FLOOR_BATCH;
	b->n = left < 1 ? 0 : one ? 1 : left < most ? (int)left : most;
	if (b->n == 0) return EG_OK;
	for (int i = 0; i < b->n; i++)
		b->items[i] = b->part->items ? b->part->items[b->first + i] : (uint32_t)(b->first + i);
	b->time = d->time_of ? d->time_of(d->user, b->items[0]) : d->time;
	for (int k = 0; d->dims && d->dims[k]; k++)
		b->sizes[k] = d->size_of ? d->size_of(d->user, b->items[0], k) : d->most[k];
	eg_status status = make_room(b, err);
	b->fill = (eg_fill){.items = b->items, .n = b->n, .time = b->time, .sizes = b->sizes, .epoch = -1};
	b->run = (eg_batch_run){.data = d, .fill = &b->fill, .slots = b->slots};
	if (!status) status = d->fill(d->user, &b->fill, b->slots, err);
	if (!status) cut_empty(b);
	return status;
}

int eg_floor_step(const eg_floor_batch *b) {
	const eg_dims *d = &b->part->samples->task->intakes[0]->sample;
	return d->rank > 1 ? (int)d->d[1] : 1;
}

void eg_floor_batch_free(eg_floor_batch *b) {
	for (int i = 0; i < EG_COUNT(b->slots); i++) eg_block_free(NULL, b->slots[i]);
	eg_release(NULL, b->items);
}

/* ---- numbers and classes ----------------------------------------------------------------------------------------- */

int64_t eg_floor_width(const eg_floor *f) {
	const eg_intake *in = f->task->intakes[0];
	int64_t n = 1;
	if (eg_tensor_dtype(f->graph, eg_graph_find(f->graph, in->input)) != EG_F32) return 0;
	const eg_field *field = eg_source_field(f->task->source, in->field);
	for (int k = 0; k < in->sample.rank; k++) {
		int64_t d = in->sample.d[k] == EG_T && field ? field->steps : in->sample.d[k];
		if (d < 1) return 0;
		n *= d;
	}
	return n;
}

const eg_real *eg_floor_row(const eg_floor *f, const eg_floor_batch *b, int i) {
	return (const eg_real *)b->slots[0] + i * eg_floor_width(f);
}

int32_t eg_floor_label(const eg_floor *f, const eg_floor_batch *b, int i) {
	return ((const int32_t *)eg_batch_input(&b->run, eg_task_target_input(f->task)))[i];
}

eg_status eg_floor_read(const eg_floor *f, const eg_floor_part *p, int32_t *labels, eg_real *rows, eg_error *err) {
	eg_floor_batch b = {.part = p};
	int64_t width = eg_floor_width(f);
	eg_status status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	for (; !status && b.n > 0; status = eg_floor_next(&b, EG_FLOOR_BATCH, err)) {
		for (int i = 0; i < b.n && labels; i++) labels[b.first + i] = eg_floor_label(f, &b, i);
		if (rows) memcpy(rows + b.first * width, b.slots[0], (size_t)(b.n * width) * sizeof *rows);
	}
	eg_floor_batch_free(&b);
	return status;
}

eg_status eg_floor_some(const eg_floor_part *p, int64_t most, eg_floor_part *some, eg_error *err) {
	*some = *p;
	some->items = NULL;
	if (most < 1) most = 1;
	if (most < p->count) some->count = most;
	if (!p->items && some->count == p->count) return EG_OK;
	some->items = eg_calloc(NULL, (size_t)some->count + 1, sizeof *some->items);
	if (!some->items) return no_memory(err);
	for (int64_t i = 0; i < some->count; i++) {
		int64_t from = i * p->count / some->count;
		some->items[i] = p->items ? p->items[from] : (uint32_t)from;
	}
	return EG_OK;
}

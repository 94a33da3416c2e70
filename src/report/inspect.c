/* inspect.c - beginning and end of an inspection, and the sequences that are run through the network: windows of a
 * text, or samples of the model's data. Their gradients are in gradients.c, their heat maps in states.c. */
#include "report/inspect.h"

#include "data/text_form.h"
#include "tasks/task.h"

#include <string.h>

eg_status eg_inspect_no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static int otherwise(int given, int n) { return given > 0 ? given : n; }

static eg_status open_into(eg_inspection *i, const eg_inspect_options *o, const char *folder, eg_error *err) {
	i->options = (eg_inspect_options){.steps = otherwise(o->steps, 100),
	        .samples = otherwise(o->samples, 16),
	        .seeds = otherwise(o->seeds, 5),
	        .units = otherwise(o->units, 24),
	        .columns = otherwise(o->columns, 200)};
	i->folder = eg_arena_strdup(&i->arena, folder);
	if (!i->folder) return eg_inspect_no_memory(err);
	const eg_value *vocab = eg_value_get(eg_model_task(i->model), "vocab");
	eg_status status = vocab ? eg_vocab_from_value(vocab, &i->vocab, err) : EG_OK;
	return status ? status : eg_unroll(&i->net, i->model, NULL, 0, err);
}

eg_status eg_inspect_open(
	eg_model *m, const eg_inspect_options *options, const char *folder, eg_inspection **inspection, eg_error *err) {
	static const eg_inspect_options none = {0};
	*inspection = NULL;
	eg_inspection *i = eg_calloc(NULL, 1, sizeof *i);
	if (!i) return eg_inspect_no_memory(err);
	i->model = m;
	eg_status status = open_into(i, options ? options : &none, folder, err);
	if (status)
		eg_inspect_close(i);
	else
		*inspection = i;
	return status;
}

void eg_inspect_close(eg_inspection *i) {
	if (!i) return;
	eg_unroll_free(&i->net);
	eg_vocab_free(i->vocab);
	eg_arena_free(&i->arena);
	eg_release(NULL, i->files);
	eg_release(NULL, i);
}

const char *eg_inspect_path(eg_inspection *i, const char *name, eg_error *err) {
	const char *path = eg_arena_printf(&i->arena, "%s/%s", i->folder, name);
	if (path && eg_grow(NULL, &i->files, &i->cap_files, i->nfiles, sizeof *i->files)) {
		i->files[i->nfiles++] = path;
		return path;
	}
	eg_inspect_no_memory(err);
	return NULL;
}

const char *eg_inspect_file(const eg_inspection *i, int k) { return k >= 0 && k < i->nfiles ? i->files[k] : NULL; }

bool eg_inspect_curve(const eg_inspection *i, int k, eg_gradient_curve *curve) {
	if (k < 0 || k >= i->ncurves) return false;
	*curve = i->curves[k];
	return true;
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

/* What stands above a column: the unit, or a sign for the marks, which are long words. */
static const char *label_of(const eg_vocab *v, int32_t id) {
	if (id == eg_vocab_end(v)) return "\xc2\xa4";
	if (id == eg_vocab_unknown(v)) return "\xef\xbf\xbd";
	return eg_vocab_token(v, id, NULL);
}

static eg_status put_labels(eg_inspection *i, eg_error *err) {
	const eg_vocab *v = i->vocab;
	if (!v || !i->ids) return EG_OK;
	i->labels = eg_arena_alloc(&i->arena, (size_t)i->one.steps * sizeof *i->labels);
	if (!i->labels) return eg_inspect_no_memory(err);
	for (int t = 0; t < i->one.steps; t++) {
		const char *label = label_of(v, i->ids[t]);
		i->labels[t] = label ? label : "";
	}
	return EG_OK;
}

/* ---- a text ------------------------------------------------------------------------------------------------------ */

static eg_status put_windows(eg_inspection *i, const int32_t *ids, int64_t n, eg_error *err) {
	eg_sequences *b = &i->batch, *one = &i->one;
	int64_t T = n - 1 < i->options.steps ? n - 1 : i->options.steps, most = (n - 1) / T;
	int64_t N = most < i->options.samples ? most : i->options.samples;
	*b = (eg_sequences){.steps = (int)T,
	        .n = (int)N,
	        .input_step = (size_t)N * sizeof *ids,
	        .target_size = (size_t)N * sizeof *ids};
	one->steps = (int)(n < i->options.columns ? n : i->options.columns);
	one->n = 1;
	one->input_step = sizeof *ids;
	b->input = eg_arena_alloc(&i->arena, b->input_step * (size_t)T);
	b->target = eg_arena_alloc(&i->arena, b->target_size);
	one->input = eg_arena_alloc(&i->arena, one->input_step * (size_t)one->steps);
	if (!b->input || !b->target || !one->input) return eg_inspect_no_memory(err);
	int32_t *input = b->input, *target = b->target;
	for (int64_t k = 0; k < N; k++) { /* evenly over the text */
		int64_t start = N > 1 ? k * (n - 1 - T) / (N - 1) : 0;
		for (int64_t t = 0; t < T; t++) input[t * N + k] = ids[start + t];
		target[k] = ids[start + T];
	}
	memcpy(one->input, ids, one->input_step * (size_t)one->steps);
	i->ids = one->input;
	return put_labels(i, err);
}

/* Does the model read capitals as small letters? */
static bool lowers(eg_model *m) {
	eg_task *t;
	if (eg_task_of_model(m, &t, NULL)) return false;
	const bool does = t->intakes[0]->type->kind == EG_FIELD_TEXT && eg_intake_lowers(t->intakes[0]);
	eg_task_free(t);
	return does;
}

eg_status eg_inspect_text(eg_inspection *i, const char *text, size_t size, const char *name, eg_error *err) {
	const eg_vocab *v = i->vocab;
	int32_t *ids = NULL;
	size_t n = 0;
	if (!v)
		return eg_fail(err, EG_ERR_ARG,
		        "the model does not read text; without a text, samples of its own data are run through it");
	if (eg_vocab_unit(v) != EG_UNIT_BYTE) {
		char *own = eg_arena_alloc(&i->arena, size + 1);
		if (!own) return eg_inspect_no_memory(err);
		if (size) memcpy(own, text, size);
		size = eg_text_normalize(own, size);
		if (lowers(i->model)) eg_text_lower(own, size);
		text = own;
	}
	eg_status status = eg_vocab_encode(v, text, size, name, &ids, &n, err);
	if (status) return status;
	int mark = eg_vocab_end(v) >= 0; /* samples of their own begin with it */
	int32_t *all = eg_arena_alloc(&i->arena, (n + 1) * sizeof *all);
	if (all && n > 0) memcpy(all + mark, ids, n * sizeof *all);
	if (all && mark) all[0] = eg_vocab_end(v);
	eg_release(NULL, ids);
	if (!all) return eg_inspect_no_memory(err);
	i->first_given = mark;
	if (n + (size_t)mark < 2)
		return eg_fail(
		        err, EG_ERR_ARG, "%s: a text of at least two units is needed; this one has %zu", name, n);
	return put_windows(i, all, (int64_t)n + mark, err);
}

/* ---- the model's data -------------------------------------------------------------------------------------------- */

typedef struct feed {
	eg_inspection *i;
	const eg_dataset *data;
	uint32_t *items;
	int T, N;
	void *slots[EG_MAX_INPUTS];
	eg_error *err;
} feed;

enum { LOOKED_AT = 4096 };

/* Samples evenly over the set; where they differ in length, those of the length that is most frequent among the
 * first. */
static eg_status choose_items(feed *f) {
	const eg_dataset *d = f->data;
	const int64_t count = d->count < LOOKED_AT && d->time_of ? d->count : d->time_of ? LOOKED_AT : d->count;
	f->N = (int)(count < f->i->options.samples ? count : f->i->options.samples);
	f->T = d->time;
	f->items = eg_arena_alloc(&f->i->arena, (size_t)f->N * sizeof *f->items);
	int *frequency = d->time_of ? eg_arena_alloc(&f->i->arena, ((size_t)d->time + 1) * sizeof *frequency) : NULL;
	if (!f->items || (d->time_of && !frequency)) return eg_inspect_no_memory(f->err);
	for (int k = 0; k < f->N; k++) f->items[k] = (uint32_t)(k * count / f->N);
	if (!d->time_of) return EG_OK;
	for (int64_t k = 0; k < count; k++) frequency[d->time_of(d->user, (uint32_t)k)]++;
	f->T = 1;
	for (int t = 2; t <= d->time; t++)
		if (frequency[t] > frequency[f->T]) f->T = t;
	int n = 0;
	for (int64_t k = 0; k < count && n < f->N; k++)
		if (d->time_of(d->user, (uint32_t)k) == f->T) f->items[n++] = (uint32_t)k;
	f->N = n;
	return EG_OK;
}

static size_t bytes_of(const feed *f, eg_tensor t) {
	eg_graph *g = eg_model_graph(f->i->model);
	eg_dims d = eg_tensor_dims(g, t);
	size_t n = eg_tensor_dtype(g, t) == EG_I32 ? sizeof(int32_t) : sizeof(eg_real);
	for (int k = 0; k < d.rank; k++)
		n *= d.d[k] == EG_T ? (size_t)f->T : d.d[k] == EG_N ? (size_t)f->N : (size_t)d.d[k];
	return n;
}

static eg_status fill_slots(feed *f) {
	eg_graph *g = eg_model_graph(f->i->model);
	for (int k = 0; f->data->inputs[k] && k < EG_MAX_INPUTS; k++) {
		eg_tensor t = eg_graph_find(g, f->data->inputs[k]);
		if (!t.id)
			return eg_fail(f->err, EG_ERR_ARG, "the network has no input '%s', which its data has",
			        f->data->inputs[k]);
		f->slots[k] = eg_arena_alloc(&f->i->arena, bytes_of(f, t));
		if (!f->slots[k]) return eg_inspect_no_memory(f->err);
	}
	eg_fill fill = {.items = f->items, .n = f->N, .time = f->T, .epoch = -1};
	return f->data->fill(f->data->user, &fill, f->slots, f->err);
}

static void *slot_called(const feed *f, const char *name) {
	for (int k = 0; f->data->inputs[k]; k++)
		if (!strcmp(f->data->inputs[k], name)) return f->slots[k];
	return NULL;
}

/* The first of the samples alone. */
static eg_status put_one(feed *f, bool ids) {
	eg_sequences *one = &f->i->one;
	const char *all = f->i->batch.input;
	const size_t step = f->i->batch.input_step / (size_t)f->N;
	*one = (eg_sequences){
	        .steps = f->T < f->i->options.columns ? f->T : f->i->options.columns, .n = 1, .input_step = step};
	char *to = one->input = eg_arena_alloc(&f->i->arena, step * (size_t)one->steps);
	if (!to) return eg_inspect_no_memory(f->err);
	for (int t = 0; t < one->steps; t++)
		memcpy(to + (size_t)t * step, all + (size_t)t * f->i->batch.input_step, step);
	if (ids) f->i->ids = one->input;
	return put_labels(f->i, f->err);
}

static eg_status put_samples(feed *f) {
	eg_graph *g = eg_model_graph(f->i->model);
	eg_tensor x = eg_graph_find(g, "input"), y = eg_graph_find(g, "target");
	eg_sequences *b = &f->i->batch;
	char *target = slot_called(f, "target");
	*b = (eg_sequences){.steps = f->T, .n = f->N, .input = slot_called(f, "input")};
	if (!target || !b->input)
		return eg_fail(f->err, EG_ERR_ARG, "only networks with an input and a target can be inspected");
	b->input_step = bytes_of(f, x) / (size_t)f->T;
	b->target_size = bytes_of(f, y);
	if (eg_tensor_dims(g, y).d[0] == EG_T) { /* a target for each step: any length will do */
		b->target_size /= (size_t)f->T;
		if (b->steps > f->i->options.steps) b->steps = f->i->options.steps;
		target += (size_t)(b->steps - 1) * b->target_size;
	}
	b->target = target;
	return put_one(f, eg_tensor_dtype(g, x) == EG_I32);
}

eg_status eg_inspect_data(eg_inspection *i, eg_error *err) {
	eg_task *task;
	eg_samples *samples = NULL;
	eg_status status = eg_task_open(eg_model_recipe(i->model), &task, err);
	if (status) return status;
	eg_part part = eg_task_eval_part(task);
	status = eg_samples_load(task, &(eg_samples_options){.part = part, .model = i->model}, &samples, err);
	if (status == EG_ERR_ARG && part == EG_PART_TEST) { /* the set may have none */
		part = EG_PART_TRAIN;
		status = eg_samples_load(task, &(eg_samples_options){.part = part, .model = i->model}, &samples, err);
	}
	if (!status) status = eg_task_suits(task, eg_model_graph(i->model), err);
	if (!status && !eg_samples_get(samples, part)) part = EG_PART_TRAIN;
	feed f = {.i = i, .data = status ? NULL : eg_samples_get(samples, part), .err = err};
	if (!status && !f.data) status = eg_fail(err, EG_ERR_ARG, "the model's data has no samples");
	if (!status && f.data->dims && f.data->dims[0])
		status = eg_fail(err, EG_ERR_ARG,
		        "the network's size '%s' is open; only sequences of otherwise fixed sizes can be inspected",
		        f.data->dims[0]);
	if (!status && f.data->time < 1) status = eg_fail(err, EG_ERR_ARG, "the model's samples are no sequences");
	if (!status) status = choose_items(&f);
	if (!status) status = fill_slots(&f);
	if (!status) status = put_samples(&f);
	eg_samples_free(samples);
	eg_task_free(task);
	return status;
}

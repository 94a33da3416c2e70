/* predictor.c - answers to questions: files, bytes, JSON, records and tensors, several at a time, become a batch; what
 * the network puts out becomes an answer by the task. */
#include "tasks/intake_sound.h"
#include "tasks/samples.h"

#include <string.h>

struct eg_predictor {
	eg_model *model;
	eg_task *task;
	eg_plan_cache *plans;
	eg_arena arena; /* texts of the options */
	eg_answer_options *options;
	eg_invert invert;
	/* of the questions at hand */
	int room;
	eg_record *records;
	eg_datum *data;           /* by question, then by intake */
	int *remarks;             /* likewise */
	const eg_datum **data_of; /* by intake, then by question that is run */
	int *times, *which;       /* of questions; which are run, in the order of the batch */
	eg_value **answers;
	eg_field fields[EG_TASK_INTAKES];
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for answers"); }

eg_model *eg_predictor_model(eg_predictor *p) { return p->model; }

const eg_sound_front *eg_predictor_sound(const eg_predictor *p, eg_error *why) {
	for (int i = 0; i < p->task->nasked; i++)
		if (p->task->intakes[i]->type->kind == EG_FIELD_SOUND) return eg_intake_sound_front(p->task->intakes[i], why);
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

typedef struct common_options {
	const char *output;
	int invert;
} common_options;

static const char *const invert_names[] = {"no", "yes", "auto", NULL}; /* as eg_invert */
static const eg_key output_key = {.name = "output",
	.type = EG_KEY_STRING,
	.offset = offsetof(common_options, output),
	.doc = "folder for answers that are files"};
const eg_key eg_invert_key = {.name = "invert",
	.type = EG_KEY_ENUM,
	.offset = offsetof(common_options, invert),
	.names = invert_names,
	.doc = "pictures: turn black into white. auto (the default) does so with a grey picture when all the model "
	       "learnt from were bright on a "
	       "dark ground and this one has a bright ground, or the other way round"};

static bool reads_pictures(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < t->nasked; i++) any |= t->intakes[i]->type->kind == EG_FIELD_PICTURE;
	return any;
}

static eg_status read_options(eg_predictor *p, const char *const *settings, eg_error *err) {
	const eg_task_type *type = p->task->type;
	size_t size = type->options_size ? type->options_size : sizeof *p->options;
	common_options common = {.invert = EG_INVERT_AUTO};
	char where[80];
	p->options = eg_arena_alloc(&p->arena, size);
	if (!p->options) return no_memory(err);
	eg_key_set sets[3] = {{type->options.keys, type->options.n, p->options}, {&output_key, 1, &common},
	        {&eg_invert_key, 1, &common}};
	snprintf(where, sizeof where, "answers of the task '%s'", type->info.name);
	eg_status status = eg_settings_read(&p->arena, settings, sets, reads_pictures(p->task) ? 3 : 2, where, err);
	p->options->output = common.output;
	p->invert = (eg_invert)common.invert;
	return status;
}

static eg_status prepare(eg_predictor *p, eg_context *ctx, const char *const *settings, eg_error *err) {
	eg_graph *g = eg_model_graph(p->model);
	eg_status status = eg_task_of_model(p->model, &p->task, err);
	if (!status) status = read_options(p, settings, err);
	if (status) return status;
	eg_task_constrain(p->task, eg_model_params(p->model));
	eg_plan_options o = {.batch = 1, .time = 1, .outputs = eg_task_outputs(p->task, g), .context = ctx};
	p->plans = eg_plan_cache_new(g, eg_model_params(p->model), &o, err);
	for (int i = 0; i < p->task->nasked; i++) {
		const eg_intake *f = p->task->intakes[i];
		p->fields[i] = (eg_field){.name = f->name, .kind = f->type->kind};
	}
	return p->plans ? EG_OK : err ? err->status : EG_ERR_MEMORY;
}

eg_status eg_predictor_new(
	eg_model *m, eg_context *ctx, const char *const *settings, eg_predictor **predictor, eg_error *err) {
	eg_error local;
	if (!err) err = &local;
	*predictor = NULL;
	eg_predictor *p = eg_calloc(NULL, 1, sizeof *p);
	if (!p) return no_memory(err);
	p->model = m;
	eg_status status = prepare(p, ctx, settings, err);
	if (status)
		eg_predictor_free(p);
	else
		*predictor = p;
	return status;
}

static void free_room(eg_predictor *p) {
	for (int i = 0; i < p->room; i++) {
		if (p->records) eg_record_free(&p->records[i]);
		if (p->answers) eg_value_free(p->answers[i]);
	}
	eg_release(NULL, p->records);
	eg_release(NULL, p->data);
	eg_release(NULL, p->remarks);
	eg_release(NULL, p->data_of);
	eg_release(NULL, p->times);
	eg_release(NULL, p->which);
	eg_release(NULL, p->answers);
	p->records = NULL;
	p->data = NULL;
	p->data_of = NULL;
	p->remarks = p->times = p->which = NULL;
	p->answers = NULL;
	p->room = 0; /* for a next try, and for eg_predictor_free */
}

void eg_predictor_free(eg_predictor *p) {
	if (!p) return;
	free_room(p);
	eg_plan_cache_free(p->plans);
	eg_task_free(p->task);
	eg_arena_free(&p->arena);
	eg_release(NULL, p);
}

int eg_predictor_fields(const eg_predictor *p, const eg_field **fields) {
	*fields = p->fields;
	return p->task->nasked;
}

static eg_status make_room(eg_predictor *p, int n, eg_error *err) {
	if (n <= p->room) return EG_OK;
	free_room(p);
	size_t count = (size_t)n, intakes = (size_t)p->task->nintakes + 1;
	p->records = eg_calloc(NULL, count, sizeof *p->records);
	p->data = eg_calloc(NULL, count * intakes, sizeof *p->data);
	p->remarks = eg_calloc(NULL, count * intakes, sizeof *p->remarks);
	p->data_of = eg_calloc(NULL, count * intakes, sizeof *p->data_of);
	p->times = eg_calloc(NULL, count, sizeof *p->times);
	p->which = eg_calloc(NULL, count, sizeof *p->which);
	p->answers = eg_calloc(NULL, count, sizeof *p->answers);
	p->room = n;
	bool ok = p->records && p->data && p->remarks && p->data_of && p->times && p->which && p->answers;
	for (int i = 0; i < n && ok; i++) ok = (p->answers[i] = eg_value_new(EG_VALUE_MAP)) != NULL;
	if (ok) return EG_OK;
	free_room(p);
	return no_memory(err);
}

/* ---- from questions to fields ------------------------------------------------------------------------------------ */

static const char *name_of(const eg_question *q) { return q->path ? q->path : q->name ? q->name : "the input"; }

static eg_status decode_map(eg_predictor *p, const eg_question *q, int i, eg_error *err) {
	eg_value *map;
	const char *name = name_of(q);
	eg_status status = eg_value_parse(q->bytes, q->size, name, &map, err);
	for (int k = 0; k < p->task->nasked && !status; k++) {
		const eg_intake *f = p->task->intakes[k];
		const eg_value *v = eg_value_get(map, f->name);
		int at = i * p->task->nintakes + k;
		if (!v)
			status = eg_fail(err, EG_ERR_FORMAT, "%s: it has no '%s'", name, f->name);
		else if (!f->type->decode_json)
			status = eg_fail(err, EG_ERR_ARG, "%s: '%s' cannot be given as JSON", name, f->name);
		else
			status = f->type->decode_json(f, v, name, &p->records[i], &p->data[at], &p->remarks[at], err);
	}
	eg_value_free(map);
	return status;
}

/* A file's contents, or bytes: the one field that the network takes. */
static eg_status decode_bytes(eg_predictor *p, const eg_question *q, int i, eg_error *err) {
	const eg_intake *f = p->task->intakes[0];
	int at = i * p->task->nintakes;
	if (p->task->type->read_file && f->type->kind != EG_FIELD_PICTURE) {
		eg_status status = p->task->type->read_file(p->task, q->bytes, q->size, name_of(q), &p->records[i], err);
		for (int k = 0; k < p->task->nasked; k++) p->data[at + k] = p->records[i].fields[p->task->intakes[k]->field];
		return status;
	}
	if (p->task->nasked > 1)
		return eg_fail(err, EG_ERR_ARG, "%s: the network takes %d inputs; ask with JSON that names each",
		        name_of(q), p->task->nasked);
	if (!f->type->decode)
		return eg_fail(err, EG_ERR_ARG, "%s: '%s' cannot be read from a file", name_of(q), f->name);
	return f->type->decode(f, q->bytes, q->size, name_of(q), &p->records[i], &p->data[at], &p->remarks[at], err);
}

static eg_status decode_file(eg_predictor *p, const eg_question *q, int i, eg_error *err) {
	char *data = NULL;
	size_t size = 0;
	eg_question inner = *q;
	const eg_intake *f = p->task->intakes[0];
	const int at = i * p->task->nintakes;
	if (f->type->decode_path && !q->json && p->task->nasked == 1)
		return f->type->decode_path(f, q->path, &p->records[i], &p->data[at], err);
	eg_status status = eg_file_read(NULL, q->path, 0, &data, &size, err);
	inner.bytes = data, inner.size = size;
	if (!status) status = q->json ? decode_map(p, &inner, i, err) : decode_bytes(p, &inner, i, err);
	eg_release(NULL, data);
	return status;
}

/* A question's fields into data; its record keeps what they need. */
static eg_status decode(eg_predictor *p, const eg_question *q, int i, eg_error *err) {
	int nintakes = p->task->nintakes, words[EG_MAX_DIMS + 1];
	for (int k = 0; k < nintakes; k++) {
		p->data[i * nintakes + k] = (eg_datum){0};
		p->remarks[i * nintakes + k] = (int)p->invert;
	}
	eg_record_reset(&p->records[i]);
	memset(p->records[i].fields, 0, sizeof p->records[i].fields);
	p->records[i].place = p->records[i].id = name_of(q);
	p->times[i] = q->time;
	for (int k = 0; k < nintakes && (q->tensors || q->record); k++)
		p->remarks[i * nintakes + k] = 0; /* taken as they are */
	if (q->tensors) return EG_OK;
	eg_status status = EG_OK;
	if (q->record && p->task->type->read_file) {
		memcpy(p->records[i].fields, q->record->fields, sizeof p->records[i].fields);
		p->records[i].id = q->record->id;
	}
	if (q->record)
		for (int k = 0; k < p->task->nasked; k++)
			p->data[i * nintakes + k] = q->record->fields[p->task->type->read_file ? p->task->intakes[k]->field : k];
	else if (q->path)
		status = decode_file(p, q, i, err);
	else
		status = q->json ? decode_map(p, q, i, err) : decode_bytes(p, q, i, err);
	for (int k = 0; k < p->task->nasked && !status; k++) {
		p->records[i].fields[p->task->intakes[k]->field] = p->data[i * nintakes + k];
		if (!p->data[i * nintakes + k].there)
			status = eg_fail(err, EG_ERR_ARG, "%s: the field '%s' is missing", name_of(q),
			        p->task->intakes[k]->name);
	}
	if (!status)
		status = eg_task_extents(
		        p->task, p->task->nasked, &p->records[i], p->data + i * nintakes, &p->times[i], words, err);
	return status;
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

static bool is_sequence(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < t->nasked; i++)
		for (int k = 0; k < t->intakes[i]->sample.rank; k++) any |= t->intakes[i]->sample.d[k] == EG_T;
	return any;
}

/* One question's tensors into row `row` of n. */
static void put_tensors(
	const eg_task *t, const eg_question *q, const eg_dims *dims, void *const *slots, int row, int n, int time) {
	for (int k = 0; k < t->nasked; k++) {
		bool sequence = t->intakes[k]->shape.rank > 1 && t->intakes[k]->shape.d[0] != EG_N;
		size_t each = 4; /* int32_t */
		if (t->intakes[k]->type->kind != EG_FIELD_TEXT && t->intakes[k]->type->kind != EG_FIELD_TOKENS)
			each = sizeof(eg_real);
		for (int i = sequence ? 2 : 1; i < dims[k].rank; i++) each *= (size_t)dims[k].d[i];
		const char *from = q->tensors[k];
		for (int s = 0; s < (sequence ? time : 1); s++)
			memcpy((char *)slots[k] + ((size_t)s * (size_t)n + (size_t)row) * each, from + (size_t)s * each,
			        each);
	}
}

/* How long each question is in one of the open sizes, which is `size` for all; of time (size -1) each says it
 * itself. */
static void put_lengths(const eg_predictor *p, eg_plan *plan, const char *name, const int *which, int n, int size) {
	int32_t *lengths = eg_plan_input(plan, name);
	for (int i = 0; lengths && i < n; i++) lengths[i] = size < 0 ? p->times[which[i]] : size;
}

static bool has_pictures_to_turn(const eg_task *t, const eg_question *q) { return !q->tensors && eg_views_always(t); }

/* The questions in every view, and in place of what the network puts out the mean of all. The records are then as
 * before. */
static eg_status run_views(eg_predictor *p, eg_plan *plan, const int *which, int n, int time, const eg_dims *dims, void *const *slots, eg_error *err) {
	const eg_task *t = p->task;
	const char *name = eg_views_output(t);
	const int views = eg_views_number(t);
	const eg_dims d = eg_plan_dims(plan, eg_graph_find(eg_model_graph(p->model), name));
	double *mean = eg_calloc(NULL, (size_t)eg_dims_count(&d, 0), sizeof *mean);
	eg_datum *own = eg_alloc(NULL, (size_t)n * (size_t)t->nintakes * sizeof *own);
	eg_status status = mean && own ? EG_OK : no_memory(err);
	for (int i = 0; i < n && !status; i++)
		memcpy(own + (ptrdiff_t)i * t->nintakes, p->data + (ptrdiff_t)which[i] * t->nintakes, (size_t)t->nintakes * sizeof *own);
	for (int view = 0; view < views && !status; view++) {
		for (int i = 0; i < n && !status; i++) {
			eg_record *r = &p->records[which[i]];
			status = eg_views_apply(t, view, r, err);
			for (int k = 0; k < t->nasked; k++) {
				const eg_datum *first = own + (ptrdiff_t)i * t->nintakes + k;
				eg_datum *shown = &r->fields[t->intakes[k]->field];
				p->data[(ptrdiff_t)which[i] * t->nintakes + k] = *shown;
				*shown = *first;
			}
		}
		if (!status) status = eg_intakes_fill(t, t->nasked, p->records, which, p->data_of, n, time, dims, slots, err);
		if (status) break;
		eg_plan_run(plan, 0);
		/* it belongs to the plan until its next run */
		status = eg_views_add(t, view, mean, (eg_real *)(uintptr_t)eg_plan_output(plan, name), &d, err);
	}
	for (int i = 0; i < n && own; i++)
		memcpy(p->data + (ptrdiff_t)which[i] * t->nintakes, own + (ptrdiff_t)i * t->nintakes, (size_t)t->nintakes * sizeof *own);
	eg_release(NULL, own);
	eg_release(NULL, mean);
	return status;
}

/* Questions which[0..n-1], which have these sizes. What concerns one answer alone goes into its error. */
static eg_status run_batch(eg_predictor *p, const eg_question *questions, const int *which, int n, int time,
	const int *sizes, eg_error *errors, eg_error *err) {
	const eg_task *t = p->task;
	const char *words[EG_MAX_DIMS + 1];
	eg_size named[EG_MAX_DIMS + 1] = {{0}};
	eg_dims dims[EG_TASK_INTAKES];
	void *slots[EG_TASK_INTAKES];
	int nwords = eg_task_words(t, words), room[EG_MAX_DIMS + 1];
	for (int j = 0; j < nwords; j++) { /* an empty text is one step of padding; who asks with numbers says sizes */
		room[j] = sizes[j] > 0 || questions[which[0]].tensors ? sizes[j] : 1;
		named[j] = (eg_size){words[j], room[j]};
	}
	eg_plan *plan = eg_plan_cache_get(p->plans, n, is_sequence(t) ? time : 0, named, err);
	if (!plan) {
		if (n == 1 && is_sequence(t)) eg_fail_prefix(err, "%s, %d steps", name_of(&questions[which[0]]), time);
		return err->status;
	}
	for (int k = 0; k < t->nasked; k++) {
		dims[k] = eg_intake_dims(t->intakes[k], n, time, room);
		slots[k] = eg_plan_input(plan, t->intakes[k]->input);
		if (!slots[k])
			return eg_fail(
			        err, EG_ERR_ARG, "the network does not use its input '%s'", t->intakes[k]->input);
		for (int i = 0; i < n; i++) p->data_of[(ptrdiff_t)k * n + i] = &p->data[which[i] * t->nintakes + k];
	}
	put_lengths(p, plan, "lengths", which, n, -1);
	for (int j = 0; j < nwords; j++) {
		char name[80];
		snprintf(name, sizeof name, "lengths.%.60s", words[j]);
		put_lengths(p, plan, name, which, n, sizes[j]);
	}
	const bool turns = has_pictures_to_turn(t, &questions[which[0]]);
	eg_status status = EG_OK;
	if (turns)
		status = run_views(p, plan, which, n, time, dims, slots, err);
	else if (questions[which[0]].tensors)
		for (int i = 0; i < n; i++) put_tensors(t, &questions[which[i]], dims, slots, i, n, time);
	else
		status = eg_intakes_fill(t, t->nasked, p->records, which, p->data_of, n, time, dims, slots, err);
	if (status) return status;
	if (!turns) eg_plan_run(plan, 0);
	for (int i = 0; i < n; i++) {
		int q = which[i];
		eg_value *out = p->answers[q];
		const eg_row r = {.graph = eg_model_graph(p->model),
		        .plan = plan,
		        .params = eg_model_params(p->model),
		        .i = i,
		        .n = n,
		        .time = is_sequence(t) ? time : 0,
		        .length = p->times[q],
		        .record = &p->records[q],
		        .name = name_of(&questions[q])};
		eg_value_clear(out);
		if (eg_predictor_answer(p, t, &r, out, &errors[q])) {
			eg_fail_prefix(&errors[q], "%s", r.name);
			continue;
		}
		for (int k = 0; k < t->nasked; k++)
			if (t->intakes[k]->type->tell)
				t->intakes[k]->type->tell(t->intakes[k], p->remarks[q * t->nintakes + k], out);
		if (!eg_value_whole(out)) return no_memory(err);
	}
	return EG_OK;
}

eg_status eg_predictor_answer(const eg_predictor *p, const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	eg_status status = t->type->answer(t, p->options, r, out, err);
	for (int k = 0; k < t->nasked && !status && r->batch; k++)
		if (t->intakes[k]->type->tell) t->intakes[k]->type->tell(t->intakes[k], 0, out);
	return status;
}

/* Runs question `first` and those behind it that are not done and of the same sizes: so no answer depends on what else
 * is asked. *count of them are then p->which. */
static eg_status run_alike(eg_predictor *p, const eg_question *questions, int n, int first, bool *done, int *count,
	eg_error *errors, eg_error *err) {
	const eg_task *t = p->task;
	int sizes[EG_MAX_DIMS + 1] = {0}, other[EG_MAX_DIMS + 1] = {0}, time = p->times[first], steps;
	const char *words[EG_MAX_DIMS + 1];
	int nwords = eg_task_words(t, words);
	eg_status status = EG_OK;
	if (nwords && !questions[first].tensors)
		status = eg_task_extents(
		        t, t->nasked, &p->records[first], p->data + first * t->nintakes, &steps, sizes, err);
	*count = 0;
	for (int i = first; i < n && !status; i++) {
		if (done[i] || !questions[i].tensors != !questions[first].tensors || p->times[i] != time) continue;
		if (nwords && !questions[i].tensors)
			status = eg_task_extents(
			        t, t->nasked, &p->records[i], p->data + i * t->nintakes, &steps, other, err);
		if (memcmp(sizes, other, (size_t)nwords * sizeof *sizes) != 0) continue;
		p->which[(*count)++] = i;
		done[i] = true;
	}
	if (time < 1) time = 1; /* an empty text is one step of padding */
	if (!status) status = run_batch(p, questions, p->which, *count, time, sizes, errors, err);
	if (!status || status == EG_ERR_MEMORY || *count < 2) return status;
	for (int k = 0; k < *count; k++) { /* one of them may have stopped all */
		eg_error *why = &errors[p->which[k]];
		if (run_batch(p, questions, &p->which[k], 1, time, sizes, errors, why) == EG_ERR_MEMORY)
			return eg_fail(err, EG_ERR_MEMORY, "%s", why->message);
	}
	return EG_OK;
}

eg_status eg_predictor_run(eg_predictor *p, const eg_question *questions, int n, const eg_value **answers,
	eg_error *errors, eg_error *err) {
	eg_error local;
	if (!err) err = &local;
	if (n < 1) return EG_OK;
	eg_status status = make_room(p, n, err);
	bool *done = status ? NULL : eg_calloc(NULL, (size_t)n, sizeof *done);
	if (!status && !done) status = no_memory(err);
	for (int i = 0; i < n && !status; i++) {
		errors[i] = (eg_error){0};
		done[i] = decode(p, &questions[i], i, &errors[i]) != EG_OK;
		if (errors[i].status == EG_ERR_MEMORY) status = eg_fail(err, EG_ERR_MEMORY, "%s", errors[i].message);
	}
	for (int i = 0, count; i < n && !status; i++) {
		if (done[i]) continue;
		eg_error why = {0};
		eg_status failed = run_alike(p, questions, n, i, done, &count, errors, &why);
		for (int k = 0; k < count && failed; k++) errors[p->which[k]] = why;
		done[i] = true;
		if (failed == EG_ERR_MEMORY) status = eg_fail(err, failed, "%s", why.message);
	}
	for (int i = 0; i < n && !status; i++) answers[i] = errors[i].status ? NULL : p->answers[i];
	eg_release(NULL, done);
	return status;
}

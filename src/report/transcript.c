/* transcript.c - see transcript.h: one recording or line is run through the network, its labels are laid on the
 * likeliest path (CTC), and of each it is computed which part of the input it comes from; likewise of the classes of a
 * recording. Not here: drawing. */
#include "report/transcript.h"

#include <math.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory to show a transcript"); }

static eg_status check(eg_transcript_look *l, eg_error *err) {
	eg_status status = eg_task_of_model(l->model, &l->task, err);
	if (status) return status;
	const eg_task *t = l->task;
	const eg_graph *g = eg_model_graph(l->model);
	const eg_intake *target = eg_task_target(t);
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	l->classifies = t->intakes[0]->type->kind == EG_FIELD_SOUND && target && target->type->kind == EG_FIELD_LABEL && d.rank == 2 &&
		!t->type->embeds; /* one that compares recordings has no classes */
	if (t->nasked == 1 && (eg_task_transcribes(t) || l->classifies)) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "when is what said, and why, is shown of models that transcribe, and of those that classify recordings");
}

bool eg_transcript_page_suits(eg_model *m) {
	eg_transcript_look l = {.model = m};
	const bool suits = check(&l, NULL) == EG_OK;
	eg_task_free(l.task);
	return suits;
}

void eg_transcript_forget(eg_transcript_look *l) {
	eg_value_free(l->answer);
	eg_record_free(&l->record);
	eg_arena_free(&l->read.room);
	eg_task_free(l->task);
	eg_arena_free(&l->arena);
}

/* ---- the recording or line --------------------------------------------------------------------------------------- */

static eg_status take_file(eg_transcript_look *l, const eg_question *q, eg_error *err) {
	const eg_intake *f = l->task->intakes[0];
	char *bytes = NULL;
	size_t size = q->size;
	int remark = EG_INVERT_AUTO;
	l->name = eg_arena_strdup(&l->arena, q->path ? q->path : q->name ? q->name : "the input");
	if (!l->name) return no_memory(err);
	l->record.place = l->record.id = l->name;
	eg_status status = q->path ? eg_file_read_regular(NULL, q->path, 0, &bytes, &size, err) : EG_OK;
	if (!status) status = f->type->decode(f, q->path ? bytes : q->bytes, size, l->name, &l->record, &l->datum, &remark, err);
	eg_release(NULL, bytes);
	return status;
}

static eg_status take_record(eg_transcript_look *l, int64_t record, eg_error *err) {
	eg_task *t = l->task;
	const eg_part part = eg_task_eval_part(t);
	const eg_intake *f = t->intakes[0], *target = eg_task_target(t);
	eg_status status = eg_task_read_record(t, part, record, 1u << f->field | 1u << target->field, &l->record, err);
	if (status) return status;
	l->datum = l->record.fields[f->field];
	l->name = eg_arena_printf(&l->arena, "record %lld of the part %s", (long long)record, eg_part_name(part));
	if (!l->name) return no_memory(err);
	return l->datum.there ? EG_OK : eg_fail(err, EG_ERR_ARG, "%s has nothing that could be asked", l->name);
}

/* ---- what the network gets --------------------------------------------------------------------------------------- */

enum { INPUTS = EG_MAX_DIMS + 3 };
typedef struct given {
	const char *names[INPUTS];
	const void *data[INPUTS];
	int32_t lengths[INPUTS];
	int n;
	eg_size sizes[EG_MAX_DIMS + 2];
	eg_dims dims; /* of the input */
} given;

static void give_length(eg_transcript_look *l, given *v, const char *name, int length) {
	if (!name || !eg_graph_find(eg_model_graph(l->model), name).id) return;
	v->lengths[v->n] = length;
	v->names[v->n] = name, v->data[v->n] = &v->lengths[v->n];
	v->n++;
}

static eg_status fill(eg_transcript_look *l, given *v, eg_error *err) {
	const eg_intake *f = l->task->intakes[0];
	const eg_datum *data = &l->datum;
	const char *words[EG_MAX_DIMS + 1];
	const int nwords = eg_task_words(l->task, words);
	eg_status status = eg_task_bind(l->task, eg_model_graph(l->model), err);
	if (!status) status = eg_task_extents(l->task, 1, &l->record, &l->datum, &l->time, l->sizes, err);
	if (status) return status;
	if (eg_task_hears(l->task) && l->time < 1) return eg_fail(err, EG_ERR_ARG, "%s: there is no sound in it", l->name);
	v->dims = eg_intake_dims(f, 1, l->time, l->sizes);
	const size_t n = (size_t)eg_dims_count(&v->dims, 0);
	l->length = eg_task_hears(l->task) ? l->time : (int)v->dims.d[v->dims.rank - 1];
	l->H = eg_task_hears(l->task) ? 1 : (int)v->dims.d[v->dims.rank - 2];
	l->input = eg_arena_alloc(&l->arena, n * sizeof *l->input);
	if (!l->input) return no_memory(err);
	void *slot = l->input;
	status = eg_intakes_fill(l->task, 1, &l->record, NULL, &data, 1, l->time, &v->dims, &slot, err);
	v->names[0] = f->input, v->data[0] = l->input, v->n = 1;
	give_length(l, v, "lengths", l->time);
	for (int j = 0; j < nwords && !status; j++) {
		v->sizes[j] = (eg_size){words[j], l->sizes[j] > 0 ? l->sizes[j] : 1}; /* labels: none */
		give_length(l, v, eg_arena_printf(&l->arena, "lengths.%.60s", words[j]), l->sizes[j]);
	}
	return status;
}

/* The classes of the answer, and the right one. */
static eg_status read_classes(eg_transcript_look *l, const eg_row *r, eg_error *err) {
	const eg_value *list = eg_value_get(l->answer, "classes");
	const eg_lexicon *names = eg_intake_names(eg_task_target(l->task));
	eg_value *truth = eg_value_new(EG_VALUE_MAP);
	eg_status status = truth ? l->task->type->truth(l->task, r, truth, err) : no_memory(err);
	const char *right = eg_value_text(eg_value_get(truth, "class"));
	l->truth = right ? eg_arena_strdup(&l->arena, right) : NULL;
	l->read.labels = eg_arena_alloc(&l->read.room, ((size_t)eg_value_count(list) + 1) * sizeof *l->read.labels);
	if (!status && ((right && !l->truth) || !l->read.labels)) status = no_memory(err);
	for (const eg_value *v = eg_value_first(list); v && !status; v = eg_value_next(v))
		l->read.labels[l->read.n++] = eg_lexicon_find(names, eg_value_text(eg_value_get(v, "class")));
	l->read.each = 1;
	eg_value_free(truth);
	return status;
}

/* Runs it, and reads the transcript, or the classes, off. */
static eg_status run(eg_transcript_look *l, const given *v, eg_error *err) {
	static const char *const outputs[] = {"logits", NULL};
	const eg_task_type *type = l->task->type;
	eg_graph *g = eg_model_graph(l->model);
	eg_answer_options *options = eg_arena_alloc(&l->arena, type->options_size);
	l->answer = eg_value_new(EG_VALUE_MAP);
	if (!options || !l->answer) return no_memory(err);
	eg_plan *plan = eg_plan_new(g, eg_model_params(l->model),
		&(eg_plan_options){.batch = 1, .time = eg_task_hears(l->task) ? l->time : 0, .sizes = v->sizes, .outputs = outputs}, err);
	if (!plan) return err->status;
	for (int i = 0; i < v->n; i++) {
		void *slot = eg_plan_input(plan, v->names[i]);
		if (slot) memcpy(slot, v->data[i], i ? sizeof(int32_t) : (size_t)eg_dims_count(&v->dims, 0) * sizeof *l->input);
	}
	eg_plan_run(plan, 0);
	const eg_row r = {.graph = g, .plan = plan, .params = eg_model_params(l->model), .n = 1,
		.time = eg_task_hears(l->task) ? l->time : 0, .length = l->time, .record = &l->record, .name = l->name};
	l->record.fields[l->task->intakes[0]->field] = l->datum;
	eg_status status = l->classifies ? EG_OK : eg_transcript_read(l->task, &r, &l->read, err);
	if (!status) status = type->answer(l->task, options, &r, l->answer, err);
	if (!status) status = l->classifies ? read_classes(l, &r, err) : eg_transcript_meant(l->task, &r, &l->arena, &l->truth, err);
	eg_plan_free(plan);
	return status;
}

/* ---- where each label is, and what it comes from ----------------------------------------------------------------- */

static eg_status align(eg_transcript_look *l, eg_error *err) {
	const eg_ctc *c = &l->read.c;
	const int n = l->read.n;
	int *first = eg_arena_alloc(&l->arena, ((size_t)n + 1) * sizeof *first), *end = eg_arena_alloc(&l->arena, ((size_t)n + 1) * sizeof *end);
	l->labels = eg_arena_alloc(&l->arena, ((size_t)n + 1) * sizeof *l->labels);
	if (!first || !end || !l->labels) return no_memory(err);
	eg_status status = eg_ctc_align(c, l->read.labels, n, first, end, err);
	for (int i = 0; i < n && !status; i++) {
		eg_told_label *w = &l->labels[i];
		*w = (eg_told_label){eg_transcript_label(l->task, l->read.labels[i]), first[i], end[i], first[i], 0, NULL};
		for (int t = first[i]; t < end[i]; t++)
			if (c->lp[(ptrdiff_t)t * c->classes + l->read.labels[i]] > c->lp[(ptrdiff_t)w->peak * c->classes + l->read.labels[i]]) w->peak = t;
		w->probability = exp(c->lp[(ptrdiff_t)w->peak * c->classes + l->read.labels[i]]);
	}
	return status;
}

/* Numbers of the input as they are shown: sound by the step, the sizes of its features in sum; a picture by pixels. */
static void fold(const eg_transcript_look *l, const eg_attribution *a, eg_real *map) {
	const int64_t places = (int64_t)l->length * l->H, all = eg_dims_count(&a->dims, 0), each = all / places;
	for (int64_t i = 0; i < all; i++)
		if (eg_task_hears(l->task))
			map[i / each] += (eg_real)fabs((double)a->values[i]); /* (steps, features) */
		else
			map[i % places] += a->values[i]; /* (channels, rows, columns) */
}

static eg_status name_classes(eg_transcript_look *l, eg_error *err) {
	l->labels = eg_arena_alloc(&l->arena, ((size_t)l->read.n + 1) * sizeof *l->labels);
	if (!l->labels) return no_memory(err);
	const eg_value *v = eg_value_first(eg_value_get(l->answer, "classes"));
	for (int i = 0; i < l->read.n && v; i++, v = eg_value_next(v))
		l->labels[i] = (eg_told_label){.name = eg_value_text(eg_value_get(v, "class")), .probability = eg_value_number(eg_value_get(v, "probability"), 0)};
	return EG_OK;
}

static eg_status explain(eg_transcript_look *l, const given *v, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < l->read.n && i < EG_EXPLAINED && !status; i++) {
		eg_attribution a = {0};
		const eg_attribution_options o = {.kind = EG_ATTRIBUTION_GRADIENT_INPUT,
			.output = "logits",
			.element = (int64_t)l->labels[i].peak * l->read.c.classes + l->read.labels[i],
			.by = eg_graph_find(eg_model_graph(l->model), v->names[0]),
			.time = eg_task_hears(l->task) ? l->time : 0,
			.sizes = v->sizes};
		status = eg_attribute(eg_model_graph(l->model), eg_model_params(l->model), &o, v->names, v->data, v->n, &a, err);
		l->labels[i].map = status ? NULL : eg_arena_alloc(&l->arena, (size_t)l->length * (size_t)l->H * sizeof(eg_real));
		if (l->labels[i].map) fold(l, &a, l->labels[i].map);
		if (!status && !l->labels[i].map) status = no_memory(err);
		eg_attribution_free(&a);
	}
	return status;
}

eg_status eg_transcript_gather(eg_transcript_look *l, const eg_question *q, int64_t record, eg_error *err) {
	given v = {.n = 0};
	eg_status status = check(l, err);
	if (status) return status;
	eg_task_constrain(l->task, eg_model_params(l->model));
	status = q ? take_file(l, q, err) : take_record(l, record, err);
	if (!status) status = fill(l, &v, err);
	if (!status) status = run(l, &v, err);
	if (!status) status = l->classifies ? name_classes(l, err) : align(l, err);
	return status ? status : explain(l, &v, err);
}

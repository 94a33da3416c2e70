/* judge.c - how well a network does: batches that have been run are shown to the task's judge row by row; its metrics,
 * and what else it has to say, as a tree. */
#include "tasks/samples.h"

#include <math.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics"); }

/* ---- rows -------------------------------------------------------------------------------------------------------- */

const eg_real *eg_row_output(const eg_row *r, const char *name, int step, int *width) {
	const eg_real *all = r->said ? r->said->at : eg_plan_output(r->plan, name);
	eg_dims d = eg_row_dims(r, name), declared = eg_tensor_dims(r->graph, eg_graph_find(r->graph, name));
	int64_t each = 1;
	/* not by the numbers: they may be alike */
	bool sequence = r->said ? r->said->steps : declared.rank >= 2 && declared.d[1] == EG_N;
	for (int i = sequence ? 2 : 1; i < d.rank; i++) each *= d.d[i];
	if (width) *width = (int)each;
	return all + (sequence ? (int64_t)step * r->n + r->i : r->i) * each;
}

eg_dims eg_row_dims(const eg_row *r, const char *name) {
	return r->said ? r->said->dims : eg_plan_dims(r->plan, eg_graph_find(r->graph, name));
}

const int32_t *eg_row_ids(const eg_row *r, const char *name, int step) {
	const int32_t *all = r->batch ? eg_batch_input(r->batch, name) : NULL;
	return all ? all + (ptrdiff_t)step * r->n + r->i : NULL;
}

const eg_datum *eg_row_datum(const eg_task *t, const eg_row *r, int k) {
	const eg_datum *d = r->record && t->intakes[k]->field >= 0 ? &r->record->fields[t->intakes[k]->field] : NULL;
	return d && d->there ? d : NULL;
}

eg_status eg_row_path(
	const eg_answer_options *o, const eg_row *r, const char *suffix, char *path, size_t size, eg_error *err) {
	const char *name = r->name ? r->name : "answer", *slash = strrchr(name, '/');
	if (!r->batch && slash) name = slash + 1; /* a question's file lies anywhere; a record's name tells it apart */
	const char *dot = strrchr(name, '.');
	int n = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
	const char *line = dot ? strchr(dot, ':') : NULL; /* "ask.jsonl:12": one of many questions in a file */
	int made = snprintf(path, size, "%s/%.*s%s%s.%s", o->output, n, name, line ? "-" : "", line ? line + 1 : "", suffix);
	if (made < 0 || (size_t)made >= size)
		return eg_fail(err, EG_ERR_ARG, "the name of a file is too long: '%s/%s'", o->output, name);
	for (char *c = path + strlen(o->output) + 1; *c; c++)
		if (*c == '/') *c = '_';
	return EG_OK;
}

int eg_argmax(const eg_real *x, int n) {
	int best = 0;
	for (int k = 1; k < n; k++)
		if (x[k] > x[best]) best = k;
	return best;
}

bool eg_softmax(const eg_real *x, int n, double *p) {
	double sum = 0, most = (double)x[eg_argmax(x, n)];
	for (int k = 0; k < n; k++) sum += p[k] = exp((double)x[k] - most);
	for (int k = 0; k < n; k++) p[k] /= sum;
	return isfinite(sum) && sum > 0;
}

void eg_put_classes(eg_value *map, const eg_confusion *c, const eg_lexicon *names) {
	eg_value *list = eg_value_put_list(map, "per_class");
	for (int k = 0; k < names->n; k++) {
		int64_t n = 0;
		for (int i = 0; i < names->n; i++) n += eg_confusion_count(c, k, i);
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", names->at[k]);
		eg_value_put_int(one, "n", n);
		eg_value_mark(eg_value_put_number(one, "precision", eg_confusion_precision(c, k)), EG_SHOW_SHARE, NULL);
		eg_value_mark(eg_value_put_number(one, "recall", eg_confusion_recall(c, k)), EG_SHOW_SHARE, NULL);
		eg_value_mark(eg_value_put_number(one, "f1", eg_confusion_f1(c, k)), EG_SHOW_SHARE, NULL);
	}
	list = eg_value_put_list(map, "confusion");
	for (int t = 0; t < names->n; t++) {
		eg_value *row = eg_value_put_list(list, NULL);
		for (int k = 0; k < names->n; k++) eg_value_put_int(row, NULL, eg_confusion_count(c, t, k));
	}
}

void eg_class_colour(int k, uint8_t rgb[3]) {
	const double hue = fmod(k * 0.61803398875, 1) * 6, value = k / 6 % 2 ? 0.65 : 0.95;
	for (int c = 0; c < 3; c++) {
		const double d = fabs(fmod(hue + 6 - 2 * c, 6) - 3) - 1; /* the trapezoid of a hue */
		rgb[c] = (uint8_t)(255 * value * (d < 0 ? 0 : d > 1 ? 1 : d) + 0.5);
	}
}

/* ---- the judge --------------------------------------------------------------------------------------------------- */

static void reset(void *user) {
	eg_task_judge *j = user;
	j->total = 0;
	j->task->type->judge_reset(j);
}

/* The steps of sample i of the batch. */
static int length_of(const eg_batch_run *b, int i) {
	for (int k = 0; b->data->inputs[k]; k++) /* augmentations may have changed it */
		if (!strcmp(b->data->inputs[k], "lengths")) return ((const int32_t *)b->slots[k])[i];
	if (b->data->time_of) return b->data->time_of(b->data->user, b->fill->items[i]);
	return b->fill->time;
}

static eg_row row_of(const eg_task *t, const eg_graph *g, const eg_samples *s, const eg_batch_run *b, int i) {
	const eg_record *record = t->type->load ? NULL : eg_samples_record(s, b->fill, i);
	return (eg_row){.graph = g,
	        .plan = b->plan,
	        .batch = b,
	        .i = i,
	        .n = b->fill->n,
	        .time = b->fill->time,
	        .length = length_of(b, i),
	        .record = record,
	        .name = record ? record->id : NULL,
	        .target = eg_task_target_input(t)};
}

static eg_status add(void *user, const eg_batch_run *b, eg_error *err) {
	eg_task_judge *j = user;
	const eg_samples *s = j->task->type->load ? NULL : ((const eg_sample_part *)b->data->user)->samples;
	eg_status status = EG_OK;
	for (int i = 0; i < b->fill->n && !status; i++) {
		eg_row r = row_of(j->task, j->graph, s, b, i);
		r.params = j->params;
		status = j->task->type->judge_row(j, &r, err);
	}
	return status;
}

eg_status eg_samples_each_said(const eg_samples *s, eg_graph *g, const eg_batch_run *b, const eg_said *said,
	eg_status (*take)(void *user, const eg_row *r, eg_error *err), void *user, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < b->fill->n && !status; i++) {
		eg_row r = row_of(s->task, g, s, b, i);
		r.said = said;
		r.length = b->fill->time;
		status = take(user, &r, err);
	}
	return status;
}

static eg_status judge_row(void *user, const eg_row *r, eg_error *err) {
	eg_task_judge *j = user;
	return j->task->type->judge_row(j, r, err);
}

eg_status eg_samples_judge_said(
	eg_judge *judge, const eg_samples *s, const eg_batch_run *b, const eg_said *said, eg_error *err) {
	const eg_task_judge *j = judge->user;
	return eg_samples_each_said(s, j->graph, b, said, judge_row, judge->user, err);
}

void eg_samples_judge_by(eg_judge *judge,
	eg_status (*walk)(void *user, const eg_samples *s, eg_part part,
		eg_status (*take)(void *to, const eg_row *r, eg_error *err), void *to, eg_error *err),
	void *walker) {
	eg_task_judge *j = judge->user;
	j->walk = walk, j->walker = walker;
}

typedef struct walk {
	const eg_samples *samples;
	eg_graph *graph;
	eg_params *params;
	eg_status (*take)(void *user, const eg_row *r, eg_error *err);
	void *user;
	eg_error *err;
	eg_status status;
} walk;

static bool walk_batch(void *user, const eg_batch_run *b) {
	walk *w = user;
	for (int i = 0; i < b->fill->n && !w->status; i++) {
		eg_row r = row_of(w->samples->task, w->graph, w->samples, b, i);
		r.params = w->params;
		w->status = w->take(w->user, &r, w->err);
	}
	return !w->status;
}

eg_status eg_samples_each_row(const eg_samples *s, eg_graph *g, eg_params *p, eg_part part,
	eg_status (*take)(void *user, const eg_row *r, eg_error *err), void *user, eg_error *err) {
	walk w = {.samples = s, .graph = g, .params = p, .take = take, .user = user, .err = err};
	eg_status status = eg_each_batch(g, p, eg_task_outputs(s->task, g), s->eval_batch, s->data[part], walk_batch, &w, err);
	return w.status ? w.status : status;
}

bool eg_task_judge_walks(const eg_task_judge *j) { return j->walk || j->params; }

eg_status eg_task_judge_walk(const eg_task_judge *j, const eg_samples *s, eg_part part,
	eg_status (*take)(void *user, const eg_row *r, eg_error *err), void *user, eg_error *err) {
	if (j->walk) return j->walk(j->walker, s, part, take, user, err);
	return eg_samples_each_row(s, j->graph, j->params, part, take, user, err);
}

eg_part eg_row_part(const eg_row *r) {
	const eg_sample_part *part = r->batch->data->user;
	return (eg_part)(part - part->samples->parts);
}

eg_status eg_samples_judge_texts(
	eg_judge *judge, const eg_samples *s, const eg_batch_run *b, const char *const *texts, eg_error *err) {
	eg_task_judge *j = judge->user;
	eg_status status = EG_OK;
	for (int i = 0; i < b->fill->n && !status; i++) {
		eg_row r = row_of(j->task, j->graph, s, b, i);
		r.text = texts[i];
		status = j->task->type->judge_row(j, &r, err);
	}
	return status;
}

static void values(void *user, double *v) {
	const eg_task_judge *j = user;
	j->task->type->judge_values(j, v);
}

eg_judge *eg_samples_judge(const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	const eg_task_type *type = s->task->type;
	eg_task_judge *j = eg_calloc(NULL, 1, type->judge_size ? type->judge_size : sizeof *j);
	if (!j) {
		no_memory(err);
		return NULL;
	}
	j->task = s->task;
	j->graph = g;
	j->params = p;
	j->samples = s;
	j->base = (eg_judge){.user = j,
	        .outputs = eg_task_outputs(s->task, g),
	        .metrics = type->metrics,
	        .nmetrics = type->nmetrics,
	        .best = type->best,
	        .reset = reset,
	        .add = add,
	        .values = values};
	if (!type->judge_open || !type->judge_open(j, err)) return &j->base;
	eg_samples_judge_free(&j->base);
	return NULL;
}

int eg_judge_told(const eg_judge *j) {
	if (!j || j->nmetrics == 0) return -1;
	return j->best >= 0 ? j->best : 0;
}

void eg_samples_judge_free(eg_judge *j) {
	if (!j) return;
	if (j->add != add) {
		eg_judge_classes_free(j);
		return;
	}
	eg_task_judge *own = j->user;
	if (own->task->type->judge_close) own->task->type->judge_close(own);
	eg_release(NULL, own);
}

eg_status eg_samples_train_judges(
	const eg_samples *s, eg_graph *g, eg_judge **validation, eg_judge **train, eg_error *err) {
	const eg_task_type *type = s->task->type;
	*validation = *train = NULL;
	if (!type->quick) {
		*validation = eg_samples_judge(s, g, NULL, err);
		return *validation ? EG_OK : EG_ERR_MEMORY;
	}
	if (type->said) return EG_OK; /* no units that could be right: the loss tells it */
	const char *target = eg_task_target_input(s->task);
	*validation = eg_judge_classes_new(g, "logits", target, err);
	if (*validation) *train = eg_judge_classes_new(g, "logits", target, err);
	if (!*train) {
		eg_samples_judge_free(*validation);
		*validation = NULL;
		return EG_ERR_MEMORY;
	}
	if (type->best < 0) (*validation)->best = -1;
	return EG_OK;
}

/* ---- an evaluation ----------------------------------------------------------------------------------------------- */

struct eg_evaluation {
	const eg_task_type *type;
	double values[EG_METRICS_MOST], loss;
	int64_t total;
	int views; /* that predictions were averaged over; 0 and 1: none */
	eg_value *result;
};

/* What the network's own loss holds beside the probability of what is right. */
static void tell_holds(eg_value *result, const eg_recipe_loss_info *l) {
	char text[64] = "";
	for (int i = 0; i < l->op->nattrs && l->options; i++) {
		float v;
		if (strcmp(l->op->attrs[i].name, "label_smoothing") != 0) continue;
		memcpy(&v, (const char *)l->options + l->op->attrs[i].offset, sizeof v);
		if (v > 0) snprintf(text, sizeof text, "label smoothing %g", (double)v);
	}
	if (l->classes) snprintf(text + strlen(text), 24, "%sclass weights", text[0] ? ", " : "");
	if (text[0]) eg_value_put_text(result, "loss_holds", text);
}

/* `own`: the loss of the network itself is among the metrics. NULL: it is not. */
static eg_status tell(eg_evaluation *e, const eg_task_judge *j, const eg_recipe_loss_info *own, eg_error *err) {
	e->result = eg_value_new(EG_VALUE_MAP);
	for (int i = 0; i < e->type->nmetrics; i++) {
		const eg_metric_info *m = &e->type->metrics[i];
		eg_value_mark(
		        eg_value_put_number(e->result, m->name, e->values[i]), m->share ? EG_SHOW_SHARE : 0, NULL);
	}
	if (e->views > 1) eg_value_put_int(e->result, "views", e->views);
	if (own) tell_holds(e->result, own);
	if (e->type->judge_details) e->type->judge_details(j, e->result);
	return eg_value_whole(e->result) ? EG_OK : no_memory(err);
}

/* The network's own loss, where the task does not count it. */
static bool take_own_loss(eg_evaluation *e) {
	for (int i = 0; i < e->type->nmetrics; i++) {
		if (strcmp(e->type->metrics[i].name, "loss") != 0 || !isnan(e->values[i])) continue;
		e->values[i] = e->loss;
		return true;
	}
	return false;
}

static eg_status run(eg_evaluation *e, eg_model *m, const eg_samples *s, eg_part part, int batch, eg_error *err) {
	eg_graph *g = eg_model_graph(m);
	eg_status status = eg_task_suits(s->task, g, err);
	eg_judge *j = status ? NULL : eg_samples_judge(s, g, eg_model_params(m), err);
	if (!status && !j) status = EG_ERR_MEMORY;
	if (!status) eg_task_constrain(s->task, eg_model_params(m));
	if (!status)
		status = eg_evaluate(g, eg_model_params(m), NULL, batch > 0 ? batch : s->eval_batch, s->data[part], j,
		        &e->loss, err);
	/* None of the classes that are judged may be known to the loss. */
	if (!status && isnan(e->loss) && !s->task->type->whole_classes && ((const eg_task_judge *)j->user)->total > 0)
		status = eg_fail(err, EG_ERR_NUMERIC,
		        "the loss of these samples is not a number: their targets, or the model's answers to them, are none; "
		        "its training failed, or the samples are of another kind");
	if (!status) {
		j->values(j->user, e->values);
		bool own = take_own_loss(e);
		e->total = ((const eg_task_judge *)j->user)->total;
		status = tell(e, j->user, own ? eg_recipe_loss_at(eg_model_recipe(m), 0) : NULL, err);
	}
	eg_samples_judge_free(j);
	return status;
}

static eg_status no_part(const eg_samples *s, eg_part part, eg_error *err) {
	if (part == EG_PART_VALIDATION)
		return eg_fail(err, EG_ERR_ARG, "there are no validation %s: the model's recipe has no data.validation",
		        s->task->many);
	return eg_fail(err, EG_ERR_ARG, "these samples have not been loaded");
}

eg_status eg_evaluation_run(
	eg_model *m, const eg_samples *s, eg_part part, int batch, eg_evaluation **evaluation, eg_error *err) {
	*evaluation = NULL;
	if (!s->data[part]) return no_part(s, part, err);
	eg_evaluation *e = eg_calloc(NULL, 1, sizeof *e);
	if (!e) return no_memory(err);
	e->type = s->task->type;
	e->views = s->data[part]->views;
	eg_status status = run(e, m, s, part, batch, err);
	if (status)
		eg_evaluation_free(e);
	else
		*evaluation = e;
	return status;
}

void eg_evaluation_free(eg_evaluation *e) {
	if (!e) return;
	eg_value_free(e->result);
	eg_release(NULL, e);
}

int eg_evaluation_count(const eg_evaluation *e) { return e->type->nmetrics; }
const eg_metric_info *eg_evaluation_metric(const eg_evaluation *e, int i) {
	return i >= 0 && i < e->type->nmetrics ? &e->type->metrics[i] : NULL;
}
double eg_evaluation_value(const eg_evaluation *e, int i) {
	return i >= 0 && i < e->type->nmetrics ? e->values[i] : (double)NAN;
}
double eg_evaluation_find(const eg_evaluation *e, const char *name) {
	int i = 0;
	while (i < e->type->nmetrics && strcmp(e->type->metrics[i].name, name) != 0) i++;
	return eg_evaluation_value(e, i);
}
int64_t eg_evaluation_total(const eg_evaluation *e) { return e->total; }
const eg_value *eg_evaluation_result(const eg_evaluation *e) { return e->result; }

/* ---- answers to the data's own records --------------------------------------------------------------------------- */

typedef struct answering {
	eg_predictor *predictor;
	const eg_samples *samples;
	bool (*take)(void *user, const eg_answered *a);
	void *user;
	eg_value *answer, *truth;
	eg_error err; /* its own: that the batches were stopped is no reason */
	eg_status status;
} answering;

static bool answer_batch(void *user, const eg_batch_run *b) {
	answering *a = user;
	const eg_task *t = a->samples->task;
	for (int i = 0; i < b->fill->n && !a->status; i++) {
		eg_row r = row_of(t, eg_model_graph(eg_predictor_model(a->predictor)), a->samples, b, i);
		char number[32];
		snprintf(number, sizeof number, "%lu", (unsigned long)b->fill->items[i]);
		if (!r.name) r.name = number;
		r.params = eg_model_params(eg_predictor_model(a->predictor));
		eg_value_clear(a->answer);
		eg_value_clear(a->truth);
		a->status = eg_predictor_answer(a->predictor, t, &r, a->answer, &a->err);
		if (!a->status && t->type->truth) a->status = t->type->truth(t, &r, a->truth, &a->err);
		if (!a->status && (!eg_value_whole(a->answer) || !eg_value_whole(a->truth)))
			a->status = no_memory(&a->err);
		if (a->status) return false;
		const eg_answered one = {
		        b->fill->items[i], r.name, r.record ? r.record->group : NULL, a->answer, a->truth};
		if (!a->take(a->user, &one)) a->status = eg_fail(&a->err, EG_ERR_STOPPED, "stopped");
	}
	return !a->status;
}

eg_status eg_samples_answer(eg_predictor *p, const eg_samples *s, eg_part part,
	bool (*take)(void *user, const eg_answered *a), void *user, eg_error *err) {
	eg_model *m = eg_predictor_model(p);
	eg_graph *g = eg_model_graph(m);
	if (!s->data[part]) return no_part(s, part, err);
	eg_status status = eg_task_suits(s->task, g, err);
	if (status) return status;
	answering a = {.predictor = p, .samples = s, .take = take, .user = user};
	a.answer = eg_value_new(EG_VALUE_MAP), a.truth = eg_value_new(EG_VALUE_MAP);
	status = a.answer && a.truth ? eg_each_batch(g, eg_model_params(m), eg_task_outputs(s->task, g), s->eval_batch,
	                                       s->data[part], answer_batch, &a, err)
	                             : no_memory(err);
	eg_value_free(a.answer);
	eg_value_free(a.truth);
	if (a.status && err) *err = a.err;
	return a.status ? a.status : status;
}

/* task.c - the table of tasks, and the public functions, which hand on to the recipe's task. Each task is described in
 * a file of its own. */
#include "tasks/task.h"

#include <math.h>
#include <string.h>

#define EG_TASK(name) extern const eg_task_type eg_task_type_##name;
#include "tasks/tasks.def"
#undef EG_TASK

static const eg_task_type *const types[] = {
#define EG_TASK(name) &eg_task_type_##name,
#include "tasks/tasks.def"
#undef EG_TASK
};

/* What io/recipe.h asks for: recipes are checked with tables that they are handed. */
const char *const eg_task_names[] = {
#define EG_TASK(name) #name,
#include "tasks/tasks.def"
#undef EG_TASK
	NULL,
};
eg_key_table eg_task_data_keys(int task) { return types[task]->data; }

int eg_task_count(void) { return EG_COUNT(types); }
const eg_task_info *eg_task_at(int i) { return i >= 0 && i < EG_COUNT(types) ? &types[i]->info : NULL; }

static const eg_task_type *type_of(const eg_recipe *r) {
	int i = 0; /* the recipe's task is one of the table: eg_recipe_parse takes no other */
	while (i + 1 < EG_COUNT(types) && strcmp(eg_task_names[i], eg_recipe_task(r)) != 0) i++;
	return types[i];
}

/* ---- a recipe's task --------------------------------------------------------------------------------------------- */

eg_status eg_task_open(eg_recipe *r, eg_task **task, eg_error *err) {
	*task = NULL;
	return type_of(r)->open(r, task, err);
}

void eg_task_free(eg_task *t) {
	if (t) t->type->free(t);
}

const eg_task_info *eg_task_kind(const eg_task *t) { return &t->type->info; }
const char *eg_task_source(const eg_task *t) { return t->source; }

const char *eg_task_unit(const eg_task *t, bool one) { return one ? t->one : t->many; }
eg_part eg_task_eval_part(const eg_task *t) { return t->eval_part; }

eg_status eg_task_set_source(eg_task *t, const char *source, const char *path, eg_error *err) {
	return t->type->set_source(t, source, path, err);
}

eg_status eg_task_classes(const eg_task *t, int *classes, eg_error *err) { return t->type->classes(t, classes, err); }
eg_status eg_task_fits(const eg_task *t, eg_error *err) { return t->type->fits(t, err); }

eg_status eg_task_shape(const eg_task *t, int shape[3], eg_error *err) {
	if (t->type->shape) return t->type->shape(t, shape, err);
	return eg_fail(err, EG_ERR_ARG, "a network of the task '%s' takes no pictures", t->type->info.name);
}

eg_status eg_task_suits(const eg_task *t, eg_graph *g, eg_error *err) {
	return t->type->suits ? t->type->suits(t, g, err) : EG_OK;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

eg_status eg_samples_load(const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err) {
	*samples = NULL;
	return t->type->load(t, part, model, samples, err);
}

void eg_samples_free(eg_samples *s) {
	if (s) s->type->free_samples(s);
}

const eg_dataset *eg_samples_get(const eg_samples *s, eg_part part) { return s->parts[part]; }
int64_t eg_samples_count(const eg_samples *s, eg_part part) { return s->parts[part] ? s->parts[part]->count : 0; }
int64_t eg_samples_units(const eg_samples *s, eg_part part) { return s->parts[part] ? s->units[part] : 0; }
int eg_samples_classes(const eg_samples *s) { return s->classes; }

void eg_samples_describe(const eg_samples *s, eg_model_parts *parts) {
	parts->classes = s->class_names;
	parts->nclasses = s->classes;
	parts->mean = s->mean;
	parts->std = s->std;
	parts->nmean = s->nmean;
	parts->border = s->nmean < 1 || isnan(s->border) ? NULL : &s->border;
	parts->vocab = s->vocab;
}

/* ---- how well a model does --------------------------------------------------------------------------------------- */

void eg_evaluation_put(eg_evaluation *e, const char *name, double value, bool share, const char *about) {
	if (e->n >= EG_MAX_METRICS) return;
	eg_metric *m = &e->metrics[e->n++];
	*m = (eg_metric){.name = name, .value = value, .share = share};
	if (about) snprintf(m->about, sizeof m->about, "%s", about);
}

static eg_status run(
	eg_evaluation *e, eg_model *m, const eg_samples *s, eg_part part, int batch, eg_error *err) {
	eg_graph *g = eg_model_graph(m);
	int n = eg_model_classes(m);
	e->type = s->type;
	e->one = s->one;
	if (s->classes > 0) e->confusion = s->type->no_matrix ? eg_confusion_new_slim(n) : eg_confusion_new(n);
	if (s->classes > 0 && !e->confusion) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
	if (batch <= 0) batch = s->eval_batch;
	if (s->type->evaluate) return s->type->evaluate(e, m, s->parts[part], batch, err);
	eg_judge *j = e->confusion ? eg_judge_confusion_new(g, "logits", "target", e->confusion, err) : NULL;
	if (e->confusion && !j) return EG_ERR_ARG;
	eg_status status = eg_evaluate(g, eg_model_params(m), NULL, batch, s->parts[part], j, &e->loss, err);
	eg_judge_classes_free(j);
	if (!status) s->type->measure(e);
	return status;
}

eg_status eg_evaluation_run(
	eg_model *m, const eg_samples *s, eg_part part, int batch, eg_evaluation **evaluation, eg_error *err) {
	*evaluation = NULL;
	if (!s->parts[part] && part == EG_PART_VALIDATION)
		return eg_fail(err, EG_ERR_ARG, "there are no validation %s: the model's recipe has no data.validation",
			s->many);
	if (!s->parts[part]) return eg_fail(err, EG_ERR_ARG, "these samples have not been loaded");
	if (s->classes > eg_model_classes(m))
		return eg_fail(err, EG_ERR_SHAPE, "the data has %d classes, the model knows %d", s->classes,
			eg_model_classes(m));
	eg_evaluation *e = eg_calloc(NULL, 1, sizeof *e);
	if (!e) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
	eg_status status = run(e, m, s, part, batch, err);
	if (status)
		eg_evaluation_free(e);
	else
		*evaluation = e;
	return status;
}

void eg_evaluation_free(eg_evaluation *e) {
	if (!e) return;
	eg_confusion_free(e->confusion);
	eg_release(NULL, e);
}

static const eg_metric *metric(const eg_evaluation *e, int i) { return i >= 0 && i < e->n ? &e->metrics[i] : NULL; }

int eg_evaluation_count(const eg_evaluation *e) { return e->n; }
const char *eg_evaluation_name(const eg_evaluation *e, int i) { return metric(e, i) ? metric(e, i)->name : NULL; }
double eg_evaluation_value(const eg_evaluation *e, int i) { return metric(e, i) ? metric(e, i)->value : (double)NAN; }
bool eg_evaluation_is_share(const eg_evaluation *e, int i) { return metric(e, i) && metric(e, i)->share; }
const char *eg_evaluation_about(const eg_evaluation *e, int i) { return metric(e, i) ? metric(e, i)->about : NULL; }
int64_t eg_evaluation_total(const eg_evaluation *e) {
	return e->confusion ? eg_confusion_total(e->confusion) : e->total;
}
const eg_confusion *eg_evaluation_confusion(const eg_evaluation *e) { return e->type->no_matrix ? NULL : e->confusion; }

double eg_evaluation_find(const eg_evaluation *e, const char *name) {
	int i = 0;
	while (i < e->n && strcmp(e->metrics[i].name, name) != 0) i++;
	return eg_evaluation_value(e, i);
}

/* ---- answers and writing ----------------------------------------------------------------------------------------- */

static eg_status cannot(const eg_task_type *type, const char *what, eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "a model of the task '%s' %s; it is for 'engram %s' (%s)", type->info.name,
		what, type->info.verb, type->info.doc);
}

eg_status eg_predictor_new(eg_model *m, const eg_predict_options *options, eg_predictor **predictor, eg_error *err) {
	static const eg_predict_options none = {.invert = EG_INVERT_NO};
	const eg_task_type *type = type_of(eg_model_recipe(m));
	*predictor = NULL;
	if (type->new_predictor) return type->new_predictor(m, options ? options : &none, predictor, err);
	return cannot(type, "gives no answers", err);
}

void eg_predictor_free(eg_predictor *p) {
	if (p) p->type->free_predictor(p);
}

eg_status eg_predictor_file(eg_predictor *p, const char *path, eg_prediction *out, eg_error *err) {
	*out = (eg_prediction){0};
	return p->type->predict(p, path, out, err);
}

eg_status eg_generator_new(eg_model *m, const eg_generate_options *options, eg_generator **generator, eg_error *err) {
	static const eg_generate_options plain = {.temperature = 1};
	const eg_task_type *type = type_of(eg_model_recipe(m));
	*generator = NULL;
	if (type->new_generator) return type->new_generator(m, options ? options : &plain, generator, err);
	return cannot(type, "does not write text", err);
}

/* classify.c - the task `classify`: which one of several classes a record belongs to: what a picture shows, what a
 * sentence means. The network's output "logits" has a number for each class; its softmax is their probabilities. */
#include "tasks/task.h"

#include <math.h>
#include <string.h>

typedef struct answer_options {
	eg_answer_options base;
	int top;
	double sure;
} answer_options;

static const eg_key option_keys[] = {
	{.name = "top",
		.type = EG_KEY_INT,
		.offset = offsetof(answer_options, top),
		.min = 1,
		.max = 65536,
		.def = 3,
		.doc = "how many classes to tell, the likeliest first (default: 3)"},
	{.name = "sure",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(answer_options, sure),
		.min = 0,
		.max = 1,
		.def = 0,
		.doc = "an answer of a smaller probability is marked as unknown (default: 0, none is)"},
};

static const char *unit_of(const eg_task *t, bool one) {
	switch (t->intakes[0]->type->kind) {
	case EG_FIELD_PICTURE: return one ? "picture" : "pictures";
	case EG_FIELD_TEXT:
	case EG_FIELD_TOKENS: return one ? "text" : "texts";
	default: return one ? "sample" : "samples";
	}
}

static eg_status open_task(eg_task *t, eg_error *err) {
	EG_UNUSED(err);
	t->one = unit_of(t, true), t->many = unit_of(t, false);
	return EG_OK;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_tensor target = eg_graph_find(g, eg_task_target_input(t));
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits")), y = eg_tensor_dims(g, target);
	const bool soft = eg_recipe_loss_at(t->recipe, 0)->soft && y.rank == 2 && eg_tensor_dtype(g, target) == EG_F32;
	if (d.rank == 2 && d.d[0] == EG_N && (soft || (y.rank == 1 && eg_tensor_dtype(g, target) == EG_I32))) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
	        "to classify, a network puts out one number for each class, for a whole sample: end with `linear: "
	        "classes` "
	        "(of a sequence behind `last` or `mean_time`), and take a loss of classes (loss: cross_entropy)");
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_confusion *counts;
	double *p;   /* of one row */
	double loss; /* of averaged probabilities, summed */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "accuracy", .doc = "", .share = true},
	{.name = "top3", .doc = "the right class is among the three likeliest", .share = true},
	{.name = "top5", .doc = "among the five likeliest", .share = true},
	{.name = "macro_f1", .doc = "mean over the classes", .share = true},
	{.name = "loss", .doc = "", .lower_is_better = true},
};

static const eg_lexicon *names_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }

static eg_status judge_open(eg_task_judge *j, eg_error *err) {
	judge *own = (judge *)j;
	own->counts = eg_confusion_new(names_of(j->task)->n);
	own->p = eg_calloc(NULL, (size_t)names_of(j->task)->n, sizeof *own->p);
	return own->counts && own->p ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
}

static void judge_close(eg_task_judge *j) {
	eg_confusion_free(((judge *)j)->counts);
	eg_release(NULL, ((judge *)j)->p);
}

static void judge_reset(eg_task_judge *j) {
	eg_confusion_reset(((judge *)j)->counts);
	((judge *)j)->loss = 0;
}

/* The record's own label: the input may hold shares of classes. */
static int32_t label_of(const eg_task *t, const eg_row *r) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	return d ? eg_intake_label(eg_task_target(t), d->label) : -1;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	EG_UNUSED(err);
	const int32_t label = label_of(j->task, r);
	j->total += label >= 0;
	judge *own = (judge *)j;
	const eg_real *logits = eg_row_output(r, "logits", 0, NULL);
	eg_confusion_add(own->counts, logits, &label, 1);
	if (j->task->views && label >= 0 && eg_softmax(logits, names_of(j->task)->n, own->p)) own->loss -= log(own->p[label]);
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const eg_confusion *c = ((const judge *)j)->counts;
	v[0] = eg_confusion_accuracy(c);
	v[1] = eg_confusion_topk(c, 3);
	v[2] = eg_confusion_topk(c, 5);
	v[3] = eg_confusion_macro_f1(c);
	/* the network's own, or, where views are averaged, the logarithm of what it says of the right class */
	v[4] = j->task->views && j->total > 0 ? ((const judge *)j)->loss / (double)j->total : (double)NAN;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	eg_put_classes(map, ((const judge *)j)->counts, names_of(j->task));
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The likeliest of those that are not told yet; the first among equals. */
static int next_likely(const double *p, const bool *told, int n) {
	int best = -1;
	for (int k = 0; k < n; k++)
		if (!told[k] && (best < 0 || p[k] > p[best])) best = k;
	return best;
}

static eg_status answer(
	const eg_task *t, const eg_answer_options *options, const eg_row *r, eg_value *out, eg_error *err) {
	const answer_options *o = (const answer_options *)options;
	const eg_lexicon *names = names_of(t);
	int n = names->n, top = o->top > 0 ? o->top : 3;
	double *p = eg_calloc(NULL, (size_t)n, sizeof *p);
	bool *told = eg_calloc(NULL, (size_t)n, sizeof *told);
	eg_status status = p && told ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for an answer");
	if (!status && !eg_softmax(eg_row_output(r, "logits", 0, NULL), n, p))
		status = eg_fail(err, EG_ERR_NUMERIC,
		        "the network's answer is not a number; the model is damaged or its training failed");
	eg_value *list = NULL;
	for (int i = 0; i < n && i < top && !status; i++) {
		int k = next_likely(p, told, n);
		told[k] = true;
		if (i == 0) {
			eg_value_mark(eg_value_put_text(out, "class", names->at[k]), EG_SHOW_NOT, NULL);
			eg_value_mark(eg_value_put_number(out, "probability", p[k]), EG_SHOW_NOT, NULL);
			eg_value_mark(eg_value_put_bool(out, "known", p[k] >= o->sure), EG_SHOW_NOT, NULL);
			list = eg_value_put_list(out, "classes");
		}
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_mark(eg_value_put_text(one, "class", names->at[k]), i == 0 ? EG_SHOW_STRONG : 0, NULL);
		eg_value_mark(eg_value_put_number(one, "probability", p[k]), EG_SHOW_PROBABILITY, NULL);
	}
	bool unknown = !eg_value_bool(eg_value_get(out, "known"), true);
	if (!status && unknown) eg_value_mark(eg_value_put_text(out, "note", "(unknown)"), 0, NULL);
	eg_release(NULL, p);
	eg_release(NULL, told);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	EG_UNUSED(err);
	int32_t label = label_of(t, r);
	eg_value_put_text(out, "class", label >= 0 ? names_of(t)->at[label] : NULL);
	return EG_OK;
}

const eg_task_type eg_task_type_classify = {
	.info = {.name = "classify",
		.doc = "which one of several classes a picture or a text belongs to",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM), texts",
		.answer = "the likeliest classes with their probabilities",
		.judged = "Of a classifier: shows it samples whose classes are known, and counts: accuracy; how\n"
			  "often the right class is among the three likeliest; for each class precision (of those\n"
			  "it calls so, how many are), recall (of those that are, how many it finds) and F1, the\n"
			  "harmonic mean of both; and what is taken for what."},
	.inputs = EG_KIND(PICTURE) | EG_KIND(TEXT) | EG_KIND(TOKENS) | EG_KIND(NUMBERS) | EG_KIND(SERIES),
	.targets = EG_KIND(LABEL),
	.needs = "something to be told (a picture, a text, numbers) with a label",
	.open = open_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.quick = true,
	.averaged = "logits",
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(answer_options),
	.answer = answer,
	.truth = truth,
};

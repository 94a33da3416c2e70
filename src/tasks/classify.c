/* classify.c - the task `classify`: which one of several classes a record belongs to: what a picture shows, what a
 * sentence means. The network's output "logits" has a number for each class; its softmax is their probabilities.
 *
 * With data.unknown what is of none of the classes is told as such: where the network is less sure than of most
 * validation samples. The limit is set when the training is over, and kept in the model. With data.ensemble a simple
 * model answers with the network (ensemble.h), and what stands here of logits is of both. */
#include "tasks/ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How sure the network is of an answer: what is compared with a limit that validation samples set. */
enum { SCORE_PROBABILITY, SCORE_MARGIN, SCORE_ENERGY };
static const char *const score_names[] = {"probability", "margin", "energy", NULL};

typedef struct refusing {
	double false_alarms; /* share of what it knows that may be refused; 0: nothing is refused */
	int score;
} refusing;

typedef struct classify {
	eg_task base;
	refusing unknown;
	eg_ensemble_keys ensemble;
	eg_ensemble *both; /* NULL: the network answers alone */
	bool settled;      /* the limit is known */
	double limit;      /* what has a smaller score is unknown */
} classify;

static const eg_key unknown_keys[] = {
	{.name = "false_alarms",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(refusing, false_alarms),
		.min = 0.0001,
		.max = 0.5,
		.def = NAN,
		.required = true,
		.doc = "share of the validation samples, which all are of a class, that is refused: it sets the limit"},
	{.name = "score",
		.type = EG_KEY_ENUM,
		.offset = offsetof(refusing, score),
		.names = score_names,
		.def = SCORE_PROBABILITY,
		.doc = "how sure the network is: probability of the likeliest class (default); margin: how far it is before the "
		       "second; energy: logarithm of the sum of e to all logits"},
};
static const eg_variant unknown_map = {.keys = unknown_keys, .nkeys = EG_COUNT(unknown_keys)};
static const eg_key data_keys[] = {
	{.name = "unknown",
		.type = EG_KEY_MAP,
		.offset = offsetof(classify, unknown),
		.def = NAN,
		.doc = "classify: what is of none of the classes is told as unknown, when the network is less sure of it than of "
		       "most validation samples",
		.variants = &unknown_map},
	{.name = "ensemble",
		.type = EG_KEY_MAP,
		.offset = offsetof(classify, ensemble),
		.def = NAN,
		.doc = "classify, of texts: a simple model, trained on the same samples, answers together with the network",
		.variants = &eg_ensemble_map},
};

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
	case EG_FIELD_SOUND: return one ? "recording" : "recordings";
	case EG_FIELD_FRAMES: return one ? "film" : "films";
	default: return one ? "sample" : "samples";
	}
}

static const eg_lexicon *names_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }

/* The record's own label: the input may hold shares of classes. */
static int32_t label_of(const eg_task *t, const eg_row *r) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	return d ? eg_intake_label(eg_task_target(t), d->label) : -1;
}

eg_ensemble *eg_classify_ensemble(const eg_task *t) { return ((const classify *)t)->both; }

/* Logits of the row: the network's, or of both; NULL: out of memory. */
static const eg_real *logits_of(const eg_task *t, const eg_row *r, eg_error *err) {
	return eg_ensemble_logits(((const classify *)t)->both, t, r, err);
}

static eg_status open_task(eg_task *t, eg_error *err) {
	const eg_ensemble_keys *k = &((const classify *)t)->ensemble;
	t->one = unit_of(t, true), t->many = unit_of(t, false);
	return k->floors.n ? eg_ensemble_check(t, k, err) : EG_OK;
}

static void close_task(eg_task *t) { eg_ensemble_free(((classify *)t)->both); }

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

/* ---- what is of none of the classes ------------------------------------------------------------------------------ */

static bool refuses_some(const eg_task *t) { return ((const classify *)t)->unknown.false_alarms > 0; }
static bool settles(const eg_task *t) { return refuses_some(t) || ((const classify *)t)->ensemble.floors.n; }

static eg_status can_settle(const eg_task *t, bool folds, bool validation, eg_error *err) {
	const eg_ensemble_keys *k = &((const classify *)t)->ensemble;
	if (k->floors.n && eg_ensemble_can_settle(t, k, folds, validation, err)) return EG_ERR_ARG;
	if (!refuses_some(t) || validation) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "'unknown' sets its limit by validation samples: data.validation must be above 0, such as 0.1");
	eg_recipe_locate(t->recipe, "data.unknown", err);
	return EG_ERR_ARG;
}

/* p: room for n; then the probabilities. NAN: the logits are no numbers. */
static double score_of(const eg_task *t, const eg_real *logits, int n, double *p) {
	const int best = eg_argmax(logits, n);
	if (!eg_softmax(logits, n, p)) return (double)NAN;
	switch (((const classify *)t)->unknown.score) {
	case SCORE_MARGIN: {
		double second = 0;
		for (int k = 0; k < n; k++)
			if (k != best && p[k] > second) second = p[k];
		return p[best] - second;
	}
	case SCORE_ENERGY: return (double)logits[best] - log(p[best]);
	default: return p[best];
	}
}

static bool refuses(const eg_task *t, const eg_real *logits, int n, double *p) {
	const classify *c = (const classify *)t;
	return c->settled && !(score_of(t, logits, n, p) >= c->limit);
}

typedef struct scores {
	const eg_task *task;
	double *at, *p;
	int64_t n;
} scores;

static eg_status note_score(void *user, const eg_row *r, eg_error *err) {
	scores *s = user;
	const eg_real *logits = logits_of(s->task, r, err);
	if (!logits) return EG_ERR_MEMORY;
	if (label_of(s->task, r) >= 0) s->at[s->n++] = score_of(s->task, logits, names_of(s->task)->n, s->p);
	return EG_OK;
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The largest limit below which there are no more of the validation samples than may be. */
static eg_status settle_limit(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	classify *c = (classify *)t;
	scores all = {.task = t};
	all.at = eg_calloc(NULL, (size_t)eg_samples_count(s, EG_PART_VALIDATION) + 1, sizeof *all.at);
	all.p = eg_calloc(NULL, (size_t)names_of(t)->n, sizeof *all.p);
	eg_status status = all.at && all.p ? eg_samples_each_row(s, g, p, EG_PART_VALIDATION, note_score, &all, err)
	                                   : eg_fail(err, EG_ERR_MEMORY, "out of memory for scores");
	for (int64_t i = 0; i < all.n && !status; i++)
		if (isnan(all.at[i])) status = eg_fail(err, EG_ERR_NUMERIC, "the network's answers are not numbers");
	if (!status && all.n == 0)
		status = eg_fail(err, EG_ERR_ARG, "data.unknown: no validation sample has a class: there is nothing to set its limit by");
	if (!status) {
		qsort(all.at, (size_t)all.n, sizeof *all.at, rising);
		c->limit = all.at[(int64_t)(c->unknown.false_alarms * (double)all.n)];
		c->settled = true;
	}
	eg_release(NULL, all.at);
	eg_release(NULL, all.p);
	return status;
}

/* The limit is one of what both say. */
static eg_status settle(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	classify *c = (classify *)t;
	eg_status status = c->ensemble.floors.n ? eg_ensemble_settle(&c->ensemble, s, g, p, &c->both, err) : EG_OK;
	return status || !refuses_some(t) ? status : settle_limit(t, s, g, p, err);
}

static void save(const eg_task *t, eg_value *map) {
	const classify *c = (const classify *)t;
	if (c->both) eg_ensemble_save(c->both, map);
	if (c->settled) eg_value_put_number(eg_value_put_map(map, "unknown"), "limit", c->limit);
}

static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	classify *c = (classify *)t;
	const eg_value *limit = eg_value_get(eg_value_get(map, "unknown"), "limit"), *both = eg_value_get(map, "ensemble");
	/* a checkpoint has none yet */
	eg_status status =
	        both && c->ensemble.floors.n ? eg_ensemble_restore(both, c->ensemble.floors, names_of(t)->n, &c->both, err) : EG_OK;
	if (status) return status;
	c->settled = limit != NULL && refuses_some(t);
	c->limit = eg_value_number(limit, (double)NAN);
	eg_intake_allow_unknown(eg_task_target(t), c->settled);
	if (!c->settled || isfinite(c->limit)) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "damaged: the limit of what is unknown is not a number");
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_confusion *counts;
	double *p;   /* of one row */
	double loss; /* of averaged probabilities, or of both of an ensemble, summed */
	int64_t right[1 + EG_ENSEMBLE_FLOORS]; /* that each of an ensemble has by itself */
	int64_t known, alarms, others, found; /* of a class, and those refused; of none, and those refused */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "accuracy", .doc = "", .share = true},
	{.name = "top3", .doc = "the right class is among the three likeliest", .share = true},
	{.name = "top5", .doc = "among the five likeliest", .share = true},
	{.name = "macro_f1", .doc = "mean over the classes", .share = true},
	{.name = "loss", .doc = "", .lower_is_better = true},
};

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
	judge *own = (judge *)j;
	eg_confusion_reset(own->counts);
	own->loss = 0;
	memset(own->right, 0, sizeof own->right);
	own->known = own->alarms = own->others = own->found = 0;
}

/* What is of a class, and what is of none, as the data's label 'unknown' says. */
static void judge_refusal(judge *own, const eg_row *r, const eg_real *logits, int32_t label) {
	const eg_task *t = own->base.task;
	const bool refused = refuses(t, logits, names_of(t)->n, own->p), none = label < 0 && eg_row_datum(t, r, t->ninputs);
	own->known += label >= 0;
	own->alarms += label >= 0 && refused;
	own->others += none;
	own->found += none && refused;
}

/* Which of them have it right by themselves? */
static void judge_each(judge *own, const eg_row *r, int32_t label) {
	const eg_ensemble *e = ((const classify *)own->base.task)->both;
	for (int i = 0; i < e->nfloors; i++) {
		int best = 0;
		for (int k = 1; k < e->classes; k++)
			if (e->said[i][k] > e->said[i][best]) best = k;
		own->right[1 + i] += best == label;
	}
	own->right[0] += eg_argmax(eg_row_output(r, "logits", 0, NULL), e->classes) == label;
}

/* Is the loss another one than the network's own? */
static bool own_loss(const eg_task *t) { return t->views || ((const classify *)t)->both; }

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	const classify *c = (const classify *)j->task;
	const int32_t label = label_of(j->task, r);
	judge *own = (judge *)j;
	const eg_real *logits = logits_of(j->task, r, err);
	if (!logits) return EG_ERR_MEMORY;
	j->total += label >= 0;
	if (c->both && !r->said && label >= 0) judge_each(own, r, label);
	if (c->settled) judge_refusal(own, r, logits, label);
	eg_confusion_add(own->counts, logits, &label, 1);
	if (own_loss(j->task) && label >= 0 && eg_softmax(logits, names_of(j->task)->n, own->p)) own->loss -= log(own->p[label]);
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const eg_confusion *c = ((const judge *)j)->counts;
	v[0] = eg_confusion_accuracy(c);
	v[1] = eg_confusion_topk(c, 3);
	v[2] = eg_confusion_topk(c, 5);
	v[3] = eg_confusion_macro_f1(c);
	/* the network's own, or the logarithm of what is said of the right class by views, or an ensemble */
	v[4] = own_loss(j->task) && j->total > 0 ? ((const judge *)j)->loss / (double)j->total : (double)NAN;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	const eg_ensemble *e = ((const classify *)j->task)->both;
	if (e) {
		eg_value *v = eg_value_put_map(map, "ensemble");
		double share[1 + EG_ENSEMBLE_FLOORS] = {0};
		for (int i = 0; i <= e->nfloors; i++) share[i] = (double)own->right[i] / (double)j->total;
		eg_ensemble_put(v, e);
		eg_value_mark(eg_value_put_number(v, "network_accuracy", share[0]), EG_SHOW_SHARE, NULL);
		eg_ensemble_put_floors(v, "floor_accuracy", e, share + 1, EG_SHOW_SHARE);
	}
	if (((const classify *)j->task)->settled) {
		const double none = (double)NAN;
		const double recall = own->others ? (double)own->found / (double)own->others : none;
		const double alarms = own->known ? (double)own->alarms / (double)own->known : none;
		eg_value_mark(eg_value_put_number(map, "unknown_recall", recall), EG_SHOW_SHARE, NULL);
		eg_value_mark(eg_value_put_number(map, "false_alarms", alarms), EG_SHOW_SHARE, NULL);
	}
	eg_put_classes(map, own->counts, names_of(j->task));
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The likeliest of those that are not told yet; the first among equals. */
static int next_likely(const double *p, const bool *told, int n) {
	int best = -1;
	for (int k = 0; k < n; k++)
		if (!told[k] && (best < 0 || p[k] > p[best])) best = k;
	return best;
}

/* What each of an ensemble says of the class that all have chosen. p: room. */
static void answer_each(const eg_task *t, const eg_row *r, double *p, int k, eg_value *out) {
	const eg_ensemble *e = ((const classify *)t)->both;
	if (!e || !eg_softmax(eg_row_output(r, "logits", 0, NULL), e->classes, p)) return;
	eg_value *v = eg_value_mark(eg_value_put_map(out, "ensemble"), EG_SHOW_NOT, NULL);
	double says[EG_ENSEMBLE_FLOORS];
	for (int i = 0; i < e->nfloors; i++) says[i] = exp(e->said[i][k]);
	eg_ensemble_put(v, e);
	eg_value_put_number(v, "network_probability", p[k]);
	eg_ensemble_put_floors(v, "floor_probability", e, says, 0);
}

static eg_status answer(
	const eg_task *t, const eg_answer_options *options, const eg_row *r, eg_value *out, eg_error *err) {
	const answer_options *o = (const answer_options *)options;
	const eg_lexicon *names = names_of(t);
	int n = names->n, top = o->top > 0 ? o->top : 3;
	double *p = eg_calloc(NULL, (size_t)n, sizeof *p);
	bool *told = eg_calloc(NULL, (size_t)n, sizeof *told);
	const eg_real *logits = p && told ? logits_of(t, r, err) : NULL;
	eg_status status = logits ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for an answer");
	const bool refused = !status && refuses(t, logits, n, p);
	if (!status && !eg_softmax(logits, n, p))
		status = eg_fail(err, EG_ERR_NUMERIC,
		        "the network's answer is not a number; the model is damaged or its training failed");
	eg_value *list = NULL;
	for (int i = 0; i < n && i < top && !status; i++) {
		int k = next_likely(p, told, n);
		told[k] = true;
		if (i == 0) {
			eg_value_mark(eg_value_put_text(out, "class", names->at[k]), EG_SHOW_NOT, NULL);
			eg_value_mark(eg_value_put_number(out, "probability", p[k]), EG_SHOW_NOT, NULL);
			eg_value_mark(eg_value_put_bool(out, "known", p[k] >= o->sure && !refused), EG_SHOW_NOT, NULL);
			list = eg_value_put_list(out, "classes");
		}
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_mark(eg_value_put_text(one, "class", names->at[k]), i == 0 ? EG_SHOW_STRONG : 0, NULL);
		eg_value_mark(eg_value_put_number(one, "probability", p[k]), EG_SHOW_PROBABILITY, NULL);
	}
	if (!status) answer_each(t, r, p, eg_argmax(logits, n), out);
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

static const char *const settled[] = {"unknown", "ensemble", NULL};

const eg_task_type eg_task_type_classify = {
	.info = {.name = "classify",
		.doc = "which one of several classes a picture or a text belongs to",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM), texts, recordings, films (Y4M, folders\n"
			 "of frames)",
		.answer = "the likeliest classes with their probabilities",
		.judged = "Of a classifier: shows it samples whose classes are known, and counts: accuracy; how\n"
			  "often the right class is among the three likeliest; for each class precision (of those\n"
			  "it calls so, how many are), recall (of those that are, how many it finds) and F1, the\n"
			  "harmonic mean of both; and what is taken for what."},
	.size = sizeof(classify),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(PICTURE) | EG_KIND(TEXT) | EG_KIND(TOKENS) | EG_KIND(NUMBERS) | EG_KIND(SERIES) | EG_KIND(SOUND) | EG_KIND(FRAMES),
	.targets = EG_KIND(LABEL),
	.needs = "something to be told (a picture, a text, numbers) with a label",
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.quick = true,
	.spare_class = true,
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
	.settles = settles,
	.can_settle = can_settle,
	.settle = settle,
	.settled = settled,
	.save = save,
	.restore = restore,
};

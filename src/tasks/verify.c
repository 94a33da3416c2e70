/* verify.c - the task `verify`: are two pictures of one person, also of one that nothing was trained on? The network
 * makes an embedding of each (embedding.h); two that are nearer than a threshold are the same.
 *
 * Whole persons validate: none of them is trained on. Of all pairs of their pictures the threshold is learnt when the
 * training is over (pairs.h), for the share of false accepts that the recipe asks for and for some others, and how
 * sure a distance is; the model keeps them, and verifier.c reads them.
 *
 * It is judged by all pairs of the judged pictures, by the same with the lower part of every picture hidden, and by
 * whom the nearest picture shows: in the training part, where that shows all who are asked about, else among the
 * others. */
#include "tasks/pairs.h"

#include <math.h>
#include <string.h>

typedef struct verify {
	eg_task base;
	int distance;
	double false_accepts, hidden;
	eg_shelf *shelf;
	eg_value *learnt; /* what is kept of validation pairs; NULL: nothing */
} verify;

static const char *const distances[] = {"cosine", "euclidean", NULL}; /* as eg_distance */

static const eg_key data_keys[] = {
	{.name = "distance",
		.type = EG_KEY_ENUM,
		.offset = offsetof(verify, distance),
		.names = distances,
		.def = EG_DISTANCE_COSINE,
		.doc = "verify: how embeddings are compared; cosine: by their angle (default), euclidean: by the length of what "
		       "lies between"},
	{.name = "false_accepts",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(verify, false_accepts),
		.min = 1e-6,
		.max = 0.5,
		.def = NAN,
		.doc = "verify: share of the pairs of two persons that may be taken for one; it sets the threshold, by the "
		       "validation pairs (0.01)"},
	{.name = "hidden",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(verify, hidden),
		.min = EG_ABOVE_0,
		.max = 0.9,
		.def = NAN,
		.doc = "verify: share of every picture, its lowest rows, that is hidden where eer_masked is measured (0.4)"},
};

static eg_distance distance_of(const eg_task *t) { return (eg_distance)((const verify *)t)->distance; }
eg_distance eg_verify_distance(const eg_task *t) { return distance_of(t); }
double eg_verify_rate(const eg_task *t) { return ((const verify *)t)->false_accepts; }

static void set_defaults(eg_task *t) {
	verify *v = (verify *)t;
	v->distance = EG_DISTANCE_COSINE;
	v->false_accepts = 0.01, v->hidden = 0.4;
}

static eg_status open_task(eg_task *t, eg_error *err) {
	verify *v = (verify *)t;
	const bool pictures = t->intakes[0]->type->kind == EG_FIELD_PICTURE;
	t->one = pictures ? "picture" : "sample", t->many = pictures ? "pictures" : "samples";
	if (eg_task_target(t)) eg_intake_allow_others(eg_task_target(t)); /* than those of training are judged */
	if (!v->shelf) v->shelf = eg_calloc(NULL, 1, sizeof *v->shelf);
	return v->shelf ? EG_OK : eg_embedding_no_memory(err);
}

static void close_task(eg_task *t) {
	verify *v = (verify *)t;
	if (v->shelf) eg_shelf_clear(v->shelf);
	eg_release(NULL, v->shelf);
	eg_value_free(v->learnt);
	v->shelf = NULL, v->learnt = NULL;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) { return eg_embedding_suits(t, g, "to verify", err); }

/* ---- what is learnt of validation pairs -------------------------------------------------------------------------- */

typedef struct gathering {
	const eg_task *task;
	eg_embedded all;
} gathering;

static eg_status gather(void *user, const eg_row *r, eg_error *err) {
	gathering *g = user;
	const int32_t label = eg_embedding_label(g->task, r);
	return label < 0 ? EG_OK : eg_embedded_add(&g->all, g->task, r, label, err);
}

static void put_threshold(eg_value *list, const eg_pairs *p, double rate) {
	const double threshold = eg_pairs_threshold(p, rate);
	eg_value *one = eg_value_put_map(list, NULL);
	eg_value_put_number(one, "false_accepts", rate);
	eg_value_put_number(one, "threshold", threshold);
	eg_value_put_number(one, "true_accepts", eg_pairs_accepted(p->same, p->nsame, threshold));
}

/* A rate is told where there are pairs enough for one false accept. */
static void learn(verify *v, const eg_pairs *p) {
	static const double rates[] = {0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5,
		5e-6, 2e-6, 1e-6};
	const eg_sureness s = eg_pairs_sureness(p);
	v->learnt = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v->learnt, "same", p->nsame);
	eg_value_put_int(v->learnt, "other", p->nother);
	eg_value_put_number(v->learnt, "a", s.a);
	eg_value_put_number(v->learnt, "b", s.b);
	eg_value *list = eg_value_put_list(v->learnt, "thresholds");
	bool put = false;
	for (int i = 0; i < EG_COUNT(rates) && rates[i] * (double)p->nother >= 1; i++) {
		if (!put && rates[i] < v->false_accepts && v->false_accepts * (double)p->nother >= 1)
			put_threshold(list, p, v->false_accepts), put = true;
		put = put || rates[i] == v->false_accepts;
		put_threshold(list, p, rates[i]);
	}
	if (!put && v->false_accepts * (double)p->nother >= 1) put_threshold(list, p, v->false_accepts);
}

/* Without validation samples a model has no threshold, and says so when it is asked for one. */
static eg_status settle(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	verify *v = (verify *)t;
	gathering all = {.task = t};
	eg_pairs pairs = {0};
	if (eg_samples_count(s, EG_PART_VALIDATION) < 1) return EG_OK;
	eg_status status = eg_samples_each_row(s, g, p, EG_PART_VALIDATION, gather, &all, err);
	if (!status) status = eg_pairs_make(&all.all, distance_of(t), &pairs, err);
	if (!status) {
		eg_value_free(v->learnt);
		v->learnt = NULL;
		if (pairs.nsame && pairs.nother) learn(v, &pairs);
	}
	eg_pairs_free(&pairs);
	eg_embedded_free(&all.all);
	return status;
}

static void save(const eg_task *t, eg_value *map) {
	const verify *v = (const verify *)t;
	if (v->learnt) eg_value_put_copy(map, "verify", v->learnt);
}

static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	verify *v = (verify *)t;
	const eg_value *learnt = eg_value_get(map, "verify");
	eg_value_free(v->learnt);
	v->learnt = NULL;
	if (!learnt) return EG_OK;
	v->learnt = eg_value_new(EG_VALUE_MAP);
	for (const eg_value *c = eg_value_first(learnt); c; c = eg_value_next(c)) eg_value_put_copy(v->learnt, eg_value_key(c), c);
	return eg_value_whole(v->learnt) ? EG_OK : eg_embedding_no_memory(err);
}

/* The model's threshold at the recipe's rate; NAN: it has none. */
static double threshold_of(const verify *v) {
	const eg_value *list = eg_value_get(v->learnt, "thresholds");
	for (const eg_value *c = eg_value_first(list); c; c = eg_value_next(c))
		if (eg_value_number(eg_value_get(c, "false_accepts"), 2) <= v->false_accepts)
			return eg_value_number(eg_value_get(c, "threshold"), (double)NAN);
	return (double)NAN;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_embedded all, masked;
	eg_gallery gallery, own; /* the training part, and what is judged */
	int64_t *found, *of;     /* by class: whose nearest is of the same */
	int classes;
	bool begun, among_own;
	eg_part judged;
	/* of `values`, for the details */
	int64_t same, other;
	double accepted, refused; /* at the model's threshold */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "eer", .doc = "equal error rate of all pairs", .share = true, .lower_is_better = true},
	{.name = "eer_masked", .doc = "the same where the lower part of every picture is hidden", .share = true, .lower_is_better = true},
	{.name = "identification", .doc = "the nearest picture is of the same person", .share = true},
	{.name = "tar_at_far", .doc = "pairs of one person that are accepted where as many others are as data.false_accepts says",
		.share = true},
	{.name = "threshold", .doc = "the model's own: what is farther apart is not the same"},
};

static eg_status judge_open(eg_task_judge *base, eg_error *err) {
	judge *j = (judge *)base;
	j->classes = eg_embedding_classes(base->task);
	j->found = eg_calloc(NULL, (size_t)j->classes + 1, sizeof *j->found);
	j->of = eg_calloc(NULL, (size_t)j->classes + 1, sizeof *j->of);
	return j->found && j->of ? EG_OK : eg_embedding_no_memory(err);
}

static void judge_close(eg_task_judge *base) {
	judge *j = (judge *)base;
	eg_gallery_free(&j->gallery);
	eg_gallery_free(&j->own);
	eg_embedded_free(&j->all);
	eg_embedded_free(&j->masked);
	eg_release(NULL, j->found);
	eg_release(NULL, j->of);
}

static void judge_reset(eg_task_judge *base) {
	judge *j = (judge *)base;
	eg_gallery_free(&j->gallery);
	eg_gallery_free(&j->own);
	j->all.n = j->masked.n = 0;
	j->begun = false;
	memset(j->of, 0, (size_t)j->classes * sizeof *j->of);
}

/* The judged part once more, with the lower part of its pictures hidden. */
static eg_status look_masked(judge *j, eg_error *err) {
	const eg_task *t = j->base.task;
	eg_samples_options o = j->base.samples->options;
	eg_samples *s = NULL;
	gathering masked = {.task = t, .all = j->masked};
	if (t->intakes[0]->type->kind != EG_FIELD_PICTURE) return EG_OK;
	o.part = j->judged == EG_PART_TEST ? EG_PART_TEST : EG_PART_TRAIN;
	o.hidden = ((const verify *)t)->hidden;
	eg_status status = eg_samples_load(j->base.samples->task, &o, &s, err);
	if (!status) status = eg_task_judge_walk(&j->base, s, j->judged, gather, &masked, err);
	j->masked = masked.all;
	eg_samples_free(s);
	return status;
}

static eg_status begin(judge *j, eg_part judged, eg_error *err) {
	j->begun = true;
	j->judged = judged;
	if (!eg_task_judge_walks(&j->base)) return EG_OK; /* in training */
	eg_status status = look_masked(j, err);
	const bool others = judged != EG_PART_TRAIN && !j->base.task->other;
	return status || !others ? status : eg_gallery_add_training(&j->gallery, &j->base, distance_of(j->base.task), judged, err);
}

static eg_status judge_row(eg_task_judge *base, const eg_row *r, eg_error *err) {
	judge *j = (judge *)base;
	const int32_t label = eg_embedding_label(base->task, r);
	eg_status status = j->begun ? EG_OK : begin(j, eg_row_part(r), err);
	if (status || label < 0 || label >= j->classes) return status;
	bool good;
	status = eg_embedded_add(&j->all, base->task, r, label, err);
	if (!status)
		status = eg_gallery_add(&j->own, base, distance_of(base->task),
			j->all.at + (size_t)(j->all.n - 1) * (size_t)j->all.width, j->all.width, r->name, label, &good, err);
	if (!status) j->of[label]++, base->total++;
	if (!status && !good) j->all.n--; /* what has no embedding that can be compared is never found */
	return status;
}

/* Does the training part show everyone who is asked about? */
static bool shows_all(const judge *j) {
	bool all = j->gallery.index != NULL;
	const int64_t n = all ? eg_index_count(j->gallery.index) : 0;
	for (int k = 0; k < j->classes && all; k++) {
		bool there = j->of[k] == 0;
		for (int64_t i = 0; i < n && !there; i++) there = j->gallery.shown[i] == k;
		all = there;
	}
	return all;
}

static eg_status identify(judge *j, eg_error *err) {
	const int n = j->all.n;
	j->among_own = !shows_all(j);
	const eg_gallery *g = j->among_own ? &j->own : &j->gallery;
	eg_hit *hits;
	int *found;
	eg_status status = eg_gallery_nearest(g, &j->all, j->among_own, 1, &hits, &found, err);
	memset(j->found, 0, (size_t)j->classes * sizeof *j->found);
	for (int i = 0; i < n && !status; i++)
		j->found[j->all.labels[i]] += found[i] > 0 && g->shown[hits[i].item] == j->all.labels[i];
	eg_release(NULL, hits);
	eg_release(NULL, found);
	return status;
}

static double share_found(const judge *j) {
	int64_t found = 0, of = 0;
	for (int k = 0; k < j->classes; k++) found += j->found[k], of += j->of[k];
	return of ? (double)found / (double)of : (double)NAN;
}

static void judge_values(const eg_task_judge *base, double *v) {
	judge *j = (judge *)base;
	const verify *own = (const verify *)base->task;
	eg_pairs p = {0};
	for (int i = 0; i < EG_COUNT(metrics); i++) v[i] = (double)NAN;
	if (!eg_pairs_make(&j->all, distance_of(base->task), &p, NULL)) {
		v[0] = eg_pairs_eer(&p);
		v[3] = p.nother ? eg_pairs_accepted(p.same, p.nsame, eg_pairs_threshold(&p, own->false_accepts)) : (double)NAN;
		v[4] = threshold_of(own);
		j->same = p.nsame, j->other = p.nother;
		j->accepted = isnan(v[4]) ? v[4] : eg_pairs_accepted(p.other, p.nother, v[4]);
		j->refused = isnan(v[4]) ? v[4] : 1 - eg_pairs_accepted(p.same, p.nsame, v[4]);
	}
	eg_pairs_free(&p);
	if (j->masked.n && !eg_pairs_make(&j->masked, distance_of(base->task), &p, NULL)) v[1] = eg_pairs_eer(&p);
	eg_pairs_free(&p);
	if (!identify(j, NULL)) v[2] = share_found(j);
}

static void judge_details(const eg_task_judge *base, eg_value *map) {
	const judge *j = (const judge *)base;
	const verify *v = (const verify *)base->task;
	const eg_gallery *g = j->among_own ? &j->own : &j->gallery;
	eg_value *pairs = eg_value_put_map(map, "pairs");
	eg_value_put_int(pairs, "same", j->same);
	eg_value_put_int(pairs, "other", j->other);
	eg_value_mark(eg_value_put_number(map, "false_accepts", v->false_accepts), EG_SHOW_SHARE, NULL);
	if (v->learnt) {
		eg_value *at = eg_value_put_map(map, "at_threshold");
		eg_value_mark(eg_value_put_number(at, "false_accepts", j->accepted), EG_SHOW_SHARE, NULL);
		eg_value_mark(eg_value_put_number(at, "false_refusals", j->refused), EG_SHOW_SHARE, NULL);
	}
	eg_value_put_text(map, "gallery", eg_part_name(j->among_own ? j->judged : EG_PART_TRAIN));
	eg_value_put_int(map, "gallery_n", g->index ? eg_index_count(g->index) : 0);
	eg_value *list = eg_value_put_list(map, "per_class");
	for (int k = 0; k < j->classes; k++) {
		if (j->of[k] == 0) continue;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", eg_embedding_class(base->task, k));
		eg_value_put_int(one, "n", j->of[k]);
		eg_value_mark(eg_value_put_number(one, "identification", (double)j->found[k] / (double)j->of[k]), EG_SHOW_SHARE, NULL);
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* A picture of one even colour shows nobody. */
static bool is_even(const eg_datum *d) {
	if (!d) return false;
	const size_t plane = (size_t)d->picture.H * (size_t)d->picture.W;
	for (int c = 0; c < d->picture.C; c++)
		for (size_t i = 1; i < plane; i++)
			if (d->picture.pixels[(size_t)c * plane + i] != d->picture.pixels[(size_t)c * plane]) return false;
	return true;
}

static eg_status answer(const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const verify *v = (const verify *)t;
	const eg_embedding_options *o = (const eg_embedding_options *)base;
	double nearest;
	if (!r->batch && t->intakes[0]->type->kind == EG_FIELD_PICTURE && is_even(eg_row_datum(t, r, 0)))
		return eg_fail(err, EG_ERR_ARG, "all its pixels are of one colour: there is no face to compare; take another picture");
	eg_status status = eg_embedding_answer(t, v->shelf, distance_of(t), o, r, out, &nearest, err);
	const double threshold = threshold_of(v);
	if (status || !o->index || isnan(threshold) || isnan(nearest)) return status;
	const bool known = nearest <= threshold;
	const char *class_name = eg_value_text(eg_value_get(eg_value_first(eg_value_get(out, "nearest")), "class"));
	eg_value_mark(eg_value_put_text(out, "class", known ? class_name : NULL), known ? EG_SHOW_STRONG : 0, NULL);
	eg_value_put_bool(out, "known", known);
	eg_value_put_number(out, "threshold", threshold);
	return EG_OK;
}

static const char *const settled[] = {"verify", NULL};

const eg_task_type eg_task_type_verify = {
	.info = {.name = "verify",
		.doc = "are two pictures of one person, also of one that nothing was trained on",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM), texts",
		.answer = "the embedding; with --index what is nearest in an index, and who that is, if anybody known",
		.judged = "Of a verifier: all pairs of pictures: the equal error rate (eer: pairs of one person that are\n"
			  "refused, others that are accepted), the same where the lower part of every picture is hidden\n"
			  "(eer_masked), how many pairs of one person are accepted at the recipe's rate of false accepts\n"
			  "(tar_at_far), and of how many pictures the nearest is of the same person (identification):\n"
			  "in the training part, where it shows them all, else among the others.",
		.abilities = EG_ABLE_EMBED | EG_ABLE_COMPARE},
	.size = sizeof(verify),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(PICTURE) | EG_KIND(TEXT) | EG_KIND(TOKENS) | EG_KIND(NUMBERS) | EG_KIND(SERIES),
	.targets = EG_KIND(LABEL),
	.needs = "something to be compared (a picture, a text, numbers) with a label: who it is of",
	.defaults = set_defaults,
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.whole_classes = true,
	.outputs = eg_embedding_outputs,
	.embeds = true,
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.options = {eg_embedding_option_keys, EG_COUNT(eg_embedding_option_keys)},
	.options_size = sizeof(eg_embedding_options),
	.answer = answer,
	.truth = eg_embedding_truth,
	.save = save,
	.restore = restore,
	.settle = settle,
	.settled = settled,
};

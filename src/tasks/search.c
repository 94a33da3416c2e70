/* search.c - the task `search`: an embedding, a row of numbers in which what is alike lies close together. The
 * network's output "embedding" (N,width), or, where a recipe names none, its "logits", is compared by distance
 * (index.c), and nothing else of the network is used once it has been trained.
 *
 * It is judged by what it finds: of how many samples is the nearest other one of the same class? In training the others
 * are those of the part that validates. A model is judged by what it finds in the training part, with the classes that
 * were left out of training. */
#include "tasks/embedding.h"
#include "tasks/unseen.h"

#include <math.h>
#include <string.h>

enum { NEAREST = 10 };

typedef struct search {
	eg_task base;
	int distance;
	eg_strings unseen; /* classes that are left out of training */
	eg_shelf *shelf;
} search;

static const char *const distances[] = {"cosine", "euclidean", NULL}; /* as eg_distance */

static const eg_key data_keys[] = {
	{.name = "distance",
		.type = EG_KEY_ENUM,
		.offset = offsetof(search, distance),
		.names = distances,
		.def = EG_DISTANCE_COSINE,
		.doc = "search: how embeddings are compared; cosine: by their angle (default), euclidean: by the length of what "
		       "lies between"},
	{.name = "unseen",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(search, unseen),
		.def = NAN,
		.doc = "search: classes that are left out of training, and looked for nonetheless when the model is judged"},
};

static eg_distance distance_of(const eg_task *t) { return (eg_distance)((const search *)t)->distance; }

static void set_defaults(eg_task *t) { ((search *)t)->distance = EG_DISTANCE_COSINE; }

static eg_status open_task(eg_task *t, eg_error *err) {
	search *s = (search *)t;
	const bool pictures = t->intakes[0]->type->kind == EG_FIELD_PICTURE;
	t->one = pictures ? "picture" : "sample", t->many = pictures ? "pictures" : "samples";
	if (!s->shelf) s->shelf = eg_calloc(NULL, 1, sizeof *s->shelf);
	return s->shelf ? EG_OK : eg_embedding_no_memory(err);
}

static void close_task(eg_task *t) {
	search *s = (search *)t;
	if (s->shelf) eg_shelf_clear(s->shelf);
	eg_release(NULL, s->shelf);
	s->shelf = NULL;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) { return eg_embedding_suits(t, g, "to search", err); }

/* ---- classes that are left out of training ----------------------------------------------------------------------- */

static bool is_unseen(const eg_task *t, const char *name) { return eg_unseen_has(&((const search *)t)->unseen, name); }

/* Two classes have to be left, to be told apart. */
static eg_status leaves_out(const eg_task *t, const eg_record *r, bool *out, eg_error *err) {
	return eg_unseen_leaves_out(t, &((const search *)t)->unseen, eg_task_target(t)->field, 2, r, out, err);
}

static bool leaves_some_out(const eg_task *t) { return ((const search *)t)->unseen.n > 0; }

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_embedded queries; /* that can be compared */
	eg_gallery gallery;
	eg_part where; /* the part that the gallery is of */
	bool one_less; /* it holds the samples that are judged: each is passed over for itself */
	int64_t *found, *of; /* by class: whose nearest is of the same */
	int64_t among;       /* that have one of the same among the ten nearest */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "recall1", .doc = "the nearest is of the same class", .share = true},
	{.name = "recall10", .doc = "one of the ten nearest is", .share = true},
	{.name = "recall1_unseen", .doc = "recall1 of the classes that were left out of training", .share = true},
};

static eg_status judge_open(eg_task_judge *base, eg_error *err) {
	judge *j = (judge *)base;
	const size_t n = (size_t)eg_embedding_classes(base->task) + 1;
	j->found = eg_calloc(NULL, n, sizeof *j->found), j->of = eg_calloc(NULL, n, sizeof *j->of);
	return j->found && j->of ? EG_OK : eg_embedding_no_memory(err);
}

static void judge_close(eg_task_judge *base) {
	judge *j = (judge *)base;
	eg_gallery_free(&j->gallery);
	eg_embedded_free(&j->queries);
	eg_release(NULL, j->found);
	eg_release(NULL, j->of);
}

static void judge_reset(eg_task_judge *base) {
	judge *j = (judge *)base;
	j->queries.n = 0;
	memset(j->of, 0, (size_t)eg_embedding_classes(base->task) * sizeof *j->of);
	eg_gallery_free(&j->gallery);
}

static eg_status judge_row(eg_task_judge *base, const eg_row *r, eg_error *err) {
	judge *j = (judge *)base;
	const eg_part judged = eg_row_part(r);
	const int32_t label = eg_embedding_label(base->task, r);
	const eg_distance distance = distance_of(base->task);
	if (base->total == 0 && !j->gallery.index)
		j->one_less = !eg_task_judge_walks(base) || judged == EG_PART_TRAIN, j->where = judged;
	if (!j->one_less && !j->gallery.index) {
		j->where = EG_PART_TRAIN;
		eg_status status = eg_gallery_add_training(&j->gallery, base, distance, judged, err);
		if (status) return status;
	}
	if (label < 0) return EG_OK;
	j->of[label]++, base->total++;
	eg_status status = eg_embedded_add(&j->queries, base->task, r, label, err);
	if (status) return status;
	const float *x = j->queries.at + (size_t)(j->queries.n - 1) * (size_t)j->queries.width;
	bool good = true;
	if (j->one_less)
		status = eg_gallery_add(&j->gallery, base, distance, x, j->queries.width, r->name, label, &good, err);
	else
		good = eg_index_fits(j->gallery.index, x);
	if (!good) j->queries.n--; /* what has no embedding that can be compared finds nothing */
	return status;
}

/* What each query finds. */
static eg_status count_found(judge *j, eg_error *err) {
	const int k = NEAREST, n = j->queries.n;
	const int32_t *labels = j->queries.labels, *shown = j->gallery.shown;
	eg_hit *hits;
	int *found;
	eg_status status = eg_gallery_nearest(&j->gallery, &j->queries, j->one_less, k, &hits, &found, err);
	memset(j->found, 0, (size_t)eg_embedding_classes(j->base.task) * sizeof *j->found);
	j->among = 0;
	for (int i = 0; i < n && !status; i++) {
		bool any = false;
		for (int h = 0; h < found[i]; h++) any = any || shown[hits[(size_t)i * (size_t)k + (size_t)h].item] == labels[i];
		j->among += any;
		j->found[labels[i]] += found[i] > 0 && shown[hits[(size_t)i * (size_t)k].item] == labels[i];
	}
	eg_release(NULL, hits);
	eg_release(NULL, found);
	return status;
}

/* Share of those of classes that were left out of training, or, without `unseen`, of all. */
static double share_found(const judge *j, bool unseen) {
	const eg_task *t = j->base.task;
	int64_t found = 0, of = 0;
	for (int k = 0; k < eg_embedding_classes(t); k++)
		if (!unseen || is_unseen(t, eg_embedding_class(t, k))) found += j->found[k], of += j->of[k];
	return of ? (double)found / (double)of : (double)NAN;
}

static void judge_values(const eg_task_judge *base, double *v) {
	judge *j = (judge *)base;
	const bool counted = !count_found(j, NULL);
	v[0] = counted ? share_found(j, false) : (double)NAN;
	v[1] = counted && base->total ? (double)j->among / (double)base->total : (double)NAN;
	v[2] = counted ? share_found(j, true) : (double)NAN;
}

static void judge_details(const eg_task_judge *base, eg_value *map) {
	const judge *j = (const judge *)base;
	eg_value_put_text(map, "gallery", eg_part_name(j->where));
	eg_value_put_int(map, "gallery_n", j->gallery.index ? eg_index_count(j->gallery.index) : 0);
	eg_value *list = eg_value_put_list(map, "per_class");
	for (int k = 0; k < eg_embedding_classes(base->task); k++) {
		if (j->of[k] == 0) continue;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", eg_embedding_class(base->task, k));
		eg_value_put_int(one, "n", j->of[k]);
		eg_value_mark(eg_value_put_number(one, "recall1", (double)j->found[k] / (double)j->of[k]), EG_SHOW_SHARE, NULL);
		if (leaves_some_out(base->task)) eg_value_put_bool(one, "unseen", is_unseen(base->task, eg_embedding_class(base->task, k)));
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	double nearest;
	return eg_embedding_answer(t, ((const search *)t)->shelf, distance_of(t), (const eg_embedding_options *)o, r, out, &nearest, err);
}

const eg_task_type eg_task_type_search = {
	.info = {.name = "search",
		.doc = "an embedding of a picture, in which what is alike lies close together",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM), texts",
		.answer = "the embedding; with --index what is nearest in an index",
		.judged = "Of a search: shows it samples whose classes are known, and looks for the nearest among all\n"
			  "of the training part: how often it is of the same class (recall1), how often one of the\n"
			  "ten nearest is; the same of classes that were left out of training.",
		.abilities = EG_ABLE_EMBED},
	.size = sizeof(search),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(PICTURE) | EG_KIND(TEXT) | EG_KIND(TOKENS) | EG_KIND(NUMBERS) | EG_KIND(SERIES) | EG_KIND(SOUND),
	.targets = EG_KIND(LABEL),
	.needs = "something to be found (a picture, a text, numbers) with a label",
	.defaults = set_defaults,
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.leaves_some_out = leaves_some_out,
	.leaves_out = leaves_out,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
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
};

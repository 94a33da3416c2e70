/* search.c - the task `search`: an embedding, a row of numbers in which what is alike lies close together. The
 * network's output "embedding" (N,width), or, where a recipe names none, its "logits", is compared by distance
 * (index.c), and nothing else of the network is used once it has been trained.
 *
 * It is judged by what it finds: of how many samples is the nearest other one of the same class? In training the others
 * are those of the part that validates. A model is judged by what it finds in the training part, with the classes that
 * were left out of training. */
#include "tasks/index.h"
#include "tasks/samples.h"
#include "tasks/unseen.h"

#include <math.h>
#include <string.h>

enum { NEAREST = 10 };

/* The index that answers look into. */
typedef struct shelf {
	char *path;
	eg_index *index;
} shelf;

typedef struct search {
	eg_task base;
	int distance;
	eg_strings unseen; /* classes that are left out of training */
	shelf *shelf;
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

typedef struct options {
	eg_answer_options base;
	const char *index;
	int top;
} options;

static const eg_key option_keys[] = {
	{.name = "index",
		.type = EG_KEY_STRING,
		.offset = offsetof(options, index),
		.doc = "tell also what of this index, of `engram index`, is nearest"},
	{.name = "top",
		.type = EG_KEY_INT,
		.offset = offsetof(options, top),
		.min = 1,
		.max = 65536,
		.def = NEAREST,
		.doc = "how many of the nearest to tell (default: 10)"},
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for embeddings"); }
static const eg_lexicon *names_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }
static eg_distance distance_of(const eg_task *t) { return (eg_distance)((const search *)t)->distance; }

static void set_defaults(eg_task *t) { ((search *)t)->distance = EG_DISTANCE_COSINE; }

static eg_status open_task(eg_task *t, eg_error *err) {
	search *s = (search *)t;
	const bool pictures = t->intakes[0]->type->kind == EG_FIELD_PICTURE;
	t->one = pictures ? "picture" : "sample", t->many = pictures ? "pictures" : "samples";
	if (!s->shelf) s->shelf = eg_calloc(NULL, 1, sizeof *s->shelf);
	return s->shelf ? EG_OK : no_memory(err);
}

static void clear_shelf(shelf *s) {
	eg_index_free(s->index);
	eg_release(NULL, s->path);
	*s = (shelf){0};
}

static void close_task(eg_task *t) {
	search *s = (search *)t;
	if (s->shelf) clear_shelf(s->shelf);
	eg_release(NULL, s->shelf);
	s->shelf = NULL;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static const char *const embedding_only[] = {"embedding", NULL}, *const logits_only[] = {"logits", NULL};

static const char *const *outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_graph_find(g, "embedding").id ? embedding_only : logits_only;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const char *name = outputs(t, g)[0];
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, name));
	if (d.rank == 2 && d.d[0] == EG_N && d.d[1] > 0) return EG_OK;
	char text[128];
	eg_fail(err, EG_ERR_SHAPE,
		"to search, a network puts out one row of numbers for a whole sample; '%s' is %s. Name the layer: outputs: "
		"{embedding: NAME}; or end with it (linear: 64, loss: supervised_contrastive)",
		name, eg_shape_text(g, d, text, sizeof text));
	eg_recipe_locate(t->recipe, eg_graph_find(g, "embedding").id ? "outputs" : "model", err);
	return EG_ERR_SHAPE;
}

static const float *embedding_of(const eg_task *t, const eg_row *r, float *room) {
	int width;
	const eg_real *x = eg_row_output(r, outputs(t, r->graph)[0], 0, &width);
	for (int i = 0; i < width; i++) room[i] = (float)x[i];
	return room;
}

static int width_of(const eg_task *t, const eg_graph *g) {
	return (int)eg_tensor_dims(g, eg_graph_find(g, outputs(t, g)[0])).d[1];
}

static int32_t label_of(const eg_task *t, const eg_row *r) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	return d ? eg_intake_label(eg_task_target(t), d->label) : -1;
}

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
	int width;
	float *queries; /* n embeddings that can be compared */
	int32_t *labels;
	int cap_queries, cap_labels, n;
	eg_index *gallery;
	int32_t *shown; /* class of each of its entries */
	int cap_shown;
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
	const size_t n = (size_t)names_of(base->task)->n + 1;
	j->width = width_of(base->task, base->graph);
	j->found = eg_calloc(NULL, n, sizeof *j->found), j->of = eg_calloc(NULL, n, sizeof *j->of);
	return j->found && j->of ? EG_OK : no_memory(err);
}

static void drop_gallery(judge *j) {
	eg_index_free(j->gallery);
	j->gallery = NULL;
}

static void judge_close(eg_task_judge *base) {
	judge *j = (judge *)base;
	drop_gallery(j);
	eg_release(NULL, j->queries);
	eg_release(NULL, j->labels);
	eg_release(NULL, j->shown);
	eg_release(NULL, j->found);
	eg_release(NULL, j->of);
}

static void judge_reset(eg_task_judge *base) {
	judge *j = (judge *)base;
	j->n = 0;
	memset(j->of, 0, (size_t)names_of(base->task)->n * sizeof *j->of);
	drop_gallery(j);
}

/* An entry of the gallery; false in *added: its embedding cannot be compared. */
static eg_status show(judge *j, const float *embedding, const char *id, int32_t label, bool *added, eg_error *err) {
	const eg_lexicon *names = names_of(j->base.task);
	const int n = j->gallery ? (int)eg_index_count(j->gallery) : 0;
	const int threads = eg_context_threads(eg_graph_context(j->base.graph));
	eg_status status = j->gallery ? EG_OK : eg_index_new(j->width, distance_of(j->base.task), threads, &j->gallery, err);
	if (!status && !eg_grow(NULL, &j->shown, &j->cap_shown, n, sizeof *j->shown)) status = no_memory(err);
	if (!status) status = eg_index_add(j->gallery, embedding, id ? id : "", label >= 0 ? names->at[label] : NULL, err);
	*added = !status;
	if (!status) j->shown[n] = label;
	return status == EG_ERR_NUMERIC ? EG_OK : status;
}

typedef struct gathering {
	judge *j;
	float *room;
	int64_t lost;
} gathering;

static eg_status gather(void *user, const eg_row *r, eg_error *err) {
	gathering *g = user;
	const eg_task *t = g->j->base.task;
	const int32_t label = label_of(t, r);
	bool added = true;
	eg_status status = label < 0 ? EG_OK : show(g->j, embedding_of(t, r, g->room), r->name, label, &added, err);
	g->lost += !added;
	return status;
}

/* The gallery of a model: the training part as a whole, but for samples that are judged. */
static eg_status show_training(judge *j, eg_part judged, eg_error *err) {
	const eg_samples_options o = {.part = EG_PART_TRAIN, .model = j->base.samples->options.model, .all = true};
	eg_samples *s = NULL;
	gathering g = {j, eg_alloc(NULL, (size_t)j->width * sizeof(float)), 0};
	eg_status status = g.room ? eg_samples_load(j->base.samples->task, &o, &s, err) : no_memory(err);
	j->where = EG_PART_TRAIN;
	for (int p = EG_PART_TRAIN; p < EG_PARTS && !status; p++)
		if (p != (int)EG_PART_TEST && p != (int)judged && eg_samples_count(s, (eg_part)p) > 0)
			status = eg_samples_each_row(s, j->base.graph, j->base.params, (eg_part)p, gather, &g, err);
	if (!status && g.lost)
		status = eg_fail(err, EG_ERR_NUMERIC,
			"the network gives %lld of the %s no embedding that can be compared (zeros, or no numbers): its training failed",
			(long long)g.lost, j->base.task->many);
	eg_samples_free(s);
	eg_release(NULL, g.room);
	return status;
}

static eg_status judge_row(eg_task_judge *base, const eg_row *r, eg_error *err) {
	judge *j = (judge *)base;
	const eg_sample_part *part = r->batch->data->user;
	const eg_part judged = (eg_part)(part - part->samples->parts);
	const int32_t label = label_of(base->task, r);
	const size_t width = (size_t)j->width;
	if (base->total == 0 && !j->gallery) j->one_less = !base->params || judged == EG_PART_TRAIN, j->where = judged;
	if (!j->one_less && !j->gallery) {
		eg_status status = show_training(j, judged, err);
		if (status) return status;
	}
	if (label < 0) return EG_OK;
	j->of[label]++, base->total++;
	if (!eg_grow(NULL, &j->queries, &j->cap_queries, j->n, width * sizeof *j->queries) ||
		!eg_grow(NULL, &j->labels, &j->cap_labels, j->n, sizeof *j->labels))
		return no_memory(err);
	const float *x = embedding_of(base->task, r, j->queries + (size_t)j->n * width);
	bool good = true;
	eg_status status = j->one_less ? show(j, x, r->name, label, &good, err) : EG_OK;
	if (!status && !j->one_less) good = eg_index_fits(j->gallery, x);
	if (good) j->labels[j->n++] = label; /* what has no embedding that can be compared finds nothing */
	return status;
}

/* What each query finds. */
static eg_status count_found(judge *j, eg_error *err) {
	const int k = NEAREST;
	eg_hit *hits = eg_alloc(NULL, (size_t)j->n * (size_t)k * sizeof *hits + 1);
	int *found = eg_calloc(NULL, (size_t)j->n + 1, sizeof *found);
	int64_t *own = eg_calloc(NULL, (size_t)j->n + 1, sizeof *own);
	for (int i = 0; i < j->n && own; i++) own[i] = i; /* entries of the gallery come in the same order */
	eg_status status = hits && found && own ? EG_OK : no_memory(err);
	if (!status && j->n) status = eg_index_nearest(j->gallery, j->queries, j->n, j->one_less ? own : NULL, k, hits, found, err);
	memset(j->found, 0, (size_t)names_of(j->base.task)->n * sizeof *j->found);
	j->among = 0;
	for (int i = 0; i < j->n && !status; i++) {
		bool any = false;
		for (int h = 0; h < found[i]; h++) any = any || j->shown[hits[(size_t)i * (size_t)k + (size_t)h].item] == j->labels[i];
		j->among += any;
		j->found[j->labels[i]] += found[i] > 0 && j->shown[hits[(size_t)i * (size_t)k].item] == j->labels[i];
	}
	eg_release(NULL, hits);
	eg_release(NULL, found);
	eg_release(NULL, own);
	return status;
}

/* Share of those of classes that were left out of training, or, without `unseen`, of all. */
static double share_found(const judge *j, bool unseen) {
	const eg_lexicon *names = names_of(j->base.task);
	int64_t found = 0, of = 0;
	for (int k = 0; k < names->n; k++)
		if (!unseen || is_unseen(j->base.task, names->at[k])) found += j->found[k], of += j->of[k];
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
	const eg_lexicon *names = names_of(base->task);
	eg_value_put_text(map, "gallery", eg_part_name(j->where));
	eg_value_put_int(map, "gallery_n", j->gallery ? eg_index_count(j->gallery) : 0);
	eg_value *list = eg_value_put_list(map, "per_class");
	for (int k = 0; k < names->n; k++) {
		if (j->of[k] == 0) continue;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", names->at[k]);
		eg_value_put_int(one, "n", j->of[k]);
		eg_value_mark(eg_value_put_number(one, "recall1", (double)j->found[k] / (double)j->of[k]), EG_SHOW_SHARE, NULL);
		if (leaves_some_out(base->task)) eg_value_put_bool(one, "unseen", is_unseen(base->task, names->at[k]));
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The index of the options, opened once. */
static eg_status fetch(const eg_task *t, const char *path, int width, const eg_row *r, eg_error *err) {
	shelf *s = ((const search *)t)->shelf;
	if (s->path && !strcmp(s->path, path)) return EG_OK;
	clear_shelf(s);
	eg_status status = eg_index_open(path, eg_context_threads(eg_graph_context(r->graph)), &s->index, err);
	if (!status && eg_index_width(s->index) != width)
		status = eg_fail(err, EG_ERR_ARG, "%s holds embeddings of %d numbers, the model makes %d: make the index anew with this model",
			path, eg_index_width(s->index), width);
	if (!status && r->params && (status = eg_index_check_weights(s->index, r->params, err))) eg_fail_prefix(err, "%s", path);
	if (!status && !(s->path = eg_alloc(NULL, strlen(path) + 1))) status = no_memory(err);
	if (status)
		clear_shelf(s);
	else
		strcpy(s->path, path);
	return status;
}

static eg_status put_nearest(eg_index *x, const float *query, int top, eg_value *out, eg_error *err) {
	const int64_t n = eg_index_count(x);
	const int k = n < top ? (int)n : top;
	eg_hit *hits = eg_alloc(NULL, (size_t)k * sizeof *hits + 1);
	int found = 0;
	eg_status status = hits ? EG_OK : no_memory(err);
	if (!status && k > 0) status = eg_index_nearest(x, query, 1, NULL, k, hits, &found, err);
	eg_value *list = status ? NULL : eg_value_put_list(out, "nearest");
	for (int i = 0; i < found && !status; i++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_mark(eg_value_put_text(one, "id", eg_index_id(x, hits[i].item)), i == 0 ? EG_SHOW_STRONG : 0, NULL);
		eg_value_put_text(one, "class", eg_index_class(x, hits[i].item));
		eg_value_put_number(one, "distance", (double)hits[i].distance);
	}
	eg_release(NULL, hits);
	return status;
}

static eg_status answer(const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const options *o = (const options *)base;
	const int width = width_of(t, r->graph);
	float *x = eg_alloc(NULL, (size_t)width * sizeof *x);
	eg_status status = x ? EG_OK : no_memory(err);
	if (!status) embedding_of(t, r, x);
	for (int i = 0; i < width && !status; i++)
		if (!isfinite(x[i])) status = eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value *list = status ? NULL : eg_value_put_list(out, "embedding");
	for (int i = 0; i < width && !status; i++) eg_value_put_number(list, NULL, (double)x[i]);
	if (list && o->index) eg_value_mark(list, EG_SHOW_NOT, NULL);
	if (list) eg_value_mark(eg_value_put_text(out, "distance", distances[distance_of(t)]), EG_SHOW_NOT, NULL);
	if (!status && o->index) status = fetch(t, o->index, width, r, err);
	if (!status && o->index) status = put_nearest(((const search *)t)->shelf->index, x, o->top > 0 ? o->top : NEAREST, out, err);
	eg_release(NULL, x);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	EG_UNUSED(err);
	const int32_t label = label_of(t, r);
	eg_value_put_text(out, "class", label >= 0 ? names_of(t)->at[label] : NULL);
	return EG_OK;
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
	.outputs = outputs,
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(options),
	.answer = answer,
	.truth = truth,
};

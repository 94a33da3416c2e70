/* embedding.c - embeddings of samples: what a network has to put out for them, lists and galleries of them while a
 * judge looks, and answers, with what an index holds nearest. See embedding.h. */
#include "tasks/embedding.h"
#include "tasks/index.h"

#include <math.h>
#include <string.h>

enum { NEAREST = 10 };

const eg_key eg_embedding_option_keys[2] = {
	{.name = "index",
		.type = EG_KEY_STRING,
		.offset = offsetof(eg_embedding_options, index),
		.doc = "tell also what of this index, of `engram index`, is nearest"},
	{.name = "top",
		.type = EG_KEY_INT,
		.offset = offsetof(eg_embedding_options, top),
		.min = 1,
		.max = 65536,
		.def = NEAREST,
		.doc = "how many of the nearest to tell (default: 10)"},
};

eg_status(eg_embedding_no_memory)(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for embeddings"); }

/* ---- the network ------------------------------------------------------------------------------------------------- */

static const char *const embedding_only[] = {"embedding", NULL}, *const logits_only[] = {"logits", NULL};

const char *const *eg_embedding_outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_graph_find(g, "embedding").id ? embedding_only : logits_only;
}

eg_status eg_embedding_suits(const eg_task *t, eg_graph *g, const char *purpose, eg_error *err) {
	const char *name = eg_embedding_outputs(t, g)[0];
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, name));
	if (d.rank == 2 && d.d[0] == EG_N && d.d[1] > 0) return EG_OK;
	char text[128];
	eg_fail(err, EG_ERR_SHAPE,
		"%s, a network puts out one row of numbers for a whole sample; '%s' is %s. Name the layer: outputs: "
		"{embedding: NAME}; or end with it (linear: 64, loss: supervised_contrastive)",
		purpose, name, eg_shape_text(g, d, text, sizeof text));
	eg_recipe_locate(t->recipe, eg_graph_find(g, "embedding").id ? "outputs" : "model", err);
	return EG_ERR_SHAPE;
}

static const eg_real *numbers_of(const eg_task *t, const eg_row *r, int *width) {
	return eg_row_output(r, eg_embedding_outputs(t, r->graph)[0], 0, width);
}

int eg_embedding_width(const eg_task *t, const eg_row *r) {
	int width;
	numbers_of(t, r, &width);
	return width;
}

void eg_embedding_take(const eg_task *t, const eg_row *r, float *to) {
	int width;
	const eg_real *x = numbers_of(t, r, &width);
	for (int i = 0; i < width; i++) to[i] = (float)x[i];
}

int32_t eg_embedding_label(const eg_task *t, const eg_row *r) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	return !d ? -1 : t->type->whole_classes ? d->label : eg_intake_label(eg_task_target(t), d->label);
}

int eg_embedding_classes(const eg_task *t) {
	const eg_intake *f = eg_task_target(t);
	return t->type->whole_classes ? eg_source_field(t->source, f->field)->nnames : eg_intake_names(f)->n;
}

const char *eg_embedding_class(const eg_task *t, int32_t label) {
	const eg_intake *f = eg_task_target(t);
	if (label < 0 || label >= eg_embedding_classes(t)) return NULL;
	return t->type->whole_classes ? eg_source_field(t->source, f->field)->names[label] : eg_intake_names(f)->at[label];
}

/* ---- while a judge looks at samples ------------------------------------------------------------------------------ */

eg_status eg_embedded_add(eg_embedded *e, const eg_task *t, const eg_row *r, int32_t label, eg_error *err) {
	e->width = eg_embedding_width(t, r);
	const size_t width = (size_t)e->width;
	if (!eg_grow(NULL, &e->at, &e->cap_at, e->n, width * sizeof *e->at) ||
		!eg_grow(NULL, &e->labels, &e->cap_labels, e->n, sizeof *e->labels))
		return eg_embedding_no_memory(err);
	eg_embedding_take(t, r, e->at + (size_t)e->n * width);
	e->labels[e->n++] = label;
	return EG_OK;
}

void eg_embedded_free(eg_embedded *e) {
	eg_release(NULL, e->at);
	eg_release(NULL, e->labels);
	*e = (eg_embedded){0};
}

void eg_gallery_free(eg_gallery *g) {
	eg_index_free(g->index);
	eg_release(NULL, g->shown);
	*g = (eg_gallery){0};
}

eg_status eg_gallery_add(eg_gallery *g, const eg_task_judge *j, eg_distance distance, const float *embedding, int width,
	const char *id, int32_t label, bool *added, eg_error *err) {
	const int n = g->index ? (int)eg_index_count(g->index) : 0;
	const int threads = eg_context_threads(eg_graph_context(j->graph));
	eg_status status = g->index ? EG_OK : eg_index_new(width, distance, threads, &g->index, err);
	if (!status && !eg_grow(NULL, &g->shown, &g->cap, n, sizeof *g->shown)) status = eg_embedding_no_memory(err);
	if (!status) status = eg_index_add(g->index, embedding, id ? id : "", eg_embedding_class(j->task, label), err);
	*added = !status;
	if (!status) g->shown[n] = label;
	return status == EG_ERR_NUMERIC ? EG_OK : status;
}

typedef struct gathering {
	eg_gallery *g;
	const eg_task_judge *j;
	eg_distance distance;
	eg_embedded one;
	int64_t lost;
} gathering;

static eg_status gather(void *user, const eg_row *r, eg_error *err) {
	gathering *g = user;
	const eg_task *t = g->j->task;
	const int32_t label = eg_embedding_label(t, r);
	bool added = true;
	g->one.n = 0;
	eg_status status = label < 0 ? EG_OK : eg_embedded_add(&g->one, t, r, label, err);
	if (!status && label >= 0)
		status = eg_gallery_add(g->g, g->j, g->distance, g->one.at, g->one.width, r->name, label, &added, err);
	g->lost += !added;
	return status;
}

eg_status eg_gallery_add_training(
	eg_gallery *gallery, const eg_task_judge *j, eg_distance distance, eg_part judged, eg_error *err) {
	eg_samples_options o = j->samples->options;
	eg_samples *s = NULL;
	gathering g = {.g = gallery, .j = j, .distance = distance};
	o.part = EG_PART_TRAIN, o.all = true;
	eg_status status = eg_samples_load(j->samples->task, &o, &s, err);
	for (int p = EG_PART_TRAIN; p < EG_PARTS && !status; p++)
		if (p != (int)EG_PART_TEST && p != (int)judged && eg_samples_count(s, (eg_part)p) > 0)
			status = eg_task_judge_walk(j, s, (eg_part)p, gather, &g, err);
	if (!status && g.lost)
		status = eg_fail(err, EG_ERR_NUMERIC,
			"the network gives %lld of the %s no embedding that can be compared (zeros, or no numbers): its training failed",
			(long long)g.lost, j->task->many);
	eg_samples_free(s);
	eg_embedded_free(&g.one);
	return status;
}

eg_status eg_gallery_nearest(const eg_gallery *g, const eg_embedded *queries, bool one_less, int k, eg_hit **hits,
	int **found, eg_error *err) {
	const int n = queries->n;
	int64_t *own = eg_calloc(NULL, (size_t)n + 1, sizeof *own);
	*hits = eg_alloc(NULL, (size_t)n * (size_t)k * sizeof **hits + 1);
	*found = eg_calloc(NULL, (size_t)n + 1, sizeof **found);
	for (int i = 0; i < n && own; i++) own[i] = i;
	eg_status status = *hits && *found && own ? EG_OK : eg_embedding_no_memory(err);
	if (!status && n) status = eg_index_nearest(g->index, queries->at, n, one_less ? own : NULL, k, *hits, *found, err);
	eg_release(NULL, own);
	return status;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

void eg_shelf_clear(eg_shelf *s) {
	eg_index_free(s->index);
	eg_release(NULL, s->path);
	*s = (eg_shelf){0};
}

/* The index of the options, opened once. */
static eg_status fetch(eg_shelf *s, const char *path, int width, const eg_row *r, eg_error *err) {
	if (s->path && !strcmp(s->path, path)) return EG_OK;
	eg_shelf_clear(s);
	eg_status status = eg_index_open(path, eg_context_threads(eg_graph_context(r->graph)), &s->index, err);
	if (!status && eg_index_width(s->index) != width)
		status = eg_fail(err, EG_ERR_ARG, "%s holds embeddings of %d numbers, the model makes %d: make the index anew with this model",
			path, eg_index_width(s->index), width);
	if (!status && r->params && (status = eg_index_check_weights(s->index, r->params, err))) eg_fail_prefix(err, "%s", path);
	if (!status && !(s->path = eg_alloc(NULL, strlen(path) + 1))) status = eg_embedding_no_memory(err);
	if (status)
		eg_shelf_clear(s);
	else
		strcpy(s->path, path);
	return status;
}

static eg_status put_nearest(eg_index *x, const float *query, int top, eg_value *out, double *nearest, eg_error *err) {
	const int64_t n = eg_index_count(x);
	const int k = n < top ? (int)n : top;
	eg_hit *hits = eg_alloc(NULL, (size_t)k * sizeof *hits + 1);
	int found = 0;
	eg_status status = hits ? EG_OK : eg_embedding_no_memory(err);
	if (!status && k > 0) status = eg_index_nearest(x, query, 1, NULL, k, hits, &found, err);
	if (found > 0) *nearest = (double)hits[0].distance;
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

eg_status eg_embedding_answer(const eg_task *t, eg_shelf *s, eg_distance distance, const eg_embedding_options *o,
	const eg_row *r, eg_value *out, double *nearest, eg_error *err) {
	const int width = eg_embedding_width(t, r);
	float *x = eg_alloc(NULL, (size_t)width * sizeof *x);
	eg_status status = x ? EG_OK : eg_embedding_no_memory(err);
	*nearest = (double)NAN;
	if (!status) eg_embedding_take(t, r, x);
	for (int i = 0; i < width && !status; i++)
		if (!isfinite(x[i])) status = eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value *list = status ? NULL : eg_value_put_list(out, "embedding");
	for (int i = 0; i < width && !status; i++) eg_value_put_number(list, NULL, (double)x[i]);
	if (list && o->index) eg_value_mark(list, EG_SHOW_NOT, NULL);
	if (list) eg_value_mark(eg_value_put_text(out, "distance", eg_distance_names()[distance]), EG_SHOW_NOT, NULL);
	if (!status && o->index) status = fetch(s, o->index, width, r, err);
	if (!status && o->index) status = put_nearest(s->index, x, o->top > 0 ? o->top : NEAREST, out, nearest, err);
	eg_release(NULL, x);
	return status;
}

eg_status eg_embedding_truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	EG_UNUSED(err);
	eg_value_put_text(out, "class", eg_embedding_class(t, eg_embedding_label(t, r)));
	return EG_OK;
}

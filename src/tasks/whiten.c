/* whiten.c - `train.whiten`: the filters of a convolution that reads pictures begin as what makes small patches of them
 * white (Coates and Ng 2012; as the first layer of airbench, Jordan 2024): for patches x of the training pictures,
 * E[x x^T] = V diag(d) V^T, and filter k is column k of V, the largest d first, divided by sqrt(d_k + floor); the other
 * half of the filters are the same with the opposite sign, for what follows cuts negative numbers off. So the layers
 * behind see numbers that are not correlated and vary alike, from the first step on.
 *
 * Not here: that these filters do not learn (`groups`, `frozen`). */
#include "data/principal.h"
#include "tasks/samples.h"

#include <math.h>
#include <string.h>

enum {
	PICTURES = 5000, /* at most so many, evenly spread over the training part */
	PATCH_MOST = 512 /* numbers in a patch */
};
static const double FLOOR = 5e-4; /* of the mean of d: directions in which pictures hardly vary are not blown up */

typedef struct whitening {
	const eg_samples *samples;
	const eg_intake *intake;
	eg_dims weight, picture; /* (filters, channels, height, width), (1, channels, height, width) */
	int dilation[2];
	int n;           /* numbers in a patch */
	double *moments; /* n x n, E[x x^T]; in the end d, on the diagonal */
	double *vectors; /* n x n, one a row */
	eg_real *pixels;
	double *patch;
	eg_record record;
} whitening;

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static int volume(const eg_dims *d) { return (int)(d->d[1] * d->d[2] * d->d[3]); }

static bool find_node(const eg_graph *g, const char *name, eg_node_info *info) {
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, info);
		if (!strcmp(info->name, name)) return true;
	}
	return false;
}

static const eg_intake *picture_of(const eg_task *t, const eg_graph *g, eg_tensor x) {
	for (int i = 0; i < t->ninputs; i++) {
		const eg_intake *f = t->intakes[i];
		if (f->type->kind == EG_FIELD_PICTURE && eg_graph_find(g, f->input).id == x.id) return f;
	}
	return NULL;
}

static eg_status check_sizes(const whitening *w, const char *layer, eg_error *err) {
	for (int i = 1; i < w->picture.rank; i++)
		if (w->picture.d[i] < 1)
			return eg_fail(err, EG_ERR_ARG, "patches are taken of pictures of one size, and the input '%s' has open sizes", w->intake->input);
	if (w->weight.d[1] != w->picture.d[1])
		return eg_fail(err, EG_ERR_ARG, "the filters of '%s' see %lld of %lld channels (groups); to whiten they must see all", layer,
			(long long)w->weight.d[1], (long long)w->picture.d[1]);
	if (w->n > PATCH_MOST)
		return eg_fail(err, EG_ERR_ARG, "a patch of '%s' has %d numbers; at most %d can be whitened: take a smaller kernel", layer, w->n, PATCH_MOST);
	if (w->weight.d[0] % 2 || w->weight.d[0] > 2 * w->n)
		return eg_fail(err, EG_ERR_ARG,
			"'%s' has %lld filters; to whiten patches of %d numbers it may have 2, 4, ... up to %d: each direction, and its opposite", layer,
			(long long)w->weight.d[0], w->n, 2 * w->n);
	return EG_OK;
}

/* *weight: which of the parameters. */
static eg_status look_up(whitening *w, const char *layer, const eg_graph *g, const eg_params *p, int *weight, eg_error *err) {
	eg_node_info node;
	char name[256];
	if (!find_node(g, layer, &node))
		return eg_fail(err, EG_ERR_ARG, "there is no layer '%.60s'; `engram info` shows their names", layer);
	w->intake = picture_of(w->samples->task, g, node.inputs[0]);
	if (strcmp(node.op->name, "conv2d") != 0 || !w->intake)
		return eg_fail(err, EG_ERR_ARG, "'%.60s' is no layer `conv` that reads the network's pictures themselves", layer);
	snprintf(name, sizeof name, "%s.weight", layer);
	*weight = eg_params_find(p, name);
	if (*weight < 0) return eg_fail(err, EG_ERR_ARG, "'%.60s' has the weights of another layer; whiten that one", layer);
	w->weight = eg_params_dims(p, *weight);
	w->picture = w->intake->shape;
	w->picture.d[0] = 1;
	w->n = volume(&w->weight);
	memcpy(w->dilation, node.dilation, sizeof w->dilation);
	return check_sizes(w, layer, err);
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

static void take_patch(whitening *w, int64_t y, int64_t x) {
	const int64_t H = w->picture.d[2], W = w->picture.d[3];
	double *to = w->patch;
	for (int64_t c = 0; c < w->weight.d[1]; c++)
		for (int64_t r = 0; r < w->weight.d[2]; r++)
			for (int64_t s = 0; s < w->weight.d[3]; s++)
				*to++ = (double)w->pixels[(c * H + y + r * w->dilation[0]) * W + x + s * w->dilation[1]];
}

/* All patches that lie inside the picture; returns how many. */
static int64_t add_picture(whitening *w) {
	const int64_t down = w->picture.d[2] - (w->weight.d[2] - 1) * w->dilation[0], across = w->picture.d[3] - (w->weight.d[3] - 1) * w->dilation[1];
	for (int64_t y = 0; y < down; y++)
		for (int64_t x = 0; x < across; x++) {
			take_patch(w, y, x);
			for (int i = 0; i < w->n; i++)
				for (int j = 0; j <= i; j++) w->moments[i * w->n + j] += w->patch[i] * w->patch[j];
		}
	return down > 0 && across > 0 ? down * across : 0;
}

static eg_status read_picture(whitening *w, const eg_sample_part *p, int64_t i, eg_error *err) {
	const eg_task *t = w->samples->task;
	eg_status status = eg_source_read(t->source, p->from, p->items ? p->items[i] : i, 1u << w->intake->field, &w->record, err);
	if (status) return status;
	const eg_datum *d = &w->record.fields[w->intake->field];
	return w->intake->type->fill(w->intake,
		&(eg_intake_fill){.data = &d, .records = &w->record, .n = 1, .dims = w->picture, .slot = w->pixels}, err);
}

static eg_status take_moments(whitening *w, const char *layer, eg_error *err) {
	const eg_sample_part *p = &w->samples->parts[EG_PART_TRAIN];
	const int64_t count = p->dataset.count, some = count < PICTURES ? count : PICTURES;
	int64_t patches = 0;
	for (int64_t i = 0; i < some; i++) {
		eg_status status = read_picture(w, p, i * count / some, err);
		if (status) return status;
		patches += add_picture(w);
	}
	double trace = 0;
	for (int i = 0; i < w->n; i++) {
		for (int j = 0; j <= i; j++)
			w->moments[j * w->n + i] = w->moments[i * w->n + j] = patches ? w->moments[i * w->n + j] / (double)patches : 0;
		trace += w->moments[i * w->n + i];
	}
	if (!(trace > 0)) return eg_fail(err, EG_ERR_ARG, "all patches that '%.60s' sees of the training pictures are 0", layer);
	return EG_OK;
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

/* The largest element of the diagonal; it is then out of the way. */
static int take_largest(whitening *w, double *variance) {
	int best = 0;
	for (int i = 1; i < w->n; i++)
		if (w->moments[i * w->n + i] > w->moments[best * w->n + best]) best = i;
	*variance = fmax(w->moments[best * w->n + best], 0);
	w->moments[best * w->n + best] = -INFINITY;
	return best;
}

static void write_filters(whitening *w, eg_real *to) {
	const int half = (int)w->weight.d[0] / 2;
	double trace = 0, variance;
	for (int i = 0; i < w->n; i++) trace += w->moments[i * w->n + i];
	for (int k = 0; k < half; k++) {
		const double *v = w->vectors + (ptrdiff_t)take_largest(w, &variance) * w->n;
		const double by = 1 / sqrt(variance + FLOOR * trace / w->n);
		for (int i = 0; i < w->n; i++) {
			to[k * w->n + i] = (eg_real)(by * v[i]);
			to[(k + half) * w->n + i] = -to[k * w->n + i];
		}
	}
}

static eg_status make_room(whitening *w, eg_error *err) {
	const size_t n = (size_t)w->n;
	w->moments = eg_calloc(NULL, n * n, sizeof *w->moments);
	w->vectors = eg_calloc(NULL, n * n, sizeof *w->vectors);
	w->patch = eg_calloc(NULL, n, sizeof *w->patch);
	w->pixels = eg_calloc(NULL, (size_t)volume(&w->picture), sizeof *w->pixels);
	bool whole = w->moments && w->vectors && w->patch && w->pixels;
	return whole ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the patches of pictures");
}

eg_status eg_samples_whiten(const eg_samples *s, const eg_graph *g, eg_params *p, eg_error *err) {
	const char *layer = eg_recipe_whiten(s->task->recipe);
	whitening w = {.samples = s};
	int weight = 0;
	if (!layer) return EG_OK;
	eg_status status = look_up(&w, layer, g, p, &weight, err);
	if (!status) status = make_room(&w, err);
	if (!status) status = take_moments(&w, layer, err);
	if (!status) {
		eg_jacobi(w.moments, w.vectors, w.n);
		write_filters(&w, eg_params_data(p, weight));
		eg_params_changed(p);
	} else if (status == EG_ERR_ARG) {
		eg_recipe_locate(s->task->recipe, "train.whiten", err);
	}
	eg_record_free(&w.record);
	eg_release(NULL, w.moments);
	eg_release(NULL, w.vectors);
	eg_release(NULL, w.patch);
	eg_release(NULL, w.pixels);
	return status;
}

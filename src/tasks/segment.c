/* segment.c - the task `segment`: a class for each pixel of a picture. The network puts out a picture of numbers for
 * each class, "logits" (N,classes,H,W), as large as its input.
 *
 * What is told and what is judged is the picture at its own size: where the network sees it smaller or larger, each
 * pixel has the class of the nearest one that the network saw. */
#include "tasks/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status open_task(eg_task *t, eg_error *err) {
	EG_UNUSED(err);
	t->one = "picture", t->many = "pictures";
	return EG_OK;
}

static const eg_lexicon *classes_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits")),
	        y = eg_tensor_dims(g, eg_graph_find(g, eg_task_target_input(t)));
	eg_dims x = eg_tensor_dims(g, eg_graph_find(g, t->intakes[0]->input));
	bool same = d.rank == 4 && x.rank == 4 && y.rank == 3;
	for (int i = 2; i < 4 && same; i++) same = d.d[i] == x.d[i];
	if (same) return EG_OK;
	if (d.rank == 4 && x.rank == 4 && d.d[2] < 0 && x.d[2] < 0) {
		char have[128], want[128];
		eg_fail(err, EG_ERR_SHAPE,
		        "to segment, a network puts out a number for each pixel of its input %s, but these are %s: are "
		        "they as many? Behind the last "
		        "`upsample`, join a layer that has the pictures' own size (concat or add)",
		        eg_shape_text(g, x, want, sizeof want), eg_shape_text(g, d, have, sizeof have));
		eg_recipe_locate(t->recipe, "model", err);
		return EG_ERR_SHAPE;
	}
	eg_fail(err, EG_ERR_SHAPE,
	        "to segment, a network puts out a number for each class and pixel of its input, (N,classes,H,W): end "
	        "with "
	        "`conv: {filters: classes, kernel: 1}`, and take a loss of classes (loss: cross_entropy)");
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- what the network says of a pixel ---------------------------------------------------------------------------- */

typedef struct view {
	const eg_real *logits;
	int K, H, W, h, w; /* of the network; of the picture */
	bool padded;       /* the network sees it at its own size */
} view;

static view view_of(const eg_task *t, const eg_row *r, int h, int w) {
	eg_dims d = eg_row_dims(r, "logits");
	view v = {.K = (int)d.d[1],
	        .H = (int)d.d[2],
	        .W = (int)d.d[3],
	        .h = h,
	        .w = w,
	        .padded = t->intakes[0]->padded && !r->said};
	v.logits = eg_row_output(r, "logits", 0, NULL);
	return v;
}

static int class_at(const view *v, int y, int x) {
	int row = v->padded ? y : (int)(((int64_t)2 * y + 1) * v->H / (2 * v->h)),
	    column = v->padded ? x : (int)(((int64_t)2 * x + 1) * v->W / (2 * v->w));
	const eg_real *p = v->logits + (ptrdiff_t)row * v->W + column;
	ptrdiff_t plane = (ptrdiff_t)v->H * v->W;
	int best = 0;
	for (int k = 1; k < v->K; k++)
		if (p[k * plane] > p[best * plane]) best = k;
	return best;
}

/* The true class of a pixel; -1: none. */
static int truth_at(const eg_task *t, const eg_datum *d, int y, int x) {
	int k = d->mask.classes[(ptrdiff_t)y * d->mask.W + x];
	return k == EG_VOID ? -1 : eg_intake_label(eg_task_target(t), k);
}

static const eg_datum *mask_of(const eg_task *t, const eg_row *r) { return eg_row_datum(t, r, t->ninputs); }

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	int n;
	int64_t *count; /* [truth][said] */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "miou", .doc = "intersection over union, mean over the classes", .share = true},
	{.name = "pixel_accuracy", .doc = "pixels that have the right class", .share = true},
};

static eg_status judge_open(eg_task_judge *j, eg_error *err) {
	judge *own = (judge *)j;
	own->n = classes_of(j->task)->n;
	own->count = eg_calloc(NULL, (size_t)own->n * (size_t)own->n, sizeof *own->count);
	return own->count ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
}

static void judge_close(eg_task_judge *j) { eg_release(NULL, ((judge *)j)->count); }

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	memset(own->count, 0, (size_t)own->n * (size_t)own->n * sizeof *own->count);
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_datum *d = mask_of(j->task, r);
	if (!d) return eg_fail(err, EG_ERR_ARG, "%s has no mask to judge by", r->name);
	view v = view_of(j->task, r, d->mask.H, d->mask.W);
	for (int y = 0; y < v.h; y++)
		for (int x = 0; x < v.w; x++) {
			int k = truth_at(j->task, d, y, x);
			if (k >= 0 && k < own->n) own->count[(ptrdiff_t)k * own->n + class_at(&v, y, x)]++;
		}
	j->total++;
	return EG_OK;
}

/* Intersection and union of class k, and how many pixels have it. */
static int64_t overlap(const judge *j, int k, int64_t *all, int64_t *there) {
	int64_t row = 0, column = 0, both = j->count[(ptrdiff_t)k * j->n + k];
	for (int i = 0; i < j->n; i++)
		row += j->count[(ptrdiff_t)k * j->n + i], column += j->count[(ptrdiff_t)i * j->n + k];
	*all = row + column - both;
	*there = row;
	return both;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	double sum = 0;
	int64_t all, there, pixels = 0, right = 0;
	int classes = 0;
	for (int k = 0; k < own->n; k++) {
		int64_t both = overlap(own, k, &all, &there);
		right += both, pixels += there;
		if (all == 0) continue; /* neither there nor said */
		sum += (double)both / (double)all;
		classes++;
	}
	v[0] = classes ? sum / classes : (double)NAN;
	v[1] = pixels ? (double)right / (double)pixels : (double)NAN;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	const eg_lexicon *names = classes_of(j->task);
	int64_t all, there;
	eg_value *absent = eg_value_put_list(map, "absent"), *list = eg_value_put_list(map, "per_class");
	for (int k = 0; k < own->n; k++) {
		int64_t both = overlap(own, k, &all, &there);
		if (all == 0) {
			eg_value_put_text(absent, NULL, names->at[k]);
			continue;
		}
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", names->at[k]);
		eg_value_put_int(one, "n", there);
		eg_value_mark(eg_value_put_number(one, "iou", (double)both / (double)all), EG_SHOW_SHARE, NULL);
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

#define OPACITY 0.6
typedef struct segment_options {
	eg_answer_options base;
	double opacity; /* 0: OPACITY */
} segment_options;
static const eg_key option_keys[] = {{.name = "opacity",
	.type = EG_KEY_DOUBLE,
	.offset = offsetof(segment_options, opacity),
	.min = 0,
	.max = 1,
	.def = OPACITY,
	.doc = "how much of the classes' colours is over the picture that -o writes, 0 to 1 (0.6)"}};

void eg_segment_paint(
	int C, int H, int W, const uint8_t *pixels, const int16_t *classes, double opacity, uint8_t *out) {
	const size_t n = (size_t)H * (size_t)W;
	uint8_t rgb[3] = {0};
	for (size_t i = 0; i < n; i++) {
		const double over = classes[i] < 0 ? 0 : opacity;
		if (classes[i] >= 0) eg_class_colour(classes[i], rgb);
		for (size_t c = 0; c < 3; c++)
			out[c * n + i] = (uint8_t)(over * rgb[c] + (1 - over) * pixels[(C == 3 ? c * n : 0) + i] + 0.5);
	}
}

int16_t *eg_segment_classes(const eg_value *answer, int *H, int *W) {
	const eg_value *size = eg_value_get(answer, "size");
	const int64_t h = eg_value_int(eg_value_at(size, 0), 0), w = eg_value_int(eg_value_at(size, 1), 0);
	if (h < 1 || w < 1 || h > INT32_MAX / w) return NULL;
	int64_t at = 0;
	int16_t *k = malloc((size_t)(h * w) * sizeof *k);
	for (const eg_value *run = eg_value_first(eg_value_get(answer, "runs")); run && k; run = eg_value_next(run))
		for (int64_t n = eg_value_int(eg_value_at(run, 1), 0); n > 0 && at < h * w; n--)
			k[at++] = (int16_t)eg_value_int(eg_value_at(run, 0), -1);
	while (k && at < h * w) k[at++] = -1;
	*H = (int)h, *W = (int)w;
	return k;
}

/* The picture as the network has it, where that is all there is: numbers are no colours, so it is white. */
static const uint8_t *pixels_of(const eg_datum *d, size_t n, int *C, uint8_t *white) {
	*C = d ? d->picture.C : 1;
	if (!d) memset(white, 255, n);
	return d ? d->picture.pixels : white;
}

/* The classes' colours over the picture. */
static eg_status save_picture(const eg_answer_options *options, const eg_row *r, const eg_datum *d, const int16_t *k, int h,
	int w, eg_value *out, eg_error *err) {
	const segment_options *o = (const segment_options *)options;
	const double opacity = o->opacity == 0 && !signbit(o->opacity) ? OPACITY : o->opacity; /* EG_ZERO: 0 is meant */
	char path[1024];
	size_t n = (size_t)h * (size_t)w;
	int C;
	eg_status status = eg_row_path(options, r, "png", path, sizeof path, err);
	uint8_t *painted = status ? NULL : eg_alloc(NULL, 3 * n);
	if (!status && !painted) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
	if (!status) {
		/* white lies in the last plane: each pixel is read before it is written over */
		const uint8_t *pixels = pixels_of(d, n, &C, painted + 2 * n);
		eg_segment_paint(C, h, w, pixels, k, opacity, painted);
		status = eg_picture_save_png(path, 3, h, w, painted, err);
	}
	if (!status) eg_value_put_text(out, "file", path);
	eg_release(NULL, painted);
	return status;
}

/* size, classes and runs of n pixels' classes. */
static void put_runs(const eg_lexicon *names, const int16_t *k, int h, int w, eg_value *out) {
	eg_value *size = eg_value_mark(eg_value_put_list(out, "size"), EG_SHOW_NOT, NULL);
	eg_value_put_int(size, NULL, h);
	eg_value_put_int(size, NULL, w);
	eg_value *list = eg_value_mark(eg_value_put_list(out, "classes"), EG_SHOW_NOT, NULL);
	for (int i = 0; i < names->n; i++) eg_value_put_text(list, NULL, names->at[i]);
	list = eg_value_mark(eg_value_put_list(out, "runs"), EG_SHOW_NOT, NULL);
	for (int64_t i = 0, n = (int64_t)h * w, next; i < n; i = next) {
		for (next = i + 1; next < n && k[next] == k[i];) next++;
		eg_value *run = eg_value_put_list(list, NULL);
		eg_value_put_int(run, NULL, k[i]);
		eg_value_put_int(run, NULL, next - i);
	}
}

/* How much of the picture each class takes, the largest first. */
static eg_status put_shares(const eg_lexicon *names, const int16_t *k, int64_t n, eg_value *out, eg_error *err) {
	int64_t *count = eg_calloc(NULL, (size_t)names->n, sizeof *count);
	if (!count) return eg_fail(err, EG_ERR_MEMORY, "out of memory for an answer");
	for (int64_t i = 0; i < n; i++) count[k[i]]++;
	eg_value *list = eg_value_put_list(out, "shares");
	for (int i = 0; i < names->n; i++) {
		int most = 0;
		for (int c = 1; c < names->n; c++)
			if (count[c] > count[most]) most = c;
		if (count[most] <= 0) break;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", names->at[most]);
		eg_value_mark(eg_value_put_number(one, "share", (double)count[most] / (double)n), EG_SHOW_SHARE, NULL);
		count[most] = 0;
	}
	eg_release(NULL, count);
	return EG_OK;
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_datum *d = eg_row_datum(t, r, 0);
	eg_dims size = eg_row_dims(r, "logits");
	int h = d ? d->picture.H : (int)size.d[2],
	    w = d ? d->picture.W : (int)size.d[3]; /* of tensors: as the network has it */
	view v = view_of(t, r, h, w);
	int16_t *k = eg_alloc(NULL, (size_t)h * (size_t)w * sizeof *k);
	if (!k) return eg_fail(err, EG_ERR_MEMORY, "out of memory for an answer");
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) k[(ptrdiff_t)y * w + x] = (int16_t)class_at(&v, y, x);
	put_runs(classes_of(t), k, h, w, out);
	eg_status status = put_shares(classes_of(t), k, (int64_t)h * w, out, err);
	if (!status && o->output) status = save_picture(o, r, d, k, h, w, out, err);
	eg_release(NULL, k);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_datum *d = mask_of(t, r);
	if (!d) return EG_OK;
	int h = d->mask.H, w = d->mask.W;
	int16_t *k = eg_alloc(NULL, (size_t)h * (size_t)w * sizeof *k);
	if (!k) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the truth");
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) k[(ptrdiff_t)y * w + x] = (int16_t)truth_at(t, d, y, x);
	put_runs(classes_of(t), k, h, w, out);
	eg_release(NULL, k);
	return EG_OK;
}

const eg_task_type eg_task_type_segment = {
	.info = {.name = "segment",
		.doc = "a class for each pixel of a picture",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM)",
		.answer = "the class of each pixel, how much of the picture each takes, and with -o the classes' colours "
			  "over the picture",
		.judged =
			"Of a segmenter: of each class the intersection over union (pixels that have it and are said\n"
			"to, of all that have it or are said to), its mean over the classes, and how many pixels have\n"
			"the right class. Pixels without a class do not count; classes that are neither there nor "
			"said\n"
			"are listed.",
		.abilities = EG_ABLE_SEGMENT},
	.inputs = EG_KIND(PICTURE),
	.targets = EG_KIND(MASK),
	.averaged = "logits",
	.needs = "a picture with a mask of classes",
	.open = open_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(segment_options),
	.answer = answer,
	.truth = truth,
};

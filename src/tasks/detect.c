/* detect.c - the task `detect`: where objects are in a picture, how large, and of which class, and so how many there
 * are. A one-stage detector without anchors, as FCOS is (Tian et al. 2019): for each cell of a grid over the picture
 * the network tells, of each class, whether the middle of an object is there, "logits" (N,classes,h,w), and how far its
 * left, upper, right and lower side are, "sides" (N,4,h,w), in cells. No boxes are guessed beforehand, so there is
 * nothing about their forms to be set, and cells that tell of the same object are brought together at the end.
 *
 * At which score an object is believed, and so drawn and counted, is chosen for each class on validation pictures,
 * where the numbers of objects come out best, and kept in the model. Scores are told moved, by the same amount in their
 * logits, so that this one is 0.5: their order, and with it the average precision, stays as it is. How many there are
 * may be said by a line through the scores (detect_count.c).
 *
 * Not here: what a box asks of the cells (intake_boxes.c); detect.h has the parts of this task. */
#include "tasks/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const eg_task_type eg_task_type_detect;

typedef struct detect {
	eg_task base;
	double overlap;
	int counting;
	double *limits;       /* of each class; NULL: 0.5 */
	eg_count_line *lines; /* likewise; NULL: boxes are counted */
} detect;

enum { COUNT_BOXES, COUNT_CALIBRATED };
static const char *const countings[] = {"boxes", "calibrated", NULL};

static const eg_key data_keys[] = {
	{.name = "overlap",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(detect, overlap),
		.min = EG_ABOVE_0,
		.max = 1,
		.def = 0.5,
		.doc = "of two boxes of one class that overlap by more than this share of what both cover, only the surer is told (0.5)"},
	{.name = "count",
		.type = EG_KEY_ENUM,
		.offset = offsetof(detect, counting),
		.names = countings,
		.def = COUNT_BOXES,
		.doc = "detect: how many objects of a class are said to be there: boxes (default): as many as are drawn; calibrated: by a line "
		       "through the scores of all boxes, for classes where that is nearer to the labels of validation pictures"},
};
static void defaults(eg_task *t) { ((detect *)t)->overlap = 0.5, ((detect *)t)->counting = COUNT_BOXES; }

enum { CLASSES, PLACES, TARGETS };
#define BELIEVED 0.5 /* the score, moved by the limit, from which on an object is drawn and counted */
static const char *const network_outputs[] = {"logits", "sides", NULL};
static const char *const *outputs(const eg_task *t, const eg_graph *g) { return EG_UNUSED(t), EG_UNUSED(g), network_outputs; }

static const eg_lexicon *classes_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }

/* ---- the network ------------------------------------------------------------------------------------------------- */

static eg_status open_task(eg_task *t, eg_error *err) {
	const char *path = "train.loss";
	t->one = "picture", t->many = "pictures";
	if (t->nintakes - t->ninputs == TARGETS) {
		for (int i = 0; i < TARGETS; i++) eg_intake_boxes_are(t->intakes[t->ninputs + i], i == PLACES, t->intakes[0]);
		return EG_OK;
	}
	const char *field = t->nintakes > t->ninputs ? eg_task_target(t)->name : "boxes";
	eg_fail(err, EG_ERR_ARG,
	        "to detect, a recipe has a list of two losses: of classes, `- focal:` with `of: LAYER`, and of places, `- iou: {kind: giou, "
	        "boxes: sides, axis: 1}` with `of: LAYER` and `target: %s`",
	        field);
	eg_recipe_locate(t->recipe, path, err);
	return EG_ERR_ARG;
}

static void drop_learnt(detect *own) {
	eg_release(NULL, own->limits);
	eg_release(NULL, own->lines);
	own->limits = NULL, own->lines = NULL;
}

static void close_task(eg_task *t) { drop_learnt((detect *)t); }

static bool has_output(const eg_task *t, const char *name) {
	for (int i = 0; i < t->recipe->noutputs; i++)
		if (strcmp(t->recipe->outputs[i].name, name) == 0) return true;
	return false;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const eg_dims x = eg_tensor_dims(g, eg_graph_find(g, t->intakes[0]->input)), k = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	char have[128], other[128];
	if (!has_output(t, "sides")) {
		eg_fail(err, EG_ERR_ARG, "to detect, the layer that tells how far the sides of an object are is an output: outputs: {sides: LAYER}");
		eg_recipe_locate(t->recipe, eg_recipe_has(t->recipe, "outputs") ? "outputs" : "model", err);
		return EG_ERR_ARG;
	}
	const eg_dims s = eg_tensor_dims(g, eg_graph_find(g, "sides"));
	bool fixed = x.rank == 4 && x.d[2] > 0 && x.d[3] > 0;
	if (!fixed) {
		eg_fail(err, EG_ERR_SHAPE, "to detect, pictures are brought to one size: input: [3, HEIGHT, WIDTH], and `resize: true` in 'data'");
		eg_recipe_locate(t->recipe, eg_recipe_has(t->recipe, "inputs") ? "inputs" : "input", err);
		return EG_ERR_SHAPE;
	}
	bool same = k.rank == 4 && s.rank == 4 && s.d[1] == 4 && k.d[1] == classes_of(t)->n;
	for (int i = 2; i < 4 && same; i++) same = k.d[i] == s.d[i] && k.d[i] > 0;
	if (same) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
	        "to detect, a network puts out two grids of the same height and width: a number for each class, (N,%d,h,w), but what the first "
	        "loss judges is %s, and four sides, (N,4,h,w), but `sides` is %s",
	        classes_of(t)->n, eg_shape_text(g, k, have, sizeof have), eg_shape_text(g, s, other, sizeof other));
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- what is found in a picture ---------------------------------------------------------------------------------- */

/* Sizes of the picture that boxes lie in; of tensors, the input's. */
static void size_of(const eg_task *t, const eg_row *r, int *H, int *W) {
	const eg_datum *d = eg_row_datum(t, r, 0);
	const eg_dims *in = &t->intakes[0]->sample;
	*H = d ? d->picture.H : (int)in->d[in->rank - 2];
	*W = d ? d->picture.W : (int)in->d[in->rank - 1];
}

/* A model that is no network says the boxes themselves, (N,boxes,6): class, score, and the corners as shares of the
 * picture. */
static int take_said(const eg_row *r, int H, int W, eg_found out[EG_FOUND_MOST]) {
	const int n = (int)r->said->dims.d[1] < EG_FOUND_MOST ? (int)r->said->dims.d[1] : EG_FOUND_MOST;
	const eg_real *at = eg_row_output(r, "logits", 0, NULL);
	for (int i = 0; i < n; i++, at += 6)
		out[i] = (eg_found){.box = {.label = (int)at[0],
		                            .x0 = (double)at[2] * W,
		                            .y0 = (double)at[3] * H,
		                            .x1 = (double)at[4] * W,
		                            .y1 = (double)at[5] * H},
		        .score = (double)at[1]};
	return n;
}

/* The surest first. limits NULL: scores as the network has them. */
static eg_status find(const eg_task *t, const eg_row *r, const double *limits, eg_found out[EG_FOUND_MOST], int *n, eg_error *err) {
	int H, W;
	size_of(t, r, &H, &W);
	if (r->said) return *n = take_said(r, H, W, out), EG_OK;
	const eg_dims d = eg_row_dims(r, "logits");
	const eg_grid g = {.logits = eg_row_output(r, "logits", 0, NULL),
	        .sides = eg_row_output(r, "sides", 0, NULL),
	        .K = (int)d.d[1],
	        .h = (int)d.d[2],
	        .w = (int)d.d[3],
	        .H = H,
	        .W = W,
	        .limit = limits,
	        .overlap = ((const detect *)t)->overlap};
	*n = eg_grid_find(&g, out);
	return *n < 0 ? eg_fail(err, EG_ERR_MEMORY, "out of memory for boxes") : EG_OK;
}

bool eg_task_detects(const eg_task *t) { return t->type == &eg_task_type_detect; }

eg_status eg_task_find(const eg_task *t, const eg_row *r, eg_found out[EG_FOUND_MOST], int *n, eg_error *err) {
	return find(t, r, ((const detect *)t)->limits, out, n, err);
}

/* How many of each class are believed; nobody knows a box without a class. */
static void count_found(const eg_found *found, int n, double least, int64_t *count) {
	for (int i = 0; i < n; i++) count[found[i].box.label] += found[i].score >= least;
}

/* How many of each class the model says there are. */
static void count_all(const eg_task *t, const eg_found *found, int n, int64_t *count) {
	const eg_count_line *lines = ((const detect *)t)->lines;
	count_found(found, n, BELIEVED, count);
	for (int k = 0; lines && k < classes_of(t)->n; k++)
		if (lines[k].used) count[k] = eg_count_by(&lines[k], eg_found_sum(found, n, k));
}

static const eg_datum *boxes_of(const eg_task *t, const eg_row *r) { return eg_row_datum(t, r, t->ninputs); }

static void count_true(const eg_task *t, const eg_datum *d, int64_t *count) {
	for (int i = 0; i < d->boxes.n; i++) {
		const int k = eg_intake_label(eg_task_target(t), d->boxes.at[i].label);
		if (k >= 0 && !d->boxes.at[i].difficult) count[k]++;
	}
}

/* ---- from which score on, and how many --------------------------------------------------------------------------- */

/* Without validation pictures objects are believed from 0.5 on. */
static eg_status note_unmoved(void *user, const eg_row *r, eg_error *err) {
	eg_sightings *s = user;
	const eg_datum *d = boxes_of(s->task, r);
	eg_found found[EG_FOUND_MOST];
	int n = 0;
	eg_status status = d ? find(s->task, r, NULL, found, &n, err) : EG_OK;
	if (status || !d) return status;
	count_true(s->task, d, s->truth + (ptrdiff_t)s->pictures * s->K);
	return eg_sightings_add(s, found, n, err);
}

/* Of the same pictures in the same order: their scores, moved. */
static eg_status note_moved(void *user, const eg_row *r, eg_error *err) {
	eg_sightings *s = user;
	eg_found found[EG_FOUND_MOST];
	int n = 0;
	eg_status status = boxes_of(s->task, r) ? eg_task_find(s->task, r, found, &n, err) : EG_OK;
	if (status || !boxes_of(s->task, r)) return status;
	for (int k = 0; k < s->K; k++) s->sum[(ptrdiff_t)s->again * s->K + k] = eg_found_sum(found, n, k);
	count_found(found, n, BELIEVED, s->said + (ptrdiff_t)s->again++ * s->K);
	return EG_OK;
}

static eg_status settle(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	detect *own = (detect *)t;
	eg_sightings all = {.task = t, .K = classes_of(t)->n};
	const int64_t count = eg_samples_count(s, EG_PART_VALIDATION);
	if (count == 0) return EG_OK;
	drop_learnt(own);
	eg_status status = eg_sightings_begin(&all, count, err);
	if (!status) status = eg_samples_each_row(s, g, p, EG_PART_VALIDATION, note_unmoved, &all, err);
	if (!status) status = eg_sightings_limits(&all, &own->limits, err);
	if (!status && own->counting == COUNT_CALIBRATED) {
		status = eg_samples_each_row(s, g, p, EG_PART_VALIDATION, note_moved, &all, err);
		if (!status) status = eg_sightings_lines(&all, &own->lines, err);
	}
	eg_sightings_free(&all);
	return status;
}

static void save(const eg_task *t, eg_value *map) {
	const detect *own = (const detect *)t;
	const int K = classes_of(t)->n;
	eg_value *list = own->limits ? eg_value_put_list(map, "limits") : NULL;
	for (int k = 0; list && k < K; k++) eg_value_put_number(list, NULL, own->limits[k]);
	list = own->lines ? eg_value_put_list(map, "count_lines") : NULL;
	for (int k = 0; list && k < K; k++) {
		eg_value *line = eg_value_put_list(list, NULL); /* empty: boxes are counted */
		if (!own->lines[k].used) continue;
		eg_value_put_number(line, NULL, own->lines[k].slope);
		eg_value_put_number(line, NULL, own->lines[k].offset);
	}
}

static eg_status restore_lines(detect *own, const eg_value *list, int K, eg_error *err) {
	if (!list) return EG_OK;
	if (eg_value_count(list) != K) return eg_fail(err, EG_ERR_FORMAT, "damaged: %d lines to count by for %d classes", (int)eg_value_count(list), K);
	own->lines = eg_calloc(NULL, (size_t)K, sizeof *own->lines);
	if (!own->lines) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
	for (int k = 0; k < K; k++) {
		const eg_value *line = eg_value_at(list, k);
		if (eg_value_kind_of(line) == EG_VALUE_LIST && eg_value_count(line) == 0) continue;
		own->lines[k] = (eg_count_line){
		        true, eg_value_number(eg_value_at(line, 0), (double)NAN), eg_value_number(eg_value_at(line, 1), (double)NAN)};
		if (!(fabs(own->lines[k].slope) <= 1e6 && fabs(own->lines[k].offset) <= 1e6))
			return eg_fail(err, EG_ERR_FORMAT, "damaged: a line to count by is no pair of numbers");
	}
	return EG_OK;
}

static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	detect *own = (detect *)t;
	const int K = classes_of(t)->n;
	const eg_value *list = eg_value_get(map, "limits");
	drop_learnt(own);
	if (!list) return EG_OK; /* a checkpoint has none yet */
	if (eg_value_count(list) != K) return eg_fail(err, EG_ERR_FORMAT, "damaged: %d limits for %d classes", (int)eg_value_count(list), K);
	own->limits = eg_calloc(NULL, (size_t)K, sizeof *own->limits);
	if (!own->limits) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
	for (int k = 0; k < K; k++) {
		own->limits[k] = eg_value_number(eg_value_at(list, k), (double)NAN);
		if (!(own->limits[k] > 0 && own->limits[k] < 1)) return eg_fail(err, EG_ERR_FORMAT, "damaged: a limit is no score between 0 and 1");
	}
	return restore_lines(own, eg_value_get(map, "count_lines"), K, err);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	int n;
	eg_precision *precision;
	int64_t *said, *there;   /* of a picture, by class */
	int64_t *error, *number; /* by class: differences summed, true boxes */
	eg_box *truth;
	int room;
} judge;

enum { MAP50, MAP50_95, METRICS };
static const eg_metric_info metrics[METRICS] = {
	{.name = "map50", .doc = "average precision of boxes that overlap by half, mean over the classes", .share = true},
	{.name = "map50_95", .doc = "the same, mean over overlaps of 0.5 to 0.95", .share = true},
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics"); }

static eg_status judge_open(eg_task_judge *j, eg_error *err) {
	judge *own = (judge *)j;
	own->n = classes_of(j->task)->n;
	own->precision = eg_precision_new(own->n);
	own->said = eg_calloc(NULL, 4 * (size_t)own->n, sizeof *own->said);
	if (!own->precision || !own->said) return no_memory(err);
	own->there = own->said + own->n, own->error = own->there + own->n, own->number = own->error + own->n;
	return EG_OK;
}

static void judge_close(eg_task_judge *j) {
	judge *own = (judge *)j;
	eg_precision_free(own->precision);
	eg_release(NULL, own->said);
	eg_release(NULL, own->truth);
}

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	eg_precision_reset(own->precision);
	memset(own->said, 0, 4 * (size_t)own->n * sizeof *own->said);
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_datum *d = boxes_of(j->task, r);
	eg_found found[EG_FOUND_MOST];
	int n, ntruth = 0;
	if (!d) return eg_fail(err, EG_ERR_ARG, "%s has no boxes to judge by", r->name);
	eg_status status = eg_task_find(j->task, r, found, &n, err);
	if (status) return status;
	for (int i = 0; i < d->boxes.n; i++) {
		if (!eg_grow(NULL, &own->truth, &own->room, ntruth, sizeof *own->truth)) return no_memory(err);
		own->truth[ntruth] = d->boxes.at[i];
		own->truth[ntruth].label = eg_intake_label(eg_task_target(j->task), d->boxes.at[i].label);
		ntruth++;
	}
	memset(own->said, 0, 2 * (size_t)own->n * sizeof *own->said);
	count_all(j->task, found, n, own->said);
	count_true(j->task, d, own->there);
	for (int k = 0; k < own->n; k++) own->error[k] += llabs(own->said[k] - own->there[k]);
	j->total++;
	return eg_precision_add(own->precision, own->truth, ntruth, found, n, err);
}

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	double sum[METRICS] = {0};
	int classes = 0;
	for (int k = 0; k < own->n; k++) {
		const eg_class_precision p = eg_precision_of(own->precision, k);
		if (isnan(p.ap50)) continue; /* none is there */
		sum[MAP50] += p.ap50, sum[MAP50_95] += p.ap50_95;
		classes++;
	}
	for (int i = 0; i < METRICS; i++) v[i] = classes ? sum[i] / classes : (double)NAN;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	const eg_lexicon *names = classes_of(j->task);
	eg_value *errors = eg_value_put_map(map, "count_mae"), *list = eg_value_put_list(map, "per_class");
	for (int k = 0; k < own->n; k++) {
		const eg_class_precision p = eg_precision_of(own->precision, k);
		eg_value_put_number(errors, names->at[k], j->total ? (double)own->error[k] / (double)j->total : (double)NAN);
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", names->at[k]);
		eg_value_put_int(one, "n", eg_precision_count(own->precision, k));
		eg_value_mark(eg_value_put_number(one, "ap50", p.ap50), EG_SHOW_SHARE, NULL);
		eg_value_mark(eg_value_put_number(one, "ap50_95", p.ap50_95), EG_SHOW_SHARE, NULL);
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static void put_box(eg_value *one, const eg_box *b) {
	eg_value *box = eg_value_mark(eg_value_put_list(one, "box"), EG_SHOW_BOX, NULL);
	const double corners[] = {b->x0, b->y0, b->x1, b->y1};
	for (int i = 0; i < EG_COUNT(corners); i++) eg_value_put_number(box, NULL, corners[i]);
}

static void put_counts(const eg_lexicon *names, const int64_t *count, eg_value *out) {
	eg_value *map = eg_value_put_map(out, "counts");
	for (int k = 0; k < names->n; k++) eg_value_put_int(map, names->at[k], count[k]);
}

static eg_status draw(const eg_task *t, const eg_answer_options *o, const eg_row *r, const eg_found *found, int n, eg_value *out,
	eg_error *err) {
	char path[1024];
	const eg_datum *d = eg_row_datum(t, r, 0);
	int believed = 0;
	if (!d) return eg_fail(err, EG_ERR_ARG, "there is no picture to draw boxes in");
	eg_status status = eg_row_path(o, r, "png", path, sizeof path, err);
	while (believed < n && found[believed].score >= BELIEVED) believed++;
	if (!status) status = eg_found_draw(path, &d->picture, found, believed, classes_of(t), err);
	if (!status) eg_value_put_text(out, "file", path);
	return status;
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_lexicon *names = classes_of(t);
	eg_found found[EG_FOUND_MOST];
	int n;
	eg_status status = eg_task_find(t, r, found, &n, err);
	int64_t *count = status ? NULL : eg_calloc(NULL, (size_t)names->n, sizeof *count);
	if (!status && !count) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for an answer");
	if (status) return status;
	eg_value *list = eg_value_put_list(out, "boxes");
	for (int i = 0; i < n; i++) {
		eg_value *one = eg_value_mark(eg_value_put_map(list, NULL), found[i].score >= BELIEVED ? 0 : EG_SHOW_NOT, NULL);
		eg_value_put_text(one, "class", names->at[found[i].box.label]);
		eg_value_mark(eg_value_put_number(one, "score", found[i].score), EG_SHOW_PROBABILITY, NULL);
		put_box(one, &found[i].box);
	}
	eg_value_mark(eg_value_put_number(out, "threshold", BELIEVED), EG_SHOW_NOT, NULL);
	count_all(t, found, n, count);
	put_counts(names, count, out);
	eg_release(NULL, count);
	return o->output ? draw(t, o, r, found, n, out, err) : EG_OK;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_datum *d = boxes_of(t, r);
	const eg_lexicon *names = classes_of(t);
	if (!d) return EG_OK;
	int64_t *count = eg_calloc(NULL, (size_t)names->n, sizeof *count);
	if (!count) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the truth");
	eg_value *list = eg_value_put_list(out, "boxes");
	for (int i = 0; i < d->boxes.n; i++) {
		const eg_box *b = &d->boxes.at[i];
		const int k = eg_intake_label(eg_task_target(t), b->label);
		if (k < 0) continue;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", names->at[k]);
		put_box(one, b);
		eg_value_put_bool(one, "difficult", b->difficult);
	}
	count_true(t, d, count);
	put_counts(names, count, out);
	eg_release(NULL, count);
	return EG_OK;
}

static const char *const settled[] = {"limits", "count_lines", NULL};

const eg_task_type eg_task_type_detect = {
	.info = {.name = "detect",
		.doc = "where objects are in a picture, how large, of which class, and how many",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM)",
		.answer = "boxes with class and score, how many of each class, and with -o the picture with frames around them",
		.judged = "Of a detector: the average precision of its boxes, of each class and as the mean over the classes, where a box\n"
			  "is right that overlaps a true one by half (map50), and as the mean over overlaps of 0.5 to 0.95 (map50_95), as\n"
			  "COCO's evaluation has it; and by how many objects of each class a picture is miscounted (count_mae)."},
	.size = sizeof(detect),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(PICTURE),
	.targets = EG_KIND(BOXES),
	.needs = "a picture with boxes",
	.defaults = defaults,
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = METRICS,
	.best = MAP50,
	.outputs = outputs,
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.answer = answer,
	.truth = truth,
	.settle = settle,
	.settled = settled,
	.save = save,
	.restore = restore,
};

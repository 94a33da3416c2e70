/* reconstruct_film.c - the task `reconstruct` of films: the frames that come next, or, where the data has no film that
 * goes on, the film itself. The network puts out as many frames as it reads, "logits" (T,N,C,H,W), with black as 0 and
 * white as 1.
 *
 * The error of a frame is the sum of the squared errors of its pixels, and that of a film the mean over its frames, as
 * figures of moving digits are published (Shi et al. 2015 and those after them). Numbers are taken as they come out,
 * also those below 0 and above 1; only pictures of them are cut off there.
 *
 * Of a film that is longer than those of the training the last frames alone are read, as many as these have. */
#include "engram_film.h"
#include "tasks/reconstruct.h"

#include <math.h>
#include <string.h>

bool eg_rebuilds_films(const eg_task *t) { return t->intakes[0]->type->kind == EG_FIELD_FRAMES; }

int eg_rebuilt_films_field(const eg_task *t) {
	const int seen = t->intakes[0]->field;
	for (int i = 0; i < eg_source_fields(t->source); i++)
		if (i != seen && eg_source_field(t->source, i)->kind == EG_FIELD_FRAMES) return i;
	return seen;
}

/* Does it tell what is coming? Else it puts out what goes in. */
static bool foretells(const eg_task *t) { return eg_task_target(t)->field != t->intakes[0]->field; }

static eg_status open_task(eg_task *t, eg_error *err) {
	t->one = "film", t->many = "films";
	const eg_field *seen = eg_source_field(t->source, t->intakes[0]->field), *coming = eg_source_field(t->source, eg_task_target(t)->field);
	if (!seen || !coming || !foretells(t)) return EG_OK;
	eg_intake_frames_last(t->intakes[0], seen->steps);
	if (seen->steps == coming->steps) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "a network puts out as many frames as it reads, but %d are to follow %d; let them be as many", coming->steps,
		seen->steps);
	eg_recipe_locate(t->recipe, "data", err);
	return EG_ERR_ARG;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	const eg_field *f = eg_source_field(t->source, eg_task_target(t)->field);
	char have[128], want[80] = "channels, height, width";
	bool fits = d.rank == 5 && d.d[0] == EG_T && d.d[1] == EG_N && d.d[2] > 0 && d.d[3] > 0 && d.d[4] > 0;
	if (f && f->C > 0) {
		snprintf(want, sizeof want, "%d, %d, %d", f->C, f->H, f->W);
		fits = fits && d.d[2] == f->C && d.d[3] == f->H && d.d[4] == f->W;
	}
	if (fits) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
		"a frame comes out at every step, (time, N, %s), but the network puts out %s; end it with `conv_transpose2d` or `depth_to_space` of "
		"a sequence of pictures, and take a loss between numbers (loss: mse)",
		want, eg_shape_text(g, d, have, sizeof have));
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* What should come out; NULL: it is not known. */
static const eg_datum_frames *wanted_of(const eg_task *t, const eg_row *r) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	return d ? &d->frames : NULL;
}

/* Frame t as the network put it out, shape C x H x W. */
static const eg_real *frame_said(const eg_row *r, int t, int shape[3]) {
	const eg_dims d = eg_row_dims(r, "logits");
	for (int k = 0; k < 3; k++) shape[k] = (int)d.d[d.rank - 3 + k];
	return eg_row_output(r, "logits", t, NULL);
}

static size_t numbers_of(const int shape[3]) { return (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2]; }

static int frames_of(const eg_row *r, const eg_datum_frames *wanted) {
	const int n = r->length < r->time ? r->length : r->time;
	return wanted && wanted->n < n ? wanted->n : n;
}

/* The sum of the squared errors of frame t. */
static eg_status error_of_frame(const eg_row *r, const eg_datum_frames *wanted, int t, double *error, eg_error *err) {
	int shape[3];
	const eg_real *said = frame_said(r, t, shape);
	const uint8_t *pixels;
	const size_t n = numbers_of(shape);
	uint8_t *room = eg_record_room((eg_record *)r->record, n);
	if (!room) return eg_record_no_memory(err);
	eg_status status = eg_intake_frame(wanted, t, shape[0], shape[1], shape[2], room, &pixels, err);
	*error = 0;
	for (size_t i = 0; i < n && !status; i++) {
		const double e = (double)said[i] - pixels[i] / 255.0;
		*error += e * e;
	}
	return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum { AHEAD = 1000 }; /* frames whose errors are told one by one */
typedef struct judge {
	eg_task_judge base;
	double sum, pixels, of_frame[AHEAD];
	int64_t frames, n_of_frame[AHEAD];
} judge;

static const eg_metric_info metrics[] = {
	{.name = "mse", .doc = "squared errors of a frame's pixels (0..1) added up, mean over frames", .lower_is_better = true},
	{.name = "psnr", .doc = "1 as a multiple of the mean squared error of a pixel, in decibels"},
};

static void judge_reset(eg_task_judge *j) {
	const eg_task_judge base = *j;
	memset(j, 0, sizeof(judge));
	*j = base;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_datum_frames *wanted = wanted_of(j->task, r);
	const int n = wanted ? frames_of(r, wanted) : 0;
	int shape[3];
	frame_said(r, 0, shape);
	for (int t = 0; t < n; t++) {
		double error;
		eg_status status = error_of_frame(r, wanted, t, &error, err);
		if (status) return status;
		own->sum += error, own->pixels += (double)numbers_of(shape), own->frames++;
		if (t < AHEAD) own->of_frame[t] += error, own->n_of_frame[t]++;
	}
	if (n > 0) j->total++;
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	v[0] = own->frames ? own->sum / (double)own->frames : (double)NAN;
	v[1] = own->sum > 0 ? -10 * log10(own->sum / own->pixels) : (double)NAN;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	eg_value *list = eg_value_put_list(map, "by_frame");
	for (int t = 0; t < AHEAD && own->n_of_frame[t] > 0; t++) eg_value_put_number(list, NULL, own->of_frame[t] / (double)own->n_of_frame[t]);
}

/* ---- pictures of films ------------------------------------------------------------------------------------------- */

enum { GAP = 2, GREY = 96 };

typedef struct strip {
	int C, H, W, columns, rows;
	uint8_t *pixels; /* (C, high, wide) */
} strip;
static size_t wide(const strip *s) { return (size_t)(s->columns * (s->W + GAP) - GAP); }
static size_t high(const strip *s) { return (size_t)(s->rows * (s->H + GAP) - GAP); }

static void put_frame(strip *s, int row, int column, const uint8_t *pixels) {
	for (int c = 0; c < s->C; c++)
		for (int y = 0; y < s->H; y++)
			memcpy(s->pixels + ((size_t)c * high(s) + (size_t)(row * (s->H + GAP) + y)) * wide(s) + (size_t)(column * (s->W + GAP)),
				pixels + ((size_t)c * (size_t)s->H + (size_t)y) * (size_t)s->W, (size_t)s->W);
}

static void as_bytes(const eg_real *said, size_t n, uint8_t *out) {
	for (size_t i = 0; i < n; i++) out[i] = (uint8_t)lround(255 * fmin(fmax((double)said[i], 0), 1));
}

/* The last frames of d, one beside the other, the last in the last column. */
static eg_status put_row(strip *s, int row, const eg_datum_frames *d, bool from_start, uint8_t *room, eg_error *err) {
	const int first = !from_start && d->n > s->columns ? d->n - s->columns : 0;
	for (int k = 0; first + k < d->n && k < s->columns; k++) {
		const uint8_t *pixels;
		eg_status status = eg_intake_frame(d, first + k, s->C, s->H, s->W, room, &pixels, err);
		if (status) return status;
		put_frame(s, row, k, pixels);
	}
	return EG_OK;
}

/* What was read, what came out, and, where it is known, what should have. */
static eg_status save_strip(const eg_task *t, const eg_row *r, const char *path, uint8_t *room, eg_error *err) {
	const eg_datum *seen = eg_row_datum(t, r, 0);
	const eg_datum_frames *wanted = foretells(t) ? wanted_of(t, r) : NULL;
	int shape[3];
	frame_said(r, 0, shape);
	strip s = {.C = shape[0], .H = shape[1], .W = shape[2], .columns = frames_of(r, NULL), .rows = 2 + (wanted != NULL)};
	s.pixels = eg_alloc(NULL, (size_t)s.C * wide(&s) * high(&s));
	if (!s.pixels) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a film");
	memset(s.pixels, GREY, (size_t)s.C * wide(&s) * high(&s));
	eg_status status = seen ? put_row(&s, 0, &seen->frames, false, room, err) : EG_OK;
	for (int k = 0; k < s.columns; k++) {
		as_bytes(frame_said(r, k, shape), numbers_of(shape), room);
		put_frame(&s, 1, k, room);
	}
	if (!status && wanted) status = put_row(&s, 2, wanted, true, room, err);
	if (!status) status = eg_picture_save_png(path, s.C, (int)high(&s), (int)wide(&s), s.pixels, err);
	eg_release(NULL, s.pixels);
	return status;
}

static eg_status save_film(const eg_task *t, const eg_row *r, const char *path, uint8_t *room, eg_error *err) {
	const eg_datum *seen = eg_row_datum(t, r, 0);
	const double rate = seen ? seen->frames.rate : 0;
	int shape[3];
	eg_film_writer *w;
	frame_said(r, 0, shape);
	eg_status status = eg_film_create(path, shape[1], shape[2], rate > 0 ? (int)lround(1000 * rate) : 0, 1000,
		shape[0] == 1 ? EG_FILM_MONO : EG_FILM_444, &w, err);
	for (int k = 0; k < frames_of(r, NULL) && !status; k++) {
		as_bytes(frame_said(r, k, shape), numbers_of(shape), room);
		eg_film_put(w, shape[0], room);
	}
	return status ? status : eg_film_commit(w, err);
}

static eg_status save_both(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	char film[1024], picture[1024];
	int shape[3];
	frame_said(r, 0, shape);
	if (shape[0] != 1 && shape[0] != 3) return eg_fail(err, EG_ERR_ARG, "films of %d channels cannot be written; of 1 or 3 can", shape[0]);
	uint8_t *room = eg_alloc(NULL, numbers_of(shape));
	eg_status status = room ? eg_row_path(o, r, "y4m", film, sizeof film, err) : eg_fail(err, EG_ERR_MEMORY, "out of memory for a film");
	if (!status) status = eg_row_path(o, r, "png", picture, sizeof picture, err);
	if (!status) status = save_film(t, r, film, room, err);
	if (!status) status = save_strip(t, r, picture, room, err);
	if (!status) {
		eg_value_put_text(out, "file", film);
		eg_value_put_text(out, "picture", picture);
	}
	eg_release(NULL, room);
	return status;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static bool are_numbers(const eg_row *r) {
	int shape[3];
	for (int t = 0; t < frames_of(r, NULL); t++) {
		const eg_real *said = frame_said(r, t, shape);
		for (size_t i = 0; i < numbers_of(shape); i++)
			if (!isfinite((double)said[i])) return false;
	}
	return true;
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_datum_frames *wanted = wanted_of(t, r);
	const int n = wanted ? frames_of(r, wanted) : 0;
	double sum = 0, e = 0;
	if (frames_of(r, NULL) < 1) return eg_fail(err, EG_ERR_ARG, "the film has no frame");
	if (!are_numbers(r)) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value_put_int(out, "frames", frames_of(r, NULL));
	eg_status status = EG_OK;
	eg_value *list = eg_value_mark(eg_value_put_list(out, "errors"), EG_SHOW_NOT, NULL);
	for (int k = 0; k < n && !status; k++) {
		status = error_of_frame(r, wanted, k, &e, err);
		eg_value_put_number(list, NULL, e);
		sum += e;
	}
	eg_value_put_number(out, "error", n > 0 ? sum / n : (double)NAN);
	if (status) return status;
	return o->output ? save_both(t, o, r, out, err) : EG_OK;
}

const eg_task_type eg_task_type_reconstruct_films = {
	.info = {.name = "reconstruct",
		.doc = "the frames that come next in a film",
		.takes = "films (Y4M, folders of frames)",
		.answer = "how large the error of each frame is, where it is known; with -o the frames that come",
		.judged = "Of frames that are foretold: the squared errors of a frame's pixels, with black as 0 and white as 1,\n"
			  "added up, and their mean over frames; by_frame: for each frame ahead."},
	.size = sizeof(eg_reconstruct),
	.inputs = EG_KIND(FRAMES),
	.targets = EG_KIND(FRAMES),
	.target_field = eg_rebuilt_films_field,
	.needs = "a film",
	.open = open_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = -1,
	.judge_size = sizeof(judge),
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.answer = answer,
};

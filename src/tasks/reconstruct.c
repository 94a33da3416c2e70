/* reconstruct.c - the task `reconstruct`: a network puts out again what goes in, through a bottleneck or out of noise:
 * an auto-encoder. What it cannot rebuild is unlike what it was trained on, so the error tells of what is odd.
 *
 * Of windows of a series (`source: windows`) the columns alone are rebuilt, not the waves of the calendar that may
 * stand beside them; of other series all numbers of each step. Not here: what is particular to pictures
 * (reconstruct_picture.c), films (reconstruct_film.c), and who watches errors of series (forecast_watch.c). */
#include "tasks/reconstruct.h"

#include "tasks/forecast.h"
#include "tasks/unseen.h"

#include <math.h>
#include <string.h>

static const eg_key data_keys[] = {
	{.name = "unseen",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(eg_reconstruct, unseen),
		.def = NAN,
		.doc = "reconstruct: classes of pictures that are left out of training; by its errors the model is judged at telling "
		       "them from the others"},
};

static eg_status open_task(eg_task *t, eg_error *err) {
	const bool windows = eg_windows_of(t->source) != NULL;
	if (eg_rebuilds_pictures(t)) {
		t->one = "picture", t->many = "pictures";
		return eg_rebuilt_open(t, err);
	}
	t->one = windows ? "window" : "sequence", t->many = windows ? "windows" : "sequences";
	if (eg_rebuilds_films(t)) t->one = "film", t->many = "films";
	if (((const eg_reconstruct *)t)->unseen.n == 0 && eg_rebuilds_films(t)) {
		t->type = &eg_task_type_reconstruct_films;
		return t->type->open(t, err);
	}
	if (((const eg_reconstruct *)t)->unseen.n == 0) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "'unseen' is for pictures, whose classes may be left out of training; these are %s", t->many);
	eg_recipe_locate(t->recipe, "data.unseen", err);
	return EG_ERR_ARG;
}

/* ---- classes that are left out of training ----------------------------------------------------------------------- */

static bool leaves_some_out(const eg_task *t) { return ((const eg_reconstruct *)t)->unseen.n > 0; }

static eg_status leaves_out(const eg_task *t, const eg_record *r, bool *out, eg_error *err) {
	return eg_unseen_leaves_out(t, &((const eg_reconstruct *)t)->unseen, eg_rebuilt_label_field(t), 1, r, out, err);
}

static unsigned also(const eg_task *t) {
	const int field = eg_rebuilds_pictures(t) ? eg_rebuilt_label_field(t) : -1;
	return field >= 0 ? 1u << field : 0;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

/* What goes in is what should come out; of films what comes behind it, where the data has that. */
static int target_field(const eg_task *t) {
	if (eg_rebuilds_films(t)) return eg_rebuilt_films_field(t);
	return eg_windows_of(t->source) ? EG_WINDOW_VALUES : t->intakes[0]->field;
}

/* How many numbers a step has that are rebuilt; 0: not known yet. */
static int columns_of(const eg_task *t) {
	const eg_windows *w = eg_forecast_windows(t);
	return w ? w->nseen : eg_source_field(t->source, eg_task_target(t)->field)->columns;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	if (eg_rebuilds_pictures(t)) return eg_rebuilt_suits(t, g, err);
	const eg_windows *w = eg_forecast_windows(t);
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	const int columns = columns_of(t);
	char shape[128], steps[24] = "time";
	if (w) snprintf(steps, sizeof steps, "%d", w->past);
	const bool fits = d.rank == 3 && d.d[1] == EG_N && (d.d[0] == EG_T || (w && d.d[0] == w->past)) && (columns == 0 || d.d[2] == columns);
	if (fits && eg_tensor_dtype(g, eg_graph_find(g, eg_task_target_input(t))) == EG_F32) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
	        "%d number%s of each step are rebuilt, but the network puts out %s; end it with (%s, N, %d), as `linear: %d` makes of a sequence, "
	        "or, of a row of %s x %d numbers, `reshape: [0, %s, %d]` and `transpose: {perm: [1, 0, 2]}`, and take a loss between numbers "
	        "(loss: mse)", columns, columns == 1 ? "" : "s", eg_shape_text(g, d, shape, sizeof shape), steps, columns, columns, steps,
	        columns, steps, columns);
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* What should have come out; NULL: it is not there. */
static const eg_datum_series *wanted_of(const eg_task *t, const eg_row *r) {
	const eg_datum *d = r->record ? &r->record->fields[eg_task_target(t)->field] : NULL;
	return d && d->there ? &d->series : NULL;
}

/* The mean of the squared errors of a step. */
static double error_of_step(const eg_row *r, const eg_datum_series *x, int step) {
	int width;
	const eg_real *said = eg_row_output(r, "logits", step, &width);
	double sum = 0;
	for (int k = 0; k < width; k++) {
		const double e = (double)said[k] - (double)x->at[(ptrdiff_t)step * x->columns + k];
		sum += e * e;
	}
	return sum / width;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	double squares, low, high;
	int64_t n;
	int columns;
	double *last; /* squared errors of the last step, by column */
	eg_rebuilt pictures;
} judge;

static const eg_metric_info metrics[] = {
	{.name = "mse", .doc = "mean squared error of what is rebuilt", .lower_is_better = true},
	{.name = "psnr", .doc = "the square of the range of what should be rebuilt, as a multiple of that, in decibels"},
	{.name = "auc", .doc = "how well the error tells pictures of unseen classes from the others", .share = true},
};

static eg_status judge_open(eg_task_judge *j, eg_error *err) {
	judge *own = (judge *)j;
	own->columns = eg_rebuilds_pictures(j->task) ? 0 : columns_of(j->task);
	own->last = eg_calloc(NULL, (size_t)own->columns + 1, sizeof *own->last);
	return own->last ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
}

static void judge_close(eg_task_judge *j) {
	eg_release(NULL, ((judge *)j)->last);
	eg_rebuilt_free(&((judge *)j)->pictures);
}

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	own->squares = 0, own->low = INFINITY, own->high = -INFINITY, own->n = 0;
	memset(own->last, 0, ((size_t)own->columns + 1) * sizeof *own->last);
	own->pictures.sum = 0, own->pictures.n = 0;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	if (eg_rebuilds_pictures(j->task)) {
		j->total++;
		return eg_rebuilt_judge(&own->pictures, j->task, r, err);
	}
	const eg_datum_series *x = wanted_of(j->task, r);
	for (int t = 0; t < x->steps; t++) own->squares += error_of_step(r, x, t) * x->columns;
	for (int64_t i = 0; i < (int64_t)x->steps * x->columns; i++) {
		own->low = fmin(own->low, (double)x->at[i]);
		own->high = fmax(own->high, (double)x->at[i]);
	}
	own->n += (int64_t)x->steps * x->columns;
	const eg_real *said = eg_row_output(r, "logits", x->steps - 1, NULL);
	for (int k = 0; k < own->columns; k++) {
		const double e = (double)said[k] - (double)x->at[(ptrdiff_t)(x->steps - 1) * x->columns + k];
		own->last[k] += e * e;
	}
	j->total++;
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	const double range = own->high - own->low;
	if (eg_rebuilds_pictures(j->task)) {
		eg_rebuilt_values(&own->pictures, j->task, v);
		return;
	}
	v[2] = (double)NAN;
	v[0] = own->squares / (double)own->n;
	v[1] = v[0] > 0 && range > 0 ? 10 * log10(range * range / v[0]) : (double)NAN;
}

static const char *name_of(const eg_task *t, int column) {
	const eg_windows *w = eg_forecast_windows(t);
	const eg_panel *p = w ? eg_windows_panel(t->source) : NULL;
	return p && p->names ? p->names[w->seen[column]] : NULL;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	if (eg_rebuilds_pictures(j->task)) {
		eg_rebuilt_details(&own->pictures, j->task, map);
		return;
	}
	eg_value *list = name_of(j->task, 0) ? eg_value_put_list(map, "last_step") : NULL;
	for (int k = 0; k < own->columns && list; k++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "column", name_of(j->task, k));
		eg_value_put_number(one, "mse", own->last[k] / (double)j->total);
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The last step in the unit of the data: what is there, and what is made of it. */
static void put_last(const eg_task *t, const eg_row *r, const eg_datum_series *x, eg_value *out) {
	const eg_windows *w = eg_forecast_windows(t);
	const eg_real *said = eg_row_output(r, "logits", x->steps - 1, NULL);
	eg_value *list = name_of(t, 0) ? eg_value_put_list(out, "last_step") : NULL;
	for (int k = 0; k < x->columns && list; k++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "column", name_of(t, k));
		eg_value_put_number(one, "value", eg_windows_rebuilt(w, k, (double)x->at[(ptrdiff_t)(x->steps - 1) * x->columns + k]));
		eg_value_put_number(one, "rebuilt", eg_windows_rebuilt(w, k, (double)said[k]));
	}
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	if (eg_rebuilds_pictures(t)) return eg_rebuilt_answer(t, o, r, out, err);
	const eg_datum_series *x = wanted_of(t, r);
	double sum = 0;
	if (!x)
		return eg_fail(err, EG_ERR_ARG, "what is rebuilt is asked for with a table (FILE.csv): the network's input alone does not say what "
		                                "should come out");
	for (int i = 0; i < x->steps; i++) sum += error_of_step(r, x, i);
	if (!isfinite(sum)) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value_put_number(out, "error", sum / x->steps);
	eg_value *list = eg_value_mark(eg_value_put_list(out, "errors"), EG_SHOW_NOT, NULL);
	for (int i = 0; i < x->steps; i++) eg_value_put_number(list, NULL, error_of_step(r, x, i));
	put_last(t, r, x, out);
	return EG_OK;
}

static eg_status read_file(const eg_task *t, const void *bytes, size_t size, const char *name, eg_record *r, eg_error *err) {
	const eg_intake *f = t->intakes[0];
	int remark = 0;
	if (eg_windows_of(t->source)) return eg_forecast_read_file(t, bytes, size, name, r, err);
	if (t->nasked > 1) return eg_fail(err, EG_ERR_ARG, "%s: the network takes %d inputs; ask with JSON that names each", name, t->nasked);
	return f->type->decode(f, bytes, size, name, r, &r->fields[f->field], &remark, err);
}

/* ---- what a model keeps ------------------------------------------------------------------------------------------ */

static void save(const eg_task *t, eg_value *map) {
	if (eg_windows_of(t->source)) eg_forecast_save_scales(t, map);
}

static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	return eg_windows_of(t->source) ? eg_forecast_restore_scales(t, map, err) : EG_OK;
}

const eg_task_type eg_task_type_reconstruct = {
	.info = {.name = "reconstruct",
		.doc = "a picture or series once more, through a bottleneck: what cannot be rebuilt is odd (an auto-encoder); or the frames "
		       "that come next in a film",
		.takes = "pictures (PNG, JPEG, WebP, BMP, PGM, PPM); films (Y4M, folders of frames); a table with a row\n"
			 "for each step (CSV), of which it rebuilds the last window, or series as JSON lists",
		.answer = "how large the error is, with -o what it makes of a picture or film; of series and films also the\n"
			  "error of each step",
		.judged = "Of what is rebuilt: the mean squared error, and the range of the numbers against it (PSNR). Of\n"
			  "pictures, where classes were left out of training: how well the error tells these from the\n"
			  "others (auc: 0.5 is chance, 1 always). Of films the squared errors are added up over the pixels\n"
			  "of a frame, and their mean is taken over frames, as is usual with moving digits."},
	.size = sizeof(eg_reconstruct),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(SERIES) | EG_KIND(PICTURE) | EG_KIND(FRAMES),
	.targets = EG_KIND(SERIES) | EG_KIND(PICTURE) | EG_KIND(FRAMES),
	.target_field = target_field,
	.needs = "a picture, a film or a series",
	.open = open_task,
	.leaves_some_out = leaves_some_out,
	.leaves_out = leaves_out,
	.also = also,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = -1,
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.answer = answer,
	.read_file = read_file,
	.save = save,
	.restore = restore,
};

/* regress.c - the task `regress`: numbers from samples or sequences. The network's output "logits" is compared with the
 * target number by number; there are no classes. A loss may take several numbers for each of the target (a location and
 * a scale, quantiles): one of them is the prediction, which is judged, the others tell how sure it is. */
#include "tasks/task.h"

#include <math.h>
#include <string.h>

static eg_status open_task(eg_task *t, eg_error *err) {
	EG_UNUSED(err);
	bool series = t->intakes[0]->type->kind == EG_FIELD_SERIES;
	t->one = series ? "sequence" : "sample", t->many = series ? "sequences" : "samples";
	return EG_OK;
}

/* What the loss takes for each number of the target. */
static eg_target_info target_of_loss(const eg_task *t, const eg_graph *g) {
	eg_target_info info = {.class_axis = -1};
	for (int i = 0; i < eg_recipe_losses(t->recipe); i++) {
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(t->recipe, i);
		eg_dims x = eg_tensor_dims(g, eg_graph_find(g, "logits"));
		if (i == 0 && !strcmp(loss->input, eg_task_target_input(t)) && !eg_op_target(loss->op, loss->options, &x, &info, NULL)) break;
	}
	if (info.parts < 1) info.parts = 1;
	return info;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_tensor logits = eg_graph_find(g, "logits"), target = eg_graph_find(g, eg_task_target_input(t));
	const eg_field *f = eg_source_field(t->source, eg_task_target(t)->field);
	eg_dims d = eg_tensor_dims(g, logits);
	int64_t each = 1;
	for (int i = 1; i < d.rank; i++) each *= d.d[i];
	const int parts = target_of_loss(t, g).parts;
	bool fits = d.rank >= 1 && d.d[0] == EG_N && (f->columns == 0 || each == (int64_t)f->columns * parts);
	if (fits && eg_tensor_dtype(g, target) == EG_F32) return EG_OK;
	const int columns = f->columns > 0 ? f->columns : 1;
	char times[64] = "";
	if (parts > 1) snprintf(times, sizeof times, ", of which the loss takes %d each", parts);
	return eg_fail(err, EG_ERR_SHAPE,
	        "the source '%s' wants %d number%s for a whole sample%s; end the model with `linear: %d` (of a sequence "
	        "behind `last`), and take a "
	        "loss between numbers (loss: mse)",
	        eg_source_info(t->source)->name, columns, columns > 1 ? "s" : "", times, columns * parts);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	double square, absolute, sum, squares; /* of errors; of targets */
	int64_t n;
} judge;

static const eg_metric_info metrics[] = {
	{.name = "mse", .doc = "mean squared error", .lower_is_better = true},
	{.name = "mae", .doc = "mean absolute error", .lower_is_better = true},
	{.name = "rmse", .doc = "root of the mean squared error, in the unit of the numbers", .lower_is_better = true},
	{.name = "r2", .doc = "share of the targets' variance that is explained"},
};

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	own->square = own->absolute = own->sum = own->squares = 0;
	own->n = 0;
}

static const eg_real *target_of(const eg_row *r, int width) {
	return (const eg_real *)eg_batch_input(r->batch, r->target) + (ptrdiff_t)r->i * width;
}

/* The row's predictions, `width` of them; all that the network says of them begins at *said. */
static const eg_real *predictions(const eg_row *r, const eg_target_info *info, int *width, const eg_real **said) {
	*said = eg_row_output(r, "logits", 0, width);
	*width /= info->parts;
	return *said + (ptrdiff_t)info->point * *width;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_target_info info =
	        r->said ? (eg_target_info){.class_axis = -1, .parts = 1} : target_of_loss(j->task, j->graph);
	const eg_real *said;
	int width;
	const eg_real *y = predictions(r, &info, &width, &said), *target = target_of(r, width);
	EG_UNUSED(err);
	for (int k = 0; k < width; k++) {
		double error = (double)y[k] - (double)target[k];
		own->square += error * error;
		own->absolute += fabs(error);
		own->sum += (double)target[k];
		own->squares += (double)target[k] * (double)target[k];
	}
	own->n += width;
	j->total++;
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	double n = (double)own->n, variance = own->squares / n - own->sum / n * (own->sum / n);
	v[0] = own->square / n;
	v[1] = own->absolute / n;
	v[2] = sqrt(v[0]);
	v[3] = variance > 0 ? 1 - v[0] / variance : (double)NAN;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static void put_values(eg_value *out, const char *key, const eg_real *x, int n) {
	eg_value *list = eg_value_put_list(out, key);
	for (int k = 0; k < n; k++) eg_value_put_number(list, NULL, (double)x[k]);
}

/* How sure the network is: e^(spread y) of each number, or its quantiles, "0.9": [...]. */
static void put_spread(eg_value *out, const eg_target_info *info, const eg_real *said, int width) {
	if (info->spread > 0) {
		eg_value *list = eg_value_put_list(out, "scales");
		for (int k = 0; k < width; k++) eg_value_put_number(list, NULL, exp(info->spread * (double)said[width + k]));
	}
	eg_value *map = info->levels ? eg_value_put_map(out, "quantiles") : NULL;
	for (int i = 0; i < info->parts && map; i++) {
		char level[24];
		snprintf(level, sizeof level, "%.4g", (double)info->levels[i]);
		put_values(map, level, said + (ptrdiff_t)i * width, width);
	}
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_target_info info = target_of_loss(t, r->graph);
	const eg_real *said;
	int width;
	const eg_real *y = predictions(r, &info, &width, &said);
	EG_UNUSED(o);
	for (int k = 0; k < width * info.parts; k++)
		if (!isfinite(said[k])) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	put_values(out, "values", y, width);
	put_spread(out, &info, said, width);
	return EG_OK;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_target_info info = target_of_loss(t, r->graph);
	const eg_real *said;
	int width;
	EG_UNUSED(err);
	predictions(r, &info, &width, &said);
	put_values(out, "values", target_of(r, width), width);
	return EG_OK;
}

const eg_task_type eg_task_type_regress = {
	.info = {.name = "regress",
		.doc = "numbers from pictures, series or other numbers",
		.takes = "numbers or series as JSON lists",
		.answer = "numbers",
		.judged = "Of numbers: their mean squared error, its root, the mean absolute error, and the share of\n"
			  "the variance that is explained."},
	.inputs = EG_KIND(SERIES) | EG_KIND(NUMBERS) | EG_KIND(PICTURE) | EG_KIND(TEXT),
	.targets = EG_KIND(NUMBERS),
	.needs = "numbers to be told from a series, a picture or other numbers",
	.open = open_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = -1,
	.judge_size = sizeof(judge),
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.answer = answer,
	.truth = truth,
};

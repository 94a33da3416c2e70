/* regress.c - the task `regress`: numbers from samples or sequences. The network's output "logits" is compared with the target
 * number by number; there are no classes. */
#include "tasks/task.h"

#include <math.h>

static eg_status open_task(eg_task *t, eg_error *err) {
	EG_UNUSED(err);
	bool series = t->intakes[0]->type->kind == EG_FIELD_SERIES;
	t->one = series ? "sequence" : "sample", t->many = series ? "sequences" : "samples";
	return EG_OK;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_tensor logits = eg_graph_find(g, "logits"), target = eg_graph_find(g, eg_task_target_input(t));
	const eg_field *f = eg_source_field(t->source, eg_task_target(t)->field);
	eg_dims d = eg_tensor_dims(g, logits);
	int64_t each = 1;
	for (int i = 1; i < d.rank; i++) each *= d.d[i];
	bool fits = d.rank >= 1 && d.d[0] == EG_N && (f->columns == 0 || each == f->columns);
	if (fits && eg_tensor_dtype(g, target) == EG_F32) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE,
	        "the source '%s' wants %d number%s for a whole sample; end the model with `linear: %d` (of a sequence "
	        "behind `last`), and take a "
	        "loss between numbers (loss: mse)",
	        eg_source_info(t->source)->name, f->columns > 0 ? f->columns : 1, f->columns > 1 ? "s" : "",
	        f->columns > 0 ? f->columns : 1);
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

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	int width;
	const eg_real *y = eg_row_output(r, "logits", 0, &width), *target = target_of(r, width);
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

static void put_values(eg_value *out, const eg_real *x, int n) {
	eg_value *list = eg_value_put_list(out, "values");
	for (int k = 0; k < n; k++) eg_value_put_number(list, NULL, (double)x[k]);
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	int width;
	const eg_real *y = eg_row_output(r, "logits", 0, &width);
	EG_UNUSED(t), EG_UNUSED(o);
	for (int k = 0; k < width; k++)
		if (!isfinite(y[k])) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	put_values(out, y, width);
	return EG_OK;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	int width;
	EG_UNUSED(t), EG_UNUSED(err);
	eg_row_output(r, "logits", 0, &width);
	put_values(out, target_of(r, width), width);
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

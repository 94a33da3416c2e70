/* forecast.c - the task `forecast`: values of a series that come after a window of it. The network's output "logits" is
 * compared with what came, step by step ahead, all of them at once; records are those of the source `windows`.
 *
 * Intervals: quantiles that the network says, or those of the distribution whose location and scale it says, or nothing
 * but its one number. On top of that, with `conformal`, each quantile of each step is shifted by what the validation
 * windows ask for: that quantile of (value - what was said). That is split-conformal prediction, one-sided
 * (Papadopoulos and others 2002; of quantiles, Romano, Patterson and Candes 2019). Not here: origins that roll
 * (forecast_network.c). */
#include "tasks/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct forecast {
	eg_task base;
	bool conformal;
	bool settled;   /* the shifts are known */
	double *shifts; /* EG_LEVELS x nahead, in the arena, in the network's unit */
} forecast;

static const eg_key data_keys[] = {
	{.name = "conformal",
		.type = EG_KEY_BOOL,
		.offset = offsetof(forecast, conformal),
		.def = 1,
		.doc = "intervals are brought to what they promise by the validation windows, one step ahead after the other (the "
		       "default); false: they are what the network says"},
};

static void defaults(eg_task *t) { ((forecast *)t)->conformal = true; }

const eg_windows *eg_forecast_windows(const eg_task *t) { return eg_windows_of(t->source); }

bool eg_forecast_conformal(const eg_task *t) { return ((const forecast *)t)->conformal; }

static eg_status open_task(eg_task *t, eg_error *err) {
	t->one = "window", t->many = "windows";
	if (eg_windows_of(t->source)) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "the task 'forecast' takes windows of a series: write 'source: windows' with 'set: airline' or 'table: FILE'");
	eg_recipe_locate(t->recipe, "data.source", err);
	return EG_ERR_ARG;
}

/* ---- what a network says ----------------------------------------------------------------------------------------- */

static double degrees_of(const eg_recipe_loss_info *l) {
	for (int i = 0; i < l->op->nattrs; i++) {
		float v = 0;
		if (strcmp(l->op->attrs[i].name, "degrees") != 0) continue;
		if (l->options) memcpy(&v, (const char *)l->options + l->op->attrs[i].offset, sizeof v);
		return v > 0 ? (double)v : l->op->attrs[i].def;
	}
	return 0;
}

eg_said_parts eg_forecast_parts(const eg_task *t, const eg_graph *g) {
	eg_said_parts p = {.info = {.class_axis = -1}};
	const eg_recipe_loss_info *loss = eg_recipe_loss_at(t->recipe, 0);
	eg_dims x = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	eg_op_target(loss->op, loss->options, &x, &p.info, NULL);
	if (p.info.parts < 1) p.info.parts = 1;
	p.degrees = degrees_of(loss);
	return p;
}

/* What the network alone says of a quantile; where it says only some, the nearest of them. */
double eg_forecast_said(const eg_said_parts *p, const eg_real *said, int n, int k, double level) {
	const double point = (double)said[p->info.point * n + k];
	if (p->info.spread > 0 && p->info.parts == 2)
		return point + exp(p->info.spread * (double)said[n + k]) * eg_student_quantile(level, p->degrees);
	if (!p->info.levels) return point;
	int best = 0;
	for (int i = 1; i < p->info.parts; i++)
		if (fabs((double)p->info.levels[i] - level) < fabs((double)p->info.levels[best] - level)) best = i;
	return (double)said[best * n + k];
}

static int by_size(const void *a, const void *b) {
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void eg_forecast_step(const eg_task *t, const eg_said_parts *parts, const eg_real *said, const float *unit, int k, double *mean,
	double quantiles[EG_LEVELS]) {
	const forecast *f = (const forecast *)t;
	const eg_windows *w = eg_forecast_windows(t);
	*mean = eg_windows_value(w, unit, k, (double)said[parts->info.point * w->nahead + k]);
	for (int q = 0; q < EG_LEVELS; q++) {
		double y = eg_forecast_said(parts, said, w->nahead, k, eg_levels[q]);
		if (f->settled && f->conformal) y += f->shifts[q * w->nahead + k];
		quantiles[q] = eg_windows_value(w, unit, k, y);
	}
	qsort(quantiles, EG_LEVELS, sizeof *quantiles, by_size); /* said one by one, they may cross */
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(t);
	const eg_said_parts p = eg_forecast_parts(t, g);
	eg_tensor target = eg_graph_find(g, eg_task_target_input(t));
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	int64_t each = 1;
	/* a size that is left open is that of `future`, the steps ahead */
	for (int i = 1; i < d.rank; i++) each *= d.d[i] < 0 ? w->nahead : d.d[i];
	if (d.rank >= 1 && d.d[0] == EG_N && each == (int64_t)w->nahead * p.info.parts && eg_tensor_dtype(g, target) == EG_F32) return EG_OK;
	char times[80] = "";
	if (p.info.parts > 1) snprintf(times, sizeof times, ", for each of which the loss takes %d numbers", p.info.parts);
	eg_fail(err, EG_ERR_SHAPE,
	        "%d step%s are forecast from a window%s; end the model with `linear: %d` (of a sequence behind `last`), and take a loss between "
	        "numbers (loss: mse)", w->nahead, w->nahead > 1 ? "s" : "", times, w->nahead * p.info.parts);
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- intervals by the validation windows ------------------------------------------------------------------------- */

/* Without validation windows it does not settle. */
static bool settles(const eg_task *t) { return ((const forecast *)t)->conformal && t->source->validation > 0; }

typedef struct residuals {
	const eg_task *task;
	eg_said_parts parts;
	double *at; /* by level, step ahead, window */
	int64_t n, count;
} residuals;

static eg_status note_residuals(void *user, const eg_row *r, eg_error *err) {
	residuals *all = user;
	const int n = eg_forecast_windows(all->task)->nahead;
	int width;
	EG_UNUSED(err);
	const eg_real *said = eg_row_output(r, "logits", 0, &width);
	const float *target = r->record->fields[EG_WINDOW_TARGET].numbers.at;
	for (int q = 0; q < EG_LEVELS; q++)
		for (int k = 0; k < n; k++)
			all->at[((ptrdiff_t)q * n + k) * all->count + all->n] =
			        (double)target[k] - eg_forecast_said(&all->parts, said, n, k, eg_levels[q]);
	all->n++;
	return EG_OK;
}

enum { FEW = 40 }; /* too few to have a value beyond each bound of 95 % */

/* The order statistic that n others and one more value make a bound of; of few, that of a normal distribution like
 * theirs. */
double eg_forecast_order(double *at, int64_t n, double level) {
	double sum = 0, squares = 0;
	for (int64_t i = 0; i < n; i++) sum += at[i];
	for (int64_t i = 0; i < n; i++) squares += (at[i] - sum / (double)n) * (at[i] - sum / (double)n);
	if (n < FEW) return sum / (double)n + eg_student_quantile(level, (double)n - 1) * sqrt(squares / (double)(n > 1 ? n - 1 : 1));
	qsort(at, (size_t)n, sizeof *at, by_size);
	int64_t rank = level < 0.5 ? (int64_t)floor(level * (double)(n + 1)) : (int64_t)ceil(level * (double)(n + 1));
	if (rank < 1) rank = 1;
	return at[(rank > n ? n : rank) - 1];
}

static eg_status make_shifts(forecast *f, eg_error *err) {
	f->shifts = eg_arena_alloc(&f->base.arena, (size_t)EG_LEVELS * (size_t)eg_forecast_windows(&f->base)->nahead * sizeof *f->shifts);
	return f->shifts ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for intervals");
}

static eg_status settle(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	forecast *f = (forecast *)t;
	const int n = eg_forecast_windows(t)->nahead;
	residuals all = {.task = t, .parts = eg_forecast_parts(t, g), .count = eg_samples_count(s, EG_PART_VALIDATION)};
	eg_status status = make_shifts(f, err);
	if (status) return status;
	all.at = eg_calloc(NULL, (size_t)all.count * EG_LEVELS * (size_t)n + 1, sizeof *all.at);
	status = all.at ? eg_samples_each_row(s, g, p, EG_PART_VALIDATION, note_residuals, &all, err)
	                : eg_fail(err, EG_ERR_MEMORY, "out of memory for intervals");
	for (int64_t i = 0; i < (int64_t)EG_LEVELS * n * all.count && !status; i++)
		if (!isfinite(all.at[i])) status = eg_fail(err, EG_ERR_NUMERIC, "the network's answers are not numbers");
	for (int i = 0; i < EG_LEVELS * n && !status; i++) f->shifts[i] = eg_forecast_order(all.at + i * all.count, all.n, eg_levels[i / n]);
	f->settled = !status;
	eg_release(NULL, all.at);
	return status;
}

/* ---- what a model keeps ------------------------------------------------------------------------------------------ */

static void put_numbers(eg_value *map, const char *key, const double *x, int n) {
	eg_value *list = eg_value_put_list(map, key);
	for (int i = 0; i < n; i++) eg_value_put_number(list, NULL, x[i]);
}

void eg_forecast_save_scales(const eg_task *t, eg_value *map) {
	const eg_windows *w = eg_forecast_windows(t);
	const eg_panel *p = eg_windows_panel(t->source);
	if (eg_value_get(map, "windows")) return;
	eg_value *v = eg_value_put_map(map, "windows"), *names = eg_value_put_list(v, "columns");
	for (int c = 0; c < w->columns; c++) eg_value_put_text(names, NULL, p->names ? p->names[c] : "");
	put_numbers(v, "mean", w->mean, w->columns);
	put_numbers(v, "deviation", w->deviation, w->columns);
	put_numbers(v, "change", w->change, w->nahead);
	eg_value_put_number(v, "naive", w->naive);
}

/* The scales are known when samples are loaded, the shifts when the network is trained: each is written then. */
static void save(const eg_task *t, eg_value *map) {
	const forecast *f = (const forecast *)t;
	const eg_windows *w = eg_forecast_windows(t);
	eg_forecast_save_scales(t, map);
	if (f->settled && !eg_value_get(map, "intervals")) put_numbers(map, "intervals", f->shifts, EG_LEVELS * w->nahead);
}

static bool take_numbers(const eg_value *list, double *x, int n) {
	if (eg_value_count(list) != n) return false;
	const eg_value *v = eg_value_first(list);
	for (int i = 0; i < n; i++, v = eg_value_next(v)) x[i] = eg_value_number(v, (double)NAN);
	return true;
}

eg_status eg_forecast_restore_scales(eg_task *t, const eg_value *map, eg_error *err) {
	eg_windows *w = eg_windows_of(t->source);
	const eg_value *v = eg_value_get(map, "windows"), *names = eg_value_get(v, "columns");
	const int columns = (int)eg_value_count(names);
	bool ok = columns >= 1 && columns <= EG_WINDOW_COLUMNS && take_numbers(eg_value_get(v, "mean"), w->mean, columns) &&
	          take_numbers(eg_value_get(v, "deviation"), w->deviation, columns) &&
	          take_numbers(eg_value_get(v, "change"), w->change, w->nahead);
	if (!ok) return eg_fail(err, EG_ERR_FORMAT, "damaged: the scales of its windows are not there");
	w->columns = columns, w->mean_change = 0;
	for (int k = 0; k < w->nahead; k++) w->mean_change += w->change[k] / w->nahead;
	w->naive = eg_value_number(eg_value_get(v, "naive"), (double)NAN);
	return eg_windows_keep(t->source, names, err);
}

static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	forecast *f = (forecast *)t;
	const eg_windows *w = eg_forecast_windows(t);
	const eg_value *shifts = eg_value_get(map, "intervals");
	eg_status status = eg_forecast_restore_scales(t, map, err);
	if (!status && shifts) status = make_shifts(f, err);
	if (!status && shifts && !take_numbers(shifts, f->shifts, EG_LEVELS * w->nahead))
		status = eg_fail(err, EG_ERR_FORMAT, "damaged: its intervals are not there");
	f->settled = !status && shifts;
	return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_said_parts parts;
	eg_scoring all, *steps;
} judge;

static const eg_metric_info metrics[] = {
	{.name = "mae", .doc = "mean absolute error", .lower_is_better = true},
	{.name = "rmse", .doc = "root of the mean squared error", .lower_is_better = true},
	{.name = "smape", .doc = "mean of 200 |y - f| / (|y| + |f|)", .lower_is_better = true},
	{.name = "mase", .doc = "absolute error as a multiple of the mean change over a season in training", .lower_is_better = true},
	{.name = "pinball", .doc = "mean error of five quantiles, each by its own measure", .lower_is_better = true},
	{.name = "coverage80", .doc = "values inside of the 80 % interval", .share = true},
	{.name = "coverage95", .doc = "inside of the 95 % interval", .share = true},
};

static eg_status judge_open(eg_task_judge *j, eg_error *err) {
	judge *own = (judge *)j;
	own->parts = eg_forecast_parts(j->task, j->graph);
	own->steps = eg_calloc(NULL, (size_t)eg_forecast_windows(j->task)->nahead, sizeof *own->steps);
	return own->steps ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
}

static void judge_close(eg_task_judge *j) { eg_release(NULL, ((judge *)j)->steps); }

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	own->all = (eg_scoring){0};
	for (int k = 0; k < eg_forecast_windows(j->task)->nahead; k++) own->steps[k] = (eg_scoring){0};
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_windows *w = eg_forecast_windows(j->task);
	const float *truth = r->record->fields[EG_WINDOW_TRUTH].numbers.at, *unit = r->record->fields[EG_WINDOW_UNIT].numbers.at;
	const eg_said_parts one = {.info = {.class_axis = -1, .parts = 1}};
	int width;
	EG_UNUSED(err);
	const eg_real *said = eg_row_output(r, "logits", 0, &width);
	for (int k = 0; k < w->nahead; k++) {
		double mean, quantiles[EG_LEVELS];
		eg_forecast_step(j->task, r->said ? &one : &own->parts, said, unit, k, &mean, quantiles);
		eg_scoring_add(&own->all, (double)truth[k], mean, quantiles, w->naive);
		eg_scoring_add(&own->steps[k], (double)truth[k], mean, quantiles, w->naive);
	}
	j->total++;
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const eg_scores s = eg_scoring_end(&((const judge *)j)->all);
	const double all[] = {s.mae, s.rmse, s.smape, s.mase, s.pinball, s.coverage80, s.coverage95};
	for (int i = 0; i < EG_COUNT(metrics); i++) v[i] = all[i];
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	const eg_windows *w = eg_forecast_windows(j->task);
	eg_value *list = eg_value_put_list(map, "by_horizon");
	for (int k = 0; k < w->nahead; k++) {
		const eg_scores s = eg_scoring_end(&own->steps[k]);
		const double all[] = {s.mae, s.rmse, s.smape, s.mase, s.pinball, s.coverage80, s.coverage95};
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_int(one, "step", w->ahead[k]);
		eg_value_put_int(one, "n", s.n);
		for (int i = 0; i < EG_COUNT(metrics); i++)
			eg_value_mark(eg_value_put_number(one, metrics[i].name, all[i]), metrics[i].share ? EG_SHOW_SHARE : 0, NULL);
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static void put_times(const eg_windows *w, const eg_record *r, eg_value *out) {
	const double *times = r->fields[EG_WINDOW_FUTURE].series.times;
	eg_value *list = eg_value_put_list(out, "times");
	for (int k = 0; k < w->nahead; k++) {
		char buf[32];
		if (times)
			eg_time_text(times[k], times[w->nahead], buf);
		else
			snprintf(buf, sizeof buf, "%ld", strtol(r->id, NULL, 10) + w->ahead[k]);
		eg_value_put_text(list, NULL, buf);
	}
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	static const char *const levels[EG_LEVELS] = {"0.025", "0.1", "0.5", "0.9", "0.975"};
	const eg_windows *w = eg_forecast_windows(t);
	const eg_said_parts parts = eg_forecast_parts(t, r->graph);
	const eg_datum *unit = r->record ? &r->record->fields[EG_WINDOW_UNIT] : NULL;
	eg_value *lists[EG_LEVELS];
	int width;
	EG_UNUSED(o);
	const eg_real *said = eg_row_output(r, "logits", 0, &width);
	if (!unit || !unit->there)
		return eg_fail(err, EG_ERR_ARG, "a forecast is asked for with a table (FILE.csv): numbers alone do not say what they are of");
	for (int k = 0; k < width; k++)
		if (!isfinite(said[k])) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value_put_text(out, "series", eg_windows_series(t->source));
	eg_value_put_text(out, "origin", r->record->id);
	put_times(w, r->record, out);
	eg_value *mean = eg_value_put_list(out, "mean"), *quantiles = eg_value_put_map(out, "quantiles");
	for (int q = 0; q < EG_LEVELS; q++) lists[q] = eg_value_put_list(quantiles, levels[q]);
	for (int k = 0; k < w->nahead; k++) {
		double v, at[EG_LEVELS];
		eg_forecast_step(t, &parts, said, unit->numbers.at, k, &v, at);
		eg_value_put_number(mean, NULL, v);
		for (int q = 0; q < EG_LEVELS; q++) eg_value_put_number(lists[q], NULL, at[q]);
	}
	return EG_OK;
}

/* The window that ends with the last row of a table. */
eg_status eg_forecast_read_file(const eg_task *t, const void *bytes, size_t size, const char *name, eg_record *r, eg_error *err) {
	eg_panel_feed *feed;
	eg_status status = eg_forecast_feed(t, &feed, err);
	if (!status) status = eg_panel_feed_lines(feed, bytes, size, name, 1, err);
	if (!status) status = eg_forecast_record(t, eg_panel_feed_get(feed), name, r, err);
	eg_panel_feed_free(feed);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_datum *d = &r->record->fields[EG_WINDOW_TRUTH];
	eg_value *list = eg_value_put_list(out, "values");
	EG_UNUSED(t), EG_UNUSED(err);
	for (int k = 0; k < d->numbers.n; k++) eg_value_put_number(list, NULL, (double)d->numbers.at[k]);
	return EG_OK;
}

static const char *const settled[] = {"intervals", NULL};

const eg_task_type eg_task_type_forecast = {
	.info = {.name = "forecast",
		.doc = "values of a series that come after a window of it",
		.takes = "a table with a row for each step (CSV), from whose last row it forecasts",
		.answer = "the values to come, with quantiles",
		.judged = "Of forecasts: the mean absolute error and the root of the mean squared one, both in the unit\n"
			  "of the data; relative errors (sMAPE, MASE), the error of quantiles (pinball), and how many\n"
			  "values lie inside of the 80 % and 95 % intervals."},
	.size = sizeof(forecast),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.defaults = defaults,
	.inputs = EG_KIND(SERIES),
	.targets = EG_KIND(NUMBERS),
	.needs = "windows of a series",
	.open = open_task,
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
	.truth = truth,
	.read_file = eg_forecast_read_file,
	.save = save,
	.restore = restore,
	.settles = settles,
	.settle = settle,
	.settled = settled,
};

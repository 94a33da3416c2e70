/* forecast_network.c - networks that forecast a table, or several with one network, as a model beside the classical
 * ones: trained on a past, asked from the end of any.
 *
 * A training sees the first n steps of the table and nothing else, so nor do its scales and its intervals. Several
 * networks of different seeds say their mean. Beyond the steps that a recipe forecasts, forecasts are read as if they
 * had come, and intervals are those that such forecasts from the validation windows would have needed. */
#include "engram_report.h"
#include "tasks/forecast.h"

#include <math.h>
#include <string.h>

enum {
	MEMBERS = 32,
	SAID = EG_LEVELS + 1,
	WINDOWS_MOST = 400, /* that intervals of repeated forecasts are of; of several series: */
	SERIES_MOST = 20000
};

struct eg_network_forecaster {
	eg_recipe *recipe;
	eg_context *ctx;
	eg_model *model; /* NULL: it is trained here */
	eg_panel *panels; /* one of each series */
	int series;
	const char *target;
	bool rebuilds; /* its task is reconstruct */
	int members, horizon;
	eg_arena arena;
	/* of the last training */
	eg_task *task;
	eg_graph *graph;
	eg_params *params[MEMBERS];
	eg_plan *plans[MEMBERS];
	eg_said_parts parts;
	double *shifts; /* SAID x horizon, on the scale of the windows, of several series as multiples of what their
	                 * changes are; NULL: none */
	eg_record record;
	eg_fitted fitted;
	char formula[300];
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a forecast"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void forget(eg_network_forecaster *f) {
	for (int i = 0; i < f->members; i++) {
		eg_plan_free(f->plans[i]);
		if (!f->model) eg_params_free(f->params[i]);
		f->plans[i] = NULL, f->params[i] = NULL;
	}
	if (!f->model) eg_graph_free(f->graph);
	eg_task_free(f->task);
	eg_release(NULL, f->shifts);
	f->graph = NULL, f->task = NULL, f->shifts = NULL;
}

void eg_network_forecaster_free(eg_network_forecaster *f) {
	if (!f) return;
	forget(f);
	eg_record_free(&f->record);
	eg_arena_free(&f->arena);
	eg_release(NULL, f);
}

/* The columns that the recipe names, the target among them. */
static eg_status make_panel(eg_network_forecaster *f, const eg_time_table *table, const char *target, eg_panel *panel, eg_error *err) {
	const eg_windows_names keys = eg_windows_named(f->task->source);
	const char *names[3 * EG_WINDOW_COLUMNS + 1];
	int n = 0, place;
	if (!target) target = keys.target;
	if (!target && keys.columns.n > 0) target = keys.columns.at[0];
	else if (!target && f->rebuilds && table->ncolumns > 0) target = table->columns[0].name;
	eg_status status = eg_time_table_find(table, target, &place, err);
	if (status) return status;
	f->target = table->columns[place].name;
	names[n++] = f->target;
	/* of one that rebuilds: all, where the recipe names none */
	for (int i = 0; i < table->ncolumns && f->rebuilds && keys.columns.n == 0 && n < EG_COUNT(names); i++)
		if (i != place && table->columns[i].numbers) names[n++] = table->columns[i].name;
	for (int i = 0; i < keys.columns.n + keys.known.n; i++) {
		const char *name = i < keys.columns.n ? keys.columns.at[i] : keys.known.at[i - keys.columns.n];
		bool there = false;
		for (int k = 0; k < n; k++) there |= strcmp(names[k], name) == 0;
		if (!there && n < EG_COUNT(names)) names[n++] = name;
	}
	eg_error why = {0};
	status = eg_panel_of_table(table, names, n, &f->arena, panel, &why);
	if (!status) return EG_OK;
	if (status != EG_ERR_ARG) return eg_fail(err, status, "%s", why.message);
	return eg_fail(err, status, "%s It is the recipe that names it: --set 'data.columns=[%s]' names others", why.message, f->target);
}

/* Series need not have the same words in a column: all that any of them has are columns of all. */
static eg_status make_alike(eg_network_forecaster *f, const eg_time_table *const *tables, eg_error *err) {
	const char *names[EG_WINDOW_COLUMNS + 1];
	int n = 0;
	bool alike = true;
	for (int i = 0; i < f->series; i++)
		for (int c = 0; c < f->panels[i].columns; c++) {
			int k = 0;
			while (k < n && strcmp(names[k], f->panels[i].names[c]) != 0) k++;
			if (i > 0 && k != c) alike = false;
			if (k == n && n == EG_WINDOW_COLUMNS)
				return eg_fail(err, EG_ERR_ARG, "%s: the series have more than %d columns of numbers and words together; name fewer by 'columns'",
				        eg_recipe_source(f->recipe), EG_WINDOW_COLUMNS);
			if (k == n) names[n++] = f->panels[i].names[c];
		}
	for (int i = 0; i < f->series; i++) alike = alike && f->panels[i].columns == n;
	eg_status status = EG_OK;
	for (int i = 0; i < f->series && !alike && !status; i++) status = eg_panel_of_table(tables[i], names, n, &f->arena, &f->panels[i], err);
	return status;
}

static eg_status make_panels(eg_network_forecaster *f, const eg_time_table *const *tables, int n, const char *target, eg_error *err) {
	f->panels = eg_arena_alloc(&f->arena, (size_t)n * sizeof *f->panels);
	if (!f->panels) return no_memory(err);
	f->series = n;
	eg_status status = EG_OK;
	for (int i = 0; i < n && !status; i++) status = make_panel(f, tables[i], target, &f->panels[i], err);
	return status || n < 2 ? status : make_alike(f, tables, err);
}

static eg_status is_forecast(const eg_recipe *r, const eg_task *t, bool rebuilds, eg_error *err) {
	if (t->type == (rebuilds ? &eg_task_type_reconstruct : &eg_task_type_forecast) && eg_forecast_windows(t)) return EG_OK;
	if (rebuilds)
		return eg_fail(err, EG_ERR_ARG, "%s: its task is '%s' of the source '%s'; what rebuilds rows of a table is 'task: reconstruct' with "
		                                "'source: windows'", eg_recipe_source(r), t->type->info.name, eg_source_info(t->source)->name);
	return eg_fail(err, EG_ERR_ARG, "%s: its task is '%s', and this one forecasts: write 'task: forecast'", eg_recipe_source(r),
	        t->type->info.name);
}

static eg_network_forecaster *make(eg_recipe *r, eg_context *ctx, int members, int horizon, eg_error *err) {
	eg_network_forecaster *f = eg_calloc(NULL, 1, sizeof *f);
	if (!f) no_memory(err);
	if (!f) return NULL;
	f->recipe = r, f->ctx = ctx;
	f->members = members < 1 ? 1 : members > MEMBERS ? MEMBERS : members;
	f->horizon = horizon;
	f->fitted = (eg_fitted){.name = "network", .spec = eg_recipe_name(r), .formula = f->formula, .sigma2 = NAN, .loglik = NAN,
		.aicc = NAN, .lambda = NAN};
	return f;
}

/* The steps that are forecast from a longer horizon have to follow each other. */
static eg_status check_horizon(eg_network_forecaster *f, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	const int most = w->ahead[w->nahead - 1];
	if (f->horizon < 1) f->horizon = most;
	if (f->horizon <= most || most == w->nahead) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "%s: 'ahead' leaves out steps and ends at %d, so nothing can be said of a horizon of %d",
	        eg_recipe_source(f->recipe), most, f->horizon);
}

static eg_status open_network(eg_recipe *r, eg_context *ctx, const eg_time_table *const *tables, int n,
	const eg_network_forecaster_options *o, bool rebuilds, eg_network_forecaster **forecaster, eg_error *err) {
	eg_network_forecaster *f = *forecaster = make(r, ctx, o->members, o->horizon, err);
	if (!f) return EG_ERR_MEMORY;
	f->rebuilds = rebuilds;
	eg_status status = eg_task_open(r, &f->task, err);
	if (!status) status = is_forecast(r, f->task, rebuilds, err);
	if (!status) status = make_panels(f, tables, n, o->target, err);
	if (!status) status = check_horizon(f, err);
	if (!status) return EG_OK;
	eg_network_forecaster_free(f);
	*forecaster = NULL;
	return status;
}

eg_status eg_network_forecaster_new(eg_recipe *r, eg_context *ctx, const eg_time_table *table,
	const eg_network_forecaster_options *o, eg_network_forecaster **forecaster, eg_error *err) {
	return open_network(r, ctx, &table, 1, o, false, forecaster, err);
}

eg_status eg_network_forecaster_new_many(eg_recipe *r, eg_context *ctx, const eg_time_table *const *tables, int n,
	const eg_network_forecaster_options *o, eg_network_forecaster **forecaster, eg_error *err) {
	return open_network(r, ctx, tables, n, o, false, forecaster, err);
}

eg_status eg_network_rebuilder_new(eg_recipe *r, eg_context *ctx, const eg_time_table *table, eg_network_forecaster **forecaster,
	eg_error *err) {
	const eg_network_forecaster_options o = {.target = NULL};
	return open_network(r, ctx, &table, 1, &o, true, forecaster, err);
}

const char *eg_network_forecaster_target(const eg_network_forecaster *f) { return f->target; }
const eg_fitted *eg_network_forecaster_fitted(const eg_network_forecaster *f) { return &f->fitted; }

/* ---- one window -------------------------------------------------------------------------------------------------- */

static eg_status make_plan(eg_network_forecaster *f, int member, int time, const int *sizes, eg_error *err) {
	const char *words[EG_MAX_DIMS + 1];
	eg_size named[EG_MAX_DIMS + 1] = {{0}};
	const int n = eg_task_words(f->task, words);
	for (int i = 0; i < n; i++) named[i] = (eg_size){words[i], sizes[i]};
	const eg_plan_options o = {.batch = 1, .time = time, .sizes = named, .outputs = (const char *const[]){"logits", NULL}};
	f->plans[member] = eg_plan_new(f->graph, f->params[member], &o, err);
	return f->plans[member] ? EG_OK : err ? err->status : EG_ERR_MEMORY;
}

static void put_lengths(const eg_network_forecaster *f, eg_plan *plan, int time, const int *sizes) {
	const char *words[EG_MAX_DIMS + 1];
	const int n = eg_task_words(f->task, words);
	int32_t *lengths = eg_plan_input(plan, "lengths");
	if (lengths) *lengths = time;
	for (int i = 0; i < n; i++) {
		char name[80];
		snprintf(name, sizeof name, "lengths.%.60s", words[i]);
		lengths = eg_plan_input(plan, name);
		if (lengths) *lengths = sizes[i];
	}
}

/* What a member says of the window in the record. */
static eg_status run_member(eg_network_forecaster *f, int member, const eg_real **said, eg_error *err) {
	const eg_task *t = f->task;
	eg_datum data[EG_TASK_INTAKES];
	const eg_datum *data_of[EG_TASK_INTAKES];
	eg_dims dims[EG_TASK_INTAKES];
	void *slots[EG_TASK_INTAKES];
	int time, sizes[EG_MAX_DIMS + 1];
	for (int i = 0; i < t->ninputs; i++) data[i] = f->record.fields[t->intakes[i]->field], data_of[i] = &data[i];
	eg_status status = eg_task_extents(t, t->ninputs, &f->record, data, &time, sizes, err);
	if (!status && !f->plans[member]) status = make_plan(f, member, time, sizes, err);
	if (status) return status;
	for (int i = 0; i < t->ninputs; i++) {
		dims[i] = eg_intake_dims(t->intakes[i], 1, time, sizes);
		slots[i] = eg_plan_input(f->plans[member], t->intakes[i]->input);
		if (!slots[i]) return eg_fail(err, EG_ERR_ARG, "the network does not use its input '%s'", t->intakes[i]->input);
	}
	put_lengths(f, f->plans[member], time, sizes);
	status = eg_intakes_fill(t, t->ninputs, &f->record, NULL, data_of, 1, time, dims, slots, err);
	if (status) return status;
	eg_plan_run(f->plans[member], 0);
	*said = eg_plan_output(f->plans[member], "logits");
	return EG_OK;
}

static unsigned wanted(const eg_task *t) {
	unsigned mask = 0;
	for (int i = 0; i < t->ninputs; i++) mask |= 1u << t->intakes[i]->field;
	return mask;
}

/* The window that ends at an origin, into the record. */
static eg_status see(eg_network_forecaster *f, int series, const eg_panel *p, int origin, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	eg_record_reset(&f->record);
	memset(f->record.fields, 0, sizeof f->record.fields);
	if (!eg_windows_possible(w, p, origin))
		return eg_fail(err, EG_ERR_ARG, "%s sees %d steps, and there are %d; take a smaller 'past', or more values",
		        eg_recipe_source(f->recipe), w->past, origin + 1);
	return eg_windows_record(f->task->source, series, p, origin, wanted(f->task), &f->record, err);
}

/* Point and quantiles of every step that the recipe forecasts, on the scale of the windows (SAID x nahead). */
static eg_status look(eg_network_forecaster *f, int series, const eg_panel *p, int origin, double *v, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	const int n = w->nahead;
	eg_status status = see(f, series, p, origin, err);
	if (status) return status;
	memset(v, 0, (size_t)(SAID * n) * sizeof *v);
	for (int m = 0; m < f->members && !status; m++) {
		const eg_real *said = NULL;
		status = run_member(f, m, &said, err);
		for (int k = 0; k < n && !status; k++) {
			v[k] += (double)said[f->parts.info.point * n + k] / f->members;
			for (int q = 0; q < EG_LEVELS; q++) v[(q + 1) * n + k] += eg_forecast_said(&f->parts, said, n, k, eg_levels[q]) / f->members;
			if (!isfinite(v[k])) status = eg_fail(err, EG_ERR_NUMERIC, "%s: the network's answer is not a number", f->fitted.spec);
		}
	}
	const float *unit = f->record.fields[EG_WINDOW_UNIT].numbers.at;
	for (int i = 0; i < SAID * n && !status; i++) v[i] = (double)unit[i % n] + (double)unit[n + i % n] * v[i];
	return status;
}

/* A table that ends at the origin, with room for so many steps behind it, in which only what is known stands. */
static eg_status continued(const eg_network_forecaster *f, const eg_panel *p, int origin, int more, eg_panel *out, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	const int steps = origin + 1 + more, columns = p->columns;
	float *at = eg_alloc(NULL, (size_t)steps * (size_t)columns * sizeof *at + (size_t)steps * sizeof(double) + 16);
	if (!at) return no_memory(err);
	double *times = (double *)(void *)((char *)at + ((size_t)steps * (size_t)columns * sizeof *at + 7) / 8 * 8);
	memcpy(at, p->at, (size_t)(origin + 1) * (size_t)columns * sizeof *at);
	for (int t = origin + 1; t < steps; t++)
		for (int c = 0; c < columns; c++) {
			bool known = false;
			for (int i = 0; i < w->nknown; i++) known |= w->known[i] == c;
			at[(ptrdiff_t)t * columns + c] = known && t < p->steps ? p->at[(ptrdiff_t)t * columns + c] : NAN;
		}
	for (int t = 0; t < steps && p->times; t++) times[t] = eg_panel_time(p, t);
	*out = (eg_panel){at, p->times ? times : NULL, p->names, steps, columns, p->first};
	return EG_OK;
}

/* Steps 1 to `horizon` (SAID x horizon): as the recipe says, and then again from where that ends. NAN: it says nothing
 * of a step. */
static eg_status look_far(eg_network_forecaster *f, int series, const eg_panel *p, int origin, int horizon, double *v, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	const int n = w->nahead, most = w->ahead[n - 1];
	double *one = eg_alloc(NULL, (size_t)(SAID * n) * sizeof *one);
	eg_panel far = {0};
	for (int i = 0; i < SAID * horizon; i++) v[i] = NAN;
	eg_status status = one ? look(f, series, p, origin, one, err) : no_memory(err);
	for (int k = 0; k < n && !status; k++)
		for (int q = 0; q < SAID && w->ahead[k] <= horizon; q++) v[q * horizon + w->ahead[k] - 1] = one[q * n + k];
	if (!status && horizon > most) status = continued(f, p, origin, horizon, &far, err);
	for (int begin = most; begin < horizon && !status; begin += most) {
		for (int h = begin - most; h < begin; h++)
			((float *)(size_t)far.at)[(ptrdiff_t)(origin + 1 + h) * far.columns + w->target] = (float)(w->log ? exp(v[h]) : v[h]);
		status = look(f, series, &far, origin + begin, one, err);
		for (int k = 0; k < n && !status && begin + k < horizon; k++)
			for (int q = 0; q < SAID; q++) v[q * horizon + begin + k] = one[k];
	}
	eg_release(NULL, (void *)(size_t)far.at);
	eg_release(NULL, one);
	return status;
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* What shifts of this series are multiples of. */
static double shift_unit(const eg_network_forecaster *f, int series) {
	return f->series > 1 ? eg_windows_scales(f->task->source, series)->mean_change : 1;
}

/* Residuals of the validation windows, of each step ahead: what each quantile has to be shifted by. */
static eg_status calibrate(eg_network_forecaster *f, const eg_panel *pasts, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	const int H = f->horizon;
	const bool far = H > w->ahead[w->nahead - 1];
	const eg_source *s = f->task->source;
	const int64_t count = eg_source_count(s, EG_PART_VALIDATION), most = far ? WINDOWS_MOST : f->series > 1 ? SERIES_MOST : count;
	const int64_t stride = most > 0 ? (count + most - 1) / most : 1;
	if (count < 1) return EG_OK;
	const int64_t room = (count + stride - 1) / stride; /* windows that are looked at */
	int64_t n = 0;
	double *v = eg_alloc(NULL, (size_t)(SAID * H) * sizeof *v), *at = eg_calloc(NULL, (size_t)(SAID * H) * (size_t)room, sizeof *at);
	f->shifts = eg_calloc(NULL, (size_t)(SAID * H), sizeof *f->shifts);
	eg_status status = v && at && f->shifts ? EG_OK : no_memory(err);
	for (int64_t i = 0; i < count && !status; i += stride, n++) {
		const int origin = eg_windows_origin(s, EG_PART_VALIDATION, i), which = eg_windows_which(s, EG_PART_VALIDATION, i);
		const eg_panel *past = &pasts[which];
		const double unit = shift_unit(f, which);
		status = look_far(f, which, past, origin, H, v, err);
		for (int h = 0; h < H && !status; h++) {
			const double y = origin + 1 + h < past->steps ? (double)past->at[(ptrdiff_t)(origin + 1 + h) * past->columns + w->target] : NAN;
			for (int q = 0; q < SAID; q++) at[(ptrdiff_t)(q * H + h) * room + n] = ((w->log ? log(y) : y) - v[q * H + h]) / unit;
		}
	}
	for (int i = H; i < SAID * H && !status; i++) {
		double *one = at + (ptrdiff_t)i * room;
		int64_t there = 0;
		for (int64_t k = 0; k < n; k++)
			if (isfinite(one[k])) one[there++] = one[k];
		f->shifts[i] = there > 0 ? eg_forecast_order(one, there, eg_levels[i / H - 1]) : 0;
	}
	eg_release(NULL, v);
	eg_release(NULL, at);
	return status;
}

static eg_status train_member(eg_network_forecaster *f, const eg_samples *s, int member, eg_train_result *result, eg_error *err) {
	eg_train_config config = *eg_recipe_train(f->recipe);
	const eg_judge nothing = {0};
	config.seed += (uint64_t)member;
	config.judge = config.train_judge = &nothing;
	f->params[member] = eg_params_new(f->graph, config.seed, err);
	if (!f->params[member]) return err ? err->status : EG_ERR_MEMORY;
	return eg_train(f->graph, f->params[member], &config, eg_samples_get(s, EG_PART_TRAIN), eg_samples_get(s, EG_PART_VALIDATION), NULL,
	        NULL, NULL, result, err);
}

static int parameters_of(const eg_network_forecaster *f) {
	size_t n;
	eg_params_flat(f->params[0], &n);
	return (int)n;
}

static void describe(eg_network_forecaster *f, const eg_samples *s, const eg_train_result *result) {
	const eg_windows *w = eg_forecast_windows(f->task);
	f->fitted.parameters = f->members * parameters_of(f);
	f->fitted.n = (int)eg_samples_count(s, EG_PART_TRAIN);
	char several[60] = "";
	if (f->members > 1) snprintf(several, sizeof several, "the mean of %d networks of seeds %llu to %llu; ", f->members,
		        (unsigned long long)eg_recipe_train(f->recipe)->seed, (unsigned long long)eg_recipe_train(f->recipe)->seed + (unsigned)f->members - 1);
	snprintf(f->formula, sizeof f->formula,
	        "%sa network of %d parameters that sees %d steps of %d numbers; %d windows, the best of %d epochs was number %d", several,
	        parameters_of(f), w->past, eg_windows_past_width(w), f->fitted.n, result->epochs_done, result->best_epoch);
}

static eg_status train(eg_network_forecaster *f, const eg_panel *pasts, eg_error *err) {
	const eg_samples_options all = {.part = EG_PART_TRAIN};
	eg_samples *s = NULL;
	eg_train_result result = {0};
	eg_status status = eg_samples_load(f->task, &all, &s, err);
	if (!status) status = eg_recipe_build(f->recipe, f->ctx, eg_samples_sizes(s), &f->graph, err);
	if (!status) status = eg_task_suits(f->task, f->graph, err);
	for (int i = 0; i < f->members && !status; i++) status = train_member(f, s, i, &result, err);
	if (!status && !f->rebuilds) f->parts = eg_forecast_parts(f->task, f->graph);
	if (!status && !f->rebuilds && eg_forecast_conformal(f->task)) status = calibrate(f, pasts, err);
	if (!status) describe(f, s, &result);
	eg_samples_free(s);
	return status;
}

static eg_status fit_pasts(eg_network_forecaster *f, const eg_panel *pasts, const int *cuts, eg_error *err) {
	forget(f);
	eg_status status = eg_task_open(f->recipe, &f->task, err);
	if (status) return status;
	eg_windows_aim(f->task->source, f->target);
	status = eg_windows_give(f->task->source, pasts, cuts, f->series, err);
	if (!status) status = train(f, pasts, err);
	if (status && f->series > 1)
		eg_fail_prefix(err, "%s, trained on %d series", eg_recipe_source(f->recipe), f->series);
	else if (status)
		eg_fail_prefix(err, "%s, trained on %d steps", eg_recipe_source(f->recipe), *cuts);
	return status;
}

eg_status eg_network_forecaster_fit_many(eg_network_forecaster *f, const int *n, eg_error *err) {
	eg_panel *pasts = eg_calloc(NULL, (size_t)f->series, sizeof *pasts);
	int *cuts = eg_calloc(NULL, (size_t)f->series, sizeof *cuts);
	eg_status status = pasts && cuts ? EG_OK : no_memory(err);
	for (int i = 0; i < f->series && !status; i++) {
		pasts[i] = f->panels[i];
		if (n[i] < pasts[i].steps) pasts[i].steps = n[i] > 0 ? n[i] : 0;
		cuts[i] = pasts[i].steps;
	}
	if (!status) status = fit_pasts(f, pasts, cuts, err);
	eg_release(NULL, pasts);
	eg_release(NULL, cuts);
	return status;
}

eg_status eg_network_forecaster_fit(eg_network_forecaster *f, int n, eg_error *err) { return eg_network_forecaster_fit_many(f, &n, err); }

/* ---- asking ------------------------------------------------------------------------------------------------------ */

eg_status eg_network_forecaster_say(eg_network_forecaster *f, int n, eg_outlook *out, eg_error *err) {
	return eg_network_forecaster_say_of(f, 0, n, out, err);
}

eg_status eg_network_forecaster_say_of(eg_network_forecaster *f, int series, int n, eg_outlook *out, eg_error *err) {
	const int H = out->horizon;
	const eg_panel *p = &f->panels[series];
	const eg_windows *w = eg_forecast_windows(f->task);
	if (H > f->horizon)
		return eg_fail(err, EG_ERR_ARG, "a horizon of %d, but %d was the longest when it was trained", H, f->horizon);
	const int known = eg_windows_known_until(w, p);
	if (w->nknown > 0 && known < n + H)
		return eg_fail(err, EG_ERR_ARG,
		        "%s: the known columns end after %d rows, but %d values and a horizon of %d need %d; give their future as rows without a value "
		        "of '%s', or take a shorter horizon", eg_recipe_source(f->recipe), known, n, H, n + H, f->target);
	double *v = eg_alloc(NULL, (size_t)(SAID * H) * sizeof *v);
	eg_status status = v ? look_far(f, series, p, n - 1, H, v, err) : no_memory(err);
	const double unit = shift_unit(f, series);
	for (int h = 0; h < H && !status; h++) {
		double q[EG_LEVELS];
		for (int i = 0; i < EG_LEVELS; i++) {
			const double shift = f->shifts ? f->shifts[(i + 1) * f->horizon + h] : 0;
			double x = v[(i + 1) * H + h] + shift * unit;
			int at = i;
			for (; at > 0 && q[at - 1] > x; at--) q[at] = q[at - 1];
			q[at] = x;
		}
		out->mean[h] = w->log ? exp(v[h]) : v[h];
		out->deviation[h] = (q[3] - q[1]) / (2 * eg_student_quantile(0.9, 0));
		for (int i = 0; i < EG_LEVELS; i++) out->quantiles[i][h] = w->log ? exp(q[i]) : q[i];
	}
	eg_release(NULL, v);
	return status;
}

const eg_panel *eg_network_forecaster_panel(const eg_network_forecaster *f) { return f->panels; }
const eg_windows *eg_network_forecaster_windows(const eg_network_forecaster *f) { return eg_forecast_windows(f->task); }

eg_status eg_network_forecaster_ask(eg_network_forecaster *f, const eg_panel *p, int origin, double *said, eg_error *err) {
	double one[SAID * EG_WINDOW_AHEAD];
	eg_status status = look(f, 0, p, origin, one, err);
	if (!status) *said = eg_forecast_windows(f->task)->log ? exp(one[0]) : one[0];
	return status;
}

eg_status eg_network_rebuilder_ask(eg_network_forecaster *f, const eg_panel *p, int origin, double *said, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	const eg_real *all = NULL;
	eg_status status = see(f, 0, p, origin, err);
	if (!status) status = run_member(f, 0, &all, err);
	for (int i = 0; i < w->nseen && !status; i++)
		said[i] = eg_windows_rebuilt(w, i, (double)all[(ptrdiff_t)(w->past - 1) * w->nseen + i]);
	return status;
}

static eg_status fit_rolled(void *user, const eg_past *past, eg_error *err) { return eg_network_forecaster_fit(user, past->n, err); }
static eg_status say_rolled(void *user, const eg_past *past, eg_outlook *out, eg_error *err) {
	return eg_network_forecaster_say(user, past->n, out, err);
}
static int parameters_rolled(void *user) { return ((eg_network_forecaster *)user)->fitted.parameters; }

eg_rolled eg_network_forecaster_rolled(eg_network_forecaster *f) {
	return (eg_rolled){f, f->fitted.spec, fit_rolled, say_rolled, parameters_rolled};
}

/* ---- what it goes by --------------------------------------------------------------------------------------------- */

enum { ORIGINS_ATTRIBUTED = 24, ORIGINS_SHUFFLED = 200, VARIABLES_MOST = 3 * EG_WINDOW_COLUMNS + 64 };

/* The numbers of a step of the past, by the variable that each belongs to. */
typedef struct variables {
	const char *names[VARIABLES_MOST];
	int of[VARIABLES_MOST]; /* which variable a number is of */
	int n, width;
} variables;

static int add_variable(variables *v, const char *name) {
	for (int i = 0; i < v->n; i++)
		if (strcmp(v->names[i], name) == 0) return i;
	v->names[v->n] = name;
	return v->n++;
}

/* In the order in which eg_windows_past puts them. */
static void list_variables(const eg_network_forecaster *f, variables *v) {
	const eg_windows *w = eg_forecast_windows(f->task);
	for (int i = 0; i < w->nseen; i++) {
		const int both = w->seen[i] == w->target && w->view == EG_VIEW_BOTH ? 2 : 1;
		for (int k = 0; k < both; k++) v->of[v->width++] = add_variable(v, f->panels->names[w->seen[i]]);
	}
	const int waves = eg_windows_past_width(w) - v->width - (w->mask ? w->nseen : 0);
	for (int i = 0; i < waves; i++) v->of[v->width++] = add_variable(v, "calendar");
	for (int i = 0; i < w->nseen && w->mask; i++) v->of[v->width++] = add_variable(v, f->panels->names[w->seen[i]]);
}

/* The input that holds the past; -1: the network has none. */
static int past_input(const eg_task *t) {
	for (int i = 0; i < t->ninputs; i++)
		if (t->intakes[i]->field == EG_WINDOW_PAST) return i;
	return -1;
}

typedef struct place {
	int series, origin;
} place;

/* Window number i of n, spread over those that validate, or those that it was trained on. */
static place spread_place(const eg_network_forecaster *f, int i, int n) {
	const eg_source *s = f->task->source;
	const eg_part part = eg_source_count(s, EG_PART_VALIDATION) > 0 ? EG_PART_VALIDATION : EG_PART_TRAIN;
	const int64_t at = eg_source_count(s, part) * i / n;
	return (place){eg_windows_which(s, part, at), eg_windows_origin(s, part, at)};
}

static int origins_of(const eg_network_forecaster *f, int most) {
	const eg_source *s = f->task->source;
	const int64_t n = eg_source_count(s, EG_PART_VALIDATION) > 0 ? eg_source_count(s, EG_PART_VALIDATION) : eg_source_count(s, EG_PART_TRAIN);
	return n < most ? (int)n : most;
}

static eg_status read_window(eg_network_forecaster *f, place at, eg_record *r, eg_error *err) {
	eg_record_reset(r);
	memset(r->fields, 0, sizeof r->fields);
	const unsigned fields = wanted(f->task) | 1u << EG_WINDOW_PAST;
	return eg_windows_record(f->task->source, at.series, &f->panels[at.series], at.origin, fields, r, err);
}

/* |integrated gradients| of the first step ahead at one origin, added up by variable and by lag. */
static eg_status attribute(eg_network_forecaster *f, const variables *v, place at, double *by, double *lags, eg_error *err) {
	const eg_task *t = f->task;
	const eg_windows *w = eg_forecast_windows(t);
	const char *names[EG_TASK_INTAKES], *words[EG_MAX_DIMS + 1];
	const void *inputs[EG_TASK_INTAKES];
	eg_size named[EG_MAX_DIMS + 1] = {{0}};
	const eg_real *said;
	eg_attribution a = {0};
	eg_status status = read_window(f, at, &f->record, err);
	if (!status) status = run_member(f, 0, &said, err);
	if (status) return status;
	for (int i = 0; i < t->ninputs; i++) names[i] = t->intakes[i]->input, inputs[i] = eg_plan_input(f->plans[0], names[i]);
	const int nwords = eg_task_words(t, words);
	for (int i = 0; i < nwords; i++) named[i] = (eg_size){words[i], w->nahead};
	const eg_attribution_options o = {.kind = EG_ATTRIBUTION_INTEGRATED, .element = (int64_t)f->parts.info.point * w->nahead,
		.by = eg_graph_find(f->graph, names[past_input(t)]), .time = w->past, .sizes = named, .most_steps = 16};
	status = eg_attribute(f->graph, f->params[0], &o, names, inputs, t->ninputs, &a, err);
	for (int s = 0; s < w->past && !status; s++)
		for (int c = 0; c < v->width; c++) {
			const double share = fabs((double)a.values[s * v->width + c]);
			by[v->of[c]] += share, lags[w->past - 1 - s] += share;
		}
	eg_attribution_free(&a);
	return status;
}

/* Mean absolute error one step ahead where the variable's past (-1: none) is that of another origin. */
static eg_status shuffled(eg_network_forecaster *f, const variables *v, int variable, int n, double *error, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	eg_record other = {0};
	eg_status status = EG_OK;
	*error = 0;
	for (int i = 0; i < n && !status; i++) {
		const eg_real *said = NULL;
		status = read_window(f, spread_place(f, i, n), &f->record, err);
		if (!status) status = read_window(f, spread_place(f, (i + n / 2) % n, n), &other, err);
		for (int k = 0; k < w->past * v->width && !status; k++)
			if (v->of[k % v->width] == variable)
				((float *)(size_t)f->record.fields[EG_WINDOW_PAST].series.at)[k] = other.fields[EG_WINDOW_PAST].series.at[k];
		if (!status) status = run_member(f, 0, &said, err);
		if (!status) *error += fabs((double)f->record.fields[EG_WINDOW_TARGET].numbers.at[0] - (double)said[f->parts.info.point * w->nahead]) / n;
	}
	eg_record_free(&other);
	return status;
}

eg_status eg_network_forecaster_sensitivity(eg_network_forecaster *f, eg_value *map, eg_error *err) {
	const eg_windows *w = eg_forecast_windows(f->task);
	variables v = {.n = 0};
	double whole, sum = 0, by[VARIABLES_MOST] = {0}, *lags = eg_calloc(NULL, (size_t)w->past, sizeof *lags);
	const int n = origins_of(f, ORIGINS_ATTRIBUTED), m = origins_of(f, ORIGINS_SHUFFLED);
	eg_status status = lags ? EG_OK : no_memory(err);
	if (past_input(f->task) < 0) return eg_release(NULL, lags), EG_OK;
	list_variables(f, &v);
	for (int i = 0; i < n && !status; i++) status = attribute(f, &v, spread_place(f, i, n), by, lags, err);
	for (int i = 0; i < v.n; i++) sum += by[i];
	if (!status) status = shuffled(f, &v, -1, m, &whole, err);
	eg_value *list = eg_value_put_list(map, "variables");
	for (int i = 0; i < v.n && !status; i++) {
		double error;
		status = shuffled(f, &v, i, m, &error, err);
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "name", v.names[i]);
		eg_value_put_number(one, "share", by[i] / sum);
		eg_value_put_number(one, "permuted", error / whole);
	}
	list = eg_value_put_list(map, "lags");
	for (int k = 0; k < w->past && !status; k++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_int(one, "lag", k + 1);
		eg_value_put_number(one, "share", lags[k] / sum);
	}
	eg_release(NULL, lags);
	return status;
}

/* forecast_watch.c - a network for a fault warning: it forecasts what the next row should be, or rebuilds the row
 * itself with those before it (an auto-encoder, the task reconstruct).
 *
 * It is trained on rows that the warning hands over, in a table of its own, and asked with a few rows at a time, of a
 * file or as they come. Not here: what is made of its errors (series/watch.c). */
#include "tasks/forecast.h"

#include <math.h>
#include <string.h>

struct eg_network_watch {
	eg_recipe *recipe;
	eg_context *ctx;
	eg_time_table table; /* the columns that are looked at, with values of the rows to train on */
	eg_watch_forecaster forecaster;
	eg_network_forecaster *network;
	int *of;             /* each column of the network's panel: which of the table */
	int *told, *place;   /* columns that it tells; and of each of the table, which of these it is (-1: none) */
	double *rebuilt;     /* what it makes of each column that it sees */
	float *at;           /* past + 2 rows of it */
	double *times;
	eg_arena arena;
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a network that watches"); }

static int find(const eg_time_table *t, int n, const char *name) {
	for (int i = 0; i < n; i++)
		if (strcmp(t->columns[i].name, name) == 0) return i;
	return -1;
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static eg_status new_network(eg_network_watch *w, eg_error *err) {
	const eg_network_forecaster_options o = {.target = w->forecaster.rebuilds ? NULL : w->table.columns[w->told[0]].name};
	eg_network_forecaster_free(w->network);
	w->network = NULL;
	return w->forecaster.rebuilds ? eg_network_rebuilder_new(w->recipe, w->ctx, &w->table, &w->network, err)
	                              : eg_network_forecaster_new(w->recipe, w->ctx, &w->table, &o, &w->network, err);
}

static eg_status fit(void *user, const double *const *columns, int n, eg_error *err) {
	eg_network_watch *w = user;
	for (int i = 0; i < w->table.ncolumns; i++)
		for (int t = 0; t < w->table.steps; t++) w->table.columns[i].values[t] = t < n ? columns[i][t] : (double)NAN;
	eg_status status = new_network(w, err);
	return status ? status : eg_network_forecaster_fit(w->network, n < w->table.steps ? n : w->table.steps, err);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* A network that has no answer is blind for this row; the signs that need none are left. */
static void ask(eg_network_watch *w, const eg_panel *shown, double *said) {
	const eg_windows *form = eg_network_forecaster_windows(w->network);
	const int past = w->forecaster.past;
	eg_error ignored;
	if (!w->forecaster.rebuilds) {
		if (eg_network_forecaster_ask(w->network, shown, past, said, &ignored)) *said = NAN;
		return;
	}
	if (eg_network_rebuilder_ask(w->network, shown, past + 1, w->rebuilt, &ignored)) return;
	for (int i = 0; i < form->nseen; i++) {
		const int place = w->place[w->of[form->seen[i]]];
		if (place >= 0 && isfinite(w->rebuilt[i])) said[place] = w->rebuilt[i];
	}
}

static void say(void *user, const double *rows, int64_t row, double *said) {
	eg_network_watch *w = user;
	const eg_panel *whole = eg_network_forecaster_panel(w->network);
	const int past = w->forecaster.past, first = (int)row - past - 1;
	for (int i = 0; i < w->forecaster.ncolumns; i++) said[i] = NAN;
	if (row < past) return;
	for (int t = 0; t < past + 2; t++) {
		for (int i = 0; i < whole->columns; i++)
			w->at[t * whole->columns + i] = (float)rows[(ptrdiff_t)t * w->table.ncolumns + w->of[i]];
		if (whole->times) w->times[t] = first + t >= 0 ? eg_panel_time(whole, first + t) : whole->times[0] - eg_panel_step(whole);
	}
	const eg_panel shown = {w->at, whole->times ? w->times : NULL, whole->names, past + 2, whole->columns, first};
	ask(w, &shown, said);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* A table of the same times with these columns only, as yet without values. */
static eg_status copy_table(eg_network_watch *w, const eg_time_table *t, const char *const *names, int n, eg_error *err) {
	w->table = *t;
	w->table.columns = eg_arena_alloc(&w->arena, (size_t)n * sizeof *w->table.columns);
	double *values = eg_arena_alloc(&w->arena, (size_t)n * (size_t)t->steps * sizeof *values);
	if (!w->table.columns || !values) return no_memory(err);
	w->table.ncolumns = n;
	for (int i = 0; i < n; i++)
		w->table.columns[i] = (eg_time_column){.name = names[i], .numbers = true, .values = values + (ptrdiff_t)i * t->steps};
	for (ptrdiff_t i = 0; i < (ptrdiff_t)n * t->steps; i++) values[i] = NAN;
	return EG_OK;
}

static eg_status look_at(const eg_network_watch *w, const eg_strings *list, eg_error *err) {
	for (int i = 0; i < list->n; i++)
		if (find(&w->table, w->table.ncolumns, list->at[i]) < 0)
			return eg_fail(err, EG_ERR_ARG, "%s: the network is to see the column '%s', which is not looked at: it is no column of numbers of "
			                                "%s, or hardly ever changes; leave it out of data.columns and data.known",
			        eg_recipe_source(w->recipe), list->at[i], w->table.file);
	return EG_OK;
}

static void tell(eg_network_watch *w, int column) {
	w->place[column] = w->forecaster.ncolumns;
	w->told[w->forecaster.ncolumns++] = column;
}

static eg_status choose_forecast(eg_network_watch *w, const eg_windows *f, const eg_windows_names *keys, int watched, eg_error *err) {
	const char *target = keys->target ? keys->target : keys->columns.n > 0 ? keys->columns.at[0] : w->table.columns[0].name;
	const int column = find(&w->table, watched, target);
	if (column < 0)
		return eg_fail(err, EG_ERR_ARG, "%s: the network forecasts the column '%s', which is not watched; name it with --target",
		        eg_recipe_source(w->recipe), target);
	if (f->ahead[0] != 1)
		return eg_fail(err, EG_ERR_ARG, "%s: the network forecasts %d steps ahead, and a warning needs the next one; write 'horizon: 1'",
		        eg_recipe_source(w->recipe), f->ahead[0]);
	tell(w, column);
	return EG_OK;
}

/* All that are seen and watched. */
static eg_status choose_rebuilt(eg_network_watch *w, const eg_windows_names *keys, int watched, eg_error *err) {
	w->forecaster.rebuilds = true;
	for (int i = 0; i < watched; i++) {
		bool seen = keys->columns.n == 0;
		for (int k = 0; k < keys->columns.n; k++) seen |= strcmp(keys->columns.at[k], w->table.columns[i].name) == 0;
		if (seen) tell(w, i);
	}
	if (w->forecaster.ncolumns > 0) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "%s: none of the columns that the network rebuilds is watched; name one with --target",
	        eg_recipe_source(w->recipe));
}

/* What the recipe says of columns, before its network is built. */
static eg_status choose(eg_network_watch *w, int watched, eg_error *err) {
	eg_task *task = NULL;
	const size_t n = (size_t)w->table.ncolumns;
	w->told = eg_arena_alloc(&w->arena, n * sizeof *w->told);
	w->place = eg_arena_alloc(&w->arena, n * sizeof *w->place);
	/* A recipe may name a column twice. */
	w->rebuilt = eg_arena_alloc(&w->arena, EG_WINDOW_COLUMNS * sizeof *w->rebuilt);
	if (!w->told || !w->place || !w->rebuilt) return no_memory(err);
	for (size_t i = 0; i < n; i++) w->place[i] = -1;
	w->forecaster.columns = w->told;
	eg_status status = eg_task_open(w->recipe, &task, err);
	if (status) return status;
	const eg_windows *f = eg_windows_of(task->source);
	const bool rebuilds = task->type == &eg_task_type_reconstruct;
	if (!f || (!rebuilds && task->type != &eg_task_type_forecast))
		status = eg_fail(err, EG_ERR_ARG, "%s: its task is '%s'; a network that watches forecasts or rebuilds windows of a table: write 'task: "
		                                  "forecast' or 'task: reconstruct', and 'source: windows'", eg_recipe_source(w->recipe),
		        task->type->info.name);
	else {
		const eg_windows_names keys = eg_windows_named(task->source);
		/* a season ago is a part of it; and gaps are counted from before the window, up to its length */
		w->forecaster.past = 2 * (f->reference == EG_REFERENCE_SEASON && f->period > f->past ? f->period : f->past);
		status = rebuilds ? choose_rebuilt(w, &keys, watched, err) : choose_forecast(w, f, &keys, watched, err);
		if (!status) status = look_at(w, &keys.columns, err);
		if (!status) status = look_at(w, &keys.known, err);
	}
	eg_task_free(task);
	return status;
}

/* Which columns of the table its panel has, and room for a few rows of it. */
static eg_status make_room(eg_network_watch *w, eg_error *err) {
	eg_status status = new_network(w, err);
	if (status) return status;
	const eg_panel *p = eg_network_forecaster_panel(w->network);
	const size_t rows = (size_t)w->forecaster.past + 2;
	w->of = eg_arena_alloc(&w->arena, (size_t)p->columns * sizeof *w->of);
	w->at = eg_arena_alloc(&w->arena, rows * (size_t)p->columns * sizeof *w->at);
	w->times = eg_arena_alloc(&w->arena, rows * sizeof *w->times);
	if (!w->of || !w->at || !w->times) return no_memory(err);
	for (int i = 0; i < p->columns; i++) w->of[i] = find(&w->table, w->table.ncolumns, p->names[i]);
	if (eg_network_forecaster_windows(w->network)->calendar && !p->times)
		return eg_fail(err, EG_ERR_ARG, "%s: 'calendar' goes by times, and the rows of %s have none; leave it out, or take 'waves'",
		        eg_recipe_source(w->recipe), w->table.file);
	return EG_OK;
}

eg_status eg_network_watch_new(eg_recipe *r, eg_context *ctx, const eg_time_table *table, const char *const *names, int n, int watched,
	eg_network_watch **watch, eg_error *err) {
	eg_network_watch *w = *watch = eg_calloc(NULL, 1, sizeof *w);
	if (!w) return no_memory(err);
	w->recipe = r, w->ctx = ctx;
	w->forecaster = (eg_watch_forecaster){.user = w, .fit = fit, .say = say};
	eg_status status = copy_table(w, table, names, n, err);
	if (!status) status = choose(w, watched, err);
	if (!status) status = make_room(w, err);
	if (!status) return EG_OK;
	eg_network_watch_free(w);
	*watch = NULL;
	return status;
}

void eg_network_watch_free(eg_network_watch *w) {
	if (!w) return;
	eg_network_forecaster_free(w->network);
	eg_arena_free(&w->arena);
	eg_release(NULL, w);
}

const eg_watch_forecaster *eg_network_watch_forecaster(const eg_network_watch *w) { return &w->forecaster; }

const eg_fitted *eg_network_watch_fitted(const eg_network_watch *w) {
	const eg_fitted *f = w->network ? eg_network_forecaster_fitted(w->network) : NULL;
	return f && f->parameters > 0 ? f : NULL;
}

/* forecast_draw.c - the picture of a forecast, or its page. */
#include "engram_report.h"
#include "forecast.h"

#include <stdlib.h>
#include <string.h>

static const double year = 365.2425 * 86400;

static double time_of(const eg_time_table *t, int step) {
	return t->months ? t->begin + year / 12 * t->months * step : eg_time_table_time(t, step);
}

forecast_axis forecast_axis_of(const eg_time_table *t, int from, int to) {
	forecast_axis a = {.table = t, .from = -1, .title = "year"};
	char when[32];
	if (!t->dated)
		snprintf(a.title, sizeof a.title, "row");
	else if (time_of(t, to) - time_of(t, from) < year)
		a.from = from, snprintf(a.title, sizeof a.title, "days from %s", eg_time_table_when(t, from, when));
	return a;
}

double forecast_place(const forecast_axis *a, int step) {
	const eg_time_table *t = a->table;
	if (!t->dated) return step + 1;
	return a->from >= 0 ? (time_of(t, step) - time_of(t, a->from)) / 86400 : 1970 + time_of(t, step) / year;
}

static char *copy(const char *s) { return strcpy(cli_alloc(strlen(s) + 1), s); }

/* Texts that are kept till the page is written. */
typedef struct words {
	char **times, **cells, **notes;
	int ntimes, ncells, nnotes;
} words;

static void note(words *w, const char *text) { w->notes[w->nnotes++] = copy(text); }

static void gather(const forecast_job *j, int from, int shown, words *w) {
	enum { MORE = 8 };
	char buf[400], spec[160], when[32];
	const eg_fitted *f = forecast_fitted(&j->models[0]);
	w->times = cli_alloc((size_t)(shown + j->horizon + 1) * sizeof *w->times);
	w->cells = cli_alloc((size_t)(j->n * FORECAST_COLUMNS + 1) * sizeof *w->cells);
	w->notes = cli_alloc((size_t)(2 * j->n + MORE) * sizeof *w->notes);
	for (int i = 0; i < shown + j->horizon; i++) w->times[w->ntimes++] = copy(forecast_when(j, from + i, when));
	for (int i = 0; i < j->n; i++) {
		char cells[FORECAST_COLUMNS][FORECAST_CELL];
		forecast_cells(j, &j->models[i], cells);
		for (int k = 0; k < FORECAST_COLUMNS; k++) w->cells[w->ncells++] = copy(cells[k]);
	}
	snprintf(buf, sizeof buf, "%.100s, %d values; %d origins, each forecast from its past alone, %d steps ahead.", j->table->file, j->past.n,
	        j->origins, j->horizon);
	note(w, buf);
	note(w, f->formula);
	if (!isnan(j->p)) {
		snprintf(buf, sizeof buf, "%s against %s one step ahead: p = %.2g (Diebold and Mariano).", forecast_spec(j, &j->models[0], spec),
		        j->tested, j->p);
		note(w, buf);
	}
	snprintf(buf, sizeof buf, "Warning: ");
	for (int i = 0; forecast_warning(j, &i, buf + 9, sizeof buf - 9); i++) note(w, buf);
}

static void forget(words *w) {
	for (int i = 0; i < w->ntimes; i++) free(w->times[i]);
	for (int i = 0; i < w->ncells; i++) free(w->cells[i]);
	for (int i = 0; i < w->nnotes; i++) free(w->notes[i]);
	free(w->times);
	free(w->cells);
	free(w->notes);
}

bool forecast_draw(const forecast_job *j, const char *path) {
	eg_error err;
	char title[300], spec[160];
	words w = {0};
	int shown = 6 * j->horizon > 4 * j->past.period ? 6 * j->horizon : 4 * j->past.period;
	if (shown < 150) shown = 150;
	if (shown > j->past.n) shown = j->past.n;
	const int from = j->past.n - shown;
	const forecast_axis axis = forecast_axis_of(j->table, from, j->past.n + j->horizon);
	double *x = cli_alloc((size_t)(shown + j->horizon) * sizeof *x);
	for (int i = 0; i < shown + j->horizon; i++) x[i] = forecast_place(&axis, from + i);
	snprintf(title, sizeof title, "%.80s, by %s", j->target->name, forecast_spec(j, &j->models[0], spec));
	const eg_forecast_plot p = {.title = title, .x_title = axis.title, .y_title = j->target->name, .x = x,
		.values = j->past.values + from, .past = shown, .outlook = j->models[0].outlook, .trial = j->models[0].trial, .before = from};
	gather(j, from, shown, &w);
	const eg_forecast_words page = {.times = (const char *const *)w.times, .heads = forecast_heads, .columns = FORECAST_COLUMNS,
		.cells = (const char *const *)w.cells, .rows = j->n, .notes = (const char *const *)w.notes};
	eg_status status = eg_plot_forecast(path, &p, &page, &err);
	forget(&w);
	free(x);
	if (status) fail_error("forecast", &err);
	return status == EG_OK;
}

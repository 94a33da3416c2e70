/* forecast_show.c - what engram forecast found: a table of models, the forecast, warnings; as text and as JSON. As a picture:
 * forecast_draw.c. */
#include "forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LITTLE = 200 };
static const double echoes = 0.95;

/* Of a file with one series: the file. */
static const char *name_of(const forecast_job *j) { return j->table->id ? j->table->id : j->table->file; }

const char *forecast_when(const forecast_job *j, int step, char buf[32]) {
	eg_time_table_when(j->table, step, buf);
	if (!buf[0]) snprintf(buf, 32, "%d", step + 1);
	return buf;
}

const char *forecast_spec(const forecast_job *j, const forecast_model *m, char buf[160]) {
	const eg_fitted *f = eg_forecaster_fitted(m->fitted);
	snprintf(buf, 160, "%s", f->spec);
	size_t used = strlen(buf);
	if (f->lambda == 0)
		snprintf(buf + used, 160 - used, " log");
	else if (!isnan(f->lambda) && j->options.power == EG_POWER_BOX_COX)
		snprintf(buf + used, 160 - used, " box-cox %.2f", f->lambda);
	return buf;
}

static int count_missing(const forecast_job *j) {
	int n = 0;
	for (int t = 0; t < j->past.n; t++) n += isnan(j->past.values[t]);
	return n;
}

/* ---- warnings ---------------------------------------------------------------------------------------------------- */

/* Warning number i into text; its code. NULL: there are no more. */
const char *forecast_warning(const forecast_job *j, int *i, char *text, size_t size) {
	const forecast_model *best = &j->models[0], *naive = NULL;
	char spec[160];
	const int there = j->past.n - count_missing(j);
	const char *floor = j->past.period > 1 ? "seasonal-naive" : "naive";
	for (int k = 0; k < j->n; k++)
		if (!strcmp(j->models[k].asked, floor)) naive = &j->models[k];
	for (; *i < 2 + j->n; ++*i) {
		const forecast_model *m = *i >= 2 ? &j->models[*i - 2] : best;
		double echo = *i == 0 ? eg_rolling_echo(best->trial) : 0;
		if (*i == 0 && !forecast_is_simple(best->asked) && echo > echoes) {
			snprintf(text, size, "%s echoes the last value: its errors one step ahead correlate with the changes by %.3f (1: the last "
			                     "value itself)", forecast_spec(j, best, spec), echo);
			return "echo";
		}
		if (*i == 1 && there < LITTLE) {
			snprintf(text, size, "fitted on %d values: expect the simple model to win", there);
			return "little_data";
		}
		if (*i >= 2 && naive && m != naive && !forecast_is_simple(m->asked) && m->scores.mae > naive->scores.mae) {
			snprintf(text, size, "%s is worse than %s: a mean absolute error of %.4g beside %.4g", forecast_spec(j, m, spec), floor,
			        m->scores.mae, naive->scores.mae);
			return "worse_than_seasonal_naive";
		}
	}
	return NULL;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

const char *forecast_number(char buf[NUMBER], double v) {
	double size = fabs(v);
	snprintf(buf, NUMBER, isnan(v) ? "-" : size >= 1e7 || (size < 1e-3 && v != 0) ? "%.3e" : size >= 1000 ? "%.0f" : "%.4g", v);
	return buf;
}

static void show_series(const forecast_job *j) {
	char a[32], b[32];
	printf("%s: %s, %d values", text_shown(j->table->file), text_shown(j->target->name), j->past.n);
	if (j->table->dated) printf(", %s to %s", forecast_when(j, 0, a), forecast_when(j, j->past.n - 1, b));
	printf(", horizon %d\n", j->horizon);
	printf(j->table->time ? "time: the column%s %s" : "time: no column of dates was found, so rows are steps%s%s",
	        j->table->time ? strchr(j->table->time, ',') ? "s" : "" : "", j->table->time ? text_shown(j->table->time) : "");
	if (j->table->steps > j->table->rows) printf("; %d steps have no row and are missing", j->table->steps - j->table->rows);
	if (j->table->averaged) printf("; each step is the mean of its rows, %d in all", j->table->rows);
	const int missing = count_missing(j);
	if (missing) printf("; %d values are missing", missing);
	if (isnan(j->strength))
		printf("\nperiod: %d, as given\n", j->past.period);
	else if (j->past.period > 1)
		printf("\nperiod: %d, found (autocorrelation %.2f); --period says otherwise\n", j->past.period, j->strength);
	else
		printf("\nperiod: no season was found; --period says otherwise\n");
	printf("%d origins from %s to %s, each forecast from its past alone; fitted anew at every %s%d%s\n\n", j->origins,
	        forecast_when(j, j->trials.first - 1, a), forecast_when(j, j->trials.last - 1, b), j->trials.refit > 1 ? "" : "one (", j->trials.refit,
	        j->trials.refit > 1 ? "th" : ")");
}

const char *const forecast_heads[FORECAST_COLUMNS] = {"model", "MAE", "RMSE", "sMAPE", "MASE", "pinball", "in 80 %", "in 95 %",
	"parameters", "fit s", "forecast ms"};

void forecast_cells(const forecast_job *j, const forecast_model *m, char cells[FORECAST_COLUMNS][FORECAST_CELL]) {
	const eg_scores *s = &m->scores;
	char n[NUMBER], spec[160];
	const double numbers[] = {s->mae, s->rmse, s->smape, s->mase, s->pinball};
	snprintf(cells[0], FORECAST_CELL, "%s", forecast_spec(j, m, spec));
	for (int k = 0; k < 5; k++) snprintf(cells[1 + k], FORECAST_CELL, "%s", forecast_number(n, numbers[k]));
	snprintf(cells[6], FORECAST_CELL, "%s", number_percent(n, s->coverage80));
	snprintf(cells[7], FORECAST_CELL, "%s", number_percent(n, s->coverage95));
	snprintf(cells[8], FORECAST_CELL, "%d", eg_forecaster_fitted(m->fitted)->parameters);
	snprintf(cells[9], FORECAST_CELL, "%s", forecast_number(n, m->trial->seconds_fit));
	snprintf(cells[10], FORECAST_CELL, "%s", forecast_number(n, 1000 * m->trial->seconds_forecast));
}

static void show_models(const forecast_job *j) {
	table *t = table_new("lrrrrrrrrrr");
	for (int i = 0; i < FORECAST_COLUMNS; i++) table_cell(t, "%s", forecast_heads[i]);
	table_rule(t);
	for (int i = 0; i < j->n; i++) {
		char cells[FORECAST_COLUMNS][FORECAST_CELL];
		forecast_cells(j, &j->models[i], cells);
		for (int k = 0; k < FORECAST_COLUMNS; k++) table_cell(t, "%s", cells[k]);
	}
	table_print(t, stdout, 0);
	table_free(t);
}

static void show_forecast(const forecast_job *j) {
	enum { MOST = 48 };
	const eg_outlook *o = j->models[0].outlook;
	table *t = table_new("lrrrrr");
	static const char *const heads[] = {"time", "forecast", "80 % from", "to", "95 % from", "to"};
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) table_cell(t, "%s", heads[i]);
	table_rule(t);
	for (int h = 0; h < o->horizon && h < MOST; h++) {
		char time[32], n[NUMBER];
		table_cell(t, "%s", forecast_when(j, j->past.n + h, time));
		const double v[5] = {o->mean[h], o->quantiles[1][h], o->quantiles[3][h], o->quantiles[0][h], o->quantiles[4][h]};
		for (int k = 0; k < 5; k++) table_cell(t, "%s", forecast_number(n, v[k]));
	}
	table_print(t, stdout, 0);
	table_free(t);
	if (o->horizon > MOST) printf("and %d more; --json has them all\n", o->horizon - MOST);
}

void forecast_show(const forecast_job *j) {
	char text[300], spec[160];
	const eg_fitted *f = eg_forecaster_fitted(j->models[0].fitted);
	show_series(j);
	show_models(j);
	printf("\nBest: %s\n  %s\n", forecast_spec(j, &j->models[0], spec), f->formula);
	if (!isnan(f->loglik)) printf("  log-likelihood %.4f, AICc %.4f, %d values\n", f->loglik, f->aicc, f->n);
	if (!isnan(j->p))
		printf("  against %s one step ahead: p = %.2g (Diebold and Mariano, %d origins)\n", j->tested, j->p, j->origins);
	for (int i = 0; forecast_warning(j, &i, text, sizeof text); i++) printf("Warning: %s\n", text);
	printf("\n");
	show_forecast(j);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

void forecast_put_scores(eg_value *v, const eg_scores *s) {
	eg_value_put_number(v, "mae", s->mae);
	eg_value_put_number(v, "rmse", s->rmse);
	eg_value_put_number(v, "smape", s->smape);
	eg_value_put_number(v, "mase", s->mase);
	eg_value_put_number(v, "pinball", s->pinball);
	eg_value_put_number(v, "coverage80", s->coverage80);
	eg_value_put_number(v, "coverage95", s->coverage95);
}

static void put_forecast(const forecast_job *j, const forecast_model *m, eg_value *parent) {
	static const char *const levels[EG_LEVELS] = {"0.025", "0.1", "0.5", "0.9", "0.975"};
	const eg_outlook *o = m->outlook;
	char time[32];
	eg_value *v = eg_value_put_map(parent, "forecast");
	eg_value_put_text(v, "series", name_of(j));
	eg_value_put_text(v, "origin", forecast_when(j, j->past.n - 1, time));
	eg_value *times = eg_value_put_list(v, "times"), *mean = eg_value_put_list(v, "mean");
	eg_value *deviation = eg_value_put_list(v, "deviation"), *quantiles = eg_value_put_map(v, "quantiles");
	for (int h = 0; h < o->horizon; h++) {
		eg_value_put_text(times, NULL, forecast_when(j, j->past.n + h, time));
		eg_value_put_number(mean, NULL, o->mean[h]);
		eg_value_put_number(deviation, NULL, o->deviation[h]);
	}
	for (int q = 0; q < EG_LEVELS; q++) {
		eg_value *list = eg_value_put_list(quantiles, levels[q]);
		for (int h = 0; h < o->horizon; h++) eg_value_put_number(list, NULL, o->quantiles[q][h]);
	}
}

static void put_model(const forecast_job *j, eg_value *list, const forecast_model *m) {
	const eg_fitted *f = eg_forecaster_fitted(m->fitted);
	char spec[160];
	eg_value *v = eg_value_put_map(list, NULL);
	eg_value_put_text(v, "name", f->name);
	eg_value_put_text(v, "spec", forecast_spec(j, m, spec));
	forecast_put_scores(v, &m->scores);
	eg_value *steps = eg_value_put_list(v, "by_horizon");
	for (int h = 0; h < j->horizon; h++) {
		eg_scores s;
		eg_rolling_scores(m->trial, h, &s);
		eg_value *one = eg_value_put_map(steps, NULL);
		eg_value_put_int(one, "step", h + 1);
		forecast_put_scores(one, &s);
	}
	eg_value_put_int(v, "parameters", f->parameters);
	eg_value_put_number(v, "train_seconds", m->trial->seconds_fit);
	eg_value_put_number(v, "forecast_ms", 1000 * m->trial->seconds_forecast);
	eg_value *c = eg_value_put_map(v, "coefficients");
	for (int i = 0; i < f->ncoefficients; i++) eg_value_put_number(c, f->coefficients[i].name, f->coefficients[i].value);
	eg_value_put_text(v, "formula", f->formula);
	eg_value_put_number(v, "sigma2", f->sigma2);
	eg_value_put_number(v, "loglik", f->loglik);
	eg_value_put_number(v, "aicc", f->aicc);
	eg_value_put_number(v, "echo", eg_rolling_echo(m->trial));
	put_forecast(j, m, v);
}

void forecast_put(const forecast_job *j, eg_value *v) {
	char text[300];
	const char *code;
	eg_value_put_text(v, "series", name_of(j));
	eg_value_put_text(v, "target", j->target->name);
	eg_value_put_int(v, "horizon", j->horizon);
	eg_value_put_int(v, "period", j->past.period);
	eg_value_put_int(v, "n", j->past.n);
	eg_value_put_int(v, "origins", j->origins);
	eg_value *models = eg_value_put_list(v, "models");
	for (int i = 0; i < j->n; i++) put_model(j, models, &j->models[i]);
	eg_value_put_text(v, "best", eg_forecaster_fitted(j->models[0].fitted)->name);
	if (j->tested[0]) {
		eg_value *test = eg_value_put_map(v, "test");
		eg_value_put_text(test, "name", "diebold-mariano");
		eg_value_put_text(test, "against", j->tested);
		eg_value_put_number(test, "p", j->p);
	} else
		eg_value_put_null(v, "test");
	eg_value *warnings = eg_value_put_list(v, "warnings");
	for (int i = 0; (code = forecast_warning(j, &i, text, sizeof text)); i++) {
		eg_value *one = eg_value_put_map(warnings, NULL);
		eg_value_put_text(one, "code", code);
		eg_value_put_text(one, "text", text);
	}
	put_forecast(j, &j->models[0], v);
}

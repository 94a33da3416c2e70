/* forecast_show.c - what engram forecast found: a table of models, the forecast, warnings; as text and as JSON. As
 * a picture: forecast_draw.c. */
#include "forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LITTLE = 200 };
static const double echoes = 0.95, smaller = 0.98;

/* Of a file with one series: the file. */
static const char *name_of(const forecast_job *j) { return j->table->id ? j->table->id : j->table->file; }

const char *forecast_when(const forecast_job *j, int step, char buf[32]) {
	eg_time_table_when(j->table, step, buf);
	if (!buf[0]) snprintf(buf, 32, "%d", step + 1);
	return buf;
}

const char *forecast_spec(const forecast_job *j, const forecast_model *m, char buf[160]) {
	const eg_fitted *f = forecast_fitted(m);
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

typedef struct pair {
	double last, said;
	int rank;
} pair;

static int by_last(const void *a, const void *b) {
	const double x = ((const pair *)a)->last, y = ((const pair *)b)->last;
	return (x > y) - (x < y);
}
static int by_said(const void *a, const void *b) {
	const double x = ((const pair *)a)->said, y = ((const pair *)b)->said;
	return (x > y) - (x < y);
}

/* The correlation of ranks (Spearman 1904) of what is said one step ahead with the last value: 1 for whatever rises
 * with it, also where a network bends it. */
static double follows(const eg_rolling *t) {
	pair *p = cli_alloc(((size_t)t->origins + 1) * sizeof *p);
	double sum = 0;
	int n = 0;
	for (int i = 0; i < t->origins; i++) {
		const double said = t->mean[(ptrdiff_t)i * t->horizon];
		if (!isnan(said) && !isnan(t->last[i])) p[n++] = (pair){t->last[i], said, 0};
	}
	qsort(p, (size_t)n, sizeof *p, by_last);
	for (int i = 0; i < n; i++) p[i].rank = i;
	qsort(p, (size_t)n, sizeof *p, by_said);
	for (int i = 0; i < n; i++) sum += (double)(p[i].rank - i) * (p[i].rank - i);
	free(p);
	return n < 3 ? (double)NAN : 1 - 6 * sum / ((double)n * ((double)n * n - 1));
}

/* Does a model say the last value again? Its errors go with the changes, or what it says with that value, and the
 * errors are hardly smaller than the changes: of a series near a random walk the first is so for good models too. */
static bool is_echo(const eg_rolling *t, double echo) {
	double errors = 0, changes = 0;
	for (int i = 0; i < t->origins; i++) {
		const double y = t->truth[(ptrdiff_t)i * t->horizon], e = y - t->mean[(ptrdiff_t)i * t->horizon], change = y - t->last[i];
		if (!isnan(e) && !isnan(change)) errors += e * e, changes += change * change;
	}
	return (echo > echoes || follows(t) > 0.98) && errors > smaller * smaller * changes;
}

/* Warning number i into text; its code. NULL: there are no more. */
const char *forecast_warning(const forecast_job *j, int *i, char *text, size_t size) {
	const forecast_model *naive = NULL;
	char spec[160];
	const int there = j->past.n - count_missing(j);
	const char *floor = j->past.period > 1 ? "seasonal-naive" : "naive";
	for (int k = 0; k < j->n; k++)
		if (!strcmp(j->models[k].asked, floor)) naive = &j->models[k];
	for (; *i < 1 + 2 * j->n; ++*i) {
		const forecast_model *m = *i > j->n ? &j->models[*i - 1 - j->n] : *i > 0 ? &j->models[*i - 1] : NULL;
		/* of the best model and of every network */
		const bool asked = m && *i <= j->n && (*i == 1 || m->network) && !forecast_is_simple(m->asked);
		const double echo = asked ? eg_rolling_echo(m->trial) : 0;
		if (asked && is_echo(m->trial, echo)) {
			snprintf(text, size, "%s echoes the last value: one step ahead what it says goes with that (correlation of ranks %.3f), its errors "
			                     "go with the changes (%.3f), and they are no smaller", forecast_spec(j, m, spec), follows(m->trial), echo);
			return "echo";
		}
		if (!m && there < LITTLE) {
			snprintf(text, size, "fitted on %d values: expect the simple model to win", there);
			return "little_data";
		}
		if (*i > j->n && naive && m != naive && !forecast_is_simple(m->asked) && m->scores.mae > (1 + 1e-6) * naive->scores.mae) {
			const double beyond = 100 * (m->scores.mae / naive->scores.mae - 1);
			snprintf(text, size, "%s is worse than %s: a mean absolute error of %.4g beside %.4g", forecast_spec(j, m, spec), floor,
			        m->scores.mae, naive->scores.mae);
			const size_t used = strlen(text);
			if (beyond < 1) snprintf(text + used, size - used, ", %.1g %% more", beyond);
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

/* "1st", "2nd", "12th". */
static const char *behind(int n) {
	const int last = n / 10 % 10 == 1 ? 0 : n % 10;
	return last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th";
}

static void show_series(const forecast_job *j) {
	char a[32], b[32];
	printf("%s: %s, %d values", text_shown(j->table->file), text_shown(j->target->name), j->past.n);
	if (j->table->dated) printf(", %s to %s", forecast_when(j, 0, a), forecast_when(j, j->past.n - 1, b));
	printf(", horizon %d\n", j->horizon);
	const char *time = j->table->time;
	printf(time ? "time: the column%s %s" : "time: no column of dates was found", time && strchr(time, ',') ? "s" : "", time ? text_shown(time) : "");
	if (!j->table->dated || j->table->times) printf(time ? "; rows are steps" : ", so rows are steps");
	if (j->table->steps > j->table->rows) printf("; %d steps have no row and are missing", j->table->steps - j->table->rows);
	if (j->table->averaged) printf("; each step is the mean of its rows, %d in all", j->table->rows);
	const int missing = count_missing(j);
	if (missing) printf("; %d values are missing", missing);
	if (isnan(j->strength))
		printf("\nperiod: %d, as given\n", j->past.period);
	else if (j->past.period > 1)
		printf("\nperiod: %d, found in the first %d values (autocorrelation %.2f); --period says otherwise\n", j->past.period,
		        j->seen_for_period, j->strength);
	else
		printf("\nperiod: no season was found in the first %d values; --period says otherwise\n", j->seen_for_period);
	printf("%d origin%s from %s to %s, each forecast from its past alone; ", j->origins, j->origins > 1 ? "s" : "",
	        forecast_when(j, j->trials.first - 1, a), forecast_when(j, j->trials.last - 1, b));
	if (j->trials.refit >= j->origins)
		printf("fitted once\n\n");
	else if (j->trials.refit > 1)
		printf("fitted anew at every %d%s\n\n", j->trials.refit, behind(j->trials.refit));
	else
		printf("fitted anew at each\n\n");
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
	snprintf(cells[8], FORECAST_CELL, "%d", forecast_fitted(m)->parameters);
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

static double share_of(const eg_value *lag) { return eg_value_number(eg_value_get(lag, "share"), NAN); }

/* Those that it goes by most, in their order: the last values need not be among them, where it is told a season ago. */
static void show_lags(const eg_value *lags) {
	enum { SHOWN = 8 };
	const int all = (int)eg_value_count(lags);
	if (all > SHOWN)
		printf("    lags, %d of %d:", SHOWN, all);
	else
		printf("    lags:");
	for (const eg_value *one = eg_value_first(lags); one; one = eg_value_next(one)) {
		int before = 0;
		for (const eg_value *x = eg_value_first(lags); x; x = eg_value_next(x)) before += share_of(x) > share_of(one);
		if (before < SHOWN) printf(" %d: %.0f %%", (int)eg_value_int(eg_value_get(one, "lag"), 0), 100 * share_of(one));
	}
	printf("\n");
}

/* What the best network goes by. */
static void show_network(const forecast_job *j) {
	const forecast_model *m = &j->models[j->network];
	const eg_value *v = eg_value_get(m->sensitivity, "variables"), *lags = eg_value_get(m->sensitivity, "lags");
	char spec[160];
	if (j->network > 0) printf("Best network: %s\n  %s\n", forecast_spec(j, m, spec), forecast_fitted(m)->formula);
	if (j->network > 0 && !isnan(j->network_p))
		printf("  against %s one step ahead: p = %.2g (Diebold and Mariano)\n", j->tested, j->network_p);
	if (!v) return;
	printf("  it goes by (share of integrated gradients; times the error when shuffled):\n");
	for (const eg_value *one = eg_value_first(v); one; one = eg_value_next(one))
		printf("    %-16s %5.1f %%   x %.2f\n", text_shown(eg_value_text(eg_value_get(one, "name"))),
		        100 * eg_value_number(eg_value_get(one, "share"), NAN), eg_value_number(eg_value_get(one, "permuted"), NAN));
	show_lags(lags);
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
	const eg_fitted *f = forecast_fitted(&j->models[0]);
	show_series(j);
	show_models(j);
	printf("\nBest: %s\n  %s\n", forecast_spec(j, &j->models[0], spec), f->formula);
	if (!isnan(f->loglik)) printf("  log-likelihood %.4f, AICc %.4f, %d values\n", f->loglik, f->aicc, f->n);
	if (!isnan(j->p))
		printf("  against %s one step ahead: p = %.2g (Diebold and Mariano, %d origins)\n", j->tested, j->p, j->origins);
	if (j->network >= 0) show_network(j);
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
	const eg_fitted *f = forecast_fitted(m);
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
	if (m->sensitivity) eg_value_put_copy(v, "sensitivity", m->sensitivity);
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
	eg_value_put_text(v, "best", forecast_fitted(&j->models[0])->name);
	if (j->tested[0]) {
		eg_value *test = eg_value_put_map(v, "test");
		eg_value_put_text(test, "name", "diebold-mariano");
		eg_value_put_text(test, "against", j->tested);
		eg_value_put_number(test, "p", j->p);
	} else
		eg_value_put_null(v, "test");
	if (j->network >= 0) {
		eg_value *test = eg_value_put_map(v, "network_test");
		eg_value_put_text(test, "name", "diebold-mariano");
		eg_value_put_text(test, "network", forecast_fitted(&j->models[j->network])->spec);
		eg_value_put_text(test, "against", j->tested);
		eg_value_put_number(test, "p", j->network_p);
	}
	eg_value *warnings = eg_value_put_list(v, "warnings");
	for (int i = 0; (code = forecast_warning(j, &i, text, sizeof text)); i++) {
		eg_value *one = eg_value_put_map(warnings, NULL);
		eg_value_put_text(one, "code", code);
		eg_value_put_text(one, "text", text);
	}
	put_forecast(j, &j->models[0], v);
}

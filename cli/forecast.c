/* forecast.c - engram forecast: models of a series compared on rolling origins, and the best one's forecast. How it is
 * shown: forecast_show.c. */
#include "forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char verb[] = "forecast";

static double now(void) {
	struct timespec t;
	return timespec_get(&t, TIME_UTC) ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

/* ---- the series -------------------------------------------------------------------------------------------------- */

/* "year,month,day" as names; NULL: none. To be freed. */
static const char **split_names(const char *text, char **copy) {
	*copy = NULL;
	if (!text) return NULL;
	const char **names = cli_alloc((strlen(text) + 2) * sizeof *names);
	char *at = *copy = cli_alloc(strlen(text) + 1);
	strcpy(at, text);
	for (int n = 0; at; n++) {
		names[n] = at;
		at = strchr(at, ',');
		if (at) *at++ = '\0';
	}
	return names;
}

static bool read_table(forecast_job *j, eg_error *err) {
	const cli_args *a = j->args;
	const char *separator = args_text(a, "separator");
	char *copy;
	int n;
	const char **time = split_names(args_text(a, "time"), &copy), **missing = args_all(a, "missing", &n);
	const eg_time_table_options o = {.time = time, .missing = missing, .rows = args_has(a, "rows"),
		.separator = !separator ? 0 : strcmp(separator, "tab") == 0 ? '\t' : strcmp(separator, "semicolon") == 0 ? ';' : ','};
	eg_status status = eg_time_table_read(a->operands[0], &o, &j->table, err);
	free(time);
	free(copy);
	free(missing);
	return status == EG_OK;
}

/* "365.25:2": sines and cosines of a year and of half a year, which are known as far as one likes. They stand behind
 * the known columns. */
static bool read_waves(const forecast_job *j, double *period, int *count) {
	const char *text = args_text(j->args, "waves");
	char *end;
	*count = 0;
	if (!text) return true;
	*period = strtod(text, &end);
	if (*end == ':') *count = (int)strtol(end + 1, &end, 10);
	if (!*end && *period >= 2 && isfinite(*period) && *count >= 1 && *count <= 10) return true;
	return fail_usage(verb, "--waves takes PERIOD:COUNT, as in 365.25:2, the period at least 2, 1 to 10 waves"), false;
}

/* Columns of the future: as many rows as all of them have. */
static bool take_known(forecast_job *j, eg_error *err) {
	eg_past *p = &j->past;
	double period = 0;
	int named, waves;
	err->message[0] = '\0';
	if (!read_waves(j, &period, &waves)) return false;
	j->known_names = args_all(j->args, "known", &named);
	p->nknown = named + 2 * waves;
	if (p->nknown == 0) return true;
	/* beyond the table, where there are only waves: any horizon that is possible is shorter than the past */
	p->rows = named ? j->table->steps : 2 * j->table->steps;
	j->known = cli_alloc((size_t)p->rows * (size_t)p->nknown * sizeof *j->known);
	p->known = j->known;
	for (int t = 0; t < p->rows; t++)
		for (int i = 0; i < 2 * waves; i++) {
			const int wave = i / 2 + 1;
			double angle = 2 * 3.14159265358979323846 * wave * t / period;
			j->known[(ptrdiff_t)t * p->nknown + named + i] = i % 2 ? cos(angle) : sin(angle);
		}
	for (int i = 0; i < named; i++) {
		int place, rows = j->table->steps;
		if (eg_time_table_find(j->table, j->known_names[i], &place, err)) return false;
		const double *v = j->table->columns[place].values;
		while (rows > 0 && isnan(v[rows - 1])) rows--;
		if (rows < p->rows) p->rows = rows;
		for (int t = 0; t < j->table->steps; t++) j->known[(ptrdiff_t)t * p->nknown + i] = v[t];
	}
	return true;
}

static bool take_target(forecast_job *j, eg_error *err) {
	int place;
	if (eg_time_table_find(j->table, args_text(j->args, "target"), &place, err)) return false;
	j->target = &j->table->columns[place];
	j->past.values = j->target->values;
	j->past.n = j->table->steps;
	while (j->past.n > 0 && isnan(j->past.values[j->past.n - 1])) j->past.n--;
	if (j->past.n == 0) {
		fail(verb, "%s: all %d cells of the column '%s' are missing: there is nothing to forecast from; name another with --target",
		        j->table->file, j->table->rows, j->target->name);
		err->message[0] = '\0';
		return false;
	}
	return take_known(j, err);
}

/* Given, or found: by what the calendar suggests, else by the autocorrelation alone. */
static bool choose_period(forecast_job *j, eg_error *err) {
	int given = (int)args_number(j->args, "period", 0), n = 0;
	j->strength = NAN;
	j->past.period = given;
	if (given) return true;
	const int *tried = eg_time_table_periods(j->table);
	while (tried[n]) n++;
	return !eg_find_period(j->past.values, j->past.n, n ? tried : NULL, n, &j->past.period, &j->strength, err);
}

/* ---- origins ----------------------------------------------------------------------------------------------------- */

static bool choose_origins(forecast_job *j) {
	const int n = j->past.n, period = j->past.period;
	const cli_args *a = j->args;
	int usual = period > 1 && period <= 60 ? period : 10;
	while (usual > 1 && 4 * usual > n) usual /= 2;
	j->horizon = (int)args_number(a, "horizon", (uint64_t)usual);
	int every = (int)args_number(a, "every", 1), most = (n - j->horizon - (n > 12 ? n / 2 : 3)) / every + 1;
	if (j->horizon >= n || most < 1) {
		fail(verb, "%s: a horizon of %d steps, and %d values: half of them are to be the past of the first forecast; take a horizon of "
		           "%d or less", j->table->file, j->horizon, n, n - (n > 12 ? n / 2 : 3) > 1 ? n - (n > 12 ? n / 2 : 3) : 1);
		return false;
	}
	j->origins = (int)args_number(a, "origins", (uint64_t)(most < 24 ? most : 24));
	int first = n - j->horizon - (j->origins - 1) * every;
	if (first < 3) {
		fail(verb, "%s: %d origins, %d apart, of %d steps need %d values before the first one's past, and there are %d in all; take fewer",
		        j->table->file, j->origins, every, j->horizon, (j->origins - 1) * every + j->horizon, n);
		return false;
	}
	int refit = n > 3000 ? j->origins : j->origins > 4 ? j->origins / 4 : 1;
	j->trials = (eg_rolling_options){.horizon = j->horizon, .first = first, .every = every, .last = n - j->horizon,
		.refit = (int)args_number(a, "refit", (uint64_t)refit)};
	if (j->past.nknown > 0 && j->past.rows < n + j->horizon) {
		fail(verb, "%s: the known columns end %d steps behind the last value of '%s', and the horizon is %d; give their future as rows "
		           "without a value, or take a shorter horizon", j->table->file, j->past.rows - n, j->target->name, j->horizon);
		return false;
	}
	return true;
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

/* These stay as they are when the others see logarithms. */
bool forecast_is_simple(const char *name) {
	return !strcmp(name, "naive") || !strcmp(name, "seasonal-naive") || !strcmp(name, "drift") || !strcmp(name, "mean");
}

static void choose_models(forecast_job *j) {
	int given;
	const char **all = args_all(j->args, "model", &given);
	const eg_forecaster_info *info;
	const bool season = j->past.period > 1;
	for (int i = 0; i < given && j->n < FORECAST_MODELS; i++) j->models[j->n++].asked = all[i];
	free(all);
	for (int i = 0; (info = eg_forecaster_at(i)) && j->n < FORECAST_MODELS; i++) {
		bool there = false;
		for (int k = 0; k < given; k++) there |= !strcmp(j->models[k].asked, info->name);
		if (there || (info->seasonal && !season)) continue;
		if (!given || !strcmp(info->name, season ? "seasonal-naive" : "naive")) j->models[j->n++].asked = info->name;
	}
}

typedef struct watcher {
	const forecast_job *j;
	int model;
} watcher;

static bool on_progress(void *user, double share) {
	const watcher *w = user;
	char left[120], right[NUMBER];
	snprintf(left, sizeof left, "model %d/%d %.40s", w->model + 1, w->j->n, w->j->models[w->model].asked);
	bar_show(stderr, left, share, number_percent(right, share));
	return true;
}

static eg_status run_model(forecast_job *j, int i, eg_error *err) {
	forecast_model *m = &j->models[i];
	watcher w = {j, i};
	eg_forecaster_options options = j->options;
	eg_rolling_options trials = j->trials;
	if (forecast_is_simple(m->asked)) options.power = EG_POWER_NONE;
	trials.model = &options, trials.progress = on_progress, trials.user = &w;
	eg_past whole = j->past;
	on_progress(&w, 0);
	eg_status status = eg_rolling_run(m->asked, &whole, &trials, &m->trial, err);
	double begin = now();
	if (!status) status = eg_forecaster_fit(m->asked, &whole, &options, &m->fitted, err);
	m->seconds = now() - begin;
	m->outlook = status ? NULL : eg_outlook_new(j->horizon);
	if (!status && !m->outlook) status = EG_ERR_MEMORY, snprintf(err->message, sizeof err->message, "out of memory for a forecast");
	if (!status) status = eg_forecast(m->fitted, &whole, m->outlook, err);
	bar_clear(stderr);
	if (!status) eg_rolling_scores(m->trial, -1, &m->scores);
	return status;
}

static void free_model(forecast_model *m) {
	eg_rolling_free(m->trial);
	eg_forecaster_free(m->fitted);
	eg_outlook_free(m->outlook);
	*m = (forecast_model){0};
}

/* Those that cannot be fitted are told and left out; one that was asked for is an error. */
static bool run_models(forecast_job *j) {
	int given, kept = 0;
	free(args_all(j->args, "model", &given));
	for (int i = 0; i < j->n; i++) {
		eg_error err;
		if (run_model(j, i, &err) == EG_OK) {
			forecast_model m = j->models[i];
			if (i != kept) j->models[i] = (forecast_model){0};
			j->models[kept++] = m;
			continue;
		}
		if (i < given) {
			fail_error(verb, &err);
			return false;
		}
		fail(verb, "note: %s is left out: %s", j->models[i].asked, err.message);
		free_model(&j->models[i]);
	}
	j->n = kept;
	if (kept == 0) fail(verb, "none of the models can be fitted to this series");
	return kept > 0;
}

static int by_error(const void *a, const void *b) {
	double x = ((const forecast_model *)a)->scores.mae, y = ((const forecast_model *)b)->scores.mae;
	if (isnan(x) || isnan(y)) return isnan(x) - isnan(y); /* what has no error goes last */
	return (x > y) - (x < y);
}

/* The best one against the best of the naive ones. */
static void test_best(forecast_job *j) {
	double statistic;
	j->p = NAN;
	for (int i = 1; i < j->n && !forecast_is_simple(j->models[0].asked); i++) {
		if (!forecast_is_simple(j->models[i].asked)) continue;
		snprintf(j->tested, sizeof j->tested, "%s", j->models[i].asked);
		j->p = eg_diebold_mariano(j->models[0].trial, j->models[i].trial, 0, &statistic);
		return;
	}
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool read_options(forecast_job *j) {
	const cli_args *a = j->args;
	const eg_forecaster_options defaults = EG_FORECASTER_OPTIONS;
	j->options = defaults;
	j->options.seed = args_number(a, "seed", 0);
	j->options.stepwise = args_has(a, "stepwise");
	if (args_has(a, "log") && args_has(a, "box-cox")) return fail_usage(verb, "--log and --box-cox exclude each other"), false;
	if (args_has(a, "log")) j->options.power = EG_POWER_LOG;
	if (args_has(a, "box-cox")) {
		const char *text = args_text(a, "box-cox");
		j->options.power = EG_POWER_BOX_COX;
		if (strcmp(text, "auto") != 0 && !args_real(a, "box-cox", -2, 3, &j->options.lambda)) return false;
	}
	if (args_has(a, "differences")) j->options.d = (int)args_number(a, "differences", 0);
	if (args_has(a, "seasonal-differences")) j->options.D = (int)args_number(a, "seasonal-differences", 0);
	return true;
}

static int run(const cli_args *a) {
	forecast_job *j = cli_alloc(sizeof *j);
	eg_error err = {0};
	const char *picture = args_text(a, "out");
	j->args = a;
	if (!read_options(j)) return free(j), CLI_USAGE;
	bool ok = !picture || cli_can_write(a, picture);
	if (ok && !(read_table(j, &err) && take_target(j, &err) && choose_period(j, &err))) {
		ok = false;
		if (err.message[0]) fail_error(verb, &err);
	}
	ok = ok && choose_origins(j);
	if (ok) choose_models(j);
	ok = ok && run_models(j);
	if (ok) {
		qsort(j->models, (size_t)j->n, sizeof *j->models, by_error);
		test_best(j);
		if (args_has(a, "json"))
			forecast_show_json(j);
		else
			forecast_show(j);
	}
	bool drawn = !ok || !picture || forecast_draw(j, picture);
	for (int i = 0; i < FORECAST_MODELS; i++) free_model(&j->models[i]);
	eg_time_table_free(j->table);
	free(j->known);
	free(j->known_names);
	free(j);
	return !ok ? CLI_FAILED : drawn ? CLI_OK : CLI_UNWRITTEN;
}

static const cli_option options[] = {
	{"target", 0, "COLUMN", "the column to forecast (default: the only one of numbers)", 0, 0},
	{"time", 0, "COLUMNS", "the column of the time, or those of year, month, day, hour, ... with commas between them (default: the "
	                       "first of dates, or those called year, month, day, ...)", 0, 0},
	{"rows", 0, NULL, "rows are steps, whatever their times", 0, 0},
	{"missing", 0, "TEXT", "a cell with this text says nothing, as an empty one and NA do; may be repeated", 0, 0},
	{"separator", 0, "comma|tab|semicolon", "what stands between cells (default: comma)", 0, 0},
	{"horizon", 0, "N", "how many steps ahead (default: a season, or 10)", 1, 10000},
	{"period", 0, "N", "steps of a season; 1: there is none (default: found by the calendar and the autocorrelation)", 1, 10000},
	{"model", 0, "MODEL", "this model, beside the naive one, as in --model 'arima(0,1,1)(0,1,1)12' or --model ets; may be repeated "
	                      "(default: all)", 0, 0},
	{"log", 0, NULL, "models see the logarithms of the values", 0, 0},
	{"box-cox", 0, "LAMBDA", "models see values transformed as by Box and Cox; auto: with the likeliest lambda", 0, 0},
	{"known", 0, "COLUMN", "a column that is known of the future too, for arima and ridge; rows without a value of the target are "
	                       "its future; may be repeated", 0, 0},
	{"waves", 0, "PERIOD:COUNT", "sines and cosines of the period and its parts as known columns, for seasons that are long, as in "
	                             "--waves 365.25:2", 0, 0},
	{"differences", 0, "N", "d of arima where it looks for its order (default: by a test)", 0, 2},
	{"seasonal-differences", 0, "N", "D of it", 0, 1},
	{"stepwise", 0, NULL, "arima looks for its order step by step, up to p = q = 5 and P = Q = 2", 0, 0},
	{"origins", 0, "N", "how many forecasts compare the models, the last from a horizon before the end (default: 24, or fewer)", 1,
		100000},
	{"every", 0, "N", "steps between origins (default: 1)", 1, 100000},
	{"refit", 0, "N", "fit models anew at every N-th origin (default: four times in all, once beyond 3000 values)", 1, 100000},
	{"seed", 0, CLI_COUNT, "of the paths that are drawn where intervals have no formula (default: 0)", 0, 0},
	{"out", 'o', "FILE", "a picture of the forecast (SVG)", 0, 0},
	OPTION_JSON("one JSON object: models with their scores, the best first, warnings, the forecast"),
	{0},
};

const cli_verb verb_forecast = {
	.name = "forecast",
	.line = "compare models of a series, and forecast it",
	.operands = "DATA.csv",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Reads a table with a row for each step in time, fits models of one of its columns (the last\n"
		 "value, that of a season ago, exponential smoothing, Theta, ARIMA, ridge regression) on the\n"
		 "past of several origins, compares what they said with what came, and forecasts with the\n"
		 "best of them. Everything about an origin is fitted on its past alone. docs/forecasts.md\n"
		 "says what the models are.\n",
	.options = options,
	.examples = "  engram forecast airline-passengers.csv --horizon 12 -o airline.svg\n"
		    "  engram forecast airline-passengers.csv --model 'arima(0,1,1)(0,1,1)12' --log\n"
		    "  engram forecast pollution.csv --target pm2.5 --period 24 --horizon 6 --json\n",
	.run = run,
};

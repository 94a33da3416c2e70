/* forecast.c - engram forecast: models of a series compared on rolling origins, and the best one's forecast. How it is
 * shown: forecast_show.c. */
#include "forecast.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char verb[] = "forecast";

double forecast_now(void) {
	struct timespec t;
	return timespec_get(&t, TIME_UTC) ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

bool forecast_refuse(forecast_job *j, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	vsnprintf(j->err.message, sizeof j->err.message, fmt, args);
	va_end(args);
	j->err.status = EG_ERR_ARG;
	return false;
}

/* ---- the period -------------------------------------------------------------------------------------------------- */

/* A season, or 10, as far as there are values for that. */
static int usual_horizon(int n, int period) {
	int usual = period > 1 && period <= 60 ? period : 10;
	while (usual > 1 && 4 * usual > n) usual /= 2;
	return usual;
}

/* The first origin's past at least, unless --origins says otherwise: half of the series, or four seasons of the
 * calendar, in which a season shows, where these are not nearly all of it and the horizon leaves them. */
static int least_past(const forecast_job *j, int horizon) {
	const int n = j->past.n, *tried = eg_time_table_periods(j->table);
	int least = n > 12 ? n / 2 : 3;
	for (int i = 0; tried[i] && !args_has(j->args, "period"); i++)
		if (4 * tried[i] > least && 5 * (int64_t)tried[i] <= n && 4 * tried[i] <= n - horizon) least = 4 * tried[i];
	return least;
}

static int first_origin(const forecast_job *j, int horizon, int *origins) {
	const int n = j->past.n, every = (int)args_number(j->args, "every", 1), most = (n - horizon - least_past(j, horizon)) / every + 1;
	*origins = (int)args_number(j->args, "origins", (uint64_t)(most < 1 ? 1 : most < 24 ? most : 24));
	return n - horizon - (*origins - 1) * every;
}

/* Given, or found: by what the calendar suggests, else by the autocorrelation alone; of what lies before the first
 * origin, or before where it would be with the longest of the usual horizons. */
static bool choose_period(forecast_job *j) {
	int given = (int)args_number(j->args, "period", 0), n = 0, ignored;
	j->strength = NAN;
	j->past.period = given;
	if (given) return true;
	const int *tried = eg_time_table_periods(j->table), horizon = (int)args_number(j->args, "horizon", (uint64_t)usual_horizon(j->past.n, 60));
	while (tried[n]) n++;
	j->seen_for_period = first_origin(j, j->horizon ? j->horizon : horizon, &ignored);
	if (j->seen_for_period < 1) j->seen_for_period = 1; /* there are too few, and choose_origins says so */
	return !eg_find_period(j->past.values, j->seen_for_period, n ? tried : NULL, n, &j->past.period, &j->strength, &j->err);
}

/* ---- origins ----------------------------------------------------------------------------------------------------- */

static bool choose_origins(forecast_job *j) {
	const int n = j->past.n, every = (int)args_number(j->args, "every", 1);
	const cli_args *a = j->args;
	if (!j->horizon) j->horizon = (int)args_number(a, "horizon", (uint64_t)usual_horizon(n, j->past.period));
	if (j->horizon >= n || n - j->horizon < least_past(j, j->horizon)) {
		const int longest = n - least_past(j, n);
		if (longest < 1)
			return forecast_refuse(j, "%s: %d value%s of '%s': models are compared by what they say of later values, which needs at least 4; give "
			                          "more rows", j->table->file, n, n == 1 ? "" : "s", j->target->name);
		return forecast_refuse(j, "%s: a horizon of %d steps, and %d values: half of them are to be the past of the first forecast; take a "
		                          "horizon of %d or less", j->table->file, j->horizon, n, longest);
	}
	const int first = first_origin(j, j->horizon, &j->origins);
	if (first < 3)
		return forecast_refuse(j, "%s: %d origins, %d apart, of %d steps need %d values before the first one's past, and there are %d in all; "
		                          "take fewer", j->table->file, j->origins, every, j->horizon, (j->origins - 1) * every + j->horizon, n);
	int refit = n > 3000 ? j->origins : j->origins > 4 ? j->origins / 4 : 1;
	j->trials = (eg_rolling_options){.horizon = j->horizon, .first = first, .every = every, .last = n - j->horizon,
		.refit = (int)args_number(a, "refit", (uint64_t)refit)};
	if (j->past.nknown == 0 || j->past.rows >= n + j->horizon) return true;
	return forecast_refuse(j, "%s: the known columns end %d steps behind the last value of '%s', and the horizon is %d; give their future as "
	                          "rows without a value, or take a shorter horizon", j->table->file, j->past.rows - n, j->target->name, j->horizon);
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

/* These stay as they are when the others see logarithms. */
bool forecast_is_simple(const char *name) {
	return !strcmp(name, "naive") || !strcmp(name, "seasonal-naive") || !strcmp(name, "drift") || !strcmp(name, "mean");
}

const eg_fitted *forecast_fitted(const forecast_model *m) {
	if (m->combination) return forecast_combination_fitted(m->combination);
	return m->network ? eg_network_forecaster_fitted(m->network) : eg_forecaster_fitted(m->fitted);
}

bool forecast_is_recipe(const char *model) {
	return !forecast_is_combination(model) && (cli_ends_with(model, ".yaml") || cli_ends_with(model, ".yml"));
}

/* The models of --recipe (all of them) and --model that are such ones. */
static void choose(forecast_job *j, bool all_recipes, bool (*is)(const char *asked)) {
	static const char *const options[] = {"recipe", "model"};
	for (int k = all_recipes ? 0 : 1; k < 2; k++) {
		int n;
		const char **all = args_all(j->args, options[k], &n);
		for (int i = 0; i < n && j->n < FORECAST_MODELS; i++)
			if (k == 0 || is(all[i])) j->models[j->n++].asked = all[i];
		free(all);
	}
}

/* Networks, and then models of several, stand before the classical ones. */
static void choose_networks(forecast_job *j) {
	choose(j, true, forecast_is_recipe);
	j->networks = j->n;
	choose(j, false, forecast_is_combination);
}

/* All the classical models, or those that are named; --model FILE.yaml names one, too. */
static void choose_models(forecast_job *j) {
	int models;
	const char **all = args_all(j->args, "model", &models);
	const eg_forecaster_info *info;
	const bool season = j->past.period > 1, named = models > 0;
	for (int i = 0; i < models && j->n < FORECAST_MODELS; i++)
		if (!forecast_is_recipe(all[i]) && !forecast_is_combination(all[i])) j->models[j->n++].asked = all[i];
	j->given = j->n;
	free(all);
	for (int i = 0; (info = eg_forecaster_at(i)) && j->n < FORECAST_MODELS; i++) {
		bool there = false;
		for (int k = 0; k < j->given; k++) there |= !strcmp(j->models[k].asked, info->name);
		if (there || (info->seasonal && !season)) continue;
		if (!named || !strcmp(info->name, season ? "seasonal-naive" : "naive")) j->models[j->n++].asked = info->name;
	}
}

typedef struct watcher {
	const forecast_job *j;
	int model;
} watcher;

static bool on_progress(void *user, double share) {
	const watcher *w = user;
	if (w->j->many) return true;
	char left[120], right[NUMBER];
	snprintf(left, sizeof left, "model %d/%d %.40s", w->model + 1, w->j->n, w->j->models[w->model].asked);
	bar_show(stderr, left, share, number_percent(right, share));
	return true;
}

/* A recipe as a model: trained on the past of the origins, then on all. */
static eg_status run_network(forecast_job *j, forecast_model *m, const eg_rolling_options *trials, eg_error *err) {
	const eg_network_forecaster_options o = {.target = j->target->name, .members = (int)args_number(j->args, "seeds", 1),
		.horizon = j->horizon};
	eg_status status = eg_network_forecaster_new(m->recipe, j->ctx, j->table, &o, &m->network, err);
	if (status) return status;
	const eg_rolled rolled = eg_network_forecaster_rolled(m->network);
	status = eg_rolling_run_with(&rolled, &j->past, trials, &m->trial, err);
	if (!status) status = eg_network_forecaster_fit(m->network, j->past.n, err);
	if (!status) status = eg_network_forecaster_say(m->network, j->past.n, m->outlook, err);
	m->sensitivity = status ? NULL : eg_value_new(EG_VALUE_MAP);
	if (m->sensitivity) status = eg_network_forecaster_sensitivity(m->network, m->sensitivity, err);
	return status;
}

static eg_status run_classical(forecast_job *j, forecast_model *m, eg_rolling_options *trials, eg_error *err) {
	eg_forecaster_options options = j->options;
	if (forecast_is_simple(m->asked)) options.power = EG_POWER_NONE;
	trials->model = &options;
	eg_status status = eg_rolling_run(m->asked, &j->past, trials, &m->trial, err);
	if (!status) status = eg_forecaster_fit(m->asked, &j->past, &options, &m->fitted, err);
	return status ? status : eg_forecast(m->fitted, &j->past, m->outlook, err);
}

static eg_status run_model(forecast_job *j, int i, eg_error *err) {
	forecast_model *m = &j->models[i];
	watcher w = {j, i};
	eg_rolling_options trials = j->trials;
	trials.progress = on_progress, trials.user = &w;
	on_progress(&w, 0);
	const double begin = forecast_now();
	m->outlook = eg_outlook_new(j->horizon);
	if (!m->outlook) return snprintf(err->message, sizeof err->message, "out of memory for a forecast"), EG_ERR_MEMORY;
	eg_status status = m->combination ? forecast_combination_run(j, m, &trials, err)
	                   : m->recipe    ? run_network(j, m, &trials, err)
	                                  : run_classical(j, m, &trials, err);
	m->seconds = forecast_now() - begin;
	if (!j->many) bar_clear(stderr);
	if (!status) eg_rolling_scores(m->trial, -1, &m->scores);
	return status;
}

static void free_model(forecast_model *m) {
	eg_rolling_free(m->trial);
	eg_forecaster_free(m->fitted);
	if (m->recipe) eg_network_forecaster_free(m->network);
	forecast_combination_free(m->combination);
	eg_value_free(m->sensitivity);
	eg_recipe_free(m->recipe);
	eg_outlook_free(m->outlook);
	*m = (forecast_model){0};
}

static void leave_out(forecast_job *j, forecast_model *m, const eg_error *err) {
	const size_t used = j->notes ? strlen(j->notes) : 0, more = strlen(m->asked) + strlen(err->message) + 40;
	char *notes = cli_alloc(used + more);
	if (used) memcpy(notes, j->notes, used);
	snprintf(notes + used, more, "note: %s is left out: %s\n", m->asked, err->message);
	free(j->notes);
	j->notes = notes;
	free_model(m);
}

/* Those that cannot be fitted are told and left out; one that was asked for is an error. */
static bool run_models(forecast_job *j) {
	int kept = 0;
	for (int i = 0; i < j->n; i++) {
		eg_error err;
		if (j->models[i].trial || run_model(j, i, &err) == EG_OK) {
			forecast_model m = j->models[i];
			if (i != kept) j->models[i] = (forecast_model){0};
			j->models[kept++] = m;
			continue;
		}
		if (i < j->given) {
			j->err = err;
			return false;
		}
		leave_out(j, &j->models[i], &err);
	}
	j->n = kept;
	return kept > 0 || forecast_refuse(j, "none of the models can be fitted to this series");
}

static int by_error(const void *a, const void *b) {
	double x = ((const forecast_model *)a)->scores.mae, y = ((const forecast_model *)b)->scores.mae;
	if (isnan(x) || isnan(y)) return isnan(x) - isnan(y); /* what has no error goes last */
	return (x > y) - (x < y);
}

/* The best one, and the best network, against the best of the naive ones. */
static void test_best(forecast_job *j) {
	double statistic;
	int simple = 0;
	j->p = j->network_p = NAN;
	j->network = -1;
	for (int i = j->n - 1; i >= 0; i--)
		if (j->models[i].network) j->network = i;
	while (simple < j->n && !forecast_is_simple(j->models[simple].asked)) simple++;
	if (simple == j->n) return;
	if (simple > 0 || j->network >= 0) snprintf(j->tested, sizeof j->tested, "%s", j->models[simple].asked);
	if (simple > 0) j->p = eg_diebold_mariano(j->models[0].trial, j->models[simple].trial, 0, &statistic);
	if (j->network >= 0)
		j->network_p = eg_diebold_mariano(j->models[j->network].trial, j->models[simple].trial, 0, &statistic);
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

eg_status forecast_load_recipe(const cli_args *a, const char *path, eg_recipe **r, eg_error *err) {
	int n;
	const char **set = args_all(a, "set", &n);
	const eg_status status = eg_recipe_load(path, set, r, err);
	free(set);
	return status;
}

/* The recipes that are named, before anything is fitted. Several series have them in common. */
static bool read_recipes(forecast_job *j) {
	const eg_context_options o = {.threads = j->many ? 1 : (int)args_number(j->args, "threads", 0)};
	eg_status status = EG_OK;
	choose_networks(j);
	for (int i = 0; i < j->n && !status; i++) {
		forecast_model *m = &j->models[i];
		if (i >= j->networks)
			status = forecast_combination_read(j->args, m->asked, &m->combination, &j->err);
		else if (!j->many)
			status = forecast_load_recipe(j->args, m->asked, &m->recipe, &j->err);
	}
	const bool runs = j->many ? j->n > j->networks : j->n > 0; /* those of all series are run elsewhere */
	if (!status && runs && !(j->ctx = eg_context_new(&o, &j->err))) status = EG_ERR_MEMORY;
	return status == EG_OK;
}

bool forecast_prepare(forecast_job *j) {
	if (!read_recipes(j) || !forecast_take(j) || !choose_period(j) || !choose_origins(j)) return false;
	choose_models(j);
	return true;
}

bool forecast_run(forecast_job *j) {
	if (!run_models(j)) return false;
	qsort(j->models, (size_t)j->n, sizeof *j->models, by_error);
	test_best(j);
	return true;
}

void forecast_free(forecast_job *j) {
	for (int i = 0; i < FORECAST_MODELS; i++) free_model(&j->models[i]);
	eg_context_free(j->ctx);
	forecast_leave(j);
	free(j->notes);
}

static int run_one(forecast_job *j, const eg_time_table *series) {
	const char *picture = args_text(j->args, "out");
	bool drawn = true;
	j->table = series;
	const bool ok = forecast_prepare(j) && forecast_run(j);
	for (char *at = j->notes; at && *at;) {
		char *end = strchr(at, '\n');
		fail(verb, "%.*s", (int)(end - at), at);
		at = end + 1;
	}
	if (!ok)
		fail_error(verb, &j->err);
	else if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		forecast_put(j, v);
		print_json(v);
		eg_value_free(v);
	} else
		forecast_show(j);
	if (ok && picture) drawn = forecast_draw(j, picture);
	return !ok ? CLI_FAILED : drawn ? CLI_OK : CLI_UNWRITTEN;
}

static int run(const cli_args *a) {
	forecast_job *j = cli_alloc(sizeof *j);
	const char *picture = args_text(a, "out");
	j->args = a;
	if (args_has(a, "follow")) return free(j), forecast_follow(a);
	if (!read_options(j)) return free(j), CLI_USAGE;
	int code = CLI_FAILED;
	eg_time_tables *tables = picture && !cli_can_write(a, picture) ? NULL : forecast_read(a, a->operands[0], NULL, &code);
	if (tables) code = args_has(a, "id") ? forecast_many(j, tables) : run_one(j, tables->at[0]);
	forecast_free(j);
	eg_time_tables_free(tables);
	free(j);
	return code;
}

static const cli_option options[] = {
	{"target", 0, "COLUMN", "the column to forecast (default: the only one of numbers)", 0, 0},
	OPTIONS_TIME,
	OPTION_GRID,
	{"id", 0, "COLUMN", "the table has several series, and this column says which one a row is of: each is forecast", 0, 0},
	{"horizon", 0, "N", "how many steps ahead (default: a season, or 10)", 1, 10000},
	{"period", 0, "N", "steps of a season; 1: there is none (default: found by the calendar and the autocorrelation)", 1, 10000},
	{"model", 0, "MODEL", "this model, beside the naive one, as in --model 'arima(0,1,1)(0,1,1)12', --model ets or, several together, "
	                      "--model 'combine(ets,theta,net.yaml)'; may be repeated (default: all)", 0, 0},
	{"recipe", 0, "FILE", "a network beside the classical models: a recipe of the task forecast; may be repeated (--model FILE.yaml, "
	                      "too, alone beside the naive one). With --id one network is trained for all series", 0, 0},
	{"seeds", 0, "N", "networks are trained with so many seeds, and say their mean (default: 1)", 1, 32},
	{"follow", 0, NULL, "in place of a table, a model of the task forecast: rows are read from standard input, the first naming the "
	                    "columns, and what comes behind each is printed at once", 0, 0},
	OPTION_SET,
	{"log", 0, NULL, "models see the logarithms of the values", 0, 0},
	{"box-cox", 0, "LAMBDA", "models see values transformed as by Box and Cox; auto: with the likeliest lambda", 0, 0},
	{"known", 0, "COLUMN", "a column that is known of the future too, for arima and ridge; rows without a value of the target are "
	                       "its future; may be repeated", 0, 0},
	{"with", 0, "COLUMNS", "columns with commas between them that are known up to now only, such as the weather: ridge and trees see "
	                       "their last values; all: every column of numbers or of few words", 0, 0},
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
	{"threads", 0, "N", "so many series at a time, with --id; else so many threads for a network (default: all processors). "
	                      "Results do not depend on it", 1, 1024},
	{"out", 'o', "FILE", "a picture of the forecast by its name: .svg, .png, or a page with the table that says what is under the pointer, .html", 0, 0},
	OPTION_JSON("one JSON object: models with their scores, the best first, warnings, the forecast"),
	{0},
};

const cli_verb verb_forecast = {
	.name = "forecast",
	.line = "compare models of a series, and forecast it",
	.operands = "DATA.csv|MODEL",
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
		    "  engram forecast sunspots.csv --recipe sunspots.yaml --horizon 1 --origins 100\n"
		    "  tail -f rows.csv | engram forecast sunspots.safetensors --follow\n"
		    "  engram forecast pollution.csv --target pm2.5 --period 24 --horizon 6 --json\n",
	.run = run,
};

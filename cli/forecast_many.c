/* forecast_many.c - engram forecast --id: several series of one file, each forecast by itself, some at a time, and by
 * networks that are for all of them; what they have in common. One series: forecast.c. */
#include "forecast.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char verb[] = "forecast";

typedef struct many {
	forecast_job *jobs;
	int n, next, done;
	pthread_mutex_t lock;
	eg_context *ctx;
	eg_recipe *recipes[FORECAST_MODELS];
	eg_network_forecaster *networks[FORECAST_MODELS]; /* one of each recipe, for all series */
} many;

/* ---- networks ---------------------------------------------------------------------------------------------------- */

/* The series that can be forecast, as the networks count them. */
typedef struct members {
	forecast_job **jobs;
	const eg_time_table **tables;
	int *cuts, n;
} members;

static void find_members(many *m, members *all) {
	all->jobs = cli_alloc(((size_t)m->n + 1) * sizeof *all->jobs);
	all->tables = cli_alloc(((size_t)m->n + 1) * sizeof *all->tables);
	all->cuts = cli_alloc(((size_t)m->n + 1) * sizeof *all->cuts);
	for (int i = 0; i < m->n; i++)
		if (!m->jobs[i].err.message[0]) all->jobs[all->n] = &m->jobs[i], all->tables[all->n++] = m->jobs[i].table;
}

/* Is step a of one series later than step b of another? Months go by how they are written; days that clocks make longer
 * or shorter are told apart by a tenth of a step. */
static bool is_later(const eg_time_table *t, int a, const eg_time_table *of, int b) {
	char one[32], other[32];
	if (!t->months && !of->months) return eg_time_table_time(t, a) > eg_time_table_time(of, b) + 0.1 * t->seconds;
	return strcmp(eg_time_table_when(t, a, one), eg_time_table_when(of, b, other)) > 0;
}

/* No series may tell of what comes after the origin of another: all of them are cut where the earliest first origin of
 * any is. Rows that are steps have no time in common, and are cut at the origin of their own. */
static void cut_before_origins(members *all) {
	int first = 0;
	for (int i = 0; i < all->n; i++) {
		all->cuts[i] = all->jobs[i]->trials.first;
		if (is_later(all->tables[first], all->cuts[first] - 1, all->tables[i], all->cuts[i] - 1)) first = i;
	}
	const int end = all->cuts[first] - 1;
	for (int i = 0; i < all->n && all->tables[first]->dated; i++)
		while (all->cuts[i] > 0 && is_later(all->tables[i], all->cuts[i] - 1, all->tables[first], end)) all->cuts[i]--;
}

/* A network as a model of one of the series: it is trained already. */
typedef struct one_of {
	eg_network_forecaster *network;
	int series;
} one_of;

static eg_status trained(void *user, const eg_past *past, eg_error *err) {
	(void)user, (void)past, (void)err;
	return EG_OK;
}
static eg_status say(void *user, const eg_past *past, eg_outlook *out, eg_error *err) {
	const one_of *o = user;
	return eg_network_forecaster_say_of(o->network, o->series, past->n, out, err);
}
static int parameters(void *user) { return eg_network_forecaster_fitted(((one_of *)user)->network)->parameters; }

/* Forecasts from the origins of a series, by a network that was trained before all of them. */
static eg_status compare(eg_network_forecaster *f, forecast_job *j, int series, forecast_model *to) {
	one_of user = {f, series};
	const eg_rolled rolled = {&user, eg_network_forecaster_fitted(f)->spec, trained, say, parameters};
	eg_rolling_options trials = j->trials;
	trials.refit = j->origins;
	eg_status status = eg_rolling_run_with(&rolled, &j->past, &trials, &to->trial, &j->err);
	if (!status) eg_rolling_scores(to->trial, -1, &to->scores);
	return status;
}

/* Recipe number k for all series: trained once to be compared, and once more on everything. */
static bool run_network(many *m, members *all, int k, eg_error *err) {
	const cli_args *a = all->jobs[0]->args;
	const double begin = forecast_now();
	const eg_network_forecaster_options o = {.target = all->jobs[0]->target->name, .members = (int)args_number(a, "seeds", 1),
		.horizon = all->jobs[0]->horizon};
	eg_status status = forecast_load_recipe(a, all->jobs[0]->models[k].asked, &m->recipes[k], err);
	if (!status) status = eg_network_forecaster_new_many(m->recipes[k], m->ctx, all->tables, all->n, &o, &m->networks[k], err);
	cut_before_origins(all);
	if (!status) status = eg_network_forecaster_fit_many(m->networks[k], all->cuts, err);
	const double seconds = forecast_now() - begin;
	for (int i = 0; i < all->n && !status; i++) {
		forecast_model *to = &all->jobs[i]->models[k];
		to->network = m->networks[k];
		if (!compare(m->networks[k], all->jobs[i], i, to)) to->trial->seconds_fit = to->seconds = seconds / all->n;
	}
	for (int i = 0; i < all->n; i++) all->cuts[i] = all->jobs[i]->past.n;
	if (!status) status = eg_network_forecaster_fit_many(m->networks[k], all->cuts, err);
	for (int i = 0; i < all->n && !status; i++) {
		forecast_job *j = all->jobs[i];
		forecast_model *to = &j->models[k];
		to->outlook = eg_outlook_new(j->horizon);
		if (!to->outlook) return snprintf(err->message, sizeof err->message, "out of memory for a forecast"), false;
		if (!j->err.message[0]) eg_network_forecaster_say_of(m->networks[k], i, j->past.n, to->outlook, &j->err);
	}
	return status == EG_OK;
}

/* Before the classical models, which are run side by side. */
static bool run_networks(many *m, const cli_args *a) {
	eg_error err = {0};
	members all = {0};
	const eg_context_options o = {.threads = (int)args_number(a, "threads", 0)};
	find_members(m, &all);
	const int n = all.n > 0 ? all.jobs[0]->networks : 0;
	bool ok = n == 0 || (m->ctx = eg_context_new(&o, &err)) != NULL;
	for (int k = 0; k < n && ok; k++) {
		bar_show(stderr, all.jobs[0]->models[k].asked, (double)k / n, "one network for all series");
		ok = run_network(m, &all, k, &err);
	}
	bar_clear(stderr);
	if (!ok) fail_error(verb, &err);
	free(all.jobs);
	free((void *)all.tables);
	free(all.cuts);
	return ok;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static void *work(void *user) {
	many *m = user;
	for (;;) {
		pthread_mutex_lock(&m->lock);
		const int i = m->next < m->n ? m->next++ : -1;
		pthread_mutex_unlock(&m->lock);
		if (i < 0) return NULL;
		if (!m->jobs[i].err.message[0]) forecast_run(&m->jobs[i]);
		pthread_mutex_lock(&m->lock);
		char right[2 * NUMBER], a[NUMBER], b[NUMBER];
		snprintf(right, sizeof right, "%s of %s", number_int(a, ++m->done), number_int(b, m->n));
		bar_show(stderr, "series", (double)m->done / m->n, right);
		pthread_mutex_unlock(&m->lock);
	}
}

static void run_all(many *m, const cli_args *a) {
	enum { THREADS = 64 };
	pthread_t threads[THREADS];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int n = (int)args_number(a, "threads", (uint64_t)(processors > 0 ? processors : 1)), started = 0;
	if (n > THREADS) n = THREADS;
	pthread_mutex_init(&m->lock, NULL);
	while (started < n - 1 && started < m->n - 1 && !pthread_create(&threads[started], NULL, work, m)) started++;
	work(m);
	for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&m->lock);
	bar_clear(stderr);
}

/* ---- over all ---------------------------------------------------------------------------------------------------- */

/* A model over all series that it could be fitted to: the means of its scores, which do not depend on the units. */
typedef struct overall {
	const char *name;
	const eg_network_forecaster *network; /* NULL: it is none */
	int n, best, scaled;
	double mase, smape, coverage80, coverage95, seconds;
} overall;

static int by_mase(const void *a, const void *b) {
	const overall *x = a, *y = b;
	/* one that cannot be fitted to all is no match for those that can */
	if (x->n != y->n) return x->n > y->n ? -1 : 1;
	if (isnan(x->mase) || isnan(y->mase)) return isnan(x->mase) - isnan(y->mase);
	return (x->mase > y->mase) - (x->mase < y->mase);
}

static int gather(const many *m, overall all[FORECAST_MODELS]) {
	int n = 0;
	for (int i = 0; i < m->n; i++)
		for (int k = 0; k < m->jobs[i].n && !m->jobs[i].err.message[0]; k++) {
			const forecast_model *model = &m->jobs[i].models[k];
			int at = 0;
			while (at < n && strcmp(all[at].name, model->asked) != 0) at++;
			if (at == FORECAST_MODELS) continue;
			if (at == n) all[n++] = (overall){.name = model->asked, .network = model->network};
			overall *o = &all[at];
			const eg_scores *s = &model->scores;
			o->n++, o->best += k == 0, o->seconds += model->seconds;
			if (!isnan(s->mase)) o->mase += s->mase, o->scaled++;
			o->smape += s->smape, o->coverage80 += s->coverage80, o->coverage95 += s->coverage95;
		}
	for (int i = 0; i < n; i++) {
		overall *o = &all[i];
		o->mase /= o->scaled, o->smape /= o->n, o->coverage80 /= o->n, o->coverage95 /= o->n, o->seconds /= o->n;
	}
	qsort(all, (size_t)n, sizeof *all, by_mase);
	return n;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void show_models(const overall *all, int n) {
	static const char *const heads[] = {"model", "MASE", "sMAPE", "in 80 %", "in 95 %", "best of", "fitted to", "fit s"};
	table *t = table_new("lrrrrrrr");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) table_cell(t, "%s", heads[i]);
	table_rule(t);
	for (int i = 0; i < n; i++) {
		char b[NUMBER];
		table_cell(t, "%s", all[i].name);
		table_cell(t, "%s", forecast_number(b, all[i].mase));
		table_cell(t, "%s", forecast_number(b, all[i].smape));
		table_cell(t, "%s", number_percent(b, all[i].coverage80));
		table_cell(t, "%s", number_percent(b, all[i].coverage95));
		table_cell(t, "%d", all[i].best);
		table_cell(t, "%d", all[i].n);
		table_cell(t, "%s", forecast_number(b, all[i].seconds));
	}
	table_print(t, stdout, 0);
	table_free(t);
}

/* What is in one for all. */
static void show_networks(const many *m) {
	for (int k = 0; k < FORECAST_MODELS && m->networks[k]; k++) {
		const eg_fitted *f = eg_network_forecaster_fitted(m->networks[k]);
		printf("%s for all series: %s\n", text_shown(f->spec), f->formula);
	}
}

static void show_series(const many *m) {
	enum { MOST = 60 };
	static const char *const heads[] = {"series", "values", "period", "best", "MASE", "sMAPE", "next", "80 % from", "to"};
	table *t = table_new("lrrlrrrrr");
	int shown = 0;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) table_cell(t, "%s", heads[i]);
	table_rule(t);
	for (int i = 0; i < m->n; i++) {
		const forecast_job *j = &m->jobs[i];
		char b[NUMBER];
		if (j->err.message[0] || shown++ >= MOST) continue;
		const forecast_model *best = &j->models[0];
		table_cell(t, "%s", j->table->id);
		table_cell(t, "%d", j->past.n);
		table_cell(t, "%d", j->past.period);
		table_cell(t, "%s", forecast_fitted(best)->spec);
		const double v[5] = {best->scores.mase, best->scores.smape, best->outlook->mean[0], best->outlook->quantiles[1][0],
			best->outlook->quantiles[3][0]};
		for (int k = 0; k < 5; k++) table_cell(t, "%s", forecast_number(b, v[k]));
	}
	table_print(t, stdout, 0);
	table_free(t);
	if (shown > MOST) printf("and %d more; --json has them all\n", shown - MOST);
}

static int count_failed(const many *m) {
	int n = 0;
	for (int i = 0; i < m->n; i++) n += m->jobs[i].err.message[0] != '\0';
	return n;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_json(const many *m, const overall *all, int n) {
	const forecast_job *first = &m->jobs[0];
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "series", first->table->file);
	eg_value_put_text(v, "id", args_text(first->args, "id"));
	eg_value_put_int(v, "n_series", m->n);
	eg_value *models = eg_value_put_list(v, "models"), *each = eg_value_put_list(v, "each"), *failed = eg_value_put_list(v, "failed");
	for (int i = 0; i < n; i++) {
		eg_value *one = eg_value_put_map(models, NULL);
		eg_value_put_text(one, "name", all[i].name);
		eg_value_put_number(one, "mase", all[i].mase);
		eg_value_put_number(one, "smape", all[i].smape);
		eg_value_put_number(one, "coverage80", all[i].coverage80);
		eg_value_put_number(one, "coverage95", all[i].coverage95);
		eg_value_put_int(one, "best_of", all[i].best);
		eg_value_put_int(one, "fitted_to", all[i].n);
		eg_value_put_number(one, "train_seconds", all[i].seconds);
		for (int k = 0; k < FORECAST_MODELS && m->networks[k]; k++)
			if (all[i].network == m->networks[k]) eg_value_put_text(one, "formula", eg_network_forecaster_fitted(m->networks[k])->formula);
	}
	for (int i = 0; i < m->n; i++) {
		const forecast_job *j = &m->jobs[i];
		const bool ok = !j->err.message[0];
		eg_value *one = eg_value_put_map(ok ? each : failed, NULL);
		if (ok) {
			forecast_put(j, one);
			continue;
		}
		eg_value_put_text(one, "series", j->table->id);
		eg_value_put_text(one, "text", j->err.message);
	}
	print_json(v);
	eg_value_free(v);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* The first series says what the usual horizon is, for all. */
static int usual_horizon(const cli_args *a, const eg_time_tables *tables) {
	if (args_has(a, "horizon")) return (int)args_number(a, "horizon", 0);
	const int *periods = eg_time_table_periods(tables->at[0]);
	int n = tables->at[0]->steps, usual = periods[0] && periods[0] <= 60 ? periods[0] : 10;
	for (int i = 0; i < tables->n; i++) n = tables->at[i]->steps < n ? tables->at[i]->steps : n;
	while (usual > 1 && 4 * usual > n) usual /= 2;
	return usual;
}

static void tell_failed(const many *m) {
	enum { MOST = 10 };
	int told = 0;
	for (int i = 0; i < m->n; i++)
		if (m->jobs[i].err.message[0] && told++ < MOST) fail(verb, "the series '%.60s': %s", m->jobs[i].table->id, m->jobs[i].err.message);
	if (told > MOST) fail(verb, "and %d more series that could not be forecast", told - MOST);
}

static void free_many(many *m) {
	for (int i = 0; i < m->n; i++) forecast_free(&m->jobs[i]);
	for (int k = 0; k < FORECAST_MODELS; k++) {
		eg_network_forecaster_free(m->networks[k]);
		eg_recipe_free(m->recipes[k]);
	}
	eg_context_free(m->ctx);
	free(m->jobs);
}

int forecast_many(const forecast_job *like, const eg_time_tables *tables) {
	many m = {.n = tables->n};
	overall all[FORECAST_MODELS];
	if (args_has(like->args, "out"))
		return fail_usage(verb, "-o draws one series, and --id is for several; leave one of the two out");
	m.jobs = cli_alloc((size_t)m.n * sizeof *m.jobs);
	for (int i = 0; i < m.n; i++) {
		m.jobs[i] = *like;
		m.jobs[i].table = tables->at[i], m.jobs[i].many = true, m.jobs[i].horizon = usual_horizon(like->args, tables);
	}
	for (int i = 0; i < m.n; i++) forecast_prepare(&m.jobs[i]);
	if (!run_networks(&m, like->args)) return free_many(&m), CLI_FAILED;
	run_all(&m, like->args);
	const int failed = count_failed(&m), n = gather(&m, all);
	tell_failed(&m);
	if (failed < m.n && args_has(like->args, "json"))
		put_json(&m, all, n);
	else if (failed < m.n) {
		printf("%s: %d series by the column %s, horizon %d\n\nmodels over all series, means of their scores\n",
		        text_shown(tables->at[0]->file), m.n, text_shown(args_text(like->args, "id")), m.jobs[0].horizon);
		show_models(all, n);
		show_networks(&m);
		printf("\n");
		show_series(&m);
	}
	free_many(&m);
	return failed ? CLI_FAILED : CLI_OK;
}

/* named.c - one floor, asked for by its name: for who has settings of his own, and beside a network. */
#include "floors/run.h"

#include <math.h>
#include <string.h>

static const eg_floor_type *find_type(const char *name, eg_error *err) {
	const char *names[64], *guess;
	int n = 0;
	for (const eg_floor_type *type; n < EG_COUNT(names) && (type = eg_floor_type_at(n)); n++) {
		names[n] = type->info.name;
		if (!strcmp(names[n], name)) return type;
	}
	guess = eg_did_you_mean(name, names, n);
	eg_fail(err, EG_ERR_ARG, "there is no floor '%.60s'; %s%s%s", name, guess ? "did you mean '" : "engram floor --list has them",
	        guess ? guess : "", guess ? "'?" : "");
	return NULL;
}

/* ---- settings from elsewhere ------------------------------------------------------------------------------------- */

struct eg_floor_trials {
	eg_floor_run run;
	eg_floors_options options;
	const eg_floor_type *type;
};

static bool has_range(const eg_floor_type *type) {
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++)
		if (type->settings[k].low < type->settings[k].high || type->settings[k].n > 1) return true;
	return false;
}

static eg_status open_trials(eg_floor_trials *t, const char *name, eg_error *err) {
	eg_floor_run *r = &t->run;
	t->type = find_type(name, err);
	if (!t->type) return EG_ERR_ARG;
	if (!has_range(t->type)) return eg_fail(err, EG_ERR_ARG, "the floor '%s' has nothing that could be set", name);
	r->own_ctx = eg_context_new(&(eg_context_options){.threads = 1}, err);
	if (!r->own_ctx) return EG_ERR_MEMORY;
	t->options = (eg_floors_options){.ctx = r->own_ctx, .use = EG_FLOORS_ANEW, .split = eg_part_name(EG_PART_VALIDATION)};
	eg_status status = eg_floor_run_open(r, err);
	if (!status) status = eg_floor_run_load(r, err);
	if (!status && !eg_floor_serves(r, t->type))
		status = eg_fail(err, EG_ERR_ARG, "the floor '%s' does not serve this recipe: engram floor shows which do", name);
	return status;
}

eg_status eg_floor_trials_open(eg_recipe *recipe, const char *name, eg_floor_trials **trials, eg_error *err) {
	eg_floor_trials *t = eg_calloc(NULL, 1, sizeof *t);
	*trials = NULL;
	if (!t) return eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
	t->run.recipe = recipe;
	t->run.options = &t->options;
	eg_status status = open_trials(t, name, err);
	if (status)
		eg_floor_trials_free(t);
	else
		*trials = t;
	return status;
}

void eg_floor_trials_free(eg_floor_trials *t) {
	if (!t) return;
	eg_floor_run_drop(&t->run);
	eg_task_free(t->run.task);
	eg_context_free(t->run.own_ctx);
	eg_floors_free(t->run.out);
	eg_release(NULL, t);
}

const eg_floor_type *eg_floor_trials_type(const eg_floor_trials *t) { return t->type; }
const eg_metric_info *eg_floor_trials_metric(const eg_floor_trials *t) { return &t->run.task->type->metrics[0]; }

eg_status eg_floor_trials_run(eg_floor_trials *t, const double *settings, double *value, eg_error *err) {
	double values[EG_METRICS_MOST];
	eg_value *chosen = eg_value_new(EG_VALUE_MAP);
	t->run.settings = settings;
	eg_status status = eg_floor_run_one(&t->run, t->type, values, chosen, err);
	*value = status ? (double)NAN : values[0];
	eg_value_free(chosen);
	return status;
}

/* ---- one beside a network ---------------------------------------------------------------------------------------- */

eg_status eg_floor_fit(const char *name, const eg_samples *s, eg_graph *g, eg_floor **floor, eg_error *err) {
	eg_floor_run r = {.recipe = s->task->recipe,
		.task = s->task,
		.ctx = eg_graph_context(g),
		.graph = g,
		.train = (eg_samples *)s,
		.part = EG_PART_VALIDATION};
	const eg_floor_type *type = find_type(name, err);
	const eg_floor_part all = {.samples = s,
	        .data = eg_samples_get(s, EG_PART_TRAIN),
	        .graph = g,
	        .count = eg_samples_count(s, EG_PART_TRAIN)};
	double settings[EG_FLOOR_SETTINGS] = {0};
	*floor = NULL;
	if (!type) return EG_ERR_ARG;
	if (!eg_floor_serves(&r, type)) return eg_fail(err, EG_ERR_ARG, "the floor '%s' does not serve this recipe", name);
	eg_status status = eg_floor_try(&r, type, &all, settings, err);
	eg_floor *f = status ? NULL : eg_floor_open(&r, type, settings, err);
	if (!status && !f) status = EG_ERR_MEMORY;
	if (!status) status = type->train(f, &all, err);
	if (f) f->progress = NULL, f->user = NULL;
	if (status)
		eg_floor_close(f);
	else
		*floor = f;
	return status;
}

/* forecast_combine.c - engram forecast --model 'combine(A,B)': models, recipes among them, that forecast together. What
 * they say together: src/series/combine.c. */
#include "forecast.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct forecast_combination {
	char *names[EG_COMBINED_MOST]; /* as they were written */
	eg_recipe *recipes[EG_COMBINED_MOST]; /* NULL: a model of the table */
	eg_network_forecaster *networks[EG_COMBINED_MOST];
	eg_rolled rolled[EG_COMBINED_MOST];
	eg_forecaster_options options, simple;
	int n;
	bool weighed;
	eg_combination *model;
};

static bool starts_with(const char *s, const char *begin) { return strncmp(s, begin, strlen(begin)) == 0; }

bool forecast_is_combination(const char *asked) { return starts_with(asked, "combine(") || starts_with(asked, "weigh("); }

const eg_fitted *forecast_combination_fitted(const forecast_combination *c) { return eg_combination_fitted(c->model); }

void forecast_combination_free(forecast_combination *c) {
	if (!c) return;
	eg_combination_free(c->model);
	for (int i = 0; i < c->n; i++) {
		eg_network_forecaster_free(c->networks[i]);
		eg_recipe_free(c->recipes[i]);
		free(c->names[i]);
	}
	free(c);
}

/* The next of the texts with commas between them, as parentheses allow, without blanks around it; NULL: there are no
 * more, or parentheses are left open. */
static char *next_name(const char **at) {
	int depth = 0;
	while (isspace((unsigned char)**at)) ++*at;
	const char *begin = *at, *end = begin;
	for (; *end && !(depth == 0 && (*end == ',' || *end == ')')); end++) depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
	if (!*end) return NULL;
	*at = end;
	while (end > begin && isspace((unsigned char)end[-1])) end--;
	char *name = cli_alloc((size_t)(end - begin) + 1);
	memcpy(name, begin, (size_t)(end - begin));
	return name;
}

static eg_status refuse(const char *asked, eg_error *err) {
	err->status = EG_ERR_ARG;
	snprintf(err->message, sizeof err->message,
	        "'%.100s': write combine(MODEL,MODEL,...), 2 to %d models or recipes, which weigh the same, or weigh(...), with weights of the "
	        "least error", asked, EG_COMBINED_MOST);
	return EG_ERR_ARG;
}

static eg_status read_names(const char *asked, forecast_combination *c, eg_error *err) {
	const char *at = strchr(asked, '(') + 1;
	c->weighed = starts_with(asked, "weigh(");
	for (char *name; (name = next_name(&at)); at++) {
		if (c->n == EG_COMBINED_MOST || !name[0] || forecast_is_combination(name)) {
			free(name);
			return refuse(asked, err);
		}
		c->names[c->n++] = name;
		if (*at == ')') return at[1] || c->n < 2 ? refuse(asked, err) : EG_OK;
	}
	return refuse(asked, err);
}

eg_status forecast_combination_read(const cli_args *a, const char *asked, forecast_combination **combination, eg_error *err) {
	forecast_combination *c = *combination = cli_alloc(sizeof *c);
	eg_status status = read_names(asked, c, err);
	for (int i = 0; i < c->n && !status; i++)
		if (forecast_is_recipe(c->names[i])) status = forecast_load_recipe(a, c->names[i], &c->recipes[i], err);
	return status;
}

eg_status forecast_combination_run(forecast_job *j, forecast_model *m, const eg_rolling_options *trials, eg_error *err) {
	forecast_combination *c = m->combination;
	eg_combined_model models[EG_COMBINED_MOST];
	eg_status status = EG_OK;
	c->options = c->simple = j->options;
	c->simple.power = EG_POWER_NONE;
	const eg_network_forecaster_options o = {.target = j->target->name, .members = (int)args_number(j->args, "seeds", 1),
		.horizon = j->horizon};
	for (int i = 0; i < c->n && !status; i++) {
		models[i] = (eg_combined_model){c->names[i], forecast_is_simple(c->names[i]) ? &c->simple : &c->options, NULL};
		if (!c->recipes[i]) continue;
		status = eg_network_forecaster_new(c->recipes[i], j->ctx, j->table, &o, &c->networks[i], err);
		if (status) return status;
		c->rolled[i] = eg_network_forecaster_rolled(c->networks[i]);
		models[i].other = &c->rolled[i];
	}
	status = eg_combination_new(models, c->n, c->weighed, j->horizon, &c->model, err);
	if (status) return status;
	const eg_rolled rolled = eg_combination_rolled(c->model);
	status = eg_rolling_run_with(&rolled, &j->past, trials, &m->trial, err);
	if (!status) status = rolled.fit(rolled.user, &j->past, err);
	return status ? status : rolled.say(rolled.user, &j->past, m->outlook, err);
}

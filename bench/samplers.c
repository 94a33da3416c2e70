/* samplers.c - how good samplers are, measured on a table: the journal of a search in which every trial was trained to
 * the end (engram tune RECIPE --sampler random --halving 0 --trials 400). Searches in the table cost nothing, so that a
 * hundred of them, each with another seed, tell a median.
 *
 * What a sampler proposes is mapped to the nearest trial of the table that this search has not used yet
 * (eg_space_distance: every key from 0 to 1 on its own scale, another choice is 1 away), and that trial's settings and
 * value are what the sampler is told. The same rule serves for samplers of others.
 *
 *   build/bench/samplers TABLE.jsonl [--runs 100] [--trials 40] [--halving 0] [--first-rung 1] [--lag 1]
 *
 * A line of JSON for random and for tpe: the median over runs of the best value after 1, 2, ... trials, and the mean
 * share of the epochs of whole trials that were trained. Halving decides by each trial's `values`. */
#include "base/base.h"
#include "engram_tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
	double *point, value, *values;
	int epochs;
} row;

typedef struct table {
	eg_value **lines;
	row *rows;
	int n, cap;
	eg_space *space;
	bool lower_is_better;
	char texts[EG_SPACE_KEYS * EG_SPACE_CHOICES][200];
	const char *choices[EG_SPACE_KEYS * EG_SPACE_CHOICES];
	int ntexts;
} table;

static int stop(const char *what, const char *why) {
	fprintf(stderr, "samplers: %s%s%s\n", what, why ? ": " : "", why ? why : "");
	exit(1);
}

static void check(eg_status status, const eg_error *err) {
	if (status) stop(err->message, NULL);
}

static void *room(size_t n, size_t size) {
	void *p = calloc(n + 1, size);
	if (!p) stop("out of memory", NULL);
	return p;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void read_key(table *t, const eg_value *v, eg_tuned *k) {
	const eg_value *range = eg_value_get(v, "range"), *choices = eg_value_get(v, "choices");
	*k = (eg_tuned){.path = eg_value_key(v), .now = (double)NAN};
	if (eg_value_get(v, "when")) stop("a space with conditions has no table", NULL);
	if (choices) {
		k->kind = EG_TUNED_CHOICE;
		k->choices = &t->choices[t->ntexts];
		for (const eg_value *c = eg_value_first(choices); c; c = eg_value_next(c)) {
			char *json;
			eg_error err;
			check(eg_value_json(c, &json, NULL, &err), &err);
			snprintf(t->texts[t->ntexts], sizeof *t->texts, "%s", json);
			free(json);
			t->choices[t->ntexts] = t->texts[t->ntexts];
			t->ntexts++;
			k->nchoices++;
		}
		return;
	}
	k->kind = eg_value_bool(eg_value_get(v, "integer"), false) ? EG_TUNED_INTEGER : EG_TUNED_NUMBER;
	k->log = eg_value_bool(eg_value_get(v, "log"), false);
	k->step = eg_value_number(eg_value_get(v, "step"), 0);
	k->low = eg_value_number(eg_value_at(range, 0), 0);
	k->high = eg_value_number(eg_value_at(range, 1), 0);
}

static void read_space(table *t, const eg_value *first) {
	const eg_value *search = eg_value_get(first, "search");
	eg_tuned keys[EG_SPACE_KEYS];
	eg_error err;
	int n = 0;
	if (!search) stop("the first line has no 'search': it is no journal of engram tune", NULL);
	for (const eg_value *v = eg_value_first(eg_value_get(search, "space")); v && n < EG_SPACE_KEYS; v = eg_value_next(v))
		read_key(t, v, &keys[n++]);
	check(eg_space_new(keys, n, &t->space, &err), &err);
	t->lower_is_better = eg_value_bool(eg_value_get(search, "lower_is_better"), true);
}

static void read_row(table *t, const char *line, size_t size) {
	eg_error err;
	if (!eg_grow(NULL, &t->rows, &t->cap, t->n, sizeof *t->rows)) stop("out of memory", NULL);
	eg_value *v;
	check(eg_value_parse(line, size, "table", &v, &err), &err);
	if (t->n == 0) read_space(t, v);
	row *r = &t->rows[t->n++];
	const eg_value *values = eg_value_get(v, "values");
	*r = (row){.point = room((size_t)eg_space_count(t->space), sizeof(double)),
	        .value = eg_value_number(eg_value_get(v, "value"), NAN),
	        .epochs = (int)eg_value_count(values)};
	r->values = room((size_t)r->epochs, sizeof(double));
	int i = 0;
	for (const eg_value *x = eg_value_first(values); x; x = eg_value_next(x)) r->values[i++] = eg_value_number(x, NAN);
	check(eg_space_point(t->space, eg_value_get(v, "settings"), r->point, &err), &err);
	eg_value_free(v);
}

static void read_table(table *t, const char *path) {
	char *data;
	size_t size;
	eg_error err;
	check(eg_file_read(NULL, path, 0, &data, &size, &err), &err);
	for (char *line = data, *end; (end = strchr(line, '\n')); line = end + 1) read_row(t, line, (size_t)(end - line));
	eg_release(NULL, data);
	if (t->n < 2) stop(path, "there are no trials in it");
}

/* ---- searches in it ---------------------------------------------------------------------------------------------- */

typedef struct setting {
	eg_sampler_kind kind;
	int runs, trials, eta, lag, first_rung;
} setting;

static bool better(const table *t, double a, double b) {
	if (isnan(a) || isnan(b)) return !isnan(a);
	return t->lower_is_better ? a < b : a > b;
}

static const row *nearest(const table *t, bool *used, const double *point) {
	int best = -1;
	double least = INFINITY;
	for (int i = 0; i < t->n; i++) {
		double d = used[i] ? INFINITY : eg_space_distance(t->space, t->rows[i].point, point);
		if (d < least) least = d, best = i;
	}
	if (best < 0) stop("the table has fewer trials than a search", NULL);
	used[best] = true;
	return &t->rows[best];
}

/* Where it would have stopped, as eg_trial_run does. */
static void run_trial(const table *t, const eg_trial *trial, const row *r, eg_outcome *o) {
	*o = (eg_outcome){.state = isnan(r->value) ? EG_TRIAL_FAILED : EG_TRIAL_DONE, .value = r->value, .budget = r->epochs,
	        .values = r->values, .point = r->point, .error = "failed in the table"};
	double best = NAN;
	for (int e = 1; e < r->epochs; e++) {
		if (better(t, r->values[e - 1], best)) best = r->values[e - 1];
		for (int k = 0; k < trial->nrungs; k++)
			if (trial->at[k] == e && better(t, trial->cut[k], best)) {
				o->state = EG_TRIAL_STOPPED, o->value = best, o->budget = e;
				return;
			}
	}
}

/* One search: the best value after each trial, and the epochs that it took. */
static double search(const table *t, const setting *s, int seed, double *best) {
	const int longest = t->rows[0].epochs;
	const eg_search_options options = {.trials = s->trials, .lag = s->lag, .eta = s->eta,
	        .first_rung = s->first_rung ? s->first_rung : (longest + 4) / 9 > 1 ? (longest + 4) / 9 : 1,
	        .sampler = {.kind = s->kind, .seed = (uint64_t)seed, .lower_is_better = t->lower_is_better}};
	eg_search *search;
	eg_error err;
	eg_search_has has;
	eg_trial trial;
	eg_outcome o;
	double epochs = 0, all = 0;
	bool *used = room((size_t)t->n, sizeof *used);
	check(eg_search_open(t->space, &options, &search, &err), &err);
	for (int i = 0; i < s->trials; i++) {
		check(eg_search_next(search, false, &has, &trial, &err), &err);
		if (has != EG_SEARCH_TRIAL) break;
		const row *r = nearest(t, used, trial.point);
		run_trial(t, &trial, r, &o);
		check(eg_search_tell(search, trial.number, &o, &err), &err);
		epochs += o.budget, all += r->epochs;
		eg_search_best(search, &best[i]);
	}
	eg_search_free(search);
	free(used);
	return all > 0 ? epochs / all : 1;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void measure(const table *t, const setting *s) {
	double *best = room((size_t)(s->runs * s->trials), sizeof *best), *column = room((size_t)s->runs, sizeof *column);
	double share = 0;
	for (int r = 0; r < s->runs; r++) share += search(t, s, r + 1, best + r * s->trials) / s->runs;
	printf("{\"sampler\": \"%s\", \"runs\": %d, \"trials\": %d, \"halving\": %d, \"lag\": %d, \"epochs_share\": %.4f, "
	       "\"median_best\": [",
	        s->kind == EG_SAMPLER_TPE ? "tpe" : "random", s->runs, s->trials, s->eta, s->lag, share);
	for (int i = 0; i < s->trials; i++) {
		for (int r = 0; r < s->runs; r++) column[r] = best[r * s->trials + i];
		qsort(column, (size_t)s->runs, sizeof *column, by_value);
		printf("%s%.9g", i ? ", " : "", 0.5 * (column[s->runs / 2] + column[(s->runs - 1) / 2]));
	}
	printf("]}\n");
	free(best);
	free(column);
}

int main(int argc, char **argv) {
	static table t;
	setting s = {.runs = 100, .trials = 40, .lag = 1};
	if (argc < 2) stop("usage: samplers TABLE.jsonl [--runs N] [--trials N] [--halving N] [--first-rung N] [--lag N]", NULL);
	for (int i = 2; i + 1 < argc; i += 2) {
		int *to = !strcmp(argv[i], "--runs")      ? &s.runs
		          : !strcmp(argv[i], "--trials")  ? &s.trials
		          : !strcmp(argv[i], "--halving") ? &s.eta
		          : !strcmp(argv[i], "--lag")     ? &s.lag
		          : !strcmp(argv[i], "--first-rung") ? &s.first_rung
		                                          : NULL;
		if (!to || (*to = (int)strtol(argv[i + 1], NULL, 10)) < 0) stop("no such option", argv[i]);
	}
	read_table(&t, argv[1]);
	for (int k = 0; k < 2; k++) {
		s.kind = k ? EG_SAMPLER_TPE : EG_SAMPLER_RANDOM;
		measure(&t, &s);
	}
	return 0;
}

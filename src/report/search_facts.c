/* search_facts.c - what the journal of a search says: its keys with their ranges, its trials from the best to the
 * worst, the best one, and how much each key matters.
 *
 * How much: trials are cut by a key into bins, of numbers as many trials in each; what of the variance of ranks lies
 * between the bins is what the key explains alone, less what chance would (Kelley 1935, epsilon squared). Ranks, since
 * one trial that diverged would outweigh all others. What two keys do only together is not seen, and a key that was
 * tried in one place only is worth nothing: it is said of these trials, not of the whole space. */
#include "report/search.h"
#include "report/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a search's page"); }

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static const char *choice_text(eg_shown_search *s, const eg_value *v) {
	char *json = NULL;
	if (eg_value_text(v)) return eg_arena_strdup(&s->arena, eg_value_text(v));
	if (eg_value_json(v, &json, NULL, NULL)) return NULL;
	const char *copy = eg_arena_strdup(&s->arena, json);
	free(json);
	return copy;
}

static int choice_of(const eg_shown_key *k, const char *text) {
	for (int i = 0; i < k->nchoices && text; i++)
		if (!strcmp(k->choices[i], text)) return i;
	return -1;
}

static void add_choice(eg_shown_search *s, eg_shown_key *k, const eg_value *v) {
	const char *text = choice_text(s, v);
	if (text && choice_of(k, text) < 0 && k->nchoices < EG_SHOWN_CHOICES) k->choices[k->nchoices++] = text;
}

static bool is_number(const eg_value *v) {
	return eg_value_kind_of(v) == EG_VALUE_INT || eg_value_kind_of(v) == EG_VALUE_NUMBER;
}

static eg_shown_key *key_of(eg_shown_search *s, const char *path) {
	if (!path) return NULL; /* of a list; read_trial refuses that */
	for (int i = 0; i < s->nkeys; i++)
		if (!strcmp(s->keys[i].path, path)) return &s->keys[i];
	if (s->nkeys == EG_SHOWN_KEYS) return NULL;
	s->keys[s->nkeys] = (eg_shown_key){.path = path, .low = INFINITY, .high = -INFINITY, .worth = NAN};
	return &s->keys[s->nkeys++];
}

/* As the first line of the journal describes them. */
static void keys_of_space(eg_shown_search *s, const eg_value *space) {
	for (const eg_value *v = eg_value_first(space); v; v = eg_value_next(v)) {
		eg_shown_key *k = key_of(s, eg_value_key(v));
		if (!k) return;
		const eg_value *choices = eg_value_get(v, "choices"), *range = eg_value_get(v, "range");
		k->choice = choices != NULL;
		k->log = eg_value_bool(eg_value_get(v, "log"), false);
		for (const eg_value *c = eg_value_first(choices); c; c = eg_value_next(c)) add_choice(s, k, c);
		if (!range) continue;
		k->low = eg_value_number(eg_value_at(range, 0), INFINITY);
		k->high = eg_value_number(eg_value_at(range, 1), -INFINITY);
	}
}

/* Without a description: numbers far apart most of which are small are logarithmic. */
static bool looks_log(const eg_value *journal, const eg_shown_key *k) {
	int64_t n = 0, small = 0;
	for (const eg_value *t = eg_value_first(journal); t; t = eg_value_next(t)) {
		const eg_value *v = eg_value_get(eg_value_get(t, "settings"), k->path);
		n += is_number(v), small += is_number(v) && eg_value_number(v, 0) < 0.3 * (k->low + k->high);
	}
	return k->low > 0 && k->high / k->low >= 8 && 2 * small > n;
}

/* And as they were tried. */
static void keys_of_trials(eg_shown_search *s, const eg_value *journal, bool described) {
	for (const eg_value *t = eg_value_first(journal); t; t = eg_value_next(t))
		for (const eg_value *v = eg_value_first(eg_value_get(t, "settings")); v; v = eg_value_next(v)) {
			eg_shown_key *k = key_of(s, eg_value_key(v));
			if (k && !is_number(v)) k->choice = true;
			if (!k || !is_number(v)) continue;
			k->low = fmin(k->low, eg_value_number(v, NAN));
			k->high = fmax(k->high, eg_value_number(v, NAN));
		}
	for (const eg_value *t = eg_value_first(journal); t; t = eg_value_next(t))
		for (const eg_value *v = eg_value_first(eg_value_get(t, "settings")); v; v = eg_value_next(v)) {
			eg_shown_key *k = key_of(s, eg_value_key(v));
			if (k && k->choice) add_choice(s, k, v);
		}
	for (int i = 0; i < s->nkeys; i++) {
		eg_shown_key *k = &s->keys[i];
		if (!described) k->log = !k->choice && looks_log(journal, k);
		if (!(k->low > 0)) k->log = false;
	}
}

/* Behind one of the points of the path, such that no other ends so. */
static void name_keys(eg_shown_search *s) {
	for (int i = 0; i < s->nkeys; i++) {
		const char *path = s->keys[i].path, *at = path + strlen(path);
		bool alone = false;
		while (!alone && at > path) {
			for (at--; at > path && at[-1] != '.';) at--;
			alone = true;
			for (int k = 0; k < s->nkeys && alone; k++) {
				const char *other = s->keys[k].path;
				size_t n = strlen(at), m = strlen(other);
				alone = k == i || m < n || strcmp(other + m - n, at) != 0;
			}
		}
		s->keys[i].label = at;
	}
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

static double position(const eg_shown_key *k, const eg_value *v) {
	if (!v) return NAN;
	if (!k->choice) return is_number(v) ? eg_value_number(v, NAN) : (double)NAN;
	const char *text = eg_value_text(v);
	char *json = NULL;
	if (!text && !eg_value_json(v, &json, NULL, NULL)) text = json;
	const int i = choice_of(k, text);
	free(json);
	return i < 0 ? (double)NAN : i;
}

static eg_status read_trial(eg_shown_search *s, const eg_value *v, eg_shown_trial *t, eg_error *err) {
	const char *state = eg_value_text(eg_value_get(v, "state"));
	double *at = eg_arena_alloc(&s->arena, ((size_t)s->nkeys + 1) * sizeof *at);
	if (!at) return no_memory(err);
	*t = (eg_shown_trial){.number = (int)eg_value_int(eg_value_get(v, "trial"), s->ntrials),
	        .of = (int)eg_value_int(eg_value_get(v, "of"), -1),
	        .value = eg_value_number(eg_value_get(v, "value"), NAN),
	        .budget = eg_value_number(eg_value_get(v, "budget"), 0),
	        .settings = eg_value_get(v, "settings"),
	        .at = at};
	if (!state || eg_value_kind_of(t->settings) != EG_VALUE_MAP)
		return eg_fail(err, EG_ERR_FORMAT, "trial %d of the journal has no state or no settings", t->number);
	t->state = !strcmp(state, "done") ? EG_SHOWN_DONE : !strcmp(state, "stopped") ? EG_SHOWN_STOPPED : EG_SHOWN_FAILED;
	if (!isfinite(t->value)) t->state = EG_SHOWN_FAILED;
	for (int i = 0; i < s->nkeys; i++)
		at[i] = position(&s->keys[i], eg_value_get(t->settings, s->keys[i].path));
	return EG_OK;
}

typedef struct ranked {
	const eg_shown_trial *t;
	double worse;
	int index;
} ranked;

/* By value, those that failed behind all. A trial that was stopped counts by what it had reached: it was stopped
 * because that was little, and one that was trained to the end though it was bad, for want of others, is no better for
 * it. */
static int by_merit(const void *a, const void *b) {
	const ranked *x = a, *y = b;
	const bool failed = x->t->state == EG_SHOWN_FAILED;
	if (failed != (y->t->state == EG_SHOWN_FAILED)) return failed ? 1 : -1;
	if (failed || x->worse == y->worse) return 0;
	return x->worse < y->worse ? -1 : 1;
}

static eg_status rank(eg_shown_search *s, eg_error *err) {
	ranked *r = eg_calloc(NULL, (size_t)s->ntrials + 1, sizeof *r);
	if (!r) return no_memory(err);
	for (int i = 0; i < s->ntrials; i++)
		r[i] = (ranked){&s->trials[i], s->lower ? s->trials[i].value : -s->trials[i].value, i};
	qsort(r, (size_t)s->ntrials, sizeof *r, by_merit);
	for (int i = 0, k; i < s->ntrials; i = k) { /* equal ones share their places */
		for (k = i + 1; k < s->ntrials && by_merit(&r[i], &r[k]) == 0;) k++;
		for (int j = i; j < k; j++)
			s->trials[r[j].index].merit = s->ntrials > 1 ? 1 - 0.5 * (i + k - 1) / (s->ntrials - 1) : 1;
	}
	eg_release(NULL, r);
	return EG_OK;
}

/* Of a trial that was repeated the mean over its seeds, and such ones go before all others; not where one of them has
 * failed. As eg_search_best, a trial that was stopped only where no other is there. */
static double final_value(const eg_shown_search *s, const eg_shown_trial *t, bool repeated) {
	double sum = t->value;
	int n = 1;
	for (int k = 0; k < s->ntrials; k++)
		if (s->trials[k].of == t->number)
			sum += s->trials[k].state == EG_SHOWN_FAILED ? (double)NAN : s->trials[k].value, n++;
	return t->state != EG_SHOWN_DONE || (repeated && n == 1) ? (double)NAN : sum / n;
}

static void find_best(eg_shown_search *s) {
	bool repeated = false;
	for (int i = 0; i < s->ntrials; i++) repeated |= s->trials[i].of >= 0;
	s->best = -1;
	for (int pass = 0; pass < 2 && s->best < 0; pass++)
		for (int i = 0; i < s->ntrials; i++) {
			const eg_shown_trial *t = &s->trials[i];
			if (t->state == EG_SHOWN_FAILED || t->of >= 0) continue;
			const double v = pass == 0 ? final_value(s, t, repeated) : t->value;
			if (isnan(v) || (s->best >= 0 && !(s->lower ? v < s->best_value : v > s->best_value))) continue;
			s->best = i, s->best_value = v;
		}
}

/* ---- what a key is worth ----------------------------------------------------------------------------------------- */

typedef struct pair {
	double x, y;
} pair;

static int by_x(const void *a, const void *b) {
	double x = ((const pair *)a)->x, y = ((const pair *)b)->x;
	return (x > y) - (x < y);
}

/* epsilon squared of y between bins of x, which is sorted; equal x are in one bin. */
static double explained(const pair *p, int n, int bins, bool choice) {
	double mean = 0, between = 0, all = 0;
	int used = 0;
	for (int i = 0; i < n; i++) mean += p[i].y / n;
	for (int i = 0; i < n; i++) all += (p[i].y - mean) * (p[i].y - mean);
	for (int i = 0, k; i < n; i = k) {
		const int end = choice ? i + 1 : (int)((int64_t)(used + 1) * n / bins);
		double sum = 0;
		for (k = i; k < n && (k < end || k == i || !(p[k].x > p[k - 1].x)); k++) sum += p[k].y;
		between += (sum / (k - i) - mean) * (sum / (k - i) - mean) * (k - i);
		used++;
		while (!choice && used < bins && (int64_t)(used + 1) * n / bins <= k) used++;
	}
	if (!(all > 0) || used >= n) return 0;
	const double chance = (used - 1) * (all - between) / (n - used);
	return fmin(1, fmax(0, (between - chance) / all));
}

static eg_status weigh_keys(eg_shown_search *s, eg_error *err) {
	enum { LEAST = 8, A_BIN = 8, MOST_BINS = 6 };
	pair *p = eg_calloc(NULL, (size_t)s->ntrials + 1, sizeof *p);
	if (!p) return no_memory(err);
	for (int i = 0; i < s->nkeys; i++) {
		int n = 0;
		for (int k = 0; k < s->ntrials; k++)
			if (s->trials[k].of < 0 && !isnan(s->trials[k].at[i])) p[n++] = (pair){s->trials[k].at[i], s->trials[k].merit};
		qsort(p, (size_t)n, sizeof *p, by_x);
		const int bins = n / A_BIN < 2 ? 2 : n / A_BIN > MOST_BINS ? MOST_BINS : n / A_BIN;
		s->keys[i].worth = n < LEAST ? (double)NAN : explained(p, n, bins, s->keys[i].choice);
	}
	eg_release(NULL, p);
	for (int i = 0; i < s->nkeys; i++) { /* few: put each in its place */
		int k = i;
		for (; k > 0 && s->keys[i].worth > fmax(0, s->keys[s->order[k - 1]].worth); k--) s->order[k] = s->order[k - 1];
		s->order[k] = i;
	}
	return EG_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

eg_status eg_shown_read(eg_shown_search *s, const eg_value *journal, eg_error *err) {
	*s = (eg_shown_search){.metric = "value", .best = -1, .best_value = NAN};
	const eg_value *about = eg_value_get(eg_value_first(journal), "search");
	const char *metric = eg_value_text(eg_value_get(about, "metric"));
	const int64_t n = eg_value_count(journal);
	if (metric) s->metric = metric;
	s->lower = eg_value_bool(eg_value_get(about, "lower_is_better"), true);
	if (n < 1 || n > 1000000) return eg_fail(err, EG_ERR_FORMAT, "the journal has %lld trials", (long long)n);
	const eg_value *space = eg_value_get(about, "space");
	if (space && eg_value_kind_of(space) != EG_VALUE_MAP)
		return eg_fail(err, EG_ERR_FORMAT, "the space in the journal's first line is no map of keys: it is no journal of a search");
	keys_of_space(s, space);
	keys_of_trials(s, journal, space != NULL);
	name_keys(s);
	s->trials = eg_arena_alloc(&s->arena, (size_t)n * sizeof *s->trials);
	if (!s->trials) return no_memory(err);
	eg_status status = EG_OK;
	for (const eg_value *v = eg_value_first(journal); v && !status; v = eg_value_next(v))
		status = read_trial(s, v, &s->trials[s->ntrials++], err);
	if (!status) status = rank(s, err);
	if (!status) find_best(s);
	return status ? status : weigh_keys(s, err);
}

void eg_shown_free(eg_shown_search *s) { eg_arena_free(&s->arena); }

const char *eg_shown_text(const eg_shown_key *k, double at, char buf[64]) {
	char number[32];
	if (isnan(at)) return "-";
	if (k->choice) return k->choices[(int)at];
	const double unit = at != 0 ? pow(10, floor(log10(fabs(at))) - 3) : 1;
	snprintf(buf, 64, "%s", eg_number(fabs(at) >= 1000 && at == floor(at) ? at : round(at / unit) * unit, number));
	return buf;
}

eg_status eg_journal_read(const char *path, eg_value **journal, eg_error *err) {
	char *text = NULL, name[300];
	size_t size = 0, line = 0;
	eg_status status = eg_file_read(NULL, path, (size_t)1 << 30, &text, &size, err);
	*journal = status ? NULL : eg_value_new(EG_VALUE_LIST);
	for (size_t at = 0; at < size && !status; line++) {
		const char *end = memchr(text + at, '\n', size - at);
		eg_value *v = NULL;
		if (!end) break; /* cut off: the search was killed while it wrote */
		const size_t n = (size_t)(end - text) - at;
		snprintf(name, sizeof name, "%.200s, line %zu", path, line + 1);
		status = eg_value_parse(text + at, n, name, &v, err);
		if (!status) eg_value_put_copy(*journal, NULL, v);
		eg_value_free(v);
		at += n + 1;
	}
	eg_release(NULL, text);
	if (!status && !eg_value_whole(*journal)) status = no_memory(err);
	if (status) eg_value_free(*journal), *journal = NULL;
	return status;
}

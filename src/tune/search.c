/* search.c - a search: which trial is next, what it gave, when a trial stops early, which one is the best; and all of
 * it as lines of a journal and back.
 *
 * What is proposed for trial k, and where it stops, follows from trials 0..k-lag and from nothing else. So trial k is
 * not handed out before these are told, and of two that end in another order than they began the lines are written in
 * order.
 *
 * Not here: points and samplers, the file (journal.c), running trials (trial.c). */
#include "io/value.h"
#include "tune/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS = 40, LAG = 4, FINALISTS = 3, GRID_MOST = 100000 };

typedef struct entry {
	eg_observed seen; /* its point is the entry's own */
	int of;           /* of a finalist; else -1 */
	uint64_t seed;
	bool told;
	double *values; /* of each epoch */
	int nvalues;
	char *error;
} entry;

struct eg_search {
	const eg_space *space;
	eg_search_options options;
	entry *entries;
	int n, cap;   /* handed out, or in the journal */
	int told;     /* known, without a gap */
	int written;  /* lines of the journal */
	int resumed;  /* that were in it */
	int closed;   /* >= 0: so many trials of the search itself, then finalists */
	int finalists[EG_SPACE_KEYS], nfinalists;
	eg_value *about; /* what must be the same */
	eg_journal journal;
	char *metric;
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a search"); }

static void forget(entry *e) {
	eg_release(NULL, (void *)(uintptr_t)e->seen.point);
	eg_release(NULL, e->values);
	eg_release(NULL, e->error);
}

static entry *add_entry(eg_search *s, eg_error *err) {
	if (eg_grow(NULL, &s->entries, &s->cap, s->n, sizeof *s->entries)) {
		entry *e = &s->entries[s->n];
		*e = (entry){.of = -1, .seen = {.value = (double)NAN}};
		e->seen.point = eg_calloc(NULL, (size_t)s->space->n + 1, sizeof(double));
		if (e->seen.point) {
			s->n++;
			return e;
		}
	}
	no_memory(err);
	return NULL;
}

static double *point_of(entry *e) { return (double *)(uintptr_t)e->seen.point; }

/* ---- better ------------------------------------------------------------------------------------------------------ */

static bool better(const eg_search *s, double a, double b) {
	if (isnan(a) || isnan(b)) return !isnan(a);
	return s->options.sampler.lower_is_better ? a < b : a > b;
}

static int search_trials(const eg_search *s) { return s->closed >= 0 ? s->closed : s->n; }

/* The mean over seeds; without finalists the value itself. NAN: not known, or a finalist failed. */
static double final_value(const eg_search *s, int number) {
	double sum = s->entries[number].seen.value;
	int n = 1;
	for (int i = search_trials(s); i < s->n; i++)
		if (s->entries[i].of == number) {
			sum += s->entries[i].told ? s->entries[i].seen.value : (double)NAN;
			n++;
		}
	return n == 1 && s->options.seeds > 1 && s->closed >= 0 && s->nfinalists > 0 ? (double)NAN : sum / n;
}

int eg_search_best(const eg_search *s, double *value) {
	int best = -1;
	double most = NAN;
	for (int pass = 0; pass < 2 && best < 0; pass++) /* one that was stopped only where no other is there */
		for (int i = 0; i < search_trials(s); i++) {
			const entry *e = &s->entries[i];
			double v = pass == 0 ? final_value(s, i) : e->seen.value;
			bool whole = e->seen.state == EG_TRIAL_DONE;
			if (!e->told || (pass == 0 && !whole) || e->seen.state == EG_TRIAL_FAILED || !better(s, v, most)) continue;
			most = v, best = i;
		}
	if (value) *value = most;
	return best;
}

/* ---- what a search is, for who goes on with it ------------------------------------------------------------------- */

static void put_key(const eg_space *s, const eg_space_key *k, eg_value *to) {
	eg_value *v = eg_value_put_map(to, k->tuned.path);
	if (k->tuned.kind == EG_TUNED_CHOICE) {
		eg_value_put_copy(v, "choices", k->values);
	} else {
		eg_value *range = eg_value_put_list(v, "range");
		eg_value_put_number(range, NULL, k->tuned.low);
		eg_value_put_number(range, NULL, k->tuned.high);
		if (k->tuned.log) eg_value_put_bool(v, "log", true);
		if (k->tuned.kind == EG_TUNED_INTEGER) eg_value_put_bool(v, "integer", true);
		if (k->tuned.step > 0) eg_value_put_number(v, "step", k->tuned.step);
	}
	eg_value *when = k->tuned.nwhen ? eg_value_put_map(v, "when") : NULL;
	for (int c = 0; c < k->tuned.nwhen; c++) {
		const eg_space_key *on = &s->keys[k->tuned.when[c].key];
		eg_value *list = eg_value_put_list(when, on->tuned.path);
		for (int i = 0; i < on->tuned.nchoices; i++)
			if (k->tuned.when[c].choices >> i & 1) eg_value_put_copy(list, NULL, eg_value_at(on->values, i));
	}
}

static eg_status describe(eg_search *s, eg_error *err) {
	const eg_search_options *o = &s->options;
	eg_value *v = s->about = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "metric", s->metric);
	eg_value_put_bool(v, "lower_is_better", o->sampler.lower_is_better);
	eg_value_put_text(v, "sampler", o->sampler.kind == EG_SAMPLER_TPE ? "tpe" : "random");
	eg_value_put_int(v, "seed", (int64_t)o->sampler.seed);
	eg_value_put_int(v, "lag", o->lag);
	if (o->eta > 1) eg_value_put_int(v, "eta", o->eta);
	if (o->eta > 1) eg_value_put_int(v, "first_rung", o->first_rung);
	eg_value_put_bool(v, "as_it_is", o->as_it_is);
	eg_value *space = eg_value_put_map(v, "space");
	for (int i = 0; i < s->space->n; i++) put_key(s->space, &s->space->keys[i], space);
	for (const eg_value *x = eg_value_first(o->same); x; x = eg_value_next(x))
		eg_value_put_copy(v, eg_value_key(x), x);
	if (s->space->recipe) eg_tree_to_value(s->space->recipe->root, v, "recipe");
	return eg_value_whole(v) ? EG_OK : no_memory(err);
}

static void shown(const eg_value *v, char *buf, size_t size) {
	char *text = NULL;
	if (!v || eg_value_json(v, &text, NULL, NULL))
		snprintf(buf, size, "nothing");
	else
		snprintf(buf, size, "%.120s%s", text, strlen(text) > 120 ? "..." : "");
	free(text);
}

static eg_status check_same(const eg_search *s, const eg_value *then, eg_error *err) {
	char place[240] = "", was[128], is[128];
	const eg_value *a, *b;
	if (!eg_value_difference(then, s->about, place, sizeof place, &a, &b)) return EG_OK;
	shown(a, was, sizeof was);
	shown(b, is, sizeof is);
	return eg_fail(err, EG_ERR_ARG,
	        "the journal %s is of another search: %s was %s then and is %s now. Bring it back, or give this search another "
	        "journal (or remove that one)",
	        s->journal.path, *place ? place : "its description", was, is);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static const char *const state_names[] = {"done", "stopped", "failed"};

/* The line of entry i, with its end. It holds no clock: a search that is gone on with writes the same bytes. */
static eg_status write_line(const eg_search *s, int i, char **text, size_t *size, eg_error *err) {
	const entry *e = &s->entries[i];
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "trial", i);
	eg_space_put(s->space, e->seen.point, eg_value_put_map(v, "settings"));
	eg_value_put_int(v, "budget", (int64_t)e->seen.budget);
	eg_value_put_number(v, "value", e->seen.value);
	eg_value_put_text(v, "state", state_names[e->seen.state]);
	if (e->error) eg_value_put_text(v, "error", e->error);
	if (e->of >= 0) eg_value_put_int(v, "of", e->of);
	if (e->of >= 0) eg_value_put_int(v, "seed", (int64_t)e->seed);
	eg_value *values = e->nvalues ? eg_value_put_list(v, "values") : NULL;
	for (int k = 0; k < e->nvalues; k++) eg_value_put_number(values, NULL, e->values[k]);
	if (i == 0) eg_value_put_copy(v, "search", s->about);
	char *json = NULL;
	eg_status status = eg_value_whole(v) ? eg_value_json_exact(v, &json, size, err) : no_memory(err);
	eg_value_free(v);
	*text = status ? NULL : realloc(json, *size + 2);
	if (!*text) {
		free(json);
		return status ? status : no_memory(err);
	}
	(*text)[(*size)++] = '\n';
	(*text)[*size] = '\0';
	return EG_OK;
}

static eg_status keep_values(entry *e, int n, eg_error *err) {
	e->values = eg_calloc(NULL, (size_t)n + 1, sizeof *e->values);
	e->nvalues = e->values ? n : 0;
	return e->values ? EG_OK : no_memory(err);
}

static eg_status keep_error(entry *e, const char *text, eg_error *err) {
	if (!text) return EG_OK;
	e->error = eg_alloc(NULL, strlen(text) + 1);
	if (!e->error) return no_memory(err);
	memcpy(e->error, text, strlen(text) + 1);
	return EG_OK;
}

static eg_status read_values(entry *e, const eg_value *v, eg_error *err) {
	const eg_value *list = eg_value_get(v, "values"), *state = eg_value_get(v, "state");
	const char *word = eg_value_text(state) ? eg_value_text(state) : "";
	int i = 0;
	while (i < EG_COUNT(state_names) && strcmp(state_names[i], word) != 0) i++;
	if (i == EG_COUNT(state_names)) return eg_fail(err, EG_ERR_FORMAT, "'%.40s' is no state of a trial", word);
	e->seen.state = (eg_trial_state)i;
	e->seen.value = eg_value_number(eg_value_get(v, "value"), NAN);
	e->seen.budget = eg_value_number(eg_value_get(v, "budget"), 0);
	e->of = (int)eg_value_int(eg_value_get(v, "of"), -1);
	e->seed = (uint64_t)eg_value_int(eg_value_get(v, "seed"), 0);
	e->told = true;
	eg_status status = keep_values(e, (int)eg_value_count(list), err);
	if (!status) status = keep_error(e, eg_value_text(eg_value_get(v, "error")), err);
	int k = 0;
	for (const eg_value *x = eg_value_first(list); x && !status; x = eg_value_next(x))
		e->values[k++] = eg_value_number(x, NAN);
	return status;
}

static eg_status read_trial(eg_search *s, const eg_value *v, int number, eg_error *err) {
	if (number == 0) {
		eg_status status = check_same(s, eg_value_get(v, "search"), err);
		if (status) return status;
	}
	if (eg_value_int(eg_value_get(v, "trial"), -1) != number)
		return eg_fail(err, EG_ERR_FORMAT, "trial %d is expected", number);
	entry *e = add_entry(s, err);
	if (!e) return EG_ERR_MEMORY;
	eg_status status = eg_space_point(s->space, eg_value_get(v, "settings"), point_of(e), err);
	if (!status) status = read_values(e, v, err);
	if (status) return status;
	if (e->of >= 0 && s->closed < 0) s->closed = number;
	if (e->of >= search_trials(s) || (e->of < 0) != (s->closed < 0))
		return eg_fail(err, EG_ERR_FORMAT, "trial %d repeats none that is there", number);
	s->told = s->written = s->resumed = s->n;
	return EG_OK;
}

static eg_status read_line(void *user, const char *text, size_t size, int number, eg_error *err) {
	eg_search *s = user;
	eg_value *v = NULL;
	eg_error why = {0};
	eg_status status = eg_value_parse(text, size, "journal", &v, &why);
	if (!status) status = read_trial(s, v, number, &why);
	eg_value_free(v);
	if (status == EG_ERR_FORMAT)
		return eg_fail(err, status, "%s:%d: %.400s. It is no journal of this search: give another name", s->journal.path,
		        number + 1, why.message);
	if (status && err) *err = why;
	return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static void fill_defaults(eg_search_options *o) {
	if (o->trials <= 0) o->trials = TRIALS;
	if (o->lag <= 0) o->lag = LAG;
	if (o->first_rung <= 0) o->first_rung = 1;
	if (o->finalists <= 0) o->finalists = FINALISTS;
	if (o->finalists > EG_SPACE_KEYS) o->finalists = EG_SPACE_KEYS;
	if (!o->metric) o->metric = "loss";
}

eg_status eg_search_open(const eg_space *space, const eg_search_options *options, eg_search **search, eg_error *err) {
	*search = NULL;
	eg_search *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return no_memory(err);
	s->space = space;
	s->options = *options;
	s->closed = -1;
	fill_defaults(&s->options);
	s->metric = eg_alloc(NULL, strlen(s->options.metric) + 1);
	if (s->metric) memcpy(s->metric, s->options.metric, strlen(s->options.metric) + 1);
	eg_status status = s->metric ? describe(s, err) : no_memory(err);
	s->options.same = NULL, s->options.metric = s->metric;
	if (!status && options->journal) status = eg_journal_open(&s->journal, options->journal, read_line, s, err);
	if (status)
		eg_search_free(s);
	else
		*search = s;
	return status;
}

void eg_search_free(eg_search *s) {
	if (!s) return;
	for (int i = 0; i < s->n; i++) forget(&s->entries[i]);
	eg_release(NULL, s->entries);
	eg_value_free(s->about);
	eg_journal_close(&s->journal);
	eg_release(NULL, s->metric);
	eg_release(NULL, s);
}

void eg_search_leave(eg_search *s) {
	eg_release(NULL, s->journal.path);
	s->journal.path = NULL; /* the file stays, whatever is in it */
	eg_journal_close(&s->journal);
}

/* ---- points that nobody has tried -------------------------------------------------------------------------------- */

static bool same_point(const eg_space *s, const double *a, const double *b) {
	for (int i = 0; i < s->n; i++)
		if (isnan(a[i]) != isnan(b[i]) || (!isnan(a[i]) && a[i] != b[i])) return false;
	return true;
}

static bool is_tried(const eg_search *s, const double *point) {
	for (int i = 0; i < search_trials(s); i++)
		if (same_point(s->space, s->entries[i].seen.point, point)) return true;
	return false;
}

/* How many values a key has; 0: any number. */
static double values_of(const eg_tuned *k) {
	if (k->kind == EG_TUNED_CHOICE) return k->nchoices;
	double step = k->step > 0 ? k->step : k->kind == EG_TUNED_INTEGER ? 1 : 0;
	return step > 0 ? floor((k->high - k->low) / step + 1e-9) + 1 : 0;
}

/* Of a space of few points the nearest that was not tried; false: there is none. */
static bool nearest_left(const eg_search *s, double *point) {
	const eg_space *space = s->space;
	double count = 1, best[EG_SPACE_KEYS], least = INFINITY;
	for (int i = 0; i < space->n; i++) count *= values_of(&space->keys[i].tuned);
	if (count == 0 || count > GRID_MOST) return true; /* as good as endless */
	for (int64_t c = 0; c < (int64_t)count; c++) {
		double x[EG_SPACE_KEYS];
		int64_t rest = c;
		for (int o = 0; o < space->n; o++) {
			int i = space->order[o];
			const eg_tuned *k = &space->keys[i].tuned;
			int64_t values = (int64_t)values_of(k), v = rest % values;
			rest /= values;
			double step = k->step > 0 ? k->step : 1;
			/* as a sampler writes it: 0.1 + 2 * 0.1 is 0.3 */
			x[i] = k->kind == EG_TUNED_CHOICE
			           ? (double)v
			           : eg_space_from_unit(k, eg_space_to_unit(k, k->low + step * (double)v));
			if (!eg_space_tries(space, i, x)) x[i] = NAN;
		}
		double d = eg_space_distance(space, x, point);
		if (d >= least || is_tried(s, x)) continue;
		least = d;
		memcpy(best, x, sizeof best);
	}
	if (least < INFINITY) memcpy(point, best, (size_t)space->n * sizeof *point);
	return least < INFINITY;
}

/* ---- the next trial ---------------------------------------------------------------------------------------------- */

static bool goes_by_results(const eg_search *s) {
	return s->options.sampler.kind != EG_SAMPLER_RANDOM || s->options.eta > 1;
}

/* How many trials trial k may know. */
static int known_to(const eg_search *s, int k) { return k >= s->options.lag ? k - s->options.lag + 1 : 0; }

static bool as_it_is(const eg_space *s, double *point) {
	for (int o = 0; o < s->n; o++) {
		int i = s->order[o];
		point[i] = eg_space_tries(s, i, point) ? s->keys[i].tuned.now : (double)NAN;
		if (eg_space_tries(s, i, point) && isnan(point[i])) return false;
	}
	return true;
}

/* *left false: the whole space has been tried. */
static eg_status propose(const eg_search *s, int k, double *point, bool *left, eg_error *err) {
	int n = known_to(s, k);
	*left = true;
	if (k == 0 && s->options.as_it_is && as_it_is(s->space, point)) return EG_OK;
	eg_observed *seen = eg_calloc(NULL, (size_t)n + 1, sizeof *seen);
	if (!seen) return no_memory(err);
	for (int i = 0; i < n; i++) seen[i] = s->entries[i].seen;
	eg_status status = eg_sampler_propose(&s->options.sampler, s->space, k, seen, n, point, err);
	if (!status && is_tried(s, point)) *left = nearest_left(s, point);
	eg_release(NULL, seen);
	return status;
}

/* The best of the first `n` epochs. */
static double best_of(const eg_search *s, const double *values, int n) {
	double best = NAN;
	for (int i = 0; i < n; i++)
		if (better(s, values[i], best)) best = values[i];
	return best;
}

/* The value that trial k must not be worse than after `epochs`: the last one among those that go on; NAN: there is none
 * to compare it with. */
static double cut_at(const eg_search *s, int k, int epochs) {
	double top[EG_SPACE_KEYS + 1] = {0};
	int n = 0, kept = 0;
	for (int i = 0; i < known_to(s, k); i++) n += s->entries[i].nvalues >= epochs;
	int keep = (n + 1) / s->options.eta;
	if (keep < 1) keep = 1;
	double *best = keep <= EG_SPACE_KEYS ? top : eg_calloc(NULL, (size_t)keep + 1, sizeof *best);
	if (n < keep || !best) return NAN;
	for (int i = 0; i < known_to(s, k); i++) {
		const entry *e = &s->entries[i];
		if (e->nvalues < epochs) continue;
		int at = kept < keep ? kept++ : keep;
		best[at] = best_of(s, e->values, epochs);
		for (; at > 0 && better(s, best[at], best[at - 1]); at--) {
			double swap = best[at];
			best[at] = best[at - 1], best[at - 1] = swap;
		}
	}
	double cut = best[keep - 1];
	if (best != top) eg_release(NULL, best);
	return cut;
}

static void set_rungs(const eg_search *s, int k, eg_trial *t) {
	double epochs = s->options.first_rung;
	for (; s->options.eta > 1 && t->nrungs < EG_SEARCH_RUNGS && epochs < 1e6; epochs *= s->options.eta) {
		double cut = cut_at(s, k, (int)epochs);
		if (isnan(cut)) continue;
		t->at[t->nrungs] = (int)epochs;
		t->cut[t->nrungs++] = cut;
	}
}

/* ---- finalists --------------------------------------------------------------------------------------------------- */

/* Those with the best values, the best first. */
static void choose_finalists(eg_search *s) {
	s->nfinalists = 0;
	while (s->nfinalists < s->options.finalists) {
		int best = -1;
		for (int i = 0; i < s->closed; i++) {
			bool taken = s->entries[i].seen.state != EG_TRIAL_DONE;
			for (int k = 0; k < s->nfinalists; k++) taken |= s->finalists[k] == i;
			if (!taken && (best < 0 || better(s, s->entries[i].seen.value, s->entries[best].seen.value))) best = i;
		}
		if (best < 0) return;
		s->finalists[s->nfinalists++] = best;
	}
}

static eg_status next_finalist(eg_search *s, eg_search_has *has, eg_trial *trial, eg_error *err) {
	*has = EG_SEARCH_WAITS;
	if (s->told < s->closed) return EG_OK;
	if (s->nfinalists == 0 && s->options.seeds > 1) choose_finalists(s);
	int i = s->n - s->closed, all = s->nfinalists * (s->options.seeds - 1);
	for (int k = 0; k < i && k < all; k++)
		if (s->entries[s->closed + k].of != s->finalists[k % s->nfinalists])
			return eg_fail(err, EG_ERR_ARG, "the journal %s has other finalists, of another number of them", s->journal.path);
	if (s->options.seeds < 2 || i >= all) {
		*has = s->told == s->n ? EG_SEARCH_OVER : EG_SEARCH_WAITS;
		return EG_OK;
	}
	entry *e = add_entry(s, err);
	if (!e) return EG_ERR_MEMORY;
	e->of = s->finalists[i % s->nfinalists];
	e->seed = (uint64_t)(i / s->nfinalists) + 1;
	memcpy(point_of(e), s->entries[e->of].seen.point, (size_t)s->space->n * sizeof(double));
	*has = EG_SEARCH_TRIAL;
	*trial = (eg_trial){.number = s->n - 1, .of = e->of, .seed = e->seed, .point = e->seen.point};
	return EG_OK;
}

/* ---- whichever it is ----------------------------------------------------------------------------------------- */

static eg_status next_trial(eg_search *s, eg_search_has *has, eg_trial *trial, eg_error *err) {
	int k = s->n;
	bool left;
	if (goes_by_results(s) && s->told < known_to(s, k)) {
		*has = EG_SEARCH_WAITS;
		return EG_OK;
	}
	entry *e = add_entry(s, err);
	if (!e) return EG_ERR_MEMORY;
	s->n--; /* it is not among those tried */
	eg_status status = propose(s, k, point_of(e), &left, err);
	if (status || !left) {
		forget(e);
		if (!status) s->closed = k;
		return status ? status : next_finalist(s, has, trial, err);
	}
	s->n++;
	*has = EG_SEARCH_TRIAL;
	*trial = (eg_trial){.number = k, .of = -1, .point = e->seen.point};
	set_rungs(s, k, trial);
	return EG_OK;
}

eg_status eg_search_next(eg_search *s, bool last, eg_search_has *has, eg_trial *trial, eg_error *err) {
	if (s->closed < 0 && (last || s->n >= s->options.trials)) {
		if (s->options.seeds > 1)
			s->closed = s->n;
		else {
			*has = s->told == s->n ? EG_SEARCH_OVER : EG_SEARCH_WAITS;
			return EG_OK;
		}
	}
	return s->closed < 0 ? next_trial(s, has, trial, err) : next_finalist(s, has, trial, err);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static eg_status write_known(eg_search *s, eg_error *err) {
	while (s->written < s->told) {
		char *line = NULL;
		size_t size = 0;
		eg_status status = write_line(s, s->written, &line, &size, err);
		if (!status) status = eg_journal_add(&s->journal, line, size, err);
		free(line);
		if (status) return status;
		s->written++;
	}
	return EG_OK;
}

eg_status eg_search_tell(eg_search *s, int number, const eg_outcome *o, eg_error *err) {
	if (number < 0 || number >= s->n) return eg_fail(err, EG_ERR_ARG, "there is no trial %d", number);
	entry *e = &s->entries[number];
	if (!e->told) {
		int n = o->values && o->budget > 0 ? o->budget : 0;
		eg_status status = keep_values(e, n, err);
		if (!status) status = keep_error(e, o->state == EG_TRIAL_FAILED ? o->error : NULL, err);
		if (status) return status;
		for (int i = 0; i < n; i++) e->values[i] = o->values[i];
		if (o->point) memcpy(point_of(e), o->point, (size_t)s->space->n * sizeof(double));
		e->seen.state = o->state;
		e->seen.value = o->state == EG_TRIAL_FAILED ? (double)NAN : o->value;
		e->seen.budget = o->budget;
		e->told = true;
	}
	while (s->told < s->n && s->entries[s->told].told) s->told++;
	return write_known(s, err);
}

int eg_search_told(const eg_search *s) { return s->told; }
int eg_search_resumed(const eg_search *s) { return s->resumed; }
const eg_space *eg_search_space(const eg_search *s) { return s->space; }

const eg_observed *eg_search_at(const eg_search *s, int number, int *of, const char **error) {
	if (number < 0 || number >= s->n || !s->entries[number].told) return NULL;
	if (of) *of = s->entries[number].of;
	if (error) *error = s->entries[number].error;
	return &s->entries[number].seen;
}

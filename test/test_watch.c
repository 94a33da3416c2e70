/* Fault warning: a known fault is found at its place and blamed on its column, normal noise raises about as many alarms
 * as stated, a row's score knows no later row, also where a network forecasts or rebuilds it, and faults are put in as
 * the rule says. */
#include "base/base.h"
#include "engram_task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 6000, LEARNED = 3000, DAY = 24 };

static eg_error err;
#define OK(call) do { if (call) fail_msg("%s", err.message); } while (0)

static double a[N], b[N], copy[N];
static const double *const columns[2] = {a, b}, *const changed[2] = {copy, b};

/* Two columns with a day's season; b leads a. */
static void make(uint64_t seed) {
	const eg_rng rng = {.seed = seed, .stream = 1};
	double noise = 0, other = 0;
	for (int t = 0; t < N; t++) {
		other = 0.8 * other + eg_rng_normal(rng, (uint64_t)(2 * t));
		noise = 0.6 * noise + eg_rng_normal(rng, (uint64_t)(2 * t + 1));
		b[t] = 10 + other;
		a[t] = 20 + 3 * sin(6.283185307179586 * t / DAY) + 0.5 * other + noise;
	}
	memcpy(copy, a, sizeof copy);
}

static eg_watch *learn(int watched, double per_1000) {
	eg_watch_options o = EG_WATCH_OPTIONS;
	eg_watch *w;
	o.watched = watched, o.period = DAY, o.per_1000 = per_1000;
	OK(eg_watch_learn(columns, 2, LEARNED, &o, &w, &err));
	return w;
}

/* Scores of the rows from LEARNED to `until`; the number of events, the first of them. */
static int go(const eg_watch *w, const double *const *of, int until, double *scores, eg_watch_event *first, double shares[2]) {
	eg_watch_run *r = eg_watch_begin(w);
	int events = 0;
	assert_non_null(r);
	for (int t = LEARNED; t < until; t++) {
		const double row[2] = {of[0][t], of[1][t]};
		eg_watch_now now;
		eg_watch_step(r, row, &now);
		if (scores) scores[t] = now.score;
		if (now.begins) events++;
		if (now.ends && events == 1) *first = now.event, memcpy(shares, now.event.shares, 2 * sizeof *shares);
	}
	eg_watch_event open;
	if (eg_watch_finish(r, &open) && events == 1) *first = open, memcpy(shares, open.shares, 2 * sizeof *shares);
	eg_watch_end(r);
	return events;
}

static void normal_rows(void **state) {
	(void)state;
	int events = 0, rounds = 6;
	for (int seed = 0; seed < rounds; seed++) {
		make((uint64_t)seed);
		eg_watch *w = learn(1, 2);
		eg_watch_event e;
		double shares[2];
		events += go(w, columns, N, NULL, &e, shares);
		eg_watch_free(w);
	}
	/* 36 are stated; events of several signs may be one */
	if (events < 6 || events > 54) fail_msg("%d false alarms in %d rows, 2 in 1,000 are stated", events, rounds * (N - LEARNED));
}

static void stuck(void **state) {
	(void)state;
	enum { AT = 4000 };
	make(1);
	eg_watch *w = learn(2, 0.1);
	eg_watch_event e = {0};
	double shares[2];
	for (int t = AT; t < AT + 24; t++) copy[t] = a[AT - 1];
	assert_int_equal(go(w, columns, N, NULL, &e, shares), 0);
	assert_int_equal(go(w, changed, N, NULL, &e, shares), 1);
	assert_true(e.start >= AT && e.start < AT + 6);
	assert_true(e.end >= AT + 23 && e.end < AT + 24 + 144); /* the longest window still sees it */
	assert_int_equal(e.sign, EG_SIGN_STUCK);
	assert_int_equal(e.column, 0);
	assert_true(shares[0] > 0.8 && fabs(shares[0] + shares[1] - 1) < 1e-12);
	eg_watch_free(w);
}

/* Of rows that are the same up to a place, scores up to there are the same, to the last bit. */
static void no_future(void **state) {
	(void)state;
	enum { AT = 4500 };
	double *scores = calloc(2 * N, sizeof *scores), shares[2];
	eg_watch_event e;
	make(2);
	eg_watch *w = learn(2, 1);
	for (int t = AT; t < N; t++) copy[t] = t % 3 ? NAN : 1e6;
	go(w, columns, N, scores, &e, shares);
	go(w, changed, N, scores + N, &e, shares);
	assert_memory_equal(scores + LEARNED, scores + N + LEARNED, (AT - LEARNED) * sizeof *scores);
	assert_true(scores[N + AT + 2] > 1);
	/* and rows that do not come change nothing */
	go(w, columns, AT, scores + N, &e, shares);
	assert_memory_equal(scores + LEARNED, scores + N + LEARNED, (AT - LEARNED) * sizeof *scores);
	eg_watch_free(w);
	free(scores);
}

static double variance(const double *y, int n) {
	double sum = 0, squares = 0;
	for (int i = 0; i < n; i++) sum += y[i];
	for (int i = 0; i < n; i++) squares += (y[i] - sum / n) * (y[i] - sum / n);
	return squares / n;
}

static void rule(void **state) {
	(void)state;
	enum { AT = 4000 };
	eg_fault_rule r;
	make(3);
	OK(eg_fault_rule_of(a, LEARNED, DAY, &r, &err));
	assert_true(fabs(r.deviation - sqrt(variance(a, LEARNED))) < 1e-9);
	for (int p = 0; p < DAY; p++) assert_true(fabs(r.season[p] - 3 * sin(6.283185307179586 * p / DAY)) < 0.3);
	static const int lengths[EG_FAULTS] = {200, 24, 1, 200, 3 * DAY};
	for (int kind = 0; kind < EG_FAULTS; kind++) {
		memcpy(copy, a, sizeof copy);
		copy[AT] = kind == EG_FAULT_SPIKE ? a[AT] : NAN;
		eg_fault_put(&r, (eg_fault)kind, copy, AT, false);
		assert_int_equal(eg_fault_length(&r, (eg_fault)kind), lengths[kind]);
		assert_int_equal(isnan(copy[AT]), kind != EG_FAULT_SPIKE);
		assert_memory_equal(copy, a, AT * sizeof *a);
		assert_memory_equal(copy + AT + lengths[kind], a + AT + lengths[kind], (size_t)(N - AT - lengths[kind]) * sizeof *a);
		const int last = AT + lengths[kind] - 1;
		const double moved = copy[last] - a[last];
		if (kind == EG_FAULT_DRIFT) assert_true(fabs(moved + 3 * r.deviation) < 1e-9);
		if (kind == EG_FAULT_SPIKE) assert_true(fabs(moved + 6 * r.difference) < 1e-9);
		if (kind == EG_FAULT_STUCK) assert_true(copy[last] == a[AT - 1]);
		if (kind == EG_FAULT_VARIANCE) assert_true(fabs(variance(copy + AT + 1, 199) / variance(a + AT + 1, 199) - 0.25) < 1e-9);
		if (kind == EG_FAULT_SEASON) assert_true(fabs(moved - r.season[(last + DAY / 2) % DAY] + r.season[last % DAY]) < 1e-12);
	}
	eg_fault_rule_free(&r);
}

static void judged(void **state) {
	(void)state;
	eg_watch_verdict v, again;
	make(4);
	eg_watch *w = learn(1, 1);
	OK(eg_watch_judge(w, columns, N, 0, 31, 10, 7, &v, &err));
	for (int kind = 0; kind < EG_FAULTS; kind++) assert_int_equal(v.faults[kind].put, 10);
	assert_int_equal(v.faults[EG_FAULT_STUCK].found, 10);
	assert_true(v.event_recall >= 0.9);
	assert_true(v.faults[EG_FAULT_STUCK].delay >= 1 && v.faults[EG_FAULT_STUCK].delay < 6);
	OK(eg_watch_judge(w, columns, N, 0, 31, 10, 7, &again, &err));
	assert_memory_equal(&v, &again, sizeof v);
	assert_int_equal(eg_watch_judge(w, columns, LEARNED + 100, 0, 1, 10, 7, &v, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "'drift' has 200 rows, and 100 are watched"));
	eg_watch_free(w);
}

static void refused(void **state) {
	(void)state;
	eg_watch *w;
	eg_watch_options o = EG_WATCH_OPTIONS;
	make(5);
	assert_int_equal(eg_watch_learn(columns, 2, 50, &o, &w, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "50 rows are learned, and 100 at least are needed"));
	for (int t = 0; t < N; t++) copy[t] = 7;
	assert_int_equal(eg_watch_learn(changed, 2, LEARNED, &o, &w, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "column 1 is always 7"));
	for (int t = 0; t < N; t++) copy[t] = NAN;
	assert_int_equal(eg_watch_learn(changed, 2, LEARNED, &o, &w, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "column 1 has 0 values"));
	o.persist = 17;
	assert_int_equal(eg_watch_learn(columns, 2, LEARNED, &o, &w, &err), EG_ERR_ARG);
	/* what is missing here and there is no hindrance, nor is a row with nothing at all */
	memcpy(copy, a, sizeof copy);
	for (int t = 0; t < N; t += 7) copy[t] = NAN;
	o.persist = 3;
	OK(eg_watch_learn(changed, 2, LEARNED, &o, &w, &err));
	eg_watch_run *r = eg_watch_begin(w);
	const double nothing[2] = {NAN, NAN};
	eg_watch_now now;
	for (int t = 0; t < 500; t++) {
		eg_watch_step(r, nothing, &now);
		assert_true(now.score < 1);
	}
	eg_watch_end(r);
	eg_watch_free(w);
}

/* ---- a forecaster in place of the regression --------------------------------------------------------------------- */

enum { PAST = 5 };

/* Sees whether it is shown what it should be; says twice the last value less the one before. */
typedef struct shown {
	int fitted, asked;
	bool logs, rebuilds;
} shown;

static double z_of(const shown *s, double y) { return s->logs ? log(y + 1) : y; }

static eg_status fit_shown(void *user, const double *const *of, int n, eg_error *ignored) {
	shown *s = user;
	(void)ignored;
	s->fitted = n;
	for (int t = 0; t < LEARNED; t++) {
		assert_true(isnan(copy[t]) ? isnan(of[0][t]) : fabs(of[0][t] - z_of(s, copy[t])) < 1e-12);
		assert_true(of[1][t] == b[t]);
	}
	return EG_OK;
}

static void say_shown(void *user, const double *rows, int64_t row, double *said) {
	shown *s = user;
	s->asked++;
	for (int i = 1; i < PAST + 2; i++) {
		const int64_t t = row - PAST - 1 + i;
		const double *at = rows + (ptrdiff_t)i * 2;
		assert_true(t < 0 ? isnan(at[1]) : at[1] == b[t]);
		if ((t == row && !s->rebuilds) || t < 0 || isnan(copy[t]))
			assert_true(isnan(at[0]));
		else
			assert_true(fabs(at[0] - z_of(s, copy[t])) < 1e-12);
	}
	/* before the window: the last value that was there */
	int64_t t = row - PAST - 1;
	while (t >= 0 && isnan(copy[t])) t--;
	assert_true(t < 0 ? isnan(rows[0]) : fabs(rows[0] - z_of(s, copy[t])) < 1e-12);
	*said = 2 * rows[2 * PAST] - rows[2 * PAST - 2];
}

static void forecaster(void **state) {
	(void)state;
	static const int which[] = {0, 1};
	for (int logs = 0; logs < 4; logs++) {
		shown s = {.logs = logs % 2 == 1, .rebuilds = logs > 1};
		const eg_watch_forecaster f = {&s, which, 1, PAST, s.rebuilds, fit_shown, say_shown};
		eg_watch_options o = EG_WATCH_OPTIONS;
		eg_watch *w;
		make(6);
		/* many values of a tenth of e - 1, so that the logarithm is of y + 1 where it is skewed */
		for (int t = 0; t < N; t++) copy[t] = s.logs ? (t % 5 == 0 ? 1 : exp(a[t] / 4)) : a[t];
		for (int t = 100; t < N; t += 50 + t % 9) copy[t] = copy[t + 1] = NAN;
		o.period = DAY, o.forecaster = &f;
		OK(eg_watch_learn(changed, 2, LEARNED, &o, &w, &err));
		assert_int_equal(s.fitted, 2 * LEARNED / 5);
		assert_int_equal(s.asked, LEARNED); /* once a row */
		eg_watch_event e;
		double both[2];
		go(w, changed, N, NULL, &e, both);
		assert_int_equal(s.asked, N);
		eg_watch_free(w);
	}
	eg_watch *w;
	eg_watch_options o = EG_WATCH_OPTIONS;
	o.forecaster = &(const eg_watch_forecaster){NULL, which + 1, 1, PAST, false, fit_shown, say_shown};
	assert_int_equal(eg_watch_learn(columns, 2, LEARNED, &o, &w, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "the network tells column 2 of 1 that are watched"));
	o.watched = 2;
	assert_int_equal(eg_watch_learn(columns, 2, 499, &o, &w, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "499 rows are learned, and a network needs 500 at least"));
}

static const char faults[] =
	"name: faults\ntask: forecast\n"
	"data: {source: windows, table: made.csv, columns: [a, b], known: [b], past: 24, waves: [24], reference: none, validation: 0.15}\n"
	"inputs: {past: [time, 4], future: [ahead, 4]}\n"
	"model:\n  - causal_conv1d: {filters: 6, kernel: 24, from: past}\n  - last: {name: seen}\n"
	"  - squeeze: {axes: [0], from: future, name: now}\n  - concat: {from: [seen, now], axis: 1}\n  - linear: 1\n"
	"train: {loss: huber, optimizer: {adam: {lr: 0.01}}, batch: 32, epochs: 3, seed: 1}\n";

/* Rows of `of` up to `until`, and between them another run's, which has no influence. */
static void score(const eg_watch *w, const double *const *of, int until, double *scores, eg_sign *signs) {
	eg_watch_run *r = eg_watch_begin(w), *other = eg_watch_begin(w);
	assert_true(r && other);
	for (int t = LEARNED; t < until; t++) {
		const double row[2] = {of[0][t], of[1][t]}, odd[2] = {t, -t};
		eg_watch_now now;
		eg_watch_step(r, row, &now);
		scores[t] = now.score, signs[t] = now.sign;
		if (of != columns) eg_watch_step(other, odd, &now);
	}
	eg_watch_end(other);
	eg_watch_end(r);
}

static void network(void **state) {
	(void)state;
	enum { JUMP = 4000, STUCK = 5000 };
	static double scores[2][N];
	static eg_sign signs[2][N];
	make(7);
	eg_time_column c[2] = {{.name = "a", .numbers = true, .values = a}, {.name = "b", .numbers = true, .values = b}};
	const eg_time_table table = {.file = "made.csv", .columns = c, .ncolumns = 2, .steps = LEARNED, .rows = LEARNED};
	const char *const names[] = {"a", "b"};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_recipe *recipe;
	eg_network_watch *n;
	eg_watch *w;
	OK(eg_recipe_parse(faults, strlen(faults), "faults.yaml", NULL, &recipe, &err));
	OK(eg_network_watch_new(recipe, ctx, &table, names, 2, 1, &n, &err));
	eg_watch_options o = EG_WATCH_OPTIONS;
	o.period = DAY, o.per_1000 = 0.5, o.forecaster = eg_network_watch_forecaster(n);
	assert_true(o.forecaster->ncolumns == 1 && o.forecaster->columns[0] == 0 && !o.forecaster->rebuilds);
	assert_null(eg_network_watch_fitted(n));
	OK(eg_watch_learn(columns, 2, LEARNED, &o, &w, &err));
	assert_non_null(eg_network_watch_fitted(n));
	for (int t = JUMP; t < JUMP + 3; t++) copy[t] = a[t] + 9;
	for (int t = STUCK; t < STUCK + 24; t++) copy[t] = a[STUCK - 1];
	score(w, columns, N, scores[0], signs[0]);
	score(w, changed, N, scores[1], signs[1]);
	int alarms = 0;
	for (int t = LEARNED; t < N; t++) alarms += scores[0][t] >= 1;
	assert_true(alarms < 12);
	assert_memory_equal(scores[0] + LEARNED, scores[1] + LEARNED, (JUMP - LEARNED) * sizeof scores[0][0]);
	assert_true(scores[1][JUMP] >= 1 && signs[1][JUMP] == EG_SIGN_JUMP);
	assert_true(scores[1][STUCK + 6] >= 1 && signs[1][STUCK + 6] == EG_SIGN_STUCK);
	/* its errors are those of the noise, 1: what the other column says of this row is used */
	assert_true(eg_watch_threshold(w, 0, EG_SIGN_JUMP) > 3 && eg_watch_threshold(w, 0, EG_SIGN_JUMP) < 6);
	eg_watch_free(w);
	eg_network_watch_free(n);
	eg_recipe_free(recipe);
	eg_context_free(ctx);
}

/* Two columns, both rebuilt, by a network that sees the row itself: an odd value of the second is found in its row and
 * blamed on it, though the first has none, and rows before it have the scores that they had. */
static const char rebuilds[] =
	"name: made\ntask: reconstruct\n"
	"data: {source: windows, table: made.csv, columns: [b, a], past: 12, waves: [24], validation: 0.15}\n"
	"input: [time, 4]\n"
	"model: [{gru: 12}, last, {linear: 6}, {linear: 24}, {reshape: [0, 12, 2]}, {transpose: {perm: [1, 0, 2]}}]\n"
	"train: {loss: huber, optimizer: {adam: {lr: 0.01}}, batch: 32, epochs: 3, seed: 1}\n";

static void autoencoder(void **state) {
	(void)state;
	enum { JUMP = 4000 };
	static double scores[2][N], both[2], odd_b[N];
	static const double *const odd[2] = {a, odd_b};
	make(8);
	eg_time_column c[2] = {{.name = "a", .numbers = true, .values = a}, {.name = "b", .numbers = true, .values = b}};
	const eg_time_table table = {.file = "made.csv", .columns = c, .ncolumns = 2, .steps = LEARNED, .rows = LEARNED};
	const char *const names[] = {"a", "b"};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_recipe *recipe;
	eg_network_watch *n;
	eg_watch *w;
	eg_watch_event e = {0};
	OK(eg_recipe_parse(rebuilds, strlen(rebuilds), "made.yaml", NULL, &recipe, &err));
	OK(eg_network_watch_new(recipe, ctx, &table, names, 2, 2, &n, &err));
	eg_watch_options o = EG_WATCH_OPTIONS;
	o.watched = 2, o.period = DAY, o.per_1000 = 0.5, o.forecaster = eg_network_watch_forecaster(n);
	assert_true(o.forecaster->rebuilds && o.forecaster->ncolumns == 2 && o.forecaster->columns[0] == 0);
	OK(eg_watch_learn(columns, 2, LEARNED, &o, &w, &err));
	memcpy(odd_b, b, sizeof b);
	for (int t = JUMP; t < JUMP + 3; t++) odd_b[t] = b[t] + 9;
	go(w, columns, JUMP + 40, scores[0], &e, both);
	int events = go(w, odd, JUMP + 40, scores[1], &e, both);
	assert_memory_equal(scores[0] + LEARNED, scores[1] + LEARNED, (JUMP - LEARNED) * sizeof scores[0][0]);
	assert_true(scores[1][JUMP] >= 1 && events >= 1 && events < 6);
	eg_watch_run *r = eg_watch_begin(w);
	eg_watch_now now;
	for (int t = LEARNED; t <= JUMP; t++) {
		const double row[2] = {a[t], odd_b[t]};
		eg_watch_step(r, row, &now);
	}
	assert_true(now.column == 1 && (now.sign == EG_SIGN_JUMP || now.sign == EG_SIGN_RANGE));
	eg_watch_end(r);
	/* the errors of both columns are the network's: the row goes through six numbers */
	for (int j = 0; j < 2; j++) assert_true(eg_watch_threshold(w, j, EG_SIGN_JUMP) >= 3 && eg_watch_threshold(w, j, EG_SIGN_JUMP) < 9);
	eg_watch_free(w);
	eg_network_watch_free(n);
	/* what is rebuilt has to be watched */
	assert_int_equal(eg_network_watch_new(recipe, ctx, &table, names, 1, 0, &n, &err), EG_ERR_ARG);
	eg_recipe_free(recipe);
	eg_context_free(ctx);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normal_rows),
		cmocka_unit_test(stuck),
		cmocka_unit_test(no_future),
		cmocka_unit_test(rule),
		cmocka_unit_test(judged),
		cmocka_unit_test(refused),
		cmocka_unit_test(forecaster),
		cmocka_unit_test(network),
		cmocka_unit_test(autoencoder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

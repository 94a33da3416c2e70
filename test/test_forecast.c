/* test_forecast.c - windows of a series and the task that forecasts from them: numbers by hand, and above all that
 * nothing behind an origin has any influence on what is said there, through networks, scales, gaps and intervals. */
#include "data/table.h"
#include "data/windows.h"
#include "engram_task.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static eg_error err;
#define OK(call) \
	do { \
		if ((call) != EG_OK) fail_msg("%s", err.message); \
	} while (0)

static void near(double a, double b, double tolerance) {
	if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g is not %.9g", a, b);
}

static unsigned state = 1;
static double random_number(void) {
	state = state * 1664525u + 1013904223u;
	return (double)(state >> 8) / 16777216.0;
}

static void same(const float *a, const float *b, int n, const char *what) {
	for (int i = 0; i < n; i++)
		if (memcmp(&a[i], &b[i], sizeof *a) != 0) fail_msg("%s: number %d is %g, and was %g", what, i, (double)b[i], (double)a[i]);
}

/* ---- windows ----------------------------------------------------------------------------------------------------- */

static const char *const two_names[] = {"y", "x"};

static void by_hand(void **unused) {
	/* y: 1 2 NaN 4 5 7, x: 0 0 1 1 0 0; steps of an hour */
	static const float at[] = {1, 0, 2, 0, NAN, 1, 4, 1, 5, 0, 7, 0};
	static const double times[] = {0, 3600, 7200, 10800, 14400, 18000};
	const eg_panel p = {at, times, two_names, 6, 2, 0};
	eg_windows w = {.past = 3, .ahead = {1, 2}, .nahead = 2, .seen = {0, 1}, .nseen = 2, .known = {1}, .nknown = 1, .mask = true,
		.reference = EG_REFERENCE_LAST, .view = EG_VIEW_BOTH, .calendar = EG_CALENDAR_DAY};
	float past[27], future[8], mask[6], gaps[6], elapsed[3], unit[4], truth[2], values[6];
	(void)unused;
	eg_windows_fit(&w, &p, 5);
	near(w.mean[0], 3, 1e-12);               /* of 1 2 4 5 */
	near(w.deviation[0], sqrt(2.5), 1e-12);
	near(w.change[0], sqrt((1 + 4 + 1) / 3.0), 1e-12); /* 1 -> 2, 2 (a gap) -> 4, 4 -> 5 */
	near(w.naive, 1, 1e-12);                 /* neighbours that are both there: 1 and 1 */
	assert_int_equal(eg_windows_past_width(&w), 7);
	assert_false(eg_windows_possible(&w, &p, 1));
	assert_true(eg_windows_possible(&w, &p, 3));
	eg_windows_past(&w, &p, 3, past);
	near((double)past[0], (2 - 3) / sqrt(2.5), 1e-6); /* step 1: level, less the last value, x, wave, masks */
	near((double)past[1], (2 - 4) / w.mean_change, 1e-6);
	near((double)past[3], sin(6.283185307 / 24), 1e-6);
	assert_true(past[5] == 1 && past[6] == 1 && past[12] == 0 && past[13] == 1);
	near((double)past[7], (double)past[0], 1e-7); /* the gap holds the value before it */
	eg_windows_values(&w, &p, 3, values);
	near((double)values[0], (2 - 3) / sqrt(2.5), 1e-6);
	assert_true(values[2] == values[0] && values[3] > 0 && values[5] == values[3]);
	near(eg_windows_rebuilt(&w, 0, (double)values[4]), 4, 1e-6);
	eg_windows_mask(&w, &p, 3, mask);
	eg_windows_gaps(&w, &p, 3, gaps);
	eg_windows_elapsed(&w, &p, 3, elapsed);
	assert_true(mask[0] == 1 && mask[2] == 0 && mask[4] == 1);
	assert_true(gaps[0] == 1 && gaps[2] == 1 && gaps[4] == 2 && gaps[5] == 1 && elapsed[2] == 1);
	eg_windows_unit(&w, &p, 3, unit);
	eg_windows_truth(&w, &p, 3, truth);
	assert_true(unit[0] == 4 && unit[1] == 4 && truth[0] == 5 && truth[1] == 7);
	near(eg_windows_value(&w, unit, 0, (double)eg_windows_scaled(&w, unit, 0, 5)), 5, 1e-6);
	eg_windows_future(&w, &p, 4, future); /* beyond the end the calendar goes on */
	near((double)future[5], sin(6 * 6.283185307 / 24), 1e-6);
	assert_true(future[3] == 0.5F && future[7] == 1);
	w.fill = EG_FILL_MEAN;
	eg_windows_past(&w, &p, 3, past);
	assert_true(past[7] == 0);
	w.reference = EG_REFERENCE_SEASON, w.period = 2;
	eg_windows_unit(&w, &p, 3, unit);
	assert_true(unit[0] == 1 && unit[1] == 4); /* step 4: step 2 is a gap, so step 0; step 5: step 3 */
}

enum { STEPS = 60, COLUMNS = 4 };

static void make_panel(float *at) {
	for (int i = 0; i < STEPS * COLUMNS; i++) at[i] = random_number() < 0.15 ? NAN : (float)(1 + 9 * random_number());
}

/* Whatever the form, numbers of an origin are the same bits when all that comes later, but for the known column, has
 * other values; and so are scales that were measured before. */
static void no_leak(void **unused) {
	static const char *const names[] = {"a", "b", "c", "d"};
	float at[STEPS * COLUMNS], other[STEPS * COLUMNS], a[2000], b[2000];
	(void)unused;
	for (int form = 0; form < 24; form++) {
		eg_windows w = {.past = 1 + form % 7, .ahead = {1, 3, 5}, .nahead = 3, .target = 0, .seen = {0, 1, 2, 3}, .nseen = 4, .known = {3},
			.nknown = 1, .log = form % 2, .mask = form % 3 == 0, .fill = form % 2 ? EG_FILL_MEAN : EG_FILL_LAST,
			.reference = (eg_window_reference)(form % 3), .view = (eg_window_view)(form / 3 % 3), .period = 4, .waves = {7.5}, .nwaves = 1};
		make_panel(at);
		memcpy(other, at, sizeof at);
		const int origin = 12 + form;
		for (int i = (origin + 1) * COLUMNS; i < STEPS * COLUMNS; i++)
			if (i % COLUMNS != 3) other[i] = random_number() < 0.3 ? NAN : (float)(100 * random_number());
		const eg_panel p = {at, NULL, names, STEPS, COLUMNS, 0}, q = {other, NULL, names, STEPS, COLUMNS, 0};
		eg_windows v = w;
		eg_windows_fit(&w, &p, origin + 1);
		eg_windows_fit(&v, &q, origin + 1);
		assert_memory_equal(&w, &v, sizeof w);
		const int P = w.past * eg_windows_past_width(&w), F = 3 * eg_windows_future_width(&w);
		eg_windows_past(&w, &p, origin, a), eg_windows_past(&w, &q, origin, b);
		same(a, b, P, "past");
		eg_windows_future(&w, &p, origin, a), eg_windows_future(&w, &q, origin, b);
		same(a, b, F, "future");
		eg_windows_gaps(&w, &p, origin, a), eg_windows_gaps(&w, &q, origin, b);
		same(a, b, w.past * 4, "gaps");
		eg_windows_mask(&w, &p, origin, a), eg_windows_mask(&w, &q, origin, b);
		same(a, b, w.past * 4, "mask");
		eg_windows_unit(&w, &p, origin, a), eg_windows_unit(&w, &q, origin, b);
		same(a, b, 6, "unit");
	}
}

/* Twice the past is enough, if the row before that has the last values that there were. */
static void part_of_table(void **unused) {
	static const char *const names[] = {"a", "b", "c", "d"};
	float at[STEPS * COLUMNS], few[16 * COLUMNS], a[2000], b[2000];
	(void)unused;
	for (int form = 0; form < 24; form++) {
		eg_windows w = {.past = 1 + form % 7, .ahead = {1}, .nahead = 1, .target = 0, .seen = {0, 1, 2, 3}, .nseen = 4, .known = {3}, .nknown = 1,
			.log = form % 2, .mask = true, .fill = form % 5 == 0 ? EG_FILL_MEAN : EG_FILL_LAST, .reference = EG_REFERENCE_LAST,
			.view = EG_VIEW_BOTH, .waves = {7.5}, .nwaves = 1};
		make_panel(at);
		const int origin = 16 + form, rows = 2 * w.past, first = origin - rows;
		const eg_panel p = {at, NULL, names, STEPS, COLUMNS, 0}, q = {few, NULL, names, rows + 2, COLUMNS, first};
		for (int i = 0; i < (rows + 2) * COLUMNS; i++) few[i] = at[first * COLUMNS + i];
		for (int c = 0; c < COLUMNS; c++)
			for (int t = first; t >= 0 && isnan(few[c]); t--) few[c] = at[t * COLUMNS + c];
		eg_windows_fit(&w, &p, origin + 1);
		eg_windows_past(&w, &p, origin, a), eg_windows_past(&w, &q, rows, b);
		same(a, b, w.past * eg_windows_past_width(&w), "past");
		eg_windows_future(&w, &p, origin, a), eg_windows_future(&w, &q, rows, b);
		same(a, b, eg_windows_future_width(&w), "future");
		eg_windows_gaps(&w, &p, origin, a), eg_windows_gaps(&w, &q, rows, b);
		same(a, b, w.past * 4, "gaps");
		eg_windows_mask(&w, &p, origin, a), eg_windows_mask(&w, &q, rows, b);
		same(a, b, w.past * 4, "mask");
		eg_windows_unit(&w, &p, origin, a), eg_windows_unit(&w, &q, rows, b);
		same(a, b, 2, "unit");
	}
}

/* Rows one by one, of which only some are kept: numbers of each origin as of all of them, gaps that are longer than
 * what is kept among them. */
static void fed(void **unused) {
	static const char *const names[] = {"y", "x"};
	(void)unused;
	for (int form = 0; form < 12; form++) {
		eg_windows w = {.past = 1 + form % 4, .ahead = {1, 2}, .nahead = 2, .seen = {0, 1}, .nseen = 2, .mask = true,
			.fill = form % 5 == 0 ? EG_FILL_MEAN : EG_FILL_LAST, .reference = (eg_window_reference)(form % 3), .view = EG_VIEW_BOTH,
			.period = 1 + form % 3, .waves = {7.5}, .nwaves = 1};
		const eg_strings none = {0};
		eg_panel_feed *all, *some;
		float a[200], b[200];
		const int reach = eg_windows_reach(&w);
		OK(eg_panel_feed_new(names, 2, &none, &none, ',', &all, &err));
		OK(eg_panel_feed_new(names, 2, &none, &none, ',', &some, &err));
		eg_panel_feed_keep(some, reach + 1);
		for (int t = -1; t < 300; t++) {
			char row[60] = "t,y,x\n", y[20] = "NA", x[20] = "NA";
			if (t % 3 != 1) snprintf(y, sizeof y, "%.3f", random_number());
			if (t <= 60 || t > 200) snprintf(x, sizeof x, "%.3f", random_number());
			if (t >= 0) snprintf(row, sizeof row, "%04d-%02d,%s,%s\n", 2000 + t / 12, t % 12 + 1, y, x);
			OK(eg_panel_feed_lines(all, row, strlen(row), "rows", 1, &err));
			OK(eg_panel_feed_lines(some, row, strlen(row), "rows", 1, &err));
			const eg_panel *p = eg_panel_feed_get(all), *q = eg_panel_feed_get(some);
			const int origin = p->steps - 1, here = q->steps - 1;
			assert_true(q->steps <= 2 * (reach + 1) && q->first + q->steps == p->steps);
			assert_int_equal(eg_windows_possible(&w, p, origin), eg_windows_possible(&w, q, here));
			if (!eg_windows_possible(&w, p, origin)) continue;
			if (w.columns == 0) eg_windows_fit(&w, p, origin + 1);
			eg_windows_past(&w, p, origin, a), eg_windows_past(&w, q, here, b);
			same(a, b, w.past * eg_windows_past_width(&w), "past");
			eg_windows_gaps(&w, p, origin, a), eg_windows_gaps(&w, q, here, b);
			same(a, b, w.past * 2, "gaps");
			eg_windows_values(&w, p, origin, a), eg_windows_values(&w, q, here, b);
			same(a, b, w.past * 2, "values");
			eg_windows_unit(&w, p, origin, a), eg_windows_unit(&w, q, here, b);
			same(a, b, 4, "unit");
		}
		eg_panel_feed_free(all);
		eg_panel_feed_free(some);
	}
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

enum { ROWS = 150, PAST = 120 };

/* A season of 12 on a line, a column of words, one that is known; behind row `changed` other values. */
static eg_time_table *make_table(int changed) {
	static char text[20000];
	size_t n = (size_t)snprintf(text, sizeof text, "t,y,word,open\n");
	eg_time_table *t;
	state = 7;
	for (int i = 0; i < ROWS; i++) {
		const double r = random_number(), gone = random_number();
		const double y = i < changed ? 50 + 0.1 * i + 10 * sin(i * 0.5235988) + 2 * r : 500 * r + 1;
		n += (size_t)snprintf(text + n, sizeof text - n, "%04d-%02d,", 2000 + i / 12, i % 12 + 1);
		if (gone > 0.05) n += (size_t)snprintf(text + n, sizeof text - n, "%.4f", y);
		n += (size_t)snprintf(text + n, sizeof text - n, ",%s,%d\n", i < changed ? i % 3 ? "NW" : "SE" : "NW", i % 4 == 0);
	}
	eg_reader *reader = eg_reader_memory(text, n, "made.csv", &err);
	assert_non_null(reader);
	OK(eg_time_table_take(reader, NULL, &t, &err));
	eg_reader_close(reader);
	return t;
}

static const char *const networks[] = {
	/* horizon, data, inputs and model, loss */
	"data: {source: windows, table: made.csv, target: y, past: 12, horizon: 4, period: 12, reference: season, log: true, validation: 0.2}\n"
	"input: [time, 1]\nmodel: [gru: 4, last, linear: 4]\ntrain: {loss: mse, epochs: 2, seed: 1}\n",
	"data: {source: windows, table: made.csv, target: y, columns: [y, word, open], known: [open], past: 8, horizon: 2, view: both, mask: "
	"true, validation: 0.2}\ninputs: {past: [time, 9], future: [ahead, 2]}\n"
	"model:\n  - lstm: {hidden: 4, from: past}\n  - last: {name: a}\n  - rnn: {hidden: 3, from: future}\n  - last: {name: b}\n"
	"  - concat: {from: [a, b], axis: 1}\n  - linear: 10\n"
	"train: {loss: {quantile: {quantiles: [0.025, 0.1, 0.5, 0.9, 0.975]}}, epochs: 2, seed: 1}\n",
	"data: {source: windows, table: made.csv, target: y, time: [t], past: 12, horizon: 1, fill: mean, origins: all, calendar: [year], validation: "
	"0.2}\ninput: [time, 3]\nmodel: [causal_conv1d: {filters: 4, kernel: 3}, relu, last, linear: 2]\n"
	"train: {loss: student_t_nll, epochs: 2, seed: 1}\n",
	/* a sequence for a sequence, with attention */
	"data: {source: windows, table: made.csv, time: [t], target: y, columns: [y], past: 8, horizon: 3, calendar: [year], validation: 0.2}\n"
	"inputs: {past: [time, 3], future: [ahead, 3]}\n"
	"model:\n  - gru: {hidden: 4, from: past, name: reader}\n  - gru: {hidden: 4, from: {x: future, h0: reader.hn}, name: writer}\n"
	"  - multiplicative_attention: {from: [writer, reader], name: seen}\n  - concat: {from: [writer, seen], axis: 2}\n  - linear: 1\n"
	"  - transpose: {perm: [1, 0, 2]}\n  - squeeze: 2\ntrain: {loss: mse, epochs: 2, seed: 1}\n",
};

static eg_recipe *recipe_of(const char *text) {
	char all[2000];
	eg_recipe *r;
	snprintf(all, sizeof all, "name: made\ntask: forecast\n%s", text);
	OK(eg_recipe_parse(all, strlen(all), "made.yaml", NULL, &r, &err));
	return r;
}

static eg_outlook *say(eg_recipe *r, eg_context *ctx, const eg_time_table *t, int fit, int origin, int horizon) {
	const eg_network_forecaster_options o = {.horizon = horizon, .members = 2};
	eg_network_forecaster *f;
	eg_outlook *out = eg_outlook_new(horizon);
	OK(eg_network_forecaster_new(r, ctx, t, &o, &f, &err));
	OK(eg_network_forecaster_fit(f, fit, &err));
	OK(eg_network_forecaster_say(f, origin, out, &err));
	eg_network_forecaster_free(f);
	return out;
}

static void same_outlook(const eg_outlook *a, const eg_outlook *b) {
	for (int h = 0; h < a->horizon; h++) {
		assert_true(isfinite(a->mean[h]) && a->mean[h] == b->mean[h]);
		for (int q = 0; q < EG_LEVELS; q++) {
			assert_true(a->quantiles[q][h] == b->quantiles[q][h]);
			assert_true(q == 0 || a->quantiles[q][h] >= a->quantiles[q - 1][h]);
		}
	}
}

/* Networks, their scales and intervals, also where forecasts are read as if they had come: the future has no influence.
 * And a training begins anew from the seed's weights. */
static void networks_do_not_leak(void **unused) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_time_table *t = make_table(ROWS), *changed = make_table(PAST);
	(void)unused;
	for (int i = 0; i < EG_COUNT(networks); i++) {
		eg_recipe *r = recipe_of(networks[i]);
		static const int horizons[] = {4, 2, 5, 3};
		const int horizon = horizons[i];
		eg_outlook *a = say(r, ctx, t, PAST, PAST, horizon), *b = say(r, ctx, changed, PAST, PAST, horizon);
		same_outlook(a, b);
		eg_outlook *c = say(r, ctx, t, ROWS - 5, ROWS - 5, horizon);
		assert_true(c->mean[0] != a->mean[0]); /* but the past has */
		eg_outlook_free(a), eg_outlook_free(b), eg_outlook_free(c);
		eg_recipe_free(r);
	}
	eg_time_table_free(t);
	eg_time_table_free(changed);
	eg_context_free(ctx);
}

/* One network for three series, of which the second is the first in another unit, and the third has no past: nothing
 * behind where they are cut has any influence, the unit has none, and one that is cut at 0 is none to learn from. */
static void one_network_for_all(void **unused) {
	enum { HORIZON = 6 };
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	(void)unused;
	for (size_t form = 0; form < sizeof networks / sizeof *networks; form++) {
		eg_recipe *r = recipe_of(networks[form]);
		eg_outlook *said[2][3];
		for (int k = 0; k < 2; k++) {
			eg_time_table *t[3];
			eg_network_forecaster *f;
			const eg_network_forecaster_options o = {.horizon = HORIZON};
			for (int i = 0; i < 3; i++) t[i] = make_table(k ? PAST : ROWS);
			for (int i = 0; i < ROWS; i++) t[1]->columns[0].values[i] *= 1024;
			for (int i = PAST; i < ROWS && k; i++) t[2]->columns[0].values[i] = -1;
			assert_string_equal(t[1]->columns[0].name, "y");
			OK(eg_network_forecaster_new_many(r, ctx, (const eg_time_table *const[]){t[0], t[1], t[2]}, 3, &o, &f, &err));
			OK(eg_network_forecaster_fit_many(f, (const int[]){PAST, PAST, 0}, &err));
			for (int i = 0; i < 3; i++) {
				said[k][i] = eg_outlook_new(HORIZON);
				OK(eg_network_forecaster_say_of(f, i, PAST, said[k][i], &err));
			}
			eg_network_forecaster_free(f);
			for (int i = 0; i < 3; i++) eg_time_table_free(t[i]);
		}
		for (int i = 0; i < 3; i++) same_outlook(said[0][i], said[1][i]);
		for (int h = 0; h < HORIZON; h++) {
			const double y = said[0][0]->mean[h];
			near(said[0][1]->mean[h] / 1024, y, 1e-4 * fabs(y));
			for (int q = 0; q < EG_LEVELS; q++) near(said[0][1]->quantiles[q][h] / 1024, said[0][0]->quantiles[q][h], 1e-4 * fabs(y));
		}
		for (int i = 0; i < 6; i++) eg_outlook_free(said[i / 3][i % 3]);
		eg_recipe_free(r);
	}
	eg_context_free(ctx);
}

/* Nor does a network in a combination, of which more is fitted: weights, intervals. */
static void combined_networks_do_not_leak(void **unused) {
	enum { HORIZON = 4 };
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_recipe *r = recipe_of(networks[0]);
	eg_outlook *out[3];
	static const int changed[] = {ROWS, PAST, PAST - 5};
	(void)unused;
	for (int i = 0; i < 3; i++) {
		const eg_network_forecaster_options o = {.horizon = HORIZON};
		eg_time_table *t = make_table(changed[i]);
		const eg_past past = {.values = t->columns[0].values, .n = PAST, .period = 12};
		eg_network_forecaster *f;
		eg_combination *c;
		out[i] = eg_outlook_new(HORIZON);
		OK(eg_network_forecaster_new(r, ctx, t, &o, &f, &err));
		const eg_rolled network = eg_network_forecaster_rolled(f);
		const eg_combined_model models[] = {{.other = &network}, {.spec = "theta"}};
		OK(eg_combination_new(models, 2, true, HORIZON, &c, &err));
		const eg_rolled m = eg_combination_rolled(c);
		OK(m.fit(m.user, &past, &err));
		OK(m.say(m.user, &past, out[i], &err));
		eg_combination_free(c);
		eg_network_forecaster_free(f);
		eg_time_table_free(t);
	}
	same_outlook(out[0], out[1]);
	assert_true(out[0]->mean[0] != out[2]->mean[0]); /* the past has influence */
	for (int i = 0; i < 3; i++) eg_outlook_free(out[i]);
	eg_recipe_free(r);
	eg_context_free(ctx);
}

/* Beside the classical models on rolling origins: fitted anew, it says what it said. */
static void rolling(void **unused) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_time_table *t = make_table(ROWS);
	eg_recipe *r = recipe_of("data: {source: windows, table: made.csv, target: y, past: 12, horizon: 2, view: relative, validation: 0.2}\n"
	                         "input: [time, 1]\nmodel: [causal_conv1d: {filters: 2, kernel: 12}, last]\n"
	                         "train: {loss: l1, optimizer: {adam: {lr: 0.02}}, epochs: 40, seed: 1}\n");
	eg_network_forecaster *f;
	eg_rolling *trial, *naive;
	eg_scores s, n;
	(void)unused;
	OK(eg_network_forecaster_new(r, ctx, t, &(eg_network_forecaster_options){.horizon = 2}, &f, &err));
	const eg_rolled m = eg_network_forecaster_rolled(f);
	const eg_past whole = {.values = t->columns[0].values, .n = ROWS, .period = 1};
	const eg_rolling_options o = {.horizon = 2, .first = 120, .every = 2, .last = ROWS - 2, .refit = 8};
	OK(eg_rolling_run_with(&m, &whole, &o, &trial, &err));
	OK(eg_rolling_run("naive", &whole, &o, &naive, &err));
	eg_rolling_scores(trial, -1, &s);
	eg_rolling_scores(naive, -1, &n);
	assert_int_equal(trial->fits, 2);
	assert_true(s.n == n.n && s.mae < 0.6 * n.mae);
	assert_true(eg_rolling_echo(trial) < 0.9 && eg_rolling_echo(naive) > 0.99);
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	OK(eg_network_forecaster_sensitivity(f, v, &err));
	const eg_value *one = eg_value_first(eg_value_get(v, "variables"));
	assert_string_equal(eg_value_text(eg_value_get(one, "name")), "y");
	near(eg_value_number(eg_value_get(one, "share"), 0), 1, 1e-6);
	assert_true(eg_value_number(eg_value_get(one, "permuted"), 0) > 1.2);
	assert_int_equal(eg_value_count(eg_value_get(v, "lags")), 12);
	eg_value_free(v);
	eg_rolling_free(trial), eg_rolling_free(naive);
	eg_network_forecaster_free(f);
	eg_recipe_free(r);
	eg_time_table_free(t);
	eg_context_free(ctx);
}

static void quantiles_of_student(void **unused) {
	(void)unused; /* tables of the distribution */
	near(eg_student_quantile(0.975, 5), 2.570582, 1e-5);
	near(eg_student_quantile(0.1, 4), -1.533206, 1e-5);
	near(eg_student_quantile(0.5, 4), 0, 1e-9);
	near(eg_student_quantile(0.975, 0), 1.959964, 1e-5);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand),
		cmocka_unit_test(no_leak),
		cmocka_unit_test(part_of_table),
		cmocka_unit_test(fed),
		cmocka_unit_test(networks_do_not_leak),
		cmocka_unit_test(one_network_for_all),
		cmocka_unit_test(combined_networks_do_not_leak),
		cmocka_unit_test(rolling),
		cmocka_unit_test(quantiles_of_student),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

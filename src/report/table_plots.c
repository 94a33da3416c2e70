/* table_plots.c - a column of a table over time as plots of a page: its values with trend and gaps, its season, and how
 * alike values are that lie so many steps apart. What a column looks like in words: survey_series.c. */
#include "engram_series.h"
#include "report/sheet.h"

#include <math.h>

enum { POINTS = 960, GAPS = 100, LAGS = 400 };
static const double year = 365.2425 * 86400;

/* Where steps lie on the axis: years, of less than two of them days from the begin, or numbers of steps. */
typedef struct axis {
	const eg_time_table *t;
	bool days;
	char title[60];
} axis;

static double time_of(const eg_time_table *t, int step) {
	return t->months ? t->begin + year / 12 * t->months * step : eg_time_table_time(t, step);
}

static axis axis_of(const eg_time_table *t) {
	axis a = {.t = t, .title = "year"};
	char when[32];
	a.days = t->dated && time_of(t, t->steps - 1) - time_of(t, 0) < 2 * year;
	if (!t->dated) snprintf(a.title, sizeof a.title, "row");
	if (a.days) snprintf(a.title, sizeof a.title, "days from %s", eg_time_table_when(t, 0, when));
	return a;
}

static double place(const axis *a, int step) {
	if (!a->t->dated) return step + 1;
	return a->days ? (time_of(a->t, step) - time_of(a->t, 0)) / 86400 : 1970 + time_of(a->t, step) / year;
}

static void put(eg_sheet *s, eg_line_plot *p) {
	p->number = ++s->plots;
	p->y_title = "";
	p->height = 150;
	eg_put(s->w, "<div class=\"plot many\">");
	eg_plot_lines_into(s->w, p);
	eg_put(s->w, "</div>\n");
}

/* ---- values, trend and gaps -------------------------------------------------------------------------------------- */

/* The least and the largest value of each stretch, as they come; of a stretch without values a break. x, y: room for
 * 2 POINTS. */
static int thin(const axis *a, const double *values, int n, double *x, double *y) {
	const int stretches = n < POINTS ? n : POINTS;
	int m = 0;
	for (int64_t s = 0; s < stretches; s++) {
		const int from = (int)(s * n / stretches), to = (int)((s + 1) * n / stretches);
		int least = -1, most = -1;
		for (int t = from; t < to; t++) {
			if (isnan(values[t])) continue;
			if (least < 0 || values[t] < values[least]) least = t;
			if (most < 0 || values[t] > values[most]) most = t;
		}
		const int first = least < most ? least : most, second = least < most ? most : least;
		x[m] = place(a, first < 0 ? from : first), y[m++] = first < 0 ? (double)NAN : values[first];
		if (second > first) x[m] = place(a, second), y[m++] = values[second];
	}
	return m;
}

/* The longest gaps, from the value before to the one behind; edges: room for 6 GAPS, runs for twice as many. */
static int find_gaps(const axis *a, const double *values, int n, int (*runs)[2], double ends[2], double *edges, eg_band *bands) {
	int m = 0;
	for (int t = 0, begin = 0; t <= n; t++) {
		if (t < n && isnan(values[t])) continue;
		int at = m < GAPS ? m : GAPS - 1;
		const int length = t - begin;
		begin = t + 1;
		if (length < 1 || (m == GAPS && runs[at][1] >= length)) continue;
		if (m < GAPS) m++;
		for (; at > 0 && runs[at - 1][1] < length; at--) runs[at][0] = runs[at - 1][0], runs[at][1] = runs[at - 1][1];
		runs[at][0] = t - length, runs[at][1] = length;
	}
	for (int i = 0; i < m; i++) {
		double *e = edges + (ptrdiff_t)6 * i;
		e[0] = place(a, runs[i][0] > 0 ? runs[i][0] - 1 : 0), e[1] = place(a, runs[i][0] + runs[i][1] < n ? runs[i][0] + runs[i][1] : n - 1);
		e[2] = e[3] = ends[0], e[4] = e[5] = ends[1];
		bands[i] = (eg_band){.x = e, .low = e + 2, .high = e + 4, .n = 2, .series = 2};
	}
	return m;
}

static void plot_values(eg_sheet *s, const axis *a, const eg_time_column *c, const double *trend, double *x, double *y) {
	const int n = a->t->steps;
	double ends[2] = {INFINITY, -INFINITY}, edges[6 * GAPS], none[1] = {(double)NAN};
	int runs[GAPS][2] = {{0}};
	eg_band bands[GAPS];
	for (int t = 0; t < n; t++)
		if (!isnan(c->values[t])) ends[0] = fmin(ends[0], c->values[t]), ends[1] = fmax(ends[1], c->values[t]);
	const int points = thin(a, c->values, n, x, y), smooth = thin(a, trend, n, x + (ptrdiff_t)2 * POINTS, y + (ptrdiff_t)2 * POINTS);
	const eg_series lines[3] = {{"values", x, y, points}, {"trend", x + (ptrdiff_t)2 * POINTS, y + (ptrdiff_t)2 * POINTS, smooth}, {"gaps", none, none, 1}};
	eg_line_plot p = {.title = c->name, .x_title = a->title, .series = lines, .bands = bands, .thin_first = true, .width = 400};
	p.nbands = find_gaps(a, c->values, n, runs, ends, edges, bands);
	p.nseries = p.nbands > 0 ? 3 : 2;
	put(s, &p);
}

/* ---- season and autocorrelation ---------------------------------------------------------------------------------- */

/* Of a long one every so many steps. x, y: room for POINTS. */
static void plot_season(eg_sheet *s, const double *season, int period, double *x, double *y) {
	char title[60];
	const int every = (period + POINTS - 1) / POINTS;
	int n = 0;
	snprintf(title, sizeof title, "season of %d steps", period);
	for (int i = 0; i < period; i += every) x[n] = i + 1, y[n++] = season[i];
	const eg_series line = {"", x, y, n};
	put(s, &(eg_line_plot){.title = title, .x_title = "step of the season", .series = &line, .nseries = 1, .width = 170});
}

/* Bars; noise stays within the lines 19 times in 20 (Bartlett 1946). */
static void plot_autocorrelation(eg_sheet *s, const double *values, int n, int there, int period, double *x, double *y) {
	double r[LAGS + 1], ends[2], above[2], below[2];
	int lags = period > 1 && 5 * period / 2 > 40 ? 5 * period / 2 : 40;
	if (lags > LAGS) lags = LAGS;
	if (lags > n / 2) lags = n / 2;
	if (lags < 2) return;
	eg_autocorrelation(values, n, lags, r);
	int m = 0;
	for (int k = 1; k <= lags; k++) x[m] = x[m + 1] = x[m + 2] = k, y[m] = 0, y[m + 1] = r[k], y[m + 2] = (double)NAN, m += 3;
	ends[0] = 0, ends[1] = lags;
	above[0] = above[1] = 1.96 / sqrt(there), below[0] = below[1] = -above[0];
	const eg_series lines[3] = {{"", x, y, m}, {"", ends, above, 2}, {"", ends, below, 2}};
	const eg_plot_mark mark = {period, "season"};
	put(s, &(eg_line_plot){.title = "autocorrelation", .x_title = "steps apart; noise is within the lines", .series = lines, .nseries = 3, .marks = &mark,
		.nmarks = period > 1 && period <= lags, .width = 210});
}

eg_status eg_sheet_column(eg_sheet *s, const eg_time_table *t, const eg_time_column *c, int period, eg_error *err) {
	const size_t steps = (size_t)t->steps;
	double *trend = eg_alloc(NULL, (2 * steps + (size_t)8 * POINTS + (size_t)6 * LAGS) * sizeof *trend), ignored[2];
	if (!trend) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a plot");
	double *season = trend + steps, *x = season + steps, *y = x + (ptrdiff_t)4 * POINTS + (ptrdiff_t)3 * LAGS;
	const axis a = axis_of(t);
	int there = 0;
	for (int i = 0; i < t->steps; i++) there += !isnan(c->values[i]);
	eg_status status = EG_OK;
	if (there > 0) status = eg_decompose(c->values, t->steps, period, trend, season, &ignored[0], &ignored[1], err);
	if (!status && there > 0) {
		plot_values(s, &a, c, trend, x, y);
		if (period > 1 && t->steps >= 2 * period) plot_season(s, season, period, x, y);
		plot_autocorrelation(s, c->values, t->steps, there, period, x, y);
	}
	eg_release(NULL, trend);
	return status;
}

/* watch_learn.c - what is normal: two ridge regressions a column, or a forecaster in place of the second, and
 * thresholds of signs by a stated rate of false alarms.
 *
 * The learned rows are cut into five parts. Signs of each part are computed with what the other four taught, so that
 * thresholds are of rows that were not learned; rates beyond what so few rows show are those of an exponential tail
 * above the highest peaks (Pickands 1975, with shape 0). A forecaster is fitted once, on the first two parts; the sizes
 * of its errors and the thresholds of signs made of them are of the other three. */
#include "series/watch.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 5, FITTED = 2, PEAKS = 10, LEAST_ROWS = 100, LEAST_FORECAST = 500 };
static const double penalty = 1e-6;

/* How much of the false alarms each sign may raise. Spikes of nature are the most like faults. */
static const double budgets[3][EG_SIGNS] = {
	[EG_WATCH_SIGNS] = {[EG_SIGN_JUMP] = 0.05, [EG_SIGN_SPIKE] = 0.35, [EG_SIGN_RANGE] = 0.05, [EG_SIGN_STUCK] = 0.05,
		[EG_SIGN_LEVEL] = 0.1, [EG_SIGN_QUIET] = 0.15, [EG_SIGN_SEASON] = 0.25},
	[EG_WATCH_DIFFERENCES] = {[EG_SIGN_DIFFERENCE] = 1},
	[EG_WATCH_HOLT_WINTERS] = {[EG_SIGN_SMOOTHING] = 1},
};
/* No threshold is below this: what was constant, or short, is no measure. */
static const double least[EG_SIGNS] = {[EG_SIGN_JUMP] = 3, [EG_SIGN_SPIKE] = 2, [EG_SIGN_RANGE] = 0.5, [EG_SIGN_STUCK] = 3,
	[EG_SIGN_LEVEL] = 0.1, [EG_SIGN_QUIET] = 1.4, [EG_SIGN_SEASON] = 1, [EG_SIGN_DIFFERENCE] = 1, [EG_SIGN_SMOOTHING] = 1};

/* Sums of one column in one part: for the season, the level, the step, and how large its errors are. */
typedef enum line { SEASON, LEVEL, STEP, SPREAD, LINES } line;

typedef struct learning {
	eg_watch *w;
	const double *const *columns;
	int n;
	int width[LINES];
	eg_sums *sums;            /* watched x PARTS x LINES */
	double *numbers;          /* of the sums */
	eg_watch_column *parts;   /* PARTS x watched: learned without that part */
	double *signs;            /* watched x EG_SIGNS x n */
	double *row, *scratch;
	int fitted;               /* rows that the forecaster has learned; 0: there is none */
	double *said;             /* its answers, row by row; NULL: there is none */
} learning;

static int part_begin(const learning *l, int part) { return (int)((int64_t)l->n * part / PARTS); }

static const double *row_of(const learning *l, int t) {
	for (int i = 0; i < l->w->ncolumns; i++) l->row[i] = l->columns[i][t];
	return l->row;
}

static bool in_part(const learning *l, int part, int t) { return t >= part_begin(l, part) && t < part_begin(l, part + 1); }

/* ---- what a column is like --------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Range, differences; logarithms where no value is below 0 and they are skewed. `part`: left out; -1: none. */
static int describe(learning *l, int j, int part, eg_watch_column *c) {
	double *sorted = l->scratch, sum = 0, cubes = 0, squares = 0, before = NAN, changes = 0;
	int n = 0, changed = 0;
	for (int t = 0; t < l->n; t++) {
		double y = l->columns[j][t], change = y - before;
		before = y;
		if (isnan(y) || in_part(l, part, t)) continue;
		sorted[n++] = y, sum += y;
		if (!isnan(change)) changes += change * change, changed++;
	}
	if (n == 0) return 0;
	qsort(sorted, (size_t)n, sizeof *sorted, by_size);
	for (int i = 0; i < n; i++) {
		double d = sorted[i] - sum / n;
		squares += d * d, cubes += d * d * d;
	}
	c->low = sorted[0], c->high = sorted[n - 1];
	c->change = sqrt(changes / (changed > 0 ? changed : 1));
	c->logs = c->low >= 0 && cubes / n > pow(squares / n, 1.5);
	c->floor = sorted[n / 10] > 0 ? sorted[n / 10] : sum / n / 10;
	return n;
}

static eg_status describe_all(learning *l, eg_error *err) {
	for (int j = 0; j < l->w->ncolumns; j++) {
		eg_watch_column one = {0}, *c = j < l->w->options.watched ? &l->w->columns[j] : &one;
		int n = describe(l, j, -1, c);
		if (n < LEAST_ROWS)
			return eg_fail(err, EG_ERR_ARG, "column %d has %d values in the %d rows that are learned, and %d at least are needed; learn "
			                                "more rows, or leave it out", j + 1, n, l->n, LEAST_ROWS);
		if (!(c->change > 0))
			return eg_fail(err, EG_ERR_ARG, "column %d is always %g in the %d rows that are learned: nothing can be learned of it; learn "
			                                "others, or leave it out", j + 1, c->low, l->n);
		double sum = 0;
		for (int i = 0; i < n; i++) sum += l->scratch[i];
		l->w->mean[j] = sum / n;
	}
	for (int part = 0; part < PARTS; part++)
		for (int j = 0; j < l->w->options.watched; j++) {
			eg_watch_column *c = &l->parts[part * l->w->options.watched + j];
			const eg_watch_column *whole = &l->w->columns[j];
			*c = *whole;
			if (describe(l, j, part, c) == 0 || !(c->change > 0)) *c = *whole;
			c->logs = whole->logs, c->floor = whole->floor, c->change = whole->change;
		}
	return EG_OK;
}

/* ---- regressions ------------------------------------------------------------------------------------------------- */

static eg_sums *sums_of(const learning *l, int j, int part, line k) { return &l->sums[(j * PARTS + part) * LINES + (int)k]; }

static size_t sums_size(int k) { return (size_t)k * (size_t)k + 2 * (size_t)k; }

/* The first row whose forecast is of what has not learned that row: of a regression each, as parts are left out. */
static int unknown_from(const learning *l, int j) { return l->said && l->w->told[j] ? l->fitted : 0; }

/* Every run through the rows that are learned. */
static eg_watch_run *run_new(const learning *l, const eg_watch_column *columns) {
	eg_watch_run *r = eg_watch_run_new(l->w, columns);
	if (r) r->said_before = l->said;
	return r;
}

/* Adds a row to its part's sums. The size of errors is of those that the line of all parts leaves. */
static void add_row(learning *l, const eg_watch_run *r, int j, double y, double z, bool spread) {
	const eg_watch_column *c = &l->w->columns[j];
	const int t = (int)r->row;
	int part = 0;
	while (!in_part(l, part, t)) part++;
	for (int k = spread ? SPREAD : 0; k < (spread ? LINES : SPREAD); k++) {
		double to = k == SEASON ? y : z;
		if (k >= STEP && t < EG_WATCH_LAGS) continue;
		if (spread) to = fmin(6, fabs(z - eg_watch_expected(r, c, j)) / c->step_scale);
		if (isnan(to) || (spread && t < unknown_from(l, j))) continue;
		eg_sums_add(sums_of(l, j, part, (line)k), r->x, l->width[k], to);
	}
}

/* Every row once through all columns. */
static eg_status gather(learning *l, bool spread, eg_error *err) {
	eg_watch_run *r = run_new(l, l->w->columns);
	if (!r) return eg_series_no_memory(err);
	for (int t = 0; t < l->n; t++, r->row++) {
		const double *row = row_of(l, t);
		eg_watch_take(r, row);
		for (int j = 0; j < l->w->options.watched; j++) {
			double z = eg_watch_features(r, j);
			if (!isnan(row[j])) add_row(l, r, j, row[j], z, spread);
			eg_watch_keep(r, j, z);
		}
	}
	eg_watch_end(r);
	return EG_OK;
}

/* All parts but one; -1: all. */
static void add_up(const learning *l, int j, int without, line which, eg_sums *to) {
	const int k = l->width[which];
	for (size_t i = 0; i < sums_size(k); i++) to->xx[i] = 0;
	to->y = to->yy = 0, to->n = 0;
	for (int part = 0; part < PARTS; part++) {
		const eg_sums *s = sums_of(l, j, part, which);
		if (part == without) continue;
		for (size_t i = 0; i < sums_size(k); i++) to->xx[i] += s->xx[i];
		to->y += s->y, to->yy += s->yy, to->n += s->n;
	}
}

/* The season by its waves, and what its shift would do to errors: it is filtered as values are. */
static void season_of(const learning *l, const double *weight, eg_watch_column *c) {
	const int period = l->w->options.period;
	const double *phi = c->step + l->w->nstep - EG_WATCH_LAGS;
	for (int p = 0; p < period; p++) {
		c->season[p] = 0;
		for (int i = 0; i < l->width[SEASON] / 2; i++) {
			double angle = 6.283185307179586476925 * (i + 1) * p / period;
			c->season[p] += weight[2 * i] * sin(angle) + weight[2 * i + 1] * cos(angle);
		}
	}
	for (int p = 0; p < period; p++) {
		c->turned[p] = c->season[(p + period / 2) % period] - c->season[p];
		for (int lag = 1; lag <= EG_WATCH_LAGS; lag++) {
			int q = (p + (lag / period + 1) * period - lag) % period;
			c->turned[p] -= phi[lag - 1] * (c->season[(q + period / 2) % period] - c->season[q]);
		}
	}
}

static void fit_line(learning *l, int j, int without, line which, double *weight, double *level) {
	const int most = l->w->nstep, k = l->width[which];
	double *a = l->scratch, *scale = a + (ptrdiff_t)most * most;
	eg_sums all = {.xx = scale + most};
	all.x = all.xx + (ptrdiff_t)k * k, all.xy = all.x + k;
	add_up(l, j, without, which, &all);
	if (all.n > 0 && eg_sums_solve(&all, k, penalty, a, scale, weight, level)) return;
	for (int i = 0; i < k; i++) weight[i] = 0;
}

static bool fit_column(learning *l, int j, int without, eg_watch_column *c) {
	const int most = l->w->nstep;
	eg_arena *arena = &l->w->arena;
	const size_t period = (size_t)l->w->options.period + 1;
	double waves[2 * EG_WATCH_WAVES + 1] = {0}, ignored;
	c->level = eg_arena_alloc(arena, 3 * (size_t)most * sizeof *c->level);
	c->season = eg_arena_alloc(arena, 2 * period * sizeof *c->season);
	if (!c->level || !c->season) return false;
	c->step = c->level + most, c->spread = c->step + most, c->turned = c->season + period;
	fit_line(l, j, without, STEP, c->step, &c->step_0);
	fit_line(l, j, without, LEVEL, c->level, &c->level_0);
	fit_line(l, j, without, SEASON, waves, &ignored);
	season_of(l, waves, c);
	return true;
}

/* The columns of a part, or of all. */
static eg_watch_column *column_of(learning *l, int part, int j) {
	return part < 0 ? &l->w->columns[j] : &l->parts[part * l->w->options.watched + j];
}

static eg_status fit_all(learning *l, eg_error *err) {
	for (int j = 0; j < l->w->options.watched; j++)
		for (int part = -1; part < PARTS; part++)
			if (!fit_column(l, j, part, column_of(l, part, j))) return eg_series_no_memory(err);
	return EG_OK;
}

static void fit_spreads(learning *l) {
	for (int j = 0; j < l->w->options.watched; j++)
		for (int part = -1; part < PARTS; part++) {
			eg_watch_column *c = column_of(l, part, j);
			fit_line(l, j, part, SPREAD, c->spread, &c->spread_0);
		}
}

/* Deviations of what the lines leave, where they were fitted. */
static eg_status measure(learning *l, eg_error *err) {
	const int watched = l->w->options.watched;
	eg_watch_run *r = run_new(l, l->w->columns);
	double *sums = eg_calloc(NULL, (size_t)(PARTS + 1) * (size_t)watched * 4, sizeof *sums);
	if (!r || !sums) return eg_watch_end(r), eg_release(NULL, sums), eg_series_no_memory(err);
	for (int t = 0; t < l->n; t++, r->row++) {
		const double *row = row_of(l, t);
		eg_watch_take(r, row);
		for (int j = 0; j < watched; j++) {
			double z = eg_watch_features(r, j);
			for (int part = 0; part <= PARTS && !isnan(row[j]) && t >= EG_WATCH_LAGS; part++) {
				const eg_watch_column *c = part < PARTS ? &l->parts[part * watched + j] : &l->w->columns[j];
				double far = z - eg_watch_line(c->level, c->level_0, r->x, l->w->nlevel);
				double e = z - eg_watch_expected(r, c, j), *s = sums + (ptrdiff_t)(part * watched + j) * 4;
				if (in_part(l, part, t)) continue;
				s[0] += far * far, s[1]++;
				if (!isnan(e) && t >= unknown_from(l, j)) s[2] += e * e, s[3]++;
			}
			eg_watch_keep(r, j, z);
		}
	}
	for (int i = 0; i < (PARTS + 1) * watched; i++) {
		eg_watch_column *c = i < PARTS * watched ? &l->parts[i] : &l->w->columns[i - PARTS * watched];
		const double *s = sums + (ptrdiff_t)i * 4;
		c->level_scale = fmax(sqrt(s[0] / fmax(s[1], 1)), 1e-9 * c->change);
		c->step_scale = fmax(sqrt(s[2] / fmax(s[3], 1)), 1e-9 * c->change);
	}
	eg_watch_end(r);
	eg_release(NULL, sums);
	return EG_OK;
}

/* ---- Holt-Winters, for comparison -------------------------------------------------------------------------------- */

static eg_status fit_smoothing(learning *l, int j, eg_error *err) {
	enum { MOST = 3000 };
	eg_ets *e = eg_arena_alloc(&l->w->arena, sizeof *e);
	const int period = l->w->options.period, most = 8 * period > MOST ? 8 * period : MOST, n = l->n < most ? l->n : most;
	const eg_ets_form form = {.error = 'A', .trend = 'A', .season = period > 1 ? 'A' : 'N', .period = period > 1 ? period : 1};
	const eg_past past = {.values = l->columns[j] + l->n - n, .n = n, .period = form.period};
	if (!e) return eg_series_no_memory(err);
	eg_status status = eg_ets_estimate(&past, form, false, &l->w->arena, e, err);
	l->w->columns[j].smoothing = e;
	for (int part = 0; part < PARTS; part++) l->parts[part * l->w->options.watched + j].smoothing = e;
	return status;
}

/* ---- thresholds -------------------------------------------------------------------------------------------------- */

/* The value above which there are so many events in n rows, which may be less than one: of the highest values of pieces
 * of `gap` rows, the mean of what the first few have above the next. */
static double threshold_of(const double *v, int n, int gap, double expected, double *peaks) {
	int count = 0, top;
	for (int t = 0; t < n; t++) {
		if (t % gap == 0) peaks[count++] = 0;
		peaks[count - 1] = fmax(peaks[count - 1], v[t]);
	}
	qsort(peaks, (size_t)count, sizeof *peaks, by_size);
	top = (int)fmax(PEAKS, 3 * expected);
	if (top > count / 2) top = count / 2;
	if (top < 1) return peaks[count - 1];
	double base = peaks[count - 1 - top], beyond = 0;
	for (int i = count - top; i < count; i++) beyond += peaks[i] - base;
	return base + beyond / top * log(fmax(top / expected, 1));
}

static eg_status measure_signs(learning *l, eg_error *err) {
	const int watched = l->w->options.watched;
	for (int part = 0; part < PARTS; part++) {
		eg_watch_run *r = run_new(l, l->parts + (ptrdiff_t)part * watched);
		if (!r) return eg_series_no_memory(err);
		for (int t = 0; t < part_begin(l, part + 1); t++, r->row++) {
			const double *row = row_of(l, t);
			eg_watch_take(r, row);
			for (int j = 0; j < watched; j++) {
				double signs[EG_SIGNS], z = eg_watch_features(r, j);
				eg_watch_signs(r, j, row[j], z, signs);
				eg_watch_keep(r, j, z);
				for (int i = 0; i < EG_SIGNS && in_part(l, part, t); i++) l->signs[((ptrdiff_t)j * EG_SIGNS + i) * l->n + t] = signs[i];
			}
		}
		eg_watch_end(r);
	}
	return EG_OK;
}

/* A season whose window is a large part of the rows shows in the level; its own sign would have too few windows. */
static bool has_season_sign(const learning *l) { return l->w->options.period > 1 && 60 * (int64_t)l->w->options.period <= l->n; }

static int window_of(const learning *l, int sign) {
	return sign == EG_SIGN_LEVEL ? l->w->level : sign == EG_SIGN_QUIET ? l->w->quiet : sign == EG_SIGN_SEASON ? l->w->season : 1;
}

/* Values of a window that overlap are no two events. */
static int gap_of(const learning *l, int sign) {
	const int window = window_of(l, sign);
	return window > l->w->options.gap ? window : l->w->options.gap;
}

/* The rows before this one say nothing of normal ones: a forecaster has learned what is in their windows. */
static int blind_until(const learning *l, int j, int sign) {
	const bool of_errors = sign == EG_SIGN_JUMP || sign == EG_SIGN_QUIET || sign == EG_SIGN_SEASON;
	return of_errors && unknown_from(l, j) > 0 ? l->fitted + window_of(l, sign) - 1 : 0;
}

static void set_thresholds(learning *l) {
	const eg_watch_options *o = &l->w->options;
	double all = 0;
	for (int i = 0; i < EG_SIGNS; i++) all += i == EG_SIGN_SEASON && !has_season_sign(l) ? 0 : budgets[o->way][i];
	for (int j = 0; j < o->watched; j++)
		for (int i = 0; i < EG_SIGNS; i++) {
			double share = budgets[o->way][i] / all / o->watched, *to = &l->w->columns[j].threshold[i];
			*to = NAN;
			if (share <= 0 || (i == EG_SIGN_SEASON && !has_season_sign(l))) continue;
			/* the first rows have no windows yet */
			const int first = l->n / PARTS < 2 * EG_WATCH_LAGS ? 0 : 2 * EG_WATCH_LAGS, blind = blind_until(l, j, i);
			const int from = first > blind ? first : blind;
			const double *v = l->signs + ((ptrdiff_t)j * EG_SIGNS + i) * l->n + from;
			*to = threshold_of(v, l->n - from, gap_of(l, i), share * o->per_1000 / 1000 * (l->n - blind), l->scratch);
			if (i == EG_SIGN_STUCK) *to = floor(*to) + 1; /* one longer than it may be */
			*to = fmax(least[i], *to);
		}
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static void set_widths(learning *l) {
	eg_watch *w = l->w;
	const eg_watch_options *o = &w->options;
	const int season = o->period > 1 ? 2 * eg_watch_waves(o->period) : 0, year = o->year > 0 ? 4 : 0, others = w->ncolumns - 1;
	w->nlevel = season + year + others;
	w->nstep = w->nlevel + others + EG_WATCH_LAGS;
	w->level = l->n / 10 < 48 ? l->n / 10 : 48;
	w->quiet = l->n / 6 < 144 ? l->n / 6 : 144;
	w->season = o->period < 2 ? 1 : 3 * o->period < l->n / 2 ? 3 * o->period : l->n / 2;
	l->width[SEASON] = season, l->width[LEVEL] = w->nlevel, l->width[STEP] = l->width[SPREAD] = w->nstep;
}

static bool get_memory(learning *l) {
	eg_watch *w = l->w;
	const size_t watched = (size_t)w->options.watched, n = (size_t)l->n, k = (size_t)w->nstep;
	size_t each = 0;
	for (int i = 0; i < LINES; i++) each += sums_size(l->width[i]);
	size_t scratch = sums_size(w->nstep) + k * k + 2 * k;
	l->sums = eg_calloc(NULL, watched * PARTS * LINES, sizeof *l->sums);
	l->numbers = eg_calloc(NULL, watched * PARTS * each + 1, sizeof *l->numbers);
	l->parts = eg_calloc(NULL, watched * PARTS, sizeof *l->parts);
	l->signs = eg_calloc(NULL, watched * EG_SIGNS * n, sizeof *l->signs);
	l->row = eg_calloc(NULL, (size_t)w->ncolumns, sizeof *l->row);
	l->scratch = eg_calloc(NULL, scratch > n ? scratch : n, sizeof *l->scratch);
	w->mean = eg_arena_alloc(&w->arena, (size_t)w->ncolumns * sizeof *w->mean);
	w->columns = eg_arena_alloc(&w->arena, watched * sizeof *w->columns);
	if (!l->sums || !l->numbers || !l->parts || !l->signs || !l->row || !l->scratch || !w->mean || !w->columns) return false;
	double *at = l->numbers;
	for (size_t i = 0; i < watched * PARTS * LINES; i++) {
		const ptrdiff_t width = l->width[i % LINES];
		l->sums[i] = (eg_sums){.xx = at, .x = at + width * width, .xy = at + width * width + width};
		at += sums_size((int)width);
	}
	return true;
}

/* The forecaster learns the first parts. */
static eg_status fit_forecaster(learning *l, eg_error *err) {
	const eg_watch_forecaster *f = l->w->options.forecaster;
	double *z = eg_calloc(NULL, (size_t)f->ncolumns * (size_t)l->n, sizeof *z), *to = z;
	const double **shown = eg_calloc(NULL, (size_t)l->w->ncolumns, sizeof *shown);
	l->w->told = eg_arena_alloc(&l->w->arena, (size_t)l->w->options.watched * sizeof *l->w->told);
	eg_status status = z && shown && l->w->told ? EG_OK : eg_series_no_memory(err);
	for (int i = 0; i < l->w->ncolumns && !status; i++) shown[i] = l->columns[i];
	for (int i = 0; i < l->w->options.watched && !status; i++) l->w->told[i] = false;
	for (int i = 0; i < f->ncolumns && !status; i++, to += l->n) {
		const int j = f->columns[i];
		for (int t = 0; t < l->n; t++)
			to[t] = isnan(l->columns[j][t]) ? (double)NAN : eg_watch_z(&l->w->columns[j], l->columns[j][t]);
		shown[j] = to, l->w->told[j] = true;
	}
	if (!status) status = f->fit(f->user, shown, part_begin(l, FITTED), err);
	eg_release(NULL, (void *)(size_t)shown);
	eg_release(NULL, z);
	return status;
}

/* Then it says something of every row. */
static eg_status forecast_rows(learning *l, eg_error *err) {
	const eg_watch_forecaster *f = l->w->options.forecaster;
	const int fitted = part_begin(l, FITTED), k = f->ncolumns;
	eg_status status = fit_forecaster(l, err);
	double *said = status ? NULL : eg_calloc(NULL, (size_t)k * (size_t)l->n, sizeof *said);
	eg_watch_run *r = said ? eg_watch_run_new(l->w, l->w->columns) : NULL;
	if (!status && !r) status = eg_series_no_memory(err);
	int64_t there = 0;
	for (int t = 0; t < l->n && !status; t++, r->row++) {
		eg_watch_take(r, row_of(l, t));
		memcpy(said + (ptrdiff_t)t * k, r->answer, (size_t)k * sizeof *said);
		for (int i = 0; i < k && t >= fitted; i++) there += !isnan(r->answer[i]);
	}
	if (!status && 2 * there < (int64_t)k * (l->n - fitted))
		status = eg_fail(err, EG_ERR_NUMERIC, "the network has an answer for %lld of the %d rows that thresholds are to be of; it looks back "
		                                      "%d rows, or its weights are no numbers", (long long)(there / k), l->n - fitted, f->past);
	eg_watch_end(r);
	if (status) return eg_release(NULL, said), status;
	l->said = said, l->fitted = fitted;
	return EG_OK;
}

static eg_status learn(learning *l, eg_error *err) {
	eg_watch *w = l->w;
	const int watched = w->options.watched;
	set_widths(l);
	if (!get_memory(l)) return eg_series_no_memory(err);
	eg_status status = describe_all(l, err);
	if (!status && w->options.forecaster) status = forecast_rows(l, err);
	if (!status) status = gather(l, false, err);
	if (!status) status = fit_all(l, err);
	for (int j = 0; j < watched && !status && w->options.way == EG_WATCH_HOLT_WINTERS; j++) status = fit_smoothing(l, j, err);
	if (!status) status = measure(l, err);
	if (!status) status = gather(l, true, err);
	if (!status) fit_spreads(l);
	if (!status) status = measure_signs(l, err);
	if (status) return status;
	set_thresholds(l);
	w->begin = run_new(l, w->columns);
	if (!w->begin) return eg_series_no_memory(err);
	eg_watch_now now;
	eg_watch_event event;
	for (int t = 0; t < l->n; t++) eg_watch_step(w->begin, row_of(l, t), &now);
	eg_watch_finish(w->begin, &event);
	w->begin->said_before = NULL;
	return EG_OK;
}

static eg_status check(const eg_watch_options *o, int ncolumns, int n, eg_error *err) {
	if (o->watched < 1 || o->watched > ncolumns || o->persist < 1 || o->persist > EG_WATCH_PERSIST || o->gap < 1 || !(o->per_1000 > 0))
		return eg_fail(err, EG_ERR_ARG,
		        "%d of %d columns to watch, %d rows to persist, %d rows to end an event, %g false alarms in 1,000: at least one column, 1 "
		        "to %d rows, 1 row, and a rate above 0 are needed", o->watched, ncolumns, o->persist, o->gap, o->per_1000, EG_WATCH_PERSIST);
	const eg_watch_forecaster *f = o->forecaster;
	if (f && (f->ncolumns < 1 || f->past < 1))
		return eg_fail(err, EG_ERR_ARG, "the network tells %d columns from %d rows; one of each is needed", f->ncolumns, f->past);
	for (int i = 0; f && i < f->ncolumns; i++)
		if (f->columns[i] < 0 || f->columns[i] >= o->watched)
			return eg_fail(err, EG_ERR_ARG, "the network tells column %d of %d that are watched; watch that column", f->columns[i] + 1,
			        o->watched);
	if (f && n < LEAST_FORECAST)
		return eg_fail(err, EG_ERR_ARG, "%d rows are learned, and a network needs %d at least: two fifths of them train it, and "
		                                "thresholds are of the others; give more rows, or leave the network out", n, LEAST_FORECAST);
	if (n < LEAST_ROWS || (o->period > 1 && n < 2 * o->period))
		return eg_fail(err, EG_ERR_ARG, "%d rows are learned, and %d at least are needed%s; give more", n,
		        o->period > LEAST_ROWS / 2 ? 2 * o->period : LEAST_ROWS, o->period > LEAST_ROWS / 2 ? " (two seasons)" : "");
	return EG_OK;
}

eg_status eg_watch_learn(const double *const *columns, int ncolumns, int n, const eg_watch_options *options,
	eg_watch **watch, eg_error *err) {
	static const eg_watch_options defaults = EG_WATCH_OPTIONS;
	if (!options) options = &defaults;
	*watch = NULL;
	eg_status status = check(options, ncolumns, n, err);
	if (status) return status;
	eg_watch *w = eg_calloc(NULL, 1, sizeof *w);
	if (!w) return eg_series_no_memory(err);
	w->options = *options, w->ncolumns = ncolumns, w->rows = n;
	learning l = {.w = w, .columns = columns, .n = n};
	status = learn(&l, err);
	eg_release(NULL, l.sums);
	eg_release(NULL, l.numbers);
	eg_release(NULL, l.parts);
	eg_release(NULL, l.signs);
	eg_release(NULL, l.row);
	eg_release(NULL, l.scratch);
	eg_release(NULL, l.said);
	if (status)
		eg_watch_free(w);
	else
		*watch = w;
	return status;
}

void eg_watch_free(eg_watch *w) {
	if (!w) return;
	eg_watch_end(w->begin);
	eg_arena_free(&w->arena);
	eg_release(NULL, w);
}

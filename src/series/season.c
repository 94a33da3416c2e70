/* season.c - what a series looks like: autocorrelation, its season by moving averages, how strong that is, the period,
 * and how often it is to be differenced. */
#include "series/series.h"

#include <string.h>

int eg_series_counted(const double *y, int n) {
	int counted = 0;
	for (int t = 0; t < n; t++) counted += !isnan(y[t]);
	return counted;
}

int eg_series_last(const double *y, int n) {
	while (n > 0 && isnan(y[n - 1])) n--;
	return n - 1;
}

void eg_autocorrelation(const double *y, int n, int lags, double *r) {
	double mean = 0, around = 0;
	int counted = eg_series_counted(y, n);
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) mean += y[t] / counted;
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) around += (y[t] - mean) * (y[t] - mean);
	for (int k = 0; k <= lags; k++) {
		double sum = 0;
		int pairs = 0;
		for (int t = k; t < n; t++)
			if (!isnan(y[t]) && !isnan(y[t - k])) sum += (y[t] - mean) * (y[t - k] - mean), pairs++;
		/* without gaps pairs + k is what is counted; a pair of which one is missing says nothing, not 0 */
		r[k] = around > 0 ? sum / around * ((double)counted / (pairs + k)) : k == 0;
	}
}

/* ---- the season -------------------------------------------------------------------------------------------------- */

/* Trend at t: the mean of the season around it, of an even period with half weights at the ends (NAN near the ends, and
 * where a value is missing). */
static double trend_at(const double *y, int n, int period, int t) {
	int half = period / 2;
	if (t < half || t + half >= n) return NAN;
	double sum = 0;
	for (int i = -half; i <= half; i++) sum += y[t + i] * (period % 2 == 0 && (i == -half || i == half) ? 0.5 : 1);
	return sum / period;
}

bool eg_season_indices(const double *y, int n, int period, bool multiplicative, double *index) {
	int *count = eg_calloc(NULL, (size_t)period, sizeof *count);
	if (!count) return false;
	for (int i = 0; i < period; i++) index[i] = 0;
	for (int t = 0; t < n; t++) {
		double trend = trend_at(y, n, period, t), v = multiplicative ? y[t] / trend : y[t] - trend;
		if (!isfinite(v)) continue;
		index[t % period] += v;
		count[t % period]++;
	}
	double mean = 0;
	for (int i = 0; i < period; i++) {
		index[i] = count[i] > 0 ? index[i] / count[i] : multiplicative;
		mean += index[i] / period;
	}
	for (int i = 0; i < period; i++) {
		if (multiplicative && mean != 0) index[i] /= mean;
		if (!multiplicative) index[i] -= mean;
	}
	eg_release(NULL, count);
	return true;
}

/* 1 - variance of what remains / variance of that with the season. NAN: not enough values, or no memory. */
static double season_strength(const double *y, int n, int period) {
	double s[2] = {0, 0}, ss[2] = {0, 0};
	double *index = eg_alloc(NULL, (size_t)period * sizeof *index);
	int counted = 0;
	if (!index || n < 2 * period || !eg_season_indices(y, n, period, false, index)) return eg_release(NULL, index), (double)NAN;
	for (int t = 0; t < n; t++) {
		double without = y[t] - trend_at(y, n, period, t), v[2] = {without - index[t % period], without};
		if (isnan(without)) continue;
		counted++;
		for (int i = 0; i < 2; i++) s[i] += v[i], ss[i] += v[i] * v[i];
	}
	eg_release(NULL, index);
	if (counted < period + 2) return NAN;
	double rest = ss[0] - s[0] * s[0] / counted, all = ss[1] - s[1] * s[1] / counted;
	return all > 0 ? fmax(0, 1 - rest / all) : 0;
}

/* Sums for a variance. */
typedef struct moments {
	double sum, squares;
	int n;
} moments;

static void sums_add(moments *s, double v) { s->sum += v, s->squares += v * v, s->n++; }
static double sums_variance(const moments *s) { return fmax(0, s->squares - s->sum * s->sum / s->n); }

/* The mean of what is there of the `window` steps around each, of half of them at least: of a series without a season,
 * whose gaps do no harm then. Near the ends NAN. */
static void running_mean(const double *y, int n, int window, double *mean) {
	const int half = window / 2;
	double sum = 0;
	int there = 0;
	for (int t = -half; t < n; t++) {
		const double in = t + half < n ? y[t + half] : (double)NAN, out = t - half - 1 >= 0 ? y[t - half - 1] : (double)NAN;
		if (!isnan(in)) sum += in, there++;
		if (!isnan(out)) sum -= out, there--;
		if (t >= 0) mean[t] = t >= half && t + half < n && 2 * there > window ? sum / there : (double)NAN;
	}
}

eg_status eg_decompose(const double *y, int n, int period, double *trend, double *season, double *trend_strength,
	double *season_strength, eg_error *err) {
	const bool seasonal = period > 1 && n >= 2 * period;
	const int window = seasonal ? period : n / 10 | 1;
	double *index = eg_calloc(NULL, (size_t)(seasonal ? period : n > 0 ? n : 1), sizeof *index);
	if (!index || (seasonal && !eg_season_indices(y, n, period, false, index))) return eg_release(NULL, index), eg_series_no_memory(err);
	if (!seasonal) running_mean(y, n, window, index);
	moments rest = {0}, without_season = {0}, without_trend = {0};
	for (int t = 0; t < n; t++) {
		const double level = seasonal ? trend_at(y, n, period, t) : index[t], s = seasonal ? index[t % period] : 0;
		if (trend) trend[t] = level;
		if (season) season[t] = s;
		if (isnan(y[t] - level)) continue;
		sums_add(&rest, y[t] - level - s);
		sums_add(&without_season, y[t] - s);
		sums_add(&without_trend, y[t] - level);
	}
	eg_release(NULL, index);
	const bool enough = rest.n > 2;
	*trend_strength = !enough ? (double)NAN : sums_variance(&without_season) > 0 ? fmax(0, 1 - sums_variance(&rest) / sums_variance(&without_season)) : 0;
	*season_strength = !enough || !seasonal ? (double)NAN : sums_variance(&without_trend) > 0 ? fmax(0, 1 - sums_variance(&rest) / sums_variance(&without_trend)) : 0;
	return EG_OK;
}

/* ---- the period -------------------------------------------------------------------------------------------------- */

/* Without its line: differences would turn a season of some length into noise. */
static bool detrended(const double *y, int n, double *out) {
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	int m = eg_series_counted(y, n);
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) sx += t, sy += y[t], sxx += (double)t * t, sxy += t * y[t];
	double slope = m > 1 ? (m * sxy - sx * sy) / (m * sxx - sx * sx) : 0, level = m > 0 ? (sy - slope * sx) / m : 0;
	for (int t = 0; t < n; t++) out[t] = y[t] - level - slope * t;
	return m > 1;
}

/* The season explains much more than one of a step more or less does: noise may move the peaks of a smooth one. Of long
 * series peaks are exact, and this is not asked. */
static bool explains(const double *y, int n, int k) {
	const double most = 4e6, margin = 0.1;
	if (k < 6 || (double)n * k > most) return false;
	const double here = season_strength(y, n, k);
	return here > season_strength(y, n, k - 1) + margin && here > season_strength(y, n, k + 1) + margin;
}

/* Is there a season of this period? Its autocorrelation is a peak, of the values and of their differences alike, and
 * stands out: one that the calendar suggests of what the shorter lags explain (Bartlett 1946, at 5 % one-sided); among
 * all lags, some of which stand out by chance, of noise by 3.5 deviations. */
static bool stands_out(const double *y, const double *r, const double *rd, int n, int k, bool suggested) {
	double sum_d = 0;
	for (int i = 1; i < k; i++) sum_d += rd[i] * rd[i];
	if (!(r[k] > 0.1) || !(rd[k] > (suggested ? 1.645 * sqrt((1 + 2 * sum_d) / n) : 3.5 / sqrt(n)))) return false;
	return (r[k] > r[k - 1] && rd[k] > rd[k - 1] && rd[k] > rd[k + 1]) || explains(y, n, k);
}

eg_status eg_find_period(
	const double *y, int n, const int *tried, int ntried, int *period, double *strength, eg_error *err) {
	int most = n / 3;
	for (int i = 0; i < ntried && tried; i++) most = tried[i] > most || i == 0 ? tried[i] : most;
	if (most > n / 2) most = n / 2;
	*period = 1, *strength = 0;
	if (most < 2) return EG_OK;
	if (!tried && most > 400) most = 400;
	double *x = eg_alloc(NULL, (2 * (size_t)n + 2 * ((size_t)most + 2)) * sizeof *x);
	if (!x) return eg_series_no_memory(err);
	double *steps = x + n, *r = steps + n, *rd = r + most + 2;
	if (detrended(y, n, x)) {
		for (int t = 1; t < n; t++) steps[t - 1] = y[t] - y[t - 1];
		eg_autocorrelation(x, n, most + 1, r);
		eg_autocorrelation(steps, n - 1, most + 1, rd);
		for (int i = 0; i < (tried ? ntried : most - 1); i++) {
			int k = tried ? tried[i] : i + 2;
			/* a multiple of a season is one, too */
			const double beyond = *period > 1 && 2 * k > 3 * *period ? 0.05 : 0;
			if (k < 2 || k > most || !stands_out(y, r, rd, n, k, tried != NULL) || !(rd[k] > *strength + beyond)) continue;
			*period = k, *strength = rd[k];
		}
		/* of a season of a day the week is a multiple */
		for (int i = 0; i < ntried && tried; i++)
			if (tried[i] > 1 && tried[i] < *period && *period % tried[i] == 0 && rd[tried[i]] >= rd[*period] && r[tried[i]] > r[*period])
				*period = tried[i];
		for (int k = *period - 1; k <= *period + 1 && !tried; k += 2)
			if (k > 1 && k <= most && explains(y, n, k)) *period = k;
		if (*period > 1) *strength = r[*period];
	}
	eg_release(NULL, x);
	return EG_OK;
}

/* ---- differences ------------------------------------------------------------------------------------------------- */

/* KPSS's statistic for a level: sums of what is left beside the mean, against the long-run variance with Bartlett's
 * window of 4 (n/100)^(1/4) lags. */
static double kpss(const double *y, int n) {
	double mean = 0, sum = 0, squares = 0, variance = 0;
	int m = 0;
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) mean += y[t], m++;
	if (m < 4) return 0;
	mean /= m;
	int lags = (int)floor(4 * pow(m / 100.0, 0.25));
	for (int k = 0; k <= lags; k++)
		for (int t = k; t < n; t++)
			if (!isnan(y[t]) && !isnan(y[t - k]))
				variance += (y[t] - mean) * (y[t - k] - mean) / m * (k ? 2 * (1 - k / (lags + 1.0)) : 1);
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) sum += y[t] - mean, squares += sum * sum;
	return variance > 0 ? squares / ((double)m * m) / variance : 0;
}

eg_status eg_find_differences(const eg_past *past, int *d, int *D, eg_error *err) {
	const double level_5_percent = 0.463, strong = 0.64;
	const int s = past->period;
	int n = past->n;
	double *x = eg_alloc(NULL, ((size_t)n + 1) * sizeof *x);
	*d = *D = 0;
	if (!x) return eg_series_no_memory(err);
	memcpy(x, past->values, (size_t)n * sizeof *x);
	if (s > 1 && n >= 2 * s + 5 && season_strength(x, n, s) > strong) {
		for (int t = 0; t + s < n; t++) x[t] = x[t + s] - x[t];
		n -= s, *D = 1;
	}
	while (*d < 2 && n > 5 && kpss(x, n) > level_5_percent) {
		for (int t = 0; t + 1 < n; t++) x[t] = x[t + 1] - x[t];
		n--, ++*d;
	}
	eg_release(NULL, x);
	return EG_OK;
}

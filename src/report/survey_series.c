/* survey_series.c - what a column of a series looks like, and what is odd about it: gaps, season, trend, spikes, a
 * value that never changes. How often and how large its numbers are: survey.c. */
#include "engram_series.h"
#include "report/survey.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b) {
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Values that lie far from both neighbours, on one side: ten times the median change, which need not be told of a
 * column that hardly ever changes. */
static void find_spikes(const double *y, int n, double *changes, eg_series_look *look) {
	int m = 0;
	for (int t = 1; t < n; t++)
		if (!isnan(y[t] - y[t - 1])) changes[m++] = fabs(y[t] - y[t - 1]);
	qsort(changes, (size_t)m, sizeof *changes, by_size);
	const double limit = m > 0 ? 10 * changes[m / 2] : 0;
	double most = 0;
	for (int t = 1; t + 1 < n && limit > 0; t++) {
		const double up = y[t] - y[t - 1], down = y[t] - y[t + 1];
		if (!(up * down > 0) || !(fmin(fabs(up), fabs(down)) > limit)) continue;
		look->spikes++;
		if (fmin(fabs(up), fabs(down)) > most) most = fmin(fabs(up), fabs(down)), look->spike_at = t;
	}
}

eg_status eg_look_at_series(const float *at, int stride, int n, const int *tried, eg_series_look *look, eg_error *err) {
	double *y = eg_alloc(NULL, 2 * ((size_t)n + 1) * sizeof *y), r[2] = {0, 0}, strength;
	int gap = 0, there = 0, period = 1, ntried = 0;
	while (tried && tried[ntried]) ntried++;
	*look = (eg_series_look){.lag1 = NAN, .trend = NAN, .season = NAN, .constant = true};
	if (!y) return eg_fail(err, EG_ERR_MEMORY, "out of memory for what is in the data");
	for (int t = 0; t < n; t++) {
		y[t] = (double)at[(ptrdiff_t)t * stride];
		gap = isnan(y[t]) ? gap + 1 : 0;
		if (gap > look->longest_gap) look->longest_gap = gap;
		there += gap == 0;
	}
	double first = NAN;
	for (int t = 0; t < n; t++) {
		if (isnan(first)) first = y[t];
		if (!isnan(y[t]) && y[t] != first) look->constant = false;
	}
	eg_status status = EG_OK;
	look->constant = look->constant && there > 1;
	if (!look->constant && there > 2) {
		find_spikes(y, n, y + n, look);
		eg_autocorrelation(y, n, 1, r);
		look->lag1 = r[1];
		status = eg_find_period(y, n, ntried ? tried : NULL, ntried, &period, &strength, err);
		if (!status) status = eg_decompose(y, n, period, NULL, NULL, &look->trend, &look->season, err);
		look->period = period;
		/* a wave that stands out, and explains nothing */
		if (!(look->season >= 0.1)) look->period = 1, look->season = NAN;
	}
	eg_release(NULL, y);
	return status;
}

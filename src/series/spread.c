/* spread.c - intervals around forecasts from errors that were made on values kept aside, without saying how they are
 * distributed: their quantiles (split conformal: Papadopoulos and others 2002), of forecasts of about the same size.
 * Errors of many series grow with what is forecast, and are skewed. */
#include "series/window.h"

#include <stdlib.h>

enum { FEWEST = 40, BIN = 200, BINS_MOST = 24 };

static int by_forecast(const void *a, const void *b) {
	const eg_error_pair *x = a, *y = b;
	return (x->forecast > y->forecast) - (x->forecast < y->forecast);
}

static int by_size(const void *a, const void *b) {
	const eg_error_pair *x = a, *y = b;
	return (x->error > y->error) - (x->error < y->error);
}

/* Of sorted errors: place p (n + 1) from 1, so that one value more lies below with probability p. */
static double quantile(const eg_error_pair *sorted, int n, double p) {
	const double place = fmin(fmax(p * (n + 1) - 1, 0), n - 1);
	const int below = (int)place;
	const double share = place - below, next = sorted[below + 1 < n ? below + 1 : below].error;
	return sorted[below].error + share * (next - sorted[below].error);
}

bool eg_spread_new(eg_spread *s, eg_error_pair *pairs, int n, eg_arena *arena) {
	*s = (eg_spread){0};
	if (n < FEWEST) return true;
	int bins = n / BIN;
	if (bins < 1) bins = 1;
	if (bins > BINS_MOST) bins = BINS_MOST;
	s->centre = eg_arena_alloc(arena, (size_t)bins * sizeof *s->centre);
	s->error = eg_arena_alloc(arena, (size_t)bins * sizeof *s->error);
	if (!s->centre || !s->error) return false;
	qsort(pairs, (size_t)n, sizeof *pairs, by_forecast);
	s->bins = bins;
	for (int b = 0; b < bins; b++) {
		const int from = (int)((int64_t)n * b / bins), to = (int)((int64_t)n * (b + 1) / bins);
		s->centre[b] = 0;
		for (int i = from; i < to; i++) s->centre[b] += pairs[i].forecast / (to - from);
		qsort(pairs + from, (size_t)(to - from), sizeof *pairs, by_size);
		for (int q = 0; q < EG_LEVELS; q++) s->error[b][q] = quantile(pairs + from, to - from, eg_levels[q]);
	}
	return true;
}

void eg_spread_say(const eg_spread *s, double forecast, double quantiles[EG_LEVELS]) {
	int b = 0;
	while (b + 1 < s->bins && s->centre[b + 1] < forecast) b++;
	const int next = b + 1 < s->bins ? b + 1 : b;
	const double gap = s->bins > 0 ? s->centre[next] - s->centre[b] : 0;
	const double share = gap > 0 ? fmin(fmax((forecast - s->centre[b]) / gap, 0), 1) : 0;
	for (int q = 0; q < EG_LEVELS; q++)
		quantiles[q] = s->bins == 0 ? (double)NAN : forecast + s->error[b][q] + share * (s->error[next][q] - s->error[b][q]);
}

/* window.h - what models that learn from rows share: a row for each value, of the last values, of columns seen beside
 * them and of known ones (window.c); intervals from errors on values that were kept aside (spread.c). */
#ifndef ENGRAM_SERIES_WINDOW_H
#define ENGRAM_SERIES_WINDOW_H

#include "series/series.h"

enum { EG_LAGS_MOST = 200, EG_STEPS_MOST = 400 };

/* ---- window.c ---------------------------------------------------------------------------------------------------- */

typedef struct eg_window {
	int lags, seen_lags; /* how many of the last values, and of each seen column's */
	int columns;
	eg_past past;        /* what it was fitted on, a copy: a longer horizon is fitted when it is asked for */
} eg_window;

/* "(24)", "(24,3)" or "" behind a model's name; what is not given is chosen by the past. */
eg_status eg_window_lags(const char *name, const char *arguments, const eg_past *past, eg_window *w, eg_error *err);
eg_status eg_window_keep(eg_window *w, const eg_past *past, eg_arena *arena, eg_error *err);

typedef enum eg_gaps {
	EG_GAPS_NONE, /* a row with a missing value is none; of seen columns the value before it is taken */
	EG_GAPS_FILL, /* the value before it is taken everywhere */
	EG_GAPS_KEEP  /* NAN */
} eg_gaps;
/* The row for the value at t + h, of what is known at t, the step of the last value; false: it is none. */
bool eg_window_row(const eg_window *w, const eg_past *past, int t, int h, eg_gaps gaps, double *x);
const char *eg_window_name(const eg_window *w, int column, char buf[32]); /* "lag1", "x1", "s2lag1" */

/* ---- spread.c ---------------------------------------------------------------------------------------------------- */

typedef struct eg_error_pair {
	double forecast, error; /* error: the value less the forecast */
} eg_error_pair;

/* Quantiles of errors, by the size of the forecast. */
typedef struct eg_spread {
	int bins;                    /* 0: there were too few errors */
	double *centre;              /* of each bin: the mean of its forecasts, rising */
	double (*error)[EG_LEVELS];
} eg_spread;
/* Sorts the pairs. false: out of memory. */
bool eg_spread_new(eg_spread *s, eg_error_pair *pairs, int n, eg_arena *arena);
/* The quantiles around a forecast; without bins, NAN. */
void eg_spread_say(const eg_spread *s, double forecast, double quantiles[EG_LEVELS]);

#endif

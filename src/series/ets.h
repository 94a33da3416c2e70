/* ets.h - exponential smoothing with states (ets.c), for the models that are made of it. */
#ifndef ENGRAM_SERIES_ETS_H
#define ENGRAM_SERIES_ETS_H

#include "series/series.h"

enum { EG_ETS_SEASON = 24 }; /* of longer seasons the first indices are not estimated, but those of moving averages */

typedef struct eg_ets_form {
	char error, trend, season; /* 'N', 'A', 'M'; the error is never N */
	bool damped;
	int period; /* 1: no season */
} eg_ets_form;

/* What goes from step to step. */
typedef struct eg_ets_state {
	double level, slope, *season; /* season[t % period] */
} eg_ets_state;

typedef struct eg_ets {
	eg_ets_form form;
	double alpha, beta, gamma, phi; /* beta: of the slope, as a share of alpha */
	eg_ets_state first;             /* its season: in the forecaster's arena */
	int n, parameters;
	double sse, logs; /* of the errors; twice the sum of the logarithms of forecasts, of multiplicative ones */
} eg_ets;

/* by_season: of several places that are likeliest around, the one that forecasts a season best, in the last third. */
eg_status eg_ets_estimate(
	const eg_past *past, eg_ets_form form, bool by_season, eg_arena *arena, eg_ets *out, eg_error *err);
/* The forecast of step t. */
double eg_ets_said(const eg_ets *e, const eg_ets_state *s, int t);
/* On to the next step, with a value, or with NAN where there is none. */
void eg_ets_update(const eg_ets *e, eg_ets_state *s, int t, double y);
/* Through a whole past; `state` has room for a season. */
void eg_ets_filter(const eg_ets *e, const eg_past *past, eg_ets_state *state);

#endif

/* ridge.c - ridge regression (Hoerl and Kennard 1970) of the value h steps ahead on the last values, for each h its own
 * (the direct way): no error is fed back. Known columns are taken at the step that is forecast, and at the last one.
 *
 * The penalty is chosen, and the deviations are measured, on the last fifth of the past, with coefficients of the
 * first four; then all of it is fitted. Not here: features by hand. */
#include "series/series.h"

#include <stdlib.h>
#include <string.h>

enum { LAGS_MOST = 200, TRIED = 7, STEPS_MOST = 400 };

/* For one h: coefficients of what is taken, each brought to mean 0 and deviation 1 first. */
typedef struct line {
	double *weight, level, deviation, penalty;
} line;

typedef struct ridge {
	int lags, columns, steps; /* steps: of the horizon, fitted so far */
	line at[STEPS_MOST];
	eg_arena *arena;
	double *values, *known; /* the past that it is fitted on: a longer horizon is fitted when it is asked for */
	eg_past past;
} ridge;

/* The regression's row for the value at t + h, from what is known at t (the last value's step); false: something is
 * missing, and `fill` does not allow the value before it. */
static bool row_of(const ridge *r, const eg_past *past, int t, int h, bool fill, double *x) {
	int at = 0;
	if (t - r->lags + 1 < 0) return false;
	for (int l = 0; l < r->lags; l++) {
		int from = t - l;
		while (fill && from > 0 && isnan(past->values[from])) from--;
		x[at] = past->values[from];
		if (isnan(x[at++])) return false;
	}
	for (int i = 0; i < past->nknown; i++) {
		x[at++] = past->known[(ptrdiff_t)(t + h) * past->nknown + i];
		x[at++] = past->known[(ptrdiff_t)t * past->nknown + i];
	}
	return true;
}

static double value_of(const line *l, const double *x, int k) {
	double v = l->level;
	for (int i = 0; i < k; i++) v += l->weight[i] * x[i];
	return v;
}

static int gather(const ridge *r, int h, int from, int to, double *x, eg_sums *s) {
	for (int t = from; t < to; t++)
		if (!isnan(r->past.values[t + h]) && row_of(r, &r->past, t, h, false, x)) eg_sums_add(s, x, r->columns, r->past.values[t + h]);
	return s->n;
}

/* Squared error of the last fifth, its mean. */
static double held_out(const ridge *r, const line *l, int h, int from, int to, double *x) {
	double sum = 0;
	int n = 0;
	for (int t = from; t < to; t++) {
		if (isnan(r->past.values[t + h]) || !row_of(r, &r->past, t, h, false, x)) continue;
		double e = r->past.values[t + h] - value_of(l, x, r->columns);
		sum += e * e, n++;
	}
	return n > 0 ? sum / n : (double)INFINITY;
}

static eg_status fit_step(ridge *r, int h, eg_error *err) {
	static const double penalties[TRIED] = {1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1};
	const int k = r->columns, end = r->past.n - h, cut = end - end / 5;
	line *l = &r->at[h - 1];
	l->weight = eg_arena_alloc(r->arena, (size_t)k * sizeof *l->weight);
	size_t square = (size_t)k * (size_t)k, need = 2 * square + 4 * (size_t)k;
	double *memory = eg_calloc(NULL, need, sizeof *memory), lowest = INFINITY;
	if (!memory || !l->weight) return eg_release(NULL, memory), eg_series_no_memory(err);
	eg_sums s = {.xx = memory, .x = memory + 2 * square, .xy = memory + 2 * square + k};
	double *a = memory + square, *scale = s.xy + k, *x = scale + k;
	l->penalty = penalties[2];
	/* a row of the first part has its value before those that judge */
	gather(r, h, 0, cut - h, x, &s);
	for (int i = 0; i < TRIED && s.n > 1; i++) {
		double mse = eg_sums_solve(&s, k, penalties[i], a, scale, l->weight, &l->level) ? held_out(r, l, h, cut, end, x) : (double)INFINITY;
		if (mse < lowest) lowest = mse, l->penalty = penalties[i];
	}
	gather(r, h, cut - h > 0 ? cut - h : 0, end, x, &s);
	bool ok = s.n > 1 && isfinite(lowest) && eg_sums_solve(&s, k, l->penalty, a, scale, l->weight, &l->level);
	l->deviation = sqrt(lowest);
	int rows = s.n;
	eg_release(NULL, memory);
	if (ok) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "ridge has %d rows of %d values and the one %d steps later without a gap, which is too few; take a shorter horizon, fewer "
	        "lags as in ridge(%d), or fill gaps", rows, r->lags, h, r->lags > 3 ? r->lags / 3 : 1);
}

static eg_status fit(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	ridge *r = f->own = eg_arena_alloc(&f->arena, sizeof *r);
	const char *at = arguments;
	int lags = past->period > 1 ? 2 * past->period : 24;
	if (!r) return eg_series_no_memory(err);
	if (lags > past->n / 4) lags = past->n / 4;
	if (lags > 60) lags = 60;
	if (*at && (*at++ != '(' || !eg_series_whole(&at, 4, &lags) || strcmp(at, ")") != 0 || lags < 1 || lags > LAGS_MOST))
		return eg_fail(err, EG_ERR_ARG, "'ridge%.40s': write ridge(LAGS), how many of the last values it looks at, from 1 to %d",
		        arguments, LAGS_MOST);
	if (lags < 1 || past->n < 3 * lags + 5)
		return eg_series_too_short("ridge", lags < 1 ? 8 : 3 * lags + 5, eg_series_counted(past->values, past->n), err);
	*r = (ridge){.lags = lags, .columns = lags + 2 * past->nknown, .arena = &f->arena, .past = *past};
	size_t known = (size_t)past->n * (size_t)past->nknown;
	r->values = eg_arena_alloc(&f->arena, (size_t)past->n * sizeof *r->values);
	r->known = eg_arena_alloc(&f->arena, (known + 1) * sizeof *r->known);
	if (!r->values || !r->known) return eg_series_no_memory(err);
	memcpy(r->values, past->values, (size_t)past->n * sizeof *r->values);
	if (known) memcpy(r->known, past->known, known * sizeof *r->known);
	r->past.values = r->values, r->past.known = r->known, r->past.rows = past->n;
	eg_status status = fit_step(r, 1, err);
	if (status) return status;
	r->steps = 1;
	f->fit.sigma2 = r->at[0].deviation * r->at[0].deviation;
	f->fit.n = eg_series_counted(past->values, past->n);
	f->fit.parameters = r->columns + 1;
	eg_forecaster_coefficient(f, "constant", r->at[0].level);
	for (int i = 0; i < r->columns; i++) {
		char name[24];
		snprintf(name, sizeof name, i < lags ? "lag%d" : "x%d", i < lags ? i + 1 : i - lags + 1);
		eg_forecaster_coefficient(f, name, r->at[0].weight[i]);
	}
	eg_forecaster_spec(f, "ridge(%d)", lags);
	eg_forecaster_formula(f, "y(t+1) = %.4g %+.4f y(t) %+.4f y(t-1) ..., %d lags, penalty %g", r->at[0].level, r->at[0].weight[0],
	        lags > 1 ? r->at[0].weight[1] : 0, lags, r->at[0].penalty);
	return EG_OK;
}

static eg_status say(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	ridge *r = f->own;
	if (out->horizon > STEPS_MOST)
		return eg_fail(err, EG_ERR_ARG, "ridge has coefficients of its own for each step, of %d at most, not %d; take a shorter horizon",
		        STEPS_MOST, out->horizon);
	for (; r->steps < out->horizon; r->steps++) {
		eg_status status = fit_step(r, r->steps + 1, err);
		if (status) return status;
	}
	double *x = eg_alloc(NULL, ((size_t)r->columns + 1) * sizeof *x);
	if (!x) return eg_series_no_memory(err);
	bool ok = true;
	for (int h = 0; h < out->horizon && ok; h++) {
		ok = row_of(r, past, past->n - 1, h + 1, true, x);
		out->mean[h] = ok ? value_of(&r->at[h], x, r->columns) : 0;
		out->deviation[h] = r->at[h].deviation;
	}
	eg_release(NULL, x);
	if (!ok) return eg_series_too_short(f->spec, r->lags, eg_series_counted(past->values, past->n), err);
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_ridge = {
	.info = {.name = "ridge",
		.doc = "ridge regression of each step ahead on the last values and known columns",
		.equation = "y(t+h) = c + w1 y(t) + ... + wk y(t-k+1) + v x(t+h)",
		.source = "Hoerl and Kennard 1970"},
	.fit = fit,
	.say = say,
};

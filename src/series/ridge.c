/* ridge.c - ridge regression (Hoerl and Kennard 1970) of the value h steps ahead on the last values, for each h its own
 * (the direct way): no error is fed back. Seen columns are taken at the last steps; known ones at the step that is
 * forecast, and at the last one.
 *
 * The penalty is chosen, and errors are measured, on the last fifth of the past, with coefficients of the first four;
 * then all of it is fitted. Not here: rows (window.c), intervals (spread.c). */
#include "series/window.h"

#include <stdlib.h>
#include <string.h>

enum { TRIED = 7 };

/* For one h: coefficients of what is taken, each brought to mean 0 and deviation 1 first. */
typedef struct line {
	double *weight, level, deviation, penalty;
	eg_spread spread;
} line;

typedef struct ridge {
	eg_window w;
	int steps; /* of the horizon, fitted so far */
	line at[EG_STEPS_MOST];
	eg_arena *arena;
} ridge;

static double value_of(const line *l, const double *x, int k) {
	double v = l->level;
	for (int i = 0; i < k; i++) v += l->weight[i] * x[i];
	return v;
}

static int gather(const ridge *r, int h, int from, int to, double *x, eg_sums *s) {
	const eg_past *past = &r->w.past;
	for (int t = from; t < to; t++)
		if (!isnan(past->values[t + h]) && eg_window_row(&r->w, past, t, h, EG_GAPS_NONE, x))
			eg_sums_add(s, x, r->w.columns, past->values[t + h]);
	return s->n;
}

/* Squared error of the last fifth, its mean; the pairs, *n of them. */
static double held_out(const ridge *r, const line *l, int h, int from, int to, double *x, eg_error_pair *pairs, int *n) {
	const eg_past *past = &r->w.past;
	double sum = 0;
	*n = 0;
	for (int t = from; t < to; t++) {
		if (isnan(past->values[t + h]) || !eg_window_row(&r->w, past, t, h, EG_GAPS_NONE, x)) continue;
		const double forecast = value_of(l, x, r->w.columns), e = past->values[t + h] - forecast;
		pairs[(*n)++] = (eg_error_pair){forecast, e};
		sum += e * e;
	}
	return *n > 0 ? sum / *n : (double)INFINITY;
}

/* The penalty with the least error on what is kept aside, and the errors there; s: of the rows before. */
static bool choose_penalty(const ridge *r, line *l, int h, int cut, int end, const eg_sums *s, double *a, double *scale, double *x) {
	static const double penalties[TRIED] = {1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1};
	eg_error_pair *pairs = eg_alloc(NULL, ((size_t)(end - cut) + 1) * sizeof *pairs);
	double lowest = INFINITY;
	int n = 0;
	if (!pairs) return false;
	l->penalty = penalties[2];
	for (int i = 0; i < TRIED && s->n > 1; i++) {
		double mse = eg_sums_solve(s, r->w.columns, penalties[i], a, scale, l->weight, &l->level) ? held_out(r, l, h, cut, end, x, pairs, &n) : (double)INFINITY;
		if (mse < lowest) lowest = mse, l->penalty = penalties[i];
	}
	l->deviation = sqrt(lowest);
	if (isfinite(lowest) && eg_sums_solve(s, r->w.columns, l->penalty, a, scale, l->weight, &l->level)) held_out(r, l, h, cut, end, x, pairs, &n);
	const bool ok = eg_spread_new(&l->spread, pairs, isfinite(lowest) ? n : 0, r->arena);
	eg_release(NULL, pairs);
	return ok;
}

static eg_status fit_step(ridge *r, int h, eg_error *err) {
	const int k = r->w.columns, end = r->w.past.n - h, cut = end - end / 5;
	line *l = &r->at[h - 1];
	l->weight = eg_arena_alloc(r->arena, (size_t)k * sizeof *l->weight);
	size_t square = (size_t)k * (size_t)k, need = 2 * square + 4 * (size_t)k;
	double *memory = eg_calloc(NULL, need, sizeof *memory);
	if (!memory || !l->weight) return eg_release(NULL, memory), eg_series_no_memory(err);
	eg_sums s = {.xx = memory, .x = memory + 2 * square, .xy = memory + 2 * square + k};
	double *a = memory + square, *scale = s.xy + k, *x = scale + k;
	/* a row of the first part has its value before those that judge */
	gather(r, h, 0, cut - h, x, &s);
	if (!choose_penalty(r, l, h, cut, end, &s, a, scale, x)) return eg_release(NULL, memory), eg_series_no_memory(err);
	gather(r, h, cut - h > 0 ? cut - h : 0, end, x, &s);
	bool ok = s.n > 1 && isfinite(l->deviation) && eg_sums_solve(&s, k, l->penalty, a, scale, l->weight, &l->level);
	int rows = s.n;
	eg_release(NULL, memory);
	if (ok) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "ridge has %d rows of %d values and the one %d steps later without a gap, which is too few; take a shorter horizon, fewer "
	        "lags as in ridge(%d), or fill gaps", rows, r->w.lags, h, r->w.lags > 3 ? r->w.lags / 3 : 1);
}

static eg_status fit(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	ridge *r = f->own = eg_arena_alloc(&f->arena, sizeof *r);
	if (!r) return eg_series_no_memory(err);
	*r = (ridge){.arena = &f->arena};
	eg_status status = eg_window_lags("ridge", arguments, past, &r->w, err);
	if (!status) status = eg_window_keep(&r->w, past, &f->arena, err);
	if (!status) status = fit_step(r, 1, err);
	if (status) return status;
	const int lags = r->w.lags;
	r->steps = 1;
	f->fit.sigma2 = r->at[0].deviation * r->at[0].deviation;
	f->fit.n = eg_series_counted(past->values, past->n);
	f->fit.parameters = r->w.columns + 1;
	eg_forecaster_coefficient(f, "constant", r->at[0].level);
	for (int i = 0; i < r->w.columns; i++) {
		char name[32];
		eg_forecaster_coefficient(f, eg_window_name(&r->w, i, name), r->at[0].weight[i]);
	}
	eg_forecaster_spec(f, past->nseen > 0 ? "ridge(%d,%d)" : "ridge(%d)", lags, r->w.seen_lags);
	eg_forecaster_formula(f, "y(t+1) = %.4g %+.4f y(t) %+.4f y(t-1) ..., %d lags%s, penalty %g", r->at[0].level, r->at[0].weight[0],
	        lags > 1 ? r->at[0].weight[1] : 0, lags, past->nseen > 0 ? " and those of other columns" : "", r->at[0].penalty);
	return EG_OK;
}

static eg_status say(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	ridge *r = f->own;
	if (out->horizon > EG_STEPS_MOST)
		return eg_fail(err, EG_ERR_ARG, "ridge has coefficients of its own for each step, of %d at most, not %d; take a shorter horizon",
		        EG_STEPS_MOST, out->horizon);
	for (; r->steps < out->horizon; r->steps++) {
		eg_status status = fit_step(r, r->steps + 1, err);
		if (status) return status;
	}
	double *x = eg_alloc(NULL, ((size_t)r->w.columns + 1) * sizeof *x);
	if (!x) return eg_series_no_memory(err);
	bool ok = true;
	for (int h = 0; h < out->horizon && ok; h++) {
		double quantiles[EG_LEVELS];
		ok = eg_window_row(&r->w, past, past->n - 1, h + 1, EG_GAPS_FILL, x);
		out->mean[h] = ok ? value_of(&r->at[h], x, r->w.columns) : 0;
		out->deviation[h] = r->at[h].deviation;
		eg_spread_say(&r->at[h].spread, out->mean[h], quantiles);
		for (int q = 0; q < EG_LEVELS; q++) out->quantiles[q][h] = quantiles[q];
	}
	eg_release(NULL, x);
	if (!ok) return eg_series_too_short(f->spec, r->w.lags, eg_series_counted(past->values, past->n), err);
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_ridge = {
	.info = {.name = "ridge",
		.doc = "ridge regression of each step ahead on the last values, those of other columns, and known columns",
		.equation = "y(t+h) = c + w1 y(t) + ... + wk y(t-k+1) + u z(t) + ... + v x(t+h)",
		.source = "Hoerl and Kennard 1970"},
	.fit = fit,
	.say = say,
};

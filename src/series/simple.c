/* simple.c - the models that everything else has to beat: the last value, that of a season ago, a line through the
 * first and last value, the mean. */
#include "series/series.h"

typedef struct simple {
	double mean;
	int n; /* values */
} simple;

static double squares_of_changes(const double *y, int n, int lag, double drift, int *counted) {
	double sum = 0;
	*counted = 0;
	for (int t = lag; t < n; t++) {
		double e = y[t] - y[t - lag] - drift;
		if (!isnan(e)) sum += e * e, ++*counted;
	}
	return sum;
}

static eg_status keep(eg_forecaster *f, const char *formula, double sse, int n, int k, eg_error *err) {
	if (n < 1) return eg_series_too_short(f->kind->info.name, 2, 1, err);
	f->fit.sigma2 = sse / n;
	f->fit.parameters = k;
	f->fit.n = n;
	eg_forecaster_spec(f, "%s", f->kind->info.name);
	eg_forecaster_formula(f, "%s, variance %.4g", formula, f->fit.sigma2);
	return EG_OK;
}

/* ---- the last value ---------------------------------------------------------------------------------------------- */

static eg_status fit_naive(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	int n;
	if (!eg_series_no_arguments("naive", arguments, err)) return EG_ERR_ARG;
	double sse = squares_of_changes(past->values, past->n, 1, 0, &n);
	return keep(f, "y(t) = y(t-1) + e(t)", sse, n, 1, err);
}

static eg_status say_naive(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	EG_UNUSED(err);
	int last = eg_series_last(past->values, past->n);
	for (int h = 0; h < out->horizon; h++) {
		out->mean[h] = past->values[last];
		out->deviation[h] = sqrt(f->fit.sigma2 * (past->n + h - last));
	}
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_naive = {
	.info = {.name = "naive", .doc = "the last value", .equation = "y(t) = y(t-1) + e(t)", .source = "a random walk"},
	.fit = fit_naive,
	.say = say_naive,
};

/* ---- the value of a season ago ----------------------------------------------------------------------------------- */

static eg_status fit_seasonal(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	int n;
	if (!eg_series_no_arguments("seasonal-naive", arguments, err)) return EG_ERR_ARG;
	double sse = squares_of_changes(past->values, past->n, past->period, 0, &n);
	if (n < 1) return eg_series_too_short("seasonal-naive", past->period + 1, eg_series_counted(past->values, past->n), err);
	char text[60];
	snprintf(text, sizeof text, "y(t) = y(t-%d) + e(t)", past->period);
	return keep(f, text, sse, n, 1, err);
}

static eg_status say_seasonal(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	EG_UNUSED(err);
	const int s = f->period;
	for (int h = 0; h < out->horizon; h++) {
		int t = past->n + h - s, seasons = 1;
		while (t >= past->n || (t >= 0 && isnan(past->values[t]))) t -= s, seasons++;
		int last = eg_series_last(past->values, past->n);
		out->mean[h] = past->values[t >= 0 ? t : last]; /* a season that was never seen: the last value */
		out->deviation[h] = sqrt(f->fit.sigma2 * seasons);
	}
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_seasonal_naive = {
	.info = {.name = "seasonal-naive", .doc = "the value of a season ago", .equation = "y(t) = y(t-s) + e(t)",
		.source = "a random walk of each season", .seasonal = true},
	.fit = fit_seasonal,
	.say = say_seasonal,
};

/* ---- a line through the ends ------------------------------------------------------------------------------------- */

static eg_status fit_drift(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	simple *s = f->own = eg_arena_alloc(&f->arena, sizeof *s);
	int first = 0, last = eg_series_last(past->values, past->n), n;
	if (!s) return eg_series_no_memory(err);
	if (!eg_series_no_arguments("drift", arguments, err)) return EG_ERR_ARG;
	while (first < last && isnan(past->values[first])) first++;
	if (last <= first) return eg_series_too_short("drift", 2, eg_series_counted(past->values, past->n), err);
	s->mean = (past->values[last] - past->values[first]) / (last - first);
	s->n = last - first;
	double sse = squares_of_changes(past->values, past->n, 1, s->mean, &n);
	eg_forecaster_coefficient(f, "drift", s->mean);
	char text[60];
	snprintf(text, sizeof text, "y(t) = %.5g + y(t-1) + e(t)", s->mean);
	return keep(f, text, sse, n, 2, err);
}

static eg_status say_drift(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	EG_UNUSED(err);
	const simple *s = f->own;
	int last = eg_series_last(past->values, past->n);
	for (int h = 0; h < out->horizon; h++) {
		int steps = past->n + h - last;
		out->mean[h] = past->values[last] + steps * s->mean;
		out->deviation[h] = sqrt(f->fit.sigma2 * steps * (1 + (double)steps / s->n));
	}
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_drift = {
	.info = {.name = "drift", .doc = "the line through the first and the last value, drawn on",
		.equation = "y(t) = c + y(t-1) + e(t)", .source = "a random walk with drift"},
	.fit = fit_drift,
	.say = say_drift,
};

/* ---- the mean ---------------------------------------------------------------------------------------------------- */

static eg_status fit_mean(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	simple *s = f->own = eg_arena_alloc(&f->arena, sizeof *s);
	double sse = 0;
	if (!s) return eg_series_no_memory(err);
	if (!eg_series_no_arguments("mean", arguments, err)) return EG_ERR_ARG;
	s->n = eg_series_counted(past->values, past->n);
	for (int t = 0; t < past->n; t++)
		if (!isnan(past->values[t])) s->mean += past->values[t] / s->n;
	for (int t = 0; t < past->n; t++)
		if (!isnan(past->values[t])) sse += (past->values[t] - s->mean) * (past->values[t] - s->mean);
	eg_forecaster_coefficient(f, "mean", s->mean);
	char text[60];
	snprintf(text, sizeof text, "y(t) = %.5g + e(t)", s->mean);
	return keep(f, text, sse, s->n, 2, err);
}

static eg_status say_mean(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	EG_UNUSED(err);
	EG_UNUSED(past);
	const simple *s = f->own;
	for (int h = 0; h < out->horizon; h++)
		out->mean[h] = s->mean, out->deviation[h] = sqrt(f->fit.sigma2 * (1 + 1.0 / s->n));
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_mean = {
	.info = {.name = "mean", .doc = "the mean of the past", .equation = "y(t) = m + e(t)", .source = "white noise"},
	.fit = fit_mean,
	.say = say_mean,
};

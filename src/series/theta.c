/* theta.c - the Theta method of Assimakopoulos and Nikolopoulos (2000) in the form that Hyndman and Billah (2003)
 * found it to have: simple exponential smoothing of the series without its season, with half the slope of its line as
 * drift. */
#include "series/ets.h"

#include <string.h>

typedef struct theta {
	eg_ets ses;
	double drift, *index; /* index NULL: no season */
} theta;

/* The season stands out of the autocorrelation at its period (one-sided, 5 %), and there is something to divide. */
static bool has_season(const eg_past *past, double *r) {
	const int m = past->period;
	if (m < 2 || past->n < 2 * m + 1) return false;
	for (int t = 0; t < past->n; t++)
		if (past->values[t] <= 0) return false;
	eg_autocorrelation(past->values, past->n, m, r);
	double sum = 0;
	for (int k = 1; k < m; k++) sum += r[k] * r[k];
	return fabs(r[m]) > 1.645 * sqrt((1 + 2 * sum) / past->n);
}

static eg_status without_season(const theta *h, const eg_past *past, eg_past *out, eg_error *err) {
	*out = *past;
	double *y = eg_alloc(NULL, ((size_t)past->n + 1) * sizeof *y);
	if (!y) return eg_series_no_memory(err);
	for (int t = 0; t < past->n; t++) y[t] = h->index ? past->values[t] / h->index[t % past->period] : past->values[t];
	out->values = y;
	return EG_OK;
}

static double slope_of(const double *y, int n) {
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	int m = 0;
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) sx += t, sy += y[t], sxx += (double)t * t, sxy += t * y[t], m++;
	return (m * sxy - sx * sy) / (m * sxx - sx * sx);
}

static eg_status fit(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	theta *h = f->own = eg_arena_alloc(&f->arena, sizeof *h);
	double *index = eg_arena_alloc(&f->arena, ((size_t)past->period + 1) * sizeof *index);
	eg_past plain;
	if (!h || !index) return eg_series_no_memory(err);
	if (!eg_series_no_arguments("theta", arguments, err)) return EG_ERR_ARG;
	if (eg_series_counted(past->values, past->n) < 6)
		return eg_series_too_short("theta", 6, eg_series_counted(past->values, past->n), err);
	if (has_season(past, index)) {
		if (!eg_season_indices(past->values, past->n, past->period, true, index)) return eg_series_no_memory(err);
		h->index = index;
	}
	eg_status status = without_season(h, past, &plain, err);
	if (status) return status;
	h->drift = slope_of(plain.values, plain.n) / 2;
	status = eg_ets_estimate(&plain, (eg_ets_form){.error = 'A', .trend = 'N', .season = 'N'}, false, &f->arena, &h->ses, err);
	eg_release(NULL, (void *)plain.values);
	if (status) return status;
	f->fit.sigma2 = h->ses.sse / h->ses.n;
	f->fit.n = h->ses.n;
	f->fit.parameters = 4 + (h->index ? past->period - 1 : 0);
	eg_forecaster_coefficient(f, "alpha", h->ses.alpha);
	eg_forecaster_coefficient(f, "drift", h->drift);
	eg_forecaster_spec(f, "theta");
	eg_forecaster_formula(f, "y(t) = (l(t-1) + %.5g)%s + e(t), l(t) = l(t-1) + %.4f (y(t) - l(t-1)), variance %.4g", h->drift,
	        h->index ? " s(t)" : "", h->ses.alpha, f->fit.sigma2);
	return EG_OK;
}

static eg_status say(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	const theta *h = f->own;
	const double alpha = h->ses.alpha;
	eg_past plain;
	double none;
	eg_ets_state s = {.season = &none};
	eg_status status = without_season(h, past, &plain, err);
	if (status) return status;
	eg_ets_filter(&h->ses, &plain, &s);
	eg_release(NULL, (void *)plain.values);
	for (int k = 0; k < out->horizon; k++) {
		double season = h->index ? h->index[(past->n + k) % f->period] : 1;
		out->mean[k] = season * (s.level + h->drift * (k + (1 - pow(1 - alpha, past->n)) / alpha));
		out->deviation[k] = season * sqrt(f->fit.sigma2 * (1 + k * alpha * alpha));
	}
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_theta = {
	.info = {.name = "theta",
		.doc = "exponential smoothing with half the slope of the series' line as drift, without the season",
		.equation = "y(t+h) = l(t) + b/2 (h - 1 + (1 - (1 - alpha)^n) / alpha)",
		.source = "Assimakopoulos and Nikolopoulos 2000; Hyndman and Billah 2003"},
	.fit = fit,
	.say = say,
};

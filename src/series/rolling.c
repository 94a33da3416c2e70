/* rolling.c - forecasts from rolling origins, each from its past alone, and what they are worth.
 *
 * MASE: Hyndman and Koehler 2006; pinball: Koenker and Bassett 1978; the comparison of two models: Diebold and Mariano
 * 1995, with Harvey's, Leybourne's and Newbold's correction (1997). */
#include "series/series.h"

#include <string.h>
#include <time.h>

/* ---- running ----------------------------------------------------------------------------------------------------- */

static eg_rolling *trial_new(int origins, int horizon) {
	eg_rolling *t = eg_calloc(NULL, 1, sizeof *t);
	size_t n = (size_t)origins, cells = n * (size_t)horizon;
	double *numbers = eg_calloc(NULL, (2 + EG_LEVELS) * cells + 2 * n + 1, sizeof *numbers);
	if (t) t->origin = eg_calloc(NULL, n + 1, sizeof *t->origin), t->mean = numbers;
	if (!t || !numbers || !t->origin) {
		if (!t) eg_release(NULL, numbers);
		eg_rolling_free(t);
		return NULL;
	}
	t->horizon = horizon;
	t->truth = numbers + cells;
	for (int q = 0; q < EG_LEVELS; q++) t->quantiles[q] = numbers + (size_t)(2 + q) * cells;
	t->scale = numbers + (2 + EG_LEVELS) * cells, t->last = t->scale + n;
	return t;
}

void eg_rolling_free(eg_rolling *t) {
	if (!t) return;
	eg_release(NULL, t->mean);
	eg_release(NULL, t->origin);
	eg_release(NULL, t);
}

static double now(void) {
	struct timespec t;
	return timespec_get(&t, TIME_UTC) ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

/* Mean absolute difference over a season, of the past alone. */
static double scale_of(const eg_past *past) {
	int lag = past->period > 1 ? past->period : 1, n = 0;
	double sum = 0;
	for (int t = lag; t < past->n; t++) {
		double e = fabs(past->values[t] - past->values[t - lag]);
		if (!isnan(e)) sum += e, n++;
	}
	return n > 0 && sum > 0 ? sum / n : (double)NAN;
}

static void note(eg_rolling *t, const eg_past *whole, const eg_past *past, const eg_outlook *o) {
	int i = t->origins++, last = eg_series_last(past->values, past->n);
	t->origin[i] = past->n;
	t->scale[i] = scale_of(past);
	t->last[i] = past->values[last];
	for (int h = 0; h < t->horizon; h++) {
		ptrdiff_t at = (ptrdiff_t)i * t->horizon + h;
		t->mean[at] = o->mean[h];
		t->truth[at] = past->n + h < whole->n ? whole->values[past->n + h] : (double)NAN;
		for (int q = 0; q < EG_LEVELS; q++) t->quantiles[q][at] = o->quantiles[q][h];
	}
}

/* A model of the table, as the origins go. */
static eg_status fit_listed(void *user, const eg_past *past, eg_error *err) {
	eg_table_model *l = user;
	eg_forecaster_free(l->f);
	return eg_forecaster_fit(l->spec, past, l->options, &l->f, err);
}

/* What was constant says that value until it is fitted anew, which costs nothing. */
static bool is_constant(const eg_rolled *m) { return m->fit == fit_listed && ((const eg_table_model *)m->user)->f->constant; }

static eg_status one_origin(eg_rolling *t, const eg_rolled *m, const eg_past *whole, const eg_past *past,
	const eg_rolling_options *o, eg_outlook *out, int number, eg_error *err) {
	double begin = now();
	eg_status status = EG_OK;
	if (number % (o->refit > 0 ? o->refit : 1) == 0 || is_constant(m)) {
		status = m->fit(m->user, past, err);
		t->seconds_fit += now() - begin;
		t->fits++;
	}
	begin = now();
	if (!status) status = m->say(m->user, past, out, err);
	t->seconds_forecast += now() - begin;
	if (!status) note(t, whole, past, out);
	return status;
}

eg_status eg_rolling_run_with(
	const eg_rolled *m, const eg_past *whole, const eg_rolling_options *o, eg_rolling **trial, eg_error *err) {
	const int every = o->every > 0 ? o->every : 1, last = o->last > 0 && o->last < whole->n ? o->last : whole->n - 1;
	*trial = NULL;
	if (o->first < 1 || o->first > last || o->horizon < 1)
		return eg_fail(err, EG_ERR_ARG,
		        "forecasts from the values %d to %d of a series of %d, %d ahead: the first origin needs a past and a value behind it; "
		        "take fewer origins, a shorter horizon, or more values", o->first, last, whole->n, o->horizon);
	const int n = (last - o->first) / every + 1;
	eg_rolling *t = trial_new(n, o->horizon);
	eg_outlook *out = eg_outlook_new(o->horizon);
	eg_status status = t && out ? EG_OK : eg_series_no_memory(err);
	for (int i = 0; i < n && !status; i++) {
		eg_past past = *whole;
		past.n = o->first + i * every;
		status = one_origin(t, m, whole, &past, o, out, i, err);
		if (!status && o->progress && !o->progress(o->user, (i + 1.0) / n)) status = eg_fail(err, EG_ERR_STOPPED, "stopped");
	}
	if (!status) {
		t->seconds_fit /= t->fits, t->seconds_forecast /= n;
		t->parameters = m->parameters(m->user);
		snprintf(t->spec, sizeof t->spec, "%s", m->spec);
		*trial = t;
	} else
		eg_rolling_free(t);
	eg_outlook_free(out);
	return status;
}

static eg_status say_listed(void *user, const eg_past *past, eg_outlook *out, eg_error *err) {
	return eg_forecast(((eg_table_model *)user)->f, past, out, err);
}

static int parameters_listed(void *user) {
	const eg_forecaster *f = ((const eg_table_model *)user)->f;
	return f ? f->fit.parameters : 0;
}

eg_rolled eg_table_model_rolled(eg_table_model *l) { return (eg_rolled){l, l->spec, fit_listed, say_listed, parameters_listed}; }

eg_status eg_rolling_run(
	const char *spec, const eg_past *whole, const eg_rolling_options *o, eg_rolling **trial, eg_error *err) {
	eg_table_model l = {spec, o->model, NULL};
	const eg_rolled m = eg_table_model_rolled(&l);
	eg_status status = eg_rolling_run_with(&m, whole, o, trial, err);
	if (!status && l.f) snprintf((*trial)->spec, sizeof (*trial)->spec, "%s", l.f->spec);
	eg_forecaster_free(l.f);
	return status;
}

/* ---- scores ------------------------------------------------------------------------------------------------------ */

static double pinball(double level, double quantile, double y) {
	return y >= quantile ? level * (y - quantile) : (1 - level) * (quantile - y);
}

void eg_scoring_add(eg_scoring *c, double y, double mean, const double quantiles[EG_LEVELS], double scale) {
	eg_scores *s = &c->sums;
	double e = fabs(y - mean), around = fabs(y) + fabs(mean);
	if (isnan(e)) return;
	s->n++;
	s->mae += e, s->rmse += e * e;
	s->smape += around > 0 ? 200 * e / around : 0;
	if (!isnan(scale)) s->mase += e / scale, c->scaled++;
	for (int q = 0; q < EG_LEVELS; q++) s->pinball += pinball(eg_levels[q], quantiles[q], y) / EG_LEVELS;
	s->coverage95 += y >= quantiles[0] && y <= quantiles[4];
	s->coverage80 += y >= quantiles[1] && y <= quantiles[3];
}

eg_scores eg_scoring_end(const eg_scoring *c) {
	eg_scores s = c->sums;
	s.mae /= s.n, s.rmse = sqrt(s.rmse / s.n), s.smape /= s.n, s.mase /= c->scaled, s.pinball /= s.n;
	s.coverage80 /= s.n, s.coverage95 /= s.n;
	return s;
}

void eg_rolling_scores(const eg_rolling *t, int step, eg_scores *s) {
	eg_scoring c = {{0}, 0};
	double quantiles[EG_LEVELS];
	for (int i = 0; i < t->origins; i++)
		for (int h = 0; h < t->horizon; h++) {
			const ptrdiff_t at = (ptrdiff_t)i * t->horizon + h;
			for (int q = 0; q < EG_LEVELS; q++) quantiles[q] = t->quantiles[q][at];
			if (step < 0 || h == step) eg_scoring_add(&c, t->truth[at], t->mean[at], quantiles, t->scale[i]);
		}
	*s = eg_scoring_end(&c);
}

double eg_rolling_echo(const eg_rolling *t) {
	double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
	int n = 0;
	for (int i = 0; i < t->origins; i++) {
		double y = t->truth[(ptrdiff_t)i * t->horizon], error = y - t->mean[(ptrdiff_t)i * t->horizon], change = y - t->last[i];
		if (isnan(error) || isnan(change)) continue;
		sx += error, sy += change, sxx += error * error, syy += change * change, sxy += error * change, n++;
	}
	double x = n * sxx - sx * sx, y = n * syy - sy * sy;
	return n >= 3 && x > 0 && y > 0 ? (n * sxy - sx * sy) / sqrt(x * y) : (double)NAN;
}

/* ---- two models -------------------------------------------------------------------------------------------------- */

/* The continued fraction of the incomplete beta function (Press and others 1992, by Lentz's method). */
static double beta_fraction(double a, double b, double x) {
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1);
	d = 1 / (fabs(d) < tiny ? tiny : d);
	double h = d;
	for (int m = 1; m < 300; m++) {
		for (int odd = 0; odd < 2; odd++) {
			double k = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)) : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
			d = 1 + k * d;
			c = 1 + k / c;
			d = 1 / (fabs(d) < tiny ? tiny : d);
			c = fabs(c) < tiny ? tiny : c;
			h *= d * c;
		}
		if (fabs(d * c - 1) < 1e-14) break;
	}
	return h;
}

/* How likely |t| is to be at least this large, by chance, with v degrees of freedom. */
static double student_two_sided(double t, double v) {
	double x = v / (v + t * t), a = v / 2, b = 0.5;
	if (!(x > 0)) return 0;
	if (x >= 1) return 1;
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double eg_student_quantile(double p, double degrees) {
	if (!(degrees > 0) || degrees > 1e6) return eg_series_quantile(p);
	double lo = 0, hi = 1;
	const double tail = p < 0.5 ? 2 * p : 2 * (1 - p);
	while (student_two_sided(hi, degrees) > tail && hi < 1e12) hi *= 2;
	for (int i = 0; i < 80; i++) {
		const double mid = (lo + hi) / 2;
		*(student_two_sided(mid, degrees) > tail ? &lo : &hi) = mid;
	}
	return p < 0.5 ? -lo : lo;
}

double eg_diebold_mariano(const eg_rolling *a, const eg_rolling *b, int step, double *statistic) {
	int n = 0;
	double mean = 0, variance = 0;
	*statistic = NAN;
	double *d = eg_alloc(NULL, ((size_t)a->origins + 1) * sizeof *d);
	if (!d) return NAN;
	for (int i = 0; i < a->origins && i < b->origins && step < a->horizon && step < b->horizon; i++) {
		double e = a->mean[(ptrdiff_t)i * a->horizon + step] - a->truth[(ptrdiff_t)i * a->horizon + step];
		double f = b->mean[(ptrdiff_t)i * b->horizon + step] - b->truth[(ptrdiff_t)i * b->horizon + step];
		double v = e * e - f * f;
		if (a->origin[i] == b->origin[i] && !isnan(v)) d[n++] = v, mean += v;
	}
	mean /= n;
	/* steps ahead overlap: step of the neighbours have common errors */
	for (int k = 0; k <= step && k < n; k++)
		for (int i = k; i < n; i++) variance += (d[i] - mean) * (d[i - k] - mean) * (k ? 2 : 1) / n;
	eg_release(NULL, d);
	if (n < 8 || !(variance > 0)) return NAN;
	double h = step + 1, correction = (n + 1 - 2 * h + h * (h - 1) / n) / n;
	if (!(correction > 0)) return NAN;
	*statistic = mean / sqrt(variance / n) * sqrt(correction);
	return student_two_sided(fabs(*statistic), n - 1);
}

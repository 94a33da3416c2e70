/* model.c - what holds for every model of series: its name read, the past checked and transformed, intervals, and
 * series that are constant. The kinds have a file each. */
#include "series/series.h"

#include <stdlib.h>
#include <string.h>

static const eg_forecaster_kind *const kinds[] = {
#define EG_FORECASTER(name) &eg_forecaster_##name,
#include "series/forecasters.def"
#undef EG_FORECASTER
};

const double eg_levels[EG_LEVELS] = {0.025, 0.1, 0.5, 0.9, 0.975};

const eg_forecaster_info *eg_forecaster_at(int i) { return i >= 0 && i < EG_COUNT(kinds) ? &kinds[i]->info : NULL; }

/* ---- for the kinds ----------------------------------------------------------------------------------------------- */

bool eg_series_whole(const char **at, int digits, int *value) {
	int n = 0;
	*value = 0;
	for (; n < digits && **at >= '0' && **at <= '9'; n++, ++*at) *value = *value * 10 + (**at - '0');
	return n > 0;
}

eg_status eg_series_too_short(const char *spec, int needed, int n, eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "%s needs at least %d values, and there are %d; take more, or a simpler model such as naive",
	        spec, needed, n);
}

bool eg_series_no_arguments(const char *name, const char *arguments, eg_error *err) {
	if (!arguments[0]) return true;
	eg_fail(err, EG_ERR_ARG, "'%s%.60s': %s takes nothing in parentheses; write '%s'", name, arguments, name, name);
	return false;
}

static void add(char *buf, size_t size, const char *fmt, va_list args) {
	size_t used = strlen(buf);
	if (used + 1 < size) vsnprintf(buf + used, size - used, fmt, args);
}

void eg_series_add(char *buf, size_t size, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	add(buf, size, fmt, args);
	va_end(args);
}

void eg_forecaster_coefficient(eg_forecaster *f, const char *name, double value) {
	if (f->fit.ncoefficients == EG_COEFFICIENTS_MOST) return;
	eg_coefficient *c = &f->coefficients[f->fit.ncoefficients++];
	snprintf(c->name, sizeof c->name, "%s", name);
	c->value = value;
}

void eg_forecaster_spec(eg_forecaster *f, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	f->spec[0] = '\0';
	add(f->spec, sizeof f->spec, fmt, args);
	va_end(args);
}

void eg_forecaster_formula(eg_forecaster *f, const char *fmt, ...) {
	char text[1600] = "";
	va_list args;
	va_start(args, fmt);
	add(text, sizeof text, fmt, args);
	va_end(args);
	f->fit.formula = eg_arena_strdup(&f->arena, text);
}

double eg_series_aicc(double loglik, int n, int k) {
	return n - k - 1 > 0 ? -2 * loglik + 2 * k + 2.0 * k * (k + 1) / (n - k - 1) : (double)NAN;
}

void eg_series_likelihood(eg_fitted *fit, int n, double sse, double log_determinant, int k) {
	const double two_pi = 6.283185307179586476925;
	fit->n = n;
	fit->parameters = k;
	fit->sigma2 = sse / n;
	fit->loglik = sse > 0 ? -0.5 * (n * (log(two_pi * fit->sigma2) + 1) + log_determinant) : (double)NAN;
	fit->aicc = eg_series_aicc(fit->loglik, n, k);
}

/* By bisection of the normal distribution: it is asked for five times. */
double eg_series_quantile(double p) {
	double lo = -10, hi = 10;
	for (int i = 0; i < 80; i++) {
		double mid = (lo + hi) / 2;
		if (0.5 * erfc(-mid / sqrt(2)) < p)
			lo = mid;
		else
			hi = mid;
	}
	return (lo + hi) / 2;
}

/* ---- transformations --------------------------------------------------------------------------------------------- */

static double forth(double v, double lambda) { return lambda == 0 ? log(v) : (pow(v, lambda) - 1) / lambda; }

static double back(double v, double lambda) {
	if (lambda == 0) return exp(v);
	double base = 1 + lambda * v;
	if (base > 0) return pow(base, 1 / lambda);
	return lambda < 0 ? (double)INFINITY : 0; /* beyond the end that values have there */
}

/* Box and Cox's likelihood of differences, of a season's and then of neighbours, which are the nearest to noise that is
 * at hand. */
static double box_cox(const eg_past *past, double lambda) {
	const double *y = past->values;
	double logs = 0, squares = 0;
	int n = 0, lag = past->period;
	for (int t = lag > 1 ? lag + 1 : 1; t < past->n; t++) {
		double e = forth(y[t], lambda) - forth(y[t - 1], lambda);
		if (lag > 1) e -= forth(y[t - lag], lambda) - forth(y[t - lag - 1], lambda);
		if (isnan(e)) continue;
		squares += e * e, logs += log(y[t]), n++;
	}
	return n > 0 && squares > 0 ? -0.5 * n * log(squares / n) + (lambda - 1) * logs : -INFINITY;
}

static double likeliest_lambda(const eg_past *past) {
	double best = 0;
	for (int i = -20; i <= 40; i++)
		if (box_cox(past, i * 0.05) > box_cox(past, best)) best = i * 0.05;
	return best;
}

static eg_status transform(const eg_forecaster *f, const eg_past *past, eg_past *out, eg_error *err) {
	*out = *past;
	if (out->period < 1) out->period = 1;
	if (isnan(f->fit.lambda)) return EG_OK;
	double *y = eg_alloc(NULL, ((size_t)past->n + 1) * sizeof *y);
	if (!y) return eg_series_no_memory(err);
	out->values = y;
	for (int t = 0; t < past->n; t++) {
		y[t] = isnan(past->values[t]) ? (double)NAN : forth(past->values[t], f->fit.lambda);
		if (!isfinite(y[t]) && !isnan(past->values[t]))
			return eg_fail(err, EG_ERR_ARG, "value %d of the series is %g, which came after %s was fitted on transformed values and has none; leave "
			                                "the transformation out", t + 1, past->values[t], f->spec);
	}
	return EG_OK;
}

static void transform_end(const eg_past *past, eg_past *transformed) {
	if (transformed->values != past->values) eg_release(NULL, (void *)transformed->values);
}

/* ---- fitting ----------------------------------------------------------------------------------------------------- */

static const eg_forecaster_kind *find_kind(const char *spec, const char **arguments, eg_error *err) {
	size_t n = strcspn(spec, "(");
	const char *names[EG_COUNT(kinds)];
	char word[40], list[200] = "";
	snprintf(word, sizeof word, "%.*s", (int)(n < 39 ? n : 39), spec);
	for (int i = 0; i < EG_COUNT(kinds); i++) {
		names[i] = kinds[i]->info.name;
		*arguments = spec + n;
		if (strcmp(names[i], word) == 0) return kinds[i];
		eg_series_add(list, sizeof list, "%s%s", i ? ", " : "", names[i]);
	}
#ifndef ENGRAM_HAVE_XGBOOST
	if (!strcmp(word, "trees"))
		return eg_fail(err, EG_ERR_ARG, "trees are by libxgboost, and engram was built without it; install libxgboost-dev and build "
		                                        "anew, or take ridge"), NULL;
#endif
	const char *near = eg_did_you_mean(word, names, EG_COUNT(kinds));
	eg_fail(err, EG_ERR_ARG, "there is no model '%s'; there are %s%s%s%s", word, list, near ? ". Is it '" : "", near ? near : "",
	        near ? "'?" : "");
	return NULL;
}

static eg_status check_past(const eg_past *past, int ahead, eg_error *err) {
	double least = INFINITY;
	for (int t = 0; t < past->n; t++) {
		if (isinf(past->values[t])) return eg_fail(err, EG_ERR_ARG, "value %d of the series is infinite; mark it as missing", t + 1);
		if (!isnan(past->values[t])) least = fmin(least, past->values[t]);
	}
	if (isinf(least))
		return eg_fail(err, EG_ERR_ARG, "all %d values of the series are missing: there is nothing to forecast from", past->n);
	if (past->nknown > 0 && past->rows < past->n + ahead)
		return eg_fail(err, EG_ERR_ARG,
		        "the known columns end after %d rows, but %d values and a horizon of %d need %d; give their future too, or a shorter "
		        "horizon", past->rows, past->n, ahead, past->n + ahead);
	for (int t = 0; t < past->n + ahead && past->nknown > 0; t++)
		for (int i = 0; i < past->nknown; i++)
			if (!isfinite(past->known[(ptrdiff_t)t * past->nknown + i]))
				return eg_fail(err, EG_ERR_ARG, "known column %d has nothing in row %d; known columns may have no gaps", i + 1, t + 1);
	return EG_OK;
}

static eg_status check_power(eg_forecaster *f, const eg_past *past, eg_error *err) {
	f->fit.lambda = NAN;
	if (f->options.power == EG_POWER_NONE) return EG_OK;
	double given = f->options.lambda;
	bool zero = f->options.power == EG_POWER_BOX_COX && given > 0; /* roots of it are known, logarithms are not */
	for (int t = 0; t < past->n; t++)
		if (past->values[t] < 0 || (past->values[t] == 0 && !zero))
			return eg_fail(err, EG_ERR_ARG,
			        "value %d of the series is %g, and logarithms and the likeliest Box-Cox transformation need values above 0; leave the "
			        "transformation out, or, where none is below 0, give a lambda above 0", t + 1, past->values[t]);
	f->fit.lambda = f->options.power == EG_POWER_LOG ? 0 : isnan(given) ? likeliest_lambda(past) : given;
	return EG_OK;
}

/* All the same: nothing is to be estimated. */
static bool is_constant(eg_forecaster *f, const eg_past *past) {
	f->constant = true;
	int last = eg_series_last(past->values, past->n);
	for (int t = 0; t < past->n; t++)
		if (!isnan(past->values[t]) && past->values[t] != past->values[last]) f->constant = false;
	f->value = past->values[last];
	if (!f->constant) return false;
	f->fit.sigma2 = 0;
	f->fit.parameters = 1;
	f->fit.n = eg_series_counted(past->values, past->n);
	eg_forecaster_coefficient(f, "mean", f->value);
	eg_forecaster_formula(f, "y(t) = %.6g, always", f->value);
	return true;
}

static eg_status fit(eg_forecaster *f, const char *spec, const char *arguments, const eg_past *past, eg_error *err) {
	eg_past own;
	eg_status status = check_past(past, 0, err);
	if (!status) status = check_power(f, past, err);
	if (!status && past->period < 2 && f->kind->info.seasonal)
		return eg_fail(err, EG_ERR_ARG, "%s needs to know the period of a season, and there is none; say it, or take another model",
		        f->kind->info.name);
	if (status) return status;
	snprintf(f->spec, sizeof f->spec, "%s", spec);
	if (is_constant(f, past)) return f->fit.formula ? EG_OK : eg_series_no_memory(err);
	status = transform(f, past, &own, err);
	if (!status) status = f->kind->fit(f, arguments, &own, err);
	transform_end(past, &own);
	return status || f->fit.formula ? status : eg_series_no_memory(err);
}

eg_status eg_forecaster_fit(const char *spec, const eg_past *past, const eg_forecaster_options *options,
	eg_forecaster **forecaster, eg_error *err) {
	static const eg_forecaster_options defaults = EG_FORECASTER_OPTIONS;
	const char *arguments;
	*forecaster = NULL;
	const eg_forecaster_kind *kind = find_kind(spec, &arguments, err);
	if (!kind) return EG_ERR_ARG;
	if (past->n < 1) return eg_fail(err, EG_ERR_ARG, "the series is empty: there is nothing to forecast from");
	eg_forecaster *f = eg_calloc(NULL, 1, sizeof *f);
	if (!f) return eg_series_no_memory(err);
	f->kind = kind;
	f->options = options ? *options : defaults;
	f->period = past->period > 1 ? past->period : 1;
	f->nknown = past->nknown, f->nseen = past->nseen;
	f->fit = (eg_fitted){.name = kind->info.name, .spec = f->spec, .coefficients = f->coefficients, .sigma2 = NAN, .loglik = NAN, .aicc = NAN};
	eg_status status = fit(f, spec, arguments, past, err);
	if (status) {
		eg_forecaster_free(f);
		return status;
	}
	*forecaster = f;
	return EG_OK;
}

void eg_forecaster_free(eg_forecaster *f) {
	if (!f) return;
	if (f->kind->drop) f->kind->drop(f);
	eg_arena_free(&f->arena);
	eg_release(NULL, f);
}

const eg_fitted *eg_forecaster_fitted(const eg_forecaster *f) { return &f->fit; }

/* ---- forecasts --------------------------------------------------------------------------------------------------- */

eg_outlook *eg_outlook_new(int horizon) {
	eg_outlook *o = eg_calloc(NULL, 1, sizeof *o);
	double *numbers = eg_calloc(NULL, (2 + EG_LEVELS) * (size_t)horizon + 1, sizeof *numbers);
	if (!o || !numbers) {
		eg_release(NULL, numbers);
		eg_release(NULL, o);
		return NULL;
	}
	o->horizon = horizon;
	o->mean = numbers, o->deviation = numbers + horizon;
	for (int q = 0; q < EG_LEVELS; q++) o->quantiles[q] = numbers + (ptrdiff_t)(2 + q) * horizon;
	return o;
}

void eg_outlook_free(eg_outlook *o) {
	if (o) eg_release(NULL, o->mean);
	eg_release(NULL, o);
}

/* A kind has room for what it was fitted on, and for no more. */
static eg_status check_like(const eg_forecaster *f, const eg_past *past, eg_error *err) {
	const int period = past->period > 1 ? past->period : 1;
	if (period != f->period)
		return eg_fail(err, EG_ERR_ARG, "%s was fitted with a period of %d and is to forecast from a past with %d; give the same, or fit anew",
		        f->spec, f->period, period);
	if (past->nknown != f->nknown)
		return eg_fail(err, EG_ERR_ARG,
		        "%s was fitted with %d known columns and is to forecast from a past with %d; give the same ones, or fit anew", f->spec,
		        f->nknown, past->nknown);
	if (past->nseen != f->nseen)
		return eg_fail(err, EG_ERR_ARG,
		        "%s was fitted with %d columns seen beside the values and is to forecast from a past with %d; give the same ones, or fit anew",
		        f->spec, f->nseen, past->nseen);
	return EG_OK;
}

eg_status eg_forecast(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	eg_past own;
	eg_status status = check_like(f, past, err);
	if (!status) status = check_past(past, out->horizon, err);
	if (status) return status;
	for (int q = 0; q < EG_LEVELS; q++)
		for (int h = 0; h < out->horizon; h++) out->quantiles[q][h] = f->constant ? f->value : (double)NAN;
	for (int h = 0; h < out->horizon && f->constant; h++) out->mean[h] = f->value, out->deviation[h] = 0;
	if (f->constant) return EG_OK;
	status = transform(f, past, &own, err);
	if (!status) status = f->kind->say(f, &own, out, err);
	transform_end(past, &own);
	for (int q = 0; q < EG_LEVELS && !status; q++) {
		double z = eg_series_quantile(eg_levels[q]);
		for (int h = 0; h < out->horizon; h++) {
			double *v = &out->quantiles[q][h];
			if (isnan(*v)) *v = out->mean[h] + z * out->deviation[h];
			if (!isnan(f->fit.lambda)) *v = back(*v, f->fit.lambda);
		}
	}
	for (int h = 0; h < out->horizon && !status && !isnan(f->fit.lambda); h++) out->mean[h] = back(out->mean[h], f->fit.lambda);
	return status;
}

/* Models of series: ARIMA against numbers of statsmodels (test/interop/forecasts.py makes more of them), filters
 * against each other, forecasts by hand, and what holds for every model: the future is not looked at. */
#include "series/arima.h"
#include "series/ets.h"
#include "series/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Airline passengers, Box and Jenkins 1970. */
static const double airline[144] = {112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170,
	158, 133, 114, 140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218, 230, 242, 209, 191,
	172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229,
	242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278, 284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306, 315, 301,
	356, 348, 355, 422, 465, 467, 404, 347, 305, 336, 340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337, 360, 342, 406, 396,
	420, 472, 548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432};

#define NEAR(a, b, by) do { \
	double a_ = (a), b_ = (b); \
	if (!(fabs(a_ - b_) <= (by))) fail_msg("%s is %.10g, not %.10g", #a, a_, b_); \
} while (0)

static eg_error err;
#define OK(call) do { if (call) fail_msg("%s", err.message); } while (0)

static const eg_past passengers = {.values = airline, .n = 144, .period = 12};

static eg_forecaster *fit(const char *spec, const eg_past *past, eg_power power) {
	eg_forecaster_options o = EG_FORECASTER_OPTIONS;
	eg_forecaster *f;
	o.power = power, o.paths = 200;
	OK(eg_forecaster_fit(spec, past, &o, &f, &err));
	return f;
}

static double coefficient(const eg_forecaster *f, const char *name) {
	const eg_fitted *r = eg_forecaster_fitted(f);
	for (int i = 0; i < r->ncoefficients; i++)
		if (!strcmp(r->coefficients[i].name, name)) return r->coefficients[i].value;
	fail_msg("%s has no coefficient '%s'", r->spec, name);
	return 0;
}

/* ---- ARIMA ------------------------------------------------------------------------------------------------------- */

static void airline_model(void **state) {
	(void)state;
	eg_forecaster *f = fit("arima(0,1,1)(0,1,1)12", &passengers, EG_POWER_LOG);
	const eg_fitted *r = eg_forecaster_fitted(f);
	NEAR(coefficient(f, "ma1"), -0.4018, 3e-4);
	NEAR(coefficient(f, "sma1"), -0.5569, 3e-4);
	NEAR(r->sigma2, 0.001348, 2e-6);
	assert_true(r->loglik > 244.6965 - 5e-4 && r->loglik < 244.6966);
	assert_int_equal(r->n, 131);
	assert_int_equal(r->parameters, 3);
	assert_string_equal(r->spec, "arima(0,1,1)(0,1,1)12");
	eg_outlook *o = eg_outlook_new(3);
	OK(eg_forecast(f, &passengers, o, &err));
	NEAR(o->mean[0], 450.4224, 0.01);
	NEAR(o->mean[1], 425.7172, 0.01);
	NEAR(o->deviation[0], 0.0367165, 1e-6);
	NEAR(o->deviation[2], 0.0480919, 1e-5);
	NEAR(o->quantiles[4][0], exp(log(o->mean[0]) + 1.959963985 * o->deviation[0]), 1e-4);
	eg_outlook_free(o);
	eg_forecaster_free(f);
}

/* The likelihood is that of the normal distribution whose covariances are known: of ARMA(1,1), by a decomposition. */
static double by_determinant(const double *y, int n, double phi, double theta, double *log_determinant) {
	double c[8][8], g0 = (1 + 2 * phi * theta + theta * theta) / (1 - phi * phi), g1 = phi * g0 + theta, z[8], sse = 0;
	*log_determinant = 0;
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++) {
			c[i][j] = i == j ? g0 : g1 * pow(phi, i - j - 1);
			for (int k = 0; k < j; k++) c[i][j] -= c[i][k] * c[j][k];
			c[i][j] = i == j ? sqrt(c[i][j]) : c[i][j] / c[j][j];
		}
	for (int i = 0; i < n; i++) {
		z[i] = y[i];
		for (int k = 0; k < i; k++) z[i] -= c[i][k] * z[k];
		z[i] /= c[i][i];
		sse += z[i] * z[i];
		*log_determinant += 2 * log(c[i][i]);
	}
	return sse;
}

static void likelihood_by_hand(void **state) {
	(void)state;
	const double y[6] = {1, -0.5, 2, 0.25, -1, 0.75};
	double scratch[100], want, sse = by_determinant(y, 6, 0.7, 0.4, &want);
	eg_arma a;
	eg_innovations in;
	assert_true(eg_arma_open(&a, (eg_arima_order){.p = 1, .q = 1, .s = 1}));
	assert_true(eg_arma_set(&a, (double[]){0.7, 0.4}));
	assert_true(eg_arma_innovations(&a, y, 6, 1, scratch, &in));
	NEAR(in.products[0], sse, 1e-12);
	NEAR(in.log_variances, want, 1e-12);
	assert_false(eg_arma_set(&a, (double[]){1.01, 0.4}));
	eg_arma_close(&a);
}

/* Both filters say the same where there are no gaps; with gaps the one that knows them says what the other does of the
 * values before and, of a process that forgets at once, of those behind. */
static void filters_agree(void **state) {
	(void)state;
	const eg_arima_order order = {.p = 2, .q = 1, .P = 1, .Q = 1, .s = 4};
	double y[240], scratch[200];
	eg_arma a;
	eg_kalman k;
	eg_innovations fast, slow;
	for (int t = 0; t < 120; t++) y[t] = sin(t * 0.7) + 0.3 * cos(t * t * 0.1), y[120 + t] = t * 0.01;
	assert_true(eg_arma_open(&a, order));
	assert_true(eg_arma_set(&a, (double[]){0.5, 0.2, -0.4, 0.6, -0.3}));
	assert_true(eg_kalman_open(&k, &a, 2));
	assert_true(eg_arma_innovations(&a, y, 120, 2, scratch, &fast));
	assert_true(eg_kalman_run(&k, y, 120, &slow));
	for (int i = 0; i < 4; i++) NEAR(fast.products[i], slow.products[i], 1e-10);
	NEAR(fast.log_variances, slow.log_variances, 1e-10);
	eg_kalman_close(&k);
	eg_arma_close(&a);
	/* white noise: a gap takes one value out of the sums */
	assert_true(eg_arma_open(&a, (eg_arima_order){.s = 1}));
	assert_true(eg_arma_set(&a, NULL));
	assert_true(eg_kalman_open(&k, &a, 1));
	double plain[5] = {1, 2, NAN, 3, -1};
	assert_true(eg_kalman_run(&k, plain, 5, &slow));
	assert_int_equal(slow.n, 4);
	NEAR(slow.products[0], 15, 1e-12);
	eg_kalman_close(&k);
	eg_arma_close(&a);
}

static void partial_autocorrelations_come_back(void **state) {
	(void)state;
	const eg_arima_order o = {.p = 3, .q = 2, .P = 1, .Q = 1, .s = 12};
	const double free[7] = {0.3, -0.8, 0.1, 1.2, -0.4, 0.6, -1};
	double c[7], again[7];
	eg_arma_bound(&o, free, c);
	eg_arma_freed(&o, c, again);
	for (int i = 0; i < 7; i++) NEAR(again[i], free[i], 1e-9);
}

/* A gap in a random walk: its variance grows by one for each step that is missing. */
static void gaps(void **state) {
	(void)state;
	double y[60];
	for (int t = 0; t < 60; t++) y[t] = airline[t];
	y[30] = y[31] = y[57] = y[58] = y[59] = NAN;
	eg_past past = {.values = y, .n = 60, .period = 1};
	eg_forecaster *f = fit("arima(0,1,0)", &past, EG_POWER_NONE);
	double sse = 0;
	int last = 0;
	for (int t = 1; t < 57; t++)
		if (!isnan(y[t])) sse += (y[t] - y[last]) * (y[t] - y[last]) / (t - last), last = t;
	NEAR(eg_forecaster_fitted(f)->sigma2, sse / 54, 1e-9);
	eg_outlook *o = eg_outlook_new(2);
	OK(eg_forecast(f, &past, o, &err));
	NEAR(o->mean[1], y[56], 1e-12);
	NEAR(o->deviation[1], sqrt(5 * sse / 54), 1e-9); /* three that are missing, and two ahead */
	eg_outlook_free(o);
	eg_forecaster_free(f);
}

/* Regression with a column that is known, and a constant, by formula: white noise around a line. */
static void regression(void **state) {
	(void)state;
	double y[40], x[50];
	for (int t = 0; t < 50; t++) x[t] = t % 7;
	for (int t = 0; t < 40; t++) y[t] = 3 + 2 * x[t] + (t % 2 ? 0.5 : -0.5);
	eg_past past = {.values = y, .n = 40, .period = 1, .known = x, .nknown = 1, .rows = 45};
	eg_forecaster *f = fit("arima(0,0,0)c", &past, EG_POWER_NONE);
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	for (int t = 0; t < 40; t++) sx += x[t], sy += y[t], sxx += x[t] * x[t], sxy += x[t] * y[t];
	double slope = (40 * sxy - sx * sy) / (40 * sxx - sx * sx);
	NEAR(coefficient(f, "x1"), slope, 1e-10);
	NEAR(coefficient(f, "mean"), (sy - slope * sx) / 40, 1e-10);
	eg_outlook *o = eg_outlook_new(5), *far = eg_outlook_new(6);
	OK(eg_forecast(f, &past, o, &err));
	NEAR(o->mean[3], (sy - slope * sx) / 40 + slope * x[43], 1e-10);
	assert_int_equal(eg_forecast(f, &past, far, &err), EG_ERR_ARG); /* the known column ends early */
	assert_non_null(strstr(err.message, "known columns end after 45 rows"));
	eg_outlook_free(o);
	eg_outlook_free(far);
	eg_forecaster_free(f);
}

static void order_search(void **state) {
	(void)state;
	int d, D;
	OK(eg_find_differences(&passengers, &d, &D, &err));
	assert_int_equal(D, 1);
	eg_past past = passengers;
	past.n = 60;
	eg_forecaster *f = fit("arima", &past, EG_POWER_LOG);
	const eg_fitted *r = eg_forecaster_fitted(f);
	/* nothing among its neighbours is better */
	static const char *const others[] = {"arima(0,1,1)(0,1,1)12", "arima(1,1,0)(0,1,0)12", "arima(1,0,0)(0,1,0)12c",
		"arima(1,0,0)(0,1,1)12c"};
	for (int i = 0; i < EG_COUNT(others); i++) {
		eg_forecaster *g = fit(others[i], &past, EG_POWER_LOG);
		if (eg_forecaster_fitted(g)->n == r->n) assert_true(r->aicc <= eg_forecaster_fitted(g)->aicc + 1e-4);
		eg_forecaster_free(g);
	}
	eg_forecaster_free(f);
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

static void simple_ones(void **state) {
	(void)state;
	eg_outlook *o = eg_outlook_new(14);
	eg_forecaster *f = fit("seasonal-naive", &passengers, EG_POWER_NONE);
	OK(eg_forecast(f, &passengers, o, &err));
	NEAR(o->mean[0], 417, 0);
	NEAR(o->mean[12], 417, 0);
	NEAR(o->deviation[12] / o->deviation[0], sqrt(2), 1e-12);
	eg_forecaster_free(f);
	f = fit("drift", &passengers, EG_POWER_NONE);
	OK(eg_forecast(f, &passengers, o, &err));
	NEAR(o->mean[1], 432 + 2 * (432 - 112) / 143.0, 1e-9);
	eg_forecaster_free(f);
	eg_outlook_free(o);
}

/* The least squares of statsmodels' ExponentialSmoothing on the first 120 months (10764.24) are found; simple smoothing
 * has a variance that grows by alpha^2. */
static void smoothing(void **state) {
	(void)state;
	eg_past past = passengers;
	past.n = 120;
	eg_forecaster *f = fit("holt-winters", &past, EG_POWER_NONE);
	NEAR(eg_forecaster_fitted(f)->sigma2 * 120, 10764.24, 0.1);
	NEAR(coefficient(f, "alpha"), 0.36422, 1e-3);
	NEAR(coefficient(f, "gamma"), 0.63578, 1e-3);
	eg_forecaster_free(f);
	f = fit("ets(A,N,N)", &passengers, EG_POWER_NONE);
	double alpha = coefficient(f, "alpha");
	eg_outlook *o = eg_outlook_new(3);
	OK(eg_forecast(f, &passengers, o, &err));
	NEAR(o->deviation[2], o->deviation[0] * sqrt(1 + 2 * alpha * alpha), 1e-9);
	eg_forecaster_free(f);
	/* paths: their spread is that of the formula, where the error is in proportion and small */
	f = fit("ets(M,N,N)", &passengers, EG_POWER_NONE);
	OK(eg_forecast(f, &passengers, o, &err));
	NEAR(o->deviation[0], o->mean[0] * sqrt(eg_forecaster_fitted(f)->sigma2), 0.1 * o->deviation[0]);
	eg_forecaster_free(f);
	eg_outlook_free(o);
}

static void constant_series(void **state) {
	(void)state;
	double y[30];
	for (int t = 0; t < 30; t++) y[t] = 7;
	y[4] = NAN;
	eg_past past = {.values = y, .n = 30, .period = 4};
	eg_outlook *o = eg_outlook_new(2);
	for (int i = 0; eg_forecaster_at(i); i++) {
		eg_forecaster *f = fit(eg_forecaster_at(i)->name, &past, EG_POWER_NONE);
		OK(eg_forecast(f, &past, o, &err));
		assert_true(eg_forecaster_fitted(f)->sigma2 == 0 && o->mean[1] == 7 && o->quantiles[0][1] == 7 && o->quantiles[4][1] == 7);
		eg_forecaster_free(f);
	}
	eg_outlook_free(o);
}

/* Constant at first: fitted anew as soon as it is not, whatever --refit says. */
static void constant_at_first(void **state) {
	(void)state;
	double y[30];
	for (int t = 0; t < 30; t++) y[t] = t < 10 ? 7 : 7 + (t - 9);
	const eg_past past = {.values = y, .n = 30, .period = 1};
	const eg_rolling_options o = {.horizon = 1, .first = 8, .refit = 100};
	eg_rolling *t;
	OK(eg_rolling_run("naive", &past, &o, &t, &err));
	for (int i = 0; i < t->origins; i++) NEAR(t->mean[i], y[t->origin[i] - 1], 0);
	assert_int_equal(t->fits, 4); /* of 8, 9, 10 and 11 values */
	eg_rolling_free(t);
}

/* Multiplicative forms have nothing to say where they would divide by 0, however small the errors seem. */
static void not_above_0(void **state) {
	(void)state;
	double month[72], around[60];
	for (int t = 0; t < 72; t++) month[t] = t % 12 == 3 ? 0 : airline[t];
	for (int t = 0; t < 60; t++) around[t] = sin(t * 1.7) + t * 7919 % 13 / 13.0 - 0.5;
	const eg_past monthly = {.values = month, .n = 72, .period = 12}, both = {.values = around, .n = 60, .period = 1};
	const struct {
		const char *spec;
		const eg_past *past;
	} cases[] = {{"holt-winters(multiplicative)", &monthly}, {"ets(A,Md,N)", &both}, {"ets(A,M,N)", &both}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_forecaster *f = NULL;
		if (eg_forecaster_fit(cases[i].spec, cases[i].past, NULL, &f, &err) != EG_ERR_ARG) fail_msg("%s is fitted", cases[i].spec);
		assert_null(f);
		assert_non_null(strstr(err.message, "values have to be above 0"));
	}
}

/* A past of another kind than it was fitted on is refused: there is no room for it. */
static void other_past(void **state) {
	(void)state;
	static const double known[300];
	eg_past with = passengers, monthly = passengers;
	with.known = known, with.nknown = 2, with.rows = 150;
	monthly.period = 24;
	eg_outlook *o = eg_outlook_new(3);
	static const char *const specs[] = {"ridge", "theta", "arima(1,0,0)(1,0,0)12"};
	for (int i = 0; i < EG_COUNT(specs); i++) {
		eg_forecaster *f = fit(specs[i], &passengers, EG_POWER_NONE);
		assert_int_equal(eg_forecast(f, &with, o, &err), EG_ERR_ARG);
		assert_non_null(strstr(err.message, "was fitted with 0 known columns and is to forecast from a past with 2"));
		assert_int_equal(eg_forecast(f, &monthly, o, &err), EG_ERR_ARG);
		assert_non_null(strstr(err.message, "was fitted with a period of 12 and is to forecast from a past with 24"));
		OK(eg_forecast(f, &passengers, o, &err));
		eg_forecaster_free(f);
	}
	eg_outlook_free(o);
}

/* Transformed with lambda -1 values end at 1: what lies beyond is as large as can be, not 0. */
static void beyond_the_end(void **state) {
	(void)state;
	double y[40];
	for (int t = 0; t < 40; t++) y[t] = t * 7 % 11 < 5 ? 1.1 : 10 + t % 3;
	const eg_past past = {.values = y, .n = 40, .period = 1};
	eg_forecaster_options options = EG_FORECASTER_OPTIONS;
	options.power = EG_POWER_BOX_COX, options.lambda = -1;
	eg_forecaster *f;
	eg_outlook *o = eg_outlook_new(1);
	OK(eg_forecaster_fit("arima(0,0,0)c", &past, &options, &f, &err));
	OK(eg_forecast(f, &past, o, &err));
	assert_true(isinf(o->quantiles[4][0]) && isfinite(o->mean[0]));
	for (int q = 1; q < EG_LEVELS; q++) assert_true(o->quantiles[q][0] >= o->quantiles[q - 1][0]);
	eg_outlook_free(o);
	eg_forecaster_free(f);
}

/* A line is fitted exactly: no likelihood, and the line goes on. */
static void exact_line(void **state) {
	(void)state;
	double y[40];
	for (int t = 0; t < 40; t++) y[t] = 5 + 3 * t;
	eg_past past = {.values = y, .n = 40, .period = 1};
	eg_outlook *o = eg_outlook_new(4);
	static const char *const specs[] = {"arima", "arima(0,1,0)c", "ets", "drift"};
	for (int i = 0; i < EG_COUNT(specs); i++) {
		eg_forecaster *f = fit(specs[i], &past, EG_POWER_NONE);
		OK(eg_forecast(f, &past, o, &err));
		for (int h = 0; h < 4; h++) NEAR(o->mean[h], 5 + 3 * (40 + h), 0.05);
		eg_forecaster_free(f);
	}
	eg_outlook_free(o);
}

/* ---- what must not be -------------------------------------------------------------------------------------------- */

static void roll(const char *spec, const eg_past *whole, const eg_rolling_options *o, eg_rolling **t) {
	static const eg_combined_model models[] = {{.spec = "arima(1,1,1)"}, {.spec = "ridge(6,2)"}, {.spec = "naive"}};
	if (strcmp(spec, "combine") != 0 && strcmp(spec, "weigh") != 0) {
		OK(eg_rolling_run(spec, whole, o, t, &err));
		return;
	}
	eg_combination *c;
	OK(eg_combination_new(models, EG_COUNT(models), !strcmp(spec, "weigh"), o->horizon, &c, &err));
	const eg_rolled m = eg_combination_rolled(c);
	OK(eg_rolling_run_with(&m, whole, o, t, &err));
	eg_combination_free(c);
}

/* What comes after an origin changes no forecast made there: for every model, several together too, and for the scale
 * of its errors. */
static void future_is_not_seen(void **state) {
	(void)state;
	double one[144], other[144], known[144], seen[288], other_seen[288];
	const char *specs[32] = {"combine", "weigh"};
	int n = 2;
	for (int i = 0; eg_forecaster_at(i); i++) specs[n++] = eg_forecaster_at(i)->name;
	for (int t = 0; t < 144; t++) {
		known[t] = sin(t * 0.3);
		/* what stands in for a gap is of the past too */
		one[t] = t == 40 || t == 66 ? (double)NAN : airline[t];
		other[t] = t < 70 ? one[t] : 5000 + t * t % 17;
		for (int i = 0; i < 2; i++) {
			seen[2 * t + i] = t % 9 == 4 ? (double)NAN : cos(t * (0.2 + i)) + t;
			other_seen[2 * t + i] = t < 70 ? seen[2 * t + i] : 777 - t;
		}
	}
	eg_forecaster_options options = EG_FORECASTER_OPTIONS;
	options.paths = 50;
	const eg_past a = {.values = one, .n = 144, .period = 12, .known = known, .nknown = 1, .rows = 144, .seen = seen, .nseen = 2};
	const eg_past b = {.values = other, .n = 144, .period = 12, .known = known, .nknown = 1, .rows = 144, .seen = other_seen, .nseen = 2};
	for (int i = 0; i < n; i++) {
		const char *spec = specs[i];
		if (!strcmp(spec, "arima")) spec = "arima(1,1,1)(0,1,1)12";
		if (!strcmp(spec, "ets")) spec = "ets(M,A,M)";
		if (!strcmp(spec, "ridge")) spec = "ridge(6,2)";
		if (!strcmp(spec, "trees")) spec = "trees(6,2)";
		eg_rolling *t[2];
		eg_rolling_options o = {.horizon = 4, .first = 64, .every = 3, .last = 70, .refit = 2, .model = &options};
		roll(spec, &a, &o, &t[0]);
		roll(spec, &b, &o, &t[1]);
		assert_int_equal(t[0]->origins, 3);
		for (int k = 0; k < 12; k++) {
			assert_true(t[0]->mean[k] == t[1]->mean[k]);
			for (int q = 0; q < EG_LEVELS; q++) assert_true(t[0]->quantiles[q][k] == t[1]->quantiles[q][k]);
		}
		for (int k = 0; k < 3; k++) assert_true(t[0]->scale[k] == t[1]->scale[k]);
		eg_rolling_free(t[0]);
		eg_rolling_free(t[1]);
	}
}

/* A model whose errors are known: it says the next value and noise of its own. It is told the values. */
typedef struct knowing {
	const double *values;
	double noise;
	uint64_t stream;
	int fits, longest;
} knowing;

static eg_status fit_knowing(void *user, const eg_past *past, eg_error *e) {
	knowing *k = user;
	(void)e;
	k->fits++, k->longest = past->n;
	return EG_OK;
}
static eg_status say_knowing(void *user, const eg_past *past, eg_outlook *out, eg_error *e) {
	const knowing *k = user;
	(void)e;
	for (int h = 0; h < out->horizon; h++) {
		out->mean[h] = h == 1 ? (double)NAN : k->values[past->n + h] + k->noise * eg_rng_normal((eg_rng){11, k->stream}, (uint64_t)past->n);
		/* far too narrow, for noise of 2 and more */
		for (int q = 0; q < EG_LEVELS; q++) out->quantiles[q][h] = out->mean[h] + q - 2;
	}
	return EG_OK;
}
static int parameters_knowing(void *user) { return ((const knowing *)user)->fits ? 3 : 0; }

/* Errors of deviations 2 and 4 that have nothing to do with each other: the best weights are 0.8 and 0.2, and a third
 * model that says the first one's errors twice over gets none. Intervals hold what they promise, also where the models'
 * own do not, and of a step of which nothing is said nothing is said. */
static void weights_and_intervals(void **state) {
	(void)state;
	enum { N = 7000, PAST = 5000 };
	static double y[N + 2];
	for (int t = 0; t < N + 2; t++) y[t] = 100 + 10 * sin(t * 0.1);
	knowing k[3] = {{y, 2, 1, 0, 0}, {y, 4, 2, 0, 0}, {y, 4, 1, 0, 0}};
	const eg_rolled parts[3] = {{&k[0], "a", fit_knowing, say_knowing, parameters_knowing}, {&k[1], "b", fit_knowing, say_knowing, parameters_knowing},
		{&k[2], "c", fit_knowing, say_knowing, parameters_knowing}};
	const eg_combined_model models[3] = {{.other = &parts[0]}, {.other = &parts[1]}, {.other = &parts[2]}};
	const eg_past past = {.values = y, .n = N, .period = 1};
	const eg_rolling_options o = {.horizon = 2, .first = PAST, .last = N - 1, .refit = N};
	for (int weighed = 0; weighed < 2; weighed++) {
		eg_combination *c;
		eg_rolling *t;
		eg_scores s;
		OK(eg_combination_new(models, weighed ? 3 : 2, weighed, 2, &c, &err));
		const eg_rolled m = eg_combination_rolled(c);
		OK(eg_rolling_run_with(&m, &past, &o, &t, &err));
		assert_int_equal(k[0].fits, 2 * (weighed + 1)); /* on four fifths, and on all */
		assert_int_equal(k[0].longest, PAST);
		const eg_fitted *f = eg_combination_fitted(c);
		NEAR(f->coefficients[0].value, weighed ? 0.8 : 0.5, weighed ? 0.05 : 0);
		NEAR(f->coefficients[0].value + f->coefficients[1].value, 1, 1e-9);
		if (weighed) NEAR(f->coefficients[2].value, 0, 1e-9);
		assert_string_equal(f->spec, weighed ? "weigh(a,b,c)" : "combine(a,b)");
		assert_int_equal(f->parameters, weighed ? 9 + 2 : 6);
		eg_rolling_scores(t, 0, &s);
		NEAR(s.rmse, sqrt(weighed ? 3.2 : 5), 0.2);
		NEAR(s.coverage80, 0.8, 0.05);
		NEAR(s.coverage95, 0.95, 0.025);
		assert_true(isnan(t->mean[1]) && isnan(t->quantiles[2][1]));
		eg_rolling_free(t);
		eg_combination_free(c);
	}
}

/* Models of the table: the mean of what each says alone; of too few errors for quantiles, the quantiles' mean. */
static void combined_by_hand(void **state) {
	(void)state;
	const eg_combined_model models[] = {{.spec = "naive"}, {.spec = "seasonal-naive"}, {.spec = "arimo"}};
	eg_outlook *one = eg_outlook_new(3), *two = eg_outlook_new(3), *both = eg_outlook_new(3), *longer = eg_outlook_new(4);
	eg_forecaster *a = fit("naive", &passengers, EG_POWER_NONE), *b = fit("seasonal-naive", &passengers, EG_POWER_NONE);
	eg_combination *c;
	OK(eg_forecast(a, &passengers, one, &err));
	OK(eg_forecast(b, &passengers, two, &err));
	OK(eg_combination_new(models, 2, false, 3, &c, &err));
	const eg_rolled m = eg_combination_rolled(c);
	OK(m.fit(m.user, &passengers, &err));
	OK(m.say(m.user, &passengers, both, &err));
	for (int h = 0; h < 3; h++) {
		NEAR(both->mean[h], (one->mean[h] + two->mean[h]) / 2, 1e-9);
		for (int q = 0; q < EG_LEVELS; q++) NEAR(both->quantiles[q][h], (one->quantiles[q][h] + two->quantiles[q][h]) / 2, 1e-9);
	}
	assert_int_equal(m.say(m.user, &passengers, longer, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "for a horizon of 3, not 4"));
	eg_combination_free(c);
	assert_int_equal(eg_combination_new(models, 1, false, 3, &c, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "give 2 to 12"));
	OK(eg_combination_new(models, 3, false, 3, &c, &err));
	const eg_rolled wrong = eg_combination_rolled(c);
	assert_int_equal(wrong.fit(wrong.user, &passengers, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "fits its models on 116 of 144 values"));
	assert_non_null(strstr(err.message, "Is it 'arima'?"));
	eg_combination_free(c);
	eg_forecaster_free(a), eg_forecaster_free(b);
	eg_outlook_free(one), eg_outlook_free(two), eg_outlook_free(both), eg_outlook_free(longer);
}

/* A column that is seen one step before it acts: ridge finds it, and it says everything; a past without it is refused.
 * Boosted trees come near. */
static void seen_columns(void **state) {
	(void)state;
	double y[400], z[400];
	for (int t = 0; t < 400; t++) z[t] = eg_rng_normal((eg_rng){7, 7}, (uint64_t)t);
	for (int t = 0; t < 400; t++) y[t] = t > 0 ? 5 + 2 * z[t - 1] : 5;
	const eg_past past = {.values = y, .n = 399, .period = 1, .seen = z, .nseen = 1}, without = {.values = y, .n = 399, .period = 1};
	eg_forecaster *f = fit("ridge(2,2)", &past, EG_POWER_NONE);
	NEAR(coefficient(f, "s1lag1"), 2, 1e-3);
	NEAR(coefficient(f, "s1lag2"), 0, 1e-3);
	assert_string_equal(eg_forecaster_fitted(f)->spec, "ridge(2,2)");
	eg_outlook *o = eg_outlook_new(1);
	OK(eg_forecast(f, &past, o, &err));
	NEAR(o->mean[0], y[399], 1e-2);
	assert_int_equal(eg_forecast(f, &without, o, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "with 1 columns seen beside the values and is to forecast from a past with 0"));
	eg_forecaster_free(f);
	if (eg_forecaster_fit("trees(2,2)", &past, NULL, &f, &err) == EG_OK) {
		OK(eg_forecast(f, &past, o, &err));
		NEAR(o->mean[0], y[399], 1);
		eg_forecaster_free(f);
	} else if (!strstr(err.message, "libxgboost"))
		fail_msg("%s", err.message);
	eg_outlook_free(o);
}

/* Errors that grow with the forecast and are skewed: four fifths of new ones lie between the tenth and the ninetieth
 * percent, of small forecasts as of large ones. */
static void spread_of_errors(void **state) {
	(void)state;
	enum { N = 4000 };
	static eg_error_pair pairs[N];
	int inside[2] = {0, 0}, all[2] = {0, 0};
	double q[EG_LEVELS];
	eg_arena arena = {0};
	eg_spread s;
	for (int i = 0; i < 2 * N; i++) {
		const double level = 1 + i * 7919 % N * 99.0 / N, e = -log(1 - eg_rng_uniform((eg_rng){3, 4}, (uint64_t)i)) - 1;
		if (i < N) pairs[i] = (eg_error_pair){level, level * e};
		if (i == N) assert_true(eg_spread_new(&s, pairs, N, &arena) && s.bins == 20);
		if (i < N) continue;
		eg_spread_say(&s, level, q);
		for (int k = 1; k < EG_LEVELS; k++) assert_true(q[k] >= q[k - 1]);
		all[level > 50]++;
		inside[level > 50] += level + level * e >= q[1] && level + level * e <= q[3];
	}
	for (int i = 0; i < 2; i++) NEAR(inside[i] / (double)all[i], 0.8, 0.03);
	assert_true(eg_spread_new(&s, pairs, 39, &arena));
	eg_spread_say(&s, 10, q); /* too few: the normal distribution is left to say it */
	assert_true(isnan(q[0]));
	eg_arena_free(&arena);
}

/* Transformations too: lambda is chosen of the past alone. */
static void transformations(void **state) {
	(void)state;
	eg_past past = passengers;
	past.n = 72;
	eg_forecaster *f = fit("naive", &past, EG_POWER_LOG), *g = fit("naive", &past, EG_POWER_BOX_COX);
	eg_outlook *o = eg_outlook_new(1);
	OK(eg_forecast(f, &past, o, &err));
	NEAR(o->mean[0], 229, 1e-9);
	NEAR(o->quantiles[0][0] * o->quantiles[4][0], 229.0 * 229, 1e-6);
	assert_true(fabs(eg_forecaster_fitted(g)->lambda) < 1);
	OK(eg_forecast(g, &past, o, &err));
	NEAR(o->mean[0], 229, 1e-9);
	eg_forecaster_free(f);
	eg_forecaster_free(g);
	eg_outlook_free(o);
}

static void refuses(const char *spec, const eg_past *past, eg_power power, const char *message) {
	eg_forecaster_options o = EG_FORECASTER_OPTIONS;
	eg_forecaster *f;
	o.power = power;
	assert_int_equal(eg_forecaster_fit(spec, past, &o, &f, &err), EG_ERR_ARG);
	assert_null(f);
	if (!strstr(err.message, message)) fail_msg("'%s' is not in: %s", message, err.message);
}

static void refusals(void **state) {
	(void)state;
	double none[3] = {NAN, NAN, NAN}, below[3] = {1, -2, 3};
	eg_past past = passengers, empty = {.values = none, .n = 3}, negative = {.values = below, .n = 3};
	refuses("arimo", &past, EG_POWER_NONE, "Is it 'arima'?");
	refuses("naive(2)", &past, EG_POWER_NONE, "takes nothing in parentheses");
	refuses("arima(1,1)", &past, EG_POWER_NONE, "is no order");
	refuses("arima(1,3,1)", &past, EG_POWER_NONE, "d and D from 0 to 2");
	refuses("arima(0,1,1)(0,1,1)12c", &past, EG_POWER_NONE, "parabola");
	refuses("ets(A,B,C)", &past, EG_POWER_NONE, "is no form");
	refuses("ridge(0)", &past, EG_POWER_NONE, "from 1 to 200");
	refuses("holt-winters(x)", &past, EG_POWER_NONE, "additive");
	refuses("naive", &empty, EG_POWER_NONE, "all 3 values of the series are missing");
	refuses("naive", &negative, EG_POWER_LOG, "value 2 of the series is -2");
	past.n = 14;
	refuses("arima(0,1,1)(0,1,1)12", &past, EG_POWER_NONE, "needs at least 18 values, and there are 14");
	refuses("holt-winters", &past, EG_POWER_NONE, "needs at least 24 values, and there are 14");
	past.period = 1;
	refuses("seasonal-naive", &past, EG_POWER_NONE, "period of a season");
	refuses("arima(0,1,1)(0,1,1)", &past, EG_POWER_NONE, "its period is not known");
	refuses("arima(0,0,0)(0,0,1)500", &passengers, EG_POWER_NONE, "400 are possible");
}

/* ---- seasons and scores ------------------------------------------------------------------------------------------ */

static void periods(void **state) {
	(void)state;
	int period;
	double strength, y[100];
	OK(eg_find_period(airline, 144, NULL, 0, &period, &strength, &err));
	assert_int_equal(period, 12);
	OK(eg_find_period(airline, 144, (const int[]){7, 12}, 2, &period, &strength, &err));
	assert_int_equal(period, 12);
	for (int t = 0; t < 100; t++) y[t] = eg_rng_normal((eg_rng){1, 2}, (uint64_t)t);
	/* noise hides the peak of a day's season in the differences, or of a week's: the day is it */
	static double hours[24 * 70];
	for (int t = 0; t < EG_COUNT(hours); t++) hours[t] = 3 * sin(t * 6.283185307179586 / 24) + 0.6 * ((t * 7919) % 101 / 101.0 - 0.5);
	OK(eg_find_period(hours, EG_COUNT(hours), (const int[]){24, 168}, 2, &period, &strength, &err));
	assert_int_equal(period, 24);
	OK(eg_find_period(y, 100, NULL, 0, &period, &strength, &err));
	assert_int_equal(period, 1);
	for (int t = 0; t < 100; t++) y[t] = 3 * sin(2 * 3.14159265358979 * t / 9) + eg_rng_normal((eg_rng){1, 2}, (uint64_t)t);
	OK(eg_find_period(y, 100, NULL, 0, &period, &strength, &err));
	assert_int_equal(period, 9);
	/* a wave so slow that two steps are alike: it is the wave that is found, and not two steps */
	for (int t = 0; t < EG_COUNT(hours); t++) hours[t] = 3 * sin(t * 6.283185307179586 / 24) + 0.3 * eg_rng_normal((eg_rng){1, 2}, (uint64_t)t);
	OK(eg_find_period(hours, 300, NULL, 0, &period, &strength, &err));
	assert_int_equal(period, 24);
	/* whatever noise does to the peaks of a smooth season, of months or without a calendar */
	for (uint64_t seed = 0; seed < 20; seed++) {
		for (int t = 0; t < 96; t++) y[t] = t + 30 * sin(t * 6.283185307179586 / 12) + 5 * eg_rng_normal((eg_rng){seed, 2}, (uint64_t)t);
		OK(eg_find_period(y, 96, (const int[]){12}, 1, &period, &strength, &err));
		assert_int_equal(period, 12);
		OK(eg_find_period(y, 96, NULL, 0, &period, &strength, &err));
		assert_int_equal(period, 12);
	}
	/* and what changes from step to step has a season of two */
	for (int t = 0; t < 100; t++) y[t] = t % 2 + 0.1 * eg_rng_normal((eg_rng){1, 2}, (uint64_t)t);
	OK(eg_find_period(y, 100, NULL, 0, &period, &strength, &err));
	assert_int_equal(period, 2);
}

/* A trend is there in spite of gaps, where there is no season. */
static void trend_with_gaps(void **state) {
	(void)state;
	double y[200], trend[200], strength[2];
	for (int t = 0; t < 200; t++) y[t] = t % 9 == 4 ? (double)NAN : t;
	OK(eg_decompose(y, 200, 1, trend, NULL, &strength[0], &strength[1], &err));
	assert_true(isnan(trend[9]) && isnan(trend[190]));
	for (int t = 12; t < 188; t++) assert_true(fabs(trend[t] - t) < 1.2);
	assert_true(strength[0] > 0.99 && isnan(strength[1]));
}

/* What is missing is not 0: two days of seven have no value, and neighbours are as alike as without these gaps. */
static void autocorrelation_with_gaps(void **state) {
	(void)state;
	static double y[1400];
	double whole[8], with_gaps[8];
	for (int t = 0; t < EG_COUNT(y); t++) y[t] = (t ? 0.95 * y[t - 1] : 0) + eg_rng_normal((eg_rng){1, 2}, (uint64_t)t);
	eg_autocorrelation(y, EG_COUNT(y), 7, whole);
	for (int t = 0; t < EG_COUNT(y); t++)
		if (t % 7 > 4) y[t] = NAN;
	eg_autocorrelation(y, EG_COUNT(y), 7, with_gaps);
	for (int k = 0; k < 8; k++) assert_true(fabs(whole[k] - with_gaps[k]) < 0.03);
	/* of 1, 2, nothing, 5: mean 8/3, and 7/9, 0 of the pairs that there are */
	const double four[4] = {1, 2, NAN, 5};
	eg_autocorrelation(four, 4, 1, with_gaps);
	assert_true(fabs(with_gaps[1] - (10.0 / 9) / (78.0 / 9) * 3 / 2) < 1e-12);
}

/* Four values 2, 4, 7, 5 after 1, each forecast by the one before it. */
static void scores_by_hand(void **state) {
	(void)state;
	const double y[6] = {0, 1, 2, 4, 7, 5};
	const eg_past past = {.values = y, .n = 6, .period = 1};
	const eg_rolling_options o = {.horizon = 1, .first = 2};
	eg_rolling *t;
	eg_scores s;
	OK(eg_rolling_run("naive", &past, &o, &t, &err));
	eg_rolling_scores(t, -1, &s);
	assert_int_equal(s.n, 4);
	NEAR(s.mae, (1 + 2 + 3 + 2) / 4.0, 1e-12);
	NEAR(s.rmse, sqrt((1 + 4 + 9 + 4) / 4.0), 1e-12);
	NEAR(s.smape, 50 * (1 / 3.0 + 2 / 6.0 + 3 / 11.0 + 2 / 12.0), 1e-9);
	/* the mean change of each past: 1, 1, 4/3, 7/4 */
	NEAR(s.mase, (1 / 1.0 + 2 / 1.0 + 3 / (4 / 3.0) + 2 / (7 / 4.0)) / 4, 1e-12);
	NEAR(eg_rolling_echo(t), 1, 1e-12);
	eg_rolling_free(t);
}

/* Errors 1 and 2, 1 and 2, ...: the difference of squares by hand; Student's t against its table (2.262 at 5 %, 9
 * degrees). */
static void diebold_mariano(void **state) {
	(void)state;
	double mean_a[10], mean_b[10], truth[10], statistic;
	int origin[10];
	for (int i = 0; i < 10; i++) {
		origin[i] = i, truth[i] = 0, mean_a[i] = 1;
		mean_b[i] = sqrt(1 + (i % 2 ? 3 : 1)); /* d is -1 or -3 */
	}
	eg_rolling a = {.origins = 10, .horizon = 1, .origin = origin, .mean = mean_a, .truth = truth};
	eg_rolling b = {.origins = 10, .horizon = 1, .origin = origin, .mean = mean_b, .truth = truth};
	double p = eg_diebold_mariano(&a, &b, 0, &statistic);
	NEAR(statistic, -2 / sqrt(1 / 10.0) * sqrt(9 / 10.0), 1e-12);
	assert_true(p > 0 && p < 0.001);
	NEAR(eg_diebold_mariano(&b, &a, 0, &statistic), p, 1e-15);
	assert_true(isnan(eg_diebold_mariano(&a, &a, 0, &statistic)));
}

#define T(f) cmocka_unit_test(f)
int main(void) {
	const struct CMUnitTest tests[] = {T(airline_model), T(likelihood_by_hand), T(filters_agree), T(partial_autocorrelations_come_back),
		T(gaps), T(regression), T(order_search), T(simple_ones), T(smoothing), T(constant_series), T(constant_at_first),
		T(not_above_0), T(other_past), T(beyond_the_end), T(exact_line), T(future_is_not_seen), T(weights_and_intervals), T(combined_by_hand),
		T(seen_columns), T(spread_of_errors),
		T(transformations), T(refusals), T(periods), T(trend_with_gaps), T(autocorrelation_with_gaps), T(scores_by_hand), T(diebold_mariano)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

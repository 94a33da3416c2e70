/* arima.c - regression with seasonal ARIMA errors by exact maximum likelihood:
 *
 *   phi(B) Phi(B^s) (1 - B)^d (1 - B^s)^D (y(t) - x(t) beta) = theta(B) Theta(B^s) e(t)
 *
 * beta and the variance have a best value for any coefficients (generalised least squares), so the search is over these
 * alone. Series without gaps are differenced first; those with gaps go through the filter whole (kalman.c).
 *
 * Not here: the choice of an order (arima_search.c). */
#include "series/arima.h"

#include <stdlib.h>
#include <string.h>

/* The columns of a regression: y, then the constant, then the known ones. */
typedef struct columns {
	double *at, *scratch; /* at[c * n + t] */
	int n, count;
	bool gaps;
	eg_arma arma;
	eg_kalman kalman;
} columns;

typedef struct best {
	double beta[EG_COLUMNS_MOST], sse, log_variances;
	int n;
} best;

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static int regressors(const eg_past *past, const eg_arima_order *o) { return o->constant + past->nknown; }

static double regressor(const eg_past *past, const eg_arima_order *o, int column, int t) {
	if (o->constant && column == 0) return o->d + o->D > 0 ? t : 1;
	return past->known[(ptrdiff_t)t * past->nknown + column - o->constant];
}

static void difference(double *x, int *n, int lag) {
	for (int t = 0; t + lag < *n; t++) x[t] = x[t + lag] - x[t];
	*n -= lag;
}

static void columns_close(columns *c) {
	eg_release(NULL, c->at);
	eg_kalman_close(&c->kalman);
	eg_arma_close(&c->arma);
}

static eg_status columns_open(columns *c, const eg_past *past, const eg_arima_order *o, eg_error *err) {
	int from = 0, to = eg_series_last(past->values, past->n) + 1, n = 0;
	while (from < to && isnan(past->values[from])) from++;
	*c = (columns){.n = to - from, .count = 1 + regressors(past, o)};
	if (!eg_arma_open(&c->arma, *o)) return eg_series_no_memory(err);
	size_t room = (size_t)c->n * (size_t)c->count + (size_t)(c->count + 2) * (size_t)(c->arma.r + 1);
	c->at = eg_calloc(NULL, room + 1, sizeof *c->at);
	if (!c->at) return columns_close(c), eg_series_no_memory(err);
	c->scratch = c->at + (ptrdiff_t)c->n * c->count;
	for (int t = 0; t < c->n; t++) c->gaps |= isnan(past->values[from + t]);
	for (int k = 0; k < c->count; k++) {
		double *x = c->at + (ptrdiff_t)k * n;
		int left = c->n;
		for (int t = 0; t < c->n; t++) x[t] = k ? regressor(past, o, k - 1, from + t) : past->values[from + t];
		for (int i = 0; i < o->d && !c->gaps; i++) difference(x, &left, 1);
		for (int i = 0; i < o->D && !c->gaps; i++) difference(x, &left, o->s);
		n = left; /* the next one begins behind it */
	}
	c->n = n;
	if (c->gaps && !eg_kalman_open(&c->kalman, &c->arma, c->count)) return columns_close(c), eg_series_no_memory(err);
	return EG_OK;
}

/* ---- likelihood -------------------------------------------------------------------------------------------------- */

/* The best beta, by Cholesky's decomposition of the products of the regressors; false: they depend on each other. */
static bool regress(const eg_innovations *in, int count, best *out) {
	double l[EG_COLUMNS_MOST][EG_COLUMNS_MOST] = {{0}}, z[EG_COLUMNS_MOST] = {0};
	const int k = count - 1;
	out->sse = in->products[0];
	for (int i = 0; i < k; i++) {
		for (int j = 0; j <= i; j++) {
			double diagonal = in->products[(i + 1) * count + i + 1], sum = in->products[(i + 1) * count + j + 1];
			for (int m = 0; m < j; m++) sum -= l[i][m] * l[j][m];
			if (i == j && !(sum > 1e-12 * diagonal)) return false;
			l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
		}
		z[i] = in->products[(i + 1) * count];
		for (int m = 0; m < i; m++) z[i] -= l[i][m] * z[m];
		z[i] /= l[i][i];
		out->sse -= z[i] * z[i];
	}
	for (int i = k - 1; i >= 0; i--) {
		out->beta[i] = z[i];
		for (int m = i + 1; m < k; m++) out->beta[i] -= l[m][i] * out->beta[m];
		out->beta[i] /= l[i][i];
	}
	/* what rounding leaves of a series that is fitted exactly counts as nothing */
	if (!(out->sse > 1e-24 * in->products[0])) out->sse = 0;
	return true;
}

static bool judge(columns *c, const double *coefficients, best *out) {
	eg_innovations in;
	if (!eg_arma_set(&c->arma, coefficients)) return false;
	bool ok = c->gaps ? eg_kalman_run(&c->kalman, c->at, c->n, &in)
	                  : eg_arma_innovations(&c->arma, c->at, c->n, c->count, c->scratch, &in);
	if (!ok || in.n < 1 || !regress(&in, c->count, out)) return false;
	out->n = in.n, out->log_variances = in.log_variances;
	return true;
}

static double objective(void *user, const double *free) {
	columns *c = user;
	double coefficients[EG_FREE_MOST];
	best b;
	eg_arma_bound(&c->arma.order, free, coefficients);
	if (!judge(c, coefficients, &b)) return INFINITY;
	return 0.5 * (log(fmax(b.sse / b.n, 1e-300)) + b.log_variances / b.n);
}

/* ---- one order --------------------------------------------------------------------------------------------------- */

int eg_arima_count(const eg_arima_fit *f) { return eg_arma_parameters(&f->order) + f->nbeta + 1; }

void eg_arima_order_text(const eg_arima_order *o, char *buf, size_t size) {
	snprintf(buf, size, "(%d,%d,%d)", o->p, o->d, o->q);
	if (o->P + o->D + o->Q > 0) eg_series_add(buf, size, "(%d,%d,%d)%d", o->P, o->D, o->Q, o->s);
	if (o->constant) eg_series_add(buf, size, "c");
}

eg_status eg_arima_check(const eg_past *past, const eg_arima_order *o, eg_error *err) {
	char text[80];
	int lost = o->d + o->D * o->s, most = o->p + o->P * o->s, ma = o->q + o->Q * o->s + 1;
	int needed = lost + eg_arma_parameters(o) + regressors(past, o) + 3, n = eg_series_counted(past->values, past->n);
	eg_arima_order_text(o, text, sizeof text);
	if ((most > ma ? most : ma) + lost > EG_STATE_MOST)
		return eg_fail(err, EG_ERR_ARG,
		        "arima%s looks back over %d steps; %d are possible. Give a shorter period, or use ridge, or sines as known columns",
		        text, (most > ma ? most : ma) + lost, EG_STATE_MOST);
	if (regressors(past, o) >= EG_COLUMNS_MOST)
		return eg_fail(err, EG_ERR_ARG, "arima%s with %d known columns; %d are possible: name fewer", text, past->nknown,
		        EG_COLUMNS_MOST - 2);
	if (n < needed)
		return eg_fail(err, EG_ERR_ARG,
		        "arima%s needs at least %d values, and there are %d; take more, fewer differences, or the model naive", text, needed,
		        n);
	return EG_OK;
}

/* A few places to begin: what is usual, signs both ways. Pure autoregressions begin with the partial autocorrelations
 * of the series. */
static void begin_at(const columns *c, int which, double *free) {
	static const double usual[5][4] = {
		{0, 0, 0, 0}, {0.5, 0, 0.3, -0.6}, {0, -0.5, 0.3, -0.6}, {0.9, -0.4, 0.6, -0.6}, {-0.4, 0.4, -0.3, 0.3}};
	const eg_arima_order *o = &c->arma.order;
	const int counts[4] = {o->p, o->q, o->P, o->Q};
	for (int part = 0, at = 0; part < 4; part++)
		for (int i = 0; i < counts[part]; i++, at++) free[at] = i > 1 ? 0 : usual[which][part] * (i ? -0.4 : 1);
	/* of a moving average `free` has the opposite sign */
	for (int i = 0; i < o->q; i++) free[o->p + i] = -free[o->p + i];
	for (int i = 0; i < o->Q; i++) free[o->p + o->q + o->P + i] = -free[o->p + o->q + o->P + i];
	if (which > 0 || c->gaps || o->q + o->P + o->Q > 0 || o->p == 0) return;
	double r[EG_ORDER_MOST + 1], phi[EG_ORDER_MOST];
	eg_autocorrelation(c->at, c->n, o->p, r);
	memset(phi, 0, sizeof phi);
	for (int k = 0; k < o->p; k++) { /* Durbin's recursion */
		double up = r[k + 1], down = 1, old[EG_ORDER_MOST];
		for (int j = 0; j < k; j++) up -= phi[j] * r[k - j], down -= phi[j] * r[j + 1];
		double kappa = down > 0 ? up / down : 0;
		memcpy(old, phi, sizeof old);
		for (int j = 0; j < k; j++) phi[j] = old[j] - kappa * old[k - 1 - j];
		phi[k] = kappa;
	}
	eg_arma_freed(o, phi, free);
}

static eg_status climb(columns *c, const eg_arima_fit *near, bool roughly, double *found, eg_error *err) {
	enum { BEGINNINGS = 5, CLIMBS = 2 };
	double at[BEGINNINGS + 1][EG_FREE_MOST], value[BEGINNINGS + 1], lowest = INFINITY;
	const int k = eg_arma_parameters(&c->arma.order);
	int n = 0;
	for (; n < BEGINNINGS; n++) begin_at(c, n, at[n]);
	if (near) eg_arma_freed(&c->arma.order, near->coefficients, at[n++]);
	for (int i = 0; i < n; i++) value[i] = objective(c, at[i]);
	memcpy(found, at[0], sizeof at[0]);
	for (int i = 0; i < CLIMBS && k > 0; i++) {
		int low = 0;
		for (int j = 1; j < n; j++)
			if (value[j] < value[low]) low = j;
		if (!isfinite(value[low])) break;
		double end;
		eg_status status = eg_series_minimise(at[low], k, 200, roughly, objective, c, &end, err);
		if (status) return status;
		if (end < lowest) memcpy(found, at[low], sizeof at[low]), lowest = end;
		value[low] = INFINITY; /* it has been tried */
	}
	return EG_OK;
}

eg_status eg_arima_estimate(const eg_past *past, eg_arima_order order, const eg_arima_fit *near, bool roughly,
	eg_arima_fit *out, eg_error *err) {
	columns c;
	double free[EG_FREE_MOST] = {0};
	best b = {0};
	eg_status status = eg_arima_check(past, &order, err);
	if (!status) status = columns_open(&c, past, &order, err);
	if (status) return status;
	status = climb(&c, near, roughly, free, err);
	*out = (eg_arima_fit){.order = order, .nbeta = c.count - 1};
	eg_arma_bound(&order, free, out->coefficients);
	if (!status && !judge(&c, out->coefficients, &b)) {
		char text[80];
		eg_arima_order_text(&order, text, sizeof text);
		status = eg_fail(err, EG_ERR_ARG,
		        "arima%s cannot be fitted: %s", text,
		        c.gaps && c.kalman.m > 0 ? "there are too few values in a row to take differences of, or the known columns depend on each "
		                                   "other; take fewer differences, or columns away"
		                                 : "the known columns depend on each other, or on the constant; take some away");
	}
	if (!status) {
		eg_fitted fit;
		eg_series_likelihood(&fit, b.n, b.sse, b.log_variances, eg_arima_count(out));
		out->n = b.n, out->sigma2 = fit.sigma2, out->loglik = fit.loglik, out->aicc = fit.aicc;
		memcpy(out->beta, b.beta, sizeof b.beta);
	}
	columns_close(&c);
	return status;
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

/* "(0,1,1)" */
static bool read_three(const char **at, int *a, int *b, int *c) {
	int *const to[3] = {a, b, c};
	for (int i = 0; i < 3; i++)
		if (*(*at)++ != "(,,"[i] || !eg_series_whole(at, 2, to[i])) return false;
	return *(*at)++ == ')';
}

/* "(0,1,1)(0,1,1)12c": the period may be left out, then it is the past's. */
static eg_status read_order(const char *arguments, const eg_past *past, eg_arima_order *o, eg_error *err) {
	const char *at = arguments;
	int period = 0;
	*o = (eg_arima_order){.s = 1};
	bool ok = read_three(&at, &o->p, &o->d, &o->q);
	if (ok && *at == '(') {
		ok = read_three(&at, &o->P, &o->D, &o->Q);
		if (ok && !eg_series_whole(&at, 4, &period)) period = 0;
		o->s = period ? period : past->period;
	}
	if (ok && *at == 'c') o->constant = true, at++;
	const int orders[6] = {o->p, o->q, o->P, o->Q, o->d, o->D};
	for (int i = 0; i < 6; i++) ok = ok && orders[i] >= 0 && orders[i] <= (i < 4 ? EG_ORDER_MOST : 2);
	if (!ok || *at || eg_arma_parameters(o) > EG_FREE_MOST - 2)
		return eg_fail(err, EG_ERR_ARG,
		        "'arima%.60s' is no order; write arima(p,d,q), arima(p,d,q)(P,D,Q)period, with a c behind it for a constant: p, q, P "
		        "and Q from 0 to %d, d and D from 0 to 2", arguments, EG_ORDER_MOST);
	if (o->P + o->D + o->Q > 0 && o->s < 2)
		return eg_fail(err, EG_ERR_ARG, "'arima%.60s' has a season, and its period is not known; write it behind, as in arima%.60s12",
		        arguments, arguments);
	if (o->constant && o->d + o->D > 1)
		return eg_fail(err, EG_ERR_ARG, "'arima%.60s': a constant beside %d differences is a parabola; leave the c out", arguments,
		        o->d + o->D);
	if (o->P + o->D + o->Q == 0) o->s = 1;
	return EG_OK;
}

static void name_coefficients(eg_forecaster *f, const eg_arima_fit *a) {
	static const char *const names[4] = {"ar", "ma", "sar", "sma"};
	const eg_arima_order *o = &a->order;
	const int counts[4] = {o->p, o->q, o->P, o->Q};
	char name[24];
	int at = 0;
	if (o->constant) eg_forecaster_coefficient(f, o->d + o->D > 0 ? "drift" : "mean", a->beta[0]);
	for (int i = o->constant; i < a->nbeta; i++) {
		snprintf(name, sizeof name, "x%d", i + 1 - o->constant);
		eg_forecaster_coefficient(f, name, a->beta[i]);
	}
	for (int part = 0; part < 4; part++)
		for (int i = 0; i < counts[part]; i++) {
			snprintf(name, sizeof name, "%s%d", names[part], i + 1);
			eg_forecaster_coefficient(f, name, a->coefficients[at++]);
		}
}

/* (1 - 0.4 B) or (1 + 0.4 B^12 ...); nothing where there are no coefficients. */
static void polynomial(char *buf, size_t size, const double *c, int n, int s, double sign) {
	for (int i = 0; i < n; i++) {
		double v = sign * c[i];
		eg_series_add(buf, size, "%s %c %.4f B", i ? "" : "(1", v < 0 ? '-' : '+', fabs(v));
		if ((i + 1) * s > 1) eg_series_add(buf, size, "^%d", (i + 1) * s);
	}
	if (n > 0) eg_series_add(buf, size, ")");
}

static void write_formula(eg_forecaster *f, const eg_arima_fit *a) {
	char text[1400] = "", x[300] = "";
	const eg_arima_order *o = &a->order;
	const double *ma = a->coefficients + o->p, *sar = ma + o->q, *sma = sar + o->P;
	polynomial(text, sizeof text, a->coefficients, o->p, 1, -1);
	polynomial(text, sizeof text, sar, o->P, o->s, -1);
	if (o->d == 1) eg_series_add(text, sizeof text, "(1 - B)");
	if (o->d > 1) eg_series_add(text, sizeof text, "(1 - B)^%d", o->d);
	if (o->D > 0) eg_series_add(text, sizeof text, "(1 - B^%d)", o->s);
	if (o->D > 1) eg_series_add(text, sizeof text, "^%d", o->D);
	if (o->constant) eg_series_add(x, sizeof x, " - %.5g%s", a->beta[0], o->d + o->D > 0 ? " t" : "");
	for (int i = o->constant; i < a->nbeta; i++) eg_series_add(x, sizeof x, " - %.4g x%d", a->beta[i], i + 1 - o->constant);
	eg_series_add(text, sizeof text, x[0] ? " (y(t)%s) = " : " y(t)%s = ", x);
	polynomial(text, sizeof text, ma, o->q, 1, 1);
	polynomial(text, sizeof text, sma, o->Q, o->s, 1);
	eg_forecaster_formula(f, "%s e(t), variance %.4g", text + (text[0] == ' '), a->sigma2);
}

static eg_status fit(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	eg_arima_fit *a = f->own = eg_arena_alloc(&f->arena, sizeof *a);
	eg_arima_order order;
	char text[80];
	eg_status status;
	if (!a) return eg_series_no_memory(err);
	if (arguments[0]) {
		status = read_order(arguments, past, &order, err);
		if (!status) status = eg_arima_estimate(past, order, NULL, false, a, err);
	} else {
		int d = f->options.d, D = f->options.D, found_d = d, found_D = D;
		status = d < 0 || D < 0 ? eg_find_differences(past, &found_d, &found_D, err) : EG_OK;
		if (!status) status = eg_arima_search(past, d < 0 ? found_d : d, D < 0 ? found_D : D, f->options.stepwise, a, err);
	}
	if (status) return status;
	eg_arima_order_text(&a->order, text, sizeof text);
	eg_forecaster_spec(f, "arima%s", text);
	name_coefficients(f, a);
	write_formula(f, a);
	f->fit.sigma2 = a->sigma2, f->fit.loglik = a->loglik, f->fit.aicc = a->aicc, f->fit.n = a->n;
	f->fit.parameters = eg_arima_count(a);
	return EG_OK;
}

static eg_status say(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	const eg_arima_fit *a = f->own;
	const eg_arima_order *o = &a->order;
	eg_arma arma = {0};
	eg_kalman k = {0};
	eg_innovations in;
	eg_status status = EG_OK;
	double *y = eg_alloc(NULL, ((size_t)past->n + 1) * sizeof *y);
	if (!y || !eg_arma_open(&arma, *o) || !eg_kalman_open(&k, &arma, 1)) status = eg_series_no_memory(err);
	for (int t = 0; t < past->n && !status; t++) {
		y[t] = past->values[t];
		for (int i = 0; i < a->nbeta; i++) y[t] -= a->beta[i] * regressor(past, o, i, t);
	}
	if (!status && !(eg_arma_set(&arma, a->coefficients) && eg_kalman_run(&k, y, past->n, &in)))
		status = eg_fail(err, EG_ERR_ARG,
		        "%s needs %d values in a row somewhere before the forecast, and there are none; fill gaps, or take fewer differences",
		        f->spec, k.m);
	for (int h = 0; h < out->horizon && !status; h++) {
		eg_kalman_ahead(&k, &out->mean[h], &out->deviation[h]);
		for (int i = 0; i < a->nbeta; i++) out->mean[h] += a->beta[i] * regressor(past, o, i, past->n + h);
		out->deviation[h] = sqrt(out->deviation[h] * a->sigma2);
	}
	eg_kalman_close(&k);
	eg_arma_close(&arma);
	eg_release(NULL, y);
	return status;
}

const eg_forecaster_kind eg_forecaster_arima = {
	.info = {.name = "arima",
		.doc = "seasonal ARIMA with regressors by exact maximum likelihood; without an order: the one of the smallest AICc",
		.equation = "phi(B) Phi(B^s) (1 - B)^d (1 - B^s)^D (y(t) - x(t) beta) = theta(B) Theta(B^s) e(t)",
		.source = "Box and Jenkins 1970; Harvey 1989"},
	.fit = fit,
	.say = say,
};

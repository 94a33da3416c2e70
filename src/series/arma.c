/* arma.c - ARMA processes: parameters, polynomials, autocovariances, and the exact likelihood of series without gaps.
 *
 * The covariances come from partial autocorrelations (Durbin 1960, Levinson 1947), in p^2 operations and without a
 * system of equations; so seasons of long periods are no burden. Not here: gaps, differences, forecasts (kalman.c). */
#include "series/arma.h"

#include <math.h>
#include <string.h>

/* ---- parameters -------------------------------------------------------------------------------------------------- */

int eg_arma_parameters(const eg_arima_order *o) { return o->p + o->q + o->P + o->Q; }

/* Partial autocorrelations to coefficients, in place. */
static void levinson(double *a, int n) {
	double old[EG_ORDER_MOST];
	for (int k = 1; k < n; k++) {
		memcpy(old, a, (size_t)k * sizeof *a);
		for (int j = 0; j < k; j++) a[j] = old[j] - a[k] * old[k - 1 - j];
	}
}

/* And back; false: one is not between -1 and 1, that is, the process is not stationary. */
static bool step_down(double *a, int n, double *old) {
	for (int k = n - 1; k >= 0; k--) {
		double c = a[k], scale = 1 - c * c;
		if (!(scale > 1e-13)) return false;
		memcpy(old, a, (size_t)k * sizeof *a);
		for (int j = 0; j < k; j++) a[j] = (old[j] + c * old[k - 1 - j]) / scale;
	}
	return true;
}

void eg_arma_bound(const eg_arima_order *o, const double *free, double *coefficients) {
	const int counts[4] = {o->p, o->q, o->P, o->Q};
	for (int part = 0; part < 4; part++) {
		int n = counts[part];
		for (int i = 0; i < n; i++) coefficients[i] = fmin(fmax(tanh(free[i]), -0.9999999), 0.9999999);
		levinson(coefficients, n);
		for (int i = 0; i < n && part % 2 == 1; i++) coefficients[i] = -coefficients[i];
		free += n, coefficients += n;
	}
}

void eg_arma_freed(const eg_arima_order *o, const double *coefficients, double *free) {
	const int counts[4] = {o->p, o->q, o->P, o->Q};
	double old[EG_ORDER_MOST];
	for (int part = 0; part < 4; part++) {
		int n = counts[part];
		for (int i = 0; i < n; i++) free[i] = part % 2 == 1 ? -coefficients[i] : coefficients[i];
		bool ok = step_down(free, n, old);
		for (int i = 0; i < n; i++) free[i] = ok ? atanh(fmin(fmax(free[i], -0.9999), 0.9999)) : 0;
		free += n, coefficients += n;
	}
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

bool eg_arma_open(eg_arma *a, eg_arima_order order) {
	int p = order.p + order.s * order.P, q = order.q + order.s * order.Q;
	*a = (eg_arma){.order = order, .r = p > q + 1 ? p : q + 1};
	size_t r = (size_t)a->r + 1;
	a->memory = eg_calloc(NULL, 10 * r + 1, sizeof *a->memory);
	if (!a->memory) return false;
	a->phi = a->memory, a->theta = a->phi + r, a->psi = a->theta + r, a->gamma = a->psi + r;
	a->first = a->gamma + 2 * r, a->scratch = a->first + r; /* gamma: lags up to r + q */
	return true;
}

void eg_arma_close(eg_arma *a) {
	eg_release(NULL, a->memory);
	*a = (eg_arma){0};
}

/* ---- polynomials and covariances --------------------------------------------------------------------------------- */

/* (1 + sign a1 B + ...)(1 + sign b1 B^s + ...) = 1 + sign out0 B + ... */
static void multiply(const double *a, int n, const double *b, int m, int s, double sign, double *out) {
	for (int i = 0; i < n; i++) out[i] += a[i];
	for (int k = 0; k < m; k++) {
		int at = (k + 1) * s;
		out[at - 1] += b[k];
		for (int i = 0; i < n; i++) out[at + i] += sign * a[i] * b[k];
	}
}

/* Autocovariances of the autoregression at lags 0..lags into x. */
static bool ar_covariances(const eg_arma *a, int lags, double *x) {
	int p = a->order.p + a->order.s * a->order.P;
	double *c = a->scratch, *old = c + a->r + 1;
	memcpy(c, a->phi, (size_t)p * sizeof *c);
	if (!step_down(c, p, old)) return false;
	double variance = 1;
	for (int k = 0; k < p; k++) variance /= 1 - c[k] * c[k];
	x[0] = variance;
	/* up again: with the coefficients of order k, x[k] follows from those before */
	for (int k = 0; k < p && k < lags; k++) {
		double remains = x[0], next = 0;
		for (int j = 0; j < k; j++) remains -= old[j] * x[j + 1], next += old[j] * x[k - j];
		x[k + 1] = next + c[k] * remains;
		double *fresh = old + a->r + 1;
		for (int j = 0; j < k; j++) fresh[j] = old[j] - c[k] * old[k - 1 - j];
		fresh[k] = c[k];
		memcpy(old, fresh, (size_t)(k + 1) * sizeof *old);
	}
	for (int k = p + 1; k <= lags; k++) {
		x[k] = 0;
		for (int j = 0; j < p; j++) x[k] += a->phi[j] * x[k - 1 - j];
	}
	return true;
}

static void covariances(eg_arma *a, const double *x, int q) {
	double c[1 + EG_STATE_MOST] = {0};
	for (int m = 0; m <= q; m++) {
		c[m] = m ? a->theta[m - 1] : 1;
		for (int i = 1; i + m <= q; i++) c[m] += a->theta[i - 1] * a->theta[i + m - 1];
	}
	for (int k = 0; k <= a->r; k++) {
		double sum = c[0] * x[k];
		for (int m = 1; m <= q; m++)
			if (c[m] != 0) sum += c[m] * (x[k > m ? k - m : m - k] + x[k + m]);
		a->scratch[k] = sum;
	}
	memcpy(a->gamma, a->scratch, (size_t)(a->r + 1) * sizeof *a->gamma);
}

bool eg_arma_set(eg_arma *a, const double *coefficients) {
	const eg_arima_order *o = &a->order;
	const double *ar = coefficients, *ma = ar + o->p, *sar = ma + o->q, *sma = sar + o->P;
	int r = a->r, q = o->q + o->s * o->Q;
	memset(a->memory, 0, (size_t)(10 * (r + 1)) * sizeof *a->memory);
	multiply(ar, o->p, sar, o->P, o->s, -1, a->phi);
	multiply(ma, o->q, sma, o->Q, o->s, 1, a->theta);
	a->psi[0] = 1;
	for (int k = 1; k < r; k++) {
		a->psi[k] = a->theta[k - 1];
		for (int j = 0; j < k; j++) a->psi[k] += a->phi[j] * a->psi[k - 1 - j];
	}
	if (!ar_covariances(a, r + q, a->gamma)) return false;
	covariances(a, a->gamma, q);
	for (int i = 0; i < r; i++) {
		double sum = 0;
		if (i == 0) sum = a->gamma[0];
		for (int j = i; j < r && i > 0; j++) sum += a->phi[j] * a->gamma[j - i + 1] + a->theta[j - 1] * a->psi[j - i];
		a->first[i] = sum;
	}
	return isfinite(a->gamma[0]);
}

/* ---- likelihood -------------------------------------------------------------------------------------------------- */

bool eg_arma_innovations(const eg_arma *a, const double *w, int n, int columns, double *scratch, eg_innovations *out) {
	const int r = a->r;
	const double *phi = a->phi;
	double *restrict k = scratch, *restrict u = k + r + 1, *state = u + r + 1, v[EG_COLUMNS_MOST];
	memset(scratch, 0, (size_t)((columns + 2) * (r + 1)) * sizeof *scratch);
	double f = a->gamma[0], m = -1 / f, product = 1; /* of variances: a logarithm takes as long as ten of them */
	for (int i = 0; i < r; i++) k[i] = u[i] = phi[i] * a->first[0] + (i + 1 < r ? a->first[i + 1] : 0);
	*out = (eg_innovations){.n = n};
	bool steady = false;
	for (int t = 0; t < n; t++) {
		for (int c = 0; c < columns; c++) {
			double *restrict s = state + c * (r + 1), y0 = s[0], error = w[(ptrdiff_t)c * n + t] - y0, share = error / f;
			v[c] = error;
			for (int i = 0; i < r; i++) s[i] = phi[i] * y0 + s[i + 1] + k[i] * share; /* s[r] is 0 */
			for (int j = 0; j <= c; j++) out->products[c * columns + j] += v[j] * share;
		}
		product *= f;
		if (!(product > 1e-100 && product < 1e100)) out->log_variances += log(product), product = 1;
		if (steady) continue;
		double z = u[0], mz = m * z, before = f;
		f += mz * z;
		if (!(f > 0)) return false;
		for (int i = 0; i < r; i++) { /* k takes the old u, u the new k */
			double moved = phi[i] * z + u[i + 1];
			k[i] += moved * mz;
			u[i] = moved - k[i] / f * z;
		}
		m += mz * mz / before;
		double most = 0;
		for (int i = 0; i < r; i++) most = fmax(most, fabs(u[i]));
		steady = fabs(m) * most * most < 1e-15;
	}
	out->log_variances += log(product);
	for (int c = 0; c < columns; c++)
		for (int j = 0; j < c; j++) out->products[j * columns + c] = out->products[c * columns + j];
	return isfinite(out->products[0]);
}

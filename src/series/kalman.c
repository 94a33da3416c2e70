/* kalman.c - the Kalman filter (1960) of a seasonal ARIMA process, gaps and differences included, and what it says of
 * the future.
 *
 * The stationary part begins with its own covariance, the levels with the first values themselves, so nothing stands
 * for infinity. The likelihood is that of all values behind these; without gaps it is the one of the differences.
 * When the variances no longer change they are no longer computed, up to the next gap. */
#include "series/arma.h"

#include <math.h>
#include <string.h>

bool eg_kalman_open(eg_kalman *k, const eg_arma *a, int columns) {
	const eg_arima_order *o = &a->order;
	int m = o->d + o->D * o->s;
	*k = (eg_kalman){.a = a, .r = a->r, .m = m, .size = a->r + m, .columns = columns};
	size_t n = (size_t)k->size, c = (size_t)columns;
	k->memory = eg_calloc(NULL, (size_t)m + 1 + c * n + 3 * n * n + 3 * n + 1, sizeof *k->memory);
	if (!k->memory) return false;
	k->delta = k->memory, k->state = k->delta + m + 1, k->variance = k->state + c * n, k->next = k->variance + n * n;
	k->work = k->next + n * n, k->gain = k->work + n * n + n;
	/* (1 - B)^d (1 - B^s)^D = 1 - delta0 B - ... */
	double *poly = k->work; /* poly[i] of B^i; work is large enough: n * n >= m + 1 but for n = m = 0 */
	memset(poly, 0, (size_t)(m + 1) * sizeof *poly);
	poly[0] = 1;
	for (int i = 0; i < o->d + o->D; i++) {
		int lag = i < o->d ? 1 : o->s;
		for (int j = m; j >= lag; j--) poly[j] -= poly[j - lag];
	}
	for (int i = 0; i < m; i++) k->delta[i] = -poly[i + 1];
	return true;
}

void eg_kalman_close(eg_kalman *k) {
	eg_release(NULL, k->memory);
	*k = (eg_kalman){0};
}

/* Rows of T x, where x has `width` columns: what comes after x. */
static void advance(const eg_kalman *k, const double *x, int width, double *out) {
	const int r = k->r, m = k->m;
	for (int i = 0; i < r; i++) {
		const double c = k->a->phi[i], *below = x + (ptrdiff_t)(i + 1) * width;
		double *to = out + (ptrdiff_t)i * width;
		if (i + 1 < r)
			for (int j = 0; j < width; j++) to[j] = c * x[j] + below[j];
		else
			for (int j = 0; j < width; j++) to[j] = c * x[j];
	}
	if (m == 0) return;
	double *level = out + (ptrdiff_t)r * width;
	memcpy(level, x, (size_t)width * sizeof *x);
	for (int l = 0; l < m; l++) {
		const double c = k->delta[l], *from = x + (ptrdiff_t)(r + l) * width;
		for (int j = 0; j < width && c != 0; j++) level[j] += c * from[j];
	}
	memcpy(level + width, x + (ptrdiff_t)r * width, (size_t)(m - 1) * (size_t)width * sizeof *x);
}

static void turn(const double *x, int n, double *out) {
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) out[(ptrdiff_t)j * n + i] = x[(ptrdiff_t)i * n + j];
}

/* gain = P Z', f = Z P Z'. */
static void see(eg_kalman *k) {
	const int n = k->size;
	for (int i = 0; i < n; i++) {
		const double *row = k->variance + (ptrdiff_t)i * n;
		double sum = row[0];
		for (int l = 0; l < k->m; l++)
			if (k->delta[l] != 0) sum += k->delta[l] * row[k->r + l];
		k->gain[i] = sum;
	}
	k->f = k->gain[0];
	for (int l = 0; l < k->m; l++)
		if (k->delta[l] != 0) k->f += k->delta[l] * k->gain[k->r + l];
}

/* P becomes T P T' + R R'. */
static void spread(eg_kalman *k) {
	const int n = k->size, r = k->r;
	advance(k, k->variance, n, k->next);
	turn(k->next, n, k->work);
	advance(k, k->work, n, k->next);
	for (int i = 0; i < r; i++)
		for (int j = 0; j < r; j++)
			k->next[(ptrdiff_t)i * n + j] += (i ? k->a->theta[i - 1] : 1) * (j ? k->a->theta[j - 1] : 1);
}

static double said(const eg_kalman *k, int column) {
	const double *s = k->state + (ptrdiff_t)column * k->size;
	double y = s[0];
	for (int l = 0; l < k->m; l++)
		if (k->delta[l] != 0) y += k->delta[l] * s[k->r + l];
	return y;
}

/* The stationary part's covariance from its first column: P = T P T' + R R', solved from the last row up. */
static void begin_variance(eg_kalman *k) {
	const int r = k->r, n = k->size;
	const double *phi = k->a->phi, *first = k->a->first, *theta = k->a->theta;
	memset(k->variance, 0, (size_t)n * (size_t)n * sizeof *k->variance);
	for (int i = 0; i < r; i++) k->variance[i] = k->variance[(ptrdiff_t)i * n] = first[i];
	for (int i = r - 1; i > 0; i--)
		for (int j = r - 1; j > 0; j--) {
			double beside = i + 1 < r && j + 1 < r ? k->variance[(ptrdiff_t)(i + 1) * n + j + 1] : 0;
			k->variance[(ptrdiff_t)i * n + j] = phi[i] * phi[j] * first[0] + phi[i] * (j + 1 < r ? first[j + 1] : 0) +
			                                    phi[j] * (i + 1 < r ? first[i + 1] : 0) + beside + theta[i - 1] * theta[j - 1];
		}
}

static bool begin(eg_kalman *k, const double *y, int n) {
	int run = 0, t = 0;
	for (; t < n && run < k->m; t++) run = isnan(y[t]) ? 0 : run + 1;
	if (run < k->m) return false;
	k->begun = t;
	k->steady = false, k->same = 0;
	memset(k->state, 0, (size_t)k->columns * (size_t)k->size * sizeof *k->state);
	for (int c = 0; c < k->columns; c++)
		for (int l = 0; l < k->m; l++) k->state[(ptrdiff_t)c * k->size + k->r + l] = y[(ptrdiff_t)c * n + t - 1 - l];
	begin_variance(k);
	return true;
}

static void step_states(eg_kalman *k) {
	for (int c = 0; c < k->columns; c++) {
		double *s = k->state + (ptrdiff_t)c * k->size;
		advance(k, s, 1, k->work);
		memcpy(s, k->work, (size_t)k->size * sizeof *s);
	}
}

/* What has been seen goes into the variances, and they go a step on. */
static void step_variance(eg_kalman *k, bool seen) {
	const int n = k->size;
	if (k->steady && seen) return;
	double *before = k->work + (ptrdiff_t)n * n, f = k->f, change = 0, most = 0;
	for (int i = 0; i < n && seen; i++)
		for (int j = 0; j < n; j++) k->variance[(ptrdiff_t)i * n + j] -= k->gain[i] * k->gain[j] / f;
	spread(k);
	double *old = k->variance;
	k->variance = k->next;
	k->next = old;
	memcpy(before, k->gain, (size_t)n * sizeof *before);
	see(k);
	for (int i = 0; i < n; i++) {
		most = fmax(most, fabs(k->gain[i]));
		change = fmax(change, fabs(k->gain[i] - before[i]));
	}
	k->same = seen && change <= 1e-14 * most && fabs(f - k->f) <= 1e-14 * f ? k->same + 1 : 0;
	k->steady = k->same > n; /* one that can be observed is then steady as a whole */
}

bool eg_kalman_run(eg_kalman *k, const double *y, int n, eg_innovations *out) {
	double v[EG_COLUMNS_MOST];
	*out = (eg_innovations){0};
	if (!begin(k, y, n)) return false;
	see(k);
	for (int t = k->begun; t < n; t++) {
		bool seen = !isnan(y[t]);
		if (seen && !(k->f > 0)) return false;
		for (int c = 0; c < k->columns && seen; c++) {
			v[c] = y[(ptrdiff_t)c * n + t] - said(k, c);
			double *s = k->state + (ptrdiff_t)c * k->size, share = v[c] / k->f;
			for (int i = 0; i < k->size; i++) s[i] += k->gain[i] * share;
			for (int j = 0; j <= c; j++) out->products[c * k->columns + j] += v[j] * share;
		}
		if (seen) out->n++, out->log_variances += log(k->f);
		step_states(k);
		step_variance(k, seen);
	}
	for (int c = 0; c < k->columns; c++)
		for (int j = 0; j < c; j++) out->products[j * k->columns + c] = out->products[c * k->columns + j];
	return isfinite(out->products[0]);
}

void eg_kalman_ahead(eg_kalman *k, double *mean, double *variance) {
	for (int c = 0; c < k->columns; c++) mean[c] = said(k, c);
	*variance = k->f;
	step_states(k);
	step_variance(k, false);
}

/* ref_loss.c - softmax and cross-entropy in plain C, over the middle dimension of (outer, n, inner).
 *
 * A row is the n values at x[c * inner]; all exponentials are taken of x - max, so nothing overflows. */
#include "kern/ref.h"

/* ---- softmax ---------------------------------------------------------------------------------------------------- */

/* A row's largest value, and the logarithm of sum(exp(x - max)): -logp = log_sum - (x - max). Kept apart, because in
 * max + log_sum large logits would cost a small loss its digits. */
typedef struct row_scale {
	real max, log_sum;
} row_scale;

/* y = softmax(x) of one row. */
static row_scale softmax_row(const real *x, real *y, int n, ptrdiff_t inner) {
	real max = x[0], sum = 0;
	for (int c = 1; c < n; c++)
		if (x[c * inner] > max) max = x[c * inner];
	for (int c = 0; c < n; c++) sum += y[c * inner] = real_exp(x[c * inner] - max);
	for (int c = 0; c < n; c++) y[c * inner] /= sum;
	return (row_scale){max, real_log(sum)};
}

static void softmax_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_softmax_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->rows, a->outer, begin, end) && a->n >= 1 && a->inner >= 1 && a->x.p && a->y.p &&
	        a->x.p != a->y.p);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u);
		real *y = eg_at(a->y, u);
		for (int64_t o = 0, rows = eg_unit_size(a->rows, a->outer, u); o < rows; o++)
			for (int i = 0; i < a->inner; i++)
				softmax_row(x + o * a->n * a->inner + i, y + o * a->n * a->inner + i, a->n, a->inner);
	}
}

static void softmax_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_softmax_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->rows, a->outer, begin, end) && a->n >= 1 && a->inner >= 1 && a->y.p && a->dy.p && a->dx.p);
	assert(a->dx.p != a->y.p && a->dx.p != a->dy.p);
	for (int u = begin; u < end; u++) {
		for (int64_t o = 0, rows = eg_unit_size(a->rows, a->outer, u); o < rows; o++) {
			for (int i = 0; i < a->inner; i++) {
				int64_t at = o * a->n * a->inner + i;
				const real *y = eg_at(a->y, u) + at, *dy = eg_at(a->dy, u) + at;
				real *dx = eg_at(a->dx, u) + at, dot = 0;
				for (int64_t c = 0; c < a->n; c++) dot += dy[c * a->inner] * y[c * a->inner];
				for (int64_t c = 0; c < a->n; c++) {
					real d = y[c * a->inner] * (dy[c * a->inner] - dot);
					dx[c * a->inner] = a->acc ? dx[c * a->inner] + d : d;
				}
			}
		}
	}
}

/* ---- cross-entropy ---------------------------------------------------------------------------------------------- */

static void ce_denom__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ce_denom_args *a = args;
	const int32_t *target = a->target.p;
	const real *weight = a->weight.p;
	EG_UNUSED(worker);
	assert(ce_ok(&a->s, 0, 0) && target && a->denom.p && 0 <= begin && begin <= end && end <= 1);
	if (begin == end) return;
	double sum = 0; /* a target out of range adds nothing here; its loss is NaN anyway */
	for (int64_t i = 0; i < a->s.outer * a->s.inner; i++)
		if (target[i] != a->s.ignore && target[i] >= 0 && target[i] < a->s.n)
			sum += weight ? (double)weight[target[i]] : 1.0;
	*(real *)a->denom.p = a->s.mean ? (real)sum : 1;
}

/* The loss of one row: (1-e) w[t] -logp[t] + e/n sum_c w[c] -logp[c]. */
static real ce_row(const real *x, row_scale r, int32_t t, const real *weight, const eg_ce_shape *s) {
	if (t == s->ignore) return 0;
	if (t < 0 || t >= s->n) return (real)NAN;
	ptrdiff_t inner = s->inner;
	real loss = (weight ? weight[t] : 1) * (r.log_sum - (x[t * inner] - r.max)), all = 0;
	if (s->smoothing == 0) return loss;
	for (int c = 0; c < s->n; c++) all += (weight ? weight[c] : 1) * (r.log_sum - (x[c * inner] - r.max));
	return (1 - s->smoothing) * loss + s->smoothing / (real)s->n * all;
}

static void ce_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ce_fwd_args *a = args;
	const eg_ce_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(ce_ok(s, begin, end) && a->x.p && a->target.p && a->prob.p && a->rowloss.p && a->x.p != a->prob.p);
	for (int u = begin; u < end; u++) {
		const int32_t *target = (const int32_t *)a->target.p + u * a->target.stride;
		for (int64_t o = 0, rows = eg_unit_size(s->rows, s->outer, u); o < rows; o++) {
			for (int i = 0; i < s->inner; i++) {
				int64_t at = o * s->n * s->inner + i, row = o * s->inner + i;
				const real *x = eg_at(a->x, u) + at;
				row_scale r = softmax_row(x, eg_at(a->prob, u) + at, s->n, s->inner);
				eg_at(a->rowloss, u)[row] = ce_row(x, r, target[row], a->weight.p, s);
			}
		}
	}
}

static void ce_mean__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ce_mean_args *a = args;
	const real *rowloss = a->rowloss.p, *denom = a->denom.p;
	EG_UNUSED(worker);
	assert(a->count >= 1 && rowloss && denom && a->loss.p && 0 <= begin && begin <= end && end <= 1);
	if (begin == end) return;
	double sum = 0;
	for (int64_t i = 0; i < a->count; i++) sum += (double)rowloss[i];
	*(real *)a->loss.p = (real)(sum / (double)denom[0]);
}

/* One row: dx = [dx +] scale * ((1-e) w[t] (p - onehot(t)) + e/n (p sum(w) - w)). `weights` is sum(w). */
static void ce_bwd_row(const real *p, real *dx, int32_t t, const real *weight, real weights, real scale, bool acc,
	const eg_ce_shape *s) {
	bool counts = t != s->ignore, known = t >= 0 && t < s->n;
	real hard = (1 - s->smoothing) * (weight && known ? weight[t] : 1), soft = s->smoothing / (real)s->n;
	for (int64_t c = 0; c < s->n; c++) {
		real q = p[c * s->inner], d = 0;
		if (counts && known) {
			d = hard * (c == t ? q - 1 : q) + soft * (q * weights - (weight ? weight[c] : 1));
			d *= scale;
		} else if (counts) {
			d = (real)NAN;
		}
		dx[c * s->inner] = acc ? dx[c * s->inner] + d : d;
	}
}

static void ce_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ce_bwd_args *a = args;
	const eg_ce_shape *s = &a->s;
	const real *weight = a->weight.p;
	EG_UNUSED(worker);
	assert(ce_ok(s, begin, end) && a->prob.p && a->target.p && a->denom.p && a->dloss.p && a->dx.p);
	assert(a->dx.p != a->prob.p);
	real scale = *(const real *)a->dloss.p / *(const real *)a->denom.p, weights = 0;
	for (int c = 0; c < s->n; c++) weights += weight ? weight[c] : 1;
	for (int u = begin; u < end; u++) {
		const int32_t *target = (const int32_t *)a->target.p + u * a->target.stride;
		for (int64_t o = 0, rows = eg_unit_size(s->rows, s->outer, u); o < rows; o++) {
			for (int i = 0; i < s->inner; i++) {
				int64_t at = o * s->n * s->inner + i;
				ce_bwd_row(eg_at(a->prob, u) + at, eg_at(a->dx, u) + at, target[o * s->inner + i],
				        weight, weights, scale, a->acc, s);
			}
		}
	}
}

void fill_loss__ref(eg_kernels *k) {
	EG_FILL(k, softmax_fwd, softmax_fwd__ref);
	EG_FILL(k, softmax_bwd, softmax_bwd__ref);
	EG_FILL(k, ce_denom, ce_denom__ref);
	EG_FILL(k, ce_fwd, ce_fwd__ref);
	EG_FILL(k, ce_mean, ce_mean__ref);
	EG_FILL(k, ce_bwd, ce_bwd__ref);
}

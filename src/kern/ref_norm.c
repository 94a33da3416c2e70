/* ref_norm.c - rows that are brought to mean 0 and deviation 1, functions along a dimension, gates and distances in
 * plain C. */
#include "kern/ref.h"

static int64_t rows_of(int64_t rows, int64_t total, int u) {
	int64_t left = total - u * rows;
	return left < rows ? left : rows;
}

/* What an absent buffer stands for. */
static real or_one(const real *w, int64_t i) { return w ? w[i] : 1; }
static real or_zero(const real *w, int64_t i) { return w ? w[i] : 0; }

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static bool row_ok(const eg_row_norm_shape *s, int begin, int end) {
	return units_ok(s->rows, s->total, begin, end) && s->groups >= 1 && s->channels >= 1 && s->inner >= 1;
}

static void row_stats(const real *x, int64_t n, bool rms, double eps, real stats[EG_ROW_STATS]) {
	double sum = 0, squares = 0;
	for (int64_t i = 0; i < n && !rms; i++) sum += (double)x[i];
	const double mean = sum / (double)n;
	for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
	const double rstd = 1 / sqrt(squares / (double)n + eps);
	stats[0] = (real)mean;
	stats[1] = (real)rstd;
	stats[2] = (real)(((double)stats[0] - mean) * rstd);
}

static real row_hat(real x, const real stats[EG_ROW_STATS]) { return (x - stats[0]) * stats[1] + stats[2]; }

static void row_norm_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_norm_args *a = args;
	const eg_row_norm_shape *s = &a->s;
	const real *weight = a->weight.p, *bias = a->bias.p;
	EG_UNUSED(worker), EG_UNUSED(row_ok); /* without assertions nobody asks */
	assert(row_ok(s, begin, end) && a->x.p && a->y.p && a->stats.p);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u);
		real *y = eg_at(a->y, u), *stats = eg_at(a->stats, u);
		for (int64_t r = u * s->rows, last = r + rows_of(s->rows, s->total, u); r < last;
		        r++, stats += EG_ROW_STATS) {
			const int64_t first = r % s->groups * s->channels;
			row_stats(x, (int64_t)s->channels * s->inner, s->rms, (double)a->eps, stats);
			for (int64_t c = first; c < first + s->channels; c++)
				for (int i = 0; i < s->inner; i++)
					*y++ = act_value(
					        a->act, row_hat(*x++, stats) * or_one(weight, c) + or_zero(bias, c));
		}
	}
}

/* One row, whose first channel weight, dweight and dbias begin with. */
static void row_bwd(const eg_row_norm_shape *s, const real *x, const real *stats, const real *weight, const real *dy,
	real *dx, real *dweight, real *dbias, bool acc) {
	const int64_t n = (int64_t)s->channels * s->inner;
	double sum = 0, product = 0;
	for (int64_t e = 0; e < n; e++) {
		const int64_t c = e / s->inner;
		const real h = row_hat(x[e], stats), g = or_one(weight, c) * dy[e];
		if (!s->rms) sum += (double)g;
		product += (double)g * (double)h;
		if (dweight) dweight[c] += dy[e] * h;
		if (dbias) dbias[c] += dy[e];
	}
	for (int64_t e = 0; e < n && dx; e++) {
		const real h = row_hat(x[e], stats), g = or_one(weight, e / s->inner) * dy[e];
		const real d = stats[1] * (g - (real)(sum / (double)n) - h * (real)(product / (double)n));
		dx[e] = acc ? dx[e] + d : d;
	}
}

static void row_norm_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_norm_bwd_args *a = args;
	const eg_row_norm_shape *s = &a->s;
	const int64_t n = (int64_t)s->channels * s->inner;
	const size_t size = (size_t)s->groups * (size_t)s->channels * sizeof(real);
	EG_UNUSED(worker);
	assert(row_ok(s, begin, end) && a->x.p && a->stats.p && a->dy.p && (a->dx.p || a->dweight.p || a->dbias.p));
	for (int u = begin; u < end; u++) {
		const real *weight = a->weight.p;
		real *dweight = a->dweight.p ? eg_at(a->dweight, u) : NULL,
		     *dbias = a->dbias.p ? eg_at(a->dbias, u) : NULL;
		if (dweight) memset(dweight, 0, size);
		if (dbias) memset(dbias, 0, size);
		for (int64_t i = 0, rows = rows_of(s->rows, s->total, u); i < rows; i++) {
			const int64_t first = (u * s->rows + i) % s->groups * s->channels;
			row_bwd(s, eg_at(a->x, u) + i * n, eg_at(a->stats, u) + i * EG_ROW_STATS,
			        weight ? weight + first : NULL, eg_at(a->dy, u) + i * n,
			        a->dx.p ? eg_at(a->dx, u) + i * n : NULL, dweight ? dweight + first : NULL,
			        dbias ? dbias + first : NULL, a->acc);
		}
	}
}

/* ---- along a dimension ------------------------------------------------------------------------------------------- */

/* Elements are `inner` apart. */
typedef struct line {
	const eg_along_shape *s;
	eg_along op;
	bool acc;
} line;

static void log_softmax_line(const line *l, const real *x, real *y) {
	const ptrdiff_t step = l->s->inner;
	real max = x[0], sum = 0;
	for (int c = 1; c < l->s->n; c++)
		if (x[c * step] > max) max = x[c * step];
	for (int c = 0; c < l->s->n; c++) sum += real_exp(x[c * step] - max);
	const real log_sum = real_log(sum);
	for (int c = 0; c < l->s->n; c++) y[c * step] = x[c * step] - max - log_sum;
}

/* What x is divided by, and without alpha. */
static real norm_of(const line *l, const real *x, real *raw) {
	double sum = 0;
	for (int c = 0; c < l->s->n; c++) {
		const double v = (double)x[c * (ptrdiff_t)l->s->inner];
		sum += l->op == EG_ALONG_L1 ? fabs(v) : v * v;
	}
	*raw = (real)(l->op == EG_ALONG_L1 ? sum : sqrt(sum));
	return *raw < l->s->alpha ? l->s->alpha : *raw;
}

static void norm_line(const line *l, const real *x, real *y) {
	const ptrdiff_t step = l->s->inner;
	real raw;
	const real norm = norm_of(l, x, &raw);
	for (int c = 0; c < l->s->n; c++) y[c * step] = x[c * step] / norm;
}

/* The window of element c: [*from, *to). */
static void window_of(const eg_along_shape *s, int c, int *from, int *to) {
	*from = c - (s->size - 1) / 2;
	*to = *from + s->size < s->n ? *from + s->size : s->n;
	if (*from < 0) *from = 0;
}

static real local_base(const eg_along_shape *s, const real *x, int c) {
	int from, to;
	real sum = 0;
	window_of(s, c, &from, &to);
	for (int k = from; k < to; k++) sum += x[k * (ptrdiff_t)s->inner] * x[k * (ptrdiff_t)s->inner];
	return s->bias + s->alpha / (real)s->size * sum;
}

static void local_line(const line *l, const real *x, real *y) {
	const ptrdiff_t step = l->s->inner;
	for (int c = 0; c < l->s->n; c++) y[c * step] = x[c * step] * REAL(pow)(local_base(l->s, x, c), -l->s->beta);
}

void eg_hard_max(const real *x, real *y, int n, ptrdiff_t step) {
	int best = 0;
	for (int c = 1; c < n && !isnan(x[best * step]); c++)
		if (isnan(x[c * step]) || x[c * step] > x[best * step]) best = c;
	for (int c = 0; c < n; c++) y[c * step] = c == best;
}

static bool along_ok(const eg_along_shape *s, eg_along op, int begin, int end) {
	return units_ok(s->rows, s->outer, begin, end) && s->n >= 1 && s->inner >= 1 && op < EG_ALONGS &&
	       (op != EG_ALONG_LOCAL || s->size >= 1);
}

static void along_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_along_args *a = args;
	const line l = {&a->s, a->op, false};
	EG_UNUSED(worker), EG_UNUSED(along_ok); /* without assertions nobody asks */
	assert(along_ok(&a->s, a->op, begin, end) && a->x.p && a->y.p && a->x.p != a->y.p);
	for (int u = begin; u < end; u++)
		for (int64_t o = 0, rows = rows_of(a->s.rows, a->s.outer, u); o < rows; o++)
			for (int i = 0; i < a->s.inner; i++) {
				const real *x = eg_at(a->x, u) + o * a->s.n * a->s.inner + i;
				real *y = eg_at(a->y, u) + o * a->s.n * a->s.inner + i;
				switch (a->op) {
				case EG_ALONG_LOG_SOFTMAX: log_softmax_line(&l, x, y); break;
				case EG_ALONG_L1:
				case EG_ALONG_L2: norm_line(&l, x, y); break;
				case EG_ALONG_LOCAL: local_line(&l, x, y); break;
				case EG_ALONG_HARD_MAX: eg_hard_max(x, y, a->s.n, a->s.inner); break;
				case EG_ALONGS: break;
				}
			}
}

static void put(const line *l, real *dx, int c, real d) {
	real *at = dx + c * (ptrdiff_t)l->s->inner;
	*at = l->acc ? *at + d : d;
}

static void log_softmax_bwd(const line *l, const real *y, const real *dy, real *dx) {
	const ptrdiff_t step = l->s->inner;
	real sum = 0;
	for (int c = 0; c < l->s->n; c++) sum += dy[c * step];
	for (int c = 0; c < l->s->n; c++) put(l, dx, c, dy[c * step] - real_exp(y[c * step]) * sum);
}

/* With n the norm: dx = (dy - dn sum(dy y)) / n, dn = y for l2, the sign of x for l1. */
static void norm_bwd(const line *l, const real *x, const real *dy, real *dx) {
	const ptrdiff_t step = l->s->inner;
	real raw, product = 0;
	const real norm = norm_of(l, x, &raw);
	for (int c = 0; c < l->s->n && raw >= l->s->alpha; c++) product += dy[c * step] * (x[c * step] / norm);
	for (int c = 0; c < l->s->n; c++) {
		const real v = x[c * step], slope = l->op == EG_ALONG_L2 ? v / norm : (real)((v > 0) - (v < 0));
		put(l, dx, c, (dy[c * step] - slope * product) / norm);
	}
}

/* scratch: of every element its factor d^-beta, and dy x d^(-beta-1), of which the elements in its window get a
 * share. */
static void local_bwd(const line *l, const real *x, const real *dy, real *dx, real *scratch) {
	const eg_along_shape *s = l->s;
	const ptrdiff_t step = s->inner;
	real *factor = scratch, *share = scratch + s->n;
	for (int c = 0; c < s->n; c++) {
		const real d = local_base(s, x, c);
		factor[c] = REAL(pow)(d, -s->beta);
		share[c] = dy[c * step] * x[c * step] * factor[c] / d;
	}
	for (int c = 0; c < s->n; c++) {
		real sum = 0;
		for (int k = c - s->size / 2; k <= c + (s->size - 1) / 2; k++)
			if (k >= 0 && k < s->n) sum += share[k];
		put(l, dx, c, dy[c * step] * factor[c] - 2 * s->alpha * s->beta / (real)s->size * x[c * step] * sum);
	}
}

static void along_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_along_bwd_args *a = args;
	const line l = {&a->s, a->op, a->acc};
	assert(along_ok(&a->s, a->op, begin, end) && a->v.p && a->dy.p && a->dx.p && a->op != EG_ALONG_HARD_MAX);
	for (int u = begin; u < end; u++)
		for (int64_t o = 0, rows = rows_of(a->s.rows, a->s.outer, u); o < rows; o++)
			for (int i = 0; i < a->s.inner; i++) {
				const int64_t at = o * a->s.n * a->s.inner + i;
				const real *v = eg_at(a->v, u) + at, *dy = eg_at(a->dy, u) + at;
				real *dx = eg_at(a->dx, u) + at;
				switch (a->op) {
				case EG_ALONG_LOG_SOFTMAX: log_softmax_bwd(&l, v, dy, dx); break;
				case EG_ALONG_L1:
				case EG_ALONG_L2: norm_bwd(&l, v, dy, dx); break;
				case EG_ALONG_LOCAL: local_bwd(&l, v, dy, dx, worker->scratch); break;
				case EG_ALONG_HARD_MAX:
				case EG_ALONGS: break;
				}
			}
}

/* ---- gates ------------------------------------------------------------------------------------------------------- */

static void gate_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gate_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->rows, a->outer, begin, end) && a->half >= 1 && a->x.p && a->y.p && a->x.p != a->y.p);
	for (int u = begin; u < end; u++)
		for (int64_t o = 0, rows = rows_of(a->rows, a->outer, u); o < rows; o++) {
			const real *x = eg_at(a->x, u) + 2 * o * a->half, *b = x + a->half;
			real *y = eg_at(a->y, u) + o * a->half;
			for (int64_t i = 0; i < a->half; i++) y[i] = x[i] * act_value(a->act, b[i]);
		}
}

static void gate_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gate_bwd_args *a = args;
	const bool from_x = eg_act_from_x(a->act.kind);
	EG_UNUSED(worker);
	assert(units_ok(a->rows, a->outer, begin, end) && a->half >= 1 && a->x.p && a->dy.p && a->dx.p &&
	        a->dx.p != a->x.p);
	for (int u = begin; u < end; u++)
		for (int64_t o = 0, rows = rows_of(a->rows, a->outer, u); o < rows; o++) {
			const real *x = eg_at(a->x, u) + 2 * o * a->half, *b = x + a->half,
			           *dy = eg_at(a->dy, u) + o * a->half;
			real *da = eg_at(a->dx, u) + 2 * o * a->half, *db = da + a->half;
			for (int64_t i = 0; i < a->half; i++) {
				const real gate = act_value(a->act, b[i]);
				const real d = dy[i] * gate, g = act_grad(a->act, from_x ? b[i] : gate, dy[i] * x[i]);
				da[i] = a->acc ? da[i] + d : d;
				db[i] = a->acc ? db[i] + g : g;
			}
		}
}

/* ---- distances --------------------------------------------------------------------------------------------------- */

static void distance_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_distance_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->rows, a->total, begin, end) && a->n >= 1 && a->k >= 1 && a->x.p && a->codes.p && a->y.p);
	for (int u = begin; u < end; u++)
		for (int64_t r = 0, rows = rows_of(a->rows, a->total, u); r < rows; r++)
			for (int64_t j = 0; j < a->n; j++) {
				const real *x = eg_at(a->x, u) + r * a->k, *code = (const real *)a->codes.p + j * a->k;
				real sum = 0;
				for (int i = 0; i < a->k; i++) sum += (x[i] - code[i]) * (x[i] - code[i]);
				eg_at(a->y, u)[r * a->n + j] = sum;
			}
}

static void distance_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_distance_bwd_args *d = args;
	EG_UNUSED(worker);
	assert(units_ok(d->rows, d->total, begin, end) && d->n >= 1 && d->k >= 1 && d->a.p && d->b.p && d->dy.p &&
	        d->da.p);
	for (int u = begin; u < end; u++)
		for (int64_t r = 0, rows = rows_of(d->rows, d->total, u); r < rows; r++)
			for (int i = 0; i < d->k; i++) {
				const real *dy = eg_at(d->dy, u) + r * d->sa, a = eg_at(d->a, u)[r * d->k + i],
				           *b = (const real *)d->b.p + i;
				real sum = 0, *da = eg_at(d->da, u) + r * d->k + i;
				for (int64_t j = 0; j < d->n; j++) sum += dy[j * d->sb] * (a - b[j * d->k]);
				*da = d->acc ? *da + 2 * sum : 2 * sum;
			}
}

void fill_norm__ref(eg_kernels *k) {
	EG_FILL(k, row_norm_fwd, row_norm_fwd__ref);
	EG_FILL(k, row_norm_bwd, row_norm_bwd__ref);
	EG_FILL(k, along_fwd, along_fwd__ref);
	EG_FILL(k, along_bwd, along_bwd__ref);
	EG_FILL(k, gate_fwd, gate_fwd__ref);
	EG_FILL(k, gate_bwd, gate_bwd__ref);
	EG_FILL(k, distance_fwd, distance_fwd__ref);
	EG_FILL(k, distance_bwd, distance_bwd__ref);
}

/* ref_reduce.c - the family of reductions and their derivatives. Sums are collected in double. */
#include "kern/ref.h"

/* The walk over what becomes element e of y: where it begins in x, and the strides and sizes of the dimensions that
 * are reduced. */
typedef struct walk {
	int rank;
	int64_t dims[EG_KDIMS], s[EG_KDIMS], at[EG_KDIMS], first, offset, count;
} walk;

static walk walk_of(const eg_reduce_shape *s, int64_t e) {
	walk w = {.count = 1};
	int64_t stride[EG_KDIMS], size = 1;
	assert(1 <= s->rank && s->rank <= EG_KDIMS);
	for (int d = s->rank - 1; d >= 0; d--) {
		stride[d] = size;
		size *= s->dims[d];
	}
	for (int d = 0; d < s->rank; d++) {
		if (s->sy[d]) {
			w.first += e / s->sy[d] % s->dims[d] * stride[d];
			continue;
		}
		w.dims[w.rank] = s->dims[d];
		w.s[w.rank++] = stride[d];
		w.count *= s->dims[d];
	}
	w.offset = w.first;
	return w;
}

static void step(walk *w) {
	for (int d = w->rank - 1; d >= 0; d--) {
		w->offset += w->s[d];
		if (++w->at[d] < w->dims[d]) return;
		w->offset -= w->s[d] * w->dims[d];
		w->at[d] = 0;
	}
}

/* What a sum is collected of. */
static double term(eg_reduction op, real x) {
	switch (op) {
	case EG_REDUCE_L1: return fabs((double)x);
	case EG_REDUCE_L2:
	case EG_REDUCE_SUM_SQUARE: return (double)x * (double)x;
	default: return (double)x;
	}
}

static double finish(eg_reduction op, double sum, int64_t count) {
	switch (op) {
	case EG_REDUCE_MEAN: return sum / (double)count;
	case EG_REDUCE_L2: return sqrt(sum);
	case EG_REDUCE_LOG_SUM: return log(sum);
	default: return sum;
	}
}

static bool is_arg(eg_reduction op) { return op >= EG_REDUCE_ARG_MAX; }
static bool is_last(eg_reduction op) { return op == EG_REDUCE_ARG_MAX_LAST || op == EG_REDUCE_ARG_MIN_LAST; }
static bool is_smallest(eg_reduction op) { return op == EG_REDUCE_MIN || op == EG_REDUCE_ARG_MIN || op == EG_REDUCE_ARG_MIN_LAST; }

/* The place of the extreme element among those of w; *best becomes it. */
static int64_t extreme(eg_reduction op, walk w, const real *x, real *best) {
	const bool smallest = is_smallest(op), last = is_last(op);
	int64_t place = 0;
	*best = x[w.offset];
	for (int64_t i = 0; i < w.count; i++, step(&w)) {
		real v = x[w.offset];
		bool wins = smallest ? v < *best : v > *best;
		if (last) wins = wins || v == *best;
		if (isnan(*best) || !(wins || isnan(v))) continue;
		*best = v;
		place = i;
	}
	return place;
}

static real log_sum_exp(walk w, const real *x) {
	real most;
	double sum = 0;
	extreme(EG_REDUCE_MAX, w, x, &most);
	if (isinf(most)) return most;
	for (int64_t i = 0; i < w.count; i++, step(&w)) sum += exp((double)(x[w.offset] - most));
	return most + (real)log(sum);
}

static real reduced(eg_reduction op, walk w, const real *x) {
	real best;
	double sum = op == EG_REDUCE_PROD ? 1 : 0;
	if (op == EG_REDUCE_LOG_SUM_EXP) return log_sum_exp(w, x);
	if (op == EG_REDUCE_MAX || op == EG_REDUCE_MIN) return extreme(op, w, x, &best), best;
	for (int64_t i = 0; i < w.count; i++, step(&w)) {
		double v = term(op, x[w.offset]);
		sum = op == EG_REDUCE_PROD ? sum * v : sum + v;
	}
	return (real)finish(op, sum, w.count);
}

/* The elements of unit u: so many, from `first` on in buffers that begin at place(.., u). */
static int64_t unit_of(const eg_reduce_shape *s, int u, int64_t *first) {
	const int64_t left = s->count - u * s->unit;
	*first = s->block ? 0 : u * s->unit;
	return left < s->unit ? left : s->unit;
}
static void *place(const eg_reduce_shape *s, eg_buf b, int u) { return s->block && b.p ? eg_at(b, u) : b.p; }

static void reduce__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reduce_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->s.unit, a->s.count, begin, end) && a->x.p && a->y.p && a->x.p != a->y.p && a->op < EG_REDUCTIONS);
	for (int u = begin; u < end; u++) {
		int64_t first, n = unit_of(&a->s, u, &first);
		const real *x = place(&a->s, a->x, u);
		real *y = is_arg(a->op) ? NULL : place(&a->s, a->y, u), best;
		int32_t *index = (int32_t *)a->y.p + (a->s.block ? u * a->y.stride : 0);
		for (int64_t e = first; e < first + n; e++) {
			const walk w = walk_of(&a->s, e);
			if (is_arg(a->op))
				index[e] = (int32_t)extreme(a->op, w, x, &best);
			else
				y[e] = reduced(a->op, w, x);
		}
	}
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

/* What the derivatives of the elements of one walk share: how many are equal to the extreme, or are 0, and the
 * product of the others. */
typedef struct shared {
	int64_t equal, zeros;
	double product;
} shared;

static bool is_extreme(real x, real y) { return isnan(y) ? isnan(x) : x == y; }

static shared shared_of(eg_reduction op, walk w, const real *x, real y) {
	shared s = {.product = 1};
	if (op != EG_REDUCE_MAX && op != EG_REDUCE_MIN && op != EG_REDUCE_PROD) return s;
	for (int64_t i = 0; i < w.count; i++, step(&w)) {
		real v = x[w.offset];
		s.equal += is_extreme(v, y);
		s.zeros += v == 0;
		if (v != 0) s.product *= (double)v;
	}
	return s;
}

/* dy/dx of an element. */
static real slope(eg_reduction op, real x, real y, int64_t count, const shared *s) {
	switch (op) {
	case EG_REDUCE_SUM: return 1;
	case EG_REDUCE_MEAN: return 1 / (real)count;
	case EG_REDUCE_MAX:
	case EG_REDUCE_MIN: return is_extreme(x, y) ? 1 / (real)s->equal : 0;
	case EG_REDUCE_PROD: return s->zeros == 0 ? (real)(s->product / (double)x) : s->zeros == 1 && x == 0 ? (real)s->product : 0;
	case EG_REDUCE_L1: return x > 0 ? 1 : x < 0 ? -1 : x;
	case EG_REDUCE_L2: return y == 0 ? 0 : x / y;
	case EG_REDUCE_SUM_SQUARE: return 2 * x;
	case EG_REDUCE_LOG_SUM: return real_exp(-y);
	case EG_REDUCE_LOG_SUM_EXP: return real_exp(x - y);
	case EG_REDUCE_ARG_MAX:
	case EG_REDUCE_ARG_MIN:
	case EG_REDUCE_ARG_MAX_LAST:
	case EG_REDUCE_ARG_MIN_LAST:
	case EG_REDUCTIONS: break;
	}
	return 0;
}

static void reduce_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reduce_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->s.unit, a->s.count, begin, end) && a->dy.p && a->dx.p && a->op < EG_REDUCTIONS && !is_arg(a->op));
	assert(a->x.p || a->y.p || a->op == EG_REDUCE_SUM || a->op == EG_REDUCE_MEAN);
	for (int u = begin; u < end; u++) {
		int64_t first, n = unit_of(&a->s, u, &first);
		const real *x = place(&a->s, a->x, u), *y = place(&a->s, a->y, u), *dy = place(&a->s, a->dy, u);
		real *dx = place(&a->s, a->dx, u);
		for (int64_t e = first; e < first + n; e++) {
			walk w = walk_of(&a->s, e);
			const shared s = shared_of(a->op, w, x, y ? y[e] : 0);
			for (int64_t i = 0; i < w.count; i++, step(&w)) {
				real d = dy[e] * slope(a->op, x ? x[w.offset] : 0, y ? y[e] : 0, w.count, &s);
				dx[w.offset] = a->acc ? dx[w.offset] + d : d;
			}
		}
	}
}

void fill_reduce__ref(eg_kernels *k) {
	EG_FILL(k, reduce, reduce__ref);
	EG_FILL(k, reduce_bwd, reduce_bwd__ref);
}

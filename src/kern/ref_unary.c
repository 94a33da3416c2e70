/* ref_unary.c - the family of functions of one number, and their derivatives. */
#include "kern/ref.h"

static real clip(real x, real low, real high) {
	real at_least = x < low ? low : x; /* NaN stays */
	return at_least > high ? high : at_least;
}

real eg_unary_value(eg_unary op, real x, real alpha, real beta) {
	switch (op) {
	case EG_UNARY_EXP: return REAL(exp)(x);
	case EG_UNARY_LOG: return REAL(log)(x);
	case EG_UNARY_SQRT: return REAL(sqrt)(x);
	case EG_UNARY_RECIPROCAL: return 1 / x;
	case EG_UNARY_SQUARE: return x * x;
	case EG_UNARY_ABS: return REAL(fabs)(x);
	case EG_UNARY_NEG: return -x;
	case EG_UNARY_SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
	case EG_UNARY_FLOOR: return REAL(floor)(x);
	case EG_UNARY_CEIL: return REAL(ceil)(x);
	case EG_UNARY_ROUND: return REAL(nearbyint)(x);
	case EG_UNARY_SIN: return REAL(sin)(x);
	case EG_UNARY_COS: return REAL(cos)(x);
	case EG_UNARY_TAN: return REAL(tan)(x);
	case EG_UNARY_ASIN: return REAL(asin)(x);
	case EG_UNARY_ACOS: return REAL(acos)(x);
	case EG_UNARY_ATAN: return REAL(atan)(x);
	case EG_UNARY_SINH: return REAL(sinh)(x);
	case EG_UNARY_COSH: return REAL(cosh)(x);
	case EG_UNARY_ASINH: return REAL(asinh)(x);
	case EG_UNARY_ACOSH: return REAL(acosh)(x);
	case EG_UNARY_ATANH: return REAL(atanh)(x);
	case EG_UNARY_ERF: return REAL(erf)(x);
	case EG_UNARY_CLIP: return clip(x, alpha, beta);
	case EG_UNARY_IS_NAN: return isnan(x) ? (real)1 : 0;
	case EG_UNARY_IS_INF: return isinf(x) && (x > 0 ? alpha : beta) != 0 ? 1 : 0;
	case EG_UNARY_NOT: return x == 0 ? 1 : 0;
	case EG_UNARIES: break;
	}
	return x;
}

real eg_unary_slope(eg_unary op, real v, real alpha, real beta) {
	switch (op) {
	case EG_UNARY_EXP: return v;
	case EG_UNARY_LOG: return 1 / v;
	case EG_UNARY_SQRT: return (real)0.5 / v;
	case EG_UNARY_RECIPROCAL: return -v * v;
	case EG_UNARY_SQUARE: return 2 * v;
	case EG_UNARY_ABS: return v > 0 ? 1 : v < 0 ? -1 : v;
	case EG_UNARY_NEG: return -1;
	case EG_UNARY_SIN: return REAL(cos)(v);
	case EG_UNARY_COS: return -REAL(sin)(v);
	case EG_UNARY_TAN: return 1 + v * v;
	case EG_UNARY_ASIN: return 1 / REAL(sqrt)((1 - v) * (1 + v));
	case EG_UNARY_ACOS: return -1 / REAL(sqrt)((1 - v) * (1 + v));
	case EG_UNARY_ATAN: return 1 / (1 + v * v);
	case EG_UNARY_SINH: return REAL(cosh)(v);
	case EG_UNARY_COSH: return REAL(sinh)(v);
	case EG_UNARY_ASINH: return 1 / REAL(sqrt)(v * v + 1);
	case EG_UNARY_ACOSH: return 1 / REAL(sqrt)((v - 1) * (v + 1));
	case EG_UNARY_ATANH: return 1 / ((1 - v) * (1 + v));
	case EG_UNARY_ERF: return (real)1.12837916709551257390 * REAL(exp)(-v * v); /* 2 / sqrt(pi) */
	case EG_UNARY_CLIP: return v >= alpha && v <= beta ? 1 : 0;
	case EG_UNARY_SIGN:
	case EG_UNARY_FLOOR:
	case EG_UNARY_CEIL:
	case EG_UNARY_ROUND:
	case EG_UNARY_IS_NAN:
	case EG_UNARY_IS_INF:
	case EG_UNARY_NOT:
	case EG_UNARIES: break;
	}
	return 0;
}

static void unary_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_unary_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->x.p && a->y.p && a->op < EG_UNARIES);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u);
		real *y = eg_at(a->y, u);
		for (int64_t i = 0, n = eg_unit_size(a->unit, a->total, u); i < n; i++) y[i] = eg_unary_value(a->op, x[i], a->alpha, a->beta);
	}
}

static void unary_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_unary_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->dy.p && a->dx.p && a->op < EG_UNARIES);
	assert(a->v.p ? a->dx.p != a->v.p : a->op == EG_UNARY_NEG);
	for (int u = begin; u < end; u++) {
		const real *v = a->v.p ? eg_at(a->v, u) : NULL, *dy = eg_at(a->dy, u);
		real *dx = eg_at(a->dx, u);
		for (int64_t i = 0, n = eg_unit_size(a->unit, a->total, u); i < n; i++) {
			real d = dy[i] * eg_unary_slope(a->op, v ? v[i] : 0, a->alpha, a->beta);
			dx[i] = a->acc ? dx[i] + d : d;
		}
	}
}

void fill_unary__ref(eg_kernels *k) {
	EG_FILL(k, unary_fwd, unary_fwd__ref);
	EG_FILL(k, unary_bwd, unary_bwd__ref);
}

/* body_unary.c - the family of functions of one number, and their derivatives (kern_families.h), over simd.h.
 *
 * asin, acos, atan, sinh, cosh, asinh, acosh and atanh have no vectors of their own: they are C's, number by number.
 *
 * Not here: activations (body_map.c). */
#include "kern/body_unary.h"
#include "kern/kern_families.h"

/* |r| with the sign of a negative x, so that what is rounded to zero keeps it. */
EG_ALWAYS_INLINE vf unary_signed(vf x, vf r) { return vsel(vgt(vzero(), x), unary_neg(vabs(r)), r); }

EG_ALWAYS_INLINE vf unary_floor(vf x) {
	vf r = vround(x);
	return unary_signed(x, vsel(vgt(r, x), vsub(r, vset1(1.0f)), r));
}
EG_ALWAYS_INLINE vf unary_ceil(vf x) {
	vf r = vround(x);
	return unary_signed(x, vsel(vgt(x, r), vadd(r, vset1(1.0f)), r));
}
/* Numbers from here on have too few digits behind the point for the three parts of pi/2 below. */
#define UNARY_LONG_WAY 8192.0f

/* Sine and cosine by Cephes' polynomials on |r| <= pi/4; right below UNARY_LONG_WAY. */
EG_ALWAYS_INLINE void unary_sincos(vf x, vf *sine, vf *cosine) {
	vf n = vround(vmul(x, vset1(0.636619772367581343f)));
	vf r = vfnma(n, vset1(1.5703125f), x);
	r = vfnma(n, vset1(4.837512969970703125e-4f), r);
	r = vfnma(n, vset1(7.54978995489188216e-8f), r);
	r = vsel(vgt(vset1(0.5f), vabs(n)), x, r);
	vf z = vmul(r, r), s = vset1(-1.9515295891e-4f), c = vset1(2.443315711809948e-5f);
	s = vfma(s, z, vset1(8.3321608736e-3f));
	s = vfma(s, z, vset1(-1.6666654611e-1f));
	s = vsel(vgt(vabs(r), vset1(1e-4f)), vfma(vmul(s, z), r, r), r); /* -0 stays */
	c = vfma(c, z, vset1(-1.388731625493765e-3f));
	c = vfma(c, z, vset1(4.166664568298827e-2f));
	c = vfma(vmul(c, z), z, vfnma(vset1(0.5f), z, vset1(1.0f)));
	vf turn = vfnma(vset1(4.0f), unary_floor(vmul(n, vset1(0.25f))), n); /* 0, 1, 2 or 3 quarters */
	vm quarter = vgt(vset1(0.5f), vabs(vsub(vabs(vsub(turn, vset1(2.0f))), vset1(1.0f)))); /* 1 or 3 */
	vm s_minus = vgt(turn, vset1(1.5f)), c_minus = vgt(vset1(1.0f), vabs(vsub(turn, vset1(1.5f))));
	vf a = vsel(quarter, c, s), b = vsel(quarter, s, c);
	*sine = vsel(s_minus, unary_neg(a), a);
	*cosine = vsel(c_minus, unary_neg(b), b);
}

/* erf by Cephes: an odd polynomial below 1, else 1 - exp(-x^2) q P(q^2), q = 1/|x|. */
EG_ALWAYS_INLINE vf unary_erf(vf x) {
	vf size = vabs(x), z = vmul(x, x), p = vset1(7.853861353153693e-5f);
	p = vfma(p, z, vset1(-8.010193625184903e-4f));
	p = vfma(p, z, vset1(5.188327685732524e-3f));
	p = vfma(p, z, vset1(-2.685381193529856e-2f));
	p = vfma(p, z, vset1(1.128358514861418e-1f));
	p = vfma(p, z, vset1(-3.761262582423300e-1f));
	p = vfma(p, z, vset1(1.128379165726710f));
	vf q = vdiv(vset1(1.0f), vmax(vset1(1.0f), size)), w = vmul(q, q);
	vf near = vset1(2.326819970068386e-2f), far = vset1(-1.047766399936249e+1f);
	near = vfma(near, w, vset1(-1.387039388740657e-1f));
	near = vfma(near, w, vset1(3.687424674597105e-1f));
	near = vfma(near, w, vset1(-5.824733027278666e-1f));
	near = vfma(near, w, vset1(6.210004621745983e-1f));
	near = vfma(near, w, vset1(-4.944515323274145e-1f));
	near = vfma(near, w, vset1(3.404879937665872e-1f));
	near = vfma(near, w, vset1(-2.741127028184656e-1f));
	near = vfma(near, w, vset1(5.638259427386472e-1f));
	far = vfma(far, w, vset1(1.297719955372516e+1f));
	far = vfma(far, w, vset1(-7.495518717768503f));
	far = vfma(far, w, vset1(2.921019019210786f));
	far = vfma(far, w, vset1(-1.015265279202700f));
	far = vfma(far, w, vset1(4.218463358204948e-1f));
	far = vfma(far, w, vset1(-2.820767439740514e-1f));
	far = vfma(far, w, vset1(5.641895067754075e-1f));
	vf rest = vmul(vmul(vexp(unary_neg(z)), q), vsel(vgt(vset1(2.0f), size), near, far));
	vf big = vsub(vset1(1.0f), rest);
	return vsel(vgt(size, vset1(1.0f)), vsel(vgt(vzero(), x), unary_neg(big), big), vmul(x, p));
}

/* NaN is second: it stays */
EG_ALWAYS_INLINE vf unary_clip(vf x, float low, float high) { return vmin(vset1(high), vmax(vset1(low), x)); }

/* f(x) for members that have vectors. */
EG_ALWAYS_INLINE vf unary_value(eg_unary op, vf x, float alpha, float beta) {
	const vf one = vset1(1.0f);
	vf s, c;
	switch (op) {
	case EG_UNARY_EXP: return vexp(x);
	case EG_UNARY_LOG: return vlog(x);
	case EG_UNARY_SQRT: return vsqrt(x);
	case EG_UNARY_RECIPROCAL: return vdiv(one, x);
	case EG_UNARY_SQUARE: return vmul(x, x);
	case EG_UNARY_ABS: return vabs(x);
	case EG_UNARY_NEG: return unary_neg(x);
	case EG_UNARY_SIGN: return unary_sign(x);
	case EG_UNARY_FLOOR: return unary_floor(x);
	case EG_UNARY_CEIL: return unary_ceil(x);
	case EG_UNARY_ROUND: return unary_signed(x, vround(x));
	case EG_UNARY_SIN: return unary_sincos(x, &s, &c), s;
	case EG_UNARY_COS: return unary_sincos(x, &s, &c), c;
	case EG_UNARY_TAN: return unary_sincos(x, &s, &c), vdiv(s, c);
	case EG_UNARY_ERF: return unary_erf(x);
	case EG_UNARY_CLIP: return unary_clip(x, alpha, beta);
	case EG_UNARY_IS_NAN: return vsel(vnan(x), one, vzero());
	case EG_UNARY_NOT: return vsel(unary_true(x), vzero(), one);
	default: return x;
	}
}

/* f'(v). */
EG_ALWAYS_INLINE vf unary_slope(eg_unary op, vf v, float alpha, float beta) {
	const vf one = vset1(1.0f);
	vf s, c;
	switch (op) {
	case EG_UNARY_EXP: return v;
	case EG_UNARY_LOG: return vdiv(one, v);
	case EG_UNARY_SQRT: return vdiv(vset1(0.5f), v);
	case EG_UNARY_RECIPROCAL: return unary_neg(vmul(v, v));
	case EG_UNARY_SQUARE: return vadd(v, v);
	case EG_UNARY_ABS: return unary_sign(v);
	case EG_UNARY_NEG: return vset1(-1.0f);
	case EG_UNARY_SIN: return unary_sincos(v, &s, &c), c;
	case EG_UNARY_COS: return unary_sincos(v, &s, &c), unary_neg(s);
	case EG_UNARY_TAN: return vfma(v, v, one);
	case EG_UNARY_ASIN: return vdiv(one, vsqrt(vmul(vsub(one, v), vadd(one, v))));
	case EG_UNARY_ACOS: return vdiv(vset1(-1.0f), vsqrt(vmul(vsub(one, v), vadd(one, v))));
	case EG_UNARY_ATAN: return vdiv(one, vfma(v, v, one));
	case EG_UNARY_ASINH: return vdiv(one, vsqrt(vfma(v, v, one)));
	case EG_UNARY_ACOSH: return vdiv(one, vsqrt(vmul(vsub(v, one), vadd(v, one))));
	case EG_UNARY_ATANH: return vdiv(one, vmul(vsub(one, v), vadd(one, v)));
	case EG_UNARY_ERF: return vmul(vset1(1.12837916709551257390f), vexp(unary_neg(vmul(v, v))));
	case EG_UNARY_CLIP: /* NaN lies outside */
		return vsel(vor_m(vnan(v), vor_m(vgt(vset1(alpha), v), vgt(v, vset1(beta)))), vzero(), one);
	default: return vzero();
	}
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* Lanes of x whose sine has to be computed the long way; tan and derivatives likewise. */
static void unary_long_way(eg_unary op, bool slope, const float *x, float *y, int n) {
	for (int i = 0; i < n; i++)
		if (!(x[i] < UNARY_LONG_WAY && x[i] > -UNARY_LONG_WAY)) y[i] = slope ? eg_unary_slope(op, x[i], 0, 0) : eg_unary_value(op, x[i], 0, 0);
}

EG_ALWAYS_INLINE bool unary_turns(eg_unary op) { return op == EG_UNARY_SIN || op == EG_UNARY_COS || op == EG_UNARY_TAN; }

EG_ALWAYS_INLINE void unary_part(eg_unary op, const float *x, float *y, int lanes, float alpha, float beta) {
	vf v = vload_n(x, lanes);
	if (!unary_turns(op) || !(vmax_all(vabs(v)) >= UNARY_LONG_WAY)) {
		vstore_n(y, lanes, unary_value(op, v, alpha, beta));
		return;
	}
	float in[V], out[V];
	vstore(in, v);
	vstore(out, unary_value(op, v, alpha, beta));
	unary_long_way(op, false, in, out, lanes);
	vstore_n(y, lanes, vload(out));
}

EG_ALWAYS_INLINE void unary_run(eg_unary op, const float *x, float *y, int64_t n, float alpha, float beta) {
	int64_t i = 0;
	for (; i + V <= n; i += V) unary_part(op, x + i, y + i, V, alpha, beta);
	if (i < n) unary_part(op, x + i, y + i, (int)(n - i), alpha, beta);
}

static void unary_values(eg_unary op, const float *x, float *y, int64_t n, float alpha, float beta) {
#define UNARY_CASE(op) case op: unary_run(op, x, y, n, alpha, beta); break
	switch (op) {
		UNARY_CASE(EG_UNARY_EXP);
		UNARY_CASE(EG_UNARY_LOG);
		UNARY_CASE(EG_UNARY_SQRT);
		UNARY_CASE(EG_UNARY_RECIPROCAL);
		UNARY_CASE(EG_UNARY_SQUARE);
		UNARY_CASE(EG_UNARY_ABS);
		UNARY_CASE(EG_UNARY_NEG);
		UNARY_CASE(EG_UNARY_SIGN);
		UNARY_CASE(EG_UNARY_FLOOR);
		UNARY_CASE(EG_UNARY_CEIL);
		UNARY_CASE(EG_UNARY_ROUND);
		UNARY_CASE(EG_UNARY_SIN);
		UNARY_CASE(EG_UNARY_COS);
		UNARY_CASE(EG_UNARY_TAN);
		UNARY_CASE(EG_UNARY_ERF);
		UNARY_CASE(EG_UNARY_CLIP);
		UNARY_CASE(EG_UNARY_IS_NAN);
		UNARY_CASE(EG_UNARY_NOT);
	default:
		for (int64_t i = 0; i < n; i++) y[i] = eg_unary_value(op, x[i], alpha, beta);
	}
#undef UNARY_CASE
}

void EG_NAME(unary_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_unary_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++)
		unary_values(a->op, eg_at(a->x, u), eg_at(a->y, u), eg_unit_size(a->unit, a->total, u), a->alpha, a->beta);
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

typedef struct unary_grad {
	const float *v, *dy;
	float *dx, alpha, beta;
	bool acc;
} unary_grad;

EG_ALWAYS_INLINE void unary_grad_part(eg_unary op, const unary_grad *g, int64_t i, int lanes) {
	vf v = op == EG_UNARY_NEG ? vzero() : vload_n(g->v + i, lanes), slope = unary_slope(op, v, g->alpha, g->beta);
	if ((op == EG_UNARY_SIN || op == EG_UNARY_COS) && vmax_all(vabs(v)) >= UNARY_LONG_WAY) {
		float in[V], out[V];
		vstore(in, v);
		vstore(out, slope);
		unary_long_way(op, true, in, out, lanes);
		slope = vload(out);
	}
	vf d = vmul(vload_n(g->dy + i, lanes), slope);
	vstore_n(g->dx + i, lanes, g->acc ? vadd(vload_n(g->dx + i, lanes), d) : d);
}

EG_ALWAYS_INLINE void unary_grad_run(eg_unary op, const unary_grad *g, int64_t n) {
	int64_t i = 0;
	for (; i + V <= n; i += V) unary_grad_part(op, g, i, V);
	if (i < n) unary_grad_part(op, g, i, (int)(n - i));
}

static void unary_grads(eg_unary op, const unary_grad *g, int64_t n) {
#define UNARY_CASE(op) case op: unary_grad_run(op, g, n); break
	switch (op) {
		UNARY_CASE(EG_UNARY_EXP);
		UNARY_CASE(EG_UNARY_LOG);
		UNARY_CASE(EG_UNARY_SQRT);
		UNARY_CASE(EG_UNARY_RECIPROCAL);
		UNARY_CASE(EG_UNARY_SQUARE);
		UNARY_CASE(EG_UNARY_ABS);
		UNARY_CASE(EG_UNARY_NEG);
		UNARY_CASE(EG_UNARY_SIN);
		UNARY_CASE(EG_UNARY_COS);
		UNARY_CASE(EG_UNARY_TAN);
		UNARY_CASE(EG_UNARY_ASIN);
		UNARY_CASE(EG_UNARY_ACOS);
		UNARY_CASE(EG_UNARY_ATAN);
		UNARY_CASE(EG_UNARY_ASINH);
		UNARY_CASE(EG_UNARY_ACOSH);
		UNARY_CASE(EG_UNARY_ATANH);
		UNARY_CASE(EG_UNARY_ERF);
		UNARY_CASE(EG_UNARY_CLIP);
	default:
		for (int64_t i = 0; i < n; i++) {
			float d = g->dy[i] * eg_unary_slope(op, g->v[i], g->alpha, g->beta);
			g->dx[i] = g->acc ? g->dx[i] + d : d;
		}
	}
#undef UNARY_CASE
}

void EG_NAME(unary_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_unary_bwd_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		unary_grad g = {a->v.p ? eg_at(a->v, u) : NULL, eg_at(a->dy, u), eg_at(a->dx, u), a->alpha, a->beta, a->acc};
		assert(a->op == EG_UNARY_NEG || g.v);
		unary_grads(a->op, &g, eg_unit_size(a->unit, a->total, u));
	}
}

/* body_act_kinds.h - what the kinds of activation (act.h) are, over simd.h: a function and its slope, for a kind
 * that is known to the compiler, or where a switch in line pays.
 *
 * Products that are added are written as vfma, so that the compiler has nothing left to contract, here so and there
 * otherwise.
 *
 * Not here: the sigmoid and tanh of recurrent cells (body_recurrent.c), which are quicker and not as exact. */
#ifndef ENGRAM_BODY_ACT_KINDS_H
#define ENGRAM_BODY_ACT_KINDS_H

#include "kern/simd.h"

#include <math.h>

/* ---- what the kinds are made of ---------------------------------------------------------------------------------- */

/* e^x - 1; small values keep all digits. */
EG_ALWAYS_INLINE vf act_expm1(vf x) {
	vf p = vset1(1.0f / 5040);
	p = vfma(p, x, vset1(1.0f / 720));
	p = vfma(p, x, vset1(1.0f / 120));
	p = vfma(p, x, vset1(1.0f / 24));
	p = vfma(p, x, vset1(1.0f / 6));
	p = vfma(p, x, vset1(0.5f));
	vf small = vfma(vmul(p, x), x, x);
	return vsel(vgt(vabs(x), vset1(0.4f)), vsub(vexp(x), vset1(1.0f)), small);
}

/* log(1 + e^x) = max(x, 0) + log(1 + u), u = e^-|x|; with s = u / (2 + u) <= 1/3 the logarithm is 2 (s + s^3 / 3 +
 * s^5 / 5 + ...). */
EG_ALWAYS_INLINE vf act_softplus(vf x) {
	vf u = vexp(vsub(vzero(), vabs(x))), s = vdiv(u, vadd(vset1(2.0f), u)), q = vmul(s, s), p = vset1(2.0f / 15);
	p = vfma(p, q, vset1(2.0f / 13));
	p = vfma(p, q, vset1(2.0f / 11));
	p = vfma(p, q, vset1(2.0f / 9));
	p = vfma(p, q, vset1(2.0f / 7));
	p = vfma(p, q, vset1(2.0f / 5));
	p = vfma(p, q, vset1(2.0f / 3));
	p = vfma(p, q, vset1(2.0f));
	return vfma(p, s, vmax(vzero(), x)); /* NaN comes through u too */
}

/* A rational function of degree 13/8 (that of Eigen; error 2e-7), x brought to where it is 1. */
EG_ALWAYS_INLINE vf act_erf(vf x) {
	x = vmax(vset1(-4.0f), vmin(vset1(4.0f), x));
	vf s = vmul(x, x), p = vset1(-2.72614225801306e-10f), q = vset1(-1.45660718464996e-05f);
	p = vfma(p, s, vset1(2.77068142495902e-08f));
	p = vfma(p, s, vset1(-2.10102402082508e-06f));
	p = vfma(p, s, vset1(-5.69250639462346e-05f));
	p = vfma(p, s, vset1(-7.34990630326855e-04f));
	p = vfma(p, s, vset1(-2.95459980854025e-03f));
	p = vfma(p, s, vset1(-1.60960333262415e-02f));
	q = vfma(q, s, vset1(-2.13374055278905e-04f));
	q = vfma(q, s, vset1(-1.68282697438203e-03f));
	q = vfma(q, s, vset1(-7.37332916720468e-03f));
	q = vfma(q, s, vset1(-1.42647390514189e-02f));
	return vdiv(vmul(p, x), q);
}

EG_ALWAYS_INLINE vf act_clip(vf x, float low, float high) { return vmax(vset1(low), vmin(vset1(high), x)); }
/* The normal distribution. */
EG_ALWAYS_INLINE vf act_normal(vf x) {
	return vfma(act_erf(vmul(x, vset1(0.707106781186547524f))), vset1(0.5f), vset1(0.5f));
}
/* tanh(log(1 + e^x)) = n / (n + 2), n = e^x (e^x + 2); above 20 it is 1. */
EG_ALWAYS_INLINE vf act_mish_factor(vf x) {
	vf e = vexp(vmin(vset1(20.0f), x)), n = vmul(e, vadd(e, vset1(2.0f)));
	return vdiv(n, vadd(n, vset1(2.0f)));
}
/* tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
EG_ALWAYS_INLINE vf act_gelu_tanh(vf x) {
	vf in = vmul(vmul(x, vset1(0.797884560802865356f)), vfma(vmul(x, vset1(0.044715f)), x, vset1(1.0f)));
	return vtanh(in);
}

/* ---- one vector -------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE vf act_value(vf x, eg_act act) {
	const vf a = vset1(act.alpha), b = vset1(act.beta);
	switch (act.kind) {
	case EG_ACT_RELU: return vmax(vzero(), x); /* this way round NaN stays */
	case EG_ACT_SIGMOID: return vsigmoid(x);
	case EG_ACT_TANH: return vtanh(x);
	case EG_ACT_SCALED_TANH: return vmul(a, vtanh(vmul(b, x)));
	case EG_ACT_LEAKY: return vsel(vgt(vzero(), x), vmul(a, x), x);
	case EG_ACT_ELU: return vsel(vgt(x, vzero()), vmul(b, x), vmul(a, act_expm1(x)));
	case EG_ACT_CELU: return vsel(vgt(x, vzero()), x, vmul(a, act_expm1(vdiv(x, a))));
	case EG_ACT_CLIP: return act_clip(x, act.alpha, act.beta);
	case EG_ACT_HARD_SIGMOID: return act_clip(vfma(a, x, b), 0.0f, 1.0f);
	case EG_ACT_SOFTPLUS: return vdiv(act_softplus(vmul(a, x)), a);
	case EG_ACT_SOFTSIGN: return vdiv(x, vadd(vset1(1.0f), vabs(x)));
	case EG_ACT_THRESHOLD: return vkeep(vor_m(vgt(x, a), vnan(x)), x);
	case EG_ACT_SHRINK: return vkeep(vor_m(vgt(vabs(x), a), vnan(x)), vsel(vgt(vzero(), x), vadd(x, b), vsub(x, b)));
	case EG_ACT_HARD_SWISH: return vmul(x, act_clip(vfma(x, vset1(1.0f / 6), vset1(0.5f)), 0.0f, 1.0f));
	case EG_ACT_SILU: return vmul(x, vsigmoid(vmul(a, x)));
	case EG_ACT_MISH: return vmul(x, act_mish_factor(x));
	case EG_ACT_GELU: return vmul(x, act_normal(x));
	case EG_ACT_GELU_TANH: return vmul(x, vfma(act_gelu_tanh(x), vset1(0.5f), vset1(0.5f)));
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return x;
}

/* act'(x) of the kinds of which x is asked for. */
EG_ALWAYS_INLINE vf act_slope_from_x(vf x, eg_act act) {
	const vf one = vset1(1.0f), half = vset1(0.5f);
	if (act.kind == EG_ACT_HARD_SWISH) {
		vf inside = vfma(x, vset1(1.0f / 3), half);
		return vsel(vgt(vabs(x), vset1(2.99999976f)), vsel(vgt(x, vzero()), one, vzero()), inside);
	}
	if (act.kind == EG_ACT_GELU) {
		vf density = vmul(vset1(0.398942280401432678f), vexp(vmul(vmul(x, vset1(-0.5f)), x)));
		return vfma(x, density, act_normal(x));
	}
	if (act.kind == EG_ACT_GELU_TANH) {
		vf t = act_gelu_tanh(x), in = vfma(vmul(x, vset1(3 * 0.044715f)), x, one);
		vf rise = vmul(vmul(in, vset1(0.797884560802865356f)), vmul(vfnma(t, t, one), half));
		return vfma(x, rise, vfma(t, half, half));
	}
	if (act.kind == EG_ACT_MISH) {
		vf t = act_mish_factor(x);
		return vfma(vmul(x, vsigmoid(x)), vfnma(t, t, one), t);
	}
	vf in = vmul(vset1(act.alpha), x), s = vsigmoid(in); /* EG_ACT_SILU */
	return vfma(vmul(in, s), vsub(one, s), s);
}

/* dy act'(x), where v is y = act(x), or x for the kinds of eg_act_from_x. */
EG_ALWAYS_INLINE vf act_grad(vf v, vf dy, eg_act act) {
	const vf a = vset1(act.alpha), b = vset1(act.beta), one = vset1(1.0f);
	const vm rises = vgt(v, vzero());
	switch (act.kind) {
	case EG_ACT_RELU: return vsel(rises, dy, vzero());
	case EG_ACT_SIGMOID: return vmul(dy, vmul(v, vsub(one, v)));
	case EG_ACT_TANH: return vmul(dy, vfnma(v, v, one));
	case EG_ACT_SCALED_TANH: return vmul(vmul(dy, b), vfnma(v, vdiv(v, a), a));
	case EG_ACT_LEAKY: return vsel(rises, dy, vmul(a, dy));
	case EG_ACT_ELU: return vmul(dy, vsel(rises, b, vadd(v, a)));
	case EG_ACT_CELU: return vsel(rises, dy, vmul(dy, vadd(vdiv(v, a), one)));
	case EG_ACT_CLIP: return vkeep(vand_m(vgt(v, a), vgt(b, v)), dy);
	case EG_ACT_HARD_SIGMOID: return vkeep(vand_m(rises, vgt(one, v)), vmul(a, dy));
	case EG_ACT_SOFTPLUS: return vmul(dy, vsub(vzero(), act_expm1(vmul(vsub(vzero(), a), v))));
	case EG_ACT_SOFTSIGN: return vmul(dy, vmul(vsub(one, vabs(v)), vsub(one, vabs(v))));
	case EG_ACT_THRESHOLD:
	case EG_ACT_SHRINK: return vkeep(vgt(vabs(v), vzero()), dy);
	case EG_ACT_HARD_SWISH:
	case EG_ACT_SILU:
	case EG_ACT_MISH:
	case EG_ACT_GELU:
	case EG_ACT_GELU_TANH: return vmul(dy, act_slope_from_x(v, act));
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return dy;
}

#endif

/* body_act.h - activations (act.h) over simd.h: one function each way, and what the kernels need to apply it: to a vector behind their own
 * arithmetic, or to a run of memory.
 *
 * Products that are added are written as vfma, so that the compiler has nothing left to contract, here so and there otherwise.
 *
 * Not here: the sigmoid and tanh of recurrent cells (body_recurrent.h), which are quicker and not as exact. */
#ifndef ENGRAM_BODY_ACT_H
#define ENGRAM_BODY_ACT_H

#include "kern/simd.h"

#include <math.h>

#if defined(__GNUC__)
#define ACT_APART __attribute__((noinline))
#else
#define ACT_APART
#endif

/* ---- one vector -------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE vf act_value(vf x, eg_act act) {
	switch (act.kind) {
	case EG_ACT_RELU: return vmax(vzero(), x); /* this way round NaN stays */
	case EG_ACT_SIGMOID: return vsigmoid(x);
	case EG_ACT_TANH: return vtanh(x);
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return x;
}

/* dy act'(x), where v is y = act(x), or x for the kinds of eg_act_from_x. */
EG_ALWAYS_INLINE vf act_grad(vf v, vf dy, eg_act act) {
	switch (act.kind) {
	case EG_ACT_RELU: return vsel(vgt(v, vzero()), dy, vzero());
	case EG_ACT_SIGMOID: return vmul(dy, vmul(v, vsub(vset1(1.0f), v)));
	case EG_ACT_TANH: return vmul(dy, vfnma(v, v, vset1(1.0f)));
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return dy;
}

/* Not in line: for places where the kind is known only when they run, and which are many. */
static ACT_APART vf EG_NAME(act_any)(vf x, eg_act act) { return act_value(x, act); }
static ACT_APART vf EG_NAME(act_any_grad)(vf v, vf dy, eg_act act) { return act_grad(v, dy, act); }

/* act(x) with the two cheap ones in line. */
EG_ALWAYS_INLINE vf act_after(vf x, eg_act act) {
	if (act.kind == EG_ACT_NONE) return x;
	return act.kind == EG_ACT_RELU ? vmax(vzero(), x) : EG_NAME(act_any)(x, act);
}

/* Sums that are written with a maximum: its other side, and whether that was not all, so that act_after or act_run is still to be done. */
EG_ALWAYS_INLINE float act_least(eg_act act) { return act.kind == EG_ACT_RELU ? 0.0f : -INFINITY; }
EG_ALWAYS_INLINE bool act_remains(eg_act act) { return act.kind != EG_ACT_NONE && act.kind != EG_ACT_RELU; }

/* ---- runs of memory ---------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void act_run_as(const float *x, float *y, int64_t n, eg_act act) {
	int64_t i = 0;
	for (; i + 2 * V <= n; i += 2 * V) {
		vf a = act_value(vload(x + i), act), b = act_value(vload(x + i + V), act);
		vstore(y + i, a);
		vstore(y + i + V, b);
	}
	for (; i < n; i += V) {
		int lanes = n - i < V ? (int)(n - i) : V;
		vstore_n(y + i, lanes, act_value(vload_n(x + i, lanes), act));
	}
}

/* y = act(x), in place allowed. */
static void EG_NAME(act_run)(const float *x, float *y, int64_t n, eg_act act) {
	switch (act.kind) {
#define EG_ACT(name, slope) \
	case EG_ACT_##name: act_run_as(x, y, n, (eg_act){EG_ACT_##name, act.alpha, act.beta}); break;
#include "kern/acts.def"
#undef EG_ACT
	case EG_ACT_KINDS: break;
	}
}

EG_ALWAYS_INLINE void act_grad_part(const float *v, const float *dy, float *dx, int lanes, eg_act act, bool acc) {
	vf g = act_grad(vload_n(v, lanes), vload_n(dy, lanes), act);
	vstore_n(dx, lanes, acc ? vadd(vload_n(dx, lanes), g) : g);
}

EG_ALWAYS_INLINE void act_grad_run_as(const float *v, const float *dy, float *dx, int64_t n, eg_act act, bool acc) {
	int64_t i = 0;
	if (acc)
		for (; i + V <= n; i += V) act_grad_part(v + i, dy + i, dx + i, V, act, true);
	else
		for (; i + V <= n; i += V) act_grad_part(v + i, dy + i, dx + i, V, act, false);
	if (i < n) act_grad_part(v + i, dy + i, dx + i, (int)(n - i), act, acc);
}

/* dx = [dx +] dy act'(x); dx may be dy. */
static void EG_NAME(act_grad_run)(const float *v, const float *dy, float *dx, int64_t n, eg_act act, bool acc) {
	switch (act.kind) {
#define EG_ACT(name, slope) \
	case EG_ACT_##name: act_grad_run_as(v, dy, dx, n, (eg_act){EG_ACT_##name, act.alpha, act.beta}, acc); break;
#include "kern/acts.def"
#undef EG_ACT
	case EG_ACT_KINDS: break;
	}
}

#endif

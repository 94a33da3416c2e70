/* body_act.h - activations (act.h) as other bodies apply them: to a vector behind their own arithmetic, or to a run of
 * memory.
 *
 * Not here: what the kinds are (body_act_kinds.h). */
#ifndef ENGRAM_BODY_ACT_H
#define ENGRAM_BODY_ACT_H

#include "kern/simd.h"

#include <math.h>

/* Not in line: for places where the kind is known only when they run, and which are many. */
vf EG_NAME(act_any)(vf x, eg_act act);
vf EG_NAME(act_any_grad)(vf v, vf dy, eg_act act);

/* act(x) with the two cheap ones in line. */
EG_ALWAYS_INLINE vf act_after(vf x, eg_act act) {
	if (act.kind == EG_ACT_NONE) return x;
	return act.kind == EG_ACT_RELU ? vmax(vzero(), x) : EG_NAME(act_any)(x, act);
}

/* Sums that are written with a maximum: its other side, and whether that was not all, so that act_after or act_run
 * is still to be done. */
EG_ALWAYS_INLINE float act_least(eg_act act) { return act.kind == EG_ACT_RELU ? 0.0f : -INFINITY; }
EG_ALWAYS_INLINE bool act_remains(eg_act act) { return act.kind != EG_ACT_NONE && act.kind != EG_ACT_RELU; }

/* y = act(x), in place allowed. */
void EG_NAME(act_run)(const float *x, float *y, int64_t n, eg_act act);
/* dx = [dx +] dy act'(x); dx may be dy. */
void EG_NAME(act_grad_run)(const float *v, const float *dy, float *dx, int64_t n, eg_act act, bool acc);

#endif

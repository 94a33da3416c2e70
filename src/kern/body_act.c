/* body_act.c - activations where their kind is known only when they run: of a vector, and of a run of memory
 * (body_act.h). */
#include "kern/body_act.h"
#include "kern/body_act_kinds.h"

vf EG_NAME(act_any)(vf x, eg_act act) { return act_value(x, act); }
vf EG_NAME(act_any_grad)(vf v, vf dy, eg_act act) { return act_grad(v, dy, act); }

/* ---- runs of memory ---------------------------------------------------------------------------------------------- */

/* There are as many of these loops as kinds, and their size counts: what is left at the end is done out of line. */

EG_ALWAYS_INLINE void act_run_as(const float *x, float *y, int64_t n, eg_act act) {
	int64_t i = 0;
	if (act.kind == EG_ACT_RELU) /* which takes less time than a turn of the loop */
		for (; i + 2 * V <= n; i += 2 * V) {
			vf a = act_value(vload(x + i), act), b = act_value(vload(x + i + V), act);
			vstore(y + i, a);
			vstore(y + i + V, b);
		}
	for (; i + V <= n; i += V) vstore(y + i, act_value(vload(x + i), act));
	if (i == n) return;
	const int lanes = (int)(n - i);
	vstore_n(y + i, lanes, EG_NAME(act_any)(vload_n(x + i, lanes), act));
}

void EG_NAME(act_run)(const float *x, float *y, int64_t n, eg_act act) {
	switch (act.kind) {
#define EG_ACT(name, slope) \
	case EG_ACT_##name: act_run_as(x, y, n, (eg_act){EG_ACT_##name, act.alpha, act.beta}); break;
#include "kern/acts.def"
#undef EG_ACT
	case EG_ACT_KINDS: break;
	}
}

EG_ALWAYS_INLINE void act_grad_part(const float *v, const float *dy, float *dx, eg_act act, bool acc) {
	vf g = act_grad(vload(v), vload(dy), act);
	vstore(dx, acc ? vadd(vload(dx), g) : g);
}

EG_ALWAYS_INLINE void act_grad_run_as(const float *v, const float *dy, float *dx, int64_t n, eg_act act, bool acc) {
	int64_t i = 0;
	if (act.kind == EG_ACT_RELU && !acc)
		for (; i + V <= n; i += V) act_grad_part(v + i, dy + i, dx + i, act, false);
	else
		for (; i + V <= n; i += V) act_grad_part(v + i, dy + i, dx + i, act, acc);
	if (i == n) return;
	const int lanes = (int)(n - i);
	vf g = EG_NAME(act_any_grad)(vload_n(v + i, lanes), vload_n(dy + i, lanes), act);
	vstore_n(dx + i, lanes, acc ? vadd(vload_n(dx + i, lanes), g) : g);
}

void EG_NAME(act_grad_run)(const float *v, const float *dy, float *dx, int64_t n, eg_act act, bool acc) {
	switch (act.kind) {
#define EG_ACT(name, slope) \
	case EG_ACT_##name: act_grad_run_as(v, dy, dx, n, (eg_act){EG_ACT_##name, act.alpha, act.beta}, acc); break;
#include "kern/acts.def"
#undef EG_ACT
	case EG_ACT_KINDS: break;
	}
}

/* body_gate.c - gates, and distances from codes (kern_norm.h), over simd.h. */
#include "kern/body_act_kinds.h"
#include "kern/kern_norm.h"

/* ---- gates ------------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void gate_run(const float *x, float *y, int64_t half, eg_act act) {
	for (int64_t i = 0; i < half; i += V) {
		const int lanes = half - i < V ? (int)(half - i) : V;
		vstore_n(y + i, lanes, vmul(vload_n(x + i, lanes), act_value(vload_n(x + half + i, lanes), act)));
	}
}

void EG_NAME(gate_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gate_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u);
		for (int64_t o = eg_unit_size(a->rows, a->outer, u); o > 0; o--, x += 2 * a->half, y += a->half) {
			if (a->act.kind == EG_ACT_SIGMOID)
				gate_run(x, y, a->half, eg_act_of(EG_ACT_SIGMOID));
			else
				gate_run(x, y, a->half, a->act);
		}
	}
}

static void gate_bwd_run(const float *x, const float *dy, float *dx, int64_t half, eg_act act, bool acc) {
	const bool from_x = eg_act_from_x(act.kind);
	for (int64_t i = 0; i < half; i += V) {
		const int lanes = half - i < V ? (int)(half - i) : V;
		const vf d = vload_n(dy + i, lanes), b = vload_n(x + half + i, lanes), gate = act_value(b, act);
		const vf da = vmul(d, gate), db = act_grad(from_x ? b : gate, vmul(d, vload_n(x + i, lanes)), act);
		vstore_n(dx + i, lanes, acc ? vadd(vload_n(dx + i, lanes), da) : da);
		vstore_n(dx + half + i, lanes, acc ? vadd(vload_n(dx + half + i, lanes), db) : db);
	}
}

void EG_NAME(gate_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gate_bwd_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u), *dy = eg_at(a->dy, u);
		float *dx = eg_at(a->dx, u);
		for (int64_t o = eg_unit_size(a->rows, a->outer, u); o > 0;
		        o--, x += 2 * a->half, dx += 2 * a->half, dy += a->half)
			gate_bwd_run(x, dy, dx, a->half, a->act, a->acc);
	}
}

/* ---- distances --------------------------------------------------------------------------------------------------- */

static float distance(const float *x, const float *code, int k) {
	vf s0 = vzero(), s1 = vzero();
	int i = 0;
	for (; i + 2 * V <= k; i += 2 * V) {
		const vf a = vsub(vload(x + i), vload(code + i)), b = vsub(vload(x + i + V), vload(code + i + V));
		s0 = vfma(a, a, s0);
		s1 = vfma(b, b, s1);
	}
	for (; i < k; i += V) {
		const int lanes = k - i < V ? k - i : V;
		const vf a = vsub(vload_n(x + i, lanes), vload_n(code + i, lanes));
		s0 = vfma(a, a, s0);
	}
	return vsum(vadd(s0, s1));
}

void EG_NAME(distance_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_distance_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u);
		for (int64_t r = eg_unit_size(a->rows, a->total, u); r > 0; r--, x += a->k, y += a->n)
			for (int j = 0; j < a->n; j++)
				y[j] = distance(x, (const float *)a->codes.p + (ptrdiff_t)j * a->k, a->k);
	}
}

void EG_NAME(distance_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_distance_bwd_args *d = args;
	const float *b = d->b.p;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *a = eg_at(d->a, u), *dy = eg_at(d->dy, u);
		float *da = eg_at(d->da, u);
		for (int64_t r = eg_unit_size(d->rows, d->total, u); r > 0; r--, a += d->k, da += d->k, dy += d->sa)
			for (int i = 0; i < d->k; i += V) {
				const int lanes = d->k - i < V ? d->k - i : V;
				const vf x = vload_n(a + i, lanes);
				vf sum = vzero();
				for (int j = 0; j < d->n; j++)
					sum = vfma(vset1(dy[j * d->sb]),
					        vsub(x, vload_n(b + (ptrdiff_t)j * d->k + i, lanes)), sum);
				sum = vadd(sum, sum);
				vstore_n(da + i, lanes, d->acc ? vadd(vload_n(da + i, lanes), sum) : sum);
			}
	}
}

/* body_optimizer.h - weight updates and gradient clipping on flat arrays (kern.h), over simd.h. One pass over the
 * memory; a unit is EG_CHUNK elements. The equations stand in kern.h.
 *
 * Not here: schedules, parameter groups and the global norm; they belong to training (src/train). */
#include "kern/simd.h"

EG_ALWAYS_INLINE int64_t optimizer_end(int64_t n, int u) {
	int64_t end = ((int64_t)u + 1) * EG_CHUNK;
	return end < n ? end : n;
}

EG_ALWAYS_INLINE void sgd_part(const eg_optimizer_args *a, int64_t i, int lanes) {
	const float *g = a->g.p;
	float *w = a->w.p, *m = a->m.p;
	vf x = vload_n(w + i, lanes);
	vf d = vfma(vset1(a->weight_decay), x, vmul(vset1(a->scale), vload_n(g + i, lanes)));
	if (a->momentum != 0.0f) {
		vf mu = vset1(a->momentum), v = a->first ? d : vfma(mu, vload_n(m + i, lanes), d);
		vstore_n(m + i, lanes, v);
		d = a->nesterov ? vfma(mu, v, d) : v;
	}
	vstore_n(w + i, lanes, vfnma(vset1(a->lr), d, x));
}

static void EG_NAME(sgd_f32)(const void *args, int begin, int end, void *scratch) {
	const eg_optimizer_args a = *(const eg_optimizer_args *)args;
	EG_UNUSED(scratch);
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a.n, u);
		for (; i + V <= n; i += V) sgd_part(&a, i, V);
		if (i < n) sgd_part(&a, i, (int)(n - i));
	}
}

EG_ALWAYS_INLINE void adam_part(const eg_optimizer_args *a, int64_t i, int lanes) {
	const float *g = a->g.p;
	float *w = a->w.p, *m = a->m.p, *v = a->v.p;
	vf x = vload_n(w + i, lanes), d = vmul(vset1(a->scale), vload_n(g + i, lanes)), wd = vset1(a->weight_decay);
	if (a->decoupled)
		x = vfnma(vmul(vset1(a->lr), wd), x, x);
	else
		d = vfma(wd, x, d);
	vf mean = vfma(vset1(a->b1), vload_n(m + i, lanes), vmul(vset1(1.0f - a->b1), d));
	vf square = vfma(vset1(a->b2), vload_n(v + i, lanes), vmul(vset1(1.0f - a->b2), vmul(d, d)));
	vstore_n(m + i, lanes, mean);
	vstore_n(v + i, lanes, square);
	vf root = vadd(vsqrt(vmul(square, vset1(1.0f / a->c2))), vset1(a->eps));
	vstore_n(w + i, lanes, vsub(x, vdiv(vmul(vset1(a->lr / a->c1), mean), root)));
}

static void EG_NAME(adam_f32)(const void *args, int begin, int end, void *scratch) {
	const eg_optimizer_args a = *(const eg_optimizer_args *)args;
	EG_UNUSED(scratch);
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a.n, u);
		for (; i + V <= n; i += V) adam_part(&a, i, V);
		if (i < n) adam_part(&a, i, (int)(n - i));
	}
}

/* In double throughout, so that a gradient of 1e20 has a norm. The lanes of sums are plain C, which compilers turn into
 * vectors. */
static void EG_NAME(sumsq_f32)(const void *args, int begin, int end, void *scratch) {
	const eg_sumsq_args *a = args;
	const float *x = a->x.p;
	double *out = a->out.p;
	enum { LANES = 4 * V };
	EG_UNUSED(scratch);
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a->n, u);
		double s[LANES] = {0};
		for (; i + LANES <= n; i += LANES)
			for (int j = 0; j < LANES; j++) s[j] += (double)x[i + j] * (double)x[i + j];
		for (int j = 0; i < n; i++, j++) s[j] += (double)x[i] * (double)x[i];
		for (int half = LANES / 2; half > 0; half /= 2)
			for (int j = 0; j < half; j++) s[j] += s[j + half];
		out[u] = s[0];
	}
}

static void EG_NAME(clip_value_f32)(const void *args, int begin, int end, void *scratch) {
	const eg_clip_value_args *a = args;
	float *x = a->x.p;
	vf lo = vset1(-a->limit), hi = vset1(a->limit);
	EG_UNUSED(scratch);
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a->n, u);
		for (; i + V <= n; i += V)
			vstore(x + i, vmin(hi, vmax(lo, vload(x + i)))); /* this way round NaN stays */
		if (i == n) continue;
		int lanes = (int)(n - i);
		vstore_n(x + i, lanes, vmin(hi, vmax(lo, vload_n(x + i, lanes))));
	}
}

EG_ALWAYS_INLINE void blend_part(const eg_blend_args *a, int64_t i, int lanes) {
	const float *x = a->x.p;
	float *y = a->y.p;
	vf old = vload_n(y + i, lanes);
	vstore_n(y + i, lanes, vfma(vset1(a->a), vsub(vload_n(x + i, lanes), old), old));
}

static void EG_NAME(blend_f32)(const void *args, int begin, int end, void *scratch) {
	const eg_blend_args a = *(const eg_blend_args *)args;
	EG_UNUSED(scratch);
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a.n, u);
		for (; i + V <= n; i += V) blend_part(&a, i, V);
		if (i < n) blend_part(&a, i, (int)(n - i));
	}
}

static void EG_NAME(fill_optimizer)(eg_kernels *k) {
	k->sgd = EG_NAME(sgd_f32);
	k->adam = EG_NAME(adam_f32);
	k->sumsq = EG_NAME(sumsq_f32);
	k->clip_value = EG_NAME(clip_value_f32);
	k->blend = EG_NAME(blend_f32);
}

/* body_optimizer.c - weight updates and gradient clipping on flat arrays (kern_update.h), over simd.h. One pass
 * over the memory; a unit is EG_CHUNK elements. The equations stand in kern_update.h.
 *
 * Not here: schedules, parameter groups and the global norm; they belong to training (src/train). */
#include "kern/kern_update.h"
#include "kern/simd.h"

EG_ALWAYS_INLINE int64_t optimizer_end(int64_t n, int u) {
	int64_t end = ((int64_t)u + 1) * EG_CHUNK;
	return end < n ? end : n;
}

/* What w and g' are before a method begins; `decay`: the coupled one. */
EG_ALWAYS_INLINE vf update_gradient(const eg_update_args *a, int64_t i, int lanes, vf x, bool decay) {
	vf d = vmul(vset1(a->scale), vload_n((const float *)a->g.p + i, lanes));
	return decay ? vfma(vset1(a->weight_decay), x, d) : d;
}

/* The running mean of x that lies at p, stepped and stored. */
EG_ALWAYS_INLINE vf update_mean(float *p, int lanes, float keep, vf x) {
	vf mean = vfma(vset1(keep), vload_n(p, lanes), vmul(vset1(1.0f - keep), x));
	vstore_n(p, lanes, mean);
	return mean;
}

EG_ALWAYS_INLINE void sgd_part(const eg_update_args *a, int64_t i, int lanes) {
	float *w = a->w.p, *m = a->m.p;
	vf x = vload_n(w + i, lanes), d = update_gradient(a, i, lanes, x, true);
	if (a->momentum != 0.0f) {
		vf mu = vset1(a->momentum), v = a->first ? d : vfma(mu, vload_n(m + i, lanes), d);
		vstore_n(m + i, lanes, v);
		d = a->nesterov ? vfma(mu, v, d) : v;
	}
	vstore_n(w + i, lanes, vfnma(vset1(a->lr), d, x));
}

/* Both Adam and NAdam, which takes its step from the gradient too. */
EG_ALWAYS_INLINE void adam_part(const eg_update_args *a, int64_t i, int lanes, bool nadam) {
	float *w = a->w.p, *m = a->m.p, *v = a->v.p;
	vf x = vload_n(w + i, lanes), d = update_gradient(a, i, lanes, x, !a->decoupled);
	if (a->decoupled) x = vfnma(vmul(vset1(a->lr), vset1(a->weight_decay)), x, x);
	vf mean = update_mean(m + i, lanes, a->b1, d), square = update_mean(v + i, lanes, a->b2, vmul(d, d));
	vf root = vadd(vsqrt(vmul(square, vset1(1.0f / a->c2))), vset1(a->eps));
	vf step = nadam ? vfma(vset1(a->lr * a->cm), mean, vmul(vset1(a->lr * a->cg), d)) : vmul(vset1(a->lr / a->c1), mean);
	vstore_n(w + i, lanes, vsub(x, vdiv(step, root)));
}

EG_ALWAYS_INLINE void rmsprop_part(const eg_update_args *a, int64_t i, int lanes) {
	float *w = a->w.p, *m = a->m.p, *v = a->v.p, *u = a->u.p;
	vf x = vload_n(w + i, lanes), d = update_gradient(a, i, lanes, x, true);
	vf square = update_mean(v + i, lanes, a->b2, vmul(d, d));
	if (a->centered) {
		vf mean = update_mean(u + i, lanes, a->b2, d);
		square = vmax(vfnma(mean, mean, square), vzero());
	}
	vf step = vdiv(d, vadd(vsqrt(square), vset1(a->eps)));
	if (a->momentum != 0.0f) {
		step = vfma(vset1(a->momentum), vload_n(m + i, lanes), step);
		vstore_n(m + i, lanes, step);
	}
	vstore_n(w + i, lanes, vfnma(vset1(a->lr), step, x));
}

EG_ALWAYS_INLINE void adagrad_part(const eg_update_args *a, int64_t i, int lanes) {
	float *w = a->w.p, *v = a->v.p;
	vf x = vload_n(w + i, lanes), d = update_gradient(a, i, lanes, x, true);
	vf sum = vfma(d, d, vload_n(v + i, lanes));
	vstore_n(v + i, lanes, sum);
	vstore_n(w + i, lanes, vfnma(vset1(a->lr), vdiv(d, vadd(vsqrt(sum), vset1(a->eps))), x));
}

EG_ALWAYS_INLINE void adadelta_part(const eg_update_args *a, int64_t i, int lanes) {
	float *w = a->w.p, *v = a->v.p, *u = a->u.p;
	vf x = vload_n(w + i, lanes), d = update_gradient(a, i, lanes, x, true), eps = vset1(a->eps);
	vf square = update_mean(v + i, lanes, a->b2, vmul(d, d));
	vf step = vmul(vdiv(vsqrt(vadd(vload_n(u + i, lanes), eps)), vsqrt(vadd(square, eps))), d);
	update_mean(u + i, lanes, a->b2, vmul(step, step));
	vstore_n(w + i, lanes, vfnma(vset1(a->lr), step, x));
}

EG_ALWAYS_INLINE void muon_part(const eg_update_args *a, int64_t i, int lanes) {
	float *m = a->m.p, *u = a->u.p;
	vf d = update_gradient(a, i, lanes, vzero(), false), old = vload_n(m + i, lanes);
	vf mean = vfma(vset1(1.0f - a->momentum), vsub(d, old), old);
	vstore_n(m + i, lanes, mean);
	vstore_n(u + i, lanes, vfma(vset1(a->momentum), vsub(mean, d), d));
}

EG_ALWAYS_INLINE void update_part(const eg_update_args *a, eg_update op, int64_t i, int lanes) {
	switch (op) {
	case EG_UPDATE_SGD: sgd_part(a, i, lanes); break;
	case EG_UPDATE_ADAM: adam_part(a, i, lanes, false); break;
	case EG_UPDATE_NADAM: adam_part(a, i, lanes, true); break;
	case EG_UPDATE_RMSPROP: rmsprop_part(a, i, lanes); break;
	case EG_UPDATE_ADAGRAD: adagrad_part(a, i, lanes); break;
	case EG_UPDATE_ADADELTA: adadelta_part(a, i, lanes); break;
	case EG_UPDATE_MUON: muon_part(a, i, lanes); break;
	}
}

/* Called with a constant op, so that each method has a loop of its own. */
EG_ALWAYS_INLINE void update_units(const eg_update_args *args, eg_update op, int begin, int end) {
	const eg_update_args a = *args;
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a.n, u);
		for (; i + V <= n; i += V) update_part(&a, op, i, V);
		if (i < n) update_part(&a, op, i, (int)(n - i));
	}
}

void EG_NAME(update)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_update_args *a = args;
	EG_UNUSED(worker);
	switch (a->op) {
	case EG_UPDATE_SGD: update_units(a, EG_UPDATE_SGD, begin, end); break;
	case EG_UPDATE_ADAM: update_units(a, EG_UPDATE_ADAM, begin, end); break;
	case EG_UPDATE_NADAM: update_units(a, EG_UPDATE_NADAM, begin, end); break;
	case EG_UPDATE_RMSPROP: update_units(a, EG_UPDATE_RMSPROP, begin, end); break;
	case EG_UPDATE_ADAGRAD: update_units(a, EG_UPDATE_ADAGRAD, begin, end); break;
	case EG_UPDATE_ADADELTA: update_units(a, EG_UPDATE_ADADELTA, begin, end); break;
	case EG_UPDATE_MUON: update_units(a, EG_UPDATE_MUON, begin, end); break;
	}
}

/* In double throughout, so that a gradient of 1e20 has a norm. The lanes of sums are plain C, which compilers turn into
 * vectors. */
void EG_NAME(sumsq)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_sumsq_args *a = args;
	const float *x = a->x.p;
	double *out = a->out.p;
	enum { LANES = 4 * V };
	EG_UNUSED(worker);
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

void EG_NAME(clip_value)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_clip_value_args *a = args;
	float *x = a->x.p;
	vf lo = vset1(-a->limit), hi = vset1(a->limit);
	EG_UNUSED(worker);
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

void EG_NAME(blend)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_blend_args a = *(const eg_blend_args *)args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t i = (int64_t)u * EG_CHUNK, n = optimizer_end(a.n, u);
		for (; i + V <= n; i += V) blend_part(&a, i, V);
		if (i < n) blend_part(&a, i, (int)(n - i));
	}
}

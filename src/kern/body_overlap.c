/* body_overlap.c - overlap of regions (kern_losses.h), over simd.h: V neighbouring places lie in the lanes, the classes
 * come one after the other.
 *
 * Not here: overlap_loss, a few divisions a class, which the ref table does as well. */
#include "kern/body_classes.h"
#include "kern/kern_losses.h"

enum { OVERLAP_STRIP = 1024 }; /* places whose labels are turned into numbers at a time; a multiple of V */

/* to[0..3) += the sums over `count` places of class c. share NULL: its truth is what `truth` says. */
EG_ALWAYS_INLINE void overlap_add(
	const eg_overlap_shape *s, int c, const float *p, const float *truth, const float *share, int count, float *to) {
	vf both = vzero(), prob = vzero(), wanted = vzero();
	for (int i = 0; i < count; i += V) {
		const int lanes = count - i < V ? count - i : V;
		vf q = vload_n(p + i, lanes), y;
		if (share) {
			y = vload_n(share + i, lanes);
		} else {
			const vf t = vload(truth + i);
			y = classes_hit(t, c);
			q = classes_count(t, q);
		}
		both = vfma(q, y, both);
		prob = s->squared ? vfma(q, q, prob) : vadd(prob, q);
		wanted = s->squared ? vfma(y, y, wanted) : vadd(wanted, y);
	}
	to[0] += vsum(both), to[1] += vsum(prob), to[2] += vsum(wanted);
}

void EG_NAME(overlap_sums)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_overlap_sums_args *a = args;
	const eg_overlap_shape *s = &a->s;
	float truth[OVERLAP_STRIP];
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		float *sums = (float *)a->sums.p + (int64_t)u * s->n * 3;
		for (int k = 0; k < 3 * s->n; k++) sums[k] = 0;
		for (int64_t o = u * s->per; o < (u + 1) * s->per; o++)
			for (int i = 0; i < s->inner; i += OVERLAP_STRIP) {
				const int count = s->inner - i < OVERLAP_STRIP ? s->inner - i : OVERLAP_STRIP;
				if (!s->shares) classes_read((const int32_t *)a->target.p + o * s->inner + i, count, s->n, s->ignore, truth);
				for (int c = 0; c < s->n; c++) {
					const int64_t at = (o * s->n + c) * s->inner + i;
					overlap_add(s, c, (const float *)a->prob.p + at, truth,
					        s->shares ? (const float *)a->target.p + at : NULL, count, sums + 3 * c);
				}
			}
	}
}

/* The derivative by prob of class c. */
EG_ALWAYS_INLINE vf overlap_by_prob(const eg_overlap_shape *s, const float *coef, int c, vf q, vf y) {
	const vf by_prob = vset1(coef[2 * c + 1]);
	return vfma(vset1(coef[2 * c]), y, s->squared ? vmul(vadd(q, q), by_prob) : by_prob);
}

/* `lanes` neighbouring places; p, share and dx of the classes are `inner` apart. */
EG_ALWAYS_INLINE void overlap_places(const eg_overlap_bwd_args *a, const float *coef, const float *p, vf truth,
	const float *share, float *dx, int lanes) {
	const eg_overlap_shape *s = &a->s;
	const ptrdiff_t inner = s->inner;
	const vf g = vset1(*(const float *)a->dloss.p), one = vset1(1.0f);
	vf dot = vzero();
	for (int c = 0; c < s->n && !share; c++) {
		const vf q = vload_n(p + c * inner, lanes);
		dot = vfma(q, overlap_by_prob(s, coef, c, q, classes_hit(truth, c)), dot);
	}
	for (int c = 0; c < s->n; c++) {
		const vf q = vload_n(p + c * inner, lanes), y = share ? vload_n(share + c * inner, lanes) : classes_hit(truth, c);
		vf d = overlap_by_prob(s, coef, c, q, y);
		d = share ? vmul(vmul(d, q), vsub(one, q)) : vmul(q, vsub(d, dot));
		d = vmul(g, share ? d : classes_count(truth, d));
		vstore_n(dx + c * inner, lanes, a->acc ? vadd(vload_n(dx + c * inner, lanes), d) : d);
	}
}

void EG_NAME(overlap_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_overlap_bwd_args *a = args;
	const eg_overlap_shape *s = &a->s;
	float truth[V];
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *coef = (const float *)a->coef.p + (int64_t)u * s->n * 2;
		for (int64_t o = u * s->per; o < (u + 1) * s->per; o++)
			for (int i = 0; i < s->inner; i += V) {
				const int lanes = s->inner - i < V ? s->inner - i : V;
				const int64_t at = o * s->n * s->inner + i;
				if (!s->shares) classes_read((const int32_t *)a->target.p + o * s->inner + i, lanes, s->n, s->ignore, truth);
				overlap_places(a, coef, (const float *)a->prob.p + at, s->shares ? vzero() : vload(truth),
				        s->shares ? (const float *)a->target.p + at : NULL, (float *)a->dx.p + at, lanes);
			}
	}
}

/* body_crf.c - the inner parts of the linear-chain CRF over simd.h: the tags j lie in the lanes, the tags i come one
 * after the other.
 *
 * Not here: the walk over samples and steps (ref_crf.c), which all tables share. */
#include "kern/kern_crf.h"
#include "kern/simd.h"

#include <math.h>

/* `lanes` tags from j on. */
EG_ALWAYS_INLINE void crf_columns_lanes(const eg_crf_row_args *a, ptrdiff_t j, int lanes) {
	const float *w = a->w + j;
	vf low = vset1(-INFINITY), max = low, sum = vzero();
	for (ptrdiff_t i = 0; i < a->K; i++) max = vmax(vadd(vset1(a->alpha[i]), vload_n(w + i * a->K, lanes)), max);
	max = vsel(vgt(max, low), max, vzero());
	for (ptrdiff_t i = 0; i < a->K; i++)
		sum = vadd(sum, vexp(vsub(vadd(vset1(a->alpha[i]), vload_n(w + i * a->K, lanes)), max)));
	vstore_n(a->max + j, lanes, max);
	vstore_n(a->sum + j, lanes, sum);
}

void EG_NAME(crf_columns)(const eg_crf_row_args *a) {
	ptrdiff_t j = 0;
	for (; j + V <= a->K; j += V) crf_columns_lanes(a, j, V);
	if (j < a->K) crf_columns_lanes(a, j, (int)(a->K - j));
}

/* The probabilities of the pairs of tag i and `lanes` tags from j on. Lanes beyond the last tag have now = 0, and alpha
 * is at most 0. */
EG_ALWAYS_INLINE vf crf_pairs_lanes(const eg_crf_row_args *a, ptrdiff_t i, ptrdiff_t j, int lanes) {
	vf v = vsub(vadd(vset1(a->alpha[i]), vload_n(a->w + i * a->K + j, lanes)), vload_n(a->max + j, lanes));
	vf p = vmul(vload_n(a->now + j, lanes), vexp(v));
	float *pairs = a->pairs + i * a->K + j;
	vstore_n(pairs, lanes, vfma(vset1(a->scale), p, vload_n(pairs, lanes)));
	return p;
}

void EG_NAME(crf_pairs)(const eg_crf_row_args *a) {
	for (ptrdiff_t i = 0; i < a->K; i++) {
		ptrdiff_t j = 0;
		vf total = vzero();
		for (; j + V <= a->K; j += V) total = vadd(total, crf_pairs_lanes(a, i, j, V));
		if (j < a->K) total = vadd(total, crf_pairs_lanes(a, i, j, (int)(a->K - j)));
		a->before[i] = vsum(total);
	}
}

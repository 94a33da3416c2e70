/* body_additive.c - scores of additive attention, and their gradient, over simd.h: features in the lanes. */
#include "kern/kern_attention.h"
#include "kern/simd.h"

static int additive_keys(const eg_additive_shape *s, eg_buf lengths, int b) {
	const int n = lengths.p ? ((const int32_t *)lengths.p)[b] : s->Lk;
	return n < 0 ? 0 : n > s->Lk ? s->Lk : n;
}

/* Row i of a (rows,N,n) tensor, of sample b. */
EG_ALWAYS_INLINE float *additive_row(eg_buf x, const eg_additive_shape *s, int i, int b) {
	return (float *)x.p + ((ptrdiff_t)i * s->N + b) * s->n;
}

EG_ALWAYS_INLINE float additive_score(const float *v, const float *q, const float *k, int n) {
	vf sum = vzero();
	int c = 0;
	for (; c + V <= n; c += V) sum = vfma(vload(v + c), vtanh(vadd(vload(q + c), vload(k + c))), sum);
	if (c < n) sum = vfma(vload_n(v + c, n - c), vtanh(vadd(vload_n(q + c, n - c), vload_n(k + c, n - c))), sum);
	return vsum(sum);
}

void EG_NAME(additive_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_additive_args *a = args;
	const eg_additive_shape *s = &a->s;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++)
		for (int i = 0, keys = additive_keys(s, a->lengths, b); i < s->Lq; i++) {
			float *score = (float *)a->score.p + ((ptrdiff_t)b * s->Lq + i) * s->Lk;
			const float *q = additive_row(a->q, s, i, b);
			for (int j = 0; j < keys; j++)
				score[j] = additive_score(
				        a->v.p, q, additive_row(a->k, s, j, b), s->n);
			for (int j = keys; j < s->Lk; j++) score[j] = 0;
		}
}

/* One pair of rows: adds to dv, dq and dk. m: so many features. */
EG_ALWAYS_INLINE void additive_pair(
	vf ds, vf v, const float *q, const float *k, float *dv, float *dq, float *dk, int m) {
	const vf t = vtanh(vadd(vload_n(q, m), vload_n(k, m)));
	const vf d = vmul(vmul(ds, v), vsub(vset1(1.0f), vmul(t, t)));
	vstore_n(dv, m, vfma(ds, t, vload_n(dv, m)));
	vstore_n(dq, m, vadd(vload_n(dq, m), d));
	vstore_n(dk, m, vadd(vload_n(dk, m), d));
}

void EG_NAME(additive_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_additive_bwd_args *a = args;
	const eg_additive_shape *s = &a->s;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) {
		const int keys = additive_keys(s, a->lengths, b);
		float *dv = (float *)a->dv.p + (ptrdiff_t)b * s->n;
		for (int c = 0; c < s->n; c++) dv[c] = 0;
		for (int j = 0; j < s->Lk; j++)
			for (int c = 0; c < s->n; c++) additive_row(a->dk, s, j, b)[c] = 0;
		for (int i = 0; i < s->Lq; i++) {
			const float *ds = (const float *)a->dscore.p + ((ptrdiff_t)b * s->Lq + i) * s->Lk,
			            *q = additive_row(a->q, s, i, b);
			float *dq = additive_row(a->dq, s, i, b);
			for (int c = 0; c < s->n; c++) dq[c] = 0;
			for (int j = 0; j < keys; j++) {
				const float *k = additive_row(a->k, s, j, b);
				float *dk = additive_row(a->dk, s, j, b);
				for (int c = 0; c < s->n; c += V) {
					const int m = s->n - c < V ? s->n - c : V;
					additive_pair(vset1(ds[j]), vload_n((const float *)a->v.p + c, m), q + c, k + c, dv + c,
					        dq + c, dk + c, m);
				}
			}
		}
	}
}

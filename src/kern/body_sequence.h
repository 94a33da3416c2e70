/* body_sequence.h - the gradient of an embedding, and attention, over simd.h.
 *
 * Attention is made of the matrix products and softmax rows of body_gemm.h and body_loss.h, one head of one sample at a
 * time. Not here: embed_fwd and steps, which copy, and the losses of differences, which are small; the ref table does
 * them as well. */
#ifndef ENGRAM_BODY_SEQUENCE_H
#define ENGRAM_BODY_SEQUENCE_H

#include "kern/simd.h"

#include <string.h>

/* ---- embedding --------------------------------------------------------------------------------------------------- */

/* Every call goes through all positions, for its own columns only: no order of arrival matters, nothing is sorted, and
 * the threads have equal shares however the ids are distributed. */
static void EG_NAME(embed_bwd_f32)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_embed_bwd_args *a = args;
	const int32_t *ids = a->ids.p;
	ptrdiff_t n = a->n, first = (ptrdiff_t)begin * 16, last = (ptrdiff_t)end * 16 < n ? (ptrdiff_t)end * 16 : n;
	const float *dy = a->dy.p;
	float *dw = a->dw.p;
	EG_UNUSED(worker);
	for (ptrdiff_t r = 0; r < a->rows && !a->acc; r++)
		memset(dw + r * n + first, 0, (size_t)(last - first) * sizeof *dw);
	for (int64_t i = 0; i < a->total; i++) {
		if (ids[i] < 0 || ids[i] >= a->rows || ids[i] == a->padding) continue;
		const float *from = dy + i * n;
		float *to = dw + (ptrdiff_t)ids[i] * n;
		ptrdiff_t j = first;
		for (; j + V <= last; j += V) vstore(to + j, vadd(vload(to + j), vload(from + j)));
		int rest = (int)(last - j);
		if (rest > 0) vstore_n(to + j, rest, vadd(vload_n(to + j, rest), vload_n(from + j, rest)));
	}
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* A matrix of one head: where it begins, and from row to row. */
typedef struct EG_NAME(head) {
	float *p;
	int ld;
} EG_NAME(head);

static EG_NAME(head) EG_NAME(head_of)(eg_buf b, eg_heads h, int heads, int u) {
	float *p = b.p ? (float *)b.p + h.at + u / heads * h.sample + u % heads * h.head : NULL;
	return (EG_NAME(head)){p, (int)h.row};
}

static void EG_NAME(head_product)(EG_NAME(head) c, int m, int n, int k, EG_NAME(head) a, bool ta, EG_NAME(head) b,
        bool tb, bool acc, const eg_worker *worker) {
	eg_gemm_args g = {.a = {a.p, 0},
	        .b = {b.p, 0},
	        .c = {c.p, 0},
	        .m = m,
	        .n = n,
	        .k = k,
	        .lda = a.ld,
	        .ldb = b.ld,
	        .ldc = c.ld,
	        .ta = ta,
	        .tb = tb,
	        .acc = acc};
	EG_NAME(gemm_f32_tiled)(&g, 0, EG_NAME(gemm_units)(&g), worker);
}

/* From scores to weights of one row in place. */
static void EG_NAME(attention_row)(const eg_attention_args *a, int u, int i, float *p) {
	const eg_attention_shape *s = &a->s;
	const ptrdiff_t *m = s->mask_strides;
	int b = u / s->heads, h = u % s->heads, n = a->lengths.p ? ((const int32_t *)a->lengths.p)[b] : s->Lk;
	n = n < 0 ? 0 : n > s->Lk ? s->Lk : n;
	if (s->causal && n > i + 1) n = i + 1;
	const int32_t *mask = a->mask.p ? (const int32_t *)a->mask.p + b * m[0] + h * m[1] + i * m[2] : NULL;
	bool any = !mask && n > 0;
	for (int j = 0; j < n; j++) p[j] *= s->scale;
	for (int j = 0; mask && j < n; j++) {
		any |= mask[j * m[3]] == 0;
		if (mask[j * m[3]]) p[j] = -INFINITY;
	}
	if (any) {
		float max, sum;
		EG_NAME(softmax_row_f32)(p, p, n, &max, &sum);
	}
	for (int j = 0; mask && j < n; j++)
		if (mask[j * m[3]]) p[j] = 0;
	for (int j = any ? n : 0; j < s->Lk; j++) p[j] = 0;
}

static void EG_NAME(attention_fwd_f32)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_attention_args *a = args;
	const eg_attention_shape *s = &a->s;
	for (int u = begin; u < end; u++) {
		EG_NAME(head)
		q = EG_NAME(head_of)(a->q, s->q, s->heads, u),
		k = EG_NAME(head_of)(a->k, s->k, s->heads, u);
		EG_NAME(head)
		v = EG_NAME(head_of)(a->v, s->v, s->heads, u),
		y = EG_NAME(head_of)(a->y, s->y, s->heads, u);
		EG_NAME(head) p = {(float *)a->prob.p + (ptrdiff_t)u * s->Lq * s->Lk, s->Lk};
		EG_NAME(head_product)(p, s->Lq, s->Lk, s->d, q, false, k, true, false, worker);
		for (int i = 0; i < s->Lq; i++) EG_NAME(attention_row)(a, u, i, p.p + (ptrdiff_t)i * s->Lk);
		EG_NAME(head_product)(y, s->Lq, s->dv, s->Lk, p, false, v, false, false, worker);
	}
}

/* Floats of dS, and with them the place where the products' scratch begins. */
static size_t EG_NAME(attention_scores)(const eg_attention_shape *s) {
	return ((size_t)s->Lq * (size_t)s->Lk + 15) / 16 * 16;
}

static void EG_NAME(attention_bwd_f32)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_attention_bwd_args *a = args;
	const eg_attention_shape *s = &a->s;
	EG_NAME(head) ds = {worker->scratch, s->Lk};
	const eg_worker rest = {worker->kernels, ds.p + EG_NAME(attention_scores)(s)};
	for (int u = begin; u < end; u++) {
		EG_NAME(head)
		q = EG_NAME(head_of)(a->q, s->q, s->heads, u),
		k = EG_NAME(head_of)(a->k, s->k, s->heads, u);
		EG_NAME(head)
		v = EG_NAME(head_of)(a->v, s->v, s->heads, u),
		dy = EG_NAME(head_of)(a->dy, s->y, s->heads, u);
		EG_NAME(head)
		dq = EG_NAME(head_of)(a->dq, s->q, s->heads, u),
		dk = EG_NAME(head_of)(a->dk, s->k, s->heads, u);
		EG_NAME(head) dv = EG_NAME(head_of)(a->dv, s->v, s->heads, u);
		EG_NAME(head) p = {(float *)a->prob.p + (ptrdiff_t)u * s->Lq * s->Lk, s->Lk};
		if (dv.p) EG_NAME(head_product)(dv, s->Lk, s->dv, s->Lq, p, true, dy, false, a->acc_v, &rest);
		if (!dq.p && !dk.p) continue;
		EG_NAME(head_product)(ds, s->Lq, s->Lk, s->dv, dy, false, v, true, false, &rest);
		for (int i = 0; i < s->Lq; i++) {
			float *row = ds.p + (ptrdiff_t)i * s->Lk;
			EG_NAME(softmax_bwd_row_f32)(p.p + (ptrdiff_t)i * s->Lk, row, row, s->Lk, false);
			for (int j = 0; j < s->Lk; j++) row[j] *= s->scale;
		}
		if (dq.p) EG_NAME(head_product)(dq, s->Lq, s->d, s->Lk, ds, false, k, false, a->acc_q, &rest);
		if (dk.p) EG_NAME(head_product)(dk, s->Lk, s->d, s->Lq, ds, true, q, false, a->acc_k, &rest);
	}
}

static size_t EG_NAME(attention_scratch)(const eg_attention_shape *s, bool backward) {
	const int products[][3] = {{s->Lq, s->Lk, s->d}, {s->Lq, s->dv, s->Lk}, {s->Lk, s->dv, s->Lq},
	        {s->Lq, s->Lk, s->dv}, {s->Lq, s->d, s->Lk}, {s->Lk, s->d, s->Lq}}; /* two forward, four backward */
	size_t most = 0;
	for (int i = backward ? 2 : 0; i < (backward ? 6 : 2); i++) {
		eg_gemm_args g = {.m = products[i][0], .n = products[i][1], .k = products[i][2]};
		size_t bytes = EG_NAME(gemm_scratch)(&g);
		if (bytes > most) most = bytes;
	}
	return most + (backward ? EG_NAME(attention_scores)(s) * sizeof(float) : 0);
}

static void EG_NAME(fill_sequence)(eg_kernels *k) {
	k->embed_bwd = EG_NAME(embed_bwd_f32);
	k->attention_fwd = EG_NAME(attention_fwd_f32);
	k->attention_bwd = EG_NAME(attention_bwd_f32);
	k->attention_scratch = EG_NAME(attention_scratch);
}

#endif

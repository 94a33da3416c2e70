/* attention_share.h - attention row by row, in plain C: what the ref kernels do, and the others where a key, a value
 * or a query is no number, so that what a row does not see really has no part in it. */
#ifndef ENGRAM_ATTENTION_SHARE_H
#define ENGRAM_ATTENTION_SHARE_H

#include "kern/kern_attention.h"

#include <math.h>

/* A matrix of one head: where it begins, and from row to row. p NULL: absent. */
typedef struct attention_matrix {
	real *p;
	ptrdiff_t row;
} attention_matrix;

static inline attention_matrix attention_of(eg_buf b, eg_heads h, int heads, int u) {
	return (attention_matrix){b.p ? (real *)b.p + h.at + u / heads * h.sample + u % heads * h.head : NULL, h.row};
}

/* Of the buffers that are (units,Lq,Lk). */
static inline attention_matrix attention_scores_of(eg_buf b, const eg_attention_shape *s, int u) {
	return (attention_matrix){b.p ? (real *)b.p + (ptrdiff_t)u * s->Lq * s->Lk : NULL, s->Lk};
}

static inline bool attention_finite(attention_matrix m, int rows, int columns) {
	for (int i = 0; i < rows && m.p; i++) {
		real sum = 0; /* 0 times what is no number is none */
		for (int c = 0; c < columns; c++) sum += 0 * m.p[i * m.row + c];
		if (sum != 0 || isnan(sum)) return false;
	}
	return true;
}

/* y = (p * drop) v of one row. */
static inline void attention_mix(
	const eg_attention_shape *s, const real *p, const real *drop, attention_matrix v, real *y) {
	if (!y) return;
	for (int c = 0; c < s->dv; c++) y[c] = 0;
	for (int j = 0; j < s->Lk; j++) {
		const real w = drop ? p[j] * drop[j] : p[j];
		for (int c = 0; c < s->dv && w != 0; c++) y[c] += w * v.p[j * v.row + c];
	}
}

static inline real attention_dot(const real *a, const real *b, int n) {
	real sum = 0;
	for (int i = 0; i < n && a && b; i++) sum += a[i] * b[i];
	return sum;
}

static inline void attention_clear(attention_matrix m, int rows, int columns, bool acc) {
	for (int i = 0; i < rows && m.p && !acc; i++)
		for (int c = 0; c < columns; c++) m.p[i * m.row + c] = 0;
}

/* Row i of unit u; ds has room for Lk numbers. */
static inline void attention_bwd_row(const eg_attention_bwd_args *a, int u, int i, real *ds) {
	const eg_attention_shape *s = &a->s;
	const attention_matrix q = attention_of(a->q, s->q, s->heads, u), k = attention_of(a->k, s->k, s->heads, u),
	                       v = attention_of(a->v, s->v, s->heads, u);
	const attention_matrix dq = attention_of(a->dq, s->q, s->heads, u), dk = attention_of(a->dk, s->k, s->heads, u),
	                       dv = attention_of(a->dv, s->v, s->heads, u);
	const real *dy = attention_of(a->dy, s->y, s->heads, u).p + i * s->y.row,
	           *p = attention_scores_of(a->prob, s, u).p + (ptrdiff_t)i * s->Lk;
	const real *drop = a->drop.p ? attention_scores_of(a->drop, s, u).p + (ptrdiff_t)i * s->Lk : NULL;
	real mean = 0;
	if (!dy || !p) return;
	assert((!dq.p || k.p) && (!dk.p || q.p));
	for (int j = 0; j < s->Lk; j++) {
		const real w = drop ? drop[j] : 1;
		ds[j] = p[j] != 0 && w != 0 ? w * attention_dot(dy, v.p + j * v.row, s->dv) : 0;
		if (p[j] != 0) mean += p[j] * ds[j];
	}
	for (int j = 0; j < s->Lk; j++) {
		const real w = drop ? p[j] * drop[j] : p[j];
		ds[j] = p[j] != 0 ? p[j] * (ds[j] - mean) : 0;
		for (int c = 0; c < s->dv && dv.p && w != 0; c++) dv.p[j * dv.row + c] += w * dy[c];
		for (int c = 0; c < s->d && dq.p && p[j] != 0; c++)
			dq.p[i * dq.row + c] += s->scale * ds[j] * k.p[j * k.row + c];
		for (int c = 0; c < s->d && dk.p && p[j] != 0; c++)
			dk.p[j * dk.row + c] += s->scale * ds[j] * q.p[i * q.row + c];
	}
}

/* One unit; ds has room for Lk numbers. */
static inline void attention_bwd_unit(const eg_attention_bwd_args *a, int u, real *ds) {
	const eg_attention_shape *s = &a->s;
	const attention_matrix all = attention_scores_of(a->dscore, s, u);
	attention_clear(attention_of(a->dq, s->q, s->heads, u), s->Lq, s->d, a->acc_q);
	attention_clear(attention_of(a->dk, s->k, s->heads, u), s->Lk, s->d, a->acc_k);
	attention_clear(attention_of(a->dv, s->v, s->heads, u), s->Lk, s->dv, a->acc_v);
	for (int i = 0; i < s->Lq; i++) attention_bwd_row(a, u, i, all.p ? all.p + i * all.row : ds);
}

#endif

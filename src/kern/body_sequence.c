/* body_sequence.c - the gradient of an embedding, and attention, over simd.h.
 *
 * Attention is made of the matrix products and softmax rows of body_gemm.c and body_loss.c, one head of one sample at a
 * time. Not here: embed_fwd and steps, which copy, and the losses of differences, which are small; the ref table does
 * them as well. */
#include "kern/attention_share.h"
#include "kern/body_gemm.h"
#include "kern/body_softmax.h"
#include "kern/kern_attention.h"
#include "kern/kern_sequences.h"
#include "kern/simd.h"

#include <string.h>

/* ---- embedding --------------------------------------------------------------------------------------------------- */

/* Every call goes through all positions, for its own columns only: no order of arrival matters, nothing is sorted, and
 * the threads have equal shares however the ids are distributed. */
void EG_NAME(embed_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
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

static void head_product(attention_matrix c, int m, int n, int k, attention_matrix a, bool ta, attention_matrix b,
	bool tb, bool acc, const eg_worker *worker) {
	eg_gemm_args g = {.a = {a.p, 0},
	        .b = {b.p, 0},
	        .c = {c.p, 0},
	        .m = m,
	        .n = n,
	        .k = k,
	        .lda = (int)a.row,
	        .ldb = (int)b.row,
	        .ldc = (int)c.row,
	        .ta = ta,
	        .tb = tb,
	        .acc = acc};
	EG_NAME(gemm)(&g, 0, EG_NAME(gemm_units)(&g), worker);
}

/* What is said of the keys that row i of unit u sees: those from first to n, but for what mask or bias hide. */
typedef struct seen_keys {
	const int32_t *mask;
	const float *bias;
	ptrdiff_t mask_step, bias_step;
	int first, n;
} seen_keys;

static seen_keys seen_by(const eg_attention_args *a, int u, int i) {
	const eg_attention_shape *s = &a->s;
	const ptrdiff_t b = u / s->heads, h = u % s->heads, *m = s->mask_strides, *z = s->bias_strides;
	seen_keys seen = {.mask_step = m[3], .bias_step = z[3], .n = a->lengths.p ? ((const int32_t *)a->lengths.p)[b] : s->Lk};
	if (seen.n > s->Lk) seen.n = s->Lk;
	if (s->causal && seen.n > i + s->past + 1) seen.n = i + s->past + 1;
	if (s->window && i + s->past >= s->window) seen.first = i + s->past - s->window + 1;
	if (a->kept.p && seen.first < s->past - (int)((const float *)a->kept.p)[b]) seen.first = s->past - (int)((const float *)a->kept.p)[b];
	if (seen.n < seen.first) seen.n = seen.first = 0;
	if (a->mask.p) seen.mask = (const int32_t *)a->mask.p + b * m[0] + h * m[1] + i * m[2];
	if (a->bias.p) seen.bias = (const float *)a->bias.p + b * z[0] + h * z[1] + i * z[2];
	return seen;
}

static bool hidden(const seen_keys *s, int j) {
	return (s->mask && s->mask[j * s->mask_step]) || (s->bias && s->bias[j * s->bias_step] == -INFINITY);
}

/* From scores to weights of one row in place. */
static void attention_row(const eg_attention_args *a, int u, int i, float *p) {
	const seen_keys seen = seen_by(a, u, i);
	const bool holes = seen.mask || seen.bias;
	assert(p);
	bool any = !holes && seen.n > seen.first;
	for (int j = 0; j < seen.first; j++) p[j] = 0;
	for (int j = seen.first; j < seen.n; j++) p[j] = a->q.p ? p[j] * a->s.scale : 0;
	for (int j = seen.first; seen.bias && j < seen.n; j++) p[j] += seen.bias[j * seen.bias_step];
	for (int j = seen.first; holes && j < seen.n; j++) {
		if (hidden(&seen, j)) p[j] = -INFINITY;
		else any = true;
	}
	if (any) {
		float max, sum;
		EG_NAME(softmax_row)(p + seen.first, p + seen.first, seen.n - seen.first, &max, &sum);
	}
	for (int j = seen.first; holes && j < seen.n; j++)
		if (hidden(&seen, j)) p[j] = 0;
	for (int j = any ? seen.n : 0; j < a->s.Lk; j++) p[j] = 0;
}

/* Floats of a matrix of scores, behind which scratch goes on. */
static size_t attention_scores(const eg_attention_shape *s) {
	return ((size_t)s->Lq * (size_t)s->Lk + 15) / 16 * 16;
}

/* p with drop, in `room`; without, p itself. */
static attention_matrix dropped(const eg_attention_shape *s, attention_matrix p, attention_matrix drop, attention_matrix room) {
	if (!drop.p) return p;
	assert(p.p && room.p);
	for (ptrdiff_t i = 0, n = (ptrdiff_t)s->Lq * s->Lk; i < n; i++) room.p[i] = p.p[i] * drop.p[i];
	return room;
}

void EG_NAME(attention_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_attention_args *a = args;
	const eg_attention_shape *s = &a->s;
	const attention_matrix room = {worker->scratch, s->Lk};
	const eg_worker rest = {worker->kernels, room.p + attention_scores(s)};
	for (int u = begin; u < end; u++) {
		const attention_matrix q = attention_of(a->q, s->q, s->heads, u), k = attention_of(a->k, s->k, s->heads, u);
		const attention_matrix v = attention_of(a->v, s->v, s->heads, u), y = attention_of(a->y, s->y, s->heads, u);
		const attention_matrix p = attention_scores_of(a->prob, s, u), drop = attention_scores_of(a->drop, s, u);
		if (q.p) head_product(p, s->Lq, s->Lk, s->d, q, false, k, true, false, &rest);
		for (int i = 0; i < s->Lq; i++) attention_row(a, u, i, p.p + (ptrdiff_t)i * s->Lk);
		if (attention_finite(v, s->Lk, s->dv)) {
			head_product(y, s->Lq, s->dv, s->Lk, dropped(s, p, drop, room), false, v, false, false, &rest);
			continue;
		}
		for (ptrdiff_t i = 0; i < s->Lq; i++) attention_mix(s, p.p + i * s->Lk, drop.p ? drop.p + i * s->Lk : NULL, v, y.p + i * y.row);
	}
}

/* From dP to dS in place, one unit. */
static void attention_dscores(const eg_attention_bwd_args *a, int u, attention_matrix ds) {
	const eg_attention_shape *s = &a->s;
	const attention_matrix p = attention_scores_of(a->prob, s, u), drop = attention_scores_of(a->drop, s, u), all = attention_scores_of(a->dscore, s, u);
	for (ptrdiff_t i = 0; i < s->Lq; i++) {
		float *row = ds.p + i * s->Lk;
		for (int j = 0; drop.p && j < s->Lk; j++) row[j] *= drop.p[i * s->Lk + j];
		EG_NAME(softmax_bwd_row)(p.p + i * s->Lk, row, row, s->Lk, false);
		for (int j = 0; all.p && j < s->Lk; j++) all.p[i * s->Lk + j] = row[j];
		for (int j = 0; j < s->Lk; j++) row[j] *= s->scale;
	}
}

void EG_NAME(attention_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_attention_bwd_args *a = args;
	const eg_attention_shape *s = &a->s;
	const attention_matrix ds = {worker->scratch, s->Lk};
	const eg_worker rest = {worker->kernels, ds.p + attention_scores(s)};
	for (int u = begin; u < end; u++) {
		const attention_matrix q = attention_of(a->q, s->q, s->heads, u), k = attention_of(a->k, s->k, s->heads, u);
		const attention_matrix v = attention_of(a->v, s->v, s->heads, u), dy = attention_of(a->dy, s->y, s->heads, u);
		const attention_matrix dq = attention_of(a->dq, s->q, s->heads, u), dk = attention_of(a->dk, s->k, s->heads, u);
		const attention_matrix dv = attention_of(a->dv, s->v, s->heads, u), p = attention_scores_of(a->prob, s, u);
		if (!attention_finite(q, s->Lq, s->d) || !attention_finite(k, s->Lk, s->d) || !attention_finite(v, s->Lk, s->dv) || !attention_finite(dy, s->Lq, s->dv)) {
			attention_bwd_unit(a, u, ds.p);
			continue;
		}
		const attention_matrix w = dropped(s, p, attention_scores_of(a->drop, s, u), ds);
		if (dv.p) head_product(dv, s->Lk, s->dv, s->Lq, w, true, dy, false, a->acc_v, &rest);
		if (!dq.p && !dk.p && !a->dscore.p) continue;
		head_product(ds, s->Lq, s->Lk, s->dv, dy, false, v, true, false, &rest);
		attention_dscores(a, u, ds);
		if (dq.p) head_product(dq, s->Lq, s->d, s->Lk, ds, false, k, false, a->acc_q, &rest);
		if (dk.p) head_product(dk, s->Lk, s->d, s->Lq, ds, true, q, false, a->acc_k, &rest);
	}
}

size_t EG_NAME(attention_scratch)(const eg_attention_shape *s, bool backward) {
	const int products[][3] = {{s->Lq, s->Lk, s->d}, {s->Lq, s->dv, s->Lk}, {s->Lk, s->dv, s->Lq},
	        {s->Lq, s->Lk, s->dv}, {s->Lq, s->d, s->Lk}, {s->Lk, s->d, s->Lq}}; /* two forward, four backward */
	size_t most = 0;
	for (int i = backward ? 2 : 0; i < (backward ? 6 : 2); i++) {
		eg_gemm_args g = {.m = products[i][0], .n = products[i][1], .k = products[i][2]};
		size_t bytes = g.m && g.n && g.k ? EG_NAME(gemm_scratch)(&g) : 0;
		if (bytes > most) most = bytes;
	}
	return most + attention_scores(s) * sizeof(float);
}

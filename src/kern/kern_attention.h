/* kern_attention.h - attention (kern.h): of scaled products, and the scores of the additive one. */
#ifndef ENGRAM_KERN_ATTENTION_H
#define ENGRAM_KERN_ATTENTION_H

#include "kern/kern_types.h"

/* Attention. Unit u is head u % heads of sample u / heads, with matrices Q (Lq,d), K (Lk,d), V (Lk,dv), Y (Lq,dv), each
 * somewhere in its buffer: element (row, column) of that of sample b, head h is p[at + b*sample + h*head +
 * row*row_stride + column]. Global. Row i sees key j when j < lengths[b] (int32_t; absent: all), past - kept[b] <= j
 * (absent: 0 <= j), j <= i + past if causal, j > i + past - window if window is not 0, and mask (int32_t; absent: 0) is
 * 0 at b*mask_strides[0] + h*mask_strides[1] + i*mask_strides[2] + j*mask_strides[3], and bias, which is added to the
 * scores, is not -infinity there by bias_strides.
 * attention_fwd: P = softmax over the keys that a row sees of scale Q K^T + bias, zero elsewhere, and for a row that
 * sees none; Y = (P * drop) V, drop
 *                (units,Lq,Lk; absent: 1) element by element. Without q and k (both absent, d 0) the scores are the
 *                bias alone. prob is (units,Lq,Lk), P. (Vaswani et al. 2017)
 * attention_bwd: dV = [dV +] (P * drop)^T dY; dS = P (dP - rowsum(P dP)), dP = drop * (dY V^T); dQ = [dQ +] scale dS K;
 * dK = [dK +] scale dS^T Q; dscore
 *                (units,Lq,Lk) = dS. Absent results are not computed. Laid out as q, k, v, and dy as y.
 * Where P is 0 nothing is multiplied with it: keys and values that a row does not see have no influence on it, NaN and
 * infinities included.
 * scratch: attention_scratch bytes. */
typedef struct eg_heads {
	ptrdiff_t at, sample, head, row;
} eg_heads;
typedef struct eg_attention_shape {
	int units, heads, Lq, Lk, d, dv;
	eg_heads q, k, v, y;
	ptrdiff_t mask_strides[4], bias_strides[4];
	real scale;
	int past; /* keys that are older than the first row */
	int window; /* so many keys, its own the last of them, a row sees at most; 0: all */
	bool causal;
} eg_attention_shape;
typedef struct eg_attention_args {
	eg_buf q, k, v, lengths, mask, bias, kept, drop, prob, y;
	eg_attention_shape s;
} eg_attention_args;
typedef struct eg_attention_bwd_args {
	eg_buf q, k, v, drop, prob, dy, dq, dk, dv, dscore;
	eg_attention_shape s;
	bool acc_q, acc_k, acc_v;
} eg_attention_bwd_args;

/* keep_rows: what was seen, for the next run. Of each of `units` matrices, state (W,n) becomes the last W rows of
 * itself followed by the first L of x (T,n): L = lengths[u / heads] (int32_t; absent: T), from 0 to T. They lie as
 * attention's do, x by `from` and state by `to`. count (units / heads; absent: nobody counts) grows by L, to W at most.
 * Global. */
typedef struct eg_keep_rows_args {
	eg_buf x, lengths, state, count;
	eg_heads from, to;
	int units, heads, T, W, n;
} eg_keep_rows_args;

/* Scores of additive attention (Bahdanau et al. 2015): q (Lq,N,n), k (Lk,N,n), v (n); unit u is sample u. Global.
 * additive_fwd: score (N,Lq,Lk) = sum of v tanh(q + k); 0 for keys behind lengths[u] (int32_t; absent: none are),
 * whatever they hold.
 * additive_bwd: from dscore: dq, dk, and dv (N,n), of each sample its own; 0 for keys behind the length. */
typedef struct eg_additive_shape {
	int N, Lq, Lk, n;
} eg_additive_shape;
typedef struct eg_additive_args {
	eg_buf q, k, v, lengths, score;
	eg_additive_shape s;
} eg_additive_args;
typedef struct eg_additive_bwd_args {
	eg_buf q, k, v, lengths, dscore, dq, dk, dv;
	eg_additive_shape s;
} eg_additive_bwd_args;

#endif

/* kern_sequences.h - steps of sequences (kern.h): embedding, reversing, masking, and what is left of all of them.
 * More of sequences: kern_recurrent.h, kern_attention.h, kern_crf.h. */
#ifndef ENGRAM_KERN_SEQUENCES_H
#define ENGRAM_KERN_SEQUENCES_H

#include "kern/kern_types.h"

/* embed_fwd: y[i] = w[ids[i]], w (rows, n), ids int32_t; id -1 gives a row of zeros, any other outside of 0..rows-1 one
 * of NaN. Unit u does positions
 * [u*unit, min((u+1)*unit, total)), ids at p + u*stride, y at eg_at(y, u).
 * embed_bwd: dw[r] = [dw[r] +] sum of dy[i] over the positions i with ids[i] == r, i rising; row `padding` (-1: none)
 * and ids outside of 0..rows-1 take nothing. Global, a unit is 16 columns. */
typedef struct eg_embed_fwd_args {
	eg_buf w, ids, y;
	int64_t unit, total;
	int rows, n;
} eg_embed_fwd_args;
typedef struct eg_embed_bwd_args {
	eg_buf dy, ids, dw;
	int64_t total;
	int rows, n, padding;
	bool acc;
} eg_embed_bwd_args;

/* Sequences x (T,N,n) and rows y (N,n); sample k is lengths[k] steps long (int32_t; absent: T), brought into 0..T
 * first. Global.
 * steps: y (T,N,n) = [y +] what `kind` says of step t of sample k with length L; a unit is one time step.
 *   REVERSE      x[L-1-t] for t < L, else x[t]
 *   MASK         x[t] for t < L, else 0
 *   SPREAD_LAST  x is (N,n): x for t == L-1, else 0
 *   SPREAD_MEAN  x is (N,n): x / L for t < L, else 0
 * ends: ends[k] = 1 + the last t with target[t,k] != ignore, target (T,N); 0: there is none. One unit.
 * pool_steps: y (N,n) from x (T,N,n); a unit is EG_BLOCK samples. POOL_LAST: x[L-1]; POOL_MEAN: mean of x[t], t < L, in
 * rising order. Zero where L is 0. */
typedef enum eg_steps_kind { EG_STEPS_REVERSE, EG_STEPS_MASK, EG_STEPS_SPREAD_LAST, EG_STEPS_SPREAD_MEAN } eg_steps_kind;
typedef struct eg_steps_args {
	eg_buf x, lengths, y;
	int T, N, n;
	eg_steps_kind kind;
	bool acc;
} eg_steps_args;
typedef struct eg_ends_args {
	eg_buf target, ends; /* int32_t */
	int T, N;
	int32_t ignore;
} eg_ends_args;
typedef struct eg_pool_steps_args {
	eg_buf x, lengths, y;
	int T, N, n;
	bool mean; /* else the last one */
} eg_pool_steps_args;

#endif

/* kern_loop.h - the part of the contract (kern.h) that loops need: rows of one step, in and out of sequences. */
#ifndef ENGRAM_KERN_LOOP_H
#define ENGRAM_KERN_LOOP_H

#include "kern/kern_types.h"

/* loop_rows: y = [y +] x for each of N samples with n numbers, where the sample's sequence goes on at step t (t <
 * lengths[sample]; lengths absent: everywhere), else `other`, which is absent for 0. behind: the other way round,
 * samples that have ended take x. A unit is a block of samples; x, other and y are rows of one step, block by block,
 * but with x_steps or y_steps a whole sequence (T,N,n), of which step t is meant, and with x_repeats x is one row
 * for all. y may be x or other where the rows are the same. With acc no `other`. integers: the elements are int32_t,
 * and acc is not set. */
typedef struct eg_loop_rows_args {
	eg_buf x, other, lengths, y;
	int N, n, t;
	bool x_steps, x_repeats, y_steps, behind, integers, acc;
} eg_loop_rows_args;

#endif

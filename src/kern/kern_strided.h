/* kern_strided.h - numbers put elsewhere: by strides, side by side, and apart again (kern.h). */
#ifndef ENGRAM_KERN_STRIDED_H
#define ENGRAM_KERN_STRIDED_H

#include "kern/kern_types.h"

/* strided: y contiguous, of `size` (rank of them, slowest first), is taken from x by strides: where every index j of y
 * is first + step q with 0 <= q < count, y = [y +] x[offset + the sum of stride q], elsewhere y = [y +] 0. stride may
 * be 0 (repeated) or negative (reversed); step >= 1. So it permutes, slices, repeats, and is its own adjoint where
 * nothing repeats. Rows of y are its last dimension, `total` of them; unit u does rows [b*rows, min((b+1)*rows,
 * total)), b = u / pieces, and of each the share u % pieces of `pieces` equal ones. Buffers are addressed from p; as a
 * block job (`block`, pieces == 1) at eg_at(.., u), and rows are counted from the unit's first. integers: elements are
 * int32_t, acc is false. */
typedef struct eg_strided_args {
	eg_buf x, y;
	int rank, pieces;
	int size[EG_WALK], first[EG_WALK], step[EG_WALK], count[EG_WALK];
	int64_t stride[EG_WALK], offset, rows, total;
	bool acc, block, integers;
} eg_strided_args;

/* concat: rows of y are the rows of x[0], x[1], ... side by side: `total` of them, of width[i] elements in x[i], n
 * tensors; one that is absent has width 0. split, the adjoint: x[i] = [x[i] +] its part of the rows of y; an x[i] that
 * is not wanted is absent but has its width. No buffer may stand there twice. Where there are more than EG_JOIN
 * tensors, several calls do some each: theirs begin at element `at` of rows of `wide` elements in all; wide 0: they
 * fill the rows. Unit u does rows [b*rows, min((b+1)*rows, total)), b = u / pieces, all buffers at eg_at(.., b), and of
 * each row of y the share u % pieces of `pieces` equal ones. Block job when pieces == 1. integers: elements are
 * int32_t, of concat alone. */
typedef struct eg_join_shape {
	int64_t width[EG_JOIN], rows, total, at, wide;
	int n, pieces;
	bool integers;
} eg_join_shape;
typedef struct eg_concat_args {
	eg_buf x[EG_JOIN], y;
	eg_join_shape s;
} eg_concat_args;
typedef struct eg_split_args {
	eg_buf y, x[EG_JOIN];
	eg_join_shape s;
	bool acc[EG_JOIN];
} eg_split_args;

#endif

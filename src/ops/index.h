/* index.h - what operators share that take whole numbers as places in a tensor: how their rows lie, and the calls. */
#ifndef ENGRAM_OPS_INDEX_H
#define ENGRAM_OPS_INDEX_H

#include "ops/ops.h"

/* Input i holds whole numbers. */
eg_status index_check(const eg_infer *s, int i, const char *name);
/* The first batch among the dimensions; -1: there is none. */
int index_batch(const eg_dims *d);
/* The axis as a number from 0 on, a dimension of input 0 that is no batch. */
eg_status index_axis(eg_infer *s, int given, int *axis);
/* Input i (N..., S..., n): tuples of n numbers for dimensions batch..batch+n-1 of input 0, whose first `batch`
 * dimensions it shares. *n is set. */
eg_status index_check_tuples(eg_infer *s, int i, int batch, int *n);
/* Like input 0, but not longer in any dimension except the axis. */
eg_status index_check_elements(eg_infer *s, int i, int axis);

/* Whole slices along `axis` of x, `count` numbers; single elements along it; slices by tuples of numbers. */
eg_index_shape index_slices(const eg_dims *x, int axis, int64_t count);
eg_index_shape index_elements(const eg_dims *x, const eg_dims *index, int axis);
eg_index_shape index_tuples(const eg_dims *x, const eg_dims *index, int batch);

/* y = [y +] rows of x; outside of it NaN as a result, 0 as a gradient. owner: see eg_gather_args. */
typedef struct index_buffers {
	eg_buf x, index, owner, y;
} index_buffers;
void index_gather(eg_emit *e, index_buffers b, const eg_index_shape *s, bool gradient, bool acc, eg_dtype type);
void index_scatter(
	eg_emit *e, eg_buf x, eg_buf index, eg_buf y, const eg_index_shape *s, eg_scatter_op op, eg_dtype type);
/* Backward of a gather: the gradient dy of its rows, summed up in dx, the gradient of input 0. */
void index_gather_bwd(eg_emit *e, eg_buf index, const eg_index_shape *s);

#endif

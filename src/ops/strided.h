/* strided.h - putting numbers elsewhere by strides, for operators that are made of several kernels (strided.c).
 * Buffers are PLAIN. */
#ifndef ENGRAM_OPS_STRIDED_H
#define ENGRAM_OPS_STRIDED_H

#include "ops/ops.h"

/* y (size) = [y +] x, contiguous y, at `offset` and the strides of each dimension in x, which may be 0. Integers
 * cannot be added. */
void strided_take(eg_emit *e, eg_buf x, eg_buf y, int rank, const int64_t *size, const int64_t *stride, int64_t offset,
	bool acc, eg_dtype type);

#endif

/* flat.h - calls on whole tensors as runs of numbers, whatever their dimensions: for operators that are made of
 * several kernels. */
#ifndef ENGRAM_OPS_FLAT_H
#define ENGRAM_OPS_FLAT_H

#include "ops/ops.h"

void flat_fill(eg_emit *e, eg_buf y, int64_t n, real value);
/* y = [y +] x. Integers cannot be added. */
void flat_copy(eg_emit *e, eg_buf x, eg_buf y, int64_t n, bool acc, eg_dtype type);
/* y = f(a, b); y may be a or b. */
void flat_binary(eg_emit *e, eg_binary op, eg_buf a, eg_buf b, eg_buf y, int64_t n);
/* y = factor x; y may be x. */
void flat_scale(eg_emit *e, eg_buf x, eg_buf y, int64_t n, real factor);
/* y (dims) += b, which has the strides sb in y, 0 where it is repeated. */
void flat_add_spread(eg_emit *e, eg_buf b, eg_buf y, const eg_dims *dims, const int64_t *sb);
/* b = [b +] the sums of y (dims): the adjoint. `count` elements of b. */
void flat_sum_spread(eg_emit *e, eg_buf y, eg_buf b, const eg_dims *dims, const int64_t *sb, int64_t count, bool acc);
/* y = 1 where x is 0, else 0. */
void flat_not(eg_emit *e, eg_buf x, eg_buf y, int64_t n);
static inline eg_buf flat_temp(eg_emit *e, int64_t n) { return eg_emit_temp(e, EG_ELEM_REAL, n, false); }

#endif

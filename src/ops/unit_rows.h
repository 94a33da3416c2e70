/* unit_rows.h - calls that bring the rows of a matrix to length 1, and their derivative. */
#ifndef ENGRAM_OPS_UNIT_ROWS_H
#define ENGRAM_OPS_UNIT_ROWS_H

#include "ops/ops.h"

/* y (rows, n) and norm (rows), of x. */
static inline void op_unit_rows(eg_emit *e, eg_buf x, eg_buf y, eg_buf norm, int64_t rows, int n) {
	eg_unit_rows_args a = {.x = x, .y = y, .norm = norm, .rows = rows, .n = n, .unit = EG_BLOCK};
	OP_CALL(e, unit_rows_fwd, a, 1, 2, .units = eg_blocks((int)rows), .flops = 4.0 * (double)rows * n);
}
static inline void op_unit_rows_bwd(eg_emit *e, eg_unit_rows_bwd_args a) {
	a.unit = EG_BLOCK;
	OP_CALL(e, unit_rows_bwd, a, 3, 1, .units = eg_blocks((int)a.rows), .flops = 6.0 * (double)a.rows * a.n);
}

#endif

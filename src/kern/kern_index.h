/* kern_index.h - kernels that put numbers where other numbers say, or where a rule says that strides cannot:
 * gathering and scattering by index, padding by what is inside, running sums, triangles, the largest of a line, a
 * step of time later (kern.h).
 *
 * Not here: what strides can do (strided, in kern.h); rows of weights (embed_fwd, in kern_sequences.h). */
#ifndef ENGRAM_KERN_INDEX_H
#define ENGRAM_KERN_INDEX_H

#include "kern/kern_types.h"

/* ---- by index ---------------------------------------------------------------------------------------------------- */

/* Rows of `width` elements, which lie one behind the other on one side, in the order of a walk of `dims` (rank of
 * them, slowest first; `total` rows), and on the other, that of the indexed tensor, where the index says. Row j of
 * the walk begins there at the sum of sx j, and of stride[c] i[c] for the n numbers i[c] that the index, int32_t, has
 * from element sum of si j on. i[c] is -size[c] to size[c]-1, negative ones count from the end; a row with any other
 * is outside. */
typedef struct eg_index_shape {
	int rank, n;
	int64_t dims[EG_KDIMS], sx[EG_KDIMS], si[EG_KDIMS], size[EG_KDIMS], stride[EG_KDIMS], width, total;
} eg_index_shape;

/* gather: y's rows = [y +] those of x. Rows outside are `outside` (integers: -1). With `owner`, as large as x, an
 * element of row r that is owned by another row (owner != r) is 0. Global; unit u does rows [u*rows, min((u+1)*rows,
 * total)). integers: elements are int32_t, acc is false. */
typedef struct eg_gather_args {
	eg_buf x, index, owner, y;
	eg_index_shape s;
	int64_t rows;
	real outside;
	bool acc, integers;
} eg_gather_args;

/* scatter: for all rows of x in their order, y's row = f(y's row, x's row), where f is the second, the sum, product,
 * maximum or minimum (NaN where either is). Absent x: 0. Rows outside change nothing. OWN: y holds int32_t and
 * becomes the number of the row, x is absent. Global; a unit is the share u of `parts` equal ones of dimension `cut`
 * of the walk, in which no two rows then meet, or, cut -1, of the columns of each row.
 * integers: elements are int32_t, for SET alone. */
typedef enum eg_scatter_op {
	EG_SCATTER_SET,
	EG_SCATTER_ADD,
	EG_SCATTER_MUL,
	EG_SCATTER_MAX,
	EG_SCATTER_MIN,
	EG_SCATTER_OWN
} eg_scatter_op;
typedef struct eg_scatter_args {
	eg_buf x, index, y;
	eg_index_shape s;
	eg_scatter_op op;
	int cut, parts;
	bool integers;
} eg_scatter_args;

/* one_hot: y (outer, depth, inner) = off, and on at the index (outer, inner), int32_t, -depth to depth-1, negative
 * ones from the end; any other index is nowhere. Global; unit u does outer [u*rows, ...). */
typedef struct eg_one_hot_args {
	eg_buf index, y;
	int64_t outer, depth, inner, rows;
	real on, off;
} eg_one_hot_args;

/* ---- by rule ----------------------------------------------------------------------------------------------------- */

/* extend_fwd: y (size + before + after) = x (size), and around it `value`, or what lies inside: reflected without and
 * with the element at the border counted once, the border itself, or from the other side. Negative numbers cut off,
 * before anything is put around. rank dimensions; extend_bwd, its adjoint in x: x = [x +] the sums of y. Global; unit
 * u does rows (all dimensions but the last) [u*rows, ...) of what it writes. integers: elements are int32_t, forward
 * alone. */
typedef enum eg_extend_mode { EG_EXTEND_CONSTANT, EG_EXTEND_REFLECT, EG_EXTEND_EDGE, EG_EXTEND_WRAP } eg_extend_mode;
typedef struct eg_extend_args {
	eg_buf from, to;
	int rank;
	int64_t size[EG_KDIMS], before[EG_KDIMS], after[EG_KDIMS], rows, total;
	eg_extend_mode mode;
	real value;
	bool acc, integers;
} eg_extend_args;

/* cumsum: y = [y +] sums along the middle of (outer, n, inner) of all elements up to this one, or without it
 * (exclusive), or from it on (reverse); collected in double. Global; unit u is columns [c*EG_CUMSUM_COLUMNS, ...) of
 * outer index u / pieces, c = u % pieces, pieces as many as that takes. */
enum { EG_CUMSUM_COLUMNS = 64 };
typedef struct eg_cumsum_args {
	eg_buf x, y;
	int64_t outer, n, inner;
	bool exclusive, reverse, acc;
} eg_cumsum_args;

/* trilu: y = [y +] x (rows, columns), `total` rows of such matrices one behind the other, where column - row >= k
 * (upper) or <= k, else 0. Global; unit u does rows [u*unit, ...) of all. integers: elements are int32_t, acc is
 * false. */
typedef struct eg_trilu_args {
	eg_buf x, y;
	int64_t rows, columns, total, unit, k;
	bool upper, acc, integers;
} eg_trilu_args;

/* ramp: y[i] = start + i step. Global, unit EG_CHUNK elements. integers: y is int32_t. */
typedef struct eg_ramp_args {
	eg_buf y;
	int64_t n;
	double start, step;
	bool integers;
} eg_ramp_args;

/* top_k: of each line of x (outer, n, inner), along n, the k largest (smallest) in their order, of equal ones the
 * first first: values and, int32_t, places (outer, k, inner). NaN is larger than everything. Global; unit u does
 * lines [u*rows, ...), line l being (l / inner, l % inner). Scratch: k * sizeof(int32_t). */
typedef struct eg_top_k_args {
	eg_buf x, values, places;
	int64_t outer, inner, rows;
	int n, k;
	bool smallest;
} eg_top_k_args;

/* shift_fwd: y (T,N,n): y[t] = x[t-1], y[0] = start, or what `state` (N, n+1) keeps: n numbers and whether there are
 * any. Zero where t is not below lengths (N), int32_t. Unit 0 then makes the state that of the last step of x; it stays
 * where the length is 0. A unit is a step. integers: elements are int32_t, and lie as such in a row of the state.
 * shift_bwd: dx = [dx +] dy one step earlier, 0 behind the last. A unit is a step, the first one the last. */
typedef struct eg_shift_args {
	eg_buf x, lengths, y, state;
	int T, N, n;
	double start;
	bool integers;
} eg_shift_args;
typedef struct eg_shift_bwd_args {
	eg_buf dy, lengths, dx;
	int T, N, n;
	bool acc;
} eg_shift_bwd_args;

#endif

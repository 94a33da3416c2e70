/* kern_families.h - element-wise families, reductions and selection (kern.h): one slot a family with an op code;
 * which member of the family it is says the code. A new member is a line of the enumeration, its case in `ref` and,
 * where it is worth it, in vectors.
 *
 * Not here: activations that are fused into other kernels, and the broadcast sum `add` (kern_map.h). */
#ifndef ENGRAM_KERN_FAMILIES_H
#define ENGRAM_KERN_FAMILIES_H

#include "kern/kern_types.h"

/* ---- one number makes one ---------------------------------------------------------------------------------------- */

/* Where the argument is outside of the domain the result is NaN, at a pole infinite, as C's functions have it; NaN
 * stays NaN but in the last three.
 *   sign   -1, 0, 1; the sign of zero stays        round  to the nearest, ties to even; the sign stays
 *   clip   min(max(x, alpha), beta), so beta where alpha > beta
 *   is_nan, not  1 or 0: not of everything that is not 0 (NaN too) is 0
 *   is_inf 1 or 0; alpha != 0: positive infinity counts, beta != 0: negative */
typedef enum eg_unary {
	EG_UNARY_EXP, EG_UNARY_LOG, EG_UNARY_SQRT, EG_UNARY_RECIPROCAL, EG_UNARY_SQUARE, EG_UNARY_ABS, EG_UNARY_NEG, EG_UNARY_SIGN,
	EG_UNARY_FLOOR, EG_UNARY_CEIL, EG_UNARY_ROUND,
	EG_UNARY_SIN, EG_UNARY_COS, EG_UNARY_TAN, EG_UNARY_ASIN, EG_UNARY_ACOS, EG_UNARY_ATAN,
	EG_UNARY_SINH, EG_UNARY_COSH, EG_UNARY_ASINH, EG_UNARY_ACOSH, EG_UNARY_ATANH, EG_UNARY_ERF,
	EG_UNARY_CLIP, EG_UNARY_IS_NAN, EG_UNARY_IS_INF, EG_UNARY_NOT,
	EG_UNARIES
} eg_unary;

/* unary_fwd: y = f(x), in place allowed. Units as all element-wise jobs have them. */
typedef struct eg_unary_args {
	eg_buf x, y;
	int64_t unit, total;
	eg_unary op;
	real alpha, beta;
} eg_unary_args;
/* unary_bwd: dx = [dx +] dy * f'(x). v is what f' is computed of: y for exp, sqrt, reciprocal and tan, nothing
 * (absent) for neg, else x. dx may be dy. There is none of what is constant wherever it is smooth: sign, floor, ceil,
 * round, is_nan, is_inf, not. */
typedef struct eg_unary_bwd_args {
	eg_buf v, dy, dx;
	int64_t unit, total;
	eg_unary op;
	real alpha, beta;
	bool acc;
} eg_unary_bwd_args;

/* One number, f(x) and f'(v), in plain C: what `ref` computes, and other tables for members that they have no vectors
 * for. */
real eg_unary_value(eg_unary op, real x, real alpha, real beta);
real eg_unary_slope(eg_unary op, real v, real alpha, real beta);

/* ---- two numbers make one, with broadcasting --------------------------------------------------------------------- */

/*   pow    C's pow                     min, max  NaN where either is NaN
 *   mod    a - b floor(a/b), with the sign of b as in Python; NaN where b is 0
 *   fmod   a - b trunc(a/b), with the sign of a as in C; NaN where b is 0
 *   prelu  a where a >= 0 or NaN, else a b
 *   equal ... greater_equal   1 or 0, with NaN 0, but not_equal 1   and, or, xor  1 or 0 of a != 0 and b != 0 */
typedef enum eg_binary {
	EG_BINARY_ADD, EG_BINARY_SUB, EG_BINARY_MUL, EG_BINARY_DIV, EG_BINARY_POW, EG_BINARY_MIN, EG_BINARY_MAX, EG_BINARY_MOD, EG_BINARY_FMOD,
	EG_BINARY_PRELU,
	EG_BINARY_EQUAL, EG_BINARY_NOT_EQUAL, EG_BINARY_LESS, EG_BINARY_LESS_EQUAL, EG_BINARY_GREATER, EG_BINARY_GREATER_EQUAL,
	EG_BINARY_AND, EG_BINARY_OR, EG_BINARY_XOR,
	EG_BINARIES
} eg_binary;

/* How several operands are walked together: y is contiguous with `dims` (rank of them, slowest first), s[i] are the
 * element strides of operand i, 0 where it is repeated. Unit u does indices [u*rows, min((u+1)*rows, dims[0])) of the
 * first dimension; what belongs to it of each buffer begins at eg_at(.., u) (one without the first dimension has
 * stride 0). */
enum { EG_OPERANDS = 3 };
typedef struct eg_spread {
	int rank, rows;
	int64_t dims[EG_KDIMS], s[EG_OPERANDS][EG_KDIMS];
} eg_spread;

/* binary: y = f(a, b). y may be an operand whose dimensions are y's. Operands 0 and 1. */
typedef struct eg_binary_args {
	eg_buf a, b, y;
	eg_spread at;
	eg_binary op;
} eg_binary_args;
/* binary_bwd: d = [d +] dy * df/da (side 0) or df/db (side 1); dy and d are contiguous as y is: what was repeated is
 * summed by sum_to. a and b are absent for sub, where nothing depends on them. d may be dy. Derivatives where
 * mathematics is silent, as PyTorch has them: min and max of equal numbers half for each, NaN in full for both;
 * pow(0, b) for b >= 0 none by b. There is none of comparisons and logic. */
typedef struct eg_binary_bwd_args {
	eg_buf a, b, dy, d;
	eg_spread at;
	eg_binary op;
	int side;
	bool acc;
} eg_binary_bwd_args;

/* f(a, b) and df/da (side 0) or df/db (1), as above. */
real eg_binary_value(eg_binary op, real a, real b);
real eg_binary_slope(eg_binary op, int side, real a, real b);

/* select: y = [y +] a where c != 0 (NaN counts), else b; an absent a or b is 0. Operands c, a, b. y may be one of
 * them. */
typedef struct eg_select_args {
	eg_buf c, a, b, y;
	eg_spread at;
	bool acc;
} eg_select_args;

/* ---- many numbers make one --------------------------------------------------------------------------------------- */

/*   max, min   NaN where there is one             l1, l2, sum_square   sum of |x|, its root of squares, of squares
 *   log_sum    log of the sum
 *   log_sum_exp   max + log of the sum of exp(x - max); infinite where max is
 *   arg_max, arg_min   the place of the first largest or smallest, of the first NaN where there is one
 *   .._last    the last of equal ones */
typedef enum eg_reduction {
	EG_REDUCE_SUM, EG_REDUCE_MEAN, EG_REDUCE_MAX, EG_REDUCE_MIN, EG_REDUCE_PROD, EG_REDUCE_L1, EG_REDUCE_L2, EG_REDUCE_SUM_SQUARE,
	EG_REDUCE_LOG_SUM, EG_REDUCE_LOG_SUM_EXP,
	EG_REDUCE_ARG_MAX, EG_REDUCE_ARG_MIN, EG_REDUCE_ARG_MAX_LAST, EG_REDUCE_ARG_MIN_LAST,
	EG_REDUCTIONS
} eg_reduction;

/* Which elements become one: x is contiguous with `dims`; y has the element strides sy, 0 for the dimensions that are
 * reduced, and `count` elements, contiguous in the order of the dimensions that are kept. Unit u is the elements
 * [u*unit, min((u+1)*unit, count)) of y. Global with unit EG_BLOCK; or, where the first dimension is kept and
 * `block`, a block job: `unit` is then a block of y, and a unit's part of each buffer begins at eg_at(.., u). */
typedef struct eg_reduce_shape {
	int rank;
	int64_t dims[EG_KDIMS], sy[EG_KDIMS], count, unit;
	bool block;
} eg_reduce_shape;
/* reduce: in an order that depends on the shape only. y holds int32_t for arg_max ... arg_min_last, of which one
 * dimension is reduced. */
typedef struct eg_reduce_args {
	eg_buf x, y;
	eg_reduce_shape s;
	eg_reduction op;
} eg_reduce_args;
/* reduce_bwd: dx = [dx +] dy * dy/dx, from x and y = reduce(x); for sum and mean these are absent. Equal largest
 * (smallest) ones share the gradient. l2 at zero has none. There is none of arg_max ... */
typedef struct eg_reduce_bwd_args {
	eg_buf x, y, dy, dx;
	eg_reduce_shape s;
	eg_reduction op;
	bool acc;
} eg_reduce_bwd_args;

#endif

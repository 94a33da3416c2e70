/* kern_norm.h - normalisation of rows and along a dimension, gates, and distances from codes (kern.h).
 *
 * Not here: batch normalisation, which meets all samples (kern_batchnorm.h); rows inside of recurrent cells
 * (kern_recurrent.h). */
#ifndef ENGRAM_KERN_NORM_H
#define ENGRAM_KERN_NORM_H

#include "kern/kern_types.h"

/* ---- rows of numbers that are brought to mean 0 and deviation 1 ------------------------------------------------- */

/* `total` rows side by side, each of `channels` runs of `inner` elements. Run k of row r is of channel r % groups *
 * channels + k, of groups * channels, by which weight and bias go. So layer, group and instance normalisation are the
 * same. Unit u does rows [u*rows, min((u+1)*rows, total)); what it has of a buffer by rows begins at eg_at(.., u).
 * rms: the mean is not subtracted. */
typedef struct eg_row_norm_shape {
	int64_t total, rows;
	int groups, channels, inner;
	bool rms;
} eg_row_norm_shape;

enum { EG_ROW_STATS = 3 };
/* row_norm_fwd: y = act(weight h + bias), h = (x - mean) / sqrt(var + eps); weight and bias may be absent. stats has
 * EG_ROW_STATS numbers a row: m, the mean rounded; r = 1 / sqrt(var + eps); s = (m - mean) r. h is (x - m) r + s:
 * where the mean is large beside the deviation, its rounding would be seen in h. */
typedef struct eg_row_norm_args {
	eg_buf x, weight, bias, y, stats;
	eg_row_norm_shape s;
	real eps;
	eg_act act;
} eg_row_norm_args;
/* row_norm_bwd: with g = weight dy and means over the row: dx = [dx +] r (g - mean of g - h mean of g h), without the
 * mean of g where rms. Sums over the unit's rows, by channel: dweight of dy h, dbias of dy, at eg_at(.., u),
 * overwritten. What is not wanted of dx, dweight and dbias is absent. */
typedef struct eg_row_norm_bwd_args {
	eg_buf x, stats, weight, dy, dx, dweight, dbias;
	eg_row_norm_shape s;
	bool acc;
} eg_row_norm_bwd_args;

/* ---- functions of all elements along a dimension ---------------------------------------------------------------- */

/* Over the middle of (outer, n, inner); unit u does outer indices [u*rows, min((u+1)*rows, outer)), at eg_at(.., u).
 *   log_softmax  x - log of the sum of e^x, by way of the maximum; NaN everywhere where there is one
 *   l1, l2       x / max(sum of |x|, alpha), x / max(root of the sum of x^2, alpha)
 *   local        x / (bias + alpha / size * sum of x^2 over the window)^beta; the window are the at most `size`
 *                elements from (size-1) / 2 before x on
 *   hard_max     1 at the first largest, or the first NaN, else 0 */
typedef enum eg_along {
	EG_ALONG_LOG_SOFTMAX,
	EG_ALONG_L1,
	EG_ALONG_L2,
	EG_ALONG_LOCAL,
	EG_ALONG_HARD_MAX,
	EG_ALONGS
} eg_along;
typedef struct eg_along_shape {
	int64_t outer, rows;
	int n, inner, size;
	real alpha, beta, bias;
} eg_along_shape;
/* along_fwd: y = f(x). No scratch. */
typedef struct eg_along_args {
	eg_buf x, y;
	eg_along_shape s;
	eg_along op;
} eg_along_args;
/* along_bwd: dx = [dx +] the gradient. v is y for log_softmax, else x. None of hard_max. A norm below alpha counts as
 * constant. Scratch for local: EG_ALONG_SCRATCH numbers for each of n. */
enum { EG_ALONG_SCRATCH = 2 * EG_BLOCK };
typedef struct eg_along_bwd_args {
	eg_buf v, dy, dx;
	eg_along_shape s;
	eg_along op;
	bool acc;
} eg_along_bwd_args;

/* hard_max of n numbers `step` apart, in plain C for all tables. */
void eg_hard_max(const real *x, real *y, int n, ptrdiff_t step);

/* ---- gates ------------------------------------------------------------------------------------------------------ */

/* gate_fwd: x is `outer` pairs of a and b, `half` numbers each, side by side; y = a act(b), `half` numbers. Unit u
 * does pairs [u*rows, min((u+1)*rows, outer)), at eg_at(.., u). */
typedef struct eg_gate_args {
	eg_buf x, y;
	int64_t outer, rows, half;
	eg_act act;
} eg_gate_args;
/* gate_bwd: da = [da +] dy act(b), db = [db +] dy a act'(b). */
typedef struct eg_gate_bwd_args {
	eg_buf x, dy, dx;
	int64_t outer, rows, half;
	eg_act act;
	bool acc;
} eg_gate_bwd_args;

/* ---- distances from codes --------------------------------------------------------------------------------------- */

/* x (total, k), codes (n, k). distance_fwd: y[r, j] = sum over i of (x[r, i] - codes[j, i])^2. Unit u does rows
 * [u*rows, min((u+1)*rows, total)) of x and y, at eg_at(.., u). */
typedef struct eg_distance_args {
	eg_buf x, codes, y;
	int64_t total, rows;
	int n, k;
} eg_distance_args;
/* distance_bwd: da[r, i] = [da +] 2 sum over j < n of dy[r * sa + j * sb] (a[r, i] - b[j, i]), j rising. Units are of
 * rows of a, which, and da, dy, lie at eg_at(.., u); b is read from its start. With a = x it is the gradient of x,
 * with a = codes (and sa = 1) that of the codes. */
typedef struct eg_distance_bwd_args {
	eg_buf a, b, dy, da;
	int64_t total, rows, sa, sb;
	int n, k;
	bool acc;
} eg_distance_bwd_args;

#endif

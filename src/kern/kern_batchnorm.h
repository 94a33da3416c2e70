/* kern_batchnorm.h - batch normalisation (kern.h). */
#ifndef ENGRAM_KERN_BATCHNORM_H
#define ENGRAM_KERN_BATCHNORM_H

#include "kern/kern_types.h"

/* A tensor (N, C, inner) in any layout, normalised channel by channel (Ioffe and Szegedy 2015). Tables of numbers by
 * channel have rows of eg_channels(C) elements, C rounded up to 16, zero beyond C:
 *   coef   (4 rows) mean, rstd = 1 / sqrt(var + eps), scale = weight rstd, shift = bias - mean scale
 *   part   (2 rows) for each block, at eg_at(part, block): sums over the block
 *   slope  (3 rows) of dx = p g + q (x - mean) + r
 * The kernels named `block` take blocks of EG_BLOCK samples as units, as block jobs or, the plan setting strides, as
 * global ones.
 *
 * batchnorm_part   (block) part = mean of the block's values x, sum of (x - mean)^2, in two passes.
 * batchnorm_stats  part of all blocks to coef, blocks in rising order (Chan et al. 1979), in double; running = (1 -
 *                  momentum) running + momentum batch where running_mean is there, the variance being the unbiased one
 *                  (of a single value: 0). Global, one unit.
 * batchnorm_fixed  coef from given mean and var (absent: 0 and 1), weight and bias (absent: 1 and 0). Global, one unit.
 * batchnorm_fwd    (block) y = act(scale x + shift). In place allowed.
 * batchnorm_fold   the same folded into what computes x with weights w (C,n) and bias b (C, absent: 0), in inference:
 *                  w_out = scale w, b_out = scale b + shift. Global, one unit.
 * batchnorm_bwd_part   (block) g = dy, or, with relu, dy where scale x + shift > 0, else 0; part = sum of g, sum of g
 *                      (x - mean).
 * batchnorm_bwd_stats  dw = [dw +] rstd sum g (x - mean); db = [db +] sum g, either may be absent; slope: p = scale;
 *                      q = -scale rstd^2 mean of g (x - mean); r = -scale mean of g; fixed (mean and var did not depend
 *                      on x): q = r = 0, and part may be absent where nobody wants dw and db, which are then as if it
 *                      were 0. Global, one unit.
 * batchnorm_bwd    (block) dx = [dx +] p g + q (x - mean) + r, g as above. dx may be dy. */
typedef struct eg_bn_shape {
	int N, C, inner;
	eg_layout layout;
} eg_bn_shape;
EG_ALWAYS_INLINE int eg_channels(int C) { return (C + EG_BLOCK - 1) / EG_BLOCK * EG_BLOCK; }
typedef struct eg_bn_part_args {
	eg_buf x, part;
	eg_bn_shape s;
} eg_bn_part_args;
typedef struct eg_bn_stats_args {
	eg_buf part, weight, bias, coef, running_mean, running_var; /* the last two are read and written */
	eg_bn_shape s;
	real eps, momentum;
} eg_bn_stats_args;
typedef struct eg_bn_fixed_args {
	eg_buf weight, bias, mean, var, coef;
	int C;
	real eps;
} eg_bn_fixed_args;
typedef struct eg_bn_fwd_args {
	eg_buf x, coef, y;
	eg_bn_shape s;
	eg_act act;
} eg_bn_fwd_args;
typedef struct eg_bn_fold_args {
	eg_buf w, b, coef, w_out, b_out;
	int C;
	int64_t n;
} eg_bn_fold_args;
typedef struct eg_bn_bwd_part_args {
	eg_buf x, coef, dy, part;
	eg_bn_shape s;
	bool relu;
} eg_bn_bwd_part_args;
typedef struct eg_bn_bwd_stats_args {
	eg_buf part, coef, slope, dw, db;
	eg_bn_shape s;
	bool fixed, acc_w, acc_b;
} eg_bn_bwd_stats_args;
typedef struct eg_bn_bwd_args {
	eg_buf x, coef, slope, dy, dx;
	eg_bn_shape s;
	bool relu, acc;
} eg_bn_bwd_args;

#endif

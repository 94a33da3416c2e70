/* kern_pictures.h - the part of the contract (kern.h) that is about pictures: convolution, pooling, up-sampling, batch
 * normalisation, padding. */
#ifndef ENGRAM_KERN_PICTURES_H
#define ENGRAM_KERN_PICTURES_H

#include "kern/kern_types.h"

/* ---- convolution ------------------------------------------------------------------------------------------------- */

/* y[n][k][p][q] = b[k] + sum over c in the group of k, r, s of w[k][c][r][s] x[n][c][p*sh + r*dh - ph][q*sw + s*dw -
 * pw], zero outside of x. w is (K, C/G, R, S). (ONNX Conv-11; cross-correlation as everywhere in the field.) */
typedef struct eg_conv_shape {
	int N, C, H, W, K, R, S, P, Q; /* C and K are totals over all groups */
	int sh, sw, ph, pw, dh, dw, G; /* stride, padding at the top and left, dilation, groups */
	bool x_blocked, y_blocked;     /* of the algorithms in `conv` below: x and dx, y and dy are BLOCKED, else
	                                * PLAIN */
} eg_conv_shape;

typedef enum eg_conv_dir { EG_CONV_FWD, EG_CONV_BWD_DATA, EG_CONV_BWD_WEIGHTS } eg_conv_dir;

/* conv_*_pack: w (K,C/G,R,S) into the table's own form for direction dir (FWD or BWD_DATA), conv_*_pack_bytes(shape,
 * dir) bytes. Global, one unit. */
typedef struct eg_conv_pack_args {
	eg_buf w, dst;
	eg_conv_shape s;
	eg_conv_dir dir;
} eg_conv_pack_args;

/* conv_*_fwd: y = act(conv(x, w) + b); w packed for FWD, b (K) or absent.
 *   lanes: block job, x and y LANES; scratch conv_lanes_scratch(shape, FWD).
 *   plain: global job, x and y PLAIN; units conv_plain_units(shape, FWD), scratch conv_plain_scratch(shape, FWD). */
typedef struct eg_conv_fwd_args {
	eg_buf x, w, b, y;
	eg_conv_shape s;
	eg_act act;
} eg_conv_fwd_args;

/* conv_*_bwd_data: dx = [dx +] gradient of x given dy; w packed for BWD_DATA. Layouts, units, scratch as above with
 * BWD_DATA. Elements of x that no output saw get zero. */
typedef struct eg_conv_bwd_data_args {
	eg_buf dy, w, dx;
	eg_conv_shape s;
	bool acc;
} eg_conv_bwd_data_args;

/* conv_*_bwd_weights: gradient of w, (K,C/G,R,S), and of b, (K), db may be absent.
 *   lanes: block job over `blocks` blocks; writes partial sums: shard i at (real *)dw.p + i*K*(C/G)*R*S and (real
 *   *)db.p + i*K, see
 *          eg_shard_of; acc is false. Scratch conv_lanes_scratch(shape, BWD_WEIGHTS).
 *   plain: global job, units conv_plain_units(shape, BWD_WEIGHTS); dw, db final, honouring acc; shards = 1. */
typedef struct eg_conv_bwd_weights_args {
	eg_buf x, dy, dw, db;
	eg_conv_shape s;
	int blocks, shards;
	bool acc;
} eg_conv_bwd_weights_args;

/* Convolutions of PLAIN or BLOCKED tensors in several algorithms behind one interface, eg_conv_kernels. All jobs are
 * global. An algorithm may be absent for a shape and direction (`can` says no); ref does everything, so that each fast
 * one has its equal. x and y may lie differently (s.x_blocked, s.y_blocked): a kernel copies the part of x or dy that
 * it works on into scratch anyway, with its padding, and so takes either form at the same speed; results are written in
 * the form wanted.
 *
 * pack     w (K,C/G,R,S) into the algorithm's own form for FWD or BWD_DATA, pack_bytes bytes; units pack_units.
 *          (eg_conv_pack_args)
 * run      by direction, units `units`, scratch `scratch`:
 *   FWD          y = act([y +] conv(x, w) + b), b may be absent    eg_conv_run_args: in x, w packed, b, out y; acc only
 *                where y is BLOCKED
 *   BWD_DATA     dx = [dx +] gradient of x; b absent               in dy, w packed, b absent, out dx
 *   BWD_WEIGHTS  dw, db (may be absent): final, honouring acc, where shards(s) is 1; else shards(s) partial sums, the
 *                i-th at
 *                dw.p + i*K*(C/G)*R*S and db.p + i*K, acc is false  eg_conv_weights_args
 * BLOCKED results have finite values (activations) and zeros (gradients) in the lanes beyond the last channel; BLOCKED
 * operands may hold any finite values there (x) or zeros (dy), which must not leak into results. Bits depend on the
 * shape (layouts aside) alone, not on units.
 * exact    no other rounding than a sum of products in some order; Winograd's is false: errors relative to the largest
 *          value are stated in body_conv_winograd.h
 * cost     estimated nanoseconds of one run on one core, for the planner: compare algorithms, not machines. */
typedef enum eg_conv_algo { EG_CONV_DIRECT, EG_CONV_DEPTHWISE, EG_CONV_WINOGRAD2, EG_CONV_WINOGRAD4, EG_CONV_ALGOS } eg_conv_algo;
typedef struct eg_conv_run_args {
	eg_buf in, w, b, out;
	eg_conv_shape s;
	eg_act act;
	bool acc;
} eg_conv_run_args;
typedef struct eg_conv_weights_args {
	eg_buf x, dy, dw, db;
	eg_conv_shape s;
	int shards;
	bool acc;
} eg_conv_weights_args;
typedef struct eg_conv_kernels {
	const char *name;
	bool exact;
	bool (*can)(const eg_conv_shape *s, eg_conv_dir dir);
	eg_kernel pack, run[3];
	size_t (*pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir);
	int (*pack_units)(const eg_conv_shape *s, eg_conv_dir dir);
	size_t (*scratch)(const eg_conv_shape *s, eg_conv_dir dir);
	int (*units)(const eg_conv_shape *s, eg_conv_dir dir);
	int (*shards)(const eg_conv_shape *s);
	double (*cost)(const eg_conv_shape *s, eg_conv_dir dir);
} eg_conv_kernels;

/* Convolution and the maximum pooling of 2x2 windows behind it as one: block jobs, all tensors LANES, where
 * conv_pool_can(shape, dir): stride and dilation 1, one group, and for BWD_WEIGHTS a shape for which the gradient from
 * the winners is the faster way. Windows lie side by side and whole, z and y are (K, P/2, Q/2); the activation, which
 * does not fall, is applied after the maximum.
 * conv_pool_pack         as conv_lanes_pack with FWD, conv_lanes_pack_bytes(shape, FWD) bytes
 * conv_pool_fwd          y = act(z), z the largest of a window of conv(x, w) + b; code (uint8_t) = 2*row + column of
 *                        the first largest, NaN before all; code may be absent. Scratch conv_pool_scratch(shape, FWD).
 * conv_pool_unpool       dy (K,P,Q) = gradient of conv(x, w) + b from that of z: dz at the winner, zero elsewhere
 * conv_pool_bwd_weights  as conv_lanes_bwd_weights, from dz and code instead of dy. Scratch conv_pool_scratch(shape,
 *                        BWD_WEIGHTS). */
typedef struct eg_conv_pool_fwd_args {
	eg_buf x, w, b, y, code;
	eg_conv_shape s;
	eg_act act;
} eg_conv_pool_fwd_args;
typedef struct eg_conv_unpool_args {
	eg_buf dz, code, dy;
	int K, P, Q;
} eg_conv_unpool_args;
typedef struct eg_conv_pool_bwd_weights_args {
	eg_buf x, dz, code, dw, db;
	eg_conv_shape s;
	int blocks, shards;
} eg_conv_pool_bwd_weights_args;

/* conv_mask: y = [y +] x where a block is kept, else [y +] 0: `blocks` blocks of `taps` elements, of which block i is
 * kept where bit i % EG_MASK_WORD of keep[i / EG_MASK_WORD] is set. Global; a unit is EG_BLOCK blocks. */
enum { EG_MASK_WORD = 62, EG_MASK_BITS = 16 * EG_MASK_WORD };
typedef struct eg_conv_mask_args {
	eg_buf x, y;
	int blocks, taps;
	int64_t keep[EG_MASK_BITS / EG_MASK_WORD];
	bool acc;
} eg_conv_mask_args;

/* ---- pooling: block jobs in either layout ------------------------------------------------------------------------ */

/* Windows as in convolution (R,S kernel; sh,sw; ph,pw; dh,dw); channels stay apart. Only positions inside of x take
 * part in a maximum. */
typedef struct eg_pool_shape {
	int N, C, H, W, R, S, P, Q, sh, sw, ph, pw, dh, dw;
	bool lanes;             /* layout of all buffers: LANES or PLAIN */
	bool count_include_pad; /* average: divide by R*S, counting padding, instead of the positions inside of x (ceil
	                         * mode never counts positions beyond H + 2 ph, as PyTorch defines it: divisor =
	                         * min(start + extent, H + pad_end) - start) */
	int pad_end_h, pad_end_w; /* padding at the bottom and right, for the rule above */
} eg_pool_shape;

/* maxpool_fwd: y = maximum, index (uint16_t, same layout as y, absent at inference) = r*S + s of the first largest
 * element. A NaN in the window wins. */
typedef struct eg_maxpool_fwd_args {
	eg_buf x, y, index;
	eg_pool_shape s;
} eg_maxpool_fwd_args;
/* maxpool_bwd: dx = [dx +] dy routed to the winners. */
typedef struct eg_maxpool_bwd_args {
	eg_buf dy, index, dx;
	eg_pool_shape s;
	bool acc;
} eg_maxpool_bwd_args;
typedef struct eg_avgpool_fwd_args {
	eg_buf x, y;
	eg_pool_shape s;
} eg_avgpool_fwd_args;
typedef struct eg_avgpool_bwd_args {
	eg_buf dy, dx;
	eg_pool_shape s;
	bool acc;
} eg_avgpool_bwd_args;

/* ---- up-sampling: block jobs in either layout -------------------------------------------------------------------- */

/* upsample_fwd: y (N, C, H*sh, W*sw)[n][c][p][q] = x (N,C,H,W)[n][c][p/sh][q/sw]; upsample_bwd, the adjoint: x = [x +]
 * the sums of the sh x sw positions of y that show it, row by row. */
typedef struct eg_upsample_args {
	eg_buf from, to; /* x, y; upsample_bwd: y, x */
	int N, C, H, W, sh, sw;
	bool lanes; /* layout of both: LANES or PLAIN */
	bool acc;   /* upsample_bwd */
} eg_upsample_args;

/* ---- batch normalisation ----------------------------------------------------------------------------------------- */

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

/* ---- padding ----------------------------------------------------------------------------------------------------- */

/* pad_fwd: y (N, C+c0+c1, H+h0+h1, W+w0+w1) = x (N,C,H,W) with zeros around it; pad_bwd, the adjoint: x = [x +] the
 * inside of y. Block jobs in any layout. (The layout's own lanes beyond the last channel are zero in the result; beyond
 * the last sample they are as in what is read.) */
typedef struct eg_pad_args {
	eg_buf from, to; /* x, y; pad_bwd: y, x */
	int N, C, H, W, c0, c1, h0, h1, w0, w1;
	eg_layout layout;
	bool acc; /* pad_bwd */
} eg_pad_args;

#endif

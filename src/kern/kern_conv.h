/* kern_conv.h - convolutions of pictures (kern.h). */
#ifndef ENGRAM_KERN_CONV_H
#define ENGRAM_KERN_CONV_H

#include "kern/fill.h"
#include "kern/kern_types.h"

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
 *          value are stated in body_conv_winograd.c
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

#endif

/* kern.h - THE kernel contract: what every backend must be able to compute, slot by slot.
 *
 * A backend is a filled eg_kernels table. eg_kernels_ref fills every slot in plain C; the ISA files overwrite the slots
 * that they do better, so there can be no hole. Ops (src/ops) decide what to call, the plan decides where the data
 * lies, the runner decides which thread does which part; a kernel only computes.
 *
 * The calling convention. A kernel is
 *
 *     void kernel(const void *args, int begin, int end, void *scratch)
 *
 * `args` points to the struct named beside the slot. The job is cut into work units 0..units-1 and the call does the units
 * [begin,end) of it. The result must not depend on how the units are spread over calls: same bits for any split. Kernels
 * never allocate, never fail, keep no state, and use `scratch` (aligned to 64 bytes, as large as the plan was told, its
 * content undefined) for whatever they need in between.
 *
 * Two kinds of job:
 *   block job    one unit = one block of EG_BLOCK consecutive samples; the last block may be short. The data of block b of a
 *                buffer starts at (element type *)p + b * stride. stride is 0 where a worker keeps one block only.
 *   global job   units as defined beside the slot; buffers are addressed from p, stride is not used.
 *
 * Physical layouts of a tensor with N samples of F = C*H*W elements each:
 *   PLAIN   row-major, a block is [16][F] (fewer samples in a short last block, nothing behind them may be touched);
 *   LANES   batch in lanes, a block is [F][16]: element f of 16 samples side by side, always 16 wide. Lanes beyond
 *           the last sample hold finite values in activations and exactly zero in gradients.
 * A third one of pictures with C channels:
 *   BLOCKED channels in lanes, a sample is [ceil(C/16)][H][W][16]: 16 channels of a position side by side; a block is [16][sample]. Lanes
 *           beyond the last channel hold finite values in activations and exactly zero in gradients.
 *
 * Buffers are aligned to 64 bytes and hold `real` unless said. Outputs never alias inputs unless the slot says "in place
 * allowed". `acc`: add to the output instead of overwriting it. An optional buffer that is absent has p == NULL.
 *
 * Every args struct begins with its buffers: those that are read, then those that are written; the plan relies on it.
 * Names of implementations: what_dtype_tile__isa, e.g. gemm_f32_14x32__avx512. */
#ifndef ENGRAM_KERN_H
#define ENGRAM_KERN_H

#include "base/base.h"

#include <assert.h>

enum {
	EG_BLOCK = 16,       /* samples in a block, and lanes of the LANES layout */
	EG_CHUNK = 4096,     /* elements in a unit of flat global jobs */
	EG_ALIGN = 64,       /* bytes */
	EG_MAX_SHARDS = 16,  /* most partial sums of a weight gradient */
	EG_KDIMS = 6
};

typedef struct eg_buf {
	void *p;
	ptrdiff_t stride; /* elements from one block to the next */
} eg_buf;

typedef void (*eg_kernel)(const void *args, int begin, int end, void *scratch);

/* A joint job is the third kind, for work whose steps depend on each other and which has too few units to share out: every rank calls the
 * kernel at the same time, does a part of each step that it finds from its rank, and waits for the others where it needs what they have written.
 * `scratch` is the same memory for all. The result must not depend on the number of ranks: same bits for any, 1 included. A
 * kernel that can run both as a global and as a joint job gives the same bits either way, so that the runner may choose. */
typedef struct eg_ranks {
	int rank, size;
	void (*wait)(void *team); /* until all ranks have come here; what they wrote before is then seen by all */
	void *team;
} eg_ranks;
typedef void (*eg_joint)(const void *args, const eg_ranks *ranks, void *scratch);

typedef enum eg_layout { EG_PLAIN, EG_LANES, EG_BLOCKED, EG_LAYOUTS } eg_layout;
typedef enum eg_act { EG_ACT_NONE, EG_ACT_RELU, EG_ACT_SIGMOID, EG_ACT_TANH } eg_act;

/* First element of block b. */
EG_ALWAYS_INLINE real *eg_at(eg_buf x, int b) { return (real *)x.p + (ptrdiff_t)b * x.stride; }
/* Samples in block b of n. */
EG_ALWAYS_INLINE int eg_block_size(int n, int b) { return n - b * EG_BLOCK < EG_BLOCK ? n - b * EG_BLOCK : EG_BLOCK; }
EG_ALWAYS_INLINE int eg_blocks(int n) { return (n + EG_BLOCK - 1) / EG_BLOCK; }
/* Weight gradients of block jobs: the blocks are cut into `shards` runs (see eg_split), one partial sum each. The first
 * block of a run overwrites the partial sum, the others add to it, in rising order. */
EG_ALWAYS_INLINE int eg_shard_of(int block, int blocks, int shards) {
	int s = (int)(((int64_t)(block + 1) * shards - 1) / blocks);
	return s;
}
EG_ALWAYS_INLINE int eg_shard_begin(int s, int blocks, int shards) { return (int)((int64_t)blocks * s / shards); }

/* ---- matrix product ---------------------------------------------------------------------------------------------- */

/* gemm: C(m,n) = [C +] op(A) op(B). Global. Row-major; op(A) is (m,k): A is (m,k) with lda, or, with ta, (k,m); op(B) is
 * (k,n): B is (k,n) with ldb, or, with tb, (n,k). C is (m,n) with ldc. Any sizes >= 1. Units: gemm_units(args), each a panel
 * of rows or of columns of C (never of k); scratch: gemm_scratch(args) bytes. */
typedef struct eg_gemm_args {
	eg_buf a, b, c;
	int m, n, k, lda, ldb, ldc;
	bool ta, tb, acc;
} eg_gemm_args;

/* gemm_pack: writes B(k,n) in the table's own packed form into dst (gemm_pack_bytes(k, n) bytes). src is (k,n) row-major with
 * ld, or, with trans, (n,k). Global; units: gemm_pack_units(k, n), a unit is a group of column panels. */
typedef struct eg_gemm_pack_args {
	eg_buf src, dst;
	int k, n, ld;
	bool trans;
} eg_gemm_pack_args;

/* gemm_packed: C(rows,n) = act([C +] A(rows,k) B + bias), B packed by gemm_pack, bias (n) or absent. Block job when nsplit == 1:
 * unit b does rows [b*rows, min(m, (b+1)*rows)) of A and C, found at eg_at(a, b), eg_at(c, b). As a global job the columns may
 * be split too: unit u does row block u / nsplit and column share u % nsplit of nsplit (eg_split over the table's column panels; 1 <= nsplit <=
 * gemm_pack_units(k, n)). No scratch. act is applied last and only with acc false. */
typedef struct eg_gemm_packed_args {
	eg_buf a, b, bias, c;
	int m, rows, n, k, lda, ldc, nsplit;
	bool acc;
	eg_act act;
} eg_gemm_packed_args;

/* ---- convolution ------------------------------------------------------------------------------------------------- */

/* y[n][k][p][q] = b[k] + sum over c in the group of k, r, s of w[k][c][r][s] x[n][c][p*sh + r*dh - ph][q*sw + s*dw - pw], zero
 * outside of x. w is (K, C/G, R, S). (ONNX Conv-11; cross-correlation as everywhere in the field.) */
typedef struct eg_conv_shape {
	int N, C, H, W, K, R, S, P, Q; /* C and K are totals over all groups */
	int sh, sw, ph, pw, dh, dw, G; /* stride, padding at the top and left, dilation, groups */
	bool x_blocked, y_blocked;     /* of the algorithms in `conv` below: x and dx, y and dy are BLOCKED, else PLAIN */
} eg_conv_shape;

typedef enum eg_conv_dir { EG_CONV_FWD, EG_CONV_BWD_DATA, EG_CONV_BWD_WEIGHTS } eg_conv_dir;

/* conv_*_pack: w (K,C/G,R,S) into the table's own form for direction dir (FWD or BWD_DATA), conv_*_pack_bytes(shape, dir) bytes.
 * Global, one unit. */
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

/* conv_*_bwd_data: dx = [dx +] gradient of x given dy; w packed for BWD_DATA. Layouts, units, scratch as above with BWD_DATA.
 * Elements of x that no output saw get zero. */
typedef struct eg_conv_bwd_data_args {
	eg_buf dy, w, dx;
	eg_conv_shape s;
	bool acc;
} eg_conv_bwd_data_args;

/* conv_*_bwd_weights: gradient of w, (K,C/G,R,S), and of b, (K), db may be absent.
 *   lanes: block job over `blocks` blocks; writes partial sums: shard i at (real *)dw.p + i*K*(C/G)*R*S and (real *)db.p + i*K, see
 *          eg_shard_of; acc is false. Scratch conv_lanes_scratch(shape, BWD_WEIGHTS).
 *   plain: global job, units conv_plain_units(shape, BWD_WEIGHTS); dw, db final, honouring acc; shards = 1. */
typedef struct eg_conv_bwd_weights_args {
	eg_buf x, dy, dw, db;
	eg_conv_shape s;
	int blocks, shards;
	bool acc;
} eg_conv_bwd_weights_args;

/* Convolutions of PLAIN or BLOCKED tensors in several algorithms behind one interface, eg_conv_kernels. All jobs are global. An algorithm may be
 * absent for a shape and direction (`can` says no); ref does everything, so that each fast one has its equal. x and y may lie differently
 * (s.x_blocked, s.y_blocked): a kernel copies the part of x or dy that it works on into scratch anyway, with its padding, and so takes either form
 * at the same speed; results are written in the form wanted.
 *
 * pack     w (K,C/G,R,S) into the algorithm's own form for FWD or BWD_DATA, pack_bytes bytes; units pack_units. (eg_conv_pack_args)
 * run      by direction, units `units`, scratch `scratch`:
 *   FWD          y = act(conv(x, w) + b), b may be absent          eg_conv_run_args: in x, w packed, b, out y
 *   BWD_DATA     dx = [dx +] gradient of x; b absent               in dy, w packed, b absent, out dx
 *   BWD_WEIGHTS  dw, db (may be absent): final, honouring acc, where shards(s) is 1; else shards(s) partial sums, the i-th at
 *                dw.p + i*K*(C/G)*R*S and db.p + i*K, acc is false  eg_conv_weights_args
 * BLOCKED results have finite values (activations) and zeros (gradients) in the lanes beyond the last channel; BLOCKED operands may hold any
 * finite values there (x) or zeros (dy), which must not leak into results. Bits depend on the shape (layouts aside) alone, not on units.
 * exact    no other rounding than a sum of products in some order; Winograd's is false: errors relative to the largest value are stated
 *          in body_conv_winograd.h
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

/* Convolution and the maximum pooling of 2x2 windows behind it as one: block jobs, all tensors LANES, where conv_pool_can(shape, dir): stride and
 * dilation 1, one group, and for BWD_WEIGHTS a shape for which the gradient from the winners is the faster way. Windows lie side by side and whole,
 * z and y are (K, P/2, Q/2); the activation, which does not fall, is applied after the maximum.
 * conv_pool_pack         as conv_lanes_pack with FWD, conv_lanes_pack_bytes(shape, FWD) bytes
 * conv_pool_fwd          y = act(z), z the largest of a window of conv(x, w) + b; code (uint8_t) = 2*row + column of the first largest, NaN before
 *                        all; code may be absent. Scratch conv_pool_scratch(shape, FWD).
 * conv_pool_unpool       dy (K,P,Q) = gradient of conv(x, w) + b from that of z: dz at the winner, zero elsewhere
 * conv_pool_bwd_weights  as conv_lanes_bwd_weights, from dz and code instead of dy. Scratch conv_pool_scratch(shape, BWD_WEIGHTS). */
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

/* ---- pooling: block jobs in either layout -------------------------------------------------------------------------- */

/* Windows as in convolution (R,S kernel; sh,sw; ph,pw; dh,dw); channels stay apart. Only positions inside of x take part in a
 * maximum. */
typedef struct eg_pool_shape {
	int N, C, H, W, R, S, P, Q, sh, sw, ph, pw, dh, dw;
	bool lanes;             /* layout of all buffers: LANES or PLAIN */
	bool count_include_pad; /* average: divide by R*S, counting padding, instead of the positions inside of x (ceil mode never
	                         * counts positions beyond H + 2 ph, as PyTorch defines it: divisor = min(start + extent, H + pad_end) - start) */
	int pad_end_h, pad_end_w; /* padding at the bottom and right, for the rule above */
} eg_pool_shape;

/* maxpool_fwd: y = maximum, index (uint16_t, same layout as y, absent at inference) = r*S + s of the first largest element.
 * A NaN in the window wins. */
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

/* ---- batch normalisation --------------------------------------------------------------------------------------------- */

/* A tensor (N, C, inner) in any layout, normalised channel by channel (Ioffe and Szegedy 2015). Tables of numbers by channel have rows of
 * eg_channels(C) elements, C rounded up to 16, zero beyond C:
 *   coef   (4 rows) mean, rstd = 1 / sqrt(var + eps), scale = weight rstd, shift = bias - mean scale
 *   part   (2 rows) for each block, at eg_at(part, block): sums over the block
 *   slope  (3 rows) of dx = p g + q (x - mean) + r
 * The kernels named `block` take blocks of EG_BLOCK samples as units, as block jobs or, the plan setting strides, as global ones.
 *
 * batchnorm_part   (block) part = mean of the block's values x, sum of (x - mean)^2, in two passes.
 * batchnorm_stats  part of all blocks to coef, blocks in rising order (Chan et al. 1979), in double; running = (1 - momentum) running +
 *                  momentum batch where running_mean is there, the variance being the unbiased one (of a single value: 0). Global, one unit.
 * batchnorm_fixed  coef from given mean and var. Global, one unit.
 * batchnorm_fwd    (block) y = act(scale x + shift). In place allowed.
 * batchnorm_fold   the same folded into what computes x with weights w (C,n) and bias b (C, absent: 0), in inference: w_out = scale w,
 *                  b_out = scale b + shift. Global, one unit.
 * batchnorm_bwd_part   (block) g = dy, or, with relu, dy where scale x + shift > 0, else 0; part = sum of g, sum of g (x - mean).
 * batchnorm_bwd_stats  dw = [dw +] rstd sum g (x - mean); db = [db +] sum g; slope: p = scale; q = -scale rstd^2 mean of g (x - mean);
 *                      r = -scale mean of g; fixed (mean and var did not depend on x): q = r = 0. Global, one unit.
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

/* ---- padding ------------------------------------------------------------------------------------------------------------ */

/* pad_fwd: y (N, C+c0+c1, H+h0+h1, W+w0+w1) = x (N,C,H,W) with zeros around it; pad_bwd, the adjoint: x = [x +] the inside of y. Block jobs in any
 * layout. (The layout's own lanes beyond the last channel are zero in the result; beyond the last sample they are as in what is read.) */
typedef struct eg_pad_args {
	eg_buf from, to; /* x, y; pad_bwd: y, x */
	int N, C, H, W, c0, c1, h0, h1, w0, w1;
	eg_layout layout;
	bool acc; /* pad_bwd */
} eg_pad_args;

/* ---- element-wise: unit u does elements [u*unit, min((u+1)*unit, total)) ------------------------------------------- */
/* As a block job, element u*unit of a buffer lies at eg_at(buffer, u). As a global job the plan sets stride = unit, so that the
 * same address rule holds. In the LANES layout unit = 16*F and total counts all 16 lanes of every block. */

/* act_fwd: y = act(x), in place allowed. copy: y = [y +] x (act unused). */
typedef struct eg_map_args {
	eg_buf x, y;
	int64_t unit, total;
	eg_act act;
	bool acc;
} eg_map_args;
/* act_bwd: dx = [dx +] dy * act'(x), from y = act(x): relu y > 0, sigmoid y(1-y), tanh 1-y^2. dx may be dy. */
typedef struct eg_act_bwd_args {
	eg_buf y, dy, dx;
	int64_t unit, total;
	eg_act act;
	bool acc;
} eg_act_bwd_args;
/* fill: y = value. */
typedef struct eg_fill_args {
	eg_buf y;
	int64_t unit, total;
	real value;
} eg_fill_args;

/* dropout: y = [y +] x * m / (1 - rate), m = 0 with probability rate, else 1 (inverted dropout). Both directions; in place
 * allowed. `state` is an eg_dropout_state that the runner updates between steps. Element e of the job is dropped when word e % 4 of Philox
 * block e / 4 of stream (seed, eg_stream(EG_RNG_DROPOUT, node, step)) is below rate * 2^32. unit is a multiple of 4. */
typedef struct eg_dropout_state { uint64_t seed, step; } eg_dropout_state;
typedef struct eg_dropout_args {
	eg_buf x, state, y;
	int64_t unit, total;
	uint32_t node;
	real rate;
	bool acc;
} eg_dropout_args;

/* add: y = act(a + b) with broadcasting. y is contiguous with `dims` (rank of them, slowest first); sa, sb are element strides,
 * 0 where a or b is broadcast. Unit u does indices [u*rows, min((u+1)*rows, dims[0])) of the first dimension; a, b, y of the unit lie
 * at eg_at(.., u) (a buffer without the first dimension has stride 0). y may be a or b where shapes agree. */
typedef struct eg_add_args {
	eg_buf a, b, y;
	eg_act act;
	int rank, rows;
	int64_t dims[EG_KDIMS], sa[EG_KDIMS], sb[EG_KDIMS];
} eg_add_args;
/* sum_to: the adjoint of broadcasting. x is contiguous with `dims`; y has element strides sy, 0 for the dimensions that are summed
 * over; y = [y +] the sums, in an order that depends on dims only. Global; units = ceil(count / EG_BLOCK) where count is the number of
 * elements of y, a unit is EG_BLOCK consecutive elements of y (y is contiguous in the order of its kept dimensions). */
typedef struct eg_sum_to_args {
	eg_buf x, y;
	int rank;
	int64_t dims[EG_KDIMS], sy[EG_KDIMS], count;
	bool acc;
} eg_sum_to_args;

/* ---- softmax and cross-entropy ------------------------------------------------------------------------------------- */

/* softmax over the middle of (outer, n, inner): y = exp(x - max) / sum. Unit u does outer indices [u*rows, min((u+1)*rows, outer)), at
 * eg_at(.., u). */
typedef struct eg_softmax_args {
	eg_buf x, y;
	int64_t outer, rows;
	int n, inner;
} eg_softmax_args;
/* softmax_bwd: dx = [dx +] y * (dy - sum(dy * y)). */
typedef struct eg_softmax_bwd_args {
	eg_buf y, dy, dx;
	int64_t outer, rows;
	int n, inner;
	bool acc;
} eg_softmax_bwd_args;

/* Cross-entropy of logits x (outer, n, inner) with targets t (outer, inner), int32_t class numbers; `weight` (n) per class or absent.
 * Rows whose target is `ignore` count for nothing. With smoothing e, as PyTorch: a row's loss is
 *   (1-e) * w[t] * -logp[t] + e/n * sum_c w[c] * -logp[c].
 * A target outside 0..n-1 that is not `ignore` makes the row's loss and gradient NaN (running cannot fail).
 * ce_denom: denom[0] = mean ? sum of w[t] over the rows that count : 1. Global, one unit.
 * ce_fwd: prob (outer,n,inner) = softmax(x), rowloss (outer, inner) = losses as above, undivided. Unit as in softmax.
 * ce_mean: loss[0] = sum(rowloss) / denom[0], in fixed order (double accumulation). Global, one unit. All rows ignored: 0/0 = NaN, as PyTorch.
 * ce_bwd: dx = [dx +] dloss[0] / denom[0] * ((1-e) w[t] (p - onehot(t)) + e/n * (p * sum(w) - w)). */
typedef struct eg_ce_shape {
	int64_t outer, rows;
	int n, inner;
	int32_t ignore;
	bool mean;
	real smoothing;
} eg_ce_shape;
typedef struct eg_ce_denom_args {
	eg_buf target, weight, denom;
	eg_ce_shape s;
} eg_ce_denom_args;
typedef struct eg_ce_fwd_args {
	eg_buf x, target, weight, prob, rowloss;
	eg_ce_shape s;
} eg_ce_fwd_args;
typedef struct eg_ce_mean_args {
	eg_buf rowloss, denom, loss;
	int64_t count;
} eg_ce_mean_args;
typedef struct eg_ce_bwd_args {
	eg_buf prob, target, weight, denom, dloss, dx;
	eg_ce_shape s;
	bool acc;
} eg_ce_bwd_args;

/* ---- recurrence: the parts of one time step ---------------------------------------------------------------------------- */

/* These are called by the recurrence scheduler (recurrent.c, the same for all tables), not by the runner: rows are samples, every matrix
 * has its own leading dimension, nothing aliases unless said, H need not be a multiple of anything. A row never influences another. Which
 * samples have ended is the scheduler's business: it repairs their rows afterwards.
 *
 * gates holds G blocks of columns, `block` numbers apart, as those of the peepholes are; a call does H columns of each: those of some units, or of all
 * (block == H in the equations below). On entry the pre-activations a (input, recurrent part and bias summed up), on return of a
 * forward function the activations, on return of a backward function the gradients of the pre-activations, in place. s is gate_act
 * (sigmoid), f is act (tanh); derivatives come from the activations: sigmoid y(1-y), tanh 1-y^2, relu y > 0, none 1.
 *
 * rnn_fwd         h = f(a)                                                                       gates: [h], and h is written too
 * rnn_bwd         da = dh f'(h)
 * lstm_fwd        gates i o f g. i = s(a_i + p_i c'); f = s(a_f + p_f c'), or, coupled, 1 - i; g = f(a_g); c = clip(f c' + i g);
 *                 o = s(a_o + p_o c); h = o f_out(c), left out when h is NULL (layer norm of c comes in between). clip: into
 *                 [-clip, clip] when clip > 0. p = peephole [p_i p_o p_f] or NULL. c' = c_prev. coupled stores 1 - i as f
 * lstm_out_fwd    h = o f_out(cn)
 * lstm_bwd        from dh, dc (gradient of c from the next step), gates, c_prev, c (after the clip): da in place; dc_prev. Gradient of c: dc +
 *                 dh o f_out'(c) + da_o p_o; zero where clip > 0 and |c| >= clip. With cn (the layer norm of c) f_out is taken of cn and the
 *                 term dh o f_out' is left out (lstm_out_bwd and norm_bwd have brought it into dc). coupled: da_f = 0 and df goes to i
 * lstm_out_bwd    dcn = dh o f_out'(cn)
 * gru_fwd         gates n z r q, q = R_n h' + its bias: the reset gate after the product. z = s(a_z); r = s(a_r); n = f(a_n + r q);
 *                 h = (1-z) n + z h', or, mirror, (1-z) h' + z n. q is kept. h' = h_prev
 * gru_bwd         from dh, gates, h_prev: da_n, da_z, da_r, dq in place; dh_prev = dh z (mirror: dh (1-z))
 * gru_reset_fwd   gates n z r: the reset gate before the product. z = s(a_z); r = s(a_r); rh = r h'. a_n is left alone
 * gru_out_fwd     n = f(a_n); h as in gru_fwd
 * gru_out_bwd     from dh: da_n and da_z in place, r left alone; dh_prev = dh z (mirror: dh (1-z))
 * gru_reset_bwd   from drh: da_r in place; dh_prev += drh r
 * norm_fwd        y = [y +] gain xhat + bias, xhat = (x - mean) rstd, rstd = 1 / sqrt(var + eps) (biased variance); xhat may be x; keeps xhat and
 *                 rstd[row]. (Ba et al. 2016) n columns
 * norm_bwd        dx = rstd (d - mean(d) - xhat mean(d xhat)), d = dy gain; acc adds
 * decay_fwd       y = x exp(-max(0, wd dt + bd)), dt one number a row, wd and bd one a column. (GRU-D: Che et al. 2018, eq. 5 and 8)
 * decay_bwd       from dy, x, dt, wd, bd: dx = dy exp(..); du = gradient of u = wd dt + bd (zero where u <= 0) */
typedef struct eg_cell_args {
	int rows, H;
	ptrdiff_t block;
	eg_act act, gate_act, out_act;
	bool coupled, mirror;
	real clip;
	real *gates;
	ptrdiff_t ld_gates;
	const real *h_prev, *c_prev, *peephole;
	ptrdiff_t ld_h_prev, ld_c_prev;
	real *h, *c, *rh;
	ptrdiff_t ld_h, ld_c, ld_rh;
	const real *cn; /* layer norm of c */
	ptrdiff_t ld_cn;
	const real *dh, *dc, *drh;
	ptrdiff_t ld_dh, ld_dc, ld_drh;
	real *dh_prev, *dc_prev, *dcn;
	ptrdiff_t ld_dh_prev, ld_dc_prev, ld_dcn;
} eg_cell_args;
typedef void (*eg_cell_kernel)(const eg_cell_args *a);

typedef struct eg_norm_args {
	int rows, n;
	real eps;
	bool acc;
	const real *x, *gain, *bias, *dy;
	real *y, *xhat, *rstd, *dx; /* backward reads xhat and rstd */
	ptrdiff_t ld_x, ld_dy, ld_y, ld_xhat, ld_dx;
} eg_norm_args;
typedef void (*eg_norm_kernel)(const eg_norm_args *a);

typedef struct eg_decay_args {
	int rows, n;
	const real *x, *dt, *wd, *bd, *dy;
	real *y, *dx, *du;
	ptrdiff_t ld_x, ld_dy, ld_y, ld_dx, ld_du;
} eg_decay_args;
typedef void (*eg_decay_kernel)(const eg_decay_args *a);

/* mul_rows: y = [y +] a * b over (rows, n). y may be a. dot_rows (global, a unit is 64 columns): y[j] = [y[j] +] sum over i < m of x[i*ldx + j] *
 * z[i*ldz + j], or, per_row, z[i*ldz]; i rising. */
typedef struct eg_mul_args {
	int rows, n;
	bool acc;
	const real *a, *b;
	real *y;
	ptrdiff_t ld_a, ld_b, ld_y;
} eg_mul_args;
typedef void (*eg_mul_kernel)(const eg_mul_args *a);
typedef struct eg_dot_rows_args {
	eg_buf x, z, y;
	int m, n;
	ptrdiff_t ldx, ldz;
	bool per_row, acc;
} eg_dot_rows_args;

/* The recurrent product of some units: what a cell needs before it can do them. R (k, parts*units) belongs to `parts` gates of `units` hidden units each.
 * gates_pack: writes R in the table's own form, in which gates_width units with all their gates lie together, into dst (gates_pack_bytes(k, units,
 *             parts) bytes). src is (k, parts*units) row-major with ld, or, with trans, (parts*units, k). Global; a unit is gates_width hidden units.
 * gates_product: for rows i, gates p < parts and the units j of [begin, end): c[i*ldc + p*block + j] = [c +] sum over x < k of
 *             a[i*lda + x] R[x][p*units + j]. begin is a multiple of gates_width, end too or `units`. Called by the recurrence scheduler as the cells are. An element's bits depend
 *             neither on its row or unit nor on how many there are. */
typedef struct eg_gates_pack_args {
	eg_buf src, dst;
	int k, units, parts, ld;
	bool trans;
} eg_gates_pack_args;
typedef struct eg_gates_args {
	int rows, begin, end, units, parts, k;
	bool acc;
	const real *a, *r;
	real *c;
	ptrdiff_t lda, ldc, block;
} eg_gates_args;
typedef void (*eg_gates_kernel)(const eg_gates_args *a);

/* A whole sequence through one layer in one direction. A unit is one sample: a call takes its rows [begin,end) through all steps, so that
 * threads never meet inside of a sequence. As a joint job all ranks take all samples, and each its share of the hidden units: they meet in every step, but each reads only its
 * share of the weights. The same code serves all tables (recurrent.c); it calls the cells and gates_product of `kern`.
 *
 * T steps of N samples. H hidden units, P numbers of state h (H, or the size of the projection), G gates in the weights, S blocks of H columns
 * in a row of `gates` (in the order of the cells above). Steps are numbered in the order of processing: step s is time s, or, reverse,
 * T-1-s. A call does the steps [first, first+count): one that `begins` fetches the state first, one that `ends` hands it out as
 * hn and last_c; state_h and state_c get that of the last step only. lengths (absent: T): sample n is active at time t < lengths[n];
 * an inactive one keeps its state, its y is 0.
 *
 * keep: what backward reads is kept for every step, from time k0 on; hs and cs have one row more: forward, time t goes from row t-k0 to the next, reverse
 * the other way. Otherwise hs and cs have two rows in turn (step s goes from s%2 to (s+1)%2), and op, hd, m, xhat, rstd, cn have one.
 *
 * recurrent_fwd   gates (T,N,S*H) hold the input's part x W + b (norm: x W) and become the activations; gates, y begin at time t0, y0.
 *   reads   r (packed P x G*H; reset_before: P x 2H, and r2 the packed H x H of n), projection (packed H x P), peephole (3H),
 *           q_bias (H), bias (G*H; only with norm), gain and shift (norm: G*H of xW, G*H of hR, H of c), decay (wd H, bd H),
 *           mask (N,P), lengths (N) int32_t, dt (T,N), h0 (N,P), c0 (N,H): absent is 1, 0, T
 *   writes  gates, hs, cs, op (what is multiplied by r, where that is not hs), hd (the decayed state: of c for lstm), m (lstm: h before the
 *           projection; gru: r h'), xhat (N,2*G*H [+H]) and rstd (5,N) of the norms, cn;
 *           y (row ld_y, at column 0; add: y += h), hn (N,P), last_c (N,H), state_h, state_c (read instead of h0, c0 and written back);
 *           states (T,N,P), cells (T,N,H), acts (T,N,G,H): absent ones are not wanted
 * recurrent_bwd   the steps backwards. gates (from time k0 on) become the gradients of x W + b and of the recurrent product.
 *   reads   r, r2, projection packed for the transposed products, and dy (ld_dy), dhn, dcn
 *   writes  gates; dp (T,N,P): gradient of h, for the projection's; dxw, dhr (T,N,G*H; norm): gradients of x W and h R before the norm, in the
 *           order of the weights; dnc (T,N,H): gradient of the normed c; du (T,N,H): gradient of wd dt + bd; dh0, dc0 (add: +=), which may be dhn and dcn
 * Scratch: recurrent_scratch(shape) bytes. */
typedef enum eg_cell { EG_CELL_RNN, EG_CELL_LSTM, EG_CELL_GRU } eg_cell;
struct eg_kernels;
typedef struct eg_recurrent_shape {
	const struct eg_kernels *kern;
	eg_cell cell;
	int T, N, H, P, G, S, first, count, t0, y0, k0;
	eg_act act, gate_act, out_act;
	bool reverse, reset_before, mirror, coupled, norm, keep, begins, ends;
	real clip, eps;
} eg_recurrent_shape;
typedef struct eg_recurrent_fwd_args {
	eg_buf r, r2, projection, peephole, q_bias, bias, gain, shift, decay, mask, lengths, dt, h0, c0;
	eg_buf gates, hs, cs, op, hd, m, xhat, rstd, cn, y, hn, last_c, state_h, state_c, states, cells, acts;
	eg_recurrent_shape s;
	ptrdiff_t ld_y;
	bool add;
} eg_recurrent_fwd_args;
typedef struct eg_recurrent_bwd_args {
	eg_buf r, r2, projection, peephole, gain, decay, mask, lengths, dt, hs, cs, op, hd, m, xhat, rstd, cn, dy, dhn, dcn;
	eg_buf gates, dp, dxw, dhr, dnc, du, dh0, dc0;
	eg_recurrent_shape s;
	ptrdiff_t ld_dy;
	bool add_h, add_c;
} eg_recurrent_bwd_args;
enum { EG_RECURRENT_FWD_READS = 14, EG_RECURRENT_FWD_WRITES = 17, EG_RECURRENT_BWD_READS = 20, EG_RECURRENT_BWD_WRITES = 8 };

/* ---- sequences ------------------------------------------------------------------------------------------------------- */

/* embed_fwd: y[i] = w[ids[i]], w (rows, n), ids int32_t; an id outside of 0..rows-1 gives a row of NaN. Unit u does positions
 * [u*unit, min((u+1)*unit, total)), ids at p + u*stride, y at eg_at(y, u).
 * embed_bwd: dw[r] = [dw[r] +] sum of dy[i] over the positions i with ids[i] == r, i rising; row `padding` (-1: none) and ids outside of
 * 0..rows-1 take nothing. Global, a unit is 16 columns. */
typedef struct eg_embed_fwd_args {
	eg_buf w, ids, y;
	int64_t unit, total;
	int rows, n;
} eg_embed_fwd_args;
typedef struct eg_embed_bwd_args {
	eg_buf dy, ids, dw;
	int64_t total;
	int rows, n, padding;
	bool acc;
} eg_embed_bwd_args;

/* Sequences x (T,N,n) and rows y (N,n); sample k is lengths[k] steps long (int32_t; absent: T), brought into 0..T first. Global.
 * steps: y (T,N,n) = [y +] what `kind` says of step t of sample k with length L; a unit is one time step.
 *   REVERSE      x[L-1-t] for t < L, else x[t]
 *   MASK         x[t] for t < L, else 0
 *   SPREAD_LAST  x is (N,n): x for t == L-1, else 0
 *   SPREAD_MEAN  x is (N,n): x / L for t < L, else 0
 * pool_steps: y (N,n) from x (T,N,n); a unit is EG_BLOCK samples. POOL_LAST: x[L-1]; POOL_MEAN: mean of x[t], t < L, in rising order.
 * Zero where L is 0. */
typedef enum eg_steps_kind { EG_STEPS_REVERSE, EG_STEPS_MASK, EG_STEPS_SPREAD_LAST, EG_STEPS_SPREAD_MEAN } eg_steps_kind;
typedef struct eg_steps_args {
	eg_buf x, lengths, y;
	int T, N, n;
	eg_steps_kind kind;
	bool acc;
} eg_steps_args;
typedef struct eg_pool_steps_args {
	eg_buf x, lengths, y;
	int T, N, n;
	bool mean; /* else the last one */
} eg_pool_steps_args;

/* Attention. Unit u is head u % heads of sample u / heads, with matrices Q (Lq,d), K (Lk,d), V (Lk,dv), Y (Lq,dv), each somewhere in its buffer:
 * element (row, column) of that of sample b, head h is p[at + b*sample + h*head + row*row_stride + column]. Global.
 * Row i sees key j when j < lengths[b] (int32_t; absent: all), j <= i if causal, and mask (int32_t; absent: 0) is 0 at
 * b*mask_strides[0] + h*mask_strides[1] + i*mask_strides[2] + j*mask_strides[3].
 * attention_fwd: P = softmax over the keys that a row sees of scale Q K^T, zero elsewhere, and for a row that sees none; Y = P V.
 *                prob is (units,Lq,Lk). A value of V that no row sees may be anything finite. (Vaswani et al. 2017)
 * attention_bwd: dV = [dV +] P^T dY; dS = scale P (dY V^T - rowsum(P dY V^T)); dQ = [dQ +] dS K; dK = [dK +] dS^T Q; absent
 *                results are not computed. Laid out as q, k, v, and dy as y.
 * scratch: attention_scratch bytes. */
typedef struct eg_heads {
	ptrdiff_t at, sample, head, row;
} eg_heads;
typedef struct eg_attention_shape {
	int units, heads, Lq, Lk, d, dv;
	eg_heads q, k, v, y;
	ptrdiff_t mask_strides[4];
	real scale;
	bool causal;
} eg_attention_shape;
typedef struct eg_attention_args {
	eg_buf q, k, v, lengths, mask, prob, y;
	eg_attention_shape s;
} eg_attention_args;
typedef struct eg_attention_bwd_args {
	eg_buf q, k, v, prob, dy, dq, dk, dv;
	eg_attention_shape s;
	bool acc_q, acc_k, acc_v;
} eg_attention_bwd_args;

/* Losses of a difference e = x - target: e^2 (square), or, with |e| below width, slope e^2 / (2 width), else slope (|e| - width/2): width 0 and
 * slope 1 is |e|, slope 1 is smooth L1, slope == width is Huber's. Units and addresses as for element-wise kernels.
 * regress_fwd: partial[u] = sum over unit u; partial of unit u lies at eg_at(partial, u).
 * regress_bwd: dx = [dx +] dloss[0] / denom[0] * derivative by x. */
typedef struct eg_regress_shape {
	int64_t unit, total;
	real width, slope;
	bool square;
} eg_regress_shape;
typedef struct eg_regress_fwd_args {
	eg_buf x, target, partial;
	eg_regress_shape s;
} eg_regress_fwd_args;
typedef struct eg_regress_bwd_args {
	eg_buf x, target, denom, dloss, dx;
	eg_regress_shape s;
	bool acc;
} eg_regress_bwd_args;

/* ---- losses and decoding of sequences: CTC and the linear-chain CRF ------------------------------------------------------ */

/* Sequences (T,N,...), row-major; all jobs global. Everything is summed as logarithms, each time step relative to its largest (the sum of these is
 * kept in double), so that nothing overflows or vanishes. int32 buffers: target, lengths, path, ids.
 *
 * CTC (Graves et al. 2006). target (N,L); a sample's states are s = 0..2 len: blanks at even s, label (s-1)/2 at odd s. Its input length
 * is input_lengths[n], or T where that is absent; its target length target_lengths[n], or, absent, the labels before the first -1. A sample is
 * impossible when no alignment has a probability: too short for its labels (a repeated label needs a blank in between), a label outside
 * of 0..C-1 or equal to blank, a length outside of 0..T or 0..L.
 * ctc_fwd: from x (T,N,C) and prob = softmax(x): losses[n] = -log p(target | x), +infinity for an impossible sample (0 with zero_infinity);
 *          factor[n] = 0 for an impossible sample, else, by_length, 1 / max(1, target length), else 1; alpha (N,T,2L+1), absent at inference:
 *          log p(a prefix that ends in state s), each step less its largest. A unit is a sample. Scratch: eg_ctc_scratch bytes.
 * ctc_bwd: dx = [dx +] dloss factor[n] scale (prob - occupancy), zero beyond the input length and for impossible samples. dloss is one number or, `each`,
 *          one a sample. The occupancies follow backwards from alpha: p(s' at t-1 | s at t) = alpha[s'] / sum over s'' that lead to s. A unit is
 *          a sample; the same scratch.
 * ctc_decode: ids (T,N) = the labels read off, -1 behind them. beam 1: the largest x of each step, repeats merged, blanks left out. beam > 1:
 *          the prefix with the largest probability among those that a beam of that width kept (Graves 2012; ties: the smaller label). x and prob as
 *          in ctc_fwd; prob may be absent with beam 1. A unit is a sample; scratch: eg_ctc_decode_scratch bytes, none with beam 1.
 * loss_sum: loss[0] = scale * sum over n of factor[n] losses[n] (factor absent: 1) in rising order, in double; an infinite loss stays
 *          infinite whatever its factor. One unit. */
typedef struct eg_ctc_shape {
	int T, N, C, L, blank;
	bool by_length, zero_infinity;
} eg_ctc_shape;
typedef struct eg_ctc_fwd_args {
	eg_buf x, prob, target, input_lengths, target_lengths, losses, factor, alpha;
	eg_ctc_shape s;
} eg_ctc_fwd_args;
typedef struct eg_ctc_bwd_args {
	eg_buf prob, target, input_lengths, target_lengths, factor, alpha, dloss, dx;
	eg_ctc_shape s;
	real scale;
	bool each, acc;
} eg_ctc_bwd_args;
typedef struct eg_ctc_decode_args {
	eg_buf x, prob, input_lengths, ids;
	int T, N, C, blank, beam;
} eg_ctc_decode_args;
EG_ALWAYS_INLINE size_t eg_ctc_scratch(const eg_ctc_shape *s) {
	return (4 * (2 * (size_t)s->L + 1) + (size_t)s->C) * sizeof(real);
}
/* A prefix that the search has kept at some step: its last label, the prefix before, and its extensions as a list. */
typedef struct eg_ctc_node {
	int32_t parent, label, child, sibling;
} eg_ctc_node;
/* A prefix in the beam, or one that may come into it: log probabilities of the alignments that end in a blank and in its last label. */
typedef struct eg_ctc_prefix {
	real blank, label, all;
	int32_t node, add; /* add >= 0: the prefix is that of the node and this label */
} eg_ctc_prefix;
EG_ALWAYS_INLINE size_t eg_ctc_decode_scratch(const eg_ctc_decode_args *a) {
	size_t beam = (size_t)a->beam, nodes = 1 + (size_t)a->T * beam, row = (size_t)a->C;
	if (beam == 1) return 0;
	return 2 * beam * sizeof(eg_ctc_prefix) + row * sizeof(real) + nodes * sizeof(eg_ctc_node) + row;
}
typedef struct eg_loss_sum_args {
	eg_buf losses, factor, loss;
	int n;
	double scale;
} eg_loss_sum_args;

/* Linear-chain CRF (Lafferty et al. 2001): score(tags | x) = start[tag 0] + sum of x[t][tag t] + sum of transitions[tag t-1][tag t] + end[last
 * tag]. x (T,N,K), target (T,N) the tags, transitions (K,K). A sample's length is lengths[n], or, absent, the tags before the first -1 (crf_path: T).
 * crf_fwd:  losses[n] = log sum over all paths of exp(score) - score(target); length 0: 0; a length outside of 0..T or a tag outside of 0..K-1:
 *           NaN. alpha (N,T,K), absent at inference: log sums over the paths that end in tag k at t, each step less its largest. A unit is a sample;
 *           scratch: eg_crf_scratch bytes, as in the others.
 * crf_bwd:  with w = dloss scale: dx = [dx +] w (p(tag k at t) - [target is k]), zero beyond the length; and the same differences, pairs, first and last
 *           tags, summed over the samples of a unit: d_transitions (units,K,K), d_start and d_end (units,K). Unit u is samples [u*rows, (u+1)*rows) of
 *           N. dx may be absent. Probabilities follow backwards from alpha as in ctc_bwd. NaN where the loss is.
 * crf_path: path (T,N) = the tags with the largest score (Viterbi; ties: the smaller tag), -1 beyond the length. A unit is a sample. */
typedef struct eg_crf_shape {
	int T, N, K;
} eg_crf_shape;
EG_ALWAYS_INLINE size_t eg_crf_scratch(const eg_crf_shape *s) {
	return 4 * (size_t)s->K * sizeof(real) + (size_t)s->T * (size_t)s->K * sizeof(int32_t);
}
/* Two inner parts of these, which a table may do better; the walk over the steps is the same for all.
 * crf_columns: max[j] = the largest over i of v = alpha[i] + w[i*K + j] (0 where that is -infinity), sum[j] = sum over i of exp(v - max[j]).
 * crf_pairs:   p = now[j] exp(v - max[j]) for all i, j; pairs[i*K + j] += scale p; before[i] = sum over j of p. */
typedef struct eg_crf_row_args {
	int K;
	real scale;
	const real *alpha, *w, *now;
	real *max, *sum, *pairs, *before;
} eg_crf_row_args;
typedef void (*eg_crf_kernel)(const eg_crf_row_args *a);
typedef struct eg_crf_fwd_args {
	eg_buf x, target, lengths, transitions, start, end, losses, alpha;
	eg_crf_shape s;
	eg_crf_kernel columns;
} eg_crf_fwd_args;
typedef struct eg_crf_bwd_args {
	eg_buf target, lengths, transitions, end, alpha, dloss, dx, d_transitions, d_start, d_end;
	eg_crf_shape s;
	int rows;
	real scale;
	bool each, acc;
	eg_crf_kernel columns, pairs;
} eg_crf_bwd_args;
typedef struct eg_crf_path_args {
	eg_buf x, lengths, transitions, start, end, path;
	eg_crf_shape s;
} eg_crf_path_args;

/* ---- layout and reductions ----------------------------------------------------------------------------------------- */

/* reorder: y in the other layout = [y +] x; F elements a sample. to_lanes: x PLAIN, y LANES (lanes beyond the last sample get 0),
 * else the reverse. Block job. */
typedef struct eg_reorder_args {
	eg_buf x, y;
	int N, F;
	bool to_lanes, acc;
} eg_reorder_args;

/* reorder_blocked: y = [y +] x for pictures (N,C) of `plane` positions, one of the two PLAIN and the other BLOCKED (to_blocked: y; its lanes beyond
 * the last channel become 0). Global; unit u is the 16 channels u % ceil(C/16) of sample u / ceil(C/16). */
typedef struct eg_reorder_blocked_args {
	eg_buf x, y;
	int N, C, plane;
	bool to_blocked, acc;
} eg_reorder_blocked_args;

/* shard_sum: y[i] = [y[i] +] sum over j < shards of parts[j*count + i], j rising. Global, unit EG_CHUNK elements. */
typedef struct eg_shard_sum_args {
	eg_buf parts, y;
	int64_t count;
	int shards;
	bool acc;
} eg_shard_sum_args;

/* sum_rows: y[j] = [y[j] +] sum over i < m of x[i*ld + j], i rising. Global, a unit is 64 columns. */
typedef struct eg_sum_rows_args {
	eg_buf x, y;
	int m, n, ld;
	bool acc;
} eg_sum_rows_args;

/* ---- training: flat arrays; global, unit EG_CHUNK elements ------------------------------------------------------------ */

/* g' = scale * g is used throughout (gradient clipping without a pass of its own).
 * sgd:  g' += weight_decay * w;  m = momentum * m + g' (first: m = g');  w -= lr * (nesterov ? g' + momentum * m : m).
 *       momentum == 0: m is absent, w -= lr * g'. (Sutskever et al. 2013 as PyTorch writes it)
 * adam: g' += weight_decay * w, or, decoupled (AdamW, Loshchilov and Hutter 2019), w -= lr * weight_decay * w first;
 *       m = b1 m + (1-b1) g';  v = b2 v + (1-b2) g'^2;  w -= lr / c1 * m / (sqrt(v / c2) + eps), c1 = 1 - b1^t, c2 = 1 - b2^t. */
typedef struct eg_optimizer_args {
	eg_buf g, w, m, v;
	int64_t n;
	real lr, scale, momentum, weight_decay, b1, b2, eps, c1, c2;
	bool nesterov, decoupled, first;
} eg_optimizer_args;

/* sumsq: out[u] (double) = sum of x[i]^2 over unit u, accumulated in double or in fixed lanes. NaN and infinity come through. */
typedef struct eg_sumsq_args {
	eg_buf x, out;
	int64_t n;
} eg_sumsq_args;
/* clip_value: x = min(max(x, -limit), limit); NaN stays. */
typedef struct eg_clip_value_args {
	eg_buf x;
	int64_t n;
	real limit;
} eg_clip_value_args;

/* ---- the peak ------------------------------------------------------------------------------------------------------------ */

/* fma_loop: `rounds` rounds of multiply-adds in registers, none waiting for another: the most that this table's kernels can reach. Adds
 * to *out what keeps the compiler from leaving them out; returns the number of operations, 2 per multiply-add. No kernel: it is for measuring. */
typedef double (*eg_fma_loop)(int rounds, real *out);

/* ---- the table ---------------------------------------------------------------------------------------------------------- */

typedef struct eg_kernels {
	const char *name;

	eg_kernel gemm; /* eg_gemm_args */
	int (*gemm_units)(const eg_gemm_args *a);
	size_t (*gemm_scratch)(const eg_gemm_args *a);
	eg_kernel gemm_pack; /* eg_gemm_pack_args */
	int (*gemm_pack_units)(int k, int n);
	size_t (*gemm_pack_bytes)(int k, int n);
	eg_kernel gemm_packed; /* eg_gemm_packed_args */

	eg_kernel conv_lanes_pack;        /* eg_conv_pack_args */
	eg_kernel conv_lanes_fwd;         /* eg_conv_fwd_args */
	eg_kernel conv_lanes_bwd_data;    /* eg_conv_bwd_data_args */
	eg_kernel conv_lanes_bwd_weights; /* eg_conv_bwd_weights_args */
	size_t (*conv_lanes_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir);
	size_t (*conv_lanes_scratch)(const eg_conv_shape *s, eg_conv_dir dir);
	double (*conv_lanes_cost)(const eg_conv_shape *s, eg_conv_dir dir); /* as eg_conv_kernels.cost */

	bool (*conv_pool_can)(const eg_conv_shape *s, eg_conv_dir dir);
	size_t (*conv_pool_scratch)(const eg_conv_shape *s, eg_conv_dir dir);
	eg_kernel conv_pool_pack;        /* eg_conv_pack_args */
	eg_kernel conv_pool_fwd;         /* eg_conv_pool_fwd_args */
	eg_kernel conv_pool_unpool;      /* eg_conv_unpool_args */
	eg_kernel conv_pool_bwd_weights; /* eg_conv_pool_bwd_weights_args */

	eg_kernel conv_plain_pack;        /* the same args */
	eg_kernel conv_plain_fwd;
	eg_kernel conv_plain_bwd_data;
	eg_kernel conv_plain_bwd_weights;
	size_t (*conv_plain_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir);
	size_t (*conv_plain_scratch)(const eg_conv_shape *s, eg_conv_dir dir);
	int (*conv_plain_units)(const eg_conv_shape *s, eg_conv_dir dir);
	double (*conv_plain_cost)(const eg_conv_shape *s, eg_conv_dir dir);

	eg_conv_kernels conv[EG_CONV_ALGOS];

	eg_kernel maxpool_fwd; /* eg_maxpool_fwd_args */
	eg_kernel maxpool_bwd; /* eg_maxpool_bwd_args */
	eg_kernel avgpool_fwd; /* eg_avgpool_fwd_args */
	eg_kernel avgpool_bwd; /* eg_avgpool_bwd_args */

	eg_kernel batchnorm_part;      /* eg_bn_part_args */
	eg_kernel batchnorm_stats;     /* eg_bn_stats_args */
	eg_kernel batchnorm_fixed;     /* eg_bn_fixed_args */
	eg_kernel batchnorm_fwd;       /* eg_bn_fwd_args */
	eg_kernel batchnorm_fold;      /* eg_bn_fold_args */
	eg_kernel batchnorm_bwd_part;  /* eg_bn_bwd_part_args */
	eg_kernel batchnorm_bwd_stats; /* eg_bn_bwd_stats_args */
	eg_kernel batchnorm_bwd;       /* eg_bn_bwd_args */
	eg_kernel pad_fwd;             /* eg_pad_args */
	eg_kernel pad_bwd;             /* eg_pad_args */

	eg_kernel act_fwd; /* eg_map_args */
	eg_kernel act_bwd; /* eg_act_bwd_args */
	eg_kernel copy;    /* eg_map_args */
	eg_kernel fill;    /* eg_fill_args */
	eg_kernel dropout; /* eg_dropout_args */
	eg_kernel add;     /* eg_add_args */
	eg_kernel sum_to;  /* eg_sum_to_args */

	eg_kernel softmax_fwd; /* eg_softmax_args */
	eg_kernel softmax_bwd; /* eg_softmax_bwd_args */
	eg_kernel ce_denom;    /* eg_ce_denom_args */
	eg_kernel ce_fwd;      /* eg_ce_fwd_args */
	eg_kernel ce_mean;     /* eg_ce_mean_args */
	eg_kernel ce_bwd;      /* eg_ce_bwd_args */

	eg_cell_kernel rnn_fwd, rnn_bwd, lstm_fwd, lstm_bwd, lstm_out_fwd, lstm_out_bwd;
	eg_cell_kernel gru_fwd, gru_bwd, gru_reset_fwd, gru_out_fwd, gru_out_bwd, gru_reset_bwd;
	eg_norm_kernel norm_fwd, norm_bwd;
	eg_decay_kernel decay_fwd, decay_bwd;
	eg_mul_kernel mul_rows;
	eg_kernel dot_rows; /* eg_dot_rows_args */
	eg_kernel gates_pack; /* eg_gates_pack_args */
	size_t (*gates_pack_bytes)(int k, int units, int parts);
	int gates_width;
	eg_gates_kernel gates_product;
	eg_kernel recurrent_fwd;      /* eg_recurrent_fwd_args */
	eg_kernel recurrent_bwd;      /* eg_recurrent_bwd_args */
	eg_joint recurrent_fwd_joint; /* the same as joint jobs */
	eg_joint recurrent_bwd_joint;
	size_t (*recurrent_scratch)(const eg_recurrent_shape *s);

	eg_kernel embed_fwd;     /* eg_embed_fwd_args */
	eg_kernel embed_bwd;     /* eg_embed_bwd_args */
	eg_kernel steps;         /* eg_steps_args */
	eg_kernel pool_steps;    /* eg_pool_steps_args */
	eg_kernel attention_fwd; /* eg_attention_args */
	eg_kernel attention_bwd; /* eg_attention_bwd_args */
	size_t (*attention_scratch)(const eg_attention_shape *s, bool backward);
	eg_kernel regress_fwd;   /* eg_regress_fwd_args */
	eg_kernel regress_bwd;   /* eg_regress_bwd_args */

	eg_kernel ctc_fwd;    /* eg_ctc_fwd_args */
	eg_kernel ctc_bwd;    /* eg_ctc_bwd_args */
	eg_kernel ctc_decode; /* eg_ctc_decode_args */
	eg_kernel loss_sum;   /* eg_loss_sum_args */
	eg_kernel crf_fwd;    /* eg_crf_fwd_args */
	eg_kernel crf_bwd;    /* eg_crf_bwd_args */
	eg_kernel crf_path;   /* eg_crf_path_args */
	eg_crf_kernel crf_columns, crf_pairs;

	eg_kernel reorder;   /* eg_reorder_args */
	eg_kernel reorder_blocked; /* eg_reorder_blocked_args */
	eg_kernel shard_sum; /* eg_shard_sum_args */
	eg_kernel sum_rows;  /* eg_sum_rows_args */

	eg_kernel sgd;        /* eg_optimizer_args */
	eg_kernel adam;       /* eg_optimizer_args */
	eg_kernel sumsq;      /* eg_sumsq_args */
	eg_kernel clip_value; /* eg_clip_value_args */

	eg_fma_loop fma_loop;
} eg_kernels;

/* Fill *k: ref fills every slot; the others overwrite what they do better, after ref. */
void eg_kernels_ref(eg_kernels *k);
void eg_kernels_avx2(eg_kernels *k);
void eg_kernels_avx512(eg_kernels *k);
void eg_kernels_neon(eg_kernels *k);
void eg_kernels_wide16(eg_kernels *k); /* 16 lanes in portable C, for tests; in no library */

/* The table of `isa` (with ref below it). False when this build has no such table, or the CPU cannot run it. */
bool eg_kernels_get(eg_kernels *k, eg_isa isa, const eg_cpu *cpu);

#endif

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
 * Two physical layouts of a tensor with N samples of F = C*H*W elements each:
 *   PLAIN   row-major, a block is [16][F] (fewer samples in a short last block, nothing behind them may be touched);
 *   LANES   batch in lanes, a block is [F][16]: element f of 16 samples side by side, always 16 wide. Lanes beyond
 *           the last sample hold finite values in activations and exactly zero in gradients.
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

/* add: y = a + b with broadcasting. y is contiguous with `dims` (rank of them, slowest first); sa, sb are element strides,
 * 0 where a or b is broadcast. Unit u does indices [u*rows, min((u+1)*rows, dims[0])) of the first dimension; a, b, y of the unit lie
 * at eg_at(.., u) (a buffer without the first dimension has stride 0). y may be a or b where shapes agree. */
typedef struct eg_add_args {
	eg_buf a, b, y;
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

/* ---- layout and reductions ----------------------------------------------------------------------------------------- */

/* reorder: y in the other layout = [y +] x; F elements a sample. to_lanes: x PLAIN, y LANES (lanes beyond the last sample get 0),
 * else the reverse. Block job. */
typedef struct eg_reorder_args {
	eg_buf x, y;
	int N, F;
	bool to_lanes, acc;
} eg_reorder_args;

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

	eg_kernel conv_plain_pack;        /* the same args */
	eg_kernel conv_plain_fwd;
	eg_kernel conv_plain_bwd_data;
	eg_kernel conv_plain_bwd_weights;
	size_t (*conv_plain_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir);
	size_t (*conv_plain_scratch)(const eg_conv_shape *s, eg_conv_dir dir);
	int (*conv_plain_units)(const eg_conv_shape *s, eg_conv_dir dir);

	eg_kernel maxpool_fwd; /* eg_maxpool_fwd_args */
	eg_kernel maxpool_bwd; /* eg_maxpool_bwd_args */
	eg_kernel avgpool_fwd; /* eg_avgpool_fwd_args */
	eg_kernel avgpool_bwd; /* eg_avgpool_bwd_args */

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

	eg_kernel reorder;   /* eg_reorder_args */
	eg_kernel shard_sum; /* eg_shard_sum_args */
	eg_kernel sum_rows;  /* eg_sum_rows_args */

	eg_kernel sgd;        /* eg_optimizer_args */
	eg_kernel adam;       /* eg_optimizer_args */
	eg_kernel sumsq;      /* eg_sumsq_args */
	eg_kernel clip_value; /* eg_clip_value_args */
} eg_kernels;

/* Fill *k: ref fills every slot; the others overwrite what they do better, after ref. */
void eg_kernels_ref(eg_kernels *k);
void eg_kernels_avx2(eg_kernels *k);
void eg_kernels_avx512(eg_kernels *k);
void eg_kernels_neon(eg_kernels *k);

/* The table of `isa` (with ref below it). False when this build has no such table, or the CPU cannot run it. */
bool eg_kernels_get(eg_kernels *k, eg_isa isa, const eg_cpu *cpu);

#endif

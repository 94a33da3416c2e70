/* kern.h - THE kernel contract: what every backend must be able to compute, slot by slot.
 *
 * A backend is a filled eg_kernels table. eg_kernels_ref fills every slot in plain C; the ISA files overwrite the slots
 * that they do better, so there can be no hole. Ops (src/ops) decide what to call, the plan decides where the data
 * lies, the runner decides which thread does which part; a kernel only computes.
 *
 * The calling convention. A kernel is
 *
 *     void kernel(const void *args, int begin, int end, const eg_worker *worker)
 *
 * `args` points to the struct named beside the slot. The job is cut into work units 0..units-1 and the call does the
 * units [begin,end) of it. The result must not depend on how the units are spread over calls: same bits for any split.
 * Kernels never allocate, never fail, keep no state, and use `worker->scratch` (aligned to 64 bytes, as large as the
 * plan was told, its content undefined) for whatever they need in between. `args` holds numbers and buffers only: a
 * kernel that calls others finds them in `worker->kernels`, the table that it runs on. `worker` is never NULL.
 *
 * Two kinds of job:
 *   block job    one unit = one block of EG_BLOCK consecutive samples; the last block may be short. The data of block b
 *                of a buffer starts at (element type *)p + b * stride. stride is 0 where a worker keeps one block only.
 *   global job   units as defined beside the slot; buffers are addressed from p, stride is not used.
 *
 * Physical layouts of a tensor with N samples of F = C*H*W elements each:
 *   PLAIN   row-major, a block is [16][F] (fewer samples in a short last block, nothing behind them may be touched);
 *   LANES   batch in lanes, a block is [F][16]: element f of 16 samples side by side, always 16 wide. Lanes beyond
 *           the last sample hold finite values in activations and exactly zero in gradients.
 * A third one of pictures with C channels:
 *   BLOCKED channels in lanes, a sample is [ceil(C/16)][H][W][16]: 16 channels of a position side by side; a block is
 *   [16][sample]. Lanes
 *           beyond the last channel hold finite values in activations and exactly zero in gradients.
 *
 * Buffers are aligned to 64 bytes and hold `real` unless said. Outputs never alias inputs unless the slot says "in
 * place allowed". `acc`: add to the output instead of overwriting it. An optional buffer that is absent has p == NULL.
 *
 * What is about pictures stands in kern_pictures.h and kern_spatial.h, about sequences in kern_sequences.h, families of
 * arithmetic in kern_families.h, normalisation of rows, gates and distances in kern_norm.h, what goes by an index or
 * along lines in kern_index.h; the rest, and the table, here.
 *
 * Every args struct begins with its buffers: those that are read, then those that are written; the plan relies on it.
 * Names of implementations: what_dtype_tile__isa, e.g. gemm_f32_14x32__avx512. */
#ifndef ENGRAM_KERN_H
#define ENGRAM_KERN_H

#include "kern/kern_cast.h"
#include "kern/kern_families.h"
#include "kern/kern_index.h"
#include "kern/kern_losses.h"
#include "kern/kern_norm.h"
#include "kern/kern_pictures.h"
#include "kern/kern_loop.h"
#include "kern/kern_sequences.h"
#include "kern/kern_spatial.h"

/* ---- matrix product ---------------------------------------------------------------------------------------------- */

/* gemm: C(m,n) = [C +] op(A) op(B). Global. Row-major; op(A) is (m,k): A is (m,k) with lda, or, with ta, (k,m); op(B)
 * is (k,n): B is (k,n) with ldb, or, with tb, (n,k). C is (m,n) with ldc. Any sizes >= 1. Units: gemm_units(args), each
 * a panel of rows or of columns of C (never of k); scratch: gemm_scratch(args) bytes. */
typedef struct eg_gemm_args {
	eg_buf a, b, c;
	int m, n, k, lda, ldb, ldc;
	bool ta, tb, acc;
} eg_gemm_args;

/* gemm_batch: a gemm for each index of a walk of `dims` (rank of them, slowest first): its A, B and C begin at the sums
 * of sa, sb and sc times the index. Dimensions with sc 0, which stand behind all others, are summed up: their products
 * are added in their order. Global; unit u is unit u % n of gemm's n = gemm_units(one), of product u / n; scratch:
 * gemm_scratch(one), `one` being eg_gemm_of_batch(args). */
typedef struct eg_gemm_batch_args {
	eg_buf a, b, c;
	int m, n, k, lda, ldb, ldc;
	bool ta, tb, acc;
	int rank;
	int64_t dims[EG_WALK], sa[EG_WALK], sb[EG_WALK], sc[EG_WALK];
} eg_gemm_batch_args;
/* The product at the beginning of all buffers. */
EG_ALWAYS_INLINE eg_gemm_args eg_gemm_of_batch(const eg_gemm_batch_args *g) {
	return (eg_gemm_args){.a = g->a, .b = g->b, .c = g->c, .m = g->m, .n = g->n, .k = g->k, .lda = g->lda, .ldb = g->ldb,
		.ldc = g->ldc, .ta = g->ta, .tb = g->tb, .acc = g->acc};
}

/* gemm_pack: writes B(k,n) in the table's own packed form into dst (gemm_pack_bytes(k, n) bytes). src is (k,n)
 * row-major with ld, or, with trans, (n,k). Global; units: gemm_pack_units(k, n), a unit is a group of column
 * panels. */
typedef struct eg_gemm_pack_args {
	eg_buf src, dst;
	int k, n, ld;
	bool trans;
} eg_gemm_pack_args;

/* gemm_packed: C(rows,n) = act([C +] A(rows,k) B + bias), B packed by gemm_pack, bias (n) or absent. Block job when
 * nsplit == 1: unit b does rows [b*rows, min(m, (b+1)*rows)) of A and C, found at eg_at(a, b), eg_at(c, b). As a global
 * job the columns may be split too: unit u does row block u / nsplit and column share u % nsplit of nsplit (eg_split
 * over the table's column panels; 1 <= nsplit <= gemm_pack_units(k, n)). No scratch. act is applied last and only with
 * acc false. */
typedef struct eg_gemm_packed_args {
	eg_buf a, b, bias, c;
	int m, rows, n, k, lda, ldc, nsplit;
	bool acc;
	eg_act act;
} eg_gemm_packed_args;

/* ---- element-wise: unit u does elements [u*unit, min((u+1)*unit, total)) ----------------------------------------- */
/* As a block job, element u*unit of a buffer lies at eg_at(buffer, u). As a global job the plan sets stride = unit, so
 * that the same address rule holds. In the LANES layout unit = 16*F and total counts all 16 lanes of every block. */

/* act_fwd: y = act(x), in place allowed. copy: y = [y +] x (act unused). */
typedef struct eg_map_args {
	eg_buf x, y;
	int64_t unit, total;
	eg_act act;
	bool acc;
} eg_map_args;
/* act_bwd: dx = [dx +] dy * act'(x), from y = act(x), or from x where eg_act_from_x says so. dx may be dy. */
typedef struct eg_act_bwd_args {
	eg_buf from, dy, dx;
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

/* dropout: y = [y +] x * m / (1 - rate), m = 0 with probability rate, else 1 (inverted dropout). Both directions; in
 * place allowed. `state` is an eg_dropout_state that the runner updates between steps. Element e of the job is dropped
 * when word e % 4 of Philox block e / 4 of stream (seed, eg_stream(EG_RNG_DROPOUT, node, step)) is below rate * 2^32.
 * unit is a multiple of 4. */
typedef struct eg_dropout_state { uint64_t seed, step; } eg_dropout_state;
typedef struct eg_dropout_args {
	eg_buf x, state, y;
	int64_t unit, total;
	uint32_t node;
	real rate;
	bool acc;
} eg_dropout_args;

/* add: y = act(a + b) with broadcasting. y is contiguous with `dims` (rank of them, slowest first); sa, sb are element
 * strides, 0 where a or b is broadcast. Unit u does indices [u*rows, min((u+1)*rows, dims[0])) of the first dimension;
 * a, b, y of the unit lie at eg_at(.., u) (a buffer without the first dimension has stride 0). y may be a or b where
 * shapes agree. */
typedef struct eg_add_args {
	eg_buf a, b, y;
	eg_act act;
	int rank, rows;
	int64_t dims[EG_KDIMS], sa[EG_KDIMS], sb[EG_KDIMS];
} eg_add_args;
/* sum_to: the adjoint of broadcasting. x is contiguous with `dims`; y has element strides sy, 0 for the dimensions that
 * are summed over; y = [y +] the sums, in an order that depends on dims only. Global; units = ceil(count / EG_BLOCK)
 * where count is the number of elements of y, a unit is EG_BLOCK consecutive elements of y (y is contiguous in the
 * order of its kept dimensions). */
typedef struct eg_sum_to_args {
	eg_buf x, y;
	int rank;
	int64_t dims[EG_WALK], sy[EG_WALK], count;
	bool acc;
} eg_sum_to_args;

/* strided: y contiguous, of `size` (rank of them, slowest first), is taken from x by strides: where every index j of y
 * is first + step q with 0 <= q < count, y = [y +] x[offset + the sum of stride q], elsewhere y = [y +] 0. stride may
 * be 0 (repeated) or negative (reversed); step >= 1. So it permutes, slices, repeats, and is its own adjoint where
 * nothing repeats. Rows of y are its last dimension, `total` of them; unit u does rows [b*rows, min((b+1)*rows,
 * total)), b = u / pieces, and of each the share u % pieces of `pieces` equal ones. Buffers are addressed from p; as a
 * block job (`block`, pieces == 1) at eg_at(.., u), and rows are counted from the unit's first. integers: elements are
 * int32_t, acc is false. */
typedef struct eg_strided_args {
	eg_buf x, y;
	int rank, pieces;
	int size[EG_WALK], first[EG_WALK], step[EG_WALK], count[EG_WALK];
	int64_t stride[EG_WALK], offset, rows, total;
	bool acc, block, integers;
} eg_strided_args;

/* concat: rows of y are the rows of x[0], x[1], ... side by side: `total` of them, of width[i] elements in x[i], n
 * tensors; one that is absent has width 0. split, the adjoint: x[i] = [x[i] +] its part of the rows of y; an x[i] that
 * is not wanted is absent but has its width. No buffer may stand there twice. Where there are more than EG_JOIN
 * tensors, several calls do some each: theirs begin at element `at` of rows of `wide` elements in all; wide 0: they
 * fill the rows. Unit u does rows [b*rows, min((b+1)*rows, total)), b = u / pieces, all buffers at eg_at(.., b), and of
 * each row of y the share u % pieces of `pieces` equal ones. Block job when pieces == 1. integers: elements are
 * int32_t, of concat alone. */
typedef struct eg_join_shape {
	int64_t width[EG_JOIN], rows, total, at, wide;
	int n, pieces;
	bool integers;
} eg_join_shape;
typedef struct eg_concat_args {
	eg_buf x[EG_JOIN], y;
	eg_join_shape s;
} eg_concat_args;
typedef struct eg_split_args {
	eg_buf y, x[EG_JOIN];
	eg_join_shape s;
	bool acc[EG_JOIN];
} eg_split_args;

/* ---- softmax and cross-entropy ----------------------------------------------------------------------------------- */

/* softmax over the middle of (outer, n, inner): y = exp(x - max) / sum. Unit u does outer indices [u*rows,
 * min((u+1)*rows, outer)), at eg_at(.., u). */
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

/* Cross-entropy of logits x (outer, n, inner) with targets t (outer, inner), int32_t class numbers; `weight` (n) per
 * class or absent. Rows whose target is `ignore` count for nothing. With smoothing e, as PyTorch: a row's loss is
 *   (1-e) * w[t] * -logp[t] + e/n * sum_c w[c] * -logp[c].
 * A target outside 0..n-1 that is not `ignore` makes the row's loss and gradient NaN (running cannot fail).
 * ce_denom: denom[0] = mean ? sum of w[t] over the rows that count : 1. Global, one unit.
 * ce_fwd: prob (outer,n,inner) = softmax(x), rowloss (outer, inner) = losses as above, undivided. Unit as in softmax.
 * ce_mean: loss[0] = sum(rowloss) / denom[0], in fixed order (double accumulation). Global, one unit. All rows ignored:
 * 0/0 = NaN, as PyTorch.
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

/* ---- layout and reductions --------------------------------------------------------------------------------------- */

/* reorder: y in the other layout = [y +] x; F elements a sample. to_lanes: x PLAIN, y LANES (lanes beyond the last
 * sample get 0), else the reverse. Block job. */
typedef struct eg_reorder_args {
	eg_buf x, y;
	int N, F;
	bool to_lanes, acc;
} eg_reorder_args;

/* reorder_blocked: y = [y +] x for pictures (N,C) of `plane` positions, one of the two PLAIN and the other BLOCKED
 * (to_blocked: y; its lanes beyond the last channel become 0). Global; unit u is the 16 channels u % ceil(C/16) of
 * sample u / ceil(C/16). */
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

/* ---- training: flat arrays; global, unit EG_CHUNK elements ------------------------------------------------------- */

/* update: the weights w after the gradients g, by the method `op`. g' = scale * g is used throughout (gradient clipping
 * without a pass of its own); where nothing else is said g' += weight_decay * w comes first. What a method does not
 * name is absent.
 * SGD:      m = momentum * m + g' (first: m = g');  w -= lr * (nesterov ? g' + momentum * m : m).
 *           momentum == 0: m is absent, w -= lr * g'. (Sutskever et al. 2013 as PyTorch writes it)
 * ADAM:     m = b1 m + (1-b1) g';  v = b2 v + (1-b2) g'^2;  w -= lr / c1 * m / (sqrt(v / c2) + eps), c1 = 1 - b1^t, c2
 *           = 1 - b2^t. decoupled (AdamW, Loshchilov and Hutter 2019): w -= lr * weight_decay * w first, and no decay
 *           in g'.
 * NADAM:    as ADAM, but w -= lr * (cm m + cg g') / (sqrt(v / c2) + eps). (Dozat 2016; cm and cg as PyTorch has them)
 * RMSPROP:  v = b2 v + (1-b2) g'^2;  centered: u = b2 u + (1-b2) g', else u is absent;  s = g' / (sqrt(v - u^2) + eps),
 *           the
 *           difference not below 0;  momentum != 0: m = momentum * m + s, w -= lr * m;  else m is absent, w -= lr * s.
 *           (Tieleman and Hinton 2012; centered: Graves 2013; as PyTorch writes it)
 * ADAGRAD:  v += g'^2;  w -= lr * g' / (sqrt(v) + eps). (Duchi et al. 2011)
 * ADADELTA: v = b2 v + (1-b2) g'^2;  s = sqrt(u + eps) / sqrt(v + eps) * g';  u = b2 u + (1-b2) s^2;  w -= lr * s.
 *                                    (Zeiler 2012)
 * MUON:     the first half of it: m += (1-momentum) (g' - m);  u = g' + momentum (m - g'). No decay; w is absent.
 *           (Jordan 2024) */
typedef enum eg_update {
	EG_UPDATE_SGD,
	EG_UPDATE_ADAM,
	EG_UPDATE_NADAM,
	EG_UPDATE_RMSPROP,
	EG_UPDATE_ADAGRAD,
	EG_UPDATE_ADADELTA,
	EG_UPDATE_MUON
} eg_update;
typedef struct eg_update_args {
	eg_buf g, w, m, v, u;
	int64_t n;
	eg_update op;
	real lr, scale, momentum, weight_decay, b1, b2, eps, c1, c2, cm, cg;
	bool nesterov, decoupled, centered, first;
} eg_update_args;

/* sumsq: out[u] (double) = sum of x[i]^2 over unit u, accumulated in double or in fixed lanes. NaN and infinity come
 * through. */
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
/* blend: y += a (x - y), the step of a running mean. */
typedef struct eg_blend_args {
	eg_buf x, y;
	int64_t n;
	real a;
} eg_blend_args;

/* ---- the peak ---------------------------------------------------------------------------------------------------- */

/* fma_loop: `rounds` rounds of multiply-adds in registers, none waiting for another: the most that this table's kernels
 * can reach. Adds to *out what keeps the compiler from leaving them out; returns the number of operations, 2 per
 * multiply-add. No kernel: it is for measuring. */
typedef double (*eg_fma_loop)(int rounds, real *out);

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* Slots and the functions that go with them are listed in slots.def, each with the struct of its args. */
typedef struct eg_kernels {
	const char *name;
#define FUNCTION(type, name, params) type(*name) params;
#define SLOT(name, ...) eg_kernel name;
#include "kern/slots.def"
	eg_conv_kernels conv[EG_CONV_ALGOS]; /* slots too */

	/* No slots: what these kernels call of their table, other forms of them, and what is measured. */
	eg_cell_kernel rnn_fwd, rnn_bwd, lstm_fwd, lstm_bwd, lstm_out_fwd, lstm_out_bwd;
	eg_cell_kernel gru_fwd, gru_bwd, gru_reset_fwd, gru_out_fwd, gru_out_bwd, gru_reset_bwd;
	eg_norm_kernel norm_fwd, norm_bwd;
	eg_decay_kernel decay_fwd, decay_bwd;
	eg_mul_kernel mul_rows;
	eg_gates_kernel gates_product;
	int gates_width;
	eg_joint recurrent_fwd_joint; /* recurrent_fwd and recurrent_bwd as joint jobs */
	eg_joint recurrent_bwd_joint;
	eg_crf_kernel crf_columns, crf_pairs;
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

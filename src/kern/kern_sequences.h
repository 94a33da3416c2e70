/* kern_sequences.h - the part of the contract (kern.h) that is about sequences: recurrence, steps and attention, losses
 * over sequences. */
#ifndef ENGRAM_KERN_SEQUENCES_H
#define ENGRAM_KERN_SEQUENCES_H

#include "kern/kern_types.h"

/* ---- recurrence: the parts of one time step ---------------------------------------------------------------------- */

/* These are called by the recurrence scheduler (recurrent.c, the same for all tables), not by the runner: rows are
 * samples, every matrix has its own leading dimension, nothing aliases unless said, H need not be a multiple of
 * anything. A row never influences another. Which samples have ended is the scheduler's business: it repairs their rows
 * afterwards.
 *
 * gates holds G blocks of columns, `block` numbers apart, as those of the peepholes are; a call does H columns of each:
 * those of some units, or of all (block == H in the equations below). On entry the pre-activations a (input, recurrent
 * part and bias summed up), on return of a forward function the activations, on return of a backward function the
 * gradients of the pre-activations, in place. s is gate_act (sigmoid), f is act (tanh); derivatives come from the
 * activations: sigmoid y(1-y), tanh 1-y^2, relu y > 0, none 1.
 *
 * rnn_fwd         h = f(a)                                                                       gates: [h], and h is
 *                 written too
 * rnn_bwd         da = dh f'(h)
 * lstm_fwd        gates i o f g. i = s(a_i + p_i c'); f = s(a_f + p_f c'), or, coupled, 1 - i; g = f(a_g); c = clip(f
 *                 c' + i g); o = s(a_o + p_o c); h = o f_out(c), left out when h is NULL (layer norm of c comes in
 *                 between). clip: into [-clip, clip] when clip > 0. p = peephole [p_i p_o p_f] or NULL. c' = c_prev.
 *                 coupled stores 1 - i as f
 * lstm_out_fwd    h = o f_out(cn)
 * lstm_bwd        from dh, dc (gradient of c from the next step), gates, c_prev, c (after the clip): da in place;
 *                 dc_prev. Gradient of c: dc + dh o f_out'(c) + da_o p_o; zero where clip > 0 and |c| >= clip. With cn
 *                 (the layer norm of c) f_out is taken of cn and the term dh o f_out' is left out (lstm_out_bwd and
 *                 norm_bwd have brought it into dc). coupled: da_f = 0 and df goes to i
 * lstm_out_bwd    dcn = dh o f_out'(cn)
 * gru_fwd         gates n z r q, q = R_n h' + its bias: the reset gate after the product. z = s(a_z); r = s(a_r); n =
 *                 f(a_n + r q); h = (1-z) n + z h', or, mirror, (1-z) h' + z n. q is kept. h' = h_prev
 * gru_bwd         from dh, gates, h_prev: da_n, da_z, da_r, dq in place; dh_prev = dh z (mirror: dh (1-z))
 * gru_reset_fwd   gates n z r: the reset gate before the product. z = s(a_z); r = s(a_r); rh = r h'. a_n is left alone
 * gru_out_fwd     n = f(a_n); h as in gru_fwd
 * gru_out_bwd     from dh: da_n and da_z in place, r left alone; dh_prev = dh z (mirror: dh (1-z))
 * gru_reset_bwd   from drh: da_r in place; dh_prev += drh r
 * norm_fwd        y = [y +] gain xhat + bias, xhat = (x - mean) rstd, rstd = 1 / sqrt(var + eps) (biased variance);
 *                 xhat may be x; keeps xhat and rstd[row]. (Ba et al. 2016) n columns
 * norm_bwd        dx = rstd (d - mean(d) - xhat mean(d xhat)), d = dy gain; acc adds
 * decay_fwd       y = x exp(-max(0, wd dt + bd)), dt one number a row, wd and bd one a column. (GRU-D: Che et al. 2018,
 *                 eq. 5 and 8)
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

/* mul_rows: y = [y +] a * b over (rows, n). y may be a. dot_rows (global, a unit is 64 columns): y[j] = [y[j] +] sum
 * over i < m of x[i*ldx + j] * z[i*ldz + j], or, per_row, z[i*ldz]; i rising. */
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

/* The recurrent product of some units: what a cell needs before it can do them. R (k, parts*units) belongs to `parts`
 * gates of `units` hidden units each.
 * gates_pack: writes R in the table's own form, in which gates_width units with all their gates lie together, into dst
 * (gates_pack_bytes(k, units,
 *             parts) bytes). src is (k, parts*units) row-major with ld, or, with trans, (parts*units, k). Global; a
 *             unit is gates_width hidden units.
 * gates_product: for rows i, gates p < parts and the units j of [begin, end): c[i*ldc + p*block + j] = [c +] sum over x
 * < k of
 *             a[i*lda + x] R[x][p*units + j]. begin is a multiple of gates_width, end too or `units`. Called by the
 *             recurrence scheduler as the cells are. An element's bits depend neither on its row or unit nor on how
 *             many there are. */
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

/* A whole sequence through one layer in one direction. A unit is one sample: a call takes its rows [begin,end) through
 * all steps, so that threads never meet inside of a sequence. As a joint job all ranks take all samples, and each its
 * share of the hidden units: they meet in every step, but each reads only its share of the weights. The same code
 * serves all tables (recurrent.c); it calls the cells and gates_product of the table it runs on.
 *
 * T steps of N samples. H hidden units, P numbers of state h (H, or the size of the projection), G gates in the
 * weights, S blocks of H columns in a row of `gates` (in the order of the cells above). Steps are numbered in the order
 * of processing: step s is time s, or, reverse, T-1-s. A call does the steps [first, first+count): one that `begins`
 * fetches the state first, one that `ends` hands it out as hn and last_c; state_h and state_c get that of the last step
 * only. lengths (absent: T): sample n is active at time t < lengths[n]; an inactive one keeps its state, its y is 0.
 *
 * keep: what backward reads is kept for every step, from time k0 on; hs and cs have one row more: forward, time t goes
 * from row t-k0 to the next, reverse the other way. Otherwise hs and cs have two rows in turn (step s goes from s%2 to
 * (s+1)%2), and op, hd, m, xhat, rstd, cn have one.
 *
 * recurrent_fwd   gates (T,N,S*H) hold the input's part x W + b (norm: x W) and become the activations; gates, y begin
 *                 at time t0, y0.
 *   reads   r (packed P x G*H; reset_before: P x 2H, and r2 the packed H x H of n), projection (packed H x P), peephole
 *           (3H), q_bias (H), bias (G*H; only with norm), gain and shift (norm: G*H of xW, G*H of hR, H of c), decay
 *           (wd H, bd H), mask (N,P), lengths (N) int32_t, dt (T,N), h0 (N,P), c0 (N,H): absent is 1, 0, T
 *   writes  gates, hs, cs, op (what is multiplied by r, where that is not hs), hd (the decayed state: of c for lstm), m
 *           (lstm: h before the projection; gru: r h'), xhat (N,2*G*H [+H]) and rstd (5,N) of the norms, cn;
 *           y (row ld_y, at column 0; add: y += h), hn (N,P), last_c (N,H), state_h, state_c (read instead of h0, c0
 *           and written back); states (T,N,P), cells (T,N,H), acts (T,N,G,H): absent ones are not wanted
 * recurrent_bwd   the steps backwards. gates (from time k0 on) become the gradients of x W + b and of the recurrent
 *                 product.
 *   reads   r, r2, projection packed for the transposed products, and dy (ld_dy), dhn, dcn
 *   writes  gates; dp (T,N,P): gradient of h, for the projection's; dxw, dhr (T,N,G*H; norm): gradients of x W and h R
 *           before the norm, in the order of the weights; dnc (T,N,H): gradient of the normed c; du (T,N,H): gradient
 *           of wd dt + bd; dh0, dc0 (add: +=), which may be dhn and dcn
 * Scratch: recurrent_scratch(shape) bytes. */
typedef enum eg_cell { EG_CELL_RNN, EG_CELL_LSTM, EG_CELL_GRU } eg_cell;
typedef struct eg_recurrent_shape {
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

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* embed_fwd: y[i] = w[ids[i]], w (rows, n), ids int32_t; id -1 gives a row of zeros, any other outside of 0..rows-1 one
 * of NaN. Unit u does positions
 * [u*unit, min((u+1)*unit, total)), ids at p + u*stride, y at eg_at(y, u).
 * embed_bwd: dw[r] = [dw[r] +] sum of dy[i] over the positions i with ids[i] == r, i rising; row `padding` (-1: none)
 * and ids outside of 0..rows-1 take nothing. Global, a unit is 16 columns. */
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

/* Sequences x (T,N,n) and rows y (N,n); sample k is lengths[k] steps long (int32_t; absent: T), brought into 0..T
 * first. Global.
 * steps: y (T,N,n) = [y +] what `kind` says of step t of sample k with length L; a unit is one time step.
 *   REVERSE      x[L-1-t] for t < L, else x[t]
 *   MASK         x[t] for t < L, else 0
 *   SPREAD_LAST  x is (N,n): x for t == L-1, else 0
 *   SPREAD_MEAN  x is (N,n): x / L for t < L, else 0
 * pool_steps: y (N,n) from x (T,N,n); a unit is EG_BLOCK samples. POOL_LAST: x[L-1]; POOL_MEAN: mean of x[t], t < L, in
 * rising order. Zero where L is 0. */
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

/* Attention. Unit u is head u % heads of sample u / heads, with matrices Q (Lq,d), K (Lk,d), V (Lk,dv), Y (Lq,dv), each
 * somewhere in its buffer: element (row, column) of that of sample b, head h is p[at + b*sample + h*head +
 * row*row_stride + column]. Global. Row i sees key j when j < lengths[b] (int32_t; absent: all), j <= i + past if
 * causal, and mask (int32_t; absent: 0) is 0 at b*mask_strides[0] + h*mask_strides[1] + i*mask_strides[2] +
 * j*mask_strides[3], and bias, which is added to the scores, is not -infinity there by bias_strides.
 * attention_fwd: P = softmax over the keys that a row sees of scale Q K^T + bias, zero elsewhere, and for a row that
 * sees none; Y = (P * drop) V, drop
 *                (units,Lq,Lk; absent: 1) element by element. Without q and k (both absent, d 0) the scores are the
 *                bias alone. prob is (units,Lq,Lk), P. (Vaswani et al. 2017)
 * attention_bwd: dV = [dV +] (P * drop)^T dY; dS = P (dP - rowsum(P dP)), dP = drop * (dY V^T); dQ = [dQ +] scale dS K;
 * dK = [dK +] scale dS^T Q; dscore
 *                (units,Lq,Lk) = dS. Absent results are not computed. Laid out as q, k, v, and dy as y.
 * Where P is 0 nothing is multiplied with it: keys and values that a row does not see have no influence on it, NaN and
 * infinities included.
 * scratch: attention_scratch bytes. */
typedef struct eg_heads {
	ptrdiff_t at, sample, head, row;
} eg_heads;
typedef struct eg_attention_shape {
	int units, heads, Lq, Lk, d, dv;
	eg_heads q, k, v, y;
	ptrdiff_t mask_strides[4], bias_strides[4];
	real scale;
	int past; /* keys that are older than the first row */
	bool causal;
} eg_attention_shape;
typedef struct eg_attention_args {
	eg_buf q, k, v, lengths, mask, bias, drop, prob, y;
	eg_attention_shape s;
} eg_attention_args;
typedef struct eg_attention_bwd_args {
	eg_buf q, k, v, drop, prob, dy, dq, dk, dv, dscore;
	eg_attention_shape s;
	bool acc_q, acc_k, acc_v;
} eg_attention_bwd_args;

/* Scores of additive attention (Bahdanau et al. 2015): q (Lq,N,n), k (Lk,N,n), v (n); unit u is sample u. Global.
 * additive_fwd: score (N,Lq,Lk) = sum of v tanh(q + k); 0 for keys behind lengths[u] (int32_t; absent: none are),
 * whatever they hold.
 * additive_bwd: from dscore: dq, dk, and dv (N,n), of each sample its own; 0 for keys behind the length. */
typedef struct eg_additive_shape {
	int N, Lq, Lk, n;
} eg_additive_shape;
typedef struct eg_additive_args {
	eg_buf q, k, v, lengths, score;
	eg_additive_shape s;
} eg_additive_args;
typedef struct eg_additive_bwd_args {
	eg_buf q, k, v, lengths, dscore, dq, dk, dv;
	eg_additive_shape s;
} eg_additive_bwd_args;

/* Losses of a difference e = x - target: e^2 (square), or, with |e| below width, slope e^2 / (2 width), else slope (|e|
 * - width/2): width 0 and slope 1 is |e|, slope 1 is smooth L1, slope == width is Huber's. Units and addresses as for
 * element-wise kernels.
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

/* Losses of a number x, or of a location x and a scale y, against a target t; row > 0: x holds, in turn, `row`
 * locations and as many scales, or `parts` times `row` numbers, of which the target has one from each, and units are
 * whole rows; row 0: it has one in all. Units and addresses as for element-wise kernels, of targets.
 * BCE:      (1-t) x + (1 + (a-1) t) log(1 + e^-x): cross-entropy of sigmoid(x), the side of t weighed by a.
 * BCE_P:    -a t log x - (1-t) log(1-x), logarithms at least -100; derivative (x-t) / max(x (1-x), 1e-12) for a = 1,
 *           likewise weighed.
 * FOCAL:    BCE with a of 1, times q^a (b t + (1-b)(1-t)), q = sigmoid(x) (1-t) + sigmoid(-x) t; b < 0: without the
 *           last factor.
 * HINGE:    max(0, a - t x), squared where b > 0.
 * QUANTILE: e = t - x: a e above 0, (a-1) e below, whose slope at 0 is taken as 0.
 * QUANTILES: the sum of QUANTILE over the parts, level[i] as part i's a.
 * POISSON:  e^x - t x.
 * KL:       t (log t - x), 0 where t is not above 0.
 * GAUSSIAN: (y + (t-x)^2 e^-y) / 2 + b: y is the logarithm of the variance.
 * STUDENT:  y + (a+1)/2 log(1 + z^2/a) + b, z = (t-x) e^-y: y is the logarithm of the scale, a the degrees of freedom.
 * element_loss_fwd: partial[u] = sum over unit u, at eg_at(partial, u). element_loss_bwd: dx = [dx +] dloss[0] /
 * denom[0] * derivative by x, and by y beside it. */
typedef enum eg_loss_op {
	EG_LOSS_BCE,
	EG_LOSS_BCE_P,
	EG_LOSS_FOCAL,
	EG_LOSS_HINGE,
	EG_LOSS_QUANTILE,
	EG_LOSS_QUANTILES,
	EG_LOSS_POISSON,
	EG_LOSS_KL,
	EG_LOSS_GAUSSIAN,
	EG_LOSS_STUDENT
} eg_loss_op;
enum { EG_LEVELS = 16 };
typedef struct eg_element_loss {
	int64_t unit, total, row;
	eg_loss_op op;
	real a, b;
	int parts; /* with row > 0: 2 where there are scales */
	real level[EG_LEVELS];
} eg_element_loss;
typedef struct eg_element_loss_fwd_args {
	eg_buf x, target, partial;
	eg_element_loss s;
} eg_element_loss_fwd_args;
typedef struct eg_element_loss_bwd_args {
	eg_buf x, target, denom, dloss, dx;
	eg_element_loss s;
	bool acc;
} eg_element_loss_bwd_args;

/* ---- losses and decoding of sequences: CTC and the linear-chain CRF ---------------------------------------------- */

/* Sequences (T,N,...), row-major; all jobs global. Everything is summed as logarithms, each time step relative to its
 * largest (the sum of these is kept in double), so that nothing overflows or vanishes. int32 buffers: target, lengths,
 * path, ids.
 *
 * CTC (Graves et al. 2006). target (N,L); a sample's states are s = 0..2 len: blanks at even s, label (s-1)/2 at odd s.
 * Its input length is input_lengths[n], or T where that is absent; its target length target_lengths[n], or, absent, the
 * labels before the first -1. A sample is impossible when no alignment has a probability: too short for its labels (a
 * repeated label needs a blank in between), a label outside of 0..C-1 or equal to blank, a length outside of 0..T or
 * 0..L.
 * ctc_fwd: from x (T,N,C) and prob = softmax(x): losses[n] = -log p(target | x), +infinity for an impossible sample (0
 * with zero_infinity);
 *          factor[n] = 0 for an impossible sample, else, by_length, 1 / max(1, target length), else 1; alpha
 *          (N,T,2L+1), absent at inference: log p(a prefix that ends in state s), each step less its largest. A unit is
 *          a sample. Scratch: eg_ctc_scratch bytes.
 * ctc_bwd: dx = [dx +] dloss factor[n] scale (prob - occupancy), zero beyond the input length and for impossible
 * samples. dloss is one number or, `each`,
 *          one a sample. The occupancies follow backwards from alpha: p(s' at t-1 | s at t) = alpha[s'] / sum over s''
 *          that lead to s. A unit is a sample; the same scratch.
 * ctc_decode: ids (T,N) = the labels read off, -1 behind them. beam 1: the largest x of each step, repeats merged,
 * blanks left out. beam > 1:
 *          the prefix with the largest probability among those that a beam of that width kept (Graves 2012; ties: the
 *          smaller label). x and prob as in ctc_fwd; prob may be absent with beam 1. A unit is a sample; scratch:
 *          eg_ctc_decode_scratch bytes, none with beam 1.
 * loss_sum: loss[0] = scale * sum over n of factor[n] losses[n] (factor absent: 1) in rising order, in double; an
 * infinite loss stays
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
/* A prefix in the beam, or one that may come into it: log probabilities of the alignments that end in a blank and in
 * its last label. */
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

/* Linear-chain CRF (Lafferty et al. 2001): score(tags | x) = start[tag 0] + sum of x[t][tag t] + sum of transitions[tag
 * t-1][tag t] + end[last tag]. x (T,N,K), target (T,N) the tags, transitions (K,K). A sample's length is lengths[n],
 * or, absent, the tags before the first -1 (crf_path: T).
 * crf_fwd:  losses[n] = log sum over all paths of exp(score) - score(target); length 0: 0; a length outside of 0..T or
 *           a tag outside of 0..K-1: NaN. alpha (N,T,K), absent at inference: log sums over the paths that end in tag k
 *           at t, each step less its largest. A unit is a sample;
 *           scratch: eg_crf_scratch bytes, as in the others.
 * crf_bwd:  with w = dloss scale: dx = [dx +] w (p(tag k at t) - [target is k]), zero beyond the length; and the same
 *           differences, pairs, first and last tags, summed over the samples of a unit: d_transitions (units,K,K),
 *           d_start and d_end (units,K). Unit u is samples [u*rows, (u+1)*rows) of N. dx may be absent. Probabilities
 *           follow backwards from alpha as in ctc_bwd. NaN where the loss is.
 * crf_path: path (T,N) = the tags with the largest score (Viterbi; ties: the smaller tag), -1 beyond the length. A unit
 * is a sample. */
typedef struct eg_crf_shape {
	int T, N, K;
} eg_crf_shape;
EG_ALWAYS_INLINE size_t eg_crf_scratch(const eg_crf_shape *s) {
	return 4 * (size_t)s->K * sizeof(real) + (size_t)s->T * (size_t)s->K * sizeof(int32_t);
}
/* Two inner parts of these, which a table may do better; the walk over the steps is the same for all.
 * crf_columns: max[j] = the largest over i of v = alpha[i] + w[i*K + j] (0 where that is -infinity), sum[j] = sum over
 * i of exp(v - max[j]).
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
} eg_crf_fwd_args;
typedef struct eg_crf_bwd_args {
	eg_buf target, lengths, transitions, end, alpha, dloss, dx, d_transitions, d_start, d_end;
	eg_crf_shape s;
	int rows;
	real scale;
	bool each, acc;
} eg_crf_bwd_args;
typedef struct eg_crf_path_args {
	eg_buf x, lengths, transitions, start, end, path;
	eg_crf_shape s;
} eg_crf_path_args;

#endif

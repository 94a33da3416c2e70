/* kern_recurrent.h - recurrence (kern.h): the parts of a time step, and the way through all of them. */
#ifndef ENGRAM_KERN_RECURRENT_H
#define ENGRAM_KERN_RECURRENT_H

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
 *           (wd H, bd H), mask (N,P), stays_h (T,N,P) and stays_c (T,N,H), lengths (N) int32_t, dt (T,N), h0 (N,P), c0
 *           (N,H): absent is 1, 0, T
 *   writes  gates, hs, cs, op (what is multiplied by r, where that is not hs), hd (the decayed state: of c for lstm), m
 *           (lstm: h before the projection; gru: r h'), xhat (N,2*G*H [+H]) and rstd (5,N) of the norms, cn,
 *           raw (lstm: c before some of it stays);
 *           y (row ld_y, at column 0; add: y += h), hn (N,P), last_c (N,H), state_h, state_c (read instead of h0, c0
 *           and written back); states (T,N,P), cells (T,N,H), acts (T,N,G,H): absent ones are not wanted
 * recurrent_bwd   the steps backwards. gates (from time k0 on) become the gradients of x W + b and of the recurrent
 *                 product.
 *   reads   r, r2, projection packed for the transposed products, and dy (ld_dy), dhn, dcn
 *   writes  gates; dp (T,N,P): gradient of h, for the projection's; dxw, dhr (T,N,G*H; norm): gradients of x W and h R
 *           before the norm, in the order of the weights; dnc (T,N,H): gradient of the normed c; du (T,N,H): gradient
 *           of wd dt + bd; dh0, dc0 (add: +=), which may be dhn and dcn
 * Zoneout: behind a step, what stays_h (of h) or stays_c (of c) have 0 for is as it was before the step; where they are
 * absent, a share zone_h or zone_c of each number is (0: nothing). What comes out of c is made before.
 * Scratch: recurrent_scratch(shape) bytes. */
typedef enum eg_cell { EG_CELL_RNN, EG_CELL_LSTM, EG_CELL_GRU } eg_cell;
typedef struct eg_recurrent_shape {
	eg_cell cell;
	int T, N, H, P, G, S, first, count, t0, y0, k0;
	eg_act act, gate_act, out_act;
	bool reverse, reset_before, mirror, coupled, norm, keep, begins, ends;
	real clip, eps, zone_h, zone_c;
} eg_recurrent_shape;
typedef struct eg_recurrent_fwd_args {
	eg_buf r, r2, projection, peephole, q_bias, bias, gain, shift, decay, mask, stays_h, stays_c, lengths, dt, h0, c0;
	eg_buf gates, hs, cs, op, hd, m, xhat, rstd, cn, raw, y, hn, last_c, state_h, state_c, states, cells, acts;
	eg_recurrent_shape s;
	ptrdiff_t ld_y;
	bool add;
} eg_recurrent_fwd_args;
typedef struct eg_recurrent_bwd_args {
	eg_buf r, r2, projection, peephole, gain, decay, mask, stays_h, stays_c, lengths, dt, hs, cs, op, hd, m, xhat, rstd, cn, raw, dy, dhn, dcn;
	eg_buf gates, dp, dxw, dhr, dnc, du, dh0, dc0;
	eg_recurrent_shape s;
	ptrdiff_t ld_dy;
	bool add_h, add_c;
} eg_recurrent_bwd_args;
enum { EG_RECURRENT_FWD_READS = 16, EG_RECURRENT_FWD_WRITES = 18, EG_RECURRENT_BWD_READS = 23, EG_RECURRENT_BWD_WRITES = 8 };

#endif

/* recurrent.c - the scheduler of a sequence: which cell, product and norm comes when, for some rows (samples)
 * through all time steps of one layer in one direction, forward and backward. The same code for all tables: the
 * arithmetic is in the slots that it calls.
 *
 * Rows never influence each other. So all rows of a call are computed in every step, and the rows whose sequence has
 * ended are repaired afterwards: their state stays, their gradients pass through. A step that no row of the call needs
 * is left out.
 *
 * Not here: the cells (ref_recurrent.c, body_recurrent.h), the input's part of the gates and the gradients of weights,
 * which are products over all steps at once (src/ops/recurrent_emit.c). */
#include "kern/recurrent.h"

#include <string.h>

/* The rows of one call. */
typedef struct rows {
	const eg_recurrent_shape *s;
	int begin, n;
	const int32_t *lengths; /* of these rows, or NULL */
	int longest;
} rows;

static rows rows_of(const eg_recurrent_shape *s, const eg_buf *lengths, int begin, int end) {
	rows r = {.s = s, .begin = begin, .n = end - begin, .longest = s->T};
	if (!lengths->p) return r;
	r.lengths = (const int32_t *)lengths->p + begin;
	r.longest = 0;
	for (int i = 0; i < r.n; i++)
		if (r.lengths[i] > r.longest) r.longest = r.lengths[i];
	return r;
}

static bool active(const rows *r, int i, int t) { return !r->lengths || t < r->lengths[i]; }
static bool ends_early(const rows *r, int t) {
	for (int i = 0; i < r->n && r->lengths; i++)
		if (t >= r->lengths[i]) return true;
	return false;
}

/* The first of these rows in step `at` of a buffer (steps, N, width); NULL of an absent one. */
static real *part(const rows *r, const eg_buf *b, ptrdiff_t at, ptrdiff_t width) {
	return b->p ? (real *)b->p + (at * r->s->N + r->begin) * width : NULL;
}
/* Time t of what is kept for every step, or of what has one step only. */
static ptrdiff_t kept(const eg_recurrent_shape *s, int t) { return s->keep ? t : 0; }

static void copy(real *to, ptrdiff_t ld_to, const real *from, ptrdiff_t ld_from, int m, ptrdiff_t n) {
	for (int i = 0; i < m; i++) memcpy(to + i * ld_to, from + i * ld_from, (size_t)n * sizeof(real));
}
static void add(real *restrict to, const real *restrict x, ptrdiff_t n) {
	for (ptrdiff_t i = 0; i < n; i++) to[i] += x[i];
}
static void zero(real *to, ptrdiff_t n) { memset(to, 0, (size_t)n * sizeof(real)); }

/* c (rows,n) = [c +] a (rows,k) B. */
static void multiply(const rows *r, const real *a, ptrdiff_t lda, const eg_buf *packed, int k, real *c, ptrdiff_t ldc,
        int n, bool acc) {
	eg_gemm_packed_args g = {.a = {(void *)(uintptr_t)a, 0},
	        .b = *packed,
	        .c = {c, 0},
	        .m = r->n,
	        .rows = r->n,
	        .n = n,
	        .k = k,
	        .lda = (int)lda,
	        .ldc = (int)ldc,
	        .nsplit = 1,
	        .acc = acc};
	r->s->kern->gemm_packed(&g, 0, 1, NULL);
}

/* ---- what is normalised together --------------------------------------------------------------------------------- */

/* n columns that begin at `at` in a row of gates and at `weight` in the order of the weights. rnn, lstm: all of
 * them; gru:
 * update and reset gate together, the candidate apart (Ba et al. 2016, eq. 29-31). */
typedef struct group {
	int at, n, weight;
} group;
static int groups_of(const eg_recurrent_shape *s, bool input, group out[2]) {
	const int H = s->H;
	if (s->cell != EG_CELL_GRU) {
		out[0] = (group){0, s->G * H, 0};
		out[1] = (group){0};
		return 1;
	}
	out[0] = (group){H, 2 * H, 0};
	out[1] = (group){input || s->reset_before ? 0 : 3 * H, H, 2 * H};
	return 2;
}

/* Statistics: 0 and 1 of the input's groups, 2 and 3 of the state's, 4 of c. */
static real *rstd_at(const rows *r, const eg_buf *b, int t, int which) {
	return (real *)b->p + (kept(r->s, t) * EG_RECURRENT_RSTD + which) * r->s->N + r->begin;
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* One step: where everything of it lies. */
typedef struct fwd {
	const eg_recurrent_fwd_args *a;
	rows r;
	real *scratch; /* norm: raw products (rows, G*H), then bias + shift of the input (G*H) */
	int t;
	real *gates, *h_prev, *h, *c_prev, *c;
} fwd;

static void norm_one(const fwd *f, group g, int which, const real *x, ptrdiff_t ld_x, const real *shift, bool acc) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int width = eg_recurrent_xhat(s), column = which >= 2 ? s->G * s->H + g.weight : g.weight;
	s->kern->norm_fwd(&(eg_norm_args){.rows = f->r.n,
	        .n = g.n,
	        .eps = s->eps,
	        .acc = acc,
	        .x = x,
	        .ld_x = ld_x,
	        .gain = (const real *)a->gain.p + column,
	        .bias = shift,
	        .y = f->gates + g.at,
	        .ld_y = s->S * s->H,
	        .xhat = part(&f->r, &a->xhat, kept(s, f->t), width) + column,
	        .ld_xhat = width,
	        .rstd = rstd_at(&f->r, &a->rstd, f->t, which)});
}

/* gates = norm of x W, with its shift and the bias. */
static void norm_input(const fwd *f) {
	const eg_recurrent_shape *s = &f->a->s;
	group g[2];
	real *shift = f->scratch + (ptrdiff_t)f->r.n * s->G * s->H;
	for (int i = 0, n = groups_of(s, true, g); i < n; i++)
		norm_one(f, g[i], i, f->gates + g[i].at, s->S * s->H, shift + g[i].weight, false);
}

/* gates += operand R for the groups [first, last). */
static void recur(const fwd *f, int first, int last, const real *operand, int k, const eg_buf *packed) {
	const eg_recurrent_shape *s = &f->a->s;
	group g[2];
	int n = 0;
	groups_of(s, false, g);
	for (int i = first; i < last; i++) n += g[i].n;
	if (!s->norm) {
		multiply(&f->r, operand, k, packed, k, f->gates + g[first].at, s->S * s->H, n, true);
		return;
	}
	multiply(&f->r, operand, k, packed, k, f->scratch, n, n, false);
	for (int i = first; i < last; i++)
		norm_one(f, g[i], 2 + i, f->scratch + (g[i].weight - g[first].weight), n,
		        (const real *)f->a->shift.p + s->G * s->H + g[i].weight, true);
}

static eg_cell_args cell_of(const eg_recurrent_shape *s, int n, real *gates) {
	return (eg_cell_args){.rows = n,
	        .H = s->H,
	        .act = s->act,
	        .gate_act = s->gate_act,
	        .out_act = s->out_act,
	        .coupled = s->coupled,
	        .mirror = s->mirror,
	        .clip = s->clip,
	        .gates = gates,
	        .ld_gates = s->S * s->H,
	        .ld_h_prev = s->H,
	        .ld_c_prev = s->H,
	        .ld_h = s->H,
	        .ld_c = s->H,
	        .ld_rh = s->H,
	        .ld_cn = s->H,
	        .ld_dh = s->H,
	        .ld_dc = s->H,
	        .ld_drh = s->H,
	        .ld_dh_prev = s->H,
	        .ld_dc_prev = s->H,
	        .ld_dcn = s->H};
}

/* x exp(-max(0, wd dt + bd)) into hd; x itself without decay. */
static const real *decayed(const fwd *f, const real *x) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	if (!a->decay.p) return x;
	const real *w = a->decay.p;
	real *y = part(&f->r, &a->hd, kept(s, f->t), s->H);
	s->kern->decay_fwd(&(eg_decay_args){.rows = f->r.n,
	        .n = s->H,
	        .x = x,
	        .dt = part(&f->r, &a->dt, f->t, 1),
	        .wd = w,
	        .bd = w + s->H,
	        .y = y,
	        .ld_x = s->H,
	        .ld_y = s->H});
	return y;
}
/* h times the mask of the sequence into op; h itself without one. */
static const real *masked(const fwd *f, const real *h) {
	const eg_recurrent_fwd_args *a = f->a;
	const int P = a->s.P;
	if (!a->mask.p) return h;
	real *y = part(&f->r, &a->op, kept(&a->s, f->t), P);
	a->s.kern->mul_rows(&(eg_mul_args){.rows = f->r.n,
	        .n = P,
	        .a = h,
	        .b = part(&f->r, &a->mask, 0, P),
	        .y = y,
	        .ld_a = P,
	        .ld_b = P,
	        .ld_y = P});
	return y;
}

static void rnn_step(const fwd *f) {
	const eg_recurrent_shape *s = &f->a->s;
	recur(f, 0, 1, masked(f, decayed(f, f->h_prev)), s->P, &f->a->r);
	eg_cell_args c = cell_of(s, f->r.n, f->gates);
	c.h = f->h;
	s->kern->rnn_fwd(&c);
}

static void lstm_step(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	real *m = a->projection.p ? part(&f->r, &a->m, kept(s, f->t), s->H) : f->h;
	recur(f, 0, 1, masked(f, f->h_prev), s->P, &a->r);
	eg_cell_args c = cell_of(s, f->r.n, f->gates);
	c.peephole = a->peephole.p;
	c.c_prev = decayed(f, f->c_prev);
	c.c = f->c;
	c.h = s->norm ? NULL : m;
	s->kern->lstm_fwd(&c);
	if (s->norm) {
		const int width = eg_recurrent_xhat(s), column = 2 * s->G * s->H;
		real *cn = part(&f->r, &a->cn, kept(s, f->t), s->H);
		s->kern->norm_fwd(&(eg_norm_args){.rows = f->r.n,
		        .n = s->H,
		        .eps = s->eps,
		        .x = f->c,
		        .ld_x = s->H,
		        .gain = (const real *)a->gain.p + column,
		        .bias = (const real *)a->shift.p + column,
		        .y = cn,
		        .ld_y = s->H,
		        .xhat = part(&f->r, &a->xhat, kept(s, f->t), width) + column,
		        .ld_xhat = width,
		        .rstd = rstd_at(&f->r, &a->rstd, f->t, 4)});
		c.cn = cn;
		c.h = m;
		s->kern->lstm_out_fwd(&c);
	}
	if (a->projection.p) multiply(&f->r, m, s->H, &a->projection, s->H, f->h, s->P, s->P, false);
}

static void gru_step(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int H = s->H;
	const real *state = decayed(f, f->h_prev), *operand = masked(f, state);
	eg_cell_args c = cell_of(s, f->r.n, f->gates);
	c.h = f->h;
	if (s->reset_before) {
		recur(f, 0, 1, operand, H, &a->r);
		c.h_prev = operand;
		c.rh = part(&f->r, &a->m, kept(s, f->t), H);
		s->kern->gru_reset_fwd(&c);
		recur(f, 1, 2, c.rh, H, &a->r2);
		c.h_prev = state;
		s->kern->gru_out_fwd(&c);
		return;
	}
	for (int i = 0; i < f->r.n; i++) {
		real *q = f->gates + ((ptrdiff_t)i * s->S + 3) * H;
		if (a->q_bias.p)
			memcpy(q, a->q_bias.p, (size_t)H * sizeof(real));
		else
			zero(q, H);
	}
	recur(f, 0, 2, operand, H, &a->r);
	c.h_prev = state;
	s->kern->gru_fwd(&c);
}

/* Rows whose sequence has ended keep their state. */
static void freeze(const fwd *f) {
	const int H = f->a->s.H, P = f->a->s.P;
	for (int i = 0; i < f->r.n; i++) {
		if (active(&f->r, i, f->t)) continue;
		copy(f->h + (ptrdiff_t)i * P, P, f->h_prev + (ptrdiff_t)i * P, P, 1, P);
		if (f->c) copy(f->c + (ptrdiff_t)i * H, H, f->c_prev + (ptrdiff_t)i * H, H, 1, H);
	}
}

/* A row of activations in the order of the weights. */
static void put_acts(const eg_recurrent_shape *s, real *to, const real *gates, bool on) {
	const size_t H = (size_t)s->H * sizeof(real);
	if (!on)
		zero(to, (ptrdiff_t)s->G * s->H);
	else if (s->cell == EG_CELL_GRU) {
		memcpy(to, gates + s->H, 2 * H);
		memcpy(to + 2 * s->H, gates, H);
	} else
		memcpy(to, gates, (size_t)s->G * H);
}

static void put_outputs(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int H = s->H, P = s->P;
	real *y = part(&f->r, &a->y, f->t - s->y0, a->ld_y), *states = part(&f->r, &a->states, f->t, P);
	real *cells = part(&f->r, &a->cells, f->t, H), *acts = part(&f->r, &a->acts, f->t, s->G * H);
	if (states) copy(states, P, f->h, P, f->r.n, P);
	if (cells) copy(cells, H, f->c, H, f->r.n, H);
	for (int i = 0; i < f->r.n && (y || acts); i++) {
		bool on = active(&f->r, i, f->t);
		if (acts) put_acts(s, acts + (ptrdiff_t)i * s->G * H, f->gates + (ptrdiff_t)i * s->S * H, on);
		if (!y) continue;
		real *to = y + i * a->ld_y;
		if (on && a->add)
			add(to, f->h + (ptrdiff_t)i * P, P);
		else if (on)
			memcpy(to, f->h + (ptrdiff_t)i * P, (size_t)P * sizeof(real));
		else if (!a->add)
			zero(to, P);
	}
}

/* The state before step s and after it, in hs and cs. */
static int row_before(const eg_recurrent_shape *s, int step, int t) { return s->keep ? t + s->reverse : step & 1; }
static int row_after(const eg_recurrent_shape *s, int step, int t) {
	return s->keep ? t + !s->reverse : (step + 1) & 1;
}

/* to (rows, width) = the carried state, or the one that is given, or zero. */
static void begin_state(
        const rows *r, const eg_buf *to, int at, const eg_buf *carried, const eg_buf *given, int width) {
	const real *from = part(r, carried->p ? carried : given, 0, width);
	real *x = part(r, to, at, width);
	if (x && from)
		copy(x, width, from, width, r->n, width);
	else if (x)
		zero(x, (ptrdiff_t)r->n * width);
}

static void end_state(const rows *r, const eg_buf *from, int at, const eg_buf *to, int width) {
	real *x = part(r, to, 0, width);
	if (x) copy(x, width, part(r, from, at, width), width, r->n, width);
}

static void recurrent_fwd(const void *args, int begin, int end, void *scratch) {
	const eg_recurrent_fwd_args *a = args;
	const eg_recurrent_shape *s = &a->s;
	fwd f = {.a = a, .r = rows_of(s, &a->lengths, begin, end), .scratch = scratch};
	assert(0 <= begin && begin <= end && end <= s->N && s->first >= 0 && s->first + s->count <= s->T && a->hs.p);
	if (begin == end) return;
	if (s->norm) {
		const int n = s->G * s->H;
		real *shift = f.scratch + (ptrdiff_t)f.r.n * n;
		memcpy(shift, a->shift.p, (size_t)n * sizeof(real));
		if (a->bias.p) add(shift, a->bias.p, n);
	}
	for (int step = s->first; step < s->first + s->count; step++) {
		f.t = s->reverse ? s->T - 1 - step : step;
		int before = row_before(s, step, f.t), after = row_after(s, step, f.t);
		if (step == 0) {
			begin_state(&f.r, &a->hs, before, &a->state_h, &a->h0, s->P);
			begin_state(&f.r, &a->cs, before, &a->state_c, &a->c0, s->H);
		}
		f.gates = part(&f.r, &a->gates, f.t - s->t0, s->S * s->H);
		f.h_prev = part(&f.r, &a->hs, before, s->P);
		f.h = part(&f.r, &a->hs, after, s->P);
		f.c_prev = part(&f.r, &a->cs, before, s->H);
		f.c = part(&f.r, &a->cs, after, s->H);
		if (f.t < f.r.longest) {
			if (s->norm) norm_input(&f);
			(s->cell == EG_CELL_LSTM ? lstm_step : s->cell == EG_CELL_GRU ? gru_step : rnn_step)(&f);
		}
		if (ends_early(&f.r, f.t)) freeze(&f);
		put_outputs(&f);
		if (step < s->T - 1) continue;
		end_state(&f.r, &a->hs, after, &a->hn, s->P);
		end_state(&f.r, &a->cs, after, &a->last_c, s->H);
		end_state(&f.r, &a->hs, after, &a->state_h, s->P);
		end_state(&f.r, &a->cs, after, &a->state_c, s->H);
	}
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

typedef struct bwd {
	const eg_recurrent_bwd_args *a;
	rows r;
	int t;
	real *gates;
	const real *h_prev, *c_prev, *c;
	real *dh, *dc;           /* (rows,P), (rows,H): gradients of the state after the step */
	real *dh_prev, *dc_prev; /* before it */
	real *work[3];           /* (rows, max(H,P)) */
} bwd;

/* dx of the norm of one group: from the gradient in gates, in the order of the weights. */
static void unnorm(const bwd *b, group g, int which, const eg_buf *to) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const int width = eg_recurrent_xhat(s), n = s->G * s->H, column = which >= 2 ? n + g.weight : g.weight;
	s->kern->norm_bwd(&(eg_norm_args){.rows = b->r.n,
	        .n = g.n,
	        .eps = s->eps,
	        .dy = b->gates + g.at,
	        .ld_dy = s->S * s->H,
	        .gain = (const real *)a->gain.p + column,
	        .xhat = part(&b->r, &a->xhat, b->t, width) + column,
	        .ld_xhat = width,
	        .rstd = rstd_at(&b->r, &a->rstd, b->t, which),
	        .dx = part(&b->r, to, b->t, n) + g.weight,
	        .ld_dx = n});
}

/* to (rows,k) = [to +] gradient of what was multiplied by R, from the gradients of the groups [first, last). */
static void unrecur(const bwd *b, int first, int last, const eg_buf *packed, int k, real *to, bool acc) {
	const eg_recurrent_shape *s = &b->a->s;
	group g[2];
	int n = 0;
	groups_of(s, false, g);
	for (int i = first; i < last; i++) n += g[i].n;
	const real *from = b->gates + g[first].at;
	ptrdiff_t ld = s->S * s->H;
	if (s->norm) {
		for (int i = first; i < last; i++) unnorm(b, g[i], 2 + i, &b->a->dhr);
		ld = s->G * s->H;
		from = part(&b->r, &b->a->dhr, b->t, ld) + g[first].weight;
	}
	multiply(&b->r, from, ld, packed, n, to, k, k, acc);
}

static void undecay(const bwd *b, const real *dy, const real *x, real *dx) {
	const eg_recurrent_bwd_args *a = b->a;
	const int H = a->s.H;
	const real *w = a->decay.p;
	a->s.kern->decay_bwd(&(eg_decay_args){.rows = b->r.n,
	        .n = H,
	        .x = x,
	        .dt = part(&b->r, &a->dt, b->t, 1),
	        .wd = w,
	        .bd = w + H,
	        .dy = dy,
	        .dx = dx,
	        .du = part(&b->r, &a->du, b->t, H),
	        .ld_x = H,
	        .ld_dy = H,
	        .ld_dx = H,
	        .ld_du = H});
}

/* to = [to +] d times the mask; d may be to. */
static void unmask(const bwd *b, const real *d, real *to, bool acc) {
	const int P = b->a->s.P;
	if (!b->a->mask.p) return;
	b->a->s.kern->mul_rows(&(eg_mul_args){.rows = b->r.n,
	        .n = P,
	        .acc = acc,
	        .a = d,
	        .b = part(&b->r, &b->a->mask, 0, P),
	        .y = to,
	        .ld_a = P,
	        .ld_b = P,
	        .ld_y = P});
}

/* The state that the cell saw: after the decay. */
static const real *seen(const bwd *b, const real *state) {
	return b->a->decay.p ? part(&b->r, &b->a->hd, b->t, b->a->s.H) : state;
}

static void rnn_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	eg_cell_args c = cell_of(s, b->r.n, b->gates);
	real *d = a->decay.p ? b->work[0] : b->dh_prev;
	c.dh = b->dh;
	s->kern->rnn_bwd(&c);
	unrecur(b, 0, 1, &a->r, s->P, d, false);
	unmask(b, d, d, false);
	if (a->decay.p) undecay(b, d, b->h_prev, b->dh_prev);
}

static void lstm_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const int H = s->H, P = s->P;
	eg_cell_args c = cell_of(s, b->r.n, b->gates);
	c.dh = b->dh;
	if (a->projection.p) {
		copy(part(&b->r, &a->dp, b->t, P), P, b->dh, P, b->r.n, P);
		multiply(&b->r, b->dh, P, &a->projection, P, b->work[0], H, H, false);
		c.dh = b->work[0];
	}
	c.dc = b->dc;
	c.c_prev = seen(b, b->c_prev);
	c.c = (real *)(uintptr_t)b->c;
	c.peephole = a->peephole.p;
	if (s->norm) {
		const int width = eg_recurrent_xhat(s), column = 2 * s->G * H;
		c.cn = part(&b->r, &a->cn, b->t, H);
		c.dcn = part(&b->r, &a->dnc, b->t, H);
		s->kern->lstm_out_bwd(&c);
		copy(b->work[1], H, b->dc, H, b->r.n, H);
		s->kern->norm_bwd(&(eg_norm_args){.rows = b->r.n,
		        .n = H,
		        .eps = s->eps,
		        .acc = true,
		        .dy = c.dcn,
		        .ld_dy = H,
		        .gain = (const real *)a->gain.p + column,
		        .xhat = part(&b->r, &a->xhat, b->t, width) + column,
		        .ld_xhat = width,
		        .rstd = rstd_at(&b->r, &a->rstd, b->t, 4),
		        .dx = b->work[1],
		        .ld_dx = H});
		c.dc = b->work[1];
	}
	c.dc_prev = a->decay.p ? b->work[2] : b->dc_prev;
	s->kern->lstm_bwd(&c);
	if (a->decay.p) undecay(b, c.dc_prev, b->c_prev, b->dc_prev);
	unrecur(b, 0, 1, &a->r, P, b->dh_prev, false);
	unmask(b, b->dh_prev, b->dh_prev, false);
}

static void gru_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const int H = s->H;
	const real *state = seen(b, b->h_prev);
	real *d = a->decay.p ? b->work[0] : b->dh_prev; /* gradient of the state that the cell saw */
	real *operand = a->mask.p ? b->work[1] : d;     /* of what was multiplied */
	eg_cell_args c = cell_of(s, b->r.n, b->gates);
	c.dh = b->dh;
	c.h_prev = state;
	c.dh_prev = d;
	if (a->mask.p) zero(operand, (ptrdiff_t)b->r.n * H);
	if (s->reset_before) {
		s->kern->gru_out_bwd(&c);
		unrecur(b, 1, 2, &a->r2, H, b->work[2], false);
		c.drh = b->work[2];
		c.h_prev = a->mask.p ? part(&b->r, &a->op, b->t, H) : state;
		c.dh_prev = operand;
		s->kern->gru_reset_bwd(&c);
		unrecur(b, 0, 1, &a->r, H, operand, true);
	} else {
		s->kern->gru_bwd(&c);
		unrecur(b, 0, 2, &a->r, H, operand, true);
	}
	unmask(b, operand, d, true);
	if (a->decay.p) undecay(b, d, b->h_prev, b->dh_prev);
}

/* Of a row whose sequence has ended nothing flows but the state's own gradient. */
static void pass_through(const bwd *b, int i) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const struct {
		const eg_buf *buf;
		int width;
	} all[] = {{&a->gates, s->S * s->H}, {&a->dp, s->P}, {&a->dxw, s->G * s->H}, {&a->dhr, s->G * s->H},
	        {&a->dnc, s->H}, {&a->du, s->H}};
	for (int k = 0; k < EG_COUNT(all); k++) {
		real *x = part(&b->r, all[k].buf, b->t, all[k].width);
		if (x) zero(x + (ptrdiff_t)i * all[k].width, all[k].width);
	}
	memcpy(b->dh_prev + (ptrdiff_t)i * s->P, b->dh + (ptrdiff_t)i * s->P, (size_t)s->P * sizeof(real));
	memcpy(b->dc_prev + (ptrdiff_t)i * s->H, b->dc + (ptrdiff_t)i * s->H, (size_t)s->H * sizeof(real));
}

static void unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const real *dy = part(&b->r, &a->dy, b->t, a->ld_dy);
	if (b->t < b->r.longest) {
		for (int i = 0; i < b->r.n && dy; i++)
			if (active(&b->r, i, b->t)) add(b->dh + (ptrdiff_t)i * s->P, dy + i * a->ld_dy, s->P);
		(s->cell == EG_CELL_LSTM ? lstm_unstep : s->cell == EG_CELL_GRU ? gru_unstep : rnn_unstep)(b);
		group g[2];
		for (int i = 0, n = groups_of(s, true, g); i < n && s->norm; i++) unnorm(b, g[i], i, &a->dxw);
	}
	for (int i = 0; i < b->r.n && b->r.lengths; i++)
		if (!active(&b->r, i, b->t)) pass_through(b, i);
}

/* to = [to +] the gradient that has come to the first state. */
static void put_state_gradient(const rows *r, const eg_buf *to, const real *d, int width, bool acc) {
	real *x = part(r, to, 0, width);
	if (x && acc)
		add(x, d, (ptrdiff_t)r->n * width);
	else if (x)
		copy(x, width, d, width, r->n, width);
}

static void recurrent_bwd(const void *args, int begin, int end, void *scratch) {
	const eg_recurrent_bwd_args *a = args;
	const eg_recurrent_shape *s = &a->s;
	const int wide = s->H > s->P ? s->H : s->P;
	bwd b = {.a = a, .r = rows_of(s, &a->lengths, begin, end)};
	real *places[7];
	assert(0 <= begin && begin <= end && end <= s->N && s->keep && a->hs.p && a->gates.p);
	if (begin == end) return;
	for (int i = 0; i < 7; i++) places[i] = (real *)scratch + (ptrdiff_t)i * b.r.n * wide;
	b.dh = places[0], b.dh_prev = places[1], b.dc = places[2], b.dc_prev = places[3];
	for (int i = 0; i < 3; i++) b.work[i] = places[4 + i];
	const real *dhn = part(&b.r, &a->dhn, 0, s->P), *dcn = part(&b.r, &a->dcn, 0, s->H);
	zero(b.dh, (ptrdiff_t)b.r.n * s->P);
	zero(b.dc, (ptrdiff_t)b.r.n * s->H);
	if (dhn) copy(b.dh, s->P, dhn, s->P, b.r.n, s->P);
	if (dcn) copy(b.dc, s->H, dcn, s->H, b.r.n, s->H);
	for (int step = s->T - 1; step >= 0; step--) {
		b.t = s->reverse ? s->T - 1 - step : step;
		int before = row_before(s, step, b.t), after = row_after(s, step, b.t);
		b.gates = part(&b.r, &a->gates, b.t, s->S * s->H);
		b.h_prev = part(&b.r, &a->hs, before, s->P);
		b.c_prev = part(&b.r, &a->cs, before, s->H);
		b.c = part(&b.r, &a->cs, after, s->H);
		unstep(&b);
		real *dh = b.dh, *dc = b.dc;
		b.dh = b.dh_prev, b.dh_prev = dh;
		b.dc = b.dc_prev, b.dc_prev = dc;
	}
	put_state_gradient(&b.r, &a->dh0, b.dh, s->P, a->add_h);
	put_state_gradient(&b.r, &a->dc0, b.dc, s->H, a->add_c);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static size_t recurrent_scratch(const eg_recurrent_shape *s) {
	size_t wide = (size_t)(s->H > s->P ? s->H : s->P), row = (size_t)s->G * (size_t)s->H;
	size_t fwd_bytes = s->norm ? row * ((size_t)s->N + 1) : 0, bwd_bytes = s->keep ? 7 * wide * (size_t)s->N : 0;
	return (fwd_bytes > bwd_bytes ? fwd_bytes : bwd_bytes) * sizeof(real);
}

void eg_kernels_recurrent(eg_kernels *k) {
	k->recurrent_fwd = recurrent_fwd;
	k->recurrent_bwd = recurrent_bwd;
	k->recurrent_scratch = recurrent_scratch;
}

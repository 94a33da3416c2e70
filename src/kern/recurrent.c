/* recurrent.c - the scheduler of a sequence, forward: which product, cell and norm comes when, through all time steps
 * of one layer in one direction. The same code for all tables: the arithmetic is in the slots that it calls. Some rows
 * (samples) through all hidden units, or, as a joint job, all rows through this rank's units: recurrent_share.h says
 * what is whose.
 *
 * Rows never influence each other. So a step computes the rows from the first to the last that it has, those between
 * them included whose sequence has ended, and all that have ended are repaired afterwards: their state stays. A step
 * that no row of the call needs is left out.
 *
 * A step goes through its units in rounds, product and then cell, so that the gates of a round are still in L1 when its
 * cells come; every other step walks the other way, because what a cache has kept of the weights is what was read last.
 *
 * Not here: the cells (ref_recurrent.c, body_recurrent.c), backward (recurrent_bwd.c), the input's part of the gates
 * and the gradients of weights, which are products over all steps at once (src/ops/recurrent_emit_fwd.c,
 * recurrent_emit_bwd.c). */
#include "kern/recurrent_share.h"

/* One step: where everything of it lies. */
typedef struct fwd {
	const eg_recurrent_fwd_args *a;
	share own;
	real *scratch, *shift; /* norm: raw products (rows, G*H), behind them bias + shift of the input (G*H) */
	int t;
	real *gates, *h_prev, *h, *c_prev, *c;
	real *c_new; /* c before some of it stays; else c */
	eg_cell_args cell; /* what is the same in all steps */
} fwd;

EG_ALWAYS_INLINE real *part(const fwd *f, const eg_buf *b, ptrdiff_t at, ptrdiff_t width) {
	return rows_part(&f->own.r, b, at, width);
}
static ptrdiff_t kept(const fwd *f) { return step_kept(&f->a->s, f->t); }

/* ---- norm: over whole rows --------------------------------------------------------------------------------------- */

/* The norm of x into (or onto) the gates, this rank's rows. */
static void norm_one(const fwd *f, group g, int which, const real *x, ptrdiff_t ld_x, const real *shift, bool acc) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int width = eg_recurrent_xhat(s), column = which >= 2 ? s->G * s->H + g.weight : g.weight;
	const ptrdiff_t first = f->own.own.begin, ld = s->S * s->H;
	const int n = f->own.own.end - f->own.own.begin;
	if (n == 0) return;
	f->own.kern->norm_fwd(&(eg_norm_args){.rows = n,
	        .n = g.n,
	        .eps = s->eps,
	        .acc = acc,
	        .x = x + first * ld_x,
	        .ld_x = ld_x,
	        .gain = (const real *)a->gain.p + column,
	        .bias = shift,
	        .y = f->gates + first * ld + g.at,
	        .ld_y = ld,
	        .xhat = part(f, &a->xhat, kept(f), width) + first * width + column,
	        .ld_xhat = width,
	        .rstd = rstd_at(&f->own.r, &a->rstd, f->t, which) + first});
}

/* gates = norm of x W, with its shift and the bias. */
static void norm_input(const fwd *f) {
	const eg_recurrent_shape *s = &f->a->s;
	group g[2];
	for (int i = 0, n = groups_of(s, true, g); i < n; i++)
		norm_one(f, g[i], i, f->gates + g[i].at, s->S * s->H, f->shift + g[i].weight, false);
}

static void norm_cell(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int width = eg_recurrent_xhat(s), column = 2 * s->G * s->H, n = f->own.own.end - f->own.own.begin;
	const ptrdiff_t first = f->own.own.begin;
	if (n == 0) return;
	f->own.kern->norm_fwd(&(eg_norm_args){.rows = n,
	        .n = s->H,
	        .eps = s->eps,
	        .x = f->c_new + first * s->H,
	        .ld_x = s->H,
	        .gain = (const real *)a->gain.p + column,
	        .bias = (const real *)a->shift.p + column,
	        .y = part(f, &a->cn, kept(f), s->H) + first * s->H,
	        .ld_y = s->H,
	        .xhat = part(f, &a->xhat, kept(f), width) + first * width + column,
	        .ld_xhat = width,
	        .rstd = rstd_at(&f->own.r, &a->rstd, f->t, 4) + first});
}

/* ---- products and cells ------------------------------------------------------------------------------------------ */

/* c = [c +] operand R for this rank's units, and `cell` behind each round; NULL: none. */
static void rounds(const fwd *f, eg_gates_args g, span units, eg_cell_kernel cell, const eg_cell_args *c) {
	const int round = f->own.round, n = (units.end - units.begin + round - 1) / round;
	for (int i = 0; i < n; i++) {
		const int at = units.begin + (f->t & 1 ? n - 1 - i : i) * round;
		const span these = {at, at + round < units.end ? at + round : units.end};
		g.begin = these.begin;
		g.end = these.end;
		f->own.kern->gates_product(&g);
		if (cell) cell_run(cell, c, these);
	}
}

/* gates += operand R for the groups [first, last), then the cell. */
static void recur(const fwd *f, int first, int last, const real *operand, int k, const eg_buf *packed,
	eg_cell_kernel cell, const eg_cell_args *c) {
	const eg_recurrent_shape *s = &f->a->s;
	const span units = f->own.units;
	group g[2];
	int parts = 0;
	groups_of(s, false, g);
	for (int i = first; i < last; i++) parts += g[i].parts;
	eg_gates_args product = {.rows = f->own.r.n,
	        .units = s->H,
	        .parts = parts,
	        .k = k,
	        .acc = !s->norm,
	        .a = operand,
	        .lda = k,
	        .r = packed->p,
	        .c = s->norm ? f->scratch : f->gates + g[first].at,
	        .ldc = (s->norm ? parts : s->S) * s->H,
	        .block = s->H};
	if (!s->norm) {
		rounds(f, product, units, cell, c);
		return;
	}
	rounds(f, product, units, NULL, NULL);
	share_wait(&f->own);
	for (int i = first; i < last; i++)
		norm_one(f, g[i], 2 + i, f->scratch + (g[i].weight - g[first].weight), product.ldc,
		        (const real *)f->a->shift.p + s->G * s->H + g[i].weight, true);
	share_wait(&f->own);
	if (cell) cell_run(cell, c, units);
}

/* x exp(-max(0, wd dt + bd)) into hd, this rank's units; x itself without decay. */
static const real *decayed(const fwd *f, const real *x) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int j = f->own.units.begin, n = f->own.units.end - j;
	if (!a->decay.p) return x;
	const real *w = a->decay.p;
	real *y = part(f, &a->hd, kept(f), s->H);
	if (n > 0)
		f->own.kern->decay_fwd(&(eg_decay_args){.rows = f->own.r.n,
		        .n = n,
		        .x = x + j,
		        .dt = part(f, &a->dt, f->t, 1),
		        .wd = w + j,
		        .bd = w + s->H + j,
		        .y = y + j,
		        .ld_x = s->H,
		        .ld_y = s->H});
	return y;
}
/* h times the mask of the sequence into op, this rank's numbers; h itself without one. */
static const real *masked(const fwd *f, const real *h) {
	const eg_recurrent_fwd_args *a = f->a;
	const int P = a->s.P, j = f->own.outs.begin, n = f->own.outs.end - j;
	if (!a->mask.p) return h;
	real *y = part(f, &a->op, kept(f), P);
	if (n > 0)
		f->own.kern->mul_rows(&(eg_mul_args){.rows = f->own.r.n,
		        .n = n,
		        .a = h + j,
		        .b = part(f, &a->mask, 0, P) + j,
		        .y = y + j,
		        .ld_a = P,
		        .ld_b = P,
		        .ld_y = P});
	return y;
}
/* What is multiplied by R is complete: only then may another rank read it. */
static const real *complete(const fwd *f, const real *operand) {
	if (operand != f->h_prev) share_wait(&f->own);
	return operand;
}

static void rnn_step(const fwd *f) {
	const eg_recurrent_shape *s = &f->a->s;
	eg_cell_args c = f->cell;
	c.gates = f->gates;
	c.h = f->h;
	recur(f, 0, 1, complete(f, masked(f, decayed(f, f->h_prev))), s->P, &f->a->r, f->own.kern->rnn_fwd, &c);
}

static void lstm_step(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	real *m = a->projection.p ? part(f, &a->m, kept(f), s->H) : f->h;
	eg_cell_args c = f->cell;
	c.gates = f->gates;
	c.peephole = a->peephole.p;
	c.c_prev = decayed(f, f->c_prev);
	c.c = f->c_new;
	c.h = s->norm ? NULL : m;
	recur(f, 0, 1, complete(f, masked(f, f->h_prev)), s->P, &a->r, f->own.kern->lstm_fwd, &c);
	if (s->norm) {
		share_wait(&f->own);
		norm_cell(f);
		share_wait(&f->own);
		c.cn = part(f, &a->cn, kept(f), s->H);
		c.h = m;
		cell_run(f->own.kern->lstm_out_fwd, &c, f->own.units);
	}
	if (!a->projection.p) return;
	share_wait(&f->own);
	rounds(f,
	        (eg_gates_args){.rows = f->own.r.n,
	                .units = s->P,
	                .parts = 1,
	                .k = s->H,
	                .a = m,
	                .lda = s->H,
	                .r = a->projection.p,
	                .c = f->h,
	                .ldc = s->P},
	        f->own.outs, NULL, NULL);
}

static void gru_step(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int H = s->H;
	const real *state = decayed(f, f->h_prev), *operand = complete(f, masked(f, state));
	const span units = f->own.units;
	eg_cell_args c = f->cell;
	c.gates = f->gates;
	c.h = f->h;
	if (s->reset_before) {
		c.h_prev = operand;
		c.rh = part(f, &a->m, kept(f), H);
		recur(f, 0, 1, operand, H, &a->r, f->own.kern->gru_reset_fwd, &c);
		share_wait(&f->own);
		c.h_prev = state;
		recur(f, 1, 2, c.rh, H, &a->r2, f->own.kern->gru_out_fwd, &c);
		return;
	}
	assert(f->gates);
	for (int i = 0; i < f->own.r.n; i++) {
		real *q = f->gates + ((ptrdiff_t)i * s->S + 3) * H + units.begin;
		const size_t bytes = (size_t)(units.end - units.begin) * sizeof(real);
		if (a->q_bias.p)
			memcpy(q, (const real *)a->q_bias.p + units.begin, bytes);
		else
			memset(q, 0, bytes);
	}
	c.h_prev = state;
	recur(f, 0, 2, operand, H, &a->r, f->own.kern->gru_fwd, &c);
}

/* ---- around the step --------------------------------------------------------------------------------------------- */

/* Gradients of weights are products over all steps, of gradients that are 0 where a sequence has ended and of what was
 * kept there: whatever the input held, that must be numbers. Also where the step was left out. */
static void clear_kept(const fwd *f, int i) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int width = eg_recurrent_xhat(s);
	const struct {
		const eg_buf *buf;
		int width;
		span columns;
	} all[] = {{&a->m, s->H, f->own.units}, {&a->hd, s->H, f->own.units}, {&a->op, s->P, f->own.outs},
	        {&a->raw, s->H, f->own.units},
	        {&a->xhat, width, i >= f->own.own.begin && i < f->own.own.end ? (span){0, width} : (span){0, 0}}};
	for (int k = 0; k < EG_COUNT(all); k++) {
		real *x = part(f, all[k].buf, kept(f), all[k].width);
		if (x) zero_columns(x + (ptrdiff_t)i * all[k].width, all[k].width, 1, all[k].columns);
	}
}

/* Some numbers of a state stay as they were (Krueger et al. 2017): those that `stays` has 0 for, or a share of each. */
static void stay(const fwd *f, const eg_buf *stays, real portion, const real *made, const real *was, real *to, int width, span columns) {
	const real *m = part(f, stays, f->t, width);
	for (int i = 0; i < f->own.r.n; i++) {
		const ptrdiff_t at = (ptrdiff_t)i * width;
		for (int j = columns.begin; j < columns.end; j++) {
			if (m) to[at + j] = m[at + j] == 0 ? was[at + j] : made[at + j];
			else to[at + j] = made[at + j] + portion * (was[at + j] - made[at + j]);
		}
	}
}

EG_ALWAYS_INLINE void zone_out(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	if (a->stays_h.p || s->zone_h != 0) stay(f, &a->stays_h, s->zone_h, f->h, f->h_prev, f->h, s->P, f->own.outs);
	if (f->c_new != f->c) stay(f, &a->stays_c, s->zone_c, f->c_new, f->c_prev, f->c, s->H, f->own.units);
}

/* Rows whose sequence has ended keep their state. */
static void freeze(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const bool clears = a->s.keep && (a->m.p || a->hd.p || a->op.p || a->xhat.p || a->raw.p);
	if (clears) share_wait(&f->own); /* the others still read the rows that are cleared now */
	const ptrdiff_t H = f->a->s.H, P = f->a->s.P;
	for (int i = 0; i < f->own.r.n; i++) {
		if (row_active(&f->own.r, i, f->t)) continue;
		if (clears) clear_kept(f, i);
		copy_columns(f->h + i * P, P, f->h_prev + i * P, P, 1, f->own.outs);
		if (f->c) copy_columns(f->c + i * H, H, f->c_prev + i * H, H, 1, f->own.units);
	}
}

/* A row of activations in the order of the weights. */
static void put_acts(const eg_recurrent_shape *s, real *to, const real *gates, bool on, span units) {
	const ptrdiff_t H = s->H;
	for (int g = 0; g < s->G; g++) {
		const int from = s->cell == EG_CELL_GRU ? (g + 1) % 3 : g;
		if (on)
			copy_columns(to + g * H, H, gates + from * H, H, 1, units);
		else
			zero_columns(to + g * H, H, 1, units);
	}
}

static void put_outputs(const fwd *f) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const ptrdiff_t H = s->H, P = s->P;
	const rows *r = &f->own.r;
	real *y = part(f, &a->y, f->t - s->y0, a->ld_y), *states = part(f, &a->states, f->t, P);
	real *cells = part(f, &a->cells, f->t, H), *acts = part(f, &a->acts, f->t, s->G * H);
	if (states) copy_columns(states, P, f->h, P, r->n, f->own.outs);
	if (cells) copy_columns(cells, H, f->c, H, r->n, f->own.units);
	for (int i = 0; i < r->n && (y || acts); i++) {
		const bool on = row_active(r, i, f->t);
		if (acts) put_acts(s, acts + i * s->G * H, f->gates + i * s->S * H, on, f->own.units);
		if (!y) continue;
		real *to = y + i * a->ld_y;
		if (on && a->add)
			add_columns(to, f->h + i * P, f->own.outs);
		else if (on)
			copy_columns(to, P, f->h + i * P, P, 1, f->own.outs);
		else if (!a->add)
			zero_columns(to, P, 1, f->own.outs);
	}
}

/* to (rows, width) = the carried state, or the one that is given, or zero. */
static void begin_state(const share *o, const eg_buf *to, int at, const eg_buf *carried, const eg_buf *given, int width,
	span columns) {
	const real *from = rows_part(&o->r, carried->p ? carried : given, 0, width);
	real *x = rows_part(&o->r, to, at, width);
	if (x && from)
		copy_columns(x, width, from, width, o->r.n, columns);
	else if (x)
		zero_columns(x, width, o->r.n, columns);
}

static void end_state(const share *o, const eg_buf *from, int at, const eg_buf *to, int width, span columns) {
	real *x = rows_part(&o->r, to, 0, width);
	if (x) copy_columns(x, width, rows_part(&o->r, from, at, width), width, o->r.n, columns);
}

/* Bias + shift of the input's norm, by one rank for all. */
static void make_shift(const fwd *f) {
	const eg_recurrent_shape *s = &f->a->s;
	const int n = s->G * s->H;
	if (!s->norm || (f->own.ranks && f->own.ranks->rank > 0)) return;
	memcpy(f->shift, f->a->shift.p, (size_t)n * sizeof(real));
	if (f->a->bias.p) add_columns(f->shift, f->a->bias.p, (span){0, n});
}

/* Where these rows lie in this step. */
static void place(fwd *f, int step) {
	const eg_recurrent_fwd_args *a = f->a;
	const eg_recurrent_shape *s = &a->s;
	const int before = row_before(s, step, f->t), after = row_after(s, step, f->t);
	f->gates = part(f, &a->gates, f->t - s->t0, s->S * s->H);
	f->h_prev = part(f, &a->hs, before, s->P);
	f->h = part(f, &a->hs, after, s->P);
	f->c_prev = part(f, &a->cs, before, s->H);
	f->c = part(f, &a->cs, after, s->H);
	f->c_new = a->raw.p ? part(f, &a->raw, kept(f), s->H) : f->c;
}

static void these_rows(const fwd *f) {
	const eg_recurrent_shape *s = &f->a->s;
	if (s->norm) norm_input(f);
	(s->cell == EG_CELL_LSTM ? lstm_step : s->cell == EG_CELL_GRU ? gru_step : rnn_step)(f);
	zone_out(f);
}
/* Of these, those from the first to the last that the step has. */
static void few_rows(fwd f) {
	const eg_recurrent_shape *s = &f.a->s;
	const ptrdiff_t first = share_narrow(&f.own, f.t);
	f.cell.rows = f.own.r.n;
	f.gates += first * s->S * s->H;
	f.h_prev += first * s->P, f.h += first * s->P;
	if (f.c) f.c_prev += first * s->H, f.c += first * s->H, f.c_new += first * s->H;
	these_rows(&f);
}

static void one_step(fwd *f, int step) {
	const eg_recurrent_shape *s = &f->a->s;
	f->t = s->reverse ? s->T - 1 - step : step;
	place(f, step);
	if (f->t < f->own.r.longest) {
		if (f->own.r.lengths)
			few_rows(*f);
		else
			these_rows(f);
	}
	if (rows_end_early(&f->own.r, f->t)) freeze(f);
	put_outputs(f);
	share_wait(&f->own);
}

static void forward(const eg_recurrent_fwd_args *a, int begin, int end, const eg_ranks *ranks, const eg_worker *worker) {
	const eg_recurrent_shape *s = &a->s;
	fwd f = {.a = a, .own = share_of(worker->kernels, s, &a->lengths, begin, end, ranks), .scratch = worker->scratch};
	const share *o = &f.own;
	const int last = s->first + s->count - 1;
	assert(0 <= begin && begin <= end && end <= s->N && s->first >= 0 && last < s->T && a->hs.p);
	if (begin == end || s->count == 0) return;
	f.cell = cell_of(s, o->r.n);
	f.shift = f.scratch + (ptrdiff_t)o->r.n * s->G * s->H;
	make_shift(&f);
	if (s->begins) {
		const int before = row_before(s, s->first, s->reverse ? s->T - 1 - s->first : s->first);
		begin_state(o, &a->hs, before, &a->state_h, &a->h0, s->P, o->outs);
		begin_state(o, &a->cs, before, &a->state_c, &a->c0, s->H, o->units);
	}
	if (s->norm || s->begins) share_wait(o);
	for (int step = s->first; step <= last; step++) one_step(&f, step);
	if (!s->ends) return;
	const int after = row_after(s, last, f.t);
	end_state(o, &a->hs, after, &a->hn, s->P, o->outs);
	end_state(o, &a->cs, after, &a->last_c, s->H, o->units);
	if (last < s->T - 1) return;
	end_state(o, &a->hs, after, &a->state_h, s->P, o->outs);
	end_state(o, &a->cs, after, &a->state_c, s->H, o->units);
}

static void recurrent_fwd(const void *args, int begin, int end, const eg_worker *worker) { forward(args, begin, end, NULL, worker); }
static void recurrent_fwd_joint(const void *args, const eg_ranks *ranks, const eg_worker *worker) {
	const eg_recurrent_fwd_args *a = args;
	forward(a, 0, a->s.N, ranks, worker);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static size_t recurrent_scratch(const eg_recurrent_shape *s) {
	size_t wide = (size_t)(s->H > s->P ? s->H : s->P), row = (size_t)s->G * (size_t)s->H;
	size_t fwd_bytes = s->norm ? row * ((size_t)s->N + 1) : 0, bwd_bytes = s->keep ? 9 * wide * (size_t)s->N : 0;
	return (fwd_bytes > bwd_bytes ? fwd_bytes : bwd_bytes) * sizeof(real);
}

void eg_kernels_recurrent(eg_kernels *k) {
	EG_FILL(k, recurrent_fwd, recurrent_fwd);
	EG_FILL(k, recurrent_fwd_joint, recurrent_fwd_joint);
	EG_FILL(k, recurrent_scratch, recurrent_scratch);
	eg_kernels_recurrent_bwd(k);
}

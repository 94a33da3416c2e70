/* recurrent_bwd.c - the scheduler of a sequence, backward, under the rules of recurrent.c. Rows whose sequence has
 * ended hand their state's gradient on as it is.
 *
 * Not here: gradients of weights and of the input (src/ops/recurrent_emit_bwd.c). */
#include "kern/recurrent_share.h"

typedef struct bwd {
	const eg_recurrent_bwd_args *a;
	share own;
	int t;
	real *gates;
	const real *h_prev, *c_prev, *c;
	real *dh, *dc;           /* (rows,P), (rows,H): gradients of the state after the step */
	real *dh_prev, *dc_prev; /* before it */
	real *work[3];           /* (rows, max(H,P)) */
	real *stays_h, *stays_c; /* what of dh and dc goes past the step, where some of the state has stayed */
	eg_cell_args cell;       /* what is the same in all steps */
} bwd;

static real *part(const bwd *b, const eg_buf *buf, ptrdiff_t at, ptrdiff_t width) {
	return rows_part(&b->own.r, buf, at, width);
}
static ptrdiff_t kept(const bwd *b) { return step_kept(&b->a->s, b->t); }

/* ---- norm -------------------------------------------------------------------------------------------------------- */

/* dx = [dx +] through the norm whose xhat and gain begin at `column`; n columns of this rank's rows. */
static void unnorm_one(
	const bwd *b, int n, int column, int which, const real *dy, ptrdiff_t ld_dy, real *dx, ptrdiff_t ld_dx, bool acc) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const int width = eg_recurrent_xhat(s), m = b->own.own.end - b->own.own.begin;
	const ptrdiff_t first = b->own.own.begin;
	if (m == 0) return;
	b->own.kern->norm_bwd(&(eg_norm_args){.rows = m,
	        .n = n,
	        .eps = s->eps,
	        .acc = acc,
	        .dy = dy + first * ld_dy,
	        .ld_dy = ld_dy,
	        .gain = (const real *)a->gain.p + column,
	        .xhat = part(b, &a->xhat, kept(b), width) + first * width + column,
	        .ld_xhat = width,
	        .rstd = rstd_at(&b->own.r, &a->rstd, b->t, which) + first,
	        .dx = dx + first * ld_dx,
	        .ld_dx = ld_dx});
}

/* Of one group: from the gradient in gates into `to`, in the order of the weights. */
static void unnorm(const bwd *b, group g, int which, const eg_buf *to) {
	const eg_recurrent_shape *s = &b->a->s;
	const int n = s->G * s->H;
	unnorm_one(b, g.n, which >= 2 ? n + g.weight : g.weight, which, b->gates + g.at, s->S * s->H,
	        part(b, to, kept(b), n) + g.weight, n, false);
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* to (rows,n) = [to +] from (rows,k) R for this rank's columns. */
static void multiply(
	const bwd *b, const real *from, ptrdiff_t ld, const eg_buf *packed, int k, real *to, int n, span columns, bool acc) {
	const int width = b->own.kern->gates_width, most = ROUND_WEIGHTS / (k * (int)sizeof(real)) / width * width;
	const int round = most < width ? width : most, rounds = (columns.end - columns.begin + round - 1) / round;
	for (int i = 0; i < rounds; i++) {
		const int at = columns.begin + (b->t & 1 ? rounds - 1 - i : i) * round;
		b->own.kern->gates_product(&(eg_gates_args){.rows = b->own.r.n,
		        .begin = at,
		        .end = at + round < columns.end ? at + round : columns.end,
		        .units = n,
		        .parts = 1,
		        .k = k,
		        .acc = acc,
		        .a = from,
		        .lda = ld,
		        .r = packed->p,
		        .c = to,
		        .ldc = n});
	}
}

/* to (rows,k) = [to +] gradient of what was multiplied by R, from the gradients of the groups [first, last), which are
 * complete for this rank's units. */
static void unrecur(const bwd *b, int first, int last, const eg_buf *packed, int k, real *to, bool acc) {
	const eg_recurrent_shape *s = &b->a->s;
	group g[2];
	int n = 0;
	groups_of(s, false, g);
	for (int i = first; i < last; i++) n += g[i].n;
	const real *from = b->gates + g[first].at;
	ptrdiff_t ld = s->S * s->H;
	share_wait(&b->own);
	if (s->norm) {
		for (int i = first; i < last; i++) unnorm(b, g[i], 2 + i, &b->a->dhr);
		ld = s->G * s->H;
		from = part(b, &b->a->dhr, kept(b), ld) + g[first].weight;
		share_wait(&b->own);
	}
	multiply(b, from, ld, packed, n, to, k, b->own.outs, acc);
}

/* ---- element by element ------------------------------------------------------------------------------------------ */

static void undecay(const bwd *b, const real *dy, const real *x, real *dx) {
	const eg_recurrent_bwd_args *a = b->a;
	const int H = a->s.H, j = b->own.units.begin, n = b->own.units.end - j;
	const real *w = a->decay.p;
	if (n == 0) return;
	b->own.kern->decay_bwd(&(eg_decay_args){.rows = b->own.r.n,
	        .n = n,
	        .x = x + j,
	        .dt = part(b, &a->dt, b->t, 1),
	        .wd = w + j,
	        .bd = w + H + j,
	        .dy = dy + j,
	        .dx = dx + j,
	        .du = part(b, &a->du, kept(b), H) + j,
	        .ld_x = H,
	        .ld_dy = H,
	        .ld_dx = H,
	        .ld_du = H});
}

/* to = [to +] d times the mask; d may be to. */
static void unmask(const bwd *b, const real *d, real *to, bool acc) {
	const int P = b->a->s.P, j = b->own.outs.begin, n = b->own.outs.end - j;
	if (!b->a->mask.p || n == 0) return;
	b->own.kern->mul_rows(&(eg_mul_args){.rows = b->own.r.n,
	        .n = n,
	        .acc = acc,
	        .a = d + j,
	        .b = part(b, &b->a->mask, 0, P) + j,
	        .y = to + j,
	        .ld_a = P,
	        .ld_b = P,
	        .ld_y = P});
}

/* The state that the cell saw: after the decay. */
static const real *seen(const bwd *b, const real *state) {
	return b->a->decay.p ? part(b, &b->a->hd, kept(b), b->a->s.H) : state;
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void rnn_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	eg_cell_args c = b->cell;
	real *d = a->decay.p ? b->work[0] : b->dh_prev;
	c.gates = b->gates;
	c.dh = b->dh;
	cell_run(b->own.kern->rnn_bwd, &c, b->own.units);
	unrecur(b, 0, 1, &a->r, s->P, d, false);
	unmask(b, d, d, false);
	if (a->decay.p) undecay(b, d, b->h_prev, b->dh_prev);
}

static void lstm_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const int H = s->H, P = s->P, n = b->own.r.n;
	eg_cell_args c = b->cell;
	c.gates = b->gates;
	c.dh = b->dh;
	if (a->projection.p) {
		copy_columns(part(b, &a->dp, kept(b), P), P, b->dh, P, n, b->own.outs);
		share_wait(&b->own);
		multiply(b, b->dh, P, &a->projection, P, b->work[0], H, b->own.units, false);
		c.dh = b->work[0];
	}
	c.dc = b->dc;
	c.c_prev = seen(b, b->c_prev);
	c.c = (real *)(uintptr_t)b->c;
	c.peephole = a->peephole.p;
	if (s->norm) {
		c.cn = part(b, &a->cn, kept(b), H);
		c.dcn = part(b, &a->dnc, kept(b), H);
		cell_run(b->own.kern->lstm_out_bwd, &c, b->own.units);
		copy_columns(b->work[1], H, b->dc, H, n, b->own.units);
		share_wait(&b->own);
		unnorm_one(b, H, 2 * s->G * H, 4, c.dcn, H, b->work[1], H, true);
		share_wait(&b->own);
		c.dc = b->work[1];
	}
	c.dc_prev = a->decay.p ? b->work[2] : b->dc_prev;
	cell_run(b->own.kern->lstm_bwd, &c, b->own.units);
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
	eg_cell_args c = b->cell;
	c.gates = b->gates;
	c.dh = b->dh;
	c.h_prev = state;
	c.dh_prev = d;
	if (a->mask.p) zero_columns(operand, H, b->own.r.n, b->own.units);
	if (s->reset_before) {
		cell_run(b->own.kern->gru_out_bwd, &c, b->own.units);
		unrecur(b, 1, 2, &a->r2, H, b->work[2], false);
		c.drh = b->work[2];
		c.h_prev = a->mask.p ? part(b, &a->op, kept(b), H) : state;
		c.dh_prev = operand;
		cell_run(b->own.kern->gru_reset_bwd, &c, b->own.units);
		unrecur(b, 0, 1, &a->r, H, operand, true);
	} else {
		cell_run(b->own.kern->gru_bwd, &c, b->own.units);
		unrecur(b, 0, 2, &a->r, H, operand, true);
	}
	unmask(b, operand, d, true);
	if (a->decay.p) undecay(b, d, b->h_prev, b->dh_prev);
}

/* ---- zoneout ----------------------------------------------------------------------------------------------------- */

/* Of the gradient d of a state, what comes from numbers that have stayed is taken out, into `past`; rows whose sequence
 * has ended have all of it pass in another way. */
static void split_off(const bwd *b, const eg_buf *stays, real portion, real *d, real *past, int width, span columns) {
	const real *m = part(b, stays, b->t, width);
	for (int i = 0; i < b->own.r.n; i++) {
		const ptrdiff_t at = (ptrdiff_t)i * width;
		const bool active = row_active(&b->own.r, i, b->t);
		for (int j = columns.begin; j < columns.end; j++) {
			const real all = d[at + j];
			past[at + j] = !active ? 0 : m ? m[at + j] == 0 ? all : 0 : portion * all;
			d[at + j] = all - past[at + j];
		}
	}
}

static bool zoned(const eg_buf *stays, real portion) { return stays->p || portion != 0; }

static void before_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	if (zoned(&a->stays_h, s->zone_h)) split_off(b, &a->stays_h, s->zone_h, b->dh, b->stays_h, s->P, b->own.outs);
	if (zoned(&a->stays_c, s->zone_c)) split_off(b, &a->stays_c, s->zone_c, b->dc, b->stays_c, s->H, b->own.units);
}

static void after_unstep(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	for (ptrdiff_t i = 0; i < b->own.r.n; i++) {
		if (zoned(&a->stays_h, s->zone_h)) add_columns(b->dh_prev + i * s->P, b->stays_h + i * s->P, b->own.outs);
		if (zoned(&a->stays_c, s->zone_c)) add_columns(b->dc_prev + i * s->H, b->stays_c + i * s->H, b->own.units);
	}
}

/* ---- around the step --------------------------------------------------------------------------------------------- */

/* Of a row whose sequence has ended nothing flows but the state's own gradient. */
static void pass_through(const bwd *b, int i) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const struct {
		const eg_buf *buf;
		int parts, width;
		span columns;
	} all[] = {{&a->gates, s->S, s->H, b->own.units}, {&a->dp, 1, s->P, b->own.outs}, {&a->dxw, s->G, s->H, b->own.units},
	        {&a->dhr, s->G, s->H, b->own.units}, {&a->dnc, 1, s->H, b->own.units}, {&a->du, 1, s->H, b->own.units}};
	for (int k = 0; k < EG_COUNT(all); k++) {
		const ptrdiff_t width = all[k].width, row = all[k].parts * width;
		real *x = part(b, all[k].buf, kept(b), row);
		for (int p = 0; x && p < all[k].parts; p++) zero_columns(x + i * row + p * width, width, 1, all[k].columns);
	}
	copy_columns(b->dh_prev + (ptrdiff_t)i * s->P, s->P, b->dh + (ptrdiff_t)i * s->P, s->P, 1, b->own.outs);
	copy_columns(b->dc_prev + (ptrdiff_t)i * s->H, s->H, b->dc + (ptrdiff_t)i * s->H, s->H, 1, b->own.units);
}

/* Where these rows lie in this step. */
static void place(bwd *b, int step) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const int before = row_before(s, step, b->t), after = row_after(s, step, b->t);
	b->gates = part(b, &a->gates, kept(b), s->S * s->H);
	b->h_prev = part(b, &a->hs, before, s->P);
	b->c_prev = part(b, &a->cs, before, s->H);
	b->c = a->raw.p ? part(b, &a->raw, kept(b), s->H) : part(b, &a->cs, after, s->H);
}

static void these_rows(const bwd *b) {
	const eg_recurrent_bwd_args *a = b->a;
	const eg_recurrent_shape *s = &a->s;
	const rows *r = &b->own.r;
	const real *dy = part(b, &a->dy, b->t - s->y0, a->ld_dy);
	for (int i = 0; i < r->n && dy; i++)
		if (row_active(r, i, b->t)) add_columns(b->dh + (ptrdiff_t)i * s->P, dy + i * a->ld_dy, b->own.outs);
	before_unstep(b);
	(s->cell == EG_CELL_LSTM ? lstm_unstep : s->cell == EG_CELL_GRU ? gru_unstep : rnn_unstep)(b);
	after_unstep(b);
	group g[2];
	for (int i = 0, n = groups_of(s, true, g); i < n && s->norm; i++) unnorm(b, g[i], i, &a->dxw);
}
/* Of these, those from the first to the last that the step has. */
static void few_rows(bwd b) {
	const eg_recurrent_shape *s = &b.a->s;
	const ptrdiff_t first = share_narrow(&b.own, b.t);
	b.cell.rows = b.own.r.n;
	b.dh += first * s->P, b.dh_prev += first * s->P;
	b.dc += first * s->H, b.dc_prev += first * s->H;
	b.gates += first * s->S * s->H, b.h_prev += first * s->P;
	if (b.c) b.c_prev += first * s->H, b.c += first * s->H;
	these_rows(&b);
}

static void unstep(bwd *b, int step) {
	const rows *r = &b->own.r;
	place(b, step);
	if (b->t < r->longest) {
		if (r->lengths)
			few_rows(*b);
		else
			these_rows(b);
	}
	if (!rows_end_early(r, b->t)) return;
	share_wait(&b->own); /* the others still read the rows that are cleared now */
	for (int i = 0; i < r->n; i++)
		if (!row_active(r, i, b->t)) pass_through(b, i);
}

/* to = [to +] the gradient that has come to the first state. */
static void put_state_gradient(const share *o, const eg_buf *to, const real *d, ptrdiff_t width, span columns, bool acc) {
	real *x = rows_part(&o->r, to, 0, width);
	for (int i = 0; x && i < o->r.n; i++) {
		if (acc)
			add_columns(x + i * width, d + i * width, columns);
		else
			copy_columns(x + i * width, width, d + i * width, width, 1, columns);
	}
}

/* The gradient of the state behind the last step of this call: dhn; zero where that is absent. */
static void get_state_gradient(const share *o, const eg_buf *from, real *d, int width, span columns) {
	const real *x = rows_part(&o->r, from, 0, width);
	if (x)
		copy_columns(d, width, x, width, o->r.n, columns);
	else
		zero_columns(d, width, o->r.n, columns);
}

static void backward(const eg_recurrent_bwd_args *a, int begin, int end, const eg_ranks *ranks, const eg_worker *worker) {
	const eg_recurrent_shape *s = &a->s;
	const int wide = s->H > s->P ? s->H : s->P;
	bwd b = {.a = a, .own = share_of(worker->kernels, s, &a->lengths, begin, end, ranks)};
	const share *o = &b.own;
	real *places[9];
	assert(0 <= begin && begin <= end && end <= s->N && s->keep && a->hs.p && a->gates.p);
	if (begin == end) return;
	for (int i = 0; i < 9; i++) places[i] = (real *)worker->scratch + (ptrdiff_t)i * o->r.n * wide;
	b.dh = places[0], b.dh_prev = places[1], b.dc = places[2], b.dc_prev = places[3];
	for (int i = 0; i < 3; i++) b.work[i] = places[4 + i];
	b.stays_h = places[7], b.stays_c = places[8];
	b.cell = cell_of(s, o->r.n);
	get_state_gradient(o, &a->dhn, b.dh, s->P, o->outs);
	get_state_gradient(o, &a->dcn, b.dc, s->H, o->units);
	for (int step = s->first + s->count - 1; step >= s->first; step--) {
		b.t = s->reverse ? s->T - 1 - step : step;
		unstep(&b, step);
		real *dh = b.dh, *dc = b.dc;
		b.dh = b.dh_prev, b.dh_prev = dh;
		b.dc = b.dc_prev, b.dc_prev = dc;
	}
	put_state_gradient(o, &a->dh0, b.dh, s->P, o->outs, a->add_h);
	put_state_gradient(o, &a->dc0, b.dc, s->H, o->units, a->add_c);
}

static void recurrent_bwd(const void *args, int begin, int end, const eg_worker *worker) { backward(args, begin, end, NULL, worker); }
static void recurrent_bwd_joint(const void *args, const eg_ranks *ranks, const eg_worker *worker) {
	const eg_recurrent_bwd_args *a = args;
	backward(a, 0, a->s.N, ranks, worker);
}

void eg_kernels_recurrent_bwd(eg_kernels *k) {
	EG_FILL(k, recurrent_bwd, recurrent_bwd);
	EG_FILL(k, recurrent_bwd_joint, recurrent_bwd_joint);
}

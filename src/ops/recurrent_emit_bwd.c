/* recurrent_emit_bwd.c - the calls of recurrent layers, backward.
 *
 * From the last layer down: the recurrence backwards, which turns the kept gates into their gradients, then the
 * gradients of inputs and weights as products over all steps.
 *
 * With checkpoints time is taken by segments, from the last to the first: through each forward once more to have its
 * gates, and then back.
 *
 * Not here: what is computed in a step (kern/recurrent_bwd.c), the way forward (recurrent_emit_fwd.c). */
#include "ops/dense.h"
#include "ops/recurrent_emit.h"
#include "ops/sequence.h"

static void set_segment(recurrent_seq *s, int i, bool reverse) {
	s->first = i * s->segment;
	s->count = s->T - s->first < s->segment ? s->T - s->first : s->segment;
	s->k0 = reverse ? s->T - s->first - s->count : s->first;
}
/* dw (m,n) = [dw +] d^T x over all rows of these steps; d and x have ldd and ldx columns. */
static void outer(const recurrent_seq *s, eg_buf d, int ldd, eg_buf x, int ldx, eg_buf dw, int m, int n, bool acc) {
	dense_gemm(s->e, (eg_gemm_args){.a = d,
	        .b = x,
	        .lengths = s->lengths,
	        .c = dw,
	        .m = m,
	        .n = n,
	        .k = s->count * s->N,
	        .N = s->N,
	        .t0 = s->k0,
	        .lda = ldd,
	        .ldb = ldx,
	        .ldc = n,
	        .ta = true,
	        .acc = acc});
}

static void sum(const recurrent_seq *s, eg_buf x, int ld, eg_buf y, int n, bool acc) {
	dense_sum_rows(s->e, (eg_sum_rows_args){.x = x, .y = y, .m = s->count * s->N, .n = n, .ld = ld, .acc = acc});
}

/* y[j] = [y[j] +] sum of x z over the rows. */
static void dot(const recurrent_seq *s, eg_buf x, int ldx, eg_buf z, int ldz, eg_buf y, int n, bool per_row, bool acc) {
	eg_dot_rows_args a = {.x = x,
	        .z = z,
	        .y = y,
	        .m = s->count * s->N,
	        .n = n,
	        .ldx = ldx,
	        .ldz = ldz,
	        .per_row = per_row,
	        .acc = acc};
	OP_CALL(s->e, dot_rows, a, 2, 1, .units = (n + 63) / 64, .flops = 2.0 * a.m * n);
}

/* A gradient and whether to add to it. */
typedef struct target {
	eg_buf buf;
	bool acc;
} target;

static target gradient(const recurrent_seq *s, int l, recurrent_weight kind) {
	target t = {.acc = false};
	if (recurrent_has(s->r, kind)) t.buf = eg_emit_dw(s->e, recurrent_param(s->r, l, kind), &t.acc);
	return t;
}
static target input_gradient(const recurrent_seq *s, int port) {
	target t = {.acc = false};
	if (port >= 0 && eg_emit_has_in(s->e, port) && eg_emit_needs_dx(s->e, port))
		t.buf = eg_emit_dx(s->e, port, EG_PLAIN, &t.acc);
	return t;
}

/* Gradients of the inputs, asked for once. */
typedef struct inputs {
	target h0, c0, dt;
} inputs;

/* A layer in one direction on its way back, one segment after the other. */
typedef struct back {
	recurrent_lane again;                /* the way forward once more, and what it keeps */
	eg_buf w[2], r[2], projection; /* packed for the transposed products */
	eg_buf dp, dxw, dhr, dnc, du;
	eg_buf dh, dc; /* gradients of the state between two segments */
	eg_buf dy, dx; /* from time y0, x0 on */
	int y0, x0;
	bool acc; /* dx: add */
} back;

static back back_of(const recurrent_seq *s, int l, int d) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P, I = recurrent_inputs(r, l, s->I);
	const int64_t all = N * (s->segment ? s->segment : s->T);
	back b = {.again = {.mem = recurrent_memory_of(s, l, d, (eg_buf){0}), .again = true}};
	recurrent_span g[2];
	if (s->segment) {
		recurrent_pack_weights(s, l, d, &b.again);
		b.dh = eg_emit_temp(s->e, EG_ELEM_REAL, N * P, false);
		if (r->cell == EG_CELL_LSTM) b.dc = eg_emit_temp(s->e, EG_ELEM_REAL, N * H, false);
	}
	for (int i = 0, n = recurrent_state_spans(r, g); i < n; i++)
		b.r[i] = recurrent_packed(s, recurrent_weight_of(s, l, RECURRENT_WEIGHT, d, g[i].row * P), g[i].n, P, 1, P, false);
	for (int i = 0, n = recurrent_input_spans(r, g); i < n && (l > 0 || eg_emit_needs_dx(s->e, 0)); i++)
		b.w[i] = dense_packed(s->e, recurrent_weight_of(s, l, WEIGHT, d, g[i].row * I), g[i].n, I, I, false);
	if (recurrent_has(r, PROJECTION)) {
		b.projection = recurrent_packed(s, recurrent_weight_of(s, l, PROJECTION, d, 0), P, H, 1, H, false);
		b.dp = eg_emit_temp(s->e, EG_ELEM_REAL, all * P, false);
	}
	if (r->norm) {
		b.dxw = eg_emit_temp(s->e, EG_ELEM_REAL, all * r->G * H, false);
		b.dhr = eg_emit_temp(s->e, EG_ELEM_REAL, all * r->G * H, false);
		if (r->cell == EG_CELL_LSTM) b.dnc = eg_emit_temp(s->e, EG_ELEM_REAL, all * H, false);
	}
	if (r->decay) b.du = eg_emit_temp(s->e, EG_ELEM_REAL, all * H, false);
	return b;
}

/* The recurrence of one layer and direction backwards; what it leaves is in *a. */
static void emit_unsteps(const recurrent_seq *s, int l, int d, const back *b, eg_recurrent_bwd_args *a, const inputs *in) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P;
	const recurrent_memory *m = &b->again.mem;
	*a = (eg_recurrent_bwd_args){.s = recurrent_shape_of(s, d),
	        .r = b->r[0],
	        .r2 = b->r[1],
	        .projection = b->projection,
	        .hs = m->hs,
	        .cs = m->cs,
	        .op = m->op,
	        .hd = m->hd,
	        .m = m->m,
	        .xhat = m->xhat,
	        .rstd = m->rstd,
	        .cn = m->cn,
	        .gates = m->gates,
	        .mask = m->mask,
	        .raw = m->raw,
	        .stays_h = m->stays_h,
	        .stays_c = m->stays_c,
	        .dp = b->dp,
	        .dxw = b->dxw,
	        .dhr = b->dhr,
	        .dnc = b->dnc,
	        .du = b->du,
	        .lengths = s->lengths,
	        .dt = s->dt};
	a->peephole = recurrent_weight_of(s, l, PEEPHOLE, d, 0);
	a->gain = recurrent_weight_of(s, l, NORM_GAIN, d, 0);
	a->decay = recurrent_weight_of(s, l, DECAY, d, 0);
	a->s.y0 = b->y0;
	a->dy = eg_emit_part(s->e, b->dy, r->sum ? 0 : d * P);
	a->ld_dy = (ptrdiff_t)recurrent_inputs(r, l + 1, s->I);
	a->dhn = b->dh;
	a->dcn = b->dc;
	if (s->first + s->count == s->T) {
		a->dhn = eg_emit_part(s->e, eg_emit_dy(s->e, s->port.hn, EG_PLAIN), (l * s->D + d) * N * P);
		a->dcn = (eg_buf){0};
		if (s->port.cn >= 0)
			a->dcn = eg_emit_part(s->e, eg_emit_dy(s->e, s->port.cn, EG_PLAIN), (l * s->D + d) * N * H);
	}
	a->dh0 = b->dh;
	a->dc0 = b->dc;
	if (s->first == 0) {
		a->dh0 = eg_emit_part(s->e, in->h0.buf, (l * s->D + d) * N * P);
		a->dc0 = eg_emit_part(s->e, in->c0.buf, (l * s->D + d) * N * H);
		a->add_h = in->h0.acc;
		a->add_c = in->c0.acc;
	}
	OP_CALL(s->e, recurrent_bwd, *a, EG_RECURRENT_BWD_READS, EG_RECURRENT_BWD_WRITES, .units = s->N,
	        .scratch = eg_emit_kernels(s->e)->recurrent_scratch(&a->s),
	        .flops = 2.0 * (double)N * s->count * (double)H * (r->G * (double)P + 20),
	        .joint = recurrent_joint_of(s, eg_emit_kernels(s->e)->recurrent_bwd_joint, s->count));
}

/* Gradients of the gates as the products see them: row `row` of the weights is column *ld ... of the result. */
static eg_buf span_gradient(const recurrent_seq *s, const eg_recurrent_bwd_args *a, recurrent_span g, bool input, int *ld) {
	*ld = (s->r->norm ? s->r->G : s->r->S) * s->r->H;
	if (!s->r->norm) return eg_emit_part(s->e, a->gates, g.at);
	return eg_emit_part(s->e, input ? a->dxw : a->dhr, g.row);
}

static void input_gradients(const recurrent_seq *s, int l, const back *b, const eg_recurrent_bwd_args *a) {
	const int64_t I = recurrent_inputs(s->r, l, s->I);
	recurrent_span g[2];
	int ld;
	for (int i = 0, n = recurrent_input_spans(s->r, g); i < n && b->dx.p; i++) {
		eg_buf from = span_gradient(s, a, g[i], true, &ld);
		dense_product(s->e, (eg_gemm_packed_args){.a = from,
		                   .b = b->w[i],
		                   .lengths = s->lengths,
		                   .N = s->N,
		                   .t0 = s->k0,
		                   .c = eg_emit_part(s->e, b->dx, (s->k0 - b->x0) * s->N * I),
		                   .m = s->count * s->N,
		                   .n = (int)I,
		                   .k = g[i].n,
		                   .lda = ld,
		                   .ldc = (int)I,
		                   .acc = b->acc || i > 0});
	}
}

static void norm_gradients(const recurrent_seq *s, int l, int d, const eg_recurrent_bwd_args *a, const target t[]) {
	const recurrent *r = s->r;
	const int H = r->H, n = r->G * H, width = eg_recurrent_xhat(&a->s), ld = r->S * H;
	recurrent_span g[2];
	for (int state = 0; state < 2; state++)
		for (int i = 0, groups = recurrent_input_spans(r, g); i < groups; i++) {
			int column = state * n + g[i].row;
			int at = state && i == 1 && !r->reset_before ? 3 * H : g[i].at; /* q of gru */
			eg_buf from = eg_emit_part(s->e, a->gates, at);
			dot(s, from, ld, eg_emit_part(s->e, a->xhat, column), width,
			        recurrent_part(s, t[NORM_GAIN].buf, l, NORM_GAIN, d, column), g[i].n, false, t[NORM_GAIN].acc);
			sum(s, from, ld, recurrent_part(s, t[NORM_BIAS].buf, l, NORM_BIAS, d, column), g[i].n,
			        t[NORM_BIAS].acc);
		}
	if (r->cell != EG_CELL_LSTM) return;
	dot(s, a->dnc, H, eg_emit_part(s->e, a->xhat, 2 * n), width,
	        recurrent_part(s, t[NORM_GAIN].buf, l, NORM_GAIN, d, 2 * n), H, false, t[NORM_GAIN].acc);
	sum(s, a->dnc, H, recurrent_part(s, t[NORM_BIAS].buf, l, NORM_BIAS, d, 2 * n), H, t[NORM_BIAS].acc);
}

/* i and f look at the cell before the step, o at the one after it. */
static void peephole_gradients(const recurrent_seq *s, int l, int d, const eg_recurrent_bwd_args *a, target t) {
	const int H = s->r->H, ld = s->r->S * H;
	const int64_t step = (int64_t)s->N * H;
	eg_buf before = s->r->decay ? a->hd : eg_emit_part(s->e, a->cs, a->s.reverse ? step : 0);
	eg_buf after = a->raw.p ? a->raw : eg_emit_part(s->e, a->cs, a->s.reverse ? 0 : step);
	for (int i = 0; i < 3; i++)
		dot(s, eg_emit_part(s->e, a->gates, i * H), ld, i == 1 ? after : before, H,
		        recurrent_part(s, t.buf, l, PEEPHOLE, d, i * H), H, false, t.acc);
}

static void decay_gradients(const recurrent_seq *s, int l, int d, const eg_recurrent_bwd_args *a, target t, target dt) {
	const int H = s->r->H;
	dot(s, a->du, H, eg_emit_part(s->e, s->dt, (int64_t)s->k0 * s->N), 1, recurrent_part(s, t.buf, l, DECAY, d, 0), H, true, t.acc);
	sum(s, a->du, H, recurrent_part(s, t.buf, l, DECAY, d, H), H, t.acc);
	if (!dt.buf.p) return;
	dense_gemm(s->e, (eg_gemm_args){.a = a->du,
	        .b = recurrent_weight_of(s, l, DECAY, d, 0),
	        .c = eg_emit_part(s->e, dt.buf, (int64_t)s->k0 * s->N),
	        .m = s->count * s->N,
	        .n = 1,
	        .k = H,
	        .lda = H,
	        .ldb = 1,
	        .ldc = 1,
	        .acc = dt.acc});
}

static void weight_gradients(const recurrent_seq *s, int l, int d, const eg_recurrent_bwd_args *a, eg_buf x, const target t[]) {
	const recurrent *r = s->r;
	const int H = r->H, P = r->P, I = (int)recurrent_inputs(r, l, s->I);
	eg_buf operand = a->mask.p ? a->op
	                 : r->decay && r->cell != EG_CELL_LSTM
	                         ? a->hd
	                         : eg_emit_part(s->e, a->hs, a->s.reverse ? (int64_t)s->N * P : 0);
	recurrent_span g[2];
	int ld;
	for (int i = 0, n = recurrent_input_spans(r, g); i < n; i++) {
		eg_buf from = span_gradient(s, a, g[i], true, &ld);
		outer(s, from, ld, x, I, recurrent_part(s, t[WEIGHT].buf, l, WEIGHT, d, (int64_t)g[i].row * I), g[i].n, I,
		        t[WEIGHT].acc);
		if (r->bias)
			sum(s, eg_emit_part(s->e, a->gates, g[i].at), r->S * H,
			        recurrent_part(s, t[BIAS].buf, l, BIAS, d, g[i].row), g[i].n, t[BIAS].acc);
	}
	for (int i = 0, n = recurrent_state_spans(r, g); i < n; i++) {
		eg_buf from = span_gradient(s, a, g[i], false, &ld);
		outer(s, from, ld, i == 1 ? a->m : operand, P,
		        recurrent_part(s, t[RECURRENT_WEIGHT].buf, l, RECURRENT_WEIGHT, d, (int64_t)g[i].row * P), g[i].n, P,
		        t[RECURRENT_WEIGHT].acc);
	}
	if (t[RECURRENT_BIAS].buf.p)
		sum(s, eg_emit_part(s->e, a->gates, 3 * H), r->S * H,
		        recurrent_part(s, t[RECURRENT_BIAS].buf, l, RECURRENT_BIAS, d, 0), H, t[RECURRENT_BIAS].acc);
	if (t[PROJECTION].buf.p)
		outer(s, a->dp, P, a->m, H, recurrent_part(s, t[PROJECTION].buf, l, PROJECTION, d, 0), P, H,
		        t[PROJECTION].acc);
	if (r->peephole) peephole_gradients(s, l, d, a, t[PEEPHOLE]);
	if (r->norm) norm_gradients(s, l, d, a, t);
}

/* All layers from the last one, or only those of a segment, back through the steps of *s. */
typedef struct way_back {
	back lanes[RECURRENT_LAYERS][2];
	target t[RECURRENT_LAYERS][RECURRENT_WEIGHTS];
	inputs in;
} way_back;

static void emit_back(const recurrent_seq *s, way_back *w, int l, int d) {
	const recurrent *r = s->r;
	const back *b = &w->lanes[l][d];
	const bool first = l == r->layers - 1 && d == 0;
	eg_recurrent_bwd_args a;
	target dt = w->in.dt;
	emit_unsteps(s, l, d, b, &a, &w->in);
	input_gradients(s, l, b, &a);
	weight_gradients(s, l, d, &a,
	        eg_emit_part(s->e, b->again.x, (s->k0 - b->again.x0) * s->N * recurrent_inputs(r, l, s->I)), w->t[l]);
	dt.acc = dt.acc || !first;
	if (r->decay) decay_gradients(s, l, d, &a, w->t[l][DECAY], dt);
}

/* Layers [low, high] in one direction, segment by segment. */
static void emit_segments(recurrent_seq *s, way_back *w, int low, int high, int d) {
	const bool reverse = s->r->reverse || d == 1;
	bool acc[RECURRENT_LAYERS][RECURRENT_WEIGHTS];
	for (int l = low; l <= high; l++)
		for (int k = 0; k < RECURRENT_WEIGHTS; k++) acc[l][k] = w->t[l][k].acc;
	for (int i = recurrent_segments(s) - 1; i >= 0; i--) {
		if (s->segment) set_segment(s, i, reverse);
		for (int l = low; l <= high; l++)
			for (int k = 0; k < RECURRENT_WEIGHTS; k++) w->t[l][k].acc = acc[l][k] || i < recurrent_segments(s) - 1;
		for (int l = low; l <= high && s->segment; l++) {
			back *b = &w->lanes[l][d];
			if (l > low) b->again.x0 = s->k0;
			recurrent_emit_steps(s, l, d, &b->again, s->first, s->count);
		}
		for (int l = high; l >= low; l--) {
			if (l > low) w->lanes[l][d].x0 = w->lanes[l - 1][d].y0 = s->k0;
			emit_back(s, w, l, d);
		}
	}
	for (int l = low; l <= high; l++)
		for (int k = 0; k < RECURRENT_WEIGHTS; k++) w->t[l][k].acc = acc[l][k];
}

/* Where the layers find their inputs, and where their gradients meet. together: within one segment. */
static void connect_back(const recurrent_seq *s, way_back *w, bool together) {
	const recurrent *r = s->r;
	const bool direct = s->D == 1 && r->dropout <= 0 && (!s->segment || together);
	target dx0 = input_gradient(s, 0);
	const eg_buf x0 = sequence_masked(s->e, eg_emit_x(s->e, 0, EG_PLAIN), s->given, s->T, s->N, s->I);
	for (int l = 0; l < r->layers; l++) {
		const int64_t row = (int64_t)s->N * recurrent_inputs(r, l, s->I);
		eg_buf x = x0, dx = dx0.buf;
		if (l > 0 && direct)
			x = recurrent_states_after(s, w->lanes[l - 1][0].again.mem.hs);
		else if (l > 0)
			x = recurrent_kept_input(s, l);
		if (l > 0) dx = eg_emit_temp(s->e, EG_ELEM_REAL, (together ? s->segment : s->T) * row, false);
		for (int d = 0; d < s->D; d++) {
			w->lanes[l][d].again.x = x;
			w->lanes[l][d].dx = dx;
			w->lanes[l][d].acc = d > 0 || (l == 0 && dx0.acc);
			if (l > 0) w->lanes[l - 1][d].dy = dx;
		}
	}
	for (int d = 0; d < s->D; d++) w->lanes[r->layers - 1][d].dy = eg_emit_dy(s->e, 0, EG_PLAIN);
}

void recurrent_emit_bwd(eg_emit *e, const recurrent *asked) {
	const recurrent mode = recurrent_in_mode(e, asked), *r = &mode;
	recurrent_seq s = recurrent_seq_of(e, r);
	const bool together = s.segment && s.chunked;
	way_back w = {.in = {input_gradient(&s, s.port.h0), input_gradient(&s, s.port.c0),
	                      r->decay ? input_gradient(&s, s.port.dt) : (target){.acc = false}}};
	s.keep = true;
	s.dt = sequence_masked(e, s.dt, s.given, s.T, s.N, 1);
	for (int l = 0; l < r->layers; l++) {
		for (int i = 0; i < RECURRENT_WEIGHTS; i++) w.t[l][i] = gradient(&s, l, (recurrent_weight)i);
		for (int d = 0; d < s.D; d++) w.lanes[l][d] = back_of(&s, l, d);
	}
	connect_back(&s, &w, together);
	for (int high = r->layers - 1, low; high >= 0; high = low - 1) {
		low = together ? 0 : high;
		for (int d = 0; d < s.D; d++) emit_segments(&s, &w, low, high, d);
		eg_buf dx = w.lanes[low][0].dx;
		if (low > 0 && r->dropout > 0) recurrent_drop_inputs(&s, dx, low);
	}
}

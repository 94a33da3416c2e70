/* recurrent_emit.c - the calls of recurrent layers, forward and backward.
 *
 * Forward, for each layer and direction: the input's part of all gates as one product over many time steps, then the
 * recurrence through these steps, rows (samples) shared out to the threads. Both go by chunks of time, so that the
 * gates of a chunk stay in the cache; networks that only look back take all layers through a chunk before the next, and
 * inference then keeps one chunk only. The bits do not depend on the chunks.
 *
 * What is behind a sequence's end is left out of these products, as of the recurrence, but for a few rows: see eg_live.
 *
 * Backward, from the last layer down: the recurrence backwards, which turns the kept gates into their gradients,
 * then the gradients of inputs and weights as products over all steps.
 *
 * With checkpoints (Chen et al. 2016, Training deep nets with sublinear memory cost) time is cut into segments. Forward
 * keeps nothing but the state before each; backward takes the segments from the last to the first, goes through each
 * once more to have its gates, and then back.
 *
 * Not here: what is computed in a step (kern/recurrent.c), attributes and shapes (recurrent.c). */
#include "ops/recurrent.h"

#include "kern/recurrent.h"
#include "ops/dense.h"
#include "ops/sequence.h"

enum {
	CHUNK_BYTES = 2 << 20, /* of gates; but at least so many */
	CHUNK_STEPS = 16,
	JOINT_BELOW = 16,       /* with so many rows a thread reads little for what it computes; */
	JOINT_BELOW_LARGE = 64, /* where the weights come from memory it takes more */
	LARGE = 8 << 20         /* bytes of weights */
};

/* What is kept of a layer and direction; the number of its slot. */
typedef enum keep { GATES, HS, CS, OPERAND, DECAYED, M, XHAT, RSTD, CN, RAW, MASK, STAYS_H, STAYS_C, INPUT, STATES_H, STATES_C, KEEPS } keep;

typedef struct seq {
	eg_emit *e;
	const recurrent *r;
	recurrent_ports port;
	int T, N, D, I;
	bool has_bwd, carries, carried; /* carried: the plan does keep a state */
	bool chunked; /* all layers go through a chunk of time before the next */
	int chunk;    /* steps */
	int segment;  /* steps between checkpoints; 0: none, everything is kept */
	bool keep;    /* what is emitted now keeps what backward reads: */
	int first, count, k0; /* of these steps, in the order of processing, the earliest at time k0 */
	eg_buf given, lengths, dt; /* given: the input `lengths`; lengths: it, or ends that the planner knows */
	eg_buf out[EG_MAX_OUTPUTS]; /* forward: those that somebody reads */
} seq;

/* Nothing is dropped but in training. */
static recurrent in_mode(const eg_emit *e, const recurrent *r) {
	recurrent mode = *r;
	mode.zones = eg_emit_training(e);
	if (!mode.zones) mode.dropout = mode.recurrent_dropout = 0;
	return mode;
}

static seq seq_of(eg_emit *e, const recurrent *r) {
	eg_dims x = eg_emit_in_dims(e, 0);
	seq s = {.e = e,
	        .r = r,
	        .port = recurrent_ports_of(r),
	        .T = (int)x.d[0],
	        .N = (int)x.d[1],
	        .I = (int)x.d[2],
	        .D = r->dirs,
	        .has_bwd = eg_emit_has_bwd(e)};
	int64_t step = (int64_t)s.N * r->S * r->H * (int64_t)sizeof(real), chunk = CHUNK_BYTES / step;
	s.chunk = chunk < CHUNK_STEPS ? CHUNK_STEPS : chunk < s.T ? (int)chunk : s.T;
	if (s.chunk > s.T) s.chunk = s.T;
	s.segment = eg_emit_checkpoint(e, s.T);
	if (s.segment) s.chunk = s.segment;
	s.keep = s.has_bwd && !s.segment;
	s.count = s.T;
	bool looks_back = r->dirs == 1 && !r->reverse;
	s.chunked = looks_back && !(r->layers > 1 && r->dropout > 0);
	s.carries = looks_back && !eg_emit_has_in(e, s.port.h0) && (s.port.c0 < 0 || !eg_emit_has_in(e, s.port.c0));
	s.carried = s.carries && eg_emit_state(e, 0, r->layers, s.N, r->P).p;
	s.given = eg_emit_x(e, s.port.lengths, EG_PLAIN);
	/* who looks ahead begins behind those ends, and comes to what is read with the state from there */
	s.lengths = s.given.p || !looks_back ? s.given : eg_emit_ends(e);
	if (r->decay) s.dt = eg_emit_x(e, s.port.dt, EG_PLAIN);
	return s;
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static eg_buf saved(const seq *s, int l, int d, keep what, int64_t count) {
	return eg_emit_saved(s->e, (l * 2 + d) * KEEPS + (int)what, EG_ELEM_REAL, count, false);
}
/* `width` numbers of every sample, of each of the steps that are kept and `more`, else of 1 + more. */
static eg_buf kept(const seq *s, int l, int d, keep what, int64_t width, int more) {
	int64_t count = (int64_t)s->N * width;
	if (s->keep && !s->segment) return saved(s, l, d, what, count * (s->T + more));
	return eg_emit_temp(s->e, EG_ELEM_REAL, count * ((s->keep ? s->segment : 1) + more), false);
}
/* The steps of segment `i`. */
static void set_segment(seq *s, int i, bool reverse) {
	s->first = i * s->segment;
	s->count = s->T - s->first < s->segment ? s->T - s->first : s->segment;
	s->k0 = reverse ? s->T - s->first - s->count : s->first;
}
static int segments(const seq *s) { return s->segment ? (s->T + s->segment - 1) / s->segment : 1; }
/* The state before segment i. */
static eg_buf checkpoint(const seq *s, int l, int d, keep what, int64_t width, int i) {
	const int64_t each = (int64_t)s->N * width;
	return eg_emit_part(s->e, saved(s, l, d, what, each * segments(s)), each * i);
}

/* The part of a weight, or of its gradient, that belongs to direction d, from element `first` on. */
static eg_buf part_of(const seq *s, eg_buf b, int l, recurrent_weight kind, int d, int64_t first) {
	int64_t rows, columns;
	recurrent_size(s->r, l, s->I, kind, &rows, &columns);
	return eg_emit_part(s->e, b, d * rows * columns + first);
}
static eg_buf weight(const seq *s, int l, recurrent_weight kind, int d, int64_t first) {
	if (!recurrent_has(s->r, kind)) return (eg_buf){0};
	return part_of(s, eg_emit_w(s->e, recurrent_param(s->r, l, kind)), l, kind, d, first);
}

/* What the recurrence keeps. */
typedef struct memory {
	eg_buf gates, hs, cs, op, hd, m, xhat, rstd, cn, raw, mask, stays_h, stays_c;
} memory;

static eg_recurrent_shape shape_of(const seq *s, int d) {
	const recurrent *r = s->r;
	return (eg_recurrent_shape){.cell = r->cell,
	        .T = s->T,
	        .N = s->N,
	        .H = r->H,
	        .P = r->P,
	        .G = r->G,
	        .S = r->S,
	        .first = s->first,
	        .count = s->count,
	        .k0 = s->k0,
	        .act = r->act,
	        .gate_act = r->gate_act,
	        .out_act = r->out_act,
	        .reverse = r->reverse || d == 1,
	        .reset_before = r->reset_before,
	        .mirror = r->mirror,
	        .coupled = r->coupled,
	        .norm = r->norm,
	        .keep = s->keep,
	        .clip = r->clip,
	        .eps = (real)1e-5,
	        .zone_h = r->zones ? 0 : (real)r->zone_h,
	        .zone_c = r->zones ? 0 : (real)r->zone_c};
}

static memory memory_of(const seq *s, int l, int d, eg_buf gates) {
	const recurrent *r = s->r;
	const eg_recurrent_shape shape = shape_of(s, d);
	memory m = {.gates = s->keep ? kept(s, l, d, GATES, (int64_t)r->S * r->H, 0) : gates};
	m.hs = kept(s, l, d, HS, r->P, 1);
	if (r->cell == EG_CELL_LSTM) m.cs = kept(s, l, d, CS, r->H, 1);
	if (r->decay) m.hd = kept(s, l, d, DECAYED, r->H, 0);
	if (recurrent_has(r, PROJECTION) || r->reset_before) m.m = kept(s, l, d, M, r->H, 0);
	if (r->norm) {
		m.xhat = kept(s, l, d, XHAT, eg_recurrent_xhat(&shape), 0);
		m.rstd = kept(s, l, d, RSTD, EG_RECURRENT_RSTD, 0);
		if (r->cell == EG_CELL_LSTM) m.cn = kept(s, l, d, CN, r->H, 0);
	}
	if (r->recurrent_dropout > 0) {
		m.op = kept(s, l, d, OPERAND, r->P, 0);
		m.mask = saved(s, l, d, MASK, (int64_t)s->N * r->P);
	}
	if (r->zone_c > 0) m.raw = kept(s, l, d, RAW, r->H, 0);
	if (r->zone_c > 0 && r->zones) m.stays_c = saved(s, l, d, STAYS_C, (int64_t)s->T * s->N * r->H);
	if (r->zone_h > 0 && r->zones) m.stays_h = saved(s, l, d, STAYS_H, (int64_t)s->T * s->N * r->P);
	return m;
}

/* ---- small calls ------------------------------------------------------------------------------------------------- */

/* dw (m,n) = [dw +] d^T x over all rows of these steps; d and x have ldd and ldx columns. */
static void outer(const seq *s, eg_buf d, int ldd, eg_buf x, int ldx, eg_buf dw, int m, int n, bool acc) {
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

static void sum(const seq *s, eg_buf x, int ld, eg_buf y, int n, bool acc) {
	dense_sum_rows(s->e, (eg_sum_rows_args){.x = x, .y = y, .m = s->count * s->N, .n = n, .ld = ld, .acc = acc});
}

/* y[j] = [y[j] +] sum of x z over the rows. */
static void dot(const seq *s, eg_buf x, int ldx, eg_buf z, int ldz, eg_buf y, int n, bool per_row, bool acc) {
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

/* The stream of random numbers `which` of this node. */
static void drop(const seq *s, eg_buf x, eg_buf y, int64_t total, int which, float rate) {
	eg_dropout_args a = {.x = x,
	        .state = eg_emit_dropout_state(s->e),
	        .y = y,
	        .unit = EG_CHUNK,
	        .total = total,
	        .node = (uint32_t)eg_emit_node(s->e) + ((uint32_t)(1 + which) << 20),
	        .rate = (real)rate};
	a.x.stride = a.y.stride = EG_CHUNK;
	OP_CALL(s->e, dropout, a, 2, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK),
	        .flops = 10.0 * (double)total);
}
/* Streams from here on: inputs of layers; zoneout of h and c of layers and directions; before: their masks. */
enum { DROP_MASKS = 2 * RECURRENT_LAYERS, ZONES = DROP_MASKS + RECURRENT_LAYERS };
static_assert(ZONES + 4 * RECURRENT_LAYERS + 1 <= 1 << 12 && EG_MAX_NODES <= 1 << 20, "node and stream share 32 bits");
static_assert(RECURRENT_LAYERS * RECURRENT_WEIGHTS <= EG_MAX_PARAMS, "a node has room for the weights of all layers");

/* 0 or 1/(1 - rate) for each of so many numbers, by a stream of its own. */
static void make_mask(const seq *s, eg_buf mask, int64_t total, int which, float rate) {
	eg_fill_args a = {
	        .y = eg_emit_temp(s->e, EG_ELEM_REAL, total, false), .unit = EG_CHUNK, .total = total, .value = 1};
	a.y.stride = EG_CHUNK;
	OP_CALL(s->e, fill, a, 0, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
	drop(s, a.y, mask, total, which, rate);
}

/* Of a state: the same at all times (Gal and Ghahramani 2016); which numbers of it stay, at each time (Krueger et al.
 * 2017). */
static void make_masks(const seq *s, int l, int d, const memory *m) {
	const recurrent *r = s->r;
	const int lane = l * 2 + d;
	const int64_t h = (int64_t)s->N * r->P, c = (int64_t)s->N * r->H;
	if (m->mask.p) make_mask(s, m->mask, h, lane, r->recurrent_dropout);
	if (m->stays_h.p) make_mask(s, m->stays_h, s->T * h, ZONES + 2 * lane, r->zone_h);
	if (m->stays_c.p) make_mask(s, m->stays_c, s->T * c, ZONES + 2 * lane + 1, r->zone_c);
}

/* ---- which columns of the gates are which rows of the weights ---------------------------------------------------- */

/* n columns from `at` on in a row of gates are n rows of the weights from `row` on. */
typedef struct span {
	int at, n, row;
} span;
/* Of the input's part; of the recurrent part. Each span of the latter is a product of its own. */
static int input_spans(const recurrent *r, span out[2]) {
	out[0] = r->cell == EG_CELL_GRU ? (span){r->H, 2 * r->H, 0} : (span){0, r->G * r->H, 0};
	out[1] = (span){0, r->H, 2 * r->H};
	return r->cell == EG_CELL_GRU ? 2 : 1;
}
static int state_spans(const recurrent *r, span out[2]) {
	if (r->reset_before) return input_spans(r, out);
	out[0] = r->cell == EG_CELL_GRU ? (span){r->H, 3 * r->H, 0} : (span){0, r->G * r->H, 0};
	return 1;
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* A layer in one direction on its way through the chunks. */
typedef struct lane {
	memory mem;
	eg_buf w[2], r[2], projection; /* packed */
	eg_buf x;                      /* (steps, N, inputs) */
	int x0;                        /* time of its first row */
	eg_buf y;                      /* absent: nobody reads it */
	int y0;
	int ld_y;
	bool add;
	bool again; /* only to keep what backward reads: the outputs are there already */
} lane;

/* R (k, parts*units), or, trans, its transposed, packed for the recurrence. */
static eg_buf gates_packed(const seq *s, eg_buf r, int64_t k, int64_t units, int64_t parts, int64_t ld, bool trans) {
	const eg_kernels *kern = eg_emit_kernels(s->e);
	const size_t bytes = kern->gates_pack_bytes((int)k, (int)units, (int)parts);
	eg_gates_pack_args a = {.src = r,
	        .dst = eg_emit_temp(s->e, EG_ELEM_BYTE, (int64_t)bytes, false),
	        .k = (int)k,
	        .units = (int)units,
	        .parts = (int)parts,
	        .ld = (int)ld,
	        .trans = trans};
	OP_CALL(s->e, gates_pack, a, 1, 1, .form = {a.k, a.units, a.parts, a.ld, a.trans}, .units = (a.units + kern->gates_width - 1) / kern->gates_width,
	        .flops = (double)bytes);
	return a.dst;
}

/* How a recurrence of some steps is done jointly: with one meeting a step, or two or three. */
static eg_joint_spec joint_of(const seq *s, eg_joint run, int steps) {
	const recurrent *r = s->r;
	const int width = eg_emit_kernels(s->e)->gates_width;
	const bool more = r->norm || r->reset_before || r->P != r->H || r->decay || r->recurrent_dropout > 0;
	const bool large = (int64_t)r->G * r->H * r->P * (int64_t)sizeof(real) >= LARGE;
	return (eg_joint_spec){
	        .run = run, .shares = (r->H + width - 1) / width, .meetings = steps * (more ? 3 : 1), .below = large ? JOINT_BELOW_LARGE : JOINT_BELOW};
}

static void pack_weights(const seq *s, int l, int d, lane *p) {
	const recurrent *r = s->r;
	const int64_t I = recurrent_inputs(r, l, s->I);
	span g[2];
	for (int i = 0, n = input_spans(r, g); i < n; i++)
		p->w[i] = dense_packed(s->e, weight(s, l, WEIGHT, d, g[i].row * I), I, g[i].n, I, true);
	for (int i = 0, n = state_spans(r, g); i < n; i++)
		p->r[i] = gates_packed(s, weight(s, l, RECURRENT_WEIGHT, d, (int64_t)g[i].row * r->P), r->P, r->H,
		        g[i].n / r->H, r->P, true);
	if (recurrent_has(r, PROJECTION))
		p->projection = gates_packed(s, weight(s, l, PROJECTION, d, 0), r->H, r->P, 1, r->H, true);
}

static eg_buf output_part(const seq *s, int port, int l, int d, int64_t each) {
	return port < 0 ? (eg_buf){0} : eg_emit_part(s->e, s->out[port], (l * s->D + d) * each);
}
static eg_buf state_input(const seq *s, int port, int l, int d, int64_t each) {
	if (port < 0) return (eg_buf){0};
	return eg_emit_part(s->e, eg_emit_x(s->e, port, EG_PLAIN), (l * s->D + d) * each);
}

/* Where the steps from `first` on begin: where the last ones have ended, or at a checkpoint. */
static void put_states(const seq *s, int l, int d, const lane *p, eg_recurrent_fwd_args *a) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P;
	const int i = s->segment ? a->s.first / s->segment : 0;
	a->s.begins = a->s.first == 0 || p->again;
	a->s.ends = !p->again && (a->s.first + a->s.count == s->T || s->segment);
	a->h0 = state_input(s, s->port.h0, l, d, N * P);
	a->c0 = state_input(s, s->port.c0, l, d, N * H);
	if (p->again && (i > 0 || s->carried)) {
		a->h0 = checkpoint(s, l, d, STATES_H, P, i);
		if (r->cell == EG_CELL_LSTM) a->c0 = checkpoint(s, l, d, STATES_C, H, i);
	}
	if (a->s.first + a->s.count == s->T && !p->again) {
		a->hn = output_part(s, s->port.hn, l, d, N * P);
		a->last_c = output_part(s, s->port.cn, l, d, N * H);
	} else if (a->s.ends) {
		a->hn = checkpoint(s, l, d, STATES_H, P, i + 1);
		if (r->cell == EG_CELL_LSTM) a->last_c = checkpoint(s, l, d, STATES_C, H, i + 1);
	}
	if (!s->carries || p->again) return;
	a->state_h = eg_emit_part(s->e, eg_emit_state(s->e, 0, r->layers, N, P), l * N * P);
	if (r->cell == EG_CELL_LSTM) a->state_c = eg_emit_part(s->e, eg_emit_state(s->e, 1, r->layers, N, H), l * N * H);
}

/* Steps [first, first+count) of one layer in one direction. */
static void emit_steps(const seq *s, int l, int d, const lane *p, int first, int count) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P, T = s->T, I = recurrent_inputs(r, l, s->I);
	eg_recurrent_fwd_args a = {.s = shape_of(s, d)};
	const int t0 = a.s.reverse ? s->T - first - count : first, g0 = s->keep ? s->k0 : t0;
	span g[2];
	for (int i = 0, n = input_spans(r, g); i < n; i++)
		dense_product(s->e, (eg_gemm_packed_args){.a = eg_emit_part(s->e, p->x, (t0 - p->x0) * N * I),
		                   .b = p->w[i],
		                   .bias = r->norm ? (eg_buf){0} : weight(s, l, BIAS, d, g[i].row),
		                   .lengths = s->lengths,
		                   .N = s->N,
		                   .t0 = t0,
		                   .c = eg_emit_part(s->e, p->mem.gates, (t0 - g0) * N * r->S * H + g[i].at),
		                   .m = count * s->N,
		                   .n = g[i].n,
		                   .k = (int)I,
		                   .lda = (int)I,
		                   .ldc = r->S * r->H});
	a.s.first = first;
	a.s.count = count;
	a.s.t0 = g0;
	a.s.y0 = p->y0;
	a.r = p->r[0];
	a.r2 = p->r[1];
	a.projection = p->projection;
	a.peephole = weight(s, l, PEEPHOLE, d, 0);
	a.q_bias = weight(s, l, RECURRENT_BIAS, d, 0);
	if (r->norm) a.bias = weight(s, l, BIAS, d, 0);
	a.gain = weight(s, l, NORM_GAIN, d, 0);
	a.shift = weight(s, l, NORM_BIAS, d, 0);
	a.decay = weight(s, l, DECAY, d, 0);
	a.mask = p->mem.mask;
	a.stays_h = p->mem.stays_h;
	a.stays_c = p->mem.stays_c;
	a.lengths = s->lengths;
	a.dt = s->dt;
	put_states(s, l, d, p, &a);
	a.gates = p->mem.gates;
	a.hs = p->mem.hs;
	a.cs = p->mem.cs;
	a.op = p->mem.op;
	a.hd = p->mem.hd;
	a.m = p->mem.m;
	a.xhat = p->mem.xhat;
	a.rstd = p->mem.rstd;
	a.cn = p->mem.cn;
	a.raw = p->mem.raw;
	a.y = p->y;
	a.ld_y = p->ld_y;
	a.add = p->add;
	if (!p->again) {
		a.states = output_part(s, s->port.states, l, d, T * N * P);
		a.cells = output_part(s, s->port.cells, l, d, T * N * H);
		a.acts = output_part(s, s->port.gates, l, d, T * N * r->G * H);
	}
	OP_CALL(s->e, recurrent_fwd, a, EG_RECURRENT_FWD_READS, EG_RECURRENT_FWD_WRITES, .units = s->N,
	        .scratch = eg_emit_kernels(s->e)->recurrent_scratch(&a.s),
	        .flops = 2.0 * count * (double)N * (double)H * (r->G * (double)P + 20),
	        .joint = joint_of(s, eg_emit_kernels(s->e)->recurrent_fwd_joint, count));
}

/* hs of a layer, from the state after time 0 on (or, reverse, of the last): its outputs but for rows that have
 * ended. */
static eg_buf states_after(const seq *s, const recurrent *r, eg_buf hs, bool reverse) {
	return eg_emit_part(s->e, hs, reverse ? 0 : (int64_t)s->N * r->P);
}

/* Where the layers read and write: the sequence itself, the kept states of the layer below, or a buffer between
 * them. */
static void connect(const seq *s, lane lanes[][2]) {
	const recurrent *r = s->r;
	const bool direct = s->keep && s->D == 1 && r->dropout <= 0;
	const bool kept = s->has_bwd && !(s->segment && s->chunked); /* inputs of layers are there until backward */
	for (int l = 0; l < r->layers; l++) {
		const int64_t width = recurrent_inputs(r, l, s->I);
		eg_buf x = eg_emit_x(s->e, 0, EG_PLAIN);
		if (l > 0 && direct)
			x = states_after(s, r, lanes[l - 1][0].mem.hs, r->reverse);
		else if (l > 0 && kept)
			x = saved(s, l, 0, INPUT, s->T * s->N * width);
		else if (l > 0)
			x = eg_emit_temp(s->e, EG_ELEM_REAL, (s->chunked ? s->chunk : s->T) * s->N * width, false);
		for (int d = 0; d < s->D; d++) {
			lane *p = &lanes[l][d], *below = l ? &lanes[l - 1][d] : NULL;
			p->x = x;
			p->ld_y = (int)recurrent_inputs(r, l + 1, s->I);
			p->add = r->sum && d == 1;
			if (below && !direct) below->y = eg_emit_part(s->e, x, r->sum ? 0 : (int64_t)d * r->P);
		}
	}
	for (int d = 0; d < s->D; d++)
		lanes[r->layers - 1][d].y = eg_emit_part(s->e, s->out[0], r->sum ? 0 : (int64_t)d * r->P);
}

/* The state that the first segment begins with: it will have been overwritten when that is gone through again. */
static void keep_carried(const seq *s, int l) {
	const recurrent *r = s->r;
	for (int i = 0; i < (r->cell == EG_CELL_LSTM ? 2 : 1); i++) {
		const int64_t width = i ? r->H : r->P, total = s->N * width;
		eg_map_args a = {.x = eg_emit_part(s->e, eg_emit_state(s->e, i, r->layers, s->N, width), l * total),
		        .y = checkpoint(s, l, 0, i ? STATES_C : STATES_H, width, 0),
		        .unit = EG_CHUNK,
		        .total = total};
		a.x.stride = a.y.stride = EG_CHUNK;
		OP_CALL(s->e, copy, a, 1, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
	}
}

void recurrent_emit_fwd(eg_emit *e, const recurrent *asked) {
	const recurrent mode = in_mode(e, asked), *r = &mode;
	seq s = seq_of(e, r);
	lane lanes[RECURRENT_LAYERS][2] = {0};
	eg_buf gates = {0};
	const int outputs = (s.port.gates < 0 ? s.port.states : s.port.gates) + 1;
	for (int i = 0; i < outputs; i++)
		if (eg_emit_out_needed(e, i)) s.out[i] = eg_emit_y(e, i, EG_PLAIN);
	if (!s.keep) gates = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)s.chunk * s.N * r->S * r->H, false);
	for (int l = 0; l < r->layers; l++)
		for (int d = 0; d < s.D; d++) {
			lanes[l][d].mem = memory_of(&s, l, d, gates);
			pack_weights(&s, l, d, &lanes[l][d]);
			make_masks(&s, l, d, &lanes[l][d].mem);
		}
	connect(&s, lanes);
	for (int l = 0; l < r->layers && s.segment && s.carried; l++) keep_carried(&s, l);
	for (int first = 0; s.chunked && first < s.T; first += s.chunk)
		for (int l = 0; l < r->layers; l++) {
			lane p = lanes[l][0];
			const int count = s.T - first < s.chunk ? s.T - first : s.chunk;
			if (!s.keep) { /* the buffers between the layers hold this chunk only */
				p.x0 = l > 0 ? first : 0;
				p.y0 = l < r->layers - 1 ? first : 0;
			}
			emit_steps(&s, l, 0, &p, first, count);
		}
	for (int l = 0; l < r->layers && !s.chunked; l++) {
		for (int d = 0; d < s.D; d++)
			for (int first = 0; first < s.T; first += s.chunk)
				emit_steps(
				        &s, l, d, &lanes[l][d], first, s.T - first < s.chunk ? s.T - first : s.chunk);
		if (r->dropout <= 0 || l == r->layers - 1) continue;
		eg_buf x = lanes[l + 1][0].x; /* Zaremba et al. 2014: on the way up, never on the way through time */
		drop(&s, x, x, (int64_t)s.T * s.N * recurrent_inputs(r, l + 1, s.I), DROP_MASKS + l, r->dropout);
	}
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* A gradient and whether to add to it. */
typedef struct target {
	eg_buf buf;
	bool acc;
} target;

static target gradient(const seq *s, int l, recurrent_weight kind) {
	target t = {.acc = false};
	if (recurrent_has(s->r, kind)) t.buf = eg_emit_dw(s->e, recurrent_param(s->r, l, kind), &t.acc);
	return t;
}
static target input_gradient(const seq *s, int port) {
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
	lane again;                /* the way forward once more, and what it keeps */
	eg_buf w[2], r[2], projection; /* packed for the transposed products */
	eg_buf dp, dxw, dhr, dnc, du;
	eg_buf dh, dc; /* gradients of the state between two segments */
	eg_buf dy, dx; /* from time y0, x0 on */
	int y0, x0;
	bool acc; /* dx: add */
} back;

static back back_of(const seq *s, int l, int d) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P, I = recurrent_inputs(r, l, s->I);
	const int64_t all = N * (s->segment ? s->segment : s->T);
	back b = {.again = {.mem = memory_of(s, l, d, (eg_buf){0}), .again = true}};
	span g[2];
	if (s->segment) {
		pack_weights(s, l, d, &b.again);
		b.dh = eg_emit_temp(s->e, EG_ELEM_REAL, N * P, false);
		if (r->cell == EG_CELL_LSTM) b.dc = eg_emit_temp(s->e, EG_ELEM_REAL, N * H, false);
	}
	for (int i = 0, n = state_spans(r, g); i < n; i++)
		b.r[i] = gates_packed(s, weight(s, l, RECURRENT_WEIGHT, d, g[i].row * P), g[i].n, P, 1, P, false);
	for (int i = 0, n = input_spans(r, g); i < n && (l > 0 || eg_emit_needs_dx(s->e, 0)); i++)
		b.w[i] = dense_packed(s->e, weight(s, l, WEIGHT, d, g[i].row * I), g[i].n, I, I, false);
	if (recurrent_has(r, PROJECTION)) {
		b.projection = gates_packed(s, weight(s, l, PROJECTION, d, 0), P, H, 1, H, false);
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
static void emit_unsteps(const seq *s, int l, int d, const back *b, eg_recurrent_bwd_args *a, const inputs *in) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P;
	const memory *m = &b->again.mem;
	*a = (eg_recurrent_bwd_args){.s = shape_of(s, d),
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
	a->peephole = weight(s, l, PEEPHOLE, d, 0);
	a->gain = weight(s, l, NORM_GAIN, d, 0);
	a->decay = weight(s, l, DECAY, d, 0);
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
	        .joint = joint_of(s, eg_emit_kernels(s->e)->recurrent_bwd_joint, s->count));
}

/* Gradients of the gates as the products see them: row `row` of the weights is column *ld ... of the result. */
static eg_buf span_gradient(const seq *s, const eg_recurrent_bwd_args *a, span g, bool input, int *ld) {
	*ld = (s->r->norm ? s->r->G : s->r->S) * s->r->H;
	if (!s->r->norm) return eg_emit_part(s->e, a->gates, g.at);
	return eg_emit_part(s->e, input ? a->dxw : a->dhr, g.row);
}

static void input_gradients(const seq *s, int l, const back *b, const eg_recurrent_bwd_args *a) {
	const int64_t I = recurrent_inputs(s->r, l, s->I);
	span g[2];
	int ld;
	for (int i = 0, n = input_spans(s->r, g); i < n && b->dx.p; i++) {
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

static void norm_gradients(const seq *s, int l, int d, const eg_recurrent_bwd_args *a, const target t[]) {
	const recurrent *r = s->r;
	const int H = r->H, n = r->G * H, width = eg_recurrent_xhat(&a->s), ld = r->S * H;
	span g[2];
	for (int state = 0; state < 2; state++)
		for (int i = 0, groups = input_spans(r, g); i < groups; i++) {
			int column = state * n + g[i].row;
			int at = state && i == 1 && !r->reset_before ? 3 * H : g[i].at; /* q of gru */
			eg_buf from = eg_emit_part(s->e, a->gates, at);
			dot(s, from, ld, eg_emit_part(s->e, a->xhat, column), width,
			        part_of(s, t[NORM_GAIN].buf, l, NORM_GAIN, d, column), g[i].n, false, t[NORM_GAIN].acc);
			sum(s, from, ld, part_of(s, t[NORM_BIAS].buf, l, NORM_BIAS, d, column), g[i].n,
			        t[NORM_BIAS].acc);
		}
	if (r->cell != EG_CELL_LSTM) return;
	dot(s, a->dnc, H, eg_emit_part(s->e, a->xhat, 2 * n), width,
	        part_of(s, t[NORM_GAIN].buf, l, NORM_GAIN, d, 2 * n), H, false, t[NORM_GAIN].acc);
	sum(s, a->dnc, H, part_of(s, t[NORM_BIAS].buf, l, NORM_BIAS, d, 2 * n), H, t[NORM_BIAS].acc);
}

/* i and f look at the cell before the step, o at the one after it. */
static void peephole_gradients(const seq *s, int l, int d, const eg_recurrent_bwd_args *a, target t) {
	const int H = s->r->H, ld = s->r->S * H;
	const int64_t step = (int64_t)s->N * H;
	eg_buf before = s->r->decay ? a->hd : eg_emit_part(s->e, a->cs, a->s.reverse ? step : 0);
	eg_buf after = a->raw.p ? a->raw : eg_emit_part(s->e, a->cs, a->s.reverse ? 0 : step);
	for (int i = 0; i < 3; i++)
		dot(s, eg_emit_part(s->e, a->gates, i * H), ld, i == 1 ? after : before, H,
		        part_of(s, t.buf, l, PEEPHOLE, d, i * H), H, false, t.acc);
}

static void decay_gradients(const seq *s, int l, int d, const eg_recurrent_bwd_args *a, target t, target dt) {
	const int H = s->r->H;
	dot(s, a->du, H, eg_emit_part(s->e, s->dt, (int64_t)s->k0 * s->N), 1, part_of(s, t.buf, l, DECAY, d, 0), H, true, t.acc);
	sum(s, a->du, H, part_of(s, t.buf, l, DECAY, d, H), H, t.acc);
	if (!dt.buf.p) return;
	dense_gemm(s->e, (eg_gemm_args){.a = a->du,
	        .b = weight(s, l, DECAY, d, 0),
	        .c = eg_emit_part(s->e, dt.buf, (int64_t)s->k0 * s->N),
	        .m = s->count * s->N,
	        .n = 1,
	        .k = H,
	        .lda = H,
	        .ldb = 1,
	        .ldc = 1,
	        .acc = dt.acc});
}

static void weight_gradients(const seq *s, int l, int d, const eg_recurrent_bwd_args *a, eg_buf x, const target t[]) {
	const recurrent *r = s->r;
	const int H = r->H, P = r->P, I = (int)recurrent_inputs(r, l, s->I);
	eg_buf operand = a->mask.p ? a->op
	                 : r->decay && r->cell != EG_CELL_LSTM
	                         ? a->hd
	                         : eg_emit_part(s->e, a->hs, a->s.reverse ? (int64_t)s->N * P : 0);
	span g[2];
	int ld;
	for (int i = 0, n = input_spans(r, g); i < n; i++) {
		eg_buf from = span_gradient(s, a, g[i], true, &ld);
		outer(s, from, ld, x, I, part_of(s, t[WEIGHT].buf, l, WEIGHT, d, (int64_t)g[i].row * I), g[i].n, I,
		        t[WEIGHT].acc);
		if (r->bias)
			sum(s, eg_emit_part(s->e, a->gates, g[i].at), r->S * H,
			        part_of(s, t[BIAS].buf, l, BIAS, d, g[i].row), g[i].n, t[BIAS].acc);
	}
	for (int i = 0, n = state_spans(r, g); i < n; i++) {
		eg_buf from = span_gradient(s, a, g[i], false, &ld);
		outer(s, from, ld, i == 1 ? a->m : operand, P,
		        part_of(s, t[RECURRENT_WEIGHT].buf, l, RECURRENT_WEIGHT, d, (int64_t)g[i].row * P), g[i].n, P,
		        t[RECURRENT_WEIGHT].acc);
	}
	if (t[RECURRENT_BIAS].buf.p)
		sum(s, eg_emit_part(s->e, a->gates, 3 * H), r->S * H,
		        part_of(s, t[RECURRENT_BIAS].buf, l, RECURRENT_BIAS, d, 0), H, t[RECURRENT_BIAS].acc);
	if (t[PROJECTION].buf.p)
		outer(s, a->dp, P, a->m, H, part_of(s, t[PROJECTION].buf, l, PROJECTION, d, 0), P, H,
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

static void emit_back(const seq *s, way_back *w, int l, int d) {
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
static void emit_segments(seq *s, way_back *w, int low, int high, int d) {
	const bool reverse = s->r->reverse || d == 1;
	bool acc[RECURRENT_LAYERS][RECURRENT_WEIGHTS];
	for (int l = low; l <= high; l++)
		for (int k = 0; k < RECURRENT_WEIGHTS; k++) acc[l][k] = w->t[l][k].acc;
	for (int i = segments(s) - 1; i >= 0; i--) {
		if (s->segment) set_segment(s, i, reverse);
		for (int l = low; l <= high; l++)
			for (int k = 0; k < RECURRENT_WEIGHTS; k++) w->t[l][k].acc = acc[l][k] || i < segments(s) - 1;
		for (int l = low; l <= high && s->segment; l++) {
			back *b = &w->lanes[l][d];
			if (l > low) b->again.x0 = s->k0;
			emit_steps(s, l, d, &b->again, s->first, s->count);
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
static void connect_back(const seq *s, way_back *w, bool together) {
	const recurrent *r = s->r;
	const bool direct = s->D == 1 && r->dropout <= 0 && (!s->segment || together);
	target dx0 = input_gradient(s, 0);
	const eg_buf x0 = sequence_masked(s->e, eg_emit_x(s->e, 0, EG_PLAIN), s->given, s->T, s->N, s->I);
	for (int l = 0; l < r->layers; l++) {
		const int64_t row = (int64_t)s->N * recurrent_inputs(r, l, s->I);
		eg_buf x = x0, dx = dx0.buf;
		if (l > 0 && direct)
			x = states_after(s, r, w->lanes[l - 1][0].again.mem.hs, r->reverse);
		else if (l > 0)
			x = saved(s, l, 0, INPUT, s->T * row);
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
	const recurrent mode = in_mode(e, asked), *r = &mode;
	seq s = seq_of(e, r);
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
		if (low > 0 && r->dropout > 0)
			drop(&s, dx, dx, (int64_t)s.T * s.N * recurrent_inputs(r, low, s.I), DROP_MASKS + low - 1, r->dropout);
	}
}

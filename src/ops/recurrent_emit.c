/* recurrent_emit.c - what the calls of recurrent layers have in common on both ways: where what is kept lies, which
 * weights belong to which columns of the gates, and random numbers.
 *
 * Not here: the calls (recurrent_emit_fwd.c, recurrent_emit_bwd.c). */
#include "ops/recurrent_emit.h"

enum {
	CHUNK_BYTES = 2 << 20, /* of gates; but at least so many */
	CHUNK_STEPS = 16
};

/* What is kept of a layer and direction; the number of its slot. */
typedef enum keep { GATES, HS, CS, OPERAND, DECAYED, M, XHAT, RSTD, CN, RAW, MASK, STAYS_H, STAYS_C, INPUT, STATES_H, STATES_C, KEEPS } keep;

recurrent recurrent_in_mode(const eg_emit *e, const recurrent *r) {
	recurrent mode = *r;
	mode.zones = eg_emit_training(e);
	if (!mode.zones) mode.dropout = mode.recurrent_dropout = 0;
	return mode;
}

recurrent_seq recurrent_seq_of(eg_emit *e, const recurrent *r) {
	eg_dims x = eg_emit_in_dims(e, 0);
	recurrent_seq s = {.e = e,
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

eg_recurrent_shape recurrent_shape_of(const recurrent_seq *s, int d) {
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

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static eg_buf saved(const recurrent_seq *s, int l, int d, keep what, int64_t count) {
	return eg_emit_saved(s->e, (l * 2 + d) * KEEPS + (int)what, EG_ELEM_REAL, count, false);
}
/* `width` numbers of every sample, of each of the steps that are kept and `more`, else of 1 + more. */
static eg_buf kept(const recurrent_seq *s, int l, int d, keep what, int64_t width, int more) {
	int64_t count = (int64_t)s->N * width;
	if (s->keep && !s->segment) return saved(s, l, d, what, count * (s->T + more));
	return eg_emit_temp(s->e, EG_ELEM_REAL, count * ((s->keep ? s->segment : 1) + more), false);
}

int recurrent_segments(const recurrent_seq *s) { return s->segment ? (s->T + s->segment - 1) / s->segment : 1; }

eg_buf recurrent_kept_input(const recurrent_seq *s, int l) {
	return saved(s, l, 0, INPUT, (int64_t)s->T * s->N * recurrent_inputs(s->r, l, s->I));
}

eg_buf recurrent_checkpoint(const recurrent_seq *s, int l, int d, bool cell, int i) {
	const int64_t each = (int64_t)s->N * (cell ? s->r->H : s->r->P);
	return eg_emit_part(s->e, saved(s, l, d, cell ? STATES_C : STATES_H, each * recurrent_segments(s)), each * i);
}

eg_buf recurrent_states_after(const recurrent_seq *s, eg_buf hs) {
	return eg_emit_part(s->e, hs, s->r->reverse ? 0 : (int64_t)s->N * s->r->P);
}

recurrent_memory recurrent_memory_of(const recurrent_seq *s, int l, int d, eg_buf gates) {
	const recurrent *r = s->r;
	const eg_recurrent_shape shape = recurrent_shape_of(s, d);
	recurrent_memory m = {.gates = s->keep ? kept(s, l, d, GATES, (int64_t)r->S * r->H, 0) : gates};
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

/* ---- weights ----------------------------------------------------------------------------------------------------- */

eg_buf recurrent_part(const recurrent_seq *s, eg_buf b, int l, recurrent_weight kind, int d, int64_t first) {
	int64_t rows, columns;
	recurrent_size(s->r, l, s->I, kind, &rows, &columns);
	return eg_emit_part(s->e, b, d * rows * columns + first);
}

eg_buf recurrent_weight_of(const recurrent_seq *s, int l, recurrent_weight kind, int d, int64_t first) {
	if (!recurrent_has(s->r, kind)) return (eg_buf){0};
	return recurrent_part(s, eg_emit_w(s->e, recurrent_param(s->r, l, kind)), l, kind, d, first);
}

int recurrent_input_spans(const recurrent *r, recurrent_span out[2]) {
	out[0] = r->cell == EG_CELL_GRU ? (recurrent_span){r->H, 2 * r->H, 0} : (recurrent_span){0, r->G * r->H, 0};
	out[1] = (recurrent_span){0, r->H, 2 * r->H};
	return r->cell == EG_CELL_GRU ? 2 : 1;
}

int recurrent_state_spans(const recurrent *r, recurrent_span out[2]) {
	if (r->reset_before) return recurrent_input_spans(r, out);
	out[0] = r->cell == EG_CELL_GRU ? (recurrent_span){r->H, 3 * r->H, 0} : (recurrent_span){0, r->G * r->H, 0};
	return 1;
}

eg_buf recurrent_packed(const recurrent_seq *s, eg_buf r, int64_t k, int64_t units, int64_t parts, int64_t ld, bool trans) {
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

enum {
	JOINT_BELOW = 16,       /* with so many rows a thread reads little for what it computes; */
	JOINT_BELOW_LARGE = 64, /* where the weights come from memory it takes more */
	LARGE = 8 << 20         /* bytes of weights */
};

eg_joint_spec recurrent_joint_of(const recurrent_seq *s, eg_joint run, int steps) {
	const recurrent *r = s->r;
	const int width = eg_emit_kernels(s->e)->gates_width;
	const bool more = r->norm || r->reset_before || r->P != r->H || r->decay || r->recurrent_dropout > 0;
	const bool large = (int64_t)r->G * r->H * r->P * (int64_t)sizeof(real) >= LARGE;
	return (eg_joint_spec){
	        .run = run, .shares = (r->H + width - 1) / width, .meetings = steps * (more ? 3 : 1), .below = large ? JOINT_BELOW_LARGE : JOINT_BELOW};
}

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

/* The stream of random numbers `which` of this node. */
static void drop(const recurrent_seq *s, eg_buf x, eg_buf y, int64_t total, int which, float rate) {
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
static void make_mask(const recurrent_seq *s, eg_buf mask, int64_t total, int which, float rate) {
	eg_fill_args a = {
	        .y = eg_emit_temp(s->e, EG_ELEM_REAL, total, false), .unit = EG_CHUNK, .total = total, .value = 1};
	a.y.stride = EG_CHUNK;
	OP_CALL(s->e, fill, a, 0, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
	drop(s, a.y, mask, total, which, rate);
}

void recurrent_drop_inputs(const recurrent_seq *s, eg_buf x, int l) {
	drop(s, x, x, (int64_t)s->T * s->N * recurrent_inputs(s->r, l, s->I), DROP_MASKS + l - 1, s->r->dropout);
}

void recurrent_make_masks(const recurrent_seq *s, int l, int d, const recurrent_memory *m) {
	const recurrent *r = s->r;
	const int way = l * 2 + d;
	const int64_t h = (int64_t)s->N * r->P, c = (int64_t)s->N * r->H;
	if (m->mask.p) make_mask(s, m->mask, h, way, r->recurrent_dropout);
	if (m->stays_h.p) make_mask(s, m->stays_h, s->T * h, ZONES + 2 * way, r->zone_h);
	if (m->stays_c.p) make_mask(s, m->stays_c, s->T * c, ZONES + 2 * way + 1, r->zone_c);
}

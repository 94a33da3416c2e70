/* recurrent_emit_fwd.c - the calls of recurrent layers, forward.
 *
 * For each layer and direction: the input's part of all gates as one product over many time steps, then the
 * recurrence through these steps, rows (samples) shared out to the threads. Both go by chunks of time, so that the
 * gates of a chunk stay in the cache; networks that only look back take all layers through a chunk before the next, and
 * inference then keeps one chunk only. The bits do not depend on the chunks.
 *
 * What is behind a sequence's end is left out of these products, as of the recurrence, but for a few rows: see eg_live.
 *
 * Not here: what is computed in a step (kern/recurrent.c), attributes and shapes (recurrent.c). */
#include "ops/dense.h"
#include "ops/recurrent_emit.h"

void recurrent_pack_weights(const recurrent_seq *s, int l, int d, recurrent_lane *p) {
	const recurrent *r = s->r;
	const int64_t I = recurrent_inputs(r, l, s->I);
	recurrent_span g[2];
	for (int i = 0, n = recurrent_input_spans(r, g); i < n; i++)
		p->w[i] = dense_packed(s->e, recurrent_weight_of(s, l, WEIGHT, d, g[i].row * I), I, g[i].n, I, true);
	for (int i = 0, n = recurrent_state_spans(r, g); i < n; i++)
		p->r[i] = recurrent_packed(s, recurrent_weight_of(s, l, RECURRENT_WEIGHT, d, (int64_t)g[i].row * r->P), r->P, r->H,
		        g[i].n / r->H, r->P, true);
	if (recurrent_has(r, PROJECTION))
		p->projection = recurrent_packed(s, recurrent_weight_of(s, l, PROJECTION, d, 0), r->H, r->P, 1, r->H, true);
}

static eg_buf output_part(const recurrent_seq *s, int port, int l, int d, int64_t each) {
	return port < 0 ? (eg_buf){0} : eg_emit_part(s->e, s->out[port], (l * s->D + d) * each);
}
static eg_buf state_input(const recurrent_seq *s, int port, int l, int d, int64_t each) {
	if (port < 0) return (eg_buf){0};
	return eg_emit_part(s->e, eg_emit_x(s->e, port, EG_PLAIN), (l * s->D + d) * each);
}

/* Where the steps from `first` on begin: where the last ones have ended, or at a checkpoint. */
static void put_states(const recurrent_seq *s, int l, int d, const recurrent_lane *p, eg_recurrent_fwd_args *a) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P;
	const int i = s->segment ? a->s.first / s->segment : 0;
	a->s.begins = a->s.first == 0 || p->again;
	a->s.ends = !p->again && (a->s.first + a->s.count == s->T || s->segment);
	a->h0 = state_input(s, s->port.h0, l, d, N * P);
	a->c0 = state_input(s, s->port.c0, l, d, N * H);
	if (p->again && (i > 0 || s->carried)) {
		a->h0 = recurrent_checkpoint(s, l, d, false, i);
		if (r->cell == EG_CELL_LSTM) a->c0 = recurrent_checkpoint(s, l, d, true, i);
	}
	if (a->s.first + a->s.count == s->T && !p->again) {
		a->hn = output_part(s, s->port.hn, l, d, N * P);
		a->last_c = output_part(s, s->port.cn, l, d, N * H);
	} else if (a->s.ends) {
		a->hn = recurrent_checkpoint(s, l, d, false, i + 1);
		if (r->cell == EG_CELL_LSTM) a->last_c = recurrent_checkpoint(s, l, d, true, i + 1);
	}
	if (!s->carries || p->again) return;
	a->state_h = eg_emit_part(s->e, eg_emit_state(s->e, 0, r->layers, N, P), l * N * P);
	if (r->cell == EG_CELL_LSTM) a->state_c = eg_emit_part(s->e, eg_emit_state(s->e, 1, r->layers, N, H), l * N * H);
}

/* Steps [first, first+count) of one layer in one direction. */
void recurrent_emit_steps(const recurrent_seq *s, int l, int d, const recurrent_lane *p, int first, int count) {
	const recurrent *r = s->r;
	const int64_t N = s->N, H = r->H, P = r->P, T = s->T, I = recurrent_inputs(r, l, s->I);
	eg_recurrent_fwd_args a = {.s = recurrent_shape_of(s, d)};
	const int t0 = a.s.reverse ? s->T - first - count : first, g0 = s->keep ? s->k0 : t0;
	recurrent_span g[2];
	for (int i = 0, n = recurrent_input_spans(r, g); i < n; i++)
		dense_product(s->e, (eg_gemm_packed_args){.a = eg_emit_part(s->e, p->x, (t0 - p->x0) * N * I),
		                   .b = p->w[i],
		                   .bias = r->norm ? (eg_buf){0} : recurrent_weight_of(s, l, BIAS, d, g[i].row),
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
	a.peephole = recurrent_weight_of(s, l, PEEPHOLE, d, 0);
	a.q_bias = recurrent_weight_of(s, l, RECURRENT_BIAS, d, 0);
	if (r->norm) a.bias = recurrent_weight_of(s, l, BIAS, d, 0);
	a.gain = recurrent_weight_of(s, l, NORM_GAIN, d, 0);
	a.shift = recurrent_weight_of(s, l, NORM_BIAS, d, 0);
	a.decay = recurrent_weight_of(s, l, DECAY, d, 0);
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
	        .joint = recurrent_joint_of(s, eg_emit_kernels(s->e)->recurrent_fwd_joint, count));
}

/* Where the layers read and write: the sequence itself, the kept states of the layer below, or a buffer between
 * them. */
static void connect(const recurrent_seq *s, recurrent_lane lanes[][2]) {
	const recurrent *r = s->r;
	const bool direct = s->keep && s->D == 1 && r->dropout <= 0;
	const bool kept = s->has_bwd && !(s->segment && s->chunked); /* inputs of layers are there until backward */
	for (int l = 0; l < r->layers; l++) {
		const int64_t width = recurrent_inputs(r, l, s->I);
		eg_buf x = eg_emit_x(s->e, 0, EG_PLAIN);
		if (l > 0 && direct)
			x = recurrent_states_after(s, lanes[l - 1][0].mem.hs);
		else if (l > 0 && kept)
			x = recurrent_kept_input(s, l);
		else if (l > 0)
			x = eg_emit_temp(s->e, EG_ELEM_REAL, (s->chunked ? s->chunk : s->T) * s->N * width, false);
		for (int d = 0; d < s->D; d++) {
			recurrent_lane *p = &lanes[l][d], *below = l ? &lanes[l - 1][d] : NULL;
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
static void keep_carried(const recurrent_seq *s, int l) {
	const recurrent *r = s->r;
	for (int i = 0; i < (r->cell == EG_CELL_LSTM ? 2 : 1); i++) {
		const int64_t width = i ? r->H : r->P, total = s->N * width;
		eg_map_args a = {.x = eg_emit_part(s->e, eg_emit_state(s->e, i, r->layers, s->N, width), l * total),
		        .y = recurrent_checkpoint(s, l, 0, i > 0, 0),
		        .unit = EG_CHUNK,
		        .total = total};
		a.x.stride = a.y.stride = EG_CHUNK;
		OP_CALL(s->e, copy, a, 1, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
	}
}

void recurrent_emit_fwd(eg_emit *e, const recurrent *asked) {
	const recurrent mode = recurrent_in_mode(e, asked), *r = &mode;
	recurrent_seq s = recurrent_seq_of(e, r);
	recurrent_lane lanes[RECURRENT_LAYERS][2] = {0};
	eg_buf gates = {0};
	const int outputs = (s.port.gates < 0 ? s.port.states : s.port.gates) + 1;
	for (int i = 0; i < outputs; i++)
		if (eg_emit_out_needed(e, i)) s.out[i] = eg_emit_y(e, i, EG_PLAIN);
	if (!s.keep) gates = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)s.chunk * s.N * r->S * r->H, false);
	for (int l = 0; l < r->layers; l++)
		for (int d = 0; d < s.D; d++) {
			lanes[l][d].mem = recurrent_memory_of(&s, l, d, gates);
			recurrent_pack_weights(&s, l, d, &lanes[l][d]);
			recurrent_make_masks(&s, l, d, &lanes[l][d].mem);
		}
	connect(&s, lanes);
	for (int l = 0; l < r->layers && s.segment && s.carried; l++) keep_carried(&s, l);
	for (int first = 0; s.chunked && first < s.T; first += s.chunk)
		for (int l = 0; l < r->layers; l++) {
			recurrent_lane p = lanes[l][0];
			const int count = s.T - first < s.chunk ? s.T - first : s.chunk;
			if (!s.keep) { /* the buffers between the layers hold this chunk only */
				p.x0 = l > 0 ? first : 0;
				p.y0 = l < r->layers - 1 ? first : 0;
			}
			recurrent_emit_steps(&s, l, 0, &p, first, count);
		}
	for (int l = 0; l < r->layers && !s.chunked; l++) {
		for (int d = 0; d < s.D; d++)
			for (int first = 0; first < s.T; first += s.chunk)
				recurrent_emit_steps(
				        &s, l, d, &lanes[l][d], first, s.T - first < s.chunk ? s.T - first : s.chunk);
		if (r->dropout <= 0 || l == r->layers - 1) continue;
		/* Zaremba et al. 2014: on the way up, never on the way through time */
		recurrent_drop_inputs(&s, lanes[l + 1][0].x, l + 1);
	}
}

/* body_conv_depthwise.c - depthwise convolution, one filter for each channel (G = C = K), of PLAIN or BLOCKED tensors:
 * algorithm `depthwise`.
 *
 * 16 channels lie in lanes, so that every tap is a vector of weights times a vector of x. A BLOCKED x is read where it
 * lies: at the borders the taps outside of it are left out, by a range of taps for each line and column. PLAIN tensors
 * are turned round by strips of lines in scratch, or, when x and y both are PLAIN and the stride is 1, computed as they
 * lie (body_conv_depthwise_plain.h). The gradient of x takes the phases of body_conv_direct.c, line by line and column
 * by column. All of it waits for memory more than for arithmetic.
 *
 * Not here: several filters for each channel, groups of channels (body_conv_direct.c, body_conv_plain.c). */
#include "kern/body_act.h"
#include "kern/body_conv_depthwise_plain.h"

#include <string.h>

enum {
	DEPTH_MR = 6,              /* positions in a tile */
	DEPTH_NV = EG_BLOCK / V,   /* vectors in a block of channels */
	DEPTH_STRIP = 16 * 1024    /* about as many floats in a strip of a PLAIN x or y */
};

typedef struct depth {
	int N, C, blocks;
	bool x_blocked, y_blocked; /* input and output */
	bool flat;                 /* a channel at a time */
	direct_side h, w;
	int rows, strips;          /* output lines of a strip; strips of a picture */
} depth;

/* A line of outputs of one phase: taps by rows and columns. */
typedef struct depth_line {
	int rows, s0, s1;           /* all rows; columns [s0,s1) */
	int32_t *line, *weight_row; /* [rows]: offsets in x and w */
	int32_t *off, *weight;      /* [columns]: likewise */
	const float *x, *w, *start;
	ptrdiff_t step, to_step; /* from an output to the next, in x and y */
	float least;
	bool acc;
} depth_line;

EG_ALWAYS_INLINE void depth_tile(const int mr, const depth_line *t, const float *x, float *to) {
	vf s[DEPTH_MR * DEPTH_NV];
	const ptrdiff_t step = t->step, to_step = t->to_step;
	EG_UNROLL for (int j = 0; j < DEPTH_NV; j++) {
		vf start = vload(t->start + j * V);
		EG_UNROLL for (int i = 0; i < mr; i++) s[i * DEPTH_NV + j] = start;
	}
	for (int r = 0; r < t->rows; r++) {
		const float *line = x + t->line[r], *w = t->w + t->weight_row[r];
		for (int c = t->s0; c < t->s1; c++) {
			const float *at = line + t->off[c];
			EG_UNROLL for (int j = 0; j < DEPTH_NV; j++) {
				vf v = vload(w + t->weight[c] + j * V);
				EG_UNROLL for (int i = 0; i < mr; i++)
				        s[i * DEPTH_NV + j] = vfma(vload(at + i * step + j * V), v, s[i * DEPTH_NV + j]);
			}
		}
	}
	const vf least = vset1(t->least);
	EG_UNROLL for (int i = 0; i < mr; i++) EG_UNROLL for (int j = 0; j < DEPTH_NV; j++) {
		float *p = to + i * to_step + j * V;
		vf v = s[i * DEPTH_NV + j];
		if (t->acc) v = vadd(vload(p), v);
		vstore(p, vmax(least, v)); /* this order lets NaN through */
	}
}

/* Outputs [from, to) of a line, of one phase, all with the same columns of taps. */
static void depth_run(const depth_line *t, int from, int to, float *y) {
	for (int i = from, n; i < to; i += n) {
		const float *x = t->x + i * t->step;
		float *p = y + i * t->to_step;
		n = gemm_min(to - i, DEPTH_MR);
		switch (n) {
		case 1: depth_tile(1, t, x, p); break;
		case 2: depth_tile(2, t, x, p); break;
		case 3: depth_tile(3, t, x, p); break;
		case 4: depth_tile(4, t, x, p); break;
		case 5: depth_tile(5, t, x, p); break;
		default: depth_tile(6, t, x, p); break;
		}
	}
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static depth depth_of(const eg_conv_shape *s, bool back) {
	depth d = {.N = s->N, .C = s->C, .blocks = direct_up(s->C, EG_BLOCK)};
	d.x_blocked = back ? s->y_blocked : s->x_blocked;
	d.y_blocked = back ? s->x_blocked : s->y_blocked;
	d.h = EG_NAME(direct_side_of)(back ? s->P : s->H, back ? s->H : s->P, s->R, s->ph, s->dh, s->sh, back);
	d.w = EG_NAME(direct_side_of)(back ? s->Q : s->W, back ? s->W : s->Q, s->S, s->pw, s->dw, s->sw, back);
	d.flat = !d.x_blocked && !d.y_blocked && s->sh == 1 && s->sw == 1;
	const int width = d.flat ? flat_line(&d.w) : (d.w.in > d.w.out ? d.w.in : d.w.out) * EG_BLOCK;
	d.strips = gemm_min(d.h.out, direct_up(d.h.out * width, d.flat ? FLAT_STRIP : DEPTH_STRIP));
	d.rows = direct_up(d.h.out, d.strips);
	d.strips = direct_up(d.h.out, d.rows);
	return d;
}
/* Lines of x that outputs [o0,o1) may see. */
static void depth_lines(const depth *d, int o0, int o1, int *l0, int *l1) {
	*l0 = o0 / d->h.phases * d->h.step + d->h.low;
	*l1 = (o1 - 1) / d->h.phases * d->h.step + d->h.high + 1;
	if (*l0 < 0) *l0 = 0;
	if (*l1 > d->h.in) *l1 = d->h.in;
	if (*l1 < *l0) *l1 = *l0;
}
static int depth_most_lines(const depth *d) {
	return gemm_min(d->h.in, (d->rows - 1) / d->h.phases * d->h.step + d->h.step + d->h.high - d->h.low + 1);
}
/* Scratch: tables, x, y, and (gradient of w) sums. */
typedef struct depth_room {
	int32_t *table;
	float *x, *y, *dw;
} depth_room;
static size_t depth_layout(const depth *d, bool weights, char *base, depth_room *room) {
	const size_t taps = (size_t)(d->h.taps * d->w.taps);
	size_t sizes[4] = {0};
	if (d->flat) {
		sizes[0] = taps * sizeof(int32_t);
		sizes[1] = flat_x_size(&d->h, &d->w, d->rows) * sizeof(float);
		sizes[2] = flat_y_size(&d->w, d->rows) * sizeof(float);
	} else {
		sizes[0] = 2 * (size_t)(d->h.taps + d->w.taps) * sizeof(int32_t);
		if (!d->x_blocked) sizes[1] = ((size_t)depth_most_lines(d) * (size_t)d->w.in + V) * EG_BLOCK * sizeof(float);
		if (!d->y_blocked) sizes[2] = ((size_t)d->rows * (size_t)d->w.out + V) * EG_BLOCK * sizeof(float);
	}
	if (weights) sizes[3] = (taps + 1) * EG_BLOCK * sizeof(float);
	size_t at[5] = {0};
	for (int i = 0; i < 4; i++) at[i + 1] = at[i] + (sizes[i] + 63) / 64 * 64;
	if (room) {
		room->table = (int32_t *)(void *)base;
		room->x = (float *)(void *)(base + at[1]);
		room->y = (float *)(void *)(base + at[2]);
		room->dw = (float *)(void *)(base + at[3]);
	}
	return at[4];
}

/* Lines [l0,l1) of block `block` of sample n of x: where line 0 would lie. */
static const float *depth_load(
	bool blocked, const float *x, int C, int n, int block, int height, int width, int l0, int l1, float *strip) {
	const ptrdiff_t plane = (ptrdiff_t)height * width;
	if (blocked) return x + ((ptrdiff_t)n * direct_up(C, EG_BLOCK) + block) * plane * EG_BLOCK;
	EG_NAME(direct_turn)(x + ((ptrdiff_t)n * C + block * EG_BLOCK) * plane + (ptrdiff_t)l0 * width, plane, (l1 - l0) * width,
	        gemm_min(EG_BLOCK, C - block * EG_BLOCK), strip, EG_BLOCK);
	return strip - (ptrdiff_t)l0 * width * EG_BLOCK;
}

/* ---- forward, gradient of x -------------------------------------------------------------------------------------- */

/* Output line o, written at y. */
static void depth_output(const depth *d, depth_line *t, int o, float *y) {
	const int cell = o / d->h.phases, phase = o % d->h.phases;
	t->rows = 0;
	for (int r = 0, at; r < d->h.taps; r++) {
		if (!direct_meets(&d->h, phase, r, &at)) continue;
		at += cell * d->h.step;
		if (at < 0 || at >= d->h.in) continue;
		t->line[t->rows] = at * d->w.in * EG_BLOCK;
		t->weight_row[t->rows++] = r * d->w.taps * EG_BLOCK;
	}
	t->step = d->w.step * EG_BLOCK;
	t->to_step = d->w.phases * EG_BLOCK;
	for (int b = 0; b < d->w.phases; b++) {
		const int cells = direct_in_phase(&d->w, d->w.cells, b);
		int columns = 0, first = 0, last = cells; /* cells in which no tap meets padding */
		for (int s = 0, at; s < d->w.taps; s++) {
			if (!direct_meets(&d->w, b, s, &at)) continue;
			t->off[columns] = at * EG_BLOCK;
			t->weight[columns++] = s * EG_BLOCK;
			while (first < last && first * d->w.step + at < 0) first++;
			while (last > first && (last - 1) * d->w.step + at >= d->w.in) last--;
		}
		for (int j = 0; j < cells; j++) {
			t->s0 = 0, t->s1 = columns;
			if (j == first && first < last) {
				depth_run(t, first, last, y + b * EG_BLOCK);
				j = last - 1;
				continue;
			}
			for (int at; t->s0 < t->s1; t->s0++) /* taps that meet x follow each other */
				if ((at = j * d->w.step + t->off[t->s0] / EG_BLOCK) >= 0 && at < d->w.in) break;
			for (int at; t->s1 > t->s0; t->s1--)
				if ((at = j * d->w.step + t->off[t->s1 - 1] / EG_BLOCK) >= 0 && at < d->w.in) break;
			depth_run(t, j, j + 1, y + b * EG_BLOCK);
		}
	}
}

/* Output lines [o0,o1) of the channels of a block, in PLAIN. */
static void depth_plain(const depth *d, const eg_conv_run_args *a, int n, int block, int o0, int o1, const depth_room *room) {
	const int channels = gemm_min(EG_BLOCK, d->C - block * EG_BLOCK), taps = d->h.taps * d->w.taps, line = flat_line(&d->w);
	for (int t = 0, r = 0, s = 0; t < taps; t++) {
		direct_meets(&d->h, 0, t / d->w.taps, &r);
		direct_meets(&d->w, 0, t % d->w.taps, &s);
		room->table[t] = (r - d->h.low) * line + s - d->w.low;
	}
	const bool by_rows = flat_by_rows(&d->h, &d->w);
	memset(room->x, 0, flat_x_size(&d->h, &d->w, d->rows) * sizeof(float));
	for (int i = 0; i < channels; i++) {
		const ptrdiff_t c = (ptrdiff_t)n * d->C + block * EG_BLOCK + i;
		float *y = (float *)a->out.p + (c * d->h.out + o0) * d->w.out;
		flat_load(&d->h, &d->w, o0, o1, (const float *)a->in.p + c * d->h.in * d->w.in, room->x);
		const float *w = (const float *)a->w.p + (ptrdiff_t)block * taps * EG_BLOCK + i;
		const float start = a->b.p ? ((const float *)a->b.p)[block * EG_BLOCK + i] : 0.0f;
		if (by_rows) {
			const flat_out out = {start, act_least(a->act), line, d->w.out, a->acc};
			flat_lines(o1 - o0, room->table, w, room->x, &out, y);
		} else {
			flat_sum((o1 - o0) * line, taps, room->table, w, room->x, start, room->y);
			for (int o = 0; o < o1 - o0; o++)
				flat_line_out(d->w.out, room->y + o * line, y + (ptrdiff_t)o * d->w.out, act_least(a->act), a->acc);
		}
		if (act_remains(a->act)) EG_NAME(act_run)(y, y, (o1 - o0) * d->w.out, a->act);
	}
}

/* Unit: sample, block of channels, strip of lines. */
static void depth_unit(const depth *d, const eg_conv_run_args *a, int u, const depth_room *room) {
	const int strip = u % d->strips, block = u / d->strips % d->blocks, n = u / d->strips / d->blocks;
	const int o0 = strip * d->rows, o1 = gemm_min(o0 + d->rows, d->h.out), channels = gemm_min(EG_BLOCK, d->C - block * EG_BLOCK);
	const ptrdiff_t plane = (ptrdiff_t)d->h.out * d->w.out, line = (ptrdiff_t)d->w.out * EG_BLOCK;
	float start[EG_BLOCK] = {0};
	int l0, l1;
	if (d->flat) {
		depth_plain(d, a, n, block, o0, o1, room);
		return;
	}
	if (a->b.p)
		for (int i = 0; i < channels; i++) start[i] = ((const float *)a->b.p)[block * EG_BLOCK + i];
	depth_line t = {.line = room->table, .weight_row = room->table + d->h.taps, .off = room->table + 2 * d->h.taps, .start = start};
	t.weight = t.off + d->w.taps;
	t.w = (const float *)a->w.p + (ptrdiff_t)block * d->h.taps * d->w.taps * EG_BLOCK;
	t.least = act_least(a->act);
	t.acc = a->acc && d->y_blocked;
	depth_lines(d, o0, o1, &l0, &l1);
	t.x = depth_load(d->x_blocked, a->in.p, d->C, n, block, d->h.in, d->w.in, l0, l1, room->x);
	float *y = d->y_blocked ? (float *)a->out.p + (((ptrdiff_t)n * d->blocks + block) * plane + (ptrdiff_t)o0 * d->w.out) * EG_BLOCK : room->y;
	for (int o = o0; o < o1; o++) depth_output(d, &t, o, y + (o - o0) * line);
	if (!d->y_blocked)
		EG_NAME(direct_unload)(y, EG_BLOCK, (o1 - o0) * d->w.out, channels,
		        (float *)a->out.p + ((ptrdiff_t)n * d->C + block * EG_BLOCK) * plane + (ptrdiff_t)o0 * d->w.out, plane, a->acc, a->act);
	else if (act_remains(a->act))
		EG_NAME(act_run)(y, y, (o1 - o0) * line, a->act);
}
static void depth_all(const eg_conv_run_args *a, bool back, int begin, int end, const eg_worker *worker) {
	const depth d = depth_of(&a->s, back);
	depth_room room;
	depth_layout(&d, false, worker->scratch, &room);
	for (int u = begin; u < end; u++) depth_unit(&d, a, u, &room);
}
static void conv_depthwise_fwd_f32(const void *args, int begin, int end, const eg_worker *worker) {
	depth_all(args, false, begin, end, worker);
}
static void conv_depthwise_bwd_data_f32(const void *args, int begin, int end, const eg_worker *worker) {
	depth_all(args, true, begin, end, worker);
}

/* ---- gradient of w ----------------------------------------------------------------------------------------------- */

/* sum[16] += sum over n of dy[i] x[i], step apart in x; x NULL: of dy alone. */
static void depth_dot(const float *dy, const float *x, ptrdiff_t step, int n, float *sum) {
	for (int j = 0; j < EG_BLOCK; j += V) {
		vf s[4] = {vzero(), vzero(), vzero(), vzero()};
		int i = 0;
		if (!x) {
			for (; i < n; i++) s[i % 4] = vadd(s[i % 4], vload(dy + (ptrdiff_t)i * EG_BLOCK + j));
		} else {
			for (; i + 4 <= n; i += 4)
				EG_UNROLL for (int l = 0; l < 4; l++)
				        s[l] = vfma(vload(dy + (ptrdiff_t)(i + l) * EG_BLOCK + j), vload(x + (i + l) * step + j), s[l]);
			for (; i < n; i++) s[0] = vfma(vload(dy + (ptrdiff_t)i * EG_BLOCK + j), vload(x + i * step + j), s[0]);
		}
		vstore(sum + j, vadd(vload(sum + j), vadd(vadd(s[0], s[1]), vadd(s[2], s[3]))));
	}
}

/* Adds what output lines [o0,o1) say about all taps; sums of dy behind them. */
static void depth_weights_strip(const depth *d, int o0, int o1, const float *x, const float *dy, float *sum, bool bias) {
	for (int o = o0; o < o1; o++, dy += (ptrdiff_t)d->w.out * EG_BLOCK) {
		for (int r = 0; r < d->h.taps; r++) {
			const int line = o * d->h.step + r * d->h.dilation - d->h.pad;
			if (line < 0 || line >= d->h.in) continue;
			for (int s = 0; s < d->w.taps; s++) {
				const int at = s * d->w.dilation - d->w.pad, end = d->w.in - 1 - at;
				const int first = at < 0 ? (-at + d->w.step - 1) / d->w.step : 0;
				const int last = end < 0 ? 0 : gemm_min(d->w.out, end / d->w.step + 1);
				if (first < last)
					depth_dot(dy + (ptrdiff_t)first * EG_BLOCK, x + ((ptrdiff_t)line * d->w.in + at + (ptrdiff_t)first * d->w.step) * EG_BLOCK,
					        (ptrdiff_t)d->w.step * EG_BLOCK, last - first, sum + (r * d->w.taps + s) * EG_BLOCK);
			}
		}
		if (bias) depth_dot(dy, NULL, 0, d->w.out, sum + d->h.taps * d->w.taps * EG_BLOCK);
	}
}

static int conv_depthwise_shards(const eg_conv_shape *s) {
	const int blocks = direct_up(s->C, EG_BLOCK);
	return gemm_min(s->N, blocks >= DIRECT_UNITS ? 1 : gemm_min(EG_MAX_SHARDS, direct_up(DIRECT_UNITS, blocks)));
}

/* The same of the channels of a block that are PLAIN as they lie. */
static void depth_weights_plain(const depth *d, const eg_conv_weights_args *a, int n, int block, int o0, int o1, const depth_room *room) {
	const int channels = gemm_min(EG_BLOCK, d->C - block * EG_BLOCK), line = flat_line(&d->w), size = (o1 - o0) * line;
	memset(room->x, 0, flat_x_size(&d->h, &d->w, d->rows) * sizeof(float));
	memset(room->y, 0, flat_y_size(&d->w, d->rows) * sizeof(float));
	for (int i = 0; i < channels; i++) {
		const ptrdiff_t c = (ptrdiff_t)n * d->C + block * EG_BLOCK + i;
		const float *dy = (const float *)a->dy.p + (c * d->h.out + o0) * d->w.out;
		flat_load(&d->h, &d->w, o0, o1, (const float *)a->x.p + c * d->h.in * d->w.in, room->x);
		for (int o = 0; o < o1 - o0; o++) memcpy(room->y + o * line, dy + (ptrdiff_t)o * d->w.out, (size_t)d->w.out * sizeof *dy);
		flat_dots(&d->h, &d->w, size, room->y, room->x, room->dw + i);
		if (a->db.p) room->dw[d->h.taps * d->w.taps * EG_BLOCK + i] += flat_total(size, room->y);
	}
}

/* Unit: block of channels, shard of the samples. */
static void depth_weights_unit(const depth *d, const eg_conv_weights_args *a, int u, const depth_room *room) {
	const int block = u / a->shards, shard = u % a->shards, taps = d->h.taps * d->w.taps;
	int n0, n1, l0, l1;
	eg_split(d->N, shard, a->shards, &n0, &n1);
	memset(room->dw, 0, (size_t)(taps + 1) * EG_BLOCK * sizeof(float));
	for (int n = n0; n < n1; n++)
		for (int o0 = 0, o1; o0 < d->h.out; o0 = o1) {
			o1 = gemm_min(o0 + d->rows, d->h.out);
			if (d->flat) {
				depth_weights_plain(d, a, n, block, o0, o1, room);
				continue;
			}
			depth_lines(d, o0, o1, &l0, &l1);
			const float *x = depth_load(d->x_blocked, a->x.p, d->C, n, block, d->h.in, d->w.in, l0, l1, room->x);
			const float *dy = depth_load(d->y_blocked, a->dy.p, d->C, n, block, d->h.out, d->w.out, o0, o1, room->y);
			depth_weights_strip(d, o0, o1, x, dy + (ptrdiff_t)o0 * d->w.out * EG_BLOCK, room->dw, a->db.p != NULL);
		}
	for (int i = 0; i < EG_BLOCK && block * EG_BLOCK + i < d->C; i++) {
		const ptrdiff_t c = (ptrdiff_t)shard * d->C + block * EG_BLOCK + i;
		float *dw = (float *)a->dw.p + c * taps, *db = a->db.p ? (float *)a->db.p + c : NULL;
		for (int t = 0; t < taps; t++) dw[t] = (a->acc ? dw[t] : 0.0f) + room->dw[t * EG_BLOCK + i];
		if (db) *db = (a->acc ? *db : 0.0f) + room->dw[taps * EG_BLOCK + i];
	}
}
static void conv_depthwise_bwd_weights_f32(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_weights_args *a = args;
	const depth d = depth_of(&a->s, false);
	depth_room room;
	assert(a->shards == conv_depthwise_shards(&a->s));
	depth_layout(&d, true, worker->scratch, &room);
	for (int u = begin; u < end; u++) depth_weights_unit(&d, a, u, &room);
}

/* ---- weights, table ---------------------------------------------------------------------------------------------- */

/* [block of channels][tap][16], zeros beyond the last channel. */
static void conv_depthwise_pack_f32(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pack_args *a = args;
	const int taps = a->s.R * a->s.S;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		float *to = (float *)a->dst.p + (ptrdiff_t)u * taps * EG_BLOCK;
		for (int t = 0; t < taps; t++)
			for (int i = 0; i < EG_BLOCK; i++) {
				const int c = u * EG_BLOCK + i;
				to[t * EG_BLOCK + i] = c < a->s.C ? ((const float *)a->w.p)[(ptrdiff_t)c * taps + t] : 0.0f;
			}
	}
}
static int conv_depthwise_pack_units(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return direct_up(s->C, EG_BLOCK);
}
static size_t conv_depthwise_pack_bytes(const eg_conv_shape *s, eg_conv_dir dir) {
	return (size_t)conv_depthwise_pack_units(s, dir) * (size_t)(s->R * s->S) * EG_BLOCK * sizeof(float);
}
static size_t conv_depthwise_scratch(const eg_conv_shape *s, eg_conv_dir dir) {
	const depth d = depth_of(s, dir == EG_CONV_BWD_DATA);
	return depth_layout(&d, dir == EG_CONV_BWD_WEIGHTS, NULL, NULL);
}
static int conv_depthwise_units(const eg_conv_shape *s, eg_conv_dir dir) {
	const depth d = depth_of(s, dir == EG_CONV_BWD_DATA);
	return dir == EG_CONV_BWD_WEIGHTS ? d.blocks * conv_depthwise_shards(s) : d.N * d.blocks * d.strips;
}
static bool conv_depthwise_can(const eg_conv_shape *s, eg_conv_dir dir) {
	const int64_t most = INT32_MAX / EG_BLOCK;
	EG_UNUSED(dir);
	return s->G == s->C && s->K == s->C && (int64_t)s->H * s->W < most && (int64_t)s->P * s->Q < most && (int64_t)s->R * s->S < most / EG_BLOCK;
}
/* Nanoseconds: taps, and what a float of x and y costs to fetch, and to turn round. */
static double conv_depthwise_cost(const eg_conv_shape *s, eg_conv_dir dir) {
	const double x = (double)s->N * s->H * s->W * direct_up(s->C, EG_BLOCK) * EG_BLOCK;
	const double y = (double)s->N * s->P * s->Q * direct_up(s->C, EG_BLOCK) * EG_BLOCK;
	const bool flat = depth_of(s, dir == EG_CONV_BWD_DATA).flat;
	const double tap = (flat ? 1.6 : dir == EG_CONV_BWD_WEIGHTS ? 2.0 : 1.4) / V * 0.3;
	return y * s->R * s->S * tap + x * (flat || s->x_blocked ? 0.1 : 0.3) + y * (flat || s->y_blocked ? 0.1 : 0.3);
}

const eg_conv_kernels EG_NAME(conv_depthwise) = {.name = "depthwise",
	.exact = true,
	.can = conv_depthwise_can,
	.pack = conv_depthwise_pack_f32,
	.run = EG_RUNS(conv_depthwise, conv_depthwise_fwd_f32, conv_depthwise_bwd_data_f32, conv_depthwise_bwd_weights_f32),
	.pack_bytes = conv_depthwise_pack_bytes,
	.pack_units = conv_depthwise_pack_units,
	.scratch = conv_depthwise_scratch,
	.units = conv_depthwise_units,
	.shards = conv_depthwise_shards,
	.cost = conv_depthwise_cost};

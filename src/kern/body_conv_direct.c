/* body_conv_direct.c - direct convolution of PLAIN or BLOCKED tensors, forward and the gradient of x: algorithm
 * `direct`.
 *
 * Everything is one kind of sum, computed by one micro-kernel with DIRECT_NR output channels in the lanes of DIRECT_NV
 * vectors and up to DIRECT_MR positions, DIRECT_NV registers for each:
 *
 *     out[i][lane] = sum over j of w[j][lane] x[from[i] + off[j]]
 *
 * where i is a position, j a pair of input channel and tap. Both addresses come from tables, which makes the kernel
 * indifferent to layout, stride, padding and dilation, lets a tile hold any positions (those of several rows or
 * samples: none is wasted), and costs one load for DIRECT_MR*DIRECT_NV multiply-adds. x is cut into strips of rows and
 * copied into scratch with its padding, unless it is BLOCKED and needs none: then it is read where it lies. Where each
 * position reads elements of its own (1x1) of many channels, a PLAIN x is copied into panels: a tile's positions of one
 * channel side by side, then those of the next, so that a tile reads its panel from front to back. Results go straight
 * into a BLOCKED y, or through a buffer and a transposition into a PLAIN one.
 *
 * The gradient of x by stride sh, sw falls into sh*sw phases. The elements of dx in rows a, a + sh.. and columns b, b +
 * sw.. are a convolution of dy at stride 1 with those taps that meet them; a stride of 1 is the case of one phase.
 *
 * Every result is a chain of multiply-adds for each DIRECT_KC terms, and these are added up in order: the bits depend
 * neither on the layouts nor on how tiles, strips and units are cut.
 *
 * Not here: the gradient of w (body_conv_direct_weights.c), one filter for each channel (body_conv_depthwise.c). */
#include "kern/body_act.h"
#include "kern/body_conv_direct.h"
#include "kern/body_gemm.h"

/* ---- micro-kernel ------------------------------------------------------------------------------------------------ */

EG_ALWAYS_INLINE void direct_tile(const int mr, const int nv, const direct_sum *t) {
	vf s[DIRECT_MR * DIRECT_NV];
	const float *x[DIRECT_MR], *w = t->w;
	const int32_t *off = t->off, *const end = off + t->n;
	const ptrdiff_t ws = V < 16 ? 16 : t->ws, wj = V < 16 ? V : t->wj, ahead = t->ahead;
	EG_UNROLL for (int i = 0; i < mr; i++) x[i] = t->x + t->from[i];
	EG_UNROLL for (int j = 0; j < nv; j++) {
		vf start = vload(t->start + j * V);
		EG_UNROLL for (int i = 0; i < mr; i++) s[i * nv + j] = start;
	}
	for (; off < end; off++, w += ws) {
		const ptrdiff_t at = *off;
		vf v[DIRECT_NV];
		EG_UNROLL for (int j = 0; j < nv; j++) {
			v[j] = vload(w + j * wj);
			EG_KEEP(v[j]);
		}
		EG_UNROLL for (int j = 0; j < nv * V; j += 16) __builtin_prefetch(w + ahead + j, 0, 2);
		EG_UNROLL for (int i = 0; i < mr; i++) {
			const vf b = vset1(x[i][at]);
			EG_UNROLL for (int j = 0; j < nv; j++) s[i * nv + j] = vfma(b, v[j], s[i * nv + j]);
		}
	}
	const vf least = vset1(t->least);
	const ptrdiff_t jump = V < 16 ? V : t->jump;
	const int32_t *to = t->to;
	float *const out = t->out;
	if (t->acc) {
		EG_UNROLL for (int i = 0; i < mr; i++) EG_UNROLL for (int j = 0; j < nv; j++) {
			float *p = out + to[i] + j * jump;
			vstore(p, vmax(least, vadd(vload(p), s[i * nv + j]))); /* this order lets NaN through */
		}
	} else {
		EG_UNROLL for (int i = 0; i < mr; i++) EG_UNROLL for (int j = 0; j < nv; j++)
		        vstore(out + to[i] + j * jump, vmax(least, s[i * nv + j]));
	}
}

typedef void (*direct_fixed)(const direct_sum *t);

#define DIRECT_TILE(mr, nv) \
	static void direct_tile_##mr##x##nv(const direct_sum *t) { direct_tile(mr, nv, t); }
#define DIRECT_UP_TO_6(nv) \
	direct_tile_1x##nv, direct_tile_2x##nv, direct_tile_3x##nv, direct_tile_4x##nv, \
		direct_tile_5x##nv, direct_tile_6x##nv
#if EG_V == 16
#define DIRECT_HEIGHT(mr) DIRECT_TILE(mr, 1) DIRECT_TILE(mr, 2)
#define DIRECT_ABOVE_6(nv) \
	, direct_tile_7x##nv, direct_tile_8x##nv, direct_tile_9x##nv, direct_tile_10x##nv, \
		direct_tile_11x##nv, direct_tile_12x##nv, direct_tile_13x##nv, direct_tile_14x##nv
DIRECT_HEIGHT(1) DIRECT_HEIGHT(2) DIRECT_HEIGHT(3) DIRECT_HEIGHT(4) DIRECT_HEIGHT(5) DIRECT_HEIGHT(6) DIRECT_HEIGHT(7)
DIRECT_HEIGHT(8) DIRECT_HEIGHT(9) DIRECT_HEIGHT(10) DIRECT_HEIGHT(11) DIRECT_HEIGHT(12) DIRECT_HEIGHT(13) DIRECT_HEIGHT(14)
/* [blocks of channels - 1][rows - 1] */
static const direct_fixed direct_tiles[2][DIRECT_MR] = {
	{DIRECT_UP_TO_6(1) DIRECT_ABOVE_6(1)}, {DIRECT_UP_TO_6(2) DIRECT_ABOVE_6(2)}};
#else /* all vectors belong to one block */
#if EG_V == 8
#define DIRECT_HEIGHT(mr) DIRECT_TILE(mr, 2)
#define DIRECT_HEIGHTS DIRECT_UP_TO_6(2)
#else
#define DIRECT_HEIGHT(mr) DIRECT_TILE(mr, 4)
#define DIRECT_HEIGHTS DIRECT_UP_TO_6(4)
#endif
DIRECT_HEIGHT(1) DIRECT_HEIGHT(2) DIRECT_HEIGHT(3) DIRECT_HEIGHT(4) DIRECT_HEIGHT(5) DIRECT_HEIGHT(6)
static const direct_fixed direct_tiles[1][DIRECT_MR] = {{DIRECT_HEIGHTS}};
#endif

/* Where tile i of `rows` begins: full ones, but the last two share what is left for them. */
EG_ALWAYS_INLINE int direct_tile_at(int rows, int i) {
	const int tiles = direct_up(rows, DIRECT_MR);
	if (i == tiles) return rows;
	return i > 0 && i == tiles - 1 ? (rows + (i - 1) * DIRECT_MR + 1) / 2 : i * DIRECT_MR;
}

void EG_NAME(direct_rows)(direct_sum t, int rows, int filters) {
	const direct_fixed *tile = direct_tiles[(filters - 1) / EG_BLOCK];
	const int tiles = direct_up(rows, DIRECT_MR);
	const int32_t *from = t.from, *to = t.to;
	for (int i = 0; i < tiles; i++) {
		const int a = direct_tile_at(rows, i), b = direct_tile_at(rows, i + 1);
		if (i > 0) t.ahead = 0; /* the first tile has fetched all of it */
		t.from = from + a;
		t.to = to + a;
		tile[b - a - 1](&t);
	}
}

/* ---- the problem: forward and gradient of x alike ---------------------------------------------------------------- */

direct_side EG_NAME(direct_side_of)(
	int in, int out, int taps, int pad, int dilation, int stride, bool back) {
	direct_side d = {.in = in, .out = out, .taps = taps, .pad = pad, .dilation = dilation, .back = back};
	bool any = false;
	d.phases = back ? stride : 1;
	d.step = back ? 1 : stride;
	d.cells = (out + d.phases - 1) / d.phases;
	for (int phase = 0; phase < d.phases; phase++)
		for (int r = 0, at; r < taps; r++) {
			if (!direct_meets(&d, phase, r, &at)) continue;
			if (!any || at < d.low) d.low = at;
			if (!any || at > d.high) d.high = at;
			any = true;
		}
	d.pitch = d.low == d.high ? 1 : d.step; /* without overlap the lines in between are left out */
	d.jump = d.low == d.high ? d.step : 1;
	d.count = (d.cells - 1) * d.pitch + d.high - d.low + 1;
	return d;
}
static int direct_taps(const direct_side *d, int phase) {
	int n = 0, at;
	for (int r = 0; r < d->taps; r++) n += direct_meets(d, phase, r, &at);
	return n;
}

/* The first phase that meets a tap. */
static int direct_phase(const direct_side *d) {
	int phase = 0;
	while (phase < d->phases - 1 && direct_taps(d, phase) == 0) phase++;
	return phase;
}

/* Cells and samples of a strip: as much as fits, but not so few units that threads would wait for each other. */
static void direct_cut(direct_job *d) {
	const int width = d->w.cells * d->w.phases * d->h.phases, taps = d->h.taps * d->w.taps;
	const int64_t line = (int64_t)d->w.count * d->C * d->h.pitch;
	const int halo = d->h.high - d->h.low + 1 - d->h.pitch;
	const int reads = taps / (d->h.step * d->w.step * d->h.phases * d->w.phases); /* of each float of x, for each
	                                                                               * filter */
	const int64_t most = DIRECT_STRIP * (reads < 1 ? 1 : gemm_min(reads, DIRECT_STRIP_MOST));
	d->rows = 1;
	while (d->rows < d->h.cells && line * (d->rows + 1 + halo / d->h.pitch) <= most && (d->rows + 1) * width <= DIRECT_POSITIONS)
		d->rows++;
	d->groups = direct_up(d->K, DIRECT_NR);
	d->samples = 1;
	if (d->rows == d->h.cells) { /* whole pictures, or several */
		while (d->samples < d->N && line * d->h.cells * (d->samples + 1) <= DIRECT_STRIP &&
		        (d->samples + 1) * d->rows * width <= DIRECT_POSITIONS / 2)
			d->samples++;
	}
	d->samples = direct_up(d->N, direct_up(d->N, d->samples));
	const int sets = direct_up(d->N, d->samples);
	int parts = direct_up(d->h.cells, d->rows);
	/* More strips read the weights more often, more shares of the filters copy x more often. Strips of a hundred
	 * positions are long enough. */
	const bool heavy = (int64_t)d->Y * d->C * taps > (int64_t)d->N * d->X * d->h.in * d->w.in;
	while (parts * sets * d->G * (heavy ? d->groups : 1) < DIRECT_UNITS && direct_up(d->h.cells, parts + 1) * width >= 96) parts++;
	d->rows = direct_up(d->h.cells, parts);
	d->strips = direct_up(d->h.cells, d->rows) * sets;
	d->splits = gemm_min(d->groups, direct_up(DIRECT_UNITS, d->strips * d->G));
}

direct_job EG_NAME(direct_sides)(const eg_conv_shape *s, bool back) {
	direct_job d = {.N = s->N, .G = s->G, .X = back ? s->K : s->C, .Y = back ? s->C : s->K};
	d.C = d.X / d.G;
	d.K = d.Y / d.G;
	d.x_blocked = back ? s->y_blocked : s->x_blocked;
	d.y_blocked = back ? s->x_blocked : s->y_blocked;
	d.h = EG_NAME(direct_side_of)(back ? s->P : s->H, back ? s->H : s->P, s->R, s->ph, s->dh, s->sh, back);
	d.w = EG_NAME(direct_side_of)(back ? s->Q : s->W, back ? s->W : s->Q, s->S, s->pw, s->dw, s->sw, back);
	d.in_place = d.x_blocked && d.w.step == 1 && d.h.low >= 0 && d.w.low >= 0 && (d.h.cells - 1) * d.h.step + d.h.high < d.h.in &&
	             (d.w.cells - 1) * d.w.step + d.w.high < d.w.in;
	return d;
}
void EG_NAME(direct_strides)(direct_job *d) {
	d->column = d->x_blocked ? EG_BLOCK : 1;
	if (d->in_place) {
		d->h.pitch = d->h.step, d->w.pitch = d->w.step;
		d->line = d->w.in * d->column;
		d->block = d->h.in * d->line;
		d->sample = direct_up(d->X, EG_BLOCK) * d->block;
		return;
	}
	const int lines = (d->rows - 1) * d->h.pitch + d->h.high - d->h.low + 1;
	d->line = d->w.count * d->column;
	d->block = d->line * lines;
	if (!d->x_blocked && d->C > 1) { /* channels must not meet in the same sets of the cache */
		d->block = direct_up((int)d->block, 16) * 16;
		if (d->block % 128 == 0) d->block += 16;
	}
	d->sample = direct_up(d->C, d->x_blocked ? EG_BLOCK : 1) * d->block;
}
direct_job EG_NAME(direct_of)(const eg_conv_shape *s, bool back) {
	direct_job d = EG_NAME(direct_sides)(s, back);
	direct_cut(&d);
	EG_NAME(direct_strides)(&d);
	/* One tap, and so one phase that has it. Backward at a stride, several phases may have a tap each at one
	 * distance, and other positions. */
	if (!d.x_blocked && d.h.taps == 1 && d.w.taps == 1 && d.C > DIRECT_KC_1X1) {
		d.panel = (ptrdiff_t)(d.C + 1) * DIRECT_MR + V; /* with room for what the last vector stores behind
		                                                 * it */
		d.block = DIRECT_MR;
		d.line = direct_in_phase(&d.w, d.w.cells, direct_phase(&d.w));
	}
	return d;
}

int EG_NAME(direct_positions)(const direct_job *d) {
	return d->samples * gemm_min(d->rows * d->h.phases, d->h.out) * d->w.out;
}

/* ---- copying a strip --------------------------------------------------------------------------------------------- */

static void direct_zero(float *to, ptrdiff_t n) {
	for (ptrdiff_t i = 0; i < n; i += V) vstore(to + i, vzero());
}
/* May write up to V - 1 zeros behind the end; reads nothing there. */
static void direct_move(const float *from, float *to, ptrdiff_t n) {
	ptrdiff_t i = 0;
	for (; i + V <= n; i += V) vstore(to + i, vload(from + i));
	if (i < n) vstore(to + i, vload_m(from + i, vfirst((int)(n - i))));
}

/* One line with its padding. `line` is that of the picture, or NULL for padding. */
static void direct_line(const direct_side *w, const float *line, float *to, int unit) {
	int a = w->low < 0 ? (-w->low + w->jump - 1) / w->jump : 0, b = (w->in - w->low + w->jump - 1) / w->jump;
	if (!line || a > w->count || w->low >= w->in) a = w->count;
	b = b < a ? a : b > w->count ? w->count : b;
	direct_zero(to, (ptrdiff_t)a * unit);
	if (w->jump == 1 && a < b) {
		direct_move(line + (ptrdiff_t)(w->low + a) * unit, to + (ptrdiff_t)a * unit, (ptrdiff_t)(b - a) * unit);
	} else if (unit == 1) {
		int m = a;
		for (; w->jump == 2 && m + V <= b && w->low + 2 * (m + V) <= w->in; m += V) vstore(to + m, vload_even(line + w->low + 2 * m));
		for (; m < b; m++) to[m] = line[w->low + m * w->jump];
	} else if (a < b) {
		const float *from = line + (ptrdiff_t)(w->low + a * w->jump) * EG_BLOCK;
		for (int m = a; m < b; m++, from += (ptrdiff_t)w->jump * EG_BLOCK)
			EG_UNROLL for (int i = 0; i < EG_BLOCK; i += V) vstore(to + (ptrdiff_t)m * EG_BLOCK + i, vload(from + i));
	}
	direct_zero(to + (ptrdiff_t)b * unit, (ptrdiff_t)(w->count - b) * unit);
}

/* Lines [0, lines) from line `first` of x on, for `channels` channels; x is the first of them in its sample. Lines are
 * written in rising order, so that what one writes behind its end is overwritten by the next. */
static void direct_copy(const direct_job *d, const float *x, int channels, int first, int lines, float *to) {
	const int unit = d->x_blocked ? EG_BLOCK : 1, blocks = direct_up(channels, unit);
	const ptrdiff_t plane = (ptrdiff_t)d->h.in * d->w.in * unit;
	const bool whole = d->w.low == 0 && d->w.count == d->w.in && d->w.jump == 1 && d->h.jump == 1 && first >= 0 &&
	                   first + lines <= d->h.in && d->line == (ptrdiff_t)d->w.in * unit;
	for (int c = 0; c < blocks; c++, x += plane, to += d->block) {
		if (whole) {
			direct_move(x + first * d->line, to, lines * d->line);
			continue;
		}
		for (int i = 0; i < lines; i++) {
			int at = first + i * d->h.jump;
			const float *line = at >= 0 && at < d->h.in ? x + (ptrdiff_t)at * d->w.in * unit : NULL;
			direct_line(&d->w, line, to + i * d->line, unit);
		}
	}
}

/* The same for all channels and samples of a strip into panels, only what its positions read; `line` is room for one
 * channel. */
static void direct_panels(const direct_job *d, const float *x, ptrdiff_t sample, int samples, int first, int lines,
	float *line, float *to) {
	const ptrdiff_t plane = (ptrdiff_t)d->h.in * d->w.in, each = lines * d->line;
	const int rows = samples * (int)each, tiles = direct_up(rows, DIRECT_MR);
	for (int c = 0; c < d->C; c++, x += plane, to += DIRECT_MR) {
		for (int n = 0; n < samples; n++) direct_copy(d, x + n * sample, 1, first, lines, line + n * each);
		for (int i = 0; i < tiles; i++) {
			const float *from = line + direct_tile_at(rows, i);
			float *p = to + i * d->panel;
			EG_UNROLL for (int j = 0; j < DIRECT_MR; j += V) vstore(p + j, vload(from + j));
		}
	}
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void direct_unload_as(
	const ptrdiff_t width, const float *from, int count, int filters, float *y, ptrdiff_t plane, bool acc, eg_act act) {
	for (int half = 0; half < filters; half += V) {
		const int n = gemm_min(V, filters - half);
		for (int j = 0; j < count; j += V) {
			vf r[V];
			float *to = y + half * plane + j;
			const int m = gemm_min(V, count - j);
			EG_UNROLL for (int i = 0; i < V; i++) r[i] = vload(from + (j + i) * width + half);
			vtranspose(r);
			if (m == V && n == V && !acc && !act_remains(act)) {
				EG_UNROLL for (int i = 0; i < V; i++) vstore(to + i * plane, r[i]);
				continue;
			}
			float rest[V * V];
			EG_UNROLL for (int i = 0; i < V; i++) vstore(rest + i * V, r[i]);
			for (int i = 0; i < n; i++) {
				vf v = vload(rest + i * V);
				if (acc) v = vadd(vload_n(to + i * plane, m), v);
				if (act_remains(act)) v = EG_NAME(act_any)(v, act);
				vstore_n(to + i * plane, m, v);
			}
		}
	}
}
void EG_NAME(direct_unload)(
	const float *from, ptrdiff_t width, int count, int filters, float *y, ptrdiff_t plane, bool acc, eg_act act) {
	if ((int)DIRECT_NR == (int)EG_BLOCK || width == EG_BLOCK)
		direct_unload_as(EG_BLOCK, from, count, filters, y, plane, acc, act);
	else
		direct_unload_as(DIRECT_NR, from, count, filters, y, plane, acc, act);
}

/* act of `rows` results of a BLOCKED y. */
static void direct_act(float *y, const int32_t *to, int rows, int filters, ptrdiff_t jump, eg_act act) {
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < (filters + EG_BLOCK - 1) / EG_BLOCK * EG_BLOCK / V; j++) {
			float *p = y + to[i] + j * jump;
			vstore(p, EG_NAME(act_any)(vload(p), act));
		}
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

size_t EG_NAME(direct_layout)(const direct_job *d, char *base, direct_room *room) {
	const size_t line = 64, terms = (size_t)d->C * (size_t)d->h.taps * (size_t)d->w.taps;
	const size_t positions = (size_t)EG_NAME(direct_positions)(d);
	/* Room of a line: for its last row's columns that are in no position, and for what a vector reads or writes
	 * behind it. */
	const size_t strip = d->panel ? (positions / DIRECT_MR + 2) * (size_t)d->panel : (size_t)d->samples * (size_t)d->sample;
	const size_t sizes[6] = {terms * sizeof(int32_t), positions * sizeof(int32_t), positions * sizeof(int32_t),
	        d->in_place ? 0 : (strip + V) * sizeof(float), d->panel ? (positions + (size_t)d->w.count + DIRECT_MR + V) * sizeof(float) : 0,
	        d->y_blocked ? 0 : (positions + V) * DIRECT_NR * sizeof(float)};
	size_t at[7] = {0};
	for (int i = 0; i < 6; i++) at[i + 1] = at[i] + (sizes[i] + line - 1) / line * line;
	if (room) {
		room->off = (int32_t *)(void *)(base + at[0]);
		room->from = (int32_t *)(void *)(base + at[1]);
		room->to = (int32_t *)(void *)(base + at[2]);
		room->strip = (float *)(void *)(base + at[3]);
		room->line = (float *)(void *)(base + at[4]);
		room->buffer = (float *)(void *)(base + at[5]);
	}
	return at[6];
}

void EG_NAME(direct_terms)(const direct_job *d, int32_t *off) {
	for (int a = 0; a < d->h.phases; a++)
		for (int b = 0; b < d->w.phases; b++)
			for (int c = 0; c < d->C; c++)
				for (int r = 0, dr; r < d->h.taps; r++) {
					if (!direct_meets(&d->h, a, r, &dr)) continue;
					ptrdiff_t at = (d->x_blocked ? c / EG_BLOCK * d->block + c % EG_BLOCK : c * d->block) +
					               (dr - d->h.low) * d->line;
					for (int t = 0, ds; t < d->w.taps; t++)
						if (direct_meets(&d->w, b, t, &ds))
							*off++ = (int32_t)(at + (ds - d->w.low) * d->column);
				}
}

void EG_NAME(direct_places)(
	const direct_job *d, const direct_strip *t, const direct_room *room) {
	const int outs = gemm_min(t->rows * d->h.phases, d->h.out - t->row * d->h.phases);
	const int unit = d->y_blocked ? EG_BLOCK : DIRECT_NR;
	const ptrdiff_t sample = d->y_blocked ? (ptrdiff_t)direct_up(d->Y, EG_BLOCK) * d->h.out * d->w.out
	                                      : (ptrdiff_t)outs * d->w.out;
	int32_t *from = room->from, *to = room->to;
	for (int a = 0; a < d->h.phases; a++)
		for (int b = 0; b < d->w.phases; b++) {
			const int high = direct_in_phase(&d->h, t->row + t->rows, a) - t->row;
			const int wide = direct_in_phase(&d->w, d->w.cells, b), rows = t->samples * high * wide;
			for (int i = 0, p = 0; d->panel && p < rows; i++) {
				const int end = direct_tile_at(rows, i + 1);
				for (int j = 0; p < end; p++, j++) *from++ = (int32_t)(i * d->panel + j);
			}
			for (int n = 0; n < t->samples; n++)
				for (int i = 0; i < high; i++) {
					ptrdiff_t in = n * d->sample + i * d->h.pitch * d->line;
					ptrdiff_t out = n * sample + (ptrdiff_t)(i * d->h.phases + a) * d->w.out + b;
					for (int j = 0; j < wide && !d->panel; j++) *from++ = (int32_t)(in + j * d->w.pitch * d->column);
					for (int j = 0; j < wide && to; j++) *to++ = (int32_t)((out + j * d->w.phases) * unit);
				}
		}
}

/* Filters [f*DIRECT_NR, ..) of group g for a strip. */
static void direct_group(const direct_job *d, const eg_conv_run_args *r, const direct_strip *t, int g,
	int f, const direct_room *room) {
	const int filters = gemm_min(d->K - f * DIRECT_NR, DIRECT_NR);
	const ptrdiff_t plane = (ptrdiff_t)d->h.out * d->w.out, first = (ptrdiff_t)t->row * d->h.phases * d->w.out;
	const ptrdiff_t terms = (ptrdiff_t)d->C * d->h.taps * d->w.taps;
	const int own = g * d->K + f * DIRECT_NR;
	static const float zeros[DIRECT_NR] = {0};
	float start[DIRECT_NR] = {0};
	if (r->b.p)
		for (int i = 0; i < filters; i++) start[i] = ((const float *)r->b.p)[g * d->K + f * DIRECT_NR + i];
	direct_sum s = {.w = (const float *)r->w.p + ((ptrdiff_t)g * d->groups + f) * terms * DIRECT_NR,
	        .off = room->off, .ws = DIRECT_NR, .wj = V, .x = t->x, .from = room->from, .to = room->to,
	        .out = room->buffer, .jump = V};
	if (d->y_blocked) {
		const ptrdiff_t blocks = direct_up(d->Y, EG_BLOCK);
		s.out = (float *)r->out.p + ((t->n * blocks + own / EG_BLOCK) * plane + first) * EG_BLOCK;
		s.jump = EG_V < EG_BLOCK ? V : plane * EG_BLOCK;
	}
	for (int a = 0; a < d->h.phases; a++)
		for (int b = 0; b < d->w.phases; b++) {
			const int rows = t->samples * (direct_in_phase(&d->h, t->row + t->rows, a) - t->row) *
			                 direct_in_phase(&d->w, d->w.cells, b);
			const int n = d->C * direct_taps(&d->h, a) * direct_taps(&d->w, b);
			const int chunks = n > 0 ? direct_up(n, n == d->C ? DIRECT_KC_1X1 : DIRECT_KC) : 1;
			for (int i = 0; i < chunks; i++) {
				int k0, k1;
				eg_split(n, i, chunks, &k0, &k1);
				s.n = k1 - k0;
				s.ahead = (ptrdiff_t)s.n * DIRECT_NR;
				s.acc = i > 0 || (r->acc && d->y_blocked);
				s.start = i > 0 ? zeros : start;
				s.least = i == chunks - 1 ? act_least(r->act) : -INFINITY;
				EG_NAME(direct_rows)(s, rows, filters);
				s.w += (ptrdiff_t)s.n * DIRECT_NR;
				s.off += s.n;
			}
			if (d->y_blocked && act_remains(r->act)) direct_act(s.out, s.to, rows, filters, s.jump, r->act);
			s.from += rows;
			s.to += rows;
		}
	if (d->y_blocked) return;
	const int count = gemm_min(t->rows * d->h.phases, d->h.out - t->row * d->h.phases) * d->w.out;
	for (int i = 0; i < t->samples; i++)
		EG_NAME(direct_unload)(room->buffer + (ptrdiff_t)i * count * DIRECT_NR, DIRECT_NR, count, filters,
		        (float *)r->out.p + ((ptrdiff_t)(t->n + i) * d->Y + own) * plane + first, plane, r->acc, r->act);
}

direct_strip EG_NAME(direct_load)(
	const direct_job *d, const float *x, int c, int channels, int strip, const direct_room *room) {
	const int parts = direct_up(d->h.cells, d->rows), unit = d->x_blocked ? EG_BLOCK : 1;
	direct_strip t = {.n = strip / parts * d->samples, .row = strip % parts * d->rows};
	t.samples = gemm_min(d->samples, d->N - t.n);
	t.rows = gemm_min(d->rows, d->h.cells - t.row);
	const int first = t.row * d->h.step + d->h.low, lines = (t.rows - 1) * d->h.pitch + d->h.high - d->h.low + 1;
	const ptrdiff_t plane = (ptrdiff_t)d->h.in * d->w.in * unit, sample = direct_up(d->X, unit) * plane;
	x += t.n * sample + c / unit * plane;
	if (d->in_place) {
		t.x = x + first * d->line + d->w.low * d->column;
		return t;
	}
	t.x = room->strip;
	if (d->panel) {
		const int high = direct_in_phase(&d->h, t.row + t.rows, direct_phase(&d->h)) - t.row;
		direct_panels(d, x, sample, t.samples, first, high, room->line, room->strip);
		return t;
	}
	for (int i = 0; i < t.samples; i++)
		direct_copy(d, x + i * sample, channels, first, lines, room->strip + i * d->sample);
	return t;
}

/* Unit: strip of a group, then share of its filters; neighbours share the copy of a strip. */
static void direct_run(const eg_conv_run_args *r, bool back, int begin, int end, const eg_worker *worker) {
	const direct_job d = EG_NAME(direct_of)(&r->s, back);
	direct_room room;
	direct_strip t = {0};
	assert(0 <= begin && begin <= end && end <= direct_units(&d));
	EG_NAME(direct_layout)(&d, worker->scratch, &room);
	EG_NAME(direct_terms)(&d, room.off);
	for (int u = begin; u < end; u++) {
		const int strip = u / d.splits, g = strip / d.strips;
		int f0, f1;
		if (u == begin || u % d.splits == 0) {
			t = EG_NAME(direct_load)(&d, r->in.p, g * d.C, d.C, strip % d.strips, &room);
			EG_NAME(direct_places)(&d, &t, &room);
		}
		eg_split(d.groups, u % d.splits, d.splits, &f0, &f1);
		for (int f = f0; f < f1; f++) direct_group(&d, r, &t, g, f, &room);
	}
}
void EG_NAME(conv_direct_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	direct_run(args, false, begin, end, worker);
}
void EG_NAME(conv_direct_bwd_data)(const void *args, int begin, int end, const eg_worker *worker) {
	direct_run(args, true, begin, end, worker);
}

/* ---- weights, sizes ---------------------------------------------------------------------------------------------- */

/* Group f of DIRECT_NR filters of group g: [phase][input channel, tap of the phase][DIRECT_NR], filled up with
 * zeros. */
static void direct_pack_group(const eg_conv_pack_args *a, const direct_job *d, int g, int f, float *to) {
	const int taps = d->h.taps * d->w.taps, filters = gemm_min(d->K - f * DIRECT_NR, DIRECT_NR);
	const bool back = a->dir == EG_CONV_BWD_DATA;
	/* From a filter to the next, and from an input channel to the next. */
	const ptrdiff_t lane = back ? taps : (ptrdiff_t)d->C * taps, channel = back ? (ptrdiff_t)d->K * taps : taps;
	const float *w = (const float *)a->w.p + (ptrdiff_t)g * d->K * d->C * taps + f * DIRECT_NR * lane;
	if (taps == 1 || (d->h.phases == 1 && d->w.phases == 1)) { /* one phase has them all */
		for (int half = 0; half < DIRECT_NR; half += V) {
			const int m = filters - half < 0 ? 0 : gemm_min(V, filters - half);
			const float *from = w + (m > 0 ? half * lane : 0);
			if (!back)
				EG_NAME(pack_across)(m, d->C * taps, from, lane, to + half, DIRECT_NR);
			else if (taps == 1)
				EG_NAME(pack_along)(m, d->C, from, channel, to + half, DIRECT_NR);
			else
				for (int c = 0; c < d->C; c++)
					EG_NAME(pack_across)(m, taps, from + c * channel, lane, to + c * taps * DIRECT_NR + half, DIRECT_NR);
		}
		return;
	}
	for (int p = 0, dr, ds; p < d->h.phases * d->w.phases; p++)
		for (int c = 0; c < d->C; c++)
			for (int t = 0; t < taps; t++) {
				if (!direct_meets(&d->h, p / d->w.phases, t / d->w.taps, &dr)) continue;
				if (!direct_meets(&d->w, p % d->w.phases, t % d->w.taps, &ds)) continue;
				for (int i = 0; i < DIRECT_NR; i++) to[i] = i < filters ? w[c * channel + t + i * lane] : 0.0f;
				to += DIRECT_NR;
			}
}
/* Unit: a group of filters. */
void EG_NAME(conv_direct_pack)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pack_args *a = args;
	const direct_job d = EG_NAME(direct_of)(&a->s, a->dir == EG_CONV_BWD_DATA);
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++)
		direct_pack_group(a, &d, u / d.groups, u % d.groups, (float *)a->dst.p + (ptrdiff_t)u * d.C * d.h.taps * d.w.taps * DIRECT_NR);
}
int EG_NAME(conv_direct_pack_units)(const eg_conv_shape *s, eg_conv_dir dir) {
	return s->G * direct_up((dir == EG_CONV_BWD_DATA ? s->C : s->K) / s->G, DIRECT_NR);
}
size_t EG_NAME(conv_direct_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir) {
	const int terms = (dir == EG_CONV_BWD_DATA ? s->K : s->C) / s->G * s->R * s->S;
	return (size_t)EG_NAME(conv_direct_pack_units)(s, dir) * (size_t)terms * DIRECT_NR * sizeof(float);
}

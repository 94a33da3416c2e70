/* body_conv_direct_weights.c - direct convolution of PLAIN or BLOCKED tensors: the gradients of w and b, on the
 * micro-kernel of body_conv_direct.c.
 *
 * Here the sum runs over positions, and the rows of a tile are pairs of input channel and tap:
 *
 *     dw[term][filter] = sum over positions of dy[position][filter] x[off[position] + from[term]]
 *
 * A unit has some filters, some channels and a share of all strips of positions (a shard). It copies its part of x and,
 * unless dy is BLOCKED, of dy strip by strip, keeps its part of dw as [filters of a group][term][DIRECT_NR] in L2, and
 * turns it round at the end. How the work is cut follows from the shape alone. */
#include "kern/body_conv_direct.h"
#include "kern/body_gemm.h"

#include <string.h>

enum {
	DIRECT_PART = 48 * 1024,     /* most floats of dw in a unit */
	DIRECT_CHAIN = 200,          /* most positions in a chain of multiply-adds: dy, and 16 channels of x, are to
	                              * stay in L1 */
	DIRECT_PARTIALS = 1 << 20    /* most floats in all partial sums */
};

typedef struct direct_weights {
	direct_job d;                         /* its C: most channels of a unit */
	int C, blocks, filter_parts, channel_parts, shards; /* blocks of EG_BLOCK channels */
	bool dy_in_place;
} direct_weights;

/* What a unit works on, and keeps in scratch. */
typedef struct direct_task {
	int g, f0, f1, c0, channels, shard;
	int32_t *term, *row, *off; /* of terms: in x, in a part of dw; of positions: in x */
	float *x, *dy, *dw;
	float *db; /* sums of dy, DIRECT_NR for each group of filters; NULL when the unit has none to find */
} direct_task;

/* Cuts filters and channels in turn until a unit's part of dw is no larger than `most` and there are `units` of
 * them. */
static void direct_cut_parts(direct_weights *w, int taps, int most, int units) {
	for (;;) {
		const int filters = direct_up(w->d.groups, w->filter_parts), blocks = direct_up(w->blocks, w->channel_parts);
		const int channels = gemm_min(blocks * EG_BLOCK, w->C);
		const int64_t size = (int64_t)filters * DIRECT_NR * channels * taps;
		if (size <= most && w->d.G * w->filter_parts * w->channel_parts * w->shards >= units) return;
		if (filters == 1 && blocks == 1) return;
		/* A float of dy costs about as much to copy as two of x. */
		if (blocks == 1 || (filters > 1 && filters * DIRECT_NR > blocks * EG_BLOCK / 2))
			w->filter_parts = gemm_min(2 * w->filter_parts, w->d.groups);
		else
			w->channel_parts = gemm_min(2 * w->channel_parts, w->blocks);
	}
}

/* Rows and samples of a strip, whose x and dy are to stay in L2. */
static void direct_cut_strips(direct_weights *w) {
	direct_job *d = &w->d;
	const int filters = direct_up(d->groups, w->filter_parts) * DIRECT_NR, halo = d->h.high - d->h.low + 1 - d->h.pitch;
	const int64_t line = (int64_t)d->w.count * d->C, row = line * d->h.pitch + (int64_t)d->w.out * filters, room = DIRECT_STRIP * 3 / 2;
	d->rows = d->samples = 1;
	while (d->rows < d->h.cells && row * (d->rows + 1) + line * halo <= room && (d->rows + 1) * d->w.out <= DIRECT_POSITIONS) d->rows++;
	const int parts = direct_up(d->h.cells, d->rows);
	d->rows = direct_up(d->h.cells, parts);
	if (parts == 1)
		while (d->samples < d->N && (row * d->rows + line * halo) * (d->samples + 1) <= room &&
		        (d->samples + 1) * d->rows * d->w.out <= DIRECT_POSITIONS)
			d->samples++;
	d->samples = direct_up(d->N, direct_up(d->N, d->samples));
	d->strips = direct_up(d->h.cells, d->rows) * direct_up(d->N, d->samples);
}

static direct_weights direct_weights_of(const eg_conv_shape *s) {
	direct_weights w = {.d = EG_NAME(direct_sides)(s, false), .filter_parts = 1, .channel_parts = 1, .shards = 1};
	const int taps = s->R * s->S;
	w.C = w.d.C;
	w.blocks = direct_up(w.C, EG_BLOCK);
	w.d.groups = direct_up(w.d.K, DIRECT_NR);
	direct_cut_parts(&w, taps, DIRECT_PART, 1);
	w.d.C = gemm_min(direct_up(w.blocks, w.channel_parts) * EG_BLOCK, w.C);
	direct_cut_strips(&w);
	const int64_t size = (int64_t)w.d.G * w.d.K * w.C * taps;
	const int parts = w.d.G * w.filter_parts * w.channel_parts;
	int most = gemm_min(EG_MAX_SHARDS, w.d.strips);
	if (size * most > DIRECT_PARTIALS) most = size > DIRECT_PARTIALS ? 1 : (int)(DIRECT_PARTIALS / size);
	if (parts < DIRECT_UNITS) w.shards = gemm_min(most, direct_up(DIRECT_UNITS, parts));
	direct_cut_parts(&w, taps, DIRECT_PART, DIRECT_UNITS);
	w.d.C = gemm_min(direct_up(w.blocks, w.channel_parts) * EG_BLOCK, w.C);
	EG_NAME(direct_strides)(&w.d);
	w.dy_in_place = w.d.y_blocked && w.d.samples == 1;
	return w;
}
static int direct_weights_units(const direct_weights *w) {
	return w->d.G * w->filter_parts * w->channel_parts * w->shards;
}

static size_t direct_weights_layout(const direct_weights *w, char *base, direct_task *t) {
	const direct_job *d = &w->d;
	const size_t line = 64, terms = (size_t)d->C * (size_t)d->h.taps * (size_t)d->w.taps, positions = (size_t)EG_NAME(direct_positions)(d);
	const size_t groups = (size_t)direct_up(d->groups, w->filter_parts);
	const size_t sizes[7] = {terms * sizeof(int32_t), terms * sizeof(int32_t), positions * sizeof(int32_t),
	        d->in_place ? 0 : ((size_t)d->samples * (size_t)d->sample + V) * sizeof(float),
	        w->dy_in_place ? 0 : (positions + V) * groups * DIRECT_NR * sizeof(float), (terms + V) * groups * DIRECT_NR * sizeof(float),
	        groups * DIRECT_NR * sizeof(float)};
	size_t at[8] = {0};
	for (int i = 0; i < 7; i++) at[i + 1] = at[i] + (sizes[i] + line - 1) / line * line;
	if (t) {
		t->term = (int32_t *)(void *)(base + at[0]);
		t->row = (int32_t *)(void *)(base + at[1]);
		t->off = (int32_t *)(void *)(base + at[2]);
		t->x = (float *)(void *)(base + at[3]);
		t->dy = (float *)(void *)(base + at[4]);
		t->dw = (float *)(void *)(base + at[5]);
		t->db = (float *)(void *)(base + at[6]);
	}
	return at[7];
}

/* ---- copying dy -------------------------------------------------------------------------------------------------- */

void EG_NAME(direct_turn)(const float *dy, ptrdiff_t plane, int count, int filters, float *to, int width) {
	for (int half = 0; half < width; half += V)
		for (int j = 0; j < count; j += V) {
			vf r[V];
			const int m = gemm_min(V, count - j), n = filters - half;
			const float *from = dy + half * plane + j;
			if (m == V && n >= V) {
				EG_UNROLL for (int i = 0; i < V; i++) r[i] = vload(from + i * plane);
			} else {
				const vm mask = vfirst(m);
				for (int i = 0; i < V; i++) r[i] = i < n ? vload_m(from + i * plane, mask) : vzero();
			}
			vtranspose(r);
			EG_UNROLL for (int i = 0; i < V; i++) vstore(to + (ptrdiff_t)(j + i) * width + half, r[i]);
		}
}

/* dy of filter group f for a strip: returns [position], ws apart, the second vector wj further on. */
static const float *direct_load_dy(const direct_weights *w, const eg_conv_weights_args *a, const direct_task *t,
	const direct_strip *strip, int f, float *to) {
	const direct_job *d = &w->d;
	const ptrdiff_t plane = (ptrdiff_t)d->h.out * d->w.out, first = (ptrdiff_t)strip->row * d->w.out;
	const int count = strip->rows * d->w.out, k = t->g * d->K + f * DIRECT_NR, filters = gemm_min(DIRECT_NR, d->K - f * DIRECT_NR);
	if (!d->y_blocked) {
		for (int i = 0; i < strip->samples; i++)
			EG_NAME(direct_turn)((const float *)a->dy.p + ((ptrdiff_t)(strip->n + i) * d->Y + k) * plane + first, plane, count, filters,
			        to + (ptrdiff_t)i * count * DIRECT_NR, DIRECT_NR);
		return to;
	}
	const ptrdiff_t blocks = direct_up(d->Y, EG_BLOCK);
	const float *dy = (const float *)a->dy.p + ((strip->n * blocks + k / EG_BLOCK) * plane + first) * EG_BLOCK;
	if (w->dy_in_place) return dy;
	for (int i = 0; i < strip->samples; i++)
		for (int j = 0; j < count; j++)
			for (int h = 0; h < DIRECT_NR; h += EG_BLOCK) {
				const float *from = dy + (i * blocks + h / EG_BLOCK) * plane * EG_BLOCK + (ptrdiff_t)j * EG_BLOCK;
				float *p = to + ((ptrdiff_t)i * count + j) * DIRECT_NR + h;
				for (int l = 0; l < EG_BLOCK; l += V) vstore(p + l, h < filters ? vload(from + l) : vzero());
			}
	return to;
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

/* db[DIRECT_NR] += the sum of n positions. */
static void direct_add_up(const float *dy, int n, ptrdiff_t ws, ptrdiff_t wj, int filters, float *db) {
	for (int j = 0; j * V < filters; j++) {
		vf s[4] = {vzero(), vzero(), vzero(), vzero()};
		int i = 0;
		for (; i + 4 <= n; i += 4)
			for (int l = 0; l < 4; l++) s[l] = vadd(s[l], vload(dy + (i + l) * ws + j * wj));
		for (; i < n; i++) s[0] = vadd(s[0], vload(dy + i * ws + j * wj));
		vstore(db + j * V, vadd(vload(db + j * V), vadd(vadd(s[0], s[1]), vadd(s[2], s[3]))));
	}
}

/* A strip's share of a unit's part of dw. */
static void direct_weights_strip(const direct_weights *w, const eg_conv_weights_args *a, const direct_task *t,
	const direct_strip *strip, bool acc) {
	const direct_job *d = &w->d;
	static const float zeros[DIRECT_NR] = {0};
	const int positions = strip->samples * strip->rows * d->w.out;
	const int chunks = direct_up(positions, DIRECT_CHAIN), terms = t->channels * d->h.taps * d->w.taps;
	const ptrdiff_t part = ((ptrdiff_t)d->C * d->h.taps * d->w.taps + V) * DIRECT_NR;
	const ptrdiff_t copy = ((ptrdiff_t)EG_NAME(direct_positions)(d) + V) * DIRECT_NR;
	direct_sum s = {.ws = w->dy_in_place ? EG_BLOCK : DIRECT_NR, .x = strip->x, .from = t->term, .to = t->row, .jump = V, .start = zeros};
	s.least = -INFINITY;
	s.wj = EG_V < EG_BLOCK || !w->dy_in_place ? V : (ptrdiff_t)d->h.out * d->w.out * EG_BLOCK;
	for (int f = t->f0; f < t->f1; f++) {
		const int filters = gemm_min(DIRECT_NR, d->K - f * DIRECT_NR);
		const float *dy = direct_load_dy(w, a, t, strip, f, t->dy + (f - t->f0) * copy);
		s.out = t->dw + (f - t->f0) * part;
		for (int i = 0; i < chunks; i++) {
			int from, to;
			eg_split(positions, i, chunks, &from, &to);
			s.n = to - from;
			s.w = dy + from * s.ws;
			s.off = t->off + from;
			s.acc = acc || i > 0;
			EG_NAME(direct_rows)(s, terms, filters);
			if (t->db) direct_add_up(s.w, s.n, s.ws, s.wj, filters, t->db + (f - t->f0) * DIRECT_NR);
		}
	}
}

/* Writes a unit's part of dw and db. */
static void direct_weights_finish(
	const direct_weights *w, const eg_conv_weights_args *a, const direct_task *t) {
	const direct_job *d = &w->d;
	const int taps = d->h.taps * d->w.taps;
	const ptrdiff_t row = (ptrdiff_t)w->C * taps, part = ((ptrdiff_t)d->C * taps + V) * DIRECT_NR;
	for (int f = t->f0; f < t->f1; f++) {
		const int k = t->g * d->K + f * DIRECT_NR, filters = gemm_min(DIRECT_NR, d->K - f * DIRECT_NR);
		float *dw = (float *)a->dw.p + ((ptrdiff_t)t->shard * d->Y + k) * row + (ptrdiff_t)t->c0 * taps;
		EG_NAME(direct_unload)(t->dw + (f - t->f0) * part, DIRECT_NR, t->channels * taps, filters, dw, row, a->acc, eg_act_of(EG_ACT_NONE));
		if (!t->db) continue;
		float *db = (float *)a->db.p + (ptrdiff_t)t->shard * d->Y + k;
		for (int i = 0; i < filters; i++) db[i] = (a->acc ? db[i] : 0.0f) + t->db[(f - t->f0) * DIRECT_NR + i];
	}
}

static void direct_weights_unit(
	const direct_weights *w, const eg_conv_weights_args *a, int u, const direct_task *room) {
	const direct_job *d = &w->d;
	direct_task t = *room;
	const int part = u / w->shards, channel = part % w->channel_parts, filter = part / w->channel_parts % w->filter_parts;
	int b0, b1, s0, s1;
	t.shard = u % w->shards;
	t.g = part / w->channel_parts / w->filter_parts;
	eg_split(d->groups, filter, w->filter_parts, &t.f0, &t.f1);
	eg_split(w->blocks, channel, w->channel_parts, &b0, &b1);
	t.c0 = b0 * EG_BLOCK;
	t.channels = gemm_min(b1 * EG_BLOCK, w->C) - t.c0;
	t.db = a->db.p && channel == 0 ? room->db : NULL;
	if (t.db) memset(t.db, 0, (size_t)(t.f1 - t.f0) * DIRECT_NR * sizeof(float));
	eg_split(d->strips, t.shard, w->shards, &s0, &s1);
	const direct_room places = {.from = t.off, .strip = t.x};
	for (int i = s0; i < s1; i++) {
		const direct_strip strip = EG_NAME(direct_load)(d, a->x.p, t.g * w->C + t.c0, t.channels, i, &places);
		EG_NAME(direct_places)(d, &strip, &places);
		direct_weights_strip(w, a, &t, &strip, i > s0);
	}
	direct_weights_finish(w, a, &t);
}

/* Unit: group, filters, channels, shard. */
static void conv_direct_bwd_weights_f32(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_weights_args *a = args;
	const direct_weights w = direct_weights_of(&a->s);
	direct_task room = {0};
	assert(a->shards == w.shards && !(a->acc && w.shards > 1) && 0 <= begin && begin <= end && end <= direct_weights_units(&w));
	direct_weights_layout(&w, worker->scratch, &room);
	EG_NAME(direct_terms)(&w.d, room.term);
	for (int i = 0; i < w.d.C * w.d.h.taps * w.d.w.taps; i++) room.row[i] = i * DIRECT_NR;
	for (int u = begin; u < end; u++) direct_weights_unit(&w, a, u, &room);
}
static int conv_direct_shards(const eg_conv_shape *s) { return direct_weights_of(s).shards; }

/* ---- sizes and table of the algorithm ---------------------------------------------------------------------------- */

static size_t conv_direct_scratch(const eg_conv_shape *s, eg_conv_dir dir) {
	if (dir == EG_CONV_BWD_WEIGHTS) {
		const direct_weights w = direct_weights_of(s);
		return direct_weights_layout(&w, NULL, NULL);
	}
	const direct_job d = EG_NAME(direct_of)(s, dir == EG_CONV_BWD_DATA);
	return EG_NAME(direct_layout)(&d, NULL, NULL);
}
static int conv_direct_units(const eg_conv_shape *s, eg_conv_dir dir) {
	if (dir == EG_CONV_BWD_WEIGHTS) {
		const direct_weights w = direct_weights_of(s);
		return direct_weights_units(&w);
	}
	const direct_job d = EG_NAME(direct_of)(s, dir == EG_CONV_BWD_DATA);
	return direct_units(&d);
}

/* Groups must fill blocks of 16 channels; offsets must fit into 31 bits. */
static bool conv_direct_can(const eg_conv_shape *s, eg_conv_dir dir) {
	const int64_t most = INT32_MAX / 4;
	const int64_t x = (int64_t)(s->C + EG_BLOCK) * s->H * s->W, y = (int64_t)(s->K + EG_BLOCK) * s->P * s->Q;
	EG_UNUSED(dir);
	if (s->G > 1 && (s->C / s->G % EG_BLOCK != 0 || s->K / s->G % EG_BLOCK != 0)) return false;
	return x < most / 16 && y < most / 16 && (int64_t)s->C * s->R * s->S < most && (int64_t)s->K * s->R * s->S < most;
}

/* Nanoseconds at 3.3 GHz: full tiles near the peak, some cycles for beginning and ending one, copying and turning. */
static double conv_direct_cost(const eg_conv_shape *s, eg_conv_dir dir) {
	const double tile = 45, copy = 0.8, turn = 1.0, cycle = 1 / 3.3, taps = (double)s->R * s->S; /* cycles */
	const double lanes = V == 16 ? 14.0 : 6.0;
	if (dir == EG_CONV_BWD_WEIGHTS) {
		const direct_weights w = direct_weights_of(s);
		const double positions = (double)s->N * s->P * s->Q, terms = (double)w.C * taps;
		const double sums = w.d.G * w.d.groups * terms / lanes * (positions * lanes + positions / DIRECT_CHAIN * tile * 1.5);
		const double x = w.d.in_place ? 0 : copy * w.filter_parts * (double)s->N * s->C * s->H * s->W;
		const double dy = w.dy_in_place ? 0 : (s->y_blocked ? copy : turn) * w.channel_parts * s->K * positions;
		return cycle * (sums * 1.2 + x + dy);
	}
	const direct_job d = EG_NAME(direct_of)(s, dir == EG_CONV_BWD_DATA);
	const double in = (double)d.N * d.X * d.h.in * d.w.in, out = (double)d.N * d.Y * d.h.out * d.w.out;
	const double places = (double)d.N * d.h.out * d.w.out, terms = d.C * taps / (d.h.phases * d.w.phases);
	const double sums = d.G * d.groups * places / lanes * (terms * lanes + (1 + terms / DIRECT_KC) * tile);
	const double weights = d.strips * (double)d.Y * d.C * taps * 0.5;
	return cycle * (sums * 1.12 + weights + (d.in_place ? 0 : copy * in) + (d.y_blocked ? 0 : turn * out));
}

const eg_conv_kernels EG_NAME(conv_direct) = {.name = "direct",
	.exact = true,
	.can = conv_direct_can,
	.pack = EG_NAME(conv_direct_pack),
	.run = EG_RUNS(conv_direct, EG_NAME(conv_direct_fwd), EG_NAME(conv_direct_bwd_data), conv_direct_bwd_weights_f32),
	.pack_bytes = EG_NAME(conv_direct_pack_bytes),
	.pack_units = EG_NAME(conv_direct_pack_units),
	.scratch = conv_direct_scratch,
	.units = conv_direct_units,
	.shards = conv_direct_shards,
	.cost = conv_direct_cost};

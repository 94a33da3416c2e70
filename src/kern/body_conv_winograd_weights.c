/* body_conv_winograd_weights.c - gradients of weights by Winograd's algorithm, and the slots of conv[EG_CONV_WINOGRAD2]
 * and conv[EG_CONV_WINOGRAD4].
 *
 * The gradient of a filter is G^T [sum over tiles of (A dY A^T) o (B^T d B)] G. Tiles of x and of dy are transformed,
 * chunk by chunk, into planes [plane][tile][channel]; each plane of one times the other, over the tiles, is added to
 * [plane][filter][channel], and these are transformed back at the end. Where a layer has many channels, the sums of all
 * do not fit into the cache, and blocks of filters and channels are done one after the other, each with transforms of
 * its own; where it has few, the tiles are cut into shards instead. A unit is a block of a shard.
 *
 * Not here: the transforms of a tile (body_winograd.h), cutting tiles (body_conv_winograd.h). */
#include "kern/body_conv_winograd.h"
#include "kern/body_gemm.h"

enum {
	WINO_SUMS = 128,       /* most filters, and most channels, of a block */
	WINO_DEPTH = 96,       /* tiles of a chunk */
	WINO_SHARD = 192,      /* fewest tiles of a shard */
	WINO_UNITS = 8         /* units that are wanted at least */
};

/* Blocks of `of` channels: how many, each of *size but for the last. */
static int wino_blocks(int of, int *size) {
	int n = (of + WINO_SUMS - 1) / WINO_SUMS;
	*size = gemm_up((of + n - 1) / n, 2 * WINO_LANES);
	return (of + *size - 1) / *size;
}

/* The gradient of weights as it is computed: the transforms of x and of dy, and what is added up. */
typedef struct wino_grad {
	wino x, dy;
	int C, cs, K, ks;   /* channels in blocks of cs, filters in blocks of ks */
	int cblocks, kblocks, shards;
	ptrdiff_t plane;    /* of the sums [plane][ks][cs] */
} wino_grad;

static wino_grad wino_grad_new(int m, const eg_conv_shape *s) {
	wino_grad g = {.C = s->C, .K = s->K};
	g.x = g.dy = EG_NAME(wino_new)(m, s, EG_CONV_FWD);
	g.cblocks = wino_blocks(s->C, &g.cs);
	g.kblocks = wino_blocks(s->K, &g.ks);
	g.plane = (ptrdiff_t)g.ks * g.cs + WINO_LANES;
	const int blocks = g.cblocks * g.kblocks;
	for (g.shards = 1; 2 * g.shards <= EG_MAX_SHARDS && 2 * g.shards * WINO_SHARD <= g.x.tiles;) {
		if (g.shards * blocks >= WINO_UNITS && g.shards * blocks % 2 == 0) break;
		g.shards *= 2;
	}
	g.dy.C = s->K, g.dy.H = s->P, g.dy.W = s->Q, g.dy.ph = g.dy.pw = 0, g.dy.from_blocked = s->y_blocked;
	g.x.urow = wino_row(g.cs), g.dy.urow = wino_row(g.ks);
	g.x.chunk = g.dy.chunk = gemm_min(WINO_DEPTH, g.x.tiles);
	g.x.uplane = (ptrdiff_t)g.x.chunk * g.x.urow + WINO_LANES, g.dy.uplane = (ptrdiff_t)g.dy.chunk * g.dy.urow + WINO_LANES;
	return g;
}

/* sums = [sums +] dy^T x, plane by plane, over n tiles, for the first `filters` and `channels` of a block. */
static void wino_add(const wino_grad *g, int n, int filters, int channels, const float *dy, const float *x, float *sums, bool acc) {
	const int strips = (filters + GEMM_MR - 1) / GEMM_MR;
	for (int t = 0; t < g->x.planes; t++, dy += g->dy.uplane, x += g->x.uplane, sums += g->plane)
		for (int c = 0; c < channels; c += GEMM_NR) {
			const int wide = channels - c > V;
			for (int i = 0; i < strips; i++) {
				int from, to;
				eg_split(filters, i, strips, &from, &to);
				EG_NAME(gemm_tiles)[0][wide][to - from - 1](n, dy + from, g->dy.urow, x + c, g->x.urow, 0, sums + from * g->cs + c, g->cs, acc, x + c);
			}
		}
}

/* to[i*9 + q] = [to +] lane i of w[q], for i < n. */
EG_ALWAYS_INLINE void wino_put_taps(const vf *w, int n, float *to, bool acc) {
	enum { WIDTH = V < 9 ? V : 9 };
	int q = 0;
	EG_UNROLL for (; q + WIDTH <= 9; q += WIDTH) {
		vf t[V];
		EG_UNROLL for (int i = 0; i < V; i++) t[i] = i < WIDTH ? w[q + i] : vzero();
		vtranspose(t);
		for (int i = 0; i < n; i++) {
			float *p = to + i * 9 + q;
			vstore_n(p, WIDTH, acc ? vadd(vload_n(p, WIDTH), t[i]) : t[i]);
		}
	}
	for (; q < 9; q++) {
		float t[V];
		vstore(t, w[q]);
		for (int i = 0; i < n; i++) to[i * 9 + q] = acc ? to[i * 9 + q] + t[i] : t[i];
	}
}

/* dw[c][9] = [dw +] the sums of one filter, transformed back. */
EG_ALWAYS_INLINE void wino_filter_dw(const int m, const wino_grad *g, const float *sums, int channels, float *dw, bool acc) {
	for (int c = 0; c < channels; c += V) {
		vf w[9];
		wino_tile_dw(m, sums + c, g->plane, w);
		wino_put_taps(w, gemm_min(channels - c, V), dw + c * 9, acc);
	}
}

static void wino_weights(int m, const eg_conv_weights_args *a, int begin, int end, float *scratch) {
	const wino_grad g = wino_grad_new(m, &a->s);
	float *x = scratch, *dy = x + g.x.planes * g.x.uplane, *sums = dy + g.x.planes * g.dy.uplane, *bias = sums + g.x.planes * g.plane;
	float *strip = bias + g.ks;
	wino_begin(strip);
	assert(a->x.p && a->dy.p && a->dw.p && a->shards == g.shards && (g.shards == 1 || !a->acc));
	for (int u = begin; u < end; u++) {
		const int block = u % (g.cblocks * g.kblocks), shard = u / (g.cblocks * g.kblocks);
		const int c = block % g.cblocks * g.cs, k = block / g.cblocks * g.ks;
		const int channels = gemm_min(g.cs, g.C - c), filters = gemm_min(g.ks, g.K - k);
		float *sum = a->db.p && c == 0 ? bias : NULL, *dw = (float *)a->dw.p + (((ptrdiff_t)shard * g.K + k) * g.C + c) * 9;
		int t0, t1;
		eg_split(g.x.tiles, shard, g.shards, &t0, &t1);
		const int chunks = (t1 - t0 + g.x.chunk - 1) / g.x.chunk;
		for (int i = 0; sum && i < g.ks; i++) sum[i] = 0;
		for (int i = 0, from, to; i < chunks; i++) {
			eg_split(t1 - t0, i, chunks, &from, &to);
			EG_NAME(wino_in)(&g.x, a->x.p, t0 + from, t0 + to, c, c + channels, x, strip);
			EG_NAME(wino_in_dy)(&g.dy, a->dy.p, t0 + from, t0 + to, k, k + filters, dy, sum, strip);
			wino_add(&g, to - from, filters, channels, dy, x, sums, i > 0);
		}
		for (int i = 0; i < filters; i++, dw += (ptrdiff_t)g.C * 9)
			if (m == 2)
				wino_filter_dw(2, &g, sums + i * g.cs, channels, dw, a->acc);
			else
				wino_filter_dw(4, &g, sums + i * g.cs, channels, dw, a->acc);
		float *db = sum ? (float *)a->db.p + (ptrdiff_t)shard * g.K + k : NULL;
		for (int i = 0; sum && i < filters; i++) db[i] = a->acc ? db[i] + sum[i] : sum[i];
	}
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static bool wino_can(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return s->R == 3 && s->S == 3 && s->sh == 1 && s->sw == 1 && s->dh == 1 && s->dw == 1 && s->G == 1 && s->ph <= 2 && s->pw <= 2;
}
static size_t wino_pack_bytes(int m, const eg_conv_shape *s, eg_conv_dir dir) {
	const wino g = EG_NAME(wino_new)(m, s, dir);
	return (size_t)wino_group_at(&g, g.groups) * sizeof(float);
}
static size_t wino_scratch(int m, const eg_conv_shape *s, eg_conv_dir dir) {
	if (dir == EG_CONV_BWD_WEIGHTS) {
		const wino_grad w = wino_grad_new(m, s);
		return ((size_t)w.x.planes * (size_t)(w.x.uplane + w.dy.uplane + w.plane) + (size_t)w.ks + WINO_STRIP) * sizeof(float);
	}
	const wino g = EG_NAME(wino_new)(m, s, dir);
	return ((size_t)g.planes * (size_t)(g.uplane + g.vplane) + WINO_STRIP) * sizeof(float);
}
static int wino_units(int m, const eg_conv_shape *s, eg_conv_dir dir) {
	if (dir == EG_CONV_BWD_WEIGHTS) {
		const wino_grad w = wino_grad_new(m, s);
		return w.shards * w.cblocks * w.kblocks;
	}
	const wino g = EG_NAME(wino_new)(m, s, dir);
	return g.chunks * g.groups;
}
/* Nanoseconds to take a value from a PLAIN tensor, and to put one there, with 8 lanes. Gradients of weights are left
 * out: their other algorithms pay as much, which is not in their estimates. */
#define WINO_TAKE 0.4
#define WINO_PUT 0.6

/* Measured with AVX2 at 3.25 GHz: how fast the products run, the cycles that the transforms of a channel of a tile
 * take, and the bytes a nanosecond at which weights come from L3, or from memory where they do not stay there, at which
 * sums of gradients come and go, and at which the transforms get at tensors that no cache keeps. */
static double wino_cost(int m, const eg_conv_shape *s, eg_conv_dir dir) {
	const wino g = EG_NAME(wino_new)(m, s, dir);
	const wino_grad w = wino_grad_new(m, s);
	const bool weights = dir == EG_CONV_BWD_WEIGHTS;
	const double C = gemm_up(g.C, WINO_LANES), K = gemm_up(g.K, GEMM_NR), per_channel = (m == 2 ? 9.0 : 22.0) * 8 / V;
	const double transforms = weights ? C * w.kblocks + K * w.cblocks : C + K;
	const double cycles = g.tiles * (g.planes * (g.C + 4) * K * 1.06 / (2 * V) + per_channel * transforms);
	const double bytes = g.planes * g.C * K * sizeof(float);
	const double memory = weights ? 2 * bytes * w.shards / 20 : bytes * g.chunks / (bytes > 16e6 ? 12 : 40);
	const double x = (double)s->N * s->C * s->H * s->W, y = (double)s->N * s->K * s->P * s->Q, tensors = (x + y) * sizeof(float);
	const double take = weights ? 0 : WINO_TAKE * 8 / V, put = weights ? 0 : WINO_PUT * 8 / V;
	const double plain = (g.from_blocked ? 0 : take * (dir == EG_CONV_FWD ? x : y)) + (g.to_blocked ? 0 : put * (dir == EG_CONV_FWD ? y : x));
	return cycles / 3.25 + memory + plain + (tensors > 10e6 ? tensors / 2.5 : 0);
}
static int wino_pack_units(int m, const eg_conv_shape *s, eg_conv_dir dir) { return EG_NAME(wino_new)(m, s, dir).panels; }
static int wino_shards(int m, const eg_conv_shape *s) { return wino_grad_new(m, s).shards; }

/* What conv[] has of F(m x m, 3 x 3). */
#define WINO_SLOTS(m) \
	static void conv_winograd##m##_pack(const void *args, int begin, int end, const eg_worker *worker) { \
		EG_UNUSED(worker); \
		EG_NAME(wino_pack)(m, args, begin, end); \
	} \
	static void conv_winograd##m##_fwd(const void *args, int begin, int end, const eg_worker *worker) { \
		EG_NAME(wino_run)(m, args, EG_CONV_FWD, begin, end, worker->scratch); \
	} \
	static void conv_winograd##m##_bwd_data(const void *args, int begin, int end, const eg_worker *worker) { \
		EG_NAME(wino_run)(m, args, EG_CONV_BWD_DATA, begin, end, worker->scratch); \
	} \
	static void conv_winograd##m##_bwd_weights(const void *args, int begin, int end, const eg_worker *worker) { \
		wino_weights(m, args, begin, end, worker->scratch); \
	} \
	static int wino##m##_shards(const eg_conv_shape *s) { return wino_shards(m, s); } \
	static size_t wino##m##_pack_bytes(const eg_conv_shape *s, eg_conv_dir dir) { return wino_pack_bytes(m, s, dir); } \
	static size_t wino##m##_scratch(const eg_conv_shape *s, eg_conv_dir dir) { return wino_scratch(m, s, dir); } \
	static int wino##m##_pack_units(const eg_conv_shape *s, eg_conv_dir dir) { return wino_pack_units(m, s, dir); } \
	static int wino##m##_units(const eg_conv_shape *s, eg_conv_dir dir) { return wino_units(m, s, dir); } \
	static double wino##m##_cost(const eg_conv_shape *s, eg_conv_dir dir) { return wino_cost(m, s, dir); } \
	const eg_conv_kernels EG_NAME(conv_winograd##m) = {.name = "winograd" #m, \
		.exact = false, \
		.can = wino_can, \
		.pack = conv_winograd##m##_pack, \
		.run = EG_RUNS(conv_winograd##m, conv_winograd##m##_fwd, conv_winograd##m##_bwd_data, conv_winograd##m##_bwd_weights), \
		.pack_bytes = wino##m##_pack_bytes, \
		.pack_units = wino##m##_pack_units, \
		.scratch = wino##m##_scratch, \
		.units = wino##m##_units, \
		.shards = wino##m##_shards, \
		.cost = wino##m##_cost};
WINO_SLOTS(2)
WINO_SLOTS(4)

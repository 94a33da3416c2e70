/* body_conv_pool.c - convolution with the maximum pooling of 2x2 windows that follows it, in the LANES layout.
 *
 * Forward: a tile holds KT filters at the four positions of one window in registers for the full reduction; what is
 * stored is the largest of the four, and a byte that says which. The convolution's own output, four times as large,
 * is never written. A picture with padding is copied into one with its padding first, so that no tile has an edge.
 *
 * Backward-weights: three of four gradients are zero, but at other places in each picture. So here the pictures go
 * one at a time, as [H][W]: the row taps of a filter are a vector each, and one gradient costs R multiply-adds,
 * wherever its winner was.
 *
 * Not here: threads; the gradient of x, which conv_lanes_bwd_data computes from what conv_pool_unpool spreads out. */
#include "kern/body_act.h"
#include "kern/body_conv_lanes.h"
#include "kern/body_gemm.h"
#include "kern/kern_conv.h"

#include <string.h>

/* Filters in a tile: 4 sums each, beside the weights and one input. POOLED_CHAINS: sums of a tile of
 * backward-weights. */
#if EG_VREGS == 32
enum { POOLED_KT = 6, POOLED_R = 7, POOLED_CHAINS = 12 };
#define EG_POOLED_TILES(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
enum { POOLED_KT = 3, POOLED_R = 7, POOLED_CHAINS = 12 };
#define EG_POOLED_TILES(X) X(1) X(2) X(3)
#endif

/* The compiler knows nothing of pointer p any more. */
#define EG_FORGET(p) __asm__("" : "+r"(p))

/* ---- forward ----------------------------------------------------------------------------------------------------- */

typedef struct pooled_tile {
	const float *x, *w, *bias; /* first tap of the window's first position */
	float *y;
	uint8_t *code;             /* NULL: not wanted */
	ptrdiff_t xc, xrow, wc, yk; /* elements from one channel, row, channel of weights, filter to the next */
	int nc, nr, ns;             /* channels, row taps, column taps */
	eg_act act;
} pooled_tile;
typedef void (*pooled_tile_fn)(const pooled_tile *t);

EG_ALWAYS_INLINE void pooled_micro(const pooled_tile *t, const int KT) {
	const ptrdiff_t xrow = t->xrow;
	for (int h = 0; h < EG_BLOCK; h += V) {
		vf acc[POOLED_KT][4];
		EG_UNROLL for (int k = 0; k < KT; k++) {
			vf b = vset1(t->bias[k]);
			EG_UNROLL for (int q = 0; q < 4; q++) acc[k][q] = b;
		}
		const float *xc = t->x + h, *wc = t->w;
		for (int c = t->nc; c > 0; c--, xc += t->xc, wc += t->wc) {
			const float *xr = xc, *w = wc;
			for (int r = t->nr; r > 0; r--, xr += xrow) {
				const float *x = xr;
				for (int s = t->ns; s > 0; s--, x += EG_BLOCK, w += KT) {
					vf wv[POOLED_KT];
					EG_FORGET(x); /* or gcc keeps two inputs for the next tap, and has no
					               * registers */
					EG_UNROLL for (int k = 0; k < KT; k++) wv[k] = vset1(w[k]);
					EG_UNROLL for (int q = 0; q < 4; q++) {
						vf xv = vload(x + q / 2 * xrow + q % 2 * EG_BLOCK);
						EG_KEEP(xv);
						EG_UNROLL for (int k = 0; k < KT; k++)
						        acc[k][q] = vfma(wv[k], xv, acc[k][q]);
					}
				}
			}
		}
		EG_UNROLL for (int k = 0; k < KT; k++) {
			vm top = vwins(acc[k][1], acc[k][0]), bottom = vwins(acc[k][3], acc[k][2]);
			vf a = vsel(top, acc[k][1], acc[k][0]), b = vsel(bottom, acc[k][3], acc[k][2]);
			vm low = vwins(b, a);
			vstore(t->y + k * t->yk + h, act_after(vsel(low, b, a), t->act));
			if (t->code)
				vidx_store_bytes(t->code + k * t->yk + h,
				        vidx_sel(low, vidx_sel(bottom, vidx_set1(3), vidx_set1(2)),
				                vidx_sel(top, vidx_set1(1), vidx_set1(0))));
		}
	}
}

#define EG_POOLED_DEFINE(KT) \
	static void conv_pool_f32_##KT(const pooled_tile *t) { pooled_micro(t, KT); }
#define EG_POOLED_ENTRY(KT) [KT] = conv_pool_f32_##KT,
EG_POOLED_TILES(EG_POOLED_DEFINE)
static const pooled_tile_fn pooled_tiles[POOLED_KT + 1] = {EG_POOLED_TILES(EG_POOLED_ENTRY)};

/* dst: [tile of KT filters][channel][r][s][KT]. */
void EG_NAME(conv_pool_pack)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pack_args *a = args;
	const eg_conv_shape *s = &a->s;
	const float *w = a->w.p;
	float *dst = a->dst.p;
	EG_UNUSED(worker);
	if (begin >= end) return;
	const int nk = lanes_ceil(s->K, POOLED_KT), taps = s->C * s->R * s->S;
	for (int i = 0; i < nk; i++) {
		int k0, k1;
		eg_split(s->K, i, nk, &k0, &k1);
		for (int t = 0; t < taps; t++)
			for (int k = k0; k < k1; k++) *dst++ = w[(ptrdiff_t)k * taps + t];
	}
}

/* Picture x (C,H,W) with its padding around it. */
static void pooled_pad(const eg_conv_shape *s, const float *x, float *to) {
	const ptrdiff_t row = (ptrdiff_t)s->W * EG_BLOCK, side = (ptrdiff_t)s->pw * EG_BLOCK, wide = row + 2 * side;
	const size_t end = (size_t)(s->ph * wide) * sizeof(float);
	for (int c = 0; c < s->C; c++) {
		memset(to, 0, end);
		to += s->ph * wide;
		for (int h = 0; h < s->H; h++, x += row, to += wide) {
			memset(to, 0, (size_t)side * sizeof(float));
			memcpy(to + side, x, (size_t)row * sizeof(float));
			memset(to + side + row, 0, (size_t)side * sizeof(float));
		}
		memset(to, 0, end);
		to += s->ph * wide;
	}
}

static int pooled_has_padding(const eg_conv_shape *s) { return s->ph > 0 || s->pw > 0; }

static void pooled_block(const eg_conv_pool_fwd_args *a, const float *x, float *y, uint8_t *code) {
	const eg_conv_shape *s = &a->s;
	const int nk = lanes_ceil(s->K, POOLED_KT), P = s->P / 2, Q = s->Q / 2, taps = s->C * s->R * s->S;
	const ptrdiff_t xrow = (ptrdiff_t)(s->W + 2 * s->pw) * EG_BLOCK;
	static const float no_bias[POOLED_KT] = {0};
	pooled_tile t = {.xc = (s->H + 2 * s->ph) * xrow,
	        .xrow = xrow,
	        .yk = (ptrdiff_t)P * Q * EG_BLOCK,
	        .nc = s->C,
	        .ns = s->S,
	        .act = a->act};
	for (int p = 0; p < P; p++) {
		/* row taps that find nothing but padding, for both rows of the window, are left out */
		int r0 = s->ph - (2 * p + 1) > 0 ? s->ph - (2 * p + 1) : 0;
		int r1 = lanes_min(s->R, s->H + s->ph - 2 * p);
		if (r1 < r0) r1 = r0;
		t.nr = r1 - r0;
		for (int q = 0; q < Q; q++)
			for (int i = 0; i < nk; i++) {
				int k0, k1;
				eg_split(s->K, i, nk, &k0, &k1);
				const ptrdiff_t at = k0 * t.yk + ((ptrdiff_t)p * Q + q) * EG_BLOCK;
				t.x = x + (2 * p + r0) * xrow + (ptrdiff_t)2 * q * EG_BLOCK;
				t.wc = (ptrdiff_t)s->R * s->S * (k1 - k0);
				t.w = (const float *)a->w.p + (ptrdiff_t)k0 * taps + (ptrdiff_t)r0 * s->S * (k1 - k0);
				t.bias = a->b.p ? (const float *)a->b.p + k0 : no_bias;
				t.y = y + at;
				t.code = code ? code + at : NULL;
				pooled_tiles[k1 - k0](&t);
			}
	}
}

void EG_NAME(conv_pool_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pool_fwd_args *a = args;
	for (int b = begin; b < end; b++) {
		const float *x = eg_at(a->x, b);
		if (pooled_has_padding(&a->s)) {
			pooled_pad(&a->s, x, worker->scratch);
			x = worker->scratch;
		}
		pooled_block(a, x, eg_at(a->y, b), a->code.p ? (uint8_t *)a->code.p + b * a->code.stride : NULL);
	}
}

/* ---- gradient of the convolution's output ------------------------------------------------------------------------ */

/* Two rows of dy from one of dz. */
static void unpool_rows(int Q2, int Q, const float *dz, const uint8_t *code, float *dy) {
	const ptrdiff_t row = (ptrdiff_t)Q * EG_BLOCK;
	for (int r = 0; r < 2; r++, dy += row) { /* one stream of stores at a time */
		for (int i = 0; i < Q2 * EG_BLOCK; i += V) {
			float *e = dy + i / EG_BLOCK * 2 * EG_BLOCK + i % EG_BLOCK;
			vf g = vload(dz + i);
			vidx where = vidx_load_bytes(code + i);
			vstore(e, vkeep(vidx_eq(where, vidx_set1(2 * r)), g));
			vstore(e + EG_BLOCK, vkeep(vidx_eq(where, vidx_set1(2 * r + 1)), g));
		}
		if (Q % 2) memset(dy + row - EG_BLOCK, 0, EG_BLOCK * sizeof(float));
	}
}

void EG_NAME(conv_pool_unpool)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_unpool_args *a = args;
	const int P2 = a->P / 2, Q2 = a->Q / 2;
	const ptrdiff_t from = (ptrdiff_t)Q2 * EG_BLOCK, to = (ptrdiff_t)a->Q * EG_BLOCK;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) {
		const float *dz = eg_at(a->dz, b);
		const uint8_t *code = (const uint8_t *)a->code.p + b * a->code.stride;
		float *dy = eg_at(a->dy, b);
		for (int k = 0; k < a->K; k++) {
			for (int p = 0; p < P2; p++, dz += from, code += from, dy += 2 * to)
				unpool_rows(Q2, a->Q, dz, code, dy);
			if (a->P % 2) memset(dy, 0, (size_t)to * sizeof(float));
			if (a->P % 2) dy += to;
		}
	}
}

/* ---- gradient of the weights ------------------------------------------------------------------------------------- */

/* KT filters x R row taps of one channel, n pictures: x is [n][H][row] with their padding. */
typedef struct pooled_wtile {
	const float *x, *dz;
	const uint8_t *code;
	ptrdiff_t row, zk, size; /* elements from one row of x, filter of dz, picture of x to the next */
	int n, P, Q, at[4];      /* pictures, windows; where the four positions of one lie in x */
	float *sum;        /* [filter][r][V] */
} pooled_wtile;
typedef void (*pooled_wtile_fn)(const pooled_wtile *t);

EG_ALWAYS_INLINE void pooled_wmicro(const pooled_wtile *t, const int KT, const int R) {
	vf acc[4][POOLED_R];
	const ptrdiff_t row = t->row, zk = t->zk;
	EG_UNROLL for (int k = 0; k < KT; k++) EG_UNROLL for (int r = 0; r < R; r++) acc[k][r] = vzero();
	for (int l = 0; l < t->n; l++) {
		const float *dz = t->dz + l, *xr = t->x + l * t->size;
		const uint8_t *code = t->code + l;
		for (int p = t->P; p > 0; p--, xr += 2 * row) {
			const float *x = xr;
			for (int q = t->Q; q > 0; q--, x += 2, dz += EG_BLOCK, code += EG_BLOCK)
				EG_UNROLL for (int k = 0; k < KT; k++) {
					const float *e = x + t->at[code[k * zk]];
					vf g = vset1(dz[k * zk]);
					EG_UNROLL for (int r = 0; r < R; r++)
					        acc[k][r] = vfma(g, vload(e + r * row), acc[k][r]);
				}
		}
	}
	EG_UNROLL for (int k = 0; k < KT; k++) EG_UNROLL for (int r = 0; r < R; r++)
	        vstore(t->sum + (k * R + r) * V, acc[k][r]);
}

#define EG_POOLED_WTILES(X) \
	X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(1, 4) X(2, 4) \
	X(3, 4) X(1, 5) X(2, 5) X(1, 6) X(2, 6) X(1, 7)
static const uint8_t pooled_wkt[POOLED_R + 1] = {0, 4, 4, 4, 3, 2, 2, 1}; /* largest KT for each R */
#define EG_POOLED_WDEFINE(KT, R) \
	static void conv_pool_bwd_weights_f32_##KT##x##R(const pooled_wtile *t) { \
		pooled_wmicro(t, KT, R); \
	}
#define EG_POOLED_WENTRY(KT, R) [KT][R] = conv_pool_bwd_weights_f32_##KT##x##R,
EG_POOLED_WTILES(EG_POOLED_WDEFINE)
static const pooled_wtile_fn pooled_wtiles[5][POOLED_R + 1] = {EG_POOLED_WTILES(EG_POOLED_WENTRY)};

/* Floats in a row of a picture that stands by itself: rows must not lie a multiple of a cache line apart. */
static int pooled_wide(const eg_conv_shape *s) { return (s->W + 2 * s->pw + 7) / 16 * 16 + 8; }
static size_t pooled_picture(const eg_conv_shape *s) {
	return (size_t)(s->H + 2 * s->ph) * (size_t)pooled_wide(s);
}

/* One channel of 16 pictures, [H][W][16], into pictures [H + 2 ph][W + 2 pw] whose padding is zero already. */
static void pooled_apart(const eg_conv_shape *s, const float *x, float *to) {
	const ptrdiff_t wide = pooled_wide(s), size = (s->H + 2 * s->ph) * wide;
	to += s->ph * wide + s->pw;
	for (int h = 0; h < s->H; h++, x += (ptrdiff_t)s->W * EG_BLOCK, to += wide) {
		int w = 0;
		for (; s->W >= V && w < s->W; w += V) {
			if (w > s->W - V) w = s->W - V; /* the last one covers some again */
			for (int l = 0; l < EG_BLOCK; l += V) {
				vf t[V];
				EG_UNROLL for (int i = 0; i < V; i++)
				        t[i] = vload(x + (ptrdiff_t)(w + i) * EG_BLOCK + l);
				vtranspose(t);
				EG_UNROLL for (int i = 0; i < V; i++) vstore(to + (l + i) * size + w, t[i]);
			}
		}
		for (; w < s->W; w++)
			for (int l = 0; l < EG_BLOCK; l++) to[l * size + w] = x[(ptrdiff_t)w * EG_BLOCK + l];
	}
}

/* dw[r][s] = [dw +] the first S lanes of sum[r]. */
static void pooled_put(const eg_conv_shape *s, const float *sum, float *dw, bool add) {
	for (int r = 0; r < s->R; r++)
		for (int i = 0; i < s->S; i++, dw++) *dw = add ? *dw + sum[r * V + i] : sum[r * V + i];
}

/* One block of n pictures. `apart` has room for one channel of its pictures, and V floats that are read but never
 * count. */
static void pooled_wblock(const eg_conv_shape *s, int n, const float *x, const float *dz, const uint8_t *code,
	float *dw, float *db, bool add, float *apart) {
	const int most = pooled_wkt[s->R], nk = lanes_ceil(s->K, most), taps = s->R * s->S;
	const ptrdiff_t wide = pooled_wide(s), size = (ptrdiff_t)pooled_picture(s);
	float sum[POOLED_CHAINS * V];
	pooled_wtile t = {.x = apart,
	        .row = wide,
	        .size = size,
	        .n = n,
	        .P = s->P / 2,
	        .Q = s->Q / 2,
	        .at = {0, 1, (int)wide, (int)wide + 1},
	        .sum = sum};
	t.zk = (ptrdiff_t)t.P * t.Q * EG_BLOCK;
	memset(apart, 0, (EG_BLOCK * (size_t)size + V) * sizeof(float));
	for (int c = 0; c < s->C; c++) {
		pooled_apart(s, x + (ptrdiff_t)c * s->H * s->W * EG_BLOCK, apart);
		for (int i = 0; i < nk; i++) {
			int k0, k1;
			eg_split(s->K, i, nk, &k0, &k1);
			t.dz = dz + k0 * t.zk;
			t.code = code + k0 * t.zk;
			pooled_wtiles[k1 - k0][s->R](&t);
			for (int k = k0; k < k1; k++)
				pooled_put(s, sum + (k - k0) * s->R * V, dw + ((ptrdiff_t)k * s->C + c) * taps, add);
		}
	}
	for (int k = 0; db && k < s->K; k++) {
		memset(sum, 0, V * sizeof(float));
		EG_NAME(lanes_sum)(dz + k * t.zk, t.zk, sum);
		db[k] = vsum(vload(sum)) + (add ? db[k] : 0.0f);
	}
}

void EG_NAME(conv_pool_bwd_weights)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pool_bwd_weights_args *a = args;
	const eg_conv_shape *s = &a->s;
	const ptrdiff_t weights = (ptrdiff_t)s->K * s->C * s->R * s->S;
	for (int b = begin; b < end; b++) {
		int shard = eg_shard_of(b, a->blocks, a->shards);
		bool add = b != eg_shard_begin(shard, a->blocks, a->shards);
		pooled_wblock(s, eg_block_size(s->N, b), eg_at(a->x, b), eg_at(a->dz, b), (const uint8_t *)a->code.p + b * a->code.stride,
		        eg_at(a->dw, 0) + shard * weights, a->db.p ? eg_at(a->db, 0) + shard * s->K : NULL, add,
		        worker->scratch);
	}
}

size_t EG_NAME(conv_pool_scratch)(const eg_conv_shape *s, eg_conv_dir dir) {
	if (dir == EG_CONV_BWD_WEIGHTS) return (EG_BLOCK * pooled_picture(s) + V) * sizeof(float);
	const size_t padded = (size_t)s->C * (size_t)(s->H + 2 * s->ph) * (size_t)(s->W + 2 * s->pw);
	return pooled_has_padding(s) ? EG_BLOCK * padded * sizeof(float) : 0;
}

/* Cycles of one gradient of a window, here and in conv_lanes_bwd_weights: R multiply-adds whose operands lie across
 * lines of the cache, two a cycle at best, and what it takes to find them; four positions of R*S taps of V pictures. */
bool EG_NAME(conv_pool_can)(const eg_conv_shape *s, eg_conv_dir dir) {
	if (s->sh != 1 || s->sw != 1 || s->dh != 1 || s->dw != 1 || s->G != 1 || s->P < 2 || s->Q < 2) return false;
	/* pictures lie in scratch with as much padding at the end as at the beginning */
	if (s->P != s->H + 2 * s->ph - s->R + 1 || s->Q != s->W + 2 * s->pw - s->S + 1) return false;
	if (dir != EG_CONV_BWD_WEIGHTS) return true;
	return s->R <= POOLED_R && s->S <= V && (s->R + 3) * V * 4 <= 4 * s->R * s->S * 3;
}

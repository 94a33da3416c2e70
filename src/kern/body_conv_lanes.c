/* body_conv_lanes.c - convolution in the LANES layout: [C][H][W][16], sixteen pictures side by side, so that a
 * convolution is "broadcast weight times vector of pictures" without a shuffle and without waste, however few
 * channels there are.
 *
 * Forward and backward-data are one engine. Along one axis, both compute for output position j the sum over taps t
 * of weight[t] * input[in0 + j*instep + t*tapstep]: forward with instep = stride, tapstep = dilation; backward-data,
 * for each phase of the stride, with instep = 1 and taps walking backwards. A tile holds KT filters x QT
 * neighbouring positions in registers for the full reduction over channels and taps. Taps outside of the input are
 * skipped, never multiplied by zero: rows by their exact range, columns tile by tile (`edge` tiles test each
 * position, the others test nothing).
 *
 * Backward-weights keeps KT filters x ST taps in registers while it walks over the positions.
 *
 * Not here: threads, layouts with channels in lanes, anything that knows what a network is. */
#include "kern/body_act.h"
#include "kern/body_conv_cost.h"
#include "kern/body_conv_lanes.h"
#include "kern/kern_conv.h"

#include <math.h>
#include <string.h>

/* Tiles KT x QT, and KT x ST for backward-weights, that leave registers for QT or ST inputs and one more. X for
 * every instance. LANES_CHUNK: elements of dy that stay in L1 together with what else is used. */
#if EG_VREGS >= 32
enum { LANES_KT = 8, LANES_QT = 8, LANES_WT = 8, LANES_ST = 5, LANES_CHUNK = 6144 };
static const signed char lanes_qt[LANES_KT + 1] = {0, 8, 8, 7, 6, 5, 4, 3, 3}; /* largest QT for each KT */
static const signed char lanes_wt[LANES_ST + 1] = {0, 8, 8, 8, 6, 5};          /* largest KT for each ST */
#define EG_LANES_TILES(X) \
	X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) \
	X(2, 6) X(2, 7) X(2, 8) X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(3, 5) X(3, 6) X(3, 7) X(4, 1) X(4, 2) X(4, 3) \
	X(4, 4) X(4, 5) X(4, 6) X(5, 1) X(5, 2) X(5, 3) X(5, 4) X(5, 5) X(6, 1) X(6, 2) X(6, 3) X(6, 4) X(7, 1) \
	X(7, 2) X(7, 3) X(8, 1) X(8, 2) X(8, 3)
#define EG_LANES_WTILES(X) \
	X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(7, 1) X(8, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(5, 2) \
	X(6, 2) X(7, 2) X(8, 2) X(1, 3) X(2, 3) X(3, 3) X(4, 3) X(5, 3) X(6, 3) X(7, 3) X(8, 3) X(1, 4) X(2, 4) \
	X(3, 4) X(4, 4) X(5, 4) X(6, 4) X(1, 5) X(2, 5) X(3, 5) X(4, 5) X(5, 5)
#else
enum { LANES_KT = 6, LANES_QT = 8, LANES_WT = 6, LANES_ST = 5, LANES_CHUNK = 6144 };
static const signed char lanes_qt[LANES_KT + 1] = {0, 8, 5, 3, 3, 2, 2};
static const signed char lanes_wt[LANES_ST + 1] = {0, 6, 4, 3, 2, 2};
#define EG_LANES_TILES(X) \
	X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) \
	X(3, 1) X(3, 2) X(3, 3) X(4, 1) X(4, 2) X(4, 3) X(5, 1) X(5, 2) X(6, 1) X(6, 2)
#define EG_LANES_WTILES(X) \
	X(1, 1) X(2, 1) X(3, 1) X(4, 1) X(5, 1) X(6, 1) X(1, 2) X(2, 2) X(3, 2) X(4, 2) X(1, 3) X(2, 3) X(3, 3) \
	X(1, 4) X(2, 4) X(1, 5) X(2, 5)
#endif

/* ---- one axis ---------------------------------------------------------------------------------------------------- */

typedef struct lanes_axis {
	int n, out0, outstep;          /* positions j < n lie at out0 + j*outstep of the output */
	int in0, instep, tapstep, len; /* position j, tap t reads in0 + j*instep + t*tapstep where that is in [0,len) */
	int taps, tap0, tapinc;        /* tap t is weight tap0 + t*tapinc */
} lanes_axis;


/* The i in [0,n) with 0 <= v + i*step < len: [*i0,*i1). step is not 0. */
static void lanes_range(int v, int step, int n, int len, int *i0, int *i1) {
	assert(step != 0);
	if (step < 0) {
		v = len - 1 - v;
		step = -step;
	}
	*i1 = v < len ? lanes_min(n, (len - 1 - v) / step + 1) : 0;
	*i0 = lanes_min(*i1, v < 0 ? lanes_ceil(-v, step) : 0);
}

/* Forward: `len` inputs, n outputs. */
static lanes_axis lanes_axis_fwd(int len, int n, int taps, int stride, int pad, int dilation) {
	lanes_axis a = {.n = n, .outstep = 1, .in0 = -pad, .instep = stride, .tapstep = dilation, .len = len};
	a.taps = taps;
	a.tapinc = 1;
	return a;
}

/* Backward-data, phase f: positions w = f + j*stride of the `len` inputs. Output q and tap s meet at w when q*stride
 * = w + pad - s*dilation; of the taps every (stride / gcd)-th does, and q falls by dilation / gcd from one of them
 * to the next. */
static lanes_axis lanes_axis_bwd(int f, int len, int n, int taps, int stride, int pad, int dilation) {
	lanes_axis a = {
	        .n = f < len ? (len - 1 - f) / stride + 1 : 0, .out0 = f, .outstep = stride, .instep = 1, .len = n};
	int g = stride, rest = dilation;
	while (rest != 0) {
		int t = g % rest;
		g = rest;
		rest = t;
	}
	int s = 0;
	while (s < taps && s < stride && (f + pad - s * dilation) % stride != 0) s++;
	bool any = s < taps && s < stride;
	a.tap0 = any ? s : 0;
	a.tapinc = stride / g;
	a.tapstep = -(dilation / g);
	a.in0 = any ? (f + pad - s * dilation) / stride : 0;
	a.taps = any ? (taps - 1 - s) / a.tapinc + 1 : 0;
	return a;
}

/* ---- forward and backward-data ----------------------------------------------------------------------------------- */

/* Where one tap finds its input, in elements from the position, and the number of its weight. The list of them, rows
 * of taps in order, is the same for all tiles of a pair of phases; it makes one loop of two. */
typedef struct lanes_tap {
	int32_t x, w;
} lanes_tap;

/* One tile: strides are in elements; channel, position. */
typedef struct lanes_tile {
	const float *x, *w, *bias;
	const lanes_tap *tap;
	float *y;
	ptrdiff_t at, xc, xq, wc, yk, yq; /* x + at is position 0, tap 0 */
	int nc, nr, ns;                   /* channels, row taps, column taps */
	int col, instep, tapstep, len;    /* edge tiles: column of position 0, tap 0, and how it moves */
	float low;                        /* 0 for relu, else minus infinity */
	bool edge, acc;                   /* acc: add to y, instead of to the bias */
} lanes_tile;
static const float lanes_no_bias[LANES_KT] = {0};
typedef void (*lanes_tile_fn)(const lanes_tile *t);

EG_ALWAYS_INLINE void lanes_inner(
	const lanes_tile *t, int KT, int QT, int h, const lanes_tap *first, int step, vf acc[LANES_KT][LANES_QT]) {
	ptrdiff_t xq = t->xq, at = t->at;
	const float *xc = t->x + h, *wc = t->w;
	const lanes_tap *end = first + t->nr * t->ns;
	for (int c = t->nc; c > 0; c--, xc += t->xc, wc += t->wc) {
		for (const lanes_tap *tap = first; tap != end; tap += step) {
			const float *x = xc + (at + tap->x), *w = wc + tap->w * (ptrdiff_t)KT;
			vf xv[LANES_QT];
			EG_UNROLL for (int q = 0; q < QT; q++) xv[q] = vload(x + q * xq);
			EG_UNROLL for (int k = 0; k < KT; k++) {
				vf wv = vset1(w[k]);
				EG_UNROLL for (int q = 0; q < QT; q++) acc[k][q] = vfma(wv, xv[q], acc[k][q]);
			}
		}
	}
}

/* The same where some positions of the tile lie outside of the input for some taps. */
EG_ALWAYS_INLINE void lanes_edge(const lanes_tile *t, int KT, int QT, int h, vf acc[LANES_KT][LANES_QT]) {
	ptrdiff_t xq = t->xq, at = t->at;
	int ns = t->ns, col = t->col;
	for (int s = 0; s < ns; s++, col += t->tapstep) {
		unsigned in = 0; /* bit q: position q is inside for this tap */
		EG_UNROLL for (int q = 0; q < QT; q++)
		        in |= (unsigned)((unsigned)(col + q * t->instep) < (unsigned)t->len) << q;
		if (in == (1u << QT) - 1u) lanes_inner(t, KT, QT, h, t->tap + s, ns, acc);
		if (in == 0 || in == (1u << QT) - 1u) continue;
		const float *xc = t->x + h, *wc = t->w;
		const lanes_tap *first = t->tap + s, *end = first + t->nr * ns;
		for (int c = t->nc; c > 0; c--, xc += t->xc, wc += t->wc) {
			for (const lanes_tap *tap = first; tap != end; tap += ns) {
				ptrdiff_t x = at + tap->x;
				const float *w = wc + tap->w * (ptrdiff_t)KT;
				EG_UNROLL for (int q = 0; q < QT; q++) {
					if (!(in >> q & 1)) continue;
					vf xv = vload(xc + (x + q * xq));
					EG_UNROLL for (int k = 0; k < KT; k++)
					        acc[k][q] = vfma(vset1(w[k]), xv, acc[k][q]);
				}
			}
		}
	}
}

EG_ALWAYS_INLINE void lanes_micro(const lanes_tile *t, int KT, int QT, bool edge) {
	ptrdiff_t yk = t->yk, yq = t->yq;
	for (int h = 0; h < EG_BLOCK; h += V) {
		vf acc[LANES_KT][LANES_QT], low = vset1(t->low);
		float *y = t->y + h;
		EG_UNROLL for (int k = 0; k < KT; k++) {
			vf b = vset1(t->bias[k]);
			EG_UNROLL for (int q = 0; q < QT; q++) acc[k][q] = b;
		}
		if (t->acc)
			EG_UNROLL for (int k = 0; k < KT; k++) EG_UNROLL for (int q = 0; q < QT; q++)
			        acc[k][q] = vload(y + k * yk + q * yq);
		if (edge)
			lanes_edge(t, KT, QT, h, acc);
		else
			lanes_inner(t, KT, QT, h, t->tap, 1, acc);
		EG_UNROLL for (int k = 0; k < KT; k++, y += yk) /* NaN comes through vmax: it is the second operand */
		        EG_UNROLL for (int q = 0; q < QT; q++) vstore(y + q * yq, vmax(low, acc[k][q]));
	}
}

#define EG_LANES_DEFINE(KT, QT) \
	static void conv_lanes_f32_##KT##x##QT(const lanes_tile *t) { \
		if (t->edge) \
			lanes_micro(t, KT, QT, true); \
		else \
			lanes_micro(t, KT, QT, false); \
	}
#define EG_LANES_ENTRY(KT, QT) [KT][QT] = conv_lanes_f32_##KT##x##QT,
EG_LANES_TILES(EG_LANES_DEFINE)
static const lanes_tile_fn lanes_tiles[LANES_KT + 1][LANES_QT + 1] = {EG_LANES_TILES(EG_LANES_ENTRY)};

/* Cycles, times two, of one tap on a tile: two FMAs or two loads a cycle, four cycles of latency, a bit to start. */
static int lanes_cost(int kt, int qt) {
	int work = kt * qt > kt + qt ? kt * qt : kt + qt;
	return (work > 8 ? work : 8) + 1;
}

/* Number of tiles that k filters are cut into when rows are q positions long: the one with the fewest cycles. Tiles
 * of either axis have two sizes at most, which differ by one (eg_split). */
static int lanes_ktiles(int k, int q) {
	int best = k;
	int64_t least = INT64_MAX;
	for (int tile = lanes_min(k, LANES_KT); tile >= 1; tile--) {
		int nk = lanes_ceil(k, tile), nq = lanes_ceil(q, lanes_qt[lanes_ceil(k, nk)]);
		int kt = k / nk, kmore = k % nk, qt = q / nq, qmore = q % nq;
		int64_t small = (nq - qmore) * lanes_cost(kt, qt) + qmore * lanes_cost(kt, qt + 1);
		int64_t large = (nq - qmore) * lanes_cost(kt + 1, qt) +
		                qmore * lanes_cost(kt + 1, qt + 1);
		int64_t cost = (nk - kmore) * small + kmore * large;
		if (cost < least) {
			least = cost;
			best = nk;
		}
	}
	return best;
}

/* One job for the engine: which of the two directions, with C and K exchanged for backward-data. */
typedef struct lanes_job {
	const eg_conv_shape *s;
	const float *w, *b; /* packed; b may be NULL */
	bool bwd, acc;
	eg_act act;
	int C, K, H, W, P, Q; /* channels a group read and written; size read, size written */
	int nk;               /* tiles of filters */
} lanes_job;

static lanes_job lanes_job_of(const eg_conv_shape *s, bool bwd) {
	if (!bwd) {
		lanes_job j = {.s = s, .C = s->C / s->G, .K = s->K / s->G, .H = s->H, .W = s->W, .P = s->P, .Q = s->Q};
		j.nk = lanes_ktiles(j.K, j.Q);
		return j;
	}
	lanes_job j = {
	        .s = s, .bwd = true, .C = s->K / s->G, .K = s->C / s->G, .H = s->P, .W = s->Q, .P = s->H, .Q = s->W};
	j.nk = lanes_ktiles(j.K, lanes_ceil(j.Q, s->sw));
	return j;
}

size_t EG_NAME(conv_lanes_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return (size_t)s->K * (size_t)(s->C / s->G) * (size_t)s->R * (size_t)s->S * sizeof(float);
}

/* dst: [group][tile of KT filters][channel][r][s][KT]; filters and channels change places for BWD_DATA. */
void EG_NAME(conv_lanes_pack)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pack_args *a = args;
	const eg_conv_shape *s = &a->s;
	const float *w = a->w.p;
	float *dst = a->dst.p;
	EG_UNUSED(worker);
	if (begin >= end) return;
	lanes_job j = lanes_job_of(s, a->dir == EG_CONV_BWD_DATA);
	int taps = s->R * s->S, Cg = s->C / s->G, Kg = s->K / s->G;
	for (int g = 0; g < s->G; g++)
		for (int i = 0; i < j.nk; i++) {
			int k0, k1;
			eg_split(j.K, i, j.nk, &k0, &k1);
			for (int c = 0; c < j.C; c++)
				for (int t = 0; t < taps; t++)
					for (int k = k0; k < k1; k++) {
						ptrdiff_t filter = g * Kg + (j.bwd ? c : k), channel = j.bwd ? k : c;
						*dst++ = w[(filter * Cg + channel) * taps + t];
					}
		}
}

/* One row of one tile of filters: the parts of t that belong to the row are set; `at` is where its inputs begin. */
static void lanes_row(lanes_tile t, const lanes_axis *cols, int kt, ptrdiff_t at) {
	int nq = lanes_ceil(cols->n, lanes_qt[kt]), reach = (cols->taps - 1) * cols->tapstep;
	float *y = t.y;
	for (int i = 0; i < nq; i++) {
		int q0, q1;
		eg_split(cols->n, i, nq, &q0, &q1);
		int first = cols->in0 + q0 * cols->instep, last = cols->in0 + (q1 - 1) * cols->instep;
		t.edge = lanes_min(first, first + reach) < 0 || (reach > 0 ? last + reach : last) >= cols->len;
		t.col = first;
		t.at = at + first * (ptrdiff_t)EG_BLOCK;
		t.y = y + (cols->out0 + q0 * cols->outstep) * (ptrdiff_t)EG_BLOCK;
		lanes_tiles[kt][q1 - q0](&t);
	}
}

/* All rows and columns of one pair of phases, one block. */
static void lanes_phase(const lanes_job *j, const lanes_axis *rows, const lanes_axis *cols, const float *x,
	float *y, const lanes_tap *tap) {
	const eg_conv_shape *s = j->s;
	ptrdiff_t xrow = (ptrdiff_t)j->W * EG_BLOCK, yrow = (ptrdiff_t)j->Q * EG_BLOCK, taps = (ptrdiff_t)s->R * s->S;
	lanes_tile t = {.xc = j->H * xrow,
	        .yk = j->P * yrow,
	        .xq = cols->instep * EG_BLOCK,
	        .yq = cols->outstep * EG_BLOCK,
	        .nc = j->C,
	        .ns = cols->taps,
	        .acc = j->acc,
	        .low = act_least(j->act),
	        .instep = cols->instep,
	        .tapstep = cols->tapstep,
	        .len = cols->len};
	for (int p = 0; p < rows->n; p++) {
		int r0, r1, in = rows->in0 + p * rows->instep, out = rows->out0 + p * rows->outstep;
		lanes_range(in, rows->tapstep, rows->taps, rows->len, &r0, &r1);
		t.nr = r1 - r0;
		t.tap = tap + r0 * t.ns;
		for (int i = 0; i < s->G * j->nk; i++) {
			int g = i / j->nk, k0, k1;
			eg_split(j->K, i % j->nk, j->nk, &k0, &k1);
			int kt = k1 - k0, k = g * j->K + k0;
			t.wc = taps * kt;
			t.w = j->w + k * (j->C * taps);
			t.x = x + g * j->C * t.xc;
			t.y = y + k * t.yk + out * yrow;
			t.bias = j->b ? j->b + k : lanes_no_bias;
			lanes_row(t, cols, kt, in * xrow);
			for (int f = 0; f < kt && act_remains(j->act); f++) {
				float *row = y + (k + f) * t.yk + out * yrow;
				EG_NAME(act_run)(row, row, j->Q * EG_BLOCK, j->act);
			}
		}
	}
}

/* The engine: phase pairs outside, blocks inside; `tap` has room for R*S entries. */
static void lanes_run(const lanes_job *j, eg_buf x, eg_buf y, int begin, int end, lanes_tap *tap) {
	const eg_conv_shape *s = j->s;
	int phases_h = j->bwd ? s->sh : 1, phases_w = j->bwd ? s->sw : 1;
	for (int f = 0; f < phases_h * phases_w; f++) {
		lanes_axis rows = j->bwd ? lanes_axis_bwd(f / s->sw, s->H, s->P, s->R, s->sh, s->ph, s->dh)
		                         : lanes_axis_fwd(s->H, s->P, s->R, s->sh, s->ph, s->dh);
		lanes_axis cols = j->bwd ? lanes_axis_bwd(f % s->sw, s->W, s->Q, s->S, s->sw, s->pw, s->dw)
		                         : lanes_axis_fwd(s->W, s->Q, s->S, s->sw, s->pw, s->dw);
		lanes_tap *to = tap;
		for (int r = 0; r < rows.taps; r++)
			for (int c = 0; c < cols.taps; c++, to++) {
				to->x = (r * rows.tapstep * j->W + c * cols.tapstep) * EG_BLOCK;
				to->w = (rows.tap0 + r * rows.tapinc) * s->S + cols.tap0 + c * cols.tapinc;
			}
		for (int b = begin; b < end; b++) lanes_phase(j, &rows, &cols, eg_at(x, b), eg_at(y, b), tap);
	}
}

void EG_NAME(conv_lanes_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_fwd_args *a = args;
	lanes_job j = lanes_job_of(&a->s, false);
	j.w = a->w.p;
	j.b = a->b.p;
	j.act = a->act;
	lanes_run(&j, a->x, a->y, begin, end, worker->scratch);
}

void EG_NAME(conv_lanes_bwd_data)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_data_args *a = args;
	lanes_job j = lanes_job_of(&a->s, true);
	j.w = a->w.p;
	j.acc = a->acc;
	lanes_run(&j, a->dy, a->dx, begin, end, worker->scratch);
}

/* ---- backward-weights -------------------------------------------------------------------------------------------- */

/* A tile of weights, KT filters x ST column taps of one channel and row tap, over some rows of dy. */
typedef struct lanes_wtile {
	const float *x, *dy;
	float *sum;                                   /* [filter][tap][V] */
	ptrdiff_t at, xrow, xq, xs, dyrow, dyk, sumk; /* x + at is column 0 of dy, first tap, of the first row */
	int rows, Q, q0, q1;                          /* every tap is inside for q in [q0,q1) */
	int col, instep, tapstep, len;                /* column of q = 0, first tap, and how it moves */
	bool edge;                                    /* do the other positions instead of these */
} lanes_wtile;
typedef void (*lanes_wtile_fn)(const lanes_wtile *t);

/* Positions [q0,q1) of all rows. */
EG_ALWAYS_INLINE void lanes_winner(const lanes_wtile *t, int KT, int ST, vf acc[LANES_WT][LANES_ST]) {
	ptrdiff_t dyk = t->dyk, xs = t->xs, xq = t->xq, xrow = t->xrow, dyrow = t->dyrow;
	int n = t->q1 - t->q0;
	for (int h = 0; h < EG_BLOCK; h += V) {
		const float *xr = t->x + (t->at + h + t->q0 * xq), *dyr = t->dy + h + t->q0 * EG_BLOCK;
		for (int r = t->rows; r > 0; r--, xr += xrow, dyr += dyrow) {
			const float *x = xr, *dy = dyr;
			for (int q = n; q > 0; q--, x += xq, dy += EG_BLOCK) {
				vf xv[LANES_ST];
				EG_UNROLL for (int i = 0; i < ST; i++) {
					xv[i] = vload(x + i * xs);
					EG_KEEP(xv[i]);
				}
				EG_UNROLL for (int k = 0; k < KT; k++) {
					vf d = vload(dy + k * dyk);
					EG_KEEP(d);
					EG_UNROLL for (int i = 0; i < ST; i++) acc[k][i] = vfma(d, xv[i], acc[k][i]);
				}
			}
		}
	}
}

/* The other positions, column by column. */
EG_ALWAYS_INLINE void lanes_wedge(const lanes_wtile *t, int KT, int ST, vf acc[LANES_WT][LANES_ST]) {
	ptrdiff_t dyk = t->dyk, xs = t->xs;
	for (int q = 0; q < t->Q; q++) {
		if (q >= t->q0 && q < t->q1) continue;
		unsigned in = 0; /* bit i: tap i is inside for this column */
		EG_UNROLL for (int i = 0; i < ST; i++)
		        in |= (unsigned)((unsigned)(t->col + q * t->instep + i * t->tapstep) < (unsigned)t->len) << i;
		if (in == 0) continue;
		for (int h = 0; h < EG_BLOCK; h += V) {
			ptrdiff_t at = t->at + h + q * t->xq;
			const float *dy = t->dy + h + q * EG_BLOCK;
			for (int r = t->rows; r > 0; r--, at += t->xrow, dy += t->dyrow)
				EG_UNROLL for (int i = 0; i < ST; i++) {
					if (!(in >> i & 1)) continue;
					vf xv = vload(t->x + (at + i * xs));
					EG_UNROLL for (int k = 0; k < KT; k++)
					        acc[k][i] = vfma(xv, vload(dy + k * dyk), acc[k][i]);
				}
		}
	}
}

EG_ALWAYS_INLINE void lanes_wmicro(const lanes_wtile *t, int KT, int ST, bool edge) {
	vf acc[LANES_WT][LANES_ST];
	float *sum = t->sum;
	ptrdiff_t sumk = t->sumk;
	EG_UNROLL for (int k = 0; k < KT; k++) EG_UNROLL for (int i = 0; i < ST; i++)
	        acc[k][i] = vload(sum + k * sumk + i * V);
	if (edge)
		lanes_wedge(t, KT, ST, acc);
	else
		lanes_winner(t, KT, ST, acc);
	EG_UNROLL for (int k = 0; k < KT; k++) EG_UNROLL for (int i = 0; i < ST; i++)
	        vstore(sum + k * sumk + i * V, acc[k][i]);
}

#define EG_LANES_WDEFINE(KT, ST) \
	static void conv_lanes_bwd_weights_f32_##KT##x##ST(const lanes_wtile *t) { \
		if (t->edge) \
			lanes_wmicro(t, KT, ST, true); \
		else \
			lanes_wmicro(t, KT, ST, false); \
	}
#define EG_LANES_WENTRY(KT, ST) [KT][ST] = conv_lanes_bwd_weights_f32_##KT##x##ST,
EG_LANES_WTILES(EG_LANES_WDEFINE)
static const lanes_wtile_fn lanes_wtiles[LANES_WT + 1][LANES_ST + 1] = {EG_LANES_WTILES(EG_LANES_WENTRY)};

/* dw[i] = [dw[i] +] sum of the V lanes of sum[i], i < n. */
static void lanes_reduce(const float *sum, int n, float *dw, bool add) {
	int i = 0;
	for (; i + 4 <= n; i += 4, sum += 4 * V)
		vsum4(vload(sum), vload(sum + V), vload(sum + 2 * V), vload(sum + 3 * V), dw + i, add);
	for (; i < n; i++, sum += V) dw[i] = vsum(vload(sum)) + (add ? dw[i] : 0.0f);
}

void EG_NAME(lanes_sum)(const float *dy, ptrdiff_t n, float *sum) {
	vf a[4] = {vload(sum), vzero(), vzero(), vzero()};
	ptrdiff_t i = 0;
	for (; i + 4 * V <= n; i += 4 * V)
		EG_UNROLL for (int j = 0; j < 4; j++) a[j] = vadd(a[j], vload(dy + i + j * V));
	for (; i < n; i += V) a[0] = vadd(a[0], vload(dy + i));
	vstore(sum, vadd(vadd(a[0], a[1]), vadd(a[2], a[3])));
}

/* Row taps and tiles of column taps of one channel, for rows [p0,p1) of dy and either the columns where all taps of
 * a tile are inside or the others (`edge`); x and dy point at the channel and the first filter. */
static void lanes_wrows(const eg_conv_shape *s, const float *x, const float *dy, int p0, int p1, bool edge,
	int kt, int ns, float *sum) {
	lanes_wtile t = {.x = x,
	        .xrow = (ptrdiff_t)s->sh * s->W * EG_BLOCK,
	        .xq = (ptrdiff_t)s->sw * EG_BLOCK,
	        .Q = s->Q,
	        .xs = (ptrdiff_t)s->dw * EG_BLOCK,
	        .dyrow = (ptrdiff_t)s->Q * EG_BLOCK,
	        .dyk = (ptrdiff_t)s->P * s->Q * EG_BLOCK,
	        .sumk = (ptrdiff_t)s->R * s->S * V,
	        .instep = s->sw,
	        .tapstep = s->dw,
	        .len = s->W,
	        .edge = edge};
	for (int i = 0; i < s->R * ns; i++) {
		int r = i / ns, s0, s1, pa, pb, qa, qb;
		eg_split(s->S, i % ns, ns, &s0, &s1);
		lanes_range(r * s->dh - s->ph, s->sh, s->P, s->H, &pa, &pb);
		if (pa < p0) pa = p0;
		if (pb > p1) pb = p1;
		if (pa >= pb) continue;
		lanes_range(s0 * s->dw - s->pw, s->sw, s->Q, s->W, &t.q0, &qb);
		lanes_range((s1 - 1) * s->dw - s->pw, s->sw, s->Q, s->W, &qa, &t.q1);
		if (t.q1 < t.q0) t.q1 = t.q0;
		if (edge ? t.q1 - t.q0 == t.Q : t.q1 == t.q0) continue;
		t.rows = pb - pa;
		t.col = s0 * s->dw - s->pw;
		t.at = ((ptrdiff_t)(pa * s->sh + r * s->dh - s->ph) * s->W + t.col) * EG_BLOCK;
		t.dy = dy + pa * t.dyrow;
		t.sum = sum + (r * s->S + s0) * (ptrdiff_t)V;
		lanes_wtiles[kt][s1 - s0](&t);
	}
}

/* Filters [k, k + kt) of one group, whose first channel is c0, one block. dy goes in chunks of rows that stay in L1
 * while all row taps use them; columns at the border are few enough to go at once. */
static void lanes_wfilters(const eg_conv_shape *s, const float *x, const float *dy, int c0, int k, int kt,
	float *dw, float *db, bool add, float *sum) {
	int Cg = s->C / s->G, taps = s->R * s->S, ns = lanes_ceil(s->S, LANES_ST);
	ptrdiff_t xc = (ptrdiff_t)s->H * s->W * EG_BLOCK, dyrow = (ptrdiff_t)s->Q * EG_BLOCK, dyk = s->P * dyrow;
	int chunk = (int)(LANES_CHUNK / (kt * dyrow)) + 1;
	float *bias = sum + (ptrdiff_t)kt * taps * V;
	memset(bias, 0, (size_t)kt * V * sizeof(float));
	x += c0 * xc;
	dy += k * dyk;
	dw += (ptrdiff_t)k * Cg * taps;
	for (int c = 0; c < Cg; c++, x += xc, dw += taps) {
		memset(sum, 0, (size_t)kt * (size_t)taps * V * sizeof(float));
		for (int p = 0; p < s->P; p += chunk) {
			int p1 = lanes_min(p + chunk, s->P);
			lanes_wrows(s, x, dy, p, p1, false, kt, ns, sum);
			if (!db || c > 0) continue;
			const float *part = dy + p * dyrow; /* is in L1 now */
			for (int f = 0; f < kt; f++) EG_NAME(lanes_sum)(part + f * dyk, (p1 - p) * dyrow, bias + f * V);
		}
		lanes_wrows(s, x, dy, 0, s->P, true, kt, ns, sum);
		const float *part = sum;
		for (int f = 0; f < kt; f++, part += taps * V)
			lanes_reduce(part, taps, dw + (ptrdiff_t)f * Cg * taps, add);
	}
	if (db) lanes_reduce(bias, kt, db + k, add);
}

void EG_NAME(conv_lanes_bwd_weights)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_weights_args *a = args;
	const eg_conv_shape *s = &a->s;
	ptrdiff_t weights = (ptrdiff_t)s->K * (s->C / s->G) * s->R * s->S;
	int Kg = s->K / s->G, nk = lanes_ceil(Kg, lanes_wt[lanes_ceil(s->S, lanes_ceil(s->S, LANES_ST))]);
	for (int b = begin; b < end; b++) {
		int shard = eg_shard_of(b, a->blocks, a->shards);
		bool add = b != eg_shard_begin(shard, a->blocks, a->shards);
		float *dw = eg_at(a->dw, 0) + shard * weights, *db = a->db.p ? eg_at(a->db, 0) + shard * s->K : NULL;
		for (int i = 0; i < s->G * nk; i++) {
			int g = i / nk, k0, k1;
			eg_split(Kg, i % nk, nk, &k0, &k1);
			lanes_wfilters(s, eg_at(a->x, b), eg_at(a->dy, b), g * (s->C / s->G), g * Kg + k0, k1 - k0, dw, db, add,
			        worker->scratch);
		}
	}
}

/* The list of taps; BWD_WEIGHTS: the partial sums of one tile of filters and of its biases. */
size_t EG_NAME(conv_lanes_scratch)(const eg_conv_shape *s, eg_conv_dir dir) {
	size_t taps = (size_t)s->R * (size_t)s->S;
	return dir == EG_CONV_BWD_WEIGHTS ? LANES_WT * (taps + 1) * V * sizeof(float) : taps * sizeof(lanes_tap);
}

/* Whole blocks of 16 pictures, whether there are so many or not. */
double EG_NAME(conv_lanes_cost)(const eg_conv_shape *s, eg_conv_dir dir) {
	static const double share[EG_CONV_BWD_WEIGHTS + 1] = {0.7, 0.6, 0.6}; /* of the peak, by direction */
	double blocks = eg_blocks(s->N) * (double)EG_BLOCK / s->N;
	return blocks * conv_macs(s) / (COST_PEAK * share[dir]);
}

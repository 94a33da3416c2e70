/* body_conv_winograd.c - 3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3) and F(4x4, 3x3) (Lavin and Gray 2016):
 * results and gradients of pictures.
 *
 * The tiles of all samples, in the order of the results, are cut into chunks. Of a chunk, the picture is transformed
 * into a*a planes [plane][tile][channel] that stay in the cache; each plane is multiplied by the transformed weights of
 * a group of filters, which gives [plane][tile][filter] of that group; these are transformed back, with bias and
 * activation. A unit is a group of a chunk. Weights are transformed by `pack`, into the panels that the matrix
 * product's tiles read. Tiles that stick out of the picture are filled up with zeros. The gradient of x is the
 * convolution of dy with the turned weights, filters and channels swapped.
 *
 * Every result depends on its own tile only, so bits depend neither on the chunks nor on the units. A NaN or an
 * infinity in x spoils the tiles that see it, not only the results that do.
 *
 * Errors, relative to the largest value of a result, of random data on the pictures of DeepBench, against sums in
 * double precision: F(4x4) 3.3e-6 and F(2x2) 1.4e-6 at most, in gradients of weights 1.5e-6 and 0.6e-6. Bounds that the
 * tests hold them to: 6e-6 and 2e-6.
 *
 * Not here: the transforms of a tile (body_winograd.h), the register tiles of the product (body_gemm.c), gradients of
 * weights and the table (body_conv_winograd_weights.c). */
#include "kern/body_conv_winograd.h"
#include "kern/body_gemm.h"
#include "kern/body_winograd.h"

/* Strips of the product in all tiles. */
static int wino_strips_in(const wino *g) { return (g->tiles + GEMM_MR - 1) / GEMM_MR; }

/* Tiles and filters of a unit, so that two threads share alike. */
static void wino_share(wino *g) {
	const int most = g->C <= 24 || g->C >= 192 ? WINO_LONG : WINO_CHUNK;
	g->chunks = (g->tiles + most - 1) / most;
	const bool one = g->chunks == 1;
	enum { BLOCK_PANELS = ((int)WINO_LANES + (int)GEMM_NR - 1) / (int)GEMM_NR }; /* a group holds whole blocks */
	g->group = one ? gemm_min(gemm_up((g->panels + 1) / 2, BLOCK_PANELS), WINO_GROUP / 2 / GEMM_NR) : gemm_min(g->panels, WINO_GROUP / GEMM_NR);
	g->groups = (g->panels + g->group - 1) / g->group;
	if ((!one || g->groups == 1) && g->chunks % 2 == 1 && g->tiles >= (one ? 8 : 16) * (g->chunks + 1)) g->chunks++;
	g->chunk = (g->tiles + g->chunks - 1) / g->chunks;
	if (g->chunks >= WINO_MANY) g->chunk = (wino_strips_in(g) + g->chunks - 1) / g->chunks * GEMM_MR;
}

wino EG_NAME(wino_new)(int m, const eg_conv_shape *s, eg_conv_dir dir) {
	wino g = {.m = m, .a = m + 2, .planes = (m + 2) * (m + 2), .N = s->N};
	if (dir == EG_CONV_BWD_DATA)
		g.C = s->K, g.K = s->C, g.H = s->P, g.W = s->Q, g.P = s->H, g.Q = s->W, g.ph = 2 - s->ph, g.pw = 2 - s->pw;
	else
		g.C = s->C, g.K = s->K, g.H = s->H, g.W = s->W, g.P = s->P, g.Q = s->Q, g.ph = s->ph, g.pw = s->pw;
	g.from_blocked = dir == EG_CONV_BWD_DATA ? s->y_blocked : s->x_blocked;
	g.to_blocked = dir == EG_CONV_BWD_DATA ? s->x_blocked : s->y_blocked;
	g.rows = (g.P + m - 1) / m, g.cols = (g.Q + m - 1) / m, g.tiles = g.N * g.rows * g.cols;
	g.panels = (gemm_up(g.K, WINO_LANES) + GEMM_NR - 1) / GEMM_NR;
	wino_share(&g);
	g.urow = wino_row(g.C);
	g.vrow = g.group * GEMM_NR;
	g.uplane = (ptrdiff_t)g.chunk * g.urow + WINO_LANES;
	g.vplane = (ptrdiff_t)g.chunk * g.vrow + WINO_LANES;
	return g;
}

/* Tiles [*from, *to) of a chunk; whole strips for the product where there are many chunks. */
static void wino_chunk(const wino *g, int chunk, int *from, int *to) {
	const bool many = g->chunks >= WINO_MANY;
	eg_split(many ? wino_strips_in(g) : g->tiles, chunk, g->chunks, from, to);
	if (many) *from *= GEMM_MR, *to = gemm_min(*to * GEMM_MR, g->tiles);
}

/* Tiles side by side: `n` of them from column x of the y-th row of a sample on. */
typedef struct wino_run {
	int sample, y, x, n;
} wino_run;

/* The run that begins with tile t, of tiles below `end`. */
static wino_run wino_run_at(const wino *g, int t, int end) {
	int in = t % (g->rows * g->cols);
	wino_run r = {t / (g->rows * g->cols), in / g->cols, in % g->cols, WINO_RUN};
	r.n = gemm_min(r.n, g->cols - r.x);
	r.n = gemm_min(r.n, end - t);
	return r;
}

/* ---- the picture, transformed ------------------------------------------------------------------------------------ */

/* Rows [h, h + rows) and columns [w, w + cols) of `channels` planes of H x W, V of them in lanes, with zeros where
 * there is no picture and in lanes without a channel. */
static void wino_cut_plain(const float *x, int channels, int H, int W, int h, int w, int rows, int cols, float *to) {
	const int before = w < 0 ? -w : 0, end = gemm_min(W - w, cols), n = gemm_min(channels, V);
	const ptrdiff_t plane = (ptrdiff_t)H * W;
	for (int i = 0; i < rows; i++, to += cols * V) {
		const bool in = h + i >= 0 && h + i < H && end > before;
		const int zeros = in ? before : cols;
		for (int j = 0; j < zeros; j++) vstore(to + j * V, vzero());
		if (!in) continue;
		EG_NAME(pack_across)(n > 0 ? n : 0, end - before, x + (ptrdiff_t)(h + i) * W + w + before, plane, to + before * V, V);
		for (int j = end; j < cols; j++) vstore(to + j * V, vzero());
	}
}

/* The tiles of a run, of 16 channels from c on, into planes u. x is the whole tensor. Gradients are added up in sum,
 * which may be absent. */
EG_ALWAYS_INLINE void wino_run_in(
	const int m, const wino_kind kind, const wino *g, const float *x, wino_run r, int c, float *u, float *sum, float *strip) {
	const int side = kind == WINO_PICTURE ? m + 2 : m, h = r.y * m - g->ph, w = r.x * m - g->pw, cols = (r.n - 1) * m + side;
	const int blocks = (g->C + WINO_LANES - 1) / WINO_LANES;
	const int width = g->from_blocked ? WINO_LANES : V; /* of a column */
	const float *row[WINO_MAX_A];
	float *columns = strip + WINO_CUT;
	int first = 0, end = cols;
	ptrdiff_t ahead = 0;
	if (g->from_blocked) {
		x += ((ptrdiff_t)r.sample * blocks + c / WINO_LANES) * g->H * g->W * WINO_LANES;
		for (int i = 0; i < side; i++)
			row[i] = h + i >= 0 && h + i < g->H ? x + ((ptrdiff_t)(h + i) * g->W + w) * WINO_LANES : columns + WINO_COLUMNS;
		first = w < 0 ? -w : 0, end = gemm_min(cols, g->W - w), ahead = (ptrdiff_t)m * g->W * WINO_LANES;
	} else {
		for (int i = 0; i < side; i++) row[i] = strip + i * cols * V;
	}
	for (int v = 0; v < WINO_LANES; v += V) {
		if (!g->from_blocked)
			wino_cut_plain(x + ((ptrdiff_t)r.sample * g->C + c + v) * g->H * g->W, g->C - c - v, g->H, g->W, h, w, side, cols, strip);
		wino_columns(m, kind, row, width, first, end, cols, v ? 0 : ahead, columns, sum ? sum + v : NULL);
		for (int i = 0; i < side && g->from_blocked; i++) row[i] += V;
		for (int i = 0; i < r.n; i++)
			wino_rows(m, kind, columns + i * m * (m + 2) * V, u + i * g->urow + v, g->uplane);
	}
}

/* Channels [c0, c1) of tiles [t0, t1); c0 is a multiple of 16. */
EG_ALWAYS_INLINE void wino_in_as(
	const wino_kind kind, const wino *g, const float *x, int t0, int t1, int c0, int c1, float *u, float *sum, float *strip) {
	for (int t = t0; t < t1;) {
		wino_run r = wino_run_at(g, t, t1);
		for (int c = c0; c < c1; c += WINO_LANES) {
			float *to = u + (ptrdiff_t)(t - t0) * g->urow + c - c0, *add = sum ? sum + c - c0 : NULL;
			if (g->m == 2)
				wino_run_in(2, kind, g, x, r, c, to, add, strip);
			else
				wino_run_in(4, kind, g, x, r, c, to, add, strip);
		}
		t += r.n;
	}
}
void EG_NAME(wino_in)(const wino *g, const float *x, int t0, int t1, int c0, int c1, float *u, float *strip) {
	wino_in_as(WINO_PICTURE, g, x, t0, t1, c0, c1, u, NULL, strip);
}
void EG_NAME(wino_in_dy)(const wino *g, const float *dy, int t0, int t1, int k0, int k1, float *u, float *sum, float *strip) {
	wino_in_as(WINO_GRADIENT, g, dy, t0, t1, k0, k1, u, sum, strip);
}

/* ---- the results, transformed back ------------------------------------------------------------------------------- */

/* Rows and columns of a strip of `width` positions of 16 channels, to `channels` planes at y. */
static void wino_put_plain(const float *strip, int width, int channels, int rows, int cols, float *y, const wino *g, bool acc) {
	const ptrdiff_t plane = (ptrdiff_t)g->P * g->Q;
	for (int i = 0; i < rows; i++, strip += width * WINO_LANES, y += g->Q)
		for (int c = 0; c < channels && c < WINO_LANES; c += V)
			for (int j = 0; j < cols; j += V) {
				vf t[V];
				const int left = cols - j;
				const vm mask = vfirst(gemm_min(left, V));
				EG_UNROLL for (int q = 0; q < V; q++) t[q] = vload(strip + (j + q) * WINO_LANES + c);
				vtranspose(t);
				EG_UNROLL for (int q = 0; q < V; q++) {
					if (c + q >= channels) break;
					float *to = y + (c + q) * plane + j;
					if (left >= V) vstore(to, acc ? vadd(vload(to), t[q]) : t[q]);
					else vstore_m(to, mask, acc ? vadd(vload_m(to, mask), t[q]) : t[q]);
				}
			}
}

EG_ALWAYS_INLINE void wino_run_out(
	const int m, const wino *g, const float *v, wino_run r, int k, const wino_finish *f, float *y, float *strip) {
	const int p = r.y * m, q = r.x * m, left = g->K - k, blocks = (g->K + WINO_LANES - 1) / WINO_LANES;
	const int rows = gemm_min(m, g->P - p), cols = gemm_min(r.n * m, g->Q - q);
	ptrdiff_t row = (ptrdiff_t)(g->to_blocked ? g->Q : r.n * m) * WINO_LANES;
	const wino_finish tile = {f->bias, f->act, f->acc && g->to_blocked};
	float *to = strip;
	if (g->to_blocked)
		to = y + ((((ptrdiff_t)r.sample * blocks + k / WINO_LANES) * g->P + p) * g->Q + q) * WINO_LANES;
	for (int i = 0; i < r.n; i++)
		for (int c = 0; c < WINO_LANES; c += V) {
			int n = gemm_min(left - c, V);
			vf bias = f->bias && n > 0 ? vload_n(f->bias + k + c, n) : vzero();
			wino_tile_out(m, v + i * g->vrow + c, g->vplane, bias, &tile, to + i * m * WINO_LANES + c, row, g->to_blocked && c == 0 ? m * row : 0,
			        rows, gemm_min(cols - i * m, m));
		}
	if (!g->to_blocked)
		wino_put_plain(strip, r.n * m, left, rows, cols, y + (((ptrdiff_t)r.sample * g->K + k) * g->P + p) * g->Q + q, g, f->acc);
}

/* Filters [k0, k1) of tiles [t0, t1), of which v has k0 first. */
static void wino_out(const wino *g, const float *v, int t0, int t1, int k0, int k1, const wino_finish *f, float *y, float *strip) {
	for (int t = t0; t < t1;) {
		wino_run r = wino_run_at(g, t, t1);
		for (int k = k0; k < k1; k += WINO_LANES) {
			const float *from = v + (ptrdiff_t)(t - t0) * g->vrow + k - k0;
			if (g->m == 2)
				wino_run_out(2, g, from, r, k, f, y, strip);
			else
				wino_run_out(4, g, from, r, k, f, y, strip);
		}
		t += r.n;
	}
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* Panels of a group, whose weights are [plane][panel][channel][GEMM_NR], with a line between planes. */
static int wino_group_panels(const wino *g, int group) { return gemm_min(g->group, g->panels - group * g->group); }
static ptrdiff_t wino_weight_plane(const wino *g, int group) {
	return (ptrdiff_t)wino_group_panels(g, group) * g->C * GEMM_NR + WINO_LANES;
}

/* w[tap][V] of filters k.. and channel c in the direction of g: taps of a filter lie side by side. */
static void wino_taps(const wino *g, const float *w, bool turned, int k, int c, int channels, float *to) {
	const int n = gemm_min(g->K - k, V);
	if (!turned) {
		EG_NAME(pack_across)(n > 0 ? n : 0, 9 * channels, w + ((ptrdiff_t)k * g->C + c) * 9, (ptrdiff_t)g->C * 9, to, V);
		return;
	}
	for (int i = 0; i < channels; i++, to += 9 * V)
		EG_NAME(pack_across)(n > 0 ? n : 0, 9, w + ((ptrdiff_t)(c + i) * g->K + k) * 9, 9, to, V);
}

/* A unit is a panel. */
void EG_NAME(wino_pack)(int m, const eg_conv_pack_args *p, int begin, int end) {
	enum { CHANNELS = 8 };
	const wino g = EG_NAME(wino_new)(m, &p->s, p->dir);
	const bool turned = p->dir == EG_CONV_BWD_DATA;
	float taps[CHANNELS * 9 * V];
	for (int u = begin; u < end; u++) {
		const int group = u / g.group;
		const ptrdiff_t plane = wino_weight_plane(&g, group);
		float *panel = (float *)p->dst.p + wino_group_at(&g, group) + (ptrdiff_t)(u % g.group) * g.C * GEMM_NR;
		for (int c = 0; c < g.C; c += CHANNELS)
			for (int h = 0; h < GEMM_NR; h += V) {
				const int n = gemm_min(CHANNELS, g.C - c);
				wino_taps(&g, p->w.p, turned, u * GEMM_NR + h, c, n, taps);
				for (int i = 0; i < n; i++) {
					vf w[9];
					float *to = panel + (c + i) * GEMM_NR + h;
					EG_UNROLL for (int q = 0; q < 9; q++) w[q] = vload(taps + (i * 9 + (turned ? 8 - q : q)) * V);
					if (m == 2)
						wino_tile_filter(2, w, to, plane);
					else
						wino_tile_filter(4, w, to, plane);
				}
			}
	}
}

/* ---- the products ------------------------------------------------------------------------------------------------ */

/* Asks for a panel of weights, where the register tiles do not: it comes from L3 or from memory, and nothing else would
 * ask for it in time. */
static void wino_fetch(const float *panel, ptrdiff_t floats) {
	for (ptrdiff_t i = 0; i < floats; i += WINO_LANES) __builtin_prefetch(panel + i, 0, 2);
}

/* n strips of a plane, the `first` of the plane and those behind it, times a panel of weights. */
static void wino_strips(const wino *g, int wide, int height, int first, int n, const float *u, const float *w, float *v) {
	const gemm_stack stack = EG_NAME(gemm_stacks)[height - 1];
	if (wide && stack) {
		stack(first, n, g->C, u, g->urow, w, v, g->vrow);
		return;
	}
	const gemm_tile tile = EG_NAME(gemm_tiles)[1][wide][height - 1];
	const float *after = w + (ptrdiff_t)g->C * GEMM_NR;
	for (int i = 0; i < n; i++, u += height * g->urow, v += height * g->vrow)
		tile(g->C, u, g->urow, w, GEMM_NR, 0, v, g->vrow, false, tile_next(w, after, g->C, first + i));
}

/* v = u w, plane by plane, for n tiles and a group of filters. A panel of weights serves all tiles while it is in L1.
 * The tiles are cut into strips of two heights that differ by one. */
static void wino_products(const wino *g, int group, int n, const float *u, const float *w, float *v) {
	const int panels = wino_group_panels(g, group), strips = (n + GEMM_MR - 1) / GEMM_MR;
	const int height = n / strips, tall = n % strips, low = strips - tall;
	const ptrdiff_t plane = wino_weight_plane(g, group), panel = (ptrdiff_t)g->C * GEMM_NR, done = (ptrdiff_t)low * height;
	for (int t = 0; t < g->planes; t++, u += g->uplane, v += g->vplane)
		for (int p = 0; p < panels; p++) {
			const int wide = (int)GEMM_NR <= (int)WINO_LANES || g->K - (group * g->group + p) * GEMM_NR > V;
			const float *b = w + t * plane + p * panel;
			float *to = v + p * GEMM_NR;
			if (GEMM_TURN == 1) wino_fetch(b + panel, panel);
			wino_strips(g, wide, height, 0, low, u, b, to);
			if (tall > 0) wino_strips(g, wide, height + 1, low, tall, u + done * g->urow, b, to + done * g->vrow);
		}
}

void EG_NAME(wino_run)(int m, const eg_conv_run_args *a, eg_conv_dir dir, int begin, int end, float *scratch) {
	const wino g = EG_NAME(wino_new)(m, &a->s, dir);
	const wino_finish f = {a->b.p, a->act, a->acc};
	float *u = scratch, *v = u + g.planes * g.uplane, *strip = v + g.planes * g.vplane;
	const int width = g.group * GEMM_NR;
	assert(a->in.p && a->w.p && a->out.p && a->out.p != a->in.p);
	wino_begin(strip);
	for (int unit = begin, n; unit < end; unit += n) {
		int chunk = unit / g.groups, first = unit % g.groups, t0, t1;
		n = gemm_min(g.groups - first, end - unit);
		wino_chunk(&g, chunk, &t0, &t1);
		EG_NAME(wino_in)(&g, a->in.p, t0, t1, 0, g.C, u, strip);
		for (int i = first; i < first + n; i++) {
			wino_products(&g, i, t1 - t0, u, (const float *)a->w.p + wino_group_at(&g, i), v);
			wino_out(&g, v, t0, t1, i * width, gemm_min((i + 1) * width, g.K), &f, a->out.p, strip);
		}
	}
}

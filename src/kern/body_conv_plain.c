/* body_conv_plain.c - convolution of PLAIN tensors as implicit matrix products, on the tiles and packing of
 * body_gemm.h.
 *
 *   forward            y(K, PQ)   = W(K, CRS) col(CRS, PQ)            per image and group
 *   gradient of w      dW(K, CRS) = dy(K, NPQ) col(CRS, NPQ)^T        per group
 *   gradient of x      as a forward convolution of dy where the stride is 1, else dcol = W^T dy, added up per tap
 *
 * col(crs, npq) = x[n][c][p*sh + r*dh - ph][q*sw + s*dw - pw] is never stored: its pieces are built where the product
 * wants them, in packed panels in scratch. A vector of V outputs is cut into runs inside one row of one image; at
 * each tap (r, s) a run is one masked load, or gather, at a constant distance from the channel's start, so that one
 * plan serves all channels.
 *
 * Not here: batch in lanes (body_conv_lanes.c). */
#include "kern/body_conv_cost.h"
#include "kern/body_gemm.h"
#include "kern/kern_conv.h"

#include <stdlib.h>
#include <string.h>

enum {
	CONV_PANELS = 12,    /* most column panels in a unit of the forward pass */
	CONV_WORK = 1 << 19, /* multiply-adds that are not worth cutting */
	CONV_ROWS = 192,     /* about as many rows of dcol in a unit of the gradient of x */
	CONV_COLUMNS = 256   /* columns of dcol at a time; a multiple of GEMM_NR */
};

/* Lanes [a,b) hold outputs (n, p, q), (n, p, q + 1).. */
typedef struct conv_run {
	int n, p, q, a, b;
} conv_run;
/* The same in a row of x: it starts at off in its channel, lane 0 reads column w at the first tap. */
typedef struct conv_line {
	ptrdiff_t off;
	int w, a, b;
} conv_line;
/* At one tap, lane l of [a,b) reads off + l * sw from the start of the channel in image 0; other lanes read padding. */
typedef struct conv_piece {
	ptrdiff_t off;
	int a, b;
} conv_piece;
typedef struct conv_tap {
	int n;
	conv_piece piece[V];
} conv_tap;

/* Runs of `count` <= V outputs from number t on, outputs numbered over N, P, Q. */
static int conv_runs(const eg_conv_shape *s, int t, int count, conv_run run[V]) {
	int runs = 0;
	for (int a = 0; a < count; runs++) {
		int row = (t + a) / s->Q, q = (t + a) % s->Q;
		int length = gemm_min(s->Q - q, count - a);
		run[runs] = (conv_run){.n = row / s->P, .p = row % s->P, .q = q, .a = a, .b = a + length};
		a += length;
	}
	return runs;
}

/* a / b, where b is mostly 1 and a division would take longer than the rest. */
EG_ALWAYS_INLINE int conv_over(int a, int b) { return b == 1 ? a : a / b; }

/* The runs that lie inside of x at row r of the taps. Returns how many. */
EG_ALWAYS_INLINE int conv_lines(
	const eg_conv_shape *s, const conv_run *run, int runs, int r, conv_line *line) {
	int lines = 0;
	for (int i = 0; i < runs; i++) {
		int h = run[i].p * s->sh + r * s->dh - s->ph;
		if (h < 0 || h >= s->H) continue;
		line[lines++] = (conv_line){.off = ((ptrdiff_t)run[i].n * s->C * s->H + h) * s->W,
		        .w = (run[i].q - run[i].a) * s->sw - s->pw,
		        .a = run[i].a,
		        .b = run[i].b};
	}
	return lines;
}

/* What they read at column c of the taps, clipped to x. */
EG_ALWAYS_INLINE void conv_plan(
	const eg_conv_shape *s, const conv_line *line, int lines, int c, conv_tap *tap) {
	int n = 0;
	for (int i = 0; i < lines; i++) {
		int w = line[i].w + c * s->dw, a = line[i].a, b = line[i].b, end = s->W - 1 - w;
		if (end < 0) continue;
		int first = w < 0 ? conv_over(s->sw - 1 - w, s->sw) : 0,
		    last = conv_over(end, s->sw) + 1;
		if (a < first) a = first;
		if (b > last) b = last;
		if (a < b) tap->piece[n++] = (conv_piece){.off = line[i].off + w, .a = a, .b = b};
	}
	tap->n = n;
}

EG_ALWAYS_INLINE vf conv_load(const conv_tap *tap, const float *x, int sw) {
	vf v = vzero();
	for (int i = 0; i < tap->n; i++) {
		vm m = vrange(tap->piece[i].a, tap->piece[i].b);
		const float *from = x + tap->piece[i].off;
		v = vsel(m, sw == 1 ? vload_m(from, m) : vgather_m(from, sw, m), v);
	}
	return v;
}

/* A part of x for the forward pass, copied with its padding so that no tap needs clipping: channels [c0,c1), the rows
 * that outputs in rows [p0,p1] see, [c][row][phase][line]. Columns sw apart lie side by side in a phase, so that
 * strided outputs read vectors too: tap column u, output column q is line position e / sw + q of phase e % sw, e =
 * u*dw - low_w. */
typedef struct conv_part {
	int c0, c1, p0, p1;
	int low_h, low_w;             /* smallest r*dh and u*dw (dilations may be negative) */
	int rows, down, phases, line; /* down: rows from one output row to the next */
	ptrdiff_t row, plane;         /* elements */
} conv_part;

static conv_part conv_part_of(const eg_conv_shape *s, int c0, int c1, int p0, int p1) {
	const int high = (s->R - 1) * abs(s->dh), wide = (s->S - 1) * abs(s->dw);
	conv_part t = {.c0 = c0, .c1 = c1, .p0 = p0, .p1 = p1};
	t.low_h = s->dh < 0 ? -high : 0;
	t.low_w = s->dw < 0 ? -wide : 0;
	t.down = s->R > 1 ? s->sh : 1;
	t.rows = (p1 - p0) * t.down + high + 1;
	t.phases = gemm_min(s->sw, wide + 1);
	t.line = s->Q + wide / s->sw;
	t.row = (ptrdiff_t)t.phases * t.line;
	t.plane = t.row * t.rows;
	return t;
}

static void conv_copy(const eg_conv_shape *s, const conv_part *t, const float *x, float *to) {
	for (int c = t->c0; c < t->c1; c++)
		for (int e = 0; e < t->rows; e++) {
			const int h = t->p0 * s->sh - s->ph + (s->R > 1 ? t->low_h + e : e * s->sh);
			const bool inside = h >= 0 && h < s->H;
			for (int f = 0; f < t->phases; f++, to += t->line) {
				const int w = f + t->low_w - s->pw,
				          end = s->W - 1 - w; /* column of position 0, columns behind it */
				const int first = w < 0 ? conv_over(s->sw - 1 - w, s->sw) : 0;
				const int last = !inside || end < 0 ? 0 : conv_over(end, s->sw) + 1;
				const float *from = x + ((ptrdiff_t)c * s->H + h) * s->W + w;
				for (int i = 0; i < t->line;
				        i += V) { /* what is stored behind the line is overwritten by the next */
					int b = gemm_min(last - i, V), a = gemm_min(first - i, b);
					vm m = vrange(a > 0 ? a : 0, b > 0 ? b : 0);
					vstore(to + i, s->sw == 1 ? vload_m(from + i, m)
					                          : vgather_m(from + i * s->sw, s->sw, m));
				}
			}
		}
}

/* Rows [k0,k1) of col, outputs [j0,j1) of the image and group whose first channel is x, as panels [k][GEMM_NR].
 * `part` is room for a conv_part. */
static void conv_panels(
	const eg_conv_shape *s, const float *x, int k0, int k1, int j0, int j1, float *to, float *part) {
	const int taps = s->R * s->S, n = k1 - k0;
	if (taps == 1 && s->sh == 1 && s->sw == 1 && s->ph == 0 && s->pw == 0 && s->P == s->H && s->Q == s->W) {
		EG_NAME(pack_panels)(x, (ptrdiff_t)s->H * s->W, false, k0, k1, j0, j1, to);
		return;
	}
	const conv_part t = conv_part_of(s, k0 / taps, (k1 - 1) / taps + 1, j0 / s->Q, (j1 - 1) / s->Q);
	conv_copy(s, &t, x, part);
	ptrdiff_t off[GEMM_KC];
	for (int i = 0, c = 0, r = k0 % taps / s->S, u = k0 % taps % s->S; i < n; i++) {
		const int e = u * s->dw - t.low_w, by = conv_over(e, s->sw);
		off[i] = c * t.plane + (r * s->dh - t.low_h) * t.row + (e - by * s->sw) * t.line + by;
		if (++u == s->S) {
			u = 0;
			if (++r == s->R) r = 0, c++;
		}
	}
	for (int j = j0, half = 0; j < j1 || half; j += V, half ^= 1) {
		conv_run run[V];
		float *panel = to + (ptrdiff_t)((j - j0) / GEMM_NR) * n * GEMM_NR + half * V;
		int runs = conv_runs(s, j, gemm_min(j1 - j, V), run);
		while (runs < 2) run[runs++] = (conv_run){.p = t.p0}; /* no lanes */
		for (int l = 0; l < runs; l++) { /* the first two runs write the vector, others put in their lanes */
			const float *a = part + (run[l].p - t.p0) * t.down * t.row + run[l].q - run[l].a, *b = NULL;
			const vm m = vrange(run[l].a, run[l].b);
			if (l > 0) {
				for (int i = 0; i < n; i++) vstore_m(panel + i * GEMM_NR, m, vload_m(a + off[i], m));
				continue;
			}
			l++;
			b = part + (run[l].p - t.p0) * t.down * t.row + run[l].q - run[l].a;
			const vm o = vrange(run[l].a, run[l].b);
			if (run[l].a == run[l].b)
				for (int i = 0; i < n; i++) vstore(panel + i * GEMM_NR, vload_m(a + off[i], m));
			else
				for (int i = 0; i < n; i++)
					vstore(panel + i * GEMM_NR,
					        vsel(o, vload_m(b + off[i], o), vload_m(a + off[i], m)));
		}
	}
}

/* The same transposed: panels [output][GEMM_NR columns of crs], outputs [t0,t1) over all images, columns [j0,j1) of
 * the group whose first channel in image 0 is x. `tap` has room for R*S taps. */
static void conv_panels_across(
	const eg_conv_shape *s, const float *x, int t0, int t1, int j0, int j1, float *to, conv_tap *tap) {
	const int taps = s->R * s->S;
	const ptrdiff_t plane = (ptrdiff_t)s->H * s->W;
	for (int t = t0; t < t1; t += V) {
		const int count = gemm_min(t1 - t, V);
		conv_run run[V];
		conv_line line[V];
		int runs = conv_runs(s, t, count, run);
		for (int i = 0, lines = 0; i < taps; i++) {
			if (i % s->S == 0) lines = conv_lines(s, run, runs, i / s->S, line);
			conv_plan(s, line, lines, i % s->S, tap + i);
		}
		float *panel = to + (ptrdiff_t)(t - t0) * GEMM_NR;
		int at = j0 % taps;
		const float *channel = x + j0 / taps * plane;
		for (int j = j0, half = 0; j < j1 || half; j += V, half ^= 1) {
			vf v[V];
			for (int i = 0; i < V; i++) {
				v[i] = j + i < j1 ? conv_load(tap + at, channel, s->sw) : vzero();
				if (++at == taps) {
					at = 0;
					channel += plane;
				}
			}
			vtranspose(v);
			for (int i = 0; i < count; i++) vstore(panel + i * GEMM_NR + half * V, v[i]);
			if (half) panel += (ptrdiff_t)(t1 - t0) * GEMM_NR;
		}
	}
}

/* ---- forward, and the gradient of x at stride 1 ------------------------------------------------------------------ */

/* The gradient of x at stride 1 is itself a convolution, of dy: dx[h] = sum w[r] dy[h + ph - r*dh]. With dilation and
 * padding negated it takes the same code, and the taps need no reversal. Where x is much larger than y (full padding
 * of small pictures) most taps would read padding, and adding up dcol is cheaper. */
static bool conv_turns(const eg_conv_shape *s) {
	return s->sh == 1 && s->sw == 1 && (int64_t)s->H * s->W <= (int64_t)s->P * s->Q * 3 / 2;
}
static eg_conv_shape conv_turned(const eg_conv_shape *s) {
	eg_conv_shape t = *s;
	t.C = s->K, t.H = s->P, t.W = s->Q;
	t.K = s->C, t.P = s->H, t.Q = s->W;
	t.ph = -s->ph, t.pw = -s->pw, t.dh = -s->dh, t.dw = -s->dw;
	return t;
}

/* Units are column chunks of an image and group. Few images are cut finer, as long as a unit has some microseconds of
 * work. */
static int conv_chunks(const eg_conv_shape *s) {
	int panels = (s->P * s->Q + GEMM_NR - 1) / GEMM_NR, most = CONV_PANELS;
	const int64_t work = (int64_t)(s->K / s->G) * (s->C / s->G) * s->R * s->S *
	                     GEMM_NR; /* multiply-adds in a panel */
	while (most > 1 && work * most > CONV_WORK && (int64_t)s->N * s->G * ((panels + most - 1) / most) < 16)
		most = (most + 1) / 2;
	return (panels + most - 1) / most;
}

/* Floats of the packed panels of a unit, and of the part of x that they are taken from. */
static size_t conv_panel_floats(const eg_conv_shape *s) {
	int columns = gemm_up(gemm_min(s->P * s->Q, CONV_PANELS * GEMM_NR), GEMM_NR);
	return (size_t)gemm_longest(s->C / s->G * s->R * s->S) * (size_t)columns;
}
static size_t conv_part_floats(const eg_conv_shape *s) {
	int k = gemm_longest(s->C / s->G * s->R * s->S);
	int channels = gemm_min(s->C / s->G, k / (s->R * s->S) + 2);
	int span = gemm_min(s->P - 1, (CONV_PANELS * GEMM_NR + s->Q - 2) / s->Q);
	return (size_t)channels * (size_t)conv_part_of(s, 0, channels, 0, span).plane + V;
}

static void conv_unit(const eg_conv_shape *s, const eg_conv_fwd_args *f, bool acc, int u, float *panels) {
	const int chunks = conv_chunks(s), image = u / chunks / s->G, g = u / chunks % s->G, kg = s->K / s->G;
	const int crs = s->C / s->G * s->R * s->S, pq = s->P * s->Q, blocks = gemm_blocks(crs);
	const int tiles = (kg + GEMM_MR - 1) / GEMM_MR;
	const float *w = (const float *)f->w.p + (ptrdiff_t)g * kg * crs, *bias = f->b.p;
	const float *x = (const float *)f->x.p + ((ptrdiff_t)image * s->C + g * (s->C / s->G)) * s->H * s->W;
	float *y = (float *)f->y.p + ((ptrdiff_t)image * s->K + g * kg) * pq;
	int j0, j1;
	eg_split((pq + GEMM_NR - 1) / GEMM_NR, u % chunks, chunks, &j0, &j1);
	j0 *= GEMM_NR;
	j1 = gemm_min(j1 * GEMM_NR, pq);
	gemm_strip_args t = {.n = j1 - j0, .b = panels, .bs = GEMM_NR, .ldc = pq, .act = f->act};
	for (int p = 0; p < blocks; p++) {
		int k0, k1;
		eg_split(crs, p, blocks, &k0, &k1);
		conv_panels(s, x, k0, k1, j0, j1, panels, panels + conv_panel_floats(s));
		t.k = k1 - k0;
		t.bp = (ptrdiff_t)t.k * GEMM_NR;
		t.acc = acc || k0 > 0;
		t.finish = p == blocks - 1 && (bias || f->act.kind != EG_ACT_NONE);
		for (int i = 0; i < tiles; i++) {
			int from, to;
			eg_split(kg, i, tiles, &from, &to);
			t.m = to - from;
			t.as = t.m;
			t.a = w + (ptrdiff_t)from * crs + (ptrdiff_t)k0 * t.m;
			t.c = y + (ptrdiff_t)from * pq + j0;
			t.row = bias ? bias + g * kg + from : NULL;
			EG_NAME(gemm_strip)(&t);
		}
	}
}

void EG_NAME(conv_plain_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_fwd_args *f = args;
	for (int u = begin; u < end; u++) conv_unit(&f->s, f, false, u, worker->scratch);
}

/* ---- gradient of x ----------------------------------------------------------------------------------------------- */

/* Channels whose rows of dcol are formed together. */
static int conv_slices(const eg_conv_shape *s) {
	int taps = s->R * s->S, channels = taps < CONV_ROWS ? CONV_ROWS / taps : 1, cg = s->C / s->G;
	return (cg + channels - 1) / channels;
}

/* dx of one channel += row by row of its dcol (taps, j1 - j0), outputs [j0,j1). */
static void conv_scatter(const eg_conv_shape *s, const float *dcol, int ld, int j0, int j1, float *dx) {
	for (int r = 0; r < s->R; r++)
		for (int c = 0; c < s->S; c++, dcol += ld)
			for (int j = j0, next; j < j1; j = next) { /* outputs [j,next) lie in one row */
				int p = j / s->Q, q = j % s->Q, h = p * s->sh + r * s->dh - s->ph;
				next = gemm_min((p + 1) * s->Q, j1);
				if (h < 0 || h >= s->H) continue;
				float *row = dx + (ptrdiff_t)h * s->W;
				int w = q * s->sw + c * s->dw - s->pw, n = next - j, i = 0;
				if (w < 0) i = (s->sw - 1 - w) / s->sw;
				if (s->W - 1 - w < 0) continue;
				if ((s->W - 1 - w) / s->sw + 1 < n) n = (s->W - 1 - w) / s->sw + 1;
				for (; i < n; i++) row[w + i * s->sw] += dcol[j - j0 + i];
			}
}

/* Unit: image, group, slice of channels. */
static void conv_data_unit(const eg_conv_bwd_data_args *d, int u, float *panels) {
	const eg_conv_shape *s = &d->s;
	const int slices = conv_slices(s), image = u / slices / s->G, g = u / slices % s->G,
	          taps = s->R * s->S;
	const int kg = s->K / s->G, cg = s->C / s->G, pq = s->P * s->Q, blocks = gemm_blocks(kg);
	const ptrdiff_t plane = (ptrdiff_t)s->H * s->W;
	int c0, c1;
	eg_split(cg, u % slices, slices, &c0, &c1);
	const int rows = (c1 - c0) * taps, tiles = (rows + GEMM_MR - 1) / GEMM_MR;
	const float *w = (const float *)d->w.p + ((ptrdiff_t)g * cg + c0) * taps * kg;
	const float *dy = (const float *)d->dy.p + ((ptrdiff_t)image * s->K + g * kg) * pq;
	float *dx = (float *)d->dx.p + ((ptrdiff_t)image * s->C + g * cg + c0) * plane;
	float *dcol = panels + (ptrdiff_t)gemm_longest(kg) * CONV_COLUMNS;
	if (!d->acc) memset(dx, 0, (size_t)((c1 - c0) * plane) * sizeof *dx);
	for (int j0 = 0, j1; j0 < pq; j0 = j1) {
		j1 = gemm_min(j0 + CONV_COLUMNS, pq);
		gemm_strip_args t = {.n = j1 - j0, .b = panels, .bs = GEMM_NR, .ldc = CONV_COLUMNS};
		for (int p = 0; p < blocks; p++) {
			int k0, k1;
			eg_split(kg, p, blocks, &k0, &k1);
			EG_NAME(pack_panels)(dy, pq, false, k0, k1, j0, j1, panels);
			t.k = k1 - k0;
			t.bp = (ptrdiff_t)t.k * GEMM_NR;
			t.acc = k0 > 0;
			for (int i = 0; i < tiles; i++) {
				int from, to;
				eg_split(rows, i, tiles, &from, &to);
				t.m = to - from;
				t.as = t.m;
				t.a = w + (ptrdiff_t)from * kg + (ptrdiff_t)k0 * t.m;
				t.c = dcol + (ptrdiff_t)from * CONV_COLUMNS;
				EG_NAME(gemm_strip)(&t);
			}
		}
		for (int c = c0; c < c1; c++)
			conv_scatter(s, dcol + (ptrdiff_t)(c - c0) * taps * CONV_COLUMNS, CONV_COLUMNS, j0, j1,
			        dx + (c - c0) * plane);
	}
}

void EG_NAME(conv_plain_bwd_data)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_data_args *d = args;
	if (conv_turns(&d->s)) {
		const eg_conv_shape turned = conv_turned(&d->s);
		const eg_conv_fwd_args f = {.x = d->dy, .w = d->w, .y = d->dx, .act = eg_act_of(EG_ACT_NONE)};
		for (int u = begin; u < end; u++) conv_unit(&turned, &f, d->acc, u, worker->scratch);
	} else {
		for (int u = begin; u < end; u++) conv_data_unit(d, u, worker->scratch);
	}
}

/* ---- gradient of w ----------------------------------------------------------------------------------------------- */

/* Sums of dy over images and outputs for channels [k0,k1): one sum per image, these added in order. */
static void conv_bias(const eg_conv_bwd_weights_args *d, int k0, int k1) {
	const eg_conv_shape *s = &d->s;
	const int pq = s->P * s->Q;
	for (int k = k0; k < k1; k++) {
		vf sum = vzero();
		for (int n = 0; n < s->N; n++) {
			const float *dy = (const float *)d->dy.p + ((ptrdiff_t)n * s->K + k) * pq;
			vf part = vzero();
			int j = 0;
			for (; j + V <= pq; j += V) part = vadd(part, vload(dy + j));
			if (j < pq) part = vadd(part, vload_m(dy + j, vfirst(pq - j)));
			sum = vadd(sum, part);
		}
		float *db = (float *)d->db.p + k;
		*db = (d->acc ? *db : 0.0f) + vsum(sum);
	}
}

/* Columns of col^T that are packed at a time. */
static int conv_weights_columns(const eg_conv_shape *s) {
	return gemm_columns(s->C / s->G * s->R * s->S, s->N * s->P * s->Q);
}

/* Columns [j0,j1) of dW of group g. */
static void conv_weights_slab(const eg_conv_bwd_weights_args *d, int g, int j0, int j1, float *panels) {
	const eg_conv_shape *s = &d->s;
	const int kg = s->K / s->G, crs = s->C / s->G * s->R * s->S, pq = s->P * s->Q, all = s->N * pq;
	const int blocks = gemm_blocks(all), tiles = (kg + GEMM_MR - 1) / GEMM_MR;
	float *a = panels + (ptrdiff_t)gemm_longest(all) * conv_weights_columns(s);
	conv_tap *tap = (conv_tap *)(a + GEMM_KC * GEMM_MR + V);
	const float *x = (const float *)d->x.p + (ptrdiff_t)g * (s->C / s->G) * s->H * s->W;
	gemm_strip_args t = {.n = j1 - j0, .b = panels, .bs = GEMM_NR, .ldc = crs};
	for (int p = 0; p < blocks; p++) {
		int t0, t1, from, to;
		eg_split(all, p, blocks, &t0, &t1);
		conv_panels_across(s, x, t0, t1, j0, j1, panels, tap);
		t.k = t1 - t0;
		t.bp = (ptrdiff_t)t.k * GEMM_NR;
		t.acc = d->acc || t0 > 0;
		/* Panels of dy pay off for many columns, or where the rows would meet in the same cache sets. */
		const bool direct = j1 - j0 <= 6 * GEMM_NR && pq % 512 != 0 && t0 / pq == (t1 - 1) / pq;
		t.rows = direct;
		t.a = a;
		for (int i = 0; i < tiles; i++) {
			eg_split(kg, i, tiles, &from, &to);
			t.m = to - from;
			t.as = t.m;
			if (direct) {
				t.a = (const float *)d->dy.p + ((ptrdiff_t)(t0 / pq) * s->K + g * kg + from) * pq +
				      t0 % pq;
				t.as = pq;
			}
			for (int at = direct ? t1 : t0, next; at < t1;
			        at = next) { /* the block may hold several images */
				int n = at / pq;
				next = gemm_min((n + 1) * pq, t1);
				const float *dy = (const float *)d->dy.p + ((ptrdiff_t)n * s->K + g * kg + from) * pq +
				                  (at - n * pq);
				EG_NAME(pack_across)(t.m, next - at, dy, pq, a + (ptrdiff_t)(at - t0) * t.m, t.m);
			}
			t.c = (float *)d->dw.p + ((ptrdiff_t)g * kg + from) * crs + j0;
			EG_NAME(gemm_strip)(&t);
		}
	}
}

/* Units: panels of columns, group after group. Each unit also does its share of db. */
void EG_NAME(conv_plain_bwd_weights)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_weights_args *d = args;
	const eg_conv_shape *s = &d->s;
	const int crs = s->C / s->G * s->R * s->S, panels = (crs + GEMM_NR - 1) / GEMM_NR;
	const int columns = conv_weights_columns(s);
	if (d->db.p) {
		int from, to, none;
		eg_split(s->K, begin, s->G * panels, &from, &none);
		eg_split(s->K, end - 1, s->G * panels, &none, &to);
		conv_bias(d, from, to);
	}
	for (int u = begin, n; u < end; u += n) {
		int g = u / panels, j = u % panels * GEMM_NR, last;
		n = gemm_min(panels - u % panels, end - u);
		last = gemm_min(j + n * GEMM_NR, crs);
		for (; j < last; j += columns)
			conv_weights_slab(d, g, j, gemm_min(j + columns, last), worker->scratch);
	}
}

/* ---- weights, sizes ---------------------------------------------------------------------------------------------- */

void EG_NAME(conv_plain_pack)(const void *args, int begin, int end, const eg_worker *worker) {
	EG_UNUSED(begin), EG_UNUSED(end), EG_UNUSED(worker);
	const eg_conv_pack_args *c = args;
	const eg_conv_shape *s = &c->s;
	const int kg = s->K / s->G, cg = s->C / s->G, taps = s->R * s->S, crs = cg * taps;
	const bool fwd = c->dir == EG_CONV_FWD, turns = conv_turns(s);
	const int slices = fwd || turns ? 1 : conv_slices(s), length = fwd ? crs : turns ? kg * taps : kg;
	float *to = c->dst.p;
	for (int g = 0; g < s->G; g++)
		for (int slice = 0; slice < slices; slice++) {
			const float *w = (const float *)c->w.p + (ptrdiff_t)g * kg * crs;
			int c0, c1;
			eg_split(cg, slice, slices, &c0, &c1);
			int rows = fwd ? kg : turns ? cg : (c1 - c0) * taps, tiles = (rows + GEMM_MR - 1) / GEMM_MR;
			for (int i = 0; i < tiles; i++) {
				int from, next;
				eg_split(rows, i, tiles, &from, &next);
				int m = next - from;
				if (fwd)
					EG_NAME(pack_across)(m, crs, w + (ptrdiff_t)from * crs, crs, to, m);
				else if (!turns || taps == 1)
					EG_NAME(pack_along)(m, kg, w + (ptrdiff_t)c0 * taps + from, crs, to, m);
				else
					for (int k = 0; k < kg; k++)
						EG_NAME(pack_across)(m, taps, w + (ptrdiff_t)k * crs + (ptrdiff_t)from * taps, taps,
						        to + (ptrdiff_t)k * taps * m, m);
				to += (ptrdiff_t)m * length;
			}
		}
}
size_t EG_NAME(conv_plain_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return ((size_t)s->K * (size_t)(s->C / s->G) * (size_t)(s->R * s->S) + V) * sizeof(float);
}

int EG_NAME(conv_plain_units)(const eg_conv_shape *s, eg_conv_dir dir) {
	if (dir == EG_CONV_FWD) return s->N * s->G * conv_chunks(s);
	if (dir == EG_CONV_BWD_WEIGHTS) return s->G * ((s->C / s->G * s->R * s->S + GEMM_NR - 1) / GEMM_NR);
	if (!conv_turns(s)) return s->N * s->G * conv_slices(s);
	const eg_conv_shape turned = conv_turned(s);
	return s->N * s->G * conv_chunks(&turned);
}

size_t EG_NAME(conv_plain_scratch)(const eg_conv_shape *s, eg_conv_dir dir) {
	const int taps = s->R * s->S, cg = s->C / s->G, kg = s->K / s->G, slices = conv_slices(s);
	const bool turns = conv_turns(s);
	if (dir == EG_CONV_BWD_WEIGHTS) {
		size_t panels = (size_t)gemm_longest(s->N * s->P * s->Q) *
		                (size_t)conv_weights_columns(s);
		return (panels + GEMM_KC * GEMM_MR + V) * sizeof(float) + (size_t)taps * sizeof(conv_tap);
	}
	if (dir == EG_CONV_BWD_DATA && !turns)
		return ((size_t)gemm_longest(kg) + (size_t)((cg + slices - 1) / slices * taps)) *
		       CONV_COLUMNS * sizeof(float);
	const eg_conv_shape t = dir == EG_CONV_FWD ? *s : conv_turned(s);
	return (conv_panel_floats(&t) + conv_part_floats(&t)) * sizeof(float);
}

/* The share of n in whole tiles. */
static double conv_filled(int n, int tile) { return n / (double)gemm_up(n, tile); }

/* Rows of the product are filters, for the gradient of x channels, or pairs of channel and tap (body_conv_plain.c);
 * what is multiplied is copied into the order of a matrix first; each result costs something besides, which tells where
 * the sums are short. */
double EG_NAME(conv_plain_cost)(const eg_conv_shape *s, eg_conv_dir dir) {
	static const double share[EG_CONV_BWD_WEIGHTS + 1] = {0.65, 0.5, 0.5};
	const int C = s->C / s->G, K = s->K / s->G, taps = s->R * s->S;
	const bool per_tap = dir == EG_CONV_BWD_DATA && !conv_turns(s);
	double filled = conv_filled(dir != EG_CONV_BWD_DATA ? K : per_tap ? C * taps : C, GEMM_MR);
	if (dir == EG_CONV_BWD_WEIGHTS) filled *= conv_filled(C * taps, GEMM_NR);
	double copied = (double)s->N * s->P * s->Q * s->C * taps, results = (double)s->N * s->P * s->Q * s->K;
	/* a convolution of dy */
	if (dir == EG_CONV_BWD_DATA && !per_tap) copied = (double)s->N * s->H * s->W * s->K * taps;
	return conv_macs(s) / (COST_PEAK * share[dir] * filled) + copied / (V * 0.5) + results * 0.5;
}

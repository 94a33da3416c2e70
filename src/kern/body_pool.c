/* body_pool.c - maximum and average pooling, LANES and PLAIN.
 *
 * A vector is V outputs: in LANES V pictures of one position, in PLAIN V neighbouring positions of a row whose
 * windows have the same taps inside of the picture. One body serves both; what differs is how V inputs are fetched
 * (side by side, or every sw-th) and how gradients go back. PLAIN positions at the border, and the ends of rows, go
 * one at a time.
 *
 * Not here: threads, layouts with channels in lanes. */
#include "kern/kern_pool.h"
#include "kern/simd.h"

#include <math.h>
#include <string.h>

/* ---- windows ----------------------------------------------------------------------------------------------------- */

/* A window that begins at row h, column w: taps [r0,r1) x [s0,s1) lie inside of the picture. */
typedef struct pool_window {
	int h, w, r0, r1, s0, s1;
	float scale; /* 1 / divisor, averages only */
} pool_window;

static void pool_clip(int start, int dilation, int taps, int in, int *first, int *end) {
	*first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
	*end = start >= in ? 0 : (in - 1 - start) / dilation + 1;
	if (*end > taps) *end = taps;
	if (*first > *end) *first = *end;
}

static pool_window pool_window_at(const eg_pool_shape *s, int p, int q) {
	pool_window v = {.h = p * s->sh - s->ph, .w = q * s->sw - s->pw};
	pool_clip(v.h, s->dh, s->R, s->H, &v.r0, &v.r1);
	pool_clip(v.w, s->dw, s->S, s->W, &v.s0, &v.s1);
	int rows = v.r1 - v.r0, cols = v.s1 - v.s0, unused;
	if (s->count_include_pad) { /* taps before the end of the padding; none begin before its beginning */
		pool_clip(v.h + s->ph, s->dh, s->R, s->ph + s->H + s->pad_end_h, &unused, &rows);
		pool_clip(v.w + s->pw, s->dw, s->S, s->pw + s->W + s->pad_end_w, &unused, &cols);
	}
	v.scale = 1.0f / (float)(rows * cols);
	return v;
}

/* Pictures [H][W] one after another in block b, and floats in one pixel of theirs. */
static int pool_planes(const eg_pool_shape *s, int b) {
	return s->lanes ? s->C : s->C * eg_block_size(s->N, b);
}
static int pool_width(const eg_pool_shape *s) { return s->lanes ? EG_BLOCK : 1; }

/* Columns [*q0,*q1) whose windows lie inside of the picture, with one column more to the right: vload_even reads it. */
static void pool_columns(const eg_pool_shape *s, int *q0, int *q1) {
	int reach = (s->S - 1) * s->dw + s->sw - 1;
	*q0 = (s->pw + s->sw - 1) / s->sw;
	*q1 = s->W + s->pw > reach ? (s->W + s->pw - reach - 1) / s->sw + 1 : 0;
	if (*q1 > s->Q) *q1 = s->Q;
	if (*q0 > *q1) *q0 = *q1;
}

/* Is every element of x in exactly one window, and every window whole? Then gradients are stored, not added. */
static bool pool_tiles(const eg_pool_shape *s) {
	return s->R == s->sh && s->S == s->sw && s->dh == 1 && s->dw == 1 && s->ph == 0 && s->pw == 0 &&
	       s->P * s->sh == s->H && s->Q * s->sw == s->W;
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* V outputs, V inputs from p on: neighbours, or every second (`even`). */
EG_ALWAYS_INLINE vf pool_load(const float *p, bool even) { return even ? vload_even(p) : vload(p); }

EG_ALWAYS_INLINE void maxpool_v(
	const eg_pool_shape *s, const pool_window *v, const float *x, int L, bool even, float *y, uint16_t *index) {
	x += ((ptrdiff_t)(v->h + v->r0 * s->dh) * s->W + v->w + v->s0 * s->dw) * L;
	vf best = pool_load(x, even);
	vidx where = vidx_set1(v->r0 * s->S + v->s0);
	for (int r = v->r0; r < v->r1; r++, x += (ptrdiff_t)s->dh * s->W * L) {
		const float *e = x;
		for (int t = v->s0; t < v->s1; t++, e += s->dw * L) {
			vf in = pool_load(e, even);
			vm m = vwins(in, best);
			best = vsel(m, in, best);
			where = vidx_sel(m, vidx_set1(r * s->S + t), where);
		}
	}
	vstore(y, best);
	if (index) vidx_store(index, where);
}

EG_ALWAYS_INLINE void avgpool_v(
	const eg_pool_shape *s, const pool_window *v, const float *x, int L, bool even, float *y) {
	vf sum = vzero();
	for (int r = v->r0; r < v->r1; r++) {
		const float *e = x + ((ptrdiff_t)(v->h + r * s->dh) * s->W + v->w + v->s0 * s->dw) * L;
		for (int t = v->s0; t < v->s1; t++, e += s->dw * L) sum = vadd(sum, pool_load(e, even));
	}
	vstore(y, vmul(sum, vset1(v->scale)));
}

/* One output; y[0], and index[0] unless NULL. */
static void maxpool_1(
	const eg_pool_shape *s, const pool_window *v, const float *x, float *y, uint16_t *index) {
	int where = v->r0 * s->S + v->s0;
	float best = x[(ptrdiff_t)(v->h + v->r0 * s->dh) * s->W + v->w + v->s0 * s->dw];
	for (int r = v->r0; r < v->r1; r++)
		for (int t = v->s0; t < v->s1; t++) {
			float e = x[(ptrdiff_t)(v->h + r * s->dh) * s->W + v->w + t * s->dw];
			if (!(e > best || (isnan(e) && !isnan(best)))) continue;
			best = e;
			where = r * s->S + t;
		}
	*y = best;
	if (index) *index = (uint16_t)where;
}

static void avgpool_1(const eg_pool_shape *s, const pool_window *v, const float *x, float *y) {
	float sum = 0;
	for (int r = v->r0; r < v->r1; r++)
		for (int t = v->s0; t < v->s1; t++) sum += x[(ptrdiff_t)(v->h + r * s->dh) * s->W + v->w + t * s->dw];
	*y = sum * v->scale;
}

/* One row of outputs, either kind. y and index point at the row, x at the picture. */
EG_ALWAYS_INLINE void pool_row(
	const eg_pool_shape *s, int p, const float *x, float *y, uint16_t *index, bool max) {
	int q0 = 0, q1 = 0;
	bool even = s->sw == 2;
	if (!s->lanes && s->sw <= 2) pool_columns(s, &q0, &q1);
	for (int q = 0; q < s->Q; q++) {
		pool_window v = pool_window_at(s, p, q);
		uint16_t *i = index ? index + (ptrdiff_t)q * (s->lanes ? EG_BLOCK : 1) : NULL;
		if (s->lanes)
			for (int h = 0; h < EG_BLOCK; h += V)
				if (max) maxpool_v(s, &v, x + h, EG_BLOCK, false, y + q * EG_BLOCK + h, i ? i + h : NULL);
		else avgpool_v(s, &v, x + h, EG_BLOCK, false, y + q * EG_BLOCK + h);
		else if (q >= q0 && q + V <= q1) {
			if (max)
				maxpool_v(s, &v, x, 1, even, y + q, i);
			else
				avgpool_v(s, &v, x, 1, even, y + q);
			q += V - 1;
		}
		else if (max) maxpool_1(s, &v, x, y + q, i);
		else avgpool_1(s, &v, x, y + q);
	}
}

/* The common case: LANES, windows 2x2 side by side inside of the picture. One row of outputs. */
EG_ALWAYS_INLINE void pool_row_2x2(
	const eg_pool_shape *s, int p, const float *x, float *y, uint16_t *index, bool max) {
	const float *top = x + (ptrdiff_t)2 * p * s->W * EG_BLOCK, *bottom = top + (ptrdiff_t)s->W * EG_BLOCK;
	const vidx i1 = vidx_set1(1), i2 = vidx_set1(2), i3 = vidx_set1(3);
	for (int i = 0; i < s->Q * EG_BLOCK; i += V) {
		int at = i / EG_BLOCK * 2 * EG_BLOCK + i % EG_BLOCK;
		vf a = vload(top + at), b = vload(top + at + EG_BLOCK), c = vload(bottom + at),
		   d = vload(bottom + at + EG_BLOCK);
		if (!max) {
			vstore(y + i, vmul(vadd(vadd(a, b), vadd(c, d)), vset1(0.25f)));
			continue;
		}
		vm ab = vwins(b, a), cd = vwins(d, c);
		a = vsel(ab, b, a);
		c = vsel(cd, d, c);
		vm low = vwins(c, a);
		vstore(y + i, vsel(low, c, a));
		if (index) vidx_store(index + i, vidx_sel(low, vidx_sel(cd, i3, i2), vidx_sel(ab, i1, vidx_set1(0))));
	}
}

/* The same in PLAIN: V windows side by side; the last ones of a row are gathered, so that nothing behind it is read. */
EG_ALWAYS_INLINE void pool_row_2x2_plain(
	const eg_pool_shape *s, int p, const float *x, float *y, uint16_t *index, bool max) {
	const float *top = x + (ptrdiff_t)2 * p * s->W, *bottom = top + s->W;
	const vidx i1 = vidx_set1(1), i2 = vidx_set1(2), i3 = vidx_set1(3);
	for (int q = 0; q < s->Q; q += V) {
		const int n = s->Q - q < V ? s->Q - q : V;
		const bool direct = 2 * (q + V) < s->W;
		const float *t = top + 2 * q, *u = bottom + 2 * q;
		vm m = vfirst(n);
		vf a = direct ? vload_even(t) : vgather_m(t, 2, m), b = direct ? vload_even(t + 1) : vgather_m(t + 1, 2, m);
		vf c = direct ? vload_even(u) : vgather_m(u, 2, m), d = direct ? vload_even(u + 1) : vgather_m(u + 1, 2, m);
		if (!max) {
			vstore_n(y + q, n, vmul(vadd(vadd(a, b), vadd(c, d)), vset1(0.25f)));
			continue;
		}
		vm ab = vwins(b, a), cd = vwins(d, c);
		a = vsel(ab, b, a);
		c = vsel(cd, d, c);
		vm low = vwins(c, a);
		vstore_n(y + q, n, vsel(low, c, a));
		if (!index) continue;
		uint16_t where[V];
		vidx_store(where, vidx_sel(low, vidx_sel(cd, i3, i2), vidx_sel(ab, i1, vidx_set1(0))));
		memcpy(index + q, where, (size_t)n * sizeof *where);
	}
}

/* Whole 2x2 windows side by side. */
static bool pool_is_2x2(const eg_pool_shape *s) {
	return s->R == 2 && s->S == 2 && s->sh == 2 && s->sw == 2 && s->dh == 1 && s->dw == 1 && s->ph == 0 &&
	       s->pw == 0 && 2 * s->P <= s->H && 2 * s->Q <= s->W;
}

/* Forward of one block. */
EG_ALWAYS_INLINE void pool_fwd(
	const eg_pool_shape *s, int b, const float *x, float *y, uint16_t *index, bool max) {
	ptrdiff_t L = pool_width(s), size = (ptrdiff_t)s->H * s->W * L, row = s->Q * L;
	bool fast = pool_is_2x2(s);
	for (int c = pool_planes(s, b); c > 0; c--, x += size)
		for (int p = 0; p < s->P; p++, y += row) {
			if (fast && s->lanes)
				pool_row_2x2(s, p, x, y, index, max);
			else if (fast)
				pool_row_2x2_plain(s, p, x, y, index, max);
			else
				pool_row(s, p, x, y, index, max);
			if (index) index += row;
		}
}

void EG_NAME(maxpool_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_maxpool_fwd_args *a = args;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) {
		uint16_t *index = a->index.p ? (uint16_t *)a->index.p + b * a->index.stride : NULL;
		pool_fwd(&a->s, b, eg_at(a->x, b), eg_at(a->y, b), index, true);
	}
}

void EG_NAME(avgpool_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_avgpool_fwd_args *a = args;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) pool_fwd(&a->s, b, eg_at(a->x, b), eg_at(a->y, b), NULL, false);
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* One window of V pictures: the gradient goes to the winner (index given) or in equal parts to all. */
EG_ALWAYS_INLINE void pool_spread_v(
	const eg_pool_shape *s, const pool_window *v, const float *dy, const uint16_t *index, float *dx, bool add) {
	vf g = vload(dy);
	vidx where = index ? vidx_load(index) : vidx_set1(0);
	if (!index) g = vmul(g, vset1(v->scale));
	for (int r = v->r0; r < v->r1; r++)
		for (int t = v->s0; t < v->s1; t++) {
			float *e = dx + ((ptrdiff_t)(v->h + r * s->dh) * s->W + v->w + t * s->dw) * EG_BLOCK;
			vf part = index ? vkeep(vidx_eq(where, vidx_set1(r * s->S + t)), g) : g;
			vstore(e, add ? vadd(vload(e), part) : part);
		}
}

/* p[0..2V) = [p +] a[0], b[0], a[1], b[1], ... */
EG_ALWAYS_INLINE void pool_zip(float *p, vf a, vf b, bool acc) {
	vf low, high;
	vzip(a, b, &low, &high);
	vstore(p, acc ? vadd(low, vload(p)) : low);
	vstore(p + V, acc ? vadd(high, vload(p + V)) : high);
}

/* V windows of one row of the PLAIN layout, 2 wide and 2 high. */
EG_ALWAYS_INLINE void pool_spread_2x2(
	const float *dy, const uint16_t *index, float *top, float *bottom, bool add) {
	vf g = vload(dy);
	if (!index) {
		g = vmul(g, vset1(0.25f));
		pool_zip(top, g, g, add);
		pool_zip(bottom, g, g, add);
		return;
	}
	vidx i = vidx_load(index);
	pool_zip(top, vkeep(vidx_eq(i, vidx_set1(0)), g), vkeep(vidx_eq(i, vidx_set1(1)), g), add);
	pool_zip(bottom, vkeep(vidx_eq(i, vidx_set1(2)), g), vkeep(vidx_eq(i, vidx_set1(3)), g), add);
}

/* One window of the PLAIN layout. The winner's place says where a gradient goes, whatever the window is clipped to. */
static void pool_to_winner(const eg_pool_shape *s, int p, int q, float dy, int winner, float *dx) {
	const int h = p * s->sh - s->ph + winner / s->S * s->dh, w = q * s->sw - s->pw + winner % s->S * s->dw;
	dx[(ptrdiff_t)h * s->W + w] += dy;
}
static void pool_to_all(const eg_pool_shape *s, const pool_window *v, float dy, float *dx) {
	for (int r = v->r0; r < v->r1; r++)
		for (int t = v->s0; t < v->s1; t++)
			dx[(ptrdiff_t)(v->h + r * s->dh) * s->W + v->w + t * s->dw] += dy * v->scale;
}

/* One row of windows; dy and index point at the row, dx at the picture. */
EG_ALWAYS_INLINE void pool_row_bwd(
	const eg_pool_shape *s, int p, const float *dy, const uint16_t *index, float *dx, bool add) {
	bool pairs = s->R == 2 && s->S == 2 && pool_tiles(s);
	for (int q = 0; q < s->Q; q++) {
		if (!s->lanes && pairs && q + V <= s->Q) {
			float *top = dx + (ptrdiff_t)2 * p * s->W + 2 * q;
			pool_spread_2x2(dy + q, index ? index + q : NULL, top, top + s->W, add);
			q += V - 1;
			continue;
		}
		if (!s->lanes && index) {
			pool_to_winner(s, p, q, dy[q], index[q], dx);
			continue;
		}
		pool_window v = pool_window_at(s, p, q);
		if (!s->lanes) {
			pool_to_all(s, &v, dy[q], dx);
			continue;
		}
		for (int i = q * EG_BLOCK; i < (q + 1) * EG_BLOCK; i += V)
			pool_spread_v(s, &v, dy + i, index ? index + i : NULL, dx + i % EG_BLOCK, add);
	}
}

/* The same for LANES and windows as in pool_row_2x2. */
EG_ALWAYS_INLINE void pool_row_2x2_bwd(
	const eg_pool_shape *s, int p, const float *dy, const uint16_t *index, float *dx, bool add) {
	float *to[2] = {dx + (ptrdiff_t)2 * p * s->W * EG_BLOCK, dx + (ptrdiff_t)(2 * p + 1) * s->W * EG_BLOCK};
	for (int r = 0; r < 2; r++) /* row by row: one stream of stores at a time */
		for (int i = 0; i < s->Q * EG_BLOCK; i += V) {
			float *e = to[r] + i / EG_BLOCK * 2 * EG_BLOCK + i % EG_BLOCK;
			vf g = vload(dy + i), a = vmul(g, vset1(0.25f)), b = a;
			if (index) {
				vidx where = vidx_load(index + i);
				a = vkeep(vidx_eq(where, vidx_set1(2 * r)), g);
				b = vkeep(vidx_eq(where, vidx_set1(2 * r + 1)), g);
			}
			vstore(e, add ? vadd(a, vload(e)) : a);
			vstore(e + EG_BLOCK, add ? vadd(b, vload(e + EG_BLOCK)) : b);
		}
}

/* Backward of one block. Windows that tile the picture write every element of dx once; others add into zeros. */
EG_ALWAYS_INLINE void pool_bwd(
	const eg_pool_shape *s, int b, const float *dy, const uint16_t *index, float *dx, bool acc) {
	ptrdiff_t L = pool_width(s), size = (ptrdiff_t)s->H * s->W * L, row = s->Q * L;
	int planes = pool_planes(s, b);
	bool store = !acc && s->lanes && pool_tiles(s), fast = s->lanes && pool_is_2x2(s);
	if (!acc && !store) memset(dx, 0, (size_t)planes * (size_t)size * sizeof(float));
	for (int c = 0; c < planes; c++, dx += size)
		for (int p = 0; p < s->P; p++, dy += row) {
			if (!fast)
				pool_row_bwd(s, p, dy, index, dx, !store);
			else if (store)
				pool_row_2x2_bwd(s, p, dy, index, dx, false);
			else
				pool_row_2x2_bwd(s, p, dy, index, dx, true);
			if (index) index += row;
		}
}

void EG_NAME(maxpool_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_maxpool_bwd_args *a = args;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) {
		const uint16_t *index = (const uint16_t *)a->index.p + b * a->index.stride;
		pool_bwd(&a->s, b, eg_at(a->dy, b), index, eg_at(a->dx, b), a->acc);
	}
}

void EG_NAME(avgpool_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_avgpool_bwd_args *a = args;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) pool_bwd(&a->s, b, eg_at(a->dy, b), NULL, eg_at(a->dx, b), a->acc);
}

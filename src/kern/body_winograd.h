/* body_winograd.h - the transforms of Winograd's minimal filtering (Winograd 1980; Lavin and Gray 2016), of one tile
 * with V channels in lanes.
 *
 * F(m x m, 3 x 3) computes an m x m tile of results from an a x a tile of the picture, a = m + 2, as
 *
 *     Y = A^T [(G g G^T) o (B^T d B)] A             and, by transposition,            dg = G^T [(A dY A^T) o (B^T d B)]
 *     G
 *
 * with a*a multiplications instead of 9 m m. Row i of the matrices belongs to a point: the polynomials that filter and
 * tile stand for are multiplied by their values there (Toom and Cook). F(2x2): 0, 1, -1, infinity. F(4x4): 0, h, -h,
 * 1/h, -1/h, infinity with h = 1/sqrt 2. Points that are each other's inverses keep A's largest power at 2.83 instead
 * of the usual 8 (points 1 and 2), and B^T and G as small, for the same number of operations.
 *
 *     B^T = 1    0   -2.5   0    1   0       A^T = 1   1    1    1    1    0         G =  1     0      0
 *           0   -1/h -2     h    1   0             0   h   -h   1/h -1/h   0             -2/3 -2h/3  -1/3
 *           0    1/h -2    -h    1   0             0  1/2  1/2   2    2    0             -2/3  2h/3  -1/3
 *           0   -h   -1/2  1/h   1   0             0  h/2 -h/2  2/h -2/h   1              1/6  1/6h   1/3
 *           0    h   -1/2 -1/h   1   0                                                    1/6 -1/6h   1/3
 *           0    1    0   -2.5   0   1                                                     0     0     1
 *
 * The products, which are nearly all of the work, and the walk over the picture are body_conv_winograd.c's. */
#ifndef ENGRAM_BODY_WINOGRAD_H
#define ENGRAM_BODY_WINOGRAD_H

#include "kern/body_act.h"

enum {
	WINO_MAX_M = 4,                  /* results of the larger tile, one way */
	WINO_MAX_A = WINO_MAX_M + 2,
	WINO_LANES = EG_BLOCK            /* channels side by side in BLOCKED tensors, and in the strips cut from PLAIN
	                                  * ones */
};

#define WINO_H 0.70710678118654752440f

/* ---- one dimension: m is 2 or 4, and a constant ------------------------------------------------------------------ */

/* B^T d, in place. */
EG_ALWAYS_INLINE void wino_bt(const int m, vf *d) {
	if (m == 2) {
		vf d1 = d[1], d2 = d[2];
		d[0] = vsub(d2, d[0]), d[1] = vadd(d2, d1), d[2] = vsub(d2, d1), d[3] = vsub(d[3], d1);
		return;
	}
	vf h = vset1(WINO_H), g = vset1(2 * WINO_H), half = vset1(0.5f), two = vset1(2), c = vset1(2.5f);
	vf e = vfnma(two, d[2], d[4]), o = vfnma(two, d[1], d[3]), p = vfnma(half, d[2], d[4]), q = vfnma(half, d[1], d[3]);
	d[0] = vfnma(c, d[2], vadd(d[0], d[4])), d[5] = vfnma(c, d[3], vadd(d[1], d[5]));
	d[1] = vfma(h, o, e), d[2] = vfnma(h, o, e), d[3] = vfma(g, q, p), d[4] = vfnma(g, q, p);
}

/* y = A^T v. */
EG_ALWAYS_INLINE void wino_at(const int m, const vf *v, vf *y) {
	vf s = vadd(v[1], v[2]), t = vsub(v[1], v[2]);
	if (m == 2) {
		y[0] = vadd(v[0], s), y[1] = vadd(t, v[3]);
		return;
	}
	vf h = vset1(WINO_H), half = vset1(0.5f), two = vset1(2), u = vadd(v[3], v[4]), w = vsub(v[3], v[4]);
	t = vmul(h, t), w = vmul(vadd(h, h), w);
	y[0] = vadd(vadd(v[0], s), u), y[1] = vadd(t, w), y[2] = vfma(two, u, vmul(half, s)), y[3] = vfma(two, w, vfma(half, t, v[5]));
}

/* v = A y. */
EG_ALWAYS_INLINE void wino_a(const int m, const vf *y, vf *v) {
	v[0] = y[0];
	if (m == 2) {
		v[1] = vadd(y[0], y[1]), v[2] = vsub(y[0], y[1]), v[3] = y[1];
		return;
	}
	vf h = vset1(WINO_H), g = vset1(2 * WINO_H), half = vset1(0.5f), two = vset1(2);
	vf e = vfma(half, y[2], y[0]), o = vfma(half, y[3], y[1]), p = vfma(two, y[2], y[0]), q = vfma(two, y[3], y[1]);
	v[1] = vfma(h, o, e), v[2] = vfnma(h, o, e), v[3] = vfma(g, q, p), v[4] = vfnma(g, q, p), v[5] = y[3];
}

/* v = G w. */
EG_ALWAYS_INLINE void wino_g(const int m, const vf *w, vf *v) {
	vf half = vset1(0.5f);
	if (m == 2) {
		vf e = vmul(half, vadd(w[0], w[2])), o = vmul(half, w[1]);
		v[0] = vsub(vzero(), w[0]), v[1] = vadd(e, o), v[2] = vsub(e, o), v[3] = w[2];
		return;
	}
	vf a = vset1(-2.0f / 3), b = vset1(1.0f / 6), ha = vset1(-2.0f / 3 * WINO_H), gb = vset1(1.0f / 3 * WINO_H);
	vf e = vmul(a, vfma(half, w[2], w[0])), o = vmul(ha, w[1]), p = vmul(b, vfma(vset1(2), w[2], w[0])), q = vmul(gb, w[1]);
	v[0] = w[0], v[1] = vadd(e, o), v[2] = vsub(e, o), v[3] = vadd(p, q), v[4] = vsub(p, q), v[5] = w[2];
}

/* w = G^T v. */
EG_ALWAYS_INLINE void wino_gt(const int m, const vf *v, vf *w) {
	vf half = vset1(0.5f), s = vadd(v[1], v[2]), t = vsub(v[1], v[2]);
	if (m == 2) {
		s = vmul(half, s);
		w[0] = vsub(s, v[0]), w[1] = vmul(half, t), w[2] = vadd(s, v[3]);
		return;
	}
	vf ha = vset1(-2.0f / 3 * WINO_H), gb = vset1(1.0f / 3 * WINO_H), u = vmul(vset1(1.0f / 6), vadd(v[3], v[4]));
	s = vmul(vset1(-2.0f / 3), s);
	w[0] = vadd(v[0], vadd(s, u)), w[1] = vfma(gb, vsub(v[3], v[4]), vmul(ha, t)), w[2] = vadd(v[5], vfma(half, s, vmul(vset1(2), u)));
}

/* ---- two dimensions ---------------------------------------------------------------------------------------------- */

/* How a tile is transformed: that of a picture, or that of a gradient of results, which is smaller. */
typedef enum wino_kind { WINO_PICTURE, WINO_GRADIENT } wino_kind;

/* B^T d, or A y. */
EG_ALWAYS_INLINE void wino_line(const int m, const wino_kind kind, const vf *from, vf *to) {
	if (kind == WINO_GRADIENT) {
		wino_a(m, from, to);
		return;
	}
	EG_UNROLL for (int i = 0; i < m + 2; i++) to[i] = from[i];
	wino_bt(m, to);
}

/* The first half of B^T d B or A y A^T for V channels of tiles side by side: `cols` columns, each from the places
 * j*width behind the pointers `row`, and a values to `to`. Columns outside of [first, end) are zero. What overlapping
 * tiles share is computed once. What lies `ahead` is fetched, unless that is zero. Gradients are added up in sum, which
 * may be absent. */
EG_ALWAYS_INLINE void wino_columns(const int m, const wino_kind kind, const float *const *row, ptrdiff_t width, int first, int end,
	int cols, ptrdiff_t ahead, float *to, float *sum) {
	const int a = m + 2, side = kind == WINO_PICTURE ? a : m;
	vf s = vzero();
	for (int j = 0; j < cols; j++, to += a * V) {
		vf from[WINO_MAX_A], c[WINO_MAX_A];
		if (j < first || j >= end) {
			EG_UNROLL for (int i = 0; i < a; i++) vstore(to + i * V, vzero());
			continue;
		}
		EG_UNROLL for (int i = 0; i < side; i++) from[i] = vload(row[i] + j * width);
		if (ahead) {
			EG_UNROLL for (int i = side - m; i < side; i++) __builtin_prefetch(row[i] + j * width + ahead);
		}
		wino_line(m, kind, from, c);
		EG_UNROLL for (int i = 0; i < a; i++) vstore(to + i * V, c[i]);
		if (kind == WINO_GRADIENT && sum) {
			EG_UNROLL for (int i = 0; i < side; i++) s = vadd(s, from[i]);
		}
	}
	if (kind == WINO_GRADIENT && sum) vstore(sum, vadd(vload(sum), s));
}

/* The second half: of the tile whose columns begin at `from`, result (i, j) to u + (i*a + j)*plane. */
EG_ALWAYS_INLINE void wino_rows(const int m, const wino_kind kind, const float *from, float *u, ptrdiff_t plane) {
	const int a = m + 2, side = kind == WINO_PICTURE ? a : m;
	for (int i = 0; i < a; i++, from += V, u += a * plane) {
		vf d[WINO_MAX_A], c[WINO_MAX_A];
		EG_UNROLL for (int j = 0; j < side; j++) d[j] = vload(from + j * a * V);
		wino_line(m, kind, d, c);
		EG_UNROLL for (int j = 0; j < a; j++) vstore(u + j * plane, c[j]);
	}
}

/* What follows the products of a tile. */
typedef struct wino_finish {
	const float *bias; /* of all channels, or NULL */
	eg_act act;
	bool acc;
} wino_finish;

/* A^T v A for V channels, v as u above; bias and activation; result (i, j) to y + i*row + j*WINO_LANES for i < rows and
 * j < cols. The places of the next row of tiles, `ahead` behind, are fetched, unless that is zero. */
EG_ALWAYS_INLINE void wino_tile_out_as(const int m, const float *v, ptrdiff_t plane, vf bias, const wino_finish *f, float *y,
	ptrdiff_t row, ptrdiff_t ahead, int rows, const int cols) {
	const int a = m + 2;
	const vf least = vset1(act_least(f->act));
	vf t[WINO_MAX_M][WINO_MAX_A];
	for (int j = 0; j < a; j++, v += plane) {
		vf c[WINO_MAX_A], r[WINO_MAX_M];
		EG_UNROLL for (int i = 0; i < a; i++) c[i] = vload(v + i * a * plane);
		wino_at(m, c, r);
		EG_UNROLL for (int i = 0; i < m; i++) t[i][j] = r[i];
	}
	for (int i = 0; i < rows; i++, y += row) {
		vf r[WINO_MAX_M];
		wino_at(m, t[i], r);
		EG_UNROLL for (int j = 0; j < m; j++) r[j] = vadd(r[j], bias);
		if (f->acc) {
			EG_UNROLL for (int j = 0; j < m; j++) {
				if (j >= cols) break;
				r[j] = vadd(vload(y + j * WINO_LANES), r[j]);
			}
		}
		if (act_remains(f->act))
			for (int j = 0; j < m; j++) r[j] = EG_NAME(act_any)(r[j], f->act);
		EG_UNROLL for (int j = 0; j < m; j++) {
			if (j >= cols) break;
			if (ahead) __builtin_prefetch(y + j * WINO_LANES + ahead, 1);
			vstore(y + j * WINO_LANES, vmax(least, r[j])); /* this order lets NaN through */
		}
	}
}
EG_ALWAYS_INLINE void wino_tile_out(const int m, const float *v, ptrdiff_t plane, vf bias, const wino_finish *f, float *y,
	ptrdiff_t row, ptrdiff_t ahead, int rows, int cols) {
	if (rows == m && cols == m)
		wino_tile_out_as(m, v, plane, bias, f, y, row, ahead, m, m);
	else
		wino_tile_out_as(m, v, plane, bias, f, y, row, ahead, rows, cols);
}

/* G w G^T of V filters: w[i*3 + j] to v + (i*a + j)*plane. */
EG_ALWAYS_INLINE void wino_tile_filter(const int m, const vf *w, float *v, ptrdiff_t plane) {
	const int a = m + 2;
	vf t[WINO_MAX_A][3];
	for (int j = 0; j < 3; j++) {
		vf c[3] = {w[j], w[3 + j], w[6 + j]}, r[WINO_MAX_A];
		wino_g(m, c, r);
		EG_UNROLL for (int i = 0; i < a; i++) t[i][j] = r[i];
	}
	for (int i = 0; i < a; i++, v += a * plane) {
		vf r[WINO_MAX_A];
		wino_g(m, t[i], r);
		EG_UNROLL for (int j = 0; j < a; j++) vstore(v + j * plane, r[j]);
	}
}

/* G^T v G for V channels, v as u above: w[i*3 + j]. */
EG_ALWAYS_INLINE void wino_tile_dw(const int m, const float *v, ptrdiff_t plane, vf *w) {
	const int a = m + 2;
	vf t[3][WINO_MAX_A];
	for (int j = 0; j < a; j++, v += plane) {
		vf c[WINO_MAX_A], r[3];
		EG_UNROLL for (int i = 0; i < a; i++) c[i] = vload(v + i * a * plane);
		wino_gt(m, c, r);
		EG_UNROLL for (int i = 0; i < 3; i++) t[i][j] = r[i];
	}
	EG_UNROLL for (int i = 0; i < 3; i++) wino_gt(m, t[i], w + 3 * i);
}

#endif

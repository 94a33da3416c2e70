/* body_conv_depthwise_plain.h - depthwise convolution at stride 1 between PLAIN tensors: one channel at a time, with
 * positions in the lanes.
 *
 * A strip of lines of a channel is copied into scratch with its padding. There the positions of all its lines follow
 * each other, those in the padding between two lines included, and a tap is one distance: the sum runs over the strip
 * as if it were a single line, and no line has a beginning or an end. What it computes in the padding is left out when
 * lines are copied to y, and, for the gradient of w, met by zeros in dy. (An x that is not finite may so make all taps
 * of its channel NaN.)
 *
 * Used by body_conv_depthwise.c, which cuts the work. */
#ifndef ENGRAM_BODY_CONV_DEPTHWISE_PLAIN_H
#define ENGRAM_BODY_CONV_DEPTHWISE_PLAIN_H

#include "kern/body_conv_direct.h"
#include "kern/body_gemm.h"

/* FLAT_STRIP: about as many floats in a strip: x and y stay in L1 */
enum { FLAT_TILE = 8, FLAT_SLACK = FLAT_TILE * V, FLAT_STRIP = 6 * 1024 };

/* Floats from a line to the next in scratch, and of a strip of x and of y there. */
EG_ALWAYS_INLINE int flat_line(const direct_side *w) { return w->out + w->high - w->low; }
EG_ALWAYS_INLINE size_t flat_x_size(const direct_side *h, const direct_side *w, int rows) {
	return (size_t)(rows + h->high - h->low) * (size_t)flat_line(w) + (size_t)(w->high - w->low) + FLAT_SLACK;
}
EG_ALWAYS_INLINE size_t flat_y_size(const direct_side *w, int rows) {
	return (size_t)rows * (size_t)flat_line(w) + FLAT_SLACK;
}

/* A line into y, which belongs to others behind its end: y = max(least, [y +] from). */
EG_ALWAYS_INLINE void flat_line_out(int n, const float *from, float *y, float least, bool acc) {
	const vf bound = vset1(least);
	int i = 0;
	for (; i + V <= n; i += V) {
		vf v = vload(from + i);
		if (acc) v = vadd(vload(y + i), v);
		vstore(y + i, vmax(bound, v)); /* this order lets NaN through */
	}
	if (i < n) {
		vf v = vload(from + i); /* beyond n there is padding or slack */
		if (acc) v = vadd(vload_m(y + i, vfirst(n - i)), v);
		vstore_m(y + i, vfirst(n - i), vmax(bound, v));
	}
}

/* Input lines that outputs [o0,o1) see, of one channel, into its strip. What lies in the padding is there already:
 * zeros. */
static void flat_load(const direct_side *h, const direct_side *w, int o0, int o1, const float *x, float *strip) {
	const int line = flat_line(w), top = o0 + h->low, end = gemm_min(h->in, o1 + h->high);
	const int left = w->low > 0 ? w->low : 0, right = gemm_min(w->in, w->out + w->high);
	if (right <= left) return;
	const int first = top > 0 ? top : 0, whole = (right - left) / V * V, rest = right - left - whole;
	const vm mask = vfirst(rest);
	const float *from = x + (ptrdiff_t)first * w->in + left;
	float *to = strip + (ptrdiff_t)(first - top) * line + (left - w->low);
	for (int l = first; l < end; l++, from += w->in, to += line) {
		for (int i = 0; i < whole; i += V) vstore(to + i, vload(from + i));
		/* zeros beyond the end: padding is zero anyhow, and the next line comes after this */
		if (rest) vstore(to + whole, vload_m(from + whole, mask));
	}
}

EG_ALWAYS_INLINE void flat_tile(const int nv, int taps, const int32_t *off, const float *w, const float *x, float start, float *y) {
	vf s[FLAT_TILE];
	EG_UNROLL for (int i = 0; i < nv; i++) s[i] = vset1(start);
	for (int t = 0; t < taps; t++) {
		const vf v = vset1(w[(ptrdiff_t)t * EG_BLOCK]);
		const float *at = x + off[t];
		EG_UNROLL for (int i = 0; i < nv; i++) s[i] = vfma(vload(at + i * V), v, s[i]);
	}
	EG_UNROLL for (int i = 0; i < nv; i++) vstore(y + i * V, s[i]);
}
/* y[0..n) = start + sum over taps of w[tap] x[off[tap] + ..]; w is one lane of packed weights. */
static void flat_sum(int n, int taps, const int32_t *off, const float *w, const float *x, float start, float *y) {
	int i = 0;
	for (; i + (FLAT_TILE - 1) * V < n; i += FLAT_TILE * V) flat_tile(FLAT_TILE, taps, off, w, x + i, start, y + i);
	for (; i < n; i += 2 * V) flat_tile(2, taps, off, w, x + i, start, y + i);
}

/* Three by three taps of neighbours: a tile is a vector of positions in several lines, which have most of their x in
 * common, so that each vector of x is loaded once for three lines; it is written to y at once. Vectors at the end of a
 * line are not full: for lines of which too much would be empty the strip is computed as one line. */
enum { FLAT_ROWS = 6 };
EG_ALWAYS_INLINE bool flat_by_rows(const direct_side *h, const direct_side *w) {
	const int full = (w->out + V - 1) / V * V;
	return h->taps == 3 && w->taps == 3 && h->high - h->low == 2 && w->high - w->low == 2 && full * 4 <= flat_line(w) * 5;
}

typedef struct flat_out {
	float start, least;
	ptrdiff_t line; /* of x in the strip */
	int width;      /* of y */
	bool acc;
} flat_out;

/* `rows` lines of y. */
EG_ALWAYS_INLINE void flat_band(const int rows, const vf *w, const float *x, const flat_out *o, float *y) {
	const vf start = vset1(o->start), least = vset1(o->least);
	const ptrdiff_t line = o->line, width = o->width;
	for (int c = 0; c < o->width; c += V, x += V, y += V) {
		vf s[FLAT_ROWS];
		const float *at = x;
		EG_UNROLL for (int i = 0; i < rows; i++) s[i] = start;
		EG_UNROLL for (int l = 0; l < rows + 2; l++, at += line) {
			EG_UNROLL for (int k = 0; k < 3; k++) {
				vf v = vload(at + k);
				EG_KEEP(v);
				EG_UNROLL for (int r = 0; r < 3; r++)
					if (l - r >= 0 && l - r < rows) s[l - r] = vfma(v, w[r * 3 + k], s[l - r]);
			}
		}
		const int n = o->width - c;
		float *to = y;
		if (n >= V && !o->acc) {
			/* lets NaN through */
			EG_UNROLL for (int i = 0; i < rows; i++, to += width) vstore(to, vmax(least, s[i]));
			continue;
		}
		const vm mask = vfirst(n < V ? n : V);
		EG_UNROLL for (int i = 0; i < rows; i++, to += width) {
			if (o->acc) s[i] = vadd(vload_m(to, mask), s[i]);
			vstore_m(to, mask, vmax(least, s[i]));
		}
	}
}

/* `lines` lines of y from their strip. off and w as in flat_sum. */
static void flat_lines(int lines, const int32_t *off, const float *w, const float *x, const flat_out *o, float *y) {
	vf taps[9];
	for (int t = 0; t < 9; t++) { /* backward they stand the other way round */
		const int line = off[t] / (int)o->line;
		taps[line * 3 + off[t] - line * (int)o->line] = vset1(w[(ptrdiff_t)t * EG_BLOCK]);
	}
	/* bands of 6, 5 or 4 lines, of which the last one may do some lines once more */
	const int rows = lines < 4 || o->acc ? 1 : (lines + 5) / 6 * 6 <= (lines + 4) / 5 * 5 ? 6 : (lines + 4) / 5 * 5 <= (lines + 3) / 4 * 4 ? 5 : 4;
	for (int l = 0; l < lines; l += rows) {
		const int first = l + rows <= lines ? l : lines - rows;
		const float *from = x + first * o->line;
		float *to = y + (ptrdiff_t)first * o->width;
		switch (rows) {
		case 6: flat_band(6, taps, from, o, to); break;
		case 5: flat_band(5, taps, from, o, to); break;
		case 4: flat_band(4, taps, from, o, to); break;
		default: flat_band(1, taps, from, o, to); break;
		}
	}
}

/* sum[r][c] = sum over i of dy[i] x[r*line + c*column + i]. */
EG_ALWAYS_INLINE void flat_dots_as(const int rows, const int columns, int n, const float *dy, const float *x, ptrdiff_t line, ptrdiff_t column, float *sum) {
	vf s[9];
	EG_UNROLL for (int i = 0; i < rows * columns; i++) s[i] = vzero();
	for (int i = 0; i < n; i += V) {
		const vf v = vload(dy + i);
		EG_UNROLL for (int r = 0; r < rows; r++) EG_UNROLL for (int c = 0; c < columns; c++)
		        s[r * columns + c] = vfma(v, vload(x + r * line + c * column + i), s[r * columns + c]);
	}
	EG_UNROLL for (int i = 0; i < rows * columns; i++) sum[i] = vsum(s[i]);
}

/* Adds the sums of all taps to dw[tap][16]; n floats of dy, with zeros where x has padding. */
static void flat_dots(const direct_side *h, const direct_side *w, int n, const float *dy, const float *x, float *dw) {
	const ptrdiff_t line = (ptrdiff_t)flat_line(w) * h->dilation, column = w->dilation;
	for (int r = 0, nr; r < h->taps; r += nr) {
		nr = h->taps - r >= 3 ? 3 : 1;
		for (int s = 0, ns; s < w->taps; s += ns) {
			const float *at = x + r * line + s * column;
			float sum[9];
			ns = w->taps - s >= 3 ? 3 : 1;
			if (nr == 3 && ns == 3) flat_dots_as(3, 3, n, dy, at, line, column, sum);
			else if (nr == 3) flat_dots_as(3, 1, n, dy, at, line, column, sum);
			else if (ns == 3) flat_dots_as(1, 3, n, dy, at, line, column, sum);
			else flat_dots_as(1, 1, n, dy, at, line, column, sum);
			for (int i = 0; i < nr; i++)
				for (int j = 0; j < ns; j++) dw[((r + i) * w->taps + s + j) * EG_BLOCK] += sum[i * ns + j];
		}
	}
}

static float flat_total(int n, const float *dy) {
	vf s[4] = {vzero(), vzero(), vzero(), vzero()};
	for (int i = 0; i < n; i += 4 * V) /* slack is zero */
		EG_UNROLL for (int j = 0; j < 4; j++) s[j] = vadd(s[j], vload(dy + i + j * V));
	return vsum(vadd(vadd(s[0], s[1]), vadd(s[2], s[3])));
}

#endif

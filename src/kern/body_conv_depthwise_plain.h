/* body_conv_depthwise_plain.h - depthwise convolution at stride 1 between PLAIN tensors: one channel at a time, with positions in the lanes.
 *
 * A strip of lines of a channel is copied into scratch with its padding. There the positions of all its lines follow each other, those in the
 * padding between two lines included, and a tap is one distance: the sum runs over the strip as if it were a single line, and no line has a beginning or an end.
 * What it computes in the padding is left out when lines are copied to y, and, for the gradient of w, met by zeros in dy. (An x that is not finite may so make
 * all taps of its channel NaN.)
 *
 * Used by body_conv_depthwise.h, which cuts the work. */
#ifndef ENGRAM_BODY_CONV_DEPTHWISE_PLAIN_H
#define ENGRAM_BODY_CONV_DEPTHWISE_PLAIN_H

#include "kern/body_conv_direct.h"

enum { FLAT_TILE = 8, FLAT_SLACK = FLAT_TILE * V, FLAT_STRIP = 6 * 1024 /* about as many floats in a strip: x and y stay in L1 */ };

/* Floats from a line to the next in scratch, and of a strip of x and of y there. */
EG_ALWAYS_INLINE int EG_NAME(flat_line)(const EG_NAME(direct_side) * w) { return w->out + w->high - w->low; }
EG_ALWAYS_INLINE size_t EG_NAME(flat_x_size)(const EG_NAME(direct_side) * h, const EG_NAME(direct_side) * w, int rows) {
	return (size_t)(rows + h->high - h->low) * (size_t)EG_NAME(flat_line)(w) + (size_t)(w->high - w->low) + FLAT_SLACK;
}
EG_ALWAYS_INLINE size_t EG_NAME(flat_y_size)(const EG_NAME(direct_side) * w, int rows) {
	return (size_t)rows * (size_t)EG_NAME(flat_line)(w) + FLAT_SLACK;
}

/* A line into y, which belongs to others behind its end: y = max(least, [y +] from). */
EG_ALWAYS_INLINE void EG_NAME(flat_line_out)(int n, const float *from, float *y, float least, bool acc) {
	const vf bound = vset1(least);
	int i = 0;
	for (; i + V <= n; i += V) {
		vf v = vload(from + i);
		if (acc) v = vadd(vload(y + i), v);
		vstore(y + i, vmax(bound, v)); /* this order lets NaN through */
	}
	if (i < n) {
		float end[V];
		vf v = vload(from + i); /* beyond n there is padding or slack */
		if (acc) v = vadd(vload_m(y + i, vfirst(n - i)), v);
		vstore(end, vmax(bound, v));
		for (const float *p = end; i < n; i++) y[i] = *p++;
	}
}

/* Input lines that outputs [o0,o1) see, of one channel, into its strip. What lies in the padding is there already: zeros. */
static void EG_NAME(flat_load)(const EG_NAME(direct_side) * h, const EG_NAME(direct_side) * w, int o0, int o1, const float *x, float *strip) {
	const int line = EG_NAME(flat_line)(w), top = o0 + h->low, end = EG_NAME(gemm_min)(h->in, o1 + h->high);
	const int left = w->low > 0 ? w->low : 0, right = EG_NAME(gemm_min)(w->in, w->out + w->high);
	if (right <= left) return;
	for (int l = top > 0 ? top : 0; l < end; l++) {
		const float *from = x + (ptrdiff_t)l * w->in + left;
		float *to = strip + (ptrdiff_t)(l - top) * line + (left - w->low);
		memcpy(to, from, (size_t)(right - left) * sizeof *to);
	}
}

EG_ALWAYS_INLINE void EG_NAME(flat_tile)(const int nv, int taps, const int32_t *off, const float *w, const float *x, float start, float *y) {
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
static void EG_NAME(flat_sum)(int n, int taps, const int32_t *off, const float *w, const float *x, float start, float *y) {
	int i = 0;
	for (; i + (FLAT_TILE - 1) * V < n; i += FLAT_TILE * V) EG_NAME(flat_tile)(FLAT_TILE, taps, off, w, x + i, start, y + i);
	for (; i < n; i += 2 * V) EG_NAME(flat_tile)(2, taps, off, w, x + i, start, y + i);
}

/* sum[r][c] = sum over i of dy[i] x[r*line + c*column + i]. */
EG_ALWAYS_INLINE void EG_NAME(flat_dots_as)(const int rows, const int columns, int n, const float *dy, const float *x, ptrdiff_t line, ptrdiff_t column, float *sum) {
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
static void EG_NAME(flat_dots)(const EG_NAME(direct_side) * h, const EG_NAME(direct_side) * w, int n, const float *dy, const float *x, float *dw) {
	const ptrdiff_t line = (ptrdiff_t)EG_NAME(flat_line)(w) * h->dilation, column = w->dilation;
	for (int r = 0, nr; r < h->taps; r += nr) {
		nr = h->taps - r >= 3 ? 3 : 1;
		for (int s = 0, ns; s < w->taps; s += ns) {
			const float *at = x + r * line + s * column;
			float sum[9];
			ns = w->taps - s >= 3 ? 3 : 1;
			if (nr == 3 && ns == 3) EG_NAME(flat_dots_as)(3, 3, n, dy, at, line, column, sum);
			else if (nr == 3) EG_NAME(flat_dots_as)(3, 1, n, dy, at, line, column, sum);
			else if (ns == 3) EG_NAME(flat_dots_as)(1, 3, n, dy, at, line, column, sum);
			else EG_NAME(flat_dots_as)(1, 1, n, dy, at, line, column, sum);
			for (int i = 0; i < nr; i++)
				for (int j = 0; j < ns; j++) dw[((r + i) * w->taps + s + j) * EG_BLOCK] += sum[i * ns + j];
		}
	}
}

static float EG_NAME(flat_total)(int n, const float *dy) {
	vf s[4] = {vzero(), vzero(), vzero(), vzero()};
	for (int i = 0; i < n; i += 4 * V) /* slack is zero */
		EG_UNROLL for (int j = 0; j < 4; j++) s[j] = vadd(s[j], vload(dy + i + j * V));
	return vsum(vadd(vadd(s[0], s[1]), vadd(s[2], s[3])));
}

#endif

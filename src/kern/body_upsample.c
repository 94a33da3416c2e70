/* body_upsample.c - up-sampling of pictures by repetition and its adjoint, LANES and PLAIN.
 *
 * The rows of all pictures of a block follow each other, so a block is one tall picture. Forward, a row is widened
 * once and copied for the others. Backward, a vector is lanes of a position, or, PLAIN and where y is at most twice
 * as wide, V neighbouring positions; for more, gathers cost more than they gain. */
#include "kern/kern_pictures.h"
#include "kern/simd.h"

#include <string.h>

static int upsample_rows(const eg_upsample_args *a, int b) {
	return a->H * (a->lanes ? a->C : a->C * eg_block_size(a->N, b));
}

/* PLAIN: y = each of n values sw times. What a vector writes beyond its value's places the next one writes over. */
static void upsample_widen_f32(const float *x, float *y, int n, int sw) {
	int i = 0, end = n * sw;
	for (; sw == 2 && i + V <= n; i += V) {
		vf v = vload(x + i), low, high;
		vzip(v, v, &low, &high);
		vstore(y + 2 * i, low);
		vstore(y + 2 * i + V, high);
	}
	for (; i < n; i++) {
		vf v = vset1(x[i]);
		for (int at = i * sw; at < (i + 1) * sw; at += V) vstore_n(y + at, end - at < V ? end - at : V, v);
	}
}

/* The same for positions of 16 lanes. */
static void upsample_widen_lanes_f32(const float *x, float *y, int n, int sw) {
	for (int i = 0; i < n; i++, x += EG_BLOCK)
		for (int t = 0; t < sw; t++, y += EG_BLOCK)
			for (int l = 0; l < EG_BLOCK; l += V) vstore(y + l, vload(x + l));
}

void EG_NAME(upsample_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_upsample_args *a = args;
	const ptrdiff_t row = (ptrdiff_t)a->W * (a->lanes ? EG_BLOCK : 1), wide = row * a->sw;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) {
		const float *x = eg_at(a->from, b);
		float *y = eg_at(a->to, b);
		for (int h = upsample_rows(a, b); h > 0; h--, x += row, y += a->sh * wide) {
			if (a->sw == 1)
				memcpy(y, x, (size_t)row * sizeof *y);
			else if (a->lanes)
				upsample_widen_lanes_f32(x, y, a->W, a->sw);
			else
				upsample_widen_f32(x, y, a->W, a->sw);
			for (int r = 1; r < a->sh; r++) memcpy(y + r * wide, y, (size_t)wide * sizeof *y);
		}
	}
}

/* PLAIN: V values of a row of x from position w on, widened once or twice; behind them there is another one, for
 * vload_even reads it. */
EG_ALWAYS_INLINE void upsample_sum(const eg_upsample_args *a, const float *dy, float *dx, int w) {
	const ptrdiff_t wide = (ptrdiff_t)a->W * a->sw;
	vf sum = vzero();
	dy += (ptrdiff_t)w * a->sw;
	for (int r = 0; r < a->sh; r++, dy += wide) {
		sum = vadd(sum, a->sw == 1 ? vload(dy) : vload_even(dy));
		if (a->sw == 2) sum = vadd(sum, vload_even(dy + 1));
	}
	vstore(dx + w, a->acc ? vadd(vload(dx + w), sum) : sum);
}

/* One value of any. */
static void upsample_sum_1(const eg_upsample_args *a, const float *dy, float *dx, int w) {
	const ptrdiff_t wide = (ptrdiff_t)a->W * a->sw;
	float sum = 0;
	dy += (ptrdiff_t)w * a->sw;
	for (int r = 0; r < a->sh; r++, dy += wide)
		for (int t = 0; t < a->sw; t++) sum += dy[t];
	dx[w] = a->acc ? dx[w] + sum : sum;
}
EG_ALWAYS_INLINE void upsample_sum_lanes(const eg_upsample_args *a, const float *dy, float *dx, int w) {
	const ptrdiff_t wide = (ptrdiff_t)a->W * a->sw * EG_BLOCK;
	for (int l = 0; l < EG_BLOCK; l += V) {
		const float *p = dy + (ptrdiff_t)w * a->sw * EG_BLOCK + l;
		float *to = dx + (ptrdiff_t)w * EG_BLOCK + l;
		vf sum = vzero();
		for (int r = 0; r < a->sh; r++)
			for (int t = 0; t < a->sw; t++) sum = vadd(sum, vload(p + r * wide + (ptrdiff_t)t * EG_BLOCK));
		vstore(to, a->acc ? vadd(vload(to), sum) : sum);
	}
}

void EG_NAME(upsample_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_upsample_args *a = args;
	const ptrdiff_t row = (ptrdiff_t)a->W * (a->lanes ? EG_BLOCK : 1), wide = row * a->sw;
	EG_UNUSED(worker);
	for (int b = begin; b < end; b++) {
		const float *dy = eg_at(a->from, b);
		float *dx = eg_at(a->to, b);
		for (int h = upsample_rows(a, b); h > 0; h--, dy += a->sh * wide, dx += row) {
			int w = 0;
			for (; w < a->W && a->lanes; w++) upsample_sum_lanes(a, dy, dx, w);
			for (; a->sw <= 2 && w + V < a->W; w += V) upsample_sum(a, dy, dx, w);
			for (; w < a->W; w++) upsample_sum_1(a, dy, dx, w);
		}
	}
}

/* ref_pool.c - maximum and average pooling, and up-sampling, in plain C.
 *
 * As in ref_conv.c both layouts are one: `planes` pictures of [H][W][L], L = 1 in PLAIN, L = EG_BLOCK in LANES. */
#include "kern/ref.h"

enum { LANES = EG_BLOCK };

/* Pictures in block b. */
static int pool_planes(const eg_pool_shape *s, int b) { return s->lanes ? s->C : s->C * eg_block_size(s->N, b); }

/* Taps [*first, *end) of a window that begins at `start` which lie in 0..in-1. */
static void clip_taps(int start, int dilation, int taps, int in, int *first, int *end) {
	*first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
	*end = start >= in ? 0 : (in - 1 - start) / dilation + 1;
	if (*end > taps) *end = taps;
	if (*first > *end) *first = *end;
}

/* ---- maximum ---------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void maxpool_fwd_planes(
	int L, const eg_pool_shape *s, int planes, const real *x, real *y, uint16_t *index) {
	for (int c = 0; c < planes; c++, x += (ptrdiff_t)s->H * s->W * L) {
		for (int p = 0; p < s->P; p++) {
			for (int q = 0; q < s->Q; q++, y += L) {
				int h0 = p * s->sh - s->ph, w0 = q * s->sw - s->pw, r0, r1, s0, s1;
				clip_taps(h0, s->dh, s->R, s->H, &r0, &r1);
				clip_taps(w0, s->dw, s->S, s->W, &s0, &s1);
				assert(r0 < r1 && s0 < s1);
				real best[LANES];
				int where[LANES];
				for (int l = 0; l < L; l++) best[l] = -(real)INFINITY, where[l] = r0 * s->S + s0;
				for (int r = r0; r < r1; r++) {
					for (int t = s0; t < s1; t++) {
						const real *v = x +
						                ((ptrdiff_t)(h0 + r * s->dh) * s->W + w0 + t * s->dw) *
						                        L;
						for (int l = 0; l < L; l++) {
							bool better = v[l] > best[l] ||
							              (isnan(v[l]) && !isnan(best[l]));
							where[l] = better ? r * s->S + t : where[l];
							best[l] = better ? v[l] : best[l];
						}
					}
				}
				for (int l = 0; l < L; l++) y[l] = best[l];
				if (!index) continue;
				for (int l = 0; l < L; l++) index[l] = (uint16_t)where[l];
				index += L;
			}
		}
	}
}

static void maxpool_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_maxpool_fwd_args *a = args;
	EG_UNUSED(worker);
	assert(pool_shape_ok(&a->s) && a->x.p && a->y.p && a->x.p != a->y.p && a->s.R * a->s.S <= UINT16_MAX + 1);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->s.N));
	for (int b = begin; b < end; b++) {
		uint16_t *index = a->index.p ? (uint16_t *)a->index.p + b * a->index.stride : NULL;
		if (a->s.lanes)
			maxpool_fwd_planes(LANES, &a->s, pool_planes(&a->s, b), eg_at(a->x, b), eg_at(a->y, b), index);
		else
			maxpool_fwd_planes(1, &a->s, pool_planes(&a->s, b), eg_at(a->x, b), eg_at(a->y, b), index);
	}
}

EG_ALWAYS_INLINE void maxpool_bwd_planes(
	int L, const eg_pool_shape *s, int planes, const real *dy, const uint16_t *index, real *dx, bool acc) {
	ptrdiff_t size = (ptrdiff_t)s->H * s->W * L;
	if (!acc) memset(dx, 0, (size_t)planes * (size_t)size * sizeof(real));
	for (int c = 0; c < planes; c++, dx += size) {
		for (int p = 0; p < s->P; p++) {
			for (int q = 0; q < s->Q; q++, dy += L, index += L) {
				for (int l = 0; l < L; l++) {
					int h = p * s->sh - s->ph + index[l] / s->S * s->dh;
					int w = q * s->sw - s->pw + index[l] % s->S * s->dw;
					dx[((ptrdiff_t)h * s->W + w) * L + l] += dy[l];
				}
			}
		}
	}
}

static void maxpool_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_maxpool_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(pool_shape_ok(&a->s) && a->dy.p && a->index.p && a->dx.p && a->dx.p != a->dy.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->s.N));
	for (int b = begin; b < end; b++) {
		const uint16_t *index = (const uint16_t *)a->index.p + b * a->index.stride;
		if (a->s.lanes)
			maxpool_bwd_planes(
			        LANES, &a->s, pool_planes(&a->s, b), eg_at(a->dy, b), index, eg_at(a->dx, b), a->acc);
		else
			maxpool_bwd_planes(
			        1, &a->s, pool_planes(&a->s, b), eg_at(a->dy, b), index, eg_at(a->dx, b), a->acc);
	}
}

/* ---- average ---------------------------------------------------------------------------------------------------- */

/* One window: the taps [r0, r1) x [s0, s1) inside of the picture, and what their sum is divided by. */
typedef struct window {
	int h0, w0, r0, r1, s0, s1;
	real divisor;
} window;

static window window_at(const eg_pool_shape *s, int p, int q) {
	window w = {.h0 = p * s->sh - s->ph, .w0 = q * s->sw - s->pw};
	clip_taps(w.h0, s->dh, s->R, s->H, &w.r0, &w.r1);
	clip_taps(w.w0, s->dw, s->S, s->W, &w.s0, &w.s1);
	int rows = w.r1 - w.r0, cols = w.s1 - w.s0;
	if (s->count_include_pad) { /* taps before the end of the padding; those before its beginning do not exist */
		int first;
		clip_taps(w.h0 + s->ph, s->dh, s->R, s->ph + s->H + s->pad_end_h, &first, &rows);
		clip_taps(w.w0 + s->pw, s->dw, s->S, s->pw + s->W + s->pad_end_w, &first, &cols);
	}
	w.divisor = (real)(rows * cols);
	assert(w.divisor > 0);
	return w;
}

EG_ALWAYS_INLINE void avgpool_fwd_planes(int L, const eg_pool_shape *s, int planes, const real *x, real *y) {
	for (int c = 0; c < planes; c++, x += (ptrdiff_t)s->H * s->W * L) {
		for (int p = 0; p < s->P; p++) {
			for (int q = 0; q < s->Q; q++, y += L) {
				window w = window_at(s, p, q);
				real sum[LANES] = {0};
				for (int r = w.r0; r < w.r1; r++)
					for (int t = w.s0; t < w.s1; t++)
						for (int l = 0; l < L; l++)
							sum[l] += x[((ptrdiff_t)(w.h0 + r * s->dh) * s->W + w.w0 +
							                    t * s->dw) *
							                    L +
							            l];
				for (int l = 0; l < L; l++) y[l] = sum[l] / w.divisor;
			}
		}
	}
}

static void avgpool_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_avgpool_fwd_args *a = args;
	EG_UNUSED(worker);
	assert(pool_shape_ok(&a->s) && a->x.p && a->y.p && a->x.p != a->y.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->s.N));
	for (int b = begin; b < end; b++) {
		if (a->s.lanes)
			avgpool_fwd_planes(LANES, &a->s, pool_planes(&a->s, b), eg_at(a->x, b), eg_at(a->y, b));
		else
			avgpool_fwd_planes(1, &a->s, pool_planes(&a->s, b), eg_at(a->x, b), eg_at(a->y, b));
	}
}

EG_ALWAYS_INLINE void avgpool_bwd_planes(
	int L, const eg_pool_shape *s, int planes, const real *dy, real *dx, bool acc) {
	ptrdiff_t size = (ptrdiff_t)s->H * s->W * L;
	if (!acc) memset(dx, 0, (size_t)planes * (size_t)size * sizeof(real));
	for (int c = 0; c < planes; c++, dx += size) {
		for (int p = 0; p < s->P; p++) {
			for (int q = 0; q < s->Q; q++, dy += L) {
				window w = window_at(s, p, q);
				for (int r = w.r0; r < w.r1; r++)
					for (int t = w.s0; t < w.s1; t++)
						for (int l = 0; l < L; l++)
							dx[((ptrdiff_t)(w.h0 + r * s->dh) * s->W + w.w0 + t * s->dw) *
							                L +
							        l] += dy[l] / w.divisor;
			}
		}
	}
}

static void avgpool_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_avgpool_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(pool_shape_ok(&a->s) && a->dy.p && a->dx.p && a->dx.p != a->dy.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->s.N));
	for (int b = begin; b < end; b++) {
		if (a->s.lanes)
			avgpool_bwd_planes(
			        LANES, &a->s, pool_planes(&a->s, b), eg_at(a->dy, b), eg_at(a->dx, b), a->acc);
		else
			avgpool_bwd_planes(1, &a->s, pool_planes(&a->s, b), eg_at(a->dy, b), eg_at(a->dx, b), a->acc);
	}
}

/* ---- up-sampling ------------------------------------------------------------------------------------------------ */

static void upsample_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_upsample_args *a = args;
	EG_UNUSED(worker);
	assert(upsample_ok(a, begin, end) && !a->acc);
	const int L = a->lanes ? LANES : 1;
	for (int b = begin; b < end; b++) {
		const real *x = eg_at(a->from, b);
		real *y = eg_at(a->to, b);
		int rows = a->H * (a->lanes ? a->C : a->C * eg_block_size(a->N, b)); /* of all pictures */
		for (int h = 0; h < rows; h++, x += (ptrdiff_t)a->W * L)
			for (int r = 0; r < a->sh; r++)
				for (int w = 0; w < a->W; w++)
					for (int t = 0; t < a->sw; t++, y += L)
						for (int l = 0; l < L; l++) y[l] = x[w * L + l];
	}
}

static void upsample_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_upsample_args *a = args;
	EG_UNUSED(worker);
	assert(upsample_ok(a, begin, end));
	const int L = a->lanes ? LANES : 1, width = a->W * a->sw;
	for (int b = begin; b < end; b++) {
		const real *dy = eg_at(a->from, b);
		real *dx = eg_at(a->to, b);
		int rows = a->H * (a->lanes ? a->C : a->C * eg_block_size(a->N, b));
		for (int h = 0; h < rows; h++)
			for (int i = 0; i < a->W * L; i++) {
				const real *corner = dy + ((ptrdiff_t)h * a->sh * width + i / L * a->sw) * L + i % L;
				real sum = 0;
				for (int r = 0; r < a->sh; r++)
					for (int t = 0; t < a->sw; t++) sum += corner[((ptrdiff_t)r * width + t) * L];
				real *to = dx + (ptrdiff_t)h * a->W * L + i;
				*to = a->acc ? *to + sum : sum;
			}
	}
}

void fill_pool__ref(eg_kernels *k) {
	EG_FILL(k, maxpool_fwd, maxpool_fwd__ref);
	EG_FILL(k, maxpool_bwd, maxpool_bwd__ref);
	EG_FILL(k, avgpool_fwd, avgpool_fwd__ref);
	EG_FILL(k, avgpool_bwd, avgpool_bwd__ref);
	EG_FILL(k, upsample_fwd, upsample_fwd__ref);
	EG_FILL(k, upsample_bwd, upsample_bwd__ref);
}

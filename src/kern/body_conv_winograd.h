/* body_conv_winograd.h - what the convolutions by Winograd's algorithm share (body_conv_winograd.c,
 * body_conv_winograd_weights.c): how a problem is cut, and tiles transformed. */
#ifndef ENGRAM_BODY_CONV_WINOGRAD_H
#define ENGRAM_BODY_CONV_WINOGRAD_H

#include "kern/body_gemm.h"
#include "kern/body_winograd.h"
#include "kern/kern_conv.h"

enum {
	WINO_CHUNK = 72,                             /* most tiles of a chunk */
	WINO_GROUP = 64,                             /* filters of a group */
	WINO_RUN = 8,                                /* tiles side by side that are cut from, or put into, a PLAIN
	                                              * tensor together */
	WINO_STRIP = WINO_MAX_A * (WINO_RUN * WINO_MAX_M + 2) * WINO_LANES + V * WINO_LANES /* floats that they take */
};

/* A convolution in the direction that it is computed in: from C channels of H x W to K of P x Q. */
typedef struct wino {
	int m, a, planes;
	int N, C, K, H, W, P, Q, ph, pw;
	bool from_blocked, to_blocked;
	int rows, cols, tiles;      /* of a sample; of all samples */
	int chunk, chunks;          /* tiles of the longest chunk */
	int panels, group, groups;  /* panels of GEMM_NR filters, of which a group has `group` */
	int urow, vrow;             /* floats from one tile to the next, before and after the product */
	ptrdiff_t uplane, vplane;   /* from one plane to the next: never a multiple of what a set of a cache is apart */
} wino;

/* Floats of a row of channels: an odd number of cache lines, so that the rows of a column do not meet in one set. */
EG_ALWAYS_INLINE int wino_row(int channels) { return ((channels + WINO_LANES - 1) / WINO_LANES | 1) * WINO_LANES; }

wino EG_NAME(wino_new)(int m, const eg_conv_shape *s, eg_conv_dir dir);

/* Channels [c0, c1) of tiles [t0, t1), transformed; c0 is a multiple of 16. Of dy, whose sums by channel are added to
 * `sum`, likewise. */
void EG_NAME(wino_in)(const wino *g, const float *x, int t0, int t1, int c0, int c1, float *u, float *strip);
void EG_NAME(wino_in_dy)(
	const wino *g, const float *dy, int t0, int t1, int k0, int k1, float *u, float *sum, float *strip);

/* Where the weights of a group begin. */
EG_ALWAYS_INLINE ptrdiff_t wino_group_at(const wino *g, int group) {
	return (ptrdiff_t)group * g->planes * ((ptrdiff_t)g->group * g->C * GEMM_NR + WINO_LANES);
}

/* The kernels for tiles of m: weights, whose unit is a panel; forward and the gradient of x. */
void EG_NAME(wino_pack)(int m, const eg_conv_pack_args *p, int begin, int end);
void EG_NAME(wino_run)(int m, const eg_conv_run_args *a, eg_conv_dir dir, int begin, int end, float *scratch);

#endif

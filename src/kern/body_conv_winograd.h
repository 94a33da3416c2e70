/* body_conv_winograd.h - what the convolutions by Winograd's algorithm share (body_conv_winograd.c,
 * body_conv_winograd_weights.c): how a problem is cut, and tiles transformed. */
#ifndef ENGRAM_BODY_CONV_WINOGRAD_H
#define ENGRAM_BODY_CONV_WINOGRAD_H

#include "kern/body_gemm.h"
#include "kern/body_winograd.h"
#include "kern/kern_conv.h"

enum {
	WINO_CHUNK = 4 * GEMM_MR,                    /* most tiles of a chunk, and */
	WINO_LONG = (VREGS >= 32 ? 5 : 8) * GEMM_MR, /* of few channels, or of so many that weights come from afar */
	WINO_MANY = 4,                               /* chunks, from which on they are whole strips of the product */
	WINO_GROUP = 64,                             /* filters of a group */
	WINO_RUN = 8,                                /* tiles side by side that are transformed together */
	WINO_WIDE = WINO_RUN * WINO_MAX_M + 2,       /* columns that they cover */
	/* floats: what is cut from, or put into, a PLAIN tensor; columns half transformed; a row of zeros */
	WINO_CUT = WINO_MAX_A * WINO_WIDE * WINO_LANES + V * WINO_LANES,
	WINO_COLUMNS = WINO_MAX_A * WINO_WIDE * V,
	WINO_ZEROS = WINO_WIDE * WINO_LANES,
	WINO_STRIP = WINO_CUT + WINO_COLUMNS + WINO_ZEROS
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

/* Floats of a row of channels: of many an odd number of cache lines, or the rows of a column would meet in one set. */
EG_ALWAYS_INLINE int wino_row(int channels) {
	const int lines = (channels + WINO_LANES - 1) / WINO_LANES;
	return (lines >= 8 ? lines | 1 : lines) * WINO_LANES;
}

wino EG_NAME(wino_new)(int m, const eg_conv_shape *s, eg_conv_dir dir);

/* Before the first of these: the row of zeros in a strip. */
EG_ALWAYS_INLINE void wino_begin(float *strip) {
	for (int i = 0; i < WINO_ZEROS; i += V) vstore(strip + WINO_CUT + WINO_COLUMNS + i, vzero());
}

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

/* body_conv_direct.h - what the direct convolutions share (body_conv_direct.c, body_conv_direct_weights.c,
 * body_conv_depthwise.c): how a problem is cut into strips, and how a strip is copied, summed and put back. The idea is
 * told in body_conv_direct.c. */
#ifndef ENGRAM_BODY_CONV_DIRECT_H
#define ENGRAM_BODY_CONV_DIRECT_H

#include "kern/kern_conv.h"
#include "kern/simd.h"

enum {
	DIRECT_MR = V == 16 ? 14 : 6,
	DIRECT_NV = V == 4 ? 4 : 2,
	DIRECT_NR = DIRECT_NV * V,   /* one or two blocks of channels */
	DIRECT_KC = 288,             /* longest chain of terms: with its weights in L1 */
	DIRECT_KC_1X1 = 192,         /* the same where each term is another channel, which takes more lines of x */
	DIRECT_STRIP = 64 * 1024,    /* about as many floats of x in a strip: with weights in L2 */
	DIRECT_STRIP_MOST = 4,       /* times as many, where several taps read each of them: may come from L3 */
	DIRECT_POSITIONS = 1024,     /* about as many positions in a strip */
	DIRECT_UNITS = 16            /* no fewer units than that, where the shape allows */
};

/* ---- sums -------------------------------------------------------------------------------------------------------- */

typedef struct direct_sum {
	int n;               /* terms */
	const int32_t *off;  /* [n] */
	const float *w;      /* [n][ws], vectors wj apart */
	ptrdiff_t ws, wj;
	const float *x;
	const int32_t *from; /* [rows] */
	const int32_t *to;   /* [rows] */
	float *out;          /* vectors jump apart */
	ptrdiff_t jump;
	const float *start;  /* DIRECT_NR values that the sums begin with */
	float least;         /* results are no smaller than that */
	ptrdiff_t ahead;     /* how far behind a weight in use lies the one that is fetched meanwhile; 0: none */
	bool acc;
} direct_sum;

/* All rows of a sum for some filters. */
void EG_NAME(direct_rows)(direct_sum t, int rows, int filters);

EG_ALWAYS_INLINE int direct_up(int n, int unit) { return (n + unit - 1) / unit; }

/* ---- the problem: forward and gradient of x alike ---------------------------------------------------------------- */

/* One side of the pictures. Output o = cell*phases + phase reads input cell*step + (a distance that depends on phase
 * and tap). */
typedef struct direct_side {
	int in, out, taps, pad, dilation, phases, step;
	bool back;
	int cells;
	int low, high;          /* smallest and largest distance */
	int pitch, jump, count; /* in a strip: from a cell to the next; in the picture: from one copied line to the
	                         * next; lines for all cells */
} direct_side;

direct_side EG_NAME(direct_side_of)(int in, int out, int taps, int pad, int dilation, int stride, bool back);

/* Does tap r meet outputs of `phase`, and at which distance? */
EG_ALWAYS_INLINE bool direct_meets(const direct_side *d, int phase, int r, int *distance) {
	int at = d->back ? phase + d->pad - r * d->dilation : r * d->dilation - d->pad;
	if (d->back && at % d->phases != 0) return false;
	*distance = d->back ? at / d->phases : at;
	return true;
}

/* Outputs of `phase` in cells [0, cells). */
EG_ALWAYS_INLINE int direct_in_phase(const direct_side *d, int cells, int phase) {
	int all = (d->out - phase + d->phases - 1) / d->phases;
	return cells < all ? cells : all;
}

typedef struct direct_job {
	int N, G, C, K; /* input and output channels of a group */
	int X, Y;       /* and of all */
	bool x_blocked, y_blocked;
	direct_side h, w;
	bool in_place;                        /* x is read where it lies */
	ptrdiff_t panel;                      /* x is copied into panels, so far apart; 0: lines */
	ptrdiff_t column, line, block, sample; /* from one to the next in a strip; block: 16 channels, or one of a PLAIN
	                                        * x */
	int rows, samples, strips, groups, splits; /* cells and samples of a strip; groups of DIRECT_NR filters, shared
	                                            * out among units */
} direct_job;

EG_ALWAYS_INLINE int direct_units(const direct_job *d) { return d->G * d->strips * d->splits; }

/* Everything, or but the cut into strips, which direct_strides wants to know. */
direct_job EG_NAME(direct_of)(const eg_conv_shape *s, bool back);
direct_job EG_NAME(direct_sides)(const eg_conv_shape *s, bool back);
/* Distances in a strip of d->rows cells and d->C channels. */
void EG_NAME(direct_strides)(direct_job *d);
/* Positions of a strip, over all phases. */
int EG_NAME(direct_positions)(const direct_job *d);

/* ---- a strip ----------------------------------------------------------------------------------------------------- */

/* What a call keeps in scratch. */
typedef struct direct_room {
	int32_t *off, *from, *to; /* terms of all phases; positions of all phases, read and (or NULL) written */
	float *strip, *line, *buffer; /* line: one channel on its way into panels */
} direct_room;
/* A strip: cells [row, row + rows) of samples [n, n + samples). */
typedef struct direct_strip {
	int n, samples, row, rows;
	const float *x;
} direct_strip;

/* Bytes of the room, and, unless `room` is NULL, where its parts lie from `base` on. */
size_t EG_NAME(direct_layout)(const direct_job *d, char *base, direct_room *room);
/* Distances of the terms of all phases. */
void EG_NAME(direct_terms)(const direct_job *d, int32_t *off);
/* Where the positions of a strip are read and written. */
void EG_NAME(direct_places)(const direct_job *d, const direct_strip *t, const direct_room *room);
/* Strip number `strip` of `channels` channels of x from number c on, copied where that is needed. */
direct_strip EG_NAME(direct_load)(
	const direct_job *d, const float *x, int c, int channels, int strip, const direct_room *room);
/* `count` positions of `filters` <= width filters from [position][width], width EG_BLOCK or DIRECT_NR, into planes of a
 * PLAIN y. Reads up to V - 1 positions behind the last. */
void EG_NAME(direct_unload)(
	const float *from, ptrdiff_t width, int count, int filters, float *y, ptrdiff_t plane, bool acc, eg_act act);
/* `count` positions of `filters` <= width PLAIN planes into [position][width], zeros in the other lanes. May write up
 * to V - 1 positions behind the last. */
void EG_NAME(direct_turn)(const float *dy, ptrdiff_t plane, int count, int filters, float *to, int width);

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

void EG_NAME(conv_direct_fwd)(const void *args, int begin, int end, const eg_worker *worker);
void EG_NAME(conv_direct_bwd_data)(const void *args, int begin, int end, const eg_worker *worker);
void EG_NAME(conv_direct_pack)(const void *args, int begin, int end, const eg_worker *worker);
int EG_NAME(conv_direct_pack_units)(const eg_conv_shape *s, eg_conv_dir dir);
size_t EG_NAME(conv_direct_pack_bytes)(const eg_conv_shape *s, eg_conv_dir dir);

#endif

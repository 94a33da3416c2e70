/* kern_pictures.h - pictures made larger (kern.h): up-sampling and padding. Other slots of pictures: kern_conv.h,
 * kern_pool.h, kern_batchnorm.h. */
#ifndef ENGRAM_KERN_PICTURES_H
#define ENGRAM_KERN_PICTURES_H

#include "kern/kern_types.h"

/* ---- up-sampling: block jobs in either layout -------------------------------------------------------------------- */

/* upsample_fwd: y (N, C, H*sh, W*sw)[n][c][p][q] = x (N,C,H,W)[n][c][p/sh][q/sw]; upsample_bwd, the adjoint: x = [x +]
 * the sums of the sh x sw positions of y that show it, row by row. */
typedef struct eg_upsample_args {
	eg_buf from, to; /* x, y; upsample_bwd: y, x */
	int N, C, H, W, sh, sw;
	bool lanes; /* layout of both: LANES or PLAIN */
	bool acc;   /* upsample_bwd */
} eg_upsample_args;

/* ---- padding ----------------------------------------------------------------------------------------------------- */

/* pad_fwd: y (N, C+c0+c1, H+h0+h1, W+w0+w1) = x (N,C,H,W) with zeros around it; pad_bwd, the adjoint: x = [x +] the
 * inside of y. Block jobs in any layout. (The layout's own lanes beyond the last channel are zero in the result; beyond
 * the last sample they are as in what is read.) */
typedef struct eg_pad_args {
	eg_buf from, to; /* x, y; pad_bwd: y, x */
	int N, C, H, W, c0, c1, h0, h1, w0, w1;
	eg_layout layout;
	bool acc; /* pad_bwd */
} eg_pad_args;

#endif

/* kern_spatial.h - the part of the contract (kern.h) that is about where numbers of sequences, pictures and volumes
 * lie: places of largest values, picking and putting by places, regions of interest. Resampling:
 * kern_resample.h; pooling: kern_pool.h. */
#ifndef ENGRAM_KERN_SPATIAL_H
#define ENGRAM_KERN_SPATIAL_H

#include "kern/kern_types.h"

/* ---- by places: PLAIN, jobs over blocks of EG_BLOCK samples ------------------------------------------------------ */

/* The windows along one of three axes (D, H, W; what there is not has 1 position). Window o has the positions
 * o*stride - begin + k*dilation, 0 <= k < kernel, that lie in 0..in-1; where `kernel` is 0, which is adaptive pooling,
 * those from floor(o*in/out) to before ceil((o+1)*in/out). There is at least one. */
typedef struct eg_window_axis {
	int in, out, kernel, stride, begin, dilation;
} eg_window_axis;
EG_ALWAYS_INLINE int eg_adaptive_begin(int o, int in, int out) { return (int)((int64_t)o * in / out); }
EG_ALWAYS_INLINE int eg_adaptive_end(int o, int in, int out) { return (int)(((int64_t)(o + 1) * in + out - 1) / out); }

/* pool_places: y (int32_t; N,C and the `out` of the axes) = place of the first largest of each window in x (N,C and the
 * `in`), NaN before all: its number in its picture, (d*H + h)*W + w. */
typedef struct eg_pool_places_args {
	eg_buf x, y;
	eg_window_axis d, h, w;
	int N, C;
} eg_pool_places_args;

/* pick: y (N,C,ny) = [y +] x (N,C,nx) at the places `at` (int32_t; N,C,ny) of the same channel.
 * put:  y (N,C,ny) = [y +] zeros into which x (N,C,nx) is put at the places `at` (int32_t; N,C,nx); `sum`: what comes
 *       to the same place is added, else the last stays, and acc is false.
 * A place outside of the channel is none: 0 is picked, nothing is put. */
typedef struct eg_places_args {
	eg_buf x, at, y;
	int N, C;
	int64_t nx, ny;
	bool sum, acc;
} eg_places_args;

/* ---- regions of interest ----------------------------------------------------------------------------------------- */

/* ONNX RoiAlign-16 (He et al. 2017): y (R,C,P,Q) of x (N,C,H,W), a region r being rois[r] = x1, y1, x2, y2 times
 * `scale` in picture batch[r] (int32_t). Each of its P x Q parts has sampling x sampling points (0: ceil(its extent) by
 * ceil), at each of which x is interpolated between its four neighbours; y is their average, or, with `max`, the
 * largest of all weighted neighbours. half_pixel: coordinates are shifted by -0.5; else regions are at least 1 high and
 * wide. A picture that is not there gives 0.
 *   roi_align_fwd  global, a unit a region
 *   roi_align_bwd  dx = [dx +] gradient; in max mode it needs x, which else is absent. Global, a unit a channel of
 *                  a picture. No gradient of regions. */
typedef struct eg_roi_shape {
	int N, C, H, W, R, P, Q, sampling;
	real scale;
	bool max, half_pixel;
} eg_roi_shape;
typedef struct eg_roi_align_args {
	eg_buf x, rois, batch, y;
	eg_roi_shape s;
} eg_roi_align_args;
typedef struct eg_roi_align_bwd_args {
	eg_buf x, rois, batch, dy, dx;
	eg_roi_shape s;
	bool acc;
} eg_roi_align_bwd_args;

#endif

/* kern_resample.h - resampling along an axis (kern.h). */
#ifndef ENGRAM_KERN_RESAMPLE_H
#define ENGRAM_KERN_RESAMPLE_H

#include "kern/kern_types.h"

/* y (rows, out, inner) = T x (rows, in, inner) along the middle axis; T has a row of neighbouring weights for each
 * position of y, which says its place in x by `coordinate` (ONNX Resize-18's names, with scale = out / in or what the
 * user gave) and the weights around it by `method`:
 *   nearest   one weight, at the place rounded as `rounding` says
 *   linear    1 - |d| at distance d < 1          cubic   Keys' kernel with parameter cubic_a, at distance d < 2
 *   adaptive  equal weights for the window of adaptive average pooling; nothing else counts
 * Places outside of x are those at its border, or, with exclude_outside, have no weight, the others being scaled to the
 * sum 1. antialias: where y is smaller the kernel is as much wider. */
typedef enum eg_resample_method {
	EG_RESAMPLE_NEAREST,
	EG_RESAMPLE_LINEAR,
	EG_RESAMPLE_CUBIC,
	EG_RESAMPLE_ADAPTIVE
} eg_resample_method;
typedef enum eg_coordinate {
	EG_COORDINATE_HALF_PIXEL,
	EG_COORDINATE_HALF_PIXEL_SYMMETRIC,
	EG_COORDINATE_PYTORCH_HALF_PIXEL,
	EG_COORDINATE_ALIGN_CORNERS,
	EG_COORDINATE_ASYMMETRIC,
	EG_COORDINATE_TF_HALF_PIXEL_FOR_NN,
	EG_COORDINATE_TF_CROP_AND_RESIZE
} eg_coordinate;
typedef enum eg_rounding {
	EG_ROUNDING_PREFER_FLOOR,
	EG_ROUNDING_PREFER_CEIL,
	EG_ROUNDING_FLOOR,
	EG_ROUNDING_CEIL
} eg_rounding;
typedef struct eg_resample_axis {
	int in, out;
	eg_resample_method method;
	eg_coordinate coordinate;
	eg_rounding rounding;
	bool exclude_outside, antialias;
	double scale, cubic_a;
	double start, end, outside; /* tf_crop_and_resize: the part of x that is taken, 0 to 1 being all, start <= end;
	                             * what y is where that reaches beyond x */
} eg_resample_axis;

/* resample: to = T from; with `back` the adjoint, to = [to +] T' from, `from` having the positions of y. N samples of
 * `rows` matrices each, inner contiguous elements a position; with `lanes` 16 samples of an element lie side by side
 * (LANES; or channels, BLOCKED, which are to it samples). Block jobs in any layout, or the same as global ones; scratch
 * eg_resample_scratch(axis, back). */
typedef struct eg_resample_args {
	eg_buf from, to;
	eg_resample_axis axis;
	int N, rows;
	int64_t inner;
	bool lanes, back, acc;
} eg_resample_args;

/* The rows of T, or of its transpose: weights w[0..count) for the positions from `first` on, and what is added. */
typedef struct eg_resample_row {
	int first, count;
	real plus;
	const real *w;
} eg_resample_row;
size_t eg_resample_scratch(const eg_resample_axis *a, bool back);
/* Computed into scratch, in which the rows then lie. */
const eg_resample_row *eg_resample_rows(const eg_resample_axis *a, bool back, void *scratch);

#endif

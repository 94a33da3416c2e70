/* resample.h - what resize and adaptive average pooling share: resampling along one to three axes, one after the other.
 * */
#ifndef ENGRAM_OPS_RESAMPLE_H
#define ENGRAM_OPS_RESAMPLE_H

#include "ops/ops.h"

/* Axes of the last `rank` dimensions, in their order. */
typedef struct resample {
	int rank;
	eg_resample_axis axis[3];
} resample;

/* Output 0 from input 0 in the layout in which that lies, and back. */
void resample_fwd(eg_emit *e, const resample *r);
void resample_bwd(eg_emit *e, const resample *r);

#endif

/* conv_mask.h - filters that do not see all channels: weights outside of a mask are zero for whoever reads them, and
 * have no gradient. */
#ifndef ENGRAM_OPS_CONV_MASK_H
#define ENGRAM_OPS_CONV_MASK_H

#include "ops/ops.h"

/* to = [to +] from, of which only those blocks of `taps` elements are left for which the mask is not 0. */
void conv_mask_call(eg_emit *e, eg_ints mask, int taps, eg_buf from, eg_buf to, bool acc);
/* A copy of w like that; w itself where there is no mask. */
eg_buf conv_masked(eg_emit *e, eg_ints mask, int taps, eg_buf w);

#endif

/* kern_pool.h - pooling of pictures (kern.h): block jobs in either layout. By places, and of volumes:
 * kern_spatial.h. */
#ifndef ENGRAM_KERN_POOL_H
#define ENGRAM_KERN_POOL_H

#include "kern/kern_types.h"

/* Windows as in convolution (R,S kernel; sh,sw; ph,pw; dh,dw); channels stay apart. Only positions inside of x take
 * part in a maximum. */
typedef struct eg_pool_shape {
	int N, C, H, W, R, S, P, Q, sh, sw, ph, pw, dh, dw;
	bool lanes;             /* layout of all buffers: LANES or PLAIN */
	bool count_include_pad; /* average: divide by R*S, counting padding, instead of the positions inside of x (ceil
	                         * mode never counts positions beyond H + 2 ph, as PyTorch defines it: divisor =
	                         * min(start + extent, H + pad_end) - start) */
	int pad_end_h, pad_end_w; /* padding at the bottom and right, for the rule above */
} eg_pool_shape;

/* maxpool_fwd: y = maximum, index (uint16_t, same layout as y, absent at inference) = r*S + s of the first largest
 * element. A NaN in the window wins. */
typedef struct eg_maxpool_fwd_args {
	eg_buf x, y, index;
	eg_pool_shape s;
} eg_maxpool_fwd_args;
/* maxpool_bwd: dx = [dx +] dy routed to the winners. */
typedef struct eg_maxpool_bwd_args {
	eg_buf dy, index, dx;
	eg_pool_shape s;
	bool acc;
} eg_maxpool_bwd_args;
typedef struct eg_avgpool_fwd_args {
	eg_buf x, y;
	eg_pool_shape s;
} eg_avgpool_fwd_args;
typedef struct eg_avgpool_bwd_args {
	eg_buf dy, dx;
	eg_pool_shape s;
	bool acc;
} eg_avgpool_bwd_args;

#endif

/* pool.h - what all pooling operators share (pool_windows.c): windows over one to three axes, and the calls that pool
 * by them.
 *
 * 1-D is 2-D with one row. 3-D is 2-D, picture by picture of a volume, and then along the depth, the rest of a picture
 * being one row: that the maximum's first winner and the average's divisor are the same is why windows are boxes. */
#ifndef ENGRAM_OPS_POOL_H
#define ENGRAM_OPS_POOL_H

#include "ops/window.h"

/* Windows over the last `rank` dimensions, in their order. */
typedef struct pool {
	int rank;
	int kernel[WINDOW_AXES], stride[WINDOW_AXES], begin[WINDOW_AXES], end[WINDOW_AXES], dilation[WINDOW_AXES];
	int size[WINDOW_AXES]; /* adaptive: so many windows; 0: as the others say */
	bool whole;          /* one window as large as the picture */
	bool ceil_mode, exclude_pad;
	window_pad auto_pad;
} pool;

/* From options: stride 0 is the kernel's, end -1 the beginning's; stride, end and dilation may be NULL. */
pool pool_of(int rank, const int *kernel, const int *stride, const int *begin, const int *end, const int *dilation);

/* Checks that x is (N,C,..) with `rank` more dimensions and sets the dimensions of output 0, and what `engram info`
 * wants to know of windows. Refuses windows that are larger than x, or that see nothing but padding, which have no
 * maximum and no average. */
eg_status pool_infer(eg_infer *s, const pool *w);
/* The same, and output 1, the places of the largest. */
eg_status pool_infer_max(eg_infer *s, const pool *w);

bool pool_max_follows(const eg_emit *e, const pool *w);
void pool_max_fwd(eg_emit *e, const pool *w);
void pool_max_bwd(eg_emit *e, const pool *w);
void pool_average_fwd(eg_emit *e, const pool *w);
void pool_average_bwd(eg_emit *e, const pool *w);

#endif

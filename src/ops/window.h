/* window.h - what convolution and pooling share: windows sliding over pictures (N,C,H,W). */
#ifndef ENGRAM_OPS_WINDOW_H
#define ENGRAM_OPS_WINDOW_H

#include "ops/ops.h"

/* Height first, then width, in all pairs. */
typedef struct window {
	int kernel[2], stride[2], padding[2], dilation[2];
	bool ceil_mode;
} window;

/* Checks that x is (N,C,H,W), H and W perhaps open, and sets the spatial part of output 0, out[2] and out[3], and what
 * `engram info` wants to know of windows:
 *   out = floor or ceil ((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1
 * In ceil mode a last window that would begin beyond the input and its left padding is left out (as in PyTorch). */
eg_status window_infer(eg_infer *s, const window *w);
/* Refuses windows that see nothing but padding, which have no maximum and no average. */
eg_status window_check_taps(const eg_infer *s, const window *w);

#endif

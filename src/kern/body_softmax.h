/* body_softmax.h - softmax of one row (body_loss.c), which attention is made of too. */
#ifndef ENGRAM_BODY_SOFTMAX_H
#define ENGRAM_BODY_SOFTMAX_H

#include "kern/simd.h"

/* y = softmax(x) of one row; the maximum and the sum of exp(x - maximum) go to *max and *sum. A NaN or +infinity in x
 * makes the sum NaN, and by it the row. */
void EG_NAME(softmax_row)(const float *x, float *y, int n, float *max, float *sum);
/* Its gradient: dx = [dx +] y * (dy - sum(dy * y)). */
void EG_NAME(softmax_bwd_row)(const float *y, const float *dy, float *dx, int n, bool acc);

#endif

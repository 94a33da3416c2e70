/* body_conv_lanes.h - what body_conv_lanes.c and body_conv_pool.c share. */
#ifndef ENGRAM_BODY_CONV_LANES_H
#define ENGRAM_BODY_CONV_LANES_H

#include "kern/simd.h"

EG_ALWAYS_INLINE int lanes_min(int a, int b) { return a < b ? a : b; }
EG_ALWAYS_INLINE int lanes_ceil(int a, int b) { return (a + b - 1) / b; }

/* sum[0..V) += n vectors from dy. */
void EG_NAME(lanes_sum)(const float *dy, ptrdiff_t n, float *sum);

#endif

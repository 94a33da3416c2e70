/* body_conv_cost.h - what the convolutions' estimates of their cost are made of: nanoseconds on one core at about
 * 3.3 GHz, fitted to what `engram tune-kernels` measures. */
#ifndef ENGRAM_BODY_CONV_COST_H
#define ENGRAM_BODY_CONV_COST_H

#include "kern/kern_conv.h"
#include "kern/simd.h"

/* Multiply-adds in a nanosecond with all vector units busy. */
#define COST_PEAK (2.0 * V * 3.3)

EG_ALWAYS_INLINE double conv_macs(const eg_conv_shape *s) {
	const int channels = s->C / s->G;
	return (double)s->N * s->K * s->P * s->Q * channels * s->R * s->S;
}

#endif

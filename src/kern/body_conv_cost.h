/* body_conv_cost.h - what the convolutions with pictures in lanes and by implicit product take, for the planner:
 * estimates from shapes, in nanoseconds on one core at about 3.3 GHz, fitted to what `engram tune-kernels` measures.
 * Those of the other algorithms stand beside them. */
#ifndef ENGRAM_BODY_CONV_COST_H
#define ENGRAM_BODY_CONV_COST_H

#include "kern/body_gemm.h"

/* Multiply-adds in a nanosecond with all vector units busy. */
#define COST_PEAK (2.0 * V * 3.3)

static double EG_NAME(conv_macs)(const eg_conv_shape *s) {
	const int channels = s->C / s->G;
	return (double)s->N * s->K * s->P * s->Q * channels * s->R * s->S;
}

/* Whole blocks of 16 pictures, whether there are so many or not. */
static double EG_NAME(conv_lanes_cost)(const eg_conv_shape *s, eg_conv_dir dir) {
	static const double share[EG_CONV_BWD_WEIGHTS + 1] = {0.7, 0.6, 0.6}; /* of the peak, by direction */
	double blocks = eg_blocks(s->N) * (double)EG_BLOCK / s->N;
	return blocks * EG_NAME(conv_macs)(s) / (COST_PEAK * share[dir]);
}

/* The share of n in whole tiles. */
static double EG_NAME(conv_filled)(int n, int tile) { return n / (double)EG_NAME(gemm_up)(n, tile); }

/* Rows of the product are filters, for the gradient of x channels, or pairs of channel and tap (body_conv_plain.h);
 * what is multiplied is copied into the order of a matrix first; each result costs something besides, which tells where
 * the sums are short. */
static double EG_NAME(conv_plain_cost)(const eg_conv_shape *s, eg_conv_dir dir) {
	static const double share[EG_CONV_BWD_WEIGHTS + 1] = {0.65, 0.5, 0.5};
	const int C = s->C / s->G, K = s->K / s->G, taps = s->R * s->S;
	const bool per_tap = dir == EG_CONV_BWD_DATA && !EG_NAME(conv_turns)(s);
	double filled = EG_NAME(conv_filled)(dir != EG_CONV_BWD_DATA ? K : per_tap ? C * taps : C, GEMM_MR);
	if (dir == EG_CONV_BWD_WEIGHTS) filled *= EG_NAME(conv_filled)(C * taps, GEMM_NR);
	double copied = (double)s->N * s->P * s->Q * s->C * taps, results = (double)s->N * s->P * s->Q * s->K;
	/* a convolution of dy */
	if (dir == EG_CONV_BWD_DATA && !per_tap) copied = (double)s->N * s->H * s->W * s->K * taps;
	return EG_NAME(conv_macs)(s) / (COST_PEAK * share[dir] * filled) + copied / (V * 0.5) + results * 0.5;
}

static void EG_NAME(fill_conv_cost)(eg_kernels *k) {
	k->conv_lanes_cost = EG_NAME(conv_lanes_cost);
	k->conv_plain_cost = EG_NAME(conv_plain_cost);
}

#endif

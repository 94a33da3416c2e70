/* body_conv_cost.h - what the convolutions with pictures in lanes and by implicit product take, for the planner: estimates from shapes, in
 * nanoseconds on one core at about 3.3 GHz, fitted to what `engram tune-kernels` measures. Those of the other algorithms stand beside them. */
#include "kern/simd.h"

/* Multiply-adds in a nanosecond with all vector units busy. */
#define COST_PEAK (2.0 * V * 3.3)

static double EG_NAME(conv_macs)(const eg_conv_shape *s) {
	const int channels = s->C / s->G;
	return (double)s->N * s->K * s->P * s->Q * channels * s->R * s->S;
}

/* Whole blocks of 16 pictures, whether there are so many or not. */
static double EG_NAME(conv_lanes_cost)(const eg_conv_shape *s, eg_conv_dir dir) {
	static const double share[] = {0.7, 0.6, 0.6}; /* of the peak, by direction */
	double blocks = eg_blocks(s->N) * (double)EG_BLOCK / s->N;
	return blocks * EG_NAME(conv_macs)(s) / (COST_PEAK * share[dir]);
}

/* Panels of 16 filters (or channels, backward); what is multiplied is copied into the order of a matrix first; each result costs
 * something besides, which tells where the sums are short. */
static double EG_NAME(conv_plain_cost)(const eg_conv_shape *s, eg_conv_dir dir) {
	static const double share[] = {0.65, 0.5, 0.5};
	double wide = dir == EG_CONV_BWD_DATA ? s->C / s->G : s->K / s->G, filled = wide / (eg_blocks((int)wide) * (double)EG_BLOCK);
	double copied = (double)s->N * s->P * s->Q * s->C * s->R * s->S, results = (double)s->N * s->P * s->Q * s->K;
	return EG_NAME(conv_macs)(s) / (COST_PEAK * share[dir] * filled) + copied / (V * 0.5) + results * 0.5;
}

static void EG_NAME(fill_conv_cost)(eg_kernels *k) {
	k->conv_lanes_cost = EG_NAME(conv_lanes_cost);
	k->conv_plain_cost = EG_NAME(conv_plain_cost);
}

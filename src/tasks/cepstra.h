/* cepstra.h - how far two recordings of the same words are from each other: mel-cepstral distortion (Kubichek 1993),
 * the steps of both brought together by dynamic time warping (Sakoe and Chiba 1978).
 *
 * Of frames of 32 ms every 8, log-mel in 40 bands from 0 to 4000 Hz (or half the rate, where that is less), no band
 * below -80 dB, and of these half the logarithm, so of amplitudes: c_k = 1/40 sum_b L_b cos(pi k (b + 1/2) / 40), k = 1
 * to 13, so that L_b = c_0 + 2 sum_k c_k cos(...). c_0, the loudness, does not count. Of two steps the distortion is
 * 10 / ln 10 sqrt(2 sum_k (c_k - c'_k)^2) dB; of two recordings its mean along the path whose sum is least, each step
 * of which goes on by one in one of them or in both. */
#ifndef ENGRAM_TASKS_CEPSTRA_H
#define ENGRAM_TASKS_CEPSTRA_H

#include "data/data.h"

enum { EG_CEPSTRA = 13 };
typedef struct eg_cepstra {
	float *at; /* (n, EG_CEPSTRA); to be released */
	int n;
} eg_cepstra;

/* Of one channel. */
eg_status eg_cepstra_of(const float *x, int64_t n, double rate, eg_cepstra *c, eg_error *err);
void eg_cepstra_free(eg_cepstra *c);
/* dB; EG_ERR_ARG: one of them is empty. */
eg_status eg_cepstra_distortion(const eg_cepstra *a, const eg_cepstra *b, double *db, eg_error *err);

#endif

/* peak.h - what the benchmarks share: a clock, and the loops of fused multiply-adds whose speed is the peak that they are compared with. */
#ifndef ENGRAM_BENCH_PEAK_H
#define ENGRAM_BENCH_PEAK_H

#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* n rounds of independent chains of multiply-adds; returns the number of operations. */
#if defined(__x86_64__)
__attribute__((target("avx512f"))) static inline double fma_avx512(int n, float *out) {
	__m512 a[16], x = _mm512_set1_ps(0.999f);
	UNROLL for (int i = 0; i < 16; i++) a[i] = _mm512_set1_ps((float)i);
	for (int j = 0; j < n; j++) UNROLL for (int i = 0; i < 16; i++) a[i] = _mm512_fmadd_ps(a[i], x, x);
	UNROLL for (int i = 1; i < 16; i++) a[0] = _mm512_add_ps(a[0], a[i]);
	*out += _mm512_cvtss_f32(a[0]);
	return 16.0 * 16 * 2 * n;
}
__attribute__((target("avx2,fma"))) static inline double fma_avx2(int n, float *out) {
	__m256 a[12], x = _mm256_set1_ps(0.999f);
	UNROLL for (int i = 0; i < 12; i++) a[i] = _mm256_set1_ps((float)i);
	for (int j = 0; j < n; j++) UNROLL for (int i = 0; i < 12; i++) a[i] = _mm256_fmadd_ps(a[i], x, x);
	UNROLL for (int i = 1; i < 12; i++) a[0] = _mm256_add_ps(a[0], a[i]);
	*out += _mm256_cvtss_f32(a[0]);
	return 12.0 * 8 * 2 * n;
}
#endif

#endif

/* body_peak.c - the fastest that this machine multiplies and adds: what the speed of kernels is compared with. */
#include "kern/simd.h"

#if defined(__clang__)
#define PEAK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PEAK_UNROLL _Pragma("GCC unroll 16")
#endif

/* Chains that wait for nothing but themselves: enough for two units of latency 5, and they fit into the registers. */
double EG_NAME(fma_loop)(int rounds, real *out) {
	enum { CHAINS = VREGS >= 32 ? 16 : 12 };
	vf a[CHAINS], x = vset1(0.999f);
	PEAK_UNROLL for (int i = 0; i < CHAINS; i++) a[i] = vset1((float)i);
	for (int j = 0; j < rounds; j++)
		PEAK_UNROLL for (int i = 0; i < CHAINS; i++) a[i] = vfma(a[i], x, x);
	PEAK_UNROLL for (int i = 1; i < CHAINS; i++) a[0] = vadd(a[0], a[i]);
	*out += vsum(a[0]);
	return 2.0 * V * CHAINS * rounds;
}

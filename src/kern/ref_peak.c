/* ref_peak.c - the speed of plain C: chains of multiplications and additions that wait for nothing but themselves. */
#include "kern/ref.h"

static double fma_loop__ref(int rounds, real *out) {
	enum { CHAINS = 12 };
	real a[CHAINS];
	const real x = (real)0.999;
	for (int i = 0; i < CHAINS; i++) a[i] = (real)i;
	for (int j = 0; j < rounds; j++)
		for (int i = 0; i < CHAINS; i++) a[i] = a[i] * x + x;
	for (int i = 1; i < CHAINS; i++) a[0] += a[i];
	*out += a[0];
	return 2.0 * CHAINS * rounds;
}

void fill_peak__ref(eg_kernels *k) { EG_FILL(k, fma_loop, fma_loop__ref); }

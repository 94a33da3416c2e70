/* isa_wide16.c - the kernel bodies compiled for 16 lanes in portable C: for tests, on machines without AVX-512. In no
 * library. */
#define EG_PORTABLE_LANES 16
#define EG_SUFFIX wide16
#include "kern/bodies.h"

void eg_kernels_wide16(eg_kernels *k) {
	EG_NAME(fill)(k);
	k->name = "wide16";
}

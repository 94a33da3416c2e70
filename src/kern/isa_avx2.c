/* isa_avx2.c - the kernel bodies compiled for AVX2. */
#include "kern/bodies.h"

void eg_kernels_avx2(eg_kernels *k) {
	EG_NAME(fill)(k);
	k->name = "avx2";
}

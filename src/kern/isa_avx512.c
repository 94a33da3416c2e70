/* isa_avx512.c - the kernel bodies compiled for AVX-512. */
#include "kern/bodies.h"

void eg_kernels_avx512(eg_kernels *k) {
	EG_NAME(fill)(k);
	k->name = "avx512";
}

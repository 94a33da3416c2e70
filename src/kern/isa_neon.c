/* isa_neon.c - the kernel bodies compiled for NEON. */
#include "kern/bodies.h"

void eg_kernels_neon(eg_kernels *k) {
	EG_NAME(fill)(k);
	k->name = "neon";
}

/* select.c - which kernel table runs on which machine. */
#include "kern/kern.h"

#include <string.h>

bool eg_kernels_get(eg_kernels *k, eg_isa isa, const eg_cpu *cpu) {
	if (!cpu->has[isa]) return false;
	memset(k, 0, sizeof *k);
	eg_kernels_ref(k);
	switch (isa) {
	case EG_ISA_REF: return true;
#ifdef ENGRAM_HAVE_AVX2
	case EG_ISA_AVX2: eg_kernels_avx2(k); return true;
#endif
#ifdef ENGRAM_HAVE_AVX512
	case EG_ISA_AVX512: eg_kernels_avx512(k); return true;
#endif
#ifdef ENGRAM_HAVE_NEON
	case EG_ISA_NEON: eg_kernels_neon(k); return true;
#endif
#ifdef ENGRAM_HAVE_WIDE16
	case EG_ISA_WIDE16: eg_kernels_wide16(k); return true;
#endif
	default: return false;
	}
}

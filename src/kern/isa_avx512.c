/* isa_avx512.c - the kernel bodies compiled for AVX512, and the table entries that they fill. */
#include "kern/simd.h"

#include "kern/body_gemm.h"
#include "kern/body_conv_plain.h"
#include "kern/body_conv_lanes.h"
#include "kern/body_pool.h"
#include "kern/body_map.h"
#include "kern/body_loss.h"
#include "kern/body_optimizer.h"

void eg_kernels_avx512(eg_kernels *k) {
	k->name = "avx512";
	EG_NAME(fill_gemm)(k);
	EG_NAME(fill_conv_plain)(k);
	EG_NAME(fill_conv_lanes)(k);
	EG_NAME(fill_pool)(k);
	EG_NAME(fill_map)(k);
	EG_NAME(fill_loss)(k);
	EG_NAME(fill_optimizer)(k);
}

/* bodies.h - all kernel bodies, to be included once by each instruction set's file, and the list of what they fill. */
#ifndef ENGRAM_BODIES_H
#define ENGRAM_BODIES_H

#include "kern/simd.h"

#include "kern/body_act.h"
#include "kern/body_gemm.h"
#include "kern/body_conv_plain.h"
#include "kern/body_conv_lanes.h"
#include "kern/body_conv_cost.h"
#include "kern/body_conv_direct.h"
#include "kern/body_conv_direct_weights.h"
#include "kern/body_conv_depthwise_plain.h"
#include "kern/body_conv_depthwise.h"
#include "kern/body_winograd.h"
#include "kern/body_conv_winograd.h"
#include "kern/body_conv_winograd_weights.h"
#include "kern/body_pool.h"
#include "kern/body_upsample.h"
#include "kern/body_resample.h"
#include "kern/body_conv_pool.h"
#include "kern/body_map.h"
#include "kern/body_unary.h"
#include "kern/body_binary.h"
#include "kern/body_reduce.h"
#include "kern/body_strided.h"
#include "kern/body_batchnorm.h"
#include "kern/body_norm.h"
#include "kern/body_along.h"
#include "kern/body_gate.h"
#include "kern/body_loss.h"
#include "kern/body_gates.h"
#include "kern/body_recurrent.h"
#include "kern/body_sequence.h"
#include "kern/body_additive.h"
#include "kern/body_element_loss.h"
#include "kern/body_crf.h"
#include "kern/body_optimizer.h"
#include "kern/body_peak.h"

static void EG_NAME(fill)(eg_kernels *k) {
	EG_NAME(fill_gemm)(k);
	EG_NAME(fill_conv_plain)(k);
	EG_NAME(fill_conv_lanes)(k);
	EG_NAME(fill_conv_cost)(k);
	EG_NAME(fill_conv_direct)(k);
	EG_NAME(fill_conv_depthwise)(k);
	EG_NAME(fill_conv_winograd)(k);
	EG_NAME(fill_pool)(k);
	EG_NAME(fill_upsample)(k);
	EG_NAME(fill_resample)(k);
	EG_NAME(fill_conv_pool)(k);
	EG_NAME(fill_map)(k);
	EG_NAME(fill_unary)(k);
	EG_NAME(fill_binary)(k);
	EG_NAME(fill_reduce)(k);
	EG_NAME(fill_strided)(k);
	EG_NAME(fill_batchnorm)(k);
	EG_NAME(fill_norm)(k);
	EG_NAME(fill_along)(k);
	EG_NAME(fill_gate)(k);
	EG_NAME(fill_loss)(k);
	EG_NAME(fill_gates)(k);
	EG_NAME(fill_recurrent)(k);
	EG_NAME(fill_sequence)(k);
	EG_NAME(fill_additive)(k);
	EG_NAME(fill_element_loss)(k);
	EG_NAME(fill_crf)(k);
	EG_NAME(fill_optimizer)(k);
	EG_NAME(fill_peak)(k);
}

#endif

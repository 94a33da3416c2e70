/* chosen.h - of a library of chosen operators: which members of the kernel table it needs (EG_CHOSEN, fill.h). Slots
 * that the operators call stand in chosen_slots.h, which the build makes; here stands what goes with them: functions
 * that say how a slot wants to be called, what kernels call of their own table, and what is called by no operator.
 *
 * A new member of the table that is no slot needs a line here. */
#ifndef ENGRAM_KERN_CHOSEN_H
#define ENGRAM_KERN_CHOSEN_H

#include "chosen_slots.h" /* EG_HAS_<slot>: 0 or 1 */

#define EG_HAS_fma_loop 1 /* eg_machine_measure */

/* Optimizers call these without a plan. */
#ifndef ENGRAM_INFERENCE
#undef EG_HAS_update
#undef EG_HAS_sumsq
#undef EG_HAS_clip_value
#undef EG_HAS_blend
#define EG_HAS_update 1
#define EG_HAS_sumsq 1
#define EG_HAS_clip_value 1
#define EG_HAS_blend 1
#endif

/* gemm_batch calls gemm of its table; so does Muon. */
#if EG_HAS_gemm_batch || !defined(ENGRAM_INFERENCE)
#undef EG_HAS_gemm
#define EG_HAS_gemm 1
#endif
#define EG_HAS_gemm_units EG_HAS_gemm
#define EG_HAS_gemm_scratch EG_HAS_gemm
#define EG_HAS_gemm_pack_units (EG_HAS_gemm_pack || EG_HAS_gemm_packed)
#define EG_HAS_gemm_pack_bytes EG_HAS_gemm_pack_units

/* ---- convolution ------------------------------------------------------------------------------------------------- */

#define EG_HAS_conv_lanes (EG_HAS_conv_lanes_fwd || EG_HAS_conv_lanes_bwd_data || EG_HAS_conv_lanes_bwd_weights)
#define EG_HAS_conv_lanes_pack_bytes EG_HAS_conv_lanes
#define EG_HAS_conv_lanes_scratch EG_HAS_conv_lanes
#define EG_HAS_conv_lanes_cost EG_HAS_conv_lanes
#define EG_HAS_conv_pool_can EG_HAS_conv_pool_fwd
#define EG_HAS_conv_pool_scratch EG_HAS_conv_pool_fwd
#define EG_HAS_conv_plain (EG_HAS_conv_plain_fwd || EG_HAS_conv_plain_bwd_data || EG_HAS_conv_plain_bwd_weights)
#define EG_HAS_conv_plain_pack_bytes EG_HAS_conv_plain
#define EG_HAS_conv_plain_scratch EG_HAS_conv_plain
#define EG_HAS_conv_plain_units EG_HAS_conv_plain
#define EG_HAS_conv_plain_cost EG_HAS_conv_plain

/* The algorithms of conv[], each as a whole. */
#define EG_HAS_conv_direct EG_HAS_conv_direct_pack
#define EG_HAS_conv_depthwise EG_HAS_conv_depthwise_pack
#define EG_HAS_conv_winograd2 EG_HAS_conv_winograd2_pack
#define EG_HAS_conv_winograd4 EG_HAS_conv_winograd4_pack

/* ---- sequences --------------------------------------------------------------------------------------------------- */

#define EG_HAS_recurrent (EG_HAS_recurrent_fwd || EG_HAS_recurrent_bwd)
#define EG_HAS_recurrent_scratch EG_HAS_recurrent
#define EG_HAS_recurrent_fwd_joint EG_HAS_recurrent_fwd
#define EG_HAS_recurrent_bwd_joint EG_HAS_recurrent_bwd
#define EG_HAS_rnn_fwd EG_HAS_recurrent_fwd
#define EG_HAS_rnn_bwd EG_HAS_recurrent_bwd
#define EG_HAS_lstm_fwd EG_HAS_recurrent_fwd
#define EG_HAS_lstm_bwd EG_HAS_recurrent_bwd
#define EG_HAS_lstm_out_fwd EG_HAS_recurrent_fwd
#define EG_HAS_lstm_out_bwd EG_HAS_recurrent_bwd
#define EG_HAS_gru_fwd EG_HAS_recurrent_fwd
#define EG_HAS_gru_bwd EG_HAS_recurrent_bwd
#define EG_HAS_gru_reset_fwd EG_HAS_recurrent_fwd
#define EG_HAS_gru_reset_bwd EG_HAS_recurrent_bwd
#define EG_HAS_gru_out_fwd EG_HAS_recurrent_fwd
#define EG_HAS_gru_out_bwd EG_HAS_recurrent_bwd
#define EG_HAS_norm_fwd EG_HAS_recurrent_fwd
#define EG_HAS_norm_bwd EG_HAS_recurrent_bwd
#define EG_HAS_decay_fwd EG_HAS_recurrent_fwd
#define EG_HAS_decay_bwd EG_HAS_recurrent_bwd
#define EG_HAS_mul_rows EG_HAS_recurrent
#define EG_HAS_gates_product EG_HAS_recurrent
#define EG_HAS_gates_width EG_HAS_recurrent
#define EG_HAS_gates_pack_bytes EG_HAS_recurrent
#define EG_HAS_attention_scratch (EG_HAS_attention_fwd || EG_HAS_attention_bwd)
#define EG_HAS_crf_columns (EG_HAS_crf_fwd || EG_HAS_crf_bwd || EG_HAS_crf_path)
#define EG_HAS_crf_pairs EG_HAS_crf_columns

#endif

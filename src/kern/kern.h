/* kern.h - THE kernel contract: what every backend must be able to compute, slot by slot.
 *
 * A backend is a filled eg_kernels table. eg_kernels_ref fills every slot in plain C; the ISA files overwrite the slots
 * that they do better, so there can be no hole. Ops (src/ops) decide what to call, the plan decides where the data
 * lies, the runner decides which thread does which part; a kernel only computes.
 *
 * The calling convention. A kernel is
 *
 *     void kernel(const void *args, int begin, int end, const eg_worker *worker)
 *
 * `args` points to the struct named beside the slot. The job is cut into work units 0..units-1 and the call does the
 * units [begin,end) of it. The result must not depend on how the units are spread over calls: same bits for any split.
 * Kernels never allocate, never fail, keep no state, and use `worker->scratch` (aligned to 64 bytes, as large as the
 * plan was told, its content undefined) for whatever they need in between. `args` holds numbers and buffers only: a
 * kernel that calls others finds them in `worker->kernels`, the table that it runs on. `worker` is never NULL.
 *
 * Two kinds of job:
 *   block job    one unit = one block of EG_BLOCK consecutive samples; the last block may be short. The data of block b
 *                of a buffer starts at (element type *)p + b * stride. stride is 0 where a worker keeps one block only.
 *   global job   units as defined beside the slot; buffers are addressed from p, stride is not used.
 *
 * Physical layouts of a tensor with N samples of F = C*H*W elements each:
 *   PLAIN   row-major, a block is [16][F] (fewer samples in a short last block, nothing behind them may be touched);
 *   LANES   batch in lanes, a block is [F][16]: element f of 16 samples side by side, always 16 wide. Lanes beyond
 *           the last sample hold finite values in activations and exactly zero in gradients.
 * A third one of pictures with C channels:
 *   BLOCKED channels in lanes, a sample is [ceil(C/16)][H][W][16]: 16 channels of a position side by side; a block is
 *   [16][sample]. Lanes
 *           beyond the last channel hold finite values in activations and exactly zero in gradients.
 *
 * Buffers are aligned to 64 bytes and hold `real` unless said. Outputs never alias inputs unless the slot says "in
 * place allowed". `acc`: add to the output instead of overwriting it. An optional buffer that is absent has p == NULL.
 *
 * The args structs stand in the kern_*.h that are included below, by what they are about; the table here. A vector body
 * (body_*.c) includes those of its own slots only, so that a new slot does not touch the others.
 *
 * Every args struct begins with its buffers: those that are read, then those that are written; the plan relies on it.
 * Names of implementations: slot__isa, e.g. gemm__avx512. */
#ifndef ENGRAM_KERN_H
#define ENGRAM_KERN_H

#include "kern/fill.h"
#include "kern/kern_attention.h"
#include "kern/kern_batchnorm.h"
#include "kern/kern_cast.h"
#include "kern/kern_conv.h"
#include "kern/kern_crf.h"
#include "kern/kern_element_loss.h"
#include "kern/kern_families.h"
#include "kern/kern_gemm.h"
#include "kern/kern_index.h"
#include "kern/kern_loop.h"
#include "kern/kern_losses.h"
#include "kern/kern_map.h"
#include "kern/kern_norm.h"
#include "kern/kern_pictures.h"
#include "kern/kern_pool.h"
#include "kern/kern_recurrent.h"
#include "kern/kern_resample.h"
#include "kern/kern_sequences.h"
#include "kern/kern_softmax.h"
#include "kern/kern_spatial.h"
#include "kern/kern_strided.h"
#include "kern/kern_update.h"

/* ---- the peak ---------------------------------------------------------------------------------------------------- */

/* fma_loop: `rounds` rounds of multiply-adds in registers, none waiting for another: the most that this table's kernels
 * can reach. Adds to *out what keeps the compiler from leaving them out; returns the number of operations, 2 per
 * multiply-add. No kernel: it is for measuring. */
typedef double (*eg_fma_loop)(int rounds, real *out);

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* Slots and the functions that go with them are listed in slots.def, each with the struct of its args. */
typedef struct eg_kernels {
	const char *name;
#define FUNCTION(type, name, params) type(*name) params;
#define SLOT(name, ...) eg_kernel name;
#include "kern/slots.def"
	eg_conv_kernels conv[EG_CONV_ALGOS]; /* slots too */

	/* No slots: what these kernels call of their table, other forms of them, and what is measured. */
	eg_cell_kernel rnn_fwd, rnn_bwd, lstm_fwd, lstm_bwd, lstm_out_fwd, lstm_out_bwd;
	eg_cell_kernel gru_fwd, gru_bwd, gru_reset_fwd, gru_out_fwd, gru_out_bwd, gru_reset_bwd;
	eg_norm_kernel norm_fwd, norm_bwd;
	eg_decay_kernel decay_fwd, decay_bwd;
	eg_mul_kernel mul_rows;
	eg_gates_kernel gates_product;
	int gates_width;
	eg_joint recurrent_fwd_joint; /* recurrent_fwd and recurrent_bwd as joint jobs */
	eg_joint recurrent_bwd_joint;
	eg_crf_kernel crf_columns, crf_pairs;
	eg_fma_loop fma_loop;
} eg_kernels;

/* Whoever emits a call names its slot by EG_SLOT_NAME: a text, or, in a library of chosen operators, a variable of its
 * own (fill.h, slot_names.c). */
#ifdef ENGRAM_CHOSEN
#define EG_SLOT_NAME(slot) eg_slot_name_##slot
#define SLOT(name, ...) extern const char eg_slot_name_##name[];
#define MEMBER_SLOT(name, ...) extern const char eg_slot_name_##name[];
#include "kern/slots.def"
#else
#define EG_SLOT_NAME(slot) #slot
#endif

/* Fill *k, by EG_FILL: ref fills every slot; the others overwrite what they do better, after ref. */
void eg_kernels_ref(eg_kernels *k);
void eg_kernels_avx2(eg_kernels *k);
void eg_kernels_avx512(eg_kernels *k);
void eg_kernels_neon(eg_kernels *k);
void eg_kernels_wide16(eg_kernels *k); /* 16 lanes in portable C, for tests; in no library */

/* The table of `isa` (with ref below it). False when this build has no such table, or the CPU cannot run it. */
bool eg_kernels_get(eg_kernels *k, eg_isa isa, const eg_cpu *cpu);

#endif

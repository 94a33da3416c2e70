/* fill.h - how kernel tables are filled: by EG_FILL alone, with what is needed.
 *
 * A library of chosen operators (ENGRAM_OPS, docs/small-builds.md) has the slots that these call, and no others. Which
 * those are the linker finds out: calls carry the names of their slots, which there are variables (EG_SLOT_NAME,
 * kern.h); those that the chosen operators reach are left in a first link, and listed in chosen_slots.h
 * (tools/chosen_slots.cmake). EG_CHOSEN tells, as a constant, whether a slot or another member of the table is needed.
 * EG_FILL leaves a member NULL that is not: nothing refers to its function then, and the linker leaves that out. */
#ifndef ENGRAM_KERN_FILL_H
#define ENGRAM_KERN_FILL_H

#ifdef ENGRAM_CHOSEN_SLOTS
#include "kern/chosen.h"
#define EG_CHOSEN(member) (EG_HAS_##member)
#define EG_FILL(k, member, f) ((k)->member = EG_CHOSEN(member) ? (f) : 0)
#else
#define EG_CHOSEN(member) 1
#define EG_FILL(k, member, f) ((k)->member = (f))
#endif
/* An algorithm of conv[] is an eg_conv_kernels that has functions for those of its three directions alone. */
#define EG_RUNS(name, fwd, data, weights)                                                                              \
	{                                                                                                              \
		EG_CHOSEN(name##_fwd) ? (fwd) : NULL, EG_CHOSEN(name##_bwd_data) ? (data) : NULL,                      \
			EG_CHOSEN(name##_bwd_weights) ? (weights) : NULL                                               \
	}

#endif

/* fixed.h - a model of ONNX for sizes that are known: what depends on an open size twice, such as each step's view of
 * each other one, no graph of ours can have, but one with numbers in their places can. */
#ifndef ENGRAM_ONNX_FIXED_H
#define ENGRAM_ONNX_FIXED_H

#include "base/base.h"
#include "engram_onnx.h"

/* The same with numbers in the place of open sizes of its inputs: those of `sizes`, which ends with a NULL name; others
 * stay. EG_ERR_MEMORY. What it shares with `m` must outlive it. */
eg_status eg_onnx_fixed(eg_arena *a, const eg_onnx_model *m, const eg_size *sizes, eg_onnx_model *fixed, eg_error *err);

#endif

/* states.h - states of recurrent layers as inputs and outputs. */
#ifndef ENGRAM_ONNX_STATES_H
#define ENGRAM_ONNX_STATES_H

#include "onnx/build.h"

/* A recurrent node that begins with zeros, with inputs for its states that may be left out, and outputs for what they
 * are in the end; false: n is another node, or given its states, and nothing was done. */
bool eg_build_keep_recurrent(eg_build *b, const eg_onnx_node *n);

/* States (dirs,N,H) that a layer on x (T,N,..) begins with: input `name` where it may be left out (optional), else
 * zeros. And output `name`, which somebody computes. */
const char *eg_build_initial(eg_build *b, const char *name, const char *x, int64_t dirs, int64_t H, bool optional);
void eg_build_final(eg_build *b, const char *name, int64_t dirs, int64_t H);

#endif

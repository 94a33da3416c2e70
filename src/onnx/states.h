/* states.h - states of recurrent layers as inputs and outputs. */
#ifndef ENGRAM_ONNX_STATES_H
#define ENGRAM_ONNX_STATES_H

#include "onnx/build.h"

/* A recurrent node that begins with zeros, with inputs for its states that may be left out, and outputs for what they
 * are in the end; false: n is another node, or given its states, and nothing was done. */
bool eg_build_keep_recurrent(eg_build *b, const eg_onnx_node *n);

#endif

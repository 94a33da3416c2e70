/* hear.h - sound as the input of a model: how features are made of it, as nodes in front of the network. */
#ifndef ENGRAM_ONNX_HEAR_H
#define ENGRAM_ONNX_HEAR_H

#include "engram_task.h"
#include "onnx/build.h"

#define EG_HEAR_SOUND "sound"
enum { EG_HEAR_OPSET = 17 }; /* that STFT came with */

/* Into an empty builder: nodes that make the network's input of `sound` (N,S), and its steps of samples where it takes
 * lengths. *rest is `from` without the input that they make, to be lowered behind them; it shares memory with both. */
void eg_hear(eg_build *b, const eg_sound_front *f, const eg_onnx_model *from, eg_onnx_model *rest);

#endif

/* trial.h - does a file of ONNX compute what a graph computes? */
#ifndef ENGRAM_ONNX_TRIAL_H
#define ENGRAM_ONNX_TRIAL_H

#include "base/base.h"
#include "engram_onnx_file.h"

/* Reads the bytes as a model and runs it beside the graph on random numbers, with several batch sizes and lengths.
 * EG_ERR_NUMERIC where an output differs, named, with how much; told: runs and difference are set. */
eg_status eg_onnx_try(const void *bytes, size_t size, const eg_onnx_parts *parts, eg_onnx_told *told, eg_error *err);

#endif

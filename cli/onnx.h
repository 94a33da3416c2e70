/* onnx.h - what verbs do with a network alone: a file of ONNX, or a model file made of one (eg_network_is). */
#ifndef ENGRAM_CLI_ONNX_H
#define ENGRAM_CLI_ONNX_H

#include "print.h"

#include "engram_onnx_file.h"

/* onnx_arrays.c: numbers from files. */
typedef struct onnx_arrays {
	const eg_network *of;
	eg_network_array *at;
	int n;
	void **owned; /* their data */
} onnx_arrays;
/* A file of NumPy (.npy) or a table of numbers without names (.csv) as input `name`; false after a message. */
bool onnx_read_array(onnx_arrays *a, const char *verb, const char *name, const char *path);
/* A line of JSON: a map of inputs by their names, or the only input's list. `where` is for messages. */
bool onnx_read_json(onnx_arrays *a, const char *verb, const char *text, size_t size, const char *where);
void onnx_arrays_clear(onnx_arrays *a);

eg_network *onnx_open(const cli_args *a, const char *path, eg_context *ctx); /* NULL after a message */
int onnx_predict(const cli_args *a); /* onnx_predict.c */
int onnx_info(const cli_args *a);    /* onnx_show.c */
bool onnx_is_problem(const char *problem); /* onnx_bench.c: "net.onnx:n8t100", or without sizes */
int onnx_bench(const cli_args *a);

#endif

/* engram_onnx.h - networks in the terms of ONNX, in memory: what a graph of ours is as nodes of ONNX's operators, and
 * the way back. Part of libengram; files (.onnx) are read and written by libengram_io.
 *
 * A model is a plain struct of arrays that whoever reads it may keep and whoever makes it may fill; only one that
 * eg_onnx_export has made is freed, by eg_onnx_free. Numbers are in the machine's byte order. */
#ifndef ENGRAM_ONNX_H
#define ENGRAM_ONNX_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of elements, with ONNX's numbers (TensorProto.DataType). */
typedef enum eg_onnx_type {
	EG_ONNX_FLOAT = 1, EG_ONNX_UINT8 = 2, EG_ONNX_INT8 = 3, EG_ONNX_UINT16 = 4, EG_ONNX_INT16 = 5, EG_ONNX_INT32 = 6, EG_ONNX_INT64 = 7,
	EG_ONNX_STRING = 8, EG_ONNX_BOOL = 9, EG_ONNX_FLOAT16 = 10, EG_ONNX_DOUBLE = 11, EG_ONNX_UINT32 = 12, EG_ONNX_UINT64 = 13,
	EG_ONNX_BFLOAT16 = 16
} eg_onnx_type;

/* Named numbers that are part of the model (an initializer), or an attribute's. */
typedef struct eg_onnx_tensor {
	const char *name;
	eg_onnx_type type;
	int rank; /* 0: one number */
	const int64_t *dims;
	const void *data; /* row-major; of BOOL a byte each */
} eg_onnx_tensor;

typedef enum eg_onnx_kind {
	/* ONNX's numbers (AttributeProto.AttributeType) */
	EG_ONNX_A_FLOAT = 1, EG_ONNX_AN_INT = 2, EG_ONNX_A_STRING = 3, EG_ONNX_A_TENSOR = 4, EG_ONNX_A_GRAPH = 5,
	EG_ONNX_FLOATS = 6, EG_ONNX_INTS = 7, EG_ONNX_STRINGS = 8
} eg_onnx_kind;

typedef struct eg_onnx_attr {
	const char *name;
	eg_onnx_kind kind;
	int64_t i;
	float f;
	const char *s;
	int n; /* of the lists */
	const int64_t *ints;
	const float *floats;
	const char *const *strings;
	const eg_onnx_tensor *tensor;
	const struct eg_onnx_model *graph; /* the branches of If, the body of Loop and Scan */
} eg_onnx_attr;

typedef struct eg_onnx_node {
	const char *type, *domain, *name; /* "Conv"; NULL: ONNX's own domain; NULL: it has none */
	int nin, nout, nattrs;
	const char *const *in, *const *out; /* names of values; "": left out */
	const eg_onnx_attr *attrs;
} eg_onnx_node;

/* An input or output of the model. */
typedef struct eg_onnx_value {
	const char *name;
	eg_onnx_type type;
	int rank;
	const int64_t *dims;          /* -1: open, and then */
	const char *const *open;      /* called so: "batch"; NULL: it has no name. The whole NULL: no size is open */
} eg_onnx_value;

typedef struct eg_onnx_model {
	int opset; /* of ONNX's own domain */
	int nnodes, ntensors, ninputs, noutputs;
	const eg_onnx_node *nodes; /* each behind those whose results it reads */
	const eg_onnx_tensor *tensors;
	const eg_onnx_value *inputs, *outputs;
} eg_onnx_model;

enum { EG_ONNX_OPSET = 18, EG_ONNX_OPSET_LEAST = 13, EG_ONNX_OPSET_MOST = 22 };

/* What the graph computes in inference, with these weights, which are copied; outputs: NULL-terminated names of those
 * that are wanted, NULL: all.
 * opset: 0: EG_ONNX_OPSET. NULL on failure: an operator that they need has no equal there, and the message says which
 * and why. */
EG_API eg_onnx_model *eg_onnx_export(const eg_graph *g, eg_params *params, const char *const *outputs, int opset, eg_error *err);
/* The same, but what ONNX has no operator for stands there as a node of a domain of our own: its type is the
 * operator's name, its name that of the graph's node, and behind all inputs that the operator may have come its
 * weights. No file: for who makes nodes of ONNX of them (eg_onnx_write). */
#define EG_ONNX_OWN "engram"
EG_API eg_onnx_model *eg_onnx_export_own(const eg_graph *g, eg_params *params, const char *const *outputs, int opset, eg_error *err);
EG_API void eg_onnx_free(eg_onnx_model *m);

/* The type of elements that a value of ours has there, and back; false: there is none. */
EG_API eg_onnx_type eg_onnx_type_of(eg_dtype type);
EG_API size_t eg_onnx_type_size(eg_onnx_type type); /* bytes of an element; 0: no type of one size */
EG_API bool eg_onnx_dtype(eg_onnx_type type, eg_dtype *dtype);

/* A graph and its parameters from a model, which need not outlive them. Sizes called "batch" and "time" are EG_N and
 * EG_T, others get names of their own. Inputs and outputs of types that we have not are of those that hold their
 * numbers: int8, int16 and uint16 are EG_I32, uint32 and uint64 EG_I64. What is not understood is refused, with node,
 * operator and reason; nothing is passed over. On failure *g and *params are NULL. */
EG_API eg_status eg_onnx_import(eg_context *ctx, const eg_onnx_model *m, eg_graph **g, eg_params **params, eg_error *err);
/* Whole numbers are computed with in single precision, which is exact up to 2^24. Those of an input that such
 * arithmetic is done on (lengths less one, say) are taken to be so large at most, either sign; whoever runs the graph
 * must see to it, as eg_network_run does. 0: there is no bound. */
EG_API int64_t eg_onnx_bound(const eg_graph *g, eg_tensor input);

#ifdef __cplusplus
}
#endif
#endif

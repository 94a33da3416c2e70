/* onnx_import.h - the inside of an import, shared by onnx_import.c, which makes a graph of a model, and onnx_fold.c,
 * which computes what is known before there is one. */
#ifndef ENGRAM_ONNX_IMPORT_H
#define ENGRAM_ONNX_IMPORT_H

#include "core/onnx.h"

enum { EG_IMPORT_ATTRS = 64 };

/* Integers with sizes among them that are open: what Shape gives, and what is made of it. One row, or one number. */
typedef struct eg_import_sizes {
	int rank, n;
	const int64_t *v;
	const bool *open; /* v is a size of the graph, as in eg_dims; NULL: none is */
} eg_import_sizes;

/* What a name in the model stands for: a value of the graph, numbers of the model, or sizes. */
typedef struct eg_import_name {
	const char *name;
	eg_tensor value, plain;        /* id 0: it is not in the graph yet; plain: in a type that operators compute
	                                * with */
	const eg_onnx_tensor *numbers; /* NULL: they are not part of the model */
	const eg_import_sizes *sizes;  /* NULL: it is none, or all are numbers */
	bool zeros;                    /* it is filled with 0, by sizes that are open */
} eg_import_name;

/* Weights to be filled in when all nodes are there. */
typedef struct eg_import_weights {
	eg_tensor of;
	const char *param;
	const real *v;
	int64_t n;
} eg_import_weights;

struct eg_import {
	const eg_onnx_model *model;
	const eg_onnx_node *node;
	eg_graph *graph;
	eg_arena arena;
	eg_import_name *names; /* a table with gaps, twice as large as names can be */
	size_t room;
	eg_import_weights *pending;
	int npending, cap_pending;
	bool read[EG_IMPORT_ATTRS]; /* attributes of the node that somebody has asked for */
	bool folding;               /* the model is one node whose numbers are wanted: nothing is folded in it */
	eg_error error;
};

void *eg_import_take(eg_import *m, size_t bytes); /* zero; NULL after failure */
eg_import_name *eg_import_look_up(eg_import *m, const char *name);
/* A new name; NULL: it is there already, or empty. */
eg_import_name *eg_import_declare(eg_import *m, const char *name);
const eg_onnx_attr *eg_import_attr(eg_import *m, const char *name, eg_onnx_kind kind); /* NULL: absent */
/* Its dimensions and how many numbers it has; -1: they cannot be. */
int64_t eg_import_count(const eg_onnx_tensor *t, eg_dims *dims);
/* Element i; integers as int64_t, others as a double. */
double eg_import_number_at(const eg_onnx_tensor *t, int64_t i);
int64_t eg_import_int_at(const eg_onnx_tensor *t, int64_t i);
bool eg_import_is_integer(eg_onnx_type type);
/* As eg_onnx_import, without folding: for a model whose numbers are wanted. */
eg_status eg_onnx_import_one(eg_context *ctx, const eg_onnx_model *m, eg_graph **g, eg_params **params, eg_error *err);

/* The node, when all that it reads is known: its results are then known too, and it is no part of the graph. False: it
 * is for an operator. */
bool eg_import_fold(eg_import *m);
/* The node by an operator's hook, or by what a descriptor says. */
bool eg_import_by_hooks(eg_import *m);
/* The node, when it is made of several operators of ours, or of one in another form (onnx_more.c). */
bool eg_import_more(eg_import *m);

#endif

/* onnx_import.h - the inside of an import, shared by onnx_import.c, which makes a graph of a model, onnx_fold.c and
 * onnx_made.c, which compute what is known before there is one, and those for operators that are none of ours. */
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
	const eg_onnx_tensor *fill;    /* it has this number throughout, in a shape with open sizes: */
	const eg_import_sizes *shape;
	eg_onnx_type type;             /* in the model; 0: what the graph's value says */
	eg_tensor input;               /* of the graph, whose whole numbers these are, as they are; id 0: none */
	bool bounded;                  /* whole numbers from `least` to `most` */
	int64_t least, most;
} eg_import_name;

/* An attribute to be set by its name: integers, or one real number, or several. */
typedef struct eg_import_setting {
	const char *name;
	const int *ints;
	int n;
	double real;
	const float *reals;
} eg_import_setting;

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
	eg_import_name **names; /* a table with gaps */
	size_t room, used;
	struct eg_import_reader *readers; /* of values of the model, a table with gaps; NULL: not asked for yet */
	size_t nreaders;
	int between;  /* names that were made up */
	int inlined;  /* nodes of bodies that became part of the graph */
	const struct eg_import_scope *scope; /* the body that the node is in; NULL: the model itself */
	eg_import_weights *pending;
	int npending, cap_pending;
	bool read[EG_IMPORT_ATTRS]; /* attributes of the node that somebody has asked for */
	bool bounding;              /* whole numbers of inputs are taken to be small */
	bool folding;               /* the model is one node whose numbers are wanted: nothing is folded in it */
	eg_error error;
};

void *eg_import_take(eg_import *m, size_t bytes); /* zero; NULL after failure */
eg_import_name *eg_import_look_up(eg_import *m, const char *name);
uint64_t eg_import_hash(const char *name);
/* Was it made one with a node before it (eg_import_added)? */
bool eg_import_joined(const eg_import *m, const eg_onnx_node *n);
/* A new name; NULL: it is there already, or empty. */
eg_import_name *eg_import_declare(eg_import *m, const char *name);
const eg_onnx_attr *eg_import_attr(eg_import *m, const char *name, eg_onnx_kind kind); /* NULL: absent */
/* x repeated along dimensions of size 1, and new ones in front, to sizes of which some are open. */
eg_tensor eg_import_expanded(eg_import *m, eg_tensor x, const eg_import_sizes *to);
/* 0, 1, 2 ... up to before a size that is open. */
eg_tensor eg_import_positions(eg_import *m, int64_t d);
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
/* What a node that is known makes of sizes and numbers, by no operator of ours (onnx_made.c). */
bool eg_import_made(eg_import *m);
/* Result i is these numbers. */
void eg_import_put_numbers(eg_import *m, int i, eg_onnx_type type, const eg_dims *dims, const void *data);
/* If, Loop and Scan: their bodies become part of the graph (onnx_flow.c). */
bool eg_import_flow(eg_import *m);
/* Whole numbers that are computed as real ones, where these hold them exactly (onnx_whole.c); and what is known of the
 * node's results. */
bool eg_import_whole(eg_import *m);
void eg_import_mark(eg_import *m);
/* Input i as a real number, which is the same one; a message where that is not known. */
eg_tensor eg_import_exact(eg_import *m, int i);
/* One node, of the model or of a body. */
void eg_import_node(eg_import *m, const eg_onnx_node *n);
/* Another name for what `from` stands for; false: there is one already, or no such. */
bool eg_import_alias(eg_import *m, const char *name, const char *from);
/* A name that no model has. */
const char *eg_import_fresh(eg_import *m);
/* Puts down the operator of that name with these attributes, of which the last has no name; NULL: none. */
eg_tensor eg_import_put(eg_import *m, const char *op, const eg_tensor *in, int nin, const eg_import_setting *set);
/* The node by an operator's hook, or by what a descriptor says. */
bool eg_import_by_hooks(eg_import *m);
/* LSTM, GRU and RNN with what ours have no options for (onnx_cell.c). */
bool eg_import_cell(eg_import *m);
/* Frequencies of frames, by a convolution (onnx_spectrum.c). */
bool eg_import_stft(eg_import *m);
/* The node, when it is made of several operators of ours, or of one in another form (onnx_more.c). */
bool eg_import_more(eg_import *m);
/* The node, when it computes with quantised numbers (onnx_quantized.c). */
bool eg_import_quantized(eg_import *m);

#endif

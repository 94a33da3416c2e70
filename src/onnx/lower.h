/* lower.h - operators of ours that ONNX lacks, as several of its. A lowering is a function that puts them down for one
 * node of eg_onnx_export_own. */
#ifndef ENGRAM_ONNX_LOWER_H
#define ENGRAM_ONNX_LOWER_H

#include "onnx/build.h"

typedef struct eg_lowering {
	eg_build *b;
	const eg_graph *graph;
	const eg_onnx_node *node;
	eg_node_info info; /* of the graph's node */
	bool states;       /* those of recurrent layers are inputs and outputs */
} eg_lowering;

/* Puts all nodes of `from` into the model, those of our own as nodes of ONNX, with `states` recurrent ones with their
 * states (states.h); inputs, outputs and tensors of `from` too. What `from` and the graph hold must outlive the
 * model. */
void eg_onnx_lower(eg_build *b, const eg_graph *g, const eg_onnx_model *from, bool states);

/* lower.c, for the lowerings: names of inputs ("" where one is left out), outputs (NULL: nobody reads it), weights
 * (""); dimensions of an input (rank -1: left out); attributes. */
const char *eg_lower_in(const eg_lowering *l, int i);
const char *eg_lower_out(const eg_lowering *l, int i);
const char *eg_lower_param(const eg_lowering *l, int i);
eg_dims eg_lower_dims(const eg_lowering *l, int i);
int eg_lower_int(const eg_lowering *l, const char *name); /* flags and places in lists of words too */
double eg_lower_real(const eg_lowering *l, const char *name);
/* Rows [first, first + n) of a weight (rows, columns) with rows and columns exchanged; of (n), that part of it as it
 * is. */
const char *eg_lower_turned(const eg_lowering *l, int param, int64_t first, int64_t n);
const char *eg_lower_part(const eg_lowering *l, int param, int64_t first, int64_t n);

/* 0, 1, 2 ... along `axis`, of a real tensor's shape with 1 in the place of all dimensions from `from` on. ONNX's Range
 * would need the open size as a number; these follow from x, whatever it holds, NaN included. */
const char *eg_lower_positions(const eg_lowering *l, const char *x, int rank, int from, int axis);
const char *eg_lower_ones(const eg_lowering *l, const char *x, int rank, int from);
/* x (T,N,...) with 0 behind the lengths, input `lengths` (N); x itself where that is left out. */
const char *eg_lower_masked(const eg_lowering *l, const char *x, int rank, int lengths, const char *out);

/* Is it a node of eg_onnx_export_own that ONNX lacks, and of that kind? The graph's node of that name; false: there is
 * none. Puts one down. */
bool eg_lower_is_own(const eg_onnx_node *n);
bool eg_lower_is(const eg_onnx_node *n, const char *own);
bool eg_lower_find(const eg_graph *g, const char *name, eg_node_info *info);
void eg_lower_node(eg_build *b, const eg_graph *g, const eg_onnx_node *n, bool states);

/* lower_loop.c: the loop that begins with node `at`, and its results; the number of the node that it ends with. */
int eg_lower_loop(eg_build *b, const eg_graph *g, const eg_onnx_model *from, int at);

/* lower_recurrent.c */
void eg_lower_recurrent(const eg_lowering *l);

/* lower_attention.c */
void eg_lower_attention(const eg_lowering *l);
void eg_lower_multi_head_attention(const eg_lowering *l);
void eg_lower_additive_attention(const eg_lowering *l);
void eg_lower_multiplicative_attention(const eg_lowering *l);

#endif

/* graph.h - the inside of eg_graph: three append-only arrays (values, nodes, parameters) addressed by integers. */
#ifndef ENGRAM_GRAPH_H
#define ENGRAM_GRAPH_H

#include "core/context.h"
#include "core/op.h"

typedef struct eg_graph_value {
	const char *name; /* of a graph input; NULL otherwise */
	eg_dims dims;
	eg_dtype type;
	int node, index; /* produced as output `index` of `node`; node -1: a graph input */
	bool constant;   /* takes no gradient */
	const void *data; /* of eg_constant, aligned for kernels; NULL: it is none */
	bool bounded;    /* a model's input whose whole numbers are taken to be small (eg_onnx_bound) */
} eg_graph_value;

typedef struct eg_node {
	const eg_op *op;
	const char *name;
	const void *options;
	int nin, nout, nparams;
	int in[EG_MAX_INPUTS];    /* values; -1: an optional input that is absent */
	int out[EG_MAX_OUTPUTS];  /* values */
	int param[EG_MAX_PARAMS]; /* parameters */
	int loop;                 /* 1 + number of the loop whose body it belongs to; 0: none */
	eg_node_info info;
} eg_node;

typedef struct eg_param {
	const char *name; /* "conv1.weight" */
	eg_param_spec spec;
} eg_param;

/* An open size beside the batch and the time; size i is EG_NAMED - i in dimensions. */
typedef struct eg_open {
	const char *name; /* "height"; of what follows from it, "height'" */
	bool follows;     /* it is given by the sizes of a node's inputs, not by the plan's options */
} eg_open;

typedef struct eg_named {
	const char *name;
	int value;
} eg_named;

/* A body that is repeated for each step of sequences (loop.c). What belongs to it are the nodes [first, end). */
enum { EG_LOOP_STATES = 16 };
typedef struct eg_loop {
	const char *name;
	int first, end;   /* end 0: it is still being built */
	int sequence, lengths; /* values: the first sequence that it reads; -1: none yet. How long samples are; -1: as
	                        * long as it */
	bool reverse;
	int state[EG_LOOP_STATES], next[EG_LOOP_STATES], nstates; /* values; next -1: not said yet */
} eg_loop;

struct eg_graph {
	eg_context *ctx;
	eg_arena arena;
	eg_error error; /* of the first builder that failed */
	eg_graph_value *values;
	eg_node *nodes;
	eg_param *params;
	eg_named *outputs;
	eg_open *open;
	eg_loop *loops;
	int nvalues, nnodes, nparams, noutputs, nopen, nloops;
	bool exact;
	int cap_values, cap_nodes, cap_params, cap_outputs, cap_open, cap_loops;
};

/* open.c: the size of that name, or -1. */
int eg_graph_open_find(const eg_graph *g, const char *name);
/* open.c: puts the names of sizes into a message that an operator has written. */
void eg_graph_name_sizes(const eg_graph *g, eg_error *err);
/* graph.c: eg_apply of an operator that need not be in the table. */
eg_tensor eg_graph_apply(eg_graph *g, const eg_op *op, const void *options, const eg_tensor *inputs, int nin);
#ifndef ENGRAM_WITHOUT_LOOPS
/* loop.c: may that value be read now: is it no part of a loop that has ended? */
eg_status eg_loop_may_read(const eg_graph *g, int value, eg_error *err);
/* loop.c: may this node, as inferred, stand where it is to stand, inside of a loop or outside? */
eg_status eg_loop_check(const eg_graph *g, const eg_node *n, const eg_infer *s);
/* loop.c: the loop that is being built, 1 + its number; 0: none. */
int eg_loop_open(const eg_graph *g);
#else
static inline eg_status eg_loop_may_read(const eg_graph *g, int value, eg_error *err) { return EG_UNUSED(g), EG_UNUSED(value), EG_UNUSED(err), EG_OK; }
static inline eg_status eg_loop_check(const eg_graph *g, const eg_node *n, const eg_infer *s) { return EG_UNUSED(g), EG_UNUSED(n), EG_UNUSED(s), EG_OK; }
static inline int eg_loop_open(const eg_graph *g) { return EG_UNUSED(g), 0; }
#endif
/* graph.c: calls the infer of node n, whose input shapes are in s, and checks what it gives. The message names sizes,
 * but not the node. */
eg_status eg_graph_infer(const eg_graph *g, const eg_node *n, eg_infer *s);

#endif

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
} eg_graph_value;

typedef struct eg_node {
	const eg_op *op;
	const char *name;
	const void *options;
	int nin, nout, nparams;
	int in[EG_MAX_INPUTS];    /* values; -1: an optional input that is absent */
	int out[EG_MAX_OUTPUTS];  /* values */
	int param[EG_MAX_PARAMS]; /* parameters */
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

struct eg_graph {
	eg_context *ctx;
	eg_arena arena;
	eg_error error; /* of the first builder that failed */
	eg_graph_value *values;
	eg_node *nodes;
	eg_param *params;
	eg_named *outputs;
	eg_open *open;
	int nvalues, nnodes, nparams, noutputs, nopen;
	bool exact;
	int cap_values, cap_nodes, cap_params, cap_outputs, cap_open;
};

/* open.c: the size of that name, or -1. */
int eg_graph_open_find(const eg_graph *g, const char *name);
/* open.c: puts the names of sizes into a message that an operator has written. */
void eg_graph_name_sizes(const eg_graph *g, eg_error *err);
/* graph.c: calls the infer of node n, whose input shapes are in s, and checks what it gives. The message names sizes, but not the node. */
eg_status eg_graph_infer(const eg_graph *g, const eg_node *n, eg_infer *s);

#endif

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
	int nvalues, nnodes, nparams, noutputs;
	bool exact;
	int cap_values, cap_nodes, cap_params, cap_outputs;
};

#endif

/* params.h - the inside of eg_params: all weights in one block, all gradients in another, with the same offsets. */
#ifndef ENGRAM_PARAMS_H
#define ENGRAM_PARAMS_H

#include "core/graph.h"

struct eg_params {
	eg_graph *graph;
	int count;
	size_t *offset; /* of each parameter, elements; multiples of 16 */
	size_t total;   /* elements of a block, gaps included (they are zero) */
	real *data, *grad;
	uint64_t version; /* counted up by eg_params_changed; plans compare it before they repack */
};

/* Fills a weight as its spec says; element i depends on (seed, number, i) only. Returns false when out of memory. */
bool eg_init_fill(const eg_allocator *a, const eg_param_spec *spec, real *w, uint64_t seed, int number);

#endif

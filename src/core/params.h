/* params.h - the inside of eg_params: all weights in one block, all gradients in another, with the same offsets. State
 * that is kept with the weights but not trained (running statistics) lies behind them in the same block, so that
 * whoever copies or saves the block has it too, and what walks over the trained elements alone (gradients, moments,
 * updates) does not meet it. */
#ifndef ENGRAM_PARAMS_H
#define ENGRAM_PARAMS_H

#include "core/graph.h"
#include "core/packed.h"

struct eg_params {
	eg_graph *graph;
	int count;
	size_t *offset; /* of each parameter, elements; multiples of 16 */
	size_t trained; /* elements of the weights, gaps included (they are zero): as many as `grad` has */
	size_t total;   /* and with the state behind them: as many as `data` has */
	real *data;     /* NULL: they are only looked at (eg_params_new_bare) */
	real *grad;     /* NULL: nobody has needed them yet */
	real *before;   /* the state as the last training run found it, total - trained elements */
	uint64_t version; /* counted up by eg_params_changed: packed forms of another one are out of date */
	eg_packed_set *packed;
};

/* Gives the gradients memory, all zero, where they have none yet. A plan that trains has called it. */
eg_status eg_params_need_grad(eg_params *p, eg_error *err);

/* Sets the state back to what the last training run began with. */
void eg_params_restore_state(eg_params *p);

/* Fills a weight as its spec says; element i depends on (seed, number, i) only. Returns false when out of memory. */
bool eg_init_fill(const eg_allocator *a, const eg_param_spec *spec, real *w, uint64_t seed, int number);

#endif

/* params.h - the inside of eg_params: all weights in one block, all gradients in another, with the same offsets. State
 * that is kept with the weights but not trained (running statistics) lies behind them in the same block, so that
 * whoever copies or saves the block has it too, and what walks over the trained elements alone (gradients, moments,
 * updates) does not meet it. */
#ifndef ENGRAM_PARAMS_H
#define ENGRAM_PARAMS_H

#include "core/graph.h"
#include "core/packed.h"

/* A table of rows of which a run uses few, an embedding's: the gradient of a row that it does not use is zero. So
 * between two runs only the rows are set to zero that the one before has used, and who reads gradients need not look at
 * others. */
typedef struct eg_table {
	int param, rows, n; /* rows of n elements */
	bool *occurs;       /* by row: the last run that computed its gradient has used it */
	int32_t *list;      /* those rows, in the order in which they were met */
	int nlist;
} eg_table;

struct eg_params {
	eg_graph *graph;
	int count;
	size_t *offset; /* of each parameter, elements; multiples of 16 */
	size_t trained; /* elements of the weights, gaps included (they are zero): as many as `grad` has */
	size_t total;   /* and with the state behind them: as many as `data` has */
	real *data;     /* NULL: they are only looked at (eg_params_new_bare) */
	real *grad;     /* NULL: nobody has needed them yet */
	real *before;   /* the state as the last training run found it, total - trained elements */
	eg_table *tables; /* those whose gradients come from rows alone; they come with `grad` */
	int ntables;
	bool whole;       /* gradients of tables may be anything: they were handed out, or something else than rows
	                   * goes into them */
	uint64_t version; /* counted up by eg_params_changed: packed forms of another one are out of date */
	eg_packed_set *packed;
};

/* Gives the gradients memory, all zero, where they have none yet. A plan that trains has called it. */
eg_status eg_params_need_grad(eg_params *p, eg_error *err);

/* tables.c: finds the tables, unless that is done; false: out of memory. Which of them parameter i is; NULL: none. */
bool eg_tables_find(eg_params *p);
void eg_tables_free(eg_params *p);
eg_table *eg_table_of(const eg_params *p, int i);
void eg_table_clear(const eg_params *p, eg_table *t);                 /* its gradient becomes zero */
void eg_table_mark(eg_table *t, const int32_t *ids, int64_t n);       /* rows that a run has used; others are no rows */

/* Sets the state back to what the last training run began with. */
void eg_params_restore_state(eg_params *p);

/* Fills a weight as its spec says; element i depends on (seed, number, i) only. Returns false when out of memory. */
bool eg_init_fill(const eg_allocator *a, const eg_param_spec *spec, real *w, uint64_t seed, int number);

#endif

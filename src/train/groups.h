/* groups.h - which parameters are updated how: patterns of names, worked out to runs of the flat block. */
#ifndef ENGRAM_TRAIN_GROUPS_H
#define ENGRAM_TRAIN_GROUPS_H

#include "core/params.h"
#include "engram_train.h"

/* Neighbours in the flat block that are updated alike. */
typedef struct eg_param_run {
	size_t first, count; /* elements; gaps between parameters belong to the one before */
	double lr, decay;    /* factors */
	bool frozen;
	int rows, cols; /* Muon: one parameter, a matrix of count elements; 0: updated element by element */
	const eg_table *table; /* one parameter, of which the rows that occur are updated; NULL: all of it is */
	int32_t *last;  /* by its rows: the step in which it occurred last; 0: never */
} eg_param_run;

/* Fills runs (room for one per parameter) over the trained part, and frozen[i] for every parameter, state included. */
eg_status eg_groups_resolve(
	const eg_params *p, const eg_optimizer_config *c, eg_param_run *runs, int *nruns, bool *frozen, eg_error *err);

/* Which parameters the optimizer leaves as they are, one each; NULL: none. Lives as long as the optimizer. */
const bool *eg_optimizer_frozen(const eg_optimizer *o);
/* Sets the gradients of those to zero. */
void eg_optimizer_clear_frozen(eg_optimizer *o);

#endif

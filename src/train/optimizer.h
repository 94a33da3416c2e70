/* optimizer.h - what the files of the optimizer share: optimizer.c (settings, life, moments), update.c (an update) and
 * muon.c (matrices that are updated as matrices). */
#ifndef ENGRAM_TRAIN_OPTIMIZER_H
#define ENGRAM_TRAIN_OPTIMIZER_H

#include "train/groups.h"

/* The moments that there may be, in the order in which they lie: means of gradients, of squares, what else a method
 * keeps (kern.h, eg_update_args), and the slow weights of Lookahead. */
enum { EG_MOMENT_M, EG_MOMENT_V, EG_MOMENT_U, EG_MOMENT_SLOW, EG_MOMENT_KINDS };

/* Room for the largest matrix; see muon.c. */
typedef struct eg_muon {
	real *x, *next, *a, *b; /* rows x cols, twice; (the smaller of these) squared, twice */
	double *partial;        /* sums of squares by unit */
	char *scratch;          /* of the matrix product: so many bytes for each rank */
	size_t scratch_bytes;
} eg_muon;

struct eg_optimizer {
	eg_params *params;
	eg_context *ctx;
	eg_optimizer_config config;
	real *moments; /* those that are kept, each as long as the parameter block */
	int nmoments;
	double *partial; /* sums of squares by unit */
	int units;
	eg_param_run *runs;
	bool *frozen; /* by parameter */
	int nruns, run_units;
	bool any_frozen;
	eg_muon muon; /* where there are matrices */
	uint64_t steps;
	double rise; /* NAdam: the product of what its betas are multiplied by, of all steps */
};

/* The moment of this kind; NULL: it is not kept. */
real *eg_optimizer_array(const eg_optimizer *o, int kind);
/* NAdam: what beta1 is multiplied by in step t, which begins at a half and rises to 1. */
double eg_nadam_rise(const eg_optimizer_config *c, double t);
double eg_nadam_product(double before, double rise); /* one factor more; 0 where it would lose its digits */

/* Units of the element-wise update of a run; none where it is frozen or a matrix. */
static inline int eg_run_units(const eg_param_run *r) {
	return r->frozen || r->rows ? 0 : (int)((r->count + EG_CHUNK - 1) / EG_CHUNK);
}

eg_status eg_muon_make(eg_optimizer *o, eg_error *err); /* room for the matrices among o->runs */
void eg_muon_free(eg_optimizer *o);
/* This rank's part in the update of a matrix; all ranks of the team's job call it. `all`: of the whole block. */
void eg_muon_update(const eg_optimizer *o, const eg_param_run *r, const eg_update_args *all, int rank, int size);

#endif

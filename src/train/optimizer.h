/* optimizer.h - what the files of the optimizer share: optimizer.c (settings, life, moments), update.c (an update) and
 * muon.c (matrices that are updated as matrices), rows.c (tables of which rows are updated). */
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
	int32_t *last; /* of all tables that are updated by rows, one behind the other; NULL: there are none */
	size_t nlast;
	int rest;      /* steps that a row goes on without gradients, before it rests */
	double fade[EG_MOMENT_KINDS]; /* what a moment is multiplied by in a step without a gradient */
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

/* A unit of a table is so many rows: of those that are updated, and of those that occur. */
enum { EG_UNIT_ROWS = 64 };

/* Units of the element-wise update of a run; none where it is frozen or a matrix. */
static inline int eg_run_units(const eg_param_run *r) {
	if (r->table) return (r->table->rows + EG_UNIT_ROWS - 1) / EG_UNIT_ROWS;
	return r->frozen || r->rows ? 0 : (int)((r->count + EG_CHUNK - 1) / EG_CHUNK);
}

static inline eg_buf eg_behind(eg_buf b, size_t elements) { return b.p ? (eg_buf){(real *)b.p + elements, EG_CHUNK} : b; }

/* rows.c. make: room; false: out of memory. all: no row rests after this step. settle: none rests any more, and
 * tables are updated as a whole from now on. update: units of a table by its run's args. */
bool eg_rows_make(eg_optimizer *o);
void eg_rows_all(eg_optimizer *o, uint64_t step);
void eg_rows_settle(eg_optimizer *o);
void eg_rows_update_units(const eg_optimizer *o, const eg_param_run *r, const eg_update_args *run, int begin, int end);
/* Which units of the whole block lie in the table, so that sums of squares leave them out; and how many units of rows
 * that occur it has, which are summed in their place: unit u into out[u]. */
void eg_rows_inner(const eg_param_run *r, int *begin, int *end);
static inline int eg_rows_units(const eg_param_run *r) {
	return r->table ? (r->table->nlist + EG_UNIT_ROWS - 1) / EG_UNIT_ROWS : 0;
}
void eg_rows_squares(const eg_optimizer *o, const eg_param_run *r, double *out, int begin, int end);

eg_status eg_muon_make(eg_optimizer *o, eg_error *err); /* room for the matrices among o->runs */
void eg_muon_free(eg_optimizer *o);
/* This rank's part in the update of a matrix; all ranks of the team's job call it. `all`: of the whole block. */
void eg_muon_update(const eg_optimizer *o, const eg_param_run *r, const eg_update_args *all, int rank, int size);

#endif

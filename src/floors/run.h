/* run.h - a run over floors: what run.c, trial.c and named.c share. */
#ifndef ENGRAM_FLOORS_RUN_H
#define ENGRAM_FLOORS_RUN_H

#include "floors/floors.h"

/* One run over all floors. */
typedef struct eg_floor_run {
	eg_recipe *recipe;
	const eg_floors_options *options;
	eg_task *task;
	eg_context *ctx, *own_ctx;
	eg_graph *graph;
	bool borrowed; /* graph and training samples are the caller's */
	eg_samples *train, *test; /* test NULL: what is judged is among the training samples */
	eg_part part;
	const double *settings; /* NULL: they are tried */
	eg_floors *out;
	eg_floor_cache cache;
	int fold;
	eg_floor_progress tell;
} eg_floor_run;

/* ---- run.c ------------------------------------------------------------------------------------------------------- */

/* The task, and room for results, of r->recipe and r->options. What it leaves is freed by the caller, on failure too:
 * out, own_ctx, and the task unless the samples are borrowed. */
eg_status eg_floor_run_open(eg_floor_run *r, eg_error *err);
/* The samples of fold r->fold, and the network's graph; and drops them. */
eg_status eg_floor_run_load(eg_floor_run *r, eg_error *err);
void eg_floor_run_drop(eg_floor_run *r);

/* ---- trial.c ----------------------------------------------------------------------------------------------------- */

/* To be freed by eg_floor_close; NULL: out of memory. */
eg_floor *eg_floor_open(eg_floor_run *r, const eg_floor_type *type, const double *settings, eg_error *err);
/* Such a task, such inputs and targets? */
bool eg_floor_serves(eg_floor_run *r, const eg_floor_type *type);
/* The best of the settings; where there is but one way, or too few samples, the first. */
eg_status eg_floor_try(
	eg_floor_run *r, const eg_floor_type *type, const eg_floor_part *all, double *settings, eg_error *err);
/* Trains and judges a floor on the samples at hand: its metrics, and the settings it had. */
eg_status eg_floor_run_one(
	eg_floor_run *r, const eg_floor_type *type, double *values, eg_value *settings, eg_error *err);
/* By the task's first metric; NAN is worse than any number. */
bool eg_floor_better(const eg_task_type *type, double a, double b);

#endif

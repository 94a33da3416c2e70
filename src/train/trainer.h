/* trainer.h - the inside of eg_trainer, for the loop around it. */
#ifndef ENGRAM_TRAIN_TRAINER_H
#define ENGRAM_TRAIN_TRAINER_H

#include "train/groups.h"
#include "train/judges.h"

struct eg_trainer {
	eg_graph *graph;
	eg_params *params;
	eg_context *ctx;
	eg_train_config config; /* with defaults filled in */
	const eg_dataset *data;
	eg_optimizer *optimizer, *own_optimizer;
	eg_train_state *state, own_state;
	const eg_judge *judge; /* of the training samples; NULL: none */
	eg_judge *own_judge;
	eg_plan_cache *plans;
	eg_batches batches;
	eg_feed feed;
	real *average, *own_average; /* moving average of the weights; NULL: none */
	bool swapped;                /* the average is in the parameters, and the weights in its place */
	bool sums;       /* the objective is a sum over predictions, not their mean */
	real *sum;       /* gradients of an update's batches so far, their mean; NULL: one batch is an update */
	int summed;      /* batches that are in it */
	double *partial; /* of the norm of one batch's gradients, by unit */
	int epoch;
	int64_t batch;       /* batches done in this epoch */
	double weight, loss; /* of the update that is under way: predictions, and what is shown of their objective
	                      * summed */
	double lr;
	bool pending; /* gradients are there, the update is not made */
};

/* Begins epoch `epoch` behind its first state->batch batches, with the streams as the state says. */
eg_status eg_trainer_resume_epoch(eg_trainer *t, int epoch, eg_error *err);

#endif

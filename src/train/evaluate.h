/* evaluate.h - a data set through the network, batch by batch, again and again: what validation needs. */
#ifndef ENGRAM_TRAIN_EVALUATE_H
#define ENGRAM_TRAIN_EVALUATE_H

#include "train/judges.h"

typedef struct eg_evaluator {
	const eg_judge *judge; /* NULL: none */
	const char *objective; /* NULL: none */
	eg_plan_cache *plans;
	eg_batches batches;
	eg_feed feed;
	double *mean; /* of a batch with several views: probabilities; `room` of them */
	size_t room;
} eg_evaluator;

/* Zero-initialise; eg_evaluator_free in every case. batch as in eg_each_batch. */
eg_status eg_evaluator_make(eg_evaluator *e, eg_graph *g, eg_params *p, const char *objective, int batch,
	const eg_dataset *data, const eg_judge *judge, eg_error *err);
void eg_evaluator_free(eg_evaluator *e);
/* *loss: NAN where there is nothing to predict. The judge is reset before. */
eg_status eg_evaluator_run(eg_evaluator *e, double *loss, eg_error *err);

#endif

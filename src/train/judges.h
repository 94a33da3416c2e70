/* judges.h - the judge that training takes when it is given none, and how judges are asked. */
#ifndef ENGRAM_TRAIN_JUDGES_H
#define ENGRAM_TRAIN_JUDGES_H

#include "train/feed.h"

/* That of classes, where the graph has an output "logits" that fits a target of the objective; *judge NULL: it has
 * not. */
eg_status eg_judge_default(eg_graph *g, const char *objective, const eg_dataset *data, eg_judge **judge, eg_error *err);
/* Is what a judge says about itself right? NULL is. */
eg_status eg_judge_check(const eg_graph *g, const eg_judge *j, eg_error *err);

/* These take NULL and a judge of no metrics, and do nothing then. */
void eg_judge_reset(const eg_judge *j);
eg_status eg_judge_add(const eg_judge *j, const eg_batch_run *b, eg_error *err);
void eg_judge_values(const eg_judge *j, double *values);

#endif

/* learn.h - which records a task trains on, and what it learns of them before the network sees any (learn.c). */
#ifndef ENGRAM_TASKS_LEARN_H
#define ENGRAM_TASKS_LEARN_H

#include "tasks/samples.h"

/* The training records cut in two. Zero-initialise; eg_cut_free in any case. */
typedef struct eg_cut {
	uint32_t *items, *second; /* those to train on, those that validate */
	int64_t n, nsecond, left_out;
	char first_out[EG_SAMPLES_NAME]; /* of those left out */
	int32_t *labels;
	const char **groups;
	eg_arena arena;
} eg_cut;
void eg_cut_free(eg_cut *c);

/* The source prepared, its training records cut, and the intakes that do not know yet what they have to know taught by
 * those to train on. */
eg_status eg_task_learn(eg_task *t, const eg_samples_options *o, eg_cut *c, eg_error *err);
/* What is known of a source's fields, for the intakes: their own names, or those that the intakes know. */
eg_status eg_task_meet(eg_task *t, eg_error *err);
/* Tells the source a picture's size, where the network says it, so that files are brought to it once. */
void eg_task_tell_size(eg_task *t);
unsigned eg_task_also(const eg_task *t); /* fields of the source that judges alone look at */

/* Does the task leave records out of training? */
bool eg_task_leaves_out(const eg_task *t, const eg_samples_options *o);
/* Takes them out of n items of a part of the source; `first` becomes the name of one of them, if it has none yet. */
eg_status eg_task_leave_out(
	const eg_task *t, eg_part from, uint32_t *items, int64_t *n, char first[EG_SAMPLES_NAME], eg_error *err);

#endif

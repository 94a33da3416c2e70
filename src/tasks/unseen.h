/* unseen.h - classes that are left out of training by their names (unseen.c). */
#ifndef ENGRAM_TASKS_UNSEEN_H
#define ENGRAM_TASKS_UNSEEN_H

#include "tasks/task.h"

bool eg_unseen_has(const eg_strings *unseen, const char *name);
/* As eg_task_type.leaves_out: `field` of the source has the labels; so many classes at least have to be left. */
eg_status eg_unseen_leaves_out(const eg_task *t, const eg_strings *unseen, int field, int least, const eg_record *r, bool *out,
	eg_error *err);

#endif

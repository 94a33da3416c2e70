/* eval_worst.h - of a part of the data the pictures that a model does worst on; for engram eval. */
#ifndef ENGRAM_CLI_EVAL_WORST_H
#define ENGRAM_CLI_EVAL_WORST_H

#include "cli.h"
#include "engram_value.h"

bool eval_worst_suits(const eg_task *t); /* can it tell of this task's pictures? */
/* The `top` (at most 100) worst, the worst first, as rows into `list`: id, the figure, and what is wrong. page: a file
 * that shows them, or NULL. */
eg_status eval_worst(
	eg_model *m, eg_task *t, eg_samples *s, eg_part part, int top, const char *page, eg_value *list, eg_error *err);

#endif

/* companion.h - a simple model that answers beside a network (data.ensemble): trained on the same samples, kept in the
 * model's file. Tasks know no floor; what stands here is made by src/floors/companion.c. */
#ifndef ENGRAM_TASKS_COMPANION_H
#define ENGRAM_TASKS_COMPANION_H

#include "tasks/task.h"

typedef struct eg_companion eg_companion;

/* One text: unit t is ids[t * apart]. */
typedef struct eg_bag_text {
	const int32_t *ids;
	int n;
	ptrdiff_t apart;
	const eg_intake *intake; /* that has cut `bytes` into them */
	const char *bytes;       /* NULL: not known: asked about in numbers; or not cut into words */
	size_t size;
} eg_bag_text;
/* With what is written in `d`, which may be NULL. */
eg_bag_text eg_bag_text_with(const int32_t *ids, int n, ptrdiff_t apart, const eg_task *t, const eg_datum *d);

/* Is there such a floor, whose weights a file can keep, and which can read what the task reads? */
eg_status eg_companion_suits(const char *floor, const eg_task *t, eg_error *err);
/* Trained on the training samples alone. */
eg_status eg_companion_train(
	const char *floor, const eg_samples *s, eg_graph *g, eg_companion **companion, eg_error *err);
void eg_companion_free(eg_companion *c);

/* Into a map, and back: features (`n` of them) and weights. */
void eg_companion_save(const eg_companion *c, eg_value *map);
eg_status eg_companion_restore(const eg_value *map, int classes, eg_companion **companion, eg_error *err);

/* The logarithms of the classes' probabilities, valid until the next call; NULL: out of memory. */
const double *eg_companion_say(eg_companion *c, eg_bag_text text);
/* What each unit of a text adds to the score of class k, onto each[0..n-1]; false: out of memory. */
bool eg_companion_why(eg_companion *c, eg_bag_text text, int k, double *each);

#endif

/* ensemble.h - a network and a floor that answer together (data.ensemble of classify):
 *
 *   ln p(k) = a ln p_network(k) + b ln p_floor(k) + a constant
 *
 * a and b are those by which the validation samples are likeliest (stacked generalisation: Wolpert 1992), or the
 * recipe's. They also say how far each is to be believed: naive Bayes is far too sure of itself. */
#ifndef ENGRAM_TASKS_ENSEMBLE_H
#define ENGRAM_TASKS_ENSEMBLE_H

#include "tasks/companion.h"

typedef struct eg_ensemble_keys {
	const char *floor;  /* NULL: the network answers alone */
	eg_numbers weights; /* a and b; none: chosen by validation samples */
} eg_ensemble_keys;
extern const eg_variant eg_ensemble_map; /* the keys */

typedef struct eg_ensemble {
	const char *floor;
	eg_companion *companion;
	double a, b; /* weights of the network and of the floor */
	/* Accuracy on the validation samples: of the network, the floor, and both; NAN: there were none. */
	double network, alone, both;
	int classes;
	eg_real *logits;
	const double *said; /* the floor's word on the row that was looked at last */
} eg_ensemble;

/* The recipe's section fits the task, and the samples will say what it has to learn. */
eg_status eg_ensemble_check(const eg_task *t, const eg_ensemble_keys *k, eg_error *err);
eg_status eg_ensemble_can_settle(
	const eg_task *t, const eg_ensemble_keys *k, bool folds, bool validation, eg_error *err);
/* Trains the floor, and chooses the weights. */
eg_status eg_ensemble_settle(const eg_ensemble_keys *k, const eg_samples *s, eg_graph *g, eg_params *p,
	eg_ensemble **ensemble, eg_error *err);
void eg_ensemble_free(eg_ensemble *e);
/* classify.c: of a task that classifies; NULL: there is none. */
eg_ensemble *eg_classify_ensemble(const eg_task *t);

/* Of a row: the network's own logits where e is NULL, and where the row is another model's. NULL: out of memory. */
const eg_real *eg_ensemble_logits(eg_ensemble *e, const eg_task *t, const eg_row *r, eg_error *err);

void eg_ensemble_put_weights(eg_value *map, const eg_ensemble *e); /* `weights`, of the network and of the floor */
void eg_ensemble_save(const eg_ensemble *e, eg_value *map);
eg_status eg_ensemble_restore(
	const eg_value *map, const char *floor, int classes, eg_ensemble **ensemble, eg_error *err);

#endif

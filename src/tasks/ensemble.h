/* ensemble.h - a network and one or several floors that answer together (data.ensemble of classify):
 *
 *   ln p(k) = a ln p_network(k) + the sum over the floors: b_i ln p_i(k) + a constant
 *
 * The weights are those by which the validation samples are likeliest (stacked generalisation: Wolpert 1992), or the
 * recipe's. They also say how far each is to be believed: naive Bayes is far too sure of itself. */
#ifndef ENGRAM_TASKS_ENSEMBLE_H
#define ENGRAM_TASKS_ENSEMBLE_H

#include "tasks/companion.h"

enum { EG_ENSEMBLE_FLOORS = 4 };

typedef struct eg_ensemble_keys {
	eg_strings floors;  /* none: the network answers alone */
	eg_numbers weights; /* a and b; none: chosen by validation samples */
} eg_ensemble_keys;
extern const eg_variant eg_ensemble_map; /* the keys */

typedef struct eg_ensemble {
	const char *const *floors;
	int nfloors;
	eg_companion *companions[EG_ENSEMBLE_FLOORS];
	double weights[1 + EG_ENSEMBLE_FLOORS]; /* of the network, and of each floor */
	/* Accuracy on the validation samples: of each likewise, and of all together; NAN: there were none. */
	double alone[1 + EG_ENSEMBLE_FLOORS], both;
	int classes;
	eg_real *logits;
	const double *said[EG_ENSEMBLE_FLOORS]; /* each floor's word on the text that was looked at last */
} eg_ensemble;

/* The recipe's section fits the task, and the samples will say what it has to learn. */
eg_status eg_ensemble_check(const eg_task *t, const eg_ensemble_keys *k, eg_error *err);
eg_status eg_ensemble_can_settle(
	const eg_task *t, const eg_ensemble_keys *k, bool folds, bool validation, eg_error *err);
/* Trains the floors, and chooses the weights. */
eg_status eg_ensemble_settle(const eg_ensemble_keys *k, const eg_samples *s, eg_graph *g, eg_params *p,
	eg_ensemble **ensemble, eg_error *err);
void eg_ensemble_free(eg_ensemble *e);
/* classify.c: of a task that classifies; NULL: there is none. */
eg_ensemble *eg_classify_ensemble(const eg_task *t);

/* Of a row: the network's own logits where e is NULL, and where the row is another model's. NULL: out of memory. */
const eg_real *eg_ensemble_logits(eg_ensemble *e, const eg_task *t, const eg_row *r, eg_error *err);

/* The floors' words on a text, into e->said; false: out of memory. */
bool eg_ensemble_ask(eg_ensemble *e, eg_bag_text text);
/* Of class k, of which the network's logit is `own`: what they and it come to. */
double eg_ensemble_sum(const eg_ensemble *e, double own, int k);

/* `floor`, its name, or a list of them, and `weights`, the network's first. */
void eg_ensemble_put(eg_value *map, const eg_ensemble *e);
/* A number of each floor: a list where there are several. */
void eg_ensemble_put_floors(eg_value *map, const char *key, const eg_ensemble *e, const double *of, int show);
void eg_ensemble_save(const eg_ensemble *e, eg_value *map);
eg_status eg_ensemble_restore(
	const eg_value *map, eg_strings floors, int classes, eg_ensemble **ensemble, eg_error *err);

#endif

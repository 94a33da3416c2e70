/* ctc.h - reading labels off the outputs of a network that was trained with CTC (Graves et al. 2006): logarithms of
 * probabilities at each step, lp (steps, classes), of which class 0 stands for no label.
 *
 * A path says a class at every step; what it tells is what is left when repeats are merged and class 0 is left out. */
#ifndef ENGRAM_TASKS_CTC_H
#define ENGRAM_TASKS_CTC_H

#include "base/base.h"

typedef struct eg_ctc {
	const double *lp;
	int steps, classes;
} eg_ctc;

/* How likely a label is behind others: adds to the logarithm of what a beam compares. before: n labels. */
typedef struct eg_ctc_prior {
	double (*of)(void *user, const int32_t *before, int n, int32_t label);
	void *user;
} eg_ctc_prior;

/* What the likeliest path tells, into labels (room for `steps`); returns how many. */
int eg_ctc_best(const eg_ctc *c, int32_t *labels);
/* The labels whose paths have the largest probability together, times that of the prior (NULL: none): `width`
 * beginnings are kept from step to step. */
eg_status eg_ctc_beam(const eg_ctc *c, int width, const eg_ctc_prior *prior, int32_t *labels, int *n, eg_error *err);
/* ln of the probability of these labels: the sum over all their paths; -INFINITY: they do not fit into the steps. */
eg_status eg_ctc_likelihood(const eg_ctc *c, const int32_t *labels, int n, double *ln, eg_error *err);
/* Where each is on the likeliest of their paths: label i from step first[i] to before step end[i]. They must fit. */
eg_status eg_ctc_align(const eg_ctc *c, const int32_t *labels, int n, int *first, int *end, eg_error *err);
/* How many steps they need: one each, and one more between two that are the same. */
int eg_ctc_needs(const int32_t *labels, int n);

#endif

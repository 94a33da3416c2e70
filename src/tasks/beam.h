/* beam.h - beam search: the likeliest sequences of units that a model which is asked unit by unit puts out.
 *
 * Hypotheses of a sentence are equally long while they live, and ranked by their logarithm of probability; those that
 * have ended are ranked by
 *
 *   score = ln P / lp + cp,  lp = ((5 + n) / 6)^alpha,  cp = coverage * sum over places i of ln min(1, sum of a_i)
 *
 * with n units (the end mark is one of them) and the attention a_i of all steps to place i of the source (Wu et al.
 * 2016, "Google's neural machine translation system", eq. 14). The search for a sentence is over when `beam` hypotheses
 * have ended and none that lives would be better if it ended for nothing (a sure one that is long may still be going
 * while many short and unlikely ones have ended), or when none can become better. beam 1 is greedy search. */
#ifndef ENGRAM_TASKS_BEAM_H
#define ENGRAM_TASKS_BEAM_H

#include "base/base.h"

typedef struct eg_beam_options {
	int beam, longest; /* hypotheses of a sentence; most units of one, behind which it has to end */
	double alpha, coverage;
	int units,
		places; /* of the model: different units; places of the source that it attends to, 0: none are told */
	int32_t begin, end, never; /* what the first step reads; what ends; what is not written, -1: nothing */
} eg_beam_options;

/* The model: row i of n goes on with units[i], from row from[i] of the call before; in the first call, where there is a
 * row for each sentence, from[i] is i. *logits (n,units), *attention (n,places; of no interest without places): its
 * own, valid until the next call. */
typedef struct eg_beam_model {
	void *user;
	eg_status (*step)(void *user, int n, const int *from, const int32_t *units, const eg_real **logits,
		const eg_real **attention, eg_error *err);
	const int *lengths; /* places of each sentence; NULL: all */
} eg_beam_model;

typedef struct eg_hypothesis {
	int32_t *units; /* n of them, without the end mark */
	int n;
	double logprob, score;
	double *unit_logprob; /* of each, behind those before it; n of them */
	eg_real *attention; /* (n + 1, places): of each unit and of the end mark; NULL without places */
} eg_hypothesis;

/* The best hypothesis of each sentence into best[0..sentences-1]; release each with eg_hypothesis_free, also after a
 * failure. EG_ERR_NUMERIC: the model's numbers are none. */
eg_status eg_beam_search(
	const eg_beam_model *m, const eg_beam_options *o, int sentences, eg_hypothesis *best, eg_error *err);
void eg_hypothesis_free(eg_hypothesis *h);

#endif

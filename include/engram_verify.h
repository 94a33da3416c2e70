/* engram_verify.h - are two samples of one class, such as two faces of one person? By what a model of the task `verify`
 * keeps of the pairs that validated it. Part of libengram_io.
 *
 * An embedding is the `embedding` of an answer (eg_predictor_run). NULL and messages as in engram_io.h. */
#ifndef ENGRAM_VERIFY_H
#define ENGRAM_VERIFY_H

#include "engram_index.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_verifier {
	eg_distance distance;
	double threshold;     /* what is farther apart is not the same */
	double false_accepts; /* share of the validation pairs of two classes that it accepts, at most; NAN: the
	                       * caller's own threshold */
	double a, b;          /* 1 / (1 + exp(-(a + b d))): see eg_verdict.probability */
} eg_verifier;

typedef struct eg_verdict {
	double distance;
	bool same;
	double probability; /* that they are of one class, where that is as frequent as not */
	double confidence;  /* that `same` is right, likewise: the probability, or what is missing to 1 */
} eg_verdict;

/* false_accepts: how many pairs of two classes may be taken for one; the largest rate is used that the model keeps and
 * that is no larger. 0: the recipe's (data.false_accepts). threshold: the caller's own in its place; NAN: none.
 * EG_ERR_ARG: the model is of another task, was trained without validation samples, or these were too few for that
 * rate. */
EG_API eg_status eg_verifier_of(
	const eg_model *m, double false_accepts, double threshold, eg_verifier *v, eg_error *err);
/* Two embeddings of `width` numbers. EG_ERR_NUMERIC: they cannot be compared. */
EG_API eg_status eg_verifier_compare(
	const eg_verifier *v, const float *a, const float *b, int width, eg_verdict *to, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif

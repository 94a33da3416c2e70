/* pair_svm.h - flat borders between every two classes with as wide a margin as can be: a linear support vector machine
 * (Cortes and Vapnik 1995) for each pair of classes; the class that wins most pairs is told (Knerr, Personnaz and
 * Dreyfus 1990).
 *
 *   minimised:  |w|^2 / 2 + c * sum_i max(0, 1 - y_i <w, x_i>)^2          y_i: 1 or -1; x_i has a constant 1 behind it
 *
 * w is sum_i a_i y_i x_i with a_i >= 0, and one a_i after the other is set to where the dual function is least,
 * again and again (dual coordinate descent; Hsieh et al. 2008):
 *
 *   a_i <- max(0, a_i - (y_i <w, x_i> - 1 + a_i / 2c) / (|x_i|^2 + 1 / 2c))
 *
 * Descriptions x are bytes, which stand for 0 to 1. Pairs are shared out among the threads; each is computed by one, so
 * the bits are the same for any number of them. */
#ifndef ENGRAM_FLOORS_PAIR_SVM_H
#define ENGRAM_FLOORS_PAIR_SVM_H

#include "floors/floors.h"

enum { EG_SVM_LANES = 16, EG_SVM_CLASSES = 100 };

typedef struct eg_pair_svm {
	int classes, size, npairs; /* size: bytes of a description, a multiple of EG_SVM_LANES, the last ones 0 */
	int64_t n;                 /* descriptions */
	uint8_t *x;
	float *length; /* |x|^2, with the constant */
	int32_t *labels;
	float *w;      /* [pair][size + EG_SVM_LANES]: w, then the constant's */
	/* of each pair, while they are trained */
	uint32_t *items; /* samples of its two classes, pair behind pair */
	float *a;
	int64_t *begin;
	int round;
	float soft; /* 1 / 2c */
} eg_pair_svm;

/* Zeroed before; n descriptions of at least `bytes`. In every case to be freed. */
eg_status eg_pair_svm_new(eg_pair_svm *m, int classes, int bytes, int64_t n, const eg_floor *f, eg_error *err);
void eg_pair_svm_free(eg_pair_svm *m);
uint8_t *eg_pair_svm_at(const eg_pair_svm *m, int64_t i); /* where description i is to be put, */
void eg_pair_svm_note(eg_pair_svm *m, int64_t i, int32_t label); /* and when it has been; label -1: of none */
/* So many times over all descriptions, which are forgotten then. Progress goes from `from` to 1. */
eg_status eg_pair_svm_train(
	eg_pair_svm *m, double c, int rounds, eg_team *team, eg_floor *f, double from, eg_error *err);
/* Adds the pairs that were won; of as many, the margins tell. */
void eg_pair_svm_votes(const eg_pair_svm *m, const uint8_t *x, eg_real *votes);

#endif

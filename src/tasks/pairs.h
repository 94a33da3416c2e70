/* pairs.h - distances of pairs of samples: how well they tell pairs of one class from others, where a threshold has to
 * lie, and how sure a distance is. */
#ifndef ENGRAM_TASKS_PAIRS_H
#define ENGRAM_TASKS_PAIRS_H

#include "engram_index.h"
#include "tasks/embedding.h"

/* Distances of all pairs, of one class and of two, each sorted: the nearest first. Of more than EG_PAIRS_MOST of a kind
 * so many are drawn. */
enum { EG_PAIRS_MOST = 1000000 };
typedef struct eg_pairs {
	float *same, *other;
	int64_t nsame, nother;
} eg_pairs;

/* EG_ERR_NUMERIC: they cannot be compared. */
eg_status eg_embedding_distance(const float *a, const float *b, int width, eg_distance distance, double *to, eg_error *err);
eg_status eg_pairs_make(const eg_embedded *e, eg_distance distance, eg_pairs *p, eg_error *err);
void eg_pairs_free(eg_pairs *p);

/* Share of sorted distances that are accepted at a threshold: at most so far. */
double eg_pairs_accepted(const float *sorted, int64_t n, double threshold);
/* The least rate that neither the pairs of one class that are refused nor the others that are accepted exceed, over
 * all thresholds: the equal error rate, but for the step between two pairs. NAN: one of the kinds is missing. */
double eg_pairs_eer(const eg_pairs *p);
/* The threshold at which at most this share of the other pairs is accepted: in the middle between the last of them and
 * the next. NAN: there are none. */
double eg_pairs_threshold(const eg_pairs *p, double false_accepts);

/* Of a pair so far apart: how likely it is of one class where that is as frequent as not, 1 / (1 + exp(-(a + b d))).
 * Found by maximum likelihood, both kinds weighing the same (Platt 1999, with his softened targets). b <= 0. */
typedef struct eg_sureness {
	double a, b;
} eg_sureness;
eg_sureness eg_pairs_sureness(const eg_pairs *p);
double eg_sureness_at(eg_sureness s, double distance);

/* verify.c: of a task `verify`, how it compares, and which rate of false accepts it asks for. */
eg_distance eg_verify_distance(const eg_task *t);
double eg_verify_rate(const eg_task *t);

#endif

/* ngram.h - how likely a label is behind others: interpolated Kneser-Ney n-grams (Kneser and Ney 1995; Chen and
 * Goodman 1999) of transcripts, small enough to lie in a model's file.
 *
 *   P_k(w | h) = max(c(h w) - D, 0) / c(h)  +  D t(h) / c(h) * P_{k-1}(w | h')      D = 0.75, P_0 = 1 / labels
 *
 * h are the last k - 1 labels, h' the last k - 2, t(h) counts the different labels behind h. Of the longest n-grams c
 * counts how often they are there, of shorter ones behind how many different labels. A transcript begins behind zeros.
 * The floor kneser-ney is the same for running texts, with tables as large as these. */
#ifndef ENGRAM_TASKS_NGRAM_H
#define ENGRAM_TASKS_NGRAM_H

#include "base/base.h"
#include "engram_value.h"

enum { EG_NGRAM_MOST = 6 };
typedef struct eg_ngram eg_ngram;

/* n-grams of `order` labels (1 to EG_NGRAM_MOST), which are 1 to `labels`. NULL: out of memory. */
eg_ngram *eg_ngram_new(int order, int labels);
void eg_ngram_free(eg_ngram *m);
/* A transcript to learn from; labels below 1 stand for none that is known. When all are there: `done`, then it can be
 * asked. false: out of memory. */
bool eg_ngram_add(eg_ngram *m, const int32_t *labels, int n);
bool eg_ngram_done(eg_ngram *m);
/* ln P(label | the n labels before it). */
double eg_ngram_ln(const eg_ngram *m, const int32_t *before, int n, int32_t label);

void eg_ngram_save(const eg_ngram *m, eg_value *map); /* as keys of the map */
eg_status eg_ngram_restore(const eg_value *map, int labels, eg_ngram **m, eg_error *err); /* EG_ERR_FORMAT: damaged */

#endif

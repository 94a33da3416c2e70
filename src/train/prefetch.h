/* prefetch.h - threads that fill the batches of a data set ahead of those who run them.
 *
 * Each batch is filled by one thread, into memory of its own, from its number alone: so it holds the same bits whoever
 * fills it and when. What fails is told when the batch is asked for. */
#ifndef ENGRAM_TRAIN_PREFETCH_H
#define ENGRAM_TRAIN_PREFETCH_H

#include "train/filled.h"

typedef struct eg_prefetch eg_prefetch;

/* NULL: there is no memory, or no thread could be begun. Fewer than `threads` are as good. The data set says that it
 * may be filled by several (eg_dataset.parallel). */
eg_prefetch *eg_prefetch_new(const eg_graph *g, const eg_dataset *d, int threads);
/* Waits for what is being filled. */
void eg_prefetch_free(eg_prefetch *p); /* NULL is allowed */
/* Waits likewise, and forgets all batches. To be called before their order changes. */
void eg_prefetch_stop(eg_prefetch *p);
/* Number k of what is filled, and those behind it will be filled meanwhile: view k % views of batch k / views; *out
 * is good until the next call. Quickest in their order. The caller fills it himself where nobody has begun it. */
eg_status eg_prefetch_get(
	eg_prefetch *p, const eg_batches *b, int64_t k, int views, uint64_t seed, int epoch, eg_filled **out, eg_error *err);

#endif

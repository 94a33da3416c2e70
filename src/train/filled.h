/* filled.h - a batch of a data set as numbers, in memory of its own or in a plan's. One thread at a time works on one;
 * several may fill several. */
#ifndef ENGRAM_TRAIN_FILLED_H
#define ENGRAM_TRAIN_FILLED_H

#include "core/graph.h"
#include "train/batches.h"

enum { EG_FEED_INPUTS = 16 };

/* Zero-initialise; eg_filled_free in every case. */
typedef struct eg_filled {
	eg_batch batch;
	eg_fill fill;
	eg_dims dims[EG_FEED_INPUTS]; /* of each input, concrete */
	void *slots[EG_FEED_INPUTS];  /* what is filled: the plan's memory, or: */
	void *own[EG_FEED_INPUTS];
	size_t own_bytes[EG_FEED_INPUTS];
	int32_t *ends; /* of the samples, in one dimension */
	int room_ends;
	void *room; /* of the data set (eg_dataset.room_new) */
} eg_filled;

/* Sets batch, fill and dims, and makes room for the ends of samples. */
eg_status eg_filled_begin(eg_filled *f, const eg_graph *g, const eg_dataset *d, const eg_batch *b, uint64_t seed, int epoch,
	int view, eg_error *err);
/* Puts memory of its own into slot k. */
eg_status eg_filled_own(eg_filled *f, const eg_graph *g, const eg_dataset *d, int k, eg_error *err);
size_t eg_filled_bytes(const eg_filled *f, const eg_graph *g, const eg_dataset *d, int k);
/* Fills the slots. Allocates nothing from the graph's allocator. */
eg_status eg_filled_fill(eg_filled *f, const eg_graph *g, const eg_dataset *d, eg_error *err);
void eg_filled_free(eg_filled *f, const eg_graph *g, const eg_dataset *d);

/* Steps (which 0) or sizes of data->dims[which - 1] of each sample of the batch. */
void eg_fill_lengths(int32_t *lengths, const eg_dataset *d, int which, const eg_batch *b);

#endif

/* batches.h - which samples of a data set make a batch, in which order, how many time steps it has, and how large its
 * other open dimensions are. */
#ifndef ENGRAM_TRAIN_BATCHES_H
#define ENGRAM_TRAIN_BATCHES_H

#include "base/base.h"
#include "engram_train.h"

typedef struct eg_batches {
	const eg_dataset *data;
	const eg_allocator *allocator;
	int size;      /* samples in a batch; the last one cut may have fewer */
	int64_t count; /* batches in an epoch */
	double weight; /* predictions in an epoch */
	uint32_t *order;
	uint32_t *turn;              /* the k-th batch lies at turn[k] * size in order; NULL: at k * size */
	struct eg_batches_key *keys; /* room to sort in; NULL: samples are not sorted */
} eg_batches;

typedef struct eg_batch {
	const uint32_t *items;
	int n, time;                /* time 0: no sequences */
	int sizes[EG_DATASET_DIMS]; /* as data->dims lists them */
	double weight;              /* predictions in it */
} eg_batch;

/* Zero-initialise; eg_batches_free in every case. The order is that of an evaluation until eg_batches_shuffle. */
eg_status eg_batches_make(eg_batches *b, const eg_allocator *a, const eg_dataset *data, int size, eg_error *err);
void eg_batches_free(eg_batches *b);
/* The order of a training epoch: a function of seed and epoch. */
void eg_batches_shuffle(eg_batches *b, uint64_t seed, int epoch);
eg_batch eg_batches_get(const eg_batches *b, int64_t k);

#endif

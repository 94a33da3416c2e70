/* batches.c - which samples of a data set make a batch. Three kinds of sets:
 *
 *   plain    shuffled, then cut.
 *   lengths  (time_of, size_of) shuffled; then, inside of windows of WINDOW batches, sorted by length, so that samples
 *            of like length meet; cut; and the batches shuffled again, so that an epoch does not run from short to
 *            long. With further open dimensions, samples of the same number of steps after rounding are sorted by
 *            those, in their order; inside of a batch, by their exact steps again, so that those that have ended lie
 *            side by side.
 *   streams  pieces of running series: batch k is piece k of every stream. Never shuffled: the state goes from batch
 *            to batch.
 *
 * Not here: what is in a sample (eg_dataset), what is done with a batch (loop.c). */
#include "train/batches.h"

#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 32,
	STEPS = 2, /* a batch has a multiple of so many steps, so that few different plans are needed */
	LIKE = 4   /* with further open dimensions: where steps are the same multiple of these, those count */
};

typedef struct eg_batches_key {
	int size[1 + EG_DATASET_DIMS]; /* steps; of other dimensions */
	uint32_t item;
	int64_t at; /* place before sorting, so that the result is one and the same everywhere */
} eg_batches_key;

static int by_size(const void *a, const void *b) {
	const eg_batches_key *x = a, *y = b;
	for (int i = 0; i < EG_COUNT(x->size); i++)
		if (x->size[i] != y->size[i]) return x->size[i] < y->size[i] ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int count_dims(const eg_dataset *d) {
	int n = 0;
	while (d->dims && d->dims[n]) n++;
	return n;
}

static int rounded(int size, int to, int most) {
	size = size < 1 ? to : (size + to - 1) / to * to;
	return size < most ? size : most;
}

static void sort_windows(eg_batches *b, int64_t window) {
	const eg_dataset *d = b->data;
	int dims = d->size_of ? count_dims(d) : 0;
	for (int64_t i = 0; i < d->count; i++) {
		uint32_t item = b->order[i];
		eg_batches_key k = {.item = item, .at = i};
		if (d->time_of) k.size[0] = d->time_of(d->user, item);
		if (d->time_of && dims) k.size[0] = rounded(k.size[0], LIKE, d->time);
		for (int j = 0; j < dims; j++) k.size[1 + j] = d->size_of(d->user, item, j);
		for (int j = 0; j + 1 < dims; j++) k.size[1 + j] = rounded(k.size[1 + j], LIKE, d->most[j]);
		b->keys[i] = k;
	}
	for (int64_t i = 0; i < d->count; i += window) {
		size_t n = (size_t)(d->count - i < window ? d->count - i : window);
		qsort(b->keys + i, n, sizeof *b->keys, by_size);
	}
	for (int64_t i = 0; i < d->count && d->time_of && dims; i += b->size) {
		const int64_t n = d->count - i < b->size ? d->count - i : b->size;
		for (int64_t k = i; k < i + n; k++) b->keys[k] = (eg_batches_key){{d->time_of(d->user, b->keys[k].item)}, b->keys[k].item, k};
		qsort(b->keys + i, (size_t)n, sizeof *b->keys, by_size);
	}
	for (int64_t i = 0; i < d->count; i++) b->order[i] = b->keys[i].item;
}

static eg_status check_dims(const eg_dataset *d, eg_error *err) {
	int n = count_dims(d);
	if (n > EG_DATASET_DIMS)
		return eg_fail(err, EG_ERR_ARG, "a data set with %d open dimensions; at most %d are allowed", n,
		        EG_DATASET_DIMS);
	if (n && !d->most)
		return eg_fail(err, EG_ERR_ARG, "a data set with open dimensions must say their largest sizes (most)");
	for (int k = 0; k < n; k++) {
		if (d->most[k] < 1)
			return eg_fail(err, EG_ERR_ARG, "dimension '%s' of a data set has sizes of at most %d",
			        d->dims[k], d->most[k]);
		for (int64_t i = 0; d->size_of && i < d->count; i++) {
			int size = d->size_of(d->user, (uint32_t)i, k);
			if (size < 0 || size > d->most[k])
				return eg_fail(err, EG_ERR_ARG,
				        "sample %lld has size %d in dimension '%s'; 0 to %d are allowed", (long long)i,
				        size, d->dims[k], d->most[k]);
		}
	}
	return EG_OK;
}

static eg_status check(const eg_dataset *d, eg_error *err) {
	if (d->count > UINT32_MAX) return eg_fail(err, EG_ERR_ARG, "more than 2^32 samples in a data set");
	if (d->time < 0 || (d->time_of && d->time < 1))
		return eg_fail(err, EG_ERR_ARG, "a data set of sequences of at most %d steps", d->time);
	if (d->streams < 0 || (d->streams > 0 && d->count % d->streams))
		return eg_fail(err, EG_ERR_ARG, "%lld samples cannot be the pieces of %d streams of equal length",
		        (long long)d->count, d->streams);
	for (int64_t i = 0; d->time_of && i < d->count; i++) {
		int t = d->time_of(d->user, (uint32_t)i);
		if (t < 1 || t > d->time)
			return eg_fail(err, EG_ERR_ARG, "sample %lld has %d time steps; 1 to %d are allowed",
			        (long long)i, t, d->time);
	}
	return check_dims(d, err);
}

/* Streams: sample s * pieces + k is piece k of stream s. */
static void identity(eg_batches *b) {
	int64_t streams = b->data->streams, pieces = streams ? b->data->count / streams : 0;
	for (int64_t i = 0; i < b->data->count; i++)
		b->order[i] = (uint32_t)(streams ? i % streams * pieces + i / streams : i);
}

eg_status eg_batches_make(eg_batches *b, const eg_allocator *a, const eg_dataset *d, int size, eg_error *err) {
	eg_status status = check(d, err);
	if (status) return status;
	bool sorted = (d->time_of || (d->size_of && count_dims(d))) && !d->streams;
	*b = (eg_batches){.data = d, .allocator = a, .size = d->streams ? d->streams : size};
	b->count = (d->count + b->size - 1) / b->size;
	b->order = eg_calloc(a, (size_t)d->count + 1, sizeof *b->order);
	if (sorted) b->turn = eg_calloc(a, (size_t)b->count + 1, sizeof *b->turn);
	if (sorted) b->keys = eg_calloc(a, (size_t)d->count + 1, sizeof *b->keys);
	if (!b->order || (sorted && (!b->turn || !b->keys)))
		return eg_fail(err, EG_ERR_MEMORY, "out of memory for the order of samples");
	identity(b);
	for (int64_t k = 0; k < b->count && sorted; k++) b->turn[k] = (uint32_t)k;
	if (sorted && d->count > 0) sort_windows(b, d->count);
	for (int64_t k = 0; k < b->count; k++) b->weight += eg_batches_get(b, k).weight;
	return EG_OK;
}

void eg_batches_free(eg_batches *b) {
	eg_release(b->allocator, b->order);
	eg_release(b->allocator, b->turn);
	eg_release(b->allocator, b->keys);
	*b = (eg_batches){0};
}

void eg_batches_shuffle(eg_batches *b, uint64_t seed, int epoch) {
	identity(b);
	if (b->data->streams) return;
	eg_rng_shuffle((eg_rng){seed, eg_stream(EG_RNG_SHUFFLE, 0, (uint64_t)epoch)}, b->order, (size_t)b->data->count);
	if (!b->keys) return;
	sort_windows(b, (int64_t)WINDOW * b->size);
	for (int64_t k = 0; k < b->count; k++) b->turn[k] = (uint32_t)k;
	eg_rng_shuffle((eg_rng){seed, eg_stream(EG_RNG_SHUFFLE, 1, (uint64_t)epoch)}, b->turn, (size_t)b->count);
}

/* Of the other open dimensions: the largest of its samples. */
static void set_sizes(const eg_dataset *d, eg_batch *b) {
	int n = count_dims(d);
	for (int k = 0; k < n; k++) {
		int largest = d->size_of ? 0 : d->most[k];
		for (int i = 0; i < b->n && d->size_of; i++) {
			int size = d->size_of(d->user, b->items[i], k);
			if (size > largest) largest = size;
		}
		b->sizes[k] = rounded(largest, STEPS, d->most[k]);
	}
}

eg_batch eg_batches_get(const eg_batches *b, int64_t k) {
	const eg_dataset *d = b->data;
	int64_t at = (b->turn ? (int64_t)b->turn[k] : k) * b->size, left = d->count - at;
	eg_batch one = {.items = b->order + at, .n = (int)(left < b->size ? left : b->size), .time = d->time};
	one.weight = d->weight ? 0 : one.n;
	for (int i = 0; i < one.n && d->weight; i++) one.weight += d->weight(d->user, one.items[i]);
	set_sizes(d, &one);
	if (!d->time_of) return one;
	int longest = 1;
	for (int i = 0; i < one.n; i++) {
		int t = d->time_of(d->user, one.items[i]);
		if (t > longest) longest = t;
	}
	one.time = rounded(longest, STEPS, d->time);
	return one;
}

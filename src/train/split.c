/* split.c - cutting a data set in two, class by class. */
#include "base/base.h"
#include "engram_train.h"

#include <string.h>

enum { CLASSES_MOST = 1000000 };

/* Marks the samples of class `k` (all samples when labels is NULL) that go to the second part. `items` has room for
 * all. */
static void mark_class(const int32_t *labels, int64_t count, int32_t k, double fraction, uint64_t seed, uint32_t *items, bool *second) {
	size_t n = 0;
	for (int64_t i = 0; i < count; i++)
		if (!labels || labels[i] == k) items[n++] = (uint32_t)i;
	eg_rng_shuffle((eg_rng){seed, eg_stream(EG_RNG_SPLIT, (uint32_t)k, 0)}, items, n);
	size_t take = (size_t)((double)n * fraction + 0.5);
	for (size_t i = 0; i < take; i++) second[items[i]] = true;
}

eg_status eg_split_stratified(const int32_t *labels, int64_t count, double fraction, uint64_t seed, uint32_t *first, int64_t *nfirst,
	uint32_t *second, int64_t *nsecond, eg_error *err) {
	if (!(fraction >= 0 && fraction < 1)) return eg_fail(err, EG_ERR_ARG, "a validation share of %g; it must be in [0, 1)", fraction);
	if (count < 1 || count > UINT32_MAX) return eg_fail(err, EG_ERR_ARG, "a data set of %lld samples cannot be split", (long long)count);
	int32_t classes = 1;
	for (int64_t i = 0; labels && i < count; i++) {
		if (labels[i] < 0 || labels[i] >= CLASSES_MOST)
			return eg_fail(err, EG_ERR_ARG, "sample %lld has label %d; a split by class needs labels 0 to %d", (long long)i, labels[i],
				CLASSES_MOST - 1);
		if (labels[i] >= classes) classes = labels[i] + 1;
	}
	bool *mark = eg_calloc(NULL, (size_t)count, sizeof *mark);
	uint32_t *items = eg_calloc(NULL, (size_t)count, sizeof *items);
	if (mark && items)
		for (int32_t k = 0; k < classes; k++) mark_class(labels, count, k, fraction, seed, items, mark);
	*nfirst = *nsecond = 0;
	for (int64_t i = 0; mark && items && i < count; i++) {
		if (mark[i]) second[(*nsecond)++] = (uint32_t)i;
		else first[(*nfirst)++] = (uint32_t)i;
	}
	bool ok = mark && items;
	eg_release(NULL, mark);
	eg_release(NULL, items);
	return ok ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a split of %lld samples", (long long)count);
}

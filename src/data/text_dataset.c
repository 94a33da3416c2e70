/* text_dataset.c - numbered text as the training loop takes it: running streams, or samples of their own.
 *
 * Both predict the next unit: the target is the input moved on by one. Filling never fails and allocates nothing. Not
 * here: which samples make a batch (train/batches.c), what the numbers stand for (vocab.c). */
#include "data/data.h"

#include <string.h>

struct eg_text_dataset {
	eg_dataset base;
	int32_t *ids;
	size_t nids;
	size_t *starts; /* where stream s begins among the predictions, or sample i in ids; and an end */
	int64_t pieces; /* streams: of each stream */
	int32_t end, ignore;
	bool *cut; /* samples: the sample goes on behind what is here; NULL: none does */
};

static const char *const inputs[] = {"input", "target", NULL};

static eg_status no_memory(eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for the numbers of a text");
}

void eg_text_dataset_free(eg_text_dataset *d) {
	if (!d) return;
	eg_release(NULL, d->ids);
	eg_release(NULL, d->starts);
	eg_release(NULL, d->cut);
	eg_release(NULL, d);
}

const eg_dataset *eg_text_dataset_get(const eg_text_dataset *d) { return &d->base; }
const int32_t *eg_text_dataset_ids(const eg_text_dataset *d, size_t *n) {
	*n = d->nids;
	return d->ids;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* Piece number `item`: *first is the place in ids of its first input; returns how many predictions are in it. */
static int piece_of(const eg_text_dataset *d, uint32_t item, size_t *first) {
	int64_t stream = item / d->pieces, piece = item % d->pieces;
	size_t begin = d->starts[stream] + (size_t)piece * (size_t)d->base.time, end = d->starts[stream + 1];
	*first = begin;
	if (begin >= end) return 0; /* a stream that is shorter by one may have no last piece */
	return end - begin < (size_t)d->base.time ? (int)(end - begin) : d->base.time;
}

static double stream_weight(void *user, uint32_t item) {
	size_t first;
	return piece_of(user, item, &first);
}

static eg_status stream_fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n, time = f->time;
	const eg_text_dataset *d = user;
	int32_t *input = slots[0], *target = slots[1];
	EG_UNUSED(err);
	for (int i = 0; i < n; i++) {
		size_t first;
		int there = piece_of(d, items[i], &first);
		for (int t = 0; t < time; t++) {
			size_t at = (size_t)t * (size_t)n + (size_t)i;
			input[at] = t < there ? d->ids[first + (size_t)t] : 0;
			target[at] = t < there ? d->ids[first + (size_t)t + 1] : d->ignore;
		}
	}
	return EG_OK;
}

eg_status eg_text_streams(const int32_t *ids, size_t n, int streams, int steps, int32_t ignore,
	eg_text_dataset **dataset, eg_error *err) {
	*dataset = NULL;
	if (streams < 1 || steps < 1)
		return eg_fail(err, EG_ERR_ARG, "%d streams of text, %d steps at a time: both must be at least 1",
		        streams, steps);
	if (n / 2 < (size_t)streams)
		return eg_fail(err, EG_ERR_ARG,
		        "the text has %zu units, but %d streams need at least %lld: take more text, or fewer streams",
		        n, streams, 2 * (long long)streams);
	size_t all = n - 1, each = all / (size_t)streams, rest = all % (size_t)streams, longest = each + (rest > 0);
	int time = longest < (size_t)steps ? (int)longest : steps;
	size_t pieces = (longest + (size_t)time - 1) / (size_t)time;
	if (pieces > UINT32_MAX / (size_t)streams)
		return eg_fail(err, EG_ERR_ARG,
		        "a text of %zu units has too many pieces of %d steps: more steps are needed", n, steps);
	eg_text_dataset *d = eg_calloc(NULL, 1, sizeof *d);
	if (!d) return no_memory(err);
	d->ids = eg_calloc(NULL, n, sizeof *ids);
	d->starts = eg_calloc(NULL, (size_t)streams + 1, sizeof *d->starts);
	if (!d->ids || !d->starts) {
		eg_text_dataset_free(d);
		return no_memory(err);
	}
	memcpy(d->ids, ids, n * sizeof *ids);
	d->nids = n;
	for (size_t s = 0; s <= (size_t)streams; s++) d->starts[s] = s * each + (s < rest ? s : rest);
	d->pieces = (int64_t)pieces;
	d->ignore = ignore;
	d->base = (eg_dataset){.user = d,
	        .count = (int64_t)pieces * streams,
	        .inputs = inputs,
	        .time = time,
	        .streams = streams,
	        .weight = stream_weight,
	        .fill = stream_fill};
	*dataset = d;
	return EG_OK;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

/* Predictions in sample `item`. Of a cut one the unit that follows is kept behind it, as its last target. */
static int sample_time(void *user, uint32_t item) {
	const eg_text_dataset *d = user;
	size_t n = d->starts[item + 1] - d->starts[item];
	return (int)n + (d->cut && d->cut[item] ? 0 : 1);
}

static double sample_weight(void *user, uint32_t item) { return sample_time(user, item); }

static eg_status sample_fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n, time = f->time;
	const eg_text_dataset *d = user;
	int32_t *input = slots[0], *target = slots[1];
	EG_UNUSED(err);
	for (int i = 0; i < n; i++) {
		const int32_t *ids = d->ids + d->starts[items[i]];
		size_t length = d->starts[items[i] + 1] - d->starts[items[i]];
		int there = sample_time(user, items[i]);
		for (int t = 0; t < time; t++) {
			size_t at = (size_t)t * (size_t)n + (size_t)i;
			input[at] = t > 0 && t < there ? ids[t - 1] : d->end;
			target[at] = t >= there ? d->ignore : (size_t)t < length ? ids[t] : d->end;
		}
	}
	return EG_OK;
}

/* What of text sample j is kept, in units; one more than `longest` when it is cut. */
static eg_status sample_size(const size_t *starts, uint32_t j, int longest, bool cut, size_t *size, eg_error *err) {
	if (starts[j + 1] < starts[j])
		return eg_fail(err, EG_ERR_ARG, "text sample %lu ends before it begins", (unsigned long)j + 1);
	*size = starts[j + 1] - starts[j];
	if (*size <= (size_t)longest) return EG_OK;
	if (!cut)
		return eg_fail(err, EG_ERR_ARG,
		        "sample %lu has %zu units, but the longest may have %d: raise that, shorten the sample, or let "
		        "long ones "
		        "be cut",
		        (unsigned long)j + 1, *size, longest);
	*size = (size_t)longest + 1;
	return EG_OK;
}

static bool sample_room(eg_text_dataset *d, int64_t count, size_t total) {
	d->ids = eg_calloc(NULL, total + 1, sizeof *d->ids);
	d->starts = eg_calloc(NULL, (size_t)count + 1, sizeof *d->starts);
	d->cut = eg_calloc(NULL, (size_t)count + 1, sizeof *d->cut);
	return d->ids && d->starts && d->cut;
}

static void copy_samples(
	eg_text_dataset *d, const int32_t *ids, const size_t *starts, const uint32_t *items, int longest) {
	size_t to = 0;
	int most = 1;
	for (int64_t i = 0; i < d->base.count; i++) {
		uint32_t j = items ? items[i] : (uint32_t)i;
		size_t size = starts[j + 1] - starts[j];
		d->cut[i] = size > (size_t)longest;
		if (d->cut[i]) size = (size_t)longest + 1;
		if (size > 0) memcpy(d->ids + to, ids + starts[j], size * sizeof *ids);
		d->starts[i] = to;
		to += size;
		d->starts[i + 1] = to;
		int time = sample_time(d, (uint32_t)i);
		if (time > most) most = time;
	}
	d->nids = to;
	d->base.time = most;
}

eg_status eg_text_samples(const int32_t *ids, const size_t *starts, const uint32_t *items, int64_t count, int end,
	int longest, bool cut, int32_t ignore, eg_text_dataset **dataset, eg_error *err) {
	size_t total = 0;
	*dataset = NULL;
	if (count < 0 || count >= UINT32_MAX || longest < 1 || longest >= INT32_MAX || end < 0)
		return eg_fail(err, EG_ERR_ARG,
		        "%lld samples of text of at most %d units, with the end mark %d: none of these may be "
		        "negative, and the "
		        "longest must have at least 1",
		        (long long)count, longest, end);
	for (int64_t i = 0; i < count; i++) {
		size_t size = 0;
		eg_status status = sample_size(starts, items ? items[i] : (uint32_t)i, longest, cut, &size, err);
		if (status) return status;
		total += size;
	}
	eg_text_dataset *d = eg_calloc(NULL, 1, sizeof *d);
	if (!d || !sample_room(d, count, total)) {
		eg_text_dataset_free(d);
		return no_memory(err);
	}
	d->end = end;
	d->ignore = ignore;
	d->base = (eg_dataset){.user = d,
	        .count = count,
	        .inputs = inputs,
	        .time_of = sample_time,
	        .weight = sample_weight,
	        .fill = sample_fill};
	copy_samples(d, ids, starts, items, longest);
	*dataset = d;
	return EG_OK;
}

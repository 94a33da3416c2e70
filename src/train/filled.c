/* filled.c - one batch of a data set as numbers: how large its inputs are, their memory, and zeros behind the ends of
 * samples. See filled.h.
 *
 * Not here: plans (feed.c), which samples make a batch (batches.c), who fills when (prefetch.c). */
#include "train/filled.h"

#include <math.h>
#include <string.h>

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* Which of a batch's sizes is a dimension that is open in the graph: 0 the steps, 1 and on those of data->dims; -1:
 * none. */
static int size_asked(const eg_graph *g, const eg_dataset *d, int64_t dim) {
	if (dim == EG_T) return 0;
	for (int i = 0; d->dims && d->dims[i] && dim <= EG_NAMED; i++) {
		const int open = eg_graph_open_find(g, d->dims[i]);
		if (open >= 0 && dim == EG_NAMED - open) return 1 + i;
	}
	return -1;
}

static int64_t sized(const eg_graph *g, const eg_dataset *d, const eg_batch *b, int64_t dim) {
	if (eg_dim_is_product(dim)) {
		int64_t x, y;
		eg_dim_factors(dim, &x, &y);
		return eg_dim_product(sized(g, d, b, x), sized(g, d, b, y));
	}
	if (dim == EG_N) return b->n;
	const int which = dim < 0 ? size_asked(g, d, dim) : -1;
	return which < 0 ? dim : which == 0 ? b->time : b->sizes[which - 1];
}

void eg_fill_lengths(int32_t *lengths, const eg_dataset *d, int which, const eg_batch *b) {
	for (int i = 0; i < b->n; i++) {
		uint32_t item = b->items[i];
		if (which == 0)
			lengths[i] = d->time_of ? d->time_of(d->user, item) : d->time;
		else
			lengths[i] = d->size_of ? d->size_of(d->user, item, which - 1) : d->most[which - 1];
	}
}

static bool samples_differ(const eg_dataset *d, int which) { return which == 0 ? d->time_of != NULL : d->size_of != NULL; }

/* ---- memory ------------------------------------------------------------------------------------------------------ */

eg_status eg_filled_begin(eg_filled *f, const eg_graph *g, const eg_dataset *d, const eg_batch *b, uint64_t seed, int epoch,
	int view, eg_error *err) {
	f->batch = *b;
	for (int k = 0; d->inputs[k]; k++) {
		const eg_tensor t = eg_graph_find(g, d->inputs[k]);
		if (!t.id || g->values[t.id - 1].node >= 0)
			return eg_fail(err, EG_ERR_ARG, "the data set fills '%s', but the graph has no such input", d->inputs[k]);
		f->dims[k] = eg_tensor_dims(g, t);
		for (int i = 0; i < f->dims[k].rank; i++) f->dims[k].d[i] = sized(g, d, b, f->dims[k].d[i]);
	}
	if (d->room_new && !f->room) {
		eg_status status = d->room_new(d->user, &f->room, err);
		if (status) return status;
	}
	while ((d->time_of || d->size_of) && f->room_ends < b->n)
		if (!eg_grow(g->ctx->allocator, &f->ends, &f->room_ends, f->room_ends, sizeof *f->ends))
			return eg_fail(err, EG_ERR_MEMORY, "out of memory for the lengths of %d samples", b->n);
	f->fill = (eg_fill){.items = b->items, .n = b->n, .time = b->time, .sizes = f->batch.sizes, .seed = seed,
		.epoch = epoch, .view = view, .room = f->room};
	return EG_OK;
}

size_t eg_filled_bytes(const eg_filled *f, const eg_graph *g, const eg_dataset *d, int k) {
	const bool numbers = eg_tensor_dtype(g, eg_graph_find(g, d->inputs[k])) == EG_F32;
	return (size_t)eg_dims_count(&f->dims[k], 0) * (numbers ? sizeof(real) : sizeof(int32_t));
}

eg_status eg_filled_own(eg_filled *f, const eg_graph *g, const eg_dataset *d, int k, eg_error *err) {
	const eg_allocator *a = g->ctx->allocator;
	for (int i = 0; i < f->dims[k].rank; i++)
		if (f->dims[k].d[i] < 0)
			return eg_fail(err, EG_ERR_SHAPE,
				"the data set fills '%s', but does not say how large all its dimensions are (dims)", d->inputs[k]);
	const size_t bytes = eg_filled_bytes(f, g, d, k);
	if (bytes > f->own_bytes[k]) {
		eg_block_free(a, f->own[k]);
		f->own[k] = eg_block_new(a, bytes);
		f->own_bytes[k] = f->own[k] ? bytes : 0;
	}
	f->slots[k] = f->own[k];
	return f->own[k] || bytes == 0 ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for input '%s'", d->inputs[k]);
}

void eg_filled_free(eg_filled *f, const eg_graph *g, const eg_dataset *d) {
	for (int k = 0; k < EG_FEED_INPUTS; k++) eg_block_free(g->ctx->allocator, f->own[k]);
	eg_release(g->ctx->allocator, f->ends);
	if (f->room) d->room_free(d->user, f->room);
	*f = (eg_filled){0};
}

/* ---- padding ----------------------------------------------------------------------------------------------------- */

static void zero_odd(real *x, int64_t n) {
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i])) x[i] = 0;
}

/* Of x, what lies behind the ends of the samples in one dimension; the batch is dimension `samples`. */
static void zero_behind(real *x, const eg_dims *d, int axis, int samples, const int32_t *ends) {
	const int first = axis < samples ? axis : samples, second = axis < samples ? samples : axis;
	int64_t outer = 1, between = 1, inner = 1;
	for (int i = 0; i < d->rank; i++) *(i < first ? &outer : i < second ? &between : &inner) *= d->d[i];
	between /= d->d[first];
	inner /= d->d[second];
	for (int64_t o = 0; o < outer * d->d[first] * between; o++) {
		const int64_t at_first = o / between % d->d[first];
		for (int64_t k = 0; k < d->d[second]; k++) {
			const int64_t at = axis < samples ? at_first : k, sample = axis < samples ? k : at_first;
			if (at >= ends[sample]) zero_odd(x + (o * d->d[second] + k) * inner, inner);
		}
	}
}

/* Behind the ends of its samples a data set may leave anything. What is no number there becomes 0: layers that know of
 * no lengths multiply it with gradients of 0. */
static void zero_padding(eg_filled *f, const eg_graph *g, const eg_dataset *d) {
	for (int k = 0; d->inputs[k] && (d->time_of || d->size_of); k++) {
		const eg_tensor t = eg_graph_find(g, d->inputs[k]);
		const eg_dims declared = eg_tensor_dims(g, t);
		int samples = 0;
		while (samples < declared.rank && declared.d[samples] != EG_N) samples++;
		if (samples == declared.rank || eg_tensor_dtype(g, t) != EG_F32) continue;
		for (int i = 0; i < declared.rank; i++) {
			const int which = size_asked(g, d, declared.d[i]);
			if (which < 0 || !samples_differ(d, which)) continue;
			eg_fill_lengths(f->ends, d, which, &f->batch);
			zero_behind(f->slots[k], &f->dims[k], i, samples, f->ends);
		}
	}
}

eg_status eg_filled_fill(eg_filled *f, const eg_graph *g, const eg_dataset *d, eg_error *err) {
	eg_status status = d->fill(d->user, &f->fill, f->slots, err);
	if (status && !err->status) return eg_fail(err, status, "the data set could not fill a batch, and does not say why");
	if (!status) zero_padding(f, g, d);
	return status;
}

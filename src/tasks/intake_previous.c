/* intake_previous.c - the input `previous` of a network that writes: what has been written before each step. In
 * training that is the target one step later, with its end mark in front, where it stands for the beginning (teacher
 * forcing: Williams and Zipser 1989); a model that writes puts in what it has written itself (scribe.c).
 *
 * Its vocabulary is that of the target. */
#include "tasks/intake.h"

#include <stdlib.h>

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	if (d->rank == 1 && d->d[0] == EG_T) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "what has been written is read step by step: write %s: [time]", f->input);
}

static bool is_known(const eg_intake *f) { return f->follows->type->is_known(f->follows); }
static int count(const eg_intake *f) { return f->follows->type->count(f->follows); }

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	int32_t *ids;
	size_t n;
	EG_UNUSED(axis);
	eg_status status = eg_intake_encode(f->follows, d, r, &ids, &n, err);
	if (status) return status;
	free(ids);
	*size = (int)n + 1;
	return EG_OK;
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int32_t *out = a->slot, begin = eg_vocab_end(eg_intake_vocab(f->follows));
	for (int i = 0; i < a->n; i++) {
		int32_t *ids;
		size_t n, time = (size_t)a->dims.d[0];
		eg_status status = eg_intake_encode(f->follows, a->data[i], eg_fill_record(a, i), &ids, &n, err);
		if (status) return status;
		for (size_t t = 0; t < time; t++)
			out[t * (size_t)a->n + (size_t)i] = t > 0 && t <= n ? ids[t - 1] : begin;
		free(ids);
	}
	return EG_OK;
}

const eg_intake_type eg_intake_previous_type = {.kind = EG_FIELD_TEXT,
	.size = sizeof(eg_intake),
	.fits = fits,
	.is_known = is_known,
	.extent = extent,
	.fill = fill,
	.count = count,
	.word = "units"};

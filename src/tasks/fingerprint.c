/* fingerprint.c - a number for the samples of a part, so that a training that is gone on with can tell that its data is
 * no longer what it was: other contents, other labels, another cut, another order.
 *
 * It tells accidents apart, not attacks. Not here: what tasks keep of the data (names, vocabulary), which is compared
 * by itself. */
#include "tasks/samples.h"

#include <string.h>

/* 64 bits at a time: multiplied and folded, as in FNV-1a and its wider kin. */
static uint64_t mix(uint64_t h, uint64_t word) {
	h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return h ^ h >> 29;
}

uint64_t eg_fingerprint(uint64_t h, const void *bytes, size_t size) {
	const unsigned char *p = bytes;
	uint64_t word;
	h = mix(h, size);
	for (; size >= sizeof word; p += sizeof word, size -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = mix(h, word);
	}
	word = 0;
	if (size) memcpy(&word, p, size);
	return mix(h, word);
}

static uint64_t of_tokens(uint64_t h, const eg_datum_tokens *t) {
	for (int i = 0; i < t->n; i++) h = eg_fingerprint(h, t->at[i], strlen(t->at[i]));
	return mix(h, (uint64_t)t->n);
}

static uint64_t of_boxes(uint64_t h, const eg_datum_boxes *b) {
	for (int i = 0; i < b->n; i++) {
		const eg_box *x = &b->at[i];
		const double edges[4] = {x->x0, x->y0, x->x1, x->y1};
		h = mix(eg_fingerprint(h, edges, sizeof edges), (uint64_t)x->label * 2 + x->difficult);
	}
	return mix(h, (uint64_t)b->n);
}

static uint64_t of_series(uint64_t h, const eg_datum_series *s) {
	size_t steps = (size_t)s->steps;
	h = eg_fingerprint(h, s->at, steps * (size_t)s->columns * sizeof *s->at);
	return s->times ? eg_fingerprint(h, s->times, steps * sizeof *s->times) : h;
}

uint64_t eg_fingerprint_datum(uint64_t h, eg_field_kind kind, const eg_datum *d) {
	const eg_datum_picture *p = &d->picture;
	const eg_datum_mask *m = &d->mask;
	const eg_datum_frames *f = &d->frames;
	const eg_datum_sound *s = &d->sound;
	if (!d->there) return mix(h, 1);
	switch (kind) {
	case EG_FIELD_PICTURE:
		h = mix(mix(h, (uint64_t)p->C), (uint64_t)p->H);
		return eg_fingerprint(h, p->pixels, (size_t)p->C * (size_t)p->H * (size_t)p->W);
	case EG_FIELD_LABEL: return mix(h, (uint64_t)(uint32_t)d->label);
	case EG_FIELD_MASK: return eg_fingerprint(mix(h, (uint64_t)m->H), m->classes, (size_t)m->H * (size_t)m->W);
	case EG_FIELD_BOXES: return of_boxes(h, &d->boxes);
	case EG_FIELD_TEXT: return eg_fingerprint(h, d->text.bytes, d->text.size);
	case EG_FIELD_TOKENS: return of_tokens(h, &d->tokens);
	case EG_FIELD_TAGS: return eg_fingerprint(h, d->tags.at, (size_t)d->tags.n * sizeof *d->tags.at);
	case EG_FIELD_SERIES: return of_series(h, &d->series);
	case EG_FIELD_SOUND: return eg_fingerprint(h, s->at, (size_t)s->n * (size_t)s->channels * sizeof *s->at);
	case EG_FIELD_FRAMES:
		return eg_fingerprint(h, f->pixels, (size_t)f->n * (size_t)f->C * (size_t)f->H * (size_t)f->W);
	case EG_FIELD_NUMBERS: return eg_fingerprint(h, d->numbers.at, (size_t)d->numbers.n * sizeof *d->numbers.at);
	case EG_FIELD_KINDS: break;
	}
	return h;
}

static eg_status of_records(const eg_samples *s, const eg_sample_part *p, uint64_t *h, eg_error *err) {
	const eg_source *source = s->task->source;
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int64_t i = 0; i < p->dataset.count && !status; i++) {
		status = eg_source_read(source, p->from, p->items ? p->items[i] : i, s->wanted, &r, err);
		for (int k = 0; k < eg_source_fields(source) && !status; k++)
			if (s->wanted >> k & 1) *h = eg_fingerprint_datum(*h, eg_source_field(source, k)->kind, &r.fields[k]);
	}
	eg_record_free(&r);
	return status;
}

eg_status eg_samples_fingerprint(const eg_samples *s, eg_part part, uint64_t *fingerprint, eg_error *err) {
	uint64_t h = mix(0, (uint64_t)part + 1);
	*fingerprint = 0;
	if ((unsigned)part >= EG_PARTS || !s->data[part]) return EG_OK;
	eg_status status = EG_OK;
	if (s->task->type->fingerprint)
		h = s->task->type->fingerprint(s, part, h);
	else
		status = of_records(s, &s->parts[part], &h, err);
	h = mix(h, 0) & INT64_MAX; /* files keep it in a whole number of JSON */
	if (!status) *fingerprint = h ? h : 1;
	return status;
}

/* unit_counts.c - how often each unit of a text, or each token, occurs in the samples of a part: what the network gets,
 * with the share that it does not know. Not here: vocabularies (src/data/vocab.c), showing them. */
#include "tasks/samples.h"

#include <stdlib.h>
#include <string.h>

/* The first input that is text or tokens, which of what has been written is the target; NULL: there is none. */
static const eg_intake *input_of(const eg_samples *s) {
	for (int i = 0; i < s->task->ninputs; i++) {
		const eg_intake *f = s->task->intakes[i];
		if (f->type->kind == EG_FIELD_TEXT || f->type->kind == EG_FIELD_TOKENS) return f->follows ? f->follows : f;
	}
	return NULL;
}

const eg_vocab *eg_samples_vocab(const eg_samples *s) {
	const eg_intake *f = input_of(s);
	return f && f->type->kind == EG_FIELD_TEXT ? eg_intake_vocab(f) : NULL;
}

int eg_samples_unit_count(const eg_samples *s) {
	const eg_intake *f = input_of(s);
	if (!f) return 0;
	/* Pairs of tokens are no units. */
	return f->type->kind == EG_FIELD_TOKENS ? eg_intake_tokens(f)->n + 1 : f->type->count(f);
}

int eg_samples_unit_unknown(const eg_samples *s) {
	const eg_vocab *v = eg_samples_vocab(s);
	return v ? eg_vocab_unknown(v) : 0;
}

const char *eg_samples_unit(const eg_samples *s, int i, size_t *size) {
	const eg_vocab *v = eg_samples_vocab(s);
	if (v) return eg_vocab_token(v, i, size);
	const char *name = i == 0 ? "<unknown>" : eg_intake_tokens(input_of(s))->at[i - 1];
	*size = strlen(name);
	return name;
}

/* One record of the source. */
static eg_status count_record(const eg_intake *f, const eg_datum *d, const eg_record *r, int64_t *counts, eg_error *err) {
	int32_t *ids;
	size_t n;
	if (f->type->kind == EG_FIELD_TOKENS) {
		for (int i = 0; i < d->tokens.n; i++) counts[eg_lexicon_find(eg_intake_tokens(f), d->tokens.at[i]) + 1]++;
		return EG_OK;
	}
	eg_status status = eg_intake_encode(f, d, r, &ids, &n, err);
	if (status) return status;
	for (size_t i = 0; i < n; i++) counts[ids[i]]++;
	free(ids);
	return EG_OK;
}

static eg_status count_records(
	const eg_samples *s, eg_part part, const eg_intake *f, int64_t *counts, eg_error *err) {
	const eg_sample_part *p = &s->parts[part];
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int64_t i = 0; i < p->dataset.count && !status; i++) {
		status = eg_source_read(s->task->source, p->from, p->items ? p->items[i] : i, 1u << f->field, &r, err);
		if (!status && r.fields[f->field].there) status = count_record(f, &r.fields[f->field], &r, counts, err);
	}
	eg_record_free(&r);
	return status;
}

/* A task that makes its data sets itself: what it asks to be predicted. */
static eg_status count_targets(const eg_dataset *d, int64_t *counts, eg_error *err) {
	eg_status status = EG_OK;
	for (int64_t i = 0; i < d->count && !status; i++) {
		const uint32_t item = (uint32_t)i;
		int time = d->time_of ? d->time_of(d->user, item) : d->time;
		int32_t *x = eg_calloc(NULL, 2 * (size_t)time, sizeof *x);
		if (!x) return eg_fail(err, EG_ERR_MEMORY, "out of memory for counting units");
		const eg_fill f = {.items = &item, .n = 1, .time = time, .epoch = -1};
		status = d->fill(d->user, &f, (void *const[]){x, x + time}, err);
		for (int t = 0; t < time && !status; t++)
			if (x[time + t] >= 0) counts[x[time + t]]++;
		eg_release(NULL, x);
	}
	return status;
}

eg_status eg_samples_count_units(const eg_samples *s, eg_part part, int64_t *counts, eg_error *err) {
	const eg_intake *f = input_of(s);
	memset(counts, 0, (size_t)eg_samples_unit_count(s) * sizeof *counts);
	if (!f) return eg_fail(err, EG_ERR_ARG, "the network reads neither text nor tokens: there are no units to count");
	if (!s->data[part]) return EG_OK;
	return s->task->type->load ? count_targets(s->data[part], counts, err) : count_records(s, part, f, counts, err);
}

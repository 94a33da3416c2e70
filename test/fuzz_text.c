/* fuzz_text.c - a text from any bytes: loaded, a vocabulary made of it, numbered, spelled, and numbered again; as
 * streams and as samples. The first three bytes choose the options. */
#include "data/data.h"
#include "fuzz.h"

/* What was spelled has to give the same numbers, unless U+FFFD, which stands for unknown units, is a unit too. */
static void spell_again(const eg_vocab *v, const int32_t *ids, size_t n) {
	eg_error err;
	size_t length = 0, m = 0;
	int32_t *again = NULL;
	char *text = malloc(n * (EG_UNIT_MOST + 2) + EG_UNIT_MOST + 2);
	for (int i = 0; i < eg_vocab_count(v); i++)
		if (!strcmp(eg_vocab_token(v, i, NULL), "\xEF\xBF\xBD")) n = 0;
	for (size_t i = 0; i < n && text; i++) {
		size_t room = EG_UNIT_MOST + 2,
		       added = eg_vocab_spell(v, i ? ids[i - 1] : -1, ids[i], text + length, room);
		char small[5];
		if (added >= room || strlen(text + length) > added) abort();
		if (eg_vocab_spell(v, -1, ids[i], small, sizeof small) >= sizeof small) abort();
		length += added;
	}
	if (text && n > 0) {
		if (eg_vocab_encode(v, text, length, "again", &again, &m, &err) != EG_OK || m != n) abort();
		if (memcmp(ids, again, n * sizeof *ids)) abort();
	}
	free(again);
	free(text);
}

static void fill_all(const eg_dataset *s, double predictions) {
	double weight = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		int time = s->time_of ? s->time_of(s->user, i) : s->time;
		int32_t *x = malloc((size_t)time * 2 * sizeof *x);
		if (x && s->fill(s->user, &(eg_fill){.items = &i, .n = 1, .time = time, .epoch = -1}, (void *[]){x, x + time}, NULL) != EG_OK) abort();
		weight += s->weight(s->user, i);
		free(x);
	}
	if (weight != predictions) abort();
}

static void as_data(const int32_t *ids, size_t n, int a, int b) {
	eg_text_dataset *d = NULL;
	eg_error err;
	if (n > 1000) n = 1000;
	if (eg_text_streams(ids, n, a, b, -1, &d, &err) == EG_OK) fill_all(eg_text_dataset_get(d), (double)n - 1);
	eg_text_dataset_free(d);
	size_t starts[] = {0, n / 3, n / 2, n};
	if (eg_text_samples(ids, starts, NULL, 3, 0, 1000, false, -1, &d, &err) != EG_OK) abort();
	fill_all(eg_text_dataset_get(d), (double)n + 3);
	eg_text_dataset_free(d);
	if (eg_text_samples(ids, starts, NULL, 3, 0, b, true, -1, &d, &err) == EG_OK) {
		for (uint32_t i = 0; i < 3; i++)
			if (eg_text_dataset_get(d)->time_of((void *)(uintptr_t)d, i) > b + 1) abort();
		eg_text_dataset_free(d);
	}
}

static void one_text(const eg_text *t, const eg_vocab_options *o, int a, int b) {
	eg_error err;
	eg_vocab *v;
	int32_t *ids;
	size_t n;
	if (eg_vocab_build(t->bytes, t->size, o, &v, &err) != EG_OK) return;
	if (o->max_size > 0 && o->unit != EG_UNIT_BYTE && eg_vocab_count(v) > o->max_size) abort();
	if (eg_vocab_encode(v, t->bytes, t->size, t->name, &ids, &n, &err) != EG_OK) abort();
	for (size_t i = 0; i < n; i++)
		if (ids[i] < 0 || ids[i] >= eg_vocab_count(v) || ids[i] == eg_vocab_end(v)) abort();
	spell_again(v, ids, n);
	as_data(ids, n, a, b);
	free(ids);
	if (eg_vocab_encode(v, "Aa0 \n\xE4\xB8\xAD", 8, NULL, &ids, &n, &err) == EG_OK) free(ids);
	eg_vocab_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err;
	eg_text *t = NULL;
	if (size < 3) return 0;
	const eg_vocab_options vocab = {.unit = (eg_unit)(data[0] % 4),
	        .end = data[0] & 4,
	        .min_count = data[0] >> 3 & 3,
	        .max_size = data[1] % 32};
	const eg_text_options o = {.any_bytes = data[0] & 32, .limit = data[0] & 64 ? 1 + data[2] : 0};
	eg_reader *r = eg_reader_memory(data + 3, size - 3, "fuzz", &err);
	if (r && eg_text_read(r, &o, &t, &err) == EG_OK) {
		if (t->size == 0 || t->bytes[t->size] != '\0') abort();
		if (!o.any_bytes && eg_utf8_check(t->bytes, t->size) != t->size) abort();
		if (o.limit > 0 && (int64_t)t->size > o.limit) abort();
		one_text(t, &vocab, 1 + data[1] / 32, 1 + data[2] % 16);
	} else if (t) {
		abort();
	}
	eg_text_free(t);
	eg_reader_close(r);
	return 0;
}

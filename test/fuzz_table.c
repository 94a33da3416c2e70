/* fuzz_table.c - any bytes as a table of texts with labels (tsv) or as tagged sentences (conll); the first byte says
 * as which, and with which settings. */
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte of what is handed out is looked at, for the sanitizers. */
static void look_at(const eg_source *s, const eg_record *r) {
	for (int k = 0; k < eg_source_fields(s); k++) {
		const eg_datum *x = &r->fields[k];
		const eg_field *f = eg_source_field(s, k);
		if (!x->there) abort();
		if (f->kind == EG_FIELD_TEXT) {
			if (x->text.size == 0 || eg_utf8_check(x->text.bytes, x->text.size) != x->text.size) abort();
			if (memchr(x->text.bytes, '\t', x->text.size) || memchr(x->text.bytes, '\n', x->text.size))
				abort();
		}
		if (f->kind == EG_FIELD_LABEL && !eg_source_name(s, k, x->label)) abort();
		for (int i = 0; f->kind == EG_FIELD_TOKENS && i < x->tokens.n; i++)
			if (!x->tokens.at[i][0]) abort();
		for (int i = 0; f->kind == EG_FIELD_TAGS && i < x->tags.n; i++)
			if (!eg_source_name(s, k, x->tags.at[i])) abort();
		if (f->kind == EG_FIELD_TAGS && (x->tags.n < 1 || x->tags.n != r->fields[0].tokens.n)) abort();
		if (!*r->place || !*r->id) abort();
	}
}

static void look_at_all(eg_source *s) {
	eg_record r = {0};
	for (int p = 0; p < EG_PARTS; p++) {
		if (eg_source_prepare(s, (eg_part)p, NULL) != EG_OK) abort();
		for (int64_t i = 0; i < eg_source_count(s, (eg_part)p); i++) {
			if (eg_source_read(s, (eg_part)p, i, ~0u, &r, NULL) != EG_OK) abort();
			look_at(s, &r);
		}
	}
	if (eg_source_count(s, EG_PART_TRAIN) < 1) abort();
	eg_record_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char *const settings[8][4] = {{"path=fuzz"}, {"path=fuzz", "test=0.4"}, {"path=fuzz", "limit=3"},
	        {"path=fuzz", "test=0.1", "limit=2"}, {"path=fuzz"}, {"path=fuzz", "test_last=1"},
	        {"path=fuzz", "tags=[O, B-X, I-X]"}, {"path=fuzz", "limit=1"}};
	eg_error err = {EG_OK, ""};
	eg_source *s;
	if (size < 1) return 0;
	bool conll = data[0] & 4;
	if (eg_source_open(conll ? "conll" : "tsv", settings[data[0] % 8], &s, &err) != EG_OK) abort();
	eg_reader *r = eg_reader_memory(data + 1, size - 1, "fuzz", &err);
	eg_status status = !r ? err.status : conll ? eg_conll_take(s, r, &err) : eg_table_take(s, r, &err);
	if (status == EG_OK)
		look_at_all(s);
	else if (!err.message[0] || err.status != status)
		abort();
	eg_source_close(s);
	eg_reader_close(r);
	return 0;
}

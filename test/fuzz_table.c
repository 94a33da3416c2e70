/* fuzz_table.c - any bytes as a table (tsv, csv, series), as tagged sentences (conll), as JSON lines, as pairs of
 * sentences or as talks. Readers: those names. The first byte says with which of the reader's settings. */
#include "data/table.h"
#include "fuzz.h"

typedef eg_status (*taking)(eg_source *s, eg_reader *reader, eg_error *err);
typedef struct mode {
	const char *source;
	taking take;
	const char *settings[6];
} mode;

static const mode modes[] = {
	{"tsv", eg_table_take, {"path=fuzz"}},
	{"tsv", eg_table_take, {"path=fuzz", "test=0.4"}},
	{"tsv", eg_table_take, {"path=fuzz", "limit=3"}},
	{"tsv", eg_table_take, {"path=fuzz", "test=0.1", "limit=2"}},
	{"conll", eg_conll_take, {"path=fuzz"}},
	{"conll", eg_conll_take, {"path=fuzz", "test_last=1"}},
	{"conll", eg_conll_take, {"path=fuzz", "tags=[O, B-X, I-X]"}},
	{"conll", eg_conll_take, {"path=fuzz", "limit=1", "broken=skip", "encoding=found"}},
	{"csv", eg_table_take, {"path=fuzz", "text=text", "label=label"}},
	{"csv", eg_table_take, {"path=fuzz", "text=text", "label=label", "broken=skip", "encoding=found"}},
	{"csv", eg_table_take, {"path=fuzz", "label=label", "group=who", "test=0.3"}},
	{"csv", eg_table_take, {"path=fuzz", "numbers=[a, b]", "target=[c]", "broken=skip"}},
	{"csv", eg_table_take, {"path=fuzz", "header=false", "separator=semicolon", "label=\"1\"", "encoding=latin1"}},
	{"jsonl", eg_jsonl_take, {"path=fuzz", "text=a", "label=b", "numbers=[c]", "broken=skip"}},
	{"jsonl", eg_jsonl_take, {"path=fuzz", "tokens=a", "tags=b", "group=c", "test_last=1"}},
	{"jsonl", eg_jsonl_take, {"path=fuzz", "series=a", "target=[b]", "broken=skip", "encoding=found"}},
	{"series", eg_series_take, {"path=fuzz", "time=[time]", "test_from=\"2010-02\""}},
	{"series", eg_series_take, {"path=fuzz", "time=[year, month, day]", "columns=[a, b]", "broken=skip"}},
	{"pairs", eg_pairs_take, {"path=fuzz"}},
	{"pairs", eg_pairs_take, {"path=fuzz", "broken=skip", "limit=2", "normalize=nfc"}},
	{"dialogue", eg_dialogue_take, {"path=fuzz", "broken=skip"}},
	{"dialogue", eg_dialogue_take, {"path=fuzz", "speakers=before", "broken=skip", "turns=2", "validation=0.2"}},
	{"dialogue", eg_dialogue_take, {"path=fuzz", "form=lines", "broken=skip", "encoding=found"}},
	{"dialogue", eg_dialogue_take, {"path=fuzz", "form=tabs", "broken=skip"}},
	{"dialogue", eg_dialogue_take, {"path=fuzz", "form=json", "broken=skip", "normalize=nfc"}},
};

static void look_at_text(const eg_source *s, const eg_datum_text *x) {
	bool cell = !strcmp(eg_source_info(s)->name, "tsv") || !strcmp(eg_source_info(s)->name, "pairs");
	if (x->size == 0 || eg_utf8_check(x->bytes, x->size) != x->size) abort();
	if (cell && (memchr(x->bytes, '\t', x->size) || memchr(x->bytes, '\n', x->size))) abort();
}

/* Every byte of what is handed out is looked at, for the sanitizers. */
static void look_at(const eg_source *s, const eg_record *r) {
	float sum = 0;
	for (int k = 0; k < eg_source_fields(s); k++) {
		const eg_datum *x = &r->fields[k];
		const eg_field *f = eg_source_field(s, k);
		if (!x->there) abort();
		if (f->kind == EG_FIELD_TEXT) look_at_text(s, &x->text);
		if (f->kind == EG_FIELD_LABEL && !eg_source_name(s, k, x->label)) abort();
		for (int i = 0; f->kind == EG_FIELD_TOKENS && i < x->tokens.n; i++)
			if (!x->tokens.at[i][0]) abort();
		for (int i = 0; f->kind == EG_FIELD_TAGS && i < x->tags.n; i++)
			if (!eg_source_name(s, k, x->tags.at[i])) abort();
		if (f->kind == EG_FIELD_TAGS && (x->tags.n < 1 || x->tags.n != r->fields[0].tokens.n)) abort();
		if (f->kind == EG_FIELD_NUMBERS && (x->numbers.n < 1 || x->numbers.n != f->columns)) abort();
		for (int i = 0; f->kind == EG_FIELD_NUMBERS && i < x->numbers.n; i++) sum += x->numbers.at[i];
		if (f->kind != EG_FIELD_SERIES) continue;
		if (x->series.steps < 1 || x->series.columns < 1 || x->series.columns != f->columns) abort();
		for (int i = 0; i < x->series.steps * x->series.columns; i++) sum += x->series.at[i];
		for (int i = 1; x->series.times && i < x->series.steps; i++)
			if (!(x->series.times[i] > x->series.times[i - 1])) abort();
	}
	if (!*r->place || !r->id || (sum > 1 && sum < 0)) abort();
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

/* One of those of the reader that is meant. */
static const mode *choose(uint8_t byte) {
	int n = 0, which[EG_COUNT(modes)];
	for (int i = 0; i < EG_COUNT(modes); i++)
		if (fuzz_wants(modes[i].source)) which[n++] = i;
	return n ? &modes[which[byte % n]] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err = {EG_OK, ""};
	eg_source *s;
	const mode *m = size < 1 ? NULL : choose(data[0]);
	if (!m) return 0;
	if (eg_source_open(m->source, m->settings, &s, &err) != EG_OK) return 0; /* a build without utf8proc */
	eg_reader *r = eg_reader_memory(data + 1, size - 1, "fuzz", &err);
	eg_status status = r ? m->take(s, r, &err) : err.status;
	if (status == EG_OK)
		look_at_all(s);
	else if (!err.message[0] || err.status != status)
		abort();
	eg_source_close(s);
	eg_reader_close(r);
	return 0;
}

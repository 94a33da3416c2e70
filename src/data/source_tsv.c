/* source_tsv.c - tables of texts with a class each: the user's own, and the intents that come with the program.
 *
 *   text<TAB>label          the first line names the columns; others than these two are passed over
 *   turn on the light<TAB>light on
 *
 * The file is UTF-8, gzipped or not, with LF or CR LF. There is no quoting: a text holds neither tab nor line end.
 * The file is kept in memory once, the texts are handed out from there. Which lines are the test part depends on
 * their labels and numbers alone.
 *
 * Not here: what is validation, and what the units of a text are (src/tasks). */
#include "data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, LABEL, COLUMNS_MOST = 1000 };
static const uint64_t TEST_SEED = 20240229; /* of the choice of test lines; never changed */

typedef struct row {
	uint32_t at, size; /* of the text, in the file's bytes */
	uint32_t label_at; /* ends with a zero */
	int32_t label;
	uint32_t line;
} row;

typedef struct table {
	eg_text *file;
	row *rows;
	int n, cap;
} table;

typedef struct tsv_source {
	eg_source base;
	const char *test_path;
	double test;
	int64_t limit;
	table own, other;          /* of path, of test_path */
	uint32_t *items[EG_PARTS]; /* the rows of each part; of test_path NULL: all */
} tsv_source;

/* ---- reading a table --------------------------------------------------------------------------------------------- */

typedef struct columns {
	int n, text, label;
} columns;

/* A line, cut into cells; a zero ends each. */
typedef struct line {
	char *at;
	uint32_t number;
	int n;
	char *cells[COLUMNS_MOST];
} line;

/* The next line that is not empty; false: there is none. */
static bool next_line(char **at, char *end, line *l) {
	l->at = NULL;
	while (*at < end) {
		char *stop = memchr(*at, '\n', (size_t)(end - *at));
		l->at = *at;
		l->number++;
		if (!stop) stop = end;
		*stop = '\0'; /* behind the last byte there is room for one */
		*at = stop + 1;
		if (*l->at) break;
		l->at = NULL;
	}
	if (!l->at) return false;
	l->n = 0;
	for (char *cell = l->at; cell;) {
		char *tab = strchr(cell, '\t');
		if (tab) *tab = '\0';
		if (l->n < COLUMNS_MOST) l->cells[l->n] = cell;
		l->n++;
		cell = tab ? tab + 1 : NULL;
	}
	return true;
}

static eg_status no_column(const char *name, const line *l, const char *wanted, eg_error *err) {
	char list[300] = "";
	int n = l->n < COLUMNS_MOST ? l->n : COLUMNS_MOST;
	for (int i = 0; i < n; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.60s", i ? ", " : "", l->cells[i]);
	}
	const char *near = eg_did_you_mean(wanted, (const char *const *)l->cells, n);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lu: there is no column '%s'; the first line names the columns, two of them 'text' and 'label', "
	        "with a tab between them, but here they are: %s%s%s%s",
	        name, (unsigned long)l->number, wanted, list, near ? ". Is it '" : "", near ? near : "",
	        near ? "'?" : "");
}

static eg_status read_head(const char *name, const line *l, columns *c, eg_error *err) {
	static const char *const names[] = {"text", "label"};
	int *found[] = {&c->text, &c->label};
	c->n = l->n;
	for (int k = 0; k < EG_COUNT(names); k++) {
		*found[k] = -1;
		for (int i = 0; i < l->n && i < COLUMNS_MOST; i++) {
			if (strcmp(l->cells[i], names[k]) != 0) continue;
			if (*found[k] >= 0)
				return eg_fail(err, EG_ERR_FORMAT, "%s:%lu: two columns are called '%s'; rename one",
				        name, (unsigned long)l->number, names[k]);
			*found[k] = i;
		}
		if (*found[k] < 0) return no_column(name, l, names[k], err);
	}
	return EG_OK;
}

static eg_status check_row(const char *name, const line *l, const columns *c, eg_error *err) {
	unsigned long number = l->number;
	if (l->n != c->n)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lu: %d column%s, but the first line names %d; write a tab between text and label, and "
		        "none inside of a text",
		        name, number, l->n, l->n == 1 ? "" : "s", c->n);
	if (!*l->cells[c->label])
		return eg_fail(
		        err, EG_ERR_FORMAT, "%s:%lu: there is no label; write one, or remove the line", name, number);
	if (!*l->cells[c->text])
		return eg_fail(
		        err, EG_ERR_FORMAT, "%s:%lu: the text is empty; write one, or remove the line", name, number);
	return EG_OK;
}

/* Lines that are wrong are gathered. */
static eg_status read_rows(eg_source *s, eg_part part, table *t, eg_error *err) {
	const char *name = t->file->name;
	char *base = t->file->bytes, *at = base, *end = base + t->file->size;
	int64_t before = eg_broken_count(s);
	eg_error why;
	line l = {0};
	columns c = {0};
	if (!next_line(&at, end, &l)) return eg_fail(err, EG_ERR_FORMAT, "'%s' has only empty lines", name);
	eg_status status = read_head(name, &l, &c, err);
	while (!status && next_line(&at, end, &l)) {
		eg_status wrong = check_row(name, &l, &c, &why);
		if (wrong) {
			status = eg_broken_add(s, wrong, &why, err);
			continue;
		}
		if (!eg_grow(NULL, &t->rows, &t->cap, t->n, sizeof *t->rows))
			return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
		const char *text = l.cells[c.text];
		t->rows[t->n++] = (row){.at = (uint32_t)(text - base),
		        .size = (uint32_t)strlen(text),
		        .label_at = (uint32_t)(l.cells[c.label] - base),
		        .line = l.number};
	}
	if (!status) status = eg_broken_end(s, part, before, t->n + eg_broken_count(s) - before, err);
	if (!status && t->n == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has no line behind the one that names the columns", name);
	return status;
}

static void free_table(table *t) {
	eg_text_free(t->file);
	eg_release(NULL, t->rows);
	*t = (table){0};
}

static eg_status read_table(eg_source *s, eg_part part, table *t, eg_reader *reader, eg_error *err) {
	eg_status status = eg_text_read_table(reader, &t->file, err);
	if (!status) status = read_rows(s, part, t, err);
	if (status) free_table(t);
	return status;
}

static eg_status load_table(eg_source *s, eg_part part, table *t, const char *path, eg_error *err) {
	eg_reader *reader;
	eg_status status = eg_reader_file(path, &reader, err);
	if (!status) status = read_table(s, part, t, reader, err);
	eg_reader_close(reader);
	return status;
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The different labels of a table, sorted, as the classes of the source. */
static eg_status name_classes(tsv_source *s, const table *t, eg_error *err) {
	int n = 0;
	const char **names = eg_calloc(NULL, (size_t)t->n, sizeof *names);
	if (!names) return eg_source_no_memory(&s->base, err);
	for (int i = 0; i < t->n; i++) names[i] = t->file->bytes + t->rows[i].label_at;
	qsort(names, (size_t)t->n, sizeof *names, by_bytes);
	for (int i = 0; i < t->n; i++)
		if (n == 0 || strcmp(names[n - 1], names[i]) != 0) names[n++] = names[i];
	eg_status status = eg_source_set_names(&s->base, LABEL, names, n, err);
	eg_release(NULL, names);
	return status;
}

static eg_status no_label(const tsv_source *s, const table *t, const row *r, eg_error *err) {
	const eg_field *f = &s->base.fields[LABEL];
	const char *label = t->file->bytes + r->label_at, *near = eg_did_you_mean(label, f->names, f->nnames);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lu: no line of '%s' has the label '%.80s'%s%s%s; correct it, or give samples of it to train on",
	        t->file->name, (unsigned long)r->line, s->own.file->name, label, near ? "; did you mean '" : "",
	        near ? near : "", near ? "'?" : "");
}

static eg_status number_labels(tsv_source *s, eg_part part, table *t, eg_error *err) {
	const eg_field *f = &s->base.fields[LABEL];
	int64_t before = eg_broken_count(&s->base);
	int n = 0, all = t->n;
	eg_status status = EG_OK;
	for (int i = 0; i < all && !status; i++) {
		eg_error why;
		const char *label = t->file->bytes + t->rows[i].label_at;
		const char *const *at = bsearch(&label, f->names, (size_t)f->nnames, sizeof *f->names, by_bytes);
		if (!at) {
			status = eg_broken_add(&s->base, no_label(s, t, &t->rows[i], &why), &why, err);
			continue;
		}
		t->rows[n] = t->rows[i];
		t->rows[n++].label = (int32_t)(at - f->names);
	}
	t->n = n;
	return status ? status : eg_broken_end(&s->base, part, before, all, err);
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* The first `limit` items, one of each class and then the next of each. */
static eg_status take_in_turn(tsv_source *s, eg_error *err) {
	int64_t *count = &s->base.count[EG_PART_TRAIN];
	uint32_t *items = s->items[EG_PART_TRAIN];
	if (s->limit == 0 || s->limit >= *count) return EG_OK;
	size_t n = (size_t)*count, most = (size_t)s->limit, classes = (size_t)s->base.fields[LABEL].nnames, taken = 0;
	uint32_t *next = eg_calloc(NULL, n + classes, sizeof *next), *chosen = eg_calloc(NULL, most, sizeof *chosen);
	uint32_t *first = next ? next + n : NULL; /* of each class, a chain through `next`: number + 1; 0: the end */
	for (size_t i = n; next && i-- > 0;) {
		int32_t k = s->own.rows[items[i]].label;
		next[i] = first[k];
		first[k] = (uint32_t)i + 1;
	}
	for (size_t k = 0; next && chosen && taken < most; k = (k + 1) % classes) {
		if (!first[k]) continue;
		chosen[taken++] = items[first[k] - 1];
		first[k] = next[first[k] - 1];
	}
	eg_release(NULL, next);
	if (taken < most) {
		eg_release(NULL, chosen);
		return eg_source_no_memory(&s->base, err);
	}
	eg_release(NULL, items);
	s->items[EG_PART_TRAIN] = chosen;
	*count = s->limit;
	return EG_OK;
}

/* Cuts the own table in two; count of both parts is known then. */
static eg_status cut(tsv_source *s, eg_error *err) {
	int n = s->own.n;
	int64_t *count = s->base.count;
	uint32_t **items = s->items;
	int32_t *labels = eg_calloc(NULL, (size_t)n, sizeof *labels);
	items[EG_PART_TRAIN] = eg_calloc(NULL, (size_t)n, sizeof **items);
	items[EG_PART_TEST] = eg_calloc(NULL, (size_t)n, sizeof **items);
	for (int i = 0; labels && i < n; i++) labels[i] = s->own.rows[i].label;
	eg_status status = EG_ERR_MEMORY;
	if (labels && items[EG_PART_TRAIN] && items[EG_PART_TEST])
		status = eg_split_stratified(labels, n, s->test, TEST_SEED, items[EG_PART_TRAIN], &count[EG_PART_TRAIN],
		        items[EG_PART_TEST], &count[EG_PART_TEST], err);
	else
		eg_source_no_memory(&s->base, err);
	eg_release(NULL, labels);
	return status ? status : take_in_turn(s, err);
}

static void close_source(eg_source *base) {
	tsv_source *s = (tsv_source *)base;
	free_table(&s->own);
	free_table(&s->other);
	for (int i = 0; i < EG_PARTS; i++) eg_release(NULL, s->items[i]);
	s->items[EG_PART_TRAIN] = s->items[EG_PART_TEST] = NULL;
}

eg_status eg_tsv_take(eg_source *base, eg_reader *reader, eg_error *err) {
	tsv_source *s = (tsv_source *)base;
	eg_status status = read_table(base, EG_PART_TRAIN, &s->own, reader, err);
	if (!status) status = name_classes(s, &s->own, err);
	if (!status) status = number_labels(s, EG_PART_TRAIN, &s->own, err);
	if (!status) status = cut(s, err);
	if (status) {
		close_source(base);
		eg_source_forget_names(base, LABEL);
	}
	return status;
}

/* The own table is needed for every part: it tells the classes. */
static eg_status prepare_own(tsv_source *s, eg_error *err) {
	char path[EG_PATH];
	eg_reader *reader = NULL;
	if (s->items[EG_PART_TRAIN]) return EG_OK;
	eg_status status = eg_source_file(&s->base, path, err);
	if (!status) status = eg_reader_file(path, &reader, err);
	if (!status) status = eg_tsv_take(&s->base, reader, err);
	eg_reader_close(reader);
	return status;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	tsv_source *s = (tsv_source *)base;
	if (part == EG_PART_VALIDATION) return EG_OK;
	eg_status status = prepare_own(s, err);
	if (status || part != EG_PART_TEST) return status;
	if (!s->test_path && s->test == 0)
		eg_source_remark_on(base, part,
		        "there are no test samples: give 'test', a share of the file, or 'test_path', another file");
	if (!s->test_path) return EG_OK;
	status = load_table(base, part, &s->other, s->test_path, err);
	if (!status) status = number_labels(s, part, &s->other, err);
	base->count[part] = s->other.n;
	if (status) free_table(&s->other);
	return status;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const tsv_source *s = (const tsv_source *)base;
	bool other = part == EG_PART_TEST && s->test_path;
	const table *t = other ? &s->other : &s->own;
	const row *one = &t->rows[other ? (uint32_t)i : s->items[part][i]];
	if (wanted & 1u << TEXT)
		r->fields[TEXT] = (eg_datum){.there = true, .text = {t->file->bytes + one->at, one->size}};
	if (wanted & 1u << LABEL) r->fields[LABEL] = (eg_datum){.there = true, .label = one->label};
	r->place = eg_record_printf(r, "%s:%lu", t->file->name, (unsigned long)one->line);
	return r->place ? EG_OK : eg_record_no_memory(err);
}

/* ---- the sources ------------------------------------------------------------------------------------------------- */

static eg_status open_tsv(eg_source *base, eg_error *err) {
	tsv_source *s = (tsv_source *)base;
	if (s->test_path && s->test > 0)
		return eg_fail(
		        err, EG_ERR_ARG, "give 'test', a share of the file, or 'test_path', another file, not both");
	if (s->test_path && !(s->test_path = eg_source_path(base, s->test_path, err))) return EG_ERR_MEMORY;
	return EG_OK;
}

static eg_status open_intents(eg_source *base, eg_error *err) {
	EG_UNUSED(err);
	((tsv_source *)base)->test = 0.1;
	return EG_OK;
}

#define LIMIT_KEY \
	{ \
		.name = "limit", .type = EG_KEY_INT64, .offset = offsetof(tsv_source, limit), .min = 1, .max = 1e9, \
		.def = NAN, .doc = "train on so many samples only, the first of each class in turn; left out: on all" \
	}

static const eg_key keys[] = {
	{.name = "test",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(tsv_source, test),
		.min = 0,
		.max = 0.999,
		.def = 0,
		.doc = "share of the lines that is the test part: of every class, chosen by a fixed rule"},
	{.name = "test_path",
		.type = EG_KEY_STRING,
		.offset = offsetof(tsv_source, test_path),
		.def = NAN,
		.doc = "in place of `test`: another file, of the same form, that is the test part"},
	LIMIT_KEY,
	EG_BROKEN_KEY,
};
static const eg_key intents_keys[] = {LIMIT_KEY};

static const eg_field fields[] = {{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "label", .kind = EG_FIELD_LABEL}};

const eg_source_type eg_source_type_tsv = {.info = {.name = "tsv",
						   .doc = "your own texts with classes: a table in UTF-8, gzipped or "
							  "not, whose first line names the columns text and label, "
							  "with a tab between them",
						   .origin = "you",
						   .licence = "yours",
						   .path = EG_DATA_PATH_FILE,
						   .fields = fields,
						   .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(tsv_source),
	.open = open_tsv,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};

static const eg_field intents_fields[] = {
	{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "label", .kind = EG_FIELD_LABEL, .nnames = 25}};
static const eg_data_file intents_files[] = {
	{.name = "intents.tsv",
		.bytes = 92363,
		.sha256 = "0a08d0d09258e2ade2f43e4f71397f68889b6acbbc6a8659085730655ba47b42",
		.published = "intents.tsv"},
};

const eg_source_type eg_source_type_intents = {
	.info = {.name = "intents",
		.doc = "2,000 short sentences in English and Chinese that ask a house or a telephone for one of 25 "
		       "things; a tenth of each is the test part. It comes with the recipes",
		.origin = "written for engram",
		.licence = "MIT",
		.path = EG_DATA_PATH_SET,
		.train = 1800,
		.test = 200,
		.files = intents_files,
		.nfiles = EG_COUNT(intents_files),
		.shipped = true,
		.by_hand = "it comes with engram, as recipes/data/intents.tsv of its source and below share/engram "
			   "where it is installed; put it into a folder intents in a folder that ENGRAM_DATA names",
		.fields = intents_fields,
		.nfields = EG_COUNT(intents_fields)},
	.keys = intents_keys,
	.nkeys = EG_COUNT(intents_keys),
	.size = sizeof(tsv_source),
	.open = open_intents,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};

/* source_pairs.c - sentences and their translations: the user's own, and those of Tatoeba in English and Chinese.
 *
 *   Hi.<TAB>translation<TAB>who wrote them           the third column, and what follows it, is passed over
 *
 * With `reverse` the second is the sentence and the first its translation; parts stay as they are.
 *
 * A sentence comes with several translations, and a translation with several sentences: pairs that share a side are
 * a group (and so on, what is connected), and a group is in one part alone. The first sentence of a group, in the
 * order of bytes, says in which: the first byte of its SHA-256, modulo 20, is 0 for the test part, 1 for validation. */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, TARGET, REFERENCES }; /* fields, the first two columns too */

typedef struct pairs_source {
	eg_shelf_source shelf;
	bool reverse;
	const eg_item **sorted; /* all pairs, by what is translated; NULL: nobody has asked for references yet */
} pairs_source;

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static int root_of(int *parent, int i) {
	while (parent[i] != i) i = parent[i] = parent[parent[i]];
	return i;
}

static int by_text(const void *a, const void *b) {
	return strcmp((*(const eg_item *const *)a)->text, (*(const eg_item *const *)b)->text);
}

static int by_answer(const void *a, const void *b) {
	return strcmp((*(const eg_item *const *)a)->answer, (*(const eg_item *const *)b)->answer);
}

/* Pairs that are alike on a side belong together. */
static void unite(const eg_shelf *f, const eg_item **order, int *parent, int (*compare)(const void *, const void *)) {
	for (int i = 0; i < f->n; i++) order[i] = &f->at[i];
	qsort(order, (size_t)f->n, sizeof *order, compare);
	for (int i = 1; i < f->n; i++) {
		if (compare(&order[i - 1], &order[i]) != 0) continue;
		int a = root_of(parent, (int)(order[i - 1] - f->at)), b = root_of(parent, (int)(order[i] - f->at));
		if (a < b) parent[b] = a;
		if (b < a) parent[a] = b;
	}
}

static eg_status find_groups(eg_source *s, eg_shelf *f, eg_error *err) {
	int *parent = eg_calloc(NULL, (size_t)f->n, sizeof *parent);
	const eg_item **order = eg_calloc(NULL, (size_t)f->n, sizeof *order);
	bool ok = parent && order;
	for (int i = 0; ok && i < f->n; i++) parent[i] = i;
	if (ok) {
		unite(f, order, parent, by_answer);
		unite(f, order, parent, by_text); /* afterwards `order` is that of the sentences */
	}
	for (int i = 0; ok && i < f->n; i++) {
		eg_item *root = &f->at[root_of(parent, (int)(order[i] - f->at))];
		if (!root->group) root->group = order[i]->text; /* the first of the group that comes */
	}
	for (int i = 0; ok && i < f->n; i++) f->at[i].group = f->at[root_of(parent, i)].group;
	eg_release(NULL, parent);
	eg_release(NULL, order);
	return ok ? EG_OK : eg_source_no_memory(s, err);
}

static eg_part part_of(const eg_source *s, const eg_item *x) {
	eg_sha256 sum;
	char hex[65];
	EG_UNUSED(s);
	eg_sha256_begin(&sum);
	eg_sha256_add(&sum, x->group, strlen(x->group));
	eg_sha256_end(&sum, hex);
	hex[2] = '\0';
	long share = strtol(hex, NULL, 16) % 20;
	return share == 0 ? EG_PART_TEST : share == 1 ? EG_PART_VALIDATION : EG_PART_TRAIN;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static eg_status add_row(eg_source *s, eg_shelf *f, const eg_row *row, eg_error *err) {
	eg_error why;
	eg_item x = {.line = row->line};
	const char *lacks = row->n < 2 ? "a tab between a sentence and its translation"
	                    : !*row->cells[TEXT] || !*row->cells[TARGET] ? "a sentence on each side of the tab"
	                                                                 : NULL;
	if (lacks) {
		eg_status wrong =
		        eg_fail(&why, EG_ERR_FORMAT, "%s:%lld: there is to be %s", f->file, (long long)row->line, lacks);
		return eg_broken_add(s, wrong, &why, err);
	}
	x.text_size = (uint32_t)strlen(row->cells[TEXT]), x.answer_size = (uint32_t)strlen(row->cells[TARGET]);
	x.text = eg_pool_text(&f->pool, row->cells[TEXT], x.text_size);
	x.answer = eg_pool_text(&f->pool, row->cells[TARGET], x.answer_size);
	if (!x.text || !x.answer || !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at)) return eg_source_no_memory(s, err);
	f->at[f->n++] = x;
	return EG_OK;
}

static eg_status fill(eg_source *s, eg_shelf *f, eg_reader *reader, eg_error *err) {
	eg_rows *rows;
	eg_row row;
	eg_error why;
	eg_status status = eg_rows_new(reader, '\t', false, &((pairs_source *)s)->shelf.rules, &rows, err);
	if (status) return status;
	for (;;) {
		eg_status wrong = eg_rows_next(rows, &row, &why);
		if (!wrong && row.n == 0) break;
		if (wrong && !eg_lines_go_on(eg_rows_lines(rows)))
			status = eg_fail(err, wrong, "%s", why.message);
		else
			status = wrong ? eg_broken_add(s, wrong, &why, err) : add_row(s, f, &row, err);
		if (status) break;
	}
	f->latin1 = eg_lines_latin1(eg_rows_lines(rows));
	eg_rows_free(rows);
	return !status && f->n > 0 ? find_groups(s, f, err) : status;
}

eg_status eg_pairs_take(eg_source *s, eg_reader *reader, eg_error *err) { return eg_shelf_take(s, fill, reader, err); }

/* ---- all translations of a sentence ------------------------------------------------------------------------------ */

static void close_source(eg_source *s) {
	eg_release(NULL, ((pairs_source *)s)->sorted);
	((pairs_source *)s)->sorted = NULL;
	eg_shelf_close(s);
}

static eg_status sort_pairs(pairs_source *p, eg_error *err) {
	const eg_shelf *f = &p->shelf.own;
	eg_release(NULL, p->sorted);
	p->sorted = eg_calloc(NULL, (size_t)f->n + 1, sizeof *p->sorted);
	if (!p->sorted) return eg_source_no_memory(&p->shelf.base, err);
	for (int i = 0; i < f->n; i++) p->sorted[i] = &f->at[i];
	qsort(p->sorted, (size_t)f->n, sizeof *p->sorted, p->reverse ? by_answer : by_text);
	return EG_OK;
}

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) {
	pairs_source *p = (pairs_source *)s;
	bool before = p->shelf.ready;
	eg_status status = eg_shelf_prepare(s, part, fill, err);
	if (!status && (!before || !p->sorted)) status = sort_pairs(p, err);
	return status;
}

/* The translations of x, which stand side by side in the order of sentences. They are in one part, as x is. */
static eg_status put_references(const pairs_source *p, const eg_item *x, eg_record *r, eg_error *err) {
	int (*compare)(const void *, const void *) = p->reverse ? by_answer : by_text;
	size_t n = (size_t)p->shelf.own.n, low = 0, high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (compare(&p->sorted[middle], &x) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < n && compare(&p->sorted[high], &x) == 0;) high++;
	const char **list = eg_record_room(r, (high - low) * sizeof *list);
	if (!list) return eg_record_no_memory(err);
	int count = 0;
	for (size_t i = low; i < high; i++) {
		const char *one = p->reverse ? p->sorted[i]->text : p->sorted[i]->answer;
		bool there = false;
		for (int k = 0; k < count; k++) there = there || strcmp(list[k], one) == 0;
		if (!there) list[count++] = one;
	}
	r->fields[REFERENCES] = (eg_datum){.there = true, .tokens = {count, list}};
	return EG_OK;
}

static eg_status read_pair(const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const pairs_source *p = (const pairs_source *)s;
	eg_status status = eg_shelf_read(s, part, i, wanted, r, err);
	if (status || !(wanted >> REFERENCES & 1)) return status;
	return put_references(p, &p->shelf.own.at[p->shelf.items[part][i]], r, err);
}

static eg_status open_source(eg_source *base, eg_error *err) {
	eg_shelf_source *s = &((pairs_source *)base)->shelf;
	s->one = "line", s->many = "lines";
	s->fields = (eg_shelf_fields)EG_NO_FIELDS;
	const bool reverse = ((pairs_source *)base)->reverse;
	s->fields.text = reverse ? TARGET : TEXT, s->fields.answer = reverse ? TEXT : TARGET;
	s->part_of = part_of;
	return eg_shelf_open(base, err);
}

static const eg_key keys[] = {EG_LIMIT_KEY("train on the first so many pairs only; left out: on all"),
	{.name = "reverse",
		.type = EG_KEY_BOOL,
		.offset = offsetof(pairs_source, reverse),
		.def = NAN,
		.doc = "the other way round: what stands second in a line is the text, what stands first its target"},
	EG_BROKEN_KEY, EG_TEXT_RULE_KEYS(pairs_source, shelf.rules)};

static const eg_field fields[] = {{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "target", .kind = EG_FIELD_TEXT},
	{.name = "references", .kind = EG_FIELD_TOKENS}};

#define TYPE(...) \
	{ \
		.info = {.fields = fields, .nfields = EG_COUNT(fields), __VA_ARGS__}, .keys = keys, .nkeys = EG_COUNT(keys), \
		.size = sizeof(pairs_source), .open = open_source, .prepare = prepare, .read = read_pair, \
		.close = close_source \
	}

const eg_source_type eg_source_type_pairs = TYPE(.name = "pairs",
	.doc = "your own sentences and their translations: a tab between them in each line, gzipped or not; parts never share a "
	       "sentence",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FILE);

static const eg_data_file tatoeba_files[] = {
	{.name = "eng-cmn.txt",
		.bytes = 3765470,
		.sha256 = "af1099fbf65a5c7041ff4e960306b13138793887335b53b4d9f698faefa6593a",
		.published = "cmn.txt"},
};
static const eg_data_archive tatoeba_archive = {
	.file = {.name = "cmn-eng.zip", .bytes = 1400000, .published = "cmn-eng.zip"}};
static const char *const tatoeba_urls[] = {"https://www.manythings.org/anki/", NULL};

/* The archive is made anew now and then, with more pairs: the checksum is that of the one that figures are told of. */
const eg_source_type eg_source_type_tatoeba_eng_cmn = TYPE(.name = "tatoeba-eng-cmn",
	.doc = "26,388 sentences in English with their Chinese translations; what is published grows over the years",
	.origin = "tatoeba.org; cut into pairs by manythings.org", .licence = "CC BY 2.0 FR", .path = EG_DATA_PATH_SET,
	.train = 23702, .test = 1308, .folder = "translation", .files = tatoeba_files, .nfiles = EG_COUNT(tatoeba_files),
	.archive = &tatoeba_archive, .urls = tatoeba_urls);

/* source_conll.c - sentences whose tokens have a tag each, as in the CoNLL shared tasks: the user's own, and named
 * entities in Chinese news (MSRA).
 *
 *   Ada<TAB>B-PER           a token and its tag, with a tab, or else blanks, between them
 *   wrote<TAB>O
 *                           an empty line ends a sentence; lines that begin with -DOCSTART- are passed over
 *
 * The file is UTF-8 unless `encoding` says otherwise, gzipped or not, with LF or CR LF. Its tokens are kept in
 * memory. A sentence with a line that is wrong is a broken record.
 *
 * Not here: what tags mean (src/tasks). */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS, TAGS, TAGS_MOST = 1000 };

typedef struct sentence {
	int64_t line;
	uint32_t first;
	int n;
} sentence;

typedef struct corpus {
	const char *file; /* its name; NULL: not read */
	eg_pool pool;
	const char **tokens; /* ntokens, of all sentences one after the other */
	int32_t *tags;
	sentence *sentences;
	int n, ntokens, cap_sentences, cap_tokens, cap_tags;
	int64_t strays; /* tags I-X that follow no tag of X */
	int64_t stray_line;
	int64_t latin1; /* lines that were found to be so */
} corpus;

/* The tags that are known: a recipe's, or those that have been met. */
typedef struct tag_names {
	const char *at[TAGS_MOST];
	int n;
	bool fixed;
} tag_names;

typedef struct conll_source {
	eg_source base;
	const char *test_path;
	int64_t test_last, limit;
	eg_strings tags;
	eg_text_rules rules;
	corpus own, other; /* of path, of test_path */
} conll_source;

/* ---- reading a corpus -------------------------------------------------------------------------------------------- */

typedef struct reading {
	conll_source *s;
	corpus *c;
	tag_names *tags;
	eg_lines *lines;
	const char *name;
	int64_t line;
	bool open, spoilt; /* the last sentence goes on; it is broken */
	int64_t strays;    /* before it */
} reading;

static eg_status no_memory(const reading *r, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", r->name);
}

static eg_status no_tag(const reading *r, const char *tag, eg_error *err) {
	char list[300] = "";
	const char *near = eg_did_you_mean(tag, r->tags->at, r->tags->n);
	for (int i = 0; i < r->tags->n; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.40s", i ? ", " : "", r->tags->at[i]);
	}
	const char *whose = r->s->tags.n > 0 ? "'tags' of the recipe"
	                    : r->s->own.file ? r->s->own.file
	                                     : "the set";
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the tag '%.60s' is not among those of %s; %s%s%s", r->name,
	        (long long)r->line, tag, whose, near ? "did you mean '" : "there are: ", near ? near : list,
	        near ? "'?" : "");
}

static eg_status number_of(const reading *r, const char *tag, int32_t *number, eg_error *err) {
	tag_names *t = r->tags;
	for (int i = 0; i < t->n; i++)
		if (strcmp(t->at[i], tag) == 0) {
			*number = i;
			return EG_OK;
		}
	if (t->fixed) return no_tag(r, tag, err);
	if (t->n == TAGS_MOST)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: '%.60s' is the %dth different tag; %d are possible. Is the second column the tag?",
		        r->name, (long long)r->line, tag, TAGS_MOST + 1, TAGS_MOST);
	*number = t->n;
	t->at[t->n] = eg_pool_text(&r->c->pool, tag, strlen(tag));
	return t->at[t->n++] ? EG_OK : no_memory(r, err);
}

/* Cuts a line behind its token: at tabs where there are any (a token may hold blanks then), else at blanks. Returns the
 * number of columns, the first two in token and tag. */
static int cut_line(char *line, char **token, char **tag) {
	const char *between = strchr(line, '\t') ? "\t" : " ";
	char *cells[2] = {NULL, NULL}, *at = line;
	int n = 0;
	if (*between == ' ') at += strspn(at, " ");
	for (; at; n++) {
		char *end = strpbrk(at, between), *next = end ? end + 1 : NULL;
		if (next && *between == ' ') next += strspn(next, " ");
		if (n < 2) cells[n] = at;
		if (end) *end = '\0';
		at = next;
	}
	*token = cells[0], *tag = cells[1];
	return n;
}

/* A tag that goes on with something that has not begun. */
static void look_for_stray(const reading *r, const char *tag, const char *before) {
	if (strncmp(tag, "I-", 2) != 0) return;
	if (before && (strncmp(before, "I-", 2) == 0 || strncmp(before, "B-", 2) == 0) &&
	        strcmp(before + 2, tag + 2) == 0)
		return;
	if (r->c->strays++ == 0) r->c->stray_line = r->line;
}

static eg_status add_token(reading *r, char *line, eg_error *err) {
	corpus *c = r->c;
	char *token, *tag;
	int32_t number = 0;
	int columns = cut_line(line, &token, &tag);
	long long at = r->line;
	if (columns < 2 || !*tag)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: '%.60s' has no tag; write the token, a tab, and its tag (O: none)", r->name, at,
		        token);
	if (columns > 2)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: %d columns; a line has a token and its tag. Where the tag is the last column: awk "
		        "'{print NF ? $1 \"\\t\" $NF : \"\"}' FILE > NEW",
		        r->name, at, columns);
	if (!*token)
		return eg_fail(
		        err, EG_ERR_FORMAT, "%s:%lld: there is no token before the tag '%.60s'", r->name, at, tag);
	eg_status status = number_of(r, tag, &number, err);
	if (status) return status;
	if (!eg_grow(NULL, &c->tokens, &c->cap_tokens, c->ntokens, sizeof *c->tokens) ||
	        !eg_grow(NULL, &c->tags, &c->cap_tags, c->ntokens, sizeof *c->tags) ||
	        !eg_grow(NULL, &c->sentences, &c->cap_sentences, c->n, sizeof *c->sentences))
		return no_memory(r, err);
	char *copy = eg_pool_text(&c->pool, token, strlen(token));
	if (!copy) return no_memory(r, err);
	if (!r->open) r->strays = c->strays;
	look_for_stray(r, tag, r->open ? r->tags->at[c->tags[c->ntokens - 1]] : NULL);
	if (!r->open) c->sentences[c->n++] = (sentence){.first = (uint32_t)c->ntokens, .line = r->line};
	r->open = true;
	c->sentences[c->n - 1].n++;
	c->tokens[c->ntokens] = copy;
	c->tags[c->ntokens++] = number;
	return EG_OK;
}

/* A line is wrong: so is its sentence. */
static eg_status spoil(reading *r, eg_status wrong, const eg_error *why, eg_error *err) {
	corpus *c = r->c;
	if (r->open) {
		c->n--;
		c->ntokens = (int)c->sentences[c->n].first;
		c->strays = r->strays;
	}
	r->open = false;
	r->spoilt = true;
	return eg_broken_add(&r->s->base, wrong, why, err);
}

/* *more: there was a line. */
static eg_status read_line(reading *r, bool *more, eg_error *err) {
	char *line;
	size_t size;
	eg_error why;
	eg_status wrong = eg_lines_next(r->lines, &line, &size, &why);
	*more = wrong || line;
	r->line = eg_lines_number(r->lines);
	if (wrong && !eg_lines_go_on(r->lines)) return eg_fail(err, wrong, "%s", why.message);
	if (!wrong && !line) return EG_OK;
	while (!wrong && size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t')) line[--size] = '\0';
	if (!wrong && (size == 0 || strncmp(line, "-DOCSTART-", 10) == 0)) {
		r->open = r->spoilt = false;
		return EG_OK;
	}
	if (!wrong && !r->spoilt) wrong = add_token(r, line, &why);
	return wrong && !r->spoilt ? spoil(r, wrong, &why, err) : EG_OK;
}

static void free_corpus(corpus *c) {
	eg_pool_free(&c->pool);
	eg_release(NULL, c->tokens);
	eg_release(NULL, c->tags);
	eg_release(NULL, c->sentences);
	*c = (corpus){0};
}

static eg_status read_corpus(
	conll_source *s, eg_part part, corpus *c, eg_reader *reader, tag_names *tags, eg_error *err) {
	reading r = {.s = s, .c = c, .tags = tags, .name = eg_reader_name(reader)};
	int64_t before = eg_broken_count(&s->base);
	bool more = true;
	c->file = eg_arena_strdup(&c->pool.arena, r.name);
	eg_status status = c->file ? eg_lines_new(reader, &s->rules, &r.lines, err) : no_memory(&r, err);
	while (!status && more) status = read_line(&r, &more, err);
	int64_t broken = eg_broken_count(&s->base) - before;
	if (!status && r.line == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s' is empty: there is no sentence in it", r.name);
	if (!status) status = eg_broken_end(&s->base, part, before, c->n + broken, err);
	if (!status && c->n == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s': there is no sentence in it", r.name);
	if (r.lines) c->latin1 = eg_lines_latin1(r.lines);
	eg_lines_free(r.lines);
	if (status) free_corpus(c);
	return status;
}

/* ---- tags -------------------------------------------------------------------------------------------------------- */

/* O first, then by bytes. */
static int by_name(const void *a, const void *b) {
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	bool ox = strcmp(x, "O") == 0, oy = strcmp(y, "O") == 0;
	return ox != oy ? oy - ox : strcmp(x, y);
}

/* The tags that were met become the source's, in order, and the corpus's numbers theirs. */
static eg_status name_tags(conll_source *s, const tag_names *met, eg_error *err) {
	const char *sorted[TAGS_MOST];
	int32_t number[TAGS_MOST];
	if (met->fixed) return EG_OK;
	memcpy(sorted, met->at, (size_t)met->n * sizeof *sorted);
	qsort(sorted, (size_t)met->n, sizeof *sorted, by_name);
	for (int i = 0; i < met->n; i++)
		for (int k = 0; k < met->n; k++)
			if (met->at[i] == sorted[k]) number[i] = k;
	for (int i = 0; i < s->own.ntokens; i++) s->own.tags[i] = number[s->own.tags[i]];
	return eg_source_set_names(&s->base, TAGS, sorted, met->n, err);
}

static void known_tags(const conll_source *s, tag_names *tags) {
	const eg_field *f = &s->base.fields[TAGS];
	tags->n = f->nnames;
	tags->fixed = f->nnames > 0;
	for (int i = 0; i < f->nnames; i++) tags->at[i] = f->names[i];
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void close_source(eg_source *base) {
	conll_source *s = (conll_source *)base;
	free_corpus(&s->own);
	free_corpus(&s->other);
}

eg_status eg_conll_take(eg_source *base, eg_reader *reader, eg_error *err) {
	conll_source *s = (conll_source *)base;
	tag_names *tags = eg_calloc(NULL, 1, sizeof *tags);
	if (!tags) return eg_source_no_memory(base, err);
	known_tags(s, tags);
	eg_status status = read_corpus(s, EG_PART_TRAIN, &s->own, reader, tags, err);
	if (!status) status = name_tags(s, tags, err);
	if (!status && s->test_last >= s->own.n)
		status = eg_fail(err, EG_ERR_ARG,
		        "'test_last' is %lld, but '%s' has %d sentences: none would be left to train on",
		        (long long)s->test_last, s->own.file, s->own.n);
	if (status && !tags->fixed) eg_source_forget_names(base, TAGS);
	if (status) free_corpus(&s->own);
	eg_release(NULL, tags);
	return status;
}

static eg_status take_other(conll_source *s, eg_reader *reader, eg_error *err) {
	tag_names *tags = eg_calloc(NULL, 1, sizeof *tags);
	if (!tags) return eg_source_no_memory(&s->base, err);
	known_tags(s, tags);
	eg_status status = read_corpus(s, EG_PART_TEST, &s->other, reader, tags, err);
	eg_release(NULL, tags);
	return status;
}

static eg_status load(conll_source *s, bool other, eg_error *err) {
	char path[EG_PATH];
	eg_reader *reader = NULL;
	eg_status status = other ? EG_OK : eg_source_file(&s->base, path, err);
	if (!status) status = eg_reader_file(other ? s->test_path : path, &reader, err);
	if (!status) status = other ? take_other(s, reader, err) : eg_conll_take(&s->base, reader, err);
	eg_reader_close(reader);
	return status;
}

static void remark(conll_source *s, eg_part part, const corpus *c) {
	if (part == EG_PART_TEST && s->base.count[part] == 0)
		eg_source_remark_more(&s->base, part,
		        "there are no test sentences: give 'test_last', how many at the end of the file, or "
		        "'test_path', another file");
	else if (c->strays > 0)
		eg_source_remark_more(&s->base, part,
		        "%lld of the tags I-... follow none of their type (the first: %s:%lld); they are kept as they are",
		        (long long)c->strays, c->file, (long long)c->stray_line);
	eg_latin1_remark(&s->base, part, c->latin1);
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	conll_source *s = (conll_source *)base;
	bool other = part == EG_PART_TEST && s->test_path;
	if (part == EG_PART_VALIDATION) return EG_OK;
	eg_status status = s->own.file ? EG_OK : load(s, false, err); /* needed for every part: it tells the tags */
	if (!status && other) status = load(s, true, err);
	if (status) return status;
	int64_t left = s->own.n - s->test_last;
	if (part == EG_PART_TEST)
		base->count[part] = other ? s->other.n : s->test_last;
	else
		base->count[part] = s->limit > 0 && s->limit < left ? s->limit : left;
	remark(s, part, other ? &s->other : &s->own);
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const conll_source *s = (const conll_source *)base;
	bool other = part == EG_PART_TEST && s->test_path;
	const corpus *c = other ? &s->other : &s->own;
	const sentence *one = &c->sentences[part == EG_PART_TEST && !other ? s->own.n - s->test_last + i : i];
	if (wanted & 1u << TOKENS)
		r->fields[TOKENS] = (eg_datum){.there = true, .tokens = {one->n, c->tokens + one->first}};
	if (wanted & 1u << TAGS) r->fields[TAGS] = (eg_datum){.there = true, .tags = {one->n, c->tags + one->first}};
	r->place = eg_record_printf(r, "%s:%lld", c->file, (long long)one->line);
	return r->place ? EG_OK : eg_record_no_memory(err);
}

static eg_status open_conll(eg_source *base, eg_error *err) {
	conll_source *s = (conll_source *)base;
	if (s->test_path && s->test_last > 0)
		return eg_fail(err, EG_ERR_ARG,
		        "give 'test_last', how many sentences at the end of the file, or 'test_path', another file, "
		        "not both");
	if (s->test_path && !(s->test_path = eg_source_path(base, s->test_path, err))) return EG_ERR_MEMORY;
	for (int i = 0; i < s->tags.n; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(s->tags.at[i], s->tags.at[k]) == 0)
				return eg_fail(err, EG_ERR_ARG, "'tags' has '%.60s' twice", s->tags.at[i]);
	eg_status status = eg_text_rules_check(&s->rules, err);
	return !status && s->tags.n > 0 ? eg_source_set_names(base, TAGS, s->tags.at, s->tags.n, err) : status;
}

static eg_status open_msra(eg_source *base, eg_error *err) {
	conll_source *s = (conll_source *)base;
	s->test_last = 4631;
	return eg_text_rules_check(&s->rules, err);
}

#define LIMIT_KEY \
	{ \
		.name = "limit", .type = EG_KEY_INT64, .offset = offsetof(conll_source, limit), .min = 1, .max = 1e9, \
		.def = NAN, .doc = "train on the first so many sentences only; left out: on all" \
	}

static const eg_key keys[] = {
	{.name = "test_last",
		.type = EG_KEY_INT64,
		.offset = offsetof(conll_source, test_last),
		.min = 1,
		.max = 1e9,
		.def = NAN,
		.doc = "the last so many sentences are the test part"},
	{.name = "test_path",
		.type = EG_KEY_STRING,
		.offset = offsetof(conll_source, test_path),
		.def = NAN,
		.doc = "in place of `test_last`: another file, of the same form, that is the test part"},
	{.name = "tags",
		.type = EG_KEY_STRINGS,
		.count = TAGS_MOST,
		.offset = offsetof(conll_source, tags),
		.def = NAN,
		.doc = "the tags there are, in order; others are errors. Left out: those of the file, O first, then "
		       "sorted"},
	LIMIT_KEY,
	EG_BROKEN_KEY,
	EG_TEXT_RULE_KEYS(conll_source, rules),
};
static const eg_key msra_keys[] = {LIMIT_KEY, EG_BROKEN_KEY, EG_NORMALIZE_KEY_OF(conll_source, rules)};

static const eg_field fields[] = {{.name = "tokens", .kind = EG_FIELD_TOKENS}, {.name = "tags", .kind = EG_FIELD_TAGS}};

const eg_source_type eg_source_type_conll = {.info = {.name = "conll",
						     .doc = "your own tagged sentences in UTF-8: a file, gzipped or "
							    "not, with a token, a tab and its tag in each line, and "
							    "an empty line between sentences",
						     .origin = "you",
						     .licence = "yours",
						     .path = EG_DATA_PATH_FILE,
						     .fields = fields,
						     .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(conll_source),
	.open = open_conll,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};

static const eg_data_file msra_files[] = {
	{.name = "msra-bio.tsv",
		.bytes = 15018708,
		.sha256 = "762144d4334117d51cf66c0478bb35fda215cb7ce98d941072a0cf84980f599c"},
};
static const char *const msra_tags[] = {"O", "B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER"};
static const eg_field msra_fields[] = {{.name = "tokens", .kind = EG_FIELD_TOKENS},
	{.name = "tags", .kind = EG_FIELD_TAGS, .names = msra_tags, .nnames = EG_COUNT(msra_tags)}};

const eg_source_type eg_source_type_msra = {
	.info = {.name = "msra",
		.doc = "55,289 sentences of Chinese news in characters, with the names of people, places and "
		       "organisations tagged; the last 4,631 are the test part. To be placed by hand",
		.origin = "Microsoft Research Asia; SIGHAN bakeoff 2006",
		.licence = "research use",
		.path = EG_DATA_PATH_SET,
		.train = 50658,
		.test = 4631,
		.folder = "ner",
		.files = msra_files,
		.nfiles = EG_COUNT(msra_files),
		.by_hand = "it is for research, and nobody publishes it as this one file; write a character, a tab "
			   "and its tag in each line, with an empty line between sentences, into ner/msra-bio.tsv in "
			   "a folder that ENGRAM_DATA names, first the 50,658 sentences to train on, then the 4,631 "
			   "of the test, or take a file of yours with source conll",
		.fields = msra_fields,
		.nfields = EG_COUNT(msra_fields)},
	.keys = msra_keys,
	.nkeys = EG_COUNT(msra_keys),
	.size = sizeof(conll_source),
	.open = open_msra,
	.prepare = prepare,
	.read = read_record,
	.close = close_source};

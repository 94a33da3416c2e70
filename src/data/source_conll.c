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
 * Not here: what tags mean (src/tasks), which sentences are the test part (shelf.c). */
#include "data/table.h"

#include <math.h>
#include <string.h>

enum { TOKENS, TAGS, TAGS_MOST = 1000 };

typedef struct conll_source {
	eg_shelf_source shelf;
	eg_strings tags;
	int64_t tag_column; /* 0: there are two, the second */
} conll_source;

/* A file while it is read. */
typedef struct reading {
	conll_source *s;
	eg_shelf *shelf;
	eg_lines *lines;
	int64_t line;
	const char **known; /* tags: the recipe's or the set's, or those that have been met */
	int nknown;
	bool fixed;
	const char **tokens, **tags; /* of the sentence at hand */
	int n, cap_tokens, cap_tags;
	int64_t first;               /* its first line */
	bool spoilt;                 /* it is broken */
} reading;

static eg_status no_memory(const reading *r, eg_error *err) { return eg_source_no_memory(&r->s->shelf.base, err); }

/* ---- a line ------------------------------------------------------------------------------------------------------ */

/* The column of the tag, in characters, from 1. */
static int column_of(const char *line, const char *tag) {
	int n = 1;
	for (; line < tag; line++) n += ((unsigned char)*line & 0xC0) != 0x80;
	return n;
}

static eg_status no_tag(const reading *r, const char *tag, int column, eg_error *err) {
	char list[300] = "";
	const char *near = eg_did_you_mean(tag, r->known, r->nknown);
	for (int i = 0; i < r->nknown; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.40s", i ? ", " : "", r->known[i]);
	}
	const char *own = r->s->shelf.own.file;
	const char *whose = r->s->tags.n > 0 ? "'tags' of the recipe" : own && own != r->shelf->file ? own : "the set";
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld:%d: the tag '%.60s' is not among those of %s; %s%s%s", r->shelf->file,
	        (long long)r->line, column, tag, whose, near ? "did you mean '" : "there are: ", near ? near : list,
	        near ? "'?" : "");
}

/* The tag as it is kept. */
static eg_status know_tag(reading *r, const char *tag, int column, const char **kept, eg_error *err) {
	for (int i = 0; i < r->nknown; i++)
		if (strcmp(r->known[i], tag) == 0) {
			*kept = r->known[i];
			return EG_OK;
		}
	if (r->fixed) return no_tag(r, tag, column, err);
	if (r->nknown == TAGS_MOST)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld:%d: '%.60s' is the %dth different tag; %d are possible. Is the second column the tag?",
		        r->shelf->file, (long long)r->line, column, tag, TAGS_MOST + 1, TAGS_MOST);
	*kept = r->known[r->nknown] = eg_pool_text(&r->shelf->pool, tag, strlen(tag));
	r->nknown += *kept != NULL;
	return *kept ? EG_OK : no_memory(r, err);
}

/* Cuts a line behind its token: at tabs where there are any (a token may hold blanks then), else at blanks. Returns the
 * number of columns, the first in `token` and number `which` (from 2) in `tag`; NULL: there is none. */
static int cut_line(char *line, int which, char **token, char **tag) {
	const char *between = strchr(line, '\t') ? "\t" : " ";
	char *at = line;
	int n = 0;
	*token = *tag = NULL;
	if (*between == ' ') at += strspn(at, " ");
	for (; at; n++) {
		char *end = strpbrk(at, between), *next = end ? end + 1 : NULL;
		if (next && *between == ' ') next += strspn(next, " ");
		if (n == 0) *token = at;
		if (n == which - 1) *tag = at;
		if (end) *end = '\0';
		at = next;
	}
	return n;
}

static eg_status add_token(reading *r, char *line, eg_error *err) {
	char *token, *tag;
	const char *kept = NULL;
	const int which = r->s->tag_column ? (int)r->s->tag_column : 2;
	const int columns = cut_line(line, which, &token, &tag);
	const char *name = r->shelf->file;
	long long at = r->line;
	if (which > 2 && columns < which)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %d column%s, but the tag is in number %d (tag_column)", name, at, columns,
		        columns == 1 ? "" : "s", which);
	if (!tag || !*tag)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: '%.60s' has no tag; write the token, a tab, and its tag (O: none)", name, at, token);
	if (columns > 2 && !r->s->tag_column)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: %d columns; say in which the tag is: 'tag_column: %d' in 'data'", name, at, columns, columns);
	if (!*token)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: there is no token before the tag '%.60s'", name, at, tag);
	eg_status status = know_tag(r, tag, column_of(line, tag), &kept, err);
	if (status) return status;
	if (!eg_grow(NULL, &r->tokens, &r->cap_tokens, r->n, sizeof *r->tokens) ||
	        !eg_grow(NULL, &r->tags, &r->cap_tags, r->n, sizeof *r->tags))
		return no_memory(r, err);
	r->tokens[r->n] = eg_pool_text(&r->shelf->pool, token, strlen(token));
	if (!r->tokens[r->n]) return no_memory(r, err);
	if (r->n == 0) r->first = r->line;
	r->tags[r->n++] = kept;
	return EG_OK;
}

/* ---- sentences --------------------------------------------------------------------------------------------------- */

static eg_status end_sentence(reading *r, eg_error *err) {
	eg_shelf *f = r->shelf;
	size_t n = (size_t)r->n;
	eg_item x = {.line = r->first, .ntokens = r->n};
	r->spoilt = false;
	r->n = 0;
	if (n == 0) return EG_OK;
	x.tokens = eg_arena_alloc(&f->pool.arena, n * sizeof *x.tokens);
	x.tag_names = eg_arena_alloc(&f->pool.arena, n * sizeof *x.tag_names);
	x.tags = eg_arena_alloc(&f->pool.arena, n * sizeof *x.tags);
	if (!x.tokens || !x.tag_names || !x.tags || !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at))
		return no_memory(r, err);
	memcpy(x.tokens, r->tokens, n * sizeof *x.tokens);
	memcpy(x.tag_names, r->tags, n * sizeof *x.tag_names);
	f->at[f->n++] = x;
	return EG_OK;
}

/* A line is wrong: so is its sentence. */
static eg_status spoil(reading *r, eg_status wrong, const eg_error *why, eg_error *err) {
	r->n = 0;
	r->spoilt = true;
	return eg_broken_add(&r->s->shelf.base, wrong, why, err);
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
	while (!wrong && size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\t')) line[--size] = '\0';
	if (!wrong && (size == 0 || strncmp(line, "-DOCSTART-", 10) == 0)) return end_sentence(r, err);
	if (!wrong && !r->spoilt) wrong = add_token(r, line, &why);
	return wrong && !r->spoilt ? spoil(r, wrong, &why, err) : EG_OK;
}

/* The tags that are known before. */
static eg_status begin(reading *r, eg_error *err) {
	const eg_field *f = &r->s->shelf.base.fields[TAGS];
	r->nknown = f->nnames;
	r->fixed = f->nnames > 0;
	r->known = eg_arena_alloc(&r->shelf->pool.arena, (size_t)(r->fixed ? f->nnames : TAGS_MOST) * sizeof *r->known);
	for (int i = 0; r->known && i < f->nnames; i++) r->known[i] = f->names[i];
	return r->known ? EG_OK : no_memory(r, err);
}

static eg_status fill(eg_source *base, eg_shelf *f, eg_reader *reader, eg_error *err) {
	conll_source *s = (conll_source *)base;
	reading r = {.s = s, .shelf = f};
	int64_t before = eg_broken_count(base);
	bool more = true;
	eg_status status = eg_lines_new(reader, &s->shelf.rules, &r.lines, err);
	if (!status) status = begin(&r, err);
	while (!status && more) status = read_line(&r, &more, err);
	if (!status) status = end_sentence(&r, err);
	if (!status && r.line == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' is empty: there is no sentence in it", f->file);
	if (!status && f->n == 0 && eg_broken_count(base) == before)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s': there is no sentence in it", f->file);
	if (r.lines) f->latin1 = eg_lines_latin1(r.lines);
	f->tags = (eg_strings){r.known, r.nknown};
	f->token_lines = true;
	eg_lines_free(r.lines);
	eg_release(NULL, r.tokens);
	eg_release(NULL, r.tags);
	return status;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

eg_status eg_conll_take(eg_source *s, eg_reader *reader, eg_error *err) { return eg_shelf_take(s, fill, reader, err); }

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) { return eg_shelf_prepare(s, part, fill, err); }

static eg_status open_conll(eg_source *base, eg_error *err) {
	conll_source *s = (conll_source *)base;
	s->shelf.one = "sentence", s->shelf.many = "sentences";
	s->shelf.fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->shelf.fields.tokens = TOKENS, s->shelf.fields.tags = TAGS;
	for (int i = 0; i < s->tags.n; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(s->tags.at[i], s->tags.at[k]) == 0)
				return eg_fail(err, EG_ERR_ARG, "'tags' has '%.60s' twice", s->tags.at[i]);
	eg_status status = eg_shelf_open(base, err);
	return !status && s->tags.n > 0 ? eg_source_set_names(base, TAGS, s->tags.at, s->tags.n, err) : status;
}

static eg_status open_msra(eg_source *base, eg_error *err) {
	((conll_source *)base)->shelf.test_last = 4631;
	return open_conll(base, err);
}

static const eg_key keys[] = {
	{.name = "tags",
		.type = EG_KEY_STRINGS,
		.count = TAGS_MOST,
		.offset = offsetof(conll_source, tags),
		.def = NAN,
		.doc = "the tags there are, in order; others are errors. Left out: those of the file, O first, then "
		       "sorted"},
	{.name = "tag_column",
		.type = EG_KEY_INT64,
		.offset = offsetof(conll_source, tag_column),
		.min = 2,
		.max = 1000,
		.def = NAN,
		.doc = "in which column the tag is, from 1, which is the token's. Left out: in the second of two"},
	EG_SHELF_KEYS(conll_source, "sentences"),
};
static const eg_key msra_keys[] = {
	EG_SHELF_LIMIT_KEY, EG_BROKEN_KEY, EG_NORMALIZE_KEY_OF(conll_source, shelf.rules)};

static const eg_field fields[] = {{.name = "tokens", .kind = EG_FIELD_TOKENS}, {.name = "tags", .kind = EG_FIELD_TAGS}};

#define TYPE(keys_, open_, ...) \
	{ \
		.info = {__VA_ARGS__}, .keys = keys_, .nkeys = EG_COUNT(keys_), .size = sizeof(conll_source), .open = open_, \
		.prepare = prepare, .read = eg_shelf_read, .close = eg_shelf_close \
	}

const eg_source_type eg_source_type_conll = TYPE(keys, open_conll, .name = "conll",
	.doc = "your own tagged sentences in UTF-8: a file, gzipped or not, with a token, a tab and its tag in each line, and "
	       "an empty line between sentences",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FILE, .fields = fields, .nfields = EG_COUNT(fields));

static const eg_data_file msra_files[] = {
	{.name = "msra-bio.tsv",
		.bytes = 15018708,
		.sha256 = "762144d4334117d51cf66c0478bb35fda215cb7ce98d941072a0cf84980f599c"},
};
static const char *const msra_tags[] = {"O", "B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER"};
static const eg_field msra_fields[] = {{.name = "tokens", .kind = EG_FIELD_TOKENS},
	{.name = "tags", .kind = EG_FIELD_TAGS, .names = msra_tags, .nnames = EG_COUNT(msra_tags)}};

const eg_source_type eg_source_type_msra = TYPE(msra_keys, open_msra, .name = "msra",
	.doc = "55,289 sentences of Chinese news in characters, with the names of people, places and organisations tagged; "
	       "the last 4,631 are the test part. To be placed by hand",
	.origin = "Microsoft Research Asia; SIGHAN bakeoff 2006", .licence = "research use", .path = EG_DATA_PATH_SET,
	.train = 50658, .test = 4631, .folder = "ner", .files = msra_files, .nfiles = EG_COUNT(msra_files),
	.by_hand = "it is for research, and nobody publishes it as this one file; write a character, a tab and its tag in each "
		   "line, with an empty line between sentences, into ner/msra-bio.tsv in a folder that ENGRAM_DATA names, first "
		   "the 50,658 sentences to train on, then the 4,631 of the test, or take a file of yours with source conll",
	.fields = msra_fields, .nfields = EG_COUNT(msra_fields));

/* source_text.c - running texts: tinyshakespeare, Tang poems, and the user's own file, or the files of a folder. A
 * record is a whole text, or, with `samples: true`, one paragraph of it, which lies between blank lines.
 *
 * Not here: reading and checking a text (text.c), which files a folder holds (text_files.c), units (vocab.c), what is
 * for validation (src/tasks). */
#include "data/table.h"

#include <math.h>
#include <string.h>

typedef struct paragraph {
	const eg_text *of;
	const char *at;
	size_t size;
	int64_t line; /* of the file, where it begins */
} paragraph;

typedef struct text_source {
	eg_source base;
	int64_t limit; /* bytes; 0: all */
	bool samples, keep_title;
	int sample; /* what one is */
	int unit;   /* eg_unit */
	const char *files; /* patterns, with blanks between them; NULL: not given */
	eg_text_rules rules;
	eg_text_files texts;
	bool folder;           /* they are files of one */
	paragraph *paragraphs; /* base.count of them, with `samples` */
} text_source;

/* ---- the settings ------------------------------------------------------------------------------------------------ */

static const char *const unit_names[] = {"char", "byte", "word", "subword", NULL}; /* in the order of eg_unit */

enum { OF_PARAGRAPHS, OF_FILES };
static const char *const sample_names[] = {"paragraph", "file", NULL};

static const eg_key keys[] = {
	{.name = "files",
		.type = EG_KEY_STRING,
		.offset = offsetof(text_source, files),
		.def = NAN,
		.doc = "where path is a folder (or an archive): which files to read in it and in its folders: .txt, those "
		       "whose names end so; or patterns such as '*.c part?.txt', where * stands for any characters and ? for one"},
	{.name = "sample",
		.type = EG_KEY_ENUM,
		.offset = offsetof(text_source, sample),
		.names = sample_names,
		.def = OF_PARAGRAPHS,
		.doc = "with samples, what is one: paragraph (the default), or file: each file as a whole"},
	{.name = "limit",
		.type = EG_KEY_INT64,
		.offset = offsetof(text_source, limit),
		.min = 1,
		.max = 1e12,
		.def = NAN,
		.doc = "use only so many bytes of the text, the first"},
	{.name = "samples",
		.type = EG_KEY_BOOL,
		.offset = offsetof(text_source, samples),
		.def = 0,
		.doc = "paragraphs, between blank lines, are samples of their own, and the model learns where they "
		       "end; else the text is one stream. validation is then a share of the samples, else the end of "
		       "the text"},
	{.name = "keep_title",
		.type = EG_KEY_BOOL,
		.offset = offsetof(text_source, keep_title),
		.def = 1,
		.doc = "with samples: the first line of a paragraph belongs to it"},
	{.name = "unit",
		.type = EG_KEY_ENUM,
		.offset = offsetof(text_source, unit),
		.names = unit_names,
		.def = EG_UNIT_CHAR,
		.doc = "what is predicted one after the other; byte: the file may hold any bytes"},
	EG_TEXT_RULE_KEYS(text_source, rules),
};

static eg_status open_source(eg_source *base, eg_error *err) {
	const text_source *s = (const text_source *)base;
	if (!s->keep_title && !s->samples)
		return eg_fail(err, EG_ERR_ARG, "'keep_title' needs 'samples: true': only paragraphs have titles");
	if (s->sample != OF_PARAGRAPHS && !s->samples)
		return eg_fail(err, EG_ERR_ARG, "'sample' needs 'samples: true': else the text is one stream");
	if (s->files && base->type->info.nfiles > 0)
		return eg_fail(err, EG_ERR_ARG, "data source '%s' takes no 'files'; source 'text' reads a folder of them",
		        base->type->info.name);
	return eg_text_rules_check(&s->rules, err);
}

/* ---- paragraphs -------------------------------------------------------------------------------------------------- */

static bool is_blank(const char *s, size_t n) {
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r')) n--;
	return n == 0;
}

/* Puts what lies between two blank lines on the list, if there is something left of it without its title. */
static bool add_paragraph(text_source *s, paragraph p, int *n, int *cap) {
	if (!s->keep_title) {
		const char *end = memchr(p.at, '\n', p.size);
		if (!end) return true;
		p.size -= (size_t)(end + 1 - p.at);
		p.at = end + 1;
		p.line++;
	}
	while (p.size > 0 && (p.at[p.size - 1] == '\n' || p.at[p.size - 1] == '\r')) p.size--;
	if (p.size == 0) return true;
	if (!eg_grow(NULL, &s->paragraphs, cap, *n, sizeof p)) return false;
	s->paragraphs[(*n)++] = p;
	return true;
}

static eg_status find_paragraphs(text_source *s, const eg_text *text, bool cut, int *n, int *cap, eg_error *err) {
	const char *at = text->bytes, *end = at + text->size;
	const int before = *n;
	paragraph p = {.of = text};
	for (int64_t line = 1; at < end; line++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t size = next ? (size_t)(next - at) : (size_t)(end - at);
		bool blank = is_blank(at, size);
		if (!blank && !p.at) p = (paragraph){.of = text, .at = at, .line = line};
		if (!blank) p.size = (size_t)(at + size - p.at);
		if (blank && p.at) {
			if (!add_paragraph(s, p, n, cap)) return eg_source_no_memory(&s->base, err);
			p.at = NULL;
		}
		at += size + 1;
	}
	if (p.at && (!cut || *n == before) && !add_paragraph(s, p, n, cap)) return eg_source_no_memory(&s->base, err);
	return EG_OK;
}

/* All of them; the last one may have been cut through by `limit`. */
static eg_status find_samples(text_source *s, int *n, eg_error *err) {
	const eg_text_files *f = &s->texts;
	const bool cut = s->limit > 0 && f->size + 4 >= s->limit;
	int cap = 0;
	eg_status status = EG_OK;
	for (int i = 0; i < f->n && !status; i++) {
		const eg_text *t = f->at[i];
		const bool last = cut && i == f->n - 1;
		if (s->sample == OF_PARAGRAPHS)
			status = find_paragraphs(s, t, last, n, &cap, err);
		else if ((!last || *n == 0) && !add_paragraph(s, (paragraph){t, t->bytes, t->size, 1}, n, &cap))
			status = eg_source_no_memory(&s->base, err);
	}
	if (status || *n > 0) return status;
	return eg_fail(err, EG_ERR_ARG, "%s: there is no paragraph in it%s", s->folder ? s->base.path : f->at[0]->name,
	        s->keep_title ? "" : " that has more than its title");
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static void close_source(eg_source *base) {
	text_source *s = (text_source *)base;
	eg_release(NULL, s->paragraphs);
	eg_text_files_free(&s->texts);
	s->paragraphs = NULL;
}

/* The one text, or those of a folder. A file is read whatever `files` says: a model of a folder may be asked about
 * it. */
static eg_status load_texts(text_source *s, eg_error *err) {
	const eg_data_info *info = &s->base.type->info;
	const bool named = info->nfiles > 0;
	const eg_text_options o = {.folder = named ? s->base.path : NULL,
	        .path = named ? NULL : s->base.path,
	        .limit = s->limit,
	        .any_bytes = s->unit == EG_UNIT_BYTE,
	        .rules = s->rules};
	const bool folder = !named && eg_is_folder(o.path);
	if (folder && !s->files)
		return eg_fail(err, EG_ERR_ARG, "'%s' is a folder: say which files in it are texts, as in files: .txt", o.path);
	s->folder = folder || (!named && s->files && eg_files_like_archive(o.path));
	if (s->folder) return eg_text_files_load(&s->texts, o.path, s->files, &o, err);
	eg_text *text;
	eg_status status = eg_text_load(info->name, &o, &text, err);
	if (status) return status;
	if (!eg_grow(NULL, &s->texts.at, &s->texts.cap, 0, sizeof *s->texts.at)) {
		eg_text_free(text);
		return eg_source_no_memory(&s->base, err);
	}
	s->texts.at[s->texts.n++] = text;
	s->texts.size = (int64_t)text->size, s->texts.latin1 = text->latin1;
	return EG_OK;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	text_source *s = (text_source *)base;
	int n = 0;
	if (part != EG_PART_TRAIN) {
		if (part == EG_PART_TEST)
			eg_source_remark_on(base, part,
			        "the text '%s' has no test part: take the validation part, or another text",
			        base->type->info.name);
		return EG_OK;
	}
	close_source(base); /* what an attempt that failed has left */
	eg_status status = load_texts(s, err);
	if (!status && s->samples) status = find_samples(s, &n, err);
	if (!status) eg_latin1_remark(base, part, s->texts.latin1);
	if (!status && s->folder) eg_source_remark_more(base, part, "%d files of '%s'", s->texts.n, base->path);
	base->count[part] = s->samples ? n : s->texts.n;
	return status;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const text_source *s = (const text_source *)base;
	EG_UNUSED(part);
	const eg_text *whole = s->samples ? NULL : s->texts.at[i];
	const paragraph p = whole ? (paragraph){whole, whole->bytes, whole->size, 1} : s->paragraphs[i];
	if (wanted & 1u) r->fields[0] = (eg_datum){.there = true, .text = {p.at, p.size}};
	if (s->folder) r->group = p.of->name; /* no file is cut in two */
	r->place = s->samples ? eg_record_printf(r, "%s:%lld", p.of->name, (long long)p.line) : p.of->name;
	return r->place ? EG_OK : eg_record_no_memory(err);
}

static const eg_field fields[] = {{.name = "text", .kind = EG_FIELD_TEXT}};

#define TYPE(...) \
	{ \
		.info = {.fields = fields, .nfields = EG_COUNT(fields), __VA_ARGS__}, .keys = keys, \
		.nkeys = EG_COUNT(keys), .size = sizeof(text_source), .open = open_source, .prepare = prepare, \
		.read = read_record, .close = close_source, .folders = true \
	}

const eg_data_file eg_shakespeare_files[1] = {
	{.name = "tinyshakespeare.txt",
		.bytes = 1115394,
		.download = 1115394,
		.sha256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
		.published = "input.txt"},
};

const char *const eg_shakespeare_urls[2] = {
	"https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/", NULL};

const eg_source_type eg_source_type_tinyshakespeare = TYPE(.name = "tinyshakespeare",
	.doc = "40,000 lines from Shakespeare's plays: the text that character models are compared on",
	.origin = "Shakespeare; put together by Karpathy for char-rnn, 2015", .licence = "public domain",
	.path = EG_DATA_PATH_SET, .folder = "text", .files = eg_shakespeare_files, .nfiles = EG_COUNT(eg_shakespeare_files),
	.urls = eg_shakespeare_urls);

static const eg_data_file tang_files[] = {
	{.name = "tang-poems.txt",
		.bytes = 3294927,
		.sha256 = "0f8c7d51184fe4fc48e22c633d288a8d4b9cb80c38bd1f17c70b7b40f6e10b23",
		.published = "tang-poems.txt"},
};

/* Nobody publishes the poems as one text, so there is no address to fetch them from. */
const eg_source_type eg_source_type_tang_poems = TYPE(.name = "tang-poems",
	.doc = "21,084 Chinese poems of the Tang dynasty, of one to four lines: a line with the title, the verse, an "
	       "empty line. To be placed by hand: it is made from the JSON files of chinese-poetry on GitHub",
	.origin = "chinese-poetry, https://github.com/chinese-poetry/chinese-poetry", .licence = "MIT",
	.path = EG_DATA_PATH_SET, .folder = "text", .files = tang_files, .nfiles = EG_COUNT(tang_files),
	.by_hand = "nobody publishes it as one text; write the poems of "
		   "https://github.com/chinese-poetry/chinese-poetry into a UTF-8 file text/tang-poems.txt (a line "
		   "with the title, the verse, an empty line) in a folder that ENGRAM_DATA names, or take a file of "
		   "yours with source text");

const eg_source_type eg_source_type_text = TYPE(.name = "text",
	.doc = "your own text in UTF-8: one file, gzipped or not, or those of a folder", .origin = "you", .licence = "yours",
	.path = EG_DATA_PATH_FILE);

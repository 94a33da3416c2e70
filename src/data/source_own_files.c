/* source_own_files.c - the user's own recordings and texts, a file each, in a folder:
 *
 *   recordings    DIR/<class>/NAME.wav                  which class it is
 *   texts         DIR/<class>/NAME.txt                  the same of a text, which is all of the file
 *   transcripts   DIR/NAME.wav, and beside it NAME.txt  what is said in it: its lines, with a blank between them
 *
 * In DIR there may also be train/, val/ and test/ that hold these; else the key `test` says which share is the test
 * part. DIR may be an archive. Files are sorted by their names. Sounds are read once to see that they can be, and again
 * when a record is wanted; texts are kept.
 *
 * Not here: lists that name sound files, tables of texts (source_table.c, source_jsonl.c), a running text of many files
 * (source_text.c), the parts (shelf.c), formats (sound_file.c). */
#include "data/sound.h"
#include "data/table.h"

#include <math.h>
#include <string.h>

enum { TEXT_MOST = 64 << 20 /* bytes of one text */ };

typedef struct own_files {
	eg_shelf_source shelf;
	bool transcripts, texts;
	const char *patterns; /* key `files` of texts */
	eg_patterns wanted;   /* what it says */
	eg_files *tree;       /* NULL: not opened yet */
} own_files;

/* The folders, while they are listed. */
typedef struct listing {
	own_files *s;
	eg_shelf *shelf;
	eg_arena names;
} listing;

static eg_status no_memory(const listing *l, eg_error *err) { return eg_source_no_memory(&l->s->shelf.base, err); }

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* A file as a whole, as a question is read from one. */
static eg_status read_whole(listing *l, const char *path, eg_item *x, eg_error *err) {
	const eg_text_options o = {.rules = l->s->shelf.rules};
	eg_reader *reader = NULL;
	eg_text *text = NULL;
	eg_status status = eg_files_reader(l->s->tree, path, TEXT_MOST, &reader, err);
	if (!status) status = eg_text_read(reader, &o, &text, err);
	eg_reader_close(reader);
	if (status) return status;
	if (text->size > TEXT_MOST) {
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' holds more than %d MB of text: this is no one record", path, TEXT_MOST >> 20);
	} else {
		x->text = eg_pool_text(&l->shelf->pool, text->bytes, text->size);
		x->text_size = (uint32_t)text->size;
		l->shelf->latin1 += text->latin1;
		if (!x->text) status = no_memory(l, err);
	}
	eg_text_free(text);
	return status;
}

/* ---- transcripts ------------------------------------------------------------------------------------------------- */

/* All lines of the file that are not empty, with a blank between them. */
static eg_status read_text(listing *l, const char *path, eg_item *x, eg_error *err) {
	eg_reader *reader = NULL;
	eg_lines *lines = NULL;
	char *line = NULL, *all = NULL;
	size_t n = 0;
	eg_status status = eg_files_reader(l->s->tree, path, TEXT_MOST, &reader, err);
	if (!status) status = eg_lines_new(reader, &l->s->shelf.rules, &lines, err);
	while (!status && !(status = eg_lines_next(lines, &line, &n, err)) && line) {
		while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
		line += strspn(line, " \t");
		if (!*line) continue;
		all = eg_arena_printf(&l->names, "%s%s%s", all ? all : "", all ? " " : "", line);
		if (!all) status = no_memory(l, err);
	}
	eg_lines_free(lines);
	eg_reader_close(reader);
	if (status) return status;
	if (!all) return eg_fail(err, EG_ERR_FORMAT, "'%s' is empty; write down what is said, or remove the recording", path);
	x->text_size = (uint32_t)strlen(all);
	x->text = eg_pool_text(&l->shelf->pool, all, x->text_size);
	return x->text ? EG_OK : no_memory(l, err);
}

static bool is_there(const own_files *s, const char *path) {
	eg_reader *reader;
	const bool there = eg_files_reader(s->tree, path, TEXT_MOST, &reader, NULL) == EG_OK;
	if (there) eg_reader_close(reader);
	return there;
}

static eg_status find_text(listing *l, const char *sound, eg_item *x, eg_error *err) {
	const char *dot = strrchr(sound, '.');
	char path[EG_PATH];
	if (snprintf(path, sizeof path, "%.*s.txt", (int)(dot - sound), sound) >= (int)sizeof path)
		return eg_fail(err, EG_ERR_FORMAT, "the path of '%s' is too long", sound);
	if (!is_there(l->s, path))
		return eg_fail(err, EG_ERR_FORMAT, "'%s' has no transcript: write what is said in it into '%s'", sound, path);
	return read_text(l, path, x, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* What the file at `path` (of the shelf's pool) holds. */
static eg_status look_at(listing *l, const char *path, eg_item *x, eg_error *err) {
	if (l->s->texts) {
		x->file = path, x->line = 1;
		return read_whole(l, path, x, err);
	}
	x->sound = path;
	return l->s->transcripts ? find_text(l, path, x, err) : EG_OK;
}

/* The files of one folder; class NULL: they are of none. */
static eg_status add_folder(listing *l, const char *folder, const char *class, eg_error *err) {
	eg_source *base = &l->s->shelf.base;
	eg_shelf *f = l->shelf;
	eg_names names = {0};
	const size_t top = strlen(eg_files_top(l->s->tree));
	eg_status status = eg_list(&l->names, l->s->tree, folder, l->s->texts ? EG_LIST_FILES : EG_LIST_SOUNDS, &names, err);
	for (int i = 0; i < names.n && !status; i++) {
		eg_item x = {.line = f->n + 1, .class_name = class};
		eg_error why;
		if (l->s->texts && !eg_patterns_fit(&l->s->wanted, names.at[i])) continue;
		const char *path = eg_arena_printf(&f->pool.arena, "%s/%s", folder, names.at[i]);
		if (!path || !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at)) {
			status = no_memory(l, err);
			break;
		}
		x.id = path + top + (path[top] == '/');
		const eg_status wrong = look_at(l, path, &x, &why);
		if (wrong == EG_ERR_MEMORY)
			status = eg_fail(err, wrong, "%s", why.message);
		else if (wrong)
			status = eg_broken_add(base, wrong, &why, err);
		else
			f->at[f->n++] = x;
	}
	eg_release(NULL, names.at);
	return status;
}

/* Which files count. */
static const char *kinds(const own_files *s) { return s->texts ? s->patterns : EG_SOUND_FILES; }

/* A folder for each class. */
static eg_status add_classes(listing *l, const char *folder, eg_error *err) {
	eg_names names = {0};
	char inner[EG_PATH];
	eg_status status = eg_list(&l->names, l->s->tree, folder, EG_LIST_FOLDERS, &names, err);
	if (!status && names.n == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "there are no folders in '%s'; the %s of each class lie in a folder of their own, "
			"'%s/<class>'", folder, l->s->shelf.many, folder);
	for (int i = 0; i < names.n && !status; i++) {
		const int before = l->shelf->n;
		const int64_t broken = eg_broken_count(&l->s->shelf.base);
		const char *class = eg_pool_text(&l->shelf->pool, names.at[i], strlen(names.at[i]));
		if (!class) status = no_memory(l, err);
		if (!status) status = eg_class_name_check(names.at[i], err);
		if (!status) status = eg_join(inner, folder, names.at[i], "", err);
		if (!status) status = add_folder(l, inner, class, err);
		if (!status && l->shelf->n == before && eg_broken_count(&l->s->shelf.base) == broken)
			status = eg_fail(err, EG_ERR_FORMAT, "there is no %s in the class '%s' (%s)", l->s->shelf.one, inner, kinds(l->s));
	}
	eg_release(NULL, names.at);
	return status;
}

/* Where DIR has a folder `train`, its folders are parts. */
static eg_status add_parts(listing *l, eg_error *err) {
	static const eg_part parts[] = {EG_PART_TRAIN, EG_PART_VALIDATION, EG_PART_TEST};
	const own_files *s = l->s;
	char folder[EG_PATH];
	eg_status status = EG_OK;
	for (int i = 0; i < EG_COUNT(parts) && !status; i++) {
		status = s->shelf.part_of ? eg_part_folder(s->tree, parts[i], "", folder, err) : EG_OK;
		if (!s->shelf.part_of) snprintf(folder, sizeof folder, "%s", i ? "" : eg_files_top(s->tree));
		if (!status && folder[0]) status = s->transcripts ? add_folder(l, folder, NULL, err) : add_classes(l, folder, err);
	}
	return status;
}

static eg_status fill(eg_source *base, eg_shelf *f, eg_reader *reader, eg_error *err) {
	listing l = {.s = (own_files *)base, .shelf = f};
	EG_UNUSED(reader);
	eg_status status = add_parts(&l, err);
	if (!status && f->n == 0 && eg_broken_count(base) == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "there is no %s in '%s' (%s)%s", l.s->shelf.one, base->path, kinds(l.s),
			l.s->transcripts ? "; beside each there is a .txt with what is said in it" : "");
	eg_arena_free(&l.names);
	return status;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

/* By the first folder of its id. */
static eg_part part_of(const eg_source *s, const eg_item *x) {
	char name[16] = "";
	EG_UNUSED(s);
	snprintf(name, sizeof name, "%.*s", (int)strcspn(x->id, "/"), x->id);
	return (name[0] | 32) == 't' && (name[1] | 32) == 'e' ? EG_PART_TEST : (name[0] | 32) == 'v' ? EG_PART_VALIDATION : EG_PART_TRAIN;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	own_files *s = (own_files *)base;
	char folder[EG_PATH] = "";
	eg_reader *nothing = NULL;
	eg_status status = EG_OK;
	if (!s->shelf.ready) {
		eg_files_close(s->tree); /* of an attempt that failed */
		s->tree = NULL;
		status = eg_files_open(base->path, &s->tree, err);
		s->shelf.tree = s->tree;
		if (!status && !eg_files_is_folder(s->tree, eg_files_top(s->tree)))
			status = eg_fail(err, EG_ERR_IO, "'%s' is no folder of %s", base->path, s->shelf.many);
		if (!status) status = eg_part_folder(s->tree, EG_PART_TRAIN, "", folder, err);
		s->shelf.part_of = folder[0] ? part_of : NULL;
		if (!status && folder[0] && s->shelf.test > 0)
			status = eg_fail(err, EG_ERR_ARG, "'%s' has a folder train, beside which the test part is the folder test; 'test' cuts a share of what "
				"has none", base->path);
		if (!status && !(nothing = eg_reader_memory("", 0, base->path, err))) status = EG_ERR_MEMORY;
		if (!status) status = eg_shelf_take(base, fill, nothing, err);
		eg_reader_close(nothing);
	}
	if (!status && part == EG_PART_TEST && base->count[part] == 0)
		eg_source_remark_on(base, part, "there are no test %s: give 'test', a share of them, or a folder test beside train", s->shelf.many);
	return status;
}

static eg_status open_source(eg_source *base, eg_error *err) {
	own_files *s = (own_files *)base;
	s->shelf.one = "recording", s->shelf.many = "recordings";
	s->shelf.fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->shelf.fields.sound = 0;
	s->shelf.fields.label = 1;
	return eg_shelf_open(base, err);
}

static eg_status open_transcripts(eg_source *base, eg_error *err) {
	own_files *s = (own_files *)base;
	eg_status status = open_source(base, err);
	s->transcripts = true;
	s->shelf.fields.label = -1;
	s->shelf.fields.text = 1;
	return status;
}

static eg_status open_texts(eg_source *base, eg_error *err) {
	own_files *s = (own_files *)base;
	s->texts = true;
	if (!s->patterns) s->patterns = ".txt";
	s->shelf.one = "text", s->shelf.many = "texts";
	s->shelf.fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->shelf.fields.text = 0;
	s->shelf.fields.label = 1;
	eg_status status = eg_patterns_cut(&s->wanted, s->patterns, err);
	return status ? status : eg_shelf_open(base, err);
}

static void close_source(eg_source *base) {
	eg_shelf_close(base);
	eg_files_close(((own_files *)base)->tree);
}

#define KEYS(many) EG_SHELF_TEST_KEY(own_files, many), EG_SHELF_LIMIT_KEY, EG_BROKEN_KEY
static const eg_key class_keys[] = {KEYS("recordings")},
		    transcript_keys[] = {KEYS("recordings"), EG_TEXT_RULE_KEYS(own_files, shelf.rules)},
		    text_keys[] = {KEYS("texts"), EG_TEXT_RULE_KEYS(own_files, shelf.rules),
			    {.name = "files",
				    .type = EG_KEY_STRING,
				    .offset = offsetof(own_files, patterns),
				    .def = NAN,
				    .doc = "which files are texts: '.txt' (the default), or patterns such as '*.eml msg*', with blanks between them"}};
static const eg_field class_fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND}, {.name = "label", .kind = EG_FIELD_LABEL}};
static const eg_field transcript_fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND}, {.name = "text", .kind = EG_FIELD_TEXT}};
static const eg_field text_fields[] = {{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "label", .kind = EG_FIELD_LABEL}};

const eg_source_type eg_source_type_recordings = {
	.info = {.name = "recordings",
		.doc = "your own recordings: sound files in a folder for each class, path/<class>/, or path/train/<class>/ and "
		       "path/test/<class>/; path may be a tar or zip archive",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_FOLDER,
		.fields = class_fields,
		.nfields = EG_COUNT(class_fields)},
	.keys = class_keys,
	.nkeys = EG_COUNT(class_keys),
	.size = sizeof(own_files),
	.open = open_source,
	.prepare = prepare,
	.read = eg_shelf_read,
	.close = close_source,
	.archives = true};

const eg_source_type eg_source_type_transcripts = {
	.info = {.name = "transcripts",
		.doc = "your own recordings, and beside each, NAME.wav, what is said in it, NAME.txt: in path, or in path/train and "
		       "path/test; path may be a tar or zip archive",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_FOLDER,
		.fields = transcript_fields,
		.nfields = EG_COUNT(transcript_fields)},
	.keys = transcript_keys,
	.nkeys = EG_COUNT(transcript_keys),
	.size = sizeof(own_files),
	.open = open_transcripts,
	.prepare = prepare,
	.read = eg_shelf_read,
	.close = close_source,
	.archives = true};

const eg_source_type eg_source_type_texts = {
	.info = {.name = "texts",
		.doc = "your own texts, a file each, in a folder for each class, path/<class>/NAME.txt, or path/train/<class>/ and "
		       "path/test/<class>/; path may be a tar or zip archive",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_FOLDER,
		.fields = text_fields,
		.nfields = EG_COUNT(text_fields)},
	.keys = text_keys,
	.nkeys = EG_COUNT(text_keys),
	.size = sizeof(own_files),
	.open = open_texts,
	.prepare = prepare,
	.read = eg_shelf_read,
	.close = close_source,
	.archives = true};

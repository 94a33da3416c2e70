/* source_recordings.c - the user's own recordings, as sound files in a folder:
 *
 *   recordings    DIR/<class>/NAME.wav                  which class it is
 *   transcripts   DIR/NAME.wav, and beside it NAME.txt  what is said in it: its lines, with a blank between them
 *
 * In DIR there may also be train/, val/ and test/ that hold these; else the key `test` says which share is the test
 * part. DIR may be an archive. Files are sorted by their names, read once to see that they can be, and again when a
 * record is wanted.
 *
 * Not here: lists that name sound files (source_table.c, source_jsonl.c), the parts (shelf.c), formats
 * (sound_file.c). */
#include "data/sound.h"
#include "data/table.h"

#include <math.h>
#include <string.h>

typedef struct recordings_source {
	eg_shelf_source shelf;
	bool transcripts;
	eg_files *tree; /* NULL: not opened yet */
} recordings_source;

/* One folder of sound files, while it is listed. */
typedef struct listing {
	recordings_source *s;
	eg_shelf *shelf;
	eg_arena names;
} listing;

static eg_status no_memory(const listing *l, eg_error *err) { return eg_source_no_memory(&l->s->shelf.base, err); }

/* ---- transcripts ------------------------------------------------------------------------------------------------- */

/* All lines of the file that are not empty, with a blank between them. */
static eg_status read_text(listing *l, const char *path, const char **text, size_t *size, eg_error *err) {
	eg_reader *reader = NULL;
	eg_lines *lines = NULL;
	char *line = NULL, *all = NULL;
	size_t n = 0;
	eg_status status = eg_files_reader(l->s->tree, path, 0, &reader, err);
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
	*size = strlen(all);
	*text = eg_pool_text(&l->shelf->pool, all, *size);
	return *text ? EG_OK : no_memory(l, err);
}

static bool is_there(const recordings_source *s, const char *path) {
	eg_reader *reader;
	const bool there = eg_files_reader(s->tree, path, 0, &reader, NULL) == EG_OK;
	if (there) eg_reader_close(reader);
	return there;
}

static eg_status find_text(listing *l, const char *sound, eg_item *x, eg_error *err) {
	const char *dot = strrchr(sound, '.');
	char path[EG_PATH];
	size_t size = 0;
	if (snprintf(path, sizeof path, "%.*s.txt", (int)(dot - sound), sound) >= (int)sizeof path)
		return eg_fail(err, EG_ERR_FORMAT, "the path of '%s' is too long", sound);
	if (!is_there(l->s, path))
		return eg_fail(err, EG_ERR_FORMAT, "'%s' has no transcript: write what is said in it into '%s'", sound, path);
	eg_status status = read_text(l, path, &x->text, &size, err);
	x->text_size = (uint32_t)size;
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* The sound files of one folder; class NULL: they have transcripts. */
static eg_status add_folder(listing *l, const char *folder, const char *class, eg_error *err) {
	eg_source *base = &l->s->shelf.base;
	eg_shelf *f = l->shelf;
	eg_names names = {0};
	const size_t top = strlen(eg_files_top(l->s->tree));
	eg_status status = eg_list(&l->names, l->s->tree, folder, EG_LIST_SOUNDS, &names, err);
	for (int i = 0; i < names.n && !status; i++) {
		eg_item x = {.line = f->n + 1, .class_name = class};
		eg_error why;
		x.sound = eg_arena_printf(&f->pool.arena, "%s/%s", folder, names.at[i]);
		if (!x.sound || !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at)) {
			status = no_memory(l, err);
			break;
		}
		x.id = x.sound + top + (x.sound[top] == '/');
		const eg_status wrong = class ? EG_OK : find_text(l, x.sound, &x, &why);
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

/* A folder for each class. */
static eg_status add_classes(listing *l, const char *folder, eg_error *err) {
	eg_names names = {0};
	char inner[EG_PATH];
	eg_status status = eg_list(&l->names, l->s->tree, folder, EG_LIST_FOLDERS, &names, err);
	if (!status && names.n == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "there are no folders in '%s'; the recordings of each class lie in a folder of their own, "
			"'%s/<class>'", folder, folder);
	for (int i = 0; i < names.n && !status; i++) {
		const int before = l->shelf->n;
		const int64_t broken = eg_broken_count(&l->s->shelf.base);
		const char *class = eg_pool_text(&l->shelf->pool, names.at[i], strlen(names.at[i]));
		if (!class) status = no_memory(l, err);
		if (!status) status = eg_class_name_check(names.at[i], err);
		if (!status) status = eg_join(inner, folder, names.at[i], "", err);
		if (!status) status = add_folder(l, inner, class, err);
		if (!status && l->shelf->n == before && eg_broken_count(&l->s->shelf.base) == broken)
			status = eg_fail(err, EG_ERR_FORMAT, "there is no recording in the class '%s' (" EG_SOUND_FILES ")", inner);
	}
	eg_release(NULL, names.at);
	return status;
}

/* Where DIR has a folder `train`, its folders are parts. */
static eg_status add_parts(listing *l, eg_error *err) {
	static const eg_part parts[] = {EG_PART_TRAIN, EG_PART_VALIDATION, EG_PART_TEST};
	const recordings_source *s = l->s;
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
	listing l = {.s = (recordings_source *)base, .shelf = f};
	EG_UNUSED(reader);
	eg_status status = add_parts(&l, err);
	if (!status && f->n == 0 && eg_broken_count(base) == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "there is no recording in '%s' (" EG_SOUND_FILES ")%s", base->path,
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
	recordings_source *s = (recordings_source *)base;
	char folder[EG_PATH] = "";
	eg_reader *nothing = NULL;
	eg_status status = EG_OK;
	if (!s->shelf.ready) {
		eg_files_close(s->tree); /* of an attempt that failed */
		s->tree = NULL;
		status = eg_files_open(base->path, &s->tree, err);
		s->shelf.tree = s->tree;
		if (!status && !eg_files_is_folder(s->tree, eg_files_top(s->tree)))
			status = eg_fail(err, EG_ERR_IO, "'%s' is no folder of recordings", base->path);
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
		eg_source_remark_on(base, part, "there are no test recordings: give 'test', a share of them, or a folder test beside train");
	return status;
}

static eg_status open_source(eg_source *base, eg_error *err) {
	recordings_source *s = (recordings_source *)base;
	s->shelf.one = "recording", s->shelf.many = "recordings";
	s->shelf.fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->shelf.fields.sound = 0;
	s->shelf.fields.label = 1;
	return eg_shelf_open(base, err);
}

static eg_status open_transcripts(eg_source *base, eg_error *err) {
	recordings_source *s = (recordings_source *)base;
	eg_status status = open_source(base, err);
	s->transcripts = true;
	s->shelf.fields.label = -1;
	s->shelf.fields.text = 1;
	return status;
}

static void close_source(eg_source *base) {
	eg_shelf_close(base);
	eg_files_close(((recordings_source *)base)->tree);
}

#define KEYS EG_SHELF_TEST_KEY(recordings_source, "recordings"), EG_SHELF_LIMIT_KEY, EG_BROKEN_KEY
static const eg_key class_keys[] = {KEYS}, transcript_keys[] = {KEYS, EG_TEXT_RULE_KEYS(recordings_source, shelf.rules)};
static const eg_field class_fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND}, {.name = "label", .kind = EG_FIELD_LABEL}};
static const eg_field transcript_fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND}, {.name = "text", .kind = EG_FIELD_TEXT}};

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
	.size = sizeof(recordings_source),
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
	.size = sizeof(recordings_source),
	.open = open_transcripts,
	.prepare = prepare,
	.read = eg_shelf_read,
	.close = close_source,
	.archives = true};

/* source.c - the table of sources, opening one, and reading its records. Each source is described in a file of its own.
 *
 * Not here: where files lie (place.c), the memory of records (record.c), pictures in memory (source_pictures.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EG_SOURCE(name) extern const eg_source_type eg_source_type_##name;
#include "data/sources.def"
#undef EG_SOURCE

static const eg_source_type *const types[] = {
#define EG_SOURCE(name) &eg_source_type_##name,
#include "data/sources.def"
#undef EG_SOURCE
};

/* ---- the table --------------------------------------------------------------------------------------------------- */

int eg_data_count(void) { return EG_COUNT(types); }

const eg_source_type *eg_source_type_at(int i) { return i >= 0 && i < EG_COUNT(types) ? types[i] : NULL; }

const eg_data_info *eg_data_at(int i) { return i >= 0 && i < EG_COUNT(types) ? &types[i]->info : NULL; }

static const eg_source_type *find(const char *name) {
	for (int i = 0; name && i < EG_COUNT(types); i++)
		if (strcmp(types[i]->info.name, name) == 0) return types[i];
	return NULL;
}

const eg_data_info *eg_data_find(const char *name) {
	const eg_source_type *type = find(name);
	return type ? &type->info : NULL;
}

const eg_source_type *eg_source_type_find(const char *name, eg_error *err) {
	const eg_source_type *type = find(name);
	if (type) return type;
	const char *names[EG_COUNT(types)];
	char list[800] = "";
	for (int i = 0; i < EG_COUNT(types); i++) {
		names[i] = types[i]->info.name;
		size_t n = strlen(list);
		snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", names[i]);
	}
	const char *near = name ? eg_did_you_mean(name, names, EG_COUNT(names)) : NULL;
	if (near)
		eg_fail(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", name, near);
	else
		eg_fail(err, EG_ERR_ARG, "no data source '%s'; there are: %s", name ? name : "", list);
	return NULL;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static const eg_key common_keys[] = {
	{.name = "source",
		.type = EG_KEY_STRING,
		.offset = offsetof(eg_source, name),
		.required = true,
		.def = NAN,
		.doc = "name of the data set or reader (engram data list)"},
	{.name = "path",
		.type = EG_KEY_STRING,
		.offset = offsetof(eg_source, path),
		.def = NAN,
		.doc = "folder that holds the files of a set that is known by name (left out: found as `engram data "
		       "list` shows); of a reader of your own files: the file, or the folder. A relative path is "
		       "looked for in the working folder, then beside the recipe, or beside the model that was made of it"},
	{.name = "validation",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(eg_source, validation),
		.min = 0,
		.max = 0.999,
		.def = 0,
		.doc = "share of the training samples that is kept aside to judge each epoch"},
};

void eg_source_type_key_sets(const eg_source_type *type, eg_key_set sets[EG_SOURCE_KEY_SETS]) {
	sets[0] = (eg_key_set){common_keys, EG_COUNT(common_keys), NULL};
	sets[1] = (eg_key_set){type->keys, type->nkeys, NULL};
}

void eg_source_key_sets(eg_source *s, eg_key_set sets[EG_SOURCE_KEY_SETS]) {
	eg_source_type_key_sets(s->type, sets);
	for (int i = 0; i < EG_SOURCE_KEY_SETS; i++) sets[i].out = s;
}

/* What a key has when it is not given, where the table says it and it is not zero. */
static void set_default(const eg_key *key, void *out) {
	char *field = (char *)out + key->offset;
	if (isnan(key->def)) return;
	switch (key->type) {
	case EG_KEY_INT:
	case EG_KEY_ENUM: *(int *)(void *)field = (int)key->def; break;
	case EG_KEY_INT64: *(int64_t *)(void *)field = (int64_t)key->def; break;
	case EG_KEY_DOUBLE: *(double *)(void *)field = key->def; break;
	case EG_KEY_BOOL: *(bool *)field = key->def != 0; break;
	default: break;
	}
}

eg_status eg_source_new(const eg_source_type *type, eg_source **source, eg_error *err) {
	eg_key_set sets[EG_SOURCE_KEY_SETS];
	eg_source *s = *source = eg_calloc(NULL, 1, type->size);
	if (!s) return eg_fail(err, EG_ERR_MEMORY, "data source '%s': out of memory", type->info.name);
	s->type = type;
	s->nfields = type->info.nfields;
	for (int i = 0; i < s->nfields; i++) eg_source_forget_names(s, i);
	eg_source_key_sets(s, sets);
	for (int i = 0; i < EG_SOURCE_KEY_SETS; i++)
		for (int k = 0; k < sets[i].n; k++) set_default(&sets[i].keys[k], s);
	return EG_OK;
}

eg_status eg_source_choose(eg_source *s, const eg_tree *section, eg_error *err) {
	const eg_source_type *type = s->type;
	eg_status status = EG_OK;
	for (int k = 0; k < type->nkeys && type->choose && !status; k++) {
		const eg_tree *value = eg_tree_get(section, type->keys[k].name);
		bool names = type->keys[k].type == EG_KEY_STRING || type->keys[k].type == EG_KEY_STRINGS;
		if (value && names) status = eg_key_read(&s->arena, &type->keys[k], value, s, "'data'", err);
	}
	return status || !type->choose ? status : type->choose(s, err);
}

eg_status eg_source_opened(eg_source *s, eg_error *err) {
	static const char *const wanted[] = {NULL, NULL, NULL, "the file", "the folder"}; /* by eg_data_path */
	const eg_data_info *info = &s->type->info;
	if (s->path && (info->path == EG_DATA_PATH_COMPUTED || info->path == EG_DATA_PATH_SETTINGS))
		return eg_fail(err, EG_ERR_ARG, "data source '%s' takes no 'path'", info->name);
	if (!s->path && wanted[info->path])
		return eg_fail(err, EG_ERR_ARG, "data source '%s' needs 'path', %s to read (%s)", info->name,
		        wanted[info->path], info->doc);
	if (s->path && !(s->path = eg_source_path(s, s->path, err))) return EG_ERR_MEMORY;
	eg_status status = s->type->choose ? s->type->choose(s, err) : EG_OK;
	return !status && s->type->open ? s->type->open(s, err) : status;
}

/* Settings, and behind them the source's own name. */
static eg_status read_settings(eg_source *s, const char *const *settings, eg_error *err) {
	eg_key_set sets[EG_SOURCE_KEY_SETS];
	char where[100];
	int n = 0;
	while (settings && settings[n]) n++;
	const char **all = eg_arena_alloc(&s->arena, ((size_t)n + 2) * sizeof *all);
	if (all) all[n] = eg_arena_printf(&s->arena, "source=%s", s->type->info.name);
	if (!all || !all[n]) return eg_source_no_memory(s, err);
	for (int i = 0; i < n; i++) all[i] = settings[i];
	eg_source_key_sets(s, sets);
	snprintf(where, sizeof where, "data source '%.60s'", s->type->info.name);
	return eg_settings_read(&s->arena, all, sets, EG_SOURCE_KEY_SETS, where, err);
}

eg_status eg_source_open(const char *name, const char *const *settings, eg_source **source, eg_error *err) {
	eg_source *s;
	*source = NULL;
	const eg_source_type *type = eg_source_type_find(name, err);
	if (!type) return EG_ERR_ARG;
	eg_status status = eg_source_new(type, &s, err);
	if (!status) status = read_settings(s, settings, err);
	if (!status) status = eg_source_opened(s, err);
	if (status)
		eg_source_close(s);
	else
		*source = s;
	return status;
}

void eg_source_close(eg_source *s) {
	if (!s) return;
	if (s->type->close) s->type->close(s);
	eg_broken_free(s);
	eg_arena_free(&s->arena);
	eg_release(NULL, s);
}

const eg_data_info *eg_source_info(const eg_source *s) { return &s->type->info; }

void eg_source_seed(eg_source *s, uint64_t seed) { s->seed = seed; }

void eg_source_want_picture(eg_source *s, int C, int H, int W) { s->want[0] = C, s->want[1] = H, s->want[2] = W; }

eg_status eg_source_there(const eg_source *s, eg_error *err) {
	struct stat st;
	eg_data_path what = s->type->info.path;
	bool folder = what == EG_DATA_PATH_FOLDER;
	if (!s->path || (!folder && what != EG_DATA_PATH_FILE)) return EG_OK;
	if (stat(s->path, &st) != 0)
		return eg_fail(err, EG_ERR_IO, "there is no %s '%s': %s", folder ? "folder" : "file", s->path, strerror(errno));
	if (folder == (bool)S_ISDIR(st.st_mode) || (S_ISDIR(st.st_mode) && s->type->folders)) return EG_OK;
	if (S_ISREG(st.st_mode) && s->type->archives && eg_files_like_archive(s->path)) return EG_OK;
	return eg_fail(err, EG_ERR_IO, "'%s' is %s; source '%s' reads a %s%s", s->path,
	        !folder ? "a folder" : s->type->archives ? "no folder and no archive" : "no folder", s->type->info.name,
	        folder ? "folder" : "file", s->type->archives ? ", or an archive of one" : "");
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

int eg_source_fields(const eg_source *s) { return s->nfields; }

const eg_field *eg_source_field(const eg_source *s, int i) { return i >= 0 && i < s->nfields ? &s->fields[i] : NULL; }

int eg_source_find_field(const eg_source *s, const char *name) {
	for (int i = 0; i < s->nfields; i++)
		if (strcmp(s->fields[i].name, name) == 0) return i;
	return -1;
}

int eg_source_find_kind(const eg_source *s, eg_field_kind kind) {
	for (int i = 0; i < s->nfields; i++)
		if (s->fields[i].kind == kind) return i;
	return -1;
}

const char *eg_source_name(const eg_source *s, int field, int label) {
	const eg_field *f = eg_source_field(s, field);
	return f && f->names && label >= 0 && label < f->nnames ? f->names[label] : NULL;
}

static bool has_classes(const eg_field *f) {
	return f->kind == EG_FIELD_LABEL || f->kind == EG_FIELD_MASK || f->kind == EG_FIELD_BOXES ||
	       f->kind == EG_FIELD_TAGS;
}

eg_status eg_source_learn_names(eg_source *s, eg_error *err) {
	bool known = true;
	for (int i = 0; i < s->nfields; i++)
		if (has_classes(&s->fields[i]) && !s->fields[i].names) known = false;
	if (known) return EG_OK;
	return s->type->learn_names ? s->type->learn_names(s, err) : eg_source_prepare(s, EG_PART_TRAIN, err);
}

void eg_source_forget_names(eg_source *s, int field) {
	const eg_data_info *info = &s->type->info;
	eg_field *f = &s->fields[field];
	int from = field;
	for (int i = 0; f->name && i < info->nfields; i++) /* a recipe may have chosen some of them */
		if (strcmp(info->fields[i].name, f->name) == 0) from = i;
	*f = info->fields[from];
	if (!f->names) f->nnames = 0; /* the table may tell how many there are */
}

/* Names go into tables, lists and models' files: a line end or an escape sequence in one would break, or fake, what is
 * shown. */
eg_status eg_class_name_check(const char *name, eg_error *err) {
	for (const char *c = name; *c;) {
		int length = eg_utf8_length(c, strlen(c));
		if (length == 0)
			return eg_fail(err, EG_ERR_FORMAT, "the name of a class, '%.200s', is not UTF-8; rename it", name);
		uint32_t code = eg_utf8_decode(c, NULL);
		if (code < 0x20 || (code >= 0x7F && code < 0xA0))
			return eg_fail(err, EG_ERR_FORMAT,
			        "the name of a class, '%.*s...', has the control character U+%04X behind that; rename it",
			        (int)(c - name < 200 ? c - name : 200), name, (unsigned)code);
		c += length;
	}
	return EG_OK;
}

eg_status eg_source_set_names(eg_source *s, int field, const char *const *names, int n, eg_error *err) {
	eg_field *f = &s->fields[field];
	if (f->nnames >= n) return EG_OK;
	for (int i = f->nnames; i < n; i++) {
		eg_status status = eg_class_name_check(names[i], err);
		if (status) return status;
	}
	const char **copy = eg_arena_alloc(&s->arena, (size_t)n * sizeof *copy);
	if (!copy) return eg_source_no_memory(s, err);
	for (int i = 0; i < n; i++) {
		copy[i] = i < f->nnames ? f->names[i] : eg_arena_strdup(&s->arena, names[i]);
		if (!copy[i]) return eg_source_no_memory(s, err);
	}
	f->names = copy, f->nnames = n;
	return EG_OK;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

eg_status eg_source_prepare(eg_source *s, eg_part part, eg_error *err) {
	if ((unsigned)part >= EG_PARTS) return eg_fail(err, EG_ERR_ARG, "data: there is no part %d", (int)part);
	if (s->prepared[part]) return EG_OK;
	eg_status status = s->type->prepare(s, part, err);
	if (!status)
		s->prepared[part] = true;
	else
		s->count[part] = 0;
	return status;
}

int64_t eg_source_count(const eg_source *s, eg_part part) {
	return (unsigned)part < EG_PARTS && s->prepared[part] ? s->count[part] : 0;
}

const char *eg_source_remark(const eg_source *s, eg_part part) {
	return (unsigned)part < EG_PARTS && s->prepared[part] ? s->remarks[part] : NULL;
}

void eg_source_remark_on(eg_source *s, eg_part part, const char *fmt, ...) {
	char text[1000];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	s->remarks[part] = eg_arena_strdup(&s->arena, text); /* without memory there is none */
}

void eg_source_remark_more(eg_source *s, eg_part part, const char *fmt, ...) {
	char text[1000];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (!s->remarks[part])
		s->remarks[part] = eg_arena_strdup(&s->arena, text);
	else
		s->remarks[part] = eg_arena_printf(&s->arena, "%s; %s", s->remarks[part], text);
}

eg_status eg_source_read(const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	int64_t count = eg_source_count(s, part);
	eg_record_reset(r);
	r->id = r->group = r->place = NULL;
	for (int k = 0; k < EG_MAX_FIELDS; k++) r->fields[k] = (eg_datum){0};
	if (i < 0 || i >= count)
		return eg_fail(err, EG_ERR_ARG,
		        "data source '%s': record %lld was asked for, but its part '%s' has %lld%s", s->type->info.name,
		        (long long)i, (unsigned)part < EG_PARTS ? eg_part_name(part) : "?", (long long)count,
		        (unsigned)part < EG_PARTS && s->prepared[part] ? "" : ": it has not been prepared");
	eg_status status = eg_record_number(r, i, err);
	return status ? status : s->type->read(s, part, i, wanted, r, err);
}

/* ---- for the files of sources ------------------------------------------------------------------------------------ */

eg_status eg_source_no_memory(const eg_source *s, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "data source '%s': out of memory", s->type->info.name);
}

void eg_source_advise(const eg_data_info *info, eg_status status, eg_error *err) {
	if (status == EG_ERR_FORMAT && err && info->urls)
		eg_fail(err, status, "%s; `engram data get %s` checks the files", err->message, info->name);
}

const char *eg_source_path(eg_source *s, const char *path, eg_error *err) {
	char other[EG_PATH], home[EG_PATH];
	const char *choice = path = eg_path_home(path, home, sizeof home);
	if (path[0] != '/' && s->beside && access(path, F_OK) != 0 &&
	        eg_join(other, s->beside, path, "", NULL) == EG_OK && access(other, F_OK) == 0)
		choice = other;
	const char *copy = eg_arena_strdup(&s->arena, choice);
	if (!copy) eg_source_no_memory(s, err);
	return copy;
}

eg_status eg_source_type_place(
	const eg_source_type *type, const char *folder, const char *beside, eg_data_place *place, eg_error *err) {
	const eg_data_info *info = &type->info;
	char lacking[EG_LACKING];
	if (!eg_data_is_set(info)) return EG_OK;
	if (!folder) return eg_data_locate_set(info, beside, place, err);
	if (strlen(folder) >= sizeof place->folder)
		return eg_fail(err, EG_ERR_ARG, "the folder's name is longer than %zu bytes: '%s'",
		        sizeof place->folder - 1, folder);
	place->origin = EG_DATA_GIVEN;
	memcpy(place->folder, folder, strlen(folder) + 1);
	eg_data_pieces(info, folder, lacking);
	if (!lacking[0]) return EG_OK;
	return eg_fail(err, EG_ERR_IO, "%s: there is no %s in folder '%s'", info->name, lacking, folder);
}

eg_status eg_source_place(eg_source *s, eg_data_place *place, eg_error *err) {
	*place = (eg_data_place){0};
	return eg_source_type_place(s->type, s->path, s->beside, place, err);
}

eg_status eg_source_file(eg_source *s, char *path, eg_error *err) {
	const eg_data_info *info = &s->type->info;
	eg_data_place place;
	if (info->nfiles == 0) {
		if (strlen(s->path) >= EG_PATH)
			return eg_fail(
			        err, EG_ERR_ARG, "the file's name is longer than %d bytes: '%s'", EG_PATH - 1, s->path);
		memcpy(path, s->path, strlen(s->path) + 1);
		return EG_OK;
	}
	eg_status status = eg_source_place(s, &place, err);
	if (!status && !eg_data_file_find(place.folder, info->files[0].name, path))
		status = eg_fail(err, EG_ERR_IO, "%s: there is no %s in folder '%s'", info->name, info->files[0].name,
		        place.folder);
	return status;
}

eg_status eg_source_tree(eg_source *s, eg_files **tree, char folder[], eg_error *err) {
	const eg_data_info *info = &s->type->info;
	const bool set = eg_data_is_set(info);
	eg_data_place place;
	char path[EG_PATH];
	*tree = NULL;
	eg_status status = set ? eg_source_place(s, &place, err) : EG_OK;
	if (status) return status;
	const bool archive = set && eg_data_archive_find(info, place.folder, path);
	status = eg_files_open(archive ? path : set ? place.folder : s->path, tree, err);
	return status ? status : eg_files_inside(*tree, info, folder, err);
}

eg_status eg_source_reader(eg_source *s, int i, eg_reader **reader, eg_error *err) {
	enum { FILE_MOST = 1 << 30 };
	const eg_data_info *info = &s->type->info;
	char path[EG_PATH], folder[EG_PATH];
	eg_files *tree = NULL;
	*reader = NULL;
	if (!info->archive) {
		eg_status status = eg_source_file(s, path, err);
		return status ? status : eg_reader_file(path, reader, err);
	}
	const eg_data_file *file = &info->files[i];
	eg_status status = eg_source_tree(s, &tree, folder, err);
	const bool archive = !status && eg_files_is_archive(tree);
	if (archive) status = eg_join(path, folder, file->published ? file->published : file->name, "", err);
	if (!status && !archive && !eg_data_file_find(folder, file->name, path))
		status = eg_fail(err, EG_ERR_IO, "%s: there is no %s in folder '%s'", info->name, file->name, folder);
	if (!status) status = eg_files_reader(tree, path, FILE_MOST, reader, err);
	eg_files_close(tree);
	return status;
}

/* ---- pictures in memory ------------------------------------------------------------------------------------------ */

/* The names of all sources that eg_data_load reads. */
static void list_loaders(char *list, size_t size) {
	list[0] = '\0';
	for (int i = 0; i < EG_COUNT(types); i++) {
		size_t n = strlen(list);
		if (types[i]->load) snprintf(list + n, size - n, "%s%s", n ? ", " : "", types[i]->info.name);
	}
}

eg_status eg_data_load(
	const char *source, const char *split, const eg_data_options *options, eg_pictures **out, eg_error *err) {
	static const eg_data_options none;
	const eg_data_options *o = options ? options : &none;
	char list[400];
	*out = NULL;
	const eg_source_type *type = eg_source_type_find(source, err);
	if (!type) return EG_ERR_ARG;
	list_loaders(list, sizeof list);
	if (!type->load)
		return eg_fail(err, EG_ERR_ARG, "data source '%s' is no set of pictures in memory; there is: %s",
		        source, list);
	bool test = split && strcmp(split, "test") == 0;
	if (!test && (!split || strcmp(split, "train") != 0))
		return eg_fail(
		        err, EG_ERR_ARG, "%s has the splits 'train' and 'test', not '%s'", source, split ? split : "");
	eg_data_place place = {0};
	eg_status status = eg_source_type_place(type, o->folder, NULL, &place, err);
	if (!status) status = type->load(type, place.folder, test, o, out, err);
	eg_source_advise(&type->info, status, err);
	return status;
}

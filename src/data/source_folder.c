/* source_folder.c - the user's own pictures, as files in a folder for each class:
 *
 *   DIR/train/<class>/NAME.png    DIR/val/<class>/NAME.png    DIR/test/<class>/NAME.png
 *
 * or, with training pictures only, DIR/<class>/NAME.png. DIR may be an archive that holds these. What is passed over is
 * counted, and told once.
 *
 * What is read does not depend on the order in which the system lists files: names are sorted by their bytes.
 * Pictures come in turn, the first of each class, then the second of each, so that the first n of them are of all
 * classes.
 *
 * Not here: folders and archives (files.c), which folder is which part (listing.c), decoding, and what is kept
 * (picture_files.c).
 * Folders inside of a class's folder are not entered. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { CLASSES_MOST = 65536 };

/* The pictures of one class. */
typedef struct shelf {
	const char *folder;
	int label;
	eg_names files;
} shelf;

typedef struct scan {
	eg_arena *arena; /* names of folders and the like */
	eg_pool *texts;  /* paths of pictures */
	eg_arena names;  /* their names, while the list is made */
	const eg_data_options *o;
	const eg_files *files;
	eg_part part;
	const char *top;       /* DIR as given */
	const eg_field *label; /* of a source: the classes it knows; NULL: those of training are taken (eg_data_load) */
	bool fixed;            /* of a source: there are no others */
	eg_names folders;      /* of the split, sorted */
	shelf *shelves;        /* one for each of `folders` */
	const char **classes;  /* names of all */
	int nclasses;
	int64_t count;
	eg_passed passed;
} scan;

static eg_status no_memory(const char *folder, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot list the pictures in '%s': out of memory", folder);
}

/* ---- which pictures there are ------------------------------------------------------------------------------------ */

/* DIR/train, DIR/val and DIR/test, or DIR itself for training. */
static eg_status choose_folder(const eg_files *files, eg_part part, char folder[EG_PATH], eg_error *err) {
	const char *top = eg_files_top(files);
	char other[EG_PATH];
	if (!eg_files_is_folder(files, top)) {
		struct stat st;
		const char *why = stat(top, &st) != 0 ? strerror(errno) : "it is no folder";
		return eg_fail(err, EG_ERR_IO, "cannot list the folder of pictures '%s': %s; the pictures of each class belong into '%s/train/<class>'",
		        top, why, top);
	}
	eg_status status = eg_part_folder(files, part, "", folder, err);
	if (!status && !folder[0]) status = eg_part_folder(files, EG_PART_TEST, "", other, err);
	if (status || folder[0]) return status;
	if (part != EG_PART_TRAIN)
		return eg_fail(err, EG_ERR_IO,
		        "there are no %s pictures: '%s' has no folder '%s' (the pictures of each class lie in "
		        "'%s/%s/<class>')",
		        eg_part_name(part), top, eg_part_name(part), top, eg_part_name(part));
	if (other[0])
		return eg_fail(err, EG_ERR_IO,
		        "'%s' has a folder 'test', but none that is called 'train' with the pictures to train on", top);
	memcpy(folder, top, strlen(top) + 1);
	return EG_OK;
}

static eg_status list_folders(scan *s, const char *folder, eg_names *out, eg_error *err) {
	eg_status status = eg_list(s->arena, s->files, folder, EG_LIST_FOLDERS, out, err);
	eg_passed_add(&s->passed, &out->passed);
	if (status) return status;
	if (out->n == 0)
		return eg_fail(err, EG_ERR_FORMAT,
		        "there are no folders in '%s'; the pictures of each class lie in a folder of their own, "
		        "'%s/<class>'",
		        folder, folder);
	if (out->n > CLASSES_MOST)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' holds %d folders; there can be %d classes at most", folder,
		        out->n, CLASSES_MOST);
	for (int i = 0; i < out->n && !status; i++) status = eg_class_name_check(out->at[i], err);
	if (status) eg_fail_prefix(err, "'%s'", folder);
	return status;
}

/* Classes that the caller gives may be in any order, and folders are sorted: looked for from where the last one was. */
static int label_of(const scan *s, const char *name, int after) {
	for (int i = 0; i < s->nclasses; i++) {
		int k = (after + i) % s->nclasses;
		if (strcmp(s->classes[k], name) == 0) return k;
	}
	return -1;
}

static eg_status put_classes(scan *s, const char *const *from, int n, int room, eg_error *err) {
	s->classes = eg_arena_alloc(s->arena, (size_t)(room > 0 ? room : 1) * sizeof *s->classes);
	if (!s->classes) return no_memory(s->top, err);
	for (int i = 0; i < n; i++) s->classes[i] = from[i];
	s->nclasses = n;
	return EG_OK;
}

/* Those that the source knows, then those that are only here. */
static eg_status find_source_classes(scan *s, eg_error *err) {
	int known = s->label->nnames;
	eg_status status = put_classes(s, s->label->names, known, known + s->folders.n, err);
	for (int i = 0, after = 0; i < s->folders.n && !s->fixed && !status; i++) {
		int k = label_of(s, s->folders.at[i], after);
		if (k < 0) s->classes[s->nclasses++] = s->folders.at[i];
		after = k + 1;
	}
	return status;
}

/* As the caller says, or the folders of the training pictures; those are s->folders unless this is the test split. */
static eg_status find_classes(scan *s, eg_error *err) {
	const eg_data_options *o = s->o;
	eg_names train = {0};
	char folder[EG_PATH];
	if (s->label) return find_source_classes(s, err);
	if (o->class_names) return put_classes(s, o->class_names, o->classes, o->classes, err);
	if (s->part == EG_PART_TRAIN) return put_classes(s, (const char *const *)s->folders.at, s->folders.n, s->folders.n, err);
	eg_status status = choose_folder(s->files, EG_PART_TRAIN, folder, err);
	if (!status) status = list_folders(s, folder, &train, err);
	if (!status) status = put_classes(s, (const char *const *)train.at, train.n, train.n, err);
	eg_release(o->allocator, train.at);
	return status;
}

static eg_status fill_shelf(scan *s, shelf *f, const char *parent, const char *name, int after, eg_error *err) {
	char passed[500];
	f->label = label_of(s, name, after);
	if (f->label < 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s/%s' is a class that is not among the %d of training ('%s'%s)",
		        parent, name, s->nclasses, s->nclasses ? s->classes[0] : "", s->nclasses > 1 ? ", ..." : "");
	f->folder = eg_arena_printf(s->arena, "%s/%s", parent, name);
	if (!f->folder) return no_memory(parent, err);
	eg_status status = eg_list(&s->names, s->files, f->folder, EG_LIST_PICTURES, &f->files, err);
	s->count += f->files.n;
	eg_passed_add(&s->passed, &f->files.passed);
	if (status || f->files.n > 0 || s->part != EG_PART_TRAIN) return status;
	eg_passed_text(&f->files.passed, passed, sizeof passed);
	if (f->files.others == 0 && !passed[0])
		return eg_fail(err, EG_ERR_FORMAT, "there is no picture in the class '%s' (" EG_PICTURE_FILES "): put some into it, or remove the folder",
		        f->folder);
	return eg_fail(err, EG_ERR_FORMAT,
	        "there is no picture in the class '%s' (" EG_PICTURE_FILES "); it holds %d other file%s%s%s%s", f->folder,
	        f->files.others, f->files.others == 1 ? "" : "s", passed[0] ? ": " : "", passed,
	        f->files.others > 0 && !passed[0] ? "; 'source: texts' reads texts, 'recordings' sounds" : "");
}

static eg_status look(scan *s, eg_error *err) {
	char folder[EG_PATH];
	eg_status status = choose_folder(s->files, s->part, folder, err);
	if (!status) status = list_folders(s, folder, &s->folders, err);
	if (!status) status = find_classes(s, err);
	if (status) return status;
	s->shelves = eg_arena_alloc(s->arena, (size_t)s->folders.n * sizeof *s->shelves);
	if (!s->shelves) return no_memory(folder, err);
	for (int i = 0, after = 0; i < s->folders.n && !status; i++) {
		status = fill_shelf(s, &s->shelves[i], folder, s->folders.at[i], after, err);
		after = s->shelves[i].label + 1;
	}
	if (!status && s->count == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "there are no pictures in the folders of '%s'", folder);
	return status;
}

/* ---- reading them ------------------------------------------------------------------------------------------------ */

/* All of them in turn, the first of each class, then the second of each. */
static eg_status list_in_turn(scan *s, eg_picture_files *list, eg_error *err) {
	eg_picture_file *at = eg_arena_alloc(s->arena, (size_t)s->count * sizeof *at);
	char path[2 * EG_PATH];
	int turns = 0;
	if (!at) return no_memory(s->top, err);
	*list = (eg_picture_files){
	        .tree = s->files, .at = at, .most = s->o->limit, .classes = s->classes, .nclasses = s->nclasses};
	for (int i = 0; i < s->folders.n; i++)
		if (s->shelves[i].files.n > turns) turns = s->shelves[i].files.n;
	for (int turn = 0; turn < turns; turn++)
		for (int i = 0; i < s->folders.n; i++) {
			const shelf *f = &s->shelves[i];
			if (turn >= f->files.n) continue;
			snprintf(path, sizeof path, "%s/%s", f->folder, f->files.at[turn]);
			const char *copy = eg_pool_text(s->texts, path, strlen(path));
			if (!copy) return no_memory(s->top, err);
			at[list->n++] = (eg_picture_file){.path = copy, .label = f->label};
		}
	return EG_OK;
}

static eg_status check_options(const eg_data_options *o, eg_error *err) {
	if (!o->folder || !o->folder[0])
		return eg_fail(err, EG_ERR_ARG,
		        "data source 'folder' needs the folder that holds train/<class>/ and test/<class>/; path is "
		        "not given");
	if ((o->C || o->H || o->W) && ((o->C != 1 && o->C != 3) || o->H < 1 || o->W < 1))
		return eg_fail(err, EG_ERR_SHAPE,
		        "pictures cannot be brought to %d x %d x %d (channels, height, width): 1 channel (grey) or 3 "
		        "(colour) are possible",
		        o->C, o->H, o->W);
	if (o->class_names && (o->classes < 1 || o->classes > CLASSES_MOST))
		return eg_fail(err, EG_ERR_ARG, "classes is %d; with names of classes it is 1 to %d", o->classes,
		        CLASSES_MOST);
	return EG_OK;
}

static eg_status list_set(scan *s, eg_picture_files *list, eg_error *err) {
	eg_status status = look(s, err);
	if (!status) status = list_in_turn(s, list, err);
	for (int i = 0; s->shelves && i < s->folders.n; i++) eg_release(s->o->allocator, s->shelves[i].files.at);
	eg_release(s->o->allocator, s->folders.at);
	eg_arena_free(&s->names);
	return status;
}

static eg_status load(const eg_source_type *type, const char *folder, bool test, const eg_data_options *o,
	eg_pictures **out, eg_error *err) {
	EG_UNUSED(type), EG_UNUSED(folder);
	eg_arena arena = {.allocator = o->allocator};
	eg_pool texts = {.arena = {.allocator = o->allocator}};
	eg_files *files = NULL;
	eg_picture_files list;
	eg_status status = check_options(o, err);
	if (!status) status = eg_files_open(o->folder, &files, err);
	scan s = {.arena = &arena,
	        .texts = &texts,
	        .names = {.allocator = o->allocator},
	        .o = o,
	        .files = files,
	        .top = o->folder,
	        .part = test ? EG_PART_TEST : EG_PART_TRAIN};
	if (!status) status = list_set(&s, &list, err);
	if (!status) status = eg_picture_files_load(&list, o, out, err);
	eg_files_close(files);
	eg_pool_free(&texts);
	eg_arena_free(&arena);
	return status;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

enum { LABEL = 1 };

static const eg_key keys[] = {
	EG_LIMIT_KEY("train on so many pictures only, the first of each class in turn; left out: on all"),
	EG_BROKEN_KEY,
	EG_MEMORY_KEY,
};

static int by_letters(const void *a, const void *b) {
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	const int order = strcasecmp(x, y);
	return order ? order : strcmp(x, y);
}

/* Classes whose names differ in case only: often one class, written in two ways. */
static void remark_case(eg_source *base, eg_part part) {
	const eg_field *f = &base->fields[LABEL];
	const int n = f->nnames;
	const char **names = eg_arena_alloc(&base->arena, ((size_t)n + 1) * sizeof *names);
	for (int i = 0; i < n && names; i++) names[i] = f->names[i];
	if (names) qsort(names, (size_t)n, sizeof *names, by_letters);
	for (int i = 1; i < n && names; i++)
		if (!strcasecmp(names[i - 1], names[i]))
			eg_source_remark_more(base, part, "in '%s' the classes '%s' and '%s' differ in case only; if they are one, put them into one "
				"folder", base->path, names[i - 1], names[i]);
}

/* What was passed over, once. */
static eg_status remark(eg_file_source *s, const scan *found, eg_error *err) {
	eg_source *base = &s->pictures.base;
	char text[600], train[EG_PATH];
	int n = 0;
	if (*eg_passed_text(&found->passed, text, sizeof text)) eg_source_remark_more(base, found->part, "%s", text);
	if (found->part == EG_PART_VALIDATION && base->validation > 0)
		eg_source_remark_more(base, found->part, "'%s' has validation pictures, so 'validation: %g' is not used", base->path,
		        base->validation);
	if (found->part == EG_PART_TRAIN) remark_case(base, found->part);
	eg_status status = eg_part_folder(s->tree, EG_PART_TRAIN, "", train, err);
	if (status || !train[0] || found->part != EG_PART_TRAIN) return status;
	status = eg_other_folders(&base->arena, s->tree, "", text, sizeof text, &n, err);
	if (n > 0)
		eg_source_remark_more(base, found->part, "in '%s' the folder%s %s %s not read: parts are called train, val and test",
		        base->path, n == 1 ? "" : "s", text, n == 1 ? "is" : "are");
	return status;
}

/* Is there such a part? A folder `val` is one beside `train` only; else it may be a class. */
static eg_status has_part(eg_file_source *s, eg_part part, bool *has, eg_error *err) {
	eg_source *base = &s->pictures.base;
	char folder[EG_PATH], train[EG_PATH];
	*has = true;
	if (part == EG_PART_TRAIN || !eg_files_is_folder(s->tree, eg_files_top(s->tree))) return EG_OK;
	eg_status status = eg_part_folder(s->tree, part, "", folder, err);
	if (!status) status = eg_part_folder(s->tree, EG_PART_TRAIN, "", train, err);
	if (status) return status;
	*has = folder[0] && (train[0] || part == EG_PART_TEST);
	if (!*has && part == EG_PART_TEST)
		eg_source_remark_on(base, part,
		        "there are no test pictures: '%s' has no folder 'test' (the pictures of each class lie in "
		        "'%s/test/<class>')",
		        base->path, base->path);
	return EG_OK;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	eg_file_source *s = (eg_file_source *)base;
	bool has;
	eg_status status = eg_file_source_open(s, base->path, err);
	if (!status) status = has_part(s, part, &has, err);
	return status || !has ? status : eg_folder_prepare(s, part, err);
}

eg_status eg_folder_prepare(eg_file_source *s, eg_part part, eg_error *err) {
	eg_source *base = &s->pictures.base;
	eg_picture_files list;
	eg_data_options o = {.limit = part == EG_PART_TRAIN ? s->pictures.base.limit : 0};
	scan found = {.arena = &base->arena,
	        .texts = &s->texts,
	        .o = &o,
	        .files = s->tree,
	        .part = part,
	        .top = eg_files_top(s->tree),
	        .label = &base->fields[LABEL]};
	found.fixed = part != EG_PART_TRAIN && base->prepared[EG_PART_TRAIN];
	base->remarks[part] = NULL; /* of an attempt that failed */
	eg_status status = list_set(&found, &list, err);
	if (!status) status = eg_file_source_put(s, part, &list, err);
	return status ? status : remark(s, &found, err);
}

/* The folders' names, without any picture. */
static eg_status learn_names(eg_source *base, eg_error *err) {
	eg_file_source *s = (eg_file_source *)base;
	const eg_data_options o = {0};
	char folder[EG_PATH];
	eg_status status = eg_file_source_open(s, base->path, err);
	scan found = {.arena = &base->arena, .o = &o, .files = s->tree, .top = base->path};
	if (!status) status = choose_folder(s->tree, EG_PART_TRAIN, folder, err);
	if (!status) status = list_folders(&found, folder, &found.folders, err);
	if (!status)
		status = eg_source_set_names(base, LABEL, (const char *const *)found.folders.at, found.folders.n, err);
	eg_release(NULL, found.folders.at);
	return status;
}

const eg_source_type eg_source_type_folder = {
	.info = {.name = "folder",
		.doc = "your own pictures: PNG, JPEG, WebP, BMP, PGM or PPM files of any size in a folder for each class, "
		       "path/train/<class>/, path/val/<class>/ and path/test/<class>/; path may be a tar or zip archive",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_FOLDER,
		.fields = eg_picture_fields,
		.nfields = EG_COUNT(eg_picture_fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(eg_file_source),
	.prepare = prepare,
	.learn_names = learn_names,
	.read = eg_file_source_read,
	.close = eg_file_source_close,
	.archives = true,
	.load = load};

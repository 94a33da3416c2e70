/* source_voc.c - pictures with boxes, as Pascal VOC lays them out: the user's own, and blood cells (BCCD).
 *
 *   DIR/JPEGImages/NAME.jpg    DIR/Annotations/NAME.xml
 *   DIR/ImageSets/Main/train.txt, val.txt, test.txt: a NAME in each line
 *
 * Annotations are read when a part is prepared, pictures when a record is wanted. A box without width or height is
 * left out, and one that reaches out of its picture is cut; both are told.
 *
 * Not here: the XML (voc.c). */
#include "data/boxed.h"
#include "data/table.h"
#include "data/voc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BOXES = EG_BOXED_BOXES, CLASSES_MOST = 10000, LIST_MOST = 256 << 20 /* bytes: some millions of lines */ };

typedef struct voc_source {
	eg_source base;
	const char *train_list; /* its name in ImageSets/Main */
	eg_strings class_names;
	eg_files *tree; /* NULL: not opened yet */
	const char *top; /* in it; NULL: not known yet */
	eg_boxed_shelf parts[EG_PARTS];
	const char **met; /* classes of training, while they are met */
	int nmet, met_cap;
} voc_source;

/* ---- which pictures ---------------------------------------------------------------------------------------------- */

static eg_status put_name(voc_source *s, eg_names *out, const char *name, size_t n, eg_error *err) {
	char *copy = eg_arena_alloc(&s->base.arena, n + 1);
	if (!copy || !eg_grow(NULL, &out->at, &out->cap, out->n, sizeof *out->at)) return eg_source_no_memory(&s->base, err);
	memcpy(copy, name, n);
	out->at[out->n++] = copy;
	return EG_OK;
}

/* A list: the first word of each line; what follows it (in lists of one class) is passed over. */
static eg_status read_list(voc_source *s, const char *path, eg_names *out, eg_error *err) {
	eg_reader *reader;
	eg_lines *lines = NULL;
	char *line = NULL;
	size_t size;
	eg_status status = eg_files_reader(s->tree, path, LIST_MOST, &reader, err);
	if (!status) status = eg_lines_new(reader, &(eg_text_rules){0}, &lines, err);
	while (!status) {
		status = eg_lines_next(lines, &line, &size, err);
		if (status || !line) break;
		const char *name = line + strspn(line, " \t");
		size_t n = strcspn(name, " \t");
		if (n == 0) continue;
		if (memchr(name, '/', n) || name[0] == '.')
			status = eg_fail(err, EG_ERR_FORMAT, "%s:%lld: '%.*s' is no name of a picture: it lies in JPEGImages, and has no "
			                                     "ending here",
			        path, (long long)eg_lines_number(lines), (int)(n < 100 ? n : 100), name);
		else
			status = put_name(s, out, name, n, err);
	}
	eg_lines_free(lines);
	eg_reader_close(reader);
	return status;
}

static eg_status find_top(voc_source *s, eg_error *err) {
	char top[EG_PATH];
	if (s->top) return EG_OK;
	eg_files_close(s->tree); /* of an attempt that failed */
	eg_status status = eg_source_tree(&s->base, &s->tree, top, err);
	if (status) return status;
	s->top = eg_arena_strdup(&s->base.arena, top);
	return s->top ? EG_OK : eg_source_no_memory(&s->base, err);
}

/* The list of a part; *there: there is one. */
static bool list_path(const voc_source *s, eg_part part, char path[EG_PATH]) {
	static const char *const names[EG_PARTS] = {"train", "val", "test"};
	bool train = part == EG_PART_TRAIN;
	char name[200];
	/* Who trains on all but the test pictures has no others to judge by. */
	if (part == EG_PART_VALIDATION && strcmp(s->train_list, "train") != 0) return false;
	snprintf(name, sizeof name, "ImageSets/Main/%.150s", train ? s->train_list : names[part]);
	return eg_join(path, s->top, name, ".txt", NULL) == EG_OK && eg_files_is_file(s->tree, path);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Of two pictures one annotation would hold: which? */
static eg_status find_twins(const eg_names *sorted, const char *folder, eg_error *err) {
	for (int i = 1; i < sorted->n; i++)
		if (strcmp(sorted->at[i - 1], sorted->at[i]) == 0)
			return eg_fail(err, EG_ERR_FORMAT, "'%s' has two pictures '%s' that differ in their endings only: one annotation is of one "
			                                   "picture; remove or rename one",
			        folder, sorted->at[i]);
	return EG_OK;
}

/* The files of a folder without their endings; annotations (`but`, sorted: the pictures that there are) that have a
 * picture are there already. */
static eg_status put_folder(voc_source *s, const char *name, eg_listed what, const eg_names *but, eg_names *out, eg_error *err) {
	char folder[EG_PATH];
	eg_names files = {0};
	const size_t before = but ? (size_t)but->n : 0;
	eg_status status = eg_join(folder, s->top, name, "", err);
	if (!status && but && !eg_files_is_folder(s->tree, folder)) return EG_OK;
	if (!status) status = eg_list(&s->base.arena, s->tree, folder, what, &files, err);
	for (int i = 0; i < files.n && !status; i++) {
		const char *dot = strrchr(files.at[i], '.');
		const size_t n = dot ? (size_t)(dot - files.at[i]) : strlen(files.at[i]);
		if (but && (!dot || strcmp(dot, ".xml") != 0)) continue;
		status = put_name(s, out, files.at[i], n, err);
		/* put, to be looked for, and taken away again */
		if (!status && before && bsearch(&out->at[out->n - 1], out->at, before, sizeof *out->at, by_name)) out->n--;
	}
	if (!status && !but && out->n > 1) qsort(out->at, (size_t)out->n, sizeof *out->at, by_name);
	if (!status && !but) status = find_twins(out, folder, err);
	eg_release(s->base.arena.allocator, files.at);
	return status;
}

/* Without lists: all pictures are the training part. Annotations whose picture is missing are among them, so that they
 * are named. */
static eg_status list_all(voc_source *s, eg_names *out, eg_error *err) {
	eg_status status = put_folder(s, "JPEGImages", EG_LIST_PICTURES, NULL, out, err);
	const eg_names pictures = *out;
	return status ? status : put_folder(s, "Annotations", EG_LIST_FILES, &pictures, out, err);
}

static eg_status names_of(voc_source *s, eg_part part, eg_names *out, eg_error *err) {
	char path[EG_PATH], folder[EG_PATH];
	if (list_path(s, part, path)) return read_list(s, path, out, err);
	bool lists = eg_join(folder, s->top, "ImageSets/Main", "", NULL) == EG_OK && eg_files_is_folder(s->tree, folder);
	if (part == EG_PART_TRAIN && lists)
		return eg_fail(err, EG_ERR_IO, "there is no list of the pictures to train on, '%s/%s.txt'; say its name with "
		                               "'train_list' in 'data'",
		        folder, s->train_list);
	if (part == EG_PART_TRAIN) return list_all(s, out, err);
	if (part == EG_PART_TEST)
		eg_source_remark_more(&s->base, part, "there is no list of test pictures, '%s/ImageSets/Main/test.txt'", s->top);
	return EG_OK;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* The place among the classes that are met, sorted, where the name is or would be. */
static int place_of(const voc_source *s, const char *name) {
	int low = 0, high = s->nmet;
	while (low < high) {
		int middle = (low + high) / 2;
		if (strcmp(s->met[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static eg_status meet(voc_source *s, const eg_voc *voc, const char *file, eg_error *err) {
	for (int i = 0; i < voc->n; i++) {
		const char *name = voc->objects[i].name;
		int at = place_of(s, name);
		if (at < s->nmet && strcmp(s->met[at], name) == 0) continue;
		eg_status status = eg_class_name_check(name, err);
		if (!status && s->nmet == CLASSES_MOST)
			status = eg_fail(err, EG_ERR_FORMAT, "there are more than %d classes", CLASSES_MOST);
		if (status) {
			eg_fail_prefix(err, "%s", file);
			return status;
		}
		if (!eg_grow(NULL, &s->met, &s->met_cap, s->nmet, sizeof *s->met)) return eg_source_no_memory(&s->base, err);
		memmove(s->met + at + 1, s->met + at, (size_t)(s->nmet++ - at) * sizeof *s->met);
		s->met[at] = name;
	}
	return EG_OK;
}

static eg_status number_of(const voc_source *s, const char *name, const char *file, int *label, eg_error *err) {
	const eg_field *f = &s->base.fields[BOXES];
	for (int i = 0; i < f->nnames; i++)
		if (strcmp(f->names[i], name) == 0) {
			*label = i;
			return EG_OK;
		}
	const char *near = eg_did_you_mean(name, f->names, f->nnames);
	return eg_fail(err, EG_ERR_FORMAT, "%s: the class '%.80s' is not among %s%s%s%s", file, name,
	        s->class_names.n > 0 ? "'class_names' of the recipe" : "those to train on", near ? "; did you mean '" : "",
	        near ? near : "", near ? "'?" : "");
}

/* ---- annotations ------------------------------------------------------------------------------------------------- */

static eg_status read_annotation(voc_source *s, const char *path, eg_voc *voc, eg_error *err) {
	eg_reader *reader;
	size_t size = 0;
	eg_status status = eg_files_reader(s->tree, path, EG_VOC_BYTES, &reader, err);
	if (status) return status;
	int64_t most = eg_reader_most(reader);
	size_t room = most < EG_VOC_BYTES ? (size_t)most : EG_VOC_BYTES;
	char *data = eg_alloc(NULL, room + 1);
	if (!data)
		status = eg_source_no_memory(&s->base, err);
	else
		status = eg_reader_read(reader, data, room + 1, &size, err);
	if (!status) status = eg_voc_parse(data, size, path, &s->base.arena, voc, err);
	eg_release(NULL, data);
	eg_reader_close(reader);
	return status;
}

static eg_status find_picture(voc_source *s, const char *name, eg_boxed *e, eg_error *err) {
	char folder[EG_PATH];
	eg_arena *arena = &s->base.arena;
	e->id = eg_arena_printf(arena, "JPEGImages/%s", name);
	e->annotation = eg_arena_printf(arena, "%s/Annotations/%s.xml", s->top, name);
	if (!e->id || !e->annotation) return eg_source_no_memory(&s->base, err);
	eg_status status = eg_join(folder, s->top, "JPEGImages", "", err);
	if (!status) status = eg_boxed_find(&s->base, s->tree, folder, name, e, err);
	if (status) return status;
	if (!e->picture)
		return eg_fail(err, EG_ERR_FORMAT,
		        "there is no picture '%s/%s.jpg' (or .jpeg, .png, .webp, .bmp): put it there, or take its name off the list and its "
		        "annotation away",
		        folder, name);
	e->id = e->picture + strlen(s->top) + (s->top[strlen(s->top) - 1] != '/');
	if (eg_files_is_file(s->tree, e->annotation)) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT,
	        "there is no annotation '%s' of the picture '%s': label it (one that shows nothing has an annotation without objects), or take "
	        "it off the list",
	        e->annotation, e->picture);
}

/* Objects become boxes; the classes are known. */
static eg_status box_all(voc_source *s, eg_boxed *e, const eg_voc *voc, eg_boxed_tally *t, eg_error *err) {
	e->H = voc->H, e->W = voc->W;
	e->boxes = eg_arena_alloc(&s->base.arena, (size_t)voc->n * sizeof *e->boxes);
	if (!e->boxes) return eg_source_no_memory(&s->base, err);
	for (int i = 0; i < voc->n; i++) {
		const eg_voc_object *o = &voc->objects[i];
		eg_box box = {.x0 = o->x0, .y0 = o->y0, .x1 = o->x1, .y1 = o->y1, .difficult = o->difficult};
		eg_status status = number_of(s, o->name, e->annotation, &box.label, err);
		if (status) return status;
		eg_boxed_put(e, box, o->empty, o->name, t);
	}
	return EG_OK;
}

/* ---- a part ------------------------------------------------------------------------------------------------------ */

/* Annotations of a part while their classes are not known yet. */
typedef struct draft {
	eg_boxed *entries;
	eg_voc *vocs;
	int n;
} draft;

static eg_status read_one(voc_source *s, const char *name, draft *d, bool learn, eg_error *err) {
	eg_boxed *e = &d->entries[d->n];
	eg_voc *voc = &d->vocs[d->n];
	*e = (eg_boxed){0};
	eg_status status = find_picture(s, name, e, err);
	if (!status) status = read_annotation(s, e->annotation, voc, err);
	if (!status && s->base.skip_broken) {
		eg_picture pic = {0};
		e->H = voc->H, e->W = voc->W;
		status = eg_boxed_load(s->tree, e, &pic, err);
		eg_picture_free(&pic);
	}
	if (!status && learn) status = meet(s, voc, e->annotation, err);
	d->n += !status;
	return status;
}

static eg_status read_drafts(voc_source *s, const eg_names *names, int64_t most, bool learn, draft *d, eg_error *err) {
	eg_status status = EG_OK;
	d->entries = eg_calloc(NULL, (size_t)names->n + 1, sizeof *d->entries);
	d->vocs = eg_calloc(NULL, (size_t)names->n + 1, sizeof *d->vocs);
	if (!d->entries || !d->vocs) return eg_source_no_memory(&s->base, err);
	for (int i = 0; i < names->n && d->n < most && !status; i++) {
		eg_error why;
		eg_status wrong = read_one(s, names->at[i], d, learn, &why);
		if (!wrong) continue;
		eg_release(NULL, d->vocs[d->n].objects);
		d->vocs[d->n] = (eg_voc){0};
		status = eg_broken_add(&s->base, wrong, &why, err);
	}
	return status;
}

static eg_status keep_drafts(voc_source *s, eg_part part, const draft *d, eg_boxed_tally *t, eg_error *err) {
	eg_boxed_shelf *to = &s->parts[part];
	eg_status status = EG_OK;
	to->n = 0;
	to->at = eg_arena_alloc(&s->base.arena, (size_t)d->n * sizeof *to->at);
	if (!to->at) return eg_source_no_memory(&s->base, err);
	for (int i = 0; i < d->n && !status; i++) {
		eg_error why;
		eg_boxed e = d->entries[i];
		e.n = 0;
		eg_status wrong = box_all(s, &e, &d->vocs[i], t, &why);
		if (!wrong)
			to->at[to->n++] = e;
		else
			status = eg_broken_add(&s->base, wrong, &why, err);
	}
	return status;
}

static eg_status list_part(voc_source *s, eg_part part, eg_error *err) {
	eg_names names = {0};
	draft d = {0};
	eg_boxed_tally t = {0};
	bool learn = part == EG_PART_TRAIN && !s->base.fields[BOXES].names;
	int64_t before = eg_broken_count(&s->base), most = part == EG_PART_TRAIN && s->base.limit > 0 ? s->base.limit : INT64_MAX;
	s->base.remarks[part] = NULL; /* of an attempt that failed */
	eg_status status = names_of(s, part, &names, err);
	if (!status && names.n == 0 && part == EG_PART_TRAIN)
		status = eg_fail(err, EG_ERR_FORMAT, "there is no picture to train on in '%s'", s->top);
	if (!status) status = read_drafts(s, &names, most, learn, &d, err);
	if (!status && learn) status = eg_source_set_names(&s->base, BOXES, s->met, s->nmet, err);
	if (!status) status = keep_drafts(s, part, &d, &t, err);
	int64_t broken = eg_broken_count(&s->base) - before;
	if (!status) status = eg_broken_end(&s->base, part, before, s->parts[part].n + broken, err);
	if (!status) eg_files_remark(s->tree, &s->base, part);
	if (!status) eg_boxed_tell(&s->base, part, &t);
	if (status && learn) eg_source_forget_names(&s->base, BOXES);
	for (int i = 0; i < d.n; i++) eg_release(NULL, d.vocs[i].objects);
	eg_release(NULL, d.vocs);
	eg_release(NULL, d.entries);
	eg_release(NULL, names.at);
	eg_release(NULL, s->met);
	s->met = NULL;
	s->nmet = s->met_cap = 0;
	s->base.count[part] = status ? 0 : s->parts[part].n;
	return status;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	voc_source *s = (voc_source *)base;
	eg_status status = find_top(s, err);
	/* The classes are those of training, whatever part comes first. */
	if (!status && part != EG_PART_TRAIN && !base->fields[BOXES].names) status = eg_source_prepare(base, EG_PART_TRAIN, err);
	return status ? status : list_part(s, part, err);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const voc_source *s = (const voc_source *)base;
	return eg_boxed_record(s->tree, &s->parts[part].at[i], wanted, r, err);
}

static void close_source(eg_source *base) { eg_files_close(((voc_source *)base)->tree); }

/* ---- the sources ------------------------------------------------------------------------------------------------- */

static eg_status open_voc(eg_source *base, eg_error *err) {
	voc_source *s = (voc_source *)base;
	if (!s->train_list) s->train_list = "train";
	if (strchr(s->train_list, '/') || s->train_list[0] == '.')
		return eg_fail(err, EG_ERR_ARG, "'train_list' is the name of a list in ImageSets/Main, without .txt, not '%s'",
		        s->train_list);
	return s->class_names.n > 0 ? eg_source_set_names(base, BOXES, s->class_names.at, s->class_names.n, err) : EG_OK;
}

static eg_status open_bccd(eg_source *base, eg_error *err) {
	voc_source *s = (voc_source *)base;
	if (!s->train_list) s->train_list = "trainval";
	return open_voc(base, err);
}

static const eg_key keys[] = {
	{.name = "train_list",
		.type = EG_KEY_STRING,
		.offset = offsetof(voc_source, train_list),
		.def = NAN,
		.doc = "the list in ImageSets/Main of the pictures to train on, without its ending. Left out: train, and val.txt is "
		       "the validation part (of bccd: trainval). With another than train, such as trainval, there is no such part, and "
		       "`validation` cuts a share off"},
	EG_LIMIT_OF_PICTURES,
	EG_BROKEN_KEY,
	{.name = "class_names",
		.type = EG_KEY_STRINGS,
		.count = CLASSES_MOST,
		.offset = offsetof(voc_source, class_names),
		.def = NAN,
		.doc = "the classes there are, in order; others are errors. Left out: those of the training part, sorted"},
};

static const eg_field fields[] = {
	{.name = "picture", .kind = EG_FIELD_PICTURE}, {.name = "boxes", .kind = EG_FIELD_BOXES}};

enum { CLASSES_KEY = 1 /* the last of `keys`, which a set whose classes are known is without */ };
#define TYPE(nkeys_, open_, ...) \
	{ \
		.info = {__VA_ARGS__}, .keys = keys, .nkeys = nkeys_, .size = sizeof(voc_source), .open = open_, \
		.prepare = prepare, .read = read_record, .close = close_source, .archives = true \
	}

const eg_source_type eg_source_type_voc = TYPE(EG_COUNT(keys), open_voc, .name = "voc",
	.doc = "your own pictures with boxes, as Pascal VOC has them: path/JPEGImages/NAME.jpg, path/Annotations/NAME.xml, and "
	       "the parts as lists of names, path/ImageSets/Main/train.txt; path may be a tar or zip archive",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FOLDER, .fields = fields, .nfields = EG_COUNT(fields));

static const char *const cells[] = {"Platelets", "RBC", "WBC"};
static const eg_field bccd_fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 3, .H = 480, .W = 640},
	{.name = "boxes", .kind = EG_FIELD_BOXES, .names = cells, .nnames = EG_COUNT(cells)}};
static const char *const bccd_folders[] = {"Annotations", "ImageSets/Main", "JPEGImages", NULL};
static const eg_data_archive bccd_archive = {
	.file = {.name = "BCCD_Dataset-1.0.tar.gz", .bytes = 8000000, .published = "v1.0.tar.gz"},
	.inside = "BCCD",
	.contents = "debd2d76b13c300a3999f96a08cbe9ada5f231c3f882f9877a65a01a695872d1"};
static const char *const bccd_urls[] = {"https://github.com/Shenggan/BCCD_Dataset/archive/refs/tags/", NULL};

const eg_source_type eg_source_type_bccd = TYPE(EG_COUNT(keys) - CLASSES_KEY, open_bccd, .name = "bccd",
	.doc = "364 pictures of blood under the microscope in colour, 480x640, with a box around each cell of three kinds",
	.origin = "Shenggan, BCCD_Dataset on GitHub; pictures of cosmicad and akshaylamba", .licence = "MIT",
	.path = EG_DATA_PATH_SET, .train = 292, .test = 72, .folder = "detection/BCCD", .folders = bccd_folders,
	.archive = &bccd_archive, .urls = bccd_urls,
	.fields = bccd_fields, .nfields = EG_COUNT(bccd_fields));

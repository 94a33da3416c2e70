/* source_yolo.c - the user's own pictures with boxes, as labelling tools export them for YOLO: a text file beside each
 * picture, with a line for each object, its class counted from 0 and its middle, width and height as shares of the
 * picture:
 *
 *   1 0.52 0.41 0.20 0.31      NAME.txt of the picture NAME.jpg
 *
 * Pictures and labels lie in images/train and labels/train (val, test), in train/images and train/labels, in images and
 * labels, in obj_train_data (CVAT), or all in one folder (labelImg); without folders of parts all are for training. A
 * picture without a text file shows nothing. The classes' names are in data.yaml, classes.txt or obj.names.
 *
 * Not here: records (boxed.c). */
#include "data/boxed.h"
#include "data/table.h"
#include "io/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_MOST = 10000, OBJECTS_MOST = 100000, TEXT_MOST = 16 << 20 /* bytes */, NUMBERS = 5 };

typedef struct yolo_source {
	eg_source base;
	eg_strings class_names;
	eg_files *tree; /* NULL: not opened yet */
	const char *top; /* in it; NULL: not known yet */
	eg_boxed_shelf parts[EG_PARTS];
} yolo_source;

static eg_status find_top(yolo_source *s, eg_error *err) {
	char top[EG_PATH];
	if (s->top) return EG_OK;
	eg_files_close(s->tree); /* of an attempt that failed */
	s->tree = NULL;
	eg_status status = eg_source_tree(&s->base, &s->tree, top, err);
	if (status) return status;
	s->top = eg_arena_strdup(&s->base.arena, top);
	return s->top ? EG_OK : eg_source_no_memory(&s->base, err);
}

/* ---- names of classes -------------------------------------------------------------------------------------------- */

/* A name a line. */
static eg_status names_of_lines(yolo_source *s, const char *path, eg_names *out, eg_error *err) {
	eg_reader *reader;
	eg_lines *lines = NULL;
	char *line = NULL;
	size_t size;
	eg_status status = eg_files_reader(s->tree, path, TEXT_MOST, &reader, err);
	if (status) return status;
	status = eg_lines_new(reader, &(eg_text_rules){0}, &lines, err);
	while (!status) {
		status = eg_lines_next(lines, &line, &size, err);
		if (status || !line) break;
		line += strspn(line, " \t");
		for (size_t n = strlen(line); n > 0 && strchr(" \t", line[n - 1]); n--) line[n - 1] = '\0';
		if (!*line) continue;
		char *copy = eg_arena_strdup(&s->base.arena, line);
		if (!copy || !eg_grow(NULL, &out->at, &out->cap, out->n, sizeof *out->at)) status = eg_source_no_memory(&s->base, err);
		else out->at[out->n++] = copy;
	}
	eg_lines_free(lines);
	eg_reader_close(reader);
	return status;
}

/* `names: [a, b]`, or {0: a, 1: b} in that order. */
static eg_status names_of_yaml(yolo_source *s, const char *path, eg_names *out, eg_error *err) {
	char *text = NULL;
	size_t size = 0;
	eg_tree *root = NULL;
	eg_status status = eg_files_read(s->tree, NULL, path, EG_TREE_BYTES, &text, &size, err);
	if (!status) status = eg_yaml_parse(&s->base.arena, text, size, path, &root, err);
	eg_release(NULL, text);
	const eg_tree *names = eg_tree_get(root, "names");
	for (const eg_tree *c = names ? names->first : NULL; c && !status; c = c->next) {
		char number[16];
		snprintf(number, sizeof number, "%d", out->n);
		if (c->kind != EG_TREE_SCALAR || (names->kind == EG_TREE_MAP && strcmp(c->key, number) != 0))
			status = eg_tree_fail(err, c, EG_ERR_FORMAT, "'names' is a list of the classes' names, or a map {0: NAME, 1: NAME, ...}");
		else if (!eg_grow(NULL, &out->at, &out->cap, out->n, sizeof *out->at)) status = eg_source_no_memory(&s->base, err);
		else out->at[out->n++] = (char *)c->text;
	}
	return status;
}

static eg_status learn_names(eg_source *base, eg_error *err) {
	yolo_source *s = (yolo_source *)base;
	static const char *const files[] = {
	        "data.yaml", "classes.txt", "obj.names", "labels/classes.txt", "images/classes.txt", "obj_train_data/classes.txt"};
	char path[EG_PATH];
	eg_names names = {0};
	eg_status status = base->fields[EG_BOXED_BOXES].names ? EG_OK : find_top(s, err);
	for (int i = 0; i < EG_COUNT(files) && !status && !base->fields[EG_BOXED_BOXES].names; i++) {
		status = eg_join(path, s->top, files[i], "", err);
		if (status || !eg_files_is_file(s->tree, path)) continue;
		status = i == 0 ? names_of_yaml(s, path, &names, err) : names_of_lines(s, path, &names, err);
		for (int k = 0; k < names.n && !status; k++) {
			status = eg_class_name_check(names.at[k], err);
			if (status) eg_fail_prefix(err, "%s", path);
		}
		if (!status && names.n > CLASSES_MOST) status = eg_fail(err, EG_ERR_FORMAT, "'%s': more than %d classes", path, CLASSES_MOST);
		if (!status && names.n > 0)
			status = eg_source_set_names(base, EG_BOXED_BOXES, (const char *const *)names.at, names.n, err);
	}
	eg_release(NULL, names.at);
	if (status || base->fields[EG_BOXED_BOXES].names) return status;
	return eg_fail(err, EG_ERR_FORMAT,
	        "the classes' names are not known: '%s' has no data.yaml with 'names', no classes.txt and no obj.names; put one there, or "
	        "write class_names: [NAME, NAME] in 'data'",
	        s->top);
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

/* The numbers of a line; returns how many there are, NUMBERS + 1: more than an object has. -1: one is no number. */
static int numbers_of(char *line, double v[NUMBERS], const char **wrong) {
	int n = 0;
	for (char *at = line + strspn(line, " \t"); *at; n++) {
		const size_t size = strcspn(at, " \t");
		const char end = at[size];
		at[size] = '\0';
		if (n == NUMBERS) return NUMBERS + 1;
		*wrong = at;
		if (!eg_cell_number(at, &v[n])) return -1;
		at += size + (end != '\0');
		at += strspn(at, " \t");
	}
	return n;
}

static eg_status take_object(
	yolo_source *s, eg_boxed *e, const double v[NUMBERS], const char *place, eg_boxed_tally *t, eg_error *err) {
	const eg_field *f = &s->base.fields[EG_BOXED_BOXES];
	if (!(v[0] >= 0 && floor(v[0]) == v[0]))
		return eg_fail(err, EG_ERR_FORMAT, "%s: a class is a whole number, counted from 0, not %g", place, v[0]);
	if (v[0] >= f->nnames)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s: class %.0f, but there are names for %d, counted from 0 (%s, ...): add it to the file of names, or label the object "
		        "anew",
		        place, v[0], f->nnames, f->names[0]);
	for (int i = 1; i < NUMBERS; i++)
		if (fabs(v[i]) > 2)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s: %g is no share of the picture, 0 to 1: middle, width and height are not pixels here", place, v[i]);
	const eg_box box = {.label = (int)v[0],
	        .x0 = v[1] - v[3] / 2,
	        .y0 = v[2] - v[4] / 2,
	        .x1 = v[1] + v[3] / 2,
	        .y1 = v[2] + v[4] / 2};
	eg_boxed_put(e, box, !(v[3] > 0 && v[4] > 0), f->names[box.label], t);
	return EG_OK;
}

static eg_status take_line(yolo_source *s, eg_boxed *e, int *room, char *line, const char *place, eg_boxed_tally *t, eg_error *err) {
	double v[NUMBERS];
	const char *wrong = "";
	const int n = numbers_of(line, v, &wrong);
	if (n == 0) return EG_OK;
	if (n < 0) return eg_fail(err, EG_ERR_FORMAT, "%s: '%.40s' is no number", place, wrong);
	if (n != NUMBERS)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s: an object is 5 numbers, class, middle across and down, width, height%s", place,
		        n > NUMBERS ? "; there are more: export boxes, not outlines (segmentation) or results with scores" : "");
	if (e->n == OBJECTS_MOST) return eg_fail(err, EG_ERR_FORMAT, "%s: more than %d objects", place, OBJECTS_MOST);
	if (!eg_grow(NULL, &e->boxes, room, e->n, sizeof *e->boxes)) return eg_source_no_memory(&s->base, err);
	return take_object(s, e, v, place, t, err);
}

/* The boxes of a picture, in memory of the arena. */
static eg_status read_labels(yolo_source *s, eg_boxed *e, eg_boxed_tally *t, eg_error *err) {
	eg_reader *reader;
	eg_lines *lines = NULL;
	char *line = NULL, place[EG_PATH + 32];
	size_t size;
	int room = 0;
	eg_status status = eg_files_reader(s->tree, e->annotation, TEXT_MOST, &reader, err);
	if (status) return status;
	status = eg_lines_new(reader, &(eg_text_rules){0}, &lines, err);
	while (!status) {
		status = eg_lines_next(lines, &line, &size, err);
		if (status || !line) break;
		snprintf(place, sizeof place, "%s:%lld", e->annotation, (long long)eg_lines_number(lines));
		status = take_line(s, e, &room, line, place, t, err);
	}
	eg_lines_free(lines);
	eg_reader_close(reader);
	eg_box *own = status || e->n == 0 ? NULL : eg_arena_alloc(&s->base.arena, (size_t)e->n * sizeof *own);
	if (!status && e->n > 0 && !own) status = eg_source_no_memory(&s->base, err);
	if (own) memcpy(own, e->boxes, (size_t)e->n * sizeof *own);
	eg_release(NULL, e->boxes);
	e->boxes = own;
	return status;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

typedef struct folders {
	char pictures[EG_PATH], labels[EG_PATH];
	bool there;
} folders;

static eg_status try_folders(yolo_source *s, const char *pictures, const char *labels, folders *f, eg_error *err) {
	if (f->there) return EG_OK;
	eg_status status = *pictures ? eg_join(f->pictures, s->top, pictures, "", err) : eg_join(f->pictures, s->top, "", "", err);
	if (!status) status = eg_join(f->labels, s->top, labels, "", err);
	f->there = !status && (!*pictures || eg_files_is_folder(s->tree, f->pictures));
	return status;
}

static eg_status find_folders(yolo_source *s, eg_part part, folders *f, eg_error *err) {
	static const char *const words[EG_PARTS][3] = {{"train"}, {"val", "valid", "validation"}, {"test"}};
	eg_status status = EG_OK;
	f->there = false;
	for (int i = 0; i < 3 && words[part][i] && !status; i++) {
		char of[4][40];
		snprintf(of[0], sizeof of[0], "images/%s", words[part][i]), snprintf(of[1], sizeof of[1], "labels/%s", words[part][i]);
		snprintf(of[2], sizeof of[2], "%s/images", words[part][i]), snprintf(of[3], sizeof of[3], "%s/labels", words[part][i]);
		status = try_folders(s, of[0], of[1], f, err);
		if (!status) status = try_folders(s, of[2], of[3], f, err);
	}
	if (part != EG_PART_TRAIN || status) return status;
	status = try_folders(s, "images", "labels", f, err);
	if (!status) status = try_folders(s, "obj_train_data", "obj_train_data", f, err);
	return status ? status : try_folders(s, "", "", f, err);
}

/* Texts that are no labels, where all lies in one folder. */
static bool is_label(const char *name) {
	static const char *const others[] = {"classes.txt", "train.txt", "val.txt", "valid.txt", "test.txt", "README.txt", "readme.txt"};
	const char *dot = strrchr(name, '.');
	bool is = dot && strcmp(dot, ".txt") == 0;
	for (int i = 0; i < EG_COUNT(others); i++) is = is && strcmp(name, others[i]) != 0;
	return is;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The name without its ending, in the arena. */
static char *stem_of(yolo_source *s, const char *name) {
	const char *dot = strrchr(name, '.');
	return eg_arena_printf(&s->base.arena, "%.*s", dot ? (int)(dot - name) : (int)strlen(name), name);
}

/* ---- a part ------------------------------------------------------------------------------------------------------ */

typedef struct gathering {
	yolo_source *s;
	const folders *f;
	eg_boxed_shelf *to;
	eg_boxed_tally tally;
	int64_t unlabelled;
} gathering;

static eg_status take_picture(gathering *g, const char *name, eg_error *err) {
	yolo_source *s = g->s;
	const char *stem = stem_of(s, name);
	eg_boxed *e = &g->to->at[g->to->n];
	*e = (eg_boxed){.shares = true, .picture = eg_arena_printf(&s->base.arena, "%s/%s", g->f->pictures, name)};
	e->annotation = stem ? eg_arena_printf(&s->base.arena, "%s/%s.txt", g->f->labels, stem) : NULL;
	if (!e->picture || !e->annotation) return eg_source_no_memory(&s->base, err);
	e->id = e->picture + strlen(s->top) + (s->top[0] && s->top[strlen(s->top) - 1] != '/');
	const bool labelled = eg_files_is_file(s->tree, e->annotation);
	eg_status status = labelled ? read_labels(s, e, &g->tally, err) : EG_OK;
	if (!status && s->base.skip_broken) {
		eg_picture pic = {0};
		status = eg_boxed_load(s->tree, e, &pic, err);
		eg_picture_free(&pic);
	}
	if (!status) g->unlabelled += !labelled, g->to->n++;
	return status;
}

/* Labels whose picture is missing. */
static eg_status check_labels(gathering *g, const eg_names *pictures, const eg_names *labels, eg_error *err) {
	char **stems = eg_calloc(NULL, (size_t)pictures->n + 1, sizeof *stems);
	eg_status status = EG_OK;
	if (!stems) return eg_source_no_memory(&g->s->base, err);
	for (int i = 0; i < pictures->n && !status; i++)
		if (!(stems[i] = stem_of(g->s, pictures->at[i]))) status = eg_source_no_memory(&g->s->base, err);
	if (!status && pictures->n) qsort(stems, (size_t)pictures->n, sizeof *stems, by_name);
	for (int i = 0; i < labels->n && !status; i++) {
		char *stem = is_label(labels->at[i]) ? stem_of(g->s, labels->at[i]) : NULL;
		if (!stem || bsearch(&stem, stems, (size_t)pictures->n, sizeof *stems, by_name)) continue;
		eg_error why;
		const eg_status wrong = eg_fail(&why, EG_ERR_FORMAT, "'%s/%s' has no picture '%s/%s.jpg' (or .png, ...): put it there, or remove the labels",
		        g->f->labels, labels->at[i], g->f->pictures, stem);
		status = eg_broken_add(&g->s->base, wrong, &why, err);
	}
	eg_release(NULL, stems);
	return status;
}

static eg_status gather(gathering *g, eg_part part, eg_error *err) {
	yolo_source *s = g->s;
	eg_names pictures = {0}, labels = {0};
	const int64_t most = part == EG_PART_TRAIN && s->base.limit > 0 ? s->base.limit : INT64_MAX;
	eg_status status = eg_list(&s->base.arena, s->tree, g->f->pictures, EG_LIST_PICTURES, &pictures, err);
	if (!status && eg_files_is_folder(s->tree, g->f->labels))
		status = eg_list(&s->base.arena, s->tree, g->f->labels, EG_LIST_FILES, &labels, err);
	if (!status && pictures.n == 0 && part == EG_PART_TRAIN)
		status = eg_fail(err, EG_ERR_FORMAT, "there is no picture to train on in '%s'; they are looked for in images/train, train/images, "
		        "images, obj_train_data and the folder itself", g->f->pictures);
	g->to->at = status ? NULL : eg_arena_alloc(&s->base.arena, ((size_t)pictures.n + 1) * sizeof *g->to->at);
	if (!status && !g->to->at) status = eg_source_no_memory(&s->base, err);
	for (int i = 0; i < pictures.n && g->to->n < most && !status; i++) {
		eg_error why;
		const eg_status wrong = take_picture(g, pictures.at[i], &why);
		if (wrong) status = eg_broken_add(&s->base, wrong, &why, err);
	}
	if (!status) status = check_labels(g, &pictures, &labels, err);
	eg_release(s->base.arena.allocator, pictures.at);
	eg_release(s->base.arena.allocator, labels.at);
	return status;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	yolo_source *s = (yolo_source *)base;
	folders f;
	gathering g = {.s = s, .f = &f, .to = &s->parts[part]};
	const int64_t before = eg_broken_count(base);
	base->remarks[part] = NULL; /* of an attempt that failed */
	s->parts[part] = (eg_boxed_shelf){0};
	eg_status status = find_top(s, err);
	if (!status) status = learn_names(base, err);
	if (!status) status = find_folders(s, part, &f, err);
	if (!status && f.there) status = gather(&g, part, err);
	const int64_t broken = eg_broken_count(base) - before;
	if (!status) status = eg_broken_end(base, part, before, g.to->n + broken, err);
	if (!status) eg_files_remark(s->tree, base, part);
	if (!status && !f.there && part == EG_PART_TEST)
		eg_source_remark_more(base, part, "there are no test pictures: no folder '%s/images/test' or '%s/test/images'", s->top, s->top);
	if (!status) eg_boxed_tell(base, part, &g.tally);
	if (!status && g.unlabelled > 0)
		eg_source_remark_more(base, part, "%lld picture%s no file of labels: nothing is taken to be there", (long long)g.unlabelled,
		        g.unlabelled == 1 ? " has" : "s have");
	base->count[part] = status ? 0 : g.to->n;
	return status;
}

static eg_status read_record(const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const yolo_source *s = (const yolo_source *)base;
	return eg_boxed_record(s->tree, &s->parts[part].at[i], wanted, r, err);
}

static void close_source(eg_source *base) { eg_files_close(((yolo_source *)base)->tree); }

static eg_status open_yolo(eg_source *base, eg_error *err) {
	const yolo_source *s = (const yolo_source *)base;
	return s->class_names.n > 0 ? eg_source_set_names(base, EG_BOXED_BOXES, s->class_names.at, s->class_names.n, err) : EG_OK;
}

static const eg_key keys[] = {
	EG_LIMIT_OF_PICTURES,
	EG_BROKEN_KEY,
	{.name = "class_names",
		.type = EG_KEY_STRINGS,
		.count = CLASSES_MOST,
		.offset = offsetof(yolo_source, class_names),
		.def = NAN,
		.doc = "the classes in the order of their numbers. Left out: those of data.yaml, classes.txt or obj.names"},
};

static const eg_field fields[] = {
	{.name = "picture", .kind = EG_FIELD_PICTURE}, {.name = "boxes", .kind = EG_FIELD_BOXES}};

const eg_source_type eg_source_type_yolo = {
	.info = {.name = "yolo",
		.doc = "your own pictures with boxes, as YOLO has them: path/images/train/NAME.jpg, path/labels/train/NAME.txt with a line "
		       "'class x y width height' for each object, in shares of the picture; or all in one folder; path may be a tar or zip archive",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_FOLDER,
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(yolo_source),
	.open = open_yolo,
	.prepare = prepare,
	.learn_names = learn_names,
	.read = read_record,
	.close = close_source,
	.archives = true,
};

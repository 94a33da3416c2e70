/* source_list.c - the user's own pictures, as lists say: a line for each, its path and its label, and perhaps the
 * group that it belongs to, with tabs between them (or, where there is no tab, a comma or blanks between path and
 * label):
 *
 *   images/0001.jpg<TAB>boot          train.txt, val.txt and test.txt, in a folder or an archive
 *
 * A path counts from the list's folder, or else from the top. Empty lines, and those that begin with #, are passed
 * over. Classes are the labels of the training list, sorted by their bytes, or by number where all are whole numbers.
 *
 * Not here: decoding, and what is kept (picture_files.c). */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL = 1, LIST_MOST = 256 << 20 /* bytes: some millions of lines */ };

typedef struct list_source {
	eg_file_source files;
	const char *lists[EG_PARTS]; /* keys */
} list_source;

typedef struct line {
	char *path, *label, *group;
	int64_t number;
} line;

typedef struct rows {
	line *at;
	int n, cap;
} rows;

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static char *trim(char *text) {
	text += strspn(text, " \t");
	for (size_t n = strlen(text); n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'); n--) text[n - 1] = '\0';
	return text;
}

/* Cuts at a character; what stands behind it, or NULL: there is none. */
static char *cut(char *at) {
	if (at) *at++ = '\0';
	return at;
}

static eg_status cut_line(line *l, const char *name, char *text, eg_error *err) {
	char *tab = strchr(text, '\t'), *last = strrchr(text, ',');
	l->path = text;
	l->label = cut(tab ? tab : last ? last : strrchr(text, ' '));
	l->group = tab ? cut(strchr(l->label, '\t')) : NULL;
	l->path = trim(l->path);
	if (l->label) l->label = trim(l->label);
	if (l->group && !*(l->group = trim(l->group))) l->group = NULL;
	while (l->path[0] == '.' && l->path[1] == '/') l->path += 2;
	if (!l->label || !*l->label || !*l->path)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: a line is the path of a picture, a tab, and its label", name,
		        (long long)l->number);
	for (const char *c = l->path; *c; c += strcspn(c, "/"), c += *c == '/')
		if (*c == '/' || (c[0] == '.' && c[1] == '.' && (c[2] == '/' || !c[2])))
			return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: '%.300s' leads out of the folder: paths count from that of the list, or from the top",
			        name, (long long)l->number, l->path);
	eg_status status = eg_class_name_check(l->label, err);
	if (status) eg_fail_prefix(err, "%s:%lld", name, (long long)l->number);
	return status;
}

static eg_status cut_lines(list_source *s, eg_lines *lines, rows *out, eg_error *err) {
	char *at;
	size_t size;
	for (;;) {
		eg_status status = eg_lines_next(lines, &at, &size, err);
		if (status) return status;
		if (!at) break;
		at = trim(at);
		if (!*at || *at == '#') continue;
		at = eg_pool_text(&s->files.texts, at, strlen(at));
		if (!at || !eg_grow(NULL, &out->at, &out->cap, out->n, sizeof *out->at))
			return eg_source_no_memory(&s->files.pictures.base, err);
		line *l = &out->at[out->n++];
		l->number = eg_lines_number(lines);
		status = cut_line(l, eg_lines_name(lines), at, err);
		if (status) return status;
	}
	return out->n ? EG_OK : eg_fail(err, EG_ERR_FORMAT, "'%s' lists no picture", eg_lines_name(lines));
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* The path of a part's list; *there: it was named, or is there. */
static eg_status find_list(list_source *s, eg_part part, char path[EG_PATH], bool *there, eg_error *err) {
	static const char *const usual[EG_PARTS] = {"train.txt", "val.txt", "test.txt"};
	const char *name = s->lists[part] ? s->lists[part] : usual[part];
	eg_status status = eg_file_source_open(&s->files, s->files.pictures.base.path, err);
	if (!status) status = eg_join(path, eg_files_top(s->files.tree), name, "", err);
	*there = !status && (s->lists[part] || part == EG_PART_TRAIN || eg_files_is_file(s->files.tree, path));
	return status;
}

static eg_status read_list(list_source *s, const char *path, rows *out, eg_error *err) {
	eg_reader *r;
	eg_lines *lines = NULL;
	eg_status status = eg_files_reader(s->files.tree, path, LIST_MOST, &r, err);
	if (!status) status = eg_lines_new(r, &(eg_text_rules){0}, &lines, err);
	if (!status) status = cut_lines(s, lines, out, err);
	eg_lines_free(lines);
	eg_reader_close(r);
	return status;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static bool is_number(const char *label) { return strlen(label) < 10 && label[strspn(label, "0123456789")] == '\0'; }

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int by_number(const void *a, const void *b) {
	const long x = strtol(*(const char *const *)a, NULL, 10), y = strtol(*(const char *const *)b, NULL, 10);
	return x != y ? (x > y) - (x < y) : by_bytes(a, b);
}

static eg_status set_classes(list_source *s, const rows *all, eg_error *err) {
	eg_source *base = &s->files.pictures.base;
	const char **labels = eg_calloc(NULL, (size_t)all->n, sizeof *labels);
	bool numbers = true;
	int n = 0;
	if (!labels) return eg_source_no_memory(base, err);
	for (int i = 0; i < all->n; i++) {
		labels[i] = all->at[i].label;
		numbers = numbers && is_number(labels[i]);
	}
	qsort(labels, (size_t)all->n, sizeof *labels, numbers ? by_number : by_bytes);
	for (int i = 0; i < all->n; i++)
		if (n == 0 || strcmp(labels[n - 1], labels[i]) != 0) labels[n++] = labels[i];
	eg_status status = eg_source_set_names(base, LABEL, labels, n, err);
	eg_release(NULL, labels);
	return status;
}

static eg_status learn_names(eg_source *base, eg_error *err) {
	list_source *s = (list_source *)base;
	char path[EG_PATH];
	bool there;
	rows all = {0};
	eg_status status = find_list(s, EG_PART_TRAIN, path, &there, err);
	if (!status) status = read_list(s, path, &all, err);
	if (!status) status = set_classes(s, &all, err);
	eg_release(NULL, all.at);
	return status;
}

/* ---- a part ------------------------------------------------------------------------------------------------------ */

/* Names are sorted by one of the two orders, as in set_classes: looked for in that. */
static bool by_numbers(const eg_field *f) {
	bool numbers = true;
	for (int i = 0; i < f->nnames; i++) numbers = numbers && is_number(f->names[i]);
	return numbers;
}

static int32_t label_of(const eg_field *f, bool numbers, const char *label) {
	const char *const *found =
	        bsearch(&label, f->names, (size_t)f->nnames, sizeof *f->names, numbers ? by_number : by_bytes);
	return found ? (int32_t)(found - f->names) : EG_NO_LABEL;
}

static const char *path_of(list_source *s, const char *folder, const char *name, eg_error *err) {
	char beside[EG_PATH], path[2 * EG_PATH];
	const char *top = eg_files_top(s->files.tree);
	if (strcmp(folder, top) != 0 && eg_join(beside, folder, name, "", NULL) == EG_OK && eg_files_is_file(s->files.tree, beside))
		top = folder;
	int n = snprintf(path, sizeof path, "%s/%s", top, name);
	if (n >= (int)sizeof path) n = (int)sizeof path - 1; /* no file has such a name: it will be missed */
	const char *copy = eg_pool_text(&s->files.texts, path, (size_t)n);
	if (!copy) eg_source_no_memory(&s->files.pictures.base, err);
	return copy;
}

static eg_status put_rows(list_source *s, eg_part part, const char *list, const rows *all, eg_error *err) {
	eg_source *base = &s->files.pictures.base;
	const eg_field *f = &base->fields[LABEL];
	eg_picture_file *at = eg_arena_alloc(&base->arena, (size_t)all->n * sizeof *at);
	char folder[EG_PATH];
	if (!at) return eg_source_no_memory(base, err);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(list, '/') - list), list);
	const bool numbers = by_numbers(f);
	for (int i = 0; i < all->n; i++) {
		const line *l = &all->at[i];
		at[i] = (eg_picture_file){.path = path_of(s, folder, l->path, err),
		        .label = label_of(f, numbers, l->label),
		        .group = l->group};
		if (!at[i].path) return EG_ERR_MEMORY;
		if (at[i].label == EG_NO_LABEL)
			return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: '%s' is a class that is not among the %d of training ('%s'%s)", list,
			        (long long)l->number, l->label, f->nnames, f->names[0], f->nnames > 1 ? ", ..." : "");
	}
	const eg_picture_files files = {.tree = s->files.tree,
	        .at = at,
	        .n = all->n,
	        .most = part == EG_PART_TRAIN ? s->files.pictures.base.limit : 0,
	        .classes = f->names,
	        .nclasses = f->nnames};
	base->remarks[part] = NULL; /* of an attempt that failed */
	return eg_file_source_put(&s->files, part, &files, err);
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	list_source *s = (list_source *)base;
	char path[EG_PATH];
	bool there;
	rows all = {0};
	eg_status status = base->fields[LABEL].names ? EG_OK : learn_names(base, err);
	if (!status) status = find_list(s, part, path, &there, err);
	if (!status && !there && part == EG_PART_TEST)
		eg_source_remark_on(base, part, "there are no test pictures: there is no '%s', and 'test_list' names no other", path);
	if (status || !there) return status;
	status = read_list(s, path, &all, err);
	if (!status) status = put_rows(s, part, path, &all, err);
	eg_release(NULL, all.at);
	return status;
}

#define LIST_KEY(name_, part_, doc_) \
	{ .name = name_, .type = EG_KEY_STRING, .offset = offsetof(list_source, lists[part_]), .def = NAN, .doc = doc_ }

static const eg_key keys[] = {
	LIST_KEY("train_list", EG_PART_TRAIN,
		"the list of the training pictures, below path: a line for each, its path, a tab, and its label; left out: train.txt"),
	LIST_KEY("val_list", EG_PART_VALIDATION, "the list of the validation pictures; left out: val.txt, if it is there"),
	LIST_KEY("test_list", EG_PART_TEST, "the list of the test pictures; left out: test.txt, if it is there"),
	EG_LIMIT_OF_PICTURES,
	EG_BROKEN_KEY,
	EG_MEMORY_KEY,
};

const eg_source_type eg_source_type_list = {
	.info = {.name = "list",
		.doc = "your own pictures, as lists of their paths and labels say: train.txt, val.txt and test.txt in the "
		       "folder, or the tar or zip archive, path",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_FOLDER,
		.fields = eg_picture_fields,
		.nfields = EG_COUNT(eg_picture_fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(list_source),
	.prepare = prepare,
	.learn_names = learn_names,
	.read = eg_file_source_read,
	.close = eg_file_source_close,
	.archives = true};

/* text_files.c - the texts of a folder: all files in it, and in the folders inside of it, whose names fit one of some
 * patterns. They come in an order that does not depend on the system: the files of a folder sorted by their bytes, then
 * those of its folders, sorted likewise.
 *
 * Not here: reading one text (text.c), folders and archives (files.c), what a sample is (source_text.c). */
#include "data/table.h"

#include <string.h>

enum { DEEPEST = 64 };

typedef struct walk {
	eg_text_files *to;
	const eg_files *tree;
	eg_patterns patterns;
	eg_text_options options; /* limit: what is left of it */
	bool limited;
	int others; /* files that fit no pattern */
	eg_arena names;
} walk;

static eg_status no_memory(const char *name, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
}

eg_status eg_patterns_cut(eg_patterns *p, const char *patterns, eg_error *err) {
	size_t n = 0;
	const char *at = patterns + strspn(patterns, " ");
	*p = (eg_patterns){{0}};
	for (; *at && n + strlen(at) + 2 < sizeof p->at; at += strspn(at, " ")) {
		const size_t size = strcspn(at, " ");
		memcpy(p->at + n, at, size);
		n += size + 1;
		at += size;
	}
	if (n > 0) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "'files' is %s: say which files to read, as in '*.txt'",
	        *patterns ? "blank, or too long" : "empty");
}

bool eg_patterns_fit(const eg_patterns *p, const char *name) {
	const size_t n = strlen(name);
	for (const char *one = p->at; *one; one += strlen(one) + 1) {
		const size_t size = strlen(one);
		if (eg_name_fits(one, name) || (*one == '.' && size < n && strcmp(name + n - size, one) == 0)) return true;
	}
	return false;
}

/* Reads a text behind the others; one without a byte is passed over. */
static eg_status add_file(walk *w, const char *path, eg_error *err) {
	eg_text_files *to = w->to;
	eg_reader *reader;
	eg_text *text = NULL;
	eg_status status = eg_files_reader(w->tree, path, INT32_MAX, &reader, err);
	if (status) return status;
	const bool empty = eg_reader_most(reader) == 0;
	if (!empty) status = eg_text_read(reader, &w->options, &text, err);
	eg_reader_close(reader);
	if (status || empty) return status;
	to->size += (int64_t)text->size;
	to->latin1 += text->latin1;
	if (!eg_grow(NULL, &to->at, &to->cap, to->n, sizeof *to->at)) {
		eg_text_free(text);
		return no_memory(path, err);
	}
	to->at[to->n++] = text;
	if (w->limited) w->options.limit -= (int64_t)text->size;
	if (to->size <= INT32_MAX) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "the files in '%s' hold more than %d bytes of text: take fewer, or a limit",
	        eg_files_top(w->tree), INT32_MAX);
}

/* What is left of the limit may be less than a character, which the next file would be cut in. */
static bool is_enough(const walk *w) {
	enum { LONGEST = 4 };
	return w->limited && w->options.limit < (w->to->n > 0 ? LONGEST : 1);
}

static eg_status walk_folder(walk *w, const char *folder, int depth, eg_error *err);

static eg_status enter(walk *w, const char *folder, const char *name, eg_listed what, int depth, eg_error *err) {
	char path[EG_PATH];
	eg_status status = eg_join(path, folder, name, "", err);
	if (status) return status;
	if (what == EG_LIST_FOLDERS) return walk_folder(w, path, depth + 1, err);
	if (eg_patterns_fit(&w->patterns, name)) return add_file(w, path, err);
	w->others++;
	return EG_OK;
}

static eg_status walk_folder(walk *w, const char *folder, int depth, eg_error *err) {
	static const eg_listed kinds[] = {EG_LIST_FILES, EG_LIST_FOLDERS};
	eg_status status = EG_OK;
	if (depth > DEEPEST)
		return eg_fail(err, EG_ERR_ARG, "'%s' lies more than %d folders deep: does a link lead back?", folder, (int)DEEPEST);
	for (int k = 0; k < EG_COUNT(kinds) && !status; k++) {
		eg_names names = {0};
		status = eg_list(&w->names, w->tree, folder, kinds[k], &names, err);
		for (int i = 0; i < names.n && !status && !is_enough(w); i++)
			status = enter(w, folder, names.at[i], kinds[k], depth, err);
		eg_release(NULL, names.at);
	}
	return status;
}

static eg_status none_found(const walk *w, const char *patterns, eg_error *err) {
	if (w->others == 0)
		return eg_fail(err, EG_ERR_ARG, "there are no files in '%s'", eg_files_top(w->tree));
	return eg_fail(err, EG_ERR_ARG, "%d other file%s, but none with text in it whose name fits data.files, '%s', in '%s'",
	        w->others, w->others == 1 ? "" : "s", patterns, eg_files_top(w->tree));
}

eg_status eg_text_files_load(
	eg_text_files *f, const char *path, const char *patterns, const eg_text_options *o, eg_error *err) {
	walk w = {.to = f, .options = *o, .limited = o->limit > 0};
	eg_files *tree = NULL;
	eg_status status = eg_patterns_cut(&w.patterns, patterns, err);
	if (!status) status = eg_files_open(path, &tree, err);
	w.tree = tree;
	if (!status) status = walk_folder(&w, eg_files_top(tree), 0, err);
	if (!status && f->n == 0) status = none_found(&w, patterns, err);
	eg_files_close(tree);
	eg_arena_free(&w.names);
	return status;
}

void eg_text_files_free(eg_text_files *f) {
	for (int i = 0; i < f->n; i++) eg_text_free(f->at[i]);
	eg_release(NULL, f->at);
	*f = (eg_text_files){0};
}

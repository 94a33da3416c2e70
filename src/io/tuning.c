/* tuning.c - measured times as a file: JSON that people can read, valid for one machine, instruction set and version.
 *
 *   {"format": "engram-tuning-1", "engram": "0.1.0", "isa": "avx2", "cpu": "...", "measured": [
 *     {"problem": "conv2d:n32c64h56w56k64r3s3p1q1u1v1", "pass": "forward", "algorithm": "direct", "ns": 1234567}, ...]}
 *
 * Not here: measuring and use (core/tune.c). */
#include "engram_io.h"
#include "engram_text.h"
#include "io/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char format[] = "engram-tuning-1";
enum { LARGEST = 16 << 20, ENTRIES_MOST = 40000 }; /* five nodes of JSON each */
static const double NS_MOST = 1e15; /* eleven days: sums of such times stay numbers */

eg_status eg_tuning_path(char *path, size_t size, eg_error *err) {
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;
	if (cache && cache[0] == '/') n = snprintf(path, size, "%s/engram/tuning.json", cache);
	else if (home && *home) n = snprintf(path, size, "%s/.cache/engram/tuning.json", home);
	else return eg_fail(err, EG_ERR_IO, "there is no place for a tuning file: neither XDG_CACHE_HOME nor HOME is set; name a file");
	if (n < 0 || (size_t)n >= size) return eg_fail(err, EG_ERR_IO, "the path of the tuning file is too long");
	return EG_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static eg_status damaged(eg_error *err, const char *path, const char *what) {
	return eg_fail(err, EG_ERR_FORMAT, "%s is no tuning file, or damaged: %s; make a new one with engram tune-kernels", path, what);
}

static const char *text_of(const eg_tree *t, const char *key) {
	const eg_tree *v = t && t->kind == EG_TREE_MAP ? eg_tree_get(t, key) : NULL;
	return v && v->kind == EG_TREE_SCALAR && v->quoted ? v->text : NULL;
}

/* Is it for this machine, instruction set and version? */
static eg_status check_head(const eg_tree *root, const char *path, const eg_context *ctx, eg_error *err) {
	const struct {
		const char *key, *what, *here;
	} fields[] = {{"engram", "version", eg_version()}, {"isa", "instruction set", eg_context_isa(ctx)}, {"cpu", "CPU", eg_context_cpu(ctx)}};
	const char *f = text_of(root, "format");
	if (!f || strcmp(f, format) != 0) return damaged(err, path, "\"format\" is not \"engram-tuning-1\"");
	for (int i = 0; i < EG_COUNT(fields); i++) {
		const char *there = text_of(root, fields[i].key);
		if (!there) return damaged(err, path, "its head is incomplete");
		if (strcmp(there, fields[i].here) != 0)
			return eg_fail(err, EG_ERR_FORMAT, "%s was measured for another %s (%.100s, this is %s); measure anew with engram tune-kernels", path,
				fields[i].what, there, fields[i].here);
	}
	return EG_OK;
}

static bool read_entry(const eg_tree *t, eg_measurement *m) {
	const eg_tree *ns = t->kind == EG_TREE_MAP ? eg_tree_get(t, "ns") : NULL;
	m->problem = text_of(t, "problem");
	m->pass = text_of(t, "pass");
	m->algorithm = text_of(t, "algorithm");
	return m->problem && m->pass && m->algorithm && ns && eg_tree_number(ns, &m->ns) && m->ns > 0 && m->ns <= NS_MOST;
}

static eg_status read_all(const eg_tree *root, const char *path, eg_arena *arena, eg_measurement **out, int *n, eg_error *err) {
	const eg_tree *list = root->kind == EG_TREE_MAP ? eg_tree_get(root, "measured") : NULL;
	int count = 0;
	if (!list || list->kind != EG_TREE_LIST) return damaged(err, path, "there is no list \"measured\"");
	for (const eg_tree *t = list->first; t; t = t->next) count++;
	if (count > ENTRIES_MOST) return damaged(err, path, "its list is too long");
	*out = eg_arena_alloc(arena, ((size_t)count + 1) * sizeof **out);
	if (!*out) return eg_fail(err, EG_ERR_MEMORY, "%s: out of memory", path);
	*n = 0;
	for (const eg_tree *t = list->first; t; t = t->next)
		if (!read_entry(t, &(*out)[(*n)++])) return damaged(err, path, "an entry is incomplete");
	return EG_OK;
}

static eg_status read_file(const char *path, const eg_context *ctx, eg_arena *arena, eg_measurement **m, int *n, eg_error *err) {
	char *data = NULL;
	size_t size = 0;
	eg_tree *root = NULL;
	eg_status status = eg_file_read(NULL, path, LARGEST, &data, &size, err);
	size_t mark = status ? 0 : eg_utf8_mark(data, size);
	if (!status) status = eg_json_parse(arena, data + mark, size - mark, path, &root, err);
	eg_release(NULL, data);
	if (!status) status = check_head(root, path, ctx, err);
	if (!status) status = read_all(root, path, arena, m, n, err);
	return status;
}

eg_status eg_tuning_load(eg_context *ctx, const char *path, eg_error *err) {
	eg_arena arena = {0};
	eg_measurement *m;
	int n;
	eg_status status = read_file(path, ctx, &arena, &m, &n, err);
	if (!status) status = eg_context_tuning(ctx, m, n, err);
	eg_arena_free(&arena);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool same(const eg_measurement *a, const eg_measurement *b) {
	return !strcmp(a->problem, b->problem) && !strcmp(a->pass, b->pass) && !strcmp(a->algorithm, b->algorithm);
}

static void put_entry(eg_tree_builder *b, eg_tree *list, const eg_measurement *m) {
	eg_tree *t = eg_tree_map(b, list, NULL);
	if (!t) return;
	eg_tree_string(b, t, "problem", m->problem);
	eg_tree_string(b, t, "pass", m->pass);
	eg_tree_string(b, t, "algorithm", m->algorithm);
	eg_tree_put_double(b, t, "ns", floor(m->ns + 0.5));
}

/* The folders in front of the file's name, as far as they are missing. What fails is told when the file is opened. */
static void make_folders(const char *path) {
	char folder[1024];
	for (const char *slash = strchr(path + 1, '/'); slash && (size_t)(slash - path) < sizeof folder; slash = strchr(slash + 1, '/')) {
		memcpy(folder, path, (size_t)(slash - path));
		folder[slash - path] = '\0';
		mkdir(folder, 0777);
	}
}

/* Older times stay where no new ones were measured. */
static eg_tree *make_tree(eg_tree_builder *b, const eg_context *ctx, const eg_measurement *m, int n, const eg_measurement *old, int nold) {
	eg_tree *root = eg_tree_map(b, NULL, NULL);
	if (!root) return NULL;
	eg_tree_string(b, root, "format", format);
	eg_tree_string(b, root, "engram", eg_version());
	eg_tree_string(b, root, "isa", eg_context_isa(ctx));
	eg_tree_string(b, root, "cpu", eg_context_cpu(ctx));
	eg_tree *list = eg_tree_list(b, root, "measured");
	for (int i = 0; list && i < nold; i++) {
		bool replaced = false;
		for (int k = 0; k < n && !replaced; k++) replaced = same(&old[i], &m[k]);
		if (!replaced) put_entry(b, list, &old[i]);
	}
	for (int i = 0; list && i < n; i++) put_entry(b, list, &m[i]);
	return b->failed ? NULL : root;
}

eg_status eg_tuning_check(const char *path, eg_error *err) {
	make_folders(path);
	return eg_writer_check(path, 0, err);
}

eg_status eg_tuning_save(const eg_context *ctx, const char *path, const eg_measurement *m, int n, eg_error *err) {
	eg_arena arena = {0};
	eg_tree_builder b = {&arena, path, false};
	eg_measurement *old = NULL;
	eg_error why;
	const char *text;
	int nold = 0;
	eg_status status = read_file(path, ctx, &arena, &old, &nold, &why);
	if (status == EG_ERR_MEMORY) { /* no reason to lose what is there */
		eg_arena_free(&arena);
		return eg_fail(err, status, "%s", why.message);
	}
	if (status) nold = 0;
	if (n > ENTRIES_MOST - nold) { /* more could not be read again */
		eg_arena_free(&arena);
		return eg_fail(err, EG_ERR_ARG, "%s: %d measurements and the %d there are more than the %d that a tuning file holds", path, n, nold,
			ENTRIES_MOST);
	}
	eg_tree *root = make_tree(&b, ctx, m, n, old, nold);
	status = root ? eg_json_write(&arena, root, 1, &text, err) : eg_fail(err, EG_ERR_MEMORY, "%s: out of memory", path);
	if (!status) {
		make_folders(path);
		eg_writer *w = eg_writer_new(NULL, path, err);
		if (w) {
			eg_writer_put(w, text, strlen(text));
			eg_writer_put(w, "\n", 1);
			status = eg_writer_commit(w, err);
		} else {
			status = err->status;
		}
	}
	eg_arena_free(&arena);
	return status;
}

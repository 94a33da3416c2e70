/* edit.c - a recipe as somebody wrote it with other values in it, and all else as it was: comments, blanks, the
 * order. Each value goes where the tree says that the old one stands. Whether the result says what it should is
 * looked at afterwards; where it does not (an alias, say, whose anchor others use too) the recipe is written anew,
 * without comments. */
#include "engram_text.h"
#include "io/value.h"
#include "tune/tune.h"

#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory to write a recipe"); }

typedef struct editing {
	eg_arena arena;
	const char *text;
	size_t size, mark; /* mark: bytes before the first character (a byte order mark) */
	const eg_tree *root;
} editing;

static eg_status look(editing *e, eg_error *err) {
	eg_tree *root = NULL;
	e->mark = eg_utf8_mark(e->text, e->size);
	eg_status status = eg_yaml_parse(&e->arena, e->text, e->size, "recipe", &root, err);
	e->root = root;
	return status;
}

/* Where character number n is. */
static size_t byte_at(const editing *e, int n) {
	size_t at = e->mark;
	for (; n > 0 && at < e->size; n--)
		for (at++; at < e->size && ((unsigned char)e->text[at] & 0xc0) == 0x80;) at++;
	return at;
}

/* `put` in place of the bytes from..to-1. */
static eg_status splice(editing *e, size_t from, size_t to, const char *put, eg_error *err) {
	size_t n = strlen(put), size = e->size - (to - from) + n;
	char *text = eg_arena_alloc(&e->arena, size + 1);
	if (!text) return no_memory(err);
	memcpy(text, e->text, from);
	memcpy(text + from, put, n + 1);
	memcpy(text + from + n, e->text + to, e->size - to);
	e->text = text, e->size = size;
	return look(e, err);
}

/* `a.b=v` as "a: {b: v}". */
static const char *nested(editing *e, const char *path, const char *value) {
	size_t n = strcspn(path, ".");
	if (!path[n]) return eg_arena_printf(&e->arena, "%s: %s", path, value);
	const char *inner = nested(e, path + n + 1, value);
	return inner ? eg_arena_printf(&e->arena, "%.*s: {%s}", (int)n, path, inner) : NULL;
}

/* A key that the map does not have yet. */
static eg_status add_key(editing *e, const eg_tree *map, const char *entry, eg_error *err) {
	size_t begin = byte_at(e, map->begin), end = byte_at(e, map->end);
	if (begin < e->size && e->text[begin] == '{') {
		const char *put = map->count ? eg_arena_printf(&e->arena, ", %s", entry) : entry;
		while (map->count && end > begin + 1 && e->text[end - 2] == ' ') end--;
		return put ? splice(e, end - 1, end - 1, put, err) : no_memory(err);
	}
	if (!map->first || map->first->key_column < 1) return eg_fail(err, EG_ERR_ARG, "there is no line to write behind");
	while (end < e->size && e->text[end] != '\n') end++; /* behind a comment, too */
	const char *put = eg_arena_printf(&e->arena, "\n%*s%s", map->first->key_column - 1, "", entry);
	return put ? splice(e, end, end, put, err) : no_memory(err);
}

static eg_status replace(editing *e, const eg_tree *t, const char *value, eg_error *err) {
	size_t begin = byte_at(e, t->begin), end = byte_at(e, t->end);
	const char *put = begin == end ? eg_arena_printf(&e->arena, " %s", value) : value; /* there was nothing */
	return put ? splice(e, begin, end, put, err) : no_memory(err);
}

/* `data: fashion-mnist` is {source: fashion-mnist}. */
static eg_status widen_data(editing *e, eg_error *err) {
	const eg_tree *data = eg_tree_get(e->root, "data");
	if (!eg_tree_is_string(data)) return EG_OK;
	const char *flow = eg_tree_flow(&e->arena, data), *put = flow ? eg_arena_printf(&e->arena, "{source: %s}", flow) : NULL;
	return put ? replace(e, data, put, err) : no_memory(err);
}

/* One of the settings: as far down as the tree goes, and what is left of the path behind. */
static eg_status set(editing *e, const char *path, const char *value, eg_error *err) {
	const eg_tree *t;
	eg_status status = strncmp(path, "data.", 5) == 0 ? widen_data(e, err) : EG_OK;
	if (status) return status;
	t = e->root;
	while (*path) {
		size_t n = strcspn(path, ".");
		const eg_tree *inner = eg_tree_child(t, path, n);
		if (!inner) break;
		t = inner;
		path += n + (path[n] == '.');
	}
	if (!*path) return replace(e, t, value, err);
	const char *entry = nested(e, path, value);
	if (!entry) return no_memory(err);
	if (t->kind == EG_TREE_MAP) return add_key(e, t, entry, err);
	const char *put = eg_arena_printf(&e->arena, "{%s}", entry);
	return put ? replace(e, t, put, err) : no_memory(err);
}

static eg_status set_all(editing *e, const char *const *settings, eg_error *err) {
	eg_status status = look(e, err);
	for (; settings && *settings && !status; settings++) {
		const char *equals = strchr(*settings, '=');
		char *path = equals ? eg_arena_printf(&e->arena, "%.*s", (int)(equals - *settings), *settings) : NULL;
		status = path ? set(e, path, equals + 1, err) : no_memory(err);
	}
	return status;
}

static bool says_the_same(const editing *e, const char *name, const eg_recipe *meant) {
	eg_recipe *r = NULL;
	bool same = eg_recipe_parse(e->text, e->size, name, NULL, &r, NULL) == EG_OK &&
	            strcmp(eg_recipe_text(r), eg_recipe_text(meant)) == 0;
	eg_recipe_free(r);
	return same;
}

eg_status eg_recipe_edit(const char *text, size_t size, const char *name, const char *const *settings, char **edited,
	bool *commented, eg_error *err) {
	editing e = {.text = text, .size = size};
	eg_recipe *meant = NULL;
	*edited = NULL;
	eg_status status = eg_recipe_parse(text, size, name, settings, &meant, err);
	if (status) return status;
	status = set_all(&e, settings, NULL);
	*commented = !status && says_the_same(&e, name, meant);
	const char *result = *commented ? e.text : eg_recipe_text(meant);
	size_t n = *commented ? e.size : strlen(result);
	*edited = malloc(n + 1);
	if (*edited) {
		memcpy(*edited, result, n);
		(*edited)[n] = '\0';
	}
	eg_arena_free(&e.arena);
	eg_recipe_free(meant);
	return *edited ? EG_OK : no_memory(err);
}

eg_status eg_recipe_write(const eg_recipe *r, const char *const *settings, const char *path, bool *commented, eg_error *err) {
	char *text = NULL;
	eg_status status = eg_recipe_edit(r->written, r->written_size, r->source, settings, &text, commented, err);
	if (status) return status;
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (w) eg_writer_put(w, text, strlen(text));
	status = w ? eg_writer_commit(w, err) : EG_ERR_IO;
	free(text);
	return status;
}

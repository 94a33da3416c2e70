/* json.c - JSON text to a tree and back, with jansson. The only file that knows it. */
#include "io/tree.h"

#include <jansson.h>
#include <string.h>

static eg_status no_memory(eg_error *err, const char *source) {
	return eg_fail(err, EG_ERR_MEMORY, "%s: out of memory", source);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool convert(eg_tree_builder *b, eg_tree *parent, const char *key, const json_t *j, eg_tree **made);

static bool convert_all(eg_tree_builder *b, eg_tree *t, const json_t *j) {
	if (t->kind == EG_TREE_LIST) {
		for (size_t i = 0; i < json_array_size(j); i++)
			if (!convert(b, t, NULL, json_array_get(j, i), NULL)) return false;
		return true;
	}
	/* jansson iterates in the order of the text; its iterators want a non-const object but only read it. */
	json_t *object = (json_t *)j;
	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
		if (!convert(b, t, json_object_iter_key(it), json_object_iter_value(it), NULL)) return false;
	return true;
}

static bool convert(eg_tree_builder *b, eg_tree *parent, const char *key, const json_t *j, eg_tree **made) {
	eg_tree_kind kind = json_is_object(j) ? EG_TREE_MAP : json_is_array(j) ? EG_TREE_LIST : EG_TREE_SCALAR;
	eg_tree *before = parent ? parent->last : NULL;
	if (kind != EG_TREE_SCALAR) {
		eg_tree *t = kind == EG_TREE_MAP ? eg_tree_map(b, parent, key) : eg_tree_list(b, parent, key);
		if (made) *made = t;
		return t && convert_all(b, t, j);
	}
	if (json_is_string(j))
		eg_tree_string(b, parent, key, json_string_value(j));
	else if (json_is_integer(j))
		eg_tree_put_int(b, parent, key, json_integer_value(j));
	else if (json_is_real(j))
		eg_tree_put_double(b, parent, key, json_real_value(j));
	else
		eg_tree_literal(b, parent, key, json_is_null(j) ? "null" : json_is_true(j) ? "true" : "false");
	return !b->failed && (!parent || parent->last != before);
}

eg_status eg_json_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err) {
	json_error_t e;
	eg_tree_builder b = {arena, source, false};
	*root = NULL;
	json_t *j = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
	if (!j && json_error_code(&e) == json_error_out_of_memory) return no_memory(err, source);
	if (!j)
		return eg_fail(
			err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: %s", source, e.line, e.column, e.text);
	bool ok = convert(&b, NULL, NULL, j, root);
	json_decref(j);
	return ok ? EG_OK : no_memory(err, source);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static json_t *to_json(const eg_tree *t) {
	int64_t i;
	double d;
	bool b;
	if (t->kind == EG_TREE_LIST) {
		json_t *list = json_array();
		for (const eg_tree *c = t->first; list && c; c = c->next)
			if (json_array_append_new(list, to_json(c))) json_decref(list), list = NULL;
		return list;
	}
	if (t->kind == EG_TREE_MAP) {
		json_t *map = json_object();
		for (const eg_tree *c = t->first; map && c; c = c->next)
			if (json_object_set_new(map, c->key, to_json(c))) json_decref(map), map = NULL;
		return map;
	}
	if (t->quoted) return json_string(t->text);
	if (eg_tree_integer(t, &i)) return json_integer(i);
	if (eg_tree_number(t, &d)) return json_real(d);
	if (eg_tree_bool(t, &b)) return json_boolean(b);
	return strcmp(t->text, "null") ? json_string(t->text) : json_null();
}

eg_status eg_json_write(eg_arena *arena, const eg_tree *root, int indent, const char **text, eg_error *err) {
	json_t *j = to_json(root);
	size_t flags = indent ? JSON_INDENT(indent) | JSON_REAL_PRECISION(15) : JSON_COMPACT | JSON_REAL_PRECISION(17);
	char *dump = j ? json_dumps(j, flags | JSON_ENCODE_ANY) : NULL;
	json_decref(j);
	*text = dump ? eg_arena_strdup(arena, dump) : NULL;
	json_free_t release = NULL;
	json_get_alloc_funcs(NULL, &release);
	if (dump) release(dump);
	return *text ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a JSON text");
}

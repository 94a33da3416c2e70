/* json.c - JSON text to a tree and back, and to a tree of values, with jansson. The only file that knows it. */
#include "io/tree.h"
#include "io/value.h"

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

/* An object or array. */
static eg_status load(
	const char *text, size_t size, const char *source, size_t flags, json_t **j, eg_error *err) {
	json_error_t e;
	*j = json_loadb(text, size, flags | JSON_REJECT_DUPLICATES, &e);
	if (*j) return EG_OK;
	if (json_error_code(&e) == json_error_out_of_memory) return no_memory(err, source);
	return eg_fail(err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: %s", source, e.line, e.column, e.text);
}

eg_status eg_json_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err) {
	eg_tree_builder b = {arena, source, false};
	*root = NULL;
	json_t *j;
	eg_status status = load(text, size, source, 0, &j, err);
	if (status) return status;
	bool ok = convert(&b, NULL, NULL, j, root);
	json_decref(j);
	return ok ? EG_OK : no_memory(err, source);
}

/* ---- reading values ---------------------------------------------------------------------------------------------- */

/* Looks at the brackets and commas outside of texts before jansson takes memory and stack for them. */
static eg_status check_limits(const char *text, size_t size, const char *source, eg_error *err) {
	int line = 1, column = 0, depth = 0, nodes = 1;
	bool quoted = false;
	if (size > EG_VALUE_BYTES)
		return eg_fail(err, EG_ERR_FORMAT, "%s: %zu bytes of JSON, at most %d are read", source, size,
			EG_VALUE_BYTES);
	for (size_t i = 0; i < size; i++) {
		char c = text[i];
		column = c == '\n' ? 0 : column + (((unsigned char)c & 0xc0) != 0x80);
		line += c == '\n';
		if (quoted && c == '\\' && i + 1 < size && text[i + 1] != '\n') i++, column++;
		if (c == '"') quoted = !quoted;
		if (quoted) continue;
		bool opens = c == '[' || c == '{';
		depth += opens ? 1 : c == ']' || c == '}' ? -1 : 0;
		nodes += opens || c == ',';
		if (depth > EG_VALUE_DEPTH + 1)
			return eg_fail(err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: nested more than %d deep",
				source, line, column, EG_VALUE_DEPTH);
		if (nodes > EG_VALUE_NODES)
			return eg_fail(err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: more than %d values", source,
				line, column, EG_VALUE_NODES);
	}
	return EG_OK;
}

static void put_inside(eg_value *v, const json_t *j);

static void put(eg_value *parent, const char *key, const json_t *j) {
	switch (json_typeof(j)) {
	case JSON_OBJECT: put_inside(eg_value_put_map(parent, key), j); break;
	case JSON_ARRAY: put_inside(eg_value_put_list(parent, key), j); break;
	case JSON_STRING: eg_value_put_bytes(parent, key, json_string_value(j), json_string_length(j)); break;
	case JSON_INTEGER: eg_value_put_int(parent, key, json_integer_value(j)); break;
	case JSON_REAL: eg_value_put_number(parent, key, json_real_value(j)); break;
	case JSON_NULL: eg_value_put_null(parent, key); break;
	default: eg_value_put_bool(parent, key, json_is_true(j)); break;
	}
}

static void put_inside(eg_value *v, const json_t *j) {
	for (size_t i = 0; v && i < json_array_size(j); i++) put(v, NULL, json_array_get(j, i));
	json_t *object = (json_t *)j;
	for (void *it = json_object_iter(object); v && it; it = json_object_iter_next(object, it))
		put(v, json_object_iter_key(it), json_object_iter_value(it));
}

eg_status eg_value_parse(const char *text, size_t size, const char *name, eg_value **root, eg_error *err) {
	json_t *j;
	*root = NULL;
	eg_status status = check_limits(text, size, name, err);
	if (!status) status = load(size ? text : "", size, name, JSON_ALLOW_NUL, &j, err);
	if (status) return status;
	eg_value *v = eg_value_new(json_is_object(j) ? EG_VALUE_MAP : EG_VALUE_LIST);
	put_inside(v, j);
	json_decref(j);
	if (eg_value_whole(v)) {
		*root = v;
		return EG_OK;
	}
	eg_value_free(v);
	return no_memory(err, name);
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

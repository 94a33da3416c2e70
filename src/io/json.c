/* json.c - JSON (RFC 8259) to a tree and back, and to a tree of values; read with jansson. The only file that knows it.
 *
 * jansson is not safe without memory: pieces are left out, or NULL is read. So each text is read in a pool of its own
 * (json_pool.h), where it never is without; the pool ends when what was read stands in our tree. Not here: values to
 * JSON (value_json.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* newlocale */
#endif
#include "engram_text.h"
#include "io/json_pool.h"
#include "io/tree.h"
#include "io/value.h"

#include <jansson.h>
#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

static eg_status no_memory(eg_error *err, const char *source) {
	return eg_fail(err, EG_ERR_MEMORY, "%s: out of memory", source);
}

/* ---- jansson's memory -------------------------------------------------------------------------------------------- */

/* jansson has one pair of functions for the whole process. Ours serve threads that read a text of ours; for all others
 * they call those that were there before. */
static _Atomic(json_malloc_t) others_take;
static _Atomic(json_free_t) others_give;

static void *take(size_t bytes) {
	eg_json_pool *p = eg_json_pool_here();
	return p ? eg_json_pool_take(p, bytes) : atomic_load(&others_take)(bytes);
}

static void give(void *piece) {
	if (!eg_json_pool_here()) atomic_load(&others_give)(piece);
}

/* Somebody may have set functions after us. That is well if they call ours, which a first piece shows. */
static bool reaches_us(json_malloc_t others, json_free_t release, const eg_json_pool *p) {
	if (others == take) return true;
	size_t used = p->used;
	void *piece = others(1);
	if (piece) release(piece);
	return p->used > used;
}

static void set_functions(const eg_json_pool *p) {
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	json_malloc_t others;
	json_free_t release;
	pthread_mutex_lock(&lock);
	json_get_alloc_funcs(&others, &release);
	if (!reaches_us(others, release, p)) {
		atomic_store(&others_take, others);
		atomic_store(&others_give, release);
		json_set_alloc_funcs(take, give);
	}
	pthread_mutex_unlock(&lock);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct reading {
	const char *text;
	size_t size, flags;
	eg_json_pool pool;
	json_t *root; /* in the pool */
	json_error_t error;
} reading;

static void load(void *user) {
	reading *r = user;
	set_functions(&r->pool);
	r->root = json_loadb(r->text, r->size, r->flags | JSON_REJECT_DUPLICATES, &r->error);
}

/* An object or array; on success r->pool is to be freed. jansson takes the decimal point from the locale, which an
 * embedding program may have changed, and ends the process where it is more than a byte. */
static eg_status read_text(reading *r, const eg_json_limits *limits, const char *source, eg_error *err) {
	size_t room;
	eg_status status = eg_json_survey(r->text, r->size, source, limits, &room, err);
	if (status) return status;
	locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (!c) return no_memory(err, source);
	locale_t before = uselocale(c);
	bool done = eg_json_pool_run(&r->pool, room, load, r);
	uselocale(before);
	freelocale(c);
	if (!done) return no_memory(err, source);
	if (r->root) return EG_OK;
	eg_json_pool_free(&r->pool);
	return eg_fail(err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: %s", source, r->error.line, r->error.column,
		r->error.text);
}

/* Puts what j is, an object or array without what it holds, into `parent` and returns it; NULL: out of memory. */
typedef void *putter(eg_tree_builder *b, void *parent, const char *key, const json_t *j);

/* What j holds, in the order of the text; a scalar holds nothing. */
static bool fill(putter *put, eg_tree_builder *b, void *node, const json_t *j) {
	json_t *object = (json_t *)j; /* iterators want it non-const but only read it */
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *c = json_array_get(j, i);
		void *child = put(b, node, NULL, c);
		if (!child || !fill(put, b, child, c)) return false;
	}
	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		const json_t *c = json_object_iter_value(it);
		void *child = put(b, node, json_object_iter_key(it), c);
		if (!child || !fill(put, b, child, c)) return false;
	}
	return true;
}

static void *put_in_tree(eg_tree_builder *b, void *parent, const char *key, const json_t *j) {
	eg_tree *t = parent;
	switch (json_typeof(j)) {
	case JSON_OBJECT: return eg_tree_map(b, t, key);
	case JSON_ARRAY: return eg_tree_list(b, t, key);
	case JSON_STRING: eg_tree_string(b, t, key, json_string_value(j)); break;
	case JSON_INTEGER: eg_tree_put_int(b, t, key, json_integer_value(j)); break;
	case JSON_REAL: eg_tree_put_double(b, t, key, json_real_value(j)); break;
	case JSON_NULL: eg_tree_literal(b, t, key, "null"); break;
	default: eg_tree_literal(b, t, key, json_is_true(j) ? "true" : "false"); break;
	}
	return b->failed ? NULL : t->last;
}

eg_status eg_json_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err) {
	static const eg_json_limits limits = {EG_TREE_DEPTH + 1, EG_JSON_NODES};
	reading r = {.text = text, .size = size};
	eg_tree_builder b = {arena, source, false};
	*root = NULL;
	eg_status status = read_text(&r, &limits, source, err);
	if (status) return status;
	eg_tree *t = eg_tree_new(&b, json_is_object(r.root) ? EG_TREE_MAP : EG_TREE_LIST);
	if (t && fill(put_in_tree, &b, t, r.root)) *root = t;
	eg_json_pool_free(&r.pool);
	return *root ? EG_OK : no_memory(err, source);
}

static void *put_value(eg_tree_builder *b, void *parent, const char *key, const json_t *j) {
	EG_UNUSED(b);
	switch (json_typeof(j)) {
	case JSON_OBJECT: return eg_value_put_map(parent, key);
	case JSON_ARRAY: return eg_value_put_list(parent, key);
	case JSON_STRING: return eg_value_put_bytes(parent, key, json_string_value(j), json_string_length(j));
	case JSON_INTEGER: return eg_value_put_int(parent, key, json_integer_value(j));
	case JSON_REAL: return eg_value_put_number(parent, key, json_real_value(j));
	case JSON_NULL: return eg_value_put_null(parent, key);
	default: return eg_value_put_bool(parent, key, json_is_true(j));
	}
}

eg_status eg_value_parse(const char *text, size_t size, const char *name, eg_value **root, eg_error *err) {
	static const eg_json_limits limits = {EG_VALUE_DEPTH + 1, EG_VALUE_NODES};
	size_t mark = eg_utf8_mark(text, size);
	reading r = {.text = size ? text + mark : "", .size = size - mark, .flags = JSON_ALLOW_NUL};
	*root = NULL;
	if (r.size > EG_VALUE_BYTES)
		return eg_fail(err, EG_ERR_FORMAT, "%s: %zu bytes of JSON, at most %d are read", name, r.size,
			EG_VALUE_BYTES);
	eg_status status = read_text(&r, &limits, name, err);
	if (status) return status;
	eg_value *v = eg_value_new(json_is_object(r.root) ? EG_VALUE_MAP : EG_VALUE_LIST);
	bool done = v && fill(put_value, NULL, v, r.root);
	eg_json_pool_free(&r.pool);
	if (done) {
		*root = v;
		return EG_OK;
	}
	eg_value_free(v);
	return no_memory(err, name);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct writer {
	eg_value_out out;
	int nodes;
	bool odd; /* a text that is not UTF-8 */
} writer;

static void check_text(writer *w, const char *text) {
	size_t size = strlen(text);
	for (size_t i = 0; i < size && !w->odd;) {
		int n = eg_utf8_length(text + i, size - i);
		w->odd = n == 0;
		i += (size_t)n;
	}
}

static void write_scalar(writer *w, const eg_tree *t) {
	char text[EG_TREE_NUMBER];
	int64_t i;
	double d;
	bool b;
	if (!t->quoted && (eg_tree_bool(t, &b) || !strcmp(t->text, "null"))) {
		eg_value_out_text(&w->out, t->text);
	} else if (eg_tree_integer(t, &i)) {
		snprintf(text, sizeof text, "%lld", (long long)i);
		eg_value_out_text(&w->out, text);
	} else if (eg_tree_number(t, &d)) {
		eg_value_out_text(&w->out, eg_tree_shortest(text, d));
	} else {
		check_text(w, t->text);
		eg_value_out_quoted(&w->out, t->text, strlen(t->text));
	}
}

static void write_tree(writer *w, const eg_tree *t) {
	bool map = t->kind == EG_TREE_MAP;
	w->nodes++;
	if (t->kind == EG_TREE_SCALAR) {
		write_scalar(w, t);
		return;
	}
	eg_value_out_open(&w->out, map);
	for (const eg_tree *c = t->first; c; c = c->next) {
		if (map) check_text(w, c->key);
		eg_value_out_next(&w->out, c == t->first, map ? c->key : NULL);
		write_tree(w, c);
	}
	eg_value_out_close(&w->out, map, t->first == NULL);
}

eg_status eg_json_write(eg_arena *arena, const eg_tree *root, int indent, const char **text, eg_error *err) {
	writer w = {.out = {.dense = indent == 0, .indent = indent}};
	char *written;
	*text = NULL;
	write_tree(&w, root);
	eg_status status = eg_value_out_take(&w.out, &written, NULL, err);
	if (!status && w.odd) status = eg_fail(err, EG_ERR_ARG, "a text for JSON that is not UTF-8");
	if (!status && w.nodes > EG_JSON_NODES) /* it could not be read again */
		status = eg_fail(
			err, EG_ERR_ARG, "a JSON text of %d values; at most %d are read", w.nodes, EG_JSON_NODES);
	if (!status && !(*text = eg_arena_strdup(arena, written)))
		status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a JSON text");
	free(written);
	return status;
}

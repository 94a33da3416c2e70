/* json.c - JSON (RFC 8259) to a tree and back, and to a tree of values.
 *
 * Read here and not by a library: what is read goes straight into our trees, so its size is bounded by a budget of nodes
 * before memory is asked for, and to be without memory is one check at one place. Libraries build a tree of their own
 * first, from many small pieces; those at hand lose some of them, or crash, when there is no memory, and can be given
 * other memory only for the whole process, which is not ours. Not here: values to JSON (value_json.c). */
#include "engram_text.h"
#include "io/tree.h"
#include "io/value.h"

#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err, const char *source) {
	return eg_fail(err, EG_ERR_MEMORY, "%s: out of memory", source);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef enum item_kind {
	ITEM_MAP,
	ITEM_LIST,
	ITEM_TEXT,
	ITEM_INT,
	ITEM_NUMBER,
	ITEM_TRUE,
	ITEM_FALSE,
	ITEM_NULL
} item_kind;

/* What is put into a tree: a scalar, or a map or list that is filled afterwards. */
typedef struct item {
	item_kind kind;
	const char *key; /* NULL: the root, or in a list */
	const char *text;
	size_t size;
	int64_t whole;
	double number;
} item;

typedef struct scratch {
	char *data;
	size_t room;
} scratch;

typedef struct reader reader;
struct reader {
	const char *begin, *at, *end, *source;
	eg_error *err;
	int depth, deepest, nodes, most;
	bool zeros;        /* texts may hold U+0000 */
	scratch key, text; /* the latest of each, without escapes */
	/* Puts it into `parent` (NULL: it is the root), returns it; NULL: out of memory. */
	void *(*put)(reader *r, void *parent, const item *it);
	bool (*has)(const void *map, const char *key); /* asked before each put; NULL: `twice` is asked when a map ends */
	const char *(*twice)(reader *r, const void *map);
	void *root;
	eg_tree_builder *b; /* of a tree */
};

/* Line and column of a place are found when they are wanted. */
static eg_status fail_at(const reader *r, const char *place, const char *fmt, ...) EG_PRINTF(3, 4);
static eg_status fail_at(const reader *r, const char *place, const char *fmt, ...) {
	char what[200];
	int line = 1, column = 1;
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	for (const char *s = r->begin; s < place; s++) {
		line += *s == '\n';
		column = *s == '\n' ? 1 : column + (((unsigned char)*s & 0xC0) != 0x80);
	}
	return eg_fail(r->err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: %s", r->source, line, column, what);
}

static eg_status unexpected(const reader *r, const char *expected) {
	unsigned char c = r->at < r->end ? (unsigned char)*r->at : 0;
	if (r->at == r->end) return fail_at(r, r->at, "the text ends here; expected %s", expected);
	if (c <= 0x20 || c >= 0x7f) return fail_at(r, r->at, "unexpected byte 0x%02x; expected %s", c, expected);
	return fail_at(r, r->at, "unexpected '%c'; expected %s", c, expected);
}

static void skip_blanks(reader *r) {
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')) r->at++;
}

static bool next_is(const reader *r, char c) { return r->at < r->end && *r->at == c; }

static bool take(reader *r, char c) {
	if (!next_is(r, c)) return false;
	r->at++;
	return true;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static int hex4(const reader *r) {
	int v = 0;
	if (r->end - r->at < 4) return -1;
	for (int i = 0; i < 4; i++) {
		char c = r->at[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
		            : c >= 'a' && c <= 'f' ? c - 'a' + 10
		            : c >= 'A' && c <= 'F' ? c - 'A' + 10
		                                   : -1;
		if (digit < 0) return -1;
		v = 16 * v + digit;
	}
	return v;
}

/* Behind "\u": the character, which may be a pair of them. */
static eg_status unicode(reader *r, int *code) {
	const char *place = r->at - 2;
	int v = hex4(r), low;
	if (v < 0) return fail_at(r, place, "\\u needs four hexadecimal digits");
	r->at += 4;
	if (v >= 0xD800 && v <= 0xDFFF) {
		bool pair = v < 0xDC00 && take(r, '\\') && take(r, 'u') && (low = hex4(r)) >= 0xDC00 && low <= 0xDFFF;
		if (!pair) return fail_at(r, place, "half of a pair of surrogates is no character");
		r->at += 4;
		v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
	}
	*code = v;
	return EG_OK;
}

static char *put_utf8(char *to, int c) {
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char first[] = {0, 0xC0, 0xE0, 0xF0};
	*to++ = (char)(first[more] | (unsigned)(c >> 6 * more));
	while (more-- > 0) *to++ = (char)(0x80 | ((unsigned)(c >> 6 * more) & 0x3F));
	return to;
}

static eg_status escape(reader *r, bool zeros, char **to) {
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	const char *place = r->at - 1, *known = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;
	int code = 0;
	if (known) {
		*(*to)++ = into[known - from];
		r->at++;
		return EG_OK;
	}
	if (!take(r, 'u')) return fail_at(r, place, "an escape (\\) that JSON does not have");
	eg_status status = unicode(r, &code);
	if (status) return status;
	if (code == 0 && !zeros) return fail_at(r, place, "\\u0000 is not allowed here");
	*to = put_utf8(*to, code);
	return EG_OK;
}

/* Bytes up to the quote that ends the text; decoded it is no longer. */
static eg_status make_room(reader *r, scratch *s) {
	const char *p = r->at;
	while (p < r->end && *p != '"') p += 1 + (*p == '\\' && p + 1 < r->end);
	if (p >= r->end) return fail_at(r, r->at - 1, "this text has no end");
	size_t room = (size_t)(p - r->at) + 1;
	if (room <= s->room) return EG_OK;
	if (room < 2 * s->room) room = 2 * s->room;
	eg_release(NULL, s->data);
	s->data = eg_alloc(NULL, room);
	s->room = s->data ? room : 0;
	return s->data ? EG_OK : no_memory(r->err, r->source);
}

static eg_status read_text(reader *r, scratch *s, bool zeros, size_t *size) {
	r->at++;
	eg_status status = make_room(r, s);
	char *to = s->data;
	while (!status && !take(r, '"')) {
		unsigned char c = (unsigned char)*r->at;
		int n = eg_utf8_length(r->at, (size_t)(r->end - r->at));
		if (c < 0x20) return fail_at(r, r->at, "a control character (0x%02x) in a text is written as \\u%04x", c, c);
		if (n == 0) return fail_at(r, r->at, "byte 0x%02x is not UTF-8", c);
		if (c == '\\') {
			r->at++;
			status = escape(r, zeros, &to);
		} else {
			memcpy(to, r->at, (size_t)n);
			to += n;
			r->at += n;
		}
	}
	if (status) return status;
	*to = '\0';
	*size = (size_t)(to - s->data);
	return EG_OK;
}

/* ---- numbers and words ------------------------------------------------------------------------------------------- */

static const char *digits(const reader *r, const char *s) {
	while (s < r->end && *s >= '0' && *s <= '9') s++;
	return s;
}

/* Where the number that begins here ends, by the grammar; NULL: it is none. */
static const char *number_end(const reader *r, bool *whole) {
	const char *s = r->at + next_is(r, '-'), *e = digits(r, s);
	*whole = true;
	if (e == s || (*s == '0' && e > s + 1)) return NULL;
	if (e < r->end && *e == '.') {
		*whole = false;
		s = e + 1, e = digits(r, s);
		if (e == s) return NULL;
	}
	if (e < r->end && (*e == 'e' || *e == 'E')) {
		*whole = false;
		s = e + 1;
		if (s < r->end && (*s == '+' || *s == '-')) s++;
		e = digits(r, s);
		if (e == s) return NULL;
	}
	return e;
}

static eg_status read_number(reader *r, item *it) {
	char text[100];
	const eg_tree t = {.kind = EG_TREE_SCALAR, .text = text};
	bool whole;
	const char *end = number_end(r, &whole);
	if (!end) return fail_at(r, r->at, "not a number as JSON writes them");
	size_t n = (size_t)(end - r->at);
	if (n >= sizeof text) return fail_at(r, r->at, "a number of %zu characters; at most 99 are read", n);
	memcpy(text, r->at, n);
	text[n] = '\0';
	if (whole && !eg_tree_integer(&t, &it->whole))
		return fail_at(r, r->at, "the whole number does not fit into 64 bits");
	if (!whole && !eg_tree_number(&t, &it->number)) return fail_at(r, r->at, "the number is too large for a double");
	it->kind = whole ? ITEM_INT : ITEM_NUMBER;
	r->at = end;
	return EG_OK;
}

static eg_status read_word(reader *r, item *it) {
	static const struct {
		const char *word;
		item_kind kind;
	} words[] = {{"true", ITEM_TRUE}, {"false", ITEM_FALSE}, {"null", ITEM_NULL}};
	for (int i = 0; i < EG_COUNT(words); i++) {
		size_t n = strlen(words[i].word);
		if ((size_t)(r->end - r->at) < n || memcmp(r->at, words[i].word, n) != 0) continue;
		it->kind = words[i].kind;
		r->at += n;
		return EG_OK;
	}
	return unexpected(r, "a value");
}

/* ---- values in values -------------------------------------------------------------------------------------------- */

static eg_status read_value(reader *r, void *parent, const char *key);

static eg_status read_key(reader *r, const void *map) {
	size_t size;
	skip_blanks(r);
	const char *place = r->at;
	if (!next_is(r, '"')) return unexpected(r, "a key in double quotes");
	eg_status status = read_text(r, &r->key, false, &size);
	if (status) return status;
	if (r->has && r->has(map, r->key.data)) return fail_at(r, place, "the key '%.60s' is given twice", r->key.data);
	skip_blanks(r);
	return take(r, ':') ? EG_OK : unexpected(r, "a ':'");
}

/* What stands in a map or list, and the bracket at its end. */
static eg_status read_inside(reader *r, void *node, bool map) {
	char end = map ? '}' : ']';
	r->depth++;
	skip_blanks(r);
	for (bool any = false; !take(r, end); any = true) {
		if (any && !take(r, ',')) return unexpected(r, map ? "',' or '}'" : "',' or ']'");
		eg_status status = map ? read_key(r, node) : EG_OK;
		if (!status) status = read_value(r, node, map ? r->key.data : NULL);
		if (status) return status;
		skip_blanks(r);
	}
	r->depth--;
	const char *twice = map && r->twice ? r->twice(r, node) : NULL;
	return twice ? fail_at(r, r->at - 1, "the key '%.60s' is given twice", twice) : EG_OK;
}

static eg_status read_value(reader *r, void *parent, const char *key) {
	item it = {.key = key};
	eg_status status = EG_OK;
	skip_blanks(r);
	if (++r->nodes > r->most) return fail_at(r, r->at, "more than %d values", r->most);
	char c = r->at < r->end ? *r->at : '\0';
	if (c == '{' || c == '[') {
		if (r->depth == r->deepest) return fail_at(r, r->at, "nested more than %d deep", r->deepest - 1);
		it.kind = c == '{' ? ITEM_MAP : ITEM_LIST;
		r->at++;
	} else if (c == '"') {
		it.kind = ITEM_TEXT;
		status = read_text(r, &r->text, r->zeros, &it.size);
		it.text = r->text.data;
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		status = read_number(r, &it);
	} else {
		status = read_word(r, &it);
	}
	if (status) return status;
	void *node = r->put(r, parent, &it);
	if (!node) return no_memory(r->err, r->source);
	return it.kind == ITEM_MAP || it.kind == ITEM_LIST ? read_inside(r, node, it.kind == ITEM_MAP) : EG_OK;
}

/* An object or an array, and nothing behind it. */
static eg_status read_all(reader *r, const char *text, size_t size) {
	r->begin = r->at = text;
	r->end = text + size;
	skip_blanks(r);
	eg_status status = next_is(r, '{') || next_is(r, '[') ? read_value(r, NULL, NULL) : unexpected(r, "'{' or '['");
	skip_blanks(r);
	if (!status && r->at < r->end) status = unexpected(r, "the end of the text");
	eg_release(NULL, r->key.data);
	eg_release(NULL, r->text.data);
	return status;
}

/* ---- trees ------------------------------------------------------------------------------------------------------- */

static void *put_in_tree(reader *r, void *parent, const item *it) {
	eg_tree *t = parent;
	if (!t) return r->root = eg_tree_new(r->b, it->kind == ITEM_MAP ? EG_TREE_MAP : EG_TREE_LIST);
	switch (it->kind) {
	case ITEM_MAP: return eg_tree_map(r->b, t, it->key);
	case ITEM_LIST: return eg_tree_list(r->b, t, it->key);
	case ITEM_TEXT: eg_tree_string(r->b, t, it->key, it->text); break;
	case ITEM_INT: eg_tree_put_int(r->b, t, it->key, it->whole); break;
	case ITEM_NUMBER: eg_tree_put_double(r->b, t, it->key, it->number); break;
	case ITEM_TRUE: eg_tree_literal(r->b, t, it->key, "true"); break;
	case ITEM_FALSE: eg_tree_literal(r->b, t, it->key, "false"); break;
	default: eg_tree_literal(r->b, t, it->key, "null"); break;
	}
	return r->b->failed ? NULL : t->last;
}

static int by_key(const void *x, const void *y) {
	const eg_tree *const *a = x, *const *b = y;
	return strcmp((*a)->key, (*b)->key);
}

/* A key that the map has twice; NULL: none. Sorted, so that nobody's choice of keys makes it slow. */
static const char *twice_in_tree(reader *r, const void *map) {
	const eg_tree *t = map;
	if (t->count < 2) return NULL;
	const eg_tree **all = eg_arena_alloc(r->b->arena, (size_t)t->count * sizeof *all);
	if (!all) {
		r->b->failed = true;
		return NULL;
	}
	int n = 0;
	for (const eg_tree *c = t->first; c; c = c->next) all[n++] = c;
	qsort(all, (size_t)n, sizeof *all, by_key);
	for (int i = 1; i < n; i++)
		if (!strcmp(all[i - 1]->key, all[i]->key)) return all[i]->key;
	return NULL;
}

eg_status eg_json_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err) {
	eg_tree_builder b = {arena, source, false};
	reader r = {.source = source,
		.err = err,
		.deepest = EG_TREE_DEPTH + 1,
		.most = EG_JSON_NODES,
		.put = put_in_tree,
		.twice = twice_in_tree,
		.b = &b};
	eg_status status = read_all(&r, text, size);
	if (!status && b.failed) status = no_memory(err, source);
	*root = status ? NULL : r.root;
	return status;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void *put_value(reader *r, void *parent, const item *it) {
	if (!parent) return r->root = eg_value_new(it->kind == ITEM_MAP ? EG_VALUE_MAP : EG_VALUE_LIST);
	switch (it->kind) {
	case ITEM_MAP: return eg_value_put_map(parent, it->key);
	case ITEM_LIST: return eg_value_put_list(parent, it->key);
	case ITEM_TEXT: return eg_value_put_bytes(parent, it->key, it->text, it->size);
	case ITEM_INT: return eg_value_put_int(parent, it->key, it->whole);
	case ITEM_NUMBER: return eg_value_put_number(parent, it->key, it->number);
	case ITEM_NULL: return eg_value_put_null(parent, it->key);
	default: return eg_value_put_bool(parent, it->key, it->kind == ITEM_TRUE);
	}
}

static bool has_value(const void *map, const char *key) { return eg_value_get(map, key) != NULL; }

eg_status eg_value_parse(const char *text, size_t size, const char *name, eg_value **root, eg_error *err) {
	reader r = {.source = name,
		.err = err,
		.deepest = EG_VALUE_DEPTH + 1,
		.most = EG_VALUE_NODES,
		.zeros = true,
		.put = put_value,
		.has = has_value};
	size_t mark = eg_utf8_mark(text, size);
	*root = NULL;
	text += mark, size -= mark;
	if (size > EG_VALUE_BYTES)
		return eg_fail(err, EG_ERR_FORMAT, "%s: %zu bytes of JSON, at most %d are read", name, size,
			EG_VALUE_BYTES);
	eg_status status = read_all(&r, size ? text : "", size);
	if (status)
		eg_value_free(r.root);
	else
		*root = r.root;
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct writer {
	eg_value_out out;
	int indent; /* 0: compact */
	int nodes;
	bool odd; /* a text that is not UTF-8 */
} writer;

static void write_text(writer *w, const char *text) {
	size_t size = strlen(text);
	for (size_t i = 0; i < size && !w->odd;) {
		int n = eg_utf8_length(text + i, size - i);
		w->odd = n == 0;
		i += (size_t)n;
	}
	eg_value_out_quoted(&w->out, text, size);
}

static void write_line(writer *w, int level) {
	if (w->indent == 0) return;
	eg_value_out_put(&w->out, "\n", 1);
	for (int i = 0; i < level * w->indent; i++) eg_value_out_put(&w->out, " ", 1);
}

static void write_scalar(writer *w, const eg_tree *t) {
	char text[EG_TREE_NUMBER];
	int64_t i;
	double d;
	bool b;
	bool word = !t->quoted && (eg_tree_bool(t, &b) || !strcmp(t->text, "null"));
	if (word)
		eg_value_out_text(&w->out, t->text);
	else if (eg_tree_integer(t, &i))
		snprintf(text, sizeof text, "%lld", (long long)i), eg_value_out_text(&w->out, text);
	else if (eg_tree_number(t, &d))
		eg_value_out_text(&w->out, eg_tree_shortest(text, d));
	else
		write_text(w, t->text);
}

static void write_tree(writer *w, const eg_tree *t, int level) {
	bool map = t->kind == EG_TREE_MAP;
	w->nodes++;
	if (t->kind == EG_TREE_SCALAR) {
		write_scalar(w, t);
		return;
	}
	eg_value_out_put(&w->out, map ? "{" : "[", 1);
	for (const eg_tree *c = t->first; c; c = c->next) {
		write_line(w, level + 1);
		if (map) write_text(w, c->key);
		if (map) eg_value_out_text(&w->out, w->indent ? ": " : ":");
		write_tree(w, c, level + 1);
		if (c->next) eg_value_out_put(&w->out, ",", 1);
	}
	if (t->first) write_line(w, level);
	eg_value_out_put(&w->out, map ? "}" : "]", 1);
}

eg_status eg_json_write(eg_arena *arena, const eg_tree *root, int indent, const char **text, eg_error *err) {
	writer w = {.indent = indent};
	char *written;
	*text = NULL;
	write_tree(&w, root, 0);
	eg_status status = eg_value_out_take(&w.out, &written, NULL, err);
	if (!status && w.odd) status = eg_fail(err, EG_ERR_ARG, "a text for JSON that is not UTF-8");
	if (!status && w.nodes > EG_JSON_NODES) /* it could not be read again */
		status = eg_fail(err, EG_ERR_ARG, "a JSON text of %d values; at most %d are read", w.nodes, EG_JSON_NODES);
	if (!status && !(*text = eg_arena_strdup(arena, written)))
		status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a JSON text");
	free(written);
	return status;
}

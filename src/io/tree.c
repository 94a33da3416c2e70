/* tree.c - searching and building trees; numbers; messages that say where. See tree.h. */
#include "io/tree.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- searching --------------------------------------------------------------------------------------------------- */

static eg_tree *get(const eg_tree *map, const char *key, size_t length) {
	if (!map || map->kind != EG_TREE_MAP) return NULL;
	for (eg_tree *t = map->first; t; t = t->next)
		if (strncmp(t->key, key, length) == 0 && !t->key[length]) return t;
	return NULL;
}

eg_tree *eg_tree_get(const eg_tree *map, const char *key) { return get(map, key, strlen(key)); }

eg_tree *eg_tree_at(const eg_tree *list, int i) {
	if (!list || list->kind != EG_TREE_LIST || i < 0) return NULL;
	eg_tree *t = list->first;
	while (t && i-- > 0) t = t->next;
	return t;
}

eg_tree *eg_tree_child(const eg_tree *t, const char *name, size_t length) {
	if (t && t->kind == EG_TREE_LIST) {
		int i = 0;
		if (length == 0 || length > 6) return NULL;
		for (size_t k = 0; k < length; k++) {
			if (!isdigit((unsigned char)name[k])) return NULL;
			i = 10 * i + (name[k] - '0');
		}
		return eg_tree_at(t, i);
	}
	return get(t, name, length);
}

eg_tree *eg_tree_find(const eg_tree *root, const char *path) {
	const eg_tree *t = root;
	while (t && *path) {
		size_t length = strcspn(path, ".");
		t = eg_tree_child(t, path, length);
		path += length + (path[length] == '.');
	}
	return (eg_tree *)t;
}

/* ---- scalars ----------------------------------------------------------------------------------------------------- */

static bool plain(const eg_tree *t) { return t && t->kind == EG_TREE_SCALAR && !t->quoted; }

static const char *digits(const char *s, int *n) {
	while (isdigit((unsigned char)*s)) s++, (*n)++;
	return s;
}

bool eg_tree_number(const eg_tree *t, double *v) {
	char copy[128];
	if (!plain(t) || strlen(t->text) >= sizeof copy - 16) return false;
	const char *s = t->text;
	int n = 0, exponent = 0;
	if (*s == '+' || *s == '-') s++;
	s = digits(s, &n);
	size_t whole = (size_t)(s - t->text);
	bool point = *s == '.';
	if (point) s = digits(s + 1, &n);
	if (n == 0) return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-') s++;
		s = digits(s, &exponent);
		if (exponent == 0) return false;
	}
	if (*s) return false;
	/* strtod wants the decimal point of the locale, which an embedding program may have changed. */
	const char *decimal = localeconv()->decimal_point;
	if (strlen(decimal) > 15) return false;
	if (point)
		snprintf(copy, sizeof copy, "%.*s%s%s", (int)whole, t->text, decimal, t->text + whole + 1);
	else
		snprintf(copy, sizeof copy, "%s", t->text);
	char *end = NULL;
	double d = strtod(copy, &end);
	if (*end || !isfinite(d)) return false;
	*v = d;
	return true;
}

char *eg_tree_point(char *number) {
	char *begin = number + strcspn(number, ".0123456789");
	begin += strspn(begin, "0123456789");
	size_t length = strcspn(begin, "0123456789eE");
	if (length == 0 || !isdigit((unsigned char)begin[length])) return number;
	*begin = '.';
	memmove(begin + 1, begin + length, strlen(begin + length) + 1);
	return number;
}

bool eg_tree_integer(const eg_tree *t, int64_t *v) {
	if (!plain(t)) return false;
	const char *s = t->text;
	int n = 0;
	if (*s == '+' || *s == '-') s++;
	if (*digits(s, &n) || n == 0) return false;
	errno = 0;
	long long value = strtoll(t->text, NULL, 10);
	if (errno) return false;
	*v = value;
	return true;
}

bool eg_tree_bool(const eg_tree *t, bool *v) {
	if (!plain(t)) return false;
	bool yes = !strcmp(t->text, "true");
	if (!yes && strcmp(t->text, "false")) return false;
	*v = yes;
	return true;
}

bool eg_tree_is_nothing(const eg_tree *t) {
	return !t || (plain(t) && (!*t->text || !strcmp(t->text, "~") || !strcmp(t->text, "null")));
}

bool eg_tree_is_string(const eg_tree *t) {
	double d;
	bool b;
	if (!t || t->kind != EG_TREE_SCALAR) return false;
	return t->quoted || (!eg_tree_is_nothing(t) && !eg_tree_number(t, &d) && !eg_tree_bool(t, &b));
}

const char *eg_tree_describe(const eg_tree *t, char *buf, size_t size) {
	double d;
	bool b;
	if (t->kind == EG_TREE_MAP)
		snprintf(buf, size, "a map");
	else if (t->kind == EG_TREE_LIST)
		snprintf(buf, size, "a list");
	else if (eg_tree_is_nothing(t))
		snprintf(buf, size, "nothing");
	else if (eg_tree_number(t, &d))
		snprintf(buf, size, "the number %.40s", t->text);
	else if (eg_tree_bool(t, &b))
		snprintf(buf, size, "%s", t->text);
	else if (strlen(t->text) > 40)
		snprintf(buf, size, "a long text");
	else
		snprintf(buf, size, "'%s'", t->text);
	return buf;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void prefix(eg_error *err, const eg_tree *t, int line, int column) {
	const char *source = t->source ? t->source : "text";
	if (line > 0)
		eg_fail_prefix(err, "%.400s:%d:%d", source, line, column);
	else
		eg_fail_prefix(err, "%.400s", source);
}

void eg_tree_prefix(eg_error *err, const eg_tree *t) { prefix(err, t, t->line, t->column); }

/* The last part of both eg_tree_fail: formats, then puts the place before it. */
#define FAIL_AT(line, column) \
	char text[600]; \
	va_list args; \
	va_start(args, fmt); \
	vsnprintf(text, sizeof text, fmt, args); \
	va_end(args); \
	eg_fail(err, status, "%s", text); \
	prefix(err, t, line, column)

eg_status eg_tree_fail(eg_error *err, const eg_tree *t, eg_status status, const char *fmt, ...) {
	FAIL_AT(t->line, t->column);
	return status;
}

eg_status eg_tree_fail_key(eg_error *err, const eg_tree *t, eg_status status, const char *fmt, ...) {
	FAIL_AT(t->key_line ? t->key_line : t->line, t->key_line ? t->key_column : t->column);
	return status;
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void *checked(eg_tree_builder *b, void *p) {
	if (!p) b->failed = true;
	return p;
}

eg_tree *eg_tree_new(eg_tree_builder *b, eg_tree_kind kind) {
	eg_tree *t = checked(b, eg_arena_alloc(b->arena, sizeof *t));
	if (t) *t = (eg_tree){.kind = kind, .text = "", .source = b->source};
	return t;
}

void eg_tree_append(eg_tree *parent, eg_tree *c) {
	if (!parent || !c) return;
	if (parent->last)
		parent->last->next = c;
	else
		parent->first = c;
	parent->last = c;
	parent->count++;
}

static eg_tree *add(eg_tree_builder *b, eg_tree *parent, const char *key, eg_tree_kind kind, const char *text) {
	eg_tree *t = eg_tree_new(b, kind);
	if (!t) return NULL;
	if (key) t->key = checked(b, eg_arena_strdup(b->arena, key));
	if (text) t->text = checked(b, eg_arena_strdup(b->arena, text));
	if (b->failed) return NULL;
	eg_tree_append(parent, t);
	return t;
}

eg_tree *eg_tree_map(eg_tree_builder *b, eg_tree *parent, const char *key) {
	return add(b, parent, key, EG_TREE_MAP, NULL);
}

eg_tree *eg_tree_list(eg_tree_builder *b, eg_tree *parent, const char *key) {
	return add(b, parent, key, EG_TREE_LIST, NULL);
}

void eg_tree_string(eg_tree_builder *b, eg_tree *parent, const char *key, const char *text) {
	eg_tree *t = add(b, parent, key, EG_TREE_SCALAR, text);
	if (t) t->quoted = true;
}

void eg_tree_literal(eg_tree_builder *b, eg_tree *parent, const char *key, const char *text) {
	add(b, parent, key, EG_TREE_SCALAR, text);
}

void eg_tree_put_int(eg_tree_builder *b, eg_tree *parent, const char *key, int64_t v) {
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)v);
	eg_tree_literal(b, parent, key, text);
}

char *eg_tree_shortest(char buf[EG_TREE_NUMBER], double v) {
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(buf, EG_TREE_NUMBER, "%.*g", precision, v);
		if (strtod(buf, NULL) == v) break;
	}
	return eg_tree_point(buf);
}

void eg_tree_put_double(eg_tree_builder *b, eg_tree *parent, const char *key, double v) {
	char text[EG_TREE_NUMBER];
	if (isfinite(v))
		eg_tree_literal(b, parent, key, eg_tree_shortest(text, v));
	else
		eg_tree_string(b, parent, key, isnan(v) ? (signbit(v) ? "-nan" : "nan") : v < 0 ? "-inf" : "inf");
}

eg_tree *eg_tree_copy(eg_tree_builder *b, const eg_tree *t, int *budget) {
	if (--*budget < 0) return NULL;
	eg_tree *copy = eg_tree_new(b, t->kind);
	if (!copy) return NULL;
	*copy = *t;
	copy->first = copy->last = copy->next = NULL;
	copy->count = 0;
	for (const eg_tree *c = t->first; c; c = c->next) {
		eg_tree *d = eg_tree_copy(b, c, budget);
		if (!d) return NULL;
		eg_tree_append(copy, d);
	}
	return copy;
}

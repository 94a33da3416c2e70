/* text.c - nodes of a recipe as text in one line and as values, and where two values differ. */
#include "io/value.h"
#include "tune/tune.h"

#include <stdlib.h>
#include <string.h>

/* ---- YAML in one line -------------------------------------------------------------------------------------------- */

static void put_flow(eg_value_out *o, const eg_tree *t) {
	if (t->kind == EG_TREE_SCALAR) {
		if (t->quoted)
			eg_value_out_quoted(o, t->text, strlen(t->text));
		else
			eg_value_out_text(o, eg_tree_is_nothing(t) ? "null" : t->text);
		return;
	}
	bool map = t->kind == EG_TREE_MAP;
	eg_value_out_text(o, map ? "{" : "[");
	for (const eg_tree *c = t->first; c; c = c->next) {
		if (c != t->first) eg_value_out_text(o, ", ");
		if (map) {
			eg_value_out_text(o, c->key);
			eg_value_out_text(o, ": ");
		}
		put_flow(o, c);
	}
	eg_value_out_text(o, map ? "}" : "]");
}

const char *eg_tree_flow(eg_arena *arena, const eg_tree *t) {
	eg_value_out o = {0};
	char *text = NULL;
	put_flow(&o, t);
	if (eg_value_out_take(&o, &text, NULL, NULL)) return NULL;
	const char *kept = eg_arena_strdup(arena, text);
	free(text);
	return kept;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

void eg_tree_to_value(const eg_tree *t, eg_value *parent, const char *key) {
	int64_t whole;
	double number;
	bool yes;
	if (t->kind != EG_TREE_SCALAR) {
		eg_value *v = t->kind == EG_TREE_MAP ? eg_value_put_map(parent, key) : eg_value_put_list(parent, key);
		for (const eg_tree *c = t->first; c; c = c->next)
			eg_tree_to_value(c, v, t->kind == EG_TREE_MAP ? c->key : NULL);
	} else if (eg_tree_is_nothing(t)) {
		eg_value_put_null(parent, key);
	} else if (eg_tree_integer(t, &whole)) {
		eg_value_put_int(parent, key, whole);
	} else if (eg_tree_number(t, &number)) {
		eg_value_put_number(parent, key, number);
	} else if (eg_tree_bool(t, &yes)) {
		eg_value_put_bool(parent, key, yes);
	} else {
		eg_value_put_text(parent, key, t->text);
	}
}

static bool is_number(const eg_value *v) {
	return eg_value_kind_of(v) == EG_VALUE_INT || eg_value_kind_of(v) == EG_VALUE_NUMBER;
}

/* A number that is whole reads back from a file as an int. */
static bool same_leaf(const eg_value *a, const eg_value *b) {
	if (is_number(a) && is_number(b)) return eg_value_number(a, 0) == eg_value_number(b, 0);
	return !a == !b && eg_value_same(a, b);
}

bool eg_value_difference(const eg_value *a, const eg_value *b, char *place, size_t size, const eg_value **x,
	const eg_value **y) {
	size_t n = strlen(place);
	eg_value_kind kind = eg_value_kind_of(a);
	bool map = kind == EG_VALUE_MAP;
	*x = a, *y = b;
	if ((!map && kind != EG_VALUE_LIST) || kind != eg_value_kind_of(b)) return !same_leaf(a, b);
	int64_t i = 0;
	const eg_value *d = eg_value_first(b);
	for (const eg_value *c = eg_value_first(a); c; c = eg_value_next(c), i++) {
		if (map)
			snprintf(place + n, size - n, "%s%.80s", n ? "." : "", eg_value_key(c));
		else
			snprintf(place + n, size - n, "%s%lld", n ? "." : "", (long long)i);
		if (map) d = eg_value_get(b, eg_value_key(c));
		if (eg_value_difference(c, d, place, size, x, y)) return true;
		place[n] = '\0';
		if (!map) d = eg_value_next(d);
	}
	for (d = eg_value_first(b); d && map; d = eg_value_next(d)) {
		if (eg_value_get(a, eg_value_key(d))) continue;
		snprintf(place + n, size - n, "%s%.80s", n ? "." : "", eg_value_key(d));
		*x = NULL, *y = d;
		return true;
	}
	*x = a, *y = b;
	return eg_value_count(b) != i;
}

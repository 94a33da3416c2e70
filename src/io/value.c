/* value.c - trees of values: building and reading them. See engram_value.h.
 *
 * A tree lies in the arena of its root. What is replaced stays there until the root is emptied. Not here: JSON
 * (value_json.c, json.c), lines for people (value_text.c). */
#include "io/value.h"

#include "engram_text.h"

#include <math.h>
#include <string.h>

/* Maps with more keys than this have a hash table. */
enum { INDEX_FROM = 16 };

/* ---- roots ------------------------------------------------------------------------------------------------------- */

static bool has_inside(const eg_value *v) { return v && (v->kind == EG_VALUE_LIST || v->kind == EG_VALUE_MAP); }

static eg_value_root *root_of(const eg_value *v) {
	if (v->in) return v->in->root;
	return (eg_value_root *)v; /* roots are made by eg_value_new alone, and are not const */
}

eg_value *eg_value_new(eg_value_kind kind) {
	if (kind != EG_VALUE_LIST && kind != EG_VALUE_MAP) return NULL;
	eg_value_root *r = eg_calloc(NULL, 1, sizeof *r);
	if (!r) return NULL;
	r->inside.root = r;
	r->value.kind = (uint8_t)kind;
	r->value.as.inside = &r->inside;
	return &r->value;
}

void eg_value_free(eg_value *root) {
	if (!root || root->in) return;
	eg_value_root *r = root_of(root);
	eg_arena_free(&r->arena);
	eg_release(NULL, r);
}

void eg_value_clear(eg_value *root) {
	if (!root || root->in) return;
	eg_value_root *r = root_of(root);
	eg_arena_reset(&r->arena);
	r->inside = (eg_value_inside){.root = r};
	r->value.show = 0;
	r->value.unit = NULL;
	r->failed = false;
}

bool eg_value_whole(const eg_value *root) { return root && !root_of(root)->failed; }

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* Writes `size` bytes as UTF-8 to `to` (NULL: to nowhere), each byte that belongs to no character as U+FFFD; returns
 * how many bytes that takes. */
static size_t repair(char *to, const char *bytes, size_t size) {
	static const char unknown[] = "\xef\xbf\xbd";
	size_t length = 0;
	for (size_t i = 0; i < size;) {
		int n = eg_utf8_length(bytes + i, size - i);
		size_t more = n ? (size_t)n : sizeof unknown - 1;
		if (to) memcpy(to + length, n ? bytes + i : unknown, more);
		length += more;
		i += n ? (size_t)n : 1;
	}
	return length;
}

static eg_value_chars *chars_new(eg_value_root *r, const char *bytes, size_t size) {
	size_t length = size <= SIZE_MAX / 8 ? repair(NULL, bytes, size) : SIZE_MAX / 2;
	eg_value_chars *text = eg_arena_alloc(&r->arena, sizeof *text + length + 1);
	if (!text) return NULL;
	text->size = length;
	repair(text->bytes, bytes, size);
	return text;
}

/* A key or a unit; what it holds ends with its first zero. */
static const char *name_new(eg_value_root *r, const char *name) {
	size_t size = strlen(name), length = repair(NULL, name, size);
	char *copy = eg_arena_alloc(&r->arena, length + 1);
	if (copy) repair(copy, name, size);
	return copy;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* FNV-1a, begun differently in each tree, so that nobody can choose keys beforehand that all fall into one slot. */
static size_t hash(const eg_value_inside *m, const char *key) {
	uint64_t h = 0xcbf29ce484222325u ^ ((uint64_t)(uintptr_t)m->root * 0x9e3779b97f4a7c15u);
	for (; *key; key++) h = (h ^ (unsigned char)*key) * 0x100000001b3u;
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
	return (size_t)(h >> 32);
}

/* The slot of a key, or the empty one where it would stand. */
static eg_value **slot_of(const eg_value_inside *m, const char *key) {
	size_t i = hash(m, key) & (m->nslots - 1);
	while (m->slots[i] && strcmp(m->slots[i]->key, key) != 0) i = (i + 1) & (m->nslots - 1);
	return &m->slots[i];
}

static eg_value *find(const eg_value_inside *m, const char *key) {
	if (m->slots) return *slot_of(m, key);
	eg_value *v = m->first;
	while (v && strcmp(v->key, key) != 0) v = v->next;
	return v;
}

/* Makes room for one more key, at most half of the slots taken. */
static bool index_grow(eg_value_inside *m) {
	size_t keys = (size_t)m->count + 1, nslots = m->nslots ? m->nslots : 2 * INDEX_FROM;
	if (keys <= INDEX_FROM || 2 * keys <= m->nslots) return true;
	while (nslots < 4 * keys) nslots *= 2;
	if (nslots > SIZE_MAX / sizeof *m->slots) return false;
	eg_value **slots = eg_arena_alloc(&m->root->arena, nslots * sizeof *slots);
	if (!slots) return false;
	m->slots = slots;
	m->nslots = nslots;
	for (eg_value *v = m->first; v; v = v->next) *slot_of(m, v->key) = v;
	return true;
}

/* ---- putting ----------------------------------------------------------------------------------------------------- */

/* A new node at the end; in a map with a key that is not there yet. NULL: out of memory. */
static eg_value *append(eg_value_inside *m, const char *key) {
	eg_value *v = eg_arena_alloc(&m->root->arena, sizeof *v);
	if (!v) return NULL;
	if (key && (!index_grow(m) || !(v->key = name_new(m->root, key)))) return NULL;
	v->in = m;
	if (m->last) m->last->next = v;
	else m->first = v;
	m->last = v;
	m->count++;
	if (key && m->slots) *slot_of(m, v->key) = v;
	return v;
}

/* What `parent` holds, if something may be put into it now: with a key in a map, without in a list. */
static eg_value_inside *open_inside(eg_value *parent, const char *key) {
	if (!parent) return NULL;
	eg_value_root *r = root_of(parent);
	if (!has_inside(parent) || (parent->kind == EG_VALUE_MAP) != (key != NULL)) r->failed = true;
	return r->failed ? NULL : parent->as.inside;
}

static eg_value *fail(eg_value_inside *m) {
	m->root->failed = true;
	return NULL;
}

/* Puts kind, marks and contents of `content`, made before, so that it may come from what it replaces. */
static eg_value *put(eg_value_inside *m, const char *key, const eg_value *content) {
	eg_value *v = NULL;
	if (key) {
		/* Keys that are not UTF-8 are compared as they are kept. */
		size_t size = strlen(key);
		if (repair(NULL, key, size) != size) key = name_new(m->root, key);
		if (!key) return fail(m);
		v = find(m, key);
	}
	if (!v) v = append(m, key);
	if (!v) return fail(m);
	v->kind = content->kind;
	v->show = content->show;
	v->unit = content->unit;
	v->as = content->as;
	return v;
}

static eg_value_inside *inside_new(eg_value_root *r, int depth) {
	eg_value_inside *m = depth <= EG_VALUE_DEPTH ? eg_arena_alloc(&r->arena, sizeof *m) : NULL;
	if (m) *m = (eg_value_inside){.root = r, .depth = depth};
	return m;
}

eg_value *eg_value_put_null(eg_value *parent, const char *key) {
	eg_value_inside *m = open_inside(parent, key);
	return m ? put(m, key, &(eg_value){.kind = EG_VALUE_NULL}) : NULL;
}

eg_value *eg_value_put_bool(eg_value *parent, const char *key, bool v) {
	eg_value_inside *m = open_inside(parent, key);
	return m ? put(m, key, &(eg_value){.kind = EG_VALUE_BOOL, .as.yes = v}) : NULL;
}

eg_value *eg_value_put_int(eg_value *parent, const char *key, int64_t v) {
	eg_value_inside *m = open_inside(parent, key);
	return m ? put(m, key, &(eg_value){.kind = EG_VALUE_INT, .as.whole = v}) : NULL;
}

eg_value *eg_value_put_number(eg_value *parent, const char *key, double v) {
	eg_value_inside *m = open_inside(parent, key);
	return m ? put(m, key, &(eg_value){.kind = EG_VALUE_NUMBER, .as.number = v}) : NULL;
}

eg_value *eg_value_put_text(eg_value *parent, const char *key, const char *text) {
	return text ? eg_value_put_bytes(parent, key, text, strlen(text)) : eg_value_put_null(parent, key);
}

eg_value *eg_value_put_bytes(eg_value *parent, const char *key, const char *text, size_t size) {
	eg_value_inside *m = open_inside(parent, key);
	if (!m) return NULL;
	eg_value content = {.kind = EG_VALUE_TEXT, .as.text = chars_new(m->root, text, size)};
	return content.as.text ? put(m, key, &content) : fail(m);
}

static eg_value *put_inside(eg_value *parent, const char *key, eg_value_kind kind) {
	eg_value_inside *m = open_inside(parent, key);
	if (!m) return NULL;
	eg_value content = {.kind = (uint8_t)kind, .as.inside = inside_new(m->root, m->depth + 1)};
	return content.as.inside ? put(m, key, &content) : fail(m);
}

eg_value *eg_value_put_list(eg_value *parent, const char *key) { return put_inside(parent, key, EG_VALUE_LIST); }

eg_value *eg_value_put_map(eg_value *parent, const char *key) { return put_inside(parent, key, EG_VALUE_MAP); }

/* Copies v but for its key and place; `depth`: of what it holds. False: out of memory, or too deep. */
static bool copy(eg_value_root *r, eg_value *to, const eg_value *v, int depth) {
	to->kind = v->kind;
	to->show = v->show;
	to->as = v->as;
	to->unit = v->unit ? name_new(r, v->unit) : NULL;
	if (v->unit && !to->unit) return false;
	if (v->kind == EG_VALUE_TEXT) {
		to->as.text = chars_new(r, v->as.text->bytes, v->as.text->size);
		return to->as.text != NULL;
	}
	if (!has_inside(v)) return true;
	eg_value_inside *m = to->as.inside = inside_new(r, depth);
	for (const eg_value *c = v->as.inside->first; m && c; c = c->next) {
		eg_value *made = append(m, c->key);
		if (!made || !copy(r, made, c, depth + 1)) return false;
	}
	return m != NULL;
}

eg_value *eg_value_put_copy(eg_value *parent, const char *key, const eg_value *v) {
	if (!v) return eg_value_put_null(parent, key);
	eg_value_inside *m = open_inside(parent, key);
	eg_value content = {0};
	if (!m) return NULL;
	return copy(m->root, &content, v, m->depth + 1) ? put(m, key, &content) : fail(m);
}

eg_value *eg_value_mark(eg_value *v, int show, const char *unit) {
	if (!v) return NULL;
	v->show = (uint8_t)show;
	v->unit = unit ? name_new(root_of(v), unit) : NULL;
	if (unit && !v->unit) root_of(v)->failed = true;
	return v;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

eg_value_kind eg_value_kind_of(const eg_value *v) { return v ? (eg_value_kind)v->kind : EG_VALUE_NULL; }

int eg_value_marks(const eg_value *v) { return v ? v->show : 0; }

const char *eg_value_unit(const eg_value *v) { return v ? v->unit : NULL; }

const char *eg_value_key(const eg_value *v) { return v ? v->key : NULL; }

int64_t eg_value_count(const eg_value *v) { return has_inside(v) ? v->as.inside->count : 0; }

const eg_value *eg_value_first(const eg_value *v) { return has_inside(v) ? v->as.inside->first : NULL; }

const eg_value *eg_value_next(const eg_value *v) { return v ? v->next : NULL; }

const eg_value *eg_value_at(const eg_value *list, int64_t i) {
	if (i < 0 || i >= eg_value_count(list)) return NULL;
	const eg_value *v = list->as.inside->first;
	while (i-- > 0) v = v->next;
	return v;
}

const eg_value *eg_value_get(const eg_value *map, const char *key) {
	return eg_value_kind_of(map) == EG_VALUE_MAP && key ? find(map->as.inside, key) : NULL;
}

const char *eg_value_text(const eg_value *v) {
	return eg_value_kind_of(v) == EG_VALUE_TEXT ? v->as.text->bytes : NULL;
}

size_t eg_value_text_size(const eg_value *v) {
	return eg_value_kind_of(v) == EG_VALUE_TEXT ? v->as.text->size : 0;
}

bool eg_value_bool(const eg_value *v, bool otherwise) {
	return eg_value_kind_of(v) == EG_VALUE_BOOL ? v->as.yes : otherwise;
}

int64_t eg_value_int(const eg_value *v, int64_t otherwise) {
	const double limit = 9223372036854775808.0; /* 2^63 */
	if (eg_value_kind_of(v) == EG_VALUE_INT) return v->as.whole;
	if (eg_value_kind_of(v) != EG_VALUE_NUMBER) return otherwise;
	double d = v->as.number;
	return d >= -limit && d < limit && floor(d) == d ? (int64_t)d : otherwise;
}

double eg_value_number(const eg_value *v, double otherwise) {
	if (eg_value_kind_of(v) == EG_VALUE_INT) return (double)v->as.whole;
	return eg_value_kind_of(v) == EG_VALUE_NUMBER ? v->as.number : otherwise;
}

static bool same_inside(const eg_value *a, const eg_value *b) {
	if (eg_value_count(a) != eg_value_count(b)) return false;
	const eg_value *d = eg_value_first(b);
	for (const eg_value *c = eg_value_first(a); c; c = c->next) {
		if (a->kind == EG_VALUE_MAP) d = eg_value_get(b, c->key);
		if (!d || !eg_value_same(c, d)) return false;
		d = d->next;
	}
	return true;
}

bool eg_value_same(const eg_value *a, const eg_value *b) {
	if (eg_value_kind_of(a) != eg_value_kind_of(b)) return false;
	switch (eg_value_kind_of(a)) {
	case EG_VALUE_BOOL: return a->as.yes == b->as.yes;
	case EG_VALUE_INT: return a->as.whole == b->as.whole;
	case EG_VALUE_NUMBER:
		return a->as.number == b->as.number || (isnan(a->as.number) && isnan(b->as.number));
	case EG_VALUE_TEXT:
		return a->as.text->size == b->as.text->size &&
		       !memcmp(a->as.text->bytes, b->as.text->bytes, a->as.text->size);
	case EG_VALUE_LIST:
	case EG_VALUE_MAP: return same_inside(a, b);
	default: return true;
	}
}

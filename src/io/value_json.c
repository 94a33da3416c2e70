/* value_json.c - trees of values as JSON in one line, and how all JSON is written: a text that grows.
 *
 * Not with jansson, which json.c reads with: its numbers have more digits than they need and its texts no U+007F, and
 * without memory it leaves out pieces. */
#include "engram_text.h"
#include "io/tree.h"
#include "io/value.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a text that grows ------------------------------------------------------------------------------------------- */

/* With realloc, not in an arena: it goes to the caller, who releases it with free(). */
static bool out_grow(eg_value_out *o, size_t more) {
	if (o->failed) return false;
	if (o->data && more < o->room - o->size) return true;
	size_t room = o->room < 128 ? 128 : 2 * o->room;
	if (more <= SIZE_MAX / 4 && room <= o->size + more) room = o->size + more + 1;
	char *data = more <= SIZE_MAX / 4 && room <= SIZE_MAX / 2 ? realloc(o->data, room) : NULL;
	if (!data) {
		free(o->data);
		*o = (eg_value_out){.failed = true};
		return false;
	}
	o->data = data;
	o->room = room;
	return true;
}

void eg_value_out_put(eg_value_out *o, const char *bytes, size_t size) {
	if (!out_grow(o, size)) return;
	memcpy(o->data + o->size, bytes, size);
	o->size += size;
	o->data[o->size] = '\0';
}

void eg_value_out_text(eg_value_out *o, const char *text) { eg_value_out_put(o, text, strlen(text)); }

eg_status eg_value_out_take(eg_value_out *o, char **text, size_t *size, eg_error *err) {
	eg_value_out_put(o, "", 0); /* so that there is a text, if an empty one */
	*text = o->data;
	if (size) *size = o->failed ? 0 : o->size;
	return o->failed ? eg_fail(err, EG_ERR_MEMORY, "out of memory for a text") : EG_OK;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_escape(eg_value_out *o, const char *c, int n) {
	char escape[8];
	unsigned code = (unsigned char)c[0];
	if (n == 2) code = (code & 0x1F) << 6 | ((unsigned char)c[1] & 0x3F);
	if (n == 3) code = (code & 0x0F) << 12 | ((unsigned)(unsigned char)c[1] & 0x3F) << 6 | ((unsigned char)c[2] & 0x3F);
	if (code == '"' || code == '\\')
		snprintf(escape, sizeof escape, "\\%c", (int)code);
	else if (code == '\n' || code == '\t')
		snprintf(escape, sizeof escape, "\\%c", code == '\n' ? 'n' : 't');
	else
		snprintf(escape, sizeof escape, "\\u%04x", code & 0xFFFF);
	eg_value_out_text(o, escape);
}

/* What a terminal should not get is escaped too: JSON is also looked at. */
void eg_value_out_quoted(eg_value_out *o, const char *text, size_t size) {
	size_t begin = 0;
	eg_value_out_put(o, "\"", 1);
	for (size_t i = 0; i < size;) {
		bool shown;
		int n = eg_utf8_shown(text + i, size - i, &shown);
		if (!shown || text[i] == '"' || text[i] == '\\') {
			eg_value_out_put(o, text + begin, i - begin);
			put_escape(o, text + i, n);
			begin = i + (size_t)n;
		}
		i += (size_t)n;
	}
	eg_value_out_put(o, text + begin, size - begin);
	eg_value_out_put(o, "\"", 1);
}

static void put_line(eg_value_out *o) {
	if (o->indent == 0) return;
	eg_value_out_put(o, "\n", 1);
	for (int i = 0; i < o->level * o->indent; i++) eg_value_out_put(o, " ", 1);
}

void eg_value_out_open(eg_value_out *o, bool map) {
	eg_value_out_put(o, map ? "{" : "[", 1);
	o->level++;
}

void eg_value_out_next(eg_value_out *o, bool first, const char *key) {
	if (!first) eg_value_out_text(o, o->dense || o->indent ? "," : ", ");
	put_line(o);
	if (!key) return;
	eg_value_out_quoted(o, key, strlen(key));
	eg_value_out_text(o, o->dense ? ":" : ": ");
}

void eg_value_out_close(eg_value_out *o, bool map, bool empty) {
	o->level--;
	if (!empty) put_line(o);
	eg_value_out_put(o, map ? "}" : "]", 1);
}

/* Nine digits tell all floats apart, so a number that was one gets no more; others get what it takes, at most 17. */
static void put_number(eg_value_out *o, double v) {
	char text[40];
	if (!isfinite(v)) {
		eg_value_out_text(o, "null");
		return;
	}
	bool was_float = !o->exact && fabs(v) <= (double)FLT_MAX && (double)(float)v == v;
	for (int digits = 9; digits <= DBL_DECIMAL_DIG; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (was_float || strtod(text, NULL) == v) break;
	}
	/* "-0" would read back as an int, which has no sign then. */
	eg_value_out_text(o, strcmp(text, "-0") ? eg_tree_point(text) : "-0.0");
}

static void put_value(eg_value_out *o, const eg_value *v);

static void put_inside(eg_value_out *o, const eg_value *v) {
	bool map = v->kind == EG_VALUE_MAP;
	const eg_value *first = eg_value_first(v);
	eg_value_out_open(o, map);
	for (const eg_value *c = first; c; c = c->next) {
		eg_value_out_next(o, c == first, map ? c->key : NULL);
		put_value(o, c);
	}
	eg_value_out_close(o, map, first == NULL);
}

static void put_value(eg_value_out *o, const eg_value *v) {
	char text[32];
	switch (eg_value_kind_of(v)) {
	case EG_VALUE_BOOL: eg_value_out_text(o, v->as.yes ? "true" : "false"); break;
	case EG_VALUE_INT:
		snprintf(text, sizeof text, "%lld", (long long)v->as.whole);
		eg_value_out_text(o, text);
		break;
	case EG_VALUE_NUMBER: put_number(o, v->as.number); break;
	case EG_VALUE_TEXT: eg_value_out_quoted(o, v->as.text->bytes, v->as.text->size); break;
	case EG_VALUE_LIST:
	case EG_VALUE_MAP: put_inside(o, v); break;
	default: eg_value_out_text(o, "null"); break;
	}
}

eg_status eg_value_json_exact(const eg_value *v, char **text, size_t *size, eg_error *err) {
	eg_value_out o = {.exact = true};
	put_value(&o, v);
	return eg_value_out_take(&o, text, size, err);
}

eg_status eg_value_json(const eg_value *v, char **text, size_t *size, eg_error *err) {
	eg_value_out o = {0};
	put_value(&o, v);
	return eg_value_out_take(&o, text, size, err);
}

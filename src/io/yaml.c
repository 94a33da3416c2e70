/* yaml.c - YAML text to a tree, changed by assignments, and back, with libyaml. The only file that knows it.
 *
 * A tree of positions rather than libyaml's own document, because that forgets aliases' cost, accepts duplicate keys
 * and can be driven to unbounded recursion. Not here: what the keys mean. */
#include "engram_text.h"
#include "io/tree.h"

#include <string.h>
#include <yaml.h>

typedef struct anchor {
	const char *name;
	const eg_tree *value;
} anchor;

enum { MAX_ANCHORS = 64 };

typedef struct reader {
	yaml_parser_t parser;
	eg_tree_builder b;
	eg_error *err;
	int budget;    /* nodes that may still be made */
	const char *text; /* all of it */
	size_t size;
	bool no_lines; /* the text is a value in a command: it has no lines worth telling */
	anchor anchors[MAX_ANCHORS];
	int nanchors;
} reader;

static void place(const reader *r, eg_tree *t, yaml_mark_t mark) {
	t->line = r->no_lines ? 0 : (int)mark.line + 1;
	t->column = r->no_lines ? 0 : (int)mark.column + 1;
}

/* The characters that a node takes up; a map or list in block style ends with the last one in it. */
static void extent(const reader *r, eg_tree *t, yaml_mark_t begin, yaml_mark_t end, bool flow) {
	if (r->no_lines) return;
	t->begin = (int)begin.index;
	t->end = flow || !t->last ? (int)end.index : t->last->end;
}

static eg_status fail_at(reader *r, eg_status status, yaml_mark_t mark, const char *what) {
	eg_tree t = {.source = r->b.source};
	place(r, &t, mark);
	eg_tree_fail(r->err, &t, status, "%s", what);
	return status;
}

static eg_status no_memory(reader *r) { return eg_fail(r->err, EG_ERR_MEMORY, "%s: out of memory", r->b.source); }

/* Does the line of this place begin with blanks of which one is a tab? Only such a tab is not allowed. */
static bool is_indented_by_tab(const reader *r, yaml_mark_t mark) {
	const char *s = r->text, *end = s + r->size;
	for (size_t line = 0; line < mark.line && s; line++) {
		s = memchr(s, '\n', (size_t)(end - s));
		if (s) s++;
	}
	while (s && s < end && *s == ' ') s++;
	return s && s < end && *s == '\t';
}

static eg_status next_event(reader *r, yaml_event_t *event) {
	char text[300];
	yaml_parser_t *p = &r->parser;
	if (yaml_parser_parse(p, event)) return EG_OK;
	if (p->error == YAML_MEMORY_ERROR) return no_memory(r);
	if (p->error == YAML_READER_ERROR) {
		/* The offset counts bytes; count lines up to there would need the text again, so the byte is told. */
		return eg_fail(r->err, EG_ERR_FORMAT, "%s: not UTF-8 text: %s at byte %zu", r->b.source,
			p->problem ? p->problem : "bad character", p->problem_offset);
	}
	if (is_indented_by_tab(r, p->problem_mark))
		return fail_at(r, EG_ERR_FORMAT, p->problem_mark,
			"a tab stands before the first word of this line; YAML is indented by spaces only");
	snprintf(text, sizeof text, "YAML: %s%s%s", p->problem ? p->problem : "cannot be read", p->context ? " " : "",
		p->context ? p->context : "");
	return fail_at(r, EG_ERR_FORMAT, p->problem_mark, text);
}

static eg_tree *new_node(reader *r, eg_tree_kind kind, const yaml_event_t *event) {
	eg_tree *t = eg_tree_new(&r->b, kind);
	if (t) place(r, t, event->start_mark);
	return t;
}

static eg_status scalar(reader *r, const yaml_event_t *event, eg_tree **out) {
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	if (memchr(text, 0, size)) return fail_at(r, EG_ERR_FORMAT, event->start_mark, "text with a zero byte");
	eg_tree *t = new_node(r, EG_TREE_SCALAR, event);
	if (!t || !(t->text = eg_arena_strdup(r->b.arena, text))) return no_memory(r);
	t->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	extent(r, t, event->start_mark, event->end_mark, true);
	*out = t;
	return EG_OK;
}

static eg_status alias(reader *r, const yaml_event_t *event, eg_tree **out) {
	const char *name = (const char *)event->data.alias.anchor;
	for (int i = r->nanchors - 1; i >= 0; i--) {
		if (strcmp(r->anchors[i].name, name)) continue;
		*out = eg_tree_copy(&r->b, r->anchors[i].value, &r->budget);
		if (*out) {
			(*out)->next = NULL;
			return EG_OK;
		}
		return r->b.failed ? no_memory(r)
				   : fail_at(r, EG_ERR_FORMAT, event->start_mark,
					     "too large: the aliases stand for too many values");
	}
	return fail_at(
		r, EG_ERR_FORMAT, event->start_mark, "an alias (*) to an anchor (&) that is not defined before it");
}

/* Remembers `value` under its anchor, if it has one. Only finished values are known, so an alias cannot hold itself. */
static eg_status remember(reader *r, const char *name, yaml_mark_t mark, const eg_tree *value) {
	if (!name) return EG_OK;
	if (r->nanchors == MAX_ANCHORS) return fail_at(r, EG_ERR_FORMAT, mark, "too many anchors (&): at most 64");
	char *copy = eg_arena_strdup(r->b.arena, name);
	if (!copy) return no_memory(r);
	r->anchors[r->nanchors++] = (anchor){copy, value};
	return EG_OK;
}

static eg_status value(reader *r, yaml_event_t *event, int depth, eg_tree **out);

static eg_status entry(reader *r, yaml_event_t *event, int depth, eg_tree *parent) {
	eg_tree *t = NULL;
	if (parent->kind == EG_TREE_LIST) {
		eg_status status = value(r, event, depth, &t);
		if (!status) eg_tree_append(parent, t);
		return status;
	}
	yaml_event_t next;
	yaml_mark_t mark = event->start_mark;
	eg_tree *key = NULL;
	if (event->type != YAML_SCALAR_EVENT) return fail_at(r, EG_ERR_FORMAT, mark, "a key must be a simple word");
	eg_status status = scalar(r, event, &key);
	if (status) return status;
	const eg_tree *twin = eg_tree_get(parent, key->text);
	if (twin && twin->key_line > 0)
		return eg_tree_fail(r->err, key, EG_ERR_FORMAT, "the key '%.60s' was already given in line %d",
			key->text, twin->key_line);
	if (twin) return eg_tree_fail(r->err, key, EG_ERR_FORMAT, "the key '%.60s' is given twice", key->text);
	status = next_event(r, &next);
	if (status) return status;
	status = value(r, &next, depth, &t);
	yaml_event_delete(&next);
	if (status) return status;
	t->key = key->text;
	t->key_line = key->line, t->key_column = key->column;
	eg_tree_append(parent, t);
	return EG_OK;
}

/* Entries up to the end of the collection that `event` began. */
static eg_status collection(reader *r, const yaml_event_t *event, int depth, eg_tree **out) {
	bool map = event->type == YAML_MAPPING_START_EVENT;
	if (depth >= EG_TREE_DEPTH) return fail_at(r, EG_ERR_FORMAT, event->start_mark, "nested too deeply");
	eg_tree *t = new_node(r, map ? EG_TREE_MAP : EG_TREE_LIST, event);
	if (!t) return no_memory(r);
	bool flow = map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
	                : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	for (;;) {
		yaml_event_t next;
		eg_status status = next_event(r, &next);
		if (status) return status;
		yaml_mark_t last = next.end_mark;
		bool end = next.type == YAML_MAPPING_END_EVENT || next.type == YAML_SEQUENCE_END_EVENT;
		if (!end) status = entry(r, &next, depth + 1, t);
		yaml_event_delete(&next);
		if (status) return status;
		if (end) {
			extent(r, t, event->start_mark, last, flow);
			break;
		}
	}
	*out = t;
	return EG_OK;
}

/* The value that begins with `event`, which stays the caller's. */
static eg_status value(reader *r, yaml_event_t *event, int depth, eg_tree **out) {
	const yaml_char_t *name = NULL, *tag = NULL;
	if (event->type == YAML_ALIAS_EVENT) return alias(r, event, out);
	if (--r->budget < 0) return fail_at(r, EG_ERR_FORMAT, event->start_mark, "too large: too many values");
	if (event->type == YAML_SCALAR_EVENT)
		name = event->data.scalar.anchor, tag = event->data.scalar.tag;
	else if (event->type == YAML_MAPPING_START_EVENT)
		name = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag;
	else
		name = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag;
	if (tag) return fail_at(r, EG_ERR_FORMAT, event->start_mark, "YAML tags (!) have no meaning here");
	eg_status status = event->type == YAML_SCALAR_EVENT ? scalar(r, event, out) : collection(r, event, depth, out);
	return status ? status : remember(r, (const char *)name, event->start_mark, *out);
}

/* Stream start, document start, value, document end, stream end. */
static eg_status document(reader *r, eg_tree **root) {
	for (;;) {
		yaml_event_t event;
		eg_status status = next_event(r, &event);
		if (status) return status;
		bool end = event.type == YAML_STREAM_END_EVENT;
		switch (event.type) {
		case YAML_SCALAR_EVENT:
		case YAML_ALIAS_EVENT:
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT: status = value(r, &event, 0, root); break;
		case YAML_DOCUMENT_START_EVENT:
			if (*root)
				status = fail_at(r, EG_ERR_FORMAT, event.start_mark,
					"a second document begins here; only one is allowed");
			break;
		default: break;
		}
		yaml_event_delete(&event);
		if (status || end) return status;
	}
}

static eg_status parse(reader *r, const char *text, size_t size, eg_tree **root) {
	size_t mark = eg_utf8_mark(text, size); /* with which some editors begin a file */
	*root = NULL;
	if (size > EG_TREE_BYTES)
		return eg_fail(r->err, EG_ERR_FORMAT, "%s: %zu bytes of YAML, at most %d are read", r->b.source, size,
			EG_TREE_BYTES);
	text += mark, size -= mark;
	if (!yaml_parser_initialize(&r->parser)) return no_memory(r);
	r->budget = EG_TREE_NODES;
	r->text = text, r->size = size;
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, size);
	eg_status status = document(r, root);
	yaml_parser_delete(&r->parser);
	if (!status && !*root) {
		/* `--set a=` sets to nothing; a file without a value is a mistake that the caller names. */
		*root = eg_tree_new(&r->b, EG_TREE_SCALAR);
		if (!*root) return no_memory(r);
	}
	return status;
}

eg_status eg_yaml_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err) {
	reader r = {.b = {arena, source, false}, .err = err};
	return parse(&r, text, size, root);
}

/* ---- overrides --------------------------------------------------------------------------------------------------- */

/* Puts `value` in the place of `old` in the tree; the key stays, but what is said about it now is said about the
 * override. */
static void replace(eg_tree *old, const eg_tree *value) {
	const char *key = old->key;
	eg_tree *next = old->next;
	*old = *value;
	old->key = key, old->next = next;
	old->key_line = old->key_column = 0;
}

/* One step of a path, making what is missing. */
static eg_status step(eg_tree_builder *b, eg_tree *t, const char *path, size_t length, eg_tree **out, eg_error *err) {
	if (t->kind == EG_TREE_SCALAR) {
		eg_tree *only = NULL;
		bool same = eg_tree_is_string(t) && strlen(t->text) == length && !strncmp(t->text, path, length);
		const char *text = t->text;
		if (!same && !eg_tree_is_nothing(t))
			return eg_fail(err, EG_ERR_ARG, "'%.*s' cannot be set in '%.100s', which is not a map",
				(int)length, path, text);
		t->kind = EG_TREE_MAP;
		t->text = "";
		only = same ? eg_tree_map(b, t, text) : NULL;
		if (b->failed) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
		if (only) {
			*out = only;
			return EG_OK;
		}
	}
	*out = eg_tree_child(t, path, length);
	if (*out) return EG_OK;
	if (t->kind == EG_TREE_LIST)
		return eg_fail(err, EG_ERR_ARG, "'%.*s' names no element of a list of %d (they are numbered from 0)",
			(int)length, path, t->count);
	char *key = eg_arena_printf(b->arena, "%.*s", (int)length, path);
	eg_tree *made = eg_tree_new(b, EG_TREE_SCALAR);
	if (!key || !made) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	made->key = key;
	eg_tree_append(t, made);
	*out = made;
	return EG_OK;
}

eg_status eg_yaml_set(
	eg_tree_builder *b, eg_tree *root, const char *prefix, const char *assignment, eg_error *err) {
	const char *equals = strchr(assignment, '=');
	if (!equals || equals == assignment)
		return eg_fail(err, EG_ERR_ARG, "%s%s: expected NAME=VALUE%s", prefix, assignment,
			*prefix ? ", such as train.epochs=5" : "");
	const char *source = eg_arena_printf(b->arena, "%s%s", prefix, assignment);
	eg_tree *value = NULL;
	if (!source) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	reader r = {.b = {b->arena, source, false}, .err = err, .no_lines = true};
	eg_status status = parse(&r, equals + 1, strlen(equals + 1), &value);
	eg_tree *t = root;
	for (const char *path = assignment; path < equals && !status;) {
		size_t length = strcspn(path, ".=");
		if (length == 0 || (path[length] == '.' && path + length + 1 == equals))
			return eg_fail(err, EG_ERR_ARG, "%s: an empty name between dots", source);
		status = step(&r.b, t, path, length, &t, err);
		if (status) eg_fail_prefix(err, "%s", source);
		path += length + (path[length] == '.');
	}
	if (!status) replace(t, value);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct output {
	char *data;
	size_t size, room;
	bool large;
} output;

static int put(void *user, unsigned char *bytes, size_t size) {
	output *o = user;
	if (o->size + size > EG_TREE_BYTES) { /* it could not be read again; a few aliases can stand for gigabytes */
		o->large = true;
		return 0;
	}
	if (o->size + size + 1 > o->room) {
		size_t room = 2 * (o->size + size) + 1024;
		char *data = eg_alloc(NULL, room);
		if (!data) return 0;
		if (o->size) memcpy(data, o->data, o->size);
		eg_release(NULL, o->data);
		o->data = data;
		o->room = room;
	}
	memcpy(o->data + o->size, bytes, size);
	o->size += size;
	o->data[o->size] = 0;
	return 1;
}

/* libyaml's emitter owns the event it is given, also when it fails. */
static bool emit(yaml_emitter_t *e, int made, yaml_event_t *event) { return made && yaml_emitter_emit(e, event); }

static bool write_text(yaml_emitter_t *e, const char *text, bool quoted) {
	yaml_event_t event;
	yaml_scalar_style_t style = quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE;
	size_t n = strlen(text);
	int made = n < EG_TREE_BYTES &&
		   yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)n, 1, 1, style);
	return emit(e, made, &event);
}

static bool write_value(yaml_emitter_t *e, const eg_tree *t, int depth) {
	yaml_event_t event;
	if (t->kind == EG_TREE_SCALAR) return write_text(e, eg_tree_is_nothing(t) ? "null" : t->text, t->quoted);
	bool map = t->kind == EG_TREE_MAP,
	     block = depth == 0 || (depth == 1 && t->count > 0 && (map || t->first->kind != EG_TREE_SCALAR));
	int made = map ? yaml_mapping_start_event_initialize(
				 &event, NULL, NULL, 1, block ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE)
		       : yaml_sequence_start_event_initialize(
				 &event, NULL, NULL, 1, block ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE);
	if (!emit(e, made, &event)) return false;
	for (const eg_tree *c = t->first; c; c = c->next)
		if ((map && !write_text(e, c->key, false)) || !write_value(e, c, depth + 1)) return false;
	made = map ? yaml_mapping_end_event_initialize(&event) : yaml_sequence_end_event_initialize(&event);
	return emit(e, made, &event);
}

static bool write_document(yaml_emitter_t *e, const eg_tree *root) {
	yaml_event_t event;
	return emit(e, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event) &&
	       emit(e, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1), &event) &&
	       write_value(e, root, 0) && emit(e, yaml_document_end_event_initialize(&event, 1), &event) &&
	       emit(e, yaml_stream_end_event_initialize(&event), &event) && yaml_emitter_flush(e);
}

eg_status eg_yaml_write(eg_arena *arena, const eg_tree *root, const char **text, eg_error *err) {
	output o = {0};
	yaml_emitter_t e;
	*text = NULL;
	if (!yaml_emitter_initialize(&e)) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	yaml_emitter_set_output(&e, put, &o);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_width(&e, 120);
	bool ok = write_document(&e, root);
	yaml_emitter_delete(&e);
	if (ok && o.data) *text = eg_arena_strdup(arena, o.data);
	eg_release(NULL, o.data);
	if (o.large)
		return eg_fail(err, EG_ERR_FORMAT, "%s: too large: with its aliases written out more than %d bytes of YAML",
			root->source ? root->source : "YAML", EG_TREE_BYTES);
	return *text ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a YAML text");
}

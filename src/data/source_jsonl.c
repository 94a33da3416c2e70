/* source_jsonl.c - JSON lines: a map in each line, a record each.
 *
 *   {"text": "turn on the light", "intent": "light on", "who": "anna", "lengths": [4, 2, 3, 5]}
 *
 * The recipe says which names are what. UTF-8 unless `encoding` says otherwise, gzipped or not; empty lines are passed
 * over. What the records hold stays in memory, once.
 *
 * Not here: reading JSON (src/io), which lines are the test part (shelf.c). */
#include "data/table.h"

#include <math.h>
#include <string.h>

typedef struct jsonl_source {
	eg_shelf_source shelf;
	const char *text, *label, *tokens, *tags, *series, *group, *id, *sound;
	eg_strings numbers, target;
} jsonl_source;

/* A file while it is read. */
typedef struct reading {
	jsonl_source *s;
	eg_shelf *shelf;
	char where[EG_PATH + 24]; /* FILE:LINE */
	const eg_value *map;      /* of the line */
} reading;

static eg_status no_memory(const reading *r, eg_error *err) { return eg_source_no_memory(&r->s->shelf.base, err); }

static eg_status wrong_kind(const reading *r, const char *name, const char *wanted, eg_error *err) {
	const eg_value *v = eg_value_get(r->map, name);
	const char *near = NULL, *names[100];
	int n = 0;
	for (const eg_value *c = eg_value_first(r->map); c && n < EG_COUNT(names); c = eg_value_next(c)) names[n++] = eg_value_key(c);
	if (!v && n > 0) near = eg_did_you_mean(name, names, n);
	return eg_fail(err, EG_ERR_FORMAT, "%s: %s '%s'%s%s%s%s", r->where, v ? "what stands behind" : "there is no", name,
	        v ? " is no " : "", v ? wanted : "", near ? "; is it '" : "", near ? near : "");
}

/* ---- one name ---------------------------------------------------------------------------------------------------- */

/* A text, or a number or truth value as one. *out NULL: it is null, or not there. */
static eg_status get_text(reading *r, const char *name, bool needed, const char **out, size_t *size, eg_error *err) {
	const eg_value *v = name ? eg_value_get(r->map, name) : NULL;
	eg_value_kind kind = eg_value_kind_of(v);
	char number[40] = "";
	const char *text = number;
	*out = NULL;
	if (kind == EG_VALUE_TEXT)
		text = eg_value_text(v);
	else if (kind == EG_VALUE_INT)
		snprintf(number, sizeof number, "%lld", (long long)eg_value_int(v, 0));
	else if (kind == EG_VALUE_NUMBER)
		snprintf(number, sizeof number, "%.9g", eg_value_number(v, 0));
	else if (kind == EG_VALUE_BOOL)
		text = eg_value_bool(v, false) ? "true" : "false";
	else if (kind != EG_VALUE_NULL || (v && needed) || (name && needed))
		return wrong_kind(r, name, "text", err);
	if (!v || kind == EG_VALUE_NULL) return EG_OK;
	*size = kind == EG_VALUE_TEXT ? eg_value_text_size(v) : strlen(text);
	if (strlen(text) != *size)
		return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' holds a zero character: this is no text", r->where, name);
	if (*size == 0 && needed) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' is empty", r->where, name);
	*out = eg_pool_text(&r->shelf->pool, text, *size);
	return *out ? EG_OK : no_memory(r, err);
}

/* Every number of a value, whatever lists it holds; -1: something is none. null is NaN. */
static int collect(const eg_value *v, float *out, int n) {
	switch (eg_value_kind_of(v)) {
	case EG_VALUE_LIST:
		for (const eg_value *c = eg_value_first(v); c && n >= 0; c = eg_value_next(c)) n = collect(c, out, n);
		return n;
	case EG_VALUE_INT:
	case EG_VALUE_NUMBER:
	case EG_VALUE_NULL:
		if (out) out[n] = (float)eg_value_number(v, NAN);
		return n + 1;
	default: return -1;
	}
}

/* The numbers of several names, one behind the other. */
static eg_status get_numbers(reading *r, const eg_strings *names, const float **at, int *n, eg_error *err) {
	int all = 0;
	for (int i = 0; i < names->n; i++) {
		const eg_value *v = eg_value_get(r->map, names->at[i]);
		all = v ? collect(v, NULL, all) : -1;
		if (all < 0) return wrong_kind(r, names->at[i], "number or list of numbers", err);
	}
	float *out = eg_arena_alloc(&r->shelf->pool.arena, ((size_t)all + 1) * sizeof *out);
	if (!out) return no_memory(r, err);
	*n = 0;
	for (int i = 0; i < names->n; i++) *n = collect(eg_value_get(r->map, names->at[i]), out, *n);
	*at = out;
	return EG_OK;
}

static eg_status get_texts(reading *r, const char *name, const char ***at, int *n, eg_error *err) {
	const eg_value *v = eg_value_get(r->map, name);
	int64_t count = eg_value_count(v);
	*n = 0;
	if (eg_value_kind_of(v) != EG_VALUE_LIST) return wrong_kind(r, name, "list of texts", err);
	if (count == 0) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' is empty", r->where, name);
	*at = eg_arena_alloc(&r->shelf->pool.arena, (size_t)count * sizeof **at);
	if (!*at) return no_memory(r, err);
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) {
		const char *text = eg_value_text(c);
		if (!text || !*text || strlen(text) != eg_value_text_size(c)) return wrong_kind(r, name, "list of texts", err);
		(*at)[*n] = eg_pool_text(&r->shelf->pool, text, strlen(text));
		if (!(*at)[(*n)++]) return no_memory(r, err);
	}
	return EG_OK;
}

/* A list of steps: numbers, or lists of as many numbers each. */
static eg_status get_series(reading *r, eg_item *x, int *columns, eg_error *err) {
	const char *name = r->s->series;
	const eg_value *v = eg_value_get(r->map, name);
	int all = eg_value_kind_of(v) == EG_VALUE_LIST ? collect(v, NULL, 0) : -1;
	if (all < 0) return wrong_kind(r, name, "list of steps, each a number or a list of numbers", err);
	x->steps = (int)eg_value_count(v);
	if (x->steps == 0) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' is empty", r->where, name);
	*columns = all / x->steps;
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c))
		if (collect(c, NULL, 0) != *columns || *columns == 0)
			return eg_fail(err, EG_ERR_FORMAT, "%s: the steps of '%s' are not of as many numbers each", r->where, name);
	return get_numbers(r, &(eg_strings){&name, 1}, &x->series, &all, err);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* All records have as many numbers as the first. */
static eg_status same_count(const reading *r, int field, int n, eg_error *err) {
	eg_field *f = &r->s->shelf.base.fields[field];
	if (f->columns == 0) f->columns = n;
	if (n > 0 && n == f->columns) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' is of %d numbers, but those above are of %d", r->where, f->name, n, f->columns);
}

static eg_status read_item(reading *r, eg_item *x, eg_error *err) {
	const jsonl_source *s = r->s;
	const eg_shelf_fields *at = &s->shelf.fields;
	size_t size = 0, other;
	int columns = 0;
	eg_status status = get_text(r, s->text, s->text, &x->text, &size, err);
	x->text_size = (uint32_t)size;
	if (!status) status = get_text(r, s->label, s->label, &x->class_name, &other, err);
	if (!status) status = get_text(r, s->sound, s->sound, &x->sound, &other, err);
	if (!status && x->sound && !(x->sound = eg_shelf_sound(r->shelf, x->sound))) status = no_memory(r, err);
	if (!status) status = get_text(r, s->group, false, &x->group, &other, err);
	if (!status) status = get_text(r, s->id, false, &x->id, &other, err);
	if (!status && at->tokens >= 0) status = get_texts(r, s->tokens, &x->tokens, &x->ntokens, err);
	if (!status && at->tags >= 0) {
		int n;
		status = get_texts(r, s->tags, &x->tag_names, &n, err);
		if (!status && n != x->ntokens)
			status = eg_fail(err, EG_ERR_FORMAT, "%s: %d tokens, but %d tags", r->where, x->ntokens, n);
		if (!status) x->tags = eg_arena_alloc(&r->shelf->pool.arena, (size_t)n * sizeof *x->tags);
		if (!status && !x->tags) status = no_memory(r, err);
	}
	if (!status && at->numbers >= 0) status = get_numbers(r, &s->numbers, &x->numbers, &x->nnumbers, err);
	if (!status && at->numbers >= 0) status = same_count(r, at->numbers, x->nnumbers, err);
	if (!status && at->target >= 0) status = get_numbers(r, &s->target, &x->target, &x->ntarget, err);
	if (!status && at->target >= 0) status = same_count(r, at->target, x->ntarget, err);
	for (int i = 0; i < x->ntarget && !status; i++)
		if (isnan(x->target[i])) status = eg_fail(err, EG_ERR_FORMAT, "%s: the target is missing", r->where);
	if (!status && at->series >= 0) status = get_series(r, x, &columns, err);
	if (!status && at->series >= 0) status = same_count(r, at->series, columns, err);
	return status;
}

static eg_status read_line(reading *r, const char *line, size_t size, int64_t number, eg_error *err) {
	eg_shelf *f = r->shelf;
	eg_value *root;
	eg_item x = {.line = number};
	snprintf(r->where, sizeof r->where, "%.*s:%lld", EG_PATH, f->file, (long long)number);
	if (!eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at)) return no_memory(r, err);
	eg_status status = eg_value_parse(line, size, r->where, &root, err);
	if (status) return status;
	r->map = root;
	if (eg_value_kind_of(root) != EG_VALUE_MAP)
		status = eg_fail(err, EG_ERR_FORMAT, "%s: a line is a map, {\"name\": value}", r->where);
	if (!status) status = read_item(r, &x, err);
	eg_value_free(root);
	if (!status) f->at[f->n++] = x;
	return status;
}

static eg_status fill(eg_source *base, eg_shelf *f, eg_reader *reader, eg_error *err) {
	jsonl_source *s = (jsonl_source *)base;
	reading r = {.s = s, .shelf = f};
	eg_lines *lines;
	eg_status status = eg_lines_new(reader, &s->shelf.rules, &lines, err);
	if (status) return status;
	for (;;) {
		char *line;
		size_t size;
		eg_error why;
		eg_status wrong = eg_lines_next(lines, &line, &size, &why);
		if (!wrong && !line) break;
		if (!wrong && line[strspn(line, " \t")]) wrong = read_line(&r, line, size, eg_lines_number(lines), &why);
		if (wrong && !eg_lines_go_on(lines))
			status = eg_fail(err, wrong, "%s", why.message);
		else if (wrong)
			status = eg_broken_add(base, wrong, &why, err);
		if (status) break;
	}
	if (!status && eg_lines_number(lines) == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s' is empty", f->file);
	f->latin1 = eg_lines_latin1(lines);
	eg_lines_free(lines);
	return status;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

eg_status eg_jsonl_take(eg_source *s, eg_reader *reader, eg_error *err) { return eg_shelf_take(s, fill, reader, err); }

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) { return eg_shelf_prepare(s, part, fill, err); }

static eg_status choose(eg_source *base, eg_error *err) {
	jsonl_source *s = (jsonl_source *)base;
	eg_shelf_fields *at = &s->shelf.fields;
	*at = (eg_shelf_fields)EG_NO_FIELDS;
	if (!s->text && !s->tokens && !s->series && !s->sound && s->numbers.n == 0)
		return eg_fail(err, EG_ERR_ARG,
		        "data source 'jsonl' needs to know what the names are: 'text: NAME', 'tokens: NAME', 'series: NAME' or "
		        "'numbers: [NAME, NAME]', and what is to be learnt: 'label: NAME', 'tags: NAME' or 'target: [NAME]'");
	if (s->tags && !s->tokens) return eg_fail(err, EG_ERR_ARG, "'tags' needs 'tokens', a list of as many texts");
	base->nfields = 0;
	if (s->sound) eg_shelf_field(base, "sound", &at->sound);
	if (s->text) eg_shelf_field(base, "text", &at->text);
	if (s->tokens) eg_shelf_field(base, "tokens", &at->tokens);
	if (s->series) eg_shelf_field(base, "series", &at->series);
	if (s->numbers.n > 0) eg_shelf_field(base, "numbers", &at->numbers);
	if (s->label) eg_shelf_field(base, "label", &at->label);
	if (s->tags) eg_shelf_field(base, "tags", &at->tags);
	if (s->target.n > 0) eg_shelf_field(base, "target", &at->target);
	return EG_OK;
}

static eg_status open_source(eg_source *base, eg_error *err) {
	jsonl_source *s = (jsonl_source *)base;
	s->shelf.one = "line", s->shelf.many = "lines";
	return eg_shelf_open(base, err);
}

#define NAME_KEY(name_, doc_) \
	{ .name = #name_, .type = EG_KEY_STRING, .offset = offsetof(jsonl_source, name_), .def = NAN, .doc = doc_ }

static const eg_key keys[] = {
	NAME_KEY(text, "the name of the field `text`"),
	{.name = "sound_file",
		.type = EG_KEY_STRING,
		.offset = offsetof(jsonl_source, sound),
		.def = NAN,
		.doc = "the name of the path of a sound file, from the file's folder, which is the field `sound`"},
	NAME_KEY(label, "the name of the field `label`, a class"),
	NAME_KEY(tokens, "the name of the field `tokens`, a list of texts"),
	NAME_KEY(tags, "the name of the field `tags`, a list of classes, one for each token"),
	NAME_KEY(series, "the name of the field `series`, a list of steps: numbers, or lists of numbers; null is a gap"),
	{.name = "numbers",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(jsonl_source, numbers),
		.def = NAN,
		.doc = "the names that are the field `numbers`: numbers, or lists of them, one behind the other; null is missing"},
	{.name = "target",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(jsonl_source, target),
		.def = NAN,
		.doc = "the names that are the field `target`, numbers to be predicted"},
	NAME_KEY(group, "the name that tells which lines belong together: no split parts them"),
	NAME_KEY(id, "the name with the names of the records; left out: their numbers"),
	EG_SHELF_KEYS(jsonl_source, "lines"),
};

static const eg_field fields[] = {{.name = "sound", .kind = EG_FIELD_SOUND}, {.name = "text", .kind = EG_FIELD_TEXT}, {.name = "tokens", .kind = EG_FIELD_TOKENS},
	{.name = "series", .kind = EG_FIELD_SERIES}, {.name = "numbers", .kind = EG_FIELD_NUMBERS},
	{.name = "label", .kind = EG_FIELD_LABEL}, {.name = "tags", .kind = EG_FIELD_TAGS},
	{.name = "target", .kind = EG_FIELD_NUMBERS}};

const eg_source_type eg_source_type_jsonl = {.info = {.name = "jsonl",
						     .doc = "your own JSON lines, gzipped or not: a map in each line; the recipe says which "
							    "names are texts, tokens, numbers, classes",
						     .origin = "you",
						     .licence = "yours",
						     .path = EG_DATA_PATH_FILE,
						     .fields = fields,
						     .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(jsonl_source),
	.choose = choose,
	.open = open_source,
	.prepare = prepare,
	.read = eg_shelf_read,
	.close = eg_shelf_close};

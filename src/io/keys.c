/* keys.c - typed reading of maps by tables. See keys.h. */
#include "io/keys.h"

#include <math.h>
#include <string.h>

enum { MAX_NAMES = 128 };

eg_key eg_key_of_attr(const eg_attr *a) {
	eg_key k = {.name = a->name,
		.count = a->count,
		.offset = a->offset,
		.min = a->min,
		.max = a->max,
		.names = a->names,
		.required = isnan(a->def) && !a->size,
		.def = a->def,
		.doc = a->doc};
	switch (a->type) {
	case EG_ATTR_INT: k.type = EG_KEY_INT; break;
	case EG_ATTR_FLOAT: k.type = EG_KEY_FLOAT; break;
	case EG_ATTR_BOOL: k.type = EG_KEY_BOOL; break;
	case EG_ATTR_NOT: k.type = EG_KEY_NOT; break;
	case EG_ATTR_INTS: k.type = EG_KEY_INTS; break;
	case EG_ATTR_ENUM: k.type = EG_KEY_ENUM; break;
	case EG_ATTR_INT_LIST: k.type = EG_KEY_INT_LIST; break;
	case EG_ATTR_FLOAT_LIST: k.type = EG_KEY_FLOAT_LIST; break;
	case EG_ATTR_STRING: k.type = EG_KEY_STRING; break;
	}
	bool number = a->type == EG_ATTR_INT || a->type == EG_ATTR_FLOAT || a->type == EG_ATTR_INTS;
	k.zero_is_default = number && a->def != 0;
	return k;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static int count_names(const char *const *names) {
	int n = 0;
	while (names[n]) n++;
	return n;
}

/* "a, b, c" */
static void list_names(const char *const *names, int n, char *buf, size_t size) {
	size_t used = 0;
	buf[0] = 0;
	for (int i = 0; i < n && used + 4 < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

eg_status eg_keys_no_such(
	const eg_tree *t, const char *word, const char *what, const char *const *names, int n, eg_error *err) {
	char list[400];
	const char *guess = eg_did_you_mean(word, names, n);
	if (guess) return eg_tree_fail(err, t, EG_ERR_FORMAT, "no %s '%.60s'; did you mean '%s'?", what, word, guess);
	list_names(names, n, list, sizeof list);
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "no %s '%.60s'; there are: %s", what, word, list);
}

eg_status eg_keys_unknown(const eg_tree *t, const char *const *names, int n, const char *where, eg_error *err) {
	char list[400];
	const char *guess = eg_did_you_mean(t->key, names, n);
	if (guess)
		return eg_tree_fail_key(
			err, t, EG_ERR_FORMAT, "unknown key '%.60s' in %s; did you mean '%s'?", t->key, where, guess);
	list_names(names, n, list, sizeof list);
	return eg_tree_fail_key(
		err, t, EG_ERR_FORMAT, "unknown key '%.60s' in %s; it takes: %s", t->key, where, n ? list : "none");
}

static eg_status expected(const eg_key *key, const eg_tree *t, const char *what, const char *where, eg_error *err) {
	char got[64];
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' in %s must be %s, not %s", key->name, where, what,
		eg_tree_describe(t, got, sizeof got));
}

static eg_status out_of_range(const eg_key *key, const eg_tree *t, const char *where, eg_error *err) {
	char low[40], high[40];
	snprintf(low, sizeof low, key->min == EG_ABOVE_0 ? "above 0" : "at least %.10g", key->min);
	if (key->max >= INT32_MAX)
		high[0] = 0;
	else
		snprintf(high, sizeof high, key->max == EG_BELOW_1 ? " and below 1" : " and at most %.10g", key->max);
	return eg_tree_fail(
		err, t, EG_ERR_FORMAT, "'%s' in %s is %.40s; it must be %s%s", key->name, where, t->text, low, high);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static eg_status read_int(const eg_key *key, const eg_tree *t, int *out, const char *where, eg_error *err) {
	int64_t v;
	if (!eg_tree_integer(t, &v)) return expected(key, t, "a whole number", where, err);
	if ((double)v < key->min || (double)v > key->max || v < INT32_MIN || v > INT32_MAX)
		return out_of_range(key, t, where, err);
	*out = v == 0 && key->zero_is_default ? EG_ZERO : (int)v;
	return EG_OK;
}

static eg_status read_ints(const eg_key *key, const eg_tree *t, int *out, const char *where, eg_error *err) {
	char what[64];
	eg_status status = EG_OK;
	if (t->kind == EG_TREE_SCALAR) {
		status = read_int(key, t, out, where, err);
		for (int i = 1; i < key->count; i++) out[i] = out[0];
		return status;
	}
	snprintf(what, sizeof what, "a whole number or a list of %d", key->count);
	if (t->kind != EG_TREE_LIST || t->count != key->count) {
		if (t->kind == EG_TREE_LIST)
			return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' in %s must be %s, not a list of %d", key->name,
				where, what, t->count);
		return expected(key, t, what, where, err);
	}
	int i = 0;
	for (const eg_tree *c = t->first; c && !status; c = c->next) status = read_int(key, c, out + i++, where, err);
	return status;
}

static eg_status read_number(const eg_key *key, const eg_tree *t, double *out, const char *where, eg_error *err) {
	if (!eg_tree_number(t, out)) return expected(key, t, "a number", where, err);
	if (!(*out >= key->min && *out <= key->max)) return out_of_range(key, t, where, err);
	if (*out == 0) *out = key->zero_is_default ? (double)EG_ZERO_F : 0; /* "-0" is nothing else */
	return EG_OK;
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* A list has at least one value, and not more than the key allows. */
static eg_status check_list(const eg_key *key, const eg_tree *t, const char *what, const char *where, eg_error *err) {
	if (t->kind != EG_TREE_LIST) return expected(key, t, what, where, err);
	if (t->count == 0) return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' in %s is an empty list", key->name, where);
	if (key->count == 0 || t->count <= key->count) return EG_OK;
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' in %s has %d values; at most %d are allowed", key->name, where,
		t->count, key->count);
}

static eg_status read_numbers(
	eg_arena *arena, const eg_key *key, const eg_tree *t, eg_numbers *out, const char *where, eg_error *err) {
	bool one = t->kind == EG_TREE_SCALAR;
	eg_status status = one ? EG_OK : check_list(key, t, "a number or a list of numbers", where, err);
	if (status) return status;
	eg_numbers list = {eg_arena_alloc(arena, (one ? 1 : (size_t)t->count) * sizeof(double)), 0};
	if (!list.at) return no_memory(err);
	for (const eg_tree *c = one ? t : t->first; c && !status; c = one ? NULL : c->next)
		status = read_number(key, c, &list.at[list.n++], where, err);
	if (!status) *out = list;
	return status;
}

static eg_status read_int_list(
	eg_arena *arena, const eg_key *key, const eg_tree *t, eg_ints *out, const char *where, eg_error *err) {
	bool one = t->kind == EG_TREE_SCALAR;
	eg_status status = one ? EG_OK : check_list(key, t, "a whole number or a list of whole numbers", where, err);
	if (status) return status;
	int *at = eg_arena_alloc(arena, (one ? 1 : (size_t)t->count) * sizeof *at), n = 0;
	if (!at) return no_memory(err);
	for (const eg_tree *c = one ? t : t->first; c && !status; c = one ? NULL : c->next)
		status = read_int(key, c, &at[n++], where, err);
	if (!status) *out = (eg_ints){at, n};
	return status;
}

static eg_status read_float_list(
	eg_arena *arena, const eg_key *key, const eg_tree *t, eg_floats *out, const char *where, eg_error *err) {
	eg_numbers list;
	eg_status status = read_numbers(arena, key, t, &list, where, err);
	if (status) return status;
	float *at = eg_arena_alloc(arena, (size_t)list.n * sizeof *at);
	if (!at) return no_memory(err);
	for (int i = 0; i < list.n; i++) {
		if (fabs(list.at[i]) > (double)FLT_MAX)
			return eg_tree_fail(err, t, EG_ERR_FORMAT, "number %d of '%s' in %s is %g, which is too large", i + 1,
				key->name, where, list.at[i]);
		at[i] = (float)list.at[i];
	}
	*out = (eg_floats){at, list.n};
	return EG_OK;
}

static eg_status read_text(const eg_key *key, const eg_tree *t, const char **out, const char *where, eg_error *err) {
	if (!eg_tree_is_string(t) || !*t->text)
		return expected(key, t,
			t->kind == EG_TREE_SCALAR && *t->text && !t->quoted ? "a text (put it in quotes)" : "a text",
			where, err);
	*out = t->text;
	return EG_OK;
}

static eg_status read_strings(
	eg_arena *arena, const eg_key *key, const eg_tree *t, eg_strings *out, const char *where, eg_error *err) {
	const bool one = t->kind == EG_TREE_SCALAR && key->one_will_do;
	eg_status status = one ? EG_OK : check_list(key, t, key->one_will_do ? "a text or a list of texts" : "a list of texts", where, err);
	if (status) return status;
	eg_strings list = {eg_arena_alloc(arena, (one ? 1 : (size_t)t->count) * sizeof *list.at), 0};
	if (!list.at) return no_memory(err);
	for (const eg_tree *c = one ? t : t->first; c && !status; c = one ? NULL : c->next)
		status = read_text(key, c, &list.at[list.n++], where, err);
	if (!status) *out = list;
	return status;
}

static eg_status read_enum(const eg_key *key, const eg_tree *t, int *out, const char *where, eg_error *err) {
	int n = count_names(key->names);
	if (t->kind != EG_TREE_SCALAR) return expected(key, t, "one word", where, err);
	for (int i = 0; i < n; i++) {
		if (strcmp(key->names[i], t->text)) continue;
		*out = i;
		return EG_OK;
	}
	return eg_keys_no_such(t, t->text, key->name, key->names, n, err);
}

static eg_status read_u64(const eg_key *key, const eg_tree *t, uint64_t *out, const char *where, eg_error *err) {
	int64_t v;
	if (!eg_tree_integer(t, &v)) return expected(key, t, "a whole number", where, err);
	if (v < 0) return out_of_range(key, t, where, err);
	*out = (uint64_t)v;
	return EG_OK;
}

static eg_status read_int64(const eg_key *key, const eg_tree *t, int64_t *out, const char *where, eg_error *err) {
	int64_t v;
	if (!eg_tree_integer(t, &v)) return expected(key, t, "a whole number", where, err);
	if ((double)v < key->min || (double)v > key->max) return out_of_range(key, t, where, err);
	*out = v;
	return EG_OK;
}

/* A map inside of a map: 'augment' in 'data' is read as 'data.augment'. */
static eg_status read_map(
	eg_arena *arena, const eg_key *key, const eg_tree *t, void *out, const char *where, eg_error *err) {
	char inner[120];
	size_t n = strlen(where);
	bool quoted = n > 2 && where[0] == '\'' && where[n - 1] == '\'';
	if (quoted)
		snprintf(inner, sizeof inner, "%.*s.%s'", (int)(n < 60 ? n - 1 : 60), where, key->name);
	else
		snprintf(inner, sizeof inner, "'%s' of %.60s", key->name, where);
	const eg_key_set set = {key->variants->keys, key->variants->nkeys, out};
	return eg_keys_read(arena, t, t, &set, 1, inner, err);
}

eg_status eg_key_read(
	eg_arena *arena, const eg_key *key, const eg_tree *t, void *out, const char *where, eg_error *err) {
	void *field = (char *)out + key->offset;
	double d = 0;
	bool b;
	eg_status status = EG_OK;
	switch (key->type) {
	case EG_KEY_INT: return read_int(key, t, field, where, err);
	case EG_KEY_INT64: return read_int64(key, t, field, where, err);
	case EG_KEY_INTS: return read_ints(key, t, field, where, err);
	case EG_KEY_ENUM: return read_enum(key, t, field, where, err);
	case EG_KEY_U64: return read_u64(key, t, field, where, err);
	case EG_KEY_FLOAT:
		status = read_number(key, t, &d, where, err);
		if (!status && fabs(d) > (double)FLT_MAX) return out_of_range(key, t, where, err);
		if (!status) *(float *)field = (float)d != 0 ? (float)d : key->zero_is_default ? EG_ZERO_F : 0;
		return status;
	case EG_KEY_DOUBLE:
		status = read_number(key, t, &d, where, err);
		if (!status) *(double *)field = d;
		return status;
	case EG_KEY_BOOL:
	case EG_KEY_NOT:
		if (!eg_tree_bool(t, &b)) return expected(key, t, "true or false", where, err);
		*(bool *)field = key->type == EG_KEY_BOOL ? b : !b;
		return EG_OK;
	case EG_KEY_STRING: return read_text(key, t, field, where, err);
	case EG_KEY_NUMBERS: return read_numbers(arena, key, t, field, where, err);
	case EG_KEY_INT_LIST: return read_int_list(arena, key, t, field, where, err);
	case EG_KEY_FLOAT_LIST: return read_float_list(arena, key, t, field, where, err);
	case EG_KEY_STRINGS: return read_strings(arena, key, t, field, where, err);
	case EG_KEY_MAP: return read_map(arena, key, t, field, where, err);
	case EG_KEY_MAPS:
	case EG_KEY_CHOICE: return EG_OK;
	}
	return EG_OK;
}

/* ---- maps and choices -------------------------------------------------------------------------------------------- */

/* Every table that knows the key reads it; the names of all are gathered for the message when none does. */
static eg_status read_entry(
	eg_arena *arena, const eg_tree *t, const eg_key_set *sets, int nsets, const char *where, eg_error *err) {
	const char *names[MAX_NAMES] = {NULL};
	int n = 0;
	bool known = false;
	for (int s = 0; s < nsets; s++)
		for (int i = 0; i < sets[s].n; i++) {
			const eg_key *key = &sets[s].keys[i];
			int twin = 0;
			while (twin < n && strcmp(names[twin], key->name)) twin++;
			if (twin == n && n < MAX_NAMES) names[n++] = key->name;
			if (strcmp(key->name, t->key)) continue;
			eg_status status = eg_key_read(arena, key, t, sets[s].out, where, err);
			if (status) return status;
			known = true;
		}
	return known ? EG_OK : eg_keys_unknown(t, names, n, where, err);
}

eg_status eg_keys_read(eg_arena *arena, const eg_tree *map, const eg_tree *place, const eg_key_set *sets, int nsets,
	const char *where, eg_error *err) {
	char got[64];
	if (eg_tree_is_nothing(map)) map = NULL;
	if (map && map->kind != EG_TREE_MAP)
		return eg_tree_fail(err, map, EG_ERR_FORMAT, "%s must be a map {key: value, ...}, not %s", where,
			eg_tree_describe(map, got, sizeof got));
	for (const eg_tree *t = map ? map->first : NULL; t; t = t->next) {
		eg_status status = read_entry(arena, t, sets, nsets, where, err);
		if (status) return status;
	}
	for (int s = 0; s < nsets; s++)
		for (int i = 0; i < sets[s].n; i++) {
			const eg_key *key = &sets[s].keys[i];
			if (key->required && !eg_tree_get(map, key->name))
				return eg_tree_fail(
					err, place, EG_ERR_FORMAT, "%s needs '%s' (%s)", where, key->name, key->doc);
		}
	return EG_OK;
}

eg_status eg_settings_read(eg_arena *arena, const char *const *settings, const eg_key_set *sets, int nsets,
	const char *where, eg_error *err) {
	eg_tree_builder b = {arena, where, false};
	eg_tree *root = eg_tree_new(&b, EG_TREE_MAP);
	eg_status status = root ? EG_OK : no_memory(err);
	for (; !status && settings && *settings; settings++) status = eg_yaml_set(&b, root, "", *settings, err);
	return status ? status : eg_keys_read(arena, root, root, sets, nsets, where, err);
}

eg_status eg_choice_read(const eg_tree *t, const char *what, const char **word, const eg_tree **attrs, eg_error *err) {
	char got[64];
	*attrs = NULL;
	if (t->kind == EG_TREE_MAP && t->count == 1) {
		*word = t->first->key;
		if (!eg_tree_is_nothing(t->first)) *attrs = t->first;
		return EG_OK;
	}
	if (t->kind == EG_TREE_MAP && t->count > 1)
		return eg_tree_fail_key(err, t->first->next, EG_ERR_FORMAT,
			"%s is already '%.60s'; it cannot also be '%.60s'", what, t->first->key, t->first->next->key);
	if (!eg_tree_is_string(t) || !*t->text)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s must be a name or {name: {key: value, ...}}, not %s",
			what, eg_tree_describe(t, got, sizeof got));
	*word = t->text;
	return EG_OK;
}

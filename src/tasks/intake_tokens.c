/* intake_tokens.c - tokens as an input: numbers of texts that somebody has cut already (words, characters). The
 * commonest have numbers of their own; number 0 stands for all others. A question that is raw text is cut into
 * characters, or at white space where the training tokens were longer.
 *
 * With `pairs` a step has two numbers: its token's, and that of its token and the next one together, which come behind
 * the tokens' in the same vocabulary. */
#include "data/augment.h"
#include "data/text_form.h"
#include "tasks/intake.h"

#include <math.h>
#include <string.h>

typedef struct tokens_intake {
	eg_intake base;
	int min_count, max_size, normalize;
	bool with_pairs;
	int pairs_min_count;
	eg_lexicon names; /* token number i is names.at[i - 1] */
	eg_lexicon pairs; /* and pair number names.n + 2 + i is pairs.at[i], behind the one of all others */
	bool known, characters;
} tokens_intake;

enum { PAIR_SIZE = 256 /* longer ones count among the unknown */, PAIRS_MIN_COUNT = 2 };

static const eg_key keys[] = {
	{.name = "min_count",
		.type = EG_KEY_INT,
		.offset = offsetof(tokens_intake, min_count),
		.min = 1,
		.max = 1e9,
		.def = 1,
		.doc = "tokens: those that occur less often are unknown"},
	{.name = "max_size",
		.type = EG_KEY_INT,
		.offset = offsetof(tokens_intake, max_size),
		.min = 2,
		.max = 1e7,
		.def = NAN,
		.doc = "tokens: at most so many, the most frequent; the others are unknown"},
	EG_NORMALIZE_KEY(offsetof(tokens_intake, normalize)),
	{.name = "pairs",
		.type = EG_KEY_BOOL,
		.offset = offsetof(tokens_intake, with_pairs),
		.doc = "tokens: a second number a step, of the token and the next one together; the input is [time, 2]"},
	{.name = "pairs_min_count",
		.type = EG_KEY_INT,
		.offset = offsetof(tokens_intake, pairs_min_count),
		.min = 1,
		.max = 1e9,
		.def = PAIRS_MIN_COUNT,
		.doc = "tokens: pairs that occur less often are unknown"},
};

const eg_lexicon *eg_intake_tokens(const eg_intake *f) { return &((const tokens_intake *)f)->names; }
bool eg_intake_spaced(const eg_intake *f) { return !((const tokens_intake *)f)->characters; }

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for tokens"); }

static void forget(tokens_intake *x) {
	eg_lexicon_free(&x->names);
	eg_lexicon_free(&x->pairs);
}

static void close_intake(eg_intake *f) { forget((tokens_intake *)f); }

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	const tokens_intake *x = (const tokens_intake *)f;
	if (x->with_pairs && d->rank == 2 && d->d[0] < 0 && d->d[1] == 2) return EG_OK;
	if (x->with_pairs)
		return eg_fail(err, EG_ERR_SHAPE, "with `pairs` every token has two numbers: write %s: [time, 2]", f->input);
	if (d->rank == 1 && d->d[0] < 0) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "tokens are read one by one: write %s: [time]", f->input);
}

static bool is_known(const eg_intake *f) { return ((const tokens_intake *)f)->known; }

static eg_status begin(eg_intake *f, const eg_field *field, eg_error *err) {
	tokens_intake *x = (tokens_intake *)f;
	EG_UNUSED(field), EG_UNUSED(err);
	forget(x);
	x->characters = true;
	return EG_OK;
}

static bool is_character(const char *s) { return eg_utf8_length(s, strlen(s)) == (int)strlen(s); }

/* Token t and the next one with a blank between them, "" behind the last; NULL: too long. */
static const char *pair_at(const eg_datum *d, int t, char buf[PAIR_SIZE]) {
	const char *next = t + 1 < d->tokens.n ? d->tokens.at[t + 1] : "";
	int n = snprintf(buf, PAIR_SIZE, "%s %s", d->tokens.at[t], next);
	return n >= 0 && n < PAIR_SIZE ? buf : NULL;
}

static eg_status look_at_pairs(tokens_intake *x, const eg_datum *d, eg_error *err) {
	char buf[PAIR_SIZE];
	for (int t = 0; t < d->tokens.n; t++) {
		const char *pair = pair_at(d, t, buf);
		if (pair && eg_lexicon_put(&x->pairs, pair) < 0) return no_memory(err);
	}
	return EG_OK;
}

static eg_status look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	tokens_intake *x = (tokens_intake *)f;
	EG_UNUSED(r);
	for (int i = 0; i < d->tokens.n; i++) {
		if (eg_lexicon_put(&x->names, d->tokens.at[i]) < 0) return no_memory(err);
		x->characters = x->characters && is_character(d->tokens.at[i]);
	}
	return x->with_pairs ? look_at_pairs(x, d, err) : EG_OK;
}

static eg_status looked(eg_intake *f, eg_error *err) {
	tokens_intake *x = (tokens_intake *)f;
	if (!eg_lexicon_rank(&x->names, x->min_count, x->max_size ? x->max_size - 1 : 0)) return no_memory(err);
	if (x->with_pairs && !eg_lexicon_rank(&x->pairs, x->pairs_min_count ? x->pairs_min_count : PAIRS_MIN_COUNT, 0))
		return no_memory(err);
	if (x->names.n == 0)
		return eg_fail(err, EG_ERR_ARG, "no token occurs %d times: lower 'min_count'", x->min_count);
	x->known = true;
	return EG_OK;
}

static int count(const eg_intake *f) {
	const tokens_intake *x = (const tokens_intake *)f;
	return x->names.n + 1 + (x->with_pairs ? x->pairs.n + 1 : 0);
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	EG_UNUSED(f), EG_UNUSED(r), EG_UNUSED(axis), EG_UNUSED(err);
	*size = d->tokens.n;
	return EG_OK;
}

/* The numbers of step t, at least 0; behind the text's end, and of a unit that is dropped, those of unknown ones. */
static int32_t *fill_step(const tokens_intake *x, const eg_datum *d, int t, int32_t *out) {
	char buf[PAIR_SIZE];
	const bool there = t < d->tokens.n && !eg_unit_dropped(d, t);
	*out++ = there ? eg_lexicon_find(&x->names, d->tokens.at[t]) + 1 : 0;
	if (!x->with_pairs) return out;
	const bool next = t + 1 >= d->tokens.n || !eg_unit_dropped(d, t + 1);
	const char *pair = there && next ? pair_at(d, t, buf) : NULL;
	*out++ = x->names.n + 1 + (pair ? eg_lexicon_find(&x->pairs, pair) + 1 : 0);
	return out;
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	int time = (int)a->dims.d[0];
	int32_t *out = a->slot;
	EG_UNUSED(err);
	for (int t = 0; t < time; t++)
		for (int i = 0; i < a->n; i++) out = fill_step((const tokens_intake *)f, a->data[i], t, out);
	return EG_OK;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* Where the next token of a text begins and how many bytes it has; 0: there is none. */
static size_t next_token(const tokens_intake *x, const char **s, const char *end) {
	while (!x->characters && *s < end && strchr(" \t\r\n", **s)) ++*s;
	if (*s == end) return 0;
	if (x->characters) {
		int n = eg_utf8_length(*s, (size_t)(end - *s));
		return n > 0 ? (size_t)n : 1;
	}
	size_t n = 0;
	while (*s + n < end && !strchr(" \t\r\n", (*s)[n])) n++;
	return n;
}

static eg_question_rules rules_of(const tokens_intake *x) {
	return (eg_question_rules){.nfc = x->normalize == EG_NORMALIZE_NFC};
}

static eg_status decode(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	const tokens_intake *x = (const tokens_intake *)f;
	char *text;
	int n = 0;
	EG_UNUSED(remark);
	eg_status status = eg_intake_question(bytes, size, rules_of(x), name, r, &text, &size, err);
	if (status) return status;
	const char **at = eg_record_room(r, (size + 1) * sizeof *at);
	char *own = eg_record_room(r, 2 * size + 1); /* a zero behind each */
	if (!at || !own) return no_memory(err);
	const char *s = text, *end = s + size;
	for (size_t k; (k = next_token(x, &s, end)) > 0; s += k) {
		memcpy(own, s, k);
		own[k] = '\0';
		at[n++] = own;
		own += k + 1;
	}
	*d = (eg_datum){.there = true, .tokens = {n, at}};
	return EG_OK;
}

/* A list of tokens, or a text. */
static eg_status decode_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	if (eg_value_text(v)) return decode(f, eg_value_text(v), eg_value_text_size(v), name, r, d, remark, err);
	const char **at = eg_record_room(r, ((size_t)eg_value_count(v) + 1) * sizeof *at);
	int n = 0;
	if (!at) return no_memory(err);
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) {
		const char *s = eg_value_text(c);
		char *own;
		size_t size;
		if (!s) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be a list of texts", name, f->name);
		eg_status status =
		        eg_intake_question(s, strlen(s), rules_of((const tokens_intake *)f), name, r, &own, &size, err);
		if (status) return status;
		at[n++] = own;
	}
	*d = (eg_datum){.there = true, .tokens = {n, at}};
	return EG_OK;
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

static void save_names(eg_value *map, const char *key, const eg_lexicon *names) {
	eg_value *list = eg_value_put_list(map, key);
	for (int i = 0; i < names->n; i++) eg_value_put_text(list, NULL, names->at[i]);
}

static void save(const eg_intake *f, eg_value *map) {
	const tokens_intake *x = (const tokens_intake *)f;
	eg_value *v = eg_value_put_map(map, "tokens");
	eg_value_put_bool(v, "characters", x->characters);
	save_names(v, "names", &x->names);
	if (x->with_pairs) save_names(v, "pairs", &x->pairs);
}

static eg_status restore_names(eg_lexicon *names, const eg_value *list, const char *what, eg_error *err) {
	for (const eg_value *c = eg_value_first(list); c; c = eg_value_next(c)) {
		int before = names->n;
		if (!eg_value_text(c)) return eg_fail(err, EG_ERR_FORMAT, "damaged: a %s is not a text", what);
		int k = eg_lexicon_put(names, eg_value_text(c));
		if (k < 0) return no_memory(err);
		if (k != before)
			return eg_fail(err, EG_ERR_FORMAT, "damaged: the %s '%s' is there twice", what, eg_value_text(c));
	}
	return EG_OK;
}

static eg_status restore(eg_intake *f, const eg_value *map, eg_error *err) {
	tokens_intake *x = (tokens_intake *)f;
	const eg_value *v = eg_value_get(map, "tokens"), *list = eg_value_get(v, "names");
	forget(x);
	if (eg_value_count(list) < 1) return eg_fail(err, EG_ERR_FORMAT, "damaged: the tokens are missing");
	if (x->with_pairs && !eg_value_get(v, "pairs"))
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the pairs of tokens are missing");
	x->characters = eg_value_bool(eg_value_get(v, "characters"), false);
	eg_status status = restore_names(&x->names, list, "token", err);
	if (!status && x->with_pairs) status = restore_names(&x->pairs, eg_value_get(v, "pairs"), "pair", err);
	x->known = !status;
	return status;
}

const eg_intake_type eg_intake_tokens_type = {.kind = EG_FIELD_TOKENS,
	.size = sizeof(tokens_intake),
	.keys = {keys, EG_COUNT(keys)},
	.close = close_intake,
	.fits = fits,
	.is_known = is_known,
	.begin = begin,
	.look = look,
	.looked = looked,
	.extent = extent,
	.fill = fill,
	.decode = decode,
	.decode_json = decode_json,
	.save = save,
	.restore = restore,
	.count = count,
	.word = "units"};

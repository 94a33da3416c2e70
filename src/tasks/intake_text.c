/* intake_text.c - texts as an input: numbers of their units (characters, bytes, words, subwords), by a vocabulary that
 * is made of the training texts and kept with the model. A unit that the vocabulary has not becomes the unknown one. As
 * a target, of a network that writes, a text has an end mark behind its units. */
#include "data/units.h"
#include "data/augment.h"
#include "tasks/intake_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef eg_text_intake text_intake;

#define KEY(f) (offsetof(text_intake, keys) + offsetof(eg_text_keys, f))
#define WHOLE(name_, field, min_, max_, doc_) \
	{ .name = name_, .type = EG_KEY_INT, .offset = KEY(field), .min = min_, .max = max_, .by_field = true, .def = NAN, \
	  .doc = doc_ }

static const eg_key keys[] = {
	{.name = "unit",
		.type = EG_KEY_ENUM,
		.offset = KEY(unit),
		.names = eg_unit_words,
		.by_field = true,
		.doc = "texts: what they are cut into (default: char). Vocabularies are made of the texts to train on, "
		       "of a running text's "
		       "characters of all of it; byte: all 256; subword: `max_size` units (default: 4000), learnt by byte pair encoding, "
		       "by which any text can be written"},
	{.name = "words",
		.type = EG_KEY_ENUM,
		.offset = KEY(words),
		.names = eg_rule_words,
		.by_field = true,
		.doc = "texts, `unit: word`: where words end. unicode (default): at Unicode's word boundaries, where each Chinese character "
		       "is a word; friso: runs of Chinese characters are cut into words by libfriso and its dictionary; "
		       "spaces: nowhere but at spaces"},
	WHOLE("min_count", min_count, 1, 1e9,
		"texts: units that occur less often become the unknown unit (default: 1)"),
	WHOLE("max_size", max_size, 2, 1e7,
		"texts: at most so many units, the most frequent; the others become the unknown unit"),
	WHOLE("longest", longest, 1, 100000,
		"texts: most units of one; a longer one is an error. Left out: any length"),
	{.name = "cut",
		.type = EG_KEY_BOOL,
		.offset = KEY(cut),
		.by_field = true,
		.def = NAN,
		.doc = "texts: cut those that are longer than `longest`, in place of an error"},
	{.name = "lower_case",
		.type = EG_KEY_BOOL,
		.offset = offsetof(text_intake, lower),
		.by_field = true,
		.def = NAN,
		.doc = "texts: capitals are read as small letters (Latin, Greek, Cyrillic), so that What and what are one word"},
	EG_NORMALIZE_KEY(offsetof(text_intake, normalize)),
};

const eg_vocab *eg_intake_vocab(const eg_intake *f) {
	const text_intake *x = (const text_intake *)f;
	return x->answer ? eg_intake_vocab(x->answer) : x->vocab;
}
const eg_text_keys *eg_intake_text_keys(const eg_intake *f) { return &((const text_intake *)f)->keys; }
bool eg_intake_lowers(const eg_intake *f) { return ((const text_intake *)f)->lower; }
void eg_intake_begin_with(eg_intake *f, int id) { ((text_intake *)f)->first = id; }
void eg_intake_set_vocab(eg_intake *f, eg_vocab *v) {
	eg_vocab_free(((text_intake *)f)->vocab);
	((text_intake *)f)->vocab = v;
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a text"); }

static eg_status refuse(eg_recipe *r, const char *path, const char *why, eg_error *err) {
	eg_fail(err, EG_ERR_ARG, "%s", why);
	eg_recipe_locate(r, path, err);
	return EG_ERR_ARG;
}

static eg_status open_intake(eg_intake *f, eg_recipe *r, eg_error *err) {
	text_intake *x = (text_intake *)f;
	x->first = -1;
	bool bytes = x->keys.unit == EG_UNIT_BYTE;
	if (x->keys.words && x->keys.unit != EG_UNIT_WORD)
		return refuse(r, "data.words", "'words' says where words end, and does nothing without 'unit: word'", err);
	if (bytes && x->keys.min_count)
		return refuse(r, "data.min_count",
		        "'min_count' does nothing with 'unit: byte': there are always 256 of them", err);
	if (bytes && x->keys.max_size)
		return refuse(r, "data.max_size",
		        "'max_size' does nothing with 'unit: byte': there are always 256 of them", err);
	if (x->keys.unit == EG_UNIT_SUBWORD && x->keys.min_count)
		return refuse(r, "data.min_count",
		        "'min_count' does nothing with 'unit: subword': the commonest are learnt, as many as 'max_size' says", err);
	if (x->keys.unit == EG_UNIT_SUBWORD && x->keys.max_size && x->keys.max_size < 300)
		return refuse(r, "data.max_size",
		        "with 'unit: subword' the 256 bytes are among the units; 'max_size' must be at least 300", err);
	if (bytes && x->lower)
		return refuse(r, "data.lower_case", "'lower_case' does nothing with 'unit: byte': bytes are taken as they are", err);
	if (x->keys.cut && !x->keys.longest)
		return refuse(r, "data.cut", "'cut' needs 'longest', the length to cut at", err);
	return EG_OK;
}

static void close_intake(eg_intake *f) {
	text_intake *x = (text_intake *)f;
	eg_vocab_free(x->vocab);
	eg_release(NULL, x->seen);
}

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	if (d->rank == 1 && d->d[0] < 0) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "a text is read unit by unit: write %s: [time]", f->input);
}

/* ---- the vocabulary ---------------------------------------------------------------------------------------------- */

static bool is_known(const eg_intake *f) { return eg_intake_vocab(f) != NULL; }

static eg_status begin(eg_intake *f, const eg_field *field, eg_error *err) {
	EG_UNUSED(field), EG_UNUSED(err);
	((text_intake *)f)->size = 0;
	return EG_OK;
}

/* Puts the text behind the others; words apart from them. */
eg_status eg_text_look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	text_intake *x = (text_intake *)f;
	size_t n = d->text.size;
	EG_UNUSED(r);
	if (x->keys.unit == EG_UNIT_BYTE) return EG_OK;
	if (x->size + n + 2 > x->room) {
		size_t room = 2 * (x->size + n) + 4096;
		char *more = eg_alloc(NULL, room);
		if (!more) return no_memory(err);
		if (x->size) memcpy(more, x->seen, x->size);
		eg_release(NULL, x->seen);
		x->seen = more, x->room = room;
	}
	if (n) memcpy(x->seen + x->size, d->text.bytes, n);
	if (x->lower) eg_text_lower(x->seen + x->size, n);
	x->size += n;
	if (x->keys.unit == EG_UNIT_WORD) x->seen[x->size++] = ' ';
	if (x->keys.unit == EG_UNIT_SUBWORD) x->seen[x->size++] = '\n'; /* which no other unit holds */
	return EG_OK;
}

static eg_status looked(eg_intake *f, eg_error *err) {
	text_intake *x = (text_intake *)f;
	eg_vocab_options o = {.unit = (eg_unit)x->keys.unit,
	        .words = x->keys.words,
	        .min_count = x->keys.min_count,
	        .max_size = x->keys.max_size,
	        .end = f->target,
	        .unknown = true};
	eg_status status = eg_vocab_build(x->seen ? x->seen : "", x->size, &o, &x->vocab, err);
	eg_release(NULL, x->seen);
	x->seen = NULL, x->size = x->room = 0;
	return status;
}

static int count(const eg_intake *f) { return eg_intake_vocab(f) ? eg_vocab_count(eg_intake_vocab(f)) : 0; }

static void save(const eg_intake *f, eg_value *map) { eg_vocab_put(map, "vocab", eg_intake_vocab(f)); }

static eg_status restore(eg_intake *f, const eg_value *map, eg_error *err) {
	const eg_value *v = eg_value_get(map, "vocab");
	eg_vocab *vocab = NULL;
	if (!v)
		return eg_fail(
		        err, EG_ERR_FORMAT, "the model has no vocabulary; it is damaged, or was not trained on text");
	eg_status status = eg_vocab_from_value(v, &vocab, err);
	if (!status) eg_intake_set_vocab(f, vocab);
	return status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* "FILE:LINE", or what the record is called. */
static const char *place_of(const eg_record *r) {
	return !r ? "the text" : r->place ? r->place : r->id ? r->id : "the text";
}

eg_status eg_intake_encode(
	const eg_intake *f, const eg_datum *d, const eg_record *r, int32_t **ids, size_t *n, eg_error *err) {
	const text_intake *x = (const text_intake *)f;
	if (x->answer) return eg_turns_encode(f, d, r, ids, n, err);
	const size_t size = d->text.size;
	char *lower = x->lower ? eg_alloc(NULL, size + 1) : NULL;
	if (x->lower && !lower) return no_memory(err);
	if (lower && size) memcpy(lower, d->text.bytes, size);
	if (lower) eg_text_lower(lower, size);
	eg_status status = eg_vocab_encode(x->vocab, lower ? lower : d->text.bytes, size, place_of(r), ids, n, err);
	eg_release(NULL, lower);
	size_t longest = (size_t)x->keys.longest;
	if (status || !longest || *n <= longest) return status;
	if (!x->keys.cut) {
		eg_fail(err, EG_ERR_ARG,
		        "%s: a text of %zu units, but data.longest is %zu: make it at least %zu, or cut such texts "
		        "with cut: true",
		        place_of(r), *n, longest, *n);
		free(*ids);
		*ids = NULL;
		return EG_ERR_ARG;
	}
	*n = longest;
	return EG_OK;
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	int32_t *ids;
	size_t n;
	EG_UNUSED(axis);
	eg_status status = eg_intake_encode(f, d, r, &ids, &n, err);
	if (status) return status;
	free(ids);
	*size = (int)n + (((const text_intake *)f)->first >= 0);
	return EG_OK;
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const text_intake *x = (const text_intake *)f;
	int time = (int)a->dims.d[0];
	int32_t *out = a->slot;
	if (x->talk) return eg_turns_fill_target(f, a, err);
	for (int i = 0; i < a->n; i++) {
		int32_t *ids;
		size_t n, behind = x->first >= 0;
		eg_status status = eg_intake_encode(f, a->data[i], eg_fill_record(a, i), &ids, &n, err);
		if (status) return status;
		for (size_t k = 0; k < n && a->data[i]->dropped; k++)
			if (eg_unit_dropped(a->data[i], (int64_t)k)) ids[k] = eg_vocab_unknown(x->vocab);
		for (int t = 0; t < time; t++) {
			size_t at = (size_t)t - behind;
			int32_t rest = !f->target ? 0 : at == n ? eg_vocab_end(x->vocab) : f->pad;
			out[(ptrdiff_t)t * a->n + i] = behind && t == 0 ? x->first : at < n ? ids[at] : rest;
		}
		free(ids);
	}
	return EG_OK;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

eg_status eg_text_decode(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r,
	eg_datum *d, int *remark, eg_error *err) {
	EG_UNUSED(remark);
	eg_question_rules rules = {.any = eg_vocab_unit(eg_intake_vocab(f)) == EG_UNIT_BYTE,
	        .nfc = ((const text_intake *)f)->normalize == EG_NORMALIZE_NFC};
	char *own;
	size_t n;
	eg_status status = eg_intake_question(bytes, size, rules, name, r, &own, &n, err);
	if (!status) *d = (eg_datum){.there = true, .text = {own, n}};
	return status;
}

eg_status eg_text_decode_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err) {
	if (!eg_value_text(v)) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be a text", name, f->name);
	return eg_text_decode(f, eg_value_text(v), eg_value_text_size(v), name, r, d, remark, err);
}

const eg_intake_type eg_intake_text_type = {.kind = EG_FIELD_TEXT,
	.size = sizeof(text_intake),
	.keys = {keys, EG_COUNT(keys)},
	.open = open_intake,
	.close = close_intake,
	.fits = fits,
	.is_known = is_known,
	.begin = begin,
	.look = eg_text_look,
	.looked = looked,
	.extent = extent,
	.fill = fill,
	.decode = eg_text_decode,
	.decode_json = eg_text_decode_json,
	.save = save,
	.restore = restore,
	.count = count,
	.word = "units"};

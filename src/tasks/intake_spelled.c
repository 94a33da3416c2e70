/* intake_spelled.c - what is said or written in a recording or a picture, as a target of CTC: a row of labels for each
 * sample, (N, labels), -1 behind its end. Class 0 is that of no label; label i is number i - 1 of the list, which is
 * learnt from the training records and sorted by how often they occur.
 *
 * Of a field of tokens each token is a label; a text is spelled, each character (as Unicode counts code points) one. */
#include "tasks/intake.h"

#include <string.h>

typedef struct spelled_intake {
	eg_intake base;
	eg_lexicon names;
	bool known, tokens;
} spelled_intake;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for transcripts"); }

static void close_intake(eg_intake *f) { eg_lexicon_free(&((spelled_intake *)f)->names); }
static bool is_known(const eg_intake *f) { return ((const spelled_intake *)f)->known; }
static int count(const eg_intake *f) { return ((const spelled_intake *)f)->names.n + 1; }

const eg_lexicon *eg_intake_letters(const eg_intake *f) { return &((const spelled_intake *)f)->names; }
bool eg_intake_letters_are_words(const eg_intake *f) { return ((const spelled_intake *)f)->tokens; }

/* ---- labels of a record ------------------------------------------------------------------------------------------ */

/* Where a walk over a datum's labels is. */
typedef struct walk {
	const spelled_intake *x;
	const eg_datum *d;
	size_t at;
	char letter[5];
} walk;

/* The next label's name; NULL: there is none. */
static const char *next_of(walk *w) {
	if (!w->d->there) return NULL;
	if (w->x->tokens) return (int)w->at < w->d->tokens.n ? w->d->tokens.at[w->at++] : NULL;
	const char *text = w->d->text.bytes + w->at;
	if (w->at >= w->d->text.size) return NULL;
	int n = eg_utf8_length(text, w->d->text.size - w->at);
	n = n < 1 || n > 4 ? 1 : n;
	memcpy(w->letter, text, (size_t)n);
	w->letter[n] = '\0';
	w->at += (size_t)n;
	return w->letter;
}

int eg_intake_spell(const eg_intake *f, const eg_datum *d, int32_t *labels, int most) {
	walk w = {.x = (const spelled_intake *)f, .d = d};
	int n = 0;
	for (const char *name; (name = next_of(&w)) != NULL; n++)
		if (n < most && labels) labels[n] = eg_lexicon_find(&w.x->names, name) + 1;
	return n;
}

const char *eg_intake_spell_unknown(const eg_intake *f, const eg_datum *d, int i, char buf[EG_UNKNOWN_LABEL]) {
	walk w = {.x = (const spelled_intake *)f, .d = d};
	for (const char *name; (name = next_of(&w)) != NULL;) {
		if (eg_lexicon_find(&w.x->names, name) >= 0 || i-- > 0) continue;
		snprintf(buf, EG_UNKNOWN_LABEL, "%s", name);
		return buf;
	}
	return NULL;
}

int eg_intake_spell_steps(const eg_intake *f, const eg_datum *d) {
	walk w = {.x = (const spelled_intake *)f, .d = d}, behind = w; /* a label behind w */
	int steps = 0;
	for (const char *name = next_of(&w); name; name = next_of(&w)) {
		const char *last = steps > 0 ? next_of(&behind) : NULL;
		steps += last && strcmp(last, name) == 0 ? 2 : 1;
	}
	return steps;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static eg_status begin(eg_intake *f, const eg_field *field, eg_error *err) {
	spelled_intake *x = (spelled_intake *)f;
	EG_UNUSED(err);
	eg_lexicon_free(&x->names);
	x->tokens = field->kind == EG_FIELD_TOKENS;
	return EG_OK;
}

static eg_status look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	spelled_intake *x = (spelled_intake *)f;
	walk w = {.x = x, .d = d};
	EG_UNUSED(r);
	for (const char *name; (name = next_of(&w)) != NULL;)
		if (eg_lexicon_put(&x->names, name) < 0) return no_memory(err);
	return EG_OK;
}

static eg_status looked(eg_intake *f, eg_error *err) {
	spelled_intake *x = (spelled_intake *)f;
	if (!eg_lexicon_rank(&x->names, 1, 0)) return no_memory(err);
	if (x->names.n == 0) return eg_fail(err, EG_ERR_ARG, "all transcripts are empty: there is nothing to learn");
	x->known = true;
	return EG_OK;
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	EG_UNUSED(r), EG_UNUSED(axis), EG_UNUSED(err);
	*size = eg_intake_spell(f, d, NULL, 0);
	return EG_OK;
}

/* A label that training has not seen can be told by nobody: it stands as one beyond the classes, which makes the sample
 * impossible (ctc), and is judged as wrong. */
static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const int most = (int)a->dims.d[1], beyond = count(f);
	int32_t *out = a->slot;
	EG_UNUSED(err);
	for (int i = 0; i < a->n; i++, out += most) {
		const int n = eg_intake_spell(f, a->data[i], out, most);
		for (int k = 0; k < n && k < most; k++)
			if (out[k] < 1) out[k] = beyond;
		for (int k = n; k < most; k++) out[k] = -1;
	}
	return EG_OK;
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

static void save(const eg_intake *f, eg_value *map) {
	const spelled_intake *x = (const spelled_intake *)f;
	eg_value *list = eg_value_put_list(map, "labels");
	for (int i = 0; i < x->names.n; i++) eg_value_put_text(list, NULL, x->names.at[i]);
	eg_value_put_bool(map, "words", x->tokens);
}

static eg_status restore(eg_intake *f, const eg_value *map, eg_error *err) {
	spelled_intake *x = (spelled_intake *)f;
	const eg_value *list = eg_value_get(map, "labels");
	eg_lexicon_free(&x->names);
	for (const eg_value *v = eg_value_first(list); v; v = eg_value_next(v)) {
		if (!eg_value_text(v)) return eg_fail(err, EG_ERR_FORMAT, "damaged: a label is no text");
		const int n = x->names.n, k = eg_lexicon_put(&x->names, eg_value_text(v));
		if (k < 0) return no_memory(err);
		if (k != n) return eg_fail(err, EG_ERR_FORMAT, "damaged: the label '%.40s' is there twice", eg_value_text(v));
	}
	if (x->names.n == 0) return eg_fail(err, EG_ERR_FORMAT, "damaged: there are no labels");
	x->tokens = eg_value_bool(eg_value_get(map, "words"), false);
	x->known = true;
	return EG_OK;
}

static eg_status meet(eg_intake *f, const eg_field *field, eg_error *err) {
	spelled_intake *x = (spelled_intake *)f;
	if ((field->kind == EG_FIELD_TOKENS) == x->tokens) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "the model tells %s, and this source's transcripts are %s", x->tokens ? "words" : "letters",
		x->tokens ? "texts" : "lists of words");
}

const eg_intake_type eg_intake_spelled_type = {.kind = EG_FIELD_TOKENS,
	.size = sizeof(spelled_intake),
	.close = close_intake,
	.is_known = is_known,
	.begin = begin,
	.look = look,
	.looked = looked,
	.extent = extent,
	.fill = fill,
	.save = save,
	.restore = restore,
	.meet = meet,
	.count = count,
	.row = "labels",
	.word = "classes"};

/* ---- how many labels there are ----------------------------------------------------------------------------------- */

static bool knows_all(const eg_intake *f) {
	EG_UNUSED(f);
	return true;
}

static eg_status fill_lengths(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const spelled_intake *x = (const spelled_intake *)f;
	EG_UNUSED(err);
	for (int i = 0; i < a->n; i++) ((int32_t *)a->slot)[i] = eg_intake_spell(&x->base, a->data[i], NULL, 0);
	return EG_OK;
}

static eg_status meet_lengths(eg_intake *f, const eg_field *field, eg_error *err) {
	EG_UNUSED(err);
	((spelled_intake *)f)->tokens = field->kind == EG_FIELD_TOKENS;
	return EG_OK;
}

const eg_intake_type eg_intake_spelled_lengths_type = {.kind = EG_FIELD_TOKENS,
	.size = sizeof(spelled_intake),
	.is_known = knows_all,
	.fill = fill_lengths,
	.meet = meet_lengths};

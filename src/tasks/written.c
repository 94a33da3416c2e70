/* written.c - texts that tasks write, and those that would be right (written.h). */
#include "tasks/written.h"

#include <math.h>
#include <string.h>

const char *const eg_tokens_names[] = {"13a", "zh", "char", NULL};

eg_status eg_written_spell(
	const eg_vocab *v, const eg_hypothesis *h, eg_arena *room, const char **text, eg_error *err) {
	size_t n = 0;
	char one[EG_UNIT_MOST + 3];
	for (int i = 0; i < h->n; i++) n += eg_vocab_spell(v, i ? h->units[i - 1] : -1, h->units[i], one, sizeof one);
	char *to = eg_arena_alloc(room, n + 1);
	if (!to) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a text");
	*text = to;
	*to = '\0';
	for (int i = 0; i < h->n; i++) to += eg_vocab_spell(v, i ? h->units[i - 1] : -1, h->units[i], to, sizeof one);
	return EG_OK;
}

/* ---- what is right ----------------------------------------------------------------------------------------------- */

eg_status eg_written_references(
	const eg_task *t, const eg_row *r, eg_arena *room, const char *const **list, int *n, eg_error *err) {
	const eg_datum *own = eg_row_datum(t, r, t->ninputs);
	const int field = r->record ? eg_source_find_field(t->source, EG_REFERENCES) : -1;
	*n = 0;
	if (field >= 0 && r->record->fields[field].there && r->record->fields[field].tokens.n > 0) {
		*list = r->record->fields[field].tokens.at, *n = r->record->fields[field].tokens.n;
		return EG_OK;
	}
	if (!own) return EG_OK;
	const char **one = eg_arena_alloc(room, sizeof *one);
	if (one) *one = eg_arena_printf(room, "%.*s", (int)own->text.size, own->text.bytes);
	if (!one || !*one) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a text");
	*list = one, *n = 1;
	return EG_OK;
}

eg_status eg_written_truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const char *const *list = NULL;
	int n = 0;
	eg_arena room = {0};
	const eg_datum *own = eg_row_datum(t, r, t->ninputs);
	eg_status status = eg_written_references(t, r, &room, &list, &n, err);
	if (!status && own) {
		eg_value_put_bytes(out, "text", own->text.bytes, own->text.size);
		eg_value *texts = eg_value_mark(eg_value_put_list(out, "texts"), EG_SHOW_NOT, NULL);
		for (int i = 0; i < n; i++) eg_value_put_text(texts, NULL, list[i]);
	}
	eg_arena_free(&room);
	return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

int eg_written_tokens(const eg_vocab *v, int key) {
	int chinese = 0, n = eg_vocab_count(v);
	if (key != EG_TOKENS_BY_TEXT) return key;
	for (int i = 0; i < n; i++) {
		const unsigned char first = (unsigned char)*eg_vocab_token(v, i, NULL);
		chinese += first >= 0xe3 && first <= 0xe9; /* U+3000 to U+9FFF */
	}
	return 2 * chinese > n ? EG_TOKENS_ZH : EG_TOKENS_13A;
}

eg_status eg_written_add(eg_written_score *s, const eg_task *t, const eg_row *r, int tokens, const char *text,
	bool *judged, eg_error *err) {
	const char *const *list = NULL;
	int n = 0;
	eg_arena room = {0};
	eg_status status = eg_written_references(t, r, &room, &list, &n, err);
	*judged = !status && n > 0;
	if (*judged) {
		status = eg_text_score_add(&s->text, tokens, text, list, n, err);
		bool right = false;
		for (int i = 0; i < n; i++) right = right || strcmp(text, list[i]) == 0;
		s->exact += right;
		s->total++;
	}
	eg_arena_free(&room);
	return status;
}

void eg_written_values(const eg_written_score *s, double *v) {
	v[EG_WRITTEN_BLEU] = s->total ? eg_text_bleu(&s->text) : (double)NAN;
	v[EG_WRITTEN_CHRF] = s->total ? eg_text_chrf(&s->text) : (double)NAN;
	v[EG_WRITTEN_EXACT] = s->total ? (double)s->exact / (double)s->total : (double)NAN;
}

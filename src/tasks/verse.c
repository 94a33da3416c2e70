/* verse.c - the form of a text that is written: so many lines of so many characters with the punctuation between them
 * that Chinese verse has, and acrostics, whose lines begin with given characters. At each place only the units that the
 * form allows can be drawn; which of them is the model's choice.
 *
 * In a form of 7 x 4 the first and third line end with a comma, the second and fourth with a full stop or its like, and
 * behind a full stop the model may begin a new line of the page. Without a form lines are those that line ends make. */
#include "tasks/generate.h"

#include "data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_OTHER, KIND_CHARACTER, KIND_COMMA, KIND_STOP, KIND_LINE_END, KIND_END };

static uint8_t kind_of(const eg_generator *g, int id) {
	static const char *const stops[] = {"\xe3\x80\x82", "\xef\xbc\x9f", "\xef\xbc\x81"}, /* full stop, ? and ! */
		comma[] = "\xef\xbc\x8c";
	const char *s = eg_vocab_token(g->vocab, id, NULL);
	if (id == eg_vocab_end(g->vocab)) return KIND_END;
	if (id == eg_vocab_unknown(g->vocab)) return KIND_OTHER;
	if (!strcmp(s, "\n")) return KIND_LINE_END;
	if (!strcmp(s, comma)) return KIND_COMMA;
	for (int i = 0; i < EG_COUNT(stops); i++)
		if (!strcmp(s, stops[i])) return KIND_STOP;
	if (eg_vocab_unit(g->vocab) != EG_UNIT_CHAR || !s[0]) return KIND_OTHER;
	return eg_is_ideograph(eg_utf8_decode(s, NULL)) ? KIND_CHARACTER : KIND_OTHER;
}

static int form_of(const eg_generator *g) { return g->options.form_columns; }
bool eg_verse_is_on(const eg_generator *g) { return g->kinds != NULL; }

/* How many lines there are to be. */
static int lines_of(const eg_generator *g) { return form_of(g) ? g->options.form_lines : g->nheads; }

static eg_status read_heads(eg_generator *g, eg_error *err) {
	const char *text = g->options.acrostic;
	int32_t *ids;
	size_t n;
	if (!text) return EG_OK;
	eg_status status = eg_vocab_encode(g->vocab, text, strlen(text), "the acrostic", &ids, &n, err);
	if (status) return status;
	g->heads = eg_calloc(NULL, n + 1, sizeof *g->heads);
	g->nheads = (int)n;
	for (size_t i = 0; i < n && g->heads; i++) {
		g->heads[i] = ids[i];
		if (ids[i] == eg_vocab_unknown(g->vocab))
			status = eg_fail(err, EG_ERR_ARG, "the acrostic '%s': the model does not know its character number %zu", text, i + 1);
		else if (form_of(g) && g->kinds[ids[i]] != KIND_CHARACTER)
			status = eg_fail(err, EG_ERR_ARG, "the acrostic '%s': number %zu is no Chinese character", text, i + 1);
		if (status) break;
	}
	free(ids);
	if (!g->heads) return eg_fail(err, EG_ERR_MEMORY, "out of memory for an acrostic");
	if (!status && n == 0) status = eg_fail(err, EG_ERR_ARG, "the acrostic is empty: give the first character of each line");
	if (!status && form_of(g) && (int)n > g->options.form_lines)
		status = eg_fail(err, EG_ERR_ARG, "the acrostic has %zu characters, but the form has %d lines", n, g->options.form_lines);
	return status;
}

static eg_status check_form(const eg_generator *g, eg_error *err) {
	int count[KIND_END + 1] = {0};
	const eg_generate_options *o = &g->options;
	if (o->form_columns < 1 || o->form_columns > 100 || o->form_lines < 1 || o->form_lines > 1000)
		return eg_fail(err, EG_ERR_ARG, "a form of %d characters x %d lines; 1 to 100 and 1 to 1000 are possible",
		        o->form_columns, o->form_lines);
	for (int i = 0; i < g->count; i++) count[g->kinds[i]]++;
	if (count[KIND_CHARACTER] && count[KIND_COMMA] && count[KIND_STOP]) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "a form needs a model that writes Chinese characters with commas and full stops between the lines, one by one "
	        "(unit: char); this one %s", count[KIND_CHARACTER] ? "has not both of these signs" : "writes none");
}

eg_status eg_verse_open(eg_generator *g, eg_error *err) {
	const eg_generate_options *o = &g->options;
	if (!o->acrostic && !o->form_columns && !o->form_lines) return EG_OK;
	if (o->acrostic && !form_of(g) && eg_vocab_unit(g->vocab) != EG_UNIT_CHAR)
		return eg_fail(err, EG_ERR_ARG, "an acrostic needs a model that writes characters (unit: char); this one writes %ss",
		        eg_unit_names()[eg_vocab_unit(g->vocab)]);
	g->kinds = eg_calloc(NULL, (size_t)g->count, sizeof *g->kinds);
	if (!g->kinds) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a form");
	bool line_end = false;
	for (int i = 0; i < g->count; i++) line_end |= (g->kinds[i] = kind_of(g, i)) == KIND_LINE_END;
	if (!form_of(g) && !line_end)
		return eg_fail(err, EG_ERR_ARG, "an acrostic needs lines, but the model writes no line ends: give a form");
	eg_status status = form_of(g) || o->form_lines ? check_form(g, err) : EG_OK;
	return status ? status : read_heads(g, err);
}

void eg_verse_close(eg_generator *g) {
	eg_release(NULL, g->kinds);
	eg_release(NULL, g->heads);
}

static bool at_head(const eg_generator *g, const eg_verse_place *p) { return p->column == 0 && p->line < g->nheads; }

/* Which kinds the form allows where no line begins with a given character. */
static void allowed_kinds(const eg_generator *g, const eg_verse_place *p, bool allowed[KIND_END + 1]) {
	const bool free_form = !form_of(g), full = p->column == form_of(g);
	for (int kind = 0; kind <= KIND_END; kind++) {
		if (free_form)
			allowed[kind] = kind != KIND_END && !(p->column == 0 && kind == KIND_LINE_END);
		else if (full)
			allowed[kind] = kind == (p->line % 2 ? KIND_STOP : KIND_COMMA);
		else
			allowed[kind] = kind == KIND_CHARACTER || (p->closed && kind == KIND_LINE_END);
	}
}

void eg_verse_mask(const eg_generator *g, const eg_lane *l, float *logits) {
	const eg_verse_place *p = &l->verse;
	bool allowed[KIND_END + 1] = {false};
	if (!g->kinds) return;
	const int head = at_head(g, p) ? g->heads[p->line] : -1;
	if (head < 0)
		allowed_kinds(g, p, allowed);
	else
		allowed[KIND_LINE_END] = p->closed;
	const float given = head >= 0 ? logits[head] : 0;
	for (int i = 0; i < g->count; i++) logits[i] = allowed[g->kinds[i]] ? logits[i] : -INFINITY;
	if (head >= 0) logits[head] = given;
}

bool eg_verse_ends(const eg_generator *g, const eg_lane *l) { return g->kinds && l->verse.line >= lines_of(g); }

void eg_verse_step(const eg_generator *g, eg_lane *l, int id) {
	eg_verse_place *p = &l->verse;
	if (!g->kinds) return;
	const uint8_t kind = g->kinds[id];
	if (!form_of(g)) {
		if (kind == KIND_LINE_END)
			p->line++, p->column = 0;
		else
			p->column++;
		return;
	}
	if (kind == KIND_LINE_END)
		p->closed = false;
	else if (kind == KIND_CHARACTER)
		p->column++, p->closed = false;
	else /* only behind an even line a new one of the page may begin */
		p->line++, p->column = 0, p->closed = kind == KIND_STOP;
}

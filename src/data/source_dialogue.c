/* source_dialogue.c - talks: who said what to whom. A record is a turn with those before it: `text`, up to `turns` of
 * them with an empty line between two, and `target`, what was answered.
 *
 * Files come in several forms, each of which becomes one list of turns:
 *
 *   play      NAME: in a line, what is said in those below it, an empty line; all of the file is one talk
 *   lines     a turn a line; an empty line ends the talk
 *   tabs      a talk a line, a tab between two turns
 *   json      a talk a line: ["Hi.", "Hello."], or {"turns": [...]}; a turn is a text, or {"speaker": ..., "text": ...}
 *   cornell   movie_lines.txt, and movie_conversations.txt beside it (Danescu-Niculescu-Mizil and Lee 2011)
 *
 * Parts are cut by order, so that what is judged comes behind all that was learnt from: the last share `test` of the
 * answers is the test part, the share `validation` of what is left before it that of validation. */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, TARGET }; /* fields */
enum { FORM_PLAY, FORM_LINES, FORM_TABS, FORM_JSON, FORM_CORNELL };
enum { SPEAKERS_SAID, SPEAKERS_BEFORE, SPEAKERS_NO };
static const char *const form_names[] = {"play", "lines", "tabs", "json", "cornell", NULL},
			 *const speaker_names[] = {"said", "before", "no", NULL};

typedef struct dialogue_source {
	eg_shelf_source shelf;
	int form, speakers, turns;
} dialogue_source;

typedef struct turn {
	const char *speaker, *text; /* speaker NULL: it is not known */
	int64_t line;
	int talk;
} turn;

/* A file while it is read. */
typedef struct reading {
	dialogue_source *s;
	eg_shelf *shelf;
	turn *turns;
	int n, cap, talks;
	int64_t silent, first_silent; /* turns in which nothing is said */
	char *room;                   /* for a text that is put together */
	size_t cap_room;
} reading;

static eg_status no_memory(const reading *r, eg_error *err) { return eg_source_no_memory(&r->s->shelf.base, err); }

static eg_status broken(reading *r, int64_t line, int column, const char *what, eg_error *err) {
	eg_error why;
	eg_status wrong = eg_fail(&why, EG_ERR_FORMAT, "%s:%lld: column %d: %s", r->shelf->file, (long long)line, column, what);
	return eg_broken_add(&r->s->shelf.base, wrong, &why, err);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* An empty line would end the turn, so there is none inside of it; nor are there any at its ends. */
static const char *keep_text(reading *r, const char *s, size_t n) {
	size_t to = 0;
	char *own;
	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r' || s[n - 1] == ' ' || s[n - 1] == '\t')) n--;
	while (n > 0 && (*s == '\n' || *s == '\r')) s++, n--;
	own = eg_pool_text(&r->shelf->pool, s, n);
	for (size_t i = 0; own && i < n; i++)
		if (s[i] != '\r' && (s[i] != '\n' || to == 0 || own[to - 1] != '\n')) own[to++] = s[i];
	if (own) own[to] = '\0';
	return own;
}

static eg_status add_turn(reading *r, const char *speaker, const char *text, size_t n, int64_t line, eg_error *err) {
	turn x = {.line = line, .talk = r->talks};
	x.text = keep_text(r, text, n);
	if (speaker) x.speaker = eg_pool_text(&r->shelf->pool, speaker, strlen(speaker));
	if (!x.text || (speaker && !x.speaker) || !eg_grow(NULL, &r->turns, &r->cap, r->n, sizeof x)) return no_memory(r, err);
	if (!*x.text) {
		if (r->silent++ == 0) r->first_silent = line;
		return EG_OK;
	}
	r->turns[r->n++] = x;
	return EG_OK;
}

/* The talk that ends here, which began with turn `from` in `line`: one turn alone has no answer. */
static eg_status end_talk(reading *r, int from, int64_t line, eg_error *err) {
	r->talks++;
	if (r->n != from + 1) return EG_OK;
	int column = (int)strlen(r->turns[from].text) + 1;
	r->n = from;
	return broken(r, line, column, "a turn without an answer; write one behind it, or take the turn out", err);
}

/* ---- forms ------------------------------------------------------------------------------------------------------- */

/* Lines of a speech, as they come. */
typedef struct speech {
	char speaker[200];
	char *text;
	size_t size, cap;
	int64_t line; /* where it begins; 0: none has begun */
} speech;

static bool add_line(speech *p, const char *line, size_t n) {
	if (p->size + n + 2 > p->cap) {
		const size_t cap = 2 * (p->size + n) + 256;
		char *more = eg_alloc(NULL, cap);
		if (!more) return false;
		if (p->size) memcpy(more, p->text, p->size);
		eg_release(NULL, p->text);
		p->text = more, p->cap = cap;
	}
	memcpy(p->text + p->size, line, n);
	p->size += n;
	p->text[p->size++] = '\n';
	return true;
}

static eg_status end_speech(reading *r, speech *p, eg_error *err) {
	eg_status status = p->line ? add_turn(r, p->speaker, p->text ? p->text : "", p->size, p->line, err) : EG_OK;
	p->size = 0, p->line = 0;
	return status;
}

static eg_status take_play(reading *r, speech *p, const char *line, size_t n, int64_t number, eg_error *err) {
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t')) n--;
	if (n == 0) return end_speech(r, p, err);
	if (p->line) return add_line(p, line, n) ? EG_OK : no_memory(r, err);
	if (n < 2 || line[n - 1] != ':' || n > sizeof p->speaker)
		return broken(r, number, (int)(n < 200 ? n : 200) + 1,
			"a speech begins with the name of who speaks and a colon, alone in a line, as in 'ROMEO:'", err);
	p->line = number;
	snprintf(p->speaker, sizeof p->speaker, "%.*s", (int)n - 1, line);
	return EG_OK;
}

static eg_status take_tabs(reading *r, const char *line, int64_t number, eg_error *err) {
	const int from = r->n;
	eg_status status = EG_OK;
	for (const char *at = line; !status; at++) {
		const size_t n = strcspn(at, "\t");
		if (n == strspn(at, " ")) {
			r->n = from;
			return broken(r, number, (int)(at - line) + 1, "a turn in which nothing is said; write one, or take the tab out", err);
		}
		status = add_turn(r, NULL, at, n, number, err);
		at += n;
		if (!*at) break;
	}
	return status ? status : end_talk(r, from, number, err);
}

/* Something in one line, so that it is one in the turn, too. */
static bool is_name(const eg_value *v) {
	const char *s = eg_value_text(v);
	return s && *s && strlen(s) == eg_value_text_size(v) && !strpbrk(s, "\r\n");
}

static eg_status take_json(reading *r, const char *line, size_t size, int64_t number, eg_error *err) {
	char where[EG_PATH + 24];
	eg_value *root;
	eg_error why;
	const int from = r->n;
	snprintf(where, sizeof where, "%.*s:%lld", EG_PATH, r->shelf->file, (long long)number);
	eg_status status = eg_value_parse(line, size, where, &root, &why);
	if (status) return eg_broken_add(&r->s->shelf.base, status, &why, err);
	const eg_value *list = eg_value_kind_of(root) == EG_VALUE_MAP ? eg_value_get(root, "turns") : root;
	bool right = eg_value_kind_of(list) == EG_VALUE_LIST;
	for (const eg_value *c = right ? eg_value_first(list) : NULL; c && right && !status; c = eg_value_next(c)) {
		const bool map = eg_value_kind_of(c) == EG_VALUE_MAP;
		const eg_value *text = map ? eg_value_get(c, "text") : c;
		right = eg_value_text(text) && strlen(eg_value_text(text)) == eg_value_text_size(text) &&
		        eg_value_text(text)[strspn(eg_value_text(text), " \t\r\n")] &&
		        (!map || !eg_value_get(c, "speaker") || is_name(eg_value_get(c, "speaker")));
		if (right)
			status = add_turn(r, map ? eg_value_text(eg_value_get(c, "speaker")) : NULL, eg_value_text(text),
				eg_value_text_size(text), number, err);
	}
	eg_value_free(root);
	if (status) return status;
	if (right) return end_talk(r, from, number, err);
	r->n = from;
	return broken(r, number, 1,
		"a talk is a list of turns, [\"Hi.\", \"Hello.\"] or {\"turns\": [...]}, and each of them a text in which something "
		"is said, or {\"speaker\": NAME, \"text\": TEXT}, the name in one line",
		err);
}

/* Lines of a file one after the other; `take` makes turns of them, and of NULL what is to be done at the end. */
typedef eg_status (*take_line)(reading *r, void *state, char *line, size_t size, int64_t number, eg_error *err);

static eg_status each_line(reading *r, eg_reader *reader, take_line take, void *state, eg_error *err) {
	eg_lines *lines;
	char *line;
	size_t size;
	eg_error why;
	eg_status status = eg_lines_new(reader, &r->s->shelf.rules, &lines, err);
	if (status) return status;
	for (;;) {
		eg_status wrong = eg_lines_next(lines, &line, &size, &why);
		if (!wrong && !line) break;
		if (wrong && !eg_lines_go_on(lines))
			status = eg_fail(err, wrong, "%s", why.message);
		else
			status = wrong ? eg_broken_add(&r->s->shelf.base, wrong, &why, err)
			               : take(r, state, line, size, eg_lines_number(lines), err);
		if (status) break;
	}
	if (!status) status = take(r, state, NULL, 0, eg_lines_number(lines) + 1, err);
	r->shelf->latin1 += eg_lines_latin1(lines);
	eg_lines_free(lines);
	return status;
}

/* Where the talk at hand began. */
typedef struct begun {
	speech speech;
	int from;
	int64_t line;
} begun;

static eg_status take_one(reading *r, void *state, char *line, size_t size, int64_t number, eg_error *err) {
	begun *b = state;
	const bool blank = !line || line[strspn(line, " \t")] == '\0';
	if (r->s->form == FORM_PLAY) {
		eg_status status = take_play(r, &b->speech, line ? line : "", size, number, err);
		return status || line ? status : end_talk(r, 0, 1, err);
	}
	if (r->s->form == FORM_LINES && blank) {
		eg_status status = r->n > b->from ? end_talk(r, b->from, b->line, err) : EG_OK;
		b->from = r->n, b->line = number + 1;
		return status;
	}
	if (blank) return EG_OK;
	if (r->s->form == FORM_LINES) return add_turn(r, NULL, line, size, number, err);
	return r->s->form == FORM_TABS ? take_tabs(r, line, number, err) : take_json(r, line, size, number, err);
}

/* ---- Cornell's movie dialogues ----------------------------------------------------------------------------------- */

static const char cornell_mark[] = " +++$+++ ";

typedef struct film_line {
	int64_t id, line;
	const char *speaker, *text;
} film_line;
typedef struct film_lines {
	film_line *at;
	int n, cap;
} film_lines;

static int by_id(const void *a, const void *b) {
	const film_line *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

/* Cuts a line at its marks: n cells; fewer: it is none of these. */
static int cut_cells(char *line, char *cells[], int most) {
	int n = 0;
	for (char *next; line && n < most; line = next) {
		next = n + 1 < most ? strstr(line, cornell_mark) : NULL;
		cells[n++] = line;
		if (next) *next = '\0', next += sizeof cornell_mark - 1;
	}
	return n;
}

static eg_status take_film_line(reading *r, void *state, char *line, size_t size, int64_t number, eg_error *err) {
	film_lines *l = state;
	char *cells[5];
	EG_UNUSED(size);
	if (!line || !*line) return EG_OK;
	const size_t n = strlen(line);
	if (cut_cells(line, cells, 5) < 5) { /* nothing is said: the mark's last space may be gone */
		if (n > 7 && !strncmp(line + n - 8, " +++$+++", 8)) return EG_OK;
		return *line == 'L' ? EG_OK : broken(r, number, 1, "a line of a film is 'L1 +++$+++ u0 +++$+++ m0 +++$+++ NAME +++$+++ what is said'", err);
	}
	if (*cells[0] != 'L') return broken(r, number, 1, "the number of a line is L and digits, as in L1045", err);
	if (!eg_grow(NULL, &l->at, &l->cap, l->n, sizeof *l->at)) return no_memory(r, err);
	film_line x = {.id = strtoll(cells[0] + 1, NULL, 10), .line = number};
	x.speaker = eg_pool_text(&r->shelf->pool, cells[3], strlen(cells[3]));
	x.text = eg_pool_text(&r->shelf->pool, cells[4], strlen(cells[4]));
	if (!x.speaker || !x.text) return no_memory(r, err);
	l->at[l->n++] = x;
	return EG_OK;
}

/* "... +++$+++ ['L194', 'L195']" */
static eg_status take_film_talk(reading *r, void *state, char *line, size_t size, int64_t number, eg_error *err) {
	const film_lines *l = state;
	const int from = r->n;
	eg_status status = EG_OK;
	EG_UNUSED(size);
	if (!line || !*line) return EG_OK;
	for (char *at = strchr(line, '['); at && (at = strchr(at, 'L')) && !status;) {
		const film_line key = {.id = strtoll(at + 1, &at, 10)},
				*x = l->n ? bsearch(&key, l->at, (size_t)l->n, sizeof key, by_id) : NULL;
		if (x) status = add_turn(r, x->speaker, x->text, strlen(x->text), x->line, err);
	}
	if (status) return status;
	if (r->n > from + 1) return r->talks++, EG_OK;
	r->n = from;
	return broken(r, number, 1, "a talk of fewer than two lines that say something", err);
}

static eg_status fill_cornell(reading *r, eg_reader *reader, eg_error *err) {
	film_lines l = {0};
	char path[EG_PATH];
	const char *file = r->shelf->file;
	eg_reader *talks = NULL;
	const char *own = r->s->shelf.base.path ? r->s->shelf.base.path : "", *slash = strrchr(own, '/');
	snprintf(path, sizeof path, "%.*smovie_conversations.txt", slash ? (int)(slash - own) + 1 : 0, own);
	eg_status status = each_line(r, reader, take_film_line, &l, err);
	if (!status && l.n) qsort(l.at, (size_t)l.n, sizeof *l.at, by_id);
	if (!status) status = eg_reader_file(path, &talks, err);
	if (!status) r->shelf->file = path; /* of which messages are now */
	if (!status) status = each_line(r, talks, take_film_talk, &l, err);
	r->shelf->file = file;
	eg_reader_close(talks);
	eg_release(NULL, l.at);
	return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* "NAME:\n", where it is to be there. */
static size_t name_line(const reading *r, const turn *x, char *to) {
	if (!x->speaker || r->s->speakers == SPEAKERS_NO) return 0;
	const size_t n = strlen(x->speaker);
	if (to) memcpy(to, x->speaker, n + 1), to[n] = ':', to[n + 1] = '\n';
	return n + 2;
}

static char *room_for(reading *r, size_t n) {
	if (n <= r->cap_room) return r->room;
	eg_release(NULL, r->room);
	r->room = eg_alloc(NULL, 2 * n), r->cap_room = r->room ? 2 * n : 0;
	return r->room;
}

/* The turns from..to-1 with an empty line behind each, but for the last; and, where who answers is known before, the
 * name of who says turn `to`. NULL: out of memory. */
static const char *join(reading *r, int from, int to, size_t *size) {
	size_t n = name_line(r, &r->turns[to], NULL) + 4;
	for (int i = from; i < to; i++) n += name_line(r, &r->turns[i], NULL) + strlen(r->turns[i].text) + 2;
	char *room = room_for(r, n), *at = room;
	if (!room) return NULL;
	for (int i = from; i < to; i++) {
		const size_t length = strlen(r->turns[i].text);
		if (i > from) *at++ = '\n', *at++ = '\n';
		at += name_line(r, &r->turns[i], at);
		memcpy(at, r->turns[i].text, length);
		at += length;
	}
	if (r->s->speakers == SPEAKERS_BEFORE && r->turns[to].speaker) {
		*at++ = '\n', *at++ = '\n';
		at += name_line(r, &r->turns[to], at);
	}
	*size = (size_t)(at - room);
	return eg_pool_text(&r->shelf->pool, room, *size);
}

/* The same of the answer. */
static const char *answer_of(reading *r, const turn *x, size_t *size) {
	const size_t name = r->s->speakers == SPEAKERS_SAID ? name_line(r, x, NULL) : 0, n = strlen(x->text);
	char *room = name ? room_for(r, name + n) : NULL;
	*size = name + n;
	if (!name) return x->text;
	if (!room) return NULL;
	name_line(r, x, room);
	memcpy(room + name, x->text, n);
	return eg_pool_text(&r->shelf->pool, room, *size);
}

static eg_status make_items(reading *r, eg_error *err) {
	eg_shelf *f = r->shelf;
	for (int i = 1, first = 0; i < r->n; i++) {
		size_t text, answer;
		eg_item x = {.line = r->turns[i].line};
		if (r->turns[i].talk != r->turns[i - 1].talk) {
			first = i;
			continue;
		}
		x.text = join(r, i - r->s->turns > first ? i - r->s->turns : first, i, &text);
		x.answer = x.text ? answer_of(r, &r->turns[i], &answer) : NULL;
		if (!x.answer || !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at)) return no_memory(r, err);
		x.text_size = (uint32_t)text, x.answer_size = (uint32_t)answer;
		f->at[f->n++] = x;
	}
	return EG_OK;
}

static eg_status fill(eg_source *base, eg_shelf *f, eg_reader *reader, eg_error *err) {
	reading r = {.s = (dialogue_source *)base, .shelf = f};
	begun b = {.line = 1};
	eg_status status = r.s->form == FORM_CORNELL ? fill_cornell(&r, reader, err) : each_line(&r, reader, take_one, &b, err);
	if (!status) status = make_items(&r, err);
	if (!status && r.silent > 0)
		eg_source_remark_more(base, EG_PART_TRAIN, "%lld turns in which nothing is said, the first in line %lld, are left out",
			(long long)r.silent, (long long)r.first_silent);
	eg_release(NULL, b.speech.text);
	eg_release(NULL, r.turns);
	eg_release(NULL, r.room);
	return status;
}

eg_status eg_dialogue_take(eg_source *s, eg_reader *reader, eg_error *err) { return eg_shelf_take(s, fill, reader, err); }

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static eg_part part_of(const eg_source *base, const eg_item *x) {
	const eg_shelf_source *s = &((const dialogue_source *)base)->shelf;
	const double n = s->own.n, i = (double)(x - s->own.at), test = floor(s->test * n);
	const double validation = floor(base->validation * (n - test));
	return i >= n - test ? EG_PART_TEST : i >= n - test - validation ? EG_PART_VALIDATION : EG_PART_TRAIN;
}

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) { return eg_shelf_prepare(s, part, fill, err); }

static eg_status open_source(eg_source *base, eg_error *err) {
	eg_shelf_source *s = &((dialogue_source *)base)->shelf;
	s->one = "answer", s->many = "answers";
	s->fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->fields.text = TEXT, s->fields.answer = TARGET;
	s->part_of = part_of;
	return eg_shelf_open(base, err);
}

#define DIALOGUE_KEYS \
	{.name = "turns", \
		.type = EG_KEY_INT, \
		.offset = offsetof(dialogue_source, turns), \
		.min = 1, \
		.max = 1000, \
		.def = 3, \
		.doc = "how many turns before an answer are its text, at most (default: 3)"}, \
	{.name = "speakers", \
		.type = EG_KEY_ENUM, \
		.offset = offsetof(dialogue_source, speakers), \
		.names = speaker_names, \
		.def = SPEAKERS_SAID, \
		.doc = "said (the default): a turn begins with the line of who speaks, NAME:, as far as it is known; before: so do " \
		       "those of the text, which ends with the line of who answers; no: there are no such lines"}, \
	{.name = "test", \
		.type = EG_KEY_DOUBLE, \
		.offset = offsetof(dialogue_source, shelf.test), \
		.min = 0, \
		.max = 0.999, \
		.def = 0.1, \
		.doc = "share of the answers that is the test part, the last ones (default: 0.1); `validation` is a share of those " \
		       "before them, the last ones again"}, \
	EG_LIMIT_KEY("train on the first so many answers only; left out: on all"), EG_BROKEN_KEY, \
	EG_TEXT_RULE_KEYS(dialogue_source, shelf.rules)

static const eg_key set_keys[] = {DIALOGUE_KEYS};
static const eg_key keys[] = {{.name = "form",
				      .type = EG_KEY_ENUM,
				      .offset = offsetof(dialogue_source, form),
				      .names = form_names,
				      .def = FORM_PLAY,
				      .doc = "how a file holds talks: play (the default): NAME: in a line, what is said below it, an empty line; "
					     "lines: a turn a line, an empty line between talks; tabs: a talk a line, tabs between turns; json: a "
					     "talk a line, a list of turns; cornell: movie_lines.txt, with movie_conversations.txt beside it"},
	DIALOGUE_KEYS};

static const eg_field fields[] = {{.name = "text", .kind = EG_FIELD_TEXT}, {.name = "target", .kind = EG_FIELD_TEXT}};

#define TYPE(keys_, ...) \
	{ \
		.info = {.fields = fields, .nfields = EG_COUNT(fields), __VA_ARGS__}, .keys = keys_, .nkeys = EG_COUNT(keys_), \
		.size = sizeof(dialogue_source), .open = open_source, .prepare = prepare, .read = eg_shelf_read, \
		.close = eg_shelf_close \
	}

const eg_source_type eg_source_type_dialogue = TYPE(keys, .name = "dialogue",
	.doc = "your own talks, gzipped or not: a play, a turn a line, tabs, JSON lines, Cornell's movie dialogues; an answer and "
	       "the turns before it",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FILE);

const eg_source_type eg_source_type_shakespeare_dialogue = TYPE(set_keys, .name = "shakespeare-dialogue",
	.doc = "the speeches of tinyshakespeare, each an answer to those before it",
	.origin = "Shakespeare; put together by Karpathy for char-rnn, 2015", .licence = "public domain",
	.path = EG_DATA_PATH_SET, .folder = "text", .files = eg_shakespeare_files, .nfiles = 1, .urls = eg_shakespeare_urls);

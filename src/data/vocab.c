/* vocab.c - vocabularies: cutting a text into units (bytes, characters, words, subwords), numbering them, and back.
 *
 * A vocabulary is a table of tokens and a hash table over it; the marks (end of a sample, unknown unit) have numbers
 * too, but no text leads to them. Not here: how subwords are learnt and texts cut into them (subword.c), how a model
 * file keeps a vocabulary (vocab_value.c). */
#include "data/data.h"
#include "data/units.h"

#include <stdlib.h>
#include <string.h>

static const char END_NAME[] = "<end>", UNKNOWN_NAME[] = "<unknown>", REPLACEMENT[] = "\xEF\xBF\xBD"; /* U+FFFD */

struct eg_vocab {
	eg_unit unit;
	eg_words words;
	eg_friso *friso; /* by whom Chinese is cut; NULL: by nobody */
	int n, end, unknown;
	eg_unit_span *tokens;
	char *bytes;    /* of all tokens, with a zero behind each */
	int32_t *slots; /* of the hash table: a token, or -1 */
	uint32_t mask;
};

const char *const eg_unit_words[] = {"char", "byte", "word", "subword", NULL}, *const eg_rule_words[] = {"unicode", "friso", "spaces", NULL};

const char *const *eg_unit_names(void) { return eg_unit_words; }

/* ---- units of a text --------------------------------------------------------------------------------------------- */

/* The words of model files from before Unicode's boundaries were taken: runs of letters, digits and apostrophes. */
static bool is_of_run(const char *s) {
	uint32_t c = eg_utf8_decode(s, NULL);
	return (eg_is_letter(c) || c == '\'' || c == 0x2019) && !eg_is_ideograph(c);
}

static size_t run_size(const char *s, size_t size) {
	size_t n = s[0] ? (size_t)eg_utf8_length(s, size) : 0;
	for (size_t more; n > 0 && is_of_run(s) && n < size; n += more) {
		more = (size_t)eg_utf8_length(s + n, size - n);
		if (more == 0 || n + more > EG_UNIT_MOST || !is_of_run(s + n)) break;
	}
	return n;
}

/* Up to the next space; a newline is a word by itself. */
static size_t between_spaces(const char *s, size_t size) {
	size_t n = s[0] ? (size_t)eg_utf8_length(s, size) : 0;
	for (size_t more; n > 0 && s[0] != '\n' && n < size; n += more) {
		more = s[n] ? (size_t)eg_utf8_length(s + n, size - n) : 0;
		if (more == 0 || n + more > EG_UNIT_MOST || eg_is_space(eg_utf8_decode(s + n, NULL))) break;
	}
	return n;
}

/* Bytes of the unit at s, which is not a space for words; 0: not UTF-8, or a zero byte. */
static size_t unit_size(eg_unit unit, int rule, const char *s, size_t size) {
	if (unit == EG_UNIT_BYTE) return 1;
	if (unit == EG_UNIT_CHAR) return s[0] ? (size_t)eg_utf8_length(s, size) : 0;
	if (rule == EG_WORDS_SPACES) return between_spaces(s, size);
	return rule == EG_WORDS_RUNS ? run_size(s, size) : eg_word_size(s, size);
}

/* Bytes of the spaces at s that words are put apart by. */
static size_t spaces_size(const char *s, size_t size) {
	size_t n = 0;
	while (n < size && s[n] != '\n') {
		int more = eg_utf8_length(s + n, size - n);
		if (more == 0 || !eg_is_space(eg_utf8_decode(s + n, NULL))) break;
		n += (size_t)more;
	}
	return n;
}

/* Walks over the units of a text: text[at .. at + n - 1] is one. Zero-initialise what is not given. */
typedef struct cursor {
	eg_unit unit;
	int rule;
	const eg_friso *friso; /* open; NULL: nobody cuts Chinese */
	const char *text;
	size_t size, at, n;
	int cut, taken; /* Chinese words that begin at `at` or were taken already */
	uint8_t sizes[EG_FRISO_WORDS];
} cursor;

static bool next_chinese(cursor *c) {
	if (c->taken == c->cut) {
		c->cut = eg_friso_cut(c->friso, c->text + c->at, c->size - c->at, c->sizes);
		c->taken = 0;
	}
	if (c->taken == c->cut) return false;
	c->n = c->sizes[c->taken++];
	return true;
}

/* false: at the end, or, with at < size, something that is not UTF-8 stands there. */
static bool next(cursor *c) {
	c->at += c->n;
	if (c->unit == EG_UNIT_WORD) c->at += spaces_size(c->text + c->at, c->size - c->at);
	if (c->friso && c->at < c->size && next_chinese(c)) return true;
	c->n = c->at < c->size ? unit_size(c->unit, c->rule, c->text + c->at, c->size - c->at) : 0;
	return c->n > 0;
}

static eg_status not_utf8(const cursor *c, const char *name, eg_error *err) {
	eg_text_place p = eg_text_place_of(c->text, c->at);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s, line %zu, column %zu: byte 0x%02X is not UTF-8 text: convert the text to UTF-8 or use unit 'byte'",
	        name ? name : "the text", p.line, p.column, (unsigned)(unsigned char)c->text[c->at]);
}

/* ---- making one from its tokens ---------------------------------------------------------------------------------- */

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a vocabulary"); }

static eg_status check_marks(eg_unit unit, int n, int end, int unknown, eg_error *err) {
	if ((int)unit < 0 || unit > EG_UNIT_SUBWORD)
		return eg_fail(err, EG_ERR_ARG, "vocabulary: there is no unit number %d", (int)unit);
	if (n < 1 || n > 1 << 28) return eg_fail(err, EG_ERR_ARG, "a vocabulary of %d units", n);
	if (end < -1 || end >= n || unknown < -1 || unknown >= n || (end >= 0 && end == unknown))
		return eg_fail(err, EG_ERR_ARG,
		        "vocabulary of %d units: the end mark is number %d and the unknown mark number %d; they must "
		        "be two "
		        "numbers from 0 to %d, or -1 for none",
		        n, end, unknown, n - 1);
	if (unit == EG_UNIT_SUBWORD && ((end != 0 && end != -1) || (unknown >= 0 && unknown != end + 1)))
		return eg_fail(err, EG_ERR_ARG, "vocabulary of subwords: its marks are number %d and %d; they must come first", end,
		        unknown);
	if (unit != EG_UNIT_BYTE) return EG_OK;
	if (unknown >= 0)
		return eg_fail(err, EG_ERR_ARG, "vocabulary of bytes: no byte is unknown, there is no mark for it");
	if (n != 256 + (end >= 0))
		return eg_fail(
		        err, EG_ERR_ARG, "a vocabulary of bytes has 256 units and perhaps an end mark, not %d", n);
	return EG_OK;
}

static eg_status check_token(eg_unit unit, int rule, int i, const char *s, size_t size, eg_error *err) {
	if (size == 0 || size > EG_UNIT_MOST)
		return eg_fail(err, EG_ERR_ARG, "vocabulary: unit %d has %zu bytes; 1 to %d are possible", i, size,
		        (int)EG_UNIT_MOST);
	if (unit == EG_UNIT_SUBWORD && size > 1 && eg_utf8_check(s, size) == size) return EG_OK;
	if (unit == EG_UNIT_SUBWORD && size > 1) return eg_fail(err, EG_ERR_ARG, "vocabulary: subword %d is not UTF-8 text", i);
	if (unit == EG_UNIT_SUBWORD) return eg_fail(err, EG_ERR_ARG, "vocabulary: unit %d is a byte once more", i);
	if (unit == EG_UNIT_WORD && spaces_size(s, size) > 0)
		return eg_fail(err, EG_ERR_ARG, "vocabulary: unit %d begins with a space, which no word does", i);
	if (unit_size(unit, rule, s, size) == size) return EG_OK;
	if (unit == EG_UNIT_WORD && rule == EG_WORDS_FRISO && eg_chinese_size(s, size, size) == size) return EG_OK;
	if (eg_utf8_check(s, size) < size) return eg_fail(err, EG_ERR_ARG, "vocabulary: unit %d is not UTF-8 text", i);
	return eg_fail(err, EG_ERR_ARG, "vocabulary: unit %d, '%.*s', is more than one %s", i, (int)size, s,
	        unit == EG_UNIT_CHAR ? "character" : "word");
}

static int first_byte(int end, int unknown) { return (end >= 0) + (unknown >= 0); }

/* Subwords: behind the marks come the 256 bytes. */
static eg_status check_bytes(const char *const *tokens, const size_t *sizes, int n, int first, eg_error *err) {
	for (int i = 0; i < 256; i++)
		if (first + i >= n || sizes[first + i] != 1 || (unsigned char)tokens[first + i][0] != i)
			return eg_fail(err, EG_ERR_ARG, "vocabulary of subwords: unit %d must be the byte %d", first + i, i);
	return EG_OK;
}

/* Copies the tokens; those of bytes are made here. */
static bool copy_tokens(eg_vocab *v, const char *const *tokens, const size_t *sizes) {
	size_t total = 0;
	for (int i = 0; i < v->n; i++) total += (tokens ? sizes[i] : sizeof END_NAME) + 1;
	v->tokens = eg_calloc(NULL, (size_t)v->n, sizeof *v->tokens);
	v->bytes = eg_alloc(NULL, total);
	if (!v->tokens || !v->bytes) return false;
	char *p = v->bytes;
	for (int i = 0; i < v->n; i++) {
		int value = i - (v->end >= 0 && i > v->end); /* bytes: number i stands for this one */
		char byte = (char)(unsigned char)value;
		const char *s = tokens ? tokens[i] : i == v->end ? END_NAME : &byte;
		size_t size = tokens ? sizes[i] : i == v->end ? sizeof END_NAME - 1 : 1;
		v->tokens[i] = (eg_unit_span){.s = p, .size = (uint32_t)size};
		memcpy(p, s, size);
		p[size] = '\0';
		p += size + 1;
	}
	return true;
}

static eg_status fill_table(eg_vocab *v, eg_error *err) {
	v->slots = eg_unit_slots_new(v->n, &v->mask);
	if (!v->slots) return no_memory(err);
	for (int i = 0; i < v->n; i++) {
		const eg_unit_span *t = &v->tokens[i];
		if (i == v->end || i == v->unknown) continue;
		int32_t *slot = eg_unit_slot(v->slots, v->mask, v->tokens, t->s, t->size);
		if (*slot >= 0)
			return eg_fail(err, EG_ERR_ARG, "vocabulary: units %d and %d are the same, '%.*s'", (int)*slot,
			        i, (int)t->size, t->s);
		*slot = i;
	}
	return EG_OK;
}

eg_status eg_vocab_new(eg_unit unit, const char *const *tokens, const size_t *sizes, int n, int end, int unknown,
	eg_vocab **vocab, eg_error *err) {
	return eg_vocab_new_by(unit, (eg_words){0}, tokens, sizes, n, end, unknown, vocab, err);
}

eg_words eg_vocab_words(const eg_vocab *v) {
	return (eg_words){.rule = v->words.rule, .dictionary = v->friso ? eg_friso_dictionary(v->friso) : 0};
}

eg_status eg_vocab_new_by(eg_unit unit, eg_words words, const char *const *tokens, const size_t *sizes, int n, int end,
	int unknown, eg_vocab **vocab, eg_error *err) {
	*vocab = NULL;
	eg_status status = check_marks(unit, n, end, unknown, err);
	if (!status && unit != EG_UNIT_BYTE && (!tokens || !sizes))
		status = eg_fail(err, EG_ERR_ARG, "vocabulary: its units are missing");
	if (unit == EG_UNIT_BYTE) tokens = NULL;
	const int bytes = unit == EG_UNIT_SUBWORD ? first_byte(end, unknown) : -1;
	if (!status && bytes >= 0) status = check_bytes(tokens, sizes, n, bytes, err);
	for (int i = 0; i < n && tokens && !status; i++) {
		if (bytes >= 0 && i >= bytes && i < bytes + 256) continue;
		if (i != end && i != unknown)
			status = check_token(unit, words.rule, i, tokens[i], sizes[i], err);
		else if (sizes[i] > EG_UNIT_MOST)
			status = eg_fail(err, EG_ERR_ARG, "vocabulary: the name of mark %d has %zu bytes", i, sizes[i]);
	}
	if (status) return status;
	eg_vocab *v = eg_calloc(NULL, 1, sizeof *v);
	if (!v) return no_memory(err);
	v->unit = unit, v->words = words, v->n = n, v->end = end, v->unknown = unknown;
	const bool friso = unit == EG_UNIT_WORD && words.rule == EG_WORDS_FRISO;
	v->friso = friso ? eg_friso_new(words.dictionary) : NULL;
	status = copy_tokens(v, tokens, sizes) && (v->friso || !friso) ? fill_table(v, err) : no_memory(err);
	if (status)
		eg_vocab_free(v);
	else
		*vocab = v;
	return status;
}

void eg_vocab_free(eg_vocab *v) {
	if (!v) return;
	eg_friso_free(v->friso);
	eg_release(NULL, v->tokens);
	eg_release(NULL, v->bytes);
	eg_release(NULL, v->slots);
	eg_release(NULL, v);
}

eg_unit eg_vocab_unit(const eg_vocab *v) { return v->unit; }
int eg_vocab_count(const eg_vocab *v) { return v->n; }
int eg_vocab_end(const eg_vocab *v) { return v->end; }
int eg_vocab_unknown(const eg_vocab *v) { return v->unknown; }

const char *eg_vocab_token(const eg_vocab *v, int i, size_t *size) {
	if (i < 0 || i >= v->n) return NULL;
	if (size) *size = v->tokens[i].size;
	return v->tokens[i].s;
}

/* ---- making one from a text -------------------------------------------------------------------------------------- */

static eg_status count_units(
	eg_unit_counts *c, const eg_vocab_options *o, const eg_friso *friso, const char *text, size_t size, eg_error *err) {
	cursor at = {.unit = o->unit, .rule = o->words, .friso = friso, .text = text, .size = size};
	while (next(&at))
		if (eg_unit_counts_add(c, text + at.at, at.n, 1) < 0) return no_memory(err);
	if (at.at < size) return not_utf8(&at, NULL, err);
	if (c->n == 0) return eg_fail(err, EG_ERR_ARG, "a vocabulary needs text, but the text is empty");
	return EG_OK;
}

/* How many of the units, which are sorted by frequency, are kept; and whether there is an unknown mark. */
static eg_status choose(const eg_unit_counts *c, const eg_vocab_options *o, int *kept, bool *unknown, eg_error *err) {
	int n = 0, room;
	while (n < c->n && c->units[n].count >= o->min_count) n++;
	if (n == 0)
		return eg_fail(err, EG_ERR_ARG,
		        "min_count is %d, but nothing in the text occurs so often (at most %lld times): lower it",
		        o->min_count, (long long)c->units[0].count);
	*unknown = o->unknown || o->unit == EG_UNIT_WORD || n < c->n;
	if (o->max_size > 0 && n + o->end + *unknown > o->max_size) {
		*unknown = true;
		room = o->max_size - o->end - 1;
		if (room < 1)
			return eg_fail(err, EG_ERR_ARG,
			        "max_size is %d, which leaves no room for a unit beside the marks: raise it",
			        o->max_size);
		n = room < n ? room : n;
	}
	*kept = n;
	return EG_OK;
}

static eg_status make(
	const eg_unit_counts *c, const eg_vocab_options *o, eg_words words, int kept, bool unknown, eg_vocab **vocab, eg_error *err) {
	int marks = o->end + unknown, n = kept + marks;
	const char **tokens = eg_calloc(NULL, (size_t)n, sizeof *tokens);
	size_t *sizes = eg_calloc(NULL, (size_t)n, sizeof *sizes);
	eg_status status = EG_OK;
	if (!tokens || !sizes) {
		status = no_memory(err);
	} else {
		if (o->end) tokens[0] = END_NAME, sizes[0] = sizeof END_NAME - 1;
		if (unknown) tokens[o->end] = UNKNOWN_NAME, sizes[o->end] = sizeof UNKNOWN_NAME - 1;
		for (int i = 0; i < kept; i++) tokens[marks + i] = c->units[i].s, sizes[marks + i] = c->units[i].size;
		status = eg_vocab_new_by(o->unit, words, tokens, sizes, n, o->end ? 0 : -1, unknown ? o->end : -1, vocab, err);
	}
	eg_release(NULL, tokens);
	eg_release(NULL, sizes);
	return status;
}

/* The marks, the bytes, then what is learnt. */
static eg_status build_subwords(
	const char *text, size_t size, const eg_vocab_options *o, eg_vocab **vocab, eg_error *err) {
	enum { USUAL = 4000 };
	eg_subwords w = {0};
	eg_unit_counts all = {0};
	const int most = (o->max_size > 0 ? o->max_size : USUAL) - 256 - o->end - o->unknown;
	char bytes[256];
	if (o->min_count > 1)
		return eg_fail(err, EG_ERR_ARG, "vocabulary of subwords: min_count does nothing there: max_size says how many are learnt");
	if (most < 1)
		return eg_fail(err, EG_ERR_ARG,
		        "max_size is %d, but the 256 bytes, the marks and at least one subword need %d: raise it", o->max_size,
		        257 + o->end + o->unknown);
	eg_status status = eg_subwords_learn(&w, text, size, most, err);
	for (int i = 0; i < 256 && !status; i++) {
		bytes[i] = (char)(unsigned char)i;
		if (eg_unit_counts_add(&all, &bytes[i], 1, 0) < 0) status = no_memory(err);
	}
	for (int i = 0; i < w.learnt.n && !status; i++)
		if (eg_unit_counts_add(&all, w.learnt.units[i].s, w.learnt.units[i].size, 0) < 0) status = no_memory(err);
	if (!status) status = make(&all, o, (eg_words){0}, all.n, o->unknown, vocab, err);
	eg_unit_counts_free(&all);
	eg_subwords_free(&w);
	return status;
}

static eg_status build(
	const eg_vocab_options *o, const eg_friso *friso, const char *text, size_t size, eg_vocab **vocab, eg_error *err) {
	eg_unit_counts c = {0};
	const eg_words words = {.rule = o->words, .dictionary = friso ? eg_friso_dictionary(friso) : 0};
	int kept = 0;
	bool unknown = false;
	eg_status status = count_units(&c, o, friso, text, size, err);
	if (!status) {
		qsort(c.units, (size_t)c.n, sizeof *c.units, eg_unit_by_count);
		status = choose(&c, o, &kept, &unknown, err);
	}
	if (!status) {
		if (o->unit == EG_UNIT_CHAR) qsort(c.units, (size_t)kept, sizeof *c.units, eg_unit_by_bytes);
		status = make(&c, o, words, kept, unknown, vocab, err);
	}
	eg_unit_counts_free(&c);
	return status;
}

eg_status eg_vocab_build(
	const char *text, size_t size, const eg_vocab_options *options, eg_vocab **vocab, eg_error *err) {
	static const eg_vocab_options none;
	const eg_vocab_options *o = options ? options : &none;
	*vocab = NULL;
	if (o->min_count < 0 || o->max_size < 0)
		return eg_fail(err, EG_ERR_ARG, "vocabulary: min_count is %d and max_size %d; they cannot be negative",
		        o->min_count, o->max_size);
	if (o->words < 0 || o->words > EG_WORDS_SPACES)
		return eg_fail(err, EG_ERR_ARG, "vocabulary: there is no rule number %d by which words end", o->words);
	if (o->unit == EG_UNIT_BYTE)
		return eg_vocab_new(EG_UNIT_BYTE, NULL, NULL, 256 + o->end, o->end ? 0 : -1, -1, vocab, err);
	if (o->unit == EG_UNIT_SUBWORD) return build_subwords(text, size, o, vocab, err);
	if (o->unit != EG_UNIT_WORD || o->words != EG_WORDS_FRISO) return build(o, NULL, text, size, vocab, err);
	eg_friso *friso = eg_friso_new(0);
	eg_status status = friso ? eg_friso_open(friso, err) : no_memory(err);
	if (!status) status = build(o, friso, text, size, vocab, err);
	if (!status) status = eg_friso_open((*vocab)->friso, err); /* before the other goes, so that it stays loaded */
	if (status) eg_vocab_free(*vocab), *vocab = NULL;
	eg_friso_free(friso);
	return status;
}

/* ---- text to numbers --------------------------------------------------------------------------------------------- */

static eg_status not_known(const eg_vocab *v, const cursor *c, const char *name, eg_error *err) {
	eg_text_place p = eg_text_place_of(c->text, c->at);
	const char *s = c->text + c->at;
	uint32_t code = eg_utf8_decode(s, NULL);
	char what[EG_UNIT_MOST + 40];
	static const char *const many[] = {"characters", "bytes", "words", "subwords"};
	if (v->unit == EG_UNIT_WORD)
		snprintf(what, sizeof what, "word '%.*s'", (int)c->n, s);
	else if (code <= ' ' || code == 0x7F || eg_is_space(code))
		snprintf(what, sizeof what, "character U+%04X", (unsigned)code);
	else
		snprintf(what, sizeof what, "character '%.*s' (U+%04X)", (int)c->n, s, (unsigned)code);
	return eg_fail(err, EG_ERR_ARG,
	        "%s, line %zu, column %zu: the %s is not among the %d %s that are known: leave it out or write it in "
	        "another "
	        "way, or train with text in which it occurs",
	        name ? name : "the text", p.line, p.column, what, v->n, many[v->unit]);
}

static eg_status encode_subwords(
	const eg_vocab *v, const char *text, size_t size, int32_t **ids, size_t *n, eg_error *err) {
	int32_t *out = malloc((size + 1) * sizeof *out), *less; /* no unit is shorter than a byte */
	size_t count = 0;
	if (!out) return no_memory(err);
	for (size_t at = 0, piece; at < size; at += piece) {
		piece = eg_subword_piece(text + at, size - at);
		count += eg_subword_cut(
		        v->slots, v->mask, v->tokens, first_byte(v->end, v->unknown), text + at, piece, out + count);
	}
	less = realloc(out, (count + 1) * sizeof *out);
	*ids = less ? less : out;
	*n = count;
	return EG_OK;
}

eg_status eg_vocab_encode(
	const eg_vocab *v, const char *text, size_t size, const char *name, int32_t **ids, size_t *n, eg_error *err) {
	*ids = NULL;
	*n = 0;
	if (v->unit == EG_UNIT_SUBWORD) return encode_subwords(v, text, size, ids, n, err);
	cursor c = {.unit = v->unit, .rule = v->words.rule, .friso = v->friso, .text = text, .size = size};
	size_t count = 0, room = size / 4 + 16;
	int32_t *out = malloc(room * sizeof *out);
	eg_status status = out ? EG_OK : no_memory(err);
	if (!status && v->friso) status = eg_friso_open(v->friso, err);
	while (!status && next(&c)) {
		int32_t id = *eg_unit_slot(v->slots, v->mask, v->tokens, text + c.at, c.n);
		if (id < 0) id = v->unknown;
		if (count == room) {
			int32_t *larger = realloc(out, 2 * room * sizeof *out);
			if (larger) out = larger, room *= 2;
			if (!larger) status = no_memory(err);
		}
		if (!status && id < 0) status = not_known(v, &c, name, err);
		if (!status) out[count++] = id;
	}
	if (!status && c.at < size) status = not_utf8(&c, name, err);
	if (status) {
		free(out);
		return status;
	}
	*ids = out;
	*n = count;
	return EG_OK;
}

void eg_vocab_places(const eg_vocab *v, const char *text, size_t size, const int32_t *ids, size_t n, size_t *starts) {
	cursor c = {.unit = v->unit, .rule = v->words.rule, .friso = v->friso, .text = text, .size = size};
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		if (v->unit == EG_UNIT_SUBWORD) {
			starts[i] = at;
			at += v->tokens[ids[i]].size;
		} else if (next(&c)) {
			starts[i] = c.at;
		}
	}
	starts[n] = size;
}

/* ---- numbers to text --------------------------------------------------------------------------------------------- */

/* What a unit is to the spaces around it. Words have them on both sides, so far as the neighbour does not forbid it. */
typedef enum role {
	ROLE_NOTHING, /* the beginning, the end mark, a newline: no space on either side */
	ROLE_WORD,
	ROLE_OPEN,   /* none behind it */
	ROLE_CLOSE,  /* none before it */
	ROLE_HYPHEN, /* none on either side */
	ROLE_WIDE    /* of a script without spaces: none on either side */
} role;

static role role_of(const eg_vocab *v, int id) {
	static const uint32_t open[] = {'(', '[', '{', '$', 0xA1, 0xAB, 0xBF, 0x2018, 0x201C, 0x201E},
	                      hyphen[] = {'-', '/', '@', '#', '\\', 0x2010, 0x2011, 0x2013, 0x2014};
	if (id < 0 || id >= v->n || id == v->end) return ROLE_NOTHING;
	if (id == v->unknown) return ROLE_WORD;
	uint32_t c = eg_utf8_decode(v->tokens[id].s, NULL);
	if (c == '\n') return ROLE_NOTHING;
	if (v->words.rule == EG_WORDS_SPACES) return ROLE_WORD;
	if (eg_is_core(c) || (v->words.rule == EG_WORDS_RUNS && is_of_run(v->tokens[id].s))) return ROLE_WORD;
	if (eg_is_letter(c) || eg_is_ideograph(c)) return ROLE_WIDE;
	if (!eg_is_between(c) && ((c >= 0x3000 && c <= 0x303F) || (c >= 0xFF00 && c <= 0xFFEF))) return ROLE_WIDE;
	for (int i = 0; i < EG_COUNT(open); i++)
		if (c == open[i]) return ROLE_OPEN;
	for (int i = 0; i < EG_COUNT(hyphen); i++)
		if (c == hyphen[i]) return ROLE_HYPHEN;
	return ROLE_CLOSE;
}

static bool apart(role before, role after) {
	bool left = before == ROLE_WORD || before == ROLE_CLOSE, right = after == ROLE_WORD || after == ROLE_OPEN;
	return left && right;
}

/* Would the two be cut elsewhere, were there no space between? */
static bool joins(const eg_vocab *v, int before, int id) {
	char both[2 * EG_UNIT_MOST + 8];
	const int ids[] = {before, id};
	size_t n[2], from = 0;
	if (v->words.rule >= EG_WORDS_SPACES || before < 0 || before >= v->n || before == v->end) return false;
	for (int i = 0; i < 2; i++) {
		const bool unknown = ids[i] == v->unknown;
		n[i] = unknown ? sizeof REPLACEMENT - 1 : v->tokens[ids[i]].size;
		memcpy(both + (i ? n[0] : 0), unknown ? REPLACEMENT : v->tokens[ids[i]].s, n[i]);
	}
	/* a Chinese word: its last character stands beside the next */
	for (size_t more = v->friso ? eg_chinese_size(both, n[0], 4) : 0; more > 0 && from + more < n[0];)
		from += more, more = eg_chinese_size(both + from, n[0] - from, 4);
	return eg_word_size(both + from, n[0] + n[1] - from) != n[0] - from;
}

size_t eg_vocab_spell(const eg_vocab *v, int before, int id, char *buf, size_t size) {
	size_t n = 0;
	if (size == 0) return 0;
	if (id >= 0 && id < v->n && id != v->end) {
		const char *s = id == v->unknown ? REPLACEMENT : v->tokens[id].s;
		size_t length = id == v->unknown ? sizeof REPLACEMENT - 1 : v->tokens[id].size;
		if (v->unit == EG_UNIT_WORD && size > 1 && (apart(role_of(v, before), role_of(v, id)) || joins(v, before, id)))
			buf[n++] = ' ';
		if (length > size - 1 - n) {
			length = size - 1 - n;
			while (length > 0 && ((unsigned char)s[length] & 0xC0) == 0x80) length--;
		}
		memcpy(buf + n, s, length);
		n += length;
	}
	buf[n] = '\0';
	return n;
}

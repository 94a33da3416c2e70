/* vocab_value.c - a vocabulary as a model file keeps it: {"unit": "char", "end": 0, "unknown": 1, "tokens":
 * ["<end>", ...]}.
 *
 * A mark that is not there is left out; so are the tokens of bytes, which are the same for everybody (and no JSON), and
 * of a vocabulary of subwords the marks and bytes, which come first.
 * Not here: what makes a vocabulary right, beyond the types of these values (vocab.c). */
#include "base/base.h"
#include "data/units.h"
#include "engram_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where words end, and by which dictionary: {"boundaries": "friso", "dictionary": "0123456789abcdef"}. */
static void put_words(eg_value *map, const eg_vocab *v) {
	const eg_words words = eg_vocab_words(v);
	char sum[20];
	if (eg_vocab_unit(v) != EG_UNIT_WORD || words.rule == EG_WORDS_RUNS) return;
	eg_value_put_text(map, "boundaries", eg_rule_words[words.rule]);
	if (words.rule != EG_WORDS_FRISO) return;
	snprintf(sum, sizeof sum, "%016" PRIx64, words.dictionary);
	eg_value_put_text(map, "dictionary", sum);
}

eg_value *eg_vocab_put(eg_value *parent, const char *key, const eg_vocab *v) {
	eg_value *map = eg_value_put_map(parent, key);
	eg_unit unit = eg_vocab_unit(v);
	eg_value_put_text(map, "unit", eg_unit_names()[unit]);
	if (eg_vocab_end(v) >= 0) eg_value_put_int(map, "end", eg_vocab_end(v));
	if (eg_vocab_unknown(v) >= 0) eg_value_put_int(map, "unknown", eg_vocab_unknown(v));
	put_words(map, v);
	if (unit == EG_UNIT_BYTE) return map;
	eg_value *tokens = eg_value_put_list(map, "tokens");
	int first = unit == EG_UNIT_SUBWORD ? 256 + (eg_vocab_end(v) >= 0) + (eg_vocab_unknown(v) >= 0) : 0;
	for (int i = first; i < eg_vocab_count(v); i++) {
		size_t size;
		const char *token = eg_vocab_token(v, i, &size);
		eg_value_put_bytes(tokens, NULL, token, size);
	}
	return map;
}

static eg_status damaged(eg_error *err, const char *what) {
	return eg_fail(err, EG_ERR_FORMAT, "damaged: the vocabulary: %s", what);
}

/* A mark: a number from 0, or -1 when it is left out. */
static bool get_mark(const eg_value *map, const char *key, int *mark) {
	const eg_value *t = eg_value_get(map, key);
	int64_t v = t ? eg_value_int(t, -1) : -1;
	*mark = (int)v;
	return !t || (v >= 0 && v <= INT32_MAX);
}

static bool get_words(const eg_value *map, eg_words *words) {
	const char *boundaries = eg_value_text(eg_value_get(map, "boundaries")), *sum = eg_value_text(eg_value_get(map, "dictionary"));
	*words = (eg_words){.rule = boundaries ? 0 : EG_WORDS_RUNS};
	while (boundaries && eg_rule_words[words->rule] && strcmp(boundaries, eg_rule_words[words->rule]) != 0) words->rule++;
	if (boundaries && !eg_rule_words[words->rule]) return false;
	if (words->rule != EG_WORDS_FRISO) return true;
	if (!sum || strlen(sum) != 16 || strspn(sum, "0123456789abcdef") != 16) return false;
	words->dictionary = strtoull(sum, NULL, 16);
	return true;
}

static eg_status make(eg_unit unit, eg_words words, const eg_value *list, int end, int unknown, eg_vocab **vocab, eg_error *err) {
	int marks = (end >= 0) + (unknown >= 0), n = 0;
	size_t room = (size_t)eg_value_count(list) + 259;
	const char **tokens = eg_calloc(NULL, room, sizeof *tokens);
	size_t *sizes = eg_calloc(NULL, room, sizeof *sizes);
	eg_status status = tokens && sizes ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a vocabulary");
	char bytes[256];
	for (int i = 0; unit == EG_UNIT_SUBWORD && i < 256 + marks && !status; i++, n++) {
		bytes[i < marks ? 0 : i - marks] = (char)(unsigned char)(i - marks);
		tokens[n] = i < marks ? i == end ? "<end>" : "<unknown>" : &bytes[i - marks];
		sizes[n] = i < marks ? strlen(tokens[n]) : 1;
	}
	if (!status && room > INT32_MAX) status = damaged(err, "it has too many units");
	for (const eg_value *t = eg_value_first(list); t && !status; t = eg_value_next(t), n++) {
		tokens[n] = eg_value_text(t);
		sizes[n] = eg_value_text_size(t);
		if (!tokens[n]) status = damaged(err, "one of its units is not a text");
	}
	if (!status) status = eg_vocab_new_by(unit, words, tokens, sizes, n, end, unknown, vocab, err);
	eg_release(NULL, tokens);
	eg_release(NULL, sizes);
	return status;
}

eg_status eg_vocab_from_value(const eg_value *map, eg_vocab **vocab, eg_error *err) {
	*vocab = NULL;
	if (eg_value_kind_of(map) != EG_VALUE_MAP) return damaged(err, "it is not a map");
	const eg_value *tokens = eg_value_get(map, "tokens");
	const char *const *names = eg_unit_names(), *name = eg_value_text(eg_value_get(map, "unit"));
	int unit = 0, end, unknown;
	if (!name) return damaged(err, "its unit is missing");
	while (names[unit] && strcmp(names[unit], name)) unit++;
	if (!names[unit]) return damaged(err, "its unit is none of char, byte, word, subword");
	if (!get_mark(map, "end", &end)) return damaged(err, "its end mark is not a number of a unit");
	if (!get_mark(map, "unknown", &unknown)) return damaged(err, "its unknown mark is not a number of a unit");
	eg_words words;
	if (!get_words(map, &words)) return damaged(err, "its words end at boundaries that are not known here; take a newer engram");
	bool bytes = unit == EG_UNIT_BYTE;
	if (bytes ? tokens != NULL : eg_value_kind_of(tokens) != EG_VALUE_LIST)
		return damaged(err, bytes ? "one of bytes has no list of units" : "the list of its units is missing");
	eg_error own = {0};
	eg_status status = bytes ? eg_vocab_new(EG_UNIT_BYTE, NULL, NULL, 256 + (end >= 0), end, unknown, vocab, &own)
				 : make((eg_unit)unit, words, tokens, end, unknown, vocab, &own);
	if (status == EG_ERR_ARG) /* the caller is a file */
		return eg_fail(err, EG_ERR_FORMAT, "damaged: %s", own.message);
	if (status && err) *err = own;
	return status;
}

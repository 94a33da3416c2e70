/* vocab.c - a vocabulary as a model file keeps it: {"unit": "char", "end": 0, "unknown": 1, "tokens": ["<end>", ...]}.
 *
 * A mark that is not there is left out; so are the tokens of bytes, which are the same for everybody (and no JSON). Not
 * here: what makes a vocabulary right, beyond the types of these values (data/vocab.c). */
#include "io/vocab.h"

#include <string.h>

eg_tree *eg_vocab_to_tree(eg_tree_builder *b, const eg_vocab *v) {
	eg_tree *map = eg_tree_new(b, EG_TREE_MAP);
	eg_unit unit = eg_vocab_unit(v);
	eg_tree_string(b, map, "unit", eg_unit_names()[unit]);
	if (eg_vocab_end(v) >= 0) eg_tree_put_int(b, map, "end", eg_vocab_end(v));
	if (eg_vocab_unknown(v) >= 0) eg_tree_put_int(b, map, "unknown", eg_vocab_unknown(v));
	if (unit == EG_UNIT_BYTE) return map;
	eg_tree *tokens = eg_tree_list(b, map, "tokens");
	for (int i = 0; i < eg_vocab_count(v); i++) eg_tree_string(b, tokens, NULL, eg_vocab_token(v, i, NULL));
	return map;
}

static eg_status damaged(eg_error *err, const char *what) {
	return eg_fail(err, EG_ERR_FORMAT, "damaged: the vocabulary: %s", what);
}

/* A mark: a number from 0, or -1 when it is left out. */
static bool get_mark(const eg_tree *map, const char *key, int *mark) {
	const eg_tree *t = eg_tree_get(map, key);
	int64_t v = -1;
	if (t && (!eg_tree_integer(t, &v) || v < 0 || v > INT32_MAX)) return false;
	*mark = (int)v;
	return true;
}

static eg_status make(eg_unit unit, const eg_tree *list, int end, int unknown, eg_vocab **vocab, eg_error *err) {
	size_t room = (size_t)list->count + 1;
	const char **tokens = eg_calloc(NULL, room, sizeof *tokens);
	size_t *sizes = eg_calloc(NULL, room, sizeof *sizes);
	eg_status status = tokens && sizes ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a vocabulary");
	int n = 0;
	for (const eg_tree *t = list->first; t && !status; t = t->next, n++) {
		if (t->kind != EG_TREE_SCALAR || !t->quoted) {
			status = damaged(err, "one of its units is not a text");
		} else {
			tokens[n] = t->text;
			sizes[n] = strlen(t->text);
		}
	}
	if (!status) status = eg_vocab_new(unit, tokens, sizes, n, end, unknown, vocab, err);
	eg_release(NULL, tokens);
	eg_release(NULL, sizes);
	return status;
}

eg_status eg_vocab_from_tree(const eg_tree *map, eg_vocab **vocab, eg_error *err) {
	*vocab = NULL;
	if (map->kind != EG_TREE_MAP) return damaged(err, "it is not a map");
	const eg_tree *name = eg_tree_get(map, "unit"), *tokens = eg_tree_get(map, "tokens");
	const char *const *names = eg_unit_names();
	int unit = 0, end, unknown;
	if (!name || name->kind != EG_TREE_SCALAR) return damaged(err, "its unit is missing");
	while (names[unit] && strcmp(names[unit], name->text)) unit++;
	if (!names[unit]) return damaged(err, "its unit is none of char, byte, word");
	if (!get_mark(map, "end", &end)) return damaged(err, "its end mark is not a number of a unit");
	if (!get_mark(map, "unknown", &unknown)) return damaged(err, "its unknown mark is not a number of a unit");
	bool bytes = unit == EG_UNIT_BYTE;
	if (bytes ? tokens != NULL : !tokens || tokens->kind != EG_TREE_LIST)
		return damaged(err, bytes ? "one of bytes has no list of units" : "the list of its units is missing");
	eg_status status = bytes ? eg_vocab_new(EG_UNIT_BYTE, NULL, NULL, 256 + (end >= 0), end, unknown, vocab, err)
	                         : make((eg_unit)unit, tokens, end, unknown, vocab, err);
	if (status == EG_ERR_ARG) { /* the caller is a file */
		eg_fail(err, EG_ERR_FORMAT, "damaged: %s", err ? err->message : "");
		return EG_ERR_FORMAT;
	}
	return status;
}

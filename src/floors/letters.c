/* letters.c - runs of letters as features of a text (bags.h): of each word, with a mark before and behind it, those
 * runs of characters that have 3 to 6 bytes. So of alphabets they are 3 to 6 letters long (Cavnar and Trenkle 1994;
 * as parts of words: Bojanowski et al. 2017), of Chinese one or two characters. Words are read in the text itself: the
 * vocabulary does not know the spelling of a word that it does not have.
 *
 * Not here: units and pairs, and the numbers of features (bags.c). */
#include "data/text_form.h"
#include "engram_text.h"
#include "floors/bags.h"

#include <string.h>

enum { LEAST = 3, MOST = 6, WORD_MOST = 96 /* bytes of a word that are looked at */, BORDER = '\n' };

/* No unit and no pair has the highest bit. */
static uint64_t key_of(const char *s, int n) {
	uint64_t key = UINT64_C(1) << 63 | (uint64_t)n << 56;
	for (int i = 0; i < n; i++) key |= (uint64_t)(unsigned char)s[i] << 8 * i;
	return key;
}

static bool begins(const char *s) { return ((unsigned char)*s & 0xC0) != 0x80; }

/* s is followed by a border, where a character begins. */
static bool add_runs(eg_occurrences *list, const char *s, int n, int unit) {
	for (int from = 0; from < n; from++)
		for (int size = LEAST; size <= MOST && from + size <= n && begins(s + from); size++)
			if (from + size == n || begins(s + from + size))
				if (!eg_occurrences_add(list, key_of(s + from, size), unit, false)) return false;
	return true;
}

/* The word that begins at s, where the next one begins n bytes on: without the space in between. */
static int word_of(const char *s, size_t n, bool lower, char *word) {
	int size = 0;
	word[size++] = BORDER;
	for (size_t at = 0; at < n;) {
		const size_t each = (size_t)eg_utf8_length(s + at, n - at);
		if (each == 0 || size + (int)each > WORD_MOST || eg_is_space(eg_utf8_decode(s + at, NULL))) break;
		memcpy(word + size, s + at, each);
		size += (int)each, at += each;
	}
	if (lower) eg_text_lower(word, (size_t)size);
	word[size++] = BORDER;
	return size;
}

/* The text may go on behind the units, where it was cut: so one more is asked for, which ends the last of them. */
static bool find_starts(eg_occurrences *list, eg_bag_text text) {
	if (list->room < text.n + 2) {
		eg_release(NULL, list->starts);
		list->starts = eg_calloc(NULL, (size_t)text.n + 2, sizeof *list->starts);
		list->room = list->starts ? text.n + 2 : 0;
		if (!list->starts) return false;
	}
	for (int t = 0; t < text.n + 2; t++) list->starts[t] = text.size;
	eg_vocab_places(eg_intake_vocab(text.intake), text.bytes, text.size, NULL, (size_t)text.n + 1, list->starts);
	return true;
}

bool eg_letters_list(eg_occurrences *list, eg_bag_text text) {
	char word[WORD_MOST + 2];
	if (!text.bytes) return true;
	if (!find_starts(list, text)) return false;
	for (int t = 0; t < text.n; t++) {
		const size_t from = list->starts[t], to = list->starts[t + 1];
		if (text.ids[t * text.apart] < 0) continue; /* covered */
		const int n = word_of(text.bytes + from, to - from, eg_intake_lowers(text.intake), word);
		if (!add_runs(list, word, n, t)) return false;
	}
	return true;
}

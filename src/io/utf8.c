/* utf8.c - is it UTF-8, character by character: what texts that are read and values that are written ask; and the rules
 * for the beginning of a text and the ends of its lines, which hold for every reader.
 *
 * UTF-8 is that of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Not here: whole texts, their
 * lines and characters (data/text.c). */
#include "base/base.h"
#include "engram_text.h"

#include <string.h>

static bool follows(const unsigned char *s, int i) { return (s[i] & 0xC0) == 0x80; }

int eg_utf8_length(const char *text, size_t size) {
	const unsigned char *s = (const unsigned char *)text;
	if (size == 0) return 0;
	if (s[0] < 0x80) return 1;
	if (s[0] < 0xC2 || size < 2 || !follows(s, 1)) return 0; /* C0 and C1 begin overlong forms only */
	if (s[0] < 0xE0) return 2;
	if (size < 3 || !follows(s, 2)) return 0;
	if (s[0] == 0xE0 && s[1] < 0xA0) return 0;  /* overlong */
	if (s[0] == 0xED && s[1] >= 0xA0) return 0; /* surrogates */
	if (s[0] < 0xF0) return 3;
	if (size < 4 || !follows(s, 3) || s[0] > 0xF4) return 0;
	if (s[0] == 0xF0 && s[1] < 0x90) return 0;  /* overlong */
	if (s[0] == 0xF4 && s[1] >= 0x90) return 0; /* above U+10FFFF */
	return 4;
}

/* U+202A to U+202E and U+2066 to U+206F turn what follows round, U+2028 and U+2029 end lines. */
static bool turns(const unsigned char *s) {
	return s[0] == 0xE2 && ((s[1] == 0x80 && s[2] >= 0xA8 && s[2] <= 0xAE) || (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xAF));
}

int eg_utf8_shown(const char *text, size_t size, bool *shown) {
	const unsigned char *s = (const unsigned char *)text;
	int n = eg_utf8_length(text, size);
	*shown = (n == 1 && s[0] >= 0x20 && s[0] != 0x7F) || (n == 2 && !(s[0] == 0xC2 && s[1] < 0xA0)) || (n == 3 && !turns(s)) ||
	         n == 4;
	return n ? n : 1;
}

size_t eg_utf8_mark(const char *s, size_t size) { return size >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; }

size_t eg_text_normalize(char *s, size_t size) {
	size_t to = 0;
	for (size_t i = eg_utf8_mark(s, size); i < size; i++)
		if (s[i] != '\r' || i + 1 == size || s[i + 1] != '\n') s[to++] = s[i];
	return to;
}

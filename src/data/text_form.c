/* text_form.c - the forms that bytes of a text are brought to: Latin-1 to UTF-8, and Unicode's normal form C with
 * utf8proc. The only file that knows it.
 *
 * Latin-1 is what browsers take for it (Windows-1252, as the WHATWG's Encoding Standard has it): in real files the
 * bytes 0x80 to 0x9F are quotation marks and dashes, not control characters. */
#include "data/text_form.h"

#include <stdlib.h>
#include <string.h>
#ifdef ENGRAM_HAVE_UTF8PROC
#include <utf8proc.h>
#endif

const char *const eg_encoding_names[] = {"utf-8", "latin1", "found", NULL};
const char *const eg_normalize_names[] = {"no", "nfc", NULL};

void eg_latin1_remark(eg_source *s, eg_part part, int64_t lines) {
	if (lines > 0)
		eg_source_remark_more(s, part, "%lld line%s not UTF-8 and %s read as Latin-1", (long long)lines,
		        lines == 1 ? " is" : "s are", lines == 1 ? "was" : "were");
}

size_t eg_text_from_latin1(const char *s, size_t size, char *out) {
	static const uint16_t high[32] = {0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
		0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122,
		0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178};
	size_t n = 0;
	for (size_t i = 0; i < size; i++) {
		unsigned c = (unsigned char)s[i];
		if (c >= 0x80 && c < 0xA0) c = high[c - 0x80];
		if (c < 0x80)
			out[n++] = (char)c;
		else if (c < 0x800) {
			out[n++] = (char)(0xC0 | c >> 6);
			out[n++] = (char)(0x80 | (c & 0x3F));
		} else {
			out[n++] = (char)(0xE0 | c >> 12);
			out[n++] = (char)(0x80 | (c >> 6 & 0x3F));
			out[n++] = (char)(0x80 | (c & 0x3F));
		}
	}
	out[n] = '\0';
	return n;
}

eg_status eg_text_lines_from_latin1(
	char **text, size_t *size, bool all, int64_t *lines, const char *name, eg_error *err) {
	const char *s = *text, *end = s + *size;
	char *out = eg_alloc(NULL, 3 * *size + 1);
	size_t n = 0;
	if (!out) return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
	while (s < end) {
		const char *feed = memchr(s, '\n', (size_t)(end - s));
		size_t length = (size_t)((feed ? feed + 1 : end) - s);
		size_t good = all ? 0 : eg_utf8_check(s, length);
		bool latin1 = all || (good < length && s[good]);
		if (latin1)
			n += eg_text_from_latin1(s, length, out + n);
		else
			memcpy(out + n, s, length), n += length;
		*lines += latin1 && !all;
		s += length;
	}
	out[n] = '\0';
	eg_release(NULL, *text);
	*text = out, *size = n;
	return EG_OK;
}

#ifdef ENGRAM_HAVE_UTF8PROC

eg_status eg_text_rules_check(const eg_text_rules *rules, eg_error *err) {
	EG_UNUSED(rules), EG_UNUSED(err);
	return EG_OK;
}

eg_status eg_text_nfc(const char *s, size_t size, char **out, size_t *out_size, eg_error *err) {
	utf8proc_uint8_t *made = NULL;
	size_t ascii = 0;
	*out = NULL, *out_size = size;
	while (ascii < size && (unsigned char)s[ascii] < 0x80) ascii++;
	if (ascii == size) return EG_OK;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)size, &made,
	        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
	if (n < 0)
		return eg_fail(err, n == UTF8PROC_ERROR_NOMEM ? EG_ERR_MEMORY : EG_ERR_FORMAT, "cannot normalize a text: %s",
		        utf8proc_errmsg(n));
	*out = (char *)made, *out_size = (size_t)n;
	return EG_OK;
}

#else

eg_status eg_text_rules_check(const eg_text_rules *rules, eg_error *err) {
	if (rules->normalize == EG_NORMALIZE_NO) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "'normalize: nfc': engram was built without utf8proc");
}

eg_status eg_text_nfc(const char *s, size_t size, char **out, size_t *out_size, eg_error *err) {
	EG_UNUSED(s);
	*out = NULL, *out_size = size;
	return eg_text_rules_check(&(eg_text_rules){.normalize = EG_NORMALIZE_NFC}, err);
}

#endif

/* ---- small letters ----------------------------------------------------------------------------------------------- */

/* Capitals of two bytes. by: how far behind it the small letter is; PAIRS: it is the next, and so of every other one
 * from `first` on. */
enum { PAIRS = 0 };
static const struct {
	uint16_t first, last;
	int16_t by;
} capitals[] = {
	{0xC0, 0xD6, 32}, {0xD8, 0xDE, 32},                                           /* Latin-1 */
	{0x100, 0x12E, PAIRS}, {0x132, 0x136, PAIRS}, {0x139, 0x147, PAIRS}, {0x14A, 0x176, PAIRS}, {0x178, 0x178, -121},
	{0x179, 0x17D, PAIRS},                                                        /* Latin extended */
	{0x386, 0x386, 38}, {0x388, 0x38A, 37}, {0x38C, 0x38C, 64}, {0x38E, 0x38F, 63}, /* Greek with an accent */
	{0x391, 0x3A1, 32}, {0x3A3, 0x3AB, 32},
	{0x400, 0x40F, 80}, {0x410, 0x42F, 32}, {0x460, 0x480, PAIRS}, {0x48A, 0x4BE, PAIRS}, {0x4C0, 0x4C0, 15},
	{0x4C1, 0x4CD, PAIRS}, {0x4D0, 0x52E, PAIRS},                                 /* Cyrillic */
};

/* The small letter of a capital of two bytes; else the character itself. */
static uint32_t small_of(uint32_t c) {
	for (int i = 0; i < EG_COUNT(capitals) && c >= capitals[i].first; i++) {
		if (c > capitals[i].last) continue;
		if (capitals[i].by == PAIRS) return c + ((c - capitals[i].first) % 2 == 0);
		return (uint32_t)((int32_t)c + capitals[i].by);
	}
	return c;
}

void eg_text_lower(char *s, size_t size) {
	for (size_t i = 0; i < size; i++) {
		unsigned char *b = (unsigned char *)s + i;
		if (*b >= 'A' && *b <= 'Z') *b = (unsigned char)(*b + 0x20);
		if ((*b & 0xE0) != 0xC0 || i + 1 == size || (b[1] & 0xC0) != 0x80) continue;
		const uint32_t c = small_of((uint32_t)(*b & 0x1F) << 6 | (b[1] & 0x3F));
		b[0] = (unsigned char)(0xC0 | c >> 6), b[1] = (unsigned char)(0x80 | (c & 0x3F));
		i++;
	}
}

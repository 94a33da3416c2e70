/* text_form.h - the forms that the bytes of a text are brought to: encodings, and Unicode's normal form C (utf8proc,
 * behind text_form.c). Sources take their keys from here, and so do questions. */
#ifndef ENGRAM_DATA_TEXT_FORM_H
#define ENGRAM_DATA_TEXT_FORM_H

#include "data/data.h"

extern const char *const eg_encoding_names[], *const eg_normalize_names[];
#define EG_NORMALIZE_KEY(offset_) \
	{ \
		.name = "normalize", .type = EG_KEY_ENUM, .offset = offset_, .names = eg_normalize_names, \
		.def = EG_NORMALIZE_NO, \
		.doc = "nfc: characters that can be written in several ways are written in one, that of Unicode's form C, in " \
		       "questions too; no (the default): texts stay as they are" \
	}
#define EG_NORMALIZE_KEY_OF(owner, member) \
	EG_NORMALIZE_KEY(offsetof(owner, member) + offsetof(eg_text_rules, normalize))
/* The keys of a source whose struct has the rules as `member`. */
#define EG_TEXT_RULE_KEYS(owner, member) \
	{.name = "encoding", \
		.type = EG_KEY_ENUM, \
		.offset = offsetof(owner, member) + offsetof(eg_text_rules, encoding), \
		.names = eg_encoding_names, \
		.def = EG_ENCODING_UTF8, \
		.doc = "utf-8 (the default; other bytes are errors); latin1, as browsers read it (Windows-1252); or found: " \
		       "lines that are not UTF-8 are latin1, and counted"}, \
	EG_NORMALIZE_KEY_OF(owner, member)
/* Capitals of the Latin, Greek and Cyrillic alphabets become small letters of as many bytes; all else stays. */
void eg_text_lower(char *s, size_t size);
/* Tells of lines that were found to be Latin-1; 0: nothing. */
void eg_latin1_remark(eg_source *s, eg_part part, int64_t lines);
/* Can this build follow them? */
eg_status eg_text_rules_check(const eg_text_rules *rules, eg_error *err);
/* UTF-8 of Latin-1 as browsers have it; `out` has room for 3 * size + 1. Returns its size. */
size_t eg_text_from_latin1(const char *s, size_t size, char *out);
/* The same of those lines of *s (from eg_alloc, a zero behind) that are not UTF-8, or, with `all`, of all; *s may be
 * replaced. */
eg_status eg_text_lines_from_latin1(char **s, size_t *size, bool all, int64_t *lines, const char *name, eg_error *err);
/* Form C of UTF-8 without zeros. *out: to be released with free(), ends with a zero; NULL: it is so already. */
eg_status eg_text_nfc(const char *s, size_t size, char **out, size_t *out_size, eg_error *err);

#endif

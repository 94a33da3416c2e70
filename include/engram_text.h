/* engram_text.h - text: reading it, vocabularies, and handing it to the training loop. Part of libengram_io.
 *
 * A text is UTF-8; what is not is refused with its line and byte. A vocabulary numbers the units of a text (bytes,
 * characters, words or subwords); a model file keeps it, so that a model needs nothing else to read and write.
 * Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_TEXT_H
#define ENGRAM_TEXT_H

#include "engram_data.h"
#include "engram_value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- text -------------------------------------------------------------------------------------------------------- */

typedef struct eg_text {
	char *bytes;      /* size of them, and a zero behind */
	size_t size;
	int64_t latin1;   /* lines that were found to be Latin-1 */
	const char *name; /* of the file, for messages */
} eg_text;

/* What holds beside the rules for every text: a byte order mark is left out, and CR LF is LF. */
enum { EG_ENCODING_UTF8, EG_ENCODING_LATIN1 /* as browsers read it: Windows-1252 */, EG_ENCODING_FOUND /* lines that are
	not UTF-8 are Latin-1 */ };
enum { EG_NORMALIZE_NO, EG_NORMALIZE_NFC /* Unicode's normal form C */ };
typedef struct eg_text_rules {
	int encoding, normalize;
} eg_text_rules;

typedef struct eg_text_options {
	const char *folder; /* of a set known by name; NULL: searched as eg_data_locate does */
	const char *path;   /* source text: the user's own file, gzipped or not */
	int64_t limit;      /* > 0: only so many bytes, the first, cut back to a whole character */
	bool any_bytes;     /* take the file byte for byte as it is; else it must be UTF-8 without zero bytes, a byte
	                     * order mark at its
	                       beginning is left out, and CR LF becomes LF */
	eg_text_rules rules; /* unless any_bytes */
} eg_text_options;

/* Reads a text. source: a name of the table eg_data_at that is a text, or "text" for the user's own file. What is no
 * text is refused with line and column (in characters) and the cure; so is an empty one. *text is NULL on failure. */
EG_API eg_status eg_text_load(const char *source, const eg_text_options *options, eg_text **text, eg_error *err);
EG_API void eg_text_free(eg_text *t);

/* Bytes of the character that begins at s (1..4), or 0: not UTF-8 (overlong forms and surrogates are not). */
EG_API int eg_utf8_length(const char *s, size_t size);
/* Bytes of what begins at s, 1..4 (size > 0). *shown: may a terminal get it as it is? Text out of files is asked about
 * before it is printed, as a terminal does what it is told: control characters (line ends and tabs among them, and
 * U+007F to U+009F), characters that turn the direction of writing, line separators, and bytes that are not UTF-8 are
 * not shown. */
EG_API int eg_utf8_shown(const char *s, size_t size, bool *shown);

/* What holds for every text from outside (files, pipes, prompts, questions), unless it is taken byte for byte: a byte
 * order mark at its beginning is left out, and CR LF becomes LF. In place; returns how many bytes are left. Whether it
 * is UTF-8 is another question. */
EG_API size_t eg_text_normalize(char *s, size_t size);
/* Bytes of the byte order mark at the beginning: 3, or 0. */
EG_API size_t eg_utf8_mark(const char *s, size_t size);

/* ---- vocabulary -------------------------------------------------------------------------------------------------- */

typedef enum eg_unit { EG_UNIT_CHAR, EG_UNIT_BYTE, EG_UNIT_WORD, EG_UNIT_SUBWORD } eg_unit;
EG_API const char *const *eg_unit_names(void); /* "char", "byte", "word", "subword", NULL */

typedef struct eg_vocab eg_vocab;
enum { EG_UNIT_MOST = 255 }; /* bytes of a unit; longer words are cut into several units */

enum { EG_WORDS_UNICODE, EG_WORDS_FRISO, EG_WORDS_SPACES };
typedef struct eg_vocab_options {
	eg_unit unit;
	int min_count; /* units that occur less often are unknown; 0: 1. Not for bytes and subwords */
	int max_size;  /* most units, the marks among them; the most frequent are kept; 0: no limit, of subwords 4000.
	                * Not for bytes */
	bool end;      /* has a unit that ends (and begins) a sample */
	bool unknown;  /* has the unknown unit even when nothing was left out. Not for bytes; of subwords only for who
	                * makes units unknown: no text leads to it */
	int words;     /* EG_WORDS_...: where words end */
} eg_vocab_options;

/* Words: what Unicode's word boundaries (UAX #29) leave that is not spaces: "can't", "3.14", a character of a script
 * without spaces, such as Chinese; punctuation, each sign by itself; so is a newline; other spaces are nothing but what
 * stands between. Upper and lower case are kept apart. With EG_WORDS_FRISO runs of Chinese characters are cut by
 * libfriso and its dictionary (the rest as ever); where this build or this machine is without them, making such a
 * vocabulary and cutting a text with it fail and say what is missing. A vocabulary knows its dictionary, and refuses
 * another. With EG_WORDS_SPACES words are what stands between spaces: "t-shirt,", for texts that are cut already. */

/* Subwords: the 256 bytes, and what byte pair encoding learns of the text: characters of several bytes that occur
 * twice, in at most half of the room, then units made of two, the commonest first. None reaches from one word into the
 * next, but for the space before it. Any bytes can be written with them, none is unknown, and what is spelled is the
 * text itself. */

/* Units in order: the end mark when asked for, the unknown mark when something was left out (or the unit is word), then
 * by falling frequency (then by code points) for words, by code point for characters; byte: all 256 by value, never
 * unknown; subwords: the bytes, then in the order in which they were learnt. An empty text is an error, except for
 * bytes and subwords. *vocab is NULL on failure, here and below. */
EG_API eg_status eg_vocab_build(
	const char *text, size_t size, const eg_vocab_options *options, eg_vocab **vocab, eg_error *err);
/* As a model file keeps it: n tokens, tokens[i] of sizes[i] bytes; end and unknown are indices or -1, what stands there
 * is only a name. Every token must be one unit, and none twice. Bytes: tokens and sizes may be NULL, n is 256, or 257
 * with an end mark. Subwords: the marks come first, then the 256 bytes by value. */
EG_API eg_status eg_vocab_new(eg_unit unit, const char *const *tokens, const size_t *sizes, int n, int end, int unknown,
	eg_vocab **vocab, eg_error *err);
EG_API void eg_vocab_free(eg_vocab *v);
/* The same as one value, for what a task keeps in a model file: {"unit": "char", "end": 0, "unknown": 1, "tokens":
 * [...]}. Put into a parent (eg_value_put_map); read again: what is not right is EG_ERR_FORMAT, with a message that
 * begins with "damaged:". */
EG_API eg_value *eg_vocab_put(eg_value *parent, const char *key, const eg_vocab *v);
EG_API eg_status eg_vocab_from_value(const eg_value *map, eg_vocab **vocab, eg_error *err);
EG_API eg_unit eg_vocab_unit(const eg_vocab *v);
EG_API int eg_vocab_count(const eg_vocab *v);
EG_API const char *eg_vocab_token(const eg_vocab *v, int i, size_t *size); /* zero-terminated too; size may be NULL.
                                                                            * NULL: no such */
EG_API int eg_vocab_end(const eg_vocab *v);     /* -1: none */
EG_API int eg_vocab_unknown(const eg_vocab *v); /* -1: none */

/* Numbers of the units of a text, to be released with free(); *ids is not NULL even when there are none. What the
 * vocabulary has not becomes the unknown unit; when there is none it is an error that names the character, its line and
 * column in `name` ("the prompt", a file; NULL: "the text"), and the cure. So is what is not UTF-8, except for bytes
 * and subwords. The end mark never comes out. */
EG_API eg_status eg_vocab_encode(const eg_vocab *v, const char *text, size_t size, const char *name, int32_t **ids,
	size_t *n, eg_error *err);
/* Text of unit `id` as it stands behind unit `before` (-1: at the beginning) into buf, at most size - 1 bytes and a
 * zero; returns how many bytes it put there (EG_UNIT_MOST + 2 is always room enough; what does not fit is cut between
 * characters). Words are put apart by spaces, but not before punctuation, behind opening brackets or around hyphens and
 * newlines; with EG_WORDS_SPACES by a space wherever there is no newline; the end mark is nothing, the unknown mark
 * U+FFFD. What is spelled so is encoded to the same units again,
 * but for Chinese words by friso, which cuts by what stands around. */
EG_API size_t eg_vocab_spell(const eg_vocab *v, int before, int id, char *buf, size_t size);

/* ---- for the training loop --------------------------------------------------------------------------------------- */

typedef struct eg_text_dataset eg_text_dataset;

/* Next-unit prediction over a running text: its n - 1 predictions (unit i from the units before it, i = 1..n-1) are cut
 * into `streams` runs, one behind the other, whose lengths differ by one at most (the first are the longer ones), and
 * read side by side `steps` at a time; the target is the input moved on by one. Every prediction is there exactly once:
 * the weights add up to n - 1. Places behind the end of a run have the input 0 and the target `ignore`. Inputs "input"
 * and "target", both int32 (T,N). time is `steps`, or the longest run when that is shorter. ids is copied. Needs at
 * least streams * 2 units: else an error that says how many there are. */
EG_API eg_status eg_text_streams(const int32_t *ids, size_t n, int streams, int steps, int32_t ignore,
	eg_text_dataset **dataset, eg_error *err);
/* The same over samples of their own: text sample j is ids[starts[j]] .. ids[starts[j+1]-1]. The set has `count`
 * samples: sample i is text sample items[i], or, with items NULL, i (starts then has count + 1 entries). Input: the end
 * mark, then the sample; target: the sample, then the end mark; padded with end and `ignore`. So a sample of n units
 * has n + 1 steps and as many predictions. Samples of more than `longest` units are an error that names the sample, or,
 * with cut, are cut behind so many: their last target is then the unit that follows, not the end mark. What is needed
 * is copied. */
EG_API eg_status eg_text_samples(const int32_t *ids, const size_t *starts, const uint32_t *items, int64_t count, int end,
	int longest, bool cut, int32_t ignore, eg_text_dataset **dataset, eg_error *err);
EG_API const eg_dataset *eg_text_dataset_get(const eg_text_dataset *d);
/* The numbers that it is made of, *n of them, one sample behind the other. */
EG_API const int32_t *eg_text_dataset_ids(const eg_text_dataset *d, size_t *n);
EG_API void eg_text_dataset_free(eg_text_dataset *d);

#ifdef __cplusplus
}
#endif

#endif

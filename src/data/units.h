/* units.h - units of texts in hash tables, and how often each occurs: what vocabularies (vocab.c) and the learning of
 * subwords (subword.c) are made with. */
#ifndef ENGRAM_DATA_UNITS_H
#define ENGRAM_DATA_UNITS_H

#include "base/base.h"
#include "engram_text.h"

typedef struct eg_unit_span {
	const char *s;
	uint32_t size;
	int64_t count; /* how often it occurs; used while building */
} eg_unit_span;

/* The slot that holds the unit, or the free one (-1) where it belongs. */
int32_t *eg_unit_slot(int32_t *slots, uint32_t mask, const eg_unit_span *units, const char *s, size_t size);
/* A table with room for n units, at most half full. NULL: out of memory. */
int32_t *eg_unit_slots_new(int n, uint32_t *mask);

/* Zero-initialise. The units lie where who counts has them. */
typedef struct eg_unit_counts {
	eg_unit_span *units;
	int n, cap;
	int32_t *slots;
	uint32_t mask;
} eg_unit_counts;
/* The number of the unit, which is one more then; -1: out of memory. */
int32_t eg_unit_counts_add(eg_unit_counts *c, const char *s, size_t size, int64_t times);
int32_t eg_unit_counts_find(const eg_unit_counts *c, const char *s, size_t size); /* -1: not there */
void eg_unit_counts_free(eg_unit_counts *c);

/* For qsort: by code points; by falling count, then so. */
int eg_unit_by_bytes(const void *a, const void *b);
int eg_unit_by_count(const void *a, const void *b);

/* ---- words (vocab.c) --------------------------------------------------------------------------------------------- */

/* Where words end, beside what recipes may say: as in model files of before, at all but letters, digits and
 * apostrophes. */
enum { EG_WORDS_RUNS = EG_WORDS_SPACES + 1 };
/* What recipes and model files call the units and these rules, in the order of eg_unit and EG_WORDS_...; NULL at the
 * end. */
extern const char *const eg_unit_words[], *const eg_rule_words[];
typedef struct eg_words {
	int rule;
	uint64_t dictionary; /* friso's: a checksum; 0: not known yet */
} eg_words;
/* eg_vocab_new, with this rule. */
eg_status eg_vocab_new_by(eg_unit unit, eg_words words, const char *const *tokens, const size_t *sizes, int n, int end,
	int unknown, eg_vocab **vocab, eg_error *err);
eg_words eg_vocab_words(const eg_vocab *v);

/* ---- Chinese words (friso.c) ------------------------------------------------------------------------------------- */

enum { EG_FRISO_WORDS = 400 };
typedef struct eg_friso eg_friso; /* who needs friso's dictionary; any thread may cut with it */
eg_friso *eg_friso_new(uint64_t dictionary); /* its checksum; 0: any. NULL: out of memory */
void eg_friso_free(eg_friso *f);
/* Loads the dictionary unless it is there. Says what is missing, or that it is another one. Before the first cut. */
eg_status eg_friso_open(eg_friso *f, eg_error *err);
uint64_t eg_friso_dictionary(const eg_friso *f); /* of an open one */
/* Sizes of the first words of the Chinese characters at s, some of them; returns how many. 0: none are there. Where it
 * is called again behind them it goes on as if all had been cut at once. */
int eg_friso_cut(const eg_friso *f, const char *s, size_t size, uint8_t words[EG_FRISO_WORDS]);

/* ---- subwords (subword.c) ---------------------------------------------------------------------------------------- */

/* Bytes of the piece of text at s (size > 0): a run of letters, of digits, of ideographs, of other characters, with the
 * space before it, or of spaces. No subword reaches beyond one, and none is longer than EG_UNIT_MOST bytes. */
size_t eg_subword_piece(const char *s, size_t size);

/* What is learnt beside the 256 bytes, in the order of the merging. Zero-initialise. */
typedef struct eg_subwords {
	eg_arena arena;
	eg_unit_counts learnt;
} eg_subwords;
void eg_subwords_free(eg_subwords *w);
/* At most `most` of them. */
eg_status eg_subwords_learn(eg_subwords *w, const char *text, size_t size, int most, eg_error *err);

/* Numbers of the subwords of one piece of n bytes (1..EG_UNIT_MOST), by a table over all units, whose bytes begin at
 * number `bytes`; returns how many. ids has room for n. */
size_t eg_subword_cut(int32_t *slots, uint32_t mask, const eg_unit_span *units, int bytes, const char *s, size_t n,
	int32_t *ids);

#endif

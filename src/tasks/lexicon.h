/* lexicon.h - names with numbers: classes, tags, tokens. A hash table over texts that the table keeps. */
#ifndef ENGRAM_TASKS_LEXICON_H
#define ENGRAM_TASKS_LEXICON_H

#include "base/base.h"

/* Zero-initialise. */
typedef struct eg_lexicon {
	eg_arena arena;
	const char **at; /* n of them, zero-terminated */
	int64_t *count;  /* how often each was put */
	int n, cap, cap_count;
	int32_t *slots;
	uint32_t mask;
} eg_lexicon;

void eg_lexicon_free(eg_lexicon *t);
int eg_lexicon_find(const eg_lexicon *t, const char *name); /* -1: not there */
/* The number of the name, which is put at the end when it is new; -1: out of memory. */
int eg_lexicon_put(eg_lexicon *t, const char *name);
/* Sorts by falling count, then by bytes, and keeps those that were put `least` times and `most` of them (0: all).
 * false: out of memory. */
bool eg_lexicon_rank(eg_lexicon *t, int64_t least, int most);

#endif

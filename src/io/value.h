/* value.h - how a tree of values (engram_value.h) lies in memory, and the growing text that its writers share.
 *
 * value.c builds and reads trees, value_json.c and value_text.c write them, json.c reads JSON. */
#ifndef ENGRAM_IO_VALUE_H
#define ENGRAM_IO_VALUE_H

#include "base/base.h"
#include "engram_value.h"

/* Limits that keep hostile JSON from taking all memory or the whole stack. Builders keep to the depth too. A value
 * takes up to some 140 bytes besides its text, and 350 more while it is read. */
enum { EG_VALUE_DEPTH = 200, EG_VALUE_NODES = 1 << 20, EG_VALUE_BYTES = 64 << 20 };

/* ---- value.c ----------------------------------------------------------------------------------------------------- */

typedef struct eg_value_root eg_value_root;

typedef struct eg_value_chars { /* a text: may hold zeros, and has one more behind */
	size_t size;
	char bytes[];
} eg_value_chars;

/* What a list or a map holds. It is no part of the node, so that a node can take the place of another. */
typedef struct eg_value_inside {
	eg_value_root *root;
	eg_value *first, *last;
	int64_t count;
	eg_value **slots; /* of a map with many keys: a hash table of its nodes, linear probing; NULL: none */
	size_t nslots;    /* a power of two */
	int depth;        /* of the root: 0 */
} eg_value_inside;

struct eg_value {
	uint8_t kind, show;
	eg_value_inside *in; /* where it stands; NULL: it is a root */
	eg_value *next;
	const char *key, *unit;
	union {
		bool yes;
		int64_t whole;
		double number;
		eg_value_chars *text;
		eg_value_inside *inside;
	} as;
};

struct eg_value_root {
	eg_value value; /* the first member: who has the one has the other */
	eg_value_inside inside;
	eg_arena arena; /* of everything but this */
	bool failed;    /* something that was put is not there */
};

/* ---- value_json.c ------------------------------------------------------------------------------------------------ */

/* A text that grows; zero-initialise. `data` has a zero behind and is released with free(). */
typedef struct eg_value_out {
	char *data;
	size_t size, room;
	bool failed; /* out of memory at some point: data is no more */
	bool exact;  /* numbers that were floats are doubles like all others */
	bool dense;  /* no blanks behind commas and colons */
	int indent;  /* each entry begins a line, and this many blanks for each level; 0: all is one line */
	int level;
} eg_value_out;
void eg_value_out_put(eg_value_out *o, const char *bytes, size_t size);
void eg_value_out_text(eg_value_out *o, const char *text);
/* JSON: a text; and a map or list: open, next before each entry (key NULL: of a list), close. */
void eg_value_out_quoted(eg_value_out *o, const char *text, size_t size);
void eg_value_out_open(eg_value_out *o, bool map);
void eg_value_out_next(eg_value_out *o, bool first, const char *key);
void eg_value_out_close(eg_value_out *o, bool map, bool empty);
/* eg_value_json for files: every number reads back as the very same double. */
eg_status eg_value_json_exact(const eg_value *v, char **text, size_t *size, eg_error *err);
/* Hands the text over; EG_ERR_MEMORY: there was no memory for all of it, and *text is NULL. size may be NULL. */
eg_status eg_value_out_take(eg_value_out *o, char **text, size_t *size, eg_error *err);

#endif

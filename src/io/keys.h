/* keys.h - typed reading of maps by tables: one line of a table says a key's name, type, range, place in a struct and
 * meaning. The recipe's sections, the layers' attributes, settings and the JSON Schema all use such tables. */
#ifndef ENGRAM_KEYS_H
#define ENGRAM_KEYS_H

#include "io/tree.h"

#include <float.h>

typedef enum eg_key_type {
	EG_KEY_INT,     /* int */
	EG_KEY_INT64,   /* int64_t: counts and limits */
	EG_KEY_U64,     /* uint64_t */
	EG_KEY_FLOAT,   /* float */
	EG_KEY_DOUBLE,  /* double */
	EG_KEY_BOOL,    /* bool */
	EG_KEY_NOT,     /* bool that holds the opposite */
	EG_KEY_INTS,    /* int[count]; one number fills all */
	EG_KEY_ENUM,    /* int, an index into names */
	EG_KEY_STRING,  /* const char * */
	EG_KEY_NUMBERS, /* eg_numbers: a number or a list of them; at most `count`, where that is not 0 */
	EG_KEY_INT_LIST,   /* eg_ints: a whole number or a list of them, likewise */
	EG_KEY_FLOAT_LIST, /* eg_floats, likewise */
	EG_KEY_STRINGS, /* eg_strings: a list of texts, likewise */
	EG_KEY_MAPS,    /* a list of maps of the keys of variants[0]: read by who knows them; not stored */
	EG_KEY_MAP,     /* a map of the keys of variants[0], read into the struct that begins at `offset` */
	EG_KEY_CHOICE   /* a word, or {word: attributes}: read by eg_choice_read; not stored */
} eg_key_type;

/* Zero: the key is not there. In the arena of who reads. */
typedef struct eg_numbers {
	double *at;
	int n;
} eg_numbers;
typedef struct eg_strings {
	const char **at;
	int n;
} eg_strings;

typedef struct eg_variant eg_variant;

typedef struct eg_key {
	const char *name;
	eg_key_type type;
	int count;                /* EG_KEY_INTS: how many; of lists: at most so many; 0: any */
	size_t offset;            /* in the struct that is filled */
	double min, max;          /* inclusive; EG_ABOVE_0 and EG_BELOW_1 stand for open ends */
	const char *const *names; /* EG_KEY_ENUM: NULL-terminated */
	bool required;
	bool one_will_do;         /* EG_KEY_STRINGS: a single text need not be in a list */
	bool by_field;            /* may be a map of such values by the names of fields, where their reader looks */
	bool zero_is_default; /* in the struct: a 0 that was said becomes EG_ZERO or EG_ZERO_F there */
	double def;           /* for the schema and messages; NAN: none */
	const char *doc;
	const eg_variant *variants; /* EG_KEY_CHOICE: ends with a NULL name; NULL: known at run time. EG_KEY_MAP: one */
} eg_key;

#define EG_ABOVE_0 DBL_MIN
#define EG_BELOW_1 (1 - DBL_EPSILON)

/* One of several things to choose from: `adam`, or `adam: {lr: 0.001}`. */
struct eg_variant {
	const char *name;
	int value;
	const eg_key *keys;
	int nkeys;
	const char *doc;
};

eg_key eg_key_of_attr(const eg_attr *a);

typedef struct eg_key_table {
	const eg_key *keys;
	int n;
} eg_key_table;

/* A table of keys and the struct that they are read into. What is not given stays as the caller has set it. */
typedef struct eg_key_set {
	const eg_key *keys;
	int n;
	void *out;
} eg_key_set;

/* Reads one value into `out` (the struct). `where` is what the messages call its place: "layer 'conv'", "'train'". */
eg_status eg_key_read(
	eg_arena *arena, const eg_key *key, const eg_tree *value, void *out, const char *where, eg_error *err);
/* Reads all entries of `map` (NULL, or a scalar that says nothing: none) by all tables at once: a key that stands in
 * two is read into both. Unknown and missing keys are errors, these at `place`. */
eg_status eg_keys_read(eg_arena *arena, const eg_tree *map, const eg_tree *place, const eg_key_set *sets, int nsets,
	const char *where, eg_error *err);
/* Settings "key=value", the value YAML, NULL-terminated, by the same tables: for command lines and C callers. NULL:
 * none. Of two for one key the later counts; "a.b=1" sets b in the map a. Texts lie in the arena. */
eg_status eg_settings_read(eg_arena *arena, const char *const *settings, const eg_key_set *sets, int nsets,
	const char *where, eg_error *err);
/* "unknown key 'fliters' in layer 'conv'; did you mean 'filters'?" at t's key. */
eg_status eg_keys_unknown(const eg_tree *t, const char *const *names, int n, const char *where, eg_error *err);
/* "no WHAT 'word'; did you mean 'x'?", or the list of those there are. At t. */
eg_status eg_keys_no_such(
	const eg_tree *t, const char *word, const char *what, const char *const *names, int n, eg_error *err);
/* The word and attributes (NULL: none) of a choice; *at is where the word stands, for eg_tree_fail. */
eg_status eg_choice_read(const eg_tree *t, const char *what, const char **word, const eg_tree **attrs, eg_error *err);

#endif

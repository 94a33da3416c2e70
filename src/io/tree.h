/* tree.h - what a YAML or JSON text says, as a tree in which every node knows where it was written. Recipes, the
 * headers of safetensors files and the JSON Schema all go through it.
 *
 * yaml.c and json.c read and write it (and are the only files that know libyaml and jansson); tree.c searches and
 * builds it. Not here: any meaning. Nodes live in an arena and are never freed one by one. */
#ifndef ENGRAM_TREE_H
#define ENGRAM_TREE_H

#include "base/base.h"

typedef enum eg_tree_kind { EG_TREE_SCALAR, EG_TREE_LIST, EG_TREE_MAP } eg_tree_kind;

typedef struct eg_tree eg_tree;
struct eg_tree {
	eg_tree_kind kind;
	bool quoted;              /* a scalar in quotes: text, whatever it looks like */
	const char *text;         /* of a scalar; never NULL there */
	const char *key;          /* in a map */
	const char *source;       /* file, or "--set a.b=c" */
	int line, column;         /* from 1; 0: no place in a text */
	int key_line, key_column; /* of the key; 0: none */
	int begin, end;           /* where it stands, in characters from the text's beginning; both 0: nowhere */
	eg_tree *first, *last, *next;
	int count; /* of a list or map */
};

/* Limits that keep hostile text small: depth of nesting, nodes in all (aliases count as what they stand for), bytes. */
enum { EG_TREE_DEPTH = 40, EG_TREE_NODES = 20000, EG_TREE_BYTES = 1 << 20 };
/* Of JSON, which programs write: a model's header has some ten nodes for each tensor. A node takes about 130 bytes,
 * and up to 350 more while it is read. */
enum { EG_JSON_NODES = 250000 };

/* ---- tree.c: searching ------------------------------------------------------------------------------------------- */

eg_tree *eg_tree_get(const eg_tree *map, const char *key);    /* NULL: none, or `map` is no map (or NULL) */
eg_tree *eg_tree_at(const eg_tree *list, int i);              /* NULL: none */
/* What one part of a path names: a key, or the number of a list element; NULL: nothing. */
eg_tree *eg_tree_child(const eg_tree *t, const char *name, size_t length);
eg_tree *eg_tree_find(const eg_tree *root, const char *path); /* "a.b.0.c"; NULL: none */

/* A scalar's value. Numbers as in YAML 1.2's core schema ([+-] digits, one point, exponent), finite; independent of the
 * locale. */
bool eg_tree_number(const eg_tree *t, double *v);
bool eg_tree_integer(const eg_tree *t, int64_t *v);
bool eg_tree_bool(const eg_tree *t, bool *v); /* true and false */
bool eg_tree_is_nothing(const eg_tree *t);    /* NULL, or an empty, ~ or null scalar without quotes */
bool eg_tree_is_string(const eg_tree *t);     /* a scalar that is quoted, or neither number, true, false nor null */
/* "a map", "a list", "the number 3", "'abc'": for "expected ..., got ...". Returns buf. */
const char *eg_tree_describe(const eg_tree *t, char *buf, size_t size);

/* The shortest text that reads back as the same number. Returns buf. */
enum { EG_TREE_NUMBER = 64 };
char *eg_tree_shortest(char buf[EG_TREE_NUMBER], double v);
/* Makes the locale's decimal point in a number that printf wrote into a point. Returns it. */
char *eg_tree_point(char *number);

/* Messages that begin with the place: "FILE:LINE:COLUMN: ", or the override. `_key` means the place of the key. */
eg_status eg_tree_fail(eg_error *err, const eg_tree *t, eg_status status, const char *fmt, ...) EG_PRINTF(4, 5);
eg_status eg_tree_fail_key(eg_error *err, const eg_tree *t, eg_status status, const char *fmt, ...) EG_PRINTF(4, 5);
void eg_tree_prefix(eg_error *err, const eg_tree *t); /* puts the place before the message already there */

/* ---- tree.c: building -------------------------------------------------------------------------------------------- */
/* NULL in gives NULL out, so that out of memory is checked once, at the end: a failed append marks the arena's user. */

typedef struct eg_tree_builder {
	eg_arena *arena;
	const char *source;
	bool failed; /* out of memory at some point */
} eg_tree_builder;

eg_tree *eg_tree_new(eg_tree_builder *b, eg_tree_kind kind);
void eg_tree_append(eg_tree *parent, eg_tree *child); /* to a list, or to a map when child->key is set */
eg_tree *eg_tree_map(eg_tree_builder *b, eg_tree *parent, const char *key); /* new map in a map (key) or list (NULL) */
eg_tree *eg_tree_list(eg_tree_builder *b, eg_tree *parent, const char *key);
void eg_tree_string(eg_tree_builder *b, eg_tree *parent, const char *key, const char *text);
void eg_tree_literal(eg_tree_builder *b, eg_tree *parent, const char *key, const char *text); /* true, false, null */
void eg_tree_put_int(eg_tree_builder *b, eg_tree *parent, const char *key, int64_t v);
void eg_tree_put_double(eg_tree_builder *b, eg_tree *parent, const char *key, double v); /* not finite: a string */
eg_tree *eg_tree_copy(eg_tree_builder *b, const eg_tree *t, int *budget); /* NULL also when *budget nodes are used up */

/* ---- yaml.c ------------------------------------------------------------------------------------------------------ */

/* The one document in `text` (UTF-8). Duplicate keys, aliases that grow too much, tags and several documents are
 * refused. */
eg_status eg_yaml_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err);
/* Block style down to the lists of the top level's values, flow style below; ends with a newline. *text is in the
 * arena. */
eg_status eg_yaml_write(eg_arena *arena, const eg_tree *root, const char **text, eg_error *err);

/* Applies "a.b.c=value": `value` is YAML; maps on the way are made when missing; `name` alone stands for {name: {}}
 * on the way (optimizer: adam, then --set train.optimizer.adam.lr=1). List elements are named by number. Messages
 * about it begin with `prefix` and the assignment: "--set a.b.c=value: ...". */
eg_status eg_yaml_set(
	eg_tree_builder *b, eg_tree *root, const char *prefix, const char *assignment, eg_error *err);

/* ---- json.c ------------------------------------------------------------------------------------------------------ */

/* A map or a list. Duplicate keys are refused; so are numbers that do not fit into int64 or double, and \u0000. */
eg_status eg_json_parse(
	eg_arena *arena, const char *text, size_t size, const char *source, eg_tree **root, eg_error *err);
/* Compact, or with line breaks and `indent` spaces. Keys in the order they were added. More than can be read again is
 * refused. *text is in the arena. */
eg_status eg_json_write(eg_arena *arena, const eg_tree *root, int indent, const char **text, eg_error *err);

#endif

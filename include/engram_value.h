/* engram_value.h - values as trees: what a model answers, what a model file keeps of its task, what the program
 * shows and writes as JSON. Part of libengram_io.
 *
 * A tree has one owner, its root: eg_value_free(root) releases all of it. Whoever builds one checks for lack of
 * memory once, at the end (eg_value_whole): a function that is given NULL for its parent does nothing and returns
 * NULL. A tree is used by one caller at a time; reading one from many threads is fine. Texts, keys and units are
 * copied; in each, what is not UTF-8 becomes U+FFFD. */
#ifndef ENGRAM_VALUE_H
#define ENGRAM_VALUE_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_value eg_value;

typedef enum eg_value_kind {
	EG_VALUE_NULL,
	EG_VALUE_BOOL,
	EG_VALUE_INT,
	EG_VALUE_NUMBER, /* a double; not finite: null in JSON */
	EG_VALUE_TEXT,
	EG_VALUE_LIST,
	EG_VALUE_MAP     /* keys in the order in which they were put */
} eg_value_kind;

/* ---- building ---------------------------------------------------------------------------------------------------- */

/* A root: EG_VALUE_LIST or EG_VALUE_MAP, empty. NULL: out of memory. */
EG_API eg_value *eg_value_new(eg_value_kind kind);
EG_API void eg_value_free(eg_value *root);
/* Empties a root, which keeps its memory for what is put next; what was in it is gone. */
EG_API void eg_value_clear(eg_value *root);
/* Was there memory for everything that was put? Of NULL: no. Nor was there when something was put where it cannot
 * be: into what is no list or map, into a map without a key, into a list with one, or more than 200 lists and maps
 * deep. */
EG_API bool eg_value_whole(const eg_value *root);

/* Each puts a value behind what its parent holds and returns it. `key`: in a map; NULL in a list. Putting a key twice
 * replaces the value, in its place; memory for the old one comes back with clear and free only. text NULL: null. */
EG_API eg_value *eg_value_put_null(eg_value *parent, const char *key);
EG_API eg_value *eg_value_put_bool(eg_value *parent, const char *key, bool v);
EG_API eg_value *eg_value_put_int(eg_value *parent, const char *key, int64_t v);
EG_API eg_value *eg_value_put_number(eg_value *parent, const char *key, double v);
EG_API eg_value *eg_value_put_text(eg_value *parent, const char *key, const char *text);
/* Any bytes, zeros too. */
EG_API eg_value *eg_value_put_bytes(eg_value *parent, const char *key, const char *text, size_t size);
EG_API eg_value *eg_value_put_list(eg_value *parent, const char *key);
EG_API eg_value *eg_value_put_map(eg_value *parent, const char *key);
/* With all that is in v, and its marks; v may be of the same tree. NULL: null. */
EG_API eg_value *eg_value_put_copy(eg_value *parent, const char *key, const eg_value *v);

/* ---- how people are shown it (eg_value_print) -------------------------------------------------------------------- */

typedef enum eg_show {
	EG_SHOW_SHARE = 1,       /* a number 0..1, in percent, with at most two decimals: 98.1 % */
	EG_SHOW_PROBABILITY = 2, /* likewise, but "> 99.99 %" and "< 0.01 %" at the ends: a network is never certain */
	EG_SHOW_STRONG = 4,      /* in bold where there is such a thing */
	EG_SHOW_NOT = 8,         /* for programs only */
	EG_SHOW_BOX = 16         /* a list of left, upper, right, lower: "60 x 72 at 114, 33", in whole numbers */
} eg_show;
/* Marks a value; `unit` is shown behind a number ("s"), NULL: none. Returns v. JSON shows neither. */
EG_API eg_value *eg_value_mark(eg_value *v, int show, const char *unit);

/* ---- reading ----------------------------------------------------------------------------------------------------- */
/* v may be NULL everywhere: then it is null, has no children, and so on. */

EG_API eg_value_kind eg_value_kind_of(const eg_value *v);
EG_API int eg_value_marks(const eg_value *v);
EG_API const char *eg_value_unit(const eg_value *v); /* NULL: none */
EG_API const char *eg_value_key(const eg_value *v);  /* in its map; NULL: it is in none */
EG_API int64_t eg_value_count(const eg_value *v);    /* of a list or map; else 0 */
EG_API const eg_value *eg_value_first(const eg_value *v);
EG_API const eg_value *eg_value_next(const eg_value *v); /* its neighbour in list or map */
EG_API const eg_value *eg_value_at(const eg_value *list, int64_t i);          /* NULL: none. Walks the list */
EG_API const eg_value *eg_value_get(const eg_value *map, const char *key);    /* NULL: none */
EG_API const char *eg_value_text(const eg_value *v);                          /* NULL: it is no text */
EG_API size_t eg_value_text_size(const eg_value *v);
EG_API bool eg_value_bool(const eg_value *v, bool otherwise);
/* An int, or a number that is whole; a number, or an int. */
EG_API int64_t eg_value_int(const eg_value *v, int64_t otherwise);
EG_API double eg_value_number(const eg_value *v, double otherwise);
/* In kinds and contents; keys in any order, marks aside. */
EG_API bool eg_value_same(const eg_value *a, const eg_value *b);

/* ---- texts ------------------------------------------------------------------------------------------------------- */

/* JSON in one line, "{"a": 1, "b": [true, null]}"; a number with so many digits that it reads back as the same, of
 * those that were floats once with as many as a float needs. A number that is whole may be written like an
 * int, and reads back as one then. *text is the caller's, to be released with free(); size may be NULL. v NULL:
 * null. */
EG_API eg_status eg_value_json(const eg_value *v, char **text, size_t *size, eg_error *err);
/* Reads JSON: a map or a list (EG_ERR_FORMAT: anything else, two things, a key twice, not UTF-8, a number that is no
 * int64 or double, more than 200 deep, more than 2^20 values or 64 MiB: with `name`, line and column). *root
 * is NULL on failure. */
EG_API eg_status eg_value_parse(const char *text, size_t size, const char *name, eg_value **root, eg_error *err);

/* A line for people, without a line end. Of a map the values that are not marked EG_SHOW_NOT, two spaces apart: a
 * bool that is true as "(key)", a false one not at all; null, and a number that is not finite, as "-"; a list of
 * plain values side by side, one space apart; of maps two spaces apart, their values one space apart; of a map
 * inside of a map, its values as "key: value". What shows nothing (an empty text or list) takes no space.
 * `strong_on` and `strong_off` (NULL: nothing) stand around what is marked EG_SHOW_STRONG. Control characters become
 * '?'. *text as above.
 *
 * {"class": "boot", "classes": [{"class": "boot", "probability": 0.981}, {"class": "sandal", "probability": 0.012}],
 * "inverted": true}, with the first class marked EG_SHOW_NOT and the probabilities EG_SHOW_PROBABILITY, is shown as
 * boot 98.1 %  sandal 1.2 %  (inverted) */
EG_API eg_status eg_value_print(
	const eg_value *v, const char *strong_on, const char *strong_off, char **text, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif

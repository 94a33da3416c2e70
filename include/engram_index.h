/* engram_index.h - embeddings that are looked through for the nearest: exactly, all of them, with every thread. Part of
 * libengram_io.
 *
 * An index is made in memory and written to a file (safetensors), or is such a file, mapped, so that it is looked
 * through without being read first. Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_INDEX_H
#define ENGRAM_INDEX_H

#include "engram_io.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eg_distance {
	EG_DISTANCE_COSINE,   /* 1 less the cosine of the angle: 0 to 2 */
	EG_DISTANCE_EUCLIDEAN /* length of the difference */
} eg_distance;
EG_API const char *const *eg_distance_names(void); /* NULL-terminated, in that order */

typedef struct eg_index eg_index;

/* What was found: entry `item`, so far away. */
typedef struct eg_hit {
	int64_t item;
	float distance;
} eg_hit;

/* An empty index of embeddings of `width` numbers. threads: that look through it; 0: all processors. */
EG_API eg_status eg_index_new(int width, eg_distance distance, int threads, eg_index **index, eg_error *err);
EG_API void eg_index_free(eg_index *x); /* NULL is allowed */
/* Takes an embedding over as the next entry. With EG_DISTANCE_COSINE its length becomes 1. id: what it is called, a
 * path; class NULL: none. EG_ERR_NUMERIC: it holds a number that is none, or, with EG_DISTANCE_COSINE, only zeros;
 * nothing is added. An index from a file is closed: EG_ERR_ARG. */
EG_API eg_status eg_index_add(eg_index *x, const float *embedding, const char *id, const char *class_name, eg_error *err);
/* Could eg_index_add take it? */
EG_API bool eg_index_fits(const eg_index *x, const float *embedding);
EG_API int64_t eg_index_count(const eg_index *x);
EG_API int eg_index_width(const eg_index *x);
EG_API eg_distance eg_index_distance(const eg_index *x);
EG_API const char *eg_index_id(const eg_index *x, int64_t i);    /* 0 <= i < count; so below */
EG_API const char *eg_index_class(const eg_index *x, int64_t i); /* NULL: none */

/* A text that is kept with it, such as the model it was made with; a NULL value forgets it. */
EG_API eg_status eg_index_keep(eg_index *x, const char *key, const char *value, eg_error *err);
EG_API const char *eg_index_kept(const eg_index *x, const char *key); /* NULL: none */

/* Keeps which model its embeddings come from, the path and a number of its weights; are these the same? EG_ERR_ARG:
 * no. */
EG_API eg_status eg_index_keep_model(eg_index *x, eg_model *m, const char *path, eg_error *err);
EG_API eg_status eg_index_check_model(const eg_index *x, eg_model *m, eg_error *err);

/* Writes atomically. */
EG_API eg_status eg_index_save(const eg_index *x, const char *path, eg_error *err);
/* Everything is checked but the embeddings' numbers, which are not read yet: an entry with numbers that are none is
 * never found. A file that is no index, or a damaged one, is EG_ERR_FORMAT. The file must not change as long as the
 * index is there. */
EG_API eg_status eg_index_open(const char *path, int threads, eg_index **index, eg_error *err);

/* The k nearest entries of each of n queries (n, width), the nearest first and, among equals, the first entry first:
 * hits[i * k ...], found[i] of them (fewer than k where there are not so many). but (may be NULL): but[i] is an entry
 * that is passed over for query i, such as the query itself; -1: none. EG_ERR_NUMERIC: as eg_index_add. */
EG_API eg_status eg_index_nearest(eg_index *x, const float *queries, int n, const int64_t *but, int k, eg_hit *hits,
	int *found, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif

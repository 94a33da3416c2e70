/* bags.h - texts as bags of features: which units, and which pairs of neighbours, are in each; how often, and in which
 * order, does not count (bags.c). */
#ifndef ENGRAM_FLOORS_BAGS_H
#define ENGRAM_FLOORS_BAGS_H

#include "floors/floors.h"

/* Features with numbers, in the order in which they were met. Zero-initialise, but for `pairs`. */
typedef struct eg_features {
	bool pairs;
	int n;
	uint64_t *keys; /* of each: a unit, or two */
	int cap, cap_seen;
	int32_t *slots; /* hash table of numbers; -1: free */
	uint32_t mask;
	int64_t *seen;  /* of each: the text that was looked at last */
	int64_t texts;
} eg_features;

/* All texts of a part: features of text i are feature[start[i]] .. feature[start[i + 1] - 1], each once. */
typedef struct eg_bags {
	int64_t n;
	size_t *start;
	int32_t *feature, *label;
	size_t size, room;
} eg_bags;

/* Does the floor get texts, or tokens, that have a class? */
bool eg_floor_reads_units(const eg_floor *f);
/* Tokens alone, each of which has a tag? */
bool eg_floor_tags_units(const eg_floor *f);
/* Reads all texts; the features that they have become known. */
eg_status eg_bags_read(eg_bags *b, eg_features *x, const eg_floor *f, const eg_floor_part *p, eg_error *err);
void eg_bags_free(eg_bags *b);
/* Features of text i of the batch that are known, into `out`, which has room for 2 * batch->time. Returns how many. */
int eg_features_of(eg_features *x, const eg_floor_batch *batch, int i, int32_t *out);
void eg_features_free(eg_features *x);
/* The number of one feature, put at the end when it is new; -1: out of memory. And of one that may be known; -1: it is
 * not. */
int eg_features_put(eg_features *x, uint64_t key);
int eg_features_find(const eg_features *x, uint64_t key);
/* Unit `id`, or, with the unit before it (else -1), a pair. */
uint64_t eg_feature_key(int32_t before, int32_t id);

#endif

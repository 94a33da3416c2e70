/* bags.h - texts as bags of features: which units, which pairs of neighbours and which runs of letters are in each; how
 * often, and in which order, does not count (bags.c, letters.c); and linear models of them (bag_model.c). */
#ifndef ENGRAM_FLOORS_BAGS_H
#define ENGRAM_FLOORS_BAGS_H

#include "floors/floors.h"
#include "tasks/companion.h"

/* What is in a text, all that is there, in its order: a feature by its key, and the unit t that it belongs to, or with
 * the one before it. */
typedef struct eg_occurrence {
	uint64_t key;
	int unit;
	bool two;
} eg_occurrence;
typedef struct eg_occurrences {
	eg_occurrence *at;
	int n, cap;
	size_t *starts; /* room of letters.c: where units begin */
	int room;
} eg_occurrences;

/* Features with numbers, in the order in which they were met. Zero-initialise, but for what there is beside units. */
typedef struct eg_features {
	bool pairs, letters;
	int n;
	uint64_t *keys; /* of each: a unit, or two, or a run of letters */
	int cap, cap_seen;
	int32_t *slots; /* hash table of numbers; -1: free */
	uint32_t mask;
	int64_t *seen;  /* of each: the text that was looked at last */
	int64_t texts;
	eg_occurrences list; /* of the text that was looked at last, */
	int32_t *found;      /* and its features, each once */
	int cap_found;
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
/* Does it get texts that are cut into words, which have letters? */
bool eg_floor_reads_words(const eg_floor *f);
eg_bag_text eg_bag_text_of(const eg_floor_batch *batch, int i);
/* Features of a text that are known (or become so, where they are learnt), into x->found. Returns how many; -1: out of
 * memory. */
int eg_features_of(eg_features *x, eg_bag_text text, bool learn);
/* All that is in a text, into x->list; false: out of memory. */
bool eg_features_list(eg_features *x, eg_bag_text text);
void eg_features_free(eg_features *x);
/* The number of one feature, put at the end when it is new; -1: out of memory. And of one that may be known; -1: it is
 * not. */
int eg_features_put(eg_features *x, uint64_t key);
int eg_features_find(const eg_features *x, uint64_t key);
/* Unit `id`, or, with the unit before it (else -1), a pair. */
uint64_t eg_feature_key(int32_t before, int32_t id);
bool eg_occurrences_add(eg_occurrences *list, uint64_t key, int unit, bool two);
void eg_occurrences_free(eg_occurrences *list);
/* letters.c: adds the runs of letters of a text's words; false: out of memory. */
bool eg_letters_list(eg_occurrences *list, eg_bag_text text);

/* ---- linear models (bag_model.c) --------------------------------------------------------------------------------- */

/* The score of class k is its constant and what each feature of the text adds, which is divided by the root of their
 * number where it is `rooted`. Zero-initialise. */
typedef struct eg_bag_model {
	eg_features features;
	int classes;
	bool rooted;
	double *w; /* [feature][class], then the constants [class] */
	double *scores;
} eg_bag_model;

/* Zeros for the features that are known by now; false: out of memory. */
bool eg_bag_model_make(eg_bag_model *m, int classes);
/* Scores of n features, as the logarithms of probabilities. */
void eg_bag_model_score(const eg_bag_model *m, const int32_t *feature, size_t n, double *log_p);
/* Those of a text, into m->scores; false: out of memory. */
bool eg_bag_model_read(eg_bag_model *m, eg_bag_text text);
/* What each unit of a text adds to the score of class k, onto each[0..n-1]: of a pair one half each, of a feature that
 * is there several times equal parts, of runs of letters what is its own. */
bool eg_bag_model_add_units(eg_bag_model *m, eg_bag_text text, int k, double *each);
/* The `say` of a floor that is one. */
eg_status eg_bag_model_say(eg_floor *f, eg_bag_model *m, const eg_floor_batch *b, eg_said *said, eg_error *err);
void eg_bag_model_free(eg_bag_model *m);

#endif

/* split.c - cutting records in two, class by class, and never through a group.
 *
 * What is cut are units: records, or groups of them. The units of each class are shuffled, and taken from the front.
 * Not here: cutting a text that is one stream (src/tasks). */
#include "data/split.h"
#include "engram_train.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES_MOST = 1000000 };

typedef struct cutting {
	const eg_split_of *of;
	uint32_t *unit_of; /* of each record */
	uint32_t *size;    /* of each unit, in records */
	int32_t *label;    /* of each unit */
	uint32_t *order;   /* the units, class by class, each shuffled */
	uint32_t *scratch; /* count */
	bool *second;      /* of each unit */
	uint32_t n;        /* units */
	int32_t classes;
} cutting;

static void free_cutting(cutting *c) {
	eg_release(NULL, c->unit_of);
	eg_release(NULL, c->size);
	eg_release(NULL, c->label);
	eg_release(NULL, c->order);
	eg_release(NULL, c->scratch);
	eg_release(NULL, c->second);
}

static eg_status new_cutting(cutting *c, const eg_split_of *of, eg_error *err) {
	size_t n = (size_t)of->count;
	*c = (cutting){.of = of, .classes = 1};
	if (of->count < 1 || of->count > UINT32_MAX)
		return eg_fail(err, EG_ERR_ARG, "a data set of %lld samples cannot be split", (long long)of->count);
	for (int64_t i = 0; of->labels && i < of->count; i++) {
		if (of->labels[i] < 0 || of->labels[i] >= CLASSES_MOST)
			return eg_fail(err, EG_ERR_ARG,
			        "sample %lld has label %d; a split by class needs labels 0 to %d", (long long)i,
			        of->labels[i], CLASSES_MOST - 1);
		if (of->labels[i] >= c->classes) c->classes = of->labels[i] + 1;
	}
	c->unit_of = eg_calloc(NULL, n, sizeof *c->unit_of);
	c->size = eg_calloc(NULL, n, sizeof *c->size);
	c->label = eg_calloc(NULL, n, sizeof *c->label);
	c->order = eg_calloc(NULL, n, sizeof *c->order);
	c->scratch = eg_calloc(NULL, n > (size_t)c->classes ? n : (size_t)c->classes, sizeof *c->scratch);
	c->second = eg_calloc(NULL, n, sizeof *c->second);
	if (c->unit_of && c->size && c->label && c->order && c->scratch && c->second) return EG_OK;
	free_cutting(c);
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for a split of %lld samples", (long long)of->count);
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

typedef struct entry {
	const char *group; /* NULL: of its own */
	uint32_t item;
} entry;

static int by_group(const void *a, const void *b) {
	const entry *x = a, *y = b;
	if (x->group && y->group) {
		int order = strcmp(x->group, y->group);
		if (order) return order;
	} else if (x->group || y->group) {
		return x->group ? 1 : -1;
	}
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Units are numbered by their first record, so that names of groups do not matter. */
static bool find_units(cutting *c) {
	const char *const *groups = c->of->groups;
	uint32_t count = (uint32_t)c->of->count, first = 0;
	entry *sorted = groups ? eg_calloc(NULL, count, sizeof *sorted) : NULL;
	if (groups && !sorted) return false;
	for (uint32_t i = 0; i < count; i++) c->scratch[i] = i; /* the first record of its group */
	for (uint32_t i = 0; sorted && i < count; i++) sorted[i] = (entry){groups[i], i};
	if (sorted) qsort(sorted, count, sizeof *sorted, by_group);
	for (uint32_t i = 0; sorted && i < count; i++) {
		bool same = i > 0 && sorted[i].group && sorted[i - 1].group &&
		            strcmp(sorted[i].group, sorted[i - 1].group) == 0;
		if (!same) first = sorted[i].item;
		c->scratch[sorted[i].item] = first;
	}
	eg_release(NULL, sorted);
	for (uint32_t i = 0; i < count; i++) {
		c->unit_of[i] = c->scratch[i] == i ? c->n++ : c->unit_of[c->scratch[i]];
		c->size[c->unit_of[i]]++;
	}
	return true;
}

typedef struct vote {
	uint32_t unit;
	int32_t label;
} vote;

static int by_unit(const void *a, const void *b) {
	const vote *x = a, *y = b;
	if (x->unit != y->unit) return x->unit < y->unit ? -1 : 1;
	return x->label < y->label ? -1 : x->label > y->label;
}

/* The class that most of a unit's records are of; the lowest among equals. */
static bool label_units(cutting *c) {
	const int32_t *labels = c->of->labels;
	uint32_t count = (uint32_t)c->of->count;
	if (!labels) return true;
	vote *votes = eg_calloc(NULL, count, sizeof *votes);
	if (!votes) return false;
	for (uint32_t i = 0; i < count; i++) votes[i] = (vote){c->unit_of[i], labels[i]};
	qsort(votes, count, sizeof *votes, by_unit);
	for (uint32_t i = 0, most = 0, run = 0; i < count; i++) {
		if (i == 0 || votes[i].unit != votes[i - 1].unit)
			most = 0, run = 1;
		else
			run = votes[i].label == votes[i - 1].label ? run + 1 : 1;
		if (run > most) most = run, c->label[votes[i].unit] = votes[i].label;
	}
	eg_release(NULL, votes);
	return true;
}

/* Sorts the units by class into `order` (from[k] is where class k begins) and shuffles each class, with the random
 * numbers of eg_split_stratified. */
static bool order_units(cutting *c, uint32_t **from) {
	uint32_t *at = *from = eg_calloc(NULL, (size_t)c->classes + 1, sizeof **from);
	if (!at) return false;
	for (uint32_t u = 0; u < c->n; u++) at[c->label[u] + 1]++;
	for (int32_t k = 0; k < c->classes; k++) at[k + 1] += at[k];
	memcpy(c->scratch, at, (size_t)c->classes * sizeof *at);
	for (uint32_t u = 0; u < c->n; u++) c->order[c->scratch[c->label[u]]++] = u;
	for (int32_t k = 0; k < c->classes; k++)
		eg_rng_shuffle((eg_rng){c->of->seed, eg_stream(EG_RNG_SPLIT, (uint32_t)k, 0)}, c->order + at[k],
		        at[k + 1] - at[k]);
	return true;
}

static void tell(const cutting *c, uint32_t *first, int64_t *nfirst, uint32_t *second, int64_t *nsecond) {
	*nfirst = *nsecond = 0;
	for (int64_t i = 0; i < c->of->count; i++) {
		if (c->second[c->unit_of[i]])
			second[(*nsecond)++] = (uint32_t)i;
		else
			first[(*nfirst)++] = (uint32_t)i;
	}
}

/* ---- a share ----------------------------------------------------------------------------------------------------- */

/* Units order[0..n-1] of one class: is `share` of their records nearer with the next unit than without it? */
static void take_share(cutting *c, const uint32_t *order, uint32_t n, double share) {
	double all = 0, taken = 0;
	for (uint32_t i = 0; i < n; i++) all += c->size[order[i]];
	for (uint32_t i = 0; i < n; i++) {
		double size = c->size[order[i]];
		if (taken + size / 2 > all * share) continue;
		c->second[order[i]] = true;
		taken += size;
	}
}

/* A share that is not none takes one unit at least, and leaves one: the smallest, the first among equals. */
static void take_some(cutting *c, double share) {
	uint32_t taken = 0, smallest[2] = {UINT32_MAX, UINT32_MAX};
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t u = c->order[i], *best = &smallest[c->second[u]];
		taken += c->second[u];
		if (*best == UINT32_MAX || c->size[u] < c->size[*best]) *best = u;
	}
	if (c->n < 2 || share <= 0) return;
	if (taken == 0) c->second[smallest[0]] = true;
	if (taken == c->n) c->second[smallest[1]] = false;
}

eg_status eg_split_records(const eg_split_of *s, double share, uint32_t *first, int64_t *nfirst, uint32_t *second,
	int64_t *nsecond, eg_error *err) {
	cutting c;
	uint32_t *from = NULL;
	if (!s->groups)
		return eg_split_stratified(s->labels, s->count, share, s->seed, first, nfirst, second, nsecond, err);
	if (!(share >= 0 && share < 1))
		return eg_fail(err, EG_ERR_ARG, "a validation share of %g; it must be in [0, 1)", share);
	eg_status status = new_cutting(&c, s, err);
	if (status) return status;
	bool ok = find_units(&c) && label_units(&c) && order_units(&c, &from);
	for (int32_t k = 0; k < c.classes && ok; k++) take_share(&c, c.order + from[k], from[k + 1] - from[k], share);
	if (ok) take_some(&c, share);
	if (ok) tell(&c, first, nfirst, second, nsecond);
	eg_release(NULL, from);
	free_cutting(&c);
	return ok ? EG_OK
	          : eg_fail(err, EG_ERR_MEMORY, "out of memory for a split of %lld samples", (long long)s->count);
}

/* ---- folds ------------------------------------------------------------------------------------------------------- */

typedef struct ranked {
	uint32_t size, place, unit;
} ranked;

static int largest_first(const void *a, const void *b) {
	const ranked *x = a, *y = b;
	if (x->size != y->size) return x->size > y->size ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Each unit goes to the fold with the fewest records of its class, among equals that with the fewest in all, then
 * the first: the larger units of a class before the smaller ones. sums: of each fold, the records of this class,
 * then those of all. */
static void take_fold(
	cutting *c, ranked *units, const uint32_t *order, uint32_t n, int fold, int folds, uint32_t *sums) {
	uint32_t *in_class = sums, *in_all = sums + folds;
	memset(in_class, 0, (size_t)folds * sizeof *in_class);
	for (uint32_t i = 0; i < n; i++) units[i] = (ranked){c->size[order[i]], i, order[i]};
	qsort(units, n, sizeof *units, largest_first);
	for (uint32_t i = 0; i < n; i++) {
		int best = 0;
		for (int f = 1; f < folds; f++)
			if (in_class[f] < in_class[best] || (in_class[f] == in_class[best] && in_all[f] < in_all[best]))
				best = f;
		in_class[best] += units[i].size;
		in_all[best] += units[i].size;
		c->second[units[i].unit] = best == fold;
	}
}

eg_status eg_split_fold(const eg_split_of *s, int fold, int folds, uint32_t *first, int64_t *nfirst, uint32_t *second,
	int64_t *nsecond, eg_error *err) {
	cutting c;
	uint32_t *from = NULL, *sums = NULL;
	ranked *units = NULL;
	if (folds < 2 || fold < 0 || fold >= folds)
		return eg_fail(err, EG_ERR_ARG, "fold %d of %d: there must be 2 or more, numbered from 0", fold, folds);
	eg_status status = new_cutting(&c, s, err);
	if (status) return status;
	bool ok = find_units(&c) && label_units(&c) && order_units(&c, &from);
	if (ok) ok = (sums = eg_calloc(NULL, (size_t)folds, 2 * sizeof *sums)) != NULL;
	if (ok) ok = (units = eg_calloc(NULL, c.n, sizeof *units)) != NULL;
	bool enough = ok && c.n >= (uint32_t)folds;
	for (int32_t k = 0; k < c.classes && enough; k++)
		take_fold(&c, units, c.order + from[k], from[k + 1] - from[k], fold, folds, sums);
	if (enough) tell(&c, first, nfirst, second, nsecond);
	if (!ok)
		status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a split of %lld samples", (long long)s->count);
	else if (!enough)
		status = eg_fail(err, EG_ERR_ARG, "%lu %s cannot make %d folds: take fewer folds", (unsigned long)c.n,
		        s->groups ? "groups" : "samples", folds);
	eg_release(NULL, units);
	eg_release(NULL, sums);
	eg_release(NULL, from);
	free_cutting(&c);
	return status;
}

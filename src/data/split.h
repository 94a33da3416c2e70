/* split.h - cutting records in two: by class, and never through a group. */
#ifndef ENGRAM_DATA_SPLIT_H
#define ENGRAM_DATA_SPLIT_H

#include "base/base.h"

typedef struct eg_split_of {
	int64_t count;
	const int32_t *labels;     /* of each record, 0 and up: all classes are cut alike; NULL: there are none */
	const char *const *groups; /* of each record; NULL in it: the record is a group of its own. NULL: so are all */
	uint64_t seed;
} eg_split_of;

/* The records (their numbers, rising) that are left, and those that make up `share` of them. Without groups as
 * eg_split_stratified, bit for bit. With groups whole groups are taken, in a random order, as long as that comes
 * nearer to the share; a group counts to the class that most of its records are of. Where there are two groups and
 * the share is above 0, at least one is taken, and one is left. */
eg_status eg_split_records(const eg_split_of *s, double share, uint32_t *first, int64_t *nfirst, uint32_t *second,
	int64_t *nsecond, eg_error *err);
/* Fold `fold` (0..folds-1) of `folds` is the second part: every record is in exactly one. Folds differ by at most
 * one record, and by one of each class, or, with groups, as little as whole groups allow. EG_ERR_ARG: fewer records,
 * or groups, than folds. */
eg_status eg_split_fold(const eg_split_of *s, int fold, int folds, uint32_t *first, int64_t *nfirst, uint32_t *second,
	int64_t *nsecond, eg_error *err);

#endif

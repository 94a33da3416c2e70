/* adding.h - the adding problem as a data set that is computed, not read. */
#ifndef ENGRAM_DATA_ADDING_H
#define ENGRAM_DATA_ADDING_H

#include "base/base.h"
#include "engram_train.h"

typedef struct eg_adding eg_adding;

/* `count` samples of `steps` >= 2 steps: inputs "input" (T,N,2) and "target" (N,1). Samples are a function of seed,
 * part and their number; those of different parts have nothing to do with each other. NULL on failure. */
eg_adding *eg_adding_new(int steps, int64_t count, uint64_t seed, uint32_t part, eg_error *err);
const eg_dataset *eg_adding_get(const eg_adding *d);
void eg_adding_free(eg_adding *d);

#endif

/* index.h - which weights an index was made with, for those who have no model at hand. */
#ifndef ENGRAM_TASKS_INDEX_H
#define ENGRAM_TASKS_INDEX_H

#include "engram_index.h"

/* As eg_index_check_model. */
eg_status eg_index_check_weights(const eg_index *x, eg_params *p, eg_error *err);

#endif

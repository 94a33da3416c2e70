/* model.h - the inside of eg_model, shared by model.c and model_1.c (files of format 1). */
#ifndef ENGRAM_IO_MODEL_H
#define ENGRAM_IO_MODEL_H

#include "io/recipe.h"
#include "io/safetensors.h"

struct eg_model {
	eg_arena arena;
	eg_st_file file; /* kept for the moments of a checkpoint */
	int format;
	eg_recipe *recipe;
	eg_graph *graph;
	eg_params *params;
	eg_value *task;
	eg_size *sizes; /* ended by a NULL name */
	eg_train_result result;
	bool has_result;
	const eg_tree *state; /* NULL: no checkpoint */
	eg_train_state progress;
	const char *path, *version, *warning;
};

/* Format 1: what tasks kept, text by text, as the map that a task keeps now; and the sizes that follow from it. */
eg_status eg_model_read_1(eg_model *m, eg_error *err);

#endif

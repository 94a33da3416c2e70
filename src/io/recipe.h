/* recipe.h - the inside of eg_recipe, shared by recipe.c (text, sections, values), layers.c (the model section) and
 * schema.c (tables of keys and the JSON Schema made from them). */
#ifndef ENGRAM_RECIPE_H
#define ENGRAM_RECIPE_H

#include "engram_io.h"
#include "io/keys.h"
#include "io/tree.h"

/* One layer: an operator, its options (not yet those that say `classes`) and where its inputs come from. */
typedef struct eg_layer {
	const eg_op_info *op;
	const char *name;
	const eg_tree *tree; /* for messages */
	void *options;       /* op->options_size bytes, first the name; NULL: none */
	uint64_t classes;    /* bit i: attribute i is the number of classes */
	int nfrom;
	int from[EG_MAX_INPUTS];   /* index of the layer, or one of EG_FROM_... */
	int output[EG_MAX_INPUTS]; /* which of that layer's outputs */
	bool used;                 /* some later layer takes an output of it */
} eg_layer;
enum { EG_FROM_INPUT = -1, EG_FROM_LENGTHS = -2, EG_FROM_NOTHING = -3 };

struct eg_recipe {
	eg_arena arena;
	eg_tree *root;
	const char *source, *name, *task, *text;
	int itask;     /* which of eg_task_names */
	eg_dims input; /* without N; of sequences the first is EG_T */
	bool uses_lengths;
	eg_layer *layers;
	int nlayers;
	eg_layer loss;
	eg_train_config train;
	bool exact; /* train.precision */
	const char **known; /* paths that were asked for */
	int nknown, cap_known;
};

/* Of train.forget, when it is left out. */
#define EG_FORGET 0.02

/* What the train section is read into. */
typedef struct eg_train_section {
	eg_train_config config;
	double lr;
	int best, precision;
} eg_train_section;

/* ---- schema.c: the tables ---------------------------------------------------------------------------------------- */

typedef struct eg_key_table {
	const eg_key *keys;
	int n;
} eg_key_table;
extern const eg_key_table eg_recipe_keys, eg_data_keys, eg_train_keys;
extern const eg_variant eg_optimizer_variants[], eg_schedule_variants[];
extern const eg_variant eg_group_keys[]; /* groups.c: one, with the keys of a group */

/* Recipes are checked with the tables of tasks, which lie above: these two are defined in src/tasks/task.c. */
extern const char *const eg_task_names[];     /* NULL-terminated */
eg_key_table eg_task_data_keys(int task);     /* keys of `data` beside eg_data_keys; none is required */

/* The i-th layer or loss operator's info, NULL after the last. A loss is an operator whose second input is `target`. Inputs of it behind that
 * are known by their names: `lengths` or `input_lengths`, and `target_lengths`; others are left out. */
const eg_op_info *eg_layer_op(int i);
const eg_op_info *eg_loss_op(int i);

/* ---- groups.c ---------------------------------------------------------------------------------------------------- */

/* train.groups into the recipe's training configuration. NULL: none. */
eg_status eg_groups_read(eg_recipe *r, const eg_tree *list, eg_error *err);

/* ---- layers.c ---------------------------------------------------------------------------------------------------- */

eg_status eg_layers_read(eg_recipe *r, const eg_tree *model, eg_error *err);
/* Options and name of one operator from its attributes (NULL: none); `where` is for messages. */
eg_status eg_layer_options(eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *where, eg_error *err);

#endif

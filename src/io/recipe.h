/* recipe.h - the inside of eg_recipe, shared by recipe.c (text, sections), shape.c (inputs), layers.c (the model
 * section), train.c and groups.c (the train section), network.c (the graph), recipe_keys.c (the tables of keys) and
 * schema.c (the JSON Schema made of them); and what data sources and tasks, which lie above, read their sections
 * with. */
#ifndef ENGRAM_RECIPE_H
#define ENGRAM_RECIPE_H

#include "engram_io.h"
#include "io/keys.h"
#include "io/tree.h"

/* ---- for who lies above ------------------------------------------------------------------------------------------ */

/* Reads the map `section` ("data") once by all these tables. A section that is not there, or says nothing, is an
 * empty one. Messages say FILE:LINE:COLUMN; "did you mean" looks at the keys of all tables. Lists that are read lie in
 * the arena; texts are the recipe's. The recipe is only read, so that many tasks may be opened of one at a time. */
eg_status eg_recipe_section(const eg_recipe *r, eg_arena *arena, const char *section, const eg_key_set *sets, int nsets, eg_error *err);

/* One form of the section `data`: that of a task, or of a source. */
typedef struct eg_schema_variant {
	const char *title;
	const eg_key_set *sets; /* `out` is not looked at */
	int nsets;
} eg_schema_variant;
/* JSON Schema (2020-12) of recipes, for editors: of all that is known here, and of what it is handed. `tasks` are
 * the words that `task` may be, NULL-terminated; `augment` the kinds of that list. *text is the caller's, to be
 * released with free(). */
eg_status eg_schema_make(
	const char *const *tasks, const eg_schema_variant *data, int ndata, const eg_variant *augment, char **text, eg_error *err);

/* The options of a loss as they would be with `reduction: mean`, in `copy` (options as large as a loss may have them).
 * options may be NULL. */
enum { EG_LOSS_OPTIONS = 512 };
const void *eg_loss_as_mean(const eg_op_info *op, const void *options, void *copy);
/* Does it tell the sum of its predictions, not their mean? */
bool eg_loss_is_sum(const eg_op_info *op, const void *options);

/* ---- the inside -------------------------------------------------------------------------------------------------- */

enum { EG_RECIPE_INPUTS = 16, EG_RECIPE_LOSSES = 8, EG_RECIPE_WORDS = 8, EG_RECIPE_NAME = 60 };

/* Where a layer's input, a loss's or an output of the graph comes from. */
typedef enum eg_link_kind { EG_LINK_NOTHING, EG_LINK_INPUT, EG_LINK_LENGTHS, EG_LINK_LAYER } eg_link_kind;
typedef struct eg_link {
	eg_link_kind kind;
	int index;  /* of the recipe's input, of its word, of the layer */
	int output; /* of the layer */
} eg_link;

/* An attribute that is not a number but a word for one, which the task knows. */
typedef struct eg_layer_word {
	int attr;
	const char *word;
	const eg_tree *tree; /* NULL: it was left out */
} eg_layer_word;

typedef struct eg_cell eg_cell;

/* One layer or loss: an operator, its options (not yet those that are words) and where its inputs come from. */
typedef struct eg_layer {
	const eg_op_info *op;
	const char *name;
	const eg_tree *tree;  /* for messages */
	void *options;        /* op->options_size bytes, first the name; NULL: none */
	eg_layer_word *words;
	int nwords;
	int nfrom;
	eg_link from[EG_MAX_INPUTS];
	eg_cell *cell;        /* it is one; NULL: an operator */
	bool used;            /* some later layer takes an output of it, or it is an output, or judged by a loss */
} eg_layer;

/* What a name in the body of a cell stands for. */
typedef enum eg_cell_role { EG_CELL_STEP, EG_CELL_WHOLE, EG_CELL_STATE } eg_cell_role;
typedef struct eg_cell_state {
	const char *name;
	const eg_tree *tree;
	int rank, size[EG_MAX_DIMS];      /* of a sample; 0: it is a word */
	const eg_tree *word[EG_MAX_DIMS]; /* where the size is said */
	bool learned;
	int from;  /* the input of the layer that it begins with; -1: none */
	int input; /* of the body */
	eg_link next;
} eg_cell_state;
struct eg_cell {
	eg_recipe *body; /* its inputs are what is read step by step, what is seen as a whole, and the states */
	eg_cell_role role[EG_RECIPE_INPUTS]; /* of the body's inputs, and */
	int from[EG_RECIPE_INPUTS];          /* which input of the layer each is; of a state as there */
	eg_cell_state states[EG_MAX_OUTPUTS];
	int nstates, lengths; /* lengths: which input of the layer; -1: none */
	bool reverse;
	eg_link output;
};

typedef struct eg_loss {
	eg_layer layer; /* its operator */
	eg_link of;
	eg_recipe_loss_info info;
} eg_loss;

typedef struct eg_recipe_output {
	const char *name;
	eg_link of;
	const eg_tree *tree;
} eg_recipe_output;

struct eg_recipe {
	eg_arena arena;
	bool body;            /* it is that of a cell */
	eg_recipe *next_body; /* of all cells, to be freed */
	eg_tree *root;
	const eg_tree *tune; /* the section `tune`, which is no part of what is trained, and so of `root`; NULL: none */
	const char *source, *name, *task, *text;
	const char *written; /* the text that it was read from; NULL: the body of a cell */
	size_t written_size;
	const char *model; /* the file of the model whose recipe it is; NULL: of none */
	eg_recipe_input_info inputs[EG_RECIPE_INPUTS];
	const eg_tree *input_trees[EG_RECIPE_INPUTS];
	bool input_used[EG_RECIPE_INPUTS];
	int ninputs;
	const char *words[EG_RECIPE_WORDS]; /* of open sizes; 0 is `time` */
	const eg_tree *word_trees[EG_RECIPE_WORDS]; /* where each was first said; NULL: nowhere */
	int nwords;
	bool wants_lengths[EG_RECIPE_WORDS]; /* by a layer */
	eg_layer *layers;
	int nlayers;
	eg_recipe_output *outputs;
	int noutputs;
	eg_loss losses[EG_RECIPE_LOSSES];
	int nlosses;
	bool loss_list; /* train.loss is a list */
	bool sums;      /* some of them tell sums: the graph has both */
	eg_train_config train;
	bool exact; /* train.precision */
	eg_strings from;          /* train.from: paths of models */
	const char **from_layers; /* NULL-terminated; NULL: all */
	const char *whiten;       /* train.whiten; NULL: none */
	bool spare_class;
};

/* Of train.forget, when it is left out. */
#define EG_FORGET 0.02

/* What the train section is read into. */
typedef struct eg_train_section {
	eg_train_config config;
	double lr;
	int best, precision;
	eg_strings from, from_layers;
	const char *whiten;
	bool spare_class;
} eg_train_section;

/* What one key of the section `tune` is read into. */
typedef struct eg_tune_section {
	eg_numbers range;
	double step;
	bool log, integer;
} eg_tune_section;

/* ---- recipe_keys.c: the tables ----------------------------------------------------------------------------------- */

extern const eg_key_table eg_recipe_keys, eg_train_keys, eg_tune_keys;
extern const char *const eg_view_names[]; /* what `views` may be, up to NULL; what they do: tasks/views.c */
extern const eg_variant eg_optimizer_variants[], eg_schedule_variants[];
extern const eg_variant eg_group_keys[]; /* groups.c: one, with the keys of a group */

/* The i-th layer or loss operator's info, NULL after the last. A loss is an operator whose second input is `target`.
 * Inputs of it behind that are known by their names: `lengths` or `input_lengths`, `target_lengths`, and `weight`, a
 * number for each class; others are left out. */
const eg_op_info *eg_layer_op(int i);
const eg_op_info *eg_loss_op(int i);

/* ---- shape.c ----------------------------------------------------------------------------------------------------- */

eg_status eg_inputs_read(eg_recipe *r, eg_error *err);
bool eg_is_word(const char *text, size_t n); /* of small letters, digits and _: may stand for a size */
bool eg_is_name(const char *text);           /* 1 to 60 letters, digits, - or _ */
bool eg_is_reserved(const char *name);       /* the graph uses it itself */
int eg_recipe_find_input(const eg_recipe *r, const char *name);  /* -1: none */
int eg_recipe_word_index(const eg_recipe *r, const char *word);  /* -1: none */
bool eg_recipe_leads(const eg_recipe *r, int word);              /* is it the first size of a sequence? */

/* ---- layers.c ---------------------------------------------------------------------------------------------------- */

eg_status eg_layers_read(eg_recipe *r, const eg_tree *model, eg_error *err);
/* Options and name of one operator from its attributes (NULL: none); `where` is for messages. `other` (NULL: none) is a
 * key beside them, which the caller reads. */
eg_status eg_layer_options(
	eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *other, const char *where, eg_error *err);
/* "LAYER" or "LAYER.OUTPUT", the layer being there already, and marked as used. */
eg_status eg_link_read(eg_recipe *r, const eg_tree *t, eg_link *link, eg_error *err);
/* What `t` names becomes input number `to` of the layer. */
eg_status eg_layer_from(eg_recipe *r, eg_layer *layer, const eg_tree *t, int to, eg_error *err);
void eg_layer_previous(eg_recipe *r, eg_layer *layer); /* input 0 is the layer before, or the first input */
eg_status eg_layers_used(const eg_recipe *r, eg_error *err); /* leads everything somewhere? */
/* `outputs`, and that everything leads somewhere; when losses have been read. */
eg_status eg_outputs_read(eg_recipe *r, eg_error *err);

/* ---- cell.c ------------------------------------------------------------------------------------------------------ */

bool eg_is_cell(const char *word);
const eg_op_info *eg_cell_info(void); /* what stands for an operator where there is none */
eg_status eg_cell_read(eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *where, eg_error *err);

/* ---- groups.c ---------------------------------------------------------------------------------------------------- */

/* train.groups into the recipe's training configuration. NULL: none. */
eg_status eg_groups_read(eg_recipe *r, const eg_tree *list, eg_error *err);

/* ---- train.c ----------------------------------------------------------------------------------------------------- */

eg_status eg_train_read(eg_recipe *r, eg_error *err);
extern const eg_key_table eg_loss_keys; /* of a loss beside its operator */
bool eg_loss_weighs(const eg_op_info *op);  /* it takes weights of classes: `class_weights` is among its attributes */
extern const eg_key eg_class_weights_key;   /* for a list of them; words are of: */
extern const char *const eg_class_weights_words[]; /* "balanced", "median_frequency", NULL */

#endif

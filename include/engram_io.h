/* engram_io.h - files: recipes (what to train, in YAML) and models (what came out, in safetensors). Part of libengram_io.
 * Data sets and pictures are in engram_data.h, what a network is trained for in engram_task.h.
 *
 * Messages go into the eg_error given (NULL: not wanted), also those of the engine underneath. Ownership, threads and
 * NULL as in engram.h: every object has a *_free that takes NULL; strings returned belong to their object. */
#ifndef ENGRAM_IO_H
#define ENGRAM_IO_H

#include "engram.h"
#include "engram_train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- recipes ----------------------------------------------------------------------------------------------------- */

/* A recipe, checked: keys, types, ranges, layer names and links. Shapes are checked by eg_recipe_build. Messages say
 * "FILE:LINE:COLUMN: what is wrong; did you mean 'x'?", or name the override. */
typedef struct eg_recipe eg_recipe;

/* `set` are overrides such as "train.epochs=5" or "model.0.conv.filters=8", NULL-terminated, applied in order; NULL:
 * none. The value is YAML. The text form takes `source` as the name of the file in messages. */
EG_API eg_status eg_recipe_load(const char *path, const char *const *set, eg_recipe **recipe, eg_error *err);
EG_API eg_status eg_recipe_parse(
	const char *text, size_t size, const char *source, const char *const *set, eg_recipe **recipe, eg_error *err);
EG_API void eg_recipe_free(eg_recipe *r);

EG_API const char *eg_recipe_name(const eg_recipe *r);
EG_API const char *eg_recipe_task(const eg_recipe *r);   /* "classify" */
EG_API const char *eg_recipe_source(const eg_recipe *r); /* the file it came from, as in messages */
EG_API eg_dims eg_recipe_input(const eg_recipe *r);      /* of one sample, without the batch: (1,28,28) */
EG_API const eg_train_config *eg_recipe_train(const eg_recipe *r);
/* The recipe with its overrides as YAML text that eg_recipe_parse reads again; comments are lost. */
EG_API const char *eg_recipe_text(const eg_recipe *r);

/* Any value by its path ("data.validation"), for sections that data sources and tasks define. A value that is not there is
 * `def`. A wrong type or a number outside of min..max is an error with its place. The path counts as known from then on. */
EG_API eg_status eg_recipe_number(
	eg_recipe *r, const char *path, double def, double min, double max, double *value, eg_error *err);
EG_API eg_status eg_recipe_string(eg_recipe *r, const char *path, const char *def, const char **value, eg_error *err);
EG_API eg_status eg_recipe_bool(eg_recipe *r, const char *path, bool def, bool *value, eg_error *err);
/* A number or a list of at most `max_count` numbers; *count is 0 when it is not there. */
EG_API eg_status eg_recipe_numbers(
	eg_recipe *r, const char *path, double *values, int max_count, int *count, eg_error *err);
EG_API bool eg_recipe_has(eg_recipe *r, const char *path);
/* To be called when everything of a section ("data") has been asked for: an error for its first key that nobody knows. */
EG_API eg_status eg_recipe_check_known(const eg_recipe *r, const char *section, eg_error *err);
/* Puts the place of `path` ("FILE:LINE:COLUMN") before a message that somebody else made about its value. */
EG_API void eg_recipe_locate(const eg_recipe *r, const char *path, eg_error *err);

/* The network as a graph: inputs "input" and "target", outputs "logits" and "loss". Samples: input (N, the recipe's dimensions), logits
 * (N, classes), target (N) int32; sequences (`input: [time, ...]`): input (T, N, ...), logits (T, N, classes), target (T, N) int32, and "lengths" (N)
 * int32 when a layer asks for it. The input is int32 when the layers that take it take ids. A loss between numbers (mse) has a target like its
 * first input. `classes` is what the word `classes` stands for in layers; the last layer has to give so many values when the loss is over
 * classes. The context must outlive the graph. */
EG_API eg_status eg_recipe_build(const eg_recipe *r, eg_context *ctx, int classes, eg_graph **graph, eg_error *err);

/* JSON Schema (2020-12) of recipes, for editors. *text is the caller's, to be released with free(). */
EG_API eg_status eg_schema_json(char **text, eg_error *err);

/* ---- models ------------------------------------------------------------------------------------------------------ */

typedef struct eg_vocab eg_vocab; /* engram_text.h */

/* What goes into a model file beside the weights. Everything is only read. */
typedef struct eg_model_parts {
	const eg_recipe *recipe;
	eg_params *params;          /* of the graph that eg_recipe_build made */
	const char *const *classes; /* names, nclasses of them */
	int nclasses;
	const double *mean, *std; /* input normalisation (x - mean) / std, one a channel or one for all; NULL: none */
	int nmean;                /* how many of each */
	const eg_vocab *vocab;    /* text: what the ids stand for; NULL: none. With classes NULL its units are the classes */
	const double *border;     /* pictures: eg_pictures_border of the training set; NULL: not known */
	const eg_train_result *result; /* summary; NULL: none. `seconds` is not stored: no clock in the file */
	eg_optimizer *optimizer;       /* with state: the file is a checkpoint as well. NULL: a model only */
	const eg_train_state *state;   /* its best_weights are stored too when there are any */
} eg_model_parts;

/* Writes PATH atomically: the old file or the new one, nothing in between. The same parts give the same bytes. */
EG_API eg_status eg_model_save(const char *path, const eg_model_parts *parts, eg_error *err);

typedef struct eg_model eg_model;
/* Reads the file and builds graph and parameters. Refused by name: missing, unknown and wrongly shaped weights; a newer
 * format; damage. The context must outlive the model. */
EG_API eg_status eg_model_load(const char *path, eg_context *ctx, eg_model **model, eg_error *err);
EG_API void eg_model_free(eg_model *m);

EG_API eg_recipe *eg_model_recipe(eg_model *m);
EG_API eg_graph *eg_model_graph(eg_model *m);
EG_API eg_params *eg_model_params(eg_model *m);
EG_API int eg_model_classes(const eg_model *m);
EG_API const char *eg_model_class_name(const eg_model *m, int i); /* NULL: no such class */
/* Input normalisation: *count values each (0: none stored). Any pointer may be NULL. */
EG_API void eg_model_normalisation(const eg_model *m, const double **mean, const double **std, int *count);
EG_API const eg_vocab *eg_model_vocab(const eg_model *m); /* NULL: none stored */
EG_API double eg_model_border(const eg_model *m); /* of the training pictures, 0 black to 1 white; NAN: not stored */
EG_API const eg_train_result *eg_model_result(const eg_model *m); /* NULL: none stored */
EG_API const char *eg_model_version(const eg_model *m);           /* of the engram that wrote it */
/* What is odd about the file although it could be loaded (weights that are NaN or infinite), or NULL. */
EG_API const char *eg_model_warning(const eg_model *m);

/* Can training go on from this file? */
EG_API bool eg_model_is_checkpoint(const eg_model *m);
/* Puts the moments into an optimizer made for eg_model_params, and the rest into *state: eg_train then goes on bit for bit as
 * if it had never stopped. state->best_weights is kept; when it is not NULL (as long as eg_params_flat) the best weights so
 * far are copied there. */
EG_API eg_status eg_model_resume(const eg_model *m, eg_optimizer *optimizer, eg_train_state *state, eg_error *err);

/* ---- measured choices -------------------------------------------------------------------------------------------- */

/* Measurements (engram.h, eg_context_tuning) as a file, which holds for one CPU, instruction set and version. */
EG_API eg_status eg_tuning_path(char *path, size_t size, eg_error *err); /* the usual place: below XDG_CACHE_HOME or ~/.cache */
/* Damaged, or measured elsewhere: EG_ERR_FORMAT, and the context stays as it was. */
EG_API eg_status eg_tuning_load(eg_context *ctx, const char *path, eg_error *err);
/* Measurements that are in the file already, and are not among these, stay, if the file was made here. Folders are made where they are missing. */
EG_API eg_status eg_tuning_save(const eg_context *ctx, const char *path, const eg_measurement *m, int n, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif

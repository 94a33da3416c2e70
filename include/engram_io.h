/* engram_io.h - files: recipes (what to train, in YAML) and models (what came out, in safetensors). Part of
 * libengram_io. Data sets and pictures are in engram_data.h, what a network is trained for in engram_task.h.
 *
 * Messages go into the eg_error given (NULL: not wanted), also those of the engine underneath. Ownership, threads
 * and NULL as in engram.h: every object has a *_free that takes NULL; strings returned belong to their object. */
#ifndef ENGRAM_IO_H
#define ENGRAM_IO_H

#include "engram.h"
#include "engram_train.h"
#include "engram_value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- recipes ----------------------------------------------------------------------------------------------------- */

/* A recipe, checked: keys, types, ranges, layer names and links. Shapes are checked by eg_recipe_build; what `task` and
 * `data` say is checked by whom it concerns (eg_task_open). Messages say "FILE:LINE:COLUMN: what is wrong; did you mean
 * 'x'?", or name the override. */
typedef struct eg_recipe eg_recipe;

/* `set` are overrides such as "train.epochs=5" or "model.0.conv.filters=8", NULL-terminated, applied in order; NULL:
 * none. The value is YAML. The text form takes `source` as the name of the file in messages. */
EG_API eg_status eg_recipe_load(const char *path, const char *const *set, eg_recipe **recipe, eg_error *err);
EG_API eg_status eg_recipe_parse(
	const char *text, size_t size, const char *source, const char *const *set, eg_recipe **recipe, eg_error *err);
EG_API void eg_recipe_free(eg_recipe *r);

EG_API const char *eg_recipe_name(const eg_recipe *r);
EG_API const char *eg_recipe_task(const eg_recipe *r);   /* a word: "classify" */
EG_API const char *eg_recipe_source(const eg_recipe *r); /* the file it came from, as in messages */
EG_API const eg_train_config *eg_recipe_train(const eg_recipe *r);
/* The recipe with its overrides as YAML text that eg_recipe_parse reads again; comments are lost. */
EG_API const char *eg_recipe_text(const eg_recipe *r);
/* Writes that text, behind a comment (a line without an end; NULL: none). Atomic. */
EG_API eg_status eg_recipe_save(const eg_recipe *r, const char *path, const char *comment, eg_error *err);
/* Does the network put out one number more than there are classes, the last, for none of them (train.spare_class)? */
EG_API bool eg_recipe_spare_class(const eg_recipe *r);
EG_API const char *eg_recipe_output_name(const eg_recipe *r, int i); /* name i of `outputs`; NULL: there are fewer */
/* Is there anything at this path ("data.path", "model.0.conv.bias")? */
EG_API bool eg_recipe_has(const eg_recipe *r, const char *path);
/* How many models `train.from` names, with whose weights a training begins, one after the other: what a later one has
 * counts. The file of model i: as it is said or, where there is no such file, beside the recipe's own; NULL: there are
 * fewer. */
EG_API int eg_recipe_froms(const eg_recipe *r);
EG_API const char *eg_recipe_from(const eg_recipe *r, int i, char *buf, size_t size);
/* The patterns of `train.from_layers`, NULL-terminated; NULL: all. For eg_params_take. */
EG_API const char *const *eg_recipe_from_layers(const eg_recipe *r);
/* The layer whose filters begin as what makes patches of pictures white (train.whiten); NULL: none. For
 * eg_samples_whiten. */
EG_API const char *eg_recipe_whiten(const eg_recipe *r);
/* Does `train.groups` leave this weight ("conv1.bias") as it is? */
EG_API bool eg_recipe_freezes(const eg_recipe *r, const char *weight);
/* Puts the place of `path` ("FILE:LINE:COLUMN") before a message that somebody else made about its value. */
EG_API void eg_recipe_locate(const eg_recipe *r, const char *path, eg_error *err);

/* One input of the network. */
typedef struct eg_recipe_input_info {
	const char *name;  /* of the graph's input */
	const char *field; /* the field of a record that is put there; NULL (recipes with `input:`): the task chooses */
	eg_dims dims;      /* of one sample, without the batch: (1,28,28). Negative where there is a word: EG_T is
	                    * `time` */
	bool sequence;     /* in the graph the batch stands behind the first size, (T,N,...); else it comes first,
	                    * (N,...) */
} eg_recipe_input_info;
EG_API int eg_recipe_inputs(const eg_recipe *r); /* >= 1 */
EG_API const eg_recipe_input_info *eg_recipe_input_at(const eg_recipe *r, int i);
EG_API eg_dims eg_recipe_input(const eg_recipe *r); /* of the first one */
/* The word that a negative size stands for in this recipe: "time", "labels"; NULL: none. Words other than `time` have
 * numbers of the recipe's own; a graph has it as eg_open_dim of the same name. */
EG_API const char *eg_recipe_word(const eg_recipe *r, int64_t d);

/* One loss. The objective, the graph's output "loss", is the sum of all, each times its weight, and always of means
 * over predictions; where a loss has `reduction: sum`, "loss.sum" is what is trained on, as eg_recipe_train's
 * objective. */
typedef struct eg_recipe_loss_info {
	const eg_op_info *op;
	const void *options;  /* of the operator, without its defaults; NULL: it takes none */
	const char *of;       /* the layer whose output it judges: "linear1", "encoder.hn" */
	const char *field;    /* the field of a record that it is judged by; NULL: the task chooses */
	const char *input;    /* the graph's input for that: "target", or "target.FIELD" */
	const char *lengths;  /* the graph's input for how long each target is, (N) int32: "target_lengths"; or NULL */
	const char *output;   /* the graph's output with this loss alone: "loss.1"; of one that is no list "loss" */
	double weight;
	bool balanced;         /* `class_weights: balanced` or `median_frequency`: */
	bool median_frequency; /* of these two the second */
	const float *classes;  /* weights of classes; NULL: there are none, or it is not known yet how the classes
	                        * balance */
	int nclasses;
	bool soft; /* `augment` mixes classes: where a sample has one class, the target is shares of all, (N,
	            * classes) */
} eg_recipe_loss_info;
EG_API int eg_recipe_losses(const eg_recipe *r); /* >= 1 */
EG_API const eg_recipe_loss_info *eg_recipe_loss_at(const eg_recipe *r, int i);
/* Weights of the classes of loss i, which is a balanced one: what eg_samples_load does, and the loading of a model. To
 * be called before eg_recipe_build. */
EG_API eg_status eg_recipe_weigh(eg_recipe *r, int i, const float *weights, int n, eg_error *err);

/* Takes a line of advice, without an end of line; it is valid during the call. */
typedef void (*eg_advise)(void *user, const char *text);
/* Before a training: what can be built, but hardly learns what is meant. A layer that the loss contains already
 * (softmax before cross_entropy), or that leaves it probabilities, is EG_ERR_ARG; what may have its reasons is told. */
EG_API eg_status eg_recipe_advise(const eg_recipe *r, eg_advise advise, void *user, eg_error *err);
/* Does a layer limit what loss i judges, whatever the weights are? Which one, and to what. */
EG_API bool eg_recipe_limits(const eg_recipe *r, int i, const char **layer, double *low, double *high);

/* The network as a graph.
 *
 * Inputs: those of eg_recipe_input_at, (N,...) or, of sequences, (T,N,...), int32 where the layers that take them take
 * ids; the targets of the losses, whose shape and type the losses say (eg_op_target); "lengths" (N) int32, the steps of
 * each sample, and "lengths.WORD" of other words, where a layer or a loss takes them.
 * Outputs: "logits", what the first loss is of; "loss", and for a list of losses "loss.1", "loss.2" too; those of the
 * recipe's `outputs` by their names; and what a single loss tells besides by its own name ("path" of crf).
 *
 * `sizes`, ended by a NULL name, are what words in layers stand for, such as `classes`: NULL: none. The first size of a
 * loss over classes whose target the task chooses has to be that of `classes`; where the target is FIELD, that of
 * `classes.FIELD` if there is such a size. The context must outlive the graph. */
EG_API eg_status eg_recipe_build(
	const eg_recipe *r, eg_context *ctx, const eg_size *sizes, eg_graph **graph, eg_error *err);

/* ---- models ------------------------------------------------------------------------------------------------------ */

/* What goes into a model file beside the weights. Everything is only read. */
typedef struct eg_model_parts {
	const eg_recipe *recipe;
	eg_params *params;      /* of the graph that eg_recipe_build made */
	const eg_size *sizes;   /* that it was made with; NULL: none */
	const eg_value *task;   /* a map: what the task keeps (class names, normalisation, vocabulary, ...); NULL:
	                         * nothing */
	const eg_train_result *result; /* summary; NULL: none. `seconds` is not stored: no clock in the file */
	eg_optimizer *optimizer;       /* with state: the file is a checkpoint as well. NULL: a model only */
	const eg_train_state *state;   /* its best_weights are stored too when there are any */
} eg_model_parts;

/* Writes PATH atomically: the old file or the new one, nothing in between. The same parts give the same bytes. What a
 * killed process left of such a write (PATH.tmp-NUMBER) is removed by the next one. */
EG_API eg_status eg_model_save(const char *path, const eg_model_parts *parts, eg_error *err);

/* Could PATH be written now, and is there room for `bytes` of it? Does what eg_model_save, and all else here that
 * writes a file, does before the first byte, with the same messages, and leaves nothing: for a look before hours of
 * training. */
EG_API eg_status eg_output_check(const char *path, size_t bytes, eg_error *err);

typedef struct eg_model eg_model;
/* Reads the file and builds graph and parameters. Refused by name: missing, unknown and wrongly shaped weights; a newer
 * format; damage. What the task keeps is handed on as it is. The context must outlive the model. */
EG_API eg_status eg_model_load(const char *path, eg_context *ctx, eg_model **model, eg_error *err);
/* The same from bytes that were read already; `name` is what messages call it. */
EG_API eg_status eg_model_parse(
	const void *bytes, size_t size, const char *name, eg_context *ctx, eg_model **model, eg_error *err);
EG_API void eg_model_free(eg_model *m);

EG_API const char *eg_model_path(const eg_model *m);
EG_API eg_recipe *eg_model_recipe(eg_model *m);
EG_API eg_graph *eg_model_graph(eg_model *m);
EG_API eg_params *eg_model_params(eg_model *m);
/* What the task keeps: a map, empty when it keeps nothing. Of files of before (format 1): "classes", a list of names;
 * "mean", "std", lists of numbers; "border", a number; "vocab", a map; each where the file has it. */
EG_API const eg_value *eg_model_task(const eg_model *m);
EG_API const eg_size *eg_model_sizes(const eg_model *m);      /* ended by a NULL name */
EG_API int eg_model_size(const eg_model *m, const char *name); /* one of them; 0: there is no such size */
EG_API const eg_train_result *eg_model_result(const eg_model *m); /* NULL: none stored */
EG_API const char *eg_model_version(const eg_model *m);           /* of the engram that wrote it */
/* What is odd about the file although it could be loaded (weights that are NaN or infinite), or NULL. */
EG_API const char *eg_model_warning(const eg_model *m);

/* Can training go on from this file? */
EG_API bool eg_model_is_checkpoint(const eg_model *m);
/* How far its training has come: the state without its arrays. NULL: it is no checkpoint. */
EG_API const eg_train_state *eg_model_progress(const eg_model *m);
/* Puts the moments into an optimizer made for eg_model_params, and the rest into *state: eg_train then goes on bit
 * for bit as if it had never stopped. state->best_weights is kept; when it is not NULL (as long as eg_params_flat)
 * the best weights so far are copied there. state->streams is the model's, which must outlive the call that goes on. */
EG_API eg_status eg_model_resume(eg_model *m, eg_optimizer *optimizer, eg_train_state *state, eg_error *err);

/* Copies the weights (and running statistics) of another model into parameters that are there by the same name and in
 * the same shape. patterns: names of layers ("conv1") or of weights ("conv1.bias"), in which * stands for any
 * characters and ? for one, NULL-terminated; NULL: all. Every weight that they fit is told (tell may be NULL) with
 * the reason why it was not taken, or NULL. A pattern that fits nothing is EG_ERR_ARG; so it is when nothing can be
 * taken. */
EG_API eg_status eg_params_take(eg_params *to, eg_model *from, const char *const *patterns,
	void (*tell)(void *user, const char *name, const char *why), void *user, eg_error *err);

/* ---- measured choices -------------------------------------------------------------------------------------------- */

/* Measurements (engram.h, eg_context_tuning) as a file, which holds for one CPU, instruction set and version. */
/* The usual place: below XDG_CACHE_HOME or ~/.cache. */
EG_API eg_status eg_tuning_path(char *path, size_t size, eg_error *err);
/* Damaged, or measured elsewhere: EG_ERR_FORMAT, and the context stays as it was. */
EG_API eg_status eg_tuning_load(eg_context *ctx, const char *path, eg_error *err);
/* Measurements that are in the file already, and are not among these, stay, if the file was made here. Folders are
 * made where they are missing. */
EG_API eg_status eg_tuning_save(const eg_context *ctx, const char *path, const eg_measurement *m, int n, eg_error *err);
/* Could it be saved there? To ask before measuring; makes the folders. */
EG_API eg_status eg_tuning_check(const char *path, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif

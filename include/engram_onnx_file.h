/* engram_onnx_file.h - files of ONNX (.onnx): read into the plain structs of engram_onnx.h, and written from them. Part
 * of libengram_io; a library that was built without protobuf-c or without ONNX's onnx.proto says so when it is asked.
 *
 * Nothing in a file is trusted: sizes, offsets, nesting and names are checked before anything is made of them. Numbers
 * that lie in other files are read only from plain files in the model's own folder. */
#ifndef ENGRAM_ONNX_FILE_H
#define ENGRAM_ONNX_FILE_H

#include "engram_io.h"
#include "engram_onnx.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_onnx_file eg_onnx_file;

/* A model; NULL on failure. `parse` reads `size` bytes that it does not keep; `source` is what messages call them, and
 * a model there may have no numbers in other files. */
EG_API eg_onnx_file *eg_onnx_file_load(const char *path, eg_error *err);
EG_API eg_onnx_file *eg_onnx_file_parse(const void *bytes, size_t size, const char *source, eg_error *err);
/* One tensor alone, as the files beside the models of ONNX's test suites hold them (TensorProto). */
EG_API eg_onnx_file *eg_onnx_file_load_tensor(const char *path, eg_error *err);

/* They belong to the file. A file of a tensor has a model with that tensor only. */
EG_API const eg_onnx_model *eg_onnx_file_model(const eg_onnx_file *f);
EG_API const char *eg_onnx_file_producer(const eg_onnx_file *f); /* "pytorch 2.5.1"; "" where it does not say */
EG_API const char *eg_onnx_file_note(const eg_onnx_file *f, const char *key); /* of its metadata; NULL: there is none */
EG_API void eg_onnx_file_free(eg_onnx_file *f);                  /* NULL is allowed */

/* Written whole or not at all. */
EG_API eg_status eg_onnx_file_save(const char *path, const eg_onnx_model *m, eg_error *err);

/* What a file says beside its network (metadata_props); a list of them ends with a NULL key. */
typedef struct eg_onnx_note {
	const char *key, *value;
} eg_onnx_note;
/* The file's bytes, the caller's, to be released with free(). notes: NULL: none. */
EG_API eg_status eg_onnx_file_bytes(const eg_onnx_model *m, const eg_onnx_note *notes, void **bytes, size_t *size, eg_error *err);

/* ---- networks as files ------------------------------------------------------------------------------------------- */

/* A network with its weights, to be written for other programs. */
typedef struct eg_onnx_parts {
	eg_graph *graph;
	eg_params *params;
	const char *const *outputs; /* NULL-terminated */
	const eg_onnx_note *notes;  /* NULL: none */
	int opset;                  /* 0: EG_ONNX_OPSET */
	bool no_states;             /* without those of recurrent layers */
	const struct eg_sound_front *sound; /* what is made of sound, which the model then takes; NULL: not */
} eg_onnx_parts;

typedef struct eg_onnx_told {
	int nodes, states; /* states: recurrent layers that begin and end with states that are inputs and outputs */
	int runs;          /* with how many sizes it was compared, and */
	bool fixed;        /* whether only with numbers in their places: no graph of ours has it with open sizes */
	double rate;       /* of the sound that it takes; 0: it takes none */
	double difference; /* the largest, as a share of the largest number of that output */
	size_t bytes;
} eg_onnx_told;

/* Writes standard operators only, batch and time open. Layers that ONNX lacks are written as several of its operators;
 * of what cannot be, layer and reason are told. The states that recurrent layers of their own begin with are inputs
 * that may be left out (LAYER.l0.h0, LAYER.l0.c0; zeros), those that they end with are outputs (LAYER.l0.hn, .cn). Of a
 * crf its weights are outputs.
 *
 * What has been made is read again and computes on random numbers, of samples of unequal lengths; where its outputs
 * are not those of the graph nothing is written. told may be NULL. */
EG_API eg_status eg_onnx_write(const char *path, const eg_onnx_parts *parts, eg_onnx_told *told, eg_error *err);

/* Outputs of a recipe's graph that need no target: "logits" and those of the recipe's `outputs`. NULL-terminated, the
 * caller's, to be released with free(); NULL: out of memory. */
EG_API const char **eg_recipe_answers(const eg_recipe *r);

/* A model, or a recipe's network: what belongs to the task goes into the file's notes: "recipe",
 * "sizes", "task", as model files have them.
 *
 * Of a model that is asked about sound the file takes sound, unless `features` says that it is to take its features as
 * the network does: input "sound" (N,S), one channel of samples, -1..1, at the rate of the note "sound_rate"; where the
 * network takes lengths, "lengths" (N) are numbers of samples. EG_ERR_ARG for opsets below 17, which lack STFT:
 * features `raw` do without it. */
EG_API eg_status eg_onnx_write_model(const char *path, eg_model *m, int opset, bool features, eg_onnx_told *told, eg_error *err);
EG_API eg_status eg_onnx_write_recipe(const char *path, const eg_recipe *r, const eg_size *sizes, eg_graph *g, eg_params *p, int opset,
	eg_onnx_told *told, eg_error *err);

/* ---- networks alone ---------------------------------------------------------------------------------------------- */

/* A network without a recipe and a task: of a file of ONNX, or of a model file that eg_network_save has written of
 * one. */
typedef struct eg_network eg_network;
EG_API bool eg_network_is(const char *path); /* is it one of these, by what it begins with? False also for what cannot
                                              * be read */
/* The context must outlive it. NULL on failure. */
EG_API eg_network *eg_network_load(const char *path, eg_context *ctx, eg_error *err);
EG_API void eg_network_free(eg_network *n);
/* As a model file: its weights under their names, and the rest of the file of ONNX. Reading it again gives the same
 * graph, and the same bits. */
EG_API eg_status eg_network_save(const char *path, const eg_network *n, eg_error *err);
EG_API const eg_onnx_model *eg_network_model(const eg_network *n); /* inputs and outputs with their sizes */
EG_API const char *eg_network_producer(const eg_network *n);       /* as eg_onnx_file_producer */
/* With open sizes; NULL where no graph of ours has them, and *why says what is in the way: then it is made for each
 * size that it is run with. */
EG_API eg_graph *eg_network_graph(const eg_network *n, eg_params **params, eg_error *why);

/* The same, to be looked at: where there is none with open sizes, one that has *size in the place of each, the first of
 * a few numbers that suit it; valid until the next run. *size is 0 where they stay open. */
EG_API eg_graph *eg_network_example(eg_network *n, int *size, eg_error *why);

/* The network as a recipe (YAML) of the task classify, whose data and training are to be changed in it: a layer for
 * each operator on the way to its first output, a softmax at the end left out. `from`: the network's file, which a
 * training by that recipe begins with. EG_ERR_ARG, with the reason: a recipe has no such layer, or no such input. */
EG_API eg_status eg_network_write_recipe(const char *path, const eg_network *n, const char *from, eg_error *err);

/* Weights of a network as those that a training begins with: layer by layer, in the order of both, where operator and
 * shapes are the same. patterns and tell as for eg_params_take. */
EG_API eg_status eg_network_take(const eg_graph *g, eg_params *to, const eg_network *n, const char *const *patterns,
	void (*tell)(void *user, const char *name, const char *why), void *user, eg_error *err);

/* Numbers by name: of an input, or an output. Integers as int32_t. */
typedef struct eg_network_array {
	const char *name;
	eg_dims dims;
	const void *data; /* of a type of eg_network_type; of outputs valid until the next run */
	eg_dtype type;
} eg_network_array;
/* Of input or output `name`; false: there is none of that name. */
EG_API bool eg_network_type(const eg_network *n, const char *name, eg_dtype *type);
/* Computes all outputs (eg_network_model's, in their order) from all inputs, whose sizes say what open ones are. */
EG_API eg_status eg_network_run(eg_network *n, const eg_network_array *in, int nin, eg_network_array *out, eg_error *err);
EG_API bool eg_network_cost(const eg_network *n, eg_cost *cost); /* of the last run; false: there was none */

#ifdef __cplusplus
}
#endif
#endif

/* embedding.h - what the tasks share whose networks make an embedding of a sample, a row of numbers in which what is
 * alike lies close together: search.c and verify.c. */
#ifndef ENGRAM_TASKS_EMBEDDING_H
#define ENGRAM_TASKS_EMBEDDING_H

#include "engram_index.h"
#include "tasks/samples.h"

eg_status eg_embedding_no_memory(eg_error *err);
#ifdef __clang_analyzer__ /* as for eg_fail */
#define eg_embedding_no_memory(err) (eg_embedding_no_memory(err), EG_ERR_MEMORY)
#endif

/* ---- the network ------------------------------------------------------------------------------------------------- */

/* The output "embedding" (N,width), or, where a recipe names none, the "logits". */
const char *const *eg_embedding_outputs(const eg_task *t, const eg_graph *g);
/* Does it put out such a row? purpose: "to search", for the message. */
eg_status eg_embedding_suits(const eg_task *t, eg_graph *g, const char *purpose, eg_error *err);
/* How many numbers the embedding of this row has, and they. */
int eg_embedding_width(const eg_task *t, const eg_row *r);
void eg_embedding_take(const eg_task *t, const eg_row *r, float *to);
/* Its class, as the model's names are numbered, or, of a task whose classes may all be new (whole_classes), as the
 * source's are; -1: it is not known. What such a number is called. How many there are. */
int32_t eg_embedding_label(const eg_task *t, const eg_row *r);
const char *eg_embedding_class(const eg_task *t, int32_t label);
int eg_embedding_classes(const eg_task *t);

/* ---- while a judge looks at samples ------------------------------------------------------------------------------ */

/* Embeddings with their classes, one behind the other. Zero-initialised. */
typedef struct eg_embedded {
	int width, n;
	float *at;
	int32_t *labels;
	int cap_at, cap_labels;
} eg_embedded;
eg_status eg_embedded_add(eg_embedded *e, const eg_task *t, const eg_row *r, int32_t label, eg_error *err);
void eg_embedded_free(eg_embedded *e);

/* What queries are looked for in. Zero-initialised. */
typedef struct eg_gallery {
	eg_index *index;
	int32_t *shown; /* class of each of its entries */
	int cap;
} eg_gallery;
void eg_gallery_free(eg_gallery *g);
/* Another entry; false in *added: its embedding cannot be compared. */
eg_status eg_gallery_add(eg_gallery *g, const eg_task_judge *j, eg_distance distance, const float *embedding, int width,
	const char *id, int32_t label, bool *added, eg_error *err);
/* The training part of a model, or floor, as a whole, but for samples of the part that is judged. */
eg_status eg_gallery_add_training(
	eg_gallery *g, const eg_task_judge *j, eg_distance distance, eg_part judged, eg_error *err);
/* The k nearest entries of each query, k places each, found[i] of them, both to be released. one_less: the gallery
 * holds the queries, in their order, and each is passed over for itself. */
eg_status eg_gallery_nearest(const eg_gallery *g, const eg_embedded *queries, bool one_less, int k, eg_hit **hits,
	int **found, eg_error *err);

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The index that answers look into, opened once. Zero-initialised. */
typedef struct eg_shelf {
	char *path;
	eg_index *index;
} eg_shelf;
void eg_shelf_clear(eg_shelf *s);

typedef struct eg_embedding_options {
	eg_answer_options base;
	const char *index;
	int top;
} eg_embedding_options;
extern const eg_key eg_embedding_option_keys[2];

/* `embedding`, `distance`, and, with an index, `nearest`. *nearest: how far the nearest is; NAN: there is none. */
eg_status eg_embedding_answer(const eg_task *t, eg_shelf *s, eg_distance distance, const eg_embedding_options *o,
	const eg_row *r, eg_value *out, double *nearest, eg_error *err);
eg_status eg_embedding_truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err);

/* persons.c: tells what classes lack that are to be compared in pairs. */
eg_status eg_samples_check_persons(const eg_samples *s, eg_advise advise, void *user, eg_error *err);

#endif

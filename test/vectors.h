/* vectors.h - what the two halves of build/test/vectors share: the files (vectors_files.c) and the comparisons
 * (vectors.c). */
#ifndef ENGRAM_TEST_VECTORS_H
#define ENGRAM_TEST_VECTORS_H

#include "core/op.h"

#include <jansson.h>

enum { VECTOR_TENSORS = 64, VEC_CONTEXTS = 8 };

/* One tensor of a file. Numbers of every type are kept as double, which holds float32 and the int64 that occur
 * exactly. */
typedef struct vec_tensor {
	const char *name; /* belongs to the header */
	bool integer;
	int rank;
	int64_t d[EG_MAX_DIMS], count;
	double *x;
} vec_tensor;

/* A safetensors file as make_vectors.py writes it. */
typedef struct vec_file {
	json_t *header, *attrs; /* attrs: the metadata "attrs", parsed; NULL when the file has none */
	const char *op;
	vec_tensor tensor[VECTOR_TENSORS];
	int count;
} vec_file;

/* False with a reason in `why`. */
bool vec_read(vec_file *f, const char *path, char *why, size_t size);
void vec_free(vec_file *f);
const vec_tensor *vec_find(const vec_file *f, const char *name); /* NULL: none of that name */

/* The first n training pictures of Fashion-MNIST, 0..255, and their classes; from $ENGRAM_DATA/fashion-mnist or
 * where Debian puts them. False when the data is not there. */
bool vec_pictures(unsigned char *pictures, unsigned char *labels, int n);

/* ---- checking a case (vectors.c) --------------------------------------------------------------------------------- */

/* Largest difference from PyTorch, relative to the largest value of the tensor. */
#define VEC_TOLERANCE 1e-5

typedef enum verdict { PASSED, FAILED, SKIPPED } verdict;

typedef struct bench {
	eg_context *ctx[VEC_CONTEXTS]; /* one for each instruction set and number of threads */
	int contexts;
	bool verbose;
	double worst;    /* of this case */
	char where[128]; /* where that was */
	char text[2048]; /* why it failed or was skipped */
} bench;

extern const char *const vec_layouts[EG_LAYOUT_CHOICES]; /* what a way's description says of its layout */

/* Says why a case failed or is skipped; returns v. */
verdict vec_say(bench *b, verdict v, const char *fmt, ...) EG_PRINTF(3, 4);
/* got[i] must be factor * want[i % n], for n * repeat elements. */
verdict vec_compare(bench *b, const char *what, const char *how, const eg_real *got, const vec_tensor *want, int64_t repeat,
	double factor, double tolerance);
void vec_put(eg_real *to, const vec_tensor *t, int64_t repeat);
/* An attribute of an operator's options from a case; false when it cannot take this value. */
bool vec_set_attr(const eg_attr *a, char *options, json_t *value);

/* Cases that are run their own way (vectors_*.c). */
verdict vec_run_recurrent(bench *b, const vec_file *f);
verdict vec_run_charlstm(bench *b, const vec_file *f);
verdict vec_run_ctc(bench *b, const vec_file *f);
verdict vec_run_crf(bench *b, const vec_file *f);

#endif

/* vectors.h - what the two halves of build/test/vectors share: the files (vectors_files.c) and the comparisons
 * (vectors.c). */
#ifndef ENGRAM_TEST_VECTORS_H
#define ENGRAM_TEST_VECTORS_H

#include "base/base.h"

#include <jansson.h>

enum { VECTOR_TENSORS = 64 };

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

#endif

/* safetensors.h - files in the safetensors format (github.com/huggingface/safetensors): a length, a JSON header that
 * names tensors and texts, and the tensors' bytes, little-endian. Models are such files (model.c). */
#ifndef ENGRAM_SAFETENSORS_H
#define ENGRAM_SAFETENSORS_H

#include "io/tree.h"

typedef enum eg_st_dtype {
	EG_ST_F64,
	EG_ST_I64,
	EG_ST_U64,
	EG_ST_F32,
	EG_ST_I32,
	EG_ST_U32,
	EG_ST_F16,
	EG_ST_BF16,
	EG_ST_I16,
	EG_ST_U16,
	EG_ST_I8,
	EG_ST_U8,
	EG_ST_BOOL
} eg_st_dtype;

typedef struct eg_st_tensor {
	const char *name;
	eg_st_dtype dtype;
	eg_dims dims;     /* sizes may be 0 */
	const void *data; /* in a file just read: not aligned, little-endian; to be written: as this machine has it */
	size_t bytes;
} eg_st_tensor;

typedef struct eg_st_text {
	const char *key, *value;
} eg_st_text;

/* Everything belongs to the file. Zero-initialise; eg_st_free in every case. */
typedef struct eg_st_file {
	eg_arena arena;
	char *bytes;
	size_t size;
	eg_st_tensor *tensors; /* in the order of their data */
	int n;
	const eg_tree *texts; /* the metadata, a map of strings; NULL: none */
} eg_st_file;

/* Checks everything: sizes, offsets within bounds, no overlap and no gap, no duplicate names. `parse` borrows the
 * bytes. */
eg_status eg_st_load(const char *path, eg_st_file *f, eg_error *err);
eg_status eg_st_parse(const char *bytes, size_t size, const char *source, eg_st_file *f, eg_error *err);
void eg_st_free(eg_st_file *f);

const eg_st_tensor *eg_st_find(const eg_st_file *f, const char *name); /* NULL: none */
const char *eg_st_text_of(const eg_st_file *f, const char *key);       /* NULL: none */

const char *eg_st_dtype_name(eg_st_dtype t);
size_t eg_st_dtype_size(eg_st_dtype t);
extern const eg_st_dtype eg_st_real; /* F32, or F64 in the double-precision build */
/* "(6,1,5,5)" into buf; returns buf. */
const char *eg_st_dims_text(const eg_dims *d, char *buf, size_t size);
/* The elements as real; false when the type is not a floating-point one. *odd (may be NULL): how many are NaN or
 * infinite. */
bool eg_st_to_real(const eg_st_tensor *t, real *out, int64_t *odd);
bool eg_st_to_i32(
	const eg_st_tensor *t, int32_t *out); /* from I32, I64, U8; false for others, and for values that do not fit */

/* Writes atomically; the tensors and texts may come in any order, equal contents make equal files. `bytes` of the
 * tensors are computed here. */
eg_status eg_st_write(
	const char *path, const eg_st_text *texts, int ntexts, const eg_st_tensor *tensors, int n, eg_error *err);

#endif

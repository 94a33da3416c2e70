/* engram_onnx_file.h - files of ONNX (.onnx): read into the plain structs of engram_onnx.h, and written from them. Part
 * of libengram_io; a library that was built without protobuf-c or without ONNX's onnx.proto says so when it is asked.
 *
 * Nothing in a file is trusted: sizes, offsets, nesting and names are checked before anything is made of them. Numbers
 * that lie in other files are read only from plain files in the model's own folder. */
#ifndef ENGRAM_ONNX_FILE_H
#define ENGRAM_ONNX_FILE_H

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
EG_API void eg_onnx_file_free(eg_onnx_file *f);                  /* NULL is allowed */

/* Written whole or not at all. */
EG_API eg_status eg_onnx_file_save(const char *path, const eg_onnx_model *m, eg_error *err);

#ifdef __cplusplus
}
#endif
#endif

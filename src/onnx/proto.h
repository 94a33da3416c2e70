/* proto.h - what the files of this folder share: ONNX's messages as protobuf-c knows them, and the checks before it
 * reads any. */
#ifndef ENGRAM_ONNX_PROTO_H
#define ENGRAM_ONNX_PROTO_H

#include "base/base.h"
#include "engram_onnx_file.h"

#include "onnx.pb-c.h"

/* Messages within messages deeper than this are refused: networks need about ten a level of subgraphs. */
enum { EG_ONNX_DEPTH = 100 };

/* A message of this kind, with all of its parts within their bounds and nested no deeper than that. */
eg_status eg_onnx_check_wire(const ProtobufCMessageDescriptor *kind, const uint8_t *bytes, size_t size, const char *source, eg_error *err);

/* Memory for unpacked messages, which ends where a message would take out of proportion to its bytes. */
typedef struct eg_onnx_memory {
	ProtobufCAllocator allocator;
	const eg_allocator *from;
	size_t left;
	bool refused; /* it was asked for more */
} eg_onnx_memory;
void eg_onnx_memory_init(eg_onnx_memory *m, const eg_allocator *from, size_t message);

/* What reads a model's tensors: where they may lie, and where is room for what is made of them. */
typedef struct eg_onnx_reader {
	const char *source; /* for messages */
	const char *folder; /* of the model; NULL: there is none, and no numbers in other files */
	eg_arena *arena;
	eg_error *err;
} eg_onnx_reader;

/* *to has what `from` says; its name and numbers may lie in `from`. */
eg_status eg_onnx_read_tensor(eg_onnx_reader *r, const Onnx__TensorProto *from, eg_onnx_tensor *to);

#endif

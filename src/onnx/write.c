/* write.c - a model as a file of ONNX: its structs once more as protobuf-c's messages, which point at the same names
 * and numbers, and are packed piece by piece into the file. */
#include "engram_onnx_file.h"

#include "base/base.h"

#ifdef ENGRAM_HAVE_ONNX

#include "onnx/proto.h"

#include <limits.h>
#include <string.h>

typedef struct writing {
	eg_arena arena;
	bool failed; /* out of memory */
} writing;

static void *take(writing *w, size_t n, size_t size) {
	void *p = w->failed ? NULL : eg_arena_alloc(&w->arena, (n + 1) * size);
	w->failed |= !p;
	return p;
}

/* A list of n messages: the pointers, each to one of `size` bytes that `init` has made. */
static void **messages(writing *w, int n, size_t size, void (*init)(void *)) {
	void **list = take(w, (size_t)n, sizeof *list);
	char *room = take(w, (size_t)n, size);
	for (int i = 0; i < n && !w->failed; i++) {
		list[i] = room + (size_t)i * size;
		init(list[i]);
	}
	return list;
}
#define MESSAGES(w, n, type, init) (type **)messages(w, n, sizeof(type), (void (*)(void *))(init))

/* protobuf-c's structs are not const where they are only read. */
static char *text(const char *s) { return (char *)(s ? s : ""); }

static ProtobufCBinaryData bytes_of(const void *p, size_t n) { return (ProtobufCBinaryData){n, (uint8_t *)(void *)p}; }

static void write_tensor(writing *w, const eg_onnx_tensor *from, Onnx__TensorProto *t) {
	size_t count = 1;
	for (int i = 0; i < from->rank; i++) count *= (size_t)from->dims[i];
	t->name = from->name ? text(from->name) : NULL;
	t->n_dims = (size_t)from->rank;
	t->dims = (int64_t *)from->dims;
	t->has_data_type = true;
	t->data_type = (int32_t)from->type;
	if (from->type != EG_ONNX_STRING) {
		t->has_raw_data = true;
		t->raw_data = bytes_of(from->data, count * eg_onnx_type_size(from->type));
		return;
	}
	t->n_string_data = count;
	t->string_data = take(w, count, sizeof *t->string_data);
	for (size_t i = 0; i < count && t->string_data; i++) t->string_data[i] = bytes_of(((const char *const *)from->data)[i], strlen(((const char *const *)from->data)[i]));
}

static void write_graph(writing *w, const eg_onnx_model *m, const char *name, Onnx__GraphProto *g);

static void write_attr(writing *w, const eg_onnx_attr *from, Onnx__AttributeProto *a) {
	a->name = text(from->name);
	a->has_type = true;
	a->type = (Onnx__AttributeProto__AttributeType)from->kind;
	switch (from->kind) {
	case EG_ONNX_A_FLOAT: a->has_f = true, a->f = from->f; break;
	case EG_ONNX_AN_INT: a->has_i = true, a->i = from->i; break;
	case EG_ONNX_A_STRING: a->has_s = true, a->s = bytes_of(from->s, strlen(from->s)); break;
	case EG_ONNX_FLOATS: a->n_floats = (size_t)from->n, a->floats = (float *)from->floats; break;
	case EG_ONNX_INTS: a->n_ints = (size_t)from->n, a->ints = (int64_t *)from->ints; break;
	case EG_ONNX_STRINGS:
		a->n_strings = (size_t)from->n;
		a->strings = take(w, (size_t)from->n, sizeof *a->strings);
		for (int i = 0; i < from->n && a->strings; i++) a->strings[i] = bytes_of(from->strings[i], strlen(from->strings[i]));
		break;
	case EG_ONNX_A_TENSOR:
		a->t = *MESSAGES(w, 1, Onnx__TensorProto, onnx__tensor_proto__init);
		if (!w->failed) write_tensor(w, from->tensor, a->t);
		break;
	case EG_ONNX_A_GRAPH:
		a->g = *MESSAGES(w, 1, Onnx__GraphProto, onnx__graph_proto__init);
		if (!w->failed) write_graph(w, from->graph, "body", a->g);
		break;
	}
}

static void write_node(writing *w, const eg_onnx_node *from, Onnx__NodeProto *n) {
	n->op_type = text(from->type);
	n->domain = from->domain ? text(from->domain) : NULL;
	n->name = from->name ? text(from->name) : NULL;
	n->n_input = (size_t)from->nin;
	n->input = (char **)(void *)from->in;
	n->n_output = (size_t)from->nout;
	n->output = (char **)(void *)from->out;
	n->n_attribute = (size_t)from->nattrs;
	n->attribute = MESSAGES(w, from->nattrs, Onnx__AttributeProto, onnx__attribute_proto__init);
	for (int i = 0; i < from->nattrs && !w->failed; i++) write_attr(w, &from->attrs[i], n->attribute[i]);
}

static void write_value(writing *w, const eg_onnx_value *from, Onnx__ValueInfoProto *v) {
	v->name = text(from->name);
	if (!from->type) return;
	Onnx__TypeProto **type = MESSAGES(w, 1, Onnx__TypeProto, onnx__type_proto__init);
	Onnx__TypeProto__Tensor **t = MESSAGES(w, 1, Onnx__TypeProto__Tensor, onnx__type_proto__tensor__init);
	if (w->failed) return;
	v->type = *type;
	v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	v->type->tensor_type = *t;
	(*t)->has_elem_type = true;
	(*t)->elem_type = (int32_t)from->type;
	if (from->rank < 0) return;
	Onnx__TensorShapeProto **shape = MESSAGES(w, 1, Onnx__TensorShapeProto, onnx__tensor_shape_proto__init);
	Onnx__TensorShapeProto__Dimension **d = MESSAGES(w, from->rank, Onnx__TensorShapeProto__Dimension, onnx__tensor_shape_proto__dimension__init);
	if (w->failed) return;
	(*t)->shape = *shape;
	(*shape)->n_dim = (size_t)from->rank;
	(*shape)->dim = d;
	for (int i = 0; i < from->rank; i++) {
		const char *open = from->open ? from->open[i] : NULL;
		if (from->dims[i] >= 0) {
			d[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
			d[i]->dim_value = from->dims[i];
		} else if (open) {
			d[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
			d[i]->dim_param = text(open);
		}
	}
}

static void write_graph(writing *w, const eg_onnx_model *m, const char *name, Onnx__GraphProto *g) {
	g->name = text(name); /* a graph must have one */
	g->n_node = (size_t)m->nnodes;
	g->node = MESSAGES(w, m->nnodes, Onnx__NodeProto, onnx__node_proto__init);
	for (int i = 0; i < m->nnodes && !w->failed; i++) write_node(w, &m->nodes[i], g->node[i]);
	g->n_initializer = (size_t)m->ntensors;
	g->initializer = MESSAGES(w, m->ntensors, Onnx__TensorProto, onnx__tensor_proto__init);
	for (int i = 0; i < m->ntensors && !w->failed; i++) write_tensor(w, &m->tensors[i], g->initializer[i]);
	g->n_input = (size_t)m->ninputs;
	g->input = MESSAGES(w, m->ninputs, Onnx__ValueInfoProto, onnx__value_info_proto__init);
	for (int i = 0; i < m->ninputs && !w->failed; i++) write_value(w, &m->inputs[i], g->input[i]);
	g->n_output = (size_t)m->noutputs;
	g->output = MESSAGES(w, m->noutputs, Onnx__ValueInfoProto, onnx__value_info_proto__init);
	for (int i = 0; i < m->noutputs && !w->failed; i++) write_value(w, &m->outputs[i], g->output[i]);
}

/* The version of the format that came with an opset (ONNX's docs/Versioning.md). */
static int format_of(int opset) {
	static const struct { int opset, format; } table[] = {{21, 10}, {19, 9}, {15, 8}, {13, 7}, {12, 7}, {11, 6}, {10, 5}, {9, 4}};
	for (int i = 0; i < EG_COUNT(table); i++)
		if (opset >= table[i].opset) return table[i].format;
	return 3;
}

/* What a file is made of, for as long as its writing takes. */
typedef struct message {
	writing w;
	Onnx__ModelProto model;
	Onnx__OperatorSetIdProto opset, *opsets[1];
} message;

static void write_notes(writing *w, const eg_onnx_note *notes, Onnx__ModelProto *m) {
	int n = 0;
	while (notes && notes[n].key) n++;
	m->n_metadata_props = (size_t)n;
	m->metadata_props = MESSAGES(w, n, Onnx__StringStringEntryProto, onnx__string_string_entry_proto__init);
	for (int i = 0; i < n && !w->failed; i++) {
		m->metadata_props[i]->key = text(notes[i].key);
		m->metadata_props[i]->value = text(notes[i].value);
	}
}

/* To be released, in every case, with eg_arena_free(&m->w.arena). */
static eg_status make(message *m, const eg_onnx_model *from, const eg_onnx_note *notes, eg_error *err) {
	m->w = (writing){0};
	onnx__model_proto__init(&m->model);
	onnx__operator_set_id_proto__init(&m->opset);
	m->opset.domain = text("");
	m->opset.has_version = true;
	m->opset.version = from->opset;
	m->opsets[0] = &m->opset;
	m->model.has_ir_version = true;
	m->model.ir_version = format_of(from->opset);
	m->model.n_opset_import = 1;
	m->model.opset_import = m->opsets;
	m->model.producer_name = text("engram");
	m->model.producer_version = text(eg_version());
	Onnx__GraphProto **g = MESSAGES(&m->w, 1, Onnx__GraphProto, onnx__graph_proto__init);
	if (!m->w.failed) write_graph(&m->w, from, "graph", m->model.graph = *g);
	if (!m->w.failed) write_notes(&m->w, notes, &m->model);
	if (m->w.failed) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the model");
	if (protobuf_c_message_get_packed_size(&m->model.base) > INT_MAX)
		return eg_fail(err, EG_ERR_ARG, "the model is larger than 2 GB, which a file of ONNX cannot be");
	return EG_OK;
}

typedef struct sink {
	ProtobufCBuffer base;
	eg_writer *writer;
} sink;

static void append(ProtobufCBuffer *buffer, size_t n, const uint8_t *bytes) { eg_writer_put(((sink *)(void *)buffer)->writer, bytes, n); }

eg_status eg_onnx_file_save(const char *path, const eg_onnx_model *from, eg_error *err) {
	message m;
	eg_error why = {0};
	eg_status status = make(&m, from, NULL, &why);
	if (status) eg_fail_prefix(&why, "'%.300s'", path);
	sink to = {.base = {append}, .writer = status ? NULL : eg_writer_new(NULL, path, &why)};
	if (to.writer) protobuf_c_message_pack_to_buffer(&m.model.base, &to.base);
	if (to.writer) eg_writer_commit(to.writer, &why);
	eg_arena_free(&m.w.arena);
	if (err) *err = why;
	return why.status;
}

eg_status eg_onnx_file_bytes(const eg_onnx_model *from, const eg_onnx_note *notes, void **bytes, size_t *size, eg_error *err) {
	message m;
	eg_status status = make(&m, from, notes, err);
	*size = status ? 0 : protobuf_c_message_get_packed_size(&m.model.base);
	*bytes = status ? NULL : eg_alloc(NULL, *size);
	if (!status && !*bytes) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for the model");
	if (!status) protobuf_c_message_pack(&m.model.base, *bytes);
	eg_arena_free(&m.w.arena);
	return status;
}

#else

static eg_status without(eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "this engram was built without protobuf-c or without ONNX's onnx.proto, so it writes no files of ONNX");
}

eg_status eg_onnx_file_save(const char *path, const eg_onnx_model *m, eg_error *err) { return EG_UNUSED(path), EG_UNUSED(m), without(err); }

eg_status eg_onnx_file_bytes(const eg_onnx_model *m, const eg_onnx_note *notes, void **bytes, size_t *size, eg_error *err) {
	*bytes = NULL;
	*size = 0;
	return EG_UNUSED(m), EG_UNUSED(notes), without(err);
}

#endif

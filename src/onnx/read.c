/* read.c - a file of ONNX as the structs of engram_onnx.h. What it means is for whoever imports it
 * (core/onnx_import.c); here it is only complete, and of a size that its bytes allow.
 *
 * The message stays unpacked as long as the file lives: names and weights are not copied. */
#include "engram_onnx_file.h"

#ifdef ENGRAM_HAVE_ONNX

#include "onnx/proto.h"

#include <limits.h>
#include <string.h>

struct eg_onnx_file {
	const eg_allocator *allocator;
	eg_onnx_memory memory;
	eg_arena arena;
	Onnx__ModelProto *message;
	Onnx__TensorProto *tensor;
	eg_onnx_model model;
	const char *producer;
};

enum { LARGEST = INT_MAX }; /* protobuf has no larger messages */

static eg_status no_memory(eg_onnx_reader *r) { return eg_fail(r->err, EG_ERR_MEMORY, "'%.300s': out of memory for the model", r->source); }

static void *take(eg_onnx_reader *r, size_t n, size_t size) { return eg_arena_alloc(r->arena, (n + 1) * size); }

static eg_status read_graph(eg_onnx_reader *r, const Onnx__GraphProto *g, int opset, eg_onnx_model *m);

/* ---- attributes -------------------------------------------------------------------------------------------------- */

/* Bytes as a text of C; NULL: there is no memory, or it ends in between. */
static const char *text_of(eg_onnx_reader *r, const ProtobufCBinaryData *b) {
	char *s = take(r, b->len, 1);
	if (s && b->len) memcpy(s, b->data, b->len);
	return s;
}

static eg_status read_texts(eg_onnx_reader *r, const Onnx__AttributeProto *from, eg_onnx_attr *a) {
	const char **v = take(r, from->n_strings, sizeof *v);
	if (!v) return no_memory(r);
	for (size_t i = 0; i < from->n_strings; i++)
		if (!(v[i] = text_of(r, &from->strings[i]))) return no_memory(r);
	a->strings = v;
	return EG_OK;
}

/* Files before version 2 of the format say the type by what is there. */
static int kind_of(const Onnx__AttributeProto *a) {
	if (a->has_type && a->type) return (int)a->type;
	return a->has_f ? EG_ONNX_A_FLOAT : a->has_i ? EG_ONNX_AN_INT : a->has_s ? EG_ONNX_A_STRING : a->t ? EG_ONNX_A_TENSOR :
		a->g ? EG_ONNX_A_GRAPH : a->n_floats ? EG_ONNX_FLOATS : a->n_strings ? EG_ONNX_STRINGS : EG_ONNX_INTS;
}

static eg_status read_attr(eg_onnx_reader *r, const Onnx__AttributeProto *from, int opset, eg_onnx_attr *a) {
	*a = (eg_onnx_attr){.name = from->name ? from->name : "", .kind = (eg_onnx_kind)kind_of(from), .i = from->i, .f = from->f, .s = "",
		.ints = from->ints, .floats = from->floats};
	switch (a->kind) {
	case EG_ONNX_FLOATS: a->n = (int)from->n_floats; break;
	case EG_ONNX_INTS: a->n = (int)from->n_ints; break;
	case EG_ONNX_STRINGS: a->n = (int)from->n_strings; return read_texts(r, from, a);
	case EG_ONNX_A_STRING: return (a->s = text_of(r, &from->s)) ? EG_OK : no_memory(r);
	case EG_ONNX_A_TENSOR: {
		eg_onnx_tensor *t = take(r, 1, sizeof *t);
		a->tensor = t;
		if (t && !from->t) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': the attribute '%.100s' has no numbers", r->source, a->name);
		return t ? eg_onnx_read_tensor(r, from->t, t) : no_memory(r);
	}
	case EG_ONNX_A_GRAPH: {
		eg_onnx_model *m = take(r, 1, sizeof *m);
		a->graph = m;
		if (m && !from->g) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': the attribute '%.100s' has no graph", r->source, a->name);
		return m ? read_graph(r, from->g, opset, m) : no_memory(r);
	}
	default: break; /* whoever asks for it is told that it is of the wrong type */
	}
	return EG_OK;
}

/* ---- nodes, inputs, outputs -------------------------------------------------------------------------------------- */

static eg_status read_node(eg_onnx_reader *r, const Onnx__NodeProto *from, int opset, eg_onnx_node *n) {
	eg_onnx_attr *attrs = take(r, from->n_attribute, sizeof *attrs);
	if (!attrs) return no_memory(r);
	*n = (eg_onnx_node){.type = from->op_type ? from->op_type : "", .domain = from->domain && *from->domain ? from->domain : NULL,
		.name = from->name && *from->name ? from->name : NULL, .nin = (int)from->n_input, .nout = (int)from->n_output, .nattrs = (int)from->n_attribute,
		.in = (const char *const *)from->input, .out = (const char *const *)from->output, .attrs = attrs};
	eg_status status = EG_OK;
	for (size_t i = 0; i < from->n_attribute && !status; i++) {
		status = read_attr(r, from->attribute[i], opset, &attrs[i]);
		for (size_t k = 0; k < i && !status; k++)
			if (!strcmp(attrs[k].name, attrs[i].name))
				status = eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': %.60s '%.80s' has the attribute '%.100s' twice", r->source, n->type,
					n->name ? n->name : "", attrs[i].name);
	}
	return status;
}

static eg_status read_value(eg_onnx_reader *r, const Onnx__ValueInfoProto *from, eg_onnx_value *v) {
	const char *name = from->name ? from->name : "";
	*v = (eg_onnx_value){.name = name, .rank = -1};
	/* outputs of subgraphs may say nothing */
	if (!from->type || from->type->value_case == ONNX__TYPE_PROTO__VALUE__NOT_SET) return EG_OK;
	if (from->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': '%.100s' is no tensor (a list, a map or an optional value), which is not supported", r->source, name);
	const Onnx__TypeProto__Tensor *t = from->type->tensor_type;
	const Onnx__TensorShapeProto *shape = t ? t->shape : NULL;
	v->type = t ? (eg_onnx_type)t->elem_type : (eg_onnx_type)0;
	if (!shape) return EG_OK;
	if (shape->n_dim > 64) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': '%.100s' has %zu dimensions", r->source, name, shape->n_dim);
	int64_t *dims = take(r, shape->n_dim, sizeof *dims);
	const char **open = take(r, shape->n_dim, sizeof *open);
	if (!dims || !open) return no_memory(r);
	for (size_t i = 0; i < shape->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
		const bool known = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		if (known && (d->dim_value < 0 || d->dim_value > INT32_MAX))
			return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': '%.100s' has the size %lld", r->source, name, (long long)d->dim_value);
		dims[i] = known ? d->dim_value : -1;
		if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM) open[i] = d->dim_param;
	}
	v->rank = (int)shape->n_dim;
	v->dims = dims;
	v->open = open;
	return EG_OK;
}

static eg_status read_values(eg_onnx_reader *r, Onnx__ValueInfoProto *const *from, size_t n, const eg_onnx_value **to, int *count) {
	eg_onnx_value *v = take(r, n, sizeof *v);
	eg_status status = v ? EG_OK : no_memory(r);
	for (size_t i = 0; i < n && !status; i++) status = read_value(r, from[i], &v[i]);
	*to = v;
	*count = (int)n;
	return status;
}

static eg_status read_graph(eg_onnx_reader *r, const Onnx__GraphProto *g, int opset, eg_onnx_model *m) {
	*m = (eg_onnx_model){.opset = opset, .nnodes = (int)g->n_node, .ntensors = (int)g->n_initializer};
	if (g->n_sparse_initializer) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s': it has sparse numbers, which are not supported", r->source);
	eg_onnx_node *nodes = take(r, g->n_node, sizeof *nodes);
	eg_onnx_tensor *tensors = take(r, g->n_initializer, sizeof *tensors);
	eg_status status = nodes && tensors ? EG_OK : no_memory(r);
	for (size_t i = 0; i < g->n_initializer && !status; i++) status = eg_onnx_read_tensor(r, g->initializer[i], &tensors[i]);
	for (size_t i = 0; i < g->n_node && !status; i++) status = read_node(r, g->node[i], opset, &nodes[i]);
	if (!status) status = read_values(r, g->input, g->n_input, &m->inputs, &m->ninputs);
	if (!status) status = read_values(r, g->output, g->n_output, &m->outputs, &m->noutputs);
	m->nodes = nodes;
	m->tensors = tensors;
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool own_domain(const char *d) { return !d || !*d || !strcmp(d, "ai.onnx"); }

static eg_status read_opset(eg_onnx_reader *r, const Onnx__ModelProto *m, int *opset) {
	*opset = m->n_opset_import ? 0 : 1; /* files before version 3 of the format have none, and mean the first */
	for (size_t i = 0; i < m->n_opset_import; i++) {
		if (!own_domain(m->opset_import[i]->domain)) continue;
		if (*opset) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s' names two versions of ONNX's operators", r->source);
		*opset = m->opset_import[i]->version > 0 && m->opset_import[i]->version < INT_MAX ? (int)m->opset_import[i]->version : -1;
	}
	if (*opset < 1) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s' does not say which version of ONNX's operators it is made of", r->source);
	if (*opset > EG_ONNX_OPSET_MOST)
		return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s' is made of opset %d; models of opsets up to %d are read", r->source, *opset, EG_ONNX_OPSET_MOST);
	return EG_OK;
}

static eg_status read_model(eg_onnx_reader *r, eg_onnx_file *f) {
	const Onnx__ModelProto *m = f->message;
	int opset;
	if (!m->graph) return eg_fail(r->err, EG_ERR_FORMAT, "'%.300s' has no graph: it is no model of ONNX", r->source);
	eg_status status = read_opset(r, m, &opset);
	f->producer = eg_arena_printf(&f->arena, "%s%s%s", m->producer_name ? m->producer_name : "", m->producer_version && *m->producer_version ? " " : "",
		m->producer_version ? m->producer_version : "");
	if (!f->producer) return no_memory(r);
	return status ? status : read_graph(r, m->graph, opset, &f->model);
}

static eg_status read_alone(eg_onnx_reader *r, eg_onnx_file *f) {
	eg_onnx_tensor *t = take(r, 1, sizeof *t);
	f->producer = "";
	f->model = (eg_onnx_model){.ntensors = 1, .tensors = t};
	return t ? eg_onnx_read_tensor(r, f->tensor, t) : no_memory(r);
}

/* The folder that a path is in. */
static const char *folder_of(eg_arena *a, const char *path) {
	const char *slash = strrchr(path, '/');
	return slash ? eg_arena_printf(a, "%.*s", (int)(slash - path + (slash == path)), path) : ".";
}

/* The bytes are given back as soon as they are unpacked, so that a large model is in memory twice at most. */
static eg_onnx_file *parse(const char *path, char *owned, const void *bytes, size_t size, bool alone, const char *source, eg_error *err) {
	eg_onnx_file *f = eg_calloc(NULL, 1, sizeof *f);
	const ProtobufCMessageDescriptor *kind = alone ? &onnx__tensor_proto__descriptor : &onnx__model_proto__descriptor;
	eg_status status = f ? eg_onnx_check_wire(kind, bytes, size, source, err) : eg_fail(err, EG_ERR_MEMORY, "'%.300s': out of memory", source);
	if (f && !status) {
		eg_onnx_memory_init(&f->memory, NULL, size);
		ProtobufCMessage *m = protobuf_c_message_unpack(kind, &f->memory.allocator, size, bytes);
		if (alone) f->tensor = (Onnx__TensorProto *)m;
		else f->message = (Onnx__ModelProto *)m;
		if (!m && f->memory.refused) status = eg_fail(err, EG_ERR_FORMAT, "'%.300s' would take memory out of proportion to its size", source);
		else if (!m) status = eg_fail(err, EG_ERR_FORMAT, "'%.300s' is no file of ONNX, or damaged", source);
	}
	eg_release(NULL, owned);
	if (f && !status) {
		const char *folder = path ? folder_of(&f->arena, path) : NULL;
		eg_onnx_reader r = {.source = source, .folder = folder, .arena = &f->arena, .err = err};
		status = path && !folder ? no_memory(&r) : alone ? read_alone(&r, f) : read_model(&r, f);
	}
	if (!status) return f;
	eg_onnx_file_free(f);
	return NULL;
}

static eg_onnx_file *load(const char *path, bool alone, eg_error *err) {
	char *bytes;
	size_t size;
	if (eg_file_read(NULL, path, LARGEST, &bytes, &size, err)) return NULL;
	return parse(path, bytes, bytes, size, alone, path, err);
}

eg_onnx_file *eg_onnx_file_load(const char *path, eg_error *err) { return load(path, false, err); }
eg_onnx_file *eg_onnx_file_load_tensor(const char *path, eg_error *err) { return load(path, true, err); }
eg_onnx_file *eg_onnx_file_parse(const void *bytes, size_t size, const char *source, eg_error *err) {
	return parse(NULL, NULL, bytes, size, false, source, err);
}

void eg_onnx_file_free(eg_onnx_file *f) {
	if (!f) return;
	if (f->message) onnx__model_proto__free_unpacked(f->message, &f->memory.allocator);
	if (f->tensor) onnx__tensor_proto__free_unpacked(f->tensor, &f->memory.allocator);
	eg_arena_free(&f->arena);
	eg_release(f->allocator, f);
}

const eg_onnx_model *eg_onnx_file_model(const eg_onnx_file *f) { return &f->model; }
const char *eg_onnx_file_producer(const eg_onnx_file *f) { return f->producer; }

const char *eg_onnx_file_note(const eg_onnx_file *f, const char *key) {
	for (size_t i = 0; f->message && i < f->message->n_metadata_props; i++) {
		const Onnx__StringStringEntryProto *e = f->message->metadata_props[i];
		if (e->key && e->value && !strcmp(e->key, key)) return e->value;
	}
	return NULL;
}

#else

#include "base/base.h"

static eg_onnx_file *without(eg_error *err) {
	eg_fail(err, EG_ERR_ARG, "this engram was built without protobuf-c or without ONNX's onnx.proto, so it reads and writes no files of ONNX");
	return NULL;
}

eg_onnx_file *eg_onnx_file_load(const char *path, eg_error *err) { return EG_UNUSED(path), without(err); }
eg_onnx_file *eg_onnx_file_load_tensor(const char *path, eg_error *err) { return EG_UNUSED(path), without(err); }
eg_onnx_file *eg_onnx_file_parse(const void *bytes, size_t size, const char *source, eg_error *err) {
	return EG_UNUSED(bytes), EG_UNUSED(size), EG_UNUSED(source), without(err);
}
void eg_onnx_file_free(eg_onnx_file *f) { EG_UNUSED(f); }
const eg_onnx_model *eg_onnx_file_model(const eg_onnx_file *f) { return EG_UNUSED(f), NULL; }
const char *eg_onnx_file_producer(const eg_onnx_file *f) { return EG_UNUSED(f), ""; }
const char *eg_onnx_file_note(const eg_onnx_file *f, const char *key) { return EG_UNUSED(f), EG_UNUSED(key), NULL; }

#endif

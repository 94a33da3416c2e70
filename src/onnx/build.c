/* build.c - a model of ONNX put together in memory. What for, see lower.c. */
#include "onnx/build.h"

#include <stdarg.h>
#include <string.h>

enum { MOST_ATTRS = 8 }; /* of a node that is made here */

void eg_build_free(eg_build *b) {
	eg_release(NULL, b->nodes);
	eg_release(NULL, b->tensors);
	eg_release(NULL, b->inputs);
	eg_release(NULL, b->outputs);
	eg_arena_free(&b->arena);
}

static void no_memory(eg_build *b) {
	if (!b->error.status) eg_fail(&b->error, EG_ERR_MEMORY, "out of memory for a model");
}

void eg_build_fail(eg_build *b, const char *fmt, ...) {
	char text[900];
	va_list list;
	if (b->error.status) return;
	va_start(list, fmt);
	vsnprintf(text, sizeof text, fmt, list);
	va_end(list);
	eg_fail(&b->error, EG_ERR_ARG, "%s", text);
}

void *eg_build_take(eg_build *b, size_t bytes) {
	void *p = b->error.status ? NULL : eg_arena_alloc(&b->arena, bytes + 1);
	if (!p) no_memory(b);
	return p;
}

const char *eg_build_text(eg_build *b, const char *s) {
	const char *copy = b->error.status ? NULL : eg_arena_strdup(&b->arena, s);
	if (!copy) no_memory(b);
	return copy ? copy : "";
}

const char *eg_build_name(eg_build *b, const char *what) {
	const char *name = b->error.status ? NULL : eg_arena_printf(&b->arena, "%s.%s%d", b->where ? b->where : "model", what, b->count++);
	if (!name) no_memory(b);
	return name ? name : "";
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

#define APPEND(b, list, cap, n, v) \
	do { \
		if ((b)->error.status) break; \
		if (eg_grow(NULL, &(b)->list, &(b)->cap, (b)->model.n, sizeof *(b)->list)) (b)->list[(b)->model.n++] = (v); \
		else no_memory(b); \
		(b)->model.list = (b)->list; \
	} while (0)

void eg_build_keep_node(eg_build *b, const eg_onnx_node *n) { APPEND(b, nodes, cap_nodes, nnodes, *n); }
void eg_build_keep_tensor(eg_build *b, const eg_onnx_tensor *t) { APPEND(b, tensors, cap_tensors, ntensors, *t); }
void eg_build_keep_input(eg_build *b, const eg_onnx_value *v) { APPEND(b, inputs, cap_inputs, ninputs, *v); }
void eg_build_keep_output(eg_build *b, const eg_onnx_value *v) { APPEND(b, outputs, cap_outputs, noutputs, *v); }

const eg_onnx_tensor *eg_build_tensor(const eg_build *b, const char *name) {
	for (int i = 0; i < b->model.ntensors && *name; i++)
		if (!strcmp(b->tensors[i].name, name)) return &b->tensors[i];
	return NULL;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

const char *eg_build_node(eg_build *b, const char *type, const char *const *in, const char *out) {
	int n = 0;
	while (in[n]) n++;
	while (n && !*in[n - 1]) n--; /* what is left out at the end is not named */
	const char **names = eg_build_take(b, sizeof *names * (size_t)(n + 1)), **results = eg_build_take(b, sizeof *results);
	eg_onnx_node node = {.type = eg_build_text(b, type), .name = eg_build_name(b, type), .nin = n, .nout = 1, .in = names, .out = results};
	b->attrs = eg_build_take(b, sizeof *b->attrs * MOST_ATTRS);
	node.attrs = b->attrs;
	if (b->error.status) return "";
	for (int i = 0; i < n; i++) names[i] = eg_build_text(b, in[i]);
	results[0] = out ? eg_build_text(b, out) : eg_build_name(b, "between");
	eg_build_keep_node(b, &node);
	return results[0];
}

static eg_onnx_attr *attribute(eg_build *b, const char *name, eg_onnx_kind kind) {
	if (b->error.status) return &b->nowhere;
	eg_onnx_attr *a = &b->attrs[b->nodes[b->model.nnodes - 1].nattrs++];
	*a = (eg_onnx_attr){.name = eg_build_text(b, name), .kind = kind};
	return a;
}

void eg_build_int(eg_build *b, const char *name, int64_t v) { attribute(b, name, EG_ONNX_AN_INT)->i = v; }

void eg_build_int_list(eg_build *b, const char *name, const int64_t *v, int n) {
	eg_onnx_attr *a = attribute(b, name, EG_ONNX_INTS);
	int64_t *copy = eg_build_take(b, sizeof *v * (size_t)n);
	if (!copy) return;
	memcpy(copy, v, sizeof *v * (size_t)n);
	a->ints = copy;
	a->n = n;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

void eg_build_enter(eg_build *b, eg_build_outer *o) {
	b->depth++;
	*o = (eg_build_outer){b->model, b->nodes, b->inputs, b->outputs, b->cap_nodes, b->cap_inputs, b->cap_outputs};
	b->nodes = NULL;
	b->inputs = b->outputs = NULL;
	b->cap_nodes = b->cap_inputs = b->cap_outputs = 0;
	b->model.nnodes = b->model.ninputs = b->model.noutputs = 0;
}

static const void *kept(eg_build *b, const void *list, int n, size_t size) {
	void *copy = eg_build_take(b, (size_t)n * size);
	if (copy && n) memcpy(copy, list, (size_t)n * size);
	return copy;
}

/* The body, and the builder as it was outside. */
static eg_onnx_model *leave(eg_build *b, const eg_build_outer *o) {
	eg_onnx_model *body = eg_build_take(b, sizeof *body), *m = &b->model;
	if (body) {
		*body = (eg_onnx_model){.opset = m->opset, .nnodes = m->nnodes, .ninputs = m->ninputs, .noutputs = m->noutputs};
		body->nodes = kept(b, b->nodes, m->nnodes, sizeof *b->nodes);
		body->inputs = kept(b, b->inputs, m->ninputs, sizeof *b->inputs);
		body->outputs = kept(b, b->outputs, m->noutputs, sizeof *b->outputs);
	}
	eg_release(NULL, b->nodes);
	eg_release(NULL, b->inputs);
	eg_release(NULL, b->outputs);
	m->nnodes = o->model.nnodes, m->ninputs = o->model.ninputs, m->noutputs = o->model.noutputs;
	m->nodes = b->nodes = o->nodes;
	m->inputs = b->inputs = o->inputs;
	m->outputs = b->outputs = o->outputs;
	b->cap_nodes = o->cap_nodes, b->cap_inputs = o->cap_inputs, b->cap_outputs = o->cap_outputs;
	return body;
}

void eg_build_scan(eg_build *b, eg_build_outer *outer, const char *const *in, int inputs, bool reverse, const char **out, int nout) {
	int64_t *backwards = eg_build_take(b, sizeof *backwards * (size_t)(inputs + nout));
	eg_onnx_model *body = leave(b, outer);
	b->depth--;
	b->steps = (struct eg_build_steps){0}; /* they may be the body's */
	const char *first = eg_build_node(b, "Scan", in, NULL), **names = eg_build_take(b, sizeof *names * (size_t)nout);
	const int states = body && !b->error.status ? b->nodes[b->model.nnodes - 1].nin - inputs : 0;
	for (int i = 0; i < inputs + nout && backwards; i++) backwards[i] = 1;
	for (int i = 0; i < nout; i++) out[i] = i && names ? eg_build_name(b, "between") : first;
	if (b->error.status || !names || !backwards) return;
	memcpy(names, out, sizeof *names * (size_t)nout);
	b->nodes[b->model.nnodes - 1].out = names;
	b->nodes[b->model.nnodes - 1].nout = nout;
	attribute(b, "body", EG_ONNX_A_GRAPH)->graph = body;
	eg_build_int(b, "num_scan_inputs", inputs);
	if (reverse) eg_build_int_list(b, "scan_input_directions", backwards, inputs);
	if (reverse && nout > states) eg_build_int_list(b, "scan_output_directions", backwards, nout - states);
}

const char *eg_build_in(eg_build *b, const char *what) {
	const eg_onnx_value v = {.name = eg_build_name(b, what), .type = EG_ONNX_FLOAT, .rank = -1};
	eg_build_keep_input(b, &v);
	return v.name;
}

/* Under a name of its own: a value may be several outputs, or an input too. */
void eg_build_out(eg_build *b, const char *value) {
	const eg_onnx_value v = {.name = eg_build_node(b, "Identity", EG_IN(value), NULL), .type = EG_ONNX_FLOAT, .rank = -1};
	eg_build_keep_output(b, &v);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static const char *numbers(eg_build *b, eg_onnx_type type, const eg_dims *dims, const void *v, size_t bytes) {
	int64_t *d = eg_build_take(b, sizeof dims->d);
	void *copy = eg_build_take(b, bytes);
	if (!d || !copy) return "";
	memcpy(d, dims->d, sizeof dims->d);
	memcpy(copy, v, bytes);
	const eg_onnx_tensor t = {eg_build_name(b, "numbers"), type, dims->rank, d, copy};
	eg_build_keep_tensor(b, &t);
	return t.name;
}

const char *eg_build_ints(eg_build *b, const int64_t *v, int n) {
	return numbers(b, EG_ONNX_INT64, &EG_DIMS(n), v, sizeof *v * (size_t)n);
}

const char *eg_build_whole(eg_build *b, int64_t v) { return numbers(b, EG_ONNX_INT64, &(eg_dims){0}, &v, sizeof v); }

const char *eg_build_reals(eg_build *b, const float *v, eg_dims dims) {
	return numbers(b, EG_ONNX_FLOAT, &dims, v, (size_t)eg_dims_count(&dims, 0) * sizeof *v);
}

const char *eg_build_real(eg_build *b, double v) {
	const float one = (float)v;
	return numbers(b, EG_ONNX_FLOAT, &(eg_dims){0}, &one, sizeof one);
}

/* ---- nodes that are called often --------------------------------------------------------------------------------- */

const char *eg_build_unsqueeze(eg_build *b, const char *x, const int64_t *axes, int n) {
	return n ? eg_build_node(b, "Unsqueeze", EG_IN(x, eg_build_ints(b, axes, n)), NULL) : x;
}

const char *eg_build_squeeze(eg_build *b, const char *x, int64_t axis, const char *out) {
	return eg_build_node(b, "Squeeze", EG_IN(x, eg_build_ints(b, &axis, 1)), out);
}

const char *eg_build_transpose(eg_build *b, const char *x, const int64_t *perm, int n, const char *out) {
	const char *y = eg_build_node(b, "Transpose", EG_IN(x), out);
	eg_build_int_list(b, "perm", perm, n);
	return y;
}

const char *eg_build_reshape(eg_build *b, const char *x, const int64_t *shape, int n, const char *out) {
	return eg_build_node(b, "Reshape", EG_IN(x, eg_build_ints(b, shape, n)), out);
}

const char *eg_build_cast(eg_build *b, const char *x, eg_onnx_type to) {
	const char *y = eg_build_node(b, "Cast", EG_IN(x), NULL);
	eg_build_int(b, "to", to);
	return y;
}

/* Of ReduceSum the axes are an input since opset 13, of the others since 18. */
const char *eg_build_reduce(eg_build *b, const char *type, const char *x, int64_t axis, const char *out) {
	const bool input = b->model.opset >= 18 || !strcmp(type, "ReduceSum");
	const char *y = eg_build_node(b, type, EG_IN(x, input ? eg_build_ints(b, &axis, 1) : ""), out);
	if (!input) eg_build_int_list(b, "axes", &axis, 1);
	eg_build_int(b, "keepdims", 0);
	return y;
}

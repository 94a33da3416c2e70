/* onnx_import.c - a model of ONNX becomes a graph and its parameters: node by node, by the hook of an operator that
 * knows its type, or by what a descriptor says.
 *
 * Not here: the way out (onnx_export.c), files. Nothing of a model is trusted: names may be missing or double, numbers
 * of any size. */
#define _POSIX_C_SOURCE 200809L /* strcasecmp */

#include "core/onnx_import.h"
#include "core/params.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void no_memory(eg_import *m) {
	if (!m->error.status) eg_fail(&m->error, EG_ERR_MEMORY, "out of memory for a model");
}

void *eg_import_take(eg_import *m, size_t bytes) {
	void *p = m->error.status ? NULL : eg_arena_alloc(&m->arena, bytes + 1);
	if (!p) no_memory(m);
	return p;
}

static const char *text_of(const char *s) { return s ? s : ""; }

void eg_import_fail(eg_import *m, const char *why, ...) {
	char text[600];
	va_list list;
	if (m->error.status) return;
	va_start(list, why);
	vsnprintf(text, sizeof text, why, list);
	va_end(list);
	if (m->node)
		eg_fail(&m->error, EG_ERR_ARG, "%.60s '%.80s' (opset %d): %s", text_of(m->node->type), text_of(m->node->name), m->model->opset, text);
	else
		eg_fail(&m->error, EG_ERR_ARG, "%s", text);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

uint64_t eg_import_hash(const char *name) {
	uint64_t h = 14695981039346656037u; /* FNV-1a */
	for (const char *c = name; *c; c++) h = (h ^ (unsigned char)*c) * 1099511628211u;
	return h;
}

/* Where this name stands, or the gap where it belongs. */
static eg_import_name **place(const eg_import *m, const char *name) {
	size_t at = (size_t)eg_import_hash(name) % m->room;
	while (m->names[at] && strcmp(m->names[at]->name, name)) at = (at + 1) % m->room;
	return &m->names[at];
}

static bool make_room(eg_import *m, size_t room) {
	eg_import_name **old = m->names, **names = eg_import_take(m, room * sizeof *names);
	const size_t n = m->room;
	if (!names) return false;
	m->names = names;
	m->room = room;
	for (size_t i = 0; i < n; i++)
		if (old[i]) *place(m, old[i]->name) = old[i];
	return true;
}

eg_import_name *eg_import_look_up(eg_import *m, const char *name) { return *place(m, name); }

/* A new name; NULL: it is there already, or empty. */
eg_import_name *eg_import_declare(eg_import *m, const char *name) {
	if (!name || !*name || *place(m, name) || (m->used >= m->room / 2 && !make_room(m, 2 * m->room))) return NULL;
	eg_import_name *k = eg_import_take(m, sizeof *k);
	if (!k) return NULL;
	k->name = name;
	m->used++;
	return *place(m, name) = k;
}

bool eg_import_alias(eg_import *m, const char *name, const char *from) {
	const eg_import_name *f = eg_import_look_up(m, from);
	eg_import_name *k = f ? eg_import_declare(m, name) : NULL;
	if (!k) return false;
	const char *own = k->name;
	*k = *f;
	k->name = own;
	return true;
}

const char *eg_import_fresh(eg_import *m) {
	const char *name;
	do name = eg_arena_printf(&m->arena, "\001%d", ++m->between); /* names that hardly a model has */
	while (name && eg_import_look_up(m, name));
	if (!name) no_memory(m);
	return name ? name : "";
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

size_t eg_onnx_type_size(eg_onnx_type type) {
	switch (type) {
	case EG_ONNX_UINT8: case EG_ONNX_INT8: case EG_ONNX_BOOL: return 1;
	case EG_ONNX_UINT16: case EG_ONNX_INT16: case EG_ONNX_FLOAT16: case EG_ONNX_BFLOAT16: return 2;
	case EG_ONNX_FLOAT: case EG_ONNX_INT32: case EG_ONNX_UINT32: return 4;
	case EG_ONNX_DOUBLE: case EG_ONNX_INT64: case EG_ONNX_UINT64: return 8;
	case EG_ONNX_STRING: break;
	}
	return 0;
}

/* Element i as a double; integers beyond 2^53 lose their last bits. */
double eg_import_number_at(const eg_onnx_tensor *t, int64_t i) {
	const char *p = (const char *)t->data + (size_t)i * eg_onnx_type_size(t->type);
	union {
		float f; double d; int8_t i8; uint8_t u8; int16_t i16; uint16_t u16; int32_t i32; uint32_t u32; int64_t i64; uint64_t u64;
	} v = {0};
	memcpy(&v, p, eg_onnx_type_size(t->type));
	switch (t->type) {
	case EG_ONNX_FLOAT: return (double)v.f;
	case EG_ONNX_DOUBLE: return v.d;
	case EG_ONNX_INT8: return v.i8;
	case EG_ONNX_UINT8: return v.u8;
	case EG_ONNX_BOOL: return v.u8 != 0;
	case EG_ONNX_INT16: return v.i16;
	case EG_ONNX_UINT16: return v.u16;
	case EG_ONNX_INT32: return v.i32;
	case EG_ONNX_UINT32: return v.u32;
	case EG_ONNX_INT64: return (double)v.i64;
	case EG_ONNX_UINT64: return (double)v.u64;
	case EG_ONNX_FLOAT16: return eg_f16_value(v.u16);
	case EG_ONNX_BFLOAT16: return eg_bf16_value(v.u16);
	case EG_ONNX_STRING: break;
	}
	return NAN;
}

int64_t eg_import_int_at(const eg_onnx_tensor *t, int64_t i) {
	int64_t v;
	if (t->type != EG_ONNX_INT64) return (int64_t)eg_import_number_at(t, i);
	memcpy(&v, (const char *)t->data + 8 * i, 8);
	return v;
}

bool eg_import_is_integer(eg_onnx_type type) {
	return type == EG_ONNX_UINT8 || type == EG_ONNX_INT8 || type == EG_ONNX_UINT16 || type == EG_ONNX_INT16 || type == EG_ONNX_INT32 ||
		type == EG_ONNX_INT64 || type == EG_ONNX_UINT32 || type == EG_ONNX_UINT64;
}

/* Its dimensions and how many numbers it has; -1: they cannot be. */
int64_t eg_import_count(const eg_onnx_tensor *t, eg_dims *dims) {
	int64_t n = 1;
	if (t->rank < 0 || t->rank > EG_MAX_DIMS) return -1;
	dims->rank = t->rank;
	for (int i = 0; i < t->rank; i++) {
		if (t->dims[i] < 0 || t->dims[i] > INT32_MAX) return -1;
		dims->d[i] = t->dims[i];
		n *= t->dims[i];
		if (n > INT32_MAX) return -1;
	}
	return n;
}

static const eg_onnx_tensor *numbers_of(eg_import *m, int i) {
	eg_import_name *k = eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL;
	return k ? k->numbers : NULL;
}

const real *eg_import_reals(eg_import *m, int i, eg_dims *dims) {
	eg_dims own;
	const eg_onnx_tensor *t = numbers_of(m, i);
	int64_t n = t ? eg_import_count(t, dims ? dims : &own) : -1;
	if (!t) eg_import_fail(m, "input %d must be numbers of the model: weights here", i);
	else if (n < 0 || t->type == EG_ONNX_STRING) eg_import_fail(m, "input %d '%.80s' is of a shape or type that weights cannot have", i, text_of(t->name));
	if (m->error.status) return NULL;
	if (t->type == (sizeof(real) == 4 ? EG_ONNX_FLOAT : EG_ONNX_DOUBLE) && (uintptr_t)t->data % _Alignof(real) == 0) return t->data;
	real *v = eg_import_take(m, (size_t)n * sizeof *v);
	for (int64_t k = 0; k < n && v; k++) v[k] = (real)eg_import_number_at(t, k);
	return v;
}

real *eg_import_room(eg_import *m, int64_t n) { return eg_import_take(m, (size_t)n * sizeof(real)); }

real *eg_import_turned(eg_import *m, const real *v, int64_t rows, int64_t columns) {
	real *w = eg_import_take(m, (size_t)(rows * columns) * sizeof *w);
	enum { TILE = 16 }; /* what is read and what is written of one fit into the cache */
	for (int64_t r = 0; r < rows && w && v; r += TILE)
		for (int64_t c = 0; c < columns; c += TILE)
			for (int64_t k = c; k < columns && k < c + TILE; k++)
				for (int64_t i = r; i < rows && i < r + TILE; i++) w[k * rows + i] = v[i * columns + k];
	return w;
}

bool eg_import_known(const eg_import *m, int i) { return numbers_of((eg_import *)m, i) != NULL; }

int eg_import_ints(eg_import *m, int i, int64_t *v, int most) {
	eg_dims dims;
	const eg_onnx_tensor *t = numbers_of(m, i);
	int64_t n = t && eg_import_is_integer(t->type) ? eg_import_count(t, &dims) : -1;
	if (n < 0) eg_import_fail(m, "input %d must be integers that are part of the model; sizes that are computed are not supported", i);
	else if (n > most) eg_import_fail(m, "input %d has %lld integers, at most %d are possible", i, (long long)n, most);
	if (m->error.status) return -1;
	for (int64_t k = 0; k < n; k++) v[k] = eg_import_int_at(t, k);
	return (int)n;
}

static eg_ints narrowed(eg_import *m, const int64_t *wide, int n) {
	int *v = n < 0 ? NULL : eg_import_take(m, sizeof *v * (size_t)n);
	for (int k = 0; k < n && v; k++) v[k] = wide[k] > INT32_MAX ? INT32_MAX : wide[k] < -INT32_MAX ? -INT32_MAX : (int)wide[k];
	return (eg_ints){v, v ? n : 0};
}

eg_ints eg_import_shape(eg_import *m, int i, const eg_dims *x, bool right) {
	const eg_import_name *k = eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL;
	const eg_import_sizes *s = k ? k->sizes : NULL;
	if (!s) return eg_import_list(m, i);
	int *v = s->n <= EG_MAX_DIMS ? eg_import_take(m, sizeof *v * (size_t)s->n) : NULL, rest = 0;
	for (int e = 0; e < s->n && v; e++) {
		const int at = right ? e - (s->n - x->rank) : e; /* the place of x that belongs to it */
		rest += !s->open[e] && s->v[e] == -1;
		v[e] = s->v[e] > INT32_MAX ? INT32_MAX : s->v[e] < -INT32_MAX ? -INT32_MAX : (int)s->v[e];
		if (!s->open[e]) continue;
		if (at >= 0 && at < x->rank && x->d[at] == s->v[e]) v[e] = 0;
		else if (!right && !rest++) v[e] = -1;
		else eg_import_fail(m, "open sizes in such places of the shape are not supported");
	}
	if (!v) eg_import_fail(m, "a shape of %d sizes is not supported", s->n);
	return (eg_ints){v, v ? s->n : 0};
}

bool eg_import_is_zero(eg_import *m, int i) {
	const eg_import_name *k = eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL;
	eg_dims dims;
	if (k && k->fill) return eg_import_number_at(k->fill, 0) == 0;
	if (!k || !k->numbers) return false;
	const int64_t n = k->numbers->type == EG_ONNX_STRING ? -1 : eg_import_count(k->numbers, &dims);
	for (int64_t e = 0; e < n; e++)
		if (eg_import_number_at(k->numbers, e) != 0) return false;
	return n > 0;
}

bool eg_import_no_state(eg_import *m, int i, int axis, int64_t dirs, int64_t hidden) {
	if (!eg_import_has_in(m, i)) return true;
	if (!eg_import_is_zero(m, i)) return false;
	const eg_import_name *k = eg_import_look_up(m, m->node->in[i]);
	const int64_t *d = k->fill ? k->shape->v : k->numbers->dims;
	if ((k->fill ? k->shape->n : k->numbers->rank) != 3 || d[axis] != dirs || d[2] != hidden)
		eg_import_fail(m, "input %d, a state, must have %lld directions and %lld units", i, (long long)dirs, (long long)hidden);
	return true;
}

bool eg_import_has_zero(eg_import *m, int i) {
	const eg_import_name *k = eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL;
	eg_dims dims;
	const int64_t n = k && k->sizes ? k->sizes->n : k && k->numbers ? eg_import_count(k->numbers, &dims) : 0;
	bool zero = false;
	for (int64_t e = 0; e < n; e++) zero |= k->sizes ? !k->sizes->open[e] && k->sizes->v[e] == 0 : eg_import_number_at(k->numbers, e) == 0;
	return zero;
}

eg_ints eg_import_list(eg_import *m, int i) {
	int64_t wide[EG_MAX_DIMS];
	return narrowed(m, wide, eg_import_has_in(m, i) ? eg_import_ints(m, i, wide, EG_MAX_DIMS) : -1);
}

eg_ints eg_import_axes(eg_import *m, int i) {
	int64_t wide[EG_MAX_DIMS];
	const int n = eg_import_int_list(m, "axes", wide, EG_MAX_DIMS);
	return n < 0 ? eg_import_list(m, i) : narrowed(m, wide, n);
}

double eg_import_number(eg_import *m, int i) {
	eg_dims dims;
	const eg_onnx_tensor *t = numbers_of(m, i);
	if (t && t->type != EG_ONNX_STRING && eg_import_count(t, &dims) == 1) return eg_import_number_at(t, 0);
	eg_import_fail(m, "input %d must be one number that is part of the model", i);
	return 0;
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

eg_graph *eg_import_graph(eg_import *m) { return m->graph; }
const char *eg_import_type(const eg_import *m) { return m->node->type; }
int eg_import_opset(const eg_import *m) { return m->model->opset; }
int eg_import_nin(const eg_import *m) { return m->node->nin; }
int eg_import_nout(const eg_import *m) { return m->node->nout; }
const char *eg_import_out_name(const eg_import *m, int i) { return i < m->node->nout ? text_of(m->node->out[i]) : ""; }
bool eg_import_has_in(const eg_import *m, int i) { return i < m->node->nin && m->node->in[i] && *m->node->in[i]; }

/* Numbers of the model as a constant of the graph. */
static eg_tensor constant(eg_import *m, const eg_onnx_tensor *t) {
	eg_dims dims;
	int64_t n = eg_import_count(t, &dims);
	bool whole = eg_import_is_integer(t->type) || t->type == EG_ONNX_BOOL;
	if (n < 1 || t->type == EG_ONNX_STRING) {
		eg_import_fail(m, "'%.80s' has no numbers, or is of a type that is not supported", text_of(t->name));
		return (eg_tensor){0};
	}
	void *v = eg_import_take(m, (size_t)n * (whole ? sizeof(int32_t) : sizeof(real)));
	for (int64_t i = 0; i < n && v; i++) {
		double x = eg_import_number_at(t, i);
		if (whole)
			/* "to the end" of slices */
			((int32_t *)v)[i] = x >= INT32_MAX ? INT32_MAX : x <= INT32_MIN ? INT32_MIN : (int32_t)x;
		else
			((real *)v)[i] = (real)x;
	}
	return v ? eg_constant(m->graph, v, whole ? EG_I32 : EG_F32, dims) : (eg_tensor){0};
}

static void graph_failed(eg_import *m) {
	eg_error err;
	if (!m->error.status && eg_graph_status(m->graph, &err)) eg_import_fail(m, "%s", err.message);
}

static eg_tensor cast_to(eg_import *m, eg_tensor t, eg_dtype type) {
	const struct { const char *name; int to; } o = {.to = (int)type};
	eg_tensor c = eg_apply(m->graph, "cast", &o, &t, 1);
	graph_failed(m);
	return c;
}

/* Types that only stand at edges become those that operators compute with. */
static eg_tensor as_plain(eg_import *m, eg_tensor t) {
	const eg_dtype type = eg_tensor_dtype(m->graph, t);
	if (!t.id || type == EG_F32 || type == EG_I32) return t;
	return cast_to(m, t, type == EG_I64 || type == EG_U8 ? EG_I32 : EG_F32);
}

eg_tensor eg_import_in(eg_import *m, int i) {
	if (m->error.status || !eg_import_has_in(m, i)) return (eg_tensor){0};
	eg_import_name *k = eg_import_look_up(m, m->node->in[i]);
	if (!k) {
		eg_import_fail(m, "input %d '%.80s' is nothing that is computed before it", i, m->node->in[i]);
		return (eg_tensor){0};
	}
	if (!k->value.id && k->numbers) k->value = constant(m, k->numbers);
	if (!k->value.id && k->fill) k->value = eg_import_expanded(m, constant(m, k->fill), k->shape);
	if (!k->value.id && k->sizes) eg_import_fail(m, "input %d '%.80s' has sizes that are open before there is a plan", i, k->name);
	if (!k->plain.id) k->plain = as_plain(m, k->value);
	return k->plain;
}

eg_tensor eg_import_raw(eg_import *m, int i) {
	eg_import_name *k = m->error.status || !eg_import_has_in(m, i) ? NULL : eg_import_look_up(m, m->node->in[i]);
	if (k && !k->numbers && k->value.id) return k->value;
	return eg_import_in(m, i);
}

eg_dims eg_import_in_dims(eg_import *m, int i) {
	eg_dims dims = {.rank = -1};
	const eg_onnx_tensor *t = numbers_of(m, i);
	if (t && eg_import_count(t, &dims) >= 0) return dims;
	eg_tensor v = eg_import_in(m, i);
	return v.id ? eg_tensor_dims(m->graph, v) : (eg_dims){.rank = -1};
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

const eg_onnx_attr *eg_import_attr(eg_import *m, const char *name, eg_onnx_kind kind) {
	for (int i = 0; i < m->node->nattrs; i++) {
		const eg_onnx_attr *a = &m->node->attrs[i];
		if (!a->name || strcmp(a->name, name)) continue;
		m->read[i] = true;
		if (a->kind == kind) return a;
		eg_import_fail(m, "attribute '%s' is of the wrong type", name);
		return NULL;
	}
	return NULL;
}

int64_t eg_import_int(eg_import *m, const char *name, int64_t absent) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_AN_INT);
	return a ? a->i : absent;
}
double eg_import_float(eg_import *m, const char *name, double absent) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_A_FLOAT);
	return a ? (double)a->f : absent;
}
const char *eg_import_string(eg_import *m, const char *name, const char *absent) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_A_STRING);
	return a && a->s ? a->s : absent;
}
int eg_import_int_list(eg_import *m, const char *name, int64_t *v, int most) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_INTS);
	if (!a) return -1;
	if (a->n > most) {
		eg_import_fail(m, "attribute '%s' has %d numbers, at most %d are possible", name, a->n, most);
		return -1;
	}
	for (int i = 0; i < a->n; i++) v[i] = a->ints[i];
	return a->n;
}

int eg_import_float_list(eg_import *m, const char *name, float *v, int most) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_FLOATS);
	if (!a) return -1;
	if (a->n > most) {
		eg_import_fail(m, "attribute '%s' has %d numbers, at most %d are possible", name, a->n, most);
		return -1;
	}
	for (int i = 0; i < a->n; i++) v[i] = a->floats[i];
	return a->n;
}

int eg_import_string_list(eg_import *m, const char *name, const char **v, int most) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_STRINGS);
	if (!a) return -1;
	if (a->n > most) {
		eg_import_fail(m, "attribute '%s' has %d words, at most %d are possible", name, a->n, most);
		return -1;
	}
	for (int i = 0; i < a->n; i++) v[i] = text_of(a->strings[i]);
	return a->n;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

eg_tensor eg_import_apply(eg_import *m, const char *op, const void *options, const eg_tensor *in, int nin) {
	if (m->error.status) return (eg_tensor){0};
	eg_tensor t = eg_apply(m->graph, op, options, in, nin);
	graph_failed(m);
	return t;
}

void eg_import_param(eg_import *m, eg_tensor of, const char *param, const real *v, int64_t n) {
	if (m->error.status) return;
	if (!eg_grow(m->graph->ctx->allocator, &m->pending, &m->cap_pending, m->npending, sizeof *m->pending)) {
		no_memory(m);
		return;
	}
	m->pending[m->npending++] = (eg_import_weights){of, param, v, n};
}

void eg_import_out(eg_import *m, int i, eg_tensor t) {
	if (m->error.status || i >= m->node->nout || !m->node->out[i] || !*m->node->out[i]) return;
	eg_import_name *k = eg_import_declare(m, m->node->out[i]);
	if (!k) eg_import_fail(m, "output %d '%.80s' is the name of another value too", i, m->node->out[i]);
	else k->value = t;
}

/* ---- what a descriptor says -------------------------------------------------------------------------------------- */

static void set_int(eg_import *m, const eg_attr *a, int *field, int64_t v) {
	if (v < INT32_MIN + 1 || v > INT32_MAX) {
		if (a->max < INT32_MAX || v < 0) {
			eg_import_fail(m, "attribute '%s' is %lld, which is too large", a->onnx, (long long)v);
			return;
		}
		v = INT32_MAX;
	}
	/* A default outside of the range means that nothing was said. */
	*field = v || (a->def == 0 && a->min > 0) ? (int)v : EG_ZERO;
}

static void set_ints(eg_import *m, const eg_attr *a, char *field, const eg_onnx_attr *from) {
	if (a->type == EG_ATTR_INTS) {
		if (from->n != a->count) eg_import_fail(m, "attribute '%s' has %d numbers, %d are supported here", a->onnx, from->n, a->count);
		for (int i = 0; i < a->count && i < from->n && from->ints; i++) set_int(m, a, (int *)field + i, from->ints[i]);
		return;
	}
	int *v = eg_import_take(m, sizeof *v * (size_t)(from->n > 0 ? from->n : 0));
	for (int i = 0; i < from->n && v; i++) {
		set_int(m, a, &v[i], from->ints[i]);
		if (v[i] == EG_ZERO) v[i] = 0; /* zeros in lists are zeros */
	}
	if (v) *(eg_ints *)field = (eg_ints){v, from->n};
}

static void set_enum(eg_import *m, const eg_attr *a, int *field, const char *value) {
	for (int i = 0; a->names[i]; i++)
		if (!strcasecmp(a->names[i], value)) { /* ONNX writes some in capitals */
			*field = i;
			return;
		}
	eg_import_fail(m, "attribute '%s' is '%.40s', which is not supported", a->onnx, value);
}

static void set_attr(eg_import *m, const eg_attr *a, char *field, const eg_onnx_attr *from) {
	switch (a->type) {
	case EG_ATTR_INT: set_int(m, a, (int *)field, from->i); break;
	case EG_ATTR_FLOAT: *(float *)field = from->f == 0 ? EG_ZERO_F : from->f; break;
	case EG_ATTR_BOOL: *(bool *)field = from->i != 0; break;
	case EG_ATTR_NOT: *(bool *)field = from->i == 0; break;
	case EG_ATTR_ENUM: set_enum(m, a, (int *)field, text_of(from->s)); break;
	case EG_ATTR_INTS:
	case EG_ATTR_INT_LIST: set_ints(m, a, field, from); break;
	case EG_ATTR_FLOAT_LIST: *(eg_floats *)field = (eg_floats){from->floats, from->n}; break;
	case EG_ATTR_STRING: *(const char **)field = from->s; break;
	}
}

/* What an attribute says, or what it means there that it is left out. */
static void read_attr(eg_import *m, const eg_attr *a, char *options) {
	static const eg_onnx_kind kinds[] = {[EG_ATTR_INT] = EG_ONNX_AN_INT, [EG_ATTR_FLOAT] = EG_ONNX_A_FLOAT, [EG_ATTR_BOOL] = EG_ONNX_AN_INT,
		[EG_ATTR_NOT] = EG_ONNX_AN_INT, [EG_ATTR_INTS] = EG_ONNX_INTS, [EG_ATTR_ENUM] = EG_ONNX_A_STRING, [EG_ATTR_INT_LIST] = EG_ONNX_INTS,
		[EG_ATTR_FLOAT_LIST] = EG_ONNX_FLOATS, [EG_ATTR_STRING] = EG_ONNX_A_STRING};
	char buf[EG_ONNX_NAME];
	const eg_onnx_attr *from = eg_import_attr(m, eg_onnx_name(a, buf), kinds[a->type]);
	const char *absent = strchr(a->onnx, '=');
	if (from) {
		set_attr(m, a, options + a->offset, from);
	} else if (absent) {
		const double v = strtod(absent + 1, NULL);
		set_attr(m, a, options + a->offset, &(eg_onnx_attr){.i = (int64_t)v, .f = (float)v, .s = absent + 1});
	}
}

void eg_import_as(eg_import *m, const char *name) {
	_Alignas(max_align_t) char options[512] = {0};
	const eg_op *op = eg_op_named(name);
	const eg_op_info *info = &op->info;
	const bool weighted = info->params && info->params[0];
	eg_tensor in[EG_MAX_INPUTS];
	int nin = eg_import_nin(m), taken = nin;
	if (info->options_size > sizeof options) eg_import_fail(m, "the options of '%s' are too large", name);
	if (!info->variadic && taken > info->max_inputs) taken = info->max_inputs;
	if ((nin > taken && !weighted) || taken > EG_MAX_INPUTS) eg_import_fail(m, "it has %d inputs, of which only %d are supported", nin, taken);
	for (int i = 0; i < info->nattrs && !m->error.status; i++)
		if (info->attrs[i].onnx) read_attr(m, &info->attrs[i], options);
	for (int i = 0; i < taken && !m->error.status; i++) in[i] = eg_import_in(m, i);
	eg_tensor t = eg_import_apply(m, name, options, in, taken);
	for (int i = taken; i < nin && !m->error.status; i++) {
		eg_dims dims;
		const real *v = eg_import_has_in(m, i) ? eg_import_reals(m, i, &dims) : NULL;
		if (v && weighted) eg_import_param(m, t, info->params[i - taken], v, eg_dims_count(&dims, 0));
	}
	for (int i = 0; i < eg_import_nout(m); i++) eg_import_out(m, i, i ? eg_result(m->graph, t, i) : t);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

/* Is `type` one of those that an operator knows: "Resize", or a list of them? */
static bool speaks_of(const char *list, const char *type) {
	size_t n = strlen(type);
	for (const char *at = list; at && *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == n && !strncmp(at, type, n)) return true;
	return false;
}

/* Operators with a hook are asked first: several may be the same one there, by rank, say. */
bool eg_import_by_hooks(eg_import *m) {
	const char *type = text_of(m->node->type);
	bool done = false;
	for (int i = 0; i < eg_ops_count && !done && !m->error.status; i++)
		if (eg_ops[i]->import && (speaks_of(eg_ops[i]->onnx, type) || speaks_of(eg_ops[i]->onnx_also, type))) done = eg_ops[i]->import(m);
	for (int i = 0; i < eg_ops_count && !done && !m->error.status; i++)
		if (!eg_ops[i]->import && eg_ops[i]->onnx && !strcmp(eg_ops[i]->onnx, type)) {
			eg_import_as(m, eg_ops[i]->info.name);
			done = true;
		}
	return done;
}

/* Operators that are others under a name of their own: Scatter long ago, CastLike where the type is known. */
static const eg_onnx_node *renamed(eg_import *m, const eg_onnx_node *n) {
	const bool like = !strcmp(text_of(n->type), "CastLike");
	if (!like && strcmp(text_of(n->type), "Scatter") != 0) return n;
	const eg_import_name *k = like && eg_import_has_in(m, 1) ? eg_import_look_up(m, n->in[1]) : NULL;
	eg_onnx_node *copy = eg_import_take(m, sizeof *copy);
	eg_onnx_attr *to = eg_import_take(m, sizeof *to);
	if (!copy || !to || (like && (!k || k->sizes))) return n;
	*copy = *n;
	copy->type = like ? "Cast" : "ScatterElements";
	if (!like) return copy;
	const eg_onnx_type type = k->numbers ? k->numbers->type : k->fill ? k->fill->type : k->type ? k->type :
		eg_onnx_type_of(eg_tensor_dtype(m->graph, k->value));
	*to = (eg_onnx_attr){.name = "to", .kind = EG_ONNX_AN_INT, .i = type};
	copy->nin = 1;
	copy->nattrs = 1;
	copy->attrs = to;
	return copy;
}

static bool import_known(eg_import *m) {
	if (!strcmp(text_of(m->node->type), "Identity") && m->node->nin == 1) {
		eg_import_out(m, 0, eg_import_raw(m, 0));
		return true;
	}
	return eg_import_whole(m) || eg_import_quantized(m) || eg_import_more(m) || eg_import_by_hooks(m);
}

void eg_import_node(eg_import *m, const eg_onnx_node *n) {
	const eg_onnx_node *outer = m->node;
	if (eg_import_joined(m, n)) return;
	bool read[EG_IMPORT_ATTRS];
	memcpy(read, m->read, sizeof read);
	memset(m->read, 0, sizeof m->read);
	m->node = n;
	if (n->domain && *n->domain && strcmp(n->domain, "ai.onnx")) eg_import_fail(m, "operators of domain '%.60s' are not supported", n->domain);
	if (n->nattrs > EG_IMPORT_ATTRS) eg_import_fail(m, "it has more than %d attributes", EG_IMPORT_ATTRS);
	if (!m->error.status) m->node = n = renamed(m, n);
	bool done = !m->error.status && (eg_import_flow(m) || eg_import_fold(m));
	if (!done && !m->error.status) done = import_known(m);
	if (!done) eg_import_fail(m, "there is no such operator here");
	for (int i = 0; i < n->nattrs && !m->error.status; i++)
		if (!m->read[i]) eg_import_fail(m, "attribute '%.60s' is not supported", text_of(n->attrs[i].name));
	if (!m->error.status) eg_import_mark(m);
	m->node = outer;
	memcpy(m->read, read, sizeof read);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static int64_t open_dim(eg_import *m, const eg_onnx_value *v, int i) {
	char own[80];
	const char *name = v->open ? v->open[i] : NULL;
	if (!name || !*name) snprintf(own, sizeof own, i ? "size_%.40s_%d" : "batch", v->name, i);
	return eg_open_dim(m->graph, name && *name ? name : own);
}

/* The type of ours that holds all numbers of a type of theirs. */
static bool dtype_of(eg_onnx_type type, eg_dtype *own) {
	if (eg_onnx_dtype(type, own)) return true;
	*own = type == EG_ONNX_UINT32 || type == EG_ONNX_UINT64 ? EG_I64 : EG_I32;
	return eg_import_is_integer(type);
}

static void add_input(eg_import *m, const eg_onnx_value *v) {
	eg_dims dims = {.rank = v->rank};
	eg_import_name *k = v->name && *v->name ? eg_import_look_up(m, v->name) : NULL;
	if (k && k->numbers) return; /* an old form: numbers of the model may stand among its inputs */
	if (!v->name || !*v->name) eg_import_fail(m, "an input of the model has no name");
	else if (k) eg_import_fail(m, "input '%.80s' is there twice", v->name);
	else if (v->rank < 0 || v->rank > EG_MAX_DIMS) eg_import_fail(m, "input '%.80s' %s", v->name, v->rank < 0 ? "has no shape" : "has more dimensions than are supported");
	eg_dtype type;
	if (m->error.status || !(k = eg_import_declare(m, v->name))) return;
	for (int i = 0; i < v->rank; i++) dims.d[i] = v->dims[i] < 0 ? open_dim(m, v, i) : v->dims[i];
	k->type = v->type;
	if (!dtype_of(v->type, &type)) eg_import_fail(m, "input '%.80s' is of a type that is not supported", v->name);
	else k->value = eg_input(m->graph, v->name, type, dims);
	if (eg_import_is_integer(v->type)) k->input = k->value;
	graph_failed(m);
}

/* Numbers that are a result as they are, in their own type where that may stand at an edge. */
static eg_tensor result(eg_import *m, const eg_onnx_tensor *t, eg_onnx_type type) {
	eg_dims dims;
	eg_dtype own;
	if (t->type != type || !eg_onnx_dtype(type, &own) || own == EG_F32 || own == EG_I32 || eg_import_count(t, &dims) < 1) return constant(m, t);
	return eg_constant(m->graph, t->data, own, dims);
}

static void add_output(eg_import *m, const eg_onnx_value *v) {
	eg_import_name *k = v->name && *v->name ? eg_import_look_up(m, v->name) : NULL;
	if (k && !k->value.id && k->numbers) k->value = result(m, k->numbers, v->type);
	if (!k) eg_import_fail(m, "output '%.80s' of the model is not computed", text_of(v->name));
	else if (m->error.status) return;
	else {
		eg_dtype type;
		if (!k->value.id && k->fill) k->value = eg_import_expanded(m, constant(m, k->fill), k->shape);
		if (dtype_of(v->type, &type) && eg_tensor_dtype(m->graph, k->value) != type) k->value = cast_to(m, k->value, type);
		eg_output(m->graph, v->name, k->value);
	}
	graph_failed(m);
}

static void import_all(eg_import *m) {
	const eg_onnx_model *o = m->model;
	if (!make_room(m, 2 * ((size_t)o->ntensors + (size_t)o->ninputs + (size_t)o->nnodes) + 64)) return;
	for (int i = 0; i < o->ntensors && !m->error.status; i++) {
		eg_import_name *k = eg_import_declare(m, o->tensors[i].name);
		if (!k) eg_import_fail(m, "numbers '%.80s' are there twice, or without a name", text_of(o->tensors[i].name));
		else k->numbers = &o->tensors[i];
	}
	for (int i = 0; i < o->ninputs && !m->error.status; i++) add_input(m, &o->inputs[i]);
	for (int i = 0; i < o->nnodes && !m->error.status; i++) eg_import_node(m, &o->nodes[i]);
	for (int i = 0; i < o->noutputs && !m->error.status; i++) add_output(m, &o->outputs[i]);
}

static void fill_weights(eg_import *m, eg_params *p) {
	const eg_graph *g = m->graph;
	for (int i = 0; i < m->npending && !m->error.status; i++) {
		const eg_import_weights *w = &m->pending[i];
		const eg_node *n = &g->nodes[g->values[w->of.id - 1].node];
		int at = -1;
		for (int k = 0; k < n->nparams; k++)
			if (!strcmp(g->params[n->param[k]].spec.name, w->param)) at = n->param[k];
		int64_t size = at < 0 ? 0 : eg_dims_count(&g->params[at].spec.dims, 0);
		if (at < 0) eg_import_fail(m, "%s '%s' has no %s", n->op->info.name, n->name, w->param);
		else if (size != w->n)
			eg_import_fail(m, "%s of %s '%s' has %lld numbers, not %lld", w->param, n->op->info.name, n->name, (long long)size, (long long)w->n);
		else memcpy(p->data + p->offset[at], w->v, (size_t)size * sizeof(real));
	}
}

static eg_status import_model(
	eg_context *ctx, const eg_onnx_model *model, bool folding, eg_graph **graph, eg_params **params, eg_error *err) {
	eg_import m = {.model = model, .folding = folding, .arena = {.allocator = ctx->allocator}};
	*graph = NULL;
	*params = NULL;
	m.graph = eg_graph_new(ctx, &m.error);
	if (m.graph) import_all(&m);
	eg_params *p = m.error.status ? NULL : eg_params_new_zero(m.graph, &m.error);
	if (p) fill_weights(&m, p);
	eg_release(ctx->allocator, m.pending);
	eg_arena_free(&m.arena);
	if (!m.error.status) {
		*graph = m.graph;
		*params = p;
		return EG_OK;
	}
	eg_params_free(p);
	eg_graph_free(m.graph);
	if (err) *err = m.error;
	return m.error.status;
}

eg_status eg_onnx_import(eg_context *ctx, const eg_onnx_model *model, eg_graph **graph, eg_params **params, eg_error *err) {
	return import_model(ctx, model, false, graph, params, err);
}

eg_status eg_onnx_import_one(eg_context *ctx, const eg_onnx_model *model, eg_graph **graph, eg_params **params, eg_error *err) {
	return import_model(ctx, model, true, graph, params, err);
}

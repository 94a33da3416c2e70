/* onnx_more.c - operators of ONNX that are not one of ours with other names: made of several, or of one in another
 * form. What is one of ours is imported by its own descriptor.
 *
 * Operators are put down by their names, and their attributes set by theirs, so that nothing here depends on one. */
#include "core/onnx_import.h"

#include <math.h>
#include <stdlib.h>

typedef eg_import_setting setting;
#define INT(name, v) {(name), (const int[]){(int)(v)}, 1, 0, NULL}
#define LIST(name, v, n) {(name), (v), (n), 0, NULL}
#define REAL(name, v) {(name), NULL, 0, (v), NULL}
#define REALS(name, v, n) {(name), NULL, (n), 0, (v)}

eg_tensor eg_import_put(eg_import *m, const char *op, const eg_tensor *in, int nin, const setting *set) {
	_Alignas(max_align_t) char options[256] = {0};
	const eg_op_info *info = eg_op_find(op);
	if (!info || info->options_size > sizeof options) {
		eg_import_fail(m, "this library was built without '%s'", op);
		return (eg_tensor){0};
	}
	for (int i = 0; i < info->nattrs; i++) {
		const eg_attr *a = &info->attrs[i];
		char *field = options + a->offset;
		for (const setting *s = set; s && s->name; s++) {
			if (strcmp(s->name, a->name) != 0) continue;
			if (a->type == EG_ATTR_INT_LIST) *(eg_ints *)field = (eg_ints){s->ints, s->n};
			else if (a->type == EG_ATTR_FLOAT_LIST) *(eg_floats *)field = (eg_floats){s->reals, s->n};
			else if (a->type == EG_ATTR_FLOAT) *(float *)field = s->real == 0 ? EG_ZERO_F : (float)s->real;
			else if (a->type == EG_ATTR_BOOL || a->type == EG_ATTR_NOT) *(bool *)field = (s->ints[0] != 0) == (a->type == EG_ATTR_BOOL);
			else *(int *)field = s->ints[0] == 0 && a->def != 0 ? EG_ZERO : s->ints[0];
		}
	}
	return eg_import_apply(m, op, options, in, nin);
}
static eg_tensor one(eg_import *m, const char *op, eg_tensor x, const setting *set) { return eg_import_put(m, op, &x, 1, set); }
static eg_tensor two(eg_import *m, const char *op, eg_tensor a, eg_tensor b) { return eg_import_put(m, op, (eg_tensor[]){a, b}, 2, NULL); }
static eg_tensor number(eg_import *m, double v) {
	const eg_real r = (eg_real)v;
	return eg_constant(eg_import_graph(m), &r, EG_F32, EG_DIMS(1));
}
static eg_tensor shaped(eg_import *m, eg_tensor x, const int *shape, int n) { return one(m, "reshape", x, (setting[]){LIST("shape", shape, n), {0}}); }

/* ---- forms of ours ----------------------------------------------------------------------------------------------- */

/* A single input of Max, Min, Sum, Mean is the result. */
static bool of_one(eg_import *m) {
	if (eg_import_nin(m) != 1) return false;
	eg_import_out(m, 0, eg_import_in(m, 0));
	return true;
}

/* Around an axis other than 1 as a reshape. */
static bool flatten(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t said = eg_import_int(m, "axis", 1), axis = said < 0 ? said + d.rank : said;
	int64_t before = 1, behind = 1;
	if ((axis == 1 && d.rank > 1) || d.rank < 0 || axis < 0 || axis > d.rank) return false;
	for (int i = 0; i < d.rank; i++) {
		int64_t *side = i < axis ? &before : &behind;
		*side = d.d[i] < 0 || *side < 0 ? -1 : *side * d.d[i];
	}
	if (before > INT32_MAX || behind > INT32_MAX) return false;
	eg_import_out(m, 0, shaped(m, eg_import_in(m, 0), (const int[]){before < 0 ? -1 : (int)before, before < 0 ? (int)behind : -1}, 2));
	return true;
}

/* Since opset 11, the axis is an input. */
static bool cumsum(eg_import *m) {
	const double axis = eg_import_number(m, 1);
	const int64_t reverse = eg_import_int(m, "reverse", 0), exclusive = eg_import_int(m, "exclusive", 0);
	eg_import_out(m, 0, one(m, "cumsum", eg_import_in(m, 0), (setting[]){INT("axis", axis), INT("reverse", reverse), INT("exclusive", exclusive), {0}}));
	return true;
}

/* The diagonal is an input. */
static bool trilu(eg_import *m) {
	const double k = eg_import_has_in(m, 1) ? eg_import_number(m, 1) : 0;
	const int64_t upper = eg_import_int(m, "upper", 1);
	if (fabs(k) > 1e6) eg_import_fail(m, "a diagonal of %g is not supported", k);
	else eg_import_out(m, 0, one(m, "trilu", eg_import_in(m, 0), (setting[]){INT("k", k), INT("upper", upper), {0}}));
	return true;
}

static void all_out(eg_import *m, eg_tensor y) {
	for (int i = 0; i < eg_import_nout(m); i++) eg_import_out(m, i, i && y.id ? eg_result(eg_import_graph(m), y, i) : y);
}

/* Sizes are an attribute, since opset 13 an input, and left out where all parts are equal. */
static bool split(eg_import *m) {
	int64_t wide[EG_MAX_OUTPUTS];
	int sizes[EG_MAX_OUTPUTS], n = eg_import_int_list(m, "split", wide, EG_MAX_OUTPUTS);
	const int64_t axis = eg_import_int(m, "axis", 0), parts = eg_import_int(m, "num_outputs", eg_import_nout(m));
	if (n < 0 && eg_import_has_in(m, 1)) n = eg_import_ints(m, 1, wide, EG_MAX_OUTPUTS);
	for (int i = 0; i < n; i++) {
		if (wide[i] < 1 || wide[i] > INT32_MAX) eg_import_fail(m, "a part of size %lld is not supported", (long long)wide[i]);
		sizes[i] = (int)(wide[i] & INT32_MAX);
	}
	const setting by = n >= 0 ? (setting)LIST("sizes", sizes, n) : (setting)INT("num", parts);
	eg_tensor x = eg_import_raw(m, 0);
	if (parts == 1 && n < 0) eg_import_out(m, 0, x);
	else all_out(m, one(m, "split_parts", x, (setting[]){INT("axis", axis), by, {0}}));
	return true;
}

/* Before opset 10 k was an attribute. */
static bool top_k(eg_import *m) {
	const int64_t k = eg_import_has_in(m, 1) ? (int64_t)eg_import_number(m, 1) : eg_import_int(m, "k", 0);
	const int64_t axis = eg_import_int(m, "axis", -1), largest = eg_import_int(m, "largest", 1);
	eg_import_int(m, "sorted", 1); /* ours are */
	all_out(m, one(m, "top_k", eg_import_in(m, 0), (setting[]){INT("k", k), INT("axis", axis), INT("largest", largest), {0}}));
	return true;
}

static bool mean_variance(eg_import *m) {
	int64_t wide[EG_MAX_DIMS];
	int axes[EG_MAX_DIMS] = {0, 2, 3}, n = eg_import_int_list(m, "axes", wide, EG_MAX_DIMS);
	for (int i = 0; i < n; i++) axes[i] = (int)wide[i];
	eg_import_out(m, 0, one(m, "mean_variance_norm", eg_import_in(m, 0), (setting[]){LIST("axes", axes, n < 0 ? 3 : n), {0}}));
	return true;
}

/* Selu with numbers of its own: gamma (max(x, 0) + min(alpha (e^x - 1), 0)), as an elu. */
static bool selu(eg_import *m) {
	const double alpha = eg_import_float(m, "alpha", NAN), gamma = eg_import_float(m, "gamma", NAN);
	if (isnan(alpha) && isnan(gamma)) return false;
	const eg_tensor y = one(m, "elu", eg_import_in(m, 0), (setting[]){REAL("alpha", isnan(alpha) ? 1.67326319217681884765625 : alpha), {0}});
	eg_import_out(m, 0, two(m, "mul", y, number(m, isnan(gamma) ? 1.05070102214813232421875 : gamma)));
	return true;
}

/* A whole number to a real power is a real one, cut off again. Two whole ones are computed exactly (onnx_whole.c). */
static bool power(eg_import *m) {
	const eg_dtype type = eg_tensor_dtype(eg_import_graph(m), eg_import_in(m, 0));
	eg_tensor in[2];
	bool whole = false;
	for (int i = 0; i < 2; i++) {
		in[i] = eg_import_in(m, i);
		if (eg_tensor_dtype(eg_import_graph(m), in[i]) == EG_F32) continue;
		in[i] = one(m, "cast", in[i], (setting[]){INT("to", EG_F32), {0}});
		whole = true;
	}
	if (!whole) return false;
	eg_tensor y = two(m, "pow", in[0], in[1]);
	eg_import_out(m, 0, type == EG_F32 ? y : one(m, "cast", y, (setting[]){INT("to", type), {0}}));
	return true;
}

/* The node goes on with another input i. */
static void with_input(eg_import *m, int i, eg_tensor x) {
	eg_onnx_node *n = eg_import_take(m, sizeof *n);
	const char **in = eg_import_take(m, sizeof *in * (size_t)(m->node->nin + 1));
	eg_import_name *k = eg_import_declare(m, eg_import_fresh(m));
	if (!n || !in || !k) return;
	for (int e = 0; e < m->node->nin; e++) in[e] = e == i ? k->name : m->node->in[e];
	k->value = x;
	*n = *m->node;
	n->in = in;
	m->node = n;
}

/* Classes may be given as real numbers. */
static bool one_hot(eg_import *m) {
	const eg_tensor x = eg_import_in(m, 0);
	if (eg_tensor_dtype(eg_import_graph(m), x) == EG_F32) with_input(m, 0, one(m, "cast", x, (setting[]){INT("to", EG_I32), {0}}));
	return false;
}

/* To a shape with open sizes. */
static bool expand(eg_import *m) {
	const eg_import_name *k = eg_import_has_in(m, 1) ? eg_import_look_up(m, m->node->in[1]) : NULL;
	if (!k || !k->sizes) return false;
	eg_import_out(m, 0, eg_import_expanded(m, eg_import_in(m, 0), k->sizes));
	return true;
}

/* 0, 1, 2 ... up to a size that is open. */
enum { LONGEST = (1 << 24) - 1 }; /* a size that is open is taken to be */

static bool range(eg_import *m) {
	eg_import_name *k = eg_import_has_in(m, 1) ? eg_import_look_up(m, m->node->in[1]) : NULL;
	if (!k || !k->sizes || k->sizes->n != 1 || eg_import_number(m, 0) != 0 || eg_import_number(m, 2) != 1) return false;
	if (!k->sizes->open[0]) return false;
	eg_import_out(m, 0, eg_import_positions(m, k->sizes->v[0]));
	k = *eg_import_out_name(m, 0) ? eg_import_look_up(m, eg_import_out_name(m, 0)) : NULL;
	if (k) k->type = EG_ONNX_INT64, k->bounded = true, k->least = 0, k->most = LONGEST;
	return true;
}

/* Slices along an axis where a condition says so that is part of the model: they are gathered. */
static bool compress(eg_import *m) {
	const eg_tensor x = eg_import_in(m, 0);
	const int rank = eg_import_in_dims(m, 0).rank;
	const int64_t axis = eg_import_int(m, "axis", INT64_MAX);
	eg_dims d;
	const real *on = eg_import_reals(m, 1, &d);
	const int64_t n = on ? eg_dims_count(&d, 0) : 0;
	int32_t *at = eg_import_take(m, (size_t)n * sizeof *at);
	int64_t found = 0;
	for (int64_t i = 0; i < n && at; i++)
		if (on[i] != 0) at[found++] = (int32_t)i;
	if (!at || m->error.status) return true;
	if (!found) return eg_import_fail(m, "nothing would be left"), true;
	const eg_tensor flat = axis == INT64_MAX && rank != 1 ? shaped(m, x, (const int[]){-1}, 1) : x;
	const eg_tensor from[] = {flat, eg_constant(eg_import_graph(m), at, EG_I32, EG_DIMS((int64_t)found))};
	eg_import_out(m, 0, eg_import_put(m, "gather", from, 2, (setting[]){INT("axis", axis == INT64_MAX ? 0 : axis), {0}}));
	return true;
}

/* The node goes on with its first output only. */
static void first_output_only(eg_import *m) {
	eg_onnx_node *n = eg_import_take(m, sizeof *n);
	if (!n) return;
	*n = *m->node;
	n->nout = 1;
	m->node = n;
}

/* The loss has the logarithms of the shares as a second output. */
static bool cross_entropy(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	if (eg_import_nout(m) < 2) return false;
	if (*eg_import_out_name(m, 1)) eg_import_out(m, 1, one(m, "log_softmax", eg_import_in(m, 0), (setting[]){INT("axis", d.rank > 1 ? 1 : 0), {0}}));
	first_output_only(m);
	return false; /* the loss itself is one of ours */
}

/* A row's mean and the inverse of its deviation are outputs too. */
static bool layer_norm(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t said = eg_import_int(m, "axis", -1);
	const double eps = eg_import_float(m, "epsilon", 1e-5);
	int axes[EG_MAX_DIMS], n = 0;
	if (eg_import_nout(m) < 2 || d.rank < 1) return false;
	for (int i = (int)(said < 0 ? said + d.rank : said); i < d.rank && i >= 0; i++) axes[n++] = i;
	const setting kept[] = {LIST("axes", axes, n), INT("keepdims", 1), {0}};
	const eg_tensor x = eg_import_in(m, 0), mean = one(m, "reduce_mean", x, kept), off = two(m, "sub", x, mean);
	const eg_tensor variance = one(m, "reduce_mean", two(m, "mul", off, off), kept);
	eg_import_out(m, 1, mean);
	if (eg_import_nout(m) > 2) eg_import_out(m, 2, one(m, "reciprocal", one(m, "sqrt", two(m, "add", variance, number(m, eps)), NULL), NULL));
	first_output_only(m);
	return false;
}

/* Before Resize: the scale is an attribute, since opset 9 an input. */
static bool upsample(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	float scales[EG_MAX_DIMS];
	int n = eg_import_float_list(m, "scales", scales, EG_MAX_DIMS);
	const bool linear = !strcmp(eg_import_string(m, "mode", "nearest"), "linear");
	if (n < 0) {
		eg_dims s;
		const real *v = eg_import_reals(m, 1, &s);
		n = v && eg_dims_count(&s, 0) <= EG_MAX_DIMS ? (int)eg_dims_count(&s, 0) : 0;
		for (int i = 0; i < n; i++) scales[i] = (float)v[i];
	}
	if (n != d.rank || n < 3 || n > 5 || scales[0] != 1 || scales[1] != 1) {
		eg_import_fail(m, "scales must be one number for each dimension, 1 for batch and channels");
		return true;
	}
	enum { LINEAR = 1, ASYMMETRIC = 4, FLOOR = 2 }; /* places in the lists of resize's words */
	eg_import_out(m, 0, one(m, "resize", eg_import_in(m, 0), (setting[]){REALS("scales", scales + 2, n - 2), INT("mode", linear ? LINEAR : 0),
		INT("coordinates", ASYMMETRIC), INT("rounding", FLOOR), {0}}));
	return true;
}

/* ---- whole numbers of 8 bits ------------------------------------------------------------------------------------- */

/* They are computed as real numbers, which hold whole ones up to 2^24 exactly: so many products of two bytes may be
 * summed up. */
enum { EXACT_PRODUCTS = (1 << 24) / (255 * 255) };

static eg_tensor as_real(eg_import *m, eg_tensor x) {
	return eg_tensor_dtype(eg_import_graph(m), x) == EG_F32 ? x : one(m, "cast", x, (setting[]){INT("to", EG_F32), {0}});
}

/* Input i, of one number or of one for each place of x's dimension `axis`, so that it meets that. An input that is left
 * out: {0}. */
static eg_tensor along(eg_import *m, int i, int rank, int64_t axis) {
	if (!eg_import_has_in(m, i)) return (eg_tensor){0};
	const eg_dims d = eg_import_in_dims(m, i);
	eg_tensor x = as_real(m, eg_import_in(m, i));
	int shape[EG_MAX_DIMS];
	axis = axis < 0 ? axis + rank : axis;
	if (d.rank == 0) return shaped(m, x, (const int[]){1}, 1);
	if (d.rank != 1 || d.d[0] == 1 || axis < 0 || axis >= rank) return x;
	for (int k = 0; k < rank - axis; k++) shape[k] = k ? 1 : (int)d.d[0];
	return shaped(m, x, shape, (int)(rank - axis));
}

static eg_tensor less_zero(eg_import *m, eg_tensor x, eg_tensor zero) { return zero.id ? two(m, "sub", x, zero) : x; }

/* The nearest whole numbers of x / scale (of two the even one), moved and cut off to what 8 bits hold. */
static eg_tensor quantized(eg_import *m, eg_tensor x, eg_tensor scale, eg_tensor zero) {
	eg_tensor y = one(m, "round", two(m, "div", x, scale), NULL);
	if (zero.id) y = two(m, "add", y, zero);
	y = one(m, "clip", y, (setting[]){REAL("min", 0), REAL("max", 255), {0}});
	return one(m, "cast", y, (setting[]){INT("to", EG_U8), {0}});
}

/* The zero point gives the type; without one it is uint8. */
static bool unsigned_bytes(eg_import *m, int zero) {
	const eg_import_name *k = eg_import_has_in(m, zero) ? eg_import_look_up(m, m->node->in[zero]) : NULL;
	if (!k || (k->numbers ? k->numbers->type == EG_ONNX_UINT8 : eg_tensor_dtype(eg_import_graph(m), k->value) == EG_U8)) return true;
	eg_import_fail(m, "results of other types than uint8 are not supported");
	return false;
}

static bool quantize(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t axis = eg_import_int(m, "axis", 1);
	eg_import_int(m, "saturate", 1); /* of other types */
	if (unsigned_bytes(m, 2)) eg_import_out(m, 0, quantized(m, as_real(m, eg_import_in(m, 0)), along(m, 1, d.rank, axis), along(m, 2, d.rank, axis)));
	return true;
}

static bool dequantize(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t axis = eg_import_int(m, "axis", 1);
	const eg_tensor x = less_zero(m, as_real(m, eg_import_in(m, 0)), along(m, 2, d.rank, axis));
	eg_import_out(m, 0, two(m, "mul", x, along(m, 1, d.rank, axis)));
	return true;
}

static eg_tensor scalar(eg_import *m, eg_tensor x) { return one(m, "squeeze", x, (setting[]){LIST("axes", (const int[]){0}, 1), {0}}); }

static bool dynamic_quantize(eg_import *m) {
	const eg_tensor x = eg_import_in(m, 0), none = number(m, 0), most = two(m, "max", one(m, "reduce_max", x, NULL), none), least = two(m, "min", one(m, "reduce_min", x, NULL), none);
	const eg_tensor scale = two(m, "div", two(m, "sub", most, least), number(m, 255));
	eg_tensor zero = one(m, "round", two(m, "div", two(m, "sub", none, least), scale), NULL);
	zero = one(m, "clip", zero, (setting[]){REAL("min", 0), REAL("max", 255), {0}});
	eg_import_out(m, 0, quantized(m, x, scale, zero));
	if (eg_import_nout(m) > 1) eg_import_out(m, 1, scalar(m, scale));
	if (eg_import_nout(m) > 2) eg_import_out(m, 2, one(m, "cast", scalar(m, zero), (setting[]){INT("to", EG_U8), {0}}));
	return true;
}

/* Input i less its zero point, as real numbers. */
static eg_tensor centred(eg_import *m, int i, int zero, int64_t axis) {
	return less_zero(m, as_real(m, eg_import_in(m, i)), along(m, zero, eg_import_in_dims(m, i).rank, axis));
}

static bool few_enough(eg_import *m, int64_t products) {
	if (products > 0 && products <= EXACT_PRODUCTS) return true;
	eg_import_fail(m, "sums of %lld products are not exact here; %d are", (long long)products, EXACT_PRODUCTS);
	return false;
}

static bool matmul_integer(eg_import *m) {
	const eg_dims a = eg_import_in_dims(m, 0);
	if (a.rank < 1 || !few_enough(m, a.d[a.rank - 1])) return true;
	const eg_tensor y = two(m, "matmul", centred(m, 0, 2, -2), centred(m, 1, 3, -1));
	eg_import_out(m, 0, one(m, "cast", y, (setting[]){INT("to", EG_I32), {0}}));
	return true;
}

static bool qlinear_matmul(eg_import *m) {
	const eg_dims a = eg_import_in_dims(m, 0), b = eg_import_in_dims(m, 3);
	if (a.rank < 1 || !few_enough(m, a.d[a.rank - 1]) || !unsigned_bytes(m, 7)) return true;
	const eg_tensor sums = two(m, "matmul", centred(m, 0, 2, -2), centred(m, 3, 5, -1));
	const eg_tensor scale = two(m, "mul", along(m, 1, a.rank, -2), along(m, 4, b.rank, -1));
	eg_import_out(m, 0, quantized(m, two(m, "mul", sums, scale), along(m, 6, a.rank, -1), along(m, 7, a.rank, -1)));
	return true;
}

/* The convolution of the node, of these inputs; its weights less their zero points, which are numbers of the model. */
static eg_tensor convolved(eg_import *m, eg_tensor x, int w, int zero) {
	eg_dims d, z;
	const real *v = eg_import_reals(m, w, &d), *less = eg_import_has_in(m, zero) ? eg_import_reals(m, zero, &z) : NULL;
	const int64_t n = v ? eg_dims_count(&d, 0) : 0, each = v && less && d.rank > 0 && eg_dims_count(&z, 0) == d.d[0] ? n / d.d[0] : n;
	const eg_onnx_node *node = m->node;
	eg_onnx_node conv = *node;
	const char *own = eg_import_out_name(m, 0); /* names that no model has */
	const char *in[] = {eg_arena_printf(&m->arena, "\001x%s", own), eg_arena_printf(&m->arena, "\001w%s", own)};
	const char *out[] = {eg_arena_printf(&m->arena, "\001y%s", own)};
	real *u = eg_import_room(m, n);
	int64_t *dims = eg_import_take(m, sizeof d.d);
	eg_onnx_tensor *t = eg_import_take(m, sizeof *t);
	if (!in[0] || !in[1] || !out[0]) return (eg_tensor){0};
	eg_import_name *kx = eg_import_declare(m, in[0]), *kw = eg_import_declare(m, in[1]), *ky;
	if (!v || !u || !dims || !t || !kx || !kw || !few_enough(m, n / d.d[0])) return (eg_tensor){0};
	for (int64_t i = 0; i < n; i++) u[i] = v[i] - (less ? less[each == n ? 0 : i / each] : 0);
	memcpy(dims, d.d, sizeof d.d);
	*t = (eg_onnx_tensor){.name = in[1], .type = sizeof(real) == 8 ? EG_ONNX_DOUBLE : EG_ONNX_FLOAT, .rank = d.rank, .dims = dims, .data = u};
	kx->value = x;
	kw->numbers = t;
	conv.type = "Conv";
	conv.nin = 2;
	conv.nout = 1;
	conv.in = in;
	conv.out = out;
	m->node = &conv;
	eg_import_by_hooks(m);
	m->node = node;
	ky = m->error.status ? NULL : eg_import_look_up(m, out[0]);
	return ky ? ky->value : (eg_tensor){0};
}

static bool conv_integer(eg_import *m) {
	const eg_tensor y = convolved(m, centred(m, 0, 2, -1), 1, 3);
	eg_import_out(m, 0, one(m, "cast", y, (setting[]){INT("to", EG_I32), {0}}));
	return true;
}

static bool qlinear_conv(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0);
	if (!unsigned_bytes(m, 7)) return true;
	eg_tensor y = convolved(m, centred(m, 0, 2, -1), 3, 5);
	if (eg_import_has_in(m, 8)) y = two(m, "add", y, along(m, 8, x.rank, 1));
	const eg_tensor scale = two(m, "mul", along(m, 1, x.rank, 1), along(m, 4, x.rank, 1));
	eg_import_out(m, 0, quantized(m, two(m, "mul", y, scale), along(m, 6, x.rank, 1), along(m, 7, x.rank, 1)));
	return true;
}

/* ---- forms of long ago: opsets below 7 --------------------------------------------------------------------------- */

/* Sums of unequal shapes say so, and where the second one's dimensions begin. */
static bool broadcast(eg_import *m) {
	static const struct { const char *type, *op; } ops[] = {{"Add", "add"}, {"Sub", "sub"}, {"Mul", "mul"}, {"Div", "div"}, {"Pow", "pow"}};
	const int64_t on = eg_import_int(m, "broadcast", 0), axis = eg_import_int(m, "axis", -1);
	if (eg_import_opset(m) >= 7 || !on) return false;
	const eg_dims a = eg_import_in_dims(m, 0), b = eg_import_in_dims(m, 1);
	eg_tensor y = eg_import_in(m, 1);
	int shape[EG_MAX_DIMS], n = 0;
	if (axis >= 0 && axis + b.rank < a.rank) {
		for (; n < b.rank; n++) shape[n] = b.d[n] < 0 ? 0 : (int)b.d[n];
		while (n < a.rank - axis) shape[n++] = 1;
		y = shaped(m, y, shape, n);
	}
	for (int i = 0; i < EG_COUNT(ops); i++)
		if (!strcmp(ops[i].type, eg_import_type(m))) {
			eg_import_out(m, 0, two(m, ops[i].op, eg_import_in(m, 0), y));
			return true;
		}
	return false;
}

static bool old_attributes(eg_import *m) {
	if (eg_import_opset(m) >= 9) return false;
	eg_import_int(m, "broadcast", 1); /* Gemm: C, which may always be smaller now */
	if (eg_import_int(m, "is_test", 1) != 1) eg_import_fail(m, "is_test is off: it trains");
	if (eg_import_int(m, "spatial", 1) != 1) eg_import_fail(m, "statistics of single places (spatial) are not supported");
	eg_import_float(m, "momentum", 0); /* of training */
	int64_t consumed[8];
	eg_import_int_list(m, "consumed_inputs", consumed, 8);
	return false;
}

/* Starts and ends as attributes. */
static bool slice(eg_import *m) {
	int64_t v[3][EG_MAX_DIMS];
	int list[3][EG_MAX_DIMS], n[3];
	static const char *const names[] = {"starts", "ends", "axes"};
	if (eg_import_opset(m) >= 10) return false;
	for (int k = 0; k < 3; k++) {
		n[k] = eg_import_int_list(m, names[k], v[k], EG_MAX_DIMS);
		for (int i = 0; i < n[k]; i++) list[k][i] = v[k][i] > INT32_MAX ? INT32_MAX : v[k][i] < -INT32_MAX ? -INT32_MAX : (int)v[k][i];
	}
	for (int i = 0; i < n[0] && n[2] < 0; i++) list[2][i] = i;
	if (n[0] < 0 || n[1] != n[0] || (n[2] >= 0 && n[2] != n[0])) eg_import_fail(m, "starts, ends and axes must be equally many");
	eg_import_out(m, 0, one(m, "slice", eg_import_raw(m, 0), (setting[]){LIST("starts", list[0], n[0]), LIST("ends", list[1], n[0]), LIST("axes", list[2], n[0]), {0}}));
	return true;
}

/* A slope for each channel was meant where there are as many slopes. */
static bool prelu(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0), slope = eg_import_in_dims(m, 1);
	int shape[EG_MAX_DIMS];
	if (eg_import_opset(m) >= 7 || slope.rank != 1 || x.rank < 3 || slope.d[0] != x.d[1]) return false;
	for (int i = 0; i < x.rank - 1; i++) shape[i] = i ? 1 : (int)slope.d[0];
	eg_import_out(m, 0, two(m, "prelu", eg_import_in(m, 0), shaped(m, eg_import_in(m, 1), shape, x.rank - 1)));
	return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *type;
	bool (*import)(eg_import *m);
} more[] = {
	{"Max", of_one}, {"Min", of_one}, {"Sum", of_one}, {"Mean", of_one}, {"Flatten", flatten}, {"CumSum", cumsum}, {"Trilu", trilu}, {"Split", split}, {"TopK", top_k},
	{"MeanVarianceNormalization", mean_variance}, {"Selu", selu}, {"Add", broadcast}, {"Sub", broadcast}, {"Mul", broadcast}, {"Div", broadcast},
	{"Pow", broadcast}, {"Pow", power}, {"SoftmaxCrossEntropyLoss", cross_entropy}, {"LayerNormalization", layer_norm}, {"Upsample", upsample},
	{"LSTM", eg_import_cell}, {"GRU", eg_import_cell}, {"RNN", eg_import_cell}, {"OneHot", one_hot}, {"Expand", expand}, {"Range", range}, {"Compress", compress},
	{"QuantizeLinear", quantize}, {"DequantizeLinear", dequantize}, {"DynamicQuantizeLinear", dynamic_quantize}, {"MatMulInteger", matmul_integer},
	{"QLinearMatMul", qlinear_matmul}, {"ConvInteger", conv_integer}, {"QLinearConv", qlinear_conv},
	{"Gemm", old_attributes}, {"BatchNormalization", old_attributes}, {"Slice", slice}, {"PRelu", prelu},
};

bool eg_import_more(eg_import *m) {
	for (int i = 0; i < EG_COUNT(more); i++)
		if (!strcmp(more[i].type, eg_import_type(m)) && more[i].import(m)) return true;
	return false;
}

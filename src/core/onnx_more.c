/* onnx_more.c - operators of ONNX that are not one of ours with other names: made of several, or of one in another
 * form. What is one of ours is imported by its own descriptor.
 *
 * Operators are put down by their names, and their attributes set by theirs, so that nothing here depends on one. */
#include "core/graph.h"
#include "core/onnx_put.h"

#include <math.h>
#include <stdlib.h>

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
	const eg_tensor x = eg_import_in(m, 0);
	const eg_dtype type = eg_tensor_dtype(eg_import_graph(m), x);
	const eg_tensor y = one(m, "top_k", eg_import_exact(m, 0), (setting[]){INT("k", k), INT("axis", axis), INT("largest", largest), {0}});
	eg_import_out(m, 0, type == EG_F32 || m->error.status ? y : one(m, "cast", y, (setting[]){INT("to", type), {0}}));
	if (y.id) eg_import_out(m, 1, eg_result(eg_import_graph(m), y, 1));
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

/* Steps that are samples become sequences again. */
static bool unfold(eg_import *m) {
	const eg_import_name *k = eg_import_has_in(m, 1) ? eg_import_look_up(m, m->node->in[1]) : NULL;
	const eg_dims x = eg_import_in_dims(m, 0);
	const eg_import_sizes *s = k ? k->sizes : NULL;
	if (!s || s->n != x.rank + 1 || s->n < 2 || !s->open[0] || !s->open[1] || eg_dim_product(s->v[0], s->v[1]) != x.d[0]) return false;
	for (int i = 2; i < s->n; i++)
		if (s->v[i] != x.d[i - 1]) return false;
	eg_import_int(m, "allowzero", 0);
	eg_import_out(m, 0, one(m, "unfold_time", eg_import_raw(m, 0), NULL));
	return true;
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
	if (eg_import_int(m, "stash_type", EG_ONNX_FLOAT) != EG_ONNX_FLOAT) eg_import_fail(m, "statistics are of single precision (stash_type 1) only");
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

/* The p-th root of the sum of |x|^p of each channel. */
static bool global_lp_pool(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t p = eg_import_int(m, "p", 2);
	int axes[EG_MAX_DIMS], n = 0;
	for (int i = 2; i < d.rank; i++) axes[n++] = i;
	const setting kept[] = {LIST("axes", axes, n), INT("keepdims", 1), {0}};
	eg_tensor x = eg_import_in(m, 0);
	if (d.rank < 3 || p < 1 || p > 64) eg_import_fail(m, "p must be from 1 to 64, and x have a length at least");
	else if (p < 3) eg_import_out(m, 0, one(m, p == 1 ? "reduce_l1" : "reduce_l2", x, kept));
	else eg_import_out(m, 0, two(m, "pow", one(m, "reduce_sum", two(m, "pow", one(m, "abs", x, NULL), number(m, (double)p)), kept), number(m, 1 / (double)p)));
	return true;
}

/* Row by row, or by columns: the first axis the fastest (storage_order). Ours count within a channel, there they do
 * through all. */
static bool max_places(eg_import *m) {
	const eg_onnx_node *node = m->node;
	const eg_dims d = eg_import_in_dims(m, 0);
	const bool by_columns = eg_import_int(m, "storage_order", 0) != 0;
	int64_t all = 1, inner = 1;
	if (!*eg_import_out_name(m, 1)) return false;
	for (int i = 0; i < d.rank; i++) all = d.d[i] < 0 || all > LONGEST ? INT32_MAX : all * d.d[i];
	for (int i = 2; i < d.rank && all <= LONGEST; i++) inner *= d.d[i];
	if (d.rank < 3 || all > LONGEST) return eg_import_fail(m, "Indices count through all samples: of open sizes, and beyond 2^24, they are not supported"), true;
	first_output_only(m);
	eg_import_by_hooks(m);
	m->node = node;
	const eg_import_name *k = eg_import_look_up(m, eg_import_out_name(m, 0));
	const int64_t planes = all / inner;
	real *before = eg_import_room(m, planes);
	if (!k || !before) return true;
	for (int64_t i = 0; i < planes; i++) before[i] = (real)(i * inner);
	eg_tensor at = one(m, "cast", eg_result(eg_import_graph(m), k->value, 1), (setting[]){INT("to", EG_F32), {0}});
	eg_tensor y = eg_constant(eg_import_graph(m), before, EG_F32, EG_DIMS(d.d[0], d.d[1], 1));
	if (d.rank > 3) y = one(m, "unsqueeze", y, (setting[]){LIST("axes", ((const int[]){3, 4}), d.rank - 3), {0}});
	for (int i = d.rank - 1; i > 1 && by_columns; i--) {
		const eg_tensor size = number(m, (double)d.d[i]), rest = one(m, "floor", two(m, "div", at, size), NULL);
		inner /= d.d[i]; /* so far from here to the next along this axis */
		y = two(m, "add", y, two(m, "mul", two(m, "sub", at, two(m, "mul", rest, size)), number(m, (double)inner)));
		at = rest;
	}
	if (!by_columns) y = two(m, "add", at, y);
	eg_import_out(m, 1, one(m, "cast", y, (setting[]){INT("to", EG_I32), {0}}));
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

/* C may always be smaller now. */
static bool old_gemm(eg_import *m) {
	if (eg_import_opset(m) < 9) eg_import_int(m, "broadcast", 1);
	return false;
}

/* By the statistics of this batch, whose size must be known; the running ones are outputs, and whoever keeps the model
 * may keep them. */
static void batch_norm_of_batch(eg_import *m, double momentum) {
	const eg_dims d = eg_import_in_dims(m, 0);
	int axes[EG_MAX_DIMS], shape[EG_MAX_DIMS], n = 0;
	for (int i = 0; i < d.rank; i++)
		if (i != 1) axes[n++] = i, shape[n - 1] = 1;
	shape[0] = d.rank > 1 ? (int)d.d[1] : 1;
	const setting kept[] = {LIST("axes", axes, n), INT("keepdims", 1), {0}};
	const eg_tensor x = eg_import_in(m, 0), mean = one(m, "reduce_mean", x, kept), off = two(m, "sub", x, mean);
	const eg_tensor variance = one(m, "reduce_mean", two(m, "mul", off, off), kept), now[] = {mean, variance};
	const eg_tensor y = two(m, "div", off, one(m, "sqrt", two(m, "add", variance, number(m, eg_import_float(m, "epsilon", 1e-5))), NULL));
	eg_import_out(m, 0, two(m, "add", two(m, "mul", y, shaped(m, eg_import_in(m, 1), shape, n)), shaped(m, eg_import_in(m, 2), shape, n)));
	for (int i = 0; i < 2; i++)
		eg_import_out(m, 1 + i, two(m, "add", two(m, "mul", eg_import_in(m, 3 + i), number(m, momentum)),
			two(m, "mul", shaped(m, now[i], shape, 1), number(m, 1 - momentum))));
}

static bool batch_norm(eg_import *m) {
	int64_t consumed[8];
	const double momentum = eg_import_float(m, "momentum", 0.9);
	if (eg_import_int(m, "training_mode", 0)) return batch_norm_of_batch(m, momentum), true;
	if (eg_import_opset(m) >= 9) return false;
	if (eg_import_int(m, "is_test", 1) != 1) eg_import_fail(m, "is_test is off: it trains");
	if (eg_import_int(m, "spatial", 1) != 1) eg_import_fail(m, "statistics of single places (spatial) are not supported");
	eg_import_int_list(m, "consumed_inputs", consumed, 8);
	return false;
}

/* Before opset 13 all dimensions from the axis on were one, and the axis was 1 where nothing was said. */
static bool old_softmax(eg_import *m) {
	static const struct { const char *type, *op; } ops[] = {{"Softmax", "softmax"}, {"LogSoftmax", "log_softmax"}, {"Hardmax", "hard_max"}};
	if (eg_import_opset(m) >= 13) return false;
	const int64_t axis = eg_import_int(m, "axis", 1);
	for (int i = 0; i < EG_COUNT(ops); i++)
		if (!strcmp(ops[i].type, eg_import_type(m))) eg_import_out(m, 0, one(m, ops[i].op, eg_import_in(m, 0), (setting[]){INT("axis", axis), INT("flat", 1), {0}}));
	return true;
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

/* Dimensions that a transpose before this one has moved, and that come back: around recurrent layers of both
 * directions, whose own order is the one that exporters make of ONNX's. */
static bool turned_back(eg_import *m) {
	int64_t perm[EG_MAX_DIMS];
	const eg_tensor x = eg_import_raw(m, 0);
	const int rank = eg_import_int_list(m, "perm", perm, EG_MAX_DIMS), at = x.id && !m->scope ? m->graph->values[x.id - 1].node : -1;
	const eg_node *before = at < 0 ? NULL : &m->graph->nodes[at];
	if (!before || strcmp(before->op->info.name, "transpose") != 0) return false;
	const eg_ints *moved = (const void *)((const char *)before->options + before->op->info.attrs[0].offset);
	if (moved->n != rank) return false;
	for (int i = 0; i < rank; i++)
		if (perm[i] < 0 || perm[i] >= rank || moved->at[perm[i]] != i) return false;
	eg_import_out(m, 0, (eg_tensor){before->in[0] + 1});
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
	{"LSTM", eg_import_cell}, {"GRU", eg_import_cell}, {"RNN", eg_import_cell}, {"OneHot", one_hot}, {"Expand", expand}, {"Reshape", unfold}, {"Range", range}, {"Compress", compress},
	{"Gemm", old_gemm}, {"BatchNormalization", batch_norm}, {"Softmax", old_softmax}, {"LogSoftmax", old_softmax}, {"Hardmax", old_softmax},
	{"GlobalLpPool", global_lp_pool}, {"MaxPool", max_places}, {"Slice", slice}, {"PRelu", prelu}, {"Transpose", turned_back}, {"STFT", eg_import_stft},
};

bool eg_import_more(eg_import *m) {
	for (int i = 0; i < EG_COUNT(more); i++)
		if (!strcmp(more[i].type, eg_import_type(m)) && more[i].import(m)) return true;
	return false;
}

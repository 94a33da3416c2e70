/* lp_pool.c - pooling by the p-norm of windows, made of other operators: powers, an average that counts padding, and a
 * root. Between the average (p 1, but for a factor) and the maximum (p large). */
#include "ops/window_onnx.h"

#include "engram_ops.h" /* behind the kernels' contract, one of whose functions is called as a builder is */

#include <string.h>

#define INTS_1(T, f, def, min, max, onnx, doc) OP_INT(T, f, def, min, max, onnx, doc)
#define INTS_2(T, f, def, min, max, onnx, doc) OP_PAIR(T, f, def, min, max, onnx, doc)
#define INTS_3(T, f, def, min, max, onnx, doc) {#f, EG_ATTR_INTS, 3, offsetof(T, f), def, min, max, NULL, onnx, doc, NULL}

/* A root has no slope at 0: windows of zeros get this much, and the gradient 0. */
#define LEAST ((eg_real)1e-30)

/* How much a window holds, and the average's operator with its options. */
typedef struct lp {
	const char *name, *average;
	const void *options;
	int p, count;
} lp;

static eg_tensor number(eg_graph *g, eg_real v) { return eg_constant(g, &v, EG_F32, EG_DIMS(1)); }

static eg_tensor compose(eg_graph *g, const lp *l, eg_tensor x) {
	char text[256];
	const bool powers = l->p > 1;
	snprintf(text, sizeof text, "%.200s/size", l->name);
	x = eg_abs(g, x, .name = text);
	snprintf(text, sizeof text, "%.200s/powers", l->name);
	if (powers) x = eg_pow(g, x, number(g, (eg_real)l->p), .name = text);
	x = eg_apply(g, l->average, l->options, &x, 1);
	snprintf(text, sizeof text, "%.200s/sums", l->name);
	x = eg_mul(g, x, number(g, (eg_real)l->count), .name = powers ? text : l->name);
	if (!powers) return x;
	snprintf(text, sizeof text, "%.200s/above_0", l->name);
	x = eg_add(g, x, number(g, LEAST), .name = text);
	return eg_pow(g, x, number(g, 1 / (eg_real)l->p), .name = l->name);
}

/* The numbers of each axis; of one axis it is no array. */
static void copy(int n, void *to, const void *from) { memcpy(to, from, (size_t)n * sizeof(int)); }

#define LP_POOL(name_, n, A, SHAPE, ...) \
	typedef struct name_##_options { \
		const char *name; \
		int kernel A, stride A, padding A, padding_end A, auto_pad, p; \
	} name_##_options; \
	static const eg_attr name_##_attrs[] = { \
		INTS_##n(name_##_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", "size of the windows along each axis"), \
		INTS_##n(name_##_options, stride, 0, 1, OP_SIZE_MAX, "strides", "steps from one window to the next; default: as large as the kernel"), \
		INTS_##n(name_##_options, padding, 0, 0, OP_SIZE_MAX, "pads", "zeros put around x, on each side"), \
		INTS_##n(name_##_options, padding_end, -1, 0, OP_SIZE_MAX, "pads", "padding at the end of each axis; default: as `padding`, which then is at both"), \
		OP_ENUM(name_##_options, auto_pad, window_pad_names, "auto_pad", "padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none"), \
		OP_INT(name_##_options, p, 2, 1, 1000, "p", "which norm"), \
	}; \
	static eg_tensor name_##_compose(eg_graph *g, const void *options, const eg_tensor *in, int nin, eg_error *err) { \
		const name_##_options *o = options; \
		char text[256]; \
		eg_avgpool##n##d_options a = {.name = text, .auto_pad = o->auto_pad}; \
		lp l = {.name = o->name, .average = "avgpool" #n "d", .options = &a, .p = o->p, .count = 1}; \
		EG_UNUSED(nin), EG_UNUSED(err); \
		snprintf(text, sizeof text, "%.200s/means", o->name); \
		copy(n, &a.kernel, &o->kernel), copy(n, &a.stride, &o->stride), copy(n, &a.padding, &o->padding); \
		for (int i = 0; i < (n); i++) { \
			const int end = ((const int *)&o->padding_end)[i]; \
			((int *)&a.padding_end)[i] = end == 0 ? EG_ZERO : end < 0 ? 0 : end; \
			l.count *= ((const int *)&o->kernel)[i]; \
		} \
		return compose(g, &l, in[0]); \
	} \
	static bool name_##_import(eg_import *m) { return window_import(m, #name_); } \
	static const eg_case name_##_cases[] = {__VA_ARGS__}; \
	const eg_op eg_op_##name_ = { \
		.info = { \
			.name = #name_, \
			.layer = #name_, \
			.doc = OP_TEXT("Pooling by the p-norm of windows"), \
			.equation = OP_TEXT("y = (sum over the window of |x|^p)^(1/p); " SHAPE), \
			.source = OP_TEXT("ONNX LpPool-18 but for dilations and ceil_mode; Sermanet, Chintala, LeCun 2012"), \
			.attrs = name_##_attrs, \
			.nattrs = EG_COUNT(name_##_attrs), \
			.options_size = sizeof(name_##_options), \
			.shorthand = "kernel", \
			.min_inputs = 1, \
			.max_inputs = 1, \
			.inputs = (const char *const[]){"x"}, \
			.outputs = (const char *const[]){"y", NULL}, \
		}, \
		.compose = name_##_compose, \
		.onnx = "LpPool", \
		.onnx_since = 11, \
		.import = OP_ONNX(name_##_import), \
		OP_CASES(name_##_cases), \
	};

#define LP(n, ...) &(const lp_pool##n##d_options){__VA_ARGS__}
LP_POOL(lp_pool1d, 1, , "x (N,C,L), y (N,C,P)",
	{"overlapping", LP(1, .kernel = 3, .stride = 2, .padding = 1), .in = {OP_DIMS(EG_N, 3, 8)}, .nin = 1, .batch = 3})
LP_POOL(lp_pool2d, 2, [2], "x (N,C,H,W), y (N,C,P,Q)",
	{"side by side", LP(2, .kernel = {2, 3}), .in = {OP_DIMS(EG_N, 3, 4, 7)}, .nin = 1, .batch = 18},
	{"the third norm, padded at one end", LP(2, .kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 0}, .padding_end = {EG_ZERO, 1}, .p = 3),
		.in = {OP_DIMS(EG_N, 2, 5, 4)}, .nin = 1, .batch = 3},
	{"sums, as many as strides", LP(2, .kernel = {3, 3}, .stride = {2, 2}, .auto_pad = 1, .p = 1), .in = {OP_DIMS(EG_N, 2, 5, 4)}, .nin = 1, .batch = 3})
LP_POOL(lp_pool3d, 3, [3], "x (N,C,D,H,W), y (N,C,O,P,Q)",
	{"volumes", LP(3, .kernel = {2, 2, 1}, .stride = {1, 2, 1}), .in = {OP_DIMS(EG_N, 2, 3, 5, 4)}, .nin = 1, .batch = 3})

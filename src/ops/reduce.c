/* reduce.c - the family of reductions: sums, means, extremes, norms over some dimensions, and the places of extremes.
 * A member is a row of the table at the end, and a line of eg_reduction with its case in ref_reduce.c.
 *
 * They work on PLAIN tensors: block by block where the batch is kept, but it may be reduced too. Not here: the mean
 * of sequences with lengths (sequence.c), pooling (pool.c). */
#include "ops/ops.h"

typedef struct reduce_options {
	const char *name;
	eg_ints axes;
	bool keepdims;
} reduce_options;

static const eg_attr reduce_attrs[] = {
	OP_INT_LIST(reduce_options, axes, 0, EG_MAX_DIMS, -EG_MAX_DIMS, EG_MAX_DIMS - 1, NULL,
		"dimensions that are reduced, in any order; negative counts from the end; without it all"),
	OP_BOOL(reduce_options, keepdims, NULL, "they stay, with size 1"),
};

typedef struct arg_options {
	const char *name;
	int axis;
	bool last, keepdims;
} arg_options;

static const eg_attr arg_attrs[] = {
	OP_INT(arg_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis=0", "dimension that is reduced; negative counts from the end"),
	OP_BOOL(arg_options, last, "select_last_index", "of equal ones the last, not the first"),
	OP_BOOL(arg_options, keepdims, "keepdims=1", "it stays, with size 1"),
};

/* ---- dimensions -------------------------------------------------------------------------------------------------- */

/* Which dimensions go. False: axis *bad is none. */
static bool reduced(const reduce_options *o, int rank, bool gone[EG_MAX_DIMS], int *bad) {
	for (int i = 0; i < rank && !o->axes.at; i++) gone[i] = true;
	for (int i = 0; i < o->axes.n && o->axes.at; i++) {
		int axis;
		*bad = o->axes.at[i];
		if (!op_axis(o->axes.at[i], rank, &axis)) return false;
		gone[axis] = true;
	}
	return true;
}

/* Output 0, where the dimensions of x that are gone are left out or 1. */
static void leave_out(const eg_dims *x, const bool gone[EG_MAX_DIMS], bool keepdims, eg_dims *y) {
	y->rank = 0;
	for (int i = 0; i < x->rank; i++)
		if (!gone[i] || keepdims) y->d[y->rank++] = gone[i] ? 1 : x->d[i];
}

static eg_status no_axis(eg_infer *s, int axis) {
	char text[128];
	return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; its dimensions are %d to %d", eg_dims_text(&s->in[0], text, sizeof text), axis,
		-s->in[0].rank, s->in[0].rank - 1);
}

static eg_status reduce_infer(eg_infer *s) {
	const reduce_options *o = s->options;
	bool gone[EG_MAX_DIMS] = {0};
	int bad;
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (!reduced(o, s->in[0].rank, gone, &bad)) return no_axis(s, bad);
	leave_out(&s->in[0], gone, o->keepdims, &s->out[0]);
	return EG_OK;
}

static eg_status arg_infer(eg_infer *s) {
	const arg_options *o = s->options;
	bool gone[EG_MAX_DIMS] = {0};
	int axis;
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (!op_axis(o->axis, s->in[0].rank, &axis)) return no_axis(s, o->axis);
	gone[axis] = true;
	leave_out(&s->in[0], gone, o->keepdims, &s->out[0]);
	s->out_type[0] = EG_I32;
	return EG_OK;
}

/* A sample's numbers become a sample's numbers where the batch is kept: then it is a block job. */
static eg_reduce_shape shape_of(const eg_emit *e, const bool gone[EG_MAX_DIMS]) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	eg_reduce_shape s = {.rank = x.rank ? x.rank : 1, .dims = {1}, .sy = {1}, .count = 1, .unit = EG_BLOCK};
	for (int i = x.rank - 1; i >= 0; i--) {
		s.dims[i] = x.d[i];
		s.sy[i] = gone[i] ? 0 : s.count;
		if (!gone[i]) s.count *= x.d[i];
	}
	s.block = eg_emit_in_batched(e, 0) && !gone[0];
	if (s.block) s.unit = s.count / x.d[0] * EG_BLOCK;
	return s;
}

static int units_of(const eg_reduce_shape *s) { return (int)((s->count + s->unit - 1) / s->unit); }

static double size_of(const eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	return (double)eg_dims_count(&x, 0);
}

/* ---- forward, backward ------------------------------------------------------------------------------------------- */

static eg_reduce_shape reduce_shape(const eg_emit *e) {
	bool gone[EG_MAX_DIMS] = {0};
	int bad;
	reduced(eg_emit_options(e), eg_emit_in_dims(e, 0).rank, gone, &bad);
	return shape_of(e, gone);
}

static void call(eg_emit *e, const eg_reduce_args *a) {
	OP_CALL(e, reduce, *a, 1, 1, .block = a->s.block, .units = units_of(&a->s), .flops = size_of(e));
}

static void reduce_fwd(eg_emit *e) {
	eg_reduce_args a = {.s = reduce_shape(e), .op = (eg_reduction)eg_emit_code(e)};
	a.x = eg_emit_x(e, 0, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	call(e, &a);
}

static void arg_fwd(eg_emit *e) {
	const arg_options *o = eg_emit_options(e);
	const int code = eg_emit_code(e);
	bool gone[EG_MAX_DIMS] = {0};
	int axis;
	if (op_axis(o->axis, eg_emit_in_dims(e, 0).rank, &axis)) gone[axis] = true;
	eg_reduce_args a = {.s = shape_of(e, gone)};
	a.op = code == EG_REDUCE_ARG_MAX ? o->last ? EG_REDUCE_ARG_MAX_LAST : EG_REDUCE_ARG_MAX : o->last ? EG_REDUCE_ARG_MIN_LAST : EG_REDUCE_ARG_MIN;
	a.x = eg_emit_x(e, 0, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	call(e, &a);
}

/* The derivatives of some members read x, or y, or both. */
static void backward(eg_emit *e, bool x, bool y) {
	eg_reduce_bwd_args a = {.s = reduce_shape(e), .op = (eg_reduction)eg_emit_code(e), .dy = eg_emit_dy(e, 0, EG_PLAIN)};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	if (x) a.x = eg_emit_x(e, 0, EG_PLAIN);
	if (y) a.y = eg_emit_y(e, 0, EG_PLAIN);
	a.dx = eg_emit_dx(e, 0, EG_PLAIN, &a.acc);
	OP_CALL(e, reduce_bwd, a, 3, 1, .block = a.s.block, .units = units_of(&a.s), .flops = 2 * size_of(e));
}

static void bwd_by_both(eg_emit *e) { backward(e, true, true); }
static void bwd_by_x(eg_emit *e) { backward(e, true, false); }
static void bwd_by_y(eg_emit *e) { backward(e, false, true); }
static void bwd_by_nothing(eg_emit *e) { backward(e, false, false); }

/* ---- cases ------------------------------------------------------------------------------------------------------- */

#define REDUCE(...) &(const reduce_options){__VA_ARGS__}
#define CASES(...)                                                                                                     \
	{"channels", REDUCE(.axes = EG_INTS(1)), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, __VA_ARGS__},         \
	{"rows and columns, kept", REDUCE(.axes = EG_INTS(-1, 2, -1), .keepdims = true), .in = {OP_DIMS(EG_N, 3, 5, 37)}, .nin = 1, .batch = 3, __VA_ARGS__}, \
	{"the batch and columns", REDUCE(.axes = EG_INTS(0, 3)), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, __VA_ARGS__}, \
	{"time", REDUCE(.axes = EG_INTS(0)), .in = {OP_DIMS(EG_T, EG_N, 19)}, .nin = 1, .batch = 6, .time = 5, __VA_ARGS__}, \
	{"everything", NULL, .in = {OP_DIMS(EG_N, 2, EG_NAMED, 33)}, .nin = 1, .batch = 4, .sizes = OP_SIZES({"rows", 9}), __VA_ARGS__}
static const eg_case linear_cases[] = {CASES(.linear = true)};
static const eg_case cases[] = {CASES(.low = 0)};
static const eg_case positive_cases[] = {CASES(.low = 0.2f, .high = 2)};
static const eg_case choice_cases[] = {
	CASES(.low = 0),
	{"equal numbers", REDUCE(.axes = EG_INTS(2, 3)), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, .ties = true},
	{"equal numbers, columns", REDUCE(.axes = EG_INTS(1)), .in = {OP_DIMS(EG_N, 7, 33)}, .nin = 1, .batch = 3, .ties = true},
};
/* A product of few, some of which are 0, too. */
static const eg_case prod_cases[] = {
	{"columns", REDUCE(.axes = EG_INTS(-1)), .in = {OP_DIMS(EG_N, 3, 5)}, .nin = 1, .batch = 18},
	{"channels, kept", REDUCE(.axes = EG_INTS(1), .keepdims = true), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 3},
	{"zeros", REDUCE(.axes = EG_INTS(1)), .in = {OP_DIMS(EG_N, 4, 33)}, .nin = 1, .batch = 18, .ties = true},
	{"zeros in rows", REDUCE(.axes = EG_INTS(2)), .in = {OP_DIMS(EG_N, 11, 3)}, .nin = 1, .batch = 3, .ties = true},
	{"everything", NULL, .in = {OP_DIMS(4, 9)}, .nin = 1, .batch = 2, .low = 0.8f, .high = 1.2f},
};
#define ARG(...) &(const arg_options){__VA_ARGS__}
static const eg_case arg_cases[] = {
	{"classes", NULL, .in = {OP_DIMS(EG_N, 37)}, .nin = 1, .batch = 18},
	{"channels, kept", ARG(.axis = 1, .keepdims = true), .in = {OP_DIMS(EG_N, 6, 5, 7)}, .nin = 1, .batch = 3, .ties = true},
	{"last of equal ones", ARG(.last = true), .in = {OP_DIMS(EG_N, 3, 19)}, .nin = 1, .batch = 18, .ties = true},
	{"the first dimension", ARG(.axis = EG_ZERO, .last = true), .in = {OP_DIMS(9, 21)}, .nin = 1, .batch = 2, .ties = true},
};

/* ---- ONNX -------------------------------------------------------------------------------------------------------- */

/* Axes are an input of ReduceSum from opset 13 on, of the others from 18 on. */
static bool axes_are_input(int opset, const char *type) { return opset >= 18 || (opset >= 13 && !strcmp(type, "ReduceSum")); }

static void export_reduction(eg_export *x, const char *type) {
	const reduce_options *o = eg_export_options(x);
	const bool input = axes_are_input(eg_export_opset(x), type);
	eg_export_node(x, type, EG_NAMES(eg_export_in(x, 0), input ? eg_export_list(x, o->axes) : ""), EG_NAMES(eg_export_out(x, 0)));
	int64_t axes[EG_MAX_DIMS];
	for (int i = 0; i < o->axes.n; i++) axes[i] = o->axes.at[i];
	if (!input && o->axes.at) eg_export_set_ints(x, "axes", axes, o->axes.n);
	eg_export_set_int(x, "keepdims", o->keepdims);
}

/* What is left where nothing is reduced (noop_with_empty_axes), as in onnxruntime: each number by itself. */
static eg_tensor of_each(eg_import *m, eg_tensor x) {
	static const char *const ops[][2] = {{"ReduceL1", "abs"}, {"ReduceL2", "abs"}, {"ReduceSumSquare", "square"}, {"ReduceLogSum", "log"}};
	for (int i = 0; i < EG_COUNT(ops); i++)
		if (!strcmp(ops[i][0], eg_import_type(m))) return eg_import_apply(m, ops[i][1], NULL, &x, 1);
	return x;
}

static bool import_reduction(eg_import *m, const char *op) {
	reduce_options o = {.axes = eg_import_axes(m, 1), .keepdims = eg_import_int(m, "keepdims", 1) != 0};
	eg_tensor in = eg_import_in(m, 0);
	const bool nothing = eg_import_int(m, "noop_with_empty_axes", 0) && o.axes.n == 0;
	if (o.axes.n == 0) o.axes.at = NULL;
	eg_import_out(m, 0, nothing ? of_each(m, in) : eg_import_apply(m, op, &o, &in, 1));
	return true;
}

#define ONNX(op, type)                                                                                                 \
	static void op##_export(eg_export *x) { export_reduction(x, type); }                                           \
	static bool op##_import(eg_import *m) { return import_reduction(m, #op); }
ONNX(reduce_sum, "ReduceSum")
ONNX(reduce_mean, "ReduceMean")
ONNX(reduce_max, "ReduceMax")
ONNX(reduce_min, "ReduceMin")
ONNX(reduce_prod, "ReduceProd")
ONNX(reduce_l1, "ReduceL1")
ONNX(reduce_l2, "ReduceL2")
ONNX(reduce_sum_square, "ReduceSumSquare")
ONNX(reduce_log_sum, "ReduceLogSum")
ONNX(reduce_log_sum_exp, "ReduceLogSumExp")
#define arg_max_export NULL
#define arg_max_import NULL
#define arg_min_export NULL
#define arg_min_import NULL

/* ---- the members ------------------------------------------------------------------------------------------------- */

#define MEMBER(op, kind, upper, text, formula, where, name_onnx, since, list)                                          \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = OP_TEXT(text), .equation = OP_TEXT(formula), .source = OP_TEXT(where), \
		.attrs = kind##_attrs, .nattrs = EG_COUNT(kind##_attrs), .options_size = sizeof(kind##_options),       \
		.shorthand = kind##_shorthand, .min_inputs = 1, .max_inputs = 1,                                  \
		.inputs = (const char *const[]){"x"}, .outputs = (const char *const[]){"y", NULL}},                    \
		.infer = kind##_infer, .code = EG_REDUCE_##upper, .fwd = kind##_fwd, .onnx = name_onnx,                \
		.onnx_since = since, .export = OP_ONNX(op##_export), .import = OP_ONNX(op##_import), OP_CASES(list)
#define reduce_shorthand "axes"
#define arg_shorthand "axis"
#define OVER "over the dimensions `axes` of x, or all"
#define POSITIVE .range = positive

static eg_range positive(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, 0, (double)INFINITY};
}

MEMBER(reduce_sum, reduce, SUM, "The sum over some dimensions", "y = sum of x, " OVER "; dx = dy", "ONNX ReduceSum-13 (axes as an attribute)",
	"ReduceSum", 13, linear_cases), .bwd = OP_BWD(bwd_by_nothing)};
MEMBER(reduce_mean, reduce, MEAN, "The mean over some dimensions", "y = sum of x / n, " OVER ", n of them; dx = dy / n", "ONNX ReduceMean-13",
	"ReduceMean", 13, linear_cases), .range = op_range_of_input, .bwd = OP_BWD(bwd_by_nothing)};
MEMBER(reduce_max, reduce, MAX, "The maximum over some dimensions",
	"y = max of x, " OVER "; NaN where there is one; dx = dy / k for the k elements that are y, else 0", "ONNX ReduceMax-13; numpy.amax",
	"ReduceMax", 13, choice_cases), .range = op_range_of_input, .bwd = OP_BWD(bwd_by_both), .bwd_reads_x = true, .bwd_reads_y = true};
MEMBER(reduce_min, reduce, MIN, "The minimum over some dimensions",
	"y = min of x, " OVER "; NaN where there is one; dx = dy / k for the k elements that are y, else 0", "ONNX ReduceMin-13; numpy.amin",
	"ReduceMin", 13, choice_cases), .range = op_range_of_input, .bwd = OP_BWD(bwd_by_both), .bwd_reads_x = true, .bwd_reads_y = true};
MEMBER(reduce_prod, reduce, PROD, "The product over some dimensions", "y = product of x, " OVER "; dx = dy times the product of the others",
	"ONNX ReduceProd-13", "ReduceProd", 13, prod_cases), .bwd = OP_BWD(bwd_by_x), .bwd_reads_x = true};
MEMBER(reduce_l1, reduce, L1, "The sum of absolute values over some dimensions", "y = sum of |x|, " OVER "; dx = dy sign x", "ONNX ReduceL1-13",
	"ReduceL1", 13, cases), POSITIVE, .bwd = OP_BWD(bwd_by_x), .bwd_reads_x = true};
MEMBER(reduce_l2, reduce, L2, "The Euclidean norm over some dimensions", "y = (sum of x^2)^(1/2), " OVER "; dx = dy x / y, 0 where y = 0",
	"ONNX ReduceL2-13", "ReduceL2", 13, cases), POSITIVE, .bwd = OP_BWD(bwd_by_both), .bwd_reads_x = true, .bwd_reads_y = true};
MEMBER(reduce_sum_square, reduce, SUM_SQUARE, "The sum of squares over some dimensions", "y = sum of x^2, " OVER "; dx = 2 dy x",
	"ONNX ReduceSumSquare-13", "ReduceSumSquare", 13, cases), POSITIVE, .bwd = OP_BWD(bwd_by_x), .bwd_reads_x = true};
MEMBER(reduce_log_sum, reduce, LOG_SUM, "The logarithm of the sum over some dimensions", "y = log of the sum of x, " OVER "; dx = dy e^-y",
	"ONNX ReduceLogSum-13", "ReduceLogSum", 13, positive_cases), .bwd = OP_BWD(bwd_by_y), .bwd_reads_y = true};
MEMBER(reduce_log_sum_exp, reduce, LOG_SUM_EXP, "The logarithm of the sum of exponentials over some dimensions",
	"y = log of the sum of e^x, " OVER ", by way of the maximum, so that nothing overflows; dx = dy e^(x - y)", "ONNX ReduceLogSumExp-13",
	"ReduceLogSumExp", 13, cases), .bwd = OP_BWD(bwd_by_both), .bwd_reads_x = true, .bwd_reads_y = true};

#define CHOSEN .no_gradient = "places are whole numbers"
MEMBER(arg_max, arg, ARG_MAX, "The place of the largest element along a dimension, from 0 on, as EG_I32",
	"y = the first index along `axis` of the maximum (last: of equal ones the last); of the first NaN where there is one",
	"ONNX ArgMax-13 (int32 in place of int64); numpy.argmax", "ArgMax", 13, arg_cases), CHOSEN};
MEMBER(arg_min, arg, ARG_MIN, "The place of the smallest element along a dimension, from 0 on, as EG_I32",
	"y = the first index along `axis` of the minimum (last: of equal ones the last); of the first NaN where there is one",
	"ONNX ArgMin-13 (int32 in place of int64); numpy.argmin", "ArgMin", 13, arg_cases), CHOSEN};

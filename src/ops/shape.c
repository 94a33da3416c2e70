/* shape.c - operators whose output is their input's data: flatten, fold_time and unfold_time, under other
 * dimensions; detach, without its gradient. */
#include "ops/ops.h"

/* ---- flatten ----------------------------------------------------------------------------------------------------- */

typedef struct flatten_options {
	const char *name;
	int axis;
} flatten_options;

static const eg_attr flatten_attrs[] = {
	OP_INT(flatten_options, axis, 1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"first of the dimensions that become one; negative counts from the end"),
};

static bool merges_batch(const eg_dims *x, int axis) {
	for (int i = axis; i < x->rank; i++)
		if (eg_dim_is_batch(x->d[i]) || x->d[i] == EG_T) return true;
	return false;
}

/* All dimensions from `axis` on as one. */
static int64_t merged(eg_infer *s, int axis) {
	const eg_dims *x = &s->in[0];
	for (int i = axis; i < x->rank; i++)
		if (x->d[i] < 0) return axis == x->rank - 1 ? x->d[i] : eg_infer_size(s, x->d[i]);
	return eg_dims_count(x, axis);
}

static eg_status flatten_infer(eg_infer *s) {
	const flatten_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (!op_axis(o->axis, x->rank, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d to begin with; axis may be %d to %d",
			eg_dims_text(x, text, sizeof text), o->axis, -x->rank, x->rank - 1);
	if (merges_batch(x, axis))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"axis %d would merge the batch or the time of x %s into the features; use a later axis", o->axis,
			eg_dims_text(x, text, sizeof text));
	s->out[0] = *x;
	s->out[0].rank = axis + 1;
	s->out[0].d[axis] = merged(s, axis);
	return EG_OK;
}

/* ONNX's makes a matrix; another axis is a Reshape. */
static void flatten_export(eg_export *x) {
	const flatten_options *o = eg_export_options(x);
	const eg_dims d = eg_export_in_dims(x, 0);
	int64_t shape[EG_MAX_DIMS] = {0};
	int axis;
	op_axis(o->axis, d.rank, &axis);
	if (axis == 1) {
		eg_export_node(x, "Flatten", EG_NAMES(eg_export_in(x, 0)), EG_NAMES(eg_export_out(x, 0)));
		eg_export_set_int(x, "axis", 1);
		return;
	}
	shape[axis] = -1; /* in front of it zeros: as x has them */
	eg_export_node(x, "Reshape", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, shape, axis + 1)), EG_NAMES(eg_export_out(x, 0)));
}

static bool flatten_import(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	int64_t axis = eg_import_int(m, "axis", 1);
	if (axis < 0) axis += d.rank;
	if (axis != 1) eg_import_fail(m, "axis %lld: only 1 is supported, which keeps the batch", (long long)axis);
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "flatten", NULL, &in, 1));
	return true;
}

static const eg_case flatten_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1, .batch = 18, .linear = true},
	{"last dimensions", &(const flatten_options){.axis = -2}, .in = {OP_DIMS(EG_N, 2, 3, 7, 5)}, .nin = 1,
		.batch = 3, .linear = true},
	{"everything", &(const flatten_options){.axis = -3}, .in = {OP_DIMS(4, 3, 5)}, .nin = 1, .batch = 2,
		.linear = true},
	{"from axis 0 on", &(const flatten_options){.axis = EG_ZERO}, .in = {OP_DIMS(3, 5, 2)}, .nin = 1, .batch = 2,
		.linear = true},
	{"open height and width", NULL, .in = {OP_DIMS(EG_N, 3, EG_NAMED, EG_NAMED - 1)}, .nin = 1, .batch = 18,
		.sizes = OP_SIZES({"height", 5}, {"width", 4}), .linear = true},
};

const eg_op eg_op_flatten = {
	.info = {
		.name = "flatten",
		.layer = "flatten",
		.doc = OP_TEXT("Makes one dimension of all dimensions from `axis` on"),
		.equation = OP_TEXT("y (N, C*H*W) = x (N,C,H,W), the same numbers in the same order"),
		.source = OP_TEXT("ONNX Flatten-13 where axis is 1, else Reshape-13"),
		.attrs = flatten_attrs,
		.nattrs = EG_COUNT(flatten_attrs),
		.options_size = sizeof(flatten_options),
		.shorthand = "axis",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = flatten_infer,
	.range = op_range_of_input,
	.fwd = op_same_fwd,
	.bwd = OP_BWD(op_same_bwd),
	.onnx = "Flatten",
	.onnx_since = 13,
	.export = OP_ONNX(flatten_export),
	.import = OP_ONNX(flatten_import),
	OP_CASES(flatten_cases),
};

/* ---- detach ------------------------------------------------------------------------------------------------------ */

static eg_status detach_infer(eg_infer *s) {
	s->out_constant[0] = true;
	return op_infer_same(s);
}

static void detach_fwd(eg_emit *e) { eg_emit_same(e, 0, eg_emit_in_layout(e, 0)); }

static void detach_export(eg_export *x) { eg_export_node(x, "Identity", EG_NAMES(eg_export_in(x, 0)), EG_NAMES(eg_export_out(x, 0))); }

static const eg_case detach_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1, .batch = 18},
	{"a number", NULL, .in = {{0}}, .nin = 1, .batch = 2},
};

const eg_op eg_op_detach = {
	.info = {
		.name = "detach",
		.layer = "detach",
		.doc = OP_TEXT("Its input, back through which no gradient flows"),
		.equation = OP_TEXT("y = x; dx = 0"),
		.source = OP_TEXT("PyTorch's detach"),
		.options_size = sizeof(op_name_only),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = detach_infer,
	.range = op_range_of_input,
	.fwd = detach_fwd,
	.no_gradient = "that is what it is for",
	.follows = op_follows,
	.export = OP_ONNX(detach_export),
	OP_CASES(detach_cases),
};
/* ---- fold_time, unfold_time -------------------------------------------------------------------------------------- */

static eg_status fold_time_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	char text[128];
	if (x->rank < 2 || eg_dim_is_batch(x->d[0]) || eg_dim_is_product(x->d[1]))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s is no sequence; (T,N,...) is needed, time before batch",
			eg_dims_text(x, text, sizeof text));
	s->out_type[0] = s->in_type[0];
	y->rank = x->rank - 1;
	y->d[0] = eg_dim_product(x->d[0], x->d[1]);
	memcpy(y->d + 1, x->d + 2, (size_t)(x->rank - 2) * sizeof *x->d);
	return EG_OK;
}

static eg_status unfold_time_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	char text[128];
	if (x->rank < 1 || !eg_dim_is_product(x->d[0]))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s does not begin with time and batch as one dimension, (T*N,...), as fold_time makes it",
			eg_dims_text(x, text, sizeof text));
	if (x->rank == EG_MAX_DIMS)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s would have more than %d dimensions", eg_dims_text(x, text, sizeof text), EG_MAX_DIMS);
	s->out_type[0] = s->in_type[0];
	y->rank = x->rank + 1;
	eg_dim_factors(x->d[0], &y->d[0], &y->d[1]);
	memcpy(y->d + 2, x->d + 1, (size_t)(x->rank - 1) * sizeof *x->d);
	return EG_OK;
}

static void fold_time_export(eg_export *x) {
	const eg_dims y = eg_export_out_dims(x, 0);
	int64_t shape[EG_MAX_DIMS];
	for (int i = 0; i < y.rank; i++) shape[i] = i ? y.d[i] : -1;
	for (int i = 1; i < y.rank; i++)
		if (y.d[i] < 0) eg_export_fail(x, "the size of dimension %d of its output would have to be computed there", i);
	eg_export_node(x, "Reshape", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, shape, y.rank)), EG_NAMES(eg_export_out(x, 0)));
}

static const eg_case fold_time_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_T, EG_N, 3, 5, 7)}, .nin = 1, .batch = 6, .time = 4, .linear = true},
	{"rows, a named length", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 8)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"length", 5}),
		.linear = true},
	{"one number, fixed", NULL, .in = {OP_DIMS(7, 5)}, .nin = 1, .batch = 2, .linear = true},
};

static const eg_case unfold_time_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_TN, 3, 5, 7)}, .nin = 1, .batch = 6, .time = 4, .linear = true},
	{"rows", NULL, .in = {OP_DIMS(EG_TN, 8)}, .nin = 1, .batch = 5, .time = 3, .linear = true},
};

#define TIME_OP(op, to_onnx, text, formula)                                                                                              \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = OP_TEXT(text), .equation = OP_TEXT(formula),                \
		.source = OP_TEXT("ONNX Reshape-13; PyTorch's Tensor.flatten and unflatten"), .options_size = sizeof(op_name_only), \
		.min_inputs = 1, .max_inputs = 1, .inputs = (const char *const[]){"x"}, .types = "a",                  \
		.outputs = (const char *const[]){"y", NULL}},                                                          \
		.infer = op##_infer, .range = op_range_of_input, .fwd = op_same_fwd, .bwd = OP_BWD(op_same_bwd), .export = OP_ONNX(to_onnx),      \
		OP_CASES(op##_cases)}

TIME_OP(fold_time, fold_time_export, "Makes a sample of every step of every sequence, so that layers for pictures and rows work on each",
	"y (T*N,...) = x (T,N,...), the same numbers in the same order");
TIME_OP(unfold_time, NULL, "Takes steps that fold_time has made samples of together to sequences again",
	"y (T,N,...) = x (T*N,...), the same numbers in the same order");

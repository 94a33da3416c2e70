/* shape.c - operators that only read their input's data under other dimensions: flatten. */
#include "ops/ops.h"

typedef struct flatten_options {
	const char *name;
	int axis;
} flatten_options;

static const eg_attr flatten_attrs[] = {
	OP_INT(flatten_options, axis, 1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"first of the dimensions that become one; negative counts from the end"),
};

static eg_status flatten_infer(eg_infer *s) {
	const flatten_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (!op_axis(o->axis, x->rank, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d to begin with; axis may be %d to %d",
			eg_dims_text(x, text, sizeof text), o->axis, -x->rank, x->rank - 1);
	if (eg_dims_known(x, axis) != eg_dims_count(x, axis))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"axis %d would merge the batch or the time of x %s into the features; use a later axis", o->axis,
			eg_dims_text(x, text, sizeof text));
	s->out[0] = *x;
	s->out[0].rank = axis + 1;
	s->out[0].d[axis] = eg_dims_count(x, axis);
	return EG_OK;
}

static void flatten_fwd(eg_emit *e) { eg_emit_same(e, 0, EG_PLAIN); }

static void flatten_bwd(eg_emit *e) {
	if (eg_emit_needs_dx(e, 0)) eg_emit_dx_same(e, 0, EG_PLAIN);
}

static const eg_case flatten_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1, .batch = 18, .linear = true},
	{"last dimensions", &(const flatten_options){.axis = -2}, .in = {OP_DIMS(EG_N, 2, 3, 7, 5)}, .nin = 1,
		.batch = 3, .linear = true},
	{"everything", &(const flatten_options){.axis = -3}, .in = {OP_DIMS(4, 3, 5)}, .nin = 1, .batch = 2,
		.linear = true},
	{"from axis 0 on", &(const flatten_options){.axis = EG_ZERO}, .in = {OP_DIMS(3, 5, 2)}, .nin = 1, .batch = 2,
		.linear = true},
};

const eg_op eg_op_flatten = {
	.info = {
		.name = "flatten",
		.layer = "flatten",
		.doc = "Makes one dimension of all dimensions from `axis` on",
		.equation = "y (N, C*H*W) = x (N,C,H,W), the same numbers in the same order",
		.source = "ONNX Flatten-13 where axis is 1, else Reshape-13",
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
	.fwd = flatten_fwd,
	.bwd = flatten_bwd,
	.onnx = "Flatten",
	.onnx_since = 13,
	.cases = flatten_cases,
	.ncases = EG_COUNT(flatten_cases),
};

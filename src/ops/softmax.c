/* softmax.c - softmax along one dimension. */
#include "ops/ops.h"

typedef struct softmax_options {
	const char *name;
	int axis;
} softmax_options;

static const eg_attr softmax_attrs[] = {
	OP_INT(softmax_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension along which the outputs sum to 1; negative counts from the end"),
};

static eg_status softmax_infer(eg_infer *s) {
	const softmax_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	if (op_infer_same(s)) return s->err->status;
	if (!op_axis(o->axis, x->rank, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; axis may be %d to %d",
			eg_dims_text(x, text, sizeof text), o->axis, -x->rank, x->rank - 1);
	if (eg_dim_is_batch(x->d[axis]) || x->d[axis] == EG_T)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"axis %d is the batch or the time of x %s, whose samples must not depend on each other; use another axis",
			o->axis, eg_dims_text(x, text, sizeof text));
	return EG_OK;
}

/* x as (outer, n, inner), and the job: 16 samples a unit, or about EG_CHUNK elements when there is no batch. */
typedef struct softmax_job {
	int64_t outer, rows, unit;
	int n, inner, units;
	bool block;
} softmax_job;

static softmax_job softmax_shape(const eg_emit *e) {
	const softmax_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, 0);
	int axis;
	op_axis(o->axis, x.rank, &axis);
	softmax_job j = {.outer = 1,
		.n = (int)x.d[axis],
		.inner = (int)eg_dims_count(&x, axis + 1),
		.block = eg_emit_in_batched(e, 0)};
	for (int i = 0; i < axis; i++) j.outer *= x.d[i];
	int64_t size = (int64_t)j.n * j.inner;
	j.rows = j.block ? j.outer / x.d[0] * EG_BLOCK : (EG_CHUNK + size - 1) / size;
	j.units = (int)((j.outer + j.rows - 1) / j.rows);
	j.unit = j.rows * size;
	return j;
}

static void softmax_fwd(eg_emit *e) {
	softmax_job j = softmax_shape(e);
	eg_softmax_args a = {.outer = j.outer, .rows = j.rows, .n = j.n, .inner = j.inner};
	a.x = op_stride(j.block, eg_emit_x(e, 0, EG_PLAIN), j.unit);
	a.y = op_stride(j.block, eg_emit_y(e, 0, EG_PLAIN), j.unit);
	OP_CALL(e, softmax_fwd, a, 1, 1, .block = j.block, .units = j.units,
		.flops = 10.0 * (double)j.outer * j.n * j.inner);
}

static void softmax_bwd(eg_emit *e) {
	softmax_job j = softmax_shape(e);
	eg_softmax_bwd_args a = {
		.dy = eg_emit_dy(e, 0, EG_PLAIN), .outer = j.outer, .rows = j.rows, .n = j.n, .inner = j.inner};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.y = op_stride(j.block, eg_emit_y(e, 0, EG_PLAIN), j.unit);
	a.dy = op_stride(j.block, a.dy, j.unit);
	a.dx = op_stride(j.block, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), j.unit);
	OP_CALL(e, softmax_bwd, a, 2, 1, .block = j.block, .units = j.units,
		.flops = 4.0 * (double)j.outer * j.n * j.inner);
}

static const eg_case softmax_cases[] = {
	{"classes", NULL, .in = {OP_DIMS(EG_N, 11)}, .nin = 1, .batch = 18},
	{"channels of a picture", &(const softmax_options){.axis = 1}, .in = {OP_DIMS(EG_N, 5, 3, 7)}, .nin = 1,
		.batch = 18},
	{"inner dimension", &(const softmax_options){.axis = -2}, .in = {OP_DIMS(EG_N, 2, 19, 3)}, .nin = 1,
		.batch = 3},
	{"fixed batch, first dimension", &(const softmax_options){.axis = -2}, .in = {OP_DIMS(6, 5)}, .nin = 1,
		.batch = 2},
	{"axis 0", &(const softmax_options){.axis = EG_ZERO}, .in = {OP_DIMS(7, 2, 3)}, .nin = 1, .batch = 2},
	{"an open axis, steps as samples", &(const softmax_options){.axis = 1}, .in = {OP_DIMS(EG_TN, EG_NAMED, 3)}, .nin = 1, .batch = 5,
		.time = 4, .sizes = OP_SIZES({"length", 6})},
	{"fixed batch, several chunks", NULL, .in = {OP_DIMS(37, 7, 23)}, .nin = 1, .batch = 2},
};

const eg_op eg_op_softmax = {
	.info = {
		.name = "softmax",
		.layer = "softmax",
		.doc = "Makes probabilities of numbers: positive, and 1 in sum along `axis`",
		.equation = "y = exp(x - max x) / sum of exp(x - max x) along axis; dx = y (dy - sum of dy y)",
		.source = "ONNX Softmax-13; Bridle 1990",
		.attrs = softmax_attrs,
		.nattrs = EG_COUNT(softmax_attrs),
		.options_size = sizeof(softmax_options),
		.shorthand = "axis",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = softmax_infer,
	.range = op_range_unit,
	.fwd = softmax_fwd,
	.bwd = softmax_bwd,
	.bwd_reads_y = true,
	.onnx = "Softmax",
	.onnx_since = 13,
	OP_CASES(softmax_cases),
};

/* softmax.c - softmax along one dimension, its logarithm, and a 1 for the largest; and what all operators along a
 * dimension share (along.h). */
#include "ops/along.h"

/* ---- along.h ----------------------------------------------------------------------------------------------------- */

eg_status along_infer(eg_infer *s, int axis, bool flat) {
	const eg_dims *x = &s->in[0];
	char text[128];
	int at;
	if (op_infer_same(s)) return s->err->status;
	if (!op_axis(axis, x->rank, &at))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; axis may be %d to %d",
		        eg_dims_text(x, text, sizeof text), axis, -x->rank, x->rank - 1);
	for (int i = at; i < (flat ? x->rank : at + 1); i++)
		if (eg_dim_is_batch(x->d[i]) || x->d[i] == EG_T)
			return eg_fail(s->err, EG_ERR_SHAPE,
			        "axis %d is the batch or the time of x %s, whose samples must not depend on each "
			        "other; use another axis",
			        i, eg_dims_text(x, text, sizeof text));
	if (at == 1 && !flat) op_by_position(s);
	return EG_OK;
}

along_job along_job_of(const eg_emit *e, int axis, bool flat) {
	eg_dims x = eg_emit_in_dims(e, 0);
	op_axis(axis, x.rank, &axis);
	along_job j = {.outer = 1,
	        .n = (int)(flat ? eg_dims_count(&x, axis) : x.d[axis]),
	        .inner = flat ? 1 : (int)eg_dims_count(&x, axis + 1),
	        .block = eg_emit_in_batched(e, 0)};
	for (int i = 0; i < axis; i++) j.outer *= x.d[i];
	int64_t size = (int64_t)j.n * j.inner;
	j.rows = j.block ? j.outer / x.d[0] * EG_BLOCK : (EG_CHUNK + size - 1) / size;
	j.units = (int)((j.outer + j.rows - 1) / j.rows);
	j.unit = j.rows * size;
	return j;
}

static double flops_of(const along_job *j, int each) { return (double)each * (double)j->outer * j->n * j->inner; }

static eg_along_shape fill_shape(const along_job *j, eg_along_shape s) {
	s.outer = j->outer;
	s.rows = j->rows;
	s.n = j->n;
	s.inner = j->inner;
	return s;
}

void along_fwd(eg_emit *e, const along_job *j, eg_along op, eg_along_shape shape) {
	eg_along_args a = {.s = fill_shape(j, shape), .op = op};
	a.x = op_stride(j->block, eg_emit_x(e, 0, EG_PLAIN), j->unit);
	a.y = op_stride(j->block, eg_emit_y(e, 0, EG_PLAIN), j->unit);
	OP_CALL(e, along_fwd, a, 1, 1, .block = j->block, .units = j->units, .flops = flops_of(j, 12));
}

void along_bwd(eg_emit *e, const along_job *j, eg_along op, eg_along_shape shape, bool reads_x) {
	eg_along_bwd_args a = {.dy = eg_emit_dy(e, 0, EG_PLAIN), .s = fill_shape(j, shape), .op = op};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.v = op_stride(j->block, reads_x ? eg_emit_x(e, 0, EG_PLAIN) : eg_emit_y(e, 0, EG_PLAIN), j->unit);
	a.dy = op_stride(j->block, a.dy, j->unit);
	a.dx = op_stride(j->block, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), j->unit);
	OP_CALL(e, along_bwd, a, 2, 1, .block = j->block, .units = j->units, .flops = flops_of(j, 16),
	        .scratch = op == EG_ALONG_LOCAL ? (size_t)j->n * EG_ALONG_SCRATCH * sizeof(real) : 0);
}

/* ---- softmax ----------------------------------------------------------------------------------------------------- */

typedef struct softmax_options {
	const char *name;
	int axis;
	bool flat;
} softmax_options;

static const eg_attr softmax_attrs[] = {
	OP_INT(softmax_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension along which the outputs are made; negative counts from the end"),
	OP_BOOL(softmax_options, flat, NULL,
		"the dimensions from `axis` on are taken as one, as ONNX did before opset 13 (with axis 1 where "
		"nothing was said)"),
};

static eg_status softmax_infer(eg_infer *s) {
	const softmax_options *o = s->options;
	return along_infer(s, o->axis, o->flat);
}

static along_job job_of(const eg_emit *e) {
	const softmax_options *o = eg_emit_options(e);
	return along_job_of(e, o->axis, o->flat);
}

static void softmax_fwd(eg_emit *e) {
	along_job j = job_of(e);
	eg_softmax_args a = {.outer = j.outer, .rows = j.rows, .n = j.n, .inner = j.inner};
	a.x = op_stride(j.block, eg_emit_x(e, 0, EG_PLAIN), j.unit);
	a.y = op_stride(j.block, eg_emit_y(e, 0, EG_PLAIN), j.unit);
	OP_CALL(e, softmax_fwd, a, 1, 1, .block = j.block, .units = j.units, .flops = flops_of(&j, 10));
}

static void softmax_bwd(eg_emit *e) {
	along_job j = job_of(e);
	eg_softmax_bwd_args a = {
	        .dy = eg_emit_dy(e, 0, EG_PLAIN), .outer = j.outer, .rows = j.rows, .n = j.n, .inner = j.inner};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.y = op_stride(j.block, eg_emit_y(e, 0, EG_PLAIN), j.unit);
	a.dy = op_stride(j.block, a.dy, j.unit);
	a.dx = op_stride(j.block, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), j.unit);
	OP_CALL(e, softmax_bwd, a, 2, 1, .block = j.block, .units = j.units, .flops = flops_of(&j, 4));
}

static void log_softmax_fwd(eg_emit *e) {
	along_job j = job_of(e);
	along_fwd(e, &j, EG_ALONG_LOG_SOFTMAX, (eg_along_shape){0});
}
static void log_softmax_bwd(eg_emit *e) {
	along_job j = job_of(e);
	along_bwd(e, &j, EG_ALONG_LOG_SOFTMAX, (eg_along_shape){0}, false);
}
static void hard_max_fwd(eg_emit *e) {
	along_job j = job_of(e);
	along_fwd(e, &j, EG_ALONG_HARD_MAX, (eg_along_shape){0});
}

static eg_status hard_max_infer(eg_infer *s) {
	s->out_constant[0] = true;
	return softmax_infer(s);
}

#define SOFTMAX(...) \
	&(const softmax_options) { __VA_ARGS__ }
static const eg_case softmax_cases[] = {
	{"classes", NULL, .in = {OP_DIMS(EG_N, 11)}, .nin = 1, .batch = 18},
	{"channels of a picture", SOFTMAX(.axis = 1), .in = {OP_DIMS(EG_N, 5, 3, 7)}, .nin = 1, .batch = 18},
	{"inner dimension", SOFTMAX(.axis = -2), .in = {OP_DIMS(EG_N, 2, 19, 3)}, .nin = 1, .batch = 3},
	{"fixed batch, first dimension", SOFTMAX(.axis = -2), .in = {OP_DIMS(6, 5)}, .nin = 1, .batch = 2},
	{"axis 0", SOFTMAX(.axis = EG_ZERO), .in = {OP_DIMS(7, 2, 3)}, .nin = 1, .batch = 2},
	{"an open axis, steps as samples", SOFTMAX(.axis = 1), .in = {OP_DIMS(EG_TN, EG_NAMED, 3)}, .nin = 1,
		.batch = 5, .time = 4, .sizes = OP_SIZES({"length", 6})},
	{"fixed batch, several chunks", NULL, .in = {OP_DIMS(37, 7, 23)}, .nin = 1, .batch = 2},
	{"dimensions as one", SOFTMAX(.axis = 1, .flat = true), .in = {OP_DIMS(EG_N, 2, 3, 7)}, .nin = 1, .batch = 3},
};
static eg_range range_of_logs(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, -(double)INFINITY, 0};
}

static const eg_case log_softmax_cases[] = {
	{"classes", NULL, .in = {OP_DIMS(EG_N, 11)}, .nin = 1, .batch = 18, .low = -20, .high = 20},
	{"channels of a picture", SOFTMAX(.axis = 1), .in = {OP_DIMS(EG_N, 5, 3, 7)}, .nin = 1, .batch = 18, .low = -9,
		.high = 9},
	{"an open axis, steps as samples", SOFTMAX(.axis = 1), .in = {OP_DIMS(EG_TN, EG_NAMED, 3)}, .nin = 1,
		.batch = 5, .time = 4, .sizes = OP_SIZES({"length", 6})},
	{"fixed batch, several chunks", NULL, .in = {OP_DIMS(37, 7, 23)}, .nin = 1, .batch = 2},
	{"dimensions as one", SOFTMAX(.axis = 1, .flat = true), .in = {OP_DIMS(EG_N, 2, 3, 7)}, .nin = 1, .batch = 3},
};
static const eg_case hard_max_cases[] = {
	{"classes", NULL, .in = {OP_DIMS(EG_N, 11)}, .nin = 1, .batch = 18},
	{"channels of a picture, equal ones", SOFTMAX(.axis = 1), .in = {OP_DIMS(EG_N, 5, 3, 7)}, .nin = 1, .batch = 3,
		.ties = true},
	{"fixed batch, dimensions as one", SOFTMAX(.axis = 1, .flat = true), .in = {OP_DIMS(37, 7, 23)}, .nin = 1,
		.batch = 2},
};

#define MEMBER(op, text, formula, where, name_onnx, ...) \
	const eg_op eg_op_##op = {.info = {.name = #op, \
	                                  .layer = #op, \
	                                  .doc = OP_TEXT(text), \
	                                  .equation = OP_TEXT(formula), \
	                                  .source = OP_TEXT(where), \
	                                  .attrs = softmax_attrs, \
	                                  .nattrs = EG_COUNT(softmax_attrs), \
	                                  .options_size = sizeof(softmax_options), \
	                                  .shorthand = "axis", \
	                                  .min_inputs = 1, \
	                                  .max_inputs = 1, \
	                                  .inputs = (const char *const[]){"x"}, \
	                                  .outputs = (const char *const[]){"y", NULL}}, \
	        .fwd = op##_fwd, \
	        .onnx = name_onnx, \
	        .onnx_since = 13, \
	        __VA_ARGS__, \
	        OP_CASES(op##_cases)}

MEMBER(softmax, "Makes probabilities of numbers: positive, and 1 in sum along `axis`",
	"y = exp(x - max x) / sum of exp(x - max x) along axis; dx = y (dy - sum of dy y)",
	"ONNX Softmax-13; Bridle 1990", "Softmax", .infer = softmax_infer, .range = op_range_unit, .bwd = OP_BWD(softmax_bwd),
	.bwd_reads_y = true);
MEMBER(log_softmax, "Logarithms of the probabilities that softmax makes",
	"y = x - max x - log of the sum of exp(x - max x) along axis; dx = dy - exp(y) sum of dy", "ONNX LogSoftmax-13",
	"LogSoftmax", .range = range_of_logs, .infer = softmax_infer, .bwd = OP_BWD(log_softmax_bwd), .bwd_reads_y = true);
MEMBER(hard_max, "1 at the largest number along `axis`, 0 elsewhere",
	"y = 1 at the first maximum along axis (the first NaN where there is one), else 0", "ONNX Hardmax-13",
	"Hardmax", .infer = hard_max_infer, .range = op_range_unit,
	.no_gradient = "the result is 0 or 1, and so constant wherever it does not jump");

/* gate.c - operators that make one number of several neighbours along a dimension: gated linear units, maxout. */
#include "ops/ops.h"

/* Dimension `axis` must be known and a multiple of n; *at becomes its place. */
static eg_status check_axis(eg_infer *s, int axis, int n, int *at) {
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_infer_same(s)) return s->err->status;
	if (!op_axis(axis, x->rank, at))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; axis may be %d to %d",
		        eg_dims_text(x, text, sizeof text), axis, -x->rank, x->rank - 1);
	if (x->d[*at] < 0)
		return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of x %s may not be left open: it is cut into parts",
		        *at, eg_dims_text(x, text, sizeof text));
	if (x->d[*at] % n)
		return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of x %s, %lld, is no multiple of %d", *at,
		        eg_dims_text(x, text, sizeof text), (long long)x->d[*at], n);
	s->out[0].d[*at] = x->d[*at] / n;
	if (*at == 1) op_by_position(s);
	return EG_OK;
}

static int64_t before(const eg_dims *x, int axis) {
	int64_t n = 1;
	for (int i = 0; i < axis; i++) n *= x->d[i];
	return n;
}

/* ---- gated linear units ------------------------------------------------------------------------------------------ */

typedef struct glu_options {
	const char *name;
	int axis, act;
} glu_options;

static const char *const glu_acts[] = {"sigmoid", "relu", "gelu", "gelu_tanh", "silu", "tanh", "none", NULL};
static const eg_attr glu_attrs[] = {
	OP_INT(glu_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"the dimension that is halved; negative counts from the end"),
	OP_ENUM(glu_options, act, glu_acts, NULL,
		"of the second half: with relu ReGLU, with gelu GEGLU, with silu SwiGLU"),
};

static eg_act gate_act(const glu_options *o) {
	static const eg_act acts[] = {{EG_ACT_SIGMOID, 0, 0}, {EG_ACT_RELU, 0, 0}, {EG_ACT_GELU, 0, 0},
	        {EG_ACT_GELU_TANH, 0, 0}, {EG_ACT_SILU, 1, 0}, {EG_ACT_TANH, 0, 0}, {EG_ACT_NONE, 0, 0}};
	return acts[o->act];
}

static eg_status glu_infer(eg_infer *s) {
	int at;
	return check_axis(s, ((const glu_options *)s->options)->axis, 2, &at);
}

typedef struct glu_job {
	int64_t outer, rows, half;
	op_blocks job;
} glu_job;

static glu_job glu_job_of(const eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	int axis;
	op_axis(((const glu_options *)eg_emit_options(e))->axis, x.rank, &axis);
	glu_job j = {.outer = before(&x, axis), .half = eg_dims_count(&x, axis) / 2};
	j.job.block = eg_emit_in_batched(e, 0);
	j.rows = j.job.block ? j.outer / x.d[0] * EG_BLOCK : (EG_CHUNK + j.half - 1) / j.half;
	j.job.units = (int)((j.outer + j.rows - 1) / j.rows);
	return j;
}

static void glu_fwd(eg_emit *e) {
	const glu_job j = glu_job_of(e);
	eg_gate_args a = {.outer = j.outer, .rows = j.rows, .half = j.half, .act = gate_act(eg_emit_options(e))};
	a.x = op_stride(j.job.block, eg_emit_x(e, 0, EG_PLAIN), 2 * j.rows * j.half);
	a.y = op_stride(j.job.block, eg_emit_y(e, 0, EG_PLAIN), j.rows * j.half);
	OP_CALL(e, gate_fwd, a, 1, 1, .block = j.job.block, .units = j.job.units,
	        .flops = 10.0 * (double)j.outer * (double)j.half);
}

static void glu_bwd(eg_emit *e) {
	const glu_job j = glu_job_of(e);
	eg_gate_bwd_args a = {.outer = j.outer,
	        .rows = j.rows,
	        .half = j.half,
	        .act = gate_act(eg_emit_options(e)),
	        .dy = eg_emit_dy(e, 0, EG_PLAIN)};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.x = op_stride(j.job.block, eg_emit_x(e, 0, EG_PLAIN), 2 * j.rows * j.half);
	a.dy = op_stride(j.job.block, a.dy, j.rows * j.half);
	a.dx = op_stride(j.job.block, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), 2 * j.rows * j.half);
	OP_CALL(e, gate_bwd, a, 2, 1, .block = j.job.block, .units = j.job.units,
	        .flops = 20.0 * (double)j.outer * (double)j.half);
}

#define GLU(...) \
	&(const glu_options) { __VA_ARGS__ }
static const eg_case glu_cases[] = {
	{"rows", NULL, .in = {OP_DIMS(EG_N, 38)}, .nin = 1, .batch = 18},
	{"channels of pictures, ReGLU", GLU(.axis = 1, .act = 1), .in = {OP_DIMS(EG_N, 6, 5, 7)}, .nin = 1,
		.batch = 18},
	{"sequences, GEGLU", GLU(.act = 2), .in = {OP_DIMS(EG_T, EG_N, 22)}, .nin = 1, .batch = 3, .time = 5},
	{"steps as samples, SwiGLU, open width", GLU(.axis = 1, .act = 4), .in = {OP_DIMS(EG_TN, 2, EG_NAMED)},
		.nin = 1, .batch = 5, .time = 4, .sizes = OP_SIZES({"width", 9})},
	{"bilinear, fixed batch", GLU(.act = 6), .in = {OP_DIMS(57, 3, 62)}, .nin = 1, .batch = 2},
	{"GEGLU with tanh", GLU(.axis = EG_ZERO, .act = 3), .in = {OP_DIMS(4, 11)}, .nin = 1, .batch = 2},
	{"tanh", GLU(.act = 5), .in = {OP_DIMS(EG_N, 26)}, .nin = 1, .batch = 3},
};

const eg_op eg_op_glu = {
	.info =
		{
			.name = "glu",
			.layer = "glu",
			.doc = OP_TEXT("Gated linear unit: one half of the numbers is multiplied by what an activation makes "
			       "of the other"),
			.equation = OP_TEXT("y = a act(b), where a and b are the first and the second half of x along axis; da "
				    "= dy act(b), db = dy a act'(b)"),
			.source = OP_TEXT("PyTorch GLU; Dauphin et al. 2017; ReGLU, GEGLU, SwiGLU: Shazeer 2020, whose gate is "
				  "the second half here"),
			.attrs = glu_attrs,
			.nattrs = EG_COUNT(glu_attrs),
			.options_size = sizeof(glu_options),
			.shorthand = "act",
			.min_inputs = 1,
			.max_inputs = 1,
			.inputs = (const char *const[]){"x"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = glu_infer,
	.fwd = glu_fwd,
	.bwd = OP_BWD(glu_bwd),
	.bwd_reads_x = true,
	OP_CASES(glu_cases),
};

/* ---- maxout ------------------------------------------------------------------------------------------------------ */

typedef struct maxout_options {
	const char *name;
	int pieces, axis;
} maxout_options;

static const eg_attr maxout_attrs[] = {
	OP_INT(maxout_options, pieces, NAN, 1, OP_SIZE_MAX, NULL, "of so many neighbours the largest is taken"),
	OP_INT(maxout_options, axis, 1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, NULL,
		"along this dimension; negative counts from the end"),
};

static eg_status maxout_infer(eg_infer *s) {
	const maxout_options *o = s->options;
	int at;
	return check_axis(s, o->axis, o->pieces, &at);
}

static eg_reduce_shape maxout_shape(const eg_emit *e) {
	const maxout_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0);
	int axis;
	op_axis(o->axis, x.rank, &axis);
	const int64_t inner = eg_dims_count(&x, axis + 1), n = x.d[axis] / o->pieces, outer = before(&x, axis);
	eg_reduce_shape s = {.rank = 4,
	        .dims = {outer, n, o->pieces, inner},
	        .sy = {n * inner, inner, 0, 1},
	        .count = outer * n * inner,
	        .unit = EG_BLOCK};
	s.block = eg_emit_in_batched(e, 0);
	if (s.block) s.unit = s.count / x.d[0] * EG_BLOCK;
	return s;
}

static void maxout_fwd(eg_emit *e) {
	eg_reduce_args a = {.s = maxout_shape(e), .op = EG_REDUCE_MAX};
	a.x = eg_emit_x(e, 0, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	const eg_reduce_shape *s = &a.s;
	OP_CALL(e, reduce, a, 1, 1, .block = s->block, .units = (int)((s->count + s->unit - 1) / s->unit),
	        .flops = (double)s->count * (double)s->dims[2]);
}

static void maxout_bwd(eg_emit *e) {
	eg_reduce_bwd_args a = {.s = maxout_shape(e), .op = EG_REDUCE_MAX, .dy = eg_emit_dy(e, 0, EG_PLAIN)};
	const eg_reduce_shape *s = &a.s;
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.x = eg_emit_x(e, 0, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	a.dx = eg_emit_dx(e, 0, EG_PLAIN, &a.acc);
	OP_CALL(e, reduce_bwd, a, 3, 1, .block = s->block, .units = (int)((s->count + s->unit - 1) / s->unit),
	        .flops = 2 * (double)s->count * (double)s->dims[2]);
}

#define MAXOUT(...) \
	&(const maxout_options) { __VA_ARGS__ }
static const eg_case maxout_cases[] = {
	{"channels of pictures", MAXOUT(.pieces = 3), .in = {OP_DIMS(EG_N, 6, 5, 7)}, .nin = 1, .batch = 18,
		.unequal = true},
	{"rows", MAXOUT(.pieces = 2), .in = {OP_DIMS(EG_N, 22)}, .nin = 1, .batch = 18, .unequal = true},
	{"equal numbers, steps as samples, open length", MAXOUT(.pieces = 5, .axis = -1),
		.in = {OP_DIMS(EG_TN, EG_NAMED, 15)}, .nin = 1, .batch = 3, .time = 4, .sizes = OP_SIZES({"length", 6}),
		.ties = true, .unequal = true},
	{"first dimension, fixed", MAXOUT(.pieces = 2, .axis = EG_ZERO), .in = {OP_DIMS(14, 23)}, .nin = 1, .batch = 2,
		.unequal = true},
};

const eg_op eg_op_maxout = {
	.info =
		{
			.name = "maxout",
			.layer = "maxout",
			.doc = OP_TEXT("The largest of each group of neighbouring channels"),
			.equation = OP_TEXT("y[.., c, ..] = max of x[.., c pieces + i, ..] over i < pieces; NaN where there is "
				    "one; dx = dy / k for the k elements that are y, else 0"),
			.source = OP_TEXT("Goodfellow et al. 2013"),
			.attrs = maxout_attrs,
			.nattrs = EG_COUNT(maxout_attrs),
			.options_size = sizeof(maxout_options),
			.shorthand = "pieces",
			.min_inputs = 1,
			.max_inputs = 1,
			.inputs = (const char *const[]){"x"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = maxout_infer,
	.range = op_range_of_input,
	.fwd = maxout_fwd,
	.bwd = OP_BWD(maxout_bwd),
	.bwd_reads_x = true,
	.bwd_reads_y = true,
	OP_CASES(maxout_cases),
};

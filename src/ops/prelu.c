/* prelu.c - the rectifier whose slope for negative numbers is learned, or given as an input.
 *
 * A member of the family of functions of two tensors (binary.c), whose second one may be a weight.
 *
 * Not here: slopes that are numbers of the network's description: leaky_relu (activation.c). */
#include "ops/broadcast.h"

typedef struct prelu_options {
	const char *name;
	bool shared;
	int axis;
	float init_value;
	const char *weights;
} prelu_options;

static const eg_attr prelu_attrs[] = {
	OP_BOOL(prelu_options, shared, NULL, "one slope for all; else one for each channel"),
	OP_INT(prelu_options, axis, 1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, NULL,
		"the dimension of the channels; negative counts from the end"),
	OP_FLOAT(prelu_options, init_value, 0.25, -1e6, 1e6, NULL, "slopes in the beginning"),
	OP_WEIGHTS(prelu_options),
};

static const char *const names[] = {"x", "slope"};

static eg_status infer_given(eg_infer *s) {
	char tx[128], ts[128];
	if (broadcast_infer(s, names, 0, 2)) return s->err->status;
	if (!eg_dims_fit(&s->out[0], &s->in[0]))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "slope %s does not fit x %s: aligned to the right, its dimensions must be x's or 1",
		        eg_dims_text(&s->in[1], ts, sizeof ts), eg_dims_text(&s->in[0], tx, sizeof tx));
	return EG_OK;
}

static eg_status prelu_infer(eg_infer *s) {
	const prelu_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis = 0;
	op_by_position(s);
	if (s->nin > 1 && s->in[1].rank >= 0) return infer_given(s);
	if (op_infer_same(s)) return s->err->status;
	if (!o->shared && !op_axis(o->axis, x->rank, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "x %s has no dimension %d for a slope each; use axis %d to %d or `shared`",
		        eg_dims_text(x, text, sizeof text), o->axis, -x->rank, x->rank - 1);
	if (!o->shared && op_check_known(s, 0, axis, axis + 1, "x")) return s->err->status;
	s->nparams = 1;
	s->params[0] = (eg_param_spec){.name = "weight",
	        .dims = {1, {o->shared ? 1 : x->d[axis]}},
	        .init = EG_INIT_CONSTANT,
	        .value = (double)o->init_value};
	return EG_OK;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

static bool is_given(const eg_emit *e) { return eg_emit_has_in(e, 1); }
static bool is_shared(const eg_emit *e) {
	return eg_emit_has_param(e, 0) && ((const prelu_options *)eg_emit_options(e))->shared;
}
static bool follows(const eg_emit *e) { return is_given(e) ? broadcast_alike(e, 2) : is_shared(e); }

static broadcast_job job_of(const eg_emit *e, eg_layout layout) {
	if (is_given(e)) return broadcast_job_of(e, 2, broadcast_alike(e, 2), layout);
	broadcast_job j = broadcast_job_of(e, 1, is_shared(e), layout);
	int axis;
	memset(j.at.s[1], 0, sizeof j.at.s[1]);
	if (!is_shared(e) && op_axis(((const prelu_options *)eg_emit_options(e))->axis, j.at.rank, &axis) &&
	        j.at.dims[axis] > 1)
		j.at.s[1][axis] = 1;
	return j;
}

static eg_buf slope_of(eg_emit *e, const broadcast_job *j) {
	return broadcast_in(j, is_given(e) ? eg_emit_x(e, 1, j->layout) : eg_emit_w(e, 0), 1);
}

static void prelu_fwd(eg_emit *e) {
	const broadcast_job j = job_of(e, eg_emit_in_layout(e, 0));
	eg_binary_args g = {.at = j.at, .op = EG_BINARY_PRELU};
	g.a = broadcast_in(&j, eg_emit_x(e, 0, j.layout), 0);
	g.b = slope_of(e, &j);
	g.y = broadcast_out(
	        &j, eg_emit_in_layout(e, 0) == j.layout ? eg_emit_y_over_x(e, 0) : eg_emit_y(e, 0, j.layout));
	OP_CALL(e, binary, g, 2, 1, .block = j.job.block, .chunks = j.flat && is_given(e), .units = j.job.units,
	        .flops = (double)j.total);
}

/* The gradient of the slope that is a weight: of every element, then their sums. */
static void slope_bwd(eg_emit *e, const broadcast_job *j, eg_binary_bwd_args g) {
	if (!eg_emit_needs_dw(e, 0)) return;
	g.side = 1;
	g.acc = false;
	g.d = broadcast_out(j, eg_emit_temp(e, EG_ELEM_REAL,
	                               j->job.block ? j->ystride
	                               : j->flat    ? j->at.dims[0]
	                                            : j->total,
	                               j->job.block));
	OP_CALL(e, binary_bwd, g, 3, 1, .block = j->job.block, .units = j->job.units, .flops = 2 * (double)j->total);
	eg_sum_to_args t = {.x = {g.d.p, 0}, .rank = j->at.rank, .count = 1};
	for (int i = 0; i < j->at.rank; i++) {
		t.dims[i] = j->at.dims[i];
		t.sy[i] = j->at.s[1][i];
		if (t.sy[i]) t.count = t.dims[i];
	}
	t.y = eg_emit_dw(e, 0, &t.acc);
	OP_CALL(e, sum_to, t, 1, 1, .units = (int)((t.count + EG_BLOCK - 1) / EG_BLOCK), .flops = (double)j->total);
}

static void prelu_bwd(eg_emit *e) {
	const broadcast_job j = job_of(e, eg_emit_out_layout(e));
	eg_binary_bwd_args g = {.at = j.at, .op = EG_BINARY_PRELU, .dy = broadcast_out(&j, eg_emit_dy(e, 0, j.layout))};
	const int last = is_given(e) && eg_emit_needs_dx(e, 1) ? 2 : 1;
	if (!g.dy.p) return;
	g.a = broadcast_in(&j, eg_emit_x(e, 0, j.layout), 0);
	g.b = slope_of(e, &j);
	if (!is_given(e)) slope_bwd(e, &j, g);
	for (int i = 0; i < last; i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		g.side = i;
		g.d = broadcast_grad(e, &j, i, &g.acc);
		OP_CALL(e, binary_bwd, g, 3, 1, .block = j.job.block, .units = j.job.units,
		        .flops = 2 * (double)j.total);
		broadcast_sum(e, i, g.d);
	}
}

#define PRELU(...) \
	&(const prelu_options) { __VA_ARGS__ }
static const eg_case prelu_cases[] = {
	{"channels of pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"one slope", PRELU(.shared = true, .init_value = -0.5f), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1,
		.batch = 18},
	{"last dimension, steps as samples, open length", PRELU(.axis = -1), .in = {OP_DIMS(EG_TN, EG_NAMED, 21)},
		.nin = 1, .batch = 3, .time = 4, .sizes = OP_SIZES({"length", 5})},
	{"one slope, fixed batch, several chunks", PRELU(.shared = true), .in = {OP_DIMS(5, 29, 31)}, .nin = 1,
		.batch = 2},
	{"slopes given", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7), OP_DIMS(3, 1, 1)}, .nin = 2, .batch = 3},
	{"a slope given each", NULL, .in = {OP_DIMS(EG_N, 13), OP_DIMS(EG_N, 13)}, .nin = 2, .batch = 18},
};

const eg_op eg_op_prelu = {
	.info =
		{
			.name = "prelu",
			.layer = "prelu",
			.doc = OP_TEXT("Rectifier with a slope for negative numbers that is learned by channel, or given as a "
			       "second input"),
			.equation = OP_TEXT("y = x where x >= 0, else slope x; dx = dy where x > 0, else slope dy; dslope = "
				    "sum of dy x where x <= 0"),
			.source = OP_TEXT("ONNX PRelu-16; PyTorch PReLU; He et al. 2015"),
			.attrs = prelu_attrs,
			.nattrs = EG_COUNT(prelu_attrs),
			.options_size = sizeof(prelu_options),
			.min_inputs = 1,
			.max_inputs = 2,
			.inputs = names,
			.params = (const char *const[]){"weight", NULL},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = prelu_infer,
	.fwd = prelu_fwd,
	.bwd = OP_BWD(prelu_bwd),
	.bwd_reads_x = true,
	.follows = follows,
	.onnx = "PRelu",
	.onnx_since = 9,
	OP_CASES(prelu_cases),
};

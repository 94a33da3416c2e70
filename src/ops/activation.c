/* activation.c - relu, sigmoid, tanh: element by element, in whichever layout the input lies. Backward reads y only,
 * so they work in place and fuse into the operator before them. */
#include "ops/ops.h"

static void act_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	eg_walk w = eg_emit_walk_in(e, 0, layout);
	eg_map_args a = {.unit = w.unit, .total = w.total, .act = eg_emit_own_act(e)};
	a.x = op_stride(w.block, eg_emit_x(e, 0, layout), w.unit);
	a.y = op_stride(w.block, eg_emit_y_over_x(e, 0), w.unit);
	OP_CALL(e, act_fwd, a, 1, 1, .block = w.block, .units = w.units, .flops = (double)w.total);
}

static void act_bwd(eg_emit *e) {
	eg_layout layout = eg_emit_out_layout(e);
	eg_walk w = eg_emit_walk_out(e, 0, layout);
	eg_act_bwd_args a = {.dy = eg_emit_dy(e, 0, layout), .unit = w.unit, .total = w.total, .act = eg_emit_own_act(e)};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.from = op_stride(w.block, eg_act_from_x(a.act.kind) ? eg_emit_x(e, 0, layout) : eg_emit_y(e, 0, layout), w.unit);
	a.dy = op_stride(w.block, a.dy, w.unit);
	a.dx = op_stride(w.block, eg_emit_dx(e, 0, layout, &a.acc), w.unit);
	OP_CALL(e, act_bwd, a, 2, 1, .block = w.block, .units = w.units, .flops = (double)w.total);
}

static eg_range relu_range(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, 0, (double)INFINITY};
}
static eg_range tanh_range(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, -1, 1};
}
#define sigmoid_range op_range_unit

static const eg_case cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"rows", NULL, .in = {OP_DIMS(EG_N, 13)}, .nin = 1, .batch = 3},
	{"steps as samples, open height", NULL, .in = {OP_DIMS(EG_TN, 3, EG_NAMED, 7)}, .nin = 1, .batch = 5, .time = 4,
		.sizes = OP_SIZES({"height", 6})},
	{"fixed batch, several chunks", NULL, .in = {OP_DIMS(5, 29, 31)}, .nin = 1, .batch = 2},
};

/* What differs among activations; the rest of the descriptor is the same for all. */
#define ACTIVATION(op, kind, text, formula, where, onnx_name)                                                          \
	static eg_act op##_act(const void *options) { return EG_UNUSED(options), eg_act_of(kind); }                    \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = text, .equation = formula,                \
		.source = where, .options_size = sizeof(op_name_only), .min_inputs = 1, .max_inputs = 1,               \
		.inputs = (const char *const[]){"x"}, .outputs = (const char *const[]){"y", NULL}},                    \
		.infer = op_infer_same, .fwd = act_fwd, .bwd = act_bwd, .bwd_reads_y = true, .act = op##_act,          \
		.range = op##_range, .follows = op_follows,                                                            \
		.onnx = onnx_name, .onnx_since = 13, OP_CASES(cases)}

ACTIVATION(relu, EG_ACT_RELU, "Rectifier: negative values become zero",
	"y = max(x, 0); dx = dy where y > 0, else 0; NaN stays NaN", "ONNX Relu-13; Nair and Hinton 2010", "Relu");
ACTIVATION(sigmoid, EG_ACT_SIGMOID, "Logistic function: squeezes into 0..1", "y = 1 / (1 + exp(-x)); dx = dy y (1 - y)",
	"ONNX Sigmoid-13", "Sigmoid");
ACTIVATION(tanh, EG_ACT_TANH, "Hyperbolic tangent: squeezes into -1..1", "y = tanh(x); dx = dy (1 - y^2)",
	"ONNX Tanh-13", "Tanh");

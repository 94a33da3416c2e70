/* activation.c - the activations: element by element, in whichever layout the input lies. All are rows of one table:
 * what differs is the kind (kern/act.h) and its numbers. Those whose derivative is told from y work in place and
 * fuse into the operator before them; the others, from hardswish on, fuse when no backward pass follows. */
#include "ops/ops.h"

static void act_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	eg_walk w = eg_emit_walk_in(e, 0, layout);
	eg_map_args a = {.unit = w.unit, .total = w.total, .act = eg_emit_own_act(e)};
	a.x = op_stride(w.block, eg_emit_x(e, 0, layout), w.unit);
	a.y = op_stride(w.block, eg_emit_y_over_x(e, 0), w.unit);
	OP_CALL(e, act_fwd, a, 1, 1, .block = w.block, .chunks = true, .units = w.units, .flops = (double)w.total);
}

static void act_bwd(eg_emit *e) {
	eg_layout layout = eg_emit_out_layout(e);
	eg_walk w = eg_emit_walk_out(e, 0, layout);
	eg_act_bwd_args a = {.dy = eg_emit_dy(e, 0, layout), .unit = w.unit, .total = w.total, .act = eg_emit_own_act(e)};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.from = eg_act_from_x(a.act.kind) ? eg_emit_x(e, 0, layout) : eg_emit_y(e, 0, layout);
	a.from = op_stride(w.block, a.from, w.unit);
	a.dy = op_stride(w.block, a.dy, w.unit);
	a.dx = op_stride(w.block, eg_emit_dx(e, 0, layout, &a.acc), w.unit);
	OP_CALL(e, act_bwd, a, 2, 1, .block = w.block, .chunks = true, .units = w.units, .flops = (double)w.total);
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

#define RANGE(name, low, high) \
	static eg_range name(const void *options) { \
		EG_UNUSED(options); \
		return (eg_range){EG_RANGE_LIMITED, low, high}; \
	}
RANGE(range_positive, 0, (double)INFINITY)
RANGE(range_around, -1, 1)
RANGE(range_6, 0, 6)
#define range_any NULL

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* Each of the structs holds the numbers of several activations, whose attributes have their own defaults, ranges and
 * names in ONNX. */
typedef struct act_alpha {
	const char *name;
	float alpha;
} act_alpha;
typedef struct act_two {
	const char *name;
	float alpha, beta;
} act_two;
typedef struct act_lambda {
	const char *name;
	float lambda;
} act_lambda;
typedef struct act_shrink {
	const char *name;
	float lambda, bias;
} act_shrink;
typedef struct act_limits {
	const char *name;
	float min, max;
} act_limits;
typedef struct act_gelu {
	const char *name;
	int approximate;
} act_gelu;

#define ALPHA(def, min, text) OP_FLOAT(act_alpha, alpha, def, min, 1e6, "alpha", text)
static const eg_attr leaky_relu_attrs[] = {ALPHA(0.01, 0, "slope for negative x")};
static const eg_attr elu_attrs[] = {ALPHA(1, 0, "-y at the far left")};
static const eg_attr celu_attrs[] = {ALPHA(1, 1e-6, "-y at the far left")};
static const eg_attr softplus_attrs[] = {OP_FLOAT(act_alpha, alpha, 1, 1e-6, 1e6, NULL, "how sharp the bend is")};
static const eg_attr silu_attrs[] = {OP_FLOAT(act_alpha, alpha, 1, 1e-6, 1e6, NULL, "factor of x in the sigmoid")};
static const eg_attr thresholded_relu_attrs[] = {ALPHA(1, 0, "x below and up to this become zero")};
static const eg_attr scaled_tanh_attrs[] = {
	OP_FLOAT(act_two, alpha, 1.7159, 1e-6, 1e6, "alpha", "height"),
	OP_FLOAT(act_two, beta, 2.0 / 3, 1e-6, 1e6, "beta", "factor of x"),
};
static const eg_attr hardsigmoid_attrs[] = {
	OP_FLOAT(act_two, alpha, 1.0 / 6, 1e-6, 1e6, "alpha=0.2", "slope"),
	OP_FLOAT(act_two, beta, 0.5, -1e6, 1e6, "beta", "y at x = 0"),
};
static const eg_attr hardshrink_attrs[] = {OP_FLOAT(act_lambda, lambda, 0.5, 0, 1e6, "lambd", "x up to this size become zero")};
static const eg_attr softshrink_attrs[] = {OP_FLOAT(act_lambda, lambda, 0.5, 0, 1e6, "lambd", "by how much x comes closer to zero")};
static const eg_attr shrink_attrs[] = {
	OP_FLOAT(act_shrink, lambda, 0.5, 0, 1e6, "lambd", "x up to this size become zero"),
	OP_FLOAT(act_shrink, bias, 0, 0, 1e6, "bias", "by how much the others come closer to zero, at most lambda"),
};
static const eg_attr hardtanh_attrs[] = {
	OP_FLOAT(act_limits, min, -1, -1e30, 1e30, "min", "smallest y"),
	OP_FLOAT(act_limits, max, 1, -1e30, 1e30, "max", "largest y, above min"),
};
static const char *const approximations[] = {"none", "tanh", NULL};
static const eg_attr gelu_attrs[] = {OP_ENUM(act_gelu, approximate, approximations, "approximate", "with tanh in place of erf")};

static eg_status infer_hardtanh(eg_infer *s) {
	const act_limits *o = s->options;
	if (o->min < o->max) return op_infer_same(s);
	return eg_fail(s->err, EG_ERR_ARG, "min %g must be below max %g", (double)o->min, (double)o->max);
}

static eg_status infer_shrink(eg_infer *s) {
	const act_shrink *o = s->options;
	if (o->bias <= o->lambda) return op_infer_same(s);
	return eg_fail(s->err, EG_ERR_ARG, "bias %g must not be above lambda %g: x just above lambda would change its sign", (double)o->bias,
		(double)o->lambda);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static const eg_case cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"rows", NULL, .in = {OP_DIMS(EG_N, 13)}, .nin = 1, .batch = 3},
	{"steps as samples, open height", NULL, .in = {OP_DIMS(EG_TN, 3, EG_NAMED, 7)}, .nin = 1, .batch = 5, .time = 4,
		.sizes = OP_SIZES({"height", 6})},
	{"fixed batch, several chunks", NULL, .in = {OP_DIMS(5, 29, 31)}, .nin = 1, .batch = 2},
};
/* Of an activation with options: those as they come, and others. */
#define CASES(list, T, ...) \
	static const eg_case list[] = { \
		{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18}, \
		{"rows, other numbers", &(const T){__VA_ARGS__}, .in = {OP_DIMS(EG_N, 13)}, .nin = 1, .batch = 3}, \
		{"fixed batch, other numbers", &(const T){__VA_ARGS__}, .in = {OP_DIMS(5, 29, 31)}, .nin = 1, .batch = 2}, \
	};
CASES(leaky_relu_cases, act_alpha, .alpha = 0.3f)
CASES(elu_cases, act_alpha, .alpha = 1.5f)
CASES(celu_cases, act_alpha, .alpha = 0.7f)
CASES(softplus_cases, act_alpha, .alpha = 2.5f)
CASES(silu_cases, act_alpha, .alpha = 1.7f)
CASES(thresholded_relu_cases, act_alpha, .alpha = EG_ZERO_F)
CASES(scaled_tanh_cases, act_two, .alpha = 0.8f, .beta = 1.3f)
CASES(hardsigmoid_cases, act_two, .alpha = 0.3f, .beta = EG_ZERO_F)
CASES(hardshrink_cases, act_lambda, .lambda = 0.2f)
CASES(softshrink_cases, act_lambda, .lambda = 0.2f)
CASES(shrink_cases, act_shrink, .lambda = 0.3f, .bias = 0.1f)
CASES(hardtanh_cases, act_limits, .min = EG_ZERO_F, .max = 0.6f)
CASES(gelu_cases, act_gelu, .approximate = 1)

/* ---- ONNX -------------------------------------------------------------------------------------------------------- */

static void export_clip(eg_export *x, double low, double high) {
	eg_export_node(x, "Clip", EG_NAMES(eg_export_in(x, 0), eg_export_real(x, low), eg_export_real(x, high)), EG_NAMES(eg_export_out(x, 0)));
}
static void relu6_export(eg_export *x) { export_clip(x, 0, 6); }
static void hardtanh_export(eg_export *x) {
	const act_limits *o = eg_export_options(x);
	export_clip(x, (double)o->min, (double)o->max);
}

/* y = a f(b x), with b or without. */
static void scaled_tanh_export(eg_export *x) {
	const act_two *o = eg_export_options(x);
	const char *inside = eg_export_between(x), *bent = eg_export_between(x);
	eg_export_node(x, "Mul", EG_NAMES(eg_export_in(x, 0), eg_export_real(x, (double)o->beta)), EG_NAMES(inside));
	eg_export_node(x, "Tanh", EG_NAMES(inside), EG_NAMES(bent));
	eg_export_node(x, "Mul", EG_NAMES(bent, eg_export_real(x, (double)o->alpha)), EG_NAMES(eg_export_out(x, 0)));
}

static void silu_export(eg_export *x) {
	const act_alpha *o = eg_export_options(x);
	const char *in = eg_export_in(x, 0), *s = eg_export_between(x);
	if (o->alpha != 1) {
		const char *scaled = eg_export_between(x);
		eg_export_node(x, "Mul", EG_NAMES(in, eg_export_real(x, (double)o->alpha)), EG_NAMES(scaled));
		in = scaled;
	}
	eg_export_node(x, "Sigmoid", EG_NAMES(in), EG_NAMES(s));
	eg_export_node(x, "Mul", EG_NAMES(eg_export_in(x, 0), s), EG_NAMES(eg_export_out(x, 0)));
}

static void softplus_export(eg_export *x) {
	const act_alpha *o = eg_export_options(x);
	if (o->alpha != 1) {
		eg_export_fail(x, "ONNX's Softplus has no alpha");
		return;
	}
	eg_export_as(x, "Softplus");
}

/* Its own operator from opset 20 on; before it what that is made of: x (1 + erf(x / sqrt 2)) / 2, or with tanh. */
static void gelu_export(eg_export *x) {
	const act_gelu *o = eg_export_options(x);
	const char *in = eg_export_in(x, 0), *inside = eg_export_between(x), *bent = eg_export_between(x), *sum = eg_export_between(x),
		   *half = eg_export_between(x);
	if (eg_export_opset(x) >= 20) {
		eg_export_as(x, "Gelu");
		return;
	}
	if (o->approximate) {
		const char *cube = eg_export_between(x), *small = eg_export_between(x), *both = eg_export_between(x);
		eg_export_node(x, "Pow", EG_NAMES(in, eg_export_real(x, 3)), EG_NAMES(cube));
		eg_export_node(x, "Mul", EG_NAMES(cube, eg_export_real(x, 0.044715)), EG_NAMES(small));
		eg_export_node(x, "Add", EG_NAMES(in, small), EG_NAMES(both));
		eg_export_node(x, "Mul", EG_NAMES(both, eg_export_real(x, 0.7978845608028654)), EG_NAMES(inside));
		eg_export_node(x, "Tanh", EG_NAMES(inside), EG_NAMES(bent));
	} else {
		eg_export_node(x, "Mul", EG_NAMES(in, eg_export_real(x, 0.7071067811865476)), EG_NAMES(inside));
		eg_export_node(x, "Erf", EG_NAMES(inside), EG_NAMES(bent));
	}
	eg_export_node(x, "Add", EG_NAMES(bent, eg_export_real(x, 1)), EG_NAMES(sum));
	eg_export_node(x, "Mul", EG_NAMES(sum, eg_export_real(x, 0.5)), EG_NAMES(half));
	eg_export_node(x, "Mul", EG_NAMES(in, half), EG_NAMES(eg_export_out(x, 0)));
}

/* Shrink is both: with bias 0 values stay, with bias lambd they come closer. */
static void softshrink_export(eg_export *x) {
	const act_lambda *o = eg_export_options(x);
	eg_export_as(x, "Shrink");
	eg_export_set_float(x, "bias", (double)o->lambda);
}
/* Ours is told by the sign of y, so its slope is not negative; prelu's may be anything. */
static bool leaky_relu_import(eg_import *m) {
	const real alpha = (real)eg_import_float(m, "alpha", 0.01);
	if (alpha >= 0) {
		eg_import_as(m, "leaky_relu");
		return true;
	}
	const eg_tensor in[] = {eg_import_in(m, 0), eg_constant(eg_import_graph(m), &alpha, EG_F32, EG_DIMS(1))};
	eg_import_out(m, 0, eg_import_apply(m, "prelu", NULL, in, 2));
	return true;
}
/* Of all three that are Shrink there it is the general one. */
static bool shrink_import(eg_import *m) { return eg_import_as(m, "shrink"), true; }

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* An activation `op`: its eg_act, where `o` are the options of type T, and what else is its own. */
#define ACTIVATION(op, T, kind, a, b, ...)                                                                             \
	static eg_act op##_act(const void *options) {                                                                  \
		const T *o = options;                                                                                  \
		EG_UNUSED(o);                                                                                          \
		return (eg_act){kind, a, b};                                                                           \
	}                                                                                                              \
	const eg_op eg_op_##op = {.info.name = #op, .info.layer = #op, .info.options_size = sizeof(T),                 \
		.info.min_inputs = 1, .info.max_inputs = 1, .info.inputs = (const char *const[]){"x"},                 \
		.info.outputs = (const char *const[]){"y", NULL}, .fwd = act_fwd, .bwd = OP_BWD(act_bwd), .act = op##_act,     \
		.follows = op_follows, __VA_ARGS__};
#define TEXT(what, formula, origin) .info.doc = OP_TEXT(what), .info.equation = OP_TEXT(formula), .info.source = OP_TEXT(origin)
#define FROM_Y .bwd_reads_y = true
#define FROM_X .bwd_reads_x = true
/* Without options; with those of the tables above, of which a recipe may give `word` alone. */
#define SIMPLE .infer = op_infer_same, OP_CASES(cases)
#define OPTIONS(op, word) .info.attrs = op##_attrs, .info.nattrs = EG_COUNT(op##_attrs), .info.shorthand = word, OP_CASES(op##_cases)

ACTIVATION(relu, op_name_only, EG_ACT_RELU, 0, 0, SIMPLE, FROM_Y, .range = range_positive, .onnx = "Relu", .onnx_since = 13,
	TEXT("Rectifier: negative values become zero", "y = max(x, 0); dx = dy where y > 0, else 0; NaN stays NaN",
		"ONNX Relu-13; Nair and Hinton 2010"))
ACTIVATION(sigmoid, op_name_only, EG_ACT_SIGMOID, 0, 0, SIMPLE, FROM_Y, .range = op_range_unit, .onnx = "Sigmoid",
	.onnx_since = 13, TEXT("Logistic function: squeezes into 0..1", "y = 1 / (1 + exp(-x)); dx = dy y (1 - y)", "ONNX Sigmoid-13"))
ACTIVATION(tanh, op_name_only, EG_ACT_TANH, 0, 0, SIMPLE, FROM_Y, .range = range_around, .onnx = "Tanh", .onnx_since = 13,
	TEXT("Hyperbolic tangent: squeezes into -1..1", "y = tanh(x); dx = dy (1 - y^2)", "ONNX Tanh-13"))
ACTIVATION(scaled_tanh, act_two, EG_ACT_SCALED_TANH, o->alpha, o->beta, OPTIONS(scaled_tanh, NULL), FROM_Y,
	.infer = op_infer_same,
	.export = OP_ONNX(scaled_tanh_export), TEXT("Hyperbolic tangent that is about 1 at 1 and -1 at -1", "y = alpha tanh(beta x); dx = dy beta (alpha - y^2 / alpha)",
		"LeCun et al. 1998, Gradient-based learning applied to document recognition, appendix A: 1.7159 tanh(2 x / 3)"))

ACTIVATION(leaky_relu, act_alpha, EG_ACT_LEAKY, o->alpha, 0, OPTIONS(leaky_relu, "alpha"), FROM_Y, .infer = op_infer_same,
	.onnx = "LeakyRelu", .onnx_since = 6, .import = OP_ONNX(leaky_relu_import),
	TEXT("Leaky rectifier: negative values are made small instead of zero",
		"y = x where x >= 0, else alpha x; dx = dy where y > 0, else alpha dy", "ONNX LeakyRelu-16; Maas, Hannun and Ng 2013"))
ACTIVATION(relu6, op_name_only, EG_ACT_CLIP, 0, 6, SIMPLE, FROM_Y, .range = range_6,
	.export = OP_ONNX(relu6_export), TEXT("Rectifier that ends at 6", "y = min(max(x, 0), 6); dx = dy where 0 < y < 6, else 0", "Krizhevsky 2010; PyTorch ReLU6"))
ACTIVATION(hardtanh, act_limits, EG_ACT_CLIP, o->min, o->max, OPTIONS(hardtanh, NULL), FROM_Y, .infer = infer_hardtanh,
	.export = OP_ONNX(hardtanh_export), TEXT("No smaller and no larger than two numbers",
		"y = min(max(x, min), max); dx = dy where min < y < max, else 0", "PyTorch Hardtanh; ONNX Clip-13"))
ACTIVATION(thresholded_relu, act_alpha, EG_ACT_THRESHOLD, o->alpha, 0, OPTIONS(thresholded_relu, "alpha"), FROM_Y,
	.infer = op_infer_same, .range = range_positive, .onnx = "ThresholdedRelu", .onnx_since = 10,
	TEXT("Rectifier with a threshold: what does not exceed it becomes zero",
		"y = x where x > alpha, else 0; dx = dy where y is not 0, else 0", "ONNX ThresholdedRelu-10; Konda, Memisevic and Krueger 2015"))
ACTIVATION(hardshrink, act_lambda, EG_ACT_SHRINK, o->lambda, 0, OPTIONS(hardshrink, "lambda"), FROM_Y, .infer = op_infer_same,
	.onnx = "Shrink", .onnx_since = 9,
	TEXT("Small values become zero", "y = x where |x| > lambda, else 0; dx = dy where y is not 0, else 0",
		"ONNX Shrink-9 with bias 0; PyTorch Hardshrink"))
ACTIVATION(softshrink, act_lambda, EG_ACT_SHRINK, o->lambda, o->lambda, OPTIONS(softshrink, "lambda"), FROM_Y,
	.infer = op_infer_same, .onnx = "Shrink", .onnx_since = 9,
	.export = OP_ONNX(softshrink_export), TEXT("All values come closer to zero, small ones become it",
		"y = x - lambda where x > lambda, x + lambda where x < -lambda, else 0; dx = dy where y is not 0, else 0",
		"ONNX Shrink-9 with bias lambda; PyTorch Softshrink"))
ACTIVATION(shrink, act_shrink, EG_ACT_SHRINK, o->lambda, o->bias, OPTIONS(shrink, NULL), FROM_Y, .infer = infer_shrink,
	.onnx = "Shrink", .onnx_since = 9,
	.import = OP_ONNX(shrink_import), TEXT("Small values become zero, the others come closer to it",
		"y = x - bias where x > lambda, x + bias where x < -lambda, else 0; dx = dy where y is not 0, else 0",
		"ONNX Shrink-9"))

ACTIVATION(elu, act_alpha, EG_ACT_ELU, o->alpha, 1, OPTIONS(elu, "alpha"), FROM_Y, .infer = op_infer_same, .onnx = "Elu",
	.onnx_since = 6,
	TEXT("Exponential linear unit", "y = x where x > 0, else alpha (exp(x) - 1); dx = dy where y > 0, else dy (y + alpha)",
		"ONNX Elu-6; Clevert, Unterthiner and Hochreiter 2016"))
ACTIVATION(selu, op_name_only, EG_ACT_ELU, 1.7580993408473766f, 1.0507009873554805f, SIMPLE, FROM_Y, .onnx = "Selu",
	.onnx_since = 6,
	TEXT("Exponential linear unit that keeps mean 0 and variance 1 from layer to layer",
		"y = gamma x where x > 0, else gamma alpha (exp(x) - 1), gamma = 1.05070099, alpha = 1.67326324; "
		"dx = dy gamma where y > 0, else dy (y + gamma alpha)",
		"ONNX Selu-6; Klambauer et al. 2017"))
ACTIVATION(celu, act_alpha, EG_ACT_CELU, o->alpha, 0, OPTIONS(celu, "alpha"), FROM_Y, .infer = op_infer_same, .onnx = "Celu",
	.onnx_since = 12,
	TEXT("Exponential linear unit without a kink", "y = x where x > 0, else alpha (exp(x / alpha) - 1); "
		"dx = dy where y > 0, else dy (y / alpha + 1)", "ONNX Celu-12; Barron 2017"))
ACTIVATION(hardsigmoid, act_two, EG_ACT_HARD_SIGMOID, o->alpha, o->beta, OPTIONS(hardsigmoid, NULL), FROM_Y,
	.infer = op_infer_same, .range = op_range_unit, .onnx = "HardSigmoid", .onnx_since = 6,
	TEXT("Three straight lines in place of a sigmoid; the slope is PyTorch's, ONNX has 0.2 when it says nothing",
		"y = min(max(alpha x + beta, 0), 1); dx = alpha dy where 0 < y < 1, else 0", "ONNX HardSigmoid-6; PyTorch Hardsigmoid"))
ACTIVATION(softplus, act_alpha, EG_ACT_SOFTPLUS, o->alpha, 0, OPTIONS(softplus, "alpha"), FROM_Y, .infer = op_infer_same,
	.range = range_positive, .onnx = "Softplus", .onnx_since = 1,
	.export = OP_ONNX(softplus_export), TEXT("A smooth rectifier", "y = log(1 + exp(alpha x)) / alpha; dx = dy (1 - exp(-alpha y))",
		"ONNX Softplus-1 with alpha 1; Dugas et al. 2001"))
ACTIVATION(softsign, op_name_only, EG_ACT_SOFTSIGN, 0, 0, SIMPLE, FROM_Y, .range = range_around, .onnx = "Softsign",
	.onnx_since = 1,
	TEXT("Squeezes into -1..1, more slowly than tanh", "y = x / (1 + |x|); dx = dy (1 - |y|)^2", "ONNX Softsign-1; Bergstra et al. 2009"))

ACTIVATION(hardswish, op_name_only, EG_ACT_HARD_SWISH, 0, 0, SIMPLE, FROM_X, .onnx = "HardSwish", .onnx_since = 14,
	TEXT("SiLU of straight lines and a parabola",
		"y = x min(max(x / 6 + 1 / 2, 0), 1); dx = 0 where x <= -3, dy where x >= 3, else dy (x / 3 + 1 / 2)",
		"ONNX HardSwish-14; Howard et al. 2019"))
ACTIVATION(silu, act_alpha, EG_ACT_SILU, o->alpha, 0, OPTIONS(silu, "alpha"), FROM_X, .infer = op_infer_same,
	.export = OP_ONNX(silu_export), TEXT("x times its sigmoid; with another alpha known as swish",
		"y = x s, s = 1 / (1 + exp(-alpha x)); dx = dy (s + alpha x s (1 - s))",
		"Hendrycks and Gimpel 2016; Elfwing, Uchibe and Doya 2018; Ramachandran, Zoph and Le 2017"))
ACTIVATION(mish, op_name_only, EG_ACT_MISH, 0, 0, SIMPLE, FROM_X, .onnx = "Mish", .onnx_since = 18,
	TEXT("x times the hyperbolic tangent of its softplus",
		"y = x t, t = tanh(log(1 + exp(x))); dx = dy (t + x (1 - t^2) / (1 + exp(-x)))", "ONNX Mish-18; Misra 2019"))
ACTIVATION(gelu, act_gelu, o->approximate ? EG_ACT_GELU_TANH : EG_ACT_GELU, 0, 0, OPTIONS(gelu, NULL), FROM_X,
	.infer = op_infer_same, .onnx = "Gelu", .onnx_since = 20,
	.export = OP_ONNX(gelu_export), TEXT("x times the probability that a normal variable is smaller",
		"y = x P(x), P(x) = (1 + erf(x / sqrt(2))) / 2; dx = dy (P(x) + x exp(-x^2 / 2) / sqrt(2 pi)); "
		"approximate: tanh has P(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
		"ONNX Gelu-20; Hendrycks and Gimpel 2016"))

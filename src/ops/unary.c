/* unary.c - the family of functions of one tensor, element by element. A member is a row of the table at the end, and
 * a line of eg_unary with its case in ref_unary.c.
 *
 * Not here: activations, which are fused with what comes before them (activation.c). */
#include "ops/ops.h"

typedef struct clip_options {
	const char *name;
	float min, max;
} clip_options;

#define UNLIMITED 2e38 /* outside of the range: not said */

static const eg_attr clip_attrs[] = {
	OP_FLOAT(clip_options, min, -UNLIMITED, -1e38, 1e38, "min", "least value; without it there is none"),
	OP_FLOAT(clip_options, max, UNLIMITED, -1e38, 1e38, "max", "largest value; without it there is none"),
};

typedef struct is_inf_options {
	const char *name;
	bool no_positive, no_negative;
} is_inf_options;

static const eg_attr is_inf_attrs[] = {
	OP_NOT(is_inf_options, positive, "detect_positive", "positive infinity counts"),
	OP_NOT(is_inf_options, negative, "detect_negative", "negative infinity counts"),
};

/* The parameters of the kernels. */
typedef struct parameters {
	real alpha, beta;
} parameters;

static parameters parameters_of(const eg_emit *e) {
	const void *options = eg_emit_options(e);
	if (eg_emit_code(e) == EG_UNARY_CLIP) {
		const clip_options *o = options;
		return (parameters){o->min < -1e38f ? -(real)INFINITY : (real)o->min, o->max > 1e38f ? (real)INFINITY : (real)o->max};
	}
	if (eg_emit_code(e) == EG_UNARY_IS_INF) {
		const is_inf_options *o = options;
		return (parameters){!o->no_positive, !o->no_negative};
	}
	return (parameters){0};
}

/* Lanes that hold no sample must stay finite, and a gradient of 0 there must stay 0: those members lie in any layout
 * (and say so: ANYHOW) whose results and derivatives are finite. */
static bool stays_finite(const eg_emit *e) {
	switch (eg_emit_code(e)) {
	case EG_UNARY_EXP:
	case EG_UNARY_LOG:
	case EG_UNARY_SQRT:
	case EG_UNARY_RECIPROCAL:
	case EG_UNARY_TAN:
	case EG_UNARY_ASIN:
	case EG_UNARY_ACOS:
	case EG_UNARY_SINH:
	case EG_UNARY_COSH:
	case EG_UNARY_ACOSH:
	case EG_UNARY_ATANH: return false;
	default: return true;
	}
}

static void fwd(eg_emit *e) {
	const eg_layout layout = stays_finite(e) ? eg_emit_in_layout(e, 0) : EG_PLAIN;
	const eg_walk w = eg_emit_walk_in(e, 0, layout);
	const parameters p = parameters_of(e);
	eg_unary_args a = {.unit = w.unit, .total = w.total, .op = (eg_unary)eg_emit_code(e), .alpha = p.alpha, .beta = p.beta};
	a.x = op_stride(w.block, eg_emit_x(e, 0, layout), w.unit);
	a.y = op_stride(w.block, eg_emit_in_layout(e, 0) == layout ? eg_emit_y_over_x(e, 0) : eg_emit_y(e, 0, layout), w.unit);
	OP_CALL(e, unary_fwd, a, 1, 1, .block = w.block, .chunks = true, .units = w.units, .flops = (double)w.total);
}

enum { BY_NOTHING, BY_X, BY_Y };

static void backward(eg_emit *e, int by) {
	const eg_layout layout = eg_emit_out_layout(e);
	const eg_walk w = eg_emit_walk_out(e, 0, layout);
	const parameters p = parameters_of(e);
	eg_unary_bwd_args a = {.dy = eg_emit_dy(e, 0, layout), .unit = w.unit, .total = w.total, .op = (eg_unary)eg_emit_code(e),
		.alpha = p.alpha, .beta = p.beta};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	if (by != BY_NOTHING) a.v = op_stride(w.block, by == BY_X ? eg_emit_x(e, 0, layout) : eg_emit_y(e, 0, layout), w.unit);
	a.dy = op_stride(w.block, a.dy, w.unit);
	a.dx = op_stride(w.block, eg_emit_dx(e, 0, layout, &a.acc), w.unit);
	OP_CALL(e, unary_bwd, a, 2, 1, .block = w.block, .chunks = true, .units = w.units, .flops = 2 * (double)w.total);
}

static void bwd_by_x(eg_emit *e) { backward(e, BY_X); }
static void bwd_by_y(eg_emit *e) { backward(e, BY_Y); }
static void bwd_by_nothing(eg_emit *e) { backward(e, BY_NOTHING); }

static eg_range positive(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, 0, (double)INFINITY};
}
static eg_range signs(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, -1, 1};
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

#define CASES(...)                                                                                                     \
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, __VA_ARGS__},                        \
	{"fixed batch, several chunks", NULL, .in = {OP_DIMS(5, 29, 31)}, .nin = 1, .batch = 2, __VA_ARGS__}
static const eg_case cases[] = {
	CASES(.low = 0),
	{"steps as samples, open height", NULL, .in = {OP_DIMS(EG_TN, 3, EG_NAMED, 7)}, .nin = 1, .batch = 5, .time = 4,
		.sizes = OP_SIZES({"height", 6})},
};
static const eg_case linear_cases[] = {CASES(.linear = true)};
static const eg_case positive_cases[] = {CASES(.low = 0.1f, .high = 4)};
static const eg_case wide_cases[] = {CASES(.low = -3, .high = 3)};
static const eg_case turning_cases[] = {CASES(.low = -20, .high = 20)};
static const eg_case unit_cases[] = {CASES(.low = -0.95f, .high = 0.95f)};
static const eg_case above_one_cases[] = {CASES(.low = 1.1f, .high = 4)};
static const eg_case not_cases[] = {CASES(.ties = true)};
static const eg_case clip_cases[] = {
	{"two limits", &(const clip_options){.min = -0.3f, .max = 0.4f}, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"from 0 on", &(const clip_options){.min = EG_ZERO_F}, .in = {OP_DIMS(5, 29, 31)}, .nin = 1, .batch = 2},
	{"limits themselves", &(const clip_options){.min = -0.5f, .max = 0.5f}, .in = {OP_DIMS(EG_N, 3, 5)}, .nin = 1, .batch = 18, .ties = true},
};
static const eg_case is_inf_cases[] = {
	CASES(.low = 0),
	{"positive", &(const is_inf_options){.no_negative = true}, .in = {OP_DIMS(EG_N, 13)}, .nin = 1, .batch = 3},
};

/* ---- ONNX -------------------------------------------------------------------------------------------------------- */

static void square_export(eg_export *x) {
	eg_export_node(x, "Mul", EG_NAMES(eg_export_in(x, 0), eg_export_in(x, 0)), EG_NAMES(eg_export_out(x, 0)));
}

/* Limits have been inputs since opset 11. */
static void clip_export(eg_export *x) {
	const clip_options *o = eg_export_options(x);
	const char *low = o->min < -1e38f ? "" : eg_export_real(x, (double)o->min), *high = o->max > 1e38f ? "" : eg_export_real(x, (double)o->max);
	eg_export_node(x, "Clip", EG_NAMES(eg_export_in(x, 0), low, high), EG_NAMES(eg_export_out(x, 0)));
}

static bool clip_import(eg_import *m) {
	const bool inputs = eg_import_opset(m) >= 11;
	double low = -(double)INFINITY, high = (double)INFINITY;
	if (!inputs) {
		low = eg_import_float(m, "min", low);
		high = eg_import_float(m, "max", high);
	}
	if (eg_import_has_in(m, 1)) low = eg_import_number(m, 1);
	if (eg_import_has_in(m, 2)) high = eg_import_number(m, 2);
	clip_options o = {.min = low == 0 ? EG_ZERO_F : low < -1e38 ? 0 : (float)low, .max = high == 0 ? EG_ZERO_F : high > 1e38 ? 0 : (float)high};
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "clip", &o, &in, 1));
	return true;
}

/* ---- the members ------------------------------------------------------------------------------------------------- */

#define MEMBER(op, upper, text, formula, where, name_onnx, since, list, own)                                           \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = OP_TEXT(text), .equation = OP_TEXT(formula), .source = OP_TEXT(where), \
		.min_inputs = 1, .max_inputs = 1, .inputs = (const char *const[]){"x"},                                \
		.outputs = (const char *const[]){"y", NULL}, own},                                                     \
		.code = EG_UNARY_##upper, .fwd = fwd, .onnx = name_onnx,   \
		.onnx_since = since, OP_CASES(list)
#define NAME_ONLY .options_size = sizeof(op_name_only)
#define CLIP_ATTRS .options_size = sizeof(clip_options), .attrs = clip_attrs, .nattrs = EG_COUNT(clip_attrs)
#define IS_INF_ATTRS .options_size = sizeof(is_inf_options), .attrs = is_inf_attrs, .nattrs = EG_COUNT(is_inf_attrs)
#define X_WISE .infer = op_infer_same, .bwd = OP_BWD(bwd_by_x), .bwd_reads_x = true
#define Y_WISE .infer = op_infer_same, .bwd = OP_BWD(bwd_by_y), .bwd_reads_y = true
#define ANYHOW .follows = op_follows
#define STEPPED ANYHOW, .infer = op_infer_same_constant, .no_gradient = "it is constant wherever it does not jump"

MEMBER(exp, EXP, "The exponential function, element by element",
	"y = e^x; dx = dy y",
	"ONNX Exp-13", "Exp", 13, cases, NAME_ONLY), Y_WISE, .range = positive};
MEMBER(log, LOG, "The natural logarithm, element by element",
	"y = log x; -infinity at 0, NaN below; dx = dy / x",
	"ONNX Log-13", "Log", 13, positive_cases, NAME_ONLY), X_WISE};
MEMBER(sqrt, SQRT, "The square root, element by element",
	"y = x^(1/2); NaN below 0; dx = dy / (2 y), infinite at 0",
	"ONNX Sqrt-13", "Sqrt", 13, positive_cases, NAME_ONLY), Y_WISE, .range = positive};
MEMBER(reciprocal, RECIPROCAL, "One divided by each element",
	"y = 1 / x, an infinity at 0; dx = -dy y^2",
	"ONNX Reciprocal-13", "Reciprocal", 13, positive_cases, NAME_ONLY), Y_WISE};
MEMBER(square, SQUARE, "The square of each element",
	"y = x^2; dx = 2 dy x",
	"numpy.square; ONNX Mul-14 of x and x", NULL, 0, cases, NAME_ONLY), X_WISE, .range = positive, ANYHOW, .export = OP_ONNX(square_export)};
MEMBER(abs, ABS, "The absolute value of each element",
	"y = |x|; dx = dy sign x",
	"ONNX Abs-13", "Abs", 13, cases, NAME_ONLY), X_WISE, .range = positive, ANYHOW};
MEMBER(neg, NEG, "Each element with the other sign",
	"y = -x; dx = -dy",
	"ONNX Neg-13", "Neg", 13, linear_cases, NAME_ONLY), .infer = op_infer_same, .bwd = OP_BWD(bwd_by_nothing), ANYHOW};
MEMBER(sign, SIGN, "The sign of each element: -1, 0 or 1",
	"y = 1 where x > 0, -1 where x < 0, else x: 0 with its sign, NaN",
	"ONNX Sign-13", "Sign", 13, wide_cases, NAME_ONLY), STEPPED, .range = signs};
MEMBER(floor, FLOOR, "The next whole number below each element",
	"y = the largest whole number <= x",
	"ONNX Floor-13", "Floor", 13, wide_cases, NAME_ONLY), STEPPED};
MEMBER(ceil, CEIL, "The next whole number above each element",
	"y = the smallest whole number >= x; -0 for -1 < x < 0",
	"ONNX Ceil-13", "Ceil", 13, wide_cases, NAME_ONLY), STEPPED};
MEMBER(round, ROUND, "The nearest whole number of each element",
	"y = the nearest whole number, of two equally near ones the even one",
	"ONNX Round-11; numpy.rint", "Round", 11, wide_cases, NAME_ONLY), STEPPED};
MEMBER(sin, SIN, "The sine of each element, in radians",
	"y = sin x; dx = dy cos x; NaN at infinities",
	"ONNX Sin-7", "Sin", 7, turning_cases, NAME_ONLY), X_WISE, .range = signs, ANYHOW};
MEMBER(cos, COS, "The cosine of each element, in radians",
	"y = cos x; dx = -dy sin x; NaN at infinities",
	"ONNX Cos-7", "Cos", 7, turning_cases, NAME_ONLY), X_WISE, .range = signs, ANYHOW};
MEMBER(tan, TAN, "The tangent of each element, in radians",
	"y = tan x; dx = dy (1 + y^2); NaN at infinities",
	"ONNX Tan-7", "Tan", 7, cases, NAME_ONLY), Y_WISE};
MEMBER(asin, ASIN, "The arc sine of each element",
	"y = arcsin x, -pi/2 to pi/2; NaN outside of -1..1; dx = dy / (1 - x^2)^(1/2)",
	"ONNX Asin-7", "Asin", 7, unit_cases, NAME_ONLY), X_WISE};
MEMBER(acos, ACOS, "The arc cosine of each element",
	"y = arccos x, 0 to pi; NaN outside of -1..1; dx = -dy / (1 - x^2)^(1/2)",
	"ONNX Acos-7", "Acos", 7, unit_cases, NAME_ONLY), X_WISE, .range = positive};
MEMBER(atan, ATAN, "The arc tangent of each element",
	"y = arctan x, -pi/2 to pi/2; dx = dy / (1 + x^2)",
	"ONNX Atan-7", "Atan", 7, cases, NAME_ONLY), X_WISE, ANYHOW};
MEMBER(sinh, SINH, "The hyperbolic sine of each element",
	"y = (e^x - e^-x) / 2; dx = dy cosh x",
	"ONNX Sinh-9", "Sinh", 9, cases, NAME_ONLY), X_WISE};
MEMBER(cosh, COSH, "The hyperbolic cosine of each element",
	"y = (e^x + e^-x) / 2; dx = dy sinh x",
	"ONNX Cosh-9", "Cosh", 9, cases, NAME_ONLY), X_WISE, .range = positive};
MEMBER(asinh, ASINH, "The inverse of the hyperbolic sine of each element",
	"y = log(x + (x^2 + 1)^(1/2)); dx = dy / (x^2 + 1)^(1/2)",
	"ONNX Asinh-9", "Asinh", 9, cases, NAME_ONLY), X_WISE, ANYHOW};
MEMBER(acosh, ACOSH, "The inverse of the hyperbolic cosine of each element",
	"y = log(x + (x^2 - 1)^(1/2)); NaN below 1; dx = dy / (x^2 - 1)^(1/2)",
	"ONNX Acosh-9", "Acosh", 9, above_one_cases, NAME_ONLY), X_WISE, .range = positive};
MEMBER(atanh, ATANH, "The inverse of the hyperbolic tangent of each element",
	"y = log((1 + x) / (1 - x)) / 2; infinities at -1 and 1, NaN outside; dx = dy / (1 - x^2)",
	"ONNX Atanh-9", "Atanh", 9, unit_cases, NAME_ONLY), X_WISE};
MEMBER(erf, ERF, "The error function of each element",
	"y = 2 / pi^(1/2) times the integral of e^(-t^2) from 0 to x; dx = dy 2 / pi^(1/2) e^(-x^2)",
	"ONNX Erf-13", "Erf", 13, wide_cases, NAME_ONLY), X_WISE, .range = signs, ANYHOW};
MEMBER(clip, CLIP, "Each element brought between two limits",
	"y = min(max(x, min), max), so max where min > max; NaN stays; dx = dy where min <= x <= max, else 0",
	"ONNX Clip-6 (later ones take the limits as inputs); numpy.clip", "Clip", 6, clip_cases, CLIP_ATTRS), X_WISE, ANYHOW, .export = OP_ONNX(clip_export), .import = OP_ONNX(clip_import)};
MEMBER(is_nan, IS_NAN, "1 where an element is not a number, else 0",
	"y = 1 where x is NaN, else 0",
	"ONNX IsNaN-13 (its result is bool)", "IsNaN", 13, wide_cases, NAME_ONLY), STEPPED, .range = op_range_unit};
MEMBER(is_inf, IS_INF, "1 where an element is infinite, else 0",
	"y = 1 where x is +infinity (if positive) or -infinity (if negative), else 0",
	"ONNX IsInf-10 (its result is bool)", "IsInf", 10, is_inf_cases, IS_INF_ATTRS), STEPPED, .range = op_range_unit};
MEMBER(not, NOT, "1 where an element is 0, else 0",
	"y = 1 where x = 0, else 0; NaN is not 0",
	"ONNX Not-1, of numbers", "Not", 1, not_cases, NAME_ONLY), STEPPED, .range = op_range_unit};

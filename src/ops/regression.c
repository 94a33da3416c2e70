/* regression.c - losses of the difference between numbers and their targets: mse, l1, smooth_l1, huber.
 *
 * One kernel serves all four (see regress_fwd in kern.h). Not here: losses of classes (loss.c). */
#include "ops/ops.h"

typedef struct mse_options {
	const char *name;
	int reduction;
} mse_options;
typedef mse_options l1_options;
typedef struct smooth_l1_options {
	const char *name;
	int reduction;
	float beta;
} smooth_l1_options;
typedef struct huber_options {
	const char *name;
	int reduction;
	float delta;
} huber_options;

enum { REDUCTION_MEAN, REDUCTION_SUM, REDUCTION_NONE };
static const char *const reductions[] = {"mean", "sum", "none", NULL};
enum { X, TARGET };

#define REDUCTION(T) OP_ENUM(T, reduction, reductions, "reduction", "mean: divided by the number of elements; none: the loss of each")
static const eg_attr mse_attrs[] = {REDUCTION(mse_options)};
static const eg_attr smooth_l1_attrs[] = {
	REDUCTION(smooth_l1_options),
	OP_FLOAT(smooth_l1_options, beta, 1, 0, 1e6, NULL, "differences below it are squared; 0: none, as l1"),
};
static const eg_attr huber_attrs[] = {
	REDUCTION(huber_options),
	OP_FLOAT(huber_options, delta, 1, 1e-6, 1e6, NULL, "differences below it are squared"),
};

/* A number for each of x. */
static eg_status regress_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options), EG_UNUSED(err);
	*target = (eg_target_info){.dims = *x, .type = EG_F32, .class_axis = -1, .means = true};
	return EG_OK;
}

static eg_status regress_infer(eg_infer *s) {
	const eg_dims *x = &s->in[X], *t = &s->in[TARGET];
	char tx[128], tt[128];
	if (op_check_real(s, X, "x") || op_check_real(s, TARGET, "target")) return s->err->status;
	if (!eg_dims_fit(x, t))
		return eg_fail(s->err, EG_ERR_SHAPE, "x is %s and target %s; they must have the same shape",
			eg_dims_text(x, tx, sizeof tx), eg_dims_text(t, tt, sizeof tt));
	if (((const mse_options *)s->options)->reduction == REDUCTION_NONE) s->out[0] = *x;
	else s->out[0].rank = 0;
	return EG_OK;
}

/* The job: block by block where both are batched (they have the same shape). */
static eg_regress_shape regress_shape(const eg_emit *e, eg_walk *w, bool square, float width, float slope) {
	*w = eg_emit_walk_in(e, X, EG_PLAIN);
	return (eg_regress_shape){
		.unit = w->unit, .total = w->total, .width = (real)width, .slope = (real)slope, .square = square};
}

static eg_buf regress_denom(eg_emit *e) { return eg_emit_saved(e, 0, EG_ELEM_REAL, 1, false); }

static void regress_fwd(eg_emit *e, bool square, float width, float slope) {
	const mse_options *o = eg_emit_options(e); /* all options begin with these */
	eg_walk w;
	eg_regress_fwd_args a = {.s = regress_shape(e, &w, square, width, slope)};
	a.x = op_stride(w.block, eg_emit_x(e, X, EG_PLAIN), w.unit);
	a.target = op_stride(w.block, eg_emit_x(e, TARGET, EG_PLAIN), w.unit);
	if (o->reduction == REDUCTION_NONE) a.each = op_stride(w.block, eg_emit_y(e, 0, EG_PLAIN), w.unit);
	else a.partial = op_stride(w.block, eg_emit_temp(e, EG_ELEM_REAL, w.block ? 1 : w.units, w.block), 1);
	OP_CALL(e, regress_fwd, a, 2, 2, .block = w.block, .units = w.units, .flops = 3.0 * (double)w.total);
	if (o->reduction == REDUCTION_NONE) return;

	eg_fill_args f = {.y = regress_denom(e), .unit = 1, .total = 1};
	f.value = o->reduction == REDUCTION_MEAN ? (real)w.total : 1;
	OP_CALL(e, fill, f, 0, 1, .units = 1, .flops = 1);
	eg_ce_mean_args m = {.rowloss = a.partial, .denom = f.y, .loss = eg_emit_y(e, 0, EG_PLAIN), .count = w.units};
	OP_CALL(e, ce_mean, m, 2, 1, .units = 1, .flops = w.units);
}

/* The derivative by the target is that by x with both exchanged: the losses are even. */
static void regress_bwd(eg_emit *e, bool square, float width, float slope) {
	eg_walk w;
	eg_regress_bwd_args a = {.s = regress_shape(e, &w, square, width, slope)};
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	if (((const mse_options *)eg_emit_options(e))->reduction == REDUCTION_NONE) a.deach = op_stride(w.block, dy, w.unit);
	else a.denom = regress_denom(e), a.dloss = dy;
	for (int i = X; i <= TARGET; i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		a.x = op_stride(w.block, eg_emit_x(e, i, EG_PLAIN), w.unit);
		a.target = op_stride(w.block, eg_emit_x(e, 1 - i, EG_PLAIN), w.unit);
		a.dx = op_stride(w.block, eg_emit_dx(e, i, EG_PLAIN, &a.acc), w.unit);
		OP_CALL(e, regress_bwd, a, 5, 1, .block = w.block, .units = w.units, .flops = 4.0 * (double)w.total);
	}
}

#define REGRESSION_INFO(op)                                                                                            \
	.options_size = sizeof(op##_options), .min_inputs = 2, .max_inputs = 2,                                        \
	.inputs = (const char *const[]){"x", "target"}, .types = "ff", .outputs = (const char *const[]){"loss", NULL}

/* A block and a rest; a sum; sequences in several chunks; x and target of a few numbers only, which are often equal. */
#define REGRESSION_CASES(op)                                                                                           \
	{"samples", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)}, .nin = 2, .batch = 18},                          \
	{"sum, pictures", &(const op##_options){.reduction = REDUCTION_SUM},                                           \
		.in = {OP_DIMS(EG_N, 2, 3, 5), OP_DIMS(EG_N, 2, 3, 5)}, .nin = 2, .batch = 17},                        \
	{"sequences, several chunks", NULL, .in = {OP_DIMS(EG_T, EG_N, 41), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2,        \
		.batch = 18, .time = 6},                                                                               \
	{"steps as samples", NULL, .in = {OP_DIMS(EG_TN, EG_NAMED), OP_DIMS(EG_TN, EG_NAMED)}, .nin = 2, .batch = 6, .time = 3,   \
		.sizes = OP_SIZES({"width", 5})},                                                                              \
	{"each", &(const op##_options){.reduction = REDUCTION_NONE}, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)},       \
		.nin = 2, .batch = 18},                                                                                \
	{"each, sequences", &(const op##_options){.reduction = REDUCTION_NONE},                                        \
		.in = {OP_DIMS(EG_T, EG_N, 41), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2, .batch = 18, .time = 6},           \
	{"equal numbers", NULL, .in = {OP_DIMS(6, 5), OP_DIMS(6, 5)}, .nin = 2, .batch = 2, .ties = true}

/* ---- mse --------------------------------------------------------------------------------------------------------- */

static void mse_fwd(eg_emit *e) { regress_fwd(e, true, 0, 0); }
static void mse_bwd(eg_emit *e) { regress_bwd(e, true, 0, 0); }
static const eg_case mse_cases[] = {REGRESSION_CASES(mse)};

const eg_op eg_op_mse = {
	.info = {
		.name = "mse",
		.doc = OP_TEXT("Regression loss: mean squared error"),
		.equation = OP_TEXT("loss () = mean (or sum, or each) of (x - target)^2; x and target have the same shape"),
		.source = OP_TEXT("Gauss 1809; PyTorch's mse_loss"),
		.attrs = mse_attrs,
		.nattrs = EG_COUNT(mse_attrs),
		REGRESSION_INFO(mse),
	},
	.infer = regress_infer,
	.target = regress_target,
	.fwd = mse_fwd,
	.bwd = OP_BWD(mse_bwd),
	.bwd_reads_x = true,
	OP_CASES(mse_cases),
};

/* ---- l1 ---------------------------------------------------------------------------------------------------------- */

static void l1_fwd(eg_emit *e) { regress_fwd(e, false, 0, 1); }
static void l1_bwd(eg_emit *e) { regress_bwd(e, false, 0, 1); }
static const eg_case l1_cases[] = {REGRESSION_CASES(l1)};

const eg_op eg_op_l1 = {
	.info = {
		.name = "l1",
		.doc = OP_TEXT("Regression loss: mean absolute error"),
		.equation = OP_TEXT("loss () = mean (or sum, or each) of |x - target|, whose derivative at 0 is taken as 0"),
		.source = OP_TEXT("Laplace 1793; PyTorch's l1_loss"),
		.attrs = mse_attrs,
		.nattrs = EG_COUNT(mse_attrs),
		REGRESSION_INFO(l1),
	},
	.infer = regress_infer,
	.target = regress_target,
	.fwd = l1_fwd,
	.bwd = OP_BWD(l1_bwd),
	.bwd_reads_x = true,
	OP_CASES(l1_cases),
};

/* ---- smooth_l1 --------------------------------------------------------------------------------------------------- */

static float beta_of(const eg_emit *e) { return ((const smooth_l1_options *)eg_emit_options(e))->beta; }
static void smooth_l1_fwd(eg_emit *e) { regress_fwd(e, false, beta_of(e), 1); }
static void smooth_l1_bwd(eg_emit *e) { regress_bwd(e, false, beta_of(e), 1); }
static const eg_case smooth_l1_cases[] = {
	REGRESSION_CASES(smooth_l1),
	{"beta", &(const smooth_l1_options){.beta = 0.4f}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2,
		.batch = 3},
	{"beta 0", &(const smooth_l1_options){.beta = EG_ZERO_F}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2,
		.batch = 3},
};

const eg_op eg_op_smooth_l1 = {
	.info = {
		.name = "smooth_l1",
		.doc = OP_TEXT("Regression loss: squared for small differences, absolute for large ones, with slope 1"),
		.equation = OP_TEXT("e = x - target; loss () = mean (or sum, or each) of |e| < beta ? e^2 / (2 beta) : |e| - beta/2"),
		.source = OP_TEXT("Girshick 2015 (Fast R-CNN); PyTorch's smooth_l1_loss"),
		.attrs = smooth_l1_attrs,
		.nattrs = EG_COUNT(smooth_l1_attrs),
		.shorthand = "beta",
		REGRESSION_INFO(smooth_l1),
	},
	.infer = regress_infer,
	.target = regress_target,
	.fwd = smooth_l1_fwd,
	.bwd = OP_BWD(smooth_l1_bwd),
	.bwd_reads_x = true,
	OP_CASES(smooth_l1_cases),
};

/* ---- huber ------------------------------------------------------------------------------------------------------- */

static float delta_of(const eg_emit *e) { return ((const huber_options *)eg_emit_options(e))->delta; }
static void huber_fwd(eg_emit *e) { regress_fwd(e, false, delta_of(e), delta_of(e)); }
static void huber_bwd(eg_emit *e) { regress_bwd(e, false, delta_of(e), delta_of(e)); }
static const eg_case huber_cases[] = {
	REGRESSION_CASES(huber),
	{"delta", &(const huber_options){.delta = 0.6f}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2,
		.batch = 3},
};

const eg_op eg_op_huber = {
	.info = {
		.name = "huber",
		.doc = OP_TEXT("Regression loss: squared for small differences, absolute for large ones, with slope delta"),
		.equation = OP_TEXT("e = x - target; loss () = mean (or sum, or each) of |e| < delta ? e^2 / 2 : delta (|e| - delta/2)"),
		.source = OP_TEXT("Huber 1964; PyTorch's huber_loss"),
		.attrs = huber_attrs,
		.nattrs = EG_COUNT(huber_attrs),
		.shorthand = "delta",
		REGRESSION_INFO(huber),
	},
	.infer = regress_infer,
	.target = regress_target,
	.fwd = huber_fwd,
	.bwd = OP_BWD(huber_bwd),
	.bwd_reads_x = true,
	OP_CASES(huber_cases),
};

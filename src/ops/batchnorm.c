/* batchnorm.c - batch normalisation: with the statistics of the batch in training, with running ones otherwise. And
 * scale_channels, which is what remains of it without statistics: y = weight x + bias by channel.
 *
 * In training the statistics meet all samples: blocks of samples each sum up their part, one small call turns the parts
 * into a factor and a constant for each channel, blocks apply them. Backward likewise. Only x is kept for it: what is
 * normalised is computed again from x, and so is the sign that a fused ReLU saw. */
#include "ops/ops.h"

typedef struct batchnorm_options {
	const char *name;
	float momentum, eps;
	bool frozen;
	const char *weights;
} batchnorm_options;

static const eg_attr batchnorm_attrs[] = {
	OP_FLOAT(batchnorm_options, momentum, 0.1, 0, 1, NULL,
		"share of the batch in the running statistics after a step (ONNX counts the rest instead: 1 - momentum)"),
	OP_FLOAT(batchnorm_options, eps, 1e-5, 1e-12, 1, "epsilon", "added to the variance"),
	OP_BOOL(batchnorm_options, frozen, NULL,
		"in training too the running statistics are used, and left as they are (fine-tuning)"),
	OP_WEIGHTS(batchnorm_options),
};

enum { WEIGHT, BIAS, MEAN, VAR };

/* x (N,C,...) with a known number of channels; `why` the batch must come first. */
static eg_status check_channels(eg_infer *s, const char *why) {
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (x->rank < 2)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no channels; (N,C,...) is expected", eg_dims_text(x, text, sizeof text));
	if (op_time_first(&s->declared[0]))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s begins with time; %s the batch first: put fold_time before it",
			eg_dims_text(x, text, sizeof text), why);
	if (op_check_known(s, 0, 1, 2, "x") || op_check_no_batch(s, 0, 2, "x")) return s->err->status;
	s->out[0] = *x;
	op_by_position(s);
	return EG_OK;
}

static eg_status batchnorm_infer(eg_infer *s) {
	if (check_channels(s, "statistics over a batch need")) return s->err->status;
	const eg_dims channels = {1, {s->in[0].d[1]}};
	s->nparams = 4;
	s->params[WEIGHT] = (eg_param_spec){.name = "weight", .dims = channels, .init = EG_INIT_CONSTANT, .value = 1};
	s->params[BIAS] = (eg_param_spec){.name = "bias", .dims = channels, .init = EG_INIT_ZERO};
	s->params[MEAN] = (eg_param_spec){.name = "running_mean", .dims = channels, .init = EG_INIT_ZERO, .state = true};
	s->params[VAR] = (eg_param_spec){.name = "running_var", .dims = channels, .init = EG_INIT_CONSTANT, .value = 1, .state = true};
	return EG_OK;
}

static eg_bn_shape shape_of(const eg_emit *e, eg_layout layout) {
	eg_dims x = eg_emit_in_dims(e, 0);
	return (eg_bn_shape){(int)x.d[0], (int)x.d[1], (int)eg_dims_count(&x, 2), layout};
}

/* One value a channel has no variance, and would pull the running one to 0: such a batch (the last of an epoch, with
 * one sample left over) goes by the running statistics, and is left out of them. */
static bool is_lone(const eg_emit *e) {
	eg_dims x = eg_emit_in_dims(e, 0);
	return x.d[0] * eg_dims_count(&x, 2) == 1;
}

/* Do the statistics stay as they are because somebody said so? */
static bool is_kept(const eg_emit *e) {
	return !eg_emit_training(e) || eg_emit_frozen(e, MEAN) || ((const batchnorm_options *)eg_emit_options(e))->frozen;
}

static bool is_frozen(const eg_emit *e) { return is_kept(e) || is_lone(e); }

/* BLOCKED buffers are walked by global jobs. */
static op_blocks job_of(const eg_emit *e, const eg_bn_shape *s) {
	return op_blocks_of(s->layout != EG_BLOCKED && eg_emit_in_batched(e, 0), s->N);
}

static double size_of(const eg_bn_shape *s) { return (double)s->N * s->C * s->inner; }
/* Elements in a block of x. */
static int64_t unit_of(const eg_bn_shape *s) {
	return (int64_t)EG_BLOCK * s->inner * (s->layout == EG_BLOCKED ? eg_channels(s->C) : s->C);
}
/* A table of some rows by channel. */
static int64_t table(const eg_bn_shape *s, int rows) { return (int64_t)rows * eg_channels(s->C); }

static eg_buf coefficients(eg_emit *e, const eg_bn_shape *s) { return eg_emit_saved(e, 0, EG_ELEM_REAL, table(s, 4), false); }
/* Sums of every block, and the same as the call sees them that reads those of all blocks. */
static eg_buf parts(eg_emit *e, const eg_bn_shape *s, op_blocks job) {
	return eg_emit_temp(e, EG_ELEM_REAL, table(s, 2) * (job.block ? 1 : job.units), job.block);
}
static eg_buf all_parts(eg_buf part, const eg_bn_shape *s) { return (eg_buf){part.p, (ptrdiff_t)table(s, 2)}; }

static eg_buf batch_coefficients(eg_emit *e, eg_bn_shape s, op_blocks job) {
	const batchnorm_options *o = eg_emit_options(e);
	eg_bn_part_args p = {.s = s};
	p.x = op_stride(job.block, eg_emit_x(e, 0, s.layout), unit_of(&s));
	p.part = op_stride(job.block, parts(e, &s, job), table(&s, 2));
	OP_CALL(e, batchnorm_part, p, 1, 1, .block = job.block, .units = job.units, .flops = 5 * size_of(&s));
	eg_bn_stats_args t = {.part = all_parts(p.part, &s), .weight = eg_emit_w(e, WEIGHT), .bias = eg_emit_w(e, BIAS),
		.coef = coefficients(e, &s), .running_mean = eg_emit_w(e, MEAN), .running_var = eg_emit_w(e, VAR), .s = s,
		.eps = (real)o->eps, .momentum = (real)o->momentum};
	OP_CALL(e, batchnorm_stats, t, 3, 3, .units = 1, .flops = (double)table(&s, 2) * job.units);
	return t.coef;
}

static eg_buf running_coefficients(eg_emit *e) {
	eg_bn_shape s = shape_of(e, EG_PLAIN);
	const batchnorm_options *o = eg_emit_options(e);
	eg_bn_fixed_args f = {.weight = eg_emit_w(e, WEIGHT), .bias = eg_emit_w(e, BIAS), .mean = eg_emit_w(e, MEAN),
		.var = eg_emit_w(e, VAR), .coef = coefficients(e, &s), .C = s.C, .eps = (real)o->eps};
	OP_CALL(e, batchnorm_fixed, f, 4, 1, .units = 1, .flops = (double)table(&s, 4));
	return f.coef;
}

static void forward(eg_emit *e, eg_bn_shape s, eg_buf coef) {
	const op_blocks job = job_of(e, &s);
	eg_bn_fwd_args a = {.coef = coef, .s = s, .act = eg_emit_act(e)};
	a.x = op_stride(job.block, eg_emit_x(e, 0, s.layout), unit_of(&s));
	a.y = op_stride(job.block, eg_emit_y_over_x(e, 0), unit_of(&s));
	OP_CALL(e, batchnorm_fwd, a, 2, 1, .block = job.block, .units = job.units, .flops = 2 * size_of(&s));
}

static void batchnorm_fwd(eg_emit *e) {
	const eg_bn_shape s = shape_of(e, eg_emit_in_layout(e, 0));
	if (!is_kept(e) && is_lone(e)) eg_emit_lone(e);
	forward(e, s, is_frozen(e) ? running_coefficients(e) : batch_coefficients(e, s, job_of(e, &s)));
}

/* Where the learned factors and constants are among the parameters; negative: there are none. */
static void backward(eg_emit *e, bool fixed, int weight, int bias) {
	eg_bn_shape s = shape_of(e, eg_emit_out_layout(e));
	op_blocks job = job_of(e, &s);
	bool relu = eg_emit_relu_bwd(e);
	eg_buf dy = eg_emit_dy(e, 0, s.layout);
	if (!dy.p) return;
	const bool sums = !fixed || (weight >= 0 && eg_emit_needs_dw(e, weight)) || (bias >= 0 && eg_emit_needs_dw(e, bias));
	eg_bn_bwd_part_args p = {.coef = coefficients(e, &s), .s = s, .relu = relu};
	p.x = op_stride(job.block, eg_emit_x(e, 0, s.layout), unit_of(&s));
	p.dy = op_stride(job.block, dy, unit_of(&s));
	if (sums) p.part = op_stride(job.block, parts(e, &s, job), table(&s, 2));
	if (sums) OP_CALL(e, batchnorm_bwd_part, p, 3, 1, .block = job.block, .units = job.units, .flops = 6 * size_of(&s));
	eg_bn_bwd_stats_args t = {.part = all_parts(p.part, &s), .coef = p.coef,
		.slope = eg_emit_temp(e, EG_ELEM_REAL, table(&s, 3), false), .s = s, .fixed = fixed};
	if (weight >= 0) t.dw = eg_emit_dw(e, weight, &t.acc_w);
	if (bias >= 0) t.db = eg_emit_dw(e, bias, &t.acc_b);
	OP_CALL(e, batchnorm_bwd_stats, t, 2, 3, .units = 1, .flops = (double)table(&s, 2) * job.units);
	if (!eg_emit_needs_dx(e, 0)) return;
	eg_bn_bwd_args a = {.x = p.x, .coef = p.coef, .slope = t.slope, .dy = p.dy, .s = s, .relu = relu};
	a.dx = op_stride(job.block, eg_emit_dx(e, 0, s.layout, &a.acc), unit_of(&s));
	OP_CALL(e, batchnorm_bwd, a, 4, 1, .block = job.block, .units = job.units, .flops = 6 * size_of(&s));
}

static void batchnorm_bwd(eg_emit *e) { backward(e, is_frozen(e), WEIGHT, BIAS); }

/* ---- without statistics ------------------------------------------------------------------------------------------ */

typedef struct scale_channels_options {
	const char *name;
	bool no_scale, no_bias;
	float init_value;
	const char *weights;
} scale_channels_options;

static const eg_attr scale_channels_attrs[] = {
	OP_NOT(scale_channels_options, scale, NULL, "a learned factor for each channel"),
	OP_NOT(scale_channels_options, bias, NULL, "a learned constant for each channel"),
	OP_FLOAT(scale_channels_options, init_value, 1, -1e6, 1e6, NULL, "factors in the beginning"),
	OP_WEIGHTS(scale_channels_options),
};

static eg_status scale_channels_infer(eg_infer *s) {
	const scale_channels_options *o = s->options;
	if (check_channels(s, "(N,C,...) has")) return s->err->status;
	if (o->no_scale && o->no_bias) return eg_fail(s->err, EG_ERR_ARG, "without scale and without bias nothing is left to do");
	const eg_dims channels = {1, {s->in[0].d[1]}};
	if (!o->no_scale)
		s->params[s->nparams++] = (eg_param_spec){.name = "weight", .dims = channels, .init = EG_INIT_CONSTANT, .value = (double)o->init_value};
	if (!o->no_bias) s->params[s->nparams++] = (eg_param_spec){.name = "bias", .dims = channels, .init = EG_INIT_ZERO};
	return EG_OK;
}

static int weight_of(const scale_channels_options *o) { return o->no_scale ? -1 : 0; }
static int bias_of(const scale_channels_options *o) { return o->no_bias ? -1 : !o->no_scale; }

/* Those of mean 0 and variance 1. */
static eg_buf scale_coefficients(eg_emit *e) {
	const scale_channels_options *o = eg_emit_options(e);
	eg_bn_shape s = shape_of(e, EG_PLAIN);
	eg_bn_fixed_args f = {.coef = coefficients(e, &s), .C = s.C};
	if (weight_of(o) >= 0) f.weight = eg_emit_w(e, weight_of(o));
	if (bias_of(o) >= 0) f.bias = eg_emit_w(e, bias_of(o));
	OP_CALL(e, batchnorm_fixed, f, 4, 1, .units = 1, .flops = (double)table(&s, 4));
	return f.coef;
}

static void scale_channels_fwd(eg_emit *e) { forward(e, shape_of(e, eg_emit_in_layout(e, 0)), scale_coefficients(e)); }
static void scale_channels_bwd(eg_emit *e) {
	const scale_channels_options *o = eg_emit_options(e);
	backward(e, true, weight_of(o), bias_of(o));
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

#define BATCHNORM(...) &(const batchnorm_options){__VA_ARGS__}
static const eg_case batchnorm_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"many channels, small batch", BATCHNORM(.momentum = 0.3f), .in = {OP_DIMS(EG_N, 37, 2, 3)}, .nin = 1, .batch = 5},
	{"rows", BATCHNORM(.eps = 1e-3f), .in = {OP_DIMS(EG_N, 21)}, .nin = 1, .batch = 35},
	{"long runs", NULL, .in = {OP_DIMS(EG_N, 3, 13, 21)}, .nin = 1, .batch = 16, .ties = true},
	{"volumes, fixed batch", NULL, .in = {OP_DIMS(19, 4, 3, 2, 5)}, .nin = 1, .batch = 2},
	{"steps of sequences", NULL, .in = {OP_DIMS(EG_TN, 3, 5, 2)}, .nin = 1, .batch = 6, .time = 4},
	{"one value a channel", NULL, .in = {OP_DIMS(1, 5)}, .nin = 1, .batch = 2, .linear = true},
	{"frozen", BATCHNORM(.frozen = true), .in = {OP_DIMS(EG_N, 5, 4, 3)}, .nin = 1, .batch = 18, .linear = true},
	{"series, open length", NULL, .in = {OP_DIMS(EG_N, 4, EG_NAMED)}, .nin = 1, .batch = 18, .sizes = OP_SIZES({"length", 11})},
	{"volumes", NULL, .in = {OP_DIMS(EG_N, 3, 4, 2, 5)}, .nin = 1, .batch = 18},
};
#define SCALE_CHANNELS(...) &(const scale_channels_options){__VA_ARGS__}
static const eg_case scale_channels_cases[] = {
	{"pictures", SCALE_CHANNELS(.init_value = 0.5f), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"many channels, no bias", SCALE_CHANNELS(.no_bias = true), .in = {OP_DIMS(EG_N, 37, 2, 3)}, .nin = 1, .batch = 5, .linear = true},
	{"rows, no factors", SCALE_CHANNELS(.no_scale = true), .in = {OP_DIMS(EG_N, 21)}, .nin = 1, .batch = 35, .linear = true},
	{"series, steps as samples, open length", NULL, .in = {OP_DIMS(EG_TN, 3, EG_NAMED)}, .nin = 1, .batch = 6, .time = 4,
		.sizes = OP_SIZES({"length", 5}), .linear = true},
	{"volumes, fixed batch", NULL, .in = {OP_DIMS(19, 4, 3, 2, 5)}, .nin = 1, .batch = 2, .linear = true},
};

const eg_op eg_op_batchnorm = {
	.info = {
		.name = "batchnorm",
		.layer = "batchnorm",
		.doc = OP_TEXT("Batch normalisation: each channel is brought to mean 0 and variance 1 over the batch, then scaled and shifted"),
		.equation = OP_TEXT("y = weight (x - mean) / sqrt(var + eps) + bias, all by channel, x (N,C,...);\n"
			"training: mean and (biased) variance of the batch, and running = (1 - momentum) running + momentum batch\n"
			"with its unbiased variance; otherwise the running ones, also where a batch has one value a channel only, which\n"
			"then does not count in them"),
		.source = OP_TEXT("ONNX BatchNormalization-15; Ioffe and Szegedy 2015; momentum as PyTorch counts it"),
		.attrs = batchnorm_attrs,
		.nattrs = EG_COUNT(batchnorm_attrs),
		.options_size = sizeof(batchnorm_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", "bias", "running_mean", "running_var", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = batchnorm_infer,
	.fwd = batchnorm_fwd,
	.bwd = OP_BWD(batchnorm_bwd),
	.bwd_reads_x = true,
	.posts = OP_POST(ACT) | OP_POST(RELU_BWD),
	.affine = running_coefficients,
	.follows = op_follows,
	.onnx = "BatchNormalization",
	.onnx_since = 9,
	OP_CASES(batchnorm_cases),
};

const eg_op eg_op_scale_channels = {
	.info = {
		.name = "scale_channels",
		.layer = "scale_channels",
		.doc = OP_TEXT("A learned factor and constant for each channel"),
		.equation = OP_TEXT("y = weight x + bias, all by channel, x (N,C,...); dx = weight dy, dweight = sum of dy x, dbias = sum of dy"),
		.source = OP_TEXT("LeCun et al. 1998: average pooling and this are the sub-sampling of LeNet-5"),
		.attrs = scale_channels_attrs,
		.nattrs = EG_COUNT(scale_channels_attrs),
		.options_size = sizeof(scale_channels_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", "bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = scale_channels_infer,
	.fwd = scale_channels_fwd,
	.bwd = OP_BWD(scale_channels_bwd),
	.bwd_reads_x = true,
	.posts = OP_POST(ACT) | OP_POST(RELU_BWD),
	.affine = scale_coefficients,
	.follows = op_follows,
	OP_CASES(scale_channels_cases),
};

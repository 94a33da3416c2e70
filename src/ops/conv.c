/* conv.c - conv2d. Chooses among three forms: a matrix product when the kernel covers the picture, batch in lanes,
 * and plain. */
#include "ops/dense.h"
#include "ops/window.h"

typedef struct conv2d_options {
	const char *name;
	int filters, kernel[2], stride[2], padding[2], dilation[2], groups;
	bool no_bias;
	int init;
	float init_value;
} conv2d_options;

static const eg_attr conv2d_attrs[] = {
	OP_INT(conv2d_options, filters, NAN, 1, OP_SIZE_MAX, NULL, "output channels"),
	OP_PAIR(conv2d_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", "height and width of the filters"),
	OP_PAIR(conv2d_options, stride, 1, 1, OP_SIZE_MAX, "strides", "steps from one window to the next"),
	OP_PAIR(conv2d_options, padding, 0, 0, OP_SIZE_MAX, "pads", "zeros put around x, on each side"),
	OP_PAIR(conv2d_options, dilation, 1, 1, OP_SIZE_MAX, "dilations",
		"distance between neighbouring taps of a filter"),
	OP_INT(conv2d_options, groups, 1, 1, OP_SIZE_MAX, "group",
		"channels are cut into groups that do not see each other; one each: depthwise"),
	OP_NOT(conv2d_options, bias, NULL, "adds a learned constant to each output channel"),
	OP_ENUM(conv2d_options, init, eg_init_names, NULL,
		"initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias"),
	OP_FLOAT(conv2d_options, init_value, 0, -1e6, 1e6, NULL,
		"constant, bound of uniform or deviation of normal, for `init`; 0 stands for 1"),
};

static eg_status conv2d_infer(eg_infer *s) {
	const conv2d_options *o = s->options;
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	char text[128];
	window w = {{o->kernel[0], o->kernel[1]}, {o->stride[0], o->stride[1]}, {o->padding[0], o->padding[1]},
		{o->dilation[0], o->dilation[1]}, false};
	if (window_infer(s, &w)) return s->err->status;
	int64_t C = x->d[1], K = o->filters, G = o->groups;
	if (C % G)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"the %lld channels of x %s cannot be cut into %lld equal groups; groups must divide %lld",
			(long long)C, eg_dims_text(x, text, sizeof text), (long long)G, (long long)C);
	if (K % G)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"%lld filters cannot be cut into %lld equal groups; make filters a multiple of %lld",
			(long long)K, (long long)G, (long long)G);
	y->d[0] = x->d[0];
	y->d[1] = K;
	int64_t taps = (int64_t)o->kernel[0] * o->kernel[1], fan_in = C / G * taps;
	dense_params(s, (eg_dims){4, {K, C / G, o->kernel[0], o->kernel[1]}}, fan_in, K / G * taps, !o->no_bias,
		o->init, o->init_value);
	int64_t outputs = eg_dims_count(y, 1), bias = o->no_bias ? 0 : outputs;
	s->info->macs = outputs * fan_in;
	s->info->dense_macs = outputs * eg_dims_count(x, 1);
	s->info->dense_params = s->info->dense_macs + bias;
	s->info->unshared_params = s->info->macs + bias;
	return EG_OK;
}

static eg_conv_shape conv2d_shape(const eg_emit *e) {
	const conv2d_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	return (eg_conv_shape){.N = (int)x.d[0],
		.C = (int)x.d[1],
		.H = (int)x.d[2],
		.W = (int)x.d[3],
		.K = (int)y.d[1],
		.R = o->kernel[0],
		.S = o->kernel[1],
		.P = (int)y.d[2],
		.Q = (int)y.d[3],
		.sh = o->stride[0],
		.sw = o->stride[1],
		.ph = o->padding[0],
		.pw = o->padding[1],
		.dh = o->dilation[0],
		.dw = o->dilation[1],
		.G = o->groups};
}

/* A kernel as large as the unpadded picture sees every input once: rows (N, CHW) times w (K, CHW). */
static bool is_dense(const eg_conv_shape *s, dense *d) {
	*d = (dense){.rows = s->N, .per = 1, .features = s->C * s->H * s->W, .units = s->K};
	return s->R == s->H && s->S == s->W && !s->ph && !s->pw && s->G == 1;
}

static int64_t weights(const eg_conv_shape *s) { return (int64_t)s->K * (s->C / s->G) * s->R * s->S; }
static double flops(const eg_conv_shape *s) { return 2.0 * s->N * s->P * s->Q * (double)weights(s); }

/* Emits the packing of the weights for `dir` and returns where they will be. */
static eg_buf packed(eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, bool lanes) {
	const eg_kernels *kern = eg_emit_kernels(e);
	size_t bytes = (lanes ? kern->conv_lanes_pack_bytes : kern->conv_plain_pack_bytes)(s, dir);
	eg_conv_pack_args a = {
		.w = eg_emit_w(e, 0), .dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)bytes, false), .s = *s, .dir = dir};
	if (lanes)
		OP_CALL(e, conv_lanes_pack, a, 1, 1, .units = 1, .flops = (double)bytes);
	else
		OP_CALL(e, conv_plain_pack, a, 1, 1, .units = 1, .flops = (double)bytes);
	return a.dst;
}

static bool wants_lanes(const eg_emit *e, const eg_conv_shape *s) {
	if (!eg_emit_in_batched(e, 0)) return false;
	size_t elements = (size_t)s->C * (size_t)s->H * (size_t)s->W + (size_t)s->K * (size_t)s->P * (size_t)s->Q;
	return eg_emit_lanes_wanted(
		e, EG_BLOCK * elements * sizeof(real), eg_emit_kernels(e)->conv_lanes_pack_bytes(s, EG_CONV_FWD));
}

static void conv2d_fwd(eg_emit *e) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_shape s = conv2d_shape(e);
	dense d;
	if (is_dense(&s, &d)) {
		dense_fwd(e, d);
		return;
	}
	bool lanes = wants_lanes(e, &s);
	eg_layout layout = lanes ? EG_LANES : EG_PLAIN;
	eg_conv_fwd_args a = {.x = eg_emit_x(e, 0, layout),
		.w = packed(e, &s, EG_CONV_FWD, lanes),
		.y = eg_emit_y(e, 0, layout),
		.s = s,
		.act = eg_emit_act(e)};
	if (eg_emit_has_param(e, 1)) a.b = eg_emit_w(e, 1);
	if (lanes)
		OP_CALL(e, conv_lanes_fwd, a, 3, 1, .block = true, .units = eg_emit_blocks(e),
			.scratch = kern->conv_lanes_scratch(&s, EG_CONV_FWD), .flops = flops(&s));
	else
		OP_CALL(e, conv_plain_fwd, a, 3, 1, .units = kern->conv_plain_units(&s, EG_CONV_FWD),
			.scratch = kern->conv_plain_scratch(&s, EG_CONV_FWD), .flops = flops(&s));
}

static void bwd_data(eg_emit *e, eg_conv_shape s, eg_buf dy, bool lanes) {
	const eg_kernels *kern = eg_emit_kernels(e);
	if (!eg_emit_needs_dx(e, 0)) return;
	eg_conv_bwd_data_args a = {.dy = dy, .w = packed(e, &s, EG_CONV_BWD_DATA, lanes), .s = s};
	a.dx = eg_emit_dx(e, 0, lanes ? EG_LANES : EG_PLAIN, &a.acc);
	if (lanes)
		OP_CALL(e, conv_lanes_bwd_data, a, 2, 1, .block = true, .units = eg_emit_blocks(e),
			.scratch = kern->conv_lanes_scratch(&s, EG_CONV_BWD_DATA), .flops = flops(&s));
	else
		OP_CALL(e, conv_plain_bwd_data, a, 2, 1, .units = kern->conv_plain_units(&s, EG_CONV_BWD_DATA),
			.scratch = kern->conv_plain_scratch(&s, EG_CONV_BWD_DATA), .flops = flops(&s));
}

static void shard_sum(eg_emit *e, eg_buf parts, int param, int64_t count, int shards) {
	eg_shard_sum_args a = {.parts = parts, .count = count, .shards = shards};
	a.y = eg_emit_dw(e, param, &a.acc);
	OP_CALL(e, shard_sum, a, 1, 1, .units = (int)((count + EG_CHUNK - 1) / EG_CHUNK),
		.flops = (double)count * shards);
}

/* In lanes: partial sums of fixed shards first, so that the result does not depend on the number of threads. */
static void bwd_lanes(eg_emit *e, eg_conv_shape s, eg_buf dy) {
	const eg_kernels *kern = eg_emit_kernels(e);
	bool bias = eg_emit_has_param(e, 1);
	int shards = eg_emit_shards(e);
	eg_conv_bwd_weights_args a = {
		.x = eg_emit_x(e, 0, EG_LANES), .dy = dy, .s = s, .blocks = eg_emit_blocks(e), .shards = shards};
	a.dw = eg_emit_temp(e, EG_ELEM_REAL, shards * weights(&s), false);
	if (bias) a.db = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)shards * s.K, false);
	OP_CALL(e, conv_lanes_bwd_weights, a, 2, 2, .block = true, .units = a.blocks,
		.scratch = kern->conv_lanes_scratch(&s, EG_CONV_BWD_WEIGHTS), .flops = flops(&s));
	bwd_data(e, s, dy, true);
	shard_sum(e, a.dw, 0, weights(&s), shards);
	if (bias) shard_sum(e, a.db, 1, s.K, shards);
}

static void bwd_plain(eg_emit *e, eg_conv_shape s, eg_buf dy) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_bwd_weights_args a = {
		.x = eg_emit_x(e, 0, EG_PLAIN), .dy = dy, .s = s, .blocks = eg_blocks(s.N), .shards = 1};
	a.dw = eg_emit_dw(e, 0, &a.acc);
	if (eg_emit_has_param(e, 1)) a.db = eg_emit_dw(e, 1, &a.acc);
	OP_CALL(e, conv_plain_bwd_weights, a, 2, 2, .units = kern->conv_plain_units(&s, EG_CONV_BWD_WEIGHTS),
		.scratch = kern->conv_plain_scratch(&s, EG_CONV_BWD_WEIGHTS), .flops = flops(&s));
	bwd_data(e, s, dy, false);
}

static void conv2d_bwd(eg_emit *e) {
	eg_conv_shape s = conv2d_shape(e);
	dense d;
	if (is_dense(&s, &d)) {
		dense_bwd(e, d);
		return;
	}
	eg_layout layout = eg_emit_out_layout(e);
	eg_buf dy = eg_emit_dy(e, 0, layout);
	if (!dy.p) return;
	if (layout == EG_LANES)
		bwd_lanes(e, s, dy);
	else
		bwd_plain(e, s, dy);
}

#define CONV(...) &(const conv2d_options){__VA_ARGS__}
static const eg_case conv2d_cases[] = {
	{"stride, padding, dilation",
		CONV(.filters = 5, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 2}, .dilation = {2, 3}),
		.in = {OP_DIMS(EG_N, 3, 11, 9)}, .nin = 1, .batch = 18, .linear = true},
	{"small batch", CONV(.filters = 4, .kernel = {2, 3}, .stride = {1, 3}, .padding = {2, 1}, .dilation = {3, 2}),
		.in = {OP_DIMS(EG_N, 2, 8, 13)}, .nin = 1, .batch = 3, .linear = true},
	{"unit stride, wide", CONV(.filters = 7, .kernel = {5, 3}, .padding = {2, 1}), .in = {OP_DIMS(EG_N, 4, 10, 19)},
		.nin = 1, .batch = 18, .linear = true},
	{"many channels", CONV(.filters = 35, .kernel = {3, 4}, .padding = {1, 2}, .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(EG_N, 18, 9, 11)}, .nin = 1, .batch = 5, .linear = true},
	{"groups", CONV(.filters = 6, .kernel = {2, 3}, .stride = {2, 2}, .padding = {1, 1}, .groups = 2),
		.in = {OP_DIMS(EG_N, 4, 7, 10)}, .nin = 1, .batch = 18, .linear = true},
	{"depthwise", CONV(.filters = 10, .kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 0}, .groups = 5),
		.in = {OP_DIMS(EG_N, 5, 6, 9)}, .nin = 1, .batch = 3, .linear = true},
	{"one tap, no bias", CONV(.filters = 19, .kernel = {1, 1}, .no_bias = true), .in = {OP_DIMS(EG_N, 6, 5, 4)},
		.nin = 1, .batch = 18, .linear = true},
	{"one tap with stride, fixed batch", CONV(.filters = 3, .kernel = {1, 1}, .stride = {3, 2}),
		.in = {OP_DIMS(5, 2, 7, 6)},
		.nin = 1, .batch = 2, .linear = true},
	{"covers the picture", CONV(.filters = 7, .kernel = {5, 4}), .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1,
		.batch = 18, .linear = true},
};

const eg_op eg_op_conv2d = {
	.info = {
		.name = "conv2d",
		.layer = "conv",
		.doc = "Convolution: the same filters slide over every position of a picture",
		.equation = "y[n,k,p,q] = bias[k] + sum over c,r,s of weight[k,c,r,s] x[n,c,h,w],\n"
			"h = p*stride + r*dilation - padding, w = q*stride + s*dilation - padding, zero outside of x;\n"
			"x (N,C,H,W), weight (filters, C/groups, kernel), y (N,filters,P,Q),\n"
			"P = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, Q likewise",
		.source = "ONNX Conv-11; LeCun et al. 1989; Dumoulin and Visin 2016 (arithmetic of shapes)",
		.attrs = conv2d_attrs,
		.nattrs = EG_COUNT(conv2d_attrs),
		.options_size = sizeof(conv2d_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", "bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = conv2d_infer,
	.fwd = conv2d_fwd,
	.bwd = conv2d_bwd,
	.bwd_reads_x = true,
	.fuses_act = true,
	.onnx = "Conv",
	.onnx_since = 11,
	.cases = conv2d_cases,
	.ncases = EG_COUNT(conv2d_cases),
};

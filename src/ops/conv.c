/* conv.c - conv2d, and conv1d, which is conv2d with one row. A matrix product when the kernel covers the picture;
 * else pictures in lanes, or, direction by direction, the cheapest algorithm (conv_calls.c). Not here: sizes and
 * padding (conv_options.c), three axes (conv3d.c). */
#include "ops/conv_calls.h"
#include "ops/conv_mask.h"
#include "ops/conv_options.h"
#include "ops/dense.h"
#include "ops/window_onnx.h"

typedef struct conv1d_options {
	CONV_WINDOW()
	eg_ints mask;
	CONV_REST
} conv1d_options;
typedef struct conv2d_options {
	CONV_WINDOW([2])
	eg_ints mask;
	CONV_REST
} conv2d_options;

#define MASK(T)                                                                                                        \
	OP_INT_LIST(T, mask, 0, 0, 0, 1, NULL,                                                                         \
		"for each filter and each channel of its group 1 or 0: does it see the channel? Weights of others count as 0. " \
		"Left out: it sees all")
#define SAME "padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none"

static const eg_attr conv1d_attrs[] = {
	CONV_WINDOW_ATTRS(conv1d_options, 1, "length of the filters", "zeros put before x, and behind it"),
	CONV_AUTO_PAD(conv1d_options, SAME),
	MASK(conv1d_options),
	CONV_REST_ATTRS(conv1d_options),
};
static const eg_attr conv2d_attrs[] = {
	CONV_WINDOW_ATTRS(conv2d_options, 2, "height and width of the filters", "zeros put around x, on each side"),
	CONV_AUTO_PAD(conv2d_options, SAME),
	MASK(conv2d_options),
	CONV_REST_ATTRS(conv2d_options),
};

static conv_spec conv1d_spec(const conv1d_options *o) {
	conv_spec c = CONV_SPEC(o, 1);
	c.mask = o->mask;
	return c;
}
static conv_spec conv2d_spec(const conv2d_options *o) {
	conv_spec c = CONV_SPEC(o, 2);
	c.mask = o->mask;
	return c;
}

/* ---- what both share --------------------------------------------------------------------------------------------- */

/* A kernel as large as the unpadded picture sees every input once: rows (N, CHW) times w (K, CHW). */
static bool is_dense(const conv_spec *c, const eg_conv_shape *s, dense *d) {
	*d = (dense){.rows = s->N, .per = 1, .features = s->C * s->H * s->W, .units = s->K};
	return s->R == s->H && s->S == s->W && !s->ph && !s->pw && s->P == 1 && s->Q == 1 && s->G == 1 && !c->mask.at;
}

static double cost_of(const eg_emit *e, const conv_spec *c, eg_layout x, eg_layout y) {
	const eg_conv_shape s = conv_volume_of(e, c).s;
	dense d;
	if (is_dense(c, &s, &d)) return y == EG_PLAIN ? eg_cost_reorder_in(e, 0, x, y) * (eg_emit_needs_dx(e, 0) ? 2 : 1) : INFINITY;
	if (y == EG_LANES) return conv_lanes_cost(e, &s, x);
	double cost = 0;
	for (int dir = EG_CONV_FWD; dir <= EG_CONV_BWD_WEIGHTS; dir++)
		if (conv_wants(e, (eg_conv_dir)dir)) cost += conv_choose(e, &s, (eg_conv_dir)dir, x, y).cost;
	return cost;
}

/* As the filters are to be used: those that are masked, without what is cut off. */
static eg_buf filters(eg_emit *e, const conv_spec *c, const eg_conv_shape *s) {
	return conv_masked(e, c->mask, s->R * s->S, eg_emit_w(e, 0));
}
static eg_buf bias(eg_emit *e) { return eg_emit_has_param(e, 1) ? eg_emit_w(e, 1) : (eg_buf){0}; }

/* Which position of each window won, for backward. */
static eg_buf winners(eg_emit *e, const eg_conv_shape *s) {
	return eg_emit_saved(e, 0, EG_ELEM_BYTE, (int64_t)EG_BLOCK * s->K * (s->P / 2) * (s->Q / 2), true);
}

static void fwd_lanes(eg_emit *e, const conv_spec *c, const eg_conv_shape *s) {
	if (!eg_emit_kernels(e)->conv_pool_can(s, EG_CONV_FWD) || !eg_emit_pool(e)) {
		eg_buf x = eg_emit_x(e, 0, EG_LANES), w = filters(e, c, s);
		conv_call_lanes(e, s, x, w, bias(e), eg_emit_y(e, 0, EG_LANES));
		return;
	}
	eg_buf x = eg_emit_x(e, 0, EG_LANES), w = filters(e, c, s), code = eg_emit_has_bwd(e) ? winners(e, s) : (eg_buf){0};
	conv_call_pool(e, s, x, w, bias(e), eg_emit_y(e, 0, EG_LANES), code);
}

static void conv_fwd(eg_emit *e, const conv_spec *c) {
	const eg_conv_shape s = conv_volume_of(e, c).s;
	eg_layout layout = eg_emit_layout(e);
	dense d;
	if (is_dense(c, &s, &d)) {
		dense_fwd(e, d);
		return;
	}
	if (CONV_HAS_LANES && layout == EG_LANES) {
		fwd_lanes(e, c, &s);
		return;
	}
	const conv_way w = conv_choose(e, &s, EG_CONV_FWD, eg_emit_in_layout(e, 0), layout);
	eg_conv_run_args a = {.in = eg_emit_x(e, 0, w.x), .w = filters(e, c, &s), .b = bias(e)};
	if (w.y == EG_BLOCKED) a.out = eg_emit_y_over_addend(e, w.y);
	a.acc = a.out.p != NULL;
	if (!a.acc) a.out = eg_emit_y(e, 0, w.y);
	a.act = eg_emit_act(e);
	conv_call(e, &s, w, a);
}

/* With a maximum behind it dz is the gradient of what that has left. */
static void bwd_lanes(eg_emit *e, const conv_spec *c, const eg_conv_shape *s, eg_buf dz, conv_grads g) {
	const bool pooled = eg_emit_pooled(e), needs_dx = eg_emit_needs_dx(e, 0);
	const bool direct = pooled && eg_emit_kernels(e)->conv_pool_can(s, EG_CONV_BWD_WEIGHTS);
	const eg_buf x = eg_emit_x(e, 0, EG_LANES), code = pooled ? winners(e, s) : (eg_buf){0};
	eg_buf dy = dz;
	if (direct) conv_call_pool_weights(e, s, x, dz, code, g);
	if (pooled && (!direct || needs_dx)) dy = conv_call_unpool(e, s, dz, code);
	if (!direct) conv_call_lanes_weights(e, s, x, dy, g);
	if (!needs_dx) return;
	bool acc;
	eg_buf w = filters(e, c, s), dx = eg_emit_dx(e, 0, EG_LANES, &acc);
	conv_call_lanes_data(e, s, dy, w, dx, acc);
}

static void conv_bwd(eg_emit *e, const conv_spec *c) {
	const eg_conv_shape s = conv_volume_of(e, c).s;
	dense d;
	if (is_dense(c, &s, &d)) {
		dense_bwd(e, d);
		return;
	}
	const eg_layout x = eg_emit_in_layout(e, 0), y = eg_emit_out_layout(e);
	conv_grads g = {0};
	if (!eg_emit_has_dy(e, 0)) return;
	g.weight = eg_emit_dw(e, 0, &g.acc_weight);
	if (eg_emit_has_param(e, 1)) g.bias = eg_emit_dw(e, 1, &g.acc_bias);
	const conv_grads own = g;
	if (c->mask.at) g = (conv_grads){.weight = eg_emit_temp(e, EG_ELEM_REAL, conv_weights(&s), false), .bias = own.bias, .acc_bias = own.acc_bias};
	if (CONV_HAS_LANES && y == EG_LANES) {
		bwd_lanes(e, c, &s, eg_emit_dy(e, 0, EG_LANES), g);
	} else {
		const conv_way w = conv_choose(e, &s, EG_CONV_BWD_WEIGHTS, x, y);
		conv_call_weights(e, &s, w, eg_emit_x(e, 0, w.x), eg_emit_dy(e, 0, w.y), g);
	}
	if (c->mask.at) conv_mask_call(e, c->mask, s.R * s.S, g.weight, own.weight, own.acc_weight);
	if (y == EG_LANES || !eg_emit_needs_dx(e, 0)) return;
	const conv_way w = conv_choose(e, &s, EG_CONV_BWD_DATA, x, y);
	eg_conv_run_args a = {.in = eg_emit_dy(e, 0, w.y), .w = filters(e, c, &s)};
	a.out = eg_emit_dx(e, 0, w.x, &a.acc);
	conv_call_data(e, &s, w, a);
}

#define CONV_COST(op) \
	static double op##_cost(const eg_emit *e, eg_layout x, eg_layout y) { \
		const conv_spec c = op##_spec(eg_emit_options(e)); \
		return cost_of(e, &c, x, y); \
	}
CONV_COST(conv1d)
CONV_COST(conv2d)
CONV_FUNCTIONS(conv1d, conv_infer, conv_fwd, conv_bwd)
CONV_FUNCTIONS(conv2d, conv_infer, conv_fwd, conv_bwd)
WINDOW_ONNX(conv1d, "Conv")
WINDOW_ONNX(conv2d, "Conv")

/* ---- conv1d ------------------------------------------------------------------------------------------------------ */

#define CONV1(...) &(const conv1d_options){__VA_ARGS__}
static const eg_case conv1d_cases[] = {
	{"stride, padding, dilation", CONV1(.filters = 5, .kernel = 3, .stride = 2, .padding = 3, .padding_end = 1, .dilation = 3),
		.in = {OP_DIMS(EG_N, 3, 17)}, .nin = 1, .batch = 18, .linear = true},
	{"same, groups", CONV1(.filters = 6, .kernel = 4, .auto_pad = WINDOW_PAD_SAME_UPPER, .groups = 2), .in = {OP_DIMS(EG_N, 4, 13)}, .nin = 1,
		.batch = 3, .linear = true},
	{"open length, same", CONV1(.filters = 19, .kernel = 5, .auto_pad = WINDOW_PAD_SAME_LOWER, .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(EG_N, 17, EG_NAMED)}, .nin = 1, .batch = 5, .sizes = OP_SIZES({"length", 23}), .linear = true},
	{"covers it, connections", CONV1(.filters = 3, .kernel = 6, .mask = EG_INTS(1, 0, 0, 1, 1, 1), .no_bias = true),
		.in = {OP_DIMS(4, 2, 6)}, .nin = 1, .batch = 2, .linear = true},
};

#define CONV_EQUATION_OUT \
	"P = floor((H + padding + padding_end - dilation (kernel - 1) - 1) / stride) + 1, Q likewise; same: P = ceil(H / stride), with\n" \
	"max(0, (P - 1) stride + dilation (kernel - 1) + 1 - H) zeros, half of them on each side"
#define CONV_INFO(T, table)                                                                                            \
	.attrs = table, .nattrs = EG_COUNT(table), .options_size = sizeof(T), .min_inputs = 1, .max_inputs = 1,        \
	.inputs = (const char *const[]){"x"}, .params = (const char *const[]){"weight", "bias", NULL},                 \
	.outputs = (const char *const[]){"y", NULL}

const eg_op eg_op_conv1d = {
	.info = {
		.name = "conv1d",
		.layer = "conv1d",
		.doc = OP_TEXT("Convolution along one axis: the same filters slide over every position of a signal (N,C,L)"),
		.equation = OP_TEXT("y[n,k,q] = bias[k] + sum over c,s of weight[k,c,s] x[n,c,w], w = q*stride + s*dilation - padding, zero outside of x;\n"
			"x (N,C,L), weight (filters, C/groups, kernel), y (N,filters,Q), Q as P of `conv2d`; 0 where mask[k,c] is 0"),
		.source = OP_TEXT("ONNX Conv-11; PyTorch conv1d; Waibel et al. 1989 (time-delay networks)"),
		CONV_INFO(conv1d_options, conv1d_attrs),
	},
	.infer = conv1d_infer,
	.fwd = conv1d_fwd,
	.bwd = OP_BWD(conv1d_bwd),
	.cost = conv1d_cost,
	.bwd_reads_x = true,
	.posts = OP_POST(AFFINE) | OP_POST(ACT),
	.onnx = "Conv",
	.onnx_since = 11,
	.export = OP_ONNX(conv1d_export),
	.import = OP_ONNX(conv1d_import),
	OP_CASES(conv1d_cases),
};

/* ---- conv2d ------------------------------------------------------------------------------------------------------ */

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
	{"three by three", CONV(.filters = 19, .kernel = {3, 3}, .padding = {1, 1}), .in = {OP_DIMS(EG_N, 17, 7, 9)}, .nin = 1,
		.batch = 5, .linear = true},
	{"one filter a channel", CONV(.filters = 18, .kernel = {3, 3}, .padding = {1, 1}, .groups = 18),
		.in = {OP_DIMS(EG_N, 18, 6, 9)}, .nin = 1, .batch = 5, .linear = true},
	{"padding at the end", CONV(.filters = 5, .kernel = {4, 3}, .stride = {1, 2}, .padding = {1, 2}, .padding_end = {2, EG_ZERO}),
		.in = {OP_DIMS(EG_N, 3, 7, 9)}, .nin = 1, .batch = 18, .linear = true},
	{"same, the odd zero first", CONV(.filters = 18, .kernel = {2, 4}, .stride = {1, 2}, .auto_pad = WINDOW_PAD_SAME_LOWER),
		.in = {OP_DIMS(EG_N, 17, 6, 9)}, .nin = 1, .batch = 5, .linear = true},
	{"same three by three, uneven", CONV(.filters = 17, .kernel = {3, 3}, .padding = {EG_ZERO, 2}, .padding_end = {2, 1}),
		.in = {OP_DIMS(EG_N, 19, 7, 8)}, .nin = 1, .batch = 3, .linear = true},
	{"connections", CONV(.filters = 4, .kernel = {3, 2}, .padding = {1, 0}, .mask = EG_INTS(1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1)),
		.in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, .linear = true},
	/* for tables of 16 lanes, where pooling goes straight to the gradient of weights for such wide filters only */
	{"five by nine", CONV(.filters = 3, .kernel = {5, 9}, .padding = {2, 4}), .in = {OP_DIMS(EG_N, 1, 6, 11)}, .nin = 1,
		.batch = 18, .linear = true},
	{"five by five, as in LeNet-5", CONV(.filters = 3, .kernel = {5, 5}, .padding = {2, 2}), .in = {OP_DIMS(EG_N, 2, 7, 10)},
		.nin = 1, .batch = 18, .linear = true},
	{"steps of sequences, open height", CONV(.filters = 5, .kernel = {3, 3}, .stride = {2, 1}, .padding = {1, 1}),
		.in = {OP_DIMS(EG_TN, 3, EG_NAMED, 9)}, .nin = 1, .batch = 3, .time = 7, .sizes = OP_SIZES({"height", 8}), .linear = true},
	{"covers the picture", CONV(.filters = 7, .kernel = {5, 4}), .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1,
		.batch = 18, .linear = true},
};

const eg_op eg_op_conv2d = {
	.info = {
		.name = "conv2d",
		.layer = "conv",
		.doc = OP_TEXT("Convolution: the same filters slide over every position of a picture"),
		.equation = OP_TEXT("y[n,k,p,q] = bias[k] + sum over c,r,s of weight[k,c,r,s] x[n,c,h,w],\n"
			"h = p*stride + r*dilation - padding, w = q*stride + s*dilation - padding, zero outside of x; 0 where mask[k,c] is 0;\n"
			"x (N,C,H,W), weight (filters, C/groups, kernel), y (N,filters,P,Q),\n" CONV_EQUATION_OUT),
		.source = OP_TEXT("ONNX Conv-11; LeCun et al. 1989; Dumoulin and Visin 2016 (arithmetic of shapes)"),
		CONV_INFO(conv2d_options, conv2d_attrs),
	},
	.infer = conv2d_infer,
	.fwd = conv2d_fwd,
	.bwd = OP_BWD(conv2d_bwd),
	.cost = conv2d_cost,
	.bwd_reads_x = true,
	.posts = OP_POST(AFFINE) | OP_POST(SUM) | OP_POST(ACT) | OP_POST(POOL),
	.onnx = "Conv",
	.onnx_since = 11,
	.export = OP_ONNX(conv2d_export),
	.import = OP_ONNX(conv2d_import),
	OP_CASES(conv2d_cases),
};

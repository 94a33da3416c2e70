/* conv_transpose.c - transposed convolutions with one, two and three axes: the gradient of a convolution as an
 * operator of its own. Its output is what the filters slide over, so that forward is a convolution's backward by
 * data, backward by data its forward, and the weights (C,K/G,...) are those of a convolution from K channels to C. */
#include "ops/conv_frames.h"
#include "ops/window_onnx.h"

#define TRANSPOSED(A)                                                                                                  \
	CONV_WINDOW(A)                                                                                                 \
	int output_padding A;                                                                                          \
	eg_ints output_shape;                                                                                          \
	CONV_REST
typedef struct conv_transpose1d_options {
	TRANSPOSED()
} conv_transpose1d_options;
typedef struct conv_transpose2d_options {
	TRANSPOSED([2])
} conv_transpose2d_options;
typedef struct conv_transpose3d_options {
	TRANSPOSED([3])
} conv_transpose3d_options;

#define TRANSPOSED_ATTRS(T, n, of_filters)                                                                             \
	CONV_WINDOW_ATTRS(T, n, of_filters, "cut off from y, on each side"),                                           \
		CONV_AUTO_PAD(T, "what is cut off so that y is stride times as large as x, the odd one at the end (upper) or the beginning (lower); " \
				 "valid: nothing"),                                                                    \
		CONV_INTS(T, output_padding, n, 0, 0, "output_padding",                                                \
			"so much more at the end of y; smaller than the stride or the dilation"),                      \
		OP_INT_LIST(T, output_shape, 0, WINDOW_AXES, 1, OP_SIZE_MAX, "output_shape",                             \
			"sizes of the axes of y, from which follows what is cut off: the odd one at the beginning, with same_upper at the end"), \
		CONV_REST_ATTRS(T)
static const eg_attr conv_transpose1d_attrs[] = {TRANSPOSED_ATTRS(conv_transpose1d_options, 1, "length of the filters")};
static const eg_attr conv_transpose2d_attrs[] = {TRANSPOSED_ATTRS(conv_transpose2d_options, 2, "height and width of the filters")};
static const eg_attr conv_transpose3d_attrs[] = {TRANSPOSED_ATTRS(conv_transpose3d_options, 3, "depth, height and width of the filters")};

/* ---- what they share --------------------------------------------------------------------------------------------- */

static conv_spec transposed(conv_spec c, eg_ints shape, const int *more) {
	c.transposed = true;
	c.shape = shape;
	memcpy(c.more, more, (size_t)c.axes * sizeof *more);
	return c;
}

static void transposed_fwd(eg_emit *e, const conv_spec *c) {
	const conv_volume v = conv_volume_of(e, c);
	const eg_dims dims = eg_emit_out_dims(e, 0);
	const eg_buf frames = conv_frames(e, &v, eg_emit_x(e, 0, EG_PLAIN)), y = eg_emit_y(e, 0, EG_PLAIN);
	conv_frames_data(e, &v, frames, eg_emit_w(e, 0), y, false);
	conv_finish(e, y, dims.d[0], dims.d[1], eg_dims_count(&dims, 2), eg_emit_act(e));
}

static void transposed_bwd(eg_emit *e, const conv_spec *c) {
	const conv_volume v = conv_volume_of(e, c);
	const eg_dims dims = eg_emit_out_dims(e, 0);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	conv_grads g = {0};
	if (!dy.p) return;
	const eg_buf gathered = conv_gather(e, &v, dy);
	g.weight = eg_emit_dw(e, 0, &g.acc_weight);
	conv_frames_weights(e, &v, gathered, conv_frames(e, &v, eg_emit_x(e, 0, EG_PLAIN)), g);
	conv_bias_grad(e, dy, dims.d[0], dims.d[1], eg_dims_count(&dims, 2));
	if (!eg_emit_needs_dx(e, 0)) return;
	bool acc;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	conv_frames_fwd(e, &v, gathered, eg_emit_w(e, 0), (eg_buf){0}, dx, eg_act_of(EG_ACT_NONE), acc);
}

#define TRANSPOSED_FUNCTIONS(n, op) \
	static conv_spec op##_spec(const op##_options *o) { \
		return transposed(CONV_SPEC(o, n), o->output_shape, (const int *)(const void *)&o->output_padding); \
	} \
	CONV_FUNCTIONS(op, conv_infer, transposed_fwd, transposed_bwd)
TRANSPOSED_FUNCTIONS(1, conv_transpose1d)
TRANSPOSED_FUNCTIONS(2, conv_transpose2d)
TRANSPOSED_FUNCTIONS(3, conv_transpose3d)

/* ---- cases, descriptors ------------------------------------------------------------------------------------------ */

#define CONV1(...) &(const conv_transpose1d_options){__VA_ARGS__}
static const eg_case cases1[] = {
	{"stride, padding", CONV1(.filters = 6, .kernel = 4, .stride = 3, .padding = 1, .padding_end = 2, .output_padding = 2),
		.in = {OP_DIMS(EG_N, 4, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"same, open length", CONV1(.filters = 5, .kernel = 6, .stride = 3, .auto_pad = WINDOW_PAD_SAME_UPPER, .no_bias = true),
		.in = {OP_DIMS(EG_N, 3, EG_NAMED)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"length", 8}), .linear = true},
};

#define CONV2(...) &(const conv_transpose2d_options){__VA_ARGS__}
static const eg_case cases2[] = {
	{"stride, padding, dilation",
		CONV2(.filters = 3, .kernel = {3, 4}, .stride = {2, 3}, .padding = {1, EG_ZERO}, .output_padding = {1, 2}, .dilation = {1, 2}),
		.in = {OP_DIMS(EG_N, 5, 4, 6)}, .nin = 1, .batch = 18, .linear = true},
	{"groups, size asked for", CONV2(.filters = 6, .kernel = {2, 3}, .stride = {2, 2}, .groups = 2, .output_shape = EG_INTS(9, 7)),
		.in = {OP_DIMS(EG_N, 4, 5, 3)}, .nin = 1, .batch = 3, .linear = true},
	{"same, many channels, open height", CONV2(.filters = 18, .kernel = {4, 3}, .stride = {2, 1}, .auto_pad = WINDOW_PAD_SAME_LOWER, .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(EG_TN, 17, EG_NAMED, 5)}, .nin = 1, .batch = 3, .time = 2, .sizes = OP_SIZES({"height", 4}), .linear = true},
	{"gaps between windows, no bias", CONV2(.filters = 2, .kernel = {1, 2}, .stride = {3, 4}, .auto_pad = WINDOW_PAD_VALID, .no_bias = true),
		.in = {OP_DIMS(5, 4, 3, 2)}, .nin = 1, .batch = 2, .linear = true},
};

#define CONV3(...) &(const conv_transpose3d_options){__VA_ARGS__}
static const eg_case cases3[] = {
	{"stride, padding", CONV3(.filters = 3, .kernel = {3, 2, 3}, .stride = {2, 1, 2}, .padding = {1, EG_ZERO, 2}, .output_padding = {1, 0, 0}),
		.in = {OP_DIMS(EG_N, 2, 4, 3, 5)}, .nin = 1, .batch = 18, .linear = true},
	{"groups, gaps in depth", CONV3(.filters = 4, .kernel = {2, 1, 3}, .stride = {3, 1, 1}, .dilation = {1, 1, 2}, .groups = 2, .no_bias = true),
		.in = {OP_DIMS(5, 6, 2, 3, 4)}, .nin = 1, .batch = 2, .linear = true},
};

WINDOW_ONNX(conv_transpose1d, "ConvTranspose")
WINDOW_ONNX(conv_transpose2d, "ConvTranspose")
WINDOW_ONNX(conv_transpose3d, "ConvTranspose")

#define TRANSPOSED_OP(n, x_dims, y_dims, from)                                                                         \
	const eg_op eg_op_conv_transpose##n##d = {                                                                     \
		.info = {                                                                                              \
			.name = "conv_transpose" #n "d",                                                               \
			.layer = "conv_transpose" #n "d",                                                              \
			.doc = OP_TEXT("Transposed convolution along " from ": every input spreads its filters over the output; stride makes that larger"), \
			.equation = OP_TEXT("y = the gradient of a convolution's input, given x as that of its output, + bias[k]; x " x_dims ", y " y_dims ",\n" \
				"weight (C, filters/groups, kernel); sizes (H - 1) stride + dilation (kernel - 1) + 1 + output_padding - padding - padding_end"), \
			.source = OP_TEXT("ONNX ConvTranspose-11; PyTorch conv_transpose" #n "d; Dumoulin and Visin 2016"),     \
			.attrs = conv_transpose##n##d_attrs,                                                           \
			.nattrs = EG_COUNT(conv_transpose##n##d_attrs),                                                \
			.options_size = sizeof(conv_transpose##n##d_options),                                          \
			.min_inputs = 1,                                                                               \
			.max_inputs = 1,                                                                               \
			.inputs = (const char *const[]){"x"},                                                          \
			.params = (const char *const[]){"weight", "bias", NULL},                                       \
			.outputs = (const char *const[]){"y", NULL},                                                   \
		},                                                                                                     \
		.infer = conv_transpose##n##d_infer,                                                                                     \
		.fwd = conv_transpose##n##d_fwd,                                                                                         \
		.bwd = OP_BWD(conv_transpose##n##d_bwd),                                                                                         \
		.bwd_reads_x = true,                                                                                   \
		.posts = OP_POST(ACT),                                                                                 \
		.onnx = "ConvTranspose",                                                                               \
		.onnx_since = 11,                                                                                      \
		.export = OP_ONNX(conv_transpose##n##d_export),                                                                 \
		.import = OP_ONNX(conv_transpose##n##d_import),                                                                 \
		OP_CASES(cases##n),                                                                                    \
	}
TRANSPOSED_OP(1, "(N,C,L)", "(N,filters,M)", "one axis");
TRANSPOSED_OP(2, "(N,C,H,W)", "(N,filters,P,Q)", "two axes");
TRANSPOSED_OP(3, "(N,C,D,H,W)", "(N,filters,O,P,Q)", "three axes");

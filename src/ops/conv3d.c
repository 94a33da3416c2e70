/* conv3d.c - convolution with three axes: volumes, or pictures in the course of time. Its depth becomes batch and
 * channels (conv_frames.c). */
#include "ops/conv_frames.h"
#include "ops/window_onnx.h"

typedef struct conv3d_options {
	CONV_WINDOW([3])
	CONV_REST
} conv3d_options;

static const eg_attr conv3d_attrs[] = {
	CONV_WINDOW_ATTRS(conv3d_options, 3, "depth, height and width of the filters", "zeros put around x, on each side"),
	CONV_AUTO_PAD(conv3d_options, "padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); "
				      "valid: none"),
	CONV_REST_ATTRS(conv3d_options),
};

static conv_spec conv3d_spec(const conv3d_options *o) { return CONV_SPEC(o, 3); }

static eg_status conv3d_infer(eg_infer *s) {
	const conv_spec c = conv3d_spec(s->options);
	return conv_infer(s, &c);
}

static conv_volume volume_of(const eg_emit *e) {
	const conv_spec c = conv3d_spec(eg_emit_options(e));
	return conv_volume_of(e, &c);
}

static void conv3d_fwd(eg_emit *e) {
	const conv_volume v = volume_of(e);
	const eg_buf x = conv_gather(e, &v, eg_emit_x(e, 0, EG_PLAIN)), b = eg_emit_has_param(e, 1) ? eg_emit_w(e, 1) : (eg_buf){0};
	conv_frames_fwd(e, &v, x, eg_emit_w(e, 0), b, eg_emit_y(e, 0, EG_PLAIN), eg_emit_act(e), false);
}

static void conv3d_bwd(eg_emit *e) {
	const conv_volume v = volume_of(e);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	conv_grads g = {0};
	if (!dy.p) return;
	const eg_buf frames = conv_frames(e, &v, dy);
	g.weight = eg_emit_dw(e, 0, &g.acc_weight);
	if (eg_emit_has_param(e, 1)) g.bias = eg_emit_dw(e, 1, &g.acc_bias);
	conv_frames_weights(e, &v, conv_gather(e, &v, eg_emit_x(e, 0, EG_PLAIN)), frames, g);
	if (!eg_emit_needs_dx(e, 0)) return;
	bool acc;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	conv_frames_data(e, &v, frames, eg_emit_w(e, 0), dx, acc);
}

#define CONV(...) &(const conv3d_options){__VA_ARGS__}
static const eg_case conv3d_cases[] = {
	{"stride, padding, dilation",
		CONV(.filters = 4, .kernel = {3, 2, 3}, .stride = {2, 1, 1}, .padding = {1, EG_ZERO, 1}, .padding_end = {2, 1, EG_ZERO}, .dilation = {1, 1, 2}),
		.in = {OP_DIMS(EG_N, 2, 6, 3, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"groups, dilated depth", CONV(.filters = 6, .kernel = {2, 3, 1}, .dilation = {3, 1, 1}, .groups = 2, .no_bias = true),
		.in = {OP_DIMS(EG_N, 4, 5, 6, 2)}, .nin = 1, .batch = 3, .linear = true},
	{"same, open depth", CONV(.filters = 3, .kernel = {2, 3, 2}, .stride = {3, 1, 1}, .auto_pad = WINDOW_PAD_SAME_UPPER, .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(EG_N, 2, EG_NAMED, 4, 5)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"depth", 7}), .linear = true},
	{"one picture of each, of which a tap sees nothing", CONV(.filters = 5, .kernel = {4, 2, 2}, .padding = {1, 0, 0}, .padding_end = {EG_ZERO, 0, 0}),
		.in = {OP_DIMS(6, 2, 3, 4, 5)}, .nin = 1, .batch = 2, .linear = true},
};

WINDOW_ONNX(conv3d, "Conv")

const eg_op eg_op_conv3d = {
	.info = {
		.name = "conv3d",
		.layer = "conv3d",
		.doc = OP_TEXT("Convolution along three axes, of volumes or of pictures in the course of time"),
		.equation = OP_TEXT("y[n,k,o,p,q] = bias[k] + sum over c,t,r,s of weight[k,c,t,r,s] x[n,c,d,h,w], d = o*stride + t*dilation - padding, h and w likewise,\n"
			"zero outside of x; x (N,C,D,H,W), weight (filters, C/groups, kernel), y (N,filters,O,P,Q), sizes as in `conv2d`"),
		.source = OP_TEXT("ONNX Conv-11; PyTorch conv3d; Tran et al. 2015"),
		.attrs = conv3d_attrs,
		.nattrs = EG_COUNT(conv3d_attrs),
		.options_size = sizeof(conv3d_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", "bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = conv3d_infer,
	.fwd = conv3d_fwd,
	.bwd = OP_BWD(conv3d_bwd),
	.bwd_reads_x = true,
	.posts = OP_POST(AFFINE) | OP_POST(ACT),
	.onnx = "Conv",
	.onnx_since = 11,
	.export = OP_ONNX(conv3d_export),
	.import = OP_ONNX(conv3d_import),
	OP_CASES(conv3d_cases),
};

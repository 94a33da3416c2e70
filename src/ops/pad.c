/* pad.c - pad2d: zeros around pictures, and channels of zeros before and behind theirs. */
#include "ops/ops.h"

typedef struct pad2d_options {
	const char *name;
	int channels[2], height[2], width[2];
} pad2d_options;

static const eg_attr pad2d_attrs[] = {
	OP_PAIR(pad2d_options, channels, 0, 0, OP_SIZE_MAX, "pads", "channels of zeros before and behind those of x"),
	OP_PAIR(pad2d_options, height, 0, 0, OP_SIZE_MAX, "pads", "rows of zeros above and below"),
	OP_PAIR(pad2d_options, width, 0, 0, OP_SIZE_MAX, "pads", "columns of zeros on the left and on the right"),
};

static eg_status pad2d_infer(eg_infer *s) {
	const pad2d_options *o = s->options;
	const int *const pads[] = {o->channels, o->height, o->width};
	if (op_check_picture(s)) return s->err->status;
	s->out[0] = s->in[0];
	for (int i = 0; i < 3; i++) {
		const int64_t more = (int64_t)pads[i][0] + pads[i][1];
		int64_t *d = &s->out[0].d[1 + i];
		*d = *d > 0 ? *d + more : more ? eg_infer_size(s, *d) : *d;
	}
	return EG_OK;
}

static eg_pad_args pad2d_args(const eg_emit *e, eg_layout layout) {
	const pad2d_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, 0);
	return (eg_pad_args){.N = (int)x.d[0], .C = (int)x.d[1], .H = (int)x.d[2], .W = (int)x.d[3], .c0 = o->channels[0],
		.c1 = o->channels[1], .h0 = o->height[0], .h1 = o->height[1], .w0 = o->width[0], .w1 = o->width[1], .layout = layout};
}

/* Elements of a block of pictures of these dimensions. */
static int64_t unit_of(const eg_dims *d, eg_layout layout) {
	int64_t channels = layout == EG_BLOCKED ? eg_channels((int)d->d[1]) : d->d[1];
	return EG_BLOCK * channels * eg_dims_count(d, 2);
}

static void pad2d_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	eg_pad_args a = pad2d_args(e, layout);
	eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	op_blocks job = op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), a.N);
	a.from = op_stride(job.block, eg_emit_x(e, 0, layout), unit_of(&x, layout));
	a.to = op_stride(job.block, eg_emit_y(e, 0, layout), unit_of(&y, layout));
	OP_CALL(e, pad_fwd, a, 1, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&y, 0));
}

static void pad2d_bwd(eg_emit *e) {
	eg_layout layout = eg_emit_out_layout(e);
	eg_pad_args a = pad2d_args(e, layout);
	eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	op_blocks job = op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), a.N);
	a.from = eg_emit_dy(e, 0, layout);
	if (!a.from.p || !eg_emit_needs_dx(e, 0)) return;
	a.from = op_stride(job.block, a.from, unit_of(&y, layout));
	a.to = op_stride(job.block, eg_emit_dx(e, 0, layout, &a.acc), unit_of(&x, layout));
	OP_CALL(e, pad_bwd, a, 1, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&x, 0));
}

#define PAD(...) &(const pad2d_options){__VA_ARGS__}
static const eg_case pad2d_cases[] = {
	{"channels", PAD(.channels = {0, 4}), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"all around", PAD(.channels = {2, 1}, .height = {1, 3}, .width = {4, 2}), .in = {OP_DIMS(EG_N, 3, 2, 5)}, .nin = 1,
		.batch = 18, .linear = true},
	{"open height and width", PAD(.height = {1, 2}), .in = {OP_DIMS(EG_N, 4, EG_NAMED, EG_NAMED - 1)}, .nin = 1, .batch = 18,
		.sizes = OP_SIZES({"height", 3}, {"width", 5}), .linear = true},
	{"many channels, fixed batch", PAD(.channels = {5, 19}, .width = {0, 1}), .in = {OP_DIMS(19, 17, 3, 2)}, .nin = 1,
		.batch = 2, .linear = true},
};

static void pad2d_export(eg_export *x) {
	const pad2d_options *o = eg_export_options(x);
	const int64_t pads[] = {0, o->channels[0], o->height[0], o->width[0], 0, o->channels[1], o->height[1], o->width[1]};
	eg_export_node(x, "Pad", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, pads, 8)), EG_NAMES(eg_export_out(x, 0)));
}

/* Zeros around pictures, of a Pad; the rest is pad_nd's. */
static bool pad2d_import(eg_import *m) {
	int64_t p[8];
	if (eg_import_opset(m) < 11 || !eg_import_known(m, 1) || eg_import_has_in(m, 3) || eg_import_in_dims(m, 0).rank != 4) return false;
	if (strcmp(eg_import_string(m, "mode", "constant"), "constant") != 0 || (eg_import_has_in(m, 2) && !eg_import_is_zero(m, 2))) return false;
	eg_tensor x = eg_import_in(m, 0);
	bool fits = eg_tensor_dtype(eg_import_graph(m), x) == EG_F32 && eg_import_ints(m, 1, p, 8) == 8 && !p[0] && !p[4];
	for (int i = 0; i < 8 && fits; i++) fits = p[i] >= 0 && p[i] <= OP_SIZE_MAX;
	if (!fits) return false;
	const pad2d_options o = {.channels = {(int)p[1], (int)p[5]}, .height = {(int)p[2], (int)p[6]}, .width = {(int)p[3], (int)p[7]}};
	eg_import_out(m, 0, eg_import_apply(m, "pad2d", &o, &x, 1));
	return true;
}

const eg_op eg_op_pad2d = {
	.info = {
		.name = "pad2d",
		.layer = "pad",
		.doc = OP_TEXT("Zeros around pictures, and channels of zeros"),
		.equation = OP_TEXT("y (N, C + channels, H + height, W + width): x (N,C,H,W) behind the first numbers of each pair, zero elsewhere"),
		.source = OP_TEXT("ONNX Pad-13 with mode constant; for channels as the identity shortcuts of He et al. 2016 have them"),
		.attrs = pad2d_attrs,
		.nattrs = EG_COUNT(pad2d_attrs),
		.options_size = sizeof(pad2d_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = pad2d_infer,
	.fwd = pad2d_fwd,
	.bwd = OP_BWD(pad2d_bwd),
	.follows = op_follows,
	.onnx = "Pad",
	.onnx_since = 13,
	.export = OP_ONNX(pad2d_export),
	.import = OP_ONNX(pad2d_import),
	OP_CASES(pad2d_cases),
};

/* upsample.c - upsample2d: pictures made larger by repetition, as block jobs in whichever layout they lie. */
#include "ops/ops.h"

typedef struct upsample2d_options {
	const char *name;
	int scale[2];
} upsample2d_options;

static const eg_attr upsample2d_attrs[] = {
	OP_PAIR(upsample2d_options, scale, NAN, 1, OP_SIZE_MAX, "scales", "how many times as high and as wide"),
};

static eg_status upsample2d_infer(eg_infer *s) {
	const upsample2d_options *o = s->options;
	if (op_check_picture(s)) return s->err->status;
	s->out[0] = s->in[0];
	for (int i = 0; i < 2; i++) {
		int64_t *d = &s->out[0].d[2 + i];
		*d = *d > 0 ? *d * o->scale[i] : o->scale[i] == 1 ? *d : eg_infer_size(s, *d);
		s->info->window[i] = 1;
		s->info->repeats[i] = o->scale[i];
	}
	return EG_OK;
}

/* 16 channels in lanes are to the kernels 16 samples of one channel. */
static eg_upsample_args upsample2d_args(const eg_emit *e, eg_layout layout) {
	const upsample2d_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, 0);
	bool blocked = layout == EG_BLOCKED;
	return (eg_upsample_args){.N = (int)(blocked ? x.d[0] * eg_channels((int)x.d[1]) : x.d[0]),
		.C = (int)(blocked ? 1 : x.d[1]),
		.H = (int)x.d[2],
		.W = (int)x.d[3],
		.sh = o->scale[0],
		.sw = o->scale[1],
		.lanes = layout != EG_PLAIN};
}

static op_blocks upsample2d_job(const eg_emit *e, eg_layout layout, const eg_upsample_args *a) {
	return op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), a->N);
}

/* Elements of a block of x and of y. */
static int64_t x_block(const eg_upsample_args *a) { return (int64_t)EG_BLOCK * a->C * a->H * a->W; }
static int64_t y_block(const eg_upsample_args *a) { return x_block(a) * a->sh * a->sw; }

static double size_of(const eg_emit *e) {
	eg_dims y = eg_emit_out_dims(e, 0);
	return (double)eg_dims_count(&y, 0);
}

static void upsample2d_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	eg_upsample_args a = upsample2d_args(e, layout);
	op_blocks job = upsample2d_job(e, layout, &a);
	a.from = op_stride(job.block, eg_emit_x(e, 0, layout), x_block(&a));
	a.to = op_stride(job.block, eg_emit_y(e, 0, layout), y_block(&a));
	OP_CALL(e, upsample_fwd, a, 1, 1, .block = job.block, .units = job.units, .flops = size_of(e));
}

static void upsample2d_bwd(eg_emit *e) {
	eg_layout layout = eg_emit_out_layout(e);
	eg_upsample_args a = upsample2d_args(e, layout);
	op_blocks job = upsample2d_job(e, layout, &a);
	a.from = eg_emit_dy(e, 0, layout);
	if (!a.from.p || !eg_emit_needs_dx(e, 0)) return;
	a.from = op_stride(job.block, a.from, y_block(&a));
	a.to = op_stride(job.block, eg_emit_dx(e, 0, layout, &a.acc), x_block(&a));
	OP_CALL(e, upsample_bwd, a, 1, 1, .block = job.block, .units = job.units, .flops = size_of(e));
}

#define UPSAMPLE(...) &(const upsample2d_options){__VA_ARGS__}
static const eg_case upsample2d_cases[] = {
	{"two by two", UPSAMPLE(.scale = {2, 2}), .in = {OP_DIMS(EG_N, 3, 4, 35)}, .nin = 1, .batch = 18,
		.linear = true},
	{"two by three", UPSAMPLE(.scale = {2, 3}), .in = {OP_DIMS(EG_N, 5, 3, 7)}, .nin = 1, .batch = 18,
		.linear = true},
	{"columns alone", UPSAMPLE(.scale = {1, 2}), .in = {OP_DIMS(EG_N, 2, 5, 4)}, .nin = 1, .batch = 3,
		.linear = true},
	{"rows alone, many channels, fixed batch", UPSAMPLE(.scale = {3, 1}), .in = {OP_DIMS(19, 37, 2, 3)}, .nin = 1,
		.batch = 2, .linear = true},
	{"wider than a vector", UPSAMPLE(.scale = {2, 19}), .in = {OP_DIMS(EG_N, 2, 3, 5)}, .nin = 1, .batch = 3,
		.linear = true},
};

/* Comes back as resize. */
static void upsample2d_export(eg_export *x) {
	const upsample2d_options *o = eg_export_options(x);
	const real scales[] = {1, 1, (real)o->scale[0], (real)o->scale[1]};
	eg_export_node(x, "Resize", EG_NAMES(eg_export_in(x, 0), "", eg_export_reals(x, scales, EG_DIMS(4))), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_string(x, "mode", "nearest");
	eg_export_set_string(x, "coordinate_transformation_mode", "asymmetric");
	eg_export_set_string(x, "nearest_mode", "floor");
}

const eg_op eg_op_upsample2d = {
	.info = {
		.name = "upsample2d",
		.layer = "upsample",
		.doc = OP_TEXT("Makes pictures larger by whole factors: each value is repeated (nearest neighbour)"),
		.equation = OP_TEXT("y[n,c,p,q] = x[n,c, p div scale, q div scale]; x (N,C,H,W), y (N, C, H scale, W scale);\n"
			"dx = the sum of dy over the positions that show x"),
		.source = OP_TEXT("ONNX Resize-11 (mode nearest, coordinate_transformation_mode asymmetric, nearest_mode floor)"),
		.attrs = upsample2d_attrs,
		.nattrs = EG_COUNT(upsample2d_attrs),
		.options_size = sizeof(upsample2d_options),
		.shorthand = "scale",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = upsample2d_infer,
	.range = op_range_of_input,
	.fwd = upsample2d_fwd,
	.bwd = OP_BWD(upsample2d_bwd),
	.follows = op_follows,
	.onnx = "Resize",
	.onnx_since = 11,
	.export = OP_ONNX(upsample2d_export),
	OP_CASES(upsample2d_cases),
};

/* pool.c - maxpool2d, avgpool2d and globalavgpool2d: block jobs in whichever layout their input lies. */
#include "ops/window.h"

static window pool_window(
	const int *kernel, const int *stride, const int *padding, const int *dilation, bool ceil_mode) {
	window w = {.ceil_mode = ceil_mode};
	for (int i = 0; i < 2; i++) {
		w.kernel[i] = kernel[i];
		w.stride[i] = stride[i] ? stride[i] : kernel[i];
		w.padding[i] = padding[i];
		w.dilation[i] = dilation ? dilation[i] : 1;
	}
	return w;
}

static eg_status pool_infer(eg_infer *s, const window *w) {
	if (window_infer(s, w)) return s->err->status;
	s->out[0].d[0] = s->in[0].d[0];
	s->out[0].d[1] = s->in[0].d[1];
	return window_check_taps(s, w);
}

/* Channels stay apart, so 16 of them in lanes are to the kernels 16 samples of one channel. */
static eg_pool_shape pool_shape(const eg_emit *e, const window *w, eg_layout layout) {
	eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	bool blocked = layout == EG_BLOCKED;
	return (eg_pool_shape){.N = (int)(blocked ? x.d[0] * eg_blocks((int)x.d[1]) * EG_BLOCK : x.d[0]),
		.C = (int)(blocked ? 1 : x.d[1]),
		.H = (int)x.d[2],
		.W = (int)x.d[3],
		.R = w->kernel[0],
		.S = w->kernel[1],
		.P = (int)y.d[2],
		.Q = (int)y.d[3],
		.sh = w->stride[0],
		.sw = w->stride[1],
		.ph = w->padding[0],
		.pw = w->padding[1],
		.dh = w->dilation[0],
		.dw = w->dilation[1],
		.lanes = layout != EG_PLAIN,
		.pad_end_h = w->padding[0],
		.pad_end_w = w->padding[1]};
}

static op_blocks pool_job(const eg_emit *e, eg_layout layout, const eg_pool_shape *s) {
	return op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), s->N);
}

/* Elements of a block of x and of y. */
static int64_t x_block(const eg_pool_shape *s) { return (int64_t)EG_BLOCK * s->C * s->H * s->W; }
static int64_t y_block(const eg_pool_shape *s) { return (int64_t)EG_BLOCK * s->C * s->P * s->Q; }
static double taps(const eg_pool_shape *s) { return (double)s->N * s->C * s->P * s->Q * s->R * s->S; }

/* ---- maximum ----------------------------------------------------------------------------------------------------- */

typedef struct maxpool2d_options {
	const char *name;
	int kernel[2], stride[2], padding[2], dilation[2];
	bool ceil_mode;
} maxpool2d_options;

static const char doc_kernel[] = "height and width of the windows";
static const char doc_stride[] = "steps from one window to the next; default: as large as the kernel";
static const char doc_ceil[] = "a last window that reaches beyond the padded input is kept";

static const eg_attr maxpool2d_attrs[] = {
	OP_PAIR(maxpool2d_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", doc_kernel),
	OP_PAIR(maxpool2d_options, stride, 0, 1, OP_SIZE_MAX, "strides", doc_stride),
	OP_PAIR(maxpool2d_options, padding, 0, 0, OP_SIZE_MAX, "pads",
		"positions around x, on each side, that never win"),
	OP_PAIR(maxpool2d_options, dilation, 1, 1, OP_SIZE_MAX, "dilations",
		"distance between neighbouring positions of a window"),
	OP_BOOL(maxpool2d_options, ceil_mode, "ceil_mode", doc_ceil),
};

static window maxpool2d_window(const maxpool2d_options *o) {
	return pool_window(o->kernel, o->stride, o->padding, o->dilation, o->ceil_mode);
}

static eg_status maxpool2d_infer(eg_infer *s) {
	const maxpool2d_options *o = s->options;
	window w = maxpool2d_window(o);
	if ((int64_t)o->kernel[0] * o->kernel[1] > UINT16_MAX) /* the winner is kept as a uint16_t */
		return eg_fail(s->err, EG_ERR_SHAPE, "kernel %dx%d is too large: a window may have %d positions",
			o->kernel[0], o->kernel[1], UINT16_MAX);
	return pool_infer(s, &w);
}

/* Whole 2x2 windows side by side: what a convolution may do along with its own work. */
static bool maxpool2d_pools(const void *options) {
	const maxpool2d_options *o = options;
	window w = maxpool2d_window(o);
	for (int i = 0; i < 2; i++)
		if (w.kernel[i] != 2 || w.stride[i] != 2 || w.padding[i] != 0 || w.dilation[i] != 1) return false;
	return !w.ceil_mode;
}

/* Which position won, for backward. */
static eg_buf winners(eg_emit *e, const eg_pool_shape *s, op_blocks job) {
	int64_t count = job.block ? y_block(s) : job.units * y_block(s);
	return op_stride(job.block, eg_emit_saved(e, 0, EG_ELEM_U16, count, job.block), y_block(s));
}

static void maxpool2d_fwd(eg_emit *e) {
	window w = maxpool2d_window(eg_emit_options(e));
	eg_layout layout = eg_emit_in_layout(e, 0);
	eg_maxpool_fwd_args a = {.s = pool_shape(e, &w, layout)};
	op_blocks job = pool_job(e, layout, &a.s);
	a.x = op_stride(job.block, eg_emit_x(e, 0, layout), x_block(&a.s));
	a.y = op_stride(job.block, eg_emit_y(e, 0, layout), y_block(&a.s));
	if (eg_emit_has_bwd(e)) a.index = winners(e, &a.s, job);
	OP_CALL(e, maxpool_fwd, a, 1, 2, .block = job.block, .units = job.units, .flops = taps(&a.s));
}

static void maxpool2d_bwd(eg_emit *e) {
	window w = maxpool2d_window(eg_emit_options(e));
	eg_layout layout = eg_emit_out_layout(e);
	eg_maxpool_bwd_args a = {.dy = eg_emit_dy(e, 0, layout), .s = pool_shape(e, &w, layout)};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	op_blocks job = pool_job(e, layout, &a.s);
	a.dy = op_stride(job.block, a.dy, y_block(&a.s));
	a.index = winners(e, &a.s, job);
	a.dx = op_stride(job.block, eg_emit_dx(e, 0, layout, &a.acc), x_block(&a.s));
	OP_CALL(e, maxpool_bwd, a, 2, 1, .block = job.block, .units = job.units, .flops = taps(&a.s));
}

#define MAXPOOL(...) &(const maxpool2d_options){__VA_ARGS__}
static const eg_case maxpool2d_cases[] = {
	{"without overlap", MAXPOOL(.kernel = {2, 3}), .in = {OP_DIMS(EG_N, 3, 9, 8)}, .nin = 1, .batch = 18},
	{"two by two", MAXPOOL(.kernel = {2, 2}), .in = {OP_DIMS(EG_N, 5, 6, 10)}, .nin = 1, .batch = 18},
	{"overlap, padding, dilation",
		MAXPOOL(.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}, .dilation = {2, 3}),
		.in = {OP_DIMS(EG_N, 2, 9, 7)}, .nin = 1, .batch = 18},
	{"ceil mode", MAXPOOL(.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 1}, .ceil_mode = true),
		.in = {OP_DIMS(EG_N, 4, 10, 12)}, .nin = 1, .batch = 3},
	{"ties", MAXPOOL(.kernel = {3, 3}, .stride = {2, 1}, .padding = {0, 1}), .in = {OP_DIMS(EG_N, 2, 8, 7)},
		.nin = 1, .batch = 18, .ties = true},
	{"steps of sequences, open height and width", MAXPOOL(.kernel = {3, 2}, .stride = {2, 2}, .padding = {1, 0}),
		.in = {OP_DIMS(EG_TN, 3, EG_NAMED, EG_NAMED - 1)}, .nin = 1, .batch = 7, .time = 3,
		.sizes = OP_SIZES({"height", 9}, {"width", 8})},
	{"fixed batch", MAXPOOL(.kernel = {2, 3}, .stride = {1, 2}), .in = {OP_DIMS(19, 3, 4, 8)}, .nin = 1,
		.batch = 2},
};

const eg_op eg_op_maxpool2d = {
	.info = {
		.name = "maxpool2d",
		.layer = "maxpool",
		.doc = "The largest value of each window of each channel",
		.equation = "y[n,c,p,q] = max over r,s of x[n,c, p*stride + r*dilation - padding, ...] inside of x;\n"
			"P = floor or ceil((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, Q likewise;\n"
			"the first of equals wins, NaN before all",
		.source = "ONNX MaxPool-12; Ranzato et al. 2007",
		.attrs = maxpool2d_attrs,
		.nattrs = EG_COUNT(maxpool2d_attrs),
		.options_size = sizeof(maxpool2d_options),
		.shorthand = "kernel",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = maxpool2d_infer,
	.range = op_range_of_input,
	.fwd = maxpool2d_fwd,
	.bwd = maxpool2d_bwd,
	.follows = op_follows,
	.pools = maxpool2d_pools,
	.onnx = "MaxPool",
	.onnx_since = 12,
	OP_CASES(maxpool2d_cases),
};

/* ---- average ----------------------------------------------------------------------------------------------------- */

typedef struct avgpool2d_options {
	const char *name;
	int kernel[2], stride[2], padding[2];
	bool ceil_mode, no_count_include_pad;
} avgpool2d_options;

static const eg_attr avgpool2d_attrs[] = {
	OP_PAIR(avgpool2d_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", doc_kernel),
	OP_PAIR(avgpool2d_options, stride, 0, 1, OP_SIZE_MAX, "strides", doc_stride),
	OP_PAIR(avgpool2d_options, padding, 0, 0, OP_SIZE_MAX, "pads", "zeros put around x, on each side"),
	OP_BOOL(avgpool2d_options, ceil_mode, "ceil_mode", doc_ceil),
	OP_NOT(avgpool2d_options, count_include_pad, "count_include_pad",
		"padding counts in the divisor (ONNX: not by default)"), };

static window avgpool2d_window(const avgpool2d_options *o) {
	return pool_window(o->kernel, o->stride, o->padding, NULL, o->ceil_mode);
}

static eg_status avgpool2d_infer(eg_infer *s) {
	window w = avgpool2d_window(s->options);
	return pool_infer(s, &w);
}

static eg_pool_shape avgpool2d_shape(const eg_emit *e, eg_layout layout) {
	const avgpool2d_options *o = eg_emit_options(e);
	window w = avgpool2d_window(o);
	eg_pool_shape s = pool_shape(e, &w, layout);
	s.count_include_pad = !o->no_count_include_pad;
	return s;
}

static void average_fwd(eg_emit *e, eg_pool_shape s, eg_layout layout) {
	eg_avgpool_fwd_args a = {.s = s};
	op_blocks job = pool_job(e, layout, &a.s);
	a.x = op_stride(job.block, eg_emit_x(e, 0, layout), x_block(&a.s));
	a.y = op_stride(job.block, eg_emit_y(e, 0, layout), y_block(&a.s));
	OP_CALL(e, avgpool_fwd, a, 1, 1, .block = job.block, .units = job.units, .flops = taps(&a.s));
}

static void average_bwd(eg_emit *e, eg_pool_shape s, eg_layout layout) {
	eg_avgpool_bwd_args a = {.dy = eg_emit_dy(e, 0, layout), .s = s};
	if (!a.dy.p || !eg_emit_needs_dx(e, 0)) return;
	op_blocks job = pool_job(e, layout, &a.s);
	a.dy = op_stride(job.block, a.dy, y_block(&a.s));
	a.dx = op_stride(job.block, eg_emit_dx(e, 0, layout, &a.acc), x_block(&a.s));
	OP_CALL(e, avgpool_bwd, a, 1, 1, .block = job.block, .units = job.units, .flops = taps(&a.s));
}

static void avgpool2d_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	average_fwd(e, avgpool2d_shape(e, layout), layout);
}

static void avgpool2d_bwd(eg_emit *e) {
	eg_layout layout = eg_emit_out_layout(e);
	average_bwd(e, avgpool2d_shape(e, layout), layout);
}

#define AVGPOOL(...) &(const avgpool2d_options){__VA_ARGS__}
static const eg_case avgpool2d_cases[] = {
	{"without overlap", AVGPOOL(.kernel = {3, 2}), .in = {OP_DIMS(EG_N, 3, 7, 8)}, .nin = 1, .batch = 18,
		.linear = true},
	{"two by two", AVGPOOL(.kernel = {2, 2}), .in = {OP_DIMS(EG_N, 5, 6, 10)}, .nin = 1, .batch = 18,
		.linear = true},
	{"overlap, padding counts", AVGPOOL(.kernel = {3, 4}, .stride = {2, 3}, .padding = {1, 2}),
		.in = {OP_DIMS(EG_N, 2, 9, 11)},
		.nin = 1, .batch = 18, .linear = true},
	{"padding does not count",
		AVGPOOL(.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 1}, .no_count_include_pad = true),
		.in = {OP_DIMS(EG_N, 4, 8, 10)}, .nin = 1, .batch = 18, .linear = true},
	{"ceil mode, padding counts", AVGPOOL(.kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 1}, .ceil_mode = true),
		.in = {OP_DIMS(EG_N, 2, 10, 12)}, .nin = 1, .batch = 3, .linear = true},
	{"ceil mode, padding does not count",
		AVGPOOL(.kernel = {4, 3}, .stride = {3, 2}, .padding = {2, 1}, .ceil_mode = true,
		.no_count_include_pad = true), .in = {OP_DIMS(19, 3, 7, 10)}, .nin = 1, .batch = 2, .linear = true},
};

const eg_op eg_op_avgpool2d = {
	.info = {
		.name = "avgpool2d",
		.layer = "avgpool",
		.doc = "The average of each window of each channel",
		.equation = "y[n,c,p,q] = mean over r,s of x[n,c, p*stride + r - padding, ...]; x (N,C,H,W),\n"
			"P = floor or ceil((H + 2 padding - kernel) / stride) + 1, Q likewise",
		.source = "ONNX AveragePool-11; LeCun et al. 1998",
		.attrs = avgpool2d_attrs,
		.nattrs = EG_COUNT(avgpool2d_attrs),
		.options_size = sizeof(avgpool2d_options),
		.shorthand = "kernel",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = avgpool2d_infer,
	.range = op_range_of_input,
	.fwd = avgpool2d_fwd,
	.bwd = avgpool2d_bwd,
	.follows = op_follows,
	.onnx = "AveragePool",
	.onnx_since = 11,
	OP_CASES(avgpool2d_cases),
};

/* ---- average of everything --------------------------------------------------------------------------------------- */

/* One window as large as the picture. */
static window whole_window(const eg_dims *x) {
	const int kernel[2] = {(int)x->d[2], (int)x->d[3]}, padding[2] = {0, 0};
	return pool_window(kernel, kernel, padding, NULL, false);
}

static eg_status globalavgpool2d_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	if (op_check_picture(s)) return s->err->status;
	if (x->d[2] < 0 || x->d[3] < 0) {
		s->out[0] = (eg_dims){4, {x->d[0], x->d[1], 1, 1}};
		return EG_OK;
	}
	window w = whole_window(x);
	return pool_infer(s, &w);
}

static eg_pool_shape whole_shape(const eg_emit *e, eg_layout layout) {
	eg_dims x = eg_emit_in_dims(e, 0);
	window w = whole_window(&x);
	return pool_shape(e, &w, layout);
}

static void globalavgpool2d_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	average_fwd(e, whole_shape(e, layout), layout);
}

static void globalavgpool2d_bwd(eg_emit *e) {
	eg_layout layout = eg_emit_out_layout(e);
	average_bwd(e, whole_shape(e, layout), layout);
}

static const eg_case globalavgpool2d_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 7, 5)}, .nin = 1, .batch = 18, .linear = true},
	{"many channels, fixed batch", NULL, .in = {OP_DIMS(19, 37, 2, 9)}, .nin = 1, .batch = 2, .linear = true},
	{"open height", NULL, .in = {OP_DIMS(EG_N, 4, EG_NAMED, 5)}, .nin = 1, .batch = 18, .sizes = OP_SIZES({"height", 6}), .linear = true},
};

const eg_op eg_op_globalavgpool2d = {
	.info = {
		.name = "globalavgpool2d",
		.layer = "global_avgpool",
		.doc = "The average of each channel over the whole picture",
		.equation = "y[n,c,0,0] = mean over h,w of x[n,c,h,w]; x (N,C,H,W), y (N,C,1,1)",
		.source = "ONNX GlobalAveragePool-1; Lin et al. 2014",
		.options_size = sizeof(op_name_only),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = globalavgpool2d_infer,
	.range = op_range_of_input,
	.fwd = globalavgpool2d_fwd,
	.bwd = globalavgpool2d_bwd,
	.follows = op_follows,
	.onnx = "GlobalAveragePool",
	.onnx_since = 1,
	OP_CASES(globalavgpool2d_cases),
};

/* pool.c - maximum and average pooling of sequences, pictures and volumes: by windows, over everything, adaptive. Each
 * operator is a row of one of the tables below; how they pool stands in pool_windows.c. */
#include "ops/pool.h"
#include "ops/window_onnx.h"

/* Attributes of one number for each axis. */
#define INTS_1(T, f, def, min, max, onnx, doc) OP_INT(T, f, def, min, max, onnx, doc)
#define INTS_2(T, f, def, min, max, onnx, doc) OP_PAIR(T, f, def, min, max, onnx, doc)
#define INTS_3(T, f, def, min, max, onnx, doc) \
	{ #f, EG_ATTR_INTS, 3, offsetof(T, f), def, min, max, NULL, onnx, doc, NULL }

#define SHAPE_1 "x (N,C,L), y (N,C,P)"
#define SHAPE_2 "x (N,C,H,W), y (N,C,P,Q)"
#define SHAPE_3 "x (N,C,D,H,W), y (N,C,O,P,Q)"
#define WHAT_1 "sequence"
#define WHAT_2 "picture"
#define WHAT_3 "volume"
#define WHAT(n) WHAT_##n

static const char doc_kernel[] = "size of the windows along each axis";
static const char doc_stride[] = "steps from one window to the next; default: as large as the kernel";
static const char doc_ceil[] = "a last window that reaches beyond the padded input is kept";
static const char doc_end[] = "padding at the end of each axis; default: as `padding`, which then is at both";
static const char doc_auto[] = "notset: padding as said; same_upper, same_lower: so much that as many windows as "
			       "strides begin in x, an odd one at "
			       "the end or at the beginning; valid: none";

/* A function for each: what the options of the rank say as one `pool`. */
#define MAX_FUNCTIONS(op) \
	static eg_status op##_infer(eg_infer *s) { \
		const pool w = op##_pool(s->options); \
		return pool_infer_max(s, &w); \
	} \
	static bool op##_follows(const eg_emit *e) { \
		const pool w = op##_pool(eg_emit_options(e)); \
		return pool_max_follows(e, &w); \
	} \
	static void op##_fwd(eg_emit *e) { \
		const pool w = op##_pool(eg_emit_options(e)); \
		pool_max_fwd(e, &w); \
	} \
	static void op##_bwd(eg_emit *e) { \
		const pool w = op##_pool(eg_emit_options(e)); \
		pool_max_bwd(e, &w); \
	}
#define AVERAGE_FUNCTIONS(op) \
	static eg_status op##_infer(eg_infer *s) { \
		const pool w = op##_pool(s->options); \
		return pool_infer(s, &w); \
	} \
	static void op##_fwd(eg_emit *e) { \
		const pool w = op##_pool(eg_emit_options(e)); \
		pool_average_fwd(e, &w); \
	} \
	static void op##_bwd(eg_emit *e) { \
		const pool w = op##_pool(eg_emit_options(e)); \
		pool_average_bwd(e, &w); \
	}
#define MAX_OP \
	.outputs = (const char *const[]) { "y", "indices", NULL }
#define AVERAGE_OP \
	.outputs = (const char *const[]) { "y", NULL }
#define ONE_INPUT \
	.min_inputs = 1, .max_inputs = 1, .inputs = (const char *const[]) { "x" }
#define DOES(op) .infer = op##_infer, .range = op_range_of_input, .fwd = op##_fwd, .bwd = OP_BWD(op##_bwd), OP_CASES(op##_cases)

/* ---- maximum ----------------------------------------------------------------------------------------------------- */

#define MAXPOOL_OPTIONS(n) \
	typedef struct maxpool##n##d_options { \
		const char *name; \
		int kernel[n], stride[n], padding[n], dilation[n]; \
		bool ceil_mode; \
		int padding_end[n], auto_pad; \
	} maxpool##n##d_options; \
	static const eg_attr maxpool##n##d_attrs[] = { \
	        INTS_##n(maxpool##n##d_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", doc_kernel), \
	        INTS_##n(maxpool##n##d_options, stride, 0, 1, OP_SIZE_MAX, "strides", doc_stride), \
	        INTS_##n(maxpool##n##d_options, padding, 0, 0, OP_SIZE_MAX, "pads", \
	                "positions around x, on each side, that never win"), \
	        INTS_##n(maxpool##n##d_options, dilation, 1, 1, OP_SIZE_MAX, "dilations", \
	                "distance between neighbouring positions of a window"), \
	        OP_BOOL(maxpool##n##d_options, ceil_mode, "ceil_mode", doc_ceil), \
	        INTS_##n(maxpool##n##d_options, padding_end, -1, 0, OP_SIZE_MAX, "pads", doc_end), \
	        OP_ENUM(maxpool##n##d_options, auto_pad, window_pad_names, "auto_pad", doc_auto), \
	}; \
	static pool maxpool##n##d_pool(const void *options) { \
		const maxpool##n##d_options *o = options; \
		pool w = pool_of(n, o->kernel, o->stride, o->padding, o->padding_end, o->dilation); \
		w.ceil_mode = o->ceil_mode; \
		w.auto_pad = (window_pad)o->auto_pad; \
		return w; \
	} \
	MAX_FUNCTIONS(maxpool##n##d)
MAXPOOL_OPTIONS(1)
MAXPOOL_OPTIONS(2)
MAXPOOL_OPTIONS(3)

/* Whole 2x2 windows side by side: what a convolution may do along with its own work. */
static bool maxpool2d_pools(const void *options) {
	const pool w = maxpool2d_pool(options);
	for (int i = 0; i < 2; i++)
		if (w.kernel[i] != 2 || w.stride[i] != 2 || w.begin[i] != 0 || w.end[i] != 0 || w.dilation[i] != 1)
			return false;
	return !w.ceil_mode && (w.auto_pad == WINDOW_PAD_GIVEN || w.auto_pad == WINDOW_PAD_VALID);
}

#define MAXPOOL(n, ...) \
	&(const maxpool##n##d_options) { __VA_ARGS__ }
static const eg_case maxpool1d_cases[] = {
	{"overlap, padding", MAXPOOL(1, .kernel = {3}, .stride = {2}, .padding = {1}), .in = {OP_DIMS(EG_N, 3, 13)},
		.nin = 1, .lone = true, .batch = 18},
	{"dilation, padding at the end, ceil mode",
		MAXPOOL(1, .kernel = {2}, .stride = {3}, .dilation = {3}, .padding_end = {1}, .ceil_mode = true),
		.in = {OP_DIMS(EG_N, 2, 17)}, .nin = 1, .batch = 3},
	{"steps as samples, open length, as many as before",
		MAXPOOL(1, .kernel = {4}, .stride = {1}, .auto_pad = WINDOW_PAD_SAME_LOWER),
		.in = {OP_DIMS(EG_TN, 2, EG_NAMED)}, .nin = 1, .lone = true, .batch = 5, .time = 3,
		.sizes = OP_SIZES({"length", 11})},
};
static const eg_case maxpool2d_cases[] = {
	{"without overlap", MAXPOOL(2, .kernel = {2, 3}), .in = {OP_DIMS(EG_N, 3, 9, 8)}, .nin = 1, .lone = true,
		.batch = 18},
	{"two by two", MAXPOOL(2, .kernel = {2, 2}), .in = {OP_DIMS(EG_N, 5, 6, 10)}, .nin = 1, .lone = true,
		.batch = 18},
	{"overlap, padding, dilation",
		MAXPOOL(2, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}, .dilation = {2, 3}),
		.in = {OP_DIMS(EG_N, 2, 9, 7)}, .nin = 1, .lone = true, .batch = 18},
	{"ceil mode", MAXPOOL(2, .kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 1}, .ceil_mode = true),
		.in = {OP_DIMS(EG_N, 4, 10, 12)}, .nin = 1, .lone = true, .batch = 3},
	{"ties", MAXPOOL(2, .kernel = {3, 3}, .stride = {2, 1}, .padding = {0, 1}), .in = {OP_DIMS(EG_N, 2, 8, 7)},
		.nin = 1, .batch = 18, .ties = true},
	{"steps of sequences, open height and width", MAXPOOL(2, .kernel = {3, 2}, .stride = {2, 2}, .padding = {1, 0}),
		.in = {OP_DIMS(EG_TN, 3, EG_NAMED, EG_NAMED - 1)}, .nin = 1, .lone = true, .batch = 7, .time = 3,
		.sizes = OP_SIZES({"height", 9}, {"width", 8})},
	{"fixed batch", MAXPOOL(2, .kernel = {2, 3}, .stride = {1, 2}), .in = {OP_DIMS(19, 3, 4, 8)}, .nin = 1,
		.lone = true, .batch = 2},
	{"padding at the end",
		MAXPOOL(2, .kernel = {3, 2}, .stride = {2, 2}, .padding = {1, 0}, .padding_end = {EG_ZERO, 1}),
		.in = {OP_DIMS(EG_N, 2, 8, 7)}, .nin = 1, .batch = 18},
	{"as many windows as strides", MAXPOOL(2, .kernel = {3, 4}, .stride = {2, 3}, .auto_pad = WINDOW_PAD_SAME_UPPER),
		.in = {OP_DIMS(EG_N, 3, 8, 11)}, .nin = 1, .lone = true, .batch = 3},
	{"larger windows than winners are numbered",
		MAXPOOL(2, .kernel = {257, 256}, .padding = {128, 127}, .stride = {5, 3}),
		.in = {OP_DIMS(EG_N, 2, 6, 7)}, .nin = 1, .lone = true, .batch = 3},
};
static const eg_case maxpool3d_cases[] = {
	{"overlap, padding", MAXPOOL(3, .kernel = {2, 3, 2}, .stride = {2, 2, 1}, .padding = {0, 1, 1}),
		.in = {OP_DIMS(EG_N, 3, 6, 7, 5)}, .nin = 1, .lone = true, .batch = 18},
	{"dilation, ties",
		MAXPOOL(3, .kernel = {3, 2, 2}, .stride = {1, 2, 3}, .padding = {1, 0, 0}, .dilation = {2, 3, 1}),
		.in = {OP_DIMS(EG_N, 2, 5, 6, 7)}, .nin = 1, .batch = 3, .ties = true},
	{"fixed batch, open depth, ceil mode", MAXPOOL(3, .kernel = {2, 2, 3}, .ceil_mode = true),
		.in = {OP_DIMS(17, 2, EG_NAMED, 5, 7)}, .nin = 1, .lone = true, .batch = 2,
		.sizes = OP_SIZES({"depth", 5})},
};

WINDOW_ONNX(maxpool1d, "MaxPool")
WINDOW_ONNX(maxpool2d, "MaxPool")
WINDOW_ONNX(maxpool3d, "MaxPool")
#define MAXPOOL_OP(n, layer_name, ...) \
	const eg_op eg_op_maxpool##n##d = { \
	        .info = {.name = "maxpool" #n "d", \
	                .layer = layer_name, \
	                .doc = OP_TEXT("The largest value of each window of each channel of a " WHAT_##n), \
	                .equation = OP_TEXT("y[n,c,p..] = max over r.. of x[n,c, p*stride + r*dilation - padding, ..] inside " \
	                            "of x; " SHAPE_##n ";\n" \
	                                               "P = floor or ceil((size + both paddings - dilation (kernel - " \
	                                               "1) - 1) / stride) + 1 along each axis;\n" \
	                                               "the first of equals wins, NaN before all; indices (of y's " \
	                                               "shape) = where it stands in its channel, " \
	                                               "counted row by row"), \
	                .source = OP_TEXT("ONNX MaxPool-12, whose Indices count through all channels; PyTorch MaxPool" #n \
	                          "d; Ranzato et al. 2007"), \
	                .attrs = maxpool##n##d_attrs, \
	                .nattrs = EG_COUNT(maxpool##n##d_attrs), \
	                .options_size = sizeof(maxpool##n##d_options), \
	                .shorthand = "kernel", \
	                ONE_INPUT, \
	                MAX_OP}, \
	        DOES(maxpool##n##d), \
	        .follows = maxpool##n##d_follows, \
	        .onnx = "MaxPool", \
	        .onnx_since = 12, \
	        .export = OP_ONNX(maxpool##n##d_export), \
	        .import = OP_ONNX(maxpool##n##d_import), \
	        __VA_ARGS__}
MAXPOOL_OP(1, "maxpool1d", .pools = NULL);
MAXPOOL_OP(2, "maxpool", .pools = maxpool2d_pools);
MAXPOOL_OP(3, "maxpool3d", .pools = NULL);

/* ---- average ----------------------------------------------------------------------------------------------------- */

#define AVGPOOL_OPTIONS(n) \
	typedef struct avgpool##n##d_options { \
		const char *name; \
		int kernel[n], stride[n], padding[n]; \
		bool ceil_mode, no_count_include_pad; \
		int padding_end[n], auto_pad; \
	} avgpool##n##d_options; \
	static const eg_attr avgpool##n##d_attrs[] = { \
	        INTS_##n(avgpool##n##d_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", doc_kernel), \
	        INTS_##n(avgpool##n##d_options, stride, 0, 1, OP_SIZE_MAX, "strides", doc_stride), \
	        INTS_##n(avgpool##n##d_options, padding, 0, 0, OP_SIZE_MAX, "pads", \
	                "zeros put around x, on each side"), \
	        OP_BOOL(avgpool##n##d_options, ceil_mode, "ceil_mode", doc_ceil), \
	        OP_NOT(avgpool##n##d_options, count_include_pad, "count_include_pad", \
	                "padding counts in the divisor (ONNX: not by default)"), \
	        INTS_##n(avgpool##n##d_options, padding_end, -1, 0, OP_SIZE_MAX, "pads", doc_end), \
	        OP_ENUM(avgpool##n##d_options, auto_pad, window_pad_names, "auto_pad", doc_auto), \
	}; \
	static pool avgpool##n##d_pool(const void *options) { \
		const avgpool##n##d_options *o = options; \
		pool w = pool_of(n, o->kernel, o->stride, o->padding, o->padding_end, NULL); \
		w.ceil_mode = o->ceil_mode; \
		w.exclude_pad = o->no_count_include_pad; \
		w.auto_pad = (window_pad)o->auto_pad; \
		return w; \
	} \
	AVERAGE_FUNCTIONS(avgpool##n##d)
AVGPOOL_OPTIONS(1)
AVGPOOL_OPTIONS(2)
AVGPOOL_OPTIONS(3)

#define AVGPOOL(n, ...) \
	&(const avgpool##n##d_options) { __VA_ARGS__ }
static const eg_case avgpool1d_cases[] = {
	{"overlap, padding counts", AVGPOOL(1, .kernel = {4}, .stride = {3}, .padding = {2}),
		.in = {OP_DIMS(EG_N, 3, 13)}, .nin = 1, .batch = 18, .linear = true},
	{"padding at the end does not count, open length",
		AVGPOOL(1, .kernel = {3}, .stride = {2}, .padding_end = {1}, .ceil_mode = true,
			.no_count_include_pad = true),
		.in = {OP_DIMS(EG_TN, 2, EG_NAMED)}, .nin = 1, .batch = 5, .time = 3, .sizes = OP_SIZES({"length", 11}),
		.linear = true},
};
static const eg_case avgpool2d_cases[] = {
	{"without overlap", AVGPOOL(2, .kernel = {3, 2}), .in = {OP_DIMS(EG_N, 3, 7, 8)}, .nin = 1, .batch = 18,
		.linear = true},
	{"two by two", AVGPOOL(2, .kernel = {2, 2}), .in = {OP_DIMS(EG_N, 5, 6, 10)}, .nin = 1, .batch = 18,
		.linear = true},
	{"overlap, padding counts", AVGPOOL(2, .kernel = {3, 4}, .stride = {2, 3}, .padding = {1, 2}),
		.in = {OP_DIMS(EG_N, 2, 9, 11)}, .nin = 1, .batch = 18, .linear = true},
	{"padding does not count",
		AVGPOOL(2, .kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 1}, .no_count_include_pad = true),
		.in = {OP_DIMS(EG_N, 4, 8, 10)}, .nin = 1, .batch = 18, .linear = true},
	{"ceil mode, padding counts",
		AVGPOOL(2, .kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 1}, .ceil_mode = true),
		.in = {OP_DIMS(EG_N, 2, 10, 12)}, .nin = 1, .batch = 3, .linear = true},
	{"ceil mode, padding does not count",
		AVGPOOL(2, .kernel = {4, 3}, .stride = {3, 2}, .padding = {2, 1}, .ceil_mode = true,
			.no_count_include_pad = true),
		.in = {OP_DIMS(19, 3, 7, 10)}, .nin = 1, .batch = 2, .linear = true},
	{"as many windows as strides, padding counts",
		AVGPOOL(2, .kernel = {3, 4}, .stride = {2, 3}, .auto_pad = WINDOW_PAD_SAME_LOWER),
		.in = {OP_DIMS(EG_N, 3, 8, 11)}, .nin = 1, .batch = 3, .linear = true},
};
static const eg_case avgpool3d_cases[] = {
	{"padding does not count",
		AVGPOOL(3, .kernel = {2, 3, 2}, .stride = {2, 2, 1}, .padding = {0, 1, 1},
			.no_count_include_pad = true),
		.in = {OP_DIMS(EG_N, 3, 6, 7, 5)}, .nin = 1, .batch = 18, .linear = true},
	{"fixed batch, ceil mode, padding counts",
		AVGPOOL(3, .kernel = {3, 2, 2}, .stride = {2, 3, 2}, .padding = {1, 1, 0}, .ceil_mode = true),
		.in = {OP_DIMS(17, 2, 6, 7, 5)}, .nin = 1, .batch = 2, .linear = true},
};

WINDOW_ONNX(avgpool1d, "AveragePool")
WINDOW_ONNX(avgpool2d, "AveragePool")
WINDOW_ONNX(avgpool3d, "AveragePool")
#define AVGPOOL_OP(n, layer_name) \
	const eg_op eg_op_avgpool##n##d = { \
	        .info = {.name = "avgpool" #n "d", \
	                .layer = layer_name, \
	                .doc = OP_TEXT("The average of each window of each channel of a " WHAT_##n), \
	                .equation = OP_TEXT("y[n,c,p..] = mean over r.. of x[n,c, p*stride + r - padding, ..]; " SHAPE_##n \
	                ";\n" \
	                "P = floor or ceil((size + both paddings - kernel) / stride) + 1 along each axis"), \
	                .source = OP_TEXT("ONNX AveragePool-11; PyTorch AvgPool" #n "d; LeCun et al. 1998"), \
	                .attrs = avgpool##n##d_attrs, \
	                .nattrs = EG_COUNT(avgpool##n##d_attrs), \
	                .options_size = sizeof(avgpool##n##d_options), \
	                .shorthand = "kernel", \
	                ONE_INPUT, \
	                AVERAGE_OP}, \
	        DOES(avgpool##n##d), \
	        .follows = op_follows, \
	        .onnx = "AveragePool", \
	        .onnx_since = 11, \
	        .export = OP_ONNX(avgpool##n##d_export), \
	        .import = OP_ONNX(avgpool##n##d_import)}
AVGPOOL_OP(1, "avgpool1d");
AVGPOOL_OP(2, "avgpool");
AVGPOOL_OP(3, "avgpool3d");

/* ---- over everything --------------------------------------------------------------------------------------------- */

#define GLOBAL_OPTIONS(n) \
	static pool global##n##d_pool(const void *options) { \
		return EG_UNUSED(options), (pool){.rank = n, .whole = true}; \
	}
GLOBAL_OPTIONS(1)
GLOBAL_OPTIONS(2)
GLOBAL_OPTIONS(3)
#define globalmaxpool1d_pool global1d_pool
#define globalmaxpool2d_pool global2d_pool
#define globalmaxpool3d_pool global3d_pool
#define globalavgpool1d_pool global1d_pool
#define globalavgpool2d_pool global2d_pool
#define globalavgpool3d_pool global3d_pool
MAX_FUNCTIONS(globalmaxpool1d)
MAX_FUNCTIONS(globalmaxpool2d)
MAX_FUNCTIONS(globalmaxpool3d)
AVERAGE_FUNCTIONS(globalavgpool1d)
AVERAGE_FUNCTIONS(globalavgpool2d)
AVERAGE_FUNCTIONS(globalavgpool3d)

static const eg_case globalmaxpool1d_cases[] = {
	{"open length", NULL, .in = {OP_DIMS(EG_N, 3, EG_NAMED)}, .nin = 1, .lone = true, .batch = 18,
		.sizes = OP_SIZES({"length", 11})},
};
static const eg_case globalmaxpool2d_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 7, 5)}, .nin = 1, .lone = true, .batch = 18},
	{"ties, fixed batch", NULL, .in = {OP_DIMS(19, 17, 4, 9)}, .nin = 1, .batch = 2, .ties = true},
};
static const eg_case globalmaxpool3d_cases[] = {
	{"volumes", NULL, .in = {OP_DIMS(EG_N, 2, 4, 3, 5)}, .nin = 1, .lone = true, .batch = 18},
};
static const eg_case globalavgpool1d_cases[] = {
	{"open length", NULL, .in = {OP_DIMS(EG_N, 3, EG_NAMED)}, .nin = 1, .batch = 18,
		.sizes = OP_SIZES({"length", 11}), .linear = true},
};
static const eg_case globalavgpool2d_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 7, 5)}, .nin = 1, .batch = 18, .linear = true},
	{"many channels, fixed batch", NULL, .in = {OP_DIMS(19, 37, 2, 9)}, .nin = 1, .batch = 2, .linear = true},
	{"open height", NULL, .in = {OP_DIMS(EG_N, 4, EG_NAMED, 5)}, .nin = 1, .batch = 18,
		.sizes = OP_SIZES({"height", 6}), .linear = true},
};
static const eg_case globalavgpool3d_cases[] = {
	{"volumes", NULL, .in = {OP_DIMS(EG_N, 2, 4, 3, 5)}, .nin = 1, .batch = 18, .linear = true},
};

/* Those of other ranks have the same name there. */
#define GLOBAL_IMPORT(op, n) \
	static bool op##_import(eg_import *m) { \
		if (eg_import_in_dims(m, 0).rank != (n) + 2) return false; \
		eg_import_as(m, #op); \
		return true; \
	}
#define GLOBAL_OP(op, layer_name, n, text, formula, from, OUTPUTS, ...) \
	GLOBAL_IMPORT(op, n) \
	const eg_op eg_op_##op = {.info = {.name = #op, \
	                                  .layer = layer_name, \
	                                  .doc = OP_TEXT(text " of each channel over the whole " WHAT(n)), \
	                                  .equation = OP_TEXT("y[n,c,0..] = " formula \
	                                              " over all positions of x[n,c,..]; " SHAPE_##n " with P = 1"), \
	                                  .source = OP_TEXT(from), \
	                                  .options_size = sizeof(op_name_only), \
	                                  ONE_INPUT, \
	                                  OUTPUTS}, \
	        DOES(op), \
	        .onnx_since = 1, \
	        .import = OP_ONNX(op##_import), \
	        __VA_ARGS__}
#define GLOBAL_MAX(op, layer_name, n) \
	GLOBAL_OP(op, layer_name, n, "The largest value", "max", \
	        "ONNX GlobalMaxPool-1; PyTorch AdaptiveMaxPool" #n "d(1)", MAX_OP, .follows = op##_follows, \
	        .onnx = "GlobalMaxPool")
#define GLOBAL_AVERAGE(op, layer_name, n) \
	GLOBAL_OP(op, layer_name, n, "The average", "mean", "ONNX GlobalAveragePool-1; Lin et al. 2014", AVERAGE_OP, \
	        .follows = op_follows, .onnx = "GlobalAveragePool")
GLOBAL_MAX(globalmaxpool1d, "global_maxpool1d", 1);
GLOBAL_MAX(globalmaxpool2d, "global_maxpool", 2);
GLOBAL_MAX(globalmaxpool3d, "global_maxpool3d", 3);
GLOBAL_AVERAGE(globalavgpool1d, "global_avgpool1d", 1);
GLOBAL_AVERAGE(globalavgpool2d, "global_avgpool", 2);
GLOBAL_AVERAGE(globalavgpool3d, "global_avgpool3d", 3);

/* ---- adaptive ---------------------------------------------------------------------------------------------------- */

#define ADAPTIVE_OPTIONS(n) \
	typedef struct adaptive##n##d_options { \
		const char *name; \
		int output[n]; \
	} adaptive##n##d_options; \
	static const eg_attr adaptive##n##d_attrs[] = { \
	        INTS_##n(adaptive##n##d_options, output, NAN, 1, OP_SIZE_MAX, NULL, \
	                "size of y along each axis, whatever x has"), \
	}; \
	static pool adaptive##n##d_pool(const void *options) { \
		const adaptive##n##d_options *o = options; \
		pool w = {.rank = n}; \
		for (int i = 0; i < n; i++) w.size[i] = o->output[i]; \
		return w; \
	}
ADAPTIVE_OPTIONS(1)
ADAPTIVE_OPTIONS(2)
ADAPTIVE_OPTIONS(3)
#define adaptivemaxpool1d_pool adaptive1d_pool
#define adaptivemaxpool2d_pool adaptive2d_pool
#define adaptivemaxpool3d_pool adaptive3d_pool
#define adaptiveavgpool1d_pool adaptive1d_pool
#define adaptiveavgpool2d_pool adaptive2d_pool
#define adaptiveavgpool3d_pool adaptive3d_pool
MAX_FUNCTIONS(adaptivemaxpool1d)
MAX_FUNCTIONS(adaptivemaxpool2d)
MAX_FUNCTIONS(adaptivemaxpool3d)
AVERAGE_FUNCTIONS(adaptiveavgpool1d)
AVERAGE_FUNCTIONS(adaptiveavgpool2d)
AVERAGE_FUNCTIONS(adaptiveavgpool3d)

#define ADAPTIVE(n, ...) \
	&(const adaptive##n##d_options) { \
		.output = { __VA_ARGS__ } \
	}
static const eg_case adaptivemaxpool1d_cases[] = {
	{"of one size", ADAPTIVE(1, 4), .in = {OP_DIMS(EG_N, 3, 12)}, .nin = 1, .lone = true, .batch = 18,
		.unequal = true},
	{"open length", ADAPTIVE(1, 4), .in = {OP_DIMS(EG_N, 3, EG_NAMED)}, .nin = 1, .lone = true, .batch = 18,
		.sizes = OP_SIZES({"length", 11})},
};
static const eg_case adaptivemaxpool2d_cases[] = {
	{"windows of different sizes", ADAPTIVE(2, 3, 4), .in = {OP_DIMS(EG_N, 2, 10, 9)}, .nin = 1, .batch = 18},
	{"of one size, ties", ADAPTIVE(2, 2, 3), .in = {OP_DIMS(EG_N, 5, 4, 9)}, .nin = 1, .lone = true, .batch = 3,
		.ties = true},
};
static const eg_case adaptivemaxpool3d_cases[] = {
	{"of one size", ADAPTIVE(3, 2, 1, 3), .in = {OP_DIMS(EG_N, 2, 4, 3, 6)}, .nin = 1, .lone = true, .batch = 3,
		.unequal = true},
	{"fixed batch, ties", ADAPTIVE(3, 2, 1, 3), .in = {OP_DIMS(17, 2, 5, 3, 7)}, .nin = 1, .batch = 2,
		.ties = true},
};
static const eg_case adaptiveavgpool1d_cases[] = {
	{"more than there are, open length", ADAPTIVE(1, 7), .in = {OP_DIMS(EG_N, 3, EG_NAMED)}, .nin = 1, .batch = 18,
		.sizes = OP_SIZES({"length", 5}), .linear = true},
};
static const eg_case adaptiveavgpool2d_cases[] = {
	{"windows of different sizes", ADAPTIVE(2, 3, 4), .in = {OP_DIMS(EG_N, 2, 10, 9)}, .nin = 1, .batch = 18,
		.linear = true},
	{"of one size, many channels", ADAPTIVE(2, 2, 3), .in = {OP_DIMS(5, 37, 4, 9)}, .nin = 1, .batch = 2,
		.linear = true},
};
static const eg_case adaptiveavgpool3d_cases[] = {
	{"volumes", ADAPTIVE(3, 2, 3, 4), .in = {OP_DIMS(EG_N, 2, 5, 3, 7)}, .nin = 1, .batch = 3, .linear = true},
};

#define ADAPTIVE_OP(op, layer_name, n, text, formula, from, OUTPUTS, ...) \
	const eg_op eg_op_##op = { \
	        .info = {.name = #op, \
	                .layer = layer_name, \
	                .doc = OP_TEXT(text " of each of `output` windows that cover a " WHAT( \
	                        n) " as evenly as possible, channel by channel"), \
	                .equation = OP_TEXT("y[n,c,p..] = " formula " over floor(p size / P) <= i < ceil((p+1) size / P) " \
	                            "along each axis of x[n,c,i..]; " SHAPE_##n), \
	                .source = OP_TEXT(from), \
	                .attrs = adaptive##n##d_attrs, \
	                .nattrs = EG_COUNT(adaptive##n##d_attrs), \
	                .options_size = sizeof(adaptive##n##d_options), \
	                .shorthand = "output", \
	                ONE_INPUT, \
	                OUTPUTS}, \
	        DOES(op), \
	        __VA_ARGS__}
#define ADAPTIVE_MAX(op, layer_name, n) \
	ADAPTIVE_OP(op, layer_name, n, "The largest value", "max", "PyTorch AdaptiveMaxPool" #n "d", MAX_OP, \
	        .follows = op##_follows)
#define ADAPTIVE_AVERAGE(op, layer_name, n) \
	ADAPTIVE_OP(op, layer_name, n, "The average", "mean", "PyTorch AdaptiveAvgPool" #n "d", AVERAGE_OP, \
	        .follows = op_follows)
ADAPTIVE_MAX(adaptivemaxpool1d, "adaptive_maxpool1d", 1);
ADAPTIVE_MAX(adaptivemaxpool2d, "adaptive_maxpool", 2);
ADAPTIVE_MAX(adaptivemaxpool3d, "adaptive_maxpool3d", 3);
ADAPTIVE_AVERAGE(adaptiveavgpool1d, "adaptive_avgpool1d", 1);
ADAPTIVE_AVERAGE(adaptiveavgpool2d, "adaptive_avgpool", 2);
ADAPTIVE_AVERAGE(adaptiveavgpool3d, "adaptive_avgpool3d", 3);

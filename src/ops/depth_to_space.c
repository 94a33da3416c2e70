/* depth_to_space.c - depth_to_space and space_to_depth: channels as squares of pixels, and back. Each is a permutation
 * of the numbers, done by one call of `strided`, and the other's adjoint. */
#include "ops/ops.h"

typedef struct shuffle_options {
	const char *name;
	int block, mode;
} shuffle_options;

enum { TO_SPACE, TO_DEPTH };
typedef enum shuffle_mode { DCR, CRD } shuffle_mode;
static const char *const modes[] = {"dcr", "crd", NULL};

static const eg_attr shuffle_attrs[] = {
	OP_INT(shuffle_options, block, NAN, 1, 1024, "blocksize", "side of the squares"),
	OP_ENUM(shuffle_options, mode, modes, "mode",
		"which channel a pixel of a square is: dcr, (row of it, column of it, channel), as TensorFlow has it; "
		"crd, (channel, row, column), as "
		"PyTorch's pixel_shuffle"),
};

/* The deep side (N, C b b, H, W) and the wide one (N, C, H b, W b), in samples and sizes. */
typedef struct shuffle {
	int64_t N, C, H, W, b;
	shuffle_mode mode;
} shuffle;

static shuffle shuffle_of(const eg_emit *e) {
	const shuffle_options *o = eg_emit_options(e);
	const eg_dims wide = eg_emit_code(e) == TO_SPACE ? eg_emit_out_dims(e, 0) : eg_emit_in_dims(e, 0);
	return (shuffle){
	        wide.d[0], wide.d[1], wide.d[2] / o->block, wide.d[3] / o->block, o->block, (shuffle_mode)o->mode};
}

/* Strides on the deep side of a channel, and of a row and a column within a square. */
static void deep_strides(const shuffle *s, int64_t *channel, int64_t *row, int64_t *column) {
	const int64_t plane = s->H * s->W;
	*channel = s->mode == DCR ? plane : s->b * s->b * plane;
	*row = s->mode == DCR ? s->b * s->C * plane : s->b * plane;
	*column = s->mode == DCR ? s->C * plane : plane;
}

static void push(eg_strided_args *a, int64_t size, int64_t stride) {
	a->size[a->rank] = a->count[a->rank] = (int)size;
	a->step[a->rank] = 1;
	a->stride[a->rank++] = stride;
}

/* The result's dimensions, slowest first, and where each lies in what is read: (n, c, h, row, w, column) of the wide
 * side, or those of the deep one. */
static void dimensions(const shuffle *s, bool to_wide, eg_strided_args *a) {
	const int64_t plane = s->H * s->W, all = s->C * s->b * s->b * plane, wide = s->W * s->b;
	int64_t channel, row, column;
	deep_strides(s, &channel, &row, &column);
	push(a, s->N, all);
	if (to_wide) {
		push(a, s->C, channel);
		push(a, s->H, s->W);
		push(a, s->b, row);
		push(a, s->W, 1);
		push(a, s->b, column);
		return;
	}
	if (s->mode == CRD) push(a, s->C, s->b * s->b * plane);
	push(a, s->b, wide);
	push(a, s->b, 1);
	if (s->mode == DCR) push(a, s->C, s->b * s->b * plane);
	push(a, s->H, s->b * wide);
	push(a, s->W, s->b);
}

/* to_wide: from deep to wide. */
static void call(eg_emit *e, eg_buf from, eg_buf to, bool to_wide, bool acc) {
	enum { PART = 4 * EG_CHUNK }; /* elements of a unit of a global job */
	const shuffle s = shuffle_of(e);
	eg_strided_args a = {
	        .x = from, .y = to, .pieces = 1, .acc = acc, .block = eg_emit_in_batched(e, 0), .total = 1};
	dimensions(&s, to_wide, &a);
	for (int i = 0; i < a.rank - 1; i++) a.total *= a.size[i];
	const int64_t wide = a.size[a.rank - 1], most = wide < EG_CHUNK / EG_BLOCK ? EG_CHUNK / wide : EG_BLOCK;
	int units = eg_blocks((int)s.N);
	a.rows = a.block ? a.total / s.N * EG_BLOCK : most < a.total ? most : a.total;
	if (!a.block) {
		a.pieces = (int)((a.rows * wide + PART - 1) / PART);
		units = (int)((a.total + a.rows - 1) / a.rows) * a.pieces;
	}
	OP_CALL(e, strided, a, 1, 1, .block = a.block, .units = units, .flops = (double)(a.total * wide));
}

static void shuffle_fwd(eg_emit *e) {
	eg_buf x = eg_emit_x(e, 0, EG_PLAIN), y = eg_emit_y(e, 0, EG_PLAIN);
	call(e, x, y, eg_emit_code(e) == TO_SPACE, false);
}

static void shuffle_bwd(eg_emit *e) {
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	call(e, dy, dx, eg_emit_code(e) == TO_DEPTH, acc);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static eg_status depth_to_space_infer(eg_infer *s) {
	const shuffle_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_check_picture(s)) return s->err->status;
	if (x->d[1] % (o->block * o->block))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "the %lld channels of x %s do not make squares of %dx%d; give it a multiple of %d",
		        (long long)x->d[1], eg_dims_text(x, text, sizeof text), o->block, o->block,
		        o->block * o->block);
	s->out[0] = *x;
	s->out[0].d[1] = x->d[1] / (o->block * o->block);
	for (int i = 0; i < 2; i++) s->info->window[i] = 1, s->info->repeats[i] = o->block;
	for (int i = 2; i < 4 && o->block > 1; i++)
		s->out[0].d[i] = x->d[i] > 0 ? x->d[i] * o->block : eg_infer_size(s, x->d[i]);
	return EG_OK;
}

static eg_status space_to_depth_infer(eg_infer *s) {
	const shuffle_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_check_picture(s)) return s->err->status;
	s->out[0] = *x;
	s->out[0].d[1] = x->d[1] * o->block * o->block;
	for (int i = 0; i < 2; i++) s->info->window[i] = s->info->stride[i] = o->block;
	for (int i = 2; i < 4 && o->block > 1; i++) {
		if (x->d[i] > 0 && x->d[i] % o->block)
			return eg_fail(s->err, EG_ERR_SHAPE,
			        "x %s cannot be cut into squares of %dx%d: dimension %d is no multiple of %d; pad or "
			        "crop it",
			        eg_dims_text(x, text, sizeof text), o->block, o->block, i, o->block);
		s->out[0].d[i] = x->d[i] > 0 ? x->d[i] / o->block : eg_infer_size(s, x->d[i]);
	}
	return EG_OK;
}

#define SHUFFLE(...) \
	&(const shuffle_options) { __VA_ARGS__ }
static const eg_case depth_to_space_cases[] = {
	{"row, column, channel", SHUFFLE(.block = 2), .in = {OP_DIMS(EG_N, 12, 5, 7)}, .nin = 1, .batch = 18,
		.linear = true, .unequal = true},
	{"channel, row, column", SHUFFLE(.block = 2, .mode = CRD), .in = {OP_DIMS(EG_N, 8, 3, 5)}, .nin = 1, .batch = 3,
		.linear = true, .unequal = true},
	{"fixed batch, open height", SHUFFLE(.block = 3), .in = {OP_DIMS(7, 18, EG_NAMED, 4)}, .nin = 1, .batch = 2,
		.sizes = OP_SIZES({"height", 5}), .linear = true, .unequal = true},
};
static const eg_case space_to_depth_cases[] = {
	{"row, column, channel", SHUFFLE(.block = 2), .in = {OP_DIMS(EG_N, 3, 10, 6)}, .nin = 1, .batch = 18,
		.linear = true, .unequal = true},
	{"channel, row, column", SHUFFLE(.block = 3, .mode = CRD), .in = {OP_DIMS(7, 2, 6, 9)}, .nin = 1, .batch = 3,
		.linear = true, .unequal = true},
	{"open width", SHUFFLE(.block = 2), .in = {OP_DIMS(EG_TN, 3, 4, EG_NAMED)}, .nin = 1, .batch = 3, .time = 5,
		.sizes = OP_SIZES({"width", 6}), .linear = true, .unequal = true},
};

/* ONNX writes the modes in capitals, and knows one of SpaceToDepth. */
static void shuffle_export(eg_export *x) {
	const shuffle_options *o = eg_export_options(x);
	const bool wide = eg_export_code(x) == TO_SPACE;
	if (o->mode == CRD && !wide) eg_export_fail(x, "ONNX's SpaceToDepth has no mode crd");
	eg_export_node(x, wide ? "DepthToSpace" : "SpaceToDepth", EG_NAMES(eg_export_in(x, 0)), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_int(x, "blocksize", o->block);
	if (o->mode == CRD) eg_export_set_string(x, "mode", "CRD");
}

#define SHUFFLE_OP(op, which, text, formula, from, op_onnx, since) \
	const eg_op eg_op_##op = {.info = {.name = #op, \
	                                  .layer = #op, \
	                                  .doc = OP_TEXT(text), \
	                                  .equation = OP_TEXT(formula), \
	                                  .source = OP_TEXT(from), \
	                                  .attrs = shuffle_attrs, \
	                                  .nattrs = EG_COUNT(shuffle_attrs), \
	                                  .options_size = sizeof(shuffle_options), \
	                                  .shorthand = "block", \
	                                  .min_inputs = 1, \
	                                  .max_inputs = 1, \
	                                  .inputs = (const char *const[]){"x"}, \
	                                  .outputs = (const char *const[]){"y", NULL}}, \
	        .code = which, \
	        .infer = op##_infer, \
	        .range = op_range_of_input, \
	        .fwd = shuffle_fwd, \
	        .bwd = OP_BWD(shuffle_bwd), \
	        .onnx = op_onnx, \
	        .export = OP_ONNX(shuffle_export), \
	        .onnx_since = since, \
	        OP_CASES(op##_cases)}
SHUFFLE_OP(depth_to_space, TO_SPACE,
	"Channels become squares of pixels: a larger picture with fewer channels (pixel shuffle)",
	"y[n,c, h b + i, w b + j] = x[n, (i b + j) C + c, h, w] (dcr), x[n, (c b + i) b + j, h, w] (crd);\nx (N, C b "
	"b, H, W), y (N, C, H b, W b)",
	"ONNX DepthToSpace-13; crd: PyTorch PixelShuffle, Shi et al. 2016", "DepthToSpace", 13);
SHUFFLE_OP(space_to_depth, TO_DEPTH,
	"Squares of pixels become channels: a smaller picture with more channels (pixel unshuffle)",
	"y[n, (i b + j) C + c, h, w] = x[n,c, h b + i, w b + j] (dcr), y[n, (c b + i) b + j, h, w] (crd);\nx (N, C, H "
	"b, W b), y (N, C b b, H, W)",
	"ONNX SpaceToDepth-13 (dcr); crd: PyTorch PixelUnshuffle", "SpaceToDepth", 13);

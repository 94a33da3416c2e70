/* dropout.c - inverted dropout. The mask is a function of (seed, node, step), so backward makes it again instead of
 * keeping it. */
#include "ops/ops.h"

typedef struct dropout_options {
	const char *name;
	float rate;
} dropout_options;

static const eg_attr dropout_attrs[] = {
	OP_FLOAT(dropout_options, rate, 0.5, 0, 0.999999, NULL,
		"probability that an element is dropped; 0: none is"),
};

/* One direction. Always PLAIN: the mask goes by the element's place, and must not depend on the layout that the
 * planner chose. */
static void emit(eg_emit *e, eg_buf x, eg_buf y, bool acc, eg_walk w) {
	const dropout_options *o = eg_emit_options(e);
	eg_dropout_args a = {.x = op_stride(w.block, x, w.unit),
		.state = eg_emit_dropout_state(e),
		.y = op_stride(w.block, y, w.unit),
		.unit = w.unit,
		.total = w.total,
		.node = (uint32_t)eg_emit_node(e),
		.rate = (real)o->rate,
		.acc = acc};
	OP_CALL(e, dropout, a, 2, 1, .block = w.block, .chunks = true, .units = w.units, .flops = 10.0 * (double)w.total);
}

/* Whether y is x. */
static bool passes(const eg_emit *e) {
	const dropout_options *o = eg_emit_options(e);
	return !eg_emit_training(e) || o->rate == 0;
}

static void dropout_fwd(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	if (passes(e)) {
		eg_emit_same(e, 0, layout);
		return;
	}
	eg_buf x = eg_emit_x(e, 0, EG_PLAIN);
	eg_buf y = layout == EG_PLAIN ? eg_emit_y_over_x(e, 0) : eg_emit_y(e, 0, EG_PLAIN);
	emit(e, x, y, false, eg_emit_walk_in(e, 0, EG_PLAIN));
}

static bool dropout_follows(const eg_emit *e) { return passes(e); }

static void dropout_bwd(eg_emit *e) {
	bool acc;
	if (passes(e)) {
		if (eg_emit_needs_dx(e, 0)) eg_emit_dx_same(e, 0, eg_emit_out_layout(e));
		return;
	}
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	emit(e, dy, dx, acc, eg_emit_walk_in(e, 0, EG_PLAIN));
}

/* Since opset 12 the rate is an input, and without the input training_mode it is for training only. */
static void dropout_export(eg_export *x) {
	const dropout_options *o = eg_export_options(x);
	eg_export_node(x, "Dropout", EG_NAMES(eg_export_in(x, 0), eg_export_real(x, (double)o->rate)), EG_NAMES(eg_export_out(x, 0)));
}

/* In inference everything is left. */
static void import_mask(eg_import *m, eg_tensor x) {
	const real one = 1;
	const struct { const char *name; int to; } to = {.to = EG_BOOL};
	const struct { const char *name; eg_ints shape; } alike = {0};
	eg_tensor y = eg_import_apply(m, "expand", &alike, (eg_tensor[]){eg_constant(eg_import_graph(m), &one, EG_F32, (eg_dims){0}), x}, 2);
	eg_import_out(m, 1, eg_import_apply(m, "cast", &to, &y, 1));
}

static bool dropout_import(eg_import *m) {
	dropout_options o = {.rate = (float)(eg_import_has_in(m, 1) ? eg_import_number(m, 1) : eg_import_float(m, "ratio", 0.5))};
	eg_tensor in = eg_import_in(m, 0);
	eg_import_int(m, "seed", 0); /* ours is the plan's */
	if (eg_import_has_in(m, 2) && eg_import_number(m, 2) != 0 && o.rate != 0) eg_import_fail(m, "training_mode is on; here that is the plan's business");
	if (*eg_import_out_name(m, 1)) import_mask(m, in);
	if (o.rate == 0) o.rate = EG_ZERO_F;
	eg_import_out(m, 0, eg_import_apply(m, "dropout", &o, &in, 1));
	return true;
}

static const eg_case dropout_cases[] = {
	{"half", NULL, .in = {OP_DIMS(EG_N, 37)}, .nin = 1, .batch = 18, .linear = true, .random = true},
	{"pictures", &(const dropout_options){.rate = 0.2f}, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 3,
		.linear = true, .random = true},
	{"steps as samples", NULL, .in = {OP_DIMS(EG_TN, 37)}, .nin = 1, .batch = 5, .time = 4, .linear = true, .random = true},
	{"fixed batch, several chunks", &(const dropout_options){.rate = 0.9f}, .in = {OP_DIMS(7, 23, 31)}, .nin = 1,
		.batch = 2, .linear = true, .random = true},
	{"of nothing", &(const dropout_options){.rate = EG_ZERO_F}, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18,
		.linear = true},
};

const eg_op eg_op_dropout = {
	.info = {
		.name = "dropout",
		.layer = "dropout",
		.doc = OP_TEXT("In training, sets elements to zero at random and enlarges the others; else does nothing"),
		.equation = OP_TEXT("y = x m / (1 - rate), m = 0 with probability rate, else 1"),
		.source = OP_TEXT("ONNX Dropout-13; Srivastava et al. 2014 (inverted form)"),
		.attrs = dropout_attrs,
		.nattrs = EG_COUNT(dropout_attrs),
		.options_size = sizeof(dropout_options),
		.shorthand = "rate",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = op_infer_same,
	.steps = 1,
	.range = op_range_of_input, /* but for the factor of training */
	.fwd = dropout_fwd,
	.bwd = OP_BWD(dropout_bwd),
	.follows = dropout_follows,
	.onnx = "Dropout",
	.onnx_since = 13,
	.export = OP_ONNX(dropout_export),
	.import = OP_ONNX(dropout_import),
	OP_CASES(dropout_cases),
};

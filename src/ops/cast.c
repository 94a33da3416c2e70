/* cast.c - numbers of another type: what a graph takes in or gives out that is neither EG_F32 nor EG_I32, which all
 * other operators compute with, goes through here. */
#include "ops/ops.h"

typedef struct cast_options {
	const char *name;
	int to;
} cast_options;

/* In the order of eg_dtype. */
static const char *const types[] = {"f32", "i32", "i64", "u8", "bool", "f64", "f16", "bf16", NULL};

static const eg_attr cast_attrs[] = {
	OP_ENUM(cast_options, to, types, "to", "the type of the result"),
};

static eg_dtype to_type(const eg_emit *e) { return (eg_dtype)((const cast_options *)eg_emit_options(e))->to; }
static bool is_same(const eg_emit *e) { return eg_emit_in_type(e, 0) == to_type(e); }

static eg_status cast_infer(eg_infer *s) {
	s->out[0] = s->in[0];
	s->out_type[0] = (eg_dtype)((const cast_options *)s->options)->to;
	return EG_OK;
}

static bool cast_follows(const eg_emit *e) { return is_same(e); }

static void cast_fwd(eg_emit *e) {
	if (is_same(e)) {
		eg_emit_same(e, 0, eg_emit_in_layout(e, 0));
		return;
	}
	const eg_walk w = eg_emit_walk_out(e, 0, EG_PLAIN);
	eg_cast_args a = {.unit = w.unit, .total = w.total, .from = eg_emit_in_type(e, 0), .to = to_type(e)};
	a.x = op_stride(w.block, eg_emit_x(e, 0, EG_PLAIN), w.unit);
	a.y = op_stride(w.block, eg_emit_y(e, 0, EG_PLAIN), w.unit);
	OP_CALL(e, cast, a, 1, 1, .block = w.block, .chunks = true, .units = w.units, .flops = 4 * (double)w.total);
}

/* Only of what is no cast at all: numbers of other types have no gradients. */
static void cast_bwd(eg_emit *e) {
	if (eg_emit_needs_dx(e, 0) && is_same(e)) eg_emit_dx_same(e, 0, eg_emit_out_layout(e));
}

#define CAST(type) &(const cast_options){.to = type}
#define IN(...) .in = {OP_DIMS(__VA_ARGS__)}, .nin = 1
static const eg_case cast_cases[] = {
	{"none", NULL, IN(EG_N, 3, 5, 7), .batch = 18, .linear = true},
	{"none, integers", CAST(EG_I32), IN(EG_N, 5), .type = {EG_I32}, .batch = 3, .limit = 100},
	{"bytes to real", NULL, IN(EG_N, 3, 5, 7), .type = {EG_U8}, .batch = 18, .limit = 256},
	{"real to integers", CAST(EG_I32), IN(EG_N, 13), .batch = 3, .low = -900, .high = 900},
	{"real to bytes, steps as samples", CAST(EG_U8), IN(EG_TN, EG_NAMED, 7), .batch = 5, .time = 4, .low = -90,
		.high = 900, .sizes = OP_SIZES({"height", 6})},
	{"real to long integers", CAST(EG_I64), IN(7, 23, 31), .batch = 2, .low = -900, .high = 900},
	{"long integers to real", NULL, IN(7, 23, 31), .type = {EG_I64}, .batch = 2, .limit = 1000},
	{"bool to integers", CAST(EG_I32), IN(EG_N, 37), .type = {EG_BOOL}, .batch = 19, .limit = 2},
	{"real to bool", CAST(EG_BOOL), IN(EG_N, 37), .batch = 3, .ties = true},
	{"integers to real", NULL, IN(EG_N, 2, 9), .type = {EG_I32}, .batch = 18, .limit = 1000},
	{"double to half", CAST(EG_F16), IN(EG_N, 41), .type = {EG_F64}, .batch = 3, .limit = 900},
	{"half to real", NULL, IN(EG_N, 41), .type = {EG_F16}, .batch = 3, .limit = 900},
	{"brain floats to real", NULL, IN(EG_T, EG_N, 3), .type = {EG_BF16}, .batch = 3, .time = 5, .limit = 900},
	{"real to brain floats", CAST(EG_BF16), IN(EG_T, EG_N, 3), .batch = 3, .time = 5},
};

static void cast_export(eg_export *x) {
	const cast_options *o = eg_export_options(x);
	eg_export_node(x, "Cast", EG_NAMES(eg_export_in(x, 0)), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_int(x, "to", eg_onnx_type_of((eg_dtype)o->to));
}

static bool cast_import(eg_import *m) {
	eg_dtype type = EG_F32;
	if (!eg_onnx_dtype((eg_onnx_type)eg_import_int(m, "to", 0), &type)) eg_import_fail(m, "its type is not supported");
	const cast_options o = {.to = (int)type};
	eg_tensor in = eg_import_raw(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "cast", &o, &in, 1));
	return true;
}

const eg_op eg_op_cast = {
	.info = {
		.name = "cast",
		.doc = OP_TEXT("The same numbers in another type"),
		.equation = OP_TEXT("y = x in the type `to`: real to whole numbers cuts fractions off (NaN is 0, what is too\n"
			"large the largest there is), whole to shorter whole numbers keeps the low bits, to bool all but 0\n"
			"is 1, real numbers are rounded to the nearest, of two the even one"),
		.source = OP_TEXT("ONNX Cast-13, which leaves open what becomes of real numbers out of an integer's range"),
		.attrs = cast_attrs,
		.nattrs = EG_COUNT(cast_attrs),
		.options_size = sizeof(cast_options),
		.shorthand = "to",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.types = "e",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = cast_infer,
	.fwd = cast_fwd,
	.bwd = OP_BWD(cast_bwd),
	.follows = cast_follows,
	.onnx = "Cast",
	.onnx_since = 13,
	.export = OP_ONNX(cast_export),
	.import = OP_ONNX(cast_import),
	OP_CASES(cast_cases),
};

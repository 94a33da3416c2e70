/* pad_nd.c - pad_nd: a number around a tensor of any rank, or what lies inside once more; or parts cut off.
 *
 * Not here: pictures with zeros around them, in the layout in which they lie (pad.c). */
#include "ops/ops.h"

typedef struct pad_nd_options {
	const char *name;
	eg_ints pads, axes;
	int mode;
	float value;
} pad_nd_options;

static const char *const modes[] = {"constant", "reflect", "edge", "wrap", NULL};
static_assert((int)EG_EXTEND_CONSTANT == 0 && (int)EG_EXTEND_REFLECT == 1 && (int)EG_EXTEND_EDGE == 2 &&
		      (int)EG_EXTEND_WRAP == 3,
	"the order of the names");

static const eg_attr pad_nd_attrs[] = {
	OP_INT_LIST(pad_nd_options, pads, NAN, 2 * EG_MAX_DIMS, -OP_SIZE_MAX, OP_SIZE_MAX, "pads",
		"elements in front of x in each of the axes, then behind it in each; negative ones are cut off"),
	OP_INT_LIST(pad_nd_options, axes, 0, EG_MAX_DIMS, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axes",
		"dimensions that are padded; negative counts from the end. Left out: as many as pads has numbers for, "
		"the last ones"),
	OP_ENUM(pad_nd_options, mode, modes, "mode",
		"a number; x reflected, its border counted once; its border; x from the other side"),
	OP_FLOAT(pad_nd_options, value, 0, -3.4e38, 3.4e38, "constant_value", "the number, with mode constant"),
};

/* In front of and behind each dimension; false: what axes or pads say does not fit. */
static bool sides_of(const pad_nd_options *o, int rank, int64_t before[EG_MAX_DIMS], int64_t after[EG_MAX_DIMS]) {
	const int n = o->pads.n / 2;
	unsigned seen = 0;
	for (int i = 0; i < rank; i++) before[i] = after[i] = 0;
	if (o->pads.n % 2 || (o->axes.at && o->axes.n != n)) return false;
	for (int i = 0; i < n; i++) {
		int axis;
		if (!op_axis(o->axes.at ? o->axes.at[i] : i - n, rank, &axis) || (seen >> axis & 1)) return false;
		seen |= 1U << axis;
		before[axis] = o->pads.at[i];
		after[axis] = o->pads.at[n + i];
	}
	return true;
}

static int64_t cut(int64_t side) { return side < 0 ? side : 0; }

static eg_status pad_nd_infer(eg_infer *s) {
	const pad_nd_options *o = s->options;
	const eg_dims *x = &s->in[0];
	int64_t before[EG_MAX_DIMS], after[EG_MAX_DIMS];
	char text[128];
	eg_dims_text(x, text, sizeof text);
	if (!sides_of(o, x->rank, before, after))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"pads has %d numbers, axes %d: two are needed for each axis of x %s that is padded, none named "
			"twice",
			o->pads.n, o->axes.n, text);
	s->out_type[0] = s->in_type[0];
	s->out[0] = *x;
	for (int i = 0; i < x->rank; i++) {
		int64_t *d = &s->out[0].d[i];
		if (before[i] == 0 && after[i] == 0) continue;
		if (eg_dim_is_batch(*d))
			return eg_fail(s->err, EG_ERR_SHAPE,
				"dimension %d of x %s is the batch, which cannot be padded", i, text);
		if (*d > 0 && *d + cut(before[i]) + cut(after[i]) < 1)
			return eg_fail(s->err, EG_ERR_SHAPE,
				"nothing of dimension %d of x %s would be left, %lld and %lld being cut off", i, text,
				(long long)-cut(before[i]), (long long)-cut(after[i]));
		*d = *d > 0 ? *d + before[i] + after[i] : eg_infer_size(s, *d);
		s->info->mixes_time |= i == 0 && op_time_first(&s->declared[0]);
	}
	return EG_OK;
}

/* Between tensors of which `written` is the one that is written. A number has one dimension here. */
static void call(eg_emit *e, eg_extend_args a, bool back) {
	const pad_nd_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0), *written = back ? &x : &y;
	const int64_t all = eg_dims_count(written, 0);
	int64_t wide = 1;
	a.rank = x.rank ? x.rank : 1;
	a.size[0] = 1;
	sides_of(o, x.rank, a.before, a.after);
	for (int i = 0; i < x.rank; i++) a.size[i] = x.d[i];
	if (x.rank) wide = written->d[x.rank - 1];
	a.mode = (eg_extend_mode)o->mode;
	a.value = (real)o->value;
	a.total = all / wide;
	a.rows = wide < EG_CHUNK ? EG_CHUNK / wide : 1;
	const int units = (int)((a.total + a.rows - 1) / a.rows);
	if (back)
		OP_CALL(e, extend_bwd, a, 1, 1, .units = units, .flops = 2 * (double)all);
	else
		OP_CALL(e, extend_fwd, a, 1, 1, .units = units, .flops = (double)all);
}

static void pad_nd_fwd(eg_emit *e) {
	eg_extend_args a = {.from = eg_emit_x(e, 0, EG_PLAIN), .integers = eg_emit_in_type(e, 0) != EG_F32};
	a.to = eg_emit_y(e, 0, EG_PLAIN);
	call(e, a, false);
}

static void pad_nd_bwd(eg_emit *e) {
	eg_extend_args a = {.from = eg_emit_dy(e, 0, EG_PLAIN)};
	if (!a.from.p || !eg_emit_needs_dx(e, 0)) return;
	a.to = eg_emit_dx(e, 0, EG_PLAIN, &a.acc);
	call(e, a, true);
}

enum { CONSTANT, REFLECT, EDGE, WRAP };
#define PAD(...) \
	&(const pad_nd_options) { __VA_ARGS__ }
static const eg_case pad_nd_cases[] = {
	{"a number around pictures", PAD(.pads = EG_INTS(1, 0, 2, 3), .value = -1.5f), .in = {OP_DIMS(EG_N, 2, 4, 5)},
		.nin = 1, .batch = 18},
	{"zeros and cuts", PAD(.pads = EG_INTS(2, -1, -3, 1), .axes = EG_INTS(-1, 1)), .in = {OP_DIMS(EG_N, 4, 6)},
		.nin = 1, .batch = 3, .linear = true},
	{"reflected", PAD(.pads = EG_INTS(2, 3, 1, 5), .mode = REFLECT), .in = {OP_DIMS(EG_N, 2, 4, 3)}, .nin = 1,
		.batch = 3, .linear = true},
	{"the border", PAD(.pads = EG_INTS(1, 2, 0, 3, 0, 2), .mode = EDGE), .in = {OP_DIMS(EG_N, 3, 4, 5)}, .nin = 1,
		.batch = 18, .linear = true},
	{"from the other side, several units", PAD(.pads = EG_INTS(1, 2, 3, 40), .mode = WRAP),
		.in = {OP_DIMS(3, 31, 33)}, .nin = 1, .batch = 2, .linear = true},
	{"cut and reflected, an open size", PAD(.pads = EG_INTS(-1, 4), .axes = EG_INTS(1), .mode = REFLECT),
		.in = {OP_DIMS(EG_N, EG_NAMED, 2)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"length", 5}),
		.linear = true},
	{"integers", PAD(.pads = EG_INTS(1, 2), .value = 7), .in = {OP_DIMS(EG_N, 5)}, .type = {EG_I32}, .nin = 1,
		.batch = 18, .limit = 50},
};

/* Axes are an input from opset 18 on. */
static void pad_nd_export(eg_export *x) {
	const pad_nd_options *o = eg_export_options(x);
	const eg_dims d = eg_export_in_dims(x, 0);
	int64_t before[EG_MAX_DIMS], after[EG_MAX_DIMS], pads[2 * EG_MAX_DIMS];
	sides_of(o, d.rank, before, after);
	for (int i = 0; i < d.rank; i++) {
		pads[i] = before[i];
		pads[d.rank + i] = after[i];
	}
	if (o->mode == EG_EXTEND_WRAP && eg_export_opset(x) < 19) eg_export_fail(x, "ONNX's Pad knows the mode wrap from opset 19 on");
	const char *value = o->mode == EG_EXTEND_CONSTANT && o->value != 0 ? eg_export_real(x, (double)o->value) : "";
	eg_export_node(x, "Pad", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, pads, 2 * d.rank), value), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_string(x, "mode", modes[o->mode]);
}

static bool pad_nd_import(eg_import *m) {
	int64_t wide[2 * EG_MAX_DIMS];
	int pads[2 * EG_MAX_DIMS];
	int n = eg_import_opset(m) < 11 ? eg_import_int_list(m, "pads", wide, 2 * EG_MAX_DIMS) : eg_import_ints(m, 1, wide, 2 * EG_MAX_DIMS);
	const char *mode = eg_import_string(m, "mode", "constant");
	for (int i = 0; i < n; i++) {
		if (wide[i] < -OP_SIZE_MAX || wide[i] > OP_SIZE_MAX) eg_import_fail(m, "number %d of pads is %lld", i + 1, (long long)wide[i]);
		pads[i] = (int)wide[i];
	}
	pad_nd_options o = {.pads = {pads, n < 0 ? 0 : n}, .axes = eg_import_list(m, 3)};
	while (modes[o.mode] && strcmp(modes[o.mode], mode) != 0) o.mode++;
	if (!modes[o.mode]) eg_import_fail(m, "mode '%.40s' is not supported", mode);
	o.value = (float)(eg_import_has_in(m, 2) ? eg_import_number(m, 2) : eg_import_opset(m) < 11 ? eg_import_float(m, "value", 0) : 0);
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "pad_nd", &o, &in, 1));
	return true;
}

const eg_op eg_op_pad_nd = {
	.info = {
		.name = "pad_nd",
		.layer = "pad_nd",
		.doc = OP_TEXT("More around a tensor of any rank: a number, or what lies inside; or less, where it is "
		       "negative"),
		.equation = OP_TEXT("y[..,i,..] = x[..,r(i - before),..], D elements being left of x where something "
			    "is cut off; r(j) = j inside, and outside: constant, `value` "
			    "instead; reflect, the distance of j from the nearest multiple of 2(D-1); edge, 0 "
			    "or D-1; wrap, j mod D. dx = sums of dy over the copies"),
		.source = OP_TEXT("ONNX Pad-18 and wrap of Pad-19, pads and value as attributes; numpy.pad"),
		.attrs = pad_nd_attrs,
		.nattrs = EG_COUNT(pad_nd_attrs),
		.options_size = sizeof(pad_nd_options),
		.shorthand = "pads",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.types = "a",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = pad_nd_infer,
	.fwd = pad_nd_fwd,
	.bwd = OP_BWD(pad_nd_bwd),
	.onnx = "Pad",
	.onnx_since = 18,
	.export = OP_ONNX(pad_nd_export),
	.import = OP_ONNX(pad_nd_import),
	OP_CASES(pad_nd_cases),
};

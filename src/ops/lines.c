/* lines.c - operators along one dimension, or two: cumsum, top_k, range, trilu.
 *
 * Not here: reductions (reduce.c), softmax (softmax.c). */
#include "ops/flat.h"
#include "ops/index.h"

/* x as (outer, n, inner) around its axis. */
typedef struct lines {
	int64_t outer, n, inner;
} lines;

static lines lines_of(const eg_dims *x, int axis) {
	lines l = {.outer = 1, .n = x->d[axis], .inner = eg_dims_count(x, axis + 1)};
	for (int i = 0; i < axis; i++) l.outer *= x->d[i];
	return l;
}

static void note_time(eg_infer *s, int axis) { s->info->mixes_time |= axis == 0 && op_time_first(&s->declared[0]); }

/* ---- cumsum ------------------------------------------------------------------------------------------------------ */

typedef struct cumsum_options {
	const char *name;
	int axis;
	bool exclusive, reverse;
} cumsum_options;

static const eg_attr cumsum_attrs[] = {
	OP_INT(cumsum_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension along which is summed; negative counts from the end"),
	OP_BOOL(cumsum_options, exclusive, "exclusive", "without the element itself"),
	OP_BOOL(cumsum_options, reverse, "reverse", "from the end on"),
};

static eg_status cumsum_infer(eg_infer *s) {
	const cumsum_options *o = s->options;
	int axis;
	if (op_infer_same(s) || index_axis(s, o->axis, &axis)) return s->err->status;
	note_time(s, axis);
	return EG_OK;
}

/* Its adjoint sums from the other end. */
static void call_cumsum(eg_emit *e, eg_buf x, eg_buf y, bool back, bool acc) {
	const cumsum_options *o = eg_emit_options(e);
	const eg_dims d = eg_emit_in_dims(e, 0);
	int axis;
	op_axis(o->axis, d.rank, &axis);
	const lines l = lines_of(&d, axis);
	eg_cumsum_args a = {.x = x,
		.y = y,
		.outer = l.outer,
		.n = l.n,
		.inner = l.inner,
		.exclusive = o->exclusive,
		.reverse = o->reverse != back,
		.acc = acc};
	const int64_t pieces = (l.inner + EG_CUMSUM_COLUMNS - 1) / EG_CUMSUM_COLUMNS;
	OP_CALL(e, cumsum, a, 1, 1, .units = (int)(l.outer * pieces), .flops = 2 * (double)(l.outer * l.n * l.inner));
}

static void cumsum_fwd(eg_emit *e) {
	const eg_buf x = eg_emit_x(e, 0, EG_PLAIN), y = eg_emit_y(e, 0, EG_PLAIN);
	call_cumsum(e, x, y, false, false);
}

static void cumsum_bwd(eg_emit *e) {
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	call_cumsum(e, dy, dx, true, acc);
}

#define CUMSUM(...) \
	&(const cumsum_options) { __VA_ARGS__ }
static const eg_case cumsum_cases[] = {
	{"columns", NULL, .in = {OP_DIMS(EG_N, 3, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"channels, without itself", CUMSUM(.axis = 1, .exclusive = true), .in = {OP_DIMS(EG_N, 4, 5, 17)}, .nin = 1,
		.batch = 3, .linear = true},
	{"steps, from the end", CUMSUM(.axis = EG_ZERO, .reverse = true), .in = {OP_DIMS(EG_T, EG_N, 3)}, .nin = 1,
		.batch = 6, .time = 5, .linear = true},
	{"both, an open size", CUMSUM(.axis = 1, .exclusive = true, .reverse = true), .in = {OP_DIMS(EG_N, EG_NAMED)},
		.nin = 1, .batch = 18, .sizes = OP_SIZES({"length", 9}), .linear = true},
};

/* There the axis is an input. */
static void cumsum_export(eg_export *x) {
	const cumsum_options *o = eg_export_options(x);
	eg_export_node(x, "CumSum", EG_NAMES(eg_export_in(x, 0), eg_export_int(x, o->axis)), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_int(x, "exclusive", o->exclusive);
	eg_export_set_int(x, "reverse", o->reverse);
}

const eg_op eg_op_cumsum = {
	.info = {
		.name = "cumsum",
		.layer = "cumsum",
		.doc = OP_TEXT("Running sums along a dimension"),
		.equation = OP_TEXT("y[..,i,..] = sum of x[..,j,..] over j <= i; exclusive: j < i; reverse: j >= i or "
			    "j > i; dx = the same of dy from the other end"),
		.source = OP_TEXT("ONNX CumSum-14, axis as an attribute"),
		.attrs = cumsum_attrs,
		.nattrs = EG_COUNT(cumsum_attrs),
		.options_size = sizeof(cumsum_options),
		.shorthand = "axis",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = cumsum_infer,
	.fwd = cumsum_fwd,
	.bwd = OP_BWD(cumsum_bwd),
	.onnx = "CumSum",
	.onnx_since = 11,
	.export = OP_ONNX(cumsum_export),
	OP_CASES(cumsum_cases),
};

/* ---- trilu ------------------------------------------------------------------------------------------------------- */

typedef struct trilu_options {
	const char *name;
	int k;
	bool no_upper;
} trilu_options;

static const eg_attr trilu_attrs[] = {
	OP_INT(trilu_options, k, 0, -OP_SIZE_MAX, OP_SIZE_MAX, "k",
		"diagonal at which the triangle begins or ends: 0 the main one, positive above it"),
	OP_NOT(trilu_options, upper, "upper", "what is on and above the diagonal stays; false: what is on and below"),
};

static eg_status trilu_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	char text[128];
	s->out_type[0] = s->in_type[0];
	s->out[0] = *x;
	for (int i = 1; i <= 2; i++)
		if (x->rank < 2 || eg_dim_is_batch(x->d[x->rank - i]))
			return eg_fail(s->err, EG_ERR_SHAPE,
				"x %s is no matrix nor a stack of them: its last two dimensions must be rows and "
				"columns, not the batch",
				eg_dims_text(x, text, sizeof text));
	return EG_OK;
}

static void call_trilu(eg_emit *e, eg_buf x, eg_buf y, bool acc, eg_dtype type) {
	const trilu_options *o = eg_emit_options(e);
	const eg_dims d = eg_emit_in_dims(e, 0);
	eg_trilu_args a = {.x = x,
		.y = y,
		.rows = d.d[d.rank - 2],
		.columns = d.d[d.rank - 1],
		.k = o->k,
		.upper = !o->no_upper,
		.acc = acc,
		.integers = type != EG_F32};
	a.total = eg_dims_count(&d, 0) / a.columns;
	a.unit = a.columns < EG_CHUNK ? EG_CHUNK / a.columns : 1;
	OP_CALL(e, trilu, a, 1, 1, .units = (int)((a.total + a.unit - 1) / a.unit),
		.flops = (double)(a.total * a.columns));
}

static void trilu_fwd(eg_emit *e) {
	const eg_buf x = eg_emit_x(e, 0, EG_PLAIN), y = eg_emit_y(e, 0, EG_PLAIN);
	call_trilu(e, x, y, false, eg_emit_in_type(e, 0));
}

static void trilu_bwd(eg_emit *e) {
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	call_trilu(e, dy, dx, acc, EG_F32);
}

#define TRILU(...) \
	&(const trilu_options) { __VA_ARGS__ }
static const eg_case trilu_cases[] = {
	{"upper", NULL, .in = {OP_DIMS(EG_N, 5, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"lower, below the diagonal", TRILU(.k = -2, .no_upper = true), .in = {OP_DIMS(EG_N, 2, 6, 4)}, .nin = 1,
		.batch = 3, .linear = true},
	{"upper, far out, several units", TRILU(.k = 40), .in = {OP_DIMS(70, 90)}, .nin = 1, .batch = 2,
		.linear = true},
	{"an open size", TRILU(.k = 1, .no_upper = true), .in = {OP_DIMS(EG_N, 3, EG_NAMED)}, .nin = 1, .batch = 3,
		.sizes = OP_SIZES({"columns", 6}), .linear = true},
	{"integers", TRILU(.k = -1), .in = {OP_DIMS(EG_N, 4, 3)}, .type = {EG_I32}, .nin = 1, .batch = 18, .limit = 50},
};

static void trilu_export(eg_export *x) {
	const trilu_options *o = eg_export_options(x);
	eg_export_node(x, "Trilu", EG_NAMES(eg_export_in(x, 0), eg_export_int(x, o->k)), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_int(x, "upper", !o->no_upper);
}

const eg_op eg_op_trilu = {
	.info = {
		.name = "trilu",
		.layer = "trilu",
		.doc = OP_TEXT("The upper or lower triangle of matrices; the rest is zero"),
		.equation = OP_TEXT("x (...,R,C); y[..,i,j] = x[..,i,j] where j - i >= k (not upper: j - i <= k), else "
			    "0; dx likewise from dy"),
		.source = OP_TEXT("ONNX Trilu-14; numpy.triu and numpy.tril"),
		.attrs = trilu_attrs,
		.nattrs = EG_COUNT(trilu_attrs),
		.options_size = sizeof(trilu_options),
		.shorthand = "k",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.types = "a",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = trilu_infer,
	.fwd = trilu_fwd,
	.bwd = OP_BWD(trilu_bwd),
	.onnx = "Trilu",
	.onnx_since = 14,
	.export = OP_ONNX(trilu_export),
	OP_CASES(trilu_cases),
};

/* ---- range ------------------------------------------------------------------------------------------------------- */

typedef struct range_options {
	const char *name;
	int axis;
	float start, step;
	bool integers;
} range_options;

static const eg_attr range_attrs[] = {
	OP_INT(range_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, NULL,
		"dimension of `like` that says how many; negative counts from the end"),
	OP_FLOAT(range_options, start, 0, -1e9, 1e9, "start", "the first number"),
	OP_FLOAT(range_options, step, 1, -1e9, 1e9, "delta", "from one to the next"),
	OP_BOOL(range_options, integers, NULL, "whole numbers (EG_I32), such as indices are"),
};

static eg_status range_infer(eg_infer *s) {
	const range_options *o = s->options;
	int axis;
	if (index_axis(s, o->axis, &axis)) return s->err->status;
	if (o->integers && (o->start != floorf(o->start) || o->step != floorf(o->step)))
		return eg_fail(s->err, EG_ERR_ARG, "start %g and step %g must be whole numbers with `integers`",
			(double)o->start, (double)o->step);
	s->out[0] = (eg_dims){1, {s->in[0].d[axis]}};
	s->out_type[0] = o->integers ? EG_I32 : EG_F32;
	s->out_constant[0] = true;
	note_time(s, axis);
	return EG_OK;
}

static void range_fwd(eg_emit *e) {
	const range_options *o = eg_emit_options(e);
	const eg_dims y = eg_emit_out_dims(e, 0);
	eg_ramp_args a = {.n = y.d[0], .start = (double)o->start, .step = (double)o->step, .integers = o->integers};
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	OP_CALL(e, ramp, a, 0, 1, .units = (int)((a.n + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)a.n);
}

#define RANGE(...) \
	&(const range_options) { __VA_ARGS__ }
static const eg_case range_cases[] = {
	{"columns", NULL, .in = {OP_DIMS(EG_N, 7)}, .nin = 1, .batch = 18},
	{"from elsewhere in other steps", RANGE(.axis = 1, .start = 2.5f, .step = -0.25f), .in = {OP_DIMS(EG_N, 9, 2)},
		.nin = 1, .batch = 3},
	{"steps of time, as integers", RANGE(.axis = EG_ZERO, .start = -3, .step = 2, .integers = true),
		.in = {OP_DIMS(EG_T, EG_N)}, .type = {EG_I32}, .limit = 4, .nin = 1, .batch = 3, .time = 5},
	{"several units", NULL, .in = {OP_DIMS(2, 9000)}, .nin = 1, .batch = 2},
};

const eg_op eg_op_arange = {
	.info = {
		.name = "arange",
		.layer = "range",
		.doc = OP_TEXT("Numbers in equal steps, as many as a dimension of another tensor is long: positions in "
		       "a sequence"),
		.equation = OP_TEXT("y (D) = start, start + step, ..., D being dimension `axis` of like, whose numbers "
			    "do not matter"),
		.source = OP_TEXT("ONNX Range-11, of which start and delta are attributes and the limit follows from "
			  "`like`"),
		.attrs = range_attrs,
		.nattrs = EG_COUNT(range_attrs),
		.options_size = sizeof(range_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"like"},
		.types = "a",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = range_infer,
	.fwd = range_fwd,
	.no_gradient = "the result does not depend on the numbers of `like`",
	OP_CASES(range_cases),
};

/* ---- top_k ------------------------------------------------------------------------------------------------------- */

typedef struct top_k_options {
	const char *name;
	int k, axis;
	bool no_largest;
} top_k_options;

static const eg_attr top_k_attrs[] = {
	OP_INT(top_k_options, k, NAN, 1, OP_SIZE_MAX, "k", "how many"),
	OP_INT(top_k_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension in which is looked; negative counts from the end"),
	OP_NOT(top_k_options, largest, "largest", "the largest, else the smallest"),
};

static eg_status top_k_infer(eg_infer *s) {
	const top_k_options *o = s->options;
	char text[128];
	int axis;
	if (op_check_real(s, 0, "x") || index_axis(s, o->axis, &axis)) return s->err->status;
	if (s->in[0].d[axis] > 0 && o->k > s->in[0].d[axis])
		return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of x %s has fewer than k = %d elements", axis,
			eg_dims_text(&s->in[0], text, sizeof text), o->k);
	note_time(s, axis);
	s->nout = 2;
	s->out[0] = s->in[0];
	s->out[0].d[axis] = o->k;
	s->out[1] = s->out[0];
	s->out_type[1] = EG_I32;
	s->out_constant[1] = true;
	return EG_OK;
}

static int top_k_axis(const eg_emit *e) {
	const top_k_options *o = eg_emit_options(e);
	int axis;
	op_axis(o->axis, eg_emit_in_dims(e, 0).rank, &axis);
	return axis;
}

/* The places, which backward goes by. */
static eg_buf places_of(eg_emit *e) {
	const eg_dims y = eg_emit_out_dims(e, 0);
	return eg_emit_saved(e, 0, EG_ELEM_REAL, eg_dims_count(&y, 0), false);
}

static void top_k_fwd(eg_emit *e) {
	const top_k_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	const lines l = lines_of(&x, top_k_axis(e));
	eg_top_k_args a = {.x = eg_emit_x(e, 0, EG_PLAIN),
		.outer = l.outer,
		.inner = l.inner,
		.n = (int)l.n,
		.k = o->k,
		.smallest = o->no_largest};
	a.rows = l.n < EG_CHUNK ? EG_CHUNK / l.n : 1;
	a.values = eg_emit_out_needed(e, 0) ? eg_emit_y(e, 0, EG_PLAIN) : flat_temp(e, eg_dims_count(&y, 0));
	const bool kept = eg_emit_has_bwd(e), wanted = eg_emit_out_needed(e, 1);
	const eg_buf places = wanted ? eg_emit_y(e, 1, EG_PLAIN) : (eg_buf){0};
	a.places = kept || !wanted ? places_of(e) : places;
	OP_CALL(e, top_k, a, 1, 2, .units = (int)((l.outer * l.inner + a.rows - 1) / a.rows),
		.scratch = (size_t)a.k * sizeof(int32_t), .flops = 4 * (double)(l.outer * l.inner * l.n));
	if (kept && wanted) flat_copy(e, a.places, places, eg_dims_count(&y, 0), false, EG_I32);
}

static void top_k_bwd(eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	const eg_index_shape s = index_elements(&x, &y, top_k_axis(e));
	if (eg_emit_has_dy(e, 0) && eg_emit_needs_dx(e, 0)) index_gather_bwd(e, places_of(e), &s);
}

#define TOP_K(...) \
	&(const top_k_options) { __VA_ARGS__ }
static const eg_case top_k_cases[] = {
	{"classes", TOP_K(.k = 3), .in = {OP_DIMS(EG_N, 9)}, .nin = 1, .batch = 18},
	{"the smallest channels, all", TOP_K(.k = 4, .axis = 1, .no_largest = true), .in = {OP_DIMS(EG_N, 4, 5, 3)},
		.nin = 1, .batch = 3},
	{"equal ones", TOP_K(.k = 5, .axis = -2), .in = {OP_DIMS(EG_N, 11, 2)}, .nin = 1, .batch = 3, .ties = true},
	{"the first dimension, several units", TOP_K(.k = 2, .axis = EG_ZERO), .in = {OP_DIMS(23, 400)}, .nin = 1,
		.batch = 2},
	{"an open size", TOP_K(.k = 1), .in = {OP_DIMS(EG_N, EG_NAMED)}, .nin = 1, .batch = 18,
		.sizes = OP_SIZES({"length", 6})},
};

/* There k is an input, and the places are int64. */
static void top_k_export(eg_export *x) {
	const top_k_options *o = eg_export_options(x);
	const int64_t k = o->k;
	const char *places = eg_export_out(x, 1), *wide = *places ? eg_export_between(x) : "";
	eg_export_node(x, "TopK", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, &k, 1)), EG_NAMES(eg_export_out(x, 0), wide));
	eg_export_set_int(x, "axis", o->axis);
	eg_export_set_int(x, "largest", !o->no_largest);
	if (!*places) return;
	eg_export_node(x, "Cast", EG_NAMES(wide), EG_NAMES(places));
	eg_export_set_int(x, "to", EG_ONNX_INT32);
}

const eg_op eg_op_top_k = {
	.info = {
		.name = "top_k",
		.layer = "top_k",
		.doc = OP_TEXT("The k largest or smallest elements along a dimension, in their order, and where they "
		       "stand"),
		.equation = OP_TEXT("values[..,j,..] = the j-th largest of x[..,:,..], indices (EG_I32) its place; of "
			    "equal ones the first comes first, NaN is larger than all; "
			    "dx = dvalues at the places, else 0"),
		.source = OP_TEXT("ONNX TopK-11, k as an attribute, sorted; indices int32 in place of int64"),
		.attrs = top_k_attrs,
		.nattrs = EG_COUNT(top_k_attrs),
		.options_size = sizeof(top_k_options),
		.shorthand = "k",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.outputs = (const char *const[]){"values", "indices", NULL},
	},
	.infer = top_k_infer,
	.range = op_range_of_input,
	.fwd = top_k_fwd,
	.bwd = OP_BWD(top_k_bwd),
	.onnx = "TopK",
	.onnx_since = 11,
	.export = OP_ONNX(top_k_export),
	OP_CASES(top_k_cases),
};

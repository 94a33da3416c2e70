/* split.c - split_parts: a tensor cut along one of its dimensions. Its adjoint is concat. */
#include "ops/flat.h"
#include "ops/strided.h"

typedef struct split_options {
	const char *name;
	int axis, num;
	eg_ints sizes;
} split_options;

static const eg_attr split_attrs[] = {
	OP_INT(split_options, axis, 0, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension that is cut; negative counts from the end"),
	OP_INT(split_options, num, 0, 0, EG_MAX_OUTPUTS, "num_outputs",
		"into so many equal parts, of which the last may be smaller; 0: as `sizes` says"),
	OP_INT_LIST(split_options, sizes, 0, EG_MAX_OUTPUTS, 1, OP_SIZE_MAX, "split",
		"how long each part is; left out: as `num` says"),
};

/* How long part i of `all` is; below 1: there is none. */
static int64_t part_of(const split_options *o, int i, int64_t all) {
	if (o->sizes.at) return o->sizes.at[i];
	const int64_t each = (all + o->num - 1) / o->num, left = all - i * each;
	return left < each ? left : each;
}

static int parts_of(const split_options *o) { return o->sizes.at ? o->sizes.n : o->num; }

static eg_status split_infer(eg_infer *s) {
	const split_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	int64_t sum = 0;
	eg_dims_text(x, text, sizeof text);
	if (!op_axis(o->axis, x->rank, &axis) || x->d[axis] < 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"dimension %d of x %s is none of %d to %d, or its size is open; only a known size can be cut",
			o->axis, text, -x->rank, x->rank - 1);
	if ((o->num > 0) == (o->sizes.at != NULL) || parts_of(o) > EG_MAX_OUTPUTS)
		return eg_fail(s->err, EG_ERR_ARG, "either `sizes` or `num` must be given, for at most %d parts",
			EG_MAX_OUTPUTS);
	s->nout = parts_of(o);
	for (int i = 0; i < s->nout; i++) {
		s->out[i] = *x;
		s->out_type[i] = s->in_type[0];
		s->out[i].d[axis] = part_of(o, i, x->d[axis]);
		sum += s->out[i].d[axis];
		if (s->out[i].d[axis] < 1)
			return eg_fail(s->err, EG_ERR_SHAPE,
				"dimension %d of x %s is too small for %d parts: nothing is left for number %d", axis,
				text, s->nout, i + 1);
	}
	if (sum == x->d[axis]) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "the %d sizes sum to %lld, dimension %d of x %s is not as long", s->nout,
		(long long)sum, axis, text);
}

/* x as rows of `wide` elements, each cut into runs; one element of the axis has `inner`. */
typedef struct cutting {
	int64_t rows, wide, inner;
	int n, axis;
} cutting;

static cutting cutting_of(const eg_emit *e) {
	const split_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0);
	cutting c = {.rows = 1, .n = parts_of(o)};
	op_axis(o->axis, x.rank, &c.axis);
	for (int i = 0; i < c.axis; i++) c.rows *= x.d[i];
	c.wide = eg_dims_count(&x, c.axis);
	c.inner = eg_dims_count(&x, c.axis + 1);
	return c;
}

static int64_t width_of(const eg_emit *e, const cutting *c, int i) {
	return eg_emit_out_dims(e, i).d[c->axis] * c->inner;
}

static void split_fwd(eg_emit *e) {
	const cutting c = cutting_of(e);
	const eg_buf x = eg_emit_x(e, 0, EG_PLAIN);
	int64_t at = 0;
	for (int i = 0; i < c.n; i++) {
		const int64_t width = width_of(e, &c, i);
		if (i == 0 || eg_emit_out_needed(e, i)) {
			const eg_buf y = eg_emit_y(e, i, EG_PLAIN);
			strided_take(e, x, y, 2, (const int64_t[]){c.rows, width}, (const int64_t[]){c.wide, 1}, at,
				false, eg_emit_in_type(e, 0));
		}
		at += width;
	}
}

/* The gradients side by side, zeros where none flows back. */
static void join_gradients(eg_emit *e, const cutting *c, eg_buf to) {
	int64_t at = 0;
	for (int first = 0; first < c->n; first += EG_JOIN) {
		eg_concat_args a = {.y = op_stride(false, to, 0),
			.s = {.total = c->rows,
				.n = c->n - first < EG_JOIN ? c->n - first : EG_JOIN,
				.pieces = 1,
				.at = at,
				.wide = c->wide}};
		a.s.rows = c->wide < EG_CHUNK ? EG_CHUNK / c->wide : 1;
		for (int i = 0; i < a.s.n; i++) {
			const int64_t width = width_of(e, c, first + i);
			eg_buf dy = eg_emit_dy(e, first + i, EG_PLAIN);
			if (!dy.p) {
				dy = flat_temp(e, width * c->rows);
				flat_fill(e, dy, width * c->rows, 0);
			}
			a.x[i] = op_stride(false, dy, a.s.rows * width);
			a.s.width[i] = width;
			at += width;
		}
		a.y = op_stride(false, to, a.s.rows * c->wide);
		OP_CALL(e, concat, a, EG_JOIN, 1, .units = (int)((a.s.total + a.s.rows - 1) / a.s.rows),
			.flops = (double)(c->rows * c->wide));
	}
}

static void split_bwd(eg_emit *e) {
	const cutting c = cutting_of(e);
	const int64_t all = c.rows * c.wide;
	bool any = false, acc;
	for (int i = 0; i < c.n; i++) any |= eg_emit_has_dy(e, i);
	if (!any || !eg_emit_needs_dx(e, 0)) return;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc), to = acc ? flat_temp(e, all) : dx;
	join_gradients(e, &c, to);
	if (acc) flat_copy(e, to, dx, all, true, EG_F32);
}

#define SPLIT(...) \
	&(const split_options) { __VA_ARGS__ }
static const eg_case split_cases[] = {
	{"channels, as the sizes say", SPLIT(.axis = 1, .sizes = EG_INTS(2, 1, 4)), .in = {OP_DIMS(EG_N, 7, 5, 3)},
		.nin = 1, .batch = 18, .linear = true},
	{"columns, the last part smaller", SPLIT(.axis = -1, .num = 3), .in = {OP_DIMS(EG_T, EG_N, 7)}, .nin = 1,
		.batch = 6, .time = 4, .linear = true},
	{"rows, more parts than a call takes, several units", SPLIT(.num = 11), .in = {OP_DIMS(22, 600)}, .nin = 1,
		.batch = 2, .linear = true},
	{"integers", SPLIT(.axis = 1, .num = 2), .in = {OP_DIMS(EG_N, 6)}, .type = {EG_I32}, .nin = 1, .batch = 18,
		.limit = 50},
};

/* There the sizes are an input. */
static void split_export(eg_export *x) {
	const split_options *o = eg_export_options(x);
	const eg_dims d = eg_export_in_dims(x, 0);
	const char *out[EG_MAX_OUTPUTS + 1] = {0};
	int64_t sizes[EG_MAX_OUTPUTS];
	int axis;
	op_axis(o->axis, d.rank, &axis);
	for (int i = 0; i < parts_of(o); i++) {
		sizes[i] = part_of(o, i, d.d[axis]);
		out[i] = eg_export_out(x, i);
		if (!*out[i]) out[i] = eg_export_between(x); /* all are written */
	}
	eg_export_node(x, "Split", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, sizes, parts_of(o))), out);
	eg_export_set_int(x, "axis", axis);
}

const eg_op eg_op_split_parts = {
	.info = {
		.name = "split_parts",
		.layer = "split",
		.doc = OP_TEXT("A tensor cut along `axis` into equal parts, or into parts of the given sizes"),
		.equation = OP_TEXT("y1, y2, ... = x from 0, S1, S1+S2, ... on along axis, S1, S2, ... long; dx = dy1, "
			    "dy2, ... side by side"),
		.source = OP_TEXT("ONNX Split-18, the sizes as an attribute"),
		.attrs = split_attrs,
		.nattrs = EG_COUNT(split_attrs),
		.options_size = sizeof(split_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.types = "a",
		.outputs = (const char *const[]){"y1", "y2", "y3", "y4", "y5", "y6", "y7", "y8", "y9", "y10",
			"y11", "y12", "y13", "y14", "y15", "y16", NULL},
	},
	.infer = split_infer,
	.range = op_range_of_input,
	.fwd = split_fwd,
	.bwd = OP_BWD(split_bwd),
	.onnx = "Split",
	.onnx_since = 18,
	.export = OP_ONNX(split_export),
	OP_CASES(split_cases),
};
static_assert(EG_MAX_OUTPUTS == 16, "split has a name for each");

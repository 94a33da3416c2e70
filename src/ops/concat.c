/* concat.c - concat: tensors side by side along one of their dimensions, as skip connections want it.
 *
 * In every layout the elements of a tensor from the axis on are one run, and its runs follow each other; so all that
 * a layout decides is how long they are and how many. */
#include "ops/ops.h"

typedef struct concat_options {
	const char *name;
	int axis;
} concat_options;

static const eg_attr concat_attrs[] = {
	OP_INT(concat_options, axis, 1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension along which they lie side by side; negative counts from the end, so the first of n is -n"),
};

static eg_status check_dims(eg_infer *s, int i, int axis) {
	const eg_dims *a = &s->in[0], *b = &s->in[i];
	char ta[128], tb[128];
	eg_dims_text(a, ta, sizeof ta);
	eg_dims_text(b, tb, sizeof tb);
	bool same = a->rank == b->rank;
	for (int k = 0; k < a->rank && same; k++) same = k == axis || eg_dim_fits(a->d[k], b->d[k]);
	if (!same)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"x1 %s and x%d %s do not fit: all dimensions but %d, the axis, must be equal", ta, i + 1, tb,
			axis);
	if (b->d[axis] < 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"axis %d is the batch or the time of x%d %s, whose size is open; only dimensions of known size "
			"can be joined",
			axis, i + 1, tb);
	return EG_OK;
}

static eg_status concat_infer(eg_infer *s) {
	const concat_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	if (!op_axis(o->axis, x->rank, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE, "x1 %s has no dimension %d; axis may be %d to %d",
			eg_dims_text(x, text, sizeof text), o->axis, -x->rank, x->rank - 1);
	s->out_type[0] = s->in_type[0];
	s->out[0] = *x;
	s->out[0].d[axis] = 0;
	for (int i = 0; i < s->nin; i++) {
		char name[16];
		if (s->in[i].rank < 0) continue; /* left out */
		snprintf(name, sizeof name, "x%d", i + 1);
		if (s->in_type[i] != s->in_type[0])
			return eg_fail(s->err, EG_ERR_ARG, "x1 and %s must both hold floating-point numbers (EG_F32), or both integers (EG_I32)", name);
		if (check_dims(s, i, axis)) return s->err->status;
		for (int k = 0; k < x->rank; k++)
			if (k != axis) s->out[0].d[k] = eg_dim_surer(s->out[0].d[k], s->in[i].d[k]);
		s->out[0].d[axis] += s->in[i].d[axis];
	}
	return EG_OK;
}

static int concat_axis(const eg_emit *e) {
	int axis;
	op_axis(((const concat_options *)eg_emit_options(e))->axis, eg_emit_out_dims(e, 0).rank, &axis);
	return axis;
}

/* Groups of 16 channels stay whole only if none but the last tensor ends within one. Integers are always PLAIN. */
static bool can(const eg_emit *e, eg_layout layout) {
	if (eg_emit_in_type(e, 0) != EG_F32) return layout == EG_PLAIN;
	if (layout != EG_BLOCKED || concat_axis(e) != 1) return true;
	bool whole = true;
	for (int i = 0; i < eg_emit_nin(e); i++) {
		if (!eg_emit_has_in(e, i)) continue;
		if (!whole) return false;
		whole = eg_emit_in_dims(e, i).d[1] % EG_BLOCK == 0;
	}
	return true;
}

/* Elements in a run of a tensor. */
static int64_t run_of(eg_dims d, int axis, eg_layout layout) {
	if (layout == EG_BLOCKED) d.d[1] = eg_blocks((int)d.d[1]);
	return eg_dims_count(&d, axis) * (layout == EG_PLAIN ? 1 : EG_BLOCK);
}

/* Of inputs first, first + 1, ..., as many as one call takes; those before it take `at` elements of a row. */
static eg_join_shape concat_shape(const eg_emit *e, eg_layout layout, int first, int64_t at, op_blocks *job) {
	eg_dims y = eg_emit_out_dims(e, 0);
	const int axis = concat_axis(e), left = eg_emit_nin(e) - first;
	const int64_t n = y.d[0];
	int64_t wide = 0;
	eg_join_shape s = {.total = 1, .n = left < EG_JOIN ? left : EG_JOIN, .pieces = 1, .at = at, .wide = run_of(y, axis, layout),
		.integers = eg_emit_in_type(e, 0) != EG_F32};
	for (int i = 0; i < s.n; i++) {
		if (eg_emit_has_in(e, first + i)) s.width[i] = run_of(eg_emit_in_dims(e, first + i), axis, layout);
		wide += s.width[i];
	}
	if (layout == EG_LANES) y.d[0] = eg_emit_blocks(e);
	if (layout == EG_BLOCKED) y.d[1] = eg_blocks((int)y.d[1]);
	for (int i = 0; i < axis; i++) s.total *= y.d[i];
	*job = op_blocks_of(layout != EG_BLOCKED && eg_emit_out_batched(e, 0), n);
	if (job->block) {
		s.rows = layout == EG_LANES ? s.total / y.d[0] : s.total / n * EG_BLOCK;
		return s;
	}
	if (wide == 0) wide = 1; /* all left out */
	s.rows = wide < EG_CHUNK ? EG_CHUNK / wide : 1;
	s.pieces = wide < EG_CHUNK ? 1 : (int)(wide / EG_CHUNK);
	job->units = (int)((s.total + s.rows - 1) / s.rows) * s.pieces;
	return s;
}

static double size_of(const eg_emit *e) {
	eg_dims y = eg_emit_out_dims(e, 0);
	return (double)eg_dims_count(&y, 0);
}

/* Bytes moved, and the first input brought from x to y. */
static double concat_cost(const eg_emit *e, eg_layout x, eg_layout y) {
	const int passes = eg_emit_needs_dx(e, 0) ? 2 : 1;
	if (!can(e, y)) return INFINITY;
	return passes * (eg_cost_reorder_in(e, 0, x, y) +
				eg_cost_job(e, 0, 2 * sizeof(real) * size_of(e), EG_BLOCK, y == EG_LANES));
}

static int64_t row_of(const eg_join_shape *s) {
	int64_t wide = 0;
	for (int i = 0; i < s->n; i++) wide += s->width[i];
	return wide;
}

static void concat_fwd(eg_emit *e) {
	op_blocks job;
	eg_layout layout = eg_emit_layout(e);
	const eg_buf y = eg_emit_y(e, 0, layout);
	int64_t at = 0;
	for (int first = 0; first < eg_emit_nin(e); first += EG_JOIN) {
		eg_concat_args a = {.s = concat_shape(e, layout, first, at, &job)};
		for (int i = 0; i < a.s.n; i++)
			a.x[i] = op_stride(job.block, eg_emit_x(e, first + i, layout), a.s.rows * a.s.width[i]);
		a.y = op_stride(job.block, y, a.s.rows * a.s.wide);
		at += row_of(&a.s);
		if (at == a.s.at) continue; /* all left out */
		OP_CALL(e, concat, a, EG_JOIN, 1, .block = job.block, .units = job.units, .flops = size_of(e));
	}
}

static void call_split(eg_emit *e, const eg_split_args *a, op_blocks job) {
	OP_CALL(e, split, *a, 1, EG_JOIN, .block = job.block, .units = job.units, .flops = size_of(e));
}

/* A tensor that was given twice has one gradient: its second part is added when the first is there. */
static void split_some(eg_emit *e, eg_split_args a, int first, op_blocks job) {
	bool any = false;
	for (int i = 0; i < a.s.n; i++) {
		if (!eg_emit_needs_dx(e, first + i)) continue;
		eg_buf dx = op_stride(job.block, eg_emit_dx(e, first + i, eg_emit_out_layout(e), &a.acc[i]), a.s.rows * a.s.width[i]);
		bool twice = false;
		for (int k = 0; k < i; k++) twice |= a.x[k].p == dx.p;
		if (twice) {
			call_split(e, &a, job);
			memset(a.x, 0, sizeof a.x);
		}
		a.x[i] = dx;
		any = true;
	}
	if (any) call_split(e, &a, job);
}

static void concat_bwd(eg_emit *e) {
	op_blocks job;
	eg_layout layout = eg_emit_out_layout(e);
	const eg_buf dy = eg_emit_dy(e, 0, layout);
	int64_t at = 0;
	for (int first = 0; first < eg_emit_nin(e) && dy.p; first += EG_JOIN) {
		eg_split_args a = {.s = concat_shape(e, layout, first, at, &job)};
		a.y = op_stride(job.block, dy, a.s.rows * a.s.wide);
		at += row_of(&a.s);
		if (at > a.s.at) split_some(e, a, first, job);
	}
}

#define CONCAT(...) &(const concat_options){__VA_ARGS__}
static const eg_case concat_cases[] = {
	{"channels", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 2, 5, 4)}, .nin = 2, .batch = 18,
		.linear = true},
	{"groups of channels, several pieces", NULL,
		.in = {OP_DIMS(EG_N, 16, 23, 13), OP_DIMS(EG_N, 32, 23, 13), OP_DIMS(EG_N, 7, 23, 13)}, .nin = 3,
		.batch = 3, .linear = true},
	{"rows of pictures", CONCAT(.axis = 2), .in = {OP_DIMS(EG_N, 21, 4, 5), OP_DIMS(EG_N, 21, 2, 5)}, .nin = 2,
		.batch = 18, .linear = true},
	{"columns of pictures", CONCAT(.axis = -1),
		.in = {OP_DIMS(EG_N, 2, 3, 5), OP_DIMS(EG_N, 2, 3, 1), OP_DIMS(EG_N, 2, 3, 4)}, .nin = 3, .batch = 3,
		.linear = true},
	{"eight rows of features", NULL,
		.in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 3), OP_DIMS(EG_N, 1), OP_DIMS(EG_N, 2), OP_DIMS(EG_N, 17),
			OP_DIMS(EG_N, 4), OP_DIMS(EG_N, 6), OP_DIMS(EG_N, 5)},
		.nin = 8, .batch = 18, .linear = true},
	{"eleven of them, in all layouts", NULL,
		.in = {OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 32, 3, 2), OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 16, 3, 2),
			OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 16, 3, 2), OP_DIMS(EG_N, 32, 3, 2),
			OP_DIMS(EG_N, 5, 3, 2)},
		.nin = 11, .batch = 18, .linear = true},
	{"seventeen rows, several pieces", CONCAT(.axis = -2),
		.in = {OP_DIMS(3, 1, 700), OP_DIMS(3, 2, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700),
			OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 4, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700),
			OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 1, 700), OP_DIMS(3, 3, 700)},
		.nin = 17, .batch = 2, .linear = true},
	{"one left out", NULL, .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N, 3), {-1, {0}}, OP_DIMS(EG_N, 2)}, .nin = 4,
		.batch = 3, .linear = true},
	{"integers", NULL, .in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 3), OP_DIMS(EG_N, 1)}, .type = {EG_I32, EG_I32, EG_I32}, .limit = 50, .nin = 3, .batch = 18},
	{"features of sequences", CONCAT(.axis = 2), .in = {OP_DIMS(EG_T, EG_N, 3), OP_DIMS(EG_T, EG_N, 4)}, .nin = 2,
		.batch = 6, .time = 5, .linear = true},
	{"fixed, first dimension, several pieces", CONCAT(.axis = -3), .in = {OP_DIMS(5, 41, 29), OP_DIMS(2, 41, 29)},
		.nin = 2, .batch = 2, .linear = true},
};

const eg_op eg_op_concat = {
	.info = {
		.name = "concat",
		.layer = "concat",
		.doc = OP_TEXT("Tensors side by side along `axis`, by default the channels, as in skip connections; 2 or more of them"),
		.equation = OP_TEXT("y = x1, x2, ... one after the other along axis; all other dimensions are equal"),
		.source = OP_TEXT("ONNX Concat-13; the skip connections of U-Net, Ronneberger et al. 2015"),
		.attrs = concat_attrs,
		.nattrs = EG_COUNT(concat_attrs),
		.options_size = sizeof(concat_options),
		.min_inputs = 2,
		.max_inputs = EG_JOIN,
		.variadic = true,
		.inputs = (const char *const[]){"x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"},
		.types = "aaaaaaaa",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = concat_infer,
	.steps = EG_JOIN,
	.fwd = concat_fwd,
	.bwd = OP_BWD(concat_bwd),
	.cost = concat_cost,
	.onnx = "Concat",
	.onnx_since = 4,
	OP_CASES(concat_cases),
};

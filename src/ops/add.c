/* add.c - sum of two tensors with broadcasting. */
#include "ops/broadcast.h"

static const char *const names[] = {"a", "b"};

static eg_status add_infer(eg_infer *s) { return broadcast_infer(s, names, 0, 2); }

/* Equal shapes: elements side by side, in the layout of a, in place of a where nobody else needs it. */
static void add_flat(eg_emit *e) {
	eg_layout layout = eg_emit_in_layout(e, 0);
	eg_walk w = eg_emit_walk_in(e, 0, layout);
	eg_add_args g = {.act = eg_emit_act(e), .rank = 1, .rows = (int)w.unit, .dims = {w.total}, .sa = {1}, .sb = {1}};
	g.a = op_stride(w.block, eg_emit_x(e, 0, layout), w.unit);
	g.b = op_stride(w.block, eg_emit_x(e, 1, layout), w.unit);
	g.y = op_stride(w.block, eg_emit_y_over_x(e, 0), w.unit);
	OP_CALL(e, add, g, 2, 1, .block = w.block, .chunks = true, .units = w.units, .flops = (double)w.total);
}

static bool add_follows(const eg_emit *e) {
	eg_dims a = eg_emit_in_dims(e, 0), b = eg_emit_in_dims(e, 1);
	return broadcast_same(&a, &b) && eg_emit_in_batched(e, 0) == eg_emit_in_batched(e, 1);
}

static void add_fwd(eg_emit *e) {
	eg_dims a = eg_emit_in_dims(e, 0), b = eg_emit_in_dims(e, 1), y = eg_emit_out_dims(e, 0);
	if (add_follows(e)) {
		add_flat(e);
		return;
	}
	eg_add_args g = {.act = eg_emit_act(e), .rank = y.rank, .rows = EG_BLOCK};
	memcpy(g.dims, y.d, (size_t)y.rank * sizeof y.d[0]);
	broadcast_strides(&a, &y, g.sa);
	broadcast_strides(&b, &y, g.sb);
	op_blocks job = op_blocks_of(eg_emit_out_batched(e, 0), y.d[0]);
	g.a = op_stride(job.block, eg_emit_x(e, 0, EG_PLAIN), g.sa[0] * g.rows);
	g.b = op_stride(job.block, eg_emit_x(e, 1, EG_PLAIN), g.sb[0] * g.rows);
	g.y = op_stride(job.block, eg_emit_y(e, 0, EG_PLAIN), eg_dims_count(&y, 1) * g.rows);
	OP_CALL(e, add, g, 2, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&y, 0));
}

/* The gradient passes through; where an input was repeated, the gradients of its copies are summed. */
static void add_bwd(eg_emit *e) {
	eg_dims y = eg_emit_out_dims(e, 0);
	for (int i = 0; i < 2; i++) {
		eg_dims x = eg_emit_in_dims(e, i);
		if (!eg_emit_needs_dx(e, i)) continue;
		if (broadcast_same(&x, &y) && eg_emit_in_batched(e, i) == eg_emit_out_batched(e, 0)) {
			eg_emit_dx_same(e, i, eg_emit_out_layout(e));
			continue;
		}
		eg_sum_to_args t = {.x = eg_emit_dy(e, 0, EG_PLAIN), .rank = y.rank, .count = eg_dims_count(&x, 0)};
		if (!t.x.p) return;
		memcpy(t.dims, y.d, (size_t)y.rank * sizeof y.d[0]);
		broadcast_strides(&x, &y, t.sy);
		t.y = eg_emit_dx(e, i, EG_PLAIN, &t.acc);
		OP_CALL(e, sum_to, t, 1, 1, .units = (int)((t.count + EG_BLOCK - 1) / EG_BLOCK),
			.flops = (double)eg_dims_count(&y, 0));
	}
}

static const eg_case add_cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18},
	{"equal shapes, fixed batch, several chunks", NULL, .in = {OP_DIMS(19, 31, 17), OP_DIMS(19, 31, 17)}, .nin = 2,
		.batch = 2},
	{"channels", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(3, 1, 1)}, .nin = 2, .batch = 18},
	{"steps as samples, open height", NULL, .in = {OP_DIMS(EG_TN, 3, EG_NAMED, 4), OP_DIMS(EG_TN, 3, EG_NAMED, 4)}, .nin = 2, .batch = 5,
		.time = 7, .sizes = OP_SIZES({"height", 2})},
	{"two open sizes, channels", NULL, .in = {OP_DIMS(EG_N, 3, EG_NAMED, 4), OP_DIMS(3, EG_NAMED - 1, 1)}, .nin = 2, .batch = 18,
		.sizes = OP_SIZES({"height", 5}, {"rows", 5})},
	{"an open length, steps alike", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 6), OP_DIMS(EG_N, 6)}, .nin = 2, .batch = 3,
		.sizes = OP_SIZES({"length", 5})},
	{"last dimension", NULL, .in = {OP_DIMS(7), OP_DIMS(EG_N, 5, 7)}, .nin = 2, .batch = 3},
	{"both repeated", NULL, .in = {OP_DIMS(EG_N, 1, 6, 1, 2), OP_DIMS(1, 3, 1, 5, 2)}, .nin = 2, .batch = 18},
	{"six dimensions, fixed", NULL, .in = {OP_DIMS(3, 1, 2, 4, 1, 5), OP_DIMS(3, 2, 4, 3, 1)}, .nin = 2,
		.batch = 2},
	{"a number", NULL, .in = {OP_DIMS(EG_N, 6), {0}}, .nin = 2, .batch = 18},
};

const eg_op eg_op_add = {
	.info = {
		.name = "add",
		.layer = "add",
		.doc = OP_TEXT("The sum of two tensors; dimensions of size 1, and missing ones in front, are repeated"),
		.equation = OP_TEXT("y = a + b, shapes aligned to the right, at most 8 dimensions; the batch stays the first"),
		.source = OP_TEXT("ONNX Add-14 with its multidirectional (numpy) broadcasting"),
		.options_size = sizeof(op_name_only),
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = names,
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = add_infer,
	.fwd = add_fwd,
	.bwd = OP_BWD(add_bwd),
	.posts = OP_POST(ACT),
	.sums = true,
	.steps = 2,
	.follows = add_follows,
	.onnx = "Add",
	.onnx_since = 7,
	OP_CASES(add_cases),
};

/* select.c - where: elements of one of two tensors, as a third one says, with broadcasting. */
#include "ops/broadcast.h"

enum { CONDITION, A, B, INPUTS };

static const char *const names[] = {"condition", "a", "b"};

static eg_status infer(eg_infer *s) { return broadcast_infer(s, names, CONDITION, INPUTS); }

static bool follows(const eg_emit *e) { return broadcast_alike(e, INPUTS); }

static void fwd(eg_emit *e) {
	const broadcast_job j = broadcast_job_of(e, INPUTS, follows(e), follows(e) ? eg_emit_in_layout(e, 0) : EG_PLAIN);
	eg_select_args g = {.at = j.at};
	g.c = broadcast_in(&j, eg_emit_x(e, CONDITION, j.layout), CONDITION);
	g.a = broadcast_in(&j, eg_emit_x(e, A, j.layout), A);
	g.b = broadcast_in(&j, eg_emit_x(e, B, j.layout), B);
	g.y = broadcast_out(&j, eg_emit_y(e, 0, j.layout));
	OP_CALL(e, select, g, 3, 1, .block = j.job.block, .chunks = j.flat, .units = j.job.units, .flops = (double)j.total);
}

/* Operand i lies as output 0 does. */
static void whole_strides(eg_spread *at, int i) {
	int64_t step = 1;
	for (int d = at->rank - 1; d >= 0; d--) {
		at->s[i][d] = step;
		step *= at->dims[d];
	}
}

/* A condition that somebody wants a gradient of has none but 0. */
static void condition_bwd(eg_emit *e) {
	const eg_layout layout = eg_emit_in_layout(e, CONDITION);
	const eg_walk w = eg_emit_walk_in(e, CONDITION, layout);
	eg_fill_args f = {.unit = w.unit, .total = w.total};
	bool acc;
	if (!eg_emit_needs_dx(e, CONDITION)) return;
	f.y = op_stride(w.block, eg_emit_dx(e, CONDITION, layout, &acc), w.unit);
	if (!acc) OP_CALL(e, fill, f, 0, 1, .block = w.block, .units = w.units, .flops = (double)w.total);
}

/* The gradient goes where the element came from; nothing to the other one. */
static void bwd(eg_emit *e) {
	const broadcast_job j = broadcast_job_of(e, INPUTS, follows(e), eg_emit_out_layout(e));
	for (int i = A; i <= B; i++) {
		const eg_buf dy = broadcast_out(&j, eg_emit_dy(e, 0, j.layout));
		eg_select_args g = {.at = j.at};
		if (!dy.p || !eg_emit_needs_dx(e, i)) continue;
		whole_strides(&g.at, i);
		*(i == A ? &g.a : &g.b) = dy;
		g.c = broadcast_in(&j, eg_emit_x(e, CONDITION, j.layout), CONDITION);
		g.y = broadcast_grad(e, &j, i, &g.acc);
		OP_CALL(e, select, g, 3, 1, .block = j.job.block, .chunks = j.flat, .units = j.job.units, .flops = (double)j.total);
		broadcast_sum(e, i, g.y);
	}
	if (eg_emit_has_dy(e, 0)) condition_bwd(e);
}

static const eg_case cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 3, .batch = 18, .ties = true},
	{"equal shapes, fixed batch, several chunks", NULL, .in = {OP_DIMS(19, 31, 17), OP_DIMS(19, 31, 17), OP_DIMS(19, 31, 17)}, .nin = 3,
		.batch = 2, .ties = true},
	{"by row, a number else", NULL, .in = {OP_DIMS(EG_N, 1, 5), OP_DIMS(EG_N, 3, 5), {0}}, .nin = 3, .batch = 18, .ties = true},
	{"all repeated", NULL, .in = {OP_DIMS(EG_N, 1, 6, 1), OP_DIMS(1, 3, 1, 1), OP_DIMS(3, 6, 33)}, .nin = 3, .batch = 3, .ties = true},
	{"numbers from 0 on", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7), OP_DIMS(7)}, .nin = 3, .batch = 18},
};

const eg_op eg_op_where = {
	.info = {
		.name = "where",
		.layer = "where",
		.doc = OP_TEXT("Elements of a where the condition is not 0, else of b; dimensions of size 1, and missing ones in front, are repeated"),
		.equation = OP_TEXT("y = a where condition != 0 (NaN too), else b; shapes aligned to the right, the batch first\n"
			    "da = dy where condition != 0, else 0; db the other way round; summed where one was repeated; the condition has none"),
		.source = OP_TEXT("ONNX Where-9, the condition as numbers; numpy.where"),
		.options_size = sizeof(op_name_only),
		.min_inputs = 3,
		.max_inputs = 3,
		.inputs = names,
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = infer,
	.fwd = fwd,
	.bwd = OP_BWD(bwd),
	.bwd_reads_x = true,
	.follows = follows,
	.onnx = "Where",
	.onnx_since = 9,
	OP_CASES(cases),
};

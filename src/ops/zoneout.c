/* zoneout.c - states that now and then stay as they were (Krueger et al. 2017), for cells that are written step by
 * step. Which ones is a function of (seed, node, step), as with dropout; the node is another at each step of a loop.
 *
 * Not here: dropout of a recurrent state, which rnn, lstm and gru have (recurrent.c). */
#include "ops/ops.h"

typedef struct zoneout_options {
	const char *name;
	float rate;
} zoneout_options;

static const eg_attr zoneout_attrs[] = {
	OP_FLOAT(zoneout_options, rate, 0.1, 0, 0.999999, NULL, "probability that a number stays as it was"),
};

enum { NEW, OLD };

static eg_status zoneout_infer(eg_infer *s) {
	char a[128], b[128];
	if (op_check_real(s, NEW, "x") || op_check_real(s, OLD, "old")) return s->err->status;
	if (!eg_dims_fit(&s->in[NEW], &s->in[OLD]))
		return eg_fail(s->err, EG_ERR_SHAPE, "x is %s and old %s; they must have one shape",
		        eg_dims_text(&s->in[NEW], a, sizeof a), eg_dims_text(&s->in[OLD], b, sizeof b));
	s->out[0] = s->in[NEW];
	return EG_OK;
}

static real rate_of(const eg_emit *e) { return (real)((const zoneout_options *)eg_emit_options(e))->rate; }

/* All numbers in rows of what a block holds of one sample. `other`: operand 1 is a number for all. */
static eg_spread spread_of(const eg_emit *e, bool number) {
	const eg_dims d = eg_emit_out_dims(e, 0);
	const int64_t N = d.rank ? d.d[0] : 1, n = d.rank ? eg_dims_count(&d, 1) : 1;
	eg_spread at = {.rank = 2, .rows = EG_BLOCK, .dims = {N, n}, .s = {{n, 1}, {n, 1}, {n, 1}}};
	if (number) at.s[1][0] = at.s[1][1] = 0;
	return at;
}

typedef struct job {
	eg_walk walk;
	bool block;
	int units;
	ptrdiff_t row;
} job;

static job job_of(const eg_emit *e) {
	const eg_spread at = spread_of(e, false);
	job j = {.walk = eg_emit_walk_out(e, 0, EG_PLAIN),
	        .block = eg_emit_out_batched(e, 0),
	        .units = eg_blocks((int)at.dims[0])};
	j.row = (ptrdiff_t)EG_BLOCK * at.dims[1];
	return j;
}

static eg_buf by_rows(const job *j, eg_buf b) { return op_stride(j->block, b, j->row); }

/* 0 where the old number stays; else not 0. */
static eg_buf mask_of(eg_emit *e, const job *j) {
	eg_fill_args ones = {.y = eg_emit_temp(e, EG_ELEM_REAL, j->block ? j->walk.unit : j->walk.total, j->block),
	        .unit = j->walk.unit,
	        .total = j->walk.total,
	        .value = 1};
	eg_dropout_args a = {.state = eg_emit_dropout_state(e),
	        .unit = j->walk.unit,
	        .total = j->walk.total,
	        .node = (uint32_t)eg_emit_node(e),
	        .rate = rate_of(e)};
	ones.y = op_stride(j->block, ones.y, j->walk.unit);
	OP_CALL(e, fill, ones, 0, 1, .block = j->block, .units = j->walk.units, .flops = (double)j->walk.total);
	a.x = a.y = ones.y;
	OP_CALL(e, dropout, a, 2, 1, .block = j->block, .units = j->walk.units, .flops = 10.0 * (double)j->walk.total);
	return by_rows(j, ones.y);
}

static void call_binary(eg_emit *e, const job *j, eg_binary op, eg_buf a, eg_buf b, eg_buf y, bool number) {
	eg_binary_args g = {.a = a, .b = b, .y = y, .at = spread_of(e, number), .op = op};
	OP_CALL(e, binary, g, 2, 1, .block = j->block, .units = j->units, .flops = (double)j->walk.total);
}

static eg_buf number(eg_emit *e, real value) {
	eg_fill_args f = {.y = eg_emit_temp(e, EG_ELEM_REAL, 1, false), .unit = 1, .total = 1, .value = value};
	OP_CALL(e, fill, f, 0, 1, .units = 1, .flops = 1);
	return f.y;
}

/* The expectation: new + rate (old - new). */
static void expect(eg_emit *e, const job *j, eg_buf new, eg_buf old, eg_buf y) {
	const eg_buf difference = by_rows(
	        j, eg_emit_temp(e, EG_ELEM_REAL, j->block ? j->walk.unit : j->walk.total, j->block));
	call_binary(e, j, EG_BINARY_SUB, old, new, difference, false);
	call_binary(e, j, EG_BINARY_MUL, difference, number(e, rate_of(e)), difference, true);
	call_binary(e, j, EG_BINARY_ADD, new, difference, y, false);
}

static void zoneout_fwd(eg_emit *e) {
	const job j = job_of(e);
	if (rate_of(e) == 0) {
		eg_emit_same(e, NEW, EG_PLAIN);
		return;
	}
	const eg_buf new = by_rows(&j, eg_emit_x(e, NEW, EG_PLAIN)), old = by_rows(&j, eg_emit_x(e, OLD, EG_PLAIN)),
	             y = by_rows(&j, eg_emit_y(e, 0, EG_PLAIN));
	if (!eg_emit_training(e)) {
		expect(e, &j, new, old, y);
		return;
	}
	eg_select_args s = {.c = mask_of(e, &j), .a = new, .b = old, .y = y, .at = spread_of(e, false)};
	OP_CALL(e, select, s, 3, 1, .block = j.block, .units = j.units, .flops = (double)j.walk.total);
}

/* Of the expectation: to both, by their shares. */
static void expect_bwd(eg_emit *e, const job *j, eg_buf dy) {
	for (int i = NEW; i <= OLD; i++) {
		bool acc;
		if (!eg_emit_needs_dx(e, i)) continue;
		const eg_buf dx = by_rows(j, eg_emit_dx(e, i, EG_PLAIN, &acc));
		const eg_buf share = number(e, i == OLD ? rate_of(e) : 1 - rate_of(e));
		const eg_buf part = acc ? by_rows(j, eg_emit_temp(e, EG_ELEM_REAL, j->block ? j->walk.unit : j->walk.total, j->block)) : dx;
		call_binary(e, j, EG_BINARY_MUL, dy, share, part, true);
		if (acc) call_binary(e, j, EG_BINARY_ADD, dx, part, dx, false);
	}
}

/* The gradient goes where the number came from. */
static void zoneout_bwd(eg_emit *e) {
	const job j = job_of(e);
	const eg_buf dy = by_rows(&j, eg_emit_dy(e, 0, EG_PLAIN));
	if (!dy.p) return;
	if (rate_of(e) == 0) {
		if (eg_emit_needs_dx(e, NEW)) eg_emit_dx_same(e, NEW, EG_PLAIN);
		return;
	}
	if (!eg_emit_training(e)) {
		expect_bwd(e, &j, dy);
		return;
	}
	const eg_buf mask = mask_of(e, &j);
	for (int i = NEW; i <= OLD; i++) {
		eg_select_args s = {.c = mask, .at = spread_of(e, false)};
		if (!eg_emit_needs_dx(e, i)) continue;
		*(i == NEW ? &s.a : &s.b) = dy;
		s.y = by_rows(&j, eg_emit_dx(e, i, EG_PLAIN, &s.acc));
		OP_CALL(e, select, s, 3, 1, .block = j.block, .units = j.units, .flops = (double)j.walk.total);
	}
}

static const eg_case zoneout_cases[] = {
	{"rows", &(const zoneout_options){.rate = 0.4f}, .in = {OP_DIMS(EG_N, 37), OP_DIMS(EG_N, 37)}, .nin = 2,
		.batch = 18, .random = true},
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7), OP_DIMS(EG_N, 3, 5, 7)}, .nin = 2, .batch = 3,
		.random = true},
	{"fixed batch, several chunks", &(const zoneout_options){.rate = 0.7f},
		.in = {OP_DIMS(7, 23, 31), OP_DIMS(7, 23, 31)}, .nin = 2, .batch = 2, .random = true},
	{"never", &(const zoneout_options){.rate = EG_ZERO_F}, .in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 5)}, .nin = 2,
		.batch = 18},
};

const eg_op eg_op_zoneout = {
	.info =
		{
			.name = "zoneout",
			.layer = "zoneout",
			.doc = OP_TEXT("In training, numbers of a state stay at random as they were before the step; else "
			       "their expectation"),
			.equation =
				"training: y = old with probability rate, else x; otherwise y = (1 - rate) x + rate old",
			.source = OP_TEXT("Krueger et al. 2017"),
			.attrs = zoneout_attrs,
			.nattrs = EG_COUNT(zoneout_attrs),
			.options_size = sizeof(zoneout_options),
			.shorthand = "rate",
			.min_inputs = 2,
			.max_inputs = 2,
			.inputs = (const char *const[]){"x", "old"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = zoneout_infer,
	.fwd = zoneout_fwd,
	.bwd = OP_BWD(zoneout_bwd),
	OP_CASES(zoneout_cases),
};

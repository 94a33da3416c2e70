/* variadic.c - sum, mean of any number of tensors with broadcasting; and what max and min do with more than two
 * (variadic.h).
 *
 * Not here: the sum of two that is fused with what comes before and behind it (add.c); max and min of two
 * (binary.c). */
#include "ops/variadic.h"

#include "ops/broadcast.h"
#include "ops/flat.h"

eg_status variadic_infer(eg_infer *s) {
	char text[EG_MAX_INPUTS][16];
	const char *names[EG_MAX_INPUTS];
	for (int i = 0; i < s->nin; i++) {
		snprintf(text[i], sizeof text[i], "x%d", i + 1);
		names[i] = text[i];
	}
	return broadcast_infer(s, names, 0, s->nin);
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* Output 0 as it is walked over, in the layout that all inputs have or in PLAIN. */
typedef struct job {
	eg_emit *e;
	eg_dims y;
	eg_layout layout;
	eg_spread at;
	op_blocks cut;
	int64_t ystride, total;
	bool flat;
} job;

static job job_of(eg_emit *e, bool flat, eg_layout layout) {
	job j = {.e = e, .y = eg_emit_out_dims(e, 0), .flat = flat, .layout = flat ? layout : EG_PLAIN};
	const broadcast_job b = broadcast_job_of(e, 0, flat, layout);
	j.at = b.at;
	j.cut = b.job;
	j.ystride = b.ystride;
	j.total = b.total;
	return j;
}

/* Operand `slot` of a call is input i, or, i < 0, has the shape of y; the buffer as the job's units find it. */
static eg_buf place(const job *j, eg_spread *at, int slot, int i, eg_buf b) {
	if (j->flat) {
		at->s[slot][0] = 1;
	} else if (i < 0) {
		broadcast_strides(&j->y, &j->y, at->s[slot]);
	} else {
		const eg_dims x = eg_emit_in_dims(j->e, i);
		broadcast_strides(&x, &j->y, at->s[slot]);
	}
	return op_stride(j->cut.block, b, j->flat ? j->at.rows : at->s[slot][0] * j->at.rows);
}

/* y = op(a, b); ia, ib as in place. */
static void call(const job *j, eg_binary op, eg_buf a, int ia, eg_buf b, int ib, eg_buf y) {
	eg_emit *e = j->e;
	eg_binary_args g = {.at = j->at, .op = op};
	g.a = place(j, &g.at, 0, ia, a);
	g.b = place(j, &g.at, 1, ib, b);
	g.y = op_stride(j->cut.block, y, j->ystride);
	OP_CALL(e, binary, g, 2, 1, .block = j->cut.block, .chunks = j->flat, .units = j->cut.units,
		.flops = (double)j->total);
}

static void chain(const job *j, eg_binary op, eg_buf y) {
	const eg_buf first = eg_emit_x(j->e, 0, j->layout), second = eg_emit_x(j->e, 1, j->layout);
	call(j, op, first, 0, second, 1, y);
	for (int i = 2; i < eg_emit_nin(j->e); i++) call(j, op, y, -1, eg_emit_x(j->e, i, j->layout), i, y);
}

void variadic_fwd(eg_emit *e, eg_binary op) {
	const job j = job_of(e, false, EG_PLAIN);
	chain(&j, op, eg_emit_y(e, 0, EG_PLAIN));
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* The gradient of input i = [that +] d, which has the shape of y, summed where the input was repeated. */
static void give(eg_emit *e, int i, eg_buf d) {
	const eg_dims x = eg_emit_in_dims(e, i), y = eg_emit_out_dims(e, 0);
	int64_t s[EG_KDIMS];
	bool acc;
	const eg_buf dx = eg_emit_dx(e, i, EG_PLAIN, &acc);
	if (broadcast_same(&x, &y)) {
		flat_copy(e, d, dx, eg_dims_count(&y, 0), acc, EG_F32);
		return;
	}
	broadcast_strides(&x, &y, s);
	flat_sum_spread(e, d, dx, &y, s, eg_dims_count(&x, 0), acc);
}

static bool any_wanted(const eg_emit *e) {
	bool any = false;
	for (int i = 0; i < eg_emit_nin(e); i++) any |= eg_emit_needs_dx(e, i);
	return any && eg_emit_has_dy(e, 0);
}

/* 1 where input i is y, in the shape of y. */
static eg_buf chosen(const job *j, int i, eg_buf y) {
	const eg_buf is = flat_temp(j->e, j->total);
	call(j, EG_BINARY_EQUAL, eg_emit_x(j->e, i, EG_PLAIN), i, y, -1, is);
	return is;
}

void variadic_choice_bwd(eg_emit *e, eg_binary op) {
	if (!any_wanted(e)) return;
	job j = job_of(e, false, EG_PLAIN);
	j.cut = (op_blocks){
		false, eg_blocks((int)j.at.dims[0])}; /* sums over repeats are global jobs, and so is what they read */
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN), y = flat_temp(e, j.total), count = flat_temp(e, j.total),
		     share = flat_temp(e, j.total);
	chain(&j, op, y); /* once more: with two inputs, the common case, nobody has to keep it */
	for (int i = 0; i < eg_emit_nin(e); i++) {
		const eg_buf is = chosen(&j, i, y);
		if (i == 0)
			flat_copy(e, is, count, j.total, false, EG_F32);
		else
			flat_binary(e, EG_BINARY_ADD, count, is, count, j.total);
	}
	flat_binary(e, EG_BINARY_DIV, dy, count, share, j.total);
	for (int i = 0; i < eg_emit_nin(e); i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		const eg_buf is = chosen(&j, i, y);
		flat_binary(e, EG_BINARY_MUL, is, share, is, j.total);
		give(e, i, is);
	}
}

/* ---- sum, mean --------------------------------------------------------------------------------------------------- */

static bool sum_follows(const eg_emit *e) { return broadcast_alike(e, eg_emit_nin(e)); }

static void sum_fwd(eg_emit *e) {
	const job j = job_of(e, sum_follows(e), eg_emit_in_layout(e, 0));
	chain(&j, EG_BINARY_ADD, eg_emit_y(e, 0, j.layout));
}

static void sum_bwd(eg_emit *e) {
	if (!any_wanted(e)) return;
	for (int i = 0; i < eg_emit_nin(e); i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		if (sum_follows(e))
			eg_emit_dx_same(e, i, eg_emit_out_layout(e));
		else
			give(e, i, eg_emit_dy(e, 0, EG_PLAIN));
	}
}

static int64_t size_of(const eg_emit *e) {
	const eg_dims y = eg_emit_out_dims(e, 0);
	return eg_dims_count(&y, 0);
}

static void mean_fwd(eg_emit *e) {
	const job j = job_of(e, false, EG_PLAIN);
	const eg_buf y = eg_emit_y(e, 0, EG_PLAIN); /* once: the next would be another buffer */
	chain(&j, EG_BINARY_ADD, y);
	flat_scale(e, y, y, size_of(e), (real)1 / (real)eg_emit_nin(e));
}

static void mean_bwd(eg_emit *e) {
	if (!any_wanted(e)) return;
	const eg_buf d = flat_temp(e, size_of(e));
	flat_scale(e, eg_emit_dy(e, 0, EG_PLAIN), d, size_of(e), (real)1 / (real)eg_emit_nin(e));
	for (int i = 0; i < eg_emit_nin(e); i++)
		if (eg_emit_needs_dx(e, i)) give(e, i, d);
}

static const eg_case cases[] = {
	{"three of the same shape", NULL,
		.in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 3, .batch = 18},
	{"four, repeated", NULL, .in = {OP_DIMS(EG_N, 1, 6), OP_DIMS(5, 1), {0}, OP_DIMS(EG_N, 5, 6)}, .nin = 4,
		.batch = 3},
	{"two, an open size", NULL, .in = {OP_DIMS(EG_N, EG_NAMED, 3), OP_DIMS(3)}, .nin = 2, .batch = 18,
		.sizes = OP_SIZES({"rows", 4})},
	{"fixed, several chunks", NULL, .in = {OP_DIMS(19, 31, 9), OP_DIMS(19, 31, 9), OP_DIMS(31, 1)}, .nin = 3,
		.batch = 2},
};

#define VARIADIC(op, text, formula, op_onnx, ...) \
	const eg_op eg_op_##op = { \
		.info = {.name = #op, \
			.layer = #op, \
			.doc = OP_TEXT(text), \
			.equation = OP_TEXT(formula "; shapes aligned to the right, dimensions of size 1 and missing ones in " \
					    "front repeated, the batch first; summed where one was repeated"), \
			.source = OP_TEXT("ONNX " op_onnx "-13"), \
			.options_size = sizeof(op_name_only), \
			.min_inputs = 2, \
			.max_inputs = 2, \
			.variadic = true, \
			.inputs = (const char *const[]){"x1", "x2"}, \
			.outputs = (const char *const[]){"y", NULL}}, \
		.infer = variadic_infer, \
		.fwd = op##_fwd, \
		.bwd = OP_BWD(op##_bwd), \
		.onnx = op_onnx, \
		.onnx_since = 13, \
		OP_CASES(cases), \
		__VA_ARGS__}

VARIADIC(sum, "The sum of two or more tensors, with broadcasting", "y = x1 + x2 + ...; dx_i = dy", "Sum",
	.follows = sum_follows);
VARIADIC(mean, "The mean of two or more tensors, element by element, with broadcasting",
	"y = (x1 + ... + xn) / n; dx_i = dy / n", "Mean", .follows = NULL);

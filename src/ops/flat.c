/* flat.c - calls on whole tensors as runs of numbers (flat.h). */
#include "ops/flat.h"

static int units_of(int64_t n) { return (int)((n + EG_CHUNK - 1) / EG_CHUNK); }
static eg_buf chunk(eg_buf b) { return op_stride(false, b, EG_CHUNK); }

void flat_fill(eg_emit *e, eg_buf y, int64_t n, real value) {
	eg_fill_args a = {.y = chunk(y), .unit = EG_CHUNK, .total = n, .value = value};
	OP_CALL(e, fill, a, 0, 1, .chunks = true, .units = units_of(n), .flops = (double)n);
}

/* Integers are moved by the kernel that knows them. */
static void copy_integers(eg_emit *e, eg_buf x, eg_buf y, int64_t n) {
	eg_strided_args a = {.x = x,
		.y = y,
		.rank = 1,
		.pieces = units_of(n),
		.size = {(int)n},
		.step = {1},
		.count = {(int)n},
		.stride = {1},
		.rows = 1,
		.total = 1,
		.integers = true};
	OP_CALL(e, strided, a, 1, 1, .units = a.pieces, .flops = (double)n);
}

void flat_copy(eg_emit *e, eg_buf x, eg_buf y, int64_t n, bool acc, eg_dtype type) {
	eg_map_args a = {.x = chunk(x), .y = chunk(y), .unit = EG_CHUNK, .total = n, .acc = acc};
	if (type != EG_F32)
		copy_integers(e, x, y, n);
	else
		OP_CALL(e, copy, a, 1, 1, .chunks = true, .units = units_of(n), .flops = (double)n);
}

void flat_binary(eg_emit *e, eg_binary op, eg_buf a, eg_buf b, eg_buf y, int64_t n) {
	eg_binary_args g = {.a = chunk(a),
		.b = chunk(b),
		.y = chunk(y),
		.op = op,
		.at = {.rank = 1, .rows = EG_CHUNK, .dims = {n}, .s = {{1}, {1}}}};
	OP_CALL(e, binary, g, 2, 1, .chunks = true, .units = units_of(n), .flops = (double)n);
}

void flat_not(eg_emit *e, eg_buf x, eg_buf y, int64_t n) {
	eg_unary_args a = {.x = chunk(x), .y = chunk(y), .unit = EG_CHUNK, .total = n, .op = EG_UNARY_NOT};
	OP_CALL(e, unary_fwd, a, 1, 1, .chunks = true, .units = units_of(n), .flops = (double)n);
}

void flat_scale(eg_emit *e, eg_buf x, eg_buf y, int64_t n, real factor) {
	const eg_buf one = flat_temp(e, 1);
	eg_binary_args g = {.a = chunk(x),
		.b = op_stride(false, one, 0),
		.y = chunk(y),
		.op = EG_BINARY_MUL,
		.at = {.rank = 1, .rows = EG_CHUNK, .dims = {n}, .s = {{1}, {0}}}};
	flat_fill(e, one, 1, factor);
	OP_CALL(e, binary, g, 2, 1, .units = units_of(n), .flops = (double)n);
}

void flat_add_spread(eg_emit *e, eg_buf b, eg_buf y, const eg_dims *dims, const int64_t *sb) {
	eg_binary_args g = {.a = y,
		.b = b,
		.y = y,
		.op = EG_BINARY_ADD,
		.at = {.rank = dims->rank ? dims->rank : 1, .rows = EG_BLOCK, .dims = {1}}};
	int64_t step = 1;
	for (int i = dims->rank - 1; i >= 0; i--) {
		g.at.dims[i] = dims->d[i];
		g.at.s[0][i] = step;
		g.at.s[1][i] = sb[i];
		step *= dims->d[i];
	}
	g.a.stride = g.y.stride = (ptrdiff_t)(g.at.s[0][0] * EG_BLOCK);
	g.b.stride = (ptrdiff_t)(g.at.s[1][0] * EG_BLOCK);
	OP_CALL(e, binary, g, 2, 1, .units = (int)((g.at.dims[0] + EG_BLOCK - 1) / EG_BLOCK), .flops = (double)step);
}

void flat_sum_spread(eg_emit *e, eg_buf y, eg_buf b, const eg_dims *dims, const int64_t *sb, int64_t count, bool acc) {
	eg_sum_to_args a = {.x = y, .y = b, .rank = dims->rank, .count = count, .acc = acc};
	for (int i = 0; i < dims->rank; i++) {
		a.dims[i] = dims->d[i];
		a.sy[i] = sb[i];
	}
	OP_CALL(e, sum_to, a, 1, 1, .units = (int)((count + EG_BLOCK - 1) / EG_BLOCK),
		.flops = (double)eg_dims_count(dims, 0));
}

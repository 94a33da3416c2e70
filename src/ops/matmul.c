/* matmul.c - matmul, gemm: products of matrices that are both computed or given, not weights (for those: linear.c),
 * and of stacks of them.
 *
 * A stack times one matrix is one product of all rows. Else each matrix of the stack is a product of its own, all in
 * one job; where one side is repeated its gradient is the sum over the repeats, within that job. Not here: sums over
 * other dimensions than those (einsum.c). */
#include "ops/broadcast.h"
#include "ops/dense.h"
#include "ops/flat.h"

typedef struct matmul_options {
	const char *name;
	bool trans_a, trans_b;
} matmul_options;

static const eg_attr matmul_attrs[] = {
	OP_BOOL(matmul_options, trans_a, NULL, "a's matrices are turned: the last two dimensions change places"),
	OP_BOOL(matmul_options, trans_b, NULL, "b's matrices are turned"),
};

/* ---- one product, or many ---------------------------------------------------------------------------------------- */

/* y (dims.., m, n) = op(a) op(b), of which a and b have the strides sa and sb in the dimensions of the stack, 0 where
 * they are repeated. */
typedef struct product {
	int m, k, n, rank;
	bool ta, tb;
	int64_t dims[EG_KDIMS], sa[EG_KDIMS], sb[EG_KDIMS], sy[EG_KDIMS];
} product;

/* The call of which c is the result, with dimensions of the stack that c has not behind the others, to be summed
 * over. */
static void call(
	eg_emit *e, const product *p, eg_gemm_args one, const int64_t *sa, const int64_t *sb, const int64_t *sc) {
	eg_gemm_batch_args g = {.a = one.a, .b = one.b, .c = one.c, .m = one.m, .n = one.n, .k = one.k, .lda = one.lda,
		.ldb = one.ldb, .ldc = one.ldc, .ta = one.ta, .tb = one.tb, .acc = one.acc};
	for (int summed = 0; summed <= 1; summed++)
		for (int d = 0; d < p->rank; d++) {
			if ((sc[d] == 0) != (summed == 1)) continue;
			g.dims[g.rank] = p->dims[d];
			g.sa[g.rank] = sa[d];
			g.sb[g.rank] = sb[d];
			g.sc[g.rank++] = sc[d];
		}
	if (g.rank)
		dense_gemm_batch(e, g);
	else
		dense_gemm(e, one);
}

static void product_fwd(eg_emit *e, const product *p, eg_buf a, eg_buf b, eg_buf y) {
	const eg_gemm_args g = {.a = a,
		.b = b,
		.c = y,
		.m = p->m,
		.n = p->n,
		.k = p->k,
		.lda = p->ta ? p->m : p->k,
		.ldb = p->tb ? p->k : p->n,
		.ldc = p->n,
		.ta = p->ta,
		.tb = p->tb};
	call(e, p, g, p->sa, p->sb, p->sy);
}

/* da = dy op(b)^T, or, turned, op(b) dy^T. */
static void product_bwd_a(eg_emit *e, const product *p, eg_buf dy, eg_buf b) {
	eg_gemm_args g = {.a = dy,
		.b = b,
		.m = p->m,
		.n = p->k,
		.k = p->n,
		.lda = p->n,
		.ldb = p->tb ? p->k : p->n,
		.ldc = p->k,
		.tb = !p->tb};
	bool acc;
	const eg_buf da = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	if (p->ta)
		g = (eg_gemm_args){.a = b,
			.b = dy,
			.m = p->k,
			.n = p->m,
			.k = p->n,
			.lda = g.ldb,
			.ldb = p->n,
			.ldc = p->m,
			.ta = p->tb,
			.tb = true};
	g.c = da;
	g.acc = acc;
	call(e, p, g, p->ta ? p->sb : p->sy, p->ta ? p->sy : p->sb, p->sa);
}

/* db = op(a)^T dy, or, turned, dy^T op(a). */
static void product_bwd_b(eg_emit *e, const product *p, eg_buf dy, eg_buf a) {
	eg_gemm_args g = {.a = a,
		.b = dy,
		.m = p->k,
		.n = p->n,
		.k = p->m,
		.lda = p->ta ? p->m : p->k,
		.ldb = p->n,
		.ldc = p->n,
		.ta = !p->ta};
	bool acc;
	const eg_buf db = eg_emit_dx(e, 1, EG_PLAIN, &acc);
	if (p->tb)
		g = (eg_gemm_args){.a = dy,
			.b = a,
			.m = p->n,
			.n = p->k,
			.k = p->m,
			.lda = p->n,
			.ldb = g.lda,
			.ldc = p->k,
			.ta = true,
			.tb = p->ta};
	g.c = db;
	g.acc = acc;
	call(e, p, g, p->tb ? p->sy : p->sa, p->tb ? p->sa : p->sy, p->sb);
}

/* ---- matmul ------------------------------------------------------------------------------------------------------ */

/* An operand as matrices: a row or a column where it has one dimension. */
typedef struct operand {
	int64_t rows, columns;
	int stack; /* dimensions before these */
} operand;

static operand operand_of(const eg_dims *d, bool turned, bool right) {
	if (d->rank == 1) return right ? (operand){d->d[0], 1, 0} : (operand){1, d->d[0], 0};
	const int64_t r = d->d[d->rank - 2], c = d->d[d->rank - 1];
	return turned ? (operand){c, r, d->rank - 2} : (operand){r, c, d->rank - 2};
}

static eg_status no_fit(eg_infer *s) {
	char ta[128], tb[128];
	return eg_fail(s->err, EG_ERR_SHAPE,
		"a is %s and b is %s; they must be (...,M,K) and (...,K,N), or one of them (K): dimensions before the "
		"last two equal, or 1 or "
		"missing in one, and the batch the first of the result",
		eg_dims_text(&s->in[0], ta, sizeof ta), eg_dims_text(&s->in[1], tb, sizeof tb));
}

/* Dimension i of `stack` of the result; 0: they do not fit. */
static int64_t stack_size(const eg_dims *a, int na, const eg_dims *b, int nb, int i, int stack) {
	const int ia = i - (stack - na), ib = i - (stack - nb);
	const int64_t da = ia < 0 ? 1 : a->d[ia], db = ib < 0 ? 1 : b->d[ib];
	if (da == 1 || db == 1) return da == 1 ? db : da;
	if (eg_dim_is_batch(da) != eg_dim_is_batch(db) || !eg_dim_fits(da, db)) return 0;
	return eg_dim_surer(da, db);
}

static eg_status matmul_infer(eg_infer *s) {
	const matmul_options *o = s->options;
	const eg_dims *a = &s->in[0], *b = &s->in[1];
	eg_dims *y = &s->out[0];
	if (op_check_real(s, 0, "a") || op_check_real(s, 1, "b")) return s->err->status;
	if (a->rank < 1 || b->rank < 1) return no_fit(s);
	const operand left = operand_of(a, o->trans_a, false), right = operand_of(b, o->trans_b, true);
	const int stack = left.stack > right.stack ? left.stack : right.stack;
	bool fits = eg_dim_fits(left.columns, right.rows) && !eg_dim_is_batch(left.columns) &&
		    !eg_dim_is_batch(right.rows) && !eg_dim_is_batch(right.columns);
	fits = fits && (!eg_dim_is_batch(left.rows) || stack == 0);
	for (int i = 0; i < stack && fits; i++) {
		y->d[i] = stack_size(a, left.stack, b, right.stack, i, stack);
		fits = y->d[i] != 0 && (i == 0 || !eg_dim_is_batch(y->d[i]) ||
					       op_time_first(left.stack == stack ? &s->declared[0] : &s->declared[1]));
	}
	if (!fits) return no_fit(s);
	y->rank = stack;
	if (a->rank > 1) y->d[y->rank++] = left.rows;
	if (b->rank > 1) y->d[y->rank++] = right.columns;
	s->info->macs = eg_dims_known(y, 0) * (left.columns > 0 ? left.columns : right.rows > 0 ? right.rows : 1);
	return EG_OK;
}

/* A dimension of the stack goes into the one before where all three are walked in one stride. */
static void merge_stack(product *p) {
	int n = 0;
	for (int d = 0; d < p->rank; d++) {
		if (p->dims[d] == 1) continue;
		if (n && p->sa[n - 1] == p->sa[d] * p->dims[d] && p->sb[n - 1] == p->sb[d] * p->dims[d]) {
			p->dims[n - 1] *= p->dims[d];
		} else {
			n++;
			p->dims[n - 1] = p->dims[d];
		}
		p->sa[n - 1] = p->sa[d];
		p->sb[n - 1] = p->sb[d];
		p->sy[n - 1] = p->sy[d];
	}
	p->rank = n;
}

static product matmul_product(const eg_emit *e) {
	const matmul_options *o = eg_emit_options(e);
	const eg_dims a = eg_emit_in_dims(e, 0), b = eg_emit_in_dims(e, 1);
	const operand left = operand_of(&a, o->trans_a, false), right = operand_of(&b, o->trans_b, true);
	product p = {.m = (int)left.rows,
		.k = (int)left.columns,
		.n = (int)right.columns,
		.rank = left.stack > right.stack ? left.stack : right.stack,
		.ta = o->trans_a && a.rank > 1,
		.tb = o->trans_b && b.rank > 1};
	int64_t sa = left.rows * left.columns, sb = right.rows * right.columns, sy = left.rows * right.columns;
	for (int d = p.rank - 1; d >= 0; d--) {
		const int ia = d - (p.rank - left.stack), ib = d - (p.rank - right.stack);
		const int64_t da = ia < 0 ? 1 : a.d[ia], db = ib < 0 ? 1 : b.d[ib];
		p.dims[d] = da > db ? da : db;
		p.sa[d] = da == 1 ? 0 : sa;
		p.sb[d] = db == 1 ? 0 : sb;
		p.sy[d] = sy;
		sa *= da;
		sb *= db;
		sy *= p.dims[d];
	}
	merge_stack(&p);
	if (p.rank == 1 && !p.ta && p.sb[0] == 0 && p.sa[0] == (int64_t)p.m * p.k &&
		p.dims[0] * p.m <= INT32_MAX) { /* all rows at once */
		p.m *= (int)p.dims[0];
		p.rank = 0;
	}
	return p;
}

/* A constant b is packed as weights are. */
static bool by_packing(const eg_emit *e, const product *p) {
	return eg_emit_in_constant(e, 1) && p->rank == 0 && !p->ta;
}

static void matmul_fwd(eg_emit *e) {
	const product p = matmul_product(e);
	if (by_packing(e, &p)) {
		eg_gemm_packed_args g = {
			.a = eg_emit_x(e, 0, EG_PLAIN), .m = p.m, .n = p.n, .k = p.k, .lda = p.k, .ldc = p.n};
		g.b = dense_packed(e, eg_emit_x(e, 1, EG_PLAIN), p.k, p.n, p.tb ? p.k : p.n, p.tb);
		g.c = eg_emit_y(e, 0, EG_PLAIN);
		dense_product(e, g);
		return;
	}
	const eg_buf a = eg_emit_x(e, 0, EG_PLAIN), b = eg_emit_x(e, 1, EG_PLAIN);
	product_fwd(e, &p, a, b, eg_emit_y(e, 0, EG_PLAIN));
}

static void constant_bwd(eg_emit *e, const product *p, eg_buf dy) {
	if (!eg_emit_needs_dx(e, 0)) return;
	eg_gemm_packed_args g = {.a = dy, .m = p->m, .n = p->k, .k = p->n, .lda = p->n, .ldc = p->k};
	g.b = dense_packed(e, eg_emit_x(e, 1, EG_PLAIN), p->n, p->k, p->tb ? p->k : p->n, !p->tb);
	g.c = eg_emit_dx(e, 0, EG_PLAIN, &g.acc);
	dense_product(e, g);
}

static void matmul_bwd(eg_emit *e) {
	const product p = matmul_product(e);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	if (by_packing(e, &p)) {
		constant_bwd(e, &p, dy);
		return;
	}
	if (eg_emit_needs_dx(e, 0)) product_bwd_a(e, &p, dy, eg_emit_x(e, 1, EG_PLAIN));
	if (eg_emit_needs_dx(e, 1)) product_bwd_b(e, &p, dy, eg_emit_x(e, 0, EG_PLAIN));
}

#define MATMUL(...) \
	&(const matmul_options) { __VA_ARGS__ }
static const eg_case matmul_cases[] = {
	{"two blocks", NULL, .in = {OP_DIMS(EG_N, 13), OP_DIMS(13, 7)}, .nin = 2, .batch = 18, .linear = true},
	{"fixed", NULL, .in = {OP_DIMS(9, 37), OP_DIMS(37, 40)}, .nin = 2, .batch = 2, .linear = true},
	{"one row", NULL, .in = {OP_DIMS(1, 33), OP_DIMS(33, 130)}, .nin = 2, .batch = 1, .linear = true},
	{"one column", NULL, .in = {OP_DIMS(50, 21), OP_DIMS(21, 1)}, .nin = 2, .batch = 1, .linear = true},
	{"both turned", MATMUL(.trans_a = true, .trans_b = true), .in = {OP_DIMS(5, 6), OP_DIMS(7, 5)}, .nin = 2,
		.batch = 1, .linear = true},
	{"stacks", NULL, .in = {OP_DIMS(EG_N, 2, 5, 3), OP_DIMS(EG_N, 2, 3, 4)}, .nin = 2, .batch = 18, .linear = true},
	{"stacks, the right one turned and repeated, an open size", MATMUL(.trans_b = true),
		.in = {OP_DIMS(EG_N, 3, EG_NAMED, 4), OP_DIMS(3, 6, 4)}, .nin = 2, .batch = 3,
		.sizes = OP_SIZES({"rows", 5}), .linear = true},
	{"stacks, the left one turned, both repeated", MATMUL(.trans_a = true),
		.in = {OP_DIMS(2, 1, 4, 3), OP_DIMS(5, 4, 7)}, .nin = 2, .batch = 2, .linear = true},
	{"stacks turned, one of them alone", MATMUL(.trans_a = true, .trans_b = true),
		.in = {OP_DIMS(4, 3), OP_DIMS(EG_N, 7, 4)}, .nin = 2, .batch = 5, .linear = true},
	{"a stack and a matrix", NULL, .in = {OP_DIMS(EG_T, EG_N, 2, 3), OP_DIMS(3, 4)}, .nin = 2, .batch = 5,
		.time = 3, .linear = true},
	{"a vector and a stack", NULL, .in = {OP_DIMS(4), OP_DIMS(EG_N, 4, 6)}, .nin = 2, .batch = 3, .linear = true},
	{"a stack and a vector", NULL, .in = {OP_DIMS(EG_N, 2, 4, 6), OP_DIMS(6)}, .nin = 2, .batch = 3,
		.linear = true},
	{"two vectors", NULL, .in = {OP_DIMS(33), OP_DIMS(33)}, .nin = 2, .batch = 1, .linear = true},
};

const eg_op eg_op_matmul = {
	.info = {
		.name = "matmul",
		.layer = "matmul",
		.doc = OP_TEXT("The product of two matrices, both computed or given, or of two stacks of them"),
		.equation = OP_TEXT("y (...,M,N) = a (...,M,K) b (...,K,N) for each index of the dimensions before, of "
			    "which those of size 1 and missing ones are repeated; "
			    "a (K) is a row, b (K) a column, which y then has not; trans_a, trans_b: a "
			    "(...,K,M), b (...,N,K); da = dy b^T, db = a^T dy, summed over repeats"),
		.source = OP_TEXT("ONNX MatMul-13; numpy.matmul"),
		.attrs = matmul_attrs,
		.nattrs = EG_COUNT(matmul_attrs),
		.options_size = sizeof(matmul_options),
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = (const char *const[]){"a", "b"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = matmul_infer,
	.fwd = matmul_fwd,
	.bwd = OP_BWD(matmul_bwd),
	.bwd_reads_x = true,
	.onnx = "MatMul",
	.onnx_since = 13,
	OP_CASES(matmul_cases),
};

/* ---- gemm -------------------------------------------------------------------------------------------------------- */

typedef struct gemm_options {
	const char *name;
	float alpha, beta;
	bool trans_a, trans_b;
} gemm_options;

static const eg_attr gemm_attrs[] = {
	OP_FLOAT(gemm_options, alpha, 1, -1e9, 1e9, "alpha", "factor of the product"),
	OP_FLOAT(gemm_options, beta, 1, -1e9, 1e9, "beta", "factor of c"),
	OP_BOOL(gemm_options, trans_a, "transA", "a is turned: (K,M)"),
	OP_BOOL(gemm_options, trans_b, "transB", "b is turned: (N,K)"),
};

static eg_status gemm_infer(eg_infer *s) {
	const gemm_options *o = s->options;
	const eg_dims *a = &s->in[0], *b = &s->in[1], *c = &s->in[2];
	char ta[128], tb[128], tc[128];
	if (op_check_real(s, 0, "a") || op_check_real(s, 1, "b")) return s->err->status;
	const int64_t m = a->d[o->trans_a], k = a->d[!o->trans_a], n = b->d[!o->trans_b];
	bool fits = a->rank == 2 && b->rank == 2 && eg_dim_fits(k, b->d[o->trans_b]) && !eg_dim_is_batch(k) &&
		    !eg_dim_is_batch(b->d[0]) && !eg_dim_is_batch(b->d[1]);
	if (!fits)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"a is %s and b is %s; they must be (M,K) and (K,N), or turned as trans_a and trans_b say, and "
			"the batch no other than M",
			eg_dims_text(a, ta, sizeof ta), eg_dims_text(b, tb, sizeof tb));
	s->out[0] = (eg_dims){2, {m, n}};
	s->info->macs = eg_dims_known(&s->out[0], 0) * (k > 0 ? k : 1);
	if (s->nin < 3 || c->rank < 0) return EG_OK;
	if (op_check_real(s, 2, "c")) return s->err->status;
	for (int i = 1; i <= c->rank && fits; i++) {
		const int64_t d = c->d[c->rank - i], to = i <= 2 ? s->out[0].d[2 - i] : 1;
		fits = d == 1 || (eg_dim_is_batch(d) == eg_dim_is_batch(to) && eg_dim_fits(d, to));
	}
	if (fits && c->rank <= 2) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "c %s cannot be repeated to the shape %s of a b",
		eg_dims_text(c, tc, sizeof tc), eg_dims_text(&s->out[0], ta, sizeof ta));
}

static product gemm_product(const eg_emit *e) {
	const gemm_options *o = eg_emit_options(e);
	const eg_dims a = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	return (product){
		.m = (int)y.d[0], .n = (int)y.d[1], .k = (int)a.d[!o->trans_a], .ta = o->trans_a, .tb = o->trans_b};
}

/* factor x, as a new buffer where that is something else. */
static eg_buf scaled(eg_emit *e, eg_buf x, int64_t n, float factor) {
	if (factor == 1) return x;
	const eg_buf y = flat_temp(e, n);
	flat_scale(e, x, y, n, (real)factor);
	return y;
}

static void gemm_fwd(eg_emit *e) {
	const gemm_options *o = eg_emit_options(e);
	const product p = gemm_product(e);
	const eg_dims dims = eg_emit_out_dims(e, 0);
	const eg_buf a = eg_emit_x(e, 0, EG_PLAIN), b = eg_emit_x(e, 1, EG_PLAIN),
		     c = eg_emit_has_in(e, 2) ? eg_emit_x(e, 2, EG_PLAIN) : (eg_buf){0};
	const eg_buf y = eg_emit_y(e, 0, EG_PLAIN);
	product_fwd(e, &p, a, b, y);
	if (o->alpha != 1) flat_scale(e, y, y, eg_dims_count(&dims, 0), (real)o->alpha);
	if (!c.p) return;
	const eg_dims dc = eg_emit_in_dims(e, 2);
	int64_t sc[EG_KDIMS];
	broadcast_strides(&dc, &dims, sc);
	flat_add_spread(e, scaled(e, c, eg_dims_count(&dc, 0), o->beta), y, &dims, sc);
}

static void gemm_bwd(eg_emit *e) {
	const gemm_options *o = eg_emit_options(e);
	const product p = gemm_product(e);
	const eg_dims dims = eg_emit_out_dims(e, 0);
	const int64_t n = eg_dims_count(&dims, 0);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	if (eg_emit_needs_dx(e, 0) || eg_emit_needs_dx(e, 1)) {
		const eg_buf d = scaled(e, dy, n, o->alpha);
		if (eg_emit_needs_dx(e, 0)) product_bwd_a(e, &p, d, eg_emit_x(e, 1, EG_PLAIN));
		if (eg_emit_needs_dx(e, 1)) product_bwd_b(e, &p, d, eg_emit_x(e, 0, EG_PLAIN));
	}
	if (!eg_emit_has_in(e, 2) || !eg_emit_needs_dx(e, 2)) return;
	const eg_dims dc = eg_emit_in_dims(e, 2);
	const eg_buf d = scaled(e, dy, n, o->beta);
	int64_t sc[EG_KDIMS];
	bool acc;
	broadcast_strides(&dc, &dims, sc);
	const eg_buf to = eg_emit_dx(e, 2, EG_PLAIN, &acc);
	flat_sum_spread(e, d, to, &dims, sc, eg_dims_count(&dc, 0), acc);
}

#define GEMM(...) \
	&(const gemm_options) { __VA_ARGS__ }
static const eg_case gemm_cases[] = {
	{"a bias for each column", GEMM(.trans_b = true), .in = {OP_DIMS(EG_N, 5), OP_DIMS(7, 5), OP_DIMS(7)}, .nin = 3,
		.batch = 18},
	{"factors, both turned, c whole", GEMM(.alpha = 0.5f, .beta = -2, .trans_a = true, .trans_b = true),
		.in = {OP_DIMS(5, 9), OP_DIMS(3, 5), OP_DIMS(9, 3)}, .nin = 3, .batch = 2},
	{"without c", GEMM(.alpha = EG_ZERO_F), .in = {OP_DIMS(4, 6), OP_DIMS(6, 3)}, .nin = 2, .batch = 2,
		.linear = true},
	{"c for each row, turned", GEMM(.beta = 0.25f, .trans_a = true),
		.in = {OP_DIMS(6, 40), OP_DIMS(6, 3), OP_DIMS(40, 1)}, .nin = 3, .batch = 2},
	{"a number", NULL, .in = {OP_DIMS(EG_N, 6), OP_DIMS(6, 3), {0}}, .nin = 3, .batch = 5},
};

const eg_op eg_op_gemm = {
	.info = {
		.name = "gemm",
		.layer = "gemm",
		.doc = OP_TEXT("The product of two matrices, both computed or given, with factors and something added"),
		.equation = OP_TEXT("y (M,N) = alpha a (M,K) b (K,N) + beta c, c being repeated to (M,N); trans_a: a "
			    "(K,M), trans_b: b (N,K); da = alpha dy b^T, db = alpha a^T dy, "
			    "dc = beta dy, summed where c was repeated"),
		.source = OP_TEXT("ONNX Gemm-13"),
		.attrs = gemm_attrs,
		.nattrs = EG_COUNT(gemm_attrs),
		.options_size = sizeof(gemm_options),
		.min_inputs = 2,
		.max_inputs = 3,
		.inputs = (const char *const[]){"a", "b", "c"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = gemm_infer,
	.fwd = gemm_fwd,
	.bwd = OP_BWD(gemm_bwd),
	.bwd_reads_x = true,
	.onnx = "Gemm",
	.onnx_since = 13,
	OP_CASES(gemm_cases),
};

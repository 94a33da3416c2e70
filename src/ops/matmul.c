/* matmul.c - the product of two matrices that are both computed or given, not weights (for those: linear.c). Stacks of matrices are not here. */
#include "ops/dense.h"

static eg_status matmul_infer(eg_infer *s) {
	const eg_dims *a = &s->in[0], *b = &s->in[1];
	char ta[128], tb[128];
	if (op_check_real(s, 0, "a") || op_check_real(s, 1, "b")) return s->err->status;
	if (a->rank != 2 || b->rank != 2 || !eg_dim_fits(a->d[1], b->d[0]))
		return eg_fail(s->err, EG_ERR_SHAPE, "a is %s and b is %s; they must be (M,K) and (K,N)",
			eg_dims_text(a, ta, sizeof ta), eg_dims_text(b, tb, sizeof tb));
	if (op_check_no_batch(s, 0, 1, "a") || op_check_no_batch(s, 1, 0, "b")) return s->err->status;
	s->out[0] = (eg_dims){2, {a->d[0], b->d[1]}};
	s->info->macs = eg_dims_known(a, 0) * eg_dims_known(b, 1);
	return EG_OK;
}

typedef struct sizes {
	int m, k, n;
} sizes;

static sizes sizes_of(const eg_emit *e) {
	eg_dims a = eg_emit_in_dims(e, 0), b = eg_emit_in_dims(e, 1);
	return (sizes){(int)a.d[0], (int)a.d[1], (int)b.d[1]};
}

/* A constant b is packed as weights are. */
static void constant_fwd(eg_emit *e, sizes z) {
	eg_gemm_packed_args g = {.a = eg_emit_x(e, 0, EG_PLAIN), .m = z.m, .n = z.n, .k = z.k, .lda = z.k, .ldc = z.n};
	g.b = dense_packed(e, eg_emit_x(e, 1, EG_PLAIN), z.k, z.n, z.n, false);
	g.c = eg_emit_y(e, 0, EG_PLAIN);
	dense_product(e, g);
}

static void constant_bwd(eg_emit *e, sizes z, eg_buf dy) {
	if (!eg_emit_needs_dx(e, 0)) return;
	eg_gemm_packed_args g = {.a = dy, .m = z.m, .n = z.k, .k = z.n, .lda = z.n, .ldc = z.k};
	g.b = dense_packed(e, eg_emit_x(e, 1, EG_PLAIN), z.n, z.k, z.n, true);
	g.c = eg_emit_dx(e, 0, EG_PLAIN, &g.acc);
	dense_product(e, g);
}

static void matmul_fwd(eg_emit *e) {
	const sizes z = sizes_of(e);
	if (eg_emit_in_constant(e, 1)) {
		constant_fwd(e, z);
		return;
	}
	dense_gemm(e, (eg_gemm_args){.a = eg_emit_x(e, 0, EG_PLAIN),
			      .b = eg_emit_x(e, 1, EG_PLAIN),
			      .c = eg_emit_y(e, 0, EG_PLAIN),
			      .m = z.m,
			      .n = z.n,
			      .k = z.k,
			      .lda = z.k,
			      .ldb = z.n,
			      .ldc = z.n});
}

/* da = dy b^T, db = a^T dy. */
static void matmul_bwd(eg_emit *e) {
	const sizes z = sizes_of(e);
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	if (eg_emit_in_constant(e, 1)) {
		constant_bwd(e, z, dy);
		return;
	}
	if (eg_emit_needs_dx(e, 0)) {
		eg_gemm_args g = {.a = dy,
			.b = eg_emit_x(e, 1, EG_PLAIN),
			.m = z.m,
			.n = z.k,
			.k = z.n,
			.lda = z.n,
			.ldb = z.n,
			.ldc = z.k,
			.tb = true};
		g.c = eg_emit_dx(e, 0, EG_PLAIN, &g.acc);
		dense_gemm(e, g);
	}
	if (eg_emit_needs_dx(e, 1)) {
		eg_gemm_args g = {.a = eg_emit_x(e, 0, EG_PLAIN),
			.b = dy,
			.m = z.k,
			.n = z.n,
			.k = z.m,
			.lda = z.k,
			.ldb = z.n,
			.ldc = z.n,
			.ta = true};
		g.c = eg_emit_dx(e, 1, EG_PLAIN, &g.acc);
		dense_gemm(e, g);
	}
}

static const eg_case matmul_cases[] = {
	{"two blocks", NULL, .in = {OP_DIMS(EG_N, 13), OP_DIMS(13, 7)}, .nin = 2, .batch = 18, .linear = true},
	{"fixed", NULL, .in = {OP_DIMS(9, 37), OP_DIMS(37, 40)}, .nin = 2, .batch = 2, .linear = true},
	{"one row", NULL, .in = {OP_DIMS(1, 33), OP_DIMS(33, 130)}, .nin = 2, .batch = 1, .linear = true},
	{"one column", NULL, .in = {OP_DIMS(50, 21), OP_DIMS(21, 1)}, .nin = 2, .batch = 1, .linear = true},
};

const eg_op eg_op_matmul = {
	.info = {
		.name = "matmul",
		.doc = "The product of two matrices, both computed or given",
		.equation = "y (M,N) = a (M,K) b (K,N); da = dy b^T, db = a^T dy",
		.source = "ONNX MatMul-13 for 2 dimensions",
		.options_size = sizeof(op_name_only),
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = (const char *const[]){"a", "b"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = matmul_infer,
	.fwd = matmul_fwd,
	.bwd = matmul_bwd,
	.bwd_reads_x = true,
	.onnx = "MatMul",
	.onnx_since = 13,
	OP_CASES(matmul_cases),
};

/* linear.c - linear (fully connected) layers, and dense.h, which convolution, attention and recurrence use too. */
#include "ops/dense.h"

/* ---- rows times a matrix ----------------------------------------------------------------------------------------- */

void dense_params(eg_infer *s, eg_dims weight, int64_t fan_in, int64_t fan_out, bool bias, int init, float init_value) {
	bool own = init == EG_INIT_DEFAULT;
	s->params[s->nparams++] = (eg_param_spec){.name = "weight",
		.dims = weight,
		.fan_in = fan_in,
		.fan_out = fan_out,
		.init = own ? EG_INIT_LECUN_UNIFORM : (eg_init_kind)init,
		.value = (double)init_value};
	if (!bias) return;
	s->params[s->nparams++] = (eg_param_spec){.name = "bias",
		.dims = {1, {weight.d[0]}},
		.fan_in = fan_in,
		.fan_out = fan_out,
		.init = own ? EG_INIT_LECUN_UNIFORM : EG_INIT_ZERO,
		.value = 1};
}

enum {
	BLOCK_WEIGHTS = 512 * 1024, /* bytes of packed weights that stay in L2 beside a block's data: beyond them, no
	                             * block job */
	ROWS_MAX = 128,             /* rows of a unit of a global job */
	UNITS_WANTED = 8            /* so many units let a few threads share the work evenly */
};

eg_buf dense_packed(eg_emit *e, eg_buf w, int64_t k, int64_t n, int64_t ld, bool trans) {
	const eg_kernels *kern = eg_emit_kernels(e);
	size_t bytes = kern->gemm_pack_bytes((int)k, (int)n);
	eg_gemm_pack_args a = {.src = w,
		.dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)bytes, false),
		.k = (int)k,
		.n = (int)n,
		.ld = (int)ld,
		.trans = trans};
	OP_CALL(e, gemm_pack, a, 1, 1, .units = kern->gemm_pack_units(a.k, a.n), .form = {a.k, a.n, a.ld, a.trans}, .flops = (double)bytes);
	return a.dst;
}

void dense_product(eg_emit *e, eg_gemm_packed_args g) {
	const int columns = eg_emit_kernels(e)->gemm_pack_units(g.k, g.n);
	g.rows = eg_blocks((g.m + UNITS_WANTED - 1) / UNITS_WANTED) * EG_BLOCK;
	if (g.rows > ROWS_MAX) g.rows = ROWS_MAX;
	const int tall = (g.m + g.rows - 1) / g.rows;
	g.nsplit = (UNITS_WANTED + tall - 1) / tall;
	if (g.nsplit > columns) g.nsplit = columns;
	g.a = op_stride(false, g.a, (int64_t)g.rows * g.lda);
	g.c = op_stride(false, g.c, (int64_t)g.rows * g.ldc);
	OP_CALL(e, gemm_packed, g, 4, 1, .units = tall * g.nsplit, .flops = 2.0 * g.m * g.n * g.k);
}

void dense_gemm(eg_emit *e, eg_gemm_args g) {
	const eg_kernels *kern = eg_emit_kernels(e);
	OP_CALL(e, gemm, g, 3, 1, .units = kern->gemm_units(&g), .scratch = kern->gemm_scratch(&g),
		.flops = 2.0 * g.m * g.n * g.k);
}

void dense_gemm_batch(eg_emit *e, eg_gemm_batch_args g) {
	const eg_kernels *kern = eg_emit_kernels(e);
	const eg_gemm_args one = eg_gemm_of_batch(&g);
	int64_t kept = 1, all = 1;
	for (int d = 0; d < g.rank; d++) {
		all *= g.dims[d];
		if (g.sc[d]) kept *= g.dims[d];
	}
	OP_CALL(e, gemm_batch, g, 2, 1, .units = (int)kept * kern->gemm_units(&one), .scratch = kern->gemm_scratch(&one),
		.flops = 2.0 * (double)all * g.m * g.n * g.k);
}

void dense_sum_rows(eg_emit *e, eg_sum_rows_args a) {
	OP_CALL(e, sum_rows, a, 1, 1, .units = (a.n + 63) / 64, .flops = (double)a.m * a.n);
}

/* One product of the layer's rows with its weights (units, features), block by block where that pays. */
static void product(eg_emit *e, eg_gemm_packed_args g, dense d, bool trans) {
	g.b = dense_packed(e, eg_emit_w(e, 0), g.k, g.n, d.features, trans);
	if (!eg_emit_in_batched(e, 0) || eg_emit_kernels(e)->gemm_pack_bytes(g.k, g.n) > BLOCK_WEIGHTS) {
		dense_product(e, g);
		return;
	}
	g.rows = EG_BLOCK * d.per;
	g.nsplit = 1;
	OP_CALL(e, gemm_packed, g, 4, 1, .block = true, .units = eg_emit_blocks(e), .flops = 2.0 * g.m * g.n * g.k);
}

void dense_fwd(eg_emit *e, dense d) {
	eg_gemm_packed_args g = {.a = eg_emit_x(e, 0, EG_PLAIN),
		.c = eg_emit_y(e, 0, EG_PLAIN),
		.m = d.rows,
		.n = d.units,
		.k = d.features,
		.lda = d.features,
		.ldc = d.units,
		.lengths = d.ends,
		.N = d.per,
		.act = eg_emit_act(e)};
	if (eg_emit_has_param(e, 1)) g.bias = eg_emit_w(e, 1);
	product(e, g, d, true);
}

/* dx = dy w, dw = dy^T x, db = sum of dy over the rows. */
void dense_bwd(eg_emit *e, dense d) {
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	if (eg_emit_needs_dx(e, 0)) {
		eg_gemm_packed_args g = {
			.a = dy, .m = d.rows, .n = d.features, .k = d.units, .lda = d.units, .ldc = d.features, .lengths = d.ends, .N = d.per};
		g.c = eg_emit_dx(e, 0, EG_PLAIN, &g.acc);
		product(e, g, d, false);
	}
	eg_gemm_args g = {.a = dy,
		.b = eg_emit_x(e, 0, EG_PLAIN),
		.m = d.units,
		.n = d.features,
		.k = d.rows,
		.lda = d.units,
		.ldb = d.features,
		.ldc = d.features,
		.lengths = d.ends,
		.N = d.per,
		.ta = true};
	g.c = eg_emit_dw(e, 0, &g.acc);
	dense_gemm(e, g);
	if (!eg_emit_has_param(e, 1)) return;
	eg_sum_rows_args b = {.x = dy, .m = d.rows, .n = d.units, .ld = d.units};
	b.y = eg_emit_dw(e, 1, &b.acc);
	dense_sum_rows(e, b);
}

/* ---- linear ------------------------------------------------------------------------------------------------------ */

typedef struct linear_options {
	const char *name;
	int units;
	bool no_bias;
	int init;
	float init_value;
	const char *weights;
} linear_options;

static const eg_attr linear_attrs[] = {
	OP_INT(linear_options, units, NAN, 1, OP_SIZE_MAX, NULL, "outputs"),
	OP_NOT(linear_options, bias, NULL, "adds a learned constant to each output"),
	OP_ENUM(linear_options, init, eg_init_names, NULL,
		"initial weight; default: weight and bias U(+-1/sqrt(features)), otherwise zero bias"),
	OP_FLOAT(linear_options, init_value, 1, -1e6, 1e6, NULL,
		"for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others"),
	OP_WEIGHTS(linear_options),
};

static eg_status linear_infer(eg_infer *s) {
	const linear_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (x->rank < 2)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has %d dimensions, rows (N,...,features) have at least 2",
			eg_dims_text(x, text, sizeof text), x->rank);
	int64_t features = x->d[x->rank - 1], rows = 1;
	if (features < 0)
		return eg_fail(s->err, EG_ERR_SHAPE, "the last dimension of x %s must be its features: weights may not depend on an open size%s",
			eg_dims_text(x, text, sizeof text), eg_dim_is_batch(features) ? "" : "; bring it to a fixed one, as global_avgpool does");
	for (int i = 1; i < x->rank - 1; i++)
		if (x->d[i] > 0) rows *= x->d[i]; /* of a sample; of a sequence, (T,N,features), one step */
	s->out[0] = *x;
	s->out[0].d[x->rank - 1] = o->units;
	dense_params(s, (eg_dims){2, {o->units, features}}, features, o->units, !o->no_bias, o->init, o->init_value);
	s->info->macs = rows * features * o->units;
	if (rows > 1) { /* the same weights for every row of a sample */
		s->info->dense_macs = rows * rows * features * o->units;
		s->info->dense_params = s->info->dense_macs + (o->no_bias ? 0 : rows * o->units);
		s->info->unshared_params = s->info->macs + (o->no_bias ? 0 : rows * o->units);
	}
	return EG_OK;
}

static dense linear_shape(const eg_emit *e) {
	eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	int64_t per = 1;
	for (int i = 1; i < x.rank - 1; i++) per *= x.d[i];
	return (dense){.rows = (int)(x.d[0] * per),
		.per = (int)per,
		.features = (int)x.d[x.rank - 1],
		.units = (int)y.d[y.rank - 1]};
}

/* Of steps (T,N,features) those that are of use, T times `per` samples. */
static dense linear_steps(eg_emit *e) {
	dense d = linear_shape(e);
	if (eg_emit_in_dims(e, 0).rank == 3) d.ends = eg_emit_ends(e);
	return d;
}

static void linear_fwd(eg_emit *e) { dense_fwd(e, linear_steps(e)); }
static void linear_bwd(eg_emit *e) { dense_bwd(e, linear_steps(e)); }

static const eg_case linear_cases[] = {
	{"two blocks", &(const linear_options){.units = 7}, .in = {OP_DIMS(EG_N, 13)}, .nin = 1, .batch = 18,
		.linear = true},
	{"a few rows", &(const linear_options){.units = 35}, .in = {OP_DIMS(EG_N, 19)}, .nin = 1, .batch = 3,
		.linear = true},
	{"sequence", &(const linear_options){.units = 9}, .in = {OP_DIMS(EG_N, 5, 11)}, .nin = 1, .batch = 18,
		.linear = true},
	{"steps of sequences", &(const linear_options){.units = 9}, .in = {OP_DIMS(EG_T, EG_N, 11)}, .nin = 1, .batch = 7,
		.time = 5, .linear = true},
	{"steps as samples", &(const linear_options){.units = 9}, .in = {OP_DIMS(EG_TN, 11)}, .nin = 1, .batch = 5, .time = 7,
		.linear = true},
	{"no bias, fixed batch", &(const linear_options){.units = 6, .no_bias = true}, .in = {OP_DIMS(5, 2, 3, 8)},
		.nin = 1, .batch = 2, .linear = true},
	{"too large for a block job", &(const linear_options){.units = 420, .init = EG_INIT_XAVIER_UNIFORM},
		.in = {OP_DIMS(EG_N, 340)}, .nin = 1, .batch = 18, .linear = true},
	{"one row, many columns", &(const linear_options){.units = 500, .init = EG_INIT_NORMAL, .init_value = 0.1f},
		.in = {OP_DIMS(2, 37)}, .nin = 1, .batch = 1, .linear = true},
};

/* Gemm is for matrices; what has more dimensions is a MatMul with the weights turned. */
static void linear_export(eg_export *x) {
	const linear_options *o = eg_export_options(x);
	const eg_dims in = eg_export_in_dims(x, 0);
	if (in.rank == 2) {
		eg_export_node(x, "Gemm", EG_NAMES(eg_export_in(x, 0), eg_export_param(x, 0), eg_export_param(x, 1)), EG_NAMES(eg_export_out(x, 0)));
		eg_export_set_int(x, "transB", 1);
		return;
	}
	eg_dims d;
	const real *w = eg_export_weights(x, 0, &d);
	real *v = eg_export_room(x, d.d[0] * d.d[1]);
	for (int64_t i = 0; i < d.d[0] && v; i++)
		for (int64_t k = 0; k < d.d[1]; k++) v[k * d.d[0] + i] = w[i * d.d[1] + k];
	if (!v) return;
	const char *turned = eg_export_reals(x, v, EG_DIMS(d.d[1], d.d[0])), *y = o->no_bias ? eg_export_out(x, 0) : eg_export_between(x);
	eg_export_node(x, "MatMul", EG_NAMES(eg_export_in(x, 0), turned), EG_NAMES(y));
	if (!o->no_bias) eg_export_node(x, "Add", EG_NAMES(y, eg_export_param(x, 1)), EG_NAMES(eg_export_out(x, 0)));
}

/* A product with a matrix of the model, which is learned. */
static bool linear_import(eg_import *m) {
	eg_dims x = eg_import_in_dims(m, 0), b = eg_import_in_dims(m, 1), c = eg_import_in_dims(m, 2);
	const bool matrices = !strcmp(eg_import_type(m), "Gemm");
	if ((matrices ? x.rank != 2 : x.rank < 2) || b.rank != 2 || !eg_import_known(m, 1) || eg_import_known(m, 0)) return false;
	const bool turned = eg_import_int(m, "transB", 0), bias = c.rank == 1 && eg_import_known(m, 2);
	const int64_t units = b.d[turned ? 0 : 1], features = b.d[turned ? 1 : 0];
	if (eg_import_int(m, "transA", 0) || eg_import_float(m, "alpha", 1) != 1 || eg_import_float(m, "beta", 1) != 1) return false;
	if (c.rank >= 0 && (!bias || c.d[0] != units)) return false;
	const real *sum = c.rank < 0 ? eg_import_added(m, units) : NULL;
	linear_options o = {.units = (int)units, .no_bias = !bias && !sum};
	eg_tensor in = eg_import_in(m, 0), y = eg_import_apply(m, "linear", &o, &in, 1);
	const real *w = eg_import_reals(m, 1, NULL);
	if (w && !turned) w = eg_import_turned(m, w, features, units);
	eg_import_param(m, y, "weight", w, units * features);
	if (bias || sum) eg_import_param(m, y, "bias", sum ? sum : eg_import_reals(m, 2, NULL), units);
	eg_import_out(m, 0, y);
	return true;
}

const eg_op eg_op_linear = {
	.info = {
		.name = "linear",
		.layer = "linear",
		.doc = OP_TEXT("Fully connected layer: every output is a weighted sum of all inputs"),
		.equation = OP_TEXT("y (N,...,units) = x (N,...,features) weight^T + bias; weight (units,features)"),
		.source = OP_TEXT("ONNX Gemm-13 (transB=1), MatMul-13 for more than 2 dimensions"),
		.attrs = linear_attrs,
		.nattrs = EG_COUNT(linear_attrs),
		.options_size = sizeof(linear_options),
		.shorthand = "units",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", "bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = linear_infer,
	.steps = 1,
	.fwd = linear_fwd,
	.bwd = OP_BWD(linear_bwd),
	.bwd_reads_x = true,
	.posts = OP_POST(AFFINE) | OP_POST(ACT),
	.onnx = "Gemm",
	.onnx_since = 13,
	.export = OP_ONNX(linear_export),
	.import = OP_ONNX(linear_import),
	.onnx_also = "MatMul",
	OP_CASES(linear_cases),
};

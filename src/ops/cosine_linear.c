/* cosine_linear.c - cosines of the angles between rows and learned directions, one a class: what stands before the
 * loss `arcface`. */
#include "ops/dense.h"
#include "ops/unit_rows.h"

typedef struct cosine_linear_options {
	const char *name;
	int units;
	float scale;
	int init;
	float init_value;
	const char *weights;
} cosine_linear_options;

static const eg_attr cosine_linear_attrs[] = {
	OP_INT(cosine_linear_options, units, NAN, 1, OP_SIZE_MAX, NULL, "outputs: classes"),
	OP_FLOAT(cosine_linear_options, scale, 64, 0.01, 1e6, NULL, "what the cosines are multiplied with: the `scale` of arcface"),
	OP_ENUM(cosine_linear_options, init, eg_init_names, NULL, "initial weight; default: U(+-1/sqrt(features))"),
	OP_FLOAT(cosine_linear_options, init_value, 1, -1e6, 1e6, NULL,
		"for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others"),
	OP_WEIGHTS(cosine_linear_options),
};

static eg_status cosine_linear_infer(eg_infer *s) {
	const cosine_linear_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (x->rank < 2 || x->d[x->rank - 1] < 0)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no features: rows (N,...,features) of known size are needed",
			eg_dims_text(x, text, sizeof text));
	const int64_t features = x->d[x->rank - 1];
	s->out[0] = *x;
	s->out[0].d[x->rank - 1] = o->units;
	dense_params(s, (eg_dims){2, {o->units, features}}, features, o->units, false, o->init, o->init_value);
	s->info->macs = features * o->units;
	for (int i = 1; i < x->rank - 1; i++)
		if (x->d[i] > 0) s->info->macs *= x->d[i];
	return EG_OK;
}

typedef struct cosines {
	int rows, features, units;
	real scale;
	eg_buf x, x_norm, w, w_norm; /* rows and directions of length 1, and how long they were: kept for backward */
} cosines;

static cosines cosines_of(eg_emit *e) {
	const cosine_linear_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0);
	cosines c = {.features = (int)x.d[x.rank - 1], .units = o->units, .scale = (real)o->scale};
	c.rows = (int)(eg_dims_count(&x, 0) / c.features);
	c.x = eg_emit_saved(e, 0, EG_ELEM_REAL, (int64_t)c.rows * c.features, false);
	c.x_norm = eg_emit_saved(e, 1, EG_ELEM_REAL, c.rows, false);
	c.w = eg_emit_saved(e, 2, EG_ELEM_REAL, (int64_t)c.units * c.features, false);
	c.w_norm = eg_emit_saved(e, 3, EG_ELEM_REAL, c.units, false);
	return c;
}

/* y = factor x, in place. */
static void emit_scale(eg_emit *e, eg_buf x, eg_buf y, int64_t count, real factor) {
	eg_binary_args a = {.a = x, .y = y, .op = EG_BINARY_MUL};
	eg_fill_args f = {.y = eg_emit_temp(e, EG_ELEM_REAL, 1, false), .unit = 1, .total = 1, .value = factor};
	OP_CALL(e, fill, f, 0, 1, .units = 1, .flops = 1);
	a.b = f.y;
	a.at = (eg_spread){.rank = 1, .rows = EG_CHUNK, .dims = {count}, .s = {{1}, {0}}};
	a.a = op_stride(false, a.a, EG_CHUNK);
	a.y = op_stride(false, a.y, EG_CHUNK);
	a.b.stride = 0;
	OP_CALL(e, binary, a, 2, 1, .units = (int)((count + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)count);
}

static void cosine_linear_fwd(eg_emit *e) {
	const cosines c = cosines_of(e);
	op_unit_rows(e, eg_emit_x(e, 0, EG_PLAIN), c.x, c.x_norm, c.rows, c.features);
	op_unit_rows(e, eg_emit_w(e, 0), c.w, c.w_norm, c.units, c.features);
	eg_buf cosine = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)c.rows * c.units, false);
	dense_gemm(e, (eg_gemm_args){.a = c.x, .b = c.w, .c = cosine, .m = c.rows, .n = c.units, .k = c.features, .lda = c.features,
		.ldb = c.features, .ldc = c.units, .tb = true});
	emit_scale(e, cosine, eg_emit_y(e, 0, EG_PLAIN), (int64_t)c.rows * c.units, c.scale);
}

/* With g = scale dy: of the rows g w, of the directions g^T x, both through the lengths. */
static void cosine_linear_bwd(eg_emit *e) {
	const cosines c = cosines_of(e);
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN), g;
	if (!dy.p) return;
	g = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)c.rows * c.units, false);
	emit_scale(e, dy, g, (int64_t)c.rows * c.units, c.scale);
	if (eg_emit_needs_dx(e, 0)) {
		eg_buf d = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)c.rows * c.features, false);
		dense_gemm(e, (eg_gemm_args){.a = g, .b = c.w, .c = d, .m = c.rows, .n = c.features, .k = c.units, .lda = c.units,
			.ldb = c.features, .ldc = c.features});
		eg_unit_rows_bwd_args b = {.y = c.x, .norm = c.x_norm, .dy = d, .rows = c.rows, .n = c.features};
		b.dx = eg_emit_dx(e, 0, EG_PLAIN, &b.acc);
		op_unit_rows_bwd(e, b);
	}
	if (!eg_emit_needs_dw(e, 0)) return;
	eg_buf d = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)c.units * c.features, false);
	dense_gemm(e, (eg_gemm_args){.a = g, .b = c.x, .c = d, .m = c.units, .n = c.features, .k = c.rows, .lda = c.units,
		.ldb = c.features, .ldc = c.features, .ta = true});
	eg_unit_rows_bwd_args b = {.y = c.w, .norm = c.w_norm, .dy = d, .rows = c.units, .n = c.features};
	b.dx = eg_emit_dw(e, 0, &b.acc);
	op_unit_rows_bwd(e, b);
}

#define O(...) &(const cosine_linear_options){__VA_ARGS__}
static const eg_case cosine_linear_cases[] = {
	{"rows", O(.units = 7, .scale = 2), .in = {OP_DIMS(EG_N, 5)}, .nin = 1, .batch = 18},
	{"steps of sequences", O(.units = 19, .scale = 0.5f), .in = {OP_DIMS(EG_T, EG_N, 3)}, .nin = 1, .batch = 6, .time = 4},
	{"steps as samples", O(.units = 2, .scale = 1), .in = {OP_DIMS(EG_TN, EG_NAMED, 4)}, .nin = 1, .batch = 3, .time = 2,
		.sizes = OP_SIZES({"places", 5})},
};

const eg_op eg_op_cosine_linear = {
	.info = {
		.name = "cosine_linear",
		.layer = "cosine_linear",
		.doc = OP_TEXT("Cosine of the angle between each row and a learned direction for every output, before the loss `arcface`"),
		.equation = OP_TEXT("y (N,...,units) = scale <x,w> / (|x| |w|), x (N,...,features), w the rows of weight (units,features); lengths below 1e-12 are 1e-12"),
		.source = OP_TEXT("Wang et al. 2017 (NormFace)"),
		.attrs = cosine_linear_attrs,
		.nattrs = EG_COUNT(cosine_linear_attrs),
		.options_size = sizeof(cosine_linear_options),
		.shorthand = "units",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = cosine_linear_infer,
	.fwd = cosine_linear_fwd,
	.bwd = OP_BWD(cosine_linear_bwd),
	OP_CASES(cosine_linear_cases),
};

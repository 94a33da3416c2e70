/* rbf.c - radial basis functions as the output layer of LeNet-5 has them: distances from codes, learned or given.
 *
 * Not here: the loss on them. */
#include "ops/ops.h"

typedef struct rbf_options {
	const char *name;
	int units, init;
	float init_value;
	const char *drawn;
	const char *weights;
} rbf_options;

static const eg_attr rbf_attrs[] = {
	OP_INT(rbf_options, units, 0, 0, OP_SIZE_MAX, NULL,
		"codes, of which each gives an output; 0: as many as the input `codes` has"),
	OP_ENUM(rbf_options, init, eg_init_names, NULL,
		"codes in the beginning; default: uniform"),
	OP_FLOAT(rbf_options, init_value, 1, -1e6, 1e6, NULL,
		"for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others"),
	OP_STRING(rbf_options, drawn, 0, NULL,
		"the codes in the beginning, drawn one after the other: # is init_value, . is -init_value; blanks and line ends are "
		"passed over"),
	OP_WEIGHTS(rbf_options),
};

/* Are there as many signs as weights? */
static eg_status check_drawn(eg_infer *s, const char *drawn, int64_t wanted) {
	int64_t n = 0;
	for (const char *c = drawn; *c; c++) {
		if (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\r') continue;
		if (*c != '#' && *c != '.')
			return eg_fail(s->err, EG_ERR_ARG, "codes are drawn with # and . alone: sign %lld is neither", (long long)n + 1);
		n++;
	}
	if (n == wanted) return EG_OK;
	return eg_fail(s->err, EG_ERR_ARG, "%lld signs are drawn, but the codes have %lld numbers: draw one for each (the first code, then the second, ...)", (long long)n, (long long)wanted);
}

static eg_status rbf_infer(eg_infer *s) {
	const rbf_options *o = s->options;
	const eg_dims *x = &s->in[0], *codes = &s->in[1];
	const bool given = s->nin > 1 && codes->rank >= 0;
	char tx[128], tc[128];
	if (op_infer_same(s) || (given && op_check_real(s, 1, "codes"))) return s->err->status;
	if (x->rank < 2)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has %d dimensions, rows (N,...,features) have at least 2",
		        eg_dims_text(x, tx, sizeof tx), x->rank);
	const int last = x->rank - 1;
	if (given && (codes->rank != 2 || codes->d[0] < 0 || !eg_dim_fits(codes->d[1], x->d[last]) ||
	                     (o->units && o->units != codes->d[0])))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "codes %s do not fit x %s: (units, features) is expected, the number of units known",
		        eg_dims_text(codes, tc, sizeof tc), eg_dims_text(x, tx, sizeof tx));
	if (!given && !o->units)
		return eg_fail(s->err, EG_ERR_ARG, "neither the number of codes (units) is given nor the codes");
	if (op_check_no_batch(s, 0, last, "x") || (!given && op_check_known(s, 0, last, last + 1, "x")))
		return s->err->status;
	s->out[0].d[last] = given ? codes->d[0] : o->units;
	if (given) return EG_OK;
	const bool drawn = o->drawn && *o->drawn;
	if (drawn && check_drawn(s, o->drawn, o->units * x->d[last])) return s->err->status;
	s->nparams = 1;
	s->params[0] = (eg_param_spec){.name = "weight",
	        .dims = {2, {o->units, x->d[last]}},
	        .fan_in = x->d[last],
	        .fan_out = o->units,
	        .init = drawn ? EG_INIT_CONSTANT : o->init == EG_INIT_DEFAULT ? EG_INIT_UNIFORM : (eg_init_kind)o->init,
	        .given = drawn ? o->drawn : NULL,
	        .value = (double)o->init_value};
	return EG_OK;
}

typedef struct rbf_job {
	int64_t total, rows;
	int n, k;
	op_blocks job;
} rbf_job;

static rbf_job job_of(const eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	rbf_job j = {.n = (int)y.d[y.rank - 1], .k = (int)x.d[x.rank - 1]};
	j.total = eg_dims_count(&x, 0) / j.k;
	j.job.block = eg_emit_in_batched(e, 0);
	j.rows = j.job.block ? j.total / x.d[0] * EG_BLOCK : EG_BLOCK;
	j.job.units = (int)((j.total + j.rows - 1) / j.rows);
	return j;
}

static double flops_of(const rbf_job *j) { return 3.0 * (double)j->total * j->n * j->k; }
static eg_buf codes_of(eg_emit *e) { return eg_emit_has_in(e, 1) ? eg_emit_x(e, 1, EG_PLAIN) : eg_emit_w(e, 0); }

static void rbf_fwd(eg_emit *e) {
	const rbf_job j = job_of(e);
	eg_distance_args a = {.total = j.total, .rows = j.rows, .n = j.n, .k = j.k};
	a.x = op_stride(j.job.block, eg_emit_x(e, 0, EG_PLAIN), j.rows * j.k);
	a.codes = codes_of(e);
	a.y = op_stride(j.job.block, eg_emit_y(e, 0, EG_PLAIN), j.rows * j.n);
	OP_CALL(e, distance_fwd, a, 2, 1, .block = j.job.block, .units = j.job.units, .flops = flops_of(&j));
}

/* The codes' gradient is a sum over all rows, in their order; a code is a unit. */
static void codes_bwd(eg_emit *e, const rbf_job *j, eg_buf dy) {
	const bool given = eg_emit_has_in(e, 1);
	if (given ? !eg_emit_needs_dx(e, 1) : !eg_emit_needs_dw(e, 0)) return;
	eg_distance_bwd_args d = {.a = op_stride(false, codes_of(e), j->k),
	        .b = eg_emit_x(e, 0, EG_PLAIN),
	        .dy = op_stride(false, dy, 1),
	        .total = j->n,
	        .rows = 1,
	        .sa = 1,
	        .sb = j->n,
	        .n = (int)j->total,
	        .k = j->k};
	d.da = op_stride(false, given ? eg_emit_dx(e, 1, EG_PLAIN, &d.acc) : eg_emit_dw(e, 0, &d.acc), j->k);
	OP_CALL(e, distance_bwd, d, 3, 1, .units = j->n, .flops = flops_of(j));
}

static void rbf_bwd(eg_emit *e) {
	const rbf_job j = job_of(e);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	codes_bwd(e, &j, dy);
	if (!eg_emit_needs_dx(e, 0)) return;
	eg_distance_bwd_args d = {
	        .b = codes_of(e), .total = j.total, .rows = j.rows, .sa = j.n, .sb = 1, .n = j.n, .k = j.k};
	d.a = op_stride(j.job.block, eg_emit_x(e, 0, EG_PLAIN), j.rows * j.k);
	d.dy = op_stride(j.job.block, dy, j.rows * j.n);
	d.da = op_stride(j.job.block, eg_emit_dx(e, 0, EG_PLAIN, &d.acc), j.rows * j.k);
	OP_CALL(e, distance_bwd, d, 3, 1, .block = j.job.block, .units = j.job.units, .flops = flops_of(&j));
}

static eg_range range_positive(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, 0, (double)INFINITY};
}

#define RBF(...) \
	&(const rbf_options) { __VA_ARGS__ }
static const eg_case rbf_cases[] = {
	{"rows", RBF(.units = 10), .in = {OP_DIMS(EG_N, 21)}, .nin = 1, .batch = 18},
	{"sequences", RBF(.units = 3, .init = EG_INIT_NORMAL, .init_value = 0.5f), .in = {OP_DIMS(EG_T, EG_N, 7)},
		.nin = 1, .batch = 3, .time = 5},
	{"codes given, steps as samples, open length", NULL, .in = {OP_DIMS(EG_TN, EG_NAMED, 9), OP_DIMS(5, 9)},
		.nin = 2, .batch = 3, .time = 4, .sizes = OP_SIZES({"length", 2})},
	{"codes drawn", RBF(.units = 3, .drawn = "#.. ..# .#."), .in = {OP_DIMS(EG_N, 3)}, .nin = 1, .batch = 5},
	{"fixed batch", RBF(.units = 4), .in = {OP_DIMS(37, 23)}, .nin = 1, .batch = 2},
};

const eg_op eg_op_rbf = {
	.info =
		{
			.name = "rbf",
			.layer = "rbf",
			.doc = OP_TEXT("Squared distances from codes, which are learned, frozen, or given as a second input"),
			.equation = OP_TEXT("y[k] = sum over i of (x[i] - w[k,i])^2, x (N,...,features), w (units,features);\n"
				    "dx[i] = 2 sum over k of dy[k] (x[i] - w[k,i]), dw[k,i] = 2 sum over rows of dy[k] "
				    "(w[k,i] - x[i])"),
			.source = OP_TEXT("LeCun et al. 1998, Gradient-based learning applied to document recognition, "
				  "equation 7"),
			.attrs = rbf_attrs,
			.nattrs = EG_COUNT(rbf_attrs),
			.options_size = sizeof(rbf_options),
			.shorthand = "units",
			.min_inputs = 1,
			.max_inputs = 2,
			.inputs = (const char *const[]){"x", "codes"},
			.params = (const char *const[]){"weight", NULL},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = rbf_infer,
	.range = range_positive,
	.fwd = rbf_fwd,
	.bwd = OP_BWD(rbf_bwd),
	.bwd_reads_x = true,
	OP_CASES(rbf_cases),
};

/* normalize.c - division by a norm along one dimension, and local response normalisation across neighbouring channels.
 *
 * Not here: normalisation to mean and variance (norm.c, batchnorm.c). */
#include "ops/along.h"

/* ---- by a norm --------------------------------------------------------------------------------------------------- */

typedef struct normalize_options {
	const char *name;
	int axis, p;
	float eps;
} normalize_options;

static const eg_attr normalize_attrs[] = {
	OP_INT(normalize_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension along which the norm is 1; negative counts from the end"),
	OP_INT(normalize_options, p, 2, 1, 2, "p", "1: sum of absolute values; 2: Euclidean norm"),
	OP_FLOAT(normalize_options, eps, 1e-12, 1e-30, 1e6, NULL, "a norm below this counts as this"),
};

static eg_status normalize_infer(eg_infer *s) {
	return along_infer(s, ((const normalize_options *)s->options)->axis, false);
}

static along_job normalize_job(const eg_emit *e, eg_along *op, eg_along_shape *s) {
	const normalize_options *o = eg_emit_options(e);
	*op = o->p == 1 ? EG_ALONG_L1 : EG_ALONG_L2;
	*s = (eg_along_shape){.alpha = (real)o->eps};
	return along_job_of(e, o->axis, false);
}
static void normalize_fwd(eg_emit *e) {
	eg_along op;
	eg_along_shape s;
	const along_job j = normalize_job(e, &op, &s);
	along_fwd(e, &j, op, s);
}
static void normalize_bwd(eg_emit *e) {
	eg_along op;
	eg_along_shape s;
	const along_job j = normalize_job(e, &op, &s);
	along_bwd(e, &j, op, s, true);
}

static eg_range range_around(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, -1, 1};
}

#define NORMALIZE(...) \
	&(const normalize_options) { __VA_ARGS__ }
static const eg_case normalize_cases[] = {
	{"rows", NULL, .in = {OP_DIMS(EG_N, 37)}, .nin = 1, .batch = 18},
	{"channels of a picture", NORMALIZE(.axis = 1), .in = {OP_DIMS(EG_N, 5, 3, 7)}, .nin = 1, .batch = 18},
	{"sum of sizes, sequences", NORMALIZE(.p = 1), .in = {OP_DIMS(EG_T, EG_N, 21)}, .nin = 1, .batch = 3,
		.time = 5},
	{"sum of sizes, an open axis, steps as samples", NORMALIZE(.axis = 1, .p = 1),
		.in = {OP_DIMS(EG_TN, EG_NAMED, 3)}, .nin = 1, .batch = 5, .time = 4, .sizes = OP_SIZES({"length", 6})},
	{"some norms too small", NORMALIZE(.eps = 0.9f), .in = {OP_DIMS(37, 3)}, .nin = 1, .batch = 2},
	{"some norms too small, fixed batch, channels", NORMALIZE(.axis = 1, .eps = 0.9f), .in = {OP_DIMS(9, 3, 11)},
		.nin = 1, .batch = 2},
};

/* ---- across channels --------------------------------------------------------------------------------------------- */

typedef struct lrn_options {
	const char *name;
	int size;
	float alpha, beta, bias;
} lrn_options;

static const eg_attr lrn_attrs[] = {
	OP_INT(lrn_options, size, NAN, 1, OP_SIZE_MAX, "size",
		"channels in a window, those beyond the first and last counted as 0"),
	OP_FLOAT(lrn_options, alpha, 1e-4, 0, 1e6, "alpha", "factor of the mean square"),
	OP_FLOAT(lrn_options, beta, 0.75, 0, 1e3, "beta", "exponent"),
	OP_FLOAT(lrn_options, bias, 1, 1e-6, 1e6, "bias", "what the mean square is added to; called k too"),
};

static eg_status lrn_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_infer_same(s)) return s->err->status;
	if (x->rank < 2)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no channels; (N,C,...) is expected",
		        eg_dims_text(x, text, sizeof text));
	if (op_time_first(&s->declared[0]))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "x %s begins with time; (N,C,...) is expected: put fold_time before it",
		        eg_dims_text(x, text, sizeof text));
	op_by_position(s);
	return op_check_no_batch(s, 0, 1, "x");
}

static eg_along_shape lrn_shape(const eg_emit *e) {
	const lrn_options *o = eg_emit_options(e);
	return (eg_along_shape){.size = o->size, .alpha = (real)o->alpha, .beta = (real)o->beta, .bias = (real)o->bias};
}
static void lrn_fwd(eg_emit *e) {
	const along_job j = along_job_of(e, 1, false);
	along_fwd(e, &j, EG_ALONG_LOCAL, lrn_shape(e));
}
static void lrn_bwd(eg_emit *e) {
	const along_job j = along_job_of(e, 1, false);
	along_bwd(e, &j, EG_ALONG_LOCAL, lrn_shape(e), true);
}

#define LRN(...) \
	&(const lrn_options) { __VA_ARGS__ }
static const eg_case lrn_cases[] = {
	{"pictures", LRN(.size = 3, .alpha = 2), .in = {OP_DIMS(EG_N, 7, 3, 5)}, .nin = 1, .batch = 18},
	{"even window, open channels, steps as samples", LRN(.size = 4, .alpha = 3, .beta = 0.5f, .bias = 2),
		.in = {OP_DIMS(EG_TN, EG_NAMED, 3)}, .nin = 1, .batch = 5, .time = 4,
		.sizes = OP_SIZES({"channels", 6})},
	{"window wider than all channels", LRN(.size = 9, .alpha = 4), .in = {OP_DIMS(EG_N, 3, 11)}, .nin = 1,
		.batch = 3},
	{"rows, fixed batch", LRN(.size = 5, .alpha = 5), .in = {OP_DIMS(5, 23)}, .nin = 1, .batch = 2},
};

/* ---- the two ----------------------------------------------------------------------------------------------------- */

const eg_op eg_op_normalize = {
	.info =
		{
			.name = "normalize",
			.layer = "normalize",
			.doc = OP_TEXT("Divides by the norm along a dimension, so that it becomes 1"),
			.equation = OP_TEXT("y = x / n, n = max(|x|, eps), |x| = (sum of x^2 along axis)^(1/2), or the sum of "
				    "|x| where p = 1;\n"
				    "dx = (dy - s sum of dy y) / n, s = y where p = 2, the sign of x where p = 1; dx = "
				    "dy / n where |x| < eps"),
			.source = OP_TEXT("ONNX LpNormalization-1; PyTorch normalize"),
			.attrs = normalize_attrs,
			.nattrs = EG_COUNT(normalize_attrs),
			.options_size = sizeof(normalize_options),
			.shorthand = "axis",
			.min_inputs = 1,
			.max_inputs = 1,
			.inputs = (const char *const[]){"x"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = normalize_infer,
	.range = range_around,
	.fwd = normalize_fwd,
	.bwd = OP_BWD(normalize_bwd),
	.bwd_reads_x = true,
	.onnx = "LpNormalization",
	.onnx_since = 1,
	OP_CASES(normalize_cases),
};

const eg_op eg_op_lrn = {
	.info =
		{
			.name = "lrn",
			.layer = "lrn",
			.doc = OP_TEXT("Local response normalisation: each number is divided by a power of the mean square of "
			       "its neighbours in other channels"),
			.equation = OP_TEXT("y = x / d^beta, d = bias + alpha / size * sum of x^2 at the same position over "
				    "`size` channels, from (size - 1) / 2 before its\n"
				    "own on (rounded down), x (N,C,...);\n"
				    "dx = dy / d^beta - 2 alpha beta / size * x * sum of dy y / d over the channels "
				    "whose windows hold it"),
			.source = OP_TEXT("ONNX LRN-13; Krizhevsky, Sutskever and Hinton 2012. PyTorch's windows of even size "
				  "begin one channel earlier"),
			.attrs = lrn_attrs,
			.nattrs = EG_COUNT(lrn_attrs),
			.options_size = sizeof(lrn_options),
			.shorthand = "size",
			.min_inputs = 1,
			.max_inputs = 1,
			.inputs = (const char *const[]){"x"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = lrn_infer,
	.fwd = lrn_fwd,
	.bwd = OP_BWD(lrn_bwd),
	.bwd_reads_x = true,
	.onnx = "LRN",
	.onnx_since = 13,
	OP_CASES(lrn_cases),
};

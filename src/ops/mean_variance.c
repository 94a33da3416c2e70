/* mean_variance.c - normalisation to mean 0 and variance 1 over any dimensions, without weights.
 *
 * The kernel is that of layer normalisation, over rows that lie side by side: where the dimensions are not the last
 * ones, x is turned so that they are, and y turned back.
 *
 * Not here: what has weights (norm.c), running statistics (batchnorm.c). */
#include "ops/ops.h"

typedef struct mvn_options {
	const char *name;
	eg_ints axes;
} mvn_options;

static const eg_attr mvn_attrs[] = {
	OP_INT_LIST(mvn_options, axes, NAN, EG_MAX_DIMS, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axes",
		"dimensions that are normalised together, in any order; negative counts from the end. ONNX means [0, "
		"2, 3] when it says nothing"),
};

/* Which dimensions are normalised. False: axis *bad is none. */
static bool chosen(const mvn_options *o, int rank, bool in[EG_MAX_DIMS], int *bad) {
	for (int i = 0; i < o->axes.n; i++) {
		int axis;
		*bad = o->axes.at[i];
		if (!op_axis(o->axes.at[i], rank, &axis)) return false;
		in[axis] = true;
	}
	return true;
}

static eg_status mvn_infer(eg_infer *s) {
	bool in[EG_MAX_DIMS] = {0};
	char text[128];
	int bad;
	const mvn_options *o = s->options;
	const eg_dims *x = &s->in[0];
	if (op_infer_same(s)) return s->err->status;
	if (!chosen(o, x->rank, in, &bad))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; its dimensions are %d to %d",
		        eg_dims_text(x, text, sizeof text), bad, -x->rank, x->rank - 1);
	if (o->axes.n == 0) return eg_fail(s->err, EG_ERR_ARG, "axes is empty: there is nothing to normalise over");
	for (int i = 0; i < x->rank; i++)
		if (in[i] && eg_dim_is_batch(x->d[i]))
			return eg_fail(s->err, EG_ERR_SHAPE,
			        "axis %d is the batch of x %s, whose samples must not depend on each other; leave it "
			        "out, or give the batch a fixed size",
			        i, eg_dims_text(x, text, sizeof text));
	s->info->mixes_time = op_time_first(&s->declared[0]) && in[0];
	return EG_OK;
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

/* The dimensions of x in the order kept, normalised; `turned`: that is not x's own. */
typedef struct mvn_job {
	eg_dims x;
	int order[EG_MAX_DIMS];
	bool turned, block;
	int64_t size; /* of a row */
	int units;
	eg_row_norm_shape s;
} mvn_job;

static mvn_job job_of(const eg_emit *e) {
	mvn_job j = {.x = eg_emit_in_dims(e, 0), .size = 1, .s = {.total = 1, .groups = 1, .inner = 1}};
	bool in[EG_MAX_DIMS] = {0};
	int bad, n = 0;
	chosen(eg_emit_options(e), j.x.rank, in, &bad);
	for (int last = 0; last < 2; last++)
		for (int i = 0; i < j.x.rank; i++) {
			if (in[i] != last) continue;
			j.turned |= n != i;
			j.order[n++] = i;
			*(last ? &j.size : &j.s.total) *= j.x.d[i];
		}
	j.s.channels = (int)j.size;
	j.block = eg_emit_in_batched(e, 0) && !in[0] && !j.turned;
	j.s.rows = j.block ? j.s.total / j.x.d[0] * EG_BLOCK : (EG_CHUNK + j.size - 1) / j.size;
	j.units = (int)((j.s.total + j.s.rows - 1) / j.s.rows);
	return j;
}

static eg_buf by_rows(const mvn_job *j, eg_buf b, int64_t each) { return op_stride(j->block, b, j->s.rows * each); }

static eg_buf stats_of(eg_emit *e, const mvn_job *j) {
	return by_rows(j,
	        eg_emit_saved(e, 0, EG_ELEM_REAL, (j->block ? j->s.rows : j->s.total) * EG_ROW_STATS, j->block),
	        EG_ROW_STATS);
}

/* to = [to +] from with its dimensions in the order of the job, or `back` in that of x. */
static void turn(eg_emit *e, const mvn_job *j, eg_buf from, eg_buf to, bool back, bool acc) {
	eg_strided_args a = {.x = from, .y = to, .rank = j->x.rank, .pieces = 1, .rows = 1, .total = 1, .acc = acc};
	int64_t own[EG_MAX_DIMS], turned[EG_MAX_DIMS], step = 1, turned_step = 1;
	for (int i = j->x.rank - 1; i >= 0; i--) {
		own[i] = step;
		step *= j->x.d[i];
		turned[j->order[i]] = turned_step;
		turned_step *= j->x.d[j->order[i]];
	}
	for (int i = 0; i < a.rank; i++) {
		const int dim = back ? i : j->order[i];
		a.size[i] = a.count[i] = (int)j->x.d[dim];
		a.step[i] = 1;
		a.stride[i] = back ? turned[dim] : own[dim];
		if (i < a.rank - 1) a.total *= a.size[i];
	}
	const int wide = a.size[a.rank - 1];
	if (wide < EG_CHUNK) a.rows = EG_CHUNK / wide;
	if (a.rows > a.total) a.rows = a.total;
	OP_CALL(e, strided, a, 1, 1, .units = (int)((a.total + a.rows - 1) / a.rows), .flops = (double)step);
}

/* A buffer of x, turned where that is needed. */
static eg_buf turned(eg_emit *e, const mvn_job *j, eg_buf b) {
	if (!j->turned) return by_rows(j, b, j->size);
	const eg_buf t = eg_emit_temp(e, EG_ELEM_REAL, j->s.total * j->size, false);
	turn(e, j, b, t, false, false);
	return by_rows(j, t, j->size);
}

static void mvn_fwd(eg_emit *e) {
	const mvn_job j = job_of(e);
	eg_row_norm_args a = {.s = j.s, .eps = (real)1e-18};
	a.x = turned(e, &j, eg_emit_x(e, 0, EG_PLAIN));
	const eg_buf y = eg_emit_y(e, 0, EG_PLAIN),
	             t = j.turned ? eg_emit_temp(e, EG_ELEM_REAL, j.s.total * j.size, false) : y;
	a.y = by_rows(&j, t, j.size);
	a.stats = stats_of(e, &j);
	OP_CALL(e, row_norm_fwd, a, 3, 2, .block = j.block, .units = j.units,
	        .flops = 8.0 * (double)j.s.total * (double)j.size);
	if (j.turned) turn(e, &j, t, y, true, false);
}

static void mvn_bwd(eg_emit *e) {
	const mvn_job j = job_of(e);
	eg_row_norm_bwd_args a = {.s = j.s};
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	a.x = turned(e, &j, eg_emit_x(e, 0, EG_PLAIN));
	a.stats = stats_of(e, &j);
	a.dy = turned(e, &j, dy);
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc),
	             t = j.turned ? eg_emit_temp(e, EG_ELEM_REAL, j.s.total * j.size, false) : dx;
	a.dx = by_rows(&j, t, j.size);
	a.acc = acc && !j.turned;
	OP_CALL(e, row_norm_bwd, a, 4, 3, .block = j.block, .units = j.units,
	        .flops = 12.0 * (double)j.s.total * (double)j.size);
	if (j.turned) turn(e, &j, t, dx, true, acc);
}

#define MVN(...) \
	&(const mvn_options) { .axes = EG_INTS(__VA_ARGS__) }
static const eg_case mvn_cases[] = {
	{"all but channels, fixed batch", MVN(0, 2, 3), .in = {OP_DIMS(18, 3, 5, 7)}, .nin = 1, .batch = 2},
	{"of each sample", MVN(-1, 2), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"channels, steps as samples, open height", MVN(1), .in = {OP_DIMS(EG_TN, 6, EG_NAMED, 3)}, .nin = 1,
		.batch = 3, .time = 4, .sizes = OP_SIZES({"height", 5})},
	{"time and features", MVN(2, 0), .in = {OP_DIMS(EG_T, EG_N, 21)}, .nin = 1, .batch = 3, .time = 5},
	{"fixed batch, several units", MVN(2), .in = {OP_DIMS(37, 7, 23)}, .nin = 1, .batch = 2},
};

const eg_op eg_op_mean_variance_norm = {
	.info =
		{
			.name = "mean_variance_norm",
			.layer = "mean_variance_norm",
			.doc = OP_TEXT("Brings numbers to mean 0 and variance 1 over any dimensions, without weights and "
			       "running statistics"),
			.equation = OP_TEXT("y = (x - mean) / sqrt(var), mean and (biased) variance over `axes`, 1e-18 added "
				    "to the variance so that equal numbers become 0;\n"
				    "dx = (dy - mean of dy - y mean of dy y) / sqrt(var)"),
			.source = OP_TEXT("ONNX MeanVarianceNormalization-13"),
			.attrs = mvn_attrs,
			.nattrs = EG_COUNT(mvn_attrs),
			.options_size = sizeof(mvn_options),
			.shorthand = "axes",
			.min_inputs = 1,
			.max_inputs = 1,
			.inputs = (const char *const[]){"x"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = mvn_infer,
	.fwd = mvn_fwd,
	.bwd = OP_BWD(mvn_bwd),
	.bwd_reads_x = true,
	.onnx = "MeanVarianceNormalization",
	.onnx_since = 13,
	OP_CASES(mvn_cases),
};

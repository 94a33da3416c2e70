/* loss.c - cross_entropy, the loss of classes. Class numbers as targets and one number for all have kernels of their
 * own; targets that are probabilities, and a number for each row, are losses of rows (row_loss.h).
 *
 * Not here: other losses of classes (class_loss.c). */
#include "ops/row_loss.h"

typedef struct cross_entropy_options {
	const char *name;
	int ignore_index;
	float label_smoothing;
	int reduction;
	int axis;
} cross_entropy_options;

static const eg_attr cross_entropy_attrs[] = {
	OP_INT(cross_entropy_options, ignore_index, -100, -INT32_MAX, INT32_MAX, "ignore_index",
		"rows with this target count for nothing"),
	OP_FLOAT(cross_entropy_options, label_smoothing, 0, 0, 1, NULL,
		"share of the target that is spread evenly over all classes"),
	OP_REDUCTION(cross_entropy_options, "mean: divided by the weights of the rows that count; none: a number for each row"),
	OP_ROW_AXIS(cross_entropy_options, 1),
};

enum { LOGITS, TARGET, WEIGHT };

/* The class weights; absent when they were not given. */
static eg_buf ce_weight(eg_emit *e) { return eg_emit_nin(e) > WEIGHT ? eg_emit_x(e, WEIGHT, EG_PLAIN) : (eg_buf){0}; }

static eg_status cross_entropy_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	return op_classes_target(((const cross_entropy_options *)options)->axis, x, x, target, err);
}

/* Targets that are probabilities look like the logits. */
static eg_status soft_infer(eg_infer *s) {
	const cross_entropy_options *o = s->options;
	const eg_dims *x = &s->in[LOGITS], *t = &s->in[TARGET];
	char tx[128], tt[128];
	eg_target_info want;
	if (op_classes_target(o->axis, &s->declared[LOGITS], x, &want, s->err)) return s->err->status;
	if (eg_dims_fit(&want.dims, t))
		return eg_fail(s->err, EG_ERR_ARG,
			"target holds floating-point numbers (EG_F32), class numbers (EG_I32) are needed, or probabilities of the shape of the logits");
	if (eg_dims_fit(x, t)) return op_classes_check_weight(s, want.class_axis);
	return eg_fail(s->err, EG_ERR_SHAPE,
		"target %s holds probabilities (EG_F32), which need the shape of the logits, %s; class numbers are EG_I32",
		eg_dims_text(t, tt, sizeof tt), eg_dims_text(x, tx, sizeof tx));
}

static eg_status cross_entropy_infer(eg_infer *s) {
	const cross_entropy_options *o = s->options;
	if (s->in_type[TARGET] == EG_I32) return op_classes_infer(s, o->axis, o->reduction);
	if (op_check_real(s, LOGITS, "logits") || soft_infer(s)) return s->err->status;
	s->out[0] = (eg_dims){.rank = 0};
	if (o->reduction == OP_NONE)
		s->out[0] = op_without_axis(&s->in[LOGITS], op_row_axis(o->axis, &s->declared[LOGITS]));
	return EG_OK;
}

/* Is it left to the loss of rows? */
static bool by_rows(const eg_emit *e, op_row_loss *l) {
	const cross_entropy_options *o = eg_emit_options(e);
	const bool soft = eg_emit_in_type(e, TARGET) == EG_F32;
	*l = (op_row_loss){.op = soft ? EG_ROW_SOFT : EG_ROW_CE, .a = (double)o->label_smoothing, .axis = o->axis,
		.ignore = o->ignore_index, .reduction = o->reduction, .rows = soft ? 2 : 1, .label = soft ? 0 : TARGET, .weight = WEIGHT};
	return soft || o->reduction == OP_NONE;
}

/* The shape for the kernels and the job: 16 samples a unit of a batch, else 16 rows. A few large ones are a unit
 * each, so that they share out among threads. */
static eg_ce_shape ce_shape(const eg_emit *e, op_blocks *job) {
	const cross_entropy_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, LOGITS);
	const eg_dims declared = eg_emit_in_declared(e, LOGITS);
	const int axis = op_row_axis(o->axis, &declared);
	int64_t outer = 1;
	for (int i = 0; i < axis; i++) outer *= x.d[i];
	const bool batched = eg_emit_in_batched(e, LOGITS);
	const int64_t per = batched ? outer / x.d[0] : 1; /* rows of a sample */
	const bool few = outer / per <= 2 * EG_BLOCK && per * eg_dims_count(&x, axis) >= 8 * EG_CHUNK;
	*job = few ? (op_blocks){false, (int)(outer / per)} : op_blocks_of(batched, outer / per);
	return (eg_ce_shape){.outer = outer,
		.rows = few ? per : EG_BLOCK * per,
		.n = (int)x.d[axis],
		.inner = (int)eg_dims_count(&x, axis + 1),
		.ignore = o->ignore_index,
		.mean = o->reduction == OP_MEAN,
		.smoothing = (real)o->label_smoothing};
}

/* What is kept for backward: probabilities and the losses of rows, 16 rows a block, and the divisor. */
typedef struct ce_saved {
	eg_buf prob, rowloss, denom;
} ce_saved;

static eg_buf per_block(eg_emit *e, int slot, int64_t count, op_blocks job) {
	eg_buf b = eg_emit_saved(e, slot, EG_ELEM_REAL, job.block ? count : count * job.units, job.block);
	return op_stride(job.block, b, count);
}

static ce_saved ce_buffers(eg_emit *e, const eg_ce_shape *s, op_blocks job) {
	int64_t rows = s->rows * s->inner;
	return (ce_saved){.prob = per_block(e, 0, rows * s->n, job),
		.rowloss = per_block(e, 1, rows, job),
		.denom = eg_emit_saved(e, 2, EG_ELEM_REAL, 1, false)};
}

static eg_buf ce_target(eg_emit *e, const eg_ce_shape *s, op_blocks job) {
	return op_stride(job.block, eg_emit_x(e, TARGET, EG_PLAIN), s->rows * s->inner);
}

static void cross_entropy_fwd(eg_emit *e) {
	op_row_loss l;
	op_blocks job;
	if (by_rows(e, &l)) {
		op_row_loss_fwd(e, &l);
		return;
	}
	eg_ce_shape s = ce_shape(e, &job);
	ce_saved k = ce_buffers(e, &s, job);
	double size = (double)s.outer * s.n * s.inner;
	eg_ce_denom_args d = {
		.target = eg_emit_x(e, TARGET, EG_PLAIN), .weight = ce_weight(e), .denom = k.denom, .s = s};
	OP_CALL(e, ce_denom, d, 2, 1, .units = 1, .flops = (double)(s.outer * s.inner));

	eg_ce_fwd_args f = {
		.target = ce_target(e, &s, job), .weight = d.weight, .prob = k.prob, .rowloss = k.rowloss, .s = s};
	f.x = op_stride(job.block, eg_emit_x(e, LOGITS, EG_PLAIN), s.rows * s.n * s.inner);
	OP_CALL(e, ce_fwd, f, 3, 2, .block = job.block, .units = job.units, .flops = 10 * size);

	eg_ce_mean_args m = {
		.rowloss = k.rowloss, .denom = k.denom, .loss = eg_emit_y(e, 0, EG_PLAIN), .count = s.outer * s.inner};
	OP_CALL(e, ce_mean, m, 2, 1, .units = 1, .flops = (double)(s.outer * s.inner));
}

static void cross_entropy_bwd(eg_emit *e) {
	op_row_loss l;
	op_blocks job;
	if (by_rows(e, &l)) {
		op_row_loss_bwd(e, &l);
		return;
	}
	eg_ce_shape s = ce_shape(e, &job);
	eg_buf dloss = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dloss.p || !eg_emit_needs_dx(e, LOGITS)) return;
	ce_saved k = ce_buffers(e, &s, job);
	eg_ce_bwd_args b = {.prob = k.prob,
		.target = ce_target(e, &s, job),
		.weight = ce_weight(e),
		.denom = k.denom,
		.dloss = dloss,
		.s = s};
	b.dx = op_stride(job.block, eg_emit_dx(e, LOGITS, EG_PLAIN, &b.acc), s.rows * s.n * s.inner);
	OP_CALL(e, ce_bwd, b, 5, 1, .block = job.block, .units = job.units,
		.flops = 4.0 * (double)s.outer * s.n * s.inner);
}

#define CE(...) &(const cross_entropy_options){__VA_ARGS__}
static const eg_case cross_entropy_cases[] = {
	{"classes", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 18,
		.limit = 7},
	{"weights, smoothing", CE(.label_smoothing = 0.2f), .in = {OP_DIMS(EG_N, 11), OP_DIMS(EG_N), OP_DIMS(11)},
		.type = {EG_F32, EG_I32, EG_F32}, .nin = 3, .batch = 18, .limit = 11},
	{"steps of sequences, ignored", CE(.ignore_index = 3), .in = {OP_DIMS(EG_T, EG_N, 7), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 6, .time = 5, .limit = 7},
	{"an open length", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 7), OP_DIMS(EG_NAMED, EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 6, .sizes = OP_SIZES({"length", 5}), .limit = 7},
	{"steps as samples, open height", NULL, .in = {OP_DIMS(EG_TN, 5, EG_NAMED, 2), OP_DIMS(EG_TN, EG_NAMED, 2)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 6, .time = 3, .sizes = OP_SIZES({"height", 3}), .limit = 5},
	{"classes last", CE(.axis = -1), .in = {OP_DIMS(EG_N, 3, 5), OP_DIMS(EG_N, 3)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 18, .limit = 5},
	{"class 0 ignored", CE(.ignore_index = EG_ZERO), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 18, .limit = 4},
	{"pictures, ignored, sum", CE(.ignore_index = 2, .reduction = OP_SUM),
		.in = {OP_DIMS(EG_N, 5, 3, 4), OP_DIMS(EG_N, 3, 4)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 18,
		.limit = 5},
	{"pictures, weights, ignored", CE(.ignore_index = 1),
		.in = {OP_DIMS(EG_N, 6, 5, 4), OP_DIMS(EG_N, 5, 4), OP_DIMS(6)}, .type = {EG_F32, EG_I32, EG_F32}, .nin = 3, .batch = 18, .limit = 6},
	{"large pictures, weights, ignored", CE(.ignore_index = 2, .label_smoothing = 0.1f),
		.in = {OP_DIMS(EG_N, 3, 101, 109), OP_DIMS(EG_N, 101, 109), OP_DIMS(3)},
		.type = {EG_F32, EG_I32, EG_F32}, .nin = 3, .batch = 3, .limit = 3},
	{"large samples, classes last", CE(.axis = -1), .in = {OP_DIMS(EG_N, 331, 101), OP_DIMS(EG_N, 331)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 2, .limit = 101},
	{"fixed batch, weights, ignored, smoothing", CE(.ignore_index = 1, .label_smoothing = 0.1f),
		.in = {OP_DIMS(19, 6, 3), OP_DIMS(19, 3), OP_DIMS(6)}, .type = {EG_F32, EG_I32, EG_F32}, .nin = 3,
		.batch = 2, .limit = 6},
	{"classes in the middle, each row, weights, smoothing",
		CE(.axis = 2, .reduction = OP_NONE, .label_smoothing = 0.3f, .ignore_index = 1),
		.in = {OP_DIMS(EG_N, 3, 5, 2), OP_DIMS(EG_N, 3, 2), OP_DIMS(5)}, .type = {EG_F32, EG_I32, EG_F32}, .nin = 3,
		.batch = 18, .limit = 5},
	{"probabilities", NULL, .in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 5)}, .nin = 2, .batch = 18},
	{"probabilities of sequences, weights, smoothing", CE(.label_smoothing = 0.3f),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N, 5), OP_DIMS(5)}, .nin = 3, .batch = 6, .time = 3},
	{"probabilities of places, each row", CE(.reduction = OP_NONE),
		.in = {OP_DIMS(EG_N, 5, EG_NAMED), OP_DIMS(EG_N, 5, EG_NAMED)}, .nin = 2, .batch = 3, .sizes = OP_SIZES({"places", 4})},
};

const eg_op eg_op_cross_entropy = {
	.info = {
		.name = "cross_entropy",
		.doc = OP_TEXT("Classification loss: softmax and negative log-likelihood of the right class in one"),
		.equation = OP_TEXT("logp = log softmax(logits) over the classes, e = label_smoothing;\n"
			"row = (1-e) weight[t] (-logp[t]) + e/classes sum over c of weight[c] (-logp[c]);\n"
			"loss () = sum of rows; for mean divided by the sum of weight[t], NaN when all are ignored;\n"
			"logits (N,classes,d1,...), target (N,d1,...), or, of sequences, (T,N,classes) and (T,N);\n"
			"weight (classes), which gets no gradient; reduction none: (N,d1,...), the rows;\n"
			"a target beyond the classes makes the loss NaN. A target of the shape of logits, real numbers q(c) in place\n"
			"of a class: row = sum of weight[c] ((1-e) q[c] + e/classes) (-logp[c]), for mean divided by the number of rows;\n"
			"it gets no gradient"),
		.source = OP_TEXT("ONNX SoftmaxCrossEntropyLoss-13; label smoothing (Szegedy et al. 2016) and probabilities as PyTorch weighs them"),
		.attrs = cross_entropy_attrs,
		.nattrs = EG_COUNT(cross_entropy_attrs),
		.options_size = sizeof(cross_entropy_options),
		.min_inputs = 2,
		.max_inputs = 3,
		.inputs = (const char *const[]){"logits", "target", "weight"},
		.types = "faf",
		.outputs = (const char *const[]){"loss", NULL},
		.contains = "softmax",
	},
	.infer = cross_entropy_infer,
	.target = cross_entropy_target,
	.fwd = cross_entropy_fwd,
	.bwd = OP_BWD(cross_entropy_bwd),
	.bwd_reads_x = true,
	.onnx = "SoftmaxCrossEntropyLoss",
	.onnx_since = 13,
	OP_CASES(cross_entropy_cases),
};

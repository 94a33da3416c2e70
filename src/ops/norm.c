/* norm.c - normalisation of every sample by itself: layer, RMS, group and instance normalisation.
 *
 * All are one kernel over rows of numbers that lie side by side (eg_row_norm_shape); what differs is which dimensions
 * make a row, and to which of them weights belong. Weight gradients are summed by unit of work, and these sums in their
 * order.
 *
 * Not here: batch normalisation, whose statistics meet all samples (batchnorm.c); normalisation without weights over
 * any dimensions (mean_variance.c) and along one (normalize.c). */
#include "ops/ops.h"

enum { LAYER, RMS, GROUP, INSTANCE };

typedef struct layernorm_options {
	const char *name;
	int axis;
	float eps;
	bool no_scale, no_bias;
	const char *weights;
} layernorm_options;
typedef struct rmsnorm_options {
	const char *name;
	int axis;
	float eps;
	bool no_scale;
	const char *weights;
} rmsnorm_options;
typedef struct groupnorm_options {
	const char *name;
	int groups;
	float eps;
	bool no_scale, no_bias;
	const char *weights;
} groupnorm_options;
typedef struct instancenorm_options {
	const char *name;
	float eps;
	bool no_scale, no_bias;
	const char *weights;
} instancenorm_options;

#define AXIS(T) \
	OP_INT(T, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis", \
	        "first of the dimensions that are normalised together; negative counts from the end")
#define EPS(T) OP_FLOAT(T, eps, 1e-5, 1e-12, 1, "epsilon", "added to the variance")
#define SCALE(T) OP_NOT(T, scale, NULL, "learned factors")
#define BIAS(T) OP_NOT(T, bias, NULL, "learned constants that are added")
static const eg_attr layernorm_attrs[] = {AXIS(layernorm_options), EPS(layernorm_options), SCALE(layernorm_options),
	BIAS(layernorm_options), OP_WEIGHTS(layernorm_options)};
static const eg_attr rmsnorm_attrs[] = {AXIS(rmsnorm_options),
	OP_FLOAT(rmsnorm_options, eps, 1e-5, 1e-12, 1, "epsilon", "added to the mean square"), SCALE(rmsnorm_options),
	OP_WEIGHTS(rmsnorm_options)};
static const eg_attr groupnorm_attrs[] = {
	OP_INT(groupnorm_options, groups, NAN, 1, OP_SIZE_MAX, "num_groups",
		"so many runs of neighbouring channels are normalised each by itself"),
	EPS(groupnorm_options), SCALE(groupnorm_options), BIAS(groupnorm_options), OP_WEIGHTS(groupnorm_options)};
static const eg_attr instancenorm_attrs[] = {EPS(instancenorm_options), SCALE(instancenorm_options),
	BIAS(instancenorm_options), OP_WEIGHTS(instancenorm_options)};

/* ---- what the four have in common ------------------------------------------------------------------------------- */

/* Of any of them. axis: where the normalised dimensions begin; groups: of channels, 0: as many as there are channels.
 * */
typedef struct settings {
	int kind, axis, groups;
	bool scale, bias;
	float eps;
} settings;

static settings settings_of(int kind, const void *options) {
	if (kind == LAYER) {
		const layernorm_options *o = options;
		return (settings){kind, o->axis, 1, !o->no_scale, !o->no_bias, o->eps};
	}
	if (kind == RMS) {
		const rmsnorm_options *o = options;
		return (settings){kind, o->axis, 1, !o->no_scale, false, o->eps};
	}
	if (kind == GROUP) {
		const groupnorm_options *o = options;
		return (settings){kind, 1, o->groups, !o->no_scale, !o->no_bias, o->eps};
	}
	const instancenorm_options *o = options;
	return (settings){kind, 1, 0, !o->no_scale, !o->no_bias, o->eps};
}

static void add_params(eg_infer *s, const settings *n, eg_dims dims) {
	const eg_param_spec weight = {
	        .name = "weight", .dims = dims, .init = EG_INIT_CONSTANT, .value = 1, .elementwise = true};
	const eg_param_spec bias = {.name = "bias", .dims = dims, .init = EG_INIT_ZERO, .elementwise = true};
	if (n->scale) s->params[s->nparams++] = weight;
	if (n->bias) s->params[s->nparams++] = bias;
}

/* Layer and RMS: rows are the dimensions from `axis` on. */
static eg_status infer_last(eg_infer *s, int kind) {
	const settings n = settings_of(kind, s->options);
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	if (op_infer_same(s)) return s->err->status;
	if (!op_axis(n.axis, x->rank, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; axis may be %d to %d",
		        eg_dims_text(x, text, sizeof text), n.axis, -x->rank, x->rank - 1);
	if (axis == 0 && (eg_dim_is_batch(x->d[0]) || op_time_first(&s->declared[0])))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "axis %d is the batch or the time of x %s; each sample and step is normalised by itself: use "
		        "another axis",
		        n.axis, eg_dims_text(x, text, sizeof text));
	if (op_check_no_batch(s, 0, axis, "x")) return s->err->status;
	if ((n.scale || n.bias) && op_check_known(s, 0, axis, x->rank, "x")) return s->err->status;
	eg_dims dims = {.rank = x->rank - axis};
	memcpy(dims.d, x->d + axis, (size_t)dims.rank * sizeof dims.d[0]);
	add_params(s, &n, dims);
	return EG_OK;
}

/* Group and instance: x (N,C,...), rows are some channels. */
static eg_status infer_channels(eg_infer *s, int kind) {
	const settings n = settings_of(kind, s->options);
	const eg_dims *x = &s->in[0];
	const int least = kind == INSTANCE ? 3 : 2;
	char text[128];
	if (op_infer_same(s)) return s->err->status;
	if (x->rank < least)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has %d dimensions; %s is expected",
		        eg_dims_text(x, text, sizeof text), x->rank,
		        kind == INSTANCE
		                ? "(N,C,...) with at least one behind the channels, else each would be a number alone,"
		                : "(N,C,...)");
	if (op_time_first(&s->declared[0]))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "x %s begins with time; (N,C,...) is expected: put fold_time before it",
		        eg_dims_text(x, text, sizeof text));
	if (op_check_known(s, 0, 1, 2, "x") || op_check_no_batch(s, 0, 2, "x")) return s->err->status;
	if (n.groups && x->d[1] % n.groups)
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "the %lld channels of x %s cannot be shared out among %d groups; groups must be a divisor of "
		        "them",
		        (long long)x->d[1], eg_dims_text(x, text, sizeof text), n.groups);
	add_params(s, &n, (eg_dims){1, {x->d[1]}});
	return EG_OK;
}

static eg_status layernorm_infer(eg_infer *s) { return infer_last(s, LAYER); }
static eg_status rmsnorm_infer(eg_infer *s) { return infer_last(s, RMS); }
static eg_status groupnorm_infer(eg_infer *s) { return infer_channels(s, GROUP); }
static eg_status instancenorm_infer(eg_infer *s) { return infer_channels(s, INSTANCE); }

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

typedef struct norm_job {
	settings n;
	eg_row_norm_shape s;
	int64_t size;  /* elements of a row */
	int64_t width; /* of weight and bias */
	op_blocks job;
} norm_job;

/* Rows of 16 samples are a unit; without a batch so many as make about EG_CHUNK elements, in at most MOST units,
 * since each has sums of its own. */
static norm_job job_of(const eg_emit *e) {
	enum { MOST = 64 };
	const eg_dims x = eg_emit_in_dims(e, 0);
	norm_job j = {.n = settings_of(eg_emit_code(e), eg_emit_options(e))};
	int axis;
	op_axis(j.n.axis, x.rank, &axis);
	j.s = (eg_row_norm_shape){.total = eg_dims_count(&x, 0) / eg_dims_count(&x, axis),
	        .groups = 1,
	        .inner = 1,
	        .rms = j.n.kind == RMS};
	j.size = eg_dims_count(&x, axis);
	if (j.n.kind >= GROUP) {
		j.s.groups = j.n.groups ? j.n.groups : (int)x.d[1];
		j.s.total *= j.s.groups;
		j.size /= j.s.groups;
		j.s.inner = (int)eg_dims_count(&x, 2);
	}
	j.s.channels = (int)(j.size / j.s.inner);
	j.width = (int64_t)j.s.groups * j.s.channels;
	j.job.block = eg_emit_in_batched(e, 0);
	j.s.rows = j.job.block ? j.s.total / x.d[0] * EG_BLOCK : (EG_CHUNK + j.size - 1) / j.size;
	if (!j.job.block && j.s.total > j.s.rows * MOST) j.s.rows = (j.s.total + MOST - 1) / MOST;
	j.job.units = (int)((j.s.total + j.s.rows - 1) / j.s.rows);
	return j;
}

/* A buffer of `each` numbers a row. */
static eg_buf by_rows(const norm_job *j, eg_buf b, int64_t each) {
	return op_stride(j->job.block, b, j->s.rows * each);
}

static eg_buf stats_of(eg_emit *e, const norm_job *j) {
	return by_rows(j,
	        eg_emit_saved(e, 0, EG_ELEM_REAL, (j->job.block ? j->s.rows : j->s.total) * EG_ROW_STATS, j->job.block),
	        EG_ROW_STATS);
}

static double flops_of(const norm_job *j, int each) { return (double)each * (double)j->s.total * (double)j->size; }

static void fwd(eg_emit *e) {
	const norm_job j = job_of(e);
	eg_row_norm_args a = {.s = j.s, .eps = (real)j.n.eps, .act = eg_emit_act(e)};
	a.x = by_rows(&j, eg_emit_x(e, 0, EG_PLAIN), j.size);
	if (j.n.scale) a.weight = eg_emit_w(e, 0);
	if (j.n.bias) a.bias = eg_emit_w(e, j.n.scale);
	a.y = by_rows(&j, eg_emit_y(e, 0, EG_PLAIN), j.size);
	a.stats = stats_of(e, &j);
	OP_CALL(e, row_norm_fwd, a, 3, 2, .block = j.job.block, .units = j.job.units, .flops = flops_of(&j, 8));
}

/* The sums of units, as the call finds them that writes those of one; absent where parameter i is not wanted. */
static eg_buf parts(eg_emit *e, const norm_job *j, bool wanted, int i) {
	if (!wanted || !eg_emit_needs_dw(e, i)) return (eg_buf){NULL, 0};
	return op_stride(j->job.block,
	        eg_emit_temp(e, EG_ELEM_REAL, j->width * (j->job.block ? 1 : j->job.units), j->job.block), j->width);
}

static void sum_parts(eg_emit *e, const norm_job *j, eg_buf part, int i) {
	if (!part.p) return;
	eg_shard_sum_args s = {.parts = part, .count = j->width, .shards = j->job.units};
	s.y = eg_emit_dw(e, i, &s.acc);
	OP_CALL(e, shard_sum, s, 1, 1, .units = (int)((j->width + EG_CHUNK - 1) / EG_CHUNK),
	        .flops = (double)j->width * j->job.units);
}

static void bwd(eg_emit *e) {
	const norm_job j = job_of(e);
	eg_row_norm_bwd_args a = {.s = j.s, .dy = eg_emit_dy(e, 0, EG_PLAIN)};
	if (!a.dy.p) return;
	a.dweight = parts(e, &j, j.n.scale, 0);
	a.dbias = parts(e, &j, j.n.bias, j.n.scale);
	if (!eg_emit_needs_dx(e, 0) && !a.dweight.p && !a.dbias.p) return;
	a.x = by_rows(&j, eg_emit_x(e, 0, EG_PLAIN), j.size);
	a.stats = stats_of(e, &j);
	if (j.n.scale) a.weight = eg_emit_w(e, 0);
	a.dy = by_rows(&j, a.dy, j.size);
	if (eg_emit_needs_dx(e, 0)) a.dx = by_rows(&j, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), j.size);
	OP_CALL(e, row_norm_bwd, a, 4, 3, .block = j.job.block, .units = j.job.units, .flops = flops_of(&j, 16));
	sum_parts(e, &j, a.dweight, 0);
	sum_parts(e, &j, a.dbias, j.n.scale);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

#define LAYERNORM(...) \
	&(const layernorm_options) { __VA_ARGS__ }
static const eg_case layernorm_cases[] = {
	{"rows", NULL, .in = {OP_DIMS(EG_N, 37)}, .nin = 1, .batch = 18},
	{"pictures, from channels on", LAYERNORM(.axis = 1, .eps = 1e-2f), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1,
		.batch = 18},
	{"sequences", NULL, .in = {OP_DIMS(EG_T, EG_N, 21)}, .nin = 1, .batch = 3, .time = 5},
	{"no bias, steps as samples, open length", LAYERNORM(.no_bias = true), .in = {OP_DIMS(EG_TN, EG_NAMED, 11)},
		.nin = 1, .batch = 5, .time = 4, .sizes = OP_SIZES({"length", 6})},
	{"no scale, several units", LAYERNORM(.no_scale = true), .in = {OP_DIMS(29, 31, 9)}, .nin = 1, .batch = 2},
	{"nothing learned, an open dimension", LAYERNORM(.axis = -2, .no_scale = true, .no_bias = true),
		.in = {OP_DIMS(EG_N, 2, EG_NAMED, 3)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"length", 6})},
	{"a long row", LAYERNORM(.axis = EG_ZERO), .in = {OP_DIMS(47, 91)}, .nin = 1, .batch = 2},
};
#define RMSNORM(...) \
	&(const rmsnorm_options) { __VA_ARGS__ }
static const eg_case rmsnorm_cases[] = {
	{"rows", NULL, .in = {OP_DIMS(EG_N, 37)}, .nin = 1, .batch = 18},
	{"pictures, from rows on", RMSNORM(.axis = 2, .eps = 1e-2f), .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1,
		.batch = 3},
	{"sequences, nothing learned", RMSNORM(.no_scale = true), .in = {OP_DIMS(EG_T, EG_N, 21)}, .nin = 1, .batch = 3,
		.time = 5},
};
#define GROUPNORM(...) \
	&(const groupnorm_options) { __VA_ARGS__ }
static const eg_case groupnorm_cases[] = {
	{"pictures", GROUPNORM(.groups = 3), .in = {OP_DIMS(EG_N, 6, 5, 7)}, .nin = 1, .batch = 18},
	{"rows", GROUPNORM(.groups = 2, .eps = 1e-2f), .in = {OP_DIMS(EG_N, 22)}, .nin = 1, .batch = 3,
		.unequal = true},
	{"one group, no scale, steps as samples, open height", GROUPNORM(.groups = 1, .no_scale = true),
		.in = {OP_DIMS(EG_TN, 4, EG_NAMED, 3)}, .nin = 1, .batch = 5, .time = 4,
		.sizes = OP_SIZES({"height", 6})},
	{"no bias, fixed batch", GROUPNORM(.groups = 2, .no_bias = true), .in = {OP_DIMS(19, 4, 83)}, .nin = 1,
		.batch = 2},
};
#define INSTANCENORM(...) \
	&(const instancenorm_options) { __VA_ARGS__ }
static const eg_case instancenorm_cases[] = {
	{"pictures", NULL, .in = {OP_DIMS(EG_N, 3, 5, 7)}, .nin = 1, .batch = 18},
	{"series", INSTANCENORM(.eps = 1e-2f), .in = {OP_DIMS(EG_N, 4, 37)}, .nin = 1, .batch = 3},
	{"volumes, steps as samples, nothing learned", INSTANCENORM(.no_scale = true, .no_bias = true),
		.in = {OP_DIMS(EG_TN, 2, 3, 5, EG_NAMED)}, .nin = 1, .batch = 3, .time = 4,
		.sizes = OP_SIZES({"width", 2})},
	{"fixed batch", NULL, .in = {OP_DIMS(5, 2, 71, 3)}, .nin = 1, .batch = 2},
};

/* ---- ONNX -------------------------------------------------------------------------------------------------------- */

/* Weights are needed there: without any, ones and zeros. */
static const char *or_number(eg_export *x, int at, bool there, double otherwise, eg_dims dims) {
	if (there) return eg_export_param(x, at);
	const int64_t n = eg_dims_count(&dims, 0);
	real *v = eg_export_room(x, n);
	for (int64_t i = 0; i < n && v; i++) v[i] = (real)otherwise;
	return v ? eg_export_reals(x, v, dims) : "";
}

static void export_by_channel(eg_export *x, const char *type) {
	const settings n = settings_of(eg_export_code(x), eg_export_options(x));
	const eg_dims channels = {1, {eg_export_in_dims(x, 0).d[1]}};
	const char *weight = or_number(x, 0, n.scale, 1, channels), *bias = or_number(x, n.scale, n.bias, 0, channels);
	eg_export_node(x, type, EG_NAMES(eg_export_in(x, 0), weight, bias), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_float(x, "epsilon", (double)n.eps);
	if (n.kind == GROUP) eg_export_set_int(x, "num_groups", n.groups);
}

static const char *export_mean(eg_export *x, const char *in, int axis, int rank) {
	const char *mean = eg_export_between(x);
	int64_t axes[EG_MAX_DIMS];
	int count = 0;
	for (int i = axis; i < rank; i++) axes[count++] = i;
	eg_export_node(x, "ReduceMean", EG_NAMES(in, eg_export_opset(x) >= 18 ? eg_export_ints(x, axes, count) : ""), EG_NAMES(mean));
	if (eg_export_opset(x) < 18) eg_export_set_ints(x, "axes", axes, count);
	eg_export_set_int(x, "keepdims", 1);
	return mean;
}

/* In single operators; with `center` the mean is taken off first. */
static void export_pieces(eg_export *x, const settings *n, int axis, bool center) {
	const eg_dims d = eg_export_in_dims(x, 0);
	const char *in = eg_export_in(x, 0), *square = eg_export_between(x), *more = eg_export_between(x), *root = eg_export_between(x),
		   *y = n->scale || n->bias ? eg_export_between(x) : eg_export_out(x, 0);
	if (center) {
		const char *mean = export_mean(x, in, axis, d.rank), *off = eg_export_between(x);
		eg_export_node(x, "Sub", EG_NAMES(in, mean), EG_NAMES(off));
		in = off;
	}
	eg_export_node(x, "Mul", EG_NAMES(in, in), EG_NAMES(square));
	const char *mean = export_mean(x, square, axis, d.rank);
	eg_export_node(x, "Add", EG_NAMES(mean, eg_export_real(x, (double)n->eps)), EG_NAMES(more));
	eg_export_node(x, "Sqrt", EG_NAMES(more), EG_NAMES(root));
	eg_export_node(x, "Div", EG_NAMES(in, root), EG_NAMES(y));
	if (n->scale) {
		const char *scaled = n->bias ? eg_export_between(x) : eg_export_out(x, 0);
		eg_export_node(x, "Mul", EG_NAMES(y, eg_export_param(x, 0)), EG_NAMES(scaled));
		y = scaled;
	}
	if (n->bias) eg_export_node(x, "Add", EG_NAMES(y, eg_export_param(x, n->scale)), EG_NAMES(eg_export_out(x, 0)));
}

/* Its own operator from opset 17 on; before it what that is made of. */
static void layernorm_export(eg_export *x) {
	const settings n = settings_of(LAYER, eg_export_options(x));
	const eg_dims d = eg_export_in_dims(x, 0);
	eg_dims last = {0};
	int axis;
	op_axis(n.axis, d.rank, &axis);
	if (eg_export_opset(x) < 17) {
		export_pieces(x, &n, axis, true);
		return;
	}
	for (int i = axis; i < d.rank; i++) last.d[last.rank++] = d.d[i];
	if (!n.scale && eg_dims_known(&last, 0) != eg_dims_count(&last, 0)) eg_export_fail(x, "the sizes of ones in place of a scale are not known");
	const char *weight = or_number(x, 0, n.scale, 1, last), *bias = n.bias ? eg_export_param(x, n.scale) : "";
	eg_export_node(x, "LayerNormalization", EG_NAMES(eg_export_in(x, 0), weight, bias), EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_int(x, "axis", axis);
	eg_export_set_float(x, "epsilon", (double)n.eps);
}

/* Its own operator from opset 23 on; before it what that is made of. */
static void rmsnorm_export(eg_export *x) {
	const settings n = settings_of(RMS, eg_export_options(x));
	int axis;
	op_axis(n.axis, eg_export_in_dims(x, 0).rank, &axis);
	export_pieces(x, &n, axis, false);
}

/* Its own operator from opset 21 on; before it, groups are channels of a normalisation by instance. */
static void groupnorm_export(eg_export *x) {
	const settings n = settings_of(GROUP, eg_export_options(x));
	const eg_dims d = eg_export_in_dims(x, 0);
	if (eg_export_opset(x) >= 21) {
		export_by_channel(x, "GroupNormalization");
		return;
	}
	int64_t back[EG_MAX_DIMS] = {0};
	const int64_t apart[] = {0, n.groups, -1};
	for (int i = 1; i < d.rank; i++) {
		back[i] = d.d[i];
		if (d.d[i] < 0) eg_export_fail(x, "before opset 21 open sizes would have to be computed there");
	}
	const char *grouped = eg_export_between(x), *normal = eg_export_between(x), *y = eg_export_between(x), *scaled = n.bias ? eg_export_between(x) : eg_export_out(x, 0);
	if (!n.scale) y = scaled;
	if (!n.scale && !n.bias) y = eg_export_out(x, 0);
	const eg_dims groups = {1, {n.groups}};
	eg_export_node(x, "Reshape", EG_NAMES(eg_export_in(x, 0), eg_export_ints(x, apart, 3)), EG_NAMES(grouped));
	eg_export_node(x, "InstanceNormalization", EG_NAMES(grouped, or_number(x, 0, false, 1, groups), or_number(x, 0, false, 0, groups)), EG_NAMES(normal));
	eg_export_set_float(x, "epsilon", (double)n.eps);
	eg_export_node(x, "Reshape", EG_NAMES(normal, eg_export_ints(x, back, d.rank)), EG_NAMES(y));
	eg_dims by_channel = {d.rank - 1, {d.d[1]}};
	for (int i = 1; i < by_channel.rank; i++) by_channel.d[i] = 1;
	const real *w = n.scale ? eg_export_weights(x, 0, NULL) : NULL, *b = n.bias ? eg_export_weights(x, n.scale, NULL) : NULL;
	if (w) eg_export_node(x, "Mul", EG_NAMES(y, eg_export_reals(x, w, by_channel)), EG_NAMES(scaled));
	if (b) eg_export_node(x, "Add", EG_NAMES(n.scale ? scaled : y, eg_export_reals(x, b, by_channel)), EG_NAMES(eg_export_out(x, 0)));
}

static void instancenorm_export(eg_export *x) { export_by_channel(x, "InstanceNormalization"); }

/* ---- the members ------------------------------------------------------------------------------------------------- */

#define MEMBER(op, kind, text, formula, where, word, name_onnx, since, ...) \
	const eg_op eg_op_##op = {.info = {.name = #op, \
	                                  .layer = #op, \
	                                  .doc = OP_TEXT(text), \
	                                  .equation = OP_TEXT(formula), \
	                                  .source = OP_TEXT(where), \
	                                  .attrs = op##_attrs, \
	                                  .nattrs = EG_COUNT(op##_attrs), \
	                                  .options_size = sizeof(op##_options), \
	                                  .shorthand = word, \
	                                  .min_inputs = 1, \
	                                  .max_inputs = 1, \
	                                  .inputs = (const char *const[]){"x"}, \
	                                  .params = (const char *const[]){__VA_ARGS__, NULL}, \
	                                  .outputs = (const char *const[]){"y", NULL}}, \
	        .code = kind, \
	        .infer = op##_infer, \
	        .fwd = fwd, \
	        .bwd = OP_BWD(bwd), \
	        .bwd_reads_x = true, \
	        .posts = OP_POST(ACT), \
	        .onnx = name_onnx, \
	        .onnx_since = since, \
	        .export = OP_ONNX(op##_export), \
	        OP_CASES(op##_cases)}
#define OVER "mean and (biased) variance over "

MEMBER(layernorm, LAYER,
	"Layer normalisation: each sample, or step of it, is brought to mean 0 and variance 1, then scaled and shifted",
	"y = weight (x - mean) / sqrt(var + eps) + bias, " OVER
	"the dimensions from `axis` on, of which weight and bias have one each;\n"
	"with h = (x - mean) / sqrt(var + eps), g = weight dy and means over the same:\n"
	"dx = (g - mean of g - h mean of g h) / sqrt(var + eps), dweight = sum of dy h, dbias = sum of dy",
	"ONNX LayerNormalization-17; Ba, Kiros and Hinton 2016", "axis", "LayerNormalization", 17, "weight", "bias");
MEMBER(rmsnorm, RMS,
	"Root mean square normalisation: each sample, or step of it, is brought to mean square 1, then scaled",
	"y = weight x / sqrt(mean of x^2 + eps), the mean over the dimensions from `axis` on, of which weight has one "
	"each;\n"
	"with h = x / sqrt(mean of x^2 + eps), g = weight dy: dx = (g - h mean of g h) / sqrt(mean of x^2 + eps), "
	"dweight = sum of dy h",
	"ONNX RMSNormalization-23; Zhang and Sennrich 2019", "axis", "RMSNormalization", 23, "weight");
MEMBER(groupnorm, GROUP,
	"Group normalisation: of each sample, groups of channels are brought to mean 0 and variance 1, then scaled and "
	"shifted",
	"y = weight (x - mean) / sqrt(var + eps) + bias, x (N,C,...), " OVER
	"C / groups neighbouring channels and all positions of a sample,\n"
	"weight and bias by channel; gradients as of layernorm",
	"ONNX GroupNormalization-21; Wu and He 2018", "groups", "GroupNormalization", 21, "weight", "bias");
MEMBER(instancenorm, INSTANCE,
	"Instance normalisation: each channel of each sample is brought to mean 0 and variance 1, then scaled and "
	"shifted",
	"y = weight (x - mean) / sqrt(var + eps) + bias, x (N,C,...), " OVER
	"the positions of a channel of a sample, weight and bias by channel;\n"
	"gradients as of layernorm. No running statistics: inference is as training",
	"ONNX InstanceNormalization-6; PyTorch InstanceNorm with affine; Ulyanov, Vedaldi and Lempitsky 2016", NULL,
	"InstanceNormalization", 6, "weight", "bias");

/* overlap_loss.c - losses of regions: how little what is said and what is true overlap, dice and jaccard. Softmax (or
 * sigmoid) is inside.
 *
 * Not here: kernels (kern_losses.h); losses of each place by itself (loss.c, class_loss.c). */
#include "ops/row_loss.h"

typedef struct overlap_options {
	const char *name;
	int axis, ignore_index;
	float smooth;
	bool squared, batch, no_background;
} overlap_options;

static const eg_attr overlap_attrs[] = {
	OP_ROW_AXIS(overlap_options, 1),
	OP_INT(overlap_options, ignore_index, -100, -INT32_MAX, INT32_MAX, NULL, "places with this class count for nothing"),
	OP_FLOAT(overlap_options, smooth, 1, 1e-9, 1e6, NULL, "is added above and below, so that a class that is nowhere, and not said, is right"),
	OP_BOOL(overlap_options, squared, NULL, "the sums below are of squares"),
	OP_BOOL(overlap_options, batch, NULL, "the regions of a batch are one; else each sample's loss is told by itself, and their mean"),
	OP_NOT(overlap_options, background, NULL, "class 0 counts too"),
};

enum { LOGITS, TARGET };

static eg_status overlap_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	eg_status status = op_classes_target(((const overlap_options *)options)->axis, x, x, target, err);
	if (!status) target->own_scale = true;
	return status;
}

static eg_status check_samples(eg_infer *s, const overlap_options *o) {
	char text[128];
	if (o->batch || !op_time_first(&s->declared[LOGITS])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE,
		"logits %s are sequences, whose samples do not lie together: let all be one region with `batch: true`",
		eg_dims_text(&s->in[LOGITS], text, sizeof text));
}

static eg_status overlap_infer(eg_infer *s) {
	const overlap_options *o = s->options;
	const eg_dims *x = &s->in[LOGITS], *t = &s->in[TARGET];
	const bool shares = s->in_type[TARGET] == EG_F32;
	eg_target_info want;
	char tx[128], tt[128], te[128];
	if (op_check_real(s, LOGITS, "logits") || op_classes_target(o->axis, &s->declared[LOGITS], x, &want, s->err) ||
		check_samples(s, o))
		return s->err->status;
	if (!eg_dims_fit(t, shares ? x : &want.dims))
		return eg_fail(s->err, EG_ERR_SHAPE, "target is %s, logits %s need one class number for each place: %s; or a share of each class, like logits",
			eg_dims_text(t, tt, sizeof tt), eg_dims_text(x, tx, sizeof tx),
			eg_dims_text(&want.dims, te, sizeof te));
	if (o->no_background && x->d[want.class_axis] < 2)
		return eg_fail(s->err, EG_ERR_ARG, "logits %s have one class only, which cannot be the background", eg_dims_text(x, tx, sizeof tx));
	s->out[0] = (eg_dims){.rank = 0};
	return EG_OK;
}

/* `jaccard` says eg_emit_code. */
static eg_overlap_shape overlap_shape(const eg_emit *e) {
	const overlap_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, LOGITS), declared = eg_emit_in_declared(e, LOGITS);
	const int axis = op_row_axis(o->axis, &declared);
	int64_t outer = 1;
	for (int i = 0; i < axis; i++) outer *= x.d[i];
	return (eg_overlap_shape){.samples = o->batch ? outer : x.d[0],
		.per = o->batch ? 1 : outer / x.d[0],
		.n = (int)x.d[axis],
		.inner = (int)eg_dims_count(&x, axis + 1),
		.first = o->no_background ? 1 : 0,
		.ignore = o->ignore_index,
		.smooth = (real)o->smooth,
		.shares = eg_emit_in_type(e, TARGET) == EG_F32,
		.squared = o->squared,
		.together = o->batch,
		.jaccard = eg_emit_code(e) == 1};
}

/* What is kept for backward: probabilities, and the derivatives by the sums. */
static eg_buf kept_prob(eg_emit *e, const eg_overlap_shape *s) {
	return eg_emit_saved(e, 0, EG_ELEM_REAL, s->samples * s->per * s->n * s->inner, false);
}
static eg_buf kept_coef(eg_emit *e, const eg_overlap_shape *s) {
	return eg_emit_saved(e, 1, EG_ELEM_REAL, s->samples * s->n * 2, false);
}

static void emit_prob(eg_emit *e, const eg_overlap_shape *s) {
	const int64_t unit = s->per * s->n * s->inner;
	const double flops = 10.0 * (double)(s->samples * unit);
	eg_buf x = eg_emit_x(e, LOGITS, EG_PLAIN), prob = kept_prob(e, s);
	x.stride = prob.stride = (ptrdiff_t)unit;
	if (s->shares) {
		eg_map_args a = {.x = x, .y = prob, .unit = unit, .total = unit * s->samples, .act = {.kind = EG_ACT_SIGMOID}};
		OP_CALL(e, act_fwd, a, 1, 1, .units = (int)s->samples, .flops = flops);
		return;
	}
	eg_softmax_args a = {.x = x, .y = prob, .outer = s->samples * s->per, .rows = s->per, .n = s->n, .inner = s->inner};
	OP_CALL(e, softmax_fwd, a, 1, 1, .units = (int)s->samples, .flops = flops);
}

static void overlap_fwd(eg_emit *e) {
	const eg_overlap_shape s = overlap_shape(e);
	emit_prob(e, &s);
	eg_overlap_sums_args a = {.prob = kept_prob(e, &s),
		.target = eg_emit_x(e, TARGET, EG_PLAIN),
		.sums = eg_emit_temp(e, EG_ELEM_REAL, s.samples * s.n * 3, false),
		.s = s};
	OP_CALL(e, overlap_sums, a, 2, 1, .units = (int)s.samples, .flops = 5.0 * (double)(s.samples * s.per * s.n * s.inner));
	eg_overlap_loss_args l = {.sums = a.sums, .loss = eg_emit_y(e, 0, EG_PLAIN), .coef = kept_coef(e, &s), .s = s};
	OP_CALL(e, overlap_loss, l, 1, 2, .units = 1, .flops = 10.0 * (double)(s.samples * s.n));
}

static void overlap_bwd(eg_emit *e) {
	const eg_overlap_shape s = overlap_shape(e);
	eg_overlap_bwd_args a = {.dloss = eg_emit_dy(e, 0, EG_PLAIN), .s = s};
	if (!a.dloss.p || !eg_emit_needs_dx(e, LOGITS)) return;
	a.prob = kept_prob(e, &s);
	a.target = eg_emit_x(e, TARGET, EG_PLAIN);
	a.coef = kept_coef(e, &s);
	a.dx = eg_emit_dx(e, LOGITS, EG_PLAIN, &a.acc);
	OP_CALL(e, overlap_bwd, a, 4, 1, .units = (int)s.samples, .flops = 10.0 * (double)(s.samples * s.per * s.n * s.inner));
}

#define O(...) &(const overlap_options){__VA_ARGS__}
#define OVERLAP_CASES                                                                                                  \
	{"pictures, ignored", O(.ignore_index = 2), .in = {OP_DIMS(EG_N, 5, 3, 4), OP_DIMS(EG_N, 3, 4)},               \
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 18, .limit = 5},                                          \
	{"one region, squares, no background", O(.batch = true, .squared = true, .no_background = true, .smooth = 0.1f), \
		.in = {OP_DIMS(EG_N, 3, EG_NAMED), OP_DIMS(EG_N, EG_NAMED)}, .type = {EG_F32, EG_I32}, .nin = 2,       \
		.batch = 3, .sizes = OP_SIZES({"places", 7}), .limit = 3},                                             \
	{"shares, classes last", O(.axis = -1), .in = {OP_DIMS(EG_N, 3, 4, 2), OP_DIMS(EG_N, 3, 4, 2)}, .nin = 2,      \
		.batch = 17},                                                                                          \
	{"sequences", O(.batch = true), .in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(EG_T, EG_N)},                           \
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 6, .time = 3, .limit = 4},                                \
	{"steps as samples, shares, squares", O(.squared = true), .in = {OP_DIMS(EG_TN, 1, 5), OP_DIMS(EG_TN, 1, 5)},  \
		.nin = 2, .batch = 3, .time = 2}
static const eg_case overlap_cases[] = {OVERLAP_CASES};

#define OVERLAP_INFO                                                                                                   \
	.attrs = overlap_attrs, .nattrs = EG_COUNT(overlap_attrs), .options_size = sizeof(overlap_options),            \
	.shorthand = "smooth", .min_inputs = 2, .max_inputs = 2, .inputs = (const char *const[]){"logits", "target"},  \
	.types = "fa", .outputs = (const char *const[]){"loss", NULL}, .contains = "softmax"
#define OVERLAP_HOOKS                                                                                                  \
	.infer = overlap_infer, .target = overlap_target, .fwd = overlap_fwd, .bwd = OP_BWD(overlap_bwd), .bwd_reads_x = true, \
	OP_CASES(overlap_cases)

typedef overlap_options dice_options;
typedef overlap_options jaccard_options;

const eg_op eg_op_dice = {
	.info = {
		.name = "dice",
		.doc = OP_TEXT("Segmentation loss of whole regions: how little they overlap, whatever their size"),
		.equation = OP_TEXT("p = softmax(logits) over the classes, y = 1 where target is the class, else 0; of each sample and class\n"
			"d = 1 - (2 sum of p y + smooth) / (sum of p + sum of y + smooth), sums over the places, below of squares with `squared`;\n"
			"loss () = mean of d; logits (N,classes,d1,...), target (N,d1,...) int32; or target like logits, real numbers y,\n"
			"a region for each class that knows nothing of the others: p = sigmoid(logits)"),
		.source = OP_TEXT("Milletari et al. 2016 (V-Net, squared); Sudre et al. 2017"),
		OVERLAP_INFO,
	},
	OVERLAP_HOOKS,
};

const eg_op eg_op_jaccard = {
	.info = {
		.name = "jaccard",
		.doc = OP_TEXT("Segmentation loss of whole regions: 1 less their intersection over union"),
		.equation = OP_TEXT("as dice, with d = 1 - (sum of p y + smooth) / (sum of p + sum of y - sum of p y + smooth)"),
		.source = OP_TEXT("Rahman and Wang 2016"),
		OVERLAP_INFO,
	},
	.code = 1,
	OVERLAP_HOOKS,
};

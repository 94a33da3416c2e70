/* element_loss.c - losses of numbers against targets, one by one: of logits (bce_with_logits, focal) and probabilities
 * (bce), of margins (hinge), of quantiles, counts and distributions (quantile, poisson_nll, kl_divergence), and of a
 * distribution's location and scale (gaussian_nll, student_t_nll).
 *
 * One kernel serves all (kern_element_loss.h, eg_element_loss); a new one is its equation there and a descriptor here.
 * Targets get no gradient. Not here: losses of differences, whose targets do (regression.c), of classes (loss.c). */
#include "ops/ops.h"

#include <math.h>

/* All options begin with these. */
typedef struct loss_options {
	const char *name;
	int reduction;
} loss_options;

enum { REDUCTION_MEAN, REDUCTION_SUM, REDUCTION_NONE };
static const char *const reductions[] = {"mean", "sum", "none", NULL};
enum { X, TARGET };

#define REDUCTION(T) OP_ENUM(T, reduction, reductions, "reduction", "mean: divided by the number of targets; none: the loss of each target")

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

/* A number for each of x, which is not what x itself is: a logit, a margin, a logarithm. */
static eg_status same_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options), EG_UNUSED(err);
	*target = (eg_target_info){.dims = *x, .type = EG_F32, .class_axis = -1};
	return EG_OK;
}

static eg_status check_target(eg_infer *s, const eg_dims *want) {
	const eg_dims *x = &s->in[X], *t = &s->in[TARGET];
	char tx[128], tt[128], tw[128];
	if (op_check_real(s, X, "x") || op_check_real(s, TARGET, "target")) return s->err->status;
	if (!eg_dims_fit(want, t))
		return eg_fail(s->err, EG_ERR_SHAPE, "x is %s and target %s; the target must be %s",
			eg_dims_text(x, tx, sizeof tx), eg_dims_text(t, tt, sizeof tt), eg_dims_text(want, tw, sizeof tw));
	if (((const loss_options *)s->options)->reduction == REDUCTION_NONE) s->out[0] = *t;
	else s->out[0].rank = 0;
	return EG_OK;
}

static eg_status same_infer(eg_infer *s) { return check_target(s, &s->in[X]); }

/* Where all first numbers of the targets are, and behind them all second ones: dimension 1, of sequences the last. */
static int parts_axis(const eg_dims *declared) { return op_time_first(declared) ? declared->rank - 1 : 1; }

/* The shape of the targets, each of which has `parts` numbers. */
static eg_status part_of(const eg_dims *declared, const eg_dims *x, int parts, eg_dims *part, eg_error *err) {
	char text[128];
	const int axis = parts_axis(declared);
	if (x->rank < 2 || x->d[axis] < 0 || x->d[axis] % parts)
		return eg_fail(err, EG_ERR_SHAPE,
			"the loss needs %d numbers for every target%s: x %s must have a multiple of that in dimension %d", parts,
			parts == 2 ? ", a location and a scale" : "", eg_dims_text(x, text, sizeof text), x->rank < 2 ? 1 : axis);
	*part = *x;
	part->d[axis] /= parts;
	return EG_OK;
}

/* spread: the scale is e^(spread y). */
static eg_status pair_target(const eg_dims *x, double spread, eg_target_info *target, eg_error *err) {
	*target = (eg_target_info){.type = EG_F32, .class_axis = -1, .parts = 2, .spread = spread};
	return part_of(x, x, 2, &target->dims, err);
}

static eg_status parts_infer(eg_infer *s, int parts) {
	eg_dims part;
	return part_of(&s->declared[X], &s->in[X], parts, &part, s->err) ? s->err->status : check_target(s, &part);
}
static eg_status pair_infer(eg_infer *s) { return parts_infer(s, 2); }

/* ---- calls ------------------------------------------------------------------------------------------------------- */

typedef struct loss_spec {
	eg_loss_op op;
	double a, b;
	int parts;            /* numbers of a target; 0: 1 */
	const float *levels;  /* of QUANTILES, one a part */
	double divisor;       /* of a mean: so many targets are one; 0: 1 */
} loss_spec;

/* The job: block by block where both are batched; else in chunks, of whole rows. */
static eg_element_loss element_shape(const eg_emit *e, const loss_spec *l, eg_walk *w) {
	*w = eg_emit_walk_in(e, TARGET, EG_PLAIN);
	eg_element_loss s = {.unit = w->unit, .total = w->total, .op = l->op, .a = (real)l->a, .b = (real)l->b};
	if (!l->parts) return s;
	s.parts = l->parts;
	for (int i = 0; i < l->parts && l->levels; i++) s.level[i] = (real)l->levels[i];
	const eg_dims declared = eg_emit_in_declared(e, X), t = eg_emit_in_dims(e, TARGET);
	s.row = eg_dims_count(&t, parts_axis(&declared));
	if (w->block) return s;
	s.unit = s.row * (s.row < EG_CHUNK ? EG_CHUNK / s.row : 1);
	w->units = (int)((s.total + s.unit - 1) / s.unit);
	return s;
}

static eg_buf element_denom(eg_emit *e) { return eg_emit_saved(e, 0, EG_ELEM_REAL, 1, false); }

static void element_fwd(eg_emit *e, const loss_spec *l) {
	const loss_options *o = eg_emit_options(e);
	eg_walk w;
	eg_element_loss_fwd_args a = {.s = element_shape(e, l, &w)};
	a.x = op_stride(w.block, eg_emit_x(e, X, EG_PLAIN), a.s.unit * (l->parts ? l->parts : 1));
	a.target = op_stride(w.block, eg_emit_x(e, TARGET, EG_PLAIN), a.s.unit);
	if (o->reduction == REDUCTION_NONE) a.each = op_stride(w.block, eg_emit_y(e, 0, EG_PLAIN), a.s.unit);
	else a.partial = op_stride(w.block, eg_emit_temp(e, EG_ELEM_REAL, w.block ? 1 : w.units, w.block), 1);
	OP_CALL(e, element_loss_fwd, a, 2, 2, .block = w.block, .units = w.units, .flops = 20.0 * (double)w.total);
	if (o->reduction == REDUCTION_NONE) return;

	eg_fill_args f = {.y = element_denom(e), .unit = 1, .total = 1, .value = 1};
	if (o->reduction == REDUCTION_MEAN) f.value = (real)((double)w.total / (l->divisor > 0 ? l->divisor : 1));
	OP_CALL(e, fill, f, 0, 1, .units = 1, .flops = 1);
	eg_ce_mean_args m = {.rowloss = a.partial, .denom = f.y, .loss = eg_emit_y(e, 0, EG_PLAIN), .count = w.units};
	OP_CALL(e, ce_mean, m, 2, 1, .units = 1, .flops = w.units);
}

static void element_bwd(eg_emit *e, const loss_spec *l) {
	eg_walk w;
	eg_element_loss_bwd_args a = {.s = element_shape(e, l, &w)};
	const int64_t unit = a.s.unit * (l->parts ? l->parts : 1);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p || !eg_emit_needs_dx(e, X)) return;
	if (((const loss_options *)eg_emit_options(e))->reduction == REDUCTION_NONE) a.deach = op_stride(w.block, dy, a.s.unit);
	else a.denom = element_denom(e), a.dloss = dy;
	a.x = op_stride(w.block, eg_emit_x(e, X, EG_PLAIN), unit);
	a.target = op_stride(w.block, eg_emit_x(e, TARGET, EG_PLAIN), a.s.unit);
	a.dx = op_stride(w.block, eg_emit_dx(e, X, EG_PLAIN, &a.acc), unit);
	OP_CALL(e, element_loss_bwd, a, 5, 1, .block = w.block, .units = w.units, .flops = 20.0 * (double)w.total);
}

/* The two functions of an operator, from its loss_spec. */
#define LOSS_CALLS(op)                                                                                                 \
	static void op##_fwd(eg_emit *e) {                                                                             \
		const loss_spec l = op##_spec(e);                                                                      \
		element_fwd(e, &l);                                                                                    \
	}                                                                                                              \
	static void op##_bwd(eg_emit *e) {                                                                             \
		const loss_spec l = op##_spec(e);                                                                      \
		element_bwd(e, &l);                                                                                    \
	}
#define LOSS_INFO(op)                                                                                                  \
	.attrs = op##_attrs, .nattrs = EG_COUNT(op##_attrs), .options_size = sizeof(op##_options), .min_inputs = 2,    \
	.max_inputs = 2, .inputs = (const char *const[]){"x", "target"}, .types = "ff",                                \
	.outputs = (const char *const[]){"loss", NULL}
#define LOSS_HOOKS(op) .fwd = op##_fwd, .bwd = OP_BWD(op##_bwd), .bwd_reads_x = true, OP_CASES(op##_cases)

/* A block and a rest; a sum of pictures; sequences in several chunks. */
#define LOSS_CASES(op)                                                                                                 \
	{"samples", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)}, .nin = 2, .batch = 18},                          \
	{"sum, pictures", &(const op##_options){.reduction = REDUCTION_SUM},                                           \
		.in = {OP_DIMS(EG_N, 2, 3, 5), OP_DIMS(EG_N, 2, 3, 5)}, .nin = 2, .batch = 17},                        \
	{"sequences, several chunks", NULL, .in = {OP_DIMS(EG_T, EG_N, 41), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2,        \
		.batch = 18, .time = 6}
/* Of each target: a block and a rest; sequences in several chunks. */
#define EACH_CASES(op)                                                                                                 \
	{"each", &(const op##_options){.reduction = REDUCTION_NONE}, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)},       \
		.nin = 2, .batch = 18},                                                                                \
	{"each, sequences", &(const op##_options){.reduction = REDUCTION_NONE},                                        \
		.in = {OP_DIMS(EG_T, EG_N, 41), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2, .batch = 18, .time = 6}
#define PAIR_CASES(op)                                                                                                 \
	{"samples", NULL, .in = {OP_DIMS(EG_N, 14), OP_DIMS(EG_N, 7)}, .nin = 2, .batch = 18, .unequal = true},        \
	{"sum, pictures", &(const op##_options){.reduction = REDUCTION_SUM},                                           \
		.in = {OP_DIMS(EG_N, 4, 3, 7), OP_DIMS(EG_N, 2, 3, 7)}, .nin = 2, .batch = 17, .unequal = true},       \
	{"sequences, several chunks", NULL, .in = {OP_DIMS(EG_T, EG_N, 82), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2,        \
		.batch = 18, .time = 6, .unequal = true},                                                              \
	{"each", &(const op##_options){.reduction = REDUCTION_NONE},                                                   \
		.in = {OP_DIMS(EG_N, 4, 3, 7), OP_DIMS(EG_N, 2, 3, 7)}, .nin = 2, .batch = 17, .unequal = true},       \
	{"each, sequences", &(const op##_options){.reduction = REDUCTION_NONE},                                        \
		.in = {OP_DIMS(EG_T, EG_N, 82), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2, .batch = 5, .time = 3, .unequal = true}

/* ---- bce_with_logits --------------------------------------------------------------------------------------------- */

typedef struct bce_with_logits_options {
	const char *name;
	int reduction;
	float pos_weight;
} bce_with_logits_options;
static const eg_attr bce_with_logits_attrs[] = {
	REDUCTION(bce_with_logits_options),
	OP_FLOAT(bce_with_logits_options, pos_weight, 1, 0, 1e6, NULL, "weight of the targets that are 1, for rare ones"),
};
static loss_spec bce_with_logits_spec(const eg_emit *e) {
	const bce_with_logits_options *o = eg_emit_options(e);
	return (loss_spec){.op = EG_LOSS_BCE, .a = (double)o->pos_weight};
}
LOSS_CALLS(bce_with_logits)
static const eg_case bce_with_logits_cases[] = {
	LOSS_CASES(bce_with_logits),
	EACH_CASES(bce_with_logits),
	{"weight", &(const bce_with_logits_options){.pos_weight = 3}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2,
		.batch = 3},
};

const eg_op eg_op_bce_with_logits = {
	.info = {
		.name = "bce_with_logits",
		.doc = OP_TEXT("Loss of yes or no, several independent ones to a sample: sigmoid and cross-entropy in one"),
		.equation = OP_TEXT("p = sigmoid(x); loss () = mean (or sum, or each) of -pos_weight target log p - (1 - target) log (1 - p);\n"
			"target, of the shape of x, is 1 or 0 or a probability between"),
		.source = OP_TEXT("PyTorch's BCEWithLogitsLoss"),
		.contains = "sigmoid",
		LOSS_INFO(bce_with_logits),
	},
	.infer = same_infer,
	.target = same_target,
	LOSS_HOOKS(bce_with_logits),
};

/* ---- bce --------------------------------------------------------------------------------------------------------- */

typedef bce_with_logits_options bce_options;
#define bce_attrs bce_with_logits_attrs
static loss_spec bce_spec(const eg_emit *e) {
	const bce_options *o = eg_emit_options(e);
	return (loss_spec){.op = EG_LOSS_BCE_P, .a = (double)o->pos_weight};
}
LOSS_CALLS(bce)
static const eg_case bce_cases[] = {
	{"samples", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)}, .nin = 2, .batch = 18, .low = 0.05f, .high = 0.95f},
	{"sequences, weight, sum", &(const bce_options){.pos_weight = 3, .reduction = REDUCTION_SUM},
		.in = {OP_DIMS(EG_T, EG_N, 41), OP_DIMS(EG_T, EG_N, 41)}, .nin = 2, .batch = 18, .time = 3, .low = 0.05f, .high = 0.95f},
};

const eg_op eg_op_bce = {
	.info = {
		.name = "bce",
		.doc = OP_TEXT("Loss of yes or no where x is the probability itself; bce_with_logits is more exact and needs no sigmoid"),
		.equation = OP_TEXT("loss () = mean (or sum, or each) of -pos_weight target log x - (1 - target) log (1 - x), logarithms at least -100;\n"
			"x between 0 and 1, target, of the shape of x, likewise"),
		.source = OP_TEXT("PyTorch's BCELoss"),
		.judges = {EG_RANGE_LIMITED, 0, 1},
		.judges_by = "sigmoid",
		LOSS_INFO(bce),
	},
	.infer = same_infer,
	.target = same_target,
	LOSS_HOOKS(bce),
};

/* ---- focal ------------------------------------------------------------------------------------------------------- */

typedef struct focal_options {
	const char *name;
	int reduction;
	float gamma, alpha;
} focal_options;
static const eg_attr focal_attrs[] = {
	REDUCTION(focal_options),
	OP_FLOAT(focal_options, gamma, 2, 0, 100, NULL, "how much less counts what is right already; 0: all alike"),
	OP_FLOAT(focal_options, alpha, 0.25, -1, 1, NULL, "weight of targets that are 1, while others have 1 - alpha; negative: none"),
};
static loss_spec focal_spec(const eg_emit *e) {
	const focal_options *o = eg_emit_options(e);
	return (loss_spec){.op = EG_LOSS_FOCAL, .a = (double)o->gamma, .b = (double)o->alpha};
}
LOSS_CALLS(focal)
static const eg_case focal_cases[] = {
	LOSS_CASES(focal),
	{"no weight", &(const focal_options){.alpha = -1, .gamma = 3}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2,
		.batch = 3},
	{"gamma 0", &(const focal_options){.gamma = EG_ZERO_F}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2, .batch = 3},
};

const eg_op eg_op_focal = {
	.info = {
		.name = "focal",
		.doc = OP_TEXT("Loss of yes or no that looks at what is still wrong, where one answer is rare: sigmoid inside"),
		.equation = OP_TEXT("p = sigmoid(x), q = p (1 - target) + (1 - p) target: how wrong it is;\n"
			"loss () = mean (or sum, or each) of (alpha target + (1 - alpha) (1 - target)) q^gamma bce_with_logits(x, target)"),
		.source = OP_TEXT("Lin et al. 2017; as torchvision's sigmoid_focal_loss"),
		.contains = "sigmoid",
		LOSS_INFO(focal),
	},
	.infer = same_infer,
	.target = same_target,
	LOSS_HOOKS(focal),
};

/* ---- hinge ------------------------------------------------------------------------------------------------------- */

typedef struct hinge_options {
	const char *name;
	int reduction;
	float margin;
	bool squared;
} hinge_options;
static const eg_attr hinge_attrs[] = {
	REDUCTION(hinge_options),
	OP_FLOAT(hinge_options, margin, 1, 0, 1e6, NULL, "how far on its side a number has to be"),
	OP_BOOL(hinge_options, squared, NULL, "the square of it"),
};
static loss_spec hinge_spec(const eg_emit *e) {
	const hinge_options *o = eg_emit_options(e);
	return (loss_spec){.op = EG_LOSS_HINGE, .a = (double)o->margin, .b = o->squared ? 1 : 0};
}
LOSS_CALLS(hinge)
static const eg_case hinge_cases[] = {
	LOSS_CASES(hinge),
	{"squared, margin", &(const hinge_options){.squared = true, .margin = 0.2f}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)},
		.nin = 2, .batch = 3},
};

const eg_op eg_op_hinge = {
	.info = {
		.name = "hinge",
		.doc = OP_TEXT("Loss of two sides with a margin, as support vector machines have it"),
		.equation = OP_TEXT("loss () = mean (or sum, or each) of max(0, margin - target x), or its square; target is 1 or -1, of the shape of x"),
		.source = OP_TEXT("Cortes and Vapnik 1995; squared: Tang 2013"),
		LOSS_INFO(hinge),
	},
	.infer = same_infer,
	.target = same_target,
	LOSS_HOOKS(hinge),
};

/* ---- quantile ---------------------------------------------------------------------------------------------------- */

typedef struct quantile_options {
	const char *name;
	int reduction;
	float quantile;
	eg_floats quantiles;
} quantile_options;
static const eg_attr quantile_attrs[] = {
	REDUCTION(quantile_options),
	OP_FLOAT(quantile_options, quantile, 0.5, 0, 1, NULL, "share of the targets that shall lie below x"),
	OP_FLOAT_LIST(quantile_options, quantiles, 0, EG_LOSS_LEVELS, 0, 1, NULL, "several shares: x has a number for each of them to a target"),
};
static loss_spec quantile_spec(const eg_emit *e) {
	const quantile_options *o = eg_emit_options(e);
	if (!o->quantiles.n) return (loss_spec){.op = EG_LOSS_QUANTILE, .a = (double)o->quantile};
	return (loss_spec){.op = EG_LOSS_QUANTILES, .parts = o->quantiles.n, .levels = o->quantiles.at, .divisor = 1.0 / o->quantiles.n};
}
LOSS_CALLS(quantile)

static eg_status quantile_infer(eg_infer *s) {
	const quantile_options *o = s->options;
	return o->quantiles.n ? parts_infer(s, o->quantiles.n) : same_infer(s);
}

/* x and target are of one kind; of several numbers the one nearest to the middle is the one that is believed. */
static eg_status quantile_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	const quantile_options *o = options;
	const eg_floats *q = &o->quantiles;
	if (!q->n) {
		eg_status status = same_target(options, x, target, err);
		target->means = true;
		return status;
	}
	*target = (eg_target_info){.type = EG_F32, .class_axis = -1, .parts = q->n, .levels = q->at};
	for (int i = 1; i < q->n; i++)
		if (fabs((double)q->at[i] - 0.5) < fabs((double)q->at[target->point] - 0.5)) target->point = i;
	return part_of(x, x, q->n, &target->dims, err);
}
static const float three_levels[] = {0.1f, 0.6f, 0.9f};
static const eg_case quantile_cases[] = {
	LOSS_CASES(quantile),
	{"a tenth", &(const quantile_options){.quantile = 0.1f}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, .nin = 2, .batch = 3},
	{"equal numbers", NULL, .in = {OP_DIMS(6, 5), OP_DIMS(6, 5)}, .nin = 2, .batch = 2, .ties = true},
	{"three of each", &(const quantile_options){.quantiles = {three_levels, 3}}, .in = {OP_DIMS(EG_N, 15), OP_DIMS(EG_N, 5)}, .nin = 2,
		.batch = 18, .unequal = true},
	{"two of each step, sum", &(const quantile_options){.quantiles = {three_levels, 2}, .reduction = REDUCTION_SUM},
		.in = {OP_DIMS(EG_T, EG_N, 22), OP_DIMS(EG_T, EG_N, 11)}, .nin = 2, .batch = 6, .time = 5, .unequal = true},
	{"each, three of them", &(const quantile_options){.quantiles = {three_levels, 3}, .reduction = REDUCTION_NONE},
		.in = {OP_DIMS(EG_T, EG_N, 33), OP_DIMS(EG_T, EG_N, 11)}, .nin = 2, .batch = 6, .time = 5, .unequal = true},
};

const eg_op eg_op_quantile = {
	.info = {
		.name = "quantile",
		.doc = OP_TEXT("Regression loss (pinball) whose best answer is a quantile of the targets: 0.9 for a bound that 9 of 10 keep"),
		.equation = OP_TEXT("e = target - x; loss () = mean (or sum, or each) of max(quantile e, (quantile - 1) e), whose derivative at 0 is taken as 0;\n"
			"quantiles q1...qQ: x (N,QK,...) has, behind each other, all first numbers, all second ones ... of target (N,K,...),\n"
			"of sequences (T,N,QK) and (T,N,K); the mean is also one over the quantiles, each is the sum of them"),
		.source = OP_TEXT("Koenker and Bassett 1978"),
		.shorthand = "quantile",
		LOSS_INFO(quantile),
	},
	.infer = quantile_infer,
	.target = quantile_target,
	LOSS_HOOKS(quantile),
};

/* ---- poisson_nll ------------------------------------------------------------------------------------------------- */

typedef loss_options poisson_nll_options;
static const eg_attr poisson_nll_attrs[] = {REDUCTION(poisson_nll_options)};
static loss_spec poisson_nll_spec(const eg_emit *e) { return EG_UNUSED(e), (loss_spec){.op = EG_LOSS_POISSON}; }
LOSS_CALLS(poisson_nll)
static const eg_case poisson_nll_cases[] = {LOSS_CASES(poisson_nll)};

const eg_op eg_op_poisson_nll = {
	.info = {
		.name = "poisson_nll",
		.doc = OP_TEXT("Regression loss of counts: how unlikely they are where e^x are expected"),
		.equation = OP_TEXT("loss () = mean (or sum, or each) of e^x - target x; the logarithm of the target's factorial is left out"),
		.source = OP_TEXT("PyTorch's PoissonNLLLoss with log_input"),
		LOSS_INFO(poisson_nll),
	},
	.infer = same_infer,
	.target = same_target,
	LOSS_HOOKS(poisson_nll),
};

/* ---- kl_divergence ----------------------------------------------------------------------------------------------- */

typedef loss_options kl_divergence_options;
static const eg_attr kl_divergence_attrs[] = {
	OP_ENUM(kl_divergence_options, reduction, reductions, "reduction", "mean: divided by the number of distributions")};
static loss_spec kl_divergence_spec(const eg_emit *e) {
	const eg_dims declared = eg_emit_in_declared(e, X), x = eg_emit_in_dims(e, X);
	return (loss_spec){.op = EG_LOSS_KL, .divisor = (double)x.d[parts_axis(&declared)]};
}
LOSS_CALLS(kl_divergence)
static const eg_case kl_divergence_cases[] = {LOSS_CASES(kl_divergence)};

static eg_status kl_divergence_infer(eg_infer *s) {
	char text[128];
	if (s->in[X].rank < 2)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s need at least 2 dimensions, (N,classes,...)",
			eg_dims_text(&s->in[X], text, sizeof text));
	return check_target(s, &s->in[X]);
}

const eg_op eg_op_kl_divergence = {
	.info = {
		.name = "kl_divergence",
		.doc = OP_TEXT("Loss of probabilities against wanted ones: how much longer a code for these is, in nats"),
		.equation = OP_TEXT("loss () = sum of target (log target - x), 0 where target is 0; x are logarithms of probabilities;\n"
			"mean: divided by the number of distributions, which dimension 1 holds, of sequences (T,N,classes) the last"),
		.source = OP_TEXT("Kullback and Leibler 1951; PyTorch's KLDivLoss with batchmean"),
		LOSS_INFO(kl_divergence),
	},
	.infer = kl_divergence_infer,
	.target = same_target,
	LOSS_HOOKS(kl_divergence),
};

/* ---- gaussian_nll ------------------------------------------------------------------------------------------------ */

typedef struct gaussian_nll_options {
	const char *name;
	int reduction;
	bool full;
} gaussian_nll_options;
static const eg_attr gaussian_nll_attrs[] = {
	REDUCTION(gaussian_nll_options),
	OP_BOOL(gaussian_nll_options, full, NULL, "with the constant log(2 pi) / 2, so that it is a likelihood"),
};
static loss_spec gaussian_nll_spec(const eg_emit *e) {
	const gaussian_nll_options *o = eg_emit_options(e);
	return (loss_spec){.op = EG_LOSS_GAUSSIAN, .b = o->full ? 0.91893853320467274 : 0, .parts = 2};
}
LOSS_CALLS(gaussian_nll)
static eg_status gaussian_nll_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options);
	return pair_target(x, 0.5, target, err);
}
static const eg_case gaussian_nll_cases[] = {
	PAIR_CASES(gaussian_nll),
	{"full", &(const gaussian_nll_options){.full = true}, .in = {OP_DIMS(EG_N, 18), OP_DIMS(EG_N, 9)}, .nin = 2, .batch = 3,
		.unequal = true},
};

const eg_op eg_op_gaussian_nll = {
	.info = {
		.name = "gaussian_nll",
		.doc = OP_TEXT("Regression loss of a mean and how sure it is: negative log-likelihood of a normal distribution"),
		.equation = OP_TEXT("x has a mean m and behind all means the logarithm s of a variance for every target: (N,2K,...) for (N,K,...),\n"
			"of sequences (T,N,2K) for (T,N,K); loss () = mean (or sum, or each) of (s + (target - m)^2 e^-s) / 2 [+ log(2 pi) / 2]"),
		.source = OP_TEXT("Nix and Weigend 1994; PyTorch's GaussianNLLLoss, whose variance is e^s"),
		LOSS_INFO(gaussian_nll),
	},
	.infer = pair_infer,
	.target = gaussian_nll_target,
	LOSS_HOOKS(gaussian_nll),
};

/* ---- student_t_nll ----------------------------------------------------------------------------------------------- */

typedef struct student_t_nll_options {
	const char *name;
	int reduction;
	float degrees;
} student_t_nll_options;
static const eg_attr student_t_nll_attrs[] = {
	REDUCTION(student_t_nll_options),
	OP_FLOAT(student_t_nll_options, degrees, 5, 0.01, 1e6, NULL, "degrees of freedom: the fewer, the less far-off targets count"),
};
static loss_spec student_t_nll_spec(const eg_emit *e) {
	const double v = (double)((const student_t_nll_options *)eg_emit_options(e))->degrees;
	return (loss_spec){.op = EG_LOSS_STUDENT,
		.a = v,
		.b = lgamma(v / 2) - lgamma((v + 1) / 2) + log(v * 3.14159265358979323846) / 2,
		.parts = 2};
}
LOSS_CALLS(student_t_nll)
static eg_status student_t_nll_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options);
	return pair_target(x, 1, target, err);
}
static const eg_case student_t_nll_cases[] = {
	PAIR_CASES(student_t_nll),
	{"degrees", &(const student_t_nll_options){.degrees = 1}, .in = {OP_DIMS(EG_N, 18), OP_DIMS(EG_N, 9)}, .nin = 2, .batch = 3,
		.unequal = true},
};

const eg_op eg_op_student_t_nll = {
	.info = {
		.name = "student_t_nll",
		.doc = OP_TEXT("Regression loss of a location and a scale that bears outliers: negative log-likelihood of Student's t"),
		.equation = OP_TEXT("x as for gaussian_nll: a location m, and behind all of them the logarithm s of a scale, for every target;\n"
			"z = (target - m) e^-s, v = degrees; loss () = mean (or sum, or each) of s + (v+1)/2 log(1 + z^2/v) + c,\n"
			"c = log Gamma(v/2) - log Gamma((v+1)/2) + log(v pi) / 2"),
		.source = OP_TEXT("Lange, Little and Taylor 1989"),
		.shorthand = "degrees",
		LOSS_INFO(student_t_nll),
	},
	.infer = pair_infer,
	.target = student_t_nll_target,
	LOSS_HOOKS(student_t_nll),
};

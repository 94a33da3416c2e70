/* class_loss.c - losses of classes beside cross-entropy: nll, softmax_focal, multi_margin, arcface. A row is the
 * numbers of all classes.
 *
 * Not here: cross_entropy, which has kernels of its own (loss.c); kernels (kern_losses.h); overlap of regions
 * (overlap_loss.c). */
#include "ops/row_loss.h"

/* All options begin with these. */
typedef struct class_options {
	const char *name;
	int reduction, axis, ignore_index;
} class_options;

#define CLASS_ATTRS(T)                                                                                                 \
	OP_REDUCTION(T, "mean: divided by the weights of the rows that count; none: a number for each row"),            \
		OP_ROW_AXIS(T, 1),                                                                                     \
		OP_INT(T, ignore_index, -100, -INT32_MAX, INT32_MAX, "ignore_index", "rows with this target count for nothing")

static eg_status class_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	return op_classes_target(((const class_options *)options)->axis, x, x, target, err);
}

/* Of who takes all classes for equally likely it is not log(classes). */
static eg_status scaled_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	eg_status status = class_target(options, x, target, err);
	if (!status) target->own_scale = true;
	return status;
}

static eg_status class_infer(eg_infer *s) {
	const class_options *o = s->options;
	return op_classes_infer(s, o->axis, o->reduction);
}

static op_row_loss class_loss(const eg_emit *e, eg_row_op op) {
	const class_options *o = eg_emit_options(e);
	return (op_row_loss){.op = op, .axis = o->axis, .ignore = o->ignore_index, .reduction = o->reduction, .rows = 1, .label = 1,
		.weight = 2, .counted = true};
}

#define CLASS_INFO(name)                                                                                               \
	.attrs = name##_attrs, .nattrs = EG_COUNT(name##_attrs), .options_size = sizeof(name##_options),               \
	.min_inputs = 2, .max_inputs = 3, .inputs = (const char *const[]){"logits", "target", "weight"},               \
	.types = "fif", .outputs = (const char *const[]){"loss", NULL}
#define CLASS_HOOKS(name)                                                                                              \
	.infer = class_infer, .fwd = name##_fwd, .bwd = OP_BWD(name##_bwd), .bwd_reads_x = true,       \
	OP_CASES(name##_cases)

/* A block and a rest; pictures with weights and ignored places; sequences; a number for each row, classes last. */
#define O(name, ...) &(const name##_options){__VA_ARGS__}
#define CLASS_CASES(name)                                                                                              \
	{"classes", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 18,    \
		.limit = 7},                                                                                           \
	{"pictures, weights, ignored, sum", O(name, .reduction = OP_SUM, .ignore_index = 2),                           \
		.in = {OP_DIMS(EG_N, 5, 3, 4), OP_DIMS(EG_N, 3, 4), OP_DIMS(5)}, .type = {EG_F32, EG_I32, EG_F32},     \
		.nin = 3, .batch = 17, .limit = 5},                                                                    \
	{"steps of sequences, weights, ignored", O(name, .ignore_index = EG_ZERO),                                     \
		.in = {OP_DIMS(EG_T, EG_N, 7), OP_DIMS(EG_T, EG_N), OP_DIMS(7)}, .type = {EG_F32, EG_I32, EG_F32},     \
		.nin = 3, .batch = 6, .time = 5, .limit = 7},                                                          \
	{"each row, classes last", O(name, .reduction = OP_NONE, .axis = -1),                                          \
		.in = {OP_DIMS(EG_N, EG_NAMED, 5), OP_DIMS(EG_N, EG_NAMED)}, .type = {EG_F32, EG_I32}, .nin = 2,       \
		.batch = 3, .sizes = OP_SIZES({"length", 4}), .limit = 5}

/* ---- nll --------------------------------------------------------------------------------------------------------- */

typedef class_options nll_options;
static const eg_attr nll_attrs[] = {CLASS_ATTRS(nll_options)};
static op_row_loss nll_loss(const eg_emit *e) { return class_loss(e, EG_ROW_NLL); }
OP_ROW_CALLS(nll)
static const eg_case nll_cases[] = {CLASS_CASES(nll)};

const eg_op eg_op_nll = {
	.info = {
		.name = "nll",
		.doc = OP_TEXT("Classification loss of logarithms of probabilities, such as log_softmax gives"),
		.equation = OP_TEXT("logits (N,classes,d1,...) are log p, target (N,d1,...) class numbers t, weight (classes);\n"
			"row = -weight[t] log p[t]; loss () = sum of rows, for mean divided by the sum of weight[t]; none: (N,d1,...)"),
		.source = OP_TEXT("ONNX NegativeLogLikelihoodLoss-13; PyTorch's NLLLoss"),
		.judges = {EG_RANGE_LIMITED, -(double)INFINITY, 0},
		.judges_by = "log_softmax",
		CLASS_INFO(nll),
	},
	.target = class_target,
	CLASS_HOOKS(nll),
	.onnx = "NegativeLogLikelihoodLoss",
	.onnx_since = 13,
};

/* ---- softmax_focal ----------------------------------------------------------------------------------------------- */

typedef struct softmax_focal_options {
	const char *name;
	int reduction, axis, ignore_index;
	float gamma;
} softmax_focal_options;
static const eg_attr softmax_focal_attrs[] = {
	CLASS_ATTRS(softmax_focal_options),
	OP_FLOAT(softmax_focal_options, gamma, 2, 0, 100, NULL, "how much less counts what is right already; 0: cross-entropy"),
};
static op_row_loss softmax_focal_loss(const eg_emit *e) {
	op_row_loss l = class_loss(e, EG_ROW_FOCAL);
	l.a = (double)((const softmax_focal_options *)eg_emit_options(e))->gamma;
	return l;
}
OP_ROW_CALLS(softmax_focal)
static const eg_case softmax_focal_cases[] = {
	CLASS_CASES(softmax_focal),
	{"gamma", O(softmax_focal, .gamma = 0.5f), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 3, .limit = 4},
};

const eg_op eg_op_softmax_focal = {
	.info = {
		.name = "softmax_focal",
		.doc = OP_TEXT("Classification loss that looks at what is still wrong, for classes that are rare: softmax inside"),
		.equation = OP_TEXT("p = softmax(logits) over the classes; row = weight[t] (1 - p[t])^gamma (-log p[t]); loss () = sum of rows,\n"
			"for mean divided by the sum of weight[t]; none: (N,d1,...); weight (classes) is the paper's alpha;\n"
			"logits (N,classes,d1,...), target (N,d1,...)"),
		.source = OP_TEXT("Lin et al. 2017, over several classes; `focal` has independent ones"),
		.shorthand = "gamma",
		.contains = "softmax",
		CLASS_INFO(softmax_focal),
	},
	.target = scaled_target,
	CLASS_HOOKS(softmax_focal),
};

/* ---- multi_margin ------------------------------------------------------------------------------------------------ */

typedef struct multi_margin_options {
	const char *name;
	int reduction, axis, ignore_index;
	float margin;
	bool squared;
} multi_margin_options;
static const eg_attr multi_margin_attrs[] = {
	CLASS_ATTRS(multi_margin_options),
	OP_FLOAT(multi_margin_options, margin, 1, 0, 1e6, NULL, "how far before all others the right class has to be"),
	OP_BOOL(multi_margin_options, squared, NULL, "the square of what is missing (PyTorch's p: 2)"),
};
static op_row_loss multi_margin_loss(const eg_emit *e) {
	const multi_margin_options *o = eg_emit_options(e);
	op_row_loss l = class_loss(e, EG_ROW_MARGIN);
	l.a = (double)o->margin, l.b = o->squared ? 2 : 1;
	return l;
}
OP_ROW_CALLS(multi_margin)
static const eg_case multi_margin_cases[] = {
	CLASS_CASES(multi_margin),
	{"margin, squared", O(multi_margin, .margin = 0.3f, .squared = true), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 3, .limit = 4},
};

const eg_op eg_op_multi_margin = {
	.info = {
		.name = "multi_margin",
		.doc = OP_TEXT("Classification loss with a margin: a support vector machine of several classes"),
		.equation = OP_TEXT("row = weight[t]/classes sum over c other than t of max(0, margin - logits[t] + logits[c]), or their squares;\n"
			"loss () = sum of rows, for mean divided by the number of rows that count; none: (N,d1,...);\n"
			"logits (N,classes,d1,...), target (N,d1,...), weight (classes)"),
		.source = OP_TEXT("Crammer and Singer 2001; PyTorch's MultiMarginLoss"),
		CLASS_INFO(multi_margin),
	},
	.target = scaled_target,
	CLASS_HOOKS(multi_margin),
};

/* ---- arcface ----------------------------------------------------------------------------------------------------- */

typedef struct arcface_options {
	const char *name;
	int reduction, axis, ignore_index;
	float margin, scale;
	int kind;
} arcface_options;
static const char *const arcface_kinds[] = {"angle", "cosine", NULL};
static const eg_attr arcface_attrs[] = {
	CLASS_ATTRS(arcface_options),
	OP_FLOAT(arcface_options, margin, 0.5, 0, 3.14, NULL, "what is added to the right class's angle, or taken from its cosine"),
	OP_FLOAT(arcface_options, scale, 64, 0.01, 1e6, NULL, "what the cosines were multiplied with before they came: the scale of `cosine_linear`"),
	OP_ENUM(arcface_options, kind, arcface_kinds, NULL, "angle: ArcFace; cosine: CosFace"),
};
static op_row_loss arcface_loss(const eg_emit *e) {
	const arcface_options *o = eg_emit_options(e);
	op_row_loss l = class_loss(e, EG_ROW_ARC);
	l.a = (double)o->margin, l.b = (double)o->scale, l.kind = o->kind;
	return l;
}
OP_ROW_CALLS(arcface)
static const eg_case arcface_cases[] = {
	CLASS_CASES(arcface),
	{"margin, scale", O(arcface, .margin = 0.8f, .scale = 2), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 18, .limit = 4},
	{"angles beyond pi", O(arcface, .margin = 2.5f, .scale = 1.1f), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 18, .limit = 4},
	{"cosines", O(arcface, .kind = 1, .margin = 0.35f, .scale = 3), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 3, .limit = 4},
};

const eg_op eg_op_arcface = {
	.info = {
		.name = "arcface",
		.doc = OP_TEXT("Loss of embeddings by class: cross-entropy of angles, the right one made harder by a margin"),
		.equation = OP_TEXT("logits are s cos(v), as `cosine_linear` gives them, s = scale, v the angle to each class; in place of s cos(v[t])\n"
			"stands s cos(v[t] + margin), or where v[t] + margin > pi, s (cos(v[t]) - margin sin(margin)); with kind cosine\n"
			"s (cos(v[t]) - margin); row = weight[t] times the cross-entropy of these;\n"
			"loss () = sum of rows, for mean divided by the sum of weight[t]; none: (N,d1,...)"),
		.source = OP_TEXT("Deng et al. 2019 (ArcFace); Wang et al. 2018 (CosFace)"),
		.shorthand = "margin",
		.contains = "softmax",
		CLASS_INFO(arcface),
	},
	.target = scaled_target,
	CLASS_HOOKS(arcface),
};

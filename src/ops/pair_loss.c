/* pair_loss.c - rows that are compared: cosine_similarity and pairwise_distance, and losses of them,
 * cosine_embedding, contrastive and triplet. All rows get a gradient.
 *
 * Not here: kernels (kern_losses.h); rows compared with a whole batch (supervised_contrastive.c). */
#include "ops/row_loss.h"

/* All options begin with these. */
typedef struct pair_options {
	const char *name;
	int axis, reduction;
} pair_options;

#define PAIR_REDUCTION(T) OP_REDUCTION(T, "mean: divided by the number of rows; none: a number for each row")

static op_row_loss pair_loss(const eg_emit *e, eg_row_op op, int rows, bool label) {
	const pair_options *o = eg_emit_options(e);
	return (op_row_loss){.op = op, .axis = o->axis, .reduction = o->reduction, .rows = rows, .label = label ? rows : 0,
		.ignore = -INT32_MAX, .all = true};
}

static eg_status two_infer(eg_infer *s) {
	return op_pairs_infer(s, ((const pair_options *)s->options)->axis, 2, false, OP_NONE);
}
static eg_status labelled_infer(eg_infer *s) {
	const pair_options *o = s->options;
	return op_pairs_infer(s, o->axis, 2, true, o->reduction);
}

#define O(name, ...) &(const name##_options){__VA_ARGS__}
#define PAIR_ATTRS(name) .attrs = name##_attrs, .nattrs = EG_COUNT(name##_attrs), .options_size = sizeof(name##_options)
#define PAIR_HOOKS(name) .fwd = name##_fwd, .bwd = OP_BWD(name##_bwd), .bwd_reads_x = true, OP_CASES(name##_cases)

/* A block and a rest; rows that do not lie together; steps of sequences, one size open. */
#define TWO_CASES                                                                                                      \
	{"rows", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)}, .nin = 2, .batch = 18},                             \
	{"sequences", NULL, .in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N, 5)}, .nin = 2, .batch = 6, .time = 4},  \
	{"a batch and no batch", NULL, .in = {OP_DIMS(3, 7), OP_DIMS(3, 7)}, .nin = 2, .batch = 2}
#define LABELLED_CASES(name)                                                                                           \
	{"rows", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7), OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32},    \
		.nin = 3, .batch = 18, .limit = 2},                                                                    \
	{"places, sum, margin", O(name, .reduction = OP_SUM, .axis = 1, .margin = 0.4f),                               \
		.in = {OP_DIMS(EG_N, 5, 3), OP_DIMS(EG_N, 5, 3), OP_DIMS(EG_N, 3)}, .type = {EG_F32, EG_F32, EG_I32},  \
		.nin = 3, .batch = 17, .limit = 2},                                                                    \
	{"each row of sequences", O(name, .reduction = OP_NONE),                                                       \
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N)},                           \
		.type = {EG_F32, EG_F32, EG_I32}, .nin = 3, .batch = 6, .time = 4, .limit = 2}

/* ---- cosine_similarity ------------------------------------------------------------------------------------------- */

typedef struct cosine_similarity_options {
	const char *name;
	int axis;
	float eps;
} cosine_similarity_options;
static const eg_attr cosine_similarity_attrs[] = {
	OP_ROW_AXIS(cosine_similarity_options, 1),
	OP_FLOAT(cosine_similarity_options, eps, 1e-8, 1e-30, 1, NULL, "least length that a row is taken to have"),
};
static op_row_loss cosine_similarity_loss(const eg_emit *e) {
	const cosine_similarity_options *o = eg_emit_options(e);
	return (op_row_loss){.op = EG_ROW_COSINE, .axis = o->axis, .reduction = OP_NONE, .rows = 2, .all = true, .a = (double)o->eps};
}
OP_ROW_CALLS(cosine_similarity)
static const eg_case cosine_similarity_cases[] = {
	TWO_CASES,
	{"places, open height, short rows", O(cosine_similarity, .axis = -2, .eps = 0.9f),
		.in = {OP_DIMS(EG_TN, EG_NAMED, 3, 2), OP_DIMS(EG_TN, EG_NAMED, 3, 2)}, .nin = 2, .batch = 6, .time = 3,
		.sizes = OP_SIZES({"height", 4})},
};
static eg_range cosine_range(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, -1, 1};
}

const eg_op eg_op_cosine_similarity = {
	.info = {
		.name = "cosine_similarity",
		.layer = "cosine_similarity",
		.doc = OP_TEXT("Cosine of the angle between rows of two tensors"),
		.equation = OP_TEXT("y = <a,b> / (max(|a|,eps) max(|b|,eps)) of rows along an axis; a, b (N,d1,...) -> y (N,...) without that axis"),
		.source = OP_TEXT("PyTorch's cosine_similarity"),
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = (const char *const[]){"a", "b"},
		.outputs = (const char *const[]){"y", NULL},
		PAIR_ATTRS(cosine_similarity),
	},
	.infer = two_infer,
	.range = cosine_range,
	PAIR_HOOKS(cosine_similarity),
};

/* ---- pairwise_distance ------------------------------------------------------------------------------------------- */

typedef struct pairwise_distance_options {
	const char *name;
	int axis;
	float p, eps;
} pairwise_distance_options;
static const eg_attr pairwise_distance_attrs[] = {
	OP_ROW_AXIS(pairwise_distance_options, -1),
	OP_FLOAT(pairwise_distance_options, p, 2, 1, 100, NULL, "the power: 1 adds up absolute differences, 2 is Euclid's"),
	OP_FLOAT(pairwise_distance_options, eps, 1e-6, 0, 1, NULL, "is added to each difference, so that equal rows have a gradient"),
};
static op_row_loss pairwise_distance_loss(const eg_emit *e) {
	const pairwise_distance_options *o = eg_emit_options(e);
	return (op_row_loss){.op = EG_ROW_DISTANCE, .axis = o->axis, .reduction = OP_NONE, .rows = 2, .all = true,
		.a = (double)o->p, .b = (double)o->eps};
}
OP_ROW_CALLS(pairwise_distance)
static const eg_case pairwise_distance_cases[] = {
	TWO_CASES,
	{"places, p 1", O(pairwise_distance, .axis = 1, .p = 1, .eps = 0.1f), .in = {OP_DIMS(EG_N, 5, 3), OP_DIMS(EG_N, 5, 3)},
		.nin = 2, .batch = 3},
	{"p 3", O(pairwise_distance, .p = 3, .eps = EG_ZERO_F), .in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 5)}, .nin = 2, .batch = 3},
};

static eg_range from_zero(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, 0, (double)INFINITY};
}

const eg_op eg_op_pairwise_distance = {
	.info = {
		.name = "pairwise_distance",
		.layer = "pairwise_distance",
		.doc = OP_TEXT("Distance between rows of two tensors"),
		.equation = OP_TEXT("y = (sum of |a - b + eps|^p)^(1/p) of rows along an axis; a, b (N,d1,...) -> y (N,...) without that axis"),
		.source = OP_TEXT("PyTorch's pairwise_distance"),
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = (const char *const[]){"a", "b"},
		.outputs = (const char *const[]){"y", NULL},
		PAIR_ATTRS(pairwise_distance),
	},
	.infer = two_infer,
	.range = from_zero,
	PAIR_HOOKS(pairwise_distance),
};

/* ---- cosine_embedding -------------------------------------------------------------------------------------------- */

typedef struct cosine_embedding_options {
	const char *name;
	int axis, reduction;
	float margin;
} cosine_embedding_options;
static const eg_attr cosine_embedding_attrs[] = {
	OP_ROW_AXIS(cosine_embedding_options, -1),
	PAIR_REDUCTION(cosine_embedding_options),
	OP_FLOAT(cosine_embedding_options, margin, 0, -1, 1, NULL, "cosine that rows that do not belong together may have"),
};
static op_row_loss cosine_embedding_loss(const eg_emit *e) {
	op_row_loss l = pair_loss(e, EG_ROW_COSINE_LOSS, 2, true);
	l.a = (double)((const cosine_embedding_options *)eg_emit_options(e))->margin;
	return l;
}
OP_ROW_CALLS(cosine_embedding)
static const eg_case cosine_embedding_cases[] = {LABELLED_CASES(cosine_embedding)};

const eg_op eg_op_cosine_embedding = {
	.info = {
		.name = "cosine_embedding",
		.doc = OP_TEXT("Loss of pairs that belong together or do not, by their angle"),
		.equation = OP_TEXT("c = cosine_similarity(a, b) of rows along an axis; row = label > 0 ? 1 - c : max(0, c - margin);\n"
			"loss () = mean (or sum) of rows; none: (N,...); a, b (N,d1,...), label (N,...) int32: 1, or -1 or 0"),
		.source = OP_TEXT("PyTorch's CosineEmbeddingLoss"),
		.shorthand = "margin",
		.min_inputs = 3,
		.max_inputs = 3,
		.inputs = (const char *const[]){"a", "b", "label"},
		.types = "ffi",
		.outputs = (const char *const[]){"loss", NULL},
		PAIR_ATTRS(cosine_embedding),
	},
	.infer = labelled_infer,
	PAIR_HOOKS(cosine_embedding),
};

/* ---- contrastive ------------------------------------------------------------------------------------------------- */

typedef struct contrastive_options {
	const char *name;
	int axis, reduction;
	float margin;
} contrastive_options;
static const eg_attr contrastive_attrs[] = {
	OP_ROW_AXIS(contrastive_options, -1),
	PAIR_REDUCTION(contrastive_options),
	OP_FLOAT(contrastive_options, margin, 1, 0, 1e6, NULL, "distance at which rows that do not belong together are far enough"),
};
static op_row_loss contrastive_loss(const eg_emit *e) {
	op_row_loss l = pair_loss(e, EG_ROW_CONTRASTIVE, 2, true);
	l.a = (double)((const contrastive_options *)eg_emit_options(e))->margin;
	return l;
}
OP_ROW_CALLS(contrastive)
static const eg_case contrastive_cases[] = {
	LABELLED_CASES(contrastive),
	{"a wide margin", O(contrastive, .margin = 5), .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_N, 4), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_F32, EG_I32}, .nin = 3, .batch = 3, .limit = 2},
};

const eg_op eg_op_contrastive = {
	.info = {
		.name = "contrastive",
		.doc = OP_TEXT("Loss of pairs that belong together or do not, by their distance"),
		.equation = OP_TEXT("d = |a - b| of rows along an axis; row = label > 0 ? d^2/2 : max(0, margin - d)^2/2, whose derivative at d = 0 is\n"
			"taken as 0; loss () = mean (or sum) of rows; none: (N,...); a, b (N,d1,...), label (N,...) int32: 1, or 0 or -1"),
		.source = OP_TEXT("Hadsell, Chopra and LeCun 2006 (whose Y is 1 - label)"),
		.shorthand = "margin",
		.min_inputs = 3,
		.max_inputs = 3,
		.inputs = (const char *const[]){"a", "b", "label"},
		.types = "ffi",
		.outputs = (const char *const[]){"loss", NULL},
		PAIR_ATTRS(contrastive),
	},
	.infer = labelled_infer,
	PAIR_HOOKS(contrastive),
};

/* ---- triplet ----------------------------------------------------------------------------------------------------- */

typedef struct triplet_options {
	const char *name;
	int axis, reduction;
	float margin, p, eps;
	bool swap;
} triplet_options;
static const eg_attr triplet_attrs[] = {
	OP_ROW_AXIS(triplet_options, -1),
	PAIR_REDUCTION(triplet_options),
	OP_FLOAT(triplet_options, margin, 1, 0, 1e6, NULL, "by how much closer the positive has to be than the negative"),
	OP_FLOAT(triplet_options, p, 2, 1, 100, NULL, "the power of the distance, as in pairwise_distance"),
	OP_FLOAT(triplet_options, eps, 1e-6, 0, 1, NULL, "is added to each difference"),
	OP_BOOL(triplet_options, swap, NULL, "the negative's distance is that to the anchor or to the positive, the smaller one"),
};
static eg_status triplet_infer(eg_infer *s) {
	const triplet_options *o = s->options;
	return op_pairs_infer(s, o->axis, 3, false, o->reduction);
}
static op_row_loss triplet_loss(const eg_emit *e) {
	const triplet_options *o = eg_emit_options(e);
	op_row_loss l = pair_loss(e, EG_ROW_TRIPLET, 3, false);
	l.a = (double)o->margin, l.b = (double)o->p, l.c = (double)o->eps, l.kind = o->swap;
	return l;
}
OP_ROW_CALLS(triplet)
static const eg_case triplet_cases[] = {
	{"rows", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)}, .nin = 3, .batch = 18},
	{"swapped, sum", O(triplet, .swap = true, .reduction = OP_SUM), .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)},
		.nin = 3, .batch = 17},
	{"places, each, p 1, margin", O(triplet, .axis = 1, .reduction = OP_NONE, .p = 1, .margin = 0.2f, .eps = 0.01f),
		.in = {OP_DIMS(EG_TN, 5, EG_NAMED), OP_DIMS(EG_TN, 5, EG_NAMED), OP_DIMS(EG_TN, 5, EG_NAMED)}, .nin = 3, .batch = 6,
		.time = 3, .sizes = OP_SIZES({"width", 4})},
	{"sequences", NULL, .in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N, 5)}, .nin = 3, .batch = 3,
		.time = 4},
};

const eg_op eg_op_triplet = {
	.info = {
		.name = "triplet",
		.doc = OP_TEXT("Loss of embeddings: an anchor shall be closer to what is of its kind than to what is not"),
		.equation = OP_TEXT("d = pairwise_distance(.., p, eps) of rows along an axis; row = max(0, d(anchor, positive) - d(anchor, negative) + margin);\n"
			"loss () = mean (or sum) of rows; none: (N,...); all three (N,d1,...)"),
		.source = OP_TEXT("Schroff et al. 2015; swap: Balntas et al. 2016; PyTorch's TripletMarginLoss"),
		.shorthand = "margin",
		.min_inputs = 3,
		.max_inputs = 3,
		.inputs = (const char *const[]){"anchor", "positive", "negative"},
		.outputs = (const char *const[]){"loss", NULL},
		PAIR_ATTRS(triplet),
	},
	.infer = triplet_infer,
	PAIR_HOOKS(triplet),
};

/* ctc.c - connectionist temporal classification: the loss of a network that tells labels without being told when, and
 * reading labels off its outputs.
 *
 * With alignments of input and target unknown, the probability of a target is the sum over all ways to spread its
 * labels over the time steps, a label standing for one step or several, blanks in between wherever wanted (Graves et
 * al. 2006).
 *
 * A target that no alignment fits has the probability 0. Its loss is then +infinity and its gradient 0: training stops
 * at the first such batch, as at any loss that is not finite, eg_plan_diagnose names this node, and the output `losses`
 * tells which samples they are. With zero_infinity they count as 0 everywhere, and training goes on without them. */
#include "ops/sequence_loss.h"

/* ---- the loss ---------------------------------------------------------------------------------------------------- */

typedef struct ctc_options {
	const char *name;
	int blank;
	int reduction;
	bool zero_infinity;
} ctc_options;

static const eg_attr ctc_attrs[] = {
	OP_INT(ctc_options, blank, 0, 0, OP_SIZE_MAX, "blank", "the class that stands for no label"),
	OP_ENUM(ctc_options, reduction, reductions, "reduction",
		"mean: every loss divided by its number of labels, then averaged; none: a loss for each sample"),
	OP_BOOL(ctc_options, zero_infinity, NULL,
		"samples whose target is impossible have the loss 0 instead of infinity"),
};

enum { LOGITS, TARGET, INPUT_LENGTHS, TARGET_LENGTHS };
enum { LOSS, LOSSES };
enum { SAVED_PROB, SAVED_FACTOR, SAVED_ALPHA };

/* A row of labels for each sequence, as long as the longest. */
static eg_status ctc_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options);
	if (op_check_steps(x, "logits", "classes", err)) return err->status;
	*target = (eg_target_info){.dims = {2, {x->d[1], 0}}, .open = "labels", .type = EG_I32, .class_axis = 2};
	return EG_OK;
}

static eg_status ctc_infer(eg_infer *s) {
	const ctc_options *o = s->options;
	const eg_dims *x = &s->in[LOGITS], *t = &s->in[TARGET];
	char text[128];
	if (op_check_sequence(s, LOGITS, "logits", "classes")) return s->err->status;
	eg_dims each = {1, {x->d[1]}}, labels = {2, {x->d[1], t->rank == 2 ? t->d[1] : 1}};
	if (op_check_integers(s, TARGET, "target", labels, "a row of labels for each sequence is needed") ||
		op_check_integers(s, INPUT_LENGTHS, "input_lengths", each, "one for each sequence is needed") ||
		op_check_integers(s, TARGET_LENGTHS, "target_lengths", each, "one for each sequence is needed"))
		return s->err->status;
	if (eg_dim_is_batch(t->d[1]))
		return eg_fail(s->err, EG_ERR_SHAPE, "target %s: the number of labels cannot be the batch size",
			eg_dims_text(t, text, sizeof text));
	if (o->blank >= x->d[2])
		return eg_fail(s->err, EG_ERR_ARG, "blank is class %d, but logits %s have the classes 0 to %lld",
			o->blank, eg_dims_text(x, text, sizeof text), (long long)x->d[2] - 1);
	s->nout = 2;
	s->out[LOSS] = o->reduction == REDUCE_NONE ? each : (eg_dims){0};
	s->out[LOSSES] = each;
	s->out_constant[LOSSES] = true;
	s->info->mixes_time = true;
	return EG_OK;
}

static eg_ctc_shape ctc_shape(const eg_emit *e) {
	const ctc_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, LOGITS), t = eg_emit_in_dims(e, TARGET);
	return (eg_ctc_shape){.T = (int)x.d[0],
		.N = (int)x.d[1],
		.C = (int)x.d[2],
		.L = (int)t.d[1],
		.blank = o->blank,
		.by_length = o->reduction == REDUCE_MEAN,
		.zero_infinity = o->zero_infinity};
}

/* The probabilities of all steps, by the kernel that everybody's softmax uses. */
static void emit_softmax(eg_emit *e, int64_t outer, int n, eg_buf prob) {
	eg_softmax_args a = {.outer = outer, .rows = (EG_CHUNK + n - 1) / n, .n = n, .inner = 1};
	a.x = op_stride(false, eg_emit_x(e, LOGITS, EG_PLAIN), a.rows * n);
	a.y = op_stride(false, prob, a.rows * n);
	OP_CALL(e, softmax_fwd, a, 1, 1, .units = (int)((outer + a.rows - 1) / a.rows),
		.flops = 10.0 * (double)outer * n);
}

static eg_buf ctc_alpha(eg_emit *e, const eg_ctc_shape *s) {
	if (!eg_emit_has_bwd(e)) return (eg_buf){0};
	return eg_emit_saved(e, SAVED_ALPHA, EG_ELEM_REAL, (int64_t)s->N * s->T * (2 * (int64_t)s->L + 1), false);
}

/* Four exponentials or logarithms a state and step. */
static double ctc_flops(const eg_ctc_shape *s) { return ((double)s->L * 200 + s->C) * s->T * s->N; }

/* Where the samples' losses go: an output that is wanted, or a place of their own. */
static eg_buf ctc_losses(eg_emit *e, const eg_ctc_shape *s) {
	const ctc_options *o = eg_emit_options(e);
	if (eg_emit_out_needed(e, LOSSES)) return eg_emit_y(e, LOSSES, EG_PLAIN);
	if (o->reduction == REDUCE_NONE) return eg_emit_y(e, LOSS, EG_PLAIN);
	return eg_emit_temp(e, EG_ELEM_REAL, s->N, false);
}

static void ctc_fwd(eg_emit *e) {
	const ctc_options *o = eg_emit_options(e);
	eg_ctc_shape s = ctc_shape(e);
	eg_buf prob = eg_emit_saved(e, SAVED_PROB, EG_ELEM_REAL, (int64_t)s.T * s.N * s.C, false);
	emit_softmax(e, (int64_t)s.T * s.N, s.C, prob);
	eg_ctc_fwd_args f = {.x = eg_emit_x(e, LOGITS, EG_PLAIN),
		.prob = prob,
		.target = eg_emit_x(e, TARGET, EG_PLAIN),
		.input_lengths = eg_emit_x(e, INPUT_LENGTHS, EG_PLAIN),
		.target_lengths = eg_emit_x(e, TARGET_LENGTHS, EG_PLAIN),
		.losses = ctc_losses(e, &s),
		.factor = eg_emit_saved(e, SAVED_FACTOR, EG_ELEM_REAL, s.N, false),
		.alpha = ctc_alpha(e, &s),
		.s = s};
	OP_CALL(e, ctc_fwd, f, 5, 3, .units = s.N, .scratch = eg_ctc_scratch(&s), .flops = ctc_flops(&s));
	if (!eg_emit_out_needed(e, LOSS)) return;
	if (o->reduction != REDUCE_NONE) {
		op_reduce_losses(e, o->reduction, f.losses, f.factor, s.N);
	} else if (eg_emit_out_needed(e, LOSSES)) {
		eg_walk w = eg_emit_walk_out(e, LOSS, EG_PLAIN);
		eg_map_args c = {.x = op_stride(w.block, f.losses, w.unit), .unit = w.unit, .total = w.total};
		c.y = op_stride(w.block, eg_emit_y(e, LOSS, EG_PLAIN), w.unit);
		OP_CALL(e, copy, c, 1, 1, .block = w.block, .units = w.units, .flops = s.N);
	}
}

static void ctc_bwd(eg_emit *e) {
	const ctc_options *o = eg_emit_options(e);
	if (!eg_emit_has_dy(e, LOSS) || !eg_emit_needs_dx(e, LOGITS)) return;
	eg_ctc_shape s = ctc_shape(e);
	eg_ctc_bwd_args b = {.prob = eg_emit_saved(e, SAVED_PROB, EG_ELEM_REAL, (int64_t)s.T * s.N * s.C, false),
		.target = eg_emit_x(e, TARGET, EG_PLAIN),
		.input_lengths = eg_emit_x(e, INPUT_LENGTHS, EG_PLAIN),
		.target_lengths = eg_emit_x(e, TARGET_LENGTHS, EG_PLAIN),
		.factor = eg_emit_saved(e, SAVED_FACTOR, EG_ELEM_REAL, s.N, false),
		.alpha = ctc_alpha(e, &s),
		.dloss = eg_emit_dy(e, LOSS, EG_PLAIN),
		.s = s,
		.scale = o->reduction == REDUCE_MEAN ? 1 / (real)s.N : 1,
		.each = o->reduction == REDUCE_NONE};
	b.dx = eg_emit_dx(e, LOGITS, EG_PLAIN, &b.acc);
	OP_CALL(e, ctc_bwd, b, 7, 1, .units = s.N, .scratch = eg_ctc_scratch(&s), .flops = ctc_flops(&s));
}

/* Seven sequences, C = 5, L = 4: plain; a repeat; one label; no label; three equal ones; too short for them; no
 * input. */
static const int32_t ctc_labels[7 * 4] = {
	1, 2, 3, -1, 4, 4, 2, 1, 3, -1, -1, -1, -1, -1, -1, -1, 2, 2, 2, -1, 2, 2, 2, -1, 1, 3, -1, -1};
static const int32_t ctc_input_lengths[7] = {6, 6, 1, 4, 5, 4, 0};
static const int32_t ctc_target_lengths[7] = {3, 3, 1, 0, 3, 3, 2};
/* The blank is class 2 here, and the padding a class. */
static const int32_t ctc_labels_other[3 * 4] = {1, 0, 3, 3, 0, 0, 1, 2, 3, 2, 2, 2};
static const int32_t ctc_target_other_lengths[3] = {4, 3, 1};

#define CTC(...) &(const ctc_options){__VA_ARGS__}
static const eg_case ctc_cases[] = {
	{"mean, all lengths", CTC(.zero_infinity = true),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N, 4), OP_DIMS(EG_N), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32, EG_I32, EG_I32}, .nin = 4, .batch = 7, .time = 6, .limit = 5,
		.values = OP_VALUES(NULL, ctc_labels, ctc_input_lengths, ctc_target_lengths)},
	{"an open number of labels", CTC(.zero_infinity = true),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N, EG_NAMED), OP_DIMS(EG_N), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32, EG_I32, EG_I32}, .nin = 4, .batch = 7, .time = 6, .sizes = OP_SIZES({"labels", 4}), .limit = 5,
		.values = OP_VALUES(NULL, ctc_labels, ctc_input_lengths, ctc_target_lengths)},
	{"each, no target lengths", CTC(.reduction = REDUCE_NONE, .zero_infinity = true),
		.in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32, EG_I32},
		.nin = 3, .batch = 7, .time = 6, .limit = 5, .values = OP_VALUES(NULL, ctc_labels, ctc_input_lengths)},
	{"sum, another blank, fixed", CTC(.reduction = REDUCE_SUM, .blank = 2),
		.in = {OP_DIMS(8, 3, 4), OP_DIMS(3, 4), {.rank = -1}, OP_DIMS(3)},
		.type = {EG_F32, EG_I32, EG_I32, EG_I32}, .nin = 4, .batch = 2, .limit = 4,
		.values = OP_VALUES(NULL, ctc_labels_other, NULL, ctc_target_other_lengths)},
};

const eg_op eg_op_ctc = {
	.info = {
		.name = "ctc",
		.doc = OP_TEXT("Loss of a network that tells a sequence of labels without being told when (CTC)"),
		.equation = OP_TEXT("losses = -log of the sum, over all paths of T classes that become the target when\n"
			"repeats are merged and blanks left out, of the product of softmax(logits) along the path;\n"
			"mean: loss = average of losses / max(1, labels); sum; none: loss = losses;\n"
			"dlogits = softmax(logits) - occupancies of the classes;\n"
			"logits (T,N,C), target (N,L) int32, input_lengths (N) int32, without them all T steps,\n"
			"target_lengths (N) int32, without them the labels before the first -1;\n"
			"an impossible target (too short an input, a label beyond the classes or equal to blank, a\n"
			"length out of range) has the loss +infinity, or, zero_infinity, 0, and the gradient 0;\n"
			"losses (N), to be looked at, tells which sample it is"),
		.source = OP_TEXT("Graves, Fernandez, Gomez and Schmidhuber 2006; reductions as PyTorch"),
		.attrs = ctc_attrs,
		.nattrs = EG_COUNT(ctc_attrs),
		.options_size = sizeof(ctc_options),
		.min_inputs = 2,
		.max_inputs = 4,
		.inputs = (const char *const[]){"logits", "target", "input_lengths", "target_lengths"},
		.types = "fiii",
		.outputs = (const char *const[]){"loss", "losses", NULL},
		.contains = "softmax",
	},
	.infer = ctc_infer,
	.lengths = "23--",
	.target = ctc_target,
	.fwd = ctc_fwd,
	.bwd = OP_BWD(ctc_bwd),
	.bwd_reads_x = true,
	OP_CASES(ctc_cases),
};

/* ---- decoding ---------------------------------------------------------------------------------------------------- */

typedef struct ctc_decode_options {
	const char *name;
	int blank;
	int beam;
} ctc_decode_options;

static const eg_attr ctc_decode_attrs[] = {
	OP_INT(ctc_decode_options, blank, 0, 0, OP_SIZE_MAX, "blank", "the class that stands for no label"),
	OP_INT(ctc_decode_options, beam, 1, 1, 1024, NULL,
		"label sequences kept from step to step; 1: the best path, no search"),
};

enum { DECODE_LENGTHS = 1 };

static eg_status ctc_decode_infer(eg_infer *s) {
	const ctc_decode_options *o = s->options;
	const eg_dims *x = &s->in[LOGITS];
	char text[128];
	if (op_check_sequence(s, LOGITS, "logits", "classes") ||
		op_check_integers(s, DECODE_LENGTHS, "input_lengths", (eg_dims){1, {x->d[1]}},
			"one for each sequence is needed"))
		return s->err->status;
	if (o->blank >= x->d[2])
		return eg_fail(s->err, EG_ERR_ARG, "blank is class %d, but logits %s have the classes 0 to %lld",
			o->blank, eg_dims_text(x, text, sizeof text), (long long)x->d[2] - 1);
	s->out[0] = (eg_dims){2, {x->d[0], x->d[1]}};
	s->out_type[0] = EG_I32;
	s->info->mixes_time = true;
	return EG_OK;
}

static void ctc_decode_fwd(eg_emit *e) {
	const ctc_decode_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, LOGITS);
	eg_ctc_decode_args a = {.x = eg_emit_x(e, LOGITS, EG_PLAIN),
		.input_lengths = eg_emit_x(e, DECODE_LENGTHS, EG_PLAIN),
		.ids = eg_emit_y(e, 0, EG_PLAIN),
		.T = (int)x.d[0],
		.N = (int)x.d[1],
		.C = (int)x.d[2],
		.blank = o->blank,
		.beam = o->beam};
	if (o->beam > 1) {
		a.prob = eg_emit_temp(e, EG_ELEM_REAL, eg_dims_count(&x, 0), false);
		emit_softmax(e, x.d[0] * x.d[1], a.C, a.prob);
	}
	OP_CALL(e, ctc_decode, a, 3, 1, .units = a.N, .scratch = eg_ctc_decode_scratch(&a),
		.flops = (double)eg_dims_count(&x, 0) * (o->beam > 1 ? 20 * o->beam : 1));
}

static const int32_t ctc_decode_lengths[4] = {3, 0, 7, 1};

#define DECODE(...) &(const ctc_decode_options){__VA_ARGS__}
static const eg_case ctc_decode_cases[] = {
	{"best path", NULL, .in = {OP_DIMS(EG_T, EG_N, 6), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 4, .time = 7, .limit = 8, .values = OP_VALUES(NULL, ctc_decode_lengths)},
	{"beam", DECODE(.beam = 5, .blank = 1), .in = {OP_DIMS(EG_T, EG_N, 4)}, .nin = 1, .batch = 3, .time = 8},
};

const eg_op eg_op_ctc_decode = {
	.info = {
		.name = "ctc_decode",
		.layer = "ctc_decode",
		.doc = OP_TEXT("Reads the labels off the outputs of a network trained with ctc"),
		.equation = OP_TEXT("beam 1: the largest class of each step, repeats merged, then blanks left out;\n"
			"beam > 1: the labels whose alignments have the largest probability together, found by\n"
			"keeping that many prefixes;\n"
			"logits (T,N,C), input_lengths (N) int32 -> ids (T,N) int32, -1 behind the labels"),
		.source = OP_TEXT("Graves et al. 2006 (best path); Graves 2012, section 7.5.3 (prefix search, with a beam)"),
		.attrs = ctc_decode_attrs,
		.nattrs = EG_COUNT(ctc_decode_attrs),
		.options_size = sizeof(ctc_decode_options),
		.shorthand = "beam",
		.min_inputs = 1,
		.max_inputs = 2,
		.inputs = (const char *const[]){"logits", "input_lengths"},
		.types = "fi",
		.outputs = (const char *const[]){"ids", NULL},
	},
	.infer = ctc_decode_infer,
	.lengths = "1-",
	.fwd = ctc_decode_fwd,
	.no_gradient = "labels are a choice; the loss that trains them is ctc",
	OP_CASES(ctc_decode_cases),
};

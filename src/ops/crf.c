/* crf.c - the linear-chain conditional random field: the loss of a tagging network in which neighbouring tags know of
 * each other, and the best sequence of tags (Viterbi).
 *
 * Both are outputs of one node, because they share its weights; each is computed only where it is wanted. A plan for
 * `path` alone never looks at the target. */
#include "ops/dense.h"
#include "ops/sequence_loss.h"

typedef struct crf_options {
	const char *name;
	int reduction;
	const char *weights;
} crf_options;

static const eg_attr crf_attrs[] = {
	OP_ENUM(crf_options, reduction, reductions, "reduction", "mean: over the sequences; none: a loss for each"),
	OP_WEIGHTS(crf_options),
};

enum { EMISSIONS, TARGET, LENGTHS };
enum { LOSS, PATH };
enum { TRANSITIONS, START, END };
enum { SAVED_ALPHA };

/* A tag for each step. */
static eg_status crf_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options);
	if (op_check_steps(x, "emissions", "tags", err)) return err->status;
	*target = (eg_target_info){.dims = {2, {x->d[0], x->d[1]}}, .type = EG_I32, .class_axis = 2};
	return EG_OK;
}

static eg_status crf_infer(eg_infer *s) {
	const crf_options *o = s->options;
	const eg_dims *x = &s->in[EMISSIONS];
	if (op_check_sequence(s, EMISSIONS, "emissions", "tags")) return s->err->status;
	eg_dims tags = {2, {x->d[0], x->d[1]}}, each = {1, {x->d[1]}};
	if (op_check_integers(s, TARGET, "target", tags, "a tag for each step of each sequence is needed") ||
		op_check_integers(s, LENGTHS, "lengths", each, "one for each sequence is needed"))
		return s->err->status;
	int64_t K = x->d[2];
	const eg_param_spec weight = {.init = EG_INIT_UNIFORM, .value = 0.1, .fan_in = K, .fan_out = K};
	for (int i = 0; i < 3; i++) s->params[i] = weight;
	s->params[TRANSITIONS].name = "transitions", s->params[TRANSITIONS].dims = (eg_dims){2, {K, K}};
	s->params[START].name = "start", s->params[START].dims = (eg_dims){1, {K}};
	s->params[END].name = "end", s->params[END].dims = (eg_dims){1, {K}};
	s->nparams = 3;
	s->nout = 2;
	s->out[LOSS] = o->reduction == REDUCE_NONE ? each : (eg_dims){0};
	s->out[PATH] = tags;
	s->out_type[PATH] = EG_I32;
	s->info->mixes_time = true;
	s->info->macs = K * K;
	return EG_OK;
}

static eg_crf_shape crf_shape(const eg_emit *e) {
	eg_dims x = eg_emit_in_dims(e, EMISSIONS);
	return (eg_crf_shape){(int)x.d[0], (int)x.d[1], (int)x.d[2]};
}

/* Two exponentials for every pair of tags and step. */
static double crf_flops(const eg_crf_shape *s) { return 40.0 * s->T * s->N * s->K * s->K; }

static eg_buf crf_alpha(eg_emit *e, const eg_crf_shape *s) {
	if (!eg_emit_has_bwd(e)) return (eg_buf){0};
	return eg_emit_saved(e, SAVED_ALPHA, EG_ELEM_REAL, (int64_t)s->N * s->T * s->K, false);
}

static void crf_fwd(eg_emit *e) {
	const crf_options *o = eg_emit_options(e);
	eg_crf_shape s = crf_shape(e);
	eg_buf x = eg_emit_x(e, EMISSIONS, EG_PLAIN), lengths = eg_emit_x(e, LENGTHS, EG_PLAIN);
	eg_buf transitions = eg_emit_w(e, TRANSITIONS), start = eg_emit_w(e, START), end = eg_emit_w(e, END);
	if (eg_emit_out_needed(e, LOSS)) {
		bool each = o->reduction == REDUCE_NONE;
		eg_crf_fwd_args f = {.x = x,
			.target = eg_emit_x(e, TARGET, EG_PLAIN),
			.lengths = lengths,
			.transitions = transitions,
			.start = start,
			.end = end,
			.losses = each ? eg_emit_y(e, LOSS, EG_PLAIN) : eg_emit_temp(e, EG_ELEM_REAL, s.N, false),
			.alpha = crf_alpha(e, &s),
			.s = s};
		OP_CALL(e, crf_fwd, f, 6, 2, .units = s.N, .scratch = eg_crf_scratch(&s), .flops = crf_flops(&s));
		if (!each) op_reduce_losses(e, o->reduction, f.losses, (eg_buf){0}, s.N);
	}
	if (eg_emit_out_needed(e, PATH)) {
		eg_crf_path_args p = {.x = x, .lengths = lengths, .transitions = transitions, .s = s};
		p.start = start, p.end = end, p.path = eg_emit_y(e, PATH, EG_PLAIN);
		OP_CALL(e, crf_path, p, 5, 1, .units = s.N, .scratch = eg_crf_scratch(&s),
			.flops = 3.0 * s.T * s.N * s.K * s.K);
	}
}

/* The sums of the units' parts are a parameter's gradient. */
static void add_parts(eg_emit *e, int param, eg_buf parts, int units, int n) {
	eg_sum_rows_args a = {.x = parts, .m = units, .n = n, .ld = n};
	a.y = eg_emit_dw(e, param, &a.acc);
	dense_sum_rows(e, a);
}

static void crf_bwd(eg_emit *e) {
	const crf_options *o = eg_emit_options(e);
	if (!eg_emit_has_dy(e, LOSS)) return;
	eg_crf_shape s = crf_shape(e);
	int rows = (s.N + EG_MAX_SHARDS - 1) / EG_MAX_SHARDS, units = (s.N + rows - 1) / rows;
	eg_crf_bwd_args b = {.target = eg_emit_x(e, TARGET, EG_PLAIN),
		.lengths = eg_emit_x(e, LENGTHS, EG_PLAIN),
		.transitions = eg_emit_w(e, TRANSITIONS),
		.end = eg_emit_w(e, END),
		.alpha = crf_alpha(e, &s),
		.dloss = eg_emit_dy(e, LOSS, EG_PLAIN),
		.d_transitions = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)units * s.K * s.K, false),
		.d_start = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)units * s.K, false),
		.d_end = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)units * s.K, false),
		.s = s,
		.rows = rows,
		.scale = o->reduction == REDUCE_MEAN ? 1 / (real)s.N : 1,
		.each = o->reduction == REDUCE_NONE};
	if (eg_emit_needs_dx(e, EMISSIONS)) b.dx = eg_emit_dx(e, EMISSIONS, EG_PLAIN, &b.acc);
	OP_CALL(e, crf_bwd, b, 6, 4, .units = units, .scratch = eg_crf_scratch(&s), .flops = crf_flops(&s));
	add_parts(e, TRANSITIONS, b.d_transitions, units, s.K * s.K);
	add_parts(e, START, b.d_start, units, s.K);
	add_parts(e, END, b.d_end, units, s.K);
}

static const int32_t crf_lengths[7] = {5, 3, 1, 0, 4, 2, 5};
static const int32_t crf_padded[4 * 3] = {2, 0, -1, 1, 1, -1, 0, -1, -1, 1, -1, -1};

#define CRF(...) &(const crf_options){__VA_ARGS__}
static const eg_case crf_cases[] = {
	{"mean, all lengths", NULL, .in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(EG_T, EG_N), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32, EG_I32}, .nin = 3, .batch = 7, .time = 5, .limit = 4,
		.values = OP_VALUES(NULL, NULL, crf_lengths)},
	{"each, padded with -1", CRF(.reduction = REDUCE_NONE), .in = {OP_DIMS(EG_T, EG_N, 5), OP_DIMS(EG_T, EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 3, .time = 4, .limit = 5, .values = OP_VALUES(NULL, crf_padded)},
	{"sum, several sequences a unit, fixed", CRF(.reduction = REDUCE_SUM),
		.in = {OP_DIMS(2, 35, 3), OP_DIMS(2, 35)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 2, .limit = 3},
	{"an open length", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 5), OP_DIMS(EG_NAMED, EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 3, .sizes = OP_SIZES({"length", 4}), .limit = 5},
	{"many tags", NULL, .in = {OP_DIMS(EG_T, EG_N, 37), OP_DIMS(EG_T, EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 2, .time = 6, .limit = 37},
};

const eg_op eg_op_crf = {
	.info = {
		.name = "crf",
		.doc = OP_TEXT("Loss of a tagging network whose tags depend on each other, and the best tags (linear chain)"),
		.equation = OP_TEXT("score(tags) = start[tag 0] + sum of emissions[t][tag t] + sum of transitions[tag t-1]\n"
			"[tag t] + end[last tag]; a sequence's loss = log of the sum over all tag sequences of exp(score)\n"
			"- score(target); mean over the sequences, sum, none; path = the tags with the largest score;\n"
			"emissions (T,N,K), target (T,N) int32, lengths (N) int32, without them a target ends before\n"
			"its first -1 and a path at T; transitions (K,K) [from,to], start (K), end (K);\n"
			"path (T,N) int32, -1 beyond the length; length 0: loss 0; a tag beyond the K or a length out\n"
			"of range makes the loss NaN"),
		.source = OP_TEXT("Lafferty, McCallum and Pereira 2001; Viterbi 1967"),
		.attrs = crf_attrs,
		.nattrs = EG_COUNT(crf_attrs),
		.options_size = sizeof(crf_options),
		.min_inputs = 2,
		.max_inputs = 3,
		.inputs = (const char *const[]){"emissions", "target", "lengths"},
		.types = "fii",
		.params = (const char *const[]){"transitions", "start", "end", NULL},
		.outputs = (const char *const[]){"loss", "path", NULL},
		.contains = "softmax",
	},
	.infer = crf_infer,
	.lengths = "22-",
	.target = crf_target,
	.fwd = crf_fwd,
	.bwd = OP_BWD(crf_bwd),
	.bwd_reads_x = true,
	OP_CASES(crf_cases),
};

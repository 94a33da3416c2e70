/* encoder_attention.c - attention of a decoder's states to an encoder's outputs, as recurrent networks have it:
 * additive (Bahdanau et al. 2015) and multiplicative (Luong et al. 2015).
 *
 * Both are softmax and product by the kernels of attention.c, with one head; they differ in the scores. A query may
 * be a whole sequence or one step (N,C), as inside of a loop. What lies behind the lengths of the encoder has no
 * part in anything. */
#include "ops/attention.h"
#include "ops/dense.h"
#include "ops/sequence.h"

enum { QUERY, SOURCE, LENGTHS };

static const char *const score_names[] = {"general", "dot", NULL};

typedef struct additive_attention_options {
	const char *name;
	int units;
	bool no_bias;
	const char *weights;
} additive_attention_options;
typedef struct multiplicative_attention_options {
	const char *name;
	int score;
	bool scaled;
	const char *weights;
} multiplicative_attention_options;

static const eg_attr additive_attention_attrs[] = {
	OP_INT(additive_attention_options, units, NAN, 1, OP_SIZE_MAX, NULL,
		"numbers that query and source are brought to"),
	OP_NOT(additive_attention_options, bias, NULL, "adds a learned constant inside of tanh"),
	OP_WEIGHTS(additive_attention_options),
};
static const eg_attr multiplicative_attention_attrs[] = {
	OP_ENUM(multiplicative_attention_options, score, score_names, NULL, "q^T W k with a learned W, or q^T k"),
	OP_BOOL(multiplicative_attention_options, scaled, NULL,
		"scores are divided by the root of their number of terms"),
	OP_WEIGHTS(multiplicative_attention_options),
};

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static eg_status check_inputs(eg_infer *s) {
	const eg_dims *q = &s->in[QUERY], *x = &s->in[SOURCE], *lengths = &s->in[LENGTHS];
	char tq[128], tx[128];
	if (op_check_real(s, QUERY, "query") || op_check_real(s, SOURCE, "source")) return s->err->status;
	eg_dims_text(q, tq, sizeof tq);
	eg_dims_text(x, tx, sizeof tx);
	if (x->rank != 3 || eg_dim_is_batch(x->d[0]) || eg_dim_is_open(x->d[2]) || (q->rank != 2 && q->rank != 3) ||
	        (q->rank == 3 && eg_dim_is_batch(q->d[0])) || !eg_dim_fits(q->d[q->rank - 2], x->d[1]) ||
	        q->d[q->rank - 1] < 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "query is %s and source %s; they must be (T,N,features) or (N,features), and (S,N,features)",
		        tq, tx);
	if (s->nin <= LENGTHS || lengths->rank < 0) return EG_OK;
	if (s->in_type[LENGTHS] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
		        "lengths holds floating-point numbers (EG_F32), integers (EG_I32) are needed");
	if (lengths->rank == 1 && eg_dim_fits(lengths->d[0], x->d[1])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "lengths is %s, one number for each sample of source %s is needed",
	        eg_dims_text(lengths, tq, sizeof tq), tx);
}

static void add_param(eg_infer *s, const char *name, int64_t rows, int64_t columns, eg_init_kind init) {
	eg_dims d = columns ? (eg_dims){2, {rows, columns}} : (eg_dims){1, {rows}};
	s->params[s->nparams++] = (eg_param_spec){.name = name,
	        .dims = d,
	        .init = init,
	        .value = 1,
	        .fan_in = columns ? columns : rows,
	        .fan_out = columns ? rows : 1};
}

static void set_outputs(eg_infer *s) {
	const eg_dims *q = &s->in[QUERY], *x = &s->in[SOURCE];
	const bool steps = q->rank == 3;
	s->out[0] = *q;
	s->out[0].d[q->rank - 1] = x->d[2];
	s->out[1] = steps ? (eg_dims){3, {x->d[1], q->d[0], x->d[0]}} : (eg_dims){2, {x->d[1], x->d[0]}};
	s->out_constant[1] = true;
	s->nout = 2;
	s->info->mixes_time = x->d[0] == EG_T;
}

static eg_status additive_attention_infer(eg_infer *s) {
	const additive_attention_options *o = s->options;
	if (check_inputs(s)) return s->err->status;
	const int64_t C = s->in[QUERY].d[s->in[QUERY].rank - 1], D = s->in[SOURCE].d[2];
	set_outputs(s);
	add_param(s, "query_weight", o->units, C, EG_INIT_XAVIER_UNIFORM);
	add_param(s, "source_weight", o->units, D, EG_INIT_XAVIER_UNIFORM);
	add_param(s, "score_weight", o->units, 0, EG_INIT_LECUN_UNIFORM);
	if (!o->no_bias) add_param(s, "bias", o->units, 0, EG_INIT_ZERO);
	s->info->macs = o->units * (C + D);
	return EG_OK;
}

static eg_status multiplicative_attention_infer(eg_infer *s) {
	const multiplicative_attention_options *o = s->options;
	if (check_inputs(s)) return s->err->status;
	const int64_t C = s->in[QUERY].d[s->in[QUERY].rank - 1], D = s->in[SOURCE].d[2];
	if (o->score == 1 && C != D)
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "query has %lld features and source %lld; for score: dot they must be as many, general has a "
		        "matrix between them",
		        (long long)C, (long long)D);
	set_outputs(s);
	if (o->score == 0) add_param(s, "weight", C, D, EG_INIT_XAVIER_UNIFORM);
	s->info->macs = o->score == 0 ? C * D : 0;
	return EG_OK;
}

/* ---- what both do ------------------------------------------------------------------------------------------------ */

/* T queries of C features, S places of D features, N samples. */
typedef struct job {
	eg_emit *e;
	int T, S, N, C, D;
	eg_buf query, source, lengths, prob;
	eg_attention_shape s;
} job;

static eg_heads rows_of(int N, int n) { return (eg_heads){.sample = n, .row = (ptrdiff_t)N * n}; }

static job job_of(eg_emit *e) {
	const eg_dims q = eg_emit_in_dims(e, QUERY), x = eg_emit_in_dims(e, SOURCE);
	job j = {.e = e,
	        .T = q.rank == 3 ? (int)q.d[0] : 1,
	        .S = (int)x.d[0],
	        .N = (int)x.d[1],
	        .C = (int)q.d[q.rank - 1],
	        .D = (int)x.d[2]};
	j.query = eg_emit_x(e, QUERY, EG_PLAIN);
	if (eg_emit_has_in(e, LENGTHS)) j.lengths = eg_emit_x(e, LENGTHS, EG_PLAIN);
	j.source = sequence_masked(e, eg_emit_x(e, SOURCE, EG_PLAIN), j.lengths, j.S, j.N, j.D);
	j.prob = eg_emit_saved(e, 0, EG_ELEM_REAL, (int64_t)j.N * j.T * j.S, false);
	j.s = (eg_attention_shape){.units = j.N,
	        .heads = 1,
	        .Lq = j.T,
	        .Lk = j.S,
	        .dv = j.D,
	        .v = rows_of(j.N, j.D),
	        .y = rows_of(j.N, j.D),
	        .scale = 1};
	return j;
}

/* From the scores on: with queries and keys, or the scores as a bias. */
static void mix(const job *j, eg_attention_args a) {
	eg_emit *e = j->e;
	a.v = j->source, a.lengths = j->lengths, a.prob = j->prob, a.s = j->s;
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	attention_call(e, a);
	if (!eg_emit_out_needed(e, 1)) return;
	const int64_t total = (int64_t)j->N * j->T * j->S;
	eg_map_args c = {.x = op_stride(false, j->prob, EG_CHUNK),
	        .y = op_stride(false, eg_emit_y(e, 1, EG_PLAIN), EG_CHUNK),
	        .unit = EG_CHUNK,
	        .total = total};
	OP_CALL(e, copy, c, 1, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
}

/* dsource: that of the values goes there first, added to what others have brought where need be. */
static void mix_bwd(const job *j, eg_attention_bwd_args a) {
	eg_emit *e = j->e;
	a.v = j->source, a.prob = j->prob, a.s = j->s;
	a.dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (eg_emit_needs_dx(e, SOURCE)) a.dv = eg_emit_dx(e, SOURCE, EG_PLAIN, &a.acc_v);
	attention_call_bwd(e, a);
}

/* y (rows,units) = x (rows,features) w^T + bias; trans false: x w with w (features,units). */
static void product(eg_emit *e, eg_buf x, int rows, int features, int units, eg_buf w, bool trans, eg_buf bias,
	eg_buf y, bool acc) {
	dense_product(e, (eg_gemm_packed_args){.a = x,
	                         .b = dense_packed(e, w, features, units, trans ? features : units, trans),
	                         .bias = bias,
	                         .c = y,
	                         .m = rows,
	                         .n = units,
	                         .k = features,
	                         .lda = features,
	                         .ldc = units,
	                         .acc = acc});
}

/* dw (m,n) = [dw +] d^T x over the rows; d has m columns, x n. */
static void weight_bwd(eg_emit *e, eg_buf d, int m, eg_buf x, int n, int rows, int param) {
	eg_gemm_args g = {.a = d, .b = x, .m = m, .n = n, .k = rows, .lda = m, .ldb = n, .ldc = n, .ta = true};
	g.c = eg_emit_dw(e, param, &g.acc);
	dense_gemm(e, g);
}

/* ---- additive ---------------------------------------------------------------------------------------------------- */

enum { QUERY_WEIGHT, SOURCE_WEIGHT, SCORE_WEIGHT, ADDITIVE_BIAS };

static eg_additive_shape additive_shape(const job *j, int units) {
	return (eg_additive_shape){.N = j->N, .Lq = j->T, .Lk = j->S, .n = units};
}

static double additive_flops(const job *j, int units) { return 12.0 * j->N * j->T * j->S * units; }

static void additive_attention_fwd(eg_emit *e) {
	const additive_attention_options *o = eg_emit_options(e);
	const job j = job_of(e);
	const int n = o->units;
	eg_additive_args a = {.q = eg_emit_saved(e, 1, EG_ELEM_REAL, (int64_t)j.T * j.N * n, false),
	        .k = eg_emit_saved(e, 2, EG_ELEM_REAL, (int64_t)j.S * j.N * n, false),
	        .v = eg_emit_w(e, SCORE_WEIGHT),
	        .lengths = j.lengths,
	        .s = additive_shape(&j, n)};
	product(e, j.query, j.T * j.N, j.C, n, eg_emit_w(e, QUERY_WEIGHT), true,
	        o->no_bias ? (eg_buf){0} : eg_emit_w(e, ADDITIVE_BIAS), a.q, false);
	product(e, j.source, j.S * j.N, j.D, n, eg_emit_w(e, SOURCE_WEIGHT), true, (eg_buf){0}, a.k, false);
	a.score = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)j.N * j.T * j.S, false);
	OP_CALL(e, additive_fwd, a, 4, 1, .units = j.N, .flops = additive_flops(&j, n));
	job scored = j;
	scored.s.bias_strides[0] = (ptrdiff_t)j.T * j.S, scored.s.bias_strides[2] = j.S, scored.s.bias_strides[3] = 1;
	mix(&scored, (eg_attention_args){.bias = a.score});
}

static void additive_attention_bwd(eg_emit *e) {
	const additive_attention_options *o = eg_emit_options(e);
	if (!eg_emit_has_dy(e, 0)) return;
	const job j = job_of(e);
	const int n = o->units, rows = j.T * j.N, places = j.S * j.N;
	eg_additive_bwd_args a = {.q = eg_emit_saved(e, 1, EG_ELEM_REAL, (int64_t)rows * n, false),
	        .k = eg_emit_saved(e, 2, EG_ELEM_REAL, (int64_t)places * n, false),
	        .v = eg_emit_w(e, SCORE_WEIGHT),
	        .lengths = j.lengths,
	        .dscore = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)j.N * j.T * j.S, false),
	        .s = additive_shape(&j, n)};
	mix_bwd(&j, (eg_attention_bwd_args){.dscore = a.dscore});
	a.dq = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)rows * n, false);
	a.dk = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)places * n, false);
	a.dv = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)j.N * n, false);
	OP_CALL(e, additive_bwd, a, 5, 3, .units = j.N, .flops = 2 * additive_flops(&j, n));
	weight_bwd(e, a.dq, n, j.query, j.C, rows, QUERY_WEIGHT);
	weight_bwd(e, a.dk, n, j.source, j.D, places, SOURCE_WEIGHT);
	eg_sum_rows_args v = {.x = a.dv, .m = j.N, .n = n, .ld = n}, b = {.x = a.dq, .m = rows, .n = n, .ld = n};
	v.y = eg_emit_dw(e, SCORE_WEIGHT, &v.acc);
	dense_sum_rows(e, v);
	if (!o->no_bias) {
		b.y = eg_emit_dw(e, ADDITIVE_BIAS, &b.acc);
		dense_sum_rows(e, b);
	}
	bool acc;
	if (eg_emit_needs_dx(e, QUERY)) {
		eg_buf dx = eg_emit_dx(e, QUERY, EG_PLAIN, &acc);
		product(e, a.dq, rows, n, j.C, eg_emit_w(e, QUERY_WEIGHT), false, (eg_buf){0}, dx, acc);
	}
	if (eg_emit_needs_dx(e, SOURCE)) {
		eg_buf dx = eg_emit_dx(e, SOURCE, EG_PLAIN, &acc);
		product(e, a.dk, places, n, j.D, eg_emit_w(e, SOURCE_WEIGHT), false, (eg_buf){0}, dx, acc);
	}
}

/* ---- multiplicative ---------------------------------------------------------------------------------------------- */

/* The scores' shape: queries as they come (dot), or brought to the features of the source. */
static job multiplicative_job(eg_emit *e, eg_buf *q) {
	const multiplicative_attention_options *o = eg_emit_options(e);
	job j = job_of(e);
	j.s.d = j.D;
	j.s.q = j.s.k = rows_of(j.N, j.D);
	if (o->scaled) j.s.scale = (real)(1 / sqrt((double)j.D));
	*q = o->score == 0 ? eg_emit_saved(e, 1, EG_ELEM_REAL, (int64_t)j.T * j.N * j.D, false) : j.query;
	return j;
}

static void multiplicative_attention_fwd(eg_emit *e) {
	const multiplicative_attention_options *o = eg_emit_options(e);
	eg_buf q;
	const job j = multiplicative_job(e, &q);
	if (o->score == 0) product(e, j.query, j.T * j.N, j.C, j.D, eg_emit_w(e, 0), false, (eg_buf){0}, q, false);
	mix(&j, (eg_attention_args){.q = q, .k = j.source});
}

static void multiplicative_attention_bwd(eg_emit *e) {
	const multiplicative_attention_options *o = eg_emit_options(e);
	if (!eg_emit_has_dy(e, 0)) return;
	eg_buf q;
	const job j = multiplicative_job(e, &q);
	const int rows = j.T * j.N;
	eg_attention_bwd_args a = {.q = q, .k = j.source};
	bool acc = false;
	mix_bwd(&j, a);
	/* Keys and values are the same tensor, and one call must not write a place twice. */
	a = (eg_attention_bwd_args){
	        .q = q, .k = j.source, .v = j.source, .prob = j.prob, .dy = eg_emit_dy(e, 0, EG_PLAIN), .s = j.s};
	if (o->score == 0)
		a.dq = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)rows * j.D, false);
	else if (eg_emit_needs_dx(e, QUERY))
		a.dq = eg_emit_dx(e, QUERY, EG_PLAIN, &a.acc_q);
	if (eg_emit_needs_dx(e, SOURCE)) a.dk = eg_emit_dx(e, SOURCE, EG_PLAIN, &a.acc_k);
	if (a.dq.p || a.dk.p) attention_call_bwd(e, a);
	if (o->score != 0) return;
	weight_bwd(e, j.query, j.C, a.dq, j.D, rows, 0);
	if (!eg_emit_needs_dx(e, QUERY)) return;
	eg_buf dx = eg_emit_dx(e, QUERY, EG_PLAIN, &acc);
	product(e, a.dq, rows, j.D, j.C, eg_emit_w(e, 0), true, (eg_buf){0}, dx, acc);
}

/* ---- the operators ----------------------------------------------------------------------------------------------- */

static const int32_t places[] = {4, 0, 7, 1, 2};
#define ADDITIVE(...) \
	&(const additive_attention_options) { __VA_ARGS__ }
#define BY_PRODUCT(...) \
	&(const multiplicative_attention_options) { __VA_ARGS__ }
static const eg_case additive_cases[] = {
	{"sequences", ADDITIVE(.units = 9), .in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(5, EG_N, 3)}, .nin = 2, .batch = 18,
		.time = 2},
	{"lengths", ADDITIVE(.units = 21), .in = {OP_DIMS(3, EG_N, 4), OP_DIMS(EG_T, EG_N, 6), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_F32, EG_I32}, .nin = 3, .batch = 5, .time = 7,
		.values = OP_VALUES(NULL, NULL, places)},
	{"one step, no bias", ADDITIVE(.units = 3, .no_bias = true),
		.in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_NAMED, EG_N, 6), OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32},
		.nin = 3, .batch = 5, .sizes = OP_SIZES({"places", 7}), .values = OP_VALUES(NULL, NULL, places)},
};
static const eg_case multiplicative_cases[] = {
	{"general", NULL, .in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(5, EG_N, 3)}, .nin = 2, .batch = 18, .time = 2},
	{"dot, scaled, lengths", BY_PRODUCT(.score = 1, .scaled = true),
		.in = {OP_DIMS(3, EG_N, 6), OP_DIMS(EG_T, EG_N, 6), OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32},
		.nin = 3, .batch = 5, .time = 7, .values = OP_VALUES(NULL, NULL, places)},
	{"one step", NULL, .in = {OP_DIMS(EG_N, 4), OP_DIMS(EG_NAMED, EG_N, 6), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_F32, EG_I32}, .nin = 3, .batch = 5, .sizes = OP_SIZES({"places", 7}),
		.values = OP_VALUES(NULL, NULL, places)},
};

#define SHAPES \
	"y = P source over the S places of each sample within its length; y is 0 if there is none; query (T,N,C) or " \
	"one step (N,C),\n" \
	"source (S,N,D), lengths (N) of source, y (T,N,D) or (N,D); weights (N,T,S) or (N,S): P, without gradient"

const eg_op eg_op_additive_attention = {
	.info =
		{
			.name = "additive_attention",
			.layer = "additive_attention",
			.doc = OP_TEXT("Attention of a decoder's states to an encoder's outputs, by a small network"),
			.equation = OP_TEXT("P = softmax of score_weight^T tanh(query_weight query + source_weight source + "
				    "bias);\n" SHAPES),
			.source = OP_TEXT("Bahdanau et al. 2015; Luong et al. 2015, score concat"),
			.attrs = additive_attention_attrs,
			.nattrs = EG_COUNT(additive_attention_attrs),
			.options_size = sizeof(additive_attention_options),
			.shorthand = "units",
			.min_inputs = 2,
			.max_inputs = 3,
			.inputs = (const char *const[]){"query", "source", "lengths"},
			.types = "ffi",
			.params = (const char *const[]){"query_weight", "source_weight", "score_weight", "bias", NULL},
			.outputs = (const char *const[]){"y", "weights", NULL},
		},
	.infer = additive_attention_infer,
	.steps = 1,
	.lengths = "-2-",
	.fwd = additive_attention_fwd,
	.bwd = OP_BWD(additive_attention_bwd),
	.bwd_reads_x = true,
	OP_CASES(additive_cases),
};

const eg_op eg_op_multiplicative_attention = {
	.info =
		{
			.name = "multiplicative_attention",
			.layer = "multiplicative_attention",
			.doc = OP_TEXT("Attention of a decoder's states to an encoder's outputs, by products"),
			.equation = OP_TEXT("P = softmax of query^T weight source (general), or query^T source (dot);\n" SHAPES),
			.source = OP_TEXT("Luong et al. 2015"),
			.attrs = multiplicative_attention_attrs,
			.nattrs = EG_COUNT(multiplicative_attention_attrs),
			.options_size = sizeof(multiplicative_attention_options),
			.min_inputs = 2,
			.max_inputs = 3,
			.inputs = (const char *const[]){"query", "source", "lengths"},
			.types = "ffi",
			.params = (const char *const[]){"weight", NULL},
			.outputs = (const char *const[]){"y", "weights", NULL},
		},
	.infer = multiplicative_attention_infer,
	.steps = 1,
	.lengths = "-2-",
	.fwd = multiplicative_attention_fwd,
	.bwd = OP_BWD(multiplicative_attention_bwd),
	.bwd_reads_x = true,
	OP_CASES(multiplicative_cases),
};

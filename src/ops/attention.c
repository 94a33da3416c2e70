/* attention.c - scaled dot-product attention, and multi-head attention with its projections (Vaswani et al. 2017).
 *
 * The softmax and the products with it are one kernel, attention_fwd, which finds the heads in place wherever they lie;
 * the projections are matrix products over all steps and samples at once. */
#include "ops/dense.h"
#include "ops/sequence.h"

/* ---- attention --------------------------------------------------------------------------------------------------- */

typedef struct attention_options {
	const char *name;
	bool causal;
	float scale, dropout;
} attention_options;

enum { BY_SIZE = -1 }; /* as scale: not said */

static const eg_attr attention_attrs[] = {
	OP_BOOL(attention_options, causal, "is_causal", "row i sees keys 0 to i only"),
	OP_FLOAT(attention_options, scale, BY_SIZE, 0, 1e6, "scale", "factor of the scores; default: 1/sqrt(d)"),
	OP_FLOAT(attention_options, dropout, 0, 0, 0.999999, NULL, "rate of dropout of the weights"),
};

enum { Q, K, VALUE, MASK, BIAS };

/* mask or bias: of the shape of the scores, or 1 in some places. */
static eg_status check_scores(eg_infer *s, int i, const char *name) {
	const eg_dims *q = &s->in[Q], *mask = &s->in[i];
	char tm[128], ts[128];
	if (s->nin <= i || mask->rank < 0) return EG_OK;
	if (i == BIAS && op_check_real(s, i, name)) return s->err->status;
	if (i == MASK && s->in_type[i] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
			"mask holds floating-point numbers (EG_F32), integers (EG_I32) are needed: 1 hides a key; what is added to the scores is the input bias");
	eg_dims scores = *q;
	scores.d[q->rank - 1] = s->in[K].d[q->rank - 2];
	bool fits = mask->rank == scores.rank;
	for (int d = 0; d < scores.rank && fits; d++) fits = mask->d[d] == 1 || eg_dim_fits(mask->d[d], scores.d[d]);
	if (fits) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "%s is %s, it must be %s, or 1 in some of these places", name,
		eg_dims_text(mask, tm, sizeof tm), eg_dims_text(&scores, ts, sizeof ts));
}

static eg_status attention_infer(eg_infer *s) {
	const eg_dims *q = &s->in[Q], *k = &s->in[K], *v = &s->in[VALUE];
	char tq[128], tk[128], tv[128];
	if (op_check_real(s, Q, "q") || op_check_real(s, K, "k") || op_check_real(s, VALUE, "v")) return s->err->status;
	int r = q->rank;
	bool fits = (r == 3 || r == 4) && k->rank == r && v->rank == r;
	for (int i = 0; i < r - 2 && fits; i++) fits = eg_dim_fits(q->d[i], k->d[i]) && eg_dim_fits(q->d[i], v->d[i]);
	if (!fits || eg_dim_is_batch(q->d[r - 1]) || !eg_dim_fits(q->d[r - 1], k->d[r - 1]) || !eg_dim_fits(k->d[r - 2], v->d[r - 2]) ||
		eg_dim_is_batch(v->d[r - 1]))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"q is %s, k is %s and v is %s; they must be (N,heads,Lq,d), (N,heads,Lk,d) and "
			"(N,heads,Lk,dv), all with heads or all without",
			eg_dims_text(q, tq, sizeof tq), eg_dims_text(k, tk, sizeof tk), eg_dims_text(v, tv, sizeof tv));
	if (check_scores(s, MASK, "mask") || check_scores(s, BIAS, "bias")) return s->err->status;
	s->out[0] = *q;
	s->out[0].d[r - 1] = v->d[r - 1];
	for (int i = 0; i < r; i++) s->info->mixes_time |= q->d[i] == EG_T || k->d[i] == EG_T;
	return EG_OK;
}

/* Heads lie one after the other: (samples, heads, rows, columns). */
static eg_heads plain_heads(int heads, int rows, int columns) {
	ptrdiff_t matrix = (ptrdiff_t)rows * columns;
	return (eg_heads){.sample = heads * matrix, .head = matrix, .row = columns};
}

/* By sample, head, row and key; 0 where it has 1. */
static void strides_of(const eg_emit *e, int i, ptrdiff_t strides[4]) {
	eg_dims m = eg_emit_in_dims(e, i);
	ptrdiff_t size = 1;
	for (int d = m.rank - 1; d >= 0; d--) {
		int place = m.rank == 4 || d == 0 ? d : d + 1; /* without heads: sample, row, key */
		strides[place] = m.d[d] == 1 ? 0 : size;
		size *= (ptrdiff_t)m.d[d];
	}
}

static eg_attention_shape attention_shape(const eg_emit *e) {
	const attention_options *o = eg_emit_options(e);
	eg_dims q = eg_emit_in_dims(e, Q), k = eg_emit_in_dims(e, K), v = eg_emit_in_dims(e, VALUE);
	int r = q.rank;
	eg_attention_shape s = {.heads = r == 4 ? (int)q.d[1] : 1,
		.Lq = (int)q.d[r - 2],
		.Lk = (int)k.d[r - 2],
		.d = (int)q.d[r - 1],
		.dv = (int)v.d[r - 1],
		.scale = o->scale >= 0 ? (real)o->scale : (real)(1 / sqrt((double)q.d[r - 1])),
		.causal = o->causal};
	s.units = (int)q.d[0] * s.heads;
	s.q = plain_heads(s.heads, s.Lq, s.d);
	s.k = plain_heads(s.heads, s.Lk, s.d);
	s.v = plain_heads(s.heads, s.Lk, s.dv);
	s.y = plain_heads(s.heads, s.Lq, s.dv);
	if (eg_emit_has_in(e, MASK)) strides_of(e, MASK, s.mask_strides);
	if (eg_emit_has_in(e, BIAS)) strides_of(e, BIAS, s.bias_strides);
	return s;
}

static double attention_flops(const eg_attention_shape *s) {
	return (double)s->units * s->Lq * s->Lk * (2.0 * s->d + 2.0 * s->dv + 10);
}

static eg_buf saved_prob(eg_emit *e, const eg_attention_shape *s) {
	return eg_emit_saved(e, 0, EG_ELEM_REAL, (int64_t)s->units * s->Lq * s->Lk, false);
}

enum { DROP_SLOT = 4 };

/* 0 or 1/(1 - rate) for each weight, the same forward and backward; absent where nothing is dropped. */
static eg_buf drop_of(eg_emit *e, const eg_attention_shape *s, float rate, bool make) {
	const int64_t total = (int64_t)s->units * s->Lq * s->Lk;
	const int units = (int)((total + EG_CHUNK - 1) / EG_CHUNK);
	if (!eg_emit_training(e) || rate == 0) return (eg_buf){0};
	eg_buf drop = eg_emit_saved(e, DROP_SLOT, EG_ELEM_REAL, total, false);
	if (!make) return drop;
	eg_fill_args ones = {.y = op_stride(false, eg_emit_temp(e, EG_ELEM_REAL, total, false), EG_CHUNK), .unit = EG_CHUNK, .total = total, .value = 1};
	OP_CALL(e, fill, ones, 0, 1, .units = units, .flops = (double)total);
	eg_dropout_args a = {.x = ones.y, .state = eg_emit_dropout_state(e), .y = op_stride(false, drop, EG_CHUNK), .unit = EG_CHUNK, .total = total,
		.node = (uint32_t)eg_emit_node(e), .rate = (real)rate};
	OP_CALL(e, dropout, a, 2, 1, .units = units, .flops = 10.0 * (double)total);
	return drop;
}

static void call_attention(eg_emit *e, eg_attention_args a) {
	OP_CALL(e, attention_fwd, a, 7, 2, .units = a.s.units,
		.scratch = eg_emit_kernels(e)->attention_scratch(&a.s, false), .flops = attention_flops(&a.s));
}

static void call_attention_bwd(eg_emit *e, eg_attention_bwd_args a) {
	OP_CALL(e, attention_bwd, a, 6, 4, .units = a.s.units,
		.scratch = eg_emit_kernels(e)->attention_scratch(&a.s, true), .flops = 2 * attention_flops(&a.s));
}

static void attention_fwd(eg_emit *e) {
	eg_attention_args a = {.q = eg_emit_x(e, Q, EG_PLAIN),
		.k = eg_emit_x(e, K, EG_PLAIN),
		.v = eg_emit_x(e, VALUE, EG_PLAIN),
		.s = attention_shape(e)};
	const attention_options *o = eg_emit_options(e);
	if (eg_emit_has_in(e, MASK)) a.mask = eg_emit_x(e, MASK, EG_PLAIN);
	if (eg_emit_has_in(e, BIAS)) a.bias = eg_emit_x(e, BIAS, EG_PLAIN);
	a.drop = drop_of(e, &a.s, o->dropout, true);
	a.prob = saved_prob(e, &a.s);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	call_attention(e, a);
}

/* The gradient of the bias: that of the scores, summed up where one number of it is that of several. */
static void bias_bwd(eg_emit *e, const eg_attention_shape *s, eg_buf dscore) {
	const eg_dims b = eg_emit_in_dims(e, BIAS);
	eg_sum_to_args a = {.x = dscore, .rank = 4, .dims = {s->units / s->heads, s->heads, s->Lq, s->Lk}, .count = eg_dims_count(&b, 0)};
	for (int i = 0; i < 4; i++) a.sy[i] = s->bias_strides[i];
	a.y = eg_emit_dx(e, BIAS, EG_PLAIN, &a.acc);
	OP_CALL(e, sum_to, a, 1, 1, .units = eg_blocks((int)a.count), .flops = (double)s->units * s->Lq * s->Lk);
}

/* A gradient may be wanted of one tensor twice or three times (self-attention): each is added by a call of its own
 * then, because one call must not write a place twice. */
static void attention_bwd(eg_emit *e) {
	eg_attention_bwd_args a = {.q = eg_emit_x(e, Q, EG_PLAIN),
		.k = eg_emit_x(e, K, EG_PLAIN),
		.v = eg_emit_x(e, VALUE, EG_PLAIN),
		.dy = eg_emit_dy(e, 0, EG_PLAIN),
		.s = attention_shape(e)};
	bool same = a.q.p == a.k.p || a.q.p == a.v.p || a.k.p == a.v.p;
	if (!a.dy.p) return;
	a.prob = saved_prob(e, &a.s);
	a.drop = drop_of(e, &a.s, ((const attention_options *)eg_emit_options(e))->dropout, false);
	bool wanted = eg_emit_needs_dx(e, BIAS);
	const eg_buf dscore = wanted ? eg_emit_temp(e, EG_ELEM_REAL, (int64_t)a.s.units * a.s.Lq * a.s.Lk, false) : (eg_buf){0};
	a.dscore = dscore;
	for (int i = Q; i <= VALUE; i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		eg_buf *dx = i == Q ? &a.dq : i == K ? &a.dk : &a.dv;
		*dx = eg_emit_dx(e, i, EG_PLAIN, i == Q ? &a.acc_q : i == K ? &a.acc_k : &a.acc_v);
		wanted = true;
		if (!same) continue;
		call_attention_bwd(e, a);
		*dx = a.dscore = (eg_buf){0};
		wanted = false;
	}
	if (wanted) call_attention_bwd(e, a);
	if (dscore.p) bias_bwd(e, &a.s, dscore);
}

#define ATTEND(...) &(const attention_options){__VA_ARGS__}
static const int32_t hidden[] = {0, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 1}; /* the second sample sees nothing */
static const eg_case attention_cases[] = {
	{"heads", NULL, .in = {OP_DIMS(EG_N, 2, 4, 7), OP_DIMS(EG_N, 2, 6, 7), OP_DIMS(EG_N, 2, 6, 5)}, .nin = 3,
		.batch = 18},
	{"mask of keys", NULL,
		.in = {OP_DIMS(EG_N, 2, 4, 6), OP_DIMS(EG_N, 2, 5, 6), OP_DIMS(EG_N, 2, 5, 9), OP_DIMS(EG_N, 1, 1, 5)},
		.type = {EG_F32, EG_F32, EG_F32, EG_I32}, .nin = 4, .batch = 3, .values = OP_VALUES(NULL, NULL, NULL, hidden)},
	{"mask of everything, no heads", ATTEND(.scale = 0.7f),
		.in = {OP_DIMS(EG_N, 5, 3), OP_DIMS(EG_N, 21, 3), OP_DIMS(EG_N, 21, 2), OP_DIMS(EG_N, 5, 21)},
		.type = {EG_F32, EG_F32, EG_F32, EG_I32}, .nin = 4, .batch = 17, .limit = 2},
	{"causal", ATTEND(.causal = true), .in = {OP_DIMS(3, 2, 7, 5), OP_DIMS(3, 2, 7, 5), OP_DIMS(3, 2, 7, 4)},
		.nin = 3, .batch = 2},
	{"causal, more rows than keys, mask of heads", ATTEND(.causal = true),
		.in = {OP_DIMS(EG_N, 3, 9, 2), OP_DIMS(EG_N, 3, 4, 2), OP_DIMS(EG_N, 3, 4, 20), OP_DIMS(1, 3, 9, 1)},
		.type = {EG_F32, EG_F32, EG_F32, EG_I32}, .nin = 4, .batch = 5, .limit = 2},
	{"bias of heads", ATTEND(.scale = 0.5f),
		.in = {OP_DIMS(EG_N, 2, 4, 6), OP_DIMS(EG_N, 2, 5, 6), OP_DIMS(EG_N, 2, 5, 3), {-1, {0}}, OP_DIMS(1, 2, 4, 5)},
		.type = {EG_F32, EG_F32, EG_F32, EG_I32, EG_F32}, .nin = 5, .batch = 3, .limit = 1},
	{"bias of all, mask, no heads", ATTEND(.causal = true), .in = {OP_DIMS(EG_N, 5, 3), OP_DIMS(EG_N, 4, 3), OP_DIMS(EG_N, 4, 2), OP_DIMS(EG_N, 1, 4), OP_DIMS(EG_N, 5, 4)},
		.type = {EG_F32, EG_F32, EG_F32, EG_I32, EG_F32}, .nin = 5, .batch = 18, .limit = 2},
	{"dropout", ATTEND(.dropout = 0.4f), .in = {OP_DIMS(EG_N, 2, 4, 7), OP_DIMS(EG_N, 2, 6, 7), OP_DIMS(EG_N, 2, 6, 5)}, .nin = 3, .batch = 5, .random = true},
	{"open lengths", NULL, .in = {OP_DIMS(EG_N, EG_NAMED, 6), OP_DIMS(EG_N, EG_NAMED - 1, 6), OP_DIMS(EG_N, EG_NAMED - 1, 8)}, .nin = 3,
		.batch = 3, .sizes = OP_SIZES({"length", 5}, {"memory", 4})},
	{"open time", NULL, .in = {OP_DIMS(EG_N, EG_T, 6), OP_DIMS(EG_N, EG_T, 6), OP_DIMS(EG_N, EG_T, 8)}, .nin = 3,
		.batch = 3, .time = 5},
};

const eg_op eg_op_attention = {
	.info = {
		.name = "attention",
		.layer = "attention",
		.doc = OP_TEXT("Scaled dot-product attention: a mean of the values, weighed by how well keys fit a query"),
		.equation = OP_TEXT("P = softmax(scale q k^T + bias) over the keys that are seen; y = P v; 0 if none is seen;\n"
			"q (N,heads,Lq,d), k (N,heads,Lk,d), v (N,heads,Lk,dv), y (N,heads,Lq,dv), or without heads;\n"
			"mask (int32): 1 hides; of the shape of the scores (N,heads,Lq,Lk), or 1 in some places; bias likewise, -inf hides;\n"
			"a key or value that a row does not see has no influence on it, whatever it is, NaN included; dropout acts on P\n"
			"dv = P^T dy; dS = P (dy v^T - sum of P dy v^T); dq = scale dS k; dk = scale dS^T q; dbias = dS"),
		.source = OP_TEXT("Vaswani et al. 2017; ONNX Attention-23"),
		.attrs = attention_attrs,
		.nattrs = EG_COUNT(attention_attrs),
		.options_size = sizeof(attention_options),
		.min_inputs = 3,
		.max_inputs = 5,
		.inputs = (const char *const[]){"q", "k", "v", "mask", "bias"},
		.types = "fffif",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = attention_infer,
	.fwd = attention_fwd,
	.bwd = OP_BWD(attention_bwd),
	.bwd_reads_x = true,
	.no_onnx = "attention is an operator of ONNX from opset 23 on, and models are written in opsets up to 22",
	OP_CASES(attention_cases),
};

/* ---- multi_head_attention ---------------------------------------------------------------------------------------- */

typedef struct multi_head_attention_options {
	const char *name;
	int heads;
	bool causal;
	bool no_bias;
	float dropout;
	const char *weights;
} multi_head_attention_options;

static const eg_attr multi_head_attention_attrs[] = {
	OP_INT(multi_head_attention_options, heads, NAN, 1, OP_SIZE_MAX, NULL,
		"into so many parts the features are cut; each attends on its own"),
	OP_BOOL(multi_head_attention_options, causal, NULL, "step t sees steps 0 to t only"),
	OP_NOT(multi_head_attention_options, bias, NULL, "adds learned constants in both projections"),
	OP_FLOAT(multi_head_attention_options, dropout, 0, 0, 0.999999, NULL, "rate of dropout of the weights"),
	OP_WEIGHTS(multi_head_attention_options),
};

enum { X, SOURCE, LENGTHS };

static eg_status mha_check_lengths(eg_infer *s) {
	const eg_dims *lengths = &s->in[LENGTHS];
	char text[128], tx[128];
	if (s->nin <= LENGTHS || lengths->rank < 0) return EG_OK;
	if (s->in_type[LENGTHS] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
			"lengths holds floating-point numbers (EG_F32), integers (EG_I32) are needed");
	if (lengths->rank == 1 && eg_dim_fits(lengths->d[0], s->in[X].d[1])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "lengths is %s, one number for each sample of x %s is needed",
		eg_dims_text(lengths, text, sizeof text), eg_dims_text(&s->in[X], tx, sizeof tx));
}

static void mha_param(eg_infer *s, const char *name, int64_t rows, int64_t columns, eg_init_kind init) {
	eg_dims d = columns ? (eg_dims){2, {rows, columns}} : (eg_dims){1, {rows}};
	s->params[s->nparams++] =
		(eg_param_spec){.name = name, .dims = d, .init = init, .value = 1, .fan_in = columns, .fan_out = rows};
}

static eg_status mha_infer(eg_infer *s) {
	const multi_head_attention_options *o = s->options;
	const eg_dims *x = &s->in[X], *source = &s->in[SOURCE];
	char tx[128], ts[128];
	eg_dims_text(x, tx, sizeof tx);
	if (op_check_real(s, X, "x")) return s->err->status;
	if (x->rank != 3 || eg_dim_is_batch(x->d[0]) || x->d[2] < 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"x %s is no sequence; (T,N,features) is needed, time before batch", tx);
	int64_t C = x->d[2];
	if (C % o->heads)
		return eg_fail(s->err, EG_ERR_SHAPE, "the %lld features of x %s cannot be cut into %d equal heads",
			(long long)C, tx, o->heads);
	if (s->nin > SOURCE && source->rank >= 0) {
		if (op_check_real(s, SOURCE, "source")) return s->err->status;
		if (source->rank != 3 || eg_dim_is_batch(source->d[0]) || !eg_dim_fits(source->d[1], x->d[1]) || !eg_dim_fits(source->d[2], C))
			return eg_fail(s->err, EG_ERR_SHAPE,
				"source is %s and x %s; they must be sequences with the same batch and features",
				eg_dims_text(source, ts, sizeof ts), tx);
	}
	if (mha_check_lengths(s)) return s->err->status;
	mha_param(s, "in_proj_weight", 3 * C, C, EG_INIT_XAVIER_UNIFORM);
	if (!o->no_bias) mha_param(s, "in_proj_bias", 3 * C, 0, EG_INIT_ZERO);
	mha_param(s, "out_proj.weight", C, C, EG_INIT_LECUN_UNIFORM);
	if (!o->no_bias) mha_param(s, "out_proj.bias", C, 0, EG_INIT_ZERO);
	s->out[0] = *x;
	s->info->macs = 4 * C * C; /* of the projections, for one step */
	s->info->mixes_time = true;
	return EG_OK;
}

/* c (m,n) = [c +] a (m,k) B + bias, B packed from w: w (n,k) transposed if trans, else w (k,n). */
typedef struct projection {
	eg_buf a, w, bias, c;
	int m, n, k;
	bool trans, acc;
} projection;

static void project(eg_emit *e, projection p) {
	dense_product(e, (eg_gemm_packed_args){.a = p.a,
		.b = dense_packed(e, p.w, p.k, p.n, p.trans ? p.k : p.n, p.trans),
		.bias = p.bias,
		.c = p.c,
		.m = p.m,
		.n = p.n,
		.k = p.k,
		.lda = p.k,
		.ldc = p.n,
		.acc = p.acc});
}

/* One input and what is computed from it: `width` features a step, by the rows of the input projection from `first` on.
 * Self-attention has one of them with queries, keys and values; else x has the queries, and source keys and values. */
typedef struct mha_side {
	int input, rows, first, width;
	eg_buf x, y;
} mha_side;

/* What both directions need. mixed: the heads' results side by side. Parameters by number, -1: none. */
typedef struct mha {
	eg_attention_shape s;
	eg_buf prob, mixed, lengths;
	mha_side side[2];
	int sides, C, in_bias, out_weight, out_bias;
} mha;

/* Where the heads of a side lie: `place` is the number of the third of C features. */
static eg_heads side_heads(const mha_side *side, int C, int N, int d, int place) {
	return (eg_heads){.at = place * C, .sample = side->width, .head = d, .row = (ptrdiff_t)N * side->width};
}

static mha mha_of(eg_emit *e) {
	const multi_head_attention_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, X);
	int T = (int)x.d[0], N = (int)x.d[1], C = (int)x.d[2], d = C / o->heads, Lk = T;
	mha m = {.C = C, .sides = 1, .in_bias = o->no_bias ? -1 : 1, .out_weight = o->no_bias ? 1 : 2};
	m.out_bias = o->no_bias ? -1 : 3;
	m.side[0] = (mha_side){.input = X, .rows = T * N, .width = 3 * C, .x = eg_emit_x(e, X, EG_PLAIN)};
	eg_buf source = eg_emit_has_in(e, SOURCE) ? eg_emit_x(e, SOURCE, EG_PLAIN) : m.side[0].x;
	if (source.p != m.side[0].x.p) {
		Lk = (int)eg_emit_in_dims(e, SOURCE).d[0];
		m.side[0].width = C;
		m.side[m.sides++] =
			(mha_side){.input = SOURCE, .rows = Lk * N, .first = C, .width = 2 * C, .x = source};
	}
	mha_side *kv = &m.side[m.sides - 1];
	if (eg_emit_has_in(e, LENGTHS)) m.lengths = eg_emit_x(e, LENGTHS, EG_PLAIN);
	kv->x = sequence_masked(e, kv->x, m.lengths, Lk, N, C);
	m.s = (eg_attention_shape){.units = N * o->heads,
		.heads = o->heads,
		.Lq = T,
		.Lk = Lk,
		.d = d,
		.dv = d,
		.q = side_heads(&m.side[0], C, N, d, 0),
		.k = side_heads(kv, C, N, d, kv->first ? 0 : 1),
		.v = side_heads(kv, C, N, d, kv->first ? 1 : 2),
		.y = {.sample = C, .head = d, .row = (ptrdiff_t)N * C},
		.scale = (real)(1 / sqrt((double)d)),
		.causal = o->causal};
	m.prob = saved_prob(e, &m.s);
	m.mixed = eg_emit_saved(e, 1, EG_ELEM_REAL, (int64_t)T * N * C, false);
	for (int i = 0; i < m.sides; i++)
		m.side[i].y = eg_emit_saved(e, 2 + i, EG_ELEM_REAL, (int64_t)m.side[i].rows * m.side[i].width, false);
	return m;
}

/* Do the lengths say where the queries end too? */
static bool mha_ends(const mha *m) { return m->sides == 1 && m->lengths.p; }

static eg_buf mha_drop(eg_emit *e, const mha *m, bool make) {
	return drop_of(e, &m->s, ((const multi_head_attention_options *)eg_emit_options(e))->dropout, make);
}

static void mha_fwd(eg_emit *e) {
	mha m = mha_of(e);
	for (int i = 0; i < m.sides; i++) {
		const mha_side *side = &m.side[i];
		projection in = {.a = side->x,
			.w = eg_emit_part(e, eg_emit_w(e, 0), (int64_t)side->first * m.C),
			.c = side->y,
			.m = side->rows,
			.n = side->width,
			.k = m.C,
			.trans = true};
		if (m.in_bias >= 0) in.bias = eg_emit_part(e, eg_emit_w(e, m.in_bias), side->first);
		project(e, in);
	}
	eg_buf q = m.side[0].y, kv = m.side[m.sides - 1].y;
	call_attention(e, (eg_attention_args){.q = q, .k = kv, .v = kv, .lengths = m.lengths, .drop = mha_drop(e, &m, true), .prob = m.prob, .y = m.mixed, .s = m.s});
	eg_buf y = eg_emit_y(e, 0, EG_PLAIN);
	projection out = {.a = m.mixed,
		.w = eg_emit_w(e, m.out_weight),
		.c = mha_ends(&m) ? eg_emit_temp(e, EG_ELEM_REAL, (int64_t)m.side[0].rows * m.C, false) : y,
		.m = m.side[0].rows,
		.n = m.C,
		.k = m.C,
		.trans = true};
	if (m.out_bias >= 0) out.bias = eg_emit_w(e, m.out_bias);
	project(e, out);
	if (mha_ends(&m)) sequence_mask_into(e, out.c, m.lengths, m.s.Lq, m.side[0].rows / m.s.Lq, m.C, y);
}

/* Gradients of weights: dw (n,k) = [dw +] dc^T a, db (n) = [db +] sum of the rows of dc (m,n). */
static void weights_bwd(eg_emit *e, eg_buf dc, eg_buf a, int m, eg_gemm_args g, eg_sum_rows_args b) {
	g.a = dc, g.b = a, g.k = m, g.lda = g.m, g.ldb = g.ldc = g.n, g.ta = true;
	dense_gemm(e, g);
	if (!b.y.p) return;
	b.x = dc, b.m = m, b.n = b.ld = g.m;
	dense_sum_rows(e, b);
}

/* From the gradients of the projected inputs, dside, to those of the inputs and of the input projection. */
static void mha_in_bwd(eg_emit *e, const mha *m, const eg_buf *dside) {
	eg_gemm_args g = {.n = m->C};
	eg_sum_rows_args b = {.acc = false};
	eg_buf dw = eg_emit_dw(e, 0, &g.acc), db = {0};
	if (m->in_bias >= 0) db = eg_emit_dw(e, m->in_bias, &b.acc);
	for (int i = 0; i < m->sides; i++) {
		const mha_side *side = &m->side[i];
		g.m = side->width;
		g.c = eg_emit_part(e, dw, (int64_t)side->first * m->C);
		b.y = eg_emit_part(e, db, side->first);
		weights_bwd(e, dside[i], side->x, side->rows, g, b);
		if (!eg_emit_needs_dx(e, side->input)) continue;
		projection p = {.a = dside[i],
			.w = eg_emit_part(e, eg_emit_w(e, 0), (int64_t)side->first * m->C),
			.m = side->rows,
			.n = m->C,
			.k = side->width};
		p.c = eg_emit_dx(e, side->input, EG_PLAIN, &p.acc);
		project(e, p);
	}
}

static void mha_bwd(eg_emit *e) {
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN), dside[2] = {{0}};
	if (!dy.p) return;
	mha m = mha_of(e);
	int rows = m.side[0].rows, last = m.sides - 1;
	if (mha_ends(&m)) dy = sequence_masked(e, dy, m.lengths, m.s.Lq, rows / m.s.Lq, m.C);
	eg_gemm_args g = {.m = m.C, .n = m.C};
	eg_sum_rows_args b = {.acc = false};
	g.c = eg_emit_dw(e, m.out_weight, &g.acc);
	if (m.out_bias >= 0) b.y = eg_emit_dw(e, m.out_bias, &b.acc);
	weights_bwd(e, dy, m.mixed, rows, g, b);
	eg_buf dmixed = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)rows * m.C, false);
	project(e, (projection){.a = dy, .w = eg_emit_w(e, m.out_weight), .c = dmixed, .m = rows, .n = m.C, .k = m.C});
	for (int i = 0; i < m.sides; i++)
		dside[i] = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)m.side[i].rows * m.side[i].width, false);
	call_attention_bwd(e,
		(eg_attention_bwd_args){.q = m.side[0].y,
			.k = m.side[last].y,
			.v = m.side[last].y,
			.drop = mha_drop(e, &m, false),
			.prob = m.prob,
			.dy = dmixed,
			.dq = dside[0],
			.dk = dside[last],
			.dv = dside[last],
			.s = m.s});
	mha_in_bwd(e, &m, dside);
}

#define MHA(...) &(const multi_head_attention_options){__VA_ARGS__}
static const int32_t key_lengths[] = {4, 0, 9, 1, 2};
static const eg_case mha_cases[] = {
	{"self", MHA(.heads = 2), .in = {OP_DIMS(EG_T, EG_N, 6)}, .nin = 1, .batch = 3, .time = 5},
	{"causal, no bias", MHA(.heads = 3, .causal = true, .no_bias = true), .in = {OP_DIMS(EG_T, EG_N, 12)}, .nin = 1,
		.batch = 18, .time = 4},
	{"lengths", MHA(.heads = 2), .in = {OP_DIMS(EG_T, EG_N, 6), {-1, {0}}, OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32},
		.nin = 3, .batch = 5, .time = 4, .values = OP_VALUES(NULL, NULL, key_lengths)},
	{"another source, lengths of its keys", MHA(.heads = 2),
		.in = {OP_DIMS(3, EG_N, 8), OP_DIMS(EG_T, EG_N, 8), OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32},
		.nin = 3, .batch = 5, .time = 7, .values = OP_VALUES(NULL, NULL, key_lengths)},
	{"another source of an open length, lengths of its keys", MHA(.heads = 2),
		.in = {OP_DIMS(EG_NAMED, EG_N, 8), OP_DIMS(EG_T, EG_N, 8), OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32}, .nin = 3,
		.batch = 5, .time = 7, .sizes = OP_SIZES({"length", 3}), .values = OP_VALUES(NULL, NULL, key_lengths)},
	{"another source, causal, no bias", MHA(.heads = 3, .causal = true, .no_bias = true),
		.in = {OP_DIMS(EG_T, EG_N, 6), OP_DIMS(4, EG_N, 6)}, .nin = 2, .batch = 2, .time = 5},
	{"dropout", MHA(.heads = 2, .dropout = 0.3f), .in = {OP_DIMS(EG_T, EG_N, 6)}, .nin = 1, .batch = 3, .time = 5, .random = true},
	{"one head, more units than rows", MHA(.heads = 1), .in = {OP_DIMS(EG_T, EG_N, 40)}, .nin = 1, .batch = 7,
		.time = 6},
};

const eg_op eg_op_multi_head_attention = {
	.info = {
		.name = "multi_head_attention",
		.layer = "multi_head_attention",
		.doc = OP_TEXT("Attention between steps of sequences: queries from x, keys and values from source (default: x)"),
		.equation = OP_TEXT("q, k, v = the thirds of in_proj_weight (3C,C) times x, source, source plus in_proj_bias;\n"
			"in each head of d = C/heads features P = softmax(q k^T / sqrt(d)) over keys within lengths;\n"
			"y = out_proj.weight (C,C) times the heads' P v side by side, plus out_proj.bias;\n"
			"x (T,N,C), source (S,N,C), y (T,N,C), lengths (N) of source; of x where that is the source: y is 0 behind them"),
		.source = OP_TEXT("Vaswani et al. 2017; weights as in PyTorch's MultiheadAttention"),
		.attrs = multi_head_attention_attrs,
		.nattrs = EG_COUNT(multi_head_attention_attrs),
		.options_size = sizeof(multi_head_attention_options),
		.shorthand = "heads",
		.min_inputs = 1,
		.max_inputs = 3,
		.inputs = (const char *const[]){"x", "source", "lengths"},
		.types = "ffi",
		.params = (const char *const[]){
			"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = mha_infer,
	.lengths = "c2-",
	.fwd = mha_fwd,
	.bwd = OP_BWD(mha_bwd),
	.bwd_reads_x = true,
	OP_CASES(mha_cases),
};

/* attention.c - scaled dot-product attention, and what all attentions share (attention.h).
 *
 * The softmax and the products with it are one kernel, attention_fwd, which finds the heads in place wherever they lie.
 *
 * Not here: projections of queries, keys and values (multi_head_attention.c); attention of a decoder's states to an
 * encoder's outputs (encoder_attention.c). */
#include "ops/attention.h"
#include "ops/conv_frames.h"
#include "ops/flat.h"

typedef struct attention_options {
	const char *name;
	bool causal;
	int context;
	float scale, dropout;
} attention_options;

enum { BY_SIZE = -1 }; /* as scale: not said */

static const eg_attr attention_attrs[] = {
	OP_BOOL(attention_options, causal, "is_causal", "row i sees keys 0 to i only"),
	ATTENTION_CONTEXT(attention_options),
	OP_FLOAT(attention_options, scale, BY_SIZE, 0, 1e6, "scale", "factor of the scores; default: 1/sqrt(d)"),
	OP_FLOAT(attention_options, dropout, 0, 0, 0.999999, NULL, "rate of dropout of the weights"),
};

enum { Q, K, VALUE, MASK, BIAS };

/* ---- shared ------------------------------------------------------------------------------------------------------ */

/* Which dimension of scores (.., rows, keys) number d of a mask of this rank is: heads are left out first, then
 * samples. */
static int place_of(int d, int rank, int of) { return d == 0 && rank == 3 && of == 4 ? 0 : d + of - rank; }

static eg_status check_scores(const eg_infer *s, int i, const char *name, const eg_dims *scores, int least) {
	const eg_dims *mask = &s->in[i];
	char tm[128], ts[128];
	if (s->nin <= i || mask->rank < 0) return EG_OK;
	bool fits = mask->rank >= least && mask->rank <= scores->rank;
	for (int d = 0; d < mask->rank && fits; d++)
		fits = mask->d[d] == 1 || eg_dim_fits(mask->d[d], scores->d[place_of(d, mask->rank, scores->rank)]);
	if (fits) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "%s is %s, it must be %s%s, or 1 in some of these places", name, eg_dims_text(mask, tm, sizeof tm),
		eg_dims_text(scores, ts, sizeof ts), least < scores->rank ? ", without heads, or of rows and keys only" : "");
}

eg_status attention_check_masks(const eg_infer *s, int mask, int bias, const eg_dims *scores, int least) {
	if (s->nin > mask && s->in[mask].rank >= 0 && s->in_type[mask] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
			"mask holds floating-point numbers (EG_F32), integers (EG_I32) are needed: 1 hides a key; what is added to the scores is the input bias");
	if (s->nin > bias && s->in[bias].rank >= 0 && op_check_real(s, bias, "bias")) return s->err->status;
	return check_scores(s, mask, "mask", scores, least) ? s->err->status : check_scores(s, bias, "bias", scores, least);
}

eg_status attention_check_context(const eg_infer *s, int context, bool causal, int mask, int bias) {
	if (!context) return EG_OK;
	if (!causal)
		return eg_fail(s->err, EG_ERR_ARG, "context is %d, but without causal every step sees all others; say causal too, or leave context out", context);
	for (int i = mask; i <= bias; i++)
		if (s->nin > i && s->in[i].rank >= 0)
			return eg_fail(s->err, EG_ERR_ARG,
				"context is %d, and there is a %s: it would say nothing of the keys that are kept from earlier runs; leave one of them out", context,
				i == mask ? "mask" : "bias");
	return EG_OK;
}

void attention_strides(const eg_emit *e, int i, ptrdiff_t strides[4]) {
	eg_dims m = eg_emit_in_dims(e, i);
	ptrdiff_t size = 1;
	for (int d = m.rank - 1; d >= 0; d--) {
		strides[place_of(d, m.rank, 4)] = m.d[d] == 1 ? 0 : size;
		size *= (ptrdiff_t)m.d[d];
	}
}

static double attention_flops(const eg_attention_shape *s) {
	return (double)s->units * s->Lq * s->Lk * (2.0 * s->d + 2.0 * s->dv + 10);
}

eg_buf attention_prob(eg_emit *e, const eg_attention_shape *s) {
	return eg_emit_saved(e, ATTENTION_PROB, EG_ELEM_REAL, (int64_t)s->units * s->Lq * s->Lk, false);
}

eg_buf attention_drop(eg_emit *e, const eg_attention_shape *s, float rate, bool make) {
	const int64_t total = (int64_t)s->units * s->Lq * s->Lk;
	const int units = (int)((total + EG_CHUNK - 1) / EG_CHUNK);
	if (!eg_emit_training(e) || rate == 0) return (eg_buf){0};
	eg_buf drop = eg_emit_saved(e, ATTENTION_DROP, EG_ELEM_REAL, total, false);
	if (!make) return drop;
	eg_fill_args ones = {.y = op_stride(false, eg_emit_temp(e, EG_ELEM_REAL, total, false), EG_CHUNK), .unit = EG_CHUNK, .total = total, .value = 1};
	OP_CALL(e, fill, ones, 0, 1, .units = units, .flops = (double)total);
	eg_dropout_args a = {.x = ones.y, .state = eg_emit_dropout_state(e), .y = op_stride(false, drop, EG_CHUNK), .unit = EG_CHUNK, .total = total,
		.node = (uint32_t)eg_emit_node(e), .rate = (real)rate};
	OP_CALL(e, dropout, a, 2, 1, .units = units, .flops = 10.0 * (double)total);
	return drop;
}

void attention_call(eg_emit *e, eg_attention_args a) {
	OP_CALL(e, attention_fwd, a, 8, 2, .units = a.s.units,
		.scratch = eg_emit_kernels(e)->attention_scratch(&a.s, false), .flops = attention_flops(&a.s));
}

void attention_call_bwd(eg_emit *e, eg_attention_bwd_args a) {
	OP_CALL(e, attention_bwd, a, 6, 4, .units = a.s.units,
		.scratch = eg_emit_kernels(e)->attention_scratch(&a.s, true), .flops = 2 * attention_flops(&a.s));
}

void attention_keep(eg_emit *e, eg_keep_rows_args a) {
	OP_CALL(e, keep_rows, a, 2, 2, .units = a.units, .flops = (double)a.units * a.W * a.n);
}

/* Summed up where one number of the bias is that of several scores. */
void attention_bias_bwd(eg_emit *e, const eg_attention_shape *s, int input, eg_buf dscore) {
	const eg_dims b = eg_emit_in_dims(e, input), scores = {4, {s->units / s->heads, s->heads, s->Lq, s->Lk}};
	int64_t strides[4];
	bool acc;
	for (int i = 0; i < 4; i++) strides[i] = s->bias_strides[i];
	const eg_buf dx = eg_emit_dx(e, input, EG_PLAIN, &acc);
	flat_sum_spread(e, dscore, dx, &scores, strides, eg_dims_count(&b, 0), acc);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

static eg_status attention_infer(eg_infer *s) {
	const attention_options *o = s->options;
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
	eg_dims scores = *q;
	scores.d[r - 1] = k->d[r - 2];
	if (attention_check_masks(s, MASK, BIAS, &scores, r) || attention_check_context(s, o->context, o->causal, MASK, BIAS)) return s->err->status;
	if (o->context && (q->d[0] != EG_N || !eg_dim_fits(q->d[r - 2], k->d[r - 2])))
		return eg_fail(s->err, EG_ERR_SHAPE, "q is %s and k %s; with context they must be of a batch N, and of the same steps",
			eg_dims_text(q, tq, sizeof tq), eg_dims_text(k, tk, sizeof tk));
	s->out[0] = *q;
	s->out[0].d[r - 1] = v->d[r - 1];
	for (int i = 0; i < r && !o->context; i++) s->info->mixes_time |= q->d[i] == EG_T || k->d[i] == EG_T;
	s->info->keeps_state = o->context > 0;
	return EG_OK;
}

/* Heads lie one after the other: (samples, heads, rows, columns). */
static eg_heads plain_heads(int heads, int rows, int columns) {
	ptrdiff_t matrix = (ptrdiff_t)rows * columns;
	return (eg_heads){.sample = heads * matrix, .head = matrix, .row = columns};
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
	if (o->context) s.window = o->context + 1;
	if (eg_emit_has_in(e, MASK)) attention_strides(e, MASK, s.mask_strides);
	if (eg_emit_has_in(e, BIAS)) attention_strides(e, BIAS, s.bias_strides);
	return s;
}

/* What a plan that carries its state keeps of keys or values (input i), and that of this run behind it: as (steps,
 * units, n), so that the older ones are a run of numbers. */
typedef struct history {
	eg_buf state, all;
	eg_heads there, here; /* in `all` and `state`; in the input */
	int input, n;
	int64_t old, present; /* numbers */
} history;

enum { K_HISTORY = ATTENTION_SAVED, V_HISTORY };

static history history_of(eg_emit *e, const eg_attention_shape *s, int input, int context) {
	const int n = input == K ? s->d : s->dv, samples = s->units / s->heads;
	history h = {.input = input, .n = n, .here = input == K ? s->k : s->v, .old = (int64_t)context * s->units * n, .present = (int64_t)s->Lk * s->units * n};
	h.there = (eg_heads){.sample = (ptrdiff_t)s->heads * n, .head = n, .row = (ptrdiff_t)s->units * n};
	if (context) h.state = eg_emit_state(e, input == K ? 0 : 1, context, samples, (int64_t)s->heads * n);
	if (h.state.p) h.all = eg_emit_saved(e, input == K ? K_HISTORY : V_HISTORY, EG_ELEM_REAL, h.old + h.present, false);
	return h;
}

static void turn(eg_emit *e, const eg_attention_shape *s, const history *h, int steps, eg_buf x, eg_buf y, bool back, bool acc) {
	eg_strided_args a = {.acc = acc};
	conv_walk(&a, back ? s->units : steps, back ? h->n : h->here.row);
	conv_walk(&a, back ? steps : s->units, back ? h->there.row : (ptrdiff_t)steps * h->n);
	conv_walk(&a, h->n, 1);
	conv_strided(e, x, y, a);
}

/* Keys and values with those of earlier runs in front, if they are kept. */
static void recall(eg_emit *e, eg_attention_shape *s, history *k, history *v, eg_buf *keys, eg_buf *values) {
	const int context = ((const attention_options *)eg_emit_options(e))->context;
	*k = history_of(e, s, K, context);
	*v = history_of(e, s, VALUE, context);
	if (!k->all.p) return;
	s->k = k->there, s->v = v->there;
	s->past = context;
	s->Lk += context;
	*keys = k->all, *values = v->all;
}

static void attention_fwd(eg_emit *e) {
	eg_attention_args a = {.q = eg_emit_x(e, Q, EG_PLAIN),
		.k = eg_emit_x(e, K, EG_PLAIN),
		.v = eg_emit_x(e, VALUE, EG_PLAIN),
		.s = attention_shape(e)};
	const attention_options *o = eg_emit_options(e);
	const int steps = a.s.Lk, samples = a.s.units / a.s.heads;
	history past[2];
	recall(e, &a.s, &past[0], &past[1], &a.k, &a.v);
	for (int i = 0; i < 2 && past[i].all.p; i++) {
		flat_copy(e, past[i].state, past[i].all, past[i].old, false, EG_F32);
		turn(e, &a.s, &past[i], steps, eg_emit_x(e, past[i].input, EG_PLAIN), eg_emit_part(e, past[i].all, past[i].old), false, false);
	}
	if (past[0].all.p) a.kept = eg_emit_state(e, 2, 1, samples, 1);
	if (eg_emit_has_in(e, MASK)) a.mask = eg_emit_x(e, MASK, EG_PLAIN);
	if (eg_emit_has_in(e, BIAS)) a.bias = eg_emit_x(e, BIAS, EG_PLAIN);
	a.drop = attention_drop(e, &a.s, o->dropout, true);
	a.prob = attention_prob(e, &a.s);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	attention_call(e, a);
	for (int i = 0; i < 2 && past[i].all.p; i++)
		attention_keep(e, (eg_keep_rows_args){.x = eg_emit_x(e, past[i].input, EG_PLAIN), .state = past[i].state, .count = i ? a.kept : (eg_buf){0},
					  .from = past[i].here, .to = past[i].there, .units = a.s.units, .heads = a.s.heads, .T = steps, .W = o->context, .n = past[i].n});
}

/* A gradient may be wanted of one tensor twice or three times (self-attention): each is added by a call of its own
 * then, because one call must not write a place twice. Where earlier steps are kept, no gradient flows into them, and
 * those of keys and values are taken out of buffers of their own. */
static void attention_bwd(eg_emit *e) {
	eg_attention_bwd_args a = {.q = eg_emit_x(e, Q, EG_PLAIN),
		.k = eg_emit_x(e, K, EG_PLAIN),
		.v = eg_emit_x(e, VALUE, EG_PLAIN),
		.dy = eg_emit_dy(e, 0, EG_PLAIN),
		.s = attention_shape(e)};
	const int steps = a.s.Lk;
	history past[2];
	if (!a.dy.p) return;
	recall(e, &a.s, &past[0], &past[1], &a.k, &a.v);
	bool same = a.q.p == a.k.p || a.q.p == a.v.p || a.k.p == a.v.p;
	a.prob = attention_prob(e, &a.s);
	a.drop = attention_drop(e, &a.s, ((const attention_options *)eg_emit_options(e))->dropout, false);
	bool wanted = eg_emit_needs_dx(e, BIAS);
	const eg_buf dscore = wanted ? eg_emit_temp(e, EG_ELEM_REAL, (int64_t)a.s.units * a.s.Lq * a.s.Lk, false) : (eg_buf){0};
	a.dscore = dscore;
	for (int i = Q; i <= VALUE; i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		eg_buf *dx = i == Q ? &a.dq : i == K ? &a.dk : &a.dv;
		if (i != Q && past[i - K].all.p) *dx = flat_temp(e, past[i - K].old + past[i - K].present);
		else *dx = eg_emit_dx(e, i, EG_PLAIN, i == Q ? &a.acc_q : i == K ? &a.acc_k : &a.acc_v);
		wanted = true;
		if (!same) continue;
		attention_call_bwd(e, a);
		*dx = a.dscore = (eg_buf){0};
		wanted = false;
	}
	if (wanted) attention_call_bwd(e, a);
	for (int i = K; i <= VALUE; i++) {
		bool acc;
		const history *h = &past[i - K];
		if (!h->all.p || !eg_emit_needs_dx(e, i)) continue;
		const eg_buf dx = eg_emit_dx(e, i, EG_PLAIN, &acc);
		turn(e, &a.s, h, steps, eg_emit_part(e, i == K ? a.dk : a.dv, h->old), dx, true, acc);
	}
	if (dscore.p) attention_bias_bwd(e, &a.s, BIAS, dscore);
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
	{"causal, a context", ATTEND(.causal = true, .context = 2), .in = {OP_DIMS(EG_N, 2, EG_T, 3), OP_DIMS(EG_N, 2, EG_T, 3), OP_DIMS(EG_N, 2, EG_T, 4)}, .nin = 3,
		.batch = 3, .time = 6},
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
			"causal: row i sees keys 0 to i, with a context those of i - context to i only, of earlier runs too in a session;\n"
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

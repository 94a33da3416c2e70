/* multi_head_attention.c - attention between steps of sequences with its projections (Vaswani et al. 2017), heads that
 * share keys and values (Shazeer 2019, Ainslie et al. 2023), and a context that is kept from run to run.
 *
 * The projections are matrix products over all steps and samples at once; what lies between is attention.h.
 *
 * Keys and values have a buffer of their own, (steps,N,2 kv) with those of earlier runs in front, where they come from
 * another input, are kept, or belong to several heads; then they are repeated for each head, in a third buffer, because
 * the gradients of heads that are computed side by side must not be added in one place. */
#include "ops/attention.h"
#include "ops/conv_frames.h"
#include "ops/dense.h"
#include "ops/flat.h"
#include "ops/sequence.h"

typedef struct multi_head_attention_options {
	const char *name;
	int heads, kv_heads;
	bool causal;
	int context;
	bool no_bias;
	float dropout;
	const char *weights;
} multi_head_attention_options;

static const eg_attr multi_head_attention_attrs[] = {
	OP_INT(multi_head_attention_options, heads, NAN, 1, OP_SIZE_MAX, NULL,
		"into so many parts the features are cut; each attends on its own"),
	OP_INT(multi_head_attention_options, kv_heads, 0, 0, OP_SIZE_MAX, NULL,
		"so many heads of keys and values, each for heads/kv_heads of queries; left out or 0: as many as heads, 1: multi-query attention"),
	OP_BOOL(multi_head_attention_options, causal, NULL, "step t sees steps 0 to t only"),
	ATTENTION_CONTEXT(multi_head_attention_options),
	OP_NOT(multi_head_attention_options, bias, NULL, "adds learned constants in both projections"),
	OP_FLOAT(multi_head_attention_options, dropout, 0, 0, 0.999999, NULL, "rate of dropout of the weights"),
	OP_WEIGHTS(multi_head_attention_options),
};

enum { X, SOURCE, LENGTHS, MASK, BIAS };

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

/* Of the scores (N,heads,T,S), and whether what is asked for goes together. */
static eg_status mha_check_scores(eg_infer *s) {
	const multi_head_attention_options *o = s->options;
	const eg_dims *x = &s->in[X], *source = s->nin > SOURCE && s->in[SOURCE].rank >= 0 ? &s->in[SOURCE] : x;
	const eg_dims scores = {4, {x->d[1], o->heads, x->d[0], source->d[0]}};
	char text[128];
	if (attention_check_masks(s, MASK, BIAS, &scores, 2) || attention_check_context(s, o->context, o->causal, MASK, BIAS)) return s->err->status;
	if (!o->context || source == x) return EG_OK;
	return eg_fail(s->err, EG_ERR_ARG, "context is %d, and source %s is given: only steps of x itself can be kept from earlier runs; leave one of them out",
		o->context, eg_dims_text(source, text, sizeof text));
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
	if (o->kv_heads && o->heads % o->kv_heads)
		return eg_fail(s->err, EG_ERR_ARG, "%d heads of queries cannot share %d of keys and values equally; kv_heads must divide heads", o->heads, o->kv_heads);
	if (mha_check_lengths(s) || mha_check_scores(s)) return s->err->status;
	const int64_t in = C + 2 * (o->kv_heads ? C / o->heads * o->kv_heads : C);
	mha_param(s, "in_proj_weight", in, C, EG_INIT_XAVIER_UNIFORM);
	if (!o->no_bias) mha_param(s, "in_proj_bias", in, 0, EG_INIT_ZERO);
	mha_param(s, "out_proj.weight", C, C, EG_INIT_LECUN_UNIFORM);
	if (!o->no_bias) mha_param(s, "out_proj.bias", C, 0, EG_INIT_ZERO);
	s->out[0] = *x;
	s->info->macs = (in + C) * C; /* of the projections, for one step */
	s->info->mixes_time = o->context == 0;
	s->info->keeps_state = o->context > 0;
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

/* One input and what is computed from it: `width` features a step, by the rows of the input projection from `first` on,
 * behind `before` rows of y that were there. Self-attention may have one of them with queries, keys and values; else
 * one has the queries, and the other keys and values. */
typedef struct mha_side {
	int input, rows, before, first, width;
	eg_buf x, y;
} mha_side;

/* What both directions need. mixed: the heads' results side by side; state, count: what is kept of keys and values;
 * wide: those of each head. C, kv: features of queries, and of keys. Parameters by number, -1: none. */
typedef struct mha {
	eg_attention_shape s;
	eg_buf prob, mixed, lengths, state, count, wide;
	mha_side side[2];
	int sides, T, N, C, kv, in_bias, out_weight, out_bias;
	bool self;
} mha;

enum { MHA_MIXED = ATTENTION_SAVED, MHA_WIDE, MHA_SIDES };

/* Where the heads of d features lie that begin `at` in rows of `width`. */
static eg_heads side_heads(int at, int width, int N, int d) {
	return (eg_heads){.at = at, .sample = width, .head = d, .row = (ptrdiff_t)N * width};
}

static eg_attention_shape mha_shape(const eg_emit *e, const mha *m, int Lk) {
	const multi_head_attention_options *o = eg_emit_options(e);
	const int d = m->C / o->heads, q = m->side[0].width, at = m->sides == 1 ? m->C : 0;
	const int width = m->sides == 1 ? q : 2 * m->C; /* of the rows that hold keys and values of all heads */
	eg_attention_shape s = {.units = m->N * o->heads,
		.heads = o->heads,
		.Lq = m->T,
		.Lk = Lk,
		.d = d,
		.dv = d,
		.q = side_heads(0, q, m->N, d),
		.k = side_heads(at, width, m->N, d),
		.v = side_heads(at + m->C, width, m->N, d),
		.y = side_heads(0, m->C, m->N, d),
		.scale = (real)(1 / sqrt((double)d)),
		.past = m->state.p ? o->context : 0,
		.window = o->context ? o->context + 1 : 0,
		.causal = o->causal};
	if (eg_emit_has_in(e, MASK)) attention_strides(e, MASK, s.mask_strides);
	if (eg_emit_has_in(e, BIAS)) attention_strides(e, BIAS, s.bias_strides);
	return s;
}

/* What is computed from which input. */
static void mha_inputs(eg_emit *e, mha *m, bool shared) {
	eg_buf x = eg_emit_x(e, X, EG_PLAIN), source = eg_emit_has_in(e, SOURCE) ? eg_emit_x(e, SOURCE, EG_PLAIN) : x;
	const int in = m->self ? X : SOURCE, S = (int)eg_emit_in_dims(e, in).d[0];
	const eg_buf masked = sequence_masked(e, source, m->lengths, S, m->N, m->C);
	m->side[0] = (mha_side){.input = X, .rows = m->T * m->N, .width = m->C, .x = m->self ? masked : x};
	if (m->self && !shared && !m->state.p) {
		m->side[0].width = 3 * m->C;
		m->sides = 1;
		return;
	}
	m->side[1] = (mha_side){.input = in, .rows = S * m->N, .first = m->C, .width = 2 * m->kv, .x = masked};
	m->sides = 2;
}

static mha mha_of(eg_emit *e) {
	const multi_head_attention_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, X);
	mha m = {.T = (int)x.d[0], .N = (int)x.d[1], .C = (int)x.d[2], .in_bias = o->no_bias ? -1 : 1, .out_weight = o->no_bias ? 1 : 2};
	const bool shared = o->kv_heads && o->kv_heads != o->heads;
	m.out_bias = o->no_bias ? -1 : 3;
	m.kv = shared ? m.C / o->heads * o->kv_heads : m.C;
	m.self = !eg_emit_has_in(e, SOURCE) || eg_emit_x(e, SOURCE, EG_PLAIN).p == eg_emit_x(e, X, EG_PLAIN).p;
	if (eg_emit_has_in(e, LENGTHS)) m.lengths = eg_emit_x(e, LENGTHS, EG_PLAIN);
	if (o->context) m.state = eg_emit_state(e, 0, o->context, m.N, 2 * m.kv), m.count = eg_emit_state(e, 1, 1, m.N, 1);
	mha_inputs(e, &m, shared);
	mha_side *kv = &m.side[m.sides - 1];
	if (m.state.p) kv->before = o->context * m.N;
	m.s = mha_shape(e, &m, (kv->before + kv->rows) / m.N);
	m.prob = attention_prob(e, &m.s);
	m.mixed = eg_emit_saved(e, MHA_MIXED, EG_ELEM_REAL, (int64_t)m.T * m.N * m.C, false);
	if (shared) m.wide = eg_emit_saved(e, MHA_WIDE, EG_ELEM_REAL, (int64_t)m.s.Lk * m.N * 2 * m.C, false);
	for (int i = 0; i < m.sides; i++)
		m.side[i].y = eg_emit_saved(e, MHA_SIDES + i, EG_ELEM_REAL, (int64_t)(m.side[i].before + m.side[i].rows) * m.side[i].width, false);
	return m;
}

/* Of a side's y or its gradient: where this run's rows begin. */
static eg_buf present(eg_emit *e, const mha_side *side, eg_buf b) { return eg_emit_part(e, b, (int64_t)side->before * side->width); }

/* Do the lengths say where the queries end too? */
static bool mha_ends(const mha *m) { return m->self && m->lengths.p; }

static eg_buf mha_drop(eg_emit *e, const mha *m, bool make) {
	return attention_drop(e, &m->s, ((const multi_head_attention_options *)eg_emit_options(e))->dropout, make);
}

/* Keys and values of each head of queries from those that several share, and the gradients of the latter. */
static void widen(eg_emit *e, const mha *m, eg_buf y, eg_buf wide) {
	const int64_t group = m->C / m->kv;
	eg_strided_args a = {0};
	conv_walk(&a, (int64_t)m->s.Lk * m->N * 2 * (m->s.heads / group), m->s.d);
	conv_walk(&a, group, 0);
	conv_walk(&a, m->s.d, 1);
	conv_strided(e, y, wide, a);
}
static void narrow(eg_emit *e, const mha *m, eg_buf dwide, eg_buf dy) {
	const int64_t group = m->C / m->kv, rows = (int64_t)m->s.Lk * m->N * 2 * (m->s.heads / group);
	flat_sum_spread(e, dwide, dy, &(eg_dims){3, {rows, group, m->s.d}}, (int64_t[]){m->s.d, 0, 1}, rows * m->s.d, false);
}

/* The attention itself, from the projections to `mixed`. Without what lies behind the lengths; where earlier steps are
 * in front, it is causal, and no step sees it. */
static void mha_mix(eg_emit *e, const mha *m) {
	const mha_side *kv = &m->side[m->sides - 1];
	const eg_heads rows = {.sample = kv->width, .row = (ptrdiff_t)m->N * kv->width};
	eg_attention_args a = {.q = m->side[0].y, .k = kv->y, .kept = m->count, .drop = mha_drop(e, m, true), .prob = m->prob, .y = m->mixed, .s = m->s};
	if (!m->state.p) a.lengths = m->lengths;
	if (m->state.p) flat_copy(e, m->state, kv->y, (int64_t)kv->before * kv->width, false, EG_F32);
	if (m->wide.p) {
		widen(e, m, kv->y, m->wide);
		a.k = m->wide;
	}
	a.v = a.k;
	if (eg_emit_has_in(e, MASK)) a.mask = eg_emit_x(e, MASK, EG_PLAIN);
	if (eg_emit_has_in(e, BIAS)) a.bias = eg_emit_x(e, BIAS, EG_PLAIN);
	attention_call(e, a);
	if (!m->state.p) return;
	attention_keep(e, (eg_keep_rows_args){.x = present(e, kv, kv->y), .lengths = m->lengths, .state = m->state, .count = m->count, .from = rows,
				  .to = rows, .units = m->N, .heads = 1, .T = m->T, .W = kv->before / m->N, .n = kv->width});
}

static void mha_fwd(eg_emit *e) {
	mha m = mha_of(e);
	for (int i = 0; i < m.sides; i++) {
		const mha_side *side = &m.side[i];
		projection in = {.a = side->x,
			.w = eg_emit_part(e, eg_emit_w(e, 0), (int64_t)side->first * m.C),
			.c = present(e, side, side->y),
			.m = side->rows,
			.n = side->width,
			.k = m.C,
			.trans = true};
		if (m.in_bias >= 0) in.bias = eg_emit_part(e, eg_emit_w(e, m.in_bias), side->first);
		project(e, in);
	}
	mha_mix(e, &m);
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
		const eg_buf d = present(e, side, dside[i]);
		weights_bwd(e, d, side->x, side->rows, g, b);
		if (!eg_emit_needs_dx(e, side->input)) continue;
		projection p = {.a = d,
			.w = eg_emit_part(e, eg_emit_w(e, 0), (int64_t)side->first * m->C),
			.m = side->rows,
			.n = m->C,
			.k = side->width};
		p.c = eg_emit_dx(e, side->input, EG_PLAIN, &p.acc);
		project(e, p);
	}
}

/* From the gradient of `mixed` to those of the projections. */
static void mha_mix_bwd(eg_emit *e, const mha *m, eg_buf dmixed, eg_buf *dside) {
	const int last = m->sides - 1;
	const int64_t scores = (int64_t)m->s.units * m->s.Lq * m->s.Lk;
	for (int i = 0; i < m->sides; i++) dside[i] = flat_temp(e, (int64_t)(m->side[i].before + m->side[i].rows) * m->side[i].width);
	eg_attention_bwd_args a = {.q = m->side[0].y, .k = m->side[last].y, .drop = mha_drop(e, m, false), .prob = m->prob, .dy = dmixed,
		.dq = dside[0], .dk = dside[last], .s = m->s};
	if (m->wide.p) {
		a.k = m->wide;
		a.dk = flat_temp(e, (int64_t)m->s.Lk * m->N * 2 * m->C);
	}
	a.v = a.k, a.dv = a.dk;
	if (eg_emit_needs_dx(e, BIAS)) a.dscore = flat_temp(e, scores);
	attention_call_bwd(e, a);
	if (m->wide.p) narrow(e, m, a.dk, dside[last]);
	if (a.dscore.p) attention_bias_bwd(e, &m->s, BIAS, a.dscore);
}

static void mha_bwd(eg_emit *e) {
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN), dside[2] = {{0}};
	if (!dy.p) return;
	mha m = mha_of(e);
	const int rows = m.side[0].rows;
	if (mha_ends(&m)) dy = sequence_masked(e, dy, m.lengths, m.s.Lq, rows / m.s.Lq, m.C);
	eg_gemm_args g = {.m = m.C, .n = m.C};
	eg_sum_rows_args b = {.acc = false};
	g.c = eg_emit_dw(e, m.out_weight, &g.acc);
	if (m.out_bias >= 0) b.y = eg_emit_dw(e, m.out_bias, &b.acc);
	weights_bwd(e, dy, m.mixed, rows, g, b);
	eg_buf dmixed = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)rows * m.C, false);
	project(e, (projection){.a = dy, .w = eg_emit_w(e, m.out_weight), .c = dmixed, .m = rows, .n = m.C, .k = m.C});
	mha_mix_bwd(e, &m, dmixed, dside);
	mha_in_bwd(e, &m, dside);
}

#define MHA(...) &(const multi_head_attention_options){__VA_ARGS__}
static const int32_t key_lengths[] = {4, 0, 9, 1, 2};
static const int32_t hidden[] = {0, 1, 0, 1, 1, 1, 0, 0, 1}; /* the second row sees nothing */
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
	{"a context, lengths", MHA(.heads = 2, .causal = true, .context = 2), .in = {OP_DIMS(EG_T, EG_N, 6), {-1, {0}}, OP_DIMS(EG_N)},
		.type = {EG_F32, EG_F32, EG_I32}, .nin = 3, .batch = 5, .time = 7, .values = OP_VALUES(NULL, NULL, key_lengths)},
	{"heads that share keys", MHA(.heads = 4, .kv_heads = 2), .in = {OP_DIMS(EG_T, EG_N, 12)}, .nin = 1, .batch = 3, .time = 5},
	{"one head of keys for all, no bias, another source, lengths of its keys", MHA(.heads = 3, .kv_heads = 1, .no_bias = true),
		.in = {OP_DIMS(3, EG_N, 6), OP_DIMS(EG_T, EG_N, 6), OP_DIMS(EG_N)}, .type = {EG_F32, EG_F32, EG_I32},
		.nin = 3, .batch = 5, .time = 7, .values = OP_VALUES(NULL, NULL, key_lengths)},
	{"a mask of rows and keys, a bias of heads", MHA(.heads = 2),
		.in = {OP_DIMS(EG_T, EG_N, 4), {-1, {0}}, {-1, {0}}, OP_DIMS(EG_T, EG_NAMED), OP_DIMS(1, 2, EG_T, EG_NAMED)},
		.type = {EG_F32, EG_F32, EG_I32, EG_I32, EG_F32}, .nin = 5, .batch = 3, .time = 3, .sizes = OP_SIZES({"keys", 3}), .values = OP_VALUES(NULL, NULL, NULL, hidden)},
	{"another source, a mask of all, a bias of samples", MHA(.heads = 2, .causal = true),
		.in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(4, EG_N, 4), {-1, {0}}, OP_DIMS(EG_N, 2, EG_T, 4), OP_DIMS(EG_N, 1, 4)},
		.type = {EG_F32, EG_F32, EG_I32, EG_I32, EG_F32}, .nin = 5, .batch = 3, .time = 3, .limit = 2},
	{"one head, more units than rows", MHA(.heads = 1), .in = {OP_DIMS(EG_T, EG_N, 40)}, .nin = 1, .batch = 7,
		.time = 6},
};

const eg_op eg_op_multi_head_attention = {
	.info = {
		.name = "multi_head_attention",
		.layer = "multi_head_attention",
		.doc = OP_TEXT("Attention between steps of sequences: queries from x, keys and values from source (default: x)"),
		.equation = OP_TEXT("q, k, v = the thirds of in_proj_weight (3C,C) times x, source, source plus in_proj_bias;\n"
			"in each head of d = C/heads features P = softmax(q k^T / sqrt(d) + bias) over keys within lengths that no mask hides;\n"
			"y = out_proj.weight (C,C) times the heads' P v side by side, plus out_proj.bias;\n"
			"kv_heads: k and v have kv_heads d features, in_proj_weight C + 2 kv_heads d rows; head h has those of h kv_heads / heads, rounded down;\n"
			"mask (int32): 1 hides; (N,heads,T,S), (N,T,S) or (T,S), or 1 in some places; bias likewise, -inf hides;\n"
			"context: step t sees t - context to t, of earlier runs too in a session;\n"
			"x (T,N,C), source (S,N,C), y (T,N,C), lengths (N) of source; of x where that is the source: y is 0 behind them"),
		.source = OP_TEXT("Vaswani et al. 2017; weights as in PyTorch's MultiheadAttention; kv_heads: Shazeer 2019, Ainslie et al. 2023"),
		.attrs = multi_head_attention_attrs,
		.nattrs = EG_COUNT(multi_head_attention_attrs),
		.options_size = sizeof(multi_head_attention_options),
		.shorthand = "heads",
		.min_inputs = 1,
		.max_inputs = 5,
		.inputs = (const char *const[]){"x", "source", "lengths", "mask", "bias"},
		.types = "ffiif",
		.params = (const char *const[]){
			"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = mha_infer,
	.lengths = "c2---",
	.fwd = mha_fwd,
	.bwd = OP_BWD(mha_bwd),
	.bwd_reads_x = true,
	OP_CASES(mha_cases),
};

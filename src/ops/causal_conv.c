/* causal_conv.c - causal_conv1d: a convolution of sequences (T,N,C) along the time that sees the present and the past
 * only, so that it can run chunk by chunk: the last steps of a chunk are the state that the next one begins with.
 *
 * What the taps of a step see is gathered into one row, and rows times weights are products, whose results do not
 * depend on how many rows there are: so chunks give the bits of the whole. With L = dilation (kernel - 1) steps that
 * are looked back:
 *
 *   past      (L+T,N,C)    the state, or zeros, and x
 *   gathered  (T*N,R,C/G)  for each group, R taps of C/G channels of `past`; the weights are turned from (K,C/G,R)
 *             into (K,R,C/G)
 *
 * Not here: convolutions of (N,C,L), which may see the future (conv.c). */
#include "ops/conv_frames.h"
#include "ops/dense.h"
#include "ops/sequence.h"

typedef struct causal_conv1d_options {
	const char *name;
	int filters, kernel, dilation, groups;
	CONV_REST
} causal_conv1d_options;

static const eg_attr causal_conv1d_attrs[] = {
	OP_INT(causal_conv1d_options, filters, NAN, 1, OP_SIZE_MAX, NULL, "output channels"),
	OP_INT(causal_conv1d_options, kernel, NAN, 1, 1 << 16, "kernel_shape", "length of the filters, the present step included"),
	OP_INT(causal_conv1d_options, dilation, 1, 1, 1 << 16, "dilations", "steps between neighbouring taps of a filter"),
	OP_INT(causal_conv1d_options, groups, 1, 1, OP_SIZE_MAX, "group",
		"channels are cut into groups that do not see each other; one each: depthwise"),
	CONV_REST_ATTRS(causal_conv1d_options),
};

enum { X, LENGTHS };

static eg_status check_lengths(const eg_infer *s) {
	const eg_dims *x = &s->in[X], *lengths = &s->in[LENGTHS];
	char tx[128], tl[128];
	if (s->nin <= LENGTHS || lengths->rank < 0) return EG_OK;
	if (s->in_type[LENGTHS] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG, "lengths holds floating-point numbers (EG_F32), integers (EG_I32) are needed");
	if (lengths->rank == 1 && eg_dim_fits(lengths->d[0], x->d[1])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "lengths is %s, one number for each sample of x %s is needed", eg_dims_text(lengths, tl, sizeof tl),
		eg_dims_text(x, tx, sizeof tx));
}

static eg_status causal_conv1d_infer(eg_infer *s) {
	const causal_conv1d_options *o = s->options;
	const eg_dims *x = &s->in[X];
	char text[128];
	if (op_check_real(s, X, "x")) return s->err->status;
	if (x->rank != 3 || eg_dim_is_batch(x->d[0]))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s is no sequence (T,N,C), time before batch; signals (N,C,L) are for conv1d",
			eg_dims_text(x, text, sizeof text));
	if (op_check_known(s, X, 2, 3, "x") || check_lengths(s)) return s->err->status;
	const int64_t C = x->d[2], K = o->filters, G = o->groups;
	if (C % G || K % G)
		return eg_fail(s->err, EG_ERR_SHAPE, "the %lld channels of x %s and the %lld filters cannot both be cut into %lld equal groups",
			(long long)C, eg_dims_text(x, text, sizeof text), (long long)K, (long long)G);
	s->out[0] = (eg_dims){3, {x->d[0], x->d[1], K}};
	dense_params(s, (eg_dims){3, {K, C / G, o->kernel}}, C / G * o->kernel, K / G * o->kernel, !o->no_bias, o->init, o->init_value);
	s->info->macs = K * (C / G) * o->kernel;
	s->info->keeps_state = o->kernel > 1;
	return EG_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

typedef struct causal {
	int T, N, C, K, R, G, dilation, L;
	int64_t rows, features, filters; /* T*N; of a group: taps times channels, and filters */
	eg_buf lengths;
} causal;

static causal causal_of(eg_emit *e) {
	const causal_conv1d_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, X);
	causal c = {.T = (int)x.d[0], .N = (int)x.d[1], .C = (int)x.d[2], .K = o->filters, .R = o->kernel, .G = o->groups, .dilation = o->dilation};
	c.L = c.dilation * (c.R - 1);
	c.rows = (int64_t)c.T * c.N;
	c.features = (int64_t)c.R * c.C / c.G;
	c.filters = c.K / c.G;
	if (eg_emit_has_in(e, LENGTHS)) c.lengths = eg_emit_x(e, LENGTHS, EG_PLAIN);
	return c;
}

static void copy_run(eg_emit *e, eg_buf from, eg_buf to, int64_t count) {
	eg_strided_args a = {0};
	conv_walk(&a, count, 1);
	conv_strided(e, from, to, a);
}

static eg_buf past_of(eg_emit *e, const causal *c) {
	const int64_t step = (int64_t)c->N * c->C, count = (c->L + c->T) * step;
	return eg_emit_has_bwd(e) ? eg_emit_saved(e, 0, EG_ELEM_REAL, count, false) : eg_emit_temp(e, EG_ELEM_REAL, count, false);
}

/* The state, or zeros, and x behind it; the state becomes the last L steps of that. */
static eg_buf make_past(eg_emit *e, const causal *c) {
	const int64_t step = (int64_t)c->N * c->C;
	const eg_buf past = past_of(e, c), x = eg_emit_x(e, X, EG_PLAIN), state = c->L ? eg_emit_state(e, 0, c->L, c->N, c->C) : (eg_buf){0};
	if (state.p) copy_run(e, state, past, c->L * step);
	else if (c->L) {
		const int64_t total = c->L * step;
		eg_fill_args a = {.y = op_stride(false, past, EG_CHUNK), .unit = EG_CHUNK, .total = total};
		OP_CALL(e, fill, a, 0, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
	}
	const eg_buf present = eg_emit_part(e, past, c->L * step);
	if (c->lengths.p) sequence_mask_into(e, x, c->lengths, c->T, c->N, c->C, present);
	else copy_run(e, x, present, c->T * step);
	if (state.p) copy_run(e, eg_emit_part(e, past, c->T * step), state, c->L * step);
	return past;
}

static eg_buf gather(eg_emit *e, const causal *c, eg_buf past) {
	const int64_t step = (int64_t)c->N * c->C;
	if (c->R == 1 && c->G == 1) return past;
	eg_buf y = eg_emit_temp(e, EG_ELEM_REAL, c->rows * c->R * c->C, false);
	eg_strided_args a = {0};
	conv_walk(&a, c->G, c->C / c->G);
	conv_walk(&a, c->rows, c->C);
	conv_walk(&a, c->R, c->dilation * step);
	conv_walk(&a, c->C / c->G, 1);
	conv_strided(e, past, y, a);
	return y;
}

/* (K,a,b) to (K,b,a). */
static bool turned(const causal *c) { return c->R > 1 && c->C > c->G; }
static void turn(eg_emit *e, const causal *c, int64_t a, int64_t b, eg_buf from, eg_buf to, bool acc) {
	eg_strided_args w = {.acc = acc};
	conv_walk(&w, c->K, a * b);
	conv_walk(&w, b, 1);
	conv_walk(&w, a, b);
	conv_strided(e, from, to, w);
}
static eg_buf weights(eg_emit *e, const causal *c) {
	const eg_buf w = eg_emit_w(e, 0);
	if (!turned(c)) return w;
	eg_buf to = eg_emit_temp(e, EG_ELEM_REAL, c->K * c->features, false);
	turn(e, c, c->C / c->G, c->R, w, to, false);
	return to;
}

/* y = act(y), where no product has done it. */
static void activate(eg_emit *e, const causal *c, eg_buf y, eg_act act) {
	const int64_t total = c->rows * c->K;
	eg_map_args a = {.unit = EG_CHUNK, .total = total, .act = act};
	a.x = a.y = op_stride(false, y, EG_CHUNK);
	if (act.kind != EG_ACT_NONE) OP_CALL(e, act_fwd, a, 1, 1, .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)total);
}

static void causal_conv1d_fwd(eg_emit *e) {
	const causal c = causal_of(e);
	const eg_buf from = gather(e, &c, make_past(e, &c)), w = weights(e, &c), y = eg_emit_y(e, 0, EG_PLAIN);
	const eg_buf all = c.lengths.p ? eg_emit_temp(e, EG_ELEM_REAL, c.rows * c.K, false) : y;
	for (int g = 0; g < c.G; g++) {
		eg_gemm_packed_args a = {.a = eg_emit_part(e, from, g * c.rows * c.features),
			.b = dense_packed(e, eg_emit_part(e, w, g * c.filters * c.features), c.features, c.filters, c.features, true),
			.c = eg_emit_part(e, all, g * c.filters),
			.m = (int)c.rows,
			.n = (int)c.filters,
			.k = (int)c.features,
			.lda = (int)c.features,
			.ldc = c.K};
		if (eg_emit_has_param(e, 1)) a.bias = eg_emit_part(e, eg_emit_w(e, 1), g * c.filters);
		if (!c.lengths.p) a.act = eg_emit_act(e);
		dense_product(e, a);
	}
	if (!c.lengths.p) return;
	sequence_mask_into(e, all, c.lengths, c.T, c.N, c.K, y);
	activate(e, &c, y, eg_emit_act(e));
}

/* dx = [dx +] what the taps say of x: tap r of step t has seen step t + r dilation of `past`. No gradient flows into
 * the state. */
static void bwd_data(eg_emit *e, const causal *c, eg_buf dy, eg_buf w) {
	const eg_buf from = eg_emit_temp(e, EG_ELEM_REAL, c->rows * c->R * c->C, false);
	const int64_t group = c->rows * c->features, row = c->features, channels = c->C / c->G;
	bool acc;
	for (int g = 0; g < c->G; g++)
		dense_product(e, (eg_gemm_packed_args){.a = eg_emit_part(e, dy, g * c->filters),
					 .b = dense_packed(e, eg_emit_part(e, w, g * c->filters * c->features), c->filters, c->features, c->features, false),
					 .c = eg_emit_part(e, from, g * c->rows * c->features),
					 .m = (int)c->rows,
					 .n = (int)c->features,
					 .k = (int)c->filters,
					 .lda = c->K,
					 .ldc = (int)c->features});
	const eg_buf dx = eg_emit_dx(e, X, EG_PLAIN, &acc);
	for (int r = c->R - 1; r >= 0; r--) { /* the present first, which all steps have */
		const int back = (c->R - 1 - r) * c->dilation; /* step t of dx is seen by step t + back */
		if (back >= c->T) continue;
		eg_strided_args a = {.acc = acc, .offset = back * c->N * row + r * channels};
		conv_walk(&a, c->T, c->N * row);
		a.count[0] = c->T - back;
		conv_walk(&a, c->N, row);
		conv_walk(&a, c->G, group);
		conv_walk(&a, channels, 1);
		conv_strided(e, from, dx, a);
		acc = true;
	}
}

static void bwd_weights(eg_emit *e, const causal *c, eg_buf dy, eg_buf from) {
	bool acc;
	const eg_buf dw = eg_emit_dw(e, 0, &acc), to = turned(c) ? eg_emit_temp(e, EG_ELEM_REAL, c->K * c->features, false) : dw;
	for (int g = 0; g < c->G; g++)
		dense_gemm(e, (eg_gemm_args){.a = eg_emit_part(e, dy, g * c->filters),
				      .b = eg_emit_part(e, from, g * c->rows * c->features),
				      .c = eg_emit_part(e, to, g * c->filters * c->features),
				      .m = (int)c->filters,
				      .n = (int)c->features,
				      .k = (int)c->rows,
				      .lda = c->K,
				      .ldb = (int)c->features,
				      .ldc = (int)c->features,
				      .ta = true,
				      .acc = !turned(c) && acc});
	if (turned(c)) turn(e, c, c->R, c->C / c->G, to, dw, acc);
	if (!eg_emit_has_param(e, 1)) return;
	eg_sum_rows_args b = {.x = dy, .m = (int)c->rows, .n = c->K, .ld = c->K};
	b.y = eg_emit_dw(e, 1, &b.acc);
	dense_sum_rows(e, b);
}

static void causal_conv1d_bwd(eg_emit *e) {
	const causal c = causal_of(e);
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	dy = sequence_masked(e, dy, c.lengths, c.T, c.N, c.K);
	bwd_weights(e, &c, dy, gather(e, &c, past_of(e, &c)));
	if (eg_emit_needs_dx(e, X)) bwd_data(e, &c, dy, weights(e, &c));
}

static const int32_t three[] = {3, 0, 7};
#define CAUSAL(...) &(const causal_conv1d_options){__VA_ARGS__}
static const eg_case causal_conv1d_cases[] = {
	{"dilation, lengths", CAUSAL(.filters = 5, .kernel = 3, .dilation = 2), .in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 3, .time = 7, .values = OP_VALUES(NULL, three), .linear = true},
	{"groups, looks back further than it is long", CAUSAL(.filters = 6, .kernel = 4, .dilation = 2, .groups = 2, .no_bias = true),
		.in = {OP_DIMS(EG_T, EG_N, 8)}, .nin = 1, .batch = 18, .time = 5, .linear = true},
	{"depthwise, an open length", CAUSAL(.filters = 4, .kernel = 3, .groups = 4, .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(EG_NAMED, EG_N, 4)}, .nin = 1, .batch = 3, .sizes = OP_SIZES({"length", 6}), .linear = true},
	{"one tap, fixed shape", CAUSAL(.filters = 3, .kernel = 1), .in = {OP_DIMS(4, 5, 2)}, .nin = 1, .batch = 2, .linear = true},
};

const eg_op eg_op_causal_conv1d = {
	.info = {
		.name = "causal_conv1d",
		.layer = "causal_conv1d",
		.doc = OP_TEXT("Convolution of sequences along the time that sees no later step, so it can run chunk by chunk"),
		.equation = OP_TEXT("y[t,n,k] = bias[k] + sum over c,r of weight[k,c,r] x[t - (kernel - 1 - r) dilation, n, c], zero before the first step, or, with carried\n"
			"state, what came before; x (T,N,C), weight (filters, C/groups, kernel), y (T,N,filters); x and y are 0 behind lengths (N)"),
		.source = OP_TEXT("van den Oord et al. 2016 (WaveNet); Bai et al. 2018; ONNX Conv-11 with pads (dilation (kernel - 1), 0) over (N,C,T)"),
		.attrs = causal_conv1d_attrs,
		.nattrs = EG_COUNT(causal_conv1d_attrs),
		.options_size = sizeof(causal_conv1d_options),
		.min_inputs = 1,
		.max_inputs = 2,
		.inputs = (const char *const[]){"x", "lengths"},
		.types = "fi",
		.params = (const char *const[]){"weight", "bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = causal_conv1d_infer,
	.lengths = "1-",
	.fwd = causal_conv1d_fwd,
	.bwd = OP_BWD(causal_conv1d_bwd),
	.bwd_reads_x = true, /* lengths */
	.posts = OP_POST(ACT),
	OP_CASES(causal_conv1d_cases),
};

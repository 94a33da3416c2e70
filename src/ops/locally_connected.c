/* locally_connected.c - locally_connected1d, locally_connected2d: windows as in a convolution, but at every position
 * filters of their own. The step between a dense layer and a convolution: the windows without the sharing (LeCun
 * 1989, Net-3).
 *
 *   columns (P*Q,N,C*R*S)  what each position sees
 *   turned  (P*Q,N,K)      y (N,K,P*Q), position by position a product of columns with weights (P*Q,K,C/G*R*S) */
#include "ops/conv_frames.h"
#include "ops/dense.h"

typedef struct locally_connected1d_options {
	CONV_WINDOW()
	CONV_REST
} locally_connected1d_options;
typedef struct locally_connected2d_options {
	CONV_WINDOW([2])
	CONV_REST
} locally_connected2d_options;

#define SAME "padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none"
static const eg_attr locally_connected1d_attrs[] = {
	CONV_WINDOW_ATTRS(locally_connected1d_options, 1, "length of the filters", "zeros put before x, and behind it"),
	CONV_AUTO_PAD(locally_connected1d_options, SAME),
	CONV_REST_ATTRS(locally_connected1d_options),
};
static const eg_attr locally_connected2d_attrs[] = {
	CONV_WINDOW_ATTRS(locally_connected2d_options, 2, "height and width of the filters", "zeros put around x, on each side"),
	CONV_AUTO_PAD(locally_connected2d_options, SAME),
	CONV_REST_ATTRS(locally_connected2d_options),
};

static conv_spec locally_connected1d_spec(const locally_connected1d_options *o) { return CONV_SPEC(o, 1); }
static conv_spec locally_connected2d_spec(const locally_connected2d_options *o) { return CONV_SPEC(o, 2); }

static eg_status local_infer(eg_infer *s, const conv_spec *c) {
	if (conv_infer_sizes(s, c) || op_check_known(s, 0, 2, s->in[0].rank, "x")) return s->err->status;
	const int64_t channels = s->in[0].d[1] / c->groups;
	int64_t taps = 1, positions = 1;
	eg_dims w = {.rank = 0}, b = {1, {c->filters}};
	for (int i = 0; i < c->axes; i++) {
		w.d[w.rank++] = b.d[b.rank++] = s->out[0].d[2 + i];
		positions *= s->out[0].d[2 + i];
		taps *= c->kernel[i];
	}
	w.d[w.rank++] = c->filters;
	w.d[w.rank++] = channels;
	for (int i = 0; i < c->axes; i++) w.d[w.rank++] = c->kernel[i];
	if (positions * c->filters > OP_SIZE_MAX || positions * c->filters * channels * taps > INT32_MAX)
		return eg_fail(s->err, EG_ERR_SHAPE, "%lld positions with %d filters of %lld weights each are more than can be had", (long long)positions,
			c->filters, (long long)(channels * taps));
	dense_params(s, w, channels * taps, c->filters / c->groups * taps, c->bias, c->init, c->init_value);
	s->params[0].blocks = positions;
	if (c->bias) s->params[1].dims = b;
	s->info->macs = positions * c->filters * channels * taps;
	return EG_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

typedef struct local {
	eg_conv_shape s;
	conv_axis h, w;
	int64_t positions, row;    /* P*Q; what a position sees, of all channels */
	int64_t features, filters; /* of a group: what a position sees, and filters */
} local;

static local local_of(const eg_emit *e, const conv_spec *c) {
	local l = {.s = conv_volume_of(e, c).s};
	const eg_conv_shape *s = &l.s;
	l.h = (conv_axis){s->H, s->P, s->R, s->sh, s->ph, s->dh};
	l.w = (conv_axis){s->W, s->Q, s->S, s->sw, s->pw, s->dw};
	l.positions = (int64_t)s->P * s->Q;
	l.row = (int64_t)s->C * s->R * s->S;
	l.features = l.row / s->G;
	l.filters = s->K / s->G;
	return l;
}

static int64_t seen(const conv_axis *a) { return (a->out - 1) * a->stride + (int64_t)(a->kernel - 1) * a->dilation + 1; }
static int64_t at_most(int64_t a, int64_t most) { return a < most ? a : most; }

/* A padded axis of a walk over x. */
static void walk_padded(eg_strided_args *a, const conv_axis *of, int64_t size, int64_t stride) {
	conv_walk(a, size, stride);
	a->first[a->rank - 1] = (int)at_most(of->begin, size);
	a->count[a->rank - 1] = (int)at_most(of->in, size - a->first[a->rank - 1]);
}

/* The columns; x gets its padding first, where it has any. */
static eg_buf columns(eg_emit *e, const local *l, eg_buf x) {
	const eg_conv_shape *s = &l->s;
	int64_t H = s->H, W = s->W;
	if (s->ph || s->pw || seen(&l->h) > H || seen(&l->w) > W) {
		eg_strided_args a = {0};
		H = seen(&l->h), W = seen(&l->w);
		conv_walk(&a, (int64_t)s->N * s->C, (int64_t)s->H * s->W);
		walk_padded(&a, &l->h, H, s->W);
		walk_padded(&a, &l->w, W, 1);
		eg_buf padded = eg_emit_temp(e, EG_ELEM_REAL, s->N * s->C * H * W, false);
		conv_strided(e, x, padded, a);
		x = padded;
	}
	eg_buf y = eg_emit_temp(e, EG_ELEM_REAL, l->positions * s->N * l->row, false);
	eg_strided_args a = {0};
	conv_walk(&a, s->P, s->sh * W);
	conv_walk(&a, s->Q, s->sw);
	conv_walk(&a, s->N, s->C * H * W);
	conv_walk(&a, s->C, H * W);
	conv_walk(&a, s->R, s->dh * W);
	conv_walk(&a, s->S, s->dw);
	conv_strided(e, x, y, a);
	return y;
}

/* dx = [dx +] what each tap says: the adjoint, tap by tap. */
static void add_columns(eg_emit *e, const local *l, eg_buf from, eg_buf dx, bool acc) {
	const eg_conv_shape *s = &l->s;
	const int64_t position = s->N * l->row, taps = (int64_t)s->R * s->S;
	for (int t = 0; t < taps; t++) {
		const conv_tap h = conv_tap_of(&l->h, t / s->S), w = conv_tap_of(&l->w, t % s->S);
		if ((h.first == h.end || w.first == w.end) && t > 0) continue;
		eg_strided_args a = {.acc = acc, .offset = ((int64_t)h.first * s->Q + w.first) * position + t};
		conv_walk(&a, s->N, l->row);
		conv_walk(&a, s->C, taps);
		conv_walk(&a, s->H, s->Q * position);
		a.first[2] = h.at, a.step[2] = s->sh, a.count[2] = h.end - h.first;
		conv_walk(&a, s->W, position);
		a.first[3] = w.at, a.step[3] = s->sw, a.count[3] = w.end - w.first;
		conv_strided(e, from, dx, a);
		acc = true;
	}
}

/* One product for each position and group. */
static void products(eg_emit *e, const local *l, eg_gemm_batch_args g, const int64_t *sa, const int64_t *sb, const int64_t *sc) {
	g.rank = 2;
	g.dims[0] = l->positions;
	g.dims[1] = l->s.G;
	memcpy(g.sa, sa, 2 * sizeof *sa);
	memcpy(g.sb, sb, 2 * sizeof *sb);
	memcpy(g.sc, sc, 2 * sizeof *sc);
	dense_gemm_batch(e, g);
}
/* From a position to the next, from a group to the next. */
#define COLUMNS(l) ((const int64_t[]){(l)->s.N * (l)->row, (l)->features})
#define WEIGHTS(l) ((const int64_t[]){(l)->s.K * (l)->features, (l)->filters * (l)->features})
#define TURNED(l) ((const int64_t[]){(int64_t)(l)->s.N * (l)->s.K, (l)->filters})

static void local_fwd(eg_emit *e, const conv_spec *c) {
	const local l = local_of(e, c);
	const eg_conv_shape *s = &l.s;
	eg_buf turned = eg_emit_temp(e, EG_ELEM_REAL, l.positions * s->N * s->K, false);
	products(e, &l,
		(eg_gemm_batch_args){.a = columns(e, &l, eg_emit_x(e, 0, EG_PLAIN)),
			.b = eg_emit_w(e, 0),
			.c = turned,
			.m = s->N,
			.n = (int)l.filters,
			.k = (int)l.features,
			.lda = (int)l.row,
			.ldb = (int)l.features,
			.ldc = s->K,
			.tb = true},
		COLUMNS(&l), WEIGHTS(&l), TURNED(&l));
	const eg_buf y = eg_emit_y(e, 0, EG_PLAIN);
	eg_strided_args a = {0};
	conv_walk(&a, s->N, s->K);
	conv_walk(&a, s->K, 1);
	conv_walk(&a, l.positions, (int64_t)s->N * s->K);
	conv_strided(e, turned, y, a);
	conv_finish(e, y, s->N, s->K * l.positions, 1, eg_emit_act(e));
}

static void bwd_data(eg_emit *e, const local *l, eg_buf turned) {
	const eg_conv_shape *s = &l->s;
	const eg_buf from = eg_emit_temp(e, EG_ELEM_REAL, l->positions * s->N * l->row, false);
	bool acc;
	products(e, l,
		(eg_gemm_batch_args){.a = turned,
			.b = eg_emit_w(e, 0),
			.c = from,
			.m = s->N,
			.n = (int)l->features,
			.k = (int)l->filters,
			.lda = s->K,
			.ldb = (int)l->features,
			.ldc = (int)l->row},
		TURNED(l), WEIGHTS(l), COLUMNS(l));
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	add_columns(e, l, from, dx, acc);
}

static void local_bwd(eg_emit *e, const conv_spec *c) {
	const local l = local_of(e, c);
	const eg_conv_shape *s = &l.s;
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p) return;
	const eg_buf turned = eg_emit_temp(e, EG_ELEM_REAL, l.positions * s->N * s->K, false);
	eg_strided_args a = {0};
	conv_walk(&a, l.positions, 1);
	conv_walk(&a, s->N, s->K * l.positions);
	conv_walk(&a, s->K, l.positions);
	conv_strided(e, dy, turned, a);
	eg_gemm_batch_args g = {.a = turned,
		.b = columns(e, &l, eg_emit_x(e, 0, EG_PLAIN)),
		.m = (int)l.filters,
		.n = (int)l.features,
		.k = s->N,
		.lda = s->K,
		.ldb = (int)l.row,
		.ldc = (int)l.features,
		.ta = true};
	g.c = eg_emit_dw(e, 0, &g.acc);
	products(e, &l, g, TURNED(&l), COLUMNS(&l), WEIGHTS(&l));
	conv_bias_grad(e, dy, s->N, s->K * l.positions, 1);
	if (eg_emit_needs_dx(e, 0)) bwd_data(e, &l, turned);
}

CONV_FUNCTIONS(locally_connected1d, local_infer, local_fwd, local_bwd)
CONV_FUNCTIONS(locally_connected2d, local_infer, local_fwd, local_bwd)

/* ---- cases, descriptors ------------------------------------------------------------------------------------------ */

#define LOCAL1(...) &(const locally_connected1d_options){__VA_ARGS__}
static const eg_case cases1[] = {
	{"stride, padding, dilation", LOCAL1(.filters = 5, .kernel = 3, .stride = 2, .padding = 1, .padding_end = 2, .dilation = 2),
		.in = {OP_DIMS(EG_N, 3, 11)}, .nin = 1, .batch = 18, .linear = true},
	{"groups, no bias", LOCAL1(.filters = 6, .kernel = 2, .groups = 2, .no_bias = true), .in = {OP_DIMS(5, 4, 7)}, .nin = 1, .batch = 2,
		.linear = true},
};

#define LOCAL2(...) &(const locally_connected2d_options){__VA_ARGS__}
static const eg_case cases2[] = {
	{"stride, padding, dilation", LOCAL2(.filters = 4, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .padding_end = {EG_ZERO, 2}, .dilation = {1, 2}),
		.in = {OP_DIMS(EG_N, 2, 5, 7)}, .nin = 1, .batch = 18, .linear = true},
	{"same, groups, steps of sequences", LOCAL2(.filters = 6, .kernel = {2, 3}, .stride = {1, 2}, .auto_pad = WINDOW_PAD_SAME_UPPER, .groups = 2),
		.in = {OP_DIMS(EG_TN, 4, 3, 5)}, .nin = 1, .batch = 3, .time = 2, .linear = true},
	{"windows beyond it, no bias", LOCAL2(.filters = 3, .kernel = {1, 1}, .padding = {1, 1}, .padding_end = {EG_ZERO, EG_ZERO}, .no_bias = true,
					      .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(5, 4, 2, 3)}, .nin = 1, .batch = 2, .linear = true},
};

#define LOCAL_OP(n, what, dims)                                                                                        \
	const eg_op eg_op_locally_connected##n##d = {                                                                  \
		.info = {                                                                                              \
			.name = "locally_connected" #n "d",                                                            \
			.layer = "locally_connected" #n "d",                                                           \
			.doc = OP_TEXT("Windows over " what " as in a convolution, but at every position filters of their own: nothing is shared"), \
			.equation = OP_TEXT("y as in `conv" #n "d`, with weight and bias of each position; " dims),             \
			.source = OP_TEXT("LeCun 1989; Keras LocallyConnected" #n "D (implementation 1)"),                      \
			.attrs = locally_connected##n##d_attrs,                                                        \
			.nattrs = EG_COUNT(locally_connected##n##d_attrs),                                             \
			.options_size = sizeof(locally_connected##n##d_options),                                       \
			.min_inputs = 1,                                                                               \
			.max_inputs = 1,                                                                               \
			.inputs = (const char *const[]){"x"},                                                          \
			.params = (const char *const[]){"weight", "bias", NULL},                                       \
			.outputs = (const char *const[]){"y", NULL},                                                   \
		},                                                                                                     \
		.infer = locally_connected##n##d_infer,                                                                                     \
		.fwd = locally_connected##n##d_fwd,                                                                                         \
		.bwd = OP_BWD(locally_connected##n##d_bwd),                                                                                         \
		.bwd_reads_x = true,                                                                                   \
		.posts = OP_POST(ACT),                                                                                 \
		OP_CASES(cases##n),                                                                                    \
	}
LOCAL_OP(1, "a signal", "x (N,C,L), weight (Q,filters,C/groups,kernel), bias (filters,Q), y (N,filters,Q)");
LOCAL_OP(2, "a picture", "x (N,C,H,W), weight (P,Q,filters,C/groups,kernel), bias (filters,P,Q), y (N,filters,P,Q)");

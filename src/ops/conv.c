/* conv.c - conv2d. A matrix product when the kernel covers the picture; else pictures in lanes, or, direction by
 * direction, the cheapest algorithm. */
#include "ops/dense.h"
#include "ops/window.h"

#include <stdio.h>

typedef struct conv2d_options {
	const char *name;
	int filters, kernel[2], stride[2], padding[2], dilation[2], groups;
	bool no_bias;
	int init;
	float init_value;
	const char *weights;
} conv2d_options;

static const eg_attr conv2d_attrs[] = {
	OP_INT(conv2d_options, filters, NAN, 1, OP_SIZE_MAX, NULL, "output channels"),
	OP_PAIR(conv2d_options, kernel, NAN, 1, OP_SIZE_MAX, "kernel_shape", "height and width of the filters"),
	OP_PAIR(conv2d_options, stride, 1, 1, OP_SIZE_MAX, "strides", "steps from one window to the next"),
	OP_PAIR(conv2d_options, padding, 0, 0, OP_SIZE_MAX, "pads", "zeros put around x, on each side"),
	OP_PAIR(conv2d_options, dilation, 1, 1, OP_SIZE_MAX, "dilations",
		"distance between neighbouring taps of a filter"),
	OP_INT(conv2d_options, groups, 1, 1, OP_SIZE_MAX, "group",
		"channels are cut into groups that do not see each other; one each: depthwise"),
	OP_NOT(conv2d_options, bias, NULL, "adds a learned constant to each output channel"),
	OP_ENUM(conv2d_options, init, eg_init_names, NULL,
		"initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias"),
	OP_FLOAT(conv2d_options, init_value, 1, -1e6, 1e6, NULL,
		"for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others"),
	OP_WEIGHTS(conv2d_options),
};

static eg_status conv2d_infer(eg_infer *s) {
	const conv2d_options *o = s->options;
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	char text[128];
	window w = {{o->kernel[0], o->kernel[1]}, {o->stride[0], o->stride[1]}, {o->padding[0], o->padding[1]},
		{o->dilation[0], o->dilation[1]}, false};
	if (window_infer(s, &w)) return s->err->status;
	int64_t C = x->d[1], K = o->filters, G = o->groups;
	if (C % G)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"the %lld channels of x %s cannot be cut into %lld equal groups; groups must divide %lld",
			(long long)C, eg_dims_text(x, text, sizeof text), (long long)G, (long long)C);
	if (K % G)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"%lld filters cannot be cut into %lld equal groups; make filters a multiple of %lld",
			(long long)K, (long long)G, (long long)G);
	y->d[0] = x->d[0];
	y->d[1] = K;
	int64_t taps = (int64_t)o->kernel[0] * o->kernel[1], fan_in = C / G * taps;
	dense_params(s, (eg_dims){4, {K, C / G, o->kernel[0], o->kernel[1]}}, fan_in, K / G * taps, !o->no_bias,
		o->init, o->init_value);
	int64_t outputs = eg_dims_known(y, 1), bias = o->no_bias ? 0 : outputs;
	s->info->macs = outputs * fan_in;
	if (outputs != eg_dims_count(y, 1)) return EG_OK; /* of each position that is left open */
	s->info->dense_macs = outputs * eg_dims_count(x, 1);
	s->info->dense_params = s->info->dense_macs + bias;
	s->info->unshared_params = s->info->macs + bias;
	return EG_OK;
}

static eg_conv_shape conv2d_shape(const eg_emit *e) {
	const conv2d_options *o = eg_emit_options(e);
	eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	return (eg_conv_shape){.N = (int)x.d[0],
		.C = (int)x.d[1],
		.H = (int)x.d[2],
		.W = (int)x.d[3],
		.K = (int)y.d[1],
		.R = o->kernel[0],
		.S = o->kernel[1],
		.P = (int)y.d[2],
		.Q = (int)y.d[3],
		.sh = o->stride[0],
		.sw = o->stride[1],
		.ph = o->padding[0],
		.pw = o->padding[1],
		.dh = o->dilation[0],
		.dw = o->dilation[1],
		.G = o->groups};
}

/* A kernel as large as the unpadded picture sees every input once: rows (N, CHW) times w (K, CHW). */
static bool is_dense(const eg_conv_shape *s, dense *d) {
	*d = (dense){.rows = s->N, .per = 1, .features = s->C * s->H * s->W, .units = s->K};
	return s->R == s->H && s->S == s->W && !s->ph && !s->pw && s->G == 1;
}

static int64_t weights(const eg_conv_shape *s) { return (int64_t)s->K * (s->C / s->G) * s->R * s->S; }
static double flops(const eg_conv_shape *s) { return 2.0 * s->N * s->P * s->Q * (double)weights(s); }

/* ---- the choice -------------------------------------------------------------------------------------------------- */

/* One way to compute one direction: with the x and the y side lying so. IMPLICIT stands beside the algorithms of the
 * table, in PLAIN; LANES is decided for the layer as a whole. */
typedef struct way {
	int algorithm; /* eg_conv_algo, or IMPLICIT */
	eg_layout x, y;
	double cost;
} way;
enum { IMPLICIT = EG_CONV_ALGOS };

static eg_algorithm asked(int algorithm) {
	return algorithm == IMPLICIT ? EG_ALGORITHM_IMPLICIT : (eg_algorithm)(EG_ALGORITHM_DIRECT + algorithm);
}

static double bytes(const eg_conv_shape *s) {
	return (double)sizeof(real) * s->N * ((double)s->C * s->H * s->W + (double)s->K * s->P * s->Q);
}

/* What is to be computed, as for `engram bench`; dilation, which that does not know, behind it. */
typedef char text[160];
static const char *problem(const eg_conv_shape *s, text t) {
	int n = snprintf(t, sizeof(text), "conv2d:n%dc%dh%dw%dk%dr%ds%dp%dq%du%dv%d", s->N, s->C, s->H, s->W, s->K, s->R, s->S, s->ph, s->pw, s->sh,
		s->sw);
	if (s->G > 1) n += snprintf(t + n, sizeof(text) - (size_t)n, "g%d", s->G);
	if (s->dh > 1 || s->dw > 1) snprintf(t + n, sizeof(text) - (size_t)n, "d%de%d", s->dh, s->dw);
	return t;
}
static const char *const passes[EG_CONV_BWD_WEIGHTS + 1] = {"forward", "data", "weights"};

/* Measured, or negative. */
static double measured(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, const char *algorithm) {
	text t;
	return eg_emit_tuned(e) ? eg_emit_measured(e, problem(s, t), passes[dir], algorithm) : -1;
}

static bool can(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, int algorithm) {
	const eg_kernels *kern = eg_emit_kernels(e);
	if (algorithm == IMPLICIT) return true;
	return kern->conv[algorithm].can(s, dir) && (kern->conv[algorithm].exact || !eg_emit_exact(e));
}

/* What this way costs, when x and y of the layer lie as they do; what the calls cannot read or write is reordered. */
static way way_of(const eg_emit *e, eg_conv_shape s, eg_conv_dir dir, int algorithm, eg_layout x, eg_layout y) {
	const eg_kernels *kern = eg_emit_kernels(e);
	bool implicit = algorithm == IMPLICIT;
	way w = {algorithm, implicit || x == EG_LANES ? EG_PLAIN : x, implicit ? EG_PLAIN : y, INFINITY};
	if (dir == EG_CONV_FWD && w.y != y) return w;
	s.x_blocked = w.x == EG_BLOCKED;
	s.y_blocked = w.y == EG_BLOCKED;
	double ns = implicit ? kern->conv_plain_cost(&s, dir) : kern->conv[algorithm].cost(&s, dir);
	int units = implicit ? kern->conv_plain_units(&s, dir) : kern->conv[algorithm].units(&s, dir);
	w.cost = measured(e, &s, dir, eg_algorithm_name(asked(algorithm)));
	if (w.cost < 0) w.cost = eg_cost_job(e, ns, bytes(&s), units, false);
	w.cost += eg_cost_reorder_out(e, y, w.y);
	if (dir != EG_CONV_BWD_WEIGHTS || implicit) w.cost += eg_cost_reorder_in(e, 0, x, w.x); /* else forward's copy is there */
	return w;
}

/* The cheapest way, or the algorithm that is asked for, where it can do this. */
static way choose(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, eg_layout x, eg_layout y) {
	eg_algorithm forced = eg_emit_algorithm(e);
	way best = {.cost = INFINITY};
	for (int i = 0; i <= IMPLICIT; i++) {
		if (!can(e, s, dir, i)) continue;
		way w = way_of(e, *s, dir, i, x, y);
		if (asked(i) == forced) return w;
		if (w.cost < best.cost) best = w;
	}
	return best;
}

static bool wants_dir(const eg_emit *e, eg_conv_dir dir) {
	return dir == EG_CONV_FWD || (eg_emit_has_bwd(e) && (dir == EG_CONV_BWD_WEIGHTS ? eg_emit_needs_dw(e, 0) : eg_emit_needs_dx(e, 0)));
}

static double lanes_cost(const eg_emit *e, const eg_conv_shape *s, eg_layout x) {
	const eg_kernels *kern = eg_emit_kernels(e);
	double cost = eg_cost_reorder_in(e, 0, x, EG_LANES) * (eg_emit_needs_dx(e, 0) ? 2 : 1);
	double block = bytes(s) / s->N * EG_BLOCK;
	if (!eg_emit_lanes_fit(e, (size_t)block, kern->conv_lanes_pack_bytes(s, EG_CONV_FWD))) return INFINITY;
	for (int dir = EG_CONV_FWD; dir <= EG_CONV_BWD_WEIGHTS; dir++) {
		if (!wants_dir(e, (eg_conv_dir)dir)) continue;
		double ns = measured(e, s, (eg_conv_dir)dir, "lanes");
		cost += ns >= 0 ? ns : eg_cost_job(e, kern->conv_lanes_cost(s, (eg_conv_dir)dir), bytes(s), 0, true);
	}
	return cost;
}

static double conv2d_cost(const eg_emit *e, eg_layout x, eg_layout y) {
	eg_conv_shape s = conv2d_shape(e);
	dense d;
	if (is_dense(&s, &d)) return y == EG_PLAIN ? eg_cost_reorder_in(e, 0, x, y) * (eg_emit_needs_dx(e, 0) ? 2 : 1) : INFINITY;
	if (y == EG_LANES) return lanes_cost(e, &s, x);
	double cost = 0;
	for (int dir = EG_CONV_FWD; dir <= EG_CONV_BWD_WEIGHTS; dir++)
		if (wants_dir(e, (eg_conv_dir)dir)) cost += choose(e, &s, (eg_conv_dir)dir, x, y).cost;
	return cost;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* OP_CALL of a call that stands for a choice, or serves one. */
#define WAY_CALL(e, slot, args, nr, nw, s, dir, name, ...) \
	OP_CALL(e, slot, args, nr, nw, .problem = problem(s, (text){0}), .pass = passes[dir], .algorithm = name, __VA_ARGS__)

#define NAMES(a) \
	{ "conv_" a "_pack", \
		{ "conv_" a "_fwd", "conv_" a "_bwd_data", "conv_" a "_bwd_weights" } }
static const struct names {
	const char *pack, *run[3];
} names[EG_CONV_ALGOS] = {NAMES("direct"), NAMES("depthwise"), NAMES("winograd2"), NAMES("winograd4")};

/* All of the shape: what is forgotten here would be taken for equal. */
static_assert(sizeof(eg_conv_shape) == 17 * sizeof(int), "FORM names every member of eg_conv_shape");
#define FORM(s, dir) \
	{ (s)->N, (s)->C, (s)->H, (s)->W, (s)->K, (s)->R, (s)->S, (s)->P, (s)->Q, (s)->sh, (s)->sw, (s)->ph, (s)->pw, (s)->dh, (s)->dw, (s)->G, \
		(s)->x_blocked, (s)->y_blocked, (int)(dir) + 1 }

/* Emits the packing of the weights for `dir` and returns where they will be. */
static eg_buf packed(eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, bool lanes) {
	const eg_kernels *kern = eg_emit_kernels(e);
	size_t size = (lanes ? kern->conv_lanes_pack_bytes : kern->conv_plain_pack_bytes)(s, dir);
	eg_conv_pack_args a = {
		.w = eg_emit_w(e, 0), .dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)size, false), .s = *s, .dir = dir};
	if (lanes)
		WAY_CALL(e, conv_lanes_pack, a, 1, 1, s, dir, "lanes", .aside = true, .form = FORM(s, dir), .units = 1, .flops = (double)size);
	else
		WAY_CALL(e, conv_plain_pack, a, 1, 1, s, dir, "implicit", .aside = true, .form = FORM(s, dir), .units = 1, .flops = (double)size);
	return a.dst;
}

static eg_buf packed_for(eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, int algorithm) {
	const eg_conv_kernels *c = &eg_emit_kernels(e)->conv[algorithm];
	size_t size = c->pack_bytes(s, dir);
	eg_conv_pack_args a = {
		.w = eg_emit_w(e, 0), .dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)size, false), .s = *s, .dir = dir};
	eg_emit_call(e, &(eg_call_spec){.kernel = names[algorithm].pack, .problem = problem(s, (text){0}), .pass = passes[dir],
		.algorithm = c->name, .aside = true, .form = FORM(s, dir), .run = c->pack, .args = &a, .size = sizeof a,
		.reads = 1, .writes = 1, .units = c->pack_units(s, dir), .flops = (double)size});
	return a.dst;
}

static void run(eg_emit *e, const void *args, size_t size, int reads, int writes, const eg_conv_shape *s, eg_conv_dir dir,
	int algorithm) {
	const eg_conv_kernels *c = &eg_emit_kernels(e)->conv[algorithm];
	eg_emit_call(e, &(eg_call_spec){.kernel = names[algorithm].run[dir], .problem = problem(s, (text){0}), .pass = passes[dir],
		.algorithm = c->name, .run = c->run[dir],
		.args = args, .size = size, .reads = reads, .writes = writes, .units = c->units(s, dir),
		.scratch = c->scratch(s, dir), .flops = flops(s)});
}

static eg_conv_shape lying(eg_conv_shape s, way w) {
	s.x_blocked = w.x == EG_BLOCKED;
	s.y_blocked = w.y == EG_BLOCKED;
	return s;
}

static void fwd_lanes(eg_emit *e, eg_conv_shape s) {
	eg_conv_fwd_args a = {.x = eg_emit_x(e, 0, EG_LANES),
		.w = packed(e, &s, EG_CONV_FWD, true),
		.y = eg_emit_y(e, 0, EG_LANES),
		.s = s,
		.act = eg_emit_act(e)};
	if (eg_emit_has_param(e, 1)) a.b = eg_emit_w(e, 1);
	WAY_CALL(e, conv_lanes_fwd, a, 3, 1, &s, EG_CONV_FWD, "lanes", .block = true, .units = eg_emit_blocks(e),
		.scratch = eg_emit_kernels(e)->conv_lanes_scratch(&s, EG_CONV_FWD), .flops = flops(&s));
}

static void fwd_implicit(eg_emit *e, eg_conv_shape s) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_fwd_args a = {.x = eg_emit_x(e, 0, EG_PLAIN),
		.w = packed(e, &s, EG_CONV_FWD, false),
		.y = eg_emit_y(e, 0, EG_PLAIN),
		.s = s,
		.act = eg_emit_act(e)};
	if (eg_emit_has_param(e, 1)) a.b = eg_emit_w(e, 1);
	WAY_CALL(e, conv_plain_fwd, a, 3, 1, &s, EG_CONV_FWD, "implicit", .units = kern->conv_plain_units(&s, EG_CONV_FWD),
		.scratch = kern->conv_plain_scratch(&s, EG_CONV_FWD), .flops = flops(&s));
}

/* Which position of each window won, for backward. */
static eg_buf winners(eg_emit *e, const eg_conv_shape *s) {
	return eg_emit_saved(e, 0, EG_ELEM_BYTE, (int64_t)EG_BLOCK * s->K * (s->P / 2) * (s->Q / 2), true);
}

/* In lanes, together with the pooling behind it. */
static void fwd_pool(eg_emit *e, const eg_conv_shape *s) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_pack_args p = {.w = eg_emit_w(e, 0), .s = *s, .dir = EG_CONV_FWD};
	size_t bytes = kern->conv_lanes_pack_bytes(s, EG_CONV_FWD);
	p.dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)bytes, false);
	WAY_CALL(e, conv_pool_pack, p, 1, 1, s, EG_CONV_FWD, "lanes", .aside = true, .form = FORM(s, EG_CONV_FWD), .units = 1, .flops = (double)bytes);
	eg_conv_pool_fwd_args a = {.x = eg_emit_x(e, 0, EG_LANES),
		.w = p.dst,
		.y = eg_emit_y(e, 0, EG_LANES),
		.s = *s,
		.act = eg_emit_act(e)};
	if (eg_emit_has_param(e, 1)) a.b = eg_emit_w(e, 1);
	if (eg_emit_has_bwd(e)) a.code = winners(e, s);
	WAY_CALL(e, conv_pool_fwd, a, 3, 2, s, EG_CONV_FWD, "lanes", .block = true, .units = eg_emit_blocks(e),
		.scratch = kern->conv_pool_scratch(s, EG_CONV_FWD), .flops = flops(s));
}

static void conv2d_fwd(eg_emit *e) {
	eg_conv_shape s = conv2d_shape(e);
	eg_layout layout = eg_emit_layout(e);
	dense d;
	if (is_dense(&s, &d)) {
		dense_fwd(e, d);
		return;
	}
	if (layout == EG_LANES && eg_emit_kernels(e)->conv_pool_can(&s, EG_CONV_FWD) && eg_emit_pool(e)) {
		fwd_pool(e, &s);
		return;
	}
	if (layout == EG_LANES) {
		fwd_lanes(e, s);
		return;
	}
	way w = choose(e, &s, EG_CONV_FWD, eg_emit_in_layout(e, 0), layout);
	if (w.algorithm == IMPLICIT) {
		fwd_implicit(e, s);
		return;
	}
	s = lying(s, w);
	eg_conv_run_args a = {.in = eg_emit_x(e, 0, w.x),
		.w = packed_for(e, &s, EG_CONV_FWD, w.algorithm),
		.s = s};
	if (eg_emit_has_param(e, 1)) a.b = eg_emit_w(e, 1);
	if (s.y_blocked) a.out = eg_emit_y_over_addend(e, w.y);
	a.acc = a.out.p != NULL;
	if (!a.acc) a.out = eg_emit_y(e, 0, w.y);
	a.act = eg_emit_act(e);
	run(e, &a, sizeof a, 3, 1, &s, EG_CONV_FWD, w.algorithm);
}

static void bwd_data_fixed(eg_emit *e, eg_conv_shape s, eg_buf dy, bool lanes) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_bwd_data_args a = {.dy = dy, .w = packed(e, &s, EG_CONV_BWD_DATA, lanes), .s = s};
	a.dx = eg_emit_dx(e, 0, lanes ? EG_LANES : EG_PLAIN, &a.acc);
	if (lanes)
		WAY_CALL(e, conv_lanes_bwd_data, a, 2, 1, &s, EG_CONV_BWD_DATA, "lanes", .block = true, .units = eg_emit_blocks(e),
			.scratch = kern->conv_lanes_scratch(&s, EG_CONV_BWD_DATA), .flops = flops(&s));
	else
		WAY_CALL(e, conv_plain_bwd_data, a, 2, 1, &s, EG_CONV_BWD_DATA, "implicit",
			.units = kern->conv_plain_units(&s, EG_CONV_BWD_DATA),
			.scratch = kern->conv_plain_scratch(&s, EG_CONV_BWD_DATA), .flops = flops(&s));
}

static void bwd_data(eg_emit *e, eg_conv_shape s, way w) {
	if (w.algorithm == IMPLICIT) {
		bwd_data_fixed(e, s, eg_emit_dy(e, 0, EG_PLAIN), false);
		return;
	}
	s = lying(s, w);
	eg_conv_run_args a = {
		.in = eg_emit_dy(e, 0, w.y), .w = packed_for(e, &s, EG_CONV_BWD_DATA, w.algorithm), .s = s};
	a.out = eg_emit_dx(e, 0, w.x, &a.acc);
	run(e, &a, sizeof a, 3, 1, &s, EG_CONV_BWD_DATA, w.algorithm);
}

static void shard_sum(eg_emit *e, eg_buf parts, int param, int64_t count, int shards, const eg_conv_shape *s, const char *algorithm) {
	eg_shard_sum_args a = {.parts = parts, .count = count, .shards = shards};
	a.y = eg_emit_dw(e, param, &a.acc);
	WAY_CALL(e, shard_sum, a, 1, 1, s, EG_CONV_BWD_WEIGHTS, algorithm, .aside = true, .units = (int)((count + EG_CHUNK - 1) / EG_CHUNK),
		.flops = (double)count * shards);
}

/* In lanes: partial sums of fixed shards first, so that the result does not depend on the number of threads. dz is the
 * gradient of the output, or, with pooling behind it, of what that has left. */
static void bwd_lanes(eg_emit *e, eg_conv_shape s, eg_buf dz) {
	const eg_kernels *kern = eg_emit_kernels(e);
	bool bias = eg_emit_has_param(e, 1), pooled = eg_emit_pooled(e);
	bool direct = pooled && kern->conv_pool_can(&s, EG_CONV_BWD_WEIGHTS);
	int shards = eg_emit_shards(e);
	eg_buf dy = dz, code = {0}, dw = eg_emit_temp(e, EG_ELEM_REAL, shards * weights(&s), false), db = {0};
	if (bias) db = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)shards * s.K, false);
	if (pooled) code = winners(e, &s);
	if (direct) {
		eg_conv_pool_bwd_weights_args a = {.x = eg_emit_x(e, 0, EG_LANES), .dz = dz, .code = code, .dw = dw,
			.db = db, .s = s, .blocks = eg_emit_blocks(e), .shards = shards};
		WAY_CALL(e, conv_pool_bwd_weights, a, 3, 2, &s, EG_CONV_BWD_WEIGHTS, "lanes", .block = true, .units = a.blocks,
			.scratch = kern->conv_pool_scratch(&s, EG_CONV_BWD_WEIGHTS), .flops = flops(&s));
	}
	if (pooled && (!direct || eg_emit_needs_dx(e, 0))) {
		eg_conv_unpool_args u = {.dz = dz, .code = code, .K = s.K, .P = s.P, .Q = s.Q};
		u.dy = dy = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)EG_BLOCK * s.K * s.P * s.Q, true);
		OP_CALL(e, conv_pool_unpool, u, 2, 1, .block = true, .units = eg_emit_blocks(e),
			.flops = (double)s.N * s.K * s.P * s.Q);
	}
	if (!direct) {
		eg_conv_bwd_weights_args a = {.x = eg_emit_x(e, 0, EG_LANES), .dy = dy, .dw = dw, .db = db, .s = s,
			.blocks = eg_emit_blocks(e), .shards = shards};
		WAY_CALL(e, conv_lanes_bwd_weights, a, 2, 2, &s, EG_CONV_BWD_WEIGHTS, "lanes", .block = true, .units = a.blocks,
			.scratch = kern->conv_lanes_scratch(&s, EG_CONV_BWD_WEIGHTS), .flops = flops(&s));
	}
	if (eg_emit_needs_dx(e, 0)) bwd_data_fixed(e, s, dy, true);
	shard_sum(e, dw, 0, weights(&s), shards, &s, "lanes");
	if (bias) shard_sum(e, db, 1, s.K, shards, &s, "lanes");
}

static void bwd_weights_implicit(eg_emit *e, eg_conv_shape s) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_bwd_weights_args a = {.x = eg_emit_x(e, 0, EG_PLAIN),
		.dy = eg_emit_dy(e, 0, EG_PLAIN),
		.s = s,
		.blocks = eg_blocks(s.N),
		.shards = 1};
	a.dw = eg_emit_dw(e, 0, &a.acc);
	if (eg_emit_has_param(e, 1)) a.db = eg_emit_dw(e, 1, &a.acc);
	WAY_CALL(e, conv_plain_bwd_weights, a, 2, 2, &s, EG_CONV_BWD_WEIGHTS, "implicit",
		.units = kern->conv_plain_units(&s, EG_CONV_BWD_WEIGHTS),
		.scratch = kern->conv_plain_scratch(&s, EG_CONV_BWD_WEIGHTS), .flops = flops(&s));
}

static void bwd_weights(eg_emit *e, eg_conv_shape s, way w) {
	if (w.algorithm == IMPLICIT) {
		bwd_weights_implicit(e, s);
		return;
	}
	s = lying(s, w);
	bool bias = eg_emit_has_param(e, 1);
	eg_conv_weights_args a = {.x = eg_emit_x(e, 0, w.x), .dy = eg_emit_dy(e, 0, w.y), .s = s};
	a.shards = eg_emit_kernels(e)->conv[w.algorithm].shards(&s);
	if (a.shards > 1) {
		a.dw = eg_emit_temp(e, EG_ELEM_REAL, a.shards * weights(&s), false);
		if (bias) a.db = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)a.shards * s.K, false);
	} else {
		a.dw = eg_emit_dw(e, 0, &a.acc);
		if (bias) a.db = eg_emit_dw(e, 1, &a.acc);
	}
	run(e, &a, sizeof a, 2, 2, &s, EG_CONV_BWD_WEIGHTS, w.algorithm);
	if (a.shards == 1) return;
	const char *name = eg_emit_kernels(e)->conv[w.algorithm].name;
	shard_sum(e, a.dw, 0, weights(&s), a.shards, &s, name);
	if (bias) shard_sum(e, a.db, 1, s.K, a.shards, &s, name);
}

static void conv2d_bwd(eg_emit *e) {
	eg_conv_shape s = conv2d_shape(e);
	dense d;
	if (is_dense(&s, &d)) {
		dense_bwd(e, d);
		return;
	}
	eg_layout x = eg_emit_in_layout(e, 0), y = eg_emit_out_layout(e);
	if (!eg_emit_has_dy(e, 0)) return;
	if (y == EG_LANES) {
		bwd_lanes(e, s, eg_emit_dy(e, 0, EG_LANES));
		return;
	}
	bwd_weights(e, s, choose(e, &s, EG_CONV_BWD_WEIGHTS, x, y));
	if (eg_emit_needs_dx(e, 0)) bwd_data(e, s, choose(e, &s, EG_CONV_BWD_DATA, x, y));
}

#define CONV(...) &(const conv2d_options){__VA_ARGS__}
static const eg_case conv2d_cases[] = {
	{"stride, padding, dilation",
		CONV(.filters = 5, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 2}, .dilation = {2, 3}),
		.in = {OP_DIMS(EG_N, 3, 11, 9)}, .nin = 1, .batch = 18, .linear = true},
	{"small batch", CONV(.filters = 4, .kernel = {2, 3}, .stride = {1, 3}, .padding = {2, 1}, .dilation = {3, 2}),
		.in = {OP_DIMS(EG_N, 2, 8, 13)}, .nin = 1, .batch = 3, .linear = true},
	{"unit stride, wide", CONV(.filters = 7, .kernel = {5, 3}, .padding = {2, 1}), .in = {OP_DIMS(EG_N, 4, 10, 19)},
		.nin = 1, .batch = 18, .linear = true},
	{"many channels", CONV(.filters = 35, .kernel = {3, 4}, .padding = {1, 2}, .init = EG_INIT_HE_NORMAL),
		.in = {OP_DIMS(EG_N, 18, 9, 11)}, .nin = 1, .batch = 5, .linear = true},
	{"groups", CONV(.filters = 6, .kernel = {2, 3}, .stride = {2, 2}, .padding = {1, 1}, .groups = 2),
		.in = {OP_DIMS(EG_N, 4, 7, 10)}, .nin = 1, .batch = 18, .linear = true},
	{"depthwise", CONV(.filters = 10, .kernel = {3, 2}, .stride = {1, 2}, .padding = {1, 0}, .groups = 5),
		.in = {OP_DIMS(EG_N, 5, 6, 9)}, .nin = 1, .batch = 3, .linear = true},
	{"one tap, no bias", CONV(.filters = 19, .kernel = {1, 1}, .no_bias = true), .in = {OP_DIMS(EG_N, 6, 5, 4)},
		.nin = 1, .batch = 18, .linear = true},
	{"one tap with stride, fixed batch", CONV(.filters = 3, .kernel = {1, 1}, .stride = {3, 2}),
		.in = {OP_DIMS(5, 2, 7, 6)},
		.nin = 1, .batch = 2, .linear = true},
	{"three by three", CONV(.filters = 19, .kernel = {3, 3}, .padding = {1, 1}), .in = {OP_DIMS(EG_N, 17, 7, 9)}, .nin = 1,
		.batch = 5, .linear = true},
	{"one filter a channel", CONV(.filters = 18, .kernel = {3, 3}, .padding = {1, 1}, .groups = 18),
		.in = {OP_DIMS(EG_N, 18, 6, 9)}, .nin = 1, .batch = 5, .linear = true},
	/* for tables of 16 lanes, where pooling goes straight to the gradient of weights for such wide filters only */
	{"five by nine", CONV(.filters = 3, .kernel = {5, 9}, .padding = {2, 4}), .in = {OP_DIMS(EG_N, 1, 6, 11)}, .nin = 1,
		.batch = 18, .linear = true},
	{"five by five, as in LeNet-5", CONV(.filters = 3, .kernel = {5, 5}, .padding = {2, 2}), .in = {OP_DIMS(EG_N, 2, 7, 10)},
		.nin = 1, .batch = 18, .linear = true},
	{"steps of sequences, open height", CONV(.filters = 5, .kernel = {3, 3}, .stride = {2, 1}, .padding = {1, 1}),
		.in = {OP_DIMS(EG_TN, 3, EG_NAMED, 9)}, .nin = 1, .batch = 3, .time = 7, .sizes = OP_SIZES({"height", 8}), .linear = true},
	{"covers the picture", CONV(.filters = 7, .kernel = {5, 4}), .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1,
		.batch = 18, .linear = true},
};

const eg_op eg_op_conv2d = {
	.info = {
		.name = "conv2d",
		.layer = "conv",
		.doc = "Convolution: the same filters slide over every position of a picture",
		.equation = "y[n,k,p,q] = bias[k] + sum over c,r,s of weight[k,c,r,s] x[n,c,h,w],\n"
			"h = p*stride + r*dilation - padding, w = q*stride + s*dilation - padding, zero outside of x;\n"
			"x (N,C,H,W), weight (filters, C/groups, kernel), y (N,filters,P,Q),\n"
			"P = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, Q likewise",
		.source = "ONNX Conv-11; LeCun et al. 1989; Dumoulin and Visin 2016 (arithmetic of shapes)",
		.attrs = conv2d_attrs,
		.nattrs = EG_COUNT(conv2d_attrs),
		.options_size = sizeof(conv2d_options),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.params = (const char *const[]){"weight", "bias", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = conv2d_infer,
	.fwd = conv2d_fwd,
	.bwd = conv2d_bwd,
	.cost = conv2d_cost,
	.bwd_reads_x = true,
	.fuses_act = true,
	.folds_affine = true,
	.fuses_pool = true,
	.fuses_sum = true,
	.onnx = "Conv",
	.onnx_since = 11,
	OP_CASES(conv2d_cases),
};

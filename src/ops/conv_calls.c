/* conv_calls.c - convolutions of pictures as calls of kernels: what each way costs, the choice, packing of weights,
 * partial sums. Not here: whose buffers these are (conv.c and its kin). */
#include "ops/conv_calls.h"

#include <stdio.h>

int64_t conv_weights(const eg_conv_shape *s) { return (int64_t)s->K * (s->C / s->G) * s->R * s->S; }
double conv_flops(const eg_conv_shape *s) { return 2.0 * s->N * s->P * s->Q * (double)conv_weights(s); }

/* ---- the choice -------------------------------------------------------------------------------------------------- */

enum { IMPLICIT = EG_CONV_ALGOS };

static eg_algorithm asked(int algorithm) {
	return algorithm == IMPLICIT ? EG_ALGORITHM_IMPLICIT : (eg_algorithm)(EG_ALGORITHM_DIRECT + algorithm);
}

static double bytes(const eg_conv_shape *s) {
	return (double)sizeof(real) * s->N * ((double)s->C * s->H * s->W + (double)s->K * s->P * s->Q);
}

/* As many outputs as padding on both sides makes of them? */
static bool even(int in, int out, int taps, int pad, int dilation, int stride) {
	return out == (in + 2 * pad - dilation * (taps - 1) - 1) / stride + 1;
}

/* What is to be computed, as for `engram bench`; what that does not know, dilation and uneven padding, behind it. */
typedef char text[200];
static const char *problem(const eg_conv_shape *s, text t) {
	int n = snprintf(t, sizeof(text), "conv2d:n%dc%dh%dw%dk%dr%ds%dp%dq%du%dv%d", s->N, s->C, s->H, s->W, s->K, s->R, s->S, s->ph, s->pw, s->sh,
		s->sw);
	if (s->G > 1) n += snprintf(t + n, sizeof(text) - (size_t)n, "g%d", s->G);
	if (s->dh > 1 || s->dw > 1) n += snprintf(t + n, sizeof(text) - (size_t)n, "d%de%d", s->dh, s->dw);
	if (!even(s->H, s->P, s->R, s->ph, s->dh, s->sh) || !even(s->W, s->Q, s->S, s->pw, s->dw, s->sw))
		snprintf(t + n, sizeof(text) - (size_t)n, "y%dx%d", s->P, s->Q);
	return t;
}
static const char *const passes[EG_CONV_BWD_WEIGHTS + 1] = {"forward", "data", "weights"};

/* Measured, or negative. */
static double measured(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, const char *algorithm) {
	text t;
	return eg_emit_tuned(e) ? eg_emit_measured(e, problem(s, t), passes[dir], algorithm) : -1;
}

/* The slots' names. A library of chosen operators may be without algorithms (ENGRAM_ALGORITHMS), and then has none of
 * their slots; and it has those of the directions alone that are called (EG_SLOT_NAME). */
#ifndef ENGRAM_WITHOUT_DIRECT
#define DIRECT(what) [EG_CONV_DIRECT] = EG_SLOT_NAME(conv_direct_##what),
#else
#define DIRECT(what)
#endif
#ifndef ENGRAM_WITHOUT_DEPTHWISE
#define DEPTHWISE(what) [EG_CONV_DEPTHWISE] = EG_SLOT_NAME(conv_depthwise_##what),
#else
#define DEPTHWISE(what)
#endif
#ifndef ENGRAM_WITHOUT_WINOGRAD2
#define WINOGRAD2(what) [EG_CONV_WINOGRAD2] = EG_SLOT_NAME(conv_winograd2_##what),
#else
#define WINOGRAD2(what)
#endif
#ifndef ENGRAM_WITHOUT_WINOGRAD4
#define WINOGRAD4(what) [EG_CONV_WINOGRAD4] = EG_SLOT_NAME(conv_winograd4_##what),
#else
#define WINOGRAD4(what)
#endif
#define NAMES(what) {DIRECT(what) DEPTHWISE(what) WINOGRAD2(what) WINOGRAD4(what)[IMPLICIT] = EG_SLOT_NAME(conv_plain_##what)}
static const char *const pack_names[] = NAMES(pack);
static const char *const fwd_names[] = NAMES(fwd);
static const char *const data_names[] = NAMES(bwd_data);
static const char *const weights_names[] = NAMES(bwd_weights);

static bool can(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, int algorithm) {
	const eg_kernels *kern = eg_emit_kernels(e);
	if (algorithm == IMPLICIT) return true;
	const eg_conv_kernels *c = &kern->conv[algorithm];
	return c->can && c->run[dir] && c->can(s, dir) && (c->exact || !eg_emit_exact(e));
}

/* What this way costs, when x and y of the layer lie as they do. */
static conv_way way_of(const eg_emit *e, eg_conv_shape s, eg_conv_dir dir, int algorithm, eg_layout x, eg_layout y) {
	const eg_kernels *kern = eg_emit_kernels(e);
	bool implicit = algorithm == IMPLICIT;
	conv_way w = {algorithm, implicit || x == EG_LANES ? EG_PLAIN : x, implicit ? EG_PLAIN : y, INFINITY};
	if (dir == EG_CONV_FWD && w.y != y) return w;
	s.x_blocked = w.x == EG_BLOCKED;
	s.y_blocked = w.y == EG_BLOCKED;
	double ns = implicit ? kern->conv_plain_cost(&s, dir) : kern->conv[algorithm].cost(&s, dir);
	int units = implicit ? kern->conv_plain_units(&s, dir) : kern->conv[algorithm].units(&s, dir);
	w.cost = measured(e, &s, dir, eg_algorithm_name(asked(algorithm)));
	if (w.cost < 0) w.cost = eg_cost_job(e, ns, bytes(&s), units, false);
	w.cost += eg_cost_reorder_out(e, y, w.y);
	/* else forward's copy is there */
	if (dir != EG_CONV_BWD_WEIGHTS || implicit) w.cost += eg_cost_reorder_in(e, 0, x, w.x);
	return w;
}

conv_way conv_choose(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, eg_layout x, eg_layout y) {
	eg_algorithm forced = eg_emit_algorithm(e);
	conv_way best = {.cost = INFINITY};
	for (int i = 0; i <= IMPLICIT; i++) {
		if (!can(e, s, dir, i)) continue;
		conv_way w = way_of(e, *s, dir, i, x, y);
		if (asked(i) == forced) return w;
		if (w.cost < best.cost) best = w;
	}
	return best;
}

bool conv_wants(const eg_emit *e, eg_conv_dir dir) {
	return dir == EG_CONV_FWD || (eg_emit_has_bwd(e) && (dir == EG_CONV_BWD_WEIGHTS ? eg_emit_needs_dw(e, 0) : eg_emit_needs_dx(e, 0)));
}

double conv_lanes_cost(const eg_emit *e, const eg_conv_shape *s, eg_layout x) {
	const eg_kernels *kern = eg_emit_kernels(e);
	if (!CONV_HAS_LANES) return INFINITY;
	double cost = eg_cost_reorder_in(e, 0, x, EG_LANES) * (eg_emit_needs_dx(e, 0) ? 2 : 1);
	double block = bytes(s) / s->N * EG_BLOCK;
	if (!eg_emit_lanes_fit(e, (size_t)block, kern->conv_lanes_pack_bytes(s, EG_CONV_FWD))) return INFINITY;
	for (int dir = EG_CONV_FWD; dir <= EG_CONV_BWD_WEIGHTS; dir++) {
		if (!conv_wants(e, (eg_conv_dir)dir)) continue;
		double ns = measured(e, s, (eg_conv_dir)dir, "lanes");
		cost += ns >= 0 ? ns : eg_cost_job(e, kern->conv_lanes_cost(s, (eg_conv_dir)dir), bytes(s), 0, true);
	}
	return cost;
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* OP_CALL of a call that stands for a choice, or serves one. */
#define WAY_CALL(e, slot, args, nr, nw, s, dir, name, ...) \
	OP_CALL(e, slot, args, nr, nw, .problem = problem(s, (text){0}), .pass = passes[dir], .algorithm = name, __VA_ARGS__)


/* All of the shape: what is forgotten here would be taken for equal. */
static_assert(sizeof(eg_conv_shape) == 17 * sizeof(int), "FORM names every member of eg_conv_shape");
#define FORM(s, dir) \
	{ (s)->N, (s)->C, (s)->H, (s)->W, (s)->K, (s)->R, (s)->S, (s)->P, (s)->Q, (s)->sh, (s)->sw, (s)->ph, (s)->pw, (s)->dh, (s)->dw, (s)->G, \
		(s)->x_blocked, (s)->y_blocked, (int)(dir) + 1 }

/* Emits the packing of the weights for `dir` and returns where they will be. */
static eg_buf packed(eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, eg_buf w, bool lanes) {
	const eg_kernels *kern = eg_emit_kernels(e);
	size_t size = (lanes ? kern->conv_lanes_pack_bytes : kern->conv_plain_pack_bytes)(s, dir);
	eg_conv_pack_args a = {.w = w, .dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)size, false), .s = *s, .dir = dir};
	if (lanes)
		WAY_CALL(e, conv_lanes_pack, a, 1, 1, s, dir, "lanes", .aside = true, .form = FORM(s, dir), .units = 1, .flops = (double)size);
	else
		WAY_CALL(e, conv_plain_pack, a, 1, 1, s, dir, "implicit", .aside = true, .form = FORM(s, dir), .units = 1, .flops = (double)size);
	return a.dst;
}

static eg_buf packed_for(eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, eg_buf w, int algorithm) {
	const eg_conv_kernels *c = &eg_emit_kernels(e)->conv[algorithm];
	size_t size = c->pack_bytes(s, dir);
	eg_conv_pack_args a = {.w = w, .dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)size, false), .s = *s, .dir = dir};
	eg_emit_call(e, &(eg_call_spec){.kernel = pack_names[algorithm], .problem = problem(s, (text){0}), .pass = passes[dir],
		.algorithm = c->name, .aside = true, .form = FORM(s, dir), .run = c->pack, .args = &a, .size = sizeof a,
		.reads = 1, .writes = 1, .units = c->pack_units(s, dir), .flops = (double)size});
	return a.dst;
}

static void shard_sum(eg_emit *e, eg_buf parts, eg_buf y, bool acc, int64_t count, int shards, const eg_conv_shape *s, const char *algorithm) {
	eg_shard_sum_args a = {.parts = parts, .y = y, .count = count, .shards = shards, .acc = acc};
	WAY_CALL(e, shard_sum, a, 1, 1, s, EG_CONV_BWD_WEIGHTS, algorithm, .aside = true, .units = (int)((count + EG_CHUNK - 1) / EG_CHUNK),
		.flops = (double)count * shards);
}

/* Partial sums of the gradients; bias absent where nobody wants it. */
typedef struct parts {
	eg_buf weight, bias;
	int shards;
} parts;

static parts parts_new(eg_emit *e, const eg_conv_shape *s, const conv_grads *g, int shards) {
	parts p = {.weight = eg_emit_temp(e, EG_ELEM_REAL, shards * conv_weights(s), false), .shards = shards};
	if (g->bias.p) p.bias = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)shards * s->K, false);
	return p;
}
static void parts_sum(eg_emit *e, const eg_conv_shape *s, const conv_grads *g, const parts *p, const char *algorithm) {
	shard_sum(e, p->weight, g->weight, g->acc_weight, conv_weights(s), p->shards, s, algorithm);
	if (g->bias.p) shard_sum(e, p->bias, g->bias, g->acc_bias, s->K, p->shards, s, algorithm);
}

/* ---- PLAIN and BLOCKED ------------------------------------------------------------------------------------------- */

static void run(eg_emit *e, const void *args, size_t size, int reads, int writes, const eg_conv_shape *s, eg_conv_dir dir,
	int algorithm, const char *const *names) {
	const eg_conv_kernels *c = &eg_emit_kernels(e)->conv[algorithm];
	eg_emit_call(e, &(eg_call_spec){.kernel = names[algorithm], .problem = problem(s, (text){0}), .pass = passes[dir],
		.algorithm = c->name, .run = c->run[dir],
		.args = args, .size = size, .reads = reads, .writes = writes, .units = c->units(s, dir),
		.scratch = c->scratch(s, dir), .flops = conv_flops(s)});
}

static eg_conv_shape lying(eg_conv_shape s, conv_way w) {
	s.x_blocked = w.x == EG_BLOCKED;
	s.y_blocked = w.y == EG_BLOCKED;
	return s;
}

static void implicit_fwd(eg_emit *e, const eg_conv_shape *s, const eg_conv_run_args *of) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_fwd_args a = {
		.x = of->in, .w = packed(e, s, EG_CONV_FWD, of->w, false), .b = of->b, .y = of->out, .s = *s, .act = of->act};
	WAY_CALL(e, conv_plain_fwd, a, 3, 1, s, EG_CONV_FWD, "implicit", .units = kern->conv_plain_units(s, EG_CONV_FWD),
		.scratch = kern->conv_plain_scratch(s, EG_CONV_FWD), .flops = conv_flops(s));
}

static void implicit_data(eg_emit *e, const eg_conv_shape *s, const eg_conv_run_args *of) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_bwd_data_args a = {
		.dy = of->in, .w = packed(e, s, EG_CONV_BWD_DATA, of->w, false), .dx = of->out, .s = *s, .acc = of->acc};
	WAY_CALL(e, conv_plain_bwd_data, a, 2, 1, s, EG_CONV_BWD_DATA, "implicit", .units = kern->conv_plain_units(s, EG_CONV_BWD_DATA),
		.scratch = kern->conv_plain_scratch(s, EG_CONV_BWD_DATA), .flops = conv_flops(s));
}

static void call_algorithm(eg_emit *e, const eg_conv_shape *shape, eg_conv_dir dir, conv_way way, eg_conv_run_args a,
	const char *const *names) {
	a.s = lying(*shape, way);
	a.w = packed_for(e, &a.s, dir, a.w, way.algorithm);
	run(e, &a, sizeof a, 3, 1, &a.s, dir, way.algorithm, names);
}

void conv_call(eg_emit *e, const eg_conv_shape *shape, conv_way way, eg_conv_run_args a) {
	if (way.algorithm == IMPLICIT) implicit_fwd(e, shape, &a);
	else call_algorithm(e, shape, EG_CONV_FWD, way, a, fwd_names);
}

void conv_call_data(eg_emit *e, const eg_conv_shape *shape, conv_way way, eg_conv_run_args a) {
	if (way.algorithm == IMPLICIT) implicit_data(e, shape, &a);
	else call_algorithm(e, shape, EG_CONV_BWD_DATA, way, a, data_names);
}

static void implicit_weights(eg_emit *e, const eg_conv_shape *s, eg_conv_weights_args of) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_bwd_weights_args a = {.x = of.x, .dy = of.dy, .dw = of.dw, .db = of.db, .s = *s, .blocks = eg_blocks(s->N), .shards = 1,
		.acc = of.acc};
	WAY_CALL(e, conv_plain_bwd_weights, a, 2, 2, s, EG_CONV_BWD_WEIGHTS, "implicit", .units = kern->conv_plain_units(s, EG_CONV_BWD_WEIGHTS),
		.scratch = kern->conv_plain_scratch(s, EG_CONV_BWD_WEIGHTS), .flops = conv_flops(s));
}

void conv_call_weights(eg_emit *e, const eg_conv_shape *shape, conv_way way, eg_buf x, eg_buf dy, conv_grads g) {
	const eg_conv_shape s = way.algorithm == IMPLICIT ? *shape : lying(*shape, way);
	const char *name = way.algorithm == IMPLICIT ? "implicit" : eg_emit_kernels(e)->conv[way.algorithm].name;
	const int shards = way.algorithm == IMPLICIT ? 1 : eg_emit_kernels(e)->conv[way.algorithm].shards(&s);
	/* One sum goes straight to its place; a kernel adds to both gradients or to none. */
	const bool straight = shards == 1 && (!g.bias.p || g.acc_bias == g.acc_weight);
	eg_conv_weights_args a = {.x = x, .dy = dy, .dw = g.weight, .db = g.bias, .s = s, .shards = shards, .acc = straight && g.acc_weight};
	parts p = {.shards = shards};
	if (!straight) {
		p = parts_new(e, &s, &g, shards);
		a.dw = p.weight;
		a.db = p.bias;
	}
	if (way.algorithm == IMPLICIT) implicit_weights(e, &s, a);
	else run(e, &a, sizeof a, 2, 2, &s, EG_CONV_BWD_WEIGHTS, way.algorithm, weights_names);
	if (!straight) parts_sum(e, &s, &g, &p, name);
}

/* ---- LANES: fixed shards, so that the result does not depend on the number of threads -------------------------- */

void conv_call_lanes(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf w, eg_buf b, eg_buf y) {
	eg_conv_fwd_args a = {.x = x, .w = packed(e, s, EG_CONV_FWD, w, true), .b = b, .y = y, .s = *s, .act = eg_emit_act(e)};
	WAY_CALL(e, conv_lanes_fwd, a, 3, 1, s, EG_CONV_FWD, "lanes", .block = true, .units = eg_emit_blocks(e),
		.scratch = eg_emit_kernels(e)->conv_lanes_scratch(s, EG_CONV_FWD), .flops = conv_flops(s));
}

void conv_call_lanes_data(eg_emit *e, const eg_conv_shape *s, eg_buf dy, eg_buf w, eg_buf dx, bool acc) {
	eg_conv_bwd_data_args a = {.dy = dy, .w = packed(e, s, EG_CONV_BWD_DATA, w, true), .dx = dx, .s = *s, .acc = acc};
	WAY_CALL(e, conv_lanes_bwd_data, a, 2, 1, s, EG_CONV_BWD_DATA, "lanes", .block = true, .units = eg_emit_blocks(e),
		.scratch = eg_emit_kernels(e)->conv_lanes_scratch(s, EG_CONV_BWD_DATA), .flops = conv_flops(s));
}

void conv_call_lanes_weights(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf dy, conv_grads g) {
	const parts p = parts_new(e, s, &g, eg_emit_shards(e));
	eg_conv_bwd_weights_args a = {
		.x = x, .dy = dy, .dw = p.weight, .db = p.bias, .s = *s, .blocks = eg_emit_blocks(e), .shards = p.shards};
	WAY_CALL(e, conv_lanes_bwd_weights, a, 2, 2, s, EG_CONV_BWD_WEIGHTS, "lanes", .block = true, .units = a.blocks,
		.scratch = eg_emit_kernels(e)->conv_lanes_scratch(s, EG_CONV_BWD_WEIGHTS), .flops = conv_flops(s));
	parts_sum(e, s, &g, &p, "lanes");
}

void conv_call_pool(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf w, eg_buf b, eg_buf y, eg_buf code) {
	const eg_kernels *kern = eg_emit_kernels(e);
	eg_conv_pack_args p = {.w = w, .s = *s, .dir = EG_CONV_FWD};
	size_t size = kern->conv_lanes_pack_bytes(s, EG_CONV_FWD);
	p.dst = eg_emit_temp(e, EG_ELEM_BYTE, (int64_t)size, false);
	WAY_CALL(e, conv_pool_pack, p, 1, 1, s, EG_CONV_FWD, "lanes", .aside = true, .form = FORM(s, EG_CONV_FWD), .units = 1, .flops = (double)size);
	eg_conv_pool_fwd_args a = {.x = x, .w = p.dst, .b = b, .y = y, .code = code, .s = *s, .act = eg_emit_act(e)};
	WAY_CALL(e, conv_pool_fwd, a, 3, 2, s, EG_CONV_FWD, "lanes", .block = true, .units = eg_emit_blocks(e),
		.scratch = kern->conv_pool_scratch(s, EG_CONV_FWD), .flops = conv_flops(s));
}

eg_buf conv_call_unpool(eg_emit *e, const eg_conv_shape *s, eg_buf dz, eg_buf code) {
	eg_conv_unpool_args u = {.dz = dz, .code = code, .K = s->K, .P = s->P, .Q = s->Q};
	u.dy = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)EG_BLOCK * s->K * s->P * s->Q, true);
	OP_CALL(e, conv_pool_unpool, u, 2, 1, .block = true, .units = eg_emit_blocks(e), .flops = (double)s->N * s->K * s->P * s->Q);
	return u.dy;
}

void conv_call_pool_weights(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf dz, eg_buf code, conv_grads g) {
	const parts p = parts_new(e, s, &g, eg_emit_shards(e));
	eg_conv_pool_bwd_weights_args a = {.x = x, .dz = dz, .code = code, .dw = p.weight, .db = p.bias, .s = *s,
		.blocks = eg_emit_blocks(e), .shards = p.shards};
	WAY_CALL(e, conv_pool_bwd_weights, a, 3, 2, s, EG_CONV_BWD_WEIGHTS, "lanes", .block = true, .units = a.blocks,
		.scratch = eg_emit_kernels(e)->conv_pool_scratch(s, EG_CONV_BWD_WEIGHTS), .flops = conv_flops(s));
	parts_sum(e, s, &g, &p, "lanes");
}

/* conv_frames.c - depth as batch and channels. With D positions of x and O of y along the depth, T taps there:
 *
 *   gathered (N,O,C,T,HW)  x (N,C,D,HW), zero where a tap sees padding; the weights (K,C/G,T,R,S) lie right for that
 *   frames   (N,O,K,PQ)    y (N,K,O,PQ)
 *
 * Backward the gathered gradient is added up tap by tap. */
#include "ops/conv_frames.h"

static int64_t at_most(int64_t a, int64_t most) { return a < most ? a : most; }

/* ---- by strides -------------------------------------------------------------------------------------------------- */

void conv_strided(eg_emit *e, eg_buf x, eg_buf y, eg_strided_args a) {
	enum { PART = 4 * EG_CHUNK }; /* elements of a unit */
	const int64_t wide = a.size[a.rank - 1];
	a.x = x;
	a.y = y;
	a.total = 1;
	for (int i = 0; i < a.rank - 1; i++) a.total *= a.size[i];
	a.rows = at_most(wide < EG_CHUNK / EG_BLOCK ? EG_CHUNK / wide : EG_BLOCK, a.total);
	a.pieces = (int)((a.rows * wide + PART - 1) / PART);
	OP_CALL(e, strided, a, 1, 1, .units = (int)((a.total + a.rows - 1) / a.rows) * a.pieces, .flops = (double)(a.total * wide));
}

conv_tap conv_tap_of(const conv_axis *a, int tap) {
	const int64_t offset = (int64_t)tap * a->dilation - a->begin;
	int64_t first = offset >= 0 ? 0 : (-offset + a->stride - 1) / a->stride, end = offset >= a->in ? 0 : (a->in - 1 - offset) / a->stride + 1;
	end = at_most(end, a->out);
	if (first >= end) return (conv_tap){0, 0, 0};
	return (conv_tap){(int)first, (int)end, (int)(first * a->stride + offset)};
}

/* ---- forms ------------------------------------------------------------------------------------------------------- */

/* Every position along the depth by itself, if there are several at all. */
static bool flat(const conv_volume *v) { return v->depth.in == 1 && v->depth.out == 1 && v->depth.kernel == 1 && v->depth.begin == 0; }

eg_conv_shape conv_frame_shape(const conv_volume *v) {
	eg_conv_shape s = v->s;
	s.N *= (int)v->depth.out;
	s.C *= v->depth.kernel;
	return s;
}

static int64_t gathered_count(const conv_volume *v) {
	const eg_conv_shape s = conv_frame_shape(v);
	return (int64_t)s.N * s.C * s.H * s.W;
}
static int64_t frames_count(const conv_volume *v) { return (int64_t)v->s.N * v->depth.out * v->s.K * v->s.P * v->s.Q; }

/* x with zeros before and behind its depth, as far as windows go; *depth: how much that is. x itself where none sees
 * padding. */
static eg_buf padded(eg_emit *e, const conv_volume *v, eg_buf x, int64_t *depth) {
	const conv_axis *d = &v->depth;
	const int64_t plane = (int64_t)v->s.H * v->s.W, seen = (d->out - 1) * d->stride + (int64_t)(d->kernel - 1) * d->dilation + 1;
	*depth = d->in;
	if (d->begin == 0 && seen <= d->in) return x;
	*depth = seen;
	eg_buf y = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)v->s.N * v->s.C * seen * plane, false);
	eg_strided_args a = {0};
	conv_walk(&a, (int64_t)v->s.N * v->s.C, d->in * plane);
	conv_walk(&a, seen, plane);
	a.first[1] = (int)at_most(d->begin, seen);
	a.count[1] = (int)at_most(d->in, seen - a.first[1]);
	conv_walk(&a, plane, 1);
	conv_strided(e, x, y, a);
	return y;
}

eg_buf conv_gather(eg_emit *e, const conv_volume *v, eg_buf x) {
	int64_t depth;
	if (flat(v)) return x;
	const eg_buf from = padded(e, v, x, &depth);
	const int64_t plane = (int64_t)v->s.H * v->s.W;
	eg_buf y = eg_emit_temp(e, EG_ELEM_REAL, gathered_count(v), false);
	eg_strided_args a = {0};
	conv_walk(&a, v->s.N, v->s.C * depth * plane);
	conv_walk(&a, v->depth.out, v->depth.stride * plane);
	conv_walk(&a, v->s.C, depth * plane);
	conv_walk(&a, v->depth.kernel, v->depth.dilation * plane);
	conv_walk(&a, plane, 1);
	conv_strided(e, from, y, a);
	return y;
}

/* The adjoint: dx (N,C,D,HW) = [dx +] what all taps say. The first one writes, zeros where it sees nothing included. */
static void scatter(eg_emit *e, const conv_volume *v, eg_buf from, eg_buf dx, bool acc) {
	const conv_axis *d = &v->depth;
	const int64_t plane = (int64_t)v->s.H * v->s.W, C = v->s.C, T = d->kernel;
	for (int t = 0; t < d->kernel; t++) {
		const conv_tap tap = conv_tap_of(d, t);
		if (tap.first == tap.end && t > 0) continue;
		eg_strided_args a = {.acc = acc, .offset = (tap.first * C * T + t) * plane};
		conv_walk(&a, v->s.N, d->out * C * T * plane);
		conv_walk(&a, C, T * plane);
		conv_walk(&a, d->in, C * T * plane);
		a.first[2] = tap.at;
		a.step[2] = d->stride;
		a.count[2] = tap.end - tap.first;
		conv_walk(&a, plane, 1);
		conv_strided(e, from, dx, a);
		acc = true;
	}
}

/* (N,a,b,plane) to (N,b,a,plane), which are the same where either is one. */
static bool turned(int64_t a, int64_t b) { return a > 1 && b > 1; }
static void turn(eg_emit *e, int64_t N, int64_t a, int64_t b, int64_t plane, eg_buf from, eg_buf to, bool acc) {
	eg_strided_args w = {.acc = acc};
	conv_walk(&w, N, a * b * plane);
	conv_walk(&w, b, plane);
	conv_walk(&w, a, b * plane);
	conv_walk(&w, plane, 1);
	conv_strided(e, from, to, w);
}

eg_buf conv_frames(eg_emit *e, const conv_volume *v, eg_buf y) {
	if (!turned(v->s.K, v->depth.out)) return y;
	eg_buf frames = eg_emit_temp(e, EG_ELEM_REAL, frames_count(v), false);
	turn(e, v->s.N, v->s.K, v->depth.out, (int64_t)v->s.P * v->s.Q, y, frames, false);
	return frames;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

void conv_frames_fwd(eg_emit *e, const conv_volume *v, eg_buf gathered, eg_buf w, eg_buf b, eg_buf y, eg_act act, bool acc) {
	const eg_conv_shape s = conv_frame_shape(v);
	const bool direct = !acc && !turned(v->s.K, v->depth.out);
	const eg_buf frames = direct ? y : eg_emit_temp(e, EG_ELEM_REAL, frames_count(v), false);
	conv_call(e, &s, conv_choose_plain(e, &s, EG_CONV_FWD),
		(eg_conv_run_args){.in = gathered, .w = w, .b = b, .out = frames, .act = act});
	if (!direct) turn(e, v->s.N, v->depth.out, v->s.K, (int64_t)v->s.P * v->s.Q, frames, y, acc);
}

void conv_frames_data(eg_emit *e, const conv_volume *v, eg_buf frames, eg_buf w, eg_buf dx, bool acc) {
	const eg_conv_shape s = conv_frame_shape(v);
	const bool direct = flat(v);
	const eg_buf gathered = direct ? dx : eg_emit_temp(e, EG_ELEM_REAL, gathered_count(v), false);
	conv_call_data(e, &s, conv_choose_plain(e, &s, EG_CONV_BWD_DATA),
		(eg_conv_run_args){.in = frames, .w = w, .out = gathered, .acc = direct && acc});
	if (!direct) scatter(e, v, gathered, dx, acc);
}

void conv_frames_weights(eg_emit *e, const conv_volume *v, eg_buf gathered, eg_buf frames, conv_grads g) {
	const eg_conv_shape s = conv_frame_shape(v);
	conv_call_weights(e, &s, conv_choose_plain(e, &s, EG_CONV_BWD_WEIGHTS), gathered, frames, g);
}

/* ---- biases ------------------------------------------------------------------------------------------------------ */

void conv_finish(eg_emit *e, eg_buf y, int64_t N, int64_t K, int64_t plane, eg_act act) {
	const int64_t all = N * K * plane;
	if (eg_emit_has_param(e, 1)) {
		eg_add_args a = {.b = eg_emit_w(e, 1), .act = act, .rank = plane > 1 ? 3 : 2, .rows = 1, .dims = {N, K, plane}, .sa = {K * plane, plane, 1},
			.sb = {0, 1, 0}};
		a.a = a.y = op_stride(false, y, K * plane);
		OP_CALL(e, add, a, 2, 1, .units = (int)N, .flops = (double)all);
	} else if (act.kind != EG_ACT_NONE) {
		eg_map_args a = {.unit = EG_CHUNK, .total = all, .act = act};
		a.x = a.y = op_stride(false, y, EG_CHUNK);
		OP_CALL(e, act_fwd, a, 1, 1, .units = (int)((all + EG_CHUNK - 1) / EG_CHUNK), .flops = (double)all);
	}
}

void conv_bias_grad(eg_emit *e, eg_buf dy, int64_t N, int64_t K, int64_t plane) {
	if (!eg_emit_has_param(e, 1)) return;
	eg_sum_to_args t = {.x = dy, .rank = plane > 1 ? 3 : 2, .dims = {N, K, plane}, .sy = {0, 1, 0}, .count = K};
	t.y = eg_emit_dw(e, 1, &t.acc);
	OP_CALL(e, sum_to, t, 1, 1, .units = eg_blocks((int)K), .flops = (double)(N * K * plane));
}

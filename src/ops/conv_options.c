/* conv_options.c - sizes, padding and weights of convolutions, transposed or not, with any number of axes. Not here:
 * calls of kernels. */
#include "ops/conv_options.h"

#include "ops/dense.h"

#include <stdio.h>

conv_spec conv_spec_of(conv_spec s, const void *const fields[5]) {
	int *const to[5] = {s.kernel, s.stride, s.begin, s.end, s.dilation};
	for (int i = 0; i < 5; i++) memcpy(to[i], fields[i], (size_t)s.axes * sizeof(int));
	for (int i = 0; i < s.axes; i++)
		if (s.end[i] < 0) s.end[i] = s.begin[i];
	return s;
}

/* ---- one axis ---------------------------------------------------------------------------------------------------- */

static int64_t extent(const conv_spec *s, int i) { return (int64_t)s->dilation[i] * (s->kernel[i] - 1) + 1; }
static bool same(const conv_spec *s) { return window_pad_is_same(s->auto_pad); }

static conv_axis forward_axis(const conv_spec *s, int i, int64_t in) {
	conv_axis a = {.in = in, .kernel = s->kernel[i], .stride = s->stride[i], .dilation = s->dilation[i]};
	if (same(s)) {
		a.out = (in + a.stride - 1) / a.stride;
		a.begin = window_pad_begin(s->auto_pad, (a.out - 1) * a.stride + extent(s, i) - in);
		return a;
	}
	const int end = s->auto_pad == WINDOW_PAD_VALID ? 0 : s->end[i];
	a.begin = s->auto_pad == WINDOW_PAD_VALID ? 0 : s->begin[i];
	const int64_t range = in + a.begin + end - extent(s, i);
	a.out = range < 0 ? 0 : range / a.stride + 1;
	return a;
}

static conv_axis transposed_axis(const conv_spec *s, int i, int64_t in) {
	conv_axis a = {.in = in, .kernel = s->kernel[i], .stride = s->stride[i], .dilation = s->dilation[i]};
	const int64_t full = (in - 1) * a.stride + extent(s, i) + s->more[i];
	if (same(s) || s->shape.at) {
		a.out = s->shape.at ? s->shape.at[i] : in * a.stride;
		a.begin = window_pad_begin(s->auto_pad, full - a.out);
		return a;
	}
	a.begin = s->auto_pad == WINDOW_PAD_VALID ? 0 : s->begin[i];
	a.out = full - a.begin - (s->auto_pad == WINDOW_PAD_VALID ? 0 : s->end[i]);
	return a;
}

conv_axis conv_axis_of(const conv_spec *s, int i, int64_t in) { return s->transposed ? transposed_axis(s, i, in) : forward_axis(s, i, in); }

/* Of an input size that is open: what can be said all the same. */
static int64_t open_output(eg_infer *inf, const conv_spec *s, int i, int64_t in) {
	if (s->transposed && s->shape.at) return s->shape.at[i];
	if (s->stride[i] == 1 && same(s)) return in;
	const bool valid = s->auto_pad == WINDOW_PAD_VALID;
	const int64_t padding = valid ? 0 : (int64_t)s->begin[i] + s->end[i], more = s->transposed ? s->more[i] : 0;
	if (s->stride[i] == 1 && padding == extent(s, i) - 1 + more) return in;
	return eg_infer_size(inf, in);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static eg_status check_groups(const eg_infer *s, const conv_spec *c) {
	const int64_t C = s->in[0].d[1], K = c->filters, G = c->groups;
	char t[128];
	if (C % G)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"the %lld channels of x %s cannot be cut into %lld equal groups; groups must divide %lld",
			(long long)C, eg_dims_text(&s->in[0], t, sizeof t), (long long)G, (long long)C);
	if (K % G)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"%lld filters cannot be cut into %lld equal groups; make filters a multiple of %lld",
			(long long)K, (long long)G, (long long)G);
	return EG_OK;
}

/* auto_pad and numbers of one's own. */
static eg_status check_padding(const eg_infer *s, const conv_spec *c) {
	char t[48];
	for (int i = 0; i < c->axes; i++)
		if (c->auto_pad != WINDOW_PAD_GIVEN && (c->begin[i] || c->end[i]))
			return eg_fail(s->err, EG_ERR_ARG, "auto_pad %s decides about padding; leave out padding %s",
				window_pad_names[c->auto_pad], window_text(c->begin, c->axes, t));
	return EG_OK;
}

static eg_status check_covers(const eg_infer *s, const conv_spec *c, int i) {
	char text[128], k[48], d[48], b[48], e[48];
	const int64_t padded = s->in[0].d[2 + i] + (c->auto_pad == WINDOW_PAD_GIVEN ? (int64_t)c->begin[i] + c->end[i] : 0);
	return eg_fail(s->err, EG_ERR_SHAPE,
		"kernel %s with dilation %s covers %lld of axis %d, more than the %lld of x %s with padding %s and %s; use a smaller kernel or more padding",
		window_text(c->kernel, c->axes, k), window_text(c->dilation, c->axes, d), (long long)extent(c, i), i, (long long)padded,
		eg_dims_text(&s->in[0], text, sizeof text), window_text(c->begin, c->axes, b), window_text(c->end, c->axes, e));
}

static eg_status check_transposed(const eg_infer *s, const conv_spec *c) {
	if (c->shape.at && c->shape.n != c->axes)
		return eg_fail(s->err, EG_ERR_ARG, "output_shape has %d numbers, one an axis are needed: %d", c->shape.n, c->axes);
	for (int i = 0; i < c->axes; i++) {
		if (c->more[i] && c->more[i] >= c->stride[i] && c->more[i] >= c->dilation[i])
			return eg_fail(s->err, EG_ERR_ARG, "output_padding %d of axis %d must be smaller than its stride %d or its dilation %d", c->more[i], i,
				c->stride[i], c->dilation[i]);
		if (c->shape.at && (c->begin[i] || c->end[i]))
			return eg_fail(s->err, EG_ERR_ARG, "output_shape decides about padding; leave out padding %d", c->begin[i]);
	}
	return EG_OK;
}

/* Fewer zeros around x than a window covers, so that each one of transposed windows is in y at all. */
static eg_status check_window_counts(const eg_infer *s, const conv_spec *c, int i, const conv_axis *a) {
	char text[128];
	if (c->transposed && a->out < 1)
		return eg_fail(s->err, EG_ERR_SHAPE, "nothing of axis %d of x %s would be left: padding %d and %d take away more than kernel %d makes", i,
			eg_dims_text(&s->in[0], text, sizeof text), c->begin[i], c->end[i], c->kernel[i]);
	if (!c->transposed && a->out < 1) return check_covers(s, c, i);
	if (a->out > OP_SIZE_MAX || a->in > OP_SIZE_MAX)
		return eg_fail(s->err, EG_ERR_SHAPE, "axis %d is too long: %lld in, %lld out", i, (long long)a->in, (long long)a->out);
	return EG_OK;
}

/* For receptive fields: of a transposed convolution, how many inputs an output may see, and that `stride` outputs
 * have one in common. */
static void tell_window(eg_node_info *info, const conv_spec *c) {
	for (int k = 0; k < 2; k++) {
		const int i = c->axes - 2 + k;
		info->window[k] = info->stride[k] = info->dilation[k] = 1;
		if (i < 0) continue;
		if (!c->transposed) {
			info->window[k] = c->kernel[i];
			info->stride[k] = c->stride[i];
			info->dilation[k] = c->dilation[i];
			continue;
		}
		info->window[k] = (int)((extent(c, i) + c->stride[i] - 1) / c->stride[i]);
		info->repeats[k] = c->stride[i] > 1 ? c->stride[i] : 0;
	}
}

eg_status conv_infer_sizes(eg_infer *s, const conv_spec *c) {
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	if (op_check_axes(s, c->axes) || check_padding(s, c) || check_groups(s, c)) return s->err->status;
	if (c->transposed && check_transposed(s, c)) return s->err->status;
	*y = (eg_dims){.rank = x->rank, .d = {x->d[0], c->filters}};
	for (int i = 0; i < c->axes; i++) {
		const int64_t in = x->d[2 + i];
		if (in < 0) {
			y->d[2 + i] = open_output(s, c, i, in);
			continue;
		}
		const conv_axis a = conv_axis_of(c, i, in);
		if (check_window_counts(s, c, i, &a)) return s->err->status;
		y->d[2 + i] = a.out;
	}
	tell_window(s->info, c);
	return EG_OK;
}

static eg_status check_mask(const eg_infer *s, const conv_spec *c) {
	const int64_t n = (int64_t)c->filters * (s->in[0].d[1] / c->groups);
	if (!c->mask.at || c->mask.n == n) return EG_OK;
	return eg_fail(s->err, EG_ERR_ARG, "mask has %d numbers; %lld are needed, one for each of %lld channels and, filter by filter, each of %d filters",
		c->mask.n, (long long)n, (long long)(s->in[0].d[1] / c->groups), c->filters);
}

/* Multiply-adds of a sample, and what other layers would have in the place of this one. */
static void tell_costs(eg_infer *s, const conv_spec *c, int64_t taps, int64_t channels) {
	const eg_dims *x = &s->in[0], *y = &s->out[0];
	const int64_t outputs = eg_dims_known(y, 1), bias = c->bias ? outputs : 0;
	int64_t connected = channels * c->filters;
	for (int i = 0; c->mask.at && i < c->mask.n; i++) connected -= c->mask.at[i] == 0;
	s->info->macs = c->transposed ? eg_dims_known(x, 1) * taps * (c->filters / c->groups) : outputs / c->filters * connected * taps;
	if (outputs != eg_dims_count(y, 1)) return; /* of each position that is left open */
	s->info->dense_macs = outputs * eg_dims_count(x, 1);
	s->info->dense_params = s->info->dense_macs + bias;
	s->info->unshared_params = s->info->macs + bias;
}

eg_status conv_infer(eg_infer *s, const conv_spec *c) {
	if (conv_infer_sizes(s, c) || check_mask(s, c)) return s->err->status;
	const int64_t C = s->in[0].d[1], K = c->filters, G = c->groups;
	eg_dims w = {c->axes + 2, {c->transposed ? C : K, (c->transposed ? K : C) / G}};
	int64_t taps = 1;
	for (int i = 0; i < c->axes; i++) {
		w.d[2 + i] = c->kernel[i];
		taps *= c->kernel[i];
	}
	dense_params(s, w, C / G * taps, K / G * taps, c->bias, c->init, c->init_value);
	if (c->bias) s->params[s->nparams - 1].dims = (eg_dims){1, {K}};
	tell_costs(s, c, taps, C / G);
	return EG_OK;
}

/* ---- for a plan -------------------------------------------------------------------------------------------------- */

conv_volume conv_volume_of(const eg_emit *e, const conv_spec *c) {
	const eg_dims in = eg_emit_in_dims(e, 0), out = eg_emit_out_dims(e, 0);
	conv_axis a[WINDOW_AXES];
	for (int k = 0, skip = WINDOW_AXES - c->axes; k < WINDOW_AXES; k++) {
		a[k] = k < skip ? (conv_axis){1, 1, 1, 1, 0, 1} : conv_axis_of(c, k - skip, in.d[2 + k - skip]);
		if (c->transposed) { /* the windows slide over the output */
			const int64_t t = a[k].in;
			a[k].in = a[k].out;
			a[k].out = t;
		}
	}
	return (conv_volume){.depth = a[0],
		.s = {.N = (int)in.d[0],
			.C = (int)(c->transposed ? out : in).d[1],
			.H = (int)a[1].in,
			.W = (int)a[2].in,
			.K = (int)(c->transposed ? in : out).d[1],
			.R = a[1].kernel,
			.S = a[2].kernel,
			.P = (int)a[1].out,
			.Q = (int)a[2].out,
			.sh = a[1].stride,
			.sw = a[2].stride,
			.ph = a[1].begin,
			.pw = a[2].begin,
			.dh = a[1].dilation,
			.dw = a[2].dilation,
			.G = c->groups}};
}

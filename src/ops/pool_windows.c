/* pool_windows.c - windows of poolings: their sizes and what can be wrong with them, and the calls that pool by them
 * (pool.h).
 *
 * The kernels pool pictures, in any layout, and note winners in 16 bits. Where windows are larger, or not all of one
 * size (adaptive), the maximum goes by places instead (pool_places, pick, put), and the average by resampling. */
#include "ops/pool.h"
#include "ops/resample.h"

#include <stdio.h>


pool pool_of(int rank, const int *kernel, const int *stride, const int *begin, const int *end, const int *dilation) {
	pool w = {.rank = rank};
	for (int i = 0; i < rank; i++) {
		w.kernel[i] = kernel[i];
		w.stride[i] = stride && stride[i] ? stride[i] : kernel[i];
		w.begin[i] = begin ? begin[i] : 0;
		w.end[i] = end && end[i] >= 0 ? end[i] : w.begin[i];
		w.dilation[i] = dilation ? dilation[i] : 1;
	}
	return w;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* One axis over `in` positions, which are known; `end` is the padding behind them. out <= 0: the window is larger than
 * x with its padding. */
typedef struct axis {
	eg_window_axis w;
	int end;
} axis;

static int64_t extent_of(const pool *w, int i) { return (int64_t)w->dilation[i] * (w->kernel[i] - 1) + 1; }

/* As many windows as strides begin in x; padding for that on both sides, the odd one above or below. */
static void pad_to_same(const pool *w, int i, axis *a) {
	a->w.out = (a->w.in + w->stride[i] - 1) / w->stride[i];
	int64_t total = (int64_t)(a->w.out - 1) * w->stride[i] + extent_of(w, i) - a->w.in;
	if (total < 0) total = 0;
	a->w.begin = window_pad_begin(w->auto_pad, total);
	a->end = (int)total - a->w.begin;
}

static axis axis_over(const pool *w, int i, int64_t in) {
	axis a = {{.in = (int)in, .out = 1, .kernel = (int)in, .stride = (int)in, .dilation = 1}, 0};
	if (w->whole) return a;
	if (w->size[i]) {
		const bool even = in % w->size[i] == 0;
		a.w.out = w->size[i];
		a.w.kernel = even ? (int)in / w->size[i] : 0;
		a.w.stride = even ? a.w.kernel : 1;
		return a;
	}
	a.w.kernel = w->kernel[i];
	a.w.stride = w->stride[i];
	a.w.dilation = w->dilation[i];
	if (window_pad_is_same(w->auto_pad)) return pad_to_same(w, i, &a), a;
	a.w.begin = w->auto_pad == WINDOW_PAD_VALID ? 0 : w->begin[i];
	a.end = w->auto_pad == WINDOW_PAD_VALID ? 0 : w->end[i];
	const int64_t range = in + a.w.begin + a.end - extent_of(w, i), stride = w->stride[i];
	if (range < 0) return a.w.out = 0, a;
	const int64_t out = (range + (w->ceil_mode ? stride - 1 : 0)) / stride + 1;
	a.w.out = (int)(w->ceil_mode && (out - 1) * stride >= in + a.w.begin ? out - 1 : out);
	return a;
}

/* How many windows there are over a size that is open. */
static int64_t open_size(eg_infer *s, const pool *w, int i, int64_t in) {
	if (w->whole) return 1;
	if (w->size[i]) return w->size[i];
	const bool same = window_pad_is_same(w->auto_pad);
	const int64_t pad = w->auto_pad == WINDOW_PAD_VALID ? 0 : (int64_t)w->begin[i] + w->end[i];
	return w->stride[i] == 1 && (same || pad == extent_of(w, i) - 1) ? in : eg_infer_size(s, in);
}

/* ---- what can be wrong ------------------------------------------------------------------------------------------- */

/* Does window o of it see something? */
static bool sees(const eg_window_axis *a, int64_t o) {
	const int64_t start = o * a->stride - a->begin,
	              first = start >= 0 ? 0 : (-start + a->dilation - 1) / a->dilation;
	return a->kernel == 0 || (first < a->kernel && start + first * a->dilation < a->in);
}

static eg_status check_axis(const eg_infer *s, const pool *w, int i, const axis *a) {
	char x[128], kernel[48];
	eg_dims_text(&s->in[0], x, sizeof x);
	window_text(w->kernel, w->rank, kernel);
	if (a->w.out <= 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "kernel %s with dilation %d covers %lld positions along dimension %d of x %s, more than the %d "
		        "with "
		        "padding %d and %d; use a smaller kernel or more padding",
		        kernel, w->dilation[i], (long long)extent_of(w, i), i + 2, x, a->w.in + a->w.begin + a->end,
		        a->w.begin, a->end);
	for (int64_t o = 0; o < a->w.out; o++)
		if (!sees(&a->w, o))
			return eg_fail(s->err, EG_ERR_SHAPE,
			        "window %lld along dimension %d of x %s would see nothing but padding: kernel %s, "
			        "stride "
			        "%d, padding %d and %d, dilation %d; keep the padding at half of the kernel at most",
			        (long long)o, i + 2, x, kernel, w->stride[i], a->w.begin, a->end, w->dilation[i]);
	return EG_OK;
}

/* The receptive field is told for the last two axes; a sequence is a row. */
static void inform(eg_infer *s, const pool *w) {
	for (int i = 0; i < 2; i++) {
		const int at = w->rank - 2 + i;
		const int64_t in = at < 0 ? 1 : s->in[0].d[at + 2];
		const bool said = at >= 0 && !w->whole && !w->size[at];
		if (!said && in < 0) continue;
		const int windows = at >= 0 && w->size[at] ? w->size[at] : 1,
		          most = (int)((in + windows - 1) / windows);
		s->info->window[i] = said ? w->kernel[at] : most;
		s->info->stride[i] = said ? w->stride[at] : (int)in;
		s->info->repeats[i] = said ? 1 : windows;
		s->info->dilation[i] = said ? w->dilation[at] : 1;
	}
}

eg_status pool_infer(eg_infer *s, const pool *w) {
	if (op_check_axes(s, w->rank)) return s->err->status;
	s->out[0] = s->in[0];
	for (int i = 0; i < w->rank; i++) {
		const int64_t in = s->in[0].d[i + 2];
		if (in < 0) {
			s->out[0].d[i + 2] = open_size(s, w, i, in);
			continue;
		}
		const axis a = axis_over(w, i, in);
		if (check_axis(s, w, i, &a)) return s->err->status;
		s->out[0].d[i + 2] = a.w.out;
	}
	inform(s, w);
	return EG_OK;
}

eg_status pool_infer_max(eg_infer *s, const pool *w) {
	if (pool_infer(s, w)) return s->err->status;
	s->nout = 2;
	s->out[1] = s->out[0];
	s->out_type[1] = EG_I32;
	s->out_constant[1] = true;
	return EG_OK;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* What is pooled one after the other, as pictures. */
typedef struct steps {
	int n;
	eg_pool_shape s[2];
} steps;

static const axis one_row = {{.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1}, 0};

static void axes_of(const eg_emit *e, const pool *w, axis a[WINDOW_AXES]) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	for (int i = 0; i < w->rank; i++) a[WINDOW_AXES - w->rank + i] = axis_over(w, i, x.d[i + 2]);
	for (int i = 0; i < WINDOW_AXES - w->rank; i++) a[i] = one_row;
}

static eg_pool_shape picture(int N, int64_t C, const axis *h, const axis *v, const pool *w, eg_layout layout) {
	return (eg_pool_shape){.N = N,
	        .C = (int)C,
	        .H = h->w.in,
	        .W = v->w.in,
	        .R = h->w.kernel,
	        .S = v->w.kernel,
	        .P = h->w.out,
	        .Q = v->w.out,
	        .sh = h->w.stride,
	        .sw = v->w.stride,
	        .ph = h->w.begin,
	        .pw = v->w.begin,
	        .dh = h->w.dilation,
	        .dw = v->w.dilation,
	        .lanes = layout != EG_PLAIN,
	        .count_include_pad = !w->exclude_pad,
	        .pad_end_h = h->end,
	        .pad_end_w = v->end};
}

/* Channels stay apart, so 16 of them in lanes are to the kernels 16 samples of one channel. */
static steps steps_of(const eg_emit *e, const pool *w, eg_layout layout) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	const bool blocked = layout == EG_BLOCKED;
	const int N = (int)(blocked ? x.d[0] * eg_channels((int)x.d[1]) : x.d[0]), C = (int)(blocked ? 1 : x.d[1]);
	axis a[WINDOW_AXES] = {0}, row = one_row;
	axes_of(e, w, a);
	steps t = {.n = 1};
	t.s[0] = picture(N, (int64_t)C * a[0].w.in, &a[1], &a[2], w, layout);
	if (w->rank < WINDOW_AXES) return t;
	row.w.in = row.w.out = a[1].w.out * a[2].w.out;
	t.s[t.n++] = picture(N, C, &a[0], &row, w, layout);
	return t;
}

static op_blocks job_of(const eg_emit *e, eg_layout layout, int N) {
	return op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), N);
}

/* Elements of a block before and behind it. */
static int64_t x_block(const eg_pool_shape *s) { return (int64_t)EG_BLOCK * s->C * s->H * s->W; }
static int64_t y_block(const eg_pool_shape *s) { return (int64_t)EG_BLOCK * s->C * s->P * s->Q; }
static double taps(const eg_pool_shape *s) { return (double)s->N * s->C * s->P * s->Q * s->R * s->S; }

static eg_buf between(eg_emit *e, op_blocks job, int64_t block) {
	return eg_emit_temp(e, EG_ELEM_REAL, job.block ? block : job.units * block, job.block);
}

/* ---- maximum by places ------------------------------------------------------------------------------------------- */

/* Windows that are not all alike, or have more positions than a winner's number can say. */
static bool by_places(const eg_emit *e, const pool *w) {
	axis a[WINDOW_AXES];
	axes_of(e, w, a);
	for (int i = 0; i < WINDOW_AXES; i++)
		if (a[i].w.kernel == 0) return true;
	return (int64_t)a[1].w.kernel * a[2].w.kernel > UINT16_MAX || a[0].w.kernel > UINT16_MAX;
}

static eg_pool_places_args places_args(const eg_emit *e, const pool *w) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	axis a[WINDOW_AXES];
	axes_of(e, w, a);
	return (eg_pool_places_args){.d = a[0].w, .h = a[1].w, .w = a[2].w, .N = (int)x.d[0], .C = (int)x.d[1]};
}

static int64_t block_of(const eg_dims *d) { return eg_dims_count(d, 1) * EG_BLOCK; }

/* From output 0 to input 0 (back), or the other way; the places are of output 0. */
static eg_places_args move_args(const eg_emit *e, bool back) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	return (eg_places_args){.N = (int)x.d[0],
	        .C = (int)x.d[1],
	        .nx = eg_dims_count(back ? &y : &x, 2),
	        .ny = eg_dims_count(back ? &x : &y, 2),
	        .sum = back};
}

static void find_places(eg_emit *e, const pool *w, eg_buf x, eg_buf to) {
	const eg_dims xd = eg_emit_in_dims(e, 0), yd = eg_emit_out_dims(e, 0);
	const op_blocks job = job_of(e, EG_PLAIN, (int)xd.d[0]);
	eg_pool_places_args a = places_args(e, w);
	a.x = op_stride(job.block, x, block_of(&xd));
	a.y = op_stride(job.block, to, block_of(&yd));
	OP_CALL(e, pool_places, a, 1, 1, .block = job.block, .units = job.units,
	        .flops = 4 * (double)eg_dims_count(&xd, 0));
}

static eg_buf kept_places(eg_emit *e) {
	const eg_dims y = eg_emit_out_dims(e, 0);
	const op_blocks job = job_of(e, EG_PLAIN, (int)y.d[0]);
	const int64_t count = job.block ? block_of(&y) : eg_dims_count(&y, 0);
	return eg_emit_has_bwd(e) ? eg_emit_saved(e, 0, EG_ELEM_I32, count, job.block)
	                           : eg_emit_temp(e, EG_ELEM_I32, count, job.block);
}

static void places_fwd(eg_emit *e, const pool *w) {
	const eg_dims xd = eg_emit_in_dims(e, 0), yd = eg_emit_out_dims(e, 0);
	const op_blocks job = job_of(e, EG_PLAIN, (int)xd.d[0]);
	eg_buf x = eg_emit_x(e, 0, EG_PLAIN), y = eg_emit_y(e, 0, EG_PLAIN), at = kept_places(e);
	find_places(e, w, x, at);
	eg_places_args a = move_args(e, false);
	a.x = op_stride(job.block, x, block_of(&xd));
	a.at = op_stride(job.block, at, block_of(&yd));
	a.y = op_stride(job.block, y, block_of(&yd));
	OP_CALL(e, pick, a, 2, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&yd, 0));
}

static void places_bwd(eg_emit *e) {
	const eg_dims xd = eg_emit_in_dims(e, 0), yd = eg_emit_out_dims(e, 0);
	const op_blocks job = job_of(e, EG_PLAIN, (int)xd.d[0]);
	eg_places_args a = move_args(e, true);
	a.x = op_stride(job.block, eg_emit_dy(e, 0, EG_PLAIN), block_of(&yd));
	a.at = op_stride(job.block, kept_places(e), block_of(&yd));
	a.y = op_stride(job.block, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), block_of(&xd));
	OP_CALL(e, put, a, 2, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&xd, 0));
}

/* ---- maximum ----------------------------------------------------------------------------------------------------- */

bool pool_max_follows(const eg_emit *e, const pool *w) { return !eg_emit_out_needed(e, 1) && !by_places(e, w); }

/* Which position won in step i, for backward. */
static eg_buf winners(eg_emit *e, int i, const eg_pool_shape *s, op_blocks job) {
	int64_t count = job.block ? y_block(s) : job.units * y_block(s);
	return op_stride(job.block, eg_emit_saved(e, i, EG_ELEM_U16, count, job.block), y_block(s));
}

static void steps_fwd(eg_emit *e, const pool *w) {
	const eg_layout layout = pool_max_follows(e, w) ? eg_emit_in_layout(e, 0) : EG_PLAIN;
	const steps t = steps_of(e, w, layout);
	const op_blocks job = job_of(e, layout, t.s[0].N);
	eg_buf from = eg_emit_x(e, 0, layout), y = eg_emit_y(e, 0, layout);
	for (int i = 0; i < t.n; i++) {
		const eg_buf to = i == t.n - 1 ? y : between(e, job, y_block(&t.s[i]));
		eg_maxpool_fwd_args a = {.s = t.s[i]};
		a.x = op_stride(job.block, from, x_block(&a.s));
		a.y = op_stride(job.block, to, y_block(&a.s));
		if (eg_emit_has_bwd(e)) a.index = winners(e, i, &a.s, job);
		OP_CALL(e, maxpool_fwd, a, 1, 2, .block = job.block, .units = job.units, .flops = taps(&a.s));
		from = to;
	}
}

void pool_max_fwd(eg_emit *e, const pool *w) {
	if (by_places(e, w))
		places_fwd(e, w);
	else
		steps_fwd(e, w);
	if (eg_emit_out_needed(e, 1)) find_places(e, w, eg_emit_x(e, 0, EG_PLAIN), eg_emit_y(e, 1, EG_PLAIN));
}

void pool_max_bwd(eg_emit *e, const pool *w) {
	const eg_layout layout = eg_emit_out_layout(e);
	eg_buf from = eg_emit_dy(e, 0, layout);
	if (!from.p || !eg_emit_needs_dx(e, 0)) return;
	if (by_places(e, w)) {
		places_bwd(e);
		return;
	}
	const steps t = steps_of(e, w, layout);
	const op_blocks job = job_of(e, layout, t.s[0].N);
	for (int i = t.n - 1; i >= 0; i--) {
		eg_maxpool_bwd_args a = {.s = t.s[i]};
		a.dy = op_stride(job.block, from, y_block(&a.s));
		a.index = winners(e, i, &a.s, job);
		from = i == 0 ? eg_emit_dx(e, 0, layout, &a.acc) : between(e, job, x_block(&a.s));
		a.dx = op_stride(job.block, from, x_block(&a.s));
		OP_CALL(e, maxpool_bwd, a, 2, 1, .block = job.block, .units = job.units, .flops = taps(&a.s));
	}
}

/* ---- average ----------------------------------------------------------------------------------------------------- */

/* Windows of different sizes: as resampling with equal weights. False: all are alike. */
static bool as_resampling(const eg_emit *e, const pool *w, resample *r) {
	axis a[WINDOW_AXES];
	bool uneven = false;
	axes_of(e, w, a);
	r->rank = w->rank;
	for (int i = 0; i < w->rank; i++) {
		const eg_window_axis *v = &a[WINDOW_AXES - w->rank + i].w;
		r->axis[i] = (eg_resample_axis){.in = v->in, .out = v->out, .method = EG_RESAMPLE_ADAPTIVE, .scale = 1};
		uneven |= v->kernel == 0;
	}
	return uneven;
}

void pool_average_fwd(eg_emit *e, const pool *w) {
	resample r;
	if (as_resampling(e, w, &r)) {
		resample_fwd(e, &r);
		return;
	}
	const eg_layout layout = eg_emit_in_layout(e, 0);
	const steps t = steps_of(e, w, layout);
	const op_blocks job = job_of(e, layout, t.s[0].N);
	eg_buf from = eg_emit_x(e, 0, layout), y = eg_emit_y(e, 0, layout);
	for (int i = 0; i < t.n; i++) {
		const eg_buf to = i == t.n - 1 ? y : between(e, job, y_block(&t.s[i]));
		eg_avgpool_fwd_args a = {.s = t.s[i]};
		a.x = op_stride(job.block, from, x_block(&a.s));
		a.y = op_stride(job.block, to, y_block(&a.s));
		OP_CALL(e, avgpool_fwd, a, 1, 1, .block = job.block, .units = job.units, .flops = taps(&a.s));
		from = to;
	}
}

void pool_average_bwd(eg_emit *e, const pool *w) {
	resample r;
	if (as_resampling(e, w, &r)) {
		resample_bwd(e, &r);
		return;
	}
	const eg_layout layout = eg_emit_out_layout(e);
	eg_buf from = eg_emit_dy(e, 0, layout);
	if (!from.p || !eg_emit_needs_dx(e, 0)) return;
	const steps t = steps_of(e, w, layout);
	const op_blocks job = job_of(e, layout, t.s[0].N);
	for (int i = t.n - 1; i >= 0; i--) {
		eg_avgpool_bwd_args a = {.s = t.s[i]};
		a.dy = op_stride(job.block, from, y_block(&a.s));
		from = i == 0 ? eg_emit_dx(e, 0, layout, &a.acc) : between(e, job, x_block(&a.s));
		a.dx = op_stride(job.block, from, x_block(&a.s));
		OP_CALL(e, avgpool_bwd, a, 1, 1, .block = job.block, .units = job.units, .flops = taps(&a.s));
	}
}

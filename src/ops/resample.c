/* resample.c - the calls that resample along axes (resample.h): one an axis, those that make the tensor smaller first.
 * */
#include "ops/resample.h"

enum { AXES = 3 };

static bool same_places(const eg_resample_axis *a) {
	if (a->in != a->out || a->method == EG_RESAMPLE_ADAPTIVE) return a->in == a->out;
	if (a->coordinate == EG_COORDINATE_TF_CROP_AND_RESIZE) return a->start == 0 && a->end == 1;
	return a->scale == 1 && a->coordinate != EG_COORDINATE_TF_HALF_PIXEL_FOR_NN;
}

/* Which axes, in which order: smaller from the first on, where rows of the inner dimensions are long; larger from the
 * last on, where there are few. */
static int order_of(const resample *r, int order[AXES]) {
	int n = 0;
	for (int i = 0; i < r->rank; i++)
		if (r->axis[i].out < r->axis[i].in) order[n++] = i;
	for (int i = r->rank - 1; i >= 0; i--)
		if (r->axis[i].out >= r->axis[i].in && !same_places(&r->axis[i])) order[n++] = i;
	if (n == 0) order[n++] = 0; /* it is copied */
	return n;
}

/* Calls for all axes in order, each with the sizes that it finds, and so many elements of a block before and behind it.
 * */
typedef struct passes {
	int n;
	eg_resample_args a[AXES];
	int64_t x_block[AXES], y_block[AXES];
} passes;

/* Channels stay apart, so 16 of them in lanes are to the kernels 16 samples of one channel. */
static passes passes_of(const eg_emit *e, const resample *r, eg_layout layout) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	const bool blocked = layout == EG_BLOCKED;
	const int N = (int)(blocked ? x.d[0] * eg_channels((int)x.d[1]) : x.d[0]), C = (int)(blocked ? 1 : x.d[1]);
	int order[AXES] = {0}, size[AXES] = {0};
	passes p = {.n = order_of(r, order)};
	for (int i = 0; i < r->rank; i++) size[i] = r->axis[i].in;
	for (int k = 0; k < p.n; k++) {
		int rows = C;
		int64_t inner = 1;
		for (int i = 0; i < order[k]; i++) rows *= size[i];
		for (int i = order[k] + 1; i < r->rank; i++) inner *= size[i];
		const eg_resample_axis *axis = &r->axis[order[k]];
		p.a[k] = (eg_resample_args){
		        .axis = *axis, .N = N, .rows = rows, .inner = inner, .lanes = layout != EG_PLAIN};
		p.x_block[k] = (int64_t)EG_BLOCK * rows * axis->in * inner;
		p.y_block[k] = (int64_t)EG_BLOCK * rows * axis->out * inner;
		size[order[k]] = axis->out;
	}
	return p;
}

static eg_buf between(eg_emit *e, op_blocks job, int64_t block) {
	return eg_emit_temp(e, EG_ELEM_REAL, job.block ? block : job.units * block, job.block);
}

static void call(eg_emit *e, eg_resample_args *a, op_blocks job, int64_t from_block, int64_t to_block) {
	a->from = op_stride(job.block, a->from, from_block);
	a->to = op_stride(job.block, a->to, to_block);
	OP_CALL(e, resample, *a, 1, 1, .block = job.block, .units = job.units,
	        .scratch = eg_resample_scratch(&a->axis, a->back),
	        .flops = 4.0 * (double)job.units * (double)(from_block > to_block ? from_block : to_block));
}

void resample_fwd(eg_emit *e, const resample *r) {
	const eg_layout layout = eg_emit_in_layout(e, 0);
	passes p = passes_of(e, r, layout);
	const op_blocks job = op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), p.a[0].N);
	eg_buf from = eg_emit_x(e, 0, layout), y = eg_emit_y(e, 0, layout);
	for (int k = 0; k < p.n; k++) {
		const eg_buf to = k == p.n - 1 ? y : between(e, job, p.y_block[k]);
		p.a[k].from = from;
		p.a[k].to = to;
		call(e, &p.a[k], job, p.x_block[k], p.y_block[k]);
		from = to;
	}
}

void resample_bwd(eg_emit *e, const resample *r) {
	const eg_layout layout = eg_emit_out_layout(e);
	passes p = passes_of(e, r, layout);
	const op_blocks job = op_blocks_of(layout != EG_BLOCKED && eg_emit_in_batched(e, 0), p.a[0].N);
	eg_buf from = eg_emit_dy(e, 0, layout);
	if (!from.p || !eg_emit_needs_dx(e, 0)) return;
	for (int k = p.n - 1; k >= 0; k--) {
		p.a[k].back = true;
		p.a[k].from = from;
		p.a[k].to = k == 0 ? eg_emit_dx(e, 0, layout, &p.a[k].acc) : between(e, job, p.x_block[k]);
		from = p.a[k].to;
		call(e, &p.a[k], job, p.y_block[k], p.x_block[k]);
	}
}

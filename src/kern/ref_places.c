/* ref_places.c - places of the largest in windows, and numbers picked from places and put there, in plain C. Every
 * table has these. */
#include "kern/ref.h"

/* Positions first, first + step, ... of one window, n of them. */
typedef struct span {
	int first, step, n;
} span;

static span span_of(const eg_window_axis *a, int o) {
	if (a->kernel == 0) {
		const int first = eg_adaptive_begin(o, a->in, a->out);
		return (span){first, 1, eg_adaptive_end(o, a->in, a->out) - first};
	}
	const int start = o * a->stride - a->begin, skip = start < 0 ? (-start + a->dilation - 1) / a->dilation : 0;
	const int first = start + skip * a->dilation,
	          inside = first < a->in ? (a->in - 1 - first) / a->dilation + 1 : 0;
	return (span){first, a->dilation, inside < a->kernel - skip ? inside : a->kernel - skip};
}

static int32_t place_in(const eg_window_axis axis[3], span d, span h, span w, const real *x) {
	int32_t place = -1;
	real best = 0;
	for (int i = 0; i < d.n; i++)
		for (int j = 0; j < h.n; j++)
			for (int k = 0; k < w.n; k++) {
				const int32_t at = ((d.first + i * d.step) * axis[1].in + h.first + j * h.step) *
				                           axis[2].in +
				                   w.first + k * w.step;
				if (place >= 0 && !(x[at] > best || (isnan(x[at]) && !isnan(best)))) continue;
				best = x[at];
				place = at;
			}
	assert(place >= 0);
	return place;
}

static void pool_places__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_pool_places_args *a = args;
	const eg_window_axis axis[3] = {a->d, a->h, a->w};
	const ptrdiff_t nx = (ptrdiff_t)axis[0].in * axis[1].in * axis[2].in;
	EG_UNUSED(worker);
	assert(a->x.p && a->y.p && a->N >= 1 && a->C >= 1 && 0 <= begin && begin <= end && end <= eg_blocks(a->N));
	for (int b = begin; b < end; b++) {
		const real *x = eg_at(a->x, b);
		int32_t *y = (int32_t *)a->y.p + b * a->y.stride;
		for (int c = eg_block_size(a->N, b) * a->C; c > 0; c--, x += nx)
			for (int i = 0; i < axis[0].out; i++)
				for (int j = 0; j < axis[1].out; j++)
					for (int k = 0; k < axis[2].out; k++)
						*y++ = place_in(axis, span_of(&axis[0], i), span_of(&axis[1], j),
						        span_of(&axis[2], k), x);
	}
}

static void pick__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_places_args *a = args;
	EG_UNUSED(worker);
	assert(places_ok(a, begin, end));
	for (int b = begin; b < end; b++) {
		const real *x = eg_at(a->x, b);
		const int32_t *at = (const int32_t *)a->at.p + b * a->at.stride;
		real *y = eg_at(a->y, b);
		for (int c = eg_block_size(a->N, b) * a->C; c > 0; c--, x += a->nx, at += a->ny, y += a->ny)
			for (int64_t i = 0; i < a->ny; i++) {
				const real v = at[i] >= 0 && at[i] < a->nx ? x[at[i]] : 0;
				y[i] = a->acc ? y[i] + v : v;
			}
	}
}

static void put__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_places_args *a = args;
	EG_UNUSED(worker);
	assert(places_ok(a, begin, end) && (a->sum || !a->acc));
	for (int b = begin; b < end; b++) {
		const real *x = eg_at(a->x, b);
		const int32_t *at = (const int32_t *)a->at.p + b * a->at.stride;
		real *y = eg_at(a->y, b);
		for (int c = eg_block_size(a->N, b) * a->C; c > 0; c--, x += a->nx, at += a->nx, y += a->ny) {
			if (!a->acc) memset(y, 0, (size_t)a->ny * sizeof *y);
			for (int64_t i = 0; i < a->nx; i++)
				if (at[i] >= 0 && at[i] < a->ny) y[at[i]] = a->sum ? y[at[i]] + x[i] : x[i];
		}
	}
}

void fill_places__ref(eg_kernels *k) {
	EG_FILL(k, pool_places, pool_places__ref);
	EG_FILL(k, pick, pick__ref);
	EG_FILL(k, put, put__ref);
}

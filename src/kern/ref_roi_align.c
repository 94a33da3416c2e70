/* ref_roi_align.c - regions of interest brought to one size, in plain C. Every table has these. */
#include "kern/ref.h"

/* One region in the positions of x: parts of `high` x `wide`, with gh x gw points each. */
typedef struct region {
	real top, left, high, wide;
	int gh, gw;
} region;

static region region_of(const eg_roi_shape *s, const real *roi) {
	const real shift = s->half_pixel ? (real)0.5 : 0;
	region g = {.left = roi[0] * s->scale - shift, .top = roi[1] * s->scale - shift};
	real wide = roi[2] * s->scale - shift - g.left, high = roi[3] * s->scale - shift - g.top;
	if (!s->half_pixel && !(wide > 1)) wide = 1;
	if (!s->half_pixel && !(high > 1)) high = 1;
	g.high = high / (real)s->P;
	g.wide = wide / (real)s->Q;
	g.gh = s->sampling > 0 ? s->sampling : (int)ceil(fmin(fmax((double)g.high, 0), 2.0 * s->H + 2));
	g.gw = s->sampling > 0 ? s->sampling : (int)ceil(fmin(fmax((double)g.wide, 0), 2.0 * s->W + 2));
	return g;
}

/* Along one axis: the two neighbours of a point and their weights, both 0 where it is outside. */
typedef struct pair {
	int at[2];
	real w[2];
} pair;

static pair pair_of(real v, int in) {
	if (!(v >= -1 && v <= (real)in)) return (pair){{0, 0}, {0, 0}};
	if (v < 0) v = 0;
	const int low = (int)v < in - 1 ? (int)v : in - 1;
	if (low == in - 1) return (pair){{low, low}, {1, 0}};
	return (pair){{low, low + 1}, {1 - (v - (real)low), v - (real)low}};
}

static pair rows_of(const eg_roi_shape *s, const region *g, int p, int i) {
	return pair_of(g->top + (real)p * g->high + ((real)i + (real)0.5) * g->high / (real)g->gh, s->H);
}
static pair columns_of(const eg_roi_shape *s, const region *g, int q, int j) {
	return pair_of(g->left + (real)q * g->wide + ((real)j + (real)0.5) * g->wide / (real)g->gw, s->W);
}

static int points_of(const region *g) { return g->gh * g->gw > 0 ? g->gh * g->gw : 1; }

/* The largest weighted neighbour of part (p, q), where it stands and its weight. */
typedef struct winner {
	real value, w;
	int at;
} winner;

static winner largest(const eg_roi_shape *s, const region *g, int p, int q, const real *x) {
	winner best = {0, 0, 0};
	bool any = false;
	for (int i = 0; i < g->gh && x; i++)
		for (int j = 0; j < g->gw; j++) {
			const pair h = rows_of(s, g, p, i), w = columns_of(s, g, q, j);
			for (int k = 0; k < 4; k++) {
				const int at = h.at[k >> 1] * s->W + w.at[k & 1];
				const real weight = h.w[k >> 1] * w.w[k & 1], v = weight * x[at];
				if (any && !(v > best.value)) continue;
				best = (winner){v, weight, at};
				any = true;
			}
		}
	return best;
}

static real average(const eg_roi_shape *s, const region *g, int p, int q, const real *x) {
	real sum = 0;
	for (int i = 0; i < g->gh; i++) {
		const pair h = rows_of(s, g, p, i);
		for (int j = 0; j < g->gw; j++) {
			const pair w = columns_of(s, g, q, j);
			for (int k = 0; k < 4; k++)
				sum += h.w[k >> 1] * w.w[k & 1] * x[h.at[k >> 1] * s->W + w.at[k & 1]];
		}
	}
	return sum / (real)points_of(g);
}

static void spread(const eg_roi_shape *s, const region *g, int p, int q, real dy, real *dx) {
	dy /= (real)points_of(g);
	for (int i = 0; i < g->gh; i++) {
		const pair h = rows_of(s, g, p, i);
		for (int j = 0; j < g->gw; j++) {
			const pair w = columns_of(s, g, q, j);
			for (int k = 0; k < 4; k++)
				dx[h.at[k >> 1] * s->W + w.at[k & 1]] += h.w[k >> 1] * w.w[k & 1] * dy;
		}
	}
}

static void roi_align_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_roi_align_args *a = args;
	const eg_roi_shape *s = &a->s;
	const ptrdiff_t plane = (ptrdiff_t)s->H * s->W, part = (ptrdiff_t)s->P * s->Q;
	EG_UNUSED(worker);
	assert(roi_ok(s, s->R, begin, end) && a->x.p && a->rois.p && a->batch.p && a->y.p);
	for (int r = begin; r < end; r++) {
		const int n = ((const int32_t *)a->batch.p)[r];
		const region g = region_of(s, (const real *)a->rois.p + (ptrdiff_t)r * 4);
		real *y = (real *)a->y.p + r * s->C * part;
		if (n < 0 || n >= s->N) {
			memset(y, 0, (size_t)(s->C * part) * sizeof *y);
			continue;
		}
		for (int c = 0; c < s->C; c++) {
			const real *x = (const real *)a->x.p + ((ptrdiff_t)n * s->C + c) * plane;
			for (int p = 0; p < s->P; p++)
				for (int q = 0; q < s->Q; q++)
					*y++ = s->max ? largest(s, &g, p, q, x).value : average(s, &g, p, q, x);
		}
	}
}

static void roi_align_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_roi_align_bwd_args *a = args;
	const eg_roi_shape *s = &a->s;
	const ptrdiff_t plane = (ptrdiff_t)s->H * s->W, part = (ptrdiff_t)s->P * s->Q;
	EG_UNUSED(worker);
	assert(roi_ok(s, s->N * s->C, begin, end) && a->rois.p && a->batch.p && a->dy.p && a->dx.p &&
	        (a->x.p || !s->max));
	for (int u = begin; u < end; u++) {
		real *dx = (real *)a->dx.p + u * plane;
		const real *x = a->x.p ? (const real *)a->x.p + u * plane : NULL;
		if (!a->acc) memset(dx, 0, (size_t)plane * sizeof *dx);
		for (int r = 0; r < s->R; r++) {
			if (((const int32_t *)a->batch.p)[r] != u / s->C) continue;
			const region g = region_of(s, (const real *)a->rois.p + (ptrdiff_t)r * 4);
			const real *dy = (const real *)a->dy.p + ((ptrdiff_t)r * s->C + u % s->C) * part;
			for (int p = 0; p < s->P; p++)
				for (int q = 0; q < s->Q; q++, dy++) {
					if (!s->max) {
						spread(s, &g, p, q, *dy, dx);
						continue;
					}
					const winner best = largest(s, &g, p, q, x);
					dx[best.at] += best.w * *dy;
				}
		}
	}
}

void fill_roi_align__ref(eg_kernels *k) {
	EG_FILL(k, roi_align_fwd, roi_align_fwd__ref);
	EG_FILL(k, roi_align_bwd, roi_align_bwd__ref);
}

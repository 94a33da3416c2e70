/* ref_resample.c - resampling along an axis in plain C, and the weights by which all tables do it. */
#include "kern/ref.h"

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* Where position o of y lies in x. */
static double place_of(const eg_resample_axis *a, int o) {
	switch (a->coordinate) {
	case EG_COORDINATE_HALF_PIXEL: return (o + 0.5) / a->scale - 0.5;
	case EG_COORDINATE_HALF_PIXEL_SYMMETRIC: {
		const double adjustment = a->out / (a->scale * a->in);
		return a->in / 2.0 * (1 - adjustment) + (o + 0.5) / a->scale - 0.5;
	}
	case EG_COORDINATE_PYTORCH_HALF_PIXEL: return a->out > 1 ? (o + 0.5) / a->scale - 0.5 : 0;
	case EG_COORDINATE_ALIGN_CORNERS: return a->out > 1 ? o * (double)(a->in - 1) / (a->scale * a->in - 1) : 0;
	case EG_COORDINATE_ASYMMETRIC: return o / a->scale;
	case EG_COORDINATE_TF_HALF_PIXEL_FOR_NN: return (o + 0.5) / a->scale;
	case EG_COORDINATE_TF_CROP_AND_RESIZE: {
		const double last = a->in - 1;
		return a->out > 1 ? a->start * last + o * (a->end - a->start) * last / (a->out - 1) : 0.5 * (a->start + a->end) * last;
	}
	}
	return 0;
}

/* Places are whole or half more often than a quotient in double says, the scale being a float: 3 / 0.6f. */
static double rounded(const eg_resample_axis *a, float place) {
	switch (a->rounding) {
	case EG_ROUNDING_PREFER_FLOOR: return ceil(place - 0.5);
	case EG_ROUNDING_PREFER_CEIL: return floor(place + 0.5);
	case EG_ROUNDING_FLOOR: return floor(place);
	case EG_ROUNDING_CEIL: return ceil(place);
	}
	return place;
}

/* How much the kernel is stretched: 1, or less where y is smaller. */
static double stretch(const eg_resample_axis *a) { return a->antialias && a->scale < 1 ? a->scale : 1; }

/* The first weight stands so many positions from the one below the place; they are 2 - 2 * it. */
static int reach(const eg_resample_axis *a) {
	return (int)floor((a->method == EG_RESAMPLE_CUBIC ? -2 : -1) / stretch(a)) + 1;
}

static double kernel_at(const eg_resample_axis *a, double d) {
	d = fabs(d);
	if (a->method == EG_RESAMPLE_LINEAR) return d < 1 ? 1 - d : 0;
	if (d < 1) return ((a->cubic_a + 2) * d - (a->cubic_a + 3)) * d * d + 1;
	return d < 2 ? ((a->cubic_a * d - 5 * a->cubic_a) * d + 8 * a->cubic_a) * d - 4 * a->cubic_a : 0;
}

static int within(double v, int in) { return v < 0 ? 0 : v > in - 1 ? in - 1 : (int)v; }

/* Most weights of a row. */
static int most_weights(const eg_resample_axis *a) {
	switch (a->method) {
	case EG_RESAMPLE_NEAREST: return 1;
	case EG_RESAMPLE_ADAPTIVE: return a->in / a->out + 2;
	case EG_RESAMPLE_LINEAR:
	case EG_RESAMPLE_CUBIC: return 2 - 2 * reach(a);
	}
	return 0;
}

/* Row o of T by a kernel around its place: those of its weights that are not outside are w[0..count). */
static void weigh(const eg_resample_axis *a, int o, eg_resample_row *row, real *w) {
	const double place = place_of(a, o), below = floor(place), s = stretch(a);
	const int from = reach(a), n = most_weights(a);
	double sum = 0;
	row->first = within(below + from, a->in);
	row->count = within(below + from + n - 1, a->in) - row->first + 1;
	for (int k = 0; k < row->count; k++) w[k] = 0;
	for (int k = 0; k < n; k++) {
		const double at = below + from + k, v = kernel_at(a, (at - place) * s);
		if (a->exclude_outside && (at < 0 || at > a->in - 1)) continue;
		w[within(at, a->in) - row->first] += (real)v;
		sum += v;
	}
	for (int k = 0; k < row->count && (a->antialias || a->exclude_outside) && sum != 0; k++)
		w[k] = (real)((double)w[k] / sum);
}

/* Is it beyond x, and so no mean of it? Then nothing is read: in front of all positions, or behind them. */
static bool beyond(const eg_resample_axis *a, int o, eg_resample_row *row) {
	const float place = (float)place_of(a, o);
	row->plus = 0;
	if (a->coordinate != EG_COORDINATE_TF_CROP_AND_RESIZE || (place >= 0 && place <= (float)(a->in - 1))) return false;
	row->first = place < 0 ? 0 : a->in;
	row->count = 0;
	row->plus = (real)a->outside;
	return true;
}

static void forward_rows(const eg_resample_axis *a, eg_resample_row *row, real *w) {
	for (int o = 0; o < a->out; o++, row++, w += most_weights(a)) {
		row->w = w;
		if (beyond(a, o, row)) continue;
		if (a->method == EG_RESAMPLE_NEAREST) {
			row->first = within(rounded(a, (float)place_of(a, o)), a->in);
			row->count = 1;
			w[0] = 1;
		} else if (a->method == EG_RESAMPLE_ADAPTIVE) {
			row->first = eg_adaptive_begin(o, a->in, a->out);
			row->count = eg_adaptive_end(o, a->in, a->out) - row->first;
			for (int k = 0; k < row->count; k++) w[k] = 1 / (real)row->count;
		} else {
			weigh(a, o, row, w);
		}
	}
}

/* Places do not fall from row to row, so those that reach a position stand one behind the other. */
static void transposed_rows(const eg_resample_axis *a, const eg_resample_row *fwd, eg_resample_row *row, real *w) {
	for (int i = 0, from = 0; i < a->in; i++, row++) {
		while (from < a->out && fwd[from].first + fwd[from].count <= i) from++;
		row->first = from;
		row->count = 0;
		row->plus = 0;
		row->w = w;
		for (int o = from; o < a->out && fwd[o].first <= i; o++) {
			assert(i < fwd[o].first + fwd[o].count);
			*w++ = fwd[o].w[i - fwd[o].first];
			row->count++;
		}
	}
}

static size_t rows_size(int n, int64_t weights) {
	return (size_t)n * sizeof(eg_resample_row) + (size_t)weights * sizeof(real);
}

size_t eg_resample_scratch(const eg_resample_axis *a, bool back) {
	const int64_t weights = (int64_t)a->out * most_weights(a);
	const size_t one = (rows_size(a->out, weights) + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
	return back ? one + rows_size(a->in, weights) : one;
}

const eg_resample_row *eg_resample_rows(const eg_resample_axis *a, bool back, void *scratch) {
	eg_resample_row *row = scratch;
	forward_rows(a, row, (real *)(void *)(row + a->out));
	if (!back) return row;
	eg_resample_row *second = (eg_resample_row *)(void *)((char *)scratch + eg_resample_scratch(a, false));
	transposed_rows(a, row, second, (real *)(void *)(second + a->in));
	return second;
}

/* ---- the kernel -------------------------------------------------------------------------------------------------- */

static void resample__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_resample_args *a = args;
	const int n = a->back ? a->axis.out : a->axis.in, m = a->back ? a->axis.in : a->axis.out;
	const ptrdiff_t inner = (ptrdiff_t)a->inner * (a->lanes ? EG_BLOCK : 1);
	assert(resample_ok(a, begin, end) && worker->scratch);
	const eg_resample_row *rows = eg_resample_rows(&a->axis, a->back, worker->scratch);
	for (int b = begin; b < end; b++) {
		const real *x = eg_at(a->from, b);
		real *y = eg_at(a->to, b);
		for (int r = a->rows * (a->lanes ? 1 : eg_block_size(a->N, b)); r > 0; r--, x += n * inner)
			for (int o = 0; o < m; o++, y += inner)
				for (ptrdiff_t i = 0; i < inner; i++) {
					real sum = rows[o].plus;
					for (int k = 0; k < rows[o].count; k++)
						sum += rows[o].w[k] * x[(rows[o].first + k) * inner + i];
					y[i] = a->acc ? y[i] + sum : sum;
				}
	}
}

void fill_resample__ref(eg_kernels *k) { EG_FILL(k, resample, resample__ref); }

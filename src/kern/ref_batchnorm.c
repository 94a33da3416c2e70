/* ref_batchnorm.c - batch normalisation and padding in plain C, in all layouts. The kernels that turn sums into
 * coefficients are the same for all tables. */
#include "kern/ref.h"

/* Where elements of a block of (n, C, inner) lie: element (sample, channel, i) at sample*ss + channel/cs*cg +
 * channel%cs*cl + i*si. */
typedef struct form {
	ptrdiff_t ss, cg, cl, si;
	int cs;
	int samples, channels; /* that the buffer has room for, empty lanes included */
} form;

static form form_of(eg_layout layout, int n, int C, int inner) {
	ptrdiff_t I = inner;
	if (layout == EG_LANES) return (form){1, I * EG_BLOCK, 0, EG_BLOCK, 1, EG_BLOCK, C};
	if (layout == EG_BLOCKED) return (form){eg_channels(C) * I, I * EG_BLOCK, 1, EG_BLOCK, EG_BLOCK, n, eg_channels(C)};
	return (form){C * I, I, 0, 1, 1, n, C};
}
static ptrdiff_t at(const form *f, int sample, int channel) {
	return sample * f->ss + channel / f->cs * f->cg + channel % f->cs * f->cl;
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

static void batchnorm_part__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_part_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(bn_ok(s, begin, end) && a->x.p && a->part.p);
	for (int b = begin; b < end; b++) {
		int n = eg_block_size(s->N, b), rows = eg_channels(s->C);
		form f = form_of(s->layout, n, s->C, s->inner);
		const real *x = eg_at(a->x, b);
		real *part = eg_at(a->part, b);
		memset(part, 0, 2 * (size_t)rows * sizeof *part);
		for (int c = 0; c < s->C; c++) {
			double sum = 0, squares = 0;
			for (int k = 0; k < n; k++)
				for (int i = 0; i < s->inner; i++) sum += (double)x[at(&f, k, c) + i * f.si];
			real mean = (real)(sum / ((double)n * s->inner));
			for (int k = 0; k < n; k++)
				for (int i = 0; i < s->inner; i++) {
					double d = (double)x[at(&f, k, c) + i * f.si] - (double)mean;
					squares += d * d;
				}
			part[c] = mean;
			part[rows + c] = (real)squares;
		}
	}
}

/* Normalising by mean and var: the rows of coef for channel c. */
static void put_coef(real *coef, int rows, int c, double mean, double var, double eps, real weight, real bias) {
	double rstd = 1 / sqrt(var + eps), scale = (double)weight * rstd;
	coef[c] = (real)mean;
	coef[rows + c] = (real)rstd;
	coef[2 * rows + c] = (real)scale;
	coef[3 * rows + c] = (real)((double)bias - mean * scale);
}

static void batchnorm_stats__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_stats_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(bn_ok(s, 0, 0) && begin == 0 && end <= 1 && a->part.p && a->weight.p && a->bias.p && a->coef.p);
	assert(!a->running_mean.p == !a->running_var.p);
	if (begin == end) return;
	const real *weight = a->weight.p, *bias = a->bias.p;
	real *coef = a->coef.p, *mean = a->running_mean.p, *var = a->running_var.p;
	int rows = eg_channels(s->C), blocks = eg_blocks(s->N);
	double count = (double)s->N * s->inner, m = (double)a->momentum;
	memset(coef, 0, 4 * (size_t)rows * sizeof *coef);
	for (int c = 0; c < s->C; c++) {
		double sum = 0, squares = 0;
		for (int b = 0; b < blocks; b++) sum += (double)eg_at(a->part, b)[c] * eg_block_size(s->N, b);
		double batch = sum / s->N;
		for (int b = 0; b < blocks; b++) {
			const real *part = eg_at(a->part, b);
			double d = (double)part[c] - batch;
			squares += (double)part[rows + c] + d * d * eg_block_size(s->N, b) * s->inner;
		}
		put_coef(coef, rows, c, batch, squares / count, (double)a->eps, weight[c], bias[c]);
		if (!mean) continue;
		mean[c] = (real)((1 - m) * (double)mean[c] + m * batch);
		var[c] = (real)((1 - m) * (double)var[c] + m * squares / (count > 1 ? count - 1 : 1));
	}
}

static void batchnorm_fixed__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_fixed_args *a = args;
	EG_UNUSED(worker);
	assert(a->C >= 1 && begin == 0 && end <= 1 && a->coef.p && !a->mean.p == !a->var.p);
	if (begin == end) return;
	const real *weight = a->weight.p, *bias = a->bias.p, *mean = a->mean.p, *var = a->var.p;
	int rows = eg_channels(a->C);
	real *coef = a->coef.p;
	memset(coef, 0, 4 * (size_t)rows * sizeof *coef);
	for (int c = 0; c < a->C; c++)
		put_coef(coef, rows, c, mean ? (double)mean[c] : 0, var ? (double)var[c] : 1, (double)a->eps, weight ? weight[c] : 1, bias ? bias[c] : 0);
}

/* Lanes without a sample or a channel get finite values: what lies there in x is finite, coef beyond C is zero. */
static void batchnorm_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_fwd_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(bn_ok(s, begin, end) && a->x.p && a->coef.p && a->y.p);
	const real *scale = (const real *)a->coef.p + 2 * eg_channels(s->C), *shift = scale + eg_channels(s->C);
	for (int b = begin; b < end; b++) {
		form f = form_of(s->layout, eg_block_size(s->N, b), s->C, s->inner);
		const real *x = eg_at(a->x, b);
		real *y = eg_at(a->y, b);
		for (int k = 0; k < f.samples; k++)
			for (int c = 0; c < f.channels; c++)
				for (int i = 0; i < s->inner; i++) {
					ptrdiff_t e = at(&f, k, c) + i * f.si;
					y[e] = act_value(a->act, x[e] * scale[c] + shift[c]);
				}
	}
}

static void batchnorm_fold__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_fold_args *a = args;
	EG_UNUSED(worker);
	assert(a->C >= 1 && a->n >= 1 && begin == 0 && end <= 1 && a->w.p && a->coef.p && a->w_out.p && a->b_out.p);
	if (begin == end) return;
	const real *w = a->w.p, *b = a->b.p, *scale = (const real *)a->coef.p + 2 * eg_channels(a->C), *shift = scale + eg_channels(a->C);
	real *w_out = a->w_out.p, *b_out = a->b_out.p;
	for (int c = 0; c < a->C; c++) {
		for (int64_t i = c * a->n; i < (c + 1) * a->n; i++) w_out[i] = scale[c] * w[i];
		b_out[c] = (b ? scale[c] * b[c] : 0) + shift[c];
	}
}

/* ---- backward --------------------------------------------------------------------------------------------------- */

static void batchnorm_bwd_part__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_bwd_part_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(bn_ok(s, begin, end) && a->x.p && a->coef.p && a->dy.p && a->part.p);
	int rows = eg_channels(s->C);
	const real *mean = a->coef.p, *scale = mean + 2 * rows, *shift = scale + rows;
	for (int b = begin; b < end; b++) {
		int n = eg_block_size(s->N, b);
		form f = form_of(s->layout, n, s->C, s->inner);
		const real *x = eg_at(a->x, b), *dy = eg_at(a->dy, b);
		real *part = eg_at(a->part, b);
		memset(part, 0, 2 * (size_t)rows * sizeof *part);
		for (int c = 0; c < s->C; c++) {
			double sum = 0, product = 0;
			for (int k = 0; k < n; k++)
				for (int i = 0; i < s->inner; i++) {
					ptrdiff_t e = at(&f, k, c) + i * f.si;
					if (a->relu && !(x[e] * scale[c] + shift[c] > 0)) continue;
					sum += (double)dy[e];
					product += (double)dy[e] * ((double)x[e] - (double)mean[c]);
				}
			part[c] = (real)sum;
			part[rows + c] = (real)product;
		}
	}
}

static void batchnorm_bwd_stats__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_bwd_stats_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(bn_ok(s, 0, 0) && begin == 0 && end <= 1 && (a->part.p || a->fixed) && a->coef.p && a->slope.p);
	if (begin == end) return;
	int rows = eg_channels(s->C), blocks = a->part.p ? eg_blocks(s->N) : 0;
	const real *rstd = (const real *)a->coef.p + rows, *scale = rstd + rows;
	real *slope = a->slope.p, *dw = a->dw.p, *db = a->db.p;
	double count = (double)s->N * s->inner;
	memset(slope, 0, 3 * (size_t)rows * sizeof *slope);
	for (int c = 0; c < s->C; c++) {
		double sum = 0, product = 0, r = (double)rstd[c];
		for (int b = 0; b < blocks; b++) {
			sum += (double)eg_at(a->part, b)[c];
			product += (double)eg_at(a->part, b)[rows + c];
		}
		slope[c] = scale[c];
		if (!a->fixed) slope[rows + c] = (real)(-(double)scale[c] * r * r * product / count);
		if (!a->fixed) slope[2 * rows + c] = (real)(-(double)scale[c] * sum / count);
		if (dw) dw[c] = (a->acc_w ? dw[c] : 0) + (real)(r * product);
		if (db) db[c] = (a->acc_b ? db[c] : 0) + (real)sum;
	}
}

/* Lanes without a sample or a channel get a gradient of zero. */
static void batchnorm_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_bwd_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(bn_ok(s, begin, end) && a->x.p && a->coef.p && a->slope.p && a->dy.p && a->dx.p);
	int rows = eg_channels(s->C);
	const real *mean = a->coef.p, *scale = mean + 2 * rows, *shift = scale + rows, *p = a->slope.p, *q = p + rows,
		   *r = q + rows;
	for (int b = begin; b < end; b++) {
		int n = eg_block_size(s->N, b);
		form f = form_of(s->layout, n, s->C, s->inner);
		const real *x = eg_at(a->x, b), *dy = eg_at(a->dy, b);
		real *dx = eg_at(a->dx, b);
		for (int k = 0; k < f.samples; k++)
			for (int c = 0; c < f.channels; c++)
				for (int i = 0; i < s->inner; i++) {
					ptrdiff_t e = at(&f, k, c) + i * f.si;
					real g = a->relu && !(x[e] * scale[c] + shift[c] > 0) ? 0 : dy[e], d = 0;
					if (k < n && c < s->C) d = p[c] * g + (q[c] * (x[e] - mean[c]) + r[c]);
					dx[e] = a->acc ? dx[e] + d : d;
				}
	}
}

/* ---- padding ---------------------------------------------------------------------------------------------------- */

/* The forms of a block of x and of y, of whole pictures. */
static form pad_inner(const eg_pad_args *a, int n) { return form_of(a->layout, n, a->C, a->H * a->W); }
static form pad_outer(const eg_pad_args *a, int n) {
	return form_of(a->layout, n, a->C + a->c0 + a->c1, (a->H + a->h0 + a->h1) * (a->W + a->w0 + a->w1));
}

/* Rows of W positions, `step` elements apart in x and y, of every sample and channel: all samples of the LANES layout
 * are moved at once. */
static void pad_rows(const eg_pad_args *a, int n, const real *from, real *to, bool back) {
	form x = pad_inner(a, n), y = pad_outer(a, n);
	int wide = a->W + a->w0 + a->w1, samples = a->layout == EG_LANES ? 1 : n, run = a->layout == EG_LANES ? EG_BLOCK : 1;
	bool whole = a->layout != EG_BLOCKED; /* the elements of a row lie side by side */
	for (int k = 0; k < samples; k++)
		for (int c = 0; c < a->C; c++)
			for (int h = 0; h < a->H; h++) {
				ptrdiff_t inside = at(&x, k, c) + (ptrdiff_t)h * a->W * x.si,
					  outside = at(&y, k, c + a->c0) + ((ptrdiff_t)(h + a->h0) * wide + a->w0) * y.si;
				const real *s = from + (back ? outside : inside);
				real *d = to + (back ? inside : outside);
				int count = whole ? a->W * run : a->W;
				ptrdiff_t step = whole ? 1 : x.si;
				if (a->acc)
					for (int i = 0; i < count; i++) d[i * step] += s[i * step];
				else if (whole)
					memcpy(d, s, (size_t)count * sizeof *d);
				else
					for (int i = 0; i < count; i++) d[i * step] = s[i * step];
			}
}

static void pad_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_pad_args *a = args;
	EG_UNUSED(worker);
	assert(pad_ok(a, begin, end) && !a->acc);
	for (int b = begin; b < end; b++) {
		int n = eg_block_size(a->N, b);
		form y = pad_outer(a, n);
		size_t plane = (size_t)(a->H + a->h0 + a->h1) * (size_t)(a->W + a->w0 + a->w1);
		memset(eg_at(a->to, b), 0, (size_t)y.samples * (size_t)y.channels * plane * sizeof(real));
		pad_rows(a, n, eg_at(a->from, b), eg_at(a->to, b), false);
	}
}

static void pad_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_pad_args *a = args;
	EG_UNUSED(worker);
	assert(pad_ok(a, begin, end));
	for (int b = begin; b < end; b++) {
		int n = eg_block_size(a->N, b);
		form x = pad_inner(a, n);
		size_t size = (size_t)x.samples * (size_t)x.channels * (size_t)a->H * (size_t)a->W;
		if (!a->acc && a->layout == EG_BLOCKED) memset(eg_at(a->to, b), 0, size * sizeof(real));
		pad_rows(a, n, eg_at(a->from, b), eg_at(a->to, b), true);
	}
}

void fill_batchnorm__ref(eg_kernels *k) {
	EG_FILL(k, batchnorm_part, batchnorm_part__ref);
	EG_FILL(k, batchnorm_stats, batchnorm_stats__ref);
	EG_FILL(k, batchnorm_fixed, batchnorm_fixed__ref);
	EG_FILL(k, batchnorm_fwd, batchnorm_fwd__ref);
	EG_FILL(k, batchnorm_fold, batchnorm_fold__ref);
	EG_FILL(k, batchnorm_bwd_part, batchnorm_bwd_part__ref);
	EG_FILL(k, batchnorm_bwd_stats, batchnorm_bwd_stats__ref);
	EG_FILL(k, batchnorm_bwd, batchnorm_bwd__ref);
	EG_FILL(k, pad_fwd, pad_fwd__ref);
	EG_FILL(k, pad_bwd, pad_bwd__ref);
}

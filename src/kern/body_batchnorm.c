/* body_batchnorm.c - batch normalisation (kern_batchnorm.h) over simd.h: sums by channel, and the passes that use them.
 *
 * All layouts are walks over strips of vectors. Where positions lie side by side (PLAIN, LANES) a strip belongs to one
 * channel, whose coefficients are spread over the vector; where channels lie side by side (BLOCKED, and PLAIN with one
 * position a channel) a vector is V channels and so are its coefficients. Sums are kept in float for at most STRIP
 * vectors, then go to double, in an order that depends on the shape alone.
 *
 * Not here: what turns sums into coefficients (ref_batchnorm.c). */
#include "kern/body_act.h"
#include "kern/kern_batchnorm.h"

#include <string.h>

enum { BN_STRIP = 256 }; /* vectors */

/* A block as groups (a channel, or V channels) of `strips` strips of `count` vectors at `pitch`, with `lanes` lanes
 * each; where positions lie side by side a last vector of `tail` lanes may follow. */
typedef struct bn_walk {
	bool across; /* channels lie side by side */
	int groups, strips, count, lanes, tail;
	ptrdiff_t strip_step, pitch;
} bn_walk;

/* `sums`: lanes of the LANES layout without a sample are left out. */
static bn_walk bn_walk_of(const eg_bn_shape *s, int n, bool sums) {
	ptrdiff_t I = s->inner;
	int64_t run = s->layout == EG_LANES ? I * EG_BLOCK : I;
	if (s->layout == EG_BLOCKED)
		return (bn_walk){true, eg_channels(s->C) / V, n, s->inner, V, 0, eg_channels(s->C) * I, EG_BLOCK};
	if (s->layout == EG_PLAIN && s->inner == 1) return (bn_walk){true, (s->C + V - 1) / V, 1, n, V, 0, 0, s->C};
	if (s->layout == EG_LANES && sums && n < EG_BLOCK)
		return (bn_walk){false, s->C, s->inner, n / V, V, n % V, EG_BLOCK, V};
	return (bn_walk){false, s->C, s->layout == EG_LANES ? 1 : n, (int)(run / V), V, (int)(run % V), s->C * I, V};
}

/* First element of group g; its lanes. */
EG_ALWAYS_INLINE ptrdiff_t bn_group(const eg_bn_shape *s, const bn_walk *w, int g) {
	ptrdiff_t I = s->inner;
	if (!w->across) return g * (s->layout == EG_LANES ? I * EG_BLOCK : I);
	if (s->layout == EG_BLOCKED) return (ptrdiff_t)g * V / EG_BLOCK * EG_BLOCK * I + g * V % EG_BLOCK;
	return (ptrdiff_t)g * V;
}
EG_ALWAYS_INLINE int bn_lanes(const eg_bn_shape *s, const bn_walk *w, int g) {
	return w->across && s->layout == EG_PLAIN && s->C - g * V < V ? s->C - g * V : V;
}
/* A row of a table by channel, for group g. */
EG_ALWAYS_INLINE vf bn_coef(const bn_walk *w, const float *row, int g) { return w->across ? vload(row + (ptrdiff_t)g * V) : vset1(row[g]); }

/* ---- sums -------------------------------------------------------------------------------------------------------- */

/* Adds the lanes of x to their sums. */
EG_ALWAYS_INLINE void bn_flush(double sum[V], vf x) {
	float f[V];
	vstore(f, x);
	for (int l = 0; l < V; l++) sum[l] += (double)f[l];
}
/* The sum of group g, or the sums of its channels, into row[]. */
EG_ALWAYS_INLINE void bn_put(const bn_walk *w, int g, const double sum[V], float *row) {
	double all = 0;
	for (int l = 0; l < V; l++) all += sum[l];
	for (int l = 0; l < V && w->across; l++) row[(ptrdiff_t)g * V + l] = (float)sum[l];
	if (!w->across) row[g] = (float)all;
}

/* What is summed: x alone; d = x - mean and d^2; g and g (x - mean). */
typedef enum bn_kind { BN_SUM, BN_SQUARES, BN_GRADIENT, BN_GRADIENT_RELU } bn_kind;
typedef struct bn_sums {
	vf mean, scale, shift;
	double first[V], second[V];
} bn_sums;

EG_ALWAYS_INLINE void bn_term(const bn_sums *b, const float *x, const float *dy, int lanes, bn_kind kind, vf *first, vf *second) {
	vf v = vload_n(x, lanes);
	if (kind == BN_SUM) {
		*first = vadd(*first, v);
		return;
	}
	vf d = vsub(v, b->mean), g;
	if (kind == BN_SQUARES)
		g = d = lanes == V ? d : vsel(vfirst(lanes), d, vzero());
	else
		g = vload_n(dy, lanes);
	if (kind == BN_GRADIENT_RELU) g = vsel(vgt(vfma(v, b->scale, b->shift), vzero()), g, vzero());
	*first = vadd(*first, g);
	*second = vfma(g, d, *second);
}

/* One strip: `count` vectors at `pitch`, and a tail. */
EG_ALWAYS_INLINE void bn_sum_strip(bn_sums *b, const float *x, const float *dy, int count, ptrdiff_t pitch, int lanes, int tail, bn_kind kind) {
	ptrdiff_t at = 0;
	for (int begin = 0; begin < count || begin == 0; begin += BN_STRIP) {
		vf f0 = vzero(), f1 = vzero(), f2 = vzero(), f3 = vzero(), s0 = vzero(), s1 = vzero(), s2 = vzero(), s3 = vzero();
		int i = begin, end = count - begin < BN_STRIP ? count : begin + BN_STRIP;
		for (; i + 4 <= end; i += 4, at += 4 * pitch) {
			bn_term(b, x + at, dy + at, lanes, kind, &f0, &s0);
			bn_term(b, x + at + pitch, dy + at + pitch, lanes, kind, &f1, &s1);
			bn_term(b, x + at + 2 * pitch, dy + at + 2 * pitch, lanes, kind, &f2, &s2);
			bn_term(b, x + at + 3 * pitch, dy + at + 3 * pitch, lanes, kind, &f3, &s3);
		}
		for (; i < end; i++, at += pitch) bn_term(b, x + at, dy + at, lanes, kind, &f0, &s0);
		if (tail && end == count) bn_term(b, x + at, dy + at, tail, kind, &f1, &s1);
		bn_flush(b->first, vadd(vadd(f0, f1), vadd(f2, f3)));
		if (kind != BN_SUM) bn_flush(b->second, vadd(vadd(s0, s1), vadd(s2, s3)));
	}
}

EG_ALWAYS_INLINE void bn_sum_group(bn_sums *b, const bn_walk *w, const float *x, const float *dy, int lanes, bn_kind kind) {
	memset(b->first, 0, sizeof b->first);
	memset(b->second, 0, sizeof b->second);
	for (int k = 0; k < w->strips; k++, x += w->strip_step, dy += w->strip_step) {
		if (lanes == V)
			bn_sum_strip(b, x, dy, w->count, w->pitch, V, w->tail, kind);
		else
			bn_sum_strip(b, x, dy, w->count, w->pitch, lanes, 0, kind);
	}
}

/* Mean, then the sum of squares about it, corrected for the rounding of the mean. */
void EG_NAME(batchnorm_part)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_part_args *a = args;
	const eg_bn_shape *s = &a->s;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int n = eg_block_size(s->N, u), rows = eg_channels(s->C);
		float *part = eg_at(a->part, u);
		bn_walk w = bn_walk_of(s, n, true);
		double count = (double)n * s->inner;
		memset(part, 0, 2 * (size_t)rows * sizeof *part);
		for (int g = 0; g < w.groups; g++) {
			const float *x = (const float *)eg_at(a->x, u) + bn_group(s, &w, g);
			int lanes = bn_lanes(s, &w, g);
			bn_sums b = {0};
			bn_sum_group(&b, &w, x, x, lanes, BN_SUM);
			double all = 0;
			for (int l = 0; l < V; l++) all += b.first[l];
			for (int l = 0; l < V; l++) b.first[l] = (w.across ? b.first[l] : all) / count;
			float mean[V];
			for (int l = 0; l < V; l++) mean[l] = (float)b.first[l];
			b.mean = vload(mean);
			for (int l = 0; l < V && w.across; l++) part[(ptrdiff_t)g * V + l] = mean[l];
			if (!w.across) part[g] = mean[0];
			bn_sum_group(&b, &w, x, x, lanes, BN_SQUARES);
			if (!w.across) { /* lanes are parts of one sum, and only that has a mean */
				double off = 0;
				for (int l = 0; l < V; l++) off += b.first[l];
				b.second[0] -= off * off / count;
			}
			for (int l = 0; l < V && w.across; l++) b.second[l] -= b.first[l] * b.first[l] / count;
			bn_put(&w, g, b.second, part + rows);
		}
		for (int c = s->C; c < rows; c++) part[c] = part[rows + c] = 0;
	}
}

void EG_NAME(batchnorm_bwd_part)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_bwd_part_args *a = args;
	const eg_bn_shape *s = &a->s;
	int rows = eg_channels(s->C);
	const float *coef = a->coef.p;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		float *part = eg_at(a->part, u);
		bn_walk w = bn_walk_of(s, eg_block_size(s->N, u), true);
		memset(part, 0, 2 * (size_t)rows * sizeof *part);
		for (int g = 0; g < w.groups; g++) {
			ptrdiff_t at = bn_group(s, &w, g);
			const float *x = (const float *)eg_at(a->x, u) + at, *dy = (const float *)eg_at(a->dy, u) + at;
			bn_sums b = {.mean = bn_coef(&w, coef, g), .scale = bn_coef(&w, coef + 2 * rows, g), .shift = bn_coef(&w, coef + 3 * rows, g)};
			if (a->relu)
				bn_sum_group(&b, &w, x, dy, bn_lanes(s, &w, g), BN_GRADIENT_RELU);
			else
				bn_sum_group(&b, &w, x, dy, bn_lanes(s, &w, g), BN_GRADIENT);
			bn_put(&w, g, b.first, part);
			bn_put(&w, g, b.second, part + rows);
		}
		for (int c = s->C; c < rows; c++) part[c] = part[rows + c] = 0;
	}
}

/* ---- element by element ------------------------------------------------------------------------------------------ */

EG_ALWAYS_INLINE void bn_fwd_strip(vf scale, vf shift, const float *x, float *y, const bn_walk *w, int lanes, eg_act act) {
	ptrdiff_t at = 0;
	for (int i = 0; i < w->count; i++, at += w->pitch) vstore_n(y + at, lanes, act_after(vfma(vload_n(x + at, lanes), scale, shift), act));
	if (w->tail) vstore_n(y + at, w->tail, act_after(vfma(vload_n(x + at, w->tail), scale, shift), act));
}

/* Samples outside, channels inside, so that memory is walked through in order. */
EG_ALWAYS_INLINE void bn_fwd_block(const eg_bn_fwd_args *a, int u, eg_act act) {
	const eg_bn_shape *s = &a->s;
	bn_walk w = bn_walk_of(s, eg_block_size(s->N, u), false);
	const float *scale = (const float *)a->coef.p + 2 * eg_channels(s->C), *shift = scale + eg_channels(s->C);
	for (int k = 0; k < w.strips; k++)
		for (int g = 0; g < w.groups; g++) {
			ptrdiff_t at = bn_group(s, &w, g) + k * w.strip_step;
			const float *x = (const float *)eg_at(a->x, u) + at;
			float *y = (float *)eg_at(a->y, u) + at;
			int lanes = bn_lanes(s, &w, g);
			if (lanes == V)
				bn_fwd_strip(bn_coef(&w, scale, g), bn_coef(&w, shift, g), x, y, &w, V, act);
			else
				bn_fwd_strip(bn_coef(&w, scale, g), bn_coef(&w, shift, g), x, y, &w, lanes, act);
		}
}

void EG_NAME(batchnorm_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_fwd_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		if (a->act.kind == EG_ACT_NONE)
			bn_fwd_block(a, u, eg_act_of(EG_ACT_NONE));
		else if (a->act.kind == EG_ACT_RELU)
			bn_fwd_block(a, u, eg_act_of(EG_ACT_RELU));
		else
			bn_fwd_block(a, u, a->act);
	}
}

typedef struct bn_slopes {
	vf mean, scale, shift, p, q, r;
} bn_slopes;

EG_ALWAYS_INLINE void bn_bwd_one(const bn_slopes *b, const float *x, const float *dy, float *dx, int lanes, bool relu, bool acc) {
	vf v = vload_n(x, lanes), g = vload_n(dy, lanes);
	if (relu) g = vsel(vgt(vfma(v, b->scale, b->shift), vzero()), g, vzero());
	vf d = vfma(b->p, g, vfma(b->q, vsub(v, b->mean), b->r));
	vstore_n(dx, lanes, acc ? vadd(vload_n(dx, lanes), d) : d);
}

EG_ALWAYS_INLINE void bn_bwd_strip(const bn_slopes *b, const float *x, const float *dy, float *dx, const bn_walk *w, int lanes, bool relu, bool acc) {
	ptrdiff_t at = 0;
	for (int i = 0; i < w->count; i++, at += w->pitch) bn_bwd_one(b, x + at, dy + at, dx + at, lanes, relu, acc);
	if (w->tail) bn_bwd_one(b, x + at, dy + at, dx + at, w->tail, relu, acc);
}

EG_ALWAYS_INLINE void bn_bwd_block(const eg_bn_bwd_args *a, int u, bool relu, bool acc) {
	const eg_bn_shape *s = &a->s;
	int rows = eg_channels(s->C), n = eg_block_size(s->N, u);
	bn_walk w = bn_walk_of(s, n, true);
	const float *coef = a->coef.p, *slope = a->slope.p, *x = eg_at(a->x, u), *dy = eg_at(a->dy, u);
	float *dx = eg_at(a->dx, u);
	for (int k = 0; k < w.strips; k++)
		for (int g = 0; g < w.groups; g++) {
			ptrdiff_t at = bn_group(s, &w, g) + k * w.strip_step;
			int lanes = bn_lanes(s, &w, g);
			const bn_slopes b = {bn_coef(&w, coef, g), bn_coef(&w, coef + 2 * rows, g), bn_coef(&w, coef + 3 * rows, g),
				bn_coef(&w, slope, g), bn_coef(&w, slope + rows, g), bn_coef(&w, slope + 2 * rows, g)};
			if (lanes == V)
				bn_bwd_strip(&b, x + at, dy + at, dx + at, &w, V, relu, acc);
			else
				bn_bwd_strip(&b, x + at, dy + at, dx + at, &w, lanes, relu, acc);
			if (s->layout == EG_LANES && n < EG_BLOCK && !acc) memset(dx + at + n, 0, (size_t)(EG_BLOCK - n) * sizeof *dx);
		}
}

void EG_NAME(batchnorm_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_bn_bwd_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		if (a->relu && a->acc)
			bn_bwd_block(a, u, true, true);
		else if (a->relu)
			bn_bwd_block(a, u, true, false);
		else if (a->acc)
			bn_bwd_block(a, u, false, true);
		else
			bn_bwd_block(a, u, false, false);
	}
}

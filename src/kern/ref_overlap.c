/* ref_overlap.c - overlap of regions in plain C: the sums, the loss of them, and its derivative (kern_losses.h). */
#include "kern/ref.h"

static inline bool overlap_ok(const eg_overlap_shape *s, int begin, int end) {
	return s->samples >= 1 && s->per >= 1 && s->n >= 1 && s->inner >= 1 && s->first >= 0 && s->first < s->n &&
	       0 <= begin && begin <= end && end <= s->samples;
}

/* Of one run of places of class c: labels, or shares where these are not NULL. */
static void add_run(
	const eg_overlap_shape *s, int c, const real *p, const int32_t *label, const real *share, double sum[3]) {
	for (int i = 0; i < s->inner; i++) {
		if (!share && label[i] == s->ignore) continue;
		double y = share ? (double)share[i] : label[i] == c ? 1 : 0, q = (double)p[i];
		if (!share && (label[i] < 0 || label[i] >= s->n)) y = (double)NAN;
		sum[0] += q * y;
		sum[1] += s->squared ? q * q : q;
		sum[2] += s->squared ? y * y : y;
	}
}

static void overlap_sums__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_overlap_sums_args *a = args;
	const eg_overlap_shape *s = &a->s;
	EG_UNUSED(worker), EG_UNUSED(overlap_ok);
	assert(overlap_ok(s, begin, end) && a->prob.p && a->target.p && a->sums.p);
	for (int u = begin; u < end; u++)
		for (int c = 0; c < s->n; c++) {
			double sum[3] = {0, 0, 0};
			for (int64_t o = u * s->per; o < (u + 1) * s->per; o++) {
				const int64_t at = (o * s->n + c) * s->inner;
				add_run(s, c, (const real *)a->prob.p + at, (const int32_t *)a->target.p + o * s->inner,
				        s->shares ? (const real *)a->target.p + at : NULL, sum);
			}
			real *to = (real *)a->sums.p + ((int64_t)u * s->n + c) * 3;
			for (int k = 0; k < 3; k++) to[k] = (real)sum[k];
		}
}

/* 1 - the share that is common, and its derivatives by I and P. */
static double lost(const eg_overlap_shape *s, const double sum[3], double *by_common, double *by_prob) {
	double smooth = (double)s->smooth;
	if (s->jaccard) {
		double common = sum[0] + smooth, all = sum[1] + sum[2] - sum[0] + smooth;
		*by_common = -1 / all - common / (all * all);
		*by_prob = common / (all * all);
		return 1 - common / all;
	}
	double common = 2 * sum[0] + smooth, all = sum[1] + sum[2] + smooth;
	*by_common = -2 / all;
	*by_prob = common / (all * all);
	return 1 - common / all;
}

static void overlap_loss__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_overlap_loss_args *a = args;
	const eg_overlap_shape *s = &a->s;
	const real *sums = a->sums.p;
	real *coef = a->coef.p;
	EG_UNUSED(worker);
	assert(overlap_ok(s, begin, end) && sums && a->loss.p && coef && end <= 1);
	if (begin == end) return;
	const int64_t groups = s->together ? 1 : s->samples, size = s->together ? s->samples : 1;
	const double share = 1 / ((double)groups * (s->n - s->first));
	double loss = 0;
	for (int64_t g = 0; g < groups; g++)
		for (int c = 0; c < s->n; c++) {
			double sum[3] = {0, 0, 0}, by_common = 0, by_prob = 0;
			for (int64_t i = g * size; i < (g + 1) * size; i++)
				for (int k = 0; k < 3; k++) sum[k] += (double)sums[(i * s->n + c) * 3 + k];
			if (c >= s->first) loss += share * lost(s, sum, &by_common, &by_prob);
			for (int64_t i = g * size; i < (g + 1) * size; i++) {
				coef[(i * s->n + c) * 2] = (real)(share * by_common);
				coef[(i * s->n + c) * 2 + 1] = (real)(share * by_prob);
			}
		}
	*(real *)a->loss.p = (real)loss;
}

/* The derivative by prob of class c at a place. */
static real by_prob(const eg_overlap_shape *s, const real *coef, int c, real p, real y) {
	return coef[2 * c] * y + coef[2 * c + 1] * (s->squared ? 2 * p : 1);
}

/* One place: its numbers are `inner` apart. share NULL: its class is t. */
static void place_bwd(const eg_overlap_shape *s, const real *coef, const real *p, int32_t t, const real *share, real g,
	real *dx, bool acc) {
	const ptrdiff_t inner = s->inner;
	const bool ignored = !share && t == s->ignore, bad = !share && !ignored && (t < 0 || t >= s->n);
	real dot = 0;
	for (int c = 0; c < s->n && !share; c++)
		dot += p[c * inner] * by_prob(s, coef, c, p[c * inner], c == t ? 1 : 0);
	for (int c = 0; c < s->n; c++) {
		real q = p[c * inner], d = by_prob(s, coef, c, q, share ? share[c * inner] : c == t ? 1 : 0);
		d = share ? d * q * (1 - q) : q * (d - dot);
		d = ignored ? 0 : bad ? (real)NAN : g * d;
		dx[c * inner] = acc ? dx[c * inner] + d : d;
	}
}

static void overlap_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_overlap_bwd_args *a = args;
	const eg_overlap_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(overlap_ok(s, begin, end) && a->prob.p && a->target.p && a->coef.p && a->dloss.p && a->dx.p);
	for (int u = begin; u < end; u++)
		for (int64_t o = u * s->per; o < (u + 1) * s->per; o++)
			for (int i = 0; i < s->inner; i++) {
				const int64_t at = o * s->n * s->inner + i;
				place_bwd(s, (const real *)a->coef.p + (int64_t)u * s->n * 2,
				        (const real *)a->prob.p + at,
				        s->shares ? 0 : ((const int32_t *)a->target.p)[o * s->inner + i],
				        s->shares ? (const real *)a->target.p + at : NULL, *(const real *)a->dloss.p,
				        (real *)a->dx.p + at, a->acc);
			}
}

void fill_overlap__ref(eg_kernels *k) {
	EG_FILL(k, overlap_sums, overlap_sums__ref);
	EG_FILL(k, overlap_loss, overlap_loss__ref);
	EG_FILL(k, overlap_bwd, overlap_bwd__ref);
}

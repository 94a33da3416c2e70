/* ref_crf.c - the linear-chain conditional random field in plain C: loss, gradients, and the best path (Viterbi).
 *
 * Lafferty, McCallum and Pereira 2001. The forward variables are kept as logarithms. As in ref_ctc.c there is no
 * second recursion in logarithms: p(tag i at t-1 | tag j at t) = softmax over i of alpha[t-1][i] + transitions[i][j]
 * carries the marginal probabilities from the last step to the first. Only what is done for every pair of tags,
 * crf_columns and crf_pairs, exists in vectors too (body_crf.c). */
#include "kern/ref.h"

/* A sample's length: what `lengths` says, or, without it, the tags before the first -1. Negative when the sample is
 * wrong: a length outside of 0..T, a tag outside of 0..K-1. */
static int crf_steps(const eg_crf_shape *s, const int32_t *target, const int32_t *lengths, int n) {
	int steps = 0;
	if (lengths) steps = lengths[n];
	while (!lengths && steps < s->T && target[(ptrdiff_t)steps * s->N + n] != -1) steps++;
	if (steps > s->T) return -1;
	for (int t = 0; t < steps; t++) {
		int32_t tag = target[(ptrdiff_t)t * s->N + n];
		if (tag < 0 || tag >= s->K) return -1;
	}
	return steps;
}

static real largest(const real *v, int n) {
	real m = v[0];
	for (int i = 1; i < n; i++) /* a NaN stays */
		if (v[i] > m || v[i] != v[i]) m = v[i];
	return m;
}

/* What exponents are taken relative to: 0 where everything is -infinity. */
static real base_of(real m) { return m == -(real)INFINITY ? 0 : m; }

static void crf_columns__ref(const eg_crf_row_args *a) {
	ptrdiff_t K = a->K;
	for (ptrdiff_t j = 0; j < K; j++) a->max[j] = a->alpha[0] + a->w[j];
	for (ptrdiff_t i = 1; i < K; i++)
		for (ptrdiff_t j = 0; j < K; j++) {
			real v = a->alpha[i] + a->w[i * K + j];
			a->max[j] = v > a->max[j] ? v : a->max[j]; /* a NaN comes through in the sum */
		}
	for (ptrdiff_t j = 0; j < K; j++) a->max[j] = base_of(a->max[j]), a->sum[j] = 0;
	for (ptrdiff_t i = 0; i < K; i++)
		for (ptrdiff_t j = 0; j < K; j++) a->sum[j] += real_exp(a->alpha[i] + a->w[i * K + j] - a->max[j]);
}

static void crf_pairs__ref(const eg_crf_row_args *a) {
	ptrdiff_t K = a->K;
	for (ptrdiff_t i = 0; i < K; i++) {
		real total = 0;
		for (ptrdiff_t j = 0; j < K; j++) {
			real p = a->now[j] * real_exp(a->alpha[i] + a->w[i * K + j] - a->max[j]);
			a->pairs[i * K + j] += a->scale * p;
			total += p;
		}
		a->before[i] = total;
	}
}

/* ---- the loss ---------------------------------------------------------------------------------------------------- */

static double crf_score(const eg_crf_fwd_args *g, int n, int steps) {
	const eg_crf_shape *s = &g->s;
	const real *w = g->transitions.p;
	const int32_t *target = (const int32_t *)g->target.p + n;
	double score = (double)((const real *)g->start.p)[target[0]];
	for (ptrdiff_t t = 0; t < steps; t++) {
		int32_t tag = target[t * s->N];
		score += (double)((const real *)g->x.p)[(t * s->N + n) * s->K + tag];
		if (t > 0) score += (double)w[(ptrdiff_t)target[(t - 1) * s->N] * s->K + tag];
	}
	return score + (double)((const real *)g->end.p)[target[(ptrdiff_t)(steps - 1) * s->N]];
}

/* log of the sum over all paths; alpha: (T,K) of this sample, or NULL. scratch: 4 K. */
static double crf_total(const eg_crf_fwd_args *g, int n, int steps, real *alpha, const eg_worker *worker) {
	const eg_crf_shape *s = &g->s;
	int K = s->K;
	real *scratch = worker->scratch, *max = scratch + 2 * (ptrdiff_t)K, *sum = max + K;
	const real *start = g->start.p, *final = g->end.p, *prev = NULL;
	double total = 0;
	for (int t = 0; t < steps; t++) {
		const real *x = (const real *)g->x.p + ((ptrdiff_t)t * s->N + n) * K;
		real *next = alpha ? alpha + (ptrdiff_t)t * K : scratch + (ptrdiff_t)(t % 2) * K;
		if (prev)
			worker->kernels->crf_columns(&(eg_crf_row_args){
			        .K = K, .alpha = prev, .w = g->transitions.p, .max = max, .sum = sum});
		for (int j = 0; j < K; j++) next[j] = x[j] + (prev ? max[j] + real_log(sum[j]) : start[j]);
		real m = base_of(largest(next, K));
		for (int j = 0; j < K; j++) next[j] -= m;
		total += (double)m;
		prev = next;
	}
	for (int j = 0; j < K; j++) max[j] = prev[j] + final[j];
	real m = base_of(largest(max, K)), all = 0;
	for (int j = 0; j < K; j++) all += real_exp(max[j] - m);
	return total + (double)m + (double)real_log(all);
}

static void crf_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_crf_fwd_args *g = args;
	const eg_crf_shape *s = &g->s;
	assert(crf_ok(s, 1, begin, end) && g->x.p && g->target.p && g->losses.p);
	assert(g->transitions.p && g->start.p && g->end.p);
	for (int n = begin; n < end; n++) {
		int steps = crf_steps(s, g->target.p, g->lengths.p, n);
		real *alpha = g->alpha.p ? (real *)g->alpha.p + (ptrdiff_t)n * s->T * s->K : NULL;
		real loss = steps < 0 ? (real)NAN : 0;
		if (steps > 0) loss = (real)(crf_total(g, n, steps, alpha, worker) - crf_score(g, n, steps));
		((real *)g->losses.p)[n] = loss;
	}
}

/* ---- its gradients ----------------------------------------------------------------------------------------------- */

/* What one unit of crf_bwd adds up, and a sample's marginal probabilities. */
typedef struct crf_sums {
	real *pairs, *first, *last;
	real *now, *before, *max, *sum;
} crf_sums;

/* v += w p, and the same for the right tag with p = -1. */
static void crf_add(real *v, const real *p, int K, real w, int32_t tag) {
	for (int k = 0; k < K; k++) v[k] += w * p[k];
	v[tag] -= w;
}

/* The probabilities of step t-1 from those of t, and the pairs of the two steps. */
static void crf_back(const eg_kernels *k, const eg_crf_bwd_args *g, const real *alpha, real w, crf_sums *c) {
	eg_crf_row_args a = {.K = g->s.K, .scale = w, .alpha = alpha, .w = g->transitions.p, .now = c->now};
	a.max = c->max, a.sum = c->sum, a.pairs = c->pairs, a.before = c->before;
	k->crf_columns(&a);
	for (int j = 0; j < g->s.K; j++) c->now[j] = c->now[j] == 0 ? 0 : c->now[j] / c->sum[j];
	k->crf_pairs(&a);
}

static void crf_sample(const eg_kernels *table, const eg_crf_bwd_args *g, int n, int steps, real w, crf_sums c) {
	const eg_crf_shape *s = &g->s;
	const int32_t *target = (const int32_t *)g->target.p + n;
	const real *alpha = (const real *)g->alpha.p + (ptrdiff_t)n * s->T * s->K, *final = g->end.p;
	int K = s->K;
	for (ptrdiff_t t = steps - 1; t >= 0; t--) {
		int32_t tag = target[t * s->N];
		if (t == steps - 1) {
			real sum = 0;
			for (int k = 0; k < K; k++) c.max[k] = alpha[t * K + k] + final[k];
			real m = base_of(largest(c.max, K));
			for (int k = 0; k < K; k++) sum += c.now[k] = real_exp(c.max[k] - m);
			for (int k = 0; k < K; k++) c.now[k] /= sum;
			crf_add(c.last, c.now, K, w, tag);
		} else {
			crf_back(table, g, alpha + t * K, w, &c);
			c.pairs[(ptrdiff_t)tag * K + target[(t + 1) * s->N]] -= w;
			real *swap = c.now;
			c.now = c.before;
			c.before = swap;
		}
		if (g->dx.p) crf_add((real *)g->dx.p + (t * s->N + n) * K, c.now, K, w, tag);
	}
	crf_add(c.first, c.now, K, w, target[0]);
}

/* A sample without a loss makes its gradients, and by them those of the weights, NaN. */
static void crf_wrong(const eg_crf_bwd_args *g, int n, crf_sums c) {
	const eg_crf_shape *s = &g->s;
	for (ptrdiff_t t = 0; t < s->T && g->dx.p; t++)
		for (int k = 0; k < s->K; k++) ((real *)g->dx.p)[(t * s->N + n) * s->K + k] = (real)NAN;
	for (ptrdiff_t i = 0; i < (ptrdiff_t)s->K * s->K; i++) c.pairs[i] = (real)NAN;
	for (int k = 0; k < s->K; k++) c.first[k] = c.last[k] = (real)NAN;
}

static void crf_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_crf_bwd_args *g = args;
	const eg_crf_shape *s = &g->s;
	size_t K = (size_t)s->K;
	real *rows = worker->scratch;
	assert(crf_ok(s, g->rows, begin, end) && g->target.p && g->transitions.p && g->end.p && g->alpha.p);
	assert(g->dloss.p && g->d_transitions.p && g->d_start.p && g->d_end.p);
	for (int u = begin; u < end; u++) {
		crf_sums c = {.now = rows, .before = rows + K, .max = rows + 2 * K, .sum = rows + 3 * K};
		c.pairs = memset((real *)g->d_transitions.p + (size_t)u * K * K, 0, K * K * sizeof(real));
		c.first = memset((real *)g->d_start.p + (size_t)u * K, 0, K * sizeof(real));
		c.last = memset((real *)g->d_end.p + (size_t)u * K, 0, K * sizeof(real));
		int last = s->N - u * g->rows < g->rows ? s->N : (u + 1) * g->rows;
		for (int n = u * g->rows; n < last; n++) {
			int steps = crf_steps(s, g->target.p, g->lengths.p, n);
			for (int t = 0; t < s->T && g->dx.p && !g->acc; t++)
				memset((real *)g->dx.p + ((size_t)t * (size_t)s->N + (size_t)n) * K, 0,
				        K * sizeof(real));
			real w = ((const real *)g->dloss.p)[g->each ? n : 0] * g->scale;
			if (steps > 0) crf_sample(worker->kernels, g, n, steps, w, c);
			if (steps < 0) crf_wrong(g, n, c);
		}
	}
}

/* ---- the best path ----------------------------------------------------------------------------------------------- */

/* scratch: two rows of scores, then (T,K) tags that the best path to a tag comes from. */
static void viterbi(const eg_crf_path_args *g, int n, int steps, real *now, real *next, int32_t *from) {
	const real *trans = g->transitions.p, *start = g->start.p, *final = g->end.p;
	ptrdiff_t K = g->s.K, N = g->s.N;
	int32_t *path = (int32_t *)g->path.p + n, best = 0;
	for (ptrdiff_t t = 0; t < steps; t++) {
		const real *x = (const real *)g->x.p + (t * N + n) * K;
		for (ptrdiff_t j = 0; j < K; j++) next[j] = t > 0 ? now[0] + trans[j] : start[j], from[t * K + j] = 0;
		for (ptrdiff_t i = 1; i < K && t > 0; i++)
			for (ptrdiff_t j = 0; j < K; j++) {
				real v = now[i] + trans[i * K + j];
				from[t * K + j] = v > next[j] ? (int32_t)i : from[t * K + j];
				next[j] = v > next[j] ? v : next[j];
			}
		for (ptrdiff_t j = 0; j < K; j++) next[j] += x[j];
		real m = base_of(largest(next, (int)K)), *swap = now;
		for (ptrdiff_t j = 0; j < K; j++) next[j] -= m;
		now = next;
		next = swap;
	}
	for (int32_t k = 1; k < K; k++)
		if (now[k] + final[k] > now[best] + final[best]) best = k;
	for (ptrdiff_t t = steps - 1; t >= 0; t--) {
		path[t * N] = best;
		best = from[t * K + best];
	}
}

static void crf_path__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_crf_path_args *g = args;
	const eg_crf_shape *s = &g->s;
	const int32_t *lengths = g->lengths.p;
	real *rows = worker->scratch;
	assert(crf_ok(s, 1, begin, end) && g->x.p && g->transitions.p && g->start.p && g->end.p && g->path.p);
	for (int n = begin; n < end; n++) {
		int steps = lengths ? lengths[n] : s->T;
		if (steps < 0 || steps > s->T) steps = 0;
		if (steps) viterbi(g, n, steps, rows, rows + s->K, (int32_t *)(rows + 4 * (ptrdiff_t)s->K));
		for (int t = steps; t < s->T; t++) ((int32_t *)g->path.p)[(ptrdiff_t)t * s->N + n] = -1;
	}
}

void fill_crf__ref(eg_kernels *k) {
	EG_FILL(k, crf_fwd, crf_fwd__ref);
	EG_FILL(k, crf_bwd, crf_bwd__ref);
	EG_FILL(k, crf_path, crf_path__ref);
	EG_FILL(k, crf_columns, crf_columns__ref);
	EG_FILL(k, crf_pairs, crf_pairs__ref);
}

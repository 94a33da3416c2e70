/* tpe.c - the tree-structured Parzen estimator: Bergstra, Bardenet, Bengio, Kegl, "Algorithms for hyper-parameter
 * optimization", NIPS 2011, with keys together as in BOHB (Falkner, Klein, Hutter, ICML 2018).
 *
 * The trials so far are cut in two, a few good ones and the rest. Each half is a density: a kernel around each of its
 * points, and a wide one for what nobody has seen. Of some points drawn from the good density the one is proposed at
 * which the good density is largest beside the other.
 *
 * A kernel is a product over keys, so that what is good together is proposed together. Keys with the same conditions
 * form a group, whose densities are made of the trials that have them; groups are drawn one after the other, parents
 * first. */
#include "tune/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 24, FLAT = 25 /* that many of the latest trials count fully */ };

/* A half of the trials, as one group of keys sees it. */
typedef struct density {
	const eg_space *space;
	const int *keys; /* of the group */
	int nkeys;
	double *at;      /* n rows of nkeys: in 0..1, or the number of a choice */
	double *weights; /* of the n kernels and of the wide one; their sum is 1 */
	int n;
	double sigma; /* of the kernels; of the wide one 1 */
} density;

/* Numbers one after the other. */
typedef struct draw {
	eg_rng rng;
	uint64_t index;
} draw;
static double uniform(draw *d) { return eg_rng_uniform(d->rng, d->index++); }

/* ---- which are good ---------------------------------------------------------------------------------------------- */

typedef struct ranked {
	const eg_observed *o;
	int when;     /* its place in time */
	double worse; /* value, smaller is better */
} ranked;

/* By value, also of trials that were stopped: what they had reached by then is the least that they would have given.
 * (Whole ones first, as others have it, would put the first trials, which nothing stopped, before better ones.) Those
 * that failed are the last. */
static int by_rank(const void *a, const void *b) {
	const ranked *x = a, *y = b;
	bool failed = isnan(x->worse), other = isnan(y->worse);
	if (failed != other) return failed ? 1 : -1;
	if (!failed && x->worse != y->worse) return x->worse < y->worse ? -1 : 1;
	return x->when - y->when;
}

static int by_time(const void *a, const void *b) { return ((const ranked *)a)->when - ((const ranked *)b)->when; }

static int good_ones(int n) {
	int k = (n + 9) / 10;
	return k < FLAT ? k : FLAT;
}

/* ---- densities --------------------------------------------------------------------------------------------------- */

static bool has_group(const double *point, const int *keys, int n) {
	for (int i = 0; i < n; i++)
		if (isnan(point[keys[i]])) return false;
	return true;
}

/* The older of many count less. */
static void weigh(density *d) {
	double sum = 0;
	for (int i = 0; i <= d->n; i++) {
		int old = d->n - FLAT;
		d->weights[i] = i < old && old > 1 ? 1.0 / d->n + (1 - 1.0 / d->n) * i / (old - 1) : 1;
		sum += d->weights[i];
	}
	for (int i = 0; i <= d->n; i++) d->weights[i] /= sum;
}

static eg_status make_density(density *d, const ranked *trials, int n, eg_error *err) {
	d->n = 0;
	d->at = eg_calloc(NULL, (size_t)(n * d->nkeys + 1), sizeof *d->at);
	d->weights = eg_calloc(NULL, (size_t)n + 1, sizeof *d->weights);
	if (!d->at || !d->weights) return eg_fail(err, EG_ERR_MEMORY, "out of memory to propose a trial");
	for (int i = 0; i < n; i++) {
		if (!has_group(trials[i].o->point, d->keys, d->nkeys)) continue;
		for (int k = 0; k < d->nkeys; k++) {
			const eg_tuned *u = &d->space->keys[d->keys[k]].tuned;
			double v = trials[i].o->point[d->keys[k]];
			d->at[d->n * d->nkeys + k] = u->kind == EG_TUNED_CHOICE ? v : eg_space_to_unit(u, v);
		}
		d->n++;
	}
	/* Scott's rule, but not so narrow that few points hide what lies between them. */
	double least = 1.0 / (d->n + 2 < 100 ? d->n + 2 : 100);
	d->sigma = 0.2 * pow(d->n > 0 ? d->n : 1, -1.0 / (d->nkeys + 4));
	if (d->sigma < least) d->sigma = least;
	weigh(d);
	return EG_OK;
}

static void drop_density(density *d) {
	eg_release(NULL, d->at);
	eg_release(NULL, d->weights);
}

/* Of the normal distribution around `mu` that is cut off at 0 and 1. */
static double log_normal(double x, double mu, double sigma) {
	const double root = 0.70710678118654752, log_root_2pi = 0.91893853320467274;
	double inside = 0.5 * (erfc(-(1 - mu) / sigma * root) - erfc(mu / sigma * root)), z = (x - mu) / sigma;
	return -0.5 * z * z - log_root_2pi - log(sigma) - log(inside);
}

/* A choice has a share of its own, and one in all that nobody has seen. */
static double log_choice(int x, int at, int choices, int kernels) {
	double each = 1.0 / kernels;
	return log(((x == at) + each) / (1 + choices * each));
}

static double log_kernel(const density *d, int kernel, const double *x) {
	double sum = 0;
	for (int k = 0; k < d->nkeys; k++) {
		const eg_tuned *u = &d->space->keys[d->keys[k]].tuned;
		double at = kernel < d->n ? d->at[kernel * d->nkeys + k] : 0.5;
		if (u->kind != EG_TUNED_CHOICE)
			sum += log_normal(x[k], at, kernel < d->n ? d->sigma : 1);
		else
			sum += kernel < d->n ? log_choice((int)x[k], (int)at, u->nchoices, d->n + 1) : -log(u->nchoices);
	}
	return sum;
}

static double log_density(const density *d, const double *x) {
	double most = -INFINITY, sum = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i <= d->n; i++) {
			double v = log_kernel(d, i, x) + log(d->weights[i]);
			if (pass == 0)
				most = v > most ? v : most;
			else
				sum += exp(v - most);
		}
	return most + log(sum);
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* Drawn again until it is inside: the middle of a kernel is, so every second time at least one of two sides is. */
static double draw_normal(draw *r, double mu, double sigma) {
	for (int tries = 0; tries < 200; tries++) {
		double x = mu + sigma * eg_rng_normal(r->rng, r->index++);
		if (x >= 0 && x <= 1) return x;
	}
	return uniform(r);
}

static int draw_choice(draw *r, int at, int choices, int kernels) {
	double each = 1.0 / kernels, x = uniform(r) * (1 + choices * each);
	if (x < 1) return at;
	int i = (int)((x - 1) / each);
	return i < choices ? i : choices - 1;
}

static void draw_point(const density *d, draw *r, double *x) {
	double u = uniform(r);
	int kernel = 0;
	while (kernel < d->n && u >= d->weights[kernel]) u -= d->weights[kernel++];
	for (int k = 0; k < d->nkeys; k++) {
		const eg_tuned *t = &d->space->keys[d->keys[k]].tuned;
		double at = kernel < d->n ? d->at[kernel * d->nkeys + k] : 0.5;
		if (t->kind != EG_TUNED_CHOICE)
			x[k] = draw_normal(r, at, kernel < d->n ? d->sigma : 1);
		else
			x[k] = kernel < d->n ? draw_choice(r, (int)at, t->nchoices, d->n + 1)
			                     : (double)eg_rng_below(r->rng, r->index++, (uint64_t)t->nchoices);
	}
}

static eg_status propose_group(const eg_sampler *s, density *good, density *rest, const ranked *trials, int ngood, int n,
	draw *r, double *point, eg_error *err) {
	double x[EG_SPACE_KEYS] = {0}, best[EG_SPACE_KEYS] = {0}, most = -INFINITY;
	int candidates = s->candidates > 0 ? s->candidates : CANDIDATES;
	eg_status status = make_density(good, trials, ngood, err);
	if (!status) status = make_density(rest, trials + ngood, n - ngood, err);
	for (int c = 0; c < candidates && !status; c++) {
		draw_point(good, r, x);
		double gain = log_density(good, x) - log_density(rest, x);
		if (c > 0 && !(gain > most)) continue;
		most = gain;
		memcpy(best, x, sizeof best);
	}
	for (int k = 0; k < good->nkeys; k++) {
		const eg_tuned *t = &good->space->keys[good->keys[k]].tuned;
		point[good->keys[k]] = t->kind == EG_TUNED_CHOICE ? best[k] : eg_space_from_unit(t, best[k]);
	}
	drop_density(good);
	drop_density(rest);
	return status;
}

/* ---- all groups -------------------------------------------------------------------------------------------------- */

/* Keys of group g, in the order of the space. */
static int group_keys(const eg_space *s, int g, int *keys) {
	int n = 0;
	for (int o = 0; o < s->n; o++)
		if (s->keys[s->order[o]].group == g) keys[n++] = s->order[o];
	return n;
}

eg_status eg_sample_tpe(const eg_sampler *sampler, const eg_space *space, int trial, const eg_observed *seen, int n,
	double *point, eg_error *err) {
	ranked *trials = eg_calloc(NULL, (size_t)n, sizeof *trials);
	int ngood = good_ones(n), keys[EG_SPACE_KEYS];
	bool done[EG_SPACE_KEYS] = {false};
	eg_status status = trials ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory to propose a trial");
	if (status) return status;
	for (int i = 0; i < n; i++)
		trials[i] = (ranked){&seen[i], i, sampler->lower_is_better ? seen[i].value : -seen[i].value};
	qsort(trials, (size_t)n, sizeof *trials, by_rank);
	qsort(trials, (size_t)ngood, sizeof *trials, by_time);
	qsort(trials + ngood, (size_t)(n - ngood), sizeof *trials, by_time);
	for (int i = 0; i < space->n; i++) point[i] = NAN;
	for (int o = 0; o < space->n && !status; o++) {
		int g = space->keys[space->order[o]].group;
		if (done[g] || !eg_space_tries(space, space->order[o], point)) continue;
		done[g] = true;
		int nkeys = group_keys(space, g, keys);
		density good = {.space = space, .keys = keys, .nkeys = nkeys}, rest = good;
		draw r = {{sampler->seed, eg_stream(EG_RNG_TUNE, 0x10000u + (uint32_t)g, (uint64_t)trial)}, 0};
		status = propose_group(sampler, &good, &rest, trials, ngood, n, &r, point, err);
	}
	eg_release(NULL, trials);
	return status;
}

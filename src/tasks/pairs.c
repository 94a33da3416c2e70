/* pairs.c - what distances of pairs of samples say: rates of errors, thresholds, and how sure a distance is. See
 * pairs.h. */
#include "tasks/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- distances --------------------------------------------------------------------------------------------------- */

/* As an index compares, in double precision: so a threshold means the same whoever computes the distance. */
static double distance_of(const float *a, const float *b, int width, eg_distance distance) {
	double inner = 0, aa = 0, bb = 0, apart = 0;
	for (int i = 0; i < width; i++) {
		const double x = (double)a[i], y = (double)b[i];
		inner += x * y, aa += x * x, bb += y * y, apart += (x - y) * (x - y);
	}
	if (distance == EG_DISTANCE_EUCLIDEAN) return sqrt(apart);
	return aa > 0 && bb > 0 ? fmax(0, 1 - inner / sqrt(aa * bb)) : (double)NAN;
}

eg_status eg_embedding_distance(const float *a, const float *b, int width, eg_distance distance, double *to, eg_error *err) {
	*to = distance_of(a, b, width, distance);
	if (isfinite(*to)) return EG_OK;
	return eg_fail(err, EG_ERR_NUMERIC, "the network gives no embedding that can be compared (zeros, or no numbers)");
}

/* ---- which pairs ------------------------------------------------------------------------------------------------- */

typedef struct making {
	const eg_embedded *e;
	eg_distance distance;
	int *order, *upto; /* samples sorted by class; where in that order the class of each ends */
	double *before;    /* pairs of one class that begin with an earlier sample of that order */
	eg_error *err;
} making;

static eg_status put(const making *m, float *to, int i, int k) {
	const size_t width = (size_t)m->e->width;
	double d;
	eg_status status = eg_embedding_distance(
		m->e->at + (size_t)i * width, m->e->at + (size_t)k * width, m->e->width, m->distance, &d, m->err);
	*to = (float)d;
	return status;
}

static eg_status all_same(const making *m, eg_pairs *p) {
	eg_status status = EG_OK;
	int64_t n = 0;
	for (int i = 0; i < m->e->n && !status; i++)
		for (int k = i + 1; k < m->upto[i] && !status; k++) status = put(m, &p->same[n++], m->order[i], m->order[k]);
	return status;
}

static eg_status all_other(const making *m, eg_pairs *p) {
	eg_status status = EG_OK;
	int64_t n = 0;
	for (int i = 0; i < m->e->n && !status; i++)
		for (int k = m->upto[i]; k < m->e->n && !status; k++) status = put(m, &p->other[n++], m->order[i], m->order[k]);
	return status;
}

/* Two samples of one class: every pair as likely. */
static void draw_same(const making *m, eg_rng r, uint64_t turn, int *i, int *k) {
	const int n = m->e->n;
	const double at = eg_rng_uniform(r, 2 * turn) * m->before[n];
	int low = 0, high = n - 1; /* the last sample with before <= at that has a pair */
	while (low < high) {
		const int middle = (low + high + 1) / 2;
		if (m->before[middle] <= at)
			low = middle;
		else
			high = middle - 1;
	}
	while (m->upto[low] - 1 <= low) low--; /* the uniform number may be rounded up to the end */
	*i = m->order[low];
	*k = m->order[low + 1 + (int)eg_rng_below(r, 2 * turn + 1, (uint64_t)(m->upto[low] - 1 - low))];
}

static eg_status draw_all_same(const making *m, eg_pairs *p) {
	const eg_rng r = {1, eg_stream(EG_RNG_TEST, 0, 0)};
	eg_status status = EG_OK;
	for (int64_t t = 0; t < p->nsame && !status; t++) {
		int i, k;
		draw_same(m, r, (uint64_t)t, &i, &k);
		status = put(m, &p->same[t], i, k);
	}
	return status;
}

static eg_status draw_other(const making *m, eg_pairs *p) {
	const eg_rng r = {1, eg_stream(EG_RNG_TEST, 1, 0)};
	const uint64_t n = (uint64_t)m->e->n;
	eg_status status = EG_OK;
	for (uint64_t t = 0, next = 0; t < (uint64_t)p->nother && !status; next += 2) {
		const int i = (int)eg_rng_below(r, next, n), k = (int)eg_rng_below(r, next + 1, n);
		if (m->e->labels[i] != m->e->labels[k]) status = put(m, &p->other[t++], i, k);
	}
	return status;
}

typedef struct member {
	int32_t label;
	int item;
} member;

static int by_label(const void *a, const void *b) {
	const member *x = a, *y = b;
	if (x->label != y->label) return x->label < y->label ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Sorts the samples by class, and counts pairs of one class. */
static bool sort_by_class(making *m) {
	const int n = m->e->n;
	member *all = eg_calloc(NULL, (size_t)n + 1, sizeof *all);
	m->order = eg_calloc(NULL, (size_t)n + 1, sizeof *m->order);
	m->upto = eg_calloc(NULL, (size_t)n + 1, sizeof *m->upto);
	m->before = eg_calloc(NULL, (size_t)n + 1, sizeof *m->before);
	const bool there = all && m->order && m->upto && m->before;
	for (int i = 0; i < n && there; i++) all[i] = (member){m->e->labels[i], i};
	if (there) qsort(all, (size_t)n, sizeof *all, by_label);
	for (int i = n - 1; i >= 0 && there; i--) {
		m->order[i] = all[i].item;
		m->upto[i] = i + 1 < n && all[i + 1].label == all[i].label ? m->upto[i + 1] : i + 1;
	}
	for (int i = 0; i < n && there; i++) m->before[i + 1] = m->before[i] + (m->upto[i] - 1 - i);
	eg_release(NULL, all);
	return there;
}

static int by_size(const void *a, const void *b) {
	const float x = *(const float *)a, y = *(const float *)b;
	return x < y ? -1 : x > y;
}

eg_status eg_pairs_make(const eg_embedded *e, eg_distance distance, eg_pairs *p, eg_error *err) {
	making m = {.e = e, .distance = distance, .err = err};
	*p = (eg_pairs){0};
	eg_status status = sort_by_class(&m) ? EG_OK : eg_embedding_no_memory(err);
	const double n = e->n, same = status ? 0 : m.before[e->n], other = n * (n - 1) / 2 - same;
	p->nsame = same < EG_PAIRS_MOST ? (int64_t)same : EG_PAIRS_MOST;
	p->nother = other < EG_PAIRS_MOST ? (int64_t)other : EG_PAIRS_MOST;
	p->same = eg_alloc(NULL, ((size_t)p->nsame + 1) * sizeof *p->same);
	p->other = eg_alloc(NULL, ((size_t)p->nother + 1) * sizeof *p->other);
	if (!status && (!p->same || !p->other)) status = eg_embedding_no_memory(err);
	if (!status) status = same > EG_PAIRS_MOST ? draw_all_same(&m, p) : all_same(&m, p);
	if (!status) status = other > EG_PAIRS_MOST ? draw_other(&m, p) : all_other(&m, p);
	if (!status) {
		qsort(p->same, (size_t)p->nsame, sizeof *p->same, by_size);
		qsort(p->other, (size_t)p->nother, sizeof *p->other, by_size);
	}
	eg_release(NULL, m.order);
	eg_release(NULL, m.upto);
	eg_release(NULL, m.before);
	if (status) eg_pairs_free(p);
	return status;
}

void eg_pairs_free(eg_pairs *p) {
	eg_release(NULL, p->same);
	eg_release(NULL, p->other);
	*p = (eg_pairs){0};
}

/* ---- rates ------------------------------------------------------------------------------------------------------- */

double eg_pairs_accepted(const float *sorted, int64_t n, double threshold) {
	int64_t low = 0, high = n;
	while (low < high) {
		const int64_t middle = (low + high) / 2;
		if ((double)sorted[middle] <= threshold)
			low = middle + 1;
		else
			high = middle;
	}
	return n ? (double)low / (double)n : (double)NAN;
}

double eg_pairs_eer(const eg_pairs *p) {
	if (!p->nsame || !p->nother) return (double)NAN;
	double best = 1; /* nothing is accepted: all pairs of one class are refused */
	for (int64_t s = 0, o = 0; s < p->nsame; s++) { /* a threshold at each of them */
		if (s + 1 < p->nsame && p->same[s + 1] == p->same[s]) continue;
		while (o < p->nother && p->other[o] <= p->same[s]) o++;
		const double refused = (double)(p->nsame - 1 - s) / (double)p->nsame, accepted = (double)o / (double)p->nother;
		best = fmin(best, fmax(refused, accepted));
	}
	return best;
}

/* In the middle of a gap, so that it does not matter how a distance is rounded. */
double eg_pairs_threshold(const eg_pairs *p, double false_accepts) {
	if (!p->nother) return (double)NAN;
	const int64_t first = (int64_t)floor(false_accepts * (double)p->nother + 1e-9); /* that is refused */
	if (first >= p->nother) return (double)p->other[p->nother - 1];
	const double last = first > 0 ? (double)p->other[first - 1] : 0, next = (double)p->other[first];
	return first > 0 && last < next ? (last + next) / 2 : next * (1 - 1e-6);
}

/* ---- how sure ---------------------------------------------------------------------------------------------------- */

double eg_sureness_at(eg_sureness s, double distance) { return 1 / (1 + exp(-(s.a + s.b * distance))); }

/* Sums of the gradient and of second derivatives over one kind of pairs, each weighing `weight`. */
static void add_kind(eg_sureness s, const float *d, int64_t n, double target, double weight, double g[2], double h[3]) {
	for (int64_t i = 0; i < n; i++) {
		const double x = (double)d[i], q = eg_sureness_at(s, x), e = weight * (target - q), c = weight * q * (1 - q);
		g[0] += e, g[1] += e * x;
		h[0] += c, h[1] += c * x, h[2] += c * x * x;
	}
}

static double likelihood(eg_sureness s, const eg_pairs *p, double high, double low) {
	double sum = 0;
	for (int64_t i = 0; i < p->nsame; i++) {
		const double q = eg_sureness_at(s, (double)p->same[i]);
		sum += (high * log(fmax(q, 1e-300)) + (1 - high) * log(fmax(1 - q, 1e-300))) / (double)p->nsame;
	}
	for (int64_t i = 0; i < p->nother; i++) {
		const double q = eg_sureness_at(s, (double)p->other[i]);
		sum += (low * log(fmax(q, 1e-300)) + (1 - low) * log(fmax(1 - q, 1e-300))) / (double)p->nother;
	}
	return sum;
}

/* Newton's method, each step halved until it is one for the better. */
eg_sureness eg_pairs_sureness(const eg_pairs *p) {
	enum { ROUNDS = 100, HALVES = 40 };
	eg_sureness s = {0, 0};
	if (!p->nsame || !p->nother) return s;
	const double high = ((double)p->nsame + 1) / ((double)p->nsame + 2), low = 1 / ((double)p->nother + 2);
	double now = likelihood(s, p, high, low);
	for (int round = 0; round < ROUNDS; round++) {
		double g[2] = {0}, h[3] = {1e-12, 0, 1e-12};
		add_kind(s, p->same, p->nsame, high, 1 / (double)p->nsame, g, h);
		add_kind(s, p->other, p->nother, low, 1 / (double)p->nother, g, h);
		const double det = h[0] * h[2] - h[1] * h[1];
		if (!(det > 0)) break;
		eg_sureness step = {(h[2] * g[0] - h[1] * g[1]) / det, (h[0] * g[1] - h[1] * g[0]) / det}, next = s;
		double then = now;
		for (int half = 0; half < HALVES && !(then > now); half++) {
			next = (eg_sureness){s.a + step.a, s.b + step.b};
			then = likelihood(next, p, high, low);
			step.a /= 2, step.b /= 2;
		}
		if (!(then > now)) break;
		const bool done = then - now < 1e-12;
		s = next, now = then;
		if (done) break;
	}
	if (s.b > 0) s = (eg_sureness){0, 0}; /* nearer is not likelier: distances say nothing */
	return s;
}

/* text_logistic.c - the floor `logistic`: each unit and each pair of neighbours in a text votes for each class,
 * with weights that make the training texts' classes likely. Multinomial logistic regression (Cox 1958; Berkson
 * 1944), the linear model that a classifying network ends in.
 *
 *   p(k | text) = exp(s_k) / sum_j exp(s_j),   s_k = b_k + sum over the features f of the text: w_fk / sqrt(features)
 *
 *   minimised:  sum over the texts: -ln p(class | text)  +  |w|^2 / (2 c)
 *
 * The function is convex; L-BFGS finds its minimum. c, how little large weights cost, is tried. That features are
 * divided by the root of their number makes long and short texts alike in length (as in tf-idf). */
#include "floors/bags.h"
#include "series/lbfgs.h"

#include <math.h>
#include <string.h>

enum { STEPS = 60 };
enum { C, PAIRS };

typedef struct logistic {
	eg_floor base;
	eg_features features;
	double *w; /* [feature][class], then [class] */
	int32_t *found;
	int room;
} logistic;

/* What is made small. */
typedef struct objective {
	logistic *m;
	const eg_bags *bags;
	double *scores;
	int calls;
	eg_status status;
	eg_error *err;
} objective;

static void sum_up(const double *w, int F, int K, const int32_t *feature, size_t n, double *scores) {
	double scale = n ? 1 / sqrt((double)n) : 0;
	memset(scores, 0, (size_t)K * sizeof *scores);
	for (size_t j = 0; j < n; j++)
		for (int k = 0; k < K; k++) scores[k] += w[(ptrdiff_t)feature[j] * K + k];
	for (int k = 0; k < K; k++) scores[k] = scores[k] * scale + w[(ptrdiff_t)F * K + k];
}

/* Scores become logarithms of probabilities. */
static void to_logarithms(double *scores, int K) {
	double most = scores[0], sum = 0;
	for (int k = 1; k < K; k++) most = fmax(most, scores[k]);
	for (int k = 0; k < K; k++) sum += exp(scores[k] - most);
	for (int k = 0; k < K; k++) scores[k] -= most + log(sum);
}

static bool slope(void *user, const double *w, double *value, double *gradient) {
	objective *o = user;
	const eg_bags *b = o->bags;
	int K = eg_floor_classes(&o->m->base), F = o->m->features.n;
	size_t weights = (size_t)F * (size_t)K;
	double c = o->m->base.settings[C], *p = o->scores;
	*value = 0;
	memset(gradient, 0, (weights + (size_t)K) * sizeof *gradient);
	for (int64_t i = 0; i < b->n; i++) {
		const int32_t *feature = b->feature + b->start[i];
		size_t n = b->start[i + 1] - b->start[i];
		if (b->label[i] < 0) continue;
		sum_up(w, F, K, feature, n, p);
		to_logarithms(p, K);
		*value -= p[b->label[i]];
		for (int k = 0; k < K; k++) p[k] = exp(p[k]) - (k == b->label[i]);
		for (int k = 0; k < K; k++) gradient[weights + (size_t)k] += p[k];
		for (int k = 0; k < K; k++) p[k] *= n ? 1 / sqrt((double)n) : 0;
		for (size_t j = 0; j < n; j++)
			for (int k = 0; k < K; k++) gradient[(ptrdiff_t)feature[j] * K + k] += p[k];
	}
	for (size_t i = 0; i < weights; i++) {
		*value += w[i] * w[i] / (2 * c);
		gradient[i] += w[i] / c;
	}
	int calls = ++o->calls;
	o->status = eg_floor_tell(&o->m->base, calls < STEPS ? (double)calls / STEPS : 1, o->err);
	return !o->status;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	logistic *m = (logistic *)f;
	size_t K = (size_t)eg_floor_classes(f);
	eg_bags bags = {0};
	m->features.pairs = f->settings[PAIRS] > 0;
	eg_status status = eg_bags_read(&bags, &m->features, f, p, err);
	objective o = {.m = m, .bags = &bags, .scores = eg_calloc(NULL, K, sizeof(double)), .err = err};
	size_t n = ((size_t)m->features.n + 1) * K;
	if (!status) m->w = eg_calloc(NULL, n, sizeof *m->w);
	if (!status && (!m->w || !o.scores)) status = eg_floor_no_memory(f, err);
	if (!status) status = eg_lbfgs(m->w, n, STEPS, 1e-3, 0, slope, &o, err);
	eg_release(NULL, o.scores);
	eg_bags_free(&bags);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	logistic *m = (logistic *)f;
	int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	double *p = eg_calloc(NULL, (size_t)K, sizeof *p);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (2 * b->time > m->room) {
		eg_release(NULL, m->found);
		m->room = 2 * b->time;
		m->found = eg_calloc(NULL, (size_t)m->room, sizeof *m->found);
	}
	if (!out || !p || !m->found) return eg_release(NULL, p), m->room = 0, eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++) {
		int n = eg_features_of(&m->features, b, i, m->found);
		sum_up(m->w, m->features.n, K, m->found, (size_t)n, p);
		to_logarithms(p, K);
		for (int k = 0; k < K; k++) out[i * K + k] = (eg_real)p[k];
	}
	eg_release(NULL, p);
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	logistic *m = (logistic *)f;
	eg_features_free(&m->features);
	eg_release(NULL, m->w);
	eg_release(NULL, m->found);
}

const eg_floor_type eg_floor_type_text_logistic = {
	.info = {.name = "logistic",
		.task = "classify",
		.doc = "units and pairs of neighbours vote, with weights that make the training texts' classes likely",
		.source = "Cox 1958; L-BFGS: Liu and Nocedal 1989",
		.version = 1},
	.size = sizeof(logistic),
	.settings = {{.name = "c", .n = 2, .tried = {10, 3}, .low = 0.1, .high = 100, .log = true},
	        {.name = "pairs", .n = 1, .tried = {1}, .low = 0, .high = 1, .whole = true}},
	.probabilities = true,
	.serves = eg_floor_reads_units,
	.train = train,
	.say = say,
	.free = free_floor,
};

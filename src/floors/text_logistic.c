/* text_logistic.c - the floors `logistic`, `nbsvm` and `nbsvm-letters`: each unit and each pair of neighbours in a
 * text votes for each class, with weights that make the training texts' classes likely. Multinomial logistic regression
 * (Cox 1958; Berkson 1944), the linear model that a classifying network ends in.
 *
 *   p(k | text) = exp(s_k) / sum_j exp(s_j),   s_k = b_k + sum over the features f of the text: w_fk r_fk
 *
 *   minimised:  sum over the texts: -ln p(class | text)  +  |w|^2 / (2 c)
 *
 * The function is convex; L-BFGS finds its minimum. c, how little large weights cost, is tried.
 *
 * logistic: r_fk = 1 / sqrt(features of the text), so that long and short texts are alike in length (as in tf-idf).
 *
 * nbsvm (Wang and Manning 2012): r_fk is naive Bayes' word on the feature, the logarithm of how much more usual it is
 * in texts of class k than in all others, so that a weight only says how far that is to be believed; in the end weights
 * go half of the way to their mean size. The paper has a support vector machine in the place of the logistic loss.
 *
 * nbsvm-letters: the same with the runs of letters within words as features beside (letters.c), by which words that are
 * rare, or were never seen, are known by their parts. Weights stay where they were found (beta 1):
 * to draw them together costs a point on reviews of hotels, and gains nothing on sentences beside naive Bayes. */
#include "floors/bags.h"
#include "series/lbfgs.h"

#include <math.h>
#include <string.h>

enum { STEPS = 60 };
enum { C, PAIRS, BETA };

typedef struct logistic {
	eg_floor base;
	eg_bag_model model;
} logistic;

/* What is made small. */
typedef struct objective {
	logistic *m;
	const eg_bags *bags;
	const double *ratio; /* r_fk, [feature][class]; NULL: the model's own scale */
	double *p;
	int calls;
	eg_status status;
	eg_error *err;
} objective;

static void add_text(const objective *o, int64_t i, double *value, double *gradient) {
	const eg_bag_model *m = &o->m->model;
	const int K = m->classes, label = o->bags->label[i];
	const int32_t *feature = o->bags->feature + o->bags->start[i];
	const size_t n = o->bags->start[i + 1] - o->bags->start[i];
	double *p = o->p;
	eg_bag_model_score(m, feature, n, p);
	*value -= p[label];
	for (int k = 0; k < K; k++) p[k] = exp(p[k]) - (k == label);
	for (int k = 0; k < K; k++) gradient[(ptrdiff_t)m->features.n * K + k] += p[k];
	for (int k = 0; k < K && m->rooted; k++) p[k] *= n ? 1 / sqrt((double)n) : 0;
	for (size_t j = 0; j < n; j++)
		for (int k = 0; k < K; k++) gradient[(ptrdiff_t)feature[j] * K + k] += p[k];
}

/* The model's own weights are w r, by which the texts are scored. */
static bool slope(void *user, const double *w, double *value, double *gradient) {
	objective *o = user;
	const eg_bag_model *m = &o->m->model;
	const size_t weights = (size_t)m->features.n * (size_t)m->classes, all = weights + (size_t)m->classes;
	const double c = o->m->base.settings[C];
	*value = 0;
	memset(gradient, 0, all * sizeof *gradient);
	for (size_t i = 0; i < all; i++) m->w[i] = w[i] * (o->ratio && i < weights ? o->ratio[i] : 1);
	for (int64_t i = 0; i < o->bags->n; i++)
		if (o->bags->label[i] >= 0) add_text(o, i, value, gradient);
	for (size_t i = 0; i < weights; i++) {
		*value += w[i] * w[i] / (2 * c);
		gradient[i] = gradient[i] * (o->ratio ? o->ratio[i] : 1) + w[i] / c;
	}
	int calls = ++o->calls;
	o->status = eg_floor_tell(&o->m->base, calls < STEPS ? (double)calls / STEPS : 1, o->err);
	return !o->status;
}

/* r: of each class against all others, a text with one more of each feature being counted to each. */
static void fill_ratios(const eg_bag_model *m, const eg_bags *bags, double *r) {
	const int K = m->classes, F = m->features.n;
	for (ptrdiff_t i = 0; i < (ptrdiff_t)F * K; i++) r[i] = 1;
	for (int64_t i = 0; i < bags->n; i++)
		for (size_t j = bags->start[i]; j < bags->start[i + 1] && bags->label[i] >= 0; j++)
			r[(ptrdiff_t)bags->feature[j] * K + bags->label[i]]++;
	double all = 0;
	for (ptrdiff_t i = 0; i < (ptrdiff_t)F * K; i++) all += r[i];
	double *sum = m->scores;
	memset(sum, 0, (size_t)K * sizeof *sum);
	for (ptrdiff_t i = 0; i < (ptrdiff_t)F * K; i++) sum[i % K] += r[i];
	for (int f = 0; f < F; f++) {
		double here = 0;
		for (int k = 0; k < K; k++) here += r[(ptrdiff_t)f * K + k];
		for (int k = 0; k < K && K > 1; k++) {
			double *x = &r[(ptrdiff_t)f * K + k];
			*x = log(*x / sum[k]) - log((here - *x) / (all - sum[k]));
		}
	}
}

/* Weights halfway between what was found and their mean size: naive Bayes keeps a say. */
static void draw_together(const eg_bag_model *m, const double *ratio, double beta, const double *w) {
	const size_t n = (size_t)m->features.n * (size_t)m->classes;
	double mean = 0;
	for (size_t i = 0; i < n; i++) mean += fabs(w[i]) / (double)n;
	for (size_t i = 0; i < n; i++) m->w[i] = ((1 - beta) * mean + beta * w[i]) * ratio[i];
}

static eg_status minimise(logistic *m, const eg_bags *bags, bool by_ratio, eg_error *err) {
	const size_t K = (size_t)m->model.classes, n = ((size_t)m->model.features.n + 1) * K;
	double *w = eg_calloc(NULL, n, sizeof *w), *p = eg_calloc(NULL, K, sizeof *p);
	double *ratio = by_ratio ? eg_calloc(NULL, n, sizeof *ratio) : NULL;
	objective o = {.m = m, .bags = bags, .ratio = ratio, .p = p, .err = err};
	eg_status status = EG_OK;
	if (!w || !p || (by_ratio && !ratio)) status = eg_floor_no_memory(&m->base, err);
	if (!status && by_ratio) fill_ratios(&m->model, bags, ratio);
	if (!status) status = eg_lbfgs(w, n, STEPS, 1e-3, 0, slope, &o, err);
	for (size_t i = 0; i < n && !status; i++) m->model.w[i] = w[i] * (ratio && i < n - K ? ratio[i] : 1);
	if (!status && by_ratio) draw_together(&m->model, ratio, m->base.settings[BETA], w);
	eg_release(NULL, w);
	eg_release(NULL, p);
	eg_release(NULL, ratio);
	return status;
}

static eg_status find_weights(eg_floor *f, const eg_floor_part *p, bool by_ratio, bool letters, eg_error *err) {
	logistic *m = (logistic *)f;
	eg_bags bags = {0};
	m->model.features.letters = letters;
	m->model.features.pairs = f->settings[PAIRS] > 0;
	m->model.rooted = !by_ratio;
	eg_status status = eg_bags_read(&bags, &m->model.features, f, p, err);
	if (!status && !eg_bag_model_make(&m->model, eg_floor_classes(f))) status = eg_floor_no_memory(f, err);
	if (!status) status = minimise(m, &bags, by_ratio, err);
	eg_bags_free(&bags);
	return status;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) { return find_weights(f, p, false, false, err); }
static eg_status train_nbsvm(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	return find_weights(f, p, true, false, err);
}
static eg_status train_letters(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	return find_weights(f, p, true, true, err);
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	EG_UNUSED(from), EG_UNUSED(steps);
	return eg_bag_model_say(f, &((logistic *)f)->model, b, said, err);
}

static eg_bag_model *model_of(eg_floor *f) { return &((logistic *)f)->model; }
static void free_floor(eg_floor *f) { eg_bag_model_free(&((logistic *)f)->model); }

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
	.bag_model = model_of,
	.free = free_floor,
};

const eg_floor_type eg_floor_type_nbsvm = {
	.info = {.name = "nbsvm",
		.task = "classify",
		.doc = "the same of what naive Bayes says of each unit and pair, drawn towards naive Bayes",
		.source = "Wang and Manning 2012, with a logistic loss",
		.version = 1},
	.size = sizeof(logistic),
	.settings = {{.name = "c", .n = 2, .tried = {0.1, 0.01}, .low = 0.001, .high = 10, .log = true},
	        {.name = "pairs", .n = 1, .tried = {1}, .low = 0, .high = 1, .whole = true},
	        {.name = "beta", .n = 1, .tried = {0.5}, .low = 0, .high = 1}},
	.probabilities = true,
	.serves = eg_floor_reads_units,
	.train = train_nbsvm,
	.say = say,
	.bag_model = model_of,
	.free = free_floor,
};

const eg_floor_type eg_floor_type_nbsvm_letters = {
	.info = {.name = "nbsvm-letters",
		.task = "classify",
		.doc = "the same as nbsvm, of units, pairs, and runs of letters within words",
		.source = "Wang and Manning 2012; runs of letters: Cavnar and Trenkle 1994",
		.version = 1},
	.size = sizeof(logistic),
	.settings = {{.name = "c", .n = 1, .tried = {0.05}, .low = 0.001, .high = 10, .log = true},
	        {.name = "pairs", .n = 1, .tried = {1}, .low = 0, .high = 1, .whole = true},
	        {.name = "beta", .n = 1, .tried = {1}, .low = 0, .high = 1}},
	.probabilities = true,
	.serves = eg_floor_reads_words,
	.train = train_letters,
	.say = say,
	.bag_model = model_of,
	.free = free_floor,
};

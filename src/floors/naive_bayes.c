/* naive_bayes.c - the floor `naive-bayes`: how usual is each unit, and each pair of neighbours, in the texts of a
 * class? As if they did not depend on each other, which is naive, and hard to beat on some thousand short texts.
 *
 *   ln p(k | text) = ln p(k) + sum over the features f of the text: ln (n_kf + a) / (n_k + a F)   + a constant
 *
 * n_kf texts of class k have feature f, n_k is their sum over the F features that are known; a, the pseudo-count,
 * keeps what was never seen in a class from ruling it out. A feature counts once in a text (Pang, Lee and
 * Vaithyanathan 2002; multinomial with features cut to 1: Metsis, Androutsopoulos and Paliouras 2006). */
#include "floors/bags.h"

#include <math.h>

typedef struct naive_bayes {
	eg_floor base;
	eg_bag_model model; /* the logarithms */
} naive_bayes;

enum { PSEUDO, PAIRS };

/* Texts of each class that have each feature, and, in the place of the constants, texts. sum: of their features. */
static void count(const eg_bag_model *m, const eg_bags *bags, double *sum) {
	const int K = m->classes;
	for (int64_t i = 0; i < bags->n; i++) {
		int k = bags->label[i];
		if (k < 0) continue;
		m->w[(ptrdiff_t)m->features.n * K + k]++;
		sum[k] += (double)(bags->start[i + 1] - bags->start[i]);
		for (size_t j = bags->start[i]; j < bags->start[i + 1]; j++) m->w[(ptrdiff_t)bags->feature[j] * K + k]++;
	}
}

static void to_logarithms(const eg_bag_model *m, double a, int64_t texts, const double *sum) {
	const int K = m->classes, F = m->features.n;
	for (int k = 0; k < K; k++) {
		double *prior = &m->w[(ptrdiff_t)F * K + k];
		*prior = log((*prior + a) / ((double)texts + a * K));
		for (int f = 0; f < F; f++) {
			double *cell = &m->w[(ptrdiff_t)f * K + k];
			*cell = log((*cell + a) / (sum[k] + a * F));
		}
	}
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	eg_bag_model *m = &((naive_bayes *)f)->model;
	const int K = eg_floor_classes(f);
	eg_bags bags = {0};
	m->features.pairs = f->settings[PAIRS] > 0;
	eg_status status = eg_bags_read(&bags, &m->features, f, p, err);
	double *sum = eg_calloc(NULL, (size_t)K, sizeof *sum);
	if (!status && (!sum || !eg_bag_model_make(m, K))) status = eg_floor_no_memory(f, err);
	if (!status) {
		count(m, &bags, sum);
		to_logarithms(m, f->settings[PSEUDO], bags.n, sum);
	}
	eg_release(NULL, sum);
	eg_bags_free(&bags);
	return status ? status : eg_floor_tell(f, 1, err);
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	EG_UNUSED(from), EG_UNUSED(steps);
	return eg_bag_model_say(f, &((naive_bayes *)f)->model, b, said, err);
}

static eg_bag_model *model_of(eg_floor *f) { return &((naive_bayes *)f)->model; }
static void free_floor(eg_floor *f) { eg_bag_model_free(&((naive_bayes *)f)->model); }

const eg_floor_type eg_floor_type_naive_bayes = {
	.info = {.name = "naive-bayes",
		.task = "classify",
		.doc = "how usual each unit and each pair of neighbours is in the texts of a class",
		.source = "Maron 1961; features that count once: Pang, Lee and Vaithyanathan 2002",
		.version = 1},
	.size = sizeof(naive_bayes),
	.settings = {{.name = "pseudo_count", .n = 2, .tried = {1, 0.3}, .low = 0.01, .high = 10, .log = true},
	        {.name = "pairs", .n = 2, .tried = {1, 0}}},
	.probabilities = true,
	.serves = eg_floor_reads_units,
	.train = train,
	.say = say,
	.bag_model = model_of,
	.free = free_floor,
};

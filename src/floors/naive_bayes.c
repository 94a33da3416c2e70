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
	eg_features features;
	double *table; /* [feature][class]: ln p(f | k) */
	double *prior;
	int32_t *found;
	int room;
} naive_bayes;

enum { PSEUDO, PAIRS };

static void count(const naive_bayes *m, const eg_bags *bags, double *sum) {
	int K = eg_floor_classes(&m->base);
	for (int64_t i = 0; i < bags->n; i++) {
		int k = bags->label[i];
		if (k < 0) continue;
		m->prior[k]++;
		sum[k] += (double)(bags->start[i + 1] - bags->start[i]);
		for (size_t j = bags->start[i]; j < bags->start[i + 1]; j++) m->table[(ptrdiff_t)bags->feature[j] * K + k]++;
	}
}

static void to_logarithms(const naive_bayes *m, int64_t texts, const double *sum) {
	int K = eg_floor_classes(&m->base), F = m->features.n;
	double a = m->base.settings[PSEUDO];
	for (int k = 0; k < K; k++) {
		m->prior[k] = log((m->prior[k] + a) / ((double)texts + a * K));
		for (int f = 0; f < F; f++) {
			double *cell = &m->table[(ptrdiff_t)f * K + k];
			*cell = log((*cell + a) / (sum[k] + a * F));
		}
	}
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	naive_bayes *m = (naive_bayes *)f;
	size_t K = (size_t)eg_floor_classes(f);
	eg_bags bags = {0};
	m->features.pairs = f->settings[PAIRS] > 0;
	eg_status status = eg_bags_read(&bags, &m->features, f, p, err);
	double *sum = eg_calloc(NULL, K, sizeof *sum);
	if (!status) m->table = eg_calloc(NULL, (size_t)m->features.n * K + 1, sizeof *m->table);
	if (!status) m->prior = eg_calloc(NULL, K, sizeof *m->prior);
	if (!status && (!sum || !m->table || !m->prior)) status = eg_floor_no_memory(f, err);
	if (!status) {
		count(m, &bags, sum);
		to_logarithms(m, bags.n, sum);
	}
	eg_release(NULL, sum);
	eg_bags_free(&bags);
	return status ? status : eg_floor_tell(f, 1, err);
}

/* The logarithms of the probabilities, from their sums. */
static void normalise(eg_real *out, const double *sums, int K) {
	double most = sums[0], all = 0;
	for (int k = 1; k < K; k++) most = fmax(most, sums[k]);
	for (int k = 0; k < K; k++) all += exp(sums[k] - most);
	for (int k = 0; k < K; k++) out[k] = (eg_real)(sums[k] - most - log(all));
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	naive_bayes *m = (naive_bayes *)f;
	int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	double *sums = eg_calloc(NULL, (size_t)K, sizeof *sums);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (2 * b->time > m->room) {
		eg_release(NULL, m->found);
		m->room = 2 * b->time;
		m->found = eg_calloc(NULL, (size_t)m->room, sizeof *m->found);
	}
	if (!out || !sums || !m->found) return eg_release(NULL, sums), m->room = 0, eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++) {
		int n = eg_features_of(&m->features, b, i, m->found);
		for (int k = 0; k < K; k++) sums[k] = m->prior[k];
		for (int j = 0; j < n; j++)
			for (int k = 0; k < K; k++) sums[k] += m->table[(ptrdiff_t)m->found[j] * K + k];
		normalise(out + i * K, sums, K);
	}
	eg_release(NULL, sums);
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	naive_bayes *m = (naive_bayes *)f;
	eg_features_free(&m->features);
	eg_release(NULL, m->table);
	eg_release(NULL, m->prior);
	eg_release(NULL, m->found);
}

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
	.free = free_floor,
};

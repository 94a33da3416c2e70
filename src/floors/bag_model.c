/* bag_model.c - a linear model of bags of features (bags.h): what naive Bayes and logistic regression come to, however
 * their weights were found. Not here: finding them (naive_bayes.c, text_logistic.c), and files (companion.c). */
#include "floors/bags.h"

#include <math.h>
#include <string.h>

bool eg_bag_model_make(eg_bag_model *m, int classes) {
	m->classes = classes;
	m->w = eg_calloc(NULL, ((size_t)m->features.n + 1) * (size_t)classes, sizeof *m->w);
	m->scores = eg_calloc(NULL, (size_t)classes, sizeof *m->scores);
	return m->w && m->scores;
}

void eg_bag_model_free(eg_bag_model *m) {
	eg_features_free(&m->features);
	eg_release(NULL, m->w);
	eg_release(NULL, m->scores);
}

/* Scores become logarithms of probabilities. */
static void normalise(double *scores, int K) {
	double most = scores[0], sum = 0;
	for (int k = 1; k < K; k++) most = fmax(most, scores[k]);
	for (int k = 0; k < K; k++) sum += exp(scores[k] - most);
	for (int k = 0; k < K; k++) scores[k] -= most + log(sum);
}

static double scale_of(const eg_bag_model *m, size_t n) { return n == 0 ? 0 : m->rooted ? 1 / sqrt((double)n) : 1; }

void eg_bag_model_score(const eg_bag_model *m, const int32_t *feature, size_t n, double *log_p) {
	const int K = m->classes;
	const double scale = scale_of(m, n);
	memset(log_p, 0, (size_t)K * sizeof *log_p);
	for (size_t j = 0; j < n; j++)
		for (int k = 0; k < K; k++) log_p[k] += m->w[(ptrdiff_t)feature[j] * K + k];
	for (int k = 0; k < K; k++) log_p[k] = log_p[k] * scale + m->w[(ptrdiff_t)m->features.n * K + k];
	normalise(log_p, K);
}

bool eg_bag_model_read(eg_bag_model *m, eg_bag_text text) {
	const int n = eg_features_of(&m->features, text, false);
	if (n < 0) return false;
	eg_bag_model_score(m, m->features.found, (size_t)n, m->scores);
	return true;
}

bool eg_bag_model_add_units(eg_bag_model *m, eg_bag_text text, int k, double *each) {
	const int n = eg_features_of(&m->features, text, false);
	const eg_occurrences *list = &m->features.list;
	int32_t *times = n < 0 ? NULL : eg_calloc(NULL, (size_t)m->features.n + 1, sizeof *times);
	if (!times) return false;
	for (int i = 0; i < list->n; i++) times[1 + eg_features_find(&m->features, list->at[i].key)]++;
	for (int i = 0; i < list->n; i++) {
		const eg_occurrence *o = &list->at[i];
		const int f = eg_features_find(&m->features, o->key);
		if (f < 0) continue;
		const double w = m->w[(ptrdiff_t)f * m->classes + k] * scale_of(m, (size_t)n) / times[1 + f];
		each[o->unit] += o->two ? w / 2 : w;
		if (o->two) each[o->unit - 1] += w / 2;
	}
	eg_release(NULL, times);
	return true;
}

eg_status eg_bag_model_say(eg_floor *f, eg_bag_model *m, const eg_floor_batch *b, eg_said *said, eg_error *err) {
	const int K = m->classes;
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	if (!out) return eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++) {
		if (!eg_bag_model_read(m, eg_bag_text_of(b, i))) return eg_floor_no_memory(f, err);
		for (int k = 0; k < K; k++) out[i * K + k] = (eg_real)m->scores[k];
	}
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

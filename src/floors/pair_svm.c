/* pair_svm.c - see pair_svm.h. Not here: what is described (hog_svm.c, mfcc_svm.c). */
#include "floors/pair_svm.h"

#include <math.h>
#include <string.h>

static int pairs_of(int K) { return K * (K - 1) / 2; }

/* The classes of pair number p. */
static void classes_of(int p, int K, int *first, int *second) {
	for (*first = 0; p >= K - 1 - *first; ++*first) p -= K - 1 - *first;
	*second = *first + 1 + p;
}

static float *weights(const eg_pair_svm *m, int pair) { return m->w + (ptrdiff_t)pair * (m->size + EG_SVM_LANES); }

/* ---- descriptions ------------------------------------------------------------------------------------------------ */

eg_status eg_pair_svm_new(eg_pair_svm *m, int classes, int bytes, int64_t n, const eg_floor *f, eg_error *err) {
	m->classes = classes, m->npairs = pairs_of(classes), m->n = n;
	m->size = (bytes + EG_SVM_LANES - 1) / EG_SVM_LANES * EG_SVM_LANES;
	m->x = eg_block_new(NULL, (size_t)(n * m->size));
	m->length = eg_calloc(NULL, (size_t)n, sizeof *m->length);
	m->labels = eg_calloc(NULL, (size_t)n, sizeof *m->labels);
	m->w = eg_calloc(NULL, (size_t)m->npairs * (size_t)(m->size + EG_SVM_LANES), sizeof *m->w);
	return m->x && m->length && m->labels && m->w ? EG_OK : eg_floor_no_memory(f, err);
}

static void drop_training(eg_pair_svm *m) {
	eg_block_free(NULL, m->x);
	eg_release(NULL, m->items);
	eg_release(NULL, m->a);
	eg_release(NULL, m->begin);
	m->x = NULL, m->items = NULL, m->a = NULL, m->begin = NULL;
}

void eg_pair_svm_free(eg_pair_svm *m) {
	drop_training(m);
	eg_release(NULL, m->length);
	eg_release(NULL, m->labels);
	eg_release(NULL, m->w);
	*m = (eg_pair_svm){0};
}

uint8_t *eg_pair_svm_at(const eg_pair_svm *m, int64_t i) { return m->x + i * m->size; }

void eg_pair_svm_note(eg_pair_svm *m, int64_t i, int32_t label) {
	const uint8_t *x = eg_pair_svm_at(m, i);
	int64_t sum = 0;
	for (int d = 0; d < m->size; d++) sum += x[d] * x[d];
	m->length[i] = (float)((double)sum / (255.0 * 255)) + 1;
	m->labels[i] = label;
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* <w, x>, with the constant; in lanes, so that it is several sums at a time. */
static float product(const float *w, const uint8_t *x, int size) {
	float sum[EG_SVM_LANES] = {0}, all = 0;
	for (int d = 0; d < size; d += EG_SVM_LANES)
		for (int k = 0; k < EG_SVM_LANES; k++) sum[k] += w[d + k] * (float)x[d + k];
	for (int k = 0; k < EG_SVM_LANES; k++) all += sum[k];
	return all / 255 + w[size];
}

static void add(float *w, float s, const uint8_t *x, int size) {
	const float scaled = s / 255;
	for (int d = 0; d < size; d++) w[d] += scaled * (float)x[d];
	w[size] += s;
}

/* One round over the samples of a pair, in an order of its own. */
static void train_pair(eg_pair_svm *m, int pair) {
	int first, second;
	uint32_t *items = m->items + m->begin[pair];
	int64_t n = m->begin[pair + 1] - m->begin[pair];
	float *w = weights(m, pair), *a = m->a + m->begin[pair], soft = m->soft;
	classes_of(pair, m->classes, &first, &second);
	for (int64_t j = n - 1; j > 0; j--) { /* places and their a change together */
		const eg_rng r = {1, eg_stream(EG_RNG_SHUFFLE, (uint32_t)pair, (uint64_t)m->round)};
		int64_t k = (int64_t)eg_rng_below(r, (uint64_t)j, (uint64_t)j + 1);
		uint32_t item = items[j];
		float other = a[j];
		items[j] = items[k], items[k] = item;
		a[j] = a[k], a[k] = other;
	}
	for (int64_t j = 0; j < n; j++) {
		const uint8_t *x = eg_pair_svm_at(m, items[j]);
		float y = m->labels[items[j]] == first ? 1 : -1;
		float slope = y * product(w, x, m->size) - 1 + a[j] * soft;
		float now = fmaxf(0, a[j] - slope / (m->length[items[j]] + soft));
		if (now == a[j]) continue;
		add(w, (now - a[j]) * y, x, m->size);
		a[j] = now;
	}
}

static void train_share(void *arg, int rank, int size) {
	eg_pair_svm *m = arg;
	for (int pair = rank; pair < m->npairs; pair += size) train_pair(m, pair);
}

static eg_status list_pairs(eg_pair_svm *m, const eg_floor *f, eg_error *err) {
	int first, second;
	m->items = eg_calloc(NULL, (size_t)(m->n * (m->classes - 1)) + 1, sizeof *m->items);
	m->a = eg_calloc(NULL, (size_t)(m->n * (m->classes - 1)) + 1, sizeof *m->a);
	m->begin = eg_calloc(NULL, (size_t)m->npairs + 1, sizeof *m->begin);
	if (!m->items || !m->a || !m->begin) return eg_floor_no_memory(f, err);
	int64_t at = 0;
	for (int p = 0; p < m->npairs; p++) {
		classes_of(p, m->classes, &first, &second);
		m->begin[p] = at;
		for (int64_t i = 0; i < m->n; i++)
			if (m->labels[i] == first || m->labels[i] == second) m->items[at++] = (uint32_t)i;
	}
	m->begin[m->npairs] = at;
	return EG_OK;
}

eg_status eg_pair_svm_train(
	eg_pair_svm *m, double c, int rounds, eg_team *team, eg_floor *f, double from, eg_error *err) {
	eg_status status = list_pairs(m, f, err);
	m->soft = (float)(0.5 / c);
	for (m->round = 0; m->round < rounds && !status; m->round++) {
		eg_team_run(team, eg_team_size(team), train_share, m);
		status = eg_floor_tell(f, from + (1 - from) * (m->round + 1) / rounds, err);
	}
	drop_training(m);
	return status;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

void eg_pair_svm_votes(const eg_pair_svm *m, const uint8_t *x, eg_real *votes) {
	int first, second;
	for (int p = 0; p < m->npairs; p++) {
		float d = product(weights(m, p), x, m->size), margin = d > 1 ? 1 : d < -1 ? -1 : d;
		classes_of(p, m->classes, &first, &second);
		votes[d > 0 ? first : second] += 1;
		votes[first] += (eg_real)(margin * 1e-3F);
		votes[second] -= (eg_real)(margin * 1e-3F);
	}
}

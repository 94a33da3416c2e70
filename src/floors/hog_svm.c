/* hog_svm.c - the floor `hog-svm`: what edges are where (hog.c), and a flat border between every two classes with
 * as wide a margin as can be: linear support vector machines (Cortes and Vapnik 1995), one for each pair of
 * classes; the class that wins most pairs is told (Knerr, Personnaz and Dreyfus 1990). Before convolutional
 * networks this was how pictures were told apart.
 *
 *   minimised:  |w|^2 / 2 + c * sum_i max(0, 1 - y_i <w, x_i>)^2          y_i: 1 or -1; x_i has a constant 1 behind it
 *
 * w is sum_i a_i y_i x_i with a_i >= 0, and one a_i after the other is set to where the dual function is least,
 * again and again (dual coordinate descent; Hsieh et al. 2008):
 *
 *   a_i <- max(0, a_i - (y_i <w, x_i> - 1 + a_i / 2c) / (|x_i|^2 + 1 / 2c))
 *
 * Each picture is learnt from as it is, and moved by a pixel. Descriptions stay bytes. Pairs are shared out among the
 * threads; each is computed by one, so the bits are the same for any number of them. Of training sets that do not fit
 * into `most` bytes an even selection is taken, told as `of`. */
#include "floors/floors.h"
#include "floors/hog.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 6, LANES = 16, MOST_CLASSES = 100 };
static const int64_t most = INT64_C(512) << 20;
enum { C, OF };
enum { COPIES = 2 };

typedef struct svm {
	eg_floor base;
	eg_hog hog;
	int size, npairs; /* bytes of a description, a multiple of LANES, the last ones 0 */
	int64_t n; /* descriptions: of one view behind those of another */
	uint8_t *x;
	float *length; /* |x|^2, with the constant */
	int32_t *labels;
	float *w;      /* [pair][size + LANES]: w, then the constant's */
	/* of each pair, while they are trained */
	uint32_t *items; /* samples of its two classes, pair behind pair */
	float *a;
	int64_t *begin;
	int round;
	eg_team *team;
	float *scratch;  /* of each thread */
	const eg_floor_batch *batch;
	uint8_t *described;
	int copy;
} svm;

static int pairs_of(int K) { return K * (K - 1) / 2; }

/* The classes of pair number p. */
static void classes_of(int p, int K, int *first, int *second) {
	for (*first = 0; p >= K - 1 - *first; ++*first) p -= K - 1 - *first;
	*second = *first + 1 + p;
}

static float *weights(const svm *m, int pair) { return m->w + (ptrdiff_t)pair * (m->size + LANES); }

/* ---- descriptions ------------------------------------------------------------------------------------------------ */

/* Each picture is learnt from as it is, and moved by a pixel in one of four directions in turn. */
static eg_hog_view view_of(int copy, int64_t i) { return copy == 0 ? EG_HOG_PLAIN : (eg_hog_view)(EG_HOG_UP + i % 4); }

static void describe_share(void *arg, int rank, int size) {
	svm *m = arg;
	int begin, end;
	eg_split(m->batch->n, rank, size, &begin, &end);
	for (int i = begin; i < end; i++) {
		uint8_t *out = m->described + (ptrdiff_t)i * m->size;
		memset(out + m->hog.size, 0, (size_t)(m->size - m->hog.size));
		eg_hog_describe(&m->hog, eg_floor_row(&m->base, m->batch, i), view_of(m->copy, m->batch->first + i), out,
		        m->scratch + (ptrdiff_t)rank * m->hog.scratch);
	}
}

static void describe(svm *m, const eg_floor_batch *b, uint8_t *out) {
	m->batch = b, m->described = out;
	eg_team_run(m->team, eg_team_size(m->team), describe_share, m);
}

static void note(svm *m, int64_t i, int32_t label) {
	const uint8_t *x = m->x + i * m->size;
	int64_t sum = 0;
	for (int d = 0; d < m->size; d++) sum += x[d] * x[d];
	m->length[i] = (float)((double)sum / (255.0 * 255)) + 1;
	m->labels[i] = label;
}

static eg_status describe_all(svm *m, const eg_floor_part *p, eg_error *err) {
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	while (!status && b.n > 0) {
		for (m->copy = 0; m->copy < COPIES; m->copy++) {
			int64_t first = b.first + m->copy * p->count;
			describe(m, &b, m->x + first * m->size);
			for (int i = 0; i < b.n; i++) note(m, first + i, eg_floor_label(&m->base, &b, i));
		}
		status = eg_floor_tell(&m->base, 0.3 * (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* <w, x>, with the constant; in lanes, so that it is several sums at a time. */
static float product(const float *w, const uint8_t *x, int size) {
	float sum[LANES] = {0}, all = 0;
	for (int d = 0; d < size; d += LANES)
		for (int k = 0; k < LANES; k++) sum[k] += w[d + k] * (float)x[d + k];
	for (int k = 0; k < LANES; k++) all += sum[k];
	return all / 255 + w[size];
}

static void add(float *w, float s, const uint8_t *x, int size) {
	const float scaled = s / 255;
	for (int d = 0; d < size; d++) w[d] += scaled * (float)x[d];
	w[size] += s;
}

/* One round over the samples of a pair, in an order of its own. */
static void train_pair(svm *m, int pair) {
	int K = eg_floor_classes(&m->base), first, second;
	uint32_t *items = m->items + m->begin[pair];
	int64_t n = m->begin[pair + 1] - m->begin[pair];
	float *w = weights(m, pair), *a = m->a + m->begin[pair], soft = (float)(0.5 / m->base.settings[C]);
	classes_of(pair, K, &first, &second);
	for (int64_t j = n - 1; j > 0; j--) { /* places and their a change together */
		const eg_rng r = {1, eg_stream(EG_RNG_SHUFFLE, (uint32_t)pair, (uint64_t)m->round)};
		int64_t k = (int64_t)eg_rng_below(r, (uint64_t)j, (uint64_t)j + 1);
		uint32_t item = items[j];
		float other = a[j];
		items[j] = items[k], items[k] = item;
		a[j] = a[k], a[k] = other;
	}
	for (int64_t j = 0; j < n; j++) {
		const uint8_t *x = m->x + (int64_t)items[j] * m->size;
		float y = m->labels[items[j]] == first ? 1 : -1;
		float slope = y * product(w, x, m->size) - 1 + a[j] * soft;
		float now = fmaxf(0, a[j] - slope / (m->length[items[j]] + soft));
		if (now == a[j]) continue;
		add(w, (now - a[j]) * y, x, m->size);
		a[j] = now;
	}
}

static void train_share(void *arg, int rank, int size) {
	svm *m = arg;
	for (int pair = rank; pair < m->npairs; pair += size) train_pair(m, pair);
}

static eg_status list_pairs(svm *m, eg_error *err) {
	int K = eg_floor_classes(&m->base), first, second;
	m->items = eg_calloc(NULL, (size_t)(m->n * (K - 1)) + 1, sizeof *m->items);
	m->a = eg_calloc(NULL, (size_t)(m->n * (K - 1)) + 1, sizeof *m->a);
	m->begin = eg_calloc(NULL, (size_t)m->npairs + 1, sizeof *m->begin);
	if (!m->items || !m->a || !m->begin) return eg_floor_no_memory(&m->base, err);
	int64_t at = 0;
	for (int p = 0; p < m->npairs; p++) {
		classes_of(p, K, &first, &second);
		m->begin[p] = at;
		for (int64_t i = 0; i < m->n; i++)
			if (m->labels[i] == first || m->labels[i] == second) m->items[at++] = (uint32_t)i;
	}
	m->begin[m->npairs] = at;
	return EG_OK;
}

static void drop_training(svm *m) {
	eg_block_free(NULL, m->x);
	eg_release(NULL, m->items);
	eg_release(NULL, m->a);
	eg_release(NULL, m->begin);
	m->x = NULL, m->items = NULL, m->a = NULL, m->begin = NULL;
}

static eg_status make_room(svm *m, eg_error *err) {
	int threads = eg_context_threads(m->base.ctx);
	m->npairs = pairs_of(eg_floor_classes(&m->base));
	m->team = eg_team_new(NULL, threads, err);
	if (!m->team) return EG_ERR_MEMORY;
	m->scratch = eg_calloc(NULL, (size_t)m->hog.scratch * (size_t)threads, sizeof *m->scratch);
	m->x = eg_block_new(NULL, (size_t)(m->n * m->size));
	m->length = eg_calloc(NULL, (size_t)m->n, sizeof *m->length);
	m->labels = eg_calloc(NULL, (size_t)m->n, sizeof *m->labels);
	m->w = eg_calloc(NULL, (size_t)m->npairs * (size_t)(m->size + LANES), sizeof *m->w);
	bool there = m->scratch && m->x && m->length && m->labels && m->w;
	return there ? EG_OK : eg_floor_no_memory(&m->base, err);
}

static eg_hog hog_of(const eg_floor *f) {
	const eg_dims *d = &f->task->intakes[0]->sample;
	if (d->rank < 2 || d->rank > 3 || eg_floor_width(f) < 1) return (eg_hog){0};
	return eg_hog_of(d->rank == 3 ? (int)d->d[0] : 1, (int)d->d[d->rank - 2], (int)d->d[d->rank - 1]);
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	svm *m = (svm *)f;
	eg_floor_part some;
	m->hog = hog_of(f);
	m->size = (m->hog.size + LANES - 1) / LANES * LANES;
	if (m->size < 1) return eg_fail(err, EG_ERR_ARG, "the floor '%s' is for pictures", f->type->info.name);
	eg_status status = eg_floor_some(p, most / m->size / COPIES, &some, err);
	m->n = some.count * COPIES;
	f->settings[OF] = (double)some.count;
	if (!status) status = make_room(m, err);
	if (!status) status = describe_all(m, &some, err);
	if (!status) status = list_pairs(m, err);
	for (m->round = 0; m->round < ROUNDS && !status; m->round++) {
		eg_team_run(m->team, eg_team_size(m->team), train_share, m);
		status = eg_floor_tell(f, 0.3 + 0.7 * (m->round + 1) / ROUNDS, err);
	}
	drop_training(m);
	eg_release(NULL, some.items);
	return status;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* Adds the pairs that were won; of as many, the margins tell. */
static void count_votes(const svm *m, const uint8_t *x, eg_real *votes) {
	int K = eg_floor_classes(&m->base), first, second;
	for (int p = 0; p < m->npairs; p++) {
		float d = product(weights(m, p), x, m->size), margin = d > 1 ? 1 : d < -1 ? -1 : d;
		classes_of(p, K, &first, &second);
		votes[d > 0 ? first : second] += 1;
		votes[first] += (eg_real)(margin * 1e-3F);
		votes[second] -= (eg_real)(margin * 1e-3F);
	}
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	svm *m = (svm *)f;
	int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	uint8_t *x = eg_alloc(NULL, (size_t)b->n * (size_t)m->size);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out || !x) return eg_release(NULL, x), eg_floor_no_memory(f, err);
	memset(out, 0, (size_t)b->n * (size_t)K * sizeof *out);
	m->copy = 0;
	describe(m, b, x);
	for (int i = 0; i < b->n; i++) count_votes(m, x + (ptrdiff_t)i * m->size, out + (ptrdiff_t)i * K);
	eg_release(NULL, x);
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static bool serves(const eg_floor *f) {
	int K = eg_floor_classes(f);
	return eg_floor_takes(f, EG_FIELD_PICTURE) && f->task->nintakes == 2 && K > 1 && K <= MOST_CLASSES && hog_of(f).size > 0;
}

static void free_floor(eg_floor *f) {
	svm *m = (svm *)f;
	drop_training(m);
	eg_team_free(m->team);
	eg_release(NULL, m->scratch);
	eg_release(NULL, m->length);
	eg_release(NULL, m->labels);
	eg_release(NULL, m->w);
}

const eg_floor_type eg_floor_type_hog_svm = {
	.info = {.name = "hog-svm",
		.task = "classify",
		.doc = "histograms of a picture's edges, and a flat border between every two classes",
		.source = "Dalal and Triggs 2005; Cortes and Vapnik 1995; Hsieh et al. 2008",
		.version = 3},
	.size = sizeof(svm),
	.settings = {{.name = "c", .n = 1, .tried = {0.015}, .low = 0.001, .high = 1, .log = true},
	        {.name = "of", .n = 1, .tried = {0}}},
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};

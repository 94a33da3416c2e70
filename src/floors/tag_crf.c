/* tag_crf.c - the floor `crf`: a linear-chain conditional random field (Lafferty, McCallum and Pereira 2001) on the
 * units around each place, without a network.
 *
 *   score(tags | units) = sum over t:  a[tag before t][tag t]  +  sum over the features f at t: w[f][tag t]
 *   p(tags | units)     = exp(score) / sum over all tag sequences of exp(score)
 *
 * Features are the five units from two before to two behind, and their pairs of neighbours, and the two around t. Those
 * seen once are left out. -ln p of the training sentences is made small, sentence by sentence in an order drawn anew
 * in each pass: its slope is what is expected (by sums from both sides) less what is there. The step of each weight is
 * divided by the root of the sum of its squared slopes so far (AdaGrad, Duchi et al. 2011), so rare features learn as
 * fast as frequent ones. Large weights cost nothing: the number of passes is what keeps them small.
 *
 * Where tags are B-X and I-X, no I-X begins or follows what is not an X. What is told is the likeliest sequence
 * (Viterbi), not the likeliest tag of each place. */
#include "floors/bags.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { KINDS = 10, SEEN = 2 };
enum { RATE, EPOCHS };

/* Which two units, counted from t, a feature of each kind looks at; the same twice: one alone. */
static const int8_t places[KINDS][2] = {
	{-2, -2}, {-1, -1}, {0, 0}, {1, 1}, {2, 2}, {-2, -1}, {-1, 0}, {0, 1}, {1, 2}, {-1, 1}};

/* All training sentences. */
typedef struct corpus {
	int64_t n;
	size_t *start; /* steps of sentence i: start[i] .. start[i + 1] - 1 */
	int32_t *ids, *tags;
	int32_t *rows; /* of each step KINDS */
	size_t size, room;
	int longest;
} corpus;

typedef struct tag_crf {
	eg_floor base;
	eg_features features; /* `seen` counts how often */
	int32_t *row;         /* of a feature; -1: too rare */
	int nrows;
	eg_real *w, *squares; /* [row][tag], and of its slopes */
	double *a, *a_squares, *a_exp, *edges; /* [tag before][tag], the last row: at the beginning; edges: expected */
	double *psi, *alpha, *beta;            /* of a sentence, [step][tag]: exp(scores), sums from both sides */
	int32_t *said, *found;                 /* of a sentence */
	int room;                              /* steps that these have room for */
} tag_crf;

static int tags_of(const tag_crf *m) { return eg_floor_classes(&m->base); }

/* May tag j follow tag i, or (i = tags) begin? */
static bool may_follow(const tag_crf *m, int i, int j) {
	const eg_intake *target = eg_task_target(m->base.task);
	const eg_lexicon *names = eg_intake_names(target);
	return !eg_intake_spans(target) || eg_tag_may_follow(names->at[j], i < names->n ? names->at[i] : NULL);
}

/* ---- features ---------------------------------------------------------------------------------------------------- */

/* Numbers of the features at step t of n; `each`: between two steps' units. Units count from 1, 0: beyond the ends. */
static void keys_at(const int32_t *ids, int each, int t, int n, uint64_t *keys) {
	for (int k = 0; k < KINDS; k++) {
		const int a = t + places[k][0], b = t + places[k][1];
		const int32_t first = a >= 0 && a < n ? ids[(ptrdiff_t)a * each] + 1 : 0;
		const int32_t second = b >= 0 && b < n ? ids[(ptrdiff_t)b * each] + 1 : 0;
		keys[k] = eg_feature_key(first * KINDS + k, second);
	}
}

/* Their rows of weights. */
static void rows_of(const tag_crf *m, const int32_t *ids, int each, int n, int32_t *rows) {
	uint64_t keys[KINDS];
	for (int t = 0; t < n; t++, rows += KINDS) {
		keys_at(ids, each, t, n, keys);
		for (int k = 0; k < KINDS; k++) {
			const int at = eg_features_find(&m->features, keys[k]);
			rows[k] = at < 0 ? -1 : m->row[at];
		}
	}
}

static bool grow(corpus *c, size_t more) {
	if (c->size + more <= c->room) return true;
	const size_t room = 2 * (c->size + more);
	int32_t *ids = eg_alloc(NULL, room * sizeof *ids), *tags = eg_alloc(NULL, room * sizeof *tags);
	if (!ids || !tags) return eg_release(NULL, ids), eg_release(NULL, tags), false;
	if (c->size) memcpy(ids, c->ids, c->size * sizeof *ids), memcpy(tags, c->tags, c->size * sizeof *tags);
	eg_release(NULL, c->ids);
	eg_release(NULL, c->tags);
	c->ids = ids, c->tags = tags, c->room = room;
	return true;
}

/* A sentence, without what is padding; its features are counted. */
static eg_status add(tag_crf *m, corpus *c, const eg_floor_batch *b, eg_error *err) {
	const int32_t *ids = b->slots[0], *tags = eg_batch_input(&b->run, eg_task_target_input(m->base.task));
	const int each = eg_floor_step(b);
	uint64_t keys[KINDS];
	int n = 0;
	while (n < b->time && tags[n] >= 0) n++;
	if (!grow(c, (size_t)n)) return eg_floor_no_memory(&m->base, err);
	for (int t = 0; t < n; t++) {
		c->ids[c->size + (size_t)t] = ids[(ptrdiff_t)t * each];
		c->tags[c->size + (size_t)t] = tags[t];
		keys_at(ids, each, t, n, keys);
		for (int k = 0; k < KINDS; k++) {
			const int at = eg_features_put(&m->features, keys[k]);
			if (at < 0) return eg_floor_no_memory(&m->base, err);
			m->features.seen[at]++;
		}
	}
	c->size += (size_t)n;
	c->start[++c->n] = c->size;
	if (n > c->longest) c->longest = n;
	return EG_OK;
}

static eg_status read_corpus(tag_crf *m, corpus *c, const eg_floor_part *p, eg_error *err) {
	eg_floor_batch b = {.part = p};
	c->start = eg_calloc(NULL, (size_t)p->count + 1, sizeof *c->start);
	eg_status status = c->start ? eg_floor_next(&b, 1, err) : eg_floor_no_memory(&m->base, err);
	while (!status && b.n > 0) {
		status = add(m, c, &b, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

/* Features that were seen often enough have a row of weights; then each step's rows are looked up once. */
static eg_status number_features(tag_crf *m, corpus *c, eg_error *err) {
	m->row = eg_alloc(NULL, ((size_t)m->features.n + 1) * sizeof *m->row);
	c->rows = eg_alloc(NULL, (c->size + 1) * KINDS * sizeof *c->rows);
	if (!m->row || !c->rows) return eg_floor_no_memory(&m->base, err);
	for (int i = 0; i < m->features.n; i++) m->row[i] = m->features.seen[i] >= SEEN ? m->nrows++ : -1;
	for (int64_t i = 0; i < c->n; i++)
		rows_of(m, c->ids + c->start[i], 1, (int)(c->start[i + 1] - c->start[i]), c->rows + c->start[i] * KINDS);
	return EG_OK;
}

static void free_corpus(corpus *c) {
	eg_release(NULL, c->start);
	eg_release(NULL, c->ids);
	eg_release(NULL, c->tags);
	eg_release(NULL, c->rows);
}

/* ---- the field --------------------------------------------------------------------------------------------------- */

static void drop_room(tag_crf *m) {
	eg_release(NULL, m->psi);
	eg_release(NULL, m->alpha);
	eg_release(NULL, m->beta);
	eg_release(NULL, m->said);
	eg_release(NULL, m->found);
	m->psi = m->alpha = m->beta = NULL;
	m->said = m->found = NULL;
	m->room = 0;
}

/* Room for a sentence of n steps. */
static bool make_room(tag_crf *m, int n) {
	const size_t K = (size_t)tags_of(m), steps = (size_t)n + 1;
	if (n < m->room) return true;
	drop_room(m);
	m->psi = eg_calloc(NULL, steps * K, sizeof *m->psi);
	m->alpha = eg_calloc(NULL, steps * K, sizeof *m->alpha);
	m->beta = eg_calloc(NULL, steps * K, sizeof *m->beta);
	m->said = eg_calloc(NULL, steps * K, sizeof *m->said);
	m->found = eg_calloc(NULL, steps * KINDS, sizeof *m->found);
	if (!m->psi || !m->alpha || !m->beta || !m->said || !m->found) return drop_room(m), false;
	m->room = (int)steps;
	return true;
}

/* Sums of weights of the n steps' features, into psi. */
static void score(const tag_crf *m, const int32_t *rows, int n) {
	const int K = tags_of(m);
	for (int t = 0; t < n; t++) {
		double *s = m->psi + (ptrdiff_t)t * K;
		for (int k = 0; k < K; k++) s[k] = 0;
		for (int f = 0; f < KINDS; f++) {
			const int32_t row = rows[(ptrdiff_t)t * KINDS + f];
			const eg_real *w = row < 0 ? NULL : m->w + (ptrdiff_t)row * K;
			for (int k = 0; k < K && w; k++) s[k] += (double)w[k];
		}
	}
}

static void to_exp(double *s, int K) {
	double most = s[0];
	for (int k = 1; k < K; k++) most = fmax(most, s[k]);
	for (int k = 0; k < K; k++) s[k] = exp(s[k] - most);
}

static void to_shares(double *x, int K) {
	double sum = 0;
	for (int k = 0; k < K; k++) sum += x[k];
	for (int k = 0; k < K; k++) x[k] /= fmax(sum, DBL_MIN);
}

/* alpha: the share of all sequences up to t that end in each tag. */
static void forward(tag_crf *m, int n) {
	const int K = tags_of(m);
	for (int t = 0; t < n; t++) {
		double *to = m->alpha + (ptrdiff_t)t * K, *psi = m->psi + (ptrdiff_t)t * K;
		to_exp(psi, K);
		for (int k = 0; k < K; k++) to[k] = t ? 0 : m->a_exp[K * K + k];
		for (int i = 0; i < K && t; i++)
			for (int k = 0; k < K; k++) to[k] += to[i - K] * m->a_exp[i * K + k];
		for (int k = 0; k < K; k++) to[k] *= psi[k];
		to_shares(to, K);
	}
}

/* What is expected: edges get how often each tag follows each, alpha of each step how likely each tag is there. */
static void backward(tag_crf *m, int n) {
	const int K = tags_of(m);
	memset(m->edges, 0, (size_t)(K + 1) * (size_t)K * sizeof *m->edges);
	for (int t = n - 1; t >= 0; t--) {
		double *beta = m->beta + (ptrdiff_t)t * K, *alpha = m->alpha + (ptrdiff_t)t * K, sum = 0;
		const double *next = beta + K, *psi = m->psi + (ptrdiff_t)(t + 1) * K;
		for (int i = 0; i < K; i++) {
			beta[i] = t == n - 1;
			for (int k = 0; k < K && t < n - 1; k++) beta[i] += m->a_exp[i * K + k] * psi[k] * next[k];
			sum += alpha[i] * beta[i];
		}
		for (int i = 0; i < K && t < n - 1; i++)
			for (int k = 0; k < K; k++)
				m->edges[i * K + k] += alpha[i] * m->a_exp[i * K + k] * psi[k] * next[k] / fmax(sum, DBL_MIN);
		for (int i = 0; i < K; i++) alpha[i] *= beta[i];
		to_shares(alpha, K);
		to_shares(beta, K);
	}
	for (int k = 0; k < K; k++) m->edges[K * K + k] = m->alpha[k];
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static void step_features(tag_crf *m, const int32_t *rows, const int32_t *tags, int n) {
	const int K = tags_of(m);
	const eg_real rate = (eg_real)m->base.settings[RATE];
	for (int t = 0; t < n; t++) {
		double *slope = m->alpha + (ptrdiff_t)t * K;
		slope[tags[t]]--;
		for (int f = 0; f < KINDS; f++) {
			const int32_t row = rows[(ptrdiff_t)t * KINDS + f];
			if (row < 0) continue;
			eg_real *w = m->w + (ptrdiff_t)row * K, *squares = m->squares + (ptrdiff_t)row * K;
			for (int k = 0; k < K; k++) {
				const eg_real x = (eg_real)slope[k];
				squares[k] += x * x;
				w[k] -= rate * x / (eg_real)sqrt((double)(squares[k] + (eg_real)1e-6));
			}
		}
	}
}

static void step_edges(tag_crf *m, const int32_t *tags, int n) {
	const int K = tags_of(m);
	for (int t = 0; t < n; t++) m->edges[(t ? tags[t - 1] : K) * K + tags[t]]--;
	for (int i = 0; i < (K + 1) * K; i++) {
		if (m->a_exp[i] <= 0) continue; /* never */
		m->a_squares[i] += m->edges[i] * m->edges[i];
		m->a[i] -= m->base.settings[RATE] * m->edges[i] / sqrt(m->a_squares[i] + 1e-6);
		m->a_exp[i] = exp(m->a[i]);
	}
}

static eg_status learn(tag_crf *m, const corpus *c, eg_error *err) {
	const int epochs = (int)m->base.settings[EPOCHS];
	uint32_t *order = eg_alloc(NULL, ((size_t)c->n + 1) * sizeof *order);
	eg_status status = order ? EG_OK : eg_floor_no_memory(&m->base, err);
	for (int64_t i = 0; i < c->n && order; i++) order[i] = (uint32_t)i;
	for (int epoch = 0; epoch < epochs && !status; epoch++) {
		eg_rng_shuffle((eg_rng){1, eg_stream(EG_RNG_SHUFFLE, (uint32_t)epoch, 0)}, order, (size_t)c->n);
		for (int64_t i = 0; i < c->n && !status; i++) {
			const size_t from = c->start[order[i]], n = c->start[order[i] + 1] - from;
			if (n < 1) continue;
			score(m, c->rows + from * KINDS, (int)n);
			forward(m, (int)n);
			backward(m, (int)n);
			step_features(m, c->rows + from * KINDS, c->tags + from, (int)n);
			step_edges(m, c->tags + from, (int)n);
			if (i % 1000 == 0)
				status = eg_floor_tell(&m->base, ((double)epoch + (double)i / (double)c->n) / epochs, err);
		}
	}
	eg_release(NULL, order);
	return status;
}

static eg_status make_weights(tag_crf *m, eg_error *err) {
	const size_t K = (size_t)tags_of(m), weights = ((size_t)m->nrows + 1) * K, edges = (K + 1) * K;
	m->w = eg_calloc(NULL, weights, sizeof *m->w);
	m->squares = eg_calloc(NULL, weights, sizeof *m->squares);
	m->a = eg_calloc(NULL, edges, sizeof *m->a);
	m->a_squares = eg_calloc(NULL, edges, sizeof *m->a_squares);
	m->a_exp = eg_calloc(NULL, edges, sizeof *m->a_exp);
	m->edges = eg_calloc(NULL, edges, sizeof *m->edges);
	if (!m->w || !m->squares || !m->a || !m->a_squares || !m->a_exp || !m->edges) return eg_floor_no_memory(&m->base, err);
	for (int i = 0; i <= (int)K; i++)
		for (int k = 0; k < (int)K; k++) m->a_exp[i * (int)K + k] = may_follow(m, i, k);
	return EG_OK;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	tag_crf *m = (tag_crf *)f;
	corpus c = {0};
	eg_status status = read_corpus(m, &c, p, err);
	if (!status) status = number_features(m, &c, err);
	if (!status) status = make_weights(m, err);
	if (!status && !make_room(m, c.longest)) status = eg_floor_no_memory(f, err);
	if (!status) status = learn(m, &c, err);
	free_corpus(&c);
	return status ? status : eg_floor_tell(f, 1, err);
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

/* The best sequence: `alpha` is the best sum up to a step and tag, `said` which tag was before. */
static int best_way(tag_crf *m, int n) {
	const int K = tags_of(m);
	for (int t = 0; t < n; t++)
		for (int k = 0; k < K; k++) {
			double *to = m->alpha + (ptrdiff_t)t * K;
			to[k] = t == 0 && m->a_exp[K * K + k] > 0 ? m->a[K * K + k] : -HUGE_VAL;
			for (int i = 0; i < K && t; i++) {
				const double x = m->a_exp[i * K + k] > 0 ? to[i - K] + m->a[i * K + k] : -HUGE_VAL;
				if (i == 0 || x > to[k]) to[k] = x, m->said[(ptrdiff_t)t * K + k] = i;
			}
			to[k] += m->psi[(ptrdiff_t)t * K + k];
		}
	const double *last = m->alpha + (ptrdiff_t)(n - 1) * K;
	int best = 0;
	for (int k = 1; k < K; k++)
		if (last[k] > last[best]) best = k;
	return best;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	tag_crf *m = (tag_crf *)f;
	const int K = tags_of(m);
	eg_real *out = eg_floor_room(f, (size_t)steps * (size_t)K);
	EG_UNUSED(from); /* sentences come whole */
	if (!out || !make_room(m, steps)) return eg_floor_no_memory(f, err);
	rows_of(m, b->slots[0], eg_floor_step(b), steps, m->found);
	score(m, m->found, steps);
	memset(out, 0, (size_t)steps * (size_t)K * sizeof *out);
	for (int t = steps - 1, k = best_way(m, steps); t >= 0; k = m->said[(ptrdiff_t)t * K + k], t--) out[t * K + k] = 1;
	*said = (eg_said){out, {3, {steps, 1, K}}, true};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	tag_crf *m = (tag_crf *)f;
	drop_room(m);
	eg_features_free(&m->features);
	eg_release(NULL, m->row);
	eg_release(NULL, m->w);
	eg_release(NULL, m->squares);
	eg_release(NULL, m->a);
	eg_release(NULL, m->a_squares);
	eg_release(NULL, m->a_exp);
	eg_release(NULL, m->edges);
}

const eg_floor_type eg_floor_type_tag_crf = {
	.info = {.name = "crf",
		.task = "tag",
		.doc = "a conditional random field on the units around, and their pairs",
		.source = "Lafferty, McCallum and Pereira 2001; AdaGrad: Duchi et al. 2011",
		.version = 1},
	.size = sizeof(tag_crf),
	.settings = {{.name = "rate", .n = 1, .tried = {0.1}, .low = 0.01, .high = 1, .log = true},
	        {.name = "epochs", .n = 1, .tried = {10}, .low = 1, .high = 30, .whole = true}},
	.serves = eg_floor_tags_units,
	.train = train,
	.say = say,
	.free = free_floor,
};

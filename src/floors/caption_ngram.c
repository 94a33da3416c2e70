/* caption_ngram.c - the floor `caption-ngram` of the task caption: the likeliest caption there is, whatever is shown.
 * How often each unit follows the five before it in the training captions,
 *
 *   p(w | h) = c(h w) / c(h)        h: the last 5 units, with the end mark in the place of those before the beginning,
 *
 * tells how likely a caption is; the likeliest is looked for by beam search, once. What a network is worth that has
 * learnt the sentences and not to look, can be seen by it. */
#include "floors/bags.h"
#include "tasks/written.h"

#include <math.h>
#include <string.h>

enum { BEFORE = 5, BEAM = 32 };

/* Runs of units as ways from node 0 of a tree, each with how often it occurs. */
typedef struct ngram {
	eg_floor base;
	eg_features nodes; /* number of a node, by the one above it and the unit that leads to it */
	double *count;
	int room, longest;
	char *text;
	/* while it is searched for */
	int32_t (*histories)[BEFORE], (*next)[BEFORE];
	eg_real *logits;
} ngram;

static const eg_vocab *vocab_of(const ngram *m) { return eg_intake_vocab(eg_task_target(m->base.task)); }

/* The child of a node, made when it is new; -1: out of memory. */
static int child(ngram *m, int node, int32_t unit) {
	const int k = eg_features_put(&m->nodes, eg_feature_key(node, unit));
	if (k < m->room) return k;
	const int room = 2 * k + 1024;
	double *count = eg_calloc(NULL, (size_t)room, sizeof *count);
	if (!count) return -1;
	if (m->room) memcpy(count, m->count, (size_t)m->room * sizeof *count);
	eg_release(NULL, m->count);
	m->count = count, m->room = room;
	return k;
}

static void shift(int32_t h[BEFORE], int32_t unit) {
	memmove(h, h + 1, (BEFORE - 1) * sizeof *h);
	h[BEFORE - 1] = unit;
}

static void begin(const ngram *m, int32_t h[BEFORE]) {
	for (int i = 0; i < BEFORE; i++) h[i] = eg_vocab_end(vocab_of(m));
}

/* The units of a caption, its end mark behind them. */
static bool add(ngram *m, const int32_t *units, int n) {
	int32_t h[BEFORE];
	begin(m, h);
	for (int t = 0; t < n && units[t] >= 0; t++) {
		int node = 0;
		for (int i = 0; i < BEFORE && node >= 0; i++) node = child(m, node, h[i]);
		if (node < 0) return false;
		m->count[node]++;
		node = child(m, node, units[t]);
		if (node < 0) return false;
		m->count[node]++;
		shift(h, units[t]);
	}
	if (n > m->longest) m->longest = n;
	return true;
}

/* ---- the likeliest ----------------------------------------------------------------------------------------------- */

static void score(const ngram *m, const int32_t h[BEFORE], eg_real *logits) {
	const int units = eg_vocab_count(vocab_of(m));
	int node = 0;
	for (int i = 0; i < BEFORE && node >= 0; i++) node = eg_features_find(&m->nodes, eg_feature_key(node, h[i]));
	for (int w = 0; w < units; w++) {
		const int k = node >= 0 ? eg_features_find(&m->nodes, eg_feature_key(node, w)) : -1;
		logits[w] = k >= 0 ? (eg_real)log(m->count[k] / m->count[node]) : -1e4F;
	}
}

static eg_status step(void *user, int n, const int *from, const int32_t *units, const eg_real **logits, const eg_real **attention,
	eg_error *err) {
	ngram *m = user;
	const int K = eg_vocab_count(vocab_of(m));
	EG_UNUSED(err);
	*attention = NULL;
	for (int i = 0; i < n; i++) {
		memcpy(m->next[i], m->histories[from[i]], sizeof m->next[i]);
		shift(m->next[i], units[i]);
		score(m, m->next[i], m->logits + (ptrdiff_t)i * K);
	}
	memcpy(m->histories, m->next, (size_t)n * sizeof *m->histories);
	*logits = m->logits;
	return EG_OK;
}

static eg_status find(ngram *m, eg_error *err) {
	const eg_vocab *v = vocab_of(m);
	const eg_beam_model model = {.user = m, .step = step};
	const eg_beam_options o = {.beam = BEAM, .longest = m->longest, .units = eg_vocab_count(v), .begin = eg_vocab_end(v),
		.end = eg_vocab_end(v), .never = eg_vocab_unknown(v)};
	eg_hypothesis best = {0};
	eg_arena room = {0};
	const char *text = "";
	for (int i = 0; i < BEAM; i++) begin(m, m->histories[i]);
	eg_status status = eg_beam_search(&model, &o, 1, &best, err);
	if (!status) status = eg_written_spell(v, &best, &room, &text, err);
	m->text = status ? NULL : eg_calloc(NULL, strlen(text) + 1, 1);
	if (!status && !m->text) status = eg_floor_no_memory(&m->base, err);
	if (!status) memcpy(m->text, text, strlen(text));
	eg_hypothesis_free(&best);
	eg_arena_free(&room);
	return status;
}

/* ---- the floor --------------------------------------------------------------------------------------------------- */

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	ngram *m = (ngram *)f;
	const char *target = eg_task_target_input(f->task);
	eg_floor_batch b = {.part = p};
	m->histories = eg_calloc(NULL, BEAM, sizeof *m->histories);
	m->next = eg_calloc(NULL, BEAM, sizeof *m->next);
	m->logits = eg_calloc(NULL, (size_t)BEAM * (size_t)eg_vocab_count(vocab_of(m)), sizeof *m->logits);
	eg_status status = m->histories && m->next && m->logits && child(m, -1, 0) == 0 ? eg_floor_next(&b, 1, err) : eg_floor_no_memory(f, err);
	while (!status && b.n > 0) {
		if (!add(m, eg_batch_input(&b.run, target), b.time)) status = eg_floor_no_memory(f, err);
		if (!status) status = eg_floor_tell(f, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	eg_floor_batch_free(&b);
	return status ? status : find(m, err);
}

static eg_status write(eg_floor *f, const eg_floor_batch *b, const char **texts, eg_error *err) {
	EG_UNUSED(err);
	for (int i = 0; i < b->n; i++) texts[i] = ((ngram *)f)->text;
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	ngram *m = (ngram *)f;
	eg_features_free(&m->nodes);
	eg_release(NULL, m->count);
	eg_release(NULL, m->text);
	eg_release(NULL, m->histories);
	eg_release(NULL, m->next);
	eg_release(NULL, m->logits);
}

const eg_floor_type eg_floor_type_caption_ngram = {
	.info = {.name = "caption-ngram",
		.task = "caption",
		.doc = "the likeliest caption by how often units follow the five before them; nothing is looked at",
		.source = "Shannon 1948",
		.version = 1},
	.size = sizeof(ngram),
	.batch = 1,
	.train = train,
	.write = write,
	.free = free_floor,
};

/* beam.c - beam search (beam.h). All that was ever in a beam are nodes of trees, one tree a sentence: a hypothesis is
 * the way from a node back to the first.
 *
 * Not here: the network (scribe.c), texts. */
#include "tasks/beam.h"

#include <math.h>
#include <string.h>

/* A unit that was chosen behind another. */
typedef struct node {
	int parent, sentence; /* parent -1: the first */
	int32_t unit;
	int length;           /* units down to here */
	double logprob;
	size_t attention;     /* of the step that chose it: its row among all */
} node;

typedef struct candidate {
	int row; /* of the hypothesis it goes on from */
	int32_t unit;
	double logprob;
} candidate;

typedef struct search {
	const eg_beam_model *model;
	const eg_beam_options *o;
	eg_hypothesis *best;
	int sentences;
	node *nodes;
	int nnodes, cap_nodes;
	eg_real *attention; /* rows of all steps */
	size_t rows, cap_rows;
	int *live, *next;   /* nodes of the hypotheses that live, those of a sentence side by side */
	int nlive;
	int *from, *ended;  /* rows to go on from; how many of each sentence have ended */
	int32_t *units;
	candidate *found;   /* of a sentence: 2 * beam + 1 */
	double *covered;
	bool last; /* step: everything has to end */
	eg_error *err;
} search;

static eg_status no_memory(const search *s) { return eg_fail(s->err, EG_ERR_MEMORY, "out of memory for a beam"); }

void eg_hypothesis_free(eg_hypothesis *h) {
	eg_release(NULL, h->units);
	eg_release(NULL, h->unit_logprob);
	eg_release(NULL, h->attention);
	*h = (eg_hypothesis){0};
}

/* ---- what a hypothesis is worth ---------------------------------------------------------------------------------- */

static double by_length(const eg_beam_options *o, int n) { return pow((5.0 + n) / 6.0, o->alpha); }

static int places_of(const search *s, int sentence) {
	return s->model->lengths ? s->model->lengths[sentence] : s->o->places;
}

/* The attention of step `row` (counted over all), of a hypothesis that ends there, and of all before it. */
static double coverage_of(const search *s, int sentence, int at, size_t row) {
	const int places = places_of(s, sentence);
	double sum = 0;
	if (s->o->coverage <= 0 || s->o->places < 1) return 0;
	for (int i = 0; i < places; i++) s->covered[i] = (double)s->attention[row * (size_t)s->o->places + (size_t)i];
	for (int k = at; s->nodes[k].parent >= 0; k = s->nodes[k].parent)
		for (int i = 0; i < places; i++)
			s->covered[i] += (double)s->attention[s->nodes[k].attention * (size_t)s->o->places + (size_t)i];
	for (int i = 0; i < places; i++) sum += log(s->covered[i] < 1 ? fmax(s->covered[i], 1e-9) : 1);
	return s->o->coverage * sum;
}

/* Of a hypothesis that has ended the best is kept: the units down to node `at`, and the step behind them. */
static eg_status keep(search *s, int at, size_t row, double logprob) {
	const node *last = &s->nodes[at];
	const int steps = last->length + 1;
	const size_t places = (size_t)s->o->places;
	eg_hypothesis *best = &s->best[last->sentence];
	const double score = logprob / by_length(s->o, steps) + coverage_of(s, last->sentence, at, row);
	if (best->units && best->score >= score) return EG_OK;
	int32_t *units = eg_alloc(NULL, ((size_t)last->length + 1) * sizeof *units);
	eg_real *attention = places ? eg_alloc(NULL, ((size_t)steps * places + 1) * sizeof *attention) : NULL;
	double *each = eg_alloc(NULL, ((size_t)last->length + 1) * sizeof *each);
	if (!units || !each || (places && !attention)) {
		eg_release(NULL, units);
		eg_release(NULL, each);
		eg_release(NULL, attention);
		return no_memory(s);
	}
	if (places)
		memcpy(attention + (size_t)last->length * places, s->attention + row * places,
			places * sizeof *attention);
	for (int k = at; s->nodes[k].parent >= 0; k = s->nodes[k].parent) {
		const size_t i = (size_t)s->nodes[k].length - 1;
		units[i] = s->nodes[k].unit;
		each[i] = s->nodes[k].logprob - s->nodes[s->nodes[k].parent].logprob;
		if (places)
			memcpy(attention + i * places, s->attention + s->nodes[k].attention * places,
				places * sizeof *attention);
	}
	eg_hypothesis_free(best);
	*best = (eg_hypothesis){units, last->length, logprob, score, each, attention};
	return EG_OK;
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

static bool before(const candidate *a, const candidate *b) {
	if (a->logprob != b->logprob) return a->logprob > b->logprob;
	return a->row != b->row ? a->row < b->row : a->unit < b->unit;
}

/* Puts a candidate among the best `most`, which are in order. */
static void insert(candidate *list, int *n, int most, candidate c) {
	int i = *n;
	if (i == most && !before(&c, &list[i - 1])) return;
	if (i == most) i--;
	for (; i > 0 && before(&c, &list[i - 1]); i--) list[i] = list[i - 1];
	list[i] = c;
	if (*n < most) ++*n;
}

/* ln of the sum of e^x; NAN: they are no numbers. */
static double log_sum(const eg_real *x, int n) {
	double most = (double)x[0], sum = 0;
	for (int i = 1; i < n; i++) most = (double)x[i] > most ? (double)x[i] : most;
	for (int i = 0; i < n; i++) sum += exp((double)x[i] - most);
	return most + log(sum);
}

static eg_status add_node(search *s, node n, int *at) {
	if (!eg_grow(NULL, &s->nodes, &s->cap_nodes, s->nnodes, sizeof *s->nodes)) return no_memory(s);
	*at = s->nnodes;
	s->nodes[s->nnodes++] = n;
	return EG_OK;
}

/* May a hypothesis that goes on from logprob still become better than the best of the sentence? Its probability only
 * falls, and what it is divided by grows with its length, up to `longest` and the end mark. */
static bool hopeful(const search *s, int sentence, double logprob) {
	const eg_hypothesis *best = &s->best[sentence];
	return !best->units || logprob / by_length(s->o, s->o->alpha > 0 ? s->o->longest + 1 : 1) > best->score;
}

/* Would the hypothesis of node k be the best one, if it ended at once and for nothing? */
static bool leads(const search *s, int sentence, int k) {
	const eg_hypothesis *best = &s->best[sentence];
	return !best->units || s->nodes[k].logprob / by_length(s->o, s->nodes[k].length + 1) > best->score;
}

/* Rows first..first+n-1 of the step are a sentence's: its candidates, in order. */
static eg_status gather(search *s, int first, int n, const eg_real *logits, int *count) {
	*count = 0;
	for (int r = first; r < first + n; r++) {
		const eg_real *x = logits + (ptrdiff_t)r * s->o->units;
		const double all = log_sum(x, s->o->units), from = s->nodes[s->live[r]].logprob;
		if (!isfinite(all))
			return eg_fail(s->err, EG_ERR_NUMERIC,
			        "the network's answer is not a number; the model is damaged or its training failed");
		for (int32_t k = 0; k < s->o->units; k++)
			if (k != s->o->never && (!s->last || k == s->o->end))
				insert(s->found, count, 2 * s->o->beam, (candidate){r, k, from + (double)x[k] - all});
	}
	return EG_OK;
}

/* Those that end are kept, the best of the others live on: nodes behind s->next[*alive]. */
static eg_status choose(search *s, int first, int n, const eg_real *logits, size_t rows, int *alive) {
	const int sentence = s->nodes[s->live[first]].sentence, begun = *alive;
	int count;
	eg_status status = gather(s, first, n, logits, &count);
	for (int i = 0; i < count && !status && *alive - begun < s->o->beam; i++) {
		const candidate *c = &s->found[i];
		const int at = s->live[c->row];
		const size_t row = rows + (size_t)c->row;
		if (c->unit == s->o->end) {
			if (i >= s->o->beam) continue;
			s->ended[sentence]++;
			status = keep(s, at, row, c->logprob);
			continue;
		}
		const node more = {at, sentence, c->unit, s->nodes[at].length + 1, c->logprob, row};
		s->from[*alive] = c->row;
		s->units[*alive] = c->unit;
		status = add_node(s, more, &s->next[(*alive)++]);
	}
	if (status) return status;
	if (*alive == begun) return EG_OK;
	const int first_alive = s->next[begun];
	if ((s->ended[sentence] >= s->o->beam && !leads(s, sentence, first_alive)) ||
		!hopeful(s, sentence, s->nodes[first_alive].logprob))
		*alive = begun;
	return EG_OK;
}

/* The attention of this step, behind that of those before. */
static eg_status keep_attention(search *s, const eg_real *attention) {
	const size_t places = (size_t)s->o->places, more = s->rows + (size_t)s->nlive;
	if (!places) return EG_OK;
	if (more > s->cap_rows) {
		const size_t cap = 2 * more;
		eg_real *room = eg_alloc(NULL, cap * places * sizeof *room);
		if (!room) return no_memory(s);
		if (s->rows) memcpy(room, s->attention, s->rows * places * sizeof *room);
		eg_release(NULL, s->attention);
		s->attention = room, s->cap_rows = cap;
	}
	memcpy(s->attention + s->rows * places, attention, (size_t)s->nlive * places * sizeof *attention);
	s->rows = more;
	return EG_OK;
}

static eg_status step(search *s) {
	const eg_real *logits = NULL, *attention = NULL;
	const size_t rows = s->rows;
	int alive = 0;
	eg_status status = s->model->step(s->model->user, s->nlive, s->from, s->units, &logits, &attention, s->err);
	if (!status) status = keep_attention(s, attention);
	for (int first = 0, n; first < s->nlive && !status; first += n) {
		const int sentence = s->nodes[s->live[first]].sentence;
		for (n = 1; first + n < s->nlive && s->nodes[s->live[first + n]].sentence == sentence;) n++;
		status = choose(s, first, n, logits, rows, &alive);
	}
	if (status) return status;
	memcpy(s->live, s->next, (size_t)alive * sizeof *s->live);
	s->nlive = alive;
	return EG_OK;
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

static eg_status begin(search *s) {
	const size_t n = (size_t)s->sentences, most = n * (size_t)s->o->beam;
	s->live = eg_calloc(NULL, most, sizeof *s->live);
	s->next = eg_calloc(NULL, most, sizeof *s->next);
	s->from = eg_calloc(NULL, most, sizeof *s->from);
	s->units = eg_calloc(NULL, most, sizeof *s->units);
	s->ended = eg_calloc(NULL, n, sizeof *s->ended);
	s->found = eg_calloc(NULL, 2 * (size_t)s->o->beam + 1, sizeof *s->found);
	s->covered = eg_calloc(NULL, (size_t)s->o->places + 1, sizeof *s->covered);
	if (!s->live || !s->next || !s->from || !s->units || !s->ended || !s->found || !s->covered) return no_memory(s);
	eg_status status = EG_OK;
	for (int i = 0; i < s->sentences && !status; i++) {
		status = add_node(s, (node){.parent = -1, .sentence = i, .unit = s->o->begin}, &s->live[i]);
		s->from[i] = i;
		s->units[i] = s->o->begin;
	}
	s->nlive = s->sentences;
	return status;
}

eg_status eg_beam_search(
	const eg_beam_model *m, const eg_beam_options *o, int sentences, eg_hypothesis *best, eg_error *err) {
	search s = {.model = m, .o = o, .best = best, .sentences = sentences, .err = err};
	for (int i = 0; i < sentences; i++) best[i] = (eg_hypothesis){0};
	eg_status status = begin(&s);
	for (int t = 0; t <= o->longest && s.nlive > 0 && !status; t++) {
		s.last = t == o->longest;
		status = step(&s);
	}
	eg_release(NULL, s.nodes);
	eg_release(NULL, s.attention);
	eg_release(NULL, s.live);
	eg_release(NULL, s.next);
	eg_release(NULL, s.from);
	eg_release(NULL, s.units);
	eg_release(NULL, s.ended);
	eg_release(NULL, s.found);
	eg_release(NULL, s.covered);
	return status;
}

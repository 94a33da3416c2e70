/* fill.c - a gap in a text is filled: of all that could stand there, what makes the whole text the likeliest.
 *
 * Beam search (Lowerre, "The Harpy Speech Recognition System", 1976): from the left side on, the likeliest beginnings
 * of the gap are kept at each length; each is tried as the whole gap too, with the right side behind it, and ranked by
 * what gap and right side take together. No longer gap can be better once every beginning alone takes more than the
 * results that there are. Not here: drawing at random (generate.c). */
#include "tasks/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BEAM = 16, LONGEST = 20, BEAM_MOST = 256, GAP_MOST = 1000 };

typedef struct beginning {
	int32_t *ids; /* n of them */
	int n;
	double nats, right; /* of the gap; and of the right side behind it */
	eg_real *state, *next;
} beginning;

typedef struct extension {
	double nats;
	int from, id;
} extension;

typedef struct search {
	eg_generator *g;
	int beam, longest, nresults;
	beginning *now, *then; /* beam of each */
	int nnow, before;
	extension *extensions;
	beginning *results; /* the best first; without states */
	int nfound;
	int32_t *right;
	size_t nright;
	double *nats; /* of the right side */
} search;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for filling a gap"); }

static void free_beginnings(beginning *b, int n) {
	for (int i = 0; b && i < n; i++) {
		eg_release(NULL, b[i].ids);
		eg_release(NULL, b[i].state);
		eg_release(NULL, b[i].next);
	}
	eg_release(NULL, b);
}

static beginning *new_beginnings(const search *s, int n, bool states) {
	beginning *b = eg_calloc(NULL, (size_t)n, sizeof *b);
	for (int i = 0; b && i < n; i++) {
		b[i].ids = eg_calloc(NULL, (size_t)s->longest + 1, sizeof *b[i].ids);
		if (states) {
			b[i].state = eg_calloc(NULL, eg_session_state_count(s->g->session) + 1, sizeof *b[i].state);
			b[i].next = eg_calloc(NULL, (size_t)s->g->count, sizeof *b[i].next);
		}
		if (b[i].ids && (!states || (b[i].state && b[i].next))) continue;
		free_beginnings(b, n);
		return NULL;
	}
	return b;
}

static void go_to(search *s, const beginning *b) {
	eg_session_restore(s->g->session, b->state);
	memcpy(s->g->lanes[0].next, b->next, (size_t)s->g->count * sizeof *b->next);
}

static void keep_place(search *s, beginning *b) {
	eg_session_save(s->g->session, b->state);
	memcpy(b->next, s->g->lanes[0].next, (size_t)s->g->count * sizeof *b->next);
}

/* ---- the two sides ----------------------------------------------------------------------------------------------- */

static eg_status read_sides(search *s, const eg_gap *gap, eg_error *err) {
	eg_generator *g = s->g;
	int32_t opening = eg_generator_opening(g);
	eg_status status = eg_vocab_encode(g->vocab, gap->right, gap->nright, "the text behind the gap", &s->right, &s->nright, err);
	if (!status) status = eg_generator_read(g, gap->left, gap->nleft, "the text before the gap", NULL, err);
	if (!status && !g->begun) status = eg_generator_feed(g, &opening, 1, err);
	if (status) return status;
	s->nats = eg_calloc(NULL, s->nright + 1, sizeof *s->nats);
	s->before = g->lanes[0].before;
	s->nnow = 1;
	keep_place(s, &s->now[0]);
	return s->nats ? EG_OK : no_memory(err);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static double total(const beginning *b) { return b->nats + b->right; }

static void put_result(search *s, const beginning *b) {
	int at = s->nfound < s->nresults ? s->nfound++ : s->nresults;
	if (at == s->nresults && (at == 0 || total(b) >= total(&s->results[at - 1]))) return;
	if (at == s->nresults) at--;
	beginning own = s->results[at]; /* whose room is used again */
	for (; at > 0 && total(b) < total(&s->results[at - 1]); at--) s->results[at] = s->results[at - 1];
	memcpy(own.ids, b->ids, (size_t)b->n * sizeof *own.ids);
	own.n = b->n, own.nats = b->nats, own.right = b->right;
	s->results[at] = own;
}

/* Each beginning as the whole gap. */
static eg_status try_all(search *s, eg_error *err) {
	for (int i = 0; i < s->nnow; i++) {
		beginning *b = &s->now[i];
		b->right = 0;
		go_to(s, b);
		eg_status status = eg_generator_take(s->g, s->right, s->nright, s->nats, err);
		if (status) return status;
		for (size_t k = 0; k < s->nright; k++) b->right += s->nats[k];
		if (!isfinite(total(b)))
			return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number; the model is damaged or its training failed");
		put_result(s, b);
	}
	return EG_OK;
}

/* ---- beginnings -------------------------------------------------------------------------------------------------- */

static int by_nats(const void *a, const void *b) {
	const extension *x = a, *y = b;
	if (x->nats != y->nats) return x->nats < y->nats ? -1 : 1;
	return x->from != y->from ? x->from - y->from : x->id - y->id;
}

/* A gap stays in its line, and in its sample. */
static bool may_fill(const eg_generator *g, int id) {
	return id != eg_vocab_unknown(g->vocab) && id != eg_vocab_end(g->vocab) && !strchr(eg_vocab_token(g->vocab, id, NULL), '\n');
}

static int extend(search *s) {
	int n = 0;
	const eg_generator *g = s->g;
	for (int i = 0; i < s->nnow; i++) {
		const beginning *b = &s->now[i];
		const double all = eg_generator_nats(g, b->next, 0) + (double)b->next[0];
		for (int k = 0; k < g->count; k++)
			if (may_fill(g, k)) s->extensions[n++] = (extension){b->nats + all - (double)b->next[k], i, k};
	}
	qsort(s->extensions, (size_t)n, sizeof *s->extensions, by_nats);
	return n < s->beam ? n : s->beam;
}

static eg_status step(search *s, eg_error *err) {
	int n = extend(s);
	for (int i = 0; i < n; i++) {
		const extension *e = &s->extensions[i];
		const beginning *from = &s->now[e->from];
		beginning *b = &s->then[i];
		const int32_t id = e->id;
		go_to(s, from);
		eg_status status = eg_generator_feed(s->g, &id, 1, err);
		if (status) return status;
		memcpy(b->ids, from->ids, (size_t)from->n * sizeof *b->ids);
		b->ids[from->n] = id;
		b->n = from->n + 1;
		b->nats = e->nats;
		keep_place(s, b);
	}
	beginning *swap = s->now;
	s->now = s->then, s->then = swap;
	s->nnow = n;
	return EG_OK;
}

/* All that could still come takes more than the worst result. */
static bool is_over(const search *s) {
	return s->nfound == s->nresults && s->nnow > 0 && s->now[0].nats >= total(&s->results[s->nfound - 1]);
}

static eg_status find(search *s, eg_error *err) {
	eg_status status = EG_OK;
	for (int n = 0; n < s->longest && !status && !is_over(s); n++) {
		status = step(s, err);
		if (!status && s->nnow == 0) break;
		if (!status) status = try_all(s, err);
	}
	return status;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

static eg_status tell(const search *s, bool (*take)(void *user, const eg_filled *f), void *user, eg_error *err) {
	for (int i = 0; i < s->nfound; i++) {
		const beginning *b = &s->results[i];
		size_t room = (size_t)b->n * (EG_UNIT_MOST + 2) + 1, size = 0, skip;
		char *text = eg_calloc(NULL, room, 1);
		if (!text) return no_memory(err);
		for (int k = 0; k < b->n; k++)
			size += eg_vocab_spell(s->g->vocab, k ? b->ids[k - 1] : s->before, b->ids[k], text + size, room - size);
		skip = eg_vocab_unit(s->g->vocab) == EG_UNIT_WORD && text[0] == ' '; /* it is there */
		bool go_on = take(user, &(eg_filled){text + skip, size - skip, b->nats, b->right});
		eg_release(NULL, text);
		if (!go_on) return eg_fail(err, EG_ERR_STOPPED, "stopped");
	}
	return EG_OK;
}

static eg_status check_gap(const eg_generator *g, const search *s, eg_error *err) {
	if (g->batch > 1 || eg_verse_is_on(g))
		return eg_fail(err, EG_ERR_ARG, "a gap is filled by one text without a form");
	if (s->beam < 1 || s->beam > BEAM_MOST || s->longest < 1 || s->longest > GAP_MOST || s->nresults < 1 || s->nresults > BEAM_MOST)
		return eg_fail(err, EG_ERR_ARG,
		        "a gap of at most %d units, a beam of %d, %d results; 1 to %d, 1 to %d and 1 to %d are possible", s->longest,
		        s->beam, s->nresults, (int)GAP_MOST, (int)BEAM_MOST, (int)BEAM_MOST);
	return EG_OK;
}

eg_status eg_generator_fill(eg_generator *g, const eg_gap *gap, bool (*take)(void *user, const eg_filled *f), void *user,
	eg_error *err) {
	search s = {.g = g, .beam = gap->beam ? gap->beam : BEAM, .longest = gap->longest ? gap->longest : LONGEST,
		.nresults = gap->results ? gap->results : 1};
	eg_status status = check_gap(g, &s, err);
	if (status) return status;
	s.now = new_beginnings(&s, s.beam, true);
	s.then = new_beginnings(&s, s.beam, true);
	s.results = new_beginnings(&s, s.nresults, false);
	s.extensions = eg_calloc(NULL, (size_t)s.beam * (size_t)g->count, sizeof *s.extensions);
	if (!s.now || !s.then || !s.results || !s.extensions) status = no_memory(err);
	if (!status) eg_generator_begin(g, 0);
	if (!status) status = read_sides(&s, gap, err);
	if (!status) status = find(&s, err);
	if (!status) status = tell(&s, take, user, err);
	free_beginnings(s.now, s.beam);
	free_beginnings(s.then, s.beam);
	free_beginnings(s.results, s.nresults);
	eg_release(NULL, s.extensions);
	eg_release(NULL, s.nats);
	free(s.right);
	return status;
}

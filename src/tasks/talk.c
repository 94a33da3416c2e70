/* talk.c - a network that goes on with what it has heard (talk.h). Plans exist for a few numbers of rows and steps; the
 * state goes from one to the next, as in scribe.c. */
#include "tasks/talk.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 64, PIECE = 32 }; /* steps of a run: while it hears; of texts that are compared */

struct eg_talk {
	eg_plan_cache *plans;
	const char *input;
	int units;
	/* what was heard: the state behind it, of one row, and the unit that is still to be read */
	eg_real *state;
	size_t room_state, nstate;
	bool fresh; /* nothing but that unit */
	int32_t last;
	/* the plan of the last run, and its state while rows change their places */
	eg_plan *plan;
	eg_real *moving;
	size_t room;
	int *from, rows;
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a talk"); }

eg_status eg_talk_new(eg_graph *g, eg_params *p, const char *input, int units, eg_talk **talk, eg_error *err) {
	static const char *const outputs[] = {"logits", NULL};
	const eg_plan_options o = {.batch = 1, .time = 1, .carry = true, .outputs = outputs};
	eg_talk *t = eg_calloc(NULL, 1, sizeof *t);
	*talk = NULL;
	if (!t) return no_memory(err);
	t->input = input, t->units = units;
	t->plans = eg_plan_cache_new(g, p, &o, err);
	if (!t->plans) {
		eg_talk_free(t);
		return EG_ERR_MEMORY;
	}
	*talk = t;
	return EG_OK;
}

void eg_talk_free(eg_talk *t) {
	if (!t) return;
	eg_plan_cache_free(t->plans);
	eg_release(NULL, t->state);
	eg_release(NULL, t->moving);
	eg_release(NULL, t->from);
	eg_release(NULL, t);
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

static bool make_room(eg_real **at, size_t *room, size_t n) {
	if (n <= *room) return true;
	eg_release(NULL, *at);
	*at = eg_alloc(NULL, n * sizeof **at);
	*room = *at ? n : 0;
	return *at != NULL;
}

static bool is_same(const int *from, int rows) {
	for (int i = 0; i < rows; i++)
		if (from[i] != i) return false;
	return true;
}

/* The plan for so many rows and steps, whose rows go on from rows from[] of the last one (NULL: from its first). */
static eg_status go_on(eg_talk *t, int rows, int steps, const int *from, eg_error *err) {
	eg_plan *before = t->plan, *plan = eg_plan_cache_get(t->plans, rows, steps, NULL, err);
	size_t count = 0;
	if (!plan) return err->status;
	t->plan = plan;
	if (rows > t->rows) {
		eg_release(NULL, t->from);
		t->from = eg_calloc(NULL, (size_t)rows, sizeof *t->from);
		t->rows = t->from ? rows : 0;
	}
	if (!t->from) return no_memory(err);
	for (int i = 0; i < rows; i++) t->from[i] = from ? from[i] : 0;
	if (plan == before && is_same(t->from, rows)) return EG_OK;
	eg_real *state = eg_plan_state(before ? before : plan, &count);
	if (!before && count) memset(state, 0, count * sizeof *state);
	if (!before || !count) return EG_OK;
	if (!make_room(&t->moving, &t->room, count)) return no_memory(err);
	memcpy(t->moving, state, count * sizeof *state);
	eg_plan_state_rows(plan, before, t->moving, t->from);
	return EG_OK;
}

static int32_t *input_of(eg_talk *t) { return eg_plan_input(t->plan, t->input); }
static const eg_real *logits_of(eg_talk *t) { return eg_plan_output(t->plan, "logits"); }

/* Back to where it has heard everything. */
static eg_status go_back(eg_talk *t, eg_error *err) {
	size_t n;
	t->plan = NULL;
	if (t->fresh) return EG_OK;
	t->plan = eg_plan_cache_get(t->plans, 1, 1, NULL, err);
	if (!t->plan) return err->status;
	eg_real *state = eg_plan_state(t->plan, &n);
	if (t->nstate) memcpy(state, t->state, t->nstate * sizeof *state);
	return EG_OK;
}

eg_status eg_talk_hear(eg_talk *t, const int32_t *ids, size_t n, eg_error *err) {
	eg_status status = EG_OK;
	t->plan = NULL;
	t->last = ids[n - 1];
	t->fresh = n == 1;
	for (size_t at = 0, left = n - 1; left > 0 && !status;) {
		int steps = CHUNK;
		while ((size_t)steps > left) steps /= 4;
		status = go_on(t, 1, steps, NULL, err);
		if (status) break;
		memcpy(input_of(t), ids + at, (size_t)steps * sizeof *ids);
		eg_plan_run(t->plan, 0);
		at += (size_t)steps, left -= (size_t)steps;
	}
	if (status || t->fresh) return status;
	const eg_real *state = eg_plan_state(t->plan, &t->nstate);
	if (!make_room(&t->state, &t->room_state, t->nstate)) return no_memory(err);
	if (t->nstate) memcpy(t->state, state, t->nstate * sizeof *t->state);
	return EG_OK;
}

/* ---- what comes next --------------------------------------------------------------------------------------------- */

/* -ln softmax(x)[k]; NAN: they are no numbers. */
static double nats_of(const eg_real *x, int n, int32_t k) {
	double sum = 0, most = (double)x[eg_argmax(x, n)];
	for (int i = 0; i < n; i++) sum += exp((double)x[i] - most);
	return log(sum) + most - (double)x[k];
}

static eg_status no_number(eg_error *err) {
	return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number; the model is damaged or its training failed");
}

typedef struct searching {
	eg_talk *talk;
	int rows;
	int *from;
} searching;

/* Rows beyond n are copies of the last, so that there is one plan for all. */
static eg_status step(void *user, int n, const int *from, const int32_t *units, const eg_real **logits,
	const eg_real **attention, eg_error *err) {
	const searching *s = user;
	for (int i = 0; i < s->rows; i++) s->from[i] = from[i < n ? i : n - 1];
	eg_status status = go_on(s->talk, s->rows, 1, s->from, err);
	if (status) return status;
	int32_t *in = input_of(s->talk);
	for (int i = 0; i < s->rows; i++) in[i] = units[i < n ? i : n - 1];
	eg_plan_run(s->talk->plan, 0);
	*logits = logits_of(s->talk), *attention = NULL;
	return EG_OK;
}

eg_status eg_talk_search(eg_talk *t, eg_beam_options o, eg_hypothesis *best, eg_error *err) {
	searching s = {t, o.beam, eg_calloc(NULL, (size_t)o.beam, sizeof *s.from)};
	const eg_beam_model m = {.user = &s, .step = step};
	if (!s.from) return no_memory(err);
	o.begin = t->last, o.units = t->units, o.places = 0, o.coverage = 0;
	*best = (eg_hypothesis){0};
	eg_status status = go_back(t, err);
	if (!status) status = eg_beam_search(&m, &o, 1, best, err);
	eg_release(NULL, s.from);
	return status;
}

/* A unit that is drawn with uniform number u; -1: they are no numbers. */
static int32_t draw(const eg_real *x, int n, int32_t never, double temperature, double u) {
	double most = -INFINITY, sum = 0, left;
	int32_t last = -1;
	for (int i = 0; i < n; i++)
		if (i != never) most = fmax(most, (double)x[i]);
	for (int i = 0; i < n; i++) sum += i == never ? 0 : exp(((double)x[i] - most) / temperature);
	if (!isfinite(sum)) return -1;
	left = u * sum;
	for (int i = 0; i < n; i++) {
		if (i == never) continue;
		last = i;
		left -= exp(((double)x[i] - most) / temperature);
		if (left < 0) break;
	}
	return last;
}

eg_status eg_talk_write(
	eg_talk *t, const eg_beam_options *o, const eg_talk_draw *d, eg_hypothesis *h, eg_error *err) {
	*h = (eg_hypothesis){.units = eg_calloc(NULL, (size_t)o->longest + 1, sizeof *h->units)};
	if (!h->units) return no_memory(err);
	int32_t unit = t->last;
	eg_status status = go_back(t, err);
	for (int i = 0; i <= o->longest && !status; i++) {
		status = go_on(t, 1, 1, NULL, err);
		if (status) break;
		input_of(t)[0] = unit;
		eg_plan_run(t->plan, 0);
		const eg_real *x = logits_of(t);
		const bool last = i == o->longest;
		unit = last ? o->end : draw(x, t->units, o->never, d->temperature, eg_rng_uniform(d->rng, (uint64_t)i));
		if (unit < 0) status = no_number(err);
		if (!status) h->logprob -= nats_of(x, t->units, unit);
		if (unit == o->end) break;
		if (!status) h->units[h->n++] = unit;
	}
	h->score = h->logprob;
	if (status) eg_hypothesis_free(h);
	return status;
}

/* Some texts side by side, a chunk at a time; those that are at their end leave. */
typedef struct scoring {
	const int32_t *const *texts;
	const size_t *sizes;
	double *nats;
	int32_t end;
	int *live, *from, n; /* which texts are still read, and their rows in the chunk before */
} scoring;

static void score_chunk(eg_talk *t, const scoring *s, size_t at) {
	const size_t n = (size_t)s->n;
	int32_t *in = input_of(t);
	for (size_t k = 0; k < PIECE; k++)
		for (size_t i = 0; i < n; i++) {
			const int x = s->live[i];
			in[k * n + i] = at + k == 0 ? t->last : at + k - 1 < s->sizes[x] ? s->texts[x][at + k - 1] : s->end;
		}
	eg_plan_run(t->plan, 0);
	const eg_real *logits = logits_of(t);
	for (size_t k = 0; k < PIECE; k++)
		for (size_t i = 0; i < n; i++) {
			const int x = s->live[i];
			if (at + k > s->sizes[x]) continue;
			s->nats[x] += nats_of(logits + (k * n + i) * (size_t)t->units, t->units,
				at + k < s->sizes[x] ? s->texts[x][at + k] : s->end);
		}
}

eg_status eg_talk_score(eg_talk *t, const int32_t *const *texts, const size_t *sizes, int n, int32_t end, double *nats,
	eg_error *err) {
	scoring s = {texts, sizes, nats, end, eg_calloc(NULL, (size_t)n + 1, sizeof *s.live),
		eg_calloc(NULL, (size_t)n + 1, sizeof *s.from), n};
	eg_status status = s.live && s.from ? go_back(t, err) : no_memory(err);
	for (int i = 0; i < n && !status; i++) nats[i] = 0, s.live[i] = i;
	for (size_t at = 0; s.n > 0 && !status; at += PIECE) {
		status = go_on(t, s.n, PIECE, at ? s.from : NULL, err);
		if (status) break;
		score_chunk(t, &s, at);
		int left = 0;
		for (int i = 0; i < s.n; i++)
			if (sizes[s.live[i]] >= at + PIECE) s.from[left] = i, s.live[left++] = s.live[i];
		s.n = left;
	}
	for (int i = 0; i < n && !status; i++)
		if (!isfinite(nats[i])) status = no_number(err);
	eg_release(NULL, s.live);
	eg_release(NULL, s.from);
	return status;
}

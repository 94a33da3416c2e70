/* kneser_ney.c - the floor `kneser-ney`: how often did each unit follow the last few ones? Interpolated Kneser-Ney
 * n-grams (Kneser and Ney 1995; interpolated: Chen and Goodman 1999), the best simple language model there is.
 *
 *   P_k(w | h) = max(c(h w) - D, 0) / c(h)  +  D t(h) / c(h) * P_{k-1}(w | h')        P_0(w) = 1 / V
 *
 * h are the last k-1 units, h' the last k-2, c(h) the sum of c(h w) over all w, t(h) how many different w there
 * are. What D = 0.75 takes from each count that was seen goes to the shorter history. Of the longest n-grams c
 * counts how often they occur; of shorter ones behind how many different units: "Francisco" is frequent, but only
 * behind "San", so where the history tells nothing it is not likely. A history that was never seen is left to the
 * shorter one.
 *
 * n is 6 for alphabets (below 1,000 units), where six characters are a word, and 3 for words and Chinese
 * characters.
 *
 * The n-grams of each length are a sorted table, made by sorting places in the text; those of one history lie side
 * by side.
 *
 * Text begins behind units that stand for nothing, so that every unit has a whole history; a sample begins with
 * its end mark, as it does for a network. Of a stream that is cut into pieces the history goes on. */
#include "floors/floors.h"

#include <math.h>
#include <string.h>

enum { MOST = 8, FEW = 1000 };
static const double discount = 0.75;

/* The n-grams of one length. */
typedef struct grams {
	int order;        /* units of one */
	size_t n, nhist;  /* of them; different histories */
	int32_t *unit;    /* the last unit of each, sorted by history, then by it */
	uint32_t *count;
	size_t *begin;    /* n-grams of history i: begin[i] .. begin[i + 1] - 1 */
	uint32_t *place;  /* of history i: in the text, behind its last unit */
	double *total;    /* sum of its counts */
} grams;

typedef struct kneser_ney {
	eg_floor base;
	int32_t *text;    /* units; V stands for nothing */
	bool *asked;      /* is this unit one that had to be predicted? */
	size_t size, room, nasked;
	int32_t next;     /* the unit that the text goes on with; -1: it has ended */
	grams tables[MOST + 1];
	double *lowest, *log_lowest; /* P_1 */
	/* while it is asked */
	int32_t history[MOST];
	double *extra;
	int32_t *touched;
	int ntouched;
} kneser_ney;

static int order_of(const eg_floor *f) { return (int)f->settings[0]; }
static int units_of(const eg_floor *f) { return eg_floor_classes(f); }

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static bool append(kneser_ney *m, int32_t unit, bool asked) {
	if (m->size == m->room) {
		size_t room = m->room ? 2 * m->room : 4096;
		int32_t *text = eg_calloc(NULL, room, sizeof *text);
		bool *flags = eg_calloc(NULL, room, sizeof *flags);
		if (!text || !flags) return eg_release(NULL, text), eg_release(NULL, flags), false;
		if (m->size) memcpy(text, m->text, m->size * sizeof *text), memcpy(flags, m->asked, m->size * sizeof *flags);
		eg_release(NULL, m->text);
		eg_release(NULL, m->asked);
		m->text = text, m->asked = flags, m->room = room;
	}
	m->text[m->size] = unit;
	m->asked[m->size++] = asked;
	m->nasked += asked;
	return true;
}

static const int32_t *ids(const eg_floor_batch *b, const char *name) { return eg_batch_input(&b->run, name); }

/* Does this piece go on where the last one ended? */
static bool goes_on(const eg_floor_batch *b, int32_t next) {
	return b->part->data->streams > 0 && next >= 0 && ids(b, "input")[0] == next;
}

static eg_status read_text(kneser_ney *m, const eg_floor_part *p, eg_error *err) {
	eg_floor_batch b = {.part = p};
	const int V = units_of(&m->base), n = order_of(&m->base);
	bool ok = true;
	m->next = -1;
	eg_status status = eg_floor_next(&b, 1, err);
	for (; !status && b.n > 0 && ok; status = eg_floor_next(&b, 1, err)) {
		const int32_t *target = ids(&b, "target");
		if (b.time < 1 || target[0] < 0) continue;
		if (!goes_on(&b, m->next)) {
			for (int k = 0; k < n && ok; k++) ok = append(m, V, false);
			ok = ok && append(m, ids(&b, "input")[0], false);
		}
		for (int t = 0; t < b.time && target[t] >= 0 && ok; t++) ok = append(m, m->next = target[t], true);
	}
	eg_floor_batch_free(&b);
	if (!status && (!ok || m->size > UINT32_MAX)) status = eg_floor_no_memory(&m->base, err);
	return status;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* Sorts places by the unit `back` units before them; equal ones stay in their order (one pass of a radix sort). */
static void sort_by(const kneser_ney *m, const uint32_t *from, uint32_t *to, int back, size_t *begin) {
	const int V = units_of(&m->base);
	memset(begin, 0, ((size_t)V + 2) * sizeof *begin);
	for (size_t i = 0; i < m->nasked; i++) begin[m->text[from[i] - (uint32_t)back] + 1]++;
	for (int k = 0; k <= V; k++) begin[k + 1] += begin[k];
	for (size_t i = 0; i < m->nasked; i++) to[begin[m->text[from[i] - (uint32_t)back]]++] = from[i];
}

/* Compares the `n` units before the places a and b. */
static int compare(const int32_t *a, const int32_t *b, int n) {
	for (int k = n; k >= 1; k--)
		if (a[-k] != b[-k]) return a[-k] < b[-k] ? -1 : 1;
	return 0;
}

/* Does a history begin at sorted place i, or an n-gram, or one behind another unit? */
typedef struct step {
	bool history, unit, before;
} step;
static step step_at(const kneser_ney *m, int order, const uint32_t *at, size_t i) {
	if (i == 0) return (step){true, true, true};
	const int32_t *here = m->text + at[i], *last = m->text + at[i - 1];
	bool history = compare(here, last, order - 1) != 0, unit = history || *here != *last;
	return (step){history, unit, unit || here[-order] != last[-order]};
}

static bool room_for(grams *t) {
	t->unit = eg_calloc(NULL, t->n, sizeof *t->unit);
	t->count = eg_calloc(NULL, t->n, sizeof *t->count);
	t->begin = eg_calloc(NULL, t->nhist + 1, sizeof *t->begin);
	t->place = eg_calloc(NULL, t->nhist, sizeof *t->place);
	t->total = eg_calloc(NULL, t->nhist, sizeof *t->total);
	return t->unit && t->count && t->begin && t->place && t->total;
}

/* From sorted places; `longest`: occurrences count, else what stands before them. */
static eg_status make_table(kneser_ney *m, grams *t, const uint32_t *at, bool longest, eg_error *err) {
	for (size_t i = 0; i < m->nasked; i++) {
		step s = step_at(m, t->order, at, i);
		t->nhist += s.history, t->n += s.unit;
	}
	if (!room_for(t)) return eg_floor_no_memory(&m->base, err);
	size_t n = 0, nhist = 0;
	for (size_t i = 0; i < m->nasked; i++) {
		step s = step_at(m, t->order, at, i);
		if (s.history) t->begin[nhist] = n, t->place[nhist++] = at[i];
		if (s.unit) t->unit[n++] = m->text[at[i]];
		if (!s.before && !longest) continue;
		t->count[n - 1]++;
		t->total[nhist - 1]++;
	}
	t->begin[nhist] = n;
	return EG_OK;
}

/* Sorted by history, unit, and the unit before the history, which counts least and so is sorted by first. */
static eg_status make_tables(kneser_ney *m, eg_error *err) {
	const int n = order_of(&m->base);
	size_t k = 0;
	uint32_t *places = eg_calloc(NULL, m->nasked, 3 * sizeof *places), *a = places + m->nasked, *b = a + m->nasked;
	size_t *begin = eg_calloc(NULL, (size_t)units_of(&m->base) + 2, sizeof *begin);
	eg_status status = places && begin ? EG_OK : eg_floor_no_memory(&m->base, err);
	for (size_t i = 0; i < m->size && !status; i++)
		if (m->asked[i]) places[k++] = (uint32_t)i;
	for (int order = 1; order <= n && !status; order++) {
		m->tables[order].order = order;
		sort_by(m, places, a, order, begin);
		sort_by(m, a, b, 0, begin);
		for (int back = 1; back < order; back++) {
			sort_by(m, b, a, back, begin);
			uint32_t *swap = a;
			a = b, b = swap;
		}
		status = make_table(m, &m->tables[order], b, order == n, err);
		if (!status) status = eg_floor_tell(&m->base, (double)order / n, err);
	}
	eg_release(NULL, places);
	eg_release(NULL, begin);
	return status;
}

/* P_1, which every prediction ends in: of units that have not been seen too. */
static void make_lowest(kneser_ney *m) {
	const grams *t = &m->tables[1];
	const int V = units_of(&m->base);
	for (int w = 0; w < V; w++) m->lowest[w] = discount * (double)t->n / t->total[0] / V;
	for (size_t i = 0; i < t->n; i++) m->lowest[t->unit[i]] += fmax(t->count[i] - discount, 0) / t->total[0];
	for (int w = 0; w < V; w++) m->log_lowest[w] = log(m->lowest[w]);
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	kneser_ney *m = (kneser_ney *)f;
	const size_t V = (size_t)units_of(f);
	if (f->settings[0] <= 0) f->settings[0] = V < FEW ? 6 : 3;
	m->lowest = eg_calloc(NULL, V, sizeof *m->lowest);
	m->log_lowest = eg_calloc(NULL, V, sizeof *m->log_lowest);
	m->extra = eg_calloc(NULL, V, sizeof *m->extra);
	m->touched = eg_calloc(NULL, V, sizeof *m->touched);
	if (!m->lowest || !m->log_lowest || !m->extra || !m->touched) return eg_floor_no_memory(f, err);
	eg_status status = read_text(m, p, err);
	if (!status && m->nasked == 0) status = eg_fail(err, EG_ERR_ARG, "there is no text to count");
	if (!status) status = make_tables(m, err);
	if (!status) make_lowest(m);
	m->next = -1;
	return status;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The history before `at` in the table; -1: it was never seen. */
static ptrdiff_t find(const kneser_ney *m, const grams *t, const int32_t *at) {
	size_t low = 0, high = t->nhist;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(m->text + t->place[middle], at, t->order - 1);
		if (order == 0) return (ptrdiff_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* ln P_n of all units behind the history that ends at `at`. P is scale * P_1 + extra, and extra is 0 but for units
 * that were seen behind the history's last one: few. */
static void predict(kneser_ney *m, const int32_t *at, eg_real *out) {
	const int V = units_of(&m->base);
	double scale = 1;
	m->ntouched = 0;
	for (int order = 2; order <= order_of(&m->base); order++) {
		const grams *t = &m->tables[order];
		ptrdiff_t h = find(m, t, at);
		if (h < 0) break; /* longer ones were not seen either */
		double all = t->total[h], rest = discount * (double)(t->begin[h + 1] - t->begin[h]) / all;
		scale *= rest;
		for (int i = 0; i < m->ntouched; i++) m->extra[m->touched[i]] *= rest;
		for (size_t i = t->begin[h]; i < t->begin[h + 1]; i++) {
			int32_t w = t->unit[i];
			if (m->extra[w] == 0) m->touched[m->ntouched++] = w;
			m->extra[w] += (t->count[i] - discount) / all;
		}
	}
	const double log_scale = log(scale);
	for (int w = 0; w < V; w++) out[w] = (eg_real)(m->log_lowest[w] + log_scale);
	for (int i = 0; i < m->ntouched; i++) {
		int32_t w = m->touched[i];
		out[w] = (eg_real)log(scale * m->lowest[w] + m->extra[w]);
		m->extra[w] = 0;
	}
}

static void remember(kneser_ney *m, int32_t unit) {
	memmove(m->history, m->history + 1, (MOST - 1) * sizeof *m->history);
	m->history[MOST - 1] = unit;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	kneser_ney *m = (kneser_ney *)f;
	const int V = units_of(f);
	const int32_t *input = ids(b, "input"), *target = ids(b, "target");
	eg_real *out = eg_floor_room(f, (size_t)steps * (size_t)V);
	if (!out) return eg_floor_no_memory(f, err);
	if (from == 0 && target[0] >= 0 && !goes_on(b, m->next)) {
		for (int k = 0; k < MOST; k++) m->history[k] = V;
		remember(m, input[0]);
	}
	for (int t = from; t < from + steps; t++) {
		if (target[t] < 0) {
			memset(out + (ptrdiff_t)(t - from) * V, 0, (size_t)V * sizeof *out);
			continue;
		}
		predict(m, m->history + MOST, out + (ptrdiff_t)(t - from) * V);
		remember(m, m->next = target[t]);
	}
	*said = (eg_said){out, {3, {steps, 1, V}}, true};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	kneser_ney *m = (kneser_ney *)f;
	eg_release(NULL, m->text);
	eg_release(NULL, m->asked);
	for (int k = 1; k <= MOST; k++) {
		eg_release(NULL, m->tables[k].unit);
		eg_release(NULL, m->tables[k].count);
		eg_release(NULL, m->tables[k].begin);
		eg_release(NULL, m->tables[k].place);
		eg_release(NULL, m->tables[k].total);
	}
	eg_release(NULL, m->lowest);
	eg_release(NULL, m->log_lowest);
	eg_release(NULL, m->extra);
	eg_release(NULL, m->touched);
}

const eg_floor_type eg_floor_type_kneser_ney = {
	.info = {.name = "kneser-ney",
		.task = "language",
		.doc = "how often each unit followed the last few ones",
		.source = "Kneser and Ney 1995; interpolated as Chen and Goodman 1999",
		.version = 1},
	.size = sizeof(kneser_ney),
	.settings = {{.name = "n", .n = 1, .tried = {0}, .low = 2, .high = MOST, .whole = true}},
	.probabilities = true,
	.piece = 64,
	.train = train,
	.say = say,
	.free = free_floor,
};

/* ngram.c - see ngram.h. The n-grams of each length are a sorted table; the shorter ones follow from the longest. */
#include "tasks/ngram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double discount = 0.75;

typedef struct gram {
	int32_t at[EG_NGRAM_MOST]; /* labels; behind them zeros */
	uint32_t count;
} gram;

typedef struct grams {
	gram *at; /* sorted by their labels */
	int n, room;
} grams;

struct eg_ngram {
	int order, labels;
	grams tables[EG_NGRAM_MOST + 1]; /* by length */
	double singles;                  /* sum of the counts of those of one label */
};

eg_ngram *eg_ngram_new(int order, int labels) {
	eg_ngram *m = eg_calloc(NULL, 1, sizeof *m);
	if (m) m->order = order, m->labels = labels;
	return m;
}

void eg_ngram_free(eg_ngram *m) {
	if (!m) return;
	for (int k = 0; k <= EG_NGRAM_MOST; k++) eg_release(NULL, m->tables[k].at);
	eg_release(NULL, m);
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static bool put(grams *t, const int32_t *labels, int n, uint32_t count) {
	if (t->n == t->room && !eg_grow(NULL, &t->at, &t->room, t->n, sizeof *t->at)) return false;
	gram *g = &t->at[t->n++];
	*g = (gram){.count = count};
	memcpy(g->at, labels, (size_t)n * sizeof *labels);
	return true;
}

bool eg_ngram_add(eg_ngram *m, const int32_t *labels, int n) {
	for (int i = 0; i < n; i++) {
		int32_t g[EG_NGRAM_MOST] = {0};
		for (int k = 0; k < m->order; k++) {
			const int from = i - m->order + 1 + k;
			g[k] = from >= 0 && labels[from] > 0 ? labels[from] : 0;
		}
		if (labels[i] > 0 && !put(&m->tables[m->order], g, m->order, 1)) return false;
	}
	return true;
}

static int compare(const void *a, const void *b) {
	const gram *x = a, *y = b;
	for (int k = 0; k < EG_NGRAM_MOST; k++)
		if (x->at[k] != y->at[k]) return x->at[k] < y->at[k] ? -1 : 1;
	return 0;
}

/* Sorts them, and adds up those that are the same. */
static void merge(grams *t) {
	int n = 0;
	if (t->n) qsort(t->at, (size_t)t->n, sizeof *t->at, compare);
	for (int i = 0; i < t->n; i++)
		if (n && compare(&t->at[n - 1], &t->at[i]) == 0)
			t->at[n - 1].count += t->at[i].count;
		else
			t->at[n++] = t->at[i];
	t->n = n;
}

bool eg_ngram_done(eg_ngram *m) {
	for (int k = m->order; k > 0; k--) {
		grams *t = &m->tables[k], *shorter = &m->tables[k - 1];
		merge(t);
		for (int i = 0; i < t->n && k > 1; i++)
			if (!put(shorter, t->at[i].at + 1, k - 1, 1)) return false;
	}
	m->singles = 0;
	for (int i = 0; i < m->tables[1].n; i++) m->singles += m->tables[1].at[i].count;
	return true;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

/* The first n-gram that is not below these n labels, whatever stands behind them. */
static int first_of(const grams *t, const int32_t *labels, int n) {
	int low = 0, high = t->n;
	while (low < high) {
		const int middle = (low + high) / 2;
		int order = 0;
		for (int k = 0; k < n && !order; k++) order = (t->at[middle].at[k] > labels[k]) - (t->at[middle].at[k] < labels[k]);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool begins(const gram *g, const int32_t *labels, int n) { return memcmp(g->at, labels, (size_t)n * sizeof *labels) == 0; }

double eg_ngram_ln(const eg_ngram *m, const int32_t *before, int n, int32_t label) {
	double p = 1.0 / m->labels;
	for (int k = 1; k <= m->order; k++) {
		const grams *t = &m->tables[k];
		int32_t g[EG_NGRAM_MOST] = {0};
		for (int j = 0; j < k - 1; j++) g[j] = n - k + 1 + j >= 0 ? before[n - k + 1 + j] : 0;
		g[k - 1] = label;
		const int place = first_of(t, g, k);
		const double count = place < t->n && begins(&t->at[place], g, k) ? t->at[place].count : 0;
		double all = k > 1 ? 0 : m->singles, kinds = k > 1 ? 0 : t->n;
		for (int i = first_of(t, g, k - 1); k > 1 && i < t->n && begins(&t->at[i], g, k - 1); i++) all += t->at[i].count, kinds++;
		if (all > 0) p = fmax(count - discount, 0) / all + discount * kinds / all * p;
	}
	return log(p);
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

void eg_ngram_save(const eg_ngram *m, eg_value *map) {
	const grams *t = &m->tables[m->order];
	eg_value_put_int(map, "order", m->order);
	eg_value *list = eg_value_put_list(map, "grams"); /* labels, then the count, and so on */
	for (int i = 0; i < t->n; i++) {
		for (int k = 0; k < m->order; k++) eg_value_put_int(list, NULL, t->at[i].at[k]);
		eg_value_put_int(list, NULL, t->at[i].count);
	}
}

static eg_status damaged(eg_ngram *m, eg_error *err) {
	eg_ngram_free(m);
	return eg_fail(err, EG_ERR_FORMAT, "damaged: the n-grams of transcripts");
}

eg_status eg_ngram_restore(const eg_value *map, int labels, eg_ngram **out, eg_error *err) {
	const int order = (int)eg_value_int(eg_value_get(map, "order"), 0);
	*out = NULL;
	if (order < 1 || order > EG_NGRAM_MOST) return damaged(NULL, err);
	eg_ngram *m = eg_ngram_new(order, labels);
	bool memory = m != NULL;
	const eg_value *v = eg_value_first(eg_value_get(map, "grams"));
	while (v && memory) {
		int32_t g[EG_NGRAM_MOST + 1];
		for (int k = 0; k <= order; k++, v = eg_value_next(v)) {
			const int64_t number = v ? eg_value_int(v, -1) : -1;
			if (number < (k >= order - 1) || number > (k < order ? labels : INT32_MAX)) return damaged(m, err);
			g[k] = (int32_t)number;
		}
		memory = put(&m->tables[order], g, order, (uint32_t)g[order]);
	}
	if (memory && eg_ngram_done(m)) return *out = m, EG_OK;
	eg_ngram_free(m);
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for n-grams");
}

/* Beam search: against all sequences there are, on models that are tables of random numbers; what its options do; that
 * a sentence is not changed by those beside it. */
#include "tasks/beam.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { UNITS = 4, END = 0, NEVER = 3, LONGEST = 4, PLACES = 3, MOST = 4096 };

/* The logits of a step depend on sentence and all units before it, which a row remembers. */
typedef struct table {
	uint32_t sentence[MOST], before[MOST], seed;
	int n, calls;
	eg_real logits[MOST * UNITS], attention[MOST * PLACES];
} table;

static double noise(uint32_t x) {
	x ^= x >> 16, x *= 0x7feb352dU, x ^= x >> 15, x *= 0x846ca68bU, x ^= x >> 16;
	return (double)x / 4294967296.0 * 4 - 2;
}
static uint32_t key(uint32_t sentence, uint32_t before) { return sentence * 7919 + before * 104729; }
static double logit(const table *t, uint32_t sentence, uint32_t before, int unit) {
	return noise(key(sentence, before) * UNITS + (uint32_t)unit + t->seed);
}
static double looks(const table *t, uint32_t sentence, uint32_t before, int place) {
	double x[PLACES], sum = 0;
	for (int i = 0; i < PLACES; i++) sum += x[i] = exp(noise(key(sentence, before) * 31 + (uint32_t)i + t->seed));
	return x[place] / sum;
}
static uint32_t with(uint32_t before, int unit) { return before * (UNITS + 1) + (uint32_t)unit + 1; }

static eg_status step(void *user, int n, const int *from, const int32_t *units, const eg_real **logits,
	const eg_real **attention, eg_error *err) {
	table *t = user;
	uint32_t sentence[MOST], before[MOST];
	(void)err;
	for (int i = 0; i < n; i++) {
		sentence[i] = t->calls ? t->sentence[from[i]] : (uint32_t)from[i];
		before[i] = t->calls ? with(t->before[from[i]], units[i]) : 0;
	}
	t->calls++;
	for (int i = 0; i < n; i++) {
		t->sentence[i] = sentence[i], t->before[i] = before[i];
		for (int k = 0; k < UNITS; k++) t->logits[i * UNITS + k] = (eg_real)logit(t, sentence[i], before[i], k);
		for (int k = 0; k < PLACES; k++)
			t->attention[i * PLACES + k] = (eg_real)looks(t, sentence[i], before[i], k);
	}
	*logits = t->logits, *attention = t->attention;
	return EG_OK;
}

static double log_probability(const table *t, uint32_t sentence, uint32_t before, int unit) {
	double sum = 0;
	for (int k = 0; k < UNITS; k++) sum += exp(logit(t, sentence, before, k));
	return logit(t, sentence, before, unit) - log(sum);
}

/* All sequences that go on from here. */
typedef struct all {
	const table *t;
	const eg_beam_options *o;
	uint32_t sentence;
	int32_t units[LONGEST], best[LONGEST];
	int n;
	double score, logprob, covered[LONGEST + 2][PLACES];
} all;

static void try_all(all *a, int length, uint32_t before, double logprob) {
	for (int k = 0; k < PLACES; k++)
		a->covered[length + 1][k] = a->covered[length][k] + looks(a->t, a->sentence, before, k);
	double score =
		(logprob + log_probability(a->t, a->sentence, before, END)) / pow((5 + length + 1) / 6.0, a->o->alpha);
	for (int k = 0; k < PLACES; k++) score += a->o->coverage * log(fmin(a->covered[length + 1][k], 1));
	if (score > a->score) {
		a->score = score, a->n = length, a->logprob = logprob + log_probability(a->t, a->sentence, before, END);
		memcpy(a->best, a->units, sizeof a->best);
	}
	for (int unit = 0; unit < UNITS && length < LONGEST; unit++) {
		if (unit == END || unit == NEVER) continue;
		a->units[length] = unit;
		try_all(a, length + 1, with(before, unit), logprob + log_probability(a->t, a->sentence, before, unit));
	}
}

static eg_beam_options options(int beam, double alpha, double coverage) {
	return (eg_beam_options){.beam = beam,
		.longest = LONGEST,
		.alpha = alpha,
		.coverage = coverage,
		.units = UNITS,
		.places = PLACES,
		.end = END,
		.never = NEVER};
}

static table *search(uint32_t seed, eg_beam_options o, int sentences, eg_hypothesis *best) {
	table *t = calloc(1, sizeof *t);
	eg_error err = {0};
	t->seed = seed;
	assert_int_equal(eg_beam_search(&(eg_beam_model){.user = t, .step = step}, &o, sentences, best, &err), EG_OK);
	return t;
}

/* As wide as there are sequences: the best of all. */
static void a_wide_beam_is_exhaustive(void **state) {
	static const double settings[][2] = {{0, 0}, {0.6, 0}, {1, 0.3}, {0, 1}};
	(void)state;
	for (uint32_t seed = 0; seed < 40; seed++)
		for (size_t k = 0; k < 4; k++) {
			const eg_beam_options o = options(64, settings[k][0], settings[k][1]);
			eg_hypothesis h[2];
			table *t = search(seed * 1000, o, 2, h);
			for (uint32_t i = 0; i < 2; i++) {
				all a = {.t = t, .o = &o, .sentence = i, .score = -1e9};
				try_all(&a, 0, 0, 0);
				assert_int_equal(h[i].n, a.n);
				assert_memory_equal(h[i].units, a.best, (size_t)a.n * sizeof *a.best);
				assert_true(fabs(h[i].score - a.score) < 1e-5 && fabs(h[i].logprob - a.logprob) < 1e-5);
				double covered = 0;
				for (int r = 0; r <= h[i].n; r++) covered += (double)h[i].attention[r * PLACES];
				assert_true(fabs(covered - a.covered[1][0]) < 1e-5 || h[i].n > 0);
				eg_hypothesis_free(&h[i]);
			}
			free(t);
		}
}

static void greedy_takes_the_likeliest(void **state) {
	(void)state;
	for (uint32_t seed = 0; seed < 40; seed++) {
		eg_hypothesis h;
		table *t = search(seed, options(1, 0, 0), 1, &h);
		uint32_t before = 0;
		int n = 0;
		for (;;) {
			int best = END;
			for (int k = 0; k < UNITS && n < LONGEST; k++)
				if (k != NEVER && logit(t, 0, before, k) > logit(t, 0, before, best)) best = k;
			if (best == END) break;
			assert_true(n < h.n && h.units[n] == best);
			before = with(before, best);
			n++;
		}
		assert_int_equal(h.n, n);
		eg_hypothesis_free(&h);
		free(t);
	}
}

/* A wider beam may lose, but seldom; what is found beside others is what is found alone. */
static void wider_is_better(void **state) {
	int better = 0, worse = 0;
	(void)state;
	for (uint32_t seed = 0; seed < 200; seed++) {
		eg_hypothesis narrow[3], wide[3], alone;
		table *a = search(seed, options(1, 0.6, 0), 3, narrow), *b = search(seed, options(4, 0.6, 0), 3, wide);
		table *c = search(seed, options(4, 0.6, 0), 1, &alone);
		assert_int_equal(alone.n, wide[0].n);
		assert_memory_equal(alone.units, wide[0].units, (size_t)alone.n * sizeof *alone.units);
		for (int i = 0; i < 3; i++) {
			better += wide[i].score > narrow[i].score + 1e-9;
			worse += wide[i].score < narrow[i].score - 1e-9;
			eg_hypothesis_free(&narrow[i]);
			eg_hypothesis_free(&wide[i]);
		}
		eg_hypothesis_free(&alone);
		free(a), free(b), free(c);
	}
	assert_true(better > 200 && worse < better / 20);
}

static eg_status no_numbers(void *user, int n, const int *from, const int32_t *units, const eg_real **logits,
	const eg_real **attention, eg_error *err) {
	static const eg_real none[UNITS] = {NAN, 0, 0, 0}, places[PLACES] = {0};
	(void)user, (void)n, (void)from, (void)units, (void)err;
	*logits = none, *attention = places;
	return EG_OK;
}

static void refuses_what_is_no_number(void **state) {
	eg_hypothesis h;
	eg_error err = {0};
	const eg_beam_options o = options(2, 0, 0);
	(void)state;
	assert_int_equal(eg_beam_search(&(eg_beam_model){.step = no_numbers}, &o, 1, &h, &err), EG_ERR_NUMERIC);
	eg_hypothesis_free(&h);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_wide_beam_is_exhaustive),
	        cmocka_unit_test(greedy_takes_the_likeliest),
	        cmocka_unit_test(wider_is_better),
	        cmocka_unit_test(refuses_what_is_no_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

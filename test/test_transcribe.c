/* test_transcribe.c - the task `transcribe`: reading labels off against all paths of small problems, one by one; tones as
 * words, learnt and told with their places; what cannot be learnt is left out. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/sound.h"
#include "source_bed.h"
#include "tasks/ctc.h"

#include <math.h>

/* ---- against all paths ------------------------------------------------------------------------------------------- */

enum { T = 5, C = 3, PATHS = 243 };

static void make_lp(double *lp, uint64_t seed) {
	for (int t = 0; t < T; t++) {
		double sum = 0;
		for (int k = 0; k < C; k++) sum += lp[t * C + k] = exp(2 * eg_rng_normal((eg_rng){seed, EG_RNG_TEST}, (uint64_t)(t * C + k)));
		for (int k = 0; k < C; k++) lp[t * C + k] = log(lp[t * C + k] / sum);
	}
}

/* What path number p tells, and ln of its probability. */
static int told_by(int p, const double *lp, int32_t *labels, double *ln, int *classes) {
	int n = 0, before = 0;
	*ln = 0;
	for (int t = 0; t < T; t++, p /= C) {
		const int k = p % C;
		classes[t] = k;
		*ln += lp[t * C + k];
		if (k && k != before) labels[n++] = k;
		before = k;
	}
	return n;
}

static bool same(const int32_t *a, int n, const int32_t *b, int m) { return n == m && (n == 0 || !memcmp(a, b, (size_t)n * sizeof *a)); }

static void all_paths(void **state) {
	sources *f = *state;
	double lp[T * C], lns[PATHS];
	int32_t labels[PATHS][T], got[T + 1];
	int count[PATHS], classes[PATHS][T];
	for (uint64_t seed = 0; seed < 60; seed++) {
		make_lp(lp, seed);
		const eg_ctc c = {lp, T, C};
		int best_path = 0, best_text = 0;
		double most = 0;
		for (int p = 0; p < PATHS; p++) {
			count[p] = told_by(p, lp, labels[p], &lns[p], classes[p]);
			if (lns[p] > lns[best_path]) best_path = p;
		}
		for (int p = 0; p < PATHS; p++) {
			double sum = 0, ln, likeliest = -INFINITY;
			int first[T], end[T], at_path = -1;
			for (int q = 0; q < PATHS; q++)
				if (same(labels[p], count[p], labels[q], count[q])) {
					sum += exp(lns[q]);
					if (lns[q] > likeliest) likeliest = lns[q], at_path = q;
				}
			if (sum > most) most = sum, best_text = p;
			assert_int_equal(eg_ctc_likelihood(&c, labels[p], count[p], &ln, &f->err), EG_OK);
			assert_true(fabs(ln - log(sum)) < 1e-9);
			assert_int_equal(eg_ctc_align(&c, labels[p], count[p], first, end, &f->err), EG_OK);
			for (int i = 0, t = 0; i < count[p]; i++) { /* as on the likeliest path */
				while (classes[at_path][t] == 0 || (t > 0 && i > 0 && t < end[i - 1])) t++;
				assert_int_equal(first[i], t);
				while (t < T && classes[at_path][t] == labels[p][i]) t++;
				assert_int_equal(end[i], t);
			}
		}
		int n = eg_ctc_best(&c, got);
		assert_true(same(got, n, labels[best_path], count[best_path]));
		assert_int_equal(eg_ctc_beam(&c, 100, NULL, got, &n, &f->err), EG_OK);
		assert_true(same(got, n, labels[best_text], count[best_text]));
	}
	double ln;
	make_lp(lp, 1);
	static const int32_t three[] = {1, 1, 1}, four[] = {1, 1, 2, 2};
	int first[T], end[T];
	assert_int_equal(eg_ctc_needs(three, 3), 5);
	assert_int_equal(eg_ctc_needs(four, 4), 6);
	assert_int_equal(eg_ctc_likelihood(&(eg_ctc){lp, T, C}, four, 4, &ln, &f->err), EG_OK);
	assert_true(ln == -INFINITY);
	assert_int_equal(eg_ctc_align(&(eg_ctc){lp, T, C}, four, 4, first, end, &f->err), EG_ERR_SHAPE);
}

/* A prior that wants no label 2 wins over what the steps say. */
static double no_twos(void *user, const int32_t *before, int n, int32_t label) {
	EG_UNUSED(user), EG_UNUSED(before), EG_UNUSED(n);
	return label == 2 ? -50 : 0;
}
static double one_after_two(void *user, const int32_t *before, int n, int32_t label) {
	EG_UNUSED(user);
	return label == 2 && (n == 0 || before[n - 1] != 1) ? -50 : 0;
}

static void with_prior(void **state) {
	sources *f = *state;
	double lp[T * C];
	int32_t got[T + 1];
	int n;
	for (uint64_t seed = 0; seed < 30; seed++) {
		make_lp(lp, seed);
		assert_int_equal(eg_ctc_beam(&(eg_ctc){lp, T, C}, 20, &(eg_ctc_prior){no_twos, NULL}, got, &n, &f->err), EG_OK);
		for (int i = 0; i < n; i++) assert_int_equal(got[i], 1);
		assert_int_equal(eg_ctc_beam(&(eg_ctc){lp, T, C}, 20, &(eg_ctc_prior){one_after_two, NULL}, got, &n, &f->err), EG_OK);
		for (int i = 0; i < n; i++) assert_true(got[i] == 1 || (i > 0 && got[i - 1] == 1));
	}
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {CASE(all_paths), CASE(with_prior)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_verify.c - pairs of embeddings: rates and thresholds counted by hand, how sure a distance is, and pairs that are
 * drawn of very many. Not here: models (cli_verify.sh, test/interop/faces.py). */
#include "tasks/pairs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Numbers on a line, of these classes. */
static eg_pairs pairs_of(const float *at, const int32_t *labels, int n, eg_distance distance, int width) {
	eg_embedded e = {.width = width, .n = n, .at = (float *)at, .labels = (int32_t *)labels};
	eg_pairs p;
	eg_error err = {0};
	if (eg_pairs_make(&e, distance, &p, &err)) fail_msg("%s", err.message);
	return p;
}

static void near(double have, double want) {
	if (!(fabs(have - want) < 1e-9)) fail_msg("%.12g in place of %.12g", have, want);
}

static void test_apart(void **state) {
	EG_UNUSED(state);
	/* of one class: 1, 2; of two: 4, 5, 6, 7 */
	eg_pairs p = pairs_of((const float[]){0, 5, 1, 7}, (const int32_t[]){3, 8, 3, 8}, 4, EG_DISTANCE_EUCLIDEAN, 1);
	assert_int_equal(p.nsame, 2);
	assert_int_equal(p.nother, 4);
	near(p.same[0], 1), near(p.same[1], 2);
	near(p.other[0], 4), near(p.other[3], 7);
	near(eg_pairs_eer(&p), 0);
	const double t = eg_pairs_threshold(&p, 0.25), none = eg_pairs_threshold(&p, 0.2), all = eg_pairs_threshold(&p, 1);
	near(t, 4.5);
	assert_true(none < 4 && none > 3.999);
	near(all, 7);
	near(eg_pairs_accepted(p.other, p.nother, t), 0.25);
	near(eg_pairs_accepted(p.other, p.nother, none), 0);
	near(eg_pairs_accepted(p.same, p.nsame, none), 1);
	near(eg_pairs_accepted(p.same, p.nsame, 1), 0.5);
	const eg_sureness s = eg_pairs_sureness(&p);
	assert_true(s.b < 0);
	assert_true(eg_sureness_at(s, 1) > 0.7 && eg_sureness_at(s, 7) < 0.2);
	eg_pairs_free(&p);
}

static void test_mixed(void **state) {
	EG_UNUSED(state);
	/* of one class: 3, 4; of two: 1, 2, 2, 5. At 4 nothing is refused and three of four are accepted. */
	eg_pairs p = pairs_of((const float[]){0, 3, 1, 5}, (const int32_t[]){0, 0, 1, 1}, 4, EG_DISTANCE_EUCLIDEAN, 1);
	near(eg_pairs_eer(&p), 0.75);
	const eg_sureness s = eg_pairs_sureness(&p);
	near(s.b, 0); /* the nearer ones are of two: a distance says nothing that could be told */
	near(eg_sureness_at(s, 3), 0.5);
	eg_pairs_free(&p);
	/* angles: 0, 90 and 180 degrees, whatever the length */
	p = pairs_of((const float[]){1, 0, 0, 9, -2, 0}, (const int32_t[]){0, 0, 1}, 3, EG_DISTANCE_COSINE, 2);
	near(p.same[0], 1), near(p.other[0], 1), near(p.other[1], 2);
	near(eg_pairs_eer(&p), 0.5);
	eg_pairs_free(&p);
	p = pairs_of((const float[]){0, 1}, (const int32_t[]){0, 1}, 2, EG_DISTANCE_EUCLIDEAN, 1);
	assert_true(isnan(eg_pairs_eer(&p))); /* no pair of one class */
	near(eg_pairs_sureness(&p).b, 0);
	eg_pairs_free(&p);
}

/* Kinds of which there are too many are drawn, each from its own. */
static void test_drawn(void **state) {
	enum { N = 2100, FEW = 3 };
	static float at[N];
	static int32_t labels[N];
	EG_UNUSED(state);
	for (int i = 0; i < N; i++) labels[i] = i % 2, at[i] = (float)(10 * (i % 2));
	eg_pairs p = pairs_of(at, labels, N, EG_DISTANCE_EUCLIDEAN, 1);
	assert_int_equal(p.nsame, EG_PAIRS_MOST);
	assert_int_equal(p.nother, EG_PAIRS_MOST);
	near(p.same[p.nsame - 1], 0), near(p.other[0], 10);
	eg_pairs_free(&p);
	for (int i = 0; i < N; i++) labels[i] = i / 3, at[i] = (float)i; /* few of one class: all of them */
	p = pairs_of(at, labels, N, EG_DISTANCE_EUCLIDEAN, 1);
	assert_int_equal(p.nsame, N / FEW * 3);
	assert_int_equal(p.nother, EG_PAIRS_MOST);
	near(p.same[0], 1), near(p.same[p.nsame - 1], 2);
	eg_pairs_free(&p);
}

static void test_none(void **state) {
	const float zeros[] = {0, 0, 1, 1};
	const int32_t labels[] = {0, 0};
	const eg_embedded e = {.width = 2, .n = 2, .at = (float *)zeros, .labels = (int32_t *)labels};
	eg_pairs p;
	eg_error err = {0};
	EG_UNUSED(state);
	assert_int_equal(eg_pairs_make(&e, EG_DISTANCE_COSINE, &p, &err), EG_ERR_NUMERIC);
	assert_null(p.same);
	assert_non_null(strstr(err.message, "no embedding that can be compared"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_drawn),
		cmocka_unit_test(test_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

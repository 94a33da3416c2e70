/* What auto-encoders of pictures are judged by, on numbers whose answer is known: the area under the ROC curve counted
 * pair by pair, principal components of rows that were made of known directions. */
#include "support_tasks.h"

#include "data/principal.h"
#include "tasks/reconstruct.h"

#include <math.h>

static double auc(const double *errors, const bool *odd, int n) {
	double v;
	assert_int_equal(eg_rebuilt_auc(errors, odd, n, &v, NULL), EG_OK);
	return v;
}

/* Pairs: (0.9, 0.1) (0.9, 0.4) (0.4, 0.1) are right, (0.4, 0.4) is a tie: 3.5 of 4. */
static void auc_counts_pairs(void **state) {
	(void)state;
	const double errors[] = {0.4, 0.9, 0.1, 0.4};
	assert_near(auc(errors, (const bool[]){true, true, false, false}, 4), 3.5 / 4, 1e-12);
	assert_near(auc(errors, (const bool[]){false, false, true, true}, 4), 0.5 / 4, 1e-12);
	assert_near(auc((const double[]){1, 1, 1}, (const bool[]){true, false, true}, 3), 0.5, 1e-12);
	assert_true(isnan(auc(errors, (const bool[]){true, true, true, true}, 4)));
	assert_true(isnan(auc(errors, (const bool[]){false, false, false, false}, 4)));
	assert_true(isnan(auc(NULL, NULL, 0)));
}

/* Against the definition: every pair. */
static void auc_is_that_of_all_pairs(void **state) {
	enum { N = 200 };
	double errors[N], wins = 0, pairs = 0;
	bool odd[N];
	const eg_rng rng = {5, 0};
	(void)state;
	for (int i = 0; i < N; i++) {
		odd[i] = eg_rng_uniform(rng, (uint64_t)(2 * i)) < 0.3;
		errors[i] = floor(20 * (eg_rng_uniform(rng, (uint64_t)(2 * i + 1)) + 0.2 * odd[i]));
	}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			if (odd[i] && !odd[k]) pairs++, wins += errors[i] > errors[k] ? 1 : errors[i] == errors[k] ? 0.5 : 0;
	assert_near(auc(errors, odd, N), wins / pairs, 1e-12);
}

/* Rows a (3,4,0)/5 + b (-4,3,0)/5 + (1,2,3), where a is +-3 and b +-1: variances 9 and 1, nothing along the last. */
static void components_of_known_directions(void **state) {
	eg_principal p;
	eg_real back[3];
	double codes[3];
	(void)state;
	assert_int_equal(eg_principal_begin(&p, 3, NULL), EG_OK);
	for (int i = 0; i < 4; i++) {
		const double a = i & 1 ? 3 : -3, b = i & 2 ? 1 : -1;
		eg_principal_add(&p, (const eg_real[]){(eg_real)((3 * a - 4 * b) / 5 + 1), (eg_real)((4 * a + 3 * b) / 5 + 2), 3});
	}
	assert_int_equal(eg_principal_solve(&p, 2, NULL), EG_OK);
	assert_near(p.variances[0], 9, 1e-5);
	assert_near(p.variances[1], 1, 1e-5);
	assert_near(p.total, 10, 1e-5);
	assert_near(fabs(p.axes[0] * 0.6 + p.axes[1] * 0.8), 1, 1e-6);
	assert_near(fabs(p.axes[3] * -0.8 + p.axes[4] * 0.6), 1, 1e-6);
	assert_near(p.mean[2], 3, 1e-6);
	eg_principal_project(&p, (const eg_real[]){(eg_real)2.8, (eg_real)4.4, 3}, codes); /* 3 along the first */
	assert_near(fabs(codes[0]), 3, 1e-5);
	assert_near(codes[1], 0, 1e-5);
	eg_principal_rebuild(&p, codes, back);
	assert_near((double)back[0], 2.8, 1e-5);
	assert_near((double)back[1], 4.4, 1e-5);
	eg_principal_free(&p);
}

/* Many numbers, few of which vary: all that varies is kept, by directions at right angles, the largest first. */
static void components_keep_what_varies(void **state) {
	enum { WIDTH = 40, RANK = 5, ROWS = 300 };
	eg_principal p;
	eg_real row[WIDTH], back[WIDTH];
	double codes[RANK];
	const eg_rng rng = {9, 0};
	uint64_t at = 1000;
	(void)state;
	assert_int_equal(eg_principal_begin(&p, WIDTH, NULL), EG_OK);
	for (int i = 0; i < ROWS; i++) {
		for (int c = 0; c < WIDTH; c++) row[c] = 0;
		for (int k = 0; k < RANK; k++) {
			const double x = eg_rng_normal(rng, at++) * (k + 1);
			for (int c = 0; c < WIDTH; c++) row[c] += (eg_real)(x * eg_rng_normal(rng, (uint64_t)(k * WIDTH + c)));
		}
		eg_principal_add(&p, row);
	}
	assert_int_equal(eg_principal_solve(&p, RANK, NULL), EG_OK);
	double kept = 0;
	for (int k = 0; k < RANK; k++) kept += p.variances[k];
	assert_near(kept / p.total, 1, 1e-6);
	for (int i = 0; i < RANK; i++)
		for (int k = 0; k < RANK; k++) {
			double s = 0;
			for (int c = 0; c < WIDTH; c++) s += p.axes[i * WIDTH + c] * p.axes[k * WIDTH + c];
			assert_near(s, i == k, 1e-9);
			if (i < k) assert_true(p.variances[i] >= p.variances[k]);
		}
	eg_principal_project(&p, row, codes);
	eg_principal_rebuild(&p, codes, back);
	for (int c = 0; c < WIDTH; c++) assert_near((double)back[c], (double)row[c], 1e-3);
	eg_principal_free(&p);
}

static void components_of_nothing(void **state) {
	eg_principal p;
	eg_error err;
	(void)state;
	assert_int_equal(eg_principal_begin(&p, 0, &err), EG_ERR_ARG);
	assert_int_equal(eg_principal_begin(&p, 100000, &err), EG_ERR_ARG);
	assert_int_equal(eg_principal_begin(&p, 2, &err), EG_OK);
	assert_int_equal(eg_principal_solve(&p, 1, &err), EG_ERR_ARG);
	eg_principal_free(&p);
	assert_int_equal(eg_principal_begin(&p, 2, &err), EG_OK);
	for (int i = 0; i < 3; i++) eg_principal_add(&p, (const eg_real[]){4, 4}); /* nothing varies */
	assert_int_equal(eg_principal_solve(&p, 9, &err), EG_OK);
	assert_int_equal(p.k, 2);
	assert_near(p.total, 0, 1e-12);
	assert_near(p.variances[0], 0, 1e-12);
	eg_principal_free(&p);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auc_counts_pairs),
		cmocka_unit_test(auc_is_that_of_all_pairs),
		cmocka_unit_test(components_of_known_directions),
		cmocka_unit_test(components_keep_what_varies),
		cmocka_unit_test(components_of_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

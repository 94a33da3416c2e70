/* test_kern_norm.c - normalisation of rows and along a dimension, gates and distances of every table against the
 * plain C ones, on sizes around those of vectors; and rows whose mean is large beside their deviation, against sums
 * in double precision.
 *
 * Gradients against central differences, plans and layouts: optest. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

enum { ROUNDS = 60 };

static int units_for(int64_t rows, int64_t total) { return (int)((total + rows - 1) / rows); }

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static eg_row_norm_shape some_rows(bed *t, int i) {
	eg_row_norm_shape s = {.groups = 1 + bed_below(t, 3),
	        .channels = bed_size(t),
	        .inner = i % 3 ? 1 : bed_size(t),
	        .rms = i % 4 == 3};
	if (i % 10 == 9) s.channels = 3000; /* more than a strip of sums */
	s.total = s.groups * (1 + bed_below(t, 5));
	s.rows = 1 + bed_below(t, (int)s.total);
	return s;
}

static void check_rows(bed *t, int i) {
	const eg_row_norm_shape s = some_rows(t, i);
	const size_t n = (size_t)s.channels * (size_t)s.inner, all = n * (size_t)s.total,
	             stats = EG_ROW_STATS * (size_t)s.total, width = (size_t)s.groups * (size_t)s.channels;
	const int units = units_for(s.rows, s.total);
	const ptrdiff_t step = (ptrdiff_t)s.rows * (ptrdiff_t)n;
	eg_row_norm_args a = {.x = {bed_reals(t, all), step},
	                         .y = {bed_zeros(t, all), step},
	                         .s = s,
	                         .eps = (real)1e-5,
	                         .act = bed_act(i)},
	                 b;
	a.stats = (eg_buf){bed_zeros(t, stats), EG_ROW_STATS * (ptrdiff_t)s.rows};
	if (i % 2) a.weight.p = bed_reals(t, width);
	if (i % 3) a.bias.p = bed_reals(t, width);
	b = a;
	b.y = bed_clone(t, a.y, all);
	b.stats = bed_clone(t, a.stats, stats);
	assert_same_job(t, "row_norm_fwd", (job){t->k->row_norm_fwd, &a, units, 0},
	        (job){t->ref->row_norm_fwd, &b, units, 0}, (output[]){output_reals(a.y, b.y, all, 1)}, 1);
	eg_row_norm_bwd_args g = {.x = a.x,
	                             .stats = b.stats,
	                             .weight = a.weight,
	                             .dy = {bed_reals(t, all), step},
	                             .s = s,
	                             .acc = i % 5 == 1},
	                     h;
	if (i % 7) g.dx = (eg_buf){bed_reals(t, all), step};
	if (i % 7 == 0 || i % 2) g.dweight = (eg_buf){bed_reals(t, width * (size_t)units), (ptrdiff_t)width};
	if (i % 3) g.dbias = (eg_buf){bed_reals(t, width * (size_t)units), (ptrdiff_t)width};
	h = g;
	output out[3];
	int outputs = 0;
	if (g.dx.p)
		out[outputs++] = output_reals(
		        g.dx, h.dx = bed_clone(t, g.dx, all), all, n == 1 ? 317 : 1); /* 1 / sqrt(eps) */
	if (g.dweight.p)
		out[outputs++] = output_reals(g.dweight, h.dweight = bed_clone(t, g.dweight, width * (size_t)units),
		        width * (size_t)units, 1);
	if (g.dbias.p)
		out[outputs++] = output_reals(
		        g.dbias, h.dbias = bed_clone(t, g.dbias, width * (size_t)units), width * (size_t)units, 1);
	assert_same_job(t, "row_norm_bwd", (job){t->k->row_norm_bwd, &g, units, 0},
	        (job){t->ref->row_norm_bwd, &h, units, 0}, out, outputs);
	bed_clear(t, "row_norm");
}

static void test_rows(void **state) {
	for (int i = 0; i < ROUNDS; i++) check_rows(*state, i);
}

/* Mean 10^4, deviation 1: the numbers themselves have steps of 0.001, but what is made of them must not be further
 * off than rounding. */
static void test_large_mean(void **state) {
	bed *t = *state;
	static const int sizes[] = {7, 16, 37, 1000, 5000};
	for (int i = 0; i < 2 * EG_COUNT(sizes); i++) {
		const int n = sizes[i / 2];
		eg_row_norm_args a = {.x = {bed_zeros(t, (size_t)n), n},
		        .y = {bed_zeros(t, (size_t)n), n},
		        .stats = {bed_zeros(t, EG_ROW_STATS), 0},
		        .s = {.total = 1, .rows = 1, .groups = 1, .channels = i % 2 ? n : 1, .inner = i % 2 ? 1 : n},
		        .eps = (real)1e-5};
		real *x = a.x.p, *y = a.y.p;
		double mean = 0, var = 0;
		for (int k = 0; k < n; k++) mean += (double)(x[k] = (real)(1e4 + sqrt(3.0) * bed_random(t))) / n;
		for (int k = 0; k < n; k++) var += ((double)x[k] - mean) * ((double)x[k] - mean) / n;
		t->k->row_norm_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
		for (int k = 0; k < n; k++) {
			const double want = ((double)x[k] - mean) / sqrt(var + 1e-5);
			if (!(fabs((double)y[k] - want) < 4e-6))
				fail_msg(
				        "%s: element %d of %d is %.9g, not %.9g", t->k->name, k, n, (double)y[k], want);
		}
		bed_clear(t, "row_norm");
	}
}

/* Equal numbers have no deviation: what is left must be 0, not the rounding of their mean in units of eps. */
static void test_equal_numbers(void **state) {
	bed *t = *state;
	enum { N = 1003 };
	eg_row_norm_args a = {.x = {bed_zeros(t, N), N},
	        .y = {bed_zeros(t, N), N},
	        .stats = {bed_zeros(t, EG_ROW_STATS), 0},
	        .s = {.total = 1, .rows = 1, .groups = 1, .channels = N, .inner = 1},
	        .eps = (real)1e-5};
	for (int k = 0; k < N; k++) ((real *)a.x.p)[k] = (real)12345.678;
	t->k->row_norm_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
	for (int k = 0; k < N; k++)
		if (!(fabs((double)((real *)a.y.p)[k]) < 1e-5))
			fail_msg("%s: element %d is %.9g, not 0", t->k->name, k, (double)((real *)a.y.p)[k]);
	bed_clear(t, "row_norm");
}

/* ---- along a dimension ------------------------------------------------------------------------------------------- */

static void check_along(bed *t, eg_along op, int i) {
	eg_along_shape s = {.outer = 1 + bed_below(t, 5),
	        .n = i % 10 == 9 ? 3000 : bed_size(t),
	        .inner = i % 2 ? 1 : bed_size(t),
	        .size = 1 + bed_below(t, 6),
	        .alpha = op == EG_ALONG_LOCAL ? (real)1.5
	                 : i % 3              ? (real)1e-12
	                                      : (real)1.2,
	        .beta = (real)0.75,
	        .bias = 1};
	s.rows = 1 + bed_below(t, (int)s.outer);
	const ptrdiff_t line = (ptrdiff_t)s.n * s.inner, step = (ptrdiff_t)s.rows * line;
	const size_t all = (size_t)s.outer * (size_t)line;
	const int units = units_for(s.rows, s.outer);
	eg_along_args a = {.x = {bed_reals(t, all), step}, .y = {bed_zeros(t, all), step}, .s = s, .op = op}, b = a;
	b.y = bed_clone(t, a.y, all);
	assert_same_job(t, "along_fwd", (job){t->k->along_fwd, &a, units, 0}, (job){t->ref->along_fwd, &b, units, 0},
	        (output[]){output_reals(a.y, b.y, all, 0)}, 1);
	if (op == EG_ALONG_HARD_MAX) {
		bed_clear(t, "along");
		return;
	}
	eg_along_bwd_args g = {.v = op == EG_ALONG_LOG_SOFTMAX ? b.y : a.x,
	                          .dy = {bed_reals(t, all), step},
	                          .dx = {bed_reals(t, all), step},
	                          .s = s,
	                          .op = op,
	                          .acc = i % 3 == 1},
	                  h = g;
	h.dx = bed_clone(t, g.dx, all);
	const size_t scratch = op == EG_ALONG_LOCAL ? (size_t)s.n * EG_ALONG_SCRATCH * sizeof(real) : 0;
	assert_same_job(t, "along_bwd", (job){t->k->along_bwd, &g, units, scratch},
	        (job){t->ref->along_bwd, &h, units, scratch}, (output[]){output_reals(g.dx, h.dx, all, 1)}, 1);
	bed_clear(t, "along");
}

static void test_along(void **state) {
	for (int i = 0; i < ROUNDS * EG_ALONGS; i++) check_along(*state, (eg_along)(i % EG_ALONGS), i / EG_ALONGS);
}

/* Where is the first largest number, or the first NaN? And large numbers keep their logarithms of probabilities. */
static void test_meaning(void **state) {
	bed *t = *state;
	static const struct {
		real x[4];
		int at;
	} rows[] = {{{1, 3, 3, 2}, 1}, {{(real)NAN, 3, 1, 0}, 0}, {{1, 3, (real)NAN, (real)NAN}, 2},
	        {{-(real)INFINITY, -(real)INFINITY, -5, -5}, 2}};
	for (int i = 0; i < EG_COUNT(rows); i++) {
		eg_along_args a = {.x = {bed_copy(t, rows[i].x, sizeof rows[i].x), 4},
		        .y = {bed_zeros(t, 4), 4},
		        .s = {.outer = 1, .rows = 1, .n = 4, .inner = 1},
		        .op = EG_ALONG_HARD_MAX};
		t->k->along_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
		for (int k = 0; k < 4; k++)
			if (((real *)a.y.p)[k] != (k == rows[i].at))
				fail_msg("%s: hard_max row %d, element %d", t->k->name, i, k);
	}
	for (int inner = 1; inner < 3; inner++) {
		eg_along_args a = {.x = {bed_zeros(t, 4), 4},
		        .y = {bed_zeros(t, 4), 4},
		        .s = {.outer = 1, .rows = 1, .n = 2, .inner = inner},
		        .op = EG_ALONG_LOG_SOFTMAX};
		real *x = a.x.p, *y = a.y.p;
		for (int k = 0; k < inner; k++) x[k] = 10000, x[inner + k] = 9990;
		t->k->along_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
		for (int k = 0; k < inner; k++)
			if (!(fabs((double)y[k] + 4.5398899e-5) < 1e-7) ||
			        !(fabs((double)y[inner + k] + 10.000045) < 2e-6))
				fail_msg("%s: log_softmax of 10000 and 9990 is %.9g and %.9g", t->k->name, (double)y[k],
				        (double)y[inner + k]);
	}
	bed_clear(t, "along");
}

/* ---- gates, distances -------------------------------------------------------------------------------------------- */

static void check_gate(bed *t, int i) {
	const eg_act act = bed_act(i);
	const int64_t outer = 1 + bed_below(t, 6), half = bed_size(t), rows = 1 + bed_below(t, (int)outer);
	const size_t n = (size_t)(outer * half);
	const int units = units_for(rows, outer);
	eg_gate_args a = {.x = {bed_reals(t, 2 * n), (ptrdiff_t)(2 * rows * half)},
	                     .y = {bed_zeros(t, n), (ptrdiff_t)(rows * half)},
	                     .outer = outer,
	                     .rows = rows,
	                     .half = half,
	                     .act = act},
	             b = a;
	b.y = bed_clone(t, a.y, n);
	assert_same_job(t, "gate_fwd", (job){t->k->gate_fwd, &a, units, 0}, (job){t->ref->gate_fwd, &b, units, 0},
	        (output[]){output_reals(a.y, b.y, n, 1)}, 1);
	eg_gate_bwd_args g = {.x = a.x,
	                         .dy = {bed_reals(t, n), (ptrdiff_t)(rows * half)},
	                         .dx = {bed_reals(t, 2 * n), a.x.stride},
	                         .outer = outer,
	                         .rows = rows,
	                         .half = half,
	                         .act = act,
	                         .acc = i % 3 == 1},
	                 h = g;
	h.dx = bed_clone(t, g.dx, 2 * n);
	assert_same_job(t, "gate_bwd", (job){t->k->gate_bwd, &g, units, 0}, (job){t->ref->gate_bwd, &h, units, 0},
	        (output[]){output_reals(g.dx, h.dx, 2 * n, 1)}, 1);
	bed_clear(t, "gate");
}

static void test_gate(void **state) {
	for (int i = 0; i < 3 * EG_ACT_KINDS; i++) check_gate(*state, i);
}

static void check_distance(bed *t, int i) {
	const int n = bed_size(t), k = bed_size(t);
	const int64_t total = 1 + bed_below(t, 20), rows = 1 + bed_below(t, (int)total);
	const int units = units_for(rows, total);
	const size_t in = (size_t)total * (size_t)k, outn = (size_t)total * (size_t)n;
	eg_distance_args a = {.x = {bed_reals(t, in), (ptrdiff_t)(rows * k)},
	                         .codes = {bed_reals(t, (size_t)n * (size_t)k), 0},
	                         .y = {bed_zeros(t, outn), (ptrdiff_t)(rows * n)},
	                         .total = total,
	                         .rows = rows,
	                         .n = n,
	                         .k = k},
	                 b = a;
	b.y = bed_clone(t, a.y, outn);
	assert_same_job(t, "distance_fwd", (job){t->k->distance_fwd, &a, units, 0},
	        (job){t->ref->distance_fwd, &b, units, 0}, (output[]){output_reals(a.y, b.y, outn, 1)}, 1);
	const bool swapped = i % 2; /* dy read down its columns */
	eg_distance_bwd_args g = {.a = a.x,
	                             .b = a.codes,
	                             .dy = {bed_reals(t, outn), swapped ? (ptrdiff_t)rows : (ptrdiff_t)(rows * n)},
	                             .da = {bed_reals(t, in), a.x.stride},
	                             .total = total,
	                             .rows = rows,
	                             .sa = swapped ? 1 : n,
	                             .sb = swapped ? total : 1,
	                             .n = n,
	                             .k = k,
	                             .acc = i % 3 == 1},
	                     h = g;
	h.da = bed_clone(t, g.da, in);
	assert_same_job(t, "distance_bwd", (job){t->k->distance_bwd, &g, units, 0},
	        (job){t->ref->distance_bwd, &h, units, 0}, (output[]){output_reals(g.da, h.da, in, 1)}, 1);
	bed_clear(t, "distance");
}

static void test_distance(void **state) {
	for (int i = 0; i < ROUNDS; i++) check_distance(*state, i);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),
	        cmocka_unit_test(test_large_mean),
	        cmocka_unit_test(test_equal_numbers),
	        cmocka_unit_test(test_along),
	        cmocka_unit_test(test_meaning),
	        cmocka_unit_test(test_gate),
	        cmocka_unit_test(test_distance),
	};
	return bed_main(tests, EG_COUNT(tests));
}

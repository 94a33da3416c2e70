/* test_kern_families.c - the families of arithmetic of every table: all members against the plain C ones on ordinary
 * numbers and on those at which they go wrong, and what NumPy says of infinities, NaN and zeros.
 *
 * Gradients, broadcasting in plans and layouts: optest. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

enum { MANY = 1000 };

/* Within some units in the last place, or both the same infinity, NaN or zero with its sign. */
static bool same(double got, double want, double ulps) {
	if (isnan(want)) return isnan(got);
	if (isinf(want) || want == 0) return got == want && signbit(got) == signbit(want);
	return fabs(got - want) <= ulps * (sizeof(real) == sizeof(float) ? 6e-8 : 1.2e-16) * fabs(want) + 1e-37;
}

/* ---- one number ------------------------------------------------------------------------------------------------- */

static const real odd[] = {0, -(real)0.0, (real)INFINITY, -(real)INFINITY, (real)NAN, 1, -1, (real)0.5, (real)-0.5, (real)1.5, (real)2.5, (real)-0.3,
	(real)-0.7, (real)1e30, (real)-1e30, (real)1e-30, 100000, -12345, 8388609, 89, -105, 2, 4, (real)3e38};

static void check_unary(bed *t, eg_unary op, const real *x, int64_t n, double ulps) {
	eg_unary_args a = {.x = {bed_copy(t, x, (size_t)n * sizeof *x), n}, .y = {bed_zeros(t, (size_t)n), n}, .unit = n, .total = n, .op = op,
		.alpha = -1, .beta = 2};
	t->k->unary_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
	for (int64_t i = 0; i < n; i++) {
		double got = (double)((real *)a.y.p)[i], want = (double)eg_unary_value(op, x[i], a.alpha, a.beta);
		/* beside a zero of the function */
		bool small = op <= EG_UNARY_COS && op >= EG_UNARY_SIN && fabs(got - want) < 1.3e-7;
		if (!small && !same(got, want, ulps)) fail_msg("%s: unary %d of %.9g is %.9g, not %.9g", t->k->name, (int)op, (double)x[i], got, want);
	}
	bed_clear(t, "unary");
}

static void test_unary(void **state) {
	bed *t = *state;
	real x[MANY];
	for (int op = 0; op < EG_UNARIES; op++) {
		check_unary(t, (eg_unary)op, odd, EG_COUNT(odd), 8);
		for (int reach = 1; reach <= 100; reach *= 10) {
			for (int i = 0; i < MANY; i++) x[i] = (real)(reach * bed_random(t));
			check_unary(t, (eg_unary)op, x, MANY, op == EG_UNARY_TAN ? 400 : 8);
			check_unary(t, (eg_unary)op, x, 13, op == EG_UNARY_TAN ? 400 : 8);
		}
	}
}

static void test_unary_slopes(void **state) {
	bed *t = *state;
	for (int i = 0; i < 4 * EG_UNARIES; i++) {
		const eg_unary op = (eg_unary)(i / 4);
		const size_t n = i % 2 ? 133 : 9;
		eg_unary_bwd_args a = {.v = {bed_reals(t, n), (ptrdiff_t)n}, .dy = {bed_reals(t, n), (ptrdiff_t)n}, .dx = {bed_reals(t, n), (ptrdiff_t)n},
			.unit = (int64_t)n, .total = (int64_t)n, .op = op, .alpha = (real)-0.3, .beta = (real)0.6, .acc = i % 4 > 1};
		eg_unary_bwd_args b = a;
		b.dx = bed_clone(t, a.dx, n);
		t->k->unary_bwd(&a, 0, 1, EG_WORKER(t->k, NULL));
		t->ref->unary_bwd(&b, 0, 1, EG_WORKER(t->ref, NULL));
		for (size_t k = 0; k < n; k++) {
			double got = (double)((real *)a.dx.p)[k], want = (double)((real *)b.dx.p)[k];
			if (!(fabs(got - want) <= 2e-6 * (1 + fabs(want))) && !(isnan(got) && isnan(want)))
				fail_msg("%s: derivative of unary %d at %.9g gives %.9g, not %.9g", t->k->name, (int)op, (double)((real *)a.v.p)[k], got, want);
		}
		bed_clear(t, "unary_bwd");
	}
}

/* What the plain C ones themselves must say. */
static void test_unary_meaning(void **state) {
	EG_UNUSED(state);
	static const struct {
		eg_unary op;
		double x, y;
	} rows[] = {{EG_UNARY_LOG, 0, -INFINITY}, {EG_UNARY_LOG, -1, NAN}, {EG_UNARY_SQRT, -1, NAN}, {EG_UNARY_RECIPROCAL, -0.0, -INFINITY},
		{EG_UNARY_SIGN, -0.0, -0.0}, {EG_UNARY_SIGN, NAN, NAN}, {EG_UNARY_SIGN, -7, -1}, {EG_UNARY_FLOOR, -0.5, -1}, {EG_UNARY_CEIL, -0.5, -0.0},
		{EG_UNARY_ROUND, 2.5, 2}, {EG_UNARY_ROUND, 3.5, 4}, {EG_UNARY_ROUND, -0.5, -0.0}, {EG_UNARY_CLIP, NAN, NAN}, {EG_UNARY_CLIP, -INFINITY, -1},
		{EG_UNARY_CLIP, 5, 2}, {EG_UNARY_IS_NAN, NAN, 1}, {EG_UNARY_IS_NAN, INFINITY, 0}, {EG_UNARY_IS_INF, -INFINITY, 1}, {EG_UNARY_NOT, -0.0, 1},
		{EG_UNARY_NOT, NAN, 0}, {EG_UNARY_ASIN, 2, NAN}, {EG_UNARY_ATANH, 1, INFINITY}, {EG_UNARY_ERF, INFINITY, 1}, {EG_UNARY_SIN, INFINITY, NAN}};
	for (int i = 0; i < EG_COUNT(rows); i++)
		if (!same((double)eg_unary_value(rows[i].op, (real)rows[i].x, -1, 2), rows[i].y, 2)) fail_msg("unary row %d", i);
}

/* ---- two numbers ------------------------------------------------------------------------------------------------ */

/* Every odd number with every other one, or each with one that is repeated on either side. */
static void check_binary(bed *t, eg_binary op, int repeated) {
	enum { N = EG_COUNT(odd), ALL = N * N };
	real a[ALL], b[ALL];
	for (int i = 0; i < ALL; i++) a[i] = odd[i / N], b[i] = odd[i % N];
	eg_binary_args g = {.y = {bed_zeros(t, ALL), 0}, .op = op, .at = {.rank = 2, .rows = N, .dims = {N, N}, .s = {{1, 0}, {0, 1}}}};
	g.a.p = bed_copy(t, repeated ? odd : a, repeated ? sizeof odd : sizeof a);
	g.b.p = bed_copy(t, repeated ? odd : b, repeated ? sizeof odd : sizeof b);
	if (!repeated) g.at = (eg_spread){.rank = 1, .rows = ALL, .dims = {ALL}, .s = {{1}, {1}}};
	if (repeated == 2) g.at = (eg_spread){.rank = 2, .rows = N, .dims = {N, N}, .s = {{0, 1}, {1, 0}}};
	t->k->binary(&g, 0, 1, EG_WORKER(t->k, NULL));
	for (int i = 0; i < ALL; i++) {
		real p = repeated == 2 ? b[i] : a[i], q = repeated == 2 ? a[i] : b[i];
		double got = (double)((real *)g.y.p)[i], want = (double)eg_binary_value(op, p, q);
		bool zero = want == 0 && got == 0 && (op == EG_BINARY_MIN || op == EG_BINARY_MAX);
		if (!zero && !same(got, want, 2))
			fail_msg("%s: binary %d of %.9g and %.9g is %.9g, not %.9g", t->k->name, (int)op, (double)p, (double)q, got, want);
	}
	bed_clear(t, "binary");
}

static void test_binary(void **state) {
	for (int i = 0; i < 3 * EG_BINARIES; i++) check_binary(*state, (eg_binary)(i / 3), i % 3);
}

static void test_binary_meaning(void **state) {
	EG_UNUSED(state);
	static const struct {
		eg_binary op;
		double a, b, y;
	} rows[] = {{EG_BINARY_MOD, -7, 3, 2}, {EG_BINARY_MOD, 7, -3, -2}, {EG_BINARY_MOD, -6, 3, 0.0}, {EG_BINARY_MOD, 6, -3, -0.0},
		{EG_BINARY_FMOD, -7, 3, -1}, {EG_BINARY_FMOD, 7, -3, 1}, {EG_BINARY_MOD, 5, 0, NAN}, {EG_BINARY_MIN, NAN, 1, NAN}, {EG_BINARY_MIN, 1, NAN, NAN},
		{EG_BINARY_MAX, NAN, 1, NAN}, {EG_BINARY_MAX, 1, NAN, NAN}, {EG_BINARY_MAX, -INFINITY, 1, 1}, {EG_BINARY_POW, -8, 3, -512},
		{EG_BINARY_POW, -8, 0.5, NAN}, {EG_BINARY_POW, NAN, 0, 1}, {EG_BINARY_DIV, 1, -0.0, -INFINITY}, {EG_BINARY_EQUAL, NAN, NAN, 0},
		{EG_BINARY_NOT_EQUAL, NAN, NAN, 1}, {EG_BINARY_EQUAL, 0, -0.0, 1}, {EG_BINARY_LESS_EQUAL, NAN, 1, 0}, {EG_BINARY_GREATER_EQUAL, 2, 2, 1},
		{EG_BINARY_AND, NAN, -1, 1}, {EG_BINARY_OR, 0, -0.0, 0}, {EG_BINARY_XOR, 3, 4, 0}};
	for (int i = 0; i < EG_COUNT(rows); i++)
		if (!same((double)eg_binary_value(rows[i].op, (real)rows[i].a, (real)rows[i].b), rows[i].y, 2)) fail_msg("binary row %d", i);
}

static void test_binary_slopes(void **state) {
	bed *t = *state;
	enum { N = 7, M = 29 };
	for (int i = 0; i < 12 * EG_BINARIES; i++) {
		static const int64_t strides[3][2][2] = {{{M, 1}, {M, 1}}, {{1, 0}, {M, 1}}, {{M, 1}, {0, 1}}};
		const eg_binary op = (eg_binary)(i / 12);
		eg_binary_bwd_args a = {.op = op, .side = i % 2, .acc = i / 2 % 2, .at = {.rank = 2, .rows = N, .dims = {N, M}}};
		for (int s = 0; s < 2; s++) memcpy(a.at.s[s], strides[i / 4 % 3][s], sizeof strides[0][0]);
		real *p = bed_reals(t, N * M), *q = bed_reals(t, N * M);
		for (int k = 0; k < N * M; k += 5) p[k] = q[k] = (real)0.25; /* equal ones */
		a.a.p = p, a.b.p = q, a.dy.p = bed_reals(t, N * M), a.d.p = bed_reals(t, N * M);
		eg_binary_bwd_args b = a;
		b.d = bed_clone(t, a.d, N * M);
		t->k->binary_bwd(&a, 0, 1, EG_WORKER(t->k, NULL));
		t->ref->binary_bwd(&b, 0, 1, EG_WORKER(t->ref, NULL));
		for (int k = 0; k < N * M; k++) {
			double got = (double)((real *)a.d.p)[k], want = (double)((real *)b.d.p)[k];
			if (!(fabs(got - want) <= 2e-6 * (1 + fabs(want))) && !(isnan(got) && isnan(want)))
				fail_msg("%s: derivative %d of binary %d: [%d] is %.9g, not %.9g", t->k->name, a.side, (int)op, k, got, want);
		}
		bed_clear(t, "binary_bwd");
	}
}

/* ---- many numbers ----------------------------------------------------------------------------------------------- */

static const struct {
	int64_t dims[4];
	int gone; /* bits */
} shapes[] = {{{3, 5, 7, 2}, 2}, {{1, 1, 4, 133}, 8}, {{1, 1, 133, 37}, 4}, {{2, 3, 5, 33}, 10}, {{2, 19, 5, 3}, 5}, {{2, 3, 5, 7}, 15}, {{2, 3, 1, 7}, 0},
	{{1, 1, 1, 9000}, 15}, {{1, 1, 3000, 21}, 4}};

static eg_reduce_shape reduce_shape(int i) {
	eg_reduce_shape s = {.rank = 4, .count = 1, .unit = EG_BLOCK};
	for (int d = 3; d >= 0; d--) {
		const bool gone = shapes[i].gone >> d & 1;
		s.dims[d] = shapes[i].dims[d];
		s.sy[d] = gone ? 0 : s.count;
		if (!gone) s.count *= s.dims[d];
	}
	return s;
}

/* how: 0 random numbers, 1 halves, with equal ones and zeros, 2 with NaN and infinities here and there */
static real *some(bed *t, size_t n, int how, bool positive) {
	real *x = bed_reals(t, n);
	for (size_t k = 0; k < n; k++) {
		if (how == 1) x[k] = (real)(bed_below(t, 5) - 2) / 2;
		if (how == 2 && bed_below(t, 60) == 0) x[k] = odd[2 + bed_below(t, 3)];
		if (positive) x[k] = (real)fabs((double)x[k]);
	}
	return x;
}

static void check_reduce(bed *t, eg_reduction op, int shape, int how) {
	eg_reduce_args a = {.s = reduce_shape(shape), .op = op}, b;
	const size_t n = (size_t)(a.s.dims[0] * a.s.dims[1] * a.s.dims[2] * a.s.dims[3]), m = (size_t)a.s.count;
	const bool arg = op >= EG_REDUCE_ARG_MAX;
	if (arg && (shapes[shape].gone & (shapes[shape].gone - 1))) return; /* more than one dimension */
	if (op == EG_REDUCE_PROD && (n > 8000 || (how == 2 && m == 1))) return; /* infinities times what is rounded to
	                                                                         * 0 */
	a.x.p = some(t, n, how, op == EG_REDUCE_LOG_SUM);
	a.y.p = bed_zeros(t, m);
	b = a;
	b.y.p = bed_zeros(t, m);
	const int units = (int)((m + EG_BLOCK - 1) / EG_BLOCK);
	for (int u = 0; u < units; u++) t->k->reduce(&a, u, u + 1, EG_WORKER(t->k, NULL));
	t->ref->reduce(&b, 0, units, EG_WORKER(t->ref, NULL));
	for (size_t k = 0; k < m; k++) {
		double got = arg ? ((int32_t *)a.y.p)[k] : (double)((real *)a.y.p)[k], want = arg ? ((int32_t *)b.y.p)[k] : (double)((real *)b.y.p)[k];
		if (!(arg && got == want) && !same(got, want, 100) && !(fabs(got - want) < 3e-5))
			fail_msg("%s: reduction %d, shape %d, numbers %d: [%zu] is %.9g, not %.9g", t->k->name, (int)op, shape, how, k, got, want);
	}
	bed_clear(t, "reduce");
}

static void test_reduce(void **state) {
	for (int op = 0; op < EG_REDUCTIONS; op++)
		for (int i = 0; i < 3 * EG_COUNT(shapes); i++) check_reduce(*state, (eg_reduction)op, i / 3, i % 3);
}

static void check_reduce_slopes(bed *t, eg_reduction op, int shape, int how, bool acc) {
	eg_reduce_bwd_args a = {.s = reduce_shape(shape), .op = op, .acc = acc}, b;
	const size_t n = (size_t)(a.s.dims[0] * a.s.dims[1] * a.s.dims[2] * a.s.dims[3]), m = (size_t)a.s.count;
	const int units = (int)((m + EG_BLOCK - 1) / EG_BLOCK);
	if (op == EG_REDUCE_PROD && n > 8000) return;
	a.x.p = some(t, n, how, op == EG_REDUCE_LOG_SUM);
	a.y.p = bed_zeros(t, m);
	t->ref->reduce(&(eg_reduce_args){.x = a.x, .y = a.y, .s = a.s, .op = op}, 0, units, EG_WORKER(t->ref, NULL));
	a.dy.p = bed_reals(t, m);
	a.dx.p = bed_reals(t, n);
	b = a;
	b.dx = bed_clone(t, a.dx, n);
	for (int u = 0; u < units; u++) t->k->reduce_bwd(&a, u, u + 1, EG_WORKER(t->k, NULL));
	t->ref->reduce_bwd(&b, 0, units, EG_WORKER(t->ref, NULL));
	for (size_t k = 0; k < n; k++) {
		double got = (double)((real *)a.dx.p)[k], want = (double)((real *)b.dx.p)[k];
		if (got != want && !(fabs(got - want) <= 5e-6 * (1 + fabs(want))) && !(isnan(got) && isnan(want)))
			fail_msg("%s: derivative of reduction %d, shape %d, numbers %d: [%zu] is %.9g, not %.9g", t->k->name, (int)op, shape, how, k, got, want);
	}
	bed_clear(t, "reduce_bwd");
}

static void test_reduce_slopes(void **state) {
	for (int op = 0; op < EG_REDUCE_ARG_MAX; op++)
		for (int i = 0; i < 4 * EG_COUNT(shapes); i++) check_reduce_slopes(*state, (eg_reduction)op, i / 4, i % 2, i % 4 > 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unary),
		cmocka_unit_test(test_unary_slopes),
		cmocka_unit_test(test_unary_meaning),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_binary_meaning),
		cmocka_unit_test(test_binary_slopes),
		cmocka_unit_test(test_reduce),
		cmocka_unit_test(test_reduce_slopes),
	};
	return bed_main(tests, EG_COUNT(tests));
}

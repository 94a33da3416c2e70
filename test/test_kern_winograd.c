/* test_kern_winograd.c - the convolutions by Winograd's algorithm (conv[EG_CONV_WINOGRAD2] and 4) against the plain C
 * one: shapes at which tiles, channels and chunks do not come out even, every combination of layouts, any split of the
 * units, and the errors that body_conv_winograd.c promises.
 *
 * Jobs run between guards, with scratch of exactly the size asked for and full of NaN. Lanes of BLOCKED pictures beyond
 * the last channel hold 1e30, which must not leak into results. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

#include <stdio.h>

typedef char label[200];

/* Largest error relative to the largest value, of random data: what body_conv_winograd.c states. The plain C kernels
 * round sums of `float` too. */
static double bound(const bed *t, eg_conv_algo algo) {
	if (t->k->conv[algo].exact) return TOLERANCE;
	return algo == EG_CONV_WINOGRAD2 ? 2e-6 : 6e-6;
}

/* N, C, H, W, K, padding */
static const int SHAPES[][7] = {
	{1, 1, 1, 1, 1, 1, 1},     /* one position */
	{2, 3, 1, 9, 5, 1, 1},     /* one row */
	{1, 7, 11, 1, 17, 2, 1},   /* one column */
	{2, 16, 3, 3, 16, 0, 0},   /* one result */
	{1, 5, 4, 5, 33, 2, 2},
	{3, 17, 7, 7, 9, 1, 1},
	{2, 24, 14, 14, 40, 1, 1},
	{1, 31, 13, 10, 65, 0, 2},
	{2, 64, 9, 17, 100, 1, 0}, /* more than one group of filters */
	{3, 20, 29, 38, 36, 1, 1}, /* more tiles than a chunk; runs that do not come out even */
	{1, 150, 8, 8, 130, 1, 1},
	{17, 3, 6, 33, 6, 2, 0},
	{1, 33, 5, 70, 16, 1, 1},
};

static eg_conv_shape shape_of(const int *a, int layouts) {
	int row[14] = {a[0], a[1], a[2], a[3], a[4], 3, 3, 1, 1, a[5], a[6], 1, 1, 1};
	eg_conv_shape s = bed_conv(row);
	s.x_blocked = layouts & 1, s.y_blocked = layouts & 2;
	return s;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* A picture: where it lies, and how. */
typedef struct picture {
	int N, channels, plane;
	bool blocked;
} picture;

BED_UNSANITIZED static int lanes_of(picture p) { return p.blocked ? (p.channels + EG_BLOCK - 1) / EG_BLOCK * EG_BLOCK : p.channels; }
static size_t count_of(picture p) { return (size_t)p.N * (size_t)lanes_of(p) * (size_t)p.plane; }
BED_UNSANITIZED static size_t at(picture p, int n, int c, int i) {
	if (!p.blocked) return ((size_t)n * (size_t)p.channels + (size_t)c) * (size_t)p.plane + (size_t)i;
	return (((size_t)n * (size_t)(lanes_of(p) / EG_BLOCK) + (size_t)(c / EG_BLOCK)) * (size_t)p.plane + (size_t)i) * EG_BLOCK +
	       (size_t)(c % EG_BLOCK);
}
static void fill_tail(picture p, real *x, real value) {
	for (int n = 0; n < p.N; n++)
		for (int c = p.channels; c < lanes_of(p); c++)
			for (int i = 0; i < p.plane; i++) x[at(p, n, c, i)] = value;
}
static eg_buf draw(bed *t, picture p, real tail) {
	eg_buf b = {bed_reals(t, count_of(p)), 0};
	fill_tail(p, b.p, tail);
	return b;
}
static picture picture_x(const eg_conv_shape *s) { return (picture){s->N, s->C, s->H * s->W, s->x_blocked}; }
static picture picture_y(const eg_conv_shape *s) { return (picture){s->N, s->K, s->P * s->Q, s->y_blocked}; }

/* Lanes beyond the last channel: finite in activations, zero in gradients. */
static void check_tail(const char *what, picture p, const real *x, bool zero) {
	for (int n = 0; n < p.N; n++)
		for (int c = p.channels; c < lanes_of(p); c++)
			for (int i = 0; i < p.plane; i++) {
				real v = x[at(p, n, c, i)];
				if (zero ? v != 0 : !isfinite(v) || fabs((double)v) > 1e6) fail_msg("%s: %g in a lane without a channel", what, (double)v);
			}
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

typedef struct result {
	void *p;
	size_t count;
} result;

/* Runs the job all at once, unit by unit, and in random pieces; wants the same bits. */
static void run_splits(bed *t, const char *what, job j, const result *out, int outs) {
	void *before[2], *whole[2];
	for (int i = 0; i < outs; i++) before[i] = bed_copy(t, out[i].p, out[i].count * sizeof(real));
	job_run(t, j, 0, j.units);
	for (int i = 0; i < outs; i++) whole[i] = bed_copy(t, out[i].p, out[i].count * sizeof(real));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < outs; i++) memcpy(out[i].p, before[i], out[i].count * sizeof(real));
		for (int u = 0, n; u < j.units; u += n) {
			n = round ? 1 + bed_below(t, j.units - u) : 1;
			job_run(t, j, u, u + n);
		}
		for (int i = 0; i < outs; i++)
			if (memcmp(out[i].p, whole[i], out[i].count * sizeof(real)) != 0) fail_msg("%s: in pieces differs from all at once", what);
	}
}

static void *packed(bed *t, const eg_conv_kernels *c, const eg_conv_shape *s, eg_conv_dir dir, eg_buf w) {
	size_t bytes = c->pack_bytes(s, dir);
	eg_conv_pack_args a = {w, {bed_bytes(t, bytes), 0}, *s, dir};
	memset(a.dst.p, 0, bytes);
	job j = {c->pack, &a, c->pack_units(s, dir), 0};
	result out = {a.dst.p, bytes / sizeof(real)};
	run_splits(t, "packing", j, &out, 1);
	return a.dst.p;
}

static void name_of(char *to, size_t size, const eg_conv_kernels *c, const eg_conv_shape *s, const char *dir, int bits) {
	snprintf(to, size, "%s %s n%d c%d h%d w%d k%d pad %d,%d x %s y %s bits %d", c->name, dir, s->N, s->C, s->H, s->W, s->K, s->ph, s->pw,
	        s->x_blocked ? "blocked" : "plain", s->y_blocked ? "blocked" : "plain", bits);
}

/* dir FWD or BWD_DATA; bits: of FWD the activation and 4 without bias, 1 to accumulate. */
static void compare_run(bed *t, eg_conv_algo algo, const eg_conv_shape *s, eg_conv_dir dir, int bits) {
	label what;
	const eg_conv_kernels *c = &t->k->conv[algo], *ref = &t->ref->conv[algo];
	const bool fwd = dir == EG_CONV_FWD;
	picture from = fwd ? picture_x(s) : picture_y(s), to = fwd ? picture_y(s) : picture_x(s);
	name_of(what, sizeof what, c, s, fwd ? "forward" : "data", bits);
	eg_buf w = {bed_reals(t, (size_t)(s->K * s->C * 9)), 0};
	eg_conv_run_args a = {.in = draw(t, from, fwd ? (real)1e30 : 0), .out = draw(t, to, 0), .s = *s}, b;
	if (fwd) a.act = bed_act(bits);
	if (fwd && !(bits & 4)) a.b.p = bed_reals(t, (size_t)s->K);
	a.acc = bits & 1 && (!fwd || s->y_blocked);
	b = a;
	a.w.p = packed(t, c, s, dir, w), b.w.p = packed(t, ref, s, dir, w);
	b.out = bed_clone(t, a.out, count_of(to));
	result out = {a.out.p, count_of(to)};
	run_splits(t, what, (job){c->run[dir], &a, c->units(s, dir), c->scratch(s, dir)}, &out, 1);
	job_run(t, (job){ref->run[dir], &b, ref->units(s, dir), 0}, 0, ref->units(s, dir));
	check_tail(what, to, a.out.p, !fwd);
	fill_tail(to, a.out.p, 0), fill_tail(to, b.out.p, 0);
	/* Activations press large sums together, but not their errors. */
	assert_near(what, a.out.p, b.out.p, count_of(to), bound(t, algo), a.act.kind ? 3 * sqrt(s->C) : 1);
	bed_clear(t, what);
}

/* The sum of `shards` partial results of n elements each, in the first. */
static void sum_shards(real *x, size_t n, int shards) {
	for (int i = 1; i < shards; i++)
		for (size_t e = 0; e < n; e++) x[e] += x[(size_t)i * n + e];
}

static void compare_weights(bed *t, eg_conv_algo algo, const eg_conv_shape *s, int bits) {
	label what;
	const eg_conv_kernels *c = &t->k->conv[algo], *ref = &t->ref->conv[algo];
	const int shards = c->shards(s);
	const size_t n = (size_t)(s->K * s->C * 9), k = (size_t)s->K;
	name_of(what, sizeof what, c, s, "weights", bits);
	assert_true(1 <= shards && shards <= EG_MAX_SHARDS);
	eg_conv_weights_args a = {.x = draw(t, picture_x(s), (real)1e30), .dy = draw(t, picture_y(s), 0), .s = *s, .shards = shards}, b = a;
	a.dw.p = bed_reals(t, n * (size_t)shards);
	if (bits & 2) a.db.p = bed_reals(t, k * (size_t)shards);
	a.acc = shards == 1 && bits & 1;
	b.dw = bed_clone(t, a.dw, n), b.db = a.db.p ? bed_clone(t, a.db, k) : a.db, b.acc = a.acc, b.shards = 1;
	result out[2] = {{a.dw.p, n * (size_t)shards}, {a.db.p, k * (size_t)shards}};
	run_splits(t, what, (job){c->run[EG_CONV_BWD_WEIGHTS], &a, c->units(s, EG_CONV_BWD_WEIGHTS), c->scratch(s, EG_CONV_BWD_WEIGHTS)}, out,
	        a.db.p ? 2 : 1);
	job_run(t, (job){ref->run[EG_CONV_BWD_WEIGHTS], &b, s->K, 0}, 0, s->K);
	sum_shards(a.dw.p, n, shards);
	assert_near(what, a.dw.p, b.dw.p, n, bound(t, algo), 1);
	if (a.db.p) {
		sum_shards(a.db.p, k, shards);
		assert_near(what, a.db.p, b.db.p, k, TOLERANCE, 1);
	}
	bed_clear(t, what);
}

static void compare(bed *t, const eg_conv_shape *s, int bits) {
	for (eg_conv_algo algo = EG_CONV_WINOGRAD2; algo <= EG_CONV_WINOGRAD4; algo++) {
		/* against itself */
		if (t->k->conv[algo].run[0] == t->ref->conv[algo].run[0] && (bits || algo == EG_CONV_WINOGRAD2)) continue;
		const eg_conv_kernels *c = &t->k->conv[algo];
		assert_true(c->can(s, EG_CONV_FWD) && c->can(s, EG_CONV_BWD_DATA));
		compare_run(t, algo, s, EG_CONV_FWD, bits);
		compare_run(t, algo, s, EG_CONV_BWD_DATA, bits);
		if (c->can(s, EG_CONV_BWD_WEIGHTS)) compare_weights(t, algo, s, bits);
	}
}

static void test_shapes(void **state) {
	for (int i = 0; i < EG_COUNT(SHAPES); i++)
		for (int layouts = 0; layouts < 4; layouts++) {
			/* large: the plain C ones take long */
			if (i >= 8 && (layouts == 1 || layouts == 2) == (i % 2 == 0)) continue;
			eg_conv_shape s = shape_of(SHAPES[i], layouts);
			for (int bits = i < 6 ? 0 : (i + 3 * layouts) % 8; bits < 8; bits += i < 6 ? 1 : 8) compare(*state, &s, bits);
		}
}

static void test_random(void **state) {
	bed *t = *state;
	for (int i = 0; i < 24; i++) {
		int ph = bed_below(t, 3), pw = bed_below(t, 3), H = 3 + bed_below(t, 20), W = 3 + bed_below(t, 20);
		int a[7] = {1 + bed_below(t, 4), bed_size(t), H, W, bed_size(t), ph, pw};
		eg_conv_shape s = shape_of(a, i % 4);
		if (i % 3 == 1) bed_uneven(t, &s);
		compare(t, &s, bed_below(t, 8));
	}
}

/* ---- errors, against sums in double precision -------------------------------------------------------------------- */

/* Position of x that result o sees at a tap, or -1. */
BED_UNSANITIZED static int seen(const eg_conv_shape *s, int o, int tap) {
	int h = o / s->Q + tap / 3 - s->ph, w = o % s->Q + tap % 3 - s->pw;
	return h < 0 || h >= s->H || w < 0 || w >= s->W ? -1 : h * s->W + w;
}

/* The result of direction dir in double precision: all tensors PLAIN, `out` zero. */
BED_UNSANITIZED static void in_double(const eg_conv_shape *s, eg_conv_dir dir, const real *x, const real *dy, const real *w, double *out) {
	const picture px = picture_x(s), py = picture_y(s);
	for (int n = 0; n < s->N; n++)
		for (int k = 0; k < s->K; k++)
			for (int c = 0; c < s->C; c++)
				for (int tap = 0; tap < 9; tap++) {
					const size_t e = ((size_t)k * (size_t)s->C + (size_t)c) * 9 + (size_t)tap;
					double sum = 0;
					for (int o = 0; o < py.plane; o++) {
						const int i = seen(s, o, tap);
						if (i < 0) continue;
						if (dir == EG_CONV_FWD) out[at(py, n, k, o)] += (double)w[e] * (double)x[at(px, n, c, i)];
						if (dir == EG_CONV_BWD_DATA) out[at(px, n, c, i)] += (double)w[e] * (double)dy[at(py, n, k, o)];
						if (dir == EG_CONV_BWD_WEIGHTS) sum += (double)dy[at(py, n, k, o)] * (double)x[at(px, n, c, i)];
					}
					if (dir == EG_CONV_BWD_WEIGHTS) out[e] += sum;
				}
}

static double error_of(const real *got, const double *want, size_t n) {
	double worst = 0, largest = 0;
	for (size_t i = 0; i < n; i++) {
		worst = fmax(worst, fabs((double)got[i] - want[i]));
		largest = fmax(largest, fabs(want[i]));
	}
	return worst / largest;
}

/* The largest error relative to the largest value. */
static double error_in(bed *t, eg_conv_algo algo, const eg_conv_shape *s, eg_conv_dir dir) {
	const eg_conv_kernels *c = &t->k->conv[algo];
	const size_t nx = count_of(picture_x(s)), ny = count_of(picture_y(s)), nw = (size_t)(s->K * s->C * 9);
	const size_t n = dir == EG_CONV_FWD ? ny : dir == EG_CONV_BWD_DATA ? nx : nw;
	const int shards = dir == EG_CONV_BWD_WEIGHTS ? c->shards(s) : 1;
	eg_buf x = {bed_reals(t, nx), 0}, dy = {bed_reals(t, ny), 0}, w = {bed_reals(t, nw), 0}, out = {bed_zeros(t, n * (size_t)shards), 0};
	double *want = bed_bytes(t, n * sizeof *want);
	memset(want, 0, n * sizeof *want);
	in_double(s, dir, x.p, dy.p, w.p, want);
	eg_conv_weights_args g = {.x = x, .dy = dy, .dw = out, .s = *s, .shards = shards};
	eg_conv_run_args r = {.in = dir == EG_CONV_FWD ? x : dy, .out = out, .s = *s};
	if (dir != EG_CONV_BWD_WEIGHTS) r.w.p = packed(t, c, s, dir, w);
	const void *args = dir == EG_CONV_BWD_WEIGHTS ? (const void *)&g : (const void *)&r;
	job_run(t, (job){c->run[dir], args, c->units(s, dir), c->scratch(s, dir)}, 0, c->units(s, dir));
	sum_shards(out.p, n, shards);
	double error = error_of(out.p, want, n);
	bed_clear(t, "error");
	return error;
}

static void test_errors(void **state) {
	/* DeepBench's pictures with few of the channels on one side, and both long and short sums. */
	static const int forward[][7] = {{1, 512, 14, 14, 8, 1, 1}, {1, 64, 56, 56, 8, 1, 1}, {2, 256, 28, 28, 4, 1, 1}, {1, 128, 40, 55, 4, 1, 1}};
	static const int weights[][7] = {{16, 8, 28, 28, 12, 1, 1}, {4, 4, 112, 112, 8, 1, 1}, {16, 24, 7, 7, 24, 1, 1}};
	bed *t = *state;
	if (t->k->conv[EG_CONV_WINOGRAD4].exact) skip();
	for (eg_conv_algo a = EG_CONV_WINOGRAD2; a <= EG_CONV_WINOGRAD4; a++)
		for (int d = EG_CONV_FWD; d <= EG_CONV_BWD_WEIGHTS; d++) {
			double worst = 0;
			const int count = d == EG_CONV_BWD_WEIGHTS ? EG_COUNT(weights) : EG_COUNT(forward);
			for (int i = 0; i < count; i++) {
				eg_conv_shape s = shape_of(d == EG_CONV_BWD_WEIGHTS ? weights[i] : forward[i], 0);
				if (d == EG_CONV_BWD_DATA) {
					int c = s.C;
					s.C = s.K, s.K = c;
				}
				worst = fmax(worst, error_in(t, a, &s, (eg_conv_dir)d));
			}
			print_message("%s direction %d: error %.2e of %.0e\n", t->k->conv[a].name, d, worst, bound(t, a));
			assert_true(worst <= bound(t, a));
		}
}

static void test_cannot(void **state) {
	bed *t = *state;
	if (t->k->conv[EG_CONV_WINOGRAD4].exact) skip();
	static const int others[][14] = {
	        {1, 8, 9, 9, 8, 5, 5, 1, 1, 2, 2, 1, 1, 1}, {1, 8, 9, 9, 8, 3, 1, 1, 1, 1, 0, 1, 1, 1},
	        {1, 8, 9, 9, 8, 3, 3, 2, 1, 1, 1, 1, 1, 1}, {1, 8, 9, 9, 8, 3, 3, 1, 2, 1, 1, 1, 1, 1},
	        {1, 8, 9, 9, 8, 3, 3, 1, 1, 2, 2, 2, 1, 1}, {1, 8, 9, 9, 8, 3, 3, 1, 1, 1, 1, 1, 2, 1},
	        {1, 8, 9, 9, 8, 3, 3, 1, 1, 1, 1, 1, 1, 2}, {1, 8, 9, 9, 8, 3, 3, 1, 1, 3, 1, 1, 1, 1},
	};
	for (int i = 0; i < EG_COUNT(others); i++) {
		eg_conv_shape s = bed_conv(others[i]);
		for (eg_conv_algo a = EG_CONV_WINOGRAD2; a <= EG_CONV_WINOGRAD4; a++)
			for (int d = EG_CONV_FWD; d <= EG_CONV_BWD_WEIGHTS; d++) assert_false(t->k->conv[a].can(&s, (eg_conv_dir)d));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_shapes),
	        cmocka_unit_test(test_random),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_cannot),
	};
	return bed_main(tests, EG_COUNT(tests));
}

/* test_kern_conv.c - the convolution algorithms of `conv`, all tables, against sums in double precision written down
 * naively: every direction, all four pairs of layouts, whole jobs and jobs in pieces (same bits wanted), between
 * guards, with scratch of exactly the size asked for and full of NaN. Lanes beyond the last channel hold garbage in x;
 * results must have finite values there, gradients zeros.
 *
 * Inputs lie in [-1, 1), so 1 is the size of a term (`scale` of assert_near). Algorithms that are not `exact` are left
 * to the tests of their own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

#include <stdio.h>

typedef char label[200];

/* N, C, H, W, K, R, S, stride, padding, dilation, groups */
static const int CONVS[][14] = {
	{18, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1}, /* LeNet-5 */
	{18, 16, 5, 5, 120, 5, 5, 1, 1, 0, 0, 1, 1, 1},
	{33, 3, 7, 9, 4, 3, 2, 1, 1, 0, 0, 1, 1, 1},
	{18, 4, 9, 8, 6, 2, 3, 2, 3, 1, 2, 3, 2, 2},
	{2, 3, 6, 11, 3, 4, 5, 3, 1, 2, 4, 1, 1, 3}, /* depthwise */
	{1, 2, 3, 2, 5, 3, 4, 1, 2, 3, 5, 2, 3, 1},  /* more padding than picture */
	{3, 5, 8, 5, 2, 1, 1, 3, 2, 0, 0, 1, 1, 1},
	{1, 17, 12, 10, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{2, 32, 15, 17, 48, 3, 3, 2, 2, 1, 1, 1, 1, 1},
	{16, 33, 6, 7, 15, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{2, 20, 9, 33, 32, 2, 7, 1, 1, 1, 3, 2, 1, 2},
	{17, 1, 1, 31, 1, 1, 3, 1, 1, 0, 1, 1, 1, 1},
	{1, 7, 1, 1, 100, 1, 1, 1, 1, 0, 0, 1, 1, 1},
	{4, 16, 40, 36, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{1, 130, 6, 7, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* sums longer than a block of the cache */
	{2, 3, 9, 11, 300, 2, 2, 2, 2, 0, 1, 1, 1, 1},
	{1, 3, 61, 45, 17, 7, 7, 2, 2, 3, 3, 1, 1, 1}, /* first layers */
	{1, 1, 41, 90, 8, 20, 5, 2, 2, 0, 0, 1, 1, 1}, /* speech */
	{2, 70, 9, 7, 65, 1, 1, 2, 2, 3, 3, 1, 1, 1},  /* padding around 1x1: a border of bias alone */
	{3, 200, 7, 7, 40, 1, 1, 1, 1, 0, 0, 1, 1, 1}, /* positions of several samples */
	{3, 210, 7, 10, 200, 1, 1, 2, 3, 1, 2, 1, 1, 1}, /* 1x1 in panels, both ways */
	{2, 3, 9, 11, 300, 2, 2, 2, 2, 0, 0, 1, 1, 1},   /* backward, phases of unequal size with a tap each, at one
                                                          * distance */
	{1, 300, 5, 9, 24, 5, 5, 2, 2, 2, 2, 1, 1, 1}, /* more weights than pictures */
	{2, 48, 8, 9, 64, 3, 3, 1, 2, 1, 0, 1, 2, 1},
	{2, 32, 6, 9, 64, 3, 2, 1, 1, 1, 1, 1, 1, 2}, /* groups of whole blocks */
	{1, 96, 5, 6, 48, 2, 3, 2, 1, 1, 1, 1, 1, 3},
	{3, 21, 11, 23, 21, 3, 3, 1, 1, 1, 1, 1, 1, 21}, /* depthwise */
	{2, 40, 13, 10, 40, 5, 4, 2, 3, 2, 1, 1, 1, 40},
	{1, 16, 9, 9, 16, 3, 3, 2, 2, 0, 0, 2, 2, 16},
	{1, 5, 131, 61, 5, 5, 4, 1, 1, 3, 2, 2, 1, 5}, /* several strips of a channel */
	{2, 10, 7, 8, 30, 3, 3, 1, 1, 1, 1, 1, 1, 10}, /* depthwise with a multiplier */
	{1, 64, 40, 30, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* several strips */
};

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* A picture tensor in one of two layouts. */
typedef struct pictures {
	int N, C, plane;
	bool blocked;
} pictures;

static pictures of_x(const eg_conv_shape *s) { return (pictures){s->N, s->C, s->H * s->W, s->x_blocked}; }
static pictures of_y(const eg_conv_shape *s) { return (pictures){s->N, s->K, s->P * s->Q, s->y_blocked}; }
static int lanes_of(pictures p) { return p.blocked ? (p.C + EG_BLOCK - 1) / EG_BLOCK * EG_BLOCK : p.C; }
static size_t size_of(pictures p) { return (size_t)p.N * (size_t)lanes_of(p) * (size_t)p.plane; }
static size_t place(pictures p, int n, int c, int i) {
	size_t all = (size_t)n * (size_t)lanes_of(p);
	if (!p.blocked) return (all + (size_t)c) * (size_t)p.plane + (size_t)i;
	return (all + (size_t)(c - c % EG_BLOCK)) * (size_t)p.plane + (size_t)(i * EG_BLOCK + c % EG_BLOCK);
}
/* Sets the lanes beyond the last channel. */
static void set_tail(pictures p, real *x, real value) {
	for (int n = 0; n < p.N; n++)
		for (int c = p.C; c < lanes_of(p); c++)
			for (int i = 0; i < p.plane; i++) x[place(p, n, c, i)] = value;
}
static void check_tail(const char *what, pictures p, const real *x, bool zero) {
	for (int n = 0; n < p.N; n++)
		for (int c = p.C; c < lanes_of(p); c++)
			for (int i = 0; i < p.plane; i++) {
				real v = x[place(p, n, c, i)];
				if (zero ? v != 0 : !isfinite(v)) fail_msg("%s: channel %d beyond the last holds %g", what, c, (double)v);
			}
}
static real *plain_copy(bed *t, pictures p, const real *x) {
	real *to = bed_zeros(t, (size_t)(p.N * p.C * p.plane));
	for (int n = 0; n < p.N; n++)
		for (int c = 0; c < p.C; c++)
			for (int i = 0; i < p.plane; i++) to[(n * p.C + c) * p.plane + i] = x[place(p, n, c, i)];
	return to;
}

/* ---- what is right ----------------------------------------------------------------------------------------------- */

/* All three directions in one nest of loops: adds into out, PLAIN. Inlined for the sake of time, with a direction that
 * is known. */
BED_UNSANITIZED EG_ALWAYS_INLINE void sum_up(const eg_conv_shape *s, eg_conv_dir dir, const real *x, const real *w, const real *dy, double *out) {
	const int CG = s->C / s->G, KG = s->K / s->G;
	for (int n = 0; n < s->N; n++)
		for (int k = 0; k < s->K; k++)
			for (int c = 0; c < CG; c++)
				for (int r = 0; r < s->R; r++)
					for (int t = 0; t < s->S; t++) {
						const int at_w = ((k * CG + c) * s->R + r) * s->S + t;
						for (int p = 0; p < s->P; p++) {
							const int i = p * s->sh + r * s->dh - s->ph;
							if (i < 0 || i >= s->H) continue;
							const int row_x = ((n * s->C + k / KG * CG + c) * s->H + i) * s->W, row_y = ((n * s->K + k) * s->P + p) * s->Q;
							for (int q = 0; q < s->Q; q++) {
								const int j = q * s->sw + t * s->dw - s->pw;
								if (j < 0 || j >= s->W) continue;
								if (dir == EG_CONV_FWD) out[row_y + q] += (double)x[row_x + j] * (double)w[at_w];
								if (dir == EG_CONV_BWD_DATA) out[row_x + j] += (double)dy[row_y + q] * (double)w[at_w];
								if (dir == EG_CONV_BWD_WEIGHTS) out[at_w] += (double)x[row_x + j] * (double)dy[row_y + q];
							}
						}
					}
}
BED_UNSANITIZED static void naive(const eg_conv_shape *s, eg_conv_dir dir, const real *x, const real *w, const real *dy, double *out) {
	switch (dir) {
	case EG_CONV_FWD: sum_up(s, EG_CONV_FWD, x, w, dy, out); break;
	case EG_CONV_BWD_DATA: sum_up(s, EG_CONV_BWD_DATA, x, w, dy, out); break;
	case EG_CONV_BWD_WEIGHTS: sum_up(s, EG_CONV_BWD_WEIGHTS, x, w, dy, out); break;
	}
}

static double largest_of(const double *x, size_t n) {
	double largest = 1;
	for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
	return largest;
}
static void assert_right(const char *what, const real *got, const double *want, size_t n, double largest) {
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) <= TOLERANCE * largest))
			fail_msg("%s: element %zu of %zu is %.9g, not %.9g", what, i, n, (double)got[i], want[i]);
}

/* ---- one job ----------------------------------------------------------------------------------------------------- */

/* Whole, unit by unit, and in pieces of any size: the same bits, which are left in `out`. */
static void run_all_ways(bed *t, const char *what, job j, real *const *out, const size_t *count, int outputs) {
	void *before[2], *whole[2];
	for (int i = 0; i < outputs; i++) before[i] = bed_copy(t, out[i], count[i] * sizeof(real));
	for (int way = 0; way < 3; way++) {
		for (int i = 0; i < outputs; i++) memcpy(out[i], before[i], count[i] * sizeof(real));
		for (int u = 0, n; u < j.units; u += n) {
			n = way == 0 ? j.units : way == 1 ? 1 : 1 + bed_below(t, 1 + j.units / 2);
			if (u + n > j.units) n = j.units - u;
			job_run(t, j, u, u + n);
		}
		for (int i = 0; i < outputs; i++) {
			if (way == 0)
				whole[i] = bed_copy(t, out[i], count[i] * sizeof(real));
			else if (memcmp(out[i], whole[i], count[i] * sizeof(real)) != 0)
				fail_msg("%s: cut into units in another way, the job gives other bits", what);
		}
	}
}

typedef struct conv_bed {
	const eg_conv_kernels *k;
	eg_conv_shape s;
	eg_conv_dir dir;
	eg_buf x, w, b, dy;
	size_t weights;
	label what;
} conv_bed;

static conv_bed conv_new(bed *t, const eg_conv_kernels *k, const eg_conv_shape *s, eg_conv_dir dir, int bits) {
	static const char *const dirs[] = {"fwd", "bwd_data", "bwd_weights"};
	conv_bed c = {.k = k, .s = *s, .dir = dir, .weights = (size_t)(s->K * (s->C / s->G) * s->R * s->S)};
	c.x.p = bed_reals(t, size_of(of_x(s))), c.dy.p = bed_reals(t, size_of(of_y(s)));
	c.w.p = bed_reals(t, c.weights), c.b.p = bed_reals(t, (size_t)s->K);
	set_tail(of_x(s), c.x.p, 1e6f), set_tail(of_y(s), c.dy.p, 0);
	snprintf(c.what, sizeof c.what, "%s %s N%d C%d H%d W%d K%d R%d S%d stride %d,%d pad %d,%d dil %d,%d G%d %s %s bits %d", k->name, dirs[dir], s->N,
	        s->C, s->H, s->W, s->K, s->R, s->S, s->sh, s->sw, s->ph, s->pw, s->dh, s->dw, s->G, s->x_blocked ? "blocked" : "plain",
	        s->y_blocked ? "blocked" : "plain", bits);
	return c;
}
static eg_buf packed(bed *t, const conv_bed *c) {
	const size_t bytes = c->k->pack_bytes(&c->s, c->dir), count = bytes / sizeof(real);
	eg_conv_pack_args a = {c->w, {bed_zeros(t, count), 0}, c->s, c->dir};
	run_all_ways(t, c->what, (job){c->k->pack, &a, c->k->pack_units(&c->s, c->dir), 0}, (real *const[]){a.dst.p}, &count, 1);
	return a.dst;
}
static job conv_job(const conv_bed *c, const void *args) {
	return (job){c->k->run[c->dir], args, c->k->units(&c->s, c->dir), c->k->scratch(&c->s, c->dir)};
}

static void check_fwd(bed *t, const eg_conv_kernels *k, const eg_conv_shape *s, int bits) {
	conv_bed c = conv_new(t, k, s, EG_CONV_FWD, bits);
	const pictures ys = of_y(s);
	const size_t count = size_of(ys), n = (size_t)(s->N * s->K * s->P * s->Q);
	eg_conv_run_args a = {.in = c.x, .w = packed(t, &c), .b = c.b, .s = *s, .act = bed_act(bits)};
	if (bits & 4) a.b.p = NULL;
	a.acc = s->y_blocked && bits & 1;
	a.out.p = bed_reals(t, count);
	const real *before = plain_copy(t, ys, a.out.p);
	run_all_ways(t, c.what, conv_job(&c, &a), (real *const[]){a.out.p}, &count, 1);
	double *want = calloc(n, sizeof *want);
	naive(s, EG_CONV_FWD, plain_copy(t, of_x(s), c.x.p), c.w.p, NULL, want);
	const double largest = largest_of(want, n); /* of the sums, not of what an activation leaves of them */
	for (size_t i = 0; i < n; i++)
		want[i] = bed_act_value(a.act, want[i] + (a.acc ? (double)before[i] : 0) + (a.b.p ? (double)((real *)a.b.p)[i / (size_t)ys.plane % (size_t)s->K] : 0));
	assert_right(c.what, plain_copy(t, ys, a.out.p), want, n, largest);
	check_tail(c.what, ys, a.out.p, false);
	free(want);
	bed_clear(t, c.what);
}

static void check_data(bed *t, const eg_conv_kernels *k, const eg_conv_shape *s, bool acc) {
	conv_bed c = conv_new(t, k, s, EG_CONV_BWD_DATA, acc);
	const pictures xs = of_x(s);
	const size_t count = size_of(xs), n = (size_t)(s->N * s->C * s->H * s->W);
	eg_conv_run_args a = {.in = c.dy, .w = packed(t, &c), .s = *s, .acc = acc};
	double *want = calloc(n, sizeof *want);
	a.out.p = bed_reals(t, count);
	if (acc) set_tail(xs, a.out.p, 0);
	const real *before = plain_copy(t, xs, a.out.p);
	run_all_ways(t, c.what, conv_job(&c, &a), (real *const[]){a.out.p}, &count, 1);
	naive(s, EG_CONV_BWD_DATA, NULL, c.w.p, plain_copy(t, of_y(s), c.dy.p), want);
	for (size_t i = 0; acc && i < n; i++) want[i] += (double)before[i];
	assert_right(c.what, plain_copy(t, xs, a.out.p), want, n, largest_of(want, n));
	check_tail(c.what, xs, a.out.p, true);
	free(want);
	bed_clear(t, c.what);
}

/* Adds up partial sums. */
static void fold(real *x, size_t count, int shards) {
	for (int i = 1; i < shards; i++)
		for (size_t j = 0; j < count; j++) x[j] += x[(size_t)i * count + j];
}

static void check_weights(bed *t, const eg_conv_kernels *k, const eg_conv_shape *s, bool acc, bool bias) {
	conv_bed c = conv_new(t, k, s, EG_CONV_BWD_WEIGHTS, acc + 2 * bias);
	const int shards = k->shards(s);
	assert_in_range(shards, 1, EG_MAX_SHARDS);
	if (shards > 1) acc = false;
	const size_t count[2] = {c.weights * (size_t)shards, (size_t)(s->K * shards)}, n[2] = {c.weights, (size_t)s->K};
	real *out[2] = {bed_reals(t, count[0]), bed_reals(t, count[1])};
	eg_conv_weights_args a = {c.x, c.dy, {out[0], 0}, {bias ? out[1] : NULL, 0}, *s, shards, acc};
	double *want[2] = {calloc(n[0], sizeof(double)), calloc(n[1], sizeof(double))};
	const real *dy = plain_copy(t, of_y(s), c.dy.p);
	naive(s, EG_CONV_BWD_WEIGHTS, plain_copy(t, of_x(s), c.x.p), NULL, dy, want[0]);
	for (int i = 0; i < s->N * s->K * s->P * s->Q; i++) want[1][i / (s->P * s->Q) % s->K] += (double)dy[i];
	for (int j = 0; j < 2; j++)
		for (size_t i = 0; acc && i < n[j]; i++) want[j][i] += (double)out[j][i];
	run_all_ways(t, c.what, conv_job(&c, &a), out, count, bias ? 2 : 1);
	for (int j = 0; j < (bias ? 2 : 1); j++) {
		fold(out[j], n[j], shards);
		assert_right(c.what, out[j], want[j], n[j], largest_of(want[j], n[j]));
	}
	free(want[0]), free(want[1]);
	bed_clear(t, c.what);
}

/* All that algorithm number `algo` can do of a shape, in all forms or (thin > 0) one; less of it where it would take
 * long. Returns which directions that were. Kernels that the table has from ref are tested with ref, where all
 * algorithms are one. */
static int check_shape(bed *t, int algo, eg_conv_shape s, int thin) {
	const eg_conv_kernels *k = &t->k->conv[algo];
	const bool plain_c = strcmp(t->k->name, t->ref->name) == 0;
	const double sums = (double)s.N * s.K * s.P * s.Q * (s.C / s.G) * s.R * s.S;
	const bool large = sums > 1e6;
	const int step = thin || large ? 3 : 1;
	int done = 0;
	if (plain_c && sums > 3e6) return 0;
	for (int form = thin; form < 4; form += thin ? 4 : large ? 3 : 1) {
		s.x_blocked = form & 1, s.y_blocked = form & 2;
		for (int dir = 0; dir < 3; dir++) {
			if ((k->run[dir] == t->ref->conv[0].run[dir]) != (plain_c && algo == 0)) continue;
			if (!k->exact || !k->can(&s, (eg_conv_dir)dir)) continue;
			done |= 1 << dir;
			for (int bits = form % 2; dir == EG_CONV_FWD && bits < 8; bits += step) check_fwd(t, k, &s, bits);
			for (int acc = 0; dir == EG_CONV_BWD_DATA && acc < 2; acc++) check_data(t, k, &s, acc == 1);
			for (int bits = form == 2; dir == EG_CONV_BWD_WEIGHTS && bits < 4; bits += step) check_weights(t, k, &s, bits & 1, bits & 2);
		}
	}
	return done;
}

static void test_shapes(void **state) {
	bed *t = *state;
	int done[EG_CONV_ALGOS] = {0};
	for (int i = 0; i < EG_COUNT(CONVS); i++)
		for (int a = 0; a < EG_CONV_ALGOS; a++) done[a] |= check_shape(t, a, bed_conv(CONVS[i]), 0);
	assert_int_equal(done[EG_CONV_DIRECT], 7);
	if (t->k->conv[EG_CONV_DEPTHWISE].run[0] != t->ref->conv[EG_CONV_DEPTHWISE].run[0]) assert_int_equal(done[EG_CONV_DEPTHWISE], 7);
}

static void test_random(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		int deep = bed_below(t, 4) == 0, G = 1 + bed_below(t, 3) * bed_below(t, 2), R = 1 + bed_below(t, 4), S = 1 + bed_below(t, 4);
		int dh = 1 + bed_below(t, 3), dw = 1 + bed_below(t, 3), ph = bed_below(t, 4), pw = bed_below(t, 4);
		int H = (R - 1) * dh + 1 + bed_below(t, 9), W = (S - 1) * dw + 1 + bed_below(t, 9);
		int C = G * (1 + bed_below(t, deep ? 70 : 10)), K = G * (1 + bed_below(t, deep ? 70 : 20)), N = 1 + bed_below(t, deep ? 3 : 20);
		if (i % 3 == 2) G = C = 1 + bed_below(t, 40), K = C;
		/* sums of many channels, backward */
		if (i % 7 == 3) K = G * (193 + bed_below(t, 20)), N = 1 + bed_below(t, 2);
		if (i % 7 == 5) C = G * (193 + bed_below(t, 20)), N = 1 + bed_below(t, 2); /* and forward */
		if (i % 6 == 0) C = G * EG_BLOCK, K = 2 * G * EG_BLOCK;
		int row[14] = {N, C, H, W, K, R, S, 1 + bed_below(t, 3), 1 + bed_below(t, 3), ph, pw, dh, dw, G};
		eg_conv_shape s = bed_conv(row);
		if (i % 2) bed_uneven(t, &s);
		for (int a = 0; a < EG_CONV_ALGOS; a++) check_shape(t, a, s, i % 4);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_random)};
	return bed_main(tests, EG_COUNT(tests));
}

/* test_kern_isa.c - every kernel table that this machine can run against the plain C one, slot by slot, on sizes at
 * which vector kernels go wrong. Each job is run all at once and unit by unit (same bits wanted), between guards, with
 * scratch of exactly the size asked for and full of NaN. The plain C table goes through the same, against itself.
 *
 * Inputs lie in [-1, 1), so 1 is the size of a term in most sums (`scale` of an output).
 *
 * That the plain C kernels compute the right thing is checked by test_kern.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

#include <stdio.h>

typedef char label[160];

/* A block or flat job without scratch. */
static void compare(
	bed *t, const char *what, eg_kernel got, const void *a, eg_kernel want, const void *b, int units, output out) {
	assert_same_job(t, what, (job){got, a, units, 0}, (job){want, b, units, 0}, &out, 1);
}

/* ---- matrix product ---------------------------------------------------------------------------------------------- */

static void compare_gemm(bed *t, int m, int n, int k, int bits) {
	label what;
	eg_gemm_args a = {.m = m, .n = n, .k = k, .ta = bits & 1, .tb = bits & 2, .acc = bits & 4};
	int gap = bits & 8 ? 3 : 0;
	a.lda = (a.ta ? m : k) + gap, a.ldb = (a.tb ? k : n) + gap, a.ldc = n + gap;
	size_t count = (size_t)(m - 1) * (size_t)a.ldc + (size_t)n;
	a.a.p = bed_reals(t, (size_t)((a.ta ? k : m) - 1) * (size_t)a.lda + (size_t)(a.ta ? m : k));
	a.b.p = bed_reals(t, (size_t)((a.tb ? n : k) - 1) * (size_t)a.ldb + (size_t)(a.tb ? k : n));
	a.c.p = bed_reals(t, count);
	eg_gemm_args b = a;
	b.c = bed_clone(t, a.c, count);
	output out = output_reals(a.c, b.c, count, 1);
	snprintf(what, sizeof what, "gemm m %d n %d k %d ta %d tb %d acc %d gap %d", m, n, k, a.ta, a.tb, a.acc, gap);
	assert_same_job(t, what, (job){t->k->gemm, &a, t->k->gemm_units(&a), t->k->gemm_scratch(&a)},
	        (job){t->ref->gemm, &b, t->ref->gemm_units(&b), t->ref->gemm_scratch(&b)}, &out, 1);
	bed_clear(t, what);
}

static void test_gemm(void **state) {
	bed *t = *state;
	for (int i = 0; i < 160; i++) compare_gemm(t, bed_size(t), bed_size(t), bed_size(t), i % 16);
	for (int bits = 0; bits < 8; bits++) { /* beyond every block size of a cache */
		compare_gemm(t, 130, 300, 530, bits);
		compare_gemm(t, 1, 1025, 600, bits);
		compare_gemm(t, 700, 5, 290, bits);
	}
}

static void compare_packed(bed *t, int m, int n, int k, int bits) {
	label what;
	eg_gemm_packed_args a = {.m = m, .rows = EG_BLOCK, .n = n, .k = k, .lda = k, .ldc = n, .acc = bits & 1};
	a.act = bed_act(a.acc ? 0 : bits / 8);
	bool trans = bits & 2;
	blocks as = {m, k, false, 16}, cs = {m, n, false, 16};
	size_t count = blocks_count(cs), bytes = t->k->gemm_pack_bytes(k, n);
	a.a = bed_blocks(t, as), a.c = bed_blocks(t, cs), a.bias.p = bits & 4 ? bed_reals(t, (size_t)n) : NULL;
	eg_gemm_pack_args p = {{bed_reals(t, (size_t)(k * n)), 0}, {bed_bytes(t, bytes), 0}, k, n, trans ? k : n,
	                          trans},
	                  q = p;
	memset(p.dst.p, 0, bytes); /* what packing leaves alone must not differ by chance */
	a.b = p.dst;
	snprintf(what, sizeof what, "gemm_packed m %d n %d k %d trans %d bias %d acc %d act %d", m, n, k, trans,
	        a.bias.p != NULL, a.acc, (int)a.act.kind);
	output packed = {p.dst.p, p.dst.p, bytes, 1, true, 0};
	job pack = {t->k->gemm_pack, &p, t->k->gemm_pack_units(k, n), 0};
	assert_same_job(t, what, pack, pack, &packed, 1);

	eg_gemm_packed_args b = a;
	q.dst.p = bed_bytes(t, t->ref->gemm_pack_bytes(k, n));
	t->ref->gemm_pack(&q, 0, t->ref->gemm_pack_units(k, n), EG_WORKER(t->ref, NULL));
	b.b = q.dst, b.c = bed_clone(t, a.c, count), b.nsplit = 1;
	int most = t->k->gemm_pack_units(k, n), units = eg_blocks(m);
	for (int split = 1; split <= most; split += split == 1 ? (most > 4 ? most / 2 : 1) : most) {
		eg_buf old = bed_clone(t, b.c, count);
		output out = output_reals(a.c, b.c, count, 1);
		a.nsplit = split;
		memcpy(a.c.p, b.c.p, count * sizeof(real));
		assert_same_job(t, what, (job){t->k->gemm_packed, &a, units * split, 0},
		        (job){t->ref->gemm_packed, &b, units, 0}, &out, 1);
		memcpy(b.c.p, old.p, count * sizeof(real));
	}
	bed_clear(t, what);
}

static void test_gemm_packed(void **state) {
	bed *t = *state;
	for (int i = 0; i < 128; i++) compare_packed(t, bed_size(t), bed_size(t), bed_size(t), i);
	for (int bits = 0; bits < 8; bits++) compare_packed(t, 37, 200, 600, bits);
}

/* ---- convolution ------------------------------------------------------------------------------------------------- */

/* N, C, H, W, K, R, S, stride, padding, dilation, groups */
static const int CONVS[][14] = {
	{18, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1}, /* LeNet-5 */
	{18, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1},
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
	{15, 2, 5, 3, 8, 5, 3, 1, 1, 0, 0, 1, 1, 1},
	{4, 16, 40, 36, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1},
	{3, 5, 16, 32, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1},  /* pictures of 512 elements: a power of two */
	{1, 130, 6, 7, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}, /* sums longer than a block of the cache */
	{2, 3, 9, 11, 1100, 2, 2, 2, 2, 0, 1, 1, 1, 1},
};

typedef struct conv_bed {
	eg_conv_shape s;
	bool lanes;
	blocks xs, ys;
	eg_buf x, y, dx, dy, w, b;
	label what;
} conv_bed;

static conv_bed conv_new(bed *t, eg_conv_shape s, bool lanes, const char *name, int bits) {
	conv_bed c = {.s = s, .lanes = lanes};
	c.xs = (blocks){s.N, s.C * s.H * s.W, lanes, lanes ? 16 : 0};
	c.ys = (blocks){s.N, s.K * s.P * s.Q, lanes, lanes ? 16 : 0};
	c.x = bed_blocks(t, c.xs), c.y = bed_blocks(t, c.ys), c.dx = bed_gradient(t, c.xs),
	c.dy = bed_gradient(t, c.ys);
	c.w.p = bed_reals(t, (size_t)(s.K * (s.C / s.G) * s.R * s.S)), c.b.p = bed_reals(t, (size_t)s.K);
	snprintf(c.what, sizeof c.what,
	        "conv_%s_%s N%d C%d H%d W%d K%d R%d S%d stride %d,%d pad %d,%d dil %d,%d G%d bits %d",
	        lanes ? "lanes" : "plain", name, s.N, s.C, s.H, s.W, s.K, s.R, s.S, s.sh, s.sw, s.ph, s.pw, s.dh, s.dw,
	        s.G, bits);
	return c;
}

static eg_buf conv_packed(bed *t, const eg_kernels *k, const conv_bed *c, eg_conv_dir dir) {
	size_t bytes = (c->lanes ? k->conv_lanes_pack_bytes : k->conv_plain_pack_bytes)(&c->s, dir);
	eg_conv_pack_args a = {c->w, {bed_bytes(t, bytes), 0}, c->s, dir};
	(c->lanes ? k->conv_lanes_pack : k->conv_plain_pack)(&a, 0, 1, EG_WORKER(k, NULL));
	return a.dst;
}

static job conv_job(const eg_kernels *k, const conv_bed *c, eg_conv_dir dir, const void *args) {
	eg_kernel lanes[] = {k->conv_lanes_fwd, k->conv_lanes_bwd_data, k->conv_lanes_bwd_weights};
	eg_kernel plain[] = {k->conv_plain_fwd, k->conv_plain_bwd_data, k->conv_plain_bwd_weights};
	if (c->lanes) return (job){lanes[dir], args, eg_blocks(c->s.N), k->conv_lanes_scratch(&c->s, dir)};
	return (job){plain[dir], args, k->conv_plain_units(&c->s, dir), k->conv_plain_scratch(&c->s, dir)};
}

static void compare_conv_fwd(bed *t, eg_conv_shape s, bool lanes, int bits) {
	conv_bed c = conv_new(t, s, lanes, "fwd", bits);
	size_t count = blocks_count(c.ys);
	eg_conv_fwd_args a = {c.x, conv_packed(t, t->k, &c, EG_CONV_FWD), c.b, c.y, s, bed_act(bits)}, b = a;
	if (bits & 4) a.b.p = b.b.p = NULL;
	b.w = conv_packed(t, t->ref, &c, EG_CONV_FWD), b.y = bed_clone(t, a.y, count);
	/* What a sum of n products is off by grows with its root, and an activation that saturates hides how large it
	 * was. */
	output out = output_reals(a.y, b.y, count, fmax(1, sqrt(s.C / s.G * s.R * s.S) / 8));
	assert_same_job(t, c.what, conv_job(t->k, &c, EG_CONV_FWD, &a), conv_job(t->ref, &c, EG_CONV_FWD, &b), &out, 1);
	bed_clear(t, c.what);
}

static void compare_conv_bwd_data(bed *t, eg_conv_shape s, bool lanes, bool acc) {
	conv_bed c = conv_new(t, s, lanes, "bwd_data", acc);
	size_t count = blocks_count(c.xs);
	eg_conv_bwd_data_args a = {c.dy, conv_packed(t, t->k, &c, EG_CONV_BWD_DATA), c.dx, s, acc}, b = a;
	b.w = conv_packed(t, t->ref, &c, EG_CONV_BWD_DATA), b.dx = bed_clone(t, a.dx, count);
	output out = output_reals(a.dx, b.dx, count, 1);
	assert_same_job(t, c.what, conv_job(t->k, &c, EG_CONV_BWD_DATA, &a), conv_job(t->ref, &c, EG_CONV_BWD_DATA, &b),
	        &out, 1);
	if (lanes) /* the gradient stays exactly zero where there is no sample */
		for (int n = s.N; n < eg_blocks(s.N) * EG_BLOCK; n++)
			for (int f = 0; f < c.xs.F; f++)
				if (((real *)a.dx.p)[blocks_at(c.xs, n, f)] != 0)
					fail_msg("%s: empty lanes are not zero", c.what);
	bed_clear(t, c.what);
}

static void compare_conv_bwd_weights(bed *t, eg_conv_shape s, bool lanes, bool acc, int shards, bool bias) {
	conv_bed c = conv_new(t, s, lanes, "bwd_weights", acc + 2 * bias + 4 * shards);
	size_t nw = (size_t)(shards * s.K * (s.C / s.G) * s.R * s.S), nb = (size_t)(shards * s.K);
	eg_buf db = {bed_reals(t, nb), 0};
	eg_conv_bwd_weights_args a = {c.x, c.dy, {bed_reals(t, nw), 0}, db, s, eg_blocks(s.N), shards, acc}, b = a;
	b.dw = bed_clone(t, a.dw, nw), b.db = bed_clone(t, a.db, nb);
	output out[2] = {output_reals(a.dw, b.dw, nw, 1), output_reals(a.db, b.db, nb, 1)};
	if (!bias) a.db.p = b.db.p = NULL;
	assert_same_job(t, c.what, conv_job(t->k, &c, EG_CONV_BWD_WEIGHTS, &a),
	        conv_job(t->ref, &c, EG_CONV_BWD_WEIGHTS, &b), out, bias ? 2 : 1);
	bed_clear(t, c.what);
}

static void test_conv_lanes(void **state) {
	for (int i = 0; i < EG_COUNT(CONVS); i++) {
		eg_conv_shape s = bed_conv(CONVS[i]);
		for (int bits = 0; bits < 8; bits += 1 + (i > 4)) compare_conv_fwd(*state, s, true, bits);
		for (int acc = 0; acc < 2; acc++) compare_conv_bwd_data(*state, s, true, acc == 1);
		for (int shards = 1; shards <= eg_blocks(s.N); shards++)
			compare_conv_bwd_weights(*state, s, true, false, shards, shards % 2 == 1);
	}
}

/* To few values, so that sums have no error in any order: who wins a window must not depend on it, and equals are
 * common. */
static void quantize(real *v, size_t n) {
	for (size_t i = 0; i < n; i++) v[i] = (real)(floor(4 * (double)v[i]) / 4);
}

/* Convolution with pooling. */
static void compare_conv_pool(bed *t, eg_conv_shape s, int bits) {
	conv_bed c = conv_new(t, s, true, "pool", bits);
	quantize(c.x.p, blocks_count(c.xs)), quantize(c.w.p, (size_t)(s.K * s.C * s.R * s.S)), quantize(c.b.p, (size_t)s.K);
	const blocks zs = {s.N, s.K * (s.P / 2) * (s.Q / 2), true, 16};
	const size_t nz = blocks_count(zs);
	const int units = eg_blocks(s.N);
	eg_buf code = {bed_bytes(t, nz), (ptrdiff_t)zs.F * EG_BLOCK}, none = {0};
	memset(code.p, 0, nz);
	eg_conv_pack_args p = {c.w, {bed_bytes(t, t->k->conv_lanes_pack_bytes(&s, EG_CONV_FWD)), 0}, s, EG_CONV_FWD};
	t->k->conv_pool_pack(&p, 0, 1, EG_WORKER(t->k, NULL));
	eg_conv_pool_fwd_args a = {c.x, p.dst, bits & 4 ? none : c.b, bed_blocks(t, zs), code, s, bed_act(bits)}, b = a;
	b.w = c.w, b.y = bed_clone(t, a.y, nz), b.code.p = bed_copy(t, code.p, nz);
	output out[2] = {output_reals(a.y, b.y, nz, 1), {a.code.p, b.code.p, nz, 1, true, 0}};
	const size_t scratch = t->k->conv_pool_scratch(&s, EG_CONV_FWD), more = t->ref->conv_pool_scratch(&s, EG_CONV_FWD);
	assert_same_job(t, c.what, (job){t->k->conv_pool_fwd, &a, units, scratch},
	        (job){t->ref->conv_pool_fwd, &b, units, more}, out, 2);

	eg_conv_unpool_args u = {bed_gradient(t, zs), b.code, c.dy, s.K, s.P, s.Q}, v = u;
	v.dy = bed_clone(t, u.dy, blocks_count(c.ys));
	output dy = output_reals(u.dy, v.dy, blocks_count(c.ys), 0);
	assert_same_job(t, c.what, (job){t->k->conv_pool_unpool, &u, units, 0}, (job){t->ref->conv_pool_unpool, &v, units, 0}, &dy, 1);

	if (t->k->conv_pool_can(&s, EG_CONV_BWD_WEIGHTS)) {
		const int shards = 1 + bits % units;
		const size_t nw = (size_t)(shards * s.K * s.C * s.R * s.S), nb = (size_t)(shards * s.K);
		eg_conv_pool_bwd_weights_args d = {c.x, u.dz, b.code, {bed_reals(t, nw), 0}, {bed_reals(t, nb), 0}, s, units, shards}, e = d;
		e.dw = bed_clone(t, d.dw, nw), e.db = bed_clone(t, d.db, nb);
		output dw[2] = {output_reals(d.dw, e.dw, nw, 1), output_reals(d.db, e.db, nb, 1)};
		if (bits & 2) d.db = e.db = none;
		assert_same_job(t, c.what, (job){t->k->conv_pool_bwd_weights, &d, units, t->k->conv_pool_scratch(&s, EG_CONV_BWD_WEIGHTS)},
		        (job){t->ref->conv_pool_bwd_weights, &e, units, t->ref->conv_pool_scratch(&s, EG_CONV_BWD_WEIGHTS)}, dw, bits & 2 ? 1 : 2);
	}
	bed_clear(t, c.what);
}

/* N, C, H, W, K, R, S, padding: LeNet-5's, odd sizes, all heights of tiles, kernels larger than the picture in the
 * padding. */
static void test_conv_pool(void **state) {
	static const int shapes[][9] = {{33, 1, 28, 28, 6, 5, 5, 2, 2}, {18, 6, 14, 14, 16, 5, 5, 0, 0}, {5, 2, 9, 11, 3, 3, 2, 1, 0},
		{16, 3, 7, 6, 7, 4, 5, 0, 2}, {17, 2, 5, 19, 4, 2, 3, 1, 1}, {3, 1, 8, 9, 5, 6, 7, 3, 3}, {20, 2, 3, 2, 2, 7, 8, 4, 5},
		{1, 4, 10, 17, 1, 1, 1, 0, 0}, {16, 1, 4, 4, 13, 7, 5, 4, 2}};
	for (int i = 0; i < EG_COUNT(shapes); i++) {
		const int *a = shapes[i];
		eg_conv_shape s = {.N = a[0], .C = a[1], .H = a[2], .W = a[3], .K = a[4], .R = a[5], .S = a[6], .P = a[2] + 2 * a[7] - a[5] + 1,
			.Q = a[3] + 2 * a[8] - a[6] + 1, .sh = 1, .sw = 1, .ph = a[7], .pw = a[8], .dh = 1, .dw = 1, .G = 1};
		for (int bits = 0; bits < 8; bits++) compare_conv_pool(*state, s, bits);
	}
}

static void test_conv_plain(void **state) {
	for (int i = 0; i < EG_COUNT(CONVS); i++) {
		eg_conv_shape s = bed_conv(CONVS[i]);
		for (int bits = 0; bits < 8; bits += 1 + (i > 4)) compare_conv_fwd(*state, s, false, bits);
		for (int acc = 0; acc < 2; acc++) {
			compare_conv_bwd_data(*state, s, false, acc == 1);
			compare_conv_bwd_weights(*state, s, false, acc == 1, 1, true);
			compare_conv_bwd_weights(*state, s, false, acc == 1, 1, false);
		}
	}
}

/* Shapes drawn at random; both layouts. */
static void test_conv_random(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		int G = 1 + bed_below(t, 3), R = 1 + bed_below(t, 4), S = 1 + bed_below(t, 4), dh = 1 + bed_below(t, 3);
		int dw = 1 + bed_below(t, 3), ph = bed_below(t, 4), pw = bed_below(t, 4);
		int H = (R - 1) * dh + 1 + bed_below(t, 9), W = (S - 1) * dw + 1 + bed_below(t, 9);
		int C = G * (1 + bed_below(t, 10)), K = G * (1 + bed_below(t, 20)), N = 1 + bed_below(t, 20);
		int row[14] = {N, C, H, W, K, R, S, 1 + bed_below(t, 3), 1 + bed_below(t, 3), ph, pw, dh, dw, G};
		eg_conv_shape s = bed_conv(row);
		if (i % 3 == 1) bed_uneven(t, &s);
		compare_conv_fwd(t, s, i & 1, i & 7);
		compare_conv_bwd_data(t, s, i & 1, i & 2);
		compare_conv_bwd_weights(t, s, i & 1, !(i & 1) && i & 2, 1, i & 4);
	}
}

/* ---- pooling ----------------------------------------------------------------------------------------------------- */

/* N, C, H, W, R, S, P, Q, stride, padding, dilation, padding at the end */
static const int POOLS[][16] = {
	{18, 3, 6, 8, 2, 2, 3, 4, 2, 2, 0, 0, 1, 1, 0, 0},
	{33, 6, 28, 28, 2, 2, 14, 14, 2, 2, 0, 0, 1, 1, 0, 0},
	{2, 16, 10, 10, 2, 2, 5, 5, 2, 2, 0, 0, 1, 1, 0, 0},
	{1, 2, 9, 33, 2, 2, 4, 16, 2, 2, 0, 0, 1, 1, 0, 0},
	{1, 2, 5, 67, 2, 2, 2, 33, 2, 2, 0, 0, 1, 1, 0, 0},
	{2, 2, 6, 7, 3, 2, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1},
	{17, 2, 9, 7, 2, 3, 4, 4, 2, 1, 1, 1, 3, 2, 1, 1},
	{16, 2, 11, 34, 3, 3, 6, 17, 2, 2, 1, 1, 1, 1, 1, 1},
	{15, 1, 7, 5, 7, 5, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0}, /* global */
	{3, 2, 8, 40, 3, 3, 8, 40, 1, 1, 1, 1, 1, 1, 1, 1},
	{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0},
};

typedef struct pool_bed {
	blocks xs, ys;
	eg_buf x, y, index, dy, dx;
	size_t nx, ny;
	label what;
} pool_bed;

static pool_bed pool_new(bed *t, const eg_pool_shape *s, const char *name) {
	pool_bed p = {.xs = {s->N, s->C * s->H * s->W, s->lanes, 16}, .ys = {s->N, s->C * s->P * s->Q, s->lanes, 16}};
	p.nx = blocks_count(p.xs), p.ny = blocks_count(p.ys);
	p.x = bed_blocks(t, p.xs), p.y = bed_blocks(t, p.ys), p.dy = bed_gradient(t, p.ys),
	p.dx = bed_gradient(t, p.xs);
	p.index = (eg_buf){bed_bytes(t, p.ny * sizeof(uint16_t)), p.y.stride};
	memset(p.index.p, 0, p.ny * sizeof(uint16_t));
	snprintf(p.what, sizeof p.what,
	        "%s N%d C%d H%d W%d R%d S%d stride %d,%d pad %d,%d dil %d,%d lanes %d include %d", name, s->N, s->C,
	        s->H, s->W, s->R, s->S, s->sh, s->sw, s->ph, s->pw, s->dh, s->dw, s->lanes, s->count_include_pad);
	return p;
}

/* Forward with ties, NaN and infinities; then the gradient. */
static void compare_maxpool(bed *t, eg_pool_shape s, bool acc, bool index) {
	pool_bed p = pool_new(t, &s, "maxpool");
	for (size_t i = 0; i < p.nx; i++) {
		real *x = (real *)p.x.p + i;
		*x = (real)floor(3 * (double)*x);
		if (i % 37 == 5) *x = (real)NAN;
		if (i % 11 == 3) *x = (real)-INFINITY;
	}
	eg_maxpool_fwd_args a = {p.x, p.y, p.index, s}, b = a;
	b.y = bed_clone(t, p.y, p.ny), b.index.p = bed_copy(t, p.index.p, p.ny * sizeof(uint16_t));
	output out[2] = {output_reals(a.y, b.y, p.ny, 1), {a.index.p, b.index.p, p.ny, sizeof(uint16_t), true, 0}};
	if (!index) a.index.p = b.index.p = NULL;
	assert_same_job(t, p.what, (job){t->k->maxpool_fwd, &a, eg_blocks(s.N), 0},
	        (job){t->ref->maxpool_fwd, &b, eg_blocks(s.N), 0}, out, index ? 2 : 1);
	if (index) {
		eg_maxpool_bwd_args c = {p.dy, b.index, p.dx, s, acc}, d = c;
		d.dx = bed_clone(t, c.dx, p.nx);
		compare(t, p.what, t->k->maxpool_bwd, &c, t->ref->maxpool_bwd, &d, eg_blocks(s.N),
		        output_reals(c.dx, d.dx, p.nx, 1));
	}
	bed_clear(t, p.what);
}

static void compare_avgpool(bed *t, eg_pool_shape s, bool acc) {
	pool_bed p = pool_new(t, &s, "avgpool");
	eg_avgpool_fwd_args a = {p.x, p.y, s}, b = a;
	eg_avgpool_bwd_args c = {p.dy, p.dx, s, acc}, d = c;
	b.y = bed_clone(t, a.y, p.ny), d.dx = bed_clone(t, c.dx, p.nx);
	compare(t, p.what, t->k->avgpool_fwd, &a, t->ref->avgpool_fwd, &b, eg_blocks(s.N),
	        output_reals(a.y, b.y, p.ny, 1));
	compare(t, p.what, t->k->avgpool_bwd, &c, t->ref->avgpool_bwd, &d, eg_blocks(s.N),
	        output_reals(c.dx, d.dx, p.nx, 1));
	bed_clear(t, p.what);
}

static void test_pool(void **state) {
	for (int i = 0; i < EG_COUNT(POOLS); i++) {
		for (int c = 0; c < 8; c++) {
			eg_pool_shape s = bed_pool(POOLS[i]);
			s.lanes = c & 1, s.count_include_pad = c & 2;
			compare_avgpool(*state, s, c & 4);
			compare_maxpool(*state, s, c & 4, (c & 6) != 2);
		}
	}
}

/* ---- up-sampling ------------------------------------------------------------------------------------------------- */

static void compare_upsample(bed *t, int N, int C, int H, int W, int sh, int sw, bool lanes, bool acc) {
	label what;
	blocks xs = {N, C * H * W, lanes, 16}, ys = {N, C * H * sh * W * sw, lanes, 16};
	size_t nx = blocks_count(xs), ny = blocks_count(ys);
	eg_upsample_args a = {bed_blocks(t, xs), bed_blocks(t, ys), N, C, H, W, sh, sw, lanes, false}, b = a;
	eg_upsample_args c = {bed_gradient(t, ys), bed_gradient(t, xs), N, C, H, W, sh, sw, lanes, acc}, d = c;
	b.to = bed_clone(t, a.to, ny), d.to = bed_clone(t, c.to, nx);
	snprintf(what, sizeof what, "upsample N%d C%d H%d W%d scale %d,%d lanes %d acc %d", N, C, H, W, sh, sw, lanes, acc);
	compare(t, what, t->k->upsample_fwd, &a, t->ref->upsample_fwd, &b, eg_blocks(N), output_reals(a.to, b.to, ny, 0));
	compare(t, what, t->k->upsample_bwd, &c, t->ref->upsample_bwd, &d, eg_blocks(N), output_reals(c.to, d.to, nx, 1));
	bed_clear(t, what);
}

static void test_upsample(void **state) {
	static const int scales[][2] = {{2, 2}, {1, 2}, {2, 1}, {2, 3}, {1, 1}, {3, 9}, {1, 17}};
	bed *t = *state;
	for (int i = 0; i < EG_COUNT(scales); i++)
		for (int bits = 0; bits < 4; bits++)
			for (int W = 1; W <= 40; W += W < 20 ? 1 : 7)
				compare_upsample(t, 17, 2, 3, W, scales[i][0], scales[i][1], bits & 1, bits & 2);
}

/* ---- element-wise ------------------------------------------------------------------------------------------------ */

/* Units of 16 * F elements, or the flat job's EG_CHUNK, with totals that end anywhere. */
static void draw_units(bed *t, int i, int64_t *unit, int64_t *total) {
	*unit = i % 5 == 4 ? EG_CHUNK : 16 * bed_size(t);
	*total = i % 5 == 4 ? 5000 + bed_size(t) : bed_size(t) * (*unit / 16);
}

static int units_of(int64_t unit, int64_t total) { return (int)((total + unit - 1) / unit); }

static void test_activations(void **state) {
	bed *t = *state;
	for (int i = 0; i < 120; i++) {
		int64_t unit, total;
		draw_units(t, i, &unit, &total);
		size_t n = (size_t)total;
		int units = units_of(unit, total);
		label what;
		eg_map_args a = {{bed_reals(t, n), unit}, {bed_reals(t, n), unit}, unit, total, bed_act(i), false},
		            b = a;
		for (size_t j = 0; j < n; j++) ((real *)a.x.p)[j] *= j % 7 == 3 ? 100 : 8; /* far into saturation */
		snprintf(what, sizeof what, "act %d unit %d total %d", (int)a.act.kind, (int)unit, (int)total);
		if (i & 4) a.y = a.x;
		b.y = bed_clone(t, a.y, n), b.x = i & 4 ? b.y : a.x;
		compare(t, what, t->k->act_fwd, &a, t->ref->act_fwd, &b, units, output_reals(a.y, b.y, n, 0));

		eg_buf dy = {bed_reals(t, n), unit}, dx = {bed_reals(t, n), unit};
		eg_act_bwd_args c = {b.y, dy, i & 4 ? dy : dx, unit, total, a.act, (i & 12) == 8}, d = c;
		d.dx = bed_clone(t, c.dx, n);
		if (i & 4) d.dy = d.dx;
		compare(t, what, t->k->act_bwd, &c, t->ref->act_bwd, &d, units, output_reals(c.dx, d.dx, n, 1));
		bed_clear(t, what);
	}
}

/* Small and large arguments keep their digits; NaN and infinities stay. */
static void test_activation_digits(void **state) {
	bed *t = *state;
	enum { N = 64 };
	for (int act = EG_ACT_NONE; act < EG_ACT_KINDS; act++) {
		/* these two are differences on the left; a hard sigmoid is where its slope begins, of terms as large as
		 * beta */
		double scale = act == EG_ACT_GELU || act == EG_ACT_GELU_TANH ? 1 : 1e-30;
		if (act == EG_ACT_HARD_SIGMOID) scale = (double)bed_act(act).beta;
		label what;
		snprintf(what, sizeof what, "act %d", act);
		real *x = bed_reals(t, N), *y = bed_zeros(t, N), *w = bed_zeros(t, N);
		for (int i = 0; i < N; i++) x[i] *= (real)ldexp(1, i % 40 - 30);
		x[5] = (real)NAN, x[21] = (real)INFINITY, x[40] = (real)-INFINITY, x[63] = (real)-0.0;
		eg_map_args a = {{x, N}, {y, N}, N, N, bed_act(act), false}, b = a;
		b.y.p = w;
		t->k->act_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
		t->ref->act_fwd(&b, 0, 1, EG_WORKER(t->ref, NULL));
		for (int i = 0; i < N; i++) assert_near(what, y + i, w + i, 1, 1e-6, scale);
		bed_clear(t, "act");
	}
}

static void test_copy_fill(void **state) {
	bed *t = *state;
	for (int i = 0; i < 30; i++) {
		int64_t unit, total;
		draw_units(t, i, &unit, &total);
		size_t n = (size_t)total;
		eg_map_args a = {{bed_reals(t, n), unit}, {bed_reals(t, n), unit}, unit, total, bed_act(0), i & 1},
		            b = a;
		b.y = bed_clone(t, a.y, n);
		compare(t, "copy", t->k->copy, &a, t->ref->copy, &b, units_of(unit, total),
		        output_reals(a.y, b.y, n, 1));
		eg_fill_args c = {a.y, unit, total, (real)1.25}, d = c;
		d.y = b.y;
		compare(t, "fill", t->k->fill, &c, t->ref->fill, &d, units_of(unit, total),
		        output_reals(c.y, d.y, n, 1));
		bed_clear(t, "copy and fill");
	}
}

static void test_dropout(void **state) {
	bed *t = *state;
	static const double rates[] = {0, 0.1, 0.5, 0.9999};
	for (int i = 0; i < 60; i++) {
		int64_t unit, total;
		draw_units(t, i, &unit, &total);
		size_t n = (size_t)total;
		eg_dropout_state at = {0x123456789abcdef0u + (uint64_t)i, (uint64_t)i};
		eg_dropout_args a = {{bed_reals(t, n), unit}, {&at, 0}, {bed_reals(t, n), unit}, unit, total, 7, 0,
		                        i & 1},
		                b;
		a.rate = (real)rates[i % 4];
		if ((i & 5) == 4) a.y = a.x;
		b = a, b.y = bed_clone(t, a.y, n);
		if ((i & 5) == 4) b.x = b.y;
		compare(t, "dropout", t->k->dropout, &a, t->ref->dropout, &b, units_of(unit, total),
		        output_reals(a.y, b.y, n, 1));
		bed_clear(t, "dropout");
	}
}

/* ---- broadcasting and sums --------------------------------------------------------------------------------------- */

/* Element strides of an operand that has the dimensions set in `mask`; returns its number of elements. */
static int64_t operand(const eg_add_args *g, int mask, int64_t *strides) {
	int64_t n = 1;
	for (int d = g->rank - 1; d >= 0; d--) {
		strides[d] = mask >> d & 1 ? n : 0;
		if (mask >> d & 1) n *= g->dims[d];
	}
	return n;
}

static void compare_add(bed *t, int rank, int mask_a, int mask_b, bool in_place) {
	label what;
	eg_add_args a = {.rank = rank, .rows = EG_BLOCK}, b;
	int64_t row = 1;
	for (int d = 0; d < rank; d++) a.dims[d] = d == 0 || rank < 3 ? bed_size(t) : 1 + bed_below(t, 9);
	for (int d = 1; d < rank; d++) row *= a.dims[d];
	int units = units_of(a.rows, a.dims[0]);
	size_t n = (size_t)(row * a.dims[0]), na = (size_t)operand(&a, mask_a, a.sa),
	       nb = (size_t)operand(&a, mask_b, a.sb);
	a.a = (eg_buf){bed_reals(t, na), a.sa[0] * a.rows}, a.b = (eg_buf){bed_reals(t, nb), a.sb[0] * a.rows};
	a.y = in_place ? a.a : (eg_buf){bed_reals(t, n), row * a.rows};
	b = a, b.y = bed_clone(t, a.y, n);
	if (in_place) b.a = b.y;
	snprintf(what, sizeof what, "add rank %d dims %d %d %d %d, %x + %x", rank, (int)a.dims[0], (int)a.dims[1],
	        (int)a.dims[2], (int)a.dims[3], (unsigned)mask_a, (unsigned)mask_b);
	compare(t, what, t->k->add, &a, t->ref->add, &b, units, output_reals(a.y, b.y, n, 1));

	eg_sum_to_args s = {.x = a.y,
	                       .y = {bed_reals(t, nb), 0},
	                       .rank = rank,
	                       .count = (int64_t)nb,
	                       .acc = mask_a & 1},
	               r;
	memcpy(s.dims, a.dims, sizeof a.dims), memcpy(s.sy, a.sb, sizeof a.sb);
	r = s, r.y = bed_clone(t, s.y, nb);
	snprintf(what, sizeof what, "sum_to rank %d dims %d %d %d %d, keep %x", rank, (int)a.dims[0], (int)a.dims[1],
	        (int)a.dims[2], (int)a.dims[3], (unsigned)mask_b);
	compare(t, what, t->k->sum_to, &s, t->ref->sum_to, &r, units_of(EG_BLOCK, s.count),
	        output_reals(s.y, r.y, nb, 1));
	bed_clear(t, what);
}

/* Dimensions of x in any order, some walked backwards, some repeated, each perhaps with gaps in y. */
static void compare_strided(bed *t, int rank, bool acc) {
	label what;
	eg_strided_args a = {.rank = rank, .acc = acc, .total = 1, .pieces = 1 + bed_below(t, 3), .rows = 1 + bed_below(t, 40)}, b;
	int order[EG_WALK];
	int64_t x = 1, y = 1;
	for (int d = 0; d < rank; d++) order[d] = d;
	for (int d = rank - 1; d > 0; d--) {
		const int k = bed_below(t, d + 1), was = order[d];
		order[d] = order[k];
		order[k] = was;
	}
	for (int i = 0; i < rank; i++) {
		const int d = order[i], gaps = bed_below(t, 3) == 0;
		a.count[d] = 1 + bed_below(t, i == 0 || rank < 3 ? 37 : 9);
		a.step[d] = gaps ? 1 + bed_below(t, 3) : 1;
		a.first[d] = gaps ? bed_below(t, 3) : 0;
		a.size[d] = a.first[d] + a.step[d] * (a.count[d] - 1) + 1 + (gaps ? bed_below(t, 3) : 0);
		y *= a.size[d];
		if (d < rank - 1) a.total *= a.size[d];
		const int way = bed_below(t, 6);
		if (way == 0) continue; /* stride 0 */
		a.stride[d] = way == 1 ? -x : x;
		if (way == 1) a.offset += x * (a.count[d] - 1);
		x *= a.count[d];
	}
	a.x = (eg_buf){bed_reals(t, (size_t)x), 0}, a.y = (eg_buf){bed_reals(t, (size_t)y), 0};
	b = a, b.y = bed_clone(t, a.y, (size_t)y);
	snprintf(what, sizeof what, "strided rank %d sizes %d %d %d, acc %d", rank, a.size[0], a.size[1], a.size[2], acc);
	compare(t, what, t->k->strided, &a, t->ref->strided, &b, (int)((a.total + a.rows - 1) / a.rows) * a.pieces,
	        output_reals(a.y, b.y, (size_t)y, 1));
	bed_clear(t, what);
}

static void test_strided(void **state) {
	for (int i = 0; i < 400; i++) compare_strided(*state, 1 + i % 4, i & 1);
}

static void test_broadcast(void **state) {
	for (int rank = 1; rank <= 4; rank++)
		for (int mask = 0; mask < 1 << rank; mask++) {
			int all = (1 << rank) - 1;
			compare_add(*state, rank, all, mask, false);
			compare_add(*state, rank, all, mask, true);
			compare_add(*state, rank, all & ~mask, mask, false);
		}
}

static void test_reorder(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		int N = 1 + bed_below(t, 40), F = i % 9 == 0 ? 300 : bed_size(t);
		bool to = i & 1, acc = i & 2;
		blocks plain = {N, F, false, 16}, lanes = {N, F, true, 16};
		eg_reorder_args a = {bed_gradient(t, to ? plain : lanes), bed_gradient(t, to ? lanes : plain), N, F, to,
		                        acc},
		                b = a;
		size_t n = blocks_count(to ? lanes : plain);
		label what;
		b.y = bed_clone(t, a.y, n);
		snprintf(what, sizeof what, "reorder N %d F %d to_lanes %d acc %d", N, F, to, acc);
		compare(t, what, t->k->reorder, &a, t->ref->reorder, &b, eg_blocks(N), output_reals(a.y, b.y, n, 1));
		bed_clear(t, what);
	}
}

static void test_reorder_blocked(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		int N = 1 + bed_below(t, 3), C = 1 + bed_below(t, 40), plane = i % 9 == 0 ? 300 : bed_size(t), groups = (C + 15) / 16;
		bool to = i & 1, acc = i & 2;
		size_t plain = (size_t)N * (size_t)C * (size_t)plane, blocked = (size_t)N * (size_t)groups * 16 * (size_t)plane;
		eg_reorder_blocked_args a = {{bed_reals(t, to ? plain : blocked), 0}, {NULL, 0}, N, C, plane, to, acc}, b = a;
		size_t n = to ? blocked : plain;
		a.y.p = bed_reals(t, n);
		for (size_t k = 0; to && k < n; k++) /* a gradient: zero beyond the last channel */
			if ((int)(k / 16 / (size_t)plane) % groups * 16 + (int)(k % 16) >= C) ((real *)a.y.p)[k] = 0;
		label what;
		b.y = bed_clone(t, a.y, n);
		snprintf(what, sizeof what, "reorder_blocked N %d C %d plane %d to_blocked %d acc %d", N, C, plane, to, acc);
		compare(t, what, t->k->reorder_blocked, &a, t->ref->reorder_blocked, &b, N * groups, output_reals(a.y, b.y, n, 1));
		if (to && !acc)
			for (size_t k = 0; k < blocked; k++) {
				int c = (int)(k / 16 / (size_t)plane) % groups * 16 + (int)(k % 16);
				size_t at = (k / 16 / (size_t)plane / (size_t)groups * (size_t)C + (size_t)c) * (size_t)plane + k / 16 % (size_t)plane;
				real want = c < C ? ((real *)a.x.p)[at] : 0;
				if (((real *)a.y.p)[k] != want) fail_msg("%s: element %zu", what, k);
			}
		bed_clear(t, what);
	}
}

static void test_sums(void **state) {
	bed *t = *state;
	for (int i = 0; i < 40; i++) {
		int m = bed_size(t), n = bed_size(t) + (i % 3 == 0 ? 64 : 0), ld = n + i % 2 * 5;
		size_t count = i % 4 == 0 ? 9001 : (size_t)bed_size(t), nn = (size_t)n;
		int shards = 1 + bed_below(t, EG_MAX_SHARDS);
		eg_buf x = {bed_reals(t, (size_t)((m - 1) * ld + n)), 0},
		       parts = {bed_reals(t, count * (size_t)shards), 0};
		eg_sum_rows_args a = {x, {bed_reals(t, nn), 0}, m, n, ld, i & 2}, b = a;
		eg_shard_sum_args c = {parts, {bed_reals(t, count), 0}, (int64_t)count, shards, i & 2}, d = c;
		b.y = bed_clone(t, a.y, nn), d.y = bed_clone(t, c.y, count);
		compare(t, "sum_rows", t->k->sum_rows, &a, t->ref->sum_rows, &b, units_of(64, n),
		        output_reals(a.y, b.y, nn, 1));
		compare(t, "shard_sum", t->k->shard_sum, &c, t->ref->shard_sum, &d, units_of(EG_CHUNK, c.count),
		        output_reals(c.y, d.y, count, 1));
		bed_clear(t, "sums");
	}
}

/* ---- softmax and cross-entropy ----------------------------------------------------------------------------------- */

/* One buffer of (outer, n, inner) in units of EG_BLOCK outer indices. */
static eg_buf rows_buf(bed *t, int outer, int row, double scale) {
	eg_buf b = {bed_reals(t, (size_t)(outer * row)), (ptrdiff_t)EG_BLOCK * row};
	for (int i = 0; i < outer * row; i++) ((real *)b.p)[i] *= (real)scale;
	return b;
}

static void compare_softmax(bed *t, int outer, int n, int inner, bool acc) {
	label what;
	size_t count = (size_t)(outer * n * inner);
	int units = eg_blocks(outer);
	eg_softmax_args a = {rows_buf(t, outer, n * inner, 10), rows_buf(t, outer, n * inner, 1), outer, EG_BLOCK, n,
	                        inner},
	                b = a;
	for (size_t i = 0; i < count; i += 3) ((real *)a.x.p)[i] += 500; /* exp of the others vanishes */
	b.y = bed_clone(t, a.y, count);
	snprintf(what, sizeof what, "softmax (%d,%d,%d) acc %d", outer, n, inner, acc);
	compare(t, what, t->k->softmax_fwd, &a, t->ref->softmax_fwd, &b, units, output_reals(a.y, b.y, count, 0));
	eg_softmax_bwd_args c = {rows_buf(t, outer, n * inner, 1), a.x, a.y, outer, EG_BLOCK, n, inner, acc}, d = c;
	d.dx = bed_clone(t, c.dx, count);
	compare(t, what, t->k->softmax_bwd, &c, t->ref->softmax_bwd, &d, units, output_reals(c.dx, d.dx, count, 1));
	bed_clear(t, what);
}

static void compare_ce(bed *t, int outer, int n, int inner, int bits) {
	label what;
	size_t count = (size_t)(outer * n * inner), rows = (size_t)(outer * inner);
	int units = eg_blocks(outer), row = n * inner;
	eg_ce_shape s = {outer, EG_BLOCK, n, inner, -100, bits & 4, (real)(bits & 2 ? 0.1 : 0)};
	int32_t *target = bed_bytes(t, rows * sizeof *target);
	for (size_t i = 0; i < rows; i++) target[i] = i > 0 && bed_below(t, 5) == 0 ? s.ignore : bed_below(t, n);
	if (bits & 8 && rows > 1) target[rows / 2] = bits & 16 ? n : -1; /* no class */
	eg_buf tg = {target, (ptrdiff_t)EG_BLOCK * inner}, weight = {bits & 1 ? bed_reals(t, (size_t)n) : NULL, 0};
	for (int c = 0; c < n && weight.p; c++) ((real *)weight.p)[c] += 2;
	snprintf(what, sizeof what, "cross-entropy (%d,%d,%d) bits %d", outer, n, inner, bits);

	eg_ce_denom_args da = {{target, 0}, weight, {bed_zeros(t, 1), 0}, s}, db = da;
	db.denom = bed_clone(t, da.denom, 1);
	compare(t, what, t->k->ce_denom, &da, t->ref->ce_denom, &db, 1, output_reals(da.denom, db.denom, 1, 0));

	eg_ce_fwd_args a = {
	        rows_buf(t, outer, row, 8), tg, weight, rows_buf(t, outer, row, 1), rows_buf(t, outer, inner, 1), s};
	eg_ce_fwd_args b = a;
	b.prob = bed_clone(t, a.prob, count), b.rowloss = bed_clone(t, a.rowloss, rows);
	output out[2] = {output_reals(a.prob, b.prob, count, 0), output_reals(a.rowloss, b.rowloss, rows, 1)};
	assert_same_job(t, what, (job){t->k->ce_fwd, &a, units, 0}, (job){t->ref->ce_fwd, &b, units, 0}, out, 2);

	eg_ce_mean_args ma = {b.rowloss, db.denom, {bed_zeros(t, 1), 0}, (int64_t)rows}, mb = ma;
	mb.loss = bed_clone(t, ma.loss, 1);
	compare(t, what, t->k->ce_mean, &ma, t->ref->ce_mean, &mb, 1, output_reals(ma.loss, mb.loss, 1, 1));

	eg_buf dloss = {bed_reals(t, 1), 0};
	double scale = fabs((double)*(real *)dloss.p / (double)*(real *)db.denom.p);
	eg_ce_bwd_args g = {b.prob, tg, weight, db.denom, dloss, rows_buf(t, outer, row, 0.01), s, bits & 1}, h = g;
	h.dx = bed_clone(t, g.dx, count);
	compare(t, what, t->k->ce_bwd, &g, t->ref->ce_bwd, &h, units, output_reals(g.dx, h.dx, count, scale));
	bed_clear(t, what);
}

static void test_softmax(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++)
		compare_softmax(t, bed_size(t), bed_size(t), i % 3 == 0 ? 1 + bed_below(t, 20) : 1, i & 1);
}

static void test_cross_entropy(void **state) {
	bed *t = *state;
	for (int i = 0; i < 96; i++)
		compare_ce(t, bed_size(t), bed_size(t), i % 3 == 0 ? 1 + bed_below(t, 20) : 1, i % 32);
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static void compare_update(bed *t, const char *what, eg_update op, int bits) {
	size_t n = bits % 5 == 4 ? 9001 : (size_t)bed_size(t);
	eg_update_args a = {.g = {bed_reals(t, n), 0}, .w = {bed_reals(t, n), 0}, .m = {bed_reals(t, n), 0}}, b;
	a.op = op, a.u.p = bed_reals(t, n), a.cm = (real)1.3, a.cg = (real)0.4, a.centered = bits & 8;
	a.v.p = bed_reals(t, n), a.n = (int64_t)n, a.lr = (real)0.05, a.scale = (real)(bits & 1 ? 1 : 0.3);
	a.momentum = (real)(bits & 2 ? 0.9 : 0), a.weight_decay = (real)(bits & 4 ? 0.1 : 0), a.nesterov = bits & 8;
	a.first = bits & 16, a.decoupled = bits & 32 && (op == EG_UPDATE_ADAM || op == EG_UPDATE_NADAM), a.b1 = (real)0.9, a.b2 = (real)0.999, a.eps = (real)1e-3;
	a.c1 = (real)0.3, a.c2 = (real)0.02;
	/* Means of squares are above those of what is squared, and not so near to them that roots differ. */
	for (size_t i = 0; i < n; i++) {
		real *v = (real *)a.v.p + i, *u = (real *)a.u.p + i;
		*u = (real)fabs((double)*u);
		*v = 1 + (real)fabs((double)*v) + *u * *u;
	}
	b = a, b.w = bed_clone(t, a.w, n), b.m = bed_clone(t, a.m, n), b.v = bed_clone(t, a.v, n), b.u = bed_clone(t, a.u, n);
	output out[4] = {output_reals(a.w, b.w, n, 1), output_reals(a.m, b.m, n, 1), output_reals(a.v, b.v, n, 1),
		output_reals(a.u, b.u, n, 1)};
	if (op == EG_UPDATE_SGD) a.v.p = b.v.p = a.u.p = b.u.p = NULL;
	if (op == EG_UPDATE_MUON) a.w.p = b.w.p = NULL;
	if ((op == EG_UPDATE_SGD || op == EG_UPDATE_RMSPROP) && !(bits & 2)) a.m.p = b.m.p = NULL;
	int units = units_of(EG_CHUNK, a.n);
	assert_same_job(t, what, (job){t->k->update, &a, units, 0}, (job){t->ref->update, &b, units, 0}, out, 4);
	bed_clear(t, what);
}

static void test_optimizers(void **state) {
	bed *t = *state;
	for (int bits = 0; bits < 64; bits++) {
		compare_update(t, "sgd", EG_UPDATE_SGD, bits);
		compare_update(t, "adam", EG_UPDATE_ADAM, bits);
		compare_update(t, "nadam", EG_UPDATE_NADAM, bits);
		compare_update(t, "rmsprop", EG_UPDATE_RMSPROP, bits);
		compare_update(t, "adagrad", EG_UPDATE_ADAGRAD, bits);
		compare_update(t, "adadelta", EG_UPDATE_ADADELTA, bits);
		compare_update(t, "muon", EG_UPDATE_MUON, bits);
	}
}

static void test_clip(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		size_t n = i % 5 == 4 ? 9001 : (size_t)bed_size(t);
		real *x = bed_reals(t, n), special[] = {1, (real)NAN, (real)INFINITY, (real)-INFINITY};
		int units = units_of(EG_CHUNK, (int64_t)n);
		if (i % 4 > 0) x[bed_below(t, (int)n)] = special[i % 4];
		double *got = bed_bytes(t, (size_t)units * sizeof *got),
		       *want = bed_bytes(t, (size_t)units * sizeof *want);
		eg_sumsq_args a = {{x, 0}, {got, 0}, (int64_t)n}, b = {{x, 0}, {want, 0}, (int64_t)n};
		job_run(t, (job){t->k->sumsq, &a, units, 0}, 0, units);
		job_run(t, (job){t->ref->sumsq, &b, units, 0}, 0, units);
		for (int u = 0; u < units; u++) {
			real g = (real)got[u], w = (real)want[u];
			assert_near("sumsq", &g, &w, 1, TOLERANCE, 0);
		}
		eg_clip_value_args c = {{x, 0}, (int64_t)n, (real)0.4}, d = c;
		d.x = bed_clone(t, c.x, n);
		compare(t, "clip_value", t->k->clip_value, &c, t->ref->clip_value, &d, units,
		        output_reals(c.x, d.x, n, 1));
		bed_clear(t, "sumsq and clip_value");
	}
}

static void test_blend(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		size_t n = i % 5 == 4 ? 9001 : (size_t)bed_size(t);
		eg_blend_args a = {.x = {bed_reals(t, n), 0}, .y = {bed_reals(t, n), 0}, .n = (int64_t)n, .a = (real)(i % 3) / 7}, b = a;
		b.y = bed_clone(t, a.y, n);
		compare(t, "blend", t->k->blend, &a, t->ref->blend, &b, units_of(EG_CHUNK, a.n), output_reals(a.y, b.y, n, 1));
		bed_clear(t, "blend");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gemm),
		cmocka_unit_test(test_gemm_packed),
		cmocka_unit_test(test_conv_lanes),
		cmocka_unit_test(test_conv_pool),
		cmocka_unit_test(test_conv_plain),
		cmocka_unit_test(test_conv_random),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_upsample),
		cmocka_unit_test(test_activations),
		cmocka_unit_test(test_activation_digits),
		cmocka_unit_test(test_copy_fill),
		cmocka_unit_test(test_dropout),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_strided),
		cmocka_unit_test(test_reorder),
		cmocka_unit_test(test_reorder_blocked),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_softmax),
		cmocka_unit_test(test_cross_entropy),
		cmocka_unit_test(test_optimizers),
		cmocka_unit_test(test_clip),
		cmocka_unit_test(test_blend),
	};
	return bed_main(tests, EG_COUNT(tests));
}

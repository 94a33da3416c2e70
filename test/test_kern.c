/* test_kern.c - the plain C kernels against formulas written down a second time, element by element and in double.
 *
 * That the vector tables agree with the plain C ones, and that no kernel depends on the split of its units, is for
 * test_kern_isa.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

static void assert_value(const char *what, double got, double want, double scale) {
	if (isnan(want) ? isnan(got) : fabs(got - want) <= TOLERANCE * fmax(scale, fabs(want))) return;
	fail_msg("%s: %.9g, not %.9g", what, got, want);
}

static void test_table_is_full(void **state) {
	bed *t = *state;
	typedef void (*slot)(void);
	size_t n = (sizeof(eg_kernels) - offsetof(eg_kernels, gemm)) / sizeof(slot);
	for (size_t i = 0; i < n; i++) {
		slot f;
		memcpy(&f, (const char *)t->k + offsetof(eg_kernels, gemm) + i * sizeof f, sizeof f);
		if (!f) fail_msg("slot %zu is empty", i);
	}
}

/* ---- matrix product ---------------------------------------------------------------------------------------------- */

static void check_gemm(bed *t, int m, int n, int k, bool ta, bool tb, bool acc) {
	eg_gemm_args g = {.m = m, .n = n, .k = k, .ta = ta, .tb = tb, .acc = acc};
	g.lda = (ta ? m : k) + 1, g.ldb = (tb ? k : n) + 2, g.ldc = n + 3;
	real *a = bed_reals(t, (size_t)((ta ? k : m) * g.lda)), *b = bed_reals(t, (size_t)((tb ? n : k) * g.ldb));
	real *c = bed_reals(t, (size_t)(m * g.ldc)), *old = bed_copy(t, c, (size_t)(m * g.ldc) * sizeof(real));
	g.a.p = a, g.b.p = b, g.c.p = c;
	t->k->gemm(&g, 0, t->k->gemm_units(&g), EG_WORKER(t->k, bed_bytes(t, t->k->gemm_scratch(&g))));
	for (int i = 0; i < m; i++) {
		for (int j = 0; j < g.ldc; j++) {
			double sum = acc || j >= n ? (double)old[i * g.ldc + j] : 0;
			for (int p = 0; p < k && j < n; p++)
				sum += (double)a[ta ? p * g.lda + i : i * g.lda + p] *
				       (double)b[tb ? j * g.ldb + p : p * g.ldb + j];
			assert_value("gemm", (double)c[i * g.ldc + j], sum, sqrt(k));
		}
	}
	bed_clear(t, "gemm");
}

static void test_gemm(void **state) {
	for (int c = 0; c < 8; c++) {
		check_gemm(*state, 5, 37, 19, c & 1, c & 2, c & 4);
		check_gemm(*state, 70, 3, 11, c & 1, c & 2, c & 4);
		check_gemm(*state, 1, 150, 1101, c & 1, c & 2, c & 4); /* one row, several blocks of k */
	}
}

static void check_gemm_packed(bed *t, bool trans, bool bias, bool acc, eg_act act, int nsplit) {
	enum { M = 21, ROWS = 16, N = 37, K = 9 };
	real *a = bed_reals(t, M * K), *b = bed_reals(t, K * N), *d = bed_reals(t, N), *c = bed_reals(t, M * N);
	real *old = bed_copy(t, c, M * N * sizeof(real)), *packed = bed_bytes(t, t->k->gemm_pack_bytes(K, N));
	eg_gemm_pack_args pack = {{b, 0}, {packed, 0}, K, N, trans ? K : N, trans};
	t->k->gemm_pack(&pack, 0, t->k->gemm_pack_units(K, N), EG_WORKER(t->k, NULL));
	eg_gemm_packed_args g = {
	        .a = {a, ROWS * K}, .b = {packed, 0}, .bias = {bias ? d : NULL, 0}, .c = {c, ROWS * N}};
	g.m = M, g.rows = ROWS, g.n = N, g.k = K, g.lda = K, g.ldc = N, g.nsplit = nsplit, g.acc = acc, g.act = act;
	t->k->gemm_packed(&g, 0, 2 * nsplit, EG_WORKER(t->k, NULL));
	for (int i = 0; i < M; i++) {
		for (int j = 0; j < N; j++) {
			double sum = (acc ? (double)old[i * N + j] : 0) + (bias ? (double)d[j] : 0);
			for (int p = 0; p < K; p++)
				sum += (double)a[i * K + p] * (double)b[trans ? j * K + p : p * N + j];
			assert_value("gemm_packed", (double)c[i * N + j], bed_act_value(act, sum), 3);
		}
	}
	bed_clear(t, "gemm_packed");
}

static void test_gemm_packed(void **state) {
	for (int i = 0; i < 8; i++) check_gemm_packed(*state, i & 1, i & 2, i & 4, bed_act(0), 1 + i % 3);
	for (int act = EG_ACT_RELU; act < EG_ACT_KINDS; act++)
		check_gemm_packed(*state, true, true, false, bed_act(act), 2);
}

/* ---- convolution ------------------------------------------------------------------------------------------------- */

/* N, C, H, W, K, R, S, stride, padding, dilation, groups */
static const int CONVS[][14] = {
	{18, 3, 7, 9, 4, 3, 2, 1, 1, 0, 0, 1, 1, 1}, {18, 4, 9, 8, 6, 2, 3, 2, 3, 1, 2, 3, 2, 2},
	{2, 3, 6, 11, 3, 4, 5, 3, 1, 2, 4, 1, 1, 3},
	{1, 2, 3, 2, 5, 3, 4, 1, 2, 3, 5, 2, 3, 1}, /* more padding than picture */
	{3, 5, 8, 5, 2, 1, 1, 3, 2, 0, 0, 1, 1, 1},
	{50, 2, 4, 5, 3, 2, 3, 1, 1, 1, 0, 1, 1, 1}, /* four blocks in two shards */
};

/* All products w[wi] * x[xi] that make y[yi], of sample n: calls `f` for each. All else follows from them. */
typedef void (*conv_term)(void *user, int yi, int wi, int xi);
static void conv_terms(const eg_conv_shape *s, conv_term f, void *user) {
	int CG = s->C / s->G, KG = s->K / s->G;
	for (int i = 0; i < s->K * s->P * s->Q * CG * s->R * s->S; i++) {
		int t = i % s->S, r = i / s->S % s->R, c = i / s->S / s->R % CG, yi = i / s->S / s->R / CG;
		int q = yi % s->Q, p = yi / s->Q % s->P, k = yi / s->Q / s->P;
		int h = p * s->sh + r * s->dh - s->ph, w = q * s->sw + t * s->dw - s->pw;
		if (h < 0 || h >= s->H || w < 0 || w >= s->W) continue;
		f(user, yi, ((k * CG + c) * s->R + r) * s->S + t, ((k / KG * CG + c) * s->H + h) * s->W + w);
	}
}

/* A convolution with its gradients, and what the terms add up to (plain order, in double). */
typedef struct conv_data {
	eg_conv_shape s;
	blocks xs, ys;
	eg_buf x, y, dy, dx;
	real *w, *b;
	int W; /* weights */
	double *wy, *wdx, *wdw, *wdb;
	int n;
} conv_data;

static void conv_naive_term(void *user, int yi, int wi, int xi) {
	conv_data *d = user;
	double x = (double)((real *)d->x.p)[blocks_at(d->xs, d->n, xi)], w = (double)d->w[wi];
	double dy = (double)((real *)d->dy.p)[blocks_at(d->ys, d->n, yi)];
	d->wy[d->n * d->ys.F + yi] += w * x;
	d->wdx[d->n * d->xs.F + xi] += w * dy;
	d->wdw[wi] += x * dy;
}

static double *doubles(bed *t, int n) {
	double *p = bed_bytes(t, (size_t)n * sizeof(double));
	for (int i = 0; i < n; i++) p[i] = 0;
	return p;
}

static void conv_naive(bed *t, conv_data *d) {
	d->wy = doubles(t, d->s.N * d->ys.F), d->wdx = doubles(t, d->s.N * d->xs.F);
	d->wdw = doubles(t, d->W), d->wdb = doubles(t, d->s.K);
	for (d->n = 0; d->n < d->s.N; d->n++) {
		for (int f = 0; f < d->ys.F; f++) {
			int k = f / d->s.P / d->s.Q;
			d->wy[d->n * d->ys.F + f] = (double)d->b[k];
			d->wdb[k] += (double)((real *)d->dy.p)[blocks_at(d->ys, d->n, f)];
		}
		conv_terms(&d->s, conv_naive_term, d);
	}
}

/* old + want, or want alone when there is no old. */
static void check_blocks(const char *what, const real *got, blocks at, const double *want, const real *old) {
	for (int n = 0; n < at.N; n++) {
		for (int f = 0; f < at.F; f++) {
			size_t i = blocks_at(at, n, f);
			assert_value(what, (double)got[i], want[n * at.F + f] + (old ? (double)old[i] : 0), 8);
		}
	}
}

static void check_empty_lanes(const char *what, const real *got, blocks at) {
	for (int n = at.N; at.lanes && n < eg_blocks(at.N) * EG_BLOCK; n++)
		for (int f = 0; f < at.F; f++)
			if (got[blocks_at(at, n, f)] != 0)
				fail_msg("%s: lanes beyond the last sample are not zero", what);
}

static eg_buf packed_weights(bed *t, const conv_data *d, eg_conv_dir dir) {
	bool lanes = d->xs.lanes;
	size_t bytes = lanes ? t->k->conv_lanes_pack_bytes(&d->s, dir) : t->k->conv_plain_pack_bytes(&d->s, dir);
	eg_conv_pack_args a = {{d->w, 0}, {bed_bytes(t, bytes), 0}, d->s, dir};
	(lanes ? t->k->conv_lanes_pack : t->k->conv_plain_pack)(&a, 0, 1, EG_WORKER(t->k, NULL));
	return a.dst;
}

/* Runs a convolution kernel of direction dir on all its units. */
static void conv_run(bed *t, const conv_data *d, eg_conv_dir dir, eg_kernel lanes, eg_kernel plain, const void *args) {
	if (d->xs.lanes)
		lanes(args, 0, eg_blocks(d->s.N), EG_WORKER(t->k, bed_bytes(t, t->k->conv_lanes_scratch(&d->s, dir))));
	else
		plain(args, 0, t->k->conv_plain_units(&d->s, dir), EG_WORKER(t->k, bed_bytes(t, t->k->conv_plain_scratch(&d->s, dir))));
}

static void check_conv_weights(bed *t, const conv_data *d, bool acc) {
	int shards = d->xs.lanes && eg_blocks(d->s.N) > 1 ? 2 : 1, K = d->s.K;
	real *dw = bed_reals(t, (size_t)(shards * d->W)), *db = bed_reals(t, (size_t)(shards * K));
	real *old = bed_copy(t, dw, (size_t)d->W * sizeof(real)), *oldb = bed_copy(t, db, (size_t)K * sizeof(real));
	eg_conv_bwd_weights_args a = {d->x, d->dy, {dw, 0}, {db, 0}, d->s, eg_blocks(d->s.N), shards, acc};
	conv_run(t, d, EG_CONV_BWD_WEIGHTS, t->k->conv_lanes_bwd_weights, t->k->conv_plain_bwd_weights, &a);
	for (int i = 0; i < d->W; i++)
		assert_value("conv dw", (double)dw[i] + (shards == 2 ? (double)dw[d->W + i] : 0),
		        d->wdw[i] + (acc ? (double)old[i] : 0), 16);
	for (int k = 0; k < K; k++)
		assert_value("conv db", (double)db[k] + (shards == 2 ? (double)db[K + k] : 0),
		        d->wdb[k] + (acc ? (double)oldb[k] : 0), 16);
}

static void check_conv(bed *t, eg_conv_shape s, bool lanes) {
	conv_data d = {.s = s, .W = s.K * (s.C / s.G) * s.R * s.S};
	d.xs = (blocks){s.N, s.C * s.H * s.W, lanes, lanes ? 16 : 0};
	d.ys = (blocks){s.N, s.K * s.P * s.Q, lanes, lanes ? 16 : 0};
	d.x = bed_blocks(t, d.xs), d.y = bed_blocks(t, d.ys), d.dx = bed_gradient(t, d.xs),
	d.dy = bed_gradient(t, d.ys);
	d.w = bed_reals(t, (size_t)d.W), d.b = bed_reals(t, (size_t)s.K);
	conv_naive(t, &d);
	eg_conv_fwd_args fwd = {d.x, packed_weights(t, &d, EG_CONV_FWD), {d.b, 0}, d.y, s, eg_act_of(EG_ACT_NONE)};
	conv_run(t, &d, EG_CONV_FWD, t->k->conv_lanes_fwd, t->k->conv_plain_fwd, &fwd);
	check_blocks("conv y", d.y.p, d.ys, d.wy, NULL);
	for (int acc = 0; acc < 2; acc++) {
		eg_buf old = bed_clone(t, d.dx, blocks_count(d.xs));
		eg_conv_bwd_data_args bwd = {d.dy, packed_weights(t, &d, EG_CONV_BWD_DATA), d.dx, s, acc == 1};
		conv_run(t, &d, EG_CONV_BWD_DATA, t->k->conv_lanes_bwd_data, t->k->conv_plain_bwd_data, &bwd);
		check_blocks("conv dx", d.dx.p, d.xs, d.wdx, acc ? old.p : NULL);
		check_empty_lanes("conv dx", d.dx.p, d.xs);
		if (!acc || !lanes) check_conv_weights(t, &d, acc == 1);
	}
	/* relu is applied to the sum, after the bias; without a bias the sum starts at zero */
	fwd.act = eg_act_of(EG_ACT_RELU), fwd.b.p = NULL;
	conv_run(t, &d, EG_CONV_FWD, t->k->conv_lanes_fwd, t->k->conv_plain_fwd, &fwd);
	for (int i = 0; i < s.N * d.ys.F; i++) d.wy[i] = fmax(d.wy[i] - (double)d.b[i % d.ys.F / s.P / s.Q], 0);
	check_blocks("conv relu", d.y.p, d.ys, d.wy, NULL);
	bed_clear(t, "conv");
}

static void test_conv(void **state) {
	for (int i = 0; i < EG_COUNT(CONVS); i++)
		for (int lanes = 0; lanes < 2; lanes++) check_conv(*state, bed_conv(CONVS[i]), lanes == 1);
}

/* <conv(x, w), dy> = <x, bwd_data(dy, w)> = <w, bwd_weights(x, dy)>, and the two layouts give the same y, reordered. */
static void test_conv_adjoint(void **state) {
	bed *t = *state;
	eg_conv_shape s = bed_conv(CONVS[1]);
	blocks plain[2] = {{s.N, s.C * s.H * s.W, false, 0}, {s.N, s.K * s.P * s.Q, false, 0}}, lanes[2];
	size_t W = (size_t)(s.K * (s.C / s.G) * s.R * s.S);
	eg_buf x = bed_blocks(t, plain[0]), dy = bed_blocks(t, plain[1]), w = {bed_reals(t, W), 0}, xl, yl, back;
	eg_buf y = bed_blocks(t, plain[1]), dx = bed_blocks(t, plain[0]), dw = {bed_zeros(t, W), 0};
	conv_data d = {.s = s, .w = w.p, .xs = plain[0]};
	eg_conv_fwd_args fwd = {x, packed_weights(t, &d, EG_CONV_FWD), {NULL, 0}, y, s, eg_act_of(EG_ACT_NONE)};
	eg_conv_bwd_data_args bwd = {dy, packed_weights(t, &d, EG_CONV_BWD_DATA), dx, s, false};
	eg_conv_bwd_weights_args bww = {x, dy, dw, {NULL, 0}, s, eg_blocks(s.N), 1, false};
	conv_run(t, &d, EG_CONV_FWD, NULL, t->k->conv_plain_fwd, &fwd);
	conv_run(t, &d, EG_CONV_BWD_DATA, NULL, t->k->conv_plain_bwd_data, &bwd);
	conv_run(t, &d, EG_CONV_BWD_WEIGHTS, NULL, t->k->conv_plain_bwd_weights, &bww);
	double a = 0, b = 0, c = 0;
	for (size_t i = 0; i < blocks_count(plain[1]); i++) a += (double)((real *)y.p)[i] * (double)((real *)dy.p)[i];
	for (size_t i = 0; i < blocks_count(plain[0]); i++) b += (double)((real *)x.p)[i] * (double)((real *)dx.p)[i];
	for (size_t i = 0; i < W; i++) c += (double)((real *)w.p)[i] * (double)((real *)dw.p)[i];
	assert_value("adjoint of the data", b, a, 100);
	assert_value("adjoint of the weights", c, a, 100);

	for (int i = 0; i < 2; i++) lanes[i] = plain[i], lanes[i].lanes = true;
	xl = bed_blocks(t, lanes[0]), yl = bed_blocks(t, lanes[1]), back = bed_blocks(t, plain[1]);
	d.xs = lanes[0];
	eg_reorder_args to = {x, xl, s.N, plain[0].F, true, false}, from = {yl, back, s.N, plain[1].F, false, false};
	eg_conv_fwd_args fwdl = {xl, packed_weights(t, &d, EG_CONV_FWD), {NULL, 0}, yl, s, eg_act_of(EG_ACT_NONE)};
	t->k->reorder(&to, 0, eg_blocks(s.N), EG_WORKER(t->k, NULL));
	check_empty_lanes("reorder", xl.p, lanes[0]);
	conv_run(t, &d, EG_CONV_FWD, t->k->conv_lanes_fwd, NULL, &fwdl);
	t->k->reorder(&from, 0, eg_blocks(s.N), EG_WORKER(t->k, NULL));
	assert_near("lanes and plain", back.p, y.p, blocks_count(plain[1]), TOLERANCE, 1);
	bed_clear(t, "conv adjoint");
}

/* ---- pooling ----------------------------------------------------------------------------------------------------- */

/* N, C, H, W, R, S, P, Q, stride, padding, dilation, padding at the end */
static const int POOLS[][16] = {
	{18, 3, 6, 8, 2, 2, 3, 4, 2, 2, 0, 0, 1, 1, 0, 0},
	{2, 2, 6, 7, 3, 2, 4, 4, 2, 2, 1, 1, 1, 1, 1, 1}, /* ceil mode: the last window ends beyond the padding */
	{17, 2, 9, 7, 2, 3, 4, 4, 2, 1, 1, 1, 3, 2, 1, 1},
};

typedef struct pool_bed {
	eg_pool_shape s;
	blocks xs, ys;
	eg_buf x, y, index, dy, dx;
} pool_bed;

static pool_bed pool_new(bed *t, eg_pool_shape s) {
	pool_bed p = {.s = s, .xs = {s.N, s.C * s.H * s.W, s.lanes, 16}, .ys = {s.N, s.C * s.P * s.Q, s.lanes, 16}};
	p.x = bed_blocks(t, p.xs), p.y = bed_blocks(t, p.ys), p.dy = bed_gradient(t, p.ys), p.dx = bed_blocks(t, p.xs);
	p.index = (eg_buf){bed_bytes(t, blocks_count(p.ys) * sizeof(uint16_t)), p.y.stride};
	for (size_t i = 0; i < blocks_count(p.xs); i += 3) ((real *)p.x.p)[i] = (real)0.75;     /* ties */
	for (int f = 10; f < 12; f++) ((real *)p.x.p)[blocks_at(p.xs, s.N - 1, f)] = (real)NAN; /* the first one wins */
	return p;
}

/* The windows' gradients and values of sample n, output f: average when `average`. Adds to dx. */
static double pool_window(const pool_bed *p, int n, int f, bool average, int *winner, double *dx) {
	const eg_pool_shape *s = &p->s;
	int q = f % s->Q, i = f / s->Q % s->P, c = f / s->Q / s->P, inside = 0, at[64];
	int h0 = i * s->sh - s->ph, w0 = q * s->sw - s->pw, counted = 0;
	double best = 0, sum = 0, dy = (double)((real *)p->dy.p)[blocks_at(p->ys, n, f)];
	for (int r = 0; r < s->R; r++) {
		for (int u = 0; u < s->S; u++) {
			int h = h0 + r * s->dh, w = w0 + u * s->dw;
			if (h < s->H + s->pad_end_h && w < s->W + s->pad_end_w) counted++;
			if (h < 0 || h >= s->H || w < 0 || w >= s->W) continue;
			at[inside] = (c * s->H + h) * s->W + w;
			double v = (double)((real *)p->x.p)[blocks_at(p->xs, n, at[inside])];
			if (inside == 0 || v > best || (isnan(v) && !isnan(best))) best = v, *winner = r * s->S + u;
			sum += v;
			inside++;
		}
	}
	int divisor = s->count_include_pad ? counted : inside;
	if (average)
		for (int j = 0; j < inside; j++) dx[at[j]] += dy / divisor;
	else
		dx[(c * s->H + h0 + *winner / s->S * s->dh) * s->W + w0 + *winner % s->S * s->dw] += dy;
	return average ? sum / divisor : best;
}

static void check_pool_naive(bed *t, const pool_bed *p, bool average) {
	double *dx = doubles(t, p->xs.F);
	for (int n = 0; n < p->s.N; n++) {
		for (int i = 0; i < p->xs.F; i++) dx[i] = 0;
		for (int f = 0; f < p->ys.F; f++) {
			int winner = 0;
			size_t at = blocks_at(p->ys, n, f);
			assert_value(
			        "pool y", (double)((real *)p->y.p)[at], pool_window(p, n, f, average, &winner, dx), 1);
			if (!average) assert_int_equal(((uint16_t *)p->index.p)[at], winner);
		}
		for (int f = 0; f < p->xs.F; f++)
			assert_value("pool dx", (double)((real *)p->dx.p)[blocks_at(p->xs, n, f)], dx[f], 4);
	}
	check_empty_lanes("pool dx", p->dx.p, p->xs);
}

static void check_pool(bed *t, eg_pool_shape s) {
	pool_bed p = pool_new(t, s);
	eg_maxpool_fwd_args mf = {p.x, p.y, p.index, s};
	eg_maxpool_bwd_args mb = {p.dy, p.index, p.dx, s, false};
	eg_avgpool_fwd_args af = {p.x, p.y, s};
	eg_avgpool_bwd_args ab = {p.dy, p.dx, s, false};
	t->k->maxpool_fwd(&mf, 0, eg_blocks(s.N), EG_WORKER(t->k, NULL));
	t->k->maxpool_bwd(&mb, 0, eg_blocks(s.N), EG_WORKER(t->k, NULL));
	check_pool_naive(t, &p, false);
	t->k->avgpool_fwd(&af, 0, eg_blocks(s.N), EG_WORKER(t->k, NULL));
	t->k->avgpool_bwd(&ab, 0, eg_blocks(s.N), EG_WORKER(t->k, NULL));
	check_pool_naive(t, &p, true);
	bed_clear(t, "pool");
}

static void test_pool(void **state) {
	for (int i = 0; i < EG_COUNT(POOLS); i++) {
		for (int c = 0; c < 4; c++) {
			eg_pool_shape s = bed_pool(POOLS[i]);
			s.lanes = c & 1, s.count_include_pad = c & 2;
			check_pool(*state, s);
		}
	}
}

/* PyTorch: AvgPool2d(3, stride=2, padding=1, ceil_mode=True) of a 6x6 picture has, along one axis, windows [-1,2) [1,4)
 * [3,6) [5,8); padding ends at 7, so the divisors with padding counted are 3, 3, 3, 2. */
static void test_avgpool_ceil(void **state) {
	bed *t = *state;
	eg_pool_shape s = {.N = 1,
	        .C = 1,
	        .H = 6,
	        .W = 1,
	        .R = 3,
	        .S = 1,
	        .P = 4,
	        .Q = 1,
	        .sh = 2,
	        .sw = 1,
	        .ph = 1,
	        .dh = 1,
	        .dw = 1,
	        .count_include_pad = true,
	        .pad_end_h = 1};
	real *x = bed_reals(t, 6), *y = bed_reals(t, 4);
	static const double with[] = {1, 3, 5, 3}, without[] = {1.5, 3, 5, 6};
	for (int i = 0; i < 6; i++) x[i] = (real)(i + 1);
	eg_avgpool_fwd_args a = {{x, 0}, {y, 0}, s};
	t->k->avgpool_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
	for (int i = 0; i < 4; i++) assert_value("ceil", (double)y[i], with[i], 1);
	a.s.count_include_pad = false;
	t->k->avgpool_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
	for (int i = 0; i < 4; i++) assert_value("ceil", (double)y[i], without[i], 1);
	bed_clear(t, "ceil");
}

/* ---- up-sampling ------------------------------------------------------------------------------------------------- */

static void check_upsample(bed *t, int sh, int sw, bool lanes) {
	enum { N = 18, C = 3, H = 2, W = 21 };
	const int P = H * sh, Q = W * sw;
	blocks xs = {N, C * H * W, lanes, 16}, ys = {N, C * P * Q, lanes, 16};
	eg_upsample_args a = {bed_blocks(t, xs), bed_blocks(t, ys), N, C, H, W, sh, sw, lanes, false};
	eg_upsample_args b = {bed_gradient(t, ys), bed_gradient(t, xs), N, C, H, W, sh, sw, lanes, true};
	const real *x = a.from.p, *y = a.to.p, *dy = b.from.p, *dx = b.to.p;
	const real *before = bed_copy(t, dx, blocks_count(xs) * sizeof *dx);
	t->k->upsample_fwd(&a, 0, eg_blocks(N), EG_WORKER(t->k, NULL));
	t->k->upsample_bwd(&b, 0, eg_blocks(N), EG_WORKER(t->k, NULL));
	for (int n = 0; n < N; n++) {
		double *sum = doubles(t, xs.F);
		for (int f = 0; f < xs.F; f++) sum[f] = (double)before[blocks_at(xs, n, f)];
		for (int f = 0; f < ys.F; f++) {
			int shown = (f / (P * Q) * H + f / Q % P / sh) * W + f % Q / sw;
			assert_true(y[blocks_at(ys, n, f)] == x[blocks_at(xs, n, shown)]);
			sum[shown] += (double)dy[blocks_at(ys, n, f)];
		}
		for (int f = 0; f < xs.F; f++) assert_value("upsample dx", (double)dx[blocks_at(xs, n, f)], sum[f], 4);
	}
	check_empty_lanes("upsample dx", dx, xs);
	bed_clear(t, "upsample");
}

static void test_upsample(void **state) {
	for (int lanes = 0; lanes < 2; lanes++) {
		check_upsample(*state, 2, 2, lanes);
		check_upsample(*state, 2, 3, lanes);
		check_upsample(*state, 1, 2, lanes);
		check_upsample(*state, 3, 1, lanes);
		check_upsample(*state, 1, 20, lanes);
	}
}

/* ---- joining and splitting --------------------------------------------------------------------------------------- */

/* Tensors of these widths, one of them absent (concat) or not wanted (split); a batch in blocks, or rows in pieces. */
static void check_join(bed *t, int total, int rows, int pieces) {
	static const int widths[] = {5, 33, 0, 1, 16};
	enum { TENSORS = EG_COUNT(widths), WIDE = 55 };
	const int units = (total + rows - 1) / rows;
	eg_concat_args c = {.s = {.rows = rows, .total = total, .n = TENSORS, .pieces = pieces}};
	eg_split_args d = {.s = c.s};
	real *before[TENSORS];
	for (int i = 0; i < TENSORS; i++) {
		const size_t n = (size_t)(total * widths[i]);
		c.s.width[i] = d.s.width[i] = widths[i];
		if (widths[i]) c.x[i] = (eg_buf){bed_reals(t, n), rows * widths[i]};
		if (widths[i] && i != 3) d.x[i] = (eg_buf){bed_reals(t, n), rows * widths[i]};
		if (d.x[i].p) before[i] = bed_copy(t, d.x[i].p, n * sizeof(real));
		d.acc[i] = i == 1;
	}
	c.y = (eg_buf){bed_reals(t, (size_t)(total * WIDE)), rows * WIDE};
	d.y = (eg_buf){bed_reals(t, (size_t)(total * WIDE)), rows * WIDE};
	for (int u = units * pieces - 1; u >= 0; u--) t->k->concat(&c, u, u + 1, EG_WORKER(t->k, NULL)), t->k->split(&d, u, u + 1, EG_WORKER(t->k, NULL));
	for (int r = 0; r < total; r++)
		for (int i = 0, at = 0; i < TENSORS; at += widths[i++])
			for (int k = 0; k < widths[i]; k++) {
				const int from = r * widths[i] + k, to = r * WIDE + at + k;
				assert_true(((real *)c.y.p)[to] == ((real *)c.x[i].p)[from]);
				if (!d.x[i].p) continue;
				const real want = ((real *)d.y.p)[to] + (d.acc[i] ? before[i][from] : 0);
				assert_true(((real *)d.x[i].p)[from] == want);
			}
	bed_clear(t, "concat and split");
}

static void test_join(void **state) {
	check_join(*state, 35, 16, 1);
	check_join(*state, 1, 1, 7);
	check_join(*state, 4, 1, 3);
	check_join(*state, 7, 3, 60);
}

/* ---- element-wise, broadcasting, sums ---------------------------------------------------------------------------- */

static void test_activations(void **state) {
	bed *t = *state;
	enum { N = 100 };
	for (int act = EG_ACT_NONE; act < EG_ACT_KINDS; act++) {
		real *x = bed_reals(t, N), *y = bed_reals(t, N), *dy = bed_reals(t, N), *dx = bed_reals(t, N);
		for (int i = 0; i < N; i++) x[i] *= 5;
		eg_map_args f = {{x, 48}, {y, 48}, 48, N, bed_act(act), false};
		eg_act_bwd_args b = {{eg_act_from_x(f.act.kind) ? x : y, 48}, {dy, 48}, {dx, 48}, 48, N, bed_act(act), false};
		t->k->act_fwd(&f, 0, 3, EG_WORKER(t->k, NULL));
		t->k->act_bwd(&b, 0, 3, EG_WORKER(t->k, NULL));
		for (int i = 0; i < N; i++) {
			double v = (double)x[i], h = 1e-6,
			       slope = (bed_act_value(bed_act(act), v + h) - bed_act_value(bed_act(act), v - h)) / (2 * h);
			assert_value("act", (double)y[i], bed_act_value(bed_act(act), v), 1);
			if (fabs((double)dx[i] - slope * (double)dy[i]) > 1e-5)
				fail_msg("slope of activation %d at %g", act, v);
		}
		bed_clear(t, "act");
	}
	real x[4] = {(real)NAN, (real)-INFINITY, (real)INFINITY, -3}, y[4];
	eg_map_args f = {{x, 4}, {y, 4}, 4, 4, eg_act_of(EG_ACT_RELU), false};
	t->k->act_fwd(&f, 0, 1, EG_WORKER(t->k, NULL));
	assert_true(isnan(y[0]) && y[1] == 0 && isinf(y[2]) && y[3] == 0);
}

static void test_dropout(void **state) {
	bed *t = *state;
	enum { N = 5003, UNIT = 64, UNITS = (N + UNIT - 1) / UNIT };
	real *x = bed_reals(t, N), *y = bed_reals(t, N);
	eg_dropout_state at = {123456789012345, 17};
	eg_dropout_args a = {{x, UNIT}, {&at, 0}, {y, UNIT}, UNIT, N, 5, (real)0.3, false};
	t->k->dropout(&a, 0, UNITS, EG_WORKER(t->k, NULL));
	int dropped = 0;
	for (int i = 0; i < N; i++) {
		uint32_t word[4];
		eg_rng_u32x4((eg_rng){at.seed, eg_stream(EG_RNG_DROPOUT, 5, at.step)}, (uint64_t)i / 4, word);
		bool drop = (double)word[i % 4] < (double)a.rate * 0x1p32;
		assert_value("dropout", (double)y[i], drop ? 0 : (double)x[i] / (1 - (double)a.rate), 1);
		dropped += drop;
	}
	assert_in_range(dropped, N * 27 / 100, N * 33 / 100);
	bed_clear(t, "dropout");
}

/* y (3,4,5,2) = a (3,1,5,2) + b (4,1,2), cut into units of two rows; and its adjoint. */
static void test_broadcast(void **state) {
	bed *t = *state;
	enum { N = 3 * 4 * 5 * 2 };
	eg_add_args g = {.rank = 4, .rows = 2, .dims = {3, 4, 5, 2}, .sa = {10, 0, 2, 1}, .sb = {0, 2, 0, 1}};
	real *a = bed_reals(t, 30), *b = bed_reals(t, 8), *y = bed_reals(t, N);
	g.a = (eg_buf){a, 20}, g.b = (eg_buf){b, 0}, g.y = (eg_buf){y, 80};
	t->k->add(&g, 0, 2, EG_WORKER(t->k, NULL));
	double sa[30] = {0}, sb[8] = {0};
	for (int i = 0; i < N; i++) {
		int ia = i / 40 * 10 + i % 10, ib = i / 10 % 4 * 2 + i % 2;
		assert_value("add", (double)y[i], (double)a[ia] + (double)b[ib], 1);
		sa[ia] += (double)y[i], sb[ib] += (double)y[i];
	}
	real *da = bed_reals(t, 30), *db = bed_zeros(t, 8);
	eg_sum_to_args s = {
	        .x = {y, 0}, .y = {da, 0}, .rank = 4, .dims = {3, 4, 5, 2}, .sy = {10, 0, 2, 1}, .count = 30};
	t->k->sum_to(&s, 0, 2, EG_WORKER(t->k, NULL));
	for (int i = 0; i < 30; i++) assert_value("sum_to", (double)da[i], sa[i], 4);
	s = (eg_sum_to_args){.x = {y, 0},
	        .y = {db, 0},
	        .rank = 4,
	        .dims = {3, 4, 5, 2},
	        .sy = {0, 2, 0, 1},
	        .count = 8,
	        .acc = true};
	t->k->sum_to(&s, 0, 1, EG_WORKER(t->k, NULL));
	t->k->sum_to(&s, 0, 1, EG_WORKER(t->k, NULL));
	for (int i = 0; i < 8; i++) assert_value("sum_to", (double)db[i], 2 * sb[i], 8);
	bed_clear(t, "broadcast");
}

static void test_sums(void **state) {
	bed *t = *state;
	enum { M = 5, N = 70, LD = 72, PARTS = 3, COUNT = 4100 };
	real *x = bed_reals(t, M * LD), *y = bed_reals(t, N), *p = bed_reals(t, PARTS * COUNT),
	     *s = bed_reals(t, COUNT);
	eg_sum_rows_args r = {{x, 0}, {y, 0}, M, N, LD, false};
	eg_shard_sum_args h = {{p, 0}, {s, 0}, COUNT, PARTS, false};
	t->k->sum_rows(&r, 0, 2, EG_WORKER(t->k, NULL));
	t->k->shard_sum(&h, 0, 2, EG_WORKER(t->k, NULL));
	for (int j = 0; j < N; j++) {
		double sum = 0;
		for (int i = 0; i < M; i++) sum += (double)x[i * LD + j];
		assert_value("sum_rows", (double)y[j], sum, 2);
	}
	for (int i = 0; i < COUNT; i++)
		assert_value(
		        "shard_sum", (double)s[i], (double)p[i] + (double)p[COUNT + i] + (double)p[2 * COUNT + i], 2);
	bed_clear(t, "sums");
}

/* ---- softmax and cross-entropy ----------------------------------------------------------------------------------- */

/* (20, 7, 3): rows with weights, smoothing, ignored targets, and one target that does not exist. */
enum { OUTER = 20, CLASSES = 7, INNER = 3, ROWS = 16, IGNORE = -1, BAD = 31 };

static double log_softmax(const real *x, int c) {
	double sum = 0;
	for (int i = 0; i < CLASSES; i++) sum += exp((double)x[i * INNER] - (double)x[c * INNER]);
	return -log(sum);
}

/* The loss of a row as a function of its logits; its gradient by the caller is taken from central differences. */
static double ce_loss(const real *x, int target, const real *w, double e) {
	double all = 0;
	if (target == IGNORE) return 0;
	if (target < 0 || target >= CLASSES) return NAN;
	for (int c = 0; c < CLASSES; c++) all -= (w ? (double)w[c] : 1) * log_softmax(x, c);
	return (1 - e) * (w ? (double)w[target] : 1) * -log_softmax(x, target) + e / CLASSES * all;
}

/* d loss / d x[c]: the gradient of sum_j a_j * -logp_j is (sum a) p_c - a_c. */
static double ce_slope(const real *x, int target, const real *w, double e, int c) {
	double sum = 0, mine = 0;
	if (target == IGNORE) return 0;
	if (target < 0 || target >= CLASSES) return NAN;
	for (int j = 0; j < CLASSES; j++) {
		double a = (w ? (double)w[j] : 1) * ((j == target ? 1 - e : 0) + e / CLASSES);
		sum += a;
		if (j == c) mine = a;
	}
	return sum * exp(log_softmax(x, c)) - mine;
}

static void check_ce(bed *t, bool weighted, real smoothing, bool mean, bool bad) {
	enum { COUNT = OUTER * CLASSES * INNER };
	real *x = bed_reals(t, COUNT), *w = weighted ? bed_reals(t, CLASSES) : NULL, *prob = bed_reals(t, COUNT);
	real *dx = bed_reals(t, COUNT), *rowloss = bed_reals(t, OUTER * INNER), denom = -1, loss = -1,
	     dloss = (real)0.7;
	int32_t *target = bed_bytes(t, OUTER * INNER * sizeof(int32_t));
	for (int i = 0; i < CLASSES && w; i++) w[i] = (real)1.5 + w[i];
	for (int i = 0; i < OUTER * INNER; i++) target[i] = i % 5 == 2 ? IGNORE : bed_below(t, CLASSES);
	if (bad) target[BAD] = CLASSES;
	eg_ce_shape s = {OUTER, ROWS, CLASSES, INNER, IGNORE, mean, smoothing};
	eg_buf bx = {x, ROWS * CLASSES * INNER}, bt = {target, ROWS * INNER}, bw = {w, 0}, bp = {prob, bx.stride};
	eg_ce_denom_args de = {{target, 0}, bw, {&denom, 0}, s};
	eg_ce_fwd_args fw = {bx, bt, bw, bp, {rowloss, ROWS * INNER}, s};
	eg_ce_mean_args me = {{rowloss, 0}, {&denom, 0}, {&loss, 0}, OUTER * INNER};
	eg_ce_bwd_args bd = {bp, bt, bw, {&denom, 0}, {&dloss, 0}, {dx, bx.stride}, s, false};
	t->k->ce_denom(&de, 0, 1, EG_WORKER(t->k, NULL));
	t->k->ce_fwd(&fw, 0, 2, EG_WORKER(t->k, NULL));
	t->k->ce_mean(&me, 0, 1, EG_WORKER(t->k, NULL));
	t->k->ce_bwd(&bd, 0, 2, EG_WORKER(t->k, NULL));
	double wanted = 0, count = 0;
	for (int i = 0; i < OUTER * INNER; i++)
		if (target[i] >= 0 && target[i] < CLASSES) count += w ? (double)w[target[i]] : 1;
	if (!mean) count = 1;
	for (int i = 0; i < OUTER * INNER; i++) {
		const real *row = x + i / INNER * CLASSES * INNER + i % INNER;
		double want = ce_loss(row, target[i], w, (double)smoothing);
		wanted += want;
		assert_value("rowloss", (double)rowloss[i], want, 2);
		for (int c = 0; c < CLASSES; c++) {
			assert_value("prob", (double)prob[row - x + c * INNER], exp(log_softmax(row, c)), 1);
			assert_value("ce dx", (double)dx[row - x + c * INNER],
			        ce_slope(row, target[i], w, (double)smoothing, c) * (double)dloss / count, 1);
		}
	}
	assert_value("denom", (double)denom, count, 1);
	assert_value("loss", (double)loss, wanted / count, 1);
	bed_clear(t, "cross-entropy");
}

static void test_cross_entropy(void **state) {
	for (int c = 0; c < 16; c++) check_ce(*state, c & 1, (real)(c & 2 ? 0.1 : 0), c & 4, c & 8);
}

/* Large logits do not cost a small loss its digits: log(1 + exp(-5)) for (1000, 995). */
static void test_small_loss(void **state) {
	bed *t = *state;
	real x[2] = {1000, 995}, prob[2], loss;
	int32_t target = 0;
	eg_ce_fwd_args a = {{x, 0}, {&target, 0}, {NULL, 0}, {prob, 0}, {&loss, 0}, {1, 1, 2, 1, -1, false, 0}};
	t->k->ce_fwd(&a, 0, 1, EG_WORKER(t->k, NULL));
	double want = log1p(exp(-5));
	if (fabs((double)loss - want) > 5e-5 * want) fail_msg("loss %.9g, not %.9g", (double)loss, want);
}

static void test_softmax(void **state) {
	bed *t = *state;
	enum { COUNT = OUTER * CLASSES * INNER };
	real *x = bed_reals(t, COUNT), *y = bed_reals(t, COUNT), *dy = bed_reals(t, COUNT), *dx = bed_zeros(t, COUNT);
	for (int i = 0; i < COUNT; i++) x[i] += i < COUNT / 2 ? 1000 : -1000; /* no overflow */
	ptrdiff_t stride = ROWS * CLASSES * INNER;
	eg_softmax_args f = {{x, stride}, {y, stride}, OUTER, ROWS, CLASSES, INNER};
	eg_softmax_bwd_args b = {{y, stride}, {dy, stride}, {dx, stride}, OUTER, ROWS, CLASSES, INNER, false};
	t->k->softmax_fwd(&f, 0, 2, EG_WORKER(t->k, NULL));
	t->k->softmax_bwd(&b, 0, 2, EG_WORKER(t->k, NULL));
	for (int i = 0; i < OUTER * INNER; i++) {
		int at = i / INNER * CLASSES * INNER + i % INNER;
		double dot = 0;
		for (int c = at; c < at + CLASSES * INNER; c += INNER) dot += (double)y[c] * (double)dy[c];
		for (int c = 0; c < CLASSES; c++) {
			int j = at + c * INNER;
			assert_value("softmax", (double)y[j], exp(log_softmax(x + at, c)), 1);
			assert_value("softmax dx", (double)dx[j], (double)y[j] * ((double)dy[j] - dot), 1);
		}
	}
	bed_clear(t, "softmax");
}

/* ---- optimizers -------------------------------------------------------------------------------------------------- */

/* Two steps by hand: w = 1, g = 2 then -1. */
static void test_sgd(void **state) {
	bed *t = *state;
	real g = 2, w = 1, m = 99;
	eg_update_args a = {
	        .g = {&g, 0}, .w = {&w, 0}, .n = 1, .lr = (real)0.1, .scale = (real)0.5, .weight_decay = (real)0.2};
	t->k->update(&a, 0, 1, EG_WORKER(t->k, NULL)); /* g' = 1 + 0.2 */
	assert_value("sgd", (double)w, 0.88, 1);
	w = 1, a.momentum = (real)0.9, a.m.p = &m, a.first = true;
	t->k->update(&a, 0, 1, EG_WORKER(t->k, NULL)); /* m = 1.2 */
	assert_value("sgd w", (double)w, 0.88, 1);
	assert_value("sgd m", (double)m, 1.2, 1);
	g = -1, a.first = false,
	a.nesterov = true; /* g' = -0.5 + 0.176 = -0.324; m = 1.08 - 0.324; step -0.324 + 0.9 * 0.756 */
	t->k->update(&a, 0, 1, EG_WORKER(t->k, NULL));
	assert_value("sgd m", (double)m, 0.756, 1);
	assert_value("sgd w", (double)w, 0.88 - 0.1 * (-0.324 + 0.6804), 1);
}

static void test_adam(void **state) {
	bed *t = *state;
	for (int decoupled = 0; decoupled < 2; decoupled++) {
		real g = 3, w = 2, m = (real)0.5, v = (real)0.25;
		eg_update_args a = {.op = EG_UPDATE_ADAM,
		        .g = {&g, 0},
		        .w = {&w, 0},
		        .m = {&m, 0},
		        .v = {&v, 0},
		        .n = 1,
		        .lr = (real)0.01,
		        .scale = (real)0.5,
		        .weight_decay = (real)0.1,
		        .b1 = (real)0.9,
		        .b2 = (real)0.99,
		        .eps = (real)1e-3,
		        .c1 = (real)0.19,
		        .c2 = (real)0.0199,
		        .decoupled = decoupled == 1};
		double d = 1.5 + (decoupled ? 0 : 0.2), wm = 0.45 + 0.1 * d, wv = 0.2475 + 0.01 * d * d;
		t->k->update(&a, 0, 1, EG_WORKER(t->k, NULL));
		assert_value("adam m", (double)m, wm, 1);
		assert_value("adam v", (double)v, wv, 1);
		double start = decoupled ? 2 - 0.01 * 0.1 * 2 : 2;
		assert_value("adam w", (double)w, start - 0.01 / 0.19 * wm / (sqrt(wv / 0.0199) + 1e-3), 1);
	}
}

static void test_clip(void **state) {
	bed *t = *state;
	real x[5] = {-3, (real)0.5, 3, (real)NAN, (real)-INFINITY};
	double sum[1];
	eg_sumsq_args s = {{x, 0}, {sum, 0}, 3};
	eg_clip_value_args c = {{x, 0}, 5, 1};
	t->k->sumsq(&s, 0, 1, EG_WORKER(t->k, NULL));
	assert_value("sumsq", sum[0], 18.25, 1);
	s.n = 4;
	t->k->sumsq(&s, 0, 1, EG_WORKER(t->k, NULL));
	assert_true(isnan(sum[0]));
	t->k->clip_value(&c, 0, 1, EG_WORKER(t->k, NULL));
	assert_true(x[0] == -1 && x[1] == (real)0.5 && x[2] == 1 && isnan(x[3]) && x[4] == -1);
}

static void test_blend(void **state) {
	bed *t = *state;
	real x[3] = {5, -2, (real)0.1}, y[3] = {1, 2, (real)0.1};
	eg_blend_args a = {.x = {x, 0}, .y = {y, 0}, .n = 3, .a = (real)0.25};
	t->k->blend(&a, 0, 1, EG_WORKER(t->k, NULL));
	assert_true(y[0] == 2 && y[1] == 1 && y[2] == (real)0.1); /* what is the same stays, to the bit */
}

/* ---- shards ------------------------------------------------------------------------------------------------------ */

static void test_shards(void **state) {
	EG_UNUSED(state);
	for (int n = 1; n < 70; n++)
		for (int shards = 1; shards <= EG_MAX_SHARDS && shards <= n; shards++)
			for (int b = 0; b < n; b++) {
				int s = eg_shard_of(b, n, shards);
				assert_in_range(s, 0, shards - 1);
				assert_true(eg_shard_begin(s, n, shards) <= b && b < eg_shard_begin(s + 1, n, shards));
			}
}

int main(void) {
	eg_kernels k;
	eg_kernels_ref(&k);
	bed t = {.k = &k, .ref = &k};
	struct CMUnitTest tests[] = {
	        cmocka_unit_test_prestate(test_table_is_full, &t),
	        cmocka_unit_test_prestate(test_gemm, &t),
	        cmocka_unit_test_prestate(test_gemm_packed, &t),
	        cmocka_unit_test_prestate(test_conv, &t),
	        cmocka_unit_test_prestate(test_conv_adjoint, &t),
	        cmocka_unit_test_prestate(test_pool, &t),
	        cmocka_unit_test_prestate(test_avgpool_ceil, &t),
	        cmocka_unit_test_prestate(test_upsample, &t),
	        cmocka_unit_test_prestate(test_join, &t),
	        cmocka_unit_test_prestate(test_activations, &t),
	        cmocka_unit_test_prestate(test_dropout, &t),
	        cmocka_unit_test_prestate(test_broadcast, &t),
	        cmocka_unit_test_prestate(test_sums, &t),
	        cmocka_unit_test_prestate(test_cross_entropy, &t),
	        cmocka_unit_test_prestate(test_softmax, &t),
	        cmocka_unit_test_prestate(test_small_loss, &t),
	        cmocka_unit_test_prestate(test_sgd, &t),
	        cmocka_unit_test_prestate(test_adam, &t),
	        cmocka_unit_test_prestate(test_clip, &t),
	        cmocka_unit_test_prestate(test_blend, &t),
	        cmocka_unit_test_prestate(test_shards, &t),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

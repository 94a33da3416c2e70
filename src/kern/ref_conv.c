/* ref_conv.c - convolutions in plain C: forward, gradient of the data, gradient of the weights.
 *
 * Both layouts are one: an image is [C][H][W][L] with L samples side by side, L = 1 in PLAIN (an image is a sample) and
 * L = EG_BLOCK in LANES (an image is a block). The *_image functions below are written for any L and inlined with a
 * constant one. Taps that fall outside of the picture are left out by clipping the range of output positions, never by
 * a test in the inner loop. Weights are not packed: the packed form is a copy of w, (K, C/G, R, S). */
#include "kern/ref.h"

enum { LANES = EG_BLOCK };

static ptrdiff_t x_size(const eg_conv_shape *s) { return (ptrdiff_t)s->C * s->H * s->W; }
static ptrdiff_t y_size(const eg_conv_shape *s) { return (ptrdiff_t)s->K * s->P * s->Q; }
static ptrdiff_t w_size(const eg_conv_shape *s) { return (ptrdiff_t)s->K * (s->C / s->G) * s->R * s->S; }

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* y[q] += w * x[q * step] for n positions of L samples. */
EG_ALWAYS_INLINE void row_add(int L, real *restrict y, const real *restrict x, real w, int n, int step) {
	for (int q = 0; q < n; q++)
		for (int l = 0; l < L; l++) y[(ptrdiff_t)q * L + l] += w * x[(ptrdiff_t)q * step * L + l];
}

/* One image: y = act(conv(x, w) + b). */
EG_ALWAYS_INLINE void fwd_image(
	int L, const eg_conv_shape *s, const real *x, const real *w, const real *b, real *y, eg_act act) {
	int CG = s->C / s->G, KG = s->K / s->G;
	for (int k = 0; k < s->K; k++) {
		for (int p = 0; p < s->P; p++) {
			real *yrow = y + ((ptrdiff_t)k * s->P + p) * s->Q * L;
			for (int i = 0; i < s->Q * L; i++) yrow[i] = b ? b[k] : 0;
			for (int c = 0; c < CG; c++) {
				const real *plane = x + ((ptrdiff_t)(k / KG) * CG + c) * s->H * s->W * L;
				const real *taps = w + ((ptrdiff_t)k * CG + c) * s->R * s->S;
				for (int r = 0; r < s->R; r++) {
					int h = p * s->sh + r * s->dh - s->ph;
					if (h < 0 || h >= s->H) continue;
					for (int t = 0; t < s->S; t++) {
						int first, end, offset = t * s->dw - s->pw;
						clip_range(offset, s->sw, s->W, s->Q, &first, &end);
						if (first == end) continue;
						row_add(L, yrow + (ptrdiff_t)first * L,
						        plane + ((ptrdiff_t)h * s->W + first * s->sw + offset) * L,
						        taps[r * s->S + t], end - first, s->sw);
					}
				}
			}
			act_apply(act, yrow, (ptrdiff_t)s->Q * L);
		}
	}
}

static void conv_lanes_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_fwd_args *a = args;
	EG_UNUSED(worker);
	assert(conv_shape_ok(&a->s) && a->x.p && a->w.p && a->y.p && a->y.p != a->x.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->s.N));
	for (int n = begin; n < end; n++)
		fwd_image(LANES, &a->s, eg_at(a->x, n), a->w.p, a->b.p, eg_at(a->y, n), a->act);
}

static void conv_plain_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_fwd_args *a = args;
	EG_UNUSED(worker);
	assert(conv_shape_ok(&a->s) && a->x.p && a->w.p && a->y.p && a->y.p != a->x.p);
	assert(0 <= begin && begin <= end && end <= a->s.N);
	for (int n = begin; n < end; n++)
		fwd_image(1, &a->s, (const real *)a->x.p + n * x_size(&a->s), a->w.p, a->b.p,
		        (real *)a->y.p + n * y_size(&a->s), a->act);
}

/* ---- gradient of the data --------------------------------------------------------------------------------------- */

/* dx[q * step] += w * dy[q] for n positions of L samples. */
EG_ALWAYS_INLINE void row_scatter(int L, real *restrict dx, const real *restrict dy, real w, int n, int step) {
	for (int q = 0; q < n; q++)
		for (int l = 0; l < L; l++) dx[(ptrdiff_t)q * step * L + l] += w * dy[(ptrdiff_t)q * L + l];
}

/* One image: dx = [dx +] gradient; every output position gives back what it took. */
EG_ALWAYS_INLINE void bwd_data_image(int L, const eg_conv_shape *s, const real *dy, const real *w, real *dx, bool acc) {
	int CG = s->C / s->G, KG = s->K / s->G;
	if (!acc) memset(dx, 0, (size_t)x_size(s) * (size_t)L * sizeof(real));
	for (int k = 0; k < s->K; k++) {
		for (int p = 0; p < s->P; p++) {
			const real *dyrow = dy + ((ptrdiff_t)k * s->P + p) * s->Q * L;
			for (int c = 0; c < CG; c++) {
				real *plane = dx + ((ptrdiff_t)(k / KG) * CG + c) * s->H * s->W * L;
				const real *taps = w + ((ptrdiff_t)k * CG + c) * s->R * s->S;
				for (int r = 0; r < s->R; r++) {
					int h = p * s->sh + r * s->dh - s->ph;
					if (h < 0 || h >= s->H) continue;
					for (int t = 0; t < s->S; t++) {
						int first, end, offset = t * s->dw - s->pw;
						clip_range(offset, s->sw, s->W, s->Q, &first, &end);
						if (first == end) continue;
						row_scatter(L,
						        plane + ((ptrdiff_t)h * s->W + first * s->sw + offset) * L,
						        dyrow + (ptrdiff_t)first * L, taps[r * s->S + t], end - first,
						        s->sw);
					}
				}
			}
		}
	}
}

static void conv_lanes_bwd_data__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_data_args *a = args;
	EG_UNUSED(worker);
	assert(conv_shape_ok(&a->s) && a->dy.p && a->w.p && a->dx.p && a->dx.p != a->dy.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->s.N));
	for (int n = begin; n < end; n++)
		bwd_data_image(LANES, &a->s, eg_at(a->dy, n), a->w.p, eg_at(a->dx, n), a->acc);
}

static void conv_plain_bwd_data__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_data_args *a = args;
	EG_UNUSED(worker);
	assert(conv_shape_ok(&a->s) && a->dy.p && a->w.p && a->dx.p && a->dx.p != a->dy.p);
	assert(0 <= begin && begin <= end && end <= a->s.N);
	for (int n = begin; n < end; n++)
		bwd_data_image(1, &a->s, (const real *)a->dy.p + n * y_size(&a->s), a->w.p,
		        (real *)a->dx.p + n * x_size(&a->s), a->acc);
}

/* ---- gradient of the weights ------------------------------------------------------------------------------------ */

/* Sums run in LANES partial sums, which a vector unit can keep apart, and are combined at the end by lanes_sum. */

/* sum[l] += dy[q] * x[q * step] for n positions; with L = 1 position q goes to partial sum q % LANES. */
EG_ALWAYS_INLINE void row_dot(
	int L, real *restrict sum, const real *restrict dy, const real *restrict x, int n, int step) {
	if (L == LANES) {
		for (int q = 0; q < n; q++)
			for (int l = 0; l < LANES; l++)
				sum[l] += dy[(ptrdiff_t)q * LANES + l] * x[(ptrdiff_t)q * step * LANES + l];
		return;
	}
	for (int q = 0; q < n; q += LANES) {
		int m = n - q < LANES ? n - q : LANES;
		for (int l = 0; l < m; l++) sum[l] += dy[q + l] * x[(ptrdiff_t)(q + l) * step];
	}
}

/* sum[i % LANES] += v[i]. */
static void row_sum(real *restrict sum, const real *restrict v, ptrdiff_t n) {
	for (ptrdiff_t i = 0; i < n; i += LANES) {
		ptrdiff_t m = n - i < LANES ? n - i : LANES;
		for (ptrdiff_t l = 0; l < m; l++) sum[l] += v[i + l];
	}
}

static real lanes_sum(const real *sum) {
	real total = 0;
	for (int l = 0; l < LANES; l++) total += sum[l];
	return total;
}

/* dw[c][r][s] and db of filter k, summed over `images` images. db may be NULL. */
EG_ALWAYS_INLINE void bwd_weights_filter(
	int L, const eg_conv_shape *s, int k, const real *x, const real *dy, int images, real *dw, real *db, bool acc) {
	int CG = s->C / s->G, KG = s->K / s->G;
	for (int c = 0; c < CG; c++) {
		for (int r = 0; r < s->R; r++) {
			int p0, p1;
			clip_range(r * s->dh - s->ph, s->sh, s->H, s->P, &p0, &p1);
			for (int t = 0; t < s->S; t++) {
				int q0, q1, offset = t * s->dw - s->pw;
				clip_range(offset, s->sw, s->W, s->Q, &q0, &q1);
				real sum[LANES] = {0};
				for (int n = 0; n < images && q0 < q1; n++) {
					const real *plane = x + (n * x_size(s) +
					                                ((ptrdiff_t)(k / KG) * CG + c) * s->H * s->W) *
					                                L;
					const real *dplane = dy + (n * y_size(s) + (ptrdiff_t)k * s->P * s->Q) * L;
					for (int p = p0; p < p1; p++) {
						ptrdiff_t h = (ptrdiff_t)p * s->sh + r * s->dh - s->ph;
						row_dot(L, sum, dplane + ((ptrdiff_t)p * s->Q + q0) * L,
						        plane + (h * s->W + q0 * s->sw + offset) * L, q1 - q0, s->sw);
					}
				}
				real *out = dw + ((ptrdiff_t)c * s->R + r) * s->S + t, v = lanes_sum(sum);
				*out = acc ? *out + v : v;
			}
		}
	}
	if (!db) return;
	real sum[LANES] = {0};
	for (int n = 0; n < images; n++)
		row_sum(sum, dy + (n * y_size(s) + (ptrdiff_t)k * s->P * s->Q) * L, (ptrdiff_t)s->P * s->Q * L);
	*db = acc ? *db + lanes_sum(sum) : lanes_sum(sum);
}

static void conv_lanes_bwd_weights__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_weights_args *a = args;
	const eg_conv_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(conv_shape_ok(s) && a->x.p && a->dy.p && a->dw.p && !a->acc);
	assert(a->blocks == eg_blocks(s->N) && 1 <= a->shards && a->shards <= EG_MAX_SHARDS && a->shards <= a->blocks);
	assert(0 <= begin && begin <= end && end <= a->blocks);
	for (int n = begin; n < end; n++) {
		int shard = eg_shard_of(n, a->blocks, a->shards);
		bool add = n != eg_shard_begin(shard, a->blocks, a->shards);
		real *dw = (real *)a->dw.p + shard * w_size(s);
		for (int k = 0; k < s->K; k++)
			bwd_weights_filter(LANES, s, k, eg_at(a->x, n), eg_at(a->dy, n), 1, dw + w_size(s) / s->K * k,
			        a->db.p ? (real *)a->db.p + (ptrdiff_t)shard * s->K + k : NULL, add);
	}
}

/* A unit is a filter. */
static void conv_plain_bwd_weights__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_bwd_weights_args *a = args;
	const eg_conv_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(conv_shape_ok(s) && a->x.p && a->dy.p && a->dw.p && a->shards == 1);
	assert(0 <= begin && begin <= end && end <= s->K);
	for (int k = begin; k < end; k++)
		bwd_weights_filter(1, s, k, a->x.p, a->dy.p, s->N, (real *)a->dw.p + w_size(s) / s->K * k,
		        a->db.p ? (real *)a->db.p + k : NULL, a->acc);
}

/* ---- convolution and 2x2 maximum pooling as one: the convolution's output stands in the scratch ------------------ */

static bool pooled_ok(const eg_conv_shape *s) {
	return conv_shape_ok(s) && s->sh == 1 && s->sw == 1 && s->dh == 1 && s->dw == 1 && s->G == 1 && s->P >= 2 &&
	       s->Q >= 2;
}

static bool conv_pool_can__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return pooled_ok(s);
}

static size_t conv_pool_scratch__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return (size_t)y_size(s) * LANES * sizeof(real);
}

/* Where in the convolution's output the window of element i of a block begins. */
static ptrdiff_t window_at(ptrdiff_t i, int P, int Q) {
	ptrdiff_t l = i % LANES, q = i / LANES % (Q / 2), p = i / LANES / (Q / 2) % (P / 2),
	          k = i / LANES / (Q / 2) / (P / 2);
	return ((k * P + 2 * p) * Q + 2 * q) * LANES + l;
}

static ptrdiff_t windows(int K, int P, int Q) { return (ptrdiff_t)K * (P / 2) * (Q / 2) * LANES; }

static void conv_pool_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pool_fwd_args *a = args;
	const eg_conv_shape *s = &a->s;
	const real *z = worker->scratch;
	assert(pooled_ok(s) && a->x.p && a->w.p && a->y.p && worker->scratch);
	assert(0 <= begin && begin <= end && end <= eg_blocks(s->N));
	for (int n = begin; n < end; n++) {
		real *y = eg_at(a->y, n);
		uint8_t *code = a->code.p ? (uint8_t *)a->code.p + n * a->code.stride : NULL;
		fwd_image(LANES, s, eg_at(a->x, n), a->w.p, a->b.p, worker->scratch, eg_act_of(EG_ACT_NONE));
		for (ptrdiff_t i = 0; i < windows(s->K, s->P, s->Q); i++) {
			const real *v = z + window_at(i, s->P, s->Q);
			int best = 0;
			for (int j = 1; j < 4; j++) {
				const real e = v[(j / 2 * s->Q + j % 2) * LANES], m = v[(best / 2 * s->Q + best % 2) * LANES];
				if (e > m || (isnan(e) && !isnan(m))) best = j;
			}
			y[i] = act_value(a->act, v[(best / 2 * s->Q + best % 2) * LANES]);
			if (code) code[i] = (uint8_t)best;
		}
	}
}

/* One block. */
static void unpool(int K, int P, int Q, const real *dz, const uint8_t *code, real *dy) {
	memset(dy, 0, (size_t)K * (size_t)P * (size_t)Q * LANES * sizeof(real));
	for (ptrdiff_t i = 0; i < windows(K, P, Q); i++)
		dy[window_at(i, P, Q) + (code[i] / 2 * Q + code[i] % 2) * LANES] = dz[i];
}

static void conv_pool_unpool__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_unpool_args *a = args;
	EG_UNUSED(worker);
	assert(a->K >= 1 && a->P >= 2 && a->Q >= 2 && a->dz.p && a->code.p && a->dy.p && 0 <= begin && begin <= end);
	for (int n = begin; n < end; n++)
		unpool(a->K, a->P, a->Q, eg_at(a->dz, n), (const uint8_t *)a->code.p + n * a->code.stride,
		        eg_at(a->dy, n));
}

static void conv_pool_bwd_weights__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pool_bwd_weights_args *a = args;
	assert(pooled_ok(&a->s) && a->x.p && a->dz.p && a->code.p && a->dw.p && worker->scratch);
	assert(0 <= begin && begin <= end && end <= a->blocks);
	for (int n = begin; n < end; n++) {
		unpool(a->s.K, a->s.P, a->s.Q, eg_at(a->dz, n), (const uint8_t *)a->code.p + n * a->code.stride, worker->scratch);
		const eg_conv_bwd_weights_args w = {
		        a->x, {worker->scratch, 0}, a->dw, a->db, a->s, a->blocks, a->shards, false};
		conv_lanes_bwd_weights__ref(&w, n, n + 1, worker);
	}
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

static void conv_mask__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_mask_args *a = args;
	EG_UNUSED(worker);
	assert(1 <= a->blocks && a->blocks <= EG_MASK_BITS && a->taps >= 1 && a->x.p && a->y.p && a->x.p != a->y.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->blocks));
	for (int b = begin * EG_BLOCK; b < a->blocks && b < end * EG_BLOCK; b++) {
		const real *x = (const real *)a->x.p + (ptrdiff_t)b * a->taps;
		real *y = (real *)a->y.p + (ptrdiff_t)b * a->taps;
		const bool keep = a->keep[b / EG_MASK_WORD] >> b % EG_MASK_WORD & 1;
		for (int i = 0; i < a->taps; i++) y[i] = (a->acc ? y[i] : 0) + (keep ? x[i] : 0);
	}
}

/* ---- packing, units, scratch ------------------------------------------------------------------------------------ */

static void conv_pack__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pack_args *a = args;
	EG_UNUSED(worker);
	assert(conv_shape_ok(&a->s) && a->w.p && a->dst.p && a->w.p != a->dst.p);
	assert(0 <= begin && begin <= end && end <= 1 && a->dir != EG_CONV_BWD_WEIGHTS);
	if (begin < end) memcpy(a->dst.p, a->w.p, (size_t)w_size(&a->s) * sizeof(real));
}

static size_t conv_pack_bytes__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return (size_t)w_size(s) * sizeof(real);
}

static size_t conv_scratch__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(s);
	EG_UNUSED(dir);
	return 0;
}

static int conv_plain_units__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	return dir == EG_CONV_BWD_WEIGHTS ? s->K : s->N;
}

void fill_conv__ref(eg_kernels *k) {
	EG_FILL(k, conv_lanes_pack, conv_pack__ref);
	EG_FILL(k, conv_lanes_pack_bytes, conv_pack_bytes__ref);
	EG_FILL(k, conv_lanes_scratch, conv_scratch__ref);
	EG_FILL(k, conv_plain_pack, conv_pack__ref);
	EG_FILL(k, conv_plain_pack_bytes, conv_pack_bytes__ref);
	EG_FILL(k, conv_plain_scratch, conv_scratch__ref);
	EG_FILL(k, conv_lanes_fwd, conv_lanes_fwd__ref);
	EG_FILL(k, conv_lanes_bwd_data, conv_lanes_bwd_data__ref);
	EG_FILL(k, conv_lanes_bwd_weights, conv_lanes_bwd_weights__ref);
	EG_FILL(k, conv_plain_fwd, conv_plain_fwd__ref);
	EG_FILL(k, conv_plain_bwd_data, conv_plain_bwd_data__ref);
	EG_FILL(k, conv_plain_bwd_weights, conv_plain_bwd_weights__ref);
	EG_FILL(k, conv_plain_units, conv_plain_units__ref);
	EG_FILL(k, conv_mask, conv_mask__ref);
	EG_FILL(k, conv_pool_can, conv_pool_can__ref);
	EG_FILL(k, conv_pool_scratch, conv_pool_scratch__ref);
	EG_FILL(k, conv_pool_pack, conv_pack__ref);
	EG_FILL(k, conv_pool_fwd, conv_pool_fwd__ref);
	EG_FILL(k, conv_pool_unpool, conv_pool_unpool__ref);
	EG_FILL(k, conv_pool_bwd_weights, conv_pool_bwd_weights__ref);
}

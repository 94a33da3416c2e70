/* ref_conv_blocked.c - the algorithms of `conv` in plain C: one triple of loops for all of them, over PLAIN or BLOCKED
 * tensors.
 *
 * Every algorithm of the reference table is this one, packs weights as a copy, and can do every shape. Not here: LANES
 * and the implicit product (ref_conv.c). */
#include "kern/ref.h"

/* Distance of (n, c, first position) from the start, and of a position from the next. */
static ptrdiff_t at(bool blocked, int channels, int plane, int n, int c) {
	if (!blocked) return ((ptrdiff_t)n * channels + c) * plane;
	return ((ptrdiff_t)n * eg_blocks(channels) + c / EG_BLOCK) * plane * EG_BLOCK + c % EG_BLOCK;
}
static ptrdiff_t x_at(const eg_conv_shape *s, int n, int c) { return at(s->x_blocked, s->C, s->H * s->W, n, c); }
static ptrdiff_t y_at(const eg_conv_shape *s, int n, int k) { return at(s->y_blocked, s->K, s->P * s->Q, n, k); }
static ptrdiff_t x_step(const eg_conv_shape *s) { return s->x_blocked ? EG_BLOCK : 1; }
static ptrdiff_t y_step(const eg_conv_shape *s) { return s->y_blocked ? EG_BLOCK : 1; }

/* What tap (r, t) reads: outputs [p0, p1) x [q0, q1), of which (p, q) sees (p*sh + h, q*sw + w). */
typedef struct tap {
	int p0, p1, q0, q1, h, w;
} tap;
static tap tap_of(const eg_conv_shape *s, int r, int t) {
	tap e = {.h = r * s->dh - s->ph, .w = t * s->dw - s->pw};
	clip_range(e.h, s->sh, s->H, s->P, &e.p0, &e.p1);
	clip_range(e.w, s->sw, s->W, s->Q, &e.q0, &e.q1);
	return e;
}
/* Where in a channel of x outputs (p, 0) of that tap look. */
static ptrdiff_t row_of(const eg_conv_shape *s, const tap *e, int p) {
	return ((ptrdiff_t)(p * s->sh + e->h) * s->W + e->w) * x_step(s);
}

/* Zeros in the lanes beyond the last channel of sample n. */
static void clear_tail(real *y, bool blocked, int channels, int plane, int n) {
	if (!blocked) return;
	for (int c = channels; c % EG_BLOCK; c++)
		for (int i = 0; i < plane; i++) y[at(true, channels, plane, n, c) + (ptrdiff_t)i * EG_BLOCK] = 0;
}

/* A unit is a sample. */
static void conv_fwd_any__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_run_args *a = args;
	const eg_conv_shape *s = &a->s;
	const real *b = a->b.p;
	const int CG = s->C / s->G, KG = s->K / s->G, taps = s->R * s->S;
	const ptrdiff_t xs = x_step(s) * s->sw, ys = y_step(s);
	EG_UNUSED(worker);
	assert(conv_shape_ok(s) && a->in.p && a->w.p && a->out.p && a->out.p != a->in.p && (!a->acc || s->y_blocked));
	assert(0 <= begin && begin <= end && end <= s->N);
	for (int n = begin; n < end; n++) {
		for (int k = 0; k < s->K; k++) {
			const real *w = (const real *)a->w.p + (ptrdiff_t)k * CG * taps;
			real *y = (real *)a->out.p + y_at(s, n, k);
			for (int o = 0; o < s->P * s->Q; o++) y[o * ys] = (a->acc ? y[o * ys] : 0) + (b ? b[k] : 0);
			for (int i = 0; i < CG * taps; i++) {
				const real *x = (const real *)a->in.p + x_at(s, n, k / KG * CG + i / taps);
				const tap e = tap_of(s, i % taps / s->S, i % taps % s->S);
				for (int p = e.p0; p < e.p1; p++) {
					const real *from = x + row_of(s, &e, p);
					real *to = y + (ptrdiff_t)p * s->Q * ys;
					for (int q = e.q0; q < e.q1; q++) to[q * ys] += w[i] * from[q * xs];
				}
			}
			for (int o = 0; o < s->P * s->Q; o++) act_apply(a->act, y + o * ys, 1);
		}
		clear_tail(a->out.p, s->y_blocked, s->K, s->P * s->Q, n);
	}
}

static void conv_bwd_data_any__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_run_args *a = args;
	const eg_conv_shape *s = &a->s;
	const int CG = s->C / s->G, KG = s->K / s->G, taps = s->R * s->S;
	const ptrdiff_t xs = x_step(s) * s->sw, ys = y_step(s);
	EG_UNUSED(worker);
	assert(conv_shape_ok(s) && a->in.p && a->w.p && a->out.p && a->out.p != a->in.p && !a->b.p && a->act.kind == EG_ACT_NONE);
	assert(0 <= begin && begin <= end && end <= s->N);
	for (int n = begin; n < end; n++) {
		for (int c = 0; c < s->C && !a->acc; c++)
			for (int i = 0; i < s->H * s->W; i++) ((real *)a->out.p + x_at(s, n, c))[i * x_step(s)] = 0;
		for (int k = 0; k < s->K; k++) {
			const real *w = (const real *)a->w.p + (ptrdiff_t)k * CG * taps, *dy = (const real *)a->in.p + y_at(s, n, k);
			for (int i = 0; i < CG * taps; i++) {
				real *dx = (real *)a->out.p + x_at(s, n, k / KG * CG + i / taps);
				const tap e = tap_of(s, i % taps / s->S, i % taps % s->S);
				for (int p = e.p0; p < e.p1; p++) {
					const real *from = dy + (ptrdiff_t)p * s->Q * ys;
					real *to = dx + row_of(s, &e, p);
					for (int q = e.q0; q < e.q1; q++) to[q * xs] += w[i] * from[q * ys];
				}
			}
		}
		clear_tail(a->out.p, s->x_blocked, s->C, s->H * s->W, n);
	}
}

/* A unit is a filter. */
static void conv_bwd_weights_any__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_weights_args *a = args;
	const eg_conv_shape *s = &a->s;
	real *dw = a->dw.p, *db = a->db.p;
	const int CG = s->C / s->G, KG = s->K / s->G, taps = s->R * s->S;
	const ptrdiff_t xs = x_step(s) * s->sw, ys = y_step(s);
	EG_UNUSED(worker);
	assert(conv_shape_ok(s) && a->x.p && a->dy.p && dw && a->shards == 1 && 0 <= begin && begin <= end && end <= s->K);
	for (int k = begin; k < end; k++) {
		for (int i = 0; i < CG * taps; i++) {
			const tap e = tap_of(s, i % taps / s->S, i % taps % s->S);
			double sum = 0;
			for (int n = 0; n < s->N; n++) {
				const real *x = (const real *)a->x.p + x_at(s, n, k / KG * CG + i / taps), *dy = (const real *)a->dy.p + y_at(s, n, k);
				for (int p = e.p0; p < e.p1; p++) {
					const real *from = x + row_of(s, &e, p), *by = dy + (ptrdiff_t)p * s->Q * ys;
					for (int q = e.q0; q < e.q1; q++) sum += (double)by[q * ys] * (double)from[q * xs];
				}
			}
			real *to = dw + (ptrdiff_t)k * CG * taps + i;
			*to = (real)(a->acc ? (double)*to + sum : sum);
		}
		if (!db) continue;
		double sum = 0;
		for (int n = 0; n < s->N; n++)
			for (int o = 0; o < s->P * s->Q; o++) sum += (double)((const real *)a->dy.p + y_at(s, n, k))[o * ys];
		db[k] = (real)(a->acc ? (double)db[k] + sum : sum);
	}
}

static void conv_pack_any__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_conv_pack_args *a = args;
	EG_UNUSED(worker);
	assert(a->w.p && a->dst.p && 0 <= begin && begin <= end && end <= 1 && a->dir != EG_CONV_BWD_WEIGHTS);
	if (begin < end) memcpy(a->dst.p, a->w.p, (size_t)a->s.K * (size_t)(a->s.C / a->s.G * a->s.R * a->s.S) * sizeof(real));
}

static bool can__ref(const eg_conv_shape *s, eg_conv_dir dir) { EG_UNUSED(s), EG_UNUSED(dir); return true; }
static size_t pack_bytes__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	return (size_t)s->K * (size_t)(s->C / s->G * s->R * s->S) * sizeof(real);
}
static size_t none__ref(const eg_conv_shape *s, eg_conv_dir dir) { EG_UNUSED(s), EG_UNUSED(dir); return 0; }
static int one_unit__ref(const eg_conv_shape *s, eg_conv_dir dir) { EG_UNUSED(s), EG_UNUSED(dir); return 1; }
static int one_shard__ref(const eg_conv_shape *s) { EG_UNUSED(s); return 1; }
static int units__ref(const eg_conv_shape *s, eg_conv_dir dir) { return dir == EG_CONV_BWD_WEIGHTS ? s->K : s->N; }
static double cost__ref(const eg_conv_shape *s, eg_conv_dir dir) {
	EG_UNUSED(dir);
	const int channels = s->C / s->G;
	return 2.0 * s->N * s->K * s->P * s->Q * channels * s->R * s->S;
}

#define ALGORITHM(algo, lower)                                                                                         \
	if (EG_CHOSEN(conv_##lower))                                                                                   \
	k->conv[algo] = (eg_conv_kernels){.name = #lower,                                                              \
	        .exact = true,                                                                                         \
	        .can = can__ref,                                                                                       \
	        .pack = conv_pack_any__ref,                                                                            \
	        .run = EG_RUNS(conv_##lower, conv_fwd_any__ref, conv_bwd_data_any__ref, conv_bwd_weights_any__ref),    \
	        .pack_bytes = pack_bytes__ref,                                                                         \
	        .pack_units = one_unit__ref,                                                                           \
	        .scratch = none__ref,                                                                                  \
	        .units = units__ref,                                                                                   \
	        .shards = one_shard__ref,                                                                              \
	        .cost = cost__ref}

void fill_conv_blocked__ref(eg_kernels *k) {
	EG_FILL(k, conv_lanes_cost, cost__ref);
	EG_FILL(k, conv_plain_cost, cost__ref);
	ALGORITHM(EG_CONV_DIRECT, direct);
	ALGORITHM(EG_CONV_DEPTHWISE, depthwise);
	ALGORITHM(EG_CONV_WINOGRAD2, winograd2);
	ALGORITHM(EG_CONV_WINOGRAD4, winograd4);
}

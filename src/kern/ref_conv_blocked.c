/* ref_conv_blocked.c - the algorithms of `conv` in plain C: one triple of loops for all of them, over PLAIN or BLOCKED tensors.
 *
 * Every algorithm of the reference table is this one, packs weights as a copy, and can do every shape. Not here: LANES and the implicit product
 * (ref_conv.c). */
#include "kern/ref.h"

/* Element (n, c, i) of a picture with `channels` channels of `plane` positions. */
static ptrdiff_t at(bool blocked, int channels, int plane, int n, int c, int i) {
	if (!blocked) return ((ptrdiff_t)n * channels + c) * plane + i;
	return (((ptrdiff_t)n * ((channels + EG_BLOCK - 1) / EG_BLOCK) + c / EG_BLOCK) * plane + i) * EG_BLOCK + c % EG_BLOCK;
}
static ptrdiff_t x_at(const eg_conv_shape *s, int n, int c, int i) { return at(s->x_blocked, s->C, s->H * s->W, n, c, i); }
static ptrdiff_t y_at(const eg_conv_shape *s, int n, int k, int i) { return at(s->y_blocked, s->K, s->P * s->Q, n, k, i); }

/* Position of x that output o sees at tap (r, t), or -1 for padding. */
static int seen(const eg_conv_shape *s, int o, int r, int t) {
	int h = o / s->Q * s->sh + r * s->dh - s->ph, w = o % s->Q * s->sw + t * s->dw - s->pw;
	return h < 0 || h >= s->H || w < 0 || w >= s->W ? -1 : h * s->W + w;
}

/* Zeros in the lanes beyond the last channel of sample n. */
static void clear_tail(real *y, bool blocked, int channels, int plane, int n) {
	if (!blocked) return;
	for (int c = channels; c % EG_BLOCK; c++)
		for (int i = 0; i < plane; i++) y[at(true, channels, plane, n, c, i)] = 0;
}

/* A unit is a sample. */
static void conv_fwd_any__ref(const void *args, int begin, int end, void *scratch) {
	const eg_conv_run_args *a = args;
	const eg_conv_shape *s = &a->s;
	const real *x = a->in.p, *w = a->w.p, *b = a->b.p;
	real *y = a->out.p;
	const int CG = s->C / s->G, KG = s->K / s->G, taps = s->R * s->S;
	EG_UNUSED(scratch);
	assert(conv_shape_ok(s) && x && w && y && y != x && !a->acc && 0 <= begin && begin <= end && end <= s->N);
	for (int n = begin; n < end; n++) {
		for (int k = 0; k < s->K; k++)
			for (int o = 0; o < s->P * s->Q; o++) {
				real sum = b ? b[k] : 0;
				for (int c = 0; c < CG; c++)
					for (int t = 0; t < taps; t++) {
						int i = seen(s, o, t / s->S, t % s->S);
						if (i >= 0) sum += w[((ptrdiff_t)k * CG + c) * taps + t] * x[x_at(s, n, k / KG * CG + c, i)];
					}
				act_apply(a->act, &sum, 1);
				y[y_at(s, n, k, o)] = sum;
			}
		clear_tail(y, s->y_blocked, s->K, s->P * s->Q, n);
	}
}

static void conv_bwd_data_any__ref(const void *args, int begin, int end, void *scratch) {
	const eg_conv_run_args *a = args;
	const eg_conv_shape *s = &a->s;
	const real *dy = a->in.p, *w = a->w.p;
	real *dx = a->out.p;
	const int CG = s->C / s->G, KG = s->K / s->G, taps = s->R * s->S;
	EG_UNUSED(scratch);
	assert(conv_shape_ok(s) && dy && w && dx && dx != dy && !a->b.p && a->act == EG_ACT_NONE);
	assert(0 <= begin && begin <= end && end <= s->N);
	for (int n = begin; n < end; n++) {
		for (int c = 0; c < s->C && !a->acc; c++)
			for (int i = 0; i < s->H * s->W; i++) dx[x_at(s, n, c, i)] = 0;
		for (int k = 0; k < s->K; k++)
			for (int o = 0; o < s->P * s->Q; o++)
				for (int c = 0; c < CG; c++)
					for (int t = 0; t < taps; t++) {
						int i = seen(s, o, t / s->S, t % s->S);
						if (i < 0) continue;
						dx[x_at(s, n, k / KG * CG + c, i)] += w[((ptrdiff_t)k * CG + c) * taps + t] * dy[y_at(s, n, k, o)];
					}
		clear_tail(dx, s->x_blocked, s->C, s->H * s->W, n);
	}
}

/* A unit is a filter. */
static void conv_bwd_weights_any__ref(const void *args, int begin, int end, void *scratch) {
	const eg_conv_weights_args *a = args;
	const eg_conv_shape *s = &a->s;
	const real *x = a->x.p, *dy = a->dy.p;
	real *dw = a->dw.p, *db = a->db.p;
	const int CG = s->C / s->G, KG = s->K / s->G, taps = s->R * s->S;
	EG_UNUSED(scratch);
	assert(conv_shape_ok(s) && x && dy && dw && a->shards == 1 && 0 <= begin && begin <= end && end <= s->K);
	for (int k = begin; k < end; k++) {
		for (int e = 0; e < CG * taps; e++) {
			int c = k / KG * CG + e / taps, r = e % taps / s->S, t = e % taps % s->S;
			double sum = 0;
			for (int n = 0; n < s->N; n++)
				for (int o = 0; o < s->P * s->Q; o++) {
					int i = seen(s, o, r, t);
					if (i >= 0) sum += (double)dy[y_at(s, n, k, o)] * (double)x[x_at(s, n, c, i)];
				}
			real *to = dw + (ptrdiff_t)k * CG * taps + e;
			*to = (real)(a->acc ? (double)*to + sum : sum);
		}
		if (!db) continue;
		double sum = 0;
		for (int n = 0; n < s->N; n++)
			for (int o = 0; o < s->P * s->Q; o++) sum += (double)dy[y_at(s, n, k, o)];
		db[k] = (real)(a->acc ? (double)db[k] + sum : sum);
	}
}

static void conv_pack_any__ref(const void *args, int begin, int end, void *scratch) {
	const eg_conv_pack_args *a = args;
	EG_UNUSED(scratch);
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

void fill_conv_blocked__ref(eg_kernels *k) {
	static const char *const names[EG_CONV_ALGOS] = {"direct", "depthwise", "winograd2", "winograd4"};
	k->conv_lanes_cost = k->conv_plain_cost = cost__ref;
	for (int i = 0; i < EG_CONV_ALGOS; i++)
		k->conv[i] = (eg_conv_kernels){.name = names[i],
		        .exact = true,
		        .can = can__ref,
		        .pack = conv_pack_any__ref,
		        .run = {conv_fwd_any__ref, conv_bwd_data_any__ref, conv_bwd_weights_any__ref},
		        .pack_bytes = pack_bytes__ref,
		        .pack_units = one_unit__ref,
		        .scratch = none__ref,
		        .units = units__ref,
		        .shards = one_shard__ref,
		        .cost = cost__ref};
}

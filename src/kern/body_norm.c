/* body_norm.c - rows that are brought to mean 0 and deviation 1 (kern_norm.h), over simd.h.
 *
 * A row is walked in runs whose weights are alike: where channels have one element each (inner == 1) the row is one
 * run and weights lie in the lanes as x does, else a channel is a run and its weight one number. Sums are kept in
 * float for at most ROW_STRIP elements, then go to double.
 *
 * Not here: batch normalisation (body_batchnorm.c), rows inside of recurrent cells (body_recurrent.c). */
#include "kern/body_act.h"
#include "kern/kern_norm.h"

#include <string.h>

enum { ROW_STRIP = 2048 };

/* ---- mean and deviation ------------------------------------------------------------------------------------------ */

/* Adds the sums of x - mean and of its square. */
static void row_sums(const float *x, int64_t n, float mean, double *sum, double *squares) {
	const vf m = vset1(mean);
	for (int64_t first = 0; first < n; first += ROW_STRIP) {
		const int64_t end = n - first < ROW_STRIP ? n : first + ROW_STRIP;
		vf s0 = vzero(), s1 = vzero(), q0 = vzero(), q1 = vzero();
		int64_t i = first;
		for (; i + 2 * V <= end; i += 2 * V) {
			const vf a = vsub(vload(x + i), m), b = vsub(vload(x + i + V), m);
			s0 = vadd(s0, a);
			s1 = vadd(s1, b);
			q0 = vfma(a, a, q0);
			q1 = vfma(b, b, q1);
		}
		for (; i < end; i += V) {
			const int lanes = end - i < V ? (int)(end - i) : V;
			vf a = vsub(vload_n(x + i, lanes), m);
			if (lanes < V) a = vkeep(vfirst(lanes), a);
			s0 = vadd(s0, a);
			q0 = vfma(a, a, q0);
		}
		*sum += (double)vsum(vadd(s0, s1));
		*squares += (double)vsum(vadd(q0, q1));
	}
}

/* A mean to begin with, then the sums about it, which give what it is off by too. */
static void row_stats(const float *x, int64_t n, bool rms, double eps, float stats[EG_ROW_STATS]) {
	double sum = 0, squares = 0, off = 0;
	float mean = 0;
	if (!rms) {
		row_sums(x, n, 0, &sum, &squares);
		mean = (float)(sum / (double)n);
		squares = 0;
	}
	row_sums(x, n, mean, &off, &squares);
	off = rms ? 0 : off / (double)n;
	double var = squares / (double)n - off * off;
	if (var < 0) var = 0;
	const double rstd = 1 / sqrt(var + eps);
	stats[0] = mean;
	stats[1] = (float)rstd;
	stats[2] = (float)(-off * rstd);
}

typedef struct row_scale {
	vf mean, rstd, rest;
} row_scale;

EG_ALWAYS_INLINE row_scale row_scale_of(const float *stats) {
	return (row_scale){vset1(stats[0]), vset1(stats[1]), vset1(stats[2])};
}
EG_ALWAYS_INLINE vf row_hat(vf x, const row_scale *r) { return vfma(vsub(x, r->mean), r->rstd, r->rest); }

/* ---- forward ----------------------------------------------------------------------------------------------------- */

/* Weights of a run: `across` as they lie, from p on, or absent (NULL); else one number for all. */
typedef struct row_weights {
	const float *p;
	vf one;
} row_weights;

EG_ALWAYS_INLINE row_weights row_weights_of(const float *w, bool across, float absent) {
	return (row_weights){across ? w : NULL, w && !across ? vset1(*w) : vset1(absent)};
}
EG_ALWAYS_INLINE vf row_weight(const row_weights *w, int64_t i, int lanes) {
	return w->p ? vload_n(w->p + i, lanes) : w->one;
}

EG_ALWAYS_INLINE void row_fwd_part(const float *x, float *y, int lanes, const row_scale *r, vf w, vf b, eg_act act) {
	vstore_n(y, lanes, act_after(vfma(row_hat(vload_n(x, lanes), r), w, b), act));
}

EG_ALWAYS_INLINE void row_fwd_run(const float *x, float *y, int64_t n, const row_scale *r, const float *weight,
	const float *bias, bool across, eg_act act) {
	const row_weights w = row_weights_of(weight, across, 1), b = row_weights_of(bias, across, 0);
	int64_t i = 0;
	for (; i + V <= n; i += V) row_fwd_part(x + i, y + i, V, r, row_weight(&w, i, V), row_weight(&b, i, V), act);
	const int lanes = (int)(n - i);
	if (lanes) row_fwd_part(x + i, y + i, lanes, r, row_weight(&w, i, lanes), row_weight(&b, i, lanes), act);
}

EG_ALWAYS_INLINE void row_fwd(const eg_row_norm_args *a, int u, eg_act act) {
	const eg_row_norm_shape *s = &a->s;
	const bool across = s->inner == 1;
	const int runs = across ? 1 : s->channels, run = across ? s->channels : s->inner;
	const float *x = eg_at(a->x, u), *weight = a->weight.p, *bias = a->bias.p;
	float *y = eg_at(a->y, u), *stats = eg_at(a->stats, u);
	for (int64_t r = u * s->rows, last = r + eg_unit_size(s->rows, s->total, u); r < last;
	        r++, stats += EG_ROW_STATS) {
		const int64_t first = r % s->groups * s->channels;
		row_stats(x, (int64_t)s->channels * s->inner, s->rms, (double)a->eps, stats);
		const row_scale scale = row_scale_of(stats);
		for (int64_t c = first; c < first + runs; c++, x += run, y += run) {
			const float *w = weight ? weight + c : NULL, *b = bias ? bias + c : NULL;
			if (across)
				row_fwd_run(x, y, run, &scale, w, b, true, act);
			else
				row_fwd_run(x, y, run, &scale, w, b, false, act);
		}
	}
}

void EG_NAME(row_norm_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_norm_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		if (a->act.kind == EG_ACT_NONE)
			row_fwd(a, u, eg_act_of(EG_ACT_NONE));
		else if (a->act.kind == EG_ACT_RELU)
			row_fwd(a, u, eg_act_of(EG_ACT_RELU));
		else
			row_fwd(a, u, a->act);
	}
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

/* What a run adds to: the sums of weight dy and of weight dy h over the row, and those of dy h and dy by channel. */
typedef struct row_totals {
	double sum, product;
} row_totals;

typedef struct row_across {
	const float *x, *dy, *w;
	float *dw, *db;
	vf sum, product;
} row_across;

EG_ALWAYS_INLINE void row_across_part(row_across *a, const row_scale *r, int64_t i, int lanes) {
	const vf d = vload_n(a->dy + i, lanes), dh = vmul(d, row_hat(vload_n(a->x + i, lanes), r));
	const vf scale = a->w ? vload_n(a->w + i, lanes) : vset1(1.0f);
	if (a->dw) vstore_n(a->dw + i, lanes, vadd(vload_n(a->dw + i, lanes), dh));
	if (a->db) vstore_n(a->db + i, lanes, vadd(vload_n(a->db + i, lanes), d));
	a->sum = vfma(d, scale, a->sum);
	a->product = vfma(dh, scale, a->product);
}

/* A row whose weights lie as x does. */
static void row_sums_across(row_totals *t, row_across a, int64_t n, const row_scale *r) {
	for (int64_t i = 0; i < n;) {
		const int64_t end = n - i < ROW_STRIP ? n : i + ROW_STRIP;
		a.sum = a.product = vzero();
		for (; i + V <= end; i += V) row_across_part(&a, r, i, V);
		if (i < end) row_across_part(&a, r, i, (int)(end - i));
		i = end;
		t->sum += (double)vsum(a.sum);
		t->product += (double)vsum(a.product);
	}
}

/* A channel. */
static void row_sums_run(row_totals *t, const float *x, const float *dy, int64_t n, const row_scale *r,
	const float *w, float *dw, float *db) {
	double sum = 0, product = 0;
	for (int64_t first = 0; first < n; first += ROW_STRIP) {
		const int64_t end = n - first < ROW_STRIP ? n : first + ROW_STRIP;
		vf s = vzero(), p = vzero();
		for (int64_t i = first; i < end; i += V) {
			const int lanes = end - i < V ? (int)(end - i) : V;
			const vf d = vload_n(dy + i, lanes);
			s = vadd(s, d);
			p = vfma(d, row_hat(vload_n(x + i, lanes), r), p);
		}
		sum += (double)vsum(s);
		product += (double)vsum(p);
	}
	if (dw) *dw += (float)product;
	if (db) *db += (float)sum;
	t->sum += (w ? (double)*w : 1) * sum;
	t->product += (w ? (double)*w : 1) * product;
}

/* dx = r w dy - (mean + h product), the two times r already. */
EG_ALWAYS_INLINE void row_dx_part(const float *x, const float *dy, float *dx, int lanes, const row_scale *r, vf mean,
	vf product, vf w, bool acc) {
	const vf away = vfma(row_hat(vload_n(x, lanes), r), product, mean);
	const vf d = vsub(vmul(vload_n(dy, lanes), vmul(w, r->rstd)), away);
	vstore_n(dx, lanes, acc ? vadd(vload_n(dx, lanes), d) : d);
}

EG_ALWAYS_INLINE void row_dx_run(const float *x, const float *dy, float *dx, int64_t n, const row_scale *r, vf mean,
	vf product, const float *weight, bool across, bool acc) {
	const row_weights w = row_weights_of(weight, across, 1);
	int64_t i = 0;
	for (; i + V <= n; i += V) row_dx_part(x + i, dy + i, dx + i, V, r, mean, product, row_weight(&w, i, V), acc);
	const int lanes = (int)(n - i);
	if (lanes) row_dx_part(x + i, dy + i, dx + i, lanes, r, mean, product, row_weight(&w, i, lanes), acc);
}

typedef struct row_grads {
	const float *x, *dy, *weight;
	float *dx, *dweight, *dbias;
} row_grads;

static void row_bwd(const eg_row_norm_shape *s, const row_grads *g, const float *stats, bool acc) {
	const bool across = s->inner == 1;
	const int runs = across ? 1 : s->channels, run = across ? s->channels : s->inner;
	const int64_t n = (int64_t)s->channels * s->inner;
	const row_scale scale = row_scale_of(stats);
	row_totals t = {0, 0};
	for (int c = 0; c < runs; c++) {
		const float *x = g->x + (ptrdiff_t)c * run, *dy = g->dy + (ptrdiff_t)c * run,
		            *w = g->weight ? g->weight + c : NULL;
		float *dw = g->dweight ? g->dweight + c : NULL, *db = g->dbias ? g->dbias + c : NULL;
		if (across)
			row_sums_across(&t, (row_across){.x = x, .dy = dy, .w = w, .dw = dw, .db = db}, run, &scale);
		else
			row_sums_run(&t, x, dy, run, &scale, w, dw, db);
	}
	const vf mean = vset1((float)(s->rms ? 0 : t.sum / (double)n * (double)stats[1])),
	         product = vset1((float)(t.product / (double)n * (double)stats[1]));
	for (int c = 0; c < runs && g->dx; c++) {
		const float *x = g->x + (ptrdiff_t)c * run, *dy = g->dy + (ptrdiff_t)c * run,
		            *w = g->weight ? g->weight + c : NULL;
		if (across)
			row_dx_run(x, dy, g->dx + (ptrdiff_t)c * run, run, &scale, mean, product, w, true, acc);
		else
			row_dx_run(x, dy, g->dx + (ptrdiff_t)c * run, run, &scale, mean, product, w, false, acc);
	}
}

void EG_NAME(row_norm_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_norm_bwd_args *a = args;
	const eg_row_norm_shape *s = &a->s;
	const int64_t n = (int64_t)s->channels * s->inner;
	const size_t size = (size_t)s->groups * (size_t)s->channels * sizeof(float);
	const float *weight = a->weight.p;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		float *dweight = a->dweight.p ? eg_at(a->dweight, u) : NULL,
		      *dbias = a->dbias.p ? eg_at(a->dbias, u) : NULL;
		if (dweight) memset(dweight, 0, size);
		if (dbias) memset(dbias, 0, size);
		for (int64_t i = 0, rows = eg_unit_size(s->rows, s->total, u); i < rows; i++) {
			const int64_t first = (u * s->rows + i) % s->groups * s->channels;
			const row_grads g = {(const float *)eg_at(a->x, u) + i * n,
			        (const float *)eg_at(a->dy, u) + i * n, weight ? weight + first : NULL,
			        a->dx.p ? (float *)eg_at(a->dx, u) + i * n : NULL, dweight ? dweight + first : NULL,
			        dbias ? dbias + first : NULL};
			row_bwd(s, &g, (const float *)eg_at(a->stats, u) + i * EG_ROW_STATS, a->acc);
		}
	}
}

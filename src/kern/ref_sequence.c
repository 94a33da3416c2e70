/* ref_sequence.c - embedding, steps of sequences, attention, and losses of differences, in plain C. */
#include "kern/attention_share.h"
#include "kern/ref.h"

/* ---- embedding --------------------------------------------------------------------------------------------------- */

static void embed_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_embed_fwd_args *a = args;
	const real *w = a->w.p;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->rows >= 1 && a->n >= 1 && w && a->ids.p && a->y.p);
	for (int u = begin; u < end; u++) {
		const int32_t *ids = (const int32_t *)a->ids.p + u * a->ids.stride;
		real *y = eg_at(a->y, u);
		int64_t left = a->total - u * a->unit, count = left < a->unit ? left : a->unit;
		for (int64_t i = 0; i < count; i++, y += a->n) {
			const bool known = ids[i] >= 0 && ids[i] < a->rows;
			if (known) memcpy(y, w + (ptrdiff_t)ids[i] * a->n, (size_t)a->n * sizeof(real));
			for (int j = 0; j < a->n && !known; j++) y[j] = ids[i] == -1 ? 0 : (real)NAN;
		}
	}
}

static void embed_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	enum { COLUMNS = 16 };
	const eg_embed_bwd_args *a = args;
	const int32_t *ids = a->ids.p;
	EG_UNUSED(worker);
	assert(units_ok(COLUMNS, a->n, begin, end) && a->rows >= 1 && a->total >= 1 && ids && a->dy.p && a->dw.p);
	ptrdiff_t first = (ptrdiff_t)begin * COLUMNS, last = (ptrdiff_t)end * COLUMNS;
	if (last > a->n) last = a->n;
	const real *restrict dy = a->dy.p;
	real *restrict dw = a->dw.p;
	for (ptrdiff_t r = 0; r < a->rows && !a->acc; r++)
		for (ptrdiff_t j = first; j < last; j++) dw[r * a->n + j] = 0;
	for (int64_t i = 0; i < a->total; i++) {
		if (ids[i] < 0 || ids[i] >= a->rows || ids[i] == a->padding) continue;
		const real *from = dy + i * a->n;
		real *to = dw + (ptrdiff_t)ids[i] * a->n;
		for (ptrdiff_t j = first; j < last; j++) to[j] += from[j];
	}
}

/* ---- steps of sequences ------------------------------------------------------------------------------------------ */

static int length_of(eg_buf lengths, int k, int T) {
	int n = lengths.p ? ((const int32_t *)lengths.p)[k] : T;
	return n < 0 ? 0 : n > T ? T : n;
}

static void steps__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_steps_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(1, a->T, begin, end) && a->N >= 1 && a->n >= 1 && a->x.p && a->y.p && a->x.p != a->y.p);
	bool rows = a->kind == EG_STEPS_SPREAD_LAST || a->kind == EG_STEPS_SPREAD_MEAN;
	for (int t = begin; t < end; t++)
		for (int k = 0; k < a->N; k++) {
			int length = length_of(a->lengths, k, a->T), from = rows ? 0 : t;
			bool zero = t >= length;
			if (a->kind == EG_STEPS_REVERSE) {
				zero = false;
				if (t < length) from = length - 1 - t;
			}
			if (a->kind == EG_STEPS_SPREAD_LAST) zero = t != length - 1;
			real factor = a->kind == EG_STEPS_SPREAD_MEAN && length > 0 ? 1 / (real)length : 1;
			const real *x = (const real *)a->x.p + ((ptrdiff_t)from * a->N + k) * a->n;
			real *y = (real *)a->y.p + ((ptrdiff_t)t * a->N + k) * a->n;
			for (int j = 0; j < a->n; j++) {
				real v = zero ? 0 : factor * x[j];
				y[j] = a->acc ? y[j] + v : v;
			}
		}
}

static void ends__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ends_args *a = args;
	const int32_t *target = a->target.p;
	int32_t *ends = a->ends.p;
	EG_UNUSED(begin), EG_UNUSED(end), EG_UNUSED(worker); /* the one unit */
	memset(ends, 0, (size_t)a->N * sizeof *ends);
	for (int64_t i = 0; i < (int64_t)a->T * a->N; i++)
		if (target[i] != a->ignore) ends[i % a->N] = (int32_t)(i / a->N) + 1;
}

static void pool_steps__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_pool_steps_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(EG_BLOCK, a->N, begin, end) && a->T >= 1 && a->n >= 1 && a->x.p && a->y.p && a->x.p != a->y.p);
	int last = end * EG_BLOCK < a->N ? end * EG_BLOCK : a->N;
	ptrdiff_t step = (ptrdiff_t)a->N * a->n;
	for (int k = begin * EG_BLOCK; k < last; k++) {
		int length = length_of(a->lengths, k, a->T);
		const real *restrict x = (const real *)a->x.p + (ptrdiff_t)k * a->n;
		real *restrict y = (real *)a->y.p + (ptrdiff_t)k * a->n;
		for (int j = 0; j < a->n; j++) y[j] = 0;
		for (int t = a->mean || length == 0 ? 0 : length - 1; t < length; t++)
			for (int j = 0; j < a->n; j++) y[j] += x[t * step + j];
		for (int j = 0; j < a->n && a->mean && length > 1; j++) y[j] *= 1 / (real)length;
	}
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* Does row i of unit u see key j? */
static bool sees(const eg_attention_args *a, int u, int i, int j) {
	const eg_attention_shape *s = &a->s;
	const ptrdiff_t b = u / s->heads, h = u % s->heads, *m = s->mask_strides, *z = s->bias_strides;
	if (j >= length_of(a->lengths, (int)b, s->Lk) || (s->causal && j > i + s->past)) return false;
	if (s->window && j <= i + s->past - s->window) return false;
	if (a->kept.p && j < s->past - (int)((const real *)a->kept.p)[b]) return false;
	if (a->mask.p && ((const int32_t *)a->mask.p)[b * m[0] + h * m[1] + i * m[2] + j * m[3]]) return false;
	return !a->bias.p || ((const real *)a->bias.p)[b * z[0] + h * z[1] + i * z[2] + j * z[3]] != -(real)INFINITY;
}

static real score(const eg_attention_args *a, int u, int i, int j) {
	const eg_attention_shape *s = &a->s;
	const attention_matrix q = attention_of(a->q, s->q, s->heads, u), k = attention_of(a->k, s->k, s->heads, u);
	const ptrdiff_t *z = s->bias_strides;
	const real bias = a->bias.p ? ((const real *)a->bias.p)[u / s->heads * z[0] + u % s->heads * z[1] + i * z[2] + j * z[3]] : 0;
	return (q.p ? s->scale * attention_dot(q.p + i * q.row, k.p + j * k.row, s->d) : 0) + bias;
}

/* The weights p (Lk) of row i. */
static void attention_row(const eg_attention_args *a, int u, int i, real *p) {
	const eg_attention_shape *s = &a->s;
	real max = -(real)INFINITY, sum = 0;
	if (!p) return;
	for (int j = 0; j < s->Lk; j++) {
		p[j] = sees(a, u, i, j) ? score(a, u, i, j) : -(real)INFINITY;
		if (p[j] > max || isnan(p[j])) max = p[j];
	}
	for (int j = 0; j < s->Lk; j++) {
		p[j] = sees(a, u, i, j) ? real_exp(p[j] - max) : 0;
		sum += p[j];
	}
	for (int j = 0; j < s->Lk && sum != 0; j++)
		if (sees(a, u, i, j)) p[j] /= sum;
}

static void attention_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_attention_args *a = args;
	const eg_attention_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(attention_ok(s, begin, end) && !a->q.p == !a->k.p && (a->q.p || a->bias.p) && a->v.p && a->prob.p && a->y.p);
	for (int u = begin; u < end; u++) {
		const attention_matrix y = attention_of(a->y, s->y, s->heads, u), v = attention_of(a->v, s->v, s->heads, u);
		const attention_matrix p = attention_scores_of(a->prob, s, u), drop = attention_scores_of(a->drop, s, u);
		for (int i = 0; i < s->Lq; i++) {
			attention_row(a, u, i, p.p + i * p.row);
			attention_mix(s, p.p + i * p.row, drop.p ? drop.p + i * drop.row : NULL, v, y.p + i * y.row);
		}
	}
}

static void attention_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_attention_bwd_args *a = args;
	assert(attention_ok(&a->s, begin, end) && a->v.p && a->prob.p && a->dy.p && worker->scratch);
	for (int u = begin; u < end; u++) attention_bwd_unit(a, u, worker->scratch);
}

static size_t attention_scratch__ref(const eg_attention_shape *s, bool backward) {
	return backward ? (size_t)s->Lk * sizeof(real) : 0;
}

/* Row `row` of unit u. */
static real *row_of(const eg_keep_rows_args *a, eg_buf b, const eg_heads *h, int u, int row) {
	return (real *)b.p + h->at + u / a->heads * h->sample + u % a->heads * h->head + row * h->row;
}

static void keep_rows__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_keep_rows_args *a = args;
	const size_t bytes = (size_t)a->n * sizeof(real);
	EG_UNUSED(worker);
	assert(units_ok(1, a->units, begin, end) && a->heads >= 1 && a->T >= 1 && a->W >= 1 && a->n >= 1 && a->x.p && a->state.p);
	for (int u = begin; u < end; u++) {
		const int length = length_of(a->lengths, u / a->heads, a->T);
		for (int i = 0; i < a->W && length > 0; i++) { /* upwards: what is read has not been written yet */
			const int at = i + length;
			real *to = row_of(a, a->state, &a->to, u, i);
			memcpy(to, at < a->W ? row_of(a, a->state, &a->to, u, at) : row_of(a, a->x, &a->from, u, at - a->W), bytes);
		}
		if (!a->count.p || u % a->heads) continue;
		real *count = (real *)a->count.p + u / a->heads;
		*count = *count + (real)length < (real)a->W ? *count + (real)length : (real)a->W;
	}
}

/* ---- losses of differences --------------------------------------------------------------------------------------- */

static void regress_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_regress_fwd_args *a = args;
	const eg_regress_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(units_ok(s->unit, s->total, begin, end) && a->x.p && a->target.p && !a->partial.p != !a->each.p);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u), *target = eg_at(a->target, u);
		real *each = eg_at(a->each, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit;
		double sum = 0;
		for (int64_t i = 0; i < n; i++) {
			const real e = x[i] - target[i], size = e < 0 ? -e : e;
			const real loss = s->square ? e * e : size < s->width ? s->slope * e * e / (2 * s->width) : s->slope * (size - s->width / 2);
			if (each) each[i] = loss;
			else sum += (double)loss;
		}
		if (a->partial.p) *eg_at(a->partial, u) = (real)sum;
	}
}

static void regress_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_regress_bwd_args *a = args;
	const eg_regress_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(units_ok(s->unit, s->total, begin, end) && a->x.p && a->target.p && ((a->denom.p && a->dloss.p) || a->deach.p) && a->dx.p);
	real scale = a->deach.p ? 0 : *(const real *)a->dloss.p / *(const real *)a->denom.p;
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u), *target = eg_at(a->target, u), *deach = eg_at(a->deach, u);
		real *dx = eg_at(a->dx, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit;
		for (int64_t i = 0; i < n; i++) {
			real e = x[i] - target[i], d = e; /* 0 stays 0, NaN stays NaN */
			if (s->square)
				d = 2 * e;
			else if (e > -s->width && e < s->width)
				d = s->slope * e / s->width;
			else if (e > 0 || e < 0)
				d = e > 0 ? s->slope : -s->slope;
			if (deach) scale = deach[i];
			dx[i] = a->acc ? dx[i] + scale * d : scale * d;
		}
	}
}

void fill_sequence__ref(eg_kernels *k) {
	EG_FILL(k, embed_fwd, embed_fwd__ref);
	EG_FILL(k, embed_bwd, embed_bwd__ref);
	EG_FILL(k, steps, steps__ref);
	EG_FILL(k, ends, ends__ref);
	EG_FILL(k, pool_steps, pool_steps__ref);
	EG_FILL(k, attention_fwd, attention_fwd__ref);
	EG_FILL(k, attention_bwd, attention_bwd__ref);
	EG_FILL(k, attention_scratch, attention_scratch__ref);
	EG_FILL(k, keep_rows, keep_rows__ref);
	EG_FILL(k, regress_fwd, regress_fwd__ref);
	EG_FILL(k, regress_bwd, regress_bwd__ref);
}

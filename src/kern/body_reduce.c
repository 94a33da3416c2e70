/* body_reduce.c - the family of reductions and their derivatives (kern_families.h), over simd.h.
 *
 * Where the last dimension is reduced a vector runs along it; else its lanes are neighbouring elements of y. Sums are
 * taken in pieces of REDUCE_PIECE vectors, so that rounding grows with the pieces and not with the elements.
 *
 * Not here: the adjoint of broadcasting, which is a sum that may add to its result (body_map.c). */
#include "kern/body_unary.h"
#include "kern/kern_families.h"

#include <math.h>

enum {
	REDUCE_PIECE = 256,
	/* What the derivatives need besides: how many are the extreme m, how many are 0, the product of the others. */
	REDUCE_EQUAL = EG_REDUCTIONS, REDUCE_ZEROS, REDUCE_OTHERS
};

/* ---- what becomes one ------------------------------------------------------------------------------------------- */

/* The dimensions of x of one kind, those that are kept or those that are reduced. */
typedef struct reduce_dims {
	int rank;
	int64_t n[EG_KDIMS], s[EG_KDIMS], count;
} reduce_dims;

typedef struct reduce_walk {
	reduce_dims kept, gone;
	bool runs; /* the last dimension is reduced */
} reduce_walk;

static void reduce_push(reduce_dims *d, int64_t n, int64_t s) {
	d->count *= n;
	if (d->rank && d->s[d->rank - 1] == n * s) {
		d->n[d->rank - 1] *= n;
	} else {
		d->n[d->rank] = n;
		d->rank++;
	}
	d->s[d->rank - 1] = s;
}

static reduce_walk reduce_walk_of(const eg_reduce_shape *s) {
	reduce_walk w = {.kept.count = 1, .gone.count = 1, .runs = true};
	int64_t stride[EG_KDIMS], size = 1;
	for (int d = s->rank - 1; d >= 0; d--) {
		stride[d] = size;
		size *= s->dims[d];
	}
	for (int d = 0; d < s->rank; d++) {
		if (s->dims[d] == 1) continue;
		reduce_push(s->sy[d] ? &w.kept : &w.gone, s->dims[d], stride[d]);
		w.runs = !s->sy[d];
	}
	if (!w.kept.rank) reduce_push(&w.kept, 1, 1);
	if (!w.gone.rank) reduce_push(&w.gone, 1, 1);
	return w;
}

/* Where element e of y begins in x; *left: so many elements from it on lie side by side in both. */
static int64_t reduce_place(const reduce_walk *w, int64_t e, int64_t *left) {
	const reduce_dims *k = &w->kept;
	int64_t at = 0;
	*left = w->runs ? 1 : k->n[k->rank - 1] - e % k->n[k->rank - 1];
	for (int d = k->rank - 1; d >= 0; d--) {
		at += e % k->n[d] * k->s[d];
		e /= k->n[d];
	}
	return at;
}

/* The next place of all reduced dimensions but the last. */
EG_ALWAYS_INLINE bool reduce_next(const reduce_dims *d, int64_t index[EG_KDIMS], int64_t *at) {
	for (int k = d->rank - 2; k >= 0; k--) {
		*at += d->s[k];
		if (++index[k] < d->n[k]) return true;
		*at -= d->s[k] * d->n[k];
		index[k] = 0;
	}
	return false;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE bool reduce_multiplies(int op) { return op == EG_REDUCE_PROD || op == REDUCE_OTHERS; }

EG_ALWAYS_INLINE vf reduce_start(int op) {
	if (op == EG_REDUCE_MAX) return vset1(-INFINITY);
	if (op == EG_REDUCE_MIN) return vset1(INFINITY);
	return vset1(reduce_multiplies(op) ? 1.0f : 0.0f);
}

/* 1 where x is m, or both are NaN, else 0. */
EG_ALWAYS_INLINE vf reduce_is(vf x, vf m) {
	const vf one = vset1(1.0f);
	vm nan = vor_m(vnan(x), vnan(m)), other = vor_m(nan, vor_m(vgt(x, m), vgt(m, x)));
	return vsel(other, vsel(vand_m(vnan(x), vnan(m)), one, vzero()), one);
}

/* What a result is collected of; m: the extreme. */
EG_ALWAYS_INLINE vf reduce_term(int op, vf x, vf m) {
	switch (op) {
	case EG_REDUCE_L1: return vabs(x);
	case EG_REDUCE_L2:
	case EG_REDUCE_SUM_SQUARE: return vmul(x, x);
	case EG_REDUCE_LOG_SUM_EXP: return vexp(vsub(x, m));
	case REDUCE_EQUAL: return reduce_is(x, m);
	case REDUCE_ZEROS: return vsel(unary_true(x), vzero(), vset1(1.0f));
	case REDUCE_OTHERS: return vsel(unary_true(x), x, vset1(1.0f));
	default: return x;
	}
}

EG_ALWAYS_INLINE vf reduce_join(int op, vf sum, vf v) {
	if (op == EG_REDUCE_MAX) return vsel(vnan(v), v, vmax(v, sum)); /* NaN stays: of the sum it is second */
	if (op == EG_REDUCE_MIN) return vsel(vnan(v), v, vmin(v, sum));
	return reduce_multiplies(op) ? vmul(sum, v) : vadd(sum, v);
}

/* All lanes. */
EG_ALWAYS_INLINE float reduce_lanes(int op, vf v) {
	float x[V], r;
	if (op != EG_REDUCE_MAX && op != EG_REDUCE_MIN && !reduce_multiplies(op)) return vsum(v);
	vstore(x, v);
	r = x[0];
	for (int i = 1; i < V; i++) {
		if (op == EG_REDUCE_MAX) r = x[i] > r || isnan(x[i]) ? x[i] : r;
		if (op == EG_REDUCE_MIN) r = x[i] < r || isnan(x[i]) ? x[i] : r;
		if (reduce_multiplies(op)) r *= x[i];
	}
	return r;
}

/* ---- columns and runs ------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE vf reduce_columns(int op, const float *x, const reduce_dims *d, vf m, int lanes) {
	int64_t n = d->n[d->rank - 1], s = d->s[d->rank - 1], index[EG_KDIMS] = {0}, at = 0;
	const vf start = reduce_start(op);
	vf all = start;
	do {
		const float *p = x + at;
		for (int64_t i = 0; i < n;) {
			int64_t end = n - i < REDUCE_PIECE ? n : i + REDUCE_PIECE;
			vf a = start, b = start;
			for (; i + 2 <= end; i += 2, p += 2 * s) {
				a = reduce_join(op, a, reduce_term(op, vload_n(p, lanes), m));
				b = reduce_join(op, b, reduce_term(op, vload_n(p + s, lanes), m));
			}
			for (; i < end; i++, p += s) a = reduce_join(op, a, reduce_term(op, vload_n(p, lanes), m));
			all = reduce_join(op, all, reduce_join(op, a, b));
		}
	} while (reduce_next(d, index, &at));
	return all;
}

EG_ALWAYS_INLINE float reduce_runs(int op, const float *x, const reduce_dims *d, vf m) {
	int64_t n = d->n[d->rank - 1], index[EG_KDIMS] = {0}, at = 0;
	const vf start = reduce_start(op);
	vf all = start;
	do {
		const float *p = x + at;
		int64_t i = 0;
		while (i + V <= n) {
			int64_t end = n - i < REDUCE_PIECE * V ? n : i + REDUCE_PIECE * V;
			vf a = start, b = start, c = start, e = start;
			for (; i + 4 * V <= end; i += 4 * V) {
				a = reduce_join(op, a, reduce_term(op, vload(p + i), m));
				b = reduce_join(op, b, reduce_term(op, vload(p + i + V), m));
				c = reduce_join(op, c, reduce_term(op, vload(p + i + 2 * V), m));
				e = reduce_join(op, e, reduce_term(op, vload(p + i + 3 * V), m));
			}
			for (; i + V <= end; i += V) a = reduce_join(op, a, reduce_term(op, vload(p + i), m));
			all = reduce_join(op, all, reduce_join(op, reduce_join(op, a, b), reduce_join(op, c, e)));
		}
		if (i < n) {
			int lanes = (int)(n - i);
			vf v = reduce_term(op, vload_n(p + i, lanes), m);
			all = reduce_join(op, all, vsel(vfirst(lanes), v, start));
		}
	} while (reduce_next(d, index, &at));
	return reduce_lanes(op, all);
}

/* `lanes` elements of y, one where the last dimension is reduced: in out[]. */
EG_ALWAYS_INLINE void reduce_some(int op, const float *x, const reduce_walk *w, const float *m, int lanes, float *out) {
	vf extreme = m ? w->runs ? vset1(*m) : vload_n(m, lanes) : vzero();
	if (w->runs)
		*out = reduce_runs(op, x, &w->gone, extreme);
	else if (lanes == V)
		vstore(out, reduce_columns(op, x, &w->gone, extreme, V));
	else
		vstore_n(out, lanes, reduce_columns(op, x, &w->gone, extreme, lanes));
}

static void reduce_plain(int op, const float *x, const reduce_walk *w, const float *m, int lanes, float *out) {
#define REDUCE_CASE(op) case op: reduce_some(op, x, w, m, lanes, out); break
	switch (op) {
		REDUCE_CASE(EG_REDUCE_MAX);
		REDUCE_CASE(EG_REDUCE_MIN);
		REDUCE_CASE(EG_REDUCE_PROD);
		REDUCE_CASE(EG_REDUCE_L1);
		REDUCE_CASE(EG_REDUCE_SUM_SQUARE);
		REDUCE_CASE(EG_REDUCE_LOG_SUM_EXP);
		REDUCE_CASE(REDUCE_EQUAL);
		REDUCE_CASE(REDUCE_ZEROS);
		REDUCE_CASE(REDUCE_OTHERS);
	default: reduce_some(EG_REDUCE_SUM, x, w, m, lanes, out);
	}
#undef REDUCE_CASE
}

/* ---- forward ---------------------------------------------------------------------------------------------------- */

/* Elements of y, `lanes` of them, that lie side by side in x from `x` on. */
static void reduce_values(eg_reduction op, const float *x, const reduce_walk *w, int lanes, float *y) {
	float most[V];
	if (op == EG_REDUCE_LOG_SUM_EXP) reduce_plain(EG_REDUCE_MAX, x, w, NULL, lanes, most);
	reduce_plain(op == EG_REDUCE_L2 ? EG_REDUCE_SUM_SQUARE : (int)op, x, w, op == EG_REDUCE_LOG_SUM_EXP ? most : NULL, lanes, y);
	for (int i = 0; i < lanes; i++) {
		if (op == EG_REDUCE_MEAN) y[i] /= (float)w->gone.count;
		if (op == EG_REDUCE_L2) y[i] = sqrtf(y[i]);
		if (op == EG_REDUCE_LOG_SUM) y[i] = logf(y[i]);
		if (op == EG_REDUCE_LOG_SUM_EXP) y[i] = isinf(most[i]) ? most[i] : most[i] + logf(y[i]);
	}
}

/* The first or last place of what is equal to `best`; one dimension is reduced. */
static int32_t reduce_find(const float *x, const reduce_dims *d, float best, bool last) {
	const int64_t s = d->s[d->rank - 1];
	for (int64_t k = 0; k < d->count; k++) {
		int64_t i = last && !isnan(best) ? d->count - 1 - k : k;
		if (x[i * s] == best || (isnan(best) && isnan(x[i * s]))) return (int32_t)i;
	}
	return 0;
}

static void reduce_places(eg_reduction op, const float *x, const reduce_walk *w, int lanes, int32_t *y) {
	const bool least = op == EG_REDUCE_ARG_MIN || op == EG_REDUCE_ARG_MIN_LAST, last = op >= EG_REDUCE_ARG_MAX_LAST;
	float best[V];
	reduce_plain(least ? EG_REDUCE_MIN : EG_REDUCE_MAX, x, w, NULL, lanes, best);
	for (int i = 0; i < lanes; i++) y[i] = reduce_find(x + i, &w->gone, best[i], last);
}

/* The elements of unit u: from *first up to what is returned, in buffers that begin at reduce_base(.., u). */
EG_ALWAYS_INLINE int64_t reduce_unit(const eg_reduce_shape *s, int u, int64_t *first) {
	int64_t left = s->count - u * s->unit;
	*first = s->block ? 0 : u * s->unit;
	return *first + (left < s->unit ? left : s->unit);
}
EG_ALWAYS_INLINE float *reduce_base(const eg_reduce_shape *s, eg_buf b, int u) { return s->block && b.p ? eg_at(b, u) : b.p; }

void EG_NAME(reduce)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reduce_args *a = args;
	const reduce_walk w = reduce_walk_of(&a->s);
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t e, last = reduce_unit(&a->s, u, &e), left;
		const float *from = reduce_base(&a->s, a->x, u);
		void *to = reduce_base(&a->s, a->y, u); /* an int32_t is as large as a float */
		while (e < last) {
			const float *x = from + reduce_place(&w, e, &left);
			if (left > last - e) left = last - e;
			int lanes = left < V ? (int)left : V;
			if (a->op >= EG_REDUCE_ARG_MAX)
				reduce_places(a->op, x, &w, lanes, (int32_t *)to + e);
			else
				reduce_values(a->op, x, &w, lanes, (float *)to + e);
			e += lanes;
		}
	}
}

/* ---- derivatives ------------------------------------------------------------------------------------------------ */

/* What an element's derivative is made of: y, dy, and what all elements share, see REDUCE_EQUAL; of one element of y
 * or of neighbours. */
typedef struct reduce_grad {
	vf y, dy, equal, zeros, others;
} reduce_grad;

EG_ALWAYS_INLINE vf reduce_slope(eg_reduction op, vf x, const reduce_grad *g) {
	switch (op) {
	case EG_REDUCE_MAX:
	case EG_REDUCE_MIN: return vdiv(reduce_is(x, g->y), g->equal);
	case EG_REDUCE_PROD: /* where one is 0 only its own is not */
		return vsel(vgt(vset1(0.5f), g->zeros), vdiv(g->others, x),
			vsel(unary_true(x), vzero(), vsel(vgt(vset1(1.5f), g->zeros), g->others, vzero())));
	case EG_REDUCE_L1: return unary_sign(x);
	case EG_REDUCE_L2: return vsel(unary_true(g->y), vdiv(x, g->y), vzero());
	case EG_REDUCE_SUM_SQUARE: return vadd(x, x);
	case EG_REDUCE_LOG_SUM_EXP: return vexp(vsub(x, g->y));
	case EG_REDUCE_LOG_SUM: return vexp(unary_neg(g->y));
	default: return vset1(1.0f);
	}
}

EG_ALWAYS_INLINE void reduce_grad_part(eg_reduction op, const float *x, float *dx, const reduce_grad *g, int lanes, bool acc) {
	vf d = vmul(g->dy, reduce_slope(op, x ? vload_n(x, lanes) : vzero(), g));
	vstore_n(dx, lanes, acc ? vadd(vload_n(dx, lanes), d) : d);
}

EG_ALWAYS_INLINE void reduce_grad_all(eg_reduction op, const float *x, float *dx, const reduce_walk *w, const reduce_grad *g, int lanes, bool acc) {
	const reduce_dims *d = &w->gone;
	int64_t n = d->n[d->rank - 1], s = d->s[d->rank - 1], index[EG_KDIMS] = {0}, at = 0;
	do {
		int64_t i = 0;
		if (w->runs) {
			for (; i + V <= n; i += V) reduce_grad_part(op, x ? x + at + i : NULL, dx + at + i, g, V, acc);
			if (i < n) reduce_grad_part(op, x ? x + at + i : NULL, dx + at + i, g, (int)(n - i), acc);
		} else {
			for (; i < n; i++) reduce_grad_part(op, x ? x + at + i * s : NULL, dx + at + i * s, g, lanes, acc);
		}
	} while (reduce_next(d, index, &at));
}

/* One number for all lanes, or one each. */
EG_ALWAYS_INLINE vf reduce_load(const reduce_walk *w, const float *p, int lanes) { return w->runs ? vset1(*p) : vload_n(p, lanes); }

/* Where the elements' parts of the buffers begin. */
typedef struct reduce_parts {
	const float *x, *y, *dy;
	float *dx;
} reduce_parts;

static void reduce_grads(const eg_reduce_bwd_args *a, const reduce_walk *w, reduce_parts p, int lanes) {
	const float *x = p.x, *y = p.y;
	float *dx = p.dx, shared[V];
	reduce_grad g = {.y = y ? reduce_load(w, y, lanes) : vzero(), .dy = reduce_load(w, p.dy, lanes)};
	if (a->op == EG_REDUCE_MAX || a->op == EG_REDUCE_MIN) {
		reduce_plain(REDUCE_EQUAL, x, w, y, lanes, shared);
		g.equal = reduce_load(w, shared, lanes);
	}
	if (a->op == EG_REDUCE_PROD) {
		reduce_plain(REDUCE_ZEROS, x, w, NULL, lanes, shared);
		g.zeros = reduce_load(w, shared, lanes);
		reduce_plain(REDUCE_OTHERS, x, w, NULL, lanes, shared);
		g.others = reduce_load(w, shared, lanes);
	}
	if (a->op == EG_REDUCE_MEAN) g.dy = vdiv(g.dy, vset1((float)w->gone.count));
#define REDUCE_CASE(op) case op: reduce_grad_all(op, x, dx, w, &g, lanes, a->acc); break
	switch (a->op) {
		REDUCE_CASE(EG_REDUCE_MAX);
		REDUCE_CASE(EG_REDUCE_MIN);
		REDUCE_CASE(EG_REDUCE_PROD);
		REDUCE_CASE(EG_REDUCE_L1);
		REDUCE_CASE(EG_REDUCE_L2);
		REDUCE_CASE(EG_REDUCE_SUM_SQUARE);
		REDUCE_CASE(EG_REDUCE_LOG_SUM_EXP);
		REDUCE_CASE(EG_REDUCE_LOG_SUM);
	default: reduce_grad_all(EG_REDUCE_SUM, NULL, dx, w, &g, lanes, a->acc);
	}
#undef REDUCE_CASE
}

void EG_NAME(reduce_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reduce_bwd_args *a = args;
	const reduce_walk w = reduce_walk_of(&a->s);
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t e, last = reduce_unit(&a->s, u, &e), left;
		const float *x = reduce_base(&a->s, a->x, u), *y = reduce_base(&a->s, a->y, u), *dy = reduce_base(&a->s, a->dy, u);
		float *dx = reduce_base(&a->s, a->dx, u);
		while (e < last) {
			int64_t at = reduce_place(&w, e, &left);
			if (left > last - e) left = last - e;
			int lanes = left < V ? (int)left : V;
			reduce_grads(a, &w, (reduce_parts){x ? x + at : NULL, y ? y + e : NULL, dy + e, dx + at}, lanes);
			e += lanes;
		}
	}
}

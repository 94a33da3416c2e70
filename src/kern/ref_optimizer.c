/* ref_optimizer.c - parameter updates and what belongs to them, in plain C, over flat arrays in units of EG_CHUNK. */
#include "kern/ref.h"

/* Elements [*first, *last) of unit u. */
static void chunk(int64_t n, int u, int64_t *first, int64_t *last) {
	*first = (int64_t)u * EG_CHUNK;
	*last = n - *first < EG_CHUNK ? n : *first + EG_CHUNK;
}

static void sgd__ref(const void *args, int begin, int end, void *scratch) {
	const eg_optimizer_args *a = args;
	EG_UNUSED(scratch);
	assert(units_ok(EG_CHUNK, a->n, begin, end) && a->g.p && a->w.p && a->g.p != a->w.p &&
	        (a->momentum == 0 || a->m.p));
	const real *restrict g = a->g.p;
	real *restrict w = a->w.p, *restrict m = a->m.p;
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		if (a->momentum == 0) {
			for (int64_t i = first; i < last; i++)
				w[i] -= a->lr * (a->scale * g[i] + a->weight_decay * w[i]);
			continue;
		}
		for (int64_t i = first; i < last; i++) {
			real d = a->scale * g[i] + a->weight_decay * w[i];
			m[i] = a->first ? d : a->momentum * m[i] + d;
			w[i] -= a->lr * (a->nesterov ? d + a->momentum * m[i] : m[i]);
		}
	}
}

static void adam__ref(const void *args, int begin, int end, void *scratch) {
	const eg_optimizer_args *a = args;
	EG_UNUSED(scratch);
	assert(units_ok(EG_CHUNK, a->n, begin, end) && a->g.p && a->w.p && a->m.p && a->v.p && a->g.p != a->w.p &&
	        a->c1 > 0 && a->c2 > 0);
	const real *restrict g = a->g.p;
	real *restrict w = a->w.p, *restrict m = a->m.p, *restrict v = a->v.p;
	real coupled = a->decoupled ? 0 : a->weight_decay, decoupled = a->decoupled ? a->lr * a->weight_decay : 0;
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		for (int64_t i = first; i < last; i++) {
			real d = a->scale * g[i] + coupled * w[i];
			m[i] = a->b1 * m[i] + (1 - a->b1) * d;
			v[i] = a->b2 * v[i] + (1 - a->b2) * d * d;
			w[i] -= decoupled * w[i];
			w[i] -= a->lr / a->c1 * m[i] / (real_sqrt(v[i] / a->c2) + a->eps);
		}
	}
}

static void sumsq__ref(const void *args, int begin, int end, void *scratch) {
	const eg_sumsq_args *a = args;
	EG_UNUSED(scratch);
	assert(units_ok(EG_CHUNK, a->n, begin, end) && a->x.p && a->out.p);
	const real *x = a->x.p;
	double *out = a->out.p;
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		double sum = 0;
		for (int64_t i = first; i < last; i++) sum += (double)x[i] * (double)x[i];
		out[u] = sum;
	}
}

static void clip_value__ref(const void *args, int begin, int end, void *scratch) {
	const eg_clip_value_args *a = args;
	EG_UNUSED(scratch);
	assert(units_ok(EG_CHUNK, a->n, begin, end) && a->x.p && a->limit >= 0);
	real *x = a->x.p;
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		for (int64_t i = first; i < last; i++)
			x[i] = x[i] > a->limit ? a->limit : x[i] < -a->limit ? -a->limit : x[i];
	}
}

static void blend__ref(const void *args, int begin, int end, void *scratch) {
	const eg_blend_args *a = args;
	EG_UNUSED(scratch);
	assert(units_ok(EG_CHUNK, a->n, begin, end) && a->x.p && a->y.p && a->x.p != a->y.p);
	const real *restrict x = a->x.p;
	real *restrict y = a->y.p;
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		for (int64_t i = first; i < last; i++) y[i] += a->a * (x[i] - y[i]);
	}
}

void fill_optimizer__ref(eg_kernels *k) {
	k->sgd = sgd__ref;
	k->adam = adam__ref;
	k->sumsq = sumsq__ref;
	k->clip_value = clip_value__ref;
	k->blend = blend__ref;
}

/* ref_optimizer.c - parameter updates and what belongs to them, in plain C, over flat arrays in units of EG_CHUNK. */
#include "kern/ref.h"

/* Elements [*first, *last) of unit u. */
static void chunk(int64_t n, int u, int64_t *first, int64_t *last) {
	*first = (int64_t)u * EG_CHUNK;
	*last = n - *first < EG_CHUNK ? n : *first + EG_CHUNK;
}

/* One element of each array: w[0], m[0], ... ; d is the gradient, scaled and with what decay is coupled to it. Arrays
 * that a method does not have are not looked at. */
static void sgd(const eg_update_args *a, real d, real *w, real *m) {
	if (a->momentum == 0) {
		*w -= a->lr * d;
		return;
	}
	*m = a->first ? d : a->momentum * *m + d;
	*w -= a->lr * (a->nesterov ? d + a->momentum * *m : *m);
}

static void adam(const eg_update_args *a, real d, real *w, real *m, real *v) {
	*m = a->b1 * *m + (1 - a->b1) * d;
	*v = a->b2 * *v + (1 - a->b2) * d * d;
	if (a->decoupled) *w -= a->lr * a->weight_decay * *w;
	real root = real_sqrt(*v / a->c2) + a->eps;
	if (a->op == EG_UPDATE_NADAM)
		*w -= a->lr * (a->cm * *m + a->cg * d) / root;
	else
		*w -= a->lr / a->c1 * *m / root;
}

static void rmsprop(const eg_update_args *a, real d, real *w, real *m, real *v, real *u) {
	*v = a->b2 * *v + (1 - a->b2) * d * d;
	real square = *v;
	if (a->centered) {
		*u = a->b2 * *u + (1 - a->b2) * d;
		square -= *u * *u;
		if (!(square > 0)) square = 0;
	}
	real step = d / (real_sqrt(square) + a->eps);
	if (a->momentum != 0) step = *m = a->momentum * *m + step;
	*w -= a->lr * step;
}

static void adagrad(const eg_update_args *a, real d, real *w, real *v) {
	*v += d * d;
	*w -= a->lr * d / (real_sqrt(*v) + a->eps);
}

static void adadelta(const eg_update_args *a, real d, real *w, real *v, real *u) {
	*v = a->b2 * *v + (1 - a->b2) * d * d;
	real step = real_sqrt(*u + a->eps) / real_sqrt(*v + a->eps) * d;
	*u = a->b2 * *u + (1 - a->b2) * step * step;
	*w -= a->lr * step;
}

static void muon(const eg_update_args *a, real d, real *m, real *u) {
	*m += (1 - a->momentum) * (d - *m);
	*u = d + a->momentum * (*m - d);
}

static real *at(eg_buf b, int64_t i) { return b.p ? (real *)b.p + i : NULL; }

static void update_element(const eg_update_args *a, int64_t i) {
	real *w = at(a->w, i), *m = at(a->m, i), *v = at(a->v, i), *u = at(a->u, i), d = a->scale * *at(a->g, i);
	if (!a->decoupled && a->op != EG_UPDATE_MUON) d += a->weight_decay * *w;
	switch (a->op) {
	case EG_UPDATE_SGD: sgd(a, d, w, m); break;
	case EG_UPDATE_ADAM:
	case EG_UPDATE_NADAM: adam(a, d, w, m, v); break;
	case EG_UPDATE_RMSPROP: rmsprop(a, d, w, m, v, u); break;
	case EG_UPDATE_ADAGRAD: adagrad(a, d, w, v); break;
	case EG_UPDATE_ADADELTA: adadelta(a, d, w, v, u); break;
	case EG_UPDATE_MUON: muon(a, d, m, u); break;
	}
}

/* Are the arrays there that the method names? */
static inline bool update_complete(const eg_update_args *a) {
	bool w = a->g.p && a->w.p && a->g.p != a->w.p, adam = a->op == EG_UPDATE_ADAM || a->op == EG_UPDATE_NADAM;
	if (a->decoupled && !adam && a->op != EG_UPDATE_MUON) return false; /* Muon does not look at it */
	switch (a->op) {
	case EG_UPDATE_SGD: return w && (a->momentum == 0 || a->m.p);
	case EG_UPDATE_ADAM:
	case EG_UPDATE_NADAM: return w && a->m.p && a->v.p && a->c1 > 0 && a->c2 > 0;
	case EG_UPDATE_RMSPROP: return w && a->v.p && (!a->centered || a->u.p) && (a->momentum == 0 || a->m.p);
	case EG_UPDATE_ADAGRAD: return w && a->v.p;
	case EG_UPDATE_ADADELTA: return w && a->v.p && a->u.p;
	case EG_UPDATE_MUON: return a->g.p && a->m.p && a->u.p && a->u.p != a->g.p;
	}
	return false;
}

static void update__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_update_args *a = args;
	EG_UNUSED(worker), EG_UNUSED(update_complete); /* without assertions nobody asks */
	assert(units_ok(EG_CHUNK, a->n, begin, end) && update_complete(a));
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		for (int64_t i = first; i < last; i++) update_element(a, i);
	}
}

static void sumsq__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_sumsq_args *a = args;
	EG_UNUSED(worker);
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

static void clip_value__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_clip_value_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(EG_CHUNK, a->n, begin, end) && a->x.p && a->limit >= 0);
	real *x = a->x.p;
	for (int u = begin; u < end; u++) {
		int64_t first, last;
		chunk(a->n, u, &first, &last);
		for (int64_t i = first; i < last; i++)
			x[i] = x[i] > a->limit ? a->limit : x[i] < -a->limit ? -a->limit : x[i];
	}
}

static void blend__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_blend_args *a = args;
	EG_UNUSED(worker);
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
	EG_FILL(k, update, update__ref);
	EG_FILL(k, sumsq, sumsq__ref);
	EG_FILL(k, clip_value, clip_value__ref);
	EG_FILL(k, blend, blend__ref);
}

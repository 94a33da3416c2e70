/* body_along.c - functions of all elements along a dimension (kern_norm.h), over simd.h.
 *
 * inner == 1: the elements of a line lie in the lanes, but for local normalisation, where a line is one lane. inner >
 * 1: V neighbouring lines lie in the lanes and their elements come one after the other.
 *
 * Not here: softmax, which cross-entropy shares (body_loss.c); hard_max, which is ref's. */
#include "kern/kern_norm.h"
#include "kern/simd.h"

enum { ALONG_STRIP = 2048 }; /* so many elements go in lanes of float, then to double */

/* ---- a line in the lanes ----------------------------------------------------------------------------------------- */

static void along_log_softmax_row(const float *x, float *y, int n) {
	vf top = vset1(-INFINITY), sum = vzero();
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		top = vmax(top, vsel(vfirst(lanes), vload_n(x + i, lanes), vset1(-INFINITY)));
	}
	top = vset1(vmax_all(top));
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		const vm m = vfirst(lanes);
		sum = vadd(sum, vkeep(m, vexp(vkeep(m, vsub(vload_n(x + i, lanes), top)))));
	}
	const vf log_sum = vset1(logf(vsum(sum)));
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		vstore_n(y + i, lanes, vsub(vsub(vload_n(x + i, lanes), top), log_sum));
	}
}

static float along_norm_row(const float *x, int n, bool squares) {
	vf sum = vzero();
	double all = 0;
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		const vf v = vload_n(x + i, lanes);
		sum = squares ? vfma(v, v, sum) : vadd(sum, vabs(v));
		if ((i & (ALONG_STRIP - 1)) != ALONG_STRIP - V) continue;
		all += (double)vsum(sum);
		sum = vzero();
	}
	all += (double)vsum(sum);
	return (float)(squares ? sqrt(all) : all);
}

/* y = x / norm or, of dy, its gradient. */
static void along_norm_row_fwd(const eg_along_args *a, const float *x, float *y) {
	const int n = a->s.n;
	const float raw = along_norm_row(x, n, a->op == EG_ALONG_L2);
	const vf norm = vset1(raw < a->s.alpha ? a->s.alpha : raw);
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		vstore_n(y + i, lanes, vdiv(vload_n(x + i, lanes), norm));
	}
}

EG_ALWAYS_INLINE vf along_sign(vf x) {
	return vsub(vsel(vgt(x, vzero()), vset1(1.0f), vzero()), vsel(vgt(vzero(), x), vset1(1.0f), vzero()));
}
EG_ALWAYS_INLINE void along_put(float *dx, int lanes, vf d, bool acc) {
	vstore_n(dx, lanes, acc ? vadd(vload_n(dx, lanes), d) : d);
}

static void along_norm_row_bwd(const eg_along_bwd_args *a, const float *x, const float *dy, float *dx) {
	const int n = a->s.n;
	const bool squares = a->op == EG_ALONG_L2;
	const float raw = along_norm_row(x, n, squares), size = raw < a->s.alpha ? a->s.alpha : raw;
	const vf norm = vset1(size);
	vf product = vzero();
	for (int i = 0; i < n && raw >= a->s.alpha; i += V) {
		const int lanes = n - i < V ? n - i : V;
		product = vfma(vload_n(dy + i, lanes), vload_n(x + i, lanes), product);
	}
	product = vset1(vsum(product) / size);
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		const vf v = vload_n(x + i, lanes), slope = squares ? vdiv(v, norm) : along_sign(v);
		along_put(dx + i, lanes, vdiv(vfnma(slope, product, vload_n(dy + i, lanes)), norm), a->acc);
	}
}

static void along_log_softmax_row_bwd(const float *y, const float *dy, float *dx, int n, bool acc) {
	vf sum = vzero();
	for (int i = 0; i < n; i += V) sum = vadd(sum, vload_n(dy + i, n - i < V ? n - i : V));
	sum = vset1(vsum(sum));
	for (int i = 0; i < n; i += V) {
		const int lanes = n - i < V ? n - i : V;
		along_put(dx + i, lanes, vfnma(vexp(vload_n(y + i, lanes)), sum, vload_n(dy + i, lanes)), acc);
	}
}

/* ---- neighbouring lines in the lanes ----------------------------------------------------------------------------- */

static void along_log_softmax_lanes(const eg_along_shape *s, const float *x, float *y, int lanes) {
	const ptrdiff_t step = s->inner;
	vf top = vload_n(x, lanes), sum = vzero();
	for (int c = 1; c < s->n; c++) top = vmax(top, vload_n(x + c * step, lanes));
	for (int c = 0; c < s->n; c++) sum = vadd(sum, vexp(vsub(vload_n(x + c * step, lanes), top)));
	const vf log_sum = vlog(sum);
	for (int c = 0; c < s->n; c++)
		vstore_n(y + c * step, lanes, vsub(vsub(vload_n(x + c * step, lanes), top), log_sum));
}

EG_ALWAYS_INLINE vf along_norm_lanes(const eg_along_shape *s, const float *x, int lanes, bool squares) {
	vf sum = vzero();
	for (int c = 0; c < s->n; c++) {
		const vf v = vload_n(x + c * (ptrdiff_t)s->inner, lanes);
		sum = squares ? vfma(v, v, sum) : vadd(sum, vabs(v));
	}
	return squares ? vsqrt(sum) : sum;
}

static void along_norm_lanes_fwd(const eg_along_args *a, const float *x, float *y, int lanes) {
	const vf norm = vmax(vset1(a->s.alpha), along_norm_lanes(&a->s, x, lanes, a->op == EG_ALONG_L2));
	for (int c = 0; c < a->s.n; c++) {
		const ptrdiff_t at = c * (ptrdiff_t)a->s.inner;
		vstore_n(y + at, lanes, vdiv(vload_n(x + at, lanes), norm));
	}
}

static void along_norm_lanes_bwd(
	const eg_along_bwd_args *a, const float *x, const float *dy, float *dx, int lanes) {
	const bool squares = a->op == EG_ALONG_L2;
	const vf raw = along_norm_lanes(&a->s, x, lanes, squares), norm = vmax(vset1(a->s.alpha), raw);
	vf product = vzero();
	for (int c = 0; c < a->s.n; c++) {
		const ptrdiff_t at = c * (ptrdiff_t)a->s.inner;
		product = vfma(vload_n(dy + at, lanes), vdiv(vload_n(x + at, lanes), norm), product);
	}
	product = vsel(vgt(vset1(a->s.alpha), raw), vzero(), product);
	for (int c = 0; c < a->s.n; c++) {
		const ptrdiff_t at = c * (ptrdiff_t)a->s.inner;
		const vf v = vload_n(x + at, lanes), slope = squares ? vdiv(v, norm) : along_sign(v);
		along_put(dx + at, lanes, vdiv(vfnma(slope, product, vload_n(dy + at, lanes)), norm), a->acc);
	}
}

static void along_log_softmax_lanes_bwd(
	const eg_along_shape *s, const float *y, const float *dy, float *dx, int lanes, bool acc) {
	const ptrdiff_t step = s->inner;
	vf sum = vzero();
	for (int c = 0; c < s->n; c++) sum = vadd(sum, vload_n(dy + c * step, lanes));
	for (int c = 0; c < s->n; c++)
		along_put(dx + c * step, lanes,
		        vfnma(vexp(vload_n(y + c * step, lanes)), sum, vload_n(dy + c * step, lanes)), acc);
}

/* ---- local normalisation ----------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE vf along_local_base(const eg_along_shape *s, const float *x, int c, int lanes) {
	const ptrdiff_t step = s->inner;
	int from = c - (s->size - 1) / 2, to = from + s->size;
	vf sum = vzero();
	if (from < 0) from = 0;
	if (to > s->n) to = s->n;
	for (int k = from; k < to; k++) {
		const vf v = vload_n(x + k * step, lanes);
		sum = vfma(v, v, sum);
	}
	return vfma(sum, vset1(s->alpha / (float)s->size), vset1(s->bias));
}
EG_ALWAYS_INLINE vf along_power(vf x, float power) { return vexp(vmul(vset1(power), vlog(x))); }

static void along_local(const eg_along_shape *s, const float *x, float *y, int lanes) {
	for (int c = 0; c < s->n; c++) {
		const ptrdiff_t at = c * (ptrdiff_t)s->inner;
		vstore_n(y + at, lanes,
		        vmul(vload_n(x + at, lanes), along_power(along_local_base(s, x, c, lanes), -s->beta)));
	}
}

/* scratch: as ref has it, V lanes each. */
static void along_local_bwd(
	const eg_along_bwd_args *a, const float *x, const float *dy, float *dx, int lanes, float *scratch) {
	const eg_along_shape *s = &a->s;
	const ptrdiff_t step = s->inner;
	float *factor = scratch, *share = scratch + (ptrdiff_t)s->n * V;
	const vf slope = vset1(2 * s->alpha * s->beta / (float)s->size);
	for (int c = 0; c < s->n; c++) {
		const vf d = along_local_base(s, x, c, lanes), f = along_power(d, -s->beta);
		vstore(factor + (ptrdiff_t)c * V, f);
		vstore(share + (ptrdiff_t)c * V,
		        vdiv(vmul(vmul(vload_n(dy + c * step, lanes), vload_n(x + c * step, lanes)), f), d));
	}
	for (int c = 0; c < s->n; c++) {
		int from = c - s->size / 2, to = from + s->size;
		vf sum = vzero();
		if (from < 0) from = 0;
		if (to > s->n) to = s->n;
		for (int k = from; k < to; k++) sum = vadd(sum, vload(share + (ptrdiff_t)k * V));
		const vf v = vmul(slope, vload_n(x + c * step, lanes)),
		         d = vmul(vload_n(dy + c * step, lanes), vload(factor + (ptrdiff_t)c * V));
		along_put(dx + c * step, lanes, vfnma(v, sum, d), a->acc);
	}
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

static void along_one(const eg_along_args *a, const float *x, float *y, int lanes) {
	const eg_along_shape *s = &a->s;
	switch (a->op) {
	case EG_ALONG_LOG_SOFTMAX:
		if (s->inner == 1)
			along_log_softmax_row(x, y, s->n);
		else
			along_log_softmax_lanes(s, x, y, lanes);
		break;
	case EG_ALONG_L1:
	case EG_ALONG_L2:
		if (s->inner == 1)
			along_norm_row_fwd(a, x, y);
		else
			along_norm_lanes_fwd(a, x, y, lanes);
		break;
	case EG_ALONG_LOCAL: along_local(s, x, y, lanes); break;
	case EG_ALONG_HARD_MAX:
		for (int l = 0; l < lanes; l++) eg_hard_max(x + l, y + l, s->n, s->inner);
		break;
	case EG_ALONGS: break;
	}
}

void EG_NAME(along_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_along_args *a = args;
	const eg_along_shape *s = &a->s;
	const ptrdiff_t size = (ptrdiff_t)s->n * s->inner;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u);
		for (int64_t o = eg_unit_size(s->rows, s->outer, u); o > 0; o--, x += size, y += size)
			for (int i = 0; i < s->inner; i += V)
				along_one(a, x + i, y + i, s->inner - i < V ? s->inner - i : V);
	}
}

static void along_one_bwd(
	const eg_along_bwd_args *a, const float *v, const float *dy, float *dx, int lanes, float *scratch) {
	const eg_along_shape *s = &a->s;
	switch (a->op) {
	case EG_ALONG_LOG_SOFTMAX:
		if (s->inner == 1)
			along_log_softmax_row_bwd(v, dy, dx, s->n, a->acc);
		else
			along_log_softmax_lanes_bwd(s, v, dy, dx, lanes, a->acc);
		break;
	case EG_ALONG_L1:
	case EG_ALONG_L2:
		if (s->inner == 1)
			along_norm_row_bwd(a, v, dy, dx);
		else
			along_norm_lanes_bwd(a, v, dy, dx, lanes);
		break;
	case EG_ALONG_LOCAL: along_local_bwd(a, v, dy, dx, lanes, scratch); break;
	case EG_ALONG_HARD_MAX:
	case EG_ALONGS: break;
	}
}

void EG_NAME(along_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_along_bwd_args *a = args;
	const eg_along_shape *s = &a->s;
	const ptrdiff_t size = (ptrdiff_t)s->n * s->inner;
	for (int u = begin; u < end; u++) {
		const float *v = eg_at(a->v, u), *dy = eg_at(a->dy, u);
		float *dx = eg_at(a->dx, u);
		for (int64_t o = eg_unit_size(s->rows, s->outer, u); o > 0; o--, v += size, dy += size, dx += size)
			for (int i = 0; i < s->inner; i += V)
				along_one_bwd(a, v + i, dy + i, dx + i, s->inner - i < V ? s->inner - i : V, worker->scratch);
	}
}

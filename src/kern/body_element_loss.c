/* body_element_loss.c - losses of single numbers, or of a location and a scale, against targets (kern_element_loss.h,
 * eg_element_loss), over simd.h. Each op has a loop of its own, since the functions below are called with a constant
 * op.
 *
 * Not here: differences (regress_fwd, in plain C), classes (body_loss.c). */
#include "kern/kern_element_loss.h"
#include "kern/simd.h"

#include <math.h>

/* log of each lane, by the library: there is no name for it in simd.h. */
static vf element_log(vf x) {
	float lanes[V];
	vstore(lanes, x);
	for (int i = 0; i < V; i++) lanes[i] = logf(lanes[i]);
	return vload(lanes);
}

/* log(1 + e^x) = max(x, 0) + 2 atanh(u / (2 + u)) with u = e^-|x|; u / (2 + u) is at most 1/3, so that few terms do. */
EG_ALWAYS_INLINE vf element_softplus(vf x) {
	vf u = vexp(vsub(vzero(), vabs(x))), s = vdiv(u, vadd(u, vset1(2.0f))), q = vmul(s, s), p = vset1(2.0f / 15);
	p = vfma(p, q, vset1(2.0f / 13));
	p = vfma(p, q, vset1(2.0f / 11));
	p = vfma(p, q, vset1(2.0f / 9));
	p = vfma(p, q, vset1(2.0f / 7));
	p = vfma(p, q, vset1(2.0f / 5));
	p = vfma(p, q, vset1(2.0f / 3));
	p = vfma(p, q, vset1(2.0f));
	return vfma(p, s, vmax(vzero(), x));
}

EG_ALWAYS_INLINE vf element_negative(vf x) { return vsub(vzero(), x); }

/* What the focal loss is made of. */
typedef struct element_focal {
	vf ce, p, other, q, factor; /* cross-entropy, sigmoid of x and -x, 1 - p of the right side, weight times
	                             * q^gamma */
} element_focal;

EG_ALWAYS_INLINE element_focal element_focal_of(const eg_element_loss *s, vf x, vf t) {
	vf one = vset1(1.0f), rest = vsub(one, t);
	element_focal f = {.p = vsigmoid(x), .other = vsigmoid(element_negative(x))};
	f.ce = vfma(rest, x, element_softplus(element_negative(x)));
	f.q = vmax(vset1(1e-30f), vfma(f.p, rest, vmul(f.other, t))); /* NaN stays */
	vf weight = s->b < 0.0f ? one : vfma(vset1(s->b), t, vmul(vset1(1.0f - s->b), rest));
	f.factor = vmul(weight, vexp(vmul(vset1(s->a), element_log(f.q))));
	return f;
}

/* `y`: the scale, of those that have one. */
EG_ALWAYS_INLINE vf element_value(const eg_element_loss *s, eg_loss_op op, vf x, vf y, vf t) {
	vf one = vset1(1.0f), a = vset1(s->a), e = vsub(t, x);
	switch (op) {
	case EG_LOSS_BCE:
		return vfma(vsub(one, t), x, vmul(vfma(vset1(s->a - 1.0f), t, one), element_softplus(element_negative(x))));
	case EG_LOSS_BCE_P: {
		vf right = vmax(vset1(-100.0f), element_log(x)), wrong = vmax(vset1(-100.0f), element_log(vsub(one, x)));
		return vfnma(vmul(a, t), right, vmul(vsub(t, one), wrong));
	}
	case EG_LOSS_FOCAL: {
		element_focal f = element_focal_of(s, x, t);
		return vmul(f.factor, f.ce);
	}
	case EG_LOSS_HINGE: {
		vf left = vmax(vzero(), vfnma(t, x, a));
		return s->b > 0.0f ? vmul(left, left) : left;
	}
	case EG_LOSS_QUANTILES: break; /* by parts */
	case EG_LOSS_QUANTILE: return vmul(vsel(vgt(e, vzero()), a, vset1(s->a - 1.0f)), e);
	case EG_LOSS_POISSON: return vfnma(t, x, vexp(x));
	case EG_LOSS_KL: {
		vm some = vor_m(vgt(t, vzero()), vnan(t));
		return vsel(some, vmul(t, vsub(element_log(vsel(some, t, one)), x)), vzero());
	}
	case EG_LOSS_GAUSSIAN:
		return vfma(vset1(0.5f), vfma(vmul(e, e), vexp(element_negative(y)), y), vset1(s->b));
	case EG_LOSS_STUDENT: {
		vf z = vmul(e, vexp(element_negative(y))), wide = vadd(one, vdiv(vmul(z, z), a));
		return vadd(vfma(vset1((s->a + 1.0f) / 2.0f), element_log(wide), y), vset1(s->b));
	}
	}
	return vzero();
}

/* The derivative by x; by y, where there is a scale, into *by_y. */
EG_ALWAYS_INLINE vf element_slope(const eg_element_loss *s, eg_loss_op op, vf x, vf y, vf t, vf *by_y) {
	vf one = vset1(1.0f), a = vset1(s->a), e = vsub(t, x);
	switch (op) {
	case EG_LOSS_BCE:
		return vfnma(vfma(vset1(s->a - 1.0f), t, one), vsigmoid(element_negative(x)), vsub(one, t));
	case EG_LOSS_BCE_P: {
		vf other = vsub(one, x), up = vfnma(vmul(a, t), other, vmul(vsub(one, t), x));
		return vdiv(up, vmax(vset1(1e-12f), vmul(x, other)));
	}
	case EG_LOSS_FOCAL: {
		element_focal f = element_focal_of(s, x, t);
		vf turn = vmul(vmul(vfnma(vset1(2.0f), t, one), f.p), f.other);
		return vmul(f.factor, vfma(vdiv(vmul(f.ce, a), f.q), turn, vsub(f.p, t)));
	}
	case EG_LOSS_HINGE: {
		vf left = vfnma(t, x, a), slope = element_negative(t);
		if (s->b > 0.0f) slope = vmul(slope, vadd(left, left));
		return vsel(vgt(left, vzero()), slope, vzero());
	}
	case EG_LOSS_QUANTILES: break;
	case EG_LOSS_QUANTILE: {
		vf below = vsel(vgt(vzero(), e), vset1(1.0f - s->a), vzero());
		return vsel(vgt(e, vzero()), element_negative(a), below);
	}
	case EG_LOSS_POISSON: return vsub(vexp(x), t);
	case EG_LOSS_KL: return vsel(vgt(t, vzero()), element_negative(t), vzero());
	case EG_LOSS_GAUSSIAN: {
		vf z = vmul(e, vexp(element_negative(y)));
		*by_y = vmul(vset1(0.5f), vfnma(e, z, one));
		return element_negative(z);
	}
	case EG_LOSS_STUDENT: {
		vf shrink = vexp(element_negative(y)), z = vmul(e, shrink);
		vf part = vdiv(vmul(vset1(s->a + 1.0f), z), vfma(z, z, a));
		*by_y = vfnma(part, z, one);
		return element_negative(vmul(part, shrink));
	}
	}
	return vzero();
}

/* Losses of some targets, into a row of them, or added to it; NULL: nobody wants each. */
EG_ALWAYS_INLINE void element_each(float *each, int lanes, vf loss, bool more) {
	if (each) vstore_n(each, lanes, more ? vadd(vload_n(each, lanes), loss) : loss);
}

/* A run of n targets against x, and, where there are scales, against y; the sum, and each. */
EG_ALWAYS_INLINE double element_sum(
	const eg_element_loss *s, eg_loss_op op, bool scaled, const float *x, const float *y, const float *t, int64_t n, float *each, bool more) {
	enum { PART = 64 * V }; /* lanes are summed up so far, then in double */
	double sum = 0;
	for (int64_t first = 0; first < n; first += PART) {
		int64_t end = first + PART < n ? first + PART : n, i = first;
		vf part = vzero();
		for (; i + V <= end; i += V) {
			vf loss = element_value(s, op, vload(x + i), scaled ? vload(y + i) : vzero(), vload(t + i));
			part = vadd(part, loss);
			element_each(each ? each + i : NULL, V, loss, more);
		}
		if (i < end) {
			int lanes = (int)(end - i);
			vf scale = scaled ? vload_n(y + i, lanes) : vzero();
			vf last = element_value(s, op, vload_n(x + i, lanes), scale, vload_n(t + i, lanes));
			part = vadd(part, vkeep(vfirst(lanes), last));
			element_each(each ? each + i : NULL, lanes, last, more);
		}
		sum += (double)vsum(part);
	}
	return sum;
}

EG_ALWAYS_INLINE void element_store(float *dx, int lanes, vf slope, vf scale, bool acc) {
	vstore_n(dx, lanes, acc ? vfma(scale, slope, vload_n(dx, lanes)) : vmul(scale, slope));
}

EG_ALWAYS_INLINE void element_part(const eg_element_loss_bwd_args *a, eg_loss_op op, bool scaled, const float *x, const float *t,
	float *dx, vf scale, int lanes) {
	const int64_t row = a->s.row;
	vf by_y = vzero();
	vf slope = element_slope(&a->s, op, vload_n(x, lanes), scaled ? vload_n(x + row, lanes) : vzero(), vload_n(t, lanes), &by_y);
	element_store(dx, lanes, slope, scale, a->acc);
	if (scaled) element_store(dx + row, lanes, by_y, scale, a->acc);
}

EG_ALWAYS_INLINE void element_fwd(const eg_element_loss_fwd_args *a, eg_loss_op op, bool scaled, int begin, int end) {
	const eg_element_loss *s = &a->s;
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u), *t = eg_at(a->target, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit, row = scaled ? s->row : n;
		float *each = eg_at(a->each, u);
		double sum = 0;
		for (int64_t i = 0; i < n; i += row) {
			const float *at = scaled ? x + 2 * i : x;
			sum += element_sum(s, op, scaled, at, scaled ? at + row : at, t + i, row, each ? each + i : NULL, false);
		}
		if (a->partial.p) *eg_at(a->partial, u) = (float)sum;
	}
}

static vf element_scale(const eg_element_loss_bwd_args *a) {
	return a->deach.p ? vzero() : vset1(*(const float *)a->dloss.p / *(const float *)a->denom.p);
}

EG_ALWAYS_INLINE void element_bwd(const eg_element_loss_bwd_args *a, eg_loss_op op, bool scaled, int begin, int end) {
	const eg_element_loss *s = &a->s;
	const vf scale = element_scale(a);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u), *t = eg_at(a->target, u), *deach = eg_at(a->deach, u);
		float *dx = eg_at(a->dx, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit, row = scaled ? s->row : n;
		for (int64_t first = 0; first < n; first += row) {
			int64_t at = scaled ? 2 * first : 0, i = 0;
			for (; i + V <= row; i += V)
				element_part(a, op, scaled, x + at + i, t + first + i, dx + at + i, deach ? vload(deach + first + i) : scale, V);
			const int rest = (int)(row - i);
			if (rest > 0) element_part(a, op, scaled, x + at + i, t + first + i, dx + at + i, deach ? vload_n(deach + first + i, rest) : scale, rest);
		}
	}
}

/* Several numbers to a target, each a quantile of its own. */
EG_ALWAYS_INLINE eg_element_loss element_quantile(const eg_element_loss *s, int part) {
	eg_element_loss one = {.unit = s->unit, .total = s->total, .row = s->row, .op = EG_LOSS_QUANTILE, .a = s->level[part]};
	return one;
}

static void quantiles_fwd(const eg_element_loss_fwd_args *a, int begin, int end) {
	const eg_element_loss *s = &a->s;
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u), *t = eg_at(a->target, u);
		float *each = eg_at(a->each, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit;
		double sum = 0;
		for (int64_t i = 0; i < n; i += s->row)
			for (int k = 0; k < s->parts; k++) {
				const eg_element_loss one = element_quantile(s, k);
				const float *at = x + s->parts * i + k * s->row;
				sum += element_sum(&one, EG_LOSS_QUANTILE, false, at, at, t + i, s->row, each ? each + i : NULL, k > 0);
			}
		if (a->partial.p) *eg_at(a->partial, u) = (float)sum;
	}
}

static void quantiles_bwd(const eg_element_loss_bwd_args *a, int begin, int end) {
	const eg_element_loss *s = &a->s;
	const vf scale = element_scale(a);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u), *t = eg_at(a->target, u), *deach = eg_at(a->deach, u);
		float *dx = eg_at(a->dx, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit;
		for (int64_t first = 0; first < n; first += s->row)
			for (int k = 0; k < s->parts; k++) {
				const int64_t at = s->parts * first + k * s->row;
				eg_element_loss_bwd_args one = *a;
				one.s = element_quantile(s, k);
				for (int64_t i = 0; i < s->row; i += V) {
					int lanes = s->row - i < V ? (int)(s->row - i) : V;
					element_part(&one, EG_LOSS_QUANTILE, false, x + at + i, t + first + i, dx + at + i, deach ? vload_n(deach + first + i, lanes) : scale,
						lanes);
				}
			}
	}
}

void EG_NAME(element_loss_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_element_loss_fwd_args *a = args;
	EG_UNUSED(worker);
	switch (a->s.op) {
	case EG_LOSS_BCE: element_fwd(a, EG_LOSS_BCE, false, begin, end); break;
	case EG_LOSS_BCE_P: element_fwd(a, EG_LOSS_BCE_P, false, begin, end); break;
	case EG_LOSS_QUANTILES: quantiles_fwd(a, begin, end); break;
	case EG_LOSS_FOCAL: element_fwd(a, EG_LOSS_FOCAL, false, begin, end); break;
	case EG_LOSS_HINGE: element_fwd(a, EG_LOSS_HINGE, false, begin, end); break;
	case EG_LOSS_QUANTILE: element_fwd(a, EG_LOSS_QUANTILE, false, begin, end); break;
	case EG_LOSS_POISSON: element_fwd(a, EG_LOSS_POISSON, false, begin, end); break;
	case EG_LOSS_KL: element_fwd(a, EG_LOSS_KL, false, begin, end); break;
	case EG_LOSS_GAUSSIAN: element_fwd(a, EG_LOSS_GAUSSIAN, true, begin, end); break;
	case EG_LOSS_STUDENT: element_fwd(a, EG_LOSS_STUDENT, true, begin, end); break;
	}
}

void EG_NAME(element_loss_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_element_loss_bwd_args *a = args;
	EG_UNUSED(worker);
	switch (a->s.op) {
	case EG_LOSS_BCE: element_bwd(a, EG_LOSS_BCE, false, begin, end); break;
	case EG_LOSS_BCE_P: element_bwd(a, EG_LOSS_BCE_P, false, begin, end); break;
	case EG_LOSS_QUANTILES: quantiles_bwd(a, begin, end); break;
	case EG_LOSS_FOCAL: element_bwd(a, EG_LOSS_FOCAL, false, begin, end); break;
	case EG_LOSS_HINGE: element_bwd(a, EG_LOSS_HINGE, false, begin, end); break;
	case EG_LOSS_QUANTILE: element_bwd(a, EG_LOSS_QUANTILE, false, begin, end); break;
	case EG_LOSS_POISSON: element_bwd(a, EG_LOSS_POISSON, false, begin, end); break;
	case EG_LOSS_KL: element_bwd(a, EG_LOSS_KL, false, begin, end); break;
	case EG_LOSS_GAUSSIAN: element_bwd(a, EG_LOSS_GAUSSIAN, true, begin, end); break;
	case EG_LOSS_STUDENT: element_bwd(a, EG_LOSS_STUDENT, true, begin, end); break;
	}
}

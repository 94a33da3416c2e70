/* ref_element_loss.c - losses of single numbers, or of a location and a scale, against targets, in plain C. The
 * equations stand in kern_element_loss.h (eg_element_loss). */
#include "kern/ref.h"

/* log(1 + e^-|x|), without loss where that is near 0. */
static real log1p_exp(real x) {
	real u = real_exp(x < 0 ? x : -x);
#ifdef ENGRAM_DOUBLE
	return log1p(u);
#else
	return log1pf(u);
#endif
}

static real log_least(real x) {
	real l = real_log(x);
	return l < -100 ? -100 : l; /* NaN stays */
}

static real softplus(real x) { return (x > 0 ? x : 0) + log1p_exp(x); }
static real sigmoid(real x) { return 1 / (1 + real_exp(-x)); }

/* What the focal loss is made of. */
typedef struct focal {
	real ce, p, q, factor; /* cross-entropy, sigmoid, 1 - p of the right side, weight times q^gamma */
} focal;

static focal focal_of(const eg_element_loss *s, real x, real t) {
	focal f = {.ce = (1 - t) * x + softplus(-x), .p = sigmoid(x)};
	real q = f.p * (1 - t) + sigmoid(-x) * t, least = (real)1e-30;
	f.q = q > least || q != q ? q : least;
	f.factor = (s->b < 0 ? 1 : s->b * t + (1 - s->b) * (1 - t)) * real_exp(s->a * real_log(f.q));
	return f;
}

/* `y`: the scale, of those that have one. */
static real loss_value(const eg_element_loss *s, real x, real y, real t) {
	real e = t - x, z = 0;
	switch (s->op) {
	case EG_LOSS_BCE: return (1 - t) * x + (1 + (s->a - 1) * t) * softplus(-x);
	case EG_LOSS_BCE_P: return -s->a * t * log_least(x) - (1 - t) * log_least(1 - x);
	case EG_LOSS_FOCAL: {
		focal f = focal_of(s, x, t);
		return f.factor * f.ce;
	}
	case EG_LOSS_HINGE: {
		real left = s->a - t * x;
		left = left > 0 || left != left ? left : 0;
		return s->b > 0 ? left * left : left;
	}
	case EG_LOSS_QUANTILE: return e > 0 ? s->a * e : (s->a - 1) * e;
	case EG_LOSS_QUANTILES: break; /* by parts */
	case EG_LOSS_POISSON: return real_exp(x) - t * x;
	case EG_LOSS_KL: return t > 0 ? t * (real_log(t) - x) : t == t ? 0 : t;
	case EG_LOSS_GAUSSIAN: return (y + e * e * real_exp(-y)) / 2 + s->b;
	case EG_LOSS_STUDENT: z = e * real_exp(-y); return y + (s->a + 1) / 2 * real_log(1 + z * z / s->a) + s->b;
	}
	return 0;
}

/* The derivatives by x and, where there is a scale, by y. */
static void loss_slope(const eg_element_loss *s, real x, real y, real t, real *dx, real *dy) {
	real e = t - x, z = 0;
	switch (s->op) {
	case EG_LOSS_BCE: *dx = (1 - t) - (1 + (s->a - 1) * t) * sigmoid(-x); break;
	case EG_LOSS_BCE_P: {
		real both = x * (1 - x), least = (real)1e-12;
		*dx = ((1 - t) * x - s->a * t * (1 - x)) / (both > least || both != both ? both : least);
		break;
	}
	case EG_LOSS_FOCAL: {
		focal f = focal_of(s, x, t);
		*dx = f.factor * (f.p - t + f.ce * s->a / f.q * (1 - 2 * t) * f.p * sigmoid(-x));
		break;
	}
	case EG_LOSS_HINGE: {
		real left = s->a - t * x;
		*dx = left > 0 ? -t * (s->b > 0 ? 2 * left : 1) : 0;
		break;
	}
	case EG_LOSS_QUANTILES: break;
	case EG_LOSS_QUANTILE: *dx = e > 0 ? -s->a : e < 0 ? 1 - s->a : 0; break;
	case EG_LOSS_POISSON: *dx = real_exp(x) - t; break;
	case EG_LOSS_KL: *dx = t > 0 ? -t : 0; break;
	case EG_LOSS_GAUSSIAN:
		z = real_exp(-y);
		*dx = -e * z, *dy = (1 - e * e * z) / 2;
		break;
	case EG_LOSS_STUDENT:
		z = e * real_exp(-y);
		*dx = -(s->a + 1) * z / (s->a + z * z) * real_exp(-y);
		*dy = 1 - (s->a + 1) * z * z / (s->a + z * z);
		break;
	}
}

/* Where element i of a unit has its x; its scale, or its next number, is `row` behind it. */
static int64_t place(const eg_element_loss *s, int64_t i) {
	return s->row ? i / s->row * s->parts * s->row + i % s->row : i;
}

static inline bool loss_ok(const eg_element_loss *s, int begin, int end) {
	const bool rows = s->row == 0 || (s->unit % s->row == 0 && s->total % s->row == 0);
	return units_ok(s->unit, s->total, begin, end) && rows &&
	       (s->row == 0 || (s->parts >= 1 && s->parts <= EG_LOSS_LEVELS));
}

/* Part i is a loss of its own. */
static eg_element_loss part_of(const eg_element_loss *s, int i) {
	eg_element_loss one = *s;
	one.op = EG_LOSS_QUANTILE;
	one.a = s->level[i];
	return one;
}

static double target_value(const eg_element_loss *s, const real *x, real t) {
	if (s->op != EG_LOSS_QUANTILES) return (double)loss_value(s, *x, x[s->row], t);
	double sum = 0;
	for (int i = 0; i < s->parts; i++) {
		const eg_element_loss one = part_of(s, i);
		sum += (double)loss_value(&one, x[i * s->row], 0, t);
	}
	return sum;
}

static void put(real *dx, real v, bool acc) { *dx = acc ? *dx + v : v; }

static void target_slope(const eg_element_loss *s, const real *x, real t, real scale, real *dx, bool acc) {
	real by_x = 0, by_y = 0;
	for (int i = 0; i < s->parts && s->op == EG_LOSS_QUANTILES; i++) {
		const eg_element_loss one = part_of(s, i);
		loss_slope(&one, x[i * s->row], 0, t, &by_x, &by_y);
		put(&dx[i * s->row], scale * by_x, acc);
	}
	if (s->op == EG_LOSS_QUANTILES) return;
	loss_slope(s, *x, x[s->row], t, &by_x, &by_y);
	put(dx, scale * by_x, acc);
	if (s->row) put(&dx[s->row], scale * by_y, acc);
}

static void element_loss_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_element_loss_fwd_args *a = args;
	const eg_element_loss *s = &a->s;
	EG_UNUSED(worker), EG_UNUSED(loss_ok); /* without assertions nobody asks */
	assert(loss_ok(s, begin, end) && a->x.p && a->target.p && !a->partial.p != !a->each.p);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u), *target = eg_at(a->target, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit;
		real *each = eg_at(a->each, u);
		double sum = 0;
		for (int64_t i = 0; i < n; i++) {
			const double loss = target_value(s, x + place(s, i), target[i]);
			if (each) each[i] = (real)loss;
			sum += loss;
		}
		if (a->partial.p) *eg_at(a->partial, u) = (real)sum;
	}
}

static void element_loss_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_element_loss_bwd_args *a = args;
	const eg_element_loss *s = &a->s;
	EG_UNUSED(worker);
	assert(loss_ok(s, begin, end) && a->x.p && a->target.p && ((a->denom.p && a->dloss.p) || a->deach.p) && a->dx.p);
	const real scale = a->deach.p ? 0 : *(const real *)a->dloss.p / *(const real *)a->denom.p;
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u), *target = eg_at(a->target, u), *deach = eg_at(a->deach, u);
		real *dx = eg_at(a->dx, u);
		int64_t left = s->total - u * s->unit, n = left < s->unit ? left : s->unit;
		for (int64_t i = 0; i < n; i++) {
			const int64_t at = place(s, i);
			target_slope(s, x + at, target[i], deach ? deach[i] : scale, dx + at, a->acc);
		}
	}
}

void fill_element_loss__ref(eg_kernels *k) {
	EG_FILL(k, element_loss_fwd, element_loss_fwd__ref);
	EG_FILL(k, element_loss_bwd, element_loss_bwd__ref);
}

/* ref_row_loss.c - losses of rows in plain C. The equations stand in kern_losses.h. */
#include "kern/ref.h"

/* A row in its tensor: number c is p[c * step]. */
typedef struct row {
	const real *p;
	ptrdiff_t step;
} row;
static real at(row r, int c) { return r.p ? r.p[c * r.step] : 0; }

/* All that a row's loss depends on. */
typedef struct row_case {
	const eg_row_shape *s;
	row x, y, z;
	const real *weight;
	int32_t t;
} row_case;

static real weight_of(const row_case *k, int c) { return k->weight ? k->weight[c] : 1; }

/* ---- classes -----------------------------------------------------------------------------------------------------
 * */

/* Largest of x and the logarithm of sum(exp(x - max)), kept apart as in ref_loss.c. */
typedef struct scale {
	real max, log_sum;
} scale;
static scale scale_of(row x, int n) {
	scale s = {at(x, 0), 0};
	double sum = 0;
	for (int c = 1; c < n; c++)
		if (at(x, c) > s.max) s.max = at(x, c);
	for (int c = 0; c < n; c++) sum += (double)real_exp(at(x, c) - s.max);
	s.log_sum = (real)log(sum);
	return s;
}
static real minus_log_p(row x, scale s, int c) { return s.log_sum - (at(x, c) - s.max); }
static real share(row x, scale s, int c) { return real_exp(at(x, c) - s.max - s.log_sum); }

/* How much class c is wanted, times its weight. */
static real wanted(const row_case *k, int c) {
	const eg_row_shape *s = k->s;
	real y = s->op == EG_ROW_SOFT ? at(k->y, c) : c == k->t ? 1 : 0;
	if (s->op == EG_ROW_CE) return (1 - s->a) * y * weight_of(k, k->t) + s->a / (real)s->n * weight_of(k, c);
	return weight_of(k, c) * ((1 - s->a) * y + s->a / (real)s->n);
}

static real cross_entropy(const row_case *k) {
	scale s = scale_of(k->x, k->s->n);
	double sum = 0;
	for (int c = 0; c < k->s->n; c++) {
		real q = wanted(k, c);
		if (q != 0) sum += (double)q * (double)minus_log_p(k->x, s, c);
	}
	return (real)sum;
}

static void cross_entropy_slope(const row_case *k, real *d) {
	scale s = scale_of(k->x, k->s->n);
	double all = 0;
	for (int c = 0; c < k->s->n; c++) all += (double)wanted(k, c);
	for (int c = 0; c < k->s->n; c++) d[c] = (real)all * share(k->x, s, c) - wanted(k, c);
}

/* 1 - p[t] as the sum of the others, so that little is little. */
static real missing(const row_case *k, scale s) {
	double sum = 0;
	for (int c = 0; c < k->s->n; c++)
		if (c != k->t) sum += (double)share(k->x, s, c);
	return sum > 1e-30 || sum != sum ? (real)sum : (real)1e-30;
}

static real focal(const row_case *k) {
	scale s = scale_of(k->x, k->s->n);
	return weight_of(k, k->t) * real_exp(k->s->a * real_log(missing(k, s))) * minus_log_p(k->x, s, k->t);
}

/* By log p[t] it is w q^(a-1) (a p (-log p)' ...): with l = -log p and q = 1 - p, -w q^a (1 + a p l / q). */
static void focal_slope(const row_case *k, real *d) {
	scale s = scale_of(k->x, k->s->n);
	real q = missing(k, s), p = share(k->x, s, k->t), l = minus_log_p(k->x, s, k->t), a = k->s->a;
	real by_log = -weight_of(k, k->t) * real_exp(a * real_log(q)) * (1 + a * p * l / q);
	for (int c = 0; c < k->s->n; c++) d[c] = by_log * (c == k->t ? q : -share(k->x, s, c));
}

static real margin(const row_case *k) {
	double sum = 0;
	for (int c = 0; c < k->s->n; c++) {
		real left = k->s->a - at(k->x, k->t) + at(k->x, c);
		if (c != k->t && !(left <= 0)) sum += (double)(k->s->b > 1 ? left * left : left);
	}
	return weight_of(k, k->t) * (real)sum / (real)k->s->n;
}

static void margin_slope(const row_case *k, real *d) {
	double sum = 0;
	real w = weight_of(k, k->t) / (real)k->s->n;
	for (int c = 0; c < k->s->n; c++) {
		real left = k->s->a - at(k->x, k->t) + at(k->x, c);
		real slope = c == k->t || left <= 0 ? 0 : w * (k->s->b > 1 ? 2 * left : 1);
		d[c] = slope;
		sum += (double)slope;
	}
	d[k->t] = -(real)sum;
}

/* What stands in the place of x[t], and by how much it grows with it. */
static real arc_target(const row_case *k, real *slope) {
	const real x = at(k->x, k->t), m = k->s->a, b = k->s->b, least = (real)1e-6;
	*slope = 1;
	if (k->s->kind == 1) return x - b * m;
	real cosine = x / b, square = 1 - cosine * cosine;
	if (cosine <= -REAL(cos)(m)) return x - b * m * REAL(sin)(m);
	real sine = real_sqrt(square > 0 || square != square ? square : 0);
	*slope = REAL(cos)(m) + REAL(sin)(m) * cosine / (sine > least ? sine : least);
	return b * (cosine * REAL(cos)(m) - sine * REAL(sin)(m));
}

/* Scale of x with `target` in place of x[t]. */
static scale arc_scale(const row_case *k, real target) {
	scale s = {target, 0};
	double sum = 0;
	for (int c = 0; c < k->s->n; c++)
		if (c != k->t && at(k->x, c) > s.max) s.max = at(k->x, c);
	for (int c = 0; c < k->s->n; c++) sum += (double)real_exp((c == k->t ? target : at(k->x, c)) - s.max);
	s.log_sum = (real)log(sum);
	return s;
}

static real arc(const row_case *k) {
	real slope, target = arc_target(k, &slope);
	scale s = arc_scale(k, target);
	return weight_of(k, k->t) * (s.log_sum - (target - s.max));
}

static void arc_slope(const row_case *k, real *d) {
	real slope, target = arc_target(k, &slope), w = weight_of(k, k->t);
	scale s = arc_scale(k, target);
	for (int c = 0; c < k->s->n; c++) d[c] = w * share(k->x, s, c);
	d[k->t] = w * slope * (real_exp(target - s.max - s.log_sum) - 1);
}

/* ---- rows that are compared --------------------------------------------------------------------------------------
 * */

static double dot(row x, row y, int n) {
	double sum = 0;
	for (int c = 0; c < n; c++) sum += (double)at(x, c) * (double)at(y, c);
	return sum;
}

typedef struct angle {
	double cosine, x, y; /* the norms, at least `least` */
	bool x_short, y_short;
} angle;
static angle angle_of(row x, row y, int n, double least) {
	angle a = {0, sqrt(dot(x, x, n)), sqrt(dot(y, y, n)), false, false};
	if (a.x < least) a.x = least, a.x_short = true;
	if (a.y < least) a.y = least, a.y_short = true;
	a.cosine = dot(x, y, n) / (a.x * a.y);
	return a;
}

/* d = factor times the cosine's derivative by x. */
static void cosine_slope(row x, row y, int n, double least, double factor, real *d) {
	angle a = angle_of(x, y, n, least);
	double turn = a.x_short ? 0 : a.cosine / (a.x * a.x);
	for (int c = 0; c < n; c++) d[c] = (real)(factor * ((double)at(y, c) / (a.x * a.y) - turn * (double)at(x, c)));
}

static const double SHORT = 1e-6; /* least norm of COSINE_LOSS */

static double cosine_loss(const row_case *k, double *factor) {
	double cosine = angle_of(k->x, k->y, k->s->n, SHORT).cosine, left = cosine - (double)k->s->a;
	*factor = k->t > 0 ? -1 : left > 0 ? 1 : 0;
	return k->t > 0 ? 1 - cosine : left <= 0 ? 0 : left;
}

static double distance(row x, row y, int n, double p, double eps) {
	double sum = 0;
	for (int c = 0; c < n; c++) {
		double e = fabs((double)at(x, c) - (double)at(y, c) + eps);
		sum += p == 2 ? e * e : p == 1 ? e : pow(e, p);
	}
	return p == 2 ? sqrt(sum) : p == 1 ? sum : pow(sum, 1 / p);
}

/* d += factor times the distance's derivative by x. */
static void distance_slope(row x, row y, int n, double p, double eps, double factor, real *d) {
	double all = distance(x, y, n, p, eps);
	for (int c = 0; c < n; c++) {
		double e = (double)at(x, c) - (double)at(y, c) + eps, size = fabs(e) / all;
		if (e == 0 || all == 0) continue;
		d[c] += (real)(factor * (e > 0 ? 1 : -1) * (p == 2 ? size : p == 1 ? 1 : pow(size, p - 1)));
	}
}

/* The same with -(x - y + eps), which is y - x - eps: by y. */
static void distance_slope_y(row x, row y, int n, double p, double eps, double factor, real *d) {
	distance_slope(y, x, n, p, -eps, factor, d);
}

static double contrastive(const row_case *k, double *factor) {
	double far = distance(k->x, k->y, k->s->n, 2, 0), left = (double)k->s->a - far;
	*factor = k->t > 0 ? far : left > 0 ? -left : 0;
	return k->t > 0 ? far * far / 2 : left <= 0 ? 0 : left * left / 2;
}

typedef struct triplet {
	double value, near, far;
	bool swapped;
} triplet;
static triplet triplet_of(const row_case *k) {
	const eg_row_shape *s = k->s;
	double p = (double)s->b, eps = (double)s->c;
	triplet t = {.near = distance(k->x, k->y, s->n, p, eps), .far = distance(k->x, k->z, s->n, p, eps)};
	if (s->kind == 1) {
		double other = distance(k->y, k->z, s->n, p, eps);
		t.swapped = other < t.far;
		if (t.swapped) t.far = other;
	}
	t.value = t.near - t.far + (double)s->a;
	if (t.value <= 0) t.value = 0;
	return t;
}

static void triplet_slope(const row_case *k, int side, real *d) {
	const eg_row_shape *s = k->s;
	const triplet t = triplet_of(k);
	double p = (double)s->b, eps = (double)s->c;
	row far = t.swapped ? k->y : k->x;
	if (!(t.value > 0)) return;
	if (side == 0) distance_slope(k->x, k->y, s->n, p, eps, 1, d);
	if (side == 1) distance_slope_y(k->x, k->y, s->n, p, eps, 1, d);
	if (side == (t.swapped ? 1 : 0)) distance_slope(far, k->z, s->n, p, eps, -1, d);
	if (side == 2) distance_slope_y(far, k->z, s->n, p, eps, -1, d);
}

/* ---- boxes -------------------------------------------------------------------------------------------------------
 * */

/* One side of two boxes: where they begin and end, how long they are, and how long what they share and what holds
 * both is. */
typedef struct span {
	double x0, x1, t0, t1, x, t, both, around;
} span;
static double positive(double v) { return v < 0 ? 0 : v; } /* NaN stays */
static span span_of(double x0, double x1, double t0, double t1) {
	span s = {x0, x1, t0, t1, positive(x1 - x0), positive(t1 - t0), 0, 0};
	s.both = positive((x1 < t1 ? x1 : t1) - (x0 > t0 ? x0 : t0));
	s.around = (x1 > t1 ? x1 : t1) - (x0 < t0 ? x0 : t0);
	return s;
}
static span side_of(const row_case *k, int i) {
	double x0 = (double)at(k->x, i), x1 = (double)at(k->x, i + 2), t0 = (double)at(k->y, i),
	       t1 = (double)at(k->y, i + 2);
	if (k->s->a > 1) return span_of(-x0, x1, -t0, t1);
	if (k->s->a > 0) return span_of(x0 - x1 / 2, x0 + x1 / 2, t0 - t1 / 2, t0 + t1 / 2);
	return span_of(x0, x1, t0, t1);
}

/* Derivatives of the loss by what it is made of: length of x, of what is shared, of what is around, and the distance
 * of the centres. */
typedef struct pull {
	double x, both, around, centre;
} pull;

/* How much of a change of a larger (or smaller) end is the box's own. */
static double part(bool mine, bool equal) { return equal ? 0.5 : mine ? 1 : 0; }

static void span_slope(const span *s, const pull *g, int form, real *d) {
	double d0 = -g->around * part(s->x0 < s->t0, s->x0 == s->t0) + g->centre / 2;
	double d1 = g->around * part(s->x1 > s->t1, s->x1 == s->t1) + g->centre / 2;
	if (s->both > 0) d0 -= g->both * part(s->x0 > s->t0, s->x0 == s->t0);
	if (s->both > 0) d1 += g->both * part(s->x1 < s->t1, s->x1 == s->t1);
	if (s->x > 0) d0 -= g->x, d1 += g->x;
	d[0] = (real)(form == 1 ? d0 + d1 : form == 2 ? -d0 : d0);
	d[2] = (real)(form == 1 ? (d1 - d0) / 2 : d1);
}

/* The loss; its derivatives by both sides into g where that is not NULL. */
static double box_loss(const eg_row_shape *s, const span *w, const span *h, pull g[2]) {
	static const double tiny = 1e-7;
	pull none[2];
	pull *gw = g ? g : none, *gh = gw + 1;
	double both = w->both * h->both, all = w->x * h->x + w->t * h->t - both + tiny, iou = both / all,
	       loss = 1 - iou;
	double by_all = iou / all, by_both;
	if (s->kind == 1) by_all -= 1 / (w->around * h->around + tiny);
	by_both = -1 / all - by_all;
	*gw = (pull){by_all * h->x, by_both * h->both, 0, 0};
	*gh = (pull){by_all * w->x, by_both * w->both, 0, 0};
	if (s->kind == 1) {
		double around = w->around * h->around + tiny, by = all / (around * around);
		loss += (around - all) / around;
		gw->around = by * h->around, gh->around = by * w->around;
	}
	if (s->kind >= 2) {
		double square = w->around * w->around + h->around * h->around + tiny;
		double dw = (w->x0 + w->x1 - w->t0 - w->t1) / 2, dh = (h->x0 + h->x1 - h->t0 - h->t1) / 2;
		double far = (dw * dw + dh * dh) / square;
		loss += far;
		gw->centre = 2 * dw / square, gh->centre = 2 * dh / square;
		gw->around = -2 * far * w->around / square, gh->around = -2 * far * h->around / square;
	}
	if (s->kind == 3) {
		static const double pi = 3.14159265358979323846;
		double turn = atan2(w->t, h->t) - atan2(w->x, h->x), v = 4 / (pi * pi) * turn * turn;
		double alpha = v / (1 - iou + v + tiny), square = w->x * w->x + h->x * h->x;
		loss += alpha * v;
		double by = square > 0 ? -8 / (pi * pi) * alpha * turn / square : 0;
		gw->x += by * h->x, gh->x -= by * w->x;
	}
	return loss;
}

/* ---- one row -----------------------------------------------------------------------------------------------------
 * */

static bool has_classes(eg_row_op op) { return op <= EG_ROW_ARC && op != EG_ROW_SOFT; }

static real row_value(const row_case *k) {
	const eg_row_shape *s = k->s;
	double factor;
	if (has_classes(s->op) && k->t == s->ignore) return 0;
	if (has_classes(s->op) && (k->t < 0 || k->t >= s->n)) return (real)NAN;
	switch (s->op) {
	case EG_ROW_CE:
	case EG_ROW_SOFT: return cross_entropy(k);
	case EG_ROW_NLL: return -weight_of(k, k->t) * at(k->x, k->t);
	case EG_ROW_FOCAL: return focal(k);
	case EG_ROW_MARGIN: return margin(k);
	case EG_ROW_ARC: return arc(k);
	case EG_ROW_COSINE: return (real)angle_of(k->x, k->y, s->n, (double)s->a).cosine;
	case EG_ROW_COSINE_LOSS: return (real)cosine_loss(k, &factor);
	case EG_ROW_DISTANCE: return (real)distance(k->x, k->y, s->n, (double)s->a, (double)s->b);
	case EG_ROW_CONTRASTIVE: return (real)contrastive(k, &factor);
	case EG_ROW_TRIPLET: return (real)triplet_of(k).value;
	case EG_ROW_IOU: {
		const span w = side_of(k, 0), h = side_of(k, 1);
		return w.t > 0 && h.t > 0 ? (real)box_loss(s, &w, &h, NULL) : 0;
	}
	}
	return 0;
}

/* The derivative by operand `side` into d, n zeros. */
static void row_slope(const row_case *k, int side, real *d) {
	const eg_row_shape *s = k->s;
	double factor = 1;
	row own = side ? k->y : k->x, other = side ? k->x : k->y;
	if (has_classes(s->op) && k->t == s->ignore) return;
	if (has_classes(s->op) && (k->t < 0 || k->t >= s->n)) {
		for (int c = 0; c < s->n; c++) d[c] = (real)NAN;
		return;
	}
	switch (s->op) {
	case EG_ROW_CE:
	case EG_ROW_SOFT: cross_entropy_slope(k, d); break;
	case EG_ROW_NLL: d[k->t] = -weight_of(k, k->t); break;
	case EG_ROW_FOCAL: focal_slope(k, d); break;
	case EG_ROW_MARGIN: margin_slope(k, d); break;
	case EG_ROW_ARC: arc_slope(k, d); break;
	case EG_ROW_COSINE: cosine_slope(own, other, s->n, (double)s->a, 1, d); break;
	case EG_ROW_COSINE_LOSS:
		cosine_loss(k, &factor);
		cosine_slope(own, other, s->n, SHORT, factor, d);
		break;
	case EG_ROW_DISTANCE:
		distance_slope(own, other, s->n, (double)s->a, side ? -(double)s->b : (double)s->b, 1, d);
		break;
	case EG_ROW_CONTRASTIVE:
		contrastive(k, &factor);
		distance_slope(own, other, s->n, 2, 0, factor, d);
		break;
	case EG_ROW_TRIPLET: triplet_slope(k, side, d); break;
	case EG_ROW_IOU: {
		const span w = side_of(k, 0), h = side_of(k, 1);
		pull g[2];
		if (!(w.t > 0 && h.t > 0)) break;
		box_loss(s, &w, &h, g);
		span_slope(&w, &g[0], (int)s->a, d);
		span_slope(&h, &g[1], (int)s->a, d + 1);
		break;
	}
	}
}

/* ---- jobs --------------------------------------------------------------------------------------------------------
 * */

static int64_t outer_of(const eg_row_shape *s, int u) {
	int64_t left = s->outer - u * s->rows;
	return left < s->rows ? left : s->rows;
}

static row row_at(eg_buf b, const eg_row_shape *s, int u, int64_t o, int i) {
	return (row){b.p ? (const real *)eg_at(b, u) + o * s->n * s->inner + i : NULL, s->inner};
}

static row_case case_at(
	eg_buf x, eg_buf y, eg_buf z, eg_buf weight, eg_buf label, const eg_row_shape *s, int u, int64_t o, int i) {
	const int32_t *t = label.p ? (const int32_t *)label.p + u * label.stride : NULL;
	return (row_case){s, row_at(x, s, u, o, i), row_at(y, s, u, o, i), row_at(z, s, u, o, i), weight.p,
	        t ? t[o * s->inner + i] : 0};
}

static inline bool row_shape_ok(const eg_row_shape *s, int begin, int end) {
	return units_ok(s->rows, s->outer, begin, end) && s->n >= 1 && s->inner >= 1 &&
	       (s->op != EG_ROW_IOU || s->n == 4);
}

void eg_row_loss_fwd(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_loss_fwd_args *a = args;
	const eg_row_shape *s = &a->s;
	EG_UNUSED(worker), EG_UNUSED(row_shape_ok);
	assert(row_shape_ok(s, begin, end) && a->x.p && a->value.p);
	for (int u = begin; u < end; u++)
		for (int64_t o = 0, rows = outer_of(s, u); o < rows; o++)
			for (int i = 0; i < s->inner; i++) {
				const row_case k = case_at(a->x, a->y, a->z, a->weight, a->label, s, u, o, i);
				eg_at(a->value, u)[o * s->inner + i] = row_value(&k);
			}
}

void eg_row_loss_bwd(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_loss_bwd_args *a = args;
	const eg_row_shape *s = &a->s;
	real *slope = worker->scratch;
	assert(row_shape_ok(s, begin, end) && a->x.p && a->dvalue.p && a->d.p && slope);
	for (int u = begin; u < end; u++)
		for (int64_t o = 0, rows = outer_of(s, u); o < rows; o++)
			for (int i = 0; i < s->inner; i++) {
				const row_case k = case_at(a->x, a->y, a->z, a->weight, a->label, s, u, o, i);
				const real *dvalue = a->denom.p ? a->dvalue.p : eg_at(a->dvalue, u) + o * s->inner + i;
				const real g = a->denom.p ? *dvalue / *(const real *)a->denom.p : *dvalue;
				real *d = eg_at(a->d, u) + o * s->n * s->inner + i;
				memset(slope, 0, (size_t)s->n * sizeof *slope);
				row_slope(&k, a->side, slope);
				for (ptrdiff_t c = 0; c < s->n; c++)
					d[c * s->inner] = a->acc ? d[c * s->inner] + g * slope[c] : g * slope[c];
			}
}

void fill_row_loss__ref(eg_kernels *k) {
	EG_FILL(k, row_loss_fwd, eg_row_loss_fwd);
	EG_FILL(k, row_loss_bwd, eg_row_loss_bwd);
}

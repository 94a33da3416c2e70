/* body_row_loss.c - losses of rows that are made of their softmax (kern_losses.h: CE, SOFT, FOCAL), over simd.h. V rows
 * lie in the lanes, their numbers come one after the other: neighbours where inner > 1, else n apart.
 *
 * Not here: the other losses of rows, which few numbers are compared in; the ref table's functions do these. */
#include "kern/body_classes.h"
#include "kern/kern_losses.h"

enum { ROW_STRIP = 64 }; /* so many terms are summed before they join the whole */

/* Up to V rows. */
typedef struct row_lanes {
	const eg_row_shape *s;
	const float *x, *y, *weight; /* of the first row */
	ptrdiff_t step, apart;       /* from number to number, from row to row */
	int lanes;
	vf t, weight_t; /* classes as body_classes.h has them; their weights */
	vf max, log_sum;
} row_lanes;

EG_ALWAYS_INLINE vf row_load(const row_lanes *r, const float *p, int c) {
	p += c * r->step;
	return r->apart == 1 ? vload_n(p, r->lanes) : vgather_m(p, (int)r->apart, vfirst(r->lanes));
}
EG_ALWAYS_INLINE float row_weight(const row_lanes *r, int c) { return r->weight ? r->weight[c] : 1.0f; }

static void row_scale(row_lanes *r) {
	vf sum = vzero();
	r->max = row_load(r, r->x, 0);
	for (int c = 1; c < r->s->n; c++) r->max = vmax(r->max, row_load(r, r->x, c));
	for (int c = 0; c < r->s->n;) {
		vf part = vzero();
		for (int end = c + ROW_STRIP < r->s->n ? c + ROW_STRIP : r->s->n; c < end; c++)
			part = vadd(part, vexp(vsub(row_load(r, r->x, c), r->max)));
		sum = vadd(sum, part);
	}
	r->log_sum = vlog(sum);
}
EG_ALWAYS_INLINE vf row_minus_log(const row_lanes *r, vf x) { return vsub(r->log_sum, vsub(x, r->max)); }
EG_ALWAYS_INLINE vf row_share(const row_lanes *r, int c) {
	return vexp(vsub(vsub(row_load(r, r->x, c), r->max), r->log_sum));
}

/* How much class c is wanted, times its weight. */
EG_ALWAYS_INLINE vf row_wanted(const row_lanes *r, int c) {
	const eg_row_shape *s = r->s;
	const vf all = vset1(s->a / (float)s->n), weight = vset1(row_weight(r, c)), most = vset1(1 - s->a);
	if (s->op == EG_ROW_SOFT) return vmul(weight, vfma(most, row_load(r, r->y, c), all));
	return vfma(vmul(most, classes_hit(r->t, c)), r->weight_t, vmul(all, weight));
}

/* 1 - p[t], as the sum of the others, and -log p[t]. */
static vf row_missing(const row_lanes *r, vf *minus_log) {
	vf sum = vzero();
	*minus_log = vzero();
	for (int c = 0; c < r->s->n; c++) {
		const vf hit = classes_hit(r->t, c);
		const vm here = vgt(hit, vset1(0.5f));
		sum = vadd(sum, vsel(here, vzero(), row_share(r, c)));
		*minus_log = vadd(*minus_log, vsel(here, row_minus_log(r, row_load(r, r->x, c)), vsub(hit, hit)));
	}
	return vsel(vgt(vset1(1e-30f), sum), vset1(1e-30f), sum);
}
EG_ALWAYS_INLINE vf row_power(vf x, float power) { return vexp(vmul(vset1(power), vlog(x))); }

static vf row_value(const row_lanes *r) {
	if (r->s->op == EG_ROW_FOCAL) {
		vf minus_log, missing = row_missing(r, &minus_log);
		return vmul(vmul(r->weight_t, row_power(missing, r->s->a)), minus_log);
	}
	vf sum = vzero();
	for (int c = 0; c < r->s->n;) {
		vf part = vzero();
		for (int end = c + ROW_STRIP < r->s->n ? c + ROW_STRIP : r->s->n; c < end; c++) {
			const vf q = row_wanted(r, c), term = vmul(q, row_minus_log(r, row_load(r, r->x, c)));
			const vm none = vgt(vset1(1e-37f), vabs(q)); /* what is not wanted may be infinitely unlikely */
			part = vadd(part, vsel(none, vzero(), term));
		}
		sum = vadd(sum, part);
	}
	return sum;
}

/* d = [d +] g times the derivative; d of the first row. */
static void row_slope(const row_lanes *r, vf g, float *d, bool acc) {
	const eg_row_shape *s = r->s;
	vf all = vzero(), minus_log = vzero(), missing = vzero();
	float one[V];
	if (s->op == EG_ROW_FOCAL) {
		missing = row_missing(r, &minus_log);
		const vf p = vexp(vsub(vzero(), minus_log)), by = vdiv(vmul(vmul(vset1(s->a), p), minus_log), missing);
		all = vmul(vmul(r->weight_t, row_power(missing, s->a)), vadd(vset1(1.0f), by));
	} else {
		for (int c = 0; c < s->n; c++) all = vadd(all, row_wanted(r, c));
	}
	for (int c = 0; c < s->n; c++, d += r->step) {
		vf slope;
		if (s->op == EG_ROW_FOCAL) {
			const vf hit = classes_hit(r->t, c);
			slope = vmul(all, vsel(vgt(hit, vset1(0.5f)), vsub(vzero(), missing), row_share(r, c)));
			slope = vadd(slope, vsub(hit, hit));
		} else {
			slope = vsub(vmul(all, row_share(r, c)), row_wanted(r, c));
		}
		slope = vmul(g, s->op == EG_ROW_SOFT ? slope : classes_count(r->t, slope));
		if (r->apart == 1) {
			vstore_n(d, r->lanes, acc ? vadd(vload_n(d, r->lanes), slope) : slope);
			continue;
		}
		vstore(one, slope);
		for (int l = 0; l < r->lanes; l++) d[l * r->apart] = acc ? d[l * r->apart] + one[l] : one[l];
	}
}

static bool row_has_lanes(const eg_row_shape *s) {
	return s->op == EG_ROW_CE || s->op == EG_ROW_SOFT || s->op == EG_ROW_FOCAL;
}

/* A unit's operands. */
typedef struct row_unit {
	const eg_row_shape *s;
	const float *x, *y, *weight;
	const int32_t *label;
	int64_t rows;
} row_unit;
static row_unit row_unit_of(const eg_row_shape *s, eg_buf x, eg_buf y, eg_buf weight, eg_buf label, int u) {
	return (row_unit){s, eg_at(x, u), y.p ? eg_at(y, u) : NULL, weight.p,
	        label.p ? (const int32_t *)label.p + u * label.stride : NULL, eg_unit_size(s->rows, s->outer, u) * s->inner};
}

/* Where the numbers of row `at` begin. */
static int64_t row_offset(const eg_row_shape *s, int64_t at) { return at / s->inner * s->n * s->inner + at % s->inner; }

/* Rows from number `at` on that lie alike: to the end of the unit, or of the outer index. */
static row_lanes row_lanes_at(const row_unit *unit, int64_t at) {
	const eg_row_shape *s = unit->s;
	const int64_t offset = row_offset(s, at), left = s->inner > 1 ? s->inner - at % s->inner : unit->rows - at;
	row_lanes r = {.s = s, .x = unit->x + offset, .y = unit->y ? unit->y + offset : NULL, .weight = unit->weight, .step = s->inner,
	        .apart = s->inner > 1 ? 1 : s->n, .lanes = left < V ? (int)left : V, .t = vzero(), .weight_t = vset1(1.0f)};
	if (s->op != EG_ROW_SOFT && unit->label) {
		float t[V], w[V];
		classes_read(unit->label + at, r.lanes, s->n, s->ignore, t);
		for (int l = 0; l < V; l++) w[l] = r.weight && t[l] >= 0 ? r.weight[(int)t[l]] : 1.0f;
		r.t = vload(t), r.weight_t = vload(w);
	}
	row_scale(&r);
	return r;
}

void EG_NAME(row_loss_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_loss_fwd_args *a = args;
	const eg_row_shape *s = &a->s;
	if (!row_has_lanes(s)) {
		eg_row_loss_fwd(args, begin, end, worker);
		return;
	}
	for (int u = begin; u < end; u++) {
		const row_unit unit = row_unit_of(s, a->x, a->y, a->weight, a->label, u);
		for (int64_t at = 0; at < unit.rows;) {
			const row_lanes r = row_lanes_at(&unit, at);
			const vf value = row_value(&r);
			vstore_n(eg_at(a->value, u) + at, r.lanes, s->op == EG_ROW_SOFT ? value : classes_count(r.t, value));
			at += r.lanes;
		}
	}
}

void EG_NAME(row_loss_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_row_loss_bwd_args *a = args;
	const eg_row_shape *s = &a->s;
	if (!row_has_lanes(s)) {
		eg_row_loss_bwd(args, begin, end, worker);
		return;
	}
	for (int u = begin; u < end; u++) {
		const row_unit unit = row_unit_of(s, a->x, a->y, a->weight, a->label, u);
		for (int64_t at = 0; at < unit.rows;) {
			const row_lanes r = row_lanes_at(&unit, at);
			const vf g = a->denom.p ? vset1(*(const float *)a->dvalue.p / *(const float *)a->denom.p)
			                        : vload_n(eg_at(a->dvalue, u) + at, r.lanes);
			row_slope(&r, g, eg_at(a->d, u) + row_offset(s, at), a->acc);
			at += r.lanes;
		}
	}
}

/* body_loss.c - softmax and cross-entropy over the middle of (outer, n, inner), over simd.h.
 *
 * inner == 1: the classes lie in the lanes, one row at a time. inner > 1: V neighbouring positions lie in the lanes and
 * the classes come one after the other. The logarithm, one for each position, is libm's. A loss is formed from x - max,
 * never from max + log(sum): large logits would cost it its digits.
 *
 * Not here: ce_denom and ce_mean, a handful of additions that the ref table does as well. */
#include "kern/body_softmax.h"
#include "kern/kern_softmax.h"

#include <math.h>

/* ---- softmax ----------------------------------------------------------------------------------------------------- */

void EG_NAME(softmax_row)(const float *x, float *y, int n, float *max, float *sum) {
	vf low = vset1(-INFINITY), top = low, total = vzero();
	int i = 0, rest = n % V;
	if (n <= V) { /* all in one register */
		vf v = vload_n(x, n);
		*max = vmax_all(vsel(vfirst(n), v, low));
		v = vsel(vfirst(n), vsub(v, vset1(*max)), vzero()); /* nothing that underflows in spare lanes */
		v = vsel(vfirst(n), vexp(v), vzero());
		*sum = vsum(v);
		vstore_n(y, n, vmul(v, vset1(1.0f / *sum)));
		return;
	}
	for (; i + V <= n; i += V) top = vmax(top, vload(x + i));
	if (rest) top = vmax(top, vsel(vfirst(rest), vload_n(x + i, rest), low));
	*max = vmax_all(top);
	top = vset1(*max);
	for (i = 0; i + V <= n; i += V) {
		vf e = vexp(vsub(vload(x + i), top));
		total = vadd(total, e);
		vstore(y + i, e);
	}
	if (rest) {
		vf e = vsel(vfirst(rest), vexp(vsub(vload_n(x + i, rest), top)), vzero());
		total = vadd(total, e);
		vstore_n(y + i, rest, e);
	}
	*sum = vsum(total);
	vf scale = vset1(1.0f / *sum);
	for (i = 0; i + V <= n; i += V) vstore(y + i, vmul(vload(y + i), scale));
	if (rest) vstore_n(y + i, rest, vmul(vload_n(y + i, rest), scale));
}

/* The same for `lanes` neighbouring positions, classes `inner` apart. */
EG_ALWAYS_INLINE void loss_softmax_lanes(
	const float *x, float *y, int n, ptrdiff_t inner, int lanes, vf *max, vf *sum) {
	vf top = vload_n(x, lanes), total = vzero();
	for (int c = 1; c < n; c++) top = vmax(top, vload_n(x + c * inner, lanes));
	for (int c = 0; c < n; c++) {
		vf e = vexp(vsub(vload_n(x + c * inner, lanes), top));
		total = vadd(total, e);
		vstore_n(y + c * inner, lanes, e);
	}
	vf scale = vdiv(vset1(1.0f), total);
	for (int c = 0; c < n; c++) vstore_n(y + c * inner, lanes, vmul(vload_n(y + c * inner, lanes), scale));
	*max = top;
	*sum = total;
}

void EG_NAME(softmax_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_softmax_args *a = args;
	ptrdiff_t size = (ptrdiff_t)a->n * a->inner;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u), m, s;
		for (int64_t o = eg_unit_size(a->rows, a->outer, u); o > 0; o--, x += size, y += size) {
			int i = 0;
			vf max, sum;
			if (a->inner == 1) {
				EG_NAME(softmax_row)(x, y, a->n, &m, &s);
				continue;
			}
			for (; i + V <= a->inner; i += V)
				loss_softmax_lanes(x + i, y + i, a->n, a->inner, V, &max, &sum);
			if (i < a->inner) loss_softmax_lanes(x + i, y + i, a->n, a->inner, a->inner - i, &max, &sum);
		}
	}
}

EG_ALWAYS_INLINE void loss_softmax_grad(const float *y, const float *dy, float *dx, vf dot, int lanes, bool acc) {
	vf g = vmul(vload_n(y, lanes), vsub(vload_n(dy, lanes), dot));
	vstore_n(dx, lanes, acc ? vadd(vload_n(dx, lanes), g) : g);
}

void EG_NAME(softmax_bwd_row)(const float *y, const float *dy, float *dx, int n, bool acc) {
	vf dot = vzero();
	int i = 0;
	for (; i + V <= n; i += V) dot = vfma(vload(y + i), vload(dy + i), dot);
	if (i < n) dot = vfma(vload_n(y + i, n - i), vload_n(dy + i, n - i), dot);
	dot = vset1(vsum(dot));
	for (i = 0; i + V <= n; i += V) loss_softmax_grad(y + i, dy + i, dx + i, dot, V, acc);
	if (i < n) loss_softmax_grad(y + i, dy + i, dx + i, dot, n - i, acc);
}

EG_ALWAYS_INLINE void loss_softmax_bwd_lanes(
	const float *y, const float *dy, float *dx, int n, ptrdiff_t inner, int lanes, bool acc) {
	vf dot = vzero();
	for (int c = 0; c < n; c++) dot = vfma(vload_n(y + c * inner, lanes), vload_n(dy + c * inner, lanes), dot);
	for (int c = 0; c < n; c++) loss_softmax_grad(y + c * inner, dy + c * inner, dx + c * inner, dot, lanes, acc);
}

void EG_NAME(softmax_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_softmax_bwd_args *a = args;
	ptrdiff_t size = (ptrdiff_t)a->n * a->inner;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *y = eg_at(a->y, u), *dy = eg_at(a->dy, u);
		float *dx = eg_at(a->dx, u);
		for (int64_t o = eg_unit_size(a->rows, a->outer, u); o > 0; o--, y += size, dy += size, dx += size) {
			int i = 0, rest = a->inner % V;
			if (a->inner == 1) {
				EG_NAME(softmax_bwd_row)(y, dy, dx, a->n, a->acc);
				continue;
			}
			for (; i + V <= a->inner; i += V)
				loss_softmax_bwd_lanes(y + i, dy + i, dx + i, a->n, a->inner, V, a->acc);
			if (rest) loss_softmax_bwd_lanes(y + i, dy + i, dx + i, a->n, a->inner, rest, a->acc);
		}
	}
}

/* ---- cross-entropy ----------------------------------------------------------------------------------------------- */

/* What the rows of a job have in common. */
typedef struct loss_job {
	const float *w; /* class weights or NULL */
	float wsum;     /* their sum */
	float hard;     /* (1-e), in the backward pass times dloss/denom */
	float soft;     /* e/n, likewise */
	int n, inner;
	int32_t ignore;
} loss_job;

static loss_job loss_job_of(const eg_ce_shape *s, const float *w, float g) {
	float e = s->smoothing, soft = e == 0.0f ? 0.0f : g * e / (float)s->n;
	double sum = w ? 0 : s->n;
	for (int c = 0; w && c < s->n; c++) sum += (double)w[c];
	return (loss_job){w, (float)sum, g * (1.0f - e), soft, s->n, s->inner, s->ignore};
}

EG_ALWAYS_INLINE float loss_weight(const loss_job *j, int c) { return j->w ? j->w[c] : 1.0f; }
EG_ALWAYS_INLINE bool loss_valid(const loss_job *j, int32_t t) { return t >= 0 && t < j->n; }

/* Loss of one position. x is its first class; `logits` = sum of w[c] * (x[c] - max), needed with smoothing only. */
EG_ALWAYS_INLINE float loss_of(const loss_job *j, const float *x, int32_t t, float max, float sum, float logits) {
	if (t == j->ignore) return 0.0f;
	if (!loss_valid(j, t)) return NAN;
	float log_sum = logf(sum), loss = j->hard * loss_weight(j, t) * (log_sum - (x[(ptrdiff_t)t * j->inner] - max));
	return j->soft == 0.0f ? loss : loss + j->soft * (j->wsum * log_sum - logits);
}

static void ce_fwd_row_f32(const loss_job *j, const float *x, const int32_t *t, float *prob, float *loss) {
	float max, sum, logits = 0;
	EG_NAME(softmax_row)(x, prob, j->n, &max, &sum);
	if (j->soft != 0.0f) {
		vf s = vzero(), top = vset1(max), one = vset1(1.0f);
		for (int i = 0; i < j->n; i += V) {
			int lanes = j->n - i < V ? j->n - i : V;
			vf d = vsel(vfirst(lanes), vsub(vload_n(x + i, lanes), top), vzero());
			s = vfma(j->w ? vload_n(j->w + i, lanes) : one, d, s);
		}
		logits = vsum(s);
	}
	*loss = loss_of(j, x, *t, max, sum, logits);
}

EG_ALWAYS_INLINE void loss_ce_fwd_lanes(
	const loss_job *j, const float *x, const int32_t *t, float *prob, float *loss, int lanes) {
	float max[V], sum[V], logits[V];
	vf top, total, s = vzero();
	loss_softmax_lanes(x, prob, j->n, j->inner, lanes, &top, &total);
	for (int c = 0; j->soft != 0.0f && c < j->n; c++)
		s = vfma(vset1(loss_weight(j, c)), vsub(vload_n(x + (ptrdiff_t)c * j->inner, lanes), top), s);
	vstore(max, top);
	vstore(sum, total);
	vstore(logits, s);
	for (int l = 0; l < lanes; l++) loss[l] = loss_of(j, x + l, t[l], max[l], sum[l], logits[l]);
}

void EG_NAME(ce_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ce_fwd_args *a = args;
	const loss_job j = loss_job_of(&a->s, a->weight.p, 1.0f);
	ptrdiff_t size = (ptrdiff_t)j.n * j.inner;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u);
		const int32_t *t = (const int32_t *)a->target.p + u * a->target.stride;
		float *prob = eg_at(a->prob, u), *loss = eg_at(a->rowloss, u);
		for (int64_t o = eg_unit_size(a->s.rows, a->s.outer, u); o > 0; o--) {
			int i = 0;
			if (j.inner == 1) {
				ce_fwd_row_f32(&j, x, t, prob, loss);
			} else {
				for (; i + V <= j.inner; i += V)
					loss_ce_fwd_lanes(&j, x + i, t + i, prob + i, loss + i, V);
				if (i < j.inner) loss_ce_fwd_lanes(&j, x + i, t + i, prob + i, loss + i, j.inner - i);
			}
			x += size;
			prob += size;
			t += j.inner;
			loss += j.inner;
		}
	}
}

/* hard * (p - onehot) + soft * (p * wsum - w), where hard has w[t] in it. */
EG_ALWAYS_INLINE vf loss_ce_grad(const loss_job *j, vf p, vf w, vf hard, vf soft) {
	vf g = vmul(hard, p);
	return j->soft == 0.0f ? g : vfma(soft, vsub(vmul(p, vset1(j->wsum)), w), g);
}

/* dx of one row: first as if there was no target, then the element of the target once more, by itself: (p - 1) must be
 * formed before it is scaled, or it loses its digits when p is near 1. */
static void ce_bwd_row_f32(const loss_job *j, const float *p, int32_t t, float *dx, bool acc) {
	bool valid = loss_valid(j, t);
	float hard = valid ? j->hard * loss_weight(j, t) : NAN, at = valid && acc ? dx[t] : 0.0f;
	if (t == j->ignore) {
		for (int i = 0; !acc && i < j->n; i++) dx[i] = 0.0f;
		return;
	}
	for (int i = 0; i < j->n; i += V) {
		int lanes = j->n - i < V ? j->n - i : V;
		vf w = j->w && j->soft != 0.0f ? vload_n(j->w + i, lanes) : vset1(1.0f);
		vf g = loss_ce_grad(j, vload_n(p + i, lanes), w, vset1(hard), vset1(j->soft));
		vstore_n(dx + i, lanes, acc ? vadd(vload_n(dx + i, lanes), g) : g);
	}
	if (valid) dx[t] = at + (hard * (p[t] - 1.0f) + j->soft * (p[t] * j->wsum - loss_weight(j, t)));
}

/* The same for `lanes` neighbouring positions. */
EG_ALWAYS_INLINE void loss_ce_bwd_lanes(
	const loss_job *j, const float *p, const int32_t *t, float *dx, int lanes, bool acc) {
	float hard[V] = {0}, counts[V] = {0}, at[V] = {0};
	for (int l = 0; l < lanes; l++) {
		bool valid = loss_valid(j, t[l]);
		counts[l] = t[l] != j->ignore ? 1.0f : 0.0f;
		hard[l] = valid ? j->hard * loss_weight(j, t[l]) : NAN;
		if (valid && acc) at[l] = dx[(ptrdiff_t)t[l] * j->inner + l];
	}
	vm on = vgt(vload(counts), vzero());
	vf h = vload(hard), soft = vset1(j->soft);
	for (int c = 0; c < j->n; c++) {
		ptrdiff_t i = (ptrdiff_t)c * j->inner;
		vf g = vsel(on, loss_ce_grad(j, vload_n(p + i, lanes), vset1(loss_weight(j, c)), h, soft), vzero());
		vstore_n(dx + i, lanes, acc ? vadd(vload_n(dx + i, lanes), g) : g);
	}
	for (int l = 0; l < lanes; l++) {
		if (t[l] == j->ignore || !loss_valid(j, t[l])) continue;
		ptrdiff_t i = (ptrdiff_t)t[l] * j->inner + l;
		dx[i] = at[l] + (hard[l] * (p[i] - 1.0f) + j->soft * (p[i] * j->wsum - loss_weight(j, t[l])));
	}
}

void EG_NAME(ce_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ce_bwd_args *a = args;
	float g = *(const float *)a->dloss.p / *(const float *)a->denom.p;
	const loss_job j = loss_job_of(&a->s, a->weight.p, g);
	ptrdiff_t size = (ptrdiff_t)j.n * j.inner;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *p = eg_at(a->prob, u);
		const int32_t *t = (const int32_t *)a->target.p + u * a->target.stride;
		float *dx = eg_at(a->dx, u);
		for (int64_t o = eg_unit_size(a->s.rows, a->s.outer, u); o > 0; o--, p += size, dx += size, t += j.inner) {
			int i = 0;
			if (j.inner == 1) {
				ce_bwd_row_f32(&j, p, *t, dx, a->acc);
				continue;
			}
			for (; i + V <= j.inner; i += V) loss_ce_bwd_lanes(&j, p + i, t + i, dx + i, V, a->acc);
			if (i < j.inner) loss_ce_bwd_lanes(&j, p + i, t + i, dx + i, j.inner - i, a->acc);
		}
	}
}

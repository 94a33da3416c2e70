/* ref_contrast.c - rows brought to length 1, and compared with all others of their batch, in plain C (kern_losses.h).
 * */
#include "kern/ref.h"

static const double LEAST = 1e-12; /* norm of a row */

static double dot(const real *x, const real *y, int n) {
	double sum = 0;
	for (int c = 0; c < n; c++) sum += (double)x[c] * (double)y[c];
	return sum;
}

/* ---- length 1 ----------------------------------------------------------------------------------------------------
 * */

static void unit_rows_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_unit_rows_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->rows, begin, end) && a->n >= 1 && a->x.p && a->y.p && a->norm.p);
	for (int64_t r = (int64_t)begin * a->unit; r < a->rows && r < (int64_t)end * a->unit; r++) {
		const real *x = (const real *)a->x.p + r * a->n;
		real *y = (real *)a->y.p + r * a->n;
		double norm = sqrt(dot(x, x, a->n));
		if (norm < LEAST) norm = LEAST;
		((real *)a->norm.p)[r] = (real)norm;
		for (int c = 0; c < a->n; c++) y[c] = (real)((double)x[c] / norm);
	}
}

static void unit_rows_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_unit_rows_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->rows, begin, end) && a->n >= 1 && a->y.p && a->norm.p && a->dy.p && a->dx.p);
	for (int64_t r = (int64_t)begin * a->unit; r < a->rows && r < (int64_t)end * a->unit; r++) {
		const real *y = (const real *)a->y.p + r * a->n, *dy = (const real *)a->dy.p + r * a->n;
		real *dx = (real *)a->dx.p + r * a->n;
		double norm = (double)((const real *)a->norm.p)[r],
		       along = norm > LEAST * 1.001 || norm != norm ? dot(y, dy, a->n) : 0;
		for (int c = 0; c < a->n; c++) {
			real d = (real)(((double)dy[c] - along * (double)y[c]) / norm);
			dx[c] = a->acc ? dx[c] + d : d;
		}
	}
}

/* ---- all against all ---------------------------------------------------------------------------------------------
 * */

static double likeness(const eg_contrast_shape *s, const real *z, int64_t i, int64_t j) {
	return dot(z + i * s->n, z + j * s->n, s->n) * (double)s->heat;
}

static void contrast_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_contrast_fwd_args *a = args;
	const eg_contrast_shape *s = &a->s;
	const real *z = a->z.p;
	const int32_t *label = a->label.p;
	EG_UNUSED(worker);
	assert(units_ok(s->unit, s->rows, begin, end) && s->n >= 1 && z && label && a->loss.p && a->scale.p &&
	        a->peers.p);
	for (int64_t i = (int64_t)begin * s->unit; i < s->rows && i < (int64_t)end * s->unit; i++) {
		double max = (double)-INFINITY, sum = 0, peers = 0, common = 0;
		for (int64_t j = 0; j < s->rows && label[i] != s->ignore; j++) {
			if (j == i || label[j] == s->ignore) continue;
			double v = likeness(s, z, i, j);
			if (label[j] == label[i]) peers += 1, common += v;
			if (v > max)
				sum = sum * exp(max - v) + 1, max = v;
			else
				sum += exp(v - max);
		}
		double scale = peers > 0 ? max + log(sum) : 0;
		((real *)a->scale.p)[i] = (real)scale;
		((real *)a->peers.p)[i] = (real)peers;
		((real *)a->loss.p)[i] = peers > 0 ? (real)(scale - common / peers) : 0;
	}
}

static void contrast_mean__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_contrast_mean_args *a = args;
	const real *rowloss = a->rowloss.p, *peers = a->peers.p;
	EG_UNUSED(worker);
	assert(a->rows >= 1 && rowloss && peers && a->loss.p && a->anchors.p && end <= 1);
	if (begin == end) return;
	double sum = 0, anchors = 0;
	for (int64_t i = 0; i < a->rows; i++) sum += (double)rowloss[i], anchors += peers[i] > 0 ? 1 : 0;
	if (anchors < 1) anchors = 1;
	*(real *)a->loss.p = (real)(sum / anchors);
	*(real *)a->anchors.p = (real)anchors;
}

/* The derivative of anchor i's loss by s_ij. */
static double pull(const eg_contrast_bwd_args *a, int64_t i, int64_t j, double s_ij) {
	const int32_t *label = a->label.p;
	double peers = (double)((const real *)a->peers.p)[i];
	if (!(peers > 0)) return 0;
	return exp(s_ij - (double)((const real *)a->scale.p)[i]) - (label[i] == label[j] ? 1 / peers : 0);
}

static void contrast_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_contrast_bwd_args *a = args;
	const eg_contrast_shape *s = &a->s;
	const real *z = a->z.p;
	const int32_t *label = a->label.p;
	EG_UNUSED(worker);
	assert(units_ok(s->unit, s->rows, begin, end) && s->n >= 1 && z && label && a->scale.p && a->peers.p &&
	        a->dloss.p && a->dz.p);
	const double share = (double)*(const real *)a->dloss.p / (double)*(const real *)a->anchors.p * (double)s->heat;
	for (int64_t i = (int64_t)begin * s->unit; i < s->rows && i < (int64_t)end * s->unit; i++) {
		real *dz = (real *)a->dz.p + i * s->n;
		memset(dz, 0, (size_t)s->n * sizeof *dz);
		for (int64_t j = 0; j < s->rows && label[i] != s->ignore; j++) {
			if (j == i || label[j] == s->ignore) continue;
			double v = likeness(s, z, i, j), d = share * (pull(a, i, j, v) + pull(a, j, i, v));
			for (int c = 0; c < s->n; c++) dz[c] += (real)(d * (double)z[j * s->n + c]);
		}
	}
}

void fill_contrast__ref(eg_kernels *k) {
	EG_FILL(k, unit_rows_fwd, unit_rows_fwd__ref);
	EG_FILL(k, unit_rows_bwd, unit_rows_bwd__ref);
	EG_FILL(k, contrast_fwd, contrast_fwd__ref);
	EG_FILL(k, contrast_mean, contrast_mean__ref);
	EG_FILL(k, contrast_bwd, contrast_bwd__ref);
}

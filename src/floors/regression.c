/* regression.c - the floors `mean` and `linear-regression` of the task regress.
 *
 * mean: always the mean of the training targets, which no constant does better than by the squared error; r2 is 0
 * then.
 *
 * linear-regression: a weighted sum of the input's numbers and a constant (Legendre 1805, Gauss 1809), with a
 * touch of ridge (Hoerl and Kennard 1970) that makes it well defined where inputs depend on each other:
 *
 *   (X'X + r n I) W = X'Y        X: a row a sample, means taken off; Y: targets likewise; r = 1e-6 of the mean variance
 *
 * solved by Cholesky's L L' of the matrix on the left. */
#include "floors/floors.h"

#include <math.h>
#include <string.h>

enum { WIDEST = 512 };

typedef struct regression {
	eg_floor base;
	int D, K;                     /* inputs (of the mean: 0), targets */
	double *mean_x, *mean_y, *xx, *xy; /* (D), (K), (D,D), (D,K); then xy holds the weights */
} regression;

static bool is_mean(const eg_floor *f) { return !strcmp(f->type->info.name, "mean"); }

static const eg_real *targets(const eg_floor *f, const eg_floor_batch *b, int i, int K) {
	return (const eg_real *)eg_batch_input(&b->run, eg_task_target_input(f->task)) + (ptrdiff_t)i * K;
}

static int targets_of(const eg_floor *f) {
	eg_dims d = eg_tensor_dims(f->graph, eg_graph_find(f->graph, eg_task_target_input(f->task)));
	int64_t n = 1;
	for (int i = 1; i < d.rank; i++) n *= d.d[i] > 0 ? d.d[i] : 0;
	return (int)n;
}

/* Calls `add` for every sample. */
static eg_status each(regression *m, const eg_floor_part *p, void (*add)(regression *, const eg_real *, const eg_real *),
	eg_error *err) {
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	while (!status && b.n > 0) {
		for (int i = 0; i < b.n; i++)
			add(m, m->D ? eg_floor_row(&m->base, &b, i) : NULL, targets(&m->base, &b, i, m->K));
		status = eg_floor_tell(&m->base, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

static void add_means(regression *m, const eg_real *x, const eg_real *y) {
	for (int k = 0; k < m->K; k++) m->mean_y[k] += (double)y[k];
	for (int d = 0; d < m->D; d++) m->mean_x[d] += (double)x[d];
}

static void add_products(regression *m, const eg_real *x, const eg_real *y) {
	double own[WIDEST];
	for (int d = 0; d < m->D; d++) own[d] = (double)x[d] - m->mean_x[d];
	for (int d = 0; d < m->D; d++) {
		for (int e = 0; e <= d; e++) m->xx[d * m->D + e] += own[d] * own[e];
		for (int k = 0; k < m->K; k++) m->xy[d * m->K + k] += own[d] * ((double)y[k] - m->mean_y[k]);
	}
}

/* xx becomes L, its lower half; xy the solution. */
static void solve(regression *m) {
	int D = m->D, K = m->K;
	double *A = m->xx, sum = 0;
	for (int d = 0; d < D; d++) sum += A[d * D + d];
	double ridge = fmax(1e-6 * sum / D, 1e-300);
	for (int i = 0; i < D; i++)
		for (int j = 0; j <= i; j++) {
			double s = A[i * D + j] + (i == j ? ridge : 0);
			for (int k = 0; k < j; k++) s -= A[i * D + k] * A[j * D + k];
			A[i * D + j] = i == j ? sqrt(fmax(s, ridge)) : s / A[j * D + j];
		}
	for (int k = 0; k < K; k++) {
		for (int i = 0; i < D; i++) {
			for (int j = 0; j < i; j++) m->xy[i * K + k] -= A[i * D + j] * m->xy[j * K + k];
			m->xy[i * K + k] /= A[i * D + i];
		}
		for (int i = D - 1; i >= 0; i--) {
			for (int j = i + 1; j < D; j++) m->xy[i * K + k] -= A[j * D + i] * m->xy[j * K + k];
			m->xy[i * K + k] /= A[i * D + i];
		}
	}
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	regression *m = (regression *)f;
	m->K = targets_of(f);
	m->D = is_mean(f) ? 0 : (int)eg_floor_width(f);
	size_t D = (size_t)m->D, K = (size_t)m->K;
	m->mean_x = eg_calloc(NULL, D + K + D * D + D * K + 1, sizeof *m->mean_x);
	if (!m->mean_x) return eg_floor_no_memory(f, err);
	m->mean_y = m->mean_x + D, m->xx = m->mean_y + K, m->xy = m->xx + D * D;
	eg_status status = each(m, p, add_means, err);
	for (size_t i = 0; i < D + K; i++) m->mean_x[i] /= (double)p->count;
	if (!status && D > 0) status = each(m, p, add_products, err);
	if (!status && D > 0) solve(m);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const regression *m = (const regression *)f;
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)m->K);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out) return eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++)
		for (int k = 0; k < m->K; k++) {
			double y = m->mean_y[k];
			for (int d = 0; d < m->D; d++)
				y += ((double)eg_floor_row(f, b, i)[d] - m->mean_x[d]) * m->xy[d * m->K + k];
			out[i * m->K + k] = (eg_real)y;
		}
	*said = (eg_said){out, {2, {b->n, m->K}}, false};
	return EG_OK;
}

static bool serves_mean(const eg_floor *f) { return f->task->nintakes == f->task->ninputs + 1 && targets_of(f) > 0; }
static bool serves_linear(const eg_floor *f) {
	return serves_mean(f) && f->task->ninputs == 1 && eg_floor_width(f) > 0 && eg_floor_width(f) <= WIDEST;
}

static void free_floor(eg_floor *f) { eg_release(NULL, ((regression *)f)->mean_x); }

const eg_floor_type eg_floor_type_mean = {
	.info = {.name = "mean",
		.task = "regress",
		.doc = "always the mean of the training targets",
		.source = "Legendre 1805 (least squares of a constant)",
		.version = 1},
	.size = sizeof(regression),
	.serves = serves_mean,
	.train = train,
	.say = say,
	.free = free_floor,
};

const eg_floor_type eg_floor_type_linear_regression = {
	.info = {.name = "linear-regression",
		.task = "regress",
		.doc = "a weighted sum of the input's numbers, by least squares",
		.source = "Legendre 1805; Gauss 1809; ridge: Hoerl and Kennard 1970",
		.version = 1},
	.size = sizeof(regression),
	.serves = serves_linear,
	.train = train,
	.say = say,
	.free = free_floor,
};

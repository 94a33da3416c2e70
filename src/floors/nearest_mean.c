/* nearest_mean.c - the floor `nearest-mean`: the class whose mean picture (or row of numbers) is nearest. What a
 * network without hidden layers can do with one look at the data.
 *
 *   argmin_k |x - m_k|^2 = argmax_k (2 <x, m_k> - |m_k|^2)        m_k: the mean of the training samples of class k */
#include "floors/floors.h"

typedef struct nearest_mean {
	eg_floor base;
	int64_t *n;     /* samples of each class */
	double *mean;   /* [class][number] */
	double *length; /* |m_k|^2 */
} nearest_mean;

static void add(nearest_mean *m, const eg_floor_batch *b, int64_t D) {
	for (int i = 0; i < b->n; i++) {
		int k = eg_floor_label(&m->base, b, i);
		const eg_real *x = eg_floor_row(&m->base, b, i);
		if (k < 0) continue;
		m->n[k]++;
		for (int64_t d = 0; d < D; d++) m->mean[k * D + d] += (double)x[d];
	}
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	nearest_mean *m = (nearest_mean *)f;
	int K = eg_floor_classes(f);
	int64_t D = eg_floor_width(f);
	eg_floor_batch b = {.part = p};
	m->n = eg_calloc(NULL, (size_t)K, sizeof *m->n);
	m->length = eg_calloc(NULL, (size_t)K, sizeof *m->length);
	m->mean = eg_calloc(NULL, (size_t)(K * D), sizeof *m->mean);
	eg_status status = m->n && m->length && m->mean ? eg_floor_next(&b, EG_FLOOR_BATCH, err) : eg_floor_no_memory(f, err);
	while (!status && b.n > 0) {
		add(m, &b, D);
		status = eg_floor_tell(f, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	for (int k = 0; k < K && !status; k++)
		for (int64_t d = 0; d < D && m->n[k] > 0; d++) {
			double *x = &m->mean[k * D + d];
			*x /= (double)m->n[k];
			m->length[k] += *x * *x;
		}
	eg_floor_batch_free(&b);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const nearest_mean *m = (const nearest_mean *)f;
	int K = eg_floor_classes(f);
	int64_t D = eg_floor_width(f);
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out) return eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++)
		for (int k = 0; k < K; k++) {
			const eg_real *x = eg_floor_row(f, b, i);
			double inner = 0;
			for (int64_t d = 0; d < D; d++) inner += (double)x[d] * m->mean[k * D + d];
			out[i * K + k] = m->n[k] > 0 ? (eg_real)(2 * inner - m->length[k]) : (eg_real)-1e30;
		}
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static bool serves(const eg_floor *f) { return f->task->ninputs == 1 && f->task->nintakes == 2 && eg_floor_width(f) > 0; }

static void free_floor(eg_floor *f) {
	nearest_mean *m = (nearest_mean *)f;
	eg_release(NULL, m->n);
	eg_release(NULL, m->length);
	eg_release(NULL, m->mean);
}

const eg_floor_type eg_floor_type_nearest_mean = {
	.info = {.name = "nearest-mean",
		.task = "classify",
		.doc = "the class whose mean picture, or row of numbers, is nearest",
		.source = "Rocchio 1971; Tibshirani et al. 2002",
		.version = 1},
	.size = sizeof(nearest_mean),
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};

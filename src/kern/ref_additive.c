/* ref_additive.c - scores of additive attention, and their gradient, in plain C. */
#include "kern/ref.h"

static int keys_of(const eg_additive_shape *s, eg_buf lengths, int b) {
	const int n = lengths.p ? ((const int32_t *)lengths.p)[b] : s->Lk;
	return n < 0 ? 0 : n > s->Lk ? s->Lk : n;
}

static inline bool shape_ok(const eg_additive_shape *s, int begin, int end) {
	return s->N >= 1 && s->Lq >= 1 && s->Lk >= 1 && s->n >= 1 && 0 <= begin && begin <= end && end <= s->N;
}

static void additive_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_additive_args *a = args;
	const eg_additive_shape *s = &a->s;
	const real *v = a->v.p;
	EG_UNUSED(worker), EG_UNUSED(shape_ok); /* without assertions nobody asks */
	assert(shape_ok(s, begin, end) && a->q.p && a->k.p && v && a->score.p);
	for (int b = begin; b < end; b++)
		for (int i = 0, keys = keys_of(s, a->lengths, b); i < s->Lq; i++) {
			const real *q = (const real *)a->q.p + ((ptrdiff_t)i * s->N + b) * s->n;
			real *score = (real *)a->score.p + ((ptrdiff_t)b * s->Lq + i) * s->Lk;
			for (int j = 0; j < s->Lk; j++) {
				const real *k = (const real *)a->k.p + ((ptrdiff_t)j * s->N + b) * s->n;
				score[j] = 0;
				for (int c = 0; c < s->n && j < keys; c++) score[j] += v[c] * real_tanh(q[c] + k[c]);
			}
		}
}

static void additive_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_additive_bwd_args *a = args;
	const eg_additive_shape *s = &a->s;
	const real *v = a->v.p;
	EG_UNUSED(worker);
	assert(shape_ok(s, begin, end) && a->q.p && a->k.p && v && a->dscore.p && a->dq.p && a->dk.p && a->dv.p);
	for (int b = begin; b < end; b++) {
		const int keys = keys_of(s, a->lengths, b);
		real *dv = (real *)a->dv.p + (ptrdiff_t)b * s->n;
		for (int c = 0; c < s->n; c++) dv[c] = 0;
		for (int j = 0; j < s->Lk; j++)
			for (int c = 0; c < s->n; c++) ((real *)a->dk.p)[((ptrdiff_t)j * s->N + b) * s->n + c] = 0;
		for (int i = 0; i < s->Lq; i++) {
			const real *q = (const real *)a->q.p + ((ptrdiff_t)i * s->N + b) * s->n;
			const real *ds = (const real *)a->dscore.p + ((ptrdiff_t)b * s->Lq + i) * s->Lk;
			real *dq = (real *)a->dq.p + ((ptrdiff_t)i * s->N + b) * s->n;
			for (int c = 0; c < s->n; c++) dq[c] = 0;
			for (int j = 0; j < keys; j++) {
				const real *k = (const real *)a->k.p + ((ptrdiff_t)j * s->N + b) * s->n;
				real *dk = (real *)a->dk.p + ((ptrdiff_t)j * s->N + b) * s->n;
				for (int c = 0; c < s->n; c++) {
					const real t = real_tanh(q[c] + k[c]), d = ds[j] * v[c] * (1 - t * t);
					dv[c] += ds[j] * t;
					dq[c] += d;
					dk[c] += d;
				}
			}
		}
	}
}

void fill_additive__ref(eg_kernels *k) {
	EG_FILL(k, additive_fwd, additive_fwd__ref);
	EG_FILL(k, additive_bwd, additive_bwd__ref);
}

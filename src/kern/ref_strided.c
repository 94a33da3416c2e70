/* ref_strided.c - strided: what is only put elsewhere (permuted, cut, repeated), element by element. Not here: sums
 * over what was repeated (sum_to, ref_map.c). */
#include "kern/ref.h"

/* Where element i of y comes from in x; -1: from nowhere, it is 0. */
static int64_t source_of(const eg_strided_args *a, int64_t i) {
	int64_t at = a->offset;
	for (int d = a->rank - 1; d >= 0; d--) {
		const int64_t j = d > 0 ? i % a->size[d] : i, q = (j - a->first[d]) / a->step[d];
		i /= a->size[d];
		if (j < a->first[d] || q >= a->count[d] || a->first[d] + q * a->step[d] != j) return -1;
		at += q * a->stride[d];
	}
	return at;
}

static void strided__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_strided_args *a = args;
	EG_UNUSED(worker);
	assert(a->rank >= 1 && a->rank <= EG_WALK && a->pieces >= 1 && a->rows >= 1 && a->x.p != a->y.p);
	const int64_t wide = a->size[a->rank - 1];
	for (int u = begin; u < end; u++) {
		const int64_t b = u / a->pieces, from = b * a->rows, p = u % a->pieces, base = a->block ? from : 0;
		const int64_t to = from + a->rows < a->total ? from + a->rows : a->total;
		const ptrdiff_t sx = a->block ? b * a->x.stride : 0, sy = a->block ? b * a->y.stride : 0;
		for (int64_t r = from - base; r < to - base; r++)
			for (int64_t k = wide * p / a->pieces; k < wide * (p + 1) / a->pieces; k++) {
				const int64_t i = r * wide + k, at = source_of(a, i);
				if (a->integers) {
					((int32_t *)a->y.p + sy)[i] = at < 0 ? 0 : ((const int32_t *)a->x.p + sx)[at];
					continue;
				}
				const real v = at < 0 ? 0 : ((const real *)a->x.p + sx)[at];
				real *y = (real *)a->y.p + sy + i;
				*y = a->acc ? *y + v : v;
			}
	}
}

void fill_strided__ref(eg_kernels *k) { EG_FILL(k, strided, strided__ref); }

/* body_resample.c - resampling along an axis, where positions hold several numbers each (a row of a picture, or lanes):
 * vectors of these. Where they hold one, positions go one at a time. */
#include "kern/kern_resample.h"
#include "kern/simd.h"

/* One position of the result: `inner` numbers of each of the positions that it is made of. */
EG_ALWAYS_INLINE void resample_position(
	const eg_resample_row *row, const float *x, ptrdiff_t inner, float *y, bool acc) {
	x += row->first * inner;
	for (ptrdiff_t i = 0; i < inner; i += V) {
		const int n = inner - i < V ? (int)(inner - i) : V;
		vf sum = vset1(row->plus);
		for (int k = 0; k < row->count; k++) sum = vfma(vset1(row->w[k]), vload_n(x + k * inner + i, n), sum);
		vstore_n(y + i, n, acc ? vadd(vload_n(y + i, n), sum) : sum);
	}
}

static void resample_numbers(const eg_resample_row *row, int m, const float *x, float *y, bool acc) {
	for (int o = 0; o < m; o++) {
		const float *w = row[o].w, *p = x + row[o].first;
		float sum = row[o].plus;
		for (int k = 0; k < row[o].count; k++) sum += w[k] * p[k];
		y[o] = acc ? y[o] + sum : sum;
	}
}

void EG_NAME(resample)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_resample_args *a = args;
	const int n = a->back ? a->axis.out : a->axis.in, m = a->back ? a->axis.in : a->axis.out;
	const ptrdiff_t inner = (ptrdiff_t)a->inner * (a->lanes ? EG_BLOCK : 1);
	const eg_resample_row *rows = eg_resample_rows(&a->axis, a->back, worker->scratch);
	for (int b = begin; b < end; b++) {
		const float *x = eg_at(a->from, b);
		float *y = eg_at(a->to, b);
		for (int r = a->rows * (a->lanes ? 1 : eg_block_size(a->N, b)); r > 0;
		        r--, x += n * inner, y += m * inner) {
			if (inner == 1)
				resample_numbers(rows, m, x, y, a->acc);
			else
				for (int o = 0; o < m; o++)
					resample_position(&rows[o], x, inner, y + o * inner, a->acc);
		}
	}
}

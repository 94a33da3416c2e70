/* ref_loop.c - rows of one step, in and out of sequences. Copies of whole rows: there is nothing for vectors to do
 * better. */
#include "kern/ref.h"

/* Where row r of block b begins; size: bytes of a row. */
static char *row_of(eg_buf x, const eg_loop_rows_args *a, bool steps, int b, int r, size_t size) {
	const size_t elem = a->integers ? sizeof(int32_t) : sizeof(real);
	if (!x.p) return NULL;
	if (steps) return (char *)x.p + ((size_t)a->t * (size_t)a->N + (size_t)r) * size;
	return (char *)x.p + (ptrdiff_t)elem * b * x.stride + size * (size_t)(r - b * EG_BLOCK);
}

static void loop_rows__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_loop_rows_args *a = args;
	const int32_t *lengths = a->lengths.p;
	const size_t size = (size_t)a->n * (a->integers ? sizeof(int32_t) : sizeof(real));
	EG_UNUSED(worker);
	assert(a->N >= 1 && a->n >= 1 && a->t >= 0 && 0 <= begin && begin <= end && end <= eg_blocks(a->N) && a->x.p &&
	        a->y.p);
	assert(!a->acc || (!a->other.p && !a->integers));
	for (int b = begin; b < end; b++)
		for (int r = b * EG_BLOCK, last = r + eg_block_size(a->N, b); r < last; r++) {
			const bool on = (!lengths || a->t < lengths[r]) != a->behind;
			const char *x = a->x_repeats ? a->x.p : row_of(a->x, a, a->x_steps, b, r, size);
			const char *from = on ? x : row_of(a->other, a, false, b, r, size);
			char *to = row_of(a->y, a, a->y_steps, b, r, size);
			const real *add = (const real *)(const void *)from;
			real *sum = (real *)(void *)to;
			for (int j = 0; j < a->n && a->acc && from; j++) sum[j] += add[j];
			if (a->acc || from == to) continue;
			if (from)
				memcpy(to, from, size);
			else
				memset(to, 0, size);
		}
}

void fill_loop__ref(eg_kernels *k) { EG_FILL(k, loop_rows, loop_rows__ref); }

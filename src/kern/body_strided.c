/* body_strided.c - strided: rows copied, repeated, reversed or gathered; and where the rows of y are the columns of x,
 * tiles turned round in registers. Integers of 32 bits are moved as floats, which changes no bit of them: nothing is
 * computed. */
#include "kern/kern_strided.h"
#include "kern/simd.h"

#include <string.h>

/* Indices of a row of y in all dimensions but the last, and where the row begins in x; -1: nowhere, it is zero. */
typedef struct strided_row {
	int64_t at;
	int index[EG_WALK];
} strided_row;

EG_ALWAYS_INLINE void strided_find(const eg_strided_args *a, strided_row *r) {
	r->at = a->offset;
	for (int d = 0; d < a->rank - 1; d++) {
		const int j = r->index[d] - a->first[d], q = a->step[d] == 1 ? j : j / a->step[d];
		if (j < 0 || q >= a->count[d] || q * a->step[d] != j) {
			r->at = -1;
			return;
		}
		r->at += q * a->stride[d];
	}
}

static void strided_seek(const eg_strided_args *a, int64_t row, strided_row *r) {
	for (int d = a->rank - 2; d >= 0; d--) {
		r->index[d] = (int)(d > 0 ? row % a->size[d] : row);
		row /= a->size[d];
	}
	strided_find(a, r);
}

/* On by n rows, which do not lead beyond the end of the last but one dimension. */
EG_ALWAYS_INLINE void strided_next(const eg_strided_args *a, int n, strided_row *r) {
	int d = a->rank - 2;
	if (d < 0) return;
	r->index[d] += n;
	for (; d > 0 && r->index[d] == a->size[d]; d--) {
		r->index[d] = 0;
		r->index[d - 1]++;
	}
	strided_find(a, r);
}

/* y[k * step] = [y +] x[k * stride], n of them. */
static void strided_line(const float *x, float *y, int n, ptrdiff_t stride, int step, bool acc) {
	if (step != 1 && acc) {
		for (int k = 0; k < n; k++) y[(ptrdiff_t)k * step] += x[k * stride];
	} else if (step != 1) {
		for (int k = 0; k < n; k++) y[(ptrdiff_t)k * step] = x[k * stride];
	} else if (stride == 1 && !acc) {
		memcpy(y, x, (size_t)n * sizeof *y);
	} else if (stride == 0 && !acc) {
		const vf v = vset1(*x);
		for (int k = 0; k < n; k += V) vstore_n(y + k, n - k < V ? n - k : V, v);
	} else if (stride == 1) {
		for (int k = 0; k < n; k += V) {
			const int lanes = n - k < V ? n - k : V;
			vstore_n(y + k, lanes, vadd(vload_n(y + k, lanes), vload_n(x + k, lanes)));
		}
	} else if (acc) {
		for (int k = 0; k < n; k++) y[k] += x[k * stride];
	} else {
		for (int k = 0; k < n; k++) y[k] = x[k * stride];
	}
}

/* Elements [from, to) of the row at y. */
static void strided_part(const eg_strided_args *a, const float *x, int64_t at, float *y, int from, int to) {
	const int d = a->rank - 1, step = a->step[d];
	int q = from <= a->first[d] ? 0 : (from - a->first[d] + step - 1) / step;
	int last = to <= a->first[d] ? 0 : (to - a->first[d] + step - 1) / step;
	if (last > a->count[d]) last = a->count[d];
	if (at < 0 || last < q) last = q;
	if (!a->acc && (last - q < to - from)) memset(y + from, 0, (size_t)(to - from) * sizeof *y);
	if (last > q)
		strided_line(x + at + q * a->stride[d], y + a->first[d] + (ptrdiff_t)q * step, last - q,
			(ptrdiff_t)a->stride[d], step, a->acc);
}

/* Do rows of y that follow each other lie side by side in x? */
static bool strided_turns(const eg_strided_args *a) {
	const int d = a->rank - 1;
	for (int i = d - 1; i <= d; i++)
		if (i < 0 || a->first[i] != 0 || a->step[i] != 1 || a->count[i] != a->size[i]) return false;
	return a->stride[d - 1] == 1 && a->stride[d] != 1 && a->stride[d] != 0;
}

/* `rows` rows of y from x at their beginning, whose columns are `stride` apart in x; elements [from, to). */
EG_ALWAYS_INLINE void strided_tile(const float *x, ptrdiff_t stride, float *y, ptrdiff_t wide, int rows, int cols, bool acc) {
	vf r[V];
	for (int i = 0; i < V; i++) r[i] = i < cols ? vload_n(x + i * stride, rows) : vzero();
	vtranspose(r);
	for (int i = 0; i < rows; i++, y += wide) vstore_n(y, cols, acc ? vadd(vload_n(y, cols), r[i]) : r[i]);
}

static void strided_turn(const eg_strided_args *a, const float *x, float *y, int rows, int from, int to) {
	const ptrdiff_t stride = (ptrdiff_t)a->stride[a->rank - 1], wide = a->size[a->rank - 1];
	for (int k = from; k < to; k += V) {
		const int cols = to - k < V ? to - k : V;
		if (rows == V && cols == V && !a->acc)
			strided_tile(x + k * stride, stride, y + k, wide, V, V, false);
		else
			strided_tile(x + k * stride, stride, y + k, wide, rows, cols, a->acc);
	}
}

void EG_NAME(strided)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_strided_args *a = args;
	const int d = a->rank - 1;
	const int64_t wide = a->size[d];
	const bool turns = strided_turns(a);
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const int64_t b = u / a->pieces, p = u % a->pieces, base = a->block ? b * a->rows : 0;
		const int from = (int)(wide * p / a->pieces), to = (int)(wide * (p + 1) / a->pieces);
		int64_t row = b * a->rows - base, last = (b + 1) * a->rows < a->total ? (b + 1) * a->rows - base : a->total - base;
		const float *x = a->block ? eg_at(a->x, (int)b) : a->x.p;
		float *y = a->block ? eg_at(a->y, (int)b) : a->y.p;
		strided_row r;
		strided_seek(a, row, &r);
		while (row < last) {
			int n = 1;
			if (turns && r.at >= 0) {
				n = a->size[d - 1] - r.index[d - 1] < V ? a->size[d - 1] - r.index[d - 1] : V;
				if (n > last - row) n = (int)(last - row);
				strided_turn(a, x + r.at, y + row * wide, n, from, to);
			} else {
				strided_part(a, x, r.at, y + row * wide, from, to);
			}
			row += n;
			if (row < last) strided_next(a, n, &r);
		}
	}
}

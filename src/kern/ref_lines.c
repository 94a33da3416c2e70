/* ref_lines.c - what goes along lines by a rule, in plain C: padding by what is inside, running sums, triangles,
 * ramps, the largest of a line, steps of time moved on. Inner loops go over what is contiguous, or the lines depend
 * on themselves.
 *
 * Not here: what goes by an index (ref_index.c). */
#include "kern/ref.h"

/* ---- extend ------------------------------------------------------------------------------------------------------ */

/* What was cut off at both sides comes first; then i, which may be outside of the n that are left, is led back into
 * them. -1: nowhere. */
static int64_t inside_of(eg_extend_mode mode, int64_t i, int64_t n) {
	if (i >= 0 && i < n) return i;
	switch (mode) {
	case EG_EXTEND_CONSTANT: return -1;
	case EG_EXTEND_EDGE: return i < 0 ? 0 : n - 1;
	case EG_EXTEND_WRAP: return (i % n + n) % n;
	case EG_EXTEND_REFLECT: {
		const int64_t period = 2 * (n - 1);
		if (n == 1) return 0;
		i = (i % period + period) % period;
		return i < n ? i : period - i;
	}
	}
	return -1;
}

typedef struct side {
	int64_t cut, left, before, all; /* cut off in front, left of x, put in front, elements of y */
} side;

static side side_of(const eg_extend_args *a, int d) {
	const int64_t b = a->before[d], e = a->after[d];
	side s = {.cut = b < 0 ? -b : 0, .before = b > 0 ? b : 0, .all = a->size[d] + b + e};
	s.left = a->size[d] - s.cut - (e < 0 ? -e : 0);
	return s;
}

/* Which element of x's dimension d element i of y's is; -1: none. */
static int64_t source(const eg_extend_args *a, const side *s, int64_t i) {
	const int64_t k = inside_of(a->mode, i - s->before, s->left);
	return k < 0 ? -1 : k + s->cut;
}

/* Where row `row` of y comes from, as a row of x; -1: nowhere. */
static int64_t source_row(const eg_extend_args *a, int64_t row) {
	int64_t at = 0, step = 1;
	for (int d = a->rank - 2; d >= 0; d--) {
		const side s = side_of(a, d);
		const int64_t k = source(a, &s, row % s.all);
		row /= s.all;
		if (k < 0) return -1;
		at += k * step;
		step *= a->size[d];
	}
	return at;
}

static void extend_integers(const eg_extend_args *a, const side *s, int64_t row, int32_t *y) {
	const int64_t from = source_row(a, row);
	const int32_t *x = (const int32_t *)a->from.p + (from < 0 ? 0 : from) * a->size[a->rank - 1];
	for (int64_t j = 0; j < s->all; j++) {
		const int64_t k = from < 0 ? -1 : source(a, s, j);
		y[j] = k < 0 ? (int32_t)a->value : x[k];
	}
}

static void extend_reals(const eg_extend_args *a, const side *s, int64_t row, real *y) {
	const int64_t from = source_row(a, row), behind = s->before + s->left;
	const real *x = (const real *)a->from.p + (from < 0 ? 0 : from) * a->size[a->rank - 1];
	if (from < 0) {
		for (int64_t j = 0; j < s->all; j++) y[j] = a->value;
		return;
	}
	memcpy(y + s->before, x + s->cut, (size_t)s->left * sizeof *y);
	for (int64_t j = 0; j < s->all; j++) {
		if (j == s->before) j = behind;
		const int64_t k = j < s->all ? source(a, s, j) : -1;
		if (j < s->all) y[j] = k < 0 ? a->value : x[k];
	}
}

static void extend_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_extend_args *a = args;
	const side s = side_of(a, a->rank - 1);
	EG_UNUSED(worker);
	assert(a->rank >= 1 && units_ok(a->rows, a->total, begin, end) && s.left >= 1);
	const int64_t last = end * a->rows < a->total ? end * a->rows : a->total;
	for (int64_t r = begin * a->rows; r < last; r++) {
		if (a->integers)
			extend_integers(a, &s, r, (int32_t *)a->to.p + r * s.all);
		else
			extend_reals(a, &s, r, (real *)a->to.p + r * s.all);
	}
}

/* The next element of y's dimension, from i on, that is element k of x's; `all`: there is none. Those around go
 * first, then the one inside. */
static int64_t next_copy(const eg_extend_args *a, const side *s, int64_t k, int64_t i) {
	for (; i < s->all; i++) {
		if (i == s->before && s->left > 0) { /* what is inside is itself alone */
			const int64_t own = k - s->cut + s->before;
			if (own >= i && own < s->before + s->left) return own;
			i = s->before + s->left - 1;
			continue;
		}
		if (i > s->before && i < s->before + s->left) {
			i = s->before + s->left - 1;
			continue;
		}
		if (source(a, s, i) == k) return i;
	}
	return s->all;
}

static void add_row(const eg_extend_args *a, const side *s, const real *y, real *x) {
	const int64_t behind = s->before + s->left;
	for (int64_t j = 0; j < s->left; j++) x[s->cut + j] += y[s->before + j];
	for (int64_t j = 0; j < s->all && a->mode != EG_EXTEND_CONSTANT; j++) {
		if (j >= s->before && j < behind) {
			j = behind - 1;
			continue;
		}
		x[source(a, s, j)] += y[j];
	}
}

/* All rows of y that are copies of row `row` of x, in their order. */
static void add_copies(const eg_extend_args *a, const side sides[EG_KDIMS], int64_t row, real *x) {
	const int last = a->rank - 1;
	int64_t own[EG_KDIMS], at[EG_KDIMS];
	for (int d = last - 1; d >= 0; d--) {
		own[d] = row % a->size[d];
		row /= a->size[d];
		at[d] = next_copy(a, &sides[d], own[d], 0);
		if (at[d] == sides[d].all) return; /* it was cut off */
	}
	for (;;) {
		int64_t r = 0;
		int d = last - 1;
		for (int i = 0; i < last; i++) r = r * sides[i].all + at[i];
		add_row(a, &sides[last], (const real *)a->from.p + r * sides[last].all, x);
		for (; d >= 0; d--) {
			at[d] = next_copy(a, &sides[d], own[d], at[d] + 1);
			if (at[d] < sides[d].all) break;
			at[d] = next_copy(a, &sides[d], own[d], 0);
		}
		if (d < 0) return;
	}
}

static void extend_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_extend_args *a = args;
	side sides[EG_KDIMS];
	EG_UNUSED(worker);
	assert(a->rank >= 1 && units_ok(a->rows, a->total, begin, end) && !a->integers);
	for (int d = 0; d < a->rank; d++) sides[d] = side_of(a, d);
	const int64_t wide = a->size[a->rank - 1], last = end * a->rows < a->total ? end * a->rows : a->total;
	for (int64_t r = begin * a->rows; r < last; r++) {
		real *x = (real *)a->to.p + r * wide;
		for (int64_t j = 0; j < wide && !a->acc; j++) x[j] = 0;
		add_copies(a, sides, r, x);
	}
}

/* ---- sums, triangles, ramps -------------------------------------------------------------------------------------- */

static void cumsum__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_cumsum_args *a = args;
	const int64_t pieces = (a->inner + EG_CUMSUM_COLUMNS - 1) / EG_CUMSUM_COLUMNS;
	EG_UNUSED(worker);
	assert(units_ok(1, a->outer * pieces, begin, end) && a->n >= 1 && a->x.p != a->y.p);
	for (int u = begin; u < end; u++) {
		const int64_t first = u % pieces * EG_CUMSUM_COLUMNS, left = a->inner - first;
		const int64_t n = left < EG_CUMSUM_COLUMNS ? left : EG_CUMSUM_COLUMNS;
		double sum[EG_CUMSUM_COLUMNS] = {0};
		for (int64_t i = 0; i < a->n; i++) {
			const int64_t at = (u / pieces * a->n + (a->reverse ? a->n - 1 - i : i)) * a->inner + first;
			const real *x = (const real *)a->x.p + at;
			real *y = (real *)a->y.p + at;
			for (int64_t c = 0; c < n; c++) {
				const double with = sum[c] + (double)x[c];
				const real v = (real)(a->exclusive ? sum[c] : with);
				y[c] = a->acc ? y[c] + v : v;
				sum[c] = with;
			}
		}
	}
}

static void trilu__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_trilu_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->rows >= 1 && a->columns >= 1 && !(a->acc && a->integers));
	const int64_t last = end * a->unit < a->total ? end * a->unit : a->total, w = a->columns;
	const size_t size = a->integers ? sizeof(int32_t) : sizeof(real);
	for (int64_t r = begin * a->unit; r < last; r++) {
		const int64_t edge = r % a->rows + a->k + (a->upper ? 0 : 1), at = edge < 0 ? 0 : edge < w ? edge : w;
		const int64_t from = a->upper ? at : 0, to = a->upper ? w : at; /* what is kept */
		char *y = (char *)a->y.p + (size_t)(r * w) * size;
		const char *x = (const char *)a->x.p + (size_t)(r * w) * size;
		if (a->acc) {
			for (int64_t c = from; c < to; c++)
				((real *)(void *)y)[c] += ((const real *)(const void *)x)[c];
			continue;
		}
		memset(y, 0, (size_t)from * size); /* a zero of either type */
		memcpy(y + (size_t)from * size, x + (size_t)from * size, (size_t)(to - from) * size);
		memset(y + (size_t)to * size, 0, (size_t)(w - to) * size);
	}
}

static void ramp__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ramp_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(EG_CHUNK, a->n, begin, end));
	const int64_t last = (int64_t)end * EG_CHUNK < a->n ? (int64_t)end * EG_CHUNK : a->n;
	for (int64_t i = (int64_t)begin * EG_CHUNK; i < last; i++) {
		const double v = a->start + (double)i * a->step;
		if (a->integers)
			((int32_t *)a->y.p)[i] = (int32_t)v;
		else
			((real *)a->y.p)[i] = (real)v;
	}
}

/* ---- top_k ------------------------------------------------------------------------------------------------------- */

typedef struct line {
	const real *x;
	int64_t stride;
	bool smallest;
} line;

/* Does element i stand before element j? */
static bool before(const line *l, int32_t i, int32_t j) {
	const real a = l->x[i * l->stride], b = l->x[j * l->stride];
	if (isnan(a) || isnan(b)) {
		if (isnan(a) && isnan(b)) return i < j;
		return isnan(a) != l->smallest;
	}
	return a == b ? i < j : (a > b) != l->smallest;
}

/* heap[0] is the one that stands last; heap[at] may stand before its children. */
static void sink(const line *l, int32_t *heap, int n, int at) {
	for (;;) {
		int child = 2 * at + 1;
		if (child >= n) return;
		if (child + 1 < n && before(l, heap[child], heap[child + 1])) child++;
		if (before(l, heap[child], heap[at])) return;
		const int32_t other = heap[at];
		heap[at] = heap[child];
		heap[child] = other;
		at = child;
	}
}

/* The first k of n, in their order. */
static void select_first(const line *l, int n, int k, int32_t *heap) {
	for (int i = 0; i < k; i++) heap[i] = i;
	for (int i = k / 2 - 1; i >= 0; i--) sink(l, heap, k, i);
	for (int i = k; i < n; i++) {
		if (!before(l, i, heap[0])) continue;
		heap[0] = i;
		sink(l, heap, k, 0);
	}
	for (int last = k - 1; last > 0; last--) {
		const int32_t other = heap[0];
		heap[0] = heap[last];
		heap[last] = other;
		sink(l, heap, last, 0);
	}
}

static void top_k__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_top_k_args *a = args;
	const int64_t lines = a->outer * a->inner, last = end * a->rows < lines ? end * a->rows : lines;
	int32_t *heap = worker->scratch;
	assert(units_ok(a->rows, lines, begin, end) && a->k >= 1 && a->k <= a->n);
	for (int64_t i = begin * a->rows; i < last; i++) {
		const int64_t o = i / a->inner, c = i % a->inner;
		const line l = {(const real *)a->x.p + o * a->n * a->inner + c, a->inner, a->smallest};
		select_first(&l, a->n, a->k, heap);
		for (int j = 0; j < a->k; j++) {
			const int64_t at = (o * a->k + j) * a->inner + c;
			((real *)a->values.p)[at] = l.x[heap[j] * l.stride];
			((int32_t *)a->places.p)[at] = heap[j];
		}
	}
}

/* ---- a step of time ---------------------------------------------------------------------------------------------- */

static int length_of(eg_buf lengths, int k, int T) {
	const int n = lengths.p ? ((const int32_t *)lengths.p)[k] : T;
	return n < 0 ? 0 : n > T ? T : n;
}

/* The first step of sample k: what was kept, else the start. */
static void first_step(const eg_shift_args *a, int k, void *y) {
	const real *kept = a->state.p ? (const real *)a->state.p + (ptrdiff_t)k * (a->n + 1) : NULL;
	const size_t size = a->integers ? sizeof(int32_t) : sizeof(real);
	if (kept && kept[a->n] != 0) {
		memcpy(y, kept, (size_t)a->n * size);
		return;
	}
	for (int j = 0; j < a->n; j++) {
		if (a->integers)
			((int32_t *)y)[j] = (int32_t)a->start;
		else
			((real *)y)[j] = (real)a->start;
	}
}

/* What sample k begins the next run with. */
static void keep_last(const eg_shift_args *a, int k) {
	const size_t row = (size_t)a->n * (a->integers ? sizeof(int32_t) : sizeof(real));
	const int length = length_of(a->lengths, k, a->T);
	real *kept = (real *)a->state.p + (ptrdiff_t)k * (a->n + 1);
	if (length == 0) return;
	memcpy(kept, (const char *)a->x.p + ((size_t)(length - 1) * (size_t)a->N + (size_t)k) * row, row);
	kept[a->n] = 1;
}

static void shift_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_shift_args *a = args;
	const size_t row = (size_t)a->n * (a->integers ? sizeof(int32_t) : sizeof(real));
	EG_UNUSED(worker);
	assert(units_ok(1, a->T, begin, end) && a->x.p != a->y.p);
	for (int t = begin; t < end; t++)
		for (int k = 0; k < a->N; k++) {
			char *y = (char *)a->y.p + ((size_t)t * (size_t)a->N + (size_t)k) * row;
			if (t >= length_of(a->lengths, k, a->T))
				memset(y, 0, row);
			else if (t > 0)
				memcpy(y, (const char *)a->x.p + ((size_t)(t - 1) * (size_t)a->N + (size_t)k) * row,
					row);
			else
				first_step(a, k, y);
			if (t == 0 && a->state.p) keep_last(a, k);
		}
}

static void shift_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_shift_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(1, a->T, begin, end));
	for (int t = a->T - 1 - begin; t > a->T - 1 - end; t--)
		for (int k = 0; k < a->N; k++) {
			const ptrdiff_t at = ((ptrdiff_t)t * a->N + k) * a->n;
			const bool read = t + 1 < length_of(a->lengths, k, a->T);
			const real *dy = (const real *)a->dy.p + at + (ptrdiff_t)a->N * a->n;
			real *dx = (real *)a->dx.p + at;
			for (int j = 0; j < a->n; j++) dx[j] = (a->acc ? dx[j] : 0) + (read ? dy[j] : 0);
		}
}

void fill_lines__ref(eg_kernels *k) {
	EG_FILL(k, extend_fwd, extend_fwd__ref);
	EG_FILL(k, extend_bwd, extend_bwd__ref);
	EG_FILL(k, cumsum, cumsum__ref);
	EG_FILL(k, trilu, trilu__ref);
	EG_FILL(k, ramp, ramp__ref);
	EG_FILL(k, top_k, top_k__ref);
	EG_FILL(k, shift_fwd, shift_fwd__ref);
	EG_FILL(k, shift_bwd, shift_bwd__ref);
}

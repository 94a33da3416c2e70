/* ref_index.c - gather, scatter, one_hot in plain C: rows copied as a whole, so that there is nothing for vectors to
 * gain.
 *
 * Not here: what goes by a rule and no index (ref_lines.c). */
#include "kern/ref.h"

/* The walk over rows: where row `at` begins in the indexed tensor but for the index, and in the index. */
typedef struct walk {
	int64_t at[EG_KDIMS], x, i;
} walk;

static walk walk_at(const eg_index_shape *s, int64_t row) {
	walk w = {.x = 0};
	for (int d = s->rank - 1; d >= 0; d--) {
		w.at[d] = row % s->dims[d];
		row /= s->dims[d];
		w.x += w.at[d] * s->sx[d];
		w.i += w.at[d] * s->si[d];
	}
	return w;
}

static inline void walk_on(const eg_index_shape *s, walk *w) {
	for (int d = s->rank - 1; d >= 0; d--) {
		w->x += s->sx[d];
		w->i += s->si[d];
		if (++w->at[d] < s->dims[d]) return;
		w->x -= s->sx[d] * s->dims[d];
		w->i -= s->si[d] * s->dims[d];
		w->at[d] = 0;
	}
}

/* Where the row begins; -1: outside. */
static inline int64_t place_of(const eg_index_shape *s, const walk *w, const int32_t *index) {
	int64_t at = w->x;
	for (int c = 0; c < s->n; c++) {
		int64_t i = index[w->i + c];
		if (i < 0) i += s->size[c];
		if (i < 0 || i >= s->size[c]) return -1;
		at += i * s->stride[c];
	}
	return at;
}

static void row_of_integers(const int32_t *x, int64_t at, int32_t *y, int64_t n) {
	if (at >= 0) memcpy(y, x + at, (size_t)n * sizeof *y);
	for (int64_t k = 0; k < n && at < 0; k++) y[k] = -1;
}

static void row_of_reals(const eg_gather_args *a, int64_t row, int64_t at, real *y) {
	const int64_t n = a->s.width;
	const real *x = (const real *)a->x.p + (at < 0 ? 0 : at);
	const int32_t *owner = a->owner.p ? (const int32_t *)a->owner.p + at : NULL;
	if (at < 0 || owner) {
		for (int64_t k = 0; k < n; k++) {
			const real v = at < 0 ? a->outside : owner[k] == row ? x[k] : 0;
			y[k] = a->acc ? y[k] + v : v;
		}
	} else if (a->acc) {
		for (int64_t k = 0; k < n; k++) y[k] += x[k];
	} else if (n == 1) {
		*y = *x;
	} else {
		memcpy(y, x, (size_t)n * sizeof *y);
	}
}

static void gather__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gather_args *a = args;
	const eg_index_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(s->rank >= 1 && s->n >= 1 && s->width >= 1 && units_ok(a->rows, s->total, begin, end) &&
		!(a->acc && a->integers));
	int64_t row = begin * a->rows;
	const int64_t last = end * a->rows < s->total ? end * a->rows : s->total;
	walk w = walk_at(s, row);
	for (; row < last; row++, walk_on(s, &w)) {
		const int64_t at = place_of(s, &w, a->index.p);
		if (a->integers)
			row_of_integers(a->x.p, at, (int32_t *)a->y.p + row * s->width, s->width);
		else
			row_of_reals(a, row, at, (real *)a->y.p + row * s->width);
	}
}

/* ---- scatter ----------------------------------------------------------------------------------------------------- */

static inline real larger(real a, real b) { return a > b || isnan(a) ? a : b; }
static inline real smaller(real a, real b) { return a < b || isnan(a) ? a : b; }

static void put_reals(eg_scatter_op op, const real *x, real *y, int64_t n) {
	if (!x) { /* nothing is put: zeros */
		for (int64_t k = 0; k < n && op == EG_SCATTER_SET; k++) y[k] = 0;
		return;
	}
	switch (op) {
	case EG_SCATTER_SET:
		for (int64_t k = 0; k < n; k++) y[k] = x[k];
		break;
	case EG_SCATTER_ADD:
		for (int64_t k = 0; k < n; k++) y[k] += x[k];
		break;
	case EG_SCATTER_MUL:
		for (int64_t k = 0; k < n; k++) y[k] *= x[k];
		break;
	case EG_SCATTER_MAX:
		for (int64_t k = 0; k < n; k++) y[k] = larger(y[k], x[k]);
		break;
	case EG_SCATTER_MIN:
		for (int64_t k = 0; k < n; k++) y[k] = smaller(y[k], x[k]);
		break;
	case EG_SCATTER_OWN: break;
	}
}

/* Elements [from, to) of a row. */
static void put(const eg_scatter_args *a, int64_t row, int64_t at, int64_t from, int64_t to) {
	const int64_t first = row * a->s.width + from;
	at += from;
	if (a->op == EG_SCATTER_OWN) {
		for (int64_t k = 0; k < to - from; k++) ((int32_t *)a->y.p)[at + k] = (int32_t)row;
	} else if (a->integers) {
		memcpy((int32_t *)a->y.p + at, (const int32_t *)a->x.p + first, (size_t)(to - from) * sizeof(int32_t));
	} else {
		put_reals(a->op, a->x.p ? (const real *)a->x.p + first : NULL, (real *)a->y.p + at, to - from);
	}
}

static void scatter__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_scatter_args *a = args;
	const eg_index_shape *s = &a->s;
	EG_UNUSED(worker);
	assert(s->rank >= 1 && s->n >= 1 && s->width >= 1 && a->parts >= 1 && a->cut < s->rank && end <= a->parts);
	const int64_t wide = a->cut < 0 ? s->width : s->dims[a->cut];
	const int64_t low = wide * begin / a->parts,
		      high = wide * end / a->parts; /* units are runs, and so is what several of them do */
	int64_t inside = 1;                         /* rows that have the same index in dimension `cut` */
	for (int d = a->cut + 1; a->cut >= 0 && d < s->rank; d++) inside *= s->dims[d];
	const int64_t first = a->cut < 0 ? 0 : low * inside, run = a->cut < 0 ? s->total : (high - low) * inside,
		      step = a->cut < 0 ? s->total : wide * inside;
	for (int64_t from = first; from < s->total && run > 0; from += step) {
		walk w = walk_at(s, from);
		for (int64_t row = from; row < from + run; row++, walk_on(s, &w)) {
			const int64_t at = place_of(s, &w, a->index.p);
			if (at >= 0) put(a, row, at, a->cut < 0 ? low : 0, a->cut < 0 ? high : s->width);
		}
	}
}

static void one_hot__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_one_hot_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->rows, a->outer, begin, end) && a->depth >= 1 && a->inner >= 1);
	const int64_t last = end * a->rows < a->outer ? end * a->rows : a->outer, size = a->depth * a->inner;
	for (int64_t o = begin * a->rows; o < last; o++) {
		const int32_t *index = (const int32_t *)a->index.p + o * a->inner;
		real *y = (real *)a->y.p + o * size;
		for (int64_t k = 0; k < size; k++) y[k] = a->off;
		for (int64_t c = 0; c < a->inner; c++) {
			const int64_t i = index[c] < 0 ? index[c] + a->depth : index[c];
			if (i >= 0 && i < a->depth) y[i * a->inner + c] = a->on;
		}
	}
}

void fill_index__ref(eg_kernels *k) {
	EG_FILL(k, gather, gather__ref);
	EG_FILL(k, scatter, scatter__ref);
	EG_FILL(k, one_hot, one_hot__ref);
}

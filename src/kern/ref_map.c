/* ref_map.c - element-wise kernels, dropout, broadcasting and its adjoint, joining and splitting, change of layout,
 * plain sums. */
#include "kern/ref.h"

/* ---- element-wise ----------------------------------------------------------------------------------------------- */

static void act_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_map_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->x.p && a->y.p && !a->acc);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u);
		real *y = eg_at(a->y, u);
		ptrdiff_t n = eg_unit_size(a->unit, a->total, u);
		if (x != y) memcpy(y, x, (size_t)n * sizeof(real));
		act_apply(a->act, y, n);
	}
}

static void act_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_act_bwd_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->from.p && a->dy.p && a->dx.p && a->dx.p != a->from.p);
	for (int u = begin; u < end; u++) {
		const real *v = eg_at(a->from, u), *dy = eg_at(a->dy, u);
		real *dx = eg_at(a->dx, u);
		for (ptrdiff_t i = 0, n = eg_unit_size(a->unit, a->total, u); i < n; i++) {
			real d = act_grad(a->act, v[i], dy[i]);
			dx[i] = a->acc ? dx[i] + d : d;
		}
	}
}

static void copy__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_map_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->x.p && a->y.p && a->x.p != a->y.p);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u);
		real *y = eg_at(a->y, u);
		ptrdiff_t n = eg_unit_size(a->unit, a->total, u);
		if (a->acc)
			for (ptrdiff_t i = 0; i < n; i++) y[i] += x[i];
		else
			memcpy(y, x, (size_t)n * sizeof(real));
	}
}

static void fill__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_fill_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->y.p);
	for (int u = begin; u < end; u++) {
		real *y = eg_at(a->y, u);
		for (ptrdiff_t i = 0, n = eg_unit_size(a->unit, a->total, u); i < n; i++) y[i] = a->value;
	}
}

static void dropout__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_dropout_args *a = args;
	const eg_dropout_state *state = a->state.p;
	EG_UNUSED(worker);
	assert(units_ok(a->unit, a->total, begin, end) && a->x.p && a->y.p && state && a->unit % 4 == 0);
	assert(0 <= a->rate && a->rate <= 1 && !(a->acc && a->x.p == a->y.p));
	eg_rng rng = {state->seed, eg_stream(EG_RNG_DROPOUT, a->node, state->step)};
	double limit = (double)a->rate * 4294967296.0;
	real keep = 1 / (1 - a->rate);
	for (int u = begin; u < end; u++) {
		const real *x = eg_at(a->x, u);
		real *y = eg_at(a->y, u);
		ptrdiff_t n = eg_unit_size(a->unit, a->total, u);
		for (ptrdiff_t i = 0; i < n; i += 4) {
			uint32_t word[4];
			eg_rng_u32x4(rng, (uint64_t)(u * a->unit + i) / 4, word);
			for (ptrdiff_t j = 0; j < 4 && i + j < n; j++) {
				real v = x[i + j] * ((double)word[j] < limit ? 0 : keep);
				y[i + j] = a->acc ? y[i + j] + v : v;
			}
		}
	}
}

/* ---- broadcasting ----------------------------------------------------------------------------------------------- */

/* Steps the index tuple at[first..last] one further in row-major order; false when it was the last one. */
static bool next_index(int64_t *at, const int64_t *dims, int first, int last) {
	for (int d = last; d >= first; d--) {
		if (++at[d] < dims[d]) return true;
		at[d] = 0;
	}
	return false;
}

static void add__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_add_args *g = args;
	EG_UNUSED(worker);
	assert(1 <= g->rank && g->rank <= EG_KDIMS && g->a.p && g->b.p && g->y.p);
	assert(units_ok(g->rows, g->dims[0], begin, end));
	int last = g->rank - 1; /* the innermost dimension, done by the inner loop */
	for (int u = begin; u < end; u++) {
		const real *a = eg_at(g->a, u), *b = eg_at(g->b, u);
		real *y = eg_at(g->y, u);
		int64_t dims[EG_KDIMS], at[EG_KDIMS] = {0};
		memcpy(dims, g->dims, sizeof dims);
		if (dims[0] - (int64_t)u * g->rows < g->rows)
			dims[0] -= (int64_t)u * g->rows;
		else
			dims[0] = g->rows;
		int64_t n = dims[last], sa = g->sa[last], sb = g->sb[last];
		do {
			int64_t oa = 0, ob = 0;
			for (int d = 0; d < last; d++) oa += at[d] * g->sa[d], ob += at[d] * g->sb[d];
			for (int64_t i = 0; i < n; i++) y[i] = a[oa + i * sa] + b[ob + i * sb];
			act_apply(g->act, y, n);
			y += n;
		} while (next_index(at, dims, 0, last - 1));
	}
}

/* A unit's elements are summed side by side, so that x is walked through once. */
static void sum_to__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_sum_to_args *a = args;
	EG_UNUSED(worker);
	assert(1 <= a->rank && a->rank <= EG_WALK && units_ok(EG_BLOCK, a->count, begin, end) && a->x.p && a->y.p &&
	        a->x.p != a->y.p);
	int64_t sx[EG_WALK], dims[EG_WALK], size = 1; /* dims: the summed ones; those that are kept count as 1 */
	for (int d = a->rank - 1; d >= 0; d--) {
		sx[d] = size;
		size *= a->dims[d];
		dims[d] = a->sy[d] == 0 ? a->dims[d] : 1;
	}
	const real *x = a->x.p;
	real *y = a->y.p;
	for (int u = begin; u < end; u++) {
		int64_t e0 = (int64_t)u * EG_BLOCK, start[EG_BLOCK] = {0}, at[EG_WALK] = {0};
		int n = (int)(a->count - e0 < EG_BLOCK ? a->count - e0 : EG_BLOCK);
		for (int j = 0; j < n; j++)
			for (int d = 0; d < a->rank; d++)
				if (a->sy[d] != 0) start[j] += (e0 + j) / a->sy[d] % a->dims[d] * sx[d];
		real sum[EG_BLOCK] = {0};
		do {
			int64_t offset = 0;
			for (int d = 0; d < a->rank; d++) offset += at[d] * sx[d];
			for (int j = 0; j < n; j++) sum[j] += x[start[j] + offset];
		} while (next_index(at, dims, 0, a->rank - 1));
		for (int j = 0; j < n; j++) y[e0 + j] = a->acc ? y[e0 + j] + sum[j] : sum[j];
	}
}

/* ---- joining and splitting -------------------------------------------------------------------------------------- */

/* What a unit does: some rows, and the elements [first, end) of each row of y. */
typedef struct join_unit {
	int block;
	int64_t rows, first, end, wide, row;
} join_unit;

static join_unit join_unit_of(const eg_join_shape *s, int u) {
	join_unit j = {.block = u / s->pieces};
	assert(s->n >= 1 && s->n <= EG_JOIN && s->pieces >= 1 && units_ok(s->rows, s->total, j.block, j.block + 1));
	for (int i = 0; i < s->n; i++) j.wide += s->width[i];
	j.row = s->wide ? s->wide : j.wide;
	j.rows = eg_unit_size(s->rows, s->total, j.block);
	j.first = j.wide * (u % s->pieces) / s->pieces;
	j.end = j.wide * (u % s->pieces + 1) / s->pieces;
	return j;
}

/* The elements [*first, *end) of a row of tensor i are the unit's, and lie from `at` on in the row of y. */
static int64_t join_part(const eg_join_shape *s, const join_unit *j, int i, int64_t *first, int64_t *end) {
	int64_t at = 0;
	for (int k = 0; k < i; k++) at += s->width[k];
	*first = j->first > at ? j->first - at : 0;
	*end = j->end - at < s->width[i] ? j->end - at : s->width[i];
	return at + *first;
}

static void concat__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_concat_args *a = args;
	const ptrdiff_t size = a->s.integers ? (ptrdiff_t)sizeof(int32_t) : (ptrdiff_t)sizeof(real);
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const join_unit j = join_unit_of(&a->s, u);
		for (int64_t r = 0; r < j.rows; r++)
			for (int i = 0; i < a->s.n; i++) {
				int64_t p, q, at = join_part(&a->s, &j, i, &p, &q);
				if (p >= q) continue;
				memcpy((char *)a->y.p + (j.block * a->y.stride + r * j.row + a->s.at + at) * size,
				        (const char *)a->x[i].p + (j.block * a->x[i].stride + r * a->s.width[i] + p) * size, (size_t)((q - p) * size));
			}
	}
}

static void split__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_split_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const join_unit j = join_unit_of(&a->s, u);
		for (int64_t r = 0; r < j.rows; r++)
			for (int i = 0; i < a->s.n; i++) {
				int64_t p, q, at = join_part(&a->s, &j, i, &p, &q);
				if (p >= q || !a->x[i].p) continue;
				const real *restrict y = eg_at(a->y, j.block) + r * j.row + a->s.at + at;
				real *restrict x = eg_at(a->x[i], j.block) + r * a->s.width[i] + p;
				if (!a->acc[i])
					memcpy(x, y, (size_t)(q - p) * sizeof(real));
				else
					for (int64_t k = 0; k < q - p; k++) x[k] += y[k];
			}
	}
}

/* ---- layout and sums -------------------------------------------------------------------------------------------- */

static void reorder__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reorder_args *a = args;
	EG_UNUSED(worker);
	assert(a->N >= 1 && a->F >= 1 && a->x.p && a->y.p && a->x.p != a->y.p);
	assert(0 <= begin && begin <= end && end <= eg_blocks(a->N));
	ptrdiff_t F = a->F;
	for (int b = begin; b < end; b++) {
		const real *restrict x = eg_at(a->x, b);
		real *restrict y = eg_at(a->y, b);
		int n = eg_block_size(a->N, b);
		for (ptrdiff_t f = 0; f < F; f++) {
			for (int l = 0; l < n; l++) {
				ptrdiff_t plain = l * F + f, lanes = f * EG_BLOCK + l;
				ptrdiff_t from = a->to_lanes ? plain : lanes, to = a->to_lanes ? lanes : plain;
				y[to] = a->acc ? y[to] + x[from] : x[from];
			}
			for (int l = n; l < EG_BLOCK && a->to_lanes; l++) y[f * EG_BLOCK + l] = 0;
		}
	}
}

/* The 16 channels of a sample side by side are to it what 16 samples are to LANES. */
static void reorder_blocked__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reorder_blocked_args *a = args;
	const int groups = (a->C + EG_BLOCK - 1) / EG_BLOCK;
	assert(a->N >= 1 && a->C >= 1 && a->plane >= 1 && a->x.p && a->y.p && a->x.p != a->y.p);
	assert(0 <= begin && begin <= end && end <= a->N * groups);
	for (int u = begin; u < end; u++) {
		ptrdiff_t plain = (ptrdiff_t)(u / groups) * a->C * a->plane, blocked = (ptrdiff_t)(u / groups) * groups * EG_BLOCK * a->plane;
		ptrdiff_t stride = (ptrdiff_t)EG_BLOCK * a->plane;
		eg_reorder_args r = {.x = {(real *)a->x.p + (a->to_blocked ? plain : blocked), stride},
		        .y = {(real *)a->y.p + (a->to_blocked ? blocked : plain), stride},
		        .N = a->C,
		        .F = a->plane,
		        .to_lanes = a->to_blocked,
		        .acc = a->acc};
		reorder__ref(&r, u % groups, u % groups + 1, worker);
	}
}

static void shard_sum__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_shard_sum_args *a = args;
	EG_UNUSED(worker);
	assert(units_ok(EG_CHUNK, a->count, begin, end) && a->shards >= 1 && a->parts.p && a->y.p &&
	        a->parts.p != a->y.p);
	const real *restrict parts = a->parts.p;
	real *restrict y = a->y.p;
	for (int u = begin; u < end; u++) {
		int64_t first = (int64_t)u * EG_CHUNK, n = eg_unit_size(EG_CHUNK, a->count, u);
		for (int64_t i = first; i < first + n; i++) {
			real sum = parts[i];
			for (int j = 1; j < a->shards; j++) sum += parts[j * a->count + i];
			y[i] = a->acc ? y[i] + sum : sum;
		}
	}
}

static void sum_rows__ref(const void *args, int begin, int end, const eg_worker *worker) {
	enum { COLS = 64 };
	const eg_sum_rows_args *a = args;
	EG_UNUSED(worker);
	assert(a->m >= 1 && a->n >= 1 && a->ld >= a->n && a->x.p && a->y.p && a->x.p != a->y.p);
	assert(units_ok(COLS, a->n, begin, end));
	for (int u = begin; u < end; u++) {
		int n = (int)eg_unit_size(COLS, a->n, u);
		const real *x = (const real *)a->x.p + (ptrdiff_t)u * COLS;
		real *y = (real *)a->y.p + (ptrdiff_t)u * COLS, sum[COLS] = {0};
		for (int i = 0; i < a->m; i++)
			for (int j = 0; j < n; j++) sum[j] += x[(ptrdiff_t)i * a->ld + j];
		for (int j = 0; j < n; j++) y[j] = a->acc ? y[j] + sum[j] : sum[j];
	}
}

void fill_map__ref(eg_kernels *k) {
	EG_FILL(k, act_fwd, act_fwd__ref);
	EG_FILL(k, act_bwd, act_bwd__ref);
	EG_FILL(k, copy, copy__ref);
	EG_FILL(k, fill, fill__ref);
	EG_FILL(k, dropout, dropout__ref);
	EG_FILL(k, add, add__ref);
	EG_FILL(k, sum_to, sum_to__ref);
	EG_FILL(k, concat, concat__ref);
	EG_FILL(k, split, split__ref);
	EG_FILL(k, reorder, reorder__ref);
	EG_FILL(k, reorder_blocked, reorder_blocked__ref);
	EG_FILL(k, shard_sum, shard_sum__ref);
	EG_FILL(k, sum_rows, sum_rows__ref);
}

/* body_map.c - element-wise kernels, dropout, broadcasting addition and its adjoint, change of layout and plain sums
 * (kern_map.h), over simd.h.
 *
 * Most are bound by memory: one pass, the tail under a mask by the same code. No sum depends on where a call begins.
 *
 * Not here: softmax and cross-entropy (body_loss.c), weight updates (body_optimizer.c). */
#include "kern/body_act.h"
#include "kern/kern_map.h"
#include "kern/simd_philox.h"

#include <string.h>

/* ---- activations, copy, fill ------------------------------------------------------------------------------------- */

void EG_NAME(act_fwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_map_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		EG_NAME(act_run)(eg_at(a->x, u), eg_at(a->y, u), eg_unit_size(a->unit, a->total, u), a->act);
	}
}

void EG_NAME(act_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_act_bwd_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t n = eg_unit_size(a->unit, a->total, u);
		EG_NAME(act_grad_run)(eg_at(a->from, u), eg_at(a->dy, u), eg_at(a->dx, u), n, a->act, a->acc);
	}
}

void EG_NAME(copy)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_map_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t n = eg_unit_size(a->unit, a->total, u), i = 0;
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u);
		if (!a->acc) {
			memcpy(y, x, (size_t)n * sizeof *y);
			continue;
		}
		for (; i + 2 * V <= n; i += 2 * V) {
			vstore(y + i, vadd(vload(y + i), vload(x + i)));
			vstore(y + i + V, vadd(vload(y + i + V), vload(x + i + V)));
		}
		for (; i < n; i += V) {
			int lanes = n - i < V ? (int)(n - i) : V;
			vstore_n(y + i, lanes, vadd(vload_n(y + i, lanes), vload_n(x + i, lanes)));
		}
	}
}

void EG_NAME(fill)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_fill_args *a = args;
	vf value = vset1(a->value);
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t n = eg_unit_size(a->unit, a->total, u), i = 0;
		float *y = eg_at(a->y, u);
		for (; i + V <= n; i += V) vstore(y + i, value);
		if (i < n) vstore_n(y + i, (int)(n - i), value);
	}
}

/* ---- dropout ----------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void map_drop(const float *x, float *y, int lanes, vm keep, vf scale, bool acc) {
	vf v = vmul(vload_n(x, lanes), vsel(keep, scale, vzero()));
	vstore_n(y, lanes, acc ? vadd(vload_n(y, lanes), v) : v);
}

void EG_NAME(dropout)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_dropout_args *a = args;
	const eg_dropout_state *state = a->state.p;
	EG_UNUSED(worker);
	vphilox p = vphilox_of((eg_rng){state->seed, eg_stream(EG_RNG_DROPOUT, a->node, state->step)});
	/* word < t for whole words is word < ceil(t); with rate 1 all go, whatever the words */
	double t = (double)a->rate * 4294967296.0;
	bool all = t >= 4294967296.0;
	uint32_t least = all ? 0 : (uint32_t)t + ((double)(uint32_t)t < t);
	vf scale = vset1(all ? 0.0f : 1.0f / (1.0f - a->rate));
	for (int u = begin; u < end; u++) {
		int64_t n = eg_unit_size(a->unit, a->total, u), i = 0;
		uint64_t block = (uint64_t)((int64_t)u * a->unit) / 4;
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u);
		vu word[2];
		for (; i + 2 * V <= n; i += 2 * V, block += V / 2) {
			vphilox_words(&p, block, word);
			map_drop(x + i, y + i, V, vu_ge32(word[0], least), scale, a->acc);
			map_drop(x + i + V, y + i + V, V, vu_ge32(word[1], least), scale, a->acc);
		}
		if (i == n) continue;
		vphilox_words(&p, block, word);
		for (int h = 0; h < 2 && i < n; h++, i += V)
			map_drop(x + i, y + i, n - i < V ? (int)(n - i) : V, vu_ge32(word[h], least), scale, a->acc);
	}
}

/* ---- broadcasting addition and its adjoint ----------------------------------------------------------------------- */

/* A walk over n[0] x .. x n[rank-1] positions with two strides each; rank >= 1. */
typedef struct map_walk {
	int rank;
	int64_t n[EG_WALK], s[2][EG_WALK];
} map_walk;

/* Adds a dimension at the fast end, merging it with the one before where both strides allow. */
static void walk_push(map_walk *w, int64_t n, int64_t s0, int64_t s1) {
	int p = w->rank - 1;
	if (n == 1) return;
	if (w->rank > 0 && w->s[0][p] == s0 * n && w->s[1][p] == s1 * n)
		n *= w->n[p];
	else
		p = w->rank++;
	w->n[p] = n;
	w->s[0][p] = s0;
	w->s[1][p] = s1;
}

/* A single position is a walk too. */
static void walk_close(map_walk *w, int64_t s) {
	if (w->rank > 0) return;
	w->rank = 1;
	w->n[0] = 1;
	w->s[0][0] = w->s[1][0] = s;
}

/* Next position of all dimensions but the last; false after the last one. */
EG_ALWAYS_INLINE bool map_next(const map_walk *w, int64_t index[EG_WALK], int64_t at[2]) {
	for (int d = w->rank - 2; d >= 0; d--) {
		at[0] += w->s[0][d];
		at[1] += w->s[1][d];
		if (++index[d] < w->n[d]) return true;
		at[0] -= w->s[0][d] * w->n[d];
		at[1] -= w->s[1][d] * w->n[d];
		index[d] = 0;
	}
	return false;
}

/* y = a + b where each of a and b is a run (stride 1) or one number (stride 0); relu: and no less than 0. */
EG_ALWAYS_INLINE void map_add_part(const float *a, bool arun, const float *b, bool brun, float *y, int lanes, bool relu) {
	vf p = arun ? vload_n(a, lanes) : vset1(*a), q = brun ? vload_n(b, lanes) : vset1(*b), sum = vadd(p, q);
	vstore_n(y, lanes, relu ? vmax(vzero(), sum) : sum);
}
EG_ALWAYS_INLINE void map_add_run(const float *a, bool arun, const float *b, bool brun, float *y, int64_t n, bool relu) {
	int64_t i = 0;
	for (; i + V <= n; i += V) map_add_part(arun ? a + i : a, arun, brun ? b + i : b, brun, y + i, V, relu);
	if (i < n) map_add_part(arun ? a + i : a, arun, brun ? b + i : b, brun, y + i, (int)(n - i), relu);
}
/* With no activation or ReLU in the same pass; the others, which are slow anyway, in a second one. */
EG_ALWAYS_INLINE void map_add_act(const float *a, bool arun, const float *b, bool brun, float *y, int64_t n, eg_act act) {
	if (act.kind == EG_ACT_RELU)
		map_add_run(a, arun, b, brun, y, n, true);
	else
		map_add_run(a, arun, b, brun, y, n, false);
	if (act_remains(act)) EG_NAME(act_run)(y, y, n, act);
}

void EG_NAME(add)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_add_args *g = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *a = eg_at(g->a, u), *b = eg_at(g->b, u);
		float *y = eg_at(g->y, u);
		map_walk w = {0};
		for (int d = 0; d < g->rank; d++)
			walk_push(&w, d ? g->dims[d] : eg_unit_size(g->rows, g->dims[0], u), g->sa[d], g->sb[d]);
		walk_close(&w, 1);
		int last = w.rank - 1;
		int64_t n = w.n[last], sa = w.s[0][last], sb = w.s[1][last], index[EG_WALK] = {0}, at[2] = {0};
		do {
			const float *p = a + at[0], *q = b + at[1];
			if (sa == 1 && sb == 1)
				map_add_act(p, true, q, true, y, n, g->act);
			else if (sa == 1 && sb == 0)
				map_add_act(p, true, q, false, y, n, g->act);
			else if (sa == 0 && sb == 1)
				map_add_act(p, false, q, true, y, n, g->act);
			else
				for (int64_t i = 0; i < n; i++) {
					float sum = p[i * sa] + q[i * sb];
					map_add_act(&sum, true, &(float){0}, true, y + i, 1, g->act);
				}
			y += n;
		} while (map_next(&w, index, at));
	}
}

/* Sums of `lanes` neighbouring columns over all positions of w. */
EG_ALWAYS_INLINE vf map_sum_columns(const float *x, const map_walk *w, int lanes) {
	int64_t n = w->n[w->rank - 1], s = w->s[0][w->rank - 1], index[EG_WALK] = {0}, at[2] = {0};
	vf s0 = vzero(), s1 = vzero(), s2 = vzero(), s3 = vzero();
	do {
		const float *p = x + at[0];
		int64_t i = 0;
		for (; i + 4 <= n; i += 4, p += 4 * s) {
			s0 = vadd(s0, vload_n(p, lanes));
			s1 = vadd(s1, vload_n(p + s, lanes));
			s2 = vadd(s2, vload_n(p + 2 * s, lanes));
			s3 = vadd(s3, vload_n(p + 3 * s, lanes));
		}
		for (; i < n; i++, p += s) s0 = vadd(s0, vload_n(p, lanes));
	} while (map_next(w, index, at));
	return vadd(vadd(s0, s1), vadd(s2, s3));
}

/* The sum over all positions of w, whose last dimension is contiguous. */
static float sum_runs_f32(const float *x, const map_walk *w) {
	int64_t n = w->n[w->rank - 1], index[EG_WALK] = {0}, at[2] = {0};
	vf s0 = vzero(), s1 = vzero(), s2 = vzero(), s3 = vzero();
	do {
		const float *p = x + at[0];
		int64_t i = 0;
		for (; i + 4 * V <= n; i += 4 * V) {
			s0 = vadd(s0, vload(p + i));
			s1 = vadd(s1, vload(p + i + V));
			s2 = vadd(s2, vload(p + i + 2 * V));
			s3 = vadd(s3, vload(p + i + 3 * V));
		}
		for (; i + V <= n; i += V) s0 = vadd(s0, vload(p + i));
		if (i < n) s1 = vadd(s1, vload_n(p + i, (int)(n - i)));
	} while (map_next(w, index, at));
	return vsum(vadd(vadd(s0, s1), vadd(s2, s3)));
}

/* `kept` and `summed` are the dimensions of x of either kind, s[0] strides of x. Elements [j, end) of y. */
static void sum_to_part_f32(const float *x, float *y, const map_walk *kept, const map_walk *summed, bool runs,
	int64_t j, int64_t end, bool acc) {
	while (j < end) {
		int64_t at = 0, rest = j, width = kept->n[kept->rank - 1], left = width - j % width;
		for (int d = kept->rank - 1; d >= 0; d--) {
			at += rest % kept->n[d] * kept->s[0][d];
			rest /= kept->n[d];
		}
		int lanes = 1;
		if (runs) {
			float s = sum_runs_f32(x + at, summed);
			y[j] = acc ? y[j] + s : s;
		} else {
			if (left > end - j) left = end - j;
			lanes = left < V ? (int)left : V;
			vf s = lanes == V ? map_sum_columns(x + at, summed, V) : map_sum_columns(x + at, summed, lanes);
			vstore_n(y + j, lanes, acc ? vadd(vload_n(y + j, lanes), s) : s);
		}
		j += lanes;
	}
}

void EG_NAME(sum_to)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_sum_to_args *a = args;
	map_walk all = {0}, kept = {0}, summed = {0};
	int64_t stride[EG_WALK], s = 1;
	EG_UNUSED(worker);
	for (int d = a->rank - 1; d >= 0; d--) {
		stride[d] = s;
		s *= a->dims[d];
	}
	for (int d = 0; d < a->rank; d++) walk_push(&all, a->dims[d], stride[d], a->sy[d]);
	walk_close(&all, 1);
	bool runs = all.s[1][all.rank - 1] == 0;
	for (int d = 0; d < all.rank; d++) walk_push(all.s[1][d] ? &kept : &summed, all.n[d], all.s[0][d], 0);
	walk_close(&kept, 0);
	walk_close(&summed, 0);
	for (int u = begin; u < end; u++) {
		int64_t j = (int64_t)u * EG_BLOCK, last = j + EG_BLOCK < a->count ? j + EG_BLOCK : a->count;
		sum_to_part_f32(a->x.p, a->y.p, &kept, &summed, runs, j, last, a->acc);
	}
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

/* A V x V tile: `rows` samples and `cols` elements of it exist. Lanes without a sample get 0. */
EG_ALWAYS_INLINE void map_to_lanes(const float *x, float *y, ptrdiff_t F, int rows, int cols, bool acc) {
	vf r[V];
	for (int i = 0; i < V; i++) r[i] = i < rows ? vload_n(x + i * F, cols) : vzero();
	vtranspose(r);
	for (int i = 0; i < cols; i++, y += EG_BLOCK) vstore(y, acc ? vadd(vload_n(y, rows), r[i]) : r[i]);
}

EG_ALWAYS_INLINE void map_from_lanes(const float *x, float *y, ptrdiff_t F, int rows, int cols, bool acc) {
	vf r[V];
	for (int i = 0; i < V; i++) r[i] = i < cols ? vload(x + i * EG_BLOCK) : vzero();
	vtranspose(r);
	for (int i = 0; i < rows; i++, y += F) vstore_n(y, cols, acc ? vadd(vload_n(y, cols), r[i]) : r[i]);
}

void EG_NAME(reorder)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reorder_args *a = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *x = eg_at(a->x, u);
		float *y = eg_at(a->y, u);
		ptrdiff_t F = a->F;
		for (int i = 0; i < EG_BLOCK; i += V) {
			for (int f = 0; f < a->F; f += V) {
				int rows = eg_block_size(a->N, u) - i, cols = a->F - f < V ? a->F - f : V;
				const float *from = x + (a->to_lanes ? i * F + f : (ptrdiff_t)f * EG_BLOCK + i);
				float *to = y + (a->to_lanes ? (ptrdiff_t)f * EG_BLOCK + i : i * F + f);
				if (rows > V) rows = V;
				if (rows < 0) rows = 0;
				bool whole = rows == V && cols == V && !a->acc;
				if (a->to_lanes && whole)
					map_to_lanes(from, to, F, V, V, false);
				else if (a->to_lanes)
					map_to_lanes(from, to, F, rows, cols, a->acc);
				else if (whole)
					map_from_lanes(from, to, F, V, V, false);
				else
					map_from_lanes(from, to, F, rows, cols, a->acc);
			}
		}
	}
}

/* The 16 channels of a sample side by side are to it what 16 samples are to LANES. */
void EG_NAME(reorder_blocked)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_reorder_blocked_args *a = args;
	const int groups = (a->C + EG_BLOCK - 1) / EG_BLOCK;
	const ptrdiff_t stride = (ptrdiff_t)EG_BLOCK * a->plane;
	for (int u = begin; u < end; u++) {
		ptrdiff_t plain = (ptrdiff_t)(u / groups) * a->C * a->plane, blocked = u / groups * groups * stride;
		eg_reorder_args r = {.x = {(float *)a->x.p + (a->to_blocked ? plain : blocked), stride},
			.y = {(float *)a->y.p + (a->to_blocked ? blocked : plain), stride},
			.N = a->C,
			.F = a->plane,
			.to_lanes = a->to_blocked,
			.acc = a->acc};
		EG_NAME(reorder)(&r, u % groups, u % groups + 1, worker);
	}
}

/* ---- plain sums -------------------------------------------------------------------------------------------------- */

/* Four vectors side by side, so that four rows of adds are under way at a time. */
EG_ALWAYS_INLINE void map_sum_quad(const float *x, ptrdiff_t ld, int m, float *y, bool acc) {
	vf s0 = vload(x), s1 = vload(x + V), s2 = vload(x + 2 * V), s3 = vload(x + 3 * V);
	for (int i = 1; i < m; i++) {
		x += ld;
		s0 = vadd(s0, vload(x));
		s1 = vadd(s1, vload(x + V));
		s2 = vadd(s2, vload(x + 2 * V));
		s3 = vadd(s3, vload(x + 3 * V));
	}
	vstore(y, acc ? vadd(vload(y), s0) : s0);
	vstore(y + V, acc ? vadd(vload(y + V), s1) : s1);
	vstore(y + 2 * V, acc ? vadd(vload(y + 2 * V), s2) : s2);
	vstore(y + 3 * V, acc ? vadd(vload(y + 3 * V), s3) : s3);
}

/* y[j] = [y[j] +] sum of x[i*ld + j] over i < m, for n columns. */
static void sum_columns_f32(const float *x, ptrdiff_t ld, int m, float *y, int n, bool acc) {
	int j = 0;
	for (; j + 4 * V <= n; j += 4 * V) map_sum_quad(x + j, ld, m, y + j, acc);
	for (; j < n; j += V) {
		int lanes = n - j < V ? n - j : V;
		vf s = vload_n(x + j, lanes);
		for (int i = 1; i < m; i++) s = vadd(s, vload_n(x + i * ld + j, lanes));
		vstore_n(y + j, lanes, acc ? vadd(vload_n(y + j, lanes), s) : s);
	}
}

void EG_NAME(shard_sum)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_shard_sum_args *a = args;
	const float *x = a->parts.p;
	float *y = a->y.p;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		int64_t at = (int64_t)u * EG_CHUNK;
		int n = (int)eg_unit_size(EG_CHUNK, a->count, u);
		sum_columns_f32(x + at, (ptrdiff_t)a->count, a->shards, y + at, n, a->acc);
	}
}

void EG_NAME(sum_rows)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_sum_rows_args *a = args;
	const float *x = a->x.p;
	float *y = a->y.p;
	enum { COLUMNS = 64 };
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		ptrdiff_t at = (ptrdiff_t)u * COLUMNS;
		sum_columns_f32(x + at, a->ld, a->m, y + at, (int)eg_unit_size(COLUMNS, a->n, u), a->acc);
	}
}

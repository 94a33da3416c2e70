/* ref_gemm.c - matrix products in plain C.
 *
 * B is always brought into panels first: PANEL columns side by side, [k][PANEL], the last panel filled up with zeros.
 * One tile of ROWS x PANEL sums then serves every case of transposition. Each element of C is one sum over p = 0..k-1
 * in rising order, whatever the shape and the split. Rows behind the ends of sequences are computed like all others;
 * which they are is told here for the tables that leave them out (eg_live_run). */
#include "kern/ref.h"

enum {
	PANEL = 16,   /* columns of B in a panel, also a unit of columns */
	ROWS = 8,     /* rows of a tile */
	ROW_UNIT = 64 /* rows of C in a unit, when C is taller than wide */
};

static int panels(int n) { return (n + PANEL - 1) / PANEL; }

/* panel[p][j] = B(p, j) for one panel; B(p, j) lies at b[p*sk + j*sn]. */
static void pack_panel(real *restrict panel, const real *restrict b, int k, int cols, ptrdiff_t sk, ptrdiff_t sn) {
	for (int p = 0; p < k; p++)
		for (int j = 0; j < PANEL; j++) panel[(ptrdiff_t)p * PANEL + j] = j < cols ? b[p * sk + j * sn] : 0;
}

/* sum[i][j] = sum over p of A(i, p) panel[p][j] for up to ROWS rows; A(i, p) lies at a[i*sm + p*sk]. */
static void tile(real *restrict sum, const real *restrict a, ptrdiff_t sm, ptrdiff_t sk, const real *restrict panel,
	int rows, int k) {
	memset(sum, 0, ROWS * PANEL * sizeof(real));
	for (int p = 0; p < k; p++)
		for (int i = 0; i < rows; i++)
			for (int j = 0; j < PANEL; j++)
				sum[i * PANEL + j] += a[i * sm + p * sk] * panel[(ptrdiff_t)p * PANEL + j];
}

/* c[j] = act([c[j] +] sum[j] + bias[j]). */
static void store_row(real *c, const real *sum, const real *bias, int cols, bool acc, eg_act act) {
	for (int j = 0; j < cols; j++) {
		real v = bias ? sum[j] + bias[j] : sum[j];
		c[j] = acc ? c[j] + v : v;
	}
	act_apply(act, c, cols);
}

/* `m` rows of C times one panel; bias, if any, begins at the panel's first column. */
static void times_panel(const real *a, ptrdiff_t sm, ptrdiff_t sk, const real *panel, const real *bias, real *c,
	int ldc, int m, int cols, int k, bool acc, eg_act act) {
	real sum[ROWS * PANEL];
	for (int i = 0; i < m; i += ROWS) {
		int rows = m - i < ROWS ? m - i : ROWS;
		tile(sum, a + i * sm, sm, sk, panel, rows, k);
		for (int t = 0; t < rows; t++)
			store_row(c + (ptrdiff_t)(i + t) * ldc, sum + t * PANEL, bias, cols, acc, act);
	}
}

/* ---- gemm ------------------------------------------------------------------------------------------------------ */

int eg_live_run(const eg_live *l, int *at, int end) {
	enum { GAP = 4 }; /* a tile of fewer rows costs as much as the rows that it leaves out */
	int last = -1;
	for (int i = *at; i < end && (last < 0 || i - last <= GAP); i++) {
		if (l->t0 + i / l->N >= l->lengths[i % l->N]) continue;
		if (last < 0) *at = i;
		last = i;
	}
	if (last >= 0) return last + 1;
	return *at = end;
}

int eg_live_groups(const eg_live *l, int begin, int end, int *groups) {
	int n = 0, next = begin;
	for (int at = begin, to; (to = eg_live_run(l, &at, end)) > at; at = to)
		for (int i = begin + (at - begin) / EG_LIVE * EG_LIVE; i < to; i += EG_LIVE)
			if (i >= next) groups[n++] = i, next = i + EG_LIVE;
	return n * EG_LIVE - (next > end ? next - end : 0);
}

static bool split_by_rows(const eg_gemm_args *a) { return a->m > a->n; }

static int gemm_units__ref(const eg_gemm_args *a) {
	return split_by_rows(a) ? (a->m + ROW_UNIT - 1) / ROW_UNIT : panels(a->n);
}

static size_t gemm_scratch__ref(const eg_gemm_args *a) { return (size_t)a->k * PANEL * sizeof(real); }

static void gemm__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gemm_args *g = args;
	assert(g->m >= 1 && g->n >= 1 && g->k >= 1);
	assert(g->lda >= (g->ta ? g->m : g->k) && g->ldb >= (g->tb ? g->k : g->n) && g->ldc >= g->n);
	assert(g->a.p && g->b.p && g->c.p && g->c.p != g->a.p && g->c.p != g->b.p && worker->scratch);
	assert(0 <= begin && begin <= end && end <= gemm_units__ref(g));
	const real *a = g->a.p, *b = g->b.p;
	real *c = g->c.p, *panel = worker->scratch;
	ptrdiff_t a_row = g->ta ? 1 : g->lda, a_k = g->ta ? g->lda : 1;
	ptrdiff_t b_k = g->tb ? 1 : g->ldb, b_col = g->tb ? g->ldb : 1;
	bool by_rows = split_by_rows(g);
	for (int u = begin; u < end; u++) {
		int i0 = by_rows ? u * ROW_UNIT : 0, rows = g->m - i0;
		if (by_rows && rows > ROW_UNIT) rows = ROW_UNIT;
		int first = by_rows ? 0 : u, last = by_rows ? panels(g->n) : u + 1;
		for (int t = first; t < last; t++) {
			int j0 = t * PANEL, cols = g->n - j0 < PANEL ? g->n - j0 : PANEL;
			pack_panel(panel, b + j0 * b_col, g->k, cols, b_k, b_col);
			times_panel(a + i0 * a_row, a_row, a_k, panel, NULL, c + (ptrdiff_t)i0 * g->ldc + j0, g->ldc,
			        rows, cols, g->k, g->acc, eg_act_of(EG_ACT_NONE));
		}
	}
}

/* ---- packed B -------------------------------------------------------------------------------------------------- */

static int gemm_pack_units__ref(int k, int n) {
	EG_UNUSED(k);
	return panels(n);
}

static size_t gemm_pack_bytes__ref(int k, int n) { return (size_t)panels(n) * (size_t)k * PANEL * sizeof(real); }

static void gemm_pack__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gemm_pack_args *a = args;
	EG_UNUSED(worker);
	assert(a->k >= 1 && a->n >= 1 && a->ld >= (a->trans ? a->k : a->n));
	assert(a->src.p && a->dst.p && a->src.p != a->dst.p);
	assert(0 <= begin && begin <= end && end <= panels(a->n));
	ptrdiff_t sk = a->trans ? 1 : a->ld, sn = a->trans ? a->ld : 1;
	for (int t = begin; t < end; t++) {
		int j0 = t * PANEL, cols = a->n - j0 < PANEL ? a->n - j0 : PANEL;
		pack_panel((real *)a->dst.p + (ptrdiff_t)t * a->k * PANEL, (const real *)a->src.p + j0 * sn, a->k, cols,
		        sk, sn);
	}
}

static void gemm_packed__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gemm_packed_args *g = args;
	EG_UNUSED(worker);
	assert(g->m >= 1 && g->rows >= 1 && g->n >= 1 && g->k >= 1 && g->lda >= g->k && g->ldc >= g->n);
	assert(g->a.p && g->b.p && g->c.p && g->c.p != g->a.p && g->c.p != g->b.p);
	assert(1 <= g->nsplit && g->nsplit <= panels(g->n));
	assert(g->act.kind == EG_ACT_NONE || !g->acc);
	for (int u = begin; u < end; u++) {
		int block = u / g->nsplit, first, last, m = g->m - block * g->rows;
		assert(m >= 1);
		if (m > g->rows) m = g->rows;
		eg_split(panels(g->n), u % g->nsplit, g->nsplit, &first, &last);
		for (int t = first; t < last; t++) {
			int j0 = t * PANEL, cols = g->n - j0 < PANEL ? g->n - j0 : PANEL;
			const real *bias = g->bias.p ? (const real *)g->bias.p + j0 : NULL;
			times_panel(eg_at(g->a, block), g->lda, 1, (const real *)g->b.p + (ptrdiff_t)t * g->k * PANEL,
			        bias, eg_at(g->c, block) + j0, g->ldc, m, cols, g->k, g->acc, g->act);
		}
	}
}

/* The product at index `item` of dimensions from..to-1 of the walk. */
static void batch_at(const eg_gemm_batch_args *a, int from, int to, int64_t item, eg_gemm_args *g) {
	for (int d = to - 1; d >= from; d--) {
		const int64_t i = item % a->dims[d];
		item /= a->dims[d];
		g->a.p = (real *)g->a.p + i * a->sa[d];
		g->b.p = (real *)g->b.p + i * a->sb[d];
		g->c.p = (real *)g->c.p + i * a->sc[d];
	}
}

/* All tables': the products are those of the table it runs on. */
static void gemm_batch__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gemm_batch_args *a = args;
	const eg_gemm_args one = eg_gemm_of_batch(a);
	const int each = worker->kernels->gemm_units(&one);
	int kept = 0;
	int64_t sums = 1;
	while (kept < a->rank && a->sc[kept]) kept++;
	for (int d = kept; d < a->rank; d++) sums *= a->dims[d];
	for (int u = begin; u < end;) {
		const int first = u % each, last = end - u < each - first ? first + end - u : each;
		eg_gemm_args item = one;
		batch_at(a, 0, kept, u / each, &item);
		for (int64_t i = 0; i < sums; i++) {
			eg_gemm_args g = item;
			batch_at(a, kept, a->rank, i, &g);
			g.acc = one.acc || i > 0;
			worker->kernels->gemm(&g, first, last, worker);
		}
		u += last - first;
	}
}

void fill_gemm__ref(eg_kernels *k) {
	EG_FILL(k, gemm, gemm__ref);
	EG_FILL(k, gemm_batch, gemm_batch__ref);
	EG_FILL(k, gemm_units, gemm_units__ref);
	EG_FILL(k, gemm_scratch, gemm_scratch__ref);
	EG_FILL(k, gemm_pack, gemm_pack__ref);
	EG_FILL(k, gemm_pack_units, gemm_pack_units__ref);
	EG_FILL(k, gemm_pack_bytes, gemm_pack_bytes__ref);
	EG_FILL(k, gemm_packed, gemm_packed__ref);
}

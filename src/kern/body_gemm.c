/* body_gemm.c - the matrix product: micro-kernels, packing, and the slots gemm, gemm_pack and gemm_packed.
 *
 * The scheme is Goto's (Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication). C is cut into
 * tiles of at most GEMM_MR x GEMM_NR that stay in registers while k runs; B is read from panels [k][GEMM_NR], A
 * either from panels [k][rows of the tile] or straight from its rows. k is cut into blocks of at most GEMM_KC by a
 * rule that knows k only, and every element of C is the sum of its blocks in order, each block one chain of FMAs in
 * order: the bits of C depend neither on the tile an element falls into, nor on what was packed, nor on how units are
 * split.
 *
 * Not here: threads (units are split by the runner), convolution (body_conv_plain.c builds its panels on this file). */
#include "kern/body_act.h"
#include "kern/body_gemm.h"

#include <string.h>

/* ---- micro-kernels ----------------------------------------------------------------------------------------------- */

/* One k of a tile; of A read by rows, the one `at` behind where `row` points, else the next one. */
EG_ALWAYS_INLINE void tile_step(const int mr, const int nv, const bool rows, const int at, const float **row, ptrdiff_t as,
	const float *b, ptrdiff_t bs, ptrdiff_t bp, vf *s) {
	vf x[3], w[2]; /* narrow tiles hold a row of b and walk over a, wide ones the other way round */
	if (nv <= 2) {
		EG_UNROLL for (int j = 0; j < nv; j++) w[j] = vload(b + j * V);
		EG_UNROLL for (int i = 0; i < mr; i++) {
			x[0] = vset1(row[i / 3][rows ? i % 3 * as + at : i % 3]);
			EG_UNROLL for (int j = 0; j < nv; j++) s[i * nv + j] = vfma(x[0], w[j], s[i * nv + j]);
		}
	} else {
		EG_UNROLL for (int i = 0; i < mr; i++) x[i] = vset1(row[0][rows ? i * as + at : i]);
		EG_UNROLL for (int j = 0; j < nv; j++) {
			w[0] = vload(b + j / 2 * bp + j % 2 * V);
			EG_UNROLL for (int i = 0; i < mr; i++) s[i * nv + j] = vfma(x[i], w[0], s[i * nv + j]);
		}
	}
	if (rows && mr <= GEMM_FEW && nv == 2)
		EG_UNROLL for (int j = 0; j < nv * V; j += 16) __builtin_prefetch(b + GEMM_AHEAD * bs + j);
	EG_UNROLL for (int i = 0; i < mr && !rows; i += 3) row[i / 3] += as;
}

/* c[i][j] = [c[i][j] +] sum over k of A[i][k] b[k*bs + j] for mr rows and nv vectors of columns. A[i][k] is a[i*as +
 * k] (rows) or a[i + k*as]. Every two vectors of columns are a panel; the next panel of b lies bp elements on.
 * Meanwhile a line in each turn is fetched from `next` on, which may be any address: where b comes from L3, a tile
 * finds it in L2 then, or in L1 if it is to be near. */
EG_ALWAYS_INLINE void tile_f32(const int mr, const int nv, const bool rows, int k, const float *a,
	ptrdiff_t as, const float *b, ptrdiff_t bs, ptrdiff_t bp, float *c, ptrdiff_t ldc, bool acc, const float *next, const bool near) {
	vf s[GEMM_MR * 2];
	const float *row[(GEMM_MR + 2) / 3]; /* one pointer for three rows: more would not fit into the registers */
	EG_UNROLL for (int i = 0; i < mr * nv; i++) s[i] = vzero();
	EG_UNROLL for (int i = 0; i < mr; i += 3) row[i / 3] = rows ? a + i * as : a + i;
	const int turn = nv <= 2 ? GEMM_TURN : 1;
	for (; k >= turn; k -= turn) {
		if (GEMM_TURN > 1 && mr > GEMM_FEW) {
			if (near) __builtin_prefetch(next, 0, 3);
			else __builtin_prefetch(next, 0, 2);
			next += GEMM_LINE;
		}
		EG_UNROLL for (int q = 0; q < turn; q++) {
			tile_step(mr, nv, rows, q, row, as, b, bs, bp, s);
			b += bs;
		}
		EG_UNROLL for (int i = 0; i < mr && rows; i += 3) row[i / 3] += turn;
	}
	for (; k > 0; k--, b += bs) {
		tile_step(mr, nv, rows, 0, row, as, b, bs, bp, s);
		EG_UNROLL for (int i = 0; i < mr && rows; i += 3) row[i / 3]++;
	}
	if (acc) {
		EG_UNROLL for (int i = 0; i < mr; i++) EG_UNROLL for (int j = 0; j < nv; j++) {
			float *to = c + i * ldc + j * V;
			vstore(to, vadd(vload(to), s[i * nv + j]));
		}
	} else {
		EG_UNROLL for (int i = 0; i < mr; i++) EG_UNROLL for (int j = 0; j < nv; j++)
		        vstore(c + i * ldc + j * V, s[i * nv + j]);
	}
}

/* One instance per height, width and way to read A. */
#define GEMM_TILE(mr, nv, name, rows) \
	static void tile_f32_##mr##x##nv##name(int k, const float *a, ptrdiff_t as, const float *b, \
		ptrdiff_t bs, ptrdiff_t bp, float *c, ptrdiff_t ldc, bool acc, const float *next) { \
		tile_f32(mr, nv, rows, k, a, as, b, bs, bp, c, ldc, acc, next, false); \
	}
#define GEMM_TILES(mr, nv) GEMM_TILE(mr, nv, panel, false) GEMM_TILE(mr, nv, rows, true)
#define GEMM_HEIGHT(mr) GEMM_TILES(mr, 1) GEMM_TILES(mr, 2)
GEMM_HEIGHT(1) GEMM_HEIGHT(2) GEMM_HEIGHT(3) GEMM_HEIGHT(4) GEMM_HEIGHT(5) GEMM_HEIGHT(6)
GEMM_TILES(1, 4) GEMM_TILES(2, 4) GEMM_TILES(3, 4) GEMM_TILES(1, 8)
#define GEMM_UP_TO_6(nv, name) \
	tile_f32_1x##nv##name, tile_f32_2x##nv##name, tile_f32_3x##nv##name, \
		tile_f32_4x##nv##name, tile_f32_5x##nv##name, tile_f32_6x##nv##name
#if EG_VREGS >= 32
GEMM_HEIGHT(7) GEMM_HEIGHT(8) GEMM_HEIGHT(9) GEMM_HEIGHT(10)
GEMM_HEIGHT(11) GEMM_HEIGHT(12) GEMM_HEIGHT(13) GEMM_HEIGHT(14)
#define GEMM_ABOVE_6(nv, name) \
	, tile_f32_7x##nv##name, tile_f32_8x##nv##name, tile_f32_9x##nv##name, \
		tile_f32_10x##nv##name, tile_f32_11x##nv##name, tile_f32_12x##nv##name, \
		tile_f32_13x##nv##name, tile_f32_14x##nv##name
#else
#define GEMM_ABOVE_6(nv, name)
#endif
#define GEMM_FORMS(name) \
	{{GEMM_UP_TO_6(1, name) GEMM_ABOVE_6(1, name)}, \
		{GEMM_UP_TO_6(2, name) GEMM_ABOVE_6(2, name)}, \
		{tile_f32_1x4##name, tile_f32_2x4##name, tile_f32_3x4##name}, \
		{tile_f32_1x8##name}}

/* [read A by rows][log2 of vectors][height - 1] */
const gemm_tile EG_NAME(gemm_tiles)[2][GEMM_SHAPES][GEMM_MR] = {GEMM_FORMS(panel), GEMM_FORMS(rows)};

/* A call for a whole stack: where k is short, calling tiles one by one costs up to a quarter of their time. */
EG_ALWAYS_INLINE void stack_f32(const int mr, int first, int n, int k, const float *a, ptrdiff_t as, const float *b, float *c, ptrdiff_t ldc) {
	for (int i = 0; i < n; i++, a += mr * as, c += mr * ldc)
		tile_f32(mr, 2, true, k, a, as, b, GEMM_NR, 0, c, ldc, false, tile_next(b, b + (ptrdiff_t)k * GEMM_NR, k, first + i), true);
}
#define GEMM_STACK(mr) \
	static void stack_f32_##mr(int first, int n, int k, const float *a, ptrdiff_t as, const float *b, float *c, ptrdiff_t ldc) { \
		stack_f32(mr, first, n, k, a, as, b, c, ldc); \
	}
#if EG_VREGS >= 32
GEMM_STACK(7) GEMM_STACK(8) GEMM_STACK(9) GEMM_STACK(10) GEMM_STACK(11) GEMM_STACK(12) GEMM_STACK(13) GEMM_STACK(14)
const gemm_stack EG_NAME(gemm_stacks)[GEMM_MR] = {NULL, NULL, NULL, NULL, NULL, NULL, stack_f32_7, stack_f32_8, stack_f32_9,
	stack_f32_10, stack_f32_11, stack_f32_12, stack_f32_13, stack_f32_14};
#else
GEMM_STACK(3) GEMM_STACK(4) GEMM_STACK(5) GEMM_STACK(6)
const gemm_stack EG_NAME(gemm_stacks)[GEMM_MR] = {NULL, NULL, stack_f32_3, stack_f32_4, stack_f32_5, stack_f32_6};
#endif

/* ---- what follows the sum: bias and activation ------------------------------------------------------------------- */

/* c = act(c + bias), with a bias per column or per row, or none. */
EG_ALWAYS_INLINE void gemm_finish_as(
	int m, int n, float *c, ptrdiff_t ldc, const float *col, const float *row, const eg_act act) {
	for (int j = 0; j < n; j += V) {
		vm mask = vfirst(n - j < V ? n - j : V);
		vf bias = col ? vload_m(col + j, mask) : vzero();
		for (int i = 0; i < m; i++) {
			float *p = c + i * ldc + j;
			if (row) bias = vset1(row[i]);
			vstore_m(p, mask, act_after(vadd(vload_m(p, mask), bias), act));
		}
	}
}
static void gemm_finish(
	int m, int n, float *c, ptrdiff_t ldc, const float *col, const float *row, eg_act act) {
	if (act.kind == EG_ACT_NONE)
		gemm_finish_as(m, n, c, ldc, col, row, eg_act_of(EG_ACT_NONE));
	else if (act.kind == EG_ACT_RELU)
		gemm_finish_as(m, n, c, ldc, col, row, eg_act_of(EG_ACT_RELU));
	else
		gemm_finish_as(m, n, c, ldc, col, row, act);
}

/* ---- a strip: one row of tiles ----------------------------------------------------------------------------------- */

void EG_NAME(gemm_strip)(const gemm_strip_args *s) {
	const gemm_tile(*tile)[GEMM_MR] = EG_NAME(gemm_tiles)[s->rows];
	float edge[GEMM_MR * GEMM_NR > 8 * V ? GEMM_MR * GEMM_NR : 8 * V]; /* a tile that sticks out at the right */
	const float *b = s->b;
	for (int j = 0, width; j < s->n; j += width) {
		int left = s->n - j,
		    shape = left > V; /* few rows take several panels at once, to have enough independent sums */
		if (s->m <= 3 && left > GEMM_NR) shape = s->m == 1 && left > 3 * GEMM_NR ? 3 : 2;
		width = V << shape;
		float *c = s->c + j;
		int cols = left < width ? left : width;
		if (left >= width) {
			tile[shape][s->m - 1](s->k, s->a, s->as, b, s->bs, s->bp, c, s->ldc, s->acc, s->next ? s->next : b);
		} else {
			tile[shape][s->m - 1](s->k, s->a, s->as, b, s->bs, s->bp, edge, width, false, s->next ? s->next : b);
			for (int i = 0; i < s->m; i++)
				for (int q = 0; q < cols; q += V) {
					vm mask = vfirst(cols - q < V ? cols - q : V);
					vf x = vload(edge + i * width + q);
					float *p = c + i * s->ldc + q;
					vstore_m(p, mask, s->acc ? vadd(vload_m(p, mask), x) : x);
				}
		}
		if (s->finish) gemm_finish(s->m, cols, c, s->ldc, s->col ? s->col + j : NULL, s->row, s->act);
		b += (width + GEMM_NR - 1) / GEMM_NR * s->bp;
	}
}

/* ---- packing ----------------------------------------------------------------------------------------------------- */

/* The pieces of V rows that m rows are packed in, the last one first: what a piece writes behind its m rows is
 * overwritten by what follows. */
EG_ALWAYS_INLINE int pack_last(int m) { return m > V ? (m - 1) / V * V : 0; }

void EG_NAME(pack_across)(int m, int k, const float *from, ptrdiff_t ld, float *to, ptrdiff_t width) {
	for (int k0 = 0; k0 < k; k0 += V)
		for (int p = pack_last(m); p >= 0; p -= V) {
			const float *at = from + p * ld + k0;
			float *out = to + k0 * width + p;
			vf t[V];
			int n = gemm_min(k - k0, V), rows = m - p;
			if (n == V) {
				EG_UNROLL for (int i = 0; i < V; i++) t[i] = i < rows ? vload(at + i * ld) : vzero();
			} else {
				EG_UNROLL for (int i = 0; i < V; i++) t[i] = i < rows ? vload_m(at + i * ld, vfirst(n))
				                                                        : vzero();
			}
			vtranspose(t);
			if (n == V) {
				EG_UNROLL for (int i = 0; i < V; i++) vstore(out + i * width, t[i]);
			} else {
				for (int i = 0; i < n; i++) vstore(out + i * width, t[i]);
			}
		}
}

void EG_NAME(pack_along)(int m, int k, const float *from, ptrdiff_t ld, float *to, ptrdiff_t width) {
	const int last = pack_last(m);
	const vm mask = vfirst(m - last);
	for (int i = 0; i < k; i++, from += ld, to += width) {
		vstore(to + last, vload_m(from + last, mask));
		for (int p = 0; p < last; p += V) vstore(to + p, vload(from + p));
	}
}

/* `groups`: what is packed of b without trans are not its rows k0, k0+1, ... but EG_LIVE each from these on. */
static void pack_groups(const float *b, ptrdiff_t ld, bool trans, int k0, int k1, int j0, int j1, float *to, const int *groups) {
	const ptrdiff_t bp = (ptrdiff_t)(k1 - k0) * GEMM_NR;
	if (trans) {
		for (int j = j0; j < j1; j += GEMM_NR, to += bp)
			for (int h = 0; h < GEMM_NR; h += V) {
				int m = gemm_min(j1 - j - h, V);
				EG_NAME(pack_across)(m > 0 ? m : 0, k1 - k0, b + (j + h) * ld + k0, ld, to + h, GEMM_NR);
			}
		return;
	}
	for (int k = k0; k < k1; k += EG_LIVE) { /* eight rows at a time are read as streams */
		float *panel = to + (k - k0) * GEMM_NR;
		const int n = gemm_min(k1 - k, EG_LIVE);
		const float *from = b + (groups ? groups[(k - k0) / EG_LIVE] : k) * ld;
		int j = j0;
		for (; j + GEMM_NR <= j1; j += GEMM_NR, panel += bp)
			for (int i = 0; i < n; i++) {
				vstore(panel + i * GEMM_NR, vload(from + i * ld + j));
				vstore(panel + i * GEMM_NR + V, vload(from + i * ld + j + V));
			}
		for (int h = 0; j < j1 && h < GEMM_NR; h += V) {
			int m = gemm_min(j1 - j - h, V);
			EG_NAME(pack_along)(m > 0 ? m : 0, n, from + j + h, ld, panel + h, GEMM_NR);
		}
	}
}

void EG_NAME(pack_panels)(const float *b, ptrdiff_t ld, bool trans, int k0, int k1, int j0, int j1, float *to) {
	pack_groups(b, ld, trans, k0, k1, j0, j1, to, NULL);
}

/* ---- gemm -------------------------------------------------------------------------------------------------------- */

/* Tiles t..t+GEMM_GROUP-1 of `tiles` over m columns of a transposed A, together so that its rows are read in longer
 * runs. */
static void pack_group(
	int m, int t, int tiles, int k, const float *a, ptrdiff_t ld, float *to, ptrdiff_t size, const int *groups) {
	const int end = gemm_min(tiles, t + GEMM_GROUP);
	for (int k0 = 0; k0 < k; k0 += EG_LIVE)
		for (int i = t; i < end; i++) {
			int from, next;
			eg_split(m, i, tiles, &from, &next);
			EG_NAME(pack_along)(next - from, gemm_min(EG_LIVE, k - k0), a + (groups ? groups[k0 / EG_LIVE] : k0) * ld + from, ld,
			        to + (i - t) * size + k0 * (next - from), next - from);
		}
}

/* Columns [j0,j1) and rows [i0,i1) of C for one block of k, with the panels of B at b. groups: k is those rows. */
static void gemm_block(const eg_gemm_args *g, int i0, int i1, int j0, int j1, int k0, int k1, const float *b,
	ptrdiff_t bs, ptrdiff_t bp, float *panel, bool acc, const int *groups) {
	const int m = i1 - i0, tiles = (m + GEMM_MR - 1) / GEMM_MR, panels = (j1 - j0 + GEMM_NR - 1) / GEMM_NR;
	/* A panel pays off when it is used often, or when the rows would meet in the same cache sets. */
	const bool pack = groups || panels >= 8 || (panels >= 2 && (g->ta ? k1 - k0 > 64 : g->lda % 512 == 0));
	gemm_strip_args s = {.n = j1 - j0, .k = k1 - k0, .b = b, .bs = bs, .bp = bp, .ldc = g->ldc, .acc = acc};
	for (int t = 0; t < tiles; t++) {
		int from, next;
		eg_split(m, t, tiles, &from, &next);
		s.m = next - from;
		s.c = (float *)g->c.p + (ptrdiff_t)(i0 + from) * g->ldc + j0;
		s.a = (const float *)g->a.p +
		      (g->ta ? (ptrdiff_t)k0 * g->lda + i0 + from : (ptrdiff_t)(i0 + from) * g->lda + k0);
		s.as = g->lda;
		s.rows = !g->ta;
		if (pack) {
			const ptrdiff_t size = (ptrdiff_t)s.k * GEMM_MR + V;
			float *to = panel + t % GEMM_GROUP * size;
			if (!g->ta) EG_NAME(pack_across)(s.m, s.k, s.a, g->lda, to, s.m);
			if (g->ta && t % GEMM_GROUP == 0)
				pack_group(m, t, tiles, s.k, s.a - from, g->lda, to, size, groups);
			s.a = to;
			s.as = s.m;
			s.rows = false;
		}
		EG_NAME(gemm_strip)(&s);
	}
}

/* Units are panels of the longer side of C. */
int EG_NAME(gemm_units)(const eg_gemm_args *g) {
	return g->n >= g->m ? (g->n + GEMM_NR - 1) / GEMM_NR : (g->m + GEMM_MR - 1) / GEMM_MR;
}

size_t EG_NAME(gemm_scratch)(const eg_gemm_args *g) {
	size_t kc = (size_t)gemm_longest(g->k);
	return (kc * (size_t)gemm_columns(g->n, g->k) + (kc * GEMM_MR + V) * GEMM_GROUP) * sizeof(float);
}

/* The next lines of B, each times its element of a, added to sum[n], which begins at zero with the `first`. With the
 * last ones of a block of k, c is not NULL and gets the sums, or has them added. */
EG_ALWAYS_INLINE void gemm_row_lines(const int lines, int n, const float *a, const float *b, ptrdiff_t ldb, float *sum, bool first, float *c, bool acc) {
	enum { WIDE = VREGS >= 32 ? 8 : 4 };
	vf x[GEMM_LINES], s[WIDE];
	EG_UNROLL for (int i = 0; i < lines; i++) x[i] = vset1(a[i]);
	int j = 0;
	for (; j + WIDE * V <= n; j += WIDE * V) {
		EG_UNROLL for (int q = 0; q < WIDE; q++) s[q] = first ? vzero() : vload(sum + j + q * V);
		EG_UNROLL for (int i = 0; i < lines; i++)
		        EG_UNROLL for (int q = 0; q < WIDE; q++) s[q] = vfma(x[i], vload(b + i * ldb + j + q * V), s[q]);
		if (!c) {
			EG_UNROLL for (int q = 0; q < WIDE; q++) vstore(sum + j + q * V, s[q]);
		} else {
			EG_UNROLL for (int q = 0; q < WIDE; q++) vstore(c + j + q * V, acc ? vadd(vload(c + j + q * V), s[q]) : s[q]);
		}
	}
	for (; j < n; j += V) {
		const vm mask = vfirst(n - j < V ? n - j : V);
		s[0] = first ? vzero() : vload(sum + j);
		EG_UNROLL for (int i = 0; i < lines; i++) s[0] = vfma(x[i], vload_m(b + i * ldb + j, mask), s[0]);
		if (!c) vstore(sum + j, s[0]);
		else vstore_m(c + j, mask, acc ? vadd(vload_m(c + j, mask), s[0]) : s[0]);
	}
}

/* C of one row, columns [j0,j1). Nothing of B is used twice, so it is read as it lies, in a few long streams; the sums
 * wait in the cache. They are the chains of FMAs that a tile has. */
static void gemm_row(const eg_gemm_args *g, int j0, int j1, float *sum) {
	const int blocks = gemm_blocks(g->k), n = j1 - j0;
	for (int p = 0, k0, k1; p < blocks; p++) {
		eg_split(g->k, p, blocks, &k0, &k1);
		for (int k = k0, lines; k < k1; k += lines) {
			const float *a = (const float *)g->a.p + (ptrdiff_t)k * (g->ta ? g->lda : 1), *b = (const float *)g->b.p + (ptrdiff_t)k * g->ldb + j0;
			float x[GEMM_LINES], *c = NULL;
			lines = k1 - k >= GEMM_LINES ? GEMM_LINES : 1;
			for (int i = 0; i < lines; i++) x[i] = a[i * (g->ta ? g->lda : 1)];
			if (k + lines == k1) c = (float *)g->c.p + j0;
			if (lines == 1) gemm_row_lines(1, n, x, b, g->ldb, sum, k == k0, c, g->acc || p > 0);
			else gemm_row_lines(GEMM_LINES, n, x, b, g->ldb, sum, k == k0, c, g->acc || p > 0);
		}
	}
}

void EG_NAME(gemm)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gemm_args *g = args;
	int i0 = 0, i1 = g->m, j0 = 0, j1 = g->n;
	if (g->n >= g->m) {
		j0 = begin * GEMM_NR;
		j1 = gemm_min(end * GEMM_NR, g->n);
	} else {
		i0 = begin * GEMM_MR;
		i1 = gemm_min(end * GEMM_MR, g->m);
	}
	assert(g->m > 0 && g->n > 0 && g->k > 0);
	const int blocks = gemm_blocks(g->k), columns = gemm_columns(g->n, g->k);
	float *panels = worker->scratch, *panel = panels + (ptrdiff_t)gemm_longest(g->k) * columns;
	const float *b = g->b.p;
	/* B of a few rows of tiles is read where it lies, but for the columns that do not fill a panel. */
	const bool direct = !g->tb && i1 - i0 <= 2 * GEMM_MR && g->ldb < 1024;
	int groups[GEMM_KC / EG_LIVE];
	for (int j = j0, w; j < j1; j += w) {
		w = gemm_min(columns, j1 - j);
		if (g->m == 1 && !g->tb) {
			gemm_row(g, j, j + w, panels);
			continue;
		}
		for (int p = 0; p < blocks; p++) {
			int k0, k1, done = direct ? w / GEMM_NR * GEMM_NR : 0;
			eg_split(g->k, p, blocks, &k0, &k1);
			const bool acc = g->acc || p > 0;
			const int *few = NULL;
			if (done > 0)
				gemm_block(g, i0, i1, j, j + done, k0, k1, b + (ptrdiff_t)k0 * g->ldb + j, g->ldb, GEMM_NR,
				        panel, acc, NULL);
			if (done == w) continue;
			/* what is left out would add zeros: the bits are those of all rows */
			if (g->lengths.p && !direct) {
				const int n = eg_live_groups(&(eg_live){g->lengths.p, g->N, g->t0}, k0, k1, groups);
				if (n < k1 - k0) few = groups, k0 = 0, k1 = n;
			}
			pack_groups(b, g->ldb, g->tb, k0, k1, j + done, j + w, panels, few);
			gemm_block(g, i0, i1, j + done, j + w, k0, k1, panels, GEMM_NR, (ptrdiff_t)(k1 - k0) * GEMM_NR, panel, acc, few);
		}
	}
}

/* ---- gemm_pack, gemm_packed -------------------------------------------------------------------------------------- */

int EG_NAME(gemm_pack_units)(int k, int n) {
	EG_UNUSED(k);
	return (n + GEMM_NR - 1) / GEMM_NR;
}
size_t EG_NAME(gemm_pack_bytes)(int k, int n) {
	return (size_t)k * (size_t)gemm_up(n, GEMM_NR) * sizeof(float);
}
void EG_NAME(gemm_pack)(const void *args, int begin, int end, const eg_worker *worker) {
	EG_UNUSED(worker);
	const eg_gemm_pack_args *g = args;
	EG_NAME(pack_panels)(g->src.p, g->ld, g->trans, 0, g->k, begin * GEMM_NR, gemm_min(end * GEMM_NR, g->n),
	        (float *)g->dst.p + (ptrdiff_t)begin * GEMM_NR * g->k);
}

/* Rows at a, columns [j0,j1), all of k. Each panel of B serves all rows (they should fit into L2) while it is in L1. */
static void gemm_packed_slab(const eg_gemm_packed_args *g, int m, const float *a, float *c, int j0, int j1) {
	/* Rows 4 KB apart meet in one set of L1, which has room for fewer of them than the tallest tile. */
	const int most = g->lda % 1024 == 0 && GEMM_MR > 10 ? 10 : GEMM_MR;
	const int tiles = (m + most - 1) / most, blocks = gemm_blocks(g->k);
	const int step = tiles == 1 ? j1 - j0 : GEMM_NR;
	const float *b = g->b.p, *bias = g->bias.p;
	gemm_strip_args s = {.as = g->lda, .bs = GEMM_NR, .bp = (ptrdiff_t)g->k * GEMM_NR, .ldc = g->ldc, .rows = true, .act = g->act};
	for (int p = 0; p < blocks; p++) {
		int k0, k1, from, to;
		eg_split(g->k, p, blocks, &k0, &k1);
		s.k = k1 - k0;
		s.acc = g->acc || k0 > 0;
		s.finish = p == blocks - 1 && (bias || g->act.kind != EG_ACT_NONE);
		for (int j = j0; j < j1; j += step) {
			s.n = gemm_min(step, j1 - j);
			s.b = b + (ptrdiff_t)j * g->k + k0 * GEMM_NR;
			s.col = bias ? bias + j : NULL;
			for (int t = 0; t < tiles; t++) {
				eg_split(m, t, tiles, &from, &to);
				s.m = to - from;
				s.a = a + (ptrdiff_t)from * g->lda + k0;
				s.c = c + (ptrdiff_t)from * g->ldc + j;
				s.next = tiles > 1 ? tile_next(s.b, s.b + s.bp, s.k, t) : NULL;
				EG_NAME(gemm_strip)(&s);
			}
		}
	}
}

/* Rows [begin,end) of row block `row` and what follows it, columns [j0,j1). */
static void gemm_packed_rows(const eg_gemm_packed_args *g, int row, int begin, int end, int j0, int j1) {
	const int rows = GEMM_POOL / 2 / GEMM_KC, chunks = (end - begin + rows - 1) / rows;
	for (int i = 0, from, to; i < chunks; i++) {
		eg_split(end - begin, i, chunks, &from, &to);
		gemm_packed_slab(g, to - from, eg_at(g->a, row) + (ptrdiff_t)(begin + from) * g->lda,
		        eg_at(g->c, row) + (ptrdiff_t)(begin + from) * g->ldc, j0, j1);
	}
}

/* The same without the rows behind an end, which become 0: also those that are computed between others, since which
 * they are depends on how rows are shared out to threads. */
static void gemm_packed_live(const eg_gemm_packed_args *g, int row, int m, int j0, int j1) {
	const eg_live live = {g->lengths.p, g->N, g->t0};
	const int first = row * g->rows;
	for (int done = 0, at = 0, end; done < m; done = at = end) {
		int next = first + at;
		end = eg_live_run(&live, &next, first + m) - first;
		at = next - first;
		if (end > at) gemm_packed_rows(g, row, at, end, j0, j1);
		for (int i = done; i < end && !g->acc; i++)
			if (live.t0 + (first + i) / live.N >= live.lengths[(first + i) % live.N])
				memset(eg_at(g->c, row) + (ptrdiff_t)i * g->ldc + j0, 0, (size_t)(j1 - j0) * sizeof(float));
	}
}

void EG_NAME(gemm_packed)(const void *args, int begin, int end, const eg_worker *worker) {
	EG_UNUSED(worker);
	const eg_gemm_packed_args *g = args;
	const int panels = EG_NAME(gemm_pack_units)(g->k, g->n), split = g->nsplit;
	/* Row blocks that follow each other in memory are one piece of work, cut so that a block of A stays in L2. */
	const bool whole = g->a.stride == (ptrdiff_t)g->rows * g->lda && g->c.stride == (ptrdiff_t)g->rows * g->ldc;
	const int most = whole && split == 1 ? end - begin : 1;
	for (int u = begin, n; u < end; u += n) {
		int row = u / split, share = u % split, first, last, none;
		n = split == 1 ? gemm_min(most, end - u) : gemm_min(split - share, end - u);
		eg_split(panels, share, split, &first, &none);
		eg_split(panels, split == 1 ? 0 : share + n - 1, split, &none, &last);
		int m = gemm_min(split == 1 ? n * g->rows : g->rows, g->m - row * g->rows);
		const int j0 = first * GEMM_NR, j1 = gemm_min(last * GEMM_NR, g->n);
		if (g->lengths.p) gemm_packed_live(g, row, m, j0, j1);
		else gemm_packed_rows(g, row, 0, m, j0, j1);
	}
}

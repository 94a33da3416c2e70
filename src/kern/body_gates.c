/* body_gates.c - the recurrent product of some hidden units, over the tiles of body_gemm.h.
 *
 * GEMM_NR units are a group; each of its gates is a panel [k][GEMM_NR], and the panels of a group lie side by side, so
 * that a group reads one stretch of memory and its cells can follow while the gates are in L1. Few rows take several
 * panels at a time, to have enough independent sums; their tiles leave the result in a buffer, because the panels'
 * columns of c do not lie side by side. k is cut as in the matrix product: the bits are those of gemm_packed.
 *
 * Not here: which units come when, and who does them (recurrent.c, recurrent_bwd.c). */
#include "kern/body_gemm.h"
#include "kern/kern_recurrent.h"

enum { GATES_ROWS = GEMM_POOL / 2 / GEMM_KC }; /* rows whose part of a block of k stays in L2 */

size_t EG_NAME(gates_pack_bytes)(int k, int units, int parts) {
	return (size_t)k * (size_t)gemm_up(units, GEMM_NR) * (size_t)parts * sizeof(float);
}

void EG_NAME(gates_pack)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gates_pack_args *g = args;
	EG_UNUSED(worker);
	for (int group = begin; group < end; group++)
		for (int p = 0; p < g->parts; p++) {
			const int from = p * g->units + group * GEMM_NR;
			EG_NAME(pack_panels)(g->src.p, g->ld, g->trans, 0, g->k, from,
			        from + gemm_min(GEMM_NR, g->units - group * GEMM_NR),
			        (float *)g->dst.p + ((ptrdiff_t)group * g->parts + p) * GEMM_NR * g->k);
		}
}

/* The columns of panel q in the first of the rows, and how many there are. */
EG_ALWAYS_INLINE float *gates_columns(const eg_gates_args *g, float *c, int q, int *n) {
	const int group = q / g->parts, part = q - group * g->parts;
	*n = gemm_min(GEMM_NR, g->units - group * GEMM_NR);
	return c + part * g->block + group * GEMM_NR;
}

/* c (m,n) = [c +] from (m,n), n <= GEMM_NR. */
EG_ALWAYS_INLINE void gates_put(
	int m, int n, const float *from, ptrdiff_t ld, float *c, ptrdiff_t ldc, bool acc) {
	for (int i = 0; i < m; i++, from += ld, c += ldc) {
		if (n == GEMM_NR) {
			vf x = vload(from), y = vload(from + V);
			vstore(c, acc ? vadd(vload(c), x) : x);
			vstore(c + V, acc ? vadd(vload(c + V), y) : y);
			continue;
		}
		for (int j = 0; j < n; j += V) {
			vm mask = vfirst(n - j < V ? n - j : V);
			vf x = vload(from + j);
			vstore_m(c + j, mask, acc ? vadd(vload_m(c + j, mask), x) : x);
		}
	}
}

/* Rows [i0,i1) of one block of k, panels q0..q1-1. */
static void gates_block(const eg_gates_args *g, int i0, int i1, int k0, int k1, int q0, int q1, bool acc) {
	const int most = g->lda % 1024 == 0 && GEMM_MR > 10 ? 10 : GEMM_MR; /* see gemm_packed_slab */
	const int rows = i1 - i0, tiles = (rows + most - 1) / most, widest = rows == 1 ? 4 : rows <= 3 ? 2 : 1;
	const ptrdiff_t bp = (ptrdiff_t)g->k * GEMM_NR;
	float buffer[GEMM_MR * GEMM_NR > 8 * V ? GEMM_MR * GEMM_NR : 8 * V];
	for (int q = q0, panels; q < q1; q += panels) {
		panels = widest;
		while (panels > q1 - q) panels /= 2;
		const float *b = g->r + q * bp + (ptrdiff_t)k0 * GEMM_NR;
		const int shape = panels == 4 ? 3 : panels == 2 ? 2 : 1;
		for (int t = 0; t < tiles; t++) {
			int from, to, n;
			eg_split(rows, t, tiles, &from, &to);
			const int m = to - from;
			const float *a = g->a + (i0 + from) * g->lda + k0;
			float *c = g->c + (i0 + from) * g->ldc, *at = gates_columns(g, c, q, &n);
			const gemm_tile tile = EG_NAME(gemm_tiles)[true][shape][m - 1];
			const float *next = tiles > 1 ? tile_next(b, b + bp, k1 - k0, t) : b;
			if (panels == 1 && n == GEMM_NR) {
				/* The panels' columns of c jump about; no prefetcher foresees that. */
				for (int i = 0; i < m; i++) __builtin_prefetch(at + i * g->ldc, 1);
				tile(k1 - k0, a, g->lda, b, GEMM_NR, bp, at, g->ldc, acc, next);
				continue;
			}
			tile(k1 - k0, a, g->lda, b, GEMM_NR, bp, buffer, panels * GEMM_NR, false, next);
			for (int i = 0; i < panels; i++) {
				at = gates_columns(g, c, q + i, &n);
				gates_put(m, n, buffer + i * GEMM_NR, panels * GEMM_NR, at, g->ldc, acc);
			}
		}
	}
}

void EG_NAME(gates_product)(const eg_gates_args *args) {
	const eg_gates_args g = *args;
	const int blocks = gemm_blocks(g.k), chunks = (g.rows + GATES_ROWS - 1) / GATES_ROWS;
	const int q0 = g.begin / GEMM_NR * g.parts, q1 = (g.end + GEMM_NR - 1) / GEMM_NR * g.parts;
	for (int i = 0; i < chunks; i++)
		for (int p = 0; p < blocks; p++) {
			int i0, i1, k0, k1;
			eg_split(g.rows, i, chunks, &i0, &i1);
			eg_split(g.k, p, blocks, &k0, &k1);
			gates_block(&g, i0, i1, k0, k1, q0, q1, g.acc || p > 0);
		}
}

/* kern_gemm.h - matrix products (kern.h): of two matrices, of many pairs, and with one of them packed. */
#ifndef ENGRAM_KERN_GEMM_H
#define ENGRAM_KERN_GEMM_H

#include "kern/kern_types.h"

/* Rows that are steps of sequences: row i is sample i % N at time t0 + i / N, and is behind its end from time
 * lengths[sample] on. Without lengths no row is.
 *
 * eg_live_run: from row *at on, the next rows before `end` that are not, as *at up to what is returned; a few that are
 * may lie between. `end`, twice: there are none. */
typedef struct eg_live {
	const int32_t *lengths;
	int N, t0;
} eg_live;
int eg_live_run(const eg_live *l, int *at, int end);
/* The groups of EG_LIVE rows of [begin,end) that have one, by their first rows, into *groups, of which the last may be
 * smaller; returns how many rows they are. */
enum { EG_LIVE = 8 };
int eg_live_groups(const eg_live *l, int begin, int end, int *groups);

/* gemm: C(m,n) = [C +] op(A) op(B). Global. Row-major; op(A) is (m,k): A is (m,k) with lda, or, with ta, (k,m); op(B)
 * is (k,n): B is (k,n) with ldb, or, with tb, (n,k). C is (m,n) with ldc. Any sizes >= 1. Units: gemm_units(args), each
 * a panel of rows or of columns of C (never of k); scratch: gemm_scratch(args) bytes. lengths (with ta, without tb; or
 * absent): the k rows of A and B are eg_live; those of A behind an end are 0, and may be left out. */
typedef struct eg_gemm_args {
	eg_buf a, b, lengths, c;
	int m, n, k, lda, ldb, ldc, N, t0;
	bool ta, tb, acc;
} eg_gemm_args;

/* gemm_batch: a gemm for each index of a walk of `dims` (rank of them, slowest first): its A, B and C begin at the sums
 * of sa, sb and sc times the index. Dimensions with sc 0, which stand behind all others, are summed up: their products
 * are added in their order. Global; unit u is unit u % n of gemm's n = gemm_units(one), of product u / n; scratch:
 * gemm_scratch(one), `one` being eg_gemm_of_batch(args). */
typedef struct eg_gemm_batch_args {
	eg_buf a, b, c;
	int m, n, k, lda, ldb, ldc;
	bool ta, tb, acc;
	int rank;
	int64_t dims[EG_WALK], sa[EG_WALK], sb[EG_WALK], sc[EG_WALK];
} eg_gemm_batch_args;
/* The product at the beginning of all buffers. */
EG_ALWAYS_INLINE eg_gemm_args eg_gemm_of_batch(const eg_gemm_batch_args *g) {
	return (eg_gemm_args){.a = g->a, .b = g->b, .c = g->c, .m = g->m, .n = g->n, .k = g->k, .lda = g->lda, .ldb = g->ldb,
		.ldc = g->ldc, .ta = g->ta, .tb = g->tb, .acc = g->acc};
}

/* gemm_pack: writes B(k,n) in the table's own packed form into dst (gemm_pack_bytes(k, n) bytes). src is (k,n)
 * row-major with ld, or, with trans, (n,k). Global; units: gemm_pack_units(k, n), a unit is a group of column
 * panels. */
typedef struct eg_gemm_pack_args {
	eg_buf src, dst;
	int k, n, ld;
	bool trans;
} eg_gemm_pack_args;

/* gemm_packed: C(rows,n) = act([C +] A(rows,k) B + bias), B packed by gemm_pack, bias (n) or absent. Block job when
 * nsplit == 1: unit b does rows [b*rows, min(m, (b+1)*rows)) of A and C, found at eg_at(a, b), eg_at(c, b). As a global
 * job the columns may be split too: unit u does row block u / nsplit and column share u % nsplit of nsplit (eg_split
 * over the table's column panels; 1 <= nsplit <= gemm_pack_units(k, n)). No scratch. act is applied last and only with
 * acc false. lengths (in global jobs; or absent): the rows are eg_live; what is wanted of those behind an end are
 * numbers alone, the same for any split. `ref` computes such a row of C like the others; in other tables it becomes 0,
 * or, with acc, is left or computed, where that of A is 0. */
typedef struct eg_gemm_packed_args {
	eg_buf a, b, bias, lengths, c;
	int m, rows, n, k, lda, ldc, nsplit, N, t0;
	bool acc;
	eg_act act;
} eg_gemm_packed_args;

#endif

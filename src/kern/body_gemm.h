/* body_gemm.h - what body_gemm.c offers to other bodies: its tiles, strips of them, and packing. What they are is said
 * there. */
#ifndef ENGRAM_BODY_GEMM_H
#define ENGRAM_BODY_GEMM_H

#include "kern/kern_gemm.h"
#include "kern/simd.h"

enum {
	GEMM_MR = VREGS >= 32 ? 14 : 6, /* rows of the largest tile: 28 or 12 accumulators of 32 or 16 registers */
	GEMM_NR = 2 * V,                /* columns of a panel of B */
	GEMM_TURN = V == 8 ? 4 : 1,     /* k in a turn of a tile's loop: in small tiles the loop itself counts */
	GEMM_KC = 512,                  /* longest block of k */
	GEMM_POOL = 1 << 18,            /* floats of B that are kept packed: 1 MB, half of L2 */
	GEMM_FEW = 4,                   /* so few rows use B up faster than it comes without being asked for, */
	GEMM_AHEAD = 96,                /* so many k ahead */
	GEMM_LINE = 16,                 /* floats of a line of the cache */
	GEMM_LINES = 8,                 /* lines of B that one row of A meets at a time */
	GEMM_GROUP = 4,                 /* tiles of a transposed A that are packed together */
	GEMM_SHAPES = 4                 /* tiles are 1, 2, 4 or 8 vectors wide */
};

/* A tile of C; see tile_f32 in body_gemm.c. */
typedef void (*gemm_tile)(int k, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs, ptrdiff_t bp, float *c,
	ptrdiff_t ldc, bool acc, const float *next);

/* [read A by rows][log2 of vectors][height - 1] */
extern const gemm_tile EG_NAME(gemm_tiles)[2][GEMM_SHAPES][GEMM_MR];

/* What tile i over a panel b of k lines fetches: a part of the panel behind it, at `after`; b itself, which is there
 * already, when all is asked for. */
EG_ALWAYS_INLINE const float *tile_next(const float *b, const float *after, int k, int i) {
	return i < GEMM_TURN ? after + (ptrdiff_t)i * (k / GEMM_TURN) * GEMM_LINE : b;
}

/* n tiles of two vectors, one below the other, over one panel b of k lines, which stays in L1: C = A B with A read by
 * rows. They are tiles `first`, first + 1, ... over b, and fetch the panel behind it into L1 too. */
typedef void (*gemm_stack)(int first, int n, int k, const float *a, ptrdiff_t as, const float *b, float *c, ptrdiff_t ldc);

/* [height - 1]; NULL below half of GEMM_MR: rows shared out evenly make no lower tiles, unless they make only one. */
extern const gemm_stack EG_NAME(gemm_stacks)[GEMM_MR];

/* C(m,n) = [C +] A(m,k) B(k,n) for m <= GEMM_MR and one block of k. B must be readable up to the end of its last
 * panel. After the last block of k, `finish` adds the bias and applies act. */
typedef struct gemm_strip_args {
	int m, n, k;
	const float *a;
	ptrdiff_t as;
	const float *b;
	ptrdiff_t bs, bp; /* from one k to the next, from one panel to the next */
	float *c;
	ptrdiff_t ldc;
	bool rows, acc, finish;
	eg_act act;
	const float *col, *row; /* bias per column or per row, or NULL */
	const float *next;      /* what is fetched meanwhile; NULL: nothing */
} gemm_strip_args;

void EG_NAME(gemm_strip)(const gemm_strip_args *s);

/* Number of blocks of k; eg_split gives their bounds. */
EG_ALWAYS_INLINE int gemm_blocks(int k) { return (k + GEMM_KC - 1) / GEMM_KC; }
EG_ALWAYS_INLINE int gemm_longest(int k) {
	return (k + gemm_blocks(k) - 1) / gemm_blocks(k);
}
EG_ALWAYS_INLINE int gemm_up(int n, int unit) { return (n + unit - 1) / unit * unit; }
EG_ALWAYS_INLINE int gemm_min(int a, int b) { return a < b ? a : b; }

/* Columns of B that are packed at a time. */
EG_ALWAYS_INLINE int gemm_columns(int n, int k) {
	int most = GEMM_POOL / gemm_longest(k) / GEMM_NR * GEMM_NR;
	int parts = (n + most - 1) / most;
	return gemm_up((n + parts - 1) / parts, GEMM_NR);
}

/* to[k*width + i] = from[i*ld + k] for i < m. Up to V - 1 elements behind the m of each k get zero or are overwritten
 * by the next k, so that V elements behind the end must be there when width is not a multiple of V. */
void EG_NAME(pack_across)(int m, int k, const float *from, ptrdiff_t ld, float *to, ptrdiff_t width);
/* to[k*width + i] = from[k*ld + i] for i < m, under the same condition. */
void EG_NAME(pack_along)(int m, int k, const float *from, ptrdiff_t ld, float *to, ptrdiff_t width);
/* Rows [k0,k1), columns [j0,j1) of B into panels [k][GEMM_NR]; the last panel is filled up with zeros. */
void EG_NAME(pack_panels)(const float *b, ptrdiff_t ld, bool trans, int k0, int k1, int j0, int j1, float *to);

/* The slot gemm and what goes with it. */
int EG_NAME(gemm_units)(const eg_gemm_args *g);
size_t EG_NAME(gemm_scratch)(const eg_gemm_args *g);
void EG_NAME(gemm)(const void *args, int begin, int end, const eg_worker *worker);

#endif

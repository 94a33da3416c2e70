/* kern_types.h - what all arguments of kernels are made of (kern.h). */
#ifndef ENGRAM_KERN_TYPES_H
#define ENGRAM_KERN_TYPES_H

#include "base/base.h"
#include "kern/act.h"

#include <assert.h>

enum {
	EG_BLOCK = 16,       /* samples in a block, and lanes of the LANES layout */
	EG_CHUNK = 4096,     /* elements in a unit of flat global jobs */
	EG_ALIGN = 64,       /* bytes */
	EG_MAX_SHARDS = 16,  /* most partial sums of a weight gradient */
	EG_KDIMS = 8,
	EG_WALK = 16,        /* dimensions of what is walked with strides, where each of a tensor may be cut in two */
	EG_JOIN = 8          /* most tensors that are joined into one */
};

typedef struct eg_buf {
	void *p;
	ptrdiff_t stride; /* elements from one block to the next */
} eg_buf;

/* What a kernel runs with: the table that it is of, where it finds the other kernels that it calls (they may be another
 * table's than its own file's), and memory. A direct call of one kernel by another hands it on. */
typedef struct eg_worker {
	const struct eg_kernels *kernels;
	void *scratch; /* aligned to 64 bytes, of as many bytes as the slot says */
} eg_worker;
/* One for a call: EG_WORKER(&kern, memory). */
#define EG_WORKER(table, memory) (&(const eg_worker){table, memory})

typedef void (*eg_kernel)(const void *args, int begin, int end, const eg_worker *worker);

/* A joint job is the third kind, for work whose steps depend on each other and which has too few units to share out:
 * every rank calls the kernel at the same time, does a part of each step that it finds from its rank, and waits for the
 * others where it needs what they have written. The scratch is the same memory for all. The result must not depend on
 * the number of ranks: same bits for any, 1 included. A kernel that can run both as a global and as a joint job gives
 * the same bits either way, so that the runner may choose. */
typedef struct eg_ranks {
	int rank, size;
	void (*wait)(void *team); /* until all ranks have come here; what they wrote before is then seen by all */
	void *team;
} eg_ranks;
typedef void (*eg_joint)(const void *args, const eg_ranks *ranks, const eg_worker *worker);

typedef enum eg_layout { EG_PLAIN, EG_LANES, EG_BLOCKED, EG_LAYOUTS } eg_layout;

/* Elements of unit u, of `unit` each but the last, of `total`. */
EG_ALWAYS_INLINE int64_t eg_unit_size(int64_t unit, int64_t total, int u) {
	const int64_t rest = total - (int64_t)u * unit;
	return rest < unit ? rest : unit;
}
/* First element of block b. */
EG_ALWAYS_INLINE real *eg_at(eg_buf x, int b) { return (real *)x.p + (ptrdiff_t)b * x.stride; }
/* Samples in block b of n. */
EG_ALWAYS_INLINE int eg_block_size(int n, int b) { return n - b * EG_BLOCK < EG_BLOCK ? n - b * EG_BLOCK : EG_BLOCK; }
EG_ALWAYS_INLINE int eg_blocks(int n) { return (n + EG_BLOCK - 1) / EG_BLOCK; }
EG_ALWAYS_INLINE int eg_shards(int blocks) { return blocks < EG_MAX_SHARDS ? blocks : EG_MAX_SHARDS; }
/* Weight gradients of block jobs: the blocks are cut into `shards` runs (see eg_split), one partial sum each. The first
 * block of a run overwrites the partial sum, the others add to it, in rising order. */
EG_ALWAYS_INLINE int eg_shard_of(int block, int blocks, int shards) {
	int s = (int)(((int64_t)(block + 1) * shards - 1) / blocks);
	return s;
}
EG_ALWAYS_INLINE int eg_shard_begin(int s, int blocks, int shards) { return (int)((int64_t)blocks * s / shards); }

#endif

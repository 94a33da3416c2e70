/* base.h - what every file of the engine may use: status and messages, the arena, CPU detection, the thread team,
 * counter-based random numbers and checked files. Everything here needs libc and pthread only.
 *
 * Not here: tensors, kernels, anything that knows what a network is. */
#ifndef ENGRAM_BASE_H
#define ENGRAM_BASE_H

#include "engram.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* `real` is the element type of every floating-point tensor: float, or double in the double-precision build that the
 * gradient checks use. */
typedef eg_real real;

#define EG_UNUSED(x) ((void)(x))
#define EG_COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#if defined(__GNUC__)
#define EG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define EG_ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define EG_PRINTF(fmt, args)
#define EG_ALWAYS_INLINE static inline
#endif

/* Product of dimensions from `from` on; none of them may be open. */
static inline int64_t eg_dims_count(const eg_dims *d, int from) {
	int64_t n = 1;
	for (int i = from; i < d->rank; i++) n *= d->d[i];
	return n;
}

/* ---- status.c: messages ------------------------------------------------------------------------------------------ */

/* Records `status` and the formatted message in *err (NULL: only the status is returned). Returns `status`, so that a
 * check reads `return eg_fail(err, EG_ERR_SHAPE, "conv2d '%s': ...", name)`. A message that is too long is cut with
 * "...". */
eg_status eg_fail(eg_error *err, eg_status status, const char *fmt, ...) EG_PRINTF(3, 4);
#ifdef __clang_analyzer__ /* which looks at one file at a time, and so cannot know that the status comes back */
#define eg_fail(err, status, ...) (eg_fail(err, status, __VA_ARGS__), (status))
#endif
/* Puts "prefix: " before the message already in *err; for callers that know the place (file, layer). */
void eg_fail_prefix(eg_error *err, const char *fmt, ...) EG_PRINTF(2, 3);
/* Does the name fit a pattern in which * stands for any characters and ? for one? */
bool eg_name_fits(const char *pattern, const char *name);

/* ---- alloc.c: allocator hook and arena --------------------------------------------------------------------------- */

/* All memory of the engine comes through the eg_allocator of the context (engram.h). `a` NULL means malloc and free. */
void *eg_alloc(const eg_allocator *a, size_t bytes);          /* NULL when out of memory; 0 bytes gives a valid
                                                               * pointer */
void *eg_calloc(const eg_allocator *a, size_t count, size_t size); /* zeroed; NULL also on overflow of count*size */
void eg_release(const eg_allocator *a, void *p);              /* NULL is allowed */
/* Large aligned block for tensors: aligned to 2 MB and advised as huge pages from 1 MB on, to 64 bytes below. The bytes
 * are zero. Released with eg_block_free (NULL is allowed). */
void *eg_block_new(const eg_allocator *a, size_t bytes);
void eg_block_free(const eg_allocator *a, void *p);

/* Arena: bump allocation, freed at once. Zero-initialise and set .allocator. */
typedef struct eg_arena_chunk eg_arena_chunk;
typedef struct eg_arena {
	const eg_allocator *allocator;
	eg_arena_chunk *head;  /* newest chunk first */
	eg_arena_chunk *spare; /* kept by eg_arena_reset */
	size_t used;           /* bytes handed out, for tests */
} eg_arena;
void *eg_arena_alloc(eg_arena *a, size_t bytes); /* zeroed, aligned to 16; NULL when out of memory */
char *eg_arena_strdup(eg_arena *a, const char *s);
char *eg_arena_printf(eg_arena *a, const char *fmt, ...) EG_PRINTF(2, 3);
void eg_arena_free(eg_arena *a);  /* leaves the arena empty and usable */
void eg_arena_reset(eg_arena *a); /* likewise, and keeps its memory for what is put next */

/* Growing array: makes room for one more element in *items (capacity *cap, count n, element size `size`), doubling.
 * Returns false when out of memory, leaving everything as it was. */
bool eg_grow(const eg_allocator *a, void *items, int *cap, int n, size_t size);

/* ---- cpu.c: what this machine can run ---------------------------------------------------------------------------- */

/* Later ones are better. WIDE16 is no instruction set of a machine: the shapes of AVX-512 in portable C, in test
 * programs only. */
typedef enum eg_isa { EG_ISA_REF, EG_ISA_WIDE16, EG_ISA_NEON, EG_ISA_AVX2, EG_ISA_AVX512, EG_ISA_COUNT } eg_isa;
typedef struct eg_cpu {
	char model[64];      /* as the CPU names itself, trimmed; "unknown" */
	bool has[EG_ISA_COUNT]; /* usable: CPUID (or HWCAP) says yes and the system saves the registers (XGETBV) */
	const char *why_not[EG_ISA_COUNT]; /* for those not usable, the reason in words; NULL when usable */
	size_t l1d, l2, l3;  /* bytes of cache seen by one core; sane guesses where unknown */
	int cores;           /* processors this process may run on (sched_getaffinity) */
} eg_cpu;
/* AVX2 means avx2 + fma + f16c; AVX512 means avx512 f, dq, bw, vl. Cheap, no allocation; thread-safe. */
void eg_cpu_detect(eg_cpu *cpu);
const char *eg_isa_name(eg_isa isa);               /* "ref", "wide16", "neon", "avx2", "avx512" */
bool eg_isa_parse(const char *name, eg_isa *isa);  /* false for an unknown name */

/* ---- team.c: threads --------------------------------------------------------------------------------------------- */

/* A fixed group of `size` threads; the caller of eg_team_run is rank 0 and works too. Workers spin for about 50 us
 * after a job, then sleep (futex or condition variable): an idle team uses no CPU. Size 1 creates no thread. One caller
 * at a time. Denormals are flushed (FTZ, DAZ; FPCR.FZ) in every rank during a job, and the caller's floating-point mode
 * is restored after. */
typedef struct eg_team eg_team;
typedef void (*eg_job)(void *arg, int rank, int size);
eg_team *eg_team_new(const eg_allocator *a, int size, eg_error *err); /* NULL on failure, with *err filled */
void eg_team_free(eg_team *team);                                     /* NULL is allowed */
int eg_team_size(const eg_team *team);
/* Runs job(arg, rank, size) on `size` ranks (1 <= size <= eg_team_size; with 1, no worker is woken), returns when all
 * are done. What the caller wrote before is seen by all; what they wrote is seen by the caller after. */
void eg_team_run(eg_team *team, int size, eg_job job, void *arg);
/* Inside a job: waits until all ranks of this job have arrived (memory is ordered across). No-op for size 1. Spins
 * briefly, then yields or sleeps, so that more threads than cores still make progress. */
void eg_team_barrier(eg_team *team);
/* The same for the ranks 0..size-1 of it only, while the others are elsewhere. */
void eg_team_meet(eg_team *team, int size);
int eg_fp_flush_on(void);        /* flush denormals in this thread; returns the mode to restore */
void eg_fp_restore(int mode);

/* Part of `n` work units that rank `rank` of `size` takes: contiguous, sizes differ by one at most. */
EG_ALWAYS_INLINE void eg_split(int n, int rank, int size, int *begin, int *end) {
	*begin = (int)((int64_t)n * rank / size);
	*end = (int)((int64_t)n * (rank + 1) / size);
}

/* ---- rng.c: counter-based random numbers (Philox4x32-10, Salmon et al. 2011) ------------------------------------- */

/* Numbers are a function of (seed, stream, index) and of nothing else: no state, any order, any thread. `stream` tells
 * users apart: node, purpose, step (see eg_stream). */
typedef struct eg_rng { uint64_t seed, stream; } eg_rng;
void eg_rng_u32x4(eg_rng r, uint64_t index, uint32_t out[4]); /* block `index` of the stream */
uint64_t eg_stream(uint32_t purpose, uint32_t id, uint64_t step); /* mixes to a 64-bit stream number */
double eg_rng_uniform(eg_rng r, uint64_t index);  /* [0,1), 53 bits, from block `index` */
double eg_rng_normal(eg_rng r, uint64_t index);   /* mean 0, deviation 1 (Box-Muller on block `index`) */
uint64_t eg_rng_below(eg_rng r, uint64_t index, uint64_t n); /* unbiased enough: 64-bit multiply-shift; n > 0 */
void eg_rng_shuffle(eg_rng r, uint32_t *items, size_t n);    /* Fisher-Yates, in place */
enum { EG_RNG_INIT = 1, EG_RNG_DROPOUT, EG_RNG_SHUFFLE, EG_RNG_SPLIT, EG_RNG_AUGMENT, EG_RNG_TEST, EG_RNG_DATA, EG_RNG_GENERATE, EG_RNG_TUNE };

/* ---- file.c: checked files --------------------------------------------------------------------------------------- */

/* Whole file into memory. Refuses files larger than `limit` bytes (0: 2 GB) and directories; *data is NUL-terminated
 * beyond *size, released with eg_release. Messages name the path and the system's reason. */
eg_status eg_file_read(const eg_allocator *a, const char *path, size_t limit, char **data, size_t *size, eg_error *err);
/* The same for what was not named by the user, but found in a folder or in another file: a regular file only, so that
 * no pipe and no device is waited for. */
eg_status eg_file_read_regular(
	const eg_allocator *a, const char *path, size_t limit, char **data, size_t *size, eg_error *err);

/* A path that begins with ~/ as one below HOME, in buf, where there is no such file as it stands; else `path` itself:
 * shells do this for words of a command, nobody for a text in a file. */
const char *eg_path_home(const char *path, char *buf, size_t size);

/* Atomic writing: data goes to "PATH.tmp-PID" (exclusive), commit flushes, fsyncs, renames over PATH and fsyncs the
 * folder. Every error is kept and reported by commit (the first one), so writes in between need no check. A writer that
 * is aborted, or whose commit fails, leaves the old PATH as it was and removes the temporary file; those that killed
 * processes left of PATH are removed by the next writer of PATH. */
typedef struct eg_writer eg_writer;
eg_writer *eg_writer_new(const eg_allocator *a, const char *path, eg_error *err);
void eg_writer_put(eg_writer *w, const void *data, size_t size);
bool eg_writer_failed(const eg_writer *w); /* for who writes much: commit will fail */
eg_status eg_writer_commit(eg_writer *w, eg_error *err); /* frees w in every case */
void eg_writer_abort(eg_writer *w);                      /* NULL is allowed */
/* Could PATH be written now, `size` bytes of it? Does all that a writer does before its first byte, sees whether there
 * is room, and leaves nothing. */
eg_status eg_writer_check(const char *path, size_t size, eg_error *err);

#endif

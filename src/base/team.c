/* team.c - a fixed group of threads that run one job together, their barrier, and the flushing of denormals.
 *
 * A job is posted by one store to `post`, which holds a generation number and the number of ranks wanted. Workers
 * spin on it for about 50 us after their last job and then go to bed. Whoever waits tells so in its bed's `sleepers`
 * before it looks at the word a last time, and whoever changes the word looks at `sleepers` afterwards; as all four
 * accesses are sequentially consistent, one of the two sees the other, and nobody takes a lock while all are awake.
 *
 * Threads are not pinned, which is the user's affair (taskset). But the system may wake a worker on the very processor
 * where the caller spins and leave both there, at half the speed, while another one runs something less important: a
 * worker that finds itself on the processor of a lower rank moves away.
 *
 * Not here: how work is divided (eg_split, core/run.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/base.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { LINE = 64, SIZE_BITS = 16, SIZE_MASK = (1 << SIZE_BITS) - 1, SIZE_MOST = 4096 };

/* How long each kind of waiting lasts before the next begins: busy, then giving way to others, then asleep. */
enum { IDLE_NS = 50 * 1000, BUSY_NS = 20 * 1000, YIELD_NS = 1000 * 1000, MOVE_NS = 10 * 1000 * 1000, SPINS_PER_LOOK = 32 };

/* ---- floating-point mode ----------------------------------------------------------------------------------------- */

#if defined(__SSE2__)
int eg_fp_flush_on(void) {
	unsigned mode = _mm_getcsr();
	_mm_setcsr(mode | 0x8040u); /* FTZ, DAZ */
	return (int)mode;
}

void eg_fp_restore(int mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
int eg_fp_flush_on(void) {
	uint64_t mode;
	__asm__ volatile("mrs %0, fpcr" : "=r"(mode));
	__asm__ volatile("msr fpcr, %0" : : "r"(mode | 1u << 24)); /* FZ */
	return (int)mode;
}

void eg_fp_restore(int mode) { __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)(unsigned)mode)); }
#else
int eg_fp_flush_on(void) { return 0; }
void eg_fp_restore(int mode) { EG_UNUSED(mode); }
#endif

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

/* Where those who wait for a word to change sleep. */
typedef struct bed {
	atomic_int sleepers;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
} bed;

static int bed_make(bed *b) {
	int e = pthread_mutex_init(&b->mutex, NULL);
	if (e) return e;
	e = pthread_cond_init(&b->changed, NULL);
	if (e) pthread_mutex_destroy(&b->mutex);
	return e;
}

static void bed_unmake(bed *b) {
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->mutex);
}

/* To be called after the word was stored with memory_order_seq_cst. */
static void bed_wake(bed *b) {
	if (atomic_load(&b->sleepers) == 0) return;
	pthread_mutex_lock(&b->mutex);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->mutex);
}

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void) {
#if defined(__SSE2__)
	_mm_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb"); /* `yield` is a no-op on most cores; isb waits some tens of cycles */
#endif
}

/* Ranks of all teams of the process whose job runs. Nobody spins on a processor that one of them could use: of several
 * teams that run at the same time, those who wait give way at once. */
static atomic_int at_work;

/* Waits until *word is not `old`, and returns it. Spins until `start + spin_ns` (start 0: from now on) while no more
 * than `room` ranks are at work, yields until `start + yield_ns`, then sleeps in `b`. */
static uint64_t wait_change(
	atomic_uint_fast64_t *word, uint64_t old, bed *b, int64_t start, int room, int spin_ns, int yield_ns) {
	uint64_t now = old;
	for (int64_t waited = 0; waited < spin_ns || waited < yield_ns;) {
		const bool spin = waited < spin_ns && atomic_load_explicit(&at_work, memory_order_relaxed) <= room;
		for (int i = 0; i < SPINS_PER_LOOK; i++) {
			now = atomic_load_explicit(word, memory_order_acquire);
			if (now != old) return now;
			if (spin)
				relax();
			else
				sched_yield();
		}
		int64_t clock = now_ns();
		if (start == 0) start = clock;
		waited = clock - start;
	}
	pthread_mutex_lock(&b->mutex);
	atomic_fetch_add(&b->sleepers, 1);
	while ((now = atomic_load(word)) == old) pthread_cond_wait(&b->changed, &b->mutex);
	atomic_fetch_sub(&b->sleepers, 1);
	pthread_mutex_unlock(&b->mutex);
	return now;
}

/* ---- team -------------------------------------------------------------------------------------------------------- */

typedef struct worker {
	alignas(LINE) bed bed;
	eg_team *team;
	pthread_t thread;
	int rank;
	atomic_int cpu; /* where it was when its last job began; -1: unknown */
	int64_t moved;  /* when it last moved away from another rank */
} worker;

/* A barrier. */
typedef struct gate {
	alignas(LINE) atomic_int arrived;          /* ranks at it */
	alignas(LINE) atomic_uint_fast64_t passed; /* times that it was passed */
	bed bed;
} gate;

/* Fields that different ranks write at the same time stand in cache lines of their own. */
struct eg_team {
	/* written by the caller before a job, read by its ranks */
	alignas(LINE) atomic_uint_fast64_t post; /* generation << SIZE_BITS | ranks wanted */
	eg_job job;                              /* NULL: the workers end */
	void *arg;
	int job_size;
	atomic_int cpu; /* of the caller when the job began; -1: unknown */
	alignas(LINE) atomic_int working;        /* workers that have not finished the job */
	alignas(LINE) atomic_uint_fast64_t done; /* generation finished; the last worker's sign to the caller */
	bed done_bed;
	gate all, some; /* of eg_team_barrier, of eg_team_meet */
	/* constant */
	alignas(LINE) const eg_allocator *allocator;
	int size;
	int made;    /* workers whose thread runs */
	int cores;
	int busy_ns; /* BUSY_NS, or 0 when there are more threads than cores and spinning would hold up the others */
	worker workers[]; /* of rank 1, 2, ... */
};

#if defined(__linux__)
static int this_cpu(void) { return sched_getcpu(); }

static int cpu_of(eg_team *team, int rank) {
	return atomic_load_explicit(rank ? &team->workers[rank - 1].cpu : &team->cpu, memory_order_relaxed);
}

/* Moves this thread to a processor where no lower rank is, if it shares one now; at most once in 10 ms. The set of
 * processors that it may run on is the same before and after. */
static void step_aside(worker *w) {
	int here = this_cpu();
	bool shared = false;
	cpu_set_t allowed, rest;
	atomic_store_explicit(&w->cpu, here, memory_order_relaxed);
	for (int i = 0; i < w->rank; i++) shared |= cpu_of(w->team, i) == here;
	if (!shared || here < 0 || w->team->busy_ns == 0) return;
	int64_t now = now_ns();
	if (now - w->moved < MOVE_NS || sched_getaffinity(0, sizeof allowed, &allowed)) return;
	w->moved = now;
	rest = allowed;
	for (int i = 0; i < w->rank; i++) {
		int cpu = cpu_of(w->team, i);
		if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR((size_t)cpu, &rest);
	}
	if (CPU_COUNT(&rest) == 0 || sched_setaffinity(0, sizeof rest, &rest)) return;
	sched_setaffinity(0, sizeof allowed, &allowed);
	atomic_store_explicit(&w->cpu, this_cpu(), memory_order_relaxed);
}
#else
static int this_cpu(void) { return -1; }
static void step_aside(worker *w) { EG_UNUSED(w); }
#endif

static void *work(void *arg) {
	worker *w = arg;
	eg_team *team = w->team;
	uint64_t post = 0;
	int64_t idle_since = 0;
	int spin_ns = team->busy_ns ? IDLE_NS : 0;
	eg_fp_flush_on();
	for (;;) {
		post = wait_change(&team->post, post, &w->bed, idle_since, team->cores - 1, spin_ns, IDLE_NS);
		int size = (int)(post & SIZE_MASK);
		if (w->rank >= size) { /* not wanted this time: job and arg are not ours to read */
			if (idle_since == 0) idle_since = now_ns();
			continue;
		}
		if (!team->job) return NULL;
		step_aside(w);
		team->job(team->arg, w->rank, size);
		idle_since = 0;
		if (atomic_fetch_sub_explicit(&team->working, 1, memory_order_acq_rel) == 1) {
			atomic_fetch_add(&team->done, 1);
			bed_wake(&team->done_bed);
		}
	}
}

static void post(eg_team *team, int size, eg_job job, void *arg) {
	team->job = job;
	team->arg = arg;
	team->job_size = size;
	atomic_store_explicit(&team->cpu, this_cpu(), memory_order_relaxed);
	atomic_store_explicit(&team->working, size - 1, memory_order_relaxed);
	uint64_t last = atomic_load_explicit(&team->post, memory_order_relaxed);
	atomic_store(&team->post, ((last >> SIZE_BITS) + 1) << SIZE_BITS | (uint64_t)size);
	for (int i = 0; i < size - 1; i++) bed_wake(&team->workers[i].bed);
}

/* Starts the worker of rank i + 1, with all signals blocked: handlers belong to the program's own threads. */
static int worker_start(eg_team *team, int i) {
	worker *w = &team->workers[i];
	w->team = team;
	w->rank = i + 1;
	atomic_init(&w->cpu, -1);
	int e = bed_make(&w->bed);
	if (e) return e;
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e) bed_unmake(&w->bed);
	return e;
}

eg_team *eg_team_new(const eg_allocator *a, int size, eg_error *err) {
	if (size < 1 || size > SIZE_MOST) {
		eg_fail(err, EG_ERR_ARG, "%d threads asked for; a team has 1 to %d", size, SIZE_MOST);
		return NULL;
	}
	eg_team *team = eg_block_new(a, sizeof(*team) + (size_t)(size - 1) * sizeof(worker));
	if (!team) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a team of %d threads", size);
		return NULL;
	}
	eg_cpu cpu;
	eg_cpu_detect(&cpu);
	team->allocator = a;
	team->size = size;
	team->cores = cpu.cores;
	team->busy_ns = size <= cpu.cores ? BUSY_NS : 0;
	int e = bed_make(&team->done_bed);
	if (!e && (e = bed_make(&team->all.bed)) != 0) bed_unmake(&team->done_bed);
	if (!e && (e = bed_make(&team->some.bed)) != 0) {
		bed_unmake(&team->done_bed);
		bed_unmake(&team->all.bed);
	}
	if (e) {
		eg_fail(err, EG_ERR_MEMORY, "cannot make a team of %d threads: %s", size, strerror(e));
		eg_block_free(a, team);
		return NULL;
	}
	for (int i = 0; i < size - 1; i++) {
		e = worker_start(team, i);
		if (e) {
			eg_fail(err, EG_ERR_MEMORY, "cannot start thread %d of %d: %s; ask for fewer threads", i + 2,
			        size, strerror(e));
			eg_team_free(team);
			return NULL;
		}
		team->made++;
	}
	return team;
}

void eg_team_free(eg_team *team) {
	if (!team) return;
	post(team, team->made + 1, NULL, NULL);
	for (int i = 0; i < team->made; i++) {
		pthread_join(team->workers[i].thread, NULL);
		bed_unmake(&team->workers[i].bed);
	}
	bed_unmake(&team->done_bed);
	bed_unmake(&team->all.bed);
	bed_unmake(&team->some.bed);
	eg_block_free(team->allocator, team);
}

int eg_team_size(const eg_team *team) { return team->size; }

void eg_team_run(eg_team *team, int size, eg_job job, void *arg) {
	int mode = eg_fp_flush_on();
	if (size <= 1) {
		team->job_size = 1;
		job(arg, 0, 1);
	} else {
		if (size > team->size) size = team->size;
		uint64_t done = atomic_load_explicit(&team->done, memory_order_relaxed);
		atomic_fetch_add_explicit(&at_work, size, memory_order_relaxed);
		post(team, size, job, arg);
		job(arg, 0, size);
		wait_change(&team->done, done, &team->done_bed, 0, team->cores, team->busy_ns, YIELD_NS);
		atomic_fetch_sub_explicit(&at_work, size, memory_order_relaxed);
	}
	eg_fp_restore(mode);
}

static void pass(const eg_team *team, gate *g, int size) {
	if (size <= 1) return;
	/* Read before arriving: it cannot change until this rank has arrived too. */
	uint64_t passed = atomic_load_explicit(&g->passed, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&g->arrived, 1, memory_order_acq_rel) == size - 1) {
		atomic_store_explicit(&g->arrived, 0, memory_order_relaxed);
		atomic_store(&g->passed, passed + 1);
		bed_wake(&g->bed);
	} else {
		wait_change(&g->passed, passed, &g->bed, 0, team->cores, team->busy_ns, YIELD_NS);
	}
}

void eg_team_barrier(eg_team *team) { pass(team, &team->all, team->job_size); }
void eg_team_meet(eg_team *team, int size) { pass(team, &team->some, size); }

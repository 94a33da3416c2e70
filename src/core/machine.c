/* machine.c - what the speed of a network is compared with: the peak of multiply-adds, and how long one core takes to
 * hear another. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "core/machine.h"
#include "core/context.h"

#include <math.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PEAK_ROUNDS = 8, PINGS = 100, SAMPLES = 101, LINE = 64 };

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* ---- the peak ---------------------------------------------------------------------------------------------------- */

/* All ranks begin together, and each takes its own time. */
typedef struct peak_job {
	eg_team *team;
	const eg_kernels *kern;
	int rounds;
	double rate; /* operations a second of all, by rank 0 */
	double *flop, *seconds;
	real *sinks;
} peak_job;

enum { RANKS = 1024 };

static void peak(void *arg, int rank, int size) {
	peak_job *p = arg;
	eg_team_barrier(p->team);
	double start = now();
	double flop = p->kern->fma_loop(p->rounds, &p->sinks[rank]);
	p->flop[rank] = flop;
	p->seconds[rank] = now() - start;
	eg_team_barrier(p->team);
	if (rank) return;
	double slowest = 0, sum = 0;
	for (int i = 0; i < size; i++) {
		sum += p->flop[i];
		if (p->seconds[i] > slowest) slowest = p->seconds[i];
	}
	p->rate = slowest > 0 ? sum / slowest : 0;
}

double eg_measure_peak(eg_team *team, const eg_kernels *k, int threads) {
	double flop[RANKS], seconds[RANKS], best = 0;
	real sinks[RANKS] = {0};
	if (threads > RANKS) threads = RANKS;
	peak_job p = {.team = team, .kern = k, .rounds = 1000, .flop = flop, .seconds = seconds, .sinks = sinks};
	eg_team_run(team, 1, peak, &p); /* how many rounds make a millisecond */
	p.rounds = seconds[0] > 0 ? (int)fmin(1e7, fmax(1000, 1e-3 / seconds[0] * 1000)) : 1000;
	for (int i = 0; i < PEAK_ROUNDS; i++) {
		eg_team_run(team, threads, peak, &p);
		if (p.rate > best) best = p.rate;
	}
	return best * 1e-9;
}

/* ---- from core to core ------------------------------------------------------------------------------------------- */

typedef struct handoff_job {
	alignas(LINE) atomic_int ball; /* even: rank 0 has it, odd: rank 1; negative: the game is over */
	alignas(LINE) double ns[SAMPLES];
	int n;
} handoff_job;

/* Rank 0 throws and takes the time. One game at least is played to its end, and more for a tenth of a second at
 * most. */
static void handoff(void *arg, int rank, int size) {
	handoff_job *h = arg;
	EG_UNUSED(size);
	if (rank) {
		for (int v = 0; v >= 0; v = atomic_load_explicit(&h->ball, memory_order_acquire))
			if (v & 1) atomic_store_explicit(&h->ball, v + 1, memory_order_release);
		return;
	}
	double begin = now();
	for (int s = -1; s < SAMPLES && (s < 1 || now() - begin < 0.1); s++) { /* the first, while rank 1 wakes, does
	                                                                        * not count */
		double start = now();
		for (int i = 0; i < PINGS; i++) {
			int v = atomic_load_explicit(&h->ball, memory_order_relaxed) + 1;
			atomic_store_explicit(&h->ball, v, memory_order_release);
			while (atomic_load_explicit(&h->ball, memory_order_acquire) == v) {}
		}
		if (s >= 0) h->ns[h->n++] = (now() - start) / (2 * PINGS) * 1e9;
	}
	atomic_store_explicit(&h->ball, -1, memory_order_release);
}

double eg_measure_handoff(eg_team *team, int cores) {
	handoff_job h;
	if (eg_team_size(team) < 2 || eg_team_size(team) > cores) return NAN;
	memset(h.ns, 0, sizeof h.ns);
	atomic_init(&h.ball, 0);
	h.n = 0;
	eg_team_run(team, 2, handoff, &h);
	qsort(h.ns, (size_t)h.n, sizeof *h.ns, rising);
	return h.ns[h.n / 2];
}

/* ---- both, of a context ------------------------------------------------------------------------------------------ */

void eg_machine_measure(eg_context *ctx, eg_machine *m) {
	*m = (eg_machine){.cores = ctx->cpu.cores, .threads = eg_team_size(ctx->team), .isa = ctx->kern.name, .cpu = ctx->cpu.model};
	m->peak_one = eg_measure_peak(ctx->team, &ctx->kern, 1);
	m->peak_all = m->threads > 1 ? eg_measure_peak(ctx->team, &ctx->kern, m->threads) : m->peak_one;
	m->handoff_ns = eg_measure_handoff(ctx->team, ctx->cpu.cores);
}

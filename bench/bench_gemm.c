/* bench_gemm.c - speed of the matrix product kernels (gemm, gemm_packed) on one and two threads.
 *
 *     bench_gemm [ref|avx2|avx512] [--json]      default: the best table this machine can run
 *
 * Per problem and number of threads: median and best time of a call, GFLOP/s of the best, and its share of the peak
 * of fused multiply-adds, which is measured between the problems (best of all). --json prints one object per line
 * instead of a table. Units are split between threads as the runner does it: contiguous halves, nothing shared.
 *
 * Not here: convolutions (bench_conv_lanes.c), whole networks. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "kern/kern.h"
#include "peak.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 25, ROUND_US = 3000, MAX_THREADS = 2 };

/* ---- the problems ------------------------------------------------------------------------------------------------ */

/* rows is 0 for gemm. gemm_packed has row blocks of `rows`; where all fit into one, its columns are split between
 * threads. In the problems `each`, every thread has a block of its own. */
typedef struct problem {
	const char *mode;
	int m, n, k, rows;
	bool ta, tb, each;
} problem;

static const problem problems[] = {
	{"nn", 1024, 1024, 1024, 0, false, false, false},
	{"nt", 1024, 1024, 1024, 0, false, true, false},
	{"tn", 1024, 1024, 1024, 0, true, false, false},
	{"nn", 64, 2048, 512, 0, false, false, false},
	{"tn", 120, 400, 64, 0, true, false, false},
	{"packed", 1024, 1024, 1024, 1024, false, false, false},
	{"packed", 64, 2048, 512, 64, false, false, false},
	{"block", 16, 120, 400, 16, false, false, true},
	{"block", 16, 84, 120, 16, false, false, true},
	{"block", 16, 10, 84, 16, false, false, true},
	{"block", 16, 400, 120, 16, false, false, true},
	{"block", 16, 120, 84, 16, false, false, true},
	{"block", 16, 84, 10, 16, false, false, true},
	{"packed", 1, 256, 128, 1, false, false, false},
};

typedef struct job {
	const eg_kernels *table;
	eg_kernel kernel;
	const void *args;
	int units, calls;
	char *scratch;
	size_t each; /* bytes of scratch for one thread */
} job;

static void job_run(void *arg, int rank, int size) {
	job *j = arg;
	int begin, end;
	eg_split(j->units, rank, size, &begin, &end);
	for (int i = 0; i < j->calls && begin < end; i++)
		j->kernel(j->args, begin, end, EG_WORKER(j->table, j->scratch + (size_t)rank * j->each));
}

/* One memory for all buffers, as the plan has it. */
typedef struct memory {
	char *p;
	size_t used, size;
} memory;
static void *take(memory *m, size_t bytes) {
	void *p = m->p + m->used;
	m->used += (bytes + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
	if (m->used <= m->size) return p;
	fprintf(stderr, "bench_gemm: not enough memory for the buffers\n");
	exit(1);
}
static real *reals(memory *m, int rows, int columns) {
	size_t n = (size_t)rows * (size_t)columns;
	real *p = take(m, n * sizeof *p);
	for (size_t i = 0; i < n; i++) p[i] = (real)((double)(i * 7919 % 1000) / 1000 - 0.5);
	return p;
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Seconds of one call, in rising order. */
static void time_job(eg_team *team, job *j, int threads, double seconds[ROUNDS]) {
	j->calls = 1;
	eg_team_run(team, threads, job_run, j);
	double start = now();
	eg_team_run(team, threads, job_run, j);
	double once = now() - start;
	j->calls = once * 1e6 < ROUND_US ? (int)(ROUND_US / (once * 1e6)) + 1 : 1;
	for (int i = 0; i < ROUNDS; i++) {
		start = now();
		eg_team_run(team, threads, job_run, j);
		seconds[i] = (now() - start) / j->calls;
	}
	qsort(seconds, ROUNDS, sizeof *seconds, rising);
}

static void time_problem(
	const problem *p, const eg_kernels *k, eg_team *team, int threads, memory mem, double *seconds) {
	const int m = p->each ? p->m * threads : p->m;
	eg_buf a = {reals(&mem, m, p->k), (ptrdiff_t)p->rows * p->k}, b = {reals(&mem, p->k, p->n), 0};
	eg_buf c = {reals(&mem, m, p->n), (ptrdiff_t)p->rows * p->n};
	if (!p->rows) {
		eg_gemm_args g = {.a = a, .b = b, .c = c, .m = m, .n = p->n, .k = p->k, .lda = p->ta ? m : p->k,
		        .ldb = p->tb ? p->k : p->n, .ldc = p->n, .ta = p->ta, .tb = p->tb};
		size_t bytes = (k->gemm_scratch(&g) + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
		job j = {k, k->gemm, &g, k->gemm_units(&g), 1, take(&mem, bytes * (size_t)threads), bytes};
		time_job(team, &j, threads, seconds);
	} else {
		eg_gemm_pack_args pack = {b, {take(&mem, k->gemm_pack_bytes(p->k, p->n)), 0}, p->k, p->n, p->n, false};
		k->gemm_pack(&pack, 0, k->gemm_pack_units(p->k, p->n), EG_WORKER(k, NULL));
		eg_buf bias = {reals(&mem, 1, p->n), 0};
		int split = m > p->rows ? 1 : threads;
		eg_gemm_packed_args g = {.a = a, .b = pack.dst, .bias = bias, .c = c, .m = m, .rows = p->rows, .n = p->n,
		        .k = p->k, .lda = p->k, .ldc = p->n, .nsplit = split, .act = eg_act_of(EG_ACT_RELU)};
		job j = {k, k->gemm_packed, &g, (m + p->rows - 1) / p->rows * split, 1, NULL, 0};
		time_job(team, &j, threads, seconds);
	}
}

static void print_row(bool json, const problem *p, int threads, const double *seconds, double best_peak) {
	char name[48];
	const int m = p->each ? p->m * threads : p->m;
	const double gflops = 2e-9 * m * p->n * p->k / seconds[0],
	             percent = best_peak > 0 ? 100 * gflops / best_peak : 0;
	snprintf(name, sizeof name, "%dx%dx%d", m, p->n, p->k);
	printf(json ? "{\"problem\":\"%s\",\"mode\":\"%s\",\"threads\":%d,\"median_ms\":%.6f,\"min_ms\":%.6f,"
	              "\"gflops\":%.2f,"
	              "\"peak_percent\":%.1f}\n"
	            : "%-16s %-7s %7d %12.6f %12.6f %9.1f %8.1f\n",
	        name, p->mode, threads, seconds[ROUNDS / 2] * 1e3, seconds[0] * 1e3, gflops, percent);
}

int main(int argc, char **argv) {
	eg_cpu cpu;
	eg_kernels k;
	eg_cpu_detect(&cpu);
	eg_isa isa = EG_ISA_REF;
	bool json = false;
	for (int i = 0; i < EG_ISA_COUNT; i++)
		if (i != EG_ISA_WIDE16 && eg_kernels_get(&k, (eg_isa)i, &cpu)) isa = (eg_isa)i;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (!eg_isa_parse(argv[i], &isa))
			return fprintf(stderr, "usage: bench_gemm [ref|avx2|avx512] [--json]\n"), 2;
	}
	if (!eg_kernels_get(&k, isa, &cpu))
		return fprintf(stderr, "bench_gemm: no kernels for %s here\n", eg_isa_name(isa)), 77;
	const int most = cpu.cores < MAX_THREADS ? cpu.cores : MAX_THREADS;
	eg_error err = {0};
	eg_team *team = eg_team_new(NULL, most, &err);
	memory mem = {.size = (size_t)32 << 20};
	mem.p = eg_block_new(NULL, mem.size);
	if (!team || !mem.p) return fprintf(stderr, "bench_gemm: out of memory\n"), 1;

	double seconds[EG_COUNT(problems)][MAX_THREADS][ROUNDS];
	double best[MAX_THREADS] = {0};
	for (int i = 0; i < EG_COUNT(problems); i++)
		for (int t = 1; t <= most; t++) {
			double now_peak = eg_measure_peak(team, &k, t);
			if (now_peak > best[t - 1]) best[t - 1] = now_peak;
			time_problem(&problems[i], &k, team, t, mem, seconds[i][t - 1]);
		}
	if (!json)
		printf("%s, %s\n%-16s %-7s %7s %12s %12s %9s %8s\n", cpu.model, k.name, "m x n x k", "mode", "threads",
		        "median ms", "best ms", "GFLOP/s", "% peak");
	for (int t = 1; t <= most; t++)
		printf(json ? "{\"problem\":\"fma "
		              "peak\",\"mode\":\"%s\",\"threads\":%d,\"gflops\":%.2f,\"peak_percent\":100.0}\n"
		            : "fma peak         %-7s %7d                           %9.1f    100.0\n",
		        k.name, t, best[t - 1]);
	for (int i = 0; i < EG_COUNT(problems); i++)
		for (int t = 1; t <= most; t++) print_row(json, &problems[i], t, seconds[i][t - 1], best[t - 1]);
	eg_team_free(team);
	eg_block_free(NULL, mem.p);
	return 0;
}

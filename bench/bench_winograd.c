/* bench_winograd.c - speed of the convolution algorithms of `conv` on 3x3 problems.
 *
 *     bench_winograd [ref|avx2|avx512] [--algo NAME] [--plain] [--pack] [PROBLEM...]
 *
 * A problem is written as the benchmarks' files have it, conv2d:n32c64h56w56k64r3s3p1q1u1v1; without any, a few are measured. For each
 * direction and each algorithm that the table has: best and median time of a call with one and two threads, GFLOP/s counted as a direct
 * convolution, and the share of the peak of fused multiply-adds, which is measured beside each problem. --plain: tensors are PLAIN, else BLOCKED. --pack:
 * packing the weights is measured too.
 *
 * Not here: LANES (bench_conv_lanes.c). */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "kern/kern.h"
#include "peak.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 15, ROUND_US = 4000, MAX_THREADS = 2 };

typedef struct job {
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
		j->kernel(j->args, begin, end, j->scratch + (size_t)rank * j->each);
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

static void *memory(size_t bytes) {
	float *p = eg_block_new(NULL, bytes + EG_ALIGN);
	if (!p) fprintf(stderr, "bench_winograd: out of memory\n"), exit(1);
	for (size_t i = 0; i < bytes / sizeof *p; i++) p[i] = (float)((double)(i * 7919 % 1000) / 1000 - 0.5);
	return p;
}

static size_t floats(int channels, const eg_conv_shape *s, int plane, bool blocked) {
	return (size_t)s->N * (size_t)(blocked ? (channels + 15) / 16 * 16 : channels) * (size_t)plane;
}

typedef struct options {
	const char *algo;
	bool plain, pack;
	const eg_kernels *k;
} options;

static void report(const char *what, const eg_conv_kernels *c, const eg_conv_shape *s, eg_conv_dir dir, eg_team *team, job j, const options *o,
        int most) {
	static const char *const names[] = {"forward", "data", "weights"};
	const double flop = 2.0 * s->N * s->K * s->P * s->Q * (s->C / s->G) * s->R * s->S;
	double seconds[ROUNDS];
	for (int t = 1; t <= most; t++) {
		double top = eg_measure_peak(team, o->k, t);
		time_job(team, &j, t, seconds);
		printf("  %-8s %-9s %-4s %d  best %9.4f ms  median %9.4f ms  %7.1f GF/s  %5.1f %% of peak %5.1f  estimate %9.4f ms\n", names[dir],
		        c->name, what, t, seconds[0] * 1e3, seconds[ROUNDS / 2] * 1e3, flop / seconds[0] * 1e-9,
		        100e-9 * flop / seconds[0] / top, top, c->cost(s, dir) * 1e-6);
		fflush(stdout);
	}
}

static void time_algo(const eg_conv_kernels *c, eg_conv_shape s, eg_conv_dir dir, eg_team *team, const options *o, int most) {
	if (!c->can(&s, dir)) return;
	const bool weights = dir == EG_CONV_BWD_WEIGHTS;
	const size_t nx = floats(s.C, &s, s.H * s.W, s.x_blocked) * sizeof(float), ny = floats(s.K, &s, s.P * s.Q, s.y_blocked) * sizeof(float);
	const size_t nw = (size_t)s.K * (size_t)(s.C / s.G) * (size_t)(s.R * s.S) * sizeof(float), each = (c->scratch(&s, dir) + 63) / 64 * 64;
	const int shards = weights ? c->shards(&s) : 1;
	void *x = memory(nx), *y = memory(ny), *w = memory(nw), *bias = memory((size_t)s.K * sizeof(float));
	void *packed = memory(weights ? nw * (size_t)shards : c->pack_bytes(&s, dir)), *work = memory(c->workspace(&s, dir));
	char *scratch = memory(each * MAX_THREADS + 64);
	eg_conv_pack_args p = {{w, 0}, {packed, 0}, s, dir};
	eg_conv_run_args r = {{dir == EG_CONV_FWD ? x : y, 0}, {packed, 0}, {dir == EG_CONV_FWD ? bias : NULL, 0}, {work, 0},
	        {dir == EG_CONV_FWD ? y : x, 0}, s, EG_ACT_NONE, false};
	eg_conv_weights_args g = {{x, 0}, {y, 0}, {work, 0}, {packed, 0}, {bias, 0}, s, shards, false};
	if (weights) g.db.p = memory((size_t)(s.K * shards) * sizeof(float));
	if (!weights) c->pack(&p, 0, c->pack_units(&s, dir), NULL);
	if (!weights && o->pack) report("pack", c, &s, dir, team, (job){c->pack, &p, c->pack_units(&s, dir), 1, NULL, 0}, o, 1);
	report("run", c, &s, dir, team, (job){c->run[dir], weights ? (void *)&g : (void *)&r, c->units(&s, dir), 1, scratch, each}, o, most);
	void *all[] = {x, y, w, bias, packed, work, scratch, weights ? g.db.p : NULL};
	for (int i = 0; i < EG_COUNT(all); i++) eg_block_free(NULL, all[i]);
}

static bool parse(const char *text, eg_conv_shape *s) {
	*s = (eg_conv_shape){.dh = 1, .dw = 1, .G = 1};
	int n = sscanf(text, "conv2d:n%dc%dh%dw%dk%dr%ds%dp%dq%du%dv%dg%d", &s->N, &s->C, &s->H, &s->W, &s->K, &s->R, &s->S, &s->ph, &s->pw, &s->sh,
	        &s->sw, &s->G);
	if (n < 11) return false;
	s->P = (s->H + 2 * s->ph - s->R) / s->sh + 1, s->Q = (s->W + 2 * s->pw - s->S) / s->sw + 1;
	return true;
}

int main(int argc, char **argv) {
	static const char *const usual[] = {"conv2d:n32c64h56w56k64r3s3p1q1u1v1", "conv2d:n32c128h28w28k128r3s3p1q1u1v1",
	        "conv2d:n32c256h14w14k256r3s3p1q1u1v1"};
	eg_cpu cpu;
	eg_kernels k;
	eg_error err = {0};
	eg_cpu_detect(&cpu);
	options o = {.k = &k};
	eg_isa isa = EG_ISA_REF;
	for (int i = 0; i < EG_ISA_COUNT; i++)
		if (eg_kernels_get(&k, (eg_isa)i, &cpu)) isa = (eg_isa)i;
	const char *problems[64];
	int count = 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--plain") == 0)
			o.plain = true;
		else if (strcmp(argv[i], "--pack") == 0)
			o.pack = true;
		else if (strcmp(argv[i], "--algo") == 0 && i + 1 < argc)
			o.algo = argv[++i];
		else if (strncmp(argv[i], "conv2d:", 7) == 0 && count < EG_COUNT(problems))
			problems[count++] = argv[i];
		else if (!eg_isa_parse(argv[i], &isa))
			return fprintf(stderr, "usage: bench_winograd [ref|avx2|avx512] [--algo NAME] [--plain] [--pack] [PROBLEM...]\n"), 2;
	}
	if (!eg_kernels_get(&k, isa, &cpu)) return fprintf(stderr, "bench_winograd: no kernels for %s here\n", eg_isa_name(isa)), 77;
	const int most = cpu.cores < MAX_THREADS ? cpu.cores : MAX_THREADS;
	eg_team *team = eg_team_new(NULL, most, &err);
	if (!team) return fprintf(stderr, "bench_winograd: %s\n", err.message), 1;
	for (int i = 0; i < (count ? count : EG_COUNT(usual)); i++) {
		const char *text = count ? problems[i] : usual[i];
		eg_conv_shape s;
		if (!parse(text, &s)) return fprintf(stderr, "bench_winograd: not a problem: %s\n", text), 2;
		s.x_blocked = s.y_blocked = !o.plain;
		printf("%s\n", text);
		for (int d = 0; d < 3; d++)
			for (int a = 0; a < EG_CONV_ALGOS; a++)
				if (k.conv[a].run[d] && (o.algo ? strcmp(o.algo, k.conv[a].name) == 0 : !k.conv[a].exact)) time_algo(&k.conv[a], s, (eg_conv_dir)d, team, &o, most);
	}
	eg_team_free(team);
	return 0;
}

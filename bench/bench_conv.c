/* bench_conv.c - the convolution kernels side by side: the algorithms of `conv` and the implicit product of PLAIN
 * tensors, on problems written as in the speed suites.
 *
 *     bench_conv [-t THREADS] [-d fwd|data|weights] [-l pp|bb|pb|bp] [-r ROUNDS] [-f FILE] PROBLEM...
 *         PROBLEM: conv2d:n1c64h56w56k64r3s3p1q1u1v1 (and g groups), -l: layouts of x and y, PLAIN or BLOCKED
 *
 * Algorithms take turns, a round is at least a millisecond of each. Prints median and best milliseconds of one run
 * (weights packed before; partial sums of weight gradients are not added up), GFLOP/s counted as direct convolution,
 * and the share of the peak of fused multiply-adds, which takes its turn too: median with median, best with best, all
 * threads. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "kern/kern.h"
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 101, ALGOS = EG_CONV_ALGOS + 1 };

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void *block(size_t bytes) {
	size_t floats = (bytes + 4095) / 4096 * 1024;
	float *p = aligned_alloc(4096, floats * sizeof(float) + 4096);
	if (!p) exit(1);
	for (size_t i = 0; i < floats; i++) p[i] = (float)((double)(i * 7919 % 1000) / 1000 - 0.5);
	return p;
}

/* One algorithm on one problem. */
typedef struct entry {
	const char *name;
	eg_kernel run;
	int units;
	union {
		eg_conv_fwd_args plain_fwd;
		eg_conv_bwd_data_args plain_data;
		eg_conv_bwd_weights_args plain_weights;
		eg_conv_run_args run;
		eg_conv_weights_args weights;
	} args;
	size_t scratch;
	double cost, ms[MOST_ROUNDS];
} entry;

typedef struct bench {
	eg_kernels k;
	eg_team *team;
	int threads, rounds;
	void *scratch[8];
	eg_conv_dir dir;
	const char *layouts;
} bench;

static size_t floats_of(bool blocked, int N, int C, int plane) {
	return (size_t)N * (size_t)(blocked ? (C + EG_BLOCK - 1) / EG_BLOCK * EG_BLOCK : C) * (size_t)plane;
}

static bool parse(const char *line, eg_conv_shape *s) {
	int n, c, h, w, k, r, t, p, q, u, v, g = 1, got;
	got = sscanf(line, "conv2d:n%dc%dh%dw%dk%dr%ds%dp%dq%du%dv%dg%d", &n, &c, &h, &w, &k, &r, &t, &p, &q, &u, &v, &g);
	if (got < 11) return false;
	*s = (eg_conv_shape){.N = n, .C = c, .H = h, .W = w, .K = k, .R = r, .S = t, .sh = u, .sw = v, .ph = p, .pw = q, .dh = 1, .dw = 1, .G = g};
	s->P = (h + 2 * p - r) / u + 1;
	s->Q = (w + 2 * q - t) / v + 1;
	return true;
}

/* ---- timing ------------------------------------------------------------------------------------------------------ */

typedef struct turn {
	bench *b;
	const entry *e;
} turn;

static void run_entry(void *arg, int rank, int size) {
	const turn *t = arg;
	int from, to;
	eg_split(t->e->units, rank, size, &from, &to);
	if (from < to) t->e->run(&t->e->args, from, to, EG_WORKER(&t->b->k, t->b->scratch[rank]));
}
/* One thread is timed by the processor time that it gets, which others on the machine disturb less. */
static double clock_of(const bench *b) {
	struct timespec t;
	if (b->threads > 1) return now();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static double time_entry(bench *b, const entry *e) {
	turn t = {.b = b, .e = e};
	int calls = 0;
	double start = clock_of(b), end;
	do {
		eg_team_run(b->team, b->threads, run_entry, &t);
		calls++;
		end = clock_of(b);
	} while (end - start < 1e-3);
	return (end - start) * 1e3 / calls;
}

/* ---- algorithms -------------------------------------------------------------------------------------------------- */

typedef struct buffers {
	eg_buf x, y, w, b, dw, db;
} buffers;

static void plain_entry(const bench *b, const eg_conv_shape *s, const buffers *m, entry *e) {
	const eg_kernel run[] = {b->k.conv_plain_fwd, b->k.conv_plain_bwd_data, b->k.conv_plain_bwd_weights};
	*e = (entry){.name = "plain", .run = run[b->dir], .units = b->k.conv_plain_units(s, b->dir), .scratch = b->k.conv_plain_scratch(s, b->dir)};
	eg_conv_pack_args pack = {m->w, {0}, *s, b->dir};
	if (b->dir != EG_CONV_BWD_WEIGHTS) {
		pack.dst.p = block(b->k.conv_plain_pack_bytes(s, b->dir));
		b->k.conv_plain_pack(&pack, 0, 1, NULL);
	}
	if (b->dir == EG_CONV_FWD) e->args.plain_fwd = (eg_conv_fwd_args){m->x, pack.dst, m->b, m->y, *s, eg_act_of(EG_ACT_NONE)};
	if (b->dir == EG_CONV_BWD_DATA) e->args.plain_data = (eg_conv_bwd_data_args){m->y, pack.dst, m->x, *s, false};
	if (b->dir == EG_CONV_BWD_WEIGHTS)
		e->args.plain_weights = (eg_conv_bwd_weights_args){m->x, m->y, m->dw, m->db, *s, eg_blocks(s->N), 1, false};
}
static void algo_entry(const bench *b, const eg_conv_kernels *k, const eg_conv_shape *s, const buffers *m, entry *e) {
	*e = (entry){.name = k->name, .run = k->run[b->dir], .units = k->units(s, b->dir), .scratch = k->scratch(s, b->dir), .cost = k->cost(s, b->dir)};
	if (b->dir == EG_CONV_BWD_WEIGHTS) {
		const int shards = k->shards(s);
		const size_t count = (size_t)s->K * (size_t)(s->C / s->G * s->R * s->S);
		eg_buf dw = {block(count * (size_t)shards * sizeof(real)), 0}, db = {block((size_t)(s->K * shards) * sizeof(real)), 0};
		e->args.weights = (eg_conv_weights_args){m->x, m->y, dw, db, *s, shards, false};
		return;
	}
	eg_conv_pack_args pack = {m->w, {block(k->pack_bytes(s, b->dir)), 0}, *s, b->dir};
	k->pack(&pack, 0, k->pack_units(s, b->dir), EG_WORKER(&b->k, NULL));
	if (b->dir == EG_CONV_FWD)
		e->args.run = (eg_conv_run_args){m->x, pack.dst, m->b, m->y, *s, eg_act_of(EG_ACT_NONE), false};
	else
		e->args.run = (eg_conv_run_args){m->y, pack.dst, (eg_buf){0}, m->x, *s, eg_act_of(EG_ACT_NONE), false};
}

static void report(entry *e, int n, double flop, double *peaks, int rounds) {
	qsort(peaks, (size_t)rounds, sizeof *peaks, rising);
	for (int i = 0; i < n; i++) {
		qsort(e[i].ms, (size_t)rounds, sizeof *e[i].ms, rising);
		const double median = e[i].ms[rounds / 2], best = e[i].ms[0];
		printf("  %-10s %9.3f %9.3f ms  %7.1f %7.1f GF/s  %5.1f %5.1f %% of peak", e[i].name, median, best, flop / median * 1e-6, flop / best * 1e-6,
		        100 * flop / median * 1e-6 / peaks[rounds / 2], 100 * flop / best * 1e-6 / peaks[rounds - 1]);
		if (e[i].cost > 0) printf("  cost %.3f ms", e[i].cost * 1e-6);
		printf("\n");
	}
}

static void problem(bench *b, const char *line) {
	eg_conv_shape s;
	entry e[ALGOS];
	double peaks[MOST_ROUNDS];
	int n = 0;
	size_t scratch = 0;
	if (!parse(line, &s)) return;
	s.x_blocked = b->layouts[0] == 'b', s.y_blocked = b->layouts[1] == 'b';
	const size_t count = (size_t)s.K * (size_t)(s.C / s.G * s.R * s.S);
	buffers m = {{block(floats_of(s.x_blocked, s.N, s.C, s.H * s.W) * sizeof(real)), 0}, {block(floats_of(s.y_blocked, s.N, s.K, s.P * s.Q) * sizeof(real)), 0},
	        {block(count * sizeof(real)), 0}, {block((size_t)s.K * sizeof(real)), 0}, {block(count * sizeof(real)), 0}, {block((size_t)s.K * sizeof(real)), 0}};
	if (!s.x_blocked && !s.y_blocked) plain_entry(b, &s, &m, &e[n++]);
	for (int i = 0; i < EG_CONV_ALGOS; i++) {
		eg_kernels ref;
		eg_kernels_ref(&ref);
		if (b->k.conv[i].run[b->dir] == ref.conv[i].run[b->dir]) continue; /* not worth timing */
		if (b->k.conv[i].can(&s, b->dir)) algo_entry(b, &b->k.conv[i], &s, &m, &e[n++]);
	}
	for (int i = 0; i < n; i++) scratch = e[i].scratch > scratch ? e[i].scratch : scratch;
	for (int i = 0; i < b->threads; i++) b->scratch[i] = block(scratch);
	const double flop = 2.0 * s.N * s.P * s.Q * (double)count;
	for (int round = 0; round < b->rounds; round++) {
		peaks[round] = eg_measure_peak(b->team, &b->k, b->threads);
		for (int i = 0; i < n; i++) e[i].ms[round] = time_entry(b, &e[i]);
	}
	printf("%s %s %s, %d threads: %.1f MFLOP, peak %.0f GF/s\n", line, b->dir == EG_CONV_FWD ? "fwd" : b->dir == EG_CONV_BWD_DATA ? "data" : "weights",
	        b->layouts, b->threads, flop * 1e-6, peaks[b->rounds / 2]);
	report(e, n, flop, peaks, b->rounds);
	for (int i = 0; i < b->threads; i++) free(b->scratch[i]);
	free(m.x.p), free(m.y.p), free(m.w.p), free(m.b.p), free(m.dw.p), free(m.db.p);
}

static int usage(const char *name) {
	fprintf(stderr, "use: %s [-t THREADS] [-d fwd|data|weights] [-l pp|bb|pb|bp] [-r ROUNDS] [-f FILE] PROBLEM...\n", name);
	return 2;
}
static bool option(bench *b, const char *name, const char *value) {
	if (strcmp(name, "-t") == 0) return (b->threads = atoi(value)) >= 1 && b->threads <= 8;
	if (strcmp(name, "-r") == 0) return (b->rounds = atoi(value)) >= 1 && b->rounds <= MOST_ROUNDS;
	if (strcmp(name, "-l") == 0) return b->layouts = value, strlen(value) == 2;
	if (strcmp(name, "-d") != 0) return false;
	static const char *const dirs[] = {"fwd", "data", "weights"};
	for (int i = 0; i < 3; i++)
		if (strcmp(value, dirs[i]) == 0) return b->dir = (eg_conv_dir)i, true;
	return false;
}

int main(int argc, char **argv) {
	bench b = {.threads = 1, .rounds = 15, .layouts = "pp"};
	const char *file = NULL;
	eg_cpu cpu;
	int i = 1;
	eg_cpu_detect(&cpu);
	for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
		if (strcmp(argv[i], "-f") == 0)
			file = argv[i + 1];
		else if (!option(&b, argv[i], argv[i + 1]))
			return usage(argv[0]);
	if (i >= argc && !file) return usage(argv[0]);
	eg_isa isa = cpu.has[EG_ISA_AVX512] ? EG_ISA_AVX512 : cpu.has[EG_ISA_AVX2] ? EG_ISA_AVX2 : EG_ISA_REF;
	if (!eg_kernels_get(&b.k, isa, &cpu)) return fprintf(stderr, "no kernels for this machine\n"), 1;
	eg_error err;
	b.team = eg_team_new(NULL, b.threads, &err);
	if (!b.team) return fprintf(stderr, "no threads\n"), 1;
	for (; i < argc; i++) problem(&b, argv[i]);
	if (file) {
		char line[160];
		FILE *f = fopen(file, "r");
		if (!f) return perror(file), 1;
		while (fgets(line, sizeof line, f)) {
			line[strcspn(line, "\n")] = 0;
			problem(&b, line);
		}
		fclose(f);
	}
	eg_team_free(b.team);
	return 0;
}

/* bench_conv_lanes.c - the convolution and pooling kernels of the LANES layout on LeNet-5's layers, one block of 16
 * pictures on one thread, data in L2 as in training.
 *
 *     bench_conv_lanes [ref|avx2|avx512]      default: the best table this machine can run
 *
 * Prints median and best time per block; for convolutions also GFLOP/s (only multiplications inside of the picture
 * count) and the share of the peak of fused multiply-adds, which is measured in turn with the kernels. */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "kern/kern.h"
#include "peak.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 60, ROUND_US = 400, LAYERS = 2 };

/* ---- the peak of one core ---------------------------------------------------------------------------------------- */

/* GFLOP/s over a short loop. */
static double peak(const eg_kernels *k, real *out) {
	double start = now(), flop = k->fma_loop(20000, out);
	return flop / (now() - start) * 1e-9;
}

/* ---- one kernel -------------------------------------------------------------------------------------------------- */

typedef struct job {
	char name[40];
	eg_kernel kernel;
	const void *args;
	double flop; /* of one block; 0: not counted */
	double us[ROUNDS];
} job;

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Microseconds of one call, mean over a round. */
static double time_round(const job *j, const eg_worker *worker) {
	int calls = 0;
	double start = now(), end;
	do {
		for (int i = 0; i < 4; i++) j->kernel(j->args, 0, 1, worker);
		calls += 4;
		end = now();
	} while ((end - start) * 1e6 < ROUND_US);
	return (end - start) * 1e6 / calls;
}

static void *block(size_t elements) {
	float *p = aligned_alloc(EG_ALIGN, (elements * sizeof(real) + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN);
	if (!p) exit(1);
	for (size_t i = 0; i < elements; i++) ((real *)(void *)p)[i] = (real)((double)(i * 7919 % 1000) / 1000 - 0.5);
	return p;
}

/* Everything one layer needs: convolution, then 2x2 pooling of its output. */
typedef struct layer {
	eg_conv_fwd_args fwd;
	eg_conv_bwd_data_args data;
	eg_conv_bwd_weights_args weights;
	eg_maxpool_fwd_args max;
	eg_maxpool_bwd_args max_bwd;
	eg_avgpool_fwd_args avg;
	eg_avgpool_bwd_args avg_bwd;
} layer;

static void layer_init(layer *l, const eg_kernels *k, eg_conv_shape s) {
	size_t w = (size_t)(s.K * s.C * s.R * s.S), x = (size_t)(s.C * s.H * s.W) * EG_BLOCK,
	       y = (size_t)(s.K * s.P * s.Q) * EG_BLOCK;
	eg_conv_pack_args pack = {.w = {block(w), 0}, .dst = {block(2 * w), 0}, .s = s, .dir = EG_CONV_FWD};
	k->conv_lanes_pack(&pack, 0, 1, EG_WORKER(k, NULL));
	l->fwd = (eg_conv_fwd_args){{block(x), 0}, pack.dst, {block((size_t)s.K), 0}, {block(y), 0}, s, eg_act_of(EG_ACT_RELU)};
	pack.dst.p = block(2 * w);
	pack.dir = EG_CONV_BWD_DATA;
	k->conv_lanes_pack(&pack, 0, 1, EG_WORKER(k, NULL));
	l->data = (eg_conv_bwd_data_args){{block(y), 0}, pack.dst, {block(x), 0}, s, false};
	l->weights = (eg_conv_bwd_weights_args){l->fwd.x, l->data.dy, pack.w, l->fwd.b, s, 1, 1, false};
	eg_pool_shape p = {.N = s.N,
	        .C = s.K,
	        .H = s.P,
	        .W = s.Q,
	        .R = 2,
	        .S = 2,
	        .P = s.P / 2,
	        .Q = s.Q / 2,
	        .sh = 2,
	        .sw = 2,
	        .dh = 1,
	        .dw = 1,
	        .lanes = true};
	eg_buf out = {block(y / 4), 0}, index = {block(y / 4), 0};
	l->max = (eg_maxpool_fwd_args){l->data.dy, out, index, p};
	l->max_bwd = (eg_maxpool_bwd_args){out, index, l->fwd.y, p, false};
	l->avg = (eg_avgpool_fwd_args){l->data.dy, out, p};
	l->avg_bwd = (eg_avgpool_bwd_args){out, l->fwd.y, p, false};
}

/* Multiplications and additions inside of the picture, of one block. */
static double conv_flop(const eg_conv_shape *s) {
	double rows = 0, cols = 0;
	for (int i = 0; i < s->P * s->R; i++) {
		int h = i / s->R * s->sh + i % s->R * s->dh - s->ph;
		rows += h >= 0 && h < s->H;
	}
	for (int i = 0; i < s->Q * s->S; i++) {
		int w = i / s->S * s->sw + i % s->S * s->dw - s->pw;
		cols += w >= 0 && w < s->W;
	}
	return 2.0 * EG_BLOCK * s->K * (s->C / s->G) * rows * cols;
}

static int layer_jobs(const layer *l, int number, const eg_kernels *k, job *j) {
	double flop = conv_flop(&l->fwd.s);
	const struct {
		const char *name;
		eg_kernel kernel;
		const void *args;
		double flop;
	} list[] = {{"conv fwd + relu", k->conv_lanes_fwd, &l->fwd, flop},
	        {"conv bwd data", k->conv_lanes_bwd_data, &l->data, flop},
	        {"conv bwd weights + bias", k->conv_lanes_bwd_weights, &l->weights, flop},
	        {"maxpool fwd", k->maxpool_fwd, &l->max, 0}, {"maxpool bwd", k->maxpool_bwd, &l->max_bwd, 0},
	        {"avgpool fwd", k->avgpool_fwd, &l->avg, 0}, {"avgpool bwd", k->avgpool_bwd, &l->avg_bwd, 0}};
	for (int i = 0; i < EG_COUNT(list); i++) {
		j[i] = (job){.kernel = list[i].kernel, .args = list[i].args, .flop = list[i].flop};
		snprintf(j[i].name, sizeof j[i].name, "layer %d %s", number, list[i].name);
	}
	return EG_COUNT(list);
}

static void report(job *jobs, int n, double *peaks) {
	qsort(peaks, ROUNDS, sizeof *peaks, rising);
	double top = peaks[ROUNDS - 1], usual = peaks[ROUNDS / 2];
	printf("FMA peak of one core: median %.0f, best %.0f GFLOP/s\n\n", usual, top);
	printf("%-34s %18s  %16s  %14s\n", "per block of 16 pictures", "us, median   best", "GFLOP/s", "% of peak");
	for (int i = 0; i < n; i++) {
		qsort(jobs[i].us, ROUNDS, sizeof *jobs[i].us, rising);
		double median = jobs[i].us[ROUNDS / 2], best = jobs[i].us[0];
		printf("%-34s %11.2f %6.2f", jobs[i].name, median, best);
		if (jobs[i].flop > 0) {
			double gm = jobs[i].flop / median * 1e-3, gb = jobs[i].flop / best * 1e-3;
			printf("  %9.0f %6.0f", gm, gb);
			if (top > 0) printf("  %7.0f %6.0f", 100 * gm / usual, 100 * gb / top);
		}
		printf("\n");
	}
}

int main(int argc, char **argv) {
	eg_cpu cpu;
	eg_kernels k;
	eg_cpu_detect(&cpu);
	eg_isa isa = cpu.has[EG_ISA_AVX512] ? EG_ISA_AVX512 : cpu.has[EG_ISA_AVX2] ? EG_ISA_AVX2 : EG_ISA_REF;
	if (argc > 1 && !eg_isa_parse(argv[1], &isa)) return fprintf(stderr, "use: %s [ref|avx2|avx512]\n", argv[0]), 2;
	if (!eg_kernels_get(&k, isa, &cpu)) return fprintf(stderr, "no kernels for %s here\n", eg_isa_name(isa)), 1;
	printf("%s, kernels: %s\n", cpu.model, k.name);

	static const eg_conv_shape shapes[LAYERS] = {{.N = 16,
	                                                     .C = 1,
	                                                     .H = 28,
	                                                     .W = 28,
	                                                     .K = 6,
	                                                     .R = 5,
	                                                     .S = 5,
	                                                     .P = 28,
	                                                     .Q = 28,
	                                                     .sh = 1,
	                                                     .sw = 1,
	                                                     .ph = 2,
	                                                     .pw = 2,
	                                                     .dh = 1,
	                                                     .dw = 1,
	                                                     .G = 1},
	        {.N = 16,
	                .C = 6,
	                .H = 14,
	                .W = 14,
	                .K = 16,
	                .R = 5,
	                .S = 5,
	                .P = 10,
	                .Q = 10,
	                .sh = 1,
	                .sw = 1,
	                .dh = 1,
	                .dw = 1,
	                .G = 1}};
	layer layers[LAYERS];
	job jobs[LAYERS * 8];
	double peaks[ROUNDS];
	real sink = 0;
	int n = 0;
	size_t scratch = EG_ALIGN;
	for (int i = 0; i < LAYERS; i++) {
		for (int dir = EG_CONV_FWD; dir <= EG_CONV_BWD_WEIGHTS; dir++)
			scratch += k.conv_lanes_scratch(&shapes[i], (eg_conv_dir)dir);
		layer_init(&layers[i], &k, shapes[i]);
		n += layer_jobs(&layers[i], i + 1, &k, jobs + n);
	}
	void *work = block(scratch / sizeof(real) + 1);
	for (int round = 0; round < ROUNDS; round++) {
		peaks[round] = peak(&k, &sink);
		for (int i = 0; i < n; i++) jobs[i].us[round] = time_round(&jobs[i], EG_WORKER(&k, work));
	}
	report(jobs, n, peaks);
	return sink == (real)12345; /* keeps the loop of peak() */
}

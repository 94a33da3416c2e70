/* engram_bench.h - the engine's speed on problems told in one line, as `engram bench` measures it. Part of
 * libengram_io.
 *
 * A problem is `kind:` and letters with numbers, in the order of the table eg_problem_kinds:
 * "conv2d:n1c3h32w32k16r3s3p1q1u1v1". */
#ifndef ENGRAM_BENCH_H
#define ENGRAM_BENCH_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- problems ---------------------------------------------------------------------------------------------------- */

enum { EG_PROBLEM_LETTERS = 12 };

/* What a letter of a problem stands for. */
typedef struct eg_problem_letter {
	char letter;
	const char *what; /* "filters" */
	bool optional;    /* 1 when left out */
	int min;          /* 0 or 1 */
} eg_problem_letter;

typedef struct eg_problem_kind {
	const char *name;
	const char *what;    /* one line: what is computed */
	bool network;        /* training includes the update of the weights */
	bool bidirectional;  /* a `b` may stand at the end */
	int nletters;
	eg_problem_letter letters[EG_PROBLEM_LETTERS];
} eg_problem_kind;

/* All kinds, *n of them; static. */
EG_API const eg_problem_kind *eg_problem_kinds(int *n);

typedef struct eg_problem {
	const eg_problem_kind *kind;
	int value[EG_PROBLEM_LETTERS]; /* as the kind's letters */
	bool bidirectional;
	char text[160]; /* as it was given, without blanks around it */
} eg_problem;

/* EG_ERR_FORMAT with a message that names the letter. */
EG_API eg_status eg_problem_parse(const char *text, eg_problem *p, eg_error *err);
EG_API int eg_problem_value(const eg_problem *p, char letter); /* 0: it has no such letter */
/* Floating-point operations of one run, 2 per multiply-add of convolutions and matrix products, nothing else counted;
 * three times that with `train`. */
EG_API double eg_problem_flops(const eg_problem *p, bool train);

/* The problem as a graph; its inputs and outputs are called x, y, and for networks target and loss. The batch is left
 * open, but for gemm. */
EG_API eg_status eg_problem_graph(const eg_problem *p, eg_context *ctx, eg_graph **graph, eg_error *err);

/* ---- measuring --------------------------------------------------------------------------------------------------- */

typedef struct eg_bench_options {
	bool train;     /* forward and the gradients of all weights; of all inputs too, unless it is a whole network,
	                 * whose weights are updated instead. The weights count as changed: kernels pack them anew in
	                 * every run, as in training */
	double seconds; /* time spent measuring; 0: 2 */
	int runs;       /* > 0: exactly so many runs, one a sample, after a single one to warm up; for counting
	                 * instructions */
	bool no_peak;   /* do not measure the machine */
	void (*progress)(void *user, double share); /* may be NULL; now and then, between samples */
	void *user;
} eg_bench_options;

typedef struct eg_bench_kernel {
	char kernel[48], algorithm[16], layout[16]; /* as in eg_call_info; "" for none */
	int calls;                                  /* in a run */
} eg_bench_kernel;

enum { EG_BENCH_KERNELS = 40 };

typedef struct eg_bench_result {
	double median_ms, min_ms; /* of one run */
	double gflops;            /* by the median */
	int runs;                 /* samples taken, each of so many runs that it lasts 2 ms or more */
	double peak;              /* GFLOP/s of multiply-adds on all threads, the better of before and after; 0: not
	                           * measured */
	double handoff_before, handoff_after; /* ns from core to core; NAN: not measured */
	double percent;           /* of the peak; NAN: not measured */
	size_t memory;            /* bytes: weights, their gradients and moments, and the plan */
	eg_memory plan;           /* the parts of it */
	int nkernels;             /* in the order they are first called; packing left out */
	eg_bench_kernel kernels[EG_BENCH_KERNELS];
} eg_bench_result;

EG_API eg_status eg_bench_run(eg_context *ctx, const eg_problem *p, const eg_bench_options *o, eg_bench_result *r, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif

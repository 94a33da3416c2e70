/* kern_bed.h - a test bed for kernels: guarded buffers with random content, and comparing two kernels on one job.
 *
 * Every buffer stands between guards that must not change. The guards are NaN when read as numbers, so that reading
 * them shows too; with the address sanitizer a buffer ends where its memory ends. */
#ifndef ENGRAM_TEST_KERN_BED_H
#define ENGRAM_TEST_KERN_BED_H

#include "kern/kern.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define BED_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BED_ASAN 1
#endif
#endif

/* Of sums that a test forms for itself to compare with: sanitizers look at the kernels. */
#if defined(__GNUC__)
#define BED_UNSANITIZED __attribute__((no_sanitize("address"), no_sanitize("undefined")))
#else
#define BED_UNSANITIZED
#endif

enum {
	GUARD = 256,
#ifdef BED_ASAN
	GUARD_AFTER = 0,
#else
	GUARD_AFTER = GUARD,
#endif
	GUARD_BYTE = 0xff,
	REGIONS = 64
};

typedef struct bed {
	const eg_kernels *k, *ref; /* the table under test, and the one it is compared with */
	uint64_t drawn;            /* random numbers so far */
	int regions;
	struct {
		unsigned char *base;
		size_t bytes;
	} region[REGIONS];
} bed;

/* Uniform in [-1, 1). */
static inline double bed_random(bed *t) {
	return 2 * eg_rng_uniform((eg_rng){42, eg_stream(EG_RNG_TEST, 1, 0)}, t->drawn++) - 1;
}
static inline int bed_below(bed *t, int n) {
	return (int)eg_rng_below((eg_rng){43, eg_stream(EG_RNG_TEST, 2, 0)}, t->drawn++, (uint64_t)n);
}
/* One of the sizes at which vector kernels go wrong. */
static inline int bed_size(bed *t) {
	static const int sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100};
	return sizes[bed_below(t, EG_COUNT(sizes))];
}

/* Kind `n` of activation, counted round and round, with numbers that suit it. Small changes of x are small changes
 * of the result. */
static inline eg_act bed_act(int n) {
	eg_act_kind kind = (eg_act_kind)(n % EG_ACT_KINDS);
	switch (kind) {
	case EG_ACT_SCALED_TANH: return (eg_act){kind, 1.7159f, 2.0f / 3};
	case EG_ACT_LEAKY: return (eg_act){kind, 0.1f, 0};
	case EG_ACT_ELU: return (eg_act){kind, 1.75f, 1.05f};
	case EG_ACT_CELU: return (eg_act){kind, 0.7f, 0};
	case EG_ACT_CLIP: return (eg_act){kind, -0.5f, 1.5f};
	case EG_ACT_HARD_SIGMOID: return (eg_act){kind, 0.2f, 0.4f};
	case EG_ACT_SOFTPLUS: return (eg_act){kind, 1.5f, 0};
	case EG_ACT_SILU: return (eg_act){kind, 1.2f, 0};
	case EG_ACT_SHRINK: return (eg_act){kind, 0.3f, 0.3f};
	default: return eg_act_of(kind);
	}
}

/* What it gives, by other formulas than the kernels have. */
static inline double bed_act_value(eg_act act, double x) {
	const double a = (double)act.alpha, b = (double)act.beta;
	switch (act.kind) {
	case EG_ACT_NONE: return x;
	case EG_ACT_RELU: return x < 0 ? 0 : x;
	case EG_ACT_SIGMOID: return 1 / (1 + exp(-x));
	case EG_ACT_TANH: return tanh(x);
	case EG_ACT_SCALED_TANH: return a * tanh(b * x);
	case EG_ACT_LEAKY: return fmax(x, 0) + a * fmin(x, 0);
	case EG_ACT_ELU: return b * fmax(x, 0) + a * fmin(exp(x) - 1, 0);
	case EG_ACT_CELU: return fmax(x, 0) + fmin(a * (exp(x / a) - 1), 0);
	case EG_ACT_CLIP: return fmin(fmax(x, a), b);
	case EG_ACT_HARD_SIGMOID: return fmin(fmax(a * x + b, 0), 1);
	case EG_ACT_SOFTPLUS: return log(1 + exp(a * x)) / a;
	case EG_ACT_SOFTSIGN: return x > 0 ? 1 - 1 / (1 + x) : 1 / (1 - x) - 1;
	case EG_ACT_THRESHOLD: return x > a ? x : 0;
	case EG_ACT_SHRINK: return x > a ? x - b : x < -a ? x + b : 0;
	case EG_ACT_HARD_SWISH: return x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6;
	case EG_ACT_SILU: return x / (1 + exp(-a * x));
	case EG_ACT_MISH: return x * tanh(log(1 + exp(x)));
	case EG_ACT_GELU: return x * erfc(-x / sqrt(2.0)) / 2;
	case EG_ACT_GELU_TANH: return x / (1 + exp(-2 * sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
	case EG_ACT_KINDS: break;
	}
	fail_msg("no activation %d", (int)act.kind);
	return 0;
}

/* `bytes` uninitialised bytes between guards, aligned to 64. */
static inline void *bed_bytes(bed *t, size_t bytes) {
	void *p = NULL;
	assert_true(t->regions < REGIONS);
	assert_int_equal(posix_memalign(&p, EG_ALIGN, GUARD + bytes + GUARD_AFTER), 0);
	memset(p, GUARD_BYTE, GUARD + bytes + GUARD_AFTER);
	t->region[t->regions].base = p;
	t->region[t->regions++].bytes = bytes;
	return (unsigned char *)p + GUARD;
}

static inline real *bed_zeros(bed *t, size_t n) {
	real *p = bed_bytes(t, n * sizeof(real));
	memset(p, 0, n * sizeof(real));
	return p;
}

static inline real *bed_reals(bed *t, size_t n) {
	real *p = bed_bytes(t, n * sizeof(real));
	for (size_t i = 0; i < n; i++) p[i] = (real)bed_random(t);
	return p;
}

static inline void *bed_copy(bed *t, const void *from, size_t bytes) {
	void *p = bed_bytes(t, bytes);
	memcpy(p, from, bytes);
	return p;
}

static inline bool bed_guards_whole(const bed *t) {
	for (int r = 0; r < t->regions; r++)
		for (size_t i = 0; i < GUARD + GUARD_AFTER; i++)
			if (t->region[r].base[i < GUARD ? i : i + t->region[r].bytes] != GUARD_BYTE) return false;
	return true;
}

/* Checks the guards and frees everything. */
static inline void bed_clear(bed *t, const char *what) {
	bool whole = bed_guards_whole(t);
	while (t->regions > 0) free(t->region[--t->regions].base);
	if (!whole) fail_msg("%s: wrote outside of its buffers", what);
}

/* ---- buffers in blocks ------------------------------------------------------------------------------------------- */

/* N samples of F elements in LANES or PLAIN blocks, with a gap between blocks (0 for PLAIN buffers of global jobs). */
typedef struct blocks {
	int N, F;
	bool lanes;
	int gap;
} blocks;

static inline ptrdiff_t blocks_stride(blocks s) { return (ptrdiff_t)EG_BLOCK * s.F + s.gap; }
static inline size_t blocks_count(blocks s) {
	int last = eg_blocks(s.N) - 1, rows = s.lanes ? EG_BLOCK : eg_block_size(s.N, last);
	return (size_t)last * (size_t)blocks_stride(s) + (size_t)rows * (size_t)s.F;
}
/* Where element f of sample n lies. */
static inline size_t blocks_at(blocks s, int n, int f) {
	size_t in = s.lanes ? (size_t)f * EG_BLOCK + (size_t)(n % EG_BLOCK)
	                    : (size_t)(n % EG_BLOCK) * (size_t)s.F + (size_t)f;
	return (size_t)(n / EG_BLOCK) * (size_t)blocks_stride(s) + in;
}
static inline eg_buf bed_blocks(bed *t, blocks s) { return (eg_buf){bed_reals(t, blocks_count(s)), blocks_stride(s)}; }
/* A gradient: zero in the lanes beyond the last sample. */
static inline eg_buf bed_gradient(bed *t, blocks s) {
	eg_buf b = bed_blocks(t, s);
	if (s.lanes)
		for (int n = s.N; n < eg_blocks(s.N) * EG_BLOCK; n++)
			for (int f = 0; f < s.F; f++) ((real *)b.p)[blocks_at(s, n, f)] = 0;
	return b;
}
static inline eg_buf bed_clone(bed *t, eg_buf b, size_t count) {
	return (eg_buf){bed_copy(t, b.p, count * sizeof(real)), b.stride};
}

/* ---- shapes, written as rows of numbers -------------------------------------------------------------------------- */

/* N, C, H, W, K, R, S, stride, padding, dilation (vertical, horizontal each), groups. */
static inline eg_conv_shape bed_conv(const int a[14]) {
	eg_conv_shape s = {.N = a[0], .C = a[1], .H = a[2], .W = a[3], .K = a[4], .R = a[5], .S = a[6]};
	s.sh = a[7], s.sw = a[8], s.ph = a[9], s.pw = a[10], s.dh = a[11], s.dw = a[12], s.G = a[13];
	s.P = (s.H + 2 * s.ph - (s.R - 1) * s.dh - 1) / s.sh + 1;
	s.Q = (s.W + 2 * s.pw - (s.S - 1) * s.dw - 1) / s.sw + 1;
	return s;
}

/* More or less padding at the end than at the beginning. */
static inline void bed_uneven(bed *t, eg_conv_shape *s) {
	s->P = 1 + bed_below(t, s->P + 2);
	s->Q = 1 + bed_below(t, s->Q + 2);
}

/* N, C, H, W, R, S, P, Q, stride, padding, dilation, padding at the end. */
static inline eg_pool_shape bed_pool(const int a[16]) {
	eg_pool_shape s = {.N = a[0], .C = a[1], .H = a[2], .W = a[3], .R = a[4], .S = a[5], .P = a[6], .Q = a[7]};
	s.sh = a[8], s.sw = a[9], s.ph = a[10], s.pw = a[11], s.dh = a[12], s.dw = a[13];
	s.pad_end_h = a[14], s.pad_end_w = a[15];
	return s;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static const double TOLERANCE = sizeof(real) == 8 ? 1e-12 : 1e-5;

/* got == want up to `tolerance` times the largest finite value wanted, or times `scale` where that is larger: the size
 * of the terms, for results in which they may cancel. NaN and infinities must agree exactly. */
static inline void assert_near(
	const char *what, const real *got, const real *want, size_t n, double tolerance, double scale) {
	double largest = scale;
	for (size_t i = 0; i < n; i++)
		if (isfinite(want[i])) largest = fmax(largest, fabs((double)want[i]));
	for (size_t i = 0; i < n; i++) {
		bool same = isfinite(want[i]) ? fabs((double)got[i] - (double)want[i]) <= tolerance * largest
		                              : (isnan(want[i]) ? isnan(got[i]) : got[i] == want[i]);
		if (!same)
			fail_msg("%s: element %zu of %zu is %.9g, not %.9g", what, i, n, (double)got[i],
			        (double)want[i]);
	}
}

/* An output of a job: where the table under test writes it, where the other one does. exact: bytes, not numbers. scale:
 * see assert_near. */
typedef struct output {
	void *got, *want;
	size_t count, size;
	bool exact;
	double scale;
} output;

static inline output output_reals(eg_buf got, eg_buf want, size_t count, double scale) {
	return (output){got.p, want.p, count, sizeof(real), false, scale};
}

typedef struct job {
	eg_kernel run;
	const void *args;
	int units;
	size_t scratch;
} job;

/* Runs units [begin, end) on a table with scratch of exactly the size asked for, full of NaN. */
static inline void job_run_on(bed *t, const eg_kernels *table, job j, int begin, int end) {
	int mark = t->regions;
	j.run(j.args, begin, end, EG_WORKER(table, bed_bytes(t, j.scratch)));
	if (!bed_guards_whole(t)) fail_msg("units %d..%d wrote outside of their buffers", begin, end);
	assert_int_equal(t->regions, mark + 1);
	free(t->region[--t->regions].base);
}
static inline void job_run(bed *t, job j, int begin, int end) { job_run_on(t, t->k, j, begin, end); }

/* The job of the table under test: all at once and unit by unit must give the same bits, and what `want` does. */
static inline void assert_same_job(bed *t, const char *what, job got, job want, const output *out, int outputs) {
	void *before[4], *whole[4];
	assert_true(outputs <= 4);
	for (int i = 0; i < outputs; i++) before[i] = bed_copy(t, out[i].got, out[i].count * out[i].size);
	job_run(t, got, 0, got.units);
	for (int i = 0; i < outputs; i++) whole[i] = bed_copy(t, out[i].got, out[i].count * out[i].size);
	for (int i = 0; i < outputs; i++) memcpy(out[i].got, before[i], out[i].count * out[i].size);
	for (int u = 0; u < got.units; u++) job_run(t, got, u, u + 1);
	for (int i = 0; i < outputs; i++)
		if (memcmp(out[i].got, whole[i], out[i].count * out[i].size) != 0)
			fail_msg("%s: unit by unit differs from all at once", what);
	job_run_on(t, t->ref, want, 0, want.units);
	for (int i = 0; i < outputs; i++) {
		if (!out[i].exact)
			assert_near(what, out[i].got, out[i].want, out[i].count, TOLERANCE, out[i].scale);
		else if (memcmp(out[i].got, out[i].want, out[i].count * out[i].size) != 0)
			fail_msg("%s: output %d differs", what, i);
	}
}

/* Runs tests whose state is a bed, once for each table that this machine can run, or for that of ENGRAM_ISA. Returns
 * how many failed. */
static inline int bed_main(const struct CMUnitTest *tests, int n) {
	eg_kernels k, ref;
	eg_cpu cpu;
	int failed = 0;
	struct CMUnitTest all[32];
	const char *only = getenv("ENGRAM_ISA");
	if (n > EG_COUNT(all)) return 1;
	eg_kernels_ref(&ref);
	eg_cpu_detect(&cpu);
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		if (only && *only && strcmp(only, eg_isa_name((eg_isa)isa)) != 0) continue;
		if (!eg_kernels_get(&k, (eg_isa)isa, &cpu)) {
			print_message("%s: not in this build, or not for this machine\n", eg_isa_name((eg_isa)isa));
			continue;
		}
		bed t = {.k = &k, .ref = &ref};
		for (int i = 0; i < n; i++) {
			all[i] = tests[i];
			all[i].initial_state = &t;
		}
		failed += _cmocka_run_group_tests(eg_isa_name((eg_isa)isa), all, (size_t)n, NULL, NULL);
	}
	return failed;
}

#endif

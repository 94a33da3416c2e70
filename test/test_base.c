/* test_base.c - tests of src/base: messages, memory, CPU detection, random numbers, files. The team has its own
 * test_team.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/base.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* An allocator that fails from the `left`-th call on and counts what is not given back. */
typedef struct budget {
	int left, live;
} budget;

static void *budget_alloc(void *user, size_t bytes) {
	budget *b = user;
	if (b->left <= 0) return NULL;
	void *p = malloc(bytes);
	if (!p) return NULL;
	memset(p, 0xA5, bytes < 1 << 20 ? bytes : 1 << 20);
	b->left--;
	b->live++;
	return p;
}

static void budget_release(void *user, void *p) {
	((budget *)user)->live--;
	free(p);
}

static eg_allocator budget_allocator(budget *b) { return (eg_allocator){budget_alloc, budget_release, b}; }

/* ---- status.c ---------------------------------------------------------------------------------------------------- */

static void test_messages(void **state) {
	EG_UNUSED(state);
	eg_error err = {EG_OK, ""};
	assert_int_equal(eg_fail(&err, EG_ERR_SHAPE, "conv2d '%s': %d", "c1", 7), EG_ERR_SHAPE);
	assert_int_equal(err.status, EG_ERR_SHAPE);
	assert_string_equal(err.message, "conv2d 'c1': 7");
	assert_int_equal(eg_fail(NULL, EG_ERR_IO, "nobody listens"), EG_ERR_IO);
	eg_fail_prefix(NULL, "nobody");

	eg_fail_prefix(&err, "%s:%d", "net.json", 12);
	assert_string_equal(err.message, "net.json:12: conv2d 'c1': 7");
	eg_fail(&err, EG_ERR_ARG, "again: %s\n", err.message); /* an argument inside the target; no newline is kept */
	assert_string_equal(err.message, "again: net.json:12: conv2d 'c1': 7");

	for (int s = EG_OK; s <= EG_ERR_STOPPED; s++)
		assert_string_not_equal(eg_status_name((eg_status)s), "unknown status");
	assert_string_equal(eg_status_name((eg_status)99), "unknown status");
}

static void test_messages_cut(void **state) {
	EG_UNUSED(state);
	eg_error err;
	char text[3000];
	const size_t most = sizeof(err.message) - 1;

	memset(text, 'x', sizeof(text));
	text[most] = '\0'; /* just fits */
	eg_fail(&err, EG_ERR_ARG, "%s", text);
	assert_string_equal(err.message, text);

	text[most] = 'x';
	text[most + 1] = '\0'; /* one too many */
	eg_fail(&err, EG_ERR_ARG, "%s", text);
	assert_int_equal(strlen(err.message), most);
	assert_string_equal(err.message + most - 4, "x...");

	eg_fail_prefix(&err, "front");
	assert_int_equal(strlen(err.message), most);
	assert_memory_equal(err.message, "front: xxx", 10);
	assert_string_equal(err.message + most - 4, "x...");

	for (int shift = 0; shift < 3; shift++) { /* three-byte characters are not cut in two */
		for (size_t i = 0; i + 3 < sizeof(text); i++) text[i] = "\xE2\x82\xAC"[(i + (size_t)shift) % 3];
		memset(text, 'x', 3);
		text[2000] = '\0';
		eg_fail(&err, EG_ERR_ARG, "%s", text);
		size_t n = strlen(err.message);
		assert_in_range(n, most - 2, most);
		assert_string_equal(err.message + n - 6, "\xE2\x82\xAC...");
	}
}

static void test_did_you_mean(void **state) {
	EG_UNUSED(state);
	const char *const words[] = {
	        "conv2d", "relu", "maxpool", NULL, "", "softmax", "linear", "batchnorm", "optimizer"};
	const struct {
		const char *word, *want;
	} cases[] = {
	        {"conv2d", "conv2d"},       /* itself */
	        {"cnov2d", "conv2d"},       /* swapped */
	        {"conv2", "conv2d"},        /* lost */
	        {"convv2d", "conv2d"},      /* doubled */
	        {"linaer", "linear"},       /* swapped */
	        {"sofmtax", "softmax"},     /* moved: a swap */
	        {"optimiser", "optimizer"}, /* replaced */
	        {"opitmiser", "optimizer"}, /* swapped and replaced */
	        {"batch", "batchnorm"},     /* a prefix */
	        {"relu6", "relu"},          /* the candidate is the prefix */
	        {"rleu", "relu"},           /* 1 is less than half of 4 */
	        {"ReLU", "relu"},           /* other capitals */
	        {"rxyu", NULL},             /* 2 is not */
	        {"transformer", NULL},
	        {"xx", NULL},
	        {"", NULL},
	        {NULL, NULL},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		const char *got = eg_did_you_mean(cases[i].word, words, EG_COUNT(words));
		if (cases[i].want) {
			assert_non_null(got);
			assert_string_equal(got, cases[i].want);
		} else {
			assert_null(got);
		}
	}
	assert_null(eg_did_you_mean("relu", words, 0));
	char giant[300];
	memset(giant, 'r', sizeof(giant) - 1);
	giant[sizeof(giant) - 1] = '\0';
	assert_null(eg_did_you_mean(giant, words, EG_COUNT(words)));
}

/* ---- alloc.c ----------------------------------------------------------------------------------------------------- */

static void test_alloc(void **state) {
	EG_UNUSED(state);
	budget b = {100, 0};
	eg_allocator mine = budget_allocator(&b);
	const eg_allocator *both[2] = {NULL, &mine};
	for (int i = 0; i < 2; i++) {
		void *p = eg_alloc(both[i], 0);
		assert_non_null(p);
		eg_release(both[i], p);
		int *q = eg_calloc(both[i], 100, sizeof(int));
		assert_non_null(q);
		for (int k = 0; k < 100; k++) assert_int_equal(q[k], 0);
		eg_release(both[i], q);
		void *empty = eg_calloc(both[i], 0, 8);
		assert_non_null(empty);
		eg_release(both[i], empty);
		assert_null(eg_calloc(both[i], SIZE_MAX / 2, 3));
		eg_release(both[i], NULL);
	}
	assert_int_equal(b.live, 0);
	b.left = 0;
	assert_null(eg_alloc(&mine, 1));
	assert_null(eg_calloc(&mine, 1, 1));
}

static void test_block(void **state) {
	EG_UNUSED(state);
	budget b = {100, 0};
	eg_allocator mine = budget_allocator(&b);
	const eg_allocator *both[2] = {NULL, &mine};
	const size_t sizes[] = {0, 1, 63, 4096, (1 << 20) - 1, 1 << 20, (3 << 20) + 5};
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < EG_COUNT(sizes); k++) {
			char *p = eg_block_new(both[i], sizes[k]);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % (sizes[k] < 1 << 20 ? 64 : 2 << 20), 0);
			for (size_t j = 0; j < sizes[k]; j++) {
				if (p[j] != 0) fail_msg("byte %zu of %zu is not zero", j, sizes[k]);
			}
			memset(p, 0xFF, sizes[k]);
			eg_block_free(both[i], p);
		}
		eg_block_free(both[i], NULL);
		assert_null(eg_block_new(both[i], SIZE_MAX));
		assert_null(eg_block_new(both[i], SIZE_MAX - 100));
	}
	assert_int_equal(b.live, 0);
	b.left = 0;
	assert_null(eg_block_new(&mine, 100));
}

static void test_arena(void **state) {
	EG_UNUSED(state);
	budget b = {100, 0};
	eg_allocator mine = budget_allocator(&b);
	eg_arena a = {.allocator = &mine};
	enum { PIECES = 3000 };
	static unsigned char *pieces[PIECES]; /* each filled with a mark of its own, all looked at in the end */
	size_t total = 0;
	for (int i = 0; i < PIECES; i++) {
		size_t n = (size_t)(i * 37 % 501);
		pieces[i] = eg_arena_alloc(&a, n);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		for (size_t k = 0; k < n; k++) assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], i & 255, n);
		total += n;
	}
	for (int i = 0; i < PIECES; i++) {
		for (size_t k = 0; k < (size_t)(i * 37 % 501); k++) assert_int_equal(pieces[i][k], i & 255);
	}
	assert_int_equal(a.used, total);
	assert_in_range(b.live, 2, 12); /* chunks double */
	char *large = eg_arena_alloc(&a, 5 << 20);
	assert_non_null(large);
	large[(5 << 20) - 1] = 1;
	eg_arena_free(&a);
	assert_int_equal(b.live, 0);
	assert_int_equal(a.used, 0);

	assert_string_equal(eg_arena_strdup(&a, "twice"), "twice"); /* usable again */
	assert_string_equal(eg_arena_strdup(&a, ""), "");
	assert_string_equal(eg_arena_printf(&a, "%s-%d", "layer", 12), "layer-12");
	char *wide = eg_arena_printf(&a, "%10000d", 1);
	assert_int_equal(strlen(wide), 10000);

	b.left = 0; /* out of memory: NULL, and what was there stays */
	while (eg_arena_alloc(&a, 1000)) continue;
	assert_null(eg_arena_alloc(&a, 100000));
	assert_null(eg_arena_alloc(&a, SIZE_MAX));
	assert_null(eg_arena_printf(&a, "%10000d", 1));
	assert_int_equal(strlen(wide), 10000);
	b.left = 1;
	assert_non_null(eg_arena_alloc(&a, 100000));
	eg_arena_free(&a);
	assert_int_equal(b.live, 0);
}

/* The same requests again and again need no more memory; larger ones do, and find it again too. */
static void test_arena_reset(void **state) {
	EG_UNUSED(state);
	budget b = {100, 0};
	eg_allocator mine = budget_allocator(&b);
	eg_arena a = {.allocator = &mine};
	eg_arena_reset(&a); /* empty as it is */
	for (int round = 0; round < 5; round++) {
		if (round == 1 || round == 3) b.left = 0; /* what was there has to do */
		if (round == 2) b.left = 1;
		if (round >= 2) assert_non_null(eg_arena_alloc(&a, 1 << 20));
		for (int i = 0; i < 1000; i++) {
			unsigned char *p = eg_arena_alloc(&a, 100);
			assert_non_null(p);
			for (int k = 0; k < 100; k++) assert_int_equal(p[k], 0);
			memset(p, 0xff, 100);
		}
		eg_arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	eg_arena_free(&a);
	assert_int_equal(b.live, 0);
	assert_null(a.spare);
}

static void test_grow(void **state) {
	EG_UNUSED(state);
	budget b = {100, 0};
	eg_allocator mine = budget_allocator(&b);
	struct item {
		int x[3];
	} *items = NULL;
	int cap = 0, n = 0;
	for (; n < 1000; n++) {
		assert_true(eg_grow(&mine, &items, &cap, n, sizeof(*items)));
		assert_true(cap > n);
		items[n].x[2] = n;
	}
	assert_in_range(100 - b.left, 1, 12);
	b.left = 0;
	struct item *before = items;
	int full = cap;
	assert_false(eg_grow(&mine, &items, &cap, cap, sizeof(*items)));
	assert_ptr_equal(items, before);
	assert_int_equal(cap, full);
	for (int i = 0; i < n; i++) assert_int_equal(items[i].x[2], i);
	eg_release(&mine, items);
	assert_int_equal(b.live, 0);
}

/* ---- cpu.c ------------------------------------------------------------------------------------------------------- */

static void test_cpu(void **state) {
	EG_UNUSED(state);
	eg_cpu cpu, again;
	memset(&cpu, 0x5A, sizeof(cpu));
	eg_cpu_detect(&cpu);
	eg_cpu_detect(&again);
	assert_string_equal(cpu.model, again.model);
	assert_true(cpu.model[0] != '\0' && cpu.model[0] != ' ' && cpu.model[strlen(cpu.model) - 1] != ' ');
	assert_true(cpu.has[EG_ISA_REF]);
	for (int i = 0; i < EG_ISA_COUNT; i++) {
		assert_int_equal(cpu.has[i], cpu.why_not[i] == NULL);
		assert_int_equal(cpu.has[i], again.has[i]);
	}
	if (cpu.has[EG_ISA_AVX512]) assert_true(cpu.has[EG_ISA_AVX2]);
	if (cpu.has[EG_ISA_NEON]) assert_false(cpu.has[EG_ISA_AVX2]);
#if defined(__x86_64__)
	assert_false(cpu.has[EG_ISA_NEON]);
	/* The compiler's own run-time detection, which looks at CPUID and XGETBV too. */
	__builtin_cpu_init();
	assert_int_equal(cpu.has[EG_ISA_AVX2], __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
	assert_int_equal(cpu.has[EG_ISA_AVX512],
	        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"));
#elif defined(__aarch64__)
	assert_true(cpu.has[EG_ISA_NEON]);
#endif
	assert_in_range(cpu.l1d, 4 << 10, 4 << 20);
	assert_in_range(cpu.l2, 64 << 10, 1 << 30);
	assert_true(cpu.l3 >= 256 << 10);
	assert_true(cpu.cores >= 1 && cpu.cores <= sysconf(_SC_NPROCESSORS_CONF));

	for (int i = 0; i < EG_ISA_COUNT; i++) {
		eg_isa isa = EG_ISA_COUNT;
		assert_true(eg_isa_parse(eg_isa_name((eg_isa)i), &isa));
		assert_int_equal(isa, i);
	}
	eg_isa isa = EG_ISA_NEON;
	assert_false(eg_isa_parse("sse", &isa));
	assert_false(eg_isa_parse("", &isa));
	assert_false(eg_isa_parse(NULL, &isa));
	assert_int_equal(isa, EG_ISA_NEON);
	assert_non_null(eg_isa_name(EG_ISA_COUNT));
}

/* ---- rng.c ------------------------------------------------------------------------------------------------------- */

/* Known answers of philox4x32-10 from the authors' Random123 distribution (tests/kat_vectors). */
static void test_philox(void **state) {
	EG_UNUSED(state);
	const struct {
		uint64_t seed, stream, index;
		uint32_t want[4];
	} cases[] = {
	        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
	        {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88,
	                {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		uint32_t got[4];
		eg_rng_u32x4((eg_rng){cases[i].seed, cases[i].stream}, cases[i].index, got);
		assert_memory_equal(got, cases[i].want, sizeof(got));
	}
}

static void test_distributions(void **state) {
	EG_UNUSED(state);
	eg_rng r = {42, eg_stream(EG_RNG_TEST, 1, 0)};
	enum { N = 100000 };
	double u1 = 0, u2 = 0, n1 = 0, n2 = 0, n3 = 0, n4 = 0;
	int beyond = 0, counts[10] = {0};
	for (uint64_t i = 0; i < N; i++) {
		double u = eg_rng_uniform(r, i), z = eg_rng_normal(r, i);
		assert_true(u >= 0 && u < 1);
		assert_true(isfinite(z));
		u1 += u, u2 += u * u;
		n1 += z, n2 += z * z, n3 += z * z * z, n4 += z * z * z * z;
		beyond += fabs(z) > 2;
		counts[eg_rng_below(r, i, 10)]++;
	}
	/* Bounds of about five standard errors. */
	assert_true(fabs(u1 / N - 0.5) < 0.005);
	assert_true(fabs(u2 / N - 1.0 / 3) < 0.005);
	assert_true(fabs(n1 / N) < 0.016);
	assert_true(fabs(n2 / N - 1) < 0.023);
	assert_true(fabs(n3 / N) < 0.062);
	assert_true(fabs(n4 / N - 3) < 0.16);
	assert_true(fabs((double)beyond / N - 0.0455) < 0.0034);
	for (int k = 0; k < 10; k++) assert_in_range(counts[k], N / 10 - 500, N / 10 + 500);
}

static void test_below(void **state) {
	EG_UNUSED(state);
	const uint64_t bounds[] = {1, 2, 3, 1000, UINT32_MAX, (uint64_t)1 << 32, 0x123456789ABCDEF0, UINT64_MAX};
	for (int k = 0; k < EG_COUNT(bounds); k++) {
		for (uint64_t i = 0; i < 200; i++) {
			uint32_t x[4];
			eg_rng r = {7, 9};
			eg_rng_u32x4(r, i, x);
			/* the same product, digit by digit in base 2^16 */
			uint64_t a[4] = {x[1] & 0xFFFF, x[1] >> 16, x[0] & 0xFFFF, x[0] >> 16}, sum[8] = {0};
			for (int p = 0; p < 4; p++) {
				for (int q = 0; q < 4; q++) sum[p + q] += a[p] * (bounds[k] >> 16 * q & 0xFFFF);
			}
			for (int p = 0; p < 7; p++) sum[p + 1] += sum[p] >> 16;
			uint64_t want = 0;
			for (int p = 7; p >= 4; p--) want = want << 16 | (sum[p] & 0xFFFF);
			assert_true(eg_rng_below(r, i, bounds[k]) == want);
			assert_true(want < bounds[k]);
		}
	}
}

static void test_streams(void **state) {
	EG_UNUSED(state);
	enum { N = 8 * 8 * 16 };
	uint64_t seen[N];
	int n = 0;
	for (uint32_t purpose = 0; purpose < 8; purpose++) {
		for (uint32_t id = 0; id < 8; id++) {
			for (uint64_t step = 0; step < 16; step++) seen[n++] = eg_stream(purpose, id, step);
		}
	}
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < i; k++) assert_true(seen[i] != seen[k]);
	}
}

static void test_shuffle(void **state) {
	EG_UNUSED(state);
	enum { N = 1000 };
	uint32_t a[N], b[N], other[N];
	bool seen[N] = {false};
	for (uint32_t i = 0; i < N; i++) a[i] = b[i] = other[i] = i;
	eg_rng_shuffle((eg_rng){1, 2}, a, N);
	eg_rng_shuffle((eg_rng){1, 2}, b, N);
	eg_rng_shuffle((eg_rng){1, 3}, other, N);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, other, sizeof(a));
	int fixed = 0;
	for (uint32_t i = 0; i < N; i++) {
		assert_true(a[i] < N && !seen[a[i]]);
		seen[a[i]] = true;
		fixed += a[i] == i;
	}
	assert_in_range(fixed, 0, 8); /* one on average */
	eg_rng_shuffle((eg_rng){1, 2}, a, 0);

	int orders[6] = {0}; /* all six orders of three come equally often */
	for (uint64_t s = 0; s < 6000; s++) {
		uint32_t t[3] = {0, 1, 2};
		eg_rng_shuffle((eg_rng){5, s}, t, 3);
		orders[2 * t[0] + (t[1] > t[2])]++;
	}
	for (int k = 0; k < 6; k++) assert_in_range(orders[k], 850, 1150);
}

/* ---- file.c ------------------------------------------------------------------------------------------------------ */

typedef struct folder {
	char at[64], file[96];
} folder;

static int folder_make(void **state) {
	folder *f = calloc(1, sizeof(*f));
	if (!f) return -1;
	strcpy(f->at, "/tmp/engram-test-XXXXXX");
	if (!mkdtemp(f->at)) return -1;
	snprintf(f->file, sizeof(f->file), "%s/file", f->at);
	*state = f;
	return 0;
}

/* rmdir works on an empty folder only, so it also finds temporary files that were left behind. */
static int folder_remove(void **state) {
	folder *f = *state;
	unlink(f->file);
	int left = rmdir(f->at);
	free(f);
	return left;
}

static void write_file(const char *path, const char *data, size_t size) {
	FILE *out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void check_file(const char *path, const char *want, size_t want_size) {
	char *data;
	size_t size;
	assert_int_equal(eg_file_read(NULL, path, 0, &data, &size, NULL), EG_OK);
	assert_int_equal(size, want_size);
	assert_memory_equal(data, want, size);
	assert_int_equal(data[size], 0);
	eg_release(NULL, data);
}

static void test_file_read(void **state) {
	folder *f = *state;
	eg_error err = {EG_OK, ""};
	char *data, expect[300];
	size_t size;
	assert_int_equal(eg_file_read(NULL, f->file, 0, &data, &size, &err), EG_ERR_IO);
	assert_null(data);
	snprintf(expect, sizeof(expect), "cannot read '%s': No such file or directory", f->file);
	assert_string_equal(err.message, expect);
	assert_int_equal(eg_file_read(NULL, f->at, 0, &data, &size, &err), EG_ERR_IO);
	assert_non_null(strstr(err.message, "folder"));

	write_file(f->file, "", 0);
	check_file(f->file, "", 0);
	write_file(f->file, "a\0b\n", 4);
	check_file(f->file, "a\0b\n", 4);

	assert_int_equal(eg_file_read(NULL, f->file, 4, &data, &size, &err), EG_OK); /* the limit itself */
	eg_release(NULL, data);
	assert_int_equal(eg_file_read(NULL, f->file, 3, &data, &size, &err), EG_ERR_FORMAT);
	assert_null(data);
	assert_non_null(strstr(err.message, f->file));
	assert_int_equal(truncate(f->file, ((off_t)1 << 31) + 1), 0); /* sparse; more than the default limit */
	assert_int_equal(eg_file_read(NULL, f->file, 0, &data, &size, &err), EG_ERR_FORMAT);
	write_file(f->file, "text", 4);
	budget b = {0, 0};
	eg_allocator mine = budget_allocator(&b);
	assert_int_equal(eg_file_read(&mine, f->file, 0, &data, &size, &err), EG_ERR_MEMORY);
#if defined(__linux__)
	/* Files whose size is told as 0 are read all the same, and are subject to the limit. */
	assert_int_equal(eg_file_read(NULL, "/proc/self/status", 0, &data, &size, &err), EG_OK);
	assert_true(size > 100 && strlen(data) == size);
	eg_release(NULL, data);
	b.left = 4; /* the fifth piece of memory is refused */
	assert_int_equal(eg_file_read(&mine, "/dev/zero", 1 << 20, &data, &size, &err), EG_ERR_MEMORY);
	assert_int_equal(b.live, 0);
	b.left = 100;
	assert_int_equal(eg_file_read(&mine, "/dev/zero", 100000, &data, &size, &err), EG_ERR_FORMAT);
	assert_int_equal(b.live, 0);
#endif
}

static void test_writer_commit(void **state) {
	folder *f = *state;
	enum { N = 300000 };
	static char want[N];
	for (int i = 0; i < N; i++) want[i] = (char)(i * 7 + i / 1000);
	const size_t pieces[] = {1, 1000, 65535, 65536, 65537, N};
	for (int k = 0; k < EG_COUNT(pieces); k++) { /* small pieces are gathered, large ones go straight through */
		eg_writer *w = eg_writer_new(NULL, f->file, NULL);
		assert_non_null(w);
		for (size_t at = 0; at < N; at += pieces[k])
			eg_writer_put(w, want + at, at + pieces[k] < N ? pieces[k] : N - at);
		eg_writer_put(w, NULL, 0);
		if (k > 0)
			check_file(f->file, want, N); /* the old one, up to the last moment */
		else
			assert_int_equal(access(f->file, F_OK), -1);
		assert_int_equal(eg_writer_commit(w, NULL), EG_OK);
		check_file(f->file, want, N);
	}
	eg_writer *w = eg_writer_new(NULL, f->file, NULL); /* nothing written: an empty file */
	assert_int_equal(eg_writer_commit(w, NULL), EG_OK);
	check_file(f->file, "", 0);
}

static void test_writer_abort(void **state) {
	folder *f = *state;
	write_file(f->file, "old", 3);
	eg_writer *w = eg_writer_new(NULL, f->file, NULL);
	assert_non_null(w);
	eg_writer_put(w, "new", 3);
	eg_writer_abort(w);
	eg_writer_abort(NULL);
	check_file(f->file, "old", 3);
	for (int left = 0; left < 4; left++) {
		budget b = {left, 0};
		eg_allocator mine = budget_allocator(&b);
		eg_error err = {EG_OK, ""};
		assert_null(eg_writer_new(&mine, f->file, &err));
		assert_int_equal(err.status, EG_ERR_MEMORY);
		assert_int_equal(b.live, 0);
	}
}

/* Two writers of one file do not disturb each other, and the file is whole at every moment. */
static void test_writer_twice(void **state) {
	folder *f = *state;
	eg_writer *a = eg_writer_new(NULL, f->file, NULL), *b = eg_writer_new(NULL, f->file, NULL);
	assert_non_null(a);
	assert_non_null(b);
	eg_writer_put(a, "first", 5);
	eg_writer_put(b, "second", 6);
	assert_int_equal(eg_writer_commit(b, NULL), EG_OK);
	check_file(f->file, "second", 6);
	assert_int_equal(eg_writer_commit(a, NULL), EG_OK);
	check_file(f->file, "first", 5);
}

/* A process that is killed while it writes; returns when it has a temporary file. */
static void killed_while_writing(const char *path) {
	int ready[2];
	char c;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		eg_writer *w = eg_writer_new(NULL, path, NULL);
		if (!w || write(ready[1], "+", 1) != 1) _exit(1);
		for (;;) pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What a killed process left goes with the next write of the same file, or the next look at it; what others hold, and
 * what only looks like it, stays. */
static void test_writer_leftover(void **state) {
	folder *f = *state;
	char path[160];
	killed_while_writing(f->file);
	killed_while_writing(f->file);
	snprintf(path, sizeof(path), "%s.tmp-%ld", f->file, (long)getpid()); /* in a container the next has the same
	                                                                      * number */
	write_file(path, "half", 4);
	static const char *const others[] = {".tmp-", ".tmp-5x", ".tmp-5.", ".tmp-5.1.2", ".tmp", "2.tmp-5"};
	for (int i = 0; i < EG_COUNT(others); i++) {
		snprintf(path, sizeof(path), "%s%s", f->file, others[i]);
		write_file(path, "other", 5);
	}
	snprintf(path, sizeof(path), "%s.tmp-7", f->file);
	assert_int_equal(symlink("file2.tmp-5", path), 0);
	eg_writer *held = eg_writer_new(NULL, f->file, NULL);
	assert_non_null(held);
	eg_writer_put(held, "held", 4);
	assert_int_equal(eg_writer_check(f->file, 0, NULL), EG_OK);
	assert_int_equal(eg_writer_commit(held, NULL), EG_OK);
	check_file(f->file, "held", 4);
	check_file(path, "other", 5); /* through the link */
	unlink(path);
	for (int i = 0; i < EG_COUNT(others); i++) {
		snprintf(path, sizeof(path), "%s%s", f->file, others[i]);
		check_file(path, "other", 5);
		unlink(path);
	}
	/* folder_remove finds what is left */
}

/* The check says what writing would say, and leaves nothing. */
static void test_writer_check(void **state) {
	folder *f = *state;
	eg_error check, write;
	char long_name[400], missing[160], link[160];
	memset(long_name, 'x', sizeof(long_name));
	memcpy(long_name, f->at, strlen(f->at));
	long_name[strlen(f->at)] = '/';
	long_name[strlen(f->at) + 1 + 250] = '\0'; /* a name, but its temporary file's is too long */
	snprintf(missing, sizeof(missing), "%s/missing/file", f->at);
	snprintf(link, sizeof(link), "%s/link", f->at);
	assert_int_equal(symlink("nowhere", link), 0);
	const char *const paths[] = {long_name, missing, link, f->at, "/dev/null", "", "/dev/null/file"};
	for (int i = 0; i < EG_COUNT(paths); i++) {
		eg_status status = eg_writer_check(paths[i], 0, &check);
		assert_null(eg_writer_new(NULL, paths[i], &write));
		assert_int_equal(status, write.status);
		assert_int_equal(check.status, write.status);
		assert_string_equal(check.message, write.message);
		assert_int_equal(eg_writer_check(paths[i], 0, NULL), status);
	}
	unlink(link);
	assert_int_equal(eg_writer_check(f->file, 0, &check), EG_OK);
	assert_int_equal(access(f->file, F_OK), -1);
	write_file(f->file, "old", 3);
	assert_int_equal(eg_writer_check(f->file, 0, &check), EG_OK);
	check_file(f->file, "old", 3);
}

static void test_writer_mode(void **state) {
	folder *f = *state;
	struct stat st;
	write_file(f->file, "old", 3);
	const mode_t modes[] = {0600, 0664, 0755};
	for (int i = 0; i < EG_COUNT(modes); i++) {
		assert_int_equal(chmod(f->file, modes[i]), 0);
		eg_writer *w = eg_writer_new(NULL, f->file, NULL);
		assert_non_null(w);
		assert_int_equal(eg_writer_commit(w, NULL), EG_OK);
		assert_int_equal(stat(f->file, &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
	}
	unlink(f->file);
	mode_t mask = umask(027);
	eg_writer *w = eg_writer_new(NULL, f->file, NULL);
	umask(mask);
	assert_non_null(w);
	assert_int_equal(eg_writer_commit(w, NULL), EG_OK);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

/* A link stays a link; what is not a file is not replaced. */
static void test_writer_special(void **state) {
	folder *f = *state;
	eg_error err = {EG_OK, ""};
	char link[160];
	struct stat st;
	snprintf(link, sizeof(link), "%s/link", f->at);
	assert_int_equal(symlink("file", link), 0);
	assert_null(eg_writer_new(NULL, link, &err)); /* leads nowhere yet */
	assert_int_equal(err.status, EG_ERR_IO);
	write_file(f->file, "old", 3);
	eg_writer *w = eg_writer_new(NULL, link, &err);
	assert_non_null(w);
	eg_writer_put(w, "new", 3);
	assert_int_equal(eg_writer_commit(w, NULL), EG_OK);
	check_file(f->file, "new", 3);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(link);

	assert_null(eg_writer_new(NULL, f->at, &err));
	assert_non_null(strstr(err.message, "folder"));
	assert_null(eg_writer_new(NULL, "/dev/null", &err));
	assert_non_null(strstr(err.message, "device"));
	assert_null(eg_writer_new(NULL, "", &err));
	assert_int_equal(err.status, EG_ERR_ARG);
}

static void test_writer_no_folder(void **state) {
	folder *f = *state;
	eg_error err = {EG_OK, ""};
	char path[160], expect[400];
	snprintf(path, sizeof(path), "%s/missing/file", f->at);
	assert_null(eg_writer_new(NULL, path, &err));
	assert_int_equal(err.status, EG_ERR_IO);
	snprintf(expect, sizeof(expect), "cannot write '%s': its folder does not exist; no file was made", path);
	assert_string_equal(err.message, expect);

	write_file(f->file, "old", 3);
	assert_int_equal(chmod(f->at, 0555), 0);
	bool root = geteuid() == 0; /* who may write everywhere, so acts as somebody else */
	if (root) assert_int_equal(chmod(f->file, 0666) | seteuid(65534), 0);
	eg_writer *w = eg_writer_new(NULL, f->file, &err);
	if (root) assert_int_equal(seteuid(0), 0);
	assert_null(w);
	snprintf(expect, sizeof(expect), "cannot write '%s': Permission denied; the old file is unchanged", f->file);
	assert_string_equal(err.message, expect);

	assert_int_equal(chmod(f->at, 0777) | chmod(f->file, 0444), 0); /* a file protected against writing stays */
	if (root) assert_int_equal(seteuid(65534), 0);
	w = eg_writer_new(NULL, f->file, &err);
	if (root) assert_int_equal(seteuid(0), 0);
	assert_null(w);
	assert_string_equal(err.message, expect);
	check_file(f->file, "old", 3);
}

/* A full disk, played by the limit on the size of files: first a short write, then an error. */
static void test_writer_full(void **state) {
	folder *f = *state;
	struct rlimit old, small;
	static char data[50000];
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	small = old;
	small.rlim_cur = 120000;
	for (int existed = 0; existed < 2; existed++) {
		eg_error err = {EG_OK, ""};
		char expect[400];
		if (existed) write_file(f->file, "old", 3);
		eg_writer *w = eg_writer_new(NULL, f->file, &err);
		assert_non_null(w);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		for (int i = 0; i < 20; i++) eg_writer_put(w, data, sizeof(data));
		eg_status status = eg_writer_commit(w, &err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_int_equal(status, EG_ERR_IO);
		snprintf(expect, sizeof(expect), "cannot write '%s': File too large (it takes 1000000 bytes); %s", f->file,
		        existed ? "the old file is unchanged" : "no file was made");
		assert_string_equal(err.message, expect);
		if (existed)
			check_file(f->file, "old", 3);
		else
			assert_int_equal(access(f->file, F_OK), -1);
	}
	signal(SIGXFSZ, handler);
}

/* A commit that cannot rename: a folder has taken the name meanwhile. */
static void test_writer_rename(void **state) {
	folder *f = *state;
	eg_error err = {EG_OK, ""};
	eg_writer *w = eg_writer_new(NULL, f->file, &err);
	assert_non_null(w);
	eg_writer_put(w, "new", 3);
	assert_int_equal(mkdir(f->file, 0777), 0);
	assert_int_equal(eg_writer_commit(w, &err), EG_ERR_IO);
	assert_non_null(strstr(err.message, f->file));
	assert_int_equal(rmdir(f->file), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_messages),
	        cmocka_unit_test(test_messages_cut),
	        cmocka_unit_test(test_did_you_mean),
	        cmocka_unit_test(test_alloc),
	        cmocka_unit_test(test_block),
	        cmocka_unit_test(test_arena),
	        cmocka_unit_test(test_arena_reset),
	        cmocka_unit_test(test_grow),
	        cmocka_unit_test(test_cpu),
	        cmocka_unit_test(test_philox),
	        cmocka_unit_test(test_distributions),
	        cmocka_unit_test(test_below),
	        cmocka_unit_test(test_streams),
	        cmocka_unit_test(test_shuffle),
	        IN_FOLDER(test_file_read),
	        IN_FOLDER(test_writer_commit),
	        IN_FOLDER(test_writer_abort),
	        IN_FOLDER(test_writer_twice),
	        IN_FOLDER(test_writer_leftover),
	        IN_FOLDER(test_writer_check),
	        IN_FOLDER(test_writer_mode),
	        IN_FOLDER(test_writer_special),
	        IN_FOLDER(test_writer_no_folder),
	        IN_FOLDER(test_writer_full),
	        IN_FOLDER(test_writer_rename),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

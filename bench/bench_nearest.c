/* bench_nearest.c - how long an index looks for the nearest of its embeddings: bench_nearest [ENTRIES [WIDTH]]
 *
 * A million embeddings of 128 random numbers (when nothing is said) are written to an index file, which is opened and
 * asked, one query at a time, as `engram search` does; then 16 at once. Prints medians of 31 queries by one thread and
 * by two, by the clock and of the processor, beside the time of reading the same bytes once (a sum), which no exact
 * search can beat by much. The nearest of every query is the entry that it is a copy of, so a wrong answer is seen.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, mkstemp */

#include "engram_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { QUERIES = 31, AT_ONCE = 16, TOP = 10 };

static eg_error err;

static void fail(const char *why) {
	fprintf(stderr, "bench_nearest: %s\n", why);
	exit(1);
}

static double now(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b) {
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *ms) {
	qsort(ms, QUERIES, sizeof *ms, by_size);
	return ms[QUERIES / 2];
}

/* Embedding i: the same numbers whenever it is asked for. */
static void draw(float *at, int width, int64_t i) {
	uint32_t x = (uint32_t)i * 2654435761u + 12345;
	for (int k = 0; k < width; k++) {
		x = x * 1664525 + 1013904223;
		at[k] = (float)(x >> 8) / 8388608 - 1;
	}
}

static void save(const char *path, int64_t entries, int width) {
	eg_index *x;
	char id[32];
	float *one = malloc((size_t)width * sizeof *one);
	if (!one || eg_index_new(width, EG_DISTANCE_COSINE, 1, &x, &err)) fail(err.message);
	for (int64_t i = 0; i < entries; i++) {
		draw(one, width, i);
		snprintf(id, sizeof id, "%lld", (long long)i);
		if (eg_index_add(x, one, id, NULL, &err)) fail(err.message);
	}
	if (eg_index_save(x, path, &err)) fail(err.message);
	eg_index_free(x);
	free(one);
}

/* Reads all of them once, eight sums at a time. */
static double read_once(const float *at, size_t n) {
	double ms[QUERIES];
	for (int q = 0; q < QUERIES; q++) {
		float sum[64] = {0};
		const double from = now(CLOCK_MONOTONIC);
		for (size_t i = 0; i + 64 <= n; i += 64)
			for (int k = 0; k < 64; k++) sum[k] += at[i + (size_t)k];
		ms[q] = now(CLOCK_MONOTONIC) - from;
		float all = 0;
		for (int k = 0; k < 64; k++) all += sum[k];
		if (all > 1e30f) fail("the numbers are not those that were drawn"); /* so that the sum is needed */
	}
	return median(ms);
}

static void ask(const char *path, int threads, int at_once, int width) {
	eg_index *x;
	if (eg_index_open(path, threads, &x, &err)) fail(err.message);
	const int64_t entries = eg_index_count(x);
	double wall[QUERIES], processor[QUERIES];
	float *queries = malloc((size_t)(at_once * width) * sizeof *queries);
	eg_hit hits[AT_ONCE * TOP];
	int found[AT_ONCE];
	if (!queries) fail("not enough memory");
	for (int q = -1; q < QUERIES; q++) { /* the first brings the file into memory */
		for (int i = 0; i < at_once; i++) draw(queries + i * width, width, (int64_t)(q + 2) * 7919 * (i + 1) % entries);
		const double from = now(CLOCK_MONOTONIC), of = now(CLOCK_PROCESS_CPUTIME_ID);
		if (eg_index_nearest(x, queries, at_once, NULL, TOP, hits, found, &err)) fail(err.message);
		if (q >= 0) wall[q] = now(CLOCK_MONOTONIC) - from, processor[q] = now(CLOCK_PROCESS_CPUTIME_ID) - of;
		for (int i = 0; i < at_once; i++)
			if (hits[i * TOP].item != (int64_t)(q + 2) * 7919 * (i + 1) % entries) fail("another entry was nearer than the query itself");
	}
	printf("%d thread%s, %2d at once: %8.2f ms by the clock, %8.2f ms of the processor\n", threads, threads > 1 ? "s" : " ", at_once, median(wall), median(processor));
	free(queries);
	eg_index_free(x);
}

int main(int argc, char **argv) {
	const int64_t entries = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
	const int width = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 128;
	char path[] = "/tmp/engram-nearest-XXXXXX";
	if (entries < TOP || width < 1) fail("say ENTRIES, from 10, and WIDTH, from 1");
	const int fd = mkstemp(path);
	if (fd < 0) fail("no file could be made in /tmp");
	close(fd);
	save(path, entries, width);
	printf("%lld embeddings of %d, the %d nearest of all, exactly; medians of %d\n", (long long)entries, width, TOP, QUERIES);
	for (int threads = 1; threads <= 2; threads++)
		for (int at_once = 1; at_once <= AT_ONCE; at_once *= AT_ONCE) ask(path, threads, at_once, width);
	const size_t n = (size_t)entries * (size_t)width;
	float *at = malloc(n * sizeof *at);
	if (!at) fail("not enough memory");
	for (int64_t i = 0; i < entries; i++) draw(at + i * width, width, i);
	printf("one thread reads as many numbers once: %.2f ms\n", read_once(at, n));
	free(at);
	unlink(path);
	return 0;
}

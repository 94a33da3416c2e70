/* test_nearest.c - an index of embeddings: what is nearest, against all distances computed one by one, by any number of
 * threads; equals in their order; what is passed over; the file, and what is none; a model's own mark.
 *
 * Not here: the task `search` and the verbs (cli_search.sh). */
#define _POSIX_C_SOURCE 200809L /* mkdtemp, mkfifo */
#include "engram_index.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 3000, WIDTH = 37, QUERIES = 9, K = 5 };

static char folder[] = "/tmp/engram-nearest-XXXXXX";
static char path[64];
static eg_error err;

#define FINE(call) \
	do { \
		if (call) fail_msg("%s", err.message); \
	} while (0)

static float drawn(uint32_t *x) {
	*x = *x * 1664525 + 1013904223;
	return (float)(*x >> 8) / 8388608 - 1;
}

static void fill(float *at, int n, uint32_t seed) {
	for (int i = 0; i < n; i++) at[i] = drawn(&seed);
}

static double distance(const float *a, const float *b, eg_distance kind) {
	double ab = 0, aa = 0, bb = 0, square = 0;
	for (int i = 0; i < WIDTH; i++) {
		ab += (double)a[i] * (double)b[i], aa += (double)a[i] * (double)a[i], bb += (double)b[i] * (double)b[i];
		square += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
	}
	return kind == EG_DISTANCE_COSINE ? 1 - ab / sqrt(aa * bb) : sqrt(square);
}

static eg_index *made(const float *at, int n, eg_distance kind, int threads) {
	eg_index *x;
	char id[32];
	FINE(eg_index_new(WIDTH, kind, threads, &x, &err));
	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof id, "picture %d", i);
		FINE(eg_index_add(x, at + i * WIDTH, id, i % 7 ? (i % 2 ? "odd" : "even") : NULL, &err));
	}
	return x;
}

static void same_hits(const eg_hit *a, const eg_hit *b, int n) {
	for (int i = 0; i < n; i++) {
		assert_int_equal(a[i].item, b[i].item);
		assert_memory_equal(&a[i].distance, &b[i].distance, sizeof a[i].distance);
	}
}

/* Is hits[0..k-1] what comes first of all distances? */
static void check_nearest(const float *at, const float *query, eg_distance kind, int64_t but, const eg_hit *hits, int found) {
	double *all = malloc(N * sizeof *all);
	assert_int_equal(found, K);
	for (int i = 0; i < N; i++) all[i] = i == but ? INFINITY : distance(at + i * WIDTH, query, kind);
	for (int h = 0; h < K; h++) {
		const double d = all[hits[h].item];
		assert_true(fabs(d - (double)hits[h].distance) < 1e-5);
		int closer = 0;
		for (int i = 0; i < N; i++) closer += all[i] < d - 1e-6;
		assert_true(closer <= h);
		for (int e = 0; e < h; e++) assert_true(hits[e].item != hits[h].item);
	}
	free(all);
}

static void finds_the_nearest(void **state) {
	float *at = malloc(N * WIDTH * sizeof *at), queries[QUERIES * WIDTH];
	eg_hit hits[2][QUERIES * K];
	int found[2][QUERIES];
	int64_t but[QUERIES];
	(void)state;
	fill(at, N * WIDTH, 1);
	fill(queries, QUERIES * WIDTH, 2);
	memcpy(queries, at + 17 * WIDTH, WIDTH * sizeof *at);
	for (int i = 0; i < QUERIES; i++) but[i] = i == 1 ? 4 : -1;
	for (int kind = 0; kind < 2; kind++) {
		for (int t = 0; t < 2; t++) {
			eg_index *x = made(at, N, (eg_distance)kind, t ? 3 : 1);
			FINE(eg_index_nearest(x, queries, QUERIES, but, K, hits[t], found[t], &err));
			eg_index_free(x);
		}
		same_hits(hits[0], hits[1], QUERIES * K);
		assert_int_equal(hits[0][0].item, 17);
		assert_true(hits[0][0].distance < 1e-6f);
		for (int q = 0; q < QUERIES; q++)
			check_nearest(at, queries + q * WIDTH, (eg_distance)kind, but[q], hits[0] + q * K, found[0][q]);
	}
	free(at);
}

/* Alone or beside others, an entry is as far away. */
static void does_not_depend_on_company(void **state) {
	float *at = malloc(N * WIDTH * sizeof *at), queries[QUERIES * WIDTH];
	eg_hit all[QUERIES * K], one[K];
	int found[QUERIES];
	(void)state;
	fill(at, N * WIDTH, 3);
	fill(queries, QUERIES * WIDTH, 4);
	eg_index *x = made(at, N, EG_DISTANCE_COSINE, 2);
	FINE(eg_index_nearest(x, queries, QUERIES, NULL, K, all, found, &err));
	for (int q = 0; q < QUERIES; q++) {
		FINE(eg_index_nearest(x, queries + q * WIDTH, 1, NULL, K, one, found, &err));
		same_hits(one, all + q * K, K);
	}
	eg_index_free(x);
	free(at);
}

static void small_ones(void **state) {
	float at[4 * WIDTH] = {0}, none[WIDTH] = {0}, odd[WIDTH] = {0};
	eg_hit hits[10];
	int found;
	(void)state;
	for (int i = 0; i < 4; i++) at[i * WIDTH + (i == 3)] = 1; /* the first three are alike */
	eg_index *x = made(at, 4, EG_DISTANCE_COSINE, 2);
	FINE(eg_index_nearest(x, at, 1, NULL, 10, hits, &found, &err));
	assert_int_equal(found, 4);
	for (int i = 0; i < 4; i++) assert_int_equal(hits[i].item, i); /* equals in their order */
	assert_true(hits[3].distance > 0.999f && hits[3].distance < 1.001f);
	assert_null(eg_index_class(x, 0));
	assert_string_equal(eg_index_class(x, 1), "odd");
	/* What cannot be compared is refused, and changes nothing. */
	assert_false(eg_index_fits(x, none));
	assert_int_equal(eg_index_add(x, none, "zeros", NULL, &err), EG_ERR_NUMERIC);
	odd[3] = NAN;
	assert_int_equal(eg_index_add(x, odd, "nan", NULL, &err), EG_ERR_NUMERIC);
	assert_int_equal(eg_index_nearest(x, odd, 1, NULL, 1, hits, &found, &err), EG_ERR_NUMERIC);
	assert_int_equal(eg_index_count(x), 4);
	assert_int_equal(eg_index_nearest(x, at, 1, NULL, 0, hits, &found, &err), EG_ERR_ARG);
	eg_index_free(x);
	assert_int_equal(eg_index_new(0, EG_DISTANCE_COSINE, 1, &x, &err), EG_ERR_ARG);
	FINE(eg_index_new(WIDTH, EG_DISTANCE_EUCLIDEAN, 1, &x, &err));
	FINE(eg_index_nearest(x, at, 1, NULL, 3, hits, &found, &err));
	assert_int_equal(found, 0);
	FINE(eg_index_add(x, none, "zeros", NULL, &err)); /* lengths can be compared with it */
	eg_index_free(x);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static void comes_back(void **state) {
	float at[20 * WIDTH];
	eg_hit before[K], after[K];
	int found;
	(void)state;
	fill(at, 20 * WIDTH, 5);
	for (int kind = 0; kind < 2; kind++) {
		eg_index *x = made(at, 20, (eg_distance)kind, 1), *y;
		FINE(eg_index_keep(x, "model", "a.safetensors", &err));
		FINE(eg_index_keep(x, "model", "b.safetensors", &err));
		FINE(eg_index_save(x, path, &err));
		FINE(eg_index_open(path, 2, &y, &err));
		assert_int_equal(eg_index_count(y), 20);
		assert_int_equal(eg_index_width(y), WIDTH);
		assert_int_equal(eg_index_distance(y), kind);
		assert_string_equal(eg_index_kept(y, "model"), "b.safetensors");
		assert_null(eg_index_kept(y, "weights"));
		for (int i = 0; i < 20; i++) {
			assert_string_equal(eg_index_id(x, i), eg_index_id(y, i));
			if (i % 7 == 0)
				assert_null(eg_index_class(y, i));
			else
				assert_string_equal(eg_index_class(y, i), i % 2 ? "odd" : "even");
		}
		FINE(eg_index_nearest(x, at + WIDTH, 1, NULL, K, before, &found, &err));
		FINE(eg_index_nearest(y, at + WIDTH, 1, NULL, K, after, &found, &err));
		same_hits(before, after, K);
		assert_int_equal(eg_index_add(y, at, "one more", NULL, &err), EG_ERR_ARG);
		eg_index_free(x);
		eg_index_free(y);
	}
}

static void refused(const char *bytes, size_t size, const char *words) {
	eg_index *x = (eg_index *)path;
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	fclose(f);
	assert_int_equal(eg_index_open(path, 1, &x, &err), EG_ERR_FORMAT);
	assert_null(x);
	if (!strstr(err.message, words)) fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static char *find(char *at, size_t size, const char *s) {
	for (size_t i = 0; i + strlen(s) <= size; i++)
		if (!memcmp(at + i, s, strlen(s))) return at + i;
	fail_msg("no '%s' in the file", s);
	return NULL;
}

static void damaged_files(void **state) {
	float at[20 * WIDTH];
	char bytes[9000], other[9000];
	eg_index *x;
	(void)state;
	fill(at, 20 * WIDTH, 6);
	x = made(at, 20, EG_DISTANCE_COSINE, 1);
	FINE(eg_index_save(x, path, &err));
	eg_index_free(x);
	FILE *f = fopen(path, "rb");
	const size_t size = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(size > 20 * WIDTH * 4 && size < sizeof bytes);
	refused("", 0, "is empty");
	refused("hello", 5, path);
	for (size_t cut = 8; cut < size; cut += 97) refused(bytes, cut, path);
	const struct {
		const char *from, *to, *words;
	} cases[] = {
	        {"engram-index", "engram-thing", "it is no index"},
	        {"\"cosine\"", "\"cosinf\"", "which distance"},
	        {"\"embeddings\"", "\"embeddingz\"", "an index has 'embeddings'"},
	        {"picture 19", "picture\0 19", "does not name 20 entries"},
	        {"[20,37]", "[37,20]", "37 embeddings of 20 numbers with 20 classes"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memcpy(other, bytes, size);
		memcpy(find(other, size, cases[i].from), cases[i].to, strlen(cases[i].from));
		refused(other, size, cases[i].words);
	}
	assert_int_equal(eg_index_open("/tmp", 1, &x, &err), EG_ERR_IO);
	assert_int_equal(eg_index_open("/tmp/engram-no-such-index", 1, &x, &err), EG_ERR_IO);
	remove(path);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes into it: it is not waited for */
	assert_int_equal(eg_index_open(path, 1, &x, &err), EG_ERR_IO);
	assert_non_null(strstr(err.message, "not a plain file"));
	remove(path);
}

/* Numbers of a file that are none are near to nothing, and what is asked for need not be there. */
static void numbers_that_are_none(void **state) {
	float at[20 * WIDTH];
	char bytes[9000];
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		eg_hit hits[2 * 30];
		int found[2];
		fill(at, 20 * WIDTH, 7);
		eg_index *x = made(at, 20, (eg_distance)kind, 1);
		FINE(eg_index_save(x, path, &err));
		eg_index_free(x);
		FILE *f = fopen(path, "r+b");
		const size_t size = fread(bytes, 1, sizeof bytes, f);
		const float odd[2] = {NAN, INFINITY};
		const unsigned char *begin = (const unsigned char *)bytes;
		/* behind the header and the classes */
		char *embeddings = bytes + 8 + begin[0] + 256 * begin[1] + 20 * sizeof(int32_t);
		memcpy(embeddings + 3 * WIDTH * sizeof *at, &odd[0], sizeof odd[0]);
		memcpy(embeddings + 5 * WIDTH * sizeof *at, &odd[1], sizeof odd[1]);
		rewind(f);
		assert_int_equal(fwrite(bytes, 1, size, f), size);
		fclose(f);
		FINE(eg_index_open(path, 3, &x, &err));
		FINE(eg_index_nearest(x, at + WIDTH, 2, NULL, 30, hits, found, &err));
		for (int q = 0; q < 2; q++) {
			assert_int_equal(hits[q * 30].item, q + 1);
			for (int i = 0; i < found[q]; i++) {
				assert_int_not_equal(hits[q * 30 + i].item, 3);
				if (hits[q * 30 + i].item == 5) assert_true(isinf(hits[q * 30 + i].distance));
			}
			assert_in_range(found[q], 18, 19);
		}
		eg_index_free(x);
	}
}

static int setup(void **state) {
	(void)state;
	if (!mkdtemp(folder)) return -1;
	snprintf(path, sizeof path, "%s/x.index", folder);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	remove(path);
	return rmdir(folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(finds_the_nearest),
	        cmocka_unit_test(does_not_depend_on_company),
	        cmocka_unit_test(small_ones),
	        cmocka_unit_test(comes_back),
	        cmocka_unit_test(damaged_files),
	        cmocka_unit_test(numbers_that_are_none),
	};
	return cmocka_run_group_tests_name("nearest", tests, setup, teardown);
}

/* test_subword.c - subwords: the merges of a text worked out by hand, and by a slow and plain learner; any bytes come
 * back. What model files keep of them is in test_vocab_value.c. */
#include "engram_text.h"
#include "support_tasks.h"

#include "data/units.h"

#include <stdlib.h>
#include <string.h>

static eg_vocab *learn(bench *b, const char *text, size_t size, int most, bool end) {
	eg_vocab *v;
	OK(b, eg_vocab_build(text, size, &(eg_vocab_options){.unit = EG_UNIT_SUBWORD, .max_size = most, .end = end}, &v, &b->err));
	return v;
}

/* What comes behind the bytes, with bars between. */
static void learnt(const eg_vocab *v, int from, const char *expected) {
	char all[2000] = "";
	for (int i = from; i < eg_vocab_count(v); i++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > from ? "|" : "", eg_vocab_token(v, i, NULL));
	assert_string_equal(all, expected);
}

static void pieces(const char *text, const char *expected) {
	char all[400] = "";
	for (size_t at = 0, n, size = strlen(text); at < size; at += n) {
		n = eg_subword_piece(text + at, size - at);
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.*s", at ? "|" : "", (int)n, text + at);
	}
	assert_string_equal(all, expected);
}

static void is_cut_into_pieces(void **state) {
	(void)state;
	pieces("the cat's 12, hat", "the| cat|'|s| 12|,| hat");
	pieces("a  b\n\n c \n", "a| | b|\n\n| c| |\n");
	pieces("\t\tx  ", "\t\t|x|  ");
	pieces("\xe4\xb8\xad\xe6\x96\x87" "ab\xe3\x80\x82\xff" "c", "\xe4\xb8\xad\xe6\x96\x87|ab|\xe3\x80\x82|\xff|c");
	char longer[600];
	memset(longer, 'x', sizeof longer);
	assert_int_equal(eg_subword_piece(longer, sizeof longer), EG_UNIT_MOST);
}

/* The example of Sennrich, Haddow and Birch (2016): low lowest newer wider, 5, 2, 6 and 3 times. */
static void learns_by_hand(void **state) {
	bench *b = *state;
	char text[400] = "";
	static const struct {
		const char *word;
		int times;
	} words[] = {{"low", 5}, {"lowest", 2}, {"newer", 6}, {"wider", 3}};
	for (int i = 0; i < EG_COUNT(words); i++)
		for (int k = 0; k < words[i].times; k++) snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", words[i].word);
	/* er 9; then lo 7 and ow 7, of which l-o has the older units; then low 7, ne 6 before we 6 (n is older) ... */
	eg_vocab *v = learn(b, text, strlen(text), 262, false);
	learnt(v, 256, "er|lo|low|ew|new|newer");
	int32_t *ids;
	size_t n;
	OK(b, eg_vocab_encode(v, "lower new", 9, NULL, &ids, &n, &b->err));
	const int32_t expected[] = {258, 256, ' ', 260};
	assert_int_equal(n, 4);
	assert_memory_equal(ids, expected, sizeof expected);
	free(ids);
	eg_vocab_free(v);
	v = learn(b, text, strlen(text), 259, true); /* numbers behind the mark are one more */
	learnt(v, 257, "er|lo");
	assert_true(eg_vocab_end(v) == 0 && eg_vocab_unknown(v) == -1);
	OK(b, eg_vocab_encode(v, "er", 2, NULL, &ids, &n, &b->err));
	assert_true(n == 1 && ids[0] == 257);
	free(ids);
	eg_vocab_free(v);
	v = learn(b, "aaaaa", 5, 300, false); /* nothing is left that occurs twice */
	learnt(v, 256, "aa");
	eg_vocab_free(v);
	/* Characters that occur twice are units before anything is merged; the others are bytes. */
	v = learn(b, "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xba\xba", 15, 300, false);
	learnt(v, 256, "\xe4\xb8\xad|\xe6\x96\x87|\xe4\xb8\xad\xe6\x96\x87");
	OK(b, eg_vocab_encode(v, "\xe4\xba\xba", 3, NULL, &ids, &n, &b->err));
	assert_true(n == 3 && ids[0] == 0xe4 && ids[1] == 0xba && ids[2] == 0xba);
	free(ids);
	eg_vocab_free(v);
}

/* ---- against a plain learner ------------------------------------------------------------------------------------- */

enum { WORDS = 400, MERGES = 60 };

typedef struct plain {
	int unit[64], n;
} plain;

/* Lower case words alone: every step counts all pairs anew. names[k]: the text of merge k. */
static int learn_plainly(plain *w, int n, char names[MERGES][64]) {
	static int count[128 + MERGES][128 + MERGES];
	for (int k = 0; k < MERGES; k++) {
		int a = -1, c = -1;
		memset(count, 0, sizeof count);
		for (int i = 0; i < n; i++)
			for (int j = 0; j + 1 < w[i].n; j++) count[w[i].unit[j]][w[i].unit[j + 1]]++;
		for (int x = 0; x < 128 + k; x++)
			for (int y = 0; y < 128 + k; y++)
				if (count[x][y] > 1 && (a < 0 || count[x][y] > count[a][c])) a = x, c = y;
		if (a < 0) return k;
		char left[2] = {(char)a, 0}, right[2] = {(char)c, 0};
		snprintf(names[k], 64, "%s%s", a < 128 ? left : names[a - 128], c < 128 ? right : names[c - 128]);
		for (int i = 0; i < n; i++) {
			int m = 0;
			for (int j = 0; j < w[i].n; m++) {
				bool here = j + 1 < w[i].n && w[i].unit[j] == a && w[i].unit[j + 1] == c;
				w[i].unit[m] = here ? 128 + k : w[i].unit[j];
				j += here ? 2 : 1;
			}
			w[i].n = m;
		}
	}
	return MERGES;
}

static void learns_as_a_plain_learner(void **state) {
	bench *b = *state;
	static plain words[WORDS];
	static char names[MERGES][64], text[WORDS * 12];
	eg_rng r = {3, 1};
	size_t size = 0;
	uint64_t at = 0;
	for (int i = 0; i < WORDS; i++) {
		words[i].n = 2 + (int)(eg_rng_uniform(r, at++) * 8);
		for (int k = 0; k < words[i].n; k++) {
			double u = eg_rng_uniform(r, at++);
			words[i].unit[k] = 'a' + (int)(u * u * 6); /* skewed, and many the same in a row */
			text[size++] = (char)words[i].unit[k];
		}
		text[size++] = '\t';
	}
	int n = learn_plainly(words, WORDS, names);
	eg_vocab *v = learn(b, text, size, 256 + MERGES, false);
	int from = 256, same = 0;
	for (int k = 0; k < n && from + same < eg_vocab_count(v); k++) {
		/* A text that two pairs make is one unit here; it is passed over where the plain one has it again. */
		bool again = false;
		for (int j = 0; j < k; j++) again |= !strcmp(names[j], names[k]);
		if (again) break;
		assert_string_equal(eg_vocab_token(v, from + same, NULL), names[k]);
		same++;
	}
	assert_true(same >= 20);
	eg_vocab_free(v);
}

/* ---- there and back ---------------------------------------------------------------------------------------------- */

static void any_bytes_come_back(void **state) {
	bench *b = *state;
	static const char text[] = "the cat sat on the mat; the  dog\n\tsat \xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87 too.\n";
	eg_vocab *v = learn(b, text, sizeof text - 1, 290, true);
	eg_rng r = {5, 1};
	uint64_t at = 0;
	for (int round = 0; round < 60; round++) {
		char any[900], back[4000];
		size_t n = (size_t)(eg_rng_uniform(r, at++) * 900), m, length = 0, more;
		for (size_t i = 0; i < n; i++) /* pieces of the text, and any bytes */
			any[i] = round % 2 ? text[(size_t)(eg_rng_uniform(r, at++) * (sizeof text - 1))]
					   : (char)(unsigned char)(eg_rng_uniform(r, at++) * 256);
		int32_t *ids, *again;
		OK(b, eg_vocab_encode(v, any, n, NULL, &ids, &m, &b->err));
		for (size_t i = 0; i < m; i++) {
			assert_true(ids[i] >= 1 && ids[i] < eg_vocab_count(v));
			length += eg_vocab_spell(v, i ? ids[i - 1] : -1, ids[i], back + length, sizeof back - length);
		}
		assert_int_equal(length, n);
		assert_memory_equal(back, any, n);
		OK(b, eg_vocab_encode(v, back, length, NULL, &again, &more, &b->err));
		assert_true(more == m && !memcmp(ids, again, m * sizeof *ids));
		free(ids);
		free(again);
	}
	eg_vocab_free(v);
}

static void what_is_none_is_refused(void **state) {
	bench *b = *state;
	eg_vocab *v;
	eg_vocab_options o = {.unit = EG_UNIT_SUBWORD, .max_size = 256};
	assert_int_equal(eg_vocab_build("ab", 2, &o, &v, &b->err), EG_ERR_ARG);
	o = (eg_vocab_options){.unit = EG_UNIT_SUBWORD, .min_count = 2};
	assert_int_equal(eg_vocab_build("ab", 2, &o, &v, &b->err), EG_ERR_ARG);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(is_cut_into_pieces),
	        cmocka_unit_test_setup_teardown(learns_by_hand, bench_setup, bench_teardown),
	        cmocka_unit_test_setup_teardown(learns_as_a_plain_learner, bench_setup, bench_teardown),
	        cmocka_unit_test_setup_teardown(any_bytes_come_back, bench_setup, bench_teardown),
	        cmocka_unit_test_setup_teardown(what_is_none_is_refused, bench_setup, bench_teardown),
	};
	return cmocka_run_group_tests_name("subword", tests, NULL, NULL);
}

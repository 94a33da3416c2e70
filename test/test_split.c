/* test_split.c - tests of src/data/split.c: shares and folds, by class and by group. */
#include "data/split.h"
#include "engram_train.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 1000 };

typedef struct cutout {
	uint32_t first[MOST], second[MOST];
	int64_t nfirst, nsecond;
	eg_error err;
} cutout;

static eg_status cut(cutout *c, const eg_split_of *s, double share) {
	return eg_split_records(s, share, c->first, &c->nfirst, c->second, &c->nsecond, &c->err);
}

static eg_status fold(cutout *c, const eg_split_of *s, int k, int folds) {
	return eg_split_fold(s, k, folds, c->first, &c->nfirst, c->second, &c->nsecond, &c->err);
}

/* Every record is in one of the two, in rising order. */
static void is_whole(const cutout *c, int64_t n) {
	bool seen[MOST] = {false};
	assert_int_equal(c->nfirst + c->nsecond, n);
	for (int64_t i = 0; i < n; i++) {
		uint32_t item = i < c->nfirst ? c->first[i] : c->second[i - c->nfirst];
		assert_true(item < n && !seen[item]);
		seen[item] = true;
	}
	for (int64_t i = 1; i < c->nfirst; i++) assert_true(c->first[i] > c->first[i - 1]);
	for (int64_t i = 1; i < c->nsecond; i++) assert_true(c->second[i] > c->second[i - 1]);
}

static void make_labels(int32_t *labels, int n, int classes) {
	for (int i = 0; i < n; i++) labels[i] = (i * 7 + i / 3) % classes;
}

/* Without groups as it always was; and a group for each record is none. */
static void as_without_groups(void **state) {
	EG_UNUSED(state);
	static cutout a, b, c;
	static const char *const none[MOST] = {NULL};
	static char names[MOST][12];
	const char *own[MOST];
	int32_t labels[MOST];
	for (int i = 0; i < MOST; i++) {
		snprintf(names[i], sizeof names[i], "%d", i);
		own[i] = names[i];
	}
	for (int n = 2; n <= MOST; n = n * 5 + 3) {
		make_labels(labels, n, 4);
		for (int k = 0; k < 2; k++) {
			eg_split_of s = {.count = n, .labels = k ? labels : NULL, .seed = 77};
			assert_int_equal(eg_split_stratified(
			                         s.labels, n, 0.3, 77, a.first, &a.nfirst, a.second, &a.nsecond, NULL),
			        EG_OK);
			assert_int_equal(cut(&b, &s, 0.3), EG_OK);
			assert_true(b.nfirst == a.nfirst && b.nsecond == a.nsecond);
			assert_memory_equal(b.first, a.first, (size_t)a.nfirst * sizeof *a.first);
			assert_memory_equal(b.second, a.second, (size_t)a.nsecond * sizeof *a.second);
			s.groups = n > 100 ? own : none;
			assert_int_equal(cut(&c, &s, 0.3), EG_OK);
			is_whole(&c, n);
			if (a.nsecond == 0) continue; /* with groups at least one is taken */
			assert_int_equal(c.nsecond, a.nsecond);
			assert_memory_equal(c.second, a.second, (size_t)a.nsecond * sizeof *a.second);
		}
	}
}

/* 6 speakers, each of 10 classes 5 times. */
static int make_speakers(const char **groups, int32_t *labels) {
	static const char *const names[] = {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"};
	for (int i = 0; i < 300; i++) {
		groups[i] = names[i % 6];
		labels[i] = i / 6 % 10;
	}
	return 300;
}

static void groups_are_kept(const cutout *c, const char *const *groups) {
	for (int64_t i = 0; i < c->nfirst; i++)
		for (int64_t k = 0; k < c->nsecond; k++)
			if (groups[c->first[i]] && groups[c->second[k]])
				assert_string_not_equal(groups[c->first[i]], groups[c->second[k]]);
}

static void groups_are_never_cut(void **state) {
	EG_UNUSED(state);
	static cutout c;
	const char *groups[MOST];
	int32_t labels[MOST];
	int n = make_speakers(groups, labels), others = 0;
	uint32_t before = 0;
	static const struct {
		double share;
		int records;
	} cases[] = {{0, 0}, {0.01, 50}, {0.1, 50}, {0.2, 50}, {0.3, 100}, {0.5, 150}, {0.99, 250}};
	for (int k = 0; k < EG_COUNT(cases); k++)
		for (uint64_t seed = 0; seed < 5; seed++) {
			eg_split_of s = {.count = n, .labels = labels, .groups = groups, .seed = seed};
			assert_int_equal(cut(&c, &s, cases[k].share), EG_OK);
			is_whole(&c, n);
			groups_are_kept(&c, groups);
			assert_int_equal(c.nsecond, cases[k].records);
			if (k == 1 && seed > 0) others += c.second[0] != before;
			if (k == 1) before = c.second[0];
			s.labels = NULL;
			assert_int_equal(cut(&c, &s, cases[k].share), EG_OK);
			groups_are_kept(&c, groups);
			assert_int_equal(c.nsecond, cases[k].records);
		}
	assert_true(others > 0); /* the seed decides which */
}

/* Groups of different sizes, records without one, and classes that go with groups. */
static void groups_of_classes(void **state) {
	EG_UNUSED(state);
	static cutout c;
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	const char *groups[400];
	int32_t labels[400];
	for (int i = 0; i < 400;
	        i++) { /* groups a..d: 80 records of class 0; e..h: 40 of class 1; 80 of class 2 alone */
		groups[i] = i < 320 ? (i < 240 ? names[i / 60] : names[4 + (i - 240) / 20]) : NULL;
		labels[i] = i < 240 ? 0 : i < 320 ? 1 : 2;
	}
	const eg_split_of s = {.count = 400, .labels = labels, .groups = groups, .seed = 3};
	assert_int_equal(cut(&c, &s, 0.25), EG_OK);
	is_whole(&c, 400);
	groups_are_kept(&c, groups);
	int of[3] = {0};
	for (int64_t i = 0; i < c.nsecond; i++) of[labels[c.second[i]]]++;
	assert_int_equal(of[0], 60);
	assert_int_equal(of[1], 20);
	assert_int_equal(of[2], 20);
}

static void folds_without_groups(void **state) {
	EG_UNUSED(state);
	static cutout c;
	int32_t labels[103];
	int in_fold[103];
	for (int k = 0; k < 2; k++) {
		eg_split_of s = {.count = 103, .labels = k ? labels : NULL, .seed = 5};
		int least = 1000, most = 0, of[5][7] = {{0}};
		memset(in_fold, -1, sizeof in_fold);
		make_labels(labels, 103, 7);
		for (int i = 0; i < 5; i++) {
			assert_int_equal(fold(&c, &s, i, 5), EG_OK);
			is_whole(&c, 103);
			if (c.nsecond < least) least = (int)c.nsecond;
			if (c.nsecond > most) most = (int)c.nsecond;
			for (int64_t j = 0; j < c.nsecond; j++) {
				assert_int_equal(in_fold[c.second[j]], -1);
				in_fold[c.second[j]] = i;
				of[i][labels[c.second[j]]]++;
			}
		}
		assert_true(least == 20 && most == 21);
		for (int j = 0; j < 103; j++) assert_true(in_fold[j] >= 0);
		for (int label = 0; label < 7 && k; label++)
			for (int i = 1; i < 5; i++) assert_true(abs(of[i][label] - of[0][label]) <= 1);
	}
}

static void folds_of_groups(void **state) {
	EG_UNUSED(state);
	static cutout c;
	const char *groups[MOST];
	int32_t labels[MOST];
	int n = make_speakers(groups, labels), seen = 0;
	const eg_split_of s = {.count = n, .labels = labels, .groups = groups, .seed = 9};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fold(&c, &s, i, 3), EG_OK);
		is_whole(&c, n);
		groups_are_kept(&c, groups);
		assert_int_equal(c.nsecond, 100);
		seen += (int)c.nsecond;
	}
	assert_int_equal(seen, n);
	assert_int_equal(fold(&c, &s, 0, 7), EG_ERR_ARG);
	assert_non_null(strstr(c.err.message, "6 groups cannot make 7 folds"));
}

static void splits_are_refused(void **state) {
	EG_UNUSED(state);
	static cutout c;
	const int32_t labels[] = {0, 1, -1};
	const char *const groups[3] = {"a", NULL, "a"};
	eg_split_of s = {.count = 3, .labels = labels, .groups = groups};
	assert_int_equal(cut(&c, &s, 0.5), EG_ERR_ARG);
	assert_non_null(strstr(c.err.message, "sample 2 has label -1"));
	s.labels = NULL;
	assert_int_equal(cut(&c, &s, 1), EG_ERR_ARG);
	assert_non_null(strstr(c.err.message, "a validation share of 1"));
	assert_int_equal(fold(&c, &s, 2, 2), EG_ERR_ARG);
	assert_int_equal(fold(&c, &s, 0, 1), EG_ERR_ARG);
	assert_non_null(strstr(c.err.message, "fold 0 of 1: there must be 2 or more"));
	s.groups = NULL;
	assert_int_equal(fold(&c, &s, 0, 4), EG_ERR_ARG);
	assert_non_null(strstr(c.err.message, "3 samples cannot make 4 folds"));
	s.count = 0;
	assert_int_equal(fold(&c, &s, 0, 2), EG_ERR_ARG);
	/* One group alone is trained on. */
	s = (eg_split_of){.count = 2, .groups = (const char *const[]){"a", "a"}};
	assert_int_equal(cut(&c, &s, 0.9), EG_OK);
	is_whole(&c, 2);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(as_without_groups),
	        cmocka_unit_test(groups_are_never_cut),
	        cmocka_unit_test(groups_of_classes),
	        cmocka_unit_test(folds_without_groups),
	        cmocka_unit_test(folds_of_groups),
	        cmocka_unit_test(splits_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* BLEU and chrF against what sacreBLEU 2.5 says of the same texts (corpus_score of BLEU(tokenize=...) and CHRF()). */
#include "tasks/text_score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct pair {
	const char *said, *meant[3];
} pair;

static const pair english[] = {
	{"The cat sat on the mat, didn't it?", {"The cat is on the mat, isn't it?", "There sat the cat on the mat ."}},
	{"I paid $3.50 for 1,000 items - cheap!", {"I paid $3.50 for 1,000 items: cheap!"}},
	{"He said \"yes\" & left.", {"He said &quot;yes&quot; &amp; left."}},
	{"no", {"yes indeed"}},
	{"A b c d e (1990-1995) x.y", {"A b c d e (1990-1995) x.y", "B c d"}},
};
static const pair chinese[] = {
	{"我从来没有去过北京。", {"我从未去过北京。", "我没有去过北京。"}},
	{"他今年3岁,身高1.2米。", {"他今年3岁，身高1.2米。"}},
	{"你好!Tom", {"你好！Tom", "Tom,你好!"}},
	{"“是的”……他说", {"“是”……他说道"}},
	{"我", {"我们"}},
};
static const pair brief[] = {{"ab", {"ab"}}, {"cd", {"ce"}}};

static void scores(const pair *p, int n, const double bleu[3], double chrf) {
	eg_text_score s[3] = {{{0}, {0}, 0, 0, {{0}}}};
	eg_error err;
	for (int tokens = 0; tokens < 3; tokens++) {
		for (int i = 0; i < n; i++) {
			int references = 0;
			while (references < 3 && p[i].meant[references]) references++;
			assert_int_equal(
				eg_text_score_add(&s[tokens], tokens, p[i].said, p[i].meant, references, &err), EG_OK);
		}
		if (fabs(eg_text_bleu(&s[tokens]) - bleu[tokens]) > 1e-9)
			fail_msg("bleu %d is %.12f, not %.12f", tokens, eg_text_bleu(&s[tokens]), bleu[tokens]);
	}
	if (fabs(eg_text_chrf(&s[0]) - chrf) > 1e-9) fail_msg("chrf is %.12f, not %.12f", eg_text_chrf(&s[0]), chrf);
}

static void as_sacrebleu(void **state) {
	(void)state;
	scores(english, 5, (const double[]){77.17662839612672, 54.721949042258984, 67.20493489217658},
		62.077172691988395);
	scores(chinese, 5, (const double[]){0, 66.67451324803199, 68.18909084532072}, 57.16188416991569);
	scores(brief, 2, (const double[]){0, 0, 0}, 62.5);
}

/* Entities are replaced one kind after the other, those of < and > after that of &. */
static void entities(void **state) {
	(void)state;
	const char *const meant[] = {"a < b &quot; > c &lt; d"};
	eg_text_score s = {{0}, {0}, 0, 0, {{0}}};
	eg_error err;
	assert_int_equal(
		eg_text_score_add(&s, EG_TOKENS_13A, "a &amp;lt; b \" &amp;gt; c < d", meant, 1, &err), EG_OK);
	assert_true(fabs(eg_text_bleu(&s) - 100) < 1e-9);
}

static void nothing_said(void **state) {
	(void)state;
	scores((const pair[]){{"", {"a b c d"}}}, 1, (const double[]){0, 0, 0}, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_sacrebleu), cmocka_unit_test(entities), cmocka_unit_test(nothing_said)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

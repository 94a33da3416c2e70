/* test_words.c - words by Unicode's boundaries: examples of its rules, what is spelled is cut the same way again, and
 * model files of before keep their own rule. */
#include "engram_text.h"
#include "support_tasks.h"

#include "data/data.h"

#include <stdlib.h>
#include <string.h>

/* The words of a text with bars between. */
static void cut(const char *text, const char *expected) {
	char all[400] = "";
	for (size_t at = 0, n, size = strlen(text); at < size; at += n) {
		if (text[at] == ' ') {
			n = 1;
			continue;
		}
		n = eg_word_size(text + at, size - at);
		assert_true(n > 0);
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%.*s", *all ? "|" : "", (int)n, text + at);
	}
	assert_string_equal(all, expected);
}

/* From the examples of UAX #29 and WordBreakTest.txt of Unicode 15.0, all of whose cases were run when the table was
 * made. */
static void ends_where_unicode_says(void **state) {
	(void)state;
	cut("The quick (\"brown\") fox can't jump 32.3 feet, right?",
		"The|quick|(|\"|brown|\"|)|fox|can't|jump|32.3|feet|,|right|?");
	cut("'tis the dogs' bone: a.m. 1,000.5 3,a", "'|tis|the|dogs|'|bone|:|a.m|.|1,000.5|3|,|a");
	cut("snake_case x86 _ 2nd e-mail", "snake_case|x86|_|2nd|e|-|mail");
	cut("na\xc3\xafve na\x69\xcc\x88ve it\xe2\x80\x99s", "na\xc3\xafve|na\x69\xcc\x88ve|it\xe2\x80\x99s");
	cut("\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82\xe3\x82\xab\xe3\x83\x8a\xe3\x81\xaf", /* kanji, a full stop, kana */
		"\xe4\xb8\xad|\xe6\x96\x87|\xe3\x80\x82|\xe3\x82\xab\xe3\x83\x8a|\xe3\x81\xaf");
	cut("\xd7\x90\"\xd7\x90 \xd7\x90' a\"a", "\xd7\x90\"\xd7\x90|\xd7\x90'|a|\"|a"); /* Hebrew */
	cut("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa\xf0\x9f\x87\xab\xf0\x9f\x87\xb7", /* two flags */
		"\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa|\xf0\x9f\x87\xab\xf0\x9f\x87\xb7");
	cut("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb\xf0\x9f\x91\x8d", /* a woman with a computer, a thumb */
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb|\xf0\x9f\x91\x8d");
	cut("\xe0\xb8\x81\xe0\xb8\xb2\xe0\xb8\x81", "\xe0\xb8\x81|\xe0\xb8\xb2|\xe0\xb8\x81"); /* Thai */
	assert_int_equal(eg_word_size("\xff", 1), 0);
	char longer[900] = "a"; /* one letter with marks without end */
	for (int i = 0; i < 400; i++) memcpy(longer + 1 + 2 * i, "\xcc\x88", 2);
	assert_int_equal(eg_word_size(longer, 801), EG_UNIT_MOST);
}

static void spells_what_is_cut_again(void **state) {
	bench *b = *state;
	static const char *const bits[] = {"a", "b1", "3", "'", "\"", ".", ",", ":", "_", "-", "(", " ", " ", "\n",
		"\xcc\x88", "\xe2\x80\x8d", "\xf0\x9f\x91\xa9", "\xf0\x9f\x87\xa9", "\xd7\x90", "\xe3\x82\xab", "\xe4\xb8\xad",
		"\xef\xbc\x8e", "\xef\xbc\x95", "\xe2\x80\x98", "\xe0\xb8\x81", "\xc2\xb2", "$", "\xe2\x81\x84", "\xe2\x93\x82"};
	eg_rng r = {11, 1};
	uint64_t at = 0;
	for (int round = 0; round < 400; round++) {
		char text[400] = "", again[4000] = "";
		for (int i = 0; i < 40; i++) strcat(text, bits[(size_t)(eg_rng_uniform(r, at++) * EG_COUNT(bits))]);
		strcat(text, "a");
		eg_vocab *v;
		int32_t *ids, *back;
		size_t n, m, length = 0;
		OK(b, eg_vocab_build(text, strlen(text), &(eg_vocab_options){.unit = EG_UNIT_WORD}, &v, &b->err));
		OK(b, eg_vocab_encode(v, text, strlen(text), NULL, &ids, &n, &b->err));
		for (size_t i = 0; i < n; i++)
			length += eg_vocab_spell(v, i ? ids[i - 1] : -1, ids[i], again + length, sizeof again - length);
		OK(b, eg_vocab_encode(v, again, length, NULL, &back, &m, &b->err));
		if (m != n || memcmp(ids, back, n * sizeof *ids)) fail_msg("'%s' became '%s'", text, again);
		free(ids);
		free(back);
		eg_vocab_free(v);
	}
}

static void older_files_keep_their_rule(void **state) {
	bench *b = *state;
	static const char old[] = "{\"unit\": \"word\", \"unknown\": 0, \"tokens\": [\"<unknown>\", \"'tis\", \"a\", \".\", \"m\"]}",
			  new[] = "{\"unit\": \"word\", \"boundaries\": \"unicode\", \"unknown\": 0, \"tokens\": "
				  "[\"<unknown>\", \"a.m\", \"a\", \".\", \"m\"]}",
			  newer[] = "{\"unit\": \"word\", \"boundaries\": \"emoji\", \"tokens\": [\"a\"]}";
	static const struct {
		const char *json;
		int32_t ids[4];
		size_t n;
	} cases[] = {{old, {1, 2, 3, 4}, 4}, {new, {0, 0, 1}, 3}};
	eg_value *map;
	eg_vocab *v;
	for (int i = 0; i < EG_COUNT(cases); i++) {
		int32_t *ids;
		size_t n;
		OK(b, eg_value_parse(cases[i].json, strlen(cases[i].json), "v", &map, &b->err));
		OK(b, eg_vocab_from_value(map, &v, &b->err));
		OK(b, eg_vocab_encode(v, "'tis a.m", 8, NULL, &ids, &n, &b->err));
		assert_int_equal(n, cases[i].n);
		assert_memory_equal(ids, cases[i].ids, n * sizeof *ids);
		eg_value *kept = eg_value_new(EG_VALUE_MAP);
		eg_vocab_put(kept, "vocab", v);
		assert_int_equal(eg_value_get(eg_value_get(kept, "vocab"), "boundaries") != NULL, i);
		eg_value_free(kept);
		eg_value_free(map);
		eg_vocab_free(v);
		free(ids);
	}
	OK(b, eg_value_parse(newer, strlen(newer), "v", &map, &b->err));
	assert_int_equal(eg_vocab_from_value(map, &v, &b->err), EG_ERR_FORMAT);
	SAYS(b, "boundaries that are not known");
	eg_value_free(map);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ends_where_unicode_says),
	        cmocka_unit_test_setup_teardown(spells_what_is_cut_again, bench_setup, bench_teardown),
	        cmocka_unit_test_setup_teardown(older_files_keep_their_rule, bench_setup, bench_teardown),
	};
	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}

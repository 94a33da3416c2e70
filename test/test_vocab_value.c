/* test_vocab_value.c - a vocabulary as a value, as model files keep it: put, read again, refused when damaged. */
#include "base/base.h"
#include "engram_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void same_vocab(const eg_vocab *a, const eg_vocab *b) {
	assert_non_null(b);
	assert_true(eg_vocab_unit(a) == eg_vocab_unit(b) && eg_vocab_end(a) == eg_vocab_end(b));
	assert_int_equal(eg_vocab_unknown(a), eg_vocab_unknown(b));
	assert_int_equal(eg_vocab_count(a), eg_vocab_count(b));
	for (int i = 0; i < eg_vocab_count(a); i++) {
		size_t n, m;
		const char *x = eg_vocab_token(a, i, &n), *y = eg_vocab_token(b, i, &m);
		assert_int_equal(n, m);
		assert_memory_equal(x, y, n);
	}
}

/* A text is cut by both at the same places. */
static void same_numbers(const eg_vocab *a, const eg_vocab *b, const char *text) {
	int32_t *x, *y;
	size_t n, m;
	eg_error err;
	if (eg_vocab_encode(a, text, strlen(text), NULL, &x, &n, &err)) fail_msg("%s", err.message);
	if (eg_vocab_encode(b, text, strlen(text), NULL, &y, &m, &err)) fail_msg("%s", err.message);
	assert_int_equal(n, m);
	assert_memory_equal(x, y, n * sizeof *x);
	free(x);
	free(y);
}

/* Through the text that a file holds. */
static void vocabulary_comes_back(void **state) {
	(void)state;
	static const char text[] = "a\"quote\", \\, tab\t\x7f\nand \xe4\xb8\xad \xf0\x9f\x98\x80 a a";
	const eg_vocab_options options[] = {{.unit = EG_UNIT_CHAR}, {.unit = EG_UNIT_CHAR, .end = true, .min_count = 2},
		{.unit = EG_UNIT_BYTE}, {.unit = EG_UNIT_BYTE, .end = true}, {.unit = EG_UNIT_WORD},
		{.unit = EG_UNIT_WORD, .words = EG_WORDS_SPACES}, {.unit = EG_UNIT_SUBWORD},
		{.unit = EG_UNIT_SUBWORD, .end = true}, {.unit = EG_UNIT_SUBWORD, .end = true, .unknown = true}};
	for (int i = 0; i < EG_COUNT(options); i++) {
		eg_error err;
		eg_vocab *v, *w;
		eg_value *map = eg_value_new(EG_VALUE_MAP), *again;
		char *json;
		if (eg_vocab_build(text, strlen(text), &options[i], &v, &err)) fail_msg("%s", err.message);
		eg_vocab_put(map, "vocab", v);
		assert_true(eg_value_whole(map));
		assert_int_equal(
			eg_value_get(eg_value_get(map, "vocab"), "tokens") == NULL, options[i].unit == EG_UNIT_BYTE);
		assert_int_equal(eg_value_json(map, &json, NULL, &err), EG_OK);
		if (eg_value_parse(json, strlen(json), "v", &again, &err)) fail_msg("%s", err.message);
		if (eg_vocab_from_value(eg_value_get(again, "vocab"), &w, &err)) fail_msg("%s", err.message);
		same_vocab(v, w);
		same_numbers(v, w, text);
		free(json);
		eg_value_free(map);
		eg_value_free(again);
		eg_vocab_free(v);
		eg_vocab_free(w);
	}
}

static void refuses_damage(void **state) {
	(void)state;
	static const char *const cases[][2] = {{"[]", "damaged: the vocabulary: it is not a map"},
		{"{\"tokens\": [\"a\"]}", "damaged: the vocabulary: its unit is missing"},
		{"{\"unit\": \"letter\", \"tokens\": [\"a\"]}",
			"damaged: the vocabulary: its unit is none of char, byte, word, subword"},
		{"{\"unit\": \"char\"}", "damaged: the vocabulary: the list of its units is missing"},
		{"{\"unit\": \"char\", \"tokens\": {}}", "damaged: the vocabulary: the list of its units is missing"},
		{"{\"unit\": \"char\", \"tokens\": []}", "a vocabulary of 0 units"},
		{"{\"unit\": \"char\", \"tokens\": [\"a\", 1]}",
			"damaged: the vocabulary: one of its units is not a text"},
		{"{\"unit\": \"char\", \"tokens\": [\"a\", \"ab\"]}", "unit 1, 'ab', is more than one character"},
		{"{\"unit\": \"char\", \"tokens\": [\"a\", \"b\", \"a\"]}", "units 0 and 2 are the same"},
		{"{\"unit\": \"word\", \"tokens\": [\"a b\"]}", "is more than one word"},
		{"{\"unit\": \"char\", \"end\": 2, \"tokens\": [\"a\", \"b\"]}", "the end mark is number 2"},
		{"{\"unit\": \"char\", \"end\": -1, \"tokens\": [\"a\"]}", "its end mark is not a number of a unit"},
		{"{\"unit\": \"char\", \"end\": \"x\", \"tokens\": [\"a\"]}", "its end mark is not a number of a unit"},
		{"{\"unit\": \"char\", \"unknown\": 1.5, \"tokens\": [\"a\"]}", "its unknown mark is not a number"},
		{"{\"unit\": \"char\", \"unknown\": 1e15, \"tokens\": [\"a\"]}", "its unknown mark is not a number"},
		{"{\"unit\": \"char\", \"end\": 0, \"unknown\": 0, \"tokens\": [\"a\"]}", "must be two numbers"},
		{"{\"unit\": \"word\", \"boundaries\": \"commas\", \"tokens\": [\"a\"]}", "boundaries that are not known here"},
		{"{\"unit\": \"word\", \"boundaries\": \"unicode\", \"tokens\": [\"t-shirt\"]}", "is more than one word"},
		{"{\"unit\": \"word\", \"boundaries\": \"spaces\", \"tokens\": [\"t-shirt\", \"a b\"]}", "unit 1, 'a b', is more than one word"},
		{"{\"unit\": \"byte\", \"tokens\": [\"a\"]}", "one of bytes has no list of units"},
		{"{\"unit\": \"byte\", \"unknown\": 3}", "no byte is unknown"},
		{"{\"unit\": \"byte\", \"end\": 257}", "the end mark is number 257"},
		{"{\"unit\": \"subword\", \"tokens\": [\"a\"]}", "unit 256 is a byte once more"},
		{"{\"unit\": \"subword\", \"tokens\": [\"ab\", \"ab\"]}", "units 256 and 257 are the same"},
		{"{\"unit\": \"subword\", \"end\": 3, \"tokens\": [\"ab\"]}", "must come first"},
		{"{\"unit\": \"subword\", \"end\": 0, \"unknown\": 2, \"tokens\": [\"ab\"]}", "must come first"},
		{"{\"unit\": \"subword\", \"tokens\": [\"\"]}", "has 0 bytes"},
		{"{\"unit\": \"subword\"}", "the list of its units is missing"}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_error err = {0};
		eg_value *v;
		eg_vocab *w;
		if (eg_value_parse(cases[i][0], strlen(cases[i][0]), "v", &v, &err)) fail_msg("%s", err.message);
		assert_int_equal(eg_vocab_from_value(v, &w, &err), EG_ERR_FORMAT);
		assert_null(w);
		if (!strstr(err.message, cases[i][1]) || strncmp(err.message, "damaged: ", 9))
			fail_msg("%s", err.message);
		eg_value_free(v);
	}
	eg_vocab *w;
	assert_int_equal(eg_vocab_from_value(NULL, &w, NULL), EG_ERR_FORMAT);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(vocabulary_comes_back), cmocka_unit_test(refuses_damage)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

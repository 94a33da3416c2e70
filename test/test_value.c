/* test_value.c - tests of trees of values: building, reading, JSON both ways, lines for people. */
#include "io/value.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* JSON of v, which stays good until the next call. */
static const char *json(const eg_value *v) {
	static char *text;
	eg_error err;
	size_t size;
	free(text);
	if (eg_value_json(v, &text, &size, &err)) fail_msg("%s", err.message);
	assert_int_equal(strlen(text), size);
	return text;
}

static const char *print(const eg_value *v) {
	static char *text;
	eg_error err;
	free(text);
	if (eg_value_print(v, "<b>", "</b>", &text, &err)) fail_msg("%s", err.message);
	return text;
}

static eg_value *parse(const char *text) {
	eg_error err;
	eg_value *v;
	if (eg_value_parse(text, strlen(text), "test", &v, &err)) fail_msg("%s", err.message);
	return v;
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void test_build(void **state) {
	EG_UNUSED(state);
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	assert_string_equal(json(v), "{}");
	eg_value_put_null(v, "nothing");
	eg_value_put_bool(v, "yes", true);
	eg_value_put_int(v, "n", INT64_MIN);
	eg_value_put_number(v, "x", 0.5);
	eg_value_put_text(v, "text", "a\"b");
	eg_value_put_text(v, "none", NULL);
	eg_value *list = eg_value_put_list(v, "list");
	eg_value_put_int(list, NULL, 1);
	eg_value_put_map(list, NULL);
	eg_value_put_text(eg_value_put_map(list, NULL), "k", "");
	assert_true(eg_value_whole(v));
	assert_true(eg_value_whole(list));
	assert_string_equal(json(v),
		"{\"nothing\": null, \"yes\": true, \"n\": -9223372036854775808, \"x\": 0.5, \"text\": \"a\\\"b\", "
		"\"none\": null, \"list\": [1, {}, {\"k\": \"\"}]}");
	assert_int_equal(eg_value_count(v), 7);
	assert_int_equal(eg_value_count(list), 3);
	assert_string_equal(json(list), "[1, {}, {\"k\": \"\"}]"); /* a part alone */
	assert_int_equal(eg_value_marks(eg_value_get(v, "x")), 0);
	eg_value_free(v);
	eg_value_free(NULL);
	assert_null(eg_value_new(EG_VALUE_INT));
	v = eg_value_new(EG_VALUE_LIST);
	assert_string_equal(json(v), "[]");
	eg_value_free(v);
}

static void test_replace(void **state) {
	EG_UNUSED(state);
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "a", 1);
	eg_value_mark(eg_value_put_text(v, "b", "old"), EG_SHOW_STRONG, "s");
	eg_value_put_int(v, "c", 3);
	eg_value *again = eg_value_put_list(v, "b"); /* the place stays, the marks go */
	eg_value_put_int(again, NULL, 2);
	assert_string_equal(json(v), "{\"a\": 1, \"b\": [2], \"c\": 3}");
	assert_int_equal(eg_value_marks(again), 0);
	assert_null(eg_value_unit(again));
	eg_value_put_text(v, "b", "t");
	assert_string_equal(json(v), "{\"a\": 1, \"b\": \"t\", \"c\": 3}");
	eg_value_put_text(v, "b", eg_value_text(eg_value_get(v, "b"))); /* from what it replaces */
	eg_value_put_copy(v, "b", v);
	assert_string_equal(json(v), "{\"a\": 1, \"b\": {\"a\": 1, \"b\": \"t\", \"c\": 3}, \"c\": 3}");
	eg_value_put_copy(v, "b", eg_value_get(eg_value_get(v, "b"), "b"));
	assert_string_equal(json(v), "{\"a\": 1, \"b\": \"t\", \"c\": 3}");
	assert_true(eg_value_whole(v));
	assert_int_equal(eg_value_count(v), 3);
	eg_value_free(v);
}

/* Maps with so many keys that they are found by hashing, put in another order than they were made. */
static void test_many_keys(void **state) {
	EG_UNUSED(state);
	enum { KEYS = 100000 };
	char key[32];
	eg_value *v = eg_value_new(EG_VALUE_MAP), *w = eg_value_new(EG_VALUE_MAP);
	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof key, "key-%d", i);
		eg_value_put_int(v, key, i);
		snprintf(key, sizeof key, "key-%d", KEYS - 1 - i);
		eg_value_put_text(w, key, "replaced");
		eg_value_put_int(w, key, KEYS - 1 - i);
	}
	assert_true(eg_value_whole(v) && eg_value_whole(w));
	assert_int_equal(eg_value_count(v), KEYS);
	assert_int_equal(eg_value_count(w), KEYS);
	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof key, "key-%d", i);
		assert_int_equal(eg_value_int(eg_value_get(v, key), -1), i);
	}
	assert_null(eg_value_get(v, "key-"));
	assert_string_equal(eg_value_key(eg_value_first(w)), "key-99999");
	assert_true(eg_value_same(v, w));
	eg_value_put_int(w, "key-5", 6);
	assert_false(eg_value_same(v, w));
	eg_value_free(v);
	eg_value_free(w);
}

static void test_long_list(void **state) {
	EG_UNUSED(state);
	enum { NUMBERS = 100000 };
	eg_value *v = eg_value_new(EG_VALUE_MAP), *list = eg_value_put_list(v, "x"), *again;
	eg_error err;
	char *text;
	size_t size;
	for (int i = 0; i < NUMBERS; i++) eg_value_put_number(list, NULL, i / 7.0 + 0.1);
	assert_true(eg_value_whole(v));
	assert_in_range(((eg_value_root *)v)->arena.used, 0, NUMBERS * 64); /* 48 bytes a node */
	assert_int_equal(eg_value_json(v, &text, &size, &err), EG_OK);
	assert_int_equal(eg_value_parse(text, size, "list", &again, &err), EG_OK);
	assert_true(eg_value_same(v, again)); /* not one is whole, nor a float */
	assert_true(eg_value_number(eg_value_at(eg_value_get(again, "x"), 99999), 0) == 99999 / 7.0 + 0.1);
	free(text);
	eg_value_free(v);
	eg_value_free(again);
}

static void test_clear(void **state) {
	EG_UNUSED(state);
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_root *r = (eg_value_root *)v;
	for (int round = 0; round < 3; round++) {
		char key[16];
		for (int i = 0; i < 100; i++) {
			snprintf(key, sizeof key, "%d", i);
			eg_value_put_int(v, key, round);
		}
		eg_value_mark(v, EG_SHOW_STRONG, "unit");
		assert_int_equal(eg_value_count(v), 100);
		assert_int_equal(eg_value_int(eg_value_get(v, "99"), -1), round);
		eg_value_clear(v);
		assert_string_equal(json(v), "{}");
		assert_null(eg_value_get(v, "99"));
		assert_null(eg_value_unit(v));
		assert_int_equal(eg_value_marks(v), 0);
		assert_non_null(r->arena.spare); /* its memory is kept */
	}
	eg_value_put_int(v, NULL, 1); /* wrong, and forgotten with the rest */
	assert_false(eg_value_whole(v));
	eg_value_clear(v);
	assert_true(eg_value_whole(v));
	eg_value_clear(NULL);
	eg_value_free(v);
}

/* ---- what cannot be put ------------------------------------------------------------------------------------------ */

static void test_misplaced(void **state) {
	EG_UNUSED(state);
	assert_false(eg_value_whole(NULL));
	assert_null(eg_value_put_map(NULL, "a"));
	assert_null(eg_value_put_copy(NULL, "a", NULL));
	assert_null(eg_value_mark(NULL, EG_SHOW_NOT, "s"));
	for (int i = 0; i < 4; i++) {
		eg_value *v = eg_value_new(i < 2 ? EG_VALUE_MAP : EG_VALUE_LIST);
		if (i == 0) assert_null(eg_value_put_int(v, NULL, 1));
		if (i == 1) assert_null(eg_value_put_int(eg_value_put_int(v, "a", 1), "b", 1));
		if (i == 2) assert_null(eg_value_put_list(v, "key"));
		/* no memory, before it is read */
		if (i == 3) assert_null(eg_value_put_bytes(v, NULL, "", SIZE_MAX / 4));
		assert_false(eg_value_whole(v));
		int64_t before = eg_value_count(v);
		assert_null(eg_value_put_text(v, i < 2 ? "c" : NULL, "right")); /* nothing more */
		assert_int_equal(eg_value_count(v), before);
		eg_value_free(v);
	}
	eg_value *v = eg_value_new(EG_VALUE_LIST), *at = v;
	for (int depth = 1; depth <= EG_VALUE_DEPTH; depth++) assert_non_null(at = eg_value_put_list(at, NULL));
	assert_true(eg_value_whole(v));
	eg_value *again = parse(json(v)); /* what can be built can be read */
	assert_true(eg_value_same(v, again));
	eg_value_free(again);
	eg_value *outer = eg_value_new(EG_VALUE_LIST);
	assert_null(eg_value_put_copy(outer, NULL, v));
	assert_false(eg_value_whole(outer));
	assert_null(eg_value_put_list(at, NULL));
	assert_false(eg_value_whole(v));
	eg_value_free(outer);
	eg_value_free(v);
}

static void *refuse(void *user, size_t bytes) {
	int *left = user;
	return (*left)-- > 0 ? malloc(bytes) : NULL;
}

static void release(void *user, void *p) {
	EG_UNUSED(user);
	free(p);
}

/* Memory that ends after 0, 1, 2... chunks: never a crash, and the root tells. */
static void test_memory(void **state) {
	EG_UNUSED(state);
	for (int chunks = 0, whole = 0; !whole; chunks++) {
		int left = chunks;
		const eg_allocator few = {refuse, release, &left};
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		assert_non_null(v);
		((eg_value_root *)v)->arena.allocator = &few;
		char key[32];
		for (int i = 0; i < 400; i++) {
			snprintf(key, sizeof key, "a key that is long %d", i);
			eg_value *map = eg_value_put_map(v, key);
			eg_value_mark(eg_value_put_text(map, "text", key), 0, "unit");
			eg_value_put_copy(map, "copy", eg_value_get(v, "a key that is long 0"));
		}
		whole = eg_value_whole(v);
		if (!whole) assert_null(eg_value_put_null(v, "more"));
		assert_true(whole ? chunks > 2 : chunks < 20);
		assert_int_equal(left < 0, !whole);
		json(v);
		eg_value_free(v);
	}
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void test_read(void **state) {
	EG_UNUSED(state);
	eg_value *v = parse("{\"i\": 7, \"w\": 3.0, \"x\": 2.5, \"big\": 1e19, \"t\": \"abc\", \"b\": true, \"l\": [1, 2]}");
	assert_int_equal(eg_value_int(eg_value_get(v, "i"), -1), 7);
	assert_int_equal(eg_value_int(eg_value_get(v, "w"), -1), 3);
	assert_int_equal(eg_value_int(eg_value_get(v, "x"), -1), -1);
	assert_int_equal(eg_value_int(eg_value_get(v, "big"), -1), -1);
	assert_int_equal(eg_value_int(eg_value_get(v, "t"), -1), -1);
	assert_true(eg_value_number(eg_value_get(v, "i"), -1) == 7);
	assert_true(eg_value_number(eg_value_get(v, "x"), -1) == 2.5);
	assert_true(eg_value_number(eg_value_get(v, "b"), -1) == -1);
	assert_string_equal(eg_value_text(eg_value_get(v, "t")), "abc");
	assert_int_equal(eg_value_text_size(eg_value_get(v, "t")), 3);
	assert_null(eg_value_text(eg_value_get(v, "i")));
	assert_int_equal(eg_value_text_size(eg_value_get(v, "i")), 0);
	assert_true(eg_value_bool(eg_value_get(v, "b"), false));
	assert_true(eg_value_bool(eg_value_get(v, "i"), true));
	const eg_value *list = eg_value_get(v, "l");
	assert_int_equal(eg_value_int(eg_value_at(list, 1), -1), 2);
	assert_null(eg_value_at(list, 2));
	assert_null(eg_value_at(list, -1));
	assert_null(eg_value_get(list, "l"));
	assert_null(eg_value_get(v, NULL));
	assert_null(eg_value_next(list));
	assert_null(eg_value_key(eg_value_first(list)));
	assert_string_equal(eg_value_key(eg_value_next(eg_value_first(v))), "w");
	assert_int_equal(eg_value_kind_of(eg_value_get(v, "w")), EG_VALUE_NUMBER);
	eg_value_put_number(v, "x", -9223372036854775808.0);
	assert_int_equal(eg_value_int(eg_value_get(v, "x"), -1), INT64_MIN);
	eg_value_put_number(v, "x", 9223372036854775808.0);
	assert_int_equal(eg_value_int(eg_value_get(v, "x"), -1), -1);
	eg_value_put_number(v, "x", NAN);
	assert_int_equal(eg_value_int(eg_value_get(v, "x"), -1), -1);
	eg_value_free(v);
	assert_int_equal(eg_value_kind_of(NULL), EG_VALUE_NULL);
	assert_int_equal(eg_value_marks(NULL), 0);
	assert_null(eg_value_unit(NULL));
	assert_null(eg_value_key(NULL));
	assert_int_equal(eg_value_count(NULL), 0);
	assert_null(eg_value_first(NULL));
	assert_null(eg_value_next(NULL));
	assert_null(eg_value_at(NULL, 0));
	assert_null(eg_value_get(NULL, "a"));
	assert_null(eg_value_text(NULL));
	assert_int_equal(eg_value_int(NULL, 5), 5);
	assert_string_equal(json(NULL), "null");
}

static void test_same(void **state) {
	EG_UNUSED(state);
	const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"{\"a\": 1, \"b\": [2, null]}", "{\"b\": [2, null], \"a\": 1}", true},
		{"[1, 2]", "[2, 1]", false},
		{"[1]", "[1, 2]", false},
		{"[1, 2]", "[1]", false},
		{"[1]", "[1.0]", false},
		{"[0.0]", "[-0.0]", true},
		{"[true]", "[false]", false},
		{"[null]", "[false]", false},
		{"[\"a\"]", "[\"b\"]", false},
		{"[\"a\"]", "[\"a\\u0000\"]", false},
		{"{\"a\": 1}", "{\"b\": 1}", false},
		{"{}", "[]", false},
		{"[[], {}]", "[[], {}]", true},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_value *a = parse(cases[i].a), *b = parse(cases[i].b);
		if (eg_value_same(a, b) != cases[i].same || eg_value_same(b, a) != cases[i].same) fail_msg("case %d", i);
		eg_value_mark(a, EG_SHOW_NOT, "s");
		assert_int_equal(eg_value_same(a, b), cases[i].same);
		eg_value_free(a);
		eg_value_free(b);
	}
	assert_true(eg_value_same(NULL, NULL));
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void test_json_numbers(void **state) {
	EG_UNUSED(state);
	const struct {
		double v;
		const char *text;
	} cases[] = {
		{(double)0.1f, "0.100000001"}, /* a float: nine digits */
		{(double)FLT_MAX, "3.40282347e+38"},
		{0.1, "0.1"},
		{1e-9, "1e-09"},
		{123456789012, "123456789012"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1.0 / 3, "0.3333333333333333"}, /* 16 digits do */
		{1e300, "1e+300"},
		{5e-324, "4.94065646e-324"},
		{DBL_MAX, "1.7976931348623157e+308"},
		{3, "3"},
		{-2.5, "-2.5"},
		{0, "0"},
		{-0.0, "-0.0"},
		{NAN, "null"},
		{INFINITY, "null"},
		{-INFINITY, "null"},
	};
	eg_value *v = eg_value_new(EG_VALUE_LIST);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char want[64];
		eg_value_clear(v);
		eg_value_put_number(v, NULL, cases[i].v);
		snprintf(want, sizeof want, "[%s]", cases[i].text);
		assert_string_equal(json(v), want);
		eg_value *again = parse(want);
		double got = eg_value_number(eg_value_first(again), NAN);
		bool was_float = fabs(cases[i].v) <= (double)FLT_MAX && (double)(float)cases[i].v == cases[i].v;
		if (!isfinite(cases[i].v)) assert_true(isnan(got));
		else if (was_float) assert_true((float)got == (float)cases[i].v);
		else assert_true(got == cases[i].v);
		assert_string_equal(json(again), want);
		eg_value_free(again);
	}
	eg_value_free(v);
}

/* Random bits as doubles and as floats read back as what they were. */
static void test_json_random(void **state) {
	EG_UNUSED(state);
	eg_rng rng = {1, eg_stream(EG_RNG_TEST, 7, 0)};
	eg_value *v = eg_value_new(EG_VALUE_LIST);
	for (uint64_t i = 0; i < 20000; i++) {
		uint32_t bits[4];
		double d;
		float f;
		eg_rng_u32x4(rng, i, bits);
		memcpy(&d, bits, sizeof d);
		memcpy(&f, bits + 2, sizeof f);
		if (!isfinite(d) || !isfinite(f)) continue;
		eg_value_clear(v);
		eg_value_put_number(v, NULL, d);
		eg_value_put_number(v, NULL, (double)f);
		eg_value *again = parse(json(v));
		assert_true(eg_value_number(eg_value_at(again, 0), NAN) == d);
		assert_true((float)eg_value_number(eg_value_at(again, 1), NAN) == f);
		eg_value_free(again);
	}
	eg_value_free(v);
}

static void test_json_texts(void **state) {
	EG_UNUSED(state);
	static const char zeros[] = "a\0b\0";
	const struct {
		const char *text;
		size_t size; /* 0: strlen */
		const char *want, *read; /* read NULL: as text */
	} cases[] = {
		{"\"\\\n\t\r\b\x01\x1f\x7f/", 0, "[\"\\\"\\\\\\n\\t\\u000d\\u0008\\u0001\\u001f\\u007f/\"]", NULL},
		{"\xc3\xa9\xf0\x9f\x98\x80", 0, "[\"\xc3\xa9\xf0\x9f\x98\x80\"]", NULL},
		{"a\xff" "b\xc3", 0, "[\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"]", "a\xef\xbf\xbd" "b\xef\xbf\xbd"},
		{"\xed\xa0\x80", 0, "[\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", 0, "[\"\xef\xbf\xbd\xef\xbf\xbd\"]", "\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
		{zeros, 4, "[\"a\\u0000b\\u0000\"]", NULL},
		{"", 0, "[\"\"]", NULL},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_value *v = eg_value_new(EG_VALUE_LIST);
		size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);
		eg_value_put_bytes(v, NULL, cases[i].text, size);
		assert_string_equal(json(v), cases[i].want);
		eg_value *again = parse(cases[i].want);
		const eg_value *t = eg_value_first(again);
		assert_int_equal(eg_value_text_size(t), cases[i].read ? strlen(cases[i].read) : size);
		assert_memory_equal(eg_value_text(t), cases[i].read ? cases[i].read : cases[i].text, eg_value_text_size(t));
		assert_int_equal(eg_value_text(t)[eg_value_text_size(t)], 0);
		assert_true(eg_value_same(v, again));
		eg_value_free(again);
		eg_value_free(v);
	}
	eg_value *v = parse("[\"\\ud83d\\ude00\\u00e9\\/\"]"); /* a pair of surrogates is one character */
	assert_string_equal(eg_value_text(eg_value_first(v)), "\xf0\x9f\x98\x80\xc3\xa9/");
	eg_value_free(v);
	v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "k\xff\n", 1);
	eg_value_put_int(v, "k\xfe\n", 2); /* the same key, once it is UTF-8 */
	assert_string_equal(json(v), "{\"k\xef\xbf\xbd\\n\": 2}");
	eg_value_free(v);
}

static void test_parse_errors(void **state) {
	EG_UNUSED(state);
	static const char zero[] = "[1,\0 2]";
	const struct {
		const char *text, *place, *says;
		size_t size;
	} cases[] = {
		{"", "line 1, column 0", "'[' or '{' expected", 0},
		{"3", "line 1, column 1", "'[' or '{' expected near '3'", 0},
		{"\"text\"", "line 1, column 6", "'[' or '{' expected", 0},
		{"{\"a\": 1,\n \"a\": 2}", "line 2, column 4", "duplicate object key near '\"a\"'", 0},
		{"[1,\n 2,\n]", "line 3, column 1", "unexpected token near ']'", 0},
		{"{\"a\": 1,}", "line 1, column 9", "string or '}' expected near '}'", 0},
		{"[1 2]", "line 1, column 4", "']' expected near '2'", 0},
		{"[,1]", "line 1, column 2", "unexpected token near ','", 0},
		{"{\"a\" 1}", "line 1, column 6", "':' expected near '1'", 0},
		{"{a: 1}", "line 1, column 2", "string or '}' expected near 'a'", 0},
		{"[1", "line 1, column 2", "']' expected near end of file", 0},
		{"[\"a]", "line 1, column 4", "premature end of input", 0},
		{"[\"a\\\"]", "line 1, column 6", "premature end of input", 0},
		{"[\"\xc3\xa9\xc3\xa9\", tru]", "line 1, column 10", "invalid token near 'tru'", 0},
		{"{} {}", "line 1, column 4", "end of file expected", 0},
		{"[1e999]", "line 1, column 6", "real number overflow", 0},
		{"[9223372036854775808]", "line 1, column 20", "too big integer", 0},
		{"[-9223372036854775809]", "line 1, column 21", "too big negative integer", 0},
		{"[\"\xff\"]", "line 1, column 2", "unable to decode byte 0xff", 0},
		{"[\"\xed\xa0\x80\"]", "line 1, column 2", "unable to decode byte 0xed", 0},
		{"[\"\\ud800\"]", "line 1, column 9", "invalid Unicode", 0},
		{"[\"\\ud800\\u0041\"]", "line 1, column 15", "invalid Unicode", 0},
		{"[\"\\udc00\"]", "line 1, column 9", "invalid Unicode", 0},
		{"[\"\\u12g4\"]", "line 1, column 7", "invalid escape", 0},
		{"[\"\\x\"]", "line 1, column 4", "invalid escape", 0},
		{"[nan]", "line 1, column 4", "invalid token near 'nan'", 0},
		{"[01]", "line 1, column 2", "invalid token", 0},
		{"[-]", "line 1, column 2", "invalid token", 0},
		{"[1.]", "line 1, column 3", "invalid token", 0},
		{"[1.e5]", "line 1, column 3", "invalid token", 0},
		{"[1e+]", "line 1, column 4", "invalid token", 0},
		{"[.5]", "line 1, column 2", "invalid token", 0},
		{"[+5]", "line 1, column 2", "invalid token", 0},
		{"[\"a\nb\"]", "line 1, column 3", "unexpected newline", 0},
		{"{\"a\\u0000\": 1}", "line 1, column 10", "NUL byte in object key", 0},
		{zero, "line 1, column 4", "byte 0x00", sizeof zero - 1},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_error err;
		eg_value *v = (eg_value *)1;
		size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);
		assert_int_equal(eg_value_parse(cases[i].text, size, "a.json", &v, &err), EG_ERR_FORMAT);
		assert_null(v);
		if (strncmp(err.message, "a.json: JSON, ", 14) || !strstr(err.message, cases[i].place) ||
			!strstr(err.message, cases[i].says))
			fail_msg("case %d: \"%s\" does not say \"%s\" and \"%s\"", i, err.message, cases[i].place, cases[i].says);
		assert_int_equal(eg_value_parse(cases[i].text, size, "a.json", &v, NULL), EG_ERR_FORMAT);
	}
}

static void test_parse_limits(void **state) {
	EG_UNUSED(state);
	eg_error err;
	eg_value *v;
	char deep[3 * EG_VALUE_DEPTH];
	memset(deep, '[', sizeof deep);
	deep[0] = '\n';
	assert_int_equal(eg_value_parse(deep, sizeof deep, "deep", &v, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "deep: JSON, line 2, column 202: nested more than 200 deep");
	memcpy(deep, "[\"\\\"", 4); /* in a text they are none */
	memcpy(deep + sizeof deep - 2, "\"]", 2);
	assert_int_equal(eg_value_parse(deep, sizeof deep, "deep", &v, &err), EG_OK);
	eg_value_free(v);
	const size_t large = (size_t)EG_VALUE_BYTES + 1;
	char *text = calloc(1, large);
	assert_non_null(text);
	/* Each value "0," */
	for (size_t i = 0; i < 2 * EG_VALUE_NODES; i++) text[i] = i % 2 ? '0' : i ? ',' : '[';
	text[2 * EG_VALUE_NODES] = ']';
	assert_int_equal(eg_value_parse(text, 2 * EG_VALUE_NODES + 1, "many", &v, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "many: JSON, line 1, column 2097152: more than 1048576 values");
	text[2 * EG_VALUE_NODES - 2] = ']';
	assert_int_equal(eg_value_parse(text, 2 * EG_VALUE_NODES - 1, "many", &v, &err), EG_OK);
	assert_int_equal(eg_value_count(v), EG_VALUE_NODES - 1);
	eg_value_free(v);
	/* The most memory that a value takes: keys and maps in maps. "{"a":{},"b":{}, ..." in lists of two. */
	size_t at = 0;
	text[at++] = '[';
	for (int i = 0; i < EG_VALUE_NODES / 3 - 1; i++) {
		memcpy(text + at, "{\"a\":{},\"b\":[]},", 16);
		at += 16;
	}
	text[at - 1] = ']';
	assert_int_equal(eg_value_parse(text, at, "heavy", &v, &err), EG_OK);
	size_t used = ((const eg_value_root *)(const void *)v)->arena.used;
	assert_in_range(used, EG_VALUE_NODES, (size_t)EG_VALUE_NODES * 140);
	eg_value_free(v);
	/* One map with all the keys. */
	at = 0;
	text[at++] = '{';
	for (int i = 0; i < EG_VALUE_NODES - 2; i++) at += (size_t)sprintf(text + at, "\"%x\":{},", (unsigned)i);
	text[at - 1] = '}';
	assert_int_equal(eg_value_parse(text, at, "heavy", &v, &err), EG_OK);
	used = ((const eg_value_root *)(const void *)v)->arena.used;
	assert_in_range(used, EG_VALUE_NODES, (size_t)EG_VALUE_NODES * 256);
	eg_value_free(v);
	assert_int_equal(eg_value_parse(text, large, "large", &v, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "large: 67108865 bytes of JSON, at most 67108864 are read");
	free(text);
}

/* Where the locale writes a comma, JSON and lines still have a point. */
static void test_locale(void **state) {
	EG_UNUSED(state);
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) skip();
	eg_value *v = eg_value_new(EG_VALUE_LIST);
	eg_value_put_number(v, NULL, 0.1);
	eg_value_put_number(v, NULL, 1234.5e20);
	eg_value_mark(eg_value_put_number(v, NULL, 0.981), EG_SHOW_SHARE, NULL);
	eg_value *again = parse(json(v));
	bool same = eg_value_same(v, again) && !strcmp(json(v), "[0.1, 1.2345e+23, 0.981]") &&
		    !strcmp(print(v), "0.1 1.2345e+23 98.1 %");
	setlocale(LC_NUMERIC, "C");
	assert_true(same);
	eg_value_free(v);
	eg_value_free(again);
}

/* ---- lines for people -------------------------------------------------------------------------------------------- */

static void test_print_answer(void **state) {
	EG_UNUSED(state);
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_mark(eg_value_put_text(v, "class", "boot"), EG_SHOW_NOT, NULL);
	eg_value_mark(eg_value_put_number(v, "probability", .98), EG_SHOW_NOT, NULL);
	eg_value *classes = eg_value_put_list(v, "classes"), *one = eg_value_put_map(classes, NULL);
	eg_value_mark(eg_value_put_text(one, "class", "boot"), EG_SHOW_STRONG, NULL);
	eg_value_mark(eg_value_put_number(one, "probability", 0.981), EG_SHOW_PROBABILITY, NULL);
	one = eg_value_put_map(classes, NULL);
	eg_value_put_text(one, "class", "sandal");
	eg_value_mark(eg_value_put_number(one, "probability", 0.012), EG_SHOW_PROBABILITY, NULL);
	eg_value *inverted = eg_value_put_bool(v, "inverted", true);
	assert_string_equal(print(v), "<b>boot</b> 98.1 %  sandal 1.2 %  (inverted)");
	eg_error err;
	char *text;
	assert_int_equal(eg_value_print(v, NULL, NULL, &text, &err), EG_OK);
	assert_string_equal(text, "boot 98.1 %  sandal 1.2 %  (inverted)");
	free(text);
	/* All of a map in bold, and only once. */
	eg_value_mark(one, EG_SHOW_STRONG, NULL);
	eg_value_mark(eg_value_put_text(one, "class", "sandal"), EG_SHOW_STRONG, NULL);
	eg_value_mark(inverted, EG_SHOW_STRONG, NULL);
	assert_string_equal(print(v), "<b>boot</b> 98.1 %  <b>sandal 1.2 %</b>  <b>(inverted)</b>");
	eg_value_put_bool(v, "inverted", false);
	assert_string_equal(print(v), "<b>boot</b> 98.1 %  <b>sandal 1.2 %</b>");
	eg_value *copy = eg_value_new(EG_VALUE_LIST); /* marks go along */
	const eg_value *same = eg_value_put_copy(copy, NULL, v);
	assert_string_equal(print(same), "<b>boot</b> 98.1 %  <b>sandal 1.2 %</b>");
	eg_value_free(copy);
	eg_value_free(v);
}

static void test_print_numbers(void **state) {
	EG_UNUSED(state);
	const struct {
		double v;
		int show;
		const char *unit, *want;
	} cases[] = {
		{3.5, 0, "s", "3.5 s"},
		{1.0 / 3, 0, NULL, "0.333333"},
		{1234567, 0, "m", "1234567 m"},
		{1e20, 0, NULL, "1e+20"},
		{2, 0, "\xc2\xb0" "C\n", "2 \xc2\xb0" "C?"},
		{NAN, 0, "s", "-"},
		{INFINITY, EG_SHOW_SHARE, NULL, "-"},
		{0.98123, EG_SHOW_SHARE, NULL, "98.12 %"},
		{0.5, EG_SHOW_SHARE, NULL, "50 %"},
		{1, EG_SHOW_SHARE, NULL, "100 %"},
		{0, EG_SHOW_SHARE, NULL, "0 %"},
		{-1e-9, EG_SHOW_SHARE, NULL, "0 %"},
		{0.1, EG_SHOW_SHARE | EG_SHOW_STRONG, "of all", "<b>10 % of all</b>"},
		{1, EG_SHOW_PROBABILITY, NULL, "> 99.99 %"},
		{0.99996, EG_SHOW_PROBABILITY, NULL, "> 99.99 %"},
		{0.99994, EG_SHOW_PROBABILITY, NULL, "99.99 %"},
		{0.00004, EG_SHOW_PROBABILITY, NULL, "< 0.01 %"},
		{0.00006, EG_SHOW_PROBABILITY, NULL, "0.01 %"},
		{0.7, EG_SHOW_PROBABILITY, NULL, "70 %"},
	};
	eg_value *v = eg_value_new(EG_VALUE_LIST);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_value_clear(v);
		eg_value *n = eg_value_mark(eg_value_put_number(v, NULL, cases[i].v), cases[i].show, cases[i].unit);
		assert_string_equal(print(v), cases[i].want);
		assert_int_equal(eg_value_marks(n), cases[i].show);
		if (cases[i].unit && strcmp(cases[i].unit, "s") == 0) assert_string_equal(eg_value_unit(n), "s");
	}
	eg_value_clear(v);
	eg_value_mark(eg_value_put_int(v, NULL, -61706), 0, "B");
	eg_value_mark(eg_value_put_int(v, NULL, 1), EG_SHOW_SHARE, NULL);
	assert_string_equal(print(v), "-61706 B 100 %");
	eg_value_free(v);
}

static void test_print_shapes(void **state) {
	EG_UNUSED(state);
	const struct {
		const char *json, *want;
	} cases[] = {
		{"{}", ""},
		{"[]", ""},
		{"[1, 2.5, \"c\", null, true, false]", "1 2.5 c - true false"},
		{"{\"text\": \"a\", \"x\": 1, \"n\": null, \"l\": [1, 2], \"no\": false, \"yes\": true}", "a  1  -  1 2  (yes)"},
		{"[[1, 2], [3, 4]]", "1 2  3 4"},
		{"[1, [2, 3], {\"a\": 4, \"b\": 5}]", "1  2 3  4 5"},
		{"{\"size\": {\"w\": 3, \"h\": 4, \"new\": true}, \"n\": 1}", "w: 3  h: 4  (new)  1"},
		{"{\"a\": {\"b\": {\"c\": [1, 2]}}}", "b: c: 1 2"},
		{"[{\"class\": \"a\", \"box\": {\"x\": 1, \"y\": 2}}, {\"class\": \"b\"}]", "a x: 1 y: 2  b"},
		/* no gaps around nothing */
		{"{\"a\": [], \"b\": 1, \"c\": {}, \"d\": \"\", \"e\": {\"f\": []}, \"g\": 2}", "1  2"},
		{"[\"a\\n\\u001b[1m\\u0085\\u00e9\\u007f\\u0000b\"]", "a??[1m?\xc3\xa9??b"},
		{"{\"k\\n\": true, \"m\": {\"\\t\": 1}}", "(k?)  ?: 1"},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_value *v = parse(cases[i].json);
		assert_string_equal(print(v), cases[i].want);
		eg_value_free(v);
	}
	assert_string_equal(print(NULL), "-");
	eg_value *v = parse("{\"a\": true, \"b\": [1, 2, 3], \"c\": \"text\"}"); /* parts alone */
	assert_string_equal(print(eg_value_get(v, "a")), "true");
	assert_string_equal(print(eg_value_get(v, "b")), "1 2 3");
	eg_value_put_copy(v, "hidden", v);
	eg_value_mark((eg_value *)(uintptr_t)eg_value_at(eg_value_get(v, "b"), 1), EG_SHOW_NOT, NULL);
	eg_value_mark((eg_value *)(uintptr_t)eg_value_get(v, "hidden"), EG_SHOW_NOT, NULL);
	eg_value_mark(v, EG_SHOW_STRONG, NULL);
	assert_string_equal(print(v), "<b>(a)  1 3  text</b>");
	eg_value_free(v);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_misplaced),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_json_numbers),
		cmocka_unit_test(test_json_random),
		cmocka_unit_test(test_json_texts),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_parse_limits),
		cmocka_unit_test(test_locale),
		cmocka_unit_test(test_print_answer),
		cmocka_unit_test(test_print_numbers),
		cmocka_unit_test(test_print_shapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

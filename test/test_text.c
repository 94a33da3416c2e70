/* test_text.c - tests of text: UTF-8, loading, vocabularies, and what the training loop is given. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "data/text_form.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

typedef struct fixture {
	char folder[64], path[100]; /* a new folder, and a file in it */
	eg_error err;
} fixture;

static int setup(void **state) {
	fixture *f = calloc(1, sizeof *f);
	if (!f) return -1;
	snprintf(f->folder, sizeof f->folder, "/tmp/engram-test-text-XXXXXX");
	if (!mkdtemp(f->folder)) return -1;
	snprintf(f->path, sizeof f->path, "%s/a.txt", f->folder);
	setenv("XDG_CACHE_HOME", f->folder, 1);
	unsetenv("ENGRAM_DATA");
	unsetenv("ENGRAM_MIRROR");
	*state = f;
	return 0;
}

static int teardown(void **state) {
	fixture *f = *state;
	char command[200];
	snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
	int r = system(command);
	free(f);
	return r;
}

#define assert_says(err, text) \
	do { \
		if (!strstr((err).message, text)) fail_msg("\"%s\" does not say \"%s\"", (err).message, text); \
	} while (0)
#define OK(err, call) \
	do { \
		if (call) fail_msg("%s", (err).message); \
	} while (0)

static void write_file(const char *path, const void *data, size_t size) {
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------- */

static void utf8_lengths(void **state) {
	EG_UNUSED(state);
	static const struct {
		const char *s;
		int length;
	} cases[] = {{"a", 1}, {"\x7f", 1}, {"\xc2\x80", 2}, {"\xdf\xbf", 2}, {"\xe0\xa0\x80", 3}, {"\xed\x9f\xbf", 3},
	        {"\xee\x80\x80", 3}, {"\xef\xbf\xbf", 3}, {"\xf0\x90\x80\x80", 4}, {"\xf4\x8f\xbf\xbf", 4},
	        /* follow-on bytes alone, overlong forms, surrogates, above U+10FFFF */
	        {"\x80", 0}, {"\xbf", 0}, {"\xc0\x80", 0}, {"\xc1\xbf", 0}, {"\xe0\x80\x80", 0}, {"\xe0\x9f\xbf", 0},
	        {"\xed\xa0\x80", 0}, {"\xed\xbf\xbf", 0}, {"\xf0\x80\x80\x80", 0}, {"\xf0\x8f\xbf\xbf", 0},
	        {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0}, {"\xfe", 0}, {"\xff", 0},
	        /* cut, and broken off by something else */
	        {"\xc3", 0}, {"\xe4\xb8", 0}, {"\xf0\x9f\x98", 0}, {"\xc3(", 0}, {"\xe4\xb8(", 0}, {"\xe4(\xad", 0},
	        {"\xf0\x9f\x98(", 0}};
	for (int i = 0; i < EG_COUNT(cases); i++)
		if (eg_utf8_length(cases[i].s, strlen(cases[i].s)) != cases[i].length) fail_msg("case %d", i);
	assert_int_equal(eg_utf8_length("", 0), 0);
	assert_int_equal(eg_utf8_length("", 1), 1); /* a zero byte is a character */
	assert_int_equal(eg_utf8_length("\xe4\xb8\xad", 2), 0);
	assert_int_equal(eg_utf8_check("a\xc3\xa4\xe4\xb8\xad\xed\xa0\x80", 9), 6);
	assert_int_equal(eg_utf8_check("ab\0c", 4), 2);
	int n;
	assert_true(eg_utf8_decode("\xf0\x9f\x98\x80", &n) == 0x1F600 && n == 4);
	assert_true(eg_utf8_decode("\xc3\xa4", &n) == 0xE4 && n == 2);
	assert_true(eg_utf8_decode("\xe4\xb8\xad", NULL) == 0x4E2D && eg_utf8_decode("z", NULL) == 'z');
}

static void utf8_shown(void **state) {
	EG_UNUSED(state);
	static const struct {
		const char *s;
		int length;
		bool shown;
	} cases[] = {{"a", 1, true}, {" ", 1, true}, {"~", 1, true}, {"\x1b", 1, false}, {"\n", 1, false}, {"\t", 1, false},
	        {"\x7f", 1, false}, {"\xc2\x80", 2, false}, {"\xc2\x9f", 2, false}, {"\xc2\xa0", 2, true},
	        {"\xe2\x80\xa7", 3, true}, {"\xe2\x80\xa8", 3, false}, {"\xe2\x80\xae", 3, false}, {"\xe2\x80\xaf", 3, true},
	        {"\xe2\x81\xa5", 3, true}, {"\xe2\x81\xa6", 3, false}, {"\xe2\x81\xaf", 3, false}, {"\xe2\x81\xb0", 3, true},
	        {"\xe4\xb8\xad", 3, true}, {"\xd7\x90", 2, true}, {"\xf0\x9f\x98\x80", 4, true},
	        {"\x9b", 1, false}, {"\xff", 1, false}, {"\xe2\x80", 1, false}, {"\xed\xa0\x80", 1, false}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		bool shown;
		int n = eg_utf8_shown(cases[i].s, strlen(cases[i].s), &shown);
		if (n != cases[i].length || shown != cases[i].shown) fail_msg("case %d: %d %d", i, n, shown);
	}
}

static void letters(void **state) {
	EG_UNUSED(state);
	static const uint32_t yes[] = {'a', 'Z', '0', '9', 0xAA, 0xB5, 0xC0, 0xE9, 0x3B1, 0x416, 0x5D0, 0x627, 0x663,
	        0x905, 0x94D, 0x4E2D, 0xAC00, 0x301, 0x1E9E, 0x10400, 0x20000},
	                      no[] = {' ', '\'', '-', '_', '@', '[', '`', '{', 0x80, 0xA0, 0xAB, 0xD7, 0xF7, 0x2014,
	                              0x201C, 0x20AC, 0x3000, 0x3002, 0xFF0C, 0x1F600, 0x2190},
	                      spaces[] = {' ', '\t', '\r', '\n', 0xA0, 0x2003, 0x3000, 0xFEFF};
	for (int i = 0; i < EG_COUNT(yes); i++)
		if (!eg_is_letter(yes[i])) fail_msg("U+%04X", (unsigned)yes[i]);
	for (int i = 0; i < EG_COUNT(no); i++)
		if (eg_is_letter(no[i])) fail_msg("U+%04X", (unsigned)no[i]);
	for (int i = 0; i < EG_COUNT(spaces); i++) assert_true(eg_is_space(spaces[i]) && !eg_is_letter(spaces[i]));
	assert_false(eg_is_space('a') || eg_is_space(0x200B) || eg_is_space(0x4E2D));
	assert_true(eg_is_ideograph(0x4E2D) && eg_is_ideograph(0x3042) && eg_is_ideograph(0x20000));
	assert_false(eg_is_ideograph(0xAC00) || eg_is_ideograph('a') || eg_is_ideograph(0xFF0C));
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static eg_status load(fixture *f, const char *data, size_t size, eg_text_options o, eg_text **t) {
	write_file(f->path, data, size);
	o.path = f->path;
	return eg_text_load("text", &o, t, &f->err);
}

static void comes(fixture *f, const char *data, size_t size, eg_text_options o, const char *text) {
	eg_text *t;
	OK(f->err, load(f, data, size, o, &t));
	assert_string_equal(t->bytes, text);
	assert_int_equal(t->size, strlen(text));
	assert_string_equal(t->name, f->path);
	eg_text_free(t);
}

static void refused(fixture *f, const char *data, size_t size, eg_text_options o, const char *words) {
	eg_text *t = (eg_text *)f;
	f->err.status = EG_OK;
	assert_int_not_equal(load(f, data, size, o, &t), EG_OK);
	assert_int_not_equal(f->err.status, EG_OK);
	assert_null(t);
	assert_says(f->err, words);
	assert_says(f->err, f->path);
}

#define TEXT(s) s, sizeof s - 1

static void texts_are_loaded(void **state) {
	fixture *f = *state;
	const eg_text_options plain = {0}, any = {.any_bytes = true};
	comes(f, TEXT("one\ntwo"), plain, "one\ntwo");
	comes(f, TEXT("\xef\xbb\xbfone\r\ntwo\r\n\r\nthree\rfour\r"), plain, "one\ntwo\n\nthree\rfour\r");
	comes(f, TEXT("\xef\xbb\xbfone\r\n"), any, "\xef\xbb\xbfone\r\n");
	comes(f, TEXT("\xe9\xff"), any, "\xe9\xff");
	comes(f, TEXT("\xe4\xb8\xad\xe6\x96\x87"), plain, "\xe4\xb8\xad\xe6\x96\x87");
	/* A limit never cuts a character, and is told in bytes behind the mark. */
	static const char *const cut[] = {NULL, NULL, NULL, "\xe4\xb8\xad", "\xe4\xb8\xad", "\xe4\xb8\xad",
	        "\xe4\xb8\xad\xe6\x96\x87", "\xe4\xb8\xad\xe6\x96\x87\n", "\xe4\xb8\xad\xe6\x96\x87\n",
	        "\xe4\xb8\xad\xe6\x96\x87\na", "\xe4\xb8\xad\xe6\x96\x87\nab"};
	for (int i = 3; i < EG_COUNT(cut); i++) {
		if (i == 7 || i == 8) continue;
		comes(f, TEXT("\xef\xbb\xbf\xe4\xb8\xad\xe6\x96\x87\r\nab"), (eg_text_options){.limit = i}, cut[i]);
	}
	comes(f, TEXT("\xe4\xb8\xad\xe6\x96\x87\r\nab"), (eg_text_options){.limit = 7}, "\xe4\xb8\xad\xe6\x96\x87");
	comes(f, TEXT("\xe4\xb8\xad\xe6\x96\x87\r\nab"), (eg_text_options){.limit = 8}, "\xe4\xb8\xad\xe6\x96\x87\n");
	comes(f, TEXT("\xe4\xb8\xad\xe6\x96\x87"), (eg_text_options){.limit = 4, .any_bytes = true},
	        "\xe4\xb8\xad\xe6");
	comes(f, TEXT("ok\xff"), (eg_text_options){.limit = 2}, "ok");
	comes(f, TEXT("short"), (eg_text_options){.limit = 1000}, "short");
	/* Gzipped. */
	gzFile z = gzopen(f->path, "wb");
	assert_int_equal(gzwrite(z, "packed\r\ntext", 12), 12);
	gzclose(z);
	eg_text *t;
	OK(f->err, eg_text_load("text", &(eg_text_options){.path = f->path}, &t, &f->err));
	assert_string_equal(t->bytes, "packed\ntext");
	eg_text_free(t);
	eg_text_free(NULL);
}

/* Larger than the room first made for it, which also means more than one piece. */
static void large_text(void **state) {
	fixture *f = *state;
	enum { LINES = 2100000 };
	char *data = malloc((size_t)LINES * 10 + 1);
	assert_non_null(data);
	for (int i = 0; i < LINES; i++) memcpy(data + (size_t)i * 10, "12345678\r\n", 10);
	gzFile z = gzopen(f->path, "wb1");
	assert_int_equal(gzwrite(z, data, LINES * 10), LINES * 10);
	gzclose(z);
	eg_text *t;
	OK(f->err, eg_text_load("text", &(eg_text_options){.path = f->path}, &t, &f->err));
	assert_int_equal(t->size, (size_t)LINES * 9);
	for (int i = 0; i < LINES; i++) assert_memory_equal(t->bytes + (size_t)i * 9, "12345678\n", 9);
	assert_int_equal(t->bytes[t->size], 0);
	eg_text_free(t);
	free(data);
}

static void texts_are_refused(void **state) {
	fixture *f = *state;
	const eg_text_options plain = {0};
	refused(f, "", 0, plain, "is empty");
	refused(f, "", 0, (eg_text_options){.any_bytes = true}, "is empty");
	refused(f, TEXT("\xef\xbb\xbf"), plain, "is empty");
	refused(f, TEXT("one\ntw\xe9 three"), plain, "line 2, column 3: byte 0xE9 (byte 6 of the file) is not UTF-8");
	assert_says(f->err, "iconv -f LATIN1 -t UTF-8");
	assert_says(f->err, "unit: byte");
	refused(f, TEXT("\xef\xbb\xbf\xe4\xb8\xad\xe6\x96\x87\xff"), plain,
	        "line 1, column 3: byte 0xFF (byte 9 of the file)");
	refused(f, TEXT("a\r\nb\r\n\xed\xa0\x80"), plain, "line 3, column 1: byte 0xED (byte 6");
	refused(f, TEXT("caf\xc3"), plain, "line 1, column 4: byte 0xC3"); /* cut at the end */
	refused(f, TEXT("\xc0\xaf"), plain, "line 1, column 1: byte 0xC0");
	refused(f, TEXT("a\nb\0c"), plain, "line 2, column 2: a zero byte (byte 3 of the file)");
	refused(f,
	        TEXT("\xff\xfe"
	             "a\0b\0"),
	        plain, "is UTF-16");
	refused(f, TEXT("\xe4\xb8\xad"), (eg_text_options){.limit = 2}, "nothing is left");
	eg_text *t;
	assert_int_equal(load(f, TEXT("a"), (eg_text_options){.limit = -1}, &t), EG_ERR_ARG);
	assert_says(f->err, "a limit of -1 bytes");
	unlink(f->path);
	assert_int_equal(eg_text_load("text", &(eg_text_options){.path = f->path}, &t, &f->err), EG_ERR_IO);
	assert_says(f->err, "No such file");
	assert_int_equal(eg_text_load("text", &(eg_text_options){.path = f->folder}, &t, &f->err), EG_ERR_IO);
	assert_int_equal(eg_text_load("text", NULL, &t, &f->err), EG_ERR_ARG);
	assert_says(f->err, "data.path");
	assert_int_equal(eg_text_load("mnist", NULL, &t, &f->err), EG_ERR_ARG);
	assert_says(f->err, "data source 'mnist' is no text; there is: tinyshakespeare, tang-poems, text");
	assert_int_equal(eg_text_load("tsv", NULL, &t, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_text_load("tinyshakspeare", NULL, &t, &f->err), EG_ERR_ARG);
	assert_says(f->err, "did you mean 'tinyshakespeare'");
	assert_int_equal(eg_text_load("tinyshakespeare", NULL, &t, NULL), EG_ERR_IO);
	assert_null(t);
	eg_pictures *p;
	assert_int_equal(eg_data_load("tang-poems", "train", NULL, &p, &f->err), EG_ERR_ARG);
	assert_says(f->err, "data source 'tang-poems' is no set of pictures in memory; there is: fashion-mnist, mnist, "
	                    "cifar10, folder, idx");
}

/* Found in a folder called text: of ENGRAM_DATA, of the cache, or the one that is named. */
static void known_texts_are_found(void **state) {
	fixture *f = *state;
	char folder[120], path[200];
	eg_text *t;
	eg_data_place place;
	assert_int_equal(eg_text_load("tinyshakespeare", NULL, &t, &f->err), EG_ERR_IO);
	assert_says(f->err, "type `engram data get tinyshakespeare`");
	assert_int_equal(eg_text_load("tang-poems", NULL, &t, &f->err), EG_ERR_IO);
	assert_says(f->err, "cannot be downloaded");
	assert_says(f->err, "text/tang-poems.txt");
	assert_int_equal(eg_data_get("tang-poems", NULL, NULL, NULL, &f->err), EG_ERR_IO);
	assert_says(f->err, "https://github.com/chinese-poetry/chinese-poetry");
	snprintf(folder, sizeof folder, "%s/engram/text", f->folder);
	OK(f->err, eg_make_folders(folder, &f->err));
	snprintf(path, sizeof path, "%s/tang-poems.txt", folder);
	write_file(path, "poem", 4);
	OK(f->err, eg_text_load("tang-poems", NULL, &t, &f->err));
	assert_string_equal(t->bytes, "poem");
	assert_string_equal(t->name, path);
	eg_text_free(t);
	OK(f->err, eg_data_locate("tang-poems", &place, &f->err));
	assert_true(place.origin == EG_DATA_CACHE && !strcmp(place.folder, folder));
	assert_int_equal(eg_data_get("tang-poems", NULL, NULL, NULL, &f->err), EG_ERR_FORMAT);
	assert_says(f->err, "is not the file of this set: 4 bytes unpacked (not 3294927)");

	snprintf(folder, sizeof folder, "%s/sets/text", f->folder);
	OK(f->err, eg_make_folders(folder, &f->err));
	snprintf(path, sizeof path, "%s/tang-poems.txt", folder);
	write_file(path, "other", 5);
	OK(f->err, eg_text_load("tang-poems", &(eg_text_options){.folder = folder}, &t, &f->err));
	assert_string_equal(t->bytes, "other");
	eg_text_free(t);
	snprintf(path, sizeof path, "/nowhere:%s/sets", f->folder);
	setenv("ENGRAM_DATA", path, 1);
	OK(f->err, eg_text_load("tang-poems", NULL, &t, &f->err));
	assert_string_equal(t->bytes, "other");
	eg_text_free(t);
	assert_int_equal(eg_text_load("tang-poems", &(eg_text_options){.folder = "/nowhere"}, &t, &f->err), EG_ERR_IO);
	assert_says(f->err, "there is no tang-poems.txt in folder '/nowhere'");
	assert_int_equal(eg_text_load("tang-poems", &(eg_text_options){.path = "x"}, &t, &f->err), EG_ERR_ARG);
}

/* ---- vocabularies ------------------------------------------------------------------------------------------------ */

static eg_vocab *build(fixture *f, const char *text, eg_vocab_options o) {
	eg_vocab *v;
	OK(f->err, eg_vocab_build(text, strlen(text), &o, &v, &f->err));
	return v;
}

/* The tokens in order, with '|' between them. */
static void has_tokens(const eg_vocab *v, const char *expected) {
	char all[1000] = "";
	for (int i = 0; i < eg_vocab_count(v); i++) {
		size_t size, n = strlen(all);
		const char *token = eg_vocab_token(v, i, &size);
		assert_int_equal(size, strlen(token));
		snprintf(all + n, sizeof all - n, "%s%s", i ? "|" : "", token);
	}
	assert_string_equal(all, expected);
	assert_null(eg_vocab_token(v, -1, NULL));
	assert_null(eg_vocab_token(v, eg_vocab_count(v), NULL));
}

static void encodes(fixture *f, const eg_vocab *v, const char *text, const int32_t *expected, size_t count) {
	int32_t *ids;
	size_t n;
	OK(f->err, eg_vocab_encode(v, text, strlen(text), NULL, &ids, &n, &f->err));
	assert_int_equal(n, count);
	for (size_t i = 0; i < n; i++) assert_int_equal(ids[i], expected[i]);
	free(ids);
}
#define IDS(...) (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static char *spell(const eg_vocab *v, const int32_t *ids, size_t n) {
	size_t length = 0, room = n * (EG_UNIT_MOST + 2) + 1;
	char *text = malloc(room);
	for (size_t i = 0; i < n; i++)
		length += eg_vocab_spell(v, i ? ids[i - 1] : -1, ids[i], text + length, room - length);
	text[length] = '\0';
	return text;
}

/* Encoding and spelling gives `spelled`, and that encodes to the same numbers. */
static void comes_back(fixture *f, const eg_vocab *v, const char *text, const char *spelled) {
	int32_t *ids;
	size_t n;
	OK(f->err, eg_vocab_encode(v, text, strlen(text), "it", &ids, &n, &f->err));
	char *again = spell(v, ids, n);
	assert_string_equal(again, spelled);
	encodes(f, v, again, ids, n);
	free(again);
	free(ids);
}

static void characters(void **state) {
	fixture *f = *state;
	eg_vocab *v = build(f, "b\xe4\xb8\xad\xc3\xa4 ab\n", (eg_vocab_options){0});
	has_tokens(v, "\n| |a|b|\xc3\xa4|\xe4\xb8\xad");
	assert_true(eg_vocab_unit(v) == EG_UNIT_CHAR && eg_vocab_end(v) == -1 && eg_vocab_unknown(v) == -1);
	encodes(f, v,
	        "\xe4\xb8\xad"
	        "ab \n\xc3\xa4",
	        IDS(5, 2, 3, 1, 0, 4));
	comes_back(f, v, "a\xe4\xb8\xad b\n\n", "a\xe4\xb8\xad b\n\n");
	int32_t *ids;
	size_t n;
	OK(f->err, eg_vocab_encode(v, "", 0, NULL, &ids, &n, &f->err));
	assert_true(n == 0 && ids);
	free(ids);
	assert_int_equal(
	        eg_vocab_encode(v, "ab\na\xe4\xb8\xad\xe6\x96\x87", 10, "the prompt", &ids, &n, &f->err), EG_ERR_ARG);
	assert_null(ids);
	assert_string_equal(f->err.message, "the prompt, line 2, column 3: the character '\xe6\x96\x87' (U+6587) is "
	                                    "not among the 6 characters that are known: leave "
	                                    "it out or write it in another way, or train with text in which it occurs");
	assert_int_equal(eg_vocab_encode(v, "a\tb", 3, NULL, &ids, &n, &f->err), EG_ERR_ARG);
	assert_says(f->err, "the text, line 1, column 2: the character U+0009 is not");
	assert_int_equal(eg_vocab_encode(v, "a\nb\xc3", 4, "the prompt", &ids, &n, &f->err), EG_ERR_FORMAT);
	assert_says(f->err, "the prompt, line 2, column 2: byte 0xC3 is not UTF-8");
	assert_int_equal(eg_vocab_encode(v, "a\0b", 3, "the prompt", &ids, &n, &f->err), EG_ERR_FORMAT);
	eg_vocab_free(v);
	assert_int_equal(eg_vocab_build("ab\xff", 3, NULL, &v, &f->err), EG_ERR_FORMAT);
	assert_null(v);
	assert_says(f->err, "line 1, column 3");
	assert_int_equal(eg_vocab_build("", 0, NULL, &v, &f->err), EG_ERR_ARG);
	eg_vocab_free(NULL);
}

static void rare_ones_are_unknown(void **state) {
	fixture *f = *state;
	static const char text[] = "eeeeddddcccbba";
	eg_vocab *v = build(f, text, (eg_vocab_options){.min_count = 3});
	has_tokens(v, "<unknown>|c|d|e");
	assert_int_equal(eg_vocab_unknown(v), 0);
	encodes(f, v, "abcde\xe4\xb8\xad<", IDS(0, 0, 1, 2, 3, 0, 0));
	comes_back(f, v, "cad",
	        "c\xef\xbf\xbd"
	        "d");
	eg_vocab_free(v);
	v = build(f, text, (eg_vocab_options){.min_count = 1, .end = true}); /* nothing left out */
	has_tokens(v, "<end>|a|b|c|d|e");
	assert_true(eg_vocab_end(v) == 0 && eg_vocab_unknown(v) == -1);
	eg_vocab_free(v);
	v = build(
	        f, text, (eg_vocab_options){.max_size = 4, .end = true}); /* the marks count; d before e: as frequent */
	has_tokens(v, "<end>|<unknown>|d|e");
	assert_true(eg_vocab_end(v) == 0 && eg_vocab_unknown(v) == 1);
	encodes(f, v, "edc", IDS(3, 2, 1));
	eg_vocab_free(v);
	v = build(f, text, (eg_vocab_options){.max_size = 3});
	has_tokens(v, "<unknown>|d|e");
	eg_vocab_free(v);
	v = build(f, text, (eg_vocab_options){.max_size = 5}); /* just enough: none unknown */
	has_tokens(v, "a|b|c|d|e");
	eg_vocab_free(v);
	v = build(f, text, (eg_vocab_options){.max_size = 2, .min_count = 2});
	has_tokens(v, "<unknown>|d");
	eg_vocab_free(v);
	assert_int_equal(eg_vocab_build(text, 14, &(eg_vocab_options){.max_size = 1}, &v, &f->err), EG_ERR_ARG);
	assert_says(f->err, "max_size is 1, which leaves no room");
	assert_int_equal(eg_vocab_build(text, 14, &(eg_vocab_options){.min_count = 5}, &v, &f->err), EG_ERR_ARG);
	assert_says(f->err, "min_count is 5, but nothing in the text occurs so often (at most 4 times)");
	assert_int_equal(eg_vocab_build(text, 14, &(eg_vocab_options){.min_count = -1}, &v, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_vocab_build(text, 14, &(eg_vocab_options){.unit = (eg_unit)7}, &v, &f->err), EG_ERR_ARG);
}

static void bytes(void **state) {
	fixture *f = *state;
	for (int end = 0; end < 2; end++) {
		eg_vocab *v;
		int32_t *ids;
		size_t n;
		char all[256];
		for (int i = 0; i < 256; i++) all[i] = (char)(unsigned char)i;
		OK(f->err, eg_vocab_build("", 0, &(eg_vocab_options){.unit = EG_UNIT_BYTE, .end = end}, &v, &f->err));
		assert_true(eg_vocab_count(v) == 256 + end && eg_vocab_end(v) == end - 1 && eg_vocab_unknown(v) == -1);
		OK(f->err, eg_vocab_encode(v, all, 256, NULL, &ids, &n, &f->err));
		assert_int_equal(n, 256);
		for (int i = 0; i < 256; i++) assert_int_equal(ids[i], i + end);
		char *text = spell(v, ids, n);
		assert_memory_equal(text, all, 256);
		free(text);
		free(ids);
		eg_vocab_free(v);
	}
}

/* Words that are nothing but what stands between spaces. */
static void words_between_spaces(void **state) {
	fixture *f = *state;
	const eg_vocab_options options = {.unit = EG_UNIT_WORD, .words = EG_WORDS_SPACES, .end = true};
	eg_vocab *v = build(f, "a t-shirt, a shirt and\ta\xc2\xa0t-shirt,\n(a) \xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82 ", options);
	has_tokens(v, "<end>|<unknown>|a|t-shirt,|\n|(a)|and|shirt|\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82");
	encodes(f, v, " a  t-shirt,\n\nshirt, shirt", IDS(2, 3, 4, 4, 1, 7));
	comes_back(f, v, "(a)   t-shirt, \n a shirt, \xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82", "(a) t-shirt,\na \xef\xbf\xbd \xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82");
	eg_vocab_free(v);
	char longer[1001];
	memset(longer, 'x', 1000);
	longer[1000] = '\0';
	v = build(f, longer, options);
	encodes(f, v, longer, IDS(2, 2, 2, 3));
	eg_vocab_free(v);
	assert_int_equal(eg_vocab_build("a b\xff", 4, &options, &v, &f->err), EG_ERR_FORMAT);
	assert_says(f->err, "column 4: byte 0xFF is not UTF-8");
	assert_int_equal(eg_vocab_build("a", 1, &(eg_vocab_options){.unit = EG_UNIT_WORD, .words = EG_WORDS_SPACES + 1}, &v, &f->err), EG_ERR_ARG);
}

static void words(void **state) {
	fixture *f = *state;
	eg_vocab *v = build(f,
	        "the cat's hat, the\tmat;\n  The 3rd na\xc3\xafve cat's\xc2\xa0the, "
	        "\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82",
	        (eg_vocab_options){.unit = EG_UNIT_WORD, .end = true});
	has_tokens(v,
	        "<end>|<unknown>|the|,|cat's|\n|3rd|;|The|hat|mat|na\xc3\xafve|\xe3\x80\x82|\xe4\xb8\xad|\xe6\x96\x87");
	assert_true(eg_vocab_end(v) == 0 && eg_vocab_unknown(v) == 1);
	encodes(f, v, " the  hat ,\nTHE", IDS(2, 9, 3, 5, 1));
	encodes(f, v, " \t ", NULL, 0);
	comes_back(f, v, "the hat , the\n \nmat ;", "the hat, the\n\nmat;");
	comes_back(f, v, "the dog \xe4\xb8\xad \xe6\x96\x87\xe3\x80\x82 The",
	        "the \xef\xbf\xbd\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82The");
	char buf[EG_UNIT_MOST + 2];
	assert_int_equal(eg_vocab_spell(v, 2, 0, buf, sizeof buf),
	        0); /* the end mark is nothing, and nothing stands before it */
	assert_int_equal(eg_vocab_spell(v, 0, 2, buf, sizeof buf), 3);
	assert_int_equal(eg_vocab_spell(v, 2, 2, buf, sizeof buf), 4);
	assert_string_equal(buf, " the");
	assert_int_equal(eg_vocab_spell(v, 2, 99, buf, sizeof buf), 0);
	assert_int_equal(eg_vocab_spell(v, 2, 2, buf, 4), 3);
	assert_string_equal(buf, " th");
	assert_int_equal(eg_vocab_spell(v, -1, 11, buf, 4), 2); /* not a character in two */
	assert_string_equal(buf, "na");
	assert_int_equal(eg_vocab_spell(v, 2, 2, buf, 1), 0);
	assert_string_equal(buf, "");
	assert_int_equal(eg_vocab_spell(v, 2, 2, buf, 0), 0);
	eg_vocab_free(v);

	static const char text[] =
	        "He (who?) said: \xe2\x80\x9cwell-known -- it\xe2\x80\x99s $5!\xe2\x80\x9d x/y [z] 'tis";
	v = build(f, text, (eg_vocab_options){.unit = EG_UNIT_WORD});
	comes_back(f, v, text, "He (who?) said: \xe2\x80\x9cwell-known--it\xe2\x80\x99s $5!\xe2\x80\x9d x/y [z]' tis");
	eg_vocab_free(v);

	/* A word without end is cut, and comes back. */
	char longer[1001];
	memset(longer, 'x', 1000);
	longer[1000] = '\0';
	v = build(f, longer, (eg_vocab_options){.unit = EG_UNIT_WORD});
	assert_int_equal(eg_vocab_count(v), 3);
	encodes(f, v, longer, IDS(1, 1, 1, 2));
	int32_t *ids;
	size_t n;
	OK(f->err, eg_vocab_encode(v, longer, 1000, NULL, &ids, &n, &f->err));
	char *again = spell(v, ids, n);
	encodes(f, v, again, ids, n);
	free(again);
	free(ids);
	eg_vocab_free(v);
	assert_int_equal(
	        eg_vocab_build("a \xff", 3, &(eg_vocab_options){.unit = EG_UNIT_WORD}, &v, &f->err), EG_ERR_FORMAT);
	assert_int_equal(eg_vocab_build(" \t ", 3, &(eg_vocab_options){.unit = EG_UNIT_WORD}, &v, &f->err), EG_ERR_ARG);
}

static void tokens_are_checked(void **state) {
	fixture *f = *state;
	static const struct {
		eg_unit unit;
		const char *tokens[4];
		int n, end, unknown;
		const char *words;
	} cases[] = {
	        {EG_UNIT_CHAR, {"a", "b", "a"}, 3, -1, -1, "units 0 and 2 are the same, 'a'"},
	        {EG_UNIT_CHAR, {"a", "bc"}, 2, -1, -1, "unit 1, 'bc', is more than one character"},
	        {EG_UNIT_CHAR, {"a", ""}, 2, -1, -1, "unit 1 has 0 bytes"},
	        {EG_UNIT_CHAR, {"a", "\xc3"}, 2, -1, -1, "unit 1 is not UTF-8"},
	        {EG_UNIT_WORD, {"<unknown>", "a b"}, 2, -1, 0, "unit 1, 'a b', is more than one word"},
	        {EG_UNIT_WORD, {"<unknown>", "a,"}, 2, -1, 0, "unit 1, 'a,', is more than one word"},
	        {EG_UNIT_WORD, {"<unknown>", " a"}, 2, -1, 0, "unit 1 begins with a space"},
	        {EG_UNIT_CHAR, {"a"}, 0, -1, -1, "a vocabulary of 0 units"},
	        {EG_UNIT_CHAR, {"a", "b"}, 2, 2, -1, "the end mark is number 2"},
	        {EG_UNIT_CHAR, {"a", "b"}, 2, -1, 5, "the unknown mark number 5"},
	        {EG_UNIT_CHAR, {"a", "b"}, 2, -2, -1, "the end mark is number -2"},
	        {EG_UNIT_CHAR, {"a", "b"}, 2, 0, 0, "must be two numbers"},
	        {EG_UNIT_BYTE, {"a"}, 1, -1, -1, "a vocabulary of bytes has 256 units and perhaps an end mark, not 1"},
	        {(eg_unit)9, {"a"}, 1, -1, -1, "no unit number 9"},
	};
	eg_vocab *v;
	for (int i = 0; i < EG_COUNT(cases); i++) {
		size_t sizes[4] = {0};
		for (int k = 0; k < 4 && cases[i].tokens[k]; k++) sizes[k] = strlen(cases[i].tokens[k]);
		assert_int_equal(eg_vocab_new(cases[i].unit, cases[i].tokens, sizes, cases[i].n, cases[i].end,
		                         cases[i].unknown, &v, &f->err),
		        EG_ERR_ARG);
		assert_null(v);
		assert_says(f->err, cases[i].words);
	}
	assert_int_equal(eg_vocab_new(EG_UNIT_BYTE, NULL, NULL, 257, 0, 1, &v, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_vocab_new(EG_UNIT_CHAR, NULL, NULL, 3, -1, -1, &v, &f->err), EG_ERR_ARG);
	/* What stands in the place of a mark is only a name, even that of a unit. */
	OK(f->err, eg_vocab_new(EG_UNIT_CHAR, (const char *const[]){"a", "any name", "a"}, (const size_t[]){1, 8, 1}, 3,
	                   1, 0, &v, &f->err));
	encodes(f, v, "ab", IDS(2, 0));
	eg_vocab_free(v);
	/* Words without an unknown mark. */
	OK(f->err, eg_vocab_new(EG_UNIT_WORD, (const char *const[]){"a", "b"}, (const size_t[]){1, 1}, 2, -1, -1, &v,
	                   &f->err));
	int32_t *ids;
	size_t n;
	assert_int_equal(eg_vocab_encode(v, "a b\n", 4, "f", &ids, &n, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_vocab_encode(v, "a b cat", 7, "f", &ids, &n, &f->err), EG_ERR_ARG);
	assert_says(f->err, "f, line 1, column 5: the word 'cat' is not among the 2 words");
	eg_vocab_free(v);
	OK(f->err,
	        eg_vocab_new(EG_UNIT_BYTE, NULL, NULL, 257, 256, -1, &v, &f->err)); /* the end mark behind the bytes */
	encodes(f, v, "a\xff", IDS(97, 255));
	eg_vocab_free(v);
}

/* The real texts, where this machine has them: figures, round trip, and speed. */
static void real_texts(void **state) {
	fixture *f = *state;
	static const struct {
		const char *name;
		size_t size, units;
		int count;
	} sets[] = {{"tinyshakespeare", 1115394, 1115394, 65}, {"tang-poems", 3294927, 1176240, 6135}};
	const char *data = getenv("ENGRAM_TEST_DATA");
	if (data) setenv("ENGRAM_DATA", data, 1);
	for (int i = 0; i < EG_COUNT(sets); i++) {
		eg_text *t;
		eg_vocab *v;
		eg_data_got got;
		int32_t *ids;
		size_t n;
		if (eg_data_locate(sets[i].name, &(eg_data_place){0}, NULL)) continue;
		OK(f->err, eg_data_get(sets[i].name, NULL, NULL, &got, &f->err));
		OK(f->err, eg_text_load(sets[i].name, NULL, &t, &f->err));
		assert_int_equal(t->size, sets[i].size);
		v = build(f, t->bytes, (eg_vocab_options){0});
		assert_int_equal(eg_vocab_count(v), sets[i].count);
		clock_t before = clock();
		OK(f->err, eg_vocab_encode(v, t->bytes, t->size, t->name, &ids, &n, &f->err));
		double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;
		print_message("%s: encoded in %.0f ms\n", sets[i].name, seconds * 1e3);
		assert_int_equal(n, sets[i].units);
		assert_true(seconds <
		            2); /* 10 to 20 ms; a sanitizer takes its share, a bad hash table would take far more */
		char *again = malloc(t->size + 8);
		size_t length = 0;
		for (size_t k = 0; k < n; k++)
			length += eg_vocab_spell(v, k ? ids[k - 1] : -1, ids[k], again + length, 8);
		assert_int_equal(length, t->size);
		assert_memory_equal(again, t->bytes, length);
		free(again);
		free(ids);
		eg_vocab_free(v);
		/* Words: what is spelled gives the same numbers again. */
		v = build(f, t->bytes, (eg_vocab_options){.unit = EG_UNIT_WORD, .max_size = 5000});
		assert_int_equal(eg_vocab_count(v), 5000);
		OK(f->err, eg_vocab_encode(v, t->bytes, t->size, t->name, &ids, &n, &f->err));
		again = malloc(2 * t->size + 300);
		length = 0;
		for (size_t k = 0; k < n; k++)
			length += eg_vocab_spell(v, k ? ids[k - 1] : -1, ids[k], again + length, EG_UNIT_MOST + 2);
		int32_t *second;
		size_t m;
		OK(f->err, eg_vocab_encode(v, again, length, NULL, &second, &m, &f->err));
		assert_int_equal(n, m);
		assert_memory_equal(ids, second, n * sizeof *ids);
		free(again);
		free(ids);
		free(second);
		eg_vocab_free(v);
		eg_text_free(t);
	}
}

/* ---- for the training loop --------------------------------------------------------------------------------------- */

enum { MOST = 64, SENTINEL = -7777 };

/* Fills a batch of these samples with `time` steps and compares all of it. */
static void batch_is(
	const eg_dataset *s, const uint32_t *items, int n, int time, const int32_t *input, const int32_t *target) {
	int32_t x[MOST], y[MOST];
	eg_error err;
	for (int i = 0; i < MOST; i++) x[i] = y[i] = SENTINEL;
	assert_int_equal(s->fill(s->user, &(eg_fill){.items = items, .n = n, .time = time, .epoch = -1}, (void *[]){x, y}, &err), EG_OK);
	for (int i = 0; i < n * time; i++) {
		if (x[i] != input[i]) fail_msg("input at step %d, sample %d: %d, not %d", i / n, i % n, x[i], input[i]);
		if (y[i] != target[i])
			fail_msg("target at step %d, sample %d: %d, not %d", i / n, i % n, y[i], target[i]);
	}
	assert_true(x[n * time] == SENTINEL && y[n * time] == SENTINEL);
}

static void streams(void **state) {
	fixture *f = *state;
	int32_t ids[13];
	eg_text_dataset *d;
	for (int i = 0; i < 13; i++) ids[i] = 100 + i;
	/* 12 predictions, 2 streams of 6, 4 at a time: pieces of 4 and 2. */
	OK(f->err, eg_text_streams(ids, 13, 2, 4, -1, &d, &f->err));
	ids[3] = 0; /* copied */
	const eg_dataset *s = eg_text_dataset_get(d);
	assert_string_equal(s->inputs[0], "input");
	assert_string_equal(s->inputs[1], "target");
	assert_null(s->inputs[2]);
	assert_true(s->count == 4 && s->time == 4 && s->streams == 2 && !s->time_of);
	batch_is(s, (const uint32_t[]){0, 2}, 2, 4, (const int32_t[]){100, 106, 101, 107, 102, 108, 103, 109},
	        (const int32_t[]){101, 107, 102, 108, 103, 109, 104, 110});
	batch_is(s, (const uint32_t[]){1, 3}, 2, 4, (const int32_t[]){104, 110, 105, 111, 0, 0, 0, 0},
	        (const int32_t[]){105, 111, 106, 112, -1, -1, -1, -1});
	assert_true(s->weight(s->user, 0) == 4 && s->weight(s->user, 1) == 2 && s->weight(s->user, 3) == 2);
	eg_text_dataset_free(d);
	/* 10 predictions, 3 streams of 4, 3, 3, 3 at a time: the second and third have nothing in the last piece. */
	ids[3] = 103;
	OK(f->err, eg_text_streams(ids, 11, 3, 3, -100, &d, &f->err));
	s = eg_text_dataset_get(d);
	assert_true(s->count == 6 && s->time == 3 && s->streams == 3);
	batch_is(s, (const uint32_t[]){0, 2, 4}, 3, 3, (const int32_t[]){100, 104, 107, 101, 105, 108, 102, 106, 109},
	        (const int32_t[]){101, 105, 108, 102, 106, 109, 103, 107, 110});
	batch_is(s, (const uint32_t[]){1, 3, 5}, 3, 3, (const int32_t[]){103, 0, 0, 0, 0, 0, 0, 0, 0},
	        (const int32_t[]){104, -100, -100, -100, -100, -100, -100, -100, -100});
	assert_true(s->weight(s->user, 1) == 1 && s->weight(s->user, 3) == 0);
	eg_text_dataset_free(d);
	/* More steps than there are: as many as there are. */
	OK(f->err, eg_text_streams(ids, 4, 2, 100, -1, &d, &f->err));
	s = eg_text_dataset_get(d);
	assert_true(s->count == 2 && s->time == 2);
	batch_is(s, (const uint32_t[]){0, 1}, 2, 2, (const int32_t[]){100, 102, 101, 0},
	        (const int32_t[]){101, 103, 102, -1});
	eg_text_dataset_free(d);
	eg_text_dataset_free(NULL);
	assert_int_equal(eg_text_streams(ids, 5, 3, 2, -1, &d, &f->err), EG_ERR_ARG);
	assert_null(d);
	assert_string_equal(f->err.message,
	        "the text has 5 units, but 3 streams need at least 6: take more text, or fewer streams");
	assert_int_equal(eg_text_streams(ids, 0, 1, 2, -1, &d, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_text_streams(ids, 13, 0, 2, -1, &d, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_text_streams(ids, 13, 2, 0, -1, &d, &f->err), EG_ERR_ARG);
}

/* Whatever the sizes: every unit but the first is predicted exactly once, from the one before it. */
static void streams_lose_nothing(void **state) {
	fixture *f = *state;
	int32_t ids[60], x[1024], y[1024];
	for (int i = 0; i < 60; i++) ids[i] = i;
	for (int n = 2; n <= 60; n++)
		for (int streams = 1; 2 * streams <= n; streams++)
			for (int steps = 1; steps <= 17; steps += 3) {
				eg_text_dataset *d;
				OK(f->err, eg_text_streams(ids, (size_t)n, streams, steps, -1, &d, &f->err));
				const eg_dataset *s = eg_text_dataset_get(d);
				int seen[60] = {0}, pieces = (int)s->count / streams;
				double weight = 0;
				assert_int_equal(s->count % streams, 0);
				for (uint32_t i = 0; i < s->count; i++) {
					double w = s->weight(s->user, i), there = 0;
					s->fill(s->user, &(eg_fill){.items = &i, .n = 1, .time = s->time, .epoch = -1}, (void *[]){x, y}, &f->err);
					for (int t = 0; t < s->time; t++) {
						if (y[t] < 0) continue;
						there++;
						seen[y[t]]++;
						assert_int_equal(x[t], y[t] - 1);
						/* The state is carried from the piece before. */
						if (t == 0 && i % (uint32_t)pieces > 0) {
							int32_t first = x[0];
							uint32_t before = i - 1;
							s->fill(s->user, &(eg_fill){.items = &before, .n = 1, .time = s->time, .epoch = -1}, (void *[]){x, y}, &f->err);
							assert_int_equal(x[s->time - 1], first - 1);
							s->fill(s->user, &(eg_fill){.items = &i, .n = 1, .time = s->time, .epoch = -1}, (void *[]){x, y}, &f->err);
						}
					}
					assert_true(w == there);
					weight += w;
				}
				assert_true(weight == n - 1);
				for (int i = 0; i < n; i++) assert_int_equal(seen[i], i > 0);
				eg_text_dataset_free(d);
			}
}

static void samples(void **state) {
	fixture *f = *state;
	int32_t ids[] = {11, 12, 13, 21, 31, 32, 33, 34, 35};
	size_t starts[] = {0, 3, 4, 4, 9}; /* of 3, 1, 0 and 5 units */
	enum { END = 5, IGNORE = -1 };
	eg_text_dataset *d;
	OK(f->err, eg_text_samples(ids, starts, NULL, 4, END, 5, false, IGNORE, &d, &f->err));
	const eg_dataset *s = eg_text_dataset_get(d);
	ids[0] = 0, starts[1] = 2; /* copied */
	assert_true(s->count == 4 && s->time == 6 && s->streams == 0);
	static const int times[] = {4, 2, 1, 6};
	double weight = 0;
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(s->time_of(s->user, i), times[i]);
		weight += s->weight(s->user, i);
	}
	assert_true(weight == 13); /* 9 units and 4 end marks */
	batch_is(s, (const uint32_t[]){0, 2, 1}, 3, 5,
	        (const int32_t[]){5, 5, 5, 11, 5, 21, 12, 5, 5, 13, 5, 5, 5, 5, 5},
	        (const int32_t[]){11, 5, 21, 12, -1, 5, 13, -1, -1, 5, -1, -1, -1, -1, -1});
	batch_is(s, (const uint32_t[]){3}, 1, 6, (const int32_t[]){5, 31, 32, 33, 34, 35},
	        (const int32_t[]){31, 32, 33, 34, 35, 5});
	eg_text_dataset_free(d);
	/* Some of them, in another order; a long one is cut and does not end there. */
	ids[0] = 11, starts[1] = 3;
	OK(f->err, eg_text_samples(ids, starts, (const uint32_t[]){3, 1, 0}, 3, END, 3, true, IGNORE, &d, &f->err));
	s = eg_text_dataset_get(d);
	assert_true(s->count == 3 && s->time == 4);
	assert_true(s->time_of(s->user, 0) == 4 && s->weight(s->user, 0) == 4 && s->time_of(s->user, 1) == 2);
	batch_is(s, (const uint32_t[]){0, 1, 2}, 3, 4, (const int32_t[]){5, 5, 5, 31, 21, 11, 32, 5, 12, 33, 5, 13},
	        (const int32_t[]){31, 21, 11, 32, 5, 12, 33, -1, 13, 34, -1, 5});
	eg_text_dataset_free(d);
	assert_int_equal(eg_text_samples(ids, starts, NULL, 4, END, 4, false, IGNORE, &d, &f->err), EG_ERR_ARG);
	assert_null(d);
	assert_says(f->err, "sample 4 has 5 units, but the longest may have 4");
	OK(f->err, eg_text_samples(ids, starts, (const uint32_t[]){0, 1}, 2, END, 4, false, IGNORE, &d,
	                   &f->err)); /* not taken */
	eg_text_dataset_free(d);
	assert_int_equal(eg_text_samples(ids, starts, NULL, 4, -1, 9, false, IGNORE, &d, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_text_samples(ids, starts, NULL, 4, END, 0, true, IGNORE, &d, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_text_samples(ids, starts, NULL, -1, END, 9, true, IGNORE, &d, &f->err), EG_ERR_ARG);
	starts[2] = 2;
	assert_int_equal(eg_text_samples(ids, starts, NULL, 4, END, 9, true, IGNORE, &d, &f->err), EG_ERR_ARG);
	assert_says(f->err, "ends before it begins");
}

static void one_set_of_rules(void **state) {
	static const char *const cases[][2] = {{"", ""}, {"\r\n", "\n"}, {"\r", "\r"}, {"a\r\nb\r\n", "a\nb\n"}, {"a\r\r\n", "a\r\n"},
	        {"\n\r", "\n\r"}, {"\xef\xbb\xbf", ""}, {"\xef\xbb\xbf\xef\xbb\xbf\r\n", "\xef\xbb\xbf\n"},
	        {"\xef\xbb", "\xef\xbb"}, {"a\xef\xbb\xbf", "a\xef\xbb\xbf"}};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char text[40];
		strcpy(text, cases[i][0]);
		size_t n = eg_text_normalize(text, strlen(text));
		assert_int_equal(n, strlen(cases[i][1]));
		assert_memory_equal(text, cases[i][1], n);
	}
}

/* As many bytes as before; what has no small letter, or is no UTF-8, stays. */
static void small_letters(void **state) {
	static const char *const cases[][2] = {{"", ""}, {"What's UP, 3Z[@", "what's up, 3z[@"}, {"\xC3\x84\xC3\x97\xC3\x9E\xC3\x9F", "\xC3\xA4\xC3\x97\xC3\xBE\xC3\x9F"},
	        {"\xCE\xA3\xCE\xA9", "\xCF\x83\xCF\x89"}, {"\xC5\xA0\xC4\x84\xC5\x81\xC5\xB8", "\xC5\xA1\xC4\x85\xC5\x82\xC3\xBF"},
	        {"\xCE\x86\xCE\x8F\xCE\x90", "\xCE\xAC\xCF\x8E\xCE\x90"}, {"\xD2\x90\xD2\x91\xD0\x86", "\xD2\x91\xD2\x91\xD1\x96"}, {"\xD0\x81\xD0\x90\xD0\xAF", "\xD1\x91\xD0\xB0\xD1\x8F"},
	        {"\xE4\xBD\xA0Z\xF0\x9F\x98\x80", "\xE4\xBD\xA0z\xF0\x9F\x98\x80"}, {"\xC3", "\xC3"}, {"\xC3Z", "\xC3z"}};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char text[40];
		strcpy(text, cases[i][0]);
		eg_text_lower(text, strlen(text));
		assert_string_equal(text, cases[i][1]);
	}
}

int main(void) {
	if (getenv("ENGRAM_DATA")) setenv("ENGRAM_TEST_DATA", getenv("ENGRAM_DATA"), 1);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(utf8_lengths),
	        cmocka_unit_test(utf8_shown),
	        cmocka_unit_test(letters),
	        cmocka_unit_test(small_letters),
	        cmocka_unit_test_setup_teardown(texts_are_loaded, setup, teardown),
	        cmocka_unit_test_setup_teardown(large_text, setup, teardown),
	        cmocka_unit_test_setup_teardown(texts_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(known_texts_are_found, setup, teardown),
	        cmocka_unit_test_setup_teardown(characters, setup, teardown),
	        cmocka_unit_test_setup_teardown(rare_ones_are_unknown, setup, teardown),
	        cmocka_unit_test_setup_teardown(bytes, setup, teardown),
	        cmocka_unit_test_setup_teardown(words, setup, teardown),
	        cmocka_unit_test_setup_teardown(words_between_spaces, setup, teardown),
	        cmocka_unit_test_setup_teardown(tokens_are_checked, setup, teardown),
	        cmocka_unit_test_setup_teardown(real_texts, setup, teardown),
	        cmocka_unit_test_setup_teardown(streams, setup, teardown),
	        cmocka_unit_test_setup_teardown(streams_lose_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(samples, setup, teardown),
	        cmocka_unit_test(one_set_of_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

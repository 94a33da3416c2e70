/* test_friso.c - Chinese words by friso: with a small dictionary of its own, the rest of a text is cut as ever, nothing
 * is lost, long runs and several threads make no difference, and a model file knows its dictionary; what is missing or
 * wrong there is said. Once with the dictionary of the system. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "engram_text.h"
#include "support_tasks.h"

#include "data/data.h"
#include "data/units.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const eg_vocab_options by_friso = {.unit = EG_UNIT_WORD, .words = EG_WORDS_FRISO};

#ifdef ENGRAM_HAVE_FRISO

/* "Research", "graduate student", "life", "origin", "hotel", "service", and their characters; one with synonyms. */
static const char words[] = "研究/null/0\n研究生/null/0\n生命/null/0\n起源/开始,开头/0\n酒店/null/0\n服务/null/0\n"
			    "研/null/1\n究/null/1\n生/null/9\n命/null/3\n起/null/2\n源/null/2\n酒/null/1\n店/null/1\n服/null/1\n务/null/1\n";

/* The dictionary of this folder is the one from here on. */
static void take(bench *b, const char *text) {
	bench_text(b, "lex-main.lex", text);
	setenv("ENGRAM_FRISO", b->folder, 1);
}

static int setup(void **state) {
	if (bench_setup(state)) return -1;
	take(*state, words);
	return 0;
}

static int teardown(void **state) {
	unsetenv("ENGRAM_FRISO");
	return bench_teardown(state);
}

/* The units of a text with bars between, by a vocabulary made of it. */
static void cut(bench *b, const char *text, const char *expected) {
	char all[400] = "";
	eg_vocab *v;
	int32_t *ids;
	size_t n, starts[100];
	OK(b, eg_vocab_build(text, strlen(text), &by_friso, &v, &b->err));
	OK(b, eg_vocab_encode(v, text, strlen(text), NULL, &ids, &n, &b->err));
	assert_true(n < 100);
	eg_vocab_places(v, text, strlen(text), ids, n, starts);
	for (size_t i = 0; i < n; i++) {
		size_t size;
		const char *s = eg_vocab_token(v, ids[i], &size);
		assert_int_not_equal(ids[i], eg_vocab_unknown(v));
		assert_memory_equal(s, text + starts[i], size); /* nothing is changed */
		/* all that lies between is spaces */
		for (size_t at = starts[i] + size; at < starts[i + 1]; at++) assert_true(text[at] == ' ');
		snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? "|" : "", s);
	}
	assert_string_equal(all, expected);
	free(ids);
	eg_vocab_free(v);
}

static void cuts_chinese_alone(void **state) {
	bench *b = *state;
	cut(b, "研究生命起源", "研究|生命|起源"); /* not the graduate student's life */
	cut(b, "研究生 研究", "研究生|研究");
	cut(b, "the 酒店's 2 服务, a研究b", "the|酒店|'|s|2|服务|,|a|研究|b");
	cut(b, "酒店，服务。カナ酒店は", "酒店|，|服务|。|カナ|酒店|は");
	/* of other planes, compatibility forms and traditional ones: characters that friso does not know */
	cut(b, "酒店𠀀㐀酒店豈飯店", "酒店|𠀀|㐀|酒店|豈|飯|店");
	/* a variation selector stays with its character, which is then no part of a word */
	cut(b, "酒店服\xef\xb8\x80务酒店", "酒店|服\xef\xb8\x80|务|酒店");
	for (int i = 0; i < 2; i++) /* the second time from memory, where what is in it begins alike */
		cut(b, "研究生命起源,研究生命,研究生,研究", "研究|生命|起源|,|研究|生命|,|研究生|,|研究");
	cut(b, "Ａ酒店", "Ａ|酒店"); /* wide letters are not friso's */
}

/* Windows make no difference: a sentence many times over is cut as it is once. */
static void cuts_long_runs_the_same(void **state) {
	bench *b = *state;
	static const char once[] = "酒店研究生命起源服务𠀀"; /* its words' bytes: 6 6 6 6 6 4 */
	enum { TIMES = 700, SIZE = sizeof once - 1 };
	char *text = malloc(TIMES * SIZE);
	assert_non_null(text);
	for (int i = 0; i < TIMES; i++) memcpy(text + i * SIZE, once, SIZE);
	eg_vocab *v;
	int32_t *ids;
	size_t n;
	OK(b, eg_vocab_build(text, TIMES * SIZE, &by_friso, &v, &b->err));
	assert_int_equal(eg_vocab_count(v), 7); /* six, and the unknown mark */
	OK(b, eg_vocab_encode(v, text, TIMES * SIZE, NULL, &ids, &n, &b->err));
	assert_int_equal(n, 6 * TIMES);
	for (size_t i = 6; i < n; i++) assert_int_equal(ids[i], ids[i - 6]);
	free(ids);
	/* never more than there is room for, and all of it */
	eg_friso *f = eg_friso_new(0);
	OK(b, eg_friso_open(f, &b->err));
	for (size_t size = SIZE; size <= 3 * 1300; size += SIZE) {
		size_t at = 0;
		uint8_t sizes[EG_FRISO_WORDS];
		for (int some; (some = eg_friso_cut(f, text + at, size - at, sizes)) > 0;)
			for (int i = 0; i < some; i++) at += sizes[i];
		assert_int_equal(at, size);
	}
	eg_friso_free(f);
	eg_vocab_free(v);
	free(text);
}

typedef struct share {
	const eg_vocab *v;
	const char *text;
	int32_t *ids;
	size_t n;
} share;

static void *encode(void *user) {
	share *s = user;
	if (eg_vocab_encode(s->v, s->text, strlen(s->text), NULL, &s->ids, &s->n, NULL)) s->n = 0;
	return NULL;
}

static void cuts_in_threads(void **state) {
	bench *b = *state;
	static const char *const texts[] = {"研究生命起源酒店服务", "酒店服务研究生，研究生命"};
	eg_vocab *v[2];
	share s[8];
	pthread_t threads[8];
	char text[2][4000] = {"", ""};
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 60; k++) strcat(text[i], texts[i]);
		OK(b, eg_vocab_build(text[i], strlen(text[i]), &by_friso, &v[i], &b->err));
	}
	for (int i = 0; i < 8; i++) {
		s[i] = (share){.v = v[i / 2 % 2], .text = text[i % 2]};
		assert_int_equal(pthread_create(&threads[i], NULL, encode, &s[i]), 0);
	}
	for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(s[i].n, i % 2 ? 360 : 300); /* six words of the other sentence, five of the one */
		assert_memory_equal(s[i].ids, s[i % 4].ids, s[i].n * sizeof *s[i].ids);
	}
	for (int i = 0; i < 8; i++) free(s[i].ids);
	for (int i = 0; i < 2; i++) eg_vocab_free(v[i]);
}

/* Spaces stand where Latin words need them, and nowhere in Chinese. */
static void spells_without_spaces(void **state) {
	bench *b = *state;
	static const char text[] = "酒店服务 ok ok, 研究生命起源。";
	char again[200] = "";
	size_t length = 0, n;
	eg_vocab *v;
	int32_t *ids;
	OK(b, eg_vocab_build(text, strlen(text), &by_friso, &v, &b->err));
	OK(b, eg_vocab_encode(v, text, strlen(text), NULL, &ids, &n, &b->err));
	for (size_t i = 0; i < n; i++) length += eg_vocab_spell(v, i ? ids[i - 1] : -1, ids[i], again + length, sizeof again - length);
	assert_string_equal(again, "酒店服务ok ok,研究生命起源。");
	free(ids);
	eg_vocab_free(v);
}

static void is_kept_with_its_dictionary(void **state) {
	bench *b = *state;
	static const char text[] = "酒店服务酒店";
	eg_vocab *v, *again;
	eg_value *kept = eg_value_new(EG_VALUE_MAP);
	int32_t *ids;
	size_t n;
	OK(b, eg_vocab_build(text, strlen(text), &by_friso, &v, &b->err));
	eg_value *map = eg_vocab_put(kept, "vocab", v);
	assert_string_equal(eg_value_text(eg_value_get(map, "boundaries")), "friso");
	assert_int_equal(eg_value_text_size(eg_value_get(map, "dictionary")), 16);
	eg_vocab_free(v);
	OK(b, eg_vocab_from_value(map, &again, &b->err));
	assert_int_equal(eg_vocab_count(again), 3);
	assert_int_equal(eg_vocab_words(again).rule, EG_WORDS_FRISO);
	OK(b, eg_vocab_encode(again, text, strlen(text), NULL, &ids, &n, &b->err));
	assert_int_equal(n, 3);
	free(ids);
	eg_vocab_free(again);
	/* a word more, and it is another: the model can be looked at, but cuts nothing */
	take(b, "酒店服务/null/0\n酒/null/1\n酒店/null/0\n");
	OK(b, eg_vocab_from_value(map, &again, &b->err));
	assert_string_equal(eg_vocab_token(again, 1, NULL), "酒店");
	assert_int_equal(eg_vocab_encode(again, text, strlen(text), NULL, &ids, &n, &b->err), EG_ERR_ARG);
	SAYS(b, "another dictionary");
	assert_null(ids);
	/* of now it would be one word; and the other is right again once it is back */
	cut(b, text, "酒店服务|酒店");
	take(b, words);
	OK(b, eg_vocab_encode(again, text, strlen(text), NULL, &ids, &n, &b->err));
	assert_int_equal(n, 3);
	free(ids);
	eg_vocab_free(again);
	/* damaged */
	static const char *const bad[] = {"{\"unit\": \"word\", \"boundaries\": \"friso\", \"tokens\": [\"酒店\"]}",
	        "{\"unit\": \"word\", \"boundaries\": \"friso\", \"dictionary\": \"12\", \"tokens\": [\"酒店\"]}"};
	for (int i = 0; i < EG_COUNT(bad); i++) {
		eg_value *x = value_of(bad[i]);
		assert_int_equal(eg_vocab_from_value(x, &v, &b->err), EG_ERR_FORMAT);
		SAYS(b, "damaged");
		eg_value_free(x);
	}
	/* two words in one are none, nor are two characters without friso */
	eg_value *two = value_of("{\"unit\": \"word\", \"boundaries\": \"friso\", \"dictionary\": \"0123456789abcdef\", \"tokens\": [\"酒店a\"]}"),
		 *plain = value_of("{\"unit\": \"word\", \"boundaries\": \"unicode\", \"tokens\": [\"酒店\"]}");
	assert_int_equal(eg_vocab_from_value(two, &v, &b->err), EG_ERR_FORMAT);
	SAYS(b, "more than one word");
	assert_int_equal(eg_vocab_from_value(plain, &v, &b->err), EG_ERR_FORMAT);
	SAYS(b, "more than one word");
	eg_value_free(two);
	eg_value_free(plain);
	eg_value_free(kept);
}

static void says_what_is_missing(void **state) {
	bench *b = *state;
	eg_vocab *v;
	char longest[700];
	setenv("ENGRAM_FRISO", bench_path(b, "nowhere"), 1);
	assert_int_equal(eg_vocab_build("酒店", 6, &by_friso, &v, &b->err), EG_ERR_IO);
	SAYS(b, "friso-dict");
	SAYS(b, "nowhere/lex-main.lex");
	assert_null(v);
	memset(longest, 'a', sizeof longest);
	memcpy(longest + sizeof longest - 2, "\n", 2);
	take(b, longest);
	assert_int_equal(eg_vocab_build("酒店", 6, &by_friso, &v, &b->err), EG_ERR_FORMAT);
	SAYS(b, "500 bytes");
	assert_int_equal(eg_vocab_build("酒", 3, &(eg_vocab_options){.unit = EG_UNIT_WORD, .words = EG_WORDS_SPACES + 1}, &v, &b->err), EG_ERR_ARG);
	SAYS(b, "no rule number 3");
	take(b, words);
	assert_int_equal(eg_vocab_build("酒\xff", 4, &by_friso, &v, &b->err), EG_ERR_FORMAT);
	SAYS(b, "column 2: byte 0xFF");
	assert_int_equal(eg_vocab_build("", 0, &by_friso, &v, &b->err), EG_ERR_ARG);
}

static void knows_the_system_s_dictionary(void **state) {
	bench *b = *state;
	unsetenv("ENGRAM_FRISO");
	FILE *there = fopen("/usr/share/friso/dict/UTF-8/lex-main.lex", "rb");
	if (!there) {
		print_message("SKIPPED: friso-dict is not installed\n");
		skip();
	}
	fclose(there);
	cut(b, "我们住在北京大学附近的酒店", "我们|住在|北京大学|附近|的|酒店");
}

#else

static void says_what_is_missing(void **state) {
	bench *b = *state;
	eg_vocab *v;
	int32_t *ids;
	size_t n;
	print_message("SKIPPED: built without libfriso; only what is said then is tested\n");
	assert_int_equal(eg_vocab_build("酒店", 6, &by_friso, &v, &b->err), EG_ERR_ARG);
	SAYS(b, "built without libfriso");
	/* a model of elsewhere can be looked at */
	eg_value *kept = value_of("{\"unit\": \"word\", \"boundaries\": \"friso\", \"dictionary\": \"0123456789abcdef\", \"tokens\": [\"酒店\"]}");
	OK(b, eg_vocab_from_value(kept, &v, &b->err));
	assert_int_equal(eg_vocab_encode(v, "酒店", 6, NULL, &ids, &n, &b->err), EG_ERR_ARG);
	SAYS(b, "built without libfriso");
	eg_value_free(kept);
	eg_vocab_free(v);
}

#endif

int main(void) {
	const struct CMUnitTest tests[] = {
#ifdef ENGRAM_HAVE_FRISO
	        cmocka_unit_test_setup_teardown(cuts_chinese_alone, setup, teardown),
	        cmocka_unit_test_setup_teardown(cuts_long_runs_the_same, setup, teardown),
	        cmocka_unit_test_setup_teardown(cuts_in_threads, setup, teardown),
	        cmocka_unit_test_setup_teardown(spells_without_spaces, setup, teardown),
	        cmocka_unit_test_setup_teardown(is_kept_with_its_dictionary, setup, teardown),
	        cmocka_unit_test_setup_teardown(says_what_is_missing, setup, teardown),
	        cmocka_unit_test_setup_teardown(knows_the_system_s_dictionary, setup, teardown),
#else
	        cmocka_unit_test_setup_teardown(says_what_is_missing, bench_setup, bench_teardown),
#endif
	};
	return cmocka_run_group_tests_name("friso", tests, NULL, NULL);
}

/* test_json.c - the memory that jansson gets: a pool that is large enough for any text, given by functions that others
 * in the process do not notice.
 *
 * What is read is tested by test_value.c and test_model.c, too little memory by test_no_memory.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engram_io.h"
#include "io/json_pool.h"
#include "io/value.h"

#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const eg_json_limits limits = {EG_VALUE_DEPTH + 1, EG_VALUE_NODES};

/* ---- the pool is large enough ------------------------------------------------------------------------------------ */

typedef struct job {
	const char *text;
	size_t size;
	json_t *root;
	int tries;
} job;

static void *pool_take(size_t bytes) {
	eg_json_pool *p = eg_json_pool_here();
	return p ? eg_json_pool_take(p, bytes) : malloc(bytes);
}

static void pool_give(void *piece) {
	if (!eg_json_pool_here()) free(piece);
}

static void load(void *user) {
	job *j = user;
	j->tries++;
	j->root = json_loadb(j->text, j->size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
}

/* Reads it in a pool as large as counted; what it took for a byte of text. */
static double check_room(const char *text, size_t size) {
	eg_json_pool pool = {0};
	job j = {.text = text, .size = size};
	size_t room;
	if (eg_json_survey(text, size, "t", &limits, &room, NULL)) return 0;
	assert_true(eg_json_pool_run(&pool, room, load, &j));
	if (j.tries != 1) fail_msg("%zu bytes do not do for: %.500s", room, text);
	assert_in_range(pool.used, 1, room);
	double each = (double)pool.used / (double)(size + 1);
	eg_json_pool_free(&pool);
	return each;
}

typedef struct random_text {
	char *data;
	size_t size, room;
	uint64_t state;
} random_text;

static unsigned roll(random_text *t, unsigned n) {
	t->state = t->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(t->state >> 33) % n;
}

static void add(random_text *t, const char *s) {
	size_t n = strlen(s);
	if (n > t->room - t->size) return;
	memcpy(t->data + t->size, s, n);
	t->size += n;
}

static void add_text(random_text *t, unsigned most) {
	static const char *const pieces[] = {
		"a", "\\u00e9", "\xc3\xa9", "\\\"", "\\\\", "{[,:", " ", "\\ud83d\\ude00", "0123456789abcdef"};
	add(t, "\"");
	for (unsigned n = roll(t, most); n > 0; n--) add(t, pieces[roll(t, EG_COUNT(pieces))]);
	char unique[20]; /* so that no key is there twice */
	snprintf(unique, sizeof unique, "%zx\"", t->size);
	add(t, unique);
}

static void add_scalar(random_text *t) {
	static const char *const scalars[] = {"0", "-1.5e300", "true", "null", "1234567890123456", "\"\"", "[]", "{}"};
	if (roll(t, 2))
		add_text(t, roll(t, 20) ? 4 : 300);
	else
		add(t, scalars[roll(t, EG_COUNT(scalars))]);
}

/* Maps and lists of up to `most`; one in `scalars` values is neither. */
static void add_value(random_text *t, int depth, unsigned scalars, unsigned most) {
	if (depth == 0 || roll(t, scalars) == 0) {
		add_scalar(t);
		return;
	}
	bool map = roll(t, 2);
	add(t, map ? "{" : "[");
	for (unsigned n = roll(t, most), i = 0; i < n && t->size < t->room / 2; i++) {
		if (i) add(t, roll(t, 4) ? "," : " ,\n\t");
		if (map) add_text(t, 8), add(t, ":");
		add_value(t, depth - 1, scalars, most);
	}
	add(t, map ? "}" : "]");
}

static void test_room(void **state) {
	EG_UNUSED(state);
	json_set_alloc_funcs(pool_take, pool_give);
	random_text t = {.room = 1 << 16, .state = 7};
	double most = 0;
	t.data = malloc(t.room + 1);
	assert_non_null(t.data);
	for (int i = 0; i < 2000; i++) {
		t.size = 0;
		add(&t, i % 2 ? "[" : "{\"a\":");
		add_value(&t, i % 5, 2 + (unsigned)i % 9, i % 3 ? 12 : 100);
		add(&t, i % 2 ? "]" : "}");
		t.data[t.size] = '\0';
		double each = check_room(t.data, t.size);
		if (each > most && t.size > 100) most = each;
		/* Damaged and cut off. */
		t.data[roll(&t, (unsigned)t.size)] = "\"[]{},:\\0 \xc3"[roll(&t, 11)];
		check_room(t.data, t.size);
		check_room(t.data, roll(&t, (unsigned)t.size));
	}
	free(t.data);
	assert_true(most > 10 && most < 120);
}

/* Many of the same, whose tables are just doubled, are the worst. */
static void test_room_worst(void **state) {
	EG_UNUSED(state);
	static const char *const fillings[] = {
		"[],", "{},", "0,", "\"\",", "[[[[]]]],", "{\"a\":0},", "-0.5,", "\"0123456789abc\","};
	char *data = malloc(1 << 20);
	assert_non_null(data);
	for (int i = 0; i < 2 * EG_COUNT(fillings); i++)
		for (int n = 1; n < 10000; n = n * 2 + (n < 64)) {
			bool map = i >= EG_COUNT(fillings);
			size_t at = (size_t)sprintf(data, map ? "{" : "[");
			for (int k = 0; k < n; k++) {
				if (map) at += (size_t)sprintf(data + at, "\"%x\":", (unsigned)k);
				at += (size_t)sprintf(data + at, "%s", fillings[i % EG_COUNT(fillings)]);
			}
			data[at - 1] = map ? '}' : ']';
			double each = check_room(data, at);
			assert_true(each > 0 && (n < 64 || each < 90));
		}
	/* One long token. */
	for (int i = 0; i < 3; i++)
		for (int n = 8; n < 1 << 19; n *= 2) {
			memset(data, i == 0 ? '7' : 'x', (size_t)n);
			memcpy(data, i == 1 ? "[\"" : "[1", 2);
			if (i == 0) data[2] = '.';
			memcpy(data + n - 2, i == 1 ? "\"]" : "7]", 2);
			assert_true(check_room(data, (size_t)n) > 0);
		}
	free(data);
}

static void test_room_corpus(void **state) {
	EG_UNUSED(state);
	static const char *const folders[] = {"test/corpus/value", "test/corpus/safetensors", "test/corpus/table/jsonl",
		"test/corpus/table/tsv"};
	int n = 0;
	for (int i = 0; i < EG_COUNT(folders); i++) {
		DIR *folder = opendir(folders[i]);
		assert_non_null(folder);
		for (const struct dirent *e; (e = readdir(folder));) {
			char path[600], *data;
			size_t size;
			if (e->d_name[0] == '.') continue;
			snprintf(path, sizeof path, "%s/%s", folders[i], e->d_name);
			assert_int_equal(eg_file_read(NULL, path, 0, &data, &size, NULL), EG_OK);
			check_room(data, size);
			if (size > 8) check_room(data + 8, size - 8); /* the header of a safetensors file */
			eg_release(NULL, data);
			n++;
		}
		closedir(folder);
	}
	assert_true(n > 20);
}

/* Should the count be wrong: once more with twice the room, till it does. */
static void test_too_small(void **state) {
	EG_UNUSED(state);
	static const char json[] = "{\"a\": [1, 2.5, \"text\", {\"b\": null, \"c\": [true, false, [[]]]}]}";
	eg_json_pool pool = {0};
	job j = {.text = json, .size = sizeof json - 1};
	assert_true(eg_json_pool_run(&pool, 16, load, &j));
	assert_in_range(j.tries, 5, 10);
	assert_non_null(j.root);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(j.root, "a"), 0)), 1);
	assert_null(eg_json_pool_here());
	eg_json_pool_free(&pool);
	assert_false(eg_json_pool_run(&pool, SIZE_MAX / 2, load, &j)); /* no such memory */
	assert_null(pool.block);
}

/* ---- others in the process --------------------------------------------------------------------------------------- */

static const char sample[] = "{\"a\": [1, 2.5, \"t\"], \"b\": {}}";
static atomic_int taken, given;

static void *count_take(size_t bytes) {
	taken++;
	return malloc(bytes);
}

static void count_give(void *piece) {
	given++;
	free(piece);
}

static json_malloc_t below_take;
static json_free_t below_give;

static void *wrap_take(size_t bytes) { return below_take(bytes); }
static void wrap_give(void *piece) { below_give(piece); }

/* Engram reads without what others have set; only who has come after it is asked once whether it calls Engram's. */
static void read_alone(void) {
	int before = taken;
	eg_value *v;
	eg_error err;
	char *again;
	if (eg_value_parse(sample, sizeof sample - 1, "sample", &v, &err)) fail_msg("%s", err.message);
	assert_int_equal(eg_value_json(v, &again, NULL, NULL), EG_OK);
	assert_string_equal(again, sample);
	free(again);
	eg_value_free(v);
	assert_int_equal(eg_value_parse("[1", 2, "sample", &v, NULL), EG_ERR_FORMAT);
	assert_in_range(taken, before, before + 1);
	assert_int_equal(taken, given);
}

/* Another one reads and writes with jansson by its own functions. */
static void others_read(void) {
	int before = taken;
	json_t *j = json_loads(sample, 0, NULL);
	char *text = json_dumps(j, 0);
	assert_non_null(text);
	assert_int_equal(strncmp(text, "{\"a\": [1, 2.5,", 14), 0);
	json_malloc_t take;
	json_free_t give;
	json_get_alloc_funcs(&take, &give);
	give(text);
	json_decref(j);
	assert_true(taken > before + 5);
	assert_int_equal(taken, given);
}

static void test_others(void **state) {
	EG_UNUSED(state);
	eg_value *v;
	json_set_alloc_funcs(count_take, count_give); /* before us */
	others_read();
	read_alone();
	others_read();
	json_t *j = json_loads(sample, 0, NULL);
	int before = taken;
	assert_int_equal(eg_value_parse("[]", 2, "sample", &v, NULL), EG_OK); /* while others hold pieces */
	eg_value_free(v);
	assert_int_equal(taken, before);
	json_decref(j);
	json_set_alloc_funcs(count_take, count_give); /* after us, as if we were not there */
	others_read();
	read_alone();
	others_read();
	json_get_alloc_funcs(&below_take, &below_give); /* after us, and calling us */
	assert_true(below_take != count_take);
	json_set_alloc_funcs(wrap_take, wrap_give);
	for (int i = 0; i < 3; i++) {
		read_alone();
		others_read();
	}
	json_set_alloc_funcs(malloc, free);
	read_alone();
}

static void *read_often(void *user) {
	for (int i = 0; i < 300; i++) {
		eg_value *v;
		char *text;
		if (eg_value_parse(sample, sizeof sample - 1, "sample", &v, NULL)) return user;
		if (eg_value_json(v, &text, NULL, NULL)) return user;
		bool same = !strcmp(text, sample);
		free(text);
		eg_value_free(v);
		if (!same) return user;
	}
	return NULL;
}

/* While other threads read with jansson, ours and those of others. */
static void test_threads(void **state) {
	EG_UNUSED(state);
	pthread_t threads[3];
	read_alone();
	json_t *j = json_object(); /* jansson's tables have begun */
	json_decref(j);
	for (int i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_often, threads), 0);
	for (int i = 0; i < 300; i++) {
		j = json_loads(sample, 0, NULL);
		assert_int_equal(json_object_size(j), 2);
		json_decref(j);
	}
	for (int i = 0; i < 3; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_worst),
		cmocka_unit_test(test_room_corpus),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

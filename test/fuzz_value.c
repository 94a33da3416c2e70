/* fuzz_value.c - JSON from any bytes: read as a tree of values, copied, shown, written and read again; and the same
 * bytes as a text and as a key. */
#include "data/data.h"
#include "engram_value.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written, read and written again it has to be the same text. Returns what was read. */
static eg_value *write_and_read(const eg_value *v) {
	char *first = NULL, *second = NULL;
	size_t n;
	eg_error err;
	eg_value *again = NULL;
	if (eg_value_json(v, &first, &n, &err) != EG_OK || strlen(first) != n) abort();
	if (eg_value_parse(first, n, "again", &again, &err) != EG_OK) abort();
	if (eg_value_json(again, &second, NULL, &err) != EG_OK || strcmp(first, second) != 0) abort();
	free(first);
	free(second);
	return again;
}

static void show(const eg_value *v) {
	char *line = NULL;
	eg_error err;
	if (eg_value_print(v, "<b>", "</b>", &line, &err) != EG_OK) abort();
	for (const char *s = line; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f) abort();
	if (eg_utf8_check(line, strlen(line)) != strlen(line)) abort();
	free(line);
}

static void look(const eg_value *v) {
	int64_t n = 0;
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) {
		if (eg_value_key(c) && eg_value_get(v, eg_value_key(c)) != c) abort();
		n++;
		look(c);
	}
	if (n != eg_value_count(v)) abort();
}

static void as_json(const char *text, size_t size) {
	eg_error err;
	eg_value *v = NULL, *copy = eg_value_new(EG_VALUE_LIST);
	if (eg_value_parse(text, size, "fuzz", &v, &err) == EG_OK) {
		if (!eg_value_whole(v)) abort();
		look(v);
		show(v);
		eg_value_free(write_and_read(v));
		/* One deeper may be too deep. */
		if (eg_value_put_copy(copy, NULL, v) && !eg_value_same(eg_value_first(copy), v)) abort();
	} else if (v || err.status != EG_ERR_FORMAT) {
		abort();
	}
	eg_value_free(copy);
	eg_value_free(v);
}

static void as_text(const char *bytes, size_t size) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	char *key = calloc(1, size + 1);
	if (!key) abort();
	memcpy(key, bytes, size);
	for (size_t i = 0; i < size; i++) key[i] = (char)(key[i] ? key[i] : 'x');
	eg_value_mark(eg_value_put_bytes(v, "text", bytes, size), EG_SHOW_STRONG, NULL);
	eg_value_mark(eg_value_put_int(v, key, 1), EG_SHOW_SHARE, key);
	if (!eg_value_whole(v)) abort();
	eg_value *again = write_and_read(v);
	if (!eg_value_same(v, again)) abort();
	look(v);
	show(v);
	eg_value_free(again);
	eg_value_free(v);
	free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const char *bytes = (const char *)data;
	as_json(bytes, size);
	as_text(bytes, size);
	return 0;
}

/* fuzz_safetensors.c - a safetensors file from any bytes: parsed, every element of every tensor read, and the
 * vocabulary that a model keeps in it. */
#include "engram_text.h"
#include "io/safetensors.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every unit of a vocabulary that was accepted is itself when text is read with it. */
static void vocabulary(const eg_value *map) {
	eg_error err;
	eg_vocab *v = NULL;
	if (eg_vocab_from_value(map, &v, &err) != EG_OK && v) abort();
	for (int i = 0; v && i < eg_vocab_count(v); i++) {
		size_t size, n;
		const char *token = eg_vocab_token(v, i, &size);
		int32_t *ids;
		if (i == eg_vocab_end(v) || i == eg_vocab_unknown(v)) continue;
		if (eg_vocab_encode(v, token, size, NULL, &ids, &n, &err) != EG_OK) abort();
		if (n != 1 || ids[0] != i) abort();
		free(ids);
	}
	eg_vocab_free(v);
}

/* What a task keeps, and in format 1 the vocabulary as a text of its own. */
static void kept(const char *text, const char *key) {
	eg_error err;
	eg_value *v = NULL;
	if (text && eg_value_parse(text, strlen(text), "fuzz", &v, &err) == EG_OK)
		vocabulary(key ? eg_value_get(v, key) : v);
	eg_value_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err = {0};
	eg_st_file f = {0};
	if (eg_st_parse((const char *)data, size, "fuzz", &f, &err) == EG_OK) {
		for (int i = 0; i < f.n; i++) {
			const eg_st_tensor *t = &f.tensors[i];
			size_t n = t->bytes / eg_st_dtype_size(t->dtype);
			real *values = malloc((n + 1) * sizeof *values);
			int32_t *integers = malloc((n + 1) * sizeof *integers);
			int64_t odd;
			char text[64];
			if (values) eg_st_to_real(t, values, &odd);
			if (integers) eg_st_to_i32(t, integers);
			eg_st_dims_text(&t->dims, text, sizeof text);
			free(values);
			free(integers);
			if (eg_st_find(&f, t->name) == NULL) abort();
		}
		eg_st_text_of(&f, "recipe");
		kept(eg_st_text_of(&f, "vocab"), NULL);
		kept(eg_st_text_of(&f, "task"), "vocab");
	}
	eg_st_free(&f);
	return 0;
}

/* fuzz_safetensors.c - a safetensors file from any bytes: parsed, and every element of every tensor read. */
#include "io/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	}
	eg_st_free(&f);
	return 0;
}

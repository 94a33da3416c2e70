/* fixed.c - numbers in the place of a model's open sizes. See fixed.h. */
#include "onnx/fixed.h"

#include <string.h>

static int size_of(const eg_size *sizes, const char *name) {
	for (; name && sizes->name; sizes++)
		if (!strcmp(sizes->name, name)) return sizes->size;
	return -1;
}

eg_status eg_onnx_fixed(eg_arena *a, const eg_onnx_model *m, const eg_size *sizes, eg_onnx_model *fixed, eg_error *err) {
	eg_onnx_value *in = eg_arena_alloc(a, ((size_t)m->ninputs + 1) * sizeof *in);
	*fixed = *m;
	fixed->inputs = in;
	for (int i = 0; i < m->ninputs && in; i++) {
		in[i] = m->inputs[i];
		int64_t *d = in[i].rank > 0 ? eg_arena_alloc(a, (size_t)in[i].rank * sizeof *d) : NULL;
		if (in[i].rank > 0 && !d) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a model");
		for (int k = 0; k < in[i].rank; k++)
			d[k] = in[i].dims[k] >= 0 || !in[i].open ? in[i].dims[k] : size_of(sizes, in[i].open[k]);
		if (d) in[i].dims = d;
	}
	return in ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a model");
}

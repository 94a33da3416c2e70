/* onnx_open.c - values in shapes that are open: what exporters write with Expand, ConstantOfShape and Range for a
 * batch and a time that are not known. Such a size is one of another value of the graph, so the numbers are repeated as
 * that one is.
 *
 * Sizes are taken to be below 2^24, up to which positions are exact. */
#include "core/graph.h"
#include "core/onnx_import.h"

#include <string.h>

/* The first value, outside of loops, of which a dimension is d, in a type that operators compute with; *axis: which
 * one. */
static eg_tensor of_size(eg_import *m, int64_t d, int *axis) {
	const eg_graph *g = m->graph;
	eg_tensor edge = {0}; /* of another type */
	for (int v = 0; v < g->nvalues; v++)
		for (int i = 0; i < g->values[v].dims.rank && (g->values[v].node < 0 || !g->nloops); i++) {
			if (g->values[v].dims.d[i] != d) continue;
			if (g->values[v].type == EG_F32 || g->values[v].type == EG_I32) return *axis = i, (eg_tensor){v + 1};
			if (!edge.id) *axis = i, edge = (eg_tensor){v + 1};
		}
	return edge.id ? eg_import_put(m, "cast", &edge, 1, NULL) : edge;
}

eg_tensor eg_import_positions(eg_import *m, int64_t d) {
	int axis = 0;
	const eg_tensor x = of_size(m, d, &axis);
	const int whole = 1, first = axis ? axis : EG_ZERO;
	if (x.id) return eg_import_put(m, "arange", &x, 1, (eg_import_setting[]){{.name = "axis", .ints = &first, .n = 1}, {.name = "integers", .ints = &whole, .n = 1}, {0}});
	eg_import_fail(m, "an open size that no input has is not supported in such a place");
	return x;
}

/* One number a sample: the first one there is. Of a batch there are no positions. */
static eg_tensor samples(eg_import *m, int64_t d) {
	int axis = 0, starts[EG_MAX_DIMS] = {0}, ends[EG_MAX_DIMS], axes[EG_MAX_DIMS], n = 0;
	eg_tensor x = of_size(m, d, &axis);
	const int rank = eg_tensor_dims(m->graph, x).rank;
	for (int i = 0; i < rank; i++)
		if (i != axis) ends[n] = 1, axes[n++] = i;
	if (!x.id) eg_import_fail(m, "an open size that no input has is not supported in such a place");
	if (!n || m->error.status) return x;
	x = eg_import_put(m, "slice", &x, 1, (eg_import_setting[]){{.name = "starts", .ints = starts, .n = n}, {.name = "ends", .ints = ends, .n = n}, {.name = "axes", .ints = axes, .n = n}, {0}});
	return eg_import_put(m, "squeeze", &x, 1, (eg_import_setting[]){{.name = "axes", .ints = axes, .n = n}, {0}});
}

/* Of sizes 1 but for d, which is followed by `behind` others. */
static eg_tensor like(eg_import *m, int64_t d, int behind) {
	const eg_tensor x = eg_dim_is_batch(d) ? samples(m, d) : eg_import_positions(m, d);
	int axes[EG_MAX_DIMS];
	for (int i = 0; i < behind; i++) axes[i] = i + 1;
	return behind ? eg_import_put(m, "unsqueeze", &x, 1, (eg_import_setting[]){{.name = "axes", .ints = axes, .n = behind}, {0}}) : x;
}

eg_tensor eg_import_expanded(eg_import *m, eg_tensor x, const eg_import_sizes *to) {
	int shape[EG_MAX_DIMS];
	if (to->n > EG_MAX_DIMS) eg_import_fail(m, "a shape of %d sizes is not supported", to->n);
	for (int i = 0; i < to->n && !m->error.status; i++) {
		const eg_dims d = eg_tensor_dims(m->graph, x);
		const int behind = to->n - 1 - i, at = d.rank - 1 - behind;
		const bool open = to->open && to->open[i];
		shape[i] = open ? 1 : to->v[i] < 0 || to->v[i] > INT32_MAX ? 0 : (int)to->v[i];
		if (!open && shape[i] == 0) eg_import_fail(m, "a size of %lld is not supported", (long long)to->v[i]);
		if (!open || (at >= 0 && d.d[at] == to->v[i]) || m->error.status) continue;
		x = eg_import_put(m, "expand", (eg_tensor[]){x, like(m, to->v[i], behind)}, 2, NULL);
	}
	if (to->n == 0) return x;
	return eg_import_put(m, "expand", &x, 1, (eg_import_setting[]){{.name = "shape", .ints = shape, .n = to->n}, {0}});
}

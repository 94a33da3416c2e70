/* window_onnx.c - what slides over axes, as nodes of ONNX and back: convolutions and poolings, by the names of their
 * attributes (kernel, stride, padding, ...), whatever the number of axes is. There the axes are what the rank of x
 * says, padding is one list of beginnings and ends, and a convolution knows its filters by its weights. */
#include "ops/window_onnx.h"

/* The attribute of that name in options, and its row; NULL: it has none. */
static void *field(const eg_op_info *op, const void *options, const char *name, const eg_attr **row) {
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, name)) {
			*row = &op->attrs[i];
			return (char *)options + op->attrs[i].offset;
		}
	return NULL;
}

static const int *numbers(const eg_op_info *op, const void *options, const char *name) {
	const eg_attr *row;
	return field(op, options, name, &row);
}

static int axes_of(const eg_op_info *op) {
	int n = 1;
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, "kernel") && op->attrs[i].type == EG_ATTR_INTS) n = op->attrs[i].count;
	return n;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void set_list(eg_export *x, const char *name, const int *v, int n) {
	int64_t wide[WINDOW_AXES];
	for (int i = 0; i < n; i++) wide[i] = v[i];
	eg_export_set_ints(x, name, wide, n);
}

static void set_padding(eg_export *x, const eg_op_info *op, const void *options, int n) {
	const int *begin = numbers(op, options, "padding"), *end = numbers(op, options, "padding_end"), *automatic = numbers(op, options, "auto_pad");
	int64_t pads[2 * WINDOW_AXES];
	if (automatic && *automatic) {
		eg_export_set_string(x, "auto_pad", window_pad_onnx[*automatic]);
		return;
	}
	for (int i = 0; i < n; i++) {
		pads[i] = begin[i];
		pads[n + i] = end && end[i] >= 0 ? end[i] : begin[i];
	}
	eg_export_set_ints(x, "pads", pads, 2 * n);
}

/* The weights with zeros where a filter (or channel) does not see another. */
static const char *masked(eg_export *x, eg_ints mask) {
	eg_dims d = {0};
	const real *w = eg_export_weights(x, 0, &d);
	const int64_t n = eg_dims_count(&d, 0), taps = n / mask.n;
	real *v = w ? eg_export_room(x, n) : NULL;
	for (int64_t i = 0; i < n && v; i++) v[i] = mask.at[i / taps] ? w[i] : 0;
	return v ? eg_export_reals(x, v, d) : "";
}

void window_export(eg_export *x, const char *type) {
	const eg_op_info *op = eg_export_info(x);
	const void *options = eg_export_options(x);
	const int n = axes_of(op), *kernel = numbers(op, options, "kernel"), *stride = numbers(op, options, "stride"),
		  *dilation = numbers(op, options, "dilation"), *groups = numbers(op, options, "groups"),
		  *more = numbers(op, options, "output_padding");
	const eg_attr *row;
	const eg_ints *mask = field(op, options, "mask", &row), *shape = field(op, options, "output_shape", &row);
	int steps[WINDOW_AXES];
	for (int i = 0; i < n; i++) steps[i] = stride[i] ? stride[i] : kernel[i]; /* left out, it is the kernel's */
	const bool *ceil = field(op, options, "ceil_mode", &row), *excluded = field(op, options, "count_include_pad", &row);
	if (*eg_export_out(x, 1)) eg_export_fail(x, "ONNX counts the places of maxima through all channels, here they are within one");
	const char *weights = mask && mask->at ? masked(x, *mask) : eg_export_param(x, 0);
	eg_export_node(x, type, EG_NAMES(eg_export_in(x, 0), weights, eg_export_param(x, 1)), EG_NAMES(eg_export_out(x, 0)));
	set_list(x, "kernel_shape", kernel, n);
	set_list(x, "strides", steps, n);
	set_padding(x, op, options, n);
	if (dilation) set_list(x, "dilations", dilation, n);
	if (groups) eg_export_set_int(x, "group", *groups);
	if (shape && shape->at) set_list(x, "output_shape", shape->at, shape->n);
	else if (more) set_list(x, "output_padding", more, n);
	if (ceil) eg_export_set_int(x, "ceil_mode", *ceil);
	if (excluded) eg_export_set_int(x, "count_include_pad", !*excluded);
}

/* ---- back -------------------------------------------------------------------------------------------------------- */

/* A list of n numbers, or n times `absent`. */
static void get_list(eg_import *m, const char *name, int absent, int *to, int n) {
	int64_t wide[2 * WINDOW_AXES];
	int have = eg_import_int_list(m, name, wide, 2 * WINDOW_AXES);
	if (have >= 0 && have != n) eg_import_fail(m, "attribute '%s' has %d numbers, %d are needed", name, have, n);
	for (int i = 0; i < n; i++) {
		int64_t v = have == n ? wide[i] : absent;
		if (v < 0 || v > OP_SIZE_MAX) eg_import_fail(m, "number %d of attribute '%s' is %lld", i + 1, name, (long long)v);
		to[i] = (int)v;
	}
}

static void get_padding(eg_import *m, const eg_op_info *op, void *options, int n) {
	const char *automatic = eg_import_string(m, "auto_pad", "NOTSET");
	int pads[2 * WINDOW_AXES], *begin = (int *)numbers(op, options, "padding"), *end = (int *)numbers(op, options, "padding_end"), which = -1;
	get_list(m, "pads", 0, pads, 2 * n);
	for (int i = 0; window_pad_onnx[i]; i++)
		if (!strcmp(automatic, window_pad_onnx[i])) which = i;
	if (which < 0) eg_import_fail(m, "auto_pad is '%.40s'", automatic);
	if (which > 0) *(int *)numbers(op, options, "auto_pad") = which;
	for (int i = 0; i < n && which <= 0; i++) {
		begin[i] = pads[i];
		end[i] = pads[n + i] ? pads[n + i] : EG_ZERO;
	}
}

/* Weights (filters, C/groups, kernel), of a transposed convolution (C, filters/groups, kernel). */
static eg_dims get_weights(eg_import *m, const eg_op_info *op, void *options, int n, bool transposed) {
	const eg_dims w = eg_import_in_dims(m, 1);
	const eg_attr *row;
	int64_t groups = eg_import_int(m, "group", 1);
	if (w.rank != n + 2 || groups < 1 || groups > OP_SIZE_MAX || !eg_import_known(m, 1)) {
		eg_import_fail(m, "W must be numbers of the model with %d dimensions", n + 2);
		return w;
	}
	*(int *)numbers(op, options, "filters") = (int)(transposed ? w.d[1] * groups : w.d[0]);
	*(int *)numbers(op, options, "groups") = (int)groups;
	*(bool *)field(op, options, "bias", &row) = !eg_import_has_in(m, 2);
	for (int i = 0; i < n; i++) ((int *)numbers(op, options, "kernel"))[i] = (int)w.d[2 + i];
	return w;
}

static void get_options(eg_import *m, const eg_op_info *op, void *options, int n) {
	const eg_attr *row;
	int *kernel = (int *)numbers(op, options, "kernel"), given[WINDOW_AXES], *dilation = (int *)numbers(op, options, "dilation"), spread[WINDOW_AXES],
	    *more = (int *)numbers(op, options, "output_padding");
	get_list(m, "kernel_shape", 0, given, n);
	for (int i = 0; i < n; i++) {
		if (given[i] && kernel[i] && given[i] != kernel[i]) eg_import_fail(m, "kernel_shape is not that of W");
		if (given[i]) kernel[i] = given[i];
	}
	get_list(m, "strides", 1, (int *)numbers(op, options, "stride"), n);
	get_padding(m, op, options, n);
	get_list(m, "dilations", 1, spread, n);
	for (int i = 0; i < n; i++) {
		if (!dilation && spread[i] != 1) eg_import_fail(m, "dilations are not supported for averages");
		if (dilation) dilation[i] = spread[i];
	}
	if (more) get_list(m, "output_padding", 0, more, n);
	if (field(op, options, "ceil_mode", &row)) *(bool *)field(op, options, "ceil_mode", &row) = eg_import_int(m, "ceil_mode", 0) != 0;
	else if (eg_import_int(m, "ceil_mode", 0)) eg_import_fail(m, "ceil_mode is not supported for norms");
	if (field(op, options, "p", &row)) *(int *)field(op, options, "p", &row) = (int)eg_import_int(m, "p", 2);
	if (field(op, options, "count_include_pad", &row))
		*(bool *)field(op, options, "count_include_pad", &row) = !eg_import_int(m, "count_include_pad", 0);
}

bool window_import(eg_import *m, const char *name) {
	_Alignas(max_align_t) char options[256] = {0};
	const eg_op_info *op = eg_op_find(name);
	const eg_attr *row;
	const int n = axes_of(op);
	const bool weighted = op->params != NULL, transposed = numbers(op, options, "output_padding") != NULL;
	int64_t shape[WINDOW_AXES];
	int sizes[WINDOW_AXES];
	if (eg_import_in_dims(m, 0).rank != n + 2) return false; /* another number of axes: another operator */
	eg_dims w = {0};
	if (weighted) w = get_weights(m, op, options, n, transposed);
	get_options(m, op, options, n);
	if (!weighted) eg_import_int(m, "storage_order", 0); /* of the places: onnx_more.c */
	const int asked = transposed ? eg_import_int_list(m, "output_shape", shape, WINDOW_AXES) : -1;
	for (int i = 0; i < asked; i++) sizes[i] = shape[i] > 0 && shape[i] < OP_SIZE_MAX ? (int)shape[i] : -1;
	if (asked >= 0) *(eg_ints *)field(op, options, "output_shape", &row) = (eg_ints){sizes, asked};
	eg_tensor in = eg_import_in(m, 0), y = eg_import_apply(m, name, options, &in, 1);
	if (weighted) eg_import_param(m, y, "weight", eg_import_reals(m, 1, NULL), eg_dims_count(&w, 0));
	if (weighted && eg_import_has_in(m, 2)) {
		eg_dims b;
		const real *v = eg_import_reals(m, 2, &b);
		if (v) eg_import_param(m, y, "bias", v, eg_dims_count(&b, 0));
	}
	eg_import_out(m, 0, y);
	return true;
}

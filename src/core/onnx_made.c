/* onnx_made.c - operators of ONNX without one of ours whose results are known when the graph is made, because all that
 * they read is: windows, bits, positions of what is not 0, single matrices. */
#include "core/onnx_import.h"

#include <math.h>
#include <string.h>

static const eg_onnx_tensor *numbers(eg_import *m, int i) {
	const eg_import_name *k = eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL;
	return k ? k->numbers : NULL;
}

/* Are inputs 0 to n - 1 there? What is left out has no numbers. */
static bool given(eg_import *m, int n) {
	bool all = true;
	for (int i = 0; i < n; i++) all &= numbers(m, i) != NULL;
	if (!all) eg_import_fail(m, "it needs %d input%s", n, n == 1 ? "" : "s");
	return all;
}

/* Real numbers in the type that is asked for. */
static bool put_reals(eg_import *m, eg_onnx_type type, const eg_dims *dims, const double *v) {
	const int64_t n = eg_dims_count(dims, 0);
	if (type == EG_ONNX_DOUBLE) return eg_import_put_numbers(m, 0, type, dims, v), true;
	float *f = eg_import_take(m, (size_t)n * sizeof *f);
	int64_t *w = eg_import_take(m, (size_t)n * sizeof *w);
	if (type != EG_ONNX_FLOAT && type != EG_ONNX_INT64 && type != EG_ONNX_INT32) eg_import_fail(m, "results of such a type are not supported");
	for (int64_t i = 0; i < n && f && w; i++) f[i] = (float)v[i], w[i] = (int64_t)v[i];
	if (type == EG_ONNX_FLOAT) eg_import_put_numbers(m, 0, type, dims, f);
	else eg_import_put_numbers(m, 0, EG_ONNX_INT64, dims, w);
	return true;
}

/* Sums of cosines; `a`: their weights, with signs. */
static bool window(eg_import *m, double a0, double a1, double a2) {
	const double size = eg_import_number(m, 0), pi = 3.14159265358979323846;
	const eg_onnx_type type = (eg_onnx_type)eg_import_int(m, "output_datatype", EG_ONNX_FLOAT);
	const double period = eg_import_int(m, "periodic", 1) ? size : size - 1;
	if (!(size >= 1 && size <= 1 << 24)) return eg_import_fail(m, "a window of %g numbers is not supported", size), true;
	const eg_dims dims = {1, {(int64_t)size}};
	double *v = eg_import_take(m, (size_t)dims.d[0] * sizeof *v);
	for (int64_t i = 0; i < dims.d[0] && v; i++) {
		const double at = period > 0 ? 2 * pi * (double)i / period : pi;
		v[i] = a0 - a1 * cos(at) + a2 * cos(2 * at);
	}
	return v ? put_reals(m, type, &dims, v) : true;
}

/* A place of a matrix is 1 on a diagonal. */
static bool eye(eg_import *m) {
	const eg_onnx_tensor *t = numbers(m, 0);
	const eg_onnx_type type = (eg_onnx_type)eg_import_int(m, "dtype", t->type);
	const int64_t k = eg_import_int(m, "k", 0);
	eg_dims d;
	const int64_t n = eg_import_count(t, &d);
	if (n < 1 || d.rank != 2 || k > INT32_MAX || k < -INT32_MAX) return eg_import_fail(m, "it needs a matrix"), true;
	double *v = eg_import_take(m, (size_t)n * sizeof *v);
	for (int64_t i = 0; i < d.d[0] && v; i++)
		if (i + k >= 0 && i + k < d.d[1]) v[i * d.d[1] + i + k] = 1;
	return v ? put_reals(m, type, &d, v) : true;
}

/* Shifts of unsigned numbers of one shape. */
static bool bit_shift(eg_import *m) {
	const eg_onnx_tensor *a = numbers(m, 0), *b = numbers(m, 1);
	const bool left = !strcmp(eg_import_string(m, "direction", ""), "LEFT");
	eg_dims d, e;
	const int64_t n = eg_import_count(a, &d), by = eg_import_count(b, &e);
	const size_t size = eg_onnx_type_size(a->type);
	if (n < 1 || by != n || a->type != b->type || !eg_import_is_integer(a->type)) return eg_import_fail(m, "it needs whole numbers of one type and shape"), true;
	char *v = eg_import_take(m, (size_t)n * size);
	for (int64_t i = 0; i < n && v; i++) {
		uint64_t x = 0, s = 0; /* little-endian, as files are read only there */
		memcpy(&x, (const char *)a->data + (size_t)i * size, size);
		memcpy(&s, (const char *)b->data + (size_t)i * size, size);
		x = s > 63 ? 0 : left ? x << s : x >> s;
		memcpy(v + (size_t)i * size, &x, size);
	}
	if (v) eg_import_put_numbers(m, 0, a->type, &d, v);
	return true;
}

/* Where numbers are not 0: a column for each. */
static bool non_zero(eg_import *m) {
	const eg_onnx_tensor *t = numbers(m, 0);
	eg_dims d;
	const int64_t n = eg_import_count(t, &d), rank = d.rank;
	int64_t found = 0;
	if (n < 0 || t->type == EG_ONNX_STRING || rank < 1) return false;
	for (int64_t i = 0; i < n; i++) found += eg_import_number_at(t, i) != 0;
	int64_t *v = eg_import_take(m, (size_t)(rank * found) * sizeof *v), at = 0;
	for (int64_t i = 0; i < n && v; i++) {
		if (eg_import_number_at(t, i) == 0) continue;
		for (int64_t k = rank - 1, left = i; k >= 0; left /= d.d[k--]) v[k * found + at] = left % d.d[k];
		at++;
	}
	if (v) eg_import_put_numbers(m, 0, EG_ONNX_INT64, &(eg_dims){2, {rank, found}}, v);
	return true;
}

bool eg_import_made(eg_import *m) {
	const char *type = m->node->type;
	if (!strcmp(type, "HannWindow")) return window(m, 0.5, 0.5, 0);
	if (!strcmp(type, "HammingWindow")) return window(m, 25.0 / 46, 21.0 / 46, 0);
	if (!strcmp(type, "BlackmanWindow")) return window(m, 0.42, 0.5, 0.08);
	if (!strcmp(type, "EyeLike")) return !given(m, 1) || eye(m);
	if (!strcmp(type, "BitShift")) return !given(m, 2) || bit_shift(m);
	if (!strcmp(type, "NonZero")) return !given(m, 1) || non_zero(m);
	return false;
}

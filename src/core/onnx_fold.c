/* onnx_fold.c - what a model computes of numbers and sizes alone. Exporters write sizes as networks of their own:
 * Shape, then Gather, Concat, Cast ...; what comes out goes into Reshape, Expand, Slice. All of it is gone when the
 * graph is made.
 *
 * Integers are computed here, in one row or, without open sizes, in any shape; an open size stays one, and what
 * cannot be said of it is refused. Everything else whose inputs are numbers of the model is computed by the engine, as
 * a model of one node. */
#include "core/graph.h"
#include "core/onnx_import.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST_SIZES = 256, LARGEST_FILL = 1 << 24 };

/* What is computed when the graph is made takes so many bytes and multiply-adds, a node. */
static const size_t LARGEST_ALONE = (size_t)1 << 29;
static const double MOST_ALONE = 1e9;

/* Integers of any shape; open: which are sizes of the graph. */
typedef struct ints {
	eg_dims dims;
	int64_t n;
	int64_t *v;
	bool *open;
} ints;

static ints new_ints(eg_import *m, eg_dims dims) {
	ints a = {.dims = dims, .n = eg_dims_count(&dims, 0)};
	if (a.n > LARGEST_FILL) eg_import_fail(m, "%lld integers are too many to be computed when the graph is made; %d are not", (long long)a.n, LARGEST_FILL);
	a.v = eg_import_take(m, (size_t)a.n * sizeof *a.v);
	a.open = eg_import_take(m, (size_t)a.n);
	return a;
}
static eg_dims row(int64_t n) { return (eg_dims){1, {n}}; }
static bool any_open(const ints *a) {
	bool any = false;
	for (int64_t i = 0; i < a->n && a->open; i++) any |= a->open[i];
	return any;
}

/* ---- inputs and results ------------------------------------------------------------------------------------------ */

static eg_import_name *in_name(eg_import *m, int i) { return eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL; }

static bool is_known(eg_import *m, int i) {
	const eg_import_name *k = in_name(m, i);
	return k && (k->numbers || k->sizes);
}

/* Input i as integers; false: it is left out, or other numbers. */
static bool get(eg_import *m, int i, ints *a) {
	const eg_import_name *k = in_name(m, i);
	eg_dims dims;
	if (k && k->sizes) {
		*a = new_ints(m, k->sizes->rank ? row(k->sizes->n) : (eg_dims){0});
		for (int e = 0; e < k->sizes->n && a->v && a->open; e++) a->v[e] = k->sizes->v[e], a->open[e] = k->sizes->open[e];
		return a->v && a->open;
	}
	const eg_onnx_tensor *t = k ? k->numbers : NULL;
	/* others would wrap at other numbers */
	if (!t || !(t->type == EG_ONNX_INT64 || t->type == EG_ONNX_INT32 || t->type == EG_ONNX_BOOL) || eg_import_count(t, &dims) < 0) return false;
	*a = new_ints(m, dims);
	for (int64_t e = 0; e < a->n && a->v; e++) a->v[e] = eg_import_int_at(t, e);
	return a->v && a->open;
}

void eg_import_put_numbers(eg_import *m, int i, eg_onnx_type type, const eg_dims *dims, const void *data) {
	eg_onnx_tensor *t = eg_import_take(m, sizeof *t);
	int64_t *d = eg_import_take(m, sizeof dims->d);
	if (!t || !d || i >= m->node->nout || !m->node->out[i] || !*m->node->out[i]) return;
	memcpy(d, dims->d, sizeof dims->d);
	eg_import_name *k = eg_import_declare(m, m->node->out[i]);
	if (!k) {
		eg_import_fail(m, "output %d '%.80s' is the name of another value too", i, m->node->out[i]);
		return;
	}
	*t = (eg_onnx_tensor){.name = k->name, .type = type, .rank = dims->rank, .dims = d, .data = data};
	k->numbers = t;
}

static bool put(eg_import *m, const ints *a, eg_onnx_type type) {
	if (!any_open(a)) {
		if (type == EG_ONNX_BOOL) {
			uint8_t *b = eg_import_take(m, (size_t)a->n);
			for (int64_t i = 0; i < a->n && b && a->v; i++) b[i] = a->v[i] != 0;
			eg_import_put_numbers(m, 0, type, &a->dims, b);
		} else {
			eg_import_put_numbers(m, 0, EG_ONNX_INT64, &a->dims, a->v);
		}
		return true;
	}
	eg_import_sizes *s = eg_import_take(m, sizeof *s);
	eg_import_name *k = a->dims.rank > 1 || a->n > MOST_SIZES ? NULL : eg_import_declare(m, m->node->out[0]);
	if (!k) eg_import_fail(m, "open sizes in such a shape are not supported");
	else if (s) {
		*s = (eg_import_sizes){a->dims.rank, (int)a->n, a->v, a->open};
		k->sizes = s;
	}
	return true;
}

static bool unknown(eg_import *m, const char *what) {
	eg_import_fail(m, "%s of a size that is open is not known before there is a plan", what);
	return true;
}

/* ---- element by element ------------------------------------------------------------------------------------------ */

typedef enum calc { NONE, ADD, SUB, MUL, DIV, MOD, MIN, MAX, EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, AND, OR, XOR } calc;
static const char *const calcs[] = {[ADD] = "Add", [SUB] = "Sub", [MUL] = "Mul", [DIV] = "Div", [MOD] = "Mod", [MIN] = "Min", [MAX] = "Max",
	[EQUAL] = "Equal", [LESS] = "Less", [LESS_EQUAL] = "LessOrEqual", [GREATER] = "Greater", [GREATER_EQUAL] = "GreaterOrEqual", [AND] = "And",
	[OR] = "Or", [XOR] = "Xor"};

/* Of integers as ONNX has them: what is too large wraps, a division goes towards 0, the rest has b's sign unless `fmod`
 * is asked for. False: a division by 0. */
static bool compute(calc c, bool fmod, int64_t a, int64_t b, int64_t *y) {
	if ((c == DIV || c == MOD) && b == 0) return false;
	switch (c) {
	case ADD: *y = (int64_t)((uint64_t)a + (uint64_t)b); break;
	case SUB: *y = (int64_t)((uint64_t)a - (uint64_t)b); break;
	case MUL: *y = (int64_t)((uint64_t)a * (uint64_t)b); break;
	case DIV: *y = b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b; break;
	case MOD: *y = b == -1 ? 0 : a % b; if (!fmod && *y && (*y < 0) != (b < 0)) *y += b; break;
	case MIN: *y = a < b ? a : b; break;
	case MAX: *y = a > b ? a : b; break;
	case EQUAL: *y = a == b; break;
	case LESS: *y = a < b; break;
	case LESS_EQUAL: *y = a <= b; break;
	case GREATER: *y = a > b; break;
	case GREATER_EQUAL: *y = a >= b; break;
	case AND: *y = a && b; break;
	case OR: *y = a || b; break;
	case XOR: *y = !a != !b; break;
	case NONE: return false;
	}
	return true;
}

/* The same where one of them, or both, is an open size, of which is known that it is at least 1. False: nothing can be
 * said. */
static bool compute_open(calc c, int64_t a, bool ao, int64_t b, bool bo, int64_t *y, bool *yo) {
	const int64_t size = ao ? a : b, other = ao ? b : a; /* of a size and a number */
	const bool same = ao && bo && a == b, one = ao != bo, first = ao;
	*yo = false;
	switch (c) {
	case ADD: *y = size; return *yo = one && other == 0;
	case SUB: *y = same ? 0 : size; *yo = !same; return same || (one && first && other == 0);
	case MUL:
		if (one && other == 0) return *y = 0, true;
		*y = one && other == 1 ? size : eg_dim_product(a, b);
		return *yo = *y != 0 && (!one || other > 0);
	case DIV: *y = same ? 1 : size; *yo = !same; return same || (one && first && other == 1);
	case MOD: *y = 0; return same || (one && first && other == 1);
	case MIN: *y = one && other <= 1 ? other : size; *yo = !one || other > 1; return same || (one && other <= 1);
	case MAX: *y = size; return *yo = same || (one && other <= 1);
	case EQUAL: *y = same; return same || (one && other <= 0);
	case LESS: *y = one && !first; return same || (one && other <= 0);
	case LESS_EQUAL: *y = same || !first || other > 0; return same || (one && (first ? other <= 0 : other <= 1)) ? (*y = same || !first, true) : false;
	case GREATER: *y = one && first; return same || (one && other <= 0);
	case GREATER_EQUAL: *y = same || first; return same || (one && (first ? other <= 1 : other <= 0));
	default: return false;
	}
}

/* Dimensions that both fit into, aligned to the right; false: there are none, or too many elements. */
static bool together(const eg_dims *a, const eg_dims *b, eg_dims *y) {
	int64_t n = 1;
	y->rank = a->rank > b->rank ? a->rank : b->rank;
	for (int i = 1; i <= y->rank; i++) {
		const int64_t p = i <= a->rank ? a->d[a->rank - i] : 1, q = i <= b->rank ? b->d[b->rank - i] : 1;
		if (p != q && p != 1 && q != 1) return false;
		y->d[y->rank - i] = p == 1 ? q : p;
		n *= y->d[y->rank - i];
		if (n > LARGEST_FILL) return false;
	}
	return true;
}

/* Where element i of y comes from. */
static int64_t place(const eg_dims *y, int64_t i, const eg_dims *from) {
	int64_t at = 0, step = 1;
	for (int k = 1; k <= y->rank; k++) {
		const int64_t here = i % y->d[y->rank - k];
		i /= y->d[y->rank - k];
		if (k > from->rank) continue;
		if (from->d[from->rank - k] > 1) at += here * step;
		step *= from->d[from->rank - k];
	}
	return at;
}

static bool elementwise(eg_import *m, calc c, const ints *a, const ints *b, ints *y) {
	eg_dims dims;
	const bool fmod = c == MOD && eg_import_int(m, "fmod", 0);
	if (!together(&a->dims, &b->dims, &dims)) {
		eg_import_fail(m, "its inputs do not fit together, or make too many numbers");
		return false;
	}
	*y = new_ints(m, dims);
	for (int64_t i = 0; i < y->n && y->v && y->open; i++) {
		const int64_t p = place(&dims, i, &a->dims), q = place(&dims, i, &b->dims);
		if (a->open[p] || b->open[q] ? !compute_open(c, a->v[p], a->open[p], b->v[q], b->open[q], &y->v[i], &y->open[i])
					     : !compute(c, fmod, a->v[p], b->v[q], &y->v[i])) {
			if (a->open[p] || b->open[q]) unknown(m, calcs[c]);
			else eg_import_fail(m, "it divides by 0");
			return false;
		}
	}
	return y->v && y->open;
}

/* Before opset 7 it is said where b's dimensions begin among a's. */
static void aligned(eg_import *m, const eg_dims *a, eg_dims *b) {
	if (eg_import_opset(m) >= 7) return;
	const int64_t axis = eg_import_int(m, "broadcast", 0) ? eg_import_int(m, "axis", -1) : -1;
	while (axis >= 0 && axis + b->rank < a->rank) b->d[b->rank++] = 1;
}

/* Numbers of double precision keep it. */
static bool fold_doubles(eg_import *m, calc c) {
	const eg_import_name *a = in_name(m, 0), *b = in_name(m, 1);
	eg_dims p, q, dims;
	if (eg_import_nin(m) != 2 || c > DIV || !a->numbers || !b->numbers || a->numbers->type != EG_ONNX_DOUBLE || b->numbers->type != EG_ONNX_DOUBLE) return false;
	if (eg_import_count(a->numbers, &p) < 1 || eg_import_count(b->numbers, &q) < 1) return false;
	aligned(m, &p, &q);
	if (!together(&p, &q, &dims)) return false;
	const int64_t n = eg_dims_count(&dims, 0);
	double *y = eg_import_take(m, (size_t)n * sizeof *y);
	for (int64_t i = 0; i < n && y; i++) {
		const double u = eg_import_number_at(a->numbers, place(&dims, i, &p)), v = eg_import_number_at(b->numbers, place(&dims, i, &q));
		y[i] = c == ADD ? u + v : c == SUB ? u - v : c == MUL ? u * v : u / v;
	}
	return eg_import_put_numbers(m, 0, EG_ONNX_DOUBLE, &dims, y), true;
}

static bool fold_calc(eg_import *m, calc c) {
	ints a, b, y;
	const bool logic = c >= EQUAL;
	if (!get(m, 0, &a)) return fold_doubles(m, c);

	for (int i = 1; i < eg_import_nin(m); i++, a = y)
		if (!get(m, i, &b)) return false;
		else if (aligned(m, &a.dims, &b.dims), !elementwise(m, c, &a, &b, &y)) return true;
	return put(m, &a, logic ? EG_ONNX_BOOL : EG_ONNX_INT64);
}

static bool fold_where(eg_import *m) {
	ints c, a, b, y;
	eg_dims dims;
	if (!get(m, 0, &c) || !get(m, 1, &a) || !get(m, 2, &b) || any_open(&c)) return false;
	if (!together(&a.dims, &b.dims, &dims) || !together(&c.dims, &dims, &dims)) return false;
	y = new_ints(m, dims);
	for (int64_t i = 0; i < y.n && y.v && y.open; i++) {
		const ints *from = c.v[place(&dims, i, &c.dims)] ? &a : &b;
		const int64_t p = place(&dims, i, &from->dims);
		y.v[i] = from->v[p], y.open[i] = from->open[p];
	}
	return put(m, &y, EG_ONNX_INT64);
}

/* Neg, Abs, Sign, Not. */
static bool fold_one(eg_import *m, const char *type) {
	ints a;
	if (!get(m, 0, &a)) return false;
	for (int64_t i = 0; i < a.n; i++) {
		const bool minus = a.v[i] < 0;
		if (a.open[i]) {
			if (!strcmp(type, "Neg") || !strcmp(type, "Not")) return unknown(m, type);
			if (!strcmp(type, "Sign")) a.v[i] = 1, a.open[i] = false;
		} else if (!strcmp(type, "Neg") || (minus && !strcmp(type, "Abs"))) a.v[i] = (int64_t)(0 - (uint64_t)a.v[i]);
		else if (!strcmp(type, "Sign")) a.v[i] = minus ? -1 : a.v[i] > 0;
		else if (!strcmp(type, "Not")) a.v[i] = !a.v[i];
	}
	return put(m, &a, !strcmp(type, "Not") ? EG_ONNX_BOOL : EG_ONNX_INT64);
}

/* ---- shapes and rows --------------------------------------------------------------------------------------------- */

static bool fold_shape(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	int64_t first = eg_import_int(m, "start", 0), end = eg_import_int(m, "end", d.rank);
	if (d.rank < 0) return false;
	first = first < 0 ? first + d.rank : first;
	end = end < 0 ? end + d.rank : end;
	first = first < 0 ? 0 : first;
	end = end > d.rank ? d.rank : end;
	ints a = new_ints(m, row(end > first ? end - first : 0));
	for (int64_t i = 0; i < a.n && a.v && a.open; i++) a.v[i] = d.d[first + i], a.open[i] = d.d[first + i] < 0;
	return put(m, &a, EG_ONNX_INT64);
}

static bool fold_size(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	ints a = new_ints(m, (eg_dims){0});
	if (d.rank < 0 || !a.v || !a.open) return false;
	a.v[0] = 1;
	for (int i = 0; i < d.rank; i++) {
		int64_t y;
		bool open = false;
		if (!a.open[0] && d.d[i] > 0) y = a.v[0] * d.d[i];
		else if (!compute_open(MUL, a.v[0], a.open[0], d.d[i], d.d[i] < 0, &y, &open)) return unknown(m, "Size");
		a.v[0] = y, a.open[0] = open;
	}
	return put(m, &a, EG_ONNX_INT64);
}

static bool fold_gather(eg_import *m) {
	ints a, at;
	if (!get(m, 0, &a) || !get(m, 1, &at) || a.dims.rank != 1 || any_open(&at) || at.dims.rank > 1) return false;
	if (eg_import_int(m, "axis", 0) > 0) return false;
	ints y = new_ints(m, at.dims);
	for (int64_t i = 0; i < y.n && y.v && y.open; i++) {
		const int64_t from = at.v[i] < 0 ? at.v[i] + a.n : at.v[i];
		if (from < 0 || from >= a.n) {
			eg_import_fail(m, "it takes element %lld of %lld", (long long)at.v[i], (long long)a.n);
			return true;
		}
		y.v[i] = a.v[from], y.open[i] = a.open[from];
	}
	return put(m, &y, EG_ONNX_INT64);
}

static bool fold_concat(eg_import *m) {
	ints part, y = {.dims = row(0)};
	for (int pass = 0; pass < 2; pass++) {
		int64_t n = 0;
		for (int i = 0; i < eg_import_nin(m); i++) {
			if (!get(m, i, &part) || part.dims.rank != 1) return false;
			for (int64_t e = 0; e < part.n && pass; e++) y.v[n + e] = part.v[e], y.open[n + e] = part.open[e];
			n += part.n;
		}
		if (!pass) y = new_ints(m, row(n));
		if (!y.v || !y.open) return true;
	}
	eg_import_int(m, "axis", 0);
	return put(m, &y, EG_ONNX_INT64);
}

/* One number of input `i`, or of the attribute that it was before opset 10. */
static bool one_of(eg_import *m, int i, const char *attr, int64_t absent, int64_t *v) {
	ints a;
	*v = absent;
	if (eg_import_int_list(m, attr, v, 1) >= 0) return true;
	if (!eg_import_has_in(m, i)) return true;
	if (!get(m, i, &a) || a.n != 1 || a.open[0]) return false;
	*v = a.v[0];
	return true;
}

/* Of a Slice along one axis. */
static bool one_slice(eg_import *m, int64_t *first, int64_t *end, int64_t *axis, int64_t *step) {
	return one_of(m, 1, "starts", 0, first) && one_of(m, 2, "ends", INT64_MAX, end) && one_of(m, 3, "axes", 0, axis) && one_of(m, 4, "steps", 1, step);
}

static bool fold_slice(eg_import *m) {
	ints a;
	int64_t first, end, axis, step;
	if (!get(m, 0, &a) || a.dims.rank != 1 || !one_slice(m, &first, &end, &axis, &step)) return false;
	if ((axis != 0 && axis != -1) || step == 0 || step < -MOST_SIZES || step > INT_MAX) return false;
	const int64_t least = step < 0 ? -1 : 0, most = step < 0 ? a.n - 1 : a.n;
	first = first < 0 ? first + a.n : first;
	end = end < 0 && end >= -a.n ? end + a.n : end < 0 ? least : end;
	first = first < 0 ? 0 : first > most ? most : first;
	end = end > a.n ? a.n : end;
	ints y = new_ints(m, row(step > 0 ? (end > first ? (end - first + step - 1) / step : 0) : (first > end ? (first - end - step - 1) / -step : 0)));
	for (int64_t i = 0; i < y.n && y.v && y.open; i++) y.v[i] = a.v[first + i * step], y.open[i] = a.open[first + i * step];
	return put(m, &y, EG_ONNX_INT64);
}

/* Squeeze, Unsqueeze, Reshape, Flatten of a row or a number that stay one. */
static bool fold_form(eg_import *m, const char *type) {
	ints a;
	if (!get(m, 0, &a) || !any_open(&a)) return false;
	if (!strcmp(type, "Squeeze")) {
		eg_import_axes(m, 1); /* there is only one */
		if (a.dims.rank == 1 && a.n == 1) a.dims = (eg_dims){0};
	} else if (!strcmp(type, "Unsqueeze")) {
		if (a.dims.rank != 0 || eg_import_axes(m, 1).n != 1) return false;
		a.dims = row(1);
	} else {
		const int n = eg_import_list(m, 1).n;
		eg_import_int(m, "allowzero", 0);
		if (n > 1) return false;
		a.dims = n ? row(a.n) : (eg_dims){0};
	}
	return put(m, &a, EG_ONNX_INT64);
}

/* Sum, product, least and largest of a row. */
static bool fold_reduce(eg_import *m, calc c) {
	ints a, y;
	if (!get(m, 0, &a) || a.dims.rank != 1 || a.n < 1) return false;
	const bool keep = eg_import_int(m, "keepdims", 1);
	eg_import_axes(m, 1);
	eg_import_int(m, "noop_with_empty_axes", 0);
	y = new_ints(m, keep ? row(1) : (eg_dims){0});
	if (!y.v || !y.open) return true;
	y.v[0] = a.v[0], y.open[0] = a.open[0];
	for (int64_t i = 1; i < a.n; i++) {
		int64_t v = 0;
		bool open = false;
		if (y.open[0] || a.open[i] ? !compute_open(c, y.v[0], y.open[0], a.v[i], a.open[i], &v, &open) : !compute(c, false, y.v[0], a.v[i], &v))
			return unknown(m, calcs[c]);
		y.v[0] = v, y.open[0] = open;
	}
	return put(m, &y, EG_ONNX_INT64);
}

static bool range_of_reals(eg_import *m) {
	const double first = eg_import_number(m, 0), end = eg_import_number(m, 1), step = eg_import_number(m, 2), n = ceil((end - first) / step);
	if (m->error.status || !(n <= LARGEST_FILL) || step == 0) return eg_import_fail(m, "its step is 0, or it is too long"), true;
	const eg_dims dims = row(n > 0 ? (int64_t)n : 0);
	float *v = eg_import_take(m, (size_t)dims.d[0] * sizeof *v);
	for (int64_t i = 0; i < dims.d[0] && v; i++) v[i] = (float)(first + (double)i * step);
	return eg_import_put_numbers(m, 0, EG_ONNX_FLOAT, &dims, v), true;
}

static bool fold_range(eg_import *m) {
	ints a[3];
	for (int i = 0; i < 3; i++)
		if (!get(m, i, &a[i])) return in_name(m, i)->numbers ? range_of_reals(m) : false;
		else if (a[i].n != 1 || a[i].open[0]) return false;
	const int64_t first = a[0].v[0], end = a[1].v[0], step = a[2].v[0];
	const double n = step ? ceil(((double)end - (double)first) / (double)step) : 0;
	if (step == 0 || n > LARGEST_FILL) {
		eg_import_fail(m, step ? "it is too long" : "its step is 0");
		return true;
	}
	ints y = new_ints(m, row(n > 0 ? (int64_t)n : 0));
	for (int64_t i = 0; i < y.n && y.v; i++) y.v[i] = first + i * step;
	return put(m, &y, EG_ONNX_INT64);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static void put_tensor(eg_import *m, const eg_onnx_tensor *t) {
	eg_dims dims;
	if (eg_import_count(t, &dims) < 0) eg_import_fail(m, "its numbers have a shape that is not supported");
	else eg_import_put_numbers(m, 0, t->type, &dims, t->data);
}

static bool fold_constant(eg_import *m) {
	const eg_onnx_attr *a;
	const eg_dims one = {0};
	if ((a = eg_import_attr(m, "value", EG_ONNX_A_TENSOR))) put_tensor(m, a->tensor);
	else if ((a = eg_import_attr(m, "value_float", EG_ONNX_A_FLOAT))) eg_import_put_numbers(m, 0, EG_ONNX_FLOAT, &one, &a->f);
	else if ((a = eg_import_attr(m, "value_int", EG_ONNX_AN_INT))) eg_import_put_numbers(m, 0, EG_ONNX_INT64, &one, &a->i);
	else if ((a = eg_import_attr(m, "value_floats", EG_ONNX_FLOATS))) eg_import_put_numbers(m, 0, EG_ONNX_FLOAT, &(eg_dims){1, {a->n}}, a->floats);
	else if ((a = eg_import_attr(m, "value_ints", EG_ONNX_INTS))) eg_import_put_numbers(m, 0, EG_ONNX_INT64, &(eg_dims){1, {a->n}}, a->ints);
	else eg_import_fail(m, "a value of this kind is not supported");
	return true;
}

/* The node's output has one number throughout, in a shape with open sizes; it is made when somebody wants to compute
 * with it. */
static bool fill_open(eg_import *m, const ints *shape, const eg_onnx_tensor *value) {
	eg_import_name *k = eg_import_declare(m, eg_import_out_name(m, 0));
	eg_import_sizes *sizes = eg_import_take(m, sizeof *sizes);
	eg_onnx_tensor *number = eg_import_take(m, sizeof *number);
	if (!k || !sizes || !number) return eg_import_fail(m, "its output has the name of another value"), true;
	*sizes = (eg_import_sizes){1, (int)shape->n, shape->v, shape->open};
	*number = *value;
	number->rank = 0;
	k->fill = number;
	k->shape = sizes;
	return true;
}

/* Numbers of one value; without a value zeros. */
static bool fold_fill(eg_import *m) {
	ints shape;
	static const float zero = 0;
	static const int64_t one = 1;
	eg_onnx_tensor value = {.type = EG_ONNX_FLOAT, .rank = 1, .dims = &one, .data = &zero};
	const eg_onnx_attr *a = eg_import_attr(m, "value", EG_ONNX_A_TENSOR);
	if (!get(m, 0, &shape) || shape.dims.rank != 1 || shape.n > EG_MAX_DIMS) return false;
	if (a) value = *a->tensor;
	eg_dims dims = {.rank = (int)shape.n}, ignored;
	if (eg_import_count(&value, &ignored) != 1 || value.type == EG_ONNX_STRING) {
		eg_import_fail(m, "its value must be one number");
		return true;
	}
	if (any_open(&shape)) return fill_open(m, &shape, &value);
	int64_t n = 1;
	for (int i = 0; i < dims.rank; i++) {
		dims.d[i] = shape.v[i];
		if (dims.d[i] < 0 || dims.d[i] > LARGEST_FILL || (n *= dims.d[i]) > LARGEST_FILL) {
			eg_import_fail(m, "a shape of such a size is not supported");
			return true;
		}
	}
	const size_t size = eg_onnx_type_size(value.type);
	char *v = eg_import_take(m, (size_t)n * size);
	for (int64_t i = 0; i < n && v; i++) memcpy(v + (size_t)i * size, value.data, size);
	eg_import_put_numbers(m, 0, value.type, &dims, v);
	return true;
}

/* Zeros stay such, as many as there will be; false: another shape comes out than the one that they are expanded to. */
static bool fold_zeros(eg_import *m) {
	ints shape;
	eg_dims dims;
	const eg_import_name *k = in_name(m, 0);
	if (!k->numbers || !get(m, 1, &shape) || shape.dims.rank != 1 || eg_import_count(k->numbers, &dims) < 1 || shape.n < dims.rank) return false;
	for (int i = 1; i <= dims.rank; i++)
		if (dims.d[dims.rank - i] != 1 && (shape.open[shape.n - i] || shape.v[shape.n - i] != dims.d[dims.rank - i])) return false;
	return fill_open(m, &shape, k->numbers);
}

/* A part of such, along an axis that is not open: the states that PyTorch cuts out for each layer of a stack. */
static bool fold_part(eg_import *m) {
	const eg_import_name *k = in_name(m, 0);
	int64_t first, end, axis, step;
	if (!k || !k->fill || !one_slice(m, &first, &end, &axis, &step) || step != 1) return false;
	axis = axis < 0 ? axis + k->shape->n : axis;
	if (axis < 0 || axis >= k->shape->n || k->shape->open[axis]) return false;
	ints shape = new_ints(m, row(k->shape->n));
	for (int64_t i = 0; i < shape.n && shape.v && shape.open; i++) shape.v[i] = k->shape->v[i], shape.open[i] = k->shape->open[i];
	if (!shape.v || !shape.open) return true;
	const int64_t n = shape.v[axis];
	first = first < 0 ? first + n : first;
	end = end < 0 ? end + n : end > n ? n : end;
	if (first < 0 || end <= first) return false;
	shape.v[axis] = end - first;
	return fill_open(m, &shape, k->fill);
}

/* Integers stay such, sizes too; other numbers are rounded as ONNX does. */
static bool fold_cast(eg_import *m) {
	ints a;
	eg_dims dims;
	const int to = (int)eg_import_int(m, "to", 0);
	const eg_import_name *k = in_name(m, 0);
	if (get(m, 0, &a) && (any_open(&a) || to == EG_ONNX_INT64 || to == EG_ONNX_INT32)) {
		if (to != EG_ONNX_INT64 && to != EG_ONNX_INT32) return unknown(m, "another type");
		return put(m, &a, EG_ONNX_INT64);
	}
	if (!k || !k->numbers || k->numbers->type == EG_ONNX_STRING || eg_import_count(k->numbers, &dims) < 0) return false;
	const int64_t n = eg_dims_count(&dims, 0);
	if (to == EG_ONNX_FLOAT) {
		float *v = eg_import_take(m, (size_t)n * sizeof *v);
		for (int64_t i = 0; i < n && v; i++) v[i] = (float)eg_import_number_at(k->numbers, i);
		eg_import_put_numbers(m, 0, EG_ONNX_FLOAT, &dims, v);
		return true;
	}
	if (to != EG_ONNX_INT64 && to != EG_ONNX_INT32 && to != EG_ONNX_BOOL) return false;
	a = new_ints(m, dims);
	for (int64_t i = 0; i < n && a.v; i++) {
		const double x = eg_import_number_at(k->numbers, i);
		a.v[i] = to == EG_ONNX_BOOL ? x != 0 : x >= 9e18 ? INT64_MAX : x > -9e18 ? (int64_t)x : INT64_MIN;
	}
	return put(m, &a, (eg_onnx_type)to);
}

/* Computes it by the engine: a model of this node alone. What cannot be computed so is left to the graph. */
static bool run_alone(eg_import *m) {
	const eg_onnx_node *n = m->node;
	eg_onnx_tensor *t = eg_import_take(m, sizeof *t * (size_t)(n->nin + 1));
	eg_onnx_value *out = eg_import_take(m, sizeof *out * (size_t)(n->nout + 1));
	eg_onnx_model alone = {.opset = m->model->opset, .nnodes = 1, .nodes = n, .tensors = t, .outputs = out};
	for (int i = 0; i < n->nin && t; i++) {
		bool twice = false;
		if (!eg_import_has_in(m, i)) continue;
		for (int k = 0; k < alone.ntensors; k++) twice |= !strcmp(t[k].name, n->in[i]);
		if (twice) continue;
		t[alone.ntensors] = *in_name(m, i)->numbers;
		t[alone.ntensors++].name = n->in[i];
	}
	for (int i = 0; i < n->nout && out; i++)
		if (n->out[i] && *n->out[i]) out[alone.noutputs++] = (eg_onnx_value){.name = n->out[i]};
	eg_graph *g = NULL;
	eg_params *p = NULL;
	eg_plan *plan = NULL;
	eg_error err = {0};
	eg_cost cost;
	const eg_plan_options by_one = {.batch = 1, .time = 1};
	if (!m->error.status && !eg_onnx_import_one(m->graph->ctx, &alone, &g, &p, &err) && !eg_plan_measure(g, &by_one, &cost, &err) &&
		cost.memory.total <= LARGEST_ALONE && cost.macs <= MOST_ALONE)
		plan = eg_plan_new(g, p, &by_one, &err);
	const bool done = plan;
	if (plan) eg_plan_run(plan, 0);
	for (int i = 0; i < n->nout && done; i++) {
		if (!n->out[i] || !*n->out[i]) continue;
		const eg_tensor y = eg_graph_find(g, n->out[i]);
		const eg_dims dims = eg_plan_dims(plan, y);
		const eg_dtype type = eg_tensor_dtype(g, y);
		const size_t bytes = (size_t)eg_dims_count(&dims, 0) * eg_dtype_size(type);
		void *v = eg_import_take(m, bytes);
		if (v) memcpy(v, eg_plan_output(plan, n->out[i]), bytes);
		eg_import_put_numbers(m, i, eg_onnx_type_of(type), &dims, v);
	}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	for (int i = 0; i < n->nattrs && done; i++) m->read[i] = true; /* there they were */
	return done;
}

/* ---- the node ---------------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *type, const char *const *list) {
	while (*list && strcmp(type, *list)) list++;
	return *list;
}

static calc calc_of(const char *type) {
	for (int i = 1; i < EG_COUNT(calcs); i++)
		if (!strcmp(type, calcs[i])) return (calc)i;
	return NONE;
}

static bool fold_integers(eg_import *m, const char *type) {
	static const char *const ones[] = {"Neg", "Abs", "Sign", "Not", NULL}, *const forms[] = {"Squeeze", "Unsqueeze", "Reshape", "Flatten", NULL};
	const calc c = calc_of(type);
	if (c) return fold_calc(m, c);
	if (is_one_of(type, ones)) return fold_one(m, type);
	if (is_one_of(type, forms)) return fold_form(m, type);
	if (!strcmp(type, "Where")) return fold_where(m);
	if (!strcmp(type, "Gather")) return fold_gather(m);
	if (!strcmp(type, "Concat")) return fold_concat(m);
	if (!strcmp(type, "Slice")) return fold_slice(m);
	if (!strcmp(type, "ReduceProd")) return fold_reduce(m, MUL);
	if (!strcmp(type, "ReduceSum")) return fold_reduce(m, ADD);
	if (!strcmp(type, "ReduceMax")) return fold_reduce(m, MAX);
	if (!strcmp(type, "ReduceMin")) return fold_reduce(m, MIN);
	if (!strcmp(type, "Range")) return fold_range(m);
	return false;
}

bool eg_import_fold(eg_import *m) {
	const char *type = m->node->type ? m->node->type : "";
	bool all = m->node->nin > 0, open = false;
	if (!strcmp(type, "Constant")) return fold_constant(m);
	if (m->folding) return false;
	if (!strcmp(type, "Shape")) return fold_shape(m);
	if (!strcmp(type, "Size")) return fold_size(m);
	if (!strcmp(type, "Slice") && fold_part(m)) return true;
	for (int i = 0; i < m->node->nin; i++) {
		all &= !eg_import_has_in(m, i) || is_known(m, i);
		open |= is_known(m, i) && in_name(m, i)->sizes;
	}
	if (!all) return false;
	if (!strcmp(type, "ConstantOfShape")) return fold_fill(m);
	if (!strcmp(type, "Cast")) return fold_cast(m);
	if (!strcmp(type, "Identity")) {
		ints a;
		if (open) return get(m, 0, &a) && put(m, &a, EG_ONNX_INT64);
		return put_tensor(m, in_name(m, 0)->numbers), true;
	}
	if (fold_integers(m, type)) return true;
	if (open && !strcmp(type, "Expand") && eg_import_is_zero(m, 0) && fold_zeros(m)) return true;
	if (open) return false;
	return eg_import_made(m) || run_alone(m);
}

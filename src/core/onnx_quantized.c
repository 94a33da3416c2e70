/* onnx_quantized.c - ONNX's operators on whole numbers of 8 and 16 bits with a scale and a zero point: computed with
 * real ones of single precision, which hold whole ones up to 2^24 exactly. Sums of products that could be larger are
 * refused; what they can become is known by the weights.
 *
 * Rounding is that of onnxruntime: x / scale to the nearest whole number, of two the even one. */
#include "core/onnx_put.h"

#include <math.h>

static const double EXACT = 1 << 24;

/* ---- types ------------------------------------------------------------------------------------------------------- */

typedef struct kind {
	eg_onnx_type type;
	eg_dtype own;
	int least, most;
} kind;

static const kind kinds[] = {{EG_ONNX_UINT8, EG_U8, 0, 255}, {EG_ONNX_INT8, EG_I32, -128, 127}, {EG_ONNX_UINT16, EG_I32, 0, 65535},
	{EG_ONNX_INT16, EG_I32, -32768, 32767}};

static const eg_import_name *name_of(const eg_import *m, int i) {
	return eg_import_has_in(m, i) ? eg_import_look_up((eg_import *)m, m->node->in[i]) : NULL;
}

static eg_onnx_type type_of(const eg_import *m, const eg_import_name *k) {
	return k->numbers ? k->numbers->type : k->fill ? k->fill->type : k->type ? k->type : eg_onnx_type_of(eg_tensor_dtype(m->graph, k->value));
}

/* Of input i; where it is left out, uint8. NULL: it is none that quantised numbers have. */
static const kind *kind_of(const eg_import *m, int i) {
	const eg_import_name *k = name_of(m, i);
	for (int e = 0; e < EG_COUNT(kinds); e++)
		if (!k || kinds[e].type == type_of(m, k)) return &kinds[e];
	return NULL;
}

/* The zero point gives the result's type. */
static const kind *result_kind(eg_import *m, int zero) {
	const kind *k = kind_of(m, zero);
	if (!k) eg_import_fail(m, "results of other types than uint8, int8, uint16 and int16 are not supported");
	return k;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static eg_tensor as_real(eg_import *m, eg_tensor x) {
	return eg_tensor_dtype(eg_import_graph(m), x) == EG_F32 ? x : one(m, "cast", x, (setting[]){INT("to", EG_F32), {0}});
}

/* Input i, of one number or of one for each place of x's dimension `axis`, so that it meets that. An input that is left
 * out: {0}. */
static eg_tensor along(eg_import *m, int i, int rank, int64_t axis) {
	if (!eg_import_has_in(m, i)) return (eg_tensor){0};
	const eg_dims d = eg_import_in_dims(m, i);
	eg_tensor x = as_real(m, eg_import_in(m, i));
	int shape[EG_MAX_DIMS];
	axis = axis < 0 ? axis + rank : axis;
	if (d.rank == 0) return shaped(m, x, (const int[]){1}, 1);
	if (d.rank != 1 || d.d[0] == 1 || axis < 0 || axis >= rank) return x;
	for (int k = 0; k < rank - axis; k++) shape[k] = k ? 1 : (int)d.d[0];
	return shaped(m, x, shape, (int)(rank - axis));
}

static eg_tensor less_zero(eg_import *m, eg_tensor x, eg_tensor zero) { return zero.id ? two(m, "sub", x, zero) : x; }

/* Output i: the nearest whole numbers of x / scale (of two the even one), moved and cut off to what the type holds. */
static void quantized(eg_import *m, int i, const kind *k, eg_tensor x, eg_tensor scale, eg_tensor zero) {
	if (!k) return;
	eg_tensor y = one(m, "round", two(m, "div", x, scale), NULL);
	if (zero.id) y = two(m, "add", y, zero);
	y = one(m, "clip", y, (setting[]){REAL("min", k->least), REAL("max", k->most), {0}});
	eg_import_out(m, i, one(m, "cast", y, (setting[]){INT("to", k->own), {0}}));
	eg_import_name *name = m->error.status ? NULL : eg_import_look_up(m, eg_import_out_name(m, i));
	if (name) name->type = k->type, name->bounded = true, name->least = k->least, name->most = k->most;
}

static bool quantize(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t axis = eg_import_int(m, "axis", 1);
	eg_import_int(m, "saturate", 1); /* of other types */
	quantized(m, 0, result_kind(m, 2), as_real(m, eg_import_in(m, 0)), along(m, 1, d.rank, axis), along(m, 2, d.rank, axis));
	return true;
}

static bool dequantize(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	const int64_t axis = eg_import_int(m, "axis", 1);
	const eg_tensor x = less_zero(m, as_real(m, eg_import_in(m, 0)), along(m, 2, d.rank, axis));
	eg_import_out(m, 0, two(m, "mul", x, along(m, 1, d.rank, axis)));
	return true;
}

static eg_tensor scalar(eg_import *m, eg_tensor x) { return one(m, "squeeze", x, (setting[]){LIST("axes", (const int[]){0}, 1), {0}}); }

static bool dynamic_quantize(eg_import *m) {
	const eg_tensor x = eg_import_in(m, 0), none = number(m, 0), most = two(m, "max", one(m, "reduce_max", x, NULL), none), least = two(m, "min", one(m, "reduce_min", x, NULL), none);
	eg_tensor scale = two(m, "div", two(m, "sub", most, least), number(m, 255));
	/* of zeros alone it is 1, as in onnxruntime */
	scale = eg_import_put(m, "where", (eg_tensor[]){two(m, "equal", scale, none), number(m, 1), scale}, 3, NULL);
	eg_tensor zero = one(m, "round", two(m, "div", two(m, "sub", none, least), scale), NULL);
	zero = one(m, "clip", zero, (setting[]){REAL("min", 0), REAL("max", 255), {0}});
	quantized(m, 0, &kinds[0], x, scale, zero);
	if (eg_import_nout(m) > 1) eg_import_out(m, 1, scalar(m, scale));
	if (eg_import_nout(m) > 2) eg_import_out(m, 2, one(m, "cast", scalar(m, zero), (setting[]){INT("to", EG_U8), {0}}));
	return true;
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* Input i less its zero point, as real numbers. */
static eg_tensor centred(eg_import *m, int i, int zero, int64_t axis) {
	return less_zero(m, as_real(m, eg_import_in(m, i)), along(m, zero, eg_import_in_dims(m, i).rank, axis));
}

/* The largest size that an element of it can have. */
static double largest(eg_import *m, int i, int zero) {
	const kind *k = kind_of(m, i);
	const eg_import_name *z = name_of(m, zero);
	eg_dims d;
	double most = 0;
	if (!k) return INFINITY;
	if (z && !z->numbers) return k->most - k->least;
	const int64_t n = z ? eg_import_count(z->numbers, &d) : 1;
	for (int64_t e = 0; e < n; e++) {
		const double at = z ? eg_import_number_at(z->numbers, e) : 0;
		most = fmax(most, fmax(k->most - at, at - k->least));
	}
	return n > 0 ? most : INFINITY;
}

static bool small_enough(eg_import *m, double sum) {
	if (sum <= EXACT) return true;
	eg_import_fail(m, "sums of its products could be up to %.0f, and are exact here up to 2^24", sum);
	return false;
}

/* Input b, a matrix or several, less its zero point times what a is at most: how large sums can be. */
static bool sums_fit(eg_import *m, int a, int zero_a, int b, int zero_b) {
	const eg_dims x = eg_import_in_dims(m, a), w = eg_import_in_dims(m, b);
	const double each = largest(m, a, zero_a), other = largest(m, b, zero_b);
	const int64_t rows = x.rank < 1 ? 0 : x.d[x.rank - 1];
	if (rows < 1) return small_enough(m, INFINITY);
	const eg_import_name *z = name_of(m, zero_b);
	const eg_onnx_tensor *v = name_of(m, b) ? name_of(m, b)->numbers : NULL;
	eg_dims d = {0};
	if (!v || w.rank != 2 || w.d[0] != rows || (z && (!z->numbers || eg_import_count(z->numbers, &d) != 1))) return small_enough(m, (double)rows * each * other);
	const double zero = z ? eg_import_number_at(z->numbers, 0) : 0;
	double most = 0;
	for (int64_t c = 0; c < w.d[1]; c++) {
		double sum = 0;
		for (int64_t r = 0; r < rows; r++) sum += fabs(eg_import_number_at(v, r * w.d[1] + c) - zero);
		most = fmax(most, sum);
	}
	return small_enough(m, most * each);
}

static bool matmul_integer(eg_import *m) {
	if (!sums_fit(m, 0, 2, 1, 3)) return true;
	const eg_tensor y = two(m, "matmul", centred(m, 0, 2, -2), centred(m, 1, 3, -1));
	eg_import_out(m, 0, one(m, "cast", y, (setting[]){INT("to", EG_I32), {0}}));
	return true;
}

static bool qlinear_matmul(eg_import *m) {
	const eg_dims a = eg_import_in_dims(m, 0), b = eg_import_in_dims(m, 3);
	if (!sums_fit(m, 0, 2, 3, 5)) return true;
	const eg_tensor sums = two(m, "matmul", centred(m, 0, 2, -2), centred(m, 3, 5, -1));
	const eg_tensor scale = two(m, "mul", along(m, 1, a.rank, -2), along(m, 4, b.rank, -1));
	quantized(m, 0, result_kind(m, 7), two(m, "mul", sums, scale), along(m, 6, a.rank, -1), along(m, 7, a.rank, -1));
	return true;
}

/* The weights of a convolution, input w, less their zero points, and the largest sum of a filter's; NULL after
 * failure. */
static real *filters(eg_import *m, int w, int zero, eg_dims *d, double *most) {
	eg_dims z;
	const real *v = eg_import_reals(m, w, d), *less = eg_import_has_in(m, zero) ? eg_import_reals(m, zero, &z) : NULL;
	const int64_t n = v ? eg_dims_count(d, 0) : 0, each = n && d->rank > 0 ? n / d->d[0] : n;
	const bool apart = less && n && eg_dims_count(&z, 0) == d->d[0];
	real *u = eg_import_room(m, n);
	*most = 0;
	for (int64_t i = 0; i < n && u && !m->error.status;) {
		double sum = 0;
		for (int64_t k = 0; k < each; k++, i++) {
			u[i] = v[i] - (less ? less[apart ? i / each : 0] : 0);
			sum += fabs((double)u[i]);
		}
		*most = fmax(*most, sum);
	}
	return m->error.status ? NULL : u;
}

/* The convolution of the node, of these inputs; its weights less their zero points, which are numbers of the model. */
static eg_tensor convolved(eg_import *m, int x, int zero_x, int w, int zero_w) {
	eg_dims d;
	double most;
	real *u = filters(m, w, zero_w, &d, &most);
	const eg_tensor of = centred(m, x, zero_x, -1);
	const eg_onnx_node *node = m->node;
	eg_onnx_node conv = *node;
	const char *own = eg_import_out_name(m, 0); /* names that no model has */
	const char *in[] = {eg_arena_printf(&m->arena, "\001x%s", own), eg_arena_printf(&m->arena, "\001w%s", own)};
	const char *out[] = {eg_arena_printf(&m->arena, "\001y%s", own)};
	int64_t *dims = eg_import_take(m, sizeof d.d);
	eg_onnx_tensor *t = eg_import_take(m, sizeof *t);
	if (!in[0] || !in[1] || !out[0]) return (eg_tensor){0};
	eg_import_name *kx = eg_import_declare(m, in[0]), *kw = eg_import_declare(m, in[1]), *ky;
	if (!u || !dims || !t || !kx || !kw || !small_enough(m, most * largest(m, x, zero_x))) return (eg_tensor){0};
	memcpy(dims, d.d, sizeof d.d);
	*t = (eg_onnx_tensor){.name = in[1], .type = sizeof(real) == 8 ? EG_ONNX_DOUBLE : EG_ONNX_FLOAT, .rank = d.rank, .dims = dims, .data = u};
	eg_graph_exact(m->graph, true); /* Winograd's transforms are right to some hundred thousandths only */
	kx->value = of;
	kw->numbers = t;
	conv.type = "Conv";
	conv.nin = 2;
	conv.nout = 1;
	conv.in = in;
	conv.out = out;
	m->node = &conv;
	eg_import_by_hooks(m);
	m->node = node;
	ky = m->error.status ? NULL : eg_import_look_up(m, out[0]);
	return ky ? ky->value : (eg_tensor){0};
}

static bool conv_integer(eg_import *m) {
	eg_import_out(m, 0, one(m, "cast", convolved(m, 0, 2, 1, 3), (setting[]){INT("to", EG_I32), {0}}));
	return true;
}

static bool qlinear_conv(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0);
	eg_tensor y = convolved(m, 0, 2, 3, 5);
	/* rounded once where the sum is large, as whole numbers that become real ones */
	if (eg_import_has_in(m, 8)) y = two(m, "add", y, along(m, 8, x.rank, 1));
	const eg_tensor scale = two(m, "mul", along(m, 1, x.rank, 1), along(m, 4, x.rank, 1));
	quantized(m, 0, result_kind(m, 7), two(m, "mul", y, scale), along(m, 6, x.rank, 1), along(m, 7, x.rank, 1));
	return true;
}

bool eg_import_quantized(eg_import *m) {
	static const struct {
		const char *type;
		bool (*import)(eg_import *m);
	} list[] = {{"QuantizeLinear", quantize}, {"DequantizeLinear", dequantize}, {"DynamicQuantizeLinear", dynamic_quantize}, {"MatMulInteger", matmul_integer},
		{"QLinearMatMul", qlinear_matmul}, {"ConvInteger", conv_integer}, {"QLinearConv", qlinear_conv}};
	for (int i = 0; i < EG_COUNT(list); i++)
		if (!strcmp(list[i].type, eg_import_type(m))) return list[i].import(m);
	return false;
}

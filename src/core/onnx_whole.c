/* onnx_whole.c - arithmetic on whole numbers when a network runs: it is done with real ones of single precision, which
 * hold whole ones up to 2^24 exactly, and refused where it is not known that they stay below. What is known of a value
 * is the range of its type, if that is a short one, and what operators make of ranges.
 *
 * Comparisons are exact as soon as one side stays below: rounding keeps the order. Results wrap as those of their type
 * do. */
#include "core/graph.h"
#include "core/onnx_import.h"

#include <string.h>

/* INPUT_MOST: numbers of inputs whose type is long are taken to be below, so that some may be added up; who runs the
 * network looks (eg_onnx_bound). */
static const int64_t EXACT = INT64_C(1) << 24, INPUT_MOST = INT64_C(1) << 22;

typedef enum rule {
	SUM, DIFFERENCE, PRODUCT, QUOTIENT, REMAINDER, /* of two, or several */
	HULL,                                          /* one of all */
	FIRST,                                         /* one of the first */
	TOTAL,                                         /* sums of elements of the first */
	NEGATIVE, ABSOLUTE, SIGN, COMPARISON,
	POWER,
} rule;

/* from: which input is the first that is meant; all: those behind the first too. */
typedef struct row {
	const char *type;
	rule rule;
	int from;
	bool all;
} row;

static const row rows[] = {
	{"Add", SUM, 0, true}, {"Sum", SUM, 0, true}, {"Sub", DIFFERENCE, 0, true}, {"Mul", PRODUCT, 0, true}, {"Div", QUOTIENT, 0, true}, {"Mod", REMAINDER, 0, true},
	{"Max", HULL, 0, true}, {"Min", HULL, 0, true}, {"Where", HULL, 1, true}, {"Clip", HULL, 0, true}, {"Relu", ABSOLUTE, 0, false}, {"Neg", NEGATIVE, 0, false}, {"Abs", ABSOLUTE, 0, false},
	{"Sign", SIGN, 0, false}, {"ReduceMax", FIRST, 0, false}, {"ReduceMin", FIRST, 0, false}, {"MaxPool", FIRST, 0, false}, {"ReduceSum", TOTAL, 0, false},
	{"Equal", COMPARISON, 0, true}, {"Less", COMPARISON, 0, true}, {"LessOrEqual", COMPARISON, 0, true}, {"Greater", COMPARISON, 0, true},
	{"GreaterOrEqual", COMPARISON, 0, true}, {"Pow", POWER, 0, true},
};

typedef struct range {
	bool known;
	int64_t least, most;
} range;

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t size_of(range r) { return larger(r.most, -r.least); }
static bool fits(range r) { return r.known && r.least >= -EXACT && r.most <= EXACT; }

int64_t eg_onnx_bound(const eg_graph *g, eg_tensor input) { return input.id && g->values[input.id - 1].bounded ? INPUT_MOST : 0; }

/* ---- what is known of values ------------------------------------------------------------------------------------- */

static eg_import_name *name_of(eg_import *m, int i) { return eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL; }

static eg_onnx_type type_of(eg_import *m, const eg_import_name *k) {
	return k->numbers ? k->numbers->type : k->fill ? k->fill->type : k->type ? k->type : k->value.id ? eg_onnx_type_of(eg_tensor_dtype(m->graph, k->value)) : EG_ONNX_INT64;
}

/* All that a type holds; of the long ones nothing that helps. */
static range range_of_type(eg_onnx_type type) {
	switch (type) {
	case EG_ONNX_BOOL: return (range){true, 0, 1};
	case EG_ONNX_INT8: return (range){true, INT8_MIN, INT8_MAX};
	case EG_ONNX_UINT8: return (range){true, 0, UINT8_MAX};
	case EG_ONNX_INT16: return (range){true, INT16_MIN, INT16_MAX};
	case EG_ONNX_UINT16: return (range){true, 0, UINT16_MAX};
	default: return (range){0};
	}
}

static range range_of(eg_import *m, const eg_import_name *k) {
	const eg_onnx_tensor *t = k->numbers ? k->numbers : k->fill;
	range r = {true, INT64_MAX, INT64_MIN};
	eg_dims dims;
	if (k->bounded) return (range){true, k->least, k->most};
	if (!t) {
		r = range_of_type(type_of(m, k));
		if (r.known || !m->bounding || !k->input.id) return r;
		m->graph->values[k->input.id - 1].bounded = true;
		return (range){true, -INPUT_MOST, INPUT_MOST};
	}
	if (!eg_import_is_integer(t->type) && t->type != EG_ONNX_BOOL) return (range){0};
	const int64_t n = eg_import_count(t, &dims);
	for (int64_t i = 0; i < n; i++) {
		const double v = eg_import_number_at(t, i); /* what is beyond 2^53 is too large anyway */
		r.least = smaller(r.least, v < -1e15 ? -INT64_C(1000000000000000) : v > 1e15 ? INT64_C(1000000000000000) : (int64_t)v);
		r.most = larger(r.most, v < -1e15 ? -INT64_C(1000000000000000) : v > 1e15 ? INT64_C(1000000000000000) : (int64_t)v);
	}
	r.known = n > 0;
	return r;
}

static bool is_whole(eg_import *m, const eg_import_name *k) {
	if (!k || k->sizes) return false;
	const eg_onnx_type type = type_of(m, k);
	return eg_import_is_integer(type) || (type == EG_ONNX_BOOL && (k->numbers || k->fill || eg_tensor_dtype(m->graph, k->value) != EG_F32));
}

/* ---- ranges of results ------------------------------------------------------------------------------------------- */

/* So many elements that a sum over some axes may have. */
static int64_t terms_of(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	int64_t n = 1;
	for (int i = 0; i < d.rank; i++) n = d.d[i] < 0 || n > EXACT ? EXACT + 1 : n * d.d[i];
	return n;
}

static range of_power(range a, range b) {
	range y = {a.known && b.known && b.least >= 0, 0, 1};
	if (!y.known || size_of(a) > EXACT) return y;
	for (int64_t i = 0; i < b.most && i < 64 && size_of(a) > 1 && y.most <= EXACT; i++) y.most *= size_of(a);
	y.most = larger(y.most, size_of(a) > 0);
	y.least = a.least < 0 ? -y.most : 0;
	return y;
}

static range of_two(rule r, bool as_c, range a, range b) {
	range y = {a.known && b.known, 0, 0};
	if (r == POWER) return of_power(a, b);
	if (!y.known || size_of(a) > 2 * EXACT || size_of(b) > 2 * EXACT) return (range){y.known, -4 * EXACT, 4 * EXACT};
	const int64_t p[] = {a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most};
	const int64_t divisor = size_of(b) - 1, dividend = size_of(a);
	switch (r) {
	case SUM: y.least = a.least + b.least; y.most = a.most + b.most; break;
	case DIFFERENCE: y.least = a.least - b.most; y.most = a.most - b.least; break;
	case PRODUCT:
		y.least = smaller(smaller(p[0], p[1]), smaller(p[2], p[3]));
		y.most = larger(larger(p[0], p[1]), larger(p[2], p[3]));
		break;
	case QUOTIENT: y.least = a.least < 0 || b.least < 0 ? -dividend : 0; y.most = dividend; break;
	case REMAINDER: /* and the product on the way to it */
		if (dividend + divisor + 1 > EXACT) return (range){true, -4 * EXACT, 4 * EXACT};
		y.least = (as_c ? a.least : b.least) < 0 ? -divisor : 0;
		y.most = (as_c ? a.most : b.most) > 0 ? divisor : 0;
		break;
	default: y.least = smaller(a.least, b.least); y.most = larger(a.most, b.most); break;
	}
	return y;
}

static range of_one(eg_import *m, rule r, range a) {
	const int64_t terms = r == TOTAL ? terms_of(m) : 1;
	if (!a.known || size_of(a) > EXACT) return a;
	switch (r) {
	case TOTAL: return size_of(a) && terms > EXACT / size_of(a) ? (range){true, -4 * EXACT, 4 * EXACT} : (range){true, smaller(a.least * terms, a.least), larger(a.most * terms, a.most)};
	case NEGATIVE: return (range){true, -a.most, -a.least};
	case ABSOLUTE: return (range){true, 0, size_of(a)};
	case SIGN: return (range){true, -1, 1};
	default: return a;
	}
}

/* ---- the node ---------------------------------------------------------------------------------------------------- */

static eg_tensor cast(eg_import *m, eg_tensor x, eg_dtype to) {
	const int type = (int)to;
	return eg_tensor_dtype(m->graph, x) == to ? x : eg_import_put(m, "cast", &x, 1, (eg_import_setting[]){{.name = "to", .ints = &type, .n = 1}, {0}});
}
static eg_tensor with_number(eg_import *m, const char *op, eg_tensor x, double v) {
	const eg_real r = (eg_real)v;
	return eg_import_put(m, op, (eg_tensor[]){x, eg_constant(m->graph, &r, EG_F32, (eg_dims){0})}, 2, NULL);
}

/* y - W floor((y - least) / W): W is a power of two, so that all of it is exact. */
static eg_tensor wrapped(eg_import *m, eg_tensor y, range type) {
	const double w = (double)(type.most - type.least + 1);
	eg_tensor turns = with_number(m, "mul", type.least ? with_number(m, "sub", y, (double)type.least) : y, 1 / w);
	turns = with_number(m, "mul", eg_import_put(m, "floor", &turns, 1, NULL), w);
	return eg_import_put(m, "sub", (eg_tensor[]){y, turns}, 2, NULL);
}

/* Under a fresh name, input i as a real number. */
static const char *as_real(eg_import *m, int i) {
	eg_import_name *k = eg_import_declare(m, eg_import_fresh(m));
	if (!k) return "";
	k->value = cast(m, eg_import_raw(m, i), EG_F32);
	return k->name;
}

/* The same node of real numbers; its result. */
static eg_tensor computed(eg_import *m, const row *r) {
	const eg_onnx_node *node = m->node;
	eg_onnx_node copy = *node;
	const char **in = eg_import_take(m, sizeof *in * (size_t)(node->nin + 1)), *out[] = {eg_import_fresh(m)};
	if (!in) return (eg_tensor){0};
	for (int i = 0; i < node->nin; i++) {
		const eg_import_name *k = name_of(m, i);
		const bool limit = (i > 0 && !r->all) || (r->rule == HULL && !strcmp(r->type, "Clip") && i > 0 && k && k->numbers);
		in[i] = !k || limit || !(is_whole(m, k) || (k->numbers && k->numbers->type == EG_ONNX_BOOL)) ? node->in[i] : as_real(m, i);
	}
	copy.in = in;
	copy.out = out;
	copy.nout = 1;
	m->node = &copy;
	if (!m->error.status && !eg_import_more(m)) eg_import_by_hooks(m);
	m->node = node;
	const eg_import_name *k = m->error.status ? NULL : eg_import_look_up(m, out[0]);
	return k ? k->value : (eg_tensor){0};
}

static const row *row_of(const char *type) {
	for (int i = 0; i < EG_COUNT(rows); i++)
		if (type && !strcmp(rows[i].type, type)) return &rows[i];
	return NULL;
}

/* A comparison's result is a truth value, as a real number. */
static void compare(eg_import *m, const row *r) {
	const eg_import_name *a = name_of(m, 0), *b = name_of(m, 1);
	range p = range_of(m, a), q = range_of(m, b);
	p.least -= 1, p.most += 1; /* what others are rounded to must not be among them */
	q.least -= 1, q.most += 1;
	if (!fits(p) && !fits(q) && !m->bounding) {
		m->bounding = true;
		compare(m, r);
		m->bounding = false;
	} else if (!fits(p) && !fits(q)) eg_import_fail(m, "whole numbers are compared in single precision, and it is not known that those of one side are below 2^24");
	else eg_import_out(m, 0, computed(m, r));
}

/* What is known of the result before it wraps. */
static range range_of_result(eg_import *m, const row *r) {
	const int n = r->all ? eg_import_nin(m) : 1;
	range y = {0};
	for (int i = r->from; i < n; i++) {
		const eg_import_name *k = name_of(m, i);
		if (k) y = i == r->from ? range_of(m, k) : of_two(r->rule, r->rule == REMAINDER && eg_import_int(m, "fmod", 0), y, range_of(m, k));
	}
	if (n == 1) y = of_one(m, r->rule, y);
	const eg_onnx_type type = type_of(m, name_of(m, r->from));
	if (type == EG_ONNX_UINT32 || type == EG_ONNX_UINT64) y.known &= y.least >= 0; /* what is below wraps far */
	return y;
}

static void not_exact(eg_import *m) {
	eg_import_fail(m, "whole numbers are computed with in single precision, which is exact up to 2^24; it is not known that these stay below (types of 8 and 16 bits do)");
}

/* Of what is said of inputs where nothing else is known. */
static range bounded_result(eg_import *m, const row *r) {
	range y = range_of_result(m, r);
	if (fits(y)) return y;
	m->bounding = true;
	y = range_of_result(m, r);
	m->bounding = false;
	if (!fits(y)) not_exact(m);
	return y;
}

eg_tensor eg_import_exact(eg_import *m, int i) {
	eg_import_name *k = name_of(m, i);
	range r = k && is_whole(m, k) ? range_of(m, k) : (range){.known = true};
	m->bounding = true;
	if (!fits(r)) r = range_of(m, k);
	m->bounding = false;
	if (!fits(r)) not_exact(m);
	return cast(m, eg_import_in(m, i), EG_F32);
}

bool eg_import_whole(eg_import *m) {
	const row *r = row_of(m->node->type);
	const eg_import_name *first = r ? name_of(m, r->from) : NULL;
	if (first && r->from && is_whole(m, name_of(m, 0)) && !is_whole(m, first)) {
		/* Where, by numbers of the model, of real ones */
		eg_import_out(m, 0, computed(m, r));
		return true;
	}
	if (!first || !is_whole(m, first)) return false;
	if (r->rule == COMPARISON) {
		if (is_whole(m, name_of(m, 1))) compare(m, r);
		return is_whole(m, name_of(m, 1));
	}
	/* a real number, cut off: there is nothing exact about it */
	if (r->rule == POWER && name_of(m, 1) && !is_whole(m, name_of(m, 1))) return false;
	range y = bounded_result(m, r);
	const eg_onnx_type type = type_of(m, first);
	const range all = range_of_type(type);
	if (m->error.status) return true;
	eg_tensor t = computed(m, r);
	if (r->rule == QUOTIENT) t = cast(m, cast(m, t, EG_I32), EG_F32);
	if (all.known && (y.least < all.least || y.most > all.most)) t = wrapped(m, t, all), y = all;
	if (m->error.status) return true;
	eg_import_out(m, 0, cast(m, t, type == EG_ONNX_UINT8 ? EG_U8 : type == EG_ONNX_BOOL ? EG_BOOL : EG_I32));
	eg_import_name *k = eg_import_look_up(m, eg_import_out_name(m, 0));
	if (k) k->type = type, k->bounded = true, k->least = y.least, k->most = y.most;
	return true;
}

/* ---- what is known of results ------------------------------------------------------------------------------------ */

static bool is_one_of(const char *type, const char *const *list) {
	while (*list && strcmp(type, *list)) list++;
	return *list;
}

/* Indices along an axis. */
static range indices(eg_import *m) {
	const eg_dims d = eg_import_in_dims(m, 0);
	int64_t axis = strcmp(m->node->type, "TopK") ? 0 : -1;
	for (int i = 0; i < m->node->nattrs; i++)
		if (m->node->attrs[i].name && !strcmp(m->node->attrs[i].name, "axis")) axis = m->node->attrs[i].i;
	axis = axis < 0 ? axis + d.rank : axis;
	return axis >= 0 && axis < d.rank && d.d[axis] > 0 ? (range){true, 0, d.d[axis] - 1} : (range){0};
}

/* The node's results: their types, and ranges that the operator leaves as they are. */
void eg_import_mark(eg_import *m) {
	static const char *const truths[] = {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf", NULL},
		*const moved[] = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather", "GatherElements", "GatherND", "Expand", "Tile", "Split",
			"Concat", "Cast", "DepthToSpace", "SpaceToDepth", NULL};
	const char *type = m->node->type ? m->node->type : "";
	const bool concat = !strcmp(type, "Concat"), to_type = !strcmp(type, "Cast");
	for (int o = 0; o < m->node->nout; o++) {
		eg_import_name *k = *eg_import_out_name(m, o) ? eg_import_look_up(m, eg_import_out_name(m, o)) : NULL;
		const eg_import_name *x = name_of(m, 0);
		if (!k || k->type || !k->value.id) continue;
		if (is_one_of(type, truths)) k->type = EG_ONNX_BOOL;
		if (k->type || (eg_tensor_dtype(m->graph, k->value) == EG_F32 && !to_type)) continue;
		range r = {0};
		const bool of_first = is_one_of(type, moved) || (!strcmp(type, "TopK") && o == 0);
		if (x && of_first && !concat) k->input = x->input;
		if (!strcmp(type, "ArgMax") || !strcmp(type, "ArgMin") || (!strcmp(type, "TopK") && o == 1)) r = indices(m);
		for (int i = 0; x && of_first && i < (concat ? eg_import_nin(m) : 1); i++) {
			const range next = range_of(m, name_of(m, i));
			r = i ? of_two(HULL, false, r, next) : next;
			if (!to_type) k->type = type_of(m, x);
		}
		for (int i = 0; to_type && i < m->node->nattrs; i++)
			if (m->node->attrs[i].name && !strcmp(m->node->attrs[i].name, "to")) k->type = (eg_onnx_type)m->node->attrs[i].i;
		const range all = range_of_type(k->type ? k->type : eg_onnx_type_of(eg_tensor_dtype(m->graph, k->value)));
		if (all.known && (!r.known || r.least < all.least || r.most > all.most)) r = all;
		k->bounded = fits(r);
		k->least = r.least, k->most = r.most;
	}
}

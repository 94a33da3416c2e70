/* reshape.c - reshape, squeeze, unsqueeze: the same numbers in the same order under other dimensions, as the attributes
 * say.
 *
 * Sizes that are open stay so: what is copied from x keeps its name, and what is worked out (-1) is a name, a product
 * with the batch, or a new open size, whichever is true. Not here: flatten, fold_time and unfold_time (shape.c); what
 * moves numbers (strided.c). */
#include "ops/ops.h"

static bool contains(const eg_ints *list, int axis, int rank) {
	int at;
	for (int i = 0; i < list->n; i++)
		if (op_axis(list->at[i], rank, &at) && at == axis) return true;
	return false;
}

/* ---- reshape ----------------------------------------------------------------------------------------------------- */

typedef struct reshape_options {
	const char *name;
	eg_ints shape;
} reshape_options;

static const eg_attr reshape_attrs[] = {
	OP_INT_LIST(reshape_options, shape, NAN, EG_MAX_DIMS, -1, OP_SIZE_MAX, "shape",
		"sizes of y; 0: the one that x has at this place; -1, once: what is left"),
};

/* Sizes one behind the other: the numbers among them multiplied, and those that are open. */
typedef struct sizes {
	int64_t known, open[EG_MAX_DIMS];
	int n;
} sizes;

static void sizes_add(sizes *s, int64_t d) {
	if (d > 0) s->known *= d;
	else s->open[s->n++] = d;
}

/* Takes away what `by` has too; false: that does not divide without a rest. */
static bool sizes_divide(sizes *s, const sizes *by) {
	for (int i = 0; i < by->n; i++) {
		int k = 0;
		while (k < s->n && s->open[k] != by->open[i]) k++;
		if (k == s->n) return false;
		for (s->n--; k < s->n; k++) s->open[k] = s->open[k + 1];
	}
	if (s->known % by->known) return false;
	s->known /= by->known;
	return true;
}

static bool is_one(const sizes *s) { return s->known == 1 && s->n == 0; }

/* As one dimension; 0: there is no such. */
static int64_t sizes_as_one(eg_infer *s, const sizes *z) {
	if (z->n == 0) return z->known;
	if (z->n == 1 && z->known == 1) return z->open[0];
	return eg_infer_size(s, z->open[0]);
}

/* x[from..to) cut at its batch, which is at place `at`, both sides divided by those of y around place `p`. 0: the
 * samples would be mixed. */
static int64_t with_batch(eg_infer *s, int at, const eg_dims *y, int p) {
	const eg_dims *x = &s->in[0];
	sizes before = {.known = 1}, behind = {.known = 1}, less = {.known = 1}, beyond = {.known = 1};
	for (int i = 0; i < x->rank; i++)
		if (i != at) sizes_add(i < at ? &before : &behind, x->d[i]);
	for (int i = 0; i < y->rank; i++)
		if (i != p) sizes_add(i < p ? &less : &beyond, y->d[i]);
	if (!sizes_divide(&before, &less) || !sizes_divide(&behind, &beyond)) return 0;
	if (is_one(&before) && is_one(&behind)) return x->d[at];
	if (!is_one(&before) && !is_one(&behind)) return 0;
	const sizes *other = is_one(&before) ? &behind : &before;
	if (other->n > 1 || (other->n == 1 && other->known > 1)) return 0;
	const int64_t d = other->n ? other->open[0] : other->known;
	return other == &behind ? eg_dim_product(x->d[at], d) : eg_dim_product(d, x->d[at]);
}

/* The batch at place `at` of x stands at place p of y: does it have the same samples there? `rest` is where y's size
 * is not known yet; -1: nowhere. */
static bool samples_kept(const eg_infer *s, int at, const eg_dims *y, int p, int rest) {
	const eg_dims *x = &s->in[0];
	const bool behind = rest >= 0 && rest < p; /* what is on the other side is then compared */
	sizes a = {.known = 1}, b = {.known = 1};
	for (int i = behind ? at + 1 : 0; i < (behind ? x->rank : at); i++) sizes_add(&a, x->d[i]);
	for (int i = behind ? p + 1 : 0; i < (behind ? y->rank : p); i++) sizes_add(&b, y->d[i]);
	return sizes_divide(&a, &b) && is_one(&a);
}

static int batch_at(const eg_dims *d) {
	for (int i = 0; i < d->rank; i++)
		if (eg_dim_is_batch(d->d[i])) return i;
	return -1;
}

static eg_status cannot(const eg_infer *s, const char *why) {
	const reshape_options *o = s->options;
	char text[128], shape[128];
	size_t used = 0;
	shape[0] = '\0';
	for (int i = 0; i < o->shape.n && used < sizeof shape; i++)
		used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%d", i ? "," : "", o->shape.at[i]);
	return eg_fail(s->err, EG_ERR_SHAPE, "x %s does not fit the shape (%s): %s", eg_dims_text(&s->in[0], text, sizeof text), shape, why);
}

/* Every size but the one to be worked out, whose place goes to *rest (-1: none). */
static eg_status said_sizes(eg_infer *s, int *rest) {
	const reshape_options *o = s->options;
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	*rest = -1;
	y->rank = o->shape.n;
	for (int i = 0; i < y->rank; i++) {
		y->d[i] = o->shape.at[i] > 0 ? o->shape.at[i] : 1;
		if (o->shape.at[i] == 0 && i >= x->rank) return cannot(s, "a 0 stands where x has no dimension");
		if (o->shape.at[i] < 0 && *rest >= 0) return cannot(s, "there is more than one -1");
		if (o->shape.at[i] < 0) *rest = i;
		if (o->shape.at[i] == 0) y->d[i] = x->d[i];
	}
	return EG_OK;
}

static eg_status reshape_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	eg_dims *y = &s->out[0];
	int rest;
	sizes have = {.known = 1}, said = {.known = 1};
	s->out_type[0] = s->in_type[0];
	if (said_sizes(s, &rest)) return s->err->status;
	for (int i = 0; i < x->rank; i++) sizes_add(&have, x->d[i]);
	for (int i = 0; i < y->rank; i++) sizes_add(&said, y->d[i]);
	const int batch = batch_at(x), copied = batch_at(y);
	if (batch >= 0 && copied < 0) {
		if (rest < 0) return cannot(s, "the batch is left out");
		y->d[rest] = with_batch(s, batch, y, rest);
		return y->d[rest] ? EG_OK : cannot(s, "samples of the batch would be mixed, or the sizes do not divide");
	}
	if (batch >= 0 && !samples_kept(s, batch, y, copied, rest)) return cannot(s, "samples of the batch would be mixed");
	if (!sizes_divide(&have, &said)) {
		if (rest < 0 && batch < 0 && have.n) return EG_OK; /* told when the plan is made */
		return cannot(s, "the sizes do not divide");
	}
	if (rest >= 0) y->d[rest] = sizes_as_one(s, &have);
	else if (!is_one(&have) && have.n == 0) return cannot(s, "it would have more or fewer numbers");
	return EG_OK;
}

#define RESHAPE(...) &(const reshape_options){.shape = EG_INTS(__VA_ARGS__)}
static const eg_case reshape_cases[] = {
	{"features to pictures", RESHAPE(0, 3, -1, 5), .in = {OP_DIMS(EG_N, 60)}, .nin = 1, .batch = 18, .linear = true},
	{"without a rest", RESHAPE(0, 2, 6), .in = {OP_DIMS(EG_N, 4, 3)}, .nin = 1, .batch = 3, .linear = true},
	{"time and batch as samples", RESHAPE(-1, 6), .in = {OP_DIMS(EG_T, EG_N, 2, 3)}, .nin = 1, .batch = 6, .time = 5, .linear = true},
	{"parts of samples as samples", RESHAPE(-1, 3), .in = {OP_DIMS(EG_N, 6)}, .nin = 1, .batch = 18, .linear = true},
	{"open height and width as one", RESHAPE(0, 0, -1), .in = {OP_DIMS(EG_N, 2, EG_NAMED, EG_NAMED - 1)}, .nin = 1, .batch = 3,
		.sizes = OP_SIZES({"height", 5}, {"width", 7}), .linear = true},
	{"everything fixed", RESHAPE(15, 4), .in = {OP_DIMS(4, 3, 5)}, .nin = 1, .batch = 2, .linear = true},
	{"integers", RESHAPE(0, 2, -1), .in = {OP_DIMS(EG_N, 8)}, .type = {EG_I32}, .limit = 50, .nin = 1, .batch = 18},
};

/* ---- squeeze ----------------------------------------------------------------------------------------------------- */

typedef struct axes_options {
	const char *name;
	eg_ints axes;
} axes_options;

static const eg_attr squeeze_attrs[] = {
	OP_INT_LIST(axes_options, axes, 0, EG_MAX_DIMS, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axes",
		"dimensions of size 1 to leave out; negative counts from the end. Left out: all that are known to be 1"),
};

/* Each names a dimension of `rank`, and no two the same. */
static eg_status check_axes(const eg_infer *s, const eg_ints *axes, int rank) {
	unsigned seen = 0;
	for (int i = 0; i < axes->n; i++) {
		int at;
		if (op_axis(axes->at[i], rank, &at) && !(seen >> at & 1)) {
			seen |= 1U << at;
			continue;
		}
		return eg_fail(s->err, EG_ERR_SHAPE, "number %d of axes is %d, which is named twice or none of the %d dimensions, %d to %d", i + 1,
			axes->at[i], rank, -rank, rank - 1);
	}
	return EG_OK;
}

static eg_status squeeze_infer(eg_infer *s) {
	const axes_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	if (check_axes(s, &o->axes, x->rank)) return s->err->status;
	s->out_type[0] = s->in_type[0];
	for (int i = 0; i < x->rank; i++) {
		/* sizes that are open in the graph stay, whatever a plan makes of them */
		const bool out = o->axes.at ? contains(&o->axes, i, x->rank) : s->declared[0].d[i] == 1;
		if (out && x->d[i] != 1 && (x->d[i] > 0 || eg_dim_is_batch(x->d[i])))
			return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of x %s is not 1, and cannot be left out", i, eg_dims_text(x, text, sizeof text));
		if (!out) s->out[0].d[s->out[0].rank++] = x->d[i];
	}
	return EG_OK;
}

#define AXES(...) &(const axes_options){.axes = EG_INTS(__VA_ARGS__)}
static const eg_case squeeze_cases[] = {
	{"all", NULL, .in = {OP_DIMS(EG_N, 1, 5, 1)}, .nin = 1, .batch = 18, .linear = true},
	{"some", AXES(-1, 0), .in = {OP_DIMS(1, 4, 1, 1)}, .nin = 1, .batch = 2, .linear = true},
	{"in front of the batch", AXES(0), .in = {OP_DIMS(1, EG_N, 3)}, .nin = 1, .batch = 18, .linear = true},
	{"integers", AXES(1), .in = {OP_DIMS(EG_N, 1)}, .type = {EG_I32}, .limit = 50, .nin = 1, .batch = 18},
};

/* ---- unsqueeze --------------------------------------------------------------------------------------------------- */

static const eg_attr unsqueeze_attrs[] = {
	OP_INT_LIST(axes_options, axes, NAN, EG_MAX_DIMS, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axes",
		"where y has a dimension of size 1 that x has not; negative counts from the end of y"),
};

static eg_status unsqueeze_infer(eg_infer *s) {
	const axes_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	const int rank = x->rank + o->axes.n;
	if (rank > EG_MAX_DIMS)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s would have %d dimensions, %d are possible", eg_dims_text(x, text, sizeof text), rank,
			EG_MAX_DIMS);
	if (check_axes(s, &o->axes, rank)) return s->err->status;
	s->out_type[0] = s->in_type[0];
	s->out[0].rank = rank;
	for (int i = 0, from = 0; i < rank; i++) s->out[0].d[i] = contains(&o->axes, i, rank) ? 1 : x->d[from++];
	return EG_OK;
}

static const eg_case unsqueeze_cases[] = {
	{"pictures of rows", AXES(1, -1), .in = {OP_DIMS(EG_N, 5)}, .nin = 1, .batch = 18, .linear = true},
	{"in front of the batch", AXES(0), .in = {OP_DIMS(EG_N, 5)}, .nin = 1, .batch = 18, .linear = true},
	{"a number", AXES(0), .in = {{0}}, .nin = 1, .batch = 2, .linear = true},
	{"integers", AXES(1), .in = {OP_DIMS(EG_N)}, .type = {EG_I32}, .limit = 50, .nin = 1, .batch = 18},
};

/* ---- ONNX: lists are inputs there -------------------------------------------------------------------------------- */

static void reshape_export(eg_export *x) {
	const reshape_options *o = eg_export_options(x);
	eg_export_node(x, "Reshape", EG_NAMES(eg_export_in(x, 0), eg_export_list(x, o->shape)), EG_NAMES(eg_export_out(x, 0)));
}

static bool reshape_import(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0);
	reshape_options o = {.shape = eg_import_shape(m, 1, &x, false)};
	eg_tensor in = eg_import_in(m, 0);
	/* Zeros that are sizes which are open, not ones of the model, are those of x all the same. */
	if (eg_import_int(m, "allowzero", 0) && eg_import_has_zero(m, 1)) eg_import_fail(m, "allowzero: tensors without numbers are not supported");
	eg_import_out(m, 0, eg_import_apply(m, "reshape", &o, &in, 1));
	return true;
}

static void export_axes(eg_export *x, const char *type) {
	const axes_options *o = eg_export_options(x);
	eg_export_node(x, type, EG_NAMES(eg_export_in(x, 0), eg_export_list(x, o->axes)), EG_NAMES(eg_export_out(x, 0)));
}

/* Before opset 13 they were an attribute. */
static bool import_axes(eg_import *m, const char *op) {
	axes_options o = {.axes = eg_import_axes(m, 1)};
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, op, &o, &in, 1));
	return true;
}

static void squeeze_export(eg_export *x) { export_axes(x, "Squeeze"); }
static void unsqueeze_export(eg_export *x) { export_axes(x, "Unsqueeze"); }
static bool squeeze_import(eg_import *m) { return import_axes(m, "squeeze"); }
static bool unsqueeze_import(eg_import *m) { return import_axes(m, "unsqueeze"); }

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

#define SAME_OP(op, since, op_onnx, options, short_form, text, formula)                                                \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = OP_TEXT(text), .equation = OP_TEXT(formula),                \
		.source = OP_TEXT("ONNX " op_onnx "-" #since), .attrs = op##_attrs, .nattrs = EG_COUNT(op##_attrs),             \
		.options_size = sizeof(options), .shorthand = short_form, .min_inputs = 1, .max_inputs = 1,            \
		.inputs = (const char *const[]){"x"}, .types = "a", .outputs = (const char *const[]){"y", NULL}},      \
		.infer = op##_infer, .range = op_range_of_input, .fwd = op_same_fwd, .bwd = OP_BWD(op_same_bwd),               \
		.onnx = op_onnx, .onnx_since = since, .export = OP_ONNX(op##_export), .import = OP_ONNX(op##_import), OP_CASES(op##_cases)}

SAME_OP(reshape, 13, "Reshape", reshape_options, "shape", "The same numbers under other dimensions",
	"y (shape) = x, the same numbers in the same order");
SAME_OP(squeeze, 13, "Squeeze", axes_options, "axes", "Leaves out dimensions of size 1", "y = x without the dimensions `axes`");
SAME_OP(unsqueeze, 13, "Unsqueeze", axes_options, "axes", "Puts in dimensions of size 1", "y = x with dimensions of size 1 at `axes`");

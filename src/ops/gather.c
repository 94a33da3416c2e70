/* gather.c - gather, gather_elements, gather_nd: parts of a tensor that whole numbers name; one_hot: numbers as rows
 * of zeros and a one.
 *
 * A number that names nothing cannot stop a run: it gives NaN (integers: -1), and no gradient flows back from there.
 * Not here: rows of weights (embedding.c); putting parts into a tensor (scatter.c). */
#include "ops/index.h"

enum { X, INDICES };

static const char *const inputs[] = {"x", "indices"};

typedef struct axis_options {
	const char *name;
	int axis;
} axis_options;

static const eg_attr axis_attrs[] = {
	OP_INT(axis_options, axis, 0, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension of x in which the indices choose; negative counts from the end"),
};

static int axis_of(const eg_emit *e) {
	const axis_options *o = eg_emit_options(e);
	int axis;
	op_axis(o->axis, eg_emit_in_dims(e, X).rank, &axis);
	return axis;
}

/* x goes over its time, which a session has not as a whole. */
static void note_time(eg_infer *s, int axis) { s->info->mixes_time |= axis == 0 && op_time_first(&s->declared[X]); }

static void fwd(eg_emit *e, const eg_index_shape *s) {
	index_buffers b = {.x = eg_emit_x(e, X, EG_PLAIN), .index = eg_emit_x(e, INDICES, EG_PLAIN)};
	b.y = eg_emit_y(e, 0, EG_PLAIN);
	index_gather(e, b, s, false, false, eg_emit_in_type(e, X));
}

static void bwd(eg_emit *e, const eg_index_shape *s) {
	if (eg_emit_has_dy(e, 0) && eg_emit_needs_dx(e, X)) index_gather_bwd(e, eg_emit_x(e, INDICES, EG_PLAIN), s);
}

/* ---- gather ------------------------------------------------------------------------------------------------------ */

static eg_status gather_infer(eg_infer *s) {
	const axis_options *o = s->options;
	const eg_dims *x = &s->in[X], *index = &s->in[INDICES];
	char tx[128], ti[128];
	int axis;
	if (index_check(s, INDICES, "indices") || index_axis(s, o->axis, &axis)) return s->err->status;
	eg_dims_text(x, tx, sizeof tx);
	eg_dims_text(index, ti, sizeof ti);
	if (index_batch(x) >= 0 && index_batch(index) >= 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"x %s and indices %s both have the batch, and each sample would choose from all; gather_nd "
			"with "
			"batch_dims chooses from its own",
			tx, ti);
	if (x->rank - 1 + index->rank > EG_MAX_DIMS)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s and indices %s make %d dimensions, %d are possible", tx, ti,
			x->rank - 1 + index->rank, EG_MAX_DIMS);
	note_time(s, axis);
	s->out_type[0] = s->in_type[X];
	for (int i = 0; i < axis; i++) s->out[0].d[s->out[0].rank++] = x->d[i];
	for (int i = 0; i < index->rank; i++) s->out[0].d[s->out[0].rank++] = index->d[i];
	for (int i = axis + 1; i < x->rank; i++) s->out[0].d[s->out[0].rank++] = x->d[i];
	return EG_OK;
}

static eg_index_shape gather_shape(const eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, X), index = eg_emit_in_dims(e, INDICES);
	return index_slices(&x, axis_of(e), eg_dims_count(&index, 0));
}

static void gather_fwd(eg_emit *e) {
	const eg_index_shape s = gather_shape(e);
	fwd(e, &s);
}

static void gather_bwd(eg_emit *e) {
	const eg_index_shape s = gather_shape(e);
	bwd(e, &s);
}

static const int32_t mixed[] = {2, -1, 0, 2, -4, 3}, few[] = {1, 0, -2};

#define AXIS(a) \
	&(const axis_options) { .axis = a }
static const eg_case gather_cases[] = {
	{"rows, by samples", NULL, .in = {OP_DIMS(11, 5), OP_DIMS(EG_N, 3)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 18, .limit = 11, .linear = true},
	{"channels of samples, from the end too", AXIS(1), .in = {OP_DIMS(EG_N, 4, 7), OP_DIMS(2, 3)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 18, .values = OP_VALUES(NULL, mixed), .linear = true},
	{"one column", AXIS(-1), .in = {OP_DIMS(EG_N, 5, 6), {0}}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 3,
		.limit = 6, .linear = true},
	{"wide rows, several units", NULL, .in = {OP_DIMS(7, 300), OP_DIMS(40)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 2, .limit = 7, .linear = true},
	{"steps, an open length", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 3), OP_DIMS(3)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 5, .sizes = OP_SIZES({"length", 4}), .values = OP_VALUES(NULL, few), .linear = true},
	{"integers", AXIS(1), .in = {OP_DIMS(EG_N, 9), OP_DIMS(4)}, .type = {EG_I32, EG_I32}, .nin = 2, .batch = 18,
		.limit = 9},
};

/* ---- gather_elements --------------------------------------------------------------------------------------------- */

static eg_status elements_infer(eg_infer *s) {
	const axis_options *o = s->options;
	int axis;
	if (index_check(s, INDICES, "indices") || index_axis(s, o->axis, &axis) ||
		index_check_elements(s, INDICES, axis))
		return s->err->status;
	note_time(s, axis);
	s->out_type[0] = s->in_type[X];
	s->out[0] = s->in[INDICES];
	return EG_OK;
}

static eg_index_shape elements_shape(const eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, X), index = eg_emit_in_dims(e, INDICES);
	return index_elements(&x, &index, axis_of(e));
}

static void elements_fwd(eg_emit *e) {
	const eg_index_shape s = elements_shape(e);
	fwd(e, &s);
}

static void elements_bwd(eg_emit *e) {
	const eg_index_shape s = elements_shape(e);
	bwd(e, &s);
}

static const eg_case elements_cases[] = {
	{"classes of samples", AXIS(1), .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 2)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 18, .limit = 7, .linear = true},
	{"in the middle, less in the others", AXIS(1), .in = {OP_DIMS(EG_N, 4, 9), OP_DIMS(EG_N, 6, 5)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 3, .limit = 4, .linear = true},
	{"the first of a fixed shape, several units", NULL, .in = {OP_DIMS(5, 60, 21), OP_DIMS(7, 50, 19)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 2, .limit = 5, .linear = true},
	{"integers", AXIS(-1), .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 4)}, .type = {EG_I32, EG_I32}, .nin = 2,
		.batch = 18, .limit = 9},
};

/* ---- gather_nd --------------------------------------------------------------------------------------------------- */

typedef struct nd_options {
	const char *name;
	int batch_dims;
} nd_options;

static const eg_attr nd_attrs[] = {
	OP_INT(nd_options, batch_dims, 0, 0, EG_MAX_DIMS - 1, "batch_dims",
		"first dimensions that x and indices share: each chooses from its own part"),
};

static eg_status nd_infer(eg_infer *s) {
	const nd_options *o = s->options;
	const eg_dims *x = &s->in[X], *index = &s->in[INDICES];
	char tx[128], ti[128];
	int n;
	if (index_check(s, INDICES, "indices") || index_check_tuples(s, INDICES, o->batch_dims, &n))
		return s->err->status;
	const int rank = index->rank - 1 + x->rank - o->batch_dims - n;
	if (rank > EG_MAX_DIMS)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s and indices %s make %d dimensions, %d are possible",
			eg_dims_text(x, tx, sizeof tx), eg_dims_text(index, ti, sizeof ti), rank, EG_MAX_DIMS);
	if (index_batch(x) >= o->batch_dims && index_batch(index) >= 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"x %s and indices %s both have the batch, which is not among their first %d dimensions "
			"(batch_dims)",
			eg_dims_text(x, tx, sizeof tx), eg_dims_text(index, ti, sizeof ti), o->batch_dims);
	if (o->batch_dims == 0) note_time(s, 0);
	s->out_type[0] = s->in_type[X];
	for (int i = 0; i < index->rank - 1; i++)
		s->out[0].d[s->out[0].rank++] = i < o->batch_dims ? eg_dim_surer(x->d[i], index->d[i]) : index->d[i];
	for (int i = o->batch_dims + n; i < x->rank; i++) s->out[0].d[s->out[0].rank++] = x->d[i];
	return EG_OK;
}

static eg_index_shape nd_shape(const eg_emit *e) {
	const nd_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, X), index = eg_emit_in_dims(e, INDICES);
	return index_tuples(&x, &index, o->batch_dims);
}

static void nd_fwd(eg_emit *e) {
	const eg_index_shape s = nd_shape(e);
	fwd(e, &s);
}

static void nd_bwd(eg_emit *e) {
	const eg_index_shape s = nd_shape(e);
	bwd(e, &s);
}

static const eg_case nd_cases[] = {
	{"rows of each sample", &(const nd_options){.batch_dims = 1}, .in = {OP_DIMS(EG_N, 4, 5), OP_DIMS(EG_N, 3, 1)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 18, .limit = 4, .linear = true},
	{"elements by pairs", NULL, .in = {OP_DIMS(5, 6), OP_DIMS(EG_N, 2)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 18, .limit = 5, .linear = true},
	{"rows by pairs, several units", NULL, .in = {OP_DIMS(3, 4, 170), OP_DIMS(13, 4, 2)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 2, .limit = 3, .linear = true},
	{"integers", &(const nd_options){.batch_dims = 1}, .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 1)},
		.type = {EG_I32, EG_I32}, .nin = 2, .batch = 18, .limit = 9},
};

/* ---- one_hot ----------------------------------------------------------------------------------------------------- */

typedef struct one_hot_options {
	const char *name;
	int depth, axis;
	float on, off;
} one_hot_options;

static const eg_attr one_hot_attrs[] = {
	OP_INT(one_hot_options, depth, NAN, 1, OP_SIZE_MAX, "depth", "how many numbers there are: 0 to depth-1"),
	OP_INT(one_hot_options, axis, -1, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"which dimension of y they are; negative counts from the end"),
	OP_FLOAT(one_hot_options, on, 1, -3e38, 3e38, "values", "at the place of the index"),
	OP_FLOAT(one_hot_options, off, 0, -3e38, 3e38, "values", "everywhere else"),
};

static eg_status one_hot_infer(eg_infer *s) {
	const one_hot_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	int axis;
	if (index_check(s, 0, "indices")) return s->err->status;
	if (x->rank == EG_MAX_DIMS || !op_axis(o->axis, x->rank + 1, &axis))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"indices %s with one dimension more, %d, are not possible: at most %d dimensions, axis %d to "
			"%d",
			eg_dims_text(x, text, sizeof text), o->axis, EG_MAX_DIMS, -x->rank - 1, x->rank);
	s->out_constant[0] = true;
	s->out[0].rank = x->rank + 1;
	for (int i = 0, from = 0; i <= x->rank; i++) s->out[0].d[i] = i == axis ? o->depth : x->d[from++];
	return EG_OK;
}

static void one_hot_fwd(eg_emit *e) {
	const one_hot_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0);
	int axis;
	op_axis(o->axis, x.rank + 1, &axis);
	eg_one_hot_args a = {.depth = o->depth,
		.outer = 1,
		.inner = eg_dims_count(&x, axis),
		.on = (real)o->on,
		.off = (real)o->off};
	for (int i = 0; i < axis; i++) a.outer *= x.d[i];
	const int64_t size = a.depth * a.inner;
	a.rows = size < EG_CHUNK ? EG_CHUNK / size : 1;
	a.index = eg_emit_x(e, 0, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	OP_CALL(e, one_hot, a, 1, 1, .units = (int)((a.outer + a.rows - 1) / a.rows),
		.flops = (double)(a.outer * size));
}

static const int32_t beyond[] = {0, 5, -1, -6, 4, -5};
static void one_hot_export(eg_export *x) {
	const one_hot_options *o = eg_export_options(x);
	const real values[] = {(real)o->off, (real)o->on};
	eg_export_node(x, "OneHot", EG_NAMES(eg_export_in(x, 0), eg_export_int(x, o->depth), eg_export_reals(x, values, EG_DIMS(2))),
		EG_NAMES(eg_export_out(x, 0)));
	eg_export_set_int(x, "axis", o->axis);
}

static bool one_hot_import(eg_import *m) {
	eg_dims d;
	const double depth = eg_import_number(m, 1);
	const real *v = eg_import_reals(m, 2, &d);
	if (!v || eg_dims_count(&d, 0) != 2 || !(depth >= 1 && depth <= OP_SIZE_MAX)) {
		eg_import_fail(m, "depth must be a number from 1 on, and values two");
		return true;
	}
	const int64_t axis = eg_import_int(m, "axis", -1);
	one_hot_options o = {.depth = (int)depth, .axis = axis == 0 ? EG_ZERO : (int)axis, .off = (float)v[0], .on = (float)v[1]};
	if (v[1] == 0) o.on = EG_ZERO_F;
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "one_hot", &o, &in, 1));
	return true;
}

static const eg_case one_hot_cases[] = {
	{"classes", &(const one_hot_options){.depth = 7}, .in = {OP_DIMS(EG_N)}, .type = {EG_I32}, .nin = 1,
		.batch = 18, .limit = 7},
	{"as channels, other values", &(const one_hot_options){.depth = 5, .axis = 1, .on = 0.9f, .off = 0.1f},
		.in = {OP_DIMS(EG_N, 3, 4)}, .type = {EG_I32}, .nin = 1, .batch = 3, .limit = 5},
	{"from the end and out of range", &(const one_hot_options){.depth = 5, .axis = EG_ZERO}, .in = {OP_DIMS(6)},
		.type = {EG_I32}, .nin = 1, .batch = 2, .values = OP_VALUES(beyond)},
	{"several units", &(const one_hot_options){.depth = 900}, .in = {OP_DIMS(EG_T, EG_N)}, .type = {EG_I32},
		.nin = 1, .batch = 3, .time = 4, .limit = 900},
};

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

#define OUTSIDE \
	"an index is -size to size-1, negative ones from the end; any other gives NaN (integers: -1), and no gradient"
#define GATHER(op, kind, options, short_form, text, formula, op_onnx, since) \
	const eg_op eg_op_##op = {.info = {.name = #op, \
					  .layer = #op, \
					  .doc = OP_TEXT(text), \
					  .equation = OP_TEXT(formula "; " OUTSIDE), \
					  .source = OP_TEXT("ONNX " op_onnx "-" #since), \
					  .attrs = options##_attrs, \
					  .nattrs = EG_COUNT(options##_attrs), \
					  .options_size = sizeof(options##_options), \
					  .shorthand = short_form, \
					  .min_inputs = 2, \
					  .max_inputs = 2, \
					  .inputs = inputs, \
					  .types = "ai", \
					  .outputs = (const char *const[]){"y", NULL}}, \
		.infer = kind##_infer, \
		.range = op_range_of_input, \
		.fwd = kind##_fwd, \
		.bwd = OP_BWD(kind##_bwd), \
		.bwd_reads_x = true, \
		.onnx = op_onnx, \
		.onnx_since = since, \
		OP_CASES(kind##_cases)}

GATHER(gather, gather, axis, "axis", "Slices of a tensor along `axis`, as the indices say",
	"y (A...,I...,B...)[a,i,b] = x (A...,D,B...)[a,indices[i],b], indices (I...), D being dimension `axis`; "
	"dx[a,j,b] = sum of dy where index j stands",
	"Gather", 13);
GATHER(gather_elements, elements, axis, "axis", "Elements of a tensor along `axis`, one for each index",
	"y[i0,..,i,..] = x[i0,..,indices[i0,..,i,..],..], the index being that of dimension `axis`; y is as large as "
	"indices; dx = sums of dy where it came from",
	"GatherElements", 13);
GATHER(gather_nd, nd, nd, "batch_dims", "Elements or slices of a tensor, by tuples of indices",
	"y (A...,I...,B...)[a,i] = x (A...,D1,..,Dn,B...)[a,indices[a,i,0],..,indices[a,i,n-1]], indices "
	"(A...,I...,n), batch_dims dimensions A; dx = sums of dy "
	"where it came from",
	"GatherND", 13);

const eg_op eg_op_one_hot = {
	.info = {
		.name = "one_hot",
		.layer = "one_hot",
		.doc = OP_TEXT("Whole numbers as rows that are `on` at their place and `off` elsewhere"),
		.equation = OP_TEXT("y (A...,depth,B...)[a,k,b] = on where indices (A...,B...)[a,b] is k or k - depth, "
			    "else off; an index that is neither is off everywhere"),
		.source = OP_TEXT("ONNX OneHot-11, depth and values as attributes"),
		.attrs = one_hot_attrs,
		.nattrs = EG_COUNT(one_hot_attrs),
		.options_size = sizeof(one_hot_options),
		.shorthand = "depth",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"indices"},
		.types = "i",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = one_hot_infer,
	.fwd = one_hot_fwd,
	.no_gradient = "whole numbers have none",
	.onnx = "OneHot",
	.onnx_since = 11,
	.export = OP_ONNX(one_hot_export),
	.import = OP_ONNX(one_hot_import),
	OP_CASES(one_hot_cases),
};

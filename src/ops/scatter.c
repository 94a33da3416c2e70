/* scatter.c - scatter_elements, scatter_nd: a tensor with parts put in, or added, multiplied, compared, where whole
 * numbers say.
 *
 * An index that names nothing changes nothing. Where several parts meet, the last one stays (reduction none), and it
 * alone gets the gradient; a product's is that of the others, zeros among them or not; a maximum's is shared by those
 * that are it. Not here: taking parts out (gather.c). */
#include "ops/flat.h"
#include "ops/index.h"

enum { X, INDICES, UPDATES };

static const char *const inputs[] = {"x", "indices", "updates"};
static const char *const reductions[] = {"none", "add", "mul", "max", "min", NULL};

typedef struct elements_options {
	const char *name;
	int axis, reduction;
} elements_options;

typedef struct nd_options {
	const char *name;
	int reduction, batch_dims;
} nd_options;

#define REDUCTION(T) \
	OP_ENUM(T, reduction, reductions, "reduction", \
		"what becomes of the element of x and of several updates for one")
static const eg_attr elements_attrs[] = {
	OP_INT(elements_options, axis, 0, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "axis",
		"dimension of x in which the indices choose; negative counts from the end"),
	REDUCTION(elements_options),
};

static const eg_attr nd_attrs[] = {
	REDUCTION(nd_options),
	OP_INT(nd_options, batch_dims, 0, 0, EG_MAX_DIMS - 1, NULL,
		"first dimensions that all inputs share: each chooses in its own part"),
};

/* ---- dimensions -------------------------------------------------------------------------------------------------- */

static eg_status check_types(eg_infer *s, int reduction) {
	if (index_check(s, INDICES, "indices")) return s->err->status;
	if (s->in_type[X] != s->in_type[UPDATES])
		return eg_fail(s->err, EG_ERR_ARG,
			"x and updates must both hold floating-point numbers (EG_F32), or both integers (EG_I32)");
	if (s->in_type[X] == EG_I32 && reduction)
		return eg_fail(s->err, EG_ERR_ARG,
			"the reduction %s is for floating-point numbers (EG_F32), x holds integers (EG_I32); none is "
			"possible",
			reductions[reduction]);
	s->out_type[0] = s->in_type[X];
	s->out[0] = s->in[X];
	return EG_OK;
}

static eg_status elements_infer(eg_infer *s) {
	const elements_options *o = s->options;
	char ti[128], tu[128];
	int axis;
	if (check_types(s, o->reduction) || index_axis(s, o->axis, &axis) || index_check_elements(s, INDICES, axis))
		return s->err->status;
	s->info->mixes_time |= axis == 0 && op_time_first(&s->declared[X]);
	if (eg_dims_fit(&s->in[INDICES], &s->in[UPDATES])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "updates %s must have the dimensions of indices %s",
		eg_dims_text(&s->in[UPDATES], tu, sizeof tu), eg_dims_text(&s->in[INDICES], ti, sizeof ti));
}

static eg_status nd_infer(eg_infer *s) {
	const nd_options *o = s->options;
	const eg_dims *x = &s->in[X], *index = &s->in[INDICES];
	eg_dims want = {0};
	char have[128], text[128];
	int n;
	if (check_types(s, o->reduction) || index_check_tuples(s, INDICES, o->batch_dims, &n)) return s->err->status;
	if (index_batch(x) >= 0 && index_batch(x) >= o->batch_dims)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"the batch of x %s is not among its first %d dimensions (batch_dims)",
			eg_dims_text(x, text, sizeof text), o->batch_dims);
	for (int i = 0; i < index->rank - 1; i++) want.d[want.rank++] = index->d[i];
	bool fits = want.rank + x->rank - o->batch_dims - n <= EG_MAX_DIMS;
	for (int i = o->batch_dims + n; i < x->rank && fits; i++) want.d[want.rank++] = x->d[i];
	s->info->mixes_time |= o->batch_dims == 0 && op_time_first(&s->declared[X]);
	if (fits && eg_dims_fit(&want, &s->in[UPDATES])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE,
		"updates is %s, indices need %s: their dimensions but the last, and those of x behind",
		eg_dims_text(&s->in[UPDATES], have, sizeof have), eg_dims_text(&want, text, sizeof text));
}

/* ---- one job for both -------------------------------------------------------------------------------------------- */

typedef struct job {
	eg_emit *e;
	eg_index_shape s;
	eg_buf index, dy;
	int64_t n, m; /* elements of x, of updates */
	eg_scatter_op op;
} job;

static job job_of(eg_emit *e, const eg_index_shape *s, int reduction) {
	const eg_dims x = eg_emit_in_dims(e, X);
	return (job){.e = e,
		.s = *s,
		.index = eg_emit_x(e, INDICES, EG_PLAIN),
		.n = eg_dims_count(&x, 0),
		.m = s->total * s->width,
		.op = (eg_scatter_op)reduction};
}

static_assert((int)EG_SCATTER_SET == 0 && (int)EG_SCATTER_ADD == 1 && (int)EG_SCATTER_MUL == 2 &&
		      (int)EG_SCATTER_MAX == 3 && (int)EG_SCATTER_MIN == 4,
	"the order of the attribute's names");

static void fwd(job j) {
	const eg_dtype type = eg_emit_in_type(j.e, X);
	const eg_buf x = eg_emit_x(j.e, X, EG_PLAIN), updates = eg_emit_x(j.e, UPDATES, EG_PLAIN),
		     y = eg_emit_y(j.e, 0, EG_PLAIN);
	flat_copy(j.e, x, y, j.n, false, type);
	index_scatter(j.e, updates, j.index, y, &j.s, j.op, type);
}

/* A new buffer with the rows of x; rows outside are 0. */
static eg_buf rows_of(const job *j, eg_buf x) {
	const index_buffers b = {.x = x, .index = j->index, .y = flat_temp(j->e, j->m)};
	index_gather(j->e, b, &j->s, true, false, EG_F32);
	return b.y;
}

static eg_buf of_two(const job *j, eg_binary op, eg_buf a, eg_buf b, int64_t n) {
	const eg_buf y = flat_temp(j->e, n);
	flat_binary(j->e, op, a, b, y, n);
	return y;
}

static eg_buf zeros_of(const job *j, eg_buf x, int64_t n) {
	const eg_buf y = flat_temp(j->e, n);
	flat_not(j->e, x, y, n);
	return y;
}

/* x with the rows u put in by `op`. */
static eg_buf scattered(const job *j, eg_buf x, eg_buf u, eg_scatter_op op) {
	const eg_buf y = flat_temp(j->e, j->n);
	flat_copy(j->e, x, y, j->n, false, EG_F32);
	index_scatter(j->e, u, j->index, y, &j->s, op, EG_F32);
	return y;
}

/* The gradient of input i = [that +] a b, n elements. */
static void give(const job *j, int i, eg_buf a, eg_buf b, int64_t n) {
	bool acc;
	const eg_buf d = eg_emit_dx(j->e, i, EG_PLAIN, &acc);
	if (acc)
		flat_copy(j->e, of_two(j, EG_BINARY_MUL, a, b, n), d, n, true, EG_F32);
	else
		flat_binary(j->e, EG_BINARY_MUL, a, b, d, n);
}

static void give_rows(const job *j, eg_buf from, eg_buf owner) {
	bool acc;
	const index_buffers b = {
		.x = from, .index = j->index, .owner = owner, .y = eg_emit_dx(j->e, UPDATES, EG_PLAIN, &acc)};
	index_gather(j->e, b, &j->s, true, acc, EG_F32);
}

/* What was written over has no gradient; of several writers the last has it. */
static void set_bwd(const job *j) {
	const eg_buf none = {0};
	bool acc;
	if (eg_emit_needs_dx(j->e, X)) {
		const eg_buf dx = eg_emit_dx(j->e, X, EG_PLAIN, &acc), to = acc ? flat_temp(j->e, j->n) : dx;
		flat_copy(j->e, j->dy, to, j->n, false, EG_F32);
		index_scatter(j->e, none, j->index, to, &j->s, EG_SCATTER_SET, EG_F32);
		if (acc) flat_copy(j->e, to, dx, j->n, true, EG_F32);
	}
	if (eg_emit_needs_dx(j->e, UPDATES)) {
		const eg_buf owner = flat_temp(j->e, j->n); /* whole numbers, which are not larger */
		index_scatter(j->e, none, j->index, owner, &j->s, EG_SCATTER_OWN, EG_F32);
		give_rows(j, j->dy, owner);
	}
}

static void add_bwd(const job *j) {
	if (eg_emit_needs_dx(j->e, X)) {
		bool acc;
		const eg_buf dx = eg_emit_dx(j->e, X, EG_PLAIN, &acc);
		flat_copy(j->e, j->dy, dx, j->n, acc, EG_F32);
	}
	if (eg_emit_needs_dx(j->e, UPDATES)) give_rows(j, j->dy, (eg_buf){0});
}

/* Shared by all that are the result. */
static void choice_bwd(const job *j) {
	const eg_buf y = eg_emit_y(j->e, 0, EG_PLAIN);
	const eg_buf is_x = of_two(j, EG_BINARY_EQUAL, eg_emit_x(j->e, X, EG_PLAIN), y, j->n);
	const eg_buf is_u = of_two(j, EG_BINARY_EQUAL, eg_emit_x(j->e, UPDATES, EG_PLAIN), rows_of(j, y), j->m);
	const eg_buf share = of_two(j, EG_BINARY_DIV, j->dy, scattered(j, is_x, is_u, EG_SCATTER_ADD), j->n);
	if (eg_emit_needs_dx(j->e, X)) give(j, X, is_x, share, j->n);
	if (eg_emit_needs_dx(j->e, UPDATES)) give(j, UPDATES, is_u, rows_of(j, share), j->m);
}

/* dy times the product of all that is not 0, divided by the factor if it is not, where no other factor is 0: `one`
 * stands for x or updates, with what is 0 in it and what of the product and of the number of zeros belongs to each
 * element. */
static void factor_bwd(const job *j, int i, eg_buf one, eg_buf zero, eg_buf product, eg_buf zeros, int64_t n) {
	const eg_buf others = of_two(j, EG_BINARY_SUB, zeros, zero, n);
	const eg_buf quotient = of_two(j, EG_BINARY_DIV, product, one, n);
	give(j, i, quotient, zeros_of(j, others, n), n);
}

static void product_bwd(const job *j) {
	const eg_buf x = eg_emit_x(j->e, X, EG_PLAIN), u = eg_emit_x(j->e, UPDATES, EG_PLAIN);
	const eg_buf zero_x = zeros_of(j, x, j->n), zero_u = zeros_of(j, u, j->m);
	const eg_buf one_x = of_two(j, EG_BINARY_ADD, x, zero_x, j->n),
		     one_u = of_two(j, EG_BINARY_ADD, u, zero_u, j->m); /* 1 for 0 */
	const eg_buf zeros = scattered(j, zero_x, zero_u, EG_SCATTER_ADD);
	const eg_buf product = of_two(j, EG_BINARY_MUL, scattered(j, one_x, one_u, EG_SCATTER_MUL), j->dy, j->n);
	if (eg_emit_needs_dx(j->e, X)) factor_bwd(j, X, one_x, zero_x, product, zeros, j->n);
	if (eg_emit_needs_dx(j->e, UPDATES))
		factor_bwd(j, UPDATES, one_u, zero_u, rows_of(j, product), rows_of(j, zeros), j->m);
}

static void bwd(job j) {
	j.dy = eg_emit_dy(j.e, 0, EG_PLAIN);
	if (!j.dy.p || (!eg_emit_needs_dx(j.e, X) && !eg_emit_needs_dx(j.e, UPDATES))) return;
	switch (j.op) {
	case EG_SCATTER_SET: set_bwd(&j); break;
	case EG_SCATTER_ADD: add_bwd(&j); break;
	case EG_SCATTER_MUL: product_bwd(&j); break;
	case EG_SCATTER_MAX:
	case EG_SCATTER_MIN: choice_bwd(&j); break;
	case EG_SCATTER_OWN: break;
	}
}

/* ---- the two ----------------------------------------------------------------------------------------------------- */

static job elements_job(eg_emit *e) {
	const elements_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, X), index = eg_emit_in_dims(e, INDICES);
	int axis;
	op_axis(o->axis, x.rank, &axis);
	const eg_index_shape s = index_elements(&x, &index, axis);
	return job_of(e, &s, o->reduction);
}

static job nd_job(eg_emit *e) {
	const nd_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, X), index = eg_emit_in_dims(e, INDICES);
	const eg_index_shape s = index_tuples(&x, &index, o->batch_dims);
	return job_of(e, &s, o->reduction);
}

static void elements_fwd(eg_emit *e) { fwd(elements_job(e)); }
static void elements_bwd(eg_emit *e) { bwd(elements_job(e)); }
static void nd_fwd(eg_emit *e) { fwd(nd_job(e)); }
static void nd_bwd(eg_emit *e) { bwd(nd_job(e)); }

enum { NONE, ADD, MUL, MAX, MIN };
#define F_I_F .type = {EG_F32, EG_I32, EG_F32}, .nin = 3
#define ELEMENTS(...) \
	&(const elements_options) { __VA_ARGS__ }
static const eg_case elements_cases[] = {
	{"put in, some of them twice", ELEMENTS(.axis = 1),
		.in = {OP_DIMS(EG_N, 6), OP_DIMS(EG_N, 4), OP_DIMS(EG_N, 4)}, F_I_F, .batch = 18, .limit = 6,
		.linear = true},
	{"added, less in other dimensions", ELEMENTS(.axis = 1, .reduction = ADD),
		.in = {OP_DIMS(EG_N, 4, 5), OP_DIMS(EG_N, 7, 3), OP_DIMS(EG_N, 7, 3)}, F_I_F, .batch = 3, .limit = 4,
		.linear = true},
	{"multiplied", ELEMENTS(.axis = -1, .reduction = MUL),
		.in = {OP_DIMS(EG_N, 3), OP_DIMS(EG_N, 4), OP_DIMS(EG_N, 4)}, F_I_F, .batch = 18, .limit = 3},
	{"multiplied, zeros", ELEMENTS(.reduction = MUL), .in = {OP_DIMS(3, 11), OP_DIMS(4, 11), OP_DIMS(4, 11)}, F_I_F,
		.batch = 2, .limit = 3, .ties = true},
	{"the largest", ELEMENTS(.axis = 1, .reduction = MAX),
		.in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, F_I_F, .batch = 3, .limit = 5},
	{"the smallest, equal ones", ELEMENTS(.axis = 1, .reduction = MIN),
		.in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 9)}, F_I_F, .batch = 18, .limit = 5,
		.ties = true},
	{"integers", ELEMENTS(.axis = 1), .in = {OP_DIMS(EG_N, 9), OP_DIMS(EG_N, 4), OP_DIMS(EG_N, 4)},
		.type = {EG_I32, EG_I32, EG_I32}, .nin = 3, .batch = 3, .limit = 9},
};

#define ND(...) \
	&(const nd_options) { __VA_ARGS__ }
static const eg_case nd_cases[] = {
	{"rows put in, some twice", NULL, .in = {OP_DIMS(6, 5), OP_DIMS(9, 1), OP_DIMS(9, 5)}, F_I_F, .batch = 2,
		.limit = 6, .linear = true},
	{"rows of samples added", ND(.batch_dims = 1, .reduction = ADD),
		.in = {OP_DIMS(EG_N, 4, 3), OP_DIMS(EG_N, 5, 1), OP_DIMS(EG_N, 5, 3)}, F_I_F, .batch = 18, .limit = 4,
		.linear = true},
	{"wide rows by pairs, multiplied", ND(.reduction = MUL),
		.in = {OP_DIMS(2, 3, 70), OP_DIMS(4, 2), OP_DIMS(4, 70)}, F_I_F, .batch = 2, .limit = 2},
	{"elements, the smallest", ND(.reduction = MIN), .in = {OP_DIMS(7), OP_DIMS(13, 1), OP_DIMS(13)}, F_I_F,
		.batch = 2, .limit = 7},
	{"integers", NULL, .in = {OP_DIMS(6, 5), OP_DIMS(4, 1), OP_DIMS(4, 5)}, .type = {EG_I32, EG_I32, EG_I32},
		.nin = 3, .batch = 2, .limit = 6},
};

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

#define GRADIENTS \
	"; where f is: none, the last update, else the sum, product, maximum or minimum with what is there. An index " \
	"is -size to size-1, negative " \
	"ones from the end; any other changes nothing. Gradients: none, dy to the last that was written; add, dy to " \
	"all; mul, dy times all others; max, " \
	"min, dy shared by those that are y"
#define SCATTER(op, kind, text, formula, op_onnx, since) \
	const eg_op eg_op_##op = {.info = {.name = #op, \
					  .layer = #op, \
					  .doc = OP_TEXT(text), \
					  .equation = OP_TEXT(formula GRADIENTS), \
					  .source = OP_TEXT("ONNX " op_onnx "-" #since), \
					  .attrs = kind##_attrs, \
					  .nattrs = EG_COUNT(kind##_attrs), \
					  .options_size = sizeof(kind##_options), \
					  .min_inputs = 3, \
					  .max_inputs = 3, \
					  .inputs = inputs, \
					  .types = "aia", \
					  .outputs = (const char *const[]){"y", NULL}}, \
		.infer = kind##_infer, \
		.fwd = kind##_fwd, \
		.bwd = OP_BWD(kind##_bwd), \
		.bwd_reads_x = true, \
		.bwd_reads_y = true, \
		.onnx = op_onnx, \
		.onnx_since = since, \
		OP_CASES(kind##_cases)}

SCATTER(scatter_elements, elements, "A tensor with elements put in along `axis`, as the indices say",
	"y = x but y[..,indices[..,i,..],..] = f(.., updates[..,i,..]) along `axis`, updates being as large as indices",
	"ScatterElements", 18);
SCATTER(scatter_nd, nd, "A tensor with elements or slices put in, as tuples of indices say",
	"y = x (A...,D1,..,Dn,B...) but y[a,indices[a,i,0],..,indices[a,i,n-1]] = f(.., updates "
	"(A...,I...,B...)[a,i]), indices (A...,I...,n)",
	"ScatterND", 18);

/* max_unpool.c - max_unpool: values back where a maximum pooling found them. */
#include "ops/ops.h"

typedef struct max_unpool_options {
	const char *name;
	eg_ints kernel, stride, padding, output;
} max_unpool_options;

#define UNPOOL_LIST(f, def, min, onnx, doc) OP_INT_LIST(max_unpool_options, f, def, 3, min, OP_SIZE_MAX, onnx, doc)
static const eg_attr max_unpool_attrs[] = {
	UNPOOL_LIST(
		kernel, NAN, 1, "kernel_shape", "of the pooling, along each axis behind the channels, or one for all"),
	UNPOOL_LIST(stride, 0, 1, "strides", "of the pooling; left out: as large as the kernel"),
	UNPOOL_LIST(padding, 0, 0, "pads", "of the pooling, on each side; left out: none"),
	UNPOOL_LIST(output, 0, 1, NULL,
		"size of y along each axis, where it is not the smallest that the pooling can have had"),
};

static int at(const eg_ints *list, int i, int otherwise) {
	return list->at ? list->at[list->n == 1 ? 0 : i] : otherwise;
}

static eg_status check(const eg_infer *s) {
	const max_unpool_options *o = s->options;
	const eg_ints *lists[] = {&o->kernel, &o->stride, &o->padding, &o->output};
	const eg_dims *x = &s->in[0], *places = &s->in[1];
	char tx[128], ti[128];
	eg_dims_text(x, tx, sizeof tx);
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (x->rank < 3 || x->rank > 5)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has %d dimensions; sequences have 3, pictures 4, volumes 5",
		        tx, x->rank);
	if (s->in_type[1] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG, "indices hold floating-point numbers, integers (EG_I32) are needed");
	if (!eg_dims_fit(x, places))
		return eg_fail(s->err, EG_ERR_SHAPE, "indices %s have not the shape of x %s",
		        eg_dims_text(places, ti, sizeof ti), tx);
	for (int i = 0; i < EG_COUNT(lists); i++)
		if (lists[i]->at && lists[i]->n != 1 && lists[i]->n != x->rank - 2)
			return eg_fail(s->err, EG_ERR_ARG,
			        "'%s' has %d numbers, x %s has %d axes behind its channels; give one for each, or one "
			        "for all",
			        max_unpool_attrs[i].name, lists[i]->n, tx, x->rank - 2);
	return op_check_known(s, 0, 1, 2, "x") ? s->err->status : op_check_no_batch(s, 0, 2, "x");
}

static eg_status max_unpool_infer(eg_infer *s) {
	const max_unpool_options *o = s->options;
	char text[128];
	if (check(s)) return s->err->status;
	s->out[0] = s->in[0];
	for (int i = 0; i < s->in[0].rank - 2; i++) {
		const int64_t in = s->in[0].d[i + 2];
		const int kernel = at(&o->kernel, i, 1), stride = at(&o->stride, i, kernel),
		          padding = at(&o->padding, i, 0);
		int64_t *out = &s->out[0].d[i + 2];
		*out = at(&o->output, i, 0);
		if (*out == 0) *out = in < 0 ? eg_infer_size(s, in) : (in - 1) * stride + kernel - 2 * (int64_t)padding;
		if (*out == 0 || (in > 0 && *out < 0))
			return eg_fail(s->err, EG_ERR_SHAPE,
			        "dimension %d of x %s would have %lld positions: the padding of %d is too large for "
			        "the kernel of %d",
			        i + 2, eg_dims_text(&s->in[0], text, sizeof text), (long long)*out, padding, kernel);
	}
	return EG_OK;
}

static int64_t block_of(const eg_dims *d) { return eg_dims_count(d, 1) * EG_BLOCK; }

/* Block by block where all of them are batched. */
static op_blocks job_of(const eg_emit *e) {
	const bool batched = eg_emit_in_batched(e, 0) && eg_emit_in_batched(e, 1) && eg_emit_out_batched(e, 0);
	return op_blocks_of(batched, eg_emit_in_dims(e, 0).d[0]);
}

static void max_unpool_fwd(eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	const op_blocks job = job_of(e);
	eg_places_args a = {.N = (int)x.d[0], .C = (int)x.d[1], .nx = eg_dims_count(&x, 2), .ny = eg_dims_count(&y, 2)};
	a.x = op_stride(job.block, eg_emit_x(e, 0, EG_PLAIN), block_of(&x));
	a.at = op_stride(job.block, eg_emit_x(e, 1, EG_PLAIN), block_of(&x));
	a.y = op_stride(job.block, eg_emit_y(e, 0, EG_PLAIN), block_of(&y));
	OP_CALL(e, put, a, 2, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&y, 0));
}

static void max_unpool_bwd(eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	const op_blocks job = job_of(e);
	eg_places_args a = {.N = (int)x.d[0],
	        .C = (int)x.d[1],
	        .nx = eg_dims_count(&y, 2),
	        .ny = eg_dims_count(&x, 2),
	        .x = eg_emit_dy(e, 0, EG_PLAIN)};
	if (!a.x.p || !eg_emit_needs_dx(e, 0)) return;
	a.x = op_stride(job.block, a.x, block_of(&y));
	a.at = op_stride(job.block, eg_emit_x(e, 1, EG_PLAIN), block_of(&x));
	a.y = op_stride(job.block, eg_emit_dx(e, 0, EG_PLAIN, &a.acc), block_of(&x));
	OP_CALL(e, pick, a, 2, 1, .block = job.block, .units = job.units, .flops = (double)eg_dims_count(&x, 0));
}

static const int32_t unpool_places[] = {5, 2, 9, 3, 11, 0, 4, 1, 8, 6, 10, 7, 0, 6, 7, 11, 3, 9, 1, 2, 10, 4, 8, 5};
static const int32_t picture_places[] = {
	0,
	7,
	14,
	21,
	60,
	35,
	42,
	49,
	56,
	3,
	10,
	17,
	24,
	31,
	38,
	3,
	10,
	17,
	24,
	31,
	-1,
	45,
	52,
	59,
	6,
	13,
	20,
	27,
	34,
	41,
	6,
	13,
	20,
	27,
	34,
	41,
	48,
	55,
	2,
	9,
	16,
	23,
	30,
	37,
	44,
	9,
	16,
	23,
	30,
	37,
	1000000000,
	51,
	58,
	5,
	12,
	19,
	26,
	33,
	40,
	47,
};
#define UNPOOL(...) \
	&(const max_unpool_options) { __VA_ARGS__ }
static const eg_case max_unpool_cases[] = {
	{"sequences, size said", UNPOOL(.kernel = EG_INTS(1), .output = EG_INTS(12)),
		.in = {OP_DIMS(EG_N, 3, 4), OP_DIMS(EG_N, 3, 4)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, unpool_places), .nin = 2, .batch = 2, .linear = true, .unequal = true},
	{"pictures, some of the places outside",
		UNPOOL(.kernel = EG_INTS(4, 2), .stride = EG_INTS(2), .padding = EG_INTS(1, 0)),
		.in = {OP_DIMS(EG_N, 2, 3, 5), OP_DIMS(EG_N, 2, 3, 5)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, picture_places), .nin = 2, .batch = 2, .linear = true, .unequal = true},
	{"fixed batch", UNPOOL(.kernel = EG_INTS(4), .stride = EG_INTS(5), .padding = EG_INTS(1)),
		.in = {OP_DIMS(4, 2, 3), OP_DIMS(4, 2, 3)}, .type = {EG_F32, EG_I32},
		.values = OP_VALUES(NULL, unpool_places), .nin = 2, .batch = 2, .linear = true, .unequal = true},
};

const eg_op eg_op_max_unpool = {
	.info =
		{
			.name = "max_unpool",
			.layer = "max_unpool",
			.doc = OP_TEXT("Puts values back where a maximum pooling has found them; all else is 0"),
			.equation = OP_TEXT("y[n,c,indices[n,c,i..]] = x[n,c,i..], 0 elsewhere, places counted row by row as "
				    "maxpool's second output has them;\n"
				    "of several at one place the last stays, a place outside of y is none; dx = dy at "
				    "the place;\n"
				    "y has (size - 1) stride + kernel - 2 padding positions along each axis"),
			.source = OP_TEXT("PyTorch MaxUnpool; ONNX MaxUnpool-11, whose indices count through all channels; "
				  "Zeiler and Fergus 2014"),
			.attrs = max_unpool_attrs,
			.nattrs = EG_COUNT(max_unpool_attrs),
			.options_size = sizeof(max_unpool_options),
			.shorthand = "kernel",
			.min_inputs = 2,
			.max_inputs = 2,
			.inputs = (const char *const[]){"x", "indices"},
			.types = "fi",
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = max_unpool_infer,
	.fwd = max_unpool_fwd,
	.bwd = OP_BWD(max_unpool_bwd),
	.bwd_reads_x = true,
	.onnx = "MaxUnpool",
	.onnx_since = 11,
	OP_CASES(max_unpool_cases),
};

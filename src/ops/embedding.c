/* embedding.c - a row of a table for each whole number: words, characters, categories.
 *
 * Not here: turning text into numbers (engram_text.h). */
#include "ops/ops.h"

typedef struct embedding_options {
	const char *name;
	int size;
	int count;
	int padding_idx;
	int init;
	float init_value;
	const char *weights;
} embedding_options;

enum { NO_PADDING = INT32_MAX }; /* not said */

static const eg_attr embedding_attrs[] = {
	OP_INT(embedding_options, size, NAN, 1, OP_SIZE_MAX, NULL, "numbers that stand for one id"),
	OP_SIZE(embedding_options, count, "units", NULL, "how many ids there are: 0 to count-1"),
	OP_INT(embedding_options, padding_idx, NO_PADDING, -OP_SIZE_MAX, OP_SIZE_MAX, NULL,
		"id whose row is never trained, for padding; negative: from the end; default: none"),
	OP_ENUM(embedding_options, init, eg_init_names, NULL, "initial weight; default: normal with deviation 1"),
	OP_FLOAT(embedding_options, init_value, 1, -1e6, 1e6, NULL,
		"for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others"),
	OP_WEIGHTS(embedding_options),
};

static eg_status embedding_infer(eg_infer *s) {
	const embedding_options *o = s->options;
	const eg_dims *ids = &s->in[0];
	char text[128];
	if (s->in_type[0] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
			"ids holds floating-point numbers (EG_F32), integers (EG_I32) are needed");
	if (ids->rank >= EG_MAX_DIMS)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"ids %s has %d dimensions; with the row of each id there would be more than %d",
			eg_dims_text(ids, text, sizeof text), ids->rank, EG_MAX_DIMS);
	if (o->padding_idx != NO_PADDING && (o->padding_idx < -o->count || o->padding_idx >= o->count))
		return eg_fail(s->err, EG_ERR_ARG, "padding_idx is %d, with %d ids it may be %d to %d", o->padding_idx,
			o->count, -o->count, o->count - 1);
	s->out[0] = *ids;
	s->out[0].d[s->out[0].rank++] = o->size;
	s->params[s->nparams++] = (eg_param_spec){.name = "weight",
		.dims = {2, {o->count, o->size}},
		.fan_in = o->count,
		.fan_out = o->size,
		.init = o->init == EG_INIT_DEFAULT ? EG_INIT_NORMAL : (eg_init_kind)o->init,
		.value = (double)o->init_value};
	return EG_OK;
}

static void embedding_fwd(eg_emit *e) {
	const embedding_options *o = eg_emit_options(e);
	eg_dims d = eg_emit_in_dims(e, 0);
	eg_embed_fwd_args a = {.w = eg_emit_w(e, 0), .total = eg_dims_count(&d, 0), .rows = o->count, .n = o->size};
	bool block = eg_emit_in_batched(e, 0);
	a.unit = block ? eg_dims_count(&d, 1) * EG_BLOCK : (EG_CHUNK + a.n - 1) / a.n;
	a.ids = op_stride(block, eg_emit_x(e, 0, EG_PLAIN), a.unit);
	a.y = op_stride(block, eg_emit_y(e, 0, EG_PLAIN), a.unit * a.n);
	OP_CALL(e, embed_fwd, a, 2, 1, .block = block, .units = (int)((a.total + a.unit - 1) / a.unit),
		.flops = (double)a.total * a.n);
}

static void embedding_bwd(eg_emit *e) {
	const embedding_options *o = eg_emit_options(e);
	eg_dims d = eg_emit_in_dims(e, 0);
	eg_embed_bwd_args a = {.dy = eg_emit_dy(e, 0, EG_PLAIN),
		.ids = eg_emit_x(e, 0, EG_PLAIN),
		.total = eg_dims_count(&d, 0),
		.rows = o->count,
		.n = o->size,
		.padding = -1};
	if (!a.dy.p) return;
	if (o->padding_idx != NO_PADDING) a.padding = o->padding_idx < 0 ? o->padding_idx + o->count : o->padding_idx;
	a.dw = eg_emit_dw(e, 0, &a.acc);
	if (eg_emit_rows(e, a.total)) a.acc = true;
	OP_CALL(e, embed_bwd, a, 2, 1, .units = (a.n + 15) / 16, .flops = 2.0 * (double)(a.total + a.rows) * a.n);
}

#define EMBED(...) &(const embedding_options){__VA_ARGS__}
/* What padding_idx does is no derivative, so differences are not asked for there (ties). */
static const int32_t some_ids[] = {3, -1, 0, 4, -1, 3, 2, 1};
static const eg_case embedding_cases[] = {
	{"nothing in places", EMBED(.size = 6, .count = 5), .in = {OP_DIMS(EG_T, EG_N)}, .type = {EG_I32}, .nin = 1, .batch = 2,
		.time = 4, .values = OP_VALUES(some_ids)},
	{"sequence", EMBED(.size = 21, .count = 7), .in = {OP_DIMS(EG_T, EG_N)}, .type = {EG_I32}, .nin = 1, .batch = 3,
		.time = 5, .limit = 7},
	{"samples of several ids", EMBED(.size = 5, .count = 9, .init = EG_INIT_XAVIER_NORMAL),
		.in = {OP_DIMS(EG_N, 4, 3)}, .type = {EG_I32}, .nin = 1, .batch = 18, .limit = 9},
	{"one id a sample, padding, many columns", EMBED(.size = 150, .count = 4, .padding_idx = 2),
		.in = {OP_DIMS(EG_N)}, .type = {EG_I32}, .nin = 1, .batch = 18, .limit = 4, .ties = true},
	{"fixed shape, the first id is padding", EMBED(.size = 3, .count = 11, .padding_idx = -11),
		.in = {OP_DIMS(13, 2)}, .type = {EG_I32}, .nin = 1, .batch = 2, .limit = 11, .ties = true},
	{"id 0 is padding", EMBED(.size = 3, .count = 5, .padding_idx = EG_ZERO), .in = {OP_DIMS(17)}, .type = {EG_I32},
		.nin = 1, .batch = 2, .limit = 5, .ties = true},
	{"steps as samples, an open length", EMBED(.size = 5, .count = 9), .in = {OP_DIMS(EG_TN, EG_NAMED)}, .type = {EG_I32}, .nin = 1,
		.batch = 6, .time = 3, .sizes = OP_SIZES({"length", 4}), .limit = 9},
	{"several chunks", EMBED(.size = 33, .count = 600), .in = {OP_DIMS(EG_T, EG_N)}, .type = {EG_I32}, .nin = 1,
		.batch = 17, .time = 19, .limit = 600},
};

static void embedding_export(eg_export *x) {
	eg_export_node(x, "Gather", EG_NAMES(eg_export_param(x, 0), eg_export_in(x, 0)), EG_NAMES(eg_export_out(x, 0)));
}

/* A table of the model whose rows are taken. */
static bool embedding_import(eg_import *m) {
	const eg_dims table = eg_import_in_dims(m, 0);
	if (!eg_import_known(m, 0) || eg_import_known(m, 1) || table.rank != 2 || eg_import_int(m, "axis", 0) != 0) return false;
	embedding_options o = {.count = (int)table.d[0], .size = (int)table.d[1]};
	eg_tensor ids = eg_import_in(m, 1), y = eg_import_apply(m, "embedding", &o, &ids, 1);
	eg_import_param(m, y, "weight", eg_import_reals(m, 0, NULL), table.d[0] * table.d[1]);
	eg_import_out(m, 0, y);
	return true;
}

const eg_op eg_op_embedding = {
	.info = {
		.name = "embedding",
		.layer = "embedding",
		.doc = OP_TEXT("A learned row of numbers for each id: words, characters, categories"),
		.equation = OP_TEXT("y (...,size) = weight[ids (...)]; weight (count,size);\n"
			"dweight[r] = sum of dy over the places where r stands, zero for padding_idx;\n"
			"id -1 stands for nothing, as padding: a row of zeros; any other that is not 0 to count-1 gives a row of NaN"),
		.source = OP_TEXT("ONNX Gather-13 (axis 0); Bengio et al. 2003; padding as in PyTorch's F.embedding"),
		.attrs = embedding_attrs,
		.nattrs = EG_COUNT(embedding_attrs),
		.options_size = sizeof(embedding_options),
		.shorthand = "size",
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"ids"},
		.types = "i",
		.params = (const char *const[]){"weight", NULL},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = embedding_infer,
	.fwd = embedding_fwd,
	.bwd = OP_BWD(embedding_bwd),
	.bwd_reads_x = true,
	.by_rows = true,
	.onnx = "Gather",
	.onnx_since = 13,
	.export = OP_ONNX(embedding_export),
	.import = OP_ONNX(embedding_import),
	OP_CASES(embedding_cases),
};

/* supervised_contrastive.c - the loss of embeddings that compares each with all others of its batch.
 *
 * Not here: pairs and triplets that the data makes (pair_loss.c). */
#include "ops/unit_rows.h"

typedef struct supervised_contrastive_options {
	const char *name;
	float temperature;
	int ignore_index;
} supervised_contrastive_options;

static const eg_attr supervised_contrastive_attrs[] = {
	OP_FLOAT(supervised_contrastive_options, temperature, 0.1, 1e-3, 1e3, NULL, "the smaller, the more the nearest count"),
	OP_INT(supervised_contrastive_options, ignore_index, -100, -INT32_MAX, INT32_MAX, NULL, "rows with this target are not there"),
};

enum { X, TARGET };

static eg_status check_rows(const eg_dims *x, eg_error *err) {
	char text[128];
	if (x->rank == 2 && x->d[1] > 0 && !eg_dim_is_open(x->d[0])) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE,
		"x is %s; a row for each sample is compared with those of all others: (N,features)", eg_dims_text(x, text, sizeof text));
}

static eg_status supervised_contrastive_target(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	EG_UNUSED(options);
	*target = (eg_target_info){.dims = {1, {x->d[0]}}, .type = EG_I32, .class_axis = -1};
	return check_rows(x, err);
}

static eg_status supervised_contrastive_infer(eg_infer *s) {
	const eg_dims *x = &s->in[X], *t = &s->in[TARGET];
	char tx[128], tt[128];
	if (op_check_real(s, X, "x") || check_rows(&s->declared[X], s->err)) return s->err->status;
	if (s->in_type[TARGET] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG, "target holds floating-point numbers (EG_F32), class numbers (EG_I32) are needed");
	if (!eg_dims_fit(t, &(eg_dims){1, {x->d[0]}}))
		return eg_fail(s->err, EG_ERR_SHAPE, "target is %s, each row of x %s needs one class number",
			eg_dims_text(t, tt, sizeof tt), eg_dims_text(x, tx, sizeof tx));
	s->out[0] = (eg_dims){.rank = 0};
	return EG_OK;
}

static eg_contrast_shape contrast_shape(const eg_emit *e) {
	const supervised_contrastive_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, X);
	return (eg_contrast_shape){.rows = x.d[0], .n = (int)x.d[1], .unit = EG_BLOCK, .ignore = o->ignore_index,
		.heat = (real)(1 / (double)o->temperature)};
}

enum { Z, NORM, SCALE, PEERS, ANCHORS }; /* kept for backward */
static eg_buf kept(eg_emit *e, const eg_contrast_shape *s, int slot) {
	const int64_t counts[] = {s->rows * s->n, s->rows, s->rows, s->rows, 1};
	return eg_emit_saved(e, slot, EG_ELEM_REAL, counts[slot], false);
}

static void supervised_contrastive_fwd(eg_emit *e) {
	const eg_contrast_shape s = contrast_shape(e);
	op_unit_rows(e, eg_emit_x(e, X, EG_PLAIN), kept(e, &s, Z), kept(e, &s, NORM), s.rows, s.n);
	eg_contrast_fwd_args a = {.z = kept(e, &s, Z),
		.label = eg_emit_x(e, TARGET, EG_PLAIN),
		.loss = eg_emit_temp(e, EG_ELEM_REAL, s.rows, false),
		.scale = kept(e, &s, SCALE),
		.peers = kept(e, &s, PEERS),
		.s = s};
	OP_CALL(e, contrast_fwd, a, 2, 3, .units = eg_blocks((int)s.rows), .flops = 2.0 * (double)(s.rows * s.rows) * (s.n + 10));
	eg_contrast_mean_args m = {.rowloss = a.loss, .peers = a.peers, .loss = eg_emit_y(e, 0, EG_PLAIN),
		.anchors = kept(e, &s, ANCHORS), .rows = s.rows};
	OP_CALL(e, contrast_mean, m, 2, 2, .units = 1, .flops = (double)s.rows);
}

static void supervised_contrastive_bwd(eg_emit *e) {
	const eg_contrast_shape s = contrast_shape(e);
	eg_contrast_bwd_args a = {.dloss = eg_emit_dy(e, 0, EG_PLAIN), .s = s};
	if (!a.dloss.p || !eg_emit_needs_dx(e, X)) return;
	a.z = kept(e, &s, Z);
	a.label = eg_emit_x(e, TARGET, EG_PLAIN);
	a.scale = kept(e, &s, SCALE);
	a.peers = kept(e, &s, PEERS);
	a.anchors = kept(e, &s, ANCHORS);
	a.dz = eg_emit_temp(e, EG_ELEM_REAL, s.rows * s.n, false);
	OP_CALL(e, contrast_bwd, a, 6, 1, .units = eg_blocks((int)s.rows), .flops = 4.0 * (double)(s.rows * s.rows) * (s.n + 10));
	eg_unit_rows_bwd_args b = {.y = a.z, .norm = kept(e, &s, NORM), .dy = a.dz, .rows = s.rows, .n = s.n};
	b.dx = eg_emit_dx(e, X, EG_PLAIN, &b.acc);
	op_unit_rows_bwd(e, b);
}

#define O(...) &(const supervised_contrastive_options){__VA_ARGS__}
static const eg_case supervised_contrastive_cases[] = {
	{"rows", NULL, .in = {OP_DIMS(EG_N, 5), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 18, .limit = 4},
	{"warm, ignored", O(.temperature = 0.7f, .ignore_index = 1), .in = {OP_DIMS(EG_TN, 7), OP_DIMS(EG_TN)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 6, .time = 3, .limit = 4},
	{"few, fixed, some alone", NULL, .in = {OP_DIMS(4, 3), OP_DIMS(4)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 2, .limit = 3},
};

const eg_op eg_op_supervised_contrastive = {
	.info = {
		.name = "supervised_contrastive",
		.doc = OP_TEXT("Loss of embeddings: each row shall be nearer to those of its class than to all others of the batch"),
		.equation = OP_TEXT("z = x / |x| of each row, s_ij = <z_i,z_j> / temperature; row i = mean over all other j with target[j] = target[i] of\n"
			"log(sum over k other than i of e^s_ik) - s_ij; loss () = mean over the rows that are not alone with their class, 0 if all are;\n"
			"x (N,features), target (N) int32; with two views of each sample, of the same number, it is NT-Xent.\n"
			"It mixes samples: a batch that is run in parts (`accumulate`) compares less"),
		.source = OP_TEXT("Khosla et al. 2020 (L_out); NT-Xent: Chen et al. 2020 (SimCLR)"),
		.attrs = supervised_contrastive_attrs,
		.nattrs = EG_COUNT(supervised_contrastive_attrs),
		.options_size = sizeof(supervised_contrastive_options),
		.shorthand = "temperature",
		.min_inputs = 2,
		.max_inputs = 2,
		.inputs = (const char *const[]){"x", "target"},
		.types = "fi",
		.outputs = (const char *const[]){"loss", NULL},
	},
	.infer = supervised_contrastive_infer,
	.target = supervised_contrastive_target,
	.fwd = supervised_contrastive_fwd,
	.bwd = OP_BWD(supervised_contrastive_bwd),
	.bwd_reads_x = true,
	OP_CASES(supervised_contrastive_cases),
};

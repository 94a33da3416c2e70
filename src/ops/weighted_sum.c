/* weighted_sum.c - one number of two, each times a weight: an objective of several losses.
 *
 * Not here: sums of tensors (add.c). */
#include "ops/dense.h"

typedef struct weighted_sum_options {
	const char *name;
	float weight_a;
	float weight_b;
} weighted_sum_options;

enum { A, B };

static const eg_attr weighted_sum_attrs[] = {
	OP_FLOAT(weighted_sum_options, weight_a, 1, -1e6, 1e6, NULL, "factor of a"),
	OP_FLOAT(weighted_sum_options, weight_b, 1, -1e6, 1e6, NULL, "factor of b"),
};

static eg_status weighted_sum_infer(eg_infer *s) {
	static const char *const names[] = {"a", "b"};
	char text[128];
	for (int i = A; i <= B && i < s->nin; i++) {
		if (s->in[i].rank < 0) continue;
		if (op_check_real(s, i, names[i])) return s->err->status;
		if (s->in[i].rank > 0)
			return eg_fail(s->err, EG_ERR_SHAPE, "%s is %s; a single number () is needed, such as a loss",
				names[i], eg_dims_text(&s->in[i], text, sizeof text));
	}
	s->out[0].rank = 0;
	return EG_OK;
}

static eg_buf weight_of(eg_emit *e, int i) {
	const weighted_sum_options *o = eg_emit_options(e);
	eg_fill_args f = {.y = eg_emit_temp(e, EG_ELEM_REAL, 1, false), .unit = 1, .total = 1};
	f.value = (real)(i == A ? o->weight_a : o->weight_b);
	OP_CALL(e, fill, f, 0, 1, .units = 1, .flops = 1);
	return f.y;
}

/* A product of two numbers is one of two matrices (1,1). */
static const eg_gemm_args one_by_one = {.m = 1, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1};

static void weighted_sum_fwd(eg_emit *e) {
	eg_gemm_args g = one_by_one;
	eg_buf y = eg_emit_y(e, 0, EG_PLAIN);
	for (int i = A; i <= B; i++) {
		if (!eg_emit_has_in(e, i)) continue;
		g.a = eg_emit_x(e, i, EG_PLAIN), g.b = weight_of(e, i), g.c = y, g.acc = i > A;
		dense_gemm(e, g);
	}
}

static void weighted_sum_bwd(eg_emit *e) {
	eg_gemm_args g = one_by_one;
	g.a = eg_emit_dy(e, 0, EG_PLAIN);
	if (!g.a.p) return;
	for (int i = A; i <= B; i++) {
		if (!eg_emit_has_in(e, i) || !eg_emit_needs_dx(e, i)) continue;
		g.b = weight_of(e, i);
		g.c = eg_emit_dx(e, i, EG_PLAIN, &g.acc);
		dense_gemm(e, g);
	}
}

#define WEIGHTED(...) \
	&(const weighted_sum_options) { __VA_ARGS__ }
static const eg_case weighted_sum_cases[] = {
	{"two numbers", WEIGHTED(.weight_a = 0.25f, .weight_b = -3), .in = {{0}, {0}}, .nin = 2, .batch = 2},
	{"one number", WEIGHTED(.weight_a = 2.5f), .in = {{0}}, .nin = 1, .batch = 2, .linear = true},
	{"weights left out", NULL, .in = {{0}, {0}}, .nin = 2, .batch = 2},
};

const eg_op eg_op_weighted_sum = {
	.info =
		{
			.name = "weighted_sum",
			.doc = OP_TEXT("The sum of two numbers, each times a weight: an objective of several losses"),
			.equation = OP_TEXT("y () = weight_a a + weight_b b, without b: y () = weight_a a"),
			.source = OP_TEXT("a sum"),
			.attrs = weighted_sum_attrs,
			.nattrs = EG_COUNT(weighted_sum_attrs),
			.options_size = sizeof(weighted_sum_options),
			.min_inputs = 1,
			.max_inputs = 2,
			.inputs = (const char *const[]){"a", "b"},
			.outputs = (const char *const[]){"y", NULL},
		},
	.infer = weighted_sum_infer,
	.fwd = weighted_sum_fwd,
	.bwd = OP_BWD(weighted_sum_bwd),
	OP_CASES(weighted_sum_cases),
};

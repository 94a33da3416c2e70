/* binary.c - the family of functions of two tensors with broadcasting: arithmetic, comparisons, logic. A member is a
 * row of the table at the end, and a line of eg_binary with its case in ref_binary.c.
 *
 * Not here: add, which is fused with what comes before and after it (add.c); where (select.c). */
#include "ops/broadcast.h"
#include "ops/variadic.h"

/* Which op code; one that an attribute chooses is chosen here. */
typedef struct mod_options {
	const char *name;
	bool fmod;
} mod_options;

static const eg_attr mod_attrs[] = {
	OP_BOOL(mod_options, fmod, "fmod", "the remainder has the sign of a, as in C; else that of b, as in Python"),
};

static eg_binary op_of(const eg_emit *e) {
	const eg_binary op = (eg_binary)eg_emit_code(e);
	return op == EG_BINARY_MOD && ((const mod_options *)eg_emit_options(e))->fmod ? EG_BINARY_FMOD : op;
}

static const char *const names[] = {"a", "b"};

static eg_status infer(eg_infer *s) { return broadcast_infer(s, names, 0, 2); }
static eg_status infer_constant(eg_infer *s) {
	s->out_constant[0] = true;
	return infer(s);
}

/* Lanes that hold no sample must stay finite: a quotient of such would not. */
static bool stays_finite(const eg_emit *e) {
	const int op = eg_emit_code(e);
	return op != EG_BINARY_DIV && op != EG_BINARY_POW && op != EG_BINARY_MOD;
}
/* min and max take more than two, which then lie in PLAIN. */
static bool follows(const eg_emit *e) { return eg_emit_nin(e) == 2 && broadcast_alike(e, 2); }

static void fwd(eg_emit *e) {
	if (eg_emit_nin(e) > 2) {
		variadic_fwd(e, op_of(e));
		return;
	}
	const bool flat = broadcast_alike(e, 2);
	const eg_dims a = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	const broadcast_job j = broadcast_job_of(e, 2, flat, stays_finite(e) ? eg_emit_in_layout(e, 0) : EG_PLAIN);
	eg_binary_args g = {.at = j.at, .op = op_of(e)};
	g.a = broadcast_in(&j, eg_emit_x(e, 0, j.layout), 0);
	g.b = broadcast_in(&j, eg_emit_x(e, 1, j.layout), 1);
	const bool over = broadcast_same(&a, &y) && eg_emit_in_batched(e, 0) == eg_emit_out_batched(e, 0) && eg_emit_in_layout(e, 0) == j.layout;
	g.y = broadcast_out(&j, over ? eg_emit_y_over_x(e, 0) : eg_emit_y(e, 0, j.layout));
	OP_CALL(e, binary, g, 2, 1, .block = j.job.block, .chunks = j.flat, .units = j.job.units, .flops = (double)j.total);
}

static void bwd(eg_emit *e) {
	if (eg_emit_nin(e) > 2) {
		variadic_choice_bwd(e, op_of(e));
		return;
	}
	const broadcast_job j = broadcast_job_of(e, 2, broadcast_alike(e, 2), eg_emit_out_layout(e));
	const eg_binary op = op_of(e);
	for (int i = 0; i < 2; i++) {
		eg_binary_bwd_args g = {.at = j.at, .op = op, .side = i, .dy = broadcast_out(&j, eg_emit_dy(e, 0, j.layout))};
		if (!g.dy.p || !eg_emit_needs_dx(e, i)) continue;
		if (op != EG_BINARY_SUB) {
			g.a = broadcast_in(&j, eg_emit_x(e, 0, j.layout), 0);
			g.b = broadcast_in(&j, eg_emit_x(e, 1, j.layout), 1);
		}
		g.d = broadcast_grad(e, &j, i, &g.acc);
		OP_CALL(e, binary_bwd, g, 3, 1, .block = j.job.block, .chunks = j.flat, .units = j.job.units, .flops = 2 * (double)j.total);
		broadcast_sum(e, i, g.d);
	}
}

static const eg_case cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18},
	{"equal shapes, fixed batch, several chunks", NULL, .in = {OP_DIMS(19, 31, 17), OP_DIMS(19, 31, 17)}, .nin = 2, .batch = 2},
	{"channels", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(3, 1, 1)}, .nin = 2, .batch = 18},
	{"last dimension, open", NULL, .in = {OP_DIMS(EG_N, EG_NAMED, 33), OP_DIMS(33)}, .nin = 2, .batch = 3, .sizes = OP_SIZES({"rows", 4})},
	{"both repeated", NULL, .in = {OP_DIMS(EG_N, 1, 6, 1, 2), OP_DIMS(1, 3, 1, 5, 2)}, .nin = 2, .batch = 18},
	{"a number", NULL, .in = {OP_DIMS(EG_N, 6), {0}}, .nin = 2, .batch = 18},
};

/* A base below zero has no power that is no whole number. */
static const eg_case pow_cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18, .low = 0.2f, .high = 3},
	{"exponents by channel", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(3, 1, 1)}, .nin = 2, .batch = 18, .low = 0.2f, .high = 3},
	{"a base each", NULL, .in = {OP_DIMS(5, 1), OP_DIMS(EG_N, 5, 7)}, .nin = 2, .batch = 3, .low = 0.2f, .high = 3},
};

static const eg_case mod_cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18, .low = -3, .high = 3},
	{"as in C, channels", &(const mod_options){.fmod = true}, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(3, 1, 1)}, .nin = 2, .batch = 18,
		.low = -3, .high = 3},
};

static const eg_case choice_cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18},
	{"equal numbers", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18, .ties = true},
	{"both repeated", NULL, .in = {OP_DIMS(EG_N, 1, 6, 1, 2), OP_DIMS(1, 3, 1, 5, 2)}, .nin = 2, .batch = 18},
	{"four, some repeated", NULL, .in = {OP_DIMS(EG_N, 3, 4), OP_DIMS(3, 1), OP_DIMS(EG_N, 1, 4), {0}}, .nin = 4, .batch = 3},
	{"three, equal numbers", NULL, .in = {OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7), OP_DIMS(EG_N, 7)}, .nin = 3, .batch = 18, .ties = true},
};

/* Halves from -1 to 1/2 on either side, so that all that can be is. */
static const eg_case logic_cases[] = {
	{"equal shapes", NULL, .in = {OP_DIMS(EG_N, 3, 5, 4), OP_DIMS(EG_N, 3, 5, 4)}, .nin = 2, .batch = 18, .ties = true},
	{"fixed, channels", NULL, .in = {OP_DIMS(7, 3, 11), OP_DIMS(3, 1)}, .nin = 2, .batch = 2, .ties = true},
};

static void not_equal_export(eg_export *x) {
	const char *equal = eg_export_between(x);
	eg_export_node(x, "Equal", EG_NAMES(eg_export_in(x, 0), eg_export_in(x, 1)), EG_NAMES(equal));
	eg_export_node(x, "Not", EG_NAMES(equal), EG_NAMES(eg_export_out(x, 0)));
}

/* What differs among members. SMOOTH: there is a gradient, of the inputs. */
#define MEMBER(op, upper, text, formula, where, name_onnx, since, list, own)                                           \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = OP_TEXT(text), .equation = OP_TEXT(formula), .source = OP_TEXT(where), \
		.min_inputs = 2, .max_inputs = 2, .inputs = names, .outputs = (const char *const[]){"y", NULL}, own},  \
		.code = EG_BINARY_##upper, .fwd = fwd, .onnx = name_onnx,                              \
		.onnx_since = since, OP_CASES(list)
#define NAME_ONLY .options_size = sizeof(op_name_only)
#define MOD_ATTRS .options_size = sizeof(mod_options), .attrs = mod_attrs, .nattrs = EG_COUNT(mod_attrs)
#define SMOOTH .infer = infer, .bwd = OP_BWD(bwd), .bwd_reads_x = true}
#define MANY .infer = variadic_infer, .bwd = OP_BWD(bwd), .bwd_reads_x = true}
#define CHOICE .options_size = sizeof(op_name_only), .variadic = true
#define BROADCAST "; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the batch first"

MEMBER(sub, SUB, "The difference of two tensors; dimensions of size 1, and missing ones in front, are repeated",
	"y = a - b" BROADCAST "\nda = dy, db = -dy, summed where one was repeated", "ONNX Sub-14", "Sub", 14, cases, NAME_ONLY), .follows = follows, .infer = infer, .bwd = OP_BWD(bwd)};
MEMBER(mul, MUL, "The product of two tensors, element by element; dimensions of size 1, and missing ones in front, are repeated",
	"y = a b" BROADCAST "\nda = dy b, db = dy a, summed where one was repeated", "ONNX Mul-14", "Mul", 14, cases, NAME_ONLY), .follows = follows, SMOOTH;
MEMBER(div, DIV, "The quotient of two tensors, element by element; dimensions of size 1, and missing ones in front, are repeated",
	"y = a / b" BROADCAST "; division by 0 gives an infinity, 0 / 0 NaN\nda = dy / b, db = -dy a / b^2, summed where one was repeated",
	"ONNX Div-14", "Div", 14, cases, NAME_ONLY), SMOOTH;
MEMBER(pow, POW, "Powers, element by element; dimensions of size 1, and missing ones in front, are repeated",
	"y = a^b" BROADCAST "; NaN where a < 0 and b is no whole number; a^0 = 1^b = 1 whatever the other is\n"
	"da = dy b a^(b-1), 0 where b = 0; db = dy a^b log a, 0 where a = 0 and b >= 0; summed where one was repeated",
	"ONNX Pow-15", "Pow", 15, pow_cases, NAME_ONLY), SMOOTH;
MEMBER(min, MIN, "The smallest of two or more tensors, element by element; dimensions of size 1, and missing ones in front, are repeated",
	"y = min(a, b, ...), NaN where either is" BROADCAST "\nthe smaller one gets dy, equal ones equal parts of it; of two that make NaN both get all of it, of more NaN",
	"ONNX Min-13; numpy.minimum", "Min", 13, choice_cases, CHOICE), .follows = follows, MANY;
MEMBER(max, MAX, "The largest of two or more tensors, element by element; dimensions of size 1, and missing ones in front, are repeated",
	"y = max(a, b, ...), NaN where either is" BROADCAST "\nthe larger one gets dy, equal ones equal parts of it; of two that make NaN both get all of it, of more NaN",
	"ONNX Max-13; numpy.maximum", "Max", 13, choice_cases, CHOICE), .follows = follows, MANY;
MEMBER(mod, MOD, "The remainder of a division, element by element; dimensions of size 1, and missing ones in front, are repeated",
	"y = a - b floor(a / b), with the sign of b; fmod: y = a - b trunc(a / b), with the sign of a; NaN where b = 0" BROADCAST
	"\nda = dy, db = -dy floor(a / b), fmod: -dy trunc(a / b); summed where one was repeated",
	"ONNX Mod-13; numpy.mod and numpy.fmod", "Mod", 13, mod_cases, MOD_ATTRS), SMOOTH;

/* ---- yes and no: 1 and 0, without a gradient
 * -------------------------------------------------------------------------- */

static eg_range yes_or_no(const void *options) { return op_range_unit(options); }

#define YES_OR_NO .follows = follows, .infer = infer_constant, .range = yes_or_no, .no_gradient = "the result is 0 or 1, and so constant wherever it does not jump"}

MEMBER(equal, EQUAL, "1 where two tensors are equal, else 0", "y = a == b; NaN equals nothing" BROADCAST, "ONNX Equal-13 (its result is bool)",
	"Equal", 13, logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(not_equal, NOT_EQUAL, "1 where two tensors differ, else 0", "y = a != b; NaN differs from everything" BROADCAST, "numpy.not_equal",
	NULL, 0, logic_cases, NAME_ONLY), .export = OP_ONNX(not_equal_export), YES_OR_NO;
MEMBER(less, LESS, "1 where a is less than b, else 0", "y = a < b; 0 with NaN" BROADCAST, "ONNX Less-13 (its result is bool)", "Less", 13,
	logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(less_equal, LESS_EQUAL, "1 where a is not more than b, else 0", "y = a <= b; 0 with NaN" BROADCAST,
	"ONNX LessOrEqual-16 (its result is bool)", "LessOrEqual", 16, logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(greater, GREATER, "1 where a is more than b, else 0", "y = a > b; 0 with NaN" BROADCAST, "ONNX Greater-13 (its result is bool)",
	"Greater", 13, logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(greater_equal, GREATER_EQUAL, "1 where a is not less than b, else 0", "y = a >= b; 0 with NaN" BROADCAST,
	"ONNX GreaterOrEqual-16 (its result is bool)", "GreaterOrEqual", 16, logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(and, AND, "1 where both tensors are not 0, else 0", "y = (a != 0) and (b != 0)" BROADCAST, "ONNX And-7, of numbers", "And", 7,
	logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(or, OR, "1 where at least one of two tensors is not 0, else 0", "y = (a != 0) or (b != 0)" BROADCAST, "ONNX Or-7, of numbers", "Or", 7,
	logic_cases, NAME_ONLY), YES_OR_NO;
MEMBER(xor, XOR, "1 where exactly one of two tensors is not 0, else 0", "y = (a != 0) != (b != 0)" BROADCAST, "ONNX Xor-7, of numbers", "Xor", 7,
	logic_cases, NAME_ONLY), YES_OR_NO;

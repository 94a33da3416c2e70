/* shift.c - shift: a sequence one step later, as the input of a decoder is what it shall put out, moved. In a session
 * the step before the first is the last one of the run before, which is the operator's state. */
#include "ops/ops.h"

enum { X, LENGTHS };

typedef struct shift_options {
	const char *name;
	float start;
} shift_options;

static const eg_attr shift_attrs[] = {
	OP_FLOAT(shift_options, start, 0, -16777216, 16777216, NULL,
		"what the first step holds everywhere; for integers a whole number, an id for \"begin\""),
};

static eg_status shift_infer(eg_infer *s) {
	const shift_options *o = s->options;
	const eg_dims *x = &s->in[X], *lengths = &s->in[LENGTHS];
	char tx[128], tl[128];
	eg_dims_text(x, tx, sizeof tx);
	bool sequence = x->rank >= 2 && !eg_dim_is_batch(x->d[0]);
	for (int i = 2; i < x->rank; i++) sequence &= !eg_dim_is_batch(x->d[i]);
	if (!sequence)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s is no sequence; (T,N,...) is needed, time before batch", tx);
	if (s->in_type[X] != EG_F32 && o->start != floorf(o->start))
		return eg_fail(s->err, EG_ERR_ARG, "start is %g, x holds integers (EG_I32)", (double)o->start);
	s->out[0] = *x;
	s->out_type[0] = s->in_type[X];
	s->info->keeps_state = true;
	if (s->nin <= LENGTHS || lengths->rank < 0) return EG_OK;
	if (s->in_type[LENGTHS] == EG_I32 && lengths->rank == 1 && eg_dim_fits(lengths->d[0], x->d[1])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "lengths %s must be integers (EG_I32), one for each sample of x %s",
		eg_dims_text(lengths, tl, sizeof tl), tx);
}

static eg_buf lengths_of(eg_emit *e) {
	return eg_emit_has_in(e, LENGTHS) ? eg_emit_x(e, LENGTHS, EG_PLAIN) : (eg_buf){0};
}

static void shift_fwd(eg_emit *e) {
	const shift_options *o = eg_emit_options(e);
	const eg_dims d = eg_emit_in_dims(e, X);
	const double size = (double)eg_dims_count(&d, 0);
	eg_shift_args a = {.x = eg_emit_x(e, X, EG_PLAIN),
		.lengths = lengths_of(e),
		.T = (int)d.d[0],
		.N = (int)d.d[1],
		.n = (int)eg_dims_count(&d, 2),
		.start = (double)o->start,
		.integers = eg_emit_in_type(e, X) != EG_F32};
	a.state = eg_emit_state(e, 0, 1, a.N, a.n + 1);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	OP_CALL(e, shift_fwd, a, 2, 2, .units = a.T, .flops = size);
}

static void shift_bwd(eg_emit *e) {
	const eg_dims d = eg_emit_in_dims(e, X);
	eg_shift_bwd_args a = {
		.dy = eg_emit_dy(e, 0, EG_PLAIN), .T = (int)d.d[0], .N = (int)d.d[1], .n = (int)eg_dims_count(&d, 2)};
	if (!a.dy.p || !eg_emit_needs_dx(e, X)) return;
	a.lengths = lengths_of(e);
	a.dx = eg_emit_dx(e, X, EG_PLAIN, &a.acc);
	OP_CALL(e, shift_bwd, a, 2, 1, .units = a.T, .flops = (double)eg_dims_count(&d, 0));
}

static const int32_t five[] = {3, 0, 7, 1, 6};
#define SHIFT(s) \
	&(const shift_options) { .start = s }
static const eg_case shift_cases[] = {
	{"vectors", SHIFT(0.5f), .in = {OP_DIMS(EG_T, EG_N, 3)}, .nin = 1, .batch = 18, .time = 5},
	{"lengths, several features", NULL, .in = {OP_DIMS(EG_T, EG_N, 3, 2), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 5, .time = 7, .values = OP_VALUES(NULL, five), .linear = true},
	{"ids", SHIFT(2), .in = {OP_DIMS(EG_T, EG_N)}, .type = {EG_I32}, .nin = 1, .batch = 3, .time = 4, .limit = 9},
	{"an open length, one step of it", SHIFT(-1), .in = {OP_DIMS(EG_NAMED, EG_N, 4)}, .nin = 1, .batch = 3,
		.sizes = OP_SIZES({"length", 1})},
};

const eg_op eg_op_shift = {
	.info = {
		.name = "shift",
		.layer = "shift",
		.doc = OP_TEXT("A sequence one step later, with `start` in front: what a decoder reads. In a session "
		       "the last step before is in front"),
		.equation = OP_TEXT("x (T,N,...), lengths L (N); y[0,n] = start, or the last step of the run before; "
			    "y[t,n] = x[t-1,n] where t < L[n], else 0; dx[t,n] = dy[t+1,n]"),
		.source = OP_TEXT("Sutskever, Vinyals, Le 2014; teacher forcing, Williams and Zipser 1989"),
		.attrs = shift_attrs,
		.nattrs = EG_COUNT(shift_attrs),
		.options_size = sizeof(shift_options),
		.shorthand = "start",
		.min_inputs = 1,
		.max_inputs = 2,
		.inputs = (const char *const[]){"x", "lengths"},
		.types = "ai",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = shift_infer,
	.lengths = "1-",
	.fwd = shift_fwd,
	.bwd = OP_BWD(shift_bwd),
	.bwd_reads_x = true,
	OP_CASES(shift_cases),
};

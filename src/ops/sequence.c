/* sequence.c - whole sequences (T,N,...): turned round, cut off at their lengths, brought down to one row a sample.
 *
 * Lengths are int32 (N), one for each sample; without them every sample has all T steps. A length below 0 counts as 0,
 * one beyond T as T. Not here: what computes along the time (recurrent.c, attention.c). */
#include "ops/sequence.h"
#include "ops/strided.h"

enum { X, LENGTHS };

/* Checks x (T,N,...), which is input 0 or what is made of it, and lengths (N). */
static eg_status check_steps(eg_infer *s, const eg_dims *x, int least_rank) {
	const eg_dims *lengths = &s->in[LENGTHS];
	char tx[128], tl[128], tn[128];
	eg_dims_text(x, tx, sizeof tx);
	if (op_check_real(s, X, "x")) return s->err->status;
	if (x->rank < least_rank || eg_dim_is_batch(x->d[0]))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s is no sequence; %s is needed, time before batch", tx,
			least_rank > 2 ? "(T,N,features)" : "(T,N,...)");
	for (int i = 2; i < x->rank; i++)
		if (eg_dim_is_batch(x->d[i]) || x->d[i] == EG_T)
			return eg_fail(s->err, EG_ERR_SHAPE,
				"x %s is no sequence: time and batch are its first two dimensions", tx);
	if (s->nin <= LENGTHS || lengths->rank < 0) return EG_OK;
	if (s->in_type[LENGTHS] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
			"lengths holds floating-point numbers (EG_F32), integers (EG_I32) are needed");
	if (lengths->rank != 1 || !eg_dim_fits(lengths->d[0], x->d[1])) {
		eg_dims n = {1, {x->d[1]}};
		return eg_fail(s->err, EG_ERR_SHAPE, "lengths is %s, the samples of x %s need %s",
			eg_dims_text(lengths, tl, sizeof tl), tx, eg_dims_text(&n, tn, sizeof tn));
	}
	return EG_OK;
}

static eg_status check_sequence(eg_infer *s, int least_rank) { return check_steps(s, &s->in[X], least_rank); }

static eg_buf lengths_of(eg_emit *e) {
	return eg_emit_has_in(e, LENGTHS) ? eg_emit_x(e, LENGTHS, EG_PLAIN) : (eg_buf){0};
}

/* The job over all steps of x's shape, without x and y. */
static eg_steps_args steps_of(eg_emit *e, eg_steps_kind kind) {
	eg_dims d = eg_emit_in_dims(e, X);
	return (eg_steps_args){.lengths = lengths_of(e),
		.T = (int)d.d[0],
		.N = (int)d.d[1],
		.n = (int)eg_dims_count(&d, 2),
		.kind = kind};
}

static void call_steps(eg_emit *e, eg_steps_args a) {
	OP_CALL(e, steps, a, 2, 1, .units = a.T, .flops = (double)a.T * a.N * a.n);
}

void sequence_mask_into(eg_emit *e, eg_buf x, eg_buf lengths, int T, int N, int n, eg_buf y) {
	call_steps(e, (eg_steps_args){.x = x, .lengths = lengths, .y = y, .T = T, .N = N, .n = n, .kind = EG_STEPS_MASK});
}

eg_buf sequence_masked(eg_emit *e, eg_buf x, eg_buf lengths, int T, int N, int n) {
	if (!x.p || !lengths.p) return x;
	eg_buf y = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)T * N * n, false);
	sequence_mask_into(e, x, lengths, T, N, n, y);
	return y;
}

static void steps_fwd(eg_emit *e, eg_steps_kind kind) {
	eg_steps_args a = steps_of(e, kind);
	a.x = eg_emit_x(e, X, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	call_steps(e, a);
}

/* REVERSE and MASK are their own adjoints; the SPREADs are those of pool_steps. */
static void steps_bwd(eg_emit *e, eg_steps_kind kind) {
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!dy.p || !eg_emit_needs_dx(e, X)) return;
	eg_steps_args a = steps_of(e, kind);
	a.x = dy;
	a.y = eg_emit_dx(e, X, EG_PLAIN, &a.acc);
	call_steps(e, a);
}

static void pool_fwd(eg_emit *e, bool mean) {
	eg_dims d = eg_emit_in_dims(e, X);
	eg_pool_steps_args a = {.x = eg_emit_x(e, X, EG_PLAIN),
		.lengths = lengths_of(e),
		.y = eg_emit_y(e, 0, EG_PLAIN),
		.T = (int)d.d[0],
		.N = (int)d.d[1],
		.n = (int)eg_dims_count(&d, 2),
		.mean = mean};
	OP_CALL(e, pool_steps, a, 2, 1, .units = eg_blocks(a.N), .flops = (double)(mean ? a.T : 1) * a.N * a.n);
}

/* Shared by all: no options, x and lengths. */
#define SEQUENCE_INFO(least_inputs)                                                                                    \
	.options_size = sizeof(op_name_only), .min_inputs = least_inputs, .max_inputs = 2,                             \
	.inputs = (const char *const[]){"x", "lengths"}, .types = "fi", .outputs = (const char *const[]){"y", NULL}

/* Lengths that are 0, 1, all steps, and two that are out of range. */
static const int32_t five[] = {3, 0, 7, 1, 6}, odd[] = {2, 9, 5, -3, 1, 4, 0};
static const int32_t many[] = {5, 1, 0, 3, 2, 4, 5, 5, 1, 2, 3, 4, 0, 1, 5, 4, 3, 2, 2};
static const eg_case sequence_cases[] = {
	{"lengths", NULL, .in = {OP_DIMS(EG_T, EG_N, 3), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 5,
		.time = 7, .values = OP_VALUES(NULL, five), .linear = true},
	{"lengths out of range, several features", NULL, .in = {OP_DIMS(EG_T, EG_N, 3, 2), OP_DIMS(EG_N)},
		.type = {EG_F32, EG_I32}, .nin = 2, .batch = 7, .time = 5, .values = OP_VALUES(NULL, odd), .linear = true},
	{"more than a block of samples", NULL, .in = {OP_DIMS(EG_T, EG_N, 21), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32},
		.nin = 2, .batch = 19, .time = 5, .values = OP_VALUES(NULL, many), .linear = true},
	{"one step", NULL, .in = {OP_DIMS(EG_T, EG_N, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2,
		.batch = 3, .time = 1, .limit = 2, .linear = true},
	{"an open length", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 3), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 5,
		.sizes = OP_SIZES({"length", 7}), .values = OP_VALUES(NULL, five), .linear = true},
	{"fixed shape", NULL, .in = {OP_DIMS(4, 5, 2), OP_DIMS(5)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 2,
		.values = OP_VALUES(NULL, five), .linear = true},
	/* the last one is for those that need no lengths */
	{"no lengths", NULL, .in = {OP_DIMS(EG_T, EG_N, 6)}, .nin = 1, .batch = 18, .time = 3, .linear = true},
};

/* ---- reverse_sequence -------------------------------------------------------------------------------------------- */

typedef struct reverse_options {
	const char *name;
	int time_axis, batch_axis;
} reverse_options;

static const eg_attr reverse_attrs[] = {
	OP_INT(reverse_options, time_axis, 0, 0, 1, "time_axis", "dimension of x that is the time"),
	OP_INT(reverse_options, batch_axis, 1, 0, 1, "batch_axis", "dimension of x that is the batch: the other one of the first two"),
};

static void swap_first(eg_dims *d) {
	const int64_t first = d->d[0];
	d->d[0] = d->d[1];
	d->d[1] = first;
}

static eg_status reverse_infer(eg_infer *s) {
	const reverse_options *o = s->options;
	eg_dims x = s->in[X];
	if (o->time_axis == o->batch_axis)
		return eg_fail(s->err, EG_ERR_ARG, "time_axis and batch_axis are both %d; one must be 0 and the other 1", o->time_axis);
	if (o->time_axis == 1 && x.rank >= 2) swap_first(&x);
	if (check_steps(s, &x, 2)) return s->err->status;
	s->out[0] = s->in[X];
	s->info->mixes_time = true;
	return EG_OK;
}

static bool batch_first(const eg_emit *e) { return ((const reverse_options *)eg_emit_options(e))->time_axis == 1; }

/* y = [y +] x (A,B,n) as (B,A,n). */
static void turn(eg_emit *e, eg_buf x, eg_buf y, int A, int B, int n, bool acc) {
	strided_take(e, x, y, 3, (const int64_t[]){B, A, n}, (const int64_t[]){n, (int64_t)B * n, 1}, 0, acc, EG_F32);
}

/* a.y = [a.y +] a.x with the batch first: in steps of time between two buffers of their own. */
static void reverse_samples(eg_emit *e, eg_steps_args a) {
	const eg_buf x = a.x, y = a.y;
	const int N = a.T, T = a.N; /* the dimensions are those of x */
	a.x = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)T * N * a.n, false);
	a.y = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)T * N * a.n, false);
	const bool acc = a.acc;
	a.acc = false;
	a.T = T;
	a.N = N;
	turn(e, x, a.x, N, T, a.n, false);
	call_steps(e, a);
	turn(e, a.y, y, T, N, a.n, acc);
}

static void reverse_fwd(eg_emit *e) {
	eg_steps_args a = steps_of(e, EG_STEPS_REVERSE);
	if (!batch_first(e)) {
		steps_fwd(e, EG_STEPS_REVERSE);
		return;
	}
	a.x = eg_emit_x(e, X, EG_PLAIN);
	a.y = eg_emit_y(e, 0, EG_PLAIN);
	reverse_samples(e, a);
}

static void reverse_bwd(eg_emit *e) {
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	if (!batch_first(e)) {
		steps_bwd(e, EG_STEPS_REVERSE);
		return;
	}
	if (!dy.p || !eg_emit_needs_dx(e, X)) return;
	eg_steps_args a = steps_of(e, EG_STEPS_REVERSE);
	a.x = dy;
	a.y = eg_emit_dx(e, X, EG_PLAIN, &a.acc);
	reverse_samples(e, a);
}

static const eg_case reverse_cases[] = {
	{"lengths", NULL, .in = {OP_DIMS(EG_T, EG_N, 3), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 5, .time = 7,
		.values = OP_VALUES(NULL, five), .linear = true},
	{"lengths out of range, several features", NULL, .in = {OP_DIMS(EG_T, EG_N, 3, 2), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 7,
		.time = 5, .values = OP_VALUES(NULL, odd), .linear = true},
	{"more than a block of samples, which come first", &(const reverse_options){.time_axis = 1, .batch_axis = EG_ZERO},
		.in = {OP_DIMS(EG_N, 5, 21), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 19, .values = OP_VALUES(NULL, many), .linear = true},
	{"an open length", NULL, .in = {OP_DIMS(EG_NAMED, EG_N, 3), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 5,
		.sizes = OP_SIZES({"length", 7}), .values = OP_VALUES(NULL, five), .linear = true},
	{"no lengths", NULL, .in = {OP_DIMS(EG_T, EG_N, 6)}, .nin = 1, .batch = 18, .time = 3, .linear = true},
};

const eg_op eg_op_reverse_sequence = {
	.info = {
		.name = "reverse_sequence",
		.layer = "reverse",
		.doc = OP_TEXT("Turns the steps of each sequence round; what lies beyond its length stays where it is"),
		.equation = OP_TEXT("x (T,N,...), lengths L (N); y[t,n] = x[L[n]-1-t,n] where t < L[n], else x[t,n]; with time_axis 1, batch_axis 0: x (N,T,...) likewise"),
		.source = OP_TEXT("ONNX ReverseSequence-10"),
		.attrs = reverse_attrs,
		.nattrs = EG_COUNT(reverse_attrs),
		.options_size = sizeof(reverse_options),
		.min_inputs = 1,
		.max_inputs = 2,
		.inputs = (const char *const[]){"x", "lengths"},
		.types = "fi",
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = reverse_infer,
	.range = op_range_of_input,
	.fwd = reverse_fwd,
	.bwd = OP_BWD(reverse_bwd),
	.bwd_reads_x = true,
	.onnx = "ReverseSequence",
	.onnx_since = 10,
	OP_CASES(reverse_cases),
};

/* ---- sequence_mask ----------------------------------------------------------------------------------------------- */

static eg_status mask_infer(eg_infer *s) {
	if (check_sequence(s, 2)) return s->err->status;
	s->out[0] = s->in[X];
	return EG_OK;
}
static void mask_fwd(eg_emit *e) { steps_fwd(e, EG_STEPS_MASK); }
static void mask_bwd(eg_emit *e) { steps_bwd(e, EG_STEPS_MASK); }

const eg_op eg_op_sequence_mask = {
	.info = {
		.name = "sequence_mask",
		.layer = "mask",
		.doc = OP_TEXT("Makes the steps beyond each sequence's length zero"),
		.equation = OP_TEXT("x (T,N,...), lengths L (N); y[t,n] = x[t,n] where t < L[n], else 0; dx likewise from dy"),
		.source = OP_TEXT("PyTorch's pad_packed_sequence, whose padding is zero"),
		SEQUENCE_INFO(2),
	},
	.infer = mask_infer,
	.lengths = "1-",
	.fwd = mask_fwd,
	.bwd = OP_BWD(mask_bwd),
	.bwd_reads_x = true,
	OP_FIRST_CASES(sequence_cases, EG_COUNT(sequence_cases) - 1),
};

/* ---- last, mean_time --------------------------------------------------------------------------------------------- */

static eg_status pool_infer(eg_infer *s) {
	if (check_sequence(s, 3)) return s->err->status;
	s->out[0].rank = s->in[X].rank - 1;
	memcpy(s->out[0].d, s->in[X].d + 1, (size_t)s->out[0].rank * sizeof *s->out[0].d);
	s->info->mixes_time = true;
	return EG_OK;
}
static void last_fwd(eg_emit *e) { pool_fwd(e, false); }
static void last_bwd(eg_emit *e) { steps_bwd(e, EG_STEPS_SPREAD_LAST); }
static void mean_fwd(eg_emit *e) { pool_fwd(e, true); }
static void mean_bwd(eg_emit *e) { steps_bwd(e, EG_STEPS_SPREAD_MEAN); }

const eg_op eg_op_last = {
	.info = {
		.name = "last",
		.layer = "last",
		.doc = OP_TEXT("The last step of each sequence: what a network that reads a sequence and answers once goes by"),
		.equation = OP_TEXT("x (T,N,...), lengths L (N); y (N,...) = x[L[n]-1,n], zero where L[n] is 0"),
		.source = OP_TEXT("ONNX GatherND-13; Y_h of ONNX's recurrent operators"),
		SEQUENCE_INFO(1),
	},
	.infer = pool_infer,
	.range = op_range_of_input,
	.lengths = "1-",
	.fwd = last_fwd,
	.bwd = OP_BWD(last_bwd),
	.bwd_reads_x = true,
	OP_CASES(sequence_cases),
};

const eg_op eg_op_mean_time = {
	.info = {
		.name = "mean_time",
		.layer = "mean_time",
		.doc = OP_TEXT("The mean over the steps of each sequence"),
		.equation = OP_TEXT("x (T,N,...), lengths L (N); y (N,...) = 1/L[n] sum of x[t,n] over t < L[n]; L[n] 0: zero"),
		.source = OP_TEXT("ONNX ReduceMean-18 (axis 0)"),
		SEQUENCE_INFO(1),
	},
	.infer = pool_infer,
	.range = op_range_of_input,
	.lengths = "1-",
	.fwd = mean_fwd,
	.bwd = OP_BWD(mean_bwd),
	.bwd_reads_x = true,
	OP_CASES(sequence_cases),
};

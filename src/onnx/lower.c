/* lower.c - layers that ONNX has no operator for, written as several that it has: what follows lengths or positions,
 * causal convolutions, gates. Attention is in lower_attention.c.
 *
 * Not here: operators that ONNX has (their descriptors say so, core/onnx_export.c), and the way back: such nodes come
 * in as the operators that they are. */
#include "onnx/lower.h"
#include "onnx/states.h"

#include <math.h>
#include <string.h>

/* ---- what a lowering may ask ------------------------------------------------------------------------------------- */

const char *eg_lower_in(const eg_lowering *l, int i) { return i < l->node->nin ? l->node->in[i] : ""; }
const char *eg_lower_out(const eg_lowering *l, int i) {
	return i < l->node->nout && *l->node->out[i] ? l->node->out[i] : NULL;
}
const char *eg_lower_param(const eg_lowering *l, int i) { return eg_lower_in(l, l->info.op->max_inputs + i); }

eg_dims eg_lower_dims(const eg_lowering *l, int i) {
	return i < l->info.ninputs && l->info.inputs[i].id ? eg_tensor_dims(l->graph, l->info.inputs[i]) : (eg_dims){.rank = -1};
}

static const char *field(const eg_lowering *l, const char *name, const eg_attr **attr) {
	for (int i = 0; i < l->info.op->nattrs; i++) {
		*attr = &l->info.op->attrs[i];
		if (!strcmp((*attr)->name, name)) return (const char *)l->info.options + (*attr)->offset;
	}
	return NULL;
}

int eg_lower_int(const eg_lowering *l, const char *name) {
	const eg_attr *a;
	const char *at = field(l, name, &a);
	if (!at) return 0;
	return a->type == EG_ATTR_BOOL ? *(const bool *)at : a->type == EG_ATTR_NOT ? !*(const bool *)at : *(const int *)at;
}

double eg_lower_real(const eg_lowering *l, const char *name) {
	const eg_attr *a;
	const char *at = field(l, name, &a);
	return at ? (double)*(const float *)at : 0;
}

/* The numbers of a weight; NULL, and failure, where there are none. */
static const float *weight(const eg_lowering *l, int param, eg_dims *dims) {
	const eg_onnx_tensor *t = eg_build_tensor(l->b, eg_lower_param(l, param));
	if (!t || t->type != EG_ONNX_FLOAT || t->rank < 1 || t->rank > 2) {
		eg_build_fail(l->b, "%s '%s': its weights are not there in single precision", l->info.op->name, l->info.name);
		return NULL;
	}
	*dims = (eg_dims){t->rank, {t->dims[0], t->rank > 1 ? t->dims[1] : 1}};
	return t->data;
}

const char *eg_lower_turned(const eg_lowering *l, int param, int64_t first, int64_t n) {
	eg_dims d;
	const float *w = weight(l, param, &d);
	float *t = w ? eg_build_take(l->b, (size_t)(n * d.d[1]) * sizeof *t) : NULL;
	if (!t) return "";
	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < d.d[1]; k++) t[k * n + i] = w[(first + i) * d.d[1] + k];
	return eg_build_reals(l->b, t, EG_DIMS(d.d[1], n));
}

const char *eg_lower_part(const eg_lowering *l, int param, int64_t first, int64_t n) {
	eg_dims d;
	const float *w = weight(l, param, &d);
	return w ? eg_build_reals(l->b, w + first, EG_DIMS(n)) : "";
}

/* ---- steps and lengths ------------------------------------------------------------------------------------------- */

const char *eg_lower_ones(const eg_lowering *l, const char *x, int rank, int from) {
	int64_t starts[EG_MAX_DIMS] = {0}, ends[EG_MAX_DIMS], axes[EG_MAX_DIMS];
	const int n = rank - from;
	for (int i = 0; i < n; i++) ends[i] = 1, axes[i] = from + i;
	if (n > 0) x = eg_build_node(l->b, "Slice", EG_IN(x, eg_build_ints(l->b, starts, n), eg_build_ints(l->b, ends, n), eg_build_ints(l->b, axes, n)), NULL);
	const char *none = eg_build_node(l->b, "IsNaN", EG_IN(x), NULL), *some = eg_build_node(l->b, "Not", EG_IN(none), NULL);
	return eg_build_cast(l->b, eg_build_node(l->b, "Or", EG_IN(none, some), NULL), EG_ONNX_FLOAT);
}

static const char *counted(const eg_lowering *l, const char *ones, int64_t axis) {
	const char *y = eg_build_node(l->b, "CumSum", EG_IN(ones, eg_build_whole(l->b, axis)), NULL);
	eg_build_int(l->b, "exclusive", 1);
	return y;
}

const char *eg_lower_positions(const eg_lowering *l, const char *x, int rank, int from, int axis) {
	return counted(l, eg_lower_ones(l, x, rank, from), axis);
}

/* Lengths as real numbers, so that they meet (T,N,1,..) of this rank. */
static const char *lengths_of(const eg_lowering *l, int input, int rank) {
	int64_t axes[EG_MAX_DIMS];
	for (int i = 0; i < rank - 2; i++) axes[i] = i + 1;
	return eg_build_unsqueeze(l->b, eg_build_cast(l->b, eg_lower_in(l, input), EG_ONNX_FLOAT), axes, rank - 2);
}

/* Ones and numbers of the steps of x (T,N,...), as many as input 0 has: made once for all layers of these steps, but in
 * each body anew. */
static struct eg_build_steps *steps_of(const eg_lowering *l, const char *x, int rank) {
	const eg_dims d = eg_lower_dims(l, 0);
	struct eg_build_steps *s = &l->b->steps;
	if (!l->b->depth && s->ones && s->rank == rank && s->time == d.d[0] && s->batch == d.d[1]) return s;
	*s = (struct eg_build_steps){.time = d.d[0], .batch = d.d[1], .rank = rank, .ones = eg_lower_ones(l, x, rank, 2)};
	s->at = counted(l, s->ones, 0);
	return s;
}

/* Which steps are before the lengths. */
static const char *within(const eg_lowering *l, const char *x, int rank, int lengths) {
	struct eg_build_steps *s = steps_of(l, x, rank);
	const char *name = eg_lower_in(l, lengths);
	if (s->within && !strcmp(s->lengths, name)) return s->within;
	s->lengths = name;
	return s->within = eg_build_node(l->b, "Less", EG_IN(s->at, lengths_of(l, lengths, rank)), NULL);
}

const char *eg_lower_masked(const eg_lowering *l, const char *x, int rank, int lengths, const char *out) {
	if (!*eg_lower_in(l, lengths)) return out ? eg_build_node(l->b, "Identity", EG_IN(x), out) : x;
	return eg_build_node(l->b, "Where", EG_IN(within(l, x, rank, lengths), x, eg_build_real(l->b, 0)), out);
}

static void lower_mask(const eg_lowering *l) { eg_lower_masked(l, eg_lower_in(l, 0), eg_lower_dims(l, 0).rank, 1, eg_lower_out(l, 0)); }

/* Lengths beyond the last step are the last step. */
static const char *lengths_within(const eg_lowering *l, const char *ones, int rank) {
	const char *steps = eg_build_reduce(l->b, "ReduceSum", ones, 0, NULL);
	return eg_build_node(l->b, "Min", EG_IN(lengths_of(l, 1, rank), steps), NULL);
}

static void lower_last(const eg_lowering *l) {
	eg_build *b = l->b;
	const char *x = eg_lower_in(l, 0);
	const int rank = eg_lower_dims(l, 0).rank;
	if (!*eg_lower_in(l, 1)) {
		const char *step = eg_build_node(b, "Slice", EG_IN(x, EG_BUILD_INTS(b, -1), EG_BUILD_INTS(b, INT64_MAX), EG_BUILD_INTS(b, 0)), NULL);
		eg_build_squeeze(b, step, 0, eg_lower_out(l, 0));
		return;
	}
	const struct eg_build_steps *s = steps_of(l, x, rank);
	const char *next = eg_build_node(b, "Add", EG_IN(s->at, eg_build_real(b, 1)), NULL);
	const char *last = eg_build_node(b, "Equal", EG_IN(next, lengths_within(l, s->ones, rank)), NULL);
	eg_build_reduce(b, "ReduceSum", eg_build_node(b, "Where", EG_IN(last, x, eg_build_real(b, 0)), NULL), 0, eg_lower_out(l, 0));
}

static void lower_mean_time(const eg_lowering *l) {
	eg_build *b = l->b;
	const char *x = eg_lower_in(l, 0);
	const int rank = eg_lower_dims(l, 0).rank;
	if (!*eg_lower_in(l, 1)) {
		eg_build_reduce(b, "ReduceMean", x, 0, eg_lower_out(l, 0));
		return;
	}
	const char *sum = eg_build_reduce(b, "ReduceSum", eg_lower_masked(l, x, rank, 1, NULL), 0, NULL);
	const char *length = lengths_within(l, steps_of(l, x, rank)->ones, rank);
	eg_build_node(b, "Div", EG_IN(sum, eg_build_node(b, "Max", EG_IN(length, eg_build_real(b, 1)), NULL)), eg_lower_out(l, 0));
}

/* The step before the first, (1,N,..), as a state (1,N,features) that the model is given, and the last one as what it
 * leaves; zeros where it begins. */
static const char *shift_state(const eg_lowering *l, const char *x, const eg_dims *d) {
	eg_build *b = l->b;
	int64_t apart[EG_MAX_DIMS] = {0}, features = 1;
	for (int i = 2; i < d->rank; i++) apart[i] = d->d[i], features *= d->d[i];
	const char *name = eg_build_text(b, l->info.name), *before = eg_arena_printf(&b->arena, "%s.l0.h0", name), *last = eg_arena_printf(&b->arena, "%s.l0.hn", name);
	if (!before || !last) return eg_build_fail(b, "out of memory for a model"), "";
	const char *end = eg_build_node(b, "Slice", EG_IN(x, EG_BUILD_INTS(b, -1), EG_BUILD_INTS(b, INT64_MAX), EG_BUILD_INTS(b, 0)), NULL);
	eg_build_reshape(b, end, (const int64_t[]){0, 0, features}, 3, last);
	eg_build_final(b, last, 1, features);
	return eg_build_reshape(b, eg_build_initial(b, before, x, 1, features, true), apart, d->rank, NULL);
}

/* `start`, or the state, and all steps but the last. */
static void lower_shift(const eg_lowering *l) {
	eg_build *b = l->b;
	const eg_dims d = eg_lower_dims(l, 0);
	const double start = eg_lower_real(l, "start");
	const char *x = eg_lower_in(l, 0), *axis = EG_BUILD_INTS(b, 0);
	const bool masked = *eg_lower_in(l, 1);
	bool open = false;
	for (int i = 2; i < d.rank; i++) open |= d.d[i] < 0;
	if (eg_tensor_dtype(l->graph, l->info.inputs[0]) != EG_F32) {
		eg_build_fail(b, "shift '%s': one of whole numbers is not written", l->info.name);
		return;
	}
	const char *first = eg_build_node(b, "Slice", EG_IN(x, axis, EG_BUILD_INTS(b, 1), axis), NULL);
	const char *begin = l->states && start == 0 && !masked && !open ? shift_state(l, x, &d)
		: eg_build_node(b, "Mul", EG_IN(eg_lower_ones(l, first, d.rank, d.rank), eg_build_real(b, start)), NULL);
	const char *rest = eg_build_node(b, "Slice", EG_IN(x, axis, EG_BUILD_INTS(b, -1), axis), NULL);
	const char *y = eg_build_node(b, "Concat", EG_IN(begin, rest), masked ? NULL : eg_lower_out(l, 0));
	eg_build_int(b, "axis", 0);
	if (masked) eg_lower_masked(l, y, d.rank, 1, eg_lower_out(l, 0));
}

/* As many numbers as a dimension is long. */
static void lower_range(const eg_lowering *l) {
	eg_build *b = l->b;
	const int said = eg_lower_int(l, "axis"), axis = said < 0 ? said + eg_lower_dims(l, 0).rank : said;
	const char *shape = eg_build_node(b, "Shape", EG_IN(eg_lower_in(l, 0)), NULL);
	const char *n = eg_build_node(b, "Gather", EG_IN(shape, eg_build_whole(b, axis)), NULL);
	const char *at = eg_build_node(b, "Range", EG_IN(eg_build_whole(b, 0), n, eg_build_whole(b, 1)), NULL);
	const char *steps = eg_build_node(b, "Mul", EG_IN(eg_build_cast(b, at, EG_ONNX_FLOAT), eg_build_real(b, eg_lower_real(l, "step"))), NULL);
	const bool whole = eg_lower_int(l, "integers");
	const char *y = eg_build_node(b, "Add", EG_IN(steps, eg_build_real(b, eg_lower_real(l, "start"))), whole ? NULL : eg_lower_out(l, 0));
	if (!whole) return;
	eg_build_node(b, "Cast", EG_IN(y), eg_lower_out(l, 0));
	eg_build_int(b, "to", EG_ONNX_INT32);
}

/* (T,N,C) as signals (N,C,T), with zeros in front. Steps behind the lengths are seen by such steps only, and those
 * become 0: x is taken as it is. */
static void lower_causal_conv(const eg_lowering *l) {
	eg_build *b = l->b;
	const char *x = eg_lower_in(l, 0), *out = eg_lower_out(l, 0);
	const int64_t kernel = eg_lower_int(l, "kernel"), dilation = eg_lower_int(l, "dilation");
	const bool masked = *eg_lower_in(l, 1);
	const char *signal = eg_build_transpose(b, x, (const int64_t[]){1, 2, 0}, 3, NULL);
	const char *y = eg_build_node(b, "Conv", EG_IN(signal, eg_lower_param(l, 0), eg_lower_param(l, 1)), NULL);
	eg_build_int_list(b, "kernel_shape", &kernel, 1);
	eg_build_int_list(b, "dilations", &dilation, 1);
	eg_build_int_list(b, "pads", (const int64_t[]){dilation * (kernel - 1), 0}, 2);
	eg_build_int(b, "group", eg_lower_int(l, "groups"));
	y = eg_build_transpose(b, y, (const int64_t[]){2, 0, 1}, 3, masked ? NULL : out);
	if (masked) eg_lower_masked(l, y, 3, 1, out);
}

/* ---- element by element ------------------------------------------------------------------------------------------ */

/* In inference it is the expectation. */
static void lower_zoneout(const eg_lowering *l) {
	eg_build *b = l->b;
	const double rate = eg_lower_real(l, "rate");
	const char *now = eg_build_node(b, "Mul", EG_IN(eg_lower_in(l, 0), eg_build_real(b, 1 - rate)), NULL);
	const char *before = eg_build_node(b, "Mul", EG_IN(eg_lower_in(l, 1), eg_build_real(b, rate)), NULL);
	eg_build_node(b, "Add", EG_IN(now, before), eg_lower_out(l, 0));
}

/* x (N,C,...): factors and constants (C,1,..). */
static void lower_scale_channels(const eg_lowering *l) {
	eg_build *b = l->b;
	const eg_dims d = eg_lower_dims(l, 0);
	const bool scale = eg_lower_int(l, "scale"), bias = eg_lower_int(l, "bias");
	const char *y = eg_lower_in(l, 0);
	int64_t axes[EG_MAX_DIMS];
	for (int i = 0; i < d.rank - 2; i++) axes[i] = i + 1;
	if (scale) y = eg_build_node(b, "Mul", EG_IN(y, eg_build_unsqueeze(b, eg_lower_param(l, 0), axes, d.rank - 2)), bias ? NULL : eg_lower_out(l, 0));
	if (bias) y = eg_build_node(b, "Add", EG_IN(y, eg_build_unsqueeze(b, eg_lower_param(l, scale), axes, d.rank - 2)), eg_lower_out(l, 0));
	if (!scale && !bias) eg_build_node(b, "Identity", EG_IN(y), eg_lower_out(l, 0));
}

/* Rows (..,1,features) less codes (units,features), squared and added up. */
static void lower_rbf(const eg_lowering *l) {
	eg_build *b = l->b;
	const int rank = eg_lower_dims(l, 0).rank;
	const char *codes = eg_lower_dims(l, 1).rank < 0 ? eg_lower_param(l, 0) : eg_lower_in(l, 1);
	const char *rows = eg_build_unsqueeze(b, eg_lower_in(l, 0), (const int64_t[]){rank - 1}, 1);
	const char *off = eg_build_node(b, "Sub", EG_IN(rows, codes), NULL);
	eg_build_reduce(b, "ReduceSum", eg_build_node(b, "Mul", EG_IN(off, off), NULL), rank, eg_lower_out(l, 0));
}

/* Rows by their lengths, times directions that are of length 1 already; the latter are multiplied with the scale. */
static void lower_cosine_linear(const eg_lowering *l) {
	static const double least = 1e-12; /* a length */
	eg_build *b = l->b;
	const int rank = eg_lower_dims(l, 0).rank;
	const char *x = eg_lower_in(l, 0);
	eg_dims d = {0};
	const float *w = weight(l, 0, &d);
	float *turned = w ? eg_build_take(b, (size_t)d.d[0] * (size_t)d.d[1] * sizeof *turned) : NULL;
	if (!turned) return;
	for (int64_t k = 0; k < d.d[0]; k++) {
		double squares = 0;
		for (int64_t i = 0; i < d.d[1]; i++) squares += (double)w[k * d.d[1] + i] * (double)w[k * d.d[1] + i];
		const double factor = eg_lower_real(l, "scale") / fmax(sqrt(squares), least);
		for (int64_t i = 0; i < d.d[1]; i++) turned[i * d.d[0] + k] = (float)(factor * (double)w[k * d.d[1] + i]);
	}
	const char *squares = eg_build_reduce(b, "ReduceSum", eg_build_node(b, "Mul", EG_IN(x, x), NULL), rank - 1, NULL);
	const char *length = eg_build_node(b, "Max", EG_IN(eg_build_node(b, "Sqrt", EG_IN(squares), NULL), eg_build_real(b, least)), NULL);
	const char *rows = eg_build_node(b, "Div", EG_IN(x, eg_build_unsqueeze(b, length, (const int64_t[]){rank - 1}, 1)), NULL);
	eg_build_node(b, "MatMul", EG_IN(rows, eg_build_reals(b, turned, EG_DIMS(d.d[1], d.d[0]))), eg_lower_out(l, 0));
}

/* Channels as (groups, pieces), of which the largest is taken; 0 in a shape is the size that x has there. */
static void lower_maxout(const eg_lowering *l) {
	eg_build *b = l->b;
	const eg_dims d = eg_lower_dims(l, 0);
	const int said = eg_lower_int(l, "axis"), axis = said < 0 ? said + d.rank : said;
	const int64_t pieces = eg_lower_int(l, "pieces");
	int64_t shape[EG_MAX_DIMS + 1] = {0};
	bool open = d.d[axis] < 0;
	for (int i = axis + 1; i < d.rank; i++) open |= d.d[i] < 0;
	if (open || pieces < 1 || d.rank == EG_MAX_DIMS) {
		eg_build_fail(b, "maxout '%s': open sizes behind its channels, or %d dimensions, are not written", l->info.name, EG_MAX_DIMS);
		return;
	}
	shape[axis] = d.d[axis] / pieces;
	shape[axis + 1] = pieces;
	for (int i = axis + 1; i < d.rank; i++) shape[i + 1] = d.d[i];
	eg_build_reduce(b, "ReduceMax", eg_build_reshape(b, eg_lower_in(l, 0), shape, d.rank + 1, NULL), axis + 1, eg_lower_out(l, 0));
}

/* One half of x times what an activation makes of the other. */
static void lower_glu(const eg_lowering *l) {
	static const char *const acts[] = {"Sigmoid", "Relu", NULL, NULL, "Sigmoid", "Tanh", ""};
	enum { SILU = 4 };
	eg_build *b = l->b;
	const eg_dims d = eg_lower_dims(l, 0);
	const int said = eg_lower_int(l, "axis"), axis = said < 0 ? said + d.rank : said, kind = eg_lower_int(l, "act");
	const char *x = eg_lower_in(l, 0), *at = EG_BUILD_INTS(b, axis), *half = EG_BUILD_INTS(b, d.d[axis] / 2);
	const char *first = eg_build_node(b, "Slice", EG_IN(x, EG_BUILD_INTS(b, 0), half, at), NULL);
	const char *gate = eg_build_node(b, "Slice", EG_IN(x, half, EG_BUILD_INTS(b, d.d[axis]), at), NULL), *open = gate;
	if (!acts[kind]) eg_build_fail(b, "glu '%s': a gate of gelu is not written; sigmoid, relu, silu, tanh and none are", l->info.name);
	else if (*acts[kind]) open = eg_build_node(b, acts[kind], EG_IN(gate), NULL);
	if (kind == SILU) open = eg_build_node(b, "Mul", EG_IN(gate, open), NULL);
	eg_build_node(b, "Mul", EG_IN(first, open), eg_lower_out(l, 0));
}

/* (T*N,...) as (T,N,...): both numbers are those of an input. */
static void lower_unfold_time(const eg_lowering *l) {
	eg_build *b = l->b;
	const eg_dims y = eg_tensor_dims(l->graph, l->info.outputs[0]);
	const char *of = NULL;
	eg_tensor x;
	for (int i = 0; (x = eg_graph_input(l->graph, i)).id && !of; i++) {
		const eg_dims d = eg_tensor_dims(l->graph, x);
		if (d.rank > 1 && d.d[0] == y.d[0] && d.d[1] == y.d[1]) of = eg_tensor_name(l->graph, x);
	}
	int64_t rest[EG_MAX_DIMS];
	for (int i = 2; i < y.rank; i++) {
		rest[i - 2] = y.d[i];
		if (y.d[i] < 0) of = NULL;
	}
	if (!of) {
		eg_build_fail(b, "unfold_time '%s': no input says how many steps there are, or another size is open", l->info.name);
		return;
	}
	const char *shape = eg_build_node(b, "Shape", EG_IN(of), NULL);
	shape = eg_build_node(b, "Slice", EG_IN(shape, EG_BUILD_INTS(b, 0), EG_BUILD_INTS(b, 2), EG_BUILD_INTS(b, 0)), NULL);
	if (y.rank > 2) {
		shape = eg_build_node(b, "Concat", EG_IN(shape, eg_build_ints(b, rest, y.rank - 2)), NULL);
		eg_build_int(b, "axis", 0);
	}
	eg_build_node(b, "Reshape", EG_IN(eg_lower_in(l, 0), shape), eg_lower_out(l, 0));
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *op;
	void (*lower)(const eg_lowering *l);
} table[] = {
	{"sequence_mask", lower_mask}, {"last", lower_last}, {"mean_time", lower_mean_time}, {"causal_conv1d", lower_causal_conv}, {"shift", lower_shift}, {"arange", lower_range},
	{"zoneout", lower_zoneout}, {"rbf", lower_rbf}, {"cosine_linear", lower_cosine_linear}, {"scale_channels", lower_scale_channels}, {"maxout", lower_maxout}, {"glu", lower_glu}, {"attention", eg_lower_attention},
	{"multi_head_attention", eg_lower_multi_head_attention}, {"additive_attention", eg_lower_additive_attention},
	{"multiplicative_attention", eg_lower_multiplicative_attention},
	{"unfold_time", lower_unfold_time}, {"rnn", eg_lower_recurrent}, {"lstm", eg_lower_recurrent}, {"gru", eg_lower_recurrent},
};

bool eg_lower_find(const eg_graph *g, const char *name, eg_node_info *info) {
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, info);
		if (!strcmp(info->name, name)) return true;
	}
	return false;
}

void eg_lower_node(eg_build *b, const eg_graph *g, const eg_onnx_node *n, bool states) {
	eg_lowering l = {.b = b, .graph = g, .node = n, .states = states};
	b->where = n->name;
	for (int i = 0; i < EG_COUNT(table); i++) {
		if (strcmp(table[i].op, n->type) != 0) continue;
		if (eg_lower_find(g, n->name, &l.info)) table[i].lower(&l);
		return;
	}
	eg_build_fail(b, "%s '%s': ONNX has no such operator, and it is not written as several others", n->type, n->name);
}

bool eg_lower_is_own(const eg_onnx_node *n) { return n->domain && !strcmp(n->domain, EG_ONNX_OWN); }
bool eg_lower_is(const eg_onnx_node *n, const char *own) { return eg_lower_is_own(n) && !strcmp(n->type, own); }

/* By the model, or a body in it. */
static bool is_read(const eg_onnx_model *m, const char *name) {
	for (int i = 0; i < m->nnodes; i++) {
		const eg_onnx_node *n = &m->nodes[i];
		for (int k = 0; k < n->nin; k++)
			if (!strcmp(n->in[k], name)) return true;
		for (int k = 0; k < n->nattrs; k++)
			if (n->attrs[k].graph && is_read(n->attrs[k].graph, name)) return true;
	}
	for (int i = 0; i < m->noutputs; i++)
		if (!strcmp(m->outputs[i].name, name)) return true;
	return false;
}

/* Weights that went into others. */
static void drop_unread(eg_build *b) {
	int n = 0;
	for (int i = 0; i < b->model.ntensors; i++)
		if (is_read(&b->model, b->tensors[i].name)) b->tensors[n++] = b->tensors[i];
	b->model.ntensors = n;
}

void eg_onnx_lower(eg_build *b, const eg_graph *g, const eg_onnx_model *from, bool states) {
	b->model.opset = from->opset;
	for (int i = 0; i < from->ntensors; i++) eg_build_keep_tensor(b, &from->tensors[i]);
	for (int i = 0; i < from->ninputs; i++) eg_build_keep_input(b, &from->inputs[i]);
	for (int i = 0; i < from->noutputs; i++) eg_build_keep_output(b, &from->outputs[i]);
	for (int i = 0; i < from->nnodes && !b->error.status; i++) {
		const eg_onnx_node *n = &from->nodes[i];
		if (eg_lower_is(n, "loop_begin")) i = eg_lower_loop(b, g, from, i);
		else if (eg_lower_is(n, "loop_output") || eg_lower_is(n, "loop_last")) continue; /* results of a Scan */
		else if (eg_lower_is_own(n)) eg_lower_node(b, g, n, states);
		else if (!states || !eg_build_keep_recurrent(b, n)) eg_build_keep_node(b, n);
	}
	drop_unread(b);
}

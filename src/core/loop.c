/* loop.c - building a loop: a body of nodes that is repeated for each step of sequences, with states that go from
 * step to step.
 *
 * The body's nodes stand in the graph once, as those of one step, and so do their weights. Nothing here repeats
 * anything: that is done when a plan is made and the number of steps is known (unroll.c). Not here: how a recipe
 * says it (io/network.c). */
#include "core/loop.h"

#include <string.h>

/* ---- where a value may be read ----------------------------------------------------------------------------------- */

int eg_loop_open(const eg_graph *g) { return g->nloops && !g->loops[g->nloops - 1].end ? g->nloops : 0; }

static eg_loop *open_loop(eg_graph *g, const char *what) {
	if (g->error.status) return NULL;
	int i = eg_loop_open(g);
	if (!i) eg_fail(&g->error, EG_ERR_ARG, "%s: no loop is being built; call eg_loop_begin before", what);
	return i ? &g->loops[i - 1] : NULL;
}

/* 1 + the number of the loop that a value is computed in; 0: none. */
static int loop_of(const eg_graph *g, int value) {
	const int n = g->values[value].node;
	return n < 0 ? 0 : g->nodes[n].loop;
}

eg_status eg_loop_may_read(const eg_graph *g, int value, eg_error *err) {
	const int loop = loop_of(g, value);
	if (!loop || loop == eg_loop_open(g)) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "'%s' is a value of one step of the loop '%s', which has ended: take eg_loop_output, or eg_loop_last "
	        "of a state",
	        g->nodes[g->values[value].node].name, g->loops[loop - 1].name);
}

eg_status eg_loop_check(const eg_graph *g, const eg_node *n, const eg_infer *s) {
	const bool leaves = n->op == &eg_op_loop_output || n->op == &eg_op_loop_last;
	for (int i = 0; i < n->nin && !leaves; i++)
		if (n->in[i] >= 0 && eg_loop_may_read(g, n->in[i], s->err)) return s->err->status;
	if (!n->loop) return EG_OK;
	for (int i = 0; i < s->nparams; i++)
		if (s->params[i].state)
			return eg_fail(s->err, EG_ERR_ARG,
			        "inside of a loop it would update its %s at every step; take a layer without running "
			        "statistics, such as layer_norm",
			        s->params[i].name);
	if (n->info.keeps_state && n->op != &eg_op_loop_state)
		return eg_fail(s->err, EG_ERR_ARG,
		        "inside of a loop it would keep a state of its own beside those of the loop; make it a loop "
		        "state");
	return EG_OK;
}

/* ---- the operators ----------------------------------------------------------------------------------------------- */

static eg_status input_infer(eg_infer *s) {
	const eg_dims *x = &s->in[0];
	char text[128];
	if (x->rank < 2 || eg_dim_is_batch(x->d[0]))
		return eg_fail(s->err, EG_ERR_SHAPE,
		        "x %s is no sequence; a loop goes through (T,N,...), time before batch",
		        eg_dims_text(x, text, sizeof text));
	s->out_type[0] = s->in_type[0];
	s->out[0].rank = x->rank - 1;
	memcpy(s->out[0].d, x->d + 1, (size_t)s->out[0].rank * sizeof x->d[0]);
	return EG_OK;
}

static eg_status state_infer(eg_infer *s) {
	const eg_loop_state_options *o = s->options;
	const bool given = s->nin > 0 && s->in[0].rank >= 0;
	char have[128], want[128];
	s->out[0] = o->dims;
	s->info->keeps_state = !given;
	if (given && s->in_type[0] != EG_F32)
		return eg_fail(s->err, EG_ERR_ARG, "its initial value holds integers (EG_I32)");
	if (given && !eg_dims_fit(&s->in[0], &o->dims))
		return eg_fail(s->err, EG_ERR_SHAPE, "its initial value is %s, it must be %s",
		        eg_dims_text(&s->in[0], have, sizeof have), eg_dims_text(&o->dims, want, sizeof want));
	if (given && !s->graph) s->out[0] = s->in[0];
	if (!o->learned) return EG_OK;
	eg_param_spec p = {.name = "initial", .dims = {.rank = o->dims.rank - 1}, .init = EG_INIT_ZERO};
	memcpy(p.dims.d, o->dims.d + 1, (size_t)p.dims.rank * sizeof p.dims.d[0]);
	s->params[s->nparams++] = p;
	return EG_OK;
}

static eg_status output_infer(eg_infer *s) {
	const eg_dims *v = &s->in[EG_LOOP_OUT_VALUE];
	char text[128];
	if (s->in_type[EG_LOOP_OUT_VALUE] != EG_F32)
		return eg_fail(s->err, EG_ERR_ARG, "a loop's output must be floating-point numbers (EG_F32)");
	if (v->rank < 1 || v->rank >= EG_MAX_DIMS)
		return eg_fail(s->err, EG_ERR_SHAPE, "%s at each step has no room for the time",
		        eg_dims_text(v, text, sizeof text));
	s->out[0].rank = v->rank + 1;
	s->out[0].d[0] = s->in[EG_LOOP_OUT_SEQUENCE].d[0];
	memcpy(s->out[0].d + 1, v->d, (size_t)v->rank * sizeof v->d[0]);
	return EG_OK;
}

static eg_status last_infer(eg_infer *s) {
	s->out[0] = s->in[EG_LOOP_OUT_VALUE];
	return EG_OK;
}

static const char *const leaving[] = {"value", "sequence", "lengths"};

const eg_op eg_op_loop_input = {
	.info = {.name = "loop_input",
		.doc = "One step of a sequence, in a loop",
		.equation = "x (T,N,...), y (N,...) = x[t]",
		.source = "ONNX Scan-11",
		.options_size = sizeof(const char *),
		.min_inputs = 1,
		.max_inputs = 1,
		.inputs = (const char *const[]){"x"},
		.types = "a",
		.outputs = (const char *const[]){"y", NULL}},
	.infer = input_infer,
};
const eg_op eg_op_loop_state = {
	.info = {.name = "loop_state",
		.doc = "A state of a loop, as it is before a step",
		.equation = "h (N,...); at first 0, the input, or a weight",
		.source = "ONNX Scan-11",
		.options_size = sizeof(eg_loop_state_options),
		.min_inputs = 0,
		.max_inputs = 1,
		.inputs = (const char *const[]){"initial"},
		.params = (const char *const[]){"initial", NULL},
		.outputs = (const char *const[]){"h", NULL}},
	.infer = state_infer,
};
const eg_op eg_op_loop_output = {
	.info = {.name = "loop_output",
		.doc = "What a loop computes at each step, as a sequence",
		.equation = "y (T,N,...), y[t] = the value at step t; 0 behind the lengths",
		.source = "ONNX Scan-11",
		.options_size = sizeof(const char *),
		.min_inputs = 2,
		.max_inputs = 3,
		.variadic = true,
		.inputs = leaving,
		.types = "faiffffffffffffffff",
		.outputs = (const char *const[]){"y", NULL}},
	.infer = output_infer,
};
const eg_op eg_op_loop_last = {
	.info = {.name = "loop_last",
		.doc = "A state of a loop behind the last step of each sample",
		.equation = "y (N,...)",
		.source = "ONNX Scan-11",
		.options_size = sizeof(const char *),
		.min_inputs = 2,
		.max_inputs = 3,
		.variadic = true,
		.inputs = leaving,
		.types = "faiffffffffffffffff",
		.outputs = (const char *const[]){"y", NULL}},
	.infer = last_infer,
};

/* ---- building ---------------------------------------------------------------------------------------------------- */

void eg_loop_begin(eg_graph *g, const char *name, bool reverse, eg_tensor lengths) {
	if (g->error.status) return;
	if (!name || !*name) {
		eg_fail(&g->error, EG_ERR_ARG, "a loop needs a name");
		return;
	}
	if (eg_loop_open(g)) {
		eg_fail(&g->error, EG_ERR_ARG,
		        "loop '%s': the loop '%s' is still being built, and one inside of another is not possible",
		        name, g->loops[g->nloops - 1].name);
		return;
	}
	const eg_dims d = eg_tensor_dims(g, lengths);
	if (lengths.id && (eg_tensor_dtype(g, lengths) != EG_I32 || d.rank != 1)) {
		eg_fail(&g->error, EG_ERR_ARG, "loop '%s': its lengths must be integers (EG_I32), one a sample", name);
		return;
	}
	char *copy = eg_arena_strdup(&g->arena, name);
	if (!copy || !eg_grow(g->ctx->allocator, &g->loops, &g->cap_loops, g->nloops, sizeof *g->loops)) {
		eg_fail(&g->error, EG_ERR_MEMORY, "out of memory for the loop '%s'", name);
		return;
	}
	g->loops[g->nloops++] = (eg_loop){
	        .name = copy, .first = g->nnodes, .reverse = reverse, .sequence = -1, .lengths = lengths.id - 1};
}

eg_tensor eg_loop_input(eg_graph *g, eg_tensor sequence) {
	eg_loop *l = open_loop(g, "eg_loop_input");
	char a[128], b[128];
	if (!l) return (eg_tensor){0};
	for (int n = l->first; n < g->nnodes; n++) /* each is read once (loop_emit.c) */
		if (g->nodes[n].op == &eg_op_loop_input && g->nodes[n].in[0] == sequence.id - 1)
			return (eg_tensor){g->nodes[n].out[0] + 1};
	eg_tensor x = eg_graph_apply(g, &eg_op_loop_input, NULL, &sequence, 1);
	if (!x.id) return x;
	const eg_dims d = eg_tensor_dims(g, sequence), first = l->sequence < 0 ? d : g->values[l->sequence].dims;
	if (!eg_dim_fits(d.d[0], first.d[0])) {
		eg_fail(&g->error, EG_ERR_SHAPE,
		        "loop '%s': the sequences %s and %s do not have the same number of steps", l->name,
		        eg_shape_text(g, first, a, sizeof a), eg_shape_text(g, d, b, sizeof b));
		return (eg_tensor){0};
	}
	if (l->sequence < 0) l->sequence = sequence.id - 1;
	return x;
}

eg_tensor eg_loop_state(eg_graph *g, const char *name, eg_dims dims, eg_tensor initial, bool learned) {
	eg_loop *l = open_loop(g, "eg_loop_state");
	if (!l) return (eg_tensor){0};
	if (l->nstates == EG_LOOP_STATES)
		eg_fail(&g->error, EG_ERR_ARG, "loop '%s': at most %d states are possible", l->name, EG_LOOP_STATES);
	if (dims.rank < 1 || dims.rank > EG_MAX_DIMS)
		eg_fail(&g->error, EG_ERR_SHAPE, "loop '%s': a state begins with the batch: (N,...)", l->name);
	if (learned && initial.id)
		eg_fail(&g->error, EG_ERR_ARG, "loop '%s': a state that is learned is not given an initial value too",
		        l->name);
	if (g->error.status) return (eg_tensor){0};
	const eg_loop_state_options o = {name, dims, learned};
	const eg_tensor h = eg_graph_apply(g, &eg_op_loop_state, &o, &initial, initial.id != 0);
	if (!h.id) return h;
	l->next[l->nstates] = -1;
	l->state[l->nstates++] = h.id - 1;
	return h;
}

/* The number of a state in its loop; -1: it is none. */
static int state_number(const eg_loop *l, eg_tensor h) {
	for (int i = 0; i < l->nstates; i++)
		if (l->state[i] == h.id - 1) return i;
	return -1;
}

void eg_loop_next(eg_graph *g, eg_tensor state, eg_tensor next) {
	eg_loop *l = open_loop(g, "eg_loop_next");
	char a[128], b[128];
	if (!l) return;
	const int i = state_number(l, state);
	if (i < 0 || next.id < 1 || next.id > g->nvalues) {
		eg_fail(&g->error, EG_ERR_ARG, "loop '%s': eg_loop_next of %s", l->name,
		        i < 0 ? "what is no state of it" : "a state to no tensor of this graph");
		return;
	}
	const char *name = g->nodes[g->values[l->state[i]].node].name;
	const eg_dims have = eg_tensor_dims(g, next), want = eg_tensor_dims(g, state);
	if (eg_loop_may_read(g, next.id - 1, &g->error)) return;
	if (eg_tensor_dtype(g, next) != EG_F32 || !eg_dims_fit(&have, &want))
		eg_fail(&g->error, EG_ERR_SHAPE, "loop '%s': the state '%s' %s cannot become %s%s", l->name, name,
		        eg_shape_text(g, want, a, sizeof a), eg_shape_text(g, have, b, sizeof b),
		        eg_tensor_dtype(g, next) != EG_F32 ? ", which are integers" : "");
	l->next[i] = next.id - 1;
}

void eg_loop_end(eg_graph *g) {
	eg_loop *l = open_loop(g, "eg_loop_end");
	if (!l) return;
	if (l->sequence < 0) {
		eg_fail(&g->error, EG_ERR_ARG,
		        "loop '%s' reads no sequence, so nothing says how many steps it has; call eg_loop_input",
		        l->name);
		return;
	}
	for (int i = 0; i < l->nstates; i++)
		if (l->next[i] < 0) {
			eg_fail(&g->error, EG_ERR_ARG,
			        "loop '%s': nothing says what the state '%s' becomes; call eg_loop_next", l->name,
			        g->nodes[g->values[l->state[i]].node].name);
			return;
		}
	l->end = g->nnodes;
}

/* A node behind the loop that reads `value`, and so the whole of it. */
static eg_tensor leave(eg_graph *g, const eg_op *op, const eg_loop *l, int value) {
	eg_tensor in[EG_LOOP_OUT_NEXT + EG_LOOP_STATES] = {{value + 1}, {l->sequence + 1}, {l->lengths + 1}};
	for (int i = 0; i < l->nstates; i++) in[EG_LOOP_OUT_NEXT + i] = (eg_tensor){l->next[i] + 1};
	const bool reverse = l->reverse;
	const eg_tensor y = eg_graph_apply(g, op, NULL, in, EG_LOOP_OUT_NEXT + l->nstates);
	if (y.id) g->nodes[g->nnodes - 1].info.mixes_time = reverse;
	return y;
}

/* The loop that the value belongs to, which has ended; NULL: the graph has an error. */
static const eg_loop *ended_loop(eg_graph *g, eg_tensor value, const char *what) {
	if (g->error.status) return NULL;
	const int loop = value.id >= 1 && value.id <= g->nvalues ? loop_of(g, value.id - 1) : 0;
	if (loop && g->loops[loop - 1].end && !eg_loop_open(g)) return &g->loops[loop - 1];
	eg_fail(&g->error, EG_ERR_ARG, "%s: %s", what,
	        loop ? "call eg_loop_end before" : "this is no value of a loop's body");
	return NULL;
}

eg_tensor eg_loop_output(eg_graph *g, eg_tensor value) {
	const eg_loop *l = ended_loop(g, value, "eg_loop_output");
	return l ? leave(g, &eg_op_loop_output, l, value.id - 1) : (eg_tensor){0};
}

eg_tensor eg_loop_last(eg_graph *g, eg_tensor state) {
	const eg_loop *l = ended_loop(g, state, "eg_loop_last");
	if (l && state_number(l, state) >= 0) return leave(g, &eg_op_loop_last, l, state.id - 1);
	if (l)
		eg_fail(&g->error, EG_ERR_ARG, "eg_loop_last: '%s' is no state of the loop '%s'",
		        g->nodes[g->values[state.id - 1].node].name, l->name);
	return (eg_tensor){0};
}

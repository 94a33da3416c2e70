/* lower_loop.c - loops over time (`cell`, convlstm) as ONNX's Scan. The nodes of a body stand between loop_begin and
 * loop_end; loop_input and loop_state become inputs of the body, loop_output and loop_last, behind it, results. */
#include "onnx/lower.h"

#include <string.h>

enum { MOST = 16 }; /* states, sequences, results */

typedef struct loop {
	eg_build *b;
	const eg_graph *g;
	const eg_onnx_model *from;
	int first, end; /* the nodes between the two */
	const eg_onnx_node *state[MOST], *input[MOST], *result[MOST];
	int states, inputs, results;
	const char *const *next; /* what the states become */
	const char *lengths;     /* NULL: all samples are as long */
} loop;

static void fail(const loop *l, const char *why) { eg_build_fail(l->b, "'%s', a loop over time: %s", l->from->nodes[l->first - 1].name, why); }

/* ---- what belongs to it ------------------------------------------------------------------------------------------ */

static bool makes(const loop *l, const char *name) {
	for (int i = l->first; i < l->end; i++)
		for (int k = 0; k < l->from->nodes[i].nout; k++)
			if (!strcmp(l->from->nodes[i].out[k], name)) return true;
	return false;
}

static void add(const loop *l, const eg_onnx_node **list, int *n, const eg_onnx_node *node) {
	if (*n < MOST) list[(*n)++] = node;
	else fail(l, "it has too many states, sequences or results");
}

static void find_parts(loop *l) {
	enum { VALUE, SEQUENCE, LENGTHS, NEXT };
	const eg_onnx_model *m = l->from;
	while (l->end < m->nnodes && !eg_lower_is(&m->nodes[l->end], "loop_end")) l->end++;
	for (int i = l->first; i < l->end; i++) {
		const eg_onnx_node *n = &m->nodes[i];
		if (eg_lower_is(n, "loop_state")) add(l, l->state, &l->states, n);
		if (eg_lower_is(n, "loop_input")) add(l, l->input, &l->inputs, n);
	}
	for (int i = l->end; i < m->nnodes; i++) {
		const eg_onnx_node *n = &m->nodes[i];
		if ((!eg_lower_is(n, "loop_output") && !eg_lower_is(n, "loop_last")) || !makes(l, n->in[VALUE])) continue;
		add(l, l->result, &l->results, n);
		l->next = n->in + NEXT;
		if (n->nin < NEXT + l->states) fail(l, "it is not said what its states become");
		if (*n->in[LENGTHS]) l->lengths = n->in[LENGTHS];
	}
	if (!l->inputs || !l->results) fail(l, "it reads no sequence, or nothing reads it");
}

/* Dimensions of an input or the output of the graph's node that n was made of. */
static eg_dims dims_of(const loop *l, const eg_onnx_node *n, bool output) {
	eg_node_info info;
	if (!eg_lower_find(l->g, n->name, &info)) return (eg_dims){.rank = -1};
	return eg_tensor_dims(l->g, output ? info.outputs[0] : info.inputs[0]);
}

/* ---- before it --------------------------------------------------------------------------------------------------- */

/* (N,...) of a state: what it is given, or its weight or zeros for each sample. */
static const char *initial(const loop *l, const eg_onnx_node *n) {
	eg_build *b = l->b;
	const char *given = n->nin > 0 ? n->in[0] : "", *one = n->nin > 1 ? n->in[1] : "";
	const eg_dims d = dims_of(l, n, true);
	int64_t rest[EG_MAX_DIMS], count = 1;
	if (*given) return given;
	for (int i = 1; i < d.rank; i++) {
		rest[i - 1] = d.d[i];
		count *= d.d[i] > 0 ? d.d[i] : 0;
	}
	if (d.rank < 1 || count < 1) {
		fail(l, "a state whose size is open is not written");
		return "";
	}
	const char *shape = eg_build_node(b, "Shape", EG_IN(l->input[0]->in[0]), NULL);
	const char *all = eg_build_node(b, "Gather", EG_IN(shape, EG_BUILD_INTS(b, 1)), NULL);
	if (d.rank > 1) {
		all = eg_build_node(b, "Concat", EG_IN(all, eg_build_ints(b, rest, d.rank - 1)), NULL);
		eg_build_int(b, "axis", 0);
	}
	if (!*one) {
		eg_dims zero = d;
		float *zeros = eg_build_take(b, (size_t)count * sizeof *zeros);
		zero.d[0] = 1;
		one = zeros ? eg_build_reals(b, zeros, zero) : "";
	}
	return eg_build_node(b, "Expand", EG_IN(one, all), NULL);
}

/* Is sample n at step t? (T,N), 1 or 0. */
static const char *inside(const loop *l) {
	const eg_lowering as = {.b = l->b, .graph = l->g};
	const int rank = dims_of(l, l->input[0], false).rank;
	const char *at = eg_lower_positions(&as, l->input[0]->in[0], rank, 2, 0);
	int64_t shape[] = {0, 0};
	if (rank > 2) at = eg_build_reshape(l->b, at, shape, 2, NULL);
	return eg_build_cast(l->b, eg_build_node(l->b, "Less", EG_IN(at, eg_build_cast(l->b, l->lengths, EG_ONNX_FLOAT)), NULL), EG_ONNX_FLOAT);
}

/* ---- in it ------------------------------------------------------------------------------------------------------- */

/* value where the sample is at the step, else `other`. */
static const char *masked(const loop *l, const char *there, const char *value, int rank, const char *other) {
	int64_t axes[EG_MAX_DIMS];
	if (!there) return value;
	for (int i = 1; i < rank; i++) axes[i - 1] = i;
	return eg_build_node(l->b, "Where", EG_IN(eg_build_unsqueeze(l->b, there, axes, rank - 1), value, other), NULL);
}

static void named_input(eg_build *b, const char *name) {
	const eg_onnx_value v = {.name = name, .type = EG_ONNX_FLOAT, .rank = -1};
	eg_build_keep_input(b, &v);
}

static void put_body(const loop *l) {
	eg_build *b = l->b;
	for (int i = 0; i < l->states; i++) named_input(b, l->state[i]->out[0]);
	for (int i = 0; i < l->inputs; i++) named_input(b, l->input[i]->out[0]);
	const char *there = l->lengths ? eg_build_node(b, "Greater", EG_IN(eg_build_in(b, "inside"), eg_build_real(b, 0.5)), NULL) : NULL;
	for (int i = l->first; i < l->end && !b->error.status; i++) {
		const eg_onnx_node *n = &l->from->nodes[i];
		if (eg_lower_is(n, "loop_state") || eg_lower_is(n, "loop_input")) continue;
		if (eg_lower_is_own(n)) eg_lower_node(b, l->g, n, false);
		else eg_build_keep_node(b, n);
	}
	for (int i = 0; i < l->states && !b->error.status; i++)
		eg_build_out(b, masked(l, there, l->next[i], dims_of(l, l->state[i], true).rank, l->state[i]->out[0]));
	for (int i = 0; i < l->results && !b->error.status; i++)
		if (eg_lower_is(l->result[i], "loop_output")) eg_build_out(b, masked(l, there, l->result[i]->in[0], dims_of(l, l->result[i], false).rank, eg_build_real(b, 0)));
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool is_reverse(const eg_onnx_node *begin) {
	for (int i = 0; i < begin->nattrs; i++)
		if (!strcmp(begin->attrs[i].name, "reverse")) return begin->attrs[i].i != 0;
	return false;
}

/* Under their own names, what the Scan gives. */
static void name_results(const loop *l, const char *const *out) {
	int sequence = l->states;
	for (int i = 0; i < l->results && !l->b->error.status; i++) {
		const eg_onnx_node *n = l->result[i];
		int state = 0;
		while (state < l->states && strcmp(l->state[state]->out[0], n->in[0]) != 0) state++;
		const bool last = eg_lower_is(n, "loop_last");
		if (last && state == l->states) fail(l, "what it ends with is no state");
		else eg_build_node(l->b, "Identity", EG_IN(out[last ? state : sequence++]), n->out[0]);
	}
}

int eg_lower_loop(eg_build *b, const eg_graph *g, const eg_onnx_model *from, int at) {
	loop l = {.b = b, .g = g, .from = from, .first = at + 1, .end = at + 1};
	const char *in[2 * MOST + 2] = {0}, *out[2 * MOST];
	int n = 0, outputs = 0;
	b->where = from->nodes[at].name;
	find_parts(&l);
	for (int i = 0; i < l.states && !b->error.status; i++) in[n++] = initial(&l, l.state[i]);
	for (int i = 0; i < l.inputs; i++) in[n++] = l.input[i]->in[0];
	if (l.lengths && !b->error.status) in[n++] = inside(&l);
	for (int i = 0; i < l.results; i++) outputs += eg_lower_is(l.result[i], "loop_output");
	if (b->error.status) return l.end;
	eg_build_outer outer;
	eg_build_enter(b, &outer);
	put_body(&l);
	b->where = from->nodes[at].name;
	eg_build_scan(b, &outer, in, n - l.states, is_reverse(&from->nodes[at]), out, l.states + outputs);
	name_results(&l, out);
	return l.end;
}

/* unroll.c - the loops of a plan: the graph once more, with the body of each loop as often as there are steps.
 *
 * A plan knows how many steps there are, so a loop needs no operator that runs others: its body's nodes are copied,
 * one copy a step, all with the weights of the one in the graph, and everything behind (gradients, fusion, layouts,
 * memory) works on them as on any other nodes. Values keep their numbers, new ones are behind them, so what the user
 * names is found as before.
 *
 * Not here: how loops are built (loop.c), what the few nodes between the copies emit (loop_emit.c). */
#include "core/loop.h"
#include "core/plan.h"

#include <string.h>

typedef struct unroll {
	eg_plan *p;
	const eg_graph *from;
	eg_graph *to;
	const eg_loop *loop; /* the one that is being repeated */
	int number;          /* 1 + its own */
	int T;               /* its steps */
	int *map;            /* by value of the graph: what stands for it in this step */
	int *whole;          /* by value: the private handle on a sequence that is read step by step; -1 */
	int *last;           /* by node: the sequence as far as it is written; -1 */
	int *steps;          /* by loop: how many it has here; 0: nobody needs it */
	int begin[EG_LOOP_STATES], now[EG_LOOP_STATES], next[EG_LOOP_STATES], kept[EG_LOOP_STATES];
	int nkept; /* of `kept`: the nodes that keep states for the next run */
} unroll;

static bool leaves(const eg_node *n) { return n->op == &eg_op_loop_output || n->op == &eg_op_loop_last; }

/* Which loop an output node belongs to; 1 + number. The sequence that it names may be of several, the states are
 * not; a loop may have no state. */
static int left_by(const eg_graph *g, const eg_node *n) {
	const int v = g->values[n->in[EG_LOOP_OUT_VALUE]].node;
	return v < 0 ? 0 : g->nodes[v].loop;
}

/* How many steps loop i has here; 0: nobody needs it. */
static int steps_of(const eg_plan *p, const eg_graph *g, int i) {
	bool needed = false;
	for (int n = g->loops[i].end; n < g->nnodes && !needed; n++)
		needed = leaves(&g->nodes[n]) && left_by(g, &g->nodes[n]) == i + 1 && p->nodes[n].needed;
	return needed ? (int)p->values[g->loops[i].sequence].dims.d[0] : 0;
}

/* Room for nodes and values, however many there will be: every body as often as it has steps, and what stands
 * between. */
static eg_status make_room(unroll *u, eg_error *err) {
	const eg_graph *g = u->from;
	double nodes = g->nnodes, values = g->nvalues;
	u->steps = eg_arena_alloc(&u->p->arena, (size_t)g->nloops * sizeof *u->steps);
	if (!u->steps) return u->p->out_of_memory = true, EG_OK;
	for (int i = 0; i < g->nloops; i++) {
		const eg_loop *l = &g->loops[i];
		const double T = u->steps[i] = steps_of(u->p, g, i),
		             more = (double)(g->nnodes - l->end) + 2 * EG_LOOP_STATES + (l->end - l->first);
		double body = 0;
		for (int n = l->first; n < l->end; n++) body += g->nodes[n].nout;
		nodes += T * (l->end - l->first + more) + 2 * more;
		values += T * (body + more) + 2 * more;
		if (nodes > EG_MAX_NODES)
			return eg_fail(err, EG_ERR_ARG,
			        "loop '%s': %.0f steps of %d operators are more than a plan can hold; run the sequence "
			        "in pieces (carry)",
			        l->name, T, l->end - l->first);
	}
	eg_arena *a = &u->p->arena;
	u->to->values = eg_arena_alloc(a, (size_t)values * sizeof *u->to->values);
	u->to->nodes = eg_arena_alloc(a, (size_t)nodes * sizeof *u->to->nodes);
	u->map = eg_arena_alloc(a, ((size_t)g->nvalues + 1) * sizeof *u->map);
	u->whole = eg_arena_alloc(a, ((size_t)g->nvalues + 1) * sizeof *u->whole);
	u->last = eg_arena_alloc(a, ((size_t)g->nnodes + 1) * sizeof *u->last);
	if (!u->to->values || !u->to->nodes || !u->map || !u->whole || !u->last)
		return u->p->out_of_memory = true, EG_OK;
	memcpy(u->to->values, g->values, (size_t)g->nvalues * sizeof *g->values);
	return EG_OK;
}

/* What the graph has, but for nodes and values, as it is now: it may grow. */
static eg_graph *copy_of(eg_plan *p) {
	const eg_graph *g = p->graph;
	eg_graph *to = eg_arena_alloc(&p->arena, sizeof *to);
	eg_param *params = eg_arena_alloc(&p->arena, ((size_t)g->nparams + 1) * sizeof *params);
	eg_named *outputs = eg_arena_alloc(&p->arena, ((size_t)g->noutputs + 1) * sizeof *outputs);
	eg_open *open = eg_arena_alloc(&p->arena, ((size_t)g->nopen + 1) * sizeof *open);
	if (!to || !params || !outputs || !open) return NULL;
	if (g->nparams) memcpy(params, g->params, (size_t)g->nparams * sizeof *params);
	if (g->noutputs) memcpy(outputs, g->outputs, (size_t)g->noutputs * sizeof *outputs);
	if (g->nopen) memcpy(open, g->open, (size_t)g->nopen * sizeof *open);
	*to = (eg_graph){.ctx = g->ctx,
	        .params = params,
	        .outputs = outputs,
	        .open = open,
	        .nvalues = g->nvalues,
	        .nparams = g->nparams,
	        .noutputs = g->noutputs,
	        .nopen = g->nopen,
	        .exact = g->exact};
	return to;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static int add_value(unroll *u, eg_graph_value v) {
	u->to->values[u->to->nvalues] = v;
	return u->to->nvalues++;
}

/* A node of this loop with one output, which is value `out`, or a new one where that is negative. */
static int add_node(
	unroll *u, const eg_op *op, const char *name, eg_loop_step_options o, const int *in, int nin, int out) {
	eg_graph *to = u->to;
	eg_loop_step_options *copy = eg_arena_alloc(&u->p->arena, sizeof *copy);
	if (!copy) u->p->out_of_memory = true;
	if (u->p->out_of_memory) return 0;
	*copy = o;
	copy->name = name;
	eg_node *n = &to->nodes[to->nnodes];
	*n = (eg_node){.op = op, .name = name, .options = copy, .nin = nin, .nout = 1};
	n->info = (eg_node_info){.name = name, .op = &op->info, .options = copy};
	for (int i = 0; i < nin; i++) n->in[i] = in[i];
	const eg_graph_value *like = nin && in[0] >= 0 ? &to->values[in[0]] : NULL;
	if (out < 0)
		out = add_value(u, (eg_graph_value){.dims = o.dims.rank ? o.dims
		                                            : like      ? like->dims
		                                                        : o.dims,
		                           .type = like ? like->type : EG_F32});
	to->values[out].node = to->nnodes++;
	to->values[out].index = 0;
	n->out[0] = out;
	return out;
}

/* A node as it stands in the graph, its inputs replaced by those of this step, its outputs too where `fresh`. */
static void copy_node(unroll *u, int node, bool fresh) {
	const eg_graph *g = u->from;
	eg_node *n = &u->to->nodes[u->to->nnodes];
	*n = g->nodes[node];
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] >= 0) n->in[i] = u->map[n->in[i]];
	for (int i = 0; i < n->nout; i++) {
		const int old = n->out[i];
		if (fresh) n->out[i] = add_value(u, g->values[old]);
		u->map[old] = n->out[i];
		u->to->values[n->out[i]].node = u->to->nnodes;
	}
	u->to->nnodes++;
}

/* ---- a loop ------------------------------------------------------------------------------------------------------ */

static const char *state_name(const unroll *u, int s) {
	return u->from->nodes[u->from->values[u->loop->state[s]].node].name;
}

static int mapped(const unroll *u, int value) { return value < 0 ? -1 : u->map[value]; }

/* Sequences are read through a handle of the loop's own, of which every step is read once. */
static void open_sequences(unroll *u) {
	for (int n = u->loop->first; n < u->loop->end; n++) {
		const eg_node *node = &u->from->nodes[n];
		if (node->op != &eg_op_loop_input) continue;
		u->whole[node->in[0]] = add_node(u, &eg_op_step_open, node->name, (eg_loop_step_options){.name = NULL},
		        &u->map[node->in[0]], 1, -1);
	}
}

/* What the states are before the first step. */
static eg_status begin_states(unroll *u, eg_error *err) {
	for (int s = 0; s < u->loop->nstates; s++) {
		const int value = u->loop->state[s];
		const eg_node *node = &u->from->nodes[u->from->values[value].node];
		u->begin[s] = -1;
		if (node->nin > 0) {
			u->now[s] = u->map[node->in[0]];
			continue;
		}
		const eg_loop_state_options *o = node->options;
		const eg_dims *d = &u->p->values[value].dims;
		for (int i = 0; i < d->rank; i++)
			if (eg_plan_number(u->p, d->d[i]) < 0)
				return eg_fail(err, EG_ERR_SHAPE,
				        "loop '%s': size %d of the state '%s' follows from others, and is not known at "
				        "the first step; give the "
				        "state an initial value of that shape",
				        u->loop->name, i, node->name);
		u->begin[s] = u->to->nnodes;
		u->now[s] = add_node(u, &eg_op_step_begin, node->name,
		        (eg_loop_step_options){.dims = *d, .learned = o->learned}, NULL, 0, -1);
		if (u->p->out_of_memory || !o->learned) continue;
		eg_node *begin = &u->to->nodes[u->begin[s]];
		begin->nparams = node->nparams;
		begin->param[0] = node->param[0];
	}
	return EG_OK;
}

/* One copy of the body. */
static void one_step(unroll *u, int t) {
	const eg_loop *l = u->loop;
	for (int s = 0; s < l->nstates; s++) u->map[l->state[s]] = u->now[s];
	for (int n = l->first; n < l->end && !u->p->out_of_memory; n++) {
		const eg_node *node = &u->from->nodes[n];
		if (node->op == &eg_op_loop_state) continue;
		if (node->op != &eg_op_loop_input) {
			copy_node(u, n, true);
			continue;
		}
		const int in[] = {u->whole[node->in[0]], mapped(u, l->lengths)};
		const eg_loop_step_options o = {.dims = u->from->values[node->out[0]].dims, .t = t};
		u->map[node->out[0]] = add_node(u, &eg_op_step_get, node->name, o, in, 1 + (l->lengths >= 0), -1);
	}
	for (int s = 0; s < l->nstates; s++) {
		const int in[] = {u->map[l->next[s]], u->now[s], mapped(u, l->lengths)};
		u->next[s] = in[0];
		if (l->lengths >= 0)
			u->next[s] = add_node(
			        u, &eg_op_step_keep, state_name(u, s), (eg_loop_step_options){.t = t}, in, 3, -1);
	}
	for (int s = 0; s < l->nstates; s++) u->now[s] = u->next[s];
}

/* Sequences of what a step computes grow by one. */
static void put_outputs(unroll *u, int t) {
	const eg_graph *g = u->from;
	for (int n = u->loop->end; n < g->nnodes && !u->p->out_of_memory; n++) {
		const eg_node *node = &g->nodes[n];
		if (node->op != &eg_op_loop_output || left_by(g, node) != u->number) continue;
		const int in[] = {u->last[n], u->map[node->in[EG_LOOP_OUT_VALUE]], mapped(u, u->loop->lengths)};
		eg_loop_step_options o = {.dims = g->values[node->out[0]].dims, .t = t};
		o.dims.d[0] = u->T;
		u->last[n] = add_node(u, &eg_op_step_put, node->name, o, in, 2 + (u->loop->lengths >= 0), -1);
	}
}

/* The results, which take the places of those in the graph. They read what keeps the states, so that this is done. */
static void finish(unroll *u) {
	const eg_graph *g = u->from;
	u->nkept = 0;
	for (int s = 0; s < u->loop->nstates; s++)
		if (u->p->options.carry && u->begin[s] >= 0)
			u->kept[u->nkept++] = add_node(u, &eg_op_step_end, state_name(u, s),
			        (eg_loop_step_options){
			                .begin = u->begin[s], .learned = u->to->nodes[u->begin[s]].nparams > 0},
			        &u->now[s], 1, -1);
	for (int n = u->loop->end; n < g->nnodes && !u->p->out_of_memory; n++) {
		const eg_node *node = &g->nodes[n];
		int in[1 + EG_LOOP_STATES], nin = 1, value = node->in[0];
		if (!leaves(node) || left_by(g, node) != u->number) continue;
		in[0] = u->last[n];
		for (int s = 0; s < u->loop->nstates && node->op == &eg_op_loop_last; s++)
			if (u->loop->state[s] == value) in[0] = u->now[s];
		for (int s = 0; s < u->nkept; s++) in[nin++] = u->kept[s];
		add_node(u, &eg_op_step_close, node->name, (eg_loop_step_options){.t = 0}, in, nin, node->out[0]);
	}
}

static eg_status repeat(unroll *u, int number, int T, eg_error *err) {
	u->loop = &u->from->loops[number];
	u->number = number + 1;
	u->T = T;
	open_sequences(u);
	eg_status status = begin_states(u, err);
	for (int i = 0; i < T && !status && !u->p->out_of_memory; i++) {
		const int t = u->loop->reverse ? T - 1 - i : i;
		one_step(u, t);
		put_outputs(u, t);
	}
	if (!status && !u->p->out_of_memory) finish(u);
	return status;
}

/* ---- the graph --------------------------------------------------------------------------------------------------- */

static eg_status unroll_all(unroll *u, eg_error *err) {
	const eg_graph *g = u->from;
	eg_status status = EG_OK;
	for (int i = 0; i < g->nvalues; i++) {
		u->map[i] = i;
		u->whole[i] = -1;
	}
	for (int n = 0; n < g->nnodes; n++) u->last[n] = -1;
	for (int n = 0; n < g->nnodes && !status && !u->p->out_of_memory; n++) {
		const int loop = g->nodes[n].loop;
		const int T = loop ? u->steps[loop - 1] : 0;
		if (T && n == g->loops[loop - 1].first) status = repeat(u, loop - 1, T, err);
		const int by = leaves(&g->nodes[n]) ? left_by(g, &g->nodes[n]) : 0;
		if (T || (by && u->steps[by - 1])) continue;
		copy_node(u, n, false);
	}
	for (int i = 0; i < g->nvalues && !u->p->out_of_memory; i++) /* what is nowhere computed now */
		if (g->values[i].node >= 0 && g->nodes[g->values[i].node].loop &&
		        u->steps[g->nodes[g->values[i].node].loop - 1])
			u->to->values[i].node = -1;
	return status;
}

/* Of what is computed once for each step there is no single one that could be given or have a gradient. */
static eg_status check_handles(const eg_plan *p, const eg_tensor *list, const char *option, eg_error *err) {
	for (int i = 0; list && list[i].id; i++) {
		const int n = p->graph->values[list[i].id - 1].node;
		if (n < 0 || !p->graph->nodes[n].loop) continue;
		return eg_fail(err, EG_ERR_ARG, "option %s: '%s' is a value of one step of a loop; name one outside of it", option, p->graph->nodes[n].name);
	}
	return EG_OK;
}

eg_status eg_plan_unroll(eg_plan *p, const eg_plan_options *o, eg_error *err) {
	if (check_handles(p, o->given, "given", err) || check_handles(p, o->grads, "grads", err)) return EG_ERR_ARG;
	unroll u = {.p = p, .from = p->graph, .to = copy_of(p)};
	if (!u.to) return p->out_of_memory = true, EG_OK;
	eg_status status = make_room(&u, err);
	if (status || p->out_of_memory) return status;
	status = unroll_all(&u, err);
	if (!status) p->graph = u.to;
	return status;
}

bool eg_plan_has_loops(const eg_plan *p) {
	for (int i = 0; i < p->graph->nloops; i++)
		if (steps_of(p, p->graph, i)) return true;
	return false;
}

/* ends.c - where sequences end of which a layer is not told. A loss passes over rows (t,n) whose target counts for
 * nothing (ignore_index); behind the last one of a sample that counts, nobody reads what the loss reads, nor what is
 * computed from it step by step (eg_op.steps). So in training, layers before the loss may leave these rows out: their
 * gradients are 0.
 *
 * Not here: what a layer makes of it (ops/linear.c, ops/recurrent_emit.c). */
#include "core/plan.h"

#include <string.h>

/* What is read of a value, from its last reader on: nothing yet, all, or, 0 and up, what is before the ends that this
 * loss knows, a node. */
enum { NOTHING = -1, ALL = -2 };

static int both(int a, int b) { return a == NOTHING || a == b ? b : b == NOTHING ? a : ALL; }

/* (T,N,...), both open. */
static bool is_steps(const eg_plan *p, int value) {
	const eg_dims *d = &p->graph->values[value].dims;
	return d->rank >= 2 && eg_dim_is_open(d->d[0]) && d->d[1] == EG_N;
}

static bool same_steps(const eg_plan *p, int a, int b) {
	const eg_dims *x = &p->graph->values[a].dims, *y = &p->graph->values[b].dims;
	return is_steps(p, a) && is_steps(p, b) && x->d[0] == y->d[0];
}

/* Of a loss: the target that counts for nothing. NULL: all count. */
static const int *ignored(const eg_node *node) {
	const eg_op_info *info = &node->op->info;
	for (int i = 0; i < info->nattrs; i++)
		if (!strcmp(info->attrs[i].name, "ignore_index")) return (const int *)(const void *)((const char *)node->options + info->attrs[i].offset);
	return NULL;
}

/* What node n reads of its input i, when `read` is read of its outputs. */
static int reads(const eg_plan *p, int n, int i, int read) {
	const eg_node *node = &p->graph->nodes[n];
	const eg_op *op = node->op;
	if (op->target && i == 0 && ignored(node)) {
		const eg_graph_value *target = &p->graph->values[node->in[1]];
		const bool told = target->type == EG_I32 && target->dims.rank == 2 && eg_plan_source(p, node->in[1]) < 0 && !target->data;
		return told && same_steps(p, node->in[0], node->in[1]) ? n : ALL;
	}
	return (op->act || i < op->steps) && !node->info.mixes_time && same_steps(p, node->in[i], node->out[0]) ? read : ALL;
}

void eg_plan_ends(eg_plan *p) {
	const eg_graph *g = p->graph;
	/* Who trains for an objective may look at what else goes into it (metrics of training), as far as that does. */
	const bool objective = p->options.train && p->options.objective;
	for (int i = 0; i < g->nvalues; i++) {
		const eg_pvalue *v = &p->values[i];
		p->values[i].read = v->asked || (v->output && !(objective && v->consumers > 0)) ? ALL : NOTHING;
	}
	if (!eg_plan_backward(p) || p->options.carry || p->options.no_fusion) return;
	for (int n = g->nnodes - 1; n >= 0; n--) {
		const eg_node *node = &g->nodes[n];
		int read = NOTHING;
		for (int i = 0; i < node->nout; i++) read = both(read, p->values[node->out[i]].read);
		for (int i = 0; i < node->nin && p->nodes[n].needed; i++)
			if (node->in[i] >= 0) p->values[node->in[i]].read = both(p->values[node->in[i]].read, reads(p, n, i, read));
	}
}

eg_buf eg_emit_ends(eg_emit *e) {
	eg_plan *p = e->plan;
	const eg_node *here = &p->graph->nodes[e->node];
	int loss = eg_plan_backward(p) ? NOTHING : ALL;
	for (int i = 0; i < here->nout && loss != ALL; i++) loss = both(loss, p->values[here->out[i]].read);
	if (loss < 0) return (eg_buf){0};
	int *id = &p->nodes[loss].ends;
	if (*id < 0) {
		const eg_node *node = &p->graph->nodes[loss];
		const eg_dims *d = &p->values[node->in[1]].dims;
		eg_ends_args a = {.target = eg_emit_value(e, node->in[1]), .T = (int)eg_plan_number(p, d->d[0]), .N = p->N,
			.ignore = *ignored(node)};
		a.ends = eg_emit_temp(e, EG_ELEM_I32, a.N, false);
		eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, ends), .args = &a, .size = sizeof a, .reads = 1, .writes = 1, .units = 1,
			.flops = (double)a.T * a.N});
		*id = eg_handle_id(a.ends.p);
	}
	return (eg_buf){*id < 0 ? NULL : eg_handle(*id), 0};
}

/* want.c - what a plan is wanted for: which values and nodes are needed for its outputs, what the user gives in place
 * of computed values, and which values and nodes have a gradient.
 *
 * A gradient is computed only where somebody asked for one behind it (a weight that changes, a tensor of option
 * `grads`) and where it leads to a gradient that the user gives. Not here: fusion (plan.c), calls (emit.c). */
#include "core/plan.h"

#include <string.h>

static bool is_wanted(const eg_plan_options *o, const char *name) {
	if (!o->outputs) return true;
	for (int i = 0; o->outputs[i]; i++)
		if (!strcmp(o->outputs[i], name)) return true;
	return false;
}

int eg_plan_find_output(const eg_plan *p, const char *name) {
	for (int i = 0; i < p->graph->noutputs; i++)
		if (!strcmp(p->graph->outputs[i].name, name)) {
			int v = p->graph->outputs[i].value; /* the graph may have grown since */
			return v < p->nvalues && p->values[v].output ? v : -1;
		}
	return -1;
}

static eg_status mark_outputs(eg_plan *p, const eg_plan_options *o, eg_error *err) {
	const eg_graph *g = p->graph;
	int found = 0;
	for (int i = 0; o->outputs && o->outputs[i]; i++) {
		bool known = false;
		for (int k = 0; k < g->noutputs; k++) known |= !strcmp(g->outputs[k].name, o->outputs[i]);
		if (!known) return eg_fail(err, EG_ERR_ARG, "the graph has no output '%s'", o->outputs[i]);
	}
	for (int i = 0; i < g->noutputs; i++) {
		if (!is_wanted(o, g->outputs[i].name)) continue;
		p->values[g->outputs[i].value].output = true;
		found++;
	}
	if (!found)
		return eg_fail(err, EG_ERR_ARG, "a plan needs at least one output; declare it with eg_output");
	if (o->objective && eg_plan_find_output(p, o->objective) < 0)
		return eg_fail(err, EG_ERR_ARG, "the objective '%s' is not among the plan's outputs", o->objective);
	return EG_OK;
}

/* ---- needed, and given ------------------------------------------------------------------------------------------- */

/* "input 'x'", "output 1 of 'lstm1'", "a constant" */
static const char *told(const eg_graph *g, int value, char *buf, size_t size) {
	const eg_graph_value *v = &g->values[value];
	if (v->node >= 0)
		snprintf(buf, size, "output %d of '%.80s' (%s)", v->index, g->nodes[v->node].name,
		        g->nodes[v->node].op->info.name);
	else
		snprintf(buf, size, v->name ? "input '%.80s'" : "a constant", v->name);
	return buf;
}

static eg_status check_handles(const eg_plan *p, const eg_tensor *list, const char *option, eg_error *err) {
	char text[160];
	for (int i = 0; list && list[i].id; i++) {
		if (list[i].id < 1 || list[i].id > p->nvalues)
			return eg_fail(
			        err, EG_ERR_ARG, "option %s: tensor number %d is none of this graph", option, i + 1);
		const eg_graph_value *v = &p->graph->values[list[i].id - 1];
		if (v->data)
			return eg_fail(err, EG_ERR_ARG, "option %s: tensor number %d is a constant of the graph", option,
			        i + 1);
		if (!strcmp(option, "grads") && (v->type != EG_F32 || v->constant))
			return eg_fail(err, EG_ERR_ARG,
			        "option grads: %s has no gradient, as it %s; ask for the output of the node that reads it "
			        "(of an embedding, what was looked up)",
			        told(p->graph, list[i].id - 1, text, sizeof text),
			        v->type != EG_F32 ? "does not hold real numbers (EG_F32)" : "is there to be looked at");
	}
	return EG_OK;
}

/* Nodes whose results are needed, back from the outputs; with `given` in mind, or for the shapes as if nothing were. */
static void mark_needed(eg_plan *p, bool shapes) {
	const eg_graph *g = p->graph;
	for (int i = 0; i < p->nvalues; i++) *(shapes ? &p->values[i].shaped : &p->values[i].needed) = p->values[i].output;
	for (int n = g->nnodes - 1; n >= 0; n--) {
		const eg_node *node = &g->nodes[n];
		bool needed = false;
		for (int i = 0; i < node->nout; i++) {
			const eg_pvalue *v = &p->values[node->out[i]];
			needed |= shapes ? v->shaped : v->needed && !v->given;
		}
		*(shapes ? &p->nodes[n].shaped : &p->nodes[n].needed) = needed;
		for (int i = 0; i < node->nin && needed; i++) {
			if (node->in[i] < 0) continue;
			eg_pvalue *v = &p->values[node->in[i]];
			*(shapes ? &v->shaped : &v->needed) = true;
			if (!shapes) v->consumers++;
		}
	}
}

/* A node computes all its outputs or none. */
static eg_status check_given(const eg_plan *p, eg_error *err) {
	char text[160];
	for (int i = 0; i < p->nvalues; i++) {
		const int n = p->graph->values[i].node;
		if (!p->values[i].given || n < 0 || !p->nodes[n].needed) continue;
		return eg_fail(err, EG_ERR_ARG, "option given: %s is given, but other outputs of that node are needed; give them too",
		        told(p->graph, i, text, sizeof text));
	}
	return EG_OK;
}

/* What is made of constants alone, by nodes without weights. */
static void mark_fixed(eg_plan *p) {
	const eg_graph *g = p->graph;
	for (int i = 0; i < p->nvalues; i++) p->values[i].fixed = g->values[i].data != NULL;
	for (int n = 0; n < g->nnodes; n++) {
		const eg_node *node = &g->nodes[n];
		bool fixed = node->nparams == 0;
		for (int i = 0; i < node->nin; i++) fixed &= node->in[i] < 0 || p->values[node->in[i]].fixed;
		for (int i = 0; i < node->nout; i++)
			p->values[node->out[i]].fixed = fixed && !p->values[node->out[i]].given;
	}
}

eg_status eg_plan_want(eg_plan *p, const eg_plan_options *o, eg_error *err) {
	char text[160];
	eg_status status = check_handles(p, o->given, "given", err);
	if (!status) status = check_handles(p, o->grads, "grads", err);
	if (!status) status = mark_outputs(p, o, err);
	if (status) return status;
	for (int i = 0; o->given && o->given[i].id; i++) p->values[o->given[i].id - 1].given = true;
	mark_needed(p, true);
	mark_needed(p, false);
	for (int i = 0; o->grads && o->grads[i].id; i++) {
		eg_pvalue *v = &p->values[o->grads[i].id - 1];
		if (!v->needed)
			return eg_fail(err, EG_ERR_ARG, "option grads: none of the plan's outputs is computed from %s",
			        told(p->graph, o->grads[i].id - 1, text, sizeof text));
		v->asked = v->output = true;
	}
	mark_fixed(p);
	return check_given(p, err);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

static bool is_output(const eg_graph *g, int value, const char *name) {
	for (int i = 0; i < g->noutputs; i++)
		if (g->outputs[i].value == value && !strcmp(g->outputs[i].name, name)) return true;
	return false;
}

bool eg_plan_seeds(const eg_plan *p, int value) {
	const eg_pvalue *v = &p->values[value];
	const char *only = p->options.objective;
	if (!v->output || eg_plan_source(p, value) < 0) return false;
	if (p->graph->values[value].type != EG_F32 || p->graph->values[value].constant) return false;
	return only ? is_output(p->graph, value, only) : v->consumers == 0;
}

/* Back from the gradients that the user gives. */
static void mark_leading(eg_plan *p) {
	const eg_graph *g = p->graph;
	for (int i = 0; i < p->nvalues; i++) p->values[i].leads = eg_plan_seeds(p, i);
	for (int n = g->nnodes - 1; n >= 0; n--) {
		const eg_node *node = &g->nodes[n];
		for (int i = 0; i < node->nout; i++) p->nodes[n].has_bwd |= p->values[node->out[i]].leads;
		p->nodes[n].has_bwd = p->nodes[n].has_bwd && p->nodes[n].needed && node->op->bwd;
		for (int i = 0; i < node->nin && p->nodes[n].has_bwd; i++)
			if (node->in[i] >= 0) p->values[node->in[i]].leads = true;
	}
}

/* On from what a gradient was asked for. */
void eg_plan_want_gradients(eg_plan *p) {
	const eg_graph *g = p->graph;
	if (!eg_plan_backward(p)) return;
	mark_leading(p);
	for (int i = 0; i < p->nvalues; i++) {
		const bool may = g->values[i].type == EG_F32 && !g->values[i].data;
		p->values[i].needs_grad = p->values[i].asked || (may && p->options.input_grads && eg_plan_source(p, i) < 0);
	}
	for (int n = 0; n < g->nnodes; n++) {
		const eg_node *node = &g->nodes[n];
		bool needs = false;
		for (int i = 0; i < node->nparams; i++) needs |= eg_plan_wants(p, node->param[i]);
		for (int i = 0; i < node->nin; i++) needs |= node->in[i] >= 0 && p->values[node->in[i]].needs_grad;
		p->nodes[n].has_bwd &= needs;
		for (int i = 0; i < node->nout && needs && node->op->bwd; i++) {
			const eg_graph_value *v = &g->values[node->out[i]];
			if (v->type == EG_F32 && !v->constant && !p->values[node->out[i]].given)
				p->values[node->out[i]].needs_grad = true;
		}
	}
}

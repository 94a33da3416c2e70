/* shapes.c - the shapes of a plan: what open sizes are, and the operators' infer once more with them.
 *
 * Operators so need no algebra of sizes: when the graph is built they say which sizes are open, here they see numbers.
 * The batch alone stays open, since it decides what is cut into blocks. Only what the wanted outputs need is looked
 * at: a plan that predicts needs no size of the targets. */
#include "core/plan.h"

#include <string.h>

/* ---- the sizes given --------------------------------------------------------------------------------------------- */

static eg_status unknown(const eg_graph *g, const char *name, eg_error *err) {
	char list[400] = "";
	for (int i = 0; i < g->nopen; i++) {
		size_t used = strlen(list);
		if (!g->open[i].follows)
			snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", g->open[i].name);
	}
	if (!strcmp(name, "batch") || !strcmp(name, "time"))
		return eg_fail(err, EG_ERR_ARG, "the plan was given a size for '%s', which has an option of its own", name);
	return eg_fail(err, EG_ERR_ARG,
	        "the plan was given a size for '%s', but the graph has no open size of that name; it has %s", name,
	        *list ? list : "none");
}

/* Into p->size, by number of the graph's open size. */
static eg_status read_sizes(eg_plan *p, const eg_size *sizes, eg_error *err) {
	for (const eg_size *s = sizes; s && s->name; s++) {
		int i = eg_graph_open_find(p->graph, s->name);
		if (i < 0) return unknown(p->graph, s->name, err);
		if (s->size < 1)
			return eg_fail(err, EG_ERR_ARG, "the plan was given the size %d for '%s'; at least 1 is needed",
			        s->size, s->name);
		if (p->size[i] && p->size[i] != s->size)
			return eg_fail(err, EG_ERR_ARG, "the plan was given two sizes for '%s', %d and %d", s->name,
			        p->size[i], s->size);
		p->size[i] = s->size;
	}
	return EG_OK;
}

bool eg_plan_has_sizes(const eg_plan *p, const eg_size *sizes) {
	for (int i = 0; i < p->nsizes; i++) {
		const eg_size *s = sizes;
		while (s && s->name && (p->graph->open[i].follows || strcmp(s->name, p->graph->open[i].name))) s++;
		if (p->size[i] != (s && s->name ? s->size : 0)) return false;
	}
	for (const eg_size *s = sizes; s && s->name; s++)
		if (eg_graph_open_find(p->graph, s->name) < 0) return false;
	return true;
}

int eg_plan_size(const eg_plan *p, const char *name) {
	if (!strcmp(name, "batch")) return p->N;
	if (!strcmp(name, "time")) return p->T;
	int i = eg_graph_open_find(p->graph, name);
	return i < 0 || i >= p->nsizes ? 0 : p->size[i];
}

/* " with time 5, height 7" behind a node's name. */
static const char *told(const eg_plan *p, char *buf, size_t size) {
	size_t used = 0;
	const char *sep = " with";
	*buf = '\0';
	if (p->T > 0) {
		used += (size_t)snprintf(buf, size, "%s time %d", sep, p->T);
		sep = ",";
	}
	for (int i = 0; i < p->nsizes && used < size; i++) {
		if (!p->size[i]) continue;
		used += (size_t)snprintf(buf + used, size - used, "%s %s %d", sep, p->graph->open[i].name, p->size[i]);
		sep = ",";
	}
	return buf;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

/* What is known of d in this plan; the batch stays open. */
static int64_t sized(const eg_plan *p, int64_t d) {
	if (eg_dim_is_product(d)) {
		int64_t a, b;
		eg_dim_factors(d, &a, &b);
		return eg_dim_product(sized(p, a), sized(p, b));
	}
	if (d == EG_T && p->T > 0) return p->T;
	if (d <= EG_NAMED && EG_NAMED - d < p->nsizes && p->size[EG_NAMED - d]) return p->size[EG_NAMED - d];
	return d;
}

int64_t eg_plan_number(const eg_plan *p, int64_t d) {
	if (eg_dim_is_product(d)) {
		int64_t a, b;
		eg_dim_factors(d, &a, &b);
		return eg_plan_number(p, a) * eg_plan_number(p, b);
	}
	d = sized(p, d);
	return d == EG_N ? p->N : d;
}

/* The first factor of d, or d itself, that no size was given for; 0: none. */
static int64_t missing(const eg_plan *p, int64_t d) {
	int64_t a = sized(p, d), b = 1;
	if (eg_dim_is_product(d)) {
		eg_dim_factors(d, &a, &b);
		a = missing(p, a);
		return a ? a : missing(p, b);
	}
	return eg_dim_is_open(a) ? a : 0;
}

static eg_status input_shape(eg_plan *p, int value, eg_error *err) {
	const eg_graph *g = p->graph;
	const eg_dims *d = &g->values[value].dims;
	char text[256];
	for (int i = 0; i < d->rank && p->values[value].shaped; i++) {
		int64_t m = missing(p, d->d[i]);
		eg_shape_text(g, *d, text, sizeof text);
		if (p->values[value].dims.d[i] == 0)
			return eg_fail(err, EG_ERR_SHAPE, "input '%s' %s: the plan's sizes are too large",
			        g->values[value].name, text);
		if (!m) continue;
		if (m == EG_T)
			return eg_fail(err, EG_ERR_ARG,
			        "the graph has sequences, %s; a plan needs to know how many time steps (option time)",
			        text);
		return eg_fail(err, EG_ERR_ARG, "input '%s' %s: the plan needs a size for '%s' (option sizes)",
		        g->values[value].name, text, eg_open_name(g, m));
	}
	return EG_OK;
}

/* Of weights the shapes are those of the graph, whatever the sizes are. */
static bool same_params(const eg_graph *g, const eg_node *n, const eg_infer *s) {
	if (s->nparams != n->nparams || s->nout != n->nout) return false;
	for (int i = 0; i < s->nparams; i++) {
		const eg_dims *a = &g->params[n->param[i]].spec.dims, *b = &s->params[i].dims;
		if (a->rank != b->rank || memcmp(a->d, b->d, (size_t)a->rank * sizeof a->d[0])) return false;
	}
	return true;
}

static eg_status node_shapes(eg_plan *p, int node, eg_error *err) {
	const eg_graph *g = p->graph;
	const eg_node *n = &g->nodes[node];
	eg_node_info info = {0};
	eg_error own = {0};
	eg_infer s = {.options = n->options, .nin = n->nin, .err = err ? err : &own, .nout = 1, .info = &info};
	char with[300];
	for (int i = 0; i < n->nin; i++) {
		s.in[i].rank = -1;
		if (n->in[i] < 0) continue;
		s.in[i] = p->values[n->in[i]].dims;
		s.declared[i] = g->values[n->in[i]].dims;
		s.in_type[i] = g->values[n->in[i]].type;
	}
	eg_status status = eg_graph_infer(g, n, &s);
	if (!status && !same_params(g, n, &s))
		status = eg_fail(s.err, EG_ERR_SHAPE, "its weights would depend on sizes that the graph leaves open");
	if (status) {
		eg_fail_prefix(s.err, "%s '%s'%s", n->op->info.name, n->name, told(p, with, sizeof with));
		return status;
	}
	for (int i = 0; i < n->nout; i++) {
		p->values[n->out[i]].dims = s.out[i];
		/* those of a loop's state are said by name */
		for (int k = 0; k < s.out[i].rank; k++) p->values[n->out[i]].dims.d[k] = sized(p, s.out[i].d[k]);
	}
	return EG_OK;
}

/* Kernels count in int: a value of 2^31 elements or more is refused here, before any arithmetic can overflow. */
static eg_status check_count(const eg_plan *p, int value, eg_error *err) {
	const eg_dims *d = &p->values[value].dims;
	char text[128], with[300];
	double count = 1;
	for (int i = 0; i < d->rank; i++) {
		int64_t a = d->d[i], b = 1;
		if (eg_dim_is_product(a)) eg_dim_factors(a, &a, &b);
		count *= (double)eg_plan_number(p, a) * (double)eg_plan_number(p, b) +
		         (eg_dim_is_batch(d->d[i]) ? EG_BLOCK : 0);
	}
	if (count < 0x1p31) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE,
	        "a tensor of shape %s has more than 2^31 elements with batch size %d%s; try a smaller batch",
	        eg_shape_text(p->graph, p->graph->values[value].dims, text, sizeof text), p->N,
	        told(p, with, sizeof with));
}

eg_status eg_plan_shapes(eg_plan *p, const eg_size *sizes, eg_error *err) {
	const eg_graph *g = p->graph;
	eg_status status = read_sizes(p, sizes, err);
	for (int i = 0; i < g->nvalues; i++) {
		p->values[i].dims = g->values[i].dims;
		for (int k = 0; k < g->values[i].dims.rank; k++)
			p->values[i].dims.d[k] = sized(p, g->values[i].dims.d[k]);
		if (g->values[i].node < 0 && !status) status = input_shape(p, i, err);
	}
	for (int n = 0; n < g->nnodes && !status; n++)
		if (p->nodes[n].shaped) status = node_shapes(p, n, err);
	for (int i = 0; i < g->nvalues && !status; i++)
		if (p->values[i].needed) status = check_count(p, i, err);
	return status;
}

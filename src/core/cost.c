/* cost.c - how much a plan computes, and whether that is as little as its context allows.
 *
 * The field counts the multiply-adds of layers with weights (eg_node_info.macs, of one sample and step); what else
 * there is, such as attention over a whole sequence or the windows of pooling, only the planner knows, from the
 * operations that every call says it does. So of each node the larger number counts, and no network can ask for
 * work that is not seen. Not here: bytes (memory.c). */
#include "core/plan.h"

/* For how many samples, steps and places the node's multiply-adds are counted once: the open sizes of its output;
 * of a loss those of what it judges. */
static double repeats(const eg_plan *p, const eg_node *n) {
	const bool scalar = p->graph->values[n->out[0]].dims.rank == 0 && n->nin > 0 && n->in[0] >= 0;
	const int value = scalar ? n->in[0] : n->out[0];
	const eg_dims *d = &p->graph->values[value].dims;
	double times = 1;
	for (int i = 0; i < d->rank; i++) {
		const int64_t size = d->d[i] < 0 ? eg_plan_number(p, p->values[value].dims.d[i]) : 1;
		if (size > 0) times *= (double)size;
	}
	return times;
}

void eg_plan_count(eg_plan *p) {
	const int n = p->graph->nnodes;
	double *forward = eg_arena_alloc(&p->arena, ((size_t)n + 1) * sizeof *forward);
	if (!forward) {
		p->out_of_memory = true;
		return;
	}
	for (int i = 0; i < p->nsteps; i++) {
		const eg_step *s = &p->steps[i];
		for (int k = 0; k < s->count && !s->pack; k++) {
			const eg_call *c = &p->calls[p->order[s->first + k]];
			*(c->bwd ? &p->cost.macs : &forward[c->node]) += c->flops / 2;
		}
	}
	for (int i = 0; i < n; i++) {
		if (!p->nodes[i].needed) continue;
		const double counted = (double)p->graph->nodes[i].info.macs * repeats(p, &p->graph->nodes[i]);
		p->cost.macs += forward[i] > counted ? forward[i] : counted;
	}
}

/* "12.3 G" */
static const char *number(double x, char buf[32]) {
	static const char *const units[] = {"", " k", " M", " G", " T", " P"};
	int i = 0;
	for (; x >= 1000 && i < EG_COUNT(units) - 1; i++) x /= 1000;
	snprintf(buf, 32, x < 10 && i ? "%.1f%s" : "%.0f%s", x, units[i]);
	return buf;
}

eg_status eg_plan_limit(const eg_plan *p, eg_error *err) {
	char is[32], may[32], of[80] = "one sample";
	const double limit = p->ctx->limit_macs, steps = p->T > 0 ? p->T : 1;
	const double one = p->cost.macs / p->N / (p->options.carry ? steps : 1);
	if (p->measured || !(limit > 0) || one <= limit) return EG_OK;
	if (p->options.carry)
		snprintf(of, sizeof of, "one step");
	else if (p->T > 0)
		snprintf(of, sizeof of, "one sample of %d steps", p->T);
	return eg_fail(err, EG_ERR_ARG,
	        "the network takes %s multiply-adds for %s, and %s are allowed: allow more (limit_macs, --limit-macs) "
	        "if it may be trusted to be worth them, "
	        "or give it less to do",
	        number(one, is), of, number(limit, may));
}

/* groups.c - parameter groups: names against patterns, and what follows for each parameter. See eg_param_group. */
#include "train/groups.h"

#include <math.h>
#include <string.h>

static eg_status check(const eg_params *p, const eg_param_group *g, int number, eg_error *err) {
	if (!g->pattern || !*g->pattern)
		return eg_fail(err, EG_ERR_ARG, "parameter group %d has no pattern", number + 1);
	if (!(g->lr >= 0) || signbit(g->lr) || !isfinite(g->lr) || !isfinite(g->weight_decay))
		return eg_fail(err, EG_ERR_ARG,
		        "parameter group '%.60s': lr is multiplied by %g, weight_decay by %g; that must be finite, and "
		        "above 0 for lr "
		        "(to leave parameters as they are there is `frozen`)",
		        g->pattern, g->lr, g->weight_decay);
	for (int i = 0; i < p->count; i++)
		if (eg_name_fits(g->pattern, p->graph->params[i].name)) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "parameter group '%.60s' fits none of the %d parameters, the first of which is '%s'", g->pattern,
	        p->count, p->count ? p->graph->params[0].name : "");
}

static const eg_param_group *group_of(const eg_optimizer_config *c, const char *name) {
	for (int i = c->ngroups - 1; i >= 0; i--)
		if (eg_name_fits(c->groups[i].pattern, name)) return &c->groups[i];
	return NULL;
}

/* Is a gradient of zero, in the end, no update? And is there no other walk over all elements that it would have to go
 * along with? */
static bool takes_rows(const eg_optimizer_config *c, const eg_param_run *r) {
	if (c->embeddings == EG_ROWS_DENSE || c->kind == EG_MUON || c->clip_value > 0 || c->lookahead > 0 || r->frozen) return false;
	return c->embeddings == EG_ROWS_LAZY || r->decay == 0;
}

static eg_param_run settings(const eg_params *p, const eg_optimizer_config *c, int i) {
	static const eg_param_group none = {0};
	const eg_param *param = &p->graph->params[i];
	const eg_param_group *g = group_of(c, param->name);
	const bool matrix = param->spec.dims.rank > 1 && !param->spec.elementwise;
	if (!g) g = &none;
	eg_param_run r = {
	        .first = p->offset[i], .lr = g->lr > 0 ? g->lr : 1, .decay = g->weight_decay, .frozen = g->frozen};
	if (r.decay == 0 && !signbit(r.decay)) r.decay = c->decay_all || matrix ? 1 : 0;
	if (r.decay < 0 || c->weight_decay == 0) r.decay = 0; /* alike, without decay to multiply */
	if (c->kind == EG_MUON && matrix && !g->elementwise) {
		r.rows = (int)param->spec.dims.d[0];
		r.cols = (int)eg_dims_count(&param->spec.dims, 1);
	}
	if (takes_rows(c, &r)) r.table = eg_table_of(p, i);
	return r;
}

eg_status eg_groups_resolve(
	const eg_params *p, const eg_optimizer_config *c, eg_param_run *runs, int *nruns, bool *frozen, eg_error *err) {
	*nruns = 0;
	for (int i = 0; i < c->ngroups; i++)
		if (check(p, &c->groups[i], i, err)) return EG_ERR_ARG;
	for (int i = 0; i < p->count; i++) {
		eg_param_run r = settings(p, c, i), *last = *nruns ? &runs[*nruns - 1] : NULL;
		frozen[i] = r.frozen;
		if (p->graph->params[i].spec.state) continue;
		if (!last || last->lr != r.lr || last->decay != r.decay || last->frozen != r.frozen || last->rows || r.rows ||
			last->table || r.table)
			runs[(*nruns)++] = r;
	}
	for (int i = 0; i < *nruns; i++)
		runs[i].count = runs[i].rows ? (size_t)runs[i].rows * (size_t)runs[i].cols
					     : (i + 1 < *nruns ? runs[i + 1].first : p->trained) - runs[i].first;
	return EG_OK;
}

/* params.c - the weights of a graph: one flat block, found by number or by name. Their places are known before they
 * have memory, and gradients get theirs when somebody first needs them: a network that is only looked at needs neither,
 * one that only predicts no gradients. */
#include "core/params.h"

#include <string.h>

eg_params *eg_params_new(eg_graph *g, uint64_t seed, eg_error *err) {
	eg_params *p = eg_params_new_zero(g, err);
	for (int i = 0; p && i < g->nparams; i++) {
		if (eg_init_fill(g->ctx->allocator, &g->params[i].spec, p->data + p->offset[i], seed, i)) continue;
		eg_fail(err, EG_ERR_MEMORY, "out of memory for the initial weights of '%s'", g->params[i].name);
		eg_params_free(p);
		return NULL;
	}
	return p;
}

/* Puts the weights, or the state, behind what is placed already. */
static void place(eg_params *p, bool state) {
	for (int i = 0; i < p->count; i++) {
		const eg_param_spec *s = &p->graph->params[i].spec;
		if (s->state != state) continue;
		p->offset[i] = p->total;
		p->total += ((size_t)eg_dims_count(&s->dims, 0) + 15) & ~(size_t)15;
	}
}

eg_params *eg_params_new_bare(eg_graph *g, eg_error *err) {
	const eg_allocator *a = g->ctx->allocator;
	if (g->error.status) {
		eg_graph_status(g, err);
		return NULL;
	}
	eg_params *p = eg_calloc(a, 1, sizeof *p);
	if (p) {
		p->graph = g;
		p->count = g->nparams;
		p->version = 1;
		p->offset = eg_calloc(a, (size_t)g->nparams + 1, sizeof *p->offset);
		p->packed = eg_packed_set_new(a);
	}
	if (!p || !p->offset || !p->packed) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for the parameters of the graph");
		eg_params_free(p);
		return NULL;
	}
	place(p, false);
	p->trained = p->total;
	place(p, true);
	return p;
}

eg_status eg_params_allocate(eg_params *p, eg_error *err) {
	const eg_allocator *a = p->graph->ctx->allocator;
	if (p->data) return EG_OK;
	real *data = eg_block_new(a, p->total * sizeof(real) + EG_ALIGN);
	real *before = data ? eg_calloc(a, p->total - p->trained + 1, sizeof(real)) : NULL;
	if (before) {
		p->data = data;
		p->before = before;
		return EG_OK;
	}
	eg_block_free(a, data);
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for the parameters of the graph (%zu MB)", p->total * sizeof(real) >> 20);
}

eg_params *eg_params_new_zero(eg_graph *g, eg_error *err) {
	eg_params *p = eg_params_new_bare(g, err);
	if (p && eg_params_allocate(p, err) == EG_OK) return p;
	eg_params_free(p);
	return NULL;
}

eg_status eg_params_need_grad(eg_params *p, eg_error *err) {
	if (!p->grad && eg_tables_find(p)) p->grad = eg_block_new(p->graph->ctx->allocator, p->trained * sizeof(real) + EG_ALIGN);
	if (p->grad) return EG_OK;
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for the gradients of the parameters (%zu MB)", p->trained * sizeof(real) >> 20);
}

void eg_params_free(eg_params *p) {
	if (!p) return;
	const eg_allocator *a = p->graph->ctx->allocator;
	eg_release(a, p->offset);
	eg_block_free(a, p->data);
	eg_block_free(a, p->grad);
	eg_tables_free(p);
	eg_release(a, p->before);
	eg_packed_set_release(p->packed);
	eg_release(a, p);
}

static bool has(const eg_params *p, int i) { return i >= 0 && i < p->count; }

int eg_params_count(const eg_params *p) { return p->count; }
const char *eg_params_name(const eg_params *p, int i) { return has(p, i) ? p->graph->params[i].name : NULL; }
eg_dims eg_params_dims(const eg_params *p, int i) { return has(p, i) ? p->graph->params[i].spec.dims : (eg_dims){0}; }
eg_real *eg_params_data(eg_params *p, int i) { return has(p, i) && p->data ? p->data + p->offset[i] : NULL; }
bool eg_params_trained(const eg_params *p, int i) { return has(p, i) && !p->graph->params[i].spec.state; }
eg_real *eg_params_grad(eg_params *p, int i) {
	p->whole = true;
	return eg_params_trained(p, i) && eg_params_need_grad(p, NULL) == EG_OK ? p->grad + p->offset[i] : NULL;
}

int eg_params_find(const eg_params *p, const char *name) {
	for (int i = 0; i < p->count; i++)
		if (!strcmp(p->graph->params[i].name, name)) return i;
	return -1;
}

eg_real *eg_params_flat(eg_params *p, size_t *n) {
	if (n) *n = p->total;
	return p->data;
}
eg_real *eg_params_flat_grad(eg_params *p, size_t *n) {
	if (n) *n = p->trained;
	p->whole = true;
	eg_params_need_grad(p, NULL);
	return p->grad;
}
void eg_params_changed(eg_params *p) { p->version++; }

void eg_params_restore_state(eg_params *p) {
	memcpy(p->data + p->trained, p->before, (p->total - p->trained) * sizeof *p->before);
	eg_params_changed(p);
}

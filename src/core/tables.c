/* tables.c - parameters whose gradients are zero but in a few rows: which they are, and which rows (eg_table).
 *
 * Not here: whose ids these rows are (emit.c), and what an update does with the others (src/train/rows.c). */
#include "core/params.h"

#include <string.h>

enum { SMALLEST = 32768 }; /* elements: to walk over less is nothing */

/* Is it read by nodes alone that take rows of it? */
static bool by_rows(const eg_graph *g, int param) {
	const eg_param_spec *s = &g->params[param].spec;
	bool rows = s->dims.rank == 2 && !s->state && eg_dims_count(&s->dims, 0) >= SMALLEST;
	for (int n = 0; n < g->nnodes && rows; n++)
		for (int i = 0; i < g->nodes[n].nparams; i++)
			if (g->nodes[n].param[i] == param) rows &= g->nodes[n].op->by_rows;
	return rows;
}

bool eg_tables_find(eg_params *p) {
	const eg_allocator *a = p->graph->ctx->allocator;
	int n = 0;
	if (p->tables || !EG_HAS_BACKWARD) return true;
	for (int i = 0; i < p->count; i++) n += by_rows(p->graph, i);
	p->tables = eg_calloc(a, (size_t)n + 1, sizeof *p->tables);
	if (!p->tables) return false;
	for (int i = 0; i < p->count && p->ntables < n; i++) {
		if (!by_rows(p->graph, i)) continue;
		const eg_dims *d = &p->graph->params[i].spec.dims;
		eg_table *t = &p->tables[p->ntables++];
		*t = (eg_table){.param = i, .rows = (int)d->d[0], .n = (int)d->d[1]};
		t->occurs = eg_calloc(a, (size_t)t->rows, sizeof *t->occurs);
		t->list = eg_calloc(a, (size_t)t->rows, sizeof *t->list);
		if (t->occurs && t->list) continue;
		eg_tables_free(p);
		return false;
	}
	return true;
}

void eg_tables_free(eg_params *p) {
	const eg_allocator *a = p->graph->ctx->allocator;
	for (int i = 0; i < p->ntables; i++) {
		eg_release(a, p->tables[i].occurs);
		eg_release(a, p->tables[i].list);
	}
	eg_release(a, p->tables);
	p->tables = NULL;
	p->ntables = 0;
}

eg_table *eg_table_of(const eg_params *p, int i) {
	for (int k = 0; k < p->ntables; k++)
		if (p->tables[k].param == i) return &p->tables[k];
	return NULL;
}

void eg_table_clear(const eg_params *p, eg_table *t) {
	real *g = p->grad + p->offset[t->param];
	for (int i = 0; i < t->nlist; i++) {
		if (!p->whole) memset(g + (ptrdiff_t)t->list[i] * t->n, 0, (size_t)t->n * sizeof *g);
		t->occurs[t->list[i]] = false;
	}
	t->nlist = 0;
	if (p->whole) memset(g, 0, (size_t)t->rows * (size_t)t->n * sizeof *g);
}

void eg_table_mark(eg_table *t, const int32_t *ids, int64_t n) {
	for (int64_t i = 0; i < n; i++) {
		if (ids[i] < 0 || ids[i] >= t->rows || t->occurs[ids[i]]) continue;
		t->occurs[ids[i]] = true;
		t->list[t->nlist++] = ids[i];
	}
}

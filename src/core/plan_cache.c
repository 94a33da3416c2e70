/* plan_cache.c - plans of one graph for several sizes, made when first asked for. */
#include "core/plan.h"

#include <string.h>

enum { CACHED_PLANS = 64 };

struct eg_plan_cache {
	eg_graph *graph;
	eg_params *params;
	eg_plan_options options;
	const eg_allocator *allocator;
	eg_arena arena;      /* of what the options point to */
	eg_plan_block block; /* of all plans, unless they carry state, which may not be overwritten */
	eg_plan *last;       /* the plan that was got last */
	eg_plan *plans[CACHED_PLANS];
	uint64_t used[CACHED_PLANS], clock;
};

static bool copy_outputs(eg_plan_cache *c, const char *const *outputs) {
	size_t n = 0;
	while (outputs[n]) n++;
	const char **copy = eg_arena_alloc(&c->arena, (n + 1) * sizeof *copy);
	for (size_t i = 0; i < n && copy; i++)
		if (!(copy[i] = eg_arena_strdup(&c->arena, outputs[i]))) copy = NULL;
	c->options.outputs = copy;
	return copy != NULL;
}

static bool copy_sizes(eg_plan_cache *c, const eg_size *sizes) {
	size_t n = 0;
	while (sizes[n].name) n++;
	eg_size *copy = eg_arena_alloc(&c->arena, (n + 1) * sizeof *copy);
	for (size_t i = 0; i < n && copy; i++) {
		copy[i] = (eg_size){eg_arena_strdup(&c->arena, sizes[i].name), sizes[i].size};
		if (!copy[i].name) copy = NULL;
	}
	c->options.sizes = copy;
	return copy != NULL;
}

/* Tensors up to one that is none. NULL stays NULL; false: out of memory. */
static bool copy_tensors(eg_plan_cache *c, const eg_tensor **list) {
	size_t n = 0;
	if (!*list) return true;
	while ((*list)[n].id) n++;
	eg_tensor *copy = eg_arena_alloc(&c->arena, (n + 1) * sizeof *copy);
	if (copy) memcpy(copy, *list, (n + 1) * sizeof *copy);
	return *list = copy, copy != NULL;
}

static bool copy_training(eg_plan_cache *c, const eg_plan_options *o) {
	size_t n = (size_t)c->graph->nparams;
	if (o->objective) c->options.objective = eg_arena_strdup(&c->arena, o->objective);
	bool *frozen = o->frozen ? eg_arena_alloc(&c->arena, n + 1) : NULL;
	if (frozen) memcpy(frozen, o->frozen, n * sizeof *frozen);
	c->options.frozen = frozen;
	return !o->objective == !c->options.objective && !o->frozen == !frozen;
}

eg_plan_cache *eg_plan_cache_new(eg_graph *g, eg_params *params, const eg_plan_options *options, eg_error *err) {
	const eg_allocator *a = (options->context ? options->context : g->ctx)->allocator;
	eg_plan_cache *c = eg_calloc(a, 1, sizeof *c);
	if (c) {
		*c = (eg_plan_cache){.graph = g, .params = params, .options = *options, .allocator = a, .arena = {.allocator = a}};
		if ((!options->outputs || copy_outputs(c, options->outputs)) && (!options->sizes || copy_sizes(c, options->sizes)) &&
			copy_training(c, options) && copy_tensors(c, &c->options.grads) && copy_tensors(c, &c->options.given)) return c;
		eg_plan_cache_free(c);
	}
	eg_fail(err, EG_ERR_MEMORY, "out of memory for a plan cache");
	return NULL;
}

void eg_plan_cache_free(eg_plan_cache *c) {
	if (!c) return;
	for (int i = 0; i < CACHED_PLANS; i++) eg_plan_free(c->plans[i]);
	eg_block_free(c->allocator, c->block.memory);
	eg_arena_free(&c->arena);
	eg_release(c->allocator, c);
}

/* Makes a plan that others have written over, or whose memory has moved, ready again. */
static eg_plan *get_ready(eg_plan_cache *c, eg_plan *p) {
	if (p == c->last || !p->shared) return p;
	c->last = p;
	if (p->memory != c->block.memory) {
		p->memory = c->block.memory;
		eg_plan_resolve(p);
	}
	eg_plan_preset_seeds(p);
	return p;
}

/* When all places are taken, the plan that was not used for longest goes. */
eg_plan *eg_plan_cache_get(eg_plan_cache *c, int batch, int time, const eg_size *sizes, eg_error *err) {
	int oldest = 0;
	if (!sizes) sizes = c->options.sizes;
	c->clock++;
	for (int i = 0; i < CACHED_PLANS; i++) {
		eg_plan *p = c->plans[i];
		if (p && p->N == batch && p->T == time && eg_plan_has_sizes(p, sizes)) {
			c->used[i] = c->clock;
			return get_ready(c, p);
		}
		if (c->used[i] < c->used[oldest]) oldest = i;
	}
	eg_plan_options o = c->options;
	o.batch = batch;
	o.time = time;
	o.sizes = sizes;
	eg_plan *p = eg_plan_in(o.carry ? NULL : &c->block, c->graph, c->params, &o, err);
	if (!p) return NULL;
	c->last = p;
	eg_plan_free(c->plans[oldest]);
	c->plans[oldest] = p;
	c->used[oldest] = c->clock;
	return p;
}

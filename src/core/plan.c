/* plan.c - from a graph and a batch size to a plan: what an op does for those behind it, and the plan's life.
 *
 * Not here: what is wanted (want.c), how ops emit calls (emit.c), their order (schedule.c), memory (memory.c), running
 * (run.c). */
#include "core/plan.h"

#include <string.h>

/* ---- post-operations --------------------------------------------------------------------------------------------- */

enum { OFFERED = OP_POST(POOL) | OP_POST(SUM) };

eg_act eg_plan_act(const eg_plan *p, int node) {
	const int act = p->nodes[node].post[EG_POST_ACT];
	return act < 0 ? eg_act_of(EG_ACT_NONE) : p->graph->nodes[act].op->act(p->graph->nodes[act].options);
}

bool eg_plan_does(const eg_plan *p, int node, eg_post post) {
	const int n = p->nodes[node].post[post];
	return n >= 0 && p->nodes[n].fused_into_producer;
}

int eg_plan_computes(const eg_plan *p, int value) {
	int n = eg_plan_source(p, value);
	while (n >= 0 && p->nodes[n].fused_into_producer) n = eg_plan_source(p, p->graph->nodes[n].in[p->nodes[n].through]);
	return n;
}

/* Is anything but its output 0 wanted of a node? */
static bool more_wanted(const eg_plan *p, const eg_node *n) {
	for (int i = 1; i < n->nout; i++)
		if (p->values[n->out[i]].output || p->values[n->out[i]].consumers > 0) return true;
	return false;
}

static bool same_shape(const eg_plan *p, int a, int b) {
	const eg_dims *x = &p->values[a].dims, *y = &p->values[b].dims;
	bool same = x->rank == y->rank;
	for (int i = 0; same && i < x->rank; i++) same = x->d[i] == y->d[i];
	return same;
}

/* The first dimension of its weight is the channels of its output 0. */
static bool by_channel(const eg_plan *p, const eg_node *n) {
	if (n->nparams < 1) return false;
	const eg_dims *w = &p->graph->params[n->param[0]].spec.dims, *y = &p->values[n->out[0]].dims;
	return w->rank == y->rank && w->d[0] == y->d[1];
}

/* Is node n, whose input i `producer` computes for it alone, something that may be done there as `post`? */
static bool is_post(const eg_plan *p, eg_post post, int n, int i, int producer) {
	const eg_node *node = &p->graph->nodes[n];
	const int *before = p->nodes[producer].post;
	switch (post) {
	case EG_POST_AFFINE:
		return !p->backward && node->op->affine && before[EG_POST_AFFINE] < 0 && before[EG_POST_ACT] < 0 &&
		       by_channel(p, &p->graph->nodes[producer]);
	case EG_POST_SUM: { /* the other side has been computed before, and is added to */
		if (p->backward || !node->op->sums || !same_shape(p, node->in[0], node->in[1])) return false;
		const int other = eg_plan_computes(p, node->in[1 - i]);
		return other >= 0 && other < producer && before[EG_POST_ACT] < 0 && before[EG_POST_POOL] < 0;
	}
	case EG_POST_ACT: /* in training one whose derivative is told from its result: x is not kept */
		return node->op->act && before[EG_POST_ACT] < 0 && !(p->backward && eg_act_from_x(node->op->act(node->options).kind));
	case EG_POST_RELU_BWD: return p->backward && before[EG_POST_ACT] == n && eg_plan_act(p, producer).kind == EG_ACT_RELU;
	case EG_POST_POOL: return node->op->pools && node->op->pools(node->options) && !more_wanted(p, node);
	case EG_POSTS: break;
	}
	return false;
}

/* Input i of node n becomes a post-operation of the op that computes it, if it is one of these, that op can do it, and
 * nobody else reads what lies between. */
static void try_posts(eg_plan *p, unsigned posts, int n, int i) {
	const eg_graph *g = p->graph;
	const eg_node *node = &g->nodes[n];
	eg_pvalue *x = &p->values[node->in[i]];
	const int producer = eg_plan_computes(p, node->in[i]);
	if (producer < 0 || x->consumers != 1 || x->output || g->values[node->in[i]].index != 0) return;
	for (eg_post post = 0; post < EG_POSTS; post++) {
		if (!(posts & g->nodes[producer].op->posts & 1u << post) || !is_post(p, post, n, i, producer)) continue;
		p->nodes[producer].post[post] = n;
		p->nodes[n].through = i;
		if (posts & OFFERED) continue;
		p->nodes[n].fused_into_producer = true;
		x->redirect = node->out[0];
	}
}

/* What is done for certain comes first, for all nodes: what is offered stands behind it. */
static void fuse(eg_plan *p) {
	static const unsigned rounds[] = {OP_POST(AFFINE) | OP_POST(ACT) | OP_POST(RELU_BWD), OP_POST(POOL), OP_POST(SUM)};
	if (p->options.no_fusion) return;
	for (int r = 0; r < (int)EG_COUNT(rounds); r++)
		for (int n = 0; n < p->graph->nnodes; n++) {
			const eg_node *node = &p->graph->nodes[n];
			if (!p->nodes[n].needed || !(node->op->affine || node->op->act || node->op->pools || node->op->sums)) continue;
			for (int i = 0; i < (rounds[r] & OP_POST(SUM) ? node->nin : 1); i++) try_posts(p, rounds[r], n, i);
		}
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool alloc_tables(eg_plan *p) {
	const eg_graph *g = p->graph;
	size_t nparams = (size_t)g->nparams + 1;
	p->values = eg_arena_alloc(&p->arena, ((size_t)g->nvalues + 1) * sizeof *p->values);
	p->nodes = eg_arena_alloc(&p->arena, ((size_t)g->nnodes + 1) * sizeof *p->nodes);
	p->param_buf = eg_arena_alloc(&p->arena, nparams * sizeof *p->param_buf);
	p->grad_buf = eg_arena_alloc(&p->arena, nparams * sizeof *p->grad_buf);
	p->grad_written = eg_arena_alloc(&p->arena, nparams * sizeof *p->grad_written);
	p->size = eg_arena_alloc(&p->arena, ((size_t)p->nsizes + 1) * sizeof *p->size);
	if (!p->values || !p->nodes || !p->param_buf || !p->grad_buf || !p->grad_written || !p->size) return false;
	for (int i = 0; i < g->nvalues; i++)
		p->values[i] = (eg_pvalue){.redirect = -1, .buf = {-1, -1, -1}, .grad = {-1, -1, -1}, .seed = -1, .kept = -1};
	for (int i = 0; i < g->nparams; i++) p->param_buf[i] = p->grad_buf[i] = -1;
	for (int i = 0; i < g->nnodes; i++) {
		for (int k = 0; k < EG_POSTS; k++) p->nodes[i].post[k] = -1;
		p->nodes[i].folded[0] = p->nodes[i].folded[1] = p->nodes[i].ends = -1;
	}
	return true;
}

/* Of what the user may read; a constant may be an output too. */
static const void *output_address(const eg_plan *p, int value) {
	const int id = p->values[value].buf[EG_PLAIN];
	if (id < 0) return NULL;
	return p->bufs[id].kind == BUF_CONSTANT ? p->graph->values[p->bufs[id].param].data : p->memory + p->bufs[id].offset;
}

static void *buf_address(const eg_plan *p, int id) { return id < 0 ? NULL : p->memory + p->bufs[id].offset; }

/* A scalar output (the loss) has gradient 1, others 0. A gradient that was asked for where none flows is 0. */
void eg_plan_preset_seeds(eg_plan *p) {
	for (int i = 0; i < p->nvalues; i++) {
		if (p->values[i].kept >= 0) memset(buf_address(p, p->values[i].kept), 0, eg_pbuf_bytes(&p->bufs[p->values[i].kept]));
		if (p->values[i].seed < 0) continue;
		real *seed = buf_address(p, p->values[i].seed);
		memset(seed, 0, eg_pbuf_bytes(&p->bufs[p->values[i].seed]));
		if (p->graph->values[i].dims.rank == 0) *seed = 1;
	}
}

static bool wants_gradients(const eg_plan_options *o) {
	return o->train || o->weight_grads || o->input_grads || (o->grads && o->grads[0].id);
}

/* Is this something that a plan can be made of? */
static eg_status check(eg_graph *g, eg_params *params, const eg_plan_options *options, bool measured, eg_error *err) {
	if (eg_graph_status(g, err)) return g->error.status;
	if (eg_loop_open(g)) return eg_fail(err, EG_ERR_ARG, "the loop '%s' is still being built; call eg_loop_end", g->loops[g->nloops - 1].name);
	if (!options || options->batch < 1 || !params || params->graph != g)
		return eg_fail(err, EG_ERR_ARG, "eg_plan_new needs the graph's own parameters and a batch size of 1 or more");
	if (!EG_HAS_BACKWARD && wants_gradients(options))
		return eg_fail(err, EG_ERR_ARG, "this library is for inference alone (ENGRAM_TRAINING=OFF): it trains no network and computes no "
			"gradients; use one with training");
	if (measured) return EG_OK;
	if (!params->data)
		return eg_fail(err, EG_ERR_ARG, "a plan that is to run needs parameters with memory: call eg_params_allocate before");
	return options->train || options->weight_grads ? eg_params_need_grad(params, err) : EG_OK;
}

/* From here on the plan's graph is one without loops. */
static eg_status unroll(eg_plan *p, const eg_plan_options *options, eg_error *err) {
	eg_status status = eg_plan_unroll(p, options, err);
	if (status || p->out_of_memory) return status;
	if (!alloc_tables(p)) return p->out_of_memory = true, EG_OK;
	p->nvalues = p->graph->nvalues;
	status = eg_plan_want(p, options, err);
	return status ? status : eg_plan_shapes(p, options->sizes, err);
}

/* Everything but memory. */
static eg_status prepare(eg_plan *p, const eg_plan_options *options, eg_error *err) {
	eg_status status = eg_plan_want(p, options, err);
	if (!status) status = eg_plan_shapes(p, options->sizes, err);
	if (!status && eg_plan_has_loops(p)) status = unroll(p, options, err);
	if (status || p->out_of_memory) return status;
	eg_plan_want_gradients(p);
	eg_plan_ends(p);
	fuse(p);
	eg_plan_layouts(p);
	if (!p->out_of_memory) eg_plan_emit(p);
	if (!p->out_of_memory) eg_plan_prune(p);
	if (!p->out_of_memory) eg_plan_schedule(p);
	if (!p->out_of_memory) eg_plan_count(p);
	return p->out_of_memory ? EG_OK : eg_plan_limit(p, err);
}

static eg_plan *make(eg_plan_block *shared, eg_graph *g, eg_params *params, const eg_plan_options *options, bool measured, eg_error *err) {
	if (check(g, params, options, measured, err)) return NULL;
	eg_context *ctx = options->context ? options->context : g->ctx;
	eg_plan *p = eg_calloc(ctx->allocator, 1, sizeof *p);
	if (!p) goto no_memory;
	*p = (eg_plan){.graph = g, .params = params, .ctx = ctx, .options = *options, .N = options->batch, .T = options->time, .nvalues = g->nvalues, .nsizes = g->nopen,
		.shared = shared, .measured = measured, .workers = eg_team_size(ctx->team), .state_buf = -1, .arena = {.allocator = ctx->allocator}};
	p->options.outputs = NULL; /* the caller's; not kept */
	p->options.grads = p->options.given = NULL;
	p->options.sizes = NULL;
	p->weight_grads = options->train || options->weight_grads;
	p->backward = wants_gradients(options);
	p->packed = params->packed;
	eg_packed_set_hold(p->packed);
	if (!alloc_tables(p)) goto no_memory;
	if (prepare(p, options, err)) {
		eg_plan_free(p);
		return NULL;
	}
	if (p->out_of_memory || !eg_plan_place(p)) goto no_memory;
	p->options.objective = NULL, p->options.frozen = NULL; /* likewise */
	if (!measured) eg_plan_preset_seeds(p);
	return p;
no_memory:
	eg_fail(err, EG_ERR_MEMORY, "out of memory for a plan with batch size %d (%zu MB); try a smaller batch", options->batch,
		p ? p->cost.memory.total >> 20 : 0);
	eg_plan_free(p);
	return NULL;
}

eg_plan *eg_plan_in(eg_plan_block *shared, eg_graph *g, eg_params *params, const eg_plan_options *options, eg_error *err) {
	return make(shared, g, params, options, false, err);
}

eg_plan *eg_plan_new(eg_graph *g, eg_params *params, const eg_plan_options *options, eg_error *err) {
	return make(NULL, g, params, options, false, err);
}

eg_status eg_plan_measure(eg_graph *g, const eg_plan_options *options, eg_cost *cost, eg_error *err) {
	eg_error own = {0};
	*cost = (eg_cost){0};
	eg_params *bare = eg_params_new_bare(g, &own);
	eg_plan *p = bare ? make(NULL, g, bare, options, true, &own) : NULL;
	if (p) *cost = p->cost;
	eg_plan_free(p);
	eg_params_free(bare);
	if (!p && err) *err = own;
	return p ? EG_OK : own.status;
}

void eg_plan_free(eg_plan *p) {
	if (!p) return;
	const eg_allocator *a = p->ctx->allocator;
	if (!p->shared) eg_block_free(a, p->memory);
	for (int i = 0; i < p->nbufs; i++) eg_packed_leave(p->packed, p->bufs[i].packed);
	eg_packed_set_release(p->packed);
	eg_release(a, p->uses);
	eg_release(a, p->bufs);
	eg_release(a, p->calls);
	eg_release(a, p->steps);
	eg_release(a, p->text);
	eg_arena_free(&p->arena);
	eg_release(a, p);
}

/* ---- access ------------------------------------------------------------------------------------------------------ */

static int find_input(const eg_plan *p, const char *name) {
	for (int i = 0; i < p->nvalues; i++)
		if (p->graph->values[i].name && !strcmp(p->graph->values[i].name, name)) return i;
	return -1;
}

void *eg_plan_input(eg_plan *p, const char *name) {
	int i = find_input(p, name);
	return i < 0 ? NULL : buf_address(p, p->values[i].buf[EG_PLAIN]);
}

const eg_real *eg_plan_output(const eg_plan *p, const char *name) {
	int i = eg_plan_find_output(p, name);
	return i < 0 ? NULL : output_address(p, i);
}

eg_real *eg_plan_grad(eg_plan *p, const char *name) {
	int i = eg_plan_find_output(p, name);
	if (i >= 0) return buf_address(p, p->values[i].seed);
	i = find_input(p, name);
	return i < 0 ? NULL : eg_plan_tensor_grad(p, (eg_tensor){i + 1});
}

void *eg_plan_tensor(eg_plan *p, eg_tensor t) {
	if (t.id < 1 || t.id > p->nvalues || p->graph->values[t.id - 1].data) return NULL;
	if (!p->values[t.id - 1].output && eg_plan_source(p, t.id - 1) >= 0) return NULL;
	return buf_address(p, p->values[t.id - 1].buf[EG_PLAIN]);
}

eg_real *eg_plan_tensor_grad(eg_plan *p, eg_tensor t) {
	if (t.id < 1 || t.id > p->nvalues) return NULL;
	const eg_pvalue *v = &p->values[t.id - 1];
	const bool computed = eg_plan_source(p, t.id - 1) >= 0;
	return buf_address(p, v->kept >= 0 ? v->kept : computed ? v->seed : v->grad[EG_PLAIN]);
}

int eg_plan_batch(const eg_plan *p) { return p->N; }
int eg_plan_time(const eg_plan *p) { return p->T; }
void eg_plan_forget(eg_plan *p, int sample) {
	for (int i = 0; i < p->nbufs; i++) {
		const eg_pbuf *b = &p->bufs[i];
		if (b->kind != BUF_CARRY) continue;
		real *state = buf_address(p, i);
		for (int64_t k = sample * b->width; k < b->count && sample < b->rows; k += b->rows * b->width)
			memset(state + k, 0, (size_t)b->width * sizeof *state);
	}
}

void eg_plan_state_rows(eg_plan *to, eg_plan *from, const eg_real *state, const int *rows) {
	int k = -1;
	for (int i = 0; i < to->nbufs; i++) {
		const eg_pbuf *b = &to->bufs[i];
		if (b->kind != BUF_CARRY) continue;
		while (from->bufs[++k].kind != BUF_CARRY) {}
		const real *x = state + ((const real *)buf_address(from, k) - (const real *)(const void *)(from->memory + from->carry_offset));
		real *y = buf_address(to, i);
		const int64_t block = from->bufs[k].rows * b->width;
		for (int64_t at = 0; at < b->count; at += b->width)
			memcpy(y + at, x + at / (b->rows * b->width) * block + rows[at / b->width % b->rows] * b->width, (size_t)b->width * sizeof *y);
	}
}
eg_real *eg_plan_state(eg_plan *p, size_t *n) {
	*n = p->carry_bytes / sizeof(real);
	return p->carry_bytes ? (real *)(void *)(p->memory + p->carry_offset) : NULL;
}
void eg_plan_memory(const eg_plan *p, eg_memory *m) { *m = p->cost.memory; }
void eg_plan_cost(const eg_plan *p, eg_cost *cost) { *cost = p->cost; }

/* ---- description ------------------------------------------------------------------------------------------------- */

typedef struct text {
	char *s;
	size_t used, size;
} text;

static void put(text *t, const char *fmt, ...) EG_PRINTF(2, 3);
static void put(text *t, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(t->s ? t->s + t->used : NULL, t->s ? t->size - t->used : 0, fmt, args);
	va_end(args);
	if (n > 0) t->used += (size_t)n;
}

static void describe(const eg_plan *p, text *t) {
	for (int i = 0; i < p->nsteps; i++) {
		const eg_step *s = &p->steps[i];
		put(t, "step %d: %s, %d unit%s, %d thread%s\n", i, s->pack ? "pack weights" : !s->block ? "global" : p->calls[p->order[s->first]].block ? "block by block" : "chunk by chunk", s->units,
			s->units == 1 ? "" : "s", s->threads, s->threads == 1 ? "" : "s");
		for (int k = 0; k < s->count; k++) {
			const eg_call *c = &p->calls[p->order[s->first + k]];
			put(t, "  %-24s %-12s %-8s ", c->kernel, p->graph->nodes[c->node].name, c->bwd ? "backward" : "forward");
			for (int r = 0; r < c->reads && c->algorithm; r++)
				if (c->buf[r] >= 0 && p->bufs[c->buf[r]].layout) put(t, "%s ", eg_layout_names[p->bufs[c->buf[r]].layout]);
			put(t, "->");
			for (int w = c->reads; w < c->reads + c->writes; w++) {
				if (c->buf[w] < 0) continue;
				const eg_pbuf *b = &p->bufs[c->buf[w]];
				put(t, " %zu B%s%s%s", eg_pbuf_bytes(b), b->layout ? " " : "", b->layout ? eg_layout_names[b->layout] : "",
					b->transient ? " per worker" : "");
			}
			put(t, "\n");
		}
	}
}

const char *eg_plan_describe(eg_plan *p) {
	if (p->text) return p->text;
	text t = {0};
	describe(p, &t);
	t.s = eg_alloc(p->ctx->allocator, t.used + 1);
	if (!t.s) return NULL;
	t.size = t.used + 1;
	t.used = 0;
	t.s[0] = '\0'; /* a plan may have nothing to do */
	describe(p, &t);
	p->text = t.s;
	return p->text;
}

int eg_plan_calls(const eg_plan *p) { return p->norder; }

/* The layout of the first of its results that is cut by samples, or else of the first. */
static const char *layout_of(const eg_plan *p, const eg_call *c) {
	const char *layout = "";
	for (int w = c->reads; w < c->reads + c->writes; w++) {
		if (c->buf[w] < 0) continue;
		const eg_pbuf *b = &p->bufs[c->buf[w]];
		if (b->block || b->layout) return eg_layout_names[b->layout];
		if (b->kind == BUF_PACKED) return "packed";
		if (b->kind != BUF_PARAM_GRAD) layout = "plain";
	}
	return layout;
}

void eg_plan_call(const eg_plan *p, int i, eg_call_info *info) {
	const eg_call *c = &p->calls[p->order[i]];
	const eg_step *s = p->steps;
	while (i >= s->first + s->count) s++;
	*info = (eg_call_info){.kernel = c->kernel, .algorithm = c->algorithm, .node = p->graph->nodes[c->node].name, .layout = layout_of(p, c), .backward = c->bwd,
		.pack = s->pack, .units = c->units, .threads = s->threads, .flops = c->flops};
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

/* Call number i of those that were chosen among several. */
static const eg_call *choice_at(const eg_plan *p, int i) {
	for (int k = 0; k < p->ncalls; k++)
		if (p->calls[k].algorithm && !p->calls[k].aside && i-- == 0) return &p->calls[k];
	return NULL;
}

int eg_plan_choices(const eg_plan *p) {
	int n = 0;
	for (int k = 0; k < p->ncalls; k++) n += p->calls[k].algorithm && !p->calls[k].aside;
	return n;
}

/* Forward reads x and writes y; the gradient of x is computed the other way; that of the weights reads both. */
void eg_plan_choice(const eg_plan *p, int i, eg_choice *out) {
	const eg_call *c = choice_at(p, i);
	bool weights = !strcmp(c->pass, "weights"), data = !strcmp(c->pass, "data");
	eg_layout first = p->bufs[c->buf[0]].layout, second = p->bufs[c->buf[weights ? 1 : c->reads]].layout;
	*out = (eg_choice){.node = p->graph->nodes[c->node].name, .problem = c->problem, .pass = c->pass, .algorithm = c->algorithm,
		.x = eg_layout_names[data ? second : first], .y = eg_layout_names[data ? first : second]};
}

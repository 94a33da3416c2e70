/* emit.c - what the planner offers to ops: buffers in the layout they ask for, the gradients' bookkeeping, calls; and
 * the two walks over the graph, forward and backward, in which every op emits its calls.
 *
 * Layout rule: a value has one canonical layout, the one its producer declared; its gradient is collected in the same.
 * Who asks for another gets a reordered copy, made once. Between LANES and BLOCKED the way leads through PLAIN. */
#include "core/plan.h"

#include <math.h>
#include <string.h>

const char *const eg_layout_names[EG_LAYOUTS] = {"plain", "lanes", "blocked"};

static const eg_node *node_of(const eg_emit *e) { return &e->plan->graph->nodes[e->node]; }
static const eg_graph_value *value_at(const eg_emit *e, int value) { return &e->plan->graph->values[value]; }
bool eg_plan_value_batched(const eg_plan *p, int value) {
	const eg_dims *d = &p->values[value].dims;
	return d->rank > 0 && eg_dim_is_batch(d->d[0]);
}
int eg_plan_value_samples(const eg_plan *p, int value) { return (int)eg_plan_number(p, p->values[value].dims.d[0]); }
static bool batched(const eg_emit *e, int value) { return eg_plan_value_batched(e->plan, value); }
static eg_dims concrete(const eg_plan *p, int value) {
	eg_dims d = p->values[value].dims;
	for (int i = 0; i < d.rank; i++) d.d[i] = eg_plan_number(p, d.d[i]);
	return d;
}
eg_dims eg_plan_dims(const eg_plan *plan, eg_tensor t) {
	return t.id >= 1 && t.id <= plan->nvalues ? concrete(plan, t.id - 1) : (eg_dims){0};
}
int eg_emit_samples(const eg_emit *e) {
	const eg_node *n = node_of(e);
	if (batched(e, n->out[0])) return eg_plan_value_samples(e->plan, n->out[0]);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] >= 0 && batched(e, n->in[i])) return eg_plan_value_samples(e->plan, n->in[i]);
	return e->plan->N;
}

/* ---- plain questions --------------------------------------------------------------------------------------------- */

const void *eg_emit_options(const eg_emit *e) { return node_of(e)->options; }
int eg_emit_code(const eg_emit *e) { return node_of(e)->op->code; }
const eg_kernels *eg_emit_kernels(const eg_emit *e) { return &e->plan->ctx->kern; }
/* A layer all of whose weights are frozen computes as in inference. */
bool eg_emit_training(const eg_emit *e) {
	const eg_node *n = node_of(e);
	int weights = 0, frozen = 0;
	e->plan->asks_mode = true;
	for (int i = 0; i < n->nparams; i++) {
		if (e->plan->graph->params[n->param[i]].spec.state) continue;
		weights++;
		frozen += eg_plan_frozen(e->plan, n->param[i]);
	}
	return EG_HAS_BACKWARD && e->plan->options.train && (weights == 0 || frozen < weights);
}
bool eg_emit_has_bwd(const eg_emit *e) { return EG_HAS_BACKWARD && e->plan->nodes[e->node].has_bwd; }
bool eg_emit_needs_dw(const eg_emit *e, int i) { return i < node_of(e)->nparams && eg_plan_wants(e->plan, node_of(e)->param[i]); }
bool eg_emit_frozen(const eg_emit *e, int i) { return eg_plan_frozen(e->plan, node_of(e)->param[i]); }
void eg_emit_lone(eg_emit *e) {
	if (!e->plan->cost.lone) e->plan->cost.lone = node_of(e)->name;
}
int eg_emit_checkpoint(const eg_emit *e, int steps) {
	const int wanted = eg_emit_has_bwd(e) ? e->plan->options.checkpoint_time : 0;
	const int segment = wanted < 0 ? (int)ceil(sqrt(steps)) : wanted;
	return segment < steps ? segment : 0;
}
int eg_emit_node(const eg_emit *e) { return e->node; }
int eg_emit_nin(const eg_emit *e) { return node_of(e)->nin; }
bool eg_emit_has_param(const eg_emit *e, int i) {
	/* folding brings a bias */
	return i < node_of(e)->nparams || (i == 1 && e->plan->nodes[e->node].post[EG_POST_AFFINE] >= 0);
}
eg_act eg_emit_act(const eg_emit *e) { return eg_plan_act(e->plan, e->node); }
eg_act eg_emit_own_act(const eg_emit *e) { return node_of(e)->op->act(node_of(e)->options); }
bool eg_emit_relu_bwd(const eg_emit *e) { return eg_plan_does(e->plan, e->node, EG_POST_RELU_BWD); }
bool eg_emit_pool(eg_emit *e) {
	eg_plan *p = e->plan;
	int pool = p->nodes[e->node].post[EG_POST_POOL];
	if (pool < 0 || eg_act_from_x(eg_emit_act(e).kind)) return false; /* the largest x must have the largest y */
	const eg_node *n = &p->graph->nodes[pool];
	p->values[n->in[0]].redirect = n->out[0];
	p->nodes[pool].fused_into_producer = true;
	return true;
}
bool eg_emit_pooled(const eg_emit *e) { return eg_plan_does(e->plan, e->node, EG_POST_POOL); }
/* Of an input that is there; an op asks eg_emit_x(...).p about optional ones. */
eg_dims eg_emit_in_dims(const eg_emit *e, int i) {
	assert(i < node_of(e)->nin && node_of(e)->in[i] >= 0);
	return concrete(e->plan, node_of(e)->in[i]);
}
bool eg_emit_in_constant(const eg_emit *e, int i) { return value_at(e, node_of(e)->in[i])->data != NULL; }
eg_dtype eg_emit_in_type(const eg_emit *e, int i) { return value_at(e, node_of(e)->in[i])->type; }
eg_dims eg_emit_in_declared(const eg_emit *e, int i) { return value_at(e, node_of(e)->in[i])->dims; }
eg_dims eg_emit_out_dims(const eg_emit *e, int i) { return concrete(e->plan, node_of(e)->out[i]); }
bool eg_emit_has_in(const eg_emit *e, int i) { return i < node_of(e)->nin && node_of(e)->in[i] >= 0; }
bool eg_emit_out_needed(const eg_emit *e, int i) {
	const eg_pvalue *v = eg_pvalue_of(e->plan, node_of(e)->out[i]);
	return v->output || v->consumers > 0;
}
bool eg_emit_has_dy(const eg_emit *e, int i) { return eg_pvalue_of(e->plan, node_of(e)->out[i])->written; }
bool eg_emit_in_batched(const eg_emit *e, int i) { return batched(e, node_of(e)->in[i]); }
bool eg_emit_out_batched(const eg_emit *e, int i) { return batched(e, node_of(e)->out[i]); }
eg_layout eg_emit_in_layout(const eg_emit *e, int i) { return eg_pvalue_of(e->plan, node_of(e)->in[i])->layout; }
eg_layout eg_emit_out_layout(const eg_emit *e) { return eg_pvalue_of(e->plan, node_of(e)->out[0])->layout; }
int eg_emit_blocks(const eg_emit *e) { return eg_blocks(eg_emit_samples(e)); }
int eg_emit_shards(const eg_emit *e) { return eg_shards(eg_emit_blocks(e)); }

eg_layout eg_emit_layout(const eg_emit *e) {
	if (!node_of(e)->op->cost) e->plan->undeclared = "cost"; /* nobody has looked for the best one */
	return eg_pvalue_of(e->plan, node_of(e)->out[0])->wanted;
}
eg_algorithm eg_emit_algorithm(const eg_emit *e) { return e->plan->options.algorithm; }
bool eg_emit_exact(const eg_emit *e) { return e->plan->options.exact || e->plan->graph->exact; }

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static int add_buf(eg_plan *p, eg_pbuf b) {
	if (p->out_of_memory || !eg_grow(p->ctx->allocator, &p->bufs, &p->cap_bufs, p->nbufs, sizeof *p->bufs)) {
		p->out_of_memory = true;
		return -1;
	}
	p->bufs[p->nbufs] = b;
	return p->nbufs++;
}

static eg_buf handle(int id) { return (eg_buf){id < 0 ? NULL : eg_handle(id), 0}; }

/* LANES needs a batch, BLOCKED a picture. */
bool eg_plan_value_may(const eg_plan *p, int value, eg_layout layout) {
	const eg_dims *d = &p->values[value].dims;
	if (layout == EG_PLAIN) return true;
	if (p->graph->values[value].type != EG_F32) return false;
	if (layout == EG_LANES) return eg_plan_value_batched(p, value);
	return d->rank == 4 && d->d[1] > 0 && d->d[2] > 0 && d->d[3] > 0;
}

/* BLOCKED tensors are walked as a whole: their jobs are global, as those of the convolutions between them, and share
 * out well at batch 1 too. */
static bool in_blocks(const eg_emit *e, int value, eg_layout layout) { return layout != EG_BLOCKED && batched(e, value); }

int64_t eg_plan_value_elems(const eg_plan *p, int value, eg_layout layout) {
	while (p->values[value].redirect >= 0) value = p->values[value].redirect;
	eg_dims d = concrete(p, value);
	if (layout == EG_BLOCKED) d.d[1] = (int64_t)eg_blocks((int)d.d[1]) * EG_BLOCK;
	return eg_dims_count(&d, eg_plan_value_batched(p, value) ? 1 : 0);
}

/* The same of the whole value, but that a last block in LANES may be full. */
static int64_t all_elems(const eg_emit *e, int value, eg_layout layout) {
	return eg_plan_value_elems(e->plan, value, layout) * (batched(e, value) ? eg_plan_value_samples(e->plan, value) : 1);
}

/* A buffer as large as this value in this layout. */
static int value_buf(eg_emit *e, int value, eg_layout layout, eg_buf_kind kind) {
	bool b = in_blocks(e, value, layout);
	int64_t f = eg_plan_value_elems(e->plan, value, layout);
	assert(eg_plan_value_may(e->plan, value, layout));
	return add_buf(e->plan, (eg_pbuf){.kind = kind, .block = b, .layout = layout, .real = value_at(e, value)->type == EG_F32,
		.elem = eg_dtype_size(value_at(e, value)->type), .count = b ? f * EG_BLOCK : all_elems(e, value, layout),
		.samples = b ? eg_plan_value_samples(e->plan, value) : 0, .samples_elems = b && layout == EG_PLAIN ? f : 0});
}

/* A PLAIN buffer that came from a value that was not batched holds one that is: from now on block calls may have it.
 * Other calls do not mind. */
static void cut_by_samples(eg_emit *e, int id, int value) {
	eg_pbuf *b = &e->plan->bufs[id];
	if (b->block || b->layout != EG_PLAIN || !batched(e, value)) return;
	b->block = true;
	b->samples = eg_plan_value_samples(e->plan, value);
	b->samples_elems = eg_plan_value_elems(e->plan, value, EG_PLAIN);
	b->count = b->samples_elems * EG_BLOCK;
}

static eg_walk walk(const eg_emit *e, int value, eg_layout layout) {
	int64_t unit = eg_plan_value_elems(e->plan, value, layout) * EG_BLOCK, all = all_elems(e, value, layout);
	if (!in_blocks(e, value, layout)) return (eg_walk){EG_CHUNK, all, (int)((all + EG_CHUNK - 1) / EG_CHUNK), false};
	int blocks = eg_blocks(eg_plan_value_samples(e->plan, value));
	return (eg_walk){unit, layout == EG_LANES ? unit * blocks : all, blocks, true};
}
eg_walk eg_emit_walk_in(const eg_emit *e, int i, eg_layout layout) { return walk(e, node_of(e)->in[i], layout); }
eg_walk eg_emit_walk_out(const eg_emit *e, int i, eg_layout layout) { return walk(e, node_of(e)->out[i], layout); }

static void reorder_lanes(eg_emit *e, int value, int from, int to, bool to_lanes, bool acc) {
	int64_t f = eg_plan_value_elems(e->plan, value, EG_PLAIN);
	int samples = eg_plan_value_samples(e->plan, value);
	eg_reorder_args a = {.x = handle(from), .y = handle(to), .N = samples, .F = (int)f, .to_lanes = to_lanes, .acc = acc};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, reorder), .args = &a, .size = sizeof a, .reads = 1, .writes = 1,
		.block = true, .units = eg_blocks(samples), .flops = (double)(f * samples)});
}

static void reorder_blocked(eg_emit *e, int value, int from, int to, bool to_blocked, bool acc) {
	eg_dims d = concrete(e->plan, value);
	eg_reorder_blocked_args a = {.x = handle(from), .y = handle(to), .N = (int)d.d[0], .C = (int)d.d[1], .plane = (int)(d.d[2] * d.d[3]),
		.to_blocked = to_blocked, .acc = acc};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, reorder_blocked), .args = &a, .size = sizeof a,
		.reads = 1, .writes = 1, .units = a.N * eg_blocks(a.C), .flops = (double)eg_dims_count(&d, 0)});
}

static void emit_reorder(eg_emit *e, int value, int from, eg_layout from_layout, int to, eg_layout to_layout, bool acc) {
	if (from < 0 || to < 0) return;
	assert(from_layout != to_layout);
	if (from_layout != EG_PLAIN && to_layout != EG_PLAIN) {
		int plain = value_buf(e, value, EG_PLAIN, BUF_TEMP);
		emit_reorder(e, value, from, from_layout, plain, EG_PLAIN, false);
		emit_reorder(e, value, plain, EG_PLAIN, to, to_layout, acc);
	} else if (from_layout == EG_LANES || to_layout == EG_LANES) {
		reorder_lanes(e, value, from, to, to_layout == EG_LANES, acc);
	} else {
		reorder_blocked(e, value, from, to, to_layout == EG_BLOCKED, acc);
	}
}

static void emit_copy(eg_emit *e, int value, int from, int to, eg_layout layout, bool acc) {
	if (from < 0 || to < 0) return;
	eg_walk w = walk(e, value, layout);
	eg_map_args a = {.x = {eg_handle(from), w.unit}, .y = {eg_handle(to), w.unit}, .unit = w.unit, .total = w.total, .acc = acc};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, copy), .args = &a, .size = sizeof a, .reads = 1, .writes = 1,
		.block = w.block, .chunks = true, .units = w.units, .flops = (double)w.total});
}

/* Is this PLAIN buffer cut into blocks of other samples than the value's? Then the two cannot be the same. */
static bool cut_otherwise(const eg_emit *e, int id, int value) {
	const eg_pbuf *b = &e->plan->bufs[id];
	return b->block && b->layout == EG_PLAIN && batched(e, value) && b->samples != eg_plan_value_samples(e->plan, value);
}

/* A copy between two such buffers, as one run of numbers. */
static void emit_flat_copy(eg_emit *e, int value, int from, int to, bool acc) {
	if (from < 0 || to < 0) return;
	const int64_t all = all_elems(e, value, EG_PLAIN);
	eg_strided_args a = {.x = handle(from), .y = handle(to), .rank = 1, .pieces = (int)((all + EG_CHUNK - 1) / EG_CHUNK), .size = {(int)all},
		.step = {1}, .count = {(int)all}, .stride = {1}, .rows = 1, .total = 1, .acc = acc, .integers = value_at(e, value)->type != EG_F32};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, strided), .args = &a, .size = sizeof a, .reads = 1, .writes = 1,
		.units = a.pieces, .flops = (double)all});
}

/* Sets a value's buffer; what the user will read stays for good. */
static void set_value_buf(eg_emit *e, eg_pvalue *v, eg_layout layout, int id) {
	v->buf[layout] = id;
	if (id >= 0 && v->output && layout == EG_PLAIN && e->plan->bufs[id].kind == BUF_TEMP) e->plan->bufs[id].kind = BUF_IO;
}

/* The value's buffer in that layout: a reordered copy is made when it has none. A PLAIN one on the way is kept, for
 * others. */
static eg_buf value_in(eg_emit *e, int value, eg_layout layout) {
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	if (v->buf[layout] < 0) {
		eg_layout from = v->layout;
		if (from != EG_PLAIN && layout != EG_PLAIN) {
			value_in(e, value, EG_PLAIN);
			from = EG_PLAIN;
		}
		set_value_buf(e, v, layout, value_buf(e, value, layout, BUF_TEMP));
		emit_reorder(e, value, v->buf[from], from, v->buf[layout], layout, false);
	}
	return handle(v->buf[layout]);
}

eg_buf eg_emit_value(eg_emit *e, int value) { return value_in(e, value, EG_PLAIN); }

/* A value that bwd reads without saying so may be overwritten by then. Numbers need not show it, so the plan
 * remembers. */
static void note_read(eg_emit *e, bool declared, bool *read, const char *mark) {
	if (!e->bwd) return;
	*read = true;
	if (!declared) e->plan->undeclared = mark;
}

/* Nor do they show that an op works in another layout than layout.c was told: there is a reorder more, or its
 * neighbours have the wrong one. */
static void note_layout(const eg_emit *e) {
	const eg_op *op = node_of(e)->op;
	const bool follows = op->follows && op->follows(e);
	const eg_layout told = op->cost ? eg_emit_layout(e) : follows ? eg_emit_in_layout(e, 0) : EG_PLAIN;
	if (eg_emit_out_layout(e) != told) e->plan->undeclared = op->cost ? "cost" : "follows";
}

eg_buf eg_emit_x(eg_emit *e, int i, eg_layout layout) {
	if (!eg_emit_has_in(e, i)) return (eg_buf){0};
	note_read(e, node_of(e)->op->bwd_reads_x, &e->plan->nodes[e->node].read_x, "bwd_reads_x");
	return value_in(e, node_of(e)->in[i], layout);
}

eg_buf eg_emit_y(eg_emit *e, int i, eg_layout layout) {
	int value = node_of(e)->out[i];
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	note_read(e, node_of(e)->op->bwd_reads_y, &e->plan->nodes[e->node].read_y, "bwd_reads_y");
	if (e->bwd) return value_in(e, value, layout);
	v->layout = layout;
	set_value_buf(e, v, layout, value_buf(e, value, layout, BUF_TEMP));
	return handle(v->buf[layout]);
}

/* May the node overwrite its input i? Only when nobody else reads it, now or in the backward pass. */
static bool may_overwrite(const eg_emit *e, int i) {
	const eg_plan *p = e->plan;
	int value = node_of(e)->in[i];
	const eg_pvalue *v = eg_pvalue_of(e->plan, value);
	const eg_pbuf *b = v->buf[v->layout] < 0 ? NULL : &p->bufs[v->buf[v->layout]];
	if (!b || b->kind != BUF_TEMP || b->shared || v->output || v->consumers != 1) return false;
	if (v->fixed) return false; /* it is made once, and read in every run */
	if (!eg_plan_backward(p)) return true;
	if (v != &p->values[value] || node_of(e)->op->bwd_reads_x) return false; /* a fused activation reads its
	                                                                          * result */
	int producer = eg_plan_source(p, value), by = eg_plan_computes(p, value);
	if (producer < 0) return true;
	if (p->graph->nodes[producer].op->bwd_reads_y || p->graph->nodes[by].op->bwd_reads_y) return false;
	return by == producer || p->nodes[by].post[EG_POST_ACT] < 0; /* pooled where it was computed, behind an
	                                                              * activation: its gradient reads what was
	                                                              * pooled */
}

eg_buf eg_emit_y_over_x(eg_emit *e, int i) {
	eg_pvalue *x = eg_pvalue_of(e->plan, node_of(e)->in[i]), *y = eg_pvalue_of(e->plan, node_of(e)->out[0]);
	if (!may_overwrite(e, i)) return eg_emit_y(e, 0, x->layout);
	y->layout = x->layout;
	set_value_buf(e, y, x->layout, x->buf[x->layout]);
	return handle(y->buf[y->layout]);
}

/* Has every reader of this value but the node `sum` had its turn before the node that is being emitted? */
static bool read_before(const eg_emit *e, int value, int sum) {
	const eg_graph *g = e->plan->graph;
	for (int n = e->node; n < g->nnodes; n++)
		for (int i = 0; i < g->nodes[n].nin && n != sum && e->plan->nodes[n].needed; i++)
			if (g->nodes[n].in[i] == value) return false;
	return true;
}

eg_buf eg_emit_y_over_addend(eg_emit *e, eg_layout layout) {
	eg_plan *p = e->plan;
	const int sum = p->nodes[e->node].post[EG_POST_SUM];
	if (sum < 0) return (eg_buf){0};
	const eg_node *n = &p->graph->nodes[sum];
	const int own = n->in[p->nodes[sum].through], other = n->in[1 - p->nodes[sum].through];
	const eg_pvalue *v = eg_pvalue_of(p, other);
	eg_pvalue *y = eg_pvalue_of(p, n->out[0]);
	const int id = v->layout == layout ? v->buf[layout] : -1;
	if (id < 0 || p->bufs[id].kind != BUF_TEMP || p->bufs[id].shared || v->output || y->output) return (eg_buf){0};
	if (v != &p->values[other] || !read_before(e, other, sum)) return (eg_buf){0};
	p->values[own].redirect = n->out[0];
	p->nodes[sum].fused_into_producer = true;
	p->nodes[e->node].post[EG_POST_ACT] = p->nodes[sum].post[EG_POST_ACT];
	y->layout = layout;
	set_value_buf(e, y, layout, id);
	return handle(id);
}

void eg_emit_same(eg_emit *e, int i, eg_layout layout) {
	eg_pvalue *y = eg_pvalue_of(e->plan, node_of(e)->out[0]);
	int id = eg_handle_id(eg_emit_x(e, i, layout).p);
	if (id < 0) return;
	y->layout = layout;
	if (cut_otherwise(e, id, node_of(e)->out[0])) {
		emit_flat_copy(e, node_of(e)->out[0], id, eg_handle_id(eg_emit_y(e, 0, layout).p), false);
		return;
	}
	e->plan->bufs[id].shared = true;
	cut_by_samples(e, id, node_of(e)->out[0]);
	set_value_buf(e, y, layout, id);
}

/* Weight (0) or bias (1) with the scale and shift of another node folded in. */
static eg_buf folded(eg_emit *e, int i) {
	eg_plan *p = e->plan;
	eg_pnode *n = &p->nodes[e->node];
	if (n->folded[0] >= 0 || p->out_of_memory) return handle(n->folded[i]);
	eg_emit other = {.plan = p, .node = n->post[EG_POST_AFFINE]};
	const eg_dims *d = &p->graph->params[node_of(e)->param[0]].spec.dims;
	eg_bn_fold_args a = {.coef = node_of(&other)->op->affine(&other), .C = (int)d->d[0], .n = eg_dims_count(d, 1)};
	n->post[EG_POST_AFFINE] = -1; /* now as they are */
	a.w = eg_emit_w(e, 0);
	a.b = eg_emit_w(e, 1);
	n->post[EG_POST_AFFINE] = other.node;
	a.w_out = eg_emit_temp(e, EG_ELEM_REAL, a.C * a.n, false);
	a.b_out = eg_emit_temp(e, EG_ELEM_REAL, a.C, false);
	n->folded[0] = eg_handle_id(a.w_out.p);
	n->folded[1] = eg_handle_id(a.b_out.p);
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, batchnorm_fold), .args = &a, .size = sizeof a, .reads = 3, .writes = 2,
		.units = 1, .flops = (double)(a.C * a.n)});
	return handle(n->folded[i]);
}

eg_buf eg_emit_w(eg_emit *e, int i) {
	if (i < 2 && e->plan->nodes[e->node].post[EG_POST_AFFINE] >= 0) return folded(e, i);
	int param = node_of(e)->param[i];
	int *id = &e->plan->param_buf[param];
	if (!eg_emit_has_param(e, i)) return (eg_buf){0};
	if (*id < 0)
		*id = add_buf(e->plan, (eg_pbuf){.kind = BUF_PARAM, .real = true, .elem = sizeof(real), .param = param,
			.count = eg_dims_count(&e->plan->graph->params[param].spec.dims, 0)});
	return handle(*id);
}

eg_buf eg_emit_dw(eg_emit *e, int i, bool *acc) {
	int param = node_of(e)->param[i];
	if (!eg_emit_has_param(e, i)) return (eg_buf){0};
	int *id = &e->plan->grad_buf[param];
	if (*id < 0) /* one that nobody wants may be a by-product; calls that compute it alone are left out (prune.c) */
		*id = add_buf(e->plan, (eg_pbuf){.kind = eg_plan_wants(e->plan, param) ? BUF_PARAM_GRAD : BUF_TEMP, .real = true, .elem = sizeof(real), .param = param,
			.count = eg_dims_count(&e->plan->graph->params[param].spec.dims, 0)});
	if (!node_of(e)->op->by_rows && eg_table_of(e->plan->params, param)) e->plan->params->whole = true;
	*acc = e->plan->grad_written[param];
	e->plan->grad_written[param] = true;
	return handle(*id);
}

bool eg_emit_rows(eg_emit *e, int64_t n) {
	eg_plan *p = e->plan;
	const eg_table *t = eg_emit_needs_dw(e, 0) ? eg_table_of(p->params, node_of(e)->param[0]) : NULL;
	const int id = t ? eg_handle_id(eg_emit_x(e, 0, EG_PLAIN).p) : -1;
	if (id < 0 || !eg_grow(p->ctx->allocator, &p->uses, &p->cap_uses, p->nuses, sizeof *p->uses)) {
		p->out_of_memory |= t != NULL;
		return false;
	}
	if (p->bufs[id].kind == BUF_TEMP) p->bufs[id].kind = BUF_IO; /* it is looked at when the run is over */
	p->uses[p->nuses++] = (eg_rows_use){.table = (int)(t - p->params->tables), .buf = id, .n = n};
	return true;
}

eg_buf eg_emit_dy(eg_emit *e, int i, eg_layout layout) {
	int value = node_of(e)->out[i];
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	if (!v->written) return (eg_buf){0};
	if (v->grad[layout] < 0) {
		v->grad[layout] = value_buf(e, value, layout, BUF_TEMP);
		emit_reorder(e, value, v->grad[v->layout], v->layout, v->grad[layout], layout, false);
	}
	return handle(v->grad[layout]);
}

bool eg_emit_needs_dx(const eg_emit *e, int i) {
	int value = i < node_of(e)->nin ? node_of(e)->in[i] : -1;
	return value >= 0 && eg_pvalue_of(e->plan, value)->needs_grad;
}

/* The gradient of a value in its canonical layout, made when first asked for. */
static int canonical_grad(eg_emit *e, int value) {
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	bool io = eg_plan_source(e->plan, value) < 0 && v->layout == EG_PLAIN; /* a graph input: the user asked for
	                                                                        * it */
	if (v->grad[v->layout] < 0) v->grad[v->layout] = value_buf(e, value, v->layout, io ? BUF_IO : BUF_TEMP);
	return v->grad[v->layout];
}

/* Gradients may share a buffer (eg_emit_dx_same). Does one other than `value` still need what lies there: is it the
 * user's, or that of a node whose backward pass has not been emitted? */
static bool others_need(const eg_emit *e, int id, int value) {
	const eg_plan *p = e->plan;
	const eg_pvalue *own = eg_pvalue_of(e->plan, value);
	if (id < 0 || !p->bufs[id].lent) return false;
	for (int i = 0; i < p->graph->nvalues; i++) {
		const eg_pvalue *v = &p->values[i];
		if (v == own || v->redirect >= 0) continue;
		if (v->seed == id) return true;
		for (int l = 0; l < EG_LAYOUTS; l++)
			if (v->grad[l] == id && eg_plan_computes(p, i) <= e->node) return true;
	}
	return false;
}

/* The gradient of a value, to be added to: a buffer of its own by then. */
static int grad_to_change(eg_emit *e, int value) {
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	int id = canonical_grad(e, value);
	if (!v->written || !others_need(e, id, value)) return id;
	int own = value_buf(e, value, v->layout, BUF_TEMP);
	emit_copy(e, value, id, own, v->layout, false);
	return v->grad[v->layout] = own;
}

eg_buf eg_emit_dx(eg_emit *e, int i, eg_layout layout, bool *acc) {
	int value = node_of(e)->in[i];
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	if (layout == v->layout) {
		int id = grad_to_change(e, value);
		*acc = v->written;
		v->written = true;
		return handle(id);
	}
	eg_pending *p = &e->pending[i];
	*acc = p->there && p->layout == layout;
	if (*acc) return handle(p->buf);
	assert(!p->there);
	*p = (eg_pending){.there = true, .buf = value_buf(e, value, layout, BUF_TEMP), .layout = layout};
	return handle(p->buf);
}

void eg_emit_dx_same(eg_emit *e, int i, eg_layout layout) {
	int value = node_of(e)->in[i];
	eg_pvalue *v = eg_pvalue_of(e->plan, value);
	int dy = eg_handle_id(eg_emit_dy(e, 0, layout).p);
	if (dy < 0) return;
	cut_by_samples(e, dy, value);
	if (cut_otherwise(e, dy, value)) {
		int own = v->layout == layout ? grad_to_change(e, value) : value_buf(e, value, layout, BUF_TEMP);
		emit_flat_copy(e, value, dy, own, v->layout == layout && v->written);
		if (v->layout != layout) emit_reorder(e, value, own, layout, grad_to_change(e, value), v->layout, v->written);
	} else if (v->layout == layout && !v->written && eg_plan_source(e->plan, value) >= 0) {
		v->grad[layout] = dy;
		e->plan->bufs[dy].lent = true;
	} else if (v->layout == layout) {
		emit_copy(e, value, dy, grad_to_change(e, value), layout, v->written);
	} else {
		emit_reorder(e, value, dy, layout, grad_to_change(e, value), v->layout, v->written);
	}
	v->written = true;
}

eg_buf eg_emit_temp(eg_emit *e, eg_elem type, int64_t count, bool block) {
	size_t elem = type == EG_ELEM_REAL ? sizeof(real) : type == EG_ELEM_U16 ? 2 : type == EG_ELEM_I32 ? 4 : 1;
	return handle(add_buf(e->plan, (eg_pbuf){.kind = BUF_TEMP, .block = block, .samples = block ? eg_emit_samples(e) : 0, .real = false, .elem = elem,
		.count = count}));
}

eg_buf eg_emit_part(eg_emit *e, eg_buf b, int64_t first) {
	int id = eg_handle_id(b.p);
	if (id < 0 || first == 0) return b;
	const eg_pbuf *of = &e->plan->bufs[id];
	eg_pbuf part = {.kind = BUF_PART, .elem = of->elem, .whole = id, .begin = first};
	if (of->kind == BUF_PART) {
		part.whole = of->whole;
		part.begin += of->begin;
	}
	return (eg_buf){handle(add_buf(e->plan, part)).p, b.stride};
}

/* Makes the node's table of saved buffers long enough for that slot. */
static bool room_for_slot(eg_plan *p, eg_pnode *n, int slot) {
	enum { STEP = 16 };
	if (slot < n->nsaved) return true;
	const int room = (slot < 2 * n->nsaved ? 2 * n->nsaved : slot + 1) + STEP - 1;
	int *saved = eg_arena_alloc(&p->arena, (size_t)(room / STEP * STEP) * sizeof *saved);
	if (!saved) return p->out_of_memory = true, false;
	for (int i = 0; i < room / STEP * STEP; i++) saved[i] = i < n->nsaved ? n->saved[i] : -1;
	n->saved = saved;
	n->nsaved = room / STEP * STEP;
	return true;
}

eg_buf eg_emit_saved(eg_emit *e, int slot, eg_elem type, int64_t count, bool block) {
	eg_pnode *n = &e->plan->nodes[e->node];
	assert(slot >= 0);
	if (!room_for_slot(e->plan, n, slot)) return handle(-1);
	if (n->saved[slot] < 0) n->saved[slot] = eg_handle_id(eg_emit_temp(e, type, count, block).p);
	return handle(n->saved[slot]);
}

/* The same slot of the same node is the same buffer, forward and backward. */
eg_buf eg_emit_state(eg_emit *e, int slot, int64_t layers, int64_t rows, int64_t width) {
	if (!e->plan->options.carry) return (eg_buf){0};
	for (int i = 0; i < e->plan->nbufs; i++) {
		const eg_pbuf *b = &e->plan->bufs[i];
		if (b->kind == BUF_CARRY && b->param == e->node && b->slot == slot) return handle(i);
	}
	return handle(add_buf(e->plan, (eg_pbuf){.kind = BUF_CARRY, .real = true, .elem = sizeof(real), .count = layers * rows * width, .rows = rows,
		.width = width, .param = e->node, .slot = slot}));
}

eg_buf eg_emit_dropout_state(eg_emit *e) {
	if (e->plan->state_buf < 0) e->plan->state_buf = add_buf(e->plan, (eg_pbuf){.kind = BUF_STATE, .elem = sizeof(eg_dropout_state), .count = 1});
	return handle(e->plan->state_buf);
}

void eg_emit_call(eg_emit *e, const eg_call_spec *s) {
	eg_plan *p = e->plan;
	assert(s->run && s->units >= 1 && s->reads + s->writes <= EG_CALL_BUFS && s->writes >= 1);
	char *args = p->out_of_memory ? NULL : eg_arena_alloc(&p->arena, s->size);
	if (!args || !eg_grow(p->ctx->allocator, &p->calls, &p->cap_calls, p->ncalls, sizeof *p->calls)) {
		p->out_of_memory = true;
		return;
	}
	memcpy(args, s->args, s->size);
	const char *problem = s->problem ? eg_arena_strdup(&p->arena, s->problem) : NULL;
	if (s->problem && !problem) p->out_of_memory = true;
	eg_call c = {.problem = problem,
		.node = e->node, .bwd = e->bwd, .kernel = s->kernel, .algorithm = s->algorithm, .pass = s->pass,
		.aside = s->aside, .run = s->run, .args = args, .size = s->size, .scratch = s->scratch,
		.reads = s->reads, .writes = s->writes, .units = s->units, .block = s->block, .chunks = s->chunks && !s->block, .flops = s->flops, .joint = s->joint};
	memcpy(c.form, s->form, sizeof c.form);
	for (int i = 0; i < s->reads + s->writes; i++) {
		eg_buf b;
		memcpy(&b, args + (size_t)i * sizeof b, sizeof b);
		c.buf[i] = eg_handle_id(b.p);
		assert(c.buf[i] < 0 || !s->block || !p->bufs[c.buf[i]].block || eg_blocks(p->bufs[c.buf[i]].samples) == s->units);
		p->updates_state |= i >= s->reads && c.buf[i] >= 0 && p->bufs[c.buf[i]].kind == BUF_PARAM;
		if (c.buf[i] < 0 || p->bufs[c.buf[i]].kind != BUF_PART) continue;
		assert(!s->block);
		c.begin[i] = p->bufs[c.buf[i]].begin;
		c.buf[i] = p->bufs[c.buf[i]].whole;
	}
	p->calls[p->ncalls++] = c;
}

/* ---- the two walks ----------------------------------------------------------------------------------------------- */

static void emit_inputs(eg_plan *p) {
	eg_emit e = {.plan = p};
	for (int i = 0; i < p->graph->nvalues; i++) {
		eg_pvalue *v = &p->values[i];
		if (!v->needed || eg_plan_source(p, i) >= 0) continue;
		v->layout = EG_PLAIN;
		v->buf[EG_PLAIN] = value_buf(&e, i, EG_PLAIN, p->graph->values[i].data ? BUF_CONSTANT : BUF_IO);
		if (v->buf[EG_PLAIN] >= 0) p->bufs[v->buf[EG_PLAIN]].param = i;
		if (v->wanted == EG_PLAIN) continue;
		value_in(&e, i, v->wanted); /* so that ops which stay with their input's layout work in it */
		v->layout = v->wanted;
	}
}

/* The gradient of a computed value, which is complete, as the user reads it: what goes on may write over the other. */
static void keep_grad(eg_emit *e, int value) {
	eg_pvalue *v = &e->plan->values[value];
	v->kept = value_buf(e, value, EG_PLAIN, BUF_IO);
	if (!v->written) return;
	if (v->layout == EG_PLAIN)
		emit_copy(e, value, v->grad[EG_PLAIN], v->kept, EG_PLAIN, false);
	else
		emit_reorder(e, value, v->grad[v->layout], v->layout, v->kept, EG_PLAIN, false);
}

/* The user reads the gradients of inputs in PLAIN. */
static void emit_input_grads(eg_plan *p) {
	eg_emit e = {.plan = p, .bwd = true};
	for (int i = 0; i < p->graph->nvalues && !p->out_of_memory; i++) {
		eg_pvalue *v = &p->values[i];
		if (eg_plan_source(p, i) >= 0) continue;
		if (v->asked && !v->written) v->kept = value_buf(&e, i, EG_PLAIN, BUF_IO);
		if (v->layout == EG_PLAIN || v->grad[v->layout] < 0) continue;
		v->grad[EG_PLAIN] = value_buf(&e, i, EG_PLAIN, BUF_IO);
		emit_reorder(&e, i, v->grad[v->layout], v->layout, v->grad[EG_PLAIN], EG_PLAIN, false);
	}
}

static void emit_forward(eg_plan *p) {
	for (int n = 0; n < p->graph->nnodes && !p->out_of_memory; n++) {
		if (!p->nodes[n].needed || p->nodes[n].fused_into_producer) continue;
		eg_emit e = {.plan = p, .node = n};
		const eg_node *node = &p->graph->nodes[n];
		node->op->fwd(&e);
		if (!p->out_of_memory) note_layout(&e);
		for (int i = 0; i < node->nout && !p->out_of_memory; i++) {
			eg_pvalue *v = eg_pvalue_of(p, node->out[i]);
			if (v->output) value_in(&e, node->out[i], EG_PLAIN);
		}
	}
}

/* Gradients that the user gives: for the objective, or for outputs that nothing else is computed from. */
static void emit_seeds(eg_plan *p) {
	for (int i = 0; i < p->graph->nvalues && !p->out_of_memory; i++) {
		eg_pvalue *v = &p->values[i];
		if (!v->needs_grad || !eg_plan_seeds(p, i)) continue;
		eg_emit e = {.plan = p, .node = p->graph->values[i].node, .bwd = true};
		v->seed = value_buf(&e, i, EG_PLAIN, BUF_IO);
		v->grad[EG_PLAIN] = v->seed;
		if (v->seed >= 0) p->bufs[v->seed].lent = true;
		v->written = true;
		if (v->layout == EG_PLAIN) continue;
		v->grad[v->layout] = value_buf(&e, i, v->layout, BUF_TEMP);
		emit_reorder(&e, i, v->seed, EG_PLAIN, v->grad[v->layout], v->layout, false);
	}
}

/* Backward of an activation that its producer has applied: dy *= act'(y), in place unless others need dy too. */
static void emit_fused_act_bwd(eg_emit *e) {
	eg_plan *p = e->plan;
	int value = node_of(e)->out[0];
	eg_pvalue *v = eg_pvalue_of(p, value);
	int y = v->buf[v->layout], dy = v->grad[v->layout], dx = dy;
	if (y < 0 || dy < 0) return;
	if (p->bufs[dy].kind == BUF_IO || others_need(e, dy, value)) dx = value_buf(e, value, v->layout, BUF_TEMP);
	if (dx < 0) return;
	eg_walk w = walk(e, value, v->layout);
	eg_act_bwd_args a = {.from = {eg_handle(y), w.unit}, .dy = {eg_handle(dy), w.unit}, .dx = {eg_handle(dx), w.unit}, .unit = w.unit,
		.total = w.total, .act = eg_emit_own_act(e)};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, act_bwd), .args = &a, .size = sizeof a, .reads = 2, .writes = 1,
		.block = w.block, .units = w.units, .flops = (double)w.total});
	for (int l = 0; l < EG_LAYOUTS; l++) v->grad[l] = -1; /* copies from before would be stale */
	v->grad[v->layout] = dx;
}

static void emit_backward(eg_plan *p) {
	for (int n = p->graph->nnodes - 1; n >= 0 && !p->out_of_memory; n--) {
		const eg_node *node = &p->graph->nodes[n];
		eg_emit e = {.plan = p, .node = n, .bwd = true};
		bool wanted = false;
		for (int i = 0; i < node->nout; i++) {
			eg_pvalue *v = eg_pvalue_of(p, node->out[i]);
			if (p->values[node->out[i]].asked && !p->values[node->out[i]].given) keep_grad(&e, node->out[i]);
			wanted |= v->needs_grad && v->written;
		}
		if (!wanted || !p->nodes[n].has_bwd) continue;
		if (p->nodes[n].fused_into_producer) {
			/* Which does the backward of a pooling, and of relu if it can. */
			const int producer = eg_plan_computes(p, node->in[0]);
			if (node->op->act && p->nodes[producer].post[EG_POST_RELU_BWD] != n) emit_fused_act_bwd(&e);
			continue;
		}
		node->op->bwd(&e);
		for (int i = 0; i < node->nin && !p->out_of_memory; i++) {
			if (!e.pending[i].there) continue;
			eg_pvalue *v = eg_pvalue_of(p, node->in[i]);
			emit_reorder(&e, node->in[i], e.pending[i].buf, e.pending[i].layout, grad_to_change(&e, node->in[i]), v->layout, v->written);
			v->written = true;
		}
	}
}

void eg_plan_emit(eg_plan *p) {
	emit_inputs(p);
	if (!p->out_of_memory) emit_forward(p);
	if (eg_plan_backward(p) && !p->out_of_memory) {
		emit_seeds(p);
		emit_backward(p);
		emit_input_grads(p);
	}
}

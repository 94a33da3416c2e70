/* graph.c - building a graph: handles, names, defaults and ranges of attributes, shape inference, sticky errors.
 *
 * Not here: anything that needs a concrete batch size (plan.c), or that knows an operator by name. */
#include "core/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int64_t eg_dims_known(const eg_dims *d, int from) {
	int64_t n = 1;
	for (int i = from; i < d->rank; i++)
		if (d->d[i] > 0) n *= d->d[i];
	return n;
}

eg_graph *eg_graph_new(eg_context *ctx, eg_error *err) {
	eg_graph *g = eg_calloc(ctx->allocator, 1, sizeof *g);
	if (!g) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a graph");
		return NULL;
	}
	g->ctx = ctx;
	g->arena.allocator = ctx->allocator;
	return g;
}

void eg_graph_free(eg_graph *g) {
	if (!g) return;
	const eg_allocator *a = g->ctx->allocator;
	eg_release(a, g->values);
	eg_release(a, g->nodes);
	eg_release(a, g->params);
	eg_release(a, g->outputs);
	eg_release(a, g->open);
	eg_release(a, g->loops);
	eg_arena_free(&g->arena);
	eg_release(a, g);
}

void eg_graph_exact(eg_graph *g, bool exact) { g->exact = exact; }
eg_context *eg_graph_context(const eg_graph *g) { return g->ctx; }

eg_status eg_graph_status(const eg_graph *g, eg_error *err) {
	if (err) *err = g->error;
	return g->error.status;
}

/* What a builder returns that keeps the first error in the graph. */
#define FAIL(g, ...) (eg_fail(&(g)->error, __VA_ARGS__), (eg_tensor){0})

static eg_tensor no_memory(eg_graph *g) { return FAIL(g, EG_ERR_MEMORY, "out of memory while building a graph of %d nodes", g->nnodes); }

static bool valid(const eg_graph *g, eg_tensor t) { return t.id >= 1 && t.id <= g->nvalues; }

eg_dims eg_tensor_dims(const eg_graph *g, eg_tensor t) { return valid(g, t) ? g->values[t.id - 1].dims : (eg_dims){0}; }
eg_dtype eg_tensor_dtype(const eg_graph *g, eg_tensor t) { return valid(g, t) ? g->values[t.id - 1].type : EG_F32; }

eg_tensor eg_graph_input(const eg_graph *g, int i) {
	for (int v = 0; v < g->nvalues; v++)
		if (g->values[v].name && i-- == 0) return (eg_tensor){v + 1};
	return (eg_tensor){0};
}

const char *eg_tensor_name(const eg_graph *g, eg_tensor t) {
	if (!valid(g, t)) return NULL;
	const eg_graph_value *v = &g->values[t.id - 1];
	return v->node >= 0 ? g->nodes[v->node].name : v->name;
}

eg_tensor eg_graph_find(const eg_graph *g, const char *name) {
	for (int i = 0; i < g->noutputs; i++)
		if (!strcmp(g->outputs[i].name, name)) return (eg_tensor){g->outputs[i].value + 1};
	for (int i = 0; i < g->nvalues; i++)
		if (g->values[i].name && !strcmp(g->values[i].name, name)) return (eg_tensor){i + 1};
	for (int i = 0; i < g->nnodes; i++)
		if (!strcmp(g->nodes[i].name, name)) return (eg_tensor){g->nodes[i].out[0] + 1};
	return (eg_tensor){0};
}

static int add_value(eg_graph *g, eg_graph_value v) {
	if (!eg_grow(g->ctx->allocator, &g->values, &g->cap_values, g->nvalues, sizeof *g->values)) return -1;
	g->values[g->nvalues] = v;
	return g->nvalues++;
}

/* Dimensions are open (a batch and EG_T once each at most) or >= 1, and their product fits kernels' int. */
static bool dims_ok(const eg_graph *g, const eg_dims *d) {
	double count = 1;
	int batches = 0, times = 0;
	if (d->rank < 0 || d->rank > EG_MAX_DIMS) return false;
	for (int i = 0; i < d->rank; i++) {
		batches += eg_dim_is_batch(d->d[i]);
		times += d->d[i] == EG_T;
		if (eg_dim_is_batch(d->d[i]) || d->d[i] == EG_T || (d->d[i] <= EG_NAMED && d->d[i] > EG_NAMED - g->nopen)) continue;
		if (d->d[i] < 1 || d->d[i] > INT32_MAX) return false;
		count *= (double)d->d[i];
	}
	return count <= INT32_MAX && batches <= 1 && times <= 1;
}

/* What is wrong with dimensions that are not ok; for people, behind "its weight would have shape (16777216,256)". */
static const char *too_many(const eg_dims *d, char *buf, size_t size) {
	double count = 1;
	for (int i = 0; i < d->rank; i++)
		if (d->d[i] > 0) count *= (double)d->d[i];
	if (!(count > INT32_MAX)) return strcpy(buf, "");
	snprintf(buf, size, ": %.0f numbers, but at most %d are possible; make the layer, or what it gets, smaller", count,
		INT32_MAX);
	return buf;
}

static bool all_known(const eg_dims *d) {
	for (int i = 0; i < d->rank; i++)
		if (d->d[i] < 0) return false;
	return true;
}

eg_tensor eg_input(eg_graph *g, const char *name, eg_dtype type, eg_dims dims) {
	char text[128];
	if (g->error.status) return (eg_tensor){0};
	if (!name || !*name) return FAIL(g, EG_ERR_ARG, "a graph input needs a name");
	if (!eg_dtype_size(type)) return FAIL(g, EG_ERR_ARG, "input '%s': there is no type number %d", name, (int)type);
	if (eg_graph_find(g, name).id) return FAIL(g, EG_ERR_ARG, "input '%s': the name is already used", name);
	if (!dims_ok(g, &dims))
		return FAIL(g, EG_ERR_SHAPE, "input '%s': shape %s; sizes must be >= 1 (or EG_N, EG_T, each once, or from eg_open_dim), at most %d of them",
			name, eg_shape_text(g, dims, text, sizeof text), EG_MAX_DIMS);
	char *copy = eg_arena_strdup(&g->arena, name);
	int v = copy ? add_value(g, (eg_graph_value){.name = copy, .dims = dims, .type = type, .node = -1}) : -1;
	return v < 0 ? no_memory(g) : (eg_tensor){v + 1};
}

/* Behind it, as behind weights, is room that vectors may read. */
static void *aligned_copy(eg_arena *a, const void *data, size_t bytes) {
	char *p = eg_arena_alloc(a, bytes + 2 * EG_ALIGN);
	return p ? memcpy(p + (EG_ALIGN - (uintptr_t)p % EG_ALIGN) % EG_ALIGN, data, bytes) : NULL;
}

eg_tensor eg_constant(eg_graph *g, const void *data, eg_dtype type, eg_dims dims) {
	char text[128];
	if (g->error.status) return (eg_tensor){0};
	if (!dims_ok(g, &dims) || !all_known(&dims))
		return FAIL(g, EG_ERR_SHAPE, "a constant of shape %s; its sizes must be known and at least 1, at most %d of them",
			eg_shape_text(g, dims, text, sizeof text), EG_MAX_DIMS);
	if (!eg_dtype_size(type)) return FAIL(g, EG_ERR_ARG, "a constant: there is no type number %d", (int)type);
	if (!data) return FAIL(g, EG_ERR_ARG, "a constant of shape %s has no numbers", eg_shape_text(g, dims, text, sizeof text));
	void *copy = aligned_copy(&g->arena, data, (size_t)eg_dims_count(&dims, 0) * eg_dtype_size(type));
	int v = copy ? add_value(g, (eg_graph_value){.dims = dims, .type = type, .node = -1, .constant = true, .data = copy}) : -1;
	return v < 0 ? no_memory(g) : (eg_tensor){v + 1};
}

const void *eg_constant_data(const eg_graph *g, eg_tensor t) { return valid(g, t) ? g->values[t.id - 1].data : NULL; }

void eg_output(eg_graph *g, const char *name, eg_tensor t) {
	if (g->error.status) return;
	if (!name || !*name || !valid(g, t)) {
		FAIL(g, EG_ERR_ARG, "output '%s': %s", name ? name : "", valid(g, t) ? "it needs a name" : "not a tensor of this graph");
		return;
	}
	if (eg_loop_may_read(g, t.id - 1, &g->error)) {
		eg_fail_prefix(&g->error, "output '%s'", name);
		return;
	}
	for (int i = 0; i < g->noutputs; i++)
		if (!strcmp(g->outputs[i].name, name)) {
			FAIL(g, EG_ERR_ARG, "output '%s' is declared twice", name);
			return;
		}
	char *copy = eg_arena_strdup(&g->arena, name);
	if (!copy || !eg_grow(g->ctx->allocator, &g->outputs, &g->cap_outputs, g->noutputs, sizeof *g->outputs)) {
		no_memory(g);
		return;
	}
	g->outputs[g->noutputs++] = (eg_named){copy, t.id - 1};
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static int names_count(const char *const *names) {
	int n = 0;
	while (names[n]) n++;
	return n;
}

static eg_status check_int(eg_error *err, const eg_attr *a, int *v) {
	if (*v == 0) {
		if (isnan(a->def)) return eg_fail(err, EG_ERR_ARG, "attribute '%s' is needed (%s)", a->name, a->doc);
		*v = (int)a->def;
		return EG_OK;
	}
	if (*v == EG_ZERO) *v = 0;
	if (*v >= a->min && *v <= a->max) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "attribute '%s' is %d, allowed are %.0f to %.0f", a->name, *v, a->min, a->max);
}

static eg_status check_float(eg_error *err, const eg_attr *a, float *v) {
	if (*v == 0 && !signbit(*v) && !isnan(a->def)) {
		*v = (float)a->def;
		return EG_OK;
	}
	if (*v == 0) *v = 0; /* said as EG_ZERO_F */
	if (*v >= a->min && *v <= a->max) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "attribute '%s' is %g, allowed are %g to %g", a->name, (double)*v, a->min, a->max);
}

static eg_status wrong_length(eg_error *err, const eg_attr *a, int n) {
	if (a->count && n > 0) return eg_fail(err, EG_ERR_ARG, "attribute '%s' has %d numbers, at most %d are allowed", a->name, n, a->count);
	return eg_fail(err, EG_ERR_ARG, "attribute '%s' has %d numbers", a->name, n);
}

static eg_status check_ints(eg_error *err, const eg_attr *a, const eg_ints *list) {
	if (list->n < 0 || (a->count && list->n > a->count)) return wrong_length(err, a, list->n);
	for (int i = 0; i < list->n; i++)
		if (list->at[i] < a->min || list->at[i] > a->max)
			return eg_fail(err, EG_ERR_ARG, "number %d of attribute '%s' is %d, allowed are %.0f to %.0f", i + 1, a->name, list->at[i],
				a->min, a->max);
	return EG_OK;
}

static eg_status check_floats(eg_error *err, const eg_attr *a, const eg_floats *list) {
	if (list->n < 0 || (a->count && list->n > a->count)) return wrong_length(err, a, list->n);
	for (int i = 0; i < list->n; i++)
		if (!(list->at[i] >= a->min && list->at[i] <= a->max))
			return eg_fail(err, EG_ERR_ARG, "number %d of attribute '%s' is %g, allowed are %g to %g", i + 1, a->name,
				(double)list->at[i], a->min, a->max);
	return EG_OK;
}

/* What the caller's options point to, `bytes` of it, becomes the graph's own. `pointer` is the field; NULL stays
 * NULL. */
static eg_status keep(eg_error *err, eg_arena *arena, void *pointer, size_t bytes) {
	const void *from;
	memcpy(&from, pointer, sizeof from);
	if (!from || !arena) return EG_OK;
	char *copy = eg_arena_alloc(arena, bytes + 1);
	if (!copy) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	memcpy(copy, from, bytes);
	memcpy(pointer, &copy, sizeof copy);
	return EG_OK;
}

/* A list or a text: needed or not, within its range, and then copied into the arena, unless that is NULL. */
static eg_status check_list(eg_error *err, const eg_attr *a, void *field, eg_arena *arena) {
	const void *at;
	memcpy(&at, field, sizeof at); /* each begins with its pointer */
	if (!at && isnan(a->def)) return eg_fail(err, EG_ERR_ARG, "attribute '%s' is needed (%s)", a->name, a->doc);
	if (a->type == EG_ATTR_STRING) return keep(err, arena, field, at ? strlen(at) : 0);
	const bool whole = a->type == EG_ATTR_INT_LIST;
	if (!at) { /* whatever its length says */
		if (whole) *(eg_ints *)field = (eg_ints){NULL, 0};
		else *(eg_floats *)field = (eg_floats){NULL, 0};
		return EG_OK;
	}
	eg_status status = whole ? check_ints(err, a, field) : check_floats(err, a, field);
	if (status) return status;
	return keep(err, arena, field, whole ? (size_t)((eg_ints *)field)->n * sizeof(int) : (size_t)((eg_floats *)field)->n * sizeof(float));
}

/* arena: where lists and texts are copied to; NULL: they stay the caller's. */
static eg_status check_attr(eg_error *err, const eg_attr *a, char *options, eg_arena *arena) {
	void *field = options + a->offset;
	switch (a->type) {
	case EG_ATTR_INT: return check_int(err, a, field);
	case EG_ATTR_INTS:
		for (int i = 0; i < a->count; i++) {
			eg_status s = check_int(err, a, (int *)field + i);
			if (s) return s;
		}
		return EG_OK;
	case EG_ATTR_FLOAT: return check_float(err, a, field);
	case EG_ATTR_ENUM:
		if (*(int *)field < 0 || *(int *)field >= names_count(a->names))
			return eg_fail(err, EG_ERR_ARG, "attribute '%s' is %d, allowed are 0 to %d", a->name, *(int *)field, names_count(a->names) - 1);
		return EG_OK;
	case EG_ATTR_BOOL:
	case EG_ATTR_NOT: return EG_OK;
	case EG_ATTR_INT_LIST:
	case EG_ATTR_FLOAT_LIST:
	case EG_ATTR_STRING: return check_list(err, a, field, arena);
	}
	return EG_OK;
}

const eg_op *eg_op_named(const char *name) {
	for (int i = 0; i < eg_ops_count; i++)
		if (!strcmp(eg_ops[i]->info.name, name)) return eg_ops[i];
	return NULL;
}

eg_range eg_op_range(const eg_op_info *info, const void *options) {
	const eg_op *op = eg_op_named(info->name);
	return op && op->range ? op->range(options) : (eg_range){0};
}

eg_status eg_op_target(
	const eg_op_info *info, const void *options, const eg_dims *x, eg_target_info *target, eg_error *err) {
	_Alignas(max_align_t) char copy[512] = {0};
	eg_error own = {0}; /* operators write into one without asking whether it is wanted */
	*target = (eg_target_info){0};
	const eg_op *op = eg_op_named(info->name);
	if (!op || !op->target) return eg_fail(err, EG_ERR_ARG, "%s is no loss: it takes no target", info->name);
	if (op->info.options_size > sizeof copy) return eg_fail(err, EG_ERR_ARG, "%s: options of %zu bytes", info->name, op->info.options_size);
	if (options) memcpy(copy, options, op->info.options_size);
	eg_status status = EG_OK;
	for (int i = 0; i < op->info.nattrs && !status; i++) status = check_attr(&own, &op->info.attrs[i], copy, NULL);
	if (!status) status = op->target(copy, x, target, &own);
	if (status) eg_fail(err, status, "%s: %s", info->name, own.message);
	return status;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

/* By a node or an input; an output may have the name of the node that computes it. */
static bool node_name_taken(const eg_graph *g, const char *name) {
	for (int i = 0; i < g->nnodes; i++)
		if (!strcmp(g->nodes[i].name, name)) return true;
	for (int i = 0; i < g->nvalues; i++)
		if (g->values[i].name && !strcmp(g->values[i].name, name)) return true;
	return false;
}

/* The name the caller gave, or layer name + running number: conv1, conv2. NULL: out of memory. */
static const char *node_name(eg_graph *g, const eg_op *op, const char *given) {
	if (given && *given) return eg_arena_strdup(&g->arena, given);
	const char *base = op->info.layer ? op->info.layer : op->info.name;
	int number = 1;
	for (int i = 0; i < g->nnodes; i++) number += g->nodes[i].op == op;
	for (;; number++) {
		char *name = eg_arena_printf(&g->arena, "%s%d", base, number);
		if (!name || !node_name_taken(g, name)) return name;
	}
}

/* Copies the options, fills in defaults, checks ranges and inputs. */
static eg_status check_node(eg_graph *g, eg_node *n, const eg_op *op, const void *options, const eg_tensor *inputs, int nin) {
	eg_error *err = &g->error;
	const int most = op->info.variadic ? EG_MAX_INPUTS : op->info.max_inputs;
	if (nin < op->info.min_inputs || nin > most)
		return eg_fail(err, EG_ERR_ARG, "%d inputs given, %d to %d expected", nin, op->info.min_inputs, most);
	for (int i = 0; i < nin; i++) {
		if (!inputs[i].id && i >= op->info.min_inputs) {
			n->in[i] = -1;
			continue;
		}
		if (!valid(g, inputs[i]) && i >= op->info.max_inputs) return eg_fail(err, EG_ERR_ARG, "input %d is not a tensor of this graph", i + 1);
		if (!valid(g, inputs[i])) return eg_fail(err, EG_ERR_ARG, "input '%s' is not a tensor of this graph", op->info.inputs[i]);
		n->in[i] = inputs[i].id - 1;
	}
	n->nin = nin;
	if (op->info.options_size) {
		char *copy = eg_arena_alloc(&g->arena, op->info.options_size);
		if (!copy) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
		if (options) memcpy(copy, options, op->info.options_size);
		for (int i = 0; i < op->info.nattrs; i++)
			if (check_attr(err, &op->info.attrs[i], copy, &g->arena)) return err->status;
		memcpy(copy, &n->name, sizeof n->name); /* the first member is the name */
		n->options = copy;
	}
	return EG_OK;
}

eg_status eg_graph_infer(const eg_graph *g, const eg_node *n, eg_infer *s) {
	char text[128], many[160];
	eg_status status = n->op->infer(s);
	if (s->out_of_memory) return eg_fail(s->err, EG_ERR_MEMORY, "out of memory for the sizes of its output");
	if (status) {
		eg_graph_name_sizes(g, s->err);
		return status;
	}
	for (int i = 0; i < s->nout; i++)
		if (!dims_ok(g, &s->out[i]))
			return eg_fail(s->err, EG_ERR_SHAPE, "its output would have shape %s%s",
				eg_shape_text(g, s->out[i], text, sizeof text), too_many(&s->out[i], many, sizeof many));
	for (int i = 0; i < s->nparams; i++)
		if (!dims_ok(g, &s->params[i].dims) || !all_known(&s->params[i].dims))
			return eg_fail(s->err, EG_ERR_SHAPE, "its %s would have shape %s%s", s->params[i].name,
				eg_shape_text(g, s->params[i].dims, text, sizeof text),
				too_many(&s->params[i].dims, many, sizeof many));
	return EG_OK;
}

/* Types that only stand at the edges are for those operators that say so. */
static eg_status check_types(eg_graph *g, const eg_node *n) {
	const eg_op_info *op = &n->op->info;
	for (int i = 0; i < n->nin; i++) {
		const int last = op->max_inputs - 1, k = i < last ? i : last;
		const eg_dtype type = n->in[i] < 0 ? EG_F32 : g->values[n->in[i]].type;
		if (type == EG_F32 || type == EG_I32 || (op->types && op->types[k] == 'e')) continue;
		return eg_fail(&g->error, EG_ERR_ARG, "input '%s' holds %s, which only cast reads: put a cast to %s before it",
			op->inputs[k], eg_dtype_name(type), op->types && op->types[k] == 'i' ? "i32" : "f32");
	}
	return EG_OK;
}

static eg_status infer_node(eg_graph *g, const eg_node *n, eg_infer *s) {
	*s = (eg_infer){.options = n->options, .nin = n->nin, .err = &g->error, .nout = 1, .graph = g};
	for (int i = 0; i < n->nin; i++) {
		s->in[i].rank = -1;
		if (n->in[i] < 0) continue;
		s->in[i] = s->declared[i] = g->values[n->in[i]].dims;
		s->in_type[i] = g->values[n->in[i]].type;
	}
	s->info = (eg_node_info *)&n->info;
	return eg_graph_infer(g, n, s);
}

/* ---- weights of another node ------------------------------------------------------------------------------------- */

/* Whose weights it shall use (OP_WEIGHTS), by name; NULL: its own. */
static const char *lender_name(const eg_node *n) {
	const char *name = NULL;
	for (int i = 0; i < n->op->info.nattrs && n->op->info.params && n->options; i++) {
		const eg_attr *a = &n->op->info.attrs[i];
		if (a->type == EG_ATTR_STRING && !strcmp(a->name, "weights")) memcpy(&name, (const char *)n->options + a->offset, sizeof name);
	}
	return name;
}

/* The parameter of node `from` that is called so; -1: it has none. */
static int param_called(const eg_graph *g, const eg_node *from, const char *name) {
	for (int i = 0; i < from->nparams; i++)
		if (!strcmp(g->params[from->param[i]].spec.name, name)) return from->param[i];
	return -1;
}

static bool dims_equal(const eg_dims *a, const eg_dims *b) {
	return a->rank == b->rank && !memcmp(a->d, b->d, (size_t)a->rank * sizeof *a->d);
}

/* Sets param[i] of n to another node's parameter where it is to be shared, else to -1. */
static eg_status borrow_params(eg_graph *g, eg_node *n, const eg_infer *s) {
	const char *name = lender_name(n);
	const eg_node *from = NULL;
	int shared = 0;
	for (int i = 0; name && i < g->nnodes; i++)
		if (!strcmp(g->nodes[i].name, name)) from = &g->nodes[i];
	if (name && !from) return eg_fail(&g->error, EG_ERR_ARG, "attribute 'weights' names '%.60s', but no layer before it is called so", name);
	for (int i = 0; i < s->nparams; i++) {
		char have[128], want[128];
		n->param[i] = from ? param_called(g, from, s->params[i].name) : -1;
		if (n->param[i] < 0) continue;
		const eg_param_spec *there = &g->params[n->param[i]].spec;
		if (!dims_equal(&there->dims, &s->params[i].dims) || there->state != s->params[i].state)
			return eg_fail(&g->error, EG_ERR_SHAPE, "its %s would have shape %s, but that of '%.60s', which it shall share, has %s",
				s->params[i].name, eg_dims_text(&s->params[i].dims, want, sizeof want), name, eg_dims_text(&there->dims, have, sizeof have));
		shared++;
	}
	if (from && !shared)
		return eg_fail(&g->error, EG_ERR_ARG, "attribute 'weights' names '%.60s' (%s), which has no weights of the same names", name,
			from->op->info.name);
	return EG_OK;
}

static bool add_node(eg_graph *g, eg_node *n, const eg_infer *s) {
	n->nparams = s->nparams;
	for (int i = 0; i < s->nparams; i++) {
		if (n->param[i] >= 0) continue;
		*(s->params[i].state ? &n->info.state : &n->info.params) += eg_dims_count(&s->params[i].dims, 0);
		char *name = eg_arena_printf(&g->arena, "%s.%s", n->name, s->params[i].name);
		if (!name || !eg_grow(g->ctx->allocator, &g->params, &g->cap_params, g->nparams, sizeof *g->params)) return false;
		n->param[i] = g->nparams;
		g->params[g->nparams++] = (eg_param){name, s->params[i]};
	}
	if (!eg_grow(g->ctx->allocator, &g->nodes, &g->cap_nodes, g->nnodes, sizeof *g->nodes)) return false;
	for (int i = 0; i < s->nout; i++) {
		int v = add_value(g, (eg_graph_value){NULL, s->out[i], s->out_type[i], g->nnodes, i, s->out_constant[i], NULL, false});
		if (v < 0) return false;
		n->out[n->nout++] = v;
		n->info.outputs[i] = (eg_tensor){v + 1};
	}
	n->info.name = n->name;
	n->info.op = &n->op->info;
	n->info.options = n->options;
	n->info.ninputs = n->nin;
	n->info.noutputs = n->nout;
	for (int i = 0; i < n->nin; i++) n->info.inputs[i] = (eg_tensor){n->in[i] + 1};
	g->nodes[g->nnodes++] = *n;
	return true;
}

/* A layer that is made of others: n has its name. */
static eg_tensor compose(eg_graph *g, eg_node *n, const void *options, const eg_tensor *inputs, int nin) {
	eg_tensor y = {0};
	if (!check_node(g, n, n->op, options, inputs, nin) && !check_types(g, n)) y = n->op->compose(g, n->options, inputs, nin, &g->error);
	if (!g->error.status) return y;
	eg_fail_prefix(&g->error, "%s '%s'", n->op->info.name, n->name);
	return (eg_tensor){0};
}

/* No operator of that name. A library of chosen ones says what it was built with, as far as there is room. */
static eg_tensor unknown(eg_graph *g, const char *name) {
#ifdef ENGRAM_CHOSEN
	char list[600] = "";
	for (int i = 0; i < eg_ops_count; i++) {
		const size_t used = strlen(list);
		if (used + strlen(eg_ops[i]->info.name) + sizeof ", ..." > sizeof list) {
			memcpy(list + used, ", ...", sizeof ", ...");
			break;
		}
		snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", eg_ops[i]->info.name);
	}
	return FAIL(g, EG_ERR_ARG, "operator '%.60s' is not in this library, which was built with %s; build it with more (ENGRAM_OPS)", name, list);
#else
	return FAIL(g, EG_ERR_ARG, "there is no operator '%s'", name);
#endif
}

eg_tensor eg_apply(eg_graph *g, const char *op_name, const void *options, const eg_tensor *inputs, int nin) {
	if (g->error.status) return (eg_tensor){0};
	const eg_op *op = eg_op_named(op_name);
	if (!op) return unknown(g, op_name);
	return eg_graph_apply(g, op, options, inputs, nin);
}

eg_tensor eg_graph_apply(eg_graph *g, const eg_op *op, const void *options, const eg_tensor *inputs, int nin) {
	const char *op_name = op->info.name, *given = NULL;
	if (g->error.status) return (eg_tensor){0};
	if (options && op->info.options_size) memcpy(&given, options, sizeof given);
	if (g->nnodes >= EG_MAX_NODES) return FAIL(g, EG_ERR_ARG, "a graph may have at most %d operators", EG_MAX_NODES);
	if (given && *given && node_name_taken(g, given)) return FAIL(g, EG_ERR_ARG, "%s '%s': the name is already used", op_name, given);
	eg_node n = {.op = op, .name = node_name(g, op, given), .loop = eg_loop_open(g)};
	if (!n.name) return no_memory(g);
	eg_infer s;
	if (op->compose) return compose(g, &n, options, inputs, nin);
	if (check_node(g, &n, op, options, inputs, nin) || check_types(g, &n) || infer_node(g, &n, &s) || eg_loop_check(g, &n, &s) || borrow_params(g, &n, &s)) {
		eg_fail_prefix(&g->error, "%s '%s'", op_name, n.name);
		return (eg_tensor){0};
	}
	if (!add_node(g, &n, &s)) return no_memory(g);
	return (eg_tensor){n.out[0] + 1};
}

eg_tensor eg_result(const eg_graph *g, eg_tensor first, int i) {
	if (!valid(g, first)) return (eg_tensor){0};
	const eg_graph_value *v = &g->values[first.id - 1];
	if (v->node < 0 || i < 0 || i >= g->nodes[v->node].nout) return (eg_tensor){0};
	return (eg_tensor){g->nodes[v->node].out[i] + 1};
}

int eg_graph_nodes(const eg_graph *g) { return g->nnodes; }
void eg_graph_node(const eg_graph *g, int i, eg_node_info *info) { *info = g->nodes[i].info; }

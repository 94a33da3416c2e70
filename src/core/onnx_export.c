/* onnx_export.c - a graph as a model of ONNX, in memory: walks over the nodes that the wanted outputs need and lets
 * each operator put down what it is there, by its hook or by what its descriptor says.
 *
 * Not here: the way back (onnx_import.c), files. */
#include "core/onnx.h"
#include "core/params.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { MOST_ATTRS = 32 }; /* of a node */

/* The model, and what it is made of. */
typedef struct made {
	eg_onnx_model model; /* first: eg_onnx_free gets its address */
	const eg_allocator *allocator;
	eg_arena arena;
	eg_onnx_node *nodes;
	eg_onnx_tensor *tensors;
	eg_onnx_value *inputs, *outputs;
	int cap_nodes, cap_tensors, cap_inputs, cap_outputs;
} made;

struct eg_export {
	const eg_graph *graph;
	eg_params *params;
	made *m;
	const char **value, **param; /* names, by number in the graph; NULL: it has none yet */
	bool *needed, *read;         /* by node, by value: the wanted outputs need it */
	const eg_node *node;
	eg_onnx_attr *attrs; /* of the last node put down */
	int between;
	bool own;            /* operators that ONNX lacks stand in the domain EG_ONNX_OWN */
	int loop;            /* 1 + the loop whose body is being put down; 0: none */
	eg_error error;
};

static void no_memory(eg_export *x) {
	if (!x->error.status) eg_fail(&x->error, EG_ERR_MEMORY, "out of memory for a model");
}

static void *take(eg_export *x, size_t bytes) {
	void *p = x->error.status ? NULL : eg_arena_alloc(&x->m->arena, bytes + 1);
	if (!p) no_memory(x);
	return p;
}

static const char *copied(eg_export *x, const char *s) {
	char *p = x->error.status ? NULL : eg_arena_strdup(&x->m->arena, s);
	if (!p) no_memory(x);
	return p ? p : "";
}

void eg_export_fail(eg_export *x, const char *why, ...) {
	char text[600];
	va_list list;
	if (x->error.status) return;
	va_start(list, why);
	vsnprintf(text, sizeof text, why, list);
	va_end(list);
	eg_fail(&x->error, EG_ERR_ARG, "%s '%s': %s", x->node->op->info.name, x->node->name, text);
}

/* ---- what a hook may ask ----------------------------------------------------------------------------------------- */

const eg_op_info *eg_export_info(const eg_export *x) { return &x->node->op->info; }
const void *eg_export_options(const eg_export *x) { return x->node->options; }
int eg_export_code(const eg_export *x) { return x->node->op->code; }
int eg_export_opset(const eg_export *x) { return x->m->model.opset; }
int eg_export_nin(const eg_export *x) { return x->node->nin; }

eg_dims eg_export_in_dims(const eg_export *x, int i) {
	return i < x->node->nin && x->node->in[i] >= 0 ? x->graph->values[x->node->in[i]].dims : (eg_dims){.rank = -1};
}
eg_dims eg_export_out_dims(const eg_export *x, int i) { return x->graph->values[x->node->out[i]].dims; }

static const char *fresh(eg_export *x, const char *what) {
	char *name = x->error.status ? NULL : eg_arena_printf(&x->m->arena, "%s.%s%d", x->node ? x->node->name : "model", what, x->between++);
	if (!name) no_memory(x);
	return name ? name : "";
}

static const struct {
	eg_dtype ours;
	eg_onnx_type theirs;
} types[] = {{EG_F32, sizeof(real) == sizeof(float) ? EG_ONNX_FLOAT : EG_ONNX_DOUBLE}, {EG_I32, EG_ONNX_INT32}, {EG_I64, EG_ONNX_INT64},
	{EG_U8, EG_ONNX_UINT8}, {EG_BOOL, EG_ONNX_BOOL}, {EG_F64, EG_ONNX_DOUBLE}, {EG_F16, EG_ONNX_FLOAT16}, {EG_BF16, EG_ONNX_BFLOAT16}};

eg_onnx_type eg_onnx_type_of(eg_dtype type) {
	for (int i = 0; i < EG_COUNT(types); i++)
		if (types[i].ours == type) return types[i].theirs;
	return EG_ONNX_FLOAT;
}

bool eg_onnx_dtype(eg_onnx_type type, eg_dtype *dtype) {
	for (int i = 0; i < EG_COUNT(types); i++)
		if (types[i].theirs == type) return *dtype = types[i].ours, true;
	return false;
}


/* Numbers become part of the model: `bytes` of them, copied. */
static const char *tensor(eg_export *x, const char *name, eg_onnx_type type, eg_dims dims, const void *data, size_t bytes) {
	made *m = x->m;
	int64_t *d = take(x, sizeof(int64_t) * EG_MAX_DIMS);
	void *copy = take(x, bytes);
	if (x->error.status) return "";
	if (!eg_grow(m->allocator, &m->tensors, &m->cap_tensors, m->model.ntensors, sizeof *m->tensors)) {
		no_memory(x);
		return "";
	}
	memcpy(d, dims.d, sizeof(int64_t) * EG_MAX_DIMS);
	memcpy(copy, data, bytes);
	m->tensors[m->model.ntensors++] = (eg_onnx_tensor){name, type, dims.rank, d, copy};
	return name;
}

/* Reals as float, which they are unless all is compiled in double precision. */
static const char *reals(eg_export *x, const char *name, const real *v, eg_dims dims) {
	const eg_onnx_type type = sizeof(real) == sizeof(float) ? EG_ONNX_FLOAT : EG_ONNX_DOUBLE;
	return tensor(x, name, type, dims, v, (size_t)eg_dims_count(&dims, 0) * sizeof(real));
}

const char *eg_export_reals(eg_export *x, const real *v, eg_dims dims) { return reals(x, fresh(x, "numbers"), v, dims); }
const char *eg_export_real(eg_export *x, double v) {
	const real one = (real)v;
	return eg_export_reals(x, &one, (eg_dims){0});
}
real *eg_export_room(eg_export *x, int64_t n) { return take(x, (size_t)n * sizeof(real)); }
const char *eg_export_ints(eg_export *x, const int64_t *v, int n) {
	return tensor(x, fresh(x, "numbers"), EG_ONNX_INT64, EG_DIMS(n), v, (size_t)n * sizeof *v);
}
const char *eg_export_list(eg_export *x, eg_ints list) {
	int64_t *wide = list.at ? take(x, sizeof *wide * (size_t)list.n) : NULL;
	for (int i = 0; i < list.n && wide; i++) wide[i] = list.at[i];
	return wide ? eg_export_ints(x, wide, list.n) : "";
}
const char *eg_export_int(eg_export *x, int64_t v) { return tensor(x, fresh(x, "numbers"), EG_ONNX_INT64, (eg_dims){0}, &v, sizeof v); }

static const char *value_name(eg_export *x, int v) {
	const eg_graph_value *value = &x->graph->values[v];
	if (x->value[v]) return x->value[v];
	const char *name = value->name;
	if (value->data) {
		name = eg_arena_printf(&x->m->arena, "constant%d", v);
		if (name)
			tensor(x, name, eg_onnx_type_of(value->type), value->dims,
				value->data, (size_t)eg_dims_count(&value->dims, 0) * eg_dtype_size(value->type));
	} else if (value->node >= 0) {
		const eg_node *n = &x->graph->nodes[value->node];
		name = eg_arena_printf(&x->m->arena, "%s.%s", n->name, n->op->info.outputs[value->index]);
	}
	if (!name) no_memory(x);
	return x->value[v] = name ? name : "";
}

const char *eg_export_in(eg_export *x, int i) { return i < x->node->nin && x->node->in[i] >= 0 ? value_name(x, x->node->in[i]) : ""; }
const char *eg_export_out(eg_export *x, int i) { return i < x->node->nout && x->read[x->node->out[i]] ? value_name(x, x->node->out[i]) : ""; }
const char *eg_export_between(eg_export *x) { return fresh(x, "between"); }

const real *eg_export_weights(const eg_export *x, int i, eg_dims *dims) {
	if (i >= x->node->nparams) return NULL;
	if (dims) *dims = eg_params_dims(x->params, x->node->param[i]);
	return eg_params_data(x->params, x->node->param[i]);
}

const char *eg_export_param(eg_export *x, int i) {
	eg_dims dims;
	const real *v = eg_export_weights(x, i, &dims);
	if (!v || x->error.status) return "";
	const int p = x->node->param[i];
	if (!x->param[p]) x->param[p] = reals(x, copied(x, eg_params_name(x->params, p)), v, dims);
	return x->param[p];
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static const char *const *names(eg_export *x, const char *const *from, int *n) {
	*n = 0;
	while (from[*n]) ++*n;
	const char **to = take(x, sizeof *to * (size_t)(*n + 1));
	for (int i = 0; i < *n && to; i++) to[i] = copied(x, from[i]);
	return to;
}

void eg_export_node(eg_export *x, const char *type, const char *const *in, const char *const *out) {
	made *m = x->m;
	eg_onnx_node n = {.type = copied(x, type), .name = x->node ? fresh(x, "node") : NULL};
	n.in = names(x, in, &n.nin);
	n.out = names(x, out, &n.nout);
	while (n.nin && n.in && !*n.in[n.nin - 1]) n.nin--; /* what is left out at the end is not named */
	while (n.nout && n.out && !*n.out[n.nout - 1]) n.nout--;
	n.attrs = x->attrs = take(x, sizeof *x->attrs * MOST_ATTRS);
	if (x->error.status) return;
	if (!eg_grow(m->allocator, &m->nodes, &m->cap_nodes, m->model.nnodes, sizeof *m->nodes)) {
		no_memory(x);
		return;
	}
	m->nodes[m->model.nnodes++] = n;
}

static eg_onnx_attr *add(eg_export *x, const char *name, eg_onnx_kind kind) {
	static eg_onnx_attr nowhere;
	if (x->error.status) return &nowhere;
	eg_onnx_node *n = &x->m->nodes[x->m->model.nnodes - 1];
	if (n->nattrs == MOST_ATTRS) {
		eg_export_fail(x, "more than %d attributes", MOST_ATTRS);
		return &nowhere;
	}
	eg_onnx_attr *a = &x->attrs[n->nattrs++];
	*a = (eg_onnx_attr){.name = copied(x, name), .kind = kind};
	return a;
}

void eg_export_set_int(eg_export *x, const char *name, int64_t v) { add(x, name, EG_ONNX_AN_INT)->i = v; }
void eg_export_set_float(eg_export *x, const char *name, double v) { add(x, name, EG_ONNX_A_FLOAT)->f = (float)v; }
void eg_export_set_string(eg_export *x, const char *name, const char *v) { add(x, name, EG_ONNX_A_STRING)->s = copied(x, v); }

void eg_export_set_ints(eg_export *x, const char *name, const int64_t *v, int n) {
	eg_onnx_attr *a = add(x, name, EG_ONNX_INTS);
	int64_t *copy = take(x, sizeof *v * (size_t)n);
	if (!copy) return;
	memcpy(copy, v, sizeof *v * (size_t)n);
	a->n = n;
	a->ints = copy;
}

void eg_export_set_strings(eg_export *x, const char *name, const char *const *v, int n) {
	eg_onnx_attr *a = add(x, name, EG_ONNX_STRINGS);
	const char **copy = take(x, sizeof *copy * (size_t)n);
	for (int i = 0; i < n && copy; i++) copy[i] = copied(x, v[i]);
	if (!copy) return;
	a->n = n;
	a->strings = copy;
}

void eg_export_set_floats(eg_export *x, const char *name, const float *v, int n) {
	eg_onnx_attr *a = add(x, name, EG_ONNX_FLOATS);
	float *copy = take(x, sizeof *v * (size_t)n);
	if (!copy) return;
	memcpy(copy, v, sizeof *v * (size_t)n);
	a->n = n;
	a->floats = copy;
}

/* ---- what a descriptor says -------------------------------------------------------------------------------------- */

static void set_list(eg_export *x, const char *name, const int *v, int n) {
	int64_t *wide = take(x, sizeof *wide * (size_t)n);
	for (int i = 0; i < n && wide; i++) wide[i] = v[i];
	if (wide) eg_export_set_ints(x, name, wide, n);
}

static void set_attr(eg_export *x, const eg_attr *a, const char *field) {
	char buf[EG_ONNX_NAME];
	const char *name = eg_onnx_name(a, buf);
	switch (a->type) {
	case EG_ATTR_INT: eg_export_set_int(x, name, *(const int *)field); break;
	case EG_ATTR_FLOAT: eg_export_set_float(x, name, (double)*(const float *)field); break;
	case EG_ATTR_BOOL: eg_export_set_int(x, name, *(const bool *)field); break;
	case EG_ATTR_NOT: eg_export_set_int(x, name, !*(const bool *)field); break;
	case EG_ATTR_INTS: set_list(x, name, (const int *)field, a->count); break;
	case EG_ATTR_ENUM: eg_export_set_string(x, name, a->names[*(const int *)field]); break;
	case EG_ATTR_INT_LIST:
		if (((const eg_ints *)field)->at) set_list(x, name, ((const eg_ints *)field)->at, ((const eg_ints *)field)->n);
		break;
	case EG_ATTR_FLOAT_LIST:
		if (((const eg_floats *)field)->at)
			eg_export_set_floats(x, name, ((const eg_floats *)field)->at, ((const eg_floats *)field)->n);
		break;
	case EG_ATTR_STRING:
		if (*(const char *const *)field) eg_export_set_string(x, name, *(const char *const *)field);
		break;
	}
}

/* Is it said as a default is? */
static bool at_default(const eg_attr *a, const char *field) {
	bool same = true;
	switch (a->type) {
	case EG_ATTR_INT: return (double)*(const int *)field == a->def; /* NaN: it has none */
	case EG_ATTR_FLOAT: return !(fabs((double)*(const float *)field - a->def) > 1e-6 * fabs(a->def));
	case EG_ATTR_BOOL:
	case EG_ATTR_NOT: return !*(const bool *)field;
	case EG_ATTR_INTS:
		for (int i = 0; i < a->count; i++) same &= (double)((const int *)field)[i] == a->def;
		return same;
	case EG_ATTR_ENUM: return *(const int *)field == 0;
	case EG_ATTR_INT_LIST: return !((const eg_ints *)field)->at;
	case EG_ATTR_FLOAT_LIST: return !((const eg_floats *)field)->at;
	case EG_ATTR_STRING: return !*(const char *const *)field;
	}
	return true;
}

/* How weights begin, whose they are, and how fast statistics follow a training is not about what is computed. */
static bool is_about_weights(const eg_attr *a) {
	return !strcmp(a->name, "init") || !strcmp(a->name, "init_value") || !strcmp(a->name, "weights") || !strcmp(a->name, "momentum");
}

void eg_export_as(eg_export *x, const char *type) {
	const eg_node *n = x->node;
	const eg_op_info *op = &n->op->info;
	const char *in[EG_MAX_INPUTS + EG_MAX_PARAMS + 1] = {0}, *out[EG_MAX_OUTPUTS + 1] = {0};
	for (int i = 0; i < n->nin; i++) in[i] = eg_export_in(x, i);
	for (int i = n->nin; i < op->max_inputs && n->nparams; i++) in[i] = "";
	const int first = n->nparams && op->max_inputs > n->nin ? op->max_inputs : n->nin;
	for (int i = 0; i < n->nparams; i++) in[first + i] = eg_export_param(x, i);
	for (int i = 0; i < n->nout; i++) out[i] = eg_export_out(x, i);
	eg_export_node(x, type, in, out);
	for (int i = 0; i < op->nattrs && !x->error.status; i++) {
		const eg_attr *a = &op->attrs[i];
		const char *field = (const char *)n->options + a->offset;
		/* a default outside of the range */
		const bool unsaid = at_default(a, field) && (a->def < a->min || a->def > a->max);
		if (a->onnx && !unsaid)
			set_attr(x, a, field);
		else if (!a->onnx && !is_about_weights(a) && !at_default(a, field))
			eg_export_fail(x, "ONNX's %s has nothing like its attribute '%s'", type, a->name);
	}
}

bool eg_export_own(eg_export *x) {
	if (!x->own) return false;
	const eg_node *n = x->node;
	const eg_op_info *op = &n->op->info;
	const char *in[EG_MAX_INPUTS + EG_MAX_PARAMS + 1] = {0}, *out[EG_MAX_OUTPUTS + 1] = {0};
	const int nin = op->variadic ? n->nin : op->max_inputs;
	for (int i = 0; i < nin; i++) in[i] = eg_export_in(x, i);
	for (int i = 0; i < n->nparams; i++) in[nin + i] = eg_export_param(x, i);
	for (int i = 0; i < n->nout; i++) out[i] = eg_export_out(x, i);
	eg_export_node(x, op->name, in, out);
	if (x->error.status) return true;
	eg_onnx_node *last = &x->m->nodes[x->m->model.nnodes - 1];
	last->domain = EG_ONNX_OWN;
	last->name = copied(x, n->name);
	return true;
}

static void export_node(eg_export *x, int i) {
	x->node = &x->graph->nodes[i];
	const eg_op *op = x->node->op;
	if (!x->own && x->node->loop)
		eg_export_fail(x, "a layer that is a loop over time is ONNX's Scan, which eg_onnx_write puts down");
	else if (op->export)
		op->export(x);
	else if (op->onnx && op->onnx_since > x->m->model.opset)
		eg_export_fail(x, "ONNX has %s from opset %d on, wanted is %d", op->onnx, op->onnx_since, x->m->model.opset);
	else if (op->onnx)
		eg_export_as(x, op->onnx);
	else if (op->target || !eg_export_own(x))
		eg_export_fail(x, "%s", op->no_onnx ? op->no_onnx : op->target ? "it is a loss, which is for training" : "ONNX has no such operator");
	x->node = NULL;
}

/* Nodes of a body, which follow each other, stand between two of our own, for who makes a Scan of them. */
static void mark_loop(eg_export *x, int loop) {
	if (loop == x->loop || !x->own) return;
	for (int begins = 0; begins < 2; begins++) {
		const int of = begins ? loop : x->loop;
		if (of) eg_export_node(x, begins ? "loop_begin" : "loop_end", EG_NAMES(NULL), EG_NAMES(NULL));
		if (!of || x->error.status) continue;
		eg_onnx_node *n = &x->m->nodes[x->m->model.nnodes - 1];
		n->domain = EG_ONNX_OWN;
		n->name = copied(x, x->graph->loops[of - 1].name);
		eg_export_set_int(x, "reverse", x->graph->loops[of - 1].reverse);
	}
	x->loop = loop;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool wanted(const eg_graph *g, int i, const char *const *outputs) {
	for (int k = 0; outputs && outputs[k]; k++)
		if (!strcmp(outputs[k], g->outputs[i].name)) return true;
	return !outputs;
}

/* Marks what the wanted outputs need, and names the values that they are. */
static void mark(eg_export *x, const char *const *outputs) {
	const eg_graph *g = x->graph;
	bool *value = x->read;
	for (int i = 0; i < g->noutputs; i++) value[g->outputs[i].value] |= wanted(g, i, outputs);
	for (int i = g->nnodes - 1; i >= 0; i--) {
		const eg_node *n = &g->nodes[i];
		for (int k = 0; k < n->nout; k++) x->needed[i] |= value[n->out[k]];
		for (int k = 0; k < n->nin && x->needed[i]; k++)
			if (n->in[k] >= 0) value[n->in[k]] = true;
	}
	for (int i = 0; i < g->noutputs; i++) {
		const int v = g->outputs[i].value;
		if (wanted(g, i, outputs) && g->values[v].node >= 0 && !x->value[v]) x->value[v] = copied(x, g->outputs[i].name);
	}
}

/* How an open size is called there. Steps that are samples have no name here; where there is no other batch they are
 * the batch. */
static const char *open_name(const eg_export *x, int64_t d) {
	const eg_graph *g = x->graph;
	if (!eg_dim_is_product(d)) return eg_open_name(g, d);
	for (int i = 0; i < g->nvalues; i++)
		for (int k = 0; k < g->values[i].dims.rank && g->values[i].node < 0; k++)
			if (g->values[i].dims.d[k] == EG_N) return NULL;
	return "batch";
}

static eg_onnx_value described(eg_export *x, const char *name, const eg_graph_value *v) {
	int64_t *dims = take(x, sizeof *dims * EG_MAX_DIMS);
	const char **open = take(x, sizeof *open * EG_MAX_DIMS);
	for (int i = 0; i < v->dims.rank && dims && open; i++) {
		dims[i] = v->dims.d[i] < 0 ? -1 : v->dims.d[i];
		const char *size = v->dims.d[i] < 0 ? open_name(x, v->dims.d[i]) : NULL;
		open[i] = size ? copied(x, size) : NULL;
	}
	return (eg_onnx_value){copied(x, name), eg_onnx_type_of(v->type), v->dims.rank, dims, open};
}

static void add_value(eg_export *x, eg_onnx_value **list, int *cap, int *n, eg_onnx_value v) {
	if (!x->error.status && !eg_grow(x->m->allocator, list, cap, *n, sizeof **list)) no_memory(x);
	if (!x->error.status) (*list)[(*n)++] = v;
}

static void export_all(eg_export *x, const char *const *outputs) {
	const eg_graph *g = x->graph;
	made *m = x->m;
	mark(x, outputs);
	for (int i = 0; i < g->nnodes && !x->error.status; i++) {
		if (!x->needed[i]) continue;
		mark_loop(x, g->nodes[i].loop);
		export_node(x, i);
	}
	mark_loop(x, 0);
	for (int i = 0; i < g->nvalues && !x->error.status; i++) {
		const eg_graph_value *v = &g->values[i];
		if (v->node < 0 && v->name && x->value[i]) add_value(x, &m->inputs, &m->cap_inputs, &m->model.ninputs, described(x, v->name, v));
	}
	for (int i = 0; i < g->noutputs && !x->error.status; i++) {
		const eg_named *o = &g->outputs[i];
		if (!wanted(g, i, outputs)) continue;
		const char *name = value_name(x, o->value);
		/* an input, or named twice */
		if (strcmp(name, o->name)) eg_export_node(x, "Identity", EG_NAMES(name), EG_NAMES(o->name));
		add_value(x, &m->outputs, &m->cap_outputs, &m->model.noutputs, described(x, o->name, &g->values[o->value]));
	}
	m->model.nodes = m->nodes;
	m->model.tensors = m->tensors;
	m->model.inputs = m->inputs;
	m->model.outputs = m->outputs;
}

static eg_onnx_model *export_model(const eg_graph *g, eg_params *params, const char *const *outputs, int opset, bool own, eg_error *err) {
	const eg_allocator *a = g->ctx->allocator;
	if (!opset) opset = EG_ONNX_OPSET;
	if (opset < EG_ONNX_OPSET_LEAST || opset > EG_ONNX_OPSET_MOST) {
		eg_fail(err, EG_ERR_ARG, "opset %d: models are written in opsets %d to %d", opset, EG_ONNX_OPSET_LEAST, EG_ONNX_OPSET_MOST);
		return NULL;
	}
	if (eg_graph_status(g, err)) return NULL;
	for (int k = 0; outputs && outputs[k]; k++) {
		bool there = false;
		for (int i = 0; i < g->noutputs; i++) there |= !strcmp(g->outputs[i].name, outputs[k]);
		if (there) continue;
		eg_fail(err, EG_ERR_ARG, "the graph has no output '%s'", outputs[k]);
		return NULL;
	}
	made *m = eg_calloc(a, 1, sizeof *m);
	if (!m) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a model");
		return NULL;
	}
	m->allocator = a;
	m->arena.allocator = a;
	m->model.opset = opset;
	eg_export x = {.graph = g, .params = params, .m = m, .own = own};
	x.value = take(&x, sizeof *x.value * (size_t)g->nvalues);
	x.param = take(&x, sizeof *x.param * (size_t)g->nparams);
	x.needed = take(&x, (size_t)g->nnodes);
	x.read = take(&x, (size_t)g->nvalues);
	if (!x.error.status) export_all(&x, outputs);
	if (!x.error.status) return &m->model;
	if (err) *err = x.error;
	eg_onnx_free(&m->model);
	return NULL;
}

eg_onnx_model *eg_onnx_export(const eg_graph *g, eg_params *params, const char *const *outputs, int opset, eg_error *err) {
	return export_model(g, params, outputs, opset, false, err);
}

eg_onnx_model *eg_onnx_export_own(const eg_graph *g, eg_params *params, const char *const *outputs, int opset, eg_error *err) {
	return export_model(g, params, outputs, opset, true, err);
}

void eg_onnx_free(eg_onnx_model *model) {
	if (!model) return;
	made *m = (made *)model;
	const eg_allocator *a = m->allocator;
	eg_release(a, m->nodes);
	eg_release(a, m->tensors);
	eg_release(a, m->inputs);
	eg_release(a, m->outputs);
	eg_arena_free(&m->arena);
	eg_release(a, m);
}

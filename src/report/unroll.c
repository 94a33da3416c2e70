/* unroll.c - a network's states as inputs and outputs, and the gradient of a late loss by early states.
 *
 * With s(t) the states of all recurrent layers after step t, the network is s(t) = F(s(t-1), x(t)) and loss(T) =
 * G(s(T-1), x(T)). One plan runs all steps forward and keeps s(1..T). Then a plan of one step gives d loss(T) / d
 * s(T-1) from G, and another one, step by step backwards, d loss(T) / d s(t-1) from d loss(T) / d s(t) by F. That is
 * the chain rule and exact; nothing is estimated.
 *
 * Not here: whose states, and what is made of the norms (inspect.c). */
#include "report/unroll.h"

#include <math.h>
#include <string.h>

/* ---- looking up by name ------------------------------------------------------------------------------------------ */

const char *eg_unroll_name(char buf[32], const char *what, int i) {
	snprintf(buf, 32, "state.%s.%d", what, i);
	return buf;
}
#define NAME(what, i) eg_unroll_name((char[32]){0}, what, i)

static bool is_recurrent(const eg_op_info *op) {
	return !strcmp(op->name, "rnn") || !strcmp(op->name, "lstm") || !strcmp(op->name, "gru");
}

static int find_name(const char *const *names, int n, const char *name) {
	for (int i = 0; i < n && names[i]; i++)
		if (!strcmp(names[i], name)) return i;
	return -1;
}
static int input_of(const eg_op_info *op, const char *name) { return find_name(op->inputs, op->max_inputs, name); }
static int output_of(const eg_op_info *op, const char *name) { return find_name(op->outputs, EG_MAX_OUTPUTS, name); }

static const eg_attr *attr_of(const eg_op_info *op, const char *name) {
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, name)) return &op->attrs[i];
	return NULL;
}

/* Copies a whole-number attribute from one operator's options to another's. */
static void copy_attr(
	const eg_op_info *to_op, char *to, const eg_op_info *from_op, const char *from, const char *name) {
	const eg_attr *a = attr_of(to_op, name), *b = attr_of(from_op, name);
	if (a && b && a->type == EG_ATTR_INT && b->type == EG_ATTR_INT)
		memcpy(to + a->offset, from + b->offset, sizeof(int));
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

typedef struct builder {
	eg_unrolled *u;
	eg_graph *old;
	const char *cell;
	eg_tensor *map; /* by the old tensor's id */
	eg_tensor lengths;
	eg_arena arena;
	eg_error *err;
} builder;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* The inputs by their names: a graph has no list of them. */
static void copy_inputs(builder *b) {
	static const char *const names[] = {"input", "target"};
	for (int i = 0; i < EG_COUNT(names); i++) {
		eg_tensor t = eg_graph_find(b->old, names[i]);
		if (t.id)
			b->map[t.id] = eg_input(
			        b->u->graph, names[i], eg_tensor_dtype(b->old, t), eg_tensor_dims(b->old, t));
	}
	b->lengths = eg_graph_find(b->old, "lengths");
}

/* A node's options hold numbers as they count; a builder wants them as one says them. */
static void say(const eg_attr *a, void *field) {
	int *whole = field;
	float *number = field;
	for (int i = 0; i < a->count && (a->type == EG_ATTR_INT || a->type == EG_ATTR_INTS); i++)
		whole[i] = (double)whole[i] == a->def ? 0 : whole[i] == 0 ? EG_ZERO : whole[i];
	if (a->type != EG_ATTR_FLOAT) return;
	const bool off = strstr(a->name, "dropout") != NULL;
	if (!off && *number == (float)a->def) *number = 0;
	else if (off || *number == 0) *number = EG_ZERO_F;
}

/* Options of the old node, with whatever is called dropout switched off; or of a plain cell in its place. */
static void *options_for(builder *b, const eg_node_info *node, const eg_op_info *op) {
	char *o = eg_arena_alloc(&b->arena, op->options_size + sizeof node->name);
	if (!o) return NULL;
	if (b->cell && is_recurrent(op)) {
		memcpy(o, &node->name, sizeof node->name);
		copy_attr(op, o, node->op, node->options, "hidden");
		copy_attr(op, o, node->op, node->options, "layers");
		return o;
	}
	if (op->options_size) memcpy(o, node->options, op->options_size);
	for (int i = 0; i < op->nattrs; i++) say(&op->attrs[i], o + op->attrs[i].offset);
	return o;
}

static void describe_cell(builder *b, const eg_node_info *node, const eg_op_info *op, eg_memory_cell *cell) {
	eg_dims hn = eg_tensor_dims(b->old, node->outputs[output_of(node->op, "hn")]);
	const eg_attr *layers = attr_of(node->op, "layers");
	int depth = 1;
	if (layers) memcpy(&depth, (const char *)node->options + layers->offset, sizeof depth);
	*cell = (eg_memory_cell){.name = node->name, .op = op->name, .layers = (int)hn.d[0], .hidden = (int)hn.d[2]};
	cell->directions = depth > 0 ? cell->layers / depth : 1;
	const eg_attr *hidden = attr_of(node->op, "hidden");
	if (!b->cell || !hidden) return;
	memcpy(&cell->hidden, (const char *)node->options + hidden->offset,
	        sizeof cell->hidden); /* hn may be a projection of it */
	cell->layers = depth, cell->directions = 1;
}

/* Sizes that only the new node tells, and its states as outputs. */
static void put_outputs(builder *b, const eg_op_info *op, eg_tensor first, int i) {
	static const char *const names[] = {"hn", "cn", "states", "cells", "gates"};
	eg_memory_cell *cell = &b->u->cell[i];
	for (int k = 0; k < EG_COUNT(names); k++) {
		int which = output_of(op, names[k]);
		eg_tensor t = which < 0 ? (eg_tensor){0} : eg_result(b->u->graph, first, which);
		if (!t.id) continue;
		eg_dims d = eg_tensor_dims(b->u->graph, t);
		if (!strcmp(names[k], "hn")) cell->hidden = (int)d.d[2];
		if (!strcmp(names[k], "cn")) cell->cells = (int)d.d[2];
		if (!strcmp(names[k], "gates")) cell->gates = (int)d.d[3];
		eg_output(b->u->graph, NAME(names[k], i), t);
	}
}

static eg_dims state_dims(int layers, int width) { return (eg_dims){3, {layers, EG_N, width}}; }

static int cells_of(const eg_node_info *node, const eg_graph *g) {
	int which = output_of(node->op, "cn");
	return which < 0 ? 0 : (int)eg_tensor_dims(g, node->outputs[which]).d[2];
}

/* What the new graph has in the place of a tensor of the old one; a constant when somebody first asks for it. 0:
 * nothing. */
static eg_tensor mapped(builder *b, eg_tensor t) {
	const void *data = t.id && !b->map[t.id].id ? eg_constant_data(b->old, t) : NULL;
	if (data) b->map[t.id] = eg_constant(b->u->graph, data, eg_tensor_dtype(b->old, t), eg_tensor_dims(b->old, t));
	return t.id ? b->map[t.id] : t;
}

static eg_status add_recurrent(builder *b, const eg_node_info *node) {
	eg_unrolled *u = b->u;
	const eg_op_info *op = b->cell ? eg_op_find(b->cell) : node->op;
	eg_tensor in[EG_MAX_INPUTS] = {{0}};
	if (u->n == EG_MAX_RECURRENT)
		return eg_fail(b->err, EG_ERR_ARG, "the network has more than %d recurrent layers", EG_MAX_RECURRENT);
	int i = u->n++, h0 = input_of(op, "h0"), c0 = input_of(op, "c0"), old_h0 = input_of(node->op, "h0");
	eg_memory_cell *cell = &u->cell[i];
	if (old_h0 >= 0 && old_h0 < node->ninputs && node->inputs[old_h0].id)
		return eg_fail(b->err, EG_ERR_ARG,
		        "layer '%s' begins with a state that another layer gives; only networks whose memory begins "
		        "empty can be "
		        "inspected",
		        node->name);
	describe_cell(b, node, op, cell);
	for (int k = 0; k < node->ninputs; k++) {
		int to = node->inputs[k].id ? input_of(op, node->op->inputs[k]) : -1;
		if (to >= 0) in[to] = mapped(b, node->inputs[k]);
	}
	int width = b->cell ? cell->hidden : cells_of(node, b->old);
	in[h0] = eg_input(u->graph, NAME("h0", i), EG_F32, state_dims(cell->layers, cell->hidden));
	if (c0 >= 0) in[c0] = eg_input(u->graph, NAME("c0", i), EG_F32, state_dims(cell->layers, width));
	void *options = options_for(b, node, op);
	if (!options) return no_memory(b->err);
	int n = op->max_inputs;
	while (!in[n - 1].id) n--;
	eg_tensor first = eg_apply(u->graph, op->name, options, in, n);
	if (!first.id) return eg_graph_status(u->graph, b->err);
	for (int k = 0; k < node->noutputs; k++) {
		int which = output_of(op, node->op->outputs[k]);
		if (which >= 0 && node->outputs[k].id) b->map[node->outputs[k].id] = eg_result(u->graph, first, which);
	}
	put_outputs(b, op, first, i);
	return EG_OK;
}

static eg_status add_other(builder *b, const eg_node_info *node) {
	eg_tensor in[EG_MAX_INPUTS] = {{0}};
	for (int k = 0; k < node->ninputs; k++) {
		int id = node->inputs[k].id;
		in[k] = mapped(b, node->inputs[k]);
		if (id && !in[k].id && k < node->op->min_inputs)
			return eg_fail(b->err, EG_ERR_ARG,
			        "layer '%s' (%s) needs '%s', which cannot be had step by step", node->name,
			        node->op->name, node->op->inputs[k]);
	}
	void *options = options_for(b, node, node->op);
	if (!options) return no_memory(b->err);
	if (!strcmp(node->op->name, "dropout")) {
		b->map[node->outputs[0].id] = in[0];
		return EG_OK;
	}
	eg_tensor first = eg_apply(
	        b->u->graph, node->op->name, node->op->options_size ? options : NULL, in, node->ninputs);
	if (!first.id) return eg_graph_status(b->u->graph, b->err);
	for (int k = 0; k < node->noutputs; k++)
		if (node->outputs[k].id) b->map[node->outputs[k].id] = eg_result(b->u->graph, first, k);
	return EG_OK;
}

/* A layer that sees more than its own step: `last` at the last step does not. */
static void look_at_time(builder *b, const eg_node_info *node) {
	if (!node->mixes_time || !strcmp(node->op->name, "last") || b->u->no_gradient[0]) return;
	snprintf(b->u->no_gradient, sizeof b->u->no_gradient,
	        "layer '%.60s' (%s) looks at all steps of a sequence, so there is no one state that the last step "
	        "depends on",
	        node->name, node->op->name);
}

static eg_status build(builder *b) {
	eg_node_info node;
	int nodes = eg_graph_nodes(b->old);
	copy_inputs(b);
	eg_status status = eg_graph_status(b->u->graph, b->err); /* an input that is not there is no memory, not a fault
	                                                          * of a layer */
	for (int i = 0; i < nodes && !status; i++) {
		eg_graph_node(b->old, i, &node);
		if (!(b->cell && is_recurrent(node.op))) look_at_time(b, &node);
		status = is_recurrent(node.op) ? add_recurrent(b, &node) : add_other(b, &node);
	}
	static const char *const outputs[] = {"logits", "loss"};
	for (int i = 0; i < EG_COUNT(outputs) && !status; i++) {
		eg_tensor t = eg_graph_find(b->old, outputs[i]);
		if (t.id && b->map[t.id].id) eg_output(b->u->graph, outputs[i], b->map[t.id]);
	}
	return status ? status : eg_graph_status(b->u->graph, b->err);
}

static int largest_id(eg_graph *g) {
	eg_node_info node;
	int most = 0;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &node);
		for (int k = 0; k < node.ninputs; k++) most = node.inputs[k].id > most ? node.inputs[k].id : most;
		for (int k = 0; k < node.noutputs; k++) most = node.outputs[k].id > most ? node.outputs[k].id : most;
	}
	return most;
}

/* Weights have the same names in both. */
static eg_status copy_weights(eg_params *to, eg_params *from, eg_error *err) {
	for (int i = 0; i < eg_params_count(to); i++) {
		int k = eg_params_find(from, eg_params_name(to, i));
		if (k < 0) return eg_fail(err, EG_ERR_ARG, "the model has no weights '%s'", eg_params_name(to, i));
		eg_dims d = eg_params_dims(to, i);
		memcpy(eg_params_data(to, i), eg_params_data(from, k), (size_t)eg_dims_count(&d, 0) * sizeof(eg_real));
	}
	eg_params_changed(to);
	return EG_OK;
}

eg_status eg_unroll(eg_unrolled *u, eg_model *m, const char *cell, uint64_t seed, eg_error *err) {
	eg_error why = {0};
	builder b = {.u = u, .old = eg_model_graph(m), .cell = cell, .err = &why};
	*u = (eg_unrolled){.graph = eg_graph_new(eg_graph_context(b.old), &why)};
	b.map = eg_arena_alloc(&b.arena, ((size_t)largest_id(b.old) + 1) * sizeof *b.map);
	eg_status status = u->graph && b.map ? build(&b) : no_memory(&why);
	if (!status && u->n == 0)
		status = eg_fail(&why, EG_ERR_ARG,
		        "the network has no recurrent layer (rnn, lstm, gru); so far there is nothing else that can be "
		        "inspected");
	if (!status && !(u->params = eg_params_new(u->graph, seed, &why))) status = why.status;
	if (!status && !cell) status = copy_weights(u->params, eg_model_params(m), &why);
	eg_arena_free(&b.arena);
	if (status && err) *err = why;
	return status;
}

void eg_unroll_free(eg_unrolled *u) {
	eg_params_free(u->params);
	eg_graph_free(u->graph);
	u->params = NULL, u->graph = NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

int eg_unroll_rows(const eg_unrolled *u) {
	int rows = EG_NORM_LAYERS;
	for (int i = 0; i < u->n; i++) rows += 2 * u->cell[i].layers;
	return rows;
}

const char *eg_unroll_row_name(const eg_unrolled *u, int row, char buf[96]) {
	if (row < EG_NORM_LAYERS) {
		snprintf(buf, 96, "%s", row == EG_NORM_H ? "h" : "c");
		return buf;
	}
	int k = row - EG_NORM_LAYERS, i = 0;
	while (k >= 2 * u->cell[i].layers) k -= 2 * u->cell[i++].layers;
	if (u->cell[i].layers > 1)
		snprintf(buf, 96, "%.70s layer %d %s", u->cell[i].name, k / 2 + 1, k % 2 ? "c" : "h");
	else
		snprintf(buf, 96, "%.70s %s", u->cell[i].name, k % 2 ? "c" : "h");
	return buf;
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

/* The three plans. `forward` keeps the states; `end` is G, `step` is F. */
typedef struct walk {
	const eg_unrolled *u;
	const eg_sequences *s;
	eg_plan *forward, *end, *step;
	double scale; /* of the gradients in `step`: without it they would soon leave the range of floats */
	const char *names[2 * EG_MAX_RECURRENT + 1];
	char text[2 * EG_MAX_RECURRENT][32];
} walk;

static size_t elements(const eg_memory_cell *c, int width, int N) {
	return (size_t)c->layers * (size_t)N * (size_t)width;
}

/* One wanted kind, or two, of every recurrent node. */
static const char *const *names_of(walk *w, const char *h, const char *c) {
	int n = 0;
	for (int i = 0; i < w->u->n; i++) {
		w->names[n] = eg_unroll_name(w->text[n], h, i), n++;
		if (w->u->cell[i].cells) w->names[n] = eg_unroll_name(w->text[n], c, i), n++;
	}
	w->names[n] = NULL;
	return w->names;
}

static eg_status make_plans(walk *w, eg_error *err) {
	static const char *const loss[] = {"loss", NULL};
	const eg_unrolled *u = w->u;
	eg_plan_options all = {.batch = w->s->n, .time = w->s->steps, .outputs = names_of(w, "states", "cells")};
	eg_plan_options one = {.batch = w->s->n, .time = 1, .train = true, .input_grads = true, .outputs = loss};
	eg_error why;
	w->forward = eg_plan_new(u->graph, u->params, &all, &why);
	if (w->forward) w->end = eg_plan_new(u->graph, u->params, &one, &why);
	one.outputs = names_of(w, "hn", "cn");
	if (w->end) w->step = eg_plan_new(u->graph, u->params, &one, &why);
	if (w->step) return EG_OK;
	if (err) *err = why;
	return why.status;
}

static void run_forward(walk *w) {
	const int N = w->s->n;
	memcpy(eg_plan_input(w->forward, "input"), w->s->input, w->s->input_step * (size_t)w->s->steps);
	for (int i = 0; i < w->u->n; i++) {
		const eg_memory_cell *c = &w->u->cell[i];
		memset(eg_plan_input(w->forward, NAME("h0", i)), 0, elements(c, c->hidden, N) * sizeof(eg_real));
		if (c->cells)
			memset(eg_plan_input(w->forward, NAME("c0", i)), 0, elements(c, c->cells, N) * sizeof(eg_real));
	}
	eg_plan_run(w->forward, 0);
}

/* States after t steps, (layers,N,width) out of (layers,T,N,width); at t = 0 they are zero. */
static void put_state(const walk *w, eg_plan *plan, const char *from, const char *to, int layers, int width, int t) {
	size_t row = (size_t)w->s->n * (size_t)width;
	eg_real *state = eg_plan_input(plan, to);
	const eg_real *all = eg_plan_output(w->forward, from);
	for (int l = 0; l < layers; l++) {
		eg_real *at = state + (size_t)l * row;
		if (t == 0)
			memset(at, 0, row * sizeof *at);
		else
			memcpy(at, all + ((size_t)l * (size_t)w->s->steps + (size_t)t - 1) * row, row * sizeof *at);
	}
}

/* Input of step t + 1 and the states before it. */
static void put_inputs(const walk *w, eg_plan *plan, int t) {
	memcpy(eg_plan_input(plan, "input"), (const char *)w->s->input + (size_t)t * w->s->input_step,
	        w->s->input_step);
	for (int i = 0; i < w->u->n; i++) {
		const eg_memory_cell *c = &w->u->cell[i];
		put_state(w, plan, NAME("states", i), NAME("h0", i), c->layers, c->hidden, t);
		if (c->cells) put_state(w, plan, NAME("cells", i), NAME("c0", i), c->layers, c->cells, t);
	}
}

/* Squares of one layer's gradient are added to sums[0..N-1]; returns the mean of the samples' own norms. */
static double add_norm(const eg_real *g, int N, int width, double *sums) {
	double mean = 0;
	for (int n = 0; n < N; n++) {
		double sum = 0;
		for (int j = 0; j < width; j++)
			sum += (double)g[(size_t)n * (size_t)width + (size_t)j] *
			       (double)g[(size_t)n * (size_t)width + (size_t)j];
		sums[n] += sum;
		mean += sqrt(sum) / N;
	}
	return mean;
}

/* Column t of the norms from the gradients of a plan's initial states. The loss is a mean over N samples, so one
 * sample's own gradient is N times as large. */
static void take_norms(const walk *w, eg_plan *plan, int t, double *norms, double *sums) {
	const int N = w->s->n, T = w->s->steps;
	const double factor = w->scale * N;
	int row = EG_NORM_LAYERS;
	bool any_c = false;
	memset(sums, 0, 2 * (size_t)N * sizeof *sums);
	for (int i = 0; i < w->u->n; i++) {
		const eg_memory_cell *c = &w->u->cell[i];
		const eg_real *h = eg_plan_grad(plan, NAME("h0", i)),
		              *cells = c->cells ? eg_plan_grad(plan, NAME("c0", i)) : NULL;
		for (int l = 0; l < c->layers; l++, row += 2) {
			const size_t at_h = (size_t)l * (size_t)N * (size_t)c->hidden,
			             at_c = (size_t)l * (size_t)N * (size_t)c->cells;
			norms[(size_t)row * (size_t)T + (size_t)t] = factor * add_norm(h + at_h, N, c->hidden, sums);
			norms[((size_t)row + 1) * (size_t)T + (size_t)t] = cells ? factor * add_norm(cells + at_c, N,
			                                                                            c->cells, sums + N)
			                                                         : (double)NAN;
		}
		any_c |= cells != NULL;
	}
	double h = 0, c = 0;
	for (int n = 0; n < N; n++) h += sqrt(sums[n]) / N, c += sqrt(sums[N + n]) / N;
	norms[(size_t)EG_NORM_H * (size_t)T + (size_t)t] = factor * h;
	norms[(size_t)EG_NORM_C * (size_t)T + (size_t)t] = any_c ? factor * c : (double)NAN;
}

/* Gradients of the initial states of `from` become those of the final states of `step`; multiplied by a power of two,
 * since backward is linear, so that they neither vanish nor overflow in float. */
static void hand_back(walk *w, eg_plan *from) {
	const int N = w->s->n;
	double most = 0;
	for (int pass = 0; pass < 2; pass++) {
		int power = most > 0 && isfinite(most) ? -ilogb(most) : 0;
		for (int i = 0; i < w->u->n; i++) {
			const eg_memory_cell *c = &w->u->cell[i];
			for (int k = 0; k < (c->cells ? 2 : 1); k++) {
				const eg_real *g = eg_plan_grad(from, NAME(k ? "c0" : "h0", i));
				eg_real *seed = eg_plan_grad(w->step, NAME(k ? "cn" : "hn", i));
				size_t n = elements(c, k ? c->cells : c->hidden, N);
				for (size_t j = 0; j < n && pass == 0; j++) most = fmax(most, fabs((double)g[j]));
				for (size_t j = 0; j < n && pass == 1; j++)
					seed[j] = (eg_real)ldexp((double)g[j], power);
			}
		}
		if (pass == 1) w->scale = ldexp(w->scale, -power);
	}
}

static eg_status run(walk *w, double *norms, double *sums, eg_error *err) {
	eg_status status = make_plans(w, err);
	if (status) return status;
	const int T = w->s->steps;
	run_forward(w);
	put_inputs(w, w->end, T - 1);
	memcpy(eg_plan_input(w->end, "target"), w->s->target, w->s->target_size);
	eg_plan_run(w->end, 0);
	take_norms(w, w->end, T - 1, norms, sums);
	for (int t = T - 2; t >= 0; t--) {
		hand_back(w, t == T - 2 ? w->end : w->step);
		put_inputs(w, w->step, t);
		eg_plan_run(w->step, 0);
		take_norms(w, w->step, t, norms, sums);
	}
	if (!isfinite(norms[T - 1]))
		return eg_fail(err, EG_ERR_NUMERIC,
		        "the gradient is not a number; the model is damaged or its training failed");
	return EG_OK;
}

eg_status eg_unroll_norms(const eg_unrolled *u, const eg_sequences *s, double *norms, eg_error *err) {
	walk w = {.u = u, .s = s, .scale = 1};
	if (u->no_gradient[0]) return eg_fail(err, EG_ERR_ARG, "%s", u->no_gradient);
	double *sums = eg_calloc(NULL, 2 * (size_t)s->n, sizeof *sums);
	eg_status status = sums ? run(&w, norms, sums, err) : no_memory(err);
	eg_plan_free(w.forward);
	eg_plan_free(w.end);
	eg_plan_free(w.step);
	eg_release(NULL, sums);
	return status;
}

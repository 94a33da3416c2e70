/* onnx_flow.c - If, Loop and Scan: their bodies become part of the graph. Of an If the branch that is taken, which must
 * be known; of a Loop and of a Scan over a known number of steps the body once for each step; a Scan over a length that
 * is open becomes a loop of ours (core/loop.c).
 *
 * Each copy of a body has names of its own: what it declares stands in the table behind a prefix, and what it reads is
 * looked for in it, then in what is around it. */
#include "core/graph.h"
#include "core/onnx_import.h"

#include <string.h>

/* Copies of nodes that all bodies together may become. */
enum { MOST_COPIES = 20000, MOST_STACKED = 1 << 24 };

typedef struct eg_import_scope {
	const struct eg_import_scope *outer;
	const char *prefix;
} scope;

static const char *joined(eg_import *m, const char *prefix, const char *name) {
	const char *s = !name || !*name ? "" : eg_arena_printf(&m->arena, "%s%s", prefix, name);
	if (!s) eg_import_take(m, SIZE_MAX / 2); /* which fails, as it does without memory */
	return s ? s : "";
}

/* What a name that is read in this scope stands for. */
static const char *resolved(eg_import *m, const char *name) {
	for (const scope *s = m->scope; s && name && *name; s = s->outer) {
		const char *own = joined(m, s->prefix, name);
		if (eg_import_look_up(m, own)) return own;
	}
	return name ? name : "";
}

static scope enter(eg_import *m) {
	scope s = {m->scope, joined(m, eg_import_fresh(m), "/")};
	return s;
}

/* The body's numbers and nodes, in the scope that is entered. */
static void import_body(eg_import *m, const eg_onnx_model *body) {
	m->inlined += body->nnodes + body->ntensors / 8; /* which take time as well */
	if (m->inlined > MOST_COPIES) eg_import_fail(m, "its body repeated for all steps would have more than %d nodes", MOST_COPIES);
	for (int i = 0; i < body->ntensors && !m->error.status; i++) {
		eg_import_name *k = eg_import_declare(m, joined(m, m->scope->prefix, body->tensors[i].name));
		if (k) k->numbers = &body->tensors[i];
		else eg_import_fail(m, "numbers of its body are there twice, or without a name");
	}
	for (int i = 0; i < body->nnodes && !m->error.status; i++) {
		eg_onnx_node *n = eg_import_take(m, sizeof *n);
		const char **in = eg_import_take(m, sizeof *in * (size_t)body->nodes[i].nin);
		const char **out = eg_import_take(m, sizeof *out * (size_t)body->nodes[i].nout);
		if (!n || !in || !out) return;
		*n = body->nodes[i];
		for (int k = 0; k < n->nin; k++) in[k] = resolved(m, n->in[k]);
		for (int k = 0; k < n->nout; k++) out[k] = joined(m, m->scope->prefix, n->out[k]);
		n->in = in;
		n->out = out;
		eg_import_node(m, n);
	}
}

/* An input of the body stands for this value; or, without one, for these numbers. */
static void bind(eg_import *m, const eg_onnx_model *body, int i, const char *value) {
	const char *name = joined(m, m->scope->prefix, body->inputs[i].name);
	if (!m->error.status && *name && !eg_import_alias(m, name, value)) eg_import_fail(m, "input '%.80s' of its body is nothing that is computed before it", body->inputs[i].name);
}

static void bind_number(eg_import *m, const eg_onnx_model *body, int i, eg_onnx_type type, int64_t v) {
	eg_import_name *k = eg_import_declare(m, joined(m, m->scope->prefix, body->inputs[i].name));
	eg_onnx_tensor *t = eg_import_take(m, sizeof *t);
	int64_t *data = eg_import_take(m, sizeof *data);
	if (!k || !t || !data) return;
	if (type == EG_ONNX_BOOL) *(uint8_t *)data = v != 0;
	else *data = v;
	*t = (eg_onnx_tensor){.name = k->name, .type = type, .data = data};
	k->numbers = t;
}

/* The one truth value that a name is known to be; false: it is not known. */
static bool known(eg_import *m, const char *name, int64_t *v) {
	const eg_import_name *k = eg_import_look_up(m, name);
	eg_dims dims;
	if (!k || !k->numbers || k->numbers->type == EG_ONNX_STRING || eg_import_count(k->numbers, &dims) != 1) return false;
	*v = eg_import_int_at(k->numbers, 0);
	return true;
}

static const eg_onnx_model *body_of(eg_import *m, const char *name) {
	const eg_onnx_attr *a = eg_import_attr(m, name, EG_ONNX_A_GRAPH);
	if (!a || !a->graph) eg_import_fail(m, "attribute '%s' is missing", name);
	return a ? a->graph : NULL;
}

/* Result i of the node is what `from` stands for. */
static void result(eg_import *m, int i, const char *from) {
	if (m->error.status || !*eg_import_out_name(m, i)) return;
	if (!eg_import_look_up(m, from)) eg_import_fail(m, "its body does not compute output %d", i);
	else if (!eg_import_alias(m, eg_import_out_name(m, i), from)) eg_import_fail(m, "output %d '%.80s' is the name of another value too", i, eg_import_out_name(m, i));
}

/* ---- If ---------------------------------------------------------------------------------------------------------- */

static void import_if(eg_import *m) {
	const eg_onnx_model *branches[] = {body_of(m, "else_branch"), body_of(m, "then_branch")}, *taken;
	const scope *outer = m->scope;
	int64_t yes = 0;
	if (m->error.status) return;
	if (!eg_import_has_in(m, 0) || !known(m, m->node->in[0], &yes)) {
		eg_import_fail(m, "its condition must be known when the graph is made");
		return;
	}
	taken = branches[yes != 0];
	if (!taken) return; /* it has been told */
	if (taken->noutputs != m->node->nout) eg_import_fail(m, "its branch has %d outputs, %d are read", taken->noutputs, m->node->nout);
	const scope s = enter(m);
	m->scope = &s;
	import_body(m, taken);
	for (int i = 0; i < m->node->nout; i++) result(m, i, m->error.status ? "" : resolved(m, taken->outputs[i].name));
	m->scope = outer;
}

/* ---- steps one upon another -------------------------------------------------------------------------------------- */

/* The value of a name, as operators compute with it. */
static eg_tensor value_of(eg_import *m, const char *name) {
	const eg_onnx_node *node = m->node;
	eg_onnx_node reader = *node;
	reader.nin = 1;
	reader.in = &name;
	m->node = &reader;
	const eg_tensor t = eg_import_in(m, 0);
	m->node = node;
	return t;
}

static eg_tensor with_axis(eg_import *m, eg_tensor t, int axis) {
	return eg_import_put(m, "unsqueeze", &t, 1, (eg_import_setting[]){{.name = "axes", .ints = &axis, .n = 1}, {0}});
}

/* n values of one shape along a new axis. */
static eg_tensor stacked(eg_import *m, const char *const *names, int n, int axis) {
	eg_tensor whole = {0}, part[EG_MAX_INPUTS];
	const eg_import_setting set[] = {{.name = "axis", .ints = &axis, .n = 1}, {0}};
	int have = 0;
	for (int i = 0; i < n && !m->error.status; i++) {
		part[have++] = with_axis(m, value_of(m, names[i]), axis);
		if (have < EG_MAX_INPUTS && i + 1 < n) continue;
		whole = have == 1 ? part[0] : eg_import_put(m, "concat", part, have, set);
		part[0] = whole;
		have = 1;
	}
	return whole;
}

/* The same of numbers of the model, along a new first axis; false: they are none, or unlike each other. */
static bool stack_numbers(eg_import *m, int i, const char *const *names, int n) {
	const eg_onnx_tensor *first = n ? eg_import_look_up(m, names[0])->numbers : NULL;
	eg_dims dims, other, all = {0};
	const int64_t each = first && first->type != EG_ONNX_STRING ? eg_import_count(first, &dims) : -1;
	if (each < 0 || dims.rank == EG_MAX_DIMS || each > MOST_STACKED / n) return false;
	const size_t bytes = (size_t)each * eg_onnx_type_size(first->type);
	char *v = eg_import_take(m, bytes * (size_t)n);
	for (int k = 0; k < n && v; k++) {
		const eg_onnx_tensor *t = eg_import_look_up(m, names[k])->numbers;
		if (!t || t->type != first->type || eg_import_count(t, &other) != each || other.rank != dims.rank) return false;
		if (bytes) memcpy(v + (size_t)k * bytes, t->data, bytes);
	}
	all.rank = dims.rank + 1;
	all.d[0] = n;
	for (int k = 0; k < dims.rank; k++) all.d[k + 1] = dims.d[k];
	if (v) eg_import_put_numbers(m, i, first->type, &all, v);
	return true;
}

/* Result i is what these names stand for, one a step. */
static void stack(eg_import *m, int i, const char *const *names, int n, int axis) {
	if (m->error.status || !*eg_import_out_name(m, i)) return;
	for (int k = 0; k < n; k++)
		if (!eg_import_look_up(m, names[k])) {
			eg_import_fail(m, "its body does not compute output %d", i);
			return;
		}
	if (n < 1) eg_import_fail(m, "it has no steps, so that output %d would be empty", i);
	else if (axis != 0 || !stack_numbers(m, i, names, n)) {
		const eg_import_name *first = eg_import_look_up(m, names[0]);
		const eg_onnx_type type = first->type;
		eg_import_out(m, i, stacked(m, names, n, axis));
		eg_import_name *k = m->error.status ? NULL : eg_import_look_up(m, eg_import_out_name(m, i));
		if (k) k->type = type;
	}
}

/* ---- Loop -------------------------------------------------------------------------------------------------------- */

typedef struct steps {
	const eg_onnx_model *body;
	int states, outputs;      /* outputs: one a step each */
	const char **state;       /* what they are before the next step */
	const char **made;        /* outputs of all steps: made[output * room + step] */
	int n, room;
} steps;

static bool new_steps(eg_import *m, steps *s, int first_in) {
	s->state = eg_import_take(m, sizeof *s->state * (size_t)(s->states + 1));
	for (int i = 0; i < s->states && s->state; i++) s->state[i] = eg_import_has_in(m, first_in + i) ? m->node->in[first_in + i] : "";
	return s->state;
}

/* Room for what another step makes. */
static bool more_room(eg_import *m, steps *s) {
	if (s->n < s->room) return true;
	const int room = s->room ? 2 * s->room : 16;
	const char **made = eg_import_take(m, sizeof *made * (size_t)room * (size_t)(s->outputs + 1));
	for (int i = 0; i < s->outputs && made && s->n; i++) memcpy(made + i * room, s->made + i * s->room, sizeof *made * (size_t)s->n);
	s->made = made;
	s->room = room;
	return made;
}

/* A step is over: what the body's outputs, from `first` on, are now. */
static void end_step(eg_import *m, steps *s, int first) {
	if (m->error.status || !more_room(m, s)) return;
	for (int i = 0; i < s->states; i++) s->state[i] = resolved(m, s->body->outputs[first + i].name);
	for (int i = 0; i < s->outputs; i++) s->made[i * s->room + s->n] = resolved(m, s->body->outputs[first + s->states + i].name);
	s->n++;
}

/* Output i of all steps; NULL: there was no step. */
static const char **made_by(const steps *s, int i) { return s->made ? s->made + i * s->room : NULL; }

static void import_loop(eg_import *m) {
	const eg_onnx_node *n = m->node;
	steps s = {.body = body_of(m, "body"), .states = n->nin > 2 ? n->nin - 2 : 0};
	const scope *outer = m->scope;
	int64_t count = INT64_MAX, on = 1;
	if (m->error.status || !s.body) return;
	s.outputs = n->nout - s.states;
	if (eg_import_has_in(m, 0) && !known(m, n->in[0], &count)) eg_import_fail(m, "its number of steps must be known when the graph is made");
	if (eg_import_has_in(m, 1) && !known(m, n->in[1], &on)) eg_import_fail(m, "its condition must be known when the graph is made");
	if (s.outputs < 0 || s.body->ninputs != 2 + s.states || s.body->noutputs != 1 + n->nout)
		eg_import_fail(m, "its body has %d inputs and %d outputs, which is not as many as belong to it", s.body->ninputs, s.body->noutputs);
	if (m->error.status || !new_steps(m, &s, 2)) return;
	for (int64_t t = 0; t < count && on && !m->error.status; t++) {
		const scope here = enter(m);
		m->scope = &here;
		bind_number(m, s.body, 0, EG_ONNX_INT64, t);
		bind_number(m, s.body, 1, EG_ONNX_BOOL, on);
		for (int i = 0; i < s.states; i++) bind(m, s.body, 2 + i, s.state[i]);
		m->inlined++; /* a body without nodes does not go on for ever */
		import_body(m, s.body);
		if (!m->error.status && !known(m, resolved(m, s.body->outputs[0].name), &on))
			eg_import_fail(m, "whether it goes on after step %lld is not known when the graph is made", (long long)t);
		end_step(m, &s, 1);
		m->scope = outer;
	}
	m->scope = outer;
	for (int i = 0; i < s.states; i++) result(m, i, m->error.status ? "" : s.state[i]);
	for (int i = 0; i < s.outputs && !m->error.status; i++) stack(m, s.states + i, made_by(&s, i), s.n, 0);
}

/* ---- Scan -------------------------------------------------------------------------------------------------------- */

enum { MOST_SCANNED = 32 };

typedef struct scan {
	const eg_onnx_model *body;
	int states, inputs, outputs;
	int64_t axis[MOST_SCANNED], reverse[MOST_SCANNED], out_axis[MOST_SCANNED], out_reverse[MOST_SCANNED];
	int64_t length; /* of all inputs; below 0: open */
} scan;

static bool read_list(eg_import *m, const char *name, int64_t *v, int n) {
	const int have = eg_import_int_list(m, name, v, MOST_SCANNED);
	if (have >= 0 && have != n) eg_import_fail(m, "attribute '%s' has %d numbers, not %d", name, have, n);
	return !m->error.status;
}

static bool read_scan(eg_import *m, scan *s) {
	const eg_onnx_node *n = m->node;
	s->body = body_of(m, "body");
	s->inputs = (int)eg_import_int(m, "num_scan_inputs", 0);
	s->states = n->nin - s->inputs;
	s->outputs = n->nout - s->states;
	if (m->error.status) return false;
	if (eg_import_opset(m) < 9) eg_import_fail(m, "its form of before opset 9 is not supported");
	if (s->inputs < 1 || s->inputs > MOST_SCANNED || s->states < 0 || s->outputs < 0 || s->outputs > MOST_SCANNED || s->body->ninputs != n->nin || s->body->noutputs != n->nout)
		eg_import_fail(m, "its body has %d inputs and %d outputs, which is not as many as belong to it", s->body->ninputs, s->body->noutputs);
	if (m->error.status || !read_list(m, "scan_input_axes", s->axis, s->inputs) || !read_list(m, "scan_input_directions", s->reverse, s->inputs) ||
		!read_list(m, "scan_output_axes", s->out_axis, s->outputs) || !read_list(m, "scan_output_directions", s->out_reverse, s->outputs))
		return false;
	for (int i = 0; i < s->inputs && !m->error.status; i++) {
		const eg_dims d = eg_import_in_dims(m, s->states + i);
		if (s->axis[i] < 0) s->axis[i] += d.rank;
		if (s->axis[i] < 0 || s->axis[i] >= d.rank) eg_import_fail(m, "input %d has no axis %lld", s->states + i, (long long)s->axis[i]);
		else if (i > 0 && d.d[s->axis[i]] != s->length) eg_import_fail(m, "its inputs have different numbers of steps");
		else s->length = d.d[s->axis[i]];
	}
	return !m->error.status;
}

/* Step t of an input. */
static eg_tensor step_of(eg_import *m, eg_tensor x, int64_t axis, int64_t t) {
	const int a = (int)axis, from = (int)t, to = from + 1;
	x = eg_import_put(m, "slice", &x, 1, (eg_import_setting[]){{.name = "starts", .ints = &from, .n = 1}, {.name = "ends", .ints = &to, .n = 1}, {.name = "axes", .ints = &a, .n = 1}, {0}});
	return eg_import_put(m, "squeeze", &x, 1, (eg_import_setting[]){{.name = "axes", .ints = &a, .n = 1}, {0}});
}

static void bind_tensor(eg_import *m, const eg_onnx_model *body, int i, eg_tensor t) {
	eg_import_name *k = m->error.status ? NULL : eg_import_declare(m, joined(m, m->scope->prefix, body->inputs[i].name));
	if (k) k->value = t;
	else eg_import_fail(m, "input %d of its body has no name of its own", i);
}

static void unroll(eg_import *m, const scan *c) {
	steps s = {.body = c->body, .states = c->states, .outputs = c->outputs};
	const scope *outer = m->scope;
	if (!new_steps(m, &s, 0)) return;
	for (int64_t t = 0; t < c->length && !m->error.status; t++) {
		const scope here = enter(m);
		m->scope = &here;
		for (int i = 0; i < c->states; i++) bind(m, c->body, i, s.state[i]);
		for (int i = 0; i < c->inputs; i++)
			bind_tensor(m, c->body, c->states + i, step_of(m, eg_import_in(m, c->states + i), c->axis[i], c->reverse[i] ? c->length - 1 - t : t));
		m->inlined++;
		import_body(m, c->body);
		end_step(m, &s, 0);
		m->scope = outer;
	}
	m->scope = outer;
	for (int i = 0; i < c->states; i++) result(m, i, m->error.status ? "" : s.state[i]);
	for (int i = 0; i < c->outputs && !m->error.status; i++) {
		const char **made = made_by(&s, i);
		for (int a = 0, b = s.n - 1; c->out_reverse[i] && a < b; a++, b--) {
			const char *swap = made[a];
			made[a] = made[b];
			made[b] = swap;
		}
		stack(m, c->states + i, made, s.n, (int)c->out_axis[i]);
	}
}

/* ---- Scan as a loop of ours -------------------------------------------------------------------------------------- */

/* The axis first, or back from there. */
static eg_tensor axis_moved(eg_import *m, eg_tensor x, int64_t axis, bool back) {
	const int rank = eg_tensor_dims(m->graph, x).rank;
	int perm[EG_MAX_DIMS], n = 0;
	if (axis < 0) axis += rank;
	if (axis == 0 || m->error.status) return x;
	if (axis < 0 || axis >= rank) {
		eg_import_fail(m, "a sequence has no axis %lld", (long long)axis);
		return x;
	}
	if (!back) perm[n++] = (int)axis;
	for (int i = back ? 1 : 0; i < rank; i++) {
		if (back && n == axis) perm[n++] = 0;
		if (back || i != axis) perm[n++] = i;
	}
	if (n < rank) perm[n++] = 0;
	return eg_import_put(m, "transpose", &x, 1, (eg_import_setting[]){{.name = "perm", .ints = perm, .n = rank}, {0}});
}

/* Values that were put into the graph while the loop was built belong to it: constants, and other types of values. */
static void forget_since(eg_import *m, int last) {
	for (size_t i = 0; i < m->room; i++) {
		eg_import_name *k = m->names[i];
		if (k && k->value.id > last && (k->numbers || k->fill)) k->value = k->plain = (eg_tensor){0};
		else if (k && k->value.id <= last && k->plain.id > last) k->plain = (eg_tensor){0};
	}
}

static eg_tensor begin_state(eg_import *m, int i, const char *name) {
	eg_graph *g = m->graph;
	const eg_import_name *k = eg_import_has_in(m, i) ? eg_import_look_up(m, m->node->in[i]) : NULL;
	eg_dims dims = {0};
	if (!k || !k->fill || eg_import_number_at(k->fill, 0) != 0) {
		const eg_tensor initial = eg_import_in(m, i);
		return m->error.status ? initial : eg_loop_state(g, name, eg_tensor_dims(g, initial), initial, false);
	}
	dims.rank = k->shape->n;
	for (int d = 0; d < dims.rank && d < EG_MAX_DIMS; d++) dims.d[d] = k->shape->v[d];
	return eg_loop_state(g, name, dims, (eg_tensor){0}, false);
}

static void graph_failed(eg_import *m) {
	eg_error err;
	if (!m->error.status && eg_graph_status(m->graph, &err)) eg_import_fail(m, "%s", err.message);
}

/* What a loop's outputs are called in the table. */
static void as_loop(eg_import *m, const scan *c) {
	eg_graph *g = m->graph;
	const scope *outer = m->scope, here = enter(m);
	eg_tensor x[MOST_SCANNED], state[MOST_SCANNED], out[MOST_SCANNED];
	const char *name = m->node->name && *m->node->name ? m->node->name : eg_arena_printf(&m->arena, "scan%d", m->between);
	for (int i = 0; i < c->inputs; i++) {
		x[i] = axis_moved(m, eg_import_in(m, c->states + i), c->axis[i], false);
		if (c->reverse[i] != c->reverse[0]) eg_import_fail(m, "inputs that are read in different directions are not supported where their length is open");
	}
	for (int i = 0; i < c->outputs; i++)
		if (c->out_reverse[i] != c->reverse[0]) eg_import_fail(m, "outputs in another direction than the inputs are not supported where their length is open");
	for (int i = 0; i < c->states; i++) /* in the graph before the loop begins */
		if (!eg_import_is_zero(m, i)) eg_import_in(m, i);
	if (c->states > MOST_SCANNED) eg_import_fail(m, "it has more than %d states", MOST_SCANNED);
	if (m->error.status || !name) return;
	const int last = g->nvalues;
	m->scope = &here;
	eg_loop_begin(g, name, c->reverse[0] != 0, (eg_tensor){0});
	for (int i = 0; i < c->states; i++) {
		state[i] = begin_state(m, i, eg_arena_printf(&m->arena, "%s.state%d", name, i));
		bind_tensor(m, c->body, i, state[i]);
	}
	for (int i = 0; i < c->inputs; i++) bind_tensor(m, c->body, c->states + i, eg_loop_input(g, x[i]));
	graph_failed(m);
	if (!m->error.status) import_body(m, c->body);
	for (int i = 0; i < c->states && !m->error.status; i++) eg_loop_next(g, state[i], value_of(m, resolved(m, c->body->outputs[i].name)));
	for (int i = 0; i < c->outputs && !m->error.status; i++) out[i] = value_of(m, resolved(m, c->body->outputs[c->states + i].name));
	if (!m->error.status) eg_loop_end(g);
	graph_failed(m);
	m->scope = outer;
	for (int i = 0; i < c->states && !m->error.status; i++)
		if (*eg_import_out_name(m, i)) eg_import_out(m, i, eg_loop_last(g, state[i]));
	for (int i = 0; i < c->outputs && !m->error.status; i++)
		if (*eg_import_out_name(m, c->states + i)) eg_import_out(m, c->states + i, axis_moved(m, eg_loop_output(g, out[i]), c->out_axis[i], true));
	graph_failed(m);
	if (!m->error.status) forget_since(m, last);
}

bool eg_import_flow(eg_import *m) {
	const char *type = m->node->type ? m->node->type : "";
	scan c = {0};
	if (!strcmp(type, "If")) import_if(m);
	else if (!strcmp(type, "Loop")) import_loop(m);
	else if (strcmp(type, "Scan") != 0) return false;
	else if (read_scan(m, &c)) {
		if (c.length < 0) as_loop(m, &c);
		else unroll(m, &c);
	}
	return true;
}

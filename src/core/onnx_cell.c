/* onnx_cell.c - recurrent layers of ONNX that ours have no options for: activations with numbers of their own (alpha,
 * beta), others in each direction, and what goes into them cut off (clip). Each direction becomes a loop of ours, whose
 * body is the cell in ONNX's equations. Those that our layers know are theirs (recurrent_onnx.c). */
#define _POSIX_C_SOURCE 200809L /* strcasecmp */

#include "core/graph.h"
#include "core/onnx_put.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { MOST_ACTS = 6, X = 0, W = 1, R = 2, B = 3, LENGTHS = 4, H0 = 5, C0 = 6, P = 7 };

typedef struct act {
	const char *name;
	float alpha, beta;
} act;

typedef struct cell {
	char kind; /* of LSTM, GRU, RNN the first letter */
	int gates, dirs, dir;
	int64_t H, I;
	bool batch_first, backwards, coupled, after;
	double clip;
	act acts[MOST_ACTS];
	const real *w, *r, *b, *p;
	eg_tensor x, lengths, h, c; /* h, c: states of this direction */
} cell;

/* ---- activations ------------------------------------------------------------------------------------------------- */

/* alpha, beta: what they are when nothing is said; NAN: there is none. */
static const struct kind {
	const char *name, *op;
	double alpha, beta;
} kinds[] = {{"Relu", "relu", NAN, NAN}, {"Tanh", "tanh", NAN, NAN}, {"Sigmoid", "sigmoid", NAN, NAN}, {"Affine", NULL, 1, 0}, {"LeakyRelu", "leaky_relu", 0.01, NAN},
	{"ThresholdedRelu", "thresholded_relu", 1, NAN}, {"ScaledTanh", "scaled_tanh", 1, 1}, {"HardSigmoid", "hardsigmoid", 0.2, 0.5}, {"Elu", "elu", 1, NAN},
	{"Softsign", "softsign", NAN, NAN}, {"Softplus", "softplus", NAN, NAN}};

static const struct kind *kind_of(const char *name) {
	for (int i = 0; i < EG_COUNT(kinds); i++)
		if (!strcasecmp(kinds[i].name, name)) return &kinds[i];
	return NULL;
}

static int acts_of(char kind) { return kind == 'L' ? 3 : kind == 'G' ? 2 : 1; }

static eg_tensor activated(eg_import *m, const cell *c, int which, eg_tensor x) {
	const act *a = &c->acts[which + c->dir * acts_of(c->kind)];
	const struct kind *k = kind_of(a->name);
	eg_import_setting set[3] = {{0}};
	int n = 0;
	if (!k) {
		eg_import_fail(m, "activation '%.40s' is not supported", a->name);
		return x;
	}
	/* what becomes of the cell is not cut off, as in onnxruntime */
	if (c->clip > 0 && which < 2) x = eg_import_put(m, "clip", &x, 1, (eg_import_setting[]){{.name = "min", .real = -c->clip}, {.name = "max", .real = c->clip}, {0}});
	if (!k->op) return two(m, "add", two(m, "mul", x, number(m, (double)a->alpha)), number(m, (double)a->beta));
	if (!isnan(k->alpha)) set[n++] = (eg_import_setting){.name = "alpha", .real = (double)a->alpha};
	if (!isnan(k->beta)) set[n++] = (eg_import_setting){.name = "beta", .real = (double)a->beta};
	return eg_import_put(m, k->op, &x, 1, set);
}

/* Numbers are handed out in order to those that have such. */
static void read_acts(eg_import *m, cell *c) {
	static const char *const defaults[] = {"Sigmoid", "Tanh", "Tanh"};
	const int each = acts_of(c->kind);
	const char *names[MOST_ACTS];
	float alpha[MOST_ACTS], beta[MOST_ACTS];
	const int n = eg_import_string_list(m, "activations", names, MOST_ACTS);
	const int alphas = eg_import_float_list(m, "activation_alpha", alpha, MOST_ACTS), betas = eg_import_float_list(m, "activation_beta", beta, MOST_ACTS);
	if (n >= 0 && n != each * c->dirs) eg_import_fail(m, "it has %d activations, %d are needed", n, each * c->dirs);
	for (int i = 0, a = 0, b = 0; i < each * c->dirs && !m->error.status; i++) {
		const char *name = n > 0 ? names[i] : defaults[c->kind == 'R' ? 1 : i % each];
		const struct kind *k = kind_of(name);
		c->acts[i] = (act){name, 0, 0};
		if (k && !isnan(k->alpha)) c->acts[i].alpha = a < alphas ? alpha[a++] : (float)k->alpha;
		if (k && !isnan(k->beta)) c->acts[i].beta = b < betas ? beta[b++] : (float)k->beta;
	}
}

/* Relu, Tanh and Sigmoid, the same in both directions. */
static bool ours(const eg_onnx_attr *a, int each) {
	bool all = a->kind == EG_ONNX_STRINGS;
	for (int i = 0; all && i < a->n; i++) {
		const struct kind *k = kind_of(a->strings[i]);
		all = k && k < kinds + 3 && (i < each || !strcasecmp(a->strings[i], a->strings[i - each]));
	}
	return all;
}

/* Is there anything that our layers have no options for? Nothing is read by this. */
static bool beyond_ours(const eg_import *m, char kind) {
	bool beyond = false;
	for (int i = 0; i < m->node->nattrs; i++) {
		const eg_onnx_attr *a = &m->node->attrs[i];
		const char *name = a->name ? a->name : "";
		if (!strcmp(name, "clip")) beyond |= a->f != 0;
		else if (!strncmp(name, "activation_", 11)) beyond |= a->n > 0;
		else if (!strcmp(name, "activations")) beyond |= !ours(a, acts_of(kind));
	}
	return beyond;
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

static eg_tensor linear(eg_import *m, eg_tensor x, const real *w, int64_t units, int64_t features, const real *bias) {
	const int n = (int)units, on = bias != NULL;
	const eg_tensor y = eg_import_put(m, "linear", &x, 1, (eg_import_setting[]){{.name = "units", .ints = &n, .n = 1}, {.name = "bias", .ints = &on, .n = 1}, {0}});
	eg_import_param(m, y, "weight", w, units * features);
	if (bias) eg_import_param(m, y, "bias", bias, units);
	return y;
}

/* Part `which` of (N, n H). */
static eg_tensor gate(eg_import *m, const cell *c, eg_tensor x, int which) {
	const int from = which * (int)c->H, to = from + (int)c->H, axis = 1;
	return eg_import_put(m, "slice", &x, 1, (eg_import_setting[]){{.name = "starts", .ints = &from, .n = 1}, {.name = "ends", .ints = &to, .n = 1}, {.name = "axes", .ints = &axis, .n = 1}, {0}});
}

/* x plus a state times its peephole. */
static eg_tensor peeped(eg_import *m, const cell *c, eg_tensor x, eg_tensor state, int which) {
	if (!c->p) return x;
	const eg_tensor p = eg_constant(m->graph, c->p + (c->dir * 3 + which) * c->H, EG_F32, EG_DIMS(c->H));
	return two(m, "add", x, two(m, "mul", state, p));
}

static eg_tensor less_one(eg_import *m, eg_tensor x) { return two(m, "sub", number(m, 1), x); }

/* What the states become; gx: what the input adds to the gates, with all biases but the last one of `after`. */
static eg_tensor lstm_step(eg_import *m, const cell *c, eg_tensor gx, eg_tensor *next_c) {
	const eg_tensor s = two(m, "add", gx, linear(m, c->h, c->r + c->dir * 4 * c->H * c->H, 4 * c->H, c->H, NULL));
	const eg_tensor i = activated(m, c, 0, peeped(m, c, gate(m, c, s, 0), c->c, 0));
	const eg_tensor f = c->coupled ? less_one(m, i) : activated(m, c, 0, peeped(m, c, gate(m, c, s, 2), c->c, 2));
	*next_c = two(m, "add", two(m, "mul", f, c->c), two(m, "mul", i, activated(m, c, 1, gate(m, c, s, 3))));
	const eg_tensor o = activated(m, c, 0, peeped(m, c, gate(m, c, s, 1), *next_c, 1));
	return two(m, "mul", o, activated(m, c, 2, *next_c));
}

static eg_tensor gru_step(eg_import *m, const cell *c, eg_tensor gx) {
	const int64_t HH = c->H * c->H;
	const real *r = c->r + c->dir * 3 * HH, *rb = c->b ? c->b + c->dir * 6 * c->H + 5 * c->H : NULL;
	const eg_tensor s = linear(m, c->h, r, 2 * c->H, c->H, NULL);
	const eg_tensor z = activated(m, c, 0, two(m, "add", gate(m, c, gx, 0), gate(m, c, s, 0)));
	const eg_tensor reset = activated(m, c, 0, two(m, "add", gate(m, c, gx, 1), gate(m, c, s, 1)));
	const eg_tensor part = c->after ? two(m, "mul", reset, linear(m, c->h, r + 2 * HH, c->H, c->H, rb)) : linear(m, two(m, "mul", reset, c->h), r + 2 * HH, c->H, c->H, NULL);
	const eg_tensor y = activated(m, c, 1, two(m, "add", gate(m, c, gx, 2), part));
	return two(m, "add", two(m, "mul", less_one(m, z), y), two(m, "mul", z, c->h));
}

/* Both biases of each gate; of a gru that resets after the product the last one is apart. */
static const real *sums(eg_import *m, const cell *c) {
	const int64_t n = c->gates * c->H;
	const real *b = c->b ? c->b + c->dir * 2 * n : NULL;
	real *s = b ? eg_import_room(m, n) : NULL;
	for (int64_t i = 0; i < n && s; i++) s[i] = b[i] + (c->after && i >= n - c->H ? 0 : b[n + i]);
	return s;
}

/* Of (dirs,N,H), this direction's; an initial state that is left out is zero. */
static eg_tensor state(eg_import *m, const cell *c, int input) {
	const int from = c->dir, to = from + 1, axis = c->batch_first ? 1 : 0;
	if (eg_import_no_state(m, input, axis, c->dirs, c->H)) return (eg_tensor){0};
	eg_tensor x = eg_import_in(m, input);
	x = eg_import_put(m, "slice", &x, 1, (eg_import_setting[]){{.name = "starts", .ints = &from, .n = 1}, {.name = "ends", .ints = &to, .n = 1}, {.name = "axes", .ints = &axis, .n = 1}, {0}});
	return eg_import_put(m, "squeeze", &x, 1, (eg_import_setting[]){{.name = "axes", .ints = &axis, .n = 1}, {0}});
}

static void graph_failed(eg_import *m) {
	eg_error err;
	if (!m->error.status && eg_graph_status(m->graph, &err)) eg_import_fail(m, "%s", err.message);
}

/* One direction: all its states, and the last ones. */
static void run(eg_import *m, cell *c, eg_tensor out[3]) {
	eg_graph *g = m->graph;
	const bool lstm = c->kind == 'L';
	const char *name = eg_arena_printf(&m->arena, "cell%d", ++m->between);
	const eg_dims d = eg_tensor_dims(g, c->x);
	const eg_tensor gx = linear(m, c->x, c->w + c->dir * c->gates * c->H * c->I, c->gates * c->H, c->I, sums(m, c)), h0 = state(m, c, H0), c0 = lstm ? state(m, c, C0) : (eg_tensor){0};
	if (m->error.status || !name || d.rank != 3) return;
	eg_tensor next_c = {0};
	eg_loop_begin(g, name, c->backwards || c->dir, c->lengths);
	const eg_tensor step = eg_loop_input(g, gx);
	c->h = eg_loop_state(g, eg_arena_printf(&m->arena, "%s.h", name), EG_DIMS(d.d[1], c->H), h0, false);
	if (lstm) c->c = eg_loop_state(g, eg_arena_printf(&m->arena, "%s.c", name), EG_DIMS(d.d[1], c->H), c0, false);
	graph_failed(m);
	const eg_tensor next = lstm ? lstm_step(m, c, step, &next_c) : c->kind == 'G' ? gru_step(m, c, step) :
		activated(m, c, 0, two(m, "add", step, linear(m, c->h, c->r + c->dir * c->H * c->H, c->H, c->H, NULL)));
	if (m->error.status) return;
	eg_loop_next(g, c->h, next);
	if (lstm) eg_loop_next(g, c->c, next_c);
	eg_loop_end(g);
	out[0] = eg_loop_output(g, next);
	out[1] = eg_loop_last(g, c->h);
	if (lstm) out[2] = eg_loop_last(g, c->c);
	graph_failed(m);
}

/* ---- the node ---------------------------------------------------------------------------------------------------- */

static bool fits(eg_import *m, cell *c) {
	eg_dims w, r, b = {0}, p = {0};
	const char *direction = eg_import_string(m, "direction", "forward");
	c->dirs = !strcmp(direction, "bidirectional") ? 2 : 1;
	c->backwards = !strcmp(direction, "reverse");
	if (c->dirs == 1 && !c->backwards && strcmp(direction, "forward") != 0) eg_import_fail(m, "there is no direction '%.40s'", direction);
	c->batch_first = eg_import_int(m, "layout", 0);
	c->clip = eg_import_float(m, "clip", 0);
	c->coupled = c->kind == 'L' && eg_import_int(m, "input_forget", 0);
	c->after = c->kind == 'G' && eg_import_int(m, "linear_before_reset", 0);
	c->w = eg_import_reals(m, W, &w);
	c->r = eg_import_reals(m, R, &r);
	c->b = eg_import_has_in(m, B) ? eg_import_reals(m, B, &b) : NULL;
	c->p = eg_import_has_in(m, P) ? eg_import_reals(m, P, &p) : NULL;
	if (m->error.status) return false;
	c->H = r.rank == 3 ? r.d[2] : 0;
	c->I = w.rank == 3 ? w.d[2] : 0;
	if (c->H < 1 || c->I < 1 || eg_import_int(m, "hidden_size", c->H) != c->H || r.d[0] != c->dirs || w.d[0] != c->dirs || r.d[1] != c->gates * c->H || w.d[1] != r.d[1] ||
		(c->b && (b.rank != 2 || b.d[0] != c->dirs || b.d[1] != 2 * r.d[1])) || (c->p && (p.rank != 2 || p.d[0] != c->dirs || p.d[1] != 3 * c->H)))
		eg_import_fail(m, "its weights do not fit together");
	read_acts(m, c);
	return !m->error.status;
}

static eg_tensor turned(eg_import *m, eg_tensor x, const int *perm, int n) {
	return eg_import_put(m, "transpose", &x, 1, (eg_import_setting[]){{.name = "perm", .ints = perm, .n = n}, {0}});
}

/* The directions side by side along a new axis. */
static eg_tensor joined(eg_import *m, const cell *c, eg_tensor out[2][3], int which) {
	const int axis = which ? 0 : 1;
	eg_tensor part[2];
	for (int d = 0; d < c->dirs; d++) part[d] = eg_import_put(m, "unsqueeze", &out[d][which], 1, (eg_import_setting[]){{.name = "axes", .ints = &axis, .n = 1}, {0}});
	const eg_tensor y = c->dirs == 1 ? part[0] : eg_import_put(m, "concat", part, 2, (eg_import_setting[]){{.name = "axis", .ints = &axis, .n = 1}, {0}});
	if (!c->batch_first) return y;
	return which ? turned(m, y, (const int[]){1, 0, 2}, 3) : turned(m, y, (const int[]){2, 0, 1, 3}, 4);
}

bool eg_import_cell(eg_import *m) {
	cell c = {.kind = m->node->type[0]};
	eg_tensor out[2][3] = {{{0}}};
	if (!beyond_ours(m, c.kind)) return false;
	c.gates = c.kind == 'L' ? 4 : c.kind == 'G' ? 3 : 1;
	eg_import_int(m, "output_sequence", 0);
	if (!fits(m, &c)) return true;
	c.x = eg_import_in(m, X);
	c.lengths = eg_import_in(m, LENGTHS);
	if (c.batch_first) c.x = turned(m, c.x, (const int[]){1, 0, 2}, 3);
	for (; c.dir < c.dirs; c.dir++) run(m, &c, out[c.dir]);
	for (int i = 0; i < eg_import_nout(m) && i < 3 && !m->error.status; i++)
		if (*eg_import_out_name(m, i)) eg_import_out(m, i, joined(m, &c, out, i));
	return true;
}

/* pytorch.c - weights under the names of PyTorch's state dicts. See engram_pytorch.h.
 *
 * A layer is a list of slots: tensors that its module has there. Most are a weight of ours as it is; those of recurrent
 * layers are a part of one, with the gates in another order. */
#include "engram_pytorch.h"
#include "io/safetensors.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SLOTS = 160, MOST_GATES = 4, NAME = 96, TEXT = 800 };

typedef enum slot_kind { WHOLE, GATES, BIAS_IH, BIAS_HH } slot_kind;

typedef struct slot {
	char suffix[NAME]; /* behind the module's name: "weight_ih_l0" */
	eg_dims dims;      /* there */
	slot_kind kind;
	int param, apart; /* ours; apart: q of a gru, -1: none */
	int dir;
} slot;

typedef struct layer {
	const char *name, *op;
	slot slots[MOST_SLOTS];
	int n;
	char module[2 * NAME]; /* that was found for it */
	bool found;
} layer;

/* Where gate k of ours is there, of rnn; of lstm, i o f c: i f g o; of gru, z r n: r z n. */
static const int orders[3][MOST_GATES] = {{0}, {0, 3, 1, 2}, {1, 0, 2}};

typedef struct weights {
	const eg_graph *graph;
	eg_params *params;
	layer *layers;
	int n;
	eg_error *err;
} weights;

/* ---- what layers have there -------------------------------------------------------------------------------------- */

static int family(const char *op) { return !strcmp(op, "rnn") ? 0 : !strcmp(op, "lstm") ? 1 : !strcmp(op, "gru") ? 2 : -1; }
static int gates_of(int f) { return f == 1 ? 4 : f == 2 ? 3 : 1; }

static eg_status add_slot(weights *w, layer *l, const char *suffix, eg_dims dims, slot_kind kind, int param, int apart, int dir) {
	if (l->n == MOST_SLOTS) return eg_fail(w->err, EG_ERR_ARG, "layer '%s' has more weights than are expected", l->name);
	slot *s = &l->slots[l->n++];
	*s = (slot){.dims = dims, .kind = kind, .param = param, .apart = apart, .dir = dir};
	snprintf(s->suffix, sizeof s->suffix, "%.90s", suffix);
	return EG_OK;
}

static int find(const weights *w, const char *of, int number, const char *what) {
	char name[2 * NAME];
	snprintf(name, sizeof name, "%.90s.l%d.%s", of, number, what);
	return eg_params_find(w->params, name);
}

static int attribute(const eg_node_info *n, const char *name) {
	for (int i = 0; i < n->op->nattrs; i++) {
		const eg_attr *a = &n->op->attrs[i];
		const char *at = (const char *)n->options + a->offset;
		if (strcmp(a->name, name) != 0) continue;
		if (a->type == EG_ATTR_FLOAT) return *(const float *)at > 0;
		return a->type == EG_ATTR_BOOL || a->type == EG_ATTR_NOT ? *(const bool *)at : *(const int *)at;
	}
	return 0;
}

/* PyTorch has the plain forms alone. */
static eg_status check_recurrent(const weights *w, const eg_node_info *n) {
	static const char *const others[] = {"peephole", "coupled", "projection", "layer_norm", "decay", "gate_activation", "output_activation", "reverse", "merge",
		"reset", "update", "zoneout", "cell_zoneout", "cell_clip"};
	for (int i = 0; i < EG_COUNT(others); i++)
		if (attribute(n, others[i])) return eg_fail(w->err, EG_ERR_ARG, "layer '%s': PyTorch's %s has nothing like '%s'", n->name, n->op->name, others[i]);
	const int act = attribute(n, "activation"); /* tanh, relu */
	if (act > (family(n->op->name) ? 0 : 1)) return eg_fail(w->err, EG_ERR_ARG, "layer '%s': PyTorch's %s has no such activation", n->name, n->op->name);
	return EG_OK;
}

static eg_status add_recurrent(weights *w, layer *l, const eg_node_info *n) {
	static const char *const ways[] = {"", "_reverse"};
	char name[NAME];
	eg_status status = check_recurrent(w, n);
	for (int k = 0; !status && find(w, l->name, k, "weight") >= 0; k++) {
		const int W = find(w, l->name, k, "weight"), R = find(w, l->name, k, "recurrent_weight"), b = find(w, l->name, k, "bias"),
			  q = find(w, l->name, k, "recurrent_bias");
		const eg_dims dw = eg_params_dims(w->params, W), dr = eg_params_dims(w->params, R);
		for (int dir = 0; dir < dw.d[0] && dir < EG_COUNT(ways) && !status; dir++) {
			snprintf(name, sizeof name, "weight_ih_l%d%s", k, ways[dir]);
			status = add_slot(w, l, name, EG_DIMS(dw.d[1], dw.d[2]), GATES, W, -1, dir);
			snprintf(name, sizeof name, "weight_hh_l%d%s", k, ways[dir]);
			if (!status) status = add_slot(w, l, name, EG_DIMS(dr.d[1], dr.d[2]), GATES, R, -1, dir);
			snprintf(name, sizeof name, "bias_ih_l%d%s", k, ways[dir]);
			if (!status && b >= 0) status = add_slot(w, l, name, EG_DIMS(dw.d[1]), BIAS_IH, b, q, dir);
			snprintf(name, sizeof name, "bias_hh_l%d%s", k, ways[dir]);
			if (!status && b >= 0) status = add_slot(w, l, name, EG_DIMS(dw.d[1]), BIAS_HH, b, q, dir);
		}
	}
	return status;
}

/* What a weight is called there: those of a crf as in pytorch-crf, whose transitions are from row to column, too. */
static const char *called(const char *op, const char *own) {
	if (!strcmp(op, "crf") && !strcmp(own, "start")) return "start_transitions";
	if (!strcmp(op, "crf") && !strcmp(own, "end")) return "end_transitions";
	return own;
}

/* The weights of a layer's own, which begin with its name. */
static eg_status add_layer(weights *w, const eg_node_info *n) {
	const size_t own = strlen(n->name);
	layer *l = &w->layers[w->n];
	*l = (layer){.name = n->name, .op = n->op->name};
	eg_status status = EG_OK;
	if (family(l->op) >= 0) status = add_recurrent(w, l, n);
	for (int i = 0; i < eg_params_count(w->params) && !status && family(l->op) < 0; i++) {
		const char *name = eg_params_name(w->params, i);
		if (strncmp(name, n->name, own) == 0 && name[own] == '.') status = add_slot(w, l, called(l->op, name + own + 1), eg_params_dims(w->params, i), WHOLE, i, -1, 0);
	}
	w->n += l->n > 0;
	return status;
}

static eg_status list_layers(weights *w) {
	eg_node_info n = {0};
	w->layers = eg_calloc(NULL, (size_t)eg_graph_nodes(w->graph) + 1, sizeof *w->layers);
	if (!w->layers) return eg_fail(w->err, EG_ERR_MEMORY, "out of memory for weights");
	eg_status status = EG_OK;
	for (int i = 0; i < eg_graph_nodes(w->graph) && !status; i++) {
		eg_graph_node(w->graph, i, &n);
		status = add_layer(w, &n);
	}
	return status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* Rows of one direction from one order of gates to the other; to ours, or `back`. */
static void turn_gates(const eg_real *from, eg_real *to, int f, int64_t rows, int64_t columns, bool back) {
	const int G = gates_of(f);
	const int64_t each = rows / G * columns;
	for (int k = 0; k < G; k++) {
		const int there = orders[f][k];
		memcpy(to + (back ? there : k) * each, from + (back ? k : there) * each, (size_t)each * sizeof *to);
	}
}

/* A slot's numbers, as they are there, into ours: `first` of two biases sets, the second adds. */
static void put_slot(const weights *w, const layer *l, const slot *s, const eg_real *from, eg_real *room) {
	eg_real *to = eg_params_data(w->params, s->param);
	const int64_t n = eg_dims_count(&s->dims, 0);
	const int f = family(l->op);
	if (s->kind == WHOLE || f < 0) { /* as of all but recurrent layers */
		memcpy(to, from, (size_t)n * sizeof *to);
		return;
	}
	const int64_t rows = s->dims.d[0], columns = n / rows, H = rows / gates_of(f);
	to += s->dir * n;
	turn_gates(from, room, f, rows, columns, false);
	if (s->kind != BIAS_HH) {
		memcpy(to, room, (size_t)n * sizeof *to);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		if (s->apart >= 0 && i >= n - H) eg_params_data(w->params, s->apart)[s->dir * H + i - (n - H)] = room[i];
		else to[i] += room[i];
	}
}

static void get_slot(const weights *w, const layer *l, const slot *s, eg_real *to, eg_real *room) {
	const eg_real *from = eg_params_data(w->params, s->param);
	const int64_t n = eg_dims_count(&s->dims, 0);
	const int f = family(l->op);
	if (s->kind == WHOLE || f < 0) { /* as of all but recurrent layers */
		memcpy(to, from, (size_t)n * sizeof *to);
		return;
	}
	const int64_t rows = s->dims.d[0], H = rows / gates_of(f);
	memcpy(room, from + s->dir * n, (size_t)n * sizeof *to);
	if (s->kind == BIAS_HH) {
		memset(room, 0, (size_t)n * sizeof *room);
		if (s->apart >= 0) memcpy(room + n - H, eg_params_data(w->params, s->apart) + s->dir * H, (size_t)H * sizeof *room);
	}
	turn_gates(room, to, f, rows, n / rows, true);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static const eg_st_tensor *tensor_of(const eg_st_file *f, const char *module, const char *suffix) {
	char name[4 * NAME];
	snprintf(name, sizeof name, "%s%s%s", module, *module ? "." : "", suffix);
	return eg_st_find(f, name);
}

static bool same_dims(const eg_dims *a, const eg_dims *b) {
	if (a->rank != b->rank) return false;
	for (int i = 0; i < a->rank; i++)
		if (a->d[i] != b->d[i]) return false;
	return true;
}

/* Has the module all that the layer needs, in its shapes, and no running statistics beside that? */
static bool fits(const layer *l, const eg_st_file *f, const char *module) {
	bool statistics = false;
	for (int i = 0; i < l->n; i++) {
		const eg_st_tensor *t = tensor_of(f, module, l->slots[i].suffix);
		if (!t || !same_dims(&t->dims, &l->slots[i].dims)) return false;
		statistics |= !strcmp(l->slots[i].suffix, "running_mean");
	}
	if (!statistics && tensor_of(f, module, "running_mean")) return false;
	for (int i = 0; i < l->n; i++) /* without a bias is another layer */
		if (!strcmp(l->slots[i].suffix, "bias")) return true;
	return strcmp(l->slots[0].suffix, "weight") != 0 || !tensor_of(f, module, "bias");
}

static bool is_taken(const weights *w, const char *module) {
	for (int i = 0; i < w->n; i++)
		if (w->layers[i].found && !strcmp(w->layers[i].module, module)) return true;
	return false;
}

/* The module that a tensor would be the layer's first weight of; false: it has another name. */
static bool module_of(const layer *l, const char *tensor, char module[2 * NAME]) {
	const size_t n = strlen(tensor), m = strlen(l->slots[0].suffix);
	module[0] = 0;
	if (n == m) return !strcmp(tensor, l->slots[0].suffix);
	if (n < m + 2 || n - m > 2 * NAME || tensor[n - m - 1] != '.' || strcmp(tensor + n - m, l->slots[0].suffix) != 0) return false;
	memcpy(module, tensor, n - m - 1);
	module[n - m - 1] = 0;
	return true;
}

/* Order of names, in which numbers count as numbers. */
static int by_nature(const char *a, const char *b) {
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			char *p, *q;
			const unsigned long long x = strtoull(a, &p, 10), y = strtoull(b, &q, 10);
			if (x != y) return x < y ? -1 : 1;
			a = p, b = q;
		} else if (*a != *b) {
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		} else {
			a++, b++;
		}
	}
	return (unsigned char)*a - (unsigned char)*b;
}

/* Are they the same but for numbers: "layer1.0.conv2" and "layer2.1.conv1"? */
static bool alike(const char *a, const char *b) {
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			a += strspn(a, "0123456789"), b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return !*a && !*b;
}

static void take(layer *l, const char *module) {
	snprintf(l->module, sizeof l->module, "%s", module);
	l->found = true;
}

/* "LAYER=MODULE" */
static eg_status take_said(weights *w, const eg_st_file *f, const char *const *map) {
	for (; map && *map; map++) {
		const char *equals = strchr(*map, '=');
		layer *l = NULL;
		for (int i = 0; i < w->n && equals; i++)
			if (strlen(w->layers[i].name) == (size_t)(equals - *map) && !strncmp(w->layers[i].name, *map, (size_t)(equals - *map))) l = &w->layers[i];
		if (!l) return eg_fail(w->err, EG_ERR_ARG, "'%.200s': LAYER=MODULE is needed, and the recipe must have such a layer with weights", *map);
		if (strlen(equals + 1) >= sizeof l->module || !fits(l, f, equals + 1))
			return eg_fail(w->err, EG_ERR_ARG, "'%.200s': the file has no such module, or with other weights or shapes than the layer", *map);
		take(l, equals + 1);
	}
	return EG_OK;
}

/* Modules that are called as layers are, alone or, if there is but one such, at the end of a longer name. */
static void take_named(weights *w, const eg_st_file *f) {
	char module[2 * NAME], longer[2 * NAME] = "";
	for (int i = 0; i < w->n; i++) {
		layer *l = &w->layers[i];
		int ends = 0;
		for (int k = 0; k < f->n && !l->found; k++) {
			if (!module_of(l, f->tensors[k].name, module) || is_taken(w, module)) continue;
			const size_t n = strlen(module), m = strlen(l->name);
			if (n < m || strcmp(module + n - m, l->name) != 0 || (n > m && module[n - m - 1] != '.') || !fits(l, f, module)) continue;
			if (n == m) take(l, module);
			else if (!ends++) memcpy(longer, module, sizeof longer);
		}
		if (!l->found && ends == 1) take(l, longer);
	}
}

static eg_status take_by_order(weights *w, const eg_st_file *f) {
	char module[2 * NAME], first[2 * NAME];
	for (int i = 0; i < w->n; i++) {
		layer *l = &w->layers[i];
		const char *other = NULL;
		bool any = false;
		for (int k = 0; k < f->n && !l->found; k++) {
			if (!module_of(l, f->tensors[k].name, module) || is_taken(w, module) || !fits(l, f, module)) continue;
			if (any && !alike(first, module)) other = f->tensors[k].name;
			if (!any || by_nature(module, first) < 0) memcpy(first, module, sizeof first);
			any = true;
		}
		if (other)
			return eg_fail(w->err, EG_ERR_ARG, "layer '%s' could be '%.100s' and, by '%.100s', another one: say which by its name, as in --map %s=%.100s", l->name,
				first, other, l->name, first);
		if (any) take(l, first);
	}
	return EG_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool belongs(const weights *w, const char *tensor) {
	for (int i = 0; i < w->n; i++)
		for (int k = 0; k < w->layers[i].n && w->layers[i].found; k++) {
			char name[4 * NAME];
			snprintf(name, sizeof name, "%s%s%s", w->layers[i].module, *w->layers[i].module ? "." : "", w->layers[i].slots[k].suffix);
			if (!strcmp(name, tensor)) return true;
		}
	return false;
}

static bool is_counter(const char *tensor) { /* of batch normalisation: nothing is computed of it */
	const char *end = strrchr(tensor, '.');
	return end && !strcmp(end, ".num_batches_tracked");
}

/* Behind what is there, as far as there is room. */
static void EG_PRINTF(2, 3) append(char text[TEXT], const char *fmt, ...) {
	const size_t n = strlen(text);
	va_list list;
	va_start(list, fmt);
	vsnprintf(text + n, TEXT - n, fmt, list);
	va_end(list);
}

/* Names and shapes of what fits nothing, of both sides. */
static eg_status check_all(const weights *w, const eg_st_file *f) {
	char text[TEXT] = "", shape[160];
	int layers = 0, tensors = 0;
	for (int i = 0; i < w->n; i++) {
		if (w->layers[i].found || layers++ > 3) continue;
		const slot *s = &w->layers[i].slots[0];
		append(text, "%s'%.40s' (%s %s)", *text ? ", " : "", w->layers[i].name, s->suffix, eg_st_dims_text(&s->dims, shape, sizeof shape));
	}
	if (layers > 4) append(text, " and %d more", layers - 4);
	const size_t ours = strlen(text);
	for (int i = 0; i < f->n; i++) {
		if (belongs(w, f->tensors[i].name) || is_counter(f->tensors[i].name) || tensors++ > 3) continue;
		append(text, "%s'%.60s' %s", strlen(text) > ours ? ", " : ours ? "; of the file nothing fits " : "", f->tensors[i].name,
			eg_st_dims_text(&f->tensors[i].dims, shape, sizeof shape));
	}
	if (tensors > 4) append(text, " and %d more", tensors - 4);
	if (layers) return eg_fail(w->err, EG_ERR_SHAPE, "the file has no weights for %s", text);
	if (tensors) return eg_fail(w->err, EG_ERR_SHAPE, "the recipe has no layer for %s", text);
	return EG_OK;
}

static eg_status check_numbers(const weights *w, const eg_st_file *f, eg_real *room) {
	for (int i = 0; i < w->n; i++)
		for (int k = 0; k < w->layers[i].n; k++) {
			int64_t odd = 0;
			const eg_st_tensor *t = tensor_of(f, w->layers[i].module, w->layers[i].slots[k].suffix);
			if (!eg_st_to_real(t, room, &odd)) return eg_fail(w->err, EG_ERR_FORMAT, "'%.100s' is of type %s; weights are real numbers", t->name, eg_st_dtype_name(t->dtype));
			if (odd) return eg_fail(w->err, EG_ERR_FORMAT, "'%.100s' holds NaN or infinity", t->name);
		}
	return EG_OK;
}

static size_t largest(const weights *w) {
	int64_t most = 1;
	for (int i = 0; i < w->n; i++)
		for (int k = 0; k < w->layers[i].n; k++)
			if (eg_dims_count(&w->layers[i].slots[k].dims, 0) > most) most = eg_dims_count(&w->layers[i].slots[k].dims, 0);
	return (size_t)most;
}

static eg_status fill(weights *w, const eg_st_file *f, void (*tell)(void *user, const char *layer, const char *module), void *user) {
	const size_t most = largest(w);
	eg_real *room = eg_calloc(NULL, 2 * most, sizeof *room);
	eg_status status = room ? check_numbers(w, f, room) : eg_fail(w->err, EG_ERR_MEMORY, "out of memory for weights");
	for (int i = 0; i < w->n && !status; i++) {
		layer *l = &w->layers[i];
		for (int k = 0; k < l->n; k++) {
			eg_st_to_real(tensor_of(f, l->module, l->slots[k].suffix), room, NULL);
			put_slot(w, l, &l->slots[k], room, room + most);
		}
		if (tell) tell(user, l->name, l->module);
	}
	if (!status) eg_params_changed(w->params);
	eg_release(NULL, room);
	return status;
}

eg_status eg_pytorch_read(const char *path, const eg_graph *g, eg_params *p, const char *const *map,
	void (*tell)(void *user, const char *layer, const char *module), void *user, eg_error *err) {
	eg_error why = {0};
	weights w = {.graph = g, .params = p, .err = &why};
	eg_st_file f = {0};
	eg_status status = eg_st_load(path, &f, &why);
	if (!status) status = list_layers(&w);
	if (!status) status = take_said(&w, &f, map);
	if (!status) take_named(&w, &f);
	if (!status) status = take_by_order(&w, &f);
	if (!status) status = check_all(&w, &f);
	if (!status) status = fill(&w, &f, tell, user);
	eg_release(NULL, w.layers);
	eg_st_free(&f);
	if (status && err) *err = why;
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static eg_status write_all(weights *w, const char *path) {
	eg_arena a = {0};
	eg_status status = EG_OK;
	int n = 0, at = 0;
	for (int i = 0; i < w->n; i++) n += w->layers[i].n;
	eg_st_tensor *list = eg_arena_alloc(&a, ((size_t)n + 1) * sizeof *list);
	eg_real *room = eg_arena_alloc(&a, largest(w) * sizeof *room);
	if (!list || !room) status = eg_fail(w->err, EG_ERR_MEMORY, "out of memory for weights");
	for (int i = 0; i < w->n && !status; i++)
		for (int k = 0; k < w->layers[i].n && !status; k++) {
			const slot *s = &w->layers[i].slots[k];
			const char *name = eg_arena_printf(&a, "%s.%s", w->layers[i].name, s->suffix);
			eg_real *v = eg_arena_alloc(&a, (size_t)eg_dims_count(&s->dims, 0) * sizeof *v);
			if (!name || !v) {
				status = eg_fail(w->err, EG_ERR_MEMORY, "out of memory for weights");
				continue;
			}
			get_slot(w, &w->layers[i], s, v, room);
			list[at++] = (eg_st_tensor){.name = name, .dtype = eg_st_real, .dims = s->dims, .data = v};
		}
	const eg_st_text format = {"format", "pt"}; /* transformers asks for it */
	if (!status) status = eg_st_write(path, &format, 1, list, at, w->err);
	eg_arena_free(&a);
	return status;
}

eg_status eg_pytorch_write(const char *path, const eg_graph *g, eg_params *p, eg_error *err) {
	eg_error why = {0};
	weights w = {.graph = g, .params = p, .err = &why};
	eg_status status = list_layers(&w);
	if (!status) status = write_all(&w, path);
	eg_release(NULL, w.layers);
	if (status && err) *err = why;
	return status;
}

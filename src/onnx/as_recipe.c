/* as_recipe.c - a network alone as the recipe of a model: its graph, layer by layer, under a task. Layers come in the
 * order of the graph, so that weights find theirs (take.c).
 *
 * What recipes do themselves is left out: whole numbers become ours at an input, and a loss has its own softmax. */
#include "base/base.h"
#include "engram_onnx_file.h"
#include "io/recipe.h"
#include "io/safetensors.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

typedef struct as_recipe {
	eg_writer *w;
	const eg_graph *g;
	const eg_node_info *nodes;
	const bool *needed, *skipped; /* of each node; skipped: what reads it reads what it reads */
	int n, last; /* the node of the logits */
	eg_error *err;
} as_recipe;

EG_PRINTF(2, 3) static void put(const as_recipe *r, const char *fmt, ...) {
	char text[400];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	eg_writer_put(r->w, text, strlen(text));
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static const char *between(bool *first) {
	const char *s = *first ? ": {" : ", ";
	*first = false;
	return s;
}

static void put_ints(const as_recipe *r, const int *v, int n) {
	for (int i = 0; i < n; i++) put(r, "%s%d", i ? ", " : "[", v[i]);
	put(r, "%s", n ? "]" : "[]");
}

static bool are(const int *v, int n, double def) {
	for (int i = 0; i < n; i++)
		if (v[i] != def) return false;
	return true;
}

/* Those that are not what a layer has anyway. */
static void put_attr(const as_recipe *r, const eg_attr *a, const char *at, bool classes, bool *first) {
	const int *ints = (const void *)at;
	const eg_ints *list = (const void *)at;
	const eg_floats *reals = (const void *)at;
	switch (a->type) {
	case EG_ATTR_INT:
		if (classes) put(r, "%s%s: classes", between(first), a->name);
		else if (*ints != a->def) put(r, "%s%s: %d", between(first), a->name, *ints);
		break;
	case EG_ATTR_FLOAT:
		if (*(const float *)(const void *)at != (float)a->def) put(r, "%s%s: %.9g", between(first), a->name, (double)*(const float *)(const void *)at);
		break;
	case EG_ATTR_BOOL:
	case EG_ATTR_NOT:
		if (*(const bool *)at) put(r, "%s%s: %s", between(first), a->name, a->type == EG_ATTR_BOOL ? "true" : "false");
		break;
	case EG_ATTR_INTS:
		if (are(ints, a->count, a->def)) break;
		put(r, "%s%s: ", between(first), a->name);
		if (are(ints, a->count, ints[0])) put(r, "%d", ints[0]);
		else put_ints(r, ints, a->count);
		break;
	case EG_ATTR_ENUM:
		if (*ints != a->def) put(r, "%s%s: %s", between(first), a->name, a->names[*ints]);
		break;
	case EG_ATTR_INT_LIST:
		if (!list->at) break;
		put(r, "%s%s: ", between(first), a->name);
		put_ints(r, list->at, list->n);
		break;
	case EG_ATTR_FLOAT_LIST:
		if (!reals->at) break;
		put(r, "%s%s: ", between(first), a->name);
		for (int i = 0; i < reals->n; i++) put(r, "%s%.9g", i ? ", " : "[", (double)reals->at[i]);
		put(r, "%s", reals->n ? "]" : "[]");
		break;
	case EG_ATTR_STRING:
		if (*(const char *const *)(const void *)at) put(r, "%s%s: %s", between(first), a->name, *(const char *const *)(const void *)at);
		break;
	}
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* The node that makes a value; -1: none. */
static int maker(const as_recipe *r, eg_tensor t, int *output) {
	for (int i = 0; i < r->n; i++)
		for (int k = 0; k < r->nodes[i].noutputs; k++)
			if (r->nodes[i].outputs[k].id == t.id) return *output = k, i;
	return -1;
}

static bool is_input(const as_recipe *r, eg_tensor t) {
	eg_tensor x;
	for (int i = 0; (x = eg_graph_input(r->g, i)).id; i++)
		if (x.id == t.id) return true;
	return false;
}

/* "input", "conv1", "lstm1.hn"; "": left out. */
static eg_status name_of(const as_recipe *r, const eg_node_info *by, eg_tensor t, char name[160]) {
	int output = 0, at = t.id ? maker(r, t, &output) : -1;
	while (at >= 0 && r->skipped[at]) {
		t = r->nodes[at].inputs[0];
		at = maker(r, t, &output);
	}
	name[0] = '\0';
	if (!t.id) return EG_OK;
	if (at >= 0 && output) snprintf(name, 160, "%.80s.%.60s", r->nodes[at].name, r->nodes[at].op->outputs[output]);
	else if (at >= 0) snprintf(name, 160, "%.100s", r->nodes[at].name);
	else if (is_input(r, t)) snprintf(name, 160, "input");
	else return eg_fail(r->err, EG_ERR_ARG, "'%.80s' (%s) reads numbers of the model, which no layer of a recipe does", by->name, by->op->name);
	return EG_OK;
}

static eg_status put_from(const as_recipe *r, const eg_node_info *n, bool *first) {
	char name[160];
	int inputs = 0;
	eg_status status = EG_OK;
	for (int i = 0; i < n->ninputs; i++)
		if (n->inputs[i].id) inputs = i + 1;
	const bool gaps = !n->op->variadic && inputs > n->op->min_inputs && inputs > 1; /* as a map */
	put(r, "%sfrom: %s", between(first), gaps ? "{" : inputs > 1 ? "[" : "");
	for (int i = 0, shown = 0; i < inputs && !status; i++) {
		status = name_of(r, n, n->inputs[i], name);
		if (status || !*name) continue;
		put(r, "%s", shown++ ? ", " : "");
		if (gaps) put(r, "%s: ", n->op->inputs[i]);
		put(r, "%s", name);
	}
	put(r, "%s", gaps ? "}" : inputs > 1 ? "]" : "");
	return status;
}

static eg_status put_layer(const as_recipe *r, int i) {
	const eg_node_info *n = &r->nodes[i];
	bool first = true;
	if (!n->op->layer) return eg_fail(r->err, EG_ERR_ARG, "'%.80s' (%s) is no layer of recipes", n->name, n->op->name);
	if (!eg_is_name(n->name)) return eg_fail(r->err, EG_ERR_ARG, "'%.80s' (%s) cannot be a layer's name", n->name, n->op->name);
	put(r, "  - %s", n->op->layer);
	for (int k = 0; k < n->op->nattrs; k++) {
		const eg_attr *a = &n->op->attrs[k];
		put_attr(r, a, (const char *)n->options + a->offset, i == r->last && !strcmp(a->name, "units"), &first);
	}
	put(r, "%sname: %s", between(&first), n->name);
	const eg_status status = put_from(r, n, &first);
	put(r, "}\n");
	return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* A sample's shape: (N,C,H,W) are pictures, (T,N,...) sequences. */
static eg_status put_input(const as_recipe *r) {
	const eg_tensor x = eg_graph_input(r->g, 0);
	const eg_dims d = eg_tensor_dims(r->g, x);
	char text[128];
	const bool steps = d.rank > 1 && d.d[0] == EG_T && d.d[1] == EG_N;
	bool fits = steps || (d.rank > 1 && d.d[0] == EG_N);
	for (int i = steps ? 2 : 1; i < d.rank; i++) fits = fits && d.d[i] > 0;
	if (eg_graph_input(r->g, 1).id) return eg_fail(r->err, EG_ERR_ARG, "it has several inputs: that makes no recipe here");
	if (!fits) {
		eg_st_dims_text(&d, text, sizeof text);
		return eg_fail(r->err, EG_ERR_ARG, "its input '%.60s' %s is neither (batch, sizes that are known) nor (time, batch, ...), as those of recipes are", eg_tensor_name(r->g, x), text);
	}
	put(r, "input: [%s", steps ? "time" : "");
	for (int i = steps ? 2 : 1; i < d.rank; i++) put(r, "%s%d", steps || i > 1 ? ", " : "", (int)d.d[i]);
	put(r, "]\n\n");
	return EG_OK;
}

/* What the logits need, and what of it a recipe does itself. */
static eg_status choose(as_recipe *r, eg_tensor logits, bool *needed, bool *skipped) {
	int output;
	r->last = maker(r, logits, &output);
	if (r->last < 0) return eg_fail(r->err, EG_ERR_ARG, "its first output is one of its inputs");
	if (strstr(r->nodes[r->last].op->name, "softmax")) r->last = maker(r, r->nodes[r->last].inputs[0], &output);
	if (r->last < 0) return eg_fail(r->err, EG_ERR_ARG, "there is nothing before its softmax");
	needed[r->last] = true;
	for (int i = r->last; i >= 0; i--) {
		const eg_node_info *n = &r->nodes[i];
		skipped[i] = !strcmp(n->op->name, "cast") && is_input(r, n->inputs[0]);
		for (int k = 0; k < n->ninputs && needed[i]; k++) {
			const int at = maker(r, n->inputs[k], &output);
			if (at >= 0) needed[at] = true;
		}
	}
	return EG_OK;
}

static eg_status write_all(as_recipe *r, const char *from, const eg_network *n) {
	char name[61];
	const char *slash = strrchr(from, '/'), *base = slash ? slash + 1 : from;
	size_t k = 0;
	for (; base[k] && base[k] != '.' && k < sizeof name - 1; k++) name[k] = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", base[k]) ? base[k] : '-';
	name[k] = '\0';
	put(r, "# The network of a file of ONNX (%.60s), as a recipe. Say what it is for in `task`, where its data are, and how it learns on:\n#\n", *eg_network_producer(n) ? eg_network_producer(n) : "its maker is not told");
	put(r, "#   engram import NET.onnx --recipe RECIPE -o MODEL     its weights, and what the data say: names of classes, scaling\n");
	put(r, "#   engram train RECIPE                                 begins with its weights and learns on\n");
	put(r, "name: %s\ntask: classify\n\ndata: {source: folder, path: photos}\n\n", *name ? name : "network");
	eg_status status = put_input(r);
	put(r, "model:\n");
	for (int i = 0; i <= r->last && !status; i++)
		if (r->needed[i] && !r->skipped[i]) status = put_layer(r, i);
	put(r, "\ntrain:\n  loss: cross_entropy\n  optimizer: {adam: {lr: 3.0e-4}}\n  schedule: cosine\n  batch: 32\n  epochs: 10\n  seed: 1\n  from: '");
	for (const char *c = from; *c; c++) put(r, *c == '\'' ? "''" : "%c", *c);
	put(r, "'\n");
	return status;
}

eg_status eg_network_write_recipe(const char *path, const eg_network *n, const char *from, eg_error *err) {
	eg_error why = {0};
	eg_arena arena = {0};
	as_recipe r = {.g = eg_network_graph(n, NULL, &why), .err = &why};
	r.n = r.g ? eg_graph_nodes(r.g) : 0;
	eg_node_info *nodes = eg_arena_alloc(&arena, (size_t)(r.n + 1) * sizeof *nodes);
	bool *needed = eg_arena_alloc(&arena, (size_t)r.n + 1), *skipped = eg_arena_alloc(&arena, (size_t)r.n + 1);
	eg_status status = !r.g ? why.status : nodes && needed && skipped ? EG_OK : eg_fail(&why, EG_ERR_MEMORY, "out of memory for a recipe");
	for (int i = 0; i < r.n && !status; i++) eg_graph_node(r.g, i, &nodes[i]), needed[i] = skipped[i] = false;
	r.nodes = nodes;
	r.needed = needed;
	r.skipped = skipped;
	if (!status) status = choose(&r, eg_graph_find(r.g, eg_network_model(n)->outputs[0].name), needed, skipped);
	if (!status && !(r.w = eg_writer_new(NULL, path, &why))) status = why.status;
	if (!status) {
		status = write_all(&r, from, n);
		if (!status) status = eg_writer_commit(r.w, &why);
		else eg_writer_abort(r.w);
	}
	eg_arena_free(&arena);
	if (status && err) *err = why;
	return status;
}

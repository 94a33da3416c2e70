/* take.c - weights of a network from elsewhere as the beginning of a training: layer by layer in the order of both
 * networks, where operator and shapes are the same. Names are of no use: exporters make them up. */
#include "base/base.h"
#include "engram_onnx_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16, NAME = 128 };

/* The weights of a layer; each layer of a recurrent stack is one. */
typedef struct group {
	char name[NAME]; /* "lstm1.l0." or "conv1." */
	const char *op;
	int params[MOST], n;
} group;

static const char *suffix(const group *g, const eg_params *p, int k) { return eg_params_name(p, g->params[k]) + strlen(g->name); }

/* *groups is to be released; -1: out of memory. */
static int list_groups(const eg_graph *g, const eg_params *p, group **groups) {
	int n = 0, cap = 0;
	eg_node_info info;
	*groups = NULL;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &info);
		const size_t own = strlen(info.name);
		const int first = n;
		for (int k = 0; k < eg_params_count(p); k++) {
			const char *name = eg_params_name(p, k), *stack = name + own + 1;
			char prefix[NAME];
			if (strncmp(name, info.name, own) != 0 || name[own] != '.') continue;
			const size_t digits = *stack == 'l' ? strspn(stack + 1, "0123456789") : 0; /* "l12." */
			snprintf(prefix, sizeof prefix, "%.*s", (int)(own + (digits && stack[1 + digits] == '.' ? digits + 3 : 1)), name);
			int at = first;
			while (at < n && strcmp((*groups)[at].name, prefix) != 0) at++;
			if (at == n) {
				if (!eg_grow(NULL, groups, &cap, n, sizeof **groups)) return -1;
				(*groups)[n++] = (group){.op = info.op->name};
				memcpy((*groups)[at].name, prefix, sizeof prefix);
			}
			if ((*groups)[at].n < MOST) (*groups)[at].params[(*groups)[at].n++] = k;
		}
	}
	return n;
}

static bool same_dims(eg_dims a, eg_dims b) {
	if (a.rank != b.rank) return false;
	for (int i = 0; i < a.rank; i++)
		if (a.d[i] != b.d[i]) return false;
	return true;
}

static bool fits(const group *a, const eg_params *p, const group *b, const eg_params *q) {
	if (strcmp(a->op, b->op) != 0 || a->n != b->n) return false;
	for (int k = 0; k < a->n; k++)
		if (strcmp(suffix(a, p, k), suffix(b, q, k)) != 0 || !same_dims(eg_params_dims(p, a->params[k]), eg_params_dims(q, b->params[k]))) return false;
	return true;
}

static bool wanted(const char *const *patterns, const group *g, const char *param) {
	char layer[NAME];
	snprintf(layer, sizeof layer, "%.*s", (int)strcspn(g->name, "."), g->name);
	for (; patterns && *patterns; patterns++)
		if (eg_name_fits(*patterns, layer) || eg_name_fits(*patterns, param)) return true;
	return false;
}

static const char *copy(eg_params *to, int i, const eg_real *x) {
	const eg_dims d = eg_params_dims(to, i);
	const size_t n = (size_t)eg_dims_count(&d, 0);
	for (size_t j = 0; j < n; j++)
		if (!isfinite(x[j])) return "the network's holds NaN or infinity";
	memcpy(eg_params_data(to, i), x, n * sizeof *x);
	return NULL;
}

/* A crf is no layer of a file of ONNX, but has its weights there, under their names (export.c). */
static const char *copy_crf(const eg_network *n, eg_params *to, int i) {
	const eg_onnx_model *m = eg_network_model(n);
	const eg_dims d = eg_params_dims(to, i);
	char name[2 * NAME];
	snprintf(name, sizeof name, "%.200s.weights", eg_params_name(to, i));
	for (int k = 0; k < m->ntensors; k++) {
		const eg_onnx_tensor *t = &m->tensors[k];
		if (!t->name || strcmp(t->name, name) != 0 || t->type != EG_ONNX_FLOAT || t->rank != d.rank || sizeof(eg_real) != sizeof(float)) continue;
		if (!memcmp(t->dims, d.d, (size_t)d.rank * sizeof *d.d)) return copy(to, i, t->data);
	}
	return "the network has no numbers of that name and shape";
}

eg_status eg_network_take(const eg_graph *g, eg_params *to, const eg_network *n, const char *const *patterns,
	void (*tell)(void *user, const char *name, const char *why), void *user, eg_error *err) {
	eg_params *from;
	eg_error why = {0};
	group *ours = NULL, *theirs = NULL;
	const eg_graph *other = eg_network_graph(n, &from, &why);
	const int nours = other ? list_groups(g, to, &ours) : 0, ntheirs = other ? list_groups(other, from, &theirs) : 0;
	int taken = 0, next = 0;
	if (nours < 0 || ntheirs < 0) eg_fail(&why, EG_ERR_MEMORY, "out of memory for weights");
	for (int i = 0; i < nours && !why.status; i++) {
		int at = next;
		while (at < ntheirs && !fits(&ours[i], to, &theirs[at], from)) at++;
		if (at < ntheirs) next = at + 1;
		for (int k = 0; k < ours[i].n; k++) {
			const char *name = eg_params_name(to, ours[i].params[k]), *not = "the network has no such layer behind those before it";
			if (patterns && !wanted(patterns, &ours[i], name)) continue;
			if (at < ntheirs) not = copy(to, ours[i].params[k], eg_params_data(from, theirs[at].params[k]));
			else if (!strcmp(ours[i].op, "crf")) not = copy_crf(n, to, ours[i].params[k]);
			taken += !not;
			if (tell) tell(user, name, not);
		}
	}
	if (!why.status && !taken) eg_fail(&why, EG_ERR_ARG, "no weight of the network can be taken over: none of its layers has operator and shapes of one here");
	eg_release(NULL, ours);
	eg_release(NULL, theirs);
	eg_params_changed(to);
	if (why.status && err) *err = why;
	return why.status;
}

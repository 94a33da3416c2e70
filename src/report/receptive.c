/* receptive.c - which part of a picture the numbers of each layer depend on (engram_report.h): how large it is, how far
 * apart neighbours' parts lie, and where the first one begins.
 *
 *   size = size_in + (window - 1) dilation jump_in, jump = stride jump_in, begin = begin_in - padding jump_in
 *
 * (Araujo, Norris and Sim 2019). Up-sampling divides the jump; what begins where is then not told, for it differs from
 * number to number. */
#include "engram_report.h"

#include "base/base.h"

#include <math.h>
#include <string.h>

/* The node that computes t; -1: it is an input. */
static int node_of(const eg_graph *g, int n, eg_tensor t) {
	for (int i = n - 1; i >= 0; i--) {
		eg_node_info node;
		eg_graph_node(g, i, &node);
		for (int k = 0; k < node.noutputs; k++)
			if (node.outputs[k].id == t.id) return i;
	}
	return -1;
}

static void widen(eg_receptive *f, const eg_receptive *other, bool first) {
	f->all = f->all || other->all;
	f->placed = f->placed && other->placed && (first || (f->jump[0] == other->jump[0] && f->jump[1] == other->jump[1]));
	for (int a = 0; a < 2; a++) {
		const double end = fmax(first ? -INFINITY : f->begin[a] + (double)f->size[a], other->begin[a] + (double)other->size[a]);
		const double begin = first ? other->begin[a] : fmin(f->begin[a], other->begin[a]);
		const int64_t most = other->size[a] > f->size[a] ? other->size[a] : f->size[a];
		f->size[a] = f->placed ? (int64_t)ceil(end - begin - 1e-9) : most;
		f->begin[a] = begin;
		if (other->jump[a] > f->jump[a]) f->jump[a] = other->jump[a];
	}
}

static const eg_attr *attribute(const eg_node_info *n, const char *name) {
	for (int i = 0; i < n->op->nattrs && n->options; i++)
		if (!strcmp(n->op->attrs[i].name, name)) return &n->op->attrs[i];
	return NULL;
}

/* Zeros put before the first row or column; NAN: as many as a size that is open says. */
static double padding_of(const eg_graph *g, const eg_node_info *n, int axis) {
	const eg_attr *padding = attribute(n, "padding"), *automatic = attribute(n, "auto_pad");
	const eg_dims x = eg_tensor_dims(g, n->inputs[0]), y = eg_tensor_dims(g, n->outputs[0]);
	int value = 0;
	if (automatic) memcpy(&value, (const char *)n->options + automatic->offset, sizeof value);
	const char *word = automatic && automatic->names ? automatic->names[value] : "";
	if (!strncmp(word, "same", 4)) {
		const int64_t taps = (int64_t)(n->window[axis] - 1) * n->dilation[axis] + 1;
		const bool open = x.d[2 + axis] < 0;
		const int64_t all = open ? taps - 1 : (y.d[2 + axis] - 1) * n->stride[axis] + taps - x.d[2 + axis];
		if (open && n->stride[axis] > 1) return (double)NAN;
		if (all <= 0) return 0;
		return (double)(!strcmp(word, "same_upper") ? all / 2 : (all + 1) / 2);
	}
	if (!padding || padding->type != EG_ATTR_INTS || padding->count <= axis || !strcmp(word, "valid")) return 0;
	memcpy(&value, (const char *)n->options + padding->offset + sizeof value * (size_t)axis, sizeof value);
	return (double)value;
}

/* Are rows and columns where they were? */
static bool keeps_places(const eg_graph *g, const eg_node_info *n) {
	const eg_dims x = eg_tensor_dims(g, n->inputs[0]), y = eg_tensor_dims(g, n->outputs[0]);
	return x.rank == 4 && y.rank == 4 && x.d[2] == y.d[2] && x.d[3] == y.d[3];
}

static void see_through(eg_receptive *f, const eg_graph *g, const eg_node_info *n) {
	for (int a = 0; a < 2; a++) {
		if (n->window[a] <= 0) continue;
		const double taps = (double)(n->window[a] - 1) * (n->dilation[a] > 0 ? n->dilation[a] : 1);
		f->size[a] += (int64_t)ceil(taps * f->jump[a] - 1e-9);
		const double padding = padding_of(g, n, a);
		if (f->placed && !isnan(padding)) f->begin[a] -= padding * f->jump[a];
		f->placed = f->placed && !isnan(padding);
		f->jump[a] *= n->stride[a] > 0 ? n->stride[a] : 1;
		if (n->repeats[a] > 1) f->placed = false;
		if (n->repeats[a] > 0) f->jump[a] /= n->repeats[a];
	}
}

static eg_receptive field_of(const eg_graph *g, const eg_receptive *before, int i, eg_dims plane) {
	static const eg_receptive pixel = {.known = true, .placed = true, .size = {1, 1}, .jump = {1, 1}};
	eg_node_info n;
	eg_graph_node(g, i, &n);
	eg_receptive f = {.known = true, .placed = true};
	for (int k = 0; k < n.ninputs; k++) {
		const int from = n.inputs[k].id ? node_of(g, i, n.inputs[k]) : -1;
		widen(&f, from >= 0 ? &before[from] : &pixel, k == 0);
		f.known = f.known && (from < 0 || before[from].known);
	}
	see_through(&f, g, &n);
	if (n.window[0] <= 0 && n.ninputs > 0) f.placed = f.placed && keeps_places(g, &n);
	/* Weights without a window see everything that comes in. */
	if (n.params > 0 && n.window[0] <= 0) f.all = true;
	for (int a = 0; a < 2 && f.all; a++)
		if (plane.d[2 + a] > 0) f.size[a] = plane.d[2 + a], f.begin[a] = 0;
	if (f.all) f.placed = plane.d[2] > 0 && plane.d[3] > 0;
	return f;
}

eg_tensor eg_receptive_fields(const eg_graph *g, eg_receptive *fields) {
	eg_tensor plane = {0};
	for (int i = 0; eg_graph_input(g, i).id && !plane.id; i++) {
		const eg_dims d = eg_tensor_dims(g, eg_graph_input(g, i));
		if (d.rank == 4 && d.d[0] == EG_N) plane = eg_graph_input(g, i);
	}
	for (int i = 0, n = eg_graph_nodes(g); i < n; i++)
		fields[i] = plane.id ? field_of(g, fields, i, eg_tensor_dims(g, plane)) : (eg_receptive){0};
	return plane;
}

/* layers.c - which boxes a graph has, and where they stand: layers by the longest way from the inputs, the order in a
 * layer by the mean of the neighbours, places by pulling each towards its neighbours. See layers.h. */
#include "report/layers.h"
#include "report/draw.h"

#include <stdlib.h>
#include <string.h>

enum { SWEEPS = 8, GAP = 24, LEAST = 40 };

void eg_boxes_free(eg_boxes *b) {
	eg_release(NULL, b->boxes);
	eg_release(NULL, b->lines);
	*b = (eg_boxes){0};
}

static int add_box(eg_boxes *b, eg_node_box box) {
	if (!eg_grow(NULL, &b->boxes, &b->cap, b->n, sizeof *b->boxes)) return -1;
	b->boxes[b->n] = box;
	return b->n++;
}

static bool add_line(eg_boxes *b, int from, int to, int source, int target) {
	if (!eg_grow(NULL, &b->lines, &b->cap_lines, b->nlines, sizeof *b->lines)) return false;
	b->lines[b->nlines++] = (eg_box_line){from, to, source, target};
	return true;
}

static eg_node_box described(const eg_graph *g, const char *name, const char *op, eg_tensor t) {
	eg_node_box box = {.input = !op};
	char shape[128];
	eg_shape_text(g, eg_tensor_dims(g, t), shape, sizeof shape);
	snprintf(box.name, sizeof box.name, "%.78s", name);
	snprintf(box.what, sizeof box.what, "%.30s%s%.120s", op ? op : "", op ? " " : "", shape);
	const double first = eg_draw_width(box.name, NORMAL), second = eg_draw_width(box.what, SMALL);
	box.width = (first > second ? first : second) + 16;
	if (box.width < LEAST) box.width = LEAST;
	return box;
}

/* ---- which ------------------------------------------------------------------------------------------------------- */

static int node_of(const eg_graph *g, eg_tensor t) {
	eg_node_info n;
	for (int i = 0; i < eg_graph_nodes(g) && t.id; i++) {
		eg_graph_node(g, i, &n);
		for (int k = 0; k < n.noutputs; k++)
			if (n.outputs[k].id == t.id) return i;
	}
	return -1;
}

/* Nodes stand behind what they read. */
static void mark(const eg_graph *g, const char *const *outputs, bool *needed) {
	eg_node_info n;
	for (int i = 0; i < eg_graph_nodes(g); i++) needed[i] = !outputs;
	for (int i = 0; outputs && outputs[i]; i++) {
		const int at = node_of(g, eg_graph_find(g, outputs[i]));
		if (at >= 0) needed[at] = true;
	}
	for (int i = eg_graph_nodes(g) - 1; i >= 0; i--) {
		eg_graph_node(g, i, &n);
		for (int k = 0; k < n.ninputs && needed[i]; k++) {
			const int at = node_of(g, n.inputs[k]);
			if (at >= 0) needed[at] = true;
		}
	}
}

/* The box of a tensor: of its node, or of an input, which is made when it is first read. -1: out of memory; -2: it is a
 * constant. */
static int box_of(eg_boxes *b, const eg_graph *g, const int *box, eg_tensor t) {
	const int node = node_of(g, t);
	const char *name = eg_tensor_name(g, t);
	if (node >= 0) return box[node];
	if (!name) return -2;
	for (int i = 0; i < b->n; i++)
		if (b->boxes[i].input && !strncmp(b->boxes[i].name, name, sizeof b->boxes[i].name - 2)) return i;
	return add_box(b, described(g, name, NULL, t));
}

static bool collect(eg_boxes *b, const eg_graph *g, const bool *needed, int *box) {
	eg_node_info n;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		if (!needed[i]) continue;
		eg_graph_node(g, i, &n);
		eg_node_box made = described(g, n.name, n.op->layer ? n.op->layer : n.op->name, n.outputs[0]);
		int from[EG_MAX_INPUTS], nfrom = 0;
		for (int k = 0; k < n.ninputs; k++) {
			const int at = n.inputs[k].id ? box_of(b, g, box, n.inputs[k]) : -2;
			if (at == -1) return false;
			if (at < 0) continue;
			from[nfrom++] = at;
			if (b->boxes[at].layer >= made.layer) made.layer = b->boxes[at].layer + 1;
		}
		box[i] = add_box(b, made);
		for (int k = 0; k < nfrom && box[i] >= 0; k++)
			if (!add_line(b, from[k], box[i], from[k], box[i])) return false;
		if (box[i] < 0) return false;
		if (made.layer >= b->nlayers) b->nlayers = made.layer + 1;
	}
	return true;
}

/* Inputs stand just above what reads them first. */
static void lower_inputs(eg_boxes *b) {
	for (int i = 0; i < b->n; i++) {
		int first = b->nlayers;
		for (int k = 0; k < b->nlines; k++)
			if (b->lines[k].from == i && b->boxes[b->lines[k].to].layer < first) first = b->boxes[b->lines[k].to].layer;
		if (b->boxes[i].input && first > 0 && first < b->nlayers) b->boxes[i].layer = first - 1;
	}
}

/* Each line goes from a layer to the next one. */
static bool bend(eg_boxes *b) {
	for (int k = 0, n = b->nlines; k < n; k++) {
		const eg_box_line whole = b->lines[k];
		int from = whole.from;
		for (int layer = b->boxes[whole.from].layer + 1; layer < b->boxes[whole.to].layer; layer++) {
			const int at = add_box(b, (eg_node_box){.bend = true, .layer = layer, .width = 2});
			if (at < 0 || !add_line(b, from, at, whole.source, whole.target)) return false;
			from = at;
		}
		b->lines[k].from = from;
	}
	return true;
}

/* ---- where ------------------------------------------------------------------------------------------------------- */

/* The mean of the places of the neighbours above or below; its own where there is none. */
static double pulled(const eg_boxes *b, int i, bool above, bool below) {
	double sum = 0;
	int n = 0;
	for (int k = 0; k < b->nlines; k++) {
		if (above && b->lines[k].to == i) sum += b->boxes[b->lines[k].from].x, n++;
		if (below && b->lines[k].from == i) sum += b->boxes[b->lines[k].to].x, n++;
	}
	return n ? sum / n : b->boxes[i].x;
}

/* The boxes of a layer as near to `want` as their order and widths allow: from left to right, then moved together. */
static void place(eg_boxes *b, const int *layer, int n, const double *want) {
	double off = 0;
	for (int i = 0; i < n; i++) {
		eg_node_box *box = &b->boxes[layer[i]];
		double x = want[i];
		if (i) {
			const eg_node_box *left = &b->boxes[layer[i - 1]];
			const double least = left->x + (left->width + box->width) / 2 + GAP;
			if (x < least) x = least;
		}
		box->x = x;
		off += x - want[i];
	}
	for (int i = 0; i < n; i++) b->boxes[layer[i]].x -= off / n;
}

typedef struct sorted {
	int box;
	double by;
} sorted;

static int by_place(const void *a, const void *b) {
	const sorted *x = a, *y = b;
	return x->by < y->by ? -1 : x->by > y->by ? 1 : x->box - y->box;
}

static int members(const eg_boxes *b, int layer, int *list) {
	int n = 0;
	for (int i = 0; i < b->n; i++)
		if (b->boxes[i].layer == layer) list[n++] = i;
	return n;
}

/* Orders a layer by where its neighbours pull it, and places it. */
static void settle(eg_boxes *b, int layer, bool above, bool below, int *list, sorted *order, double *want) {
	const int n = members(b, layer, list);
	for (int i = 0; i < n; i++) order[i] = (sorted){list[i], pulled(b, list[i], above, below)};
	if (n) qsort(order, (size_t)n, sizeof *order, by_place);
	for (int i = 0; i < n; i++) list[i] = order[i].box, want[i] = order[i].by;
	place(b, list, n, want);
}

static bool arrange(eg_boxes *b) {
	int *list = eg_calloc(NULL, (size_t)b->n + 1, sizeof *list);
	sorted *order = eg_calloc(NULL, (size_t)b->n + 1, sizeof *order);
	double *want = eg_calloc(NULL, (size_t)b->n + 1, sizeof *want), left = 0, right = 0;
	const bool ok = list && order && want;
	for (int s = 0; s < SWEEPS && ok; s++) {
		for (int l = 0; l < b->nlayers; l++) settle(b, l, true, s > 1, list, order, want);
		for (int l = b->nlayers - 1; l >= 0; l--) settle(b, l, s > 1, true, list, order, want);
	}
	for (int i = 0; i < b->n; i++) {
		const double half = b->boxes[i].width / 2;
		if (!i || b->boxes[i].x - half < left) left = b->boxes[i].x - half;
		if (!i || b->boxes[i].x + half > right) right = b->boxes[i].x + half;
	}
	for (int i = 0; i < b->n; i++) b->boxes[i].x -= left;
	b->width = right - left;
	eg_release(NULL, list);
	eg_release(NULL, order);
	eg_release(NULL, want);
	return ok;
}

eg_status eg_boxes_of(eg_boxes *b, const eg_graph *g, const char *const *outputs, bool bends, eg_error *err) {
	const size_t n = (size_t)eg_graph_nodes(g) + 1;
	bool *needed = eg_calloc(NULL, n, sizeof *needed);
	int *box = eg_calloc(NULL, n, sizeof *box);
	*b = (eg_boxes){0};
	bool ok = needed && box;
	if (ok) mark(g, outputs, needed);
	ok = ok && collect(b, g, needed, box);
	if (ok) lower_inputs(b);
	if (bends) ok = ok && bend(b) && arrange(b);
	eg_release(NULL, needed);
	eg_release(NULL, box);
	return ok ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
}

/* network.c - pictures of networks: as SVG, laid out here (layers.c), or as a text for Graphviz. */
#include "engram_report.h"
#include "report/draw.h"
#include "report/layers.h"

#include <string.h>

enum { BOX = 36, APART = 30, EDGE = 20, TITLE = 34 };

static double top_of(const eg_node_box *b) { return TITLE + EDGE + (double)b->layer * (BOX + APART); }

static void draw_box(eg_writer *w, const eg_node_box *b) {
	const double x = EDGE + b->x - b->width / 2, y = top_of(b);
	eg_put(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%d\" rx=\"%d\" fill=\"%s\" stroke=\"%s\"/>\n", AT(x), AT(y), AT(b->width), BOX, b->input ? BOX / 2 : 3,
		b->input ? "#eef4fb" : "#ffffff", INK);
	eg_draw_text(w, EDGE + b->x, y + 15, NORMAL, "middle", 0, b->name);
	eg_draw_text(w, EDGE + b->x, y + 29, SMALL, "middle", 0, b->what);
}

/* From the lower edge of a box to the upper edge of the next, straight down at both ends. */
static void draw_line(eg_writer *w, const eg_node_box *from, const eg_node_box *to) {
	const double x = EDGE + from->x, y = top_of(from) + (from->bend ? BOX / 2.0 : BOX), x2 = EDGE + to->x, y2 = top_of(to) + (to->bend ? BOX / 2.0 : 0), m = (y + y2) / 2;
	eg_put(w, "<path d=\"M%s %sC%s %s %s %s %s %s\" fill=\"none\" stroke=\"#7a7a7a\"/>\n", AT(x), AT(y), AT(x), AT(m), AT(x2), AT(m), AT(x2), AT(y2));
}

static void draw_svg(eg_writer *w, const eg_boxes *b, const char *title) {
	const double room = eg_draw_width(title, LARGE), width = b->width > room ? b->width : room;
	eg_put(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	eg_draw_head(w, width + 2 * EDGE, TITLE + 2 * EDGE + (double)b->nlayers * (BOX + APART) - APART, title);
	eg_draw_text(w, EDGE, 24, LARGE, "start", 0, title);
	for (int i = 0; i < b->nlines; i++) draw_line(w, &b->boxes[b->lines[i].from], &b->boxes[b->lines[i].to]);
	for (int i = 0; i < b->n; i++)
		if (!b->boxes[i].bend) draw_box(w, &b->boxes[i]);
	eg_put(w, "</svg>\n");
}

/* A text between quotation marks. */
static void put_quoted(eg_writer *w, const char *s) {
	for (; *s; s++) {
		if (*s == '"' || *s == '\\') eg_put(w, "\\");
		eg_writer_put(w, (unsigned char)*s < ' ' ? " " : s, 1);
	}
}

static void draw_dot(eg_writer *w, const eg_boxes *b, const char *title) {
	eg_put(w, "digraph \"");
	put_quoted(w, title);
	eg_put(w, "\" {\n\tnode [shape=box, fontname=\"Helvetica\", fontsize=11];\n");
	for (int i = 0; i < b->n; i++) {
		eg_put(w, "\tn%d [%slabel=\"", i, b->boxes[i].input ? "style=rounded, " : "");
		put_quoted(w, b->boxes[i].name);
		eg_put(w, "\\n");
		put_quoted(w, b->boxes[i].what);
		eg_put(w, "\"];\n");
	}
	for (int i = 0; i < b->nlines; i++) eg_put(w, "\tn%d -> n%d;\n", b->lines[i].from, b->lines[i].to);
	eg_put(w, "}\n");
}

eg_status eg_graph_draw(const char *path, const eg_graph *g, const char *title, const char *const *outputs, bool dot, eg_error *err) {
	eg_boxes b;
	eg_status status = eg_boxes_of(&b, g, outputs, !dot, err);
	eg_writer *w = status ? NULL : eg_writer_new(NULL, path, err);
	if (w && dot) draw_dot(w, &b, title);
	else if (w) draw_svg(w, &b, title);
	if (w) status = eg_writer_commit(w, err);
	else if (!status) status = EG_ERR_IO;
	eg_boxes_free(&b);
	return status;
}

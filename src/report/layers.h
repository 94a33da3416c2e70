/* layers.h - a graph as boxes in layers, each below those that it reads (Sugiyama, Tagawa and Toda 1981). */
#ifndef ENGRAM_REPORT_LAYERS_H
#define ENGRAM_REPORT_LAYERS_H

#include "base/base.h"
#include "engram.h"

typedef struct eg_node_box {
	char name[80], what[160]; /* its own name; operator and shape */
	bool input, bend;         /* bend: no box, but where a line passes a layer */
	int layer;
	double x, width; /* of its middle */
} eg_node_box;

typedef struct eg_box_line {
	int from, to; /* boxes of neighbouring layers */
	int source, target; /* boxes that it belongs to, when it is part of a longer one; else from and to */
} eg_box_line;

typedef struct eg_boxes {
	eg_node_box *boxes;
	eg_box_line *lines;
	int n, nlines, nlayers, cap, cap_lines;
	double width; /* of all */
} eg_boxes;

/* What computes these outputs; NULL: all. `bends`: lines over several layers are cut, and everything has its place. To
 * be released with eg_boxes_free in every case. */
eg_status eg_boxes_of(eg_boxes *b, const eg_graph *g, const char *const *outputs, bool bends, eg_error *err);
void eg_boxes_free(eg_boxes *b);

#endif

/* detect_find.c - from what a network says of the cells of a grid to boxes: those with a score, and of several around
 * the same object the surest (non-maximum suppression, class by class). */
#include "tasks/detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double logit_of(double score) { return log(score / (1 - score)); }

/* A cell that may be told. */
typedef struct candidate {
	double score;
	int label, cell;
} candidate;

static int surer(const void *a, const void *b) {
	const candidate *x = a, *y = b;
	if (x->score != y->score) return x->score < y->score ? 1 : -1;
	return x->label != y->label ? x->label - y->label : x->cell - y->cell;
}

static int gather(const eg_grid *g, candidate *out) {
	const int plane = g->h * g->w;
	int n = 0;
	for (int k = 0; k < g->K; k++) {
		const double shift = g->limit ? logit_of(g->limit[k]) : 0;
		for (int i = 0; i < plane; i++) {
			const double score = 1 / (1 + exp(shift - (double)g->logits[(ptrdiff_t)k * plane + i]));
			if (score >= EG_FOUND_LEAST) out[n++] = (candidate){score, k, i};
		}
	}
	qsort(out, (size_t)n, sizeof *out, surer);
	return n;
}

/* Of pixels: so what is told is what is judged. */
static double hundredths(double x) { return round(x * 100) / 100; }

/* The box that a cell tells of, cut to the picture; false: there is none. */
static bool box_of(const eg_grid *g, const candidate *c, eg_box *box) {
	const ptrdiff_t plane = (ptrdiff_t)g->h * g->w;
	const int row = c->cell / g->w, column = c->cell % g->w;
	const double fx = (double)g->W / g->w, fy = (double)g->H / g->h, x = column + 0.5, y = row + 0.5;
	const eg_real *s = g->sides + c->cell;
	*box = (eg_box){.label = c->label,
	        .x0 = hundredths(fx * (x - (double)s[0])),
	        .y0 = hundredths(fy * (y - (double)s[plane])),
	        .x1 = hundredths(fx * (x + (double)s[2 * plane])),
	        .y1 = hundredths(fy * (y + (double)s[3 * plane]))};
	return eg_box_clip(box, g->H, g->W);
}

int eg_grid_find(const eg_grid *g, eg_found out[EG_FOUND_MOST]) {
	candidate *all = eg_alloc(NULL, ((size_t)g->K * (size_t)g->h * (size_t)g->w + 1) * sizeof *all);
	if (!all) return -1;
	const int count = gather(g, all);
	int n = 0;
	for (int i = 0; i < count && n < EG_FOUND_MOST; i++) {
		eg_box box;
		bool kept = box_of(g, &all[i], &box);
		for (int k = 0; k < n && kept; k++)
			kept = out[k].box.label != box.label || eg_box_overlap(&out[k].box, &box) <= g->overlap;
		if (kept) out[n++] = (eg_found){box, all[i].score, all[i].cell / g->w, all[i].cell % g->w};
	}
	eg_release(NULL, all);
	return n;
}

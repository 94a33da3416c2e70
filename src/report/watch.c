/* watch.c - the picture of a fault warning: what was measured, the score below it, and when there were events. */
#include "engram_report.h"
#include "report/draw.h"
#include "report/plot.h"

#include <math.h>
#include <string.h>

enum { HEIGHT = 330, PANEL = 220, WIDTH = 760 };

/* Events as bands over the whole height. */
static void shade(const eg_watch_plot *p, const double *ends, double *edges, eg_band *bands) {
	for (int i = 0; i < p->nevents; i++) {
		double *e = edges + 6 * i;
		e[0] = p->begin[i], e[1] = fmax(p->end[i], p->begin[i]);
		e[2] = e[3] = ends[0], e[4] = e[5] = ends[1];
		bands[i] = (eg_band){.x = e, .low = e + 2, .high = e + 4, .n = 2, .series = 1};
	}
}

static void put(eg_writer *w, const char *text) { eg_writer_put(w, text, strlen(text)); }

static void range(const double *y, int n, double ends[2]) {
	ends[0] = INFINITY, ends[1] = -INFINITY;
	for (int i = 0; i < n; i++)
		if (isfinite(y[i])) ends[0] = fmin(ends[0], y[i]), ends[1] = fmax(ends[1], y[i]);
	if (!(ends[0] < ends[1])) ends[0] = 0, ends[1] = 1;
}

eg_status eg_plot_watch(const char *path, const eg_watch_plot *p, eg_error *err) {
	double ends[2], *edges = eg_alloc(NULL, 6 * sizeof *edges * ((size_t)p->nevents + 1)), one[2] = {1, 1}, x[2] = {p->x[0], p->x[p->n - 1]};
	eg_band *bands = eg_alloc(NULL, sizeof *bands * ((size_t)p->nevents + 1));
	eg_writer *w = edges && bands ? eg_writer_new(NULL, path, err) : NULL;
	if (!w) {
		eg_status status = edges && bands ? err->status : eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
		eg_release(NULL, edges);
		eg_release(NULL, bands);
		return status;
	}
	const eg_series measured[2] = {{.name = p->y_title, .x = p->x, .y = p->values, .n = p->n}, {.name = "events", .x = x, .y = one}};
	const eg_series scores[2] = {{.name = "score", .x = p->x, .y = p->scores, .n = p->n}, {.name = "threshold", .x = x, .y = one, .n = 2}};
	eg_line_plot plot = {.title = p->title, .x_title = "", .y_title = p->y_title, .series = measured, .nseries = 2, .bands = bands,
		.nbands = p->nevents, .number = 1, .width = WIDTH, .height = PANEL};
	eg_draw_head(w, WIDTH + 240, 2.0 * HEIGHT, p->title);
	range(p->values, p->n, ends);
	shade(p, ends, edges, bands);
	eg_plot_lines_into(w, &plot);
	put(w, "<g transform=\"translate(0 330)\">\n"); /* HEIGHT */
	range(p->scores, p->n, ends);
	ends[1] = fmax(ends[1], 1.1), ends[0] = 0;
	shade(p, ends, edges, bands);
	plot.title = "How far from normal", plot.x_title = p->x_title, plot.y_title = "multiple of the threshold", plot.series = scores;
	plot.number = 2, plot.y_min = 0, plot.y_max = ends[1];
	eg_plot_lines_into(w, &plot);
	put(w, "</g>\n</svg>\n");
	eg_release(NULL, edges);
	eg_release(NULL, bands);
	return eg_writer_commit(w, err);
}

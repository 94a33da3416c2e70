/* alignment.c - attention of a text to a text as SVG 1.1: plain shapes and text with attributes only, as src/report has
 * its plots. Fonts are named that have Chinese characters, since a viewer takes the first that it knows.
 *
 * A Chinese character is as wide as the font is high, a Latin letter about 0.6 of it: so much room is left for
 * words. */
#include "tasks/alignment.h"

#include <math.h>
#include <string.h>

#define FONT                                                                                                           \
	"font-family=\"Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, DejaVu Sans, sans-serif\""
enum { CELL = 26, SIZE = 15, MARGIN = 14 };

static void put(eg_writer *w, const char *text) { eg_writer_put(w, text, strlen(text)); }

/* Text as XML has it; what it forbids is left out. */
static void put_text(eg_writer *w, const char *s) {
	for (; *s; s++) {
		if (*s == '<')
			put(w, "&lt;");
		else if (*s == '&')
			put(w, "&amp;");
		else if ((unsigned char)*s >= ' ')
			eg_writer_put(w, s, 1);
	}
}

static int width_of(const char *s) {
	double em = 0;
	for (; *s; s++) em += ((unsigned char)*s & 0xc0) == 0x80 ? 0 : (unsigned char)*s >= 0xe0 ? 1 : 0.6;
	return (int)ceil(em * SIZE);
}

static int widest(const char *const *list, int n) {
	int most = 0;
	for (int i = 0; i < n; i++) most = width_of(list[i]) > most ? width_of(list[i]) : most;
	return most;
}

static void put_cells(eg_writer *w, const eg_alignment *a, int left, int top) {
	char line[200];
	for (int i = 0; i < a->nwritten; i++)
		for (int k = 0; k < a->nread; k++) {
			const double v = (double)a->weights[(ptrdiff_t)i * a->stride + k];
			const int dark = (int)lround(255 * (1 - (v < 0 ? 0 : v > 1 ? 1 : v)));
			snprintf(line, sizeof line,
				"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%02x%02x%02x\" stroke=\"#dddddd\"/>\n",
				left + k * CELL, top + i * CELL, CELL, CELL, dark, dark,
				dark < 128 ? 96 + dark / 2 : 32 + dark * 223 / 255);
			put(w, line);
		}
}

eg_status eg_alignment_save(const char *path, const eg_alignment *a, eg_error *err) {
	char line[400];
	const int left = 2 * MARGIN + widest(a->written, a->nwritten), top = 2 * MARGIN + widest(a->read, a->nread),
	          width = left + a->nread * CELL + MARGIN, height = top + a->nwritten * CELL + MARGIN;
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (!w) return err->status;
	snprintf(line, sizeof line,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
		width, height, width, height, width, height);
	put(w, line);
	put_cells(w, a, left, top);
	put(w, "<g " FONT " font-size=\"15\" fill=\"#222222\">\n");
	for (int k = 0; k < a->nread; k++) {
		const int x = left + k * CELL + CELL / 2 + SIZE / 3, y = top - MARGIN / 2;
		snprintf(line, sizeof line, "<text x=\"%d\" y=\"%d\" transform=\"rotate(-90 %d %d)\">", x, y, x, y);
		put(w, line);
		put_text(w, a->read[k]);
		put(w, "</text>\n");
	}
	for (int i = 0; i < a->nwritten; i++) {
		snprintf(line, sizeof line, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", left - MARGIN / 2,
			top + i * CELL + CELL / 2 + SIZE / 3);
		put(w, line);
		put_text(w, a->written[i]);
		put(w, "</text>\n");
	}
	put(w, "</g>\n</svg>\n");
	return eg_writer_commit(w, err);
}

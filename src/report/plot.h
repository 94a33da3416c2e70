/* plot.h - two kinds of plots, written as SVG 1.1: lines over numbers, and heat maps over the steps of a sequence.
 *
 * Plain shapes and text with attributes only: no style sheet, script, font or picture from elsewhere, so every viewer
 * shows them alike. Texts are UTF-8; what is not, and what XML forbids, is shown as U+FFFD. The file appears whole or
 * not at all. Not here: what is plotted (inspect.c). */
#ifndef ENGRAM_REPORT_PLOT_H
#define ENGRAM_REPORT_PLOT_H

#include "base/base.h"

/* ---- lines ------------------------------------------------------------------------------------------------------- */

typedef struct eg_series {
	const char *name; /* "": not in the legend */
	const double *x,
	        *y; /* n of each; the line is broken where one is NAN or infinite, or, on a log axis, not above 0 */
	int n;
} eg_series;

/* What lies between two lines, in the colour of a series, pale; drawn before all lines. */
typedef struct eg_band {
	const double *x, *low, *high;
	int n, series;
	const char *name; /* above the frame, in its middle; NULL: none */
} eg_band;

/* A PNG below all lines, and what of the axes it covers. */
typedef struct eg_plot_picture {
	const void *png;
	size_t size;
	double x0, x1, y0, y1; /* left, right, below, above */
	const char *const *rows; /* of its rows, which then are all as high, from above: in place of numbers; NULL */
	int nrows;
} eg_plot_picture;

enum { EG_MAX_SERIES = 16 }; /* eight colours, full and dashed */

/* A vertical line at x with a word at its top. */
typedef struct eg_plot_mark {
	double x;
	const char *name;
} eg_plot_mark;

typedef struct eg_line_plot {
	const char *title, *x_title, *y_title;
	const eg_series *series;
	int nseries;         /* 1..EG_MAX_SERIES */
	bool log_x, log_y;   /* powers of ten at equal distances; what is not above 0 is left out */
	const eg_band *bands;
	int nbands;
	double y_min, y_max; /* what is shown; both 0: everything. A line beyond is cut at the frame */
	double x_max;        /* so far it goes to the right, though nothing be there; 0: as far as there is something */
	const eg_plot_mark *marks; /* nmarks of them */
	int nmarks;
	const eg_plot_picture *picture; /* NULL: none; with one there need be no line */
	bool thin_first;     /* the first line is drawn thin and pale: what the others smooth */
	int number;          /* of plots in one page, each has another */
	double width, height; /* of the frame around the lines; 0: 520 x 330 */
} eg_line_plot;

eg_status eg_plot_lines(const char *path, const eg_line_plot *p, eg_error *err);
/* The same into a page: an <svg> element. */
void eg_plot_lines_into(eg_writer *w, const eg_line_plot *p);

/* ---- heat maps --------------------------------------------------------------------------------------------------- */

typedef enum eg_colours {
	EG_DIVERGING, /* blue, white, red: for values around the middle of lo..hi */
	EG_SEQUENTIAL /* dark violet to yellow */
} eg_colours;

/* Rows above one another, a column for each step. */
typedef struct eg_heat_panel {
	const char *title;
	const double *values; /* rows x columns; NAN is left grey, what is beyond lo..hi gets the colour of the end */
	int rows;
	const char *const *row_labels; /* rows of them; NULL: none */
	eg_colours colours;
	double lo, hi;
} eg_heat_panel;

typedef struct eg_heat_map {
	const char *title;
	int columns;
	const char *const
	        *column_labels;      /* columns of them, characters or words; NULL: only numbers below. Characters that
	                                     cannot be seen are shown by marks: see eg_plot_visible */
	const eg_heat_panel *panels; /* one below the other */
	int npanels;
} eg_heat_map;

eg_status eg_plot_heat(const char *path, const eg_heat_map *m, eg_error *err);

/* A text with marks for what cannot be seen: space is a middle dot, newline a pilcrow, tab a guillemet, other control
 * characters and damaged UTF-8 U+FFFD. At most size - 1 bytes into buf, cut between characters; returns buf. */
const char *eg_plot_visible(const char *text, char *buf, size_t size);

/* A text as XML has it, what it forbids as U+FFFD, line ends and tabs as spaces. */
void eg_put_escaped(eg_writer *w, const char *s);

/* ---- files ------------------------------------------------------------------------------------------------------- */

void eg_put(eg_writer *w, const char *fmt, ...)
	EG_PRINTF(2, 3); /* at most 640 bytes; no numbers with a point: see below */
/* With a decimal point whatever the locale of the embedding program is, nine digits; "nan" and "inf" as they are. */
const char *eg_number(double v, char buf[32]);
void eg_put_base64(eg_writer *w, const uint8_t *p, size_t n); /* as data URIs have it */

#endif

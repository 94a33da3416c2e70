/* draw.h - what plots are drawn with: axes, texts, lines, colours (svg.c). Coordinates are pixels from the top left. */
#ifndef ENGRAM_REPORT_DRAW_H
#define ENGRAM_REPORT_DRAW_H

#include "report/plot.h"

#define FONT "font-family=\"DejaVu Sans, Verdana, Helvetica, Arial, sans-serif\""
#define INK "#222222"
#define FAINT "#dddddd"

enum { SMALL = 11, NORMAL = 12, LARGE = 15 }; /* font sizes */

typedef struct eg_axis {
	double lo, hi;   /* of what is shown; with log: powers of ten */
	double from, to; /* pixels */
	double step;     /* between ticks: a value, or with log so many powers */
	bool log;
} eg_axis;

double eg_axis_place(const eg_axis *a, double v);
/* 1, 2 or 5 times a power of ten, such that there are about `ticks` of them. */
double eg_axis_step(double range, int ticks);
/* exact: it begins and ends there; else at a tick. */
void eg_axis_fit_linear(eg_axis *a, double lo, double hi, int ticks, bool exact);
void eg_axis_fit_log(eg_axis *a, double lo, double hi);
/* Lines across and numbers at the left. */
void eg_axis_draw_y(eg_writer *w, const eg_axis *y, const eg_axis *x);

void eg_draw_head(eg_writer *w, double width, double height, const char *title);
/* anchor: start, middle or end. turn: degrees about its own place. */
void eg_draw_text(eg_writer *w, double x, double y, int font, const char *anchor, int turn, const char *s);
void eg_draw_line(eg_writer *w, double x, double y, double x2, double y2, const char *colour);
/* Room for a text, about. */
double eg_draw_width(const char *s, int font);
/* A coordinate: at most two digits after the point. */
const char *eg_draw_at(double v, char buf[32]);
#define AT(v) eg_draw_at(v, (char[32]){0})
/* As few digits as tell it from its neighbours at this distance. */
const char *eg_draw_number(double v, double step, char buf[32]);
const char *eg_draw_colour(eg_colours kind, double share, char buf[8]);

#endif

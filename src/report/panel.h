/* panel.h - small pictures made of numbers, as pixels (panel.c): a picture, a map over it, many beside one another. */
#ifndef ENGRAM_REPORT_PANEL_H
#define ENGRAM_REPORT_PANEL_H

#include "base/base.h"
#include "report/plot.h"

/* Red, green and blue as planes, H x W each. In an arena. */
typedef struct eg_pane {
	int H, W;
	uint8_t *rgb;
} eg_pane;

typedef enum eg_pane_colours {
	EG_PANE_FOR,    /* above 0 blue, below 0 orange, over what is below, the paler the nearer to 0 */
	EG_PANE_SIZE,   /* 0..most, dark to bright */
	EG_PANE_SIGNED  /* -most..most, blue, white, red */
} eg_pane_colours;

/* How many times as large a picture of this size is drawn to be about `wanted` pixels high or wide; at least 1. */
int eg_pane_scale(int H, int W, int wanted);
bool eg_pane_new(eg_arena *a, int H, int W, const uint8_t rgb[3], eg_pane *p); /* false: out of memory */
/* A picture, C 1 or 3. */
bool eg_pane_picture(eg_arena *a, const uint8_t *pixels, const int shape[3], int scale, eg_pane *p);
/* Numbers H x W; `most` is what has the strongest colour (0: the largest without its sign); `below`: a picture of that
 * size (C 1 or 3), drawn pale, or NULL. */
bool eg_pane_map(eg_arena *a, const eg_real *map, int H, int W, eg_pane_colours colours, double most, const uint8_t *below, int C,
	int scale, eg_pane *p);
/* n panels in rows of `columns`, `gap` white pixels between them; each in the middle of a cell as large as the largest
 * one. */
bool eg_pane_grid(eg_arena *a, const eg_pane *panels, int n, int columns, int gap, eg_pane *p);
/* A part of a picture: top, left, height, width, which may reach beyond it: there it is grey. */
bool eg_pane_part(eg_arena *a, const uint8_t *pixels, const int shape[3], const int window[4], int scale, eg_pane *p);
/* A frame around rows y..y+h-1 and columns x..x+w-1 of what was drawn at `scale`. */
void eg_pane_frame(eg_pane *p, int scale, const int window[4], const uint8_t rgb[3]);

#endif

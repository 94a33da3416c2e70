/* panel.c - small pictures made of numbers, as pixels: see panel.h. */
#include "report/panel.h"

#include "report/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t white[3] = {255, 255, 255}, grey[3] = {160, 160, 160};
static const uint8_t in_favour[3] = {0, 70, 200}, against[3] = {225, 95, 0};

int eg_pane_scale(int H, int W, int wanted) {
	const int larger = H > W ? H : W;
	return larger > 0 && wanted > larger ? (wanted + larger / 2) / larger : 1;
}

static void put(eg_pane *p, int y, int x, int h, int w, const uint8_t rgb[3]) {
	for (int c = 0; c < 3; c++)
		for (int i = y < 0 ? 0 : y; i < y + h && i < p->H; i++)
			for (int k = x < 0 ? 0 : x; k < x + w && k < p->W; k++) p->rgb[((ptrdiff_t)c * p->H + i) * p->W + k] = rgb[c];
}

bool eg_pane_new(eg_arena *a, int H, int W, const uint8_t rgb[3], eg_pane *p) {
	const size_t n = (size_t)H * (size_t)W;
	*p = (eg_pane){H, W, eg_arena_alloc(a, 3 * n)};
	for (size_t c = 0; c < 3 && p->rgb; c++) memset(p->rgb + c * n, rgb[c], n);
	return p->rgb != NULL;
}

static void pixel_of(const uint8_t *pixels, int C, ptrdiff_t plane, ptrdiff_t i, uint8_t rgb[3]) {
	for (int c = 0; c < 3; c++) rgb[c] = pixels[(C == 3 ? c : 0) * plane + i];
}

bool eg_pane_part(eg_arena *a, const uint8_t *pixels, const int shape[3], const int window[4], int scale, eg_pane *p) {
	const ptrdiff_t plane = (ptrdiff_t)shape[1] * shape[2];
	if (!eg_pane_new(a, window[2] * scale, window[3] * scale, grey, p)) return false;
	for (int y = 0; y < window[2]; y++)
		for (int x = 0; x < window[3]; x++) {
			const int row = window[0] + y, column = window[1] + x;
			uint8_t rgb[3];
			if (row < 0 || row >= shape[1] || column < 0 || column >= shape[2]) continue;
			pixel_of(pixels, shape[0], plane, (ptrdiff_t)row * shape[2] + column, rgb);
			put(p, y * scale, x * scale, scale, scale, rgb);
		}
	return true;
}

bool eg_pane_picture(eg_arena *a, const uint8_t *pixels, const int shape[3], int scale, eg_pane *p) {
	return eg_pane_part(a, pixels, shape, (const int[]){0, 0, shape[1], shape[2]}, scale, p);
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

/* Colours of draw.h by their number, read once for a map. */
enum { LEVELS = 65 };
static void read_colours(eg_colours kind, uint8_t table[LEVELS][3]) {
	for (int i = 0; i < LEVELS; i++) {
		char hex[8];
		const unsigned long v = strtoul(eg_draw_colour(kind, (double)i / (LEVELS - 1), hex) + 1, NULL, 16);
		for (int c = 0; c < 3; c++) table[i][c] = (uint8_t)(v >> (16 - 8 * c) & 0xff);
	}
}

static void lay_over(double share, uint8_t rgb[3]) {
	const double strength = pow(fmin(fabs(share), 1), 0.8);
	const uint8_t *colour = share >= 0 ? in_favour : against;
	for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)lround(rgb[c] * (1 - strength) + colour[c] * strength);
}

bool eg_pane_map(eg_arena *a, const eg_real *map, int H, int W, eg_pane_colours colours, double most, const uint8_t *below, int C,
	int scale, eg_pane *p) {
	const ptrdiff_t plane = (ptrdiff_t)H * W;
	uint8_t table[LEVELS][3];
	if (!eg_pane_new(a, H * scale, W * scale, white, p)) return false;
	if (!(most > 0)) {
		most = 0;
		for (ptrdiff_t i = 0; i < plane; i++) most = fmax(most, fabs((double)map[i]));
	}
	read_colours(colours == EG_PANE_SIGNED ? EG_DIVERGING : EG_SEQUENTIAL, table);
	for (ptrdiff_t i = 0; i < plane; i++) {
		const double share = most > 0 ? (double)map[i] / most : 0, place = colours == EG_PANE_SIGNED ? (share + 1) / 2 : share;
		uint8_t rgb[3] = {255, 255, 255};
		if (below) pixel_of(below, C, plane, i, rgb);
		for (int c = 0; c < 3 && below; c++) rgb[c] = (uint8_t)(165 + rgb[c] * 90 / 255);
		if (colours == EG_PANE_FOR)
			lay_over(share, rgb);
		else
			memcpy(rgb, table[lround(fmin(fmax(place, 0), 1) * (LEVELS - 1))], 3);
		put(p, (int)(i / W) * scale, (int)(i % W) * scale, scale, scale, rgb);
	}
	return true;
}

/* ---- together ---------------------------------------------------------------------------------------------------- */

bool eg_pane_grid(eg_arena *a, const eg_pane *panels, int n, int columns, int gap, eg_pane *p) {
	int h = 1, w = 1;
	for (int i = 0; i < n; i++) {
		if (panels[i].H > h) h = panels[i].H;
		if (panels[i].W > w) w = panels[i].W;
	}
	if (columns > n) columns = n;
	if (columns < 1) columns = 1;
	const int rows = n > 0 ? (n + columns - 1) / columns : 1;
	if (!eg_pane_new(a, rows * (h + gap) - gap, columns * (w + gap) - gap, white, p)) return false;
	for (int i = 0; i < n; i++) {
		const eg_pane *from = &panels[i];
		const int top = i / columns * (h + gap) + (h - from->H) / 2, left = i % columns * (w + gap) + (w - from->W) / 2;
		for (int c = 0; c < 3; c++)
			for (int y = 0; y < from->H; y++)
				memcpy(p->rgb + ((ptrdiff_t)c * p->H + top + y) * p->W + left, from->rgb + ((ptrdiff_t)c * from->H + y) * from->W,
					(size_t)from->W);
	}
	return true;
}

void eg_pane_frame(eg_pane *p, int scale, const int window[4], const uint8_t rgb[3]) {
	const int thick = scale > 3 ? 3 : scale > 1 ? 2 : 1;
	const int top = window[0] * scale, left = window[1] * scale, h = window[2] * scale, w = window[3] * scale;
	put(p, top, left, thick, w, rgb);
	put(p, top + h - thick, left, thick, w, rgb);
	put(p, top, left, h, thick, rgb);
	put(p, top, left + w - thick, h, thick, rgb);
}

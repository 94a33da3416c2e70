/* hog.c - histograms of oriented gradients (Dalal and Triggs 2005).
 *
 * The picture is cut into cells. Every pixel votes for the direction of its gradient, by the gradient's length, in
 * the four cells around it and the two directions beside its own, the nearer the more. A description has four
 * parts:
 *
 *   1. nine directions of half a turn (dark to bright is as bright to dark), blocks of 2 x 2 cells, each block
 *      normalised: v / |v|;
 *   2. eighteen directions of a whole turn, each cell normalised so by itself;
 *   3. the same in cells that lie half a cell further down and right;
 *   4. the mean brightness of squares of half a cell.
 *
 * 1. is Dalal and Triggs', without their cut of large numbers at 0.2, which costs half a point on Fashion-MNIST's
 * validation pictures; directions of a whole turn beside it are Felzenszwalb et al.'s (2010). Numbers are between 0
 * and 1 and kept as bytes. */
#include "floors/hog.h"

#include <math.h>
#include <string.h>

static const float faint = 1e-7F, pi = 3.14159265F; /* faint: so weak are no gradients at all */

/* Cells of one kind of histogram. */
typedef struct grid {
	int rows, columns, directions, offset;
	float *votes; /* [row][column][direction] */
} grid;

static grid grid_of(const eg_hog *h, int directions, int offset) {
	return (grid){(h->H - 2 * offset) / h->cell, (h->W - 2 * offset) / h->cell, directions, offset, NULL};
}
static int cells(const grid *g) { return g->rows * g->columns; }

eg_hog eg_hog_of(int C, int H, int W) {
	eg_hog h = {.C = C, .H = H, .W = W};
	int side = H < W ? H : W, half;
	h.cell = (side + 3) / 7 < 4 ? 4 : (side + 3) / 7;
	half = h.cell / 2;
	grid a = grid_of(&h, EG_HOG_UNSIGNED, 0), b = grid_of(&h, EG_HOG_SIGNED, 0), c = grid_of(&h, EG_HOG_SIGNED, half);
	if (a.rows < 2 || a.columns < 2 || c.rows < 1 || c.columns < 1) return h;
	h.size = (a.rows - 1) * (a.columns - 1) * 4 * EG_HOG_UNSIGNED + (cells(&b) + cells(&c)) * EG_HOG_SIGNED;
	h.size += (H / half) * (W / half);
	h.scratch = H * W + cells(&a) * EG_HOG_UNSIGNED + (cells(&b) + cells(&c)) * EG_HOG_SIGNED;
	return h;
}

/* A vote of length m at (y, x), for the place `turn` (0..1) in the circle of directions. */
static void vote(const eg_hog *h, grid *g, int y, int x, float m, float turn) {
	float at = turn * (float)g->directions - 0.5F, fy = ((float)(y - g->offset) + 0.5F) / (float)h->cell - 0.5F,
	      fx = ((float)(x - g->offset) + 0.5F) / (float)h->cell - 0.5F;
	int d = (int)floorf(at), row = (int)floorf(fy), column = (int)floorf(fx);
	float wd = at - (float)d, wy = fy - (float)row, wx = fx - (float)column;
	int first = (d + g->directions) % g->directions, second = (d + 1) % g->directions;
	for (int i = 0; i < 4; i++) {
		int r = row + i / 2, c = column + i % 2;
		if (r < 0 || c < 0 || r >= g->rows || c >= g->columns) continue;
		float w = m * (i / 2 ? wy : 1 - wy) * (i % 2 ? wx : 1 - wx);
		float *cell = g->votes + (ptrdiff_t)(r * g->columns + c) * g->directions;
		cell[first] += w * (1 - wd);
		cell[second] += w * wd;
	}
}

static uint8_t to_byte(float v) { return (uint8_t)(v <= 0 ? 0 : v >= 1 ? 255 : v * 255 + 0.5F); }

static void normalise(const float *v, int n, uint8_t *out) {
	float sum = 0;
	for (int i = 0; i < n; i++) sum += v[i] * v[i];
	const float scale = 1 / sqrtf(sum + faint);
	for (int i = 0; i < n; i++) out[i] = to_byte(v[i] * scale);
}

static uint8_t *put_blocks(const grid *g, uint8_t *out) {
	float block[4 * EG_HOG_UNSIGNED];
	const int n = g->directions;
	for (int r = 0; r + 1 < g->rows; r++)
		for (int c = 0; c + 1 < g->columns; c++, out += 4 * n) {
			for (int i = 0; i < 4; i++)
				memcpy(block + (ptrdiff_t)i * n, g->votes + (ptrdiff_t)((r + i / 2) * g->columns + c + i % 2) * n,
				        (size_t)n * sizeof *block);
			normalise(block, 4 * n, out);
		}
	return out;
}

static uint8_t *put_cells(const grid *g, uint8_t *out) {
	for (int i = 0; i < cells(g); i++, out += g->directions)
		normalise(g->votes + (ptrdiff_t)i * g->directions, g->directions, out);
	return out;
}

static void put_squares(const eg_hog *h, const float *grey, uint8_t *out) {
	const int side = h->cell / 2;
	for (int r = 0; r < h->H / side; r++)
		for (int c = 0; c < h->W / side; c++) {
			float sum = 0;
			for (int y = 0; y < side; y++)
				for (int x = 0; x < side; x++) sum += grey[(r * side + y) * h->W + c * side + x];
			*out++ = to_byte(0.3F + 0.2F * sum / (float)(side * side));
		}
}

static void to_grey(const eg_hog *h, const eg_real *x, eg_hog_view view, float *grey) {
	const int H = h->H, W = h->W, down = (view == EG_HOG_UP) - (view == EG_HOG_DOWN),
	          right = (view == EG_HOG_LEFT) - (view == EG_HOG_RIGHT);
	for (int k = 0; k < h->C; k++, x += H * W)
		for (int i = 0; i < H; i++)
			for (int j = 0; j < W; j++) {
				int r = i + down, c = j + right;
				r = r < 0 ? 0 : r >= H ? H - 1 : r;
				c = c < 0 ? 0 : c >= W ? W - 1 : c;
				grey[i * W + j] += (float)x[r * W + c] / (float)h->C;
			}
}

void eg_hog_describe(const eg_hog *h, const eg_real *x, eg_hog_view view, uint8_t *out, float *scratch) {
	const int H = h->H, W = h->W;
	float *grey = scratch;
	grid a = grid_of(h, EG_HOG_UNSIGNED, 0), b = grid_of(h, EG_HOG_SIGNED, 0),
	     c = grid_of(h, EG_HOG_SIGNED, h->cell / 2);
	memset(scratch, 0, (size_t)h->scratch * sizeof *scratch);
	a.votes = grey + H * W;
	b.votes = a.votes + cells(&a) * a.directions;
	c.votes = b.votes + cells(&b) * b.directions;
	to_grey(h, x, view, grey);
	for (int i = 0; i < H; i++)
		for (int j = 0; j < W; j++) {
			float gx = grey[i * W + (j < W - 1 ? j + 1 : j)] - grey[i * W + (j > 0 ? j - 1 : j)];
			float gy = grey[(i < H - 1 ? i + 1 : i) * W + j] - grey[(i > 0 ? i - 1 : i) * W + j];
			float m = sqrtf(gx * gx + gy * gy), turn = atan2f(gy, gx) / (2 * pi);
			if (!(m > 0)) continue;
			if (turn < 0) turn += 1;
			vote(h, &a, i, j, m, fmodf(2 * turn, 1));
			vote(h, &b, i, j, m, fmodf(turn, 1));
			vote(h, &c, i, j, m, fmodf(turn, 1));
		}
	put_squares(h, grey, put_cells(&c, put_cells(&b, put_blocks(&a, out))));
}

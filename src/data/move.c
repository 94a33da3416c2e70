/* move.c - where pixels, classes of pixels and boxes go when a picture is moved or bent. See augment.h. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

const char *const eg_edge_names[] = {"zero", "reflect", NULL};

/* ---- moves ------------------------------------------------------------------------------------------------------- */

/* About the middle: place p of the new picture comes from middle + A (p - middle). */
eg_move eg_move_about_middle(double xx, double xy, double yx, double yy, int H, int W) {
	const double cx = 0.5 * W, cy = 0.5 * H;
	return (eg_move){xx, xy, cx - xx * cx - xy * cy, yx, yy, cy - yx * cx - yy * cy};
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

/* Place i of 0..n-1 as far as the edge allows; -1: outside. Reflected at the middle of the outermost pixel, which is
 * not repeated. */
static int64_t at_edge(int64_t i, int n, eg_edge edge) {
	if (i >= 0 && i < n) return i;
	if (edge == EG_EDGE_ZERO) return -1;
	const int64_t period = n > 1 ? 2 * ((int64_t)n - 1) : 1;
	i %= period;
	if (i < 0) i += period;
	return i < n ? i : period - i;
}

/* Are rows moved to rows and columns to columns, pixel by pixel? Then along one axis place i comes from s i + t. */
static bool is_whole(const eg_move *m) {
	return m->xy == 0 && m->yx == 0 && fabs(m->xx) == 1 && fabs(m->yy) == 1 && floor(m->x0) == m->x0 && floor(m->y0) == m->y0;
}
static int64_t whole_from(double s, double t, int i) { return (int64_t)t + (s > 0 ? i : -i - 1); }

static void copy_row(const uint8_t *in, uint8_t *out, const int32_t *from, int W, int outside) {
	for (int x = 0; x < W; x++) out[x] = (uint8_t)(from[x] < 0 ? outside : in[from[x]]);
}

static void copy_plane(const eg_move *m, eg_edge edge, const uint8_t *in, uint8_t *out, int H, int W, int outside, int32_t *from) {
	for (int x = 0; x < W; x++) from[x] = (int32_t)at_edge(whole_from(m->xx, m->x0, x), W, edge);
	for (int y = 0; y < H; y++, out += W) {
		const int64_t row = at_edge(whole_from(m->yy, m->y0, y), H, edge);
		if (row < 0)
			memset(out, outside, (size_t)W);
		else
			copy_row(in + row * W, out, from, W, outside);
	}
}

/* A way from each pixel of a new picture to its place in the old one, which has as many. */
typedef struct way {
	const eg_move *move;
	const eg_bend *bend; /* NULL: straight */
	int H, W;
} way;

/* A place of the old picture, for pixel (x, y) of the new one, in pixels from the middle of the first. */
static void come_from(const way *w, int x, int y, double *sx, double *sy) {
	const eg_move *m = w->move;
	double cx = x + 0.5, cy = y + 0.5;
	if (w->bend) {
		const ptrdiff_t at = (ptrdiff_t)y * w->W + x;
		cx += (double)w->bend->dx[at], cy += (double)w->bend->dy[at];
	}
	*sx = m->xx * cx + m->xy * cy + m->x0 - 0.5;
	*sy = m->yx * cx + m->yy * cy + m->y0 - 0.5;
}

typedef struct tap {
	int64_t x[2], y[2]; /* -1: outside */
	double u, v;        /* how far between the two */
} tap;

static tap tap_at(const way *w, eg_edge edge, int x, int y) {
	double sx, sy;
	come_from(w, x, y, &sx, &sy);
	const double left = floor(sx), top = floor(sy);
	tap t = {.u = sx - left, .v = sy - top};
	for (int i = 0; i < 2; i++) {
		t.x[i] = at_edge((int64_t)left + i, w->W, edge);
		t.y[i] = at_edge((int64_t)top + i, w->H, edge);
	}
	return t;
}

static double value_at(const uint8_t *in, const tap *t, int W, int i, int j) {
	return t->x[i] < 0 || t->y[j] < 0 ? 0 : in[t->y[j] * W + t->x[i]];
}

static void interpolate(const way *w, eg_edge edge, const eg_datum_picture *p, uint8_t *out) {
	const size_t plane = (size_t)p->H * (size_t)p->W;
	for (int y = 0; y < p->H; y++)
		for (int x = 0; x < p->W; x++, out++) {
			const tap t = tap_at(w, edge, x, y);
			for (int c = 0; c < p->C; c++) {
				const uint8_t *in = p->pixels + (size_t)c * plane;
				const double above = (1 - t.u) * value_at(in, &t, p->W, 0, 0) + t.u * value_at(in, &t, p->W, 1, 0),
				             below = (1 - t.u) * value_at(in, &t, p->W, 0, 1) + t.u * value_at(in, &t, p->W, 1, 1);
				out[(size_t)c * plane] = (uint8_t)((1 - t.v) * above + t.v * below + 0.5);
			}
		}
}

eg_status eg_bend_picture(const eg_move *m, const eg_bend *bend, eg_edge edge, eg_record *r, eg_datum_picture *p, eg_error *err) {
	const size_t plane = (size_t)p->H * (size_t)p->W;
	uint8_t *out = eg_record_room(r, plane * (size_t)p->C + 1);
	int32_t *from = eg_record_room(r, ((size_t)p->W + 1) * sizeof *from);
	if (!out || !from) return eg_augment_no_memory(err);
	if (!bend && is_whole(m))
		for (int c = 0; c < p->C; c++)
			copy_plane(m, edge, p->pixels + (size_t)c * plane, out + (size_t)c * plane, p->H, p->W, 0, from);
	else
		interpolate(&(way){m, bend, p->H, p->W}, edge, p, out);
	p->pixels = out;
	return EG_OK;
}

eg_status eg_move_picture(const eg_move *m, eg_edge edge, eg_record *r, eg_datum_picture *p, eg_error *err) {
	return eg_bend_picture(m, NULL, edge, r, p, err);
}

/* ---- masks and boxes --------------------------------------------------------------------------------------------- */

static void nearest(const way *w, const uint8_t *in, uint8_t *out) {
	for (int y = 0; y < w->H; y++)
		for (int x = 0; x < w->W; x++) {
			double sx, sy;
			come_from(w, x, y, &sx, &sy);
			const double u = floor(sx + 0.5), v = floor(sy + 0.5);
			const bool inside = u >= 0 && v >= 0 && u < w->W && v < w->H;
			*out++ = inside ? in[(ptrdiff_t)v * w->W + (ptrdiff_t)u] : EG_VOID;
		}
}

eg_status eg_bend_mask(const eg_move *m, const eg_bend *bend, eg_record *r, eg_datum_mask *d, eg_error *err) {
	uint8_t *out = eg_record_room(r, (size_t)d->H * (size_t)d->W + 1);
	int32_t *from = eg_record_room(r, ((size_t)d->W + 1) * sizeof *from);
	if (!out || !from) return eg_augment_no_memory(err);
	if (!bend && is_whole(m))
		copy_plane(m, EG_EDGE_ZERO, d->classes, out, d->H, d->W, EG_VOID, from);
	else
		nearest(&(way){m, bend, d->H, d->W}, d->classes, out);
	d->classes = out;
	return EG_OK;
}

eg_status eg_move_mask(const eg_move *m, eg_record *r, eg_datum_mask *d, eg_error *err) {
	return eg_bend_mask(m, NULL, r, d, err);
}

bool eg_box_left(eg_box *b, double x0, double y0, double x1, double y1) {
	const double area = (b->x1 - b->x0) * (b->y1 - b->y0);
	b->x0 = fmax(b->x0, x0), b->y0 = fmax(b->y0, y0), b->x1 = fmin(b->x1, x1), b->y1 = fmin(b->y1, y1);
	const double w = b->x1 - b->x0, h = b->y1 - b->y0;
	return w >= 1 && h >= 1 && 3 * w * h >= area;
}

/* Of a place in the old picture, the one in the new. */
static void goes_to(const eg_move *m, double x, double y, double *nx, double *ny) {
	const double det = m->xx * m->yy - m->xy * m->yx, u = x - m->x0, v = y - m->y0;
	*nx = (m->yy * u - m->xy * v) / det;
	*ny = (m->xx * v - m->yx * u) / det;
}

eg_box eg_box_moved(const eg_move *m, const eg_box *b) {
	eg_box out = *b;
	out.x0 = out.y0 = INFINITY, out.x1 = out.y1 = -INFINITY;
	for (int i = 0; i < 4; i++) {
		double x, y;
		goes_to(m, i & 1 ? b->x1 : b->x0, i & 2 ? b->y1 : b->y0, &x, &y);
		out.x0 = fmin(out.x0, x), out.x1 = fmax(out.x1, x);
		out.y0 = fmin(out.y0, y), out.y1 = fmax(out.y1, y);
	}
	return out;
}

eg_status eg_move_boxes(const eg_move *m, int H, int W, eg_record *r, eg_datum_boxes *b, eg_error *err) {
	eg_box *out = eg_record_room(r, ((size_t)b->n + 1) * sizeof *out);
	int n = 0;
	if (!out) return eg_augment_no_memory(err);
	for (int i = 0; i < b->n; i++) {
		out[n] = eg_box_moved(m, &b->at[i]);
		n += eg_box_left(&out[n], 0, 0, W, H);
	}
	*b = (eg_datum_boxes){n, out};
	return EG_OK;
}

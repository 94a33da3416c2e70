/* intake_boxes.c - boxes as the targets of a detector whose network tells for each cell of a grid whether the middle of
 * an object is there, of which class, and how far the object's sides are. One field makes two targets:
 *
 *   classes  (N,classes,h,w): 1 where a box of that class owns the cell, else 0
 *   places   (N,4,h,w): how far its left, upper, right and lower side are from the middle of the cell, in cells; zeros
 *            where no box owns it, which is no box for the loss `iou`
 *
 * A box owns the cells whose middle lies in it and at most `radius` cells from its own (Tian et al. 2019, centre
 * sampling), at least the one in which its middle lies; of several boxes the smallest owns a cell. */
#include "tasks/intake_names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct boxes_intake {
	eg_names_intake names;
	double radius;
	bool places;
	int picture; /* the field that the boxes lie in; -1: not told yet */
} boxes_intake;

static const eg_key keys[] = {
	{.name = "radius",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(boxes_intake, radius),
		.min = 0.5,
		.max = 100,
		.def = 1.5,
		.doc = "boxes: a cell of the network's grid answers for an object whose middle is at most so many cells away, up, down, left "
		       "or right (1.5)"},
};

static eg_status open_intake(eg_intake *f, eg_recipe *r, eg_error *err) {
	boxes_intake *b = (boxes_intake *)f;
	EG_UNUSED(r), EG_UNUSED(err);
	b->picture = -1;
	if (!(b->radius > 0)) b->radius = 1.5;
	return EG_OK;
}

void eg_intake_boxes_are(eg_intake *f, bool places, const eg_intake *picture) {
	boxes_intake *b = (boxes_intake *)f;
	b->places = places;
	b->picture = picture->field;
}

/* ---- who owns a cell --------------------------------------------------------------------------------------------- */

/* A box in cells. */
typedef struct owner {
	double x0, y0, x1, y1, area;
	int label, number;
} owner;

/* The largest first: what is written later stays. */
static int falling(const void *a, const void *b) {
	const owner *x = a, *y = b;
	if (x->area != y->area) return x->area < y->area ? 1 : -1;
	return x->number - y->number;
}

/* Cells from..to-1 of n whose middle lies between low and high. */
static void cells_between(double low, double high, int n, int *from, int *to) {
	*from = (int)fmax(0, ceil(low - 0.5));
	*to = (int)fmin(n, floor(high - 0.5) + 1);
}

static int cell_of(double at, int n) { return at < 0 ? 0 : at >= n ? n - 1 : (int)at; }

static void own(const owner *o, double radius, int h, int w, int32_t *cells, int32_t mine) {
	const double x = (o->x0 + o->x1) / 2, y = (o->y0 + o->y1) / 2;
	int left, right, top, bottom;
	cells_between(fmax(o->x0, x - radius), fmin(o->x1, x + radius), w, &left, &right);
	cells_between(fmax(o->y0, y - radius), fmin(o->y1, y + radius), h, &top, &bottom);
	if (left >= right) left = cell_of(x, w), right = left + 1;
	if (top >= bottom) top = cell_of(y, h), bottom = top + 1;
	for (int v = top; v < bottom; v++)
		for (int u = left; u < right; u++) cells[(ptrdiff_t)v * w + u] = mine;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

enum { SIDES = 4 };

static void put_sides(const owner *o, int v, int u, eg_real *out, ptrdiff_t plane) {
	static const double least = 0.01; /* of a box so small that its cell's middle lies beside it */
	const double sides[SIDES] = {u + 0.5 - o->x0, v + 0.5 - o->y0, o->x1 - u - 0.5, o->y1 - v - 0.5};
	for (int i = 0; i < SIDES; i++) out[i * plane] = (eg_real)fmax(sides[i], least);
}

static eg_status fill_one(
	const boxes_intake *b, const eg_datum *d, eg_record *r, const eg_dims *dims, eg_real *out, eg_error *err) {
	const int K = (int)dims->d[1], h = (int)dims->d[2], w = (int)dims->d[3];
	const ptrdiff_t plane = (ptrdiff_t)h * w;
	const eg_datum_picture *p = &r->fields[b->picture].picture;
	const int n = d->there ? d->boxes.n : 0;
	owner *owners = eg_record_room(r, ((size_t)n + 1) * sizeof *owners);
	int32_t *cells = eg_record_room(r, (size_t)plane * sizeof *cells);
	int known = 0;
	if (!owners || !cells) return eg_record_no_memory(err);
	for (int i = 0; i < n; i++) {
		const eg_box *box = &d->boxes.at[i];
		const double fx = (double)w / p->W, fy = (double)h / p->H;
		const int label = eg_intake_label(&b->names.base, box->label);
		owner o = {box->x0 * fx, box->y0 * fy, box->x1 * fx, box->y1 * fy, 0, label, i};
		o.area = (o.x1 - o.x0) * (o.y1 - o.y0);
		if (label >= 0 && (b->places || label < K)) owners[known++] = o;
	}
	qsort(owners, (size_t)known, sizeof *owners, falling);
	for (ptrdiff_t i = 0; i < plane; i++) cells[i] = -1;
	for (int i = 0; i < known; i++) own(&owners[i], b->radius, h, w, cells, i);
	memset(out, 0, (size_t)K * (size_t)plane * sizeof *out);
	for (int v = 0; v < h; v++)
		for (int u = 0; u < w; u++) {
			const ptrdiff_t at = (ptrdiff_t)v * w + u;
			if (cells[at] < 0) continue;
			const owner *o = &owners[cells[at]];
			if (b->places)
				put_sides(o, v, u, out + at, plane);
			else
				out[o->label * plane + at] = 1;
		}
	return EG_OK;
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const boxes_intake *b = (const boxes_intake *)f;
	const eg_dims *d = &a->dims;
	if (b->picture < 0 || d->rank != 4 || (b->places && d->d[1] != SIDES))
		return eg_fail(err, EG_ERR_SHAPE, "boxes are the targets of the task 'detect' only");
	const int64_t each = d->d[1] * d->d[2] * d->d[3];
	for (int i = 0; i < a->n; i++) {
		eg_status status = fill_one(b, a->data[i], eg_fill_record(a, i), d, (eg_real *)a->slot + i * each, err);
		if (status) return status;
	}
	return EG_OK;
}

const eg_intake_type eg_intake_boxes_type = {.kind = EG_FIELD_BOXES,
	.size = sizeof(boxes_intake),
	.keys = {keys, EG_COUNT(keys)},
	.open = open_intake,
	.close = eg_names_close,
	.is_known = eg_names_known,
	.begin = eg_names_begin,
	.fill = fill,
	.save = eg_names_save,
	.restore = eg_names_restore,
	.meet = eg_names_meet,
	.count = eg_names_count,
	.word = "classes"};

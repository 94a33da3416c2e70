/* augment_colour.c - augmentations that change what pixels hold and leave them where they are: brightness, contrast,
 * colour, cutout. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

/* A copy of the pixels that may be changed; NULL: out of memory. */
static uint8_t *own_pixels(eg_record *r, eg_datum_picture *p) {
	const size_t n = (size_t)p->C * (size_t)p->H * (size_t)p->W;
	uint8_t *own = eg_record_room(r, n + 1);
	if (!own) return NULL;
	memcpy(own, p->pixels, n);
	p->pixels = own;
	return own;
}

static uint8_t byte_of(double v) { return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5); }

/* Every picture of the record through `change`, by the numbers drawn. */
typedef void (*changer)(uint8_t *pixels, const eg_datum_picture *p, const double *drawn);
static eg_status change_pictures(eg_augment_call *c, changer change, const double *drawn, eg_error *err) {
	for (int i = 0; i < c->nfields; i++) {
		eg_datum *d = &c->record->fields[i];
		if (!d->there || c->fields[i].kind != EG_FIELD_PICTURE) continue;
		uint8_t *own = own_pixels(c->record, &d->picture);
		if (!own) return eg_augment_no_memory(err);
		change(own, &d->picture, drawn);
	}
	return EG_OK;
}

/* Each byte becomes what a table says. */
static void by_table(uint8_t *pixels, size_t n, double factor, double middle) {
	uint8_t table[256];
	for (int v = 0; v < 256; v++) table[v] = byte_of(middle + factor * (v - middle));
	for (size_t i = 0; i < n; i++) pixels[i] = table[pixels[i]];
}
static size_t bytes_of(const eg_datum_picture *p) { return (size_t)p->C * (size_t)p->H * (size_t)p->W; }

/* ---- brightness and contrast ------------------------------------------------------------------------------------- */

typedef struct by_options {
	eg_augment_options base;
	double by;
} by_options;
#define BY_KEY(text) \
	{ \
		.name = "by", .type = EG_KEY_DOUBLE, .offset = offsetof(by_options, by), .min = EG_ABOVE_0, .max = 1, .def = NAN, \
			.doc = text \
	}
static void by_defaults(void *options) { ((by_options *)options)->by = 0.2; }

static eg_status change_by(eg_augment_call *c, changer change, eg_error *err) {
	const by_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double factor = eg_draw_uniform(&c->draw, 1 - o->by, 1 + o->by);
	return change_pictures(c, change, &factor, err);
}

static void brighten(uint8_t *pixels, const eg_datum_picture *p, const double *drawn) { by_table(pixels, bytes_of(p), *drawn, 0); }
static eg_status brightness(eg_augment_call *c, eg_error *err) { return change_by(c, brighten, err); }
static const eg_key brightness_keys[] = {BY_KEY("every byte is multiplied by a number from 1 - by to 1 + by (0.2)")};

#define PICTURES .works_on = EG_KINDS_OF(PICTURE)

const eg_augment_type eg_augment_brightness = {.name = "brightness",
	.doc = "makes pictures brighter or darker",
	PICTURES,
	.usual = 1,
	.shorthand = "by",
	EG_AUGMENT_KEYS(brightness_keys),
	.size = sizeof(by_options),
	.defaults = by_defaults,
	.apply = brightness};

/* About the mean of all bytes. */
static void set_apart(uint8_t *pixels, const eg_datum_picture *p, const double *drawn) {
	const size_t n = bytes_of(p);
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++) sum += pixels[i];
	by_table(pixels, n, *drawn, n ? (double)sum / (double)n : 0);
}
static eg_status contrast(eg_augment_call *c, eg_error *err) { return change_by(c, set_apart, err); }
static const eg_key contrast_keys[] = {
	BY_KEY("how far a byte is from the picture's mean is multiplied by a number from 1 - by to 1 + by (0.2)")};

const eg_augment_type eg_augment_contrast = {.name = "contrast",
	.doc = "raises or lowers the contrast of pictures",
	PICTURES,
	.usual = 1,
	.shorthand = "by",
	EG_AUGMENT_KEYS(contrast_keys),
	.size = sizeof(by_options),
	.defaults = by_defaults,
	.apply = contrast};

/* ---- colour ------------------------------------------------------------------------------------------------------ */

typedef struct colour_options {
	eg_augment_options base;
	double saturation, hue;
} colour_options;
static const eg_key colour_keys[] = {
	{.name = "saturation", .type = EG_KEY_DOUBLE, .offset = offsetof(colour_options, saturation), .min = 0, .max = 1,
		.def = NAN, .doc = "how far a pixel is from grey is multiplied by a number from 1 - this to 1 + this (0.3)"},
	{.name = "hue", .type = EG_KEY_DOUBLE, .offset = offsetof(colour_options, hue), .min = 0, .max = 0.5, .def = NAN,
		.doc = "colours are turned by at most this share of the circle, one way or the other (0.05)"},
};
static void colour_defaults(void *options) {
	colour_options *o = options;
	o->saturation = 0.3, o->hue = 0.05;
}

/* In YIQ, the colours of NTSC: brightness stays, the two others are turned and stretched. */
static void turn_colours(uint8_t *pixels, const eg_datum_picture *p, const double *drawn) {
	const size_t n = (size_t)p->H * (size_t)p->W;
	const double a = drawn[1] * 2 * 3.14159265358979323846, cs = drawn[0] * cos(a), sn = drawn[0] * sin(a);
	uint8_t *red = pixels, *green = pixels + n, *blue = pixels + 2 * n;
	for (size_t i = 0; i < n; i++) {
		const double r = red[i], g = green[i], b = blue[i];
		const double y = 0.299 * r + 0.587 * g + 0.114 * b, u = 0.5959 * r - 0.2746 * g - 0.3213 * b,
		             v = 0.2115 * r - 0.5227 * g + 0.3112 * b, tu = cs * u - sn * v, tv = sn * u + cs * v;
		red[i] = byte_of(y + 0.956 * tu + 0.619 * tv);
		green[i] = byte_of(y - 0.272 * tu - 0.647 * tv);
		blue[i] = byte_of(y - 1.106 * tu + 1.703 * tv);
	}
}

static eg_status colour(eg_augment_call *c, eg_error *err) {
	const colour_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	double drawn[2];
	drawn[0] = eg_draw_uniform(&c->draw, 1 - o->saturation, 1 + o->saturation);
	drawn[1] = eg_draw_uniform(&c->draw, -o->hue, o->hue);
	return change_pictures(c, turn_colours, drawn, err);
}

const eg_augment_type eg_augment_colour = {.name = "colour",
	.doc = "changes the saturation and hue of colour pictures",
	PICTURES,
	.colour = true,
	.usual = 1,
	EG_AUGMENT_KEYS(colour_keys),
	.size = sizeof(colour_options),
	.defaults = colour_defaults,
	.apply = colour};

/* ---- cutout ------------------------------------------------------------------------------------------------------ */

typedef struct cutout_options {
	eg_augment_options base;
	int size, count, fill;
} cutout_options;
static const char *const cutout_fills[] = {"mean", "zero", NULL};
static const eg_key cutout_keys[] = {
	{.name = "size", .type = EG_KEY_INT, .offset = offsetof(cutout_options, size), .min = 1, .max = 4096, .def = 8,
		.doc = "height and width of a square, in pixels (8); its middle lies anywhere in the picture"},
	{.name = "count", .type = EG_KEY_INT, .offset = offsetof(cutout_options, count), .min = 1, .max = 64, .def = 1,
		.doc = "how many squares (1)"},
	{.name = "fill", .type = EG_KEY_ENUM, .offset = offsetof(cutout_options, fill), .names = cutout_fills, .def = 0,
		.doc = "what they are filled with: mean (the picture's mean colour, the default) or zero (black)"},
};
static void cutout_defaults(void *options) {
	cutout_options *o = options;
	o->size = 8, o->count = 1;
}

/* A rectangle of pixels, cut to the picture. */
typedef struct hole {
	int x0, y0, x1, y1;
} hole;

static hole hole_at(const double drawn[2], int size, int H, int W) {
	const int x = (int)floor(drawn[0] * W) - size / 2, y = (int)floor(drawn[1] * H) - size / 2;
	hole h = {x < 0 ? 0 : x, y < 0 ? 0 : y, x + size, y + size};
	if (h.x1 > W) h.x1 = W;
	if (h.y1 > H) h.y1 = H;
	return h;
}

static void fill_hole(uint8_t *plane, int W, hole h, int value) {
	for (int y = h.y0; y < h.y1; y++)
		if (h.x1 > h.x0) memset(plane + (ptrdiff_t)y * W + h.x0, value, (size_t)(h.x1 - h.x0));
}

static eg_status cut_picture(const cutout_options *o, eg_record *r, eg_datum_picture *p, double drawn[][2], eg_error *err) {
	const size_t plane = (size_t)p->H * (size_t)p->W;
	uint8_t *own = own_pixels(r, p);
	if (!own) return eg_augment_no_memory(err);
	for (int c = 0; c < p->C; c++) {
		uint64_t sum = 0;
		uint8_t *at = own + (size_t)c * plane;
		for (size_t i = 0; i < plane && o->fill == 0; i++) sum += at[i];
		const int value = plane ? (int)((sum + plane / 2) / plane) : 0;
		for (int k = 0; k < o->count; k++) fill_hole(at, p->W, hole_at(drawn[k], o->size, p->H, p->W), value);
	}
	return EG_OK;
}

/* Nothing is asked of a pixel that is not shown. */
static eg_status cut_mask(const cutout_options *o, eg_record *r, eg_datum_mask *m, double drawn[][2], eg_error *err) {
	uint8_t *own = eg_record_room(r, (size_t)m->H * (size_t)m->W + 1);
	if (!own) return eg_augment_no_memory(err);
	memcpy(own, m->classes, (size_t)m->H * (size_t)m->W);
	for (int k = 0; k < o->count; k++) fill_hole(own, m->W, hole_at(drawn[k], o->size, m->H, m->W), EG_VOID);
	m->classes = own;
	return EG_OK;
}

static double shared_area(const eg_box *b, hole h) {
	const double w = fmin(b->x1, h.x1) - fmax(b->x0, h.x0), v = fmin(b->y1, h.y1) - fmax(b->y0, h.y0);
	return w > 0 && v > 0 ? w * v : 0;
}

/* Dropped are those of which one square leaves less than a third; the others stay as large as they are. */
static eg_status cut_boxes(const cutout_options *o, eg_record *r, eg_datum_boxes *b, double drawn[][2], int H, int W, eg_error *err) {
	eg_box *own = eg_record_room(r, ((size_t)b->n + 1) * sizeof *own);
	int n = 0;
	if (!own) return eg_augment_no_memory(err);
	for (int i = 0; i < b->n; i++) {
		const double area = (b->at[i].x1 - b->at[i].x0) * (b->at[i].y1 - b->at[i].y0);
		bool seen = true;
		for (int k = 0; k < o->count; k++)
			seen &= 3 * (area - shared_area(&b->at[i], hole_at(drawn[k], o->size, H, W))) >= area;
		if (seen) own[n++] = b->at[i];
	}
	*b = (eg_datum_boxes){n, own};
	return EG_OK;
}

static eg_status cutout(eg_augment_call *c, eg_error *err) {
	const cutout_options *o = c->options;
	const eg_datum_picture *first = NULL;
	double drawn[64][2];
	eg_status status = EG_OK;
	if (!eg_augment_happens(c)) return EG_OK;
	for (int k = 0; k < o->count; k++)
		for (int i = 0; i < 2; i++) drawn[k][i] = eg_draw_uniform(&c->draw, 0, 1);
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		if (!d->there) continue;
		if (c->fields[i].kind == EG_FIELD_PICTURE) status = cut_picture(o, c->record, &d->picture, drawn, err);
		if (c->fields[i].kind == EG_FIELD_MASK) status = cut_mask(o, c->record, &d->mask, drawn, err);
		if (c->fields[i].kind == EG_FIELD_PICTURE && !first) first = &d->picture;
	}
	for (int i = 0; i < c->nfields && !status && first; i++) {
		eg_datum *d = &c->record->fields[i];
		if (d->there && c->fields[i].kind == EG_FIELD_BOXES)
			status = cut_boxes(o, c->record, &d->boxes, drawn, first->H, first->W, err);
	}
	return status;
}

const eg_augment_type eg_augment_cutout = {.name = "cutout",
	.doc = "covers squares of pictures; what is covered of a mask has no class",
	PICTURES,
	.usual = 1,
	.shorthand = "size",
	EG_AUGMENT_KEYS(cutout_keys),
	.size = sizeof(cutout_options),
	.defaults = cutout_defaults,
	.apply = cutout};

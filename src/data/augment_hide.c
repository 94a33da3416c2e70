/* augment_hide.c - the augmentation hide: one side of a picture is covered, as a mask covers the lower part of a face.
 * What is covered becomes one even colour. The same is done to pictures that a model is judged by (eg_hide_lowest).
 * Not here: squares anywhere (cutout, augment_colour.c). */
#include "data/augment.h"

#include <math.h>
#include <string.h>

enum { SIDE_BOTTOM, SIDE_TOP, SIDE_LEFT, SIDE_RIGHT, SIDE_ANY };
enum { FILL_MEAN, FILL_ZERO, FILL_RANDOM };
static const char *const side_names[] = {"bottom", "top", "left", "right", "any", NULL};
static const char *const fill_names[] = {"mean", "zero", "random", NULL};

typedef struct hide_options {
	eg_augment_options base;
	double least, most;
	int side, fill;
} hide_options;

static const eg_key hide_keys[] = {
	{.name = "least", .type = EG_KEY_DOUBLE, .offset = offsetof(hide_options, least), .min = 0, .max = 0.9, .def = NAN,
		.doc = "share of the picture that is covered at least (0.2)"},
	{.name = "most", .type = EG_KEY_DOUBLE, .offset = offsetof(hide_options, most), .min = EG_ABOVE_0, .max = 0.9,
		.def = NAN, .doc = "and at most (0.5)"},
	{.name = "side", .type = EG_KEY_ENUM, .offset = offsetof(hide_options, side), .names = side_names, .def = SIDE_BOTTOM,
		.doc = "from which side: bottom (the default), top, left, right, or any of them, drawn for each picture"},
	{.name = "fill", .type = EG_KEY_ENUM, .offset = offsetof(hide_options, fill), .names = fill_names, .def = FILL_MEAN,
		.doc = "what it is filled with: mean (the mean colour of what is left to be seen, the default), zero (black), or "
		       "random (a grey that is drawn for each picture)"},
};

static void hide_defaults(void *options) {
	hide_options *o = options;
	o->least = 0.2, o->most = 0.5;
}

static const char *check_hide(const void *options) {
	const hide_options *o = options;
	return o->least > o->most ? "'least' is more than 'most'" : NULL;
}

/* Rows y0..y1-1 and columns x0..x1-1 are covered. */
typedef struct covered {
	int x0, y0, x1, y1;
} covered;

static covered cover_of(int side, double share, int H, int W) {
	const int rows = (int)round(share * H), columns = (int)round(share * W);
	switch (side) {
	case SIDE_TOP: return (covered){0, 0, W, rows};
	case SIDE_LEFT: return (covered){0, 0, columns, H};
	case SIDE_RIGHT: return (covered){W - columns, 0, W, H};
	default: return (covered){0, H - rows, W, H};
	}
}

static bool is_covered(covered c, int x, int y) { return x >= c.x0 && x < c.x1 && y >= c.y0 && y < c.y1; }

/* The mean of the pixels that are left to be seen, so that nothing of what is covered is told. */
static int mean_seen(const uint8_t *plane, covered c, int H, int W) {
	uint64_t sum = 0, n = 0;
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			if (!is_covered(c, x, y)) sum += plane[(ptrdiff_t)y * W + x], n++;
	return n ? (int)((sum + n / 2) / n) : 0;
}

/* grey: what it is filled with; -1: the mean of what is seen. */
static eg_status cover(covered c, int grey, eg_record *r, eg_datum_picture *p, eg_error *err) {
	const size_t plane = (size_t)p->H * (size_t)p->W, n = plane * (size_t)p->C;
	uint8_t *own = eg_record_room(r, n + 1);
	if (!own) return eg_record_no_memory(err);
	memcpy(own, p->pixels, n);
	for (int k = 0; k < p->C; k++) {
		uint8_t *at = own + (size_t)k * plane;
		const int value = grey < 0 ? mean_seen(at, c, p->H, p->W) : grey;
		for (int y = c.y0; y < c.y1; y++)
			if (c.x1 > c.x0) memset(at + (ptrdiff_t)y * p->W + c.x0, value, (size_t)(c.x1 - c.x0));
	}
	p->pixels = own;
	return EG_OK;
}

eg_status eg_hide_lowest(double share, eg_record *r, eg_datum_picture *p, eg_error *err) {
	return cover(cover_of(SIDE_BOTTOM, share, p->H, p->W), -1, r, p, err);
}

static eg_status hide(eg_augment_call *c, eg_error *err) {
	const hide_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double share = eg_draw_uniform(&c->draw, o->least, o->most);
	const int drawn = (int)eg_draw_whole(&c->draw, 0, SIDE_ANY - 1), side = o->side == SIDE_ANY ? drawn : o->side;
	const int random = (int)eg_draw_whole(&c->draw, 0, 255);
	const int grey = o->fill == FILL_MEAN ? -1 : o->fill == FILL_ZERO ? 0 : random;
	eg_status status = EG_OK;
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		if (!d->there || c->fields[i].kind != EG_FIELD_PICTURE) continue;
		status = cover(cover_of(side, share, d->picture.H, d->picture.W), grey, c->record, &d->picture, err);
	}
	return status;
}

const eg_augment_type eg_augment_hide = {.name = "hide",
	.doc = "covers one side of a picture, as a mask covers the lower part of a face",
	.works_on = EG_KINDS_OF(PICTURE),
	.refuses = EG_KINDS_OF(MASK) | EG_KINDS_OF(BOXES),
	.why = "what is covered would still be asked for; cutout knows of masks and boxes",
	.usual = 0.5,
	.shorthand = "most",
	EG_AUGMENT_KEYS(hide_keys),
	.size = sizeof(hide_options),
	.defaults = hide_defaults,
	.check = check_hide,
	.apply = hide};

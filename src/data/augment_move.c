/* augment_move.c - augmentations that move pixels: flip, crop, shift, rotate, scale, shear, squeeze. The picture, its
 * mask and its boxes move alike; a picture keeps its size.
 * Not here: where a pixel goes (move.c), several of these at once (augment_distort.c), what several pictures become
 * (augment_mix.c). */
#include "data/augment.h"

#include <math.h>

/* ---- a record ---------------------------------------------------------------------------------------------------- */

/* The move of a picture of this size. */
typedef eg_move (*mover)(const void *options, const double *drawn, int H, int W);

/* Pictures and masks by their own size, boxes by that of the first picture. */
static eg_status move_record(eg_augment_call *c, mover by, const double *drawn, eg_edge edge, eg_error *err) {
	eg_record *r = c->record;
	const eg_datum_picture *first = NULL;
	eg_status status = EG_OK;
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &r->fields[i];
		if (!d->there) continue;
		if (c->fields[i].kind == EG_FIELD_PICTURE) {
			const eg_move m = by(c->options, drawn, d->picture.H, d->picture.W);
			status = eg_move_picture(&m, edge, r, &d->picture, err);
			if (!first) first = &d->picture;
		} else if (c->fields[i].kind == EG_FIELD_MASK) {
			const eg_move m = by(c->options, drawn, d->mask.H, d->mask.W);
			status = eg_move_mask(&m, r, &d->mask, err);
		}
	}
	for (int i = 0; i < c->nfields && !status && first; i++) {
		const eg_move m = by(c->options, drawn, first->H, first->W);
		eg_datum *d = &r->fields[i];
		if (d->there && c->fields[i].kind == EG_FIELD_BOXES)
			status = eg_move_boxes(&m, first->H, first->W, r, &d->boxes, err);
	}
	return status;
}

/* ---- flip -------------------------------------------------------------------------------------------------------- */

typedef enum flip_axis { FLIP_HORIZONTAL, FLIP_VERTICAL } flip_axis;
static const char *const axis_names[] = {"horizontal", "vertical", NULL};
typedef struct flip_options {
	eg_augment_options base;
	int axis;
	bool alternating;
} flip_options;
static const eg_key flip_keys[] = {
	{.name = "axis", .type = EG_KEY_ENUM, .offset = offsetof(flip_options, axis), .names = axis_names, .def = 0,
		.doc = "horizontal (the default): left becomes right; vertical: top becomes bottom"},
	{.name = "alternating", .type = EG_KEY_BOOL, .offset = offsetof(flip_options, alternating), .def = 0,
		.doc = "half of the records in the first epoch, and from then on each in every other one (Jordan 2024)"},
};

static eg_move flip_move(const void *options, const double *drawn, int H, int W) {
	const bool vertical = ((const flip_options *)options)->axis == FLIP_VERTICAL;
	EG_UNUSED(drawn);
	return vertical ? (eg_move){1, 0, 0, 0, -1, H} : (eg_move){-1, 0, W, 0, 1, 0};
}

/* Which half it is in is drawn without the epoch, which then decides. */
static bool turn_of(const eg_augment_call *c) {
	const eg_draw still = {{c->seed, eg_stream(EG_RNG_AUGMENT, UINT32_MAX, (uint64_t)c->item)}, 0};
	return ((eg_rng_below(still.rng, 0, 2) + (uint64_t)c->epoch) & 1) != 0;
}

static eg_status flip(eg_augment_call *c, eg_error *err) {
	const flip_options *o = c->options;
	const bool now = o->alternating ? turn_of(c) : eg_augment_happens(c);
	return now ? move_record(c, flip_move, NULL, EG_EDGE_ZERO, err) : EG_OK;
}

static const char *check_flip(const void *options) {
	const flip_options *o = options;
	return o->alternating && o->base.probability != 0.5 ? "'alternating' flips every record in every other epoch: leave "
							      "'probability' out"
							    : NULL;
}

#define PICTURES .works_on = EG_KINDS_OF(PICTURE)

const eg_augment_type eg_augment_flip = {.name = "flip",
	.doc = "mirrors pictures",
	PICTURES,
	.usual = 0.5,
	EG_AUGMENT_KEYS(flip_keys),
	.size = sizeof(flip_options),
	.check = check_flip,
	.apply = flip};

/* ---- crop -------------------------------------------------------------------------------------------------------- */

typedef struct crop_options {
	eg_augment_options base;
	int pad, edge;
} crop_options;
#define EDGE_KEY(T) \
	{ \
		.name = "edge", .type = EG_KEY_ENUM, .offset = offsetof(T, edge), .names = eg_edge_names, .def = 0, \
			.doc = "what is shown beyond the picture: zero (black, the default) or reflect (its mirror image)" \
	}
static const eg_key crop_keys[] = {
	{.name = "pad", .type = EG_KEY_INT, .offset = offsetof(crop_options, pad), .min = 1, .max = 1024, .def = 4,
		.doc = "so many pixels are put around a picture, and one of its size is cut out of that (4)"},
	EDGE_KEY(crop_options),
};

static void crop_defaults(void *options) { ((crop_options *)options)->pad = 4; }

static eg_move by_pixels(const void *options, const double *drawn, int H, int W) {
	EG_UNUSED(options), EG_UNUSED(H), EG_UNUSED(W);
	return (eg_move){1, 0, drawn[0], 0, 1, drawn[1]};
}

static eg_status crop(eg_augment_call *c, eg_error *err) {
	const crop_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	double drawn[2];
	for (int i = 0; i < 2; i++) drawn[i] = (double)eg_draw_whole(&c->draw, -o->pad, o->pad);
	return move_record(c, by_pixels, drawn, (eg_edge)o->edge, err);
}

const eg_augment_type eg_augment_crop = {.name = "crop",
	.doc = "pads pictures and cuts out one of the same size at a random place",
	PICTURES,
	.usual = 1,
	.shorthand = "pad",
	EG_AUGMENT_KEYS(crop_keys),
	.size = sizeof(crop_options),
	.defaults = crop_defaults,
	.apply = crop};

/* ---- shift ------------------------------------------------------------------------------------------------------- */

typedef struct shift_options {
	eg_augment_options base;
	double x, y;
	int edge;
} shift_options;
#define SHARE_KEY(T, key, most, text) \
	{ \
		.name = #key, .type = EG_KEY_DOUBLE, .offset = offsetof(T, key), .min = 0, .max = most, .def = NAN, .doc = text \
	}
static const eg_key shift_keys[] = {
	SHARE_KEY(shift_options, x, 1, "at most this share of the width, to the left or the right, in whole pixels (0.1)"),
	SHARE_KEY(shift_options, y, 1, "at most this share of the height, up or down (0.1)"),
	EDGE_KEY(shift_options),
};
static void shift_defaults(void *options) {
	shift_options *o = options;
	o->x = o->y = 0.1;
}

static eg_move by_shares(const void *options, const double *drawn, int H, int W) {
	EG_UNUSED(options);
	return (eg_move){1, 0, round(drawn[0] * W), 0, 1, round(drawn[1] * H)};
}

static eg_status shift(eg_augment_call *c, eg_error *err) {
	const shift_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	double drawn[2];
	drawn[0] = eg_draw_uniform(&c->draw, -o->x, o->x);
	drawn[1] = eg_draw_uniform(&c->draw, -o->y, o->y);
	return move_record(c, by_shares, drawn, (eg_edge)o->edge, err);
}

const eg_augment_type eg_augment_shift = {.name = "shift",
	.doc = "moves pictures by a share of their size",
	PICTURES,
	.usual = 1,
	EG_AUGMENT_KEYS(shift_keys),
	.size = sizeof(shift_options),
	.defaults = shift_defaults,
	.apply = shift};

/* ---- rotate, scale, shear, squeeze ------------------------------------------------------------------------------- */

typedef struct rotate_options {
	eg_augment_options base;
	double degrees;
	int edge;
} rotate_options;
static const eg_key rotate_keys[] = {
	{.name = "degrees", .type = EG_KEY_DOUBLE, .offset = offsetof(rotate_options, degrees), .min = EG_ABOVE_0, .max = 180,
		.def = NAN, .doc = "at most so far, one way or the other (10)"},
	EDGE_KEY(rotate_options),
};
static void rotate_defaults(void *options) { ((rotate_options *)options)->degrees = 10; }

/* To the left, as angles are drawn, though y points down. */
static eg_move rotation(const void *options, const double *drawn, int H, int W) {
	const double a = drawn[0] * 3.14159265358979323846 / 180, c = cos(a), s = sin(a);
	EG_UNUSED(options);
	return eg_move_about_middle(c, -s, s, c, H, W);
}

static eg_status rotate(eg_augment_call *c, eg_error *err) {
	const rotate_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double angle = eg_draw_uniform(&c->draw, -o->degrees, o->degrees);
	return move_record(c, rotation, &angle, (eg_edge)o->edge, err);
}

const eg_augment_type eg_augment_rotate = {.name = "rotate",
	.doc = "turns pictures about their middle",
	PICTURES,
	.usual = 1,
	.shorthand = "degrees",
	EG_AUGMENT_KEYS(rotate_keys),
	.size = sizeof(rotate_options),
	.defaults = rotate_defaults,
	.apply = rotate};

typedef struct scale_options {
	eg_augment_options base;
	double least, most;
	int edge;
} scale_options;
static const eg_key scale_keys[] = {
	{.name = "least", .type = EG_KEY_DOUBLE, .offset = offsetof(scale_options, least), .min = 0.1, .max = 10, .def = NAN,
		.doc = "the smallest factor; below 1 a border is left over (0.8)"},
	{.name = "most", .type = EG_KEY_DOUBLE, .offset = offsetof(scale_options, most), .min = 0.1, .max = 10, .def = NAN,
		.doc = "the largest factor; above 1 the outermost part is lost (1.25)"},
	EDGE_KEY(scale_options),
};
static void scale_defaults(void *options) {
	scale_options *o = options;
	o->least = 0.8, o->most = 1.25;
}

static const char *scale_check(const void *options) {
	const scale_options *o = options;
	return o->least > o->most ? "'least' (0.8 if it is left out) is more than 'most' (1.25 if it is left out)" : NULL;
}

static eg_move scaling(const void *options, const double *drawn, int H, int W) {
	EG_UNUSED(options);
	return eg_move_about_middle(1 / drawn[0], 0, 0, 1 / drawn[0], H, W);
}

/* As likely by a factor as by its inverse. */
static eg_status scale(eg_augment_call *c, eg_error *err) {
	const scale_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double factor = exp(eg_draw_uniform(&c->draw, log(o->least), log(o->most)));
	return move_record(c, scaling, &factor, (eg_edge)o->edge, err);
}

const eg_augment_type eg_augment_scale = {.name = "scale",
	.doc = "makes what pictures show smaller or larger, about their middle",
	PICTURES,
	.usual = 1,
	EG_AUGMENT_KEYS(scale_keys),
	.size = sizeof(scale_options),
	.defaults = scale_defaults,
	.check = scale_check,
	.apply = scale};

typedef struct shear_options {
	eg_augment_options base;
	double by;
	int edge;
} shear_options;
static const eg_key shear_keys[] = {
	{.name = "by", .type = EG_KEY_DOUBLE, .offset = offsetof(shear_options, by), .min = EG_ABOVE_0, .max = 2, .def = NAN,
		.doc = "at most so many columns a row, to one side or the other (0.2)"},
	EDGE_KEY(shear_options),
};
static void shear_defaults(void *options) { ((shear_options *)options)->by = 0.2; }

static eg_move shearing(const void *options, const double *drawn, int H, int W) {
	EG_UNUSED(options);
	return eg_move_about_middle(1, drawn[0], 0, 1, H, W);
}

static eg_status shear(eg_augment_call *c, eg_error *err) {
	const shear_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double by = eg_draw_uniform(&c->draw, -o->by, o->by);
	return move_record(c, shearing, &by, (eg_edge)o->edge, err);
}

const eg_augment_type eg_augment_shear = {.name = "shear",
	.doc = "slants pictures: rows above the middle go to one side, those below it to the other",
	PICTURES,
	.usual = 1,
	.shorthand = "by",
	EG_AUGMENT_KEYS(shear_keys),
	.size = sizeof(shear_options),
	.defaults = shear_defaults,
	.apply = shear};

typedef struct squeeze_options {
	eg_augment_options base;
	double most;
	int edge;
} squeeze_options;
static const eg_key squeeze_keys[] = {
	{.name = "most", .type = EG_KEY_DOUBLE, .offset = offsetof(squeeze_options, most), .min = 1, .max = 4, .def = NAN,
		.doc = "the largest factor, as likely as its inverse (1.2)"},
	EDGE_KEY(squeeze_options),
};
static void squeeze_defaults(void *options) { ((squeeze_options *)options)->most = 1.2; }

static eg_move squeezing(const void *options, const double *drawn, int H, int W) {
	EG_UNUSED(options);
	return eg_move_about_middle(1 / drawn[0], 0, 0, drawn[0], H, W);
}

static eg_status squeeze(eg_augment_call *c, eg_error *err) {
	const squeeze_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double factor = exp(eg_draw_uniform(&c->draw, -log(o->most), log(o->most)));
	return move_record(c, squeezing, &factor, (eg_edge)o->edge, err);
}

const eg_augment_type eg_augment_squeeze = {.name = "squeeze",
	.doc = "makes pictures wider and as much lower, or narrower and higher",
	PICTURES,
	.usual = 1,
	.shorthand = "most",
	EG_AUGMENT_KEYS(squeeze_keys),
	.size = sizeof(squeeze_options),
	.defaults = squeeze_defaults,
	.apply = squeeze};

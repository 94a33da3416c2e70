/* augment_distort.c - the augmentation `distort`: a picture is turned, scaled, slanted, moved and bent, all at once. So
 * its pixels are interpolated once, where a list of rotate, scale and shear blurs them three times.
 * Bending is the elastic distortion of Simard, Steinkraus and Platt (2003): neighbours go nearly the same way. Here a
 * grid of points is moved at random and cubic B-splines lead over from one to the next, as smooth as their Gaussian
 * filter, for a hundredth of the work.
 * Not here: where pixels go then (move.c). */
#include "data/augment.h"

#include <math.h>

typedef struct distort_options {
	eg_augment_options base;
	double degrees, scale, shear, shift, bend;
	int grid, edge;
} distort_options;

#define NUMBER(key, low, high, text) \
	{ .name = #key, .type = EG_KEY_DOUBLE, .offset = offsetof(distort_options, key), .min = low, .max = high, .def = NAN, .doc = text }
static const eg_key keys[] = {
	NUMBER(degrees, 0, 180, "turned at most so far, one way or the other (10)"),
	NUMBER(scale, 1, 10, "larger by at most this factor, as likely as smaller; width and height by one each (1.1)"),
	NUMBER(shear, 0, 2, "slanted by at most so many columns a row (0.1)"),
	NUMBER(shift, 0, 1, "moved by at most this share of width and height (0.05)"),
	NUMBER(bend, 0, 100, "how far each pixel goes besides, in pixels, as a deviation (0.5)"),
	{.name = "grid", .type = EG_KEY_INT, .offset = offsetof(distort_options, grid), .min = 2, .max = 1024, .def = NAN,
		.doc = "pixels this far apart are bent apart, those much nearer alike (6)"},
	{.name = "edge", .type = EG_KEY_ENUM, .offset = offsetof(distort_options, edge), .names = eg_edge_names, .def = 0,
		.doc = "what is shown beyond the picture: zero (black, the default) or reflect (its mirror image)"},
};

static void defaults(void *options) {
	distort_options *o = options;
	o->degrees = 10, o->scale = 1.1, o->shear = 0.1, o->shift = 0.05, o->bend = 0.5, o->grid = 6;
}

/* ---- bending ----------------------------------------------------------------------------------------------------- */

/* How much the four points around a place count that is a share u of the way from the second to the third. */
static void weights(double u, double w[4]) {
	const double v = 1 - u;
	w[0] = v * v * v / 6;
	w[1] = (3 * u * u * u - 6 * u * u + 4) / 6;
	w[2] = (3 * v * v * v - 6 * v * v + 4) / 6;
	w[3] = u * u * u / 6;
}

static int points(int n, int grid) { return (n - 1) / grid + 4; }

/* One component of what bends H x W pixels: a point of the grid lies on the first pixel and then on every grid-th. Sums
 * along columns first, for the rows of the picture and the columns of the grid. */
static void spread(const double *moved, double *rows, float *out, int H, int W, int grid) {
	const int across = points(W, grid);
	double w[4];
	for (int y = 0; y < H; y++) {
		const double *from = moved + (ptrdiff_t)(y / grid) * across;
		weights((double)(y % grid) / grid, w);
		for (int j = 0; j < across; j++) {
			rows[j] = 0;
			for (int k = 0; k < 4; k++) rows[j] += w[k] * from[(ptrdiff_t)k * across + j];
		}
		for (int x = 0; x < W; x++) {
			double sum = 0;
			weights((double)(x % grid) / grid, w);
			for (int k = 0; k < 4; k++) sum += w[k] * rows[x / grid + k];
			*out++ = (float)sum;
		}
	}
}

/* Points are drawn with such a deviation that pixels have `by`: of weights in one direction the mean of the sums of
 * squares is 151/315. moved has room for both components of all points. */
static void draw_points(eg_draw *d, double by, double *moved, int n) {
	for (int i = 0; i < n; i++) moved[i] = by * 315 / 151 * eg_rng_normal(d->rng, d->next++);
}

/* In the record's room. */
static eg_status make_bend(eg_augment_call *c, int H, int W, eg_bend *bend, eg_error *err) {
	const distort_options *o = c->options;
	const size_t pixels = (size_t)H * (size_t)W;
	const int across = points(W, o->grid), n = across * points(H, o->grid);
	double *moved = eg_record_room(c->record, (2 * (size_t)n + (size_t)across) * sizeof *moved);
	float *out = eg_record_room(c->record, (2 * pixels + 1) * sizeof *out);
	if (!moved || !out) return eg_augment_no_memory(err);
	draw_points(&c->draw, o->bend, moved, 2 * n);
	for (size_t i = 0; i < 2; i++) spread(moved + i * (size_t)n, moved + 2 * (size_t)n, out + i * pixels, H, W, o->grid);
	*bend = (eg_bend){out, out + pixels};
	return EG_OK;
}

/* ---- a record ---------------------------------------------------------------------------------------------------- */

/* What is drawn beside bending: the same for all pictures and masks of a record. */
typedef struct drawn {
	double xx, xy, yx, yy, right, down;
} drawn;

/* The new place p comes from R S Z p: made larger, then slanted, then turned. */
static drawn draw(eg_augment_call *c) {
	const distort_options *o = c->options;
	const double angle = eg_draw_uniform(&c->draw, -o->degrees, o->degrees) * 3.14159265358979323846 / 180;
	const double wide = exp(eg_draw_uniform(&c->draw, -log(o->scale), log(o->scale)));
	const double high = exp(eg_draw_uniform(&c->draw, -log(o->scale), log(o->scale)));
	const double slant = eg_draw_uniform(&c->draw, -o->shear, o->shear), s = sin(angle), k = cos(angle);
	drawn d = {k * wide, (k * slant - s) * high, s * wide, (s * slant + k) * high, 0, 0};
	d.right = eg_draw_uniform(&c->draw, -o->shift, o->shift);
	d.down = eg_draw_uniform(&c->draw, -o->shift, o->shift);
	return d;
}

static eg_move move_of(const drawn *d, int H, int W) {
	eg_move m = eg_move_about_middle(d->xx, d->xy, d->yx, d->yy, H, W);
	m.x0 += d->right * W, m.y0 += d->down * H;
	return m;
}

/* A field of the record, if pixels lie in it. All of the same size are bent alike, since numbers are drawn anew. */
static eg_status distort_field(eg_augment_call *c, const drawn *d, int field, eg_error *err) {
	const distort_options *o = c->options;
	const bool picture = c->fields[field].kind == EG_FIELD_PICTURE;
	eg_datum *at = &c->record->fields[field];
	if (!at->there || (!picture && c->fields[field].kind != EG_FIELD_MASK)) return EG_OK;
	const int H = picture ? at->picture.H : at->mask.H, W = picture ? at->picture.W : at->mask.W;
	const eg_move m = move_of(d, H, W);
	const uint64_t next = c->draw.next;
	eg_bend bend;
	const eg_bend *bent = o->bend > 0 ? &bend : NULL;
	eg_status status = bent ? make_bend(c, H, W, &bend, err) : EG_OK;
	c->draw.next = next;
	if (status) return status;
	return picture ? eg_bend_picture(&m, bent, (eg_edge)o->edge, c->record, &at->picture, err)
		       : eg_bend_mask(&m, bent, c->record, &at->mask, err);
}

static eg_status distort(eg_augment_call *c, eg_error *err) {
	if (!eg_augment_happens(c)) return EG_OK;
	const drawn d = draw(c);
	eg_status status = EG_OK;
	for (int i = 0; i < c->nfields && !status; i++) status = distort_field(c, &d, i, err);
	return status;
}

const eg_augment_type eg_augment_distort = {.name = "distort",
	.doc = "turns, scales, slants, moves and bends pictures, all at once",
	.works_on = EG_KINDS_OF(PICTURE),
	.refuses = EG_KINDS_OF(BOXES),
	.why = "what is bent has no upright box that fits; rotate, scale, shear and shift move boxes",
	.usual = 1,
	EG_AUGMENT_KEYS(keys),
	.size = sizeof(distort_options),
	.defaults = defaults,
	.apply = distort};

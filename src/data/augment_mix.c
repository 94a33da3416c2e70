/* augment_mix.c - augmentations that make one record of several: mixup, cutmix, mosaic, other_answer. The others are
 * records of the same part, as the entries before left them; pictures have one size.
 * A label becomes shares of classes (eg_shares), numbers their mean by the same shares. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

/* ---- what a record is beside its pictures ------------------------------------------------------------------------ */

/* Appends the shares of one label, scaled. */
static int put_shares(const eg_datum *d, double share, int32_t *label, float *at) {
	if (!d->shares) {
		label[0] = d->label, at[0] = (float)share;
		return 1;
	}
	for (int i = 0; i < d->shares->n; i++)
		label[i] = d->shares->label[i], at[i] = (float)(share * (double)d->shares->share[i]);
	return d->shares->n;
}

/* `share` of what it is, and the rest of the other. */
static eg_status mix_label(eg_record *r, eg_datum *d, const eg_datum *other, double share, eg_error *err) {
	const int n = (d->shares ? d->shares->n : 1) + (other->shares ? other->shares->n : 1);
	eg_shares *s = eg_record_room(r, sizeof *s);
	int32_t *label = eg_record_room(r, (size_t)n * sizeof *label);
	float *at = eg_record_room(r, (size_t)n * sizeof *at);
	if (!s || !label || !at) return eg_augment_no_memory(err);
	const int own = put_shares(d, share, label, at);
	put_shares(other, 1 - share, label + own, at + own);
	*s = (eg_shares){n, label, at};
	d->shares = s;
	if (share < 0.5) d->label = other->label; /* for who wants one */
	return EG_OK;
}

static eg_status mix_numbers(eg_record *r, eg_datum *d, const eg_datum *other, double share, eg_error *err) {
	float *own = eg_record_room(r, ((size_t)d->numbers.n + 1) * sizeof *own);
	if (!own) return eg_augment_no_memory(err);
	for (int i = 0; i < d->numbers.n; i++)
		own[i] = (float)(share * (double)d->numbers.at[i] + (1 - share) * (double)other->numbers.at[i < other->numbers.n ? i : 0]);
	d->numbers.at = own;
	return EG_OK;
}

static eg_status mix_rest(eg_augment_call *c, const eg_record *other, double share, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		const eg_datum *o = &other->fields[i];
		if (!d->there || !o->there) continue;
		if (c->fields[i].kind == EG_FIELD_LABEL) status = mix_label(c->record, d, o, share, err);
		if (c->fields[i].kind == EG_FIELD_NUMBERS && o->numbers.n > 0) status = mix_numbers(c->record, d, o, share, err);
	}
	return status;
}

/* ---- two or more records ----------------------------------------------------------------------------------------- */

static eg_status draw_other(eg_augment_call *c, const eg_record **r, eg_error *err) {
	return c->other(c->user, eg_draw_whole(&c->draw, 0, c->items - 1), r, err);
}

/* The other's picture that belongs to this field; NULL, with a message: it has another size. */
static const uint8_t *pixels_of(const eg_record *other, int field, const eg_datum_picture *p, eg_error *err) {
	const eg_datum *d = &other->fields[field];
	if (d->there && d->picture.C == p->C && d->picture.H == p->H && d->picture.W == p->W) return d->picture.pixels;
	eg_fail(err, EG_ERR_SHAPE, "%s: a picture of another size cannot be mixed with one of %d x %d x %d",
		other->place ? other->place : other->id ? other->id : "a record", p->C, p->H, p->W);
	return NULL;
}

typedef struct alpha_options {
	eg_augment_options base;
	double alpha;
} alpha_options;
#define ALPHA_KEY(text) \
	{ \
		.name = "alpha", .type = EG_KEY_DOUBLE, .offset = offsetof(alpha_options, alpha), .min = 0.01, .max = 100, .def = NAN, \
			.doc = text \
	}
#define NOT_MIXED                                                                                                       \
	EG_KINDS_OF(TAGS) | EG_KINDS_OF(TEXT) | EG_KINDS_OF(TOKENS) | EG_KINDS_OF(SERIES) | EG_KINDS_OF(SOUND) | EG_KINDS_OF(FRAMES)

/* ---- mixup ------------------------------------------------------------------------------------------------------- */

static eg_status blend_picture(eg_record *r, eg_datum_picture *p, const uint8_t *other, double share, eg_error *err) {
	const size_t n = (size_t)p->C * (size_t)p->H * (size_t)p->W;
	uint8_t *own = eg_record_room(r, n + 1);
	if (!own) return eg_augment_no_memory(err);
	for (size_t i = 0; i < n; i++) own[i] = (uint8_t)(share * p->pixels[i] + (1 - share) * other[i] + 0.5);
	p->pixels = own;
	return EG_OK;
}

/* Both pictures' boxes. */
static eg_status join_boxes(eg_record *r, eg_datum_boxes *b, const eg_datum_boxes *other, eg_error *err) {
	eg_box *own = eg_record_room(r, ((size_t)b->n + (size_t)other->n + 1) * sizeof *own);
	if (!own) return eg_augment_no_memory(err);
	for (int i = 0; i < b->n; i++) own[i] = b->at[i];
	for (int i = 0; i < other->n; i++) own[b->n + i] = other->at[i];
	*b = (eg_datum_boxes){b->n + other->n, own};
	return EG_OK;
}

static eg_status mixup(eg_augment_call *c, eg_error *err) {
	const eg_record *other;
	if (!eg_augment_happens(c)) return EG_OK;
	const double share = eg_draw_beta(&c->draw, ((const alpha_options *)c->options)->alpha);
	eg_status status = draw_other(c, &other, err);
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		if (!d->there) continue;
		if (c->fields[i].kind == EG_FIELD_PICTURE) {
			const uint8_t *pixels = pixels_of(other, i, &d->picture, err);
			status = pixels ? blend_picture(c->record, &d->picture, pixels, share, err) : EG_ERR_SHAPE;
		} else if (c->fields[i].kind == EG_FIELD_BOXES && other->fields[i].there) {
			status = join_boxes(c->record, &d->boxes, &other->fields[i].boxes, err);
		}
	}
	return status ? status : mix_rest(c, other, share, err);
}

static const eg_key mixup_keys[] = {ALPHA_KEY("share of one of the two: drawn from the beta distribution beta(alpha, alpha) (0.2)")};
static void mixup_defaults(void *options) { ((alpha_options *)options)->alpha = 0.2; }
const eg_augment_type eg_augment_mixup = {.name = "mixup",
	.doc = "the weighted mean of two records, and of their classes (Zhang et al. 2018)",
	.works_on = EG_KINDS_OF(PICTURE) | EG_KINDS_OF(NUMBERS),
	.refuses = NOT_MIXED | EG_KINDS_OF(MASK),
	.why = "the mean of two of them is none",
	.one_size = true,
	.mixes_classes = true,
	.usual = 1,
	.shorthand = "alpha",
	EG_AUGMENT_KEYS(mixup_keys),
	.size = sizeof(alpha_options),
	.defaults = mixup_defaults,
	.apply = mixup};

/* ---- cutmix ------------------------------------------------------------------------------------------------------ */

typedef struct rectangle {
	int x0, y0, x1, y1;
} rectangle;

static int within(double x, int most) { return (int)(x < 0 ? 0 : x > most ? most : x); }

/* Of this share of the area, about a middle that may lie anywhere, cut to the picture. */
static rectangle rectangle_at(const double drawn[3], int H, int W) {
	const double side = sqrt(drawn[0]), w = side * W, h = side * H, x = drawn[1] * W, y = drawn[2] * H;
	return (rectangle){within(round(x - w / 2), W), within(round(y - h / 2), H), within(round(x + w / 2), W),
		within(round(y + h / 2), H)};
}

/* Rows of the rectangle out of `from`, the rest of `to` as it is. */
static void paste(uint8_t *to, const uint8_t *from, rectangle a, int W) {
	for (int y = a.y0; y < a.y1; y++)
		if (a.x1 > a.x0) memcpy(to + (ptrdiff_t)y * W + a.x0, from + (ptrdiff_t)y * W + a.x0, (size_t)(a.x1 - a.x0));
}

static eg_status paste_picture(eg_record *r, eg_datum_picture *p, const uint8_t *other, rectangle a, eg_error *err) {
	const size_t plane = (size_t)p->H * (size_t)p->W;
	uint8_t *own = eg_record_room(r, plane * (size_t)p->C + 1);
	if (!own) return eg_augment_no_memory(err);
	memcpy(own, p->pixels, plane * (size_t)p->C);
	for (int k = 0; k < p->C; k++) paste(own + (size_t)k * plane, other + (size_t)k * plane, a, p->W);
	p->pixels = own;
	return EG_OK;
}

static eg_status paste_mask(eg_record *r, eg_datum_mask *m, const eg_datum_mask *other, rectangle a, eg_error *err) {
	uint8_t *own = eg_record_room(r, (size_t)m->H * (size_t)m->W + 1);
	if (!own) return eg_augment_no_memory(err);
	memcpy(own, m->classes, (size_t)m->H * (size_t)m->W);
	if (other->H == m->H && other->W == m->W) paste(own, other->classes, a, m->W);
	m->classes = own;
	return EG_OK;
}

static double shared_area(const eg_box *b, rectangle a) {
	const double w = fmin(b->x1, a.x1) - fmax(b->x0, a.x0), h = fmin(b->y1, a.y1) - fmax(b->y0, a.y0);
	return w > 0 && h > 0 ? w * h : 0;
}

/* Its own boxes, but for those of which the rectangle leaves less than a third, and the other's in the rectangle. */
static eg_status paste_boxes(eg_record *r, eg_datum_boxes *b, const eg_datum_boxes *other, rectangle a, eg_error *err) {
	eg_box *own = eg_record_room(r, ((size_t)b->n + (size_t)other->n + 1) * sizeof *own);
	int n = 0;
	if (!own) return eg_augment_no_memory(err);
	for (int i = 0; i < b->n; i++) {
		const double area = (b->at[i].x1 - b->at[i].x0) * (b->at[i].y1 - b->at[i].y0);
		if (3 * (area - shared_area(&b->at[i], a)) >= area) own[n++] = b->at[i];
	}
	for (int i = 0; i < other->n; i++) {
		own[n] = other->at[i];
		n += eg_box_left(&own[n], a.x0, a.y0, a.x1, a.y1);
	}
	*b = (eg_datum_boxes){n, own};
	return EG_OK;
}

static eg_status cutmix(eg_augment_call *c, eg_error *err) {
	const eg_record *other;
	double drawn[3], share = 1;
	rectangle a = {0};
	if (!eg_augment_happens(c)) return EG_OK;
	drawn[0] = 1 - eg_draw_beta(&c->draw, ((const alpha_options *)c->options)->alpha);
	for (int i = 1; i < 3; i++) drawn[i] = eg_draw_uniform(&c->draw, 0, 1);
	eg_status status = draw_other(c, &other, err);
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		if (!d->there || c->fields[i].kind != EG_FIELD_PICTURE) continue;
		const uint8_t *pixels = pixels_of(other, i, &d->picture, err);
		if (!pixels) return EG_ERR_SHAPE;
		a = rectangle_at(drawn, d->picture.H, d->picture.W);
		share = 1 - (double)(a.x1 - a.x0) * (a.y1 - a.y0) / ((double)d->picture.H * d->picture.W);
		status = paste_picture(c->record, &d->picture, pixels, a, err);
	}
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		const eg_datum *o = &other->fields[i];
		if (!d->there || !o->there) continue;
		if (c->fields[i].kind == EG_FIELD_MASK) status = paste_mask(c->record, &d->mask, &o->mask, a, err);
		if (c->fields[i].kind == EG_FIELD_BOXES) status = paste_boxes(c->record, &d->boxes, &o->boxes, a, err);
	}
	return status ? status : mix_rest(c, other, share, err);
}

static const eg_key cutmix_keys[] = {ALPHA_KEY("share of the picture that stays: drawn from beta(alpha, alpha) (1: all alike)")};
static void cutmix_defaults(void *options) { ((alpha_options *)options)->alpha = 1; }
const eg_augment_type eg_augment_cutmix = {.name = "cutmix",
	.doc = "a rectangle of another picture in this one, and of their classes as much as their area (Yun et al. 2019)",
	.works_on = EG_KINDS_OF(PICTURE),
	.refuses = NOT_MIXED,
	.why = "a part of another one cannot be put into it",
	.one_size = true,
	.mixes_classes = true,
	.usual = 1,
	.shorthand = "alpha",
	EG_AUGMENT_KEYS(cutmix_keys),
	.size = sizeof(alpha_options),
	.defaults = cutmix_defaults,
	.apply = cutmix};

/* ---- mosaic ------------------------------------------------------------------------------------------------------ */

typedef struct mosaic_options {
	eg_augment_options base;
	double least;
} mosaic_options;
static const eg_key mosaic_keys[] = {
	{.name = "least", .type = EG_KEY_DOUBLE, .offset = offsetof(mosaic_options, least), .min = 0.1, .max = 1, .def = NAN,
		.doc = "each of the four is shrunk by a factor from this to 1 (0.5)"},
};
static void mosaic_defaults(void *options) { ((mosaic_options *)options)->least = 0.5; }

/* One of the four: where it goes, as shares of the picture's size. */
typedef struct tile {
	const eg_record *record;
	double factor, x, y;
	bool right, below;
} tile;

/* The corner that is turned inwards lies at the point where the four meet. */
static eg_move tile_move(const tile *t, int H, int W, rectangle *a) {
	const int x = (int)round(t->x * W), y = (int)round(t->y * H);
	const double left = t->right ? x : x - t->factor * W, top = t->below ? y : y - t->factor * H;
	*a = (rectangle){t->right ? x : 0, t->below ? y : 0, t->right ? W : x, t->below ? H : y};
	return (eg_move){1 / t->factor, 0, -left / t->factor, 0, 1 / t->factor, -top / t->factor};
}

static eg_status tile_picture(eg_record *r, eg_datum_picture *p, const tile *tiles, int field, eg_error *err) {
	const size_t plane = (size_t)p->H * (size_t)p->W;
	uint8_t *out = eg_record_room(r, plane * (size_t)p->C + 1);
	eg_status status = out ? EG_OK : eg_augment_no_memory(err);
	for (int k = 0; k < 4 && !status; k++) {
		rectangle a;
		const eg_move m = tile_move(&tiles[k], p->H, p->W, &a);
		eg_datum_picture one = *p;
		one.pixels = pixels_of(tiles[k].record, field, p, err);
		if (!one.pixels) return EG_ERR_SHAPE;
		status = eg_move_picture(&m, EG_EDGE_ZERO, r, &one, err);
		for (int c = 0; c < p->C && !status; c++) paste(out + (size_t)c * plane, one.pixels + (size_t)c * plane, a, p->W);
	}
	if (!status) p->pixels = out;
	return status;
}

static eg_status tile_mask(eg_record *r, eg_datum_mask *m, const tile *tiles, int field, eg_error *err) {
	uint8_t *out = eg_record_room(r, (size_t)m->H * (size_t)m->W + 1);
	eg_status status = out ? EG_OK : eg_augment_no_memory(err);
	if (out) memset(out, EG_VOID, (size_t)m->H * (size_t)m->W);
	for (int k = 0; k < 4 && !status; k++) {
		const eg_datum *d = &tiles[k].record->fields[field];
		rectangle a;
		const eg_move move = tile_move(&tiles[k], m->H, m->W, &a);
		eg_datum_mask one = d->mask;
		if (!d->there || one.H != m->H || one.W != m->W) continue;
		status = eg_move_mask(&move, r, &one, err);
		if (!status) paste(out, one.classes, a, m->W);
	}
	if (!status) m->classes = out;
	return status;
}

static eg_status tile_boxes(eg_record *r, eg_datum_boxes *b, const tile *tiles, int field, int H, int W, eg_error *err) {
	int n = 0, most = 0;
	for (int k = 0; k < 4; k++) most += tiles[k].record->fields[field].there ? tiles[k].record->fields[field].boxes.n : 0;
	eg_box *own = eg_record_room(r, ((size_t)most + 1) * sizeof *own);
	if (!own) return eg_augment_no_memory(err);
	for (int k = 0; k < 4; k++) {
		const eg_datum *d = &tiles[k].record->fields[field];
		rectangle a;
		const eg_move m = tile_move(&tiles[k], H, W, &a);
		for (int i = 0; d->there && i < d->boxes.n; i++) {
			own[n] = eg_box_moved(&m, &d->boxes.at[i]);
			n += eg_box_left(&own[n], a.x0, a.y0, a.x1, a.y1);
		}
	}
	*b = (eg_datum_boxes){n, own};
	return EG_OK;
}

static eg_status mosaic(eg_augment_call *c, eg_error *err) {
	const mosaic_options *o = c->options;
	tile tiles[4];
	if (!eg_augment_happens(c)) return EG_OK;
	const eg_record own = *c->record; /* its fields change one by one */
	const double x = eg_draw_uniform(&c->draw, 0.25, 0.75), y = eg_draw_uniform(&c->draw, 0.25, 0.75);
	eg_status status = EG_OK;
	for (int k = 0; k < 4 && !status; k++) {
		tiles[k] = (tile){&own, eg_draw_uniform(&c->draw, o->least, 1), x, y, k & 1, k & 2};
		if (k > 0) status = draw_other(c, &tiles[k].record, err);
	}
	const eg_datum_picture *first = NULL;
	for (int i = 0; i < c->nfields && !status; i++) {
		eg_datum *d = &c->record->fields[i];
		if (!d->there) continue;
		if (c->fields[i].kind == EG_FIELD_PICTURE && !first) first = &d->picture;
		if (c->fields[i].kind == EG_FIELD_PICTURE) status = tile_picture(c->record, &d->picture, tiles, i, err);
		if (c->fields[i].kind == EG_FIELD_MASK) status = tile_mask(c->record, &d->mask, tiles, i, err);
	}
	for (int i = 0; i < c->nfields && !status && first; i++) {
		eg_datum *d = &c->record->fields[i];
		if (d->there && c->fields[i].kind == EG_FIELD_BOXES)
			status = tile_boxes(c->record, &d->boxes, tiles, i, first->H, first->W, err);
	}
	return status;
}

const eg_augment_type eg_augment_mosaic = {.name = "mosaic",
	.doc = "four pictures that meet at a point, with their masks and boxes (Bochkovskiy et al. 2020)",
	.works_on = EG_KINDS_OF(PICTURE),
	.refuses = NOT_MIXED | EG_KINDS_OF(LABEL) | EG_KINDS_OF(NUMBERS),
	.why = "it would be that of one of the four pictures",
	.one_size = true,
	.usual = 1,
	EG_AUGMENT_KEYS(mosaic_keys),
	.size = sizeof(mosaic_options),
	.defaults = mosaic_defaults,
	.apply = mosaic};

/* ---- another answer ---------------------------------------------------------------------------------------------- */

typedef struct answer_options {
	eg_augment_options base;
	int within;
} answer_options;
static const eg_key answer_keys[] = {
	{.name = "within",
		.type = EG_KEY_INT,
		.offset = offsetof(answer_options, within),
		.min = 1,
		.max = 1e9,
		.doc = "the other answer is at most so many records away; left out: any of the part"},
};

/* What was answered elsewhere: as a target all of its units are unknown ones (tasks/intake_turns.c). */
static eg_status other_answer(eg_augment_call *c, eg_error *err) {
	const int within = ((const answer_options *)c->options)->within;
	const eg_record *other;
	if (!eg_augment_happens(c)) return EG_OK;
	const int64_t least = within && c->at > within ? c->at - within : 0,
		      most = within && c->at < c->items - 1 - within ? c->at + within : c->items - 1;
	const int64_t i = eg_draw_whole(&c->draw, least, most);
	if (i == c->at) return EG_OK;
	eg_status status = c->other(c->user, i, &other, err);
	for (int k = 0; k < c->nfields && !status; k++) {
		eg_datum *d = &c->record->fields[k];
		const eg_datum *o = &other->fields[k];
		if (c->fields[k].kind != EG_FIELD_TEXT || c->inputs >> k & 1 || !d->there || !o->there) continue;
		char *own = eg_record_room(c->record, o->text.size + 1);
		eg_dropped *all = eg_record_room(c->record, sizeof *all);
		if (!own || !all) return eg_augment_no_memory(err);
		memcpy(own, o->text.bytes, o->text.size);
		own[o->text.size] = '\0';
		*all = (eg_dropped){.rate = 1};
		d->text.bytes = own, d->text.size = o->text.size;
		d->dropped = all;
	}
	return status;
}

const eg_augment_type eg_augment_other_answer = {.name = "other_answer",
	.doc = "of the task reply: puts another record's answer behind a talk, and the unknown unit is expected in the place of "
	       "its units: so the network learns what does not answer a talk",
	.works_on = EG_KINDS_OF(TEXT),
	.talks = true,
	.one_size = true,
	.usual = 0.5,
	.shorthand = "within",
	EG_AUGMENT_KEYS(answer_keys),
	.size = sizeof(answer_options),
	.apply = other_answer};

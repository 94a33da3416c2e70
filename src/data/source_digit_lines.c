/* source_digit_lines.c - lines of handwritten digits (source mnist): pictures of height 32, as wide as the line.
 *
 * The rule, for a record: how many digits, `least` to `most`; for the line a size (0.8 to 1.25 times MNIST's, as likely
 * by a factor as by its inverse), a slant (up to 0.35 columns a row, to either side) and a gap (1 to 6 columns); for
 * each digit which it is, which picture of it, its own size (0.92 to 1.08 times the line's) and slant (up to 0.08
 * more or less), the gap before it (the line's, up to 1 more or less) and up to 2 rows above or below the middle. A gap
 * lies between what is not nearly black (32 of 255). Left and right is a border of 2 to 6 columns. */
#include "data/made.h"

#include <string.h>

enum { PICTURE, DIGITS, BOXES, H = 32, SIDE = 56, MOST = 64 };

typedef struct line_source {
	eg_made_digits of;
	int least, most;
} line_source;

static const eg_key keys[] = {
	EG_MADE_DIGITS_KEYS("lines", 20000, 2000),
	{.name = "least",
		.type = EG_KEY_INT,
		.offset = offsetof(line_source, least),
		.min = 1,
		.max = MOST,
		.def = 1,
		.doc = "the fewest digits in a line"},
	{.name = "most",
		.type = EG_KEY_INT,
		.offset = offsetof(line_source, most),
		.min = 1,
		.max = MOST,
		.def = 12,
		.doc = "the most digits in a line"},
};

static const eg_field fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 1, .H = H},
	{.name = "digits", .kind = EG_FIELD_TOKENS},
	{.name = "boxes", .kind = EG_FIELD_BOXES, .names = eg_digit_names, .nnames = 10}};

static eg_status open_source(eg_source *base, eg_error *err) {
	const line_source *s = (const line_source *)base;
	if (s->least > s->most)
		return eg_fail(err, EG_ERR_ARG, "'least' is %d and 'most' is %d digits; there is nothing between", s->least, s->most);
	return EG_OK;
}

/* A digit of the line: its picture, what of that is ink, and where the ink begins in the line. */
typedef struct written {
	int digit;
	eg_datum_picture picture;
	eg_ink ink;
	int x, y;
} written;

static eg_status write_digit(const line_source *s, eg_part part, eg_draw *d, double size, double slant, bool seen,
	written *w, eg_record *r, eg_error *err) {
	eg_datum_picture found;
	w->digit = (int)eg_draw_whole(d, 0, 9);
	eg_status status = eg_stock_picture(&s->of.stock, part, w->digit, d, &found, err);
	size *= eg_draw_uniform(d, 0.92, 1.08);
	slant += eg_draw_uniform(d, -0.08, 0.08);
	const eg_move m = eg_move_about_middle(1 / size, slant / size, 0, 1 / size, SIDE, SIDE);
	if (!status && seen) status = eg_sprite(&found, SIDE, &m, r, &w->picture, err);
	if (!status && seen) w->ink = eg_ink_of(&w->picture);
	return status;
}

/* Draws and places the digits; *width is the line's. NULL: which they are is enough. */
static eg_status write_line(const line_source *s, eg_part part, eg_draw *d, written *w, int n, int *width, eg_record *r,
	eg_error *err) {
	const double size = exp(eg_draw_uniform(d, log(0.8), log(1.25))), slant = eg_draw_uniform(d, -0.35, 0.35);
	const int64_t gap = eg_draw_whole(d, 1, 6);
	int x = (int)eg_draw_whole(d, 2, 6);
	for (int k = 0; k < n; k++) {
		eg_status status = write_digit(s, part, d, size, slant, width != NULL, &w[k], r, err);
		if (status) return status;
		const int64_t more = eg_draw_whole(d, -1, 1), down = eg_draw_whole(d, -2, 2);
		const int high = w[k].ink.y1 - w[k].ink.y0, low = H - high;
		if (k > 0) x += (int)(gap + more);
		w[k].x = x;
		w[k].y = (H - high) / 2 + (int)down;
		if (w[k].y > low) w[k].y = low;
		if (w[k].y < 0) w[k].y = 0; /* cut off below, where it is higher than the line */
		x += w[k].ink.x1 - w[k].ink.x0;
	}
	if (width) *width = x + (int)eg_draw_whole(d, 2, 6);
	return EG_OK;
}

static eg_status put(const written *w, int n, int width, eg_record *r, eg_error *err) {
	uint8_t *pixels = eg_black(r, (size_t)width * H);
	const char **digits = eg_record_room(r, (size_t)n * sizeof *digits);
	eg_box *boxes = eg_record_room(r, (size_t)n * sizeof *boxes);
	if (!pixels || !digits || !boxes) return eg_record_no_memory(err);
	for (int k = 0; k < n; k++) {
		const eg_ink *ink = &w[k].ink;
		eg_paste(pixels, H, width, &w[k].picture, w[k].x - ink->x0, w[k].y - ink->y0, 255);
		digits[k] = eg_digit_names[w[k].digit];
		boxes[k] = (eg_box){
		        w[k].digit, w[k].x, w[k].y, w[k].x + ink->x1 - ink->x0, w[k].y + ink->y1 - ink->y0, false};
		eg_box_clip(&boxes[k], H, width);
	}
	r->fields[PICTURE] = (eg_datum){.there = true, .picture = {1, H, width, pixels}};
	r->fields[DIGITS] = (eg_datum){.there = true, .tokens = {n, digits}};
	r->fields[BOXES] = (eg_datum){.there = true, .boxes = {n, boxes}};
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const line_source *s = (const line_source *)base;
	const bool seen = (wanted & (1u << PICTURE | 1u << BOXES)) != 0;
	written w[MOST] = {0};
	int width = 0;
	eg_draw d = eg_made_draw(&s->of.made, part, i);
	const int n = (int)eg_draw_whole(&d, s->least, s->most);
	eg_status status = write_line(s, part, &d, w, n, seen ? &width : NULL, r, err);
	if (!status) status = put(w, n, width, r, err);
	eg_made_only(r, wanted);
	return status;
}

const eg_source_type eg_source_type_digit_lines = {
	.info = {.name = "digit-lines",
		.doc = "lines of 1 to 12 handwritten digits, 32 pixels high, made by a rule of mnist (which has to be there)",
		.origin = "made of mnist",
		.licence = "CC BY-SA 3.0",
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(line_source),
	.open = open_source,
	.prepare = eg_made_digits_prepare,
	.read = read_record,
	.close = eg_made_digits_close};

/* source_turned_digits.c - handwritten digits (source mnist) that are turned, and by how much.
 *
 * The rule, for a record: which digit, which picture of it, and an angle from -`degrees` to `degrees`, all as likely.
 * The picture is turned by it about its middle, clockwise as it is seen; what comes in from outside is black. People
 * write upright more or less: of that nothing is known, so the angle is not how slanting a digit looks. */
#include "data/made.h"

enum { PICTURE, ANGLE, SIDE = 28 };

typedef struct turned_source {
	eg_made_digits of;
	double degrees;
} turned_source;

static const eg_key keys[] = {
	EG_MADE_DIGITS_KEYS("pictures", 20000, 5000),
	{.name = "degrees",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(turned_source, degrees),
		.min = EG_ABOVE_0,
		.max = 180,
		.def = 45,
		.doc = "the most that a digit is turned by, to either side (default: 45)"},
};

static const char *const angle[1] = {"degrees"};
static const eg_field fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 1, .H = SIDE, .W = SIDE},
	{.name = "target", .kind = EG_FIELD_NUMBERS, .columns = 1, .names = angle, .nnames = 1}};

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const turned_source *s = (const turned_source *)base;
	eg_draw d = eg_made_draw(&s->of.made, part, i);
	eg_datum_picture digit, turned = {0};
	float *by = eg_record_room(r, sizeof *by);
	if (!by) return eg_record_no_memory(err);
	eg_status status = eg_stock_picture(&s->of.stock, part, (int)eg_draw_whole(&d, 0, 9), &d, &digit, err);
	if (status) return status;
	const double degrees = eg_draw_uniform(&d, -s->degrees, s->degrees);
	const eg_move m = eg_sprite_move(SIDE, 1, degrees * acos(-1) / 180);
	if (wanted & 1u << PICTURE) status = eg_sprite(&digit, SIDE, &m, r, &turned, err);
	*by = (float)degrees;
	if (wanted & 1u << PICTURE) r->fields[PICTURE] = (eg_datum){.there = true, .picture = turned};
	if (wanted & 1u << ANGLE) r->fields[ANGLE] = (eg_datum){.there = true, .numbers = {1, by}};
	return status;
}

const eg_source_type eg_source_type_turned_digits = {
	.info = {.name = "turned-digits",
		.doc = "handwritten digits (mnist, which has to be there), made by a rule: each turned, by how many degrees is "
		       "wanted",
		.origin = "made of mnist",
		.licence = "CC BY-SA 3.0",
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(turned_source),
	.prepare = eg_made_digits_prepare,
	.read = read_record,
	.close = eg_made_digits_close};

/* source_scenes.c - coloured clothes and digits (sources fashion-mnist, mnist) that lie above, below, left or right of
 * one another, and captions that say so.
 *
 * The rule, for a record: 2 or 3 objects of different classes out of 20, all as likely; for each which picture of its
 * class, and a colour. The picture, 64x64 on black, has four quarters. The first object lies in any; the second in the
 * one beside it or, with two objects, as likely the one above or below it; the third in the one above or below the
 * first. An object is 0.75 to 1 times as large as its real picture and lies up to 2 pixels off the middle of its
 * quarter along each axis; its grey times the colour is what is seen.
 *
 * Colour number `class mod 6` is never given to a class in the training and validation parts. In the test part every
 * other record (1, 3, 5, ...) has one object, any, of that colour; the others have none.
 *
 * Captions, in words of lower case with a blank between:
 *   caption  = object relation object, or object relation object "and" relation object
 *   object   = "a" colour class
 *   relation = "above", "below", "left of" or "right of", of two objects that lie in neighbouring quarters
 * Both relations of a caption of three objects are those of the one it begins with, so that is the first object. All
 * captions that this grammar has for a scene, which are two, are its references; either, as likely, is `caption`. */
#include "data/made.h"

#include <string.h>

enum { PICTURE, CAPTION, REFERENCES, BOXES, COLOURS, COMBINATION };
enum { SIDE = 64, QUARTER = 32, CLOTHES = 10, CLASSES = 20, NCOLOURS = 6, OBJECTS_MOST = 3 };

typedef struct scene_source {
	eg_made_source made;
	const char *clothes, *digits;
	eg_stock stocks[2]; /* of classes 0 to 9, 10 to 19 */
} scene_source;

static const eg_key keys[] = {
	EG_MADE_KEYS(scene_source, "scenes", 40000, 4000),
	EG_MADE_FOLDER_KEY(scene_source, clothes, "fashion-mnist"),
	EG_MADE_FOLDER_KEY(scene_source, digits, "mnist"),
};

static const char *const classes[CLASSES] = {"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker",
	"bag", "boot", EG_DIGIT_WORDS};
static const char *const colours[NCOLOURS] = {"red", "green", "blue", "yellow", "purple", "cyan"};
static const uint8_t paint[NCOLOURS][3] = {
	{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}, {255, 0, 255}, {0, 255, 255}};
static const char *const combinations[2] = {"seen", "unseen"};

static const eg_field fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 3, .H = SIDE, .W = SIDE},
	{.name = "caption", .kind = EG_FIELD_TEXT},
	{.name = "references", .kind = EG_FIELD_TOKENS},
	{.name = "boxes", .kind = EG_FIELD_BOXES, .names = classes, .nnames = CLASSES},
	{.name = "colours", .kind = EG_FIELD_TAGS, .names = colours, .nnames = NCOLOURS},
	{.name = "combination", .kind = EG_FIELD_LABEL, .names = combinations, .nnames = 2}};

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	scene_source *s = (scene_source *)base;
	base->count[part] = eg_made_count(&s->made, part);
	eg_status status = eg_stock_prepare(&s->stocks[0], base, "fashion-mnist", s->clothes, part, err);
	return status ? status : eg_stock_prepare(&s->stocks[1], base, "mnist", s->digits, part, err);
}

typedef struct object {
	int label, colour, column, row; /* of its quarter */
} object;
typedef struct scene {
	int n;
	object at[OBJECTS_MOST];
	bool unseen;
} scene;

static int lacking(int label) { return label % NCOLOURS; }

static void draw_objects(scene *c, eg_draw *d) {
	c->n = (int)eg_draw_whole(d, 2, OBJECTS_MOST);
	for (int k = 0; k < c->n; k++) {
		object *o = &c->at[k];
		bool again;
		do {
			o->label = (int)eg_draw_whole(d, 0, CLASSES - 1);
			again = false;
			for (int j = 0; j < k; j++) again = again || c->at[j].label == o->label;
		} while (again);
		const int other = (int)eg_draw_whole(d, 0, NCOLOURS - 2);
		o->colour = other + (other >= lacking(o->label));
	}
}

static scene draw_scene(eg_part part, int64_t i, eg_draw *d) {
	scene c = {.unseen = part == EG_PART_TEST && i % 2 == 1};
	draw_objects(&c, d);
	if (c.unseen) {
		object *o = &c.at[eg_draw_whole(d, 0, c.n - 1)];
		o->colour = lacking(o->label);
	}
	const int column = (int)eg_draw_whole(d, 0, 1), row = (int)eg_draw_whole(d, 0, 1);
	const bool beside = c.n == OBJECTS_MOST || eg_draw_whole(d, 0, 1) == 0;
	for (int k = 0; k < c.n; k++) c.at[k].column = column, c.at[k].row = row;
	if (beside)
		c.at[1].column = 1 - column;
	else
		c.at[1].row = 1 - row;
	if (c.n == OBJECTS_MOST) c.at[2].row = 1 - row;
	return c;
}

/* ---- what is seen, and what is said ------------------------------------------------------------------------------ */

static eg_status paint_object(const scene_source *s, eg_part part, const object *o, eg_draw *d, uint8_t *pixels, eg_box *box,
	eg_record *r, eg_error *err) {
	eg_datum_picture found, sprite;
	eg_status status =
	        eg_stock_picture(&s->stocks[o->label / CLOTHES], part, o->label % CLOTHES, d, &found, err);
	const eg_move m = eg_sprite_move(QUARTER, eg_draw_uniform(d, 0.75, 1), 0);
	if (!status) status = eg_sprite(&found, QUARTER, &m, r, &sprite, err);
	if (status) return status;
	const int x = o->column * QUARTER + (int)eg_draw_whole(d, -2, 2), y = o->row * QUARTER + (int)eg_draw_whole(d, -2, 2);
	for (int c = 0; c < 3; c++)
		eg_paste(pixels + (size_t)c * SIDE * SIDE, SIDE, SIDE, &sprite, x, y, paint[o->colour][c]);
	const eg_ink ink = eg_ink_of(&sprite);
	*box = (eg_box){o->label, x + ink.x0, y + ink.y0, x + ink.x1, y + ink.y1, false};
	eg_box_clip(box, SIDE, SIDE);
	return EG_OK;
}

/* Of the first of two objects in neighbouring quarters. */
static const char *relation(const object *a, const object *b) {
	if (a->row == b->row) return a->column < b->column ? "left of" : "right of";
	return a->row < b->row ? "above" : "below";
}

static const char *say_two(eg_record *r, const object *a, const object *b) {
	return eg_record_printf(r, "a %s %s %s a %s %s", colours[a->colour], classes[a->label], relation(a, b),
	        colours[b->colour], classes[b->label]);
}

/* "..., and it is so to c". */
static const char *say_three(eg_record *r, const object *a, const object *b, const object *c) {
	const char *two = say_two(r, a, b);
	if (!two) return NULL;
	return eg_record_printf(r, "%s and %s a %s %s", two, relation(a, c), colours[c->colour], classes[c->label]);
}

static eg_status put_captions(const scene *c, eg_draw *d, eg_record *r, eg_error *err) {
	const object *a = &c->at[0], *b = &c->at[1], *z = &c->at[2];
	const char **all = eg_record_room(r, 2 * sizeof *all);
	if (!all) return eg_record_no_memory(err);
	all[0] = c->n == 2 ? say_two(r, a, b) : say_three(r, a, b, z);
	all[1] = c->n == 2 ? say_two(r, b, a) : say_three(r, a, z, b);
	if (!all[0] || !all[1]) return eg_record_no_memory(err);
	const char *one = all[eg_draw_whole(d, 0, 1)];
	r->fields[CAPTION] = (eg_datum){.there = true, .text = {one, strlen(one)}};
	r->fields[REFERENCES] = (eg_datum){.there = true, .tokens = {2, all}};
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const scene_source *s = (const scene_source *)base;
	eg_draw d = eg_made_draw(&s->made, part, i);
	const scene c = draw_scene(part, i, &d);
	uint8_t *pixels = eg_black(r, (size_t)3 * SIDE * SIDE);
	eg_box *boxes = eg_record_room(r, OBJECTS_MOST * sizeof *boxes);
	int32_t *tags = eg_record_room(r, OBJECTS_MOST * sizeof *tags);
	if (!pixels || !boxes || !tags) return eg_record_no_memory(err);
	eg_status status = put_captions(&c, &d, r, err);
	for (int k = 0; k < c.n; k++) tags[k] = c.at[k].colour;
	for (int k = 0; k < c.n && !status && wanted & (1u << PICTURE | 1u << BOXES); k++)
		status = paint_object(s, part, &c.at[k], &d, pixels, &boxes[k], r, err);
	if (status) return status;
	r->fields[PICTURE] = (eg_datum){.there = true, .picture = {3, SIDE, SIDE, pixels}};
	r->fields[BOXES] = (eg_datum){.there = true, .boxes = {c.n, boxes}};
	r->fields[COLOURS] = (eg_datum){.there = true, .tags = {c.n, tags}};
	r->fields[COMBINATION] = (eg_datum){.there = true, .label = c.unseen};
	eg_made_only(r, wanted);
	return EG_OK;
}

static void close_source(eg_source *base) {
	for (int k = 0; k < 2; k++) eg_stock_close(&((scene_source *)base)->stocks[k]);
}

const eg_source_type eg_source_type_scenes = {
	.info = {.name = "scenes",
		.doc = "two or three coloured clothes and digits above, below or beside one another, 64x64, with captions, made by a "
		       "rule of fashion-mnist and mnist (which have to be there)",
		.origin = "made of fashion-mnist and mnist",
		.licence = "CC BY-SA 3.0",
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(scene_source),
	.prepare = prepare,
	.read = read_record,
	.close = close_source};
